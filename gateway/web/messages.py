"""The door for messages: `POST /v1/channels/{channel}/messages`, with or without waiting for the reply."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from gateway.config import ChannelSettings, Config
from gateway.intake import Accepted, Intake
from gateway.live import IDLE, Live
from gateway.telemetry import Telemetry
from gateway.transcript import public_reply
from gateway.web.access import Access, Caller
from gateway.web.problems import Problem, explained, wrong
from gateway.web.reading import Room, read
from storage.model import Turn
from storage.store import Store

LONGEST_WAIT = 120.0
"""Seconds a caller may wait for the reply in the same call."""
OURS = ("http", "webchat")
"""Channels whose messages come by this door; a provider's come by its own."""
LOOK = 2.0
"""Seconds between two looks when no bell rings."""


@dataclass(frozen=True, slots=True)
class Messages:
    config: Config
    access: Access
    intake: Intake
    store: Store
    live: Live
    telemetry: Telemetry
    base_url: str
    room: Room = field(default_factory=Room)

    @explained
    async def post(self, request: web.Request) -> web.Response:
        began = time.perf_counter()
        channel = self._channel(request)
        caller = self._may_post(request, channel)
        wait = _seconds(request.query.get("wait"))
        accepted = await self._accepted(request, channel, caller.visits.get(channel.name, ""))
        verdict = "duplicate" if accepted.duplicate else "new"
        self.telemetry.received.labels(channel.name, verdict).inc()
        self.telemetry.ack.observe(time.perf_counter() - began)
        turn = await self._turn(accepted, wait) if wait else None
        return _answer(accepted, turn, self.base_url)

    async def _accepted(self, request: web.Request, channel: ChannelSettings, visitor: str) -> Accepted:
        """The message on disk. Its sound is in memory until then, and not while the reply is waited for."""
        with self.room.guest() as take:
            inbound = await read(request, visitor, time.time_ns() // 1_000_000, take)
            return await self.intake.accept(channel, self.config.queue(channel.queue), inbound)

    def _channel(self, request: web.Request) -> ChannelSettings:
        name = request.match_info["channel"]
        for channel in self.config.channels:
            if channel.name == name and channel.type in OURS:
                return channel
        raise Problem(404, "there is no such channel", "channel")

    def _may_post(self, request: web.Request, channel: ChannelSettings) -> Caller:
        caller = self.access.caller(request)
        if not caller.writes_to(channel.name):
            raise Problem(401, "this key is not this channel's")
        return caller

    async def _turn(self, accepted: Accepted, seconds: float) -> Turn | None:
        """The turn that covers the message, when it ends in time. While one is made here there is nothing to look for;
        of one elsewhere it may not be heard that it ended, when the next has begun."""
        end, turn = time.monotonic() + seconds, None
        with self.live.watch(accepted.conversation) as bell:
            if accepted.duplicate:
                turn = await self.store.turn_covering(accepted.conversation, accepted.message)
            while not turn and (left := end - time.monotonic()) > 0 and not self.live.over:
                rung = await bell.wait(min(LOOK, left))
                here = self.store.alone or self.live.makes(accepted.conversation)
                ended = bell.ended or not here or self.live.state(accepted.conversation) == IDLE
                bell.ended = False
                if not rung or ended or self.live.over:
                    turn = await self.store.turn_covering(accepted.conversation, accepted.message)
        return turn


def _answer(accepted: Accepted, turn: Turn | None, base_url: str) -> web.Response:
    if turn and turn.reply is not None:
        return web.Response(body=orjson.dumps(public_reply(turn.reply, base_url)), content_type="application/json")
    body = {
        "conversation": accepted.conversation,
        "message": accepted.message,
        "duplicate": accepted.duplicate,
    }
    return web.Response(body=orjson.dumps(body), status=202, content_type="application/json")


def _seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise wrong("wait", f"wait must be a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return seconds
