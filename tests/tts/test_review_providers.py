"""Sounds and answers that no provider should send, and some day one does."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests import ogg as judge
from tests.fakes import elevenlabs as voice_wire
from tests.fakes import sounds
from tests.fakes import speech as speech_wire
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.speech import FakeSpeech
from tests.fakes.wire import Fake, refused
from tts import encode, ogg
from tts.bounding import LARGEST_ANSWER, LARGEST_REFUSAL
from tts.elevenlabs import ElevenLabs
from tts.errors import Encoding
from tts.model import Speech
from tts.openai_compatible import OpenAICompatible

HUGE = 2**62


def timed(sound: bytes, *granules: int | None) -> bytes:
    """The same file whose pages say another time, counted from the end; None: as it was."""
    pages = [bytes(page.data) for page in ogg.pages(sound)]
    for place, granule in enumerate(granules):
        page = pages[len(pages) - len(granules) + place]
        if granule is not None:
            page = page[:6] + struct.pack("<q", granule) + page[14:]
        pages[len(pages) - len(granules) + place] = page[:22] + struct.pack("<I", judge.crc(page)) + page[26:]
    return b"".join(pages)


@pytest.mark.parametrize("granules", [(HUGE,), (0,), (-1,), (480_000,), (None, -5, None)], ids=str)
def test_a_time_that_the_packets_do_not_bear_out_is_written_anew(granules):
    """Passed as it was, a note of two seconds would have been one of three million years."""
    whole = sounds.ogg_opus(2.5)
    (note,) = encode.notes([timed(whole, *granules)])
    found = judge.read(note.audio.data)
    assert found.seconds == pytest.approx(note.audio.seconds) == pytest.approx(2.5, abs=0.05)
    assert found.bad_sums == 0


def test_what_is_timed_well_still_passes_untouched():
    whole = sounds.ogg_silence(3)
    (note,) = encode.notes([whole])
    assert note.audio.data == whole


def test_pages_without_any_time_are_no_trouble():
    whole = sounds.ogg_opus(0.5)
    nowhere = timed(whole, *[-1] * len(list(ogg.pages(whole))))
    assert ogg.facts(nowhere).seconds == 0
    (note,) = encode.notes([nowhere])
    assert note.audio.seconds == pytest.approx(0.5, abs=0.05)


class Pouring:
    """Writes until nobody reads any more, and counts."""

    def __init__(self, status: int) -> None:
        self.status, self.poured = status, 0

    async def __call__(self, fake: Fake, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=self.status, headers={"content-type": "application/json"})
        await answer.prepare(request)
        while not fake.closing.is_set() and self.poured < 4 * LARGEST_ANSWER:
            await answer.write(bytes(1 << 16))  # raises when the other side has hung up
            self.poured += 1 << 16
        return answer


def eleven(provider: Any) -> ElevenLabs:
    return ElevenLabs(voice_wire.KEY, voice_wire.VOICE, "eleven_v3", base_url=provider.url)


def compatible(provider: Any) -> OpenAICompatible:
    return OpenAICompatible(speech_wire.KEY, provider.base_url, speech_wire.VOICE, speech_wire.MODEL)


@pytest.mark.parametrize(
    ("make", "wire"), [(eleven, FakeElevenLabs), (compatible, FakeSpeech)], ids=["elevenlabs", "compatible"]
)
@pytest.mark.parametrize("status", [200, 401, 500])
async def test_an_answer_without_an_end_is_not_read_to_it(make: Any, wire: Callable[[], Fake], status: int) -> None:
    """The SDKs read an error's body whole before they raise it; this one fills the memory."""
    pouring = Pouring(status)
    async with wire() as provider:
        provider.next(pouring, pouring, pouring)
        voice = make(provider)
        with pytest.raises(Encoding) as raised:
            await voice.speak(Speech("Oi", "pt-BR"))
        await voice.close()
    assert raised.value.reason == "answer_too_large"
    assert pouring.poured < (2 * LARGEST_ANSWER if status == 200 else 64 * LARGEST_REFUSAL)  # buffers on the way


async def test_a_packed_answer_is_bounded_before_and_after_it_is_unpacked() -> None:
    async def bomb(fake: Fake, request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(2 * LARGEST_ANSWER)), headers={"content-encoding": "gzip"})

    async with FakeElevenLabs() as provider:
        provider.next(bomb)
        voice = eleven(provider)
        with pytest.raises(Encoding, match="answer_too_large"):
            await voice.speak(Speech("Oi", "pt-BR"))
        await voice.close()


@pytest.mark.parametrize(
    "body",
    [
        voice_wire.detail("subscription_required", param="output_format"),
        {"detail": [{"loc": ["query", "output_format"], "msg": "not in your plan", "type": "enum"}]},
    ],
    ids=["new body", "422"],
)
async def test_a_refused_format_is_known_by_its_field_whatever_the_code(body: dict[str, Any]) -> None:
    async with FakeElevenLabs() as provider:
        provider.next(refused(422, body))
        voice = eleven(provider)
        audio = await voice.speak(Speech("Oi", "pt-BR"))
        await voice.close()
    assert audio.mime == "audio/mpeg"
    assert [call.query["output_format"] for call in provider.spoken] == ["opus_48000_32", "mp3_44100_64"]
