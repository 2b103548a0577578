"""Voice in, voice out, and text when the voice fails."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import elevenlabs as voice_wire
from tests.fakes import openai as wire
from tests.fakes import sounds
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.fakes.wire import answer, cut, refused
from tests.story.running import KEY, LONG, Contact, burst_ends, running, toml
from tts import ogg

ANSWER = "O frete custa R$ 19,90. Acompanhe em https://loja.example/pedido/42 com o código BR123456789BR."


def spoken_queue(
    openai: FakeOpenAI, elevenlabs: FakeElevenLabs, *, format: str = "voice", more: str = "", **window: int
) -> str:
    voice = f"""
provider = "elevenlabs"
api_key = "{voice_wire.KEY}"
base_url = "{elevenlabs.url}"
voice_id = "{voice_wire.VOICE}"
model_id = "eleven_flash_v2_5"
stability = 0.4
timeout_s = 10
"""
    hearing = f'provider = "openai"\napi_key = "{openai.key}"\nbase_url = "{openai.base_url}"\nmodel = "gpt-transcribe"'
    voice += more
    return toml(openai.base_url, openai_key=openai.key, format=format, voice=voice, hearing=hearing, **window)


async def fetch(contact: Contact, media: dict[str, Any], **headers: str) -> tuple[int, bytes, str]:
    url = f"{contact.gateway.url}{media['url']}"
    async with contact.http.get(url, headers={"Authorization": f"Bearer {KEY}", **headers}) as answer:
        return answer.status, await answer.read(), answer.headers["Content-Type"]


async def test_an_answer_is_spoken_in_the_chosen_voice(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: ANSWER) as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            reply = await contact.ask("Quanto é o frete?")
            voice, text = reply["parts"]
            status, note, mime = await fetch(contact, voice["media"])
            assert (status, mime) == (200, "audio/ogg; codecs=opus")
            facts = ogg.facts(note)
            assert facts.is_voice_note
            assert abs(facts.seconds - voice["media"]["seconds"]) < 0.05
            assert len(voice["media"]["waveform"]) == 64
            assert voice["media"]["bytes"] == len(note)
            assert "https://loja.example/pedido/42" in text["text"]
            assert "BR123456789BR" in text["text"]
            assert "http" not in voice["transcript"]
        first, second = sorted(elevenlabs.spoken, key=lambda call: "previous_text" in call.json)  # spoken side by side
        for call in (first, second):
            assert call.path == f"/v1/text-to-speech/{voice_wire.VOICE}"
            assert call.json["model_id"] == "eleven_flash_v2_5"
            assert call.json["voice_settings"] == {"stability": 0.4}
        assert f"{first.json['text']} {second.json['text']}" == voice["transcript"]
        assert second.json["previous_text"] == first.json["text"], "the second sentence carries on from the first"


@pytest.mark.parametrize(
    ("format", "wrote", "spoke"),
    [
        ("text", ["text"], ["text"]),
        ("voice", ["voice"], ["voice"]),
        ("mirror", ["text"], ["voice"]),
        ("both", ["voice", "text"], ["voice", "text"]),
    ],
)
async def test_the_format_decides(tmp_path: Path, format: str, wrote: list[str], spoke: list[str]) -> None:
    async with FakeOpenAI(lambda _: "Sim, temos.") as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs, format=format), tmp_path) as (_, contact):
            written = await contact.ask("Tem pix?")
            spoken = await contact.speak(sounds.ogg_opus(1.0))
            assert [part["kind"] for part in written["parts"]] == wrote
            assert [part["kind"] for part in spoken["parts"]] == spoke


async def test_a_voice_note_is_heard_and_merged_with_what_was_typed(tmp_path: Path) -> None:
    async with FakeOpenAI(heard="quanto custa o frete?") as openai, FakeElevenLabs() as elevenlabs:
        text = spoken_queue(openai, elevenlabs, format="text", interval=LONG, max_wait=LONG)
        async with running(text, tmp_path) as (gateway, contact):
            await contact.say("Oi", at=time.time_ns() // 1_000_000 - 1000)
            speaking = asyncio.create_task(contact.speak(sounds.ogg_opus(1.0), text="é para Santos"))
            await burst_ends(gateway, contact.conversation, 2)
            reply = await speaking
            assert reply["parts"][0]["text"] == "Echo: Oi\nquanto custa o frete?\né para Santos"
            _, body = await contact.get("/messages")
            note = body["messages"][1]["part"]
            assert (note["kind"], note["transcript"]) == ("voice", "quanto custa o frete?")
            assert note["media"]["seconds"] == pytest.approx(1.0, abs=0.1)
            heard = [call for call in openai.calls if call.path.endswith("transcriptions")]
            assert [call.form["model"] for call in heard] == ["gpt-transcribe"]


async def test_the_same_note_is_heard_once(tmp_path: Path) -> None:
    note = sounds.ogg_opus(1.0)
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs, format="text"), tmp_path) as (_, contact):
            await contact.speak(note)
            await contact.speak(note)
            assert len([call for call in openai.calls if call.path.endswith("transcriptions")]) == 1


async def test_a_note_that_cannot_be_heard_is_answered_politely(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            openai.play_hearing(wire.refused(401, "invalid_api_key"))
            reply = await contact.speak(sounds.ogg_opus(1.0))
            assert (reply["outcome"], reply["reason"]) == ("answered", "hearing_unavailable")
            assert reply["parts"][0]["text"].startswith("Ainda não consigo ouvir")
            assert openai.asked == []


async def test_who_writes_and_speaks_learns_that_only_the_writing_was_answered(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Temos, sim.") as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs, format="text"), tmp_path) as (_, contact):
            openai.play_hearing(wire.refused(401, "invalid_api_key"))
            reply = await contact.speak(sounds.ogg_opus(1.0), text="Tem pix?")
            (part,) = reply["parts"]
            assert part["text"].startswith("Temos, sim.\n\nAinda não consigo ouvir")


FAULTS = {
    "quota": voice_wire.detail("quota_exceeded", "You have 3 credits remaining, while 40 credits are required."),
    "key": voice_wire.detail("invalid_api_key"),
}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refused(401, FAULTS["quota"]), id="quota"),
        pytest.param(refused(402, voice_wire.detail("paid_plan_required")), id="plan"),
        pytest.param(answer(b"<html>proxy</html>", "text/html"), id="html with 200"),
        pytest.param(answer(b"\x00" * 4000, "audio/mpeg"), id="no sound"),
        pytest.param(answer(b"", "audio/mpeg"), id="empty"),
    ],
)
async def test_whatever_the_voice_does_the_answer_arrives(tmp_path: Path, fault: Any) -> None:
    async with FakeOpenAI(lambda _: ANSWER) as openai, FakeElevenLabs() as elevenlabs:
        elevenlabs.next(*[fault] * 4)
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            reply = await contact.ask("Quanto é o frete?")
            assert reply["parts"] == [{"kind": "text", "text": ANSWER}]
            assert reply["outcome"] == "answered"
            (turn,) = await contact.turns()
            reasons = [s["reason"] for s in turn["timeline"] if s["step"] == "voice"]
            assert len([reason for reason in reasons if reason.startswith("text_instead:")]) == 1
            assert voice_wire.KEY not in str(turn)


async def test_a_fallback_voice_speaks_when_the_first_cannot(tmp_path: Path) -> None:
    more = '[[queues.voice.fallbacks]]\nprovider = "silent"'
    async with FakeOpenAI(lambda _: "Sim.") as openai, FakeElevenLabs() as elevenlabs:
        elevenlabs.next(refused(401, FAULTS["quota"]))
        async with running(spoken_queue(openai, elevenlabs, more=more), tmp_path) as (_, contact):
            reply = await contact.ask("Tem pix?")
            assert [part["kind"] for part in reply["parts"]] == ["voice"]
            (turn,) = await contact.turns()
            (step,) = [s for s in turn["timeline"] if (s["step"], s.get("reason")) == ("voice", "spoken")]
            assert step["by"] == "silent"
            assert "quota_exceeded" in step["fell_from"][0]


async def test_half_a_body_is_never_half_a_note(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Sim.") as openai, FakeElevenLabs() as elevenlabs:
        elevenlabs.next(cut(sounds.mp3(2.0)))
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            (part,) = (await contact.ask("Tem pix?"))["parts"]
            assert part["kind"] == "text" or len(elevenlabs.spoken) == 2, "tried again, or written; never half"


async def test_a_long_answer_is_written(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Sim. " * 400) as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            reply = await contact.ask("Tem pix?")
            assert [part["kind"] for part in reply["parts"]] == ["text"]
            assert elevenlabs.spoken == []


async def test_the_same_words_are_paid_once(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Sim, temos.") as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            await contact.ask("Tem pix?")
            await contact.ask("Tem boleto?")
            assert len(elevenlabs.spoken) == 1


async def test_a_note_is_served_in_ranges_and_as_mp3(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Sim, temos.") as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact):
            media = (await contact.ask("Tem pix?"))["parts"][0]["media"]
            status, first, _ = await fetch(contact, media, Range="bytes=0-3")
            assert (status, first) == (206, b"OggS")
            status, mp3, mime = await fetch(contact, {"url": media["url"] + "?as=mp3"})
            assert (status, mime) == (200, "audio/mpeg")
            assert mp3[:3] == b"ID3" or mp3[0] == 0xFF


async def test_a_note_is_closed_to_other_channels(tmp_path: Path) -> None:
    other = '[[channels]]\nname = "other"\ntype = "http"\nqueue = "loja"\nkey = "other-key-012345"\n'
    async with FakeOpenAI(lambda _: "Sim.") as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs) + other, tmp_path) as (_, contact):
            media = (await contact.ask("Tem pix?"))["parts"][0]["media"]
            url = contact.gateway.url + media["url"]
            for headers, status in (
                ({"Authorization": "Bearer other-key-012345"}, 404),
                ({"Authorization": "Bearer wrong"}, 401),
                ({}, 401),
            ):
                async with contact.http.get(url, headers=headers) as answered:
                    assert answered.status == status
