"""Chatwoot on 127.0.0.1, as far as an API inbox and an agent bot need it, with faults on request.

    async with FakeChatwoot() as chatwoot:
        desk = Chatwoot(chatwoot.settings(), queue="vendas", allow_private=True)
        chatwoot.next("POST messages", LOST, refused(429, retry_after="7"))
        ...
        assert chatwoot.conversations[42].messages[0]["content"] == "Oi"
        body = chatwoot.webhook_of(42, chatwoot.says(42, "Bom dia"))     # what `signed` makes a hook of

It keeps what Chatwoot keeps and refuses what Chatwoot refuses: a wrong key, another account, a bot where no bot may go,
a content that is too long. Private notes stand in the account's list of messages and not in the public one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.desks.base import Hook
from gateway.desks.settings import DeskSettings
from tests.fakes.served import Served

ACCOUNT, INBOX, TEAM = 1, "inbox-identifier", 4
AGENT, BOT, SECRET = "agent-access-token", "bot-access-token", "cw-secret"
NOW = 1795226400
FOR_NO_BOT = "Access to this endpoint is not authorized for bots"
PAGE, PUBLIC_PAGE = 100, 20
TYPES = {"incoming": 0, "outgoing": 1, "activity": 2, "template": 3}


@dataclass(frozen=True, slots=True)
class Call:
    what: str
    """Method and the last word of the path: `POST messages`."""
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    file: bytes = b""
    file_name: str = ""
    file_type: str = ""


@dataclass(slots=True)
class Conversation:
    id: int
    source: str
    status: str = "open"
    messages: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    team: int | None = None

    @property
    def shown(self) -> list[tuple[str, str]]:
        """(who, words) as people see it."""
        return [("note" if one["private"] else KINDS[one["message_type"]], one["content"]) for one in self.messages]


KINDS = {0: "contact", 1: "agent", 2: "activity", 3: "template"}
Fault = Callable[["FakeChatwoot", web.Request, Callable[[], Awaitable[web.Response]]], Awaitable[web.StreamResponse]]
"""Is given what the answer would have been, to be asked for or not."""


class FakeChatwoot(Served):
    """An HTTP server on a free port. `old`: a version in which bots may neither label nor see a conversation."""

    def __init__(self, *, old: bool = False, own_source_ids: bool = False) -> None:
        super().__init__()
        self.old, self.own_source_ids = old, own_source_ids
        self.calls: list[Call] = []
        self.contacts: dict[str, dict[str, Any]] = {}
        """By source id."""
        self.conversations: dict[int, Conversation] = {}
        self.agents = [{"id": 5, "name": "Recepção", "availability_status": "offline"}]
        self.members = {TEAM: [{"id": 5, "name": "Recepção", "availability_status": "online"}]}
        self.files: dict[str, bytes] = {}
        """What lies at /files/{name}, behind a redirect."""
        self._faults: dict[str, deque[Fault]] = {}
        self._ids, self._numbers = iter(range(1001, 10**6)), iter(range(42, 10**6))

    def settings(self, **more: Any) -> DeskSettings:
        given = {"token": BOT, "account_id": ACCOUNT, "inbox_identifier": INBOX, "secret": SECRET, **more}
        return DeskSettings.model_validate({"type": "chatwoot", "url": self.url, **given})

    def next(self, what: str, *faults: Fault) -> None:
        """Of the next calls of a kind: `POST messages`."""
        self._faults.setdefault(what, deque()).extend(faults)

    def asked(self, what: str) -> list[Call]:
        return [call for call in self.calls if call.what == what]

    def says(self, conversation: int, content: str, **more: Any) -> dict[str, Any]:
        """An agent writes to the contact; `more` makes it anything else."""
        sender = {"id": 5, "name": "Recepção", "type": "user"}
        return self._add(conversation, {"content": content, "message_type": 1, "sender": sender} | more)

    def _add(self, conversation: int, message: Mapping[str, Any]) -> dict[str, Any]:
        base: dict[str, Any] = {"private": False, "source_id": None, "content_attributes": {}, "content_type": "text"}
        id = next(self._ids)
        whole = {**base, "id": id, "conversation_id": conversation, "created_at": NOW + id, **message}
        self.conversations[conversation].messages.append(whole)
        return whole

    # -- webhooks ----------------------------------------------------------------------------------

    def webhook_of(self, conversation: int, message: Mapping[str, Any]) -> dict[str, Any]:
        """The webhook of a message, in which its type is a word."""
        words = {number: word for word, number in TYPES.items()}
        about = {"id": conversation, "status": self.conversations[conversation].status}
        whole = {**message, "message_type": words[message["message_type"]], "conversation": about}
        return whole | {"account": {"id": ACCOUNT}, "event": "message_created"}

    # -- server ------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        public, account = "/public/api/v1/inboxes/{inbox}", "/api/v1/accounts/{account}"
        contact = f"{public}/contacts/{{source}}"
        app.add_routes(
            [
                web.get("/api/v1/profile", self._door(self._profile, "profile")),
                web.get(public, self._door(self._inbox, "inbox")),
                web.post(f"{public}/contacts", self._door(self._new_contact, "contacts")),
                web.get(f"{contact}/conversations", self._door(self._listed, "conversations")),
                web.post(f"{contact}/conversations", self._door(self._new_conversation, "conversations")),
                web.get(f"{contact}/conversations/{{id}}/messages", self._door(self._public_messages, "public")),
                web.get(f"{account}/conversations/{{id}}", self._door(self._show, "conversation")),
                web.get(f"{account}/conversations/{{id}}/messages", self._door(self._messages, "messages")),
                web.post(f"{account}/conversations/{{id}}/messages", self._door(self._write, "messages")),
                web.post(f"{account}/conversations/{{id}}/toggle_status", self._door(self._toggle, "toggle_status")),
                web.post(f"{account}/conversations/{{id}}/assignments", self._door(self._assign, "assignments")),
                web.get(f"{account}/conversations/{{id}}/labels", self._door(self._labels, "labels")),
                web.post(f"{account}/conversations/{{id}}/labels", self._door(self._label, "labels")),
                web.get(f"{account}/teams/{{team}}", self._door(self._team, "team")),
                web.get(f"{account}/teams/{{team}}/team_members", self._door(self._team, "team_members")),
                web.get(f"{account}/agents", self._door(self._all_agents, "agents")),
                web.post(f"{account}/conversations/{{id}}/toggle_typing_status", self._door(self._typing, "typing")),
                web.get("/files/{name}", self._file),
                web.get("/elsewhere/{name}", self._file),
            ]
        )
        return app

    def _door(
        self, room: Callable[[Call, web.Request], web.Response], name: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            call = await _read(request, name)
            self.calls.append(call)

            async def answer() -> web.Response:
                return self._refusal(call, request) or room(call, request)

            faults = self._faults.get(call.what)
            return await faults.popleft()(self, request, answer) if faults else await answer()

        return handler

    def _refusal(self, call: Call, request: web.Request) -> web.Response | None:
        info = request.match_info
        if call.path.startswith("/public/"):
            assert "api_access_token" not in call.headers, "our key is nothing for the public API"
            known = "source" not in info or info["source"] in self.contacts
            return None if info["inbox"] == INBOX and known else _error(404, "Resource could not be found")
        token = call.headers.get("api_access_token")
        if token not in (AGENT, BOT):
            return _error(401, "Invalid Access Token")
        if info.get("account", str(ACCOUNT)) != str(ACCOUNT):
            return _error(401, "You are not authorized to access this account")
        if token == BOT and not self._lets_bots(call.what):
            return _error(401, FOR_NO_BOT)
        if "id" in info and int(info["id"]) not in self.conversations:
            return _error(404, "Resource could not be found")
        return None

    def _lets_bots(self, what: str) -> bool:
        always = {"POST messages", "POST toggle_status", "POST assignments", "POST typing"}
        return what in always or (not self.old and what in {"GET conversation", "GET labels", "POST labels"})

    # -- rooms -------------------------------------------------------------------------------------

    def _profile(self, call: Call, request: web.Request) -> web.Response:
        return web.json_response({"id": 5, "name": "Recepção", "accounts": [{"id": ACCOUNT}]})

    def _inbox(self, call: Call, request: web.Request) -> web.Response:
        return web.json_response({"identifier": INBOX, "name": "recado"})

    def _new_contact(self, call: Call, request: web.Request) -> web.Response:
        source = call.json.get("source_id") if not self.own_source_ids else ""
        source = source or f"made-{len(self.contacts)}"
        contact = self.contacts.setdefault(source, {"source_id": source, "pubsub_token": "x", "id": 7, **call.json})
        return web.json_response(contact | {"source_id": source})

    def _listed(self, call: Call, request: web.Request) -> web.Response:
        source = request.match_info["source"]
        return web.json_response([_public(one) for one in self.conversations.values() if one.source == source])

    def _new_conversation(self, call: Call, request: web.Request) -> web.Response:
        return web.json_response(_public(self.begin(request.match_info["source"])))

    def begin(self, source: str = "elsewhere", status: str = "open") -> Conversation:
        made = Conversation(next(self._numbers), source, status)
        self.conversations[made.id] = made
        return made

    def _public_messages(self, call: Call, request: web.Request) -> web.Response:
        """Neither notes nor source ids, newest page first."""
        before = int(request.query.get("before", 10**9))
        shown = [one for one in self._of(request).messages if not one["private"] and one["message_type"] != 2]
        page = [one for one in shown if one["id"] < before][-PUBLIC_PAGE:]
        return web.json_response([{k: v for k, v in one.items() if k not in ("source_id", "private")} for one in page])

    def _messages(self, call: Call, request: web.Request) -> web.Response:
        later = [one for one in self._of(request).messages if one["id"] > int(request.query["after"])]
        return web.json_response({"meta": {}, "payload": later[:PAGE]})

    def _show(self, call: Call, request: web.Request) -> web.Response:
        one = self._of(request)
        return web.json_response({"id": one.id, "status": one.status, "updated_at": NOW + 0.5, "meta": {}})

    def _write(self, call: Call, request: web.Request) -> web.Response:
        said = call.json or {key: value if key == "content" else _plain(value) for key, value in call.form.items()}
        if len(said["content"] or "") > 150_000:
            return _error(422, "Content is too long (maximum is 150000 characters)")
        bot = call.headers["api_access_token"] == BOT
        agent = {"id": 2, "name": "recado", "type": "agent_bot"} if bot else {"id": 5, "name": "R", "type": "user"}
        incoming = said["message_type"] == "incoming"
        sender = {"id": 7, "name": "Maria", "type": "contact"} if incoming else agent
        kept = {**said, "message_type": TYPES[said["message_type"]], "sender": sender}
        files = [{"file_type": "audio", "data_url": f"{self.url}/voice.ogg"}] if call.file else []
        one = self._of(request)
        if incoming and one.status == "resolved":
            one.status = "open"
        return web.json_response(self._add(one.id, kept | ({"attachments": files} if files else {})))

    def _toggle(self, call: Call, request: web.Request) -> web.Response:
        one = self._of(request)
        one.status = call.json["status"]
        payload = {"success": True, "current_status": one.status, "conversation_id": one.id}
        return web.json_response({"meta": {}, "payload": payload})

    def _assign(self, call: Call, request: web.Request) -> web.Response:
        team = call.json["team_id"] if call.json["team_id"] in self.members else None
        self._of(request).team = team
        return web.json_response({"id": team, "name": "Recepção"} if team else None)

    def _labels(self, call: Call, request: web.Request) -> web.Response:
        return web.json_response({"payload": self._of(request).labels})

    def _label(self, call: Call, request: web.Request) -> web.Response:
        self._of(request).labels = list(call.json["labels"])
        return self._labels(call, request)

    def _team(self, call: Call, request: web.Request) -> web.Response:
        team = int(request.match_info["team"])
        if team not in self.members:
            return _error(404, "Resource could not be found")
        about = {"id": team, "name": "Recepção"}
        return web.json_response(self.members[team] if call.what.endswith("members") else about)

    def _all_agents(self, call: Call, request: web.Request) -> web.Response:
        return web.json_response(self.agents)

    def _typing(self, call: Call, request: web.Request) -> web.Response:
        return web.Response()

    async def _file(self, request: web.Request) -> web.Response:
        """Files lie elsewhere, and need no key."""
        assert "api_access_token" not in request.headers, "our key is nothing for a bucket"
        name = request.match_info["name"]
        if request.path.startswith("/files/"):
            where = f"/files/{name}" if name == "round" else f"/elsewhere/{name}"
            return web.Response(status=302, headers={"location": where})
        if name not in self.files:
            return web.Response(status=int(name) if name.isdigit() else 404)
        return web.Response(body=self.files[name])

    def _of(self, request: web.Request) -> Conversation:
        return self.conversations[int(request.match_info["id"])]


def signed(body: bytes, *, secret: str = SECRET, at: int = NOW, **query: str) -> Hook:
    """A webhook as Chatwoot posts it."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "x-chatwoot-signature": f"sha256={digest}",
        "x-chatwoot-timestamp": str(at),
        "x-chatwoot-delivery": "0a0a0a0a-0000-4000-8000-000000000000",
    }
    return Hook(headers, body, query)


# -- faults ----------------------------------------------------------------------------------------


def refused(status: int, body: str = '{"error": "no"}', **headers: str) -> Fault:
    """Header names with `_` for `-`."""

    async def fault(
        fake: FakeChatwoot, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body, content_type="application/json", headers=names)

    return fault


SIGN_IN = refused(200, "<!doctype html><title>Sign in</title>")
HALF = refused(200, '{"id": 1')


async def LOST(
    fake: FakeChatwoot, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """It is done, and the connection breaks before the answer."""
    await answer()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def HANG(
    fake: FakeChatwoot, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    await fake.closing.wait()
    return web.Response(status=503)


async def ENDLESS(
    fake: FakeChatwoot, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """An answer without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while not fake.closing.is_set():
        try:
            await response.write(bytes(2**20))
        except (ConnectionError, OSError):
            break
    return response


async def CUT(
    fake: FakeChatwoot, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """Half an answer, then the connection breaks."""
    response = web.StreamResponse(headers={"content-length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": 1')
    assert request.transport is not None
    request.transport.close()
    return response


# -- reading ---------------------------------------------------------------------------------------


async def _read(request: web.Request, name: str) -> Call:
    headers = {key.lower(): value for key, value in request.headers.items()}
    what = f"{request.method} {name}"
    if not request.content_type.startswith("multipart/"):
        body = await request.json() if request.can_read_body else None
        return Call(what, request.path, headers, body)
    form = await request.post()
    file = form["attachments[]"]
    assert isinstance(file, web.FileField)
    fields = {key: value for key, value in form.items() if isinstance(value, str)}
    data = file.file.read()
    file.file.close()
    return Call(what, request.path, headers, None, fields, data, file.filename, file.content_type)


def _plain(value: str) -> Any:
    """A form's text as Rails reads it, and JSON where Chatwoot takes JSON."""
    if value in ("true", "false"):
        return value == "true"
    return json.loads(value) if value.startswith("{") else value


def _public(one: Conversation) -> dict[str, Any]:
    return {"id": one.id, "inbox_id": 3, "status": one.status, "messages": [], "contact": {"id": 7}}


def _error(status: int, words: str) -> web.Response:
    return web.json_response({"error": words}, status=status)
