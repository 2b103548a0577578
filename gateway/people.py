"""People: the one door through which a conversation passes from hand to hand.

What happened goes in as an event of `rules/custody.py`; what follows from it is written in one commit, from where the
conversation was seen: if somebody was faster, it is looked at again. So two people never have it at once, and an event
that comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from gateway import transcript
from gateway.config import Config, Queue
from gateway.rules import calling
from gateway.rules import custody as rules
from gateway.rules.custody import (
    Custody,
    Effect,
    Happened,
    Notify,
    Policy,
    Released,
    Resolved,
    TakenOver,
    Taker,
    WakeAt,
    custody_of,
    move,
    passing,
)
from gateway.rules.hours import is_open
from gateway.rules.language import customers_language
from storage.model import Conversation, ConversationId, Cursor, Kind, MediaId, Post, Verdict
from storage.store import Store

LATELY = 5
"""Of the contact's latest messages, those that tell its language."""
Guard = Callable[[Custody], None]
"""Looks at who has it before anything is written; raises to leave it so."""


class Said(Protocol):
    """What is to be said, as it is sent."""

    @property
    def parts(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def media(self) -> Sequence[MediaId]:
        """The blobs they need."""
        ...


Say = Callable[[str, str], Awaitable[Said]]
"""Of a text and its language."""


@dataclass(frozen=True, slots=True)
class Written:
    parts: Sequence[Mapping[str, Any]]
    media: Sequence[MediaId] = ()


async def in_writing(text: str, language: str) -> Said:
    return Written([{"kind": "text", "text": text}])


class Busy(Exception):
    """Another person has the conversation."""

    def __init__(self, person: str) -> None:
        super().__init__(person)
        self.person = person


class LetGo(Exception):
    """The conversation was given back since it was seen."""


@dataclass(frozen=True, slots=True)
class People:
    store: Store
    config: Config
    outward: frozenset[str] = frozenset()
    """The queues whose people answer at a desk outside: it is told what happens."""

    # -- what people do --------------------------------------------------------------------------------

    async def take(
        self,
        id: ConversationId,
        person: str,
        *,
        key: str,
        by: Taker = "desk",
        instead_of: str = "",
        to: str = "",
        reason: str = "",
    ) -> Custody:
        """They have it from now on. `key`: the same one twice is once. `instead_of`: of whom it may be taken.

        Raises LookupError, Busy, StoreError.
        """
        conversation = await self.conversation(id)
        to = to or self.team(conversation)
        event = TakenOver(key, await self.store.now(), by, to, person, reason or "taken")
        return await self.happened(id, event, guard=_free_for(person, instead_of))

    async def write(
        self,
        id: ConversationId,
        part: Mapping[str, Any],
        person: str,
        *more: Mapping[str, Any],
        key: str,
        spell: int | None = None,
        media: Sequence[MediaId] = (),
        alone: bool = True,
    ) -> Custody:
        """Send a part, and `more` after it, to the contact in a person's name; whoever writes has the conversation.
        `key`: the same one twice is sent once, however long ago. `spell`: of the custody the person saw. `alone`: not
        while another person has it.

        Raises LookupError, Busy, LetGo, StoreError.
        """
        at, conversation = await self.store.now(), await self.conversation(id)
        keys = [key, *(f"{key}~{n}" for n in range(1, len(more) + 1))]
        named = zip(keys, (part, *more), strict=True)
        posts = [Post(id, f"person:{k}", transcript.written_by_person(id, one, person, at, k)) for k, one in named]
        event = rules.PersonWrote(key, at, self.team(conversation), person)
        guard = may_write(person, spell) if alone else _free_for_all
        return await self.happened(id, event, guard=guard, posts=posts, media=media)

    async def wrote(self, id: ConversationId, key: str) -> bool:
        """Whether something was written under that key."""
        return await self.store.posted(id, f"person:{key}")

    async def hand_over(
        self, id: ConversationId, reason: str, *, key: str, to: str = "", online: bool = True, say: Say = in_writing
    ) -> Custody:
        """People are called, and the contact is told so, once: a `key` that was told before changes nothing, however
        long ago that was. `say`: how; asked only where something is to be said now. Raises LookupError, StoreError."""
        conversation, now = await self.conversation(id), await self.store.now()
        before = custody_of(conversation)
        if await self.store.posted(id, _transfer(key, 0)):
            return before
        open = is_open(self.queue_of(conversation).hours, now)
        event = rules.Transferred(key, now, "api", to or self.team(conversation), reason, open, online)
        _, effects = move(before, event, self.policy(conversation))
        calls = any(isinstance(one, rules.SayTransfer) for one in effects)
        says, media = await self._transfer_message(conversation, event, say if calls else in_writing)
        return await self.happened(id, event, says=says, media=media)

    async def _transfer_message(
        self, conversation: Conversation, event: rules.Transferred, say: Say
    ) -> tuple[Sequence[Post], Sequence[MediaId]]:
        """One entry a part."""
        id, queue = conversation.id, self.queue_of(conversation)
        variant = rules.variant(open=event.open, online=event.online)
        text, language = calling.message(queue, variant, await self._language(id, queue))
        said = await say(text, language)
        last = len(said.parts) - 1
        bodies = [
            transcript.said_by_us(id, event.id, event.reason, part, language, last=n == last)
            for n, part in enumerate(said.parts)
        ]
        return [Post(id, _transfer(event.id, n), body) for n, body in enumerate(bodies)], said.media

    async def call(self, id: ConversationId, reason: str, *, key: str, to: str = "") -> Custody:
        """People are called, and nothing is said of it to the contact."""
        to = to or self.team(await self.conversation(id))
        return await self.happened(id, rules.Transferred(key, await self.store.now(), "api", to, reason))

    async def resolve(self, id: ConversationId, person: str, *, key: str) -> Custody:
        """It is done. Whether the assistant may answer again the queue's `handoff.resume` says."""
        return await self.happened(id, Resolved(key, await self.store.now(), await self.place(id)))

    async def release(self, id: ConversationId, by: str, *, key: str) -> Custody:
        return await self.happened(id, Released(key, await self.store.now(), by, await self.place(id)))

    async def wrote_elsewhere(self, conversation: Conversation, text: str, at: int, id: str, *, voice: bool) -> bool:
        """Somebody of the business wrote to the contact from the phone or another program. False: known already."""
        body = transcript.written_elsewhere(conversation.id, text, at, voice=voice)
        post, line = Post(conversation.id, f"person:{id}", body), {"by": "person", "text": text, "at": at}
        while True:
            seen = await self.store.conversation(conversation.id) or conversation
            before = custody_of(seen)
            event = rules.PersonWrote(id, await self.store.now(), self.team(seen))
            after, effects = move(before, event, self.policy(seen))
            told = {"what": "said", "line": line}
            news = self.told(seen, f"said:{id}", told) if before.people else self.follows(seen, after, effects)
            posted = await self.store.take_over(
                conversation, post, id, passing(seen, after), desk=news, wake_at=wakes_at(effects)
            )
            if posted is not None:
                return posted.verdict is Verdict.NEW

    # -- what happens ----------------------------------------------------------------------------------

    async def happened(
        self,
        id: ConversationId,
        event: Happened,
        *,
        guard: Guard = lambda custody: None,
        posts: Sequence[Post] = (),
        says: Sequence[Post] = (),
        media: Sequence[MediaId] = (),
    ) -> Custody:
        """Who has it now. Nothing is written where nothing changes. `posts` go out in any case, `says` where the event
        asks for a transfer message. What was posted before changes nothing, however long ago that was: custody
        remembers its latest events only. Raises LookupError, StoreError."""
        while True:
            conversation = await self.conversation(id)
            before = custody_of(conversation)
            if posts and await self.store.posted(id, posts[0].dedup):
                return before
            guard(before)
            after, effects = move(before, event, self.policy(conversation))
            if after == before and not posts:
                return after
            written = await self.store.pass_on(
                id,
                passing(conversation, after),
                posts=[*posts, *(says if any(isinstance(one, rules.SayTransfer) for one in effects) else ())],
                desk=self.follows(conversation, after, effects),
                media=media,
                wake_at=after.since if self._asks_for_score(conversation, effects) else wakes_at(effects),
            )
            if written:
                return after

    def follows(self, conversation: Conversation, after: Custody, effects: Sequence[Effect]) -> list[Post]:
        """What the desk is told of it."""
        told, before = list[Post](), custody_of(conversation)
        for effect in effects:
            match effect:
                case Notify(to, reason):
                    case = {"what": "case", "to": to, "reason": reason, "at": after.since}
                    told += self.told(conversation, f"case:{after.spell}:{to}{_moves(before, after)}", case)
                case rules.Release(reason):
                    told += self.told(conversation, f"over:{after.spell}", {"what": "over", "reason": reason})
        return told

    def _asks_for_score(self, conversation: Conversation, effects: Sequence[Effect]) -> bool:
        """There is something to be said to the contact as soon as people are done."""
        return rules.Release("resolved") in effects and self.queue_of(conversation).rating.ask

    def told(self, conversation: Conversation, dedup: str, body: Mapping[str, Any]) -> list[Post]:
        """For the desk's lane; none where people answer in our own inbox, which reads the transcript."""
        if self.queue_of(conversation).name not in self.outward:
            return []
        return [Post(conversation.id, dedup, orjson.dumps(body).decode())]

    # -- what is known ---------------------------------------------------------------------------------

    def custody(self, conversation: Conversation) -> Custody:
        return custody_of(conversation)

    def queue_of(self, conversation: Conversation) -> Queue:
        """The one that answers; when that is gone, its channel's."""
        queues = {queue.name: queue for queue in self.config.queues}
        homes = {channel.name: channel.queue for channel in self.config.channels}
        home = queues.get(homes.get(conversation.channel, ""), self.config.queues[0])
        return queues.get(conversation.queue, home)

    def team(self, conversation: Conversation) -> str:
        """The queue whose people have it or are called; else the one that its own queue hands over to."""
        custody = custody_of(conversation)
        return custody.to if custody.people and custody.to else self.queue_of(conversation).handoff.to

    def policy(self, conversation: Conversation) -> Policy:
        return Policy.of(self.queue_of(conversation))

    async def place(self, id: ConversationId) -> Cursor:
        """The transcript's end."""
        ends = [await self.store.latest(id, kind, 1) for kind in (Kind.IN, Kind.OUT)]
        return Cursor(*(entries[0].seq if entries else 0 for entries in ends))

    async def _language(self, id: ConversationId, queue: Queue) -> str:
        """The contact's, when its latest words tell."""
        latest = [entry for entry in await self.store.latest(id, Kind.IN, LATELY) if not transcript.is_wake(entry)]
        return customers_language([transcript.received(entry).text for entry in reversed(latest)], queue.language)

    async def conversation(self, id: ConversationId) -> Conversation:
        """Raises LookupError."""
        conversation = await self.store.conversation(id)
        if conversation is None:
            raise LookupError(f"there is no conversation {id}")
        return conversation


def _transfer(key: str, part: int) -> str:
    """The dedup of a part of the transfer message that no turn wrote."""
    return f"transfer:{key}:{part}"


def wakes_at(effects: Sequence[Effect]) -> int | None:
    return next((effect.ms for effect in effects if isinstance(effect, WakeAt)), None)


def _moves(before: Custody, after: Custody) -> str:
    """From one team to another and back within a spell: three calls, each with its own name."""
    return f":{blake2b(after.seen[-1].encode(), digest_size=4).hexdigest()}" if before.people else ""


def may_write(person: str, spell: int | None) -> Guard:
    """Raises LetGo when it is not as the person saw it, Busy when another person has it."""

    def guard(custody: Custody) -> None:
        if spell is not None and (custody.spell != spell or not custody.people):
            raise LetGo
        _free_for(person, "")(custody)

    return guard


def _free_for_all(custody: Custody) -> None:
    """Whoever it is."""


def _free_for(person: str, instead_of: str) -> Guard:
    def guard(custody: Custody) -> None:
        if custody.state == "held" and custody.person not in ("", person, instead_of):
            raise Busy(custody.person)

    return guard
