"""Meta's Graph API on 127.0.0.1, as far as WhatsApp's Cloud API needs it, with faults on request.

    async with FakeGraph() as graph:
        channel = WhatsAppCloud(graph.settings(), allow_private=True)
        graph.next(error(131047), CUT)          # the next two sends
        graph.next_upload(error(131053))
        graph.keep("300", b"…", "audio/ogg")    # a medium that can be fetched
        ...
        assert graph.sent[0].json["text"]["body"] == "Oi"

It takes what Meta takes and refuses what Meta refuses: a wrong token, a text that is too long, a button without a
title, a medium nobody uploaded. So a body that passes here is one that WhatsApp's own rules allow.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from gateway.config import ChannelSettings
from tests.fakes.served import Served

NUMBER = "100000000000001"
TOKEN = "EAAGtesttoken0123456789"
APP = "900000000000001"
APP_SECRET = "test-app-secret"
VERIFY_TOKEN = "meatyhamhock"
VERSION = "v26.0"

NAMES: dict[int, str] = {
    0: "AuthException",
    1: "API Unknown",
    2: "API Service",
    3: "API Method",
    4: "API Too Many Calls",
    10: "Permission denied",
    33: "Object does not exist",
    100: "Invalid parameter",
    190: "Access token has expired",
    200: "API Permission",
    299: "API Permission",
    368: "Temporarily blocked for policies violations",
    80007: "Rate limit issues",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131005: "Access denied",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list",
    131031: "Account has been locked",
    131037: "Display name approval is needed",
    131042: "Business eligibility payment issue",
    131044: "Payment issue",
    131045: "Incorrect certificate",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Not delivered to maintain healthy ecosystem engagement",
    131050: "User has stopped marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    131062: "BSUID recipients are not supported for this message",
    131063: "Marketing templates are disabled",
    131064: "Messaging limit reached",
    132000: "Number of parameters does not match",
    132001: "Template does not exist",
    132005: "Template hydrated text too long",
    132007: "Template format character policy violated",
    132008: "Template parameter value is not valid",
    132012: "Template parameter format mismatch",
    132015: "Template is paused",
    132016: "Template is disabled",
    133010: "Phone number not registered",
    133016: "Account register or deregister rate limit exceeded",
    135000: "Generic user error",
    137000: "Recipient identity key hash mismatch",
}
"""Each code by its name at Meta."""
STATUS = {2: 503, 4: 429, 10: 403, 190: 401, 368: 403, 80007: 429, 130429: 429, 131000: 500, 131016: 503, 131056: 429}
"""What Meta answers with; 400 else. It is not what to decide on."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    file: bytes = b""
    file_name: str = ""
    file_type: str = ""


@dataclass(frozen=True, slots=True)
class Medium:
    data: bytes
    mime: str
    file_size: Any = ""
    """As the answer says it: a string at Meta."""
    url: str = ""
    """Where it lies; here, when empty."""


class FakeGraph(Served):
    """An HTTP server on a free port."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.sent: list[Call] = []
        """Messages that were accepted."""
        self.media: dict[str, Medium] = {}
        self.number: dict[str, Any] = {
            "id": NUMBER,
            "display_phone_number": "+55 11 3000-0000",
            "verified_name": "Clínica Exemplo",
            "quality_rating": "GREEN",
            "name_status": "APPROVED",
            "status": "CONNECTED",
            "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"},
            "is_on_biz_app": False,
        }
        self.token: dict[str, Any] = {
            "app_id": APP,
            "is_valid": True,
            "expires_at": 0,
            "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
        }
        self.subscription: dict[str, Any] | None = {
            "object": "whatsapp_business_account",
            "callback_url": "https://desk.example.com/hooks/whatsapp_cloud",
            "active": True,
            "fields": [{"name": "messages", "version": VERSION}, {"name": "smb_message_echoes", "version": VERSION}],
        }
        self.arrivals: asyncio.Queue[Call] = asyncio.Queue()
        """Await one to know that a request is under way."""
        self._faults: dict[str, deque[Fault]] = {"send": deque(), "upload": deque(), "get": deque(), "file": deque()}

    def next(self, *faults: Fault) -> None:
        """Of the next sends (and read receipts)."""
        self._faults["send"].extend(faults)

    def next_upload(self, *faults: Fault) -> None:
        self._faults["upload"].extend(faults)

    def next_get(self, *faults: Fault) -> None:
        """Of the next look-ups: a medium, the number, the token."""
        self._faults["get"].extend(faults)

    def next_file(self, *faults: Fault) -> None:
        """Of the next downloads."""
        self._faults["file"].extend(faults)

    def keep(self, id: str, data: bytes, mime: str = "audio/ogg; codecs=opus", **more: Any) -> None:
        self.media[id] = Medium(data, mime, **more)

    def settings(self, **more: Any) -> ChannelSettings:
        """Of a channel that talks to this server."""
        return settings(base_url=self.url, **more)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=32 * 2**20)
        app.add_routes(
            [
                web.post("/{version}/{number}/messages", self._messages),
                web.post("/{version}/{number}/media", self._upload),
                web.get("/{version}/debug_token", self._debug_token),
                web.get("/{version}/{app}/subscriptions", self._subscriptions),
                web.get("/{version}/{id}", self._get),
                web.get("/files/{id}", self._file),
            ]
        )
        return app

    # -- doors -----------------------------------------------------------------------------------------

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        call = await self._record(request)
        if refusal := self._gate(request) or await self._fault("send", request):
            return refusal
        if call.json.get("status") == "read":
            return web.json_response({"success": True})
        if code := self._objection(call.json):
            return refusal_of(code)
        self.sent.append(call)
        to = call.json.get("to") or call.json["recipient"]
        known = {"wa_id": to} if "to" in call.json else {"user_id": to}
        id = f"wamid.OUT{len(self.sent):04}"
        contacts = [{"input": to, **known}]
        return web.json_response({"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": id}]})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        call = await self._record(request)
        if refusal := self._gate(request) or await self._fault("upload", request):
            return refusal
        if call.form.get("messaging_product") != "whatsapp" or not call.file or not call.file_name:
            return refusal_of(100)
        if call.file_type.partition(";")[0] not in ("audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac"):
            return refusal_of(100)
        id = f"3{len(self.media):014}"
        self.keep(id, call.file, call.file_type)
        return web.json_response({"id": id})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        if refusal := self._gate(request) or await self._fault("get", request):
            return refusal
        id = request.match_info["id"]
        if id == NUMBER:
            return web.json_response(self.number)
        if id not in self.media:
            return refusal_of(100, error_subcode=33)
        medium = self.media[id]
        told = {
            "messaging_product": "whatsapp",
            "url": medium.url or f"{self.url}/files/{id}",
            "mime_type": medium.mime,
            "sha256": hashlib.sha256(medium.data).hexdigest(),
            "file_size": medium.file_size or str(len(medium.data)),
            "id": id,
        }
        return web.json_response(told)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        if fault := await self._fault("file", request):
            return fault
        if request.headers.get("authorization") != f"Bearer {TOKEN}" or not request.headers.get("user-agent"):
            return web.Response(status=401, text="Unauthorized")
        medium = self.media.get(request.match_info["id"])
        return web.Response(body=medium.data) if medium else web.Response(status=404)

    async def _debug_token(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        if refusal := self._gate(request) or await self._fault("get", request):
            return refusal
        return web.json_response({"data": self.token})

    async def _subscriptions(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        if request.headers.get("authorization") != f"Bearer {APP}|{APP_SECRET}":
            return refusal_of(190)
        return web.json_response({"data": [self.subscription] if self.subscription else []})

    # -- rules of Meta's ---------------------------------------------------------------------------------

    def _gate(self, request: web.Request) -> web.Response | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal_of(190)
        if request.match_info["version"] != VERSION:
            return refusal_of(2635)
        return refusal_of(100, error_subcode=33) if request.match_info.get("number", NUMBER) != NUMBER else None

    def _objection(self, body: dict[str, Any]) -> int:
        """The code Meta refuses this message with; 0 when it takes it."""
        if body.get("messaging_product") != "whatsapp" or not (body.get("to") or body.get("recipient")):
            return 131008
        if len(body.get("biz_opaque_callback_data", "")) > 512:
            return 131009
        content = body.get(body.get("type", ""))
        if not isinstance(content, dict):
            return 131008
        rules: dict[str, Callable[[dict[str, Any]], bool]] = {
            "text": lambda text: 0 < len(text["body"]) <= 4096,
            "audio": lambda audio: audio["id"] in self.media and set(audio) <= {"id", "voice"},
            "template": lambda template: bool(template["name"] and template["language"]["code"]),
            "interactive": _is_interactive,
        }
        return 0 if rules[body["type"]](content) else 131009

    # -- recording, and trouble ----------------------------------------------------------------------------

    async def _record(self, request: web.Request) -> Call:
        headers = {name.lower(): value for name, value in request.headers.items()}
        common = (request.method, request.path, dict(request.query), headers)
        if request.content_type == "multipart/form-data":
            form = await request.post()
            file = form["file"]
            assert isinstance(file, web.FileField)
            words = {key: value for key, value in form.items() if isinstance(value, str)}
            told = file.headers.get("content-type", file.content_type)
            call = Call(*common, form=words, file=file.file.read(), file_name=file.filename, file_type=told)
        else:
            call = Call(*common, json=await request.json() if request.can_read_body else None)
        self.calls.append(call)
        self.arrivals.put_nowait(call)
        return call

    async def _fault(self, kind: str, request: web.Request) -> web.StreamResponse | None:
        faults = self._faults[kind]
        return await faults.popleft()(self, request) if faults else None


def _is_interactive(body: dict[str, Any]) -> bool:
    if not 0 < len(body["body"]["text"]) <= 1024:
        return False
    if body["type"] == "button":
        replies = [button["reply"] for button in body["action"]["buttons"]]
        return 0 < len(replies) <= 3 and _are_options(replies, title=20, id=256)
    rows = [row for section in body["action"]["sections"] for row in section["rows"]]
    return 0 < len(rows) <= 10 and 0 < len(body["action"]["button"]) <= 20 and _are_options(rows, title=24, id=200)


def _are_options(options: list[dict[str, str]], *, title: int, id: int) -> bool:
    fit = all(0 < len(one["title"]) <= title and 0 < len(one["id"]) <= id for one in options)
    return fit and all(len({one[key] for one in options}) == len(options) for key in ("title", "id"))


# -- faults ------------------------------------------------------------------------------------------

Fault = Callable[[FakeGraph, web.Request], Awaitable[web.StreamResponse]]


def refusal_of(code: int, status: int = 0, **more: Any) -> web.Response:
    told = {
        "message": f"(#{code}) {NAMES.get(code, 'Unknown')}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": NAMES.get(code, "Unknown")},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
        **more,
    }
    return web.json_response({"error": told}, status=status or STATUS.get(code, 400))


def error(code: int, status: int = 0, *, retry_after: str = "", **more: Any) -> Fault:
    """Meta refuses, in its own words."""

    async def fault(graph: FakeGraph, request: web.Request) -> web.StreamResponse:
        answer = refusal_of(code, status, **more)
        if retry_after:
            answer.headers["retry-after"] = retry_after
        return answer

    return fault


def answer(status: int, body: bytes = b"", mime: str = "text/html", **headers: str) -> Fault:
    """Whatever, in words that are not Graph's."""

    async def fault(graph: FakeGraph, request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, content_type=mime, headers=named)

    return fault


def redirected(url: str) -> Fault:
    return answer(302, location=url)


async def CUT(graph: FakeGraph, request: web.Request) -> web.StreamResponse:
    """The request was read to its end; then the connection is gone."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def HANG(graph: FakeGraph, request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await graph.closing.wait()
    return web.Response(status=503)


def endless(seen: list[int]) -> Fault:
    """A medium far longer than any limit, and no word about its length. Counts in `seen` what it could write."""

    async def fault(graph: FakeGraph, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            while len(seen) < 2000 and not graph.closing.is_set():
                await response.write(b"\0" * 65536)
                seen.append(65536)
        except OSError:
            pass
        return response

    return fault


BAD_GATEWAY = answer(502, b"<html>Bad gateway</html>")
SIGN_IN = answer(200, b"<!doctype html><title>Sign in</title>")


# -- what a test needs beside --------------------------------------------------------------------------


def settings(**more: Any) -> ChannelSettings:
    given: dict[str, Any] = {
        "name": "wa",
        "type": "whatsapp_cloud",
        "queue": "desk",
        "phone_number_id": NUMBER,
        "access_token": TOKEN,
        "app_secret": APP_SECRET,
        "verify_token": VERIFY_TOKEN,
    }
    return ChannelSettings(**{**given, **more})


def signature(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """The headers of a webhook, as the server hands them to a channel."""
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def webhook(*values: dict[str, Any], number: str = NUMBER, field: str = "messages") -> bytes:
    """The body of a webhook with one change for each value."""
    metadata = {"display_phone_number": "551130000000", "phone_number_id": number}
    changes = [{"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **v}} for v in values]
    return orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "200000000000001", "changes": changes}]}
    )
