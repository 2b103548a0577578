"""The way to a desk and back: one claim of a desk lane tells people the next thing, in order, and records it; what they
do there comes in by `take`.

A desk that is down costs nobody anything: the conversation is held and the customer was told before the desk is. Its
lane waits and tries again, the operator hears of it once, and each conversation shows how far it got (`desk:…` among
its receipts).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import transcript
from gateway.assistants.base import Again, Ask, Assistant, AssistantError, HandOver, Text, Utterance
from gateway.channels.base import Capabilities
from gateway.config import Config, Queue
from gateway.crew import Crew
from gateway.desks.base import Assigned, Case, Desk, DeskError, Event, Item, Line, News, Noise, Over, Resolved, Written
from gateway.incidents import Incidents
from gateway.people import People
from gateway.recall import Recalled, recall
from gateway.rules import calling
from gateway.rules.custody import TakenOver
from gateway.rules.handoff import letters
from gateway.rules.language import customers_language
from gateway.rules.shaping import split
from gateway.rules.summary import summary, summary_request
from gateway.telemetry import Telemetry
from storage.media import MediaFolder
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Cursor,
    DeadLetter,
    Entry,
    Kind,
    Media,
    MediaId,
    Receipt,
    Settlement,
)
from storage.store import Store, StoreError

log = logging.getLogger("recado.desks")

FIRST, LONGEST = 5.0, 600.0
"""Seconds before a desk is tried again: doubling from the one to the other."""
MAX_TRIES = 600
"""Claims of one item, crashes included: four days of a desk that is down."""
PATIENCE = 25.0
"""Seconds for an assistant to sum up; then it is done by rule: people are waiting."""
LONGEST_SUMMARY = 2000
"""Characters."""
LONGEST_WRITTEN = 32_000
"""Characters of what a person may send at once, as in the inbox: a customer gets it in messages."""
SAID = 80
"""The newest things said that travel with a case."""
NOTES, NOTE_BYTES = 6, 2 * 1024 * 1024
"""Of them, the newest voice notes whose sound goes along, and how large one may be."""
EVERYTHING = 1 << 60
"""Beyond any entry."""
UPTO = "_upto"
"""In a conversation's place: the last of the contact's messages that the desk was told. All else is the desk's."""


@dataclass(frozen=True, slots=True)
class Handovers:
    store: Store
    media: MediaFolder
    people: People
    crews: Mapping[str, Crew]
    """By queue name."""
    desks: Mapping[str, Desk]
    """By queue name; those that are told over a wire."""
    channels: Mapping[str, Capabilities]
    """By channel name."""
    incidents: Incidents
    telemetry: Telemetry
    page: str
    """Where a person can look at recado's own inbox; empty: nowhere."""
    _summaries: dict[str, str] = field(default_factory=dict)
    """Of cases that were not told yet."""
    _staffed: dict[str, bool | None] = field(default_factory=dict)
    _looked: list[tuple[int, str]] = field(default_factory=lambda: [(0, "")])
    """Where the last look at the held conversations ended."""

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        entries, conversation = await self.store.load(claim), await self.store.conversation(claim.key)
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
        desk, body = self.desks.get(queue), orjson.loads(entry.body)
        if desk is None or claim.tries > MAX_TRIES:
            raise DeskError("too_many_tries" if desk else "desk_not_configured", retryable=False)
        item, upto = await self._item(conversation, queue, entry, body)
        placed = await desk.send(item) if item else None
        place = dict((placed and placed.place) or _theirs(conversation)) | {UPTO: str(upto)}
        self._summaries.pop(item.id if item else "", None)
        known = [(_known_at(queue), id) for id in (placed.known_as if placed else ())]
        receipts = [Receipt(claim.key, f"desk:{entry.dedup}", "sent", await self.store.now())]
        await self.store.settle(claim, Settlement(entry.seq, receipts=receipts, place=place, known=known))
        self.telemetry.desk.labels(queue, body["what"], "sent").inc()
        self.incidents.close(f"desk {queue}")

    async def _failed(self, claim: Claim, entry: Entry, queue: str, error: DeskError) -> None:
        what, at = orjson.loads(entry.body)["what"], await self.store.now()
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

    # -- what people are told --------------------------------------------------------------------------

    async def _item(
        self, conversation: Conversation, queue: str, entry: Entry, body: Mapping[str, Any]
    ) -> tuple[Item | None, int]:
        """And up to which of the contact's messages it tells. None: nothing that was not told already."""
        id, place = f"{conversation.id}.{entry.dedup}", self._place(conversation)
        told = int(conversation.place.get(UPTO, 0))
        match body["what"]:
            case "case":
                return await self._case(conversation, queue, entry, body, id)
            case "news":
                after = max(int(body["after"]), told)
                return await self._news(conversation, id, after, int(body["upto"])), max(told, int(body["upto"]))
            case "said":
                line, talk = body["line"], conversation
                lines = [Line(line["by"], line["text"], line["at"])]
                language = self.people.queue_of(talk).language
                return News(id, talk.id, talk.contact, talk.name, language, lines, place), told
        return Over(id, conversation.id, body["reason"], self.people.queue_of(conversation).language, place), told

    async def _case(
        self, talk: Conversation, queue: str, entry: Entry, body: Mapping[str, Any], id: str
    ) -> tuple[Case, int]:
        """What was said until people were called: the same at every try."""
        recent = [one for one in await self.store.recent(talk.id, 2 * SAID) if one.at <= entry.at]
        recalled, language = await recall(self.store, talk.id, recent), self.people.queue_of(talk).language
        lines = await self._lines(recent[-SAID:], recalled)
        utterances = transcript.utterances(recent, recalled.heard)
        contact = ", ".join(word for word in (talk.name, talk.contact) if word)
        case = Case(
            id,
            talk.id,
            talk.contact,
            talk.name,
            talk.channel,
            queue,
            body["to"],
            body["reason"],
            calling.reads(body["reason"], language),
            await self._summary(id, talk, utterances, contact),
            language,
            customers_language([u.text for u in utterances if u.role == "contact"], language),
            lines,
            f"{self.page}#{talk.id}" if self.page else "",
            self._place(talk),
        )
        return case, max((one.seq for one in recent if one.kind is Kind.IN), default=0)

    async def _summary(self, id: str, talk: Conversation, said: Sequence[Utterance], contact: str) -> str:
        """By the queue's first hosted assistant; by rule where there is none, or it does not answer. The same at every
        try."""
        queue = self.people.queue_of(talk)
        if id not in self._summaries:
            by_rule = summary(said, contact, queue.language)
            written = await self._written_summary(queue, talk, said)
            self._summaries[id] = "\n".join([*by_rule.splitlines()[:2], written]) if written else by_rule
        return self._summaries[id]

    async def _written_summary(self, queue: Queue, talk: Conversation, said: Sequence[Utterance]) -> str:
        """Empty: nobody could write one."""
        kinds = [settings.provider for settings in (queue.assistant, *queue.assistants)]
        crew = self.crews[queue.name].assistants
        hosted = [one for kind, one in zip(kinds, crew, strict=True) if kind != "local"]
        ask = Ask(talk.id, "", queue.language, said[-SAID:], summary_request(queue.language))
        try:
            async with asyncio.timeout(PATIENCE):
                text = await _in_writing(hosted[0], ask) if hosted else ""
                return "" if letters(text).startswith(letters(queue.handoff.marker)) else text
        except (AssistantError, TimeoutError) as error:
            reason = error.reason if isinstance(error, AssistantError) else "timeout"
            log.info("a summary is made by rule", extra={"facts": {"conversation": talk.id, "reason": reason}})
            return ""

    async def _news(self, talk: Conversation, id: str, after: int, upto: int) -> News | None:
        entries = await self.store.transcript(talk.id, Cursor(after, EVERYTHING), max(upto - after, 1))
        entries = [entry for entry in entries if entry.seq <= upto]
        lines = await self._lines(entries, await recall(self.store, talk.id, entries))
        language = self.people.queue_of(talk).language
        return News(id, talk.id, talk.contact, talk.name, language, lines, self._place(talk)) if lines else None

    async def _lines(self, entries: Sequence[Entry], recalled: Recalled) -> list[Line]:
        """Oldest first; the newest notes with their sound."""
        spoken = [entry for entry in entries if _note(entry, recalled)]
        aloud = {(entry.kind, entry.seq) for entry in spoken[-NOTES:]}
        lines = [await self._line(entry, recalled, (entry.kind, entry.seq) in aloud) for entry in entries]
        return [line for line in lines if line and (line.text or line.mime)]

    async def _line(self, entry: Entry, recalled: Recalled, aloud: bool) -> Line | None:
        if transcript.is_wake(entry) or recalled.states.get(entry.dedup) == "withdrawn":
            return None
        note = _note(entry, recalled)
        media = await self.store.media(note) if note else None
        sound = await self._sound(media) if media and aloud else None
        by, at = transcript.told_by(entry)
        text = transcript.told(entry, recalled.heard.get(entry.seq, ""))
        return Line(by, text, at, sound, media.mime if media else "")

    async def _sound(self, media: Media) -> bytes | None:
        if media.bytes > NOTE_BYTES:
            return None
        try:
            return await self.media.read(media.id)
        except OSError as error:
            log.warning("a voice note cannot be shown to people", extra={"facts": {"error": str(error)}})
            return None

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

    async def look(self) -> None:
        """Asks the desks who is there and, those that can be asked, what people wrote while we did not hear. Raises
        StoreError."""
        for queue, desk in self.desks.items():
            self._staffed[queue] = await desk.online()
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


def home_of(conversation: Conversation, queue: str, config: Config) -> str:
    """By which name it lies at the queue's desk from the start, as the contact wrote there; empty: it does not."""
    return conversation.address.get("conversation", "") if config.lies_at_desk(conversation.channel, queue) else ""


async def _in_writing(assistant: Assistant, ask: Ask) -> str:
    """Raises AssistantError."""
    text = ""
    async for event in assistant.answer(ask):
        match event:
            case Text(piece):
                text += piece
            case Again():
                text = ""
            case HandOver():
                return ""
    return text.strip()[:LONGEST_SUMMARY]


def _theirs(conversation: Conversation) -> dict[str, str]:
    """What the desk itself wants to be told again."""
    return {key: value for key, value in conversation.place.items() if key != UPTO}


def _known_at(queue: str) -> str:
    """No channel's name holds a blank."""
    return f"desk {queue}"


def _note(entry: Entry, recalled: Recalled) -> MediaId | None:
    if entry.kind is Kind.IN:
        return recalled.notes.get(entry.seq)
    part = orjson.loads(entry.body)["part"]
    return MediaId(part["media"]["id"]) if part["kind"] == "voice" else None
