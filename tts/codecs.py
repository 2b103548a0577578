"""Sound in and sound out by libav, in process: there is no ffmpeg to install and none to start.

What comes in is a stranger's bytes, so libav is told the reader and never left to guess, and what one sound may cost
is bounded by what comes out of it.
"""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import ogg
from .errors import Encoding
from .sniffing import AAC, AMR, AMR_WB, CAF, MPEG, THREE_GP, WAV, mime_of

LONGEST_HEARD_S = 600.0
LONGEST_DRAWN_S = 1200.0
"""Of a note that is passed through; the quietest bit rates hold a quarter of an hour."""
MOST_WORK_S = 20.0
"""Processor seconds for reading one sound; ten minutes of any format need two."""

_MOST_FRUITLESS = 500
"""Packets more than there were good ones that may decode to nothing: a damaged sound has some, junk has only those."""

_FORMATS = {
    "audio/ogg": "ogg",
    MPEG: "mp3",
    WAV: "wav",
    "audio/webm": "matroska",
    "audio/mp4": "mp4",
    THREE_GP: "mp4",
    "audio/flac": "flac",
    AAC: "aac",
    AMR: "amr",
    AMR_WB: "amr",
    CAF: "caf",
}
"""The one reader for each kind of bytes. libav is never left to guess: playlists would make it open other files."""

_PROBING = {"aac": {"probesize": "65536"}}
"""Without a header libav decodes up to 5 MB of frames to learn what they are, before it gives us the first."""

_NOT_AUDIO_HINT = "The bytes are no sound that can be decoded."


def pcm(data: bytes, rate: int, max_seconds: float, *, whole: bool = False) -> bytes:
    """16-bit mono PCM. `whole` refuses a sound that was cut. Raises Encoding."""
    import av

    kind = _FORMATS.get(mime_of(data).partition(";")[0])
    if kind is None:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT)
    if whole and is_cut(data, kind):
        raise Encoding("cut", hint="The sound ends in the middle.")
    found = bytearray()
    try:
        for chunk in chunks(data, kind, rate, max_seconds):
            found += chunk
    except (av.FFmpegError, ValueError, IndexError, RuntimeError) as error:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT) from error
    if not found:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT)
    return bytes(found)


def chunks(data: bytes, kind: str, rate: int, max_seconds: float) -> Iterator[bytes]:
    """Decoded and resampled, a packet at a time; a packet that does not decode is skipped, as players do."""
    import av

    with av.open(io.BytesIO(data), mode="r", format=kind, options=_PROBING.get(kind, {})) as file:
        resampler = av.AudioResampler("s16", "mono", rate)
        limits = Limits(max_seconds)
        for packet in file.demux(file.streams.audio[0]):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                frames = []
            limits.spend(frames)
            for frame in frames:
                yield from _bytes_of(resampler.resample(frame))
        yield from _bytes_of(resampler.resample(None))


def heard(sound: ogg.Sound) -> Iterator[Any]:
    """Arrays of floats at 48 kHz without the pre-skip, which the decoder knows; what the container cuts off the end is
    there. The same decoder without the container and the resampling.

    Raises Encoding `too_long`, `too_much_work`, `not_audio`.
    """
    import av

    context = av.CodecContext.create("opus", "r")
    context.extradata = ogg.head(sound)
    limits = Limits(LONGEST_DRAWN_S)
    for packet in sound.packets:
        try:
            frames: list[Any] = list(context.decode(av.Packet(packet)))
        except av.FFmpegError:
            frames = []
        limits.spend(frames)
        yield from (frame.to_ndarray()[0] for frame in frames)


class Limits:
    """What one sound may cost. Lengths are counted before they are resampled: a rate of 1 Hz is a lot of samples."""

    def __init__(self, max_seconds: float) -> None:
        self._left = self._most = max_seconds
        self._fruitless = 0
        self._until = time.thread_time() + MOST_WORK_S

    def spend(self, frames: Sequence[Any]) -> None:
        """One packet's frames. Raises Encoding when it was one too many."""
        self._left -= sum(frame.samples / (frame.sample_rate or 1) for frame in frames)
        self._fruitless += -1 if frames else 1
        if self._left < 0:
            hint = f"Longer than {self._most:.0f} s. For replies, lower reply.max_voice_chars."
            raise Encoding("too_long", hint=hint)
        if self._fruitless > _MOST_FRUITLESS:
            raise Encoding("not_audio", hint=_NOT_AUDIO_HINT)
        if time.thread_time() > self._until:
            raise Encoding("too_much_work", hint="The bytes keep the decoder busy and yield next to no sound.")


def _bytes_of(frames: Sequence[Any]) -> Iterator[bytes]:
    for frame in frames:
        yield bytes(frame.planes[0])[: 2 * frame.samples]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is to be made of samples."""

    format: str
    codec: str
    rate: int
    """Hertz."""
    bit_rate: int
    frame: int
    """Samples at `rate` handed to the codec at once."""
    of_file: Mapping[str, str] = field(default_factory=dict)
    of_codec: Mapping[str, str] = field(default_factory=dict)
    """libav's options."""


def encoded(pcm: bytes, kind: Kind) -> bytes:
    """16-bit mono PCM at the kind's rate, as a file."""
    import av
    import numpy as np

    file, samples = io.BytesIO(), np.frombuffer(pcm, "<i2")[None]
    with av.open(file, "w", format=kind.format, options=dict(kind.of_file)) as out:
        stream: Any = out.add_stream(kind.codec, rate=kind.rate, options={"flags": "+bitexact", **kind.of_codec})
        stream.layout, stream.bit_rate = "mono", kind.bit_rate
        format = "s16p" if stream.codec_context.format.is_planar else "s16"
        for start in range(0, samples.size, kind.frame):
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + kind.frame], format, "mono")
            frame.sample_rate = kind.rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def is_cut(data: bytes, kind: str) -> bool:
    if kind == "ogg":
        try:
            return not list(ogg.pages(data))
        except Encoding:
            return True
    if kind == "wav":
        size = int.from_bytes(data[4:8], "little")
        return size < 0x7FFFFF00 and len(data) < size + 8  # a stream's header says "unknown" with all bits set
    return kind == "mp3" and _mp3_is_cut(data)


def _mp3_is_cut(data: bytes) -> bool:
    """An encoder that knew the length wrote it into the first frame: believe it."""
    at = max(data.find(b"Xing", 0, 1 << 16), data.find(b"Info", 0, 1 << 16))
    if at < 0 or len(data) < at + 16:
        return False
    flags = int.from_bytes(data[at + 4 : at + 8])
    if not flags & 2:
        return False
    size = at + 8 + (4 if flags & 1 else 0)
    return len(data) < 0.98 * int.from_bytes(data[size : size + 4])


def wav(pcm: bytes, rate: int) -> bytes:
    """16-bit mono PCM with a header."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm)
    return file.getvalue()
