"""What a flow is made of, where a conversation stands in it, and what a move in it wants done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.rules.flows.conditions import Condition

Value = str | int | float | bool
"""What a variable holds. Dates are `YYYY-MM-DD`."""
Variables = Mapping[str, Value]
Kind = Literal["say", "ask", "choose", "condition", "set", "action", "ai", "transfer", "end"]
Answer = Literal["text", "number", "date", "email", "phone", "cpf", "choice"]

GIVEN = ("message", "intent", "contact_name", "channel", "queue")
"""Variables that every flow has: what the contact wrote last, what it was judged to want, and where we are."""


@dataclass(frozen=True, slots=True)
class Option:
    title: str
    next: str = ""
    """Empty in a question for a choice, which goes one way."""
    value: Value = ""
    """What the variable becomes."""
    words: Sequence[str] = ()
    """Other words for it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One named step. Which of these a kind has: `loading.KEYS`."""

    name: str
    kind: Kind
    text: str = ""
    next: str = ""
    otherwise: str = ""
    """The key `else`: where wrong answers, a false condition or a failed action lead."""
    into: str = ""
    """The variable that takes the answer."""
    answer: Answer = "text"
    min: float | str | None = None
    """Characters of a text, a number, or a date: `YYYY-MM-DD` or `today`."""
    max: float | str | None = None
    whole: bool = False
    order: Literal["dmy", "mdy"] = "dmy"
    country: str = ""
    """Digits before a phone number that has none of its own."""
    pattern: str = ""
    retry: str = ""
    max_tries: int = 3
    options: Sequence[Option] = ()
    condition: Condition | None = None
    """Of `condition` the question, of `ai` what ends the talk."""
    values: Variables = field(default_factory=dict)
    action: str = ""
    arguments: Variables = field(default_factory=dict)
    instructions: str = ""
    until_intent: str = ""
    max_answers: int = 0
    to: str = ""
    reason: str = "finished"
    timeout_s: float | None = None
    """None: the flow's."""
    on_timeout: str = ""

    @property
    def waits(self) -> bool:
        """For a contact's message."""
        return self.kind in ("ask", "choose") or (self.kind == "ai" and bool(self.text or self.talks))

    @property
    def asks(self) -> bool:
        """It waits, and has words to ask with."""
        return self.waits and bool(self.text)

    @property
    def talks(self) -> bool:
        """An assistant that answers until something ends it."""
        return self.kind == "ai" and bool(self.condition or self.until_intent)

    @property
    def rests(self) -> bool:
        return self.waits or self.kind == "action"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that was found sound. Made by `loading.parse`."""

    name: str
    version: str
    """Of its content: another text has another one."""
    language: str
    """BCP 47; of the words recado adds itself."""
    start: str
    timeout_s: float
    """0: questions wait for ever."""
    timezone: str
    """What "today" is."""
    cancelled: str
    steps: Mapping[str, Step]


@dataclass(frozen=True, slots=True)
class Place:
    """A question that was asked, and what was known when it was."""

    step: str
    variables: Variables = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class State:
    """Where a conversation stands. Its words are a customer's: they are in no repr."""

    flow: str
    version: str
    step: str
    variables: Variables = field(default_factory=dict, repr=False)
    tries: int = 0
    """Wrong answers here; in a talk, the assistant's answers."""
    history: Sequence[Place] = ()
    """Questions on the way here, the present one last."""
    asked_at: int = 0
    """Milliseconds since the epoch."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        history = [{"step": place.step, "variables": dict(place.variables)} for place in self.history]
        kept = {key: getattr(self, key) for key in ("flow", "version", "step", "tries", "asked_at")}
        return {**kept, "variables": dict(self.variables), "history": history}

    @staticmethod
    def from_dict(kept: Mapping[str, Any]) -> State:
        """Raises ValueError when it is no state."""
        try:
            history = tuple(Place(str(each["step"]), dict(each["variables"])) for each in kept["history"])
            flow, version, step = (str(kept[key]) for key in ("flow", "version", "step"))
            tries, asked_at = (int(kept[key]) for key in ("tries", "asked_at"))
            return State(flow, version, step, dict(kept["variables"]), tries, history, asked_at)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no state of a flow: {type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    options: Sequence[str] = ()
    """Titles, for buttons; `numbered` writes them where there are none."""


@dataclass(frozen=True, slots=True)
class Assist:
    """The queue's assistant answers the contact's last messages."""

    instructions: str
    """Beside the queue's."""


@dataclass(frozen=True, slots=True)
class Call:
    action: str
    arguments: Variables = field(default_factory=dict, repr=False)
    id: str = ""
    """The result comes back with it."""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    to: str
    """A queue; empty: the one the queue's own handoff names."""
    message: str
    """Empty: the queue's own."""


@dataclass(frozen=True, slots=True)
class End:
    reason: str


Effect = Say | Assist | Call | Transfer | End


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a Call."""

    id: str
    value: Value | None = None
    failed: str = ""
    """A short code; empty: it worked."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one move of a flow leads to."""

    state: State | None
    """None: the flow has ended."""
    effects: Sequence[Effect] = ()
    """In this order."""
    wake_at_ms: int | None = None
    """When `timed_out` is to be asked, unless something comes before."""
    trail: Sequence[tuple[str, str]] = ()
    """(step, reason), for the timeline."""
