"""Telegram, by its Bot API 10.3 (core.telegram.org/bots/api): private chats, groups, topics and business accounts.

Telegram posts updates to us (`mode = "webhook"`) or is asked for them (`"polling"`); both ways bring the same updates,
and `telegram_events` tells what they mean. The token is part of every address that is called, so no address, and no
error that carries one, leaves this file.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from gateway.channels.base import (
    Capabilities,
    ChannelError,
    Event,
    Forged,
    Hook,
    Inbound,
    NotFetched,
    Outgoing,
    Sent,
    Showing,
    Then,
    Unknown,
)
from gateway.channels.telegram_errors import NO_SUCH_BOT, NOT_TELEGRAM, Answer, verdict
from gateway.channels.telegram_events import ALLOWED, Known, Place, events
from gateway.config import ChannelSettings
from gateway.outbound import client
from tts.findings import Finding

log = logging.getLogger("recado.telegram")

TELEGRAM = "https://api.telegram.org"
CAPABILITIES = Capabilities(
    profile="telegram",
    text_limit=4000,
    utf16=True,
    choices=8,
    presence_every=4.0,
    per_contact=(1.0, 5.0),
    per_channel=(30.0, 30.0),
)
"""A text may have 4096 of a unit Telegram does not name; an action is shown for 5 seconds; rates are Telegram's advice
(core.telegram.org/bots/faq), except that a group takes 20 a minute: there its 429 is obeyed."""
TIMEOUT = 30.0
"""Seconds for one call."""
LONG_POLL = 25
"""Seconds Telegram holds a question for updates open while there is none."""
LARGEST = 16 * 1024 * 1024
"""Bytes of an answer: a hundred updates."""
BACKOFF = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before asking again, by failures in a row."""
DATA = 64
"""Bytes a button can carry."""
PORTS = (443, 80, 88, 8443)
"""Where Telegram posts to."""
CROWD = 100
"""Updates that wait, from which on something is wrong."""
OWNERS = 1000
"""Business connections whose owner is remembered."""
ACTIONS: Mapping[Showing, str] = {"composing": "typing", "recording": "record_voice"}
CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Failures that come before a word was sent."""
DELETE_WEBHOOK = "call deleteWebhook once: curl https://api.telegram.org/bot<token>/deleteWebhook"


class _Lost(Exception):
    """No answer came. `sent`: the call may have arrived."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason, self.sent = reason, sent


class _Later(Exception):
    """Ask for updates again after so many seconds; None: as the failures in a row say."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.seconds = seconds


class _Over(Exception):
    """Asking for updates makes no sense any more."""


@dataclass(frozen=True, slots=True)
class _Button:
    title: str
    data: str


class Telegram:
    """One bot. Channels.base.Polled.

    `public_url`: under which Telegram reaches us; needed in webhook mode. `now`: seconds since the epoch.
    """

    def __init__(
        self,
        settings: ChannelSettings,
        *,
        allow_private: bool,
        public_url: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._allow_private = allow_private
        self._public_url = public_url.rstrip("/")
        self._sleep, self._now = sleep, now
        self._token = settings.token.get_secret_value()
        self._username = ""
        self._owners: dict[str, int] = {}
        self._troubles: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def trouble(self) -> str:
        return "; ".join(self._troubles.values())

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        secret = self._settings.secret_token.get_secret_value().encode()
        given = headers.get("x-telegram-bot-api-secret-token", "").encode("utf-8", "surrogateescape")
        if not secret or not hmac.compare_digest(given, secret):
            raise Forged("the secret token is wrong or missing")

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        self._troubles.pop("updates", None)
        try:
            return self.update(orjson.loads(hook.body))
        except orjson.JSONDecodeError:
            return [Unknown("not_json")]

    def update(self, raw: Any) -> Sequence[Event]:
        """What one update means, whichever way it came. Remembers whose business connection is whose."""
        self._learn(raw.get("business_connection") if isinstance(raw, dict) else None)
        return events(raw, Known(self._bot, self._username, self._owners), round(self._now() * 1000))

    @property
    def _bot(self) -> int:
        """A token begins with the bot's id."""
        id = self._token.partition(":")[0]
        return int(id) if re.fullmatch(r"[0-9]{1,19}", id) else 0

    def _learn(self, connection: Any) -> None:
        if not isinstance(connection, dict) or not isinstance(id := connection.get("id"), str):
            return
        self._owners.pop(id, None)
        self._troubles.pop(f"business {id}", None)
        user, rights = connection.get("user"), connection.get("rights")
        owner = user.get("id") if isinstance(user, dict) else None
        if connection.get("is_enabled") is not True or not isinstance(owner, int):
            return
        self._owners[id] = owner
        if len(self._owners) > OWNERS:
            self._forget(next(iter(self._owners)))
        if isinstance(rights, dict) and rights.get("can_reply") is not True:
            self._troubles[f"business {id}"] = (
                "a business account lets the bot read and not answer: its owner has to allow replying under "
                "Telegram > Settings > Telegram Business > Chatbots"
            )

    def _forget(self, connection: str) -> None:
        del self._owners[connection]
        self._troubles.pop(f"business {connection}", None)

    # -- asking for updates --------------------------------------------------------------------------

    async def begin(self) -> None:
        """In webhook mode tells Telegram where to post, and goes on trying for a few minutes."""
        await self._introduce()
        if self._settings.mode == "webhook":
            await self._announce()

    async def _introduce(self) -> None:
        """Learns the bot's name: groups call it by that."""
        try:
            me = await self._call("getMe", {})
        except _Lost as lost:
            log.warning("Telegram does not answer", extra={"facts": {"channel": self.name, "why": lost.reason}})
            return
        username = me.result.get("username") if me.ok and isinstance(me.result, dict) else None
        self._username = username if isinstance(username, str) else ""

    async def _announce(self) -> None:
        if not self._public_url:
            self._troubles["updates"] = NO_PUBLIC_URL
            return
        for wait in (*BACKOFF, BACKOFF[-1], BACKOFF[-1], BACKOFF[-1]):
            self._troubles["updates"], again = await self._set_webhook()
            if not self._troubles["updates"]:
                del self._troubles["updates"]
                return
            log.warning("the webhook is not set", extra={"facts": {"channel": self.name}})
            if not again:
                return
            await self._sleep(wait)

    async def _set_webhook(self) -> tuple[str, bool]:
        """What is wrong, and whether it may pass by itself."""
        wanted = {
            "url": self._hook_url,
            "secret_token": self._settings.secret_token.get_secret_value(),
            "max_connections": 40,
            "allowed_updates": ALLOWED,
        }
        try:
            answer = await self._call("setWebhook", wanted)
        except _Lost as lost:
            return f"Telegram could not be told where to post ({lost.reason})", True
        if answer.ok:
            return "", False
        passing = answer.code == 429 or answer.code >= 500
        return f"Telegram does not take the webhook {self._hook_url}: {answer.code} {answer.description}", passing

    @property
    def _hook_url(self) -> str:
        return f"{self._public_url}/hooks/telegram/{self.name}"

    async def poll(self, take: Callable[[Sequence[Event], bytes], Awaitable[None]]) -> None:
        """One `take` for each update. An empty answer means that all before is confirmed, so the next question needs no
        offset: nothing here relies on ids that grow for ever."""
        offset = failures = 0
        while True:
            try:
                updates = await self._updates(offset)
            except _Over:
                log.error("no updates any more", extra={"facts": {"channel": self.name, "why": self.trouble}})
                return
            except _Later as later:
                wait = BACKOFF[min(failures, len(BACKOFF) - 1)] if later.seconds is None else later.seconds
                failures += 1
                await self._sleep(wait)
                continue
            failures = 0
            offset = await self._taken(updates, offset, take) if updates else 0

    async def _updates(self, offset: int) -> list[Any]:
        """Raises _Over, _Later."""
        if not self._username:
            await self._introduce()
        asked: dict[str, Any] = {"limit": 100, "timeout": LONG_POLL, "allowed_updates": ALLOWED}
        try:
            answer = await self._call("getUpdates", asked | ({"offset": offset} if offset else {}), LONG_POLL + TIMEOUT)
        except _Lost as lost:
            self._troubles["updates"] = f"Telegram cannot be asked for messages ({lost.reason})"
            raise _Later from None
        if not answer.ok or not isinstance(answer.result, list):
            raise self._no_updates(answer)
        self._troubles.pop("updates", None)
        return answer.result

    def _no_updates(self, answer: Answer) -> _Over | _Later:
        final = answer.refused and answer.code in (401, 404, 409)
        self._troubles["updates"] = self._why_no_updates(answer)
        return _Over() if final else _Later(answer.retry_after)

    def _why_no_updates(self, answer: Answer) -> str:
        if not answer.refused:
            return f"asking for messages got {answer.status} and no answer of Telegram: {NOT_TELEGRAM}"
        if answer.code in (401, 404):
            return NO_SUCH_BOT
        if answer.code == 409 and "webhook" in answer.description:
            return f'this bot has a webhook, so it cannot be asked: set mode = "webhook", or {DELETE_WEBHOOK}'
        if answer.code == 409:
            return "another program asks for this bot's messages, too: stop it, or give it a bot of its own"
        return f"Telegram gives no messages: {answer.code} {answer.description}"

    async def _taken(
        self, updates: Sequence[Any], offset: int, take: Callable[[Sequence[Event], bytes], Awaitable[None]]
    ) -> int:
        """The offset that confirms what was taken, and nothing after."""
        began = offset
        for update in updates:
            id = update.get("update_id") if isinstance(update, dict) else None
            if not isinstance(id, int):
                continue
            try:
                await take(self.update(update), orjson.dumps(update))
            except Exception as error:
                facts = {"channel": self.name, "error": type(error).__name__}
                log.warning("an update could not be kept; it is asked for again", extra={"facts": facts})
                await self._sleep(1.0)
                return offset
            offset = id + 1
        if offset == began:
            await self._sleep(1.0)
        return offset

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> Sent:
        voice = outgoing.voice is not None
        try:
            if voice:
                answer = await self._call("sendVoice", _voice_form(outgoing))
            else:
                answer = await self._call("sendMessage", _text_body(outgoing))
        except _Lost as lost:
            raise ChannelError(lost.reason, Then.UNSURE if lost.sent else Then.AGAIN, hint=UNANSWERED) from None
        if not answer.ok:
            raise verdict(answer, voice=voice)
        return Sent(_sent_id(outgoing.address, answer.result))

    async def acknowledge(self, message: Inbound) -> None:
        if id := message.token.get("callback"):
            await self._quietly("answerCallbackQuery", {"callback_query_id": id})
        business = message.address.get("business_connection_id")
        if business and message.meaning == "message" and self._settings.read_receipts and not message.token:
            where = _where(message.address) | {"message_id": _number(message.id.rpartition(":")[2])}
            await self._quietly("readBusinessMessage", where)

    async def show(self, address: Mapping[str, str], message_id: str, doing: Showing) -> None:
        if doing in ACTIONS:
            await self._quietly("sendChatAction", _where(address) | {"action": ACTIONS[doing]})

    async def _quietly(self, method: str, fields: Mapping[str, Any]) -> None:
        """A courtesy: whether it worked changes nothing."""
        try:
            await self._call(method, fields)
        except _Lost as lost:
            log.info("Telegram does not answer", extra={"facts": {"channel": self.name, "why": lost.reason}})

    # -- media ---------------------------------------------------------------------------------------

    async def fetch(self, ref: str, limit: int) -> bytes:
        """`ref`: a file_id. Telegram's own servers give at most 20 MB."""
        try:
            answer = await self._call("getFile", {"file_id": ref})
            path = _path_in(answer, limit)
            status, body = await self._load(path, limit)
        except _Lost as lost:
            raise NotFetched(lost.reason, retryable=True) from None
        if status != 200:
            raise NotFetched(f"http_{status}", retryable=status == 429 or status >= 500)
        if len(body) > limit:
            raise NotFetched("too_large")
        return body

    async def _load(self, path: str, limit: int) -> tuple[int, bytes]:
        """At most a byte more than `limit`. Raises _Lost."""
        url = f"{self._base}/file/bot{quote(self._token, safe=':')}/{quote(path)}"
        try:
            async with self._client().get(url, allow_redirects=False) as answer:
                return answer.status, await _bounded(answer, limit)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            lost = _Lost(type(error).__name__, sent=True)
        raise lost

    # -- checking ------------------------------------------------------------------------------------

    async def check(self) -> Sequence[Finding]:
        try:
            me = await self._call("getMe", {})
            if not me.ok or not isinstance(me.result, dict):
                return [_no_bot(me)]
            return [*self._bot_is_right(me.result), *await self._updates_come()]
        except _Lost as lost:
            return [Finding("error", "base_url", f"{lost.reason}: {UNANSWERED}")]

    def _bot_is_right(self, me: Mapping[str, Any]) -> list[Finding]:
        found = [Finding("ok", "token", f"this is @{me.get('username', '')}")]
        if self._settings.groups == "answer" and me.get("can_join_groups") is not True:
            found.append(
                Finding("warning", "groups", "the bot may not join groups: @BotFather > /setjoingroups > Enable")
            )
        return found

    async def _updates_come(self) -> list[Finding]:
        answer = await self._call("getWebhookInfo", {})
        if not answer.ok or not isinstance(answer.result, dict):
            return [Finding("warning", "mode", f"Telegram tells nothing of the webhook: {answer.code}")]
        if self._settings.mode == "polling":
            return [_no_webhook(answer.result)]
        return [self._webhook_is_ours(answer.result), *_webhook_works(answer.result)]

    def _webhook_is_ours(self, info: Mapping[str, Any]) -> Finding:
        if problem := self._url_problem():
            return Finding("error", "mode", problem)
        if info.get("url") == self._hook_url:
            return Finding("ok", "mode", f"Telegram posts to {self._hook_url}")
        told = f"to {info['url']}" if info.get("url") else "nowhere"
        names = orjson.dumps(ALLOWED).decode()
        return Finding(
            "warning",
            "mode",
            f"Telegram posts {told}; `recado run` sets the webhook when it starts. By hand: "
            f"curl {TELEGRAM}/bot<token>/setWebhook -F url={self._hook_url} -F secret_token=<secret_token> "
            f"-F 'allowed_updates={names}'",
        )

    def _url_problem(self) -> str:
        if not self._public_url:
            return NO_PUBLIC_URL
        parts = urlsplit(self._public_url)
        if parts.scheme != "https":
            return "Telegram posts to https addresses only; polling needs none"
        if (parts.port or 443) not in PORTS:
            return "Telegram posts to the ports 443, 80, 88 and 8443 only"
        return ""

    # -- the wire ------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return self._settings.base_url.rstrip("/") or TELEGRAM

    async def _call(
        self, method: str, fields: Mapping[str, Any] | aiohttp.FormData, patience: float = TIMEOUT
    ) -> Answer:
        """Raises _Lost, and never what the wire raised: that may carry the address."""
        url = f"{self._base}/bot{quote(self._token, safe=':')}/{method}"
        form = isinstance(fields, aiohttp.FormData)
        body: Any = fields if form else orjson.dumps(fields)
        headers = {} if form else {"content-type": "application/json"}
        limits = aiohttp.ClientTimeout(total=patience, connect=10)
        try:
            async with self._client().post(
                url, data=body, headers=headers, allow_redirects=False, timeout=limits
            ) as answer:
                return self._understood(answer.status, await _bounded(answer, LARGEST))
        except CONNECTING as error:
            lost = _Lost(type(error).__name__, sent=False)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            lost = _Lost(type(error).__name__, sent=True)
        raise lost

    def _understood(self, status: int, body: bytes) -> Answer:
        """Without the token, should anybody have written it into his answer."""
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, dict) or not isinstance(parsed.get("ok"), bool):
            return Answer(status)
        if isinstance(said := parsed.get("description"), str):
            parsed["description"] = said.replace(self._token, "<token>")
        answer = Answer(status, parsed)
        if answer.ok:
            self._troubles.pop("token", None)
        elif answer.code in (401, 404):
            self._troubles["token"] = NO_SUCH_BOT
        return answer

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = client(allow_private=self._allow_private, timeout=TIMEOUT)
        return self._session


UNANSWERED = "Telegram did not answer; is the way out to api.telegram.org (or base_url) open?"
NO_PUBLIC_URL = (
    'mode = "webhook" needs server.public_url, the https address Telegram posts to; mode = "polling" does not'
)


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most a byte more than `limit`."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece[: limit + 1 - len(body)]
        if len(body) > limit:
            break
    return bytes(body)


def _number(text: str) -> int | str:
    """Ids are numbers on the wire."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _where(address: Mapping[str, str]) -> dict[str, int | str]:
    numbers = {name: _number(address[name]) for name in ("chat_id", "message_thread_id") if name in address}
    business = address.get("business_connection_id")
    return numbers | ({"business_connection_id": business} if business else {})


def _text_body(outgoing: Outgoing) -> dict[str, Any]:
    """Without a parse mode no text can be wrong."""
    body: dict[str, Any] = {**_where(outgoing.address), "text": outgoing.text.encode("utf-8", "replace").decode()}
    body["link_preview_options"] = {"is_disabled": True}
    return body | _keyboard(outgoing.choices)


def _voice_form(outgoing: Outgoing) -> aiohttp.FormData:
    """The waveform is Telegram's."""
    form = aiohttp.FormData()
    for name, value in _where(outgoing.address).items():
        form.add_field(name, str(value))
    form.add_field("duration", str(max(1, round(outgoing.seconds))))
    for name, value in _keyboard(outgoing.choices).items():
        form.add_field(name, orjson.dumps(value).decode())
    form.add_field("voice", outgoing.voice, filename="voice.ogg", content_type="audio/ogg")
    return form


def _keyboard(choices: Sequence[str]) -> dict[str, Any]:
    rows = [[{"text": button.title, "callback_data": button.data}] for button in _buttons(choices)]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _buttons(choices: Sequence[str]) -> list[_Button]:
    """A button carries its title, so that a press can be read even where its message is gone; the number of the option
    where the title is too long to tell it from the others."""
    titles = [title for title in choices if title.strip()]
    cut = [title.encode()[:DATA].decode("utf-8", "ignore") for title in titles]
    return [_Button(t, c if cut.count(c) == 1 else str(n)) for n, (t, c) in enumerate(zip(titles, cut, strict=True), 1)]


def _sent_id(address: Mapping[str, str], result: Any) -> str:
    """As updates call the same message."""
    id = result.get("message_id") if isinstance(result, dict) else None
    chat = _number(address.get("chat_id", ""))
    return Place(chat, business=address.get("business_connection_id", "")).message(id) if isinstance(chat, int) else ""


def _path_in(answer: Answer, limit: int) -> str:
    """Raises NotFetched."""
    if not answer.ok or not isinstance(answer.result, dict):
        if "too big" in answer.description:
            raise NotFetched("too_large")
        raise NotFetched(f"http_{answer.code}", retryable=answer.code == 429 or answer.code >= 500)
    path, size = answer.result.get("file_path"), answer.result.get("file_size")
    if isinstance(size, int) and size > limit:
        raise NotFetched("too_large")
    if not isinstance(path, str) or not path:
        raise NotFetched("no_file_path", retryable=True)
    if path.startswith("/") or ".." in path.split("/"):
        raise NotFetched("file_on_the_bot_api_server")
    return path


def _no_bot(answer: Answer) -> Finding:
    if answer.refused and answer.code in (401, 404):
        return Finding("error", "token", NO_SUCH_BOT)
    if not answer.refused and answer.status < 500:
        return Finding("error", "base_url", f"{answer.status}: {NOT_TELEGRAM}")
    return Finding(
        "warning", "token", f"could not be tried: Telegram answered {answer.code} {answer.description}".strip()
    )


def _no_webhook(info: Mapping[str, Any]) -> Finding:
    if not info.get("url"):
        return Finding("ok", "mode", "recado asks Telegram for messages")
    cure = f'set mode = "webhook", or {DELETE_WEBHOOK}'
    return Finding("error", "mode", f"the bot has a webhook ({info['url']}), so it cannot be asked: {cure}")


def _webhook_works(info: Mapping[str, Any]) -> list[Finding]:
    found: list[Finding] = []
    if not info.get("url"):
        return found  # nothing is posted at all, and that is said already
    posted = info.get("allowed_updates")
    if missing := [kind for kind in sorted(ALLOWED) if kind not in (posted if isinstance(posted, list) else ())]:
        text = f"Telegram does not post {', '.join(missing)}; `recado run` asks for them when it starts"
        found.append(Finding("warning", "mode", text))
    if isinstance(waiting := info.get("pending_update_count"), int) and waiting > CROWD:
        found.append(
            Finding("warning", "mode", f"{waiting} updates wait: Telegram cannot deliver them, or we are slow")
        )
    if info.get("last_error_message"):
        text = f"Telegram's last trouble with us: {info['last_error_message']}"
        found.append(Finding("warning", "mode", text))
    return found
