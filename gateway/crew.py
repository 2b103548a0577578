"""What one queue works with. Built in `app.py`, used by turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.actions import Actions
from gateway.assistants.base import Assistant, Passage
from gateway.config import Queue
from gateway.hearing.base import Hearing
from gateway.rules.budget import spent
from gateway.rules.flows import Flow
from gateway.rules.shaping import Script, scripted
from tts.ladder import Ladder


class Reference(Protocol):
    """The queue's documents, for an assistant that does not read them itself."""

    async def search(self, question: str, language: str = "", limit: int = 4) -> Sequence[Passage]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Crew:
    queue: Queue
    assistants: Sequence[Assistant]
    """In the order in which they are asked: each when the one before it gave no answer."""
    reference: Reference | None = None
    hearing: Hearing | None = None
    """None: voice notes are answered with a request to type."""
    voice: Ladder | None = None
    """None: every answer is text."""
    tags: bool = False
    """One of its voices acts out audio tags such as [laughs]."""
    flows: Mapping[str, Flow] = field(default_factory=dict)
    """By file."""
    actions: Actions | None = None
    """What its flows can have done; None when it has no flows."""

    def hosted(self, tokens: int) -> Sequence[Assistant]:
        """Those of its assistants that can be asked anything, and not only what its documents hold. `tokens`: what the
        month came to; those whose limit it has reached are left out."""
        kinds = [settings.provider for settings in (self.queue.assistant, *self.queue.assistants)]
        over = spent(self.queue, tokens)
        places = enumerate(zip(kinds, self.assistants, strict=True))
        return [one for place, (kind, one) in places if kind != "local" and place not in over]

    @property
    def sees(self) -> frozenset[str]:
        """What one of its assistants can be shown."""
        return frozenset().union(*(assistant.sees for assistant in self.assistants))

    def script(self, text: str, language: str) -> Script:
        """The words of a text that are worth saying, in this queue's pronunciation."""
        return scripted(text, language, tags=self.tags, dictionary=self.queue.voice.pronunciations)
