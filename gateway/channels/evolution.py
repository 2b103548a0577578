"""Evolution API (evolution-foundation/evolution-api, 2.3.6 to 2.4) as a channel: WhatsApp through a linked device.

Posted to by its webhook (evolution_events.py says what that means), called with the header `apikey`. Nothing it offers
makes a send safe to repeat: what may have reached WhatsApp is UNSURE, and an echo (`send.message`) settles it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from yarl import URL

from gateway.channels.base import (
    Capabilities,
    ChannelError,
    Event,
    Forged,
    Hook,
    Inbound,
    Noise,
    NotFetched,
    Outgoing,
    Sent,
    Showing,
    Then,
    Unknown,
)
from gateway.channels.evolution_events import SCAN, connection, events, redacted, referred, state_trouble, told
from gateway.config import ChannelSettings
from gateway.outbound import PrivateAddress, client
from tts.findings import Finding

log = logging.getLogger(__name__)

SEND = 60.0
"""Seconds for one send: Evolution asks WhatsApp whether the number exists, encrypts, uploads."""
FETCH = 30.0
BUCKET = 12.0
"""Seconds for what Evolution laid into its bucket; then it is asked itself."""
ASIDE = 10.0
"""Seconds for what nobody waits for."""
SHOWN = 10.0
"""Seconds for which one `sendPresence` shows something; Evolution answers only when they are over."""
SHOW = 3.0
"""Seconds until we stop waiting for that answer; what is shown goes on."""
SHOWING = 16
"""Contacts that are shown something at the same moment; beyond them it is left out."""
ANSWER = 8 * 1024 * 1024
"""Bytes of an answer that is no medium asked for; what was sent may come back in it."""
STRANGERS = 16
"""Other instances whose hooks come here that are named in the log."""
OFFLINE_WAIT = 15.0
WAIT = 5.0


Lane = Literal["send", "fetch", "aside"]
"""Connections of their own, so that neither a presence that hangs nor a long download holds a send."""


class Evolution:
    """One instance of an Evolution server. `now`: seconds since the epoch.

    `public_url`: where this gateway is reached; only said by `check`, as Evolution may know a shorter way.
    """

    def __init__(
        self,
        settings: ChannelSettings,
        *,
        allow_private: bool,
        now: Callable[[], float] = time.time,
        public_url: str = "",
    ) -> None:
        self._settings, self._allow_private, self._now = settings, allow_private, now
        self._public_url = public_url.rstrip("/")
        self._base = settings.base_url.rstrip("/")
        self._key = settings.api_key.get_secret_value()
        self._trouble = ""
        self._shows = settings.presence
        """Instances of the Cloud API cannot."""
        self._sessions: dict[Lane, aiohttp.ClientSession] = {}
        self._showing: dict[str, asyncio.Task[None]] = {}
        self._strange: set[str] = set()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            profile="whatsapp_phone",
            text_limit=4096,
            presence_every=SHOWN if self._shows else 0.0,
            per_contact=(1.0, 10.0),
            per_channel=(20.0, 40.0),
        )

    @property
    def trouble(self) -> str:
        return self._trouble

    # -- in --------------------------------------------------------------------------------------

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        what = told(hook.body, hook.tail)
        if what is None:
            return [Unknown("no_webhook")]
        if what.instance != self._settings.instance:
            return [self._of_another(what.instance)]
        trouble = connection(what)
        if trouble is not None:
            self._trouble = trouble
        return events(what, round(self._now() * 1000))

    def redacted(self, body: bytes) -> bytes:
        """What may be kept of a request."""
        return redacted(body)

    def prove(self, headers: Mapping[str, str]) -> None:
        secret = self._settings.webhook_secret.get_secret_value()
        key = self._settings.jwt_key.get_secret_value()
        if secret and hmac.compare_digest(_raw(headers.get("x-webhook-secret", "")), _raw(secret)):
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if key and scheme.lower() == "bearer" and is_signed(token.strip(), key, self._now()):
            return
        raise Forged("neither X-Webhook-Secret nor a token of Evolution's proves this hook")

    def _of_another(self, instance: str) -> Event:
        """Another instance's messages are nothing to keep: they are somebody else's conversations."""
        if not instance:
            return Unknown("no_instance")
        if instance not in self._strange and len(self._strange) < STRANGERS:
            self._strange.add(instance)
            log.warning("channel %s: hooks of the instance %r come here and are left aside", self.name, instance[:200])
        return Noise("other_instance")

    # -- out -------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> Sent:
        number = outgoing.address.get("number") or outgoing.contact
        try:
            answer = await self._call("send", "POST", *_posted(outgoing, number), within=SEND)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._troubled(_unreached(error)) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ChannelError(type(error).__name__, Then.UNSURE, hint=UNANSWERED) from None
        return self._sent(answer)

    def _sent(self, answer: Answer) -> Sent:
        if not 200 <= answer.status < 300:
            raise self._troubled(refusal(answer))
        id = _node(_node(answer.json).get("key")).get("id")
        if not isinstance(id, str) or not id:
            # 2.3 answers 201 and nothing when it sent, and then could not keep, a voice note.
            raise ChannelError("no_receipt", Then.UNSURE, hint=UNANSWERED)
        self._trouble = ""
        return Sent(id)

    def _troubled(self, error: ChannelError) -> ChannelError:
        if error.then in (Then.STOP, Then.AGAIN) and error.hint:
            self._trouble = error.hint
        return error

    # -- media -----------------------------------------------------------------------------------

    async def fetch(self, ref: str, limit: int) -> bytes:
        id, url = referred(ref)
        if url:
            try:
                return await self._downloaded(url, limit)
            except NotFetched as error:
                if error.reason == "too_large":
                    raise
                log.debug("channel %s: %s, so Evolution is asked", self.name, error.reason)
        return await self._asked_for(id, limit)

    async def _downloaded(self, url: str, limit: int) -> bytes:
        """From Evolution's bucket. Our key does not go there."""
        try:
            async with self._client("fetch").get(url, max_redirects=3, timeout=_within(BUCKET)) as answer:
                if answer.status != 200:
                    raise NotFetched(f"bucket_{answer.status}", retryable=answer.status >= 500)
                return await _bounded(answer, limit)
        except TooLarge:
            raise NotFetched("too_large") from None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise NotFetched(type(error).__name__, retryable=True) from None

    async def _asked_for(self, id: str, limit: int) -> bytes:
        body = {"message": {"key": {"id": id}}, "convertToMp4": False}
        try:
            path = "chat/getBase64FromMediaMessage/{}"
            answer = await self._call("fetch", "POST", path, body, within=FETCH, limit=limit * 4 // 3 + 65_536)
        except TooLarge:
            raise NotFetched("too_large") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotFetched(type(error).__name__, retryable=True) from None
        if not 200 <= answer.status < 300:
            again = answer.status >= 500 or answer.status == 429 or bool(OFFLINE.search(_said(answer.json)))
            raise NotFetched(f"http_{answer.status}", retryable=again)
        return _medium(answer.json, limit)

    # -- aside -----------------------------------------------------------------------------------

    async def acknowledge(self, message: Inbound) -> None:
        jid = message.token.get("jid", "")
        if not jid or not self._settings.read_receipts:
            return
        read = {"remoteJid": jid, "fromMe": False, "id": message.id}
        await self._tried("chat/markMessageAsRead/{}", {"readMessages": [read]}, ASIDE)

    async def show(self, address: Mapping[str, str], message_id: str, doing: Showing) -> None:
        """Evolution holds the call for as long as it shows something, so nobody waits for it here."""
        number = address.get("number", "")
        if former := self._showing.pop(number, None):
            former.cancel()
        if not number or not self._shows or len(self._showing) >= SHOWING:
            return
        task = asyncio.create_task(self._show(number, doing))
        self._showing[number] = task
        task.add_done_callback(lambda done: self._shown(number, done))

    def _shown(self, number: str, task: asyncio.Task[None]) -> None:
        if self._showing.get(number) is task:
            del self._showing[number]

    async def _show(self, number: str, doing: Showing) -> None:
        delay = 0 if doing == "paused" else round(SHOWN * 1000)
        said = await self._tried("chat/sendPresence/{}", {"number": number, "presence": doing, "delay": delay}, SHOW)
        if "not available" in said.lower():
            log.debug("channel %s: this instance shows no presence", self.name)
            self._shows = False

    async def _tried(self, path: str, body: Any, within: float) -> str:
        """Best effort. What a refusal says, or an empty string."""
        try:
            answer = await self._call("aside", "POST", path, body, within=within)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("channel %s: %s: %s", self.name, path, type(error).__name__)
            return ""
        if 200 <= answer.status < 300:
            return ""
        log.debug("channel %s: %s: %s", self.name, path, answer.status)
        return _said(answer.json)

    # -- looking ---------------------------------------------------------------------------------

    async def check(self) -> Sequence[Finding]:
        try:
            state = await self._asked("instance/connectionState/{}")
            if state.status != 200:
                error = refusal(state)
                return [Finding("error", _key_of(state.status), f"{error.reason}: {error.hint}")]
            hook = await self._asked("webhook/find/{}")
            kinds = await self._asked("instance/fetchInstances?instanceName={}")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return [Finding("error", "base_url", _unreached(error).hint)]
        found = [_state_found(state.json), *_hook_found(hook, self._settings, self._public_url)]
        return [*found, *_kind_found(kinds.json, self._settings.instance)]

    async def _asked(self, path: str) -> Answer:
        return await self._call("aside", "GET", path, None, within=ASIDE)

    # -- the wire --------------------------------------------------------------------------------

    async def _call(
        self, lane: Lane, method: str, path: str, body: Any, *, within: float, limit: int = ANSWER
    ) -> Answer:
        """`path` has a place for the instance. Raises what aiohttp raises, TooLarge and TimeoutError; a redirect is an
        answer like any other."""
        url = URL(f"{self._base}/{path.format(quote(self._settings.instance, safe=''))}", encoded=True)
        # Node closes idle connections after 5 seconds, and a send on one that is just being closed would be UNSURE.
        headers = {"apikey": self._key, "user-agent": "recado", "connection": "close"}
        if body is not None:
            headers["content-type"] = "application/json"
        options: Any = {"headers": headers, "allow_redirects": False, "timeout": _within(within)}
        data = None if body is None else orjson.dumps(body)
        async with self._client(lane).request(method, url, data=data, **options) as answer:
            return Answer(answer.status, _json(await _bounded(answer, limit)), answer.headers)

    def _client(self, lane: Lane) -> aiohttp.ClientSession:
        if lane not in self._sessions:
            self._sessions[lane] = client(allow_private=self._allow_private, timeout=SEND)
        return self._sessions[lane]

    async def close(self) -> None:
        tasks, self._showing = list(self._showing.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()


# -- proof ---------------------------------------------------------------------------------------

RETRIED = 1800.0
"""Seconds for which an expired token is still taken. Evolution makes one per webhook, good for 600 s, and sends that
one on every retry: the tenth try is half an hour old. What is answered 401 it never repeats, so refusing an old token
would lose the message; one that is repeated does no harm, as messages are known by their ids."""
AHEAD = 60.0
"""Seconds by which Evolution's clock may be ahead of ours."""


def is_signed(token: str, key: str, now: float) -> bool:
    """Whether `token` is a JWT of Evolution's: HS256 with `key`, {iat, exp, app: "evolution", action: "webhook"}."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 8192:
        return False
    head, claims, signature = (_unpadded(part) for part in parts)
    mine = hmac.digest(_raw(key), _raw(f"{parts[0]}.{parts[1]}"), "sha256")
    if not hmac.compare_digest(signature, mine):
        return False
    header, said = _node(_json(head)), _node(_json(claims))
    if header.get("alg") != "HS256" or "crit" in header:
        return False
    return said.get("app") == "evolution" and said.get("action") == "webhook" and _is_fresh(said, now)


def _is_fresh(said: Mapping[str, Any], now: float) -> bool:
    until, since = _time(said.get("exp")), _time(said.get("iat"))
    return until is not None and since is not None and now < until + RETRIED and since <= now + AHEAD


def _time(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def _unpadded(text: str) -> bytes:
    """base64url as JWTs have it; what is none is nothing."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        return b""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _raw(text: str) -> bytes:
    """The bytes of a header, also of one that is no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


# -- what is sent, and what is said to it --------------------------------------------------------

DEEPEST = 4
"""Lists in lists that are looked into for the words of an error."""
UNANSWERED = "Evolution did not say whether it was sent; look at the chat on the phone"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def _posted(outgoing: Outgoing, number: str) -> tuple[str, dict[str, Any]]:
    """(path, body). Without `delay`, which would hold the call, and `encoding: false`: our Ogg goes as it is."""
    if outgoing.voice is not None:
        audio = base64.b64encode(outgoing.voice).decode()
        return "message/sendWhatsAppAudio/{}", {"number": number, "audio": audio, "encoding": False}
    return "message/sendText/{}", {"number": number, "text": outgoing.text, "linkPreview": False}


OFFLINE = re.compile(r"connection (was )?(closed|lost|terminated|failure)|not connected|'onWhatsApp'", re.IGNORECASE)
"""The device is away: nothing reached WhatsApp. The last one is how 2.3 says that it has no connection yet."""
UPLOAD = re.compile(r"media upload failed", re.IGNORECASE)
TOO_FAST = re.compile(r"rate-overlimit", re.IGNORECASE)
THROWN = re.compile(r"^\w*(Error|Exception)\b|\[object Object\]")
"""Evolution 2.3 answers 400 with whatever was thrown around a send, also after WhatsApp had it."""
LICENSE = "Evolution 2.4 must be activated before it works: open its manager, or {where}, and follow the steps there"
OFFLINE_HINT = f"Connection closed: {SCAN}"


def refusal(answer: Answer) -> ChannelError:
    """What a refused send means. Pure; the table is in tests/channels/test_evolution_sends.py."""
    said, status = _said(answer.json), answer.status
    if _node(answer.json).get("code") == "LICENSE_REQUIRED":
        where = _address(_node(answer.json).get("register_url"))
        return ChannelError("LICENSE_REQUIRED", Then.STOP, hint=LICENSE.format(where=where or "its log"))
    if status == 429 or TOO_FAST.search(said):
        wait = _seconds(answer.headers.get("Retry-After", "")) or 60.0
        return ChannelError("too_fast", Then.SLOW_DOWN, retry_after=wait, whole_channel=True)
    if OFFLINE.search(said):
        return ChannelError("offline", Then.AGAIN, retry_after=OFFLINE_WAIT, hint=OFFLINE_HINT)
    if UPLOAD.search(said):
        return ChannelError("upload_failed", Then.AGAIN, retry_after=OFFLINE_WAIT)
    return _by_status(answer, said)


def _by_status(answer: Answer, said: str) -> ChannelError:
    status = answer.status
    if status == 400:
        return _bad_request(answer.json, said)
    if status == 413:
        return ChannelError("http_413", Then.AS_TEXT, hint="the server before Evolution takes no bodies of this size")
    if status in SETTINGS:
        return ChannelError(f"http_{status}", Then.STOP, hint=SETTINGS[status])
    if 300 <= status < 400:
        return ChannelError(f"http_{status}", Then.STOP, hint="base_url redirects: write the address it leads to")
    if status >= 500 or status < 300:
        return ChannelError(f"http_{status}", Then.UNSURE, hint=UNANSWERED)
    return ChannelError(f"http_{status}", Then.GIVE_UP, hint="Evolution refused it; its log says why")


SETTINGS = {
    401: "api_key is not Evolution's global key and not this instance's: copy it again from the manager",
    403: "api_key may not use this instance: take the instance's own key from the manager",
    404: "there is no such instance, or base_url is not where Evolution answers: compare both with the manager",
    405: "base_url is not where Evolution answers: opened in a browser, that address welcomes to the Evolution API",
}


def _bad_request(json: Any, said: str) -> ChannelError:
    found = _node(_node(json).get("response")).get("message")
    if any(_node(each).get("exists") is False for each in (found if isinstance(found, list) else [found])):
        return ChannelError("not_on_whatsapp", Then.UNREACHABLE, remember="unreachable")
    if THROWN.search(said):
        return ChannelError("thrown", Then.UNSURE, hint=UNANSWERED)
    return ChannelError("http_400", Then.GIVE_UP, hint=f"Evolution refused the request: {said[:200]}")


def _unreached(error: Exception) -> ChannelError:
    reason = type(error).__name__
    inner = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(inner, PrivateAddress):
        hint = "base_url leads to a private address; set server.allow_private_urls = true if that is meant"
        return ChannelError("private_address", Then.STOP, hint=hint)
    hint = f"Evolution cannot be reached ({reason}): is it running, and is base_url its address?"
    return ChannelError(reason, Then.AGAIN, retry_after=WAIT, hint=hint)


def _said(json: Any) -> str:
    """The words of an error, wherever this version puts them."""
    whole = _node(json)
    found = [_node(whole.get("response")).get("message"), whole.get("message"), whole.get("error")]
    return " ".join(filter(None, (_flat(each) for each in found[:1]))) or " ".join(map(_flat, found[1:])).strip()


def _flat(value: Any, deep: int = 0) -> str:
    if isinstance(value, list) and deep < DEEPEST:
        return " ".join(filter(None, (_flat(each, deep + 1) for each in value[:8])))
    return value if isinstance(value, str) else ""


def _address(value: Any) -> str:
    """An http(s) address that may be shown: without what may be a key in its query."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and len(value) < 300 else None
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts and parts.scheme in ("http", "https") else ""


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0.0


# -- what a check finds --------------------------------------------------------------------------

NEEDED = ("MESSAGES_UPSERT",)
WANTED = ("SEND_MESSAGE", "MESSAGES_UPDATE", "MESSAGES_EDITED", "MESSAGES_DELETE", "CONNECTION_UPDATE")


def _key_of(status: int) -> str:
    return {401: "api_key", 403: "api_key", 404: "instance"}.get(status, "base_url")


def _state_found(json: Any) -> Finding:
    instance = _node(_node(json).get("instance"))
    state = instance.get("state")
    if state == "open":
        return Finding("ok", "instance", "WhatsApp is connected")
    trouble = state_trouble(state if isinstance(state, str) else "")
    return Finding("warning" if state == "connecting" else "error", "instance", trouble)


def _hook_found(answer: Answer, settings: ChannelSettings, public_url: str) -> list[Finding]:
    hook = _node(answer.json)
    path = f"/hooks/evolution/{settings.name}"
    if answer.status != 200 or hook.get("enabled") is not True:
        return [Finding("error", "instance", f"the instance has no webhook that is on: set it to {public_url}{path}")]
    leads = _address(hook.get("url"))
    if leads.rstrip("/").endswith(path):
        found = [Finding("ok", "instance", f"Evolution posts to {leads}")]
    else:
        found = [Finding("error", "instance", f"the webhook leads elsewhere: set it to {public_url}{path}")]
    found += [_proof_found(_node(hook.get("headers")), settings), *_events_found(hook.get("events"))]
    if hook.get("webhookBase64") is True or hook.get("base64") is True:
        text = "base64 is on in the webhook: a message with more than about 20 MB is too large to arrive; turn it off"
        found.append(Finding("warning", "instance", text))
    return found


def _proof_found(headers: Mapping[str, Any], settings: ChannelSettings) -> Finding:
    given = {str(name).lower(): str(value) for name, value in headers.items()}
    pairs = (("webhook_secret", "x-webhook-secret", settings.webhook_secret), ("jwt_key", "jwt_key", settings.jwt_key))
    for key, header, secret in pairs:
        mine = secret.get_secret_value()
        if mine and hmac.compare_digest(_raw(given.get(header, "")), _raw(mine)):
            return Finding("ok", key, "Evolution sends it with its webhooks")
    key = "webhook_secret" if settings.webhook_secret.get_secret_value() else "jwt_key"
    header = "X-Webhook-Secret" if key == "webhook_secret" else "jwt_key"
    return Finding("error", key, f"Evolution's webhook does not send it: write it into its headers as {header}")


def _events_found(enabled: Any) -> list[Finding]:
    names = {each for each in enabled if isinstance(each, str)} if isinstance(enabled, list) else set()
    found = []
    if missing := [each for each in NEEDED if each not in names]:
        found.append(Finding("error", "instance", f"the webhook lacks {', '.join(missing)}: no message arrives"))
    if missing := [each for each in WANTED if each not in names]:
        text = f"the webhook lacks {', '.join(missing)}: receipts, corrections or a lost connection go unseen"
        found.append(Finding("warning", "instance", text))
    return found


def _kind_found(json: Any, instance: str) -> list[Finding]:
    """Evolution can also stand before the Cloud API; then everything is better without it."""
    rows = [_node(each) for each in json] if isinstance(json, list) else []
    mine = next((row for row in rows if row.get("name") == instance), {})
    if mine.get("integration") != "WHATSAPP-BUSINESS":
        return []
    text = "this instance stands before the Cloud API: voice notes go out as mp3 and nothing is shown while we write; "
    return [Finding("warning", "type", text + 'use a channel of type = "whatsapp_cloud" for this number')]


# -- values --------------------------------------------------------------------------------------


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _node(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, connect=min(seconds, 10))


class TooLarge(OSError):
    """An answer is longer than anybody wanted."""


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Raises TooLarge."""
    if (answer.content_length or 0) > limit:
        raise TooLarge
    parts, size = [], 0
    async for part in answer.content.iter_chunked(65_536):
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def _medium(json: Any, limit: int) -> bytes:
    """What `getBase64FromMediaMessage` answered, decoded."""
    text = _node(json).get("base64")
    if not isinstance(text, str) or not text:
        raise NotFetched("no_medium")
    try:
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (ValueError, binascii.Error):
        raise NotFetched("broken_base64") from None
    if len(data) > limit:
        raise NotFetched("too_large")
    return data
