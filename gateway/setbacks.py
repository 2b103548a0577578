"""What a provider accepted, and says later that it failed. What is sent in its place stands at the end of the lane:
what was said after it may be there already."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from gateway.channels.base import Channel, ChannelError, Then
from gateway.people import People
from gateway.rules.shaping import split
from gateway.rules.unasked import Reason
from gateway.telemetry import Telemetry
from storage.model import Conversation, DeadLetter, Entry, Kind, Post, Receipt
from storage.store import Store

log = logging.getLogger("recado.deliveries")

LOOKED_AT = 50
"""Of our latest parts, those a provider may still say something about."""


@dataclass(frozen=True, slots=True)
class Setbacks:
    store: Store
    channels: Mapping[str, Channel]
    people: People
    telemetry: Telemetry

    async def met(self, conversation: Conversation, receipt: Receipt, error: ChannelError) -> None:
        """Written down before the receipt is: told twice it is still done once."""
        self.telemetry.deliveries.labels(conversation.channel, "failed").inc()
        facts = {"reason": error.reason, "hint": error.hint, "delivery": receipt.delivery}
        log.warning("a delivery failed at the provider", extra={"facts": facts})
        for fact in remembered(error):
            await self.store.set_fact(conversation.id, fact, True)
        latest = await self.store.latest(conversation.id, Kind.OUT, LOOKED_AT)
        entry = next((entry for entry in latest if entry.dedup == receipt.delivery), None)
        if entry is not None:
            await self._instead(conversation, entry, latest, error)

    async def _instead(
        self, conversation: Conversation, entry: Entry, latest: Sequence[Entry], error: ChannelError
    ) -> None:
        body = orjson.loads(entry.body)
        if body["reply"].get("reason") in get_args(Reason):
            return  # what nobody asked for would only be a bother later, or as a template
        if error.then is Then.AS_TEXT and body["part"]["kind"] != "text" and _is_new(entry):
            await self._as_text(conversation, entry, latest)
        elif error.then in (Then.AGAIN, Then.SLOW_DOWN) and _is_new(entry):
            await self._post(conversation, f"{entry.dedup}:again", body)
        elif error.then is Then.TEMPLATE and not body.get("template"):
            await self._reopen(conversation, body)
        else:
            at = await self.store.now()
            await self.store.bury(DeadLetter(Kind.OUT, conversation.id, entry.seq, error.reason, at))

    async def _as_text(self, conversation: Conversation, entry: Entry, latest: Sequence[Entry]) -> None:
        body = orjson.loads(entry.body)
        words = body["part"].get("written") or body["part"]["transcript"]
        if _is_beside(words, body["turn"], latest):
            return
        channel = self.channels.get(conversation.channel)
        limit, utf16 = (channel.capabilities.text_limit, channel.capabilities.utf16) if channel else (0, False)
        for n, piece in enumerate(split(words, limit, utf16=utf16)):
            part = {"kind": "text", "text": piece}
            await self._post(conversation, f"{entry.dedup}:again{n or ''}", {**body, "part": part})

    async def _reopen(self, conversation: Conversation, body: Mapping[str, Any]) -> None:
        """The window had closed: the template where there is one, or a person."""
        channel = self.channels.get(conversation.channel)
        if channel is not None and channel.capabilities.template:
            once = f"{body['turn']}:0:template"  # for all the parts of the reply
            return await self._post(conversation, once, {**body, "template": True})
        await self.people.call(conversation.id, "outside_reply_window", key=f"{body['turn']}:window")
        return None

    async def _post(self, conversation: Conversation, dedup: str, body: Mapping[str, Any]) -> None:
        await self.store.send_also(Post(conversation.id, dedup, orjson.dumps(body).decode()))


def remembered(error: ChannelError) -> Sequence[str]:
    """Facts about the contact that a failed send brings to light."""
    fact = error.remember or ("unreachable" if error.then is Then.UNREACHABLE else "")
    return (fact,) if fact else ()


def _is_new(entry: Entry) -> bool:
    """Not a repeat itself."""
    return ":again" not in entry.dedup


def _is_beside(words: str, turn: str, latest: Sequence[Entry]) -> bool:
    """All that the note says is written in the same reply already; also in the place of another of its notes."""
    bodies = [orjson.loads(entry.body) for entry in reversed(latest)]
    beside = _plain(" ".join(one["part"].get("text", "") for one in bodies if one["turn"] == turn))
    return all(_plain(line) in beside for line in words.splitlines())


def _plain(text: str) -> str:
    return " ".join(text.split())
