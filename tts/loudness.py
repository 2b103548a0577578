"""How loud, and making it so: EBU R 128 measured over the whole sound, then one linear gain.

Measured first and corrected afterwards, never on the fly: the same sound always becomes the same bytes, and
nothing pumps. Whatever would then be too loud for a moment is held under the ceiling by a look-ahead limiter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Envelope = NDArray[np.float32]

SILENT_LUFS = -70.0
"""The standard's own absolute gate: below it there is nothing to measure."""
MOST_GAIN_DB = 46.0
"""What is quieter is hiss, not speech."""
MOST_LIFT_DB = 30.0
"""Beyond what the gain itself asks for, to give back what holding peaks down took."""

_ENOUGH_HZ = 24_000
"""For the loudness of speech."""
_BLOCK_S = 1
"""Measured at once. What is larger takes new memory from the system each time, which costs more than the sums."""
_SHORTEST_S = 2.0
"""The standard averages over 0.4 s; a shorter sound is measured as if it were repeated."""
_LOOK_AHEAD_S = 0.004
_APART_S = 0.05
"""Peaks nearer than this are held in one go: many small pieces cost more than what lies between them."""
_FINE = 4
"""Times the rate at which a true peak is looked for (ITU-R BS.1770, annex 2)."""
_WINDOW = 512
"""Samples looked at finely at once; the outer quarters are only there for the inner half."""
_SUSPECT = 0.65
"""Below this sample peak (-3.7 dBFS) speech has no true peak near full scale."""
_SETTLED_DB = 0.2
_ROUNDS = 8
_LEAST_SLOPE = 0.15
"""Decibels of loudness for one of gain, at least, so that no step runs away."""


@dataclass(frozen=True, slots=True)
class Loudness:
    lufs: float
    """Integrated, gated."""
    peak: float
    """True peak, 1.0 is full scale; where the samples stay below -3.7 dBFS, theirs."""

    @property
    def silent(self) -> bool:
        return self.lufs <= SILENT_LUFS


def measure(samples: Samples, rate: int) -> Loudness:
    """Of 16-bit mono at `rate` hertz."""
    return Loudness(lufs(samples, rate), true_peak(samples))


def lufs(samples: Samples, rate: int) -> float:
    """Of 16-bit mono speech at `rate` hertz."""
    if not samples.any():
        return SILENT_LUFS
    repeats = -(-int(_SHORTEST_S * rate) // len(samples))
    facts = _ebur128(np.tile(samples, repeats) if repeats > 1 else samples, rate)
    return float(facts["lavfi.r128.I"])


def levels(samples: Samples, block: int) -> Envelope:
    """Decibels under full scale, `block` samples at a time; what is left over at the end is left out."""
    whole = samples[: len(samples) // block * block].reshape(-1, block)
    energy = np.einsum("ij,ij->i", whole, whole, dtype=np.float64) / block / 32768**2
    return np.asarray(10 * np.log10(energy + 1e-12), dtype=np.float32)


def _ebur128(samples: Samples, rate: int) -> dict[str, str]:
    """Loudness alone: libav's true peak is looked for everywhere and costs twice as much as the rest."""
    import av

    block, halves = _BLOCK_S * rate, rate > _ENOUGH_HZ
    rate //= 2 if halves else 1
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, rate))
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    facts: dict[str, str] = {}
    for number, start in enumerate(range(0, len(samples) - 1, block)):
        piece = samples[start : start + block]
        frame: Any = av.AudioFrame.from_ndarray((_halved(piece) if halves else piece)[None], "s16", "mono")
        frame.sample_rate, frame.pts = rate, number * _BLOCK_S * rate
        source.push(frame)
        facts = _last(sink) or facts
    source.push(None)
    return _last(sink) or facts


def _halved(samples: Samples) -> Samples:
    """Every two samples are one. What folds back is too little to be loud: of speech less than 0.05 LU."""
    return ((samples[:-1:2].astype(np.int32) + samples[1::2]) >> 1).astype(np.int16)


def _last(sink: Any) -> dict[str, str]:
    """The meter's newest reading: each one is of everything so far."""
    import av

    newest: Any = None
    while True:
        try:
            newest = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return dict(newest.metadata) if newest is not None else {}


def true_peak(samples: Samples) -> float:
    """Between the samples too, where they are high enough for it to matter; 1.0 is full scale."""
    hop = _WINDOW // 2
    padded = np.pad(samples, (hop // 2, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop]
    inner = windows[:, hop // 2 : -hop // 2]
    highest = np.maximum(inner.max(axis=1).astype(np.int32), -inner.min(axis=1).astype(np.int32)) / 32768
    suspects = windows[highest > _SUSPECT] / 32768
    if not len(suspects):
        return float(highest.max(initial=0.0))
    spectrum = np.fft.rfft(suspects, axis=1)
    fine = np.fft.irfft(spectrum, _WINDOW * _FINE, axis=1) * _FINE
    edge = hop // 2 * _FINE
    return max(float(highest.max()), float(np.abs(fine[:, edge:-edge]).max()))


# -- made louder, and held ------------------------------------------------------------------------


class Levelling:
    """One sound, brought to a loudness as often as it takes; what was measured of it is kept."""

    def __init__(self, samples: Samples, rate: int) -> None:
        """16-bit mono at `rate` hertz."""
        self._samples, self._rate = samples, rate
        self._lufs = lufs(samples, rate)
        self._lift = 0.0
        """Beyond the gain, as it was the last time: the next aim is near the last one."""
        self.silent = self._lufs <= SILENT_LUFS

    def towards(self, aim: float, ceiling: float) -> tuple[Samples, float]:
        """The sound with its peaks held, and the decibels that then make it `aim` LUFS with no sample beyond
        `ceiling` (1.0 is full scale).

        Holding peaks down costs loudness, and by the standard's gates more or less than it costs energy: what is left
        is measured, the gain made higher and the peaks held again. Where a shout stands among whispers, a decibel of
        gain gives far less than a decibel of loudness; how much it gave is what the next step goes by.
        """
        gain, slope = min(aim - self._lufs, MOST_GAIN_DB), 1.0
        lift, last = gain + self._lift, (0.0, 0.0)
        for round in range(_ROUNDS):
            held = held_under(self._samples, ceiling / 10 ** (lift / 20), self._rate)
            off = gain + self._lost(held) - lift
            if abs(off) < _SETTLED_DB or (off > 0 and lift >= gain + MOST_LIFT_DB):
                break
            if round and lift != last[0]:
                slope = min(1.0, max(_LEAST_SLOPE, (last[1] - off) / (lift - last[0])))
            last = lift, off
            lift = min(max(lift + off / slope, gain), gain + MOST_LIFT_DB)
        else:
            held = held_under(self._samples, ceiling / 10 ** (lift / 20), self._rate)
        self._lift = lift - gain
        return held, lift

    def _lost(self, held: Samples) -> float:
        """Decibels of loudness."""
        return 0.0 if held is self._samples else self._lufs - lufs(held, self._rate)


def held_under(samples: Samples, ceiling: float, rate: int) -> Samples:
    """No sample beyond `ceiling` (1.0 is full scale); what is lower stays as it is, but for the 8 ms around a peak."""
    limit = int(ceiling * 32768)
    loud = np.flatnonzero((samples > limit) | (samples < -limit))
    if not len(loud):
        return samples
    reach, held = int(_LOOK_AHEAD_S * rate), samples.copy()
    for start, end in _stretches(loud, int(_APART_S * rate)):
        around = slice(max(0, start - 2 * reach), end + 2 * reach)
        held[around] = _held(samples[around], ceiling, reach)
    return held


def _stretches(loud: NDArray[np.int64], apart: int) -> Iterator[tuple[int, int]]:
    """From the first to after the last of peaks that lie near each other."""
    breaks = np.flatnonzero(np.diff(loud) > apart)
    starts, ends = loud[np.concatenate(([0], breaks + 1))], loud[np.concatenate((breaks, [len(loud) - 1]))]
    return zip(starts.tolist(), (ends + 1).tolist(), strict=True)


def _held(samples: Samples, ceiling: float, reach: int) -> Samples:
    level = np.abs(samples.astype(np.float32)) / 32768
    gain = np.minimum(1.0, ceiling / np.maximum(level, 1e-9)).astype(np.float32)
    return np.asarray(samples * _smooth(_lowest_around(gain, reach), reach), dtype=np.int16)


def _lowest_around(values: Envelope, reach: int) -> Envelope:
    """The minimum over `reach` samples before and after each, by doubling."""
    width = 2 * reach + 1
    edge = np.ones(reach, dtype=np.float32)
    lowest = np.concatenate((edge, values, edge))
    span = 1
    while span < width:
        step = min(span, width - span)
        lowest = np.minimum(lowest[:-step], lowest[step:])
        span += step
    return lowest


def _smooth(values: Envelope, reach: int) -> Envelope:
    """A moving average no wider than the minimum's reach: it never rises above what the peak allows."""
    half = reach // 2
    width, before, after = 2 * half + 1, np.full(half + 1, values[0]), np.full(half, values[-1])
    total = np.concatenate((before, values, after)).cumsum(dtype=np.float64)
    return np.asarray((total[width:] - total[:-width]) / width, dtype=np.float32)
