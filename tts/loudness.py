"""How loud, and making it so: EBU R 128 measured over the whole sound, then one linear gain.

Measured first and corrected afterwards, never on the fly: the same sound always becomes the same bytes, and
nothing pumps. Whatever would then be too loud for a moment is held under the ceiling by a look-ahead limiter.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Envelope = NDArray[np.float32]

SILENT_LUFS = -70.0
"""The standard's own absolute gate: below it there is nothing to measure."""

_BLOCK_S = 5
_SHORTEST_S = 2.0
"""The standard averages over 0.4 s; a shorter sound is measured as if it were repeated."""
_LOOK_AHEAD_S = 0.004


@dataclass(frozen=True, slots=True)
class Loudness:
    lufs: float
    """Integrated, gated."""
    peak: float
    """True peak, 1.0 is full scale."""

    @property
    def silent(self) -> bool:
        return self.lufs <= SILENT_LUFS


def measure(samples: Samples, rate: int) -> Loudness:
    """Of 16-bit mono at `rate` hertz."""
    if not samples.any():
        return Loudness(SILENT_LUFS, 0.0)
    repeats = -(-int(_SHORTEST_S * rate) // len(samples))
    facts = _ebur128(np.tile(samples, repeats), rate)
    return Loudness(float(facts["lavfi.r128.I"]), float(facts["lavfi.r128.true_peak"]))


def _ebur128(samples: Samples, rate: int) -> dict[str, str]:
    import av

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, rate))
    meter, sink = graph.add("ebur128", "metadata=1:peak=true"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    facts: dict[str, str] = {}
    for start in range(0, len(samples), _BLOCK_S * rate):
        frame: Any = av.AudioFrame.from_ndarray(samples[None, start : start + _BLOCK_S * rate], "s16", "mono")
        frame.sample_rate, frame.pts = rate, start
        source.push(frame)
        facts = _last(sink) or facts
    source.push(None)
    return _last(sink) or facts


def _last(sink: Any) -> dict[str, str]:
    """The meter's newest reading: each one is of everything so far."""
    import av

    facts: dict[str, str] = {}
    while True:
        try:
            facts = dict(sink.pull().metadata) or facts
        except (av.error.BlockingIOError, av.error.EOFError):
            return facts


def held_under(samples: Samples, ceiling: float, rate: int) -> Samples:
    """No sample beyond `ceiling` (1.0 is full scale); what is lower stays as it is, but for the 8 ms around a peak."""
    level = np.abs(samples.astype(np.float32)) / 32768
    if level.max(initial=0.0) <= ceiling:
        return samples
    reach = int(_LOOK_AHEAD_S * rate)
    gain = np.minimum(1.0, ceiling / np.maximum(level, 1e-9)).astype(np.float32)
    return np.asarray(samples * _smooth(_lowest_around(gain, reach), reach), dtype=np.int16)


def _lowest_around(values: Envelope, reach: int) -> Envelope:
    """The minimum over `reach` samples before and after each, by doubling."""
    width = 2 * reach + 1
    lowest = np.pad(values, reach, constant_values=1.0)
    span = 1
    while span < width:
        step = min(span, width - span)
        lowest = np.minimum(lowest[:-step], lowest[step:])
        span += step
    return lowest


def _smooth(values: Envelope, reach: int) -> Envelope:
    """A moving average no wider than the minimum's reach: it never rises above what the peak allows."""
    width = 2 * (reach // 2) + 1
    padded = np.pad(values.astype(np.float64), (width // 2 + 1, width // 2), mode="edge")
    total = np.cumsum(padded)
    return np.asarray((total[width:] - total[:-width]) / width, dtype=np.float32)
