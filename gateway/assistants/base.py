"""What answers: the seam between a conversation and whatever thinks about it.

AssistantError              reason · retryable · retry_after · hint
(one class: the reason code says what it was; the policy that reads it is `assistants/retrying.py`)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing that was said, by the contact or by us."""

    role: Literal["contact", "assistant", "person"]
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a queue's document."""

    document: str
    """File name, as the operator knows it."""
    paragraph: int
    """Counted from 1 within the document."""
    text: str
    score: float = 0.0
    """0 to 1: how well it answers the question that found it."""
    heading: str = ""
    language: str = ""
    """Two letters, e.g. `pt`; empty when unknown."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Something the contact sent to be looked at. Made by `pictures.picture`, which proves what it is."""

    kind: Literal["image", "document"]
    mime: str
    """`image/jpeg`, `image/png`, `image/webp`, `image/gif` or `application/pdf`."""
    data: bytes = field(repr=False)
    name: str = ""
    """The file's name as the contact knows it, without a path; of a document it ends in `.pdf`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything an assistant may know for one turn."""

    conversation: str
    """Opaque id: safe to send to a provider as a safety identifier (hashed again there)."""
    instructions: str
    language: str
    """The queue's language, BCP 47; an assistant answers in the customer's where it can tell."""
    history: Sequence[Utterance]
    """Oldest first, without the question. From our own transcript, which is the truth."""
    question: str
    """The whole burst, one message a line, voice notes as their transcript."""
    marker: str = ""
    """What the assistant writes first when it cannot help or the customer wants a person."""
    passages: Sequence[Passage] = ()
    pictures: Sequence[Picture] = ()
    """What came with the question, in its order. Kinds that the assistant does not see are left out."""
    may_choose: bool = False
    """The assistant may say whether it wants to be heard or read: `gateway/rules/directing.py`."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Again:
    """What was written so far is void: the answer begins anew."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person should go on: what the assistant says by calling a function, or by what it knows of itself. Comes right
    before Finished; what was written before it in the same answer is not said."""

    reason: str = ""
    """The assistant's own words, at most 300 characters; empty when it gave none that can be read."""
    score: float | None = None
    """How well the best it knows answers the question, 0 to 1, where it hands over because that is too little."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole: the last event, always. A stream that ends without it was cut."""

    citations: Sequence[Passage] = ()
    language: str = ""
    """BCP 47 or two letters, when the assistant knows what it wrote in."""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    """The server counted no tokens: these are ours (`assistants/reckoning.py`)."""
    truncated: bool = False
    """The model stopped at its output limit."""
    ignored_calls: int = 0
    """Calls of functions that were not offered: nothing was done about them."""


Event = Text | Again | HandOver | Finished


class AssistantError(Exception):
    """There is no answer, and why."""

    def __init__(
        self, reason: str, *, retryable: bool = False, retry_after: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        """A short code: the provider's own where it has one, e.g. `insufficient_quota`."""
        self.retryable = retryable
        self.retry_after = retry_after
        """Seconds, when the provider said so."""
        self.hint = hint
        """For the operator: what to do. Never a key, never shown to a customer."""


class Assistant(Protocol):
    @property
    def name(self) -> str:
        """`provider/model`, for logs. Holds no key."""
        ...

    @property
    def sees(self) -> frozenset[str]:
        """The kinds of Picture it can be shown: `image`, `document`. The model behind it may still refuse one:
        AssistantError `pictures_refused`, and the same question goes well without pictures."""
        ...

    def answer(self, ask: Ask) -> AsyncIterator[Event]:
        """Text pieces, perhaps a HandOver, then exactly one Finished.

        Raises AssistantError, at the start or in the middle.
        """
        ...

    async def close(self) -> None: ...
