"""What listens: a voice note becomes words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    """Empty when nobody spoke."""
    language: str = ""
    """Two letters or BCP 47; empty when unknown."""


class HearingError(Exception):
    """The note could not be made into words."""

    def __init__(
        self, reason: str, *, retryable: bool = False, retry_after: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after
        self.hint = hint


class Hearing(Protocol):
    @property
    def name(self) -> str: ...

    async def hear(self, audio: bytes, mime: str, language: str) -> Heard:
        """`language` is a hint (BCP 47, may be empty). Raises HearingError."""
        ...

    async def close(self) -> None: ...
