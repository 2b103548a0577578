"""What the doors of this package share: who calls, which queue is meant, how a call becomes one message and never two,
and how its turn is waited for."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from gateway import transcript
from gateway.channels.base import Inbound
from gateway.config import ChannelSettings, Config, Queue
from gateway.intake import Accepted, Intake
from gateway.live import IDLE, Live
from gateway.telemetry import Telemetry
from gateway.transcript import Received
from gateway.web.access import Access
from gateway.web.openai.asking import no_model
from gateway.web.openai.errors import SOON, Refusal, wrong
from gateway.web.openai.said import CONVERSATION, Said, number, said
from gateway.web.problems import Problem
from gateway.web.reading import AUDIO_LIMIT, PATIENCE, Room
from storage.model import Conversation, ConversationId, Cursor, Entry, Kind, Turn, conversation_id
from storage.store import Store

BODY_LIMIT = AUDIO_LIMIT * 4 // 3 + 8 * 1024 * 1024
"""Bytes: the longest sound in base64 and the longest history beside it."""
LONGEST_WAIT = 600.0
"""Seconds; the SDK's own patience. Whoever asks again then still gets the same answer."""
LOOK = 2.0
"""Seconds between two looks when no bell rings."""
HEARTBEAT = 15.0
"""Seconds between two signs of life on a quiet stream."""
AGAIN = 15 * 60
"""Seconds in which a repeated call is recognised: longer than the SDK waits before it repeats one."""
LOST = 20.0
"""Seconds after an answer in which the SDK may find that it lost it: longer than its pauses before it calls again."""
RECENT = 50
"""Messages of a conversation among which a repeated call is looked for."""
MADE_HERE = re.compile(r"conv_[0-9a-f]{32}")
ALONE = "call"
"""The message id of a call that stands alone in its conversation."""
REMEMBERED = 4096
"""Calls of which is known that they got their answer."""
WAITING = 512
"""Calls that stand alone and may come again for theirs."""
ENDLESS = 10**18


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as it tells it from another one."""

    digest: str
    """Of method, path and body."""
    again: bool
    """The SDK says that it sent this before."""
    key: str = ""
    """The caller's Idempotency-Key, hashed."""
    gone: Callable[[], bool] = lambda: False
    """Whether the caller has hung up."""


class Handed:
    """Which calls got their answer. Memory only: after a restart a call that is repeated gets what it asked for before
    where its conversation is named, and is asked again where it stands alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = REMEMBERED) -> None:
        """`clock`: seconds."""
        self._clock, self._most = clock, most
        self._done: OrderedDict[tuple[ConversationId, int], float] = OrderedDict()
        self._alone: OrderedDict[tuple[ConversationId, int], Call] = OrderedDict()

    def begins(self, call: Call, accepted: Accepted) -> None:
        """A call that stands alone waits for its answer."""
        self._alone[accepted.conversation, accepted.message] = call
        if len(self._alone) > WAITING:
            self._alone.popitem(last=False)

    def orphan(self, call: Call) -> Accepted | None:
        """What a call of the same words asked before its caller hung up, once for each.

        Never one that got its answer: two callers who ask just the same must not find themselves in one conversation.
        """
        for (id, seq), one in self._alone.items():
            if one.digest == call.digest and one.gone():
                self._alone[id, seq] = call
                return Accepted(id, seq, True)
        return None

    def done(self, id: ConversationId, seq: int) -> None:
        self._alone.pop((id, seq), None)
        self._done[id, seq] = self._clock()
        if len(self._done) > self._most:
            self._done.popitem(last=False)

    def is_settled(self, id: ConversationId, seq: int) -> bool:
        """It got its answer so long ago that the answer was not lost on the way."""
        return self._clock() - self._done.get((id, seq), self._clock()) > LOST


@dataclass(frozen=True, slots=True)
class Counter:
    config: Config
    access: Access
    intake: Intake
    store: Store
    live: Live
    telemetry: Telemetry
    base_url: str
    now: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    """Milliseconds since the epoch."""
    token: Callable[[], str] = lambda: secrets.token_hex(16)
    handed: Handed = field(default_factory=Handed)
    room: Room = field(default_factory=Room)

    # -- who and which -------------------------------------------------------------------------------

    def channel(self, request: web.Request) -> ChannelSettings:
        """Whose key this is. The admin key stands for the one channel of this type. Raises Refusal 401."""
        if not request.headers.get("Authorization"):
            raise Refusal(401, "You didn't provide an API key: send Authorization: Bearer KEY.")
        try:
            caller = self.access.caller(request)
        except Problem:
            raise Refusal(401, "Incorrect API key provided.", code="invalid_api_key") from None
        ours = [channel for channel in self.config.channels if channel.type == "openai"]
        mine = ours if caller.kind == "admin" else [one for one in ours if one.name == caller.channel]
        if len(mine) != 1:
            message = "This key does not name one channel of type openai: send that channel's own key."
            raise Refusal(401, message, code="invalid_api_key")
        return mine[0]

    def queues(self, channel: ChannelSettings) -> list[Queue]:
        """What this channel offers: all, or its one."""
        return [queue for queue in self.config.queues if channel.queue in ("", queue.name)]

    def queue(self, channel: ChannelSettings, model: Any) -> Queue:
        """By its name or its assistant's old id. Raises Refusal 400, 404."""
        if not isinstance(model, str) or not model:
            message = "You must provide a model parameter: a queue by its name."
            raise wrong("model", message, "missing_required_parameter")
        found = self.called(channel, model)
        if found is None:
            raise no_model(model)
        return found

    def called(self, channel: ChannelSettings, name: str) -> Queue | None:
        for queue in self.queues(channel):
            if name in (queue.name, queue.assistant.assistant_id):
                return queue
        return None

    # -- reading -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def reading(self, request: web.Request) -> AsyncIterator[tuple[dict[str, Any], Call]]:
        """The body as JSON, in memory until the block ends. Raises Refusal, Problem 503."""
        with self.room.guest() as take:
            raw = await _bounded(request, take)
            try:
                body = orjson.loads(raw or b"{}")
            except orjson.JSONDecodeError:
                raise Refusal(400, "We could not parse the JSON body of your request.") from None
            if not isinstance(body, dict):
                raise Refusal(400, "The body must be a JSON object.")
            yield body, _call(request, raw)

    # -- one call, one message -----------------------------------------------------------------------

    async def guest(self, channel: ChannelSettings, queue: Queue, name: str) -> str:
        """The contact of a conversation as the caller names it, one for each queue. Our own id and a name we gave out
        stand for one conversation, whichever queue answers."""
        if CONVERSATION.fullmatch(name):
            known = await self.store.conversation(ConversationId(name))
            if known is not None and known.channel == channel.name:
                return known.contact
        return name if MADE_HERE.fullmatch(name) else f"{queue.name}:{name}"

    async def accept(
        self, channel: ChannelSettings, queue: Queue, call: Call, contact: str, inbound: Inbound
    ) -> Accepted:
        """On disk when it returns. A call that is repeated finds what it asked before. `contact` empty: the call
        stands alone, in a conversation of its own."""
        if not contact:
            return await self._accept_alone(channel, queue, call, inbound)
        id = conversation_id(channel.name, contact)
        if earlier := await self.earlier(id, call):
            return Accepted(id, earlier.seq, True)
        conversation = await self.store.conversation(id)
        if conversation is not None and conversation.queue != queue.name:
            await self.store.requeue(id, queue.name)
        return await self.post(channel, queue, replace(inbound, id=self.id(call), contact=contact))

    async def _accept_alone(self, channel: ChannelSettings, queue: Queue, call: Call, inbound: Inbound) -> Accepted:
        ours = replace(call, digest=f"{channel.name} {call.digest}")  # another key's answer is nobody else's
        if call.again and (orphan := self.handed.orphan(ours)):
            return orphan
        accepted = await self.post(channel, queue, replace(inbound, id=ALONE, contact=self.place(channel, call)))
        self.handed.begins(ours, accepted)
        return accepted

    def place(self, channel: ChannelSettings, call: Call) -> str:
        """A contact that nobody can guess; the same one for the same Idempotency-Key."""
        return _signed(channel, call.key) if call.key else self.token()

    async def post(self, channel: ChannelSettings, queue: Queue, inbound: Inbound) -> Accepted:
        accepted = await self.intake.accept(channel, queue, inbound, at_once=True)
        verdict = "duplicate" if accepted.duplicate else "new"
        self.telemetry.received.labels(channel.name, verdict).inc()
        return accepted

    def id(self, call: Call, prefix: str = "") -> str:
        """Of a new message. It begins with what a repeated call is recognised by."""
        return f"{_mark(call, prefix)}{'' if call.key else self.token()}"

    async def earlier(self, id: ConversationId, call: Call, prefix: str = "") -> Entry | None:
        """What this call posted before, when it is a repeated one. Somebody who got his answer and says the same
        again is no repetition."""
        if not (call.again or call.key):
            return None
        mark, oldest = _mark(call, prefix), await self.store.now() - AGAIN * 1000
        for entry in await self.store.latest(id, Kind.IN, RECENT):
            if entry.dedup.startswith(mark) and (call.key or entry.at >= oldest):
                return entry if call.key or not self.handed.is_settled(id, entry.seq) else None
        return None

    async def hand(self, request: web.Request, body: dict[str, Any], id: ConversationId, seq: int) -> web.Response:
        """The answer to a call, on its way; only then is it done with."""
        response = answer(body)
        await response.prepare(request)
        await response.write_eof()
        self.handed.done(id, seq)
        return response

    async def stop(self, id: ConversationId, reason: str) -> None:
        """Nobody waits for this answer any more."""
        await self.store.cancel(id, reason)
        self.live.say(id, IDLE)

    # -- waiting -------------------------------------------------------------------------------------

    async def said(self, id: ConversationId, seq: int) -> Said:
        """What the turn that covers the message said. Raises Refusal 503."""
        end = time.monotonic() + LONGEST_WAIT
        with self.live.watch(id) as bell:
            while True:
                if turn := await self.turn(id, seq, last_look=time.monotonic() >= end):
                    return said(turn, self.base_url)
                await bell.wait(LOOK)

    async def turn(self, id: ConversationId, seq: int, *, last_look: bool = False) -> Turn | None:
        """None while there is still something to wait for. Raises Refusal 503."""
        turn = await self.store.turn_covering(id, seq)
        if turn is None and (self.live.over or last_look):
            raise Refusal(503, "The answer is not there yet; ask again, it is not lost.", headers=SOON)
        return turn

    # -- looking back --------------------------------------------------------------------------------

    async def found(self, channel: ChannelSettings, id: str, kind: str) -> tuple[Conversation, Received] | None:
        """The message behind one of our ids, when it is this channel's."""
        place = number(id, kind)
        conversation = place and await self.store.conversation(place[0])
        if not place or not conversation or conversation.channel != channel.name:
            return None
        entries = await self.store.transcript(conversation.id, Cursor(place[1] - 1, ENDLESS), 1)
        here = [entry for entry in entries if entry.kind is Kind.IN and entry.seq == place[1]]
        return (conversation, transcript.received(here[0])) if here else None


def answer(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), headers=headers, content_type="application/json")


def _call(request: web.Request, raw: bytes) -> Call:
    count = request.headers.get("X-Stainless-Retry-Count", "")
    key = request.headers.get("Idempotency-Key", "")
    digest = hashlib.blake2b(f"{request.method} {request.path}\x00".encode() + raw, digest_size=12).hexdigest()
    hashed = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest() if key else ""
    again = count.isascii() and count.isdigit() and int(count[:9]) > 0
    return Call(digest, again, hashed, lambda: request.transport is None or request.transport.is_closing())


def _mark(call: Call, prefix: str) -> str:
    return f"{prefix}key.{call.key}" if call.key else f"{prefix}{call.digest}."


def _signed(channel: ChannelSettings, mark: str) -> str:
    """A contact that says nothing of what was asked."""
    return hmac.new(channel.key.get_secret_value().encode(), mark.encode(), hashlib.sha256).hexdigest()[:32]


async def _bounded(request: web.Request, take: Callable[[int], None]) -> bytes:
    """Raises Refusal 408, 413, 415."""
    if request.can_read_body and request.content_type != "application/json":
        raise Refusal(415, "Send application/json.")
    if (request.content_length or 0) > BODY_LIMIT:
        raise Refusal(413, f"A body is at most {BODY_LIMIT} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.content.iter_any():
                take(len(chunk))
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise Refusal(413, f"A body is at most {BODY_LIMIT} bytes.")
    except TimeoutError:
        raise Refusal(408, f"The body took longer than {PATIENCE:.0f} seconds.") from None
    except web.RequestPayloadError:
        raise Refusal(400, "The body cannot be unpacked.") from None
    return bytes(body)
