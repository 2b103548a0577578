"""What a check of a configured voice, assistant or ear found out, in words for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["ok", "warning", "error"]
    """`error`: it will not work. `warning`: it works now, or it could not be found out."""
    key: str
    """The configuration key it is about, from the queue's section on: `voice.voice_id`."""
    message: str
    """One sentence, with the cure. Holds no key."""
    reason: str = ""
    """A code for an error, as errors of speaking have one; empty when nobody gave it."""
