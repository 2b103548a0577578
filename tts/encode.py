"""Any sound in, a voice note out.

A voice note is one Ogg stream of mono Opus with an end, small enough for the strictest channel, as loud as the next
one, without silence at its ends and without a word about where it came from. pydub joins, trims and applies gain;
the codecs are libav's, in process, so there is no ffmpeg to install and none to start.

Everything here is CPU work. A server calls it through `Encoder`, which keeps it in a process of its own: the codec
releases the GIL, but the loop over its frames does not, and an event loop next to it would wait.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
import os
import signal
import threading
import time
import warnings
import wave
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from . import ogg
from .errors import Encoding
from .model import Audio, Speech, Synthesizer
from .profiles import WEB, Profile
from .sniffing import AAC, AMR, AMR_WB, CAF, MPEG, OGG_OPUS, THREE_GP, WAV, mime_of

if TYPE_CHECKING:
    from pydub import AudioSegment

    from .loudness import Loudness, Samples

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOUDNESS_LUFS = -16.0
BARS = 64
"""Samples of a waveform."""
LONGEST_HEARD_S = 600.0
MOST_WORK_S = 20.0
"""Processor seconds for reading one sound; ten minutes of any format need two."""
CLOSING_S = 1.0
"""For the worker to finish what it does when the encoder closes."""

_RATE_HZ = ogg.RATE_HZ
_PACKET = _RATE_HZ * 60 // 1000
"""Samples."""
_FOR_EARS = 32_000
"""Bits per second."""
_CEILING = 10 ** (-4.0 / 20)
"""Of samples before encoding: Opus adds some decibels of its own to a peak."""
_PEAK = 10 ** (-1.0 / 20)
_KEPT_SILENCE_MS = 100
_SILENCE_BELOW_LU = 32.0
"""What is so far under the loudness of the speech is no part of it."""
_NEAR_LU = 0.8
_LOST_LU = 0.4
"""What Opus takes away from speech, mostly below 80 Hz; a first guess that saves a second encode."""
_ATTEMPTS = 3
_MOST_GAIN_DB = 40.0
"""What is quieter is hiss, not speech."""
_MOST_LIFT_DB = 6.0
"""Beyond what the gain itself asks for: more would be distortion."""
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


def sniff(data: bytes) -> str:
    """The mime type the bytes prove, e.g. `audio/ogg; codecs=opus`; empty for a web page, JSON and the unknown."""
    return mime_of(data)


# -- sound to sound --------------------------------------------------------------------------------


def voice_note(data: bytes, *, profile: Profile = WEB, max_bytes: int | None = None) -> Audio:
    """Any sound as a voice note for the place the profile names, of at most `max_bytes` (None: the profile's own).

    What is a fitting voice note already comes back untouched, at the loudness it has: a second lossy generation
    costs more than it gains. Where only its container does not fit, that alone is written anew. Everything else is
    brought to -16 LUFS with a true peak of at most -1 dBFS, loses its silence at both ends, and gets the best bit
    rate that fits.

    Raises Encoding: `not_audio`, `cut`, or `too_long` when not even the lowest bit rate fits.
    """
    if max_bytes is not None:
        profile = replace(profile, max_bytes=max_bytes)
    if note := _already(data, profile):
        return note
    longest = profile.max_bytes * 8 / profile.bit_rates[-1] * 1.5
    sound, loudness = _read(data, longest)
    encoded = _fitting(sound, profile) if loudness.silent else _mastered(sound, loudness, profile)
    return Audio(encoded, OGG_OPUS, ogg.facts(encoded).seconds, waveform(sound.raw_data))


def mp3(data: bytes) -> bytes:
    """The same sound for the browsers that play no Ogg: MP3, mono, 44.1 kHz, 64 kbit/s, no tags."""
    rate = 44_100
    options = {"id3v2_version": "0", "write_xing": "1"}
    return _encoded(_pcm(data, rate, LONGEST_HEARD_S), "mp3", "libmp3lame", rate, 64_000, options, {}, 1152)


def opus(data: bytes) -> bytes:
    """The same sound as Ogg/Opus, neither louder nor trimmed: for ears that do not take what a phone recorded.

    Raises Encoding as `decode` does.
    """
    return _opus(_pcm(data, _RATE_HZ, LONGEST_HEARD_S), _FOR_EARS, "voip", WEB)


def decode(data: bytes, rate: int = 16_000, max_seconds: float = LONGEST_HEARD_S) -> tuple[bytes, float]:
    """16-bit mono PCM at `rate` hertz, and its seconds: what ears want.

    A recording that was cut is decoded as far as it goes. Raises Encoding: `not_audio`, `too_long` as soon as
    `max_seconds` are exceeded, however few bytes promised them, or `too_much_work`.
    """
    pcm = _pcm(data, rate, max_seconds)
    return pcm, len(pcm) / 2 / rate


def inspect(data: bytes) -> Audio:
    """The same bytes with their true mime, seconds and waveform. Raises Encoding as `decode` does."""
    rate = 8_000
    pcm, seconds = decode(data, rate)
    return Audio(data, sniff(data), seconds, waveform(pcm))


def seconds(data: bytes) -> float:
    """How long it plays. Free for Ogg Opus, a decode for the rest. Raises Encoding."""
    with suppress(Encoding):
        return ogg.facts(data).seconds
    return decode(data, 8_000)[1]


def join(parts: Sequence[bytes], *, pause: float = 0.0) -> Audio:
    """Several sounds as one WAV, trimmed and with `pause` seconds of silence between them. Raises Encoding.

    Ogg files set one after another are not one file: players stop at the end of the first.
    """
    if not parts:
        raise Encoding("not_audio", hint="There was nothing to join.")
    gap = _segment(bytes(2 * round(pause * _RATE_HZ)), _RATE_HZ)
    segments = [_read(part, LONGEST_HEARD_S)[0] for part in parts]
    whole = segments[0]
    for segment in segments[1:]:
        whole = whole + gap + segment
    return Audio(wav(whole.raw_data, _RATE_HZ), WAV, len(whole.raw_data) / 2 / _RATE_HZ, waveform(whole.raw_data))


def waveform(pcm: bytes) -> tuple[int, ...]:
    """Sixty-four bars, the loudest of them 100, of 16-bit mono PCM at any rate."""
    import numpy as np

    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.float32))
    if not len(samples):
        return (0,) * BARS
    edges = np.linspace(0, len(samples), BARS + 1).astype(int)
    bars = np.array([samples[a : max(b, a + 1)].mean() for a, b in pairwise(edges)])
    return tuple(int(bar) for bar in np.round(100 * bars / max(bars.max(), 1e-9)))


def wav(pcm: bytes, rate: int) -> bytes:
    """16-bit mono PCM with a header."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm)
    return file.getvalue()


# -- a voice note, step by step --------------------------------------------------------------------


def _already(data: bytes, profile: Profile) -> Audio | None:
    """The bytes themselves when they are a voice note, or their packets in the container that is asked for."""
    if mime_of(data) != OGG_OPUS:
        return None
    if not profile.takes(data):
        data = _rewrapped(data, profile)
    if not data:
        return None
    return Audio(data, OGG_OPUS, ogg.facts(data).seconds, waveform(_pcm(data, 8_000, LONGEST_HEARD_S)))


def _rewrapped(data: bytes, profile: Profile) -> bytes:
    """Nothing when that does not help: the packets themselves are others than the profile's."""
    if not profile.is_strict:
        return b""
    try:
        whole = ogg.facts(data).ends
        note = _wrapped(ogg.opened(data), profile)
    except Encoding:
        return b""
    return note if whole and profile.takes(note) else b""


def _wrapped(sound: ogg.Sound, profile: Profile) -> bytes:
    return ogg.written(ogg.regrouped(sound, profile.frames), rate=profile.rate, vendor=profile.vendor or b"")


def _mastered(sound: AudioSegment, loudness: Loudness, profile: Profile) -> bytes:
    """Encoded so that what comes out of a decoder is as loud as every other note, and does not clip.

    The codec changes both a little, differently for every voice, so the result is listened to and, when it is off,
    made again from the same samples with what was learned. Opus' speech mode overshoots with harsh voices; its
    other mode follows the wave, so a peak that came out too high is a reason to change over, or, where the profile
    leaves no choice, to begin lower.
    """
    import numpy as np

    from .loudness import measure

    gain, ceiling, application = LOUDNESS_LUFS + _LOST_LU - loudness.lufs, _CEILING, "voip"
    for _ in range(_ATTEMPTS):
        encoded = _fitting(_levelled(sound, gain, ceiling), profile, application)
        heard = measure(np.frombuffer(_pcm(encoded, _RATE_HZ, LONGEST_HEARD_S), "<i2"), _RATE_HZ)
        if heard.peak > _PEAK and profile.is_strict:
            ceiling *= 0.95 * _PEAK / heard.peak
        elif heard.peak > _PEAK:
            application = "audio"
        elif abs(heard.lufs - LOUDNESS_LUFS) <= _NEAR_LU:
            break
        if abs(heard.lufs - LOUDNESS_LUFS) > _NEAR_LU:
            gain += LOUDNESS_LUFS - heard.lufs
    return encoded


def _levelled(sound: AudioSegment, gain: float, ceiling: float) -> AudioSegment:
    """Louder by `gain` decibels on the whole, with no sample beyond the ceiling.

    Holding peaks down costs loudness; the energy it took is added to the gain and the peaks are held again.
    """
    import numpy as np

    from .loudness import held_under

    original: Samples = np.frombuffer(sound.raw_data, "<i2")
    gain = lift = min(gain, _MOST_GAIN_DB)
    for _ in range(2):
        held = held_under(original, ceiling / 10 ** (lift / 20), _RATE_HZ)
        lift = min(gain + _lost_db(original, held), gain + _MOST_LIFT_DB)
    held = held_under(original, ceiling / 10 ** (lift / 20), _RATE_HZ)
    return _segment(held.tobytes(), _RATE_HZ).apply_gain(lift)


def _lost_db(before: Samples, after: Samples) -> float:
    import numpy as np

    energies = [float(np.square(samples, dtype=np.float32).sum()) for samples in (before, after)]
    return 10 * math.log10(max(energies[0], 1.0) / max(energies[1], 1.0))


def _trimmed(sound: AudioSegment, loudness: Loudness) -> AudioSegment:
    """Without the silence at its ends, but for a tenth of a second in which a breath may sound."""
    from pydub.silence import detect_leading_silence

    silence = loudness.lufs - _SILENCE_BELOW_LU
    start = detect_leading_silence(sound, silence)
    end = len(sound) - detect_leading_silence(sound.reverse(), silence)
    return sound[max(0, start - _KEPT_SILENCE_MS) : end + _KEPT_SILENCE_MS] if start < end else sound


def _read(data: bytes, max_seconds: float) -> tuple[AudioSegment, Loudness]:
    """Trimmed, and how loud. Silence is neither trimmed nor, later, made louder: there is nothing in it to hear."""
    import numpy as np

    from .loudness import measure

    sound = _segment(_pcm(data, _RATE_HZ, max_seconds, whole=True), _RATE_HZ)
    loudness = measure(np.frombuffer(sound.raw_data, "<i2"), _RATE_HZ)
    return (sound if loudness.silent else _trimmed(sound, loudness)), loudness


def _fitting(sound: AudioSegment, profile: Profile, application: str = "voip") -> bytes:
    """In the best bit rate that fits."""
    length = len(sound.raw_data) / 2 / _RATE_HZ
    for bit_rate in profile.rates(length):
        encoded = _opus(sound.raw_data, bit_rate, application, profile)
        if len(encoded) <= profile.max_bytes:
            return _checked(encoded, length, profile)
    raise Encoding(
        "too_long",
        hint=f"{length:.0f} s of speech do not fit into {profile.max_bytes // 1024} KB: lower reply.max_voice_chars.",
    )


def _opus(pcm: bytes, bit_rate: int, application: str, profile: Profile) -> bytes:
    """`pcm` at 48 kHz. Frames are put together by us: libopus fills 60 ms with one frame, where it can."""
    samples = len(pcm) // 2
    if profile.is_strict:
        pcm += bytes(-len(pcm) % (2 * _PACKET))  # whole packets; where the sound ends, the last page says
    page = {"fflags": "+bitexact", "page_duration": "1000000"}  # bitexact: no random serial, no version in the tags
    voice = {"application": application, "frame_duration": str(profile.frame_ms), "vbr": "on", "compression_level": "5"}
    frame = profile.rate * profile.frame_ms // 1000
    encoded = _encoded(pcm, "ogg", "libopus", profile.rate, bit_rate, page, voice, frame, _RATE_HZ)
    if not profile.is_strict:
        return encoded
    return _wrapped(replace(ogg.opened(encoded), samples=samples), profile)


def _checked(encoded: bytes, length: float, profile: Profile) -> bytes:
    """Our own work is believed no more than anybody else's."""
    found = ogg.facts(encoded)
    if not profile.takes(encoded) or abs(found.seconds - length) > 0.05:
        raise Encoding("bad_encoder", hint=f"The Opus encoder of this installation made {found}.")
    return encoded


# -- libav and pydub -------------------------------------------------------------------------------


def _segment(pcm: bytes, rate: int) -> AudioSegment:
    """16-bit mono PCM for pydub."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses an ffmpeg that is not needed, and old escapes in its regexes
        from pydub import AudioSegment
    return AudioSegment(data=pcm, sample_width=2, frame_rate=rate, channels=1)


def _pcm(data: bytes, rate: int, max_seconds: float, *, whole: bool = False) -> bytes:
    """16-bit mono PCM. `whole` refuses a sound that was cut. Raises Encoding."""
    import av

    kind = _FORMATS.get(mime_of(data).partition(";")[0])
    if kind is None:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT)
    if whole and _is_cut(data, kind):
        raise Encoding("cut", hint="The sound ends in the middle.")
    pcm = bytearray()
    try:
        for chunk in _chunks(data, kind, rate, max_seconds):
            pcm += chunk
    except (av.FFmpegError, ValueError, IndexError, RuntimeError) as error:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT) from error
    if not pcm:
        raise Encoding("not_audio", hint=_NOT_AUDIO_HINT)
    return bytes(pcm)


def _chunks(data: bytes, kind: str, rate: int, max_seconds: float) -> Iterator[bytes]:
    """Decoded and resampled, a packet at a time; a packet that does not decode is skipped, as players do."""
    import av

    with av.open(io.BytesIO(data), mode="r", format=kind, options=_PROBING.get(kind, {})) as file:
        resampler = av.AudioResampler("s16", "mono", rate)
        limits = _Limits(max_seconds)
        for packet in file.demux(file.streams.audio[0]):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                frames = []
            limits.spend(frames)
            for frame in frames:
                yield from _bytes_of(resampler.resample(frame))
        yield from _bytes_of(resampler.resample(None))


class _Limits:
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


def _encoded(
    pcm: bytes,
    format: str,
    codec: str,
    rate: int,
    bit_rate: int,
    file_options: dict[str, str],
    codec_options: dict[str, str],
    frame_samples: int,
    pcm_rate: int = 0,
) -> bytes:
    """16-bit mono PCM at `pcm_rate` hertz (0: at `rate` already), encoded at `rate`."""
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format=format, options=file_options) as out:
        stream: Any = out.add_stream(codec, rate=rate, options={"flags": "+bitexact", **codec_options})
        stream.layout, stream.bit_rate = "mono", bit_rate
        planar = stream.codec_context.format.is_planar
        fifo, resampler = av.AudioFifo(), av.AudioResampler("s16p" if planar else "s16", "mono", rate)
        frame: Any = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2")[None], "s16", "mono")
        frame.sample_rate = pcm_rate or rate
        for converted in [*resampler.resample(frame), *resampler.resample(None)]:
            converted.pts = None
            fifo.write(converted)
        while piece := fifo.read(frame_samples, partial=True):
            piece.pts = None
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def _is_cut(data: bytes, kind: str) -> bool:
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


# -- in a process of its own -----------------------------------------------------------------------


class Encoder:
    """The functions of this file, run in one worker process.

    A worker that dies is replaced and its sound tried once more; one that hangs is ended. Shared by everybody who
    has sound to turn: build one, `start` it, `close` it.
    """

    def __init__(self, *, timeout: float = 120.0) -> None:
        """`timeout` in seconds, for one sound, waiting in line included."""
        self._timeout = timeout
        self._pool: ProcessPoolExecutor | None = None

    async def start(self) -> None:
        """Has the worker load its codecs now instead of at the first note. Optional."""
        await self._run(os.getpid)

    async def close(self) -> None:
        """Idempotent. What is still under way has a moment; then the worker ends, whatever it hangs in."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        workers = list((pool._processes or {}).values())
        closing = asyncio.ensure_future(asyncio.to_thread(pool.shutdown, cancel_futures=True))
        await asyncio.wait([closing], timeout=CLOSING_S)
        if not closing.done():
            for worker in workers:
                worker.kill()
        await closing

    async def voice_note(self, data: bytes, max_bytes: int | None = None, *, profile: Profile = WEB) -> Audio:
        return await self._run(voice_note, data, profile=profile, max_bytes=max_bytes)

    async def mp3(self, data: bytes) -> bytes:
        return await self._run(mp3, data)

    async def opus(self, data: bytes) -> bytes:
        return await self._run(opus, data)

    async def decode(
        self, data: bytes, rate: int = 16_000, max_seconds: float = LONGEST_HEARD_S
    ) -> tuple[bytes, float]:
        return await self._run(decode, data, rate, max_seconds)

    async def inspect(self, data: bytes) -> Audio:
        return replace(await self._run(_facts, data), data=data)

    async def join(self, parts: Sequence[bytes], *, pause: float = 0.0) -> Audio:
        return await self._run(join, list(parts), pause=pause)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._once(work, *args, **kwargs)
        except BrokenProcessPool:
            log.warning("the encoder's process died; started again")
        try:
            return await self._once(work, *args, **kwargs)
        except BrokenProcessPool as error:
            raise Encoding("worker_died", hint="The encoder died twice on this sound: memory?") from error

    async def _once(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        pool = self._pool = self._pool or _pool()
        try:
            call = asyncio.get_running_loop().run_in_executor(pool, partial(work, *args, **kwargs))
            return await asyncio.wait_for(call, self._timeout)
        except TimeoutError as error:
            self._drop(pool)
            hint = f"One sound took over {self._timeout:.0f} s, waiting in line included."
            raise Encoding("encoder_timeout", hint=hint, retryable=True) from error
        except BrokenProcessPool:
            self._drop(pool)
            raise

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """The next sound gets a new process, and this one ends now, whatever it hangs in."""
        if self._pool is pool:
            self._pool = None
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _pool() -> ProcessPoolExecutor:
    """Spawned, not forked: a fork would inherit the server's sockets and locks in the middle of something."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_ready)


def _ready() -> None:
    """Ctrl-C is for the server, which then closes us; a server that was killed cannot, so we follow it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _segment(b"", _RATE_HZ)
    __import__("av")


def _follow_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(0)


def _facts(data: bytes) -> Audio:
    """Without the bytes, which the asker has."""
    return replace(inspect(data), data=b"")


class VoiceNotes:
    """A Synthesizer: what another one says, as a finished voice note."""

    def __init__(self, inner: Synthesizer, encoder: Encoder, *, profile: Profile = WEB) -> None:
        self._inner, self._encoder, self._profile = inner, encoder, profile

    @property
    def name(self) -> str:
        return self._inner.name

    async def speak(self, speech: Speech) -> Audio:
        """Raises SpeechError: the inner one's, and Encoding as `voice_note` does."""
        spoken = await self._inner.speak(speech)
        note = await self._encoder.voice_note(spoken.data, profile=self._profile)
        return replace(spoken, data=note.data, mime=note.mime, seconds=note.seconds, waveform=note.waveform)

    async def close(self) -> None:
        """Closes the inner voice; the encoder is its builder's."""
        await self._inner.close()
