"""The way out: one claim of an outbound lane sends its next part (or the whole reply), in order, and records it.

A part is sent again only when it was refused for certain, or when the channel takes an idempotency key. The lane moves
on after every send, so a crash repeats at most the one send in flight for that contact.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.channels.base import Channel, ChannelError, Outgoing, Sent
from gateway.telemetry import Telemetry
from gateway.transcript import public_reply
from storage.model import Claim, Conversation, DeadLetter, Entry, Kind, Receipt, Settlement
from storage.store import Store

log = logging.getLogger("recado.deliveries")

MAX_TRIES = 20
"""Claims of one delivery, crashes included; more than any channel's schedule. Whatever breaks us, the lane goes on."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    store: Store
    channels: Mapping[str, Channel]
    telemetry: Telemetry
    base_url: str

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        entries = await self.store.load(claim)
        conversation = await self.store.conversation(claim.key)
        if not entries or conversation is None:
            await self.store.settle(claim, Settlement(claim.tail))
            return
        channel = self.channels.get(conversation.channel)
        if channel is None:
            await self._give_up(claim, entries, "channel_not_configured", conversation)
            return
        due = _next(entries, channel.capabilities.whole_reply)
        if claim.tries > MAX_TRIES:
            await self._give_up(claim, due, "too_many_tries", conversation)
            return
        await self._deliver(claim, due, channel, conversation)

    async def _deliver(
        self, claim: Claim, entries: Sequence[Entry], channel: Channel, conversation: Conversation
    ) -> None:
        if self._withdrawn(entries, channel, conversation):
            await self._settle(claim, entries, Sent(status="withdrawn"), conversation, "person_took_over")
            return
        try:
            sent = await channel.send(self._outgoing(claim, entries, conversation))
        except ChannelError as error:
            await self._failed(claim, entries, error, conversation)
        else:
            await self._settle(claim, entries, sent, conversation)

    def _withdrawn(self, entries: Sequence[Entry], channel: Channel, conversation: Conversation) -> bool:
        """A person took over after the turn settled: what the assistant wrote and nobody has seen stays here."""
        if conversation.hold is None or channel.capabilities.pull:
            return False
        return all(orjson.loads(entry.body)["yields"] for entry in entries)

    def _outgoing(self, claim: Claim, entries: Sequence[Entry], conversation: Conversation) -> Outgoing:
        bodies = [orjson.loads(entry.body) for entry in entries]
        parts = [body["part"] for body in bodies]
        reply: dict[str, Any] = public_reply({**bodies[0]["reply"], "parts": parts}, self.base_url)
        return Outgoing(entries[0].dedup, conversation.id, conversation.contact, reply, claim.tries)

    async def _failed(
        self, claim: Claim, entries: Sequence[Entry], error: ChannelError, conversation: Conversation
    ) -> None:
        facts = {"reason": error.reason, "hint": error.hint, "try": claim.tries, "channel": conversation.channel}
        log.warning("a delivery failed", extra={"facts": facts})
        if error.final or not error.certain:
            await self._give_up(claim, entries, error.reason, conversation)
            return
        self.telemetry.deliveries.labels(conversation.channel, "retried").inc()
        await self.store.retry(claim, round((error.retry_after or 5.0) * 1000))

    async def _give_up(
        self, claim: Claim, entries: Sequence[Entry], reason: str, conversation: Conversation
    ) -> None:
        """Honestly: a receipt that says so, and a dead letter that can be posted again by hand."""
        at = await self.store.now()
        dead = [DeadLetter(Kind.OUT, claim.key, entry.seq, reason, at) for entry in entries]
        settlement = replace(self._settlement(entries, Sent(status="failed"), reason, at), dead=dead)
        await self.store.settle(claim, settlement)
        self.telemetry.deliveries.labels(conversation.channel, "failed").inc(len(entries))

    async def _settle(
        self, claim: Claim, entries: Sequence[Entry], sent: Sent, conversation: Conversation, detail: str = ""
    ) -> None:
        at = await self.store.now()
        await self.store.settle(claim, self._settlement(entries, sent, detail, at))
        self.telemetry.deliveries.labels(conversation.channel, sent.status).inc(len(entries))

    def _settlement(self, entries: Sequence[Entry], sent: Sent, detail: str, at: int) -> Settlement:
        receipts = [
            Receipt(_conversation(entry), entry.dedup, sent.status, at, sent.provider_id, detail) for entry in entries
        ]
        return Settlement(entries[-1].seq, receipts=receipts)


def _next(entries: Sequence[Entry], whole_reply: bool) -> Sequence[Entry]:
    """What one send carries: the next part, or all the parts of the next reply."""
    if not whole_reply:
        return entries[:1]
    turn = orjson.loads(entries[0].body)["turn"]
    return [entry for entry in entries if orjson.loads(entry.body)["turn"] == turn]


def _conversation(entry: Entry) -> Any:
    return orjson.loads(entry.body)["reply"]["conversation"]
