"""An Intercom workspace: contacts, conversations with their parts, teammates; and it signs webhooks as Intercom does.

async with FakeIntercom() as intercom:
    intercom.next("/reply", "throttled")          # the next call of such a path, by name of FAULTS or any fault
    ...
    assert intercom.said("1001")[0]["body"] == "<p>Tem alguém aí?</p>"
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.wire import CALL, HANG, Call, Fake, Fault, answer, cut, refused

SAMPLES = Path(__file__).parents[1] / "fixtures" / "intercom"
TOKEN, SECRET = "dG9rOmludGVyY29tLXRlc3Q=", "client-secret-of-a-test"
ADMIN, ANA, TEAM = 3156780, 1957471, 5017691
NOW = 1795226400.0
"""2026-11-21T02:00:00Z"""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def error(status: int, code: str, message: str, **headers: str) -> Fault:
    body = {"type": "error.list", "request_id": "b1", "errors": [{"code": code, "message": message}]}
    return refused(status, body, **headers)


def _throttled() -> Fault:
    said = sample("error.429")
    return refused(said["status"], said["body"], **said["headers"])


CUT = cut(b'{"type": "conversation", "id": "2"}', "application/json")


FAULTS: dict[str, Fault] = {
    "throttled": _throttled(),
    "unauthorized": error(401, "unauthorized", "Access Token Invalid"),
    "forbidden": error(403, "api_plan_restricted", "Active subscription needed."),
    "not_found": error(404, "not_found", "Resource Not Found"),
    "nothing_here": answer(b"<html>404</html>", "text/html", 404),
    "invalid": error(422, "parameter_invalid", "content type not allowed"),
    "bad_request": error(400, "parameter_not_found", "body is required"),
    "old_version": error(400, "intercom_version_invalid", "The requested version could not be found"),
    "broken": answer(b"Internal Server Error", "text/plain", 500),
    "maintenance": error(503, "service_unavailable", "Sorry", retry_after="30"),
    "moved": answer(b"", "text/html", 301, location="https://elsewhere.example/"),
    "page": answer(b"<!doctype html><title>Sign in</title>", "text/html", 200),
    "list": answer(b"[]", "application/json", 200),
    "hang": HANG,
    "cut": CUT,
}


class FakeIntercom(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, dict[str, Any]] = {}
        self.clock = NOW
        self.searches = True
        """False: the search is behind, and finds nothing yet."""
        self.archived: set[str] = set()
        self.admins = [self._admin(ADMIN, "recado", []), self._admin(ANA, "Ana", [TEAM])]
        self._scripted: list[tuple[str, Fault]] = []
        self._handlers: dict[int, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}

    def next(self, path: Any, *faults: Fault | str) -> None:  # type: ignore[override]
        """`path`: how it ends, numbers aside."""
        self._scripted += [(path, FAULTS[each] if isinstance(each, str) else each) for each in faults]

    def did(self, method: str, path: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == method and call.path.endswith(path)]

    def parts(self, id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.conversations[id]["conversation_parts"]["conversation_parts"]
        return found

    def said(self, id: str) -> list[tuple[str, str, str]]:
        """(kind, author's id, words) of what has words."""
        return [(p["part_type"], p["author"]["id"], html.unescape(p["plain"])) for p in self.parts(id) if p["body"]]

    @staticmethod
    def _admin(id: int, name: str, teams: list[int]) -> dict[str, Any]:
        return {
            "type": "admin",
            "id": str(id),
            "name": name,
            "away_mode_enabled": False,
            "has_inbox_seat": id != ADMIN,
            "team_ids": teams,
        }

    # -- the workspace ----------------------------------------------------------------------------

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/me", self._me),
            web.get("/admins", self._admins),
            web.get("/admins/{id}", self._one_admin),
            web.get("/teams/{id}", self._team),
            web.post("/contacts", self._contact),
            web.post("/contacts/search", self._contact_search),
            web.post("/contacts/{id}/unarchive", self._unarchive),
            web.post("/conversations", self._begin),
            web.post("/conversations/search", self._search),
            web.get("/conversations/{id}", self._show),
            web.post("/conversations/{id}/reply", self._reply),
            web.post("/conversations/{id}/parts", self._manage),
        ]

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(raw) if raw else None
        request[CALL] = Call(request.method, request.url.raw_path, dict(request.query), headers, body)
        self.calls.append(request[CALL])
        self._handlers[id(request)] = handler
        for n, (path, fault) in enumerate(self._scripted):
            if request.path.endswith(path):
                del self._scripted[n]
                return await fault(self, request)
        return await self.handle(request)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return await FAULTS["unauthorized"](self, request)
        assert request.headers["intercom-version"] == "2.14"
        return await self._handlers[id(request)](request)

    async def _me(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "admin", "id": str(ADMIN), "app": {"name": "Clínica"}})

    async def _admins(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "admin.list", "admins": self.admins})

    async def _one_admin(self, request: web.Request) -> web.StreamResponse:
        found = next((one for one in self.admins if one["id"] == request.match_info["id"]), None)
        return web.json_response(found) if found else await FAULTS["not_found"](self, request)

    async def _team(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["id"] != str(TEAM):
            return await FAULTS["not_found"](self, request)
        return web.json_response({"type": "team", "id": str(TEAM), "name": "Recepção"})

    async def _contact(self, request: web.Request) -> web.StreamResponse:
        asked = request[CALL].json
        known = next((one for one in self.contacts.values() if one["external_id"] == asked["external_id"]), None)
        if known:
            which = "An archived" if known["id"] in self.archived else "A"
            told = f"{which} contact matching those details already exists with id={known['id']}"
            return await error(409, "conflict", told)(self, request)
        made = {"type": "contact", "id": f"6762f0f31bb69f9f2193bb{len(self.contacts):02}", **asked}
        self.contacts[made["id"]] = made
        return web.json_response(made)

    async def _contact_search(self, request: web.Request) -> web.StreamResponse:
        query = request[CALL].json["query"]
        assert (query["field"], query["operator"]) == ("external_id", "=")
        found = [one for one in self.contacts.values() if one["external_id"] == query["value"]] if self.searches else []
        shown = [one for one in found if one["id"] not in self.archived]
        return web.json_response({"type": "list", "data": shown, "total_count": len(shown)})

    async def _unarchive(self, request: web.Request) -> web.StreamResponse:
        self.archived.discard(request.match_info["id"])
        return web.json_response({"id": request.match_info["id"], "object": "contact", "archived": False})

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        asked = request[CALL].json
        contact = asked["from"]["id"]
        if contact not in self.contacts or contact in self.archived:
            return await error(404, "not_found", "User Not Found")(self, request)
        id = str(1001 + len(self.conversations))
        self.conversations[id] = {
            "type": "conversation",
            "id": id,
            "created_at": int(self.clock),
            "source": {"body": f"<p>{html.escape(asked['body'])}</p>", "author": {"type": "user", "id": contact}},
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]},
            "admin_assignee_id": 0,
            "team_assignee_id": None,
            "open": True,
            "state": "open",
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": []},
        }
        made = {"type": "user_message", "id": "403918330", "message_type": "inapp", "conversation_id": id}
        return web.json_response({**made, "body": asked["body"], "created_at": int(self.clock)})

    async def _search(self, request: web.Request) -> web.StreamResponse:
        query = request[CALL].json["query"]
        assert (query["field"], query["operator"]) == ("contact_ids", "=")
        all = self.conversations.values() if self.searches else []
        found = [one for one in all if one["contacts"]["contacts"][0]["id"] == query["value"]]
        shown = [{k: v for k, v in one.items() if k != "conversation_parts"} for one in found]
        return web.json_response({"type": "conversation.list", "conversations": shown, "total_count": len(shown)})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        found = self.conversations.get(request.match_info["id"])
        if found is None:
            return await FAULTS["not_found"](self, request)
        assert request.query["display_as"] == "plaintext"
        plain = [{**part, "body": part["plain"]} for part in self.parts(found["id"])]
        parts = {"type": "conversation_part.list", "conversation_parts": plain[-500:]}
        source = {**found["source"], "body": _plain(found["source"]["body"])}
        return web.json_response({**found, "source": source, "conversation_parts": parts})

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        asked, found = request[CALL].json, self.conversations.get(request.match_info["id"])
        if found is None or (asked["type"] == "user" and asked["intercom_user_id"] not in self.contacts):
            return await FAULTS["not_found"](self, request)
        assert len(asked.get("attachment_files", [])) <= 10
        if asked["type"] == "admin":
            assert asked["message_type"] == "note", "what an admin comments would be shown to the contact"
            self._add(found, "note", {"type": "admin", "id": asked["admin_id"]}, asked["body"], asked)
        else:
            found |= {"open": True, "state": "open"}
            body = "<p>" + html.escape(asked["body"]).replace("\n", "<br>") + "</p>"
            self._add(found, "comment", {"type": "user", "id": asked["intercom_user_id"]}, body, asked)
        return web.json_response(found)

    async def _manage(self, request: web.Request) -> web.StreamResponse:
        asked, found = request[CALL].json, self.conversations.get(request.match_info["id"])
        if found is None:
            return await FAULTS["not_found"](self, request)
        assert "body" not in asked, "it would be shown to the contact"
        if asked["message_type"] == "open":
            found |= {"open": True, "state": "open"}
        else:
            assert asked["type"] == "team"
            found["team_assignee_id"] = int(asked["assignee_id"])
        self._add(found, asked["message_type"], {"type": "admin", "id": asked["admin_id"]}, None, asked)
        return web.json_response(found)

    def _add(self, found: dict[str, Any], kind: str, author: Any, body: str | None, asked: dict[str, Any]) -> None:
        parts = found["conversation_parts"]["conversation_parts"]
        files = asked.get("attachment_files", [])
        part = {"type": "conversation_part", "id": str(2000 + len(parts)), "part_type": kind, "author": author}
        more = {"body": body, "plain": _plain(body), "created_at": int(self.clock), "attachments": files}
        parts.append(part | more)


def _plain(body: str | None) -> str:
    """As display_as=plaintext."""
    text = (body or "").replace("</p><p>", "\n\n").replace("<br>", "\n").replace("<p>", "").replace("</p>", "")
    return html.unescape(text)


# -- webhooks --------------------------------------------------------------------------------------


def headers(body: bytes, *, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return {"content-type": "application/json", "x-hub-signature": f"sha1={digest}"}


def notification(topic: str, *parts: dict[str, Any], thread: Any = "1001", **more: Any) -> dict[str, Any]:
    listed = {"type": "conversation_part.list", "conversation_parts": list(parts), "total_count": len(parts)}
    item = {"type": "conversation", "id": thread, "conversation_parts": listed, "open": True, "state": "open"}
    return {
        "type": "notification_event",
        "app_id": "a1b2c3d4",
        "data": {"type": "notification_event_data", "item": item},
        "id": "notif_44d1f763",
        "topic": topic,
        "delivery_attempts": 1,
        "first_sent_at": 1795226390,
        "created_at": 1795226390,
        **more,
    }


def part(kind: str = "comment", body: str | None = "<p>Bom dia!</p>", **more: Any) -> dict[str, Any]:
    return {
        "type": "conversation_part",
        "id": "2824382500",
        "part_type": kind,
        "body": body,
        "created_at": 1795226380,
        "assigned_to": None,
        "author": {"type": "admin", "id": str(ANA), "name": "Ana", "email": "ana@clinic.example"},
        "attachments": [],
        **more,
    }
