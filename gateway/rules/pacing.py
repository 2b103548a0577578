"""How fast we may send: what a provider allows, and what a person would do. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.channels.base import Capabilities
from gateway.config import Reply

MOST = 10_000
"""Contacts whose pace is remembered; the longest silent one is forgotten first, and its bucket is full by then."""


@dataclass(slots=True)
class Bucket:
    """Lets `rate` sends a second through, and `burst` at once after a rest."""

    rate: float
    burst: float
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def wait(self, now: float) -> float:
        """Seconds until there is room."""
        self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(now, self.at)
        return max(0.0, (1 - self.level) / self.rate)

    def take(self) -> None:
        self.level -= 1


@dataclass(slots=True)
class Pace:
    """Of one channel."""

    capabilities: Capabilities
    rests_until: float = 0.0
    """The provider asked the whole channel to slow down, or the channel does not work."""
    _channel: Bucket | None = None
    _contacts: dict[str, Bucket] = field(default_factory=dict)

    def wait(self, contact: str, now: float) -> float:
        """Seconds before this contact may be written to; 0 takes the room. `now`: seconds, any clock that rises."""
        buckets = [bucket for bucket in (self._whole(), self._one(contact)) if bucket]
        wait = max([self.rests_until - now, 0.0, *(bucket.wait(now) for bucket in buckets)])
        if not wait:
            for bucket in buckets:
                bucket.take()
        return wait

    def give_back(self, contact: str) -> None:
        """The room that was taken is not used."""
        for bucket in (self._whole(), self._one(contact)):
            if bucket:
                bucket.level += 1

    def _whole(self) -> Bucket | None:
        rate, burst = self.capabilities.per_channel
        if self._channel is None and rate:
            self._channel = Bucket(rate, burst)
        return self._channel

    def _one(self, contact: str) -> Bucket | None:
        rate, burst = self.capabilities.per_contact
        if not rate:
            return None
        bucket = self._contacts.pop(contact, Bucket(rate, burst))
        self._contacts[contact] = bucket  # the last to be asked for is the last to be forgotten
        if len(self._contacts) > MOST:
            del self._contacts[next(iter(self._contacts))]
        return bucket


def typing_ms(text: str, reply: Reply) -> int:
    """How long a person would type what comes next, in milliseconds."""
    return round(min(max(len(text) * reply.typing_ms_per_char, reply.typing_min_ms), reply.typing_max_ms))
