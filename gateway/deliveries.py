"""The way out: one claim of an outbound lane sends its next part (or the whole reply), in order, and records it.

A part is sent again only when it was refused for certain, or when the channel takes an idempotency key. The lane moves
on after every send, so a crash repeats at most the one send in flight for that contact. What a failed send means, the
channel says (`Then`); what follows from it is decided here, for all of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, get_args

import orjson

from gateway import transcript
from gateway.channels.base import Channel, ChannelError, Outgoing, Sent, Then
from gateway.config import Queue
from gateway.fleet import Fleet
from gateway.incidents import Incidents
from gateway.people import People
from gateway.presence import Presence
from gateway.rules.custody import custody_of, may_send
from gateway.rules.pacing import Pace, typing_ms
from gateway.rules.unasked import LATE_MS, Reason
from gateway.setbacks import remembered
from gateway.telemetry import Telemetry, about
from gateway.transcript import public_reply
from storage.media import MediaStore
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    DeadLetter,
    Entry,
    Kind,
    MediaId,
    Receipt,
    Settlement,
)
from storage.store import Store, Unavailable
from tts.encode import Encoder
from tts.errors import Encoding
from tts.profiles import PROFILES, Profile

log = logging.getLogger("recado.deliveries")

MAX_TRIES = 20
"""Claims of one delivery, crashes included; more than any channel's schedule. Whatever breaks us, the lane goes on."""
PATIENT = 7
"""Tries after which a provider is down for longer: no try is used up any more, as long as the message is younger than
`LONGEST`. Its next ones come as after a first one."""
REST = 60.0
"""Seconds between two looks at a channel that does not work; its messages wait meanwhile."""
WRITTEN_AGAIN = 0.5
"""Seconds before what was sent is tried to be written down again."""
LONGEST = 24 * 3600.0
"""Seconds nobody can make us wait beyond: it would stop this contact's lane for good."""
LAST_WORD = 2.0
"""Seconds for which whoever is being stopped still writes down what went out."""
LATELY = 40
"""Of the latest inbound entries, wake-ups among them, those that may hold the newest by the provider's clock."""
MARGIN = 60.0
"""Seconds before the reply window closes in which we no longer count on it."""


@dataclass(frozen=True, slots=True)
class Way:
    """One send: what, to whom, through what."""

    claim: Claim
    entries: Sequence[Entry]
    channel: Channel
    conversation: Conversation
    more: Sequence[Entry] = ()
    """What comes after it."""
    facts: Mapping[str, int] = field(default_factory=dict)
    """Of the contact, when it was begun."""
    template: bool = False
    """In the place of the reply."""
    begun: bool = False
    """The first of the pieces it goes in are known to have gone out."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is not under way any more."""

    @property
    def body(self) -> Any:
        return orjson.loads(self.entries[0].body)


@dataclass(frozen=True, slots=True)
class Deliveries:
    store: Store
    media: MediaStore
    encoder: Encoder
    channels: Mapping[str, Channel]
    queues: Mapping[str, Queue]
    presence: Presence
    people: People
    telemetry: Telemetry
    incidents: Incidents
    fleet: Fleet
    base_url: str
    now: Callable[[], float]
    """Seconds, a clock that rises: for pacing only."""
    _paces: dict[str, Pace] = field(default_factory=dict)
    _sending: dict[ConversationId, Way] = field(default_factory=dict)
    _slowed: dict[ConversationId, int] = field(default_factory=dict)
    """How often in a row a contact's send was too fast: the provider wants us to wait longer each time."""
    _went: dict[ConversationId, tuple[Way, Sent, str]] = field(default_factory=dict)
    """A send that could not be written down yet, with all it stood for, and what became of it."""
    _echoed: dict[ConversationId, str] = field(default_factory=dict)
    """The provider's id of a send whose echo came before its answer."""

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        if before := self._sending.get(claim.key):  # a clock that jumped ended its lease, and not the send
            await before.over.wait()
        work = await self.store.load(claim)
        entries, conversation = work.entries, work.conversation
        if not entries or conversation is None:
            await self.store.settle(claim, Settlement(claim.tail))
            return
        channel = self.channels.get(conversation.channel)
        if channel is None:
            await self._give_up(Way(claim, entries, _NOWHERE, conversation), "channel_not_configured")
            return
        due = _next(entries, channel.capabilities.whole_reply)
        way = Way(claim, due, channel, conversation, entries[len(due) :], work.facts)
        with about(turn=_turn_of(way.entries[0])):
            if claim.tries > MAX_TRIES:
                await self._give_up(way, "too_many_tries")
                return
            await self._deliver(way)

    def is_sending(self, id: ConversationId, text: str, *, voice: bool) -> bool:
        """True while just this is under way to the contact: an echo of it is ours, though we have no id of it yet."""
        if (way := self._sending.get(id)) is None:
            return False
        return any(transcript.says(entry, text, way.channel.capabilities, voice=voice) for entry in way.entries)

    def echoed(self, id: ConversationId, provider_id: str) -> None:
        """What is under way went out, whatever becomes of its answer."""
        self._echoed[id] = provider_id

    # -- one send ------------------------------------------------------------------------------------

    async def _deliver(self, way: Way) -> None:
        if way.body.get("person") and not way.body.get("send"):
            await self._settle(way, Sent(status="sent"), count=False)
            return
        went, sent, detail = self._went.get(way.conversation.id, (None, Sent(), ""))
        if went and went.entries[0].dedup == way.entries[0].dedup:
            await self._settle(replace(went, claim=way.claim), sent, detail)
            return
        if self._withdrawn(way):
            await self._settle(way, Sent(status="withdrawn"), "person_took_over")
            return
        facts = {} if way.channel.capabilities.pull else way.facts
        if "opted_out" in facts and not (_is_goodbye(way) or way.body.get("person")):
            await self._settle(way, Sent(status="withdrawn"), "opted_out")
            return
        if belated := await self._belated(way):
            await self._settle(way, Sent(status="withdrawn"), belated)
            return
        if "unreachable" in facts:
            await self._give_up(way, "unreachable")
            return
        if wait := await self._wait(way):
            await self._later(way, wait, "paced")
            return
        await self._send(way, closed=await self._window_closed(way))

    async def _send(self, way: Way, *, closed: bool) -> None:
        if not (closed or way.body.get("template")):
            await self._go(way)
        elif way.channel.capabilities.template:
            await self._go(_templated(way), "outside_reply_window")
        else:
            await self._wait_for_a_person(way, "outside_reply_window")

    async def _go(self, way: Way, detail: str = "") -> None:
        self._sending[way.conversation.id] = way
        try:
            sent = await self._parts(way)
        except ChannelError as error:
            await self._failed(way, error)
            await self._late(way)
        else:
            await self._settle(way, sent, detail)
        finally:
            self._sending.pop(way.conversation.id, None)
            self._echoed.pop(way.conversation.id, None)
            way.over.set()

    async def _late(self, way: Way) -> None:
        """An echo that came while the failure was written down: it went out all the same."""
        if echo := self._echoed.pop(way.conversation.id, ""):
            at = await self.store.now()
            await self.store.resolve(Receipt(way.claim.key, way.entries[0].dedup, "sent", at, echo, "echo"))

    async def _parts(self, way: Way) -> Sent:
        """Raises ChannelError."""
        if not way.template:
            return await self._given(way, await self._outgoing(way))
        sent = await self._given(way, replace(self._bare(way), template=True))
        return replace(sent, status="templated")

    async def _given(self, way: Way, outgoing: Outgoing) -> Sent:
        """To the channel. Raises ChannelError, also for what no channel should raise: what stopped in the middle may
        have gone out."""
        try:
            return await way.channel.send(outgoing)
        except (asyncio.CancelledError, Exception) as error:
            if isinstance(error, ChannelError) or _is_repeatable(way):
                raise
            unsure = ChannelError("cut_off", Then.UNSURE, hint=f"the send was stopped by {type(error).__name__}")
            if isinstance(error, Exception):
                log.exception("a send broke in the middle")
                raise unsure from None
            with suppress(TimeoutError):  # we are being stopped, and this must be known at the next start
                async with asyncio.timeout(LAST_WORD):
                    await self._failed(way, unsure)
            raise

    def _withdrawn(self, way: Way) -> bool:
        """A person took over after the turn settled: what the assistant wrote and nobody has seen stays here."""
        if way.channel.capabilities.pull:
            return False
        custody, bodies = custody_of(way.conversation), [orjson.loads(entry.body) for entry in way.entries]
        return all(body["yields"] and not may_send(custody, body.get("spell", custody.spell)) for body in bodies)

    async def _window_closed(self, way: Way) -> bool:
        """The provider lets us write freely only for so long after the contact's last message."""
        window = way.channel.capabilities.reply_window
        if not window:
            return False
        last = max((transcript.wrote_at(entry) for entry in await self._wrote(way)), default=0)
        return await self.store.now() - last > (window - MARGIN) * 1000

    async def _belated(self, way: Way) -> str:
        """Why what nobody asked for is not said any more; empty: it may be, or it was asked for."""
        if way.channel.capabilities.pull or not _is_unasked(way):
            return ""
        if any(entry.at > way.entries[0].at for entry in await self._wrote(way)):
            return "overtaken"
        if await self.store.now() - way.entries[0].at > LATE_MS:
            return "a_day_late"
        return "outside_reply_window" if await self._window_closed(way) else ""

    async def _wrote(self, way: Way) -> list[Entry]:
        """The contact's latest messages."""
        latest = await self.store.latest(way.conversation.id, Kind.IN, LATELY)
        return [entry for entry in latest if not transcript.is_wake(entry)]

    async def _outgoing(self, way: Way) -> Outgoing:
        outgoing = self._bare(way)
        if way.channel.capabilities.whole_reply or way.channel.capabilities.pull:
            return outgoing
        return await self._one_part(outgoing, way.body["part"], PROFILES[way.channel.capabilities.profile])

    async def _one_part(self, outgoing: Outgoing, part: Mapping[str, Any], profile: Profile) -> Outgoing:
        if part["kind"] == "text":
            return replace(outgoing, text=part["text"], choices=tuple(part.get("choices", ())))
        try:
            voice = await self._note(MediaId(part["media"]["id"]), profile)
        except OSError as error:
            hint = f"the media folder does not give a voice note back: {error.strerror or error}"
            raise ChannelError("note_unreadable", Then.AS_TEXT, hint=hint) from None
        except Encoding as error:
            raise ChannelError(error.reason, Then.AS_TEXT, hint=error.hint) from None
        return replace(outgoing, voice=voice, seconds=part["media"]["seconds"] or 0.0)

    async def _note(self, id: MediaId, profile: Profile) -> bytes:
        """As it plays where the channel leads; made once for each such place. Raises OSError and Encoding."""
        voice = await self.media.read(id)
        if await asyncio.to_thread(profile.takes, voice):
            return voice
        form = f".{profile.name}"
        with suppress(OSError):  # not made yet, or not to be had: it can be made
            return await self.media.read(id, form)
        note = await self.encoder.voice_note(voice, profile=profile)
        with suppress(Unavailable):  # a full disk: then it is made again next time
            await self.media.put_variant(id, form, note.data)
        return note.data

    # -- what follows ----------------------------------------------------------------------------------

    async def _failed(self, way: Way, error: ChannelError) -> None:
        facts = {"reason": error.reason, "hint": error.hint, "try": way.claim.tries, "channel": way.channel.name}
        log.warning("a delivery failed", extra={"facts": {**facts, "then": str(error.then)}})
        if error.then is not Then.SLOW_DOWN:
            self._slowed.pop(way.conversation.id, None)
        if echo := self._echoed.pop(way.conversation.id, ""):
            await self._settle(way, Sent(echo), "echo")
            return
        match error.then:
            case Then.AGAIN:
                self.telemetry.deliveries.labels(way.channel.name, "retried").inc()
                wait = error.retry_after if error.retry_after is not None else 5.0 * 2 ** min(way.claim.tries - 1, 6)
                if way.claim.tries < PATIENT or not await self._outlasts(way):
                    await self.store.retry(way.claim, round(min(wait, LONGEST) * 1000))
                else:
                    await self.store.settle(way.claim, Settlement(way.claim.head, pause=max(1, round(wait * 1000))))
            case Then.SLOW_DOWN | Then.STOP:
                await self._rest(way, error)
            case Then.AS_TEXT if way.body["part"]["kind"] != "text":
                await self._as_text(way, error)
            case Then.TEMPLATE if _is_unasked(way):
                await self._settle(way, Sent(status="withdrawn"), error.reason)
            case Then.TEMPLATE if way.channel.capabilities.template and not way.template:
                await self._go(_templated(way), error.reason)
            case Then.TEMPLATE:
                await self._wait_for_a_person(way, error.reason)
            case Then.MOVED if error.address and error.address != way.conversation.address:
                await self.store.settle(way.claim, Settlement(way.claim.head, address=error.address))
            case Then.UNSURE:
                await self._unsure(way, error)
            case _:
                await self._give_up(way, error.reason, remembered(error))

    async def _outlasts(self, way: Way) -> bool:
        """A provider that is down for hours costs nobody the answer. A callback has a schedule of its own."""
        age = await self.store.now() - way.entries[0].at
        return not way.channel.capabilities.whole_reply and age < LONGEST * 1000

    async def _rest(self, way: Way, error: ChannelError) -> None:
        """Nothing is wrong with this message: it waits, and no try is used up."""
        wait = min(error.retry_after or (REST if error.then is Then.STOP else 5.0), LONGEST)
        if error.then is Then.SLOW_DOWN:
            self._slowed[way.conversation.id] = self._slowed.get(way.conversation.id, 0) + 1
        if error.whole_channel or error.then is Then.STOP:
            self._pace(way).rests_until = self.now() + wait
            await self.fleet.rest(way.channel, wait)
        await self._later(way, wait, "stopped" if error.then is Then.STOP else "slowed")

    async def _later(self, way: Way, wait: float, why: str) -> None:
        self.telemetry.deliveries.labels(way.channel.name, why).inc()
        await self.store.settle(way.claim, Settlement(way.claim.head, pause=max(1, round(wait * 1000))))

    async def _as_text(self, way: Way, error: ChannelError) -> None:
        """The words instead of the sound: all of them, so what else of the reply was to be written is in them."""
        part, id = way.body["part"], way.entries[0].dedup
        if not remembered(error):  # else it is this contact that takes none, and no trouble of ours
            self.incidents.open(_voice_notes(way), error.reason, error.hint)
        outgoing, detail, sent = self._bare(way), f"{transcript.INSTEAD}{error.reason}", Sent()
        try:
            for n, piece in enumerate(transcript.instead(part, way.channel.capabilities)):
                if n:
                    way = await self._piece_went(way, sent, detail)
                sent = await self._given(way, replace(outgoing, id=f"{id}+{n}" if n else id, text=piece))
        except ChannelError as failed:
            await (self._unsure(way, failed) if way.begun else self._failed(way, _for_text(failed)))
            return
        await self._settle(_whole(way), sent, detail, facts=dict.fromkeys(remembered(error), True))

    async def _piece_went(self, way: Way, sent: Sent, detail: str) -> Way:
        """Known at once: its echo is ours, whatever becomes of the rest, and says nothing about the next one."""
        with suppress(Unavailable):  # what went is not sent again for that
            at = await self.store.now()
            receipt = Receipt(way.claim.key, way.entries[0].dedup, sent.status, at, sent.provider_id, detail)
            await self.store.record(receipt)
        self._echoed.pop(way.conversation.id, None)
        return replace(way, begun=True)

    def _bare(self, way: Way) -> Outgoing:
        """Who and which; what, only as the public reply tells it."""
        parts, to = [orjson.loads(entry.body)["part"] for entry in way.entries], way.conversation
        reply = public_reply({**way.body["reply"], "parts": parts}, self.base_url)
        attempt = way.claim.tries + self._slowed.get(to.id, 0)
        return Outgoing(way.entries[0].dedup, to.id, to.contact, reply, attempt, address=to.address)

    async def _unsure(self, way: Way, error: ChannelError) -> None:
        """Nobody knows whether it went out, and sending it again might double it: it is told, and left to a person."""
        await self._settle(way, Sent(status="unsure"), error.reason)

    async def _is_known(self, way: Way) -> bool:
        """Another process heard its echo."""
        known = transcript.states(await self.store.receipts(way.claim.key))
        return way.entries[0].dedup in known

    async def _wait_for_a_person(self, way: Way, reason: str) -> None:
        """It cannot be said now. Whoever looks after this queue sees why, and what was to be said."""
        await self.people.call(way.conversation.id, reason, key=f"{way.entries[0].dedup}:{reason}")
        settlement = self._settlement(way, Sent(status="withdrawn"), reason, await self.store.now())
        await self.store.settle(way.claim, settlement)
        self.telemetry.deliveries.labels(way.channel.name, "withdrawn").inc(len(way.entries))

    async def _give_up(self, way: Way, reason: str, facts: Sequence[str] = ()) -> None:
        """Honestly: a receipt that says so, and a dead letter that can be posted again by hand."""
        at = await self.store.now()
        dead = [DeadLetter(Kind.OUT, way.claim.key, entry.seq, reason, at) for entry in way.entries]
        settlement = self._settlement(way, Sent(status="failed"), reason, at)
        settlement = replace(settlement, dead=dead, facts=dict.fromkeys(facts, True))
        await self.store.settle(way.claim, settlement)
        self.telemetry.deliveries.labels(way.conversation.channel, "failed").inc(len(way.entries))

    async def _settle(
        self, way: Way, sent: Sent, detail: str = "", *, facts: Mapping[str, bool] | None = None, count: bool = True
    ) -> None:
        self._slowed.pop(way.conversation.id, None)
        pause = self._pause(way) if sent.status == "sent" and count else 0
        sent = await _to_its_end(self._write_down(way, sent, detail, facts or {}, pause))
        if count:
            self.telemetry.deliveries.labels(way.channel.name, sent.status).inc(len(way.entries))
        if sent.status == "sent" and not detail and way.body["part"]["kind"] == "voice":
            self.incidents.close(_voice_notes(way))

    async def _write_down(self, way: Way, sent: Sent, detail: str, facts: Mapping[str, bool], pause: int) -> Sent:
        """What has happened is not done again because it could not be written down at once: it is tried until another
        has the lane, and known here should the lane come back. Returns what was written."""
        went = self._went[way.conversation.id] = (way, sent, detail)
        while True:
            try:
                sent, detail = await self._made_sure(way, sent, detail)
                settlement = self._settlement(way, sent, detail, await self.store.now())
                await self.store.settle(way.claim, replace(settlement, facts=facts, pause=pause))
            except Unavailable as error:
                log.warning("a send cannot be written down yet", extra={"facts": {"error": str(error)}})
                await asyncio.sleep(min(error.retry_after, WRITTEN_AGAIN))
                continue
            break
        if self._went.get(way.conversation.id) is went:
            del self._went[way.conversation.id]
        return sent

    async def _made_sure(self, way: Way, sent: Sent, detail: str) -> tuple[Sent, str]:
        """Of a send of which nobody here knows whether it went out, another process may have heard the echo."""
        doubtful = sent.status == "unsure" and not (self.store.alone or way.begun)
        return (Sent(), "echo") if doubtful and await self._is_known(way) else (sent, detail)

    def _pause(self, way: Way) -> int:
        """As long as a person would type the next part of the reply; the contact sees that we do."""
        following = transcript.body_of(way.more[0]) if way.more else None
        queue = self.queues.get(way.conversation.queue)
        instant = way.channel.capabilities.pull or way.channel.capabilities.whole_reply
        if instant or queue is None or following is None or following["turn"] != way.body["turn"]:
            return 0
        spoken = following["part"].get("kind") == "voice"
        self.presence.glimpse(way.conversation, "recording" if spoken else "composing")
        return typing_ms("" if spoken else following["part"].get("text", ""), queue.reply)

    def _settlement(self, way: Way, sent: Sent, detail: str, at: int) -> Settlement:
        receipts = [
            Receipt(way.claim.key, entry.dedup, sent.status, at, sent.provider_id, detail) for entry in way.entries
        ]
        unsure = way.entries if sent.status == "unsure" else ()
        dead = [DeadLetter(Kind.OUT, way.claim.key, entry.seq, f"unsure:{detail}", at) for entry in unsure]
        return Settlement(way.entries[-1].seq, receipts=receipts, dead=dead)

    async def _wait(self, way: Way) -> float:
        """Seconds before this contact may be written to; 0 takes the room."""
        pace, contact = self._pace(way), way.conversation.contact
        wait = pace.wait(contact, self.now())
        if not wait and (wait := await self.fleet.room(way.channel)):
            pace.give_back(contact)
        return wait

    def _pace(self, way: Way) -> Pace:
        return self._paces.setdefault(way.channel.name, Pace(self.fleet.own(way.channel.capabilities)))


async def _to_its_end(writing: Coroutine[Any, Any, Sent]) -> Sent:
    """Also when we are stopped meanwhile, as long as there is time: what went out and is not known goes out again."""
    task = asyncio.create_task(writing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=LAST_WORD)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


class _Nowhere:
    """Of what belongs to a channel that is gone."""

    name = ""


_NOWHERE: Any = _Nowhere()


def _next(entries: Sequence[Entry], whole_reply: bool) -> Sequence[Entry]:
    """What one send carries: the next part, or all the parts of the next reply."""
    if not whole_reply:
        return entries[:1]
    turn = _turn_of(entries[0])
    return list(takewhile(lambda entry: _turn_of(entry) == turn, entries))


def _turn_of(entry: Entry) -> str:
    """One that cannot be read is a reply by itself, so that it can be given up."""
    with suppress(ValueError, KeyError, TypeError):
        return str(orjson.loads(entry.body)["turn"])
    return f"unreadable {entry.seq}"


def _whole(way: Way) -> Way:
    """With what is left of its reply."""
    entries = _next([*way.entries, *way.more], True)
    return replace(way, entries=entries, more=way.more[len(entries) - len(way.entries) :])


def _templated(way: Way) -> Way:
    """One template stands for all that is left of a reply."""
    return replace(_whole(way), template=True)


def _voice_notes(way: Way) -> str:
    """The part that is in trouble when a channel does not take what we speak."""
    return f"channel {way.channel.name}: voice notes"


def _is_goodbye(way: Way) -> bool:
    """What tells a contact that nothing more will come."""
    return bool(way.body["reply"].get("reason") == "opts_out")


def _is_unasked(way: Way) -> bool:
    """It would only be a bother later, or as a template."""
    return way.body["reply"].get("reason") in get_args(Reason)


def _is_repeatable(way: Way) -> bool:
    """The same send twice is one: it carries an idempotency key, or nothing leaves this house."""
    return way.channel.capabilities.whole_reply or way.channel.capabilities.pull


def _for_text(error: ChannelError) -> ChannelError:
    """There is nothing below text."""
    return ChannelError(error.reason, Then.GIVE_UP, hint=error.hint) if error.then is Then.AS_TEXT else error
