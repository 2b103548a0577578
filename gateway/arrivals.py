"""What a provider's hook brings, each to its place. All of it is on disk when `take` returns.

Messages go to the intake. A status becomes a receipt. An echo that we did not send is a person who took over. What
nobody can read is kept as it came.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway import transcript
from gateway.channels.base import (
    Capabilities,
    ChannelError,
    Echo,
    Event,
    Hooked,
    Inbound,
    Noise,
    Reach,
    Status,
    Unknown,
)
from gateway.config import ChannelSettings, Config
from gateway.deliveries import Deliveries
from gateway.fetching import Fetching
from gateway.intake import Intake
from gateway.people import People
from gateway.presence import Presence
from gateway.setbacks import Setbacks
from gateway.telemetry import Telemetry
from storage.model import Conversation, ConversationId, Kind, Receipt, conversation_id
from storage.store import Store, StoreError

log = logging.getLogger("recado.arrivals")

LONGEST_ID = 512
"""Characters of anybody's id."""
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999."""
ARRIVED = ("delivered", "read", "played")
"""What is told of a send that the contact has: that it failed as well is nothing to act on."""
REMEMBERED = 20
"""Of our latest parts, those an echo is compared with when a send's fate is unknown."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    config: Config
    store: Store
    intake: Intake
    deliveries: Deliveries
    setbacks: Setbacks
    fetching: Fetching
    presence: Presence
    people: People
    channels: Mapping[str, Hooked]
    telemetry: Telemetry

    async def take(self, channel: ChannelSettings, events: Sequence[Event], raw: bytes) -> None:
        """In their order. Raises StoreError, and then the provider sends it all again: twice is once."""
        for event in events:
            try:
                await self._one(channel, event, raw)
            except StoreError:
                raise
            except Exception:
                # Sent again it would break again, and stand in the way of everything behind it.
                log.exception("an event broke and is kept as it came")
                await self._unknown(channel, "broke", raw)

    async def _one(self, channel: ChannelSettings, event: Event, raw: bytes) -> None:
        match _sane(event):
            case Inbound() as message:
                await self._message(channel, message)
            case Status() as status:
                await self._status(channel, status)
            case Echo() as echo:
                await self._echo(channel, echo)
            case Reach() as reach:
                await self._reach(channel, reach)
            case Noise(reason):
                self.telemetry.noise.labels(channel.name, reason).inc()
            case Unknown(reason, somebody_elses):
                await self._unknown(channel, reason, b"" if somebody_elses else raw)

    # -- messages ------------------------------------------------------------------------------------

    async def _message(self, channel: ChannelSettings, message: Inbound) -> None:
        if message.claimed and not await self._is_theirs(channel, message):
            self.telemetry.noise.labels(channel.name, "change_of_nothing_of_theirs").inc()
            return
        accepted = await self.intake.take(channel, self.config.queue(channel.queue), message)
        self.telemetry.received.labels(channel.name, "duplicate" if accepted.duplicate else "new").inc()
        if accepted.duplicate:
            return
        self.fetching.soon(channel.name, accepted.conversation, accepted.message, message.attachments)
        if message.meaning == "message" and not self.intake.is_aside(channel, message):
            self.presence.read(accepted.conversation, channel.name, message)

    async def _is_theirs(self, channel: ChannelSettings, message: Inbound) -> bool:
        """What is corrected or taken back stands in the conversation of the one who is said to do so."""
        known = await self.store.known(channel.name, message.of)
        if known is None or known.kind is not Kind.IN:
            return False
        contact = await self.store.known_as(channel.name, [message.contact, *message.aliases], lasting=message.lasting)
        return known.conversation == conversation_id(channel.name, contact)

    async def _unknown(self, channel: ChannelSettings, reason: str, raw: bytes) -> None:
        redacted = getattr(self.channels[channel.name], "redacted", None)
        await self.store.keep_unread(channel.name, reason, redacted(raw) if redacted else raw)
        self.telemetry.unread.labels(channel.name, reason).inc()
        log.warning("a request nobody can read was kept", extra={"facts": {"channel": channel.name, "why": reason}})

    # -- what became of what we sent -------------------------------------------------------------------

    async def _status(self, channel: ChannelSettings, status: Status) -> None:
        known = await self.store.known(channel.name, status.id)
        conversation = known.conversation if known else _conversation_in(status.delivery)
        delivery = known.dedup if known and known.kind is Kind.OUT else status.delivery
        if conversation is None or not delivery or (known and known.kind is Kind.IN):
            self.telemetry.noise.labels(channel.name, "status_of_nothing_of_ours").inc()
            return
        detail = status.error.reason if status.error else ""
        receipt = Receipt(conversation, delivery, status.status, status.at, status.id, detail)
        found = await self.store.conversation(conversation)
        if found is None or found.channel != channel.name:
            return  # a delivery's id comes back from outside: it must be one of this channel's
        write = self._failed(found, receipt, status.error) if status.error else self.store.resolve(receipt)
        if await write:
            self.telemetry.receipts.labels(channel.name, status.status).inc()

    async def _failed(self, conversation: Conversation, receipt: Receipt, error: ChannelError) -> bool:
        """First what follows, then the fact: if only one of them gets written, it is all told again and is once."""
        before = [one for one in await self.store.receipts(receipt.conversation) if one.delivery == receipt.delivery]
        known = any((one.status, one.detail) == (receipt.status, receipt.detail) for one in before)
        if not known and not any(one.status in ARRIVED for one in before):
            await self.setbacks.met(conversation, receipt, error)
        return await self.store.record(receipt)

    async def _echo(self, channel: ChannelSettings, echo: Echo) -> None:
        if await self.store.known(channel.name, echo.id):
            return self._our_own(channel)
        contact = await self.store.known_as(channel.name, [echo.contact, *echo.aliases], lasting=echo.lasting)
        id = conversation_id(channel.name, contact)
        if self.deliveries.is_sending(id, echo.text, voice=echo.voice):
            self.deliveries.echoed(id, echo.id)
            return self._our_own(channel)
        if delivery := await self._unsure_of(id, echo, self.channels[channel.name].capabilities):
            receipt = Receipt(id, delivery, "sent", echo.at, echo.id, "echo")
            await self.store.resolve(receipt)
            return self._our_own(channel)
        if echo.by_us:
            return self._our_own(channel)
        if echo.group and channel.groups == "ignore":
            return self.telemetry.noise.labels(channel.name, "group").inc()
        conversation = Conversation(id, channel.name, contact, "", channel.queue, group=echo.group)
        return await self._takeover(channel, conversation, echo)

    def _our_own(self, channel: ChannelSettings) -> None:
        self.telemetry.noise.labels(channel.name, "own_send").inc()

    async def _unsure_of(self, id: ConversationId, echo: Echo, can: Capabilities) -> str:
        """The delivery whose fate nobody knew, when this is what it said. Of a fleet it may also be the next one, under
        way in another process."""
        unsure = transcript.in_doubt(await self.store.receipts(id))
        latest = await self.store.latest(id, Kind.OUT, REMEMBERED)
        doubtful = [entry for entry in latest if entry.dedup in unsure]
        if not self.store.alone and (sent := await self.store.at_work(Kind.OUT, id)) is not None:
            doubtful += [entry for entry in latest if entry.seq > sent][-1:]
        said = (one.dedup for one in doubtful if transcript.says(one, echo.text, can, voice=echo.voice))
        return next(said, "")

    async def _takeover(self, channel: ChannelSettings, conversation: Conversation, echo: Echo) -> None:
        """Somebody of the business answered from the phone: the assistant is silent from now on."""
        conversation = replace(conversation, address=echo.address)
        if await self.people.wrote_elsewhere(conversation, echo.text, echo.at, echo.id, voice=echo.voice):
            self.telemetry.takeovers.labels(channel.name).inc()
            log.info("a person took over", extra={"facts": {"conversation": conversation.id}})

    # -- contacts ------------------------------------------------------------------------------------

    async def _reach(self, channel: ChannelSettings, reach: Reach) -> None:
        ids = [reach.contact, reach.moved_to] if reach.moved_to else [reach.contact]
        contact = await self.store.known_as(channel.name, ids)
        id = conversation_id(channel.name, contact)
        if await self.store.conversation(id) is None:
            return
        if reach.address:
            await self.store.readdress(id, reach.address)
        if reach.reachable is not None:
            await self.store.set_fact(id, "unreachable", not reach.reachable)


def _conversation_in(delivery: str) -> ConversationId | None:
    """`<conversation>.<epoch>:<part>`"""
    return ConversationId(delivery.partition(".")[0]) if "." in delivery else None


def _sane(event: Event) -> Event:
    """What a store can hold, whatever a body held: ids that are some, and times that are."""
    match event:
        case Inbound() | Echo() | Status():
            ids = [event.id] if isinstance(event, Status) else [event.id, event.contact]
            if not all(0 < len(id) <= LONGEST_ID for id in ids):
                return Unknown("id_missing")
            return replace(event, at=min(max(event.at, 0), LATEST))
        case Reach() if not 0 < len(event.contact) <= LONGEST_ID:
            return Unknown("id_missing")
    return event
