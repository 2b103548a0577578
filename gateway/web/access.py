"""Who may: the admin key opens everything, a channel key its conversations, a visitor's cookie its own."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from gateway.config import ChannelSettings, Config
from gateway.web.problems import Problem
from storage.model import Conversation, conversation_id


@dataclass(frozen=True, slots=True)
class Caller:
    kind: Literal["admin", "channel", "visitor"]
    channel: str = ""
    """Of a channel key."""
    visits: Mapping[str, str] = field(default_factory=dict)
    """Of a visitor: who it is, by channel."""

    def opens(self, conversation: Conversation) -> bool:
        if self.kind == "visitor":
            return self.visits.get(conversation.channel) == conversation.contact
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

    def caller(self, request: web.Request) -> Caller:
        """Raises Problem 401."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            return self._by_key(key.strip() if scheme.lower() == "bearer" else "")
        return self._by_cookie(request)

    def _by_key(self, key: str) -> Caller:
        given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found: Caller | None = None
        if _same(self.config.server.admin_key.get_secret_value(), given):
            found = Caller("admin")
        for channel in self.config.channels:
            if _same(channel.key.get_secret_value(), given) and found is None:
                found = Caller("channel", channel.name)
        if found is None:
            raise Problem(401, "this key opens nothing here", headers={"WWW-Authenticate": "Bearer"})
        return found

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


def cookie_name(channel: str) -> str:
    return f"recado_{channel}"


def _same(key: str, given: bytes) -> bool:
    """In constant time; an empty key opens nothing."""
    return bool(key) & hmac.compare_digest(hashlib.sha256(key.encode()).digest(), given)


def from_here(request: web.Request) -> bool:
    """Not from another site's page. A browser too old to say so at least keeps a SameSite=Strict cookie to itself."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
