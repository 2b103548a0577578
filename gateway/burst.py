"""A turn while it runs: the burst, what is known of it, and the timeline of what was done and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.channels.base import Capabilities, Wish
from gateway.config import OptOut
from gateway.crew import Crew
from gateway.rules.custody import Custody, custody_of
from gateway.rules.hours import is_open
from gateway.rules.language import customers_language
from gateway.rules.precedence import Said
from gateway.rules.preferring import Preference as Wanted
from gateway.rules.rating import Heard
from gateway.rules.shaping import Draft
from gateway.rules.unasked import Due, Past
from gateway.rules.voicing import Occasion
from gateway.telemetry import Telemetry
from gateway.transcript import Received
from storage.model import Claim, Conversation, Outcome
from tts.ladder import Telling

UNKNOWN = Capabilities()
"""Of a channel that is no longer configured: the delivery will say so."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn is going to end."""

    outcome: Outcome
    reason: str
    draft: Draft | None = None
    as_text: bool = False
    """Said in writing whatever the queue's format: it must be readable at once."""
    hold_for: str = ""
    """The queue whose people take over; empty: nobody does."""
    opts_out: bool | None = None
    """The contact wants no more messages (True), or wants them again (False)."""
    tells: str = ""
    """A fact to remember about the contact: this was said."""
    facts: Mapping[str, bool] = field(default_factory=dict)
    """Further facts about the contact that begin (True) or end (False)."""
    flow: str | None = None
    """Where the conversation stands in a flow from now on (JSON); empty: in none; None: where it stood."""
    wake_at: int | None = None
    """When to look at the conversation again, in milliseconds since the epoch."""
    acted: bool = False
    """Something was done outside: no newer message throws the turn away."""


class Aloud(Protocol):
    def write(self, text: str) -> None:
        """A piece of the answer that stands as it is."""
        ...

    def again(self) -> None:
        """The answer begins anew."""
        ...


@dataclass(slots=True)
class Burst:
    claim: Claim
    conversation: Conversation
    crew: Crew
    messages: Sequence[Received]
    exhausted: bool = False
    """Claimed too often: something in it breaks turns, so nothing in it is touched again."""
    said: Sequence[Said] = ()
    online: bool = True
    """Somebody is there to take what is handed over; True where nobody can tell."""
    woken: frozenset[str] = frozenset()
    """What it may be time for: why the conversation is looked at without anybody having written."""
    facts: Mapping[str, int] = field(default_factory=dict)
    """What is remembered about the contact, and since when."""
    rating: Heard | None = None
    """What the burst says to the open question for a rating; None: there is none."""
    past: Past | None = None
    """What was said last and when; None where somebody wrote, or where nobody looks for what may be said unasked."""
    tokens: int = 0
    """What the queue's assistants came to this month; 0 where nothing limits them."""
    due: Due | None = None
    """What nobody asked for, and is to be said now."""
    words: Sequence[str] = ()
    """The contact's last ones, where nobody wrote now."""
    capabilities: Capabilities = UNKNOWN
    """Of its channel, as far as this contact can have them."""
    preference: Wanted = ""
    """How the contact, in this burst, asked to be answered."""
    occasion: Occasion | None = None
    """What speaks for voice and against it; None when nobody is asked for an answer."""
    telling: Telling | None = None
    """The note that is being spoken; None while none can be."""
    aloud: Aloud | None = None
    """Takes the answer while it is written; None when that is not to be heard."""
    timeline: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    @property
    def wish(self) -> Wish:
        """What the last caller who asked for anything special asked for."""
        return next((m.wish for m in reversed(self.messages) if m.wish != Wish()), Wish())

    @property
    def opted_out(self) -> bool:
        return "opted_out" in self.facts and not self.capabilities.pull

    @property
    def opt_out(self) -> OptOut:
        """Without words where nobody is written to who did not just ask."""
        return OptOut(words=()) if self.capabilities.pull else self.crew.queue.opt_out

    @property
    def custody(self) -> Custody:
        """Who had it when the turn began to think."""
        return custody_of(self.conversation)

    @property
    def language(self) -> str:
        """For our own sentences: the contact's, when its words tell."""
        return customers_language([said.text for said in self.said] or self.words, self.crew.queue.language)

    @property
    def spoken(self) -> bool:
        """The contact sent a voice note."""
        return any(said.spoken for said in self.said)

    @property
    def closed(self) -> bool:
        """People are away."""
        return not is_open(self.crew.queue.hours, self.claim.claimed_at)

    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.began) * 1000)

    def note(self, step: str, reason: str, **facts: Any) -> None:
        """One line of the timeline. `at` is milliseconds since the epoch by the store's clock."""
        self.timeline.append({"step": step, "at": self.claim.claimed_at + self.elapsed_ms(), "reason": reason, **facts})

    @contextmanager
    def step(self, name: str, telemetry: Telemetry) -> Iterator[dict[str, Any]]:
        """A step that takes time: timed, counted and written down, also when it breaks."""
        facts: dict[str, Any] = {}
        began, at = time.perf_counter(), self.elapsed_ms()
        with telemetry.timed(name):
            try:
                yield facts
            finally:
                ms = round((time.perf_counter() - began) * 1000, 1)
                self.timeline.append({"step": name, "at": self.claim.claimed_at + at, "ms": ms, **facts})
