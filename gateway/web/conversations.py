"""The doors to a conversation: read it, watch it, take it over."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway import live, transcript
from gateway.config import Config
from gateway.live import Bell, Live
from gateway.people import Busy, People
from gateway.recall import States, recall
from gateway.rules import explaining
from gateway.rules.custody import wake
from gateway.web.access import Access, Caller
from gateway.web.problems import Problem, explained, wrong
from gateway.web.standing import Standing
from storage.model import Conversation, ConversationId, Cursor, Kind, MediaId, Turn
from storage.store import Store

PAGE = 200
"""Messages or turns in one answer, at most."""
RETRY = b"retry: 1000\n\n"
"""How long a browser waits before it comes back, in milliseconds."""
NOTES = 20
"""Of the latest messages, those whose words may still come."""
WORD = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
HEARTBEAT = 15.0
"""Seconds between two signs of life on a quiet stream."""


@dataclass(slots=True)
class Conversations:
    config: Config
    access: Access
    store: Store
    live: Live
    people: People
    standing: Standing
    base_url: str
    online: Callable[[str], bool]
    """By queue name: whether somebody is there to take a conversation."""

    # -- reading -----------------------------------------------------------------------------------

    @explained
    async def get(self, request: web.Request) -> web.Response:
        conversation, caller = await self._open(request)
        named = {"id": conversation.id, "channel": conversation.channel, "queue": conversation.queue}
        told = {} if caller.kind == "visitor" else await self.standing.facts(conversation)
        return _json({**told, **named, "held": self._held(conversation)})

    def _held(self, conversation: Conversation) -> dict[str, Any] | None:
        """Who has it, why, since when, and from when on the assistant may answer again by itself."""
        if (hold := conversation.hold) is None:
            return None
        held = {"queue": hold.queue, "reason": hold.reason, "at": transcript.rfc3339(hold.at)}
        over = wake(self.people.custody(conversation), self.people.policy(conversation))
        return held | ({"until": transcript.rfc3339(over.ms)} if over else {})

    @explained
    async def messages(self, request: web.Request) -> web.Response:
        conversation, _ = await self._open(request)
        after = _cursor(request.query.get("after"))
        shown, cursor, _ = await self._after(conversation.id, after, _limit(request), states="all")
        return _json({"messages": shown, "cursor": str(cursor)})

    @explained
    async def turns(self, request: web.Request) -> web.Response:
        conversation, caller = await self._open(request)
        _not_a_visitor(caller)
        turns = await self._turns(conversation.id, request)
        deliveries = await self._deliveries(conversation.id) if turns else {}
        language = self.people.queue_of(conversation).language
        shown = [{**self._shown(turn, language), "deliveries": deliveries.get(turn.id, [])} for turn in turns]
        return _json({"turns": shown, "after": turns[-1].epoch if turns else None})

    async def _turns(self, id: ConversationId, request: web.Request) -> list[Turn]:
        if "latest" not in request.query:
            return await self.store.turns(id, _number(request, "after", 0), _limit(request))
        latest = _limit(request, "latest")
        oldest = (await self.store.latest(id, Kind.IN, latest))[-1:]
        first = await self.store.turn_covering(id, oldest[0].seq) if oldest else None
        return await self.store.turns(id, first.epoch - 1, latest) if first else []

    async def _deliveries(self, id: ConversationId) -> dict[str, list[dict[str, Any]]]:
        """What became of each part, as it became known, by turn."""
        known: dict[str, list[dict[str, Any]]] = {}
        for receipt in await self.store.receipts(id):
            turn, _, part = receipt.delivery.partition(":")  # a repeat is `<turn>:<part>:again`
            fact = {"part": part, "state": receipt.status, "at": transcript.rfc3339(receipt.at)}
            known.setdefault(turn, []).append(fact | ({"detail": receipt.detail} if receipt.detail else {}))
        return known

    def _shown(self, turn: Turn, language: str) -> dict[str, Any]:
        decided: Mapping[str, Any] = next((step for step in reversed(turn.timeline) if "rung" in step), {})
        why = explaining.reads(turn.outcome, turn.reason, language, decided=decided.get("reason", ""))
        return {
            "turn": turn.id,
            "epoch": turn.epoch,
            "covers": {"after": turn.head, "upto": turn.tail},
            "started_at": transcript.rfc3339(turn.started_at),
            "ended_at": transcript.rfc3339(turn.ended_at),
            "outcome": str(turn.outcome),
            "reason": turn.reason,
            "rung": decided.get("rung", ""),
            "why": why,
            "timeline": list(turn.timeline),
            "reply": turn.reply and transcript.public_reply(turn.reply, self.base_url),
        }

    async def _after(
        self, id: ConversationId, cursor: Cursor, limit: int, *, states: States = "withdrawn"
    ) -> tuple[list[dict[str, Any]], Cursor, bool]:
        """And whether there may be more. What nobody wrote is passed over: no messages, only where none are left."""
        shown: list[dict[str, Any]] = []
        more = True
        while more and not shown:
            entries = await self.store.transcript(id, cursor, limit)
            recalled, more = await recall(self.store, id, entries, states=states), len(entries) == limit
            for entry in entries:
                cursor = transcript.advance(cursor, entry)
                if not transcript.is_wake(entry):
                    shown.append(transcript.shown(entry, cursor, self.base_url, recalled.beside(entry)))
        return shown, cursor, more

    # -- watching ----------------------------------------------------------------------------------

    @explained
    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events; `Last-Event-ID` is a cursor."""
        conversation, caller = await self._open(request)
        cursor = _cursor(request.headers.get("Last-Event-ID") or request.query.get("after"))
        stream = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await stream.prepare(request)
        await stream.write(RETRY)
        with self.live.watch(conversation.id) as bell, suppress(ConnectionResetError):  # whoever watched has gone
            await Watcher(self, caller, conversation.id, cursor, stream, bell).run()
        return stream

    # -- people ------------------------------------------------------------------------------------

    @explained
    async def hold(self, request: web.Request) -> web.Response:
        conversation, caller = await self._open(request)
        _not_a_visitor(caller)
        wish = await _object(request)
        queue = _word(wish, "queue", self._people(conversation))
        reason, changed = _word(wish, "reason", "api"), conversation.hold is None
        with suppress(Busy):  # somebody has it by name: it is held as it is
            await self.people.take(conversation.id, "", key=secrets.token_hex(8), by="api", to=queue, reason=reason)
        return _json({"conversation": conversation.id, "held": True, "changed": changed})

    @explained
    async def transfer(self, request: web.Request) -> web.Response:
        """Another program finds that a person should go on."""
        conversation, caller = await self._open(request)
        _not_a_visitor(caller)
        wish = await _object(request)
        queue = _word(wish, "queue", self.people.team(conversation))
        reason, key = _word(wish, "reason", "api"), _word(wish, "id", secrets.token_hex(8))
        online = self.online(self.people.queue_of(conversation).name)
        crew, capabilities = self.standing.crew(conversation), self.standing.capabilities(conversation)
        say = partial(self.standing.utter.transfer, conversation.id, crew, capabilities)
        now = await self.people.hand_over(conversation.id, reason, key=key, to=queue, online=online, say=say)
        changed = now != self.people.custody(conversation)
        return _json({"conversation": conversation.id, "held": now.people, "changed": changed})

    @explained
    async def release(self, request: web.Request) -> web.Response:
        conversation, caller = await self._open(request)
        _not_a_visitor(caller)
        by, changed = _word(await _object(request), "person", "api"), conversation.hold is not None
        await self.people.release(conversation.id, by, key=secrets.token_hex(8))
        now = await self.store.conversation(conversation.id) or conversation
        custody = self.standing.custody(now)
        return _json({"conversation": conversation.id, "held": False, "changed": changed, "custody": custody})

    def _people(self, conversation: Conversation) -> str:
        """Who takes over when nobody says: the people of its queue, or, when that is gone, of its channel's."""
        people = {queue.name: queue.handoff.to for queue in self.config.queues}
        homes = {channel.name: people.get(channel.queue, "") for channel in self.config.channels}
        first = self.config.queues[0].handoff.to
        return people.get(conversation.queue) or homes.get(conversation.channel) or first

    async def _open(self, request: web.Request) -> tuple[Conversation, Caller]:
        """404 for what does not exist and for what this caller may not know of."""
        caller = self.access.caller(request)
        id = ConversationId(request.match_info["id"])
        conversation = await self.store.conversation(id) or self._about_to_begin(id, caller)
        if conversation is None or not caller.opens(conversation):
            raise Problem(404, "there is no such conversation", "conversation")
        return conversation, caller

    def _about_to_begin(self, id: ConversationId, caller: Caller) -> Conversation | None:
        """A visitor may watch its conversation before it has written the first message."""
        queues = {channel.name: channel.queue for channel in self.config.channels}
        for conversation in caller.conversations:
            if conversation.id == id:
                return replace(conversation, queue=queues[conversation.channel])
        return None


@dataclass(slots=True)
class Watcher:
    """One open stream."""

    door: Conversations
    caller: Caller
    id: ConversationId
    cursor: Cursor
    stream: web.StreamResponse
    bell: Bell
    state: str = ""
    unheard: dict[str, MediaId] = field(default_factory=dict)
    """The contact's latest notes that have no words yet, by the cursor of their message."""

    async def run(self) -> None:
        await self._resume()
        while await self._may():
            over = self.door.live.over
            await self._messages()
            await self._words()
            await self._state()
            if over:  # asked before looking, so the last look comes after the last word
                return
            if not await self.bell.wait(HEARTBEAT):
                await self.stream.write(b": still here\n\n")

    async def _may(self) -> bool:
        """An inbox's key opens a conversation for as long as it is with that inbox."""
        if self.caller.kind != "desk":
            return True
        conversation = await self.door.store.conversation(self.id)
        return conversation is not None and self.caller.opens(conversation)

    async def _resume(self) -> None:
        """Words that came while the stream was cut have no cursor to come back by, so those of the latest notes are
        told, perhaps again."""
        entries = await self.door.store.recent(self.id, NOTES) if self.cursor.inbound else []
        place = transcript.before(entries, self.cursor)
        for entry in entries:
            place = transcript.advance(place, entry)
            for note in transcript.notes([entry]).values() if entry.seq <= self.cursor.inbound else ():
                self._await_words(str(place), note)

    def _await_words(self, cursor: str, note: MediaId) -> None:
        """Not for ever: a note that was not heard in its time never will be."""
        self.unheard[cursor] = note
        if len(self.unheard) > NOTES:
            del self.unheard[next(iter(self.unheard))]

    async def _messages(self) -> None:
        more = True
        while more:  # a page may show less than it holds
            shown, self.cursor, more = await self.door._after(self.id, self.cursor, PAGE)
            for message in shown:
                part = message["part"]
                if part["kind"] == "voice" and part["transcript"] is None:
                    self._await_words(message["cursor"], MediaId(part["media"]["id"]))
                await self._send("message", message, message["cursor"])

    async def _words(self) -> None:
        for cursor, note in list(self.unheard.items()):
            if words := await self.door.store.heard(note):
                del self.unheard[cursor]
                await self._send("heard", {"cursor": cursor, "transcript": words[0]})

    async def _state(self) -> None:
        """Held is a fact and stands above whatever a draft, soon to be thrown away, is doing."""
        conversation = await self.door.store.conversation(self.id)
        state = live.HELD if conversation and conversation.hold else self.door.live.state(self.id)
        if state != self.state:
            self.state = state
            await self._send("state", {"state": state})

    async def _send(self, event: str, data: dict[str, Any], id: str = "") -> None:
        head = f"id: {id}\n" if id else ""
        await self.stream.write(f"{head}event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n")


# -- reading what was asked ----------------------------------------------------------------------


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")


def _not_a_visitor(caller: Caller) -> None:
    if caller.kind == "visitor":
        raise Problem(403, "this is for the channel's key or the admin key")


def _cursor(text: str | None) -> Cursor:
    try:
        return Cursor.parse(text) if text else Cursor()
    except ValueError:
        raise wrong("after", "after must be a cursor from an earlier answer, e.g. 3-2") from None


def _limit(request: web.Request, field: str = "limit") -> int:
    limit = _number(request, field, PAGE)
    if not 1 <= limit <= PAGE:
        raise wrong(field, f"{field} must be a number from 1 to {PAGE}")
    return limit


def _number(request: web.Request, field: str, default: int) -> int:
    text = request.query.get(field)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise wrong(field, f"{field} must be a whole number")
    return int(text)


async def _object(request: web.Request) -> dict[str, Any]:
    body = b""
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > 64 * 1024:
            raise Problem(413, "this body is at most 64 KB", "body")
    if not body.strip():
        return {}
    try:
        wish = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise wrong("body", "the body is not JSON") from None
    if not isinstance(wish, dict):
        raise wrong("body", "the body must be a JSON object")
    return wish


def _word(wish: dict[str, Any], field: str, default: str) -> str:
    value = wish.get(field, default)
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise wrong(field, f"{field} must be a text of 1 to 200 characters without control characters")
    return value
