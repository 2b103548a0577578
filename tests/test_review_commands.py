"""What somebody else wrote, on the operator's terminal; and money that is not spent for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway import columns
from gateway.incidents import Incidents
from gateway.telemetry import Telemetry
from gateway.voices import lines
from tests.fakes import elevenlabs as voice_wire
from tests.fakes.elevenlabs import FakeElevenLabs, listed_voice, model
from tests.fakes.speech import FakeSpeech
from tests.test_cli import recado, written
from tests.test_voices import catalogue, compatible, elevenlabs, spoken

EVIL = "Ana \x1b[31mred\x1b]0;title\x07\nqueues.loja.voice: ok\u202e"


async def test_no_name_of_a_voice_is_obeyed_by_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeElevenLabs() as provider:
        provider.voices[voice_wire.VOICE] |= {"name": EVIL, "category": "premade"}
        provider.voices["V2"] = listed_voice("V2", EVIL)
        config = written(tmp_path, spoken(elevenlabs(provider)))
        await recado("check", "--config", config)
        await recado("voices", "--config", config)
    said = "".join(capsys.readouterr())
    assert "red" in said
    assert all(letter.isprintable() or letter in "\n\t" for letter in said)
    assert not any(line.startswith("queues.loja.voice: ok") for line in said.splitlines())


def test_no_incident_is_obeyed_by_the_terminal() -> None:
    incidents = Incidents(Telemetry())
    incidents.open("voice x", "voice_retired", EVIL)
    (line,) = incidents.lines
    assert line == columns.plain(line)


async def test_what_cannot_be_written_is_found_out_before_it_is_paid_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeElevenLabs() as provider:
        config = written(tmp_path, spoken(elevenlabs(provider)))
        code = await recado("say", "Oi", "--config", config, "-o", tmp_path / f"{'long' * 80}.ogg")
        assert provider.spoken == []
    assert code == 3
    assert "cannot write" in capsys.readouterr().err


async def test_looking_whether_it_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    async with FakeElevenLabs() as provider:
        config = written(tmp_path, spoken(elevenlabs(provider, api_key="wrong")))
        assert await recado("say", "Oi", "--config", config, "-o", tmp_path / "note.ogg") == 1
    assert not (tmp_path / "note.ogg").exists()


@pytest.mark.parametrize("change", [{"name": 5}, {"voice_id": None}, {"name": None}], ids=str)
async def test_an_odd_voice_does_not_hide_the_others(change: dict[str, Any]) -> None:
    async with FakeElevenLabs() as provider:
        provider.voices["V2"] = listed_voice("V2", "Bia") | change
        provider.models.append(model("eleven_v9") | {"model_id": None})
        found = await catalogue(spoken(elevenlabs(provider)))
    assert any("Ana" in line for line in lines(found))


@pytest.mark.parametrize("models", [["a"], [1], [{"object": "model"}], [{"id": 5}], {"a": 1}], ids=str)
async def test_an_odd_list_of_models_is_told_and_not_raised(models: Any) -> None:
    async with FakeSpeech() as provider:
        provider.models = models
        found = await catalogue(spoken(compatible(provider)))
    assert found.trouble == "" or "base_url" in found.trouble
    assert isinstance(lines(found), list)


@pytest.mark.parametrize("unix", [1_797_818_400_000, 10**20, -(10**20)])
async def test_a_period_that_ends_on_no_day_is_no_trouble(
    unix: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeElevenLabs() as provider:
        provider.subscription["next_character_count_reset_unix"] = unix
        await recado("check", "--config", written(tmp_path, spoken(elevenlabs(provider))))
    assert "82769 of 100000 characters are left." in capsys.readouterr().out


async def test_check_names_the_place_of_a_fallback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeElevenLabs() as provider:
        second = '[[queues.voice.fallbacks]]\nvoice_id = "nobody"\n'
        await recado("check", "--config", written(tmp_path, spoken(elevenlabs(provider) + second)))
    said = "".join(capsys.readouterr())
    assert "queues.loja.voice.fallbacks.0.voice_id: voice_not_found" in said
    assert "queues.loja.voice.voice_id: Ana is on this account" in said
