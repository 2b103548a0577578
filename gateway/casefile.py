"""What people are told: from a conversation and an entry of its desk lane to a Case, News or Over.

An entry is a few words; all else is read here from the transcript, so an item is the same at every try. Whether the
desk takes it, and what follows, is the story of `handovers`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import transcript
from gateway.assistants.base import Ask, AssistantError, Utterance
from gateway.assistants.once import in_writing
from gateway.config import Queue
from gateway.crew import Crew
from gateway.desks.base import Case, Item, Line, News, Over
from gateway.people import People
from gateway.recall import Recalled, recall
from gateway.rules import calling
from gateway.rules.handoff import letters
from gateway.rules.language import customers_language
from gateway.rules.summary import summary, summary_request
from gateway.spending import Spending
from storage.media import MediaStore
from storage.model import Conversation, ConversationId, Cursor, Entry, Kind, Media, MediaId
from storage.store import Store

log = logging.getLogger("recado.desks")

PATIENCE = 25.0
"""Seconds for an assistant to sum up; then it is done by rule: people are waiting."""
LONGEST_SUMMARY = 2000
"""Characters."""
SAID = 80
"""The newest things said that travel with a case."""
NOTES, NOTE_BYTES = 6, 2 * 1024 * 1024
"""Of them, the newest voice notes whose sound goes along, and how large one may be."""
EVERYTHING = 1 << 60
"""Beyond any entry."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    store: Store
    media: MediaStore
    people: People
    crews: Mapping[str, Crew]
    """By queue name."""
    spending: Spending
    page: str
    """Where a person can look at recado's own inbox; empty: nowhere."""
    _summaries: dict[str, str] = field(default_factory=dict)
    """Of cases that were not told yet."""

    async def item(
        self, talk: Conversation, entry: Entry, place: Mapping[str, str], told: int
    ) -> tuple[Item | None, int]:
        """And up to which of the contact's messages it tells. None: nothing that was not told already.

        `place`: what the desk said of the conversation. `told`: up to which of those messages it was told before."""
        id, body, language = _name(talk.id, entry), orjson.loads(entry.body), self.people.queue_of(talk).language
        match body["what"]:
            case "case":
                return await self._case(talk, entry, body, id, place)
            case "news":
                after, upto = max(int(body["after"]), told), int(body["upto"])
                return await self._news(talk, id, after, upto, place), max(told, upto)
            case "said":
                line = body["line"]
                lines = [Line(line["by"], line["text"], line["at"])]
                return News(id, talk.id, talk.contact, talk.name, language, lines, place), told
        return Over(id, talk.id, body["reason"], language, place), told

    def done(self, id: ConversationId, entry: Entry) -> None:
        """It was told or given up: it need not be the same once more."""
        self._summaries.pop(_name(id, entry), None)

    async def _case(
        self, talk: Conversation, entry: Entry, body: Mapping[str, Any], id: str, place: Mapping[str, str]
    ) -> tuple[Case, int]:
        """What was said until people were called: the same at every try."""
        recent = [one for one in await self.store.recent(talk.id, 2 * SAID) if one.at <= entry.at]
        recalled, queue = await recall(self.store, talk.id, recent), self.people.queue_of(talk)
        lines = await self._lines(recent[-SAID:], recalled)
        utterances = transcript.utterances(recent, recalled.heard)
        contact = ", ".join(word for word in (talk.name, talk.contact) if word)
        case = Case(
            id,
            talk.id,
            talk.contact,
            talk.name,
            talk.channel,
            queue.name,
            body["to"],
            body["reason"],
            calling.reads(body["reason"], queue.language),
            await self._summary(id, talk, utterances, contact),
            queue.language,
            customers_language([u.text for u in utterances if u.role == "contact"], queue.language),
            lines,
            f"{self.page}#{talk.id}" if self.page else "",
            place,
        )
        return case, max((one.seq for one in recent if one.kind is Kind.IN), default=0)

    async def _summary(self, id: str, talk: Conversation, said: Sequence[Utterance], contact: str) -> str:
        """By the queue's first hosted assistant that its budget allows; by rule where there is none, or it does not
        answer. The same at every try."""
        queue = self.people.queue_of(talk)
        if id not in self._summaries:
            by_rule = summary(said, contact, queue.language)
            written = await self._written_summary(queue, talk, said)
            self._summaries[id] = "\n".join([*by_rule.splitlines()[:2], written]) if written else by_rule
        return self._summaries[id]

    async def _written_summary(self, queue: Queue, talk: Conversation, said: Sequence[Utterance]) -> str:
        """Empty: nobody could write one."""
        now = await self.store.now()
        if not (hosted := self.crews[queue.name].hosted(await self.spending.tokens(queue, now))):
            return ""
        ask = Ask(talk.id, "", queue.language, said[-SAID:], summary_request(queue.language))
        try:
            async with asyncio.timeout(PATIENCE):
                text, finished = await in_writing(hosted[0], ask, LONGEST_SUMMARY)
            await self.spending.count(queue, now, finished)
            marker = letters(queue.handoff.marker)
            return "" if marker and letters(text).startswith(marker) else text
        except (AssistantError, TimeoutError) as error:
            reason = error.reason if isinstance(error, AssistantError) else "timeout"
            log.info("a summary is made by rule", extra={"facts": {"conversation": talk.id, "reason": reason}})
            return ""

    async def _news(self, talk: Conversation, id: str, after: int, upto: int, place: Mapping[str, str]) -> News | None:
        entries = await self.store.transcript(talk.id, Cursor(after, EVERYTHING), max(upto - after, 1))
        entries = [entry for entry in entries if entry.seq <= upto]
        lines = await self._lines(entries, await recall(self.store, talk.id, entries))
        language = self.people.queue_of(talk).language
        return News(id, talk.id, talk.contact, talk.name, language, lines, place) if lines else None

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


def _name(id: ConversationId, entry: Entry) -> str:
    """The item's id: the same at every try."""
    return f"{id}.{entry.dedup}"


def _note(entry: Entry, recalled: Recalled) -> MediaId | None:
    if entry.kind is Kind.IN:
        return recalled.notes.get(entry.seq)
    part = orjson.loads(entry.body)["part"]
    return MediaId(part["media"]["id"]) if part["kind"] == "voice" else None
