"""The picture of a voice note: how loud it is from beginning to end, in sixty-four bars."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from . import codecs, ogg

if TYPE_CHECKING:
    from numpy.typing import NDArray

BARS = 64


def waveform(pcm: bytes) -> tuple[int, ...]:
    """Sixty-four bars, the loudest of them 100, of 16-bit mono PCM at any rate."""
    import numpy as np

    return _bars(np.frombuffer(pcm, "<i2").astype(np.float32))


def of_packets(sound: ogg.Sound) -> tuple[int, ...]:
    """The same of a note that nobody decodes otherwise.

    It costs a decode and is true. Cheaper ways were measured and draw another sound: the sizes of the packets are 15
    to 45 of 100 beside the truth in the mean, every fourth packet decoded alone 12 to 40, and SILK's gains, read
    without their frames, 10. Raises Encoding.
    """
    import numpy as np

    heard = list(codecs.heard(sound))
    return _bars(np.concatenate(heard)[: sound.samples] if heard else np.zeros(0))


def _bars(samples: NDArray[Any]) -> tuple[int, ...]:
    import numpy as np

    if not len(samples):
        return (0,) * BARS
    level = np.abs(samples)
    edges = np.linspace(0, len(level), BARS + 1).astype(int)
    bars = np.array([level[a : max(b, a + 1)].mean() for a, b in pairwise(edges)])
    return tuple(int(bar) for bar in np.round(100 * bars / max(bars.max(), 1e-9)))
