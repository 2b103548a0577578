"""A Zendesk account: users, tickets with their audits, uploads and idempotency keys; and it fires triggers' webhooks.

async with FakeZendesk() as zendesk:
    zendesk.next("PUT", "throttled")              # the next PUT, by name of FAULTS or any fault of tests.fakes.wire
    zendesk.next("PUT", LOST)                     # it is done, and the answer never comes
    ...
    assert zendesk.comments(35436)[0]["public"] is False
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.wire import CALL, HANG, Call, Fake, Fault, answer, cut, refused

SAMPLES = Path(__file__).parents[1] / "fixtures" / "zendesk"
EMAIL, TOKEN, SECRET = "ana@clinic.example", "zd-token-of-ana", "dGhpcyBpcyBhIHNlY3JldCBvZiBhIHRlc3Q="
AGENT, GROUP, FIRST_TICKET = 1001, 360001, 35436


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def _throttled() -> Fault:
    said = sample("error.429")
    return refused(said["status"], said["body"], **said["headers"])


async def LOST(fake: Fake, request: web.Request) -> web.StreamResponse:
    """What was asked is done; then the connection breaks."""
    assert isinstance(fake, FakeZendesk)
    await fake.handle(request)
    assert request.transport is not None
    request.transport.close()
    return web.Response(status=500)


CUT = cut(b'{"ticket": {"id": 35436}, "x": ""}', "application/json")


FAULTS: dict[str, Fault] = {
    "throttled": _throttled(),
    "unauthorized": refused(401, {"error": "Couldn't authenticate you"}),
    "forbidden": refused(403, {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}),
    "not_found": refused(404, {"error": "RecordNotFound", "description": "Not found"}),
    "no_account": answer(b"<html>No help desk at this address</html>", "text/html", 404),
    "conflict": refused(409, {"error": "Conflict", "description": "ticket was updated at the same time"}),
    "invalid": refused(
        422, {"error": "RecordInvalid", "description": "Record validation errors", "details": {"base": [{"d": "x"}]}}
    ),
    "bad_request": refused(400, {"error": "BadRequest", "description": "malformed"}),
    "broken": answer(b"Internal Server Error", "text/plain", 500),
    "maintenance": refused(503, {"error": "maintenance"}, retry_after="30"),
    "moved": answer(b"", "text/html", 301, location="https://elsewhere.example/"),
    "page": answer(b"<!doctype html><title>Sign in</title>", "text/html", 200),
    "list": answer(b"[]", "application/json", 200),
    "hang": HANG,
    "cut": CUT,
}


class FakeZendesk(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, dict[str, Any]] = {}
        self.audits: dict[int, list[dict[str, Any]]] = {}
        self.users: dict[int, dict[str, Any]] = {AGENT: {"id": AGENT, "name": "Ana", "role": "agent"}}
        self.uploads: dict[str, tuple[str, str, bytes]] = {}
        """By token: file name, mime, bytes."""
        self.marks_creations = True
        self.lists = True
        """False: the list is behind, and shows no ticket yet."""
        self._keys: dict[str, tuple[Any, int]] = {}
        self._scripted: list[tuple[str, Fault]] = []
        self._handlers: dict[int, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}

    def next(self, method: Any, *faults: Fault | str) -> None:  # type: ignore[override]
        self._scripted += [(method, FAULTS[each] if isinstance(each, str) else each) for each in faults]

    # -- what a test asks -------------------------------------------------------------------------

    def comments(self, ticket: int = FIRST_TICKET) -> list[dict[str, Any]]:
        return [one for audit in self.audits[ticket] for one in audit["events"] if one["type"] == "Comment"]

    def did(self, method: str, path: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == method and path in call.path]

    @property
    def requester(self) -> int:
        return max(self.users)

    # -- the account ------------------------------------------------------------------------------

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/api/v2/users/me.json", self._me),
            web.get("/api/v2/groups/{id}.json", self._group),
            web.post("/api/v2/users/create_or_update.json", self._user),
            web.get("/api/v2/tickets.json", self._list),
            web.post("/api/v2/tickets.json", self._create),
            web.get("/api/v2/tickets/{id}.json", self._show),
            web.put("/api/v2/tickets/{id}.json", self._update),
            web.get("/api/v2/tickets/{id}/audits.json", self._audits),
            web.post("/api/v2/uploads.json", self._upload),
        ]

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if request.content_type == "application/json" and raw else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.url.raw_path, dict(request.query), headers, body)
        self.calls.append(call)
        request[CALL] = call
        self._handlers[id(request)] = handler
        if fault := self._fault(request.method):
            return await fault(self, request)
        return await self.handle(request)

    def _fault(self, method: str) -> Fault | None:
        for n, (of, fault) in enumerate(self._scripted):
            if of == method:
                del self._scripted[n]
                return fault
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        proof = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {proof}":
            return await FAULTS["unauthorized"](self, request)
        return await self._handlers[id(request)](request)

    async def _me(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"user": self.users[AGENT]})

    async def _group(self, request: web.Request) -> web.StreamResponse:
        if int(request.match_info["id"]) != GROUP:
            return await FAULTS["not_found"](self, request)
        return web.json_response({"group": {"id": GROUP, "name": "Recepção"}})

    async def _user(self, request: web.Request) -> web.StreamResponse:
        asked = request[CALL].json["user"]
        known = next((u for u in self.users.values() if u.get("external_id") == asked["external_id"]), None)
        if known:
            known |= asked
            return web.json_response({"user": known})
        user = {"id": 2000 + len(self.users), "role": "end-user", **asked}
        self.users[user["id"]] = user
        return web.json_response({"user": user}, status=201)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        listed = self.tickets.values() if self.lists else []
        found = [t for t in listed if t["external_id"] == request.query["external_id"]]
        return web.json_response({"tickets": found, "count": len(found), "next_page": None})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        asked, key = request[CALL].json, request.headers.get("Idempotency-Key", "")
        assert 0 < len(key) <= 255
        if key in self._keys:
            return await self._again(request, key)
        ticket = asked["ticket"]
        made = {**sample("create_ticket.response")["ticket"], "status": "new", "id": FIRST_TICKET + len(self.tickets)}
        made |= {k: v for k, v in ticket.items() if k not in ("comment", "metadata")}
        assert ticket["requester_id"] in self.users
        self.tickets[made["id"]], self.audits[made["id"]] = made, []
        self._keys[key] = (asked, made["id"])
        self._audit(made["id"], ticket if self.marks_creations else {"comment": ticket["comment"]})
        return web.json_response({"ticket": made}, status=201, headers={"x-idempotency-lookup": "miss"})

    async def _again(self, request: web.Request, key: str) -> web.StreamResponse:
        asked, id = self._keys[key]
        if asked != request[CALL].json:
            told = "Request parameters do not match the request associated with the idempotency key."
            return web.json_response({"error": "IdempotentRequestError", "description": told}, status=400)
        headers = {"x-idempotency-lookup": "hit"}
        return web.json_response({"ticket": self.tickets[id]}, status=201, headers=headers)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        ticket = self.tickets.get(int(request.match_info["id"]))
        return web.json_response({"ticket": ticket}) if ticket else await FAULTS["not_found"](self, request)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        ticket, asked = self.tickets.get(int(request.match_info["id"])), request[CALL].json["ticket"]
        if ticket is None:
            return await FAULTS["not_found"](self, request)
        author = asked["comment"].get("author_id", AGENT)
        if ticket["status"] == "closed" or author not in self.users:
            return await FAULTS["invalid"](self, request)
        ticket |= {k: v for k, v in asked.items() if k not in ("comment", "metadata")}
        self._audit(ticket["id"], asked)
        return web.json_response({"ticket": ticket, "audit": self.audits[ticket["id"]][-1]})

    def _audit(self, ticket: int, asked: dict[str, Any]) -> None:
        comment = asked["comment"]
        assert len(comment["body"].encode()) <= 65_535, "Zendesk would cut it off"
        for token in comment.get("uploads", []):
            assert token in self.uploads
        said = {"type": "Comment", "author_id": AGENT, "public": True, **comment}
        metadata = {"custom": asked.get("metadata", {}), "system": {"client": "recado"}}
        self.audits[ticket].append({"id": len(self.audits[ticket]), "metadata": metadata, "events": [said]})

    async def _audits(self, request: web.Request) -> web.StreamResponse:
        kept = self.audits.get(int(request.match_info["id"]))
        if kept is None:
            return await FAULTS["not_found"](self, request)
        ordered = kept[::-1] if request.query.get("sort_order") == "desc" else kept
        return web.json_response({"audits": ordered[:100], "count": len(kept), "next_page": None})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        token = f"upload-{len(self.uploads)}"
        self.uploads[token] = (request.query["filename"], request.headers["content-type"], await request.read())
        return web.json_response({"upload": {"token": token, "attachment": {}}}, status=201)


# -- webhooks --------------------------------------------------------------------------------------

NOW = 1795226400.0
"""2026-11-21T02:00:00Z"""


def headers(body: bytes, *, secret: str = SECRET, at: float = NOW, invocation: str = "01HINV") -> dict[str, str]:
    """As Zendesk signs: base64(HMAC-SHA256(secret, timestamp + body))."""
    timestamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-zendesk-account-id": "123456",
        "x-zendesk-webhook-id": "01HWEBHOOK",
        "x-zendesk-webhook-invocation-id": invocation,
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": timestamp,
    }
