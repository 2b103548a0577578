"""The way to a desk and back: one claim of a desk lane tells people the next thing, in order, and records it; what they
do there comes in by `take`.

A desk that is down costs nobody anything: the conversation is held and the customer was told before the desk is. Its
lane waits and tries again, the operator hears of it once, and each conversation shows how far it got (`desk:…` among
its receipts).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from gateway.casefile import SAID, CaseFile
from gateway.channels.base import Capabilities
from gateway.config import Config
from gateway.desks.base import Assigned, Desk, DeskError, Event, Noise, Resolved, Written
from gateway.incidents import Incidents
from gateway.people import People
from gateway.rules.custody import TakenOver
from gateway.rules.shaping import split
from gateway.telemetry import Telemetry
from storage.model import Claim, Conversation, ConversationId, DeadLetter, Entry, Kind, Receipt, Settlement
from storage.store import Store, StoreError

log = logging.getLogger("recado.desks")

FIRST, LONGEST = 5.0, 600.0
"""Seconds before a desk is tried again: doubling from the one to the other."""
MAX_TRIES = 600
"""Claims of one item, crashes included: four days of a desk that is down."""
LONGEST_WRITTEN = 32_000
"""Characters of what a person may send at once, as in the inbox: a customer gets it in messages."""
UPTO = "_upto"
"""In a conversation's place: the last of the contact's messages that the desk was told. All else is the desk's."""


@dataclass(frozen=True, slots=True)
class Handovers:
    store: Store
    casefile: CaseFile
    people: People
    desks: Mapping[str, Desk]
    """By queue name; those that are told over a wire."""
    channels: Mapping[str, Capabilities]
    """By channel name."""
    incidents: Incidents
    telemetry: Telemetry
    _staffed: dict[str, bool | None] = field(default_factory=dict)
    _looked: list[tuple[int, str]] = field(default_factory=lambda: [(0, "")])
    """Where the last look at the held conversations ended."""

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        work = await self.store.load(claim)
        entries, conversation = work.entries, work.conversation
        if not entries or conversation is None:
            await self.store.settle(claim, Settlement(claim.tail))
            return
        queue, entry = self.people.queue_of(conversation).name, entries[0]
        try:
            await self._tell(claim, conversation, queue, entry)
        except DeskError as error:
            await self._failed(claim, entry, queue, error)
        except StoreError:
            raise
        except Exception as error:  # no desk should; tried as patiently as one that is down, and told to the operator
            log.exception("telling a desk broke")
            hint = f"{type(error).__name__} where an answer of the desk was read: the log says where"
            await self._failed(claim, entry, queue, DeskError("broke", retryable=True, hint=hint))

    async def _tell(self, claim: Claim, conversation: Conversation, queue: str, entry: Entry) -> None:
        """Raises DeskError."""
        desk = self.desks.get(queue)
        if desk is None or claim.tries > MAX_TRIES:
            raise DeskError("too_many_tries" if desk else "desk_not_configured", retryable=False)
        what = str(orjson.loads(entry.body)["what"])
        told = int(conversation.place.get(UPTO, 0))
        item, upto = await self.casefile.item(conversation, entry, self._place(conversation), told)
        placed = await desk.send(item) if item else None
        place = dict((placed and placed.place) or _theirs(conversation)) | {UPTO: str(upto)}
        known = [(_known_at(queue), id) for id in (placed.known_as if placed else ())]
        receipts = [Receipt(claim.key, f"desk:{entry.dedup}", "sent", await self.store.now())]
        await self.store.settle(claim, Settlement(entry.seq, receipts=receipts, place=place, known=known))
        self.casefile.done(claim.key, entry)
        self.telemetry.desk.labels(queue, what, "sent").inc()
        self.incidents.close(f"desk {queue}")

    async def _failed(self, claim: Claim, entry: Entry, queue: str, error: DeskError) -> None:
        what, at = _what(entry), await self.store.now()
        facts = {"queue": queue, "reason": error.reason, "hint": error.hint, "try": claim.tries}
        log.warning("a desk could not be told", extra={"facts": facts})
        self.incidents.open(f"desk {queue}", error.reason, error.hint)
        status = "waiting" if error.retryable else "failed"
        self.telemetry.desk.labels(queue, what, status).inc()
        receipt = Receipt(claim.key, f"desk:{entry.dedup}", status, at, detail=error.reason)
        if error.retryable:
            await self.store.record(receipt)
            wait = error.retry_after or min(LONGEST, FIRST * 2 ** min(claim.tries - 1, 10))
            await self.store.retry(claim, round(min(wait, LONGEST) * 1000))
            return
        dead = [DeadLetter(Kind.DESK, claim.key, entry.seq, error.reason, at)]
        await self.store.settle(claim, Settlement(entry.seq, receipts=[receipt], dead=dead))
        self.casefile.done(claim.key, entry)

    # -- what people do there --------------------------------------------------------------------------

    async def take(self, queue: str, events: Sequence[Event]) -> None:
        """In their order. Raises StoreError, and then the desk sends it all again: twice is once."""
        for event in events:
            if isinstance(event, Written | Assigned | Resolved):
                await self._one(queue, event)
            elif isinstance(event, Noise):
                self.telemetry.noise.labels(f"desk {queue}", event.reason).inc()

    async def _one(self, queue: str, event: Written | Assigned | Resolved) -> None:
        whose, key = await self._whose(queue, event.thread), f"{queue}:{event.id}"
        if whose is None:
            self.telemetry.noise.labels(f"desk {queue}", "somebody_elses").inc()
            return
        match event:
            case Written():
                await self._written(whose, event, key)
            case Resolved():
                await self.people.resolve(whose, event.person, key=key)
            case Assigned(person=person) if person:
                to = self.people.team(await self.people.conversation(whose))
                taken = TakenOver(key, await self.store.now(), "desk", to, person, "taken")
                await self.people.happened(whose, taken)

    async def _whose(self, queue: str, thread: str) -> ConversationId | None:
        """The conversation that the desk means. One that lies there was perhaps never told to it: people came by
        themselves."""
        known = await self.store.known(_known_at(queue), thread)
        if known is None:
            return await self._held_there(queue, thread)
        home = home_of(await self.people.conversation(known.conversation), queue, self.people.config)
        return known.conversation if home in ("", thread) else None

    async def _held_there(self, queue: str, home: str) -> ConversationId | None:
        after = (0, "")
        while self.people.config.queue(queue).handoff.desk.in_place:
            page = await self.store.held(SAID, after)
            for one in page:
                if self.people.queue_of(one).name == queue and home_of(one, queue, self.people.config) == home:
                    return one.id
                after = (one.hold.at if one.hold else 0, one.id)
            if not page:
                break
        return None

    async def _written(self, id: ConversationId, event: Written, key: str) -> None:
        """As many messages as the channel needs for it."""
        conversation = await self.people.conversation(id)
        channel = self.channels.get(conversation.channel, Capabilities())
        text = event.text.replace("\x00", "")
        if len(text) > LONGEST_WRITTEN:
            facts = {"conversation": id, "characters": len(text), "sent": LONGEST_WRITTEN}
            log.warning("what a desk wrote is cut", extra={"facts": facts})
            text = text[:LONGEST_WRITTEN].rstrip() + "…"
        pieces = split(text, channel.text_limit, utf16=channel.utf16)
        if parts := [{"kind": "text", "text": piece} for piece in pieces]:
            await self.people.write(id, parts[0], event.person, *parts[1:], key=key, alone=False)

    def _place(self, conversation: Conversation) -> dict[str, str]:
        """What the desk said of it, or where it lies there."""
        home = home_of(conversation, self.people.queue_of(conversation).name, self.people.config)
        place = _theirs(conversation)
        return {"conversation": home} if home and place.get("conversation") != home else place

    def online(self, queue: str) -> bool:
        """Whether somebody is there to take a conversation, as far as was known lately; True where nobody can tell."""
        return self._staffed.get(queue) is not False

    async def see_who_is_there(self) -> None:
        """Asks the desks."""
        for queue, desk in self.desks.items():
            self._staffed[queue] = await desk.online()

    async def look(self) -> None:
        """Asks the desks that can be asked what people wrote while we did not hear. Raises StoreError."""
        silent: set[str] = set()
        for conversation in await self._next_held():
            queue = self.people.queue_of(conversation).name
            look, place = getattr(self.desks.get(queue), "look", None), self._place(conversation)
            if look is None or not place or queue in silent:
                continue
            try:
                await self.take(queue, await look(place))
            except DeskError as error:
                log.info("a desk could not be asked", extra={"facts": {"queue": queue, "reason": error.reason}})
                silent |= {queue} if error.retryable else set()  # one that is down keeps the others waiting once

    async def _next_held(self) -> Sequence[Conversation]:
        """So many at each look, one after the other: those that nobody ever lets go must not hide the others."""
        page = await self.store.held(SAID, self._looked[0])
        last = page[-1] if len(page) == SAID else None
        self._looked[0] = (last.hold.at, last.id) if last and last.hold else (0, "")
        return page


def _what(entry: Entry) -> str:
    """Also of one that cannot be read: it is given up like any other."""
    with suppress(ValueError, KeyError, TypeError):
        return str(orjson.loads(entry.body)["what"])
    return "unreadable"


def home_of(conversation: Conversation, queue: str, config: Config) -> str:
    """By which name it lies at the queue's desk from the start, as the contact wrote there; empty: it does not."""
    return conversation.address.get("conversation", "") if config.lies_at_desk(conversation.channel, queue) else ""


def _theirs(conversation: Conversation) -> dict[str, str]:
    """What the desk itself wants to be told again."""
    return {key: value for key, value in conversation.place.items() if key != UPTO}


def _known_at(queue: str) -> str:
    """No channel's name holds a blank."""
    return f"desk {queue}"
