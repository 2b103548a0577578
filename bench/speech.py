"""Fifteen seconds of speech, as each kind of provider sends it."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from tts import encode, ogg
from tts.profiles import WHATSAPP_PHONE

SPOKEN = Path(__file__).parents[1] / "tests/fixtures/spoken/where-is-the-shop.pt-BR.ogg"
SECONDS = 15.0
RATE = 44_100
_others = count(1)


@cache
def as_pcm() -> bytes:
    """16-bit mono at 44.1 kHz."""
    pcm, seconds = encode.decode(SPOKEN.read_bytes(), RATE)
    return (pcm * (int(SECONDS / seconds) + 1))[: int(SECONDS * RATE) * 2]


@cache
def as_mp3() -> bytes:
    """64 kbit/s: what every plan of the hosted voice may ask for."""
    import av

    file = io.BytesIO()
    source: Any = av.open(io.BytesIO(encode.wav(as_pcm(), RATE)))
    with source, av.open(file, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 64_000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=RATE)
        for frame in source.decode(audio=0):
            for piece in resampler.resample(frame):
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


@cache
def as_note() -> bytes:
    """Ogg Opus that already is a voice note."""
    return encode.voice_note(as_mp3()).data


def as_another_note() -> bytes:
    """As long, with a sound of its own each time: what was drawn lately is not drawn again."""
    whole, at = ogg.opened(as_note()), next(_others)
    at %= len(whole.packets)
    packets = [*whole.packets[at:], *whole.packets[:at]]
    return ogg.written(replace(whole, packets=packets), rate=ogg.RATE_HZ, vendor=b"bench")


@cache
def as_phones_note() -> bytes:
    """The same as a phone's own recording."""
    return encode.voice_note(as_mp3(), profile=WHATSAPP_PHONE).data


@cache
def as_phones_packets() -> bytes:
    """A phone's frames one by one, in a container that no phone writes."""
    return ogg.written(ogg.regrouped(ogg.opened(as_phones_note()), 1), rate=48_000, vendor=b"another")
