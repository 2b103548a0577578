"""Telegram's Bot API, as far as a bot that chats needs it: its answers, its refusals, its updates.

    async with FakeTelegram() as telegram:
        telegram.arrives({"message": {...}})                 # waits in the queue, or is posted by `deliver`
        telegram.next("sendMessage", "429")                  # the next call of the method goes wrong: FAULTS
        ...
        assert telegram.called("sendMessage")[0].fields["text"] == "Olá"

Updates wait until a larger offset confirms them, as the real ones do; a second question for updates ends the first; a
webhook forbids to ask. Error bodies are the recorded ones of tests/fixtures/telegram.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.fakes.served import Served

TOKEN = "800000001:AAF-0123456789abcdefghijklmnopqrstu"
SECRET = "a-Long_secret-123"
BOT = {"id": 800000001, "is_bot": True, "first_name": "Ana", "username": "ana_clinic_bot"}
MARIA = {"id": 700000001, "first_name": "Maria", "username": "maria_b", "type": "private"}
SAMPLES = Path(__file__).parents[1] / "fixtures" / "telegram"
NEVER_UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}
"""Come only to those who name them in allowed_updates."""
MOST_BYTES = 20 * 1024 * 1024
"""Of a file that can be loaded."""

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def refused(code: int, description: str, **parameters: Any) -> Fault:
    """What the Bot API says when it does nothing."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code)

    return fault


def spoken(status: int, body: bytes, mime: str = "text/html") -> Fault:
    """What somebody else says, on the way."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=mime)

    return fault


async def cut(request: web.Request) -> web.StreamResponse:
    """Half an answer, then the connection breaks."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = 400
    await response.prepare(request)
    await response.write(b'{"ok": true, "res')
    assert request.transport is not None
    request.transport.close()
    return response


async def dropped(request: web.Request) -> web.StreamResponse:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _recorded() -> dict[str, Fault]:
    faults = {}
    for path in sorted(SAMPLES.glob("error.*.json")):
        body = json.loads(path.read_text("utf-8"))["body"]
        faults[path.name[len("error.") : -len(".json")]] = refused(
            body["error_code"], body["description"], **body.get("parameters", {})
        )
    return faults


GATEWAY = b"<html><head><title>502 Bad Gateway</title></head></html>"
FAULTS: dict[str, Fault] = _recorded() | {
    "400.no_rights_to_voice": refused(400, "Bad Request: not enough rights to send voice notes to the chat"),
    "400.no_rights_to_write": refused(400, "Bad Request: not enough rights to send text messages to the chat"),
    "400.voice_forbidden": refused(400, "Bad Request: VOICE_MESSAGES_FORBIDDEN"),
    "400.wrong_file": refused(400, "Bad Request: wrong file identifier/HTTP URL specified"),
    "400.odd": refused(400, "Bad Request: something nobody has seen"),
    "400.topic_closed": refused(400, "Bad Request: TOPIC_CLOSED"),
    "400.business_gone": refused(400, "Bad Request: business connection not found"),
    "400.business_window": refused(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING"),
    "404": refused(404, "Not Found"),
    "500": refused(500, "Internal Server Error"),
    "504": refused(504, "Gateway Timeout"),
    "html.200": spoken(200, b"<!doctype html><title>Sign in</title>"),
    "html.302": spoken(302, b""),
    "html.403": spoken(403, b"<title>Blocked</title>"),
    "html.413": spoken(413, b"<title>413 Request Entity Too Large</title>"),
    "html.429": spoken(429, b"slow down", "text/plain"),
    "html.502": spoken(502, GATEWAY),
    "json.list": spoken(200, b"[1]", "application/json"),
    "tells_the_token": refused(400, f"Bad Request: /bot{TOKEN}/sendMessage is odd"),
    "cut": cut,
    "dropped": dropped,
}
"""By name: the recorded errors, and those of proxies and cut cables."""


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    fields: dict[str, Any]
    """As JSON means them, also those that came in a form."""
    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    """(file name, type, bytes) by field."""


class FakeTelegram(Served):
    """One bot. Change its attributes to change the world around it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.arrivals: asyncio.Queue[Call] = asyncio.Queue()
        """Await one to know that a call came in."""
        self.me: dict[str, Any] = sample("getMe.response")["result"]
        self.blocked: set[int] = set()
        self.voiceless: set[int] = set()
        self.migrated: dict[int, int] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        """(path, bytes) by file_id."""
        self.sizes: dict[str, int] = {}
        """What getFile says, where that is not the truth."""
        self.waiting: list[dict[str, Any]] = []
        self.webhook: dict[str, Any] = {}
        self.last_error = ""
        self._allowed: list[str] | None = None
        self._next_id = 900_000_001
        self._next_message = 102
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._news = asyncio.Event()
        self._asking: asyncio.Event | None = None

    # -- the world -----------------------------------------------------------------------------------

    def next(self, method: str, *faults: str | Fault) -> None:
        self._faults[method].extend(FAULTS[f] if isinstance(f, str) else f for f in faults)

    def arrives(self, update: dict[str, Any], id: int | None = None) -> dict[str, Any]:
        """Something happens on Telegram. Returns the update, or {} when the bot does not want to hear of it."""
        kind = next(key for key in update if key != "update_id")
        if not self._is_wanted(kind):
            return {}
        self._next_id = id or self._next_id
        numbered = {**update, "update_id": self._next_id}
        self._next_id += 1
        self.waiting.append(numbered)
        self._news.set()
        return numbered

    def has_nothing(self) -> None:
        """The question that is open is answered as it is after its timeout."""
        self._news.set()

    async def deliver(self, to: str) -> list[int]:
        """Posts what waits to `to`, in order, until something is not taken. Returns the statuses."""
        statuses: list[int] = []
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        async with aiohttp.ClientSession() as session:
            while self.waiting:
                async with session.post(to, json=self.waiting[0], headers=headers) as answer:
                    statuses.append(answer.status)
                if not 200 <= statuses[-1] < 300:
                    self.last_error = f"Wrong response from the webhook: {statuses[-1]}"
                    return statuses
                del self.waiting[0]
        return statuses

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def _is_wanted(self, kind: str) -> bool:
        return kind in self._allowed if self._allowed else kind not in NEVER_UNASKED

    # -- the server ----------------------------------------------------------------------------------

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        return app

    async def __aexit__(self, *why: Any) -> None:
        self._news.set()
        await super().__aexit__(*why)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        call = await _read(request, method)
        self.calls.append(call)
        self.arrivals.put_nowait(call)
        if request.match_info["token"] != TOKEN:
            return await FAULTS["401"](request)
        if self._faults[method]:
            return await self._faults[method].popleft()(request)
        handle = getattr(self, f"_{method}", None)
        fault_or_result = await handle(call) if handle else FAULTS["404"]
        if callable(fault_or_result):
            return await fault_or_result(request)
        return web.json_response({"ok": True, "result": fault_or_result})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(Call("file", {"path": request.match_info["path"]}))
        if self._faults["file"]:
            return await self._faults["file"].popleft()(request)
        found = [body for path, body in self.files.values() if path == request.match_info["path"]]
        if request.match_info["token"] != TOKEN or not found:
            return await FAULTS["404"](request)
        return web.Response(body=found[0], content_type="application/octet-stream")

    # -- methods: a result, or a fault ---------------------------------------------------------------

    async def _getMe(self, call: Call) -> Any:
        return self.me

    async def _sendMessage(self, call: Call) -> Any:
        text = call.fields.get("text", "")
        if not text.strip():
            return FAULTS["400.empty"]
        if len(text.encode("utf-16-le")) // 2 > 4096:
            return FAULTS["400.message_too_long"]
        return self._refusal(call) or self._sent(call, text=text)

    async def _sendVoice(self, call: Call) -> Any:
        if "voice" not in call.files:
            return refused(400, "Bad Request: there is no voice in the request")
        if call.fields["chat_id"] in self.voiceless:
            return FAULTS["400.voice_forbidden"]
        voice = {**sample("sendVoice.response")["result"]["voice"], "duration": call.fields.get("duration", 0)}
        return self._refusal(call) or self._sent(call, voice=voice)

    async def _sendChatAction(self, call: Call) -> Any:
        known = {"typing", "record_voice", "upload_voice"}
        return True if call.fields.get("action") in known else refused(400, "Bad Request: wrong parameter action")

    async def _answerCallbackQuery(self, call: Call) -> Any:
        return bool(call.fields["callback_query_id"])

    async def _readBusinessMessage(self, call: Call) -> Any:
        return {"business_connection_id", "chat_id", "message_id"} <= set(call.fields)

    async def _getFile(self, call: Call) -> Any:
        path, body = self.files.get(call.fields["file_id"], ("", b""))
        if not path:
            return refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        size = self.sizes.get(call.fields["file_id"], len(body))
        if size > MOST_BYTES:
            return FAULTS["400.file_too_big"]
        id = call.fields["file_id"]
        return {"file_id": id, "file_unique_id": f"u{id}", "file_size": size, "file_path": path}

    async def _getUpdates(self, call: Call) -> Any:
        if self.webhook:
            return FAULTS["409.webhook_active"]
        if self._asking:
            self._asking.set()
        self._asking = mine = asyncio.Event()
        if "allowed_updates" in call.fields:
            self._allowed = call.fields["allowed_updates"]
        self._confirm(call.fields.get("offset", 0))
        await self._some(mine, call.fields.get("timeout", 0))
        if mine.is_set() or self.closing.is_set():
            return FAULTS["409.other_poll"]
        self._asking = None
        return self.waiting[: call.fields.get("limit", 100)]

    def _confirm(self, offset: int) -> None:
        """What lies before the offset is forgotten; a negative one counts from the end."""
        if offset < 0:
            self.waiting = self.waiting[offset:]
        self.waiting = [update for update in self.waiting if offset <= 0 or update["update_id"] >= offset]

    async def _some(self, mine: asyncio.Event, seconds: float) -> None:
        """Until something waits, or somebody else asks."""
        self._news.clear()
        if self.waiting or not seconds:
            return
        bells = [asyncio.create_task(bell.wait()) for bell in (self._news, mine)]
        await asyncio.wait(bells, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for bell in bells:
            bell.cancel()

    async def _setWebhook(self, call: Call) -> Any:
        parts = urlsplit(call.fields.get("url", ""))
        if parts.scheme != "https":
            return refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if (parts.port or 443) not in (443, 80, 88, 8443):
            return refused(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        self._allowed = call.fields.get("allowed_updates") or self._allowed
        self.webhook = call.fields
        return True

    async def _deleteWebhook(self, call: Call) -> Any:
        self.webhook = {}
        return True

    async def _getWebhookInfo(self, call: Call) -> Any:
        info: dict[str, Any] = {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.waiting),
        }
        if self._allowed:
            info["allowed_updates"] = self._allowed
        if self.last_error:
            info |= {"last_error_date": 1795226000, "last_error_message": self.last_error}
        return info

    def _refusal(self, call: Call) -> Fault | None:
        chat = call.fields["chat_id"]
        if chat in self.blocked:
            return FAULTS["403.blocked"]
        if chat in self.migrated:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            return refused(400, description, migrate_to_chat_id=self.migrated[chat])
        keyboard = call.fields.get("reply_markup", {}).get("inline_keyboard", [])
        data = [button["callback_data"].encode() for row in keyboard for button in row]
        return None if all(0 < len(one) <= 64 for one in data) else refused(400, "Bad Request: BUTTON_DATA_INVALID")

    def _sent(self, call: Call, **content: Any) -> dict[str, Any]:
        """The message, and on a business account the update that tells of it."""
        chat = {**MARIA, "id": call.fields["chat_id"]}
        message = {"message_id": self._next_message, "from": BOT, "chat": chat, "date": 1795226400, **content}
        self._next_message += 1
        if business := call.fields.get("business_connection_id"):
            owner = {"id": 700000099, "is_bot": False, "first_name": "Dona"}
            message |= {"from": owner, "sender_business_bot": BOT, "business_connection_id": business}
            self.arrives({"business_message": message})
        return message


async def _read(request: web.Request, method: str) -> Call:
    if request.content_type == "application/json":
        return Call(method, await request.json() if request.can_read_body else {})
    fields: dict[str, Any] = {}
    files: dict[str, tuple[str, str, bytes]] = {}
    form = await request.post() if request.can_read_body else request.query
    for name, value in form.items():
        if isinstance(value, web.FileField):
            files[name] = (value.filename, value.content_type, value.file.read())
        else:
            fields[name] = _meant(name, str(value))
    for name in [name for name, value in fields.items() if str(value).startswith("attach://")]:
        files[name] = files.pop(fields.pop(name).removeprefix("attach://"))
    return Call(method, fields, files)


def _meant(name: str, text: str) -> Any:
    """Fields of a form are text; the API reads numbers and JSON out of them. A name such as `text` stays text."""
    if name in ("text", "caption", "url", "secret_token", "file_id", "callback_query_id", "business_connection_id"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
