"""The command, as somebody types it."""

from __future__ import annotations

import asyncio
import base64
import os
import platform
import re
import socket
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import TIDY, _free, _give_back, _tidy_until, main
from tests.fakes import elevenlabs as voice_wire
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.postgres import Server
from tests.story.running import running, toml
from tts import ogg
from tts.profiles import PROFILES


async def recado(*words: str | Path) -> int:
    """The exit code."""
    try:
        return await asyncio.to_thread(main, [str(word) for word in words])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def written(folder: Path, text: str) -> Path:
    path = folder / "recado.toml"
    path.write_text(text, "utf-8")
    return path


def spoken(openai: FakeOpenAI, elevenlabs: FakeElevenLabs, **changes: str) -> str:
    knobs = {"api_key": voice_wire.KEY, "voice_id": voice_wire.VOICE, "model_id": "eleven_v3", **changes}
    voice = f'provider = "elevenlabs"\nbase_url = "{elevenlabs.url}"\n'
    voice += "".join(f'{key} = "{value}"\n' for key, value in knobs.items())
    return toml(openai.base_url, openai_key=openai.key, format="voice", voice=voice)


async def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("--version") == 0
    assert re.fullmatch(r"recado \d+\.\d+\.\d+\n", capsys.readouterr().out)


async def test_check_says_that_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        assert await recado("check", "--config", path) == 0
    assert "queues.loja.voice.voice_id" in capsys.readouterr().out


async def test_check_says_that_the_vaults_key_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        monkeypatch.setenv("RECADO_VAULT_KEY", "a key that was typed")
        assert await recado("check", "--config", path) == 1
        monkeypatch.delenv("RECADO_VAULT_KEY")
        assert "RECADO_VAULT_KEY does not hold 32-byte keys" in capsys.readouterr().err
        assert await recado("check", "--config", path) == 0
        assert not (tmp_path / "recado.db.key").exists()


async def test_check_says_that_the_vaults_key_is_another_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], postgres: Server
) -> None:
    """Or not here: a start would end on it, on a file and on a server."""
    name = postgres.database()
    server = f'[storage]\nurl = "{postgres.url(name)}"\n'
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        for n, storage in enumerate(("", server)):
            folder = tmp_path / str(n)
            folder.mkdir()
            path = written(folder, spoken(openai, elevenlabs) + storage)
            for key, told in ((b"a", ""), (b"b", "sealed with a key that is not here"), (b"", "its key is not here")):
                monkeypatch.setenv("RECADO_VAULT_KEY", base64.b64encode(32 * key).decode())
                if not told:
                    async with running(path.read_text("utf-8"), folder):
                        pass
                assert await recado("check", "--config", path) == bool(told)
                assert told in capsys.readouterr().err
    postgres.drop(name)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        pytest.param({"api_key": "wrong"}, "queues.loja.voice.api_key", id="voice key"),
        pytest.param({"voice_id": "nobody"}, "queues.loja.voice.voice_id", id="voice"),
        pytest.param({"model_id": "eleven_gone"}, "queues.loja.voice.model_id", id="voice model"),
    ],
)
async def test_check_names_what_is_wrong_with_the_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], key: str
) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs, **changes))
        assert await recado("check", "--config", path) == 1
    said = capsys.readouterr().err
    assert key in said
    assert "wrong" not in said.replace("wrong key", ""), "a key is never shown"


async def test_check_names_what_is_wrong_with_the_assistant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models: list[dict[str, Any]] = [{"id": "gpt-6-luna", "object": "model", "shutdown_date": "2027-01-14"}]
    async with FakeOpenAI(models=models) as openai:
        path = written(tmp_path, toml(openai.base_url, openai_key=openai.key))
        assert await recado("check", "--config", path) == 0
        assert "2027-01-14" in capsys.readouterr().err
        path = written(tmp_path, toml(openai.base_url, openai_key="sk-not-this-one"))
        assert await recado("check", "--config", path) == 1
    said = capsys.readouterr().err
    assert "queues.loja.assistant.api_key" in said
    assert "sk-not-this-one" not in said


@pytest.mark.parametrize(
    ("key", "code", "named"), [("", 0, "queues.loja.hearing.model"), ("wrong-one", 1, "queues.loja.hearing.api_key")]
)
async def test_check_listens_with_the_ear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, code: int, named: str
) -> None:
    async with FakeOpenAI() as openai:
        ear = f'provider = "openai"\nmodel = "gpt-transcribe"\nbase_url = "{openai.base_url}"\n'
        ear += f'api_key = "{key or openai.key}"'
        path = written(tmp_path, toml(openai.base_url, openai_key=openai.key, hearing=ear))
        assert await recado("check", "--config", path) == code
    said = capsys.readouterr()
    assert named in said.out + said.err
    assert "wrong-one" not in said.out + said.err


async def test_a_part_of_a_gateway_on_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody else could do the rest."""
    path = written(tmp_path, toml("http://127.0.0.1:9", openai_key="k"))
    assert await recado("run", "--config", path, "--role", "web") == 2
    assert "--role web: storage.url names a file" in capsys.readouterr().err


async def test_check_finds_a_database_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeOpenAI() as openai:
        url = '[storage]\nurl = "postgresql://recado:psst@127.0.0.1:1/x"\n'
        path = written(tmp_path, toml(openai.base_url, openai_key=openai.key, more=url))
        assert await recado("check", "--config", path) == 1
        told = capsys.readouterr()
        assert "storage.url: the database cannot be reached" in told.err
        assert "psst" not in told.err + told.out
        assert "assistant" in told.out, "and the rest was looked at all the same"


async def test_check_finds_a_dead_provider(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, toml("http://127.0.0.1:9/v1", openai_key="k"))
    assert await recado("check", "--config", path) == 1
    assert "queues.loja.assistant.base_url" in capsys.readouterr().err


async def test_a_missing_document_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[[queues]]\nname = "a"\nknowledge = ["faq.md"]\n[[channels]]\nname = "s"\ntype = "webchat"\nqueue = "a"\n'
    assert await recado("check", "--config", written(tmp_path, text)) == 1
    assert "faq.md" in capsys.readouterr().err


def test_a_missing_document_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[[queues]]\nname = "a"\nknowledge = ["faq.md"]\n[[channels]]\nname = "s"\ntype = "webchat"\nqueue = "a"\n'
    assert main(["run", "--config", str(written(tmp_path, text)), "--port", "0"]) == 2
    assert "queues.a.knowledge" in (said := capsys.readouterr().err)
    assert "faq.md" in said


def test_the_demo_takes_another_port_when_its_own_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert _free("127.0.0.1", port) == 0
    assert _free("127.0.0.1", port) == port


def test_a_taken_port_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = '[[queues]]\nname = "a"\n[[channels]]\nname = "s"\ntype = "webchat"\nqueue = "a"\n'
        assert main(["run", "--config", str(written(tmp_path, text)), "--port", str(port)]) == 3
    assert str(port) in capsys.readouterr().err


async def test_a_wrong_configuration_is_explained_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[[queues]]\nname = "a"\nlangauge = "pt"\n[[channels]]\nname = "s"\ntype = "webchat"\nqueue = "a"\n'
    assert await recado("run", "--config", written(tmp_path, text)) == 2
    said = capsys.readouterr().err
    assert "langauge" in said
    assert "'language'" in said
    assert "line 3" in said
    assert list(tmp_path.iterdir()) == [tmp_path / "recado.toml"]


async def test_a_missing_file_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("run", "--config", tmp_path / "none.toml") == 2
    assert "none.toml" in capsys.readouterr().err


async def test_say_makes_a_voice_note_in_the_queues_voice(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        assert await recado("say", "Custa R$ 5,00.", "--config", path, "--queue", "loja", "-o", tmp_path / "a.ogg") == 0
        assert ogg.facts((tmp_path / "a.ogg").read_bytes()).is_voice_note
        assert elevenlabs.spoken[0].json["text"] == "Custa cinco reais."


@pytest.mark.parametrize("profile", PROFILES)
async def test_say_makes_a_note_for_each_place_and_says_what_it_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str
) -> None:
    note = tmp_path / "a.ogg"
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        assert await recado("say", "Bom dia!", "--config", path, "--profile", profile, "-o", note) == 0
    data = note.read_bytes()
    assert PROFILES[profile].takes(data)
    said = capsys.readouterr().out
    assert f", {len(data)} bytes, {profile}, by elevenlabs/{voice_wire.VOICE}/eleven_v3\n" in said
    assert "8 characters charged" in said


async def test_say_shows_the_words_and_spends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[laughs] O Wi-Fi custa R$ 5,00: https://example.com/wifi"
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        dictionary = 'pronunciations = { "Wi-Fi" = "uai fai" }\n[queues.hearing]'
        for model, laughs in (("eleven_v3", True), ("eleven_flash_v2_5", False)):
            voice = spoken(openai, elevenlabs, model_id=model).replace("[queues.hearing]", dictionary)
            assert await recado("say", text, "--config", written(tmp_path, voice), "--show-speakable") == 0
            said = capsys.readouterr().out
            assert ("[laughs]" in said) is laughs
            assert "uai fai custa cinco reais" in said
            assert said.endswith("\n\nPor escrito, ao lado:\nhttps://example.com/wifi\n")
        assert elevenlabs.calls == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-US", "In writing, beside it:"), ("es", "Por escrito, al lado:"), ("zh", "另附文字："), ("it", "In writing")],
)
async def test_the_heading_is_in_the_language_of_the_text(
    language: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await recado("say", "https://example.com", "--language", language, "--show-speakable") == 0
    assert said in capsys.readouterr().out


async def test_a_text_too_long_for_one_note_becomes_several_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(PROFILES["web"], max_bytes=6_000)
    monkeypatch.setitem(PROFILES, "web", small)
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        text = " ".join(f"Esta é a frase número {number}." for number in range(1, 9))
        assert await recado("say", text, "--config", path, "-o", tmp_path / "a.ogg") == 0
    assert "a-2.ogg: " in capsys.readouterr().out
    assert all(small.takes((tmp_path / name).read_bytes()) for name in ("a.ogg", "a-2.ogg"))


async def test_say_names_a_voice_that_could_not_speak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        elevenlabs.next(voice_wire.QUOTA, voice_wire.QUOTA)
        text = spoken(openai, elevenlabs)
        path = written(tmp_path, text)
        assert await recado("say", "oi", "--config", path, "-o", tmp_path / "a.ogg") == 1
        assert "quota_exceeded. The account has no characters left" in capsys.readouterr().err
        silent = '[[queues.voice.fallbacks]]\nprovider = "silent"\n[queues.hearing]'
        path = written(tmp_path, text.replace("[queues.hearing]", silent))
        assert await recado("say", "oi", "--config", path, "-o", tmp_path / "a.ogg") == 0
    said = capsys.readouterr()
    assert "by silent" in said.out
    assert "0 characters charged" in said.out
    assert f"could not speak: elevenlabs/{voice_wire.VOICE}/eleven_v3: quota_exceeded" in said.err


@pytest.mark.parametrize("place", [".", "none/a.ogg"])
async def test_say_pays_for_nothing_that_it_cannot_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        path = written(tmp_path, spoken(openai, elevenlabs))
        assert await recado("say", "oi", "--config", path, "-o", tmp_path / place) == 3
        assert elevenlabs.spoken == []
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("say", "oi"), 2, "usage"),
        (("say", "oi", "--queue", "nobody", "-o", "x.ogg"), 2, "nobody"),
        (("say", "🙂", "-o", "x.ogg"), 1, "no words"),
        (("say",), 2, "usage"),
        (("dance",), 2, "usage"),
        ((), 2, "usage"),
    ],
)
async def test_a_wrong_command_is_explained(
    words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await recado(*words) == code
    assert said in capsys.readouterr().err


# -- freed memory -----------------------------------------------------------------------------------------


async def test_freed_memory_is_given_back_again_and_again_until_told_to_stop() -> None:
    stop, given = asyncio.Event(), list[int]()

    def give_back() -> None:
        given.append(len(given))
        if len(given) == 3:
            stop.set()

    await asyncio.wait_for(_tidy_until(stop, 0, give_back), 30)
    assert given == [0, 1, 2]


async def test_who_is_told_to_stop_waits_for_nothing() -> None:
    stop, given = asyncio.Event(), list[int]()
    tidying = asyncio.create_task(_tidy_until(stop, TIDY, lambda: given.append(1)))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(tidying, 30)
    assert not given


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give it back by themselves")
async def test_what_was_freed_goes_back_to_the_system() -> None:
    """Below something that is still used it would stay for ever. A page is the least that can go back."""
    pieces = [b"." * (3000 + n % 2) for n in range(20_000)]
    del pieces[:-1]
    before = _resident()
    _give_back()
    assert before - _resident() > 30_000_000
    assert pieces


async def test_what_holds_itself_goes_too() -> None:
    """The collector may not look for hours."""
    client = Client()
    client.closed = client.close
    gone = weakref.ref(client)
    del client
    _give_back()
    assert gone() is None


class Client:
    """Knows a method of its own, as those of many SDKs do."""

    closed: Callable[[], None]

    def close(self) -> None: ...


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_secret_signs_callbacks(capsys: pytest.CaptureFixture[str]) -> None:
    from standardwebhooks.webhooks import Webhook

    assert await recado("secret") == 0
    assert Webhook(capsys.readouterr().out.strip())


@pytest.mark.embedded
async def test_say_without_a_configuration_uses_the_embedded_voice(tmp_path: Path) -> None:
    assert await recado("say", "Olá!", "-o", tmp_path / "a.ogg") == 0
    assert ogg.facts((tmp_path / "a.ogg").read_bytes()).seconds > 0.2


FLOWS = Path(__file__).parent / "fixtures" / "flows"


def test_a_flow_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "check", str(FLOWS / "clinica.toml")]) == 0
    assert "menu" in capsys.readouterr().out
    assert main(["flow", "check", str(FLOWS / "clinica.toml"), "--mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart")


def test_what_is_wrong_with_a_flow_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = tmp_path / "flow.toml"
    flow.write_text('name = "x"\nstart = "a"\n[[steps]]\nname = "a"\nkind = "say"\ntext = "oi"\nnext = "b"\n')
    assert main(["flow", "check", str(flow)]) == 1
    said = capsys.readouterr().err
    assert str(flow) in said
    assert "'b'" in said or "b" in said.split(":")[-1]
    assert main(["flow", "check", str(tmp_path / "none.toml")]) == 1
