"""Chat Completions and models, called by OpenAI's own library as a program would."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from gateway.intake import Accepted
from gateway.web.openai.counter import LOST, Call, Handed
from storage.model import ConversationId
from tests.fakes.openai import FakeOpenAI, refused, spoken
from tests.fakes.sounds import wav
from tests.story.calling import MARKER, OLD_ID, PROGRAM, client, program
from tests.story.running import ADMIN, KEY

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
OI = [{"role": "user", "content": "oi"}]


def recado(answer: Any) -> dict[str, Any]:
    """What OpenAI has no field for."""
    extension: dict[str, Any] = answer.model_extra["recado"]
    return extension


# -- who and which -----------------------------------------------------------------------------------


async def test_the_queues_are_the_models(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        assert [model.id async for model in openai_.models.list()] == ["loja", "clinica"]
        assert (await openai_.models.retrieve("clinica")).id == "clinica"
        with pytest.raises(openai.NotFoundError) as caught:
            await openai_.models.retrieve("gpt-4o")
        assert caught.value.code == "model_not_found"


async def test_a_channel_with_a_queue_offers_only_that(tmp_path: Path) -> None:
    async with program(tmp_path, channel='queue = "clinica"') as (_, openai_, _):
        assert [model.id async for model in openai_.models.list()] == ["clinica"]
        with pytest.raises(openai.NotFoundError):
            await openai_.chat.completions.create(model="loja", messages=OI)


@pytest.mark.parametrize("key", ["wrong", KEY])
async def test_a_key_of_nobody_or_of_another_channel_opens_nothing(tmp_path: Path, key: str) -> None:
    async with program(tmp_path) as (upstream, _, gateway):
        async with client(gateway, key) as stranger:
            with pytest.raises(openai.AuthenticationError) as caught:
                await stranger.chat.completions.create(model="loja", messages=OI)
        assert caught.value.code == "invalid_api_key"
        assert key not in str(caught.value)
        assert not upstream.asked


async def test_the_admin_key_stands_for_the_one_channel(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, _, gateway), client(gateway, ADMIN) as admin:
        assert (await admin.chat.completions.create(model="loja", messages=OI)).choices[0].message.content == "Echo: oi"


async def test_without_a_key_the_error_says_what_to_send(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, _, gateway), aiohttp.ClientSession() as http:
        async with http.get(f"{gateway.url}/v1/models") as answer:
            assert answer.status == 401
            assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}


# -- one answer --------------------------------------------------------------------------------------


async def test_a_completion_is_the_queues_answer(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        made = await openai_.chat.completions.create(model="loja", messages=OI, temperature=0.2, max_tokens=50)
        assert (made.choices[0].message.content, made.choices[0].finish_reason) == ("Echo: oi", "stop")
        assert (made.model, made.object) == ("loja", "chat.completion")
        assert made.usage is not None
        assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens == 450
        assert recado(made)["outcome"] == "answered"
        assert "atendente da loja" in upstream.asked[0].instructions


async def test_a_call_without_a_name_stands_alone_and_brings_its_history(tmp_path: Path) -> None:
    history = [
        {"role": "system", "content": "Fale como um pirata."},
        {"role": "user", "content": "meu nome é Lia"},
        {"role": "assistant", "content": "Olá, Lia!"},
        {"role": "user", "content": "primeiro"},
        {"role": "user", "content": "e depois?"},
    ]
    async with program(tmp_path) as (upstream, openai_, _):
        first = await openai_.chat.completions.create(model="loja", messages=history)  # type: ignore[arg-type]
        second = await openai_.chat.completions.create(model="loja", messages=OI)
        assert first.choices[0].message.content == "Echo: primeiro\ne depois?"
        assert recado(first)["conversation"] != recado(second)["conversation"]
        asked, alone = upstream.asked
        assert "Fale como um pirata." in asked.instructions
        assert [words for _, words in asked.said if "Lia" in words] == ["meu nome é Lia", "Olá, Lia!"]
        assert not any("Lia" in words for _, words in alone.said)


@pytest.mark.parametrize("named", [{"user": "lia"}, {"metadata": {"conversation": "lia"}}])
async def test_a_named_conversation_remembers(tmp_path: Path, named: dict[str, Any]) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        first = await openai_.chat.completions.create(
            model="loja", messages=[{"role": "user", "content": "meu nome é Lia"}], **named
        )
        said_again = [
            {"role": "user", "content": "something that was never said here"},
            {"role": "assistant", "content": "nor this"},
            *OI,
        ]
        second = await openai_.chat.completions.create(model="loja", messages=said_again, **named)  # type: ignore[arg-type]
        assert recado(first)["conversation"] == recado(second)["conversation"]
        words = [words for _, words in upstream.asked[1].said]
        assert "meu nome é Lia" in words
        assert "Echo: meu nome é Lia" in words
        assert not any("never said" in said for said in words)
        other = await openai_.chat.completions.create(model="clinica", messages=OI, **named)
        assert recado(other)["conversation"] != recado(first)["conversation"]


async def test_our_own_id_names_a_conversation_too(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        first = await openai_.chat.completions.create(model="loja", messages=OI)
        id = recado(first)["conversation"]
        second = await openai_.chat.completions.create(model="loja", messages=OI, user=id)
        assert recado(second)["conversation"] == id


async def test_an_old_assistants_id_is_a_model_too(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        made = await openai_.chat.completions.create(model=OLD_ID, messages=OI)
        assert made.model == "clinica"
        assert "Ana, da clínica" in upstream.asked[0].instructions


# -- handing over ------------------------------------------------------------------------------------


async def test_handing_over_is_an_answer_and_then_silence(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken(MARKER))
        made = await openai_.chat.completions.create(model="loja", messages=OI, user="lia")
        assert (made.choices[0].message.content or "").startswith("Vou chamar uma pessoa")
        assert (recado(made)["outcome"], recado(made)["reason"]) == ("transferred", "marker")
        silent = await openai_.chat.completions.create(model="loja", messages=OI, user="lia")
        assert (silent.choices[0].message.content, silent.choices[0].finish_reason) == ("", "stop")
        assert recado(silent)["outcome"] == "held"


async def test_an_assistant_that_fails_hands_over(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(refused(401, "invalid_api_key"))
        made = await openai_.chat.completions.create(model="loja", messages=OI)
        assert recado(made)["outcome"] == "transferred"
        assert made.choices[0].message.content


# -- streams -----------------------------------------------------------------------------------------


async def test_a_stream_says_the_same_in_pieces(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        text = "Bom dia! A consulta custa R$ 250.\n\nPosso ajudar em algo mais?"
        upstream.play(spoken(text))
        stream = await openai_.chat.completions.create(
            model="loja", messages=OI, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
        assert "".join(piece or "" for piece in pieces) == text
        assert len([piece for piece in pieces if piece]) > 1
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens == 450
        assert recado(chunks[-2])["outcome"] == "answered"
        assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_of_a_transfer_shows_nothing_of_the_marker(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken(MARKER))
        stream = await openai_.chat.completions.create(model="loja", messages=OI, stream=True)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert said.startswith("Vou chamar uma pessoa")


# -- sound -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "magic"), [("opus", b"OggS"), ("wav", b"RIFF"), ("mp3", b""), ("pcm16", b"")])
async def test_the_answer_is_spoken_in_the_queues_voice(tmp_path: Path, format: str, magic: bytes) -> None:
    async with program(tmp_path, format="mirror") as (_, openai_, _):
        made = await openai_.chat.completions.create(
            model="loja",
            messages=OI,
            modalities=["text", "audio"],
            audio={"voice": "alloy", "format": format},  # type: ignore[typeddict-item]
        )
        message = made.choices[0].message
        assert message.content == "Echo: oi"
        assert message.audio is not None
        assert message.audio.transcript
        sound = base64.b64decode(message.audio.data)
        assert sound.startswith(magic)
        assert len(sound) > 100
        if format == "wav":
            with wave.open(io.BytesIO(sound)) as file:
                assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert recado(made)["voice"]["url"].endswith(recado(made)["voice"]["id"])


async def test_a_queue_without_a_voice_says_so(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, gateway):
        gateway.crews["loja"] = replace(gateway.crews["loja"], voice=None)
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.chat.completions.create(
                model="loja", messages=OI, modalities=["text", "audio"], audio={"voice": "alloy", "format": "mp3"}
            )
        assert caught.value.param == "modalities"
        assert not upstream.asked


async def test_a_spoken_question_is_heard(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        sound = base64.b64encode(wav(1.0)).decode()
        part = {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}
        made = await openai_.chat.completions.create(
            model="loja", messages=[{"role": "user", "content": [part]}]  # type: ignore[typeddict-item, list-item]
        )
        assert recado(made)["reason"] == "hearing_unavailable", "this queue has no ear, and it says so"


async def test_what_was_spoken_is_answered(tmp_path: Path) -> None:
    async with FakeOpenAI(heard="Quanto custa?") as ear:
        hearing = f'provider = "openai"\napi_key = "{ear.key}"\nbase_url = "{ear.base_url}"\nmodel = "gpt-transcribe"'
        async with program(tmp_path, hearing=hearing) as (_, openai_, _):
            sound = {"data": base64.b64encode(wav()).decode(), "format": "wav"}
            spoken_: Any = [{"role": "user", "content": [{"type": "input_audio", "input_audio": sound}]}]
            made = await openai_.chat.completions.create(model="loja", messages=spoken_)
    assert made.choices[0].message.content == "Echo: Quanto custa?"


async def test_a_picture_is_looked_at(tmp_path: Path) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    parts = [{"type": "text", "text": "olhe"}, {"type": "image_url", "image_url": {"url": url}}]
    shown: Any = [{"role": "user", "content": parts}]
    async with program(tmp_path) as (upstream, openai_, _):
        await openai_.chat.completions.create(model="loja", messages=shown)
        assert base64.b64encode(PNG).decode() in str(upstream.asked[0].json["input"])


# -- refusals ----------------------------------------------------------------------------------------

TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
REFUSED = [
    ({"n": 2}, "n"),
    ({"tools": [TOOL]}, "tools"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"logprobs": True}, "logprobs"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "user", "content": " "}]}, "messages"),
    ({"messages": [*OI, {"role": "assistant", "content": "So it is"}]}, "messages"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}]}]},
        "messages[0].content[0].image_url",
    ),
    ({"user": "a\nb"}, "user"),
    ({"metadata": {"k": "x" * 513}}, "metadata.k"),
    ({"audio": {"voice": "x", "format": "flac"}, "modalities": ["audio", "text"]}, "audio.format"),
    ({"messages": [{"role": "user", "content": "x" * 32_769}]}, "messages"),
]


@pytest.mark.parametrize(("wish", "param"), REFUSED)
async def test_what_is_not_served_is_refused_by_name(tmp_path: Path, wish: dict[str, Any], param: str) -> None:
    async with program(tmp_path, format="mirror") as (upstream, openai_, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.chat.completions.create(**({"model": "loja", "messages": OI} | wish))
        assert caught.value.param == param
        assert not upstream.asked


async def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        with pytest.raises(openai.NotFoundError) as caught:
            await openai_.chat.completions.create(model="gpt-4o", messages=OI)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model":"loja","messages":"x"}', b'{"model":3,"messages":[]}'])
async def test_a_body_that_is_no_call_is_explained(tmp_path: Path, body: bytes) -> None:
    async with program(tmp_path) as (_, _, gateway), aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {PROGRAM}", "Content-Type": "application/json"}
        url = f"{gateway.url}/v1/chat/completions"
        async with http.post(url, data=body, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["message"]


# -- the same call again -----------------------------------------------------------------------------


@pytest.mark.parametrize("named", [{}, {"user": "lia"}])
async def test_a_repeated_call_is_one_question(tmp_path: Path, named: dict[str, Any]) -> None:
    """The library waits too briefly, hangs up, and by itself calls again: the first call's answer is there."""
    release, sent = asyncio.Event(), list[object]()

    async def count(request: object) -> None:
        sent.append(request)
        if len(sent) == 3:
            release.set()

    async with program(tmp_path) as (upstream, _, gateway):
        upstream.play(spoken("A única resposta.", gate=release))
        http = DefaultAsyncHttpxClient(event_hooks={"request": [count]})
        async with client(gateway, timeout=2.0, max_retries=5, http_client=http) as hasty:
            made = await hasty.chat.completions.create(model="loja", messages=OI, **named)
        assert made.choices[0].message.content == "A única resposta."
        assert len(upstream.asked) == 1


async def test_an_idempotency_key_makes_one_question_of_two_calls(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        key = {"extra_headers": {"Idempotency-Key": "order-17"}}
        first = await openai_.chat.completions.create(model="loja", messages=OI, **key)  # type: ignore[arg-type]
        again = await openai_.chat.completions.create(model="loja", messages=OI, **key)  # type: ignore[arg-type]
        assert first.id == again.id
        assert len(upstream.asked) == 1
        other = [{"role": "user", "content": "outra"}]
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.chat.completions.create(model="loja", messages=other, **key)  # type: ignore[arg-type]
        assert caught.value.code == "idempotency_key_reused"


async def test_the_same_words_twice_are_two_questions(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        made = [await openai_.chat.completions.create(model="loja", messages=OI, user="lia") for _ in range(2)]
        assert len({one.id for one in made}) == len(upstream.asked) == 2


async def test_two_who_ask_just_the_same_never_share_a_conversation(tmp_path: Path) -> None:
    """One got his answer; the other's first try never arrived, and the library says that it tries again."""
    async with program(tmp_path) as (_, openai_, _):
        one = await openai_.chat.completions.create(model="loja", messages=OI)
        again = {"x-stainless-retry-count": "1"}
        other = await openai_.chat.completions.create(model="loja", messages=OI, extra_headers=again)
        assert recado(one)["conversation"] != recado(other)["conversation"]


async def test_an_answer_that_was_lost_on_the_way_is_given_again(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        first = await openai_.chat.completions.create(model="loja", messages=OI, user="lia")
        again = {"x-stainless-retry-count": "1"}
        lost = await openai_.chat.completions.create(model="loja", messages=OI, user="lia", extra_headers=again)
        assert (lost.id, len(upstream.asked)) == (first.id, 1)


async def test_who_says_the_same_again_is_heard_although_the_call_had_to_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.openai.counter.LOST", -1.0)
    async with program(tmp_path) as (upstream, openai_, _):
        for headers in ({}, {"x-stainless-retry-count": "1"}):
            await openai_.chat.completions.create(model="loja", messages=OI, user="lia", extra_headers=headers)
        assert len(upstream.asked) == 2


def test_who_has_his_answer_and_says_the_same_later_is_heard() -> None:
    """Also when that call has to be repeated: his first one is settled."""
    now, id = [0.0], ConversationId("c_1")
    handed = Handed(clock=lambda: now[0])
    handed.done(id, 1)
    for seconds, settled in ((LOST, False), (LOST + 1, True)):
        now[0] = seconds
        assert handed.is_settled(id, 1) is settled
    assert not handed.is_settled(id, 2), "of what nobody knows"


def test_a_call_that_stands_alone_is_found_once_and_only_without_an_answer() -> None:
    handed, gone = Handed(), [True]
    call, id = Call("digest", False, gone=lambda: gone[0]), ConversationId("c_1")
    handed.begins(call, Accepted(id, 1, False))
    assert handed.orphan(Call("another", True)) is None
    assert handed.orphan(Call("digest", True, gone=lambda: False)) == Accepted(id, 1, True)
    assert handed.orphan(Call("digest", True)) is None, "somebody waits for it again"
    handed.begins(call, Accepted(id, 2, False))
    handed.done(id, 2)
    assert handed.orphan(Call("digest", True)) is None


async def test_many_at_once_get_their_own_answers(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):

        async def ask(i: int, openai_: AsyncOpenAI) -> str:
            messages = [{"role": "user", "content": f"pergunta {i}"}]
            made = await openai_.chat.completions.create(model="loja", messages=messages, user=f"c{i % 20}x{i}")  # type: ignore[arg-type]
            return made.choices[0].message.content or ""

        said = await asyncio.gather(*(ask(i, openai_) for i in range(40)))
        assert said == [f"Echo: pergunta {i}" for i in range(40)]
