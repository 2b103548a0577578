"""`/v1/threads` and their messages: a thread is a conversation.

Its id carries the contact, which nobody can guess, so there is no table of threads. Messages wait in the paused lane
until a run lets it go: a run is an entry of its own, without words, and the turn that covers it is the run's outcome.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakValueDictionary

import orjson
from aiohttp import web

from gateway import transcript
from gateway.channels.base import Inbound, Wish
from gateway.config import ChannelSettings, Queue
from gateway.intake import Accepted
from gateway.transcript import Received
from gateway.web.openai import asking
from gateway.web.openai.asking import OWN, Content, Line
from gateway.web.openai.counter import ENDLESS, Call, Counter, answer
from gateway.web.openai.errors import Refusal, explained, unsupported, wrong
from gateway.web.openai.paging import page
from gateway.web.openai.said import Json, Said, numbered, said, seconds
from storage.model import Conversation, ConversationId, Cursor, Kind, conversation_id

THREAD = re.compile(r"thread_([0-9a-f]{32})")
BEGINNING, MESSAGE, SAID_BEFORE, RUN = "thread", "msg_", "before_", "run_"
"""How the ids begin, of: the entry that makes the conversation; a message; one that is only history; a run."""
ASSISTANT = f"{OWN}assistant"
"""In a run's metadata: the assistant as the caller named it."""
PAUSED = "thread"
READ = 200
"""Entries or turns read at once."""
MOST = 100
"""Messages that one call may bring."""

Role = Literal["contact", "assistant"]


@dataclass(frozen=True, slots=True)
class Given:
    """A message as a caller sends it."""

    role: Role
    content: Content
    kept: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An inbound entry of a thread."""

    received: Received
    at: int
    """Milliseconds: when it was accepted."""

    @property
    def is_run(self) -> bool:
        return self.received.id.startswith(RUN)

    @property
    def is_message(self) -> bool:
        return not self.is_run and self.received.id != BEGINNING


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, whole: what was posted, what was said."""

    id: str
    conversation: Conversation
    entries: Sequence[Entry]
    turns: Sequence[tuple[int, int, Said]]
    """(head, tail, what it said)"""

    @property
    def runs(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_run]

    def said_of(self, run: Entry) -> Said | None:
        """None while the run is active."""
        for head, tail, told in self.turns:
            if head < run.received.seq <= tail:
                return told
        return None

    def run_in(self, head: int, tail: int) -> Entry | None:
        return next((run for run in self.runs if head < run.received.seq <= tail), None)

    def spoken(self) -> list[tuple[int, int, Entry | Said, Entry | None]]:
        """Everything with words, in order: (place, 0 or 1, what, the run it came of)."""
        asked: list[tuple[int, int, Entry | Said, Entry | None]]
        asked = [(entry.received.seq, 0, entry, None) for entry in self.entries if entry.is_message]
        for head, tail, told in self.turns:
            run = self.run_in(head, tail)
            if told.text:
                asked.append((run.received.seq if run else tail, 1, told, run))
        return sorted(asked, key=lambda row: row[:2])

    def history(self) -> list[Line] | None:
        """What was said before the next run; None while our transcript tells all of it."""
        if not any(entry.received.id.startswith(SAID_BEFORE) for entry in self.entries):
            return None
        answered = max((tail for _, tail, _ in self.turns), default=0)
        lines = [_line(what) for place, _, what, _ in self.spoken() if place <= answered or _is_before(what)]
        return [line for line in lines if line[1].strip()]


def _is_before(what: Entry | Said) -> bool:
    return isinstance(what, Entry) and what.received.id.startswith(SAID_BEFORE)


def _line(what: Entry | Said) -> Line:
    return ("assistant", what.text) if isinstance(what, Said) else words(what.received)


def words(message: Received) -> Line:
    """Who said it, and what."""
    history = message.wish.history
    return history[0] if history else ("contact", message.text)


@dataclass(slots=True)
class Threads:
    counter: Counter
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    # -- threads ---------------------------------------------------------------------------------------

    @explained
    async def create(self, request: web.Request) -> web.Response:
        channel = self.counter.channel(request)
        async with self.counter.reading(request) as (body, call):
            thread = await self.begin(channel, body, call, self.home(channel))
        return answer(thread)

    async def begin(self, channel: ChannelSettings, body: Json, call: Call, queue: Queue) -> Json:
        """A new thread with the messages it is given. Raises Refusal."""
        kept, given = asking.metadata(body.get("metadata")), _list_of(body.get("messages"), "messages")
        _without_files(body)
        id = f"thread_{self.counter.place(channel, call)}"
        lasting = _contact(id)
        key = conversation_id(channel.name, lasting)
        async with self.alone(id):
            if await self.counter.store.conversation(key) is None:
                await self.counter.store.pause(Kind.IN, key, PAUSED)
            address = {"metadata": orjson.dumps(kept).decode()}
            start = Inbound(BEGINNING, lasting, "", "", self.counter.now(), address=address, wish=Wish("text"))
            await self.counter.post(channel, queue, start)
            await self.add(channel, queue, call, lasting, given, seen=_until_the_last_answer(given))
        conversation, _ = await self.open(channel, id)
        return _thread(id, conversation)

    @explained
    async def get(self, request: web.Request) -> web.Response:
        channel, id = self.counter.channel(request), request.match_info["thread"]
        conversation, _ = await self.open(channel, id)
        return answer(_thread(id, conversation))

    @explained
    async def change(self, request: web.Request) -> web.Response:
        """Its metadata."""
        channel, id = self.counter.channel(request), request.match_info["thread"]
        async with self.counter.reading(request) as (body, _):
            _without_files(body)
            conversation, _ = await self.open(channel, id)
            if "metadata" in body:
                kept = orjson.dumps(asking.metadata(body["metadata"])).decode()
                await self.counter.store.readdress(conversation.id, {**conversation.address, "metadata": kept})
        return answer(_thread(id, (await self.open(channel, id))[0]))

    @explained
    async def delete(self, request: web.Request) -> web.Response:
        """The caller finds it no more; what was said stays with the operator's conversations."""
        channel, id = self.counter.channel(request), request.match_info["thread"]
        async with self.alone(id):
            conversation, _ = await self.open(channel, id)
            await self.counter.store.pause(Kind.IN, conversation.id, PAUSED)
            await self.counter.stop(conversation.id, "thread_deleted")
            await self.counter.store.readdress(conversation.id, {"deleted": "true"})
        return answer({"id": id, "object": "thread.deleted", "deleted": True})

    # -- messages --------------------------------------------------------------------------------------

    @explained
    async def post(self, request: web.Request) -> web.Response:
        channel, id = self.counter.channel(request), request.match_info["thread"]
        async with self.counter.reading(request) as (body, call):
            given = _given(body, "")
            async with self.alone(id):
                conversation, queue = await self.open(channel, id)
                seq = await self._post_once(channel, queue, call, id, conversation.id, given)
        return await self.counter.hand(request, await self._message(channel, id, seq), conversation.id, seq)

    async def _post_once(
        self, channel: ChannelSettings, queue: Queue, call: Call, id: str, key: ConversationId, given: Given
    ) -> int:
        """Its number; that of the first time, when it is sent again."""
        if earlier := await self.counter.earlier(key, call, _prefix(given, seen=False)):
            return earlier.seq
        await self.not_active(id, key, "Can't add messages to {thread} while a run {run} is active.")
        await self.counter.store.pause(Kind.IN, key, PAUSED)
        return (await self.add(channel, queue, call, _contact(id), [given]))[0].message

    async def _message(self, channel: ChannelSettings, id: str, seq: int) -> Json:
        shown = self.messages(await self.whole(channel, id))
        return next(message for message in shown if message["id"].endswith(f"_{seq}"))

    async def add(
        self,
        channel: ChannelSettings,
        queue: Queue,
        call: Call,
        contact: str,
        given: Sequence[Given],
        *,
        seen: int = 0,
    ) -> list[Accepted]:
        """Messages into the paused lane. The first `seen` are history: nobody is to answer them."""
        return [
            await self.counter.post(channel, queue, self._inbound(call, contact, one, i, seen=i < seen))
            for i, one in enumerate(given)
        ]

    def _inbound(self, call: Call, contact: str, given: Given, i: int, *, seen: bool) -> Inbound:
        content, before = given.content, _is_history(given, seen=seen)
        id = f"{self.counter.id(call, _prefix(given, seen=seen))}.{i}"
        history = [(given.role, content.text)] if before else None
        wish = Wish(history=history, metadata=given.kept)
        text, pictures = ("", ()) if before else (content.text, content.attachments)
        return Inbound(id, contact, "", text, self.counter.now(), None, attachments=pictures, wish=wish)

    @explained
    async def several(self, request: web.Request) -> web.Response:
        channel, id = self.counter.channel(request), request.match_info["thread"]
        shown = self.messages(await self.whole(channel, id))
        if run := request.query.get("run_id"):
            shown = [message for message in shown if message["run_id"] == run]
        return answer(page(shown, request.query))

    @explained
    async def message(self, request: web.Request) -> web.Response:
        channel, id = self.counter.channel(request), request.match_info["thread"]
        for message in self.messages(await self.whole(channel, id)):
            if message["id"] == request.match_info["message"]:
                return answer(message)
        raise Refusal(404, f"No message found with id '{request.match_info['message'][:100]}'.")

    @explained
    async def lasting(self, request: web.Request) -> web.Response:
        """Modify or delete a message."""
        self.counter.channel(request)
        raise Refusal(400, "A message is not changed or deleted once it is there; its metadata is set when it is sent.")

    def messages(self, thread: Thread) -> list[Json]:
        """Oldest first."""
        return [self.shown(thread, what, run) for _, _, what, run in thread.spoken()]

    def shown(self, thread: Thread, what: Entry | Said, run: Entry | None) -> Json:
        if isinstance(what, Said):
            return assistant_message(thread.id, thread.conversation.id, what, run)
        role, text = words(what.received)
        media = [one.media for one in what.received.attachments if one.media]
        url = f"{self.counter.base_url}/v1/media/"
        pictures = [{"type": "image_url", "image_url": {"url": url + m.id, "detail": "auto"}} for m in media]
        return message(
            numbered("msg", thread.conversation.id, what.received.seq),
            thread.id,
            "assistant" if role == "assistant" else "user",
            [*([_text(text)] if text else []), *pictures],
            created=what.at,
            metadata=asking.shown_metadata(what.received.wish.metadata),
        )

    # -- finding ---------------------------------------------------------------------------------------

    def alone(self, id: str) -> asyncio.Lock:
        """One change of a thread at a time: what is looked at stays so until it is written."""
        lock = self._locks.get(id)
        if lock is None:
            lock = self._locks[id] = asyncio.Lock()
        return lock

    def home(self, channel: ChannelSettings) -> Queue:
        """Of a thread before its first run."""
        return self.counter.queues(channel)[0]

    async def open(self, channel: ChannelSettings, id: str) -> tuple[Conversation, Queue]:
        """Raises Refusal 404, also for another channel's thread."""
        key = conversation_id(channel.name, _contact(id)) if THREAD.fullmatch(id) else ConversationId("")
        conversation = await self.counter.store.conversation(key) if key else None
        if conversation is None or "deleted" in conversation.address:
            raise Refusal(404, f"No thread found with id '{id[:100]}'.")
        return conversation, self.counter.called(channel, conversation.queue) or self.home(channel)

    async def whole(self, channel: ChannelSettings, id: str) -> Thread:
        """Raises Refusal 404."""
        conversation, _ = await self.open(channel, id)
        return Thread(id, conversation, await self._entries(conversation.id), await self._turns(conversation.id))

    async def _entries(self, key: ConversationId) -> Sequence[Entry]:
        found, after = list[Entry](), 0
        while True:
            batch = await self.counter.store.transcript(key, Cursor(after, ENDLESS), READ)
            found += [Entry(transcript.received(one), one.at) for one in batch]
            if len(batch) < READ:
                return found
            after = batch[-1].seq

    async def _turns(self, key: ConversationId) -> Sequence[tuple[int, int, Said]]:
        found, after = list[tuple[int, int, Said]](), 0
        while True:
            batch = await self.counter.store.turns(key, after, READ)
            found += [(turn.head, turn.tail, said(turn, self.counter.base_url)) for turn in batch]
            if len(batch) < READ:
                return found
            after = batch[-1].epoch

    async def not_active(self, id: str, key: ConversationId, words: str) -> None:
        """Raises Refusal 400 with OpenAI's words while a run is under way."""
        for entry in await self.counter.store.latest(key, Kind.IN, 1):
            if entry.dedup.startswith(RUN) and await self.counter.store.turn_covering(key, entry.seq) is None:
                raise Refusal(400, words.format(thread=id, run=numbered("run", key, entry.seq)))


# -- reading -----------------------------------------------------------------------------------------


def _contact(thread: str) -> str:
    return thread.replace("_", ":", 1)


def _prefix(given: Given, *, seen: bool) -> str:
    return SAID_BEFORE if _is_history(given, seen=seen) else MESSAGE


def _is_history(given: Given, *, seen: bool) -> bool:
    return seen or given.role == "assistant"


def given_messages(value: Any, param: str) -> list[Given]:
    return _list_of(value, param)


def _list_of(value: Any, param: str) -> list[Given]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        raise wrong(param, f"'{param}' must be a list of at most {MOST} messages.")
    return [_given(one, f"{param}[{i}].") for i, one in enumerate(value)]


def _given(body: Any, at: str) -> Given:
    if not isinstance(body, dict):
        raise wrong(at.rstrip(".") or "body", "A message must be an object.")
    role = asking.choice(body.get("role", "user"), f"{at}role", ("user", "assistant"))
    if body.get("attachments"):
        raise wrong(f"{at}attachments", "Files are not kept here: a queue has its own documents.")
    content = asking.joined([asking.content(body.get("content"), f"{at}content")], f"{at}content")
    if content.is_empty or content.audio:
        raise wrong(f"{at}content", "The message is empty." if content.is_empty else "A thread takes text and images.")
    return Given("contact" if role == "user" else "assistant", content, asking.metadata(body.get("metadata")))


def _until_the_last_answer(given: Sequence[Given]) -> int:
    """How many of a new thread's messages were answered already."""
    return max((i + 1 for i, one in enumerate(given) if one.role == "assistant"), default=0)


def _without_files(body: Json) -> None:
    resources = body.get("tool_resources")
    if isinstance(resources, dict) and any(resources.values()):
        raise unsupported("tool_resources", "Files are not kept here: a queue has its own documents.")


# -- shapes ------------------------------------------------------------------------------------------


def _thread(id: str, conversation: Conversation) -> Json:
    return {
        "id": id,
        "object": "thread",
        "created_at": seconds(conversation.created_at),
        "metadata": orjson.loads(conversation.address.get("metadata", "{}")),
        "tool_resources": {},
        "recado": {"conversation": conversation.id},
    }


def _text(text: str) -> Json:
    return {"type": "text", "text": {"value": text, "annotations": []}}


def message(id: str, thread: str, role: str, content: Sequence[Json], *, created: int, **more: Any) -> Json:
    """`created`: milliseconds."""
    return {
        "id": id,
        "object": "thread.message",
        "created_at": seconds(created),
        "thread_id": thread,
        "assistant_id": None,
        "run_id": None,
        "role": role,
        "status": "completed",
        "completed_at": seconds(created),
        "incomplete_at": None,
        "incomplete_details": None,
        "content": list(content),
        "attachments": [],
        "metadata": {},
        **more,
    }


def assistant_message(thread: str, key: ConversationId, said: Said, run: Entry | None) -> Json:
    """What a turn said. Its citations stand in `recado`: an annotation would need words of the text to replace."""
    more: Json = {"recado": said.extension}
    if run:
        more["run_id"] = numbered("run", key, run.received.seq)
        more["assistant_id"] = run.received.wish.metadata.get(ASSISTANT)
    if said.truncated:
        more |= {"status": "incomplete", "incomplete_details": {"reason": "max_tokens"}, "completed_at": None}
        more["incomplete_at"] = seconds(said.at)
    place = run.received.seq if run else 0
    id = numbered("msg", key, place, "a") if run else f"msg_{said.turn.removeprefix('c_').replace('.', '_t')}"
    return message(id, thread, "assistant", [_text(said.text)], created=said.at, **more)
