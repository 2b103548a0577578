"""Where a conversation stands, for whoever looks after it: who has it and why, what was said last, what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway import transcript
from gateway.burst import UNKNOWN
from gateway.channels.base import Capabilities
from gateway.crew import Crew
from gateway.people import People
from gateway.recall import recall
from gateway.rules import calling, explaining
from gateway.rules.custody import wake
from gateway.rules.summary import summary
from gateway.steps.utter import Utter
from storage.model import Conversation, Cursor, Kind
from storage.store import Store

SUMMED_UP = 100
"""Of the latest messages, those a summary is made of."""
TOLD_DESKS = 20
"""Of what a desk was told, the newest."""
PEOPLE = ("requested", "held")
"""Where a step of the course leads to people; any other step leads back."""
GLANCE = 8
"""Of the latest entries, those among which the last thing said is looked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    people: People
    store: Store
    crews: Mapping[str, Crew]
    """By queue name."""
    channels: Mapping[str, Capabilities]
    """By channel name."""
    utter: Utter

    def crew(self, conversation: Conversation) -> Crew:
        return self.crews[self.people.queue_of(conversation).name]

    def capabilities(self, conversation: Conversation) -> Capabilities:
        return self.channels.get(conversation.channel, UNKNOWN)

    def custody(self, conversation: Conversation) -> dict[str, Any]:
        """`Custody` of docs/api.md."""
        custody, language = self.people.custody(conversation), self.people.queue_of(conversation).language
        told: dict[str, Any] = {"state": custody.state, "person": custody.person, "to": custody.to}
        told |= {"reason": custody.reason, "why": calling.reads(custody.reason, language) if custody.people else ""}
        told |= {"spell": custody.spell} | ({"since": transcript.rfc3339(custody.since)} if custody.since else {})
        due = wake(custody, self.people.policy(conversation))
        return told | ({"until": transcript.rfc3339(due.ms)} if due else {})

    def glance(self, conversation: Conversation) -> dict[str, Any]:
        """What a list shows of it, but for `last`."""
        names = {"id": conversation.id, "channel": conversation.channel, "queue": conversation.queue}
        contact = {"id": conversation.contact, "name": conversation.name}
        return {**names, "contact": contact, "custody": self.custody(conversation)}

    async def last(self, conversation: Conversation) -> dict[str, Any] | None:
        """The last thing somebody said."""
        entries = await self.store.recent(conversation.id, GLANCE)
        recalled = await recall(self.store, conversation.id, entries)
        for entry in reversed(entries):
            if transcript.is_wake(entry) or recalled.beside(entry).state == "withdrawn":
                continue
            seen = transcript.shown(entry, Cursor(), "", recalled.beside(entry))
            if seen.get("meaning") != "reaction":
                said = transcript.words(entry, recalled.heard.get(entry.seq, "") if entry.kind is Kind.IN else "")
                return {"from": seen["from"], "at": seen["at"], "text": said}
        return None

    async def facts(self, conversation: Conversation) -> dict[str, Any]:
        """What whoever opens it is told."""
        voice = await self.utter.can(conversation.id, self.crew(conversation), self.capabilities(conversation))
        end = await self.people.place(conversation.id)
        more: dict[str, Any] = {"course": self._course(conversation), "desk": await self._desk(conversation)}
        more |= {"summary": await self._summary(conversation), "voice": voice, "cursor": str(end)}
        return {**self.glance(conversation), **more}

    def _course(self, conversation: Conversation) -> list[dict[str, Any]]:
        """How it passed from hand to hand, oldest first."""
        language, course = self.people.queue_of(conversation).language, self.people.custody(conversation).course
        return [
            {
                "at": transcript.rfc3339(step.at),
                "state": step.state,
                "to": step.to,
                "person": step.person,
                "reason": step.reason,
                "why": (calling.reads if step.state in PEOPLE else explaining.let_go)(step.reason, language),
            }
            for step in course
        ]

    async def _desk(self, conversation: Conversation) -> list[dict[str, Any]]:
        """What became of what its desk was told, as it became known."""
        receipts = [one for one in await self.store.receipts(conversation.id) if one.delivery.startswith("desk:")]
        return [
            {"what": one.delivery.removeprefix("desk:"), "state": one.status, "at": transcript.rfc3339(one.at)}
            | ({"detail": one.detail} if one.detail else {})
            for one in receipts[-TOLD_DESKS:]
        ]

    async def _summary(self, conversation: Conversation) -> str:
        """Of what was said and not taken back before anybody got it."""
        entries = await self.store.recent(conversation.id, SUMMED_UP)
        recalled = await recall(self.store, conversation.id, entries)
        kept = [entry for entry in entries if recalled.beside(entry).state != "withdrawn"]
        said = transcript.utterances(kept, recalled.heard)
        return summary(said, conversation.name, self.people.queue_of(conversation).language)
