"""Who may: the admin key opens everything, a channel key and an inbox's key their conversations, a visitor's cookie its
own."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web
from pydantic import SecretStr

from gateway.config import ChannelSettings, Config
from gateway.web.problems import Problem
from storage.model import Conversation, conversation_id


@dataclass(frozen=True, slots=True)
class Caller:
    kind: Literal["admin", "channel", "visitor", "desk"]
    channel: str = ""
    """Of a channel key."""
    queues: frozenset[str] = frozenset()
    """Of an inbox's key: those whose people answer there."""
    visits: Mapping[str, str] = field(default_factory=dict)
    """Of a visitor: who it is, by channel."""

    def opens(self, conversation: Conversation) -> bool:
        if self.kind == "visitor":
            return self.visits.get(conversation.channel) == conversation.contact
        if self.kind == "desk":
            return bool({conversation.queue, *([conversation.hold.queue] if conversation.hold else [])} & self.queues)
        return self.kind == "admin" or conversation.channel == self.channel

    def writes_to(self, channel: str) -> bool:
        return self.kind == "admin" or channel == self.channel or channel in self.visits

    @property
    def conversations(self) -> Iterator[Conversation]:
        """A visitor's own, as they are before the first message."""
        for channel, contact in self.visits.items():
            yield Conversation(conversation_id(channel, contact), channel, contact, "", "")


@dataclass(frozen=True, slots=True)
class Access:
    config: Config
    visitor_secret: bytes = field(repr=False)
    _keys: tuple[tuple[bytes, Caller], ...] = field(init=False, repr=False)
    """What each key opens, by its digest."""

    def __post_init__(self) -> None:
        keys = [(self.config.server.admin_key, Caller("admin"))]
        keys += [(channel.key, Caller("channel", channel.name)) for channel in self.config.channels]
        keys += _inboxes(self.config)
        digests = tuple((_digest(key.get_secret_value()), caller) for key, caller in keys if key.get_secret_value())
        object.__setattr__(self, "_keys", digests)

    def caller(self, request: web.Request) -> Caller:
        """Raises Problem 401."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return self._by_key(key.strip() if scheme.lower() == "bearer" else "")
        return self._by_cookie(request)

    def _by_key(self, key: str) -> Caller:
        """In constant time: every key is compared, whichever fits."""
        given = _digest(key)
        found = [caller for digest, caller in self._keys if hmac.compare_digest(digest, given)]
        if not found:
            raise Problem(401, "this key opens nothing here", headers={"WWW-Authenticate": "Bearer"})
        return found[0]

    def _by_cookie(self, request: web.Request) -> Caller:
        """A page sends its cookie along by itself, so where the request comes from must be the page."""
        visits = {}
        for channel in self.config.channels if from_here(request) else ():
            token = request.cookies.get(cookie_name(channel.name), "")
            if contact := self.visitor(channel, token):
                visits[channel.name] = contact
        if visits:
            return Caller("visitor", visits=visits)
        raise Problem(401, "send Authorization: Bearer KEY", headers={"WWW-Authenticate": "Bearer"})

    def visitor(self, channel: ChannelSettings, token: str) -> str:
        """The contact a token was made for, or an empty string."""
        contact, _, signature = token.rpartition(".")
        given = signature.encode("utf-8", "surrogatepass")
        return contact if hmac.compare_digest(given, self._sign(channel, contact).encode()) else ""

    def visitor_token(self, channel: ChannelSettings, contact: str) -> str:
        return f"{contact}.{self._sign(channel, contact)}"

    def _sign(self, channel: ChannelSettings, contact: str) -> str:
        signed = f"{channel.name}\x00{contact}".encode("utf-8", "surrogatepass")
        return hmac.new(self.visitor_secret, signed, hashlib.sha256).hexdigest()


def _inboxes(config: Config) -> list[tuple[SecretStr, Caller]]:
    """Queues with the same secret are one inbox."""
    found: dict[str, list[str]] = {}
    for queue in config.queues:
        desk = queue.handoff.desk
        if desk.type == "inbox":
            found.setdefault(desk.secret.get_secret_value(), []).append(queue.name)
    return [(SecretStr(secret), Caller("desk", queues=frozenset(names))) for secret, names in found.items()]


def cookie_name(channel: str) -> str:
    return f"recado_{channel}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def from_here(request: web.Request) -> bool:
    """Not from another site's page. A browser too old to say so at least keeps a SameSite=Strict cookie to itself."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
