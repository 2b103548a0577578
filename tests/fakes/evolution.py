"""An Evolution server: it takes what recado sends, and posts webhooks as 2.3.6, 2.3.7 and 2.4 do.

async with FakeEvolution() as evolution:
    evolution.next("offline")                     # by name, see FAULTS; or any fault of tests.fakes.wire
    ...
    assert evolution.sent[0].json == {"number": "5511999990001", "text": "Oi", "linkPreview": False}
    await evolution.post(url, "messages.upsert", upsert({"conversation": "oi"}), secret="…")
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import aiohttp
from aiohttp import web

from tests.fakes.wire import HANG, Call, Fake, Fault, answer, refused

SAMPLES = Path(__file__).parents[1] / "fixtures" / "evolution"
INSTANCE = "clinic"
KEY = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
OWN = "5511300000000@s.whatsapp.net"
PHONE, LID = "5511999990001@s.whatsapp.net", "123456789012345@lid"
Layout = Literal["2.3.6", "2.3.7", "2.4"]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def _error(name: str) -> Fault:
    said = sample(f"error.{name}")
    return refused(said["status"], said["body"])


def bad_request(message: Any) -> Fault:
    return refused(400, {"status": 400, "error": "Bad Request", "response": {"message": message}})


async def CUT(fake: Fake, request: web.Request) -> web.StreamResponse:
    """The request was read as a whole, then the connection breaks."""
    assert request.transport is not None
    request.transport.close()
    return web.Response(status=500)


FAULTS: dict[str, Fault] = {
    "unauthorized": _error("401"),
    "no_instance": _error("404.instance"),
    "not_on_whatsapp": _error("400.not_on_whatsapp"),
    "validation": _error("400.validation"),
    "offline": _error("500"),
    "offline_400": bad_request(["Error: Connection Closed"]),
    "not_begun": refused(500, {"response": {"message": "Cannot read properties of undefined (reading 'onWhatsApp')"}}),
    "thrown": bad_request(["TypeError: Cannot read properties of null (reading 'id')"]),
    "object": bad_request(["[object Object]"]),
    "upload": bad_request(["Error: Media upload failed on all hosts"]),
    "too_fast": bad_request(["Error: rate-overlimit"]),
    "internal": refused(500, {"status": 500, "error": "Internal Server Error", "response": {"message": "boom"}}),
    "bad_gateway": answer(b"<html>502 Bad Gateway</html>", "text/html", 502),
    "throttled": refused(429, {"error": "Too Many Requests"}, retry_after="7"),
    "too_big": answer(b"<html>413</html>", "text/html", 413),
    "redirect": answer(b"", "text/html", 301, location="https://evolution.example/"),
    "page": answer(b"<!doctype html><title>Welcome</title>", "text/html", 200),
    "nothing": answer(b"", "application/json", 201),
    "unlicensed": refused(
        503,
        {
            "error": "service not activated",
            "code": "LICENSE_REQUIRED",
            "register_url": "https://license.example/register?token=secret-of-the-licence",
            "instance_id": "6f1c2b1e-0000-4000-8000-000000000001",
            "docs_url": "https://docs.example/licensing",
            "message": "Activate this installation to use the API",
        },
    ),
    "hang": HANG,
    "cut": CUT,
}


class FakeEvolution(Fake):
    """`version` 2.4 sends X-Instance-… headers with its webhooks."""

    def __init__(self, version: Layout = "2.3.7") -> None:
        super().__init__()
        self.version = version
        self.state: Any = {"instance": {"instanceName": INSTANCE, "state": "open"}}
        self.webhook: Any = None
        """What webhook/find answers."""
        self.integration = "WHATSAPP-BAILEYS"
        self.media: dict[str, Any] = {}
        """Answers of getBase64FromMediaMessage by message id."""
        self.files: dict[str, Fault] = {}
        """What the bucket, which is here too, answers by name."""

    def next(self, *faults: Fault | str) -> None:
        """The next answers to sends, and to whatever else is posted."""
        super().next(*(FAULTS[each] if isinstance(each, str) else each for each in faults))

    @property
    def sent(self) -> list[Call]:
        return [call for call in self.calls if call.path.startswith("/message/")]

    def called(self, what: str) -> list[Call]:
        return [call for call in self.calls if call.path.startswith(f"/chat/{what}/")]

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/message/{what}/{instance}", self._send),
            web.post("/chat/{what}/{instance}", self._chat),
            web.get("/instance/connectionState/{instance}", self._state),
            web.get("/instance/fetchInstances", self._instances),
            web.get("/webhook/find/{instance}", self._find),
            web.get("/bucket/{name}", self._bucket),
        ]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        if wrong := await self._wrong(request):
            return wrong
        said = sample("sendText.response.201")
        said["key"] |= {"id": f"BAE5OUT{len(self.sent):04}", "remoteJid": self.sent[-1].json["number"]}
        return web.json_response(said, status=201)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if wrong := await self._wrong(request):
            return wrong
        body = await request.json()
        what = request.match_info["what"]
        if what == "sendPresence":
            return await self._presence(request)
        if what == "getBase64FromMediaMessage":
            said = self.media.get(body["message"]["key"]["id"])
            return await bad_request(["Message not found"])(self, request) if said is None else _created(said)
        return _created(sample("markMessageAsRead.response.201"))

    async def _presence(self, request: web.Request) -> web.StreamResponse:
        """Blocks for `delay`, as the real one does: here, until the server closes."""
        if self.integration == "WHATSAPP-BUSINESS":
            return await bad_request(["Method not available on WhatsApp Business API"])(self, request)
        if (await request.json())["delay"]:
            return await HANG(self, request)
        return _created({"presence": "paused"})

    async def _state(self, request: web.Request) -> web.StreamResponse:
        return await self._wrong(request) or web.json_response(self.state)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        return await self._wrong(request) or web.json_response(self.webhook)

    async def _instances(self, request: web.Request) -> web.StreamResponse:
        name = request.query["instanceName"]
        return await self._wrong(request) or web.json_response([{"name": name, "integration": self.integration}])

    async def _bucket(self, request: web.Request) -> web.StreamResponse:
        assert "apikey" not in request.headers, "our key is nothing for a bucket"
        return await self.files[request.match_info["name"]](self, request)

    async def _wrong(self, request: web.Request) -> web.StreamResponse | None:
        if self._faults:
            return await self._faults.popleft()(self, request)
        if request.headers.get("apikey") != KEY:
            return await FAULTS["unauthorized"](self, request)
        if request.match_info.get("instance", INSTANCE) != INSTANCE:
            return await FAULTS["no_instance"](self, request)
        return None

    # -- webhooks ----------------------------------------------------------------------------------

    async def post(
        self, url: str, event: str, data: Any, *, secret: str = "", jwt_key: str = "", by_events: bool = False
    ) -> int:
        """The status it was answered with."""
        body = webhook(event, data)
        headers = {"content-type": "application/json"} | ({"X-Webhook-Secret": secret} if secret else {})
        if jwt_key:
            headers["Authorization"] = f"Bearer {token(jwt_key, time.time())}"
        if self.version == "2.4":
            headers |= {"X-Instance-Name": INSTANCE, "X-Event-Type": event, "X-Timestamp": "2026-11-21T01:40:00.000Z"}
        address = f"{url}/{event.replace('.', '-')}" if by_events else url
        async with aiohttp.ClientSession() as session, session.post(address, data=body, headers=headers) as answer:
            return answer.status

    def message(self, content: Mapping[str, Any], id: str = "3EB0NEW0001", **more: Any) -> dict[str, Any]:
        """`data` of messages.upsert in this version's layout of a contact who has a lid."""
        return upsert(content, id, layout=self.version, **more)


def _created(said: Any) -> web.Response:
    return web.json_response(said, status=201)


LAYOUTS: dict[Layout, dict[str, str]] = {
    "2.3.6": {"remoteJid": LID, "remoteJidAlt": PHONE},
    "2.3.7": {"remoteJid": PHONE, "remoteJidAlt": PHONE},
    "2.4": {"remoteJid": PHONE, "remoteJidAlt": LID},
}


def upsert(
    content: Mapping[str, Any], id: str = "3EB0NEW0001", *, layout: Layout = "2.3.7", from_me: bool = False, **more: Any
) -> dict[str, Any]:
    key = {**LAYOUTS[layout], "fromMe": from_me, "id": id, "addressingMode": "lid"}
    about = {"pushName": "Maria", "messageType": next(iter(content), ""), "messageTimestamp": 1795226400}
    return {"key": key, **about, "message": dict(content), **more}


def webhook(event: str, data: Any, instance: str = INSTANCE, **more: Any) -> bytes:
    whole = {"event": event, "instance": instance, "data": data, "sender": OWN, "apikey": KEY, **more}
    return json.dumps(whole).encode()


def token(key: str, now: float, *, header: Any = None, **claims: Any) -> str:
    """A JWT as Evolution makes it."""
    said = {"iat": int(now), "exp": int(now) + 600, "app": "evolution", "action": "webhook", **claims}
    parts = [_base64url(json.dumps(each).encode()) for each in (header or {"alg": "HS256", "typ": "JWT"}, said)]
    signature = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64url(signature)])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
