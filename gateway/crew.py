"""What one queue works with. Built in `app.py`, used by turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.assistants.base import Assistant, Passage
from gateway.config import Queue
from gateway.hearing.base import Hearing
from tts.model import Synthesizer


class Reference(Protocol):
    """The queue's documents, for an assistant that does not read them itself."""

    async def search(self, question: str, language: str = "", limit: int = 4) -> Sequence[Passage]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Crew:
    queue: Queue
    assistant: Assistant
    reference: Reference | None = None
    hearing: Hearing | None = None
    """None: voice notes are answered with a request to type."""
    voice: Synthesizer | None = None
    """None: every answer is text."""
