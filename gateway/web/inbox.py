"""The doors of our own inbox: who waits for a person, and what people do about it. The page is page/inbox.html."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway import transcript
from gateway.live import Live, Round
from gateway.people import Busy, LetGo, may_write
from gateway.rules.custody import Custody
from gateway.steps.utter import Uttered
from gateway.web.access import Access, Caller
from gateway.web.page import FOLDER, HEADERS, POLICY
from gateway.web.problems import Problem, explained, wrong
from gateway.web.reading import JSON_LIMIT, TEXT_LIMIT, read_object, says_something
from gateway.web.standing import Standing
from storage.model import Conversation, ConversationId, Kind, MediaId
from storage.store import Store

MOST, USUAL = 200, 50
"""Conversations in one answer."""
LOOK = 200
"""Conversations asked of the store at once."""
HEARTBEAT = 15.0
"""Seconds between two signs of life on a quiet stream."""
CALM = 0.25
"""Seconds between two looks at what rang: what changes often is told once."""
RETRY = b"retry: 2000\n\n"
STATES = {"waiting": ("requested",), "held": ("held",), "all": ("requested", "held")}
ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
NAME = 80
"""Characters of a person's name."""
PAGE_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": POLICY.replace("img-src 'self' data:", "img-src 'self' data: blob:"),
    "Permissions-Policy": "microphone=()",
    "Content-Type": "text/html; charset=utf-8",
}
"""Pictures are fetched with the key, so they are shown from the page's own memory."""


@dataclass(frozen=True, slots=True)
class Inbox:
    access: Access
    store: Store
    live: Live
    standing: Standing
    base_url: str

    @explained
    async def page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(FOLDER / "inbox.html", headers=PAGE_HEADERS)

    # -- who waits ---------------------------------------------------------------------------------

    @explained
    async def conversations(self, request: web.Request) -> web.Response:
        caller, limit = self._caller(request), _limit(request)
        states = STATES.get(request.query.get("state", "all"))
        if states is None:
            raise wrong("state", "state must be waiting, held or all")
        found, more = await self._found(caller, states, limit, _after(request.query.get("after", "")))
        shown = [{**self.standing.glance(one), "last": await self.standing.last(one)} for one in found]
        return _json({"conversations": shown, "after": _place(found[-1]) if more else None})

    async def _found(
        self, caller: Caller, states: tuple[str, ...], limit: int, after: tuple[int, str]
    ) -> tuple[list[Conversation], bool]:
        """Those this caller may open, since longest first, and whether there are more."""
        found: list[Conversation] = []
        while page := await self.store.held(LOOK, after):
            for one in page:
                if caller.opens(one) and self.standing.people.custody(one).state in states:
                    found.append(one)
                if len(found) > limit:
                    return found[:limit], True
            after = _at(page[-1])
        return found, False

    @explained
    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events: `changed` names a conversation that should be looked at again."""
        caller = self._caller(request)
        stream = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        queues = caller.queues if caller.kind == "desk" else None
        with self.live.watch_all(queues) as round, suppress(ConnectionResetError):  # whoever watched has gone
            await stream.prepare(request)
            await stream.write(RETRY)
            while not self.live.over:
                await self._tell(caller, round, stream)
        return stream

    async def _tell(self, caller: Caller, round: Round, stream: web.StreamResponse) -> None:
        if not await round.wait(HEARTBEAT):
            return await stream.write(b": still here\n\n")
        rung = round.take()
        told = {""} if len(rung) == Round.MOST else {id for id in rung if await self._concerns(caller, id)}
        for id in told:
            await stream.write(b"event: changed\ndata: " + orjson.dumps({"conversation": id}) + b"\n\n")
        return await asyncio.sleep(CALM)

    async def _concerns(self, caller: Caller, id: ConversationId) -> bool:
        """People have it, or had it until just now."""
        conversation = await self.store.conversation(id)
        if conversation is None or not caller.opens(conversation):
            return False
        return self.standing.people.custody(conversation).state != "assistant"

    # -- what people do ----------------------------------------------------------------------------

    @explained
    async def take(self, request: web.Request) -> web.Response:
        conversation, wish = await self._asked(request)
        person, instead_of = _person(wish, "person"), _name(wish, "instead_of")
        async with _one_hand():
            custody = await self.standing.people.take(
                conversation.id, person, key=_key("take", wish), instead_of=instead_of
            )
        return await self._stands(conversation, custody)

    @explained
    async def write(self, request: web.Request) -> web.Response:
        conversation, wish = await self._asked(request, JSON_LIMIT)
        id, person, text = _id(wish), _person(wish, "person"), _text(wish)
        aloud, spell = _flag(wish, "speak"), _spell(wish)
        people, key = self.standing.people, f"inbox-{id}"
        if (said := await self._said(conversation.id, key)) is not None:
            return self._sent(conversation, id, said, duplicate=True)
        async with _one_hand():
            may_write(person, spell)(people.custody(conversation))  # before anybody pays for a voice
            crew, capabilities = self.standing.crew(conversation), self.standing.capabilities(conversation)
            uttered = await self.standing.utter(conversation.id, crew, capabilities, text, aloud=aloud)
            first, *more = uttered.parts
            await people.write(conversation.id, first, person, *more, key=key, spell=spell, media=uttered.media)
        return self._sent(conversation, id, uttered)

    def _sent(self, conversation: Conversation, id: str, uttered: Uttered, *, duplicate: bool = False) -> web.Response:
        parts = [transcript.linked(part, self.base_url) for part in uttered.parts]
        answer = {"conversation": conversation.id, "id": id, "duplicate": duplicate, "parts": parts}
        answer |= {"spoken": bool(uttered.media)} | ({"why": uttered.why} if uttered.why else {})
        return _json(answer, 202)

    async def _said(self, id: ConversationId, key: str) -> Uttered | None:
        """What was sent under that key, as far as it is among the latest; None: nothing was."""
        if not await self.standing.people.wrote(id, key):
            return None
        latest = await self.store.latest(id, Kind.OUT, LOOK)
        ours = sorted((one.seq, one.body) for one in latest if one.dedup.partition("~")[0] == f"person:{key}")
        parts = [orjson.loads(body)["part"] for _, body in ours]
        return Uttered(parts, [MediaId(part["media"]["id"]) for part in parts if part["kind"] == "voice"])

    @explained
    async def resolve(self, request: web.Request) -> web.Response:
        conversation, wish = await self._asked(request)
        key = _key("resolve", wish)
        custody = await self.standing.people.resolve(conversation.id, _person(wish, "person"), key=key)
        return await self._stands(conversation, custody)

    async def _stands(self, conversation: Conversation, custody: Custody) -> web.Response:
        now = await self.store.conversation(conversation.id) or conversation
        return _json({"conversation": conversation.id, "held": custody.people, "custody": self.standing.custody(now)})

    # -- who may -----------------------------------------------------------------------------------

    def _caller(self, request: web.Request) -> Caller:
        caller = self.access.caller(request)
        if caller.kind not in ("admin", "desk"):
            raise Problem(403, "this is for the inbox's key (the secret of [queues.handoff.desk]) or the admin key")
        return caller

    async def _asked(self, request: web.Request, limit: int = 64 * 1024) -> tuple[Conversation, dict[str, Any]]:
        """The conversation and what is wanted of it. 404 also for what this key may not know of."""
        caller = self._caller(request)
        conversation = await self.store.conversation(ConversationId(request.match_info["id"]))
        if conversation is None or not caller.opens(conversation):
            raise Problem(404, "there is no such conversation", "conversation")
        return conversation, await read_object(request, limit)


@asynccontextmanager
async def _one_hand() -> AsyncIterator[None]:
    """What another person's hand on a conversation means to whoever came second."""
    try:
        yield
    except Busy as busy:
        cure = f'take it first, with {{"instead_of": {orjson.dumps(busy.person).decode()}}}'
        raise Problem(409, f"{busy.person} has this conversation: {cure}", "person") from None
    except LetGo:
        raise Problem(409, "the conversation was given back since it was seen: take it first", "spell") from None


# -- one field at a time -------------------------------------------------------------------------


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST):
        raise wrong("limit", f"limit must be a number from 1 to {MOST}")
    return int(text)


def _place(conversation: Conversation) -> str:
    at, id = _at(conversation)
    return f"{at}:{id}"


def _at(conversation: Conversation) -> tuple[int, str]:
    return (conversation.hold.at if conversation.hold else 0), conversation.id


def _after(text: str) -> tuple[int, str]:
    at, _, id = text.partition(":")
    if text and not (id and at.isascii() and at.isdigit() and len(at) < 16):
        raise wrong("after", "after must be what an earlier answer gave")
    return (int(at), id) if text else (0, "")


def _id(wish: dict[str, Any]) -> str:
    value = wish.get("id")
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise wrong("id", "id must be 1 to 64 letters, digits, _ . or -; yours, and the same one twice is sent once")
    return value


def _key(what: str, wish: dict[str, Any]) -> str:
    """Whoever may repeat a call says an id."""
    return f"{what}-{_id(wish) if 'id' in wish else secrets.token_hex(8)}"


def _person(wish: dict[str, Any], field: str) -> str:
    name = _name(wish, field)
    if not name:
        raise wrong(field, f"{field} is missing: who you are, as colleagues know you")
    return name


def _name(wish: dict[str, Any], field: str) -> str:
    value = wish.get(field, "")
    if not isinstance(value, str) or len(value) > NAME or not value.isprintable():
        raise wrong(field, f"{field} must be a name of at most {NAME} characters")
    return value.strip()


def _text(wish: dict[str, Any]) -> str:
    value = wish.get("text")
    if not isinstance(value, str) or not says_something(value) or "\0" in value:
        raise wrong("text", "text must be a text with something to read in it")
    if len(value) > TEXT_LIMIT:
        raise Problem(413, f"a text is at most {TEXT_LIMIT} characters", "text")
    return value


def _flag(wish: dict[str, Any], field: str) -> bool:
    value = wish.get(field, False)
    if not isinstance(value, bool):
        raise wrong(field, f"{field} must be true or false")
    return value


def _spell(wish: dict[str, Any]) -> int | None:
    value = wish.get("spell")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31):
        raise wrong("spell", "spell must be the number of the custody that was seen")
    return value
