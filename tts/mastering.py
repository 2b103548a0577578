"""Raw sound in, a finished voice note out: trimmed, joined, as loud as every other, encoded once.

pydub joins, trims and applies gain; what it is given is always 16-bit mono PCM at the rate that its note is encoded at:
what will not be heard is not measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from . import codecs, ogg
from .errors import Encoding
from .profiles import Profile, too_long

if TYPE_CHECKING:
    from pydub import AudioSegment

    from .loudness import Loudness, Samples

Sound: TypeAlias = "AudioSegment"
LOUDNESS_LUFS = -16.0
PAUSE_S = 0.15
"""Between two sounds, beyond the silence that each of them keeps at its ends."""
KEPT_SILENCE_S = 0.1
"""At each end of a sound, in which a breath may be heard."""

_RATE_HZ = ogg.RATE_HZ
_PACKET_MS = 60
_COMPLEXITY = "3"
"""Of libopus, 0 to 10: what more would buy nobody hears in speech, and it costs up to a half more."""
_CEILING = 10 ** (-4.0 / 20)
"""Of samples before encoding: Opus adds some decibels of its own to a peak."""
_PEAK = 10 ** (-1.0 / 20)
_SILENCE_BELOW_DB = 32.0
"""What is so far under the level of the speech is no part of it."""
_SPEECH_WITHIN_DB = 40.0
"""Of the loudest moment: what counts for the level of the speech."""
_SILENT_DB = -70.0
_LOOK_S = 0.01
_NEAR_LU = 0.6
_LOST_LU = 0.4
"""What Opus takes away from speech, mostly below 80 Hz; a first guess that saves a second encode."""
_ATTEMPTS = 4


def segment(pcm: bytes, rate: int = _RATE_HZ) -> AudioSegment:
    """16-bit mono PCM at `rate` hertz for pydub."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses an ffmpeg that is not needed, and old escapes in its regexes
        from pydub import AudioSegment
    return AudioSegment(data=pcm, sample_width=2, frame_rate=rate, channels=1)


def length(sound: AudioSegment) -> float:
    """Seconds, exactly."""
    return float(len(sound.raw_data) / 2 / sound.frame_rate)


def read(data: bytes, max_seconds: float, rate: int = _RATE_HZ) -> AudioSegment:
    """Any sound without the silence at its ends, at `rate` hertz. Raises Encoding."""
    return _trimmed(segment(codecs.pcm(data, rate, max_seconds, whole=True), rate))


def joined(sounds: Sequence[AudioSegment], pause: float = PAUSE_S) -> AudioSegment:
    """One after the other with `pause` seconds of silence between them."""
    rate = sounds[0].frame_rate
    gap = bytes(2 * round(pause * rate))
    return segment(gap.join(sound.raw_data for sound in sounds), rate)


def _trimmed(sound: AudioSegment) -> AudioSegment:
    """Silence alone stays as it is: there is nothing in it to hear."""
    import numpy as np

    from .loudness import levels

    heard = levels(np.frombuffer(sound.raw_data, "<i2"), round(_LOOK_S * sound.frame_rate))
    if heard.max(initial=_SILENT_DB) <= _SILENT_DB:
        return sound
    speech = heard[heard > heard.max() - _SPEECH_WITHIN_DB]
    level = 10 * np.log10(np.mean(10 ** (speech / 10)))
    loud = np.flatnonzero(heard > level - _SILENCE_BELOW_DB)
    start, end = loud[0] * _LOOK_S - KEPT_SILENCE_S, (loud[-1] + 1) * _LOOK_S + KEPT_SILENCE_S
    return sound[max(0, round(start * 1000)) : round(end * 1000)]


# -- encoded, listened to, and encoded again when it is off ----------------------------------------


@dataclass(frozen=True, slots=True)
class _Aim:
    """What an attempt is made with, before the codec has changed it."""

    lufs: float = LOUDNESS_LUFS + _LOST_LU
    ceiling: float = _CEILING
    application: str = "voip"


def mastered(sound: AudioSegment, profile: Profile) -> bytes:
    """Encoded so that what comes out of a decoder is as loud as every other note, and does not clip.

    The codec changes both a little, differently for every voice, so the result is listened to and, when it is off,
    made again from the same samples with what was learned. `sound` has the profile's rate. Raises Encoding `too_long`.
    """
    import numpy as np

    from .loudness import Levelling, measure

    samples: Samples = np.frombuffer(sound.raw_data, "<i2")
    levelling, aim, last = Levelling(samples, sound.frame_rate), _Aim(), 0.0
    if levelling.silent:
        return fitting(sound.raw_data, profile, aim.application)
    tried: list[tuple[float, bytes]] = []
    for _ in range(_ATTEMPTS):
        held, gain = levelling.towards(aim.lufs, aim.ceiling)
        encoded = fitting(segment(held.tobytes(), sound.frame_rate).apply_gain(gain).raw_data, profile, aim.application)
        heard = measure(_played(encoded), _RATE_HZ)
        tried.append((_off(heard), encoded))
        if tried[-1][0] <= _NEAR_LU or (heard.peak <= _PEAK and gain == last):
            break
        aim, last = _better(aim, heard, profile), gain
    return min(tried, key=itemgetter(0))[1]


def _played(note: bytes) -> Samples:
    """What comes out of a decoder."""
    import numpy as np

    sound = ogg.opened(note)
    heard = [(one * 32768).round().clip(-32768, 32767).astype(np.int16) for one in codecs.heard(sound)]
    return np.concatenate(heard)[: sound.samples]


def _off(heard: Loudness) -> float:
    """Loudness units; a peak that is too high is worse than any loudness."""
    return abs(heard.lufs - LOUDNESS_LUFS) + (1000 * heard.peak if heard.peak > _PEAK else 0)


def _better(aim: _Aim, heard: Loudness, profile: Profile) -> _Aim:
    """Opus' speech mode overshoots with harsh voices; its other mode follows the wave, so a peak that came out too
    high is a reason to change over, or, where that is done already or not allowed, to begin lower."""
    if abs(heard.lufs - LOUDNESS_LUFS) > _NEAR_LU / 2:
        aim = replace(aim, lufs=aim.lufs + LOUDNESS_LUFS - heard.lufs)
    if heard.peak <= _PEAK:
        return aim
    if profile.is_strict or aim.application == "audio":
        return replace(aim, ceiling=aim.ceiling * 0.95 * _PEAK / heard.peak)
    return replace(aim, application="audio")


def fitting(pcm: bytes, profile: Profile, application: str = "voip") -> bytes:
    """`pcm` at the profile's rate, in the best bit rate that fits. Raises Encoding `too_long`.

    Bit rates are a mean that the codec may miss; the lowest one is kept to the byte when that is what it takes.
    """
    seconds = len(pcm) / 2 / profile.rate
    for bit_rate in profile.rates(seconds):
        encoded = opus(pcm, bit_rate, application, profile)
        if len(encoded) <= profile.max_bytes:
            return _checked(encoded, seconds, profile)
    if seconds <= profile.longest:
        return _checked(opus(pcm, profile.bit_rates[-1], application, profile, vbr=False), seconds, profile)
    raise too_long(seconds, profile)


def opus(pcm: bytes, bit_rate: int, application: str, profile: Profile, *, vbr: bool = True) -> bytes:
    """`pcm` at the profile's rate. Packets and pages are put together by us: libopus fills 60 ms with one frame, where
    it can, and the container says to the sample where the sound ends."""
    samples = len(pcm) // 2 * _RATE_HZ // profile.rate
    if profile.is_strict:  # whole packets; where the sound ends, the last page says
        pcm += bytes(-len(pcm) % (2 * profile.rate * _PACKET_MS // 1000))
    page = {"fflags": "+bitexact", "page_duration": "1000000"}  # bitexact: no random serial, no version in the tags
    voice = {
        "application": application,
        "frame_duration": str(profile.frame_ms),
        "vbr": "on" if vbr else "off",
        "compression_level": _COMPLEXITY,
    }
    frame = profile.rate * profile.frame_ms // 1000
    kind = codecs.Kind("ogg", "libopus", profile.rate, bit_rate, frame, page, voice)
    encoded = codecs.encoded(pcm, kind)
    sound = ogg.opened(encoded)  # libav's clock begins at the pre-skip: its last page says some milliseconds too many
    held = sum(map(ogg.samples, sound.packets)) - sound.pre_skip
    return wrapped(replace(sound, samples=min(samples, held)), profile)


def wrapped(sound: ogg.Sound, profile: Profile) -> bytes:
    """The packets in the container that the profile asks for."""
    if profile.is_strict:
        sound = ogg.regrouped(sound, profile.frames)
    return ogg.written(sound, rate=profile.rate, vendor=profile.vendor or b"opus")


def _checked(encoded: bytes, seconds: float, profile: Profile) -> bytes:
    """Our own work is believed no more than anybody else's."""
    found = ogg.facts(encoded)
    if not profile.takes(encoded) or abs(found.seconds - seconds) > 0.05:
        raise Encoding("bad_encoder", hint=f"The Opus encoder of this installation made {found}.")
    return encoded
