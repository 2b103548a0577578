"""What an answer came to where its server does not say: estimated from what was asked and written, so that a limit
holds with any server."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from gateway.assistants.base import Ask, Event, Finished, Text
from gateway.assistants.briefing import instructions, turns

E = TypeVar("E", bound=Event)

BYTES = 4
"""Of UTF-8 to a token: the rule of thumb of those who sell them. What a server wraps around it is not in it."""


class Reckoning:
    """Of one answer: each of its events goes through `of`."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._wrote = ask, 0

    def of(self, event: E) -> E:
        """The same, but for a Finished without tokens: that gets some."""
        if isinstance(event, Text):
            self._wrote += _bytes(event.text)
        if not isinstance(event, Finished) or event.input_tokens or event.output_tokens:
            return event
        read = _bytes(instructions(self._ask)) + sum(_bytes(turn["content"]) for turn in turns(self._ask))
        return replace(event, input_tokens=_tokens(read), output_tokens=_tokens(self._wrote), estimated=True)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _tokens(bytes: int) -> int:
    return -(-bytes // BYTES)
