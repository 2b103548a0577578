"""Server-Sent Events in OpenAI's three dialects, and an answer followed while it is written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from gateway.web.openai.counter import HEARTBEAT, LONGEST_WAIT, LOOK, Counter
from gateway.web.openai.errors import Refusal
from gateway.web.openai.said import Said, pieces, said
from storage.model import ConversationId

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
DONE = b"[DONE]"


@dataclass(slots=True)
class Events:
    """A stream that has begun."""

    stream: web.StreamResponse
    number: int = 0
    """Of the next event, where the dialect counts."""

    @classmethod
    async def begin(cls, request: web.Request) -> Events:
        stream = web.StreamResponse(headers=HEADERS)
        await stream.prepare(request)
        return cls(stream)

    async def send(self, data: Mapping[str, Any], event: str = "") -> None:
        head = f"event: {event}\n".encode() if event else b""
        await self.stream.write(head + b"data: " + orjson.dumps(data) + b"\n\n")

    async def send_typed(self, data: Mapping[str, Any]) -> None:
        """As Responses does: the event's name and number stand in the data, too."""
        await self.send({**data, "sequence_number": self.number}, str(data["type"]))
        self.number += 1

    async def alive(self) -> None:
        await self.stream.write(b": still here\n\n")

    async def done(self, event: str = "") -> None:
        head = f"event: {event}\n".encode() if event else b""
        await self.stream.write(head + b"data: " + DONE + b"\n\n")


async def follow(counter: Counter, id: ConversationId, seq: int) -> AsyncIterator[str | Said | None]:
    """Pieces of the text; None where nothing came for a while; at the end the whole, whose text is what was sent.

    What an assistant writes is followed live. When it is thrown away for a transfer, the transfer message comes behind
    it; thrown away for anything else, it cannot be taken back: Refusal.
    """
    sent, whole = "", None
    async for event in _live(counter, id, seq):
        if isinstance(event, Said):
            whole = event
        elif event is None:
            yield None
        else:
            sent += event
            for piece in pieces(event):
                yield piece
    assert whole is not None, "it ends with the whole or raises"
    rest = _rest(sent, whole)
    for piece in pieces(rest):
        yield piece
    yield replace(whole, text=sent + rest)


def _rest(sent: str, whole: Said) -> str:
    """Raises Refusal."""
    if whole.text.startswith(sent):
        return whole.text[len(sent) :]
    if whole.hands_over:
        return f"\n\n{whole.text}"
    message = "What was streamed was thrown away: newer messages came, or a person. Ask for the conversation's answer."
    raise Refusal(500, message, code="answer_discarded")


async def _live(counter: Counter, id: ConversationId, seq: int) -> AsyncIterator[str | Said | None]:
    sent, began = "", time.monotonic()
    quiet = began
    with counter.live.read(id) as bell:
        while True:
            draft = counter.live.draft(id)
            if draft and draft.upto >= seq and draft.text != sent and draft.text.startswith(sent):
                piece, sent, quiet = draft.text[len(sent) :], draft.text, time.monotonic()
                yield piece
                continue
            if turn := await counter.turn(id, seq, last_look=time.monotonic() - began >= LONGEST_WAIT):
                yield said(turn, counter.base_url)
                return
            if not await bell.wait(LOOK) and time.monotonic() - quiet >= HEARTBEAT:
                quiet = time.monotonic()
                yield None
