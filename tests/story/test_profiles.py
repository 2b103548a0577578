"""The note a contact gets is made for where it plays."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from gateway.app import Gateway
from storage.model import MediaId
from tests import ogg as parser
from tests.fakes import sounds
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import VOICE, Evolution, Line, heard, with_an_ear
from tests.story.running import running
from tts.profiles import PROFILES, WHATSAPP_PHONE


async def ask(line: Line, gateway: Gateway, count: int) -> str:
    """The same question by voice again: the same words come back, and so the same note."""
    assert await line.post(gateway, line.voice(f"m{count}", sounds.ogg_opus(1.0))) == 200
    return (await heard(line, count))[-1]


def sent(evo: Evolution, n: int) -> bytes:
    return base64.b64decode(evo.fake.sent[n].json["audio"])


def kept(gateway: Gateway, note: bytes) -> Path:
    """Where a note that was spoken lies."""
    return gateway.media.path(MediaId(hashlib.sha256(note).hexdigest()))


async def test_every_line_has_a_profile(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, line), tmp_path) as (gateway, _):
        assert gateway.channels[line.name].capabilities.profile in PROFILES


async def test_a_phone_is_handed_what_a_phone_records(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, evo, format="mirror"), tmp_path) as (gateway, _):
        assert await ask(evo, gateway, 1) == VOICE
        note = sent(evo, 0)
        assert WHATSAPP_PHONE.takes(note)
        found = parser.read(note)
        assert (found.rate, found.vendor, found.tocs[0], found.counts[0]) == (16_000, b"opus", 0x4B, 3)
        assert found.bad_sums == 0
        assert found.pages
        assert kept(gateway, note).exists(), "encoded once, for where it plays"
        assert not kept(gateway, note).with_suffix(".whatsapp_phone").exists()


async def test_a_note_made_for_another_place_is_fitted_once(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path
) -> None:
    patient = with_an_ear(openai, evo, format="mirror").replace(
        "[queues.hearing]", "[queues.handoff]\nafter_failures = 0\n[queues.hearing]"
    )
    async with running(patient, tmp_path) as (gateway, _):
        await ask(evo, gateway, 1)
        spoken = kept(gateway, sent(evo, 0))
        spoken.write_bytes(sounds.ogg_opus(2.0))
        assert await ask(evo, gateway, 2) == VOICE
        assert WHATSAPP_PHONE.takes(sent(evo, 1))
        spoken.write_bytes(b"nobody makes a note of me again")
        assert await ask(evo, gateway, 3) == VOICE
        assert sent(evo, 2) == sent(evo, 1) != sent(evo, 0)


async def test_what_cannot_be_made_so_goes_as_words(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    patient = with_an_ear(openai, evo, format="mirror").replace(
        "[queues.hearing]", "[queues.handoff]\nafter_failures = 0\n[queues.hearing]"
    )
    async with running(patient, tmp_path) as (gateway, _):
        await ask(evo, gateway, 1)
        spoken = kept(gateway, sent(evo, 0))
        spoken.write_bytes(b"this is no sound")
        assert await ask(evo, gateway, 2) == "Echo: quanto custa o frete?"
        assert not spoken.with_suffix(".whatsapp_phone").exists()
