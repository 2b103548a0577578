"""The doors to what was given up: read it, have it posted again. For whoever looks after the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway import givenup
from gateway.givenup import KINDS, NAMES, InVain, NotGivenUp, PerhapsSent
from gateway.transcript import rfc3339
from gateway.web.access import Access
from gateway.web.problems import Problem, explained, wrong
from gateway.web.reading import read_object
from storage.model import ConversationId, GivenUp
from storage.store import Store

PAGE = 200
"""Dead letters in one answer, at most."""
DIGITS = 18


@dataclass(frozen=True, slots=True)
class Dead:
    access: Access
    store: Store

    @explained
    async def list(self, request: web.Request) -> web.Response:
        self._may(request)
        limit = _limit(request)
        found = await self.store.dead(limit, _behind(request.query.get("after")))
        after = _cursor(found[-1]) if len(found) == limit else None
        return _json({"dead": [_shown(one) for one in found], "after": after})

    @explained
    async def repost(self, request: web.Request) -> web.Response:
        self._may(request)
        id, kind, seq = (request.match_info[part] for part in ("conversation", "kind", "seq"))
        if kind not in KINDS or not _is_number(seq):
            raise web.HTTPNotFound
        force = (await read_object(request)).get("force", False)
        if not isinstance(force, bool):
            raise wrong("force", "force must be true or false")
        try:
            posted = await givenup.repost(self.store, ConversationId(id), KINDS[kind], int(seq), force=force)
        except NotGivenUp:
            raise Problem(404, "there is no such dead letter: it was posted again, or turned out to be sent") from None
        except PerhapsSent:
            detail = "it may have been sent: look at the conversation first, then post it again with force"
            raise Problem(409, detail, "force") from None
        except InVain as error:
            raise Problem(409, str(error), "conversation") from None
        return _json({"conversation": id, "kind": kind, "seq": posted.seq})

    def _may(self, request: web.Request) -> None:
        if self.access.caller(request).kind != "admin":
            raise Problem(403, "this is for the admin key")


def _shown(given: GivenUp) -> dict[str, Any]:
    return {
        "id": givenup.address_of(given),
        "conversation": given.conversation,
        "kind": NAMES[given.kind],
        "seq": given.seq,
        "reason": given.reason,
        "at": rfc3339(given.at),
        "words": givenup.words(given),
    }


def _cursor(last: GivenUp) -> str:
    return f"{last.at}:{givenup.address_of(last)}"


def _behind(cursor: str | None) -> GivenUp | None:
    """Raises Problem 422."""
    if cursor is None:
        return None
    at, _, address = cursor.partition(":")
    try:
        if not _is_number(at):
            raise ValueError
        id, kind, seq = givenup.parsed(address)
        return GivenUp(kind, id, seq, "", int(at), "")
    except ValueError:
        raise wrong("after", "after is the cursor of an answer before") from None


def _limit(request: web.Request) -> int:
    given = request.query.get("limit", str(PAGE))
    if not _is_number(given) or not 1 <= int(given) <= PAGE:
        raise wrong("limit", f"limit must be a number from 1 to {PAGE}")
    return int(given)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
