"""The note a contact gets is made for where it plays."""

from __future__ import annotations

import base64
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


def kept(gateway: Gateway) -> tuple[Path, Path]:
    """The one note that was spoken, and what was made of it for the phone."""
    media = gateway.media.path(MediaId("0" * 64)).parent.parent
    (fitted,) = media.glob("*/*.whatsapp_phone")
    return fitted.with_suffix(""), fitted


async def test_every_line_has_a_profile(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, line), tmp_path) as (gateway, _):
        assert gateway.channels[line.name].capabilities.profile in PROFILES


async def test_a_phone_is_handed_what_a_phone_records(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, evo, format="mirror"), tmp_path) as (gateway, _):
        assert await ask(evo, gateway, 1) == VOICE
        sent = base64.b64decode(evo.fake.sent[0].json["audio"])
        assert WHATSAPP_PHONE.takes(sent)
        found = parser.read(sent)
        assert (found.rate, found.vendor, found.tocs[0], found.counts[0]) == (16_000, b"opus", 0x4B, 3)
        assert found.bad_sums == 0
        assert found.pages


async def test_it_is_made_once(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, evo, format="mirror"), tmp_path) as (gateway, _):
        await ask(evo, gateway, 1)
        spoken, _ = kept(gateway)
        spoken.write_bytes(b"nobody makes a note of me again")
        assert await ask(evo, gateway, 2) == VOICE
        assert evo.fake.sent[1].json["audio"] == evo.fake.sent[0].json["audio"]


async def test_what_cannot_be_made_so_goes_as_words(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, evo, format="mirror"), tmp_path) as (gateway, _):
        await ask(evo, gateway, 1)
        spoken, fitted = kept(gateway)
        fitted.unlink()
        spoken.write_bytes(b"this is no sound")
        assert await ask(evo, gateway, 2) == "Echo: quanto custa o frete?"
        assert not fitted.exists()
