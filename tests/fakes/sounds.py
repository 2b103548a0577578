"""Short real sounds, made here so that no test carries a binary: a tone of 440 Hz."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import cache

from tests import ogg

RATE = 24_000


@cache
def pcm(seconds: float = 0.5, rate: int = RATE) -> bytes:
    """16-bit mono, no header."""
    count = int(seconds * rate)
    return struct.pack(f"<{count}h", *(int(8000 * math.sin(2764.6 * i / rate)) for i in range(count)))


@cache
def wav(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm(seconds))
    return file.getvalue()


@cache
def mp3(seconds: float = 0.5) -> bytes:
    return _encoded(seconds, "mp3", "libmp3lame")


@cache
def ogg_opus(seconds: float = 0.5) -> bytes:
    return _encoded(seconds, "ogg", "libopus")


@cache
def ogg_vorbis(seconds: float = 0.5) -> bytes:
    """Stereo, as the only encoder at hand makes it."""
    return _encoded(seconds, "ogg", "vorbis", "stereo")


@cache
def webm(seconds: float = 0.5) -> bytes:
    return _encoded(seconds, "webm", "libopus")


@cache
def flac(seconds: float = 0.5) -> bytes:
    return _encoded(seconds, "flac", "flac")


def ogg_silence(seconds: int) -> bytes:
    """A valid voice note of packets of 20 ms; half an hour of it are 370 KB."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I4sI", 4, b"fake", 0)
    last, packets = seconds - 1, [b"\xf8\xff\xfe"] * 50
    sound = [_page(4 * (n == last), 48_000 * (n + 1), n + 2, packets) for n in range(seconds)]
    return b"".join([_page(2, 0, 0, [head]), _page(0, 0, 1, [tags]), *sound])


def _page(flag: int, granule: int, sequence: int, packets: list[bytes]) -> bytes:
    sizes = bytes(len(packet) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flag, granule, 7, sequence, 0, len(sizes))
    page = head + sizes + b"".join(packets)
    return page[:22] + struct.pack("<I", ogg.crc(page)) + page[26:]


def _encoded(seconds: float, container: str, codec: str, layout: str = "mono") -> bytes:
    import av

    file = io.BytesIO()
    source = av.open(io.BytesIO(wav(seconds)))
    with source, av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout=layout, options={"strict": "experimental"})
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=RATE)
        for frame in source.decode(audio=0):
            for piece in resampler.resample(frame):
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()
