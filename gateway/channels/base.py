"""A channel: a configured way in and out.

    ChannelError            reason · certain · retry_after · hint
    └── Gone                the other end asked us to stop for good
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Inbound:
    """One verified message from a contact."""

    id: str
    """The provider's id: the same one twice is the same message."""
    contact: str
    name: str
    text: str
    at: int
    """Milliseconds since the epoch by the provider's clock; orders a burst."""
    audio: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can carry. The core asks this and never for a name."""

    voice_note: bool = True
    text_limit: int = 0
    """Characters of one message; 0 is no limit."""
    whole_reply: bool = False
    """All parts of a reply travel in one send."""
    pull: bool = False
    """The contact reads the transcript itself: what is written is delivered."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one send carries."""

    id: str
    """The idempotency key, equal on each retry."""
    conversation: str
    contact: str
    reply: dict[str, Any]
    """The public reply object (docs/api.md), with the parts of this send."""
    attempt: int
    """1 on the first try."""


@dataclass(frozen=True, slots=True)
class Sent:
    provider_id: str = ""
    status: str = "sent"


class ChannelError(Exception):
    """A send failed."""

    def __init__(
        self, reason: str, *, certain: bool, retry_after: float | None = None, hint: str = "", final: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.certain = certain
        """True when it was refused for sure: it may be sent again without doubling it."""
        self.retry_after = retry_after
        """Seconds; the channel's own schedule or the provider's word."""
        self.final = final
        """No further try will help."""
        self.hint = hint


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def send(self, outgoing: Outgoing) -> Sent:
        """Raises ChannelError."""
        ...

    async def close(self) -> None: ...


