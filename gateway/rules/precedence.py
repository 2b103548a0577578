"""The ladder: who answers a burst, and why. The first rung that applies decides.

Each decision carries a reason code; the codes are the "why did it (not) answer" of every turn and are listed with
their meaning in docs/reasons.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.model import Hold


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the burst, as far as it could be understood."""

    text: str
    spoken: bool = False
    problem: str = ""
    """Why a voice note has no words: `hearing_unavailable`, `nothing_heard`, ..."""


@dataclass(frozen=True, slots=True)
class Situation:
    burst: Sequence[Said]
    hold: Hold | None
    exhausted: bool = False
    """It was claimed too often: something in it breaks the turn."""


@dataclass(frozen=True, slots=True)
class Ignore:
    reason: str


@dataclass(frozen=True, slots=True)
class StaySilent:
    """A person has the conversation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence of ours, by its name in `rules.sentences`."""

    sentence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The assistant answers."""

    question: str
    reason: str = "assistant"
    unheard: str = ""
    """The sentence that owns up to a voice note without words in the burst; the answer ends with it."""


@dataclass(frozen=True, slots=True)
class Transfer:
    reason: str
    dead: bool = False


Decision = Ignore | StaySilent | Say | Ask | Transfer


def decide(situation: Situation) -> Decision:
    """The rung that answers."""
    if situation.hold is not None:
        return StaySilent("held_by_person")
    if situation.exhausted:
        return Transfer("too_many_tries", dead=True)
    if not situation.burst:
        return Ignore("empty_burst")
    question = "\n".join(said.text for said in situation.burst if said.text.strip())
    problem = next((said.problem for said in situation.burst if said.problem), "")
    if question:
        return Ask(question, unheard=_owning_up(problem))
    return Say(_owning_up(problem or "nothing_heard"), problem or "nothing_heard")


def _owning_up(problem: str) -> str:
    return problem and ("nothing_heard" if problem == "nothing_heard" else "please_type")
