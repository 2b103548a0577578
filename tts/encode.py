"""Any sound in, a voice note out.

A voice note is one Ogg stream of mono Opus with an end, small enough for the place it is played, as loud as the next
one, without silence at its ends and without a word about where it came from.

Everything here is CPU work. A server calls it through `Encoder`, which keeps it in a process of its own (`worker`);
`codecs` is libav, `mastering` makes the note, `ogg` takes containers apart, `bars` draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from . import codecs, mastering, ogg
from .bars import BARS, of_packets, waveform
from .codecs import LONGEST_HEARD_S, wav
from .errors import Encoding
from .mastering import LOUDNESS_LUFS, PAUSE_S
from .model import Audio, Note, Speech, Synthesizer
from .profiles import WEB, Profile
from .sniffing import OGG_OPUS, WAV, mime_of
from .worker import Worker

__all__ = [
    "BARS",
    "LONGEST_HEARD_S",
    "LOUDNESS_LUFS",
    "PAUSE_S",
    "Encoder",
    "VoiceNotes",
    "decode",
    "inspect",
    "join",
    "mp3",
    "notes",
    "opus",
    "seconds",
    "sniff",
    "voice_note",
    "wav",
    "waveform",
]

_FOR_EARS = 32_000
"""Bits per second."""
_STEREO = 4
"""In a packet's first byte (RFC 6716, 3.1)."""
_ALLOWANCE = 1.5
"""A sound may be this much longer than its note before it is read no further: it is trimmed only then."""


def sniff(data: bytes) -> str:
    """The mime type the bytes prove, e.g. `audio/ogg; codecs=opus`; empty for a web page, JSON and the unknown."""
    return mime_of(data)


# -- voice notes -----------------------------------------------------------------------------------


def voice_note(data: bytes, *, profile: Profile = WEB, max_bytes: int | None = None) -> Audio:
    """Any sound as a voice note for the place the profile names, of at most `max_bytes` (None: the profile's own).

    What is a fitting voice note already comes back untouched, at the loudness it has: a second lossy generation
    costs more than it gains. Where only its container does not fit, that alone is written anew. Everything else is
    brought to -16 LUFS with a true peak of at most -1 dBFS, loses its silence at both ends, and gets the best bit
    rate that fits. A waveform is nearly all that passing
    through costs: it is drawn where the profile says so, and of what is encoded.

    Raises Encoding: `not_audio`, `cut`, or `too_long` when not even the lowest bit rate fits.
    """
    if max_bytes is not None:
        profile = replace(profile, max_bytes=max_bytes)
    if note := _as_it_is(data, profile):
        return note
    return _made(mastering.read(data, profile.longest * _ALLOWANCE, profile.rate), profile)


def notes(parts: Sequence[bytes], *, profile: Profile = WEB) -> list[Note]:
    """Sounds that are spoken one after the other, e.g. the sentences of a reply, as voice notes: one where that
    fits the profile, else the fewest, about equally long and cut only between sounds.

    One that is a fitting voice note already comes back untouched. Several whose packets fit are put into one stream
    without decoding; between them is what silence their own ends have. A mixture is decoded, each sound trimmed, set
    `PAUSE_S` apart and encoded once, as `voice_note` does.

    Raises Encoding: as `voice_note` does, `too_long` when a single sound is, `not_audio` when there is none.
    """
    if not parts:
        raise Encoding("not_audio", hint="There was nothing to join.")
    return _joined(parts, profile) or _recorded(parts, profile)


def _joined(parts: Sequence[bytes], profile: Profile) -> list[Note]:
    """Without decoding; empty when that does not do."""
    if len(parts) == 1:
        note = _as_it_is(parts[0], profile)
        return [Note(note, 1)] if note else []
    ready: list[ogg.Sound] = []
    for part in parts:
        if not (sound := _ready(part)):
            return []
        ready.append(sound)
    return _streams(ready, profile)


def _streams(sounds: Sequence[ogg.Sound], profile: Profile) -> list[Note]:
    found, at = [], 0
    for count in profile.shares([sound.samples / ogg.RATE_HZ for sound in sounds]):
        parts = sounds[at : at + count]
        whole = ogg.joined(parts)
        data = mastering.wrapped(whole, profile)
        if not profile.takes(data):
            return []
        found.append(Note(_passed(data, whole, parts, profile), count))
        at += count
    return found


def _recorded(parts: Sequence[bytes], profile: Profile) -> list[Note]:
    """Decoded, trimmed, joined, and encoded once."""
    sounds = [mastering.read(part, profile.longest * _ALLOWANCE, profile.rate) for part in parts]
    found, at = [], 0
    for count in profile.shares([mastering.length(sound) for sound in sounds], PAUSE_S):
        found.append(Note(_made(mastering.joined(sounds[at : at + count]), profile), count))
        at += count
    return found


def _made(sound: mastering.Sound, profile: Profile) -> Audio:
    data = mastering.mastered(sound, profile)
    return Audio(data, OGG_OPUS, ogg.facts(data).seconds, waveform(sound.raw_data))


def _as_it_is(data: bytes, profile: Profile) -> Audio | None:
    """The bytes themselves when they are a voice note, or their packets in the container that is asked for."""
    if not (sound := _ready(data)):
        return None
    if not (sound.timed and profile.takes(data)):
        data = mastering.wrapped(sound, profile)
        if not profile.takes(data):
            return None
    return _passed(data, sound, [sound], profile)


def _ready(data: bytes) -> ogg.Sound | None:
    """The packets of a whole stream of one voice that plays as loud as it is."""
    if mime_of(data) != OGG_OPUS:
        return None
    with suppress(Encoding):
        sound = ogg.opened(data)
        plain = sound.ends and sound.samples > 0 and not sound.gain
        return sound if plain and not any(packet[0] & _STEREO for packet in sound.packets) else None
    return None


def _passed(data: bytes, whole: ogg.Sound, parts: Sequence[ogg.Sound], profile: Profile) -> Audio:
    return Audio(data, OGG_OPUS, ogg.facts(data).seconds, of_packets(whole, parts) if profile.draws else ())


# -- sound to sound --------------------------------------------------------------------------------


def mp3(data: bytes) -> bytes:
    """The same sound for the browsers that play no Ogg: MP3, mono, 44.1 kHz, 64 kbit/s, no tags."""
    rate = 44_100
    kind = codecs.Kind("mp3", "libmp3lame", rate, 64_000, 1152, {"id3v2_version": "0", "write_xing": "1"})
    return codecs.encoded(codecs.pcm(data, rate, LONGEST_HEARD_S), kind)


def opus(data: bytes) -> bytes:
    """The same sound as Ogg/Opus, neither louder nor trimmed: for ears that do not take what a phone recorded.

    Raises Encoding as `decode` does.
    """
    return mastering.opus(codecs.pcm(data, ogg.RATE_HZ, LONGEST_HEARD_S), _FOR_EARS, "audio", WEB)


def decode(data: bytes, rate: int = 16_000, max_seconds: float = LONGEST_HEARD_S) -> tuple[bytes, float]:
    """16-bit mono PCM at `rate` hertz, and its seconds: what ears want.

    A recording that was cut is decoded as far as it goes. Raises Encoding: `not_audio`, `too_long` as soon as
    `max_seconds` are exceeded, however few bytes promised them, or `too_much_work`.
    """
    pcm = codecs.pcm(data, rate, max_seconds)
    return pcm, len(pcm) / 2 / rate


def inspect(data: bytes) -> Audio:
    """The same bytes with their true mime, seconds and waveform. Raises Encoding as `decode` does."""
    pcm, seconds = decode(data, 8_000)
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
    whole = mastering.joined([mastering.read(part, LONGEST_HEARD_S) for part in parts], pause)
    return Audio(wav(whole.raw_data, ogg.RATE_HZ), WAV, mastering.length(whole), waveform(whole.raw_data))


# -- in a process of its own -----------------------------------------------------------------------


class Encoder(Worker):
    """The functions of this file, run in one worker process.

    A worker that dies is replaced and its sound tried once more; one that hangs is ended. Shared by everybody who
    has sound to turn: build one, `start` it, `close` it.
    """

    async def voice_note(self, data: bytes, max_bytes: int | None = None, *, profile: Profile = WEB) -> Audio:
        return await self._run(voice_note, data, profile=profile, max_bytes=max_bytes)

    async def notes(self, parts: Sequence[bytes], *, profile: Profile = WEB) -> list[Note]:
        return await self._run(notes, list(parts), profile=profile)

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
