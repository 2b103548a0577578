"""Slack's Web API, as far as an app needs it that keeps threads in a channel, and Slack's signed events.

    async with FakeSlack() as slack:
        slack.next("chat.postMessage", "429")                # the next call of the method goes wrong: FAULTS
        ...
        assert slack.thread(root)[0]["text"] == "..."
        headers, body = slack.signed(event(...))             # what Slack would post to us

A refusal is a 200 with `ok: false`, as the real one's are; reading methods take a query or form and no JSON; metadata's
payload is told to those alone who ask for it; a file is seen in its thread only when its upload was completed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.served import Served

TOKEN = "xoxb-1-0123456789-abcdef"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CHANNEL, BOT, BOT_USER = "C0000000001", "B1", "UBOT"
SAMPLES = Path(__file__).parents[1] / "fixtures" / "slack"
SCOPES = "chat:write,files:write,channels:history,reactions:read"

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def refused(error: str, **more: Any) -> Fault:
    async def fault(request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": False, "error": error, **more})

    return fault


def spoken(status: int, body: bytes = b"", mime: str = "text/html", **headers: str) -> Fault:
    """What somebody else says, on the way."""

    async def fault(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, content_type=mime, headers=named)

    return fault


async def limited(request: web.Request) -> web.StreamResponse:
    told = sample("error.ratelimited")
    return web.json_response(told["body"], status=told["status"], headers=told["headers"])


async def cut(request: web.Request) -> web.StreamResponse:
    """Half an answer, then the connection breaks."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = 400
    await response.prepare(request)
    await response.write(b'{"ok": true, "cha')
    assert request.transport is not None
    request.transport.close()
    return response


async def dropped(request: web.Request) -> web.StreamResponse:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """An answer that never ends; whoever reads on, reads for ever."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b" " * 65536)
    except ConnectionError:
        return response


FAULTS: dict[str, Fault] = {
    "401": spoken(401),
    "403": spoken(403, b"<title>Blocked</title>"),
    "404": spoken(404),
    "413": spoken(413),
    "429": limited,
    "500": spoken(500, b"Internal Server Error", "text/plain"),
    "503": spoken(503, retry_after="7"),
    "html.200": spoken(200, b"<!doctype html><title>Sign in</title>"),
    "html.302": spoken(302, location="https://elsewhere.example/"),
    "json.list": spoken(200, b"[1]", "application/json"),
    "json.odd": spoken(200, b'{"ok": "yes"}', "application/json"),
    "cut": cut,
    "dropped": dropped,
    "endless": endless,
}


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    fields: dict[str, Any]
    headers: dict[str, str] = field(repr=False)
    """Names in lower case."""


class FakeSlack(Served):
    """One workspace with one app in it. Change its attributes to change the world around it."""

    path = "/api"

    def __init__(self) -> None:
        """Of the Web API, without a method."""
        super().__init__()
        self.calls: list[Call] = []
        self.messages: list[dict[str, Any]] = []
        self.channels = {CHANNEL: True, "C0000000002": True, "C0000000003": False}
        """Whether the app is in it."""
        self.scopes = SCOPES
        self.uploads: dict[str, dict[str, Any]] = {}
        """By id: name, length, bytes."""
        self.page = 1000
        """Most messages of one answer."""
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lost: int | None = None
        self._clock = 1795226400

    # -- the world -----------------------------------------------------------------------------------

    def next(self, method: str, *faults: str | Fault) -> None:
        self._faults[method].extend(FAULTS[f] if isinstance(f, str) else f for f in faults)

    def lose(self, nth: int, *, done: bool) -> None:
        """The connection breaks at the nth call from now on, before it was done or after."""
        self._lost = nth if done else -nth

    def thread(self, root: str) -> list[dict[str, Any]]:
        return [m for m in self.messages if root in (m["ts"], m.get("thread_ts"))]

    def writes(self, text: str, root: str = "") -> str:
        """A person writes in the channel, or in a thread of it."""
        return str(self._stand(CHANNEL, root, {"user": "U1", "text": text})["ts"])

    def signed(self, body: Any, at: int = 1795226400) -> tuple[dict[str, str], bytes]:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return signed(raw, at), raw

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    # -- the server ----------------------------------------------------------------------------------

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_post("/upload/v1/{id}", self._take)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        return await self._once(request, method, await _fields(request), self._method)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        fields = {"id": request.match_info["id"], "bytes": await request.read()}
        return await self._once(request, "upload", fields, self._method)

    async def _once(self, request: web.Request, name: str, fields: dict[str, Any], do: Any) -> web.StreamResponse:
        call = Call(name, fields, {key.lower(): value for key, value in request.headers.items()})
        self.calls.append(call)
        if self._faults[name]:
            return await self._faults[name].popleft()(request)
        if (breaks := self._counted()) == "before":
            return await dropped(request)
        answer = do(call)
        if breaks == "after":
            return await dropped(request)
        if name == "upload":
            return web.Response(text="OK - 3" if answer["ok"] else "", status=200 if answer["ok"] else 404)
        return web.json_response(answer, headers={"x-oauth-scopes": self.scopes})

    def _counted(self) -> str:
        if self._lost is None:
            return ""
        done, left = self._lost > 0, abs(self._lost) - 1
        self._lost = (left if done else -left) if left else None
        return ("after" if done else "before") if not left else ""

    def _method(self, call: Call) -> dict[str, Any]:
        if call.method != "upload" and call.headers.get("authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        handle = getattr(self, "_" + call.method.replace(".", "_"), None)
        return handle(call.fields) if handle else {"ok": False, "error": "unknown_method"}

    # -- methods -------------------------------------------------------------------------------------

    def _auth_test(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team": "Clínica Ana", "user": "recado", "user_id": BOT_USER, "bot_id": BOT}

    def _chat_postMessage(self, fields: dict[str, Any]) -> dict[str, Any]:
        if problem := self._problem(fields.get("channel", "")):
            return {"ok": False, "error": problem}
        text = fields.get("text", "")
        if not text or len(text) > 40_000:
            return {"ok": False, "error": "msg_too_long" if text else "no_text"}
        metadata = fields.get("metadata")
        if metadata and not (isinstance(metadata.get("event_payload"), dict) and metadata.get("event_type")):
            return {"ok": False, "error": "invalid_metadata_format"}
        more = {"metadata": metadata, "loud": fields.get("reply_broadcast", False)}
        message = {"user": BOT_USER, "bot_id": BOT, "text": text, **more}
        stands = self._stand(fields["channel"], fields.get("thread_ts") or "", message)
        told = {"channel": fields["channel"], "ts": stands["ts"], "message": stands}
        return sample("chat.postMessage.response") | told

    def _conversations_history(self, fields: dict[str, Any]) -> dict[str, Any]:
        found = [m for m in self.messages if m["channel"] == fields.get("channel") and not m.get("thread_ts")]
        return self._read(fields, found[::-1])

    def _conversations_replies(self, fields: dict[str, Any]) -> dict[str, Any]:
        found = self.thread(fields.get("ts", ""))
        if not found:
            return {"ok": False, "error": "thread_not_found"}
        after = [m for m in found[1:] if float(m["ts"]) > float(fields.get("oldest", "0"))]
        return self._read(fields, [found[0], *after])

    def _read(self, fields: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        if problem := self._problem(fields.get("channel", "")) or ("limit" not in fields and "invalid_arguments"):
            return {"ok": False, "error": problem}
        start, size = int(fields.get("cursor") or 0), min(int(fields["limit"]), self.page)
        end = start + size if start + size < len(found) else 0
        told = [self._shown(m, fields.get("include_all_metadata") == "true") for m in found[start : start + size]]
        more = {"next_cursor": str(end) if end else ""}
        return {"ok": True, "messages": told, "has_more": bool(end), "response_metadata": more}

    def _shown(self, message: dict[str, Any], payloads: bool) -> dict[str, Any]:
        if payloads or not message.get("metadata"):
            return message
        return message | {"metadata": {"event_type": message["metadata"]["event_type"]}}

    def _files_getUploadURLExternal(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not fields.get("filename") or int(fields.get("length", "0")) <= 0:
            return {"ok": False, "error": "invalid_arguments"}
        id = f"F{len(self.uploads) + 1}"
        self.uploads[id] = {"name": fields["filename"], "length": int(fields["length"]), "bytes": None}
        return {"ok": True, "upload_url": f"{self.url.removesuffix(self.path)}/upload/v1/{id}", "file_id": id}

    def _upload(self, fields: dict[str, Any]) -> dict[str, Any]:
        file = self.uploads.get(fields["id"])
        if not file or len(fields["bytes"]) != file["length"]:
            return {"ok": False}
        file["bytes"] = fields["bytes"]
        return {"ok": True}

    def _files_completeUploadExternal(self, fields: dict[str, Any]) -> dict[str, Any]:
        files = json.loads(fields["files"])
        if any(self.uploads.get(file["id"], {}).get("bytes") is None for file in files):
            return {"ok": False, "error": "file_not_found"}
        if problem := self._problem(fields.get("channel_id", "")):
            return {"ok": False, "error": problem}
        shown = [{"id": f["id"], "name": self.uploads[f["id"]]["name"], "title": f.get("title", "")} for f in files]
        message = {"user": BOT_USER, "bot_id": BOT, "text": fields.get("initial_comment") or "", "files": shown}
        self._stand(fields["channel_id"], fields.get("thread_ts") or "", message)
        return {"ok": True, "files": shown}

    def _problem(self, channel: str) -> str:
        if channel not in self.channels:
            return "channel_not_found"
        return "" if self.channels[channel] else "not_in_channel"

    def _stand(self, channel: str, root: str, message: dict[str, Any]) -> dict[str, Any]:
        self._clock += 1
        stands = {"type": "message", "channel": channel, "ts": f"{self._clock}.000100", **message}
        if root:
            stands["thread_ts"] = root
        self.messages.append(stands)
        return stands


def signed(raw: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), b"v0:%d:%s" % (at, raw), hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": f"v0={digest}"}


async def _fields(request: web.Request) -> dict[str, Any]:
    """JSON, a form, or a query, as Slack takes them; JSON for writing methods alone."""
    fields: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        writes = request.match_info["method"].startswith("chat.")
        return {**fields, **(await request.json() if writes and request.can_read_body else {})}
    form = await request.post() if request.method == "POST" else {}
    return {**fields, **{name: str(value) for name, value in form.items()}}
