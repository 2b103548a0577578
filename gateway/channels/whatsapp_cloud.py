"""WhatsApp by Meta's own Cloud API: one business number a channel, one webhook for all numbers.

Contract: Graph v26 (2026-07-29), developers.facebook.com/documentation/business-messaging/whatsapp. What comes in is
read in `whatsapp_cloud_events`, what an error means stands in `whatsapp_cloud_errors`; here are the doors.

No send carries an idempotency key, so one whose answer never came is UNSURE and not repeated; its id travels as
`biz_opaque_callback_data` and comes back with every status, which settles it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

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
from gateway.channels.whatsapp_cloud_errors import PERMISSIONS, code_of, meaning_of, verdict
from gateway.channels.whatsapp_cloud_events import PRESSED, Change, changes, errors, events
from gateway.config import ChannelSettings
from gateway.outbound import PrivateAddress, client
from tts.findings import Finding
from tts.sniffing import OGG_OPUS, mime_of

GRAPH = "https://graph.facebook.com"
HOOK_PATH = "/hooks/whatsapp_cloud"
"""Of our own server; what is entered at Meta is this behind the public address."""
TIMEOUT = 30.0
DOWNLOAD = aiohttp.ClientTimeout(total=120, connect=10, sock_read=20)
AGENT = "recado"
"""Meta's media hosts refuse clients that name none."""
META = (".facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
"""Where media lie. Our token goes there and to base_url, over https, and nowhere else."""
HOPS = 4
SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
LONGEST_ANSWER = 256 * 1024
"""Bytes of Graph's JSON."""
VOICE_BYTES = 512 * 1024
"""A voice note beyond it loses its play button; it is sent as an ordinary sound then."""
AUDIO_BYTES = 16 * 1024 * 1024
FILES = {
    "audio/ogg; codecs=opus": "voice.ogg",
    "audio/mpeg": "voice.mp3",
    "audio/mp4": "voice.m4a",
    "audio/aac": "voice.aac",
}
"""Sounds WhatsApp takes, and a name for the file."""
TEXT_LIMIT, BODY_LIMIT = 4096, 1024
BUTTONS, BUTTON_TITLE, BUTTON_ID = 3, 20, 256
ROWS, ROW_TITLE, ROW_ID = 10, 24, 200
LIST_LABEL = "☰"
CALLBACK_DATA = 512
NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,name_status,status,throughput,platform_type,"
    "webhook_configuration,is_on_biz_app"
)
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
SOON = 14 * 86400
"""Seconds before a token's end in which we warn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of Graph."""

    status: int
    body: Mapping[str, Any]
    """Empty when it is no JSON object."""
    wait: float
    """Seconds, of Retry-After."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error(self) -> Mapping[str, Any]:
        """Empty when the answer refuses nothing that we can read."""
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}


@dataclass(slots=True)
class WhatsAppCloud:
    """A business number. `settings`: of type "whatsapp_cloud"."""

    settings: ChannelSettings
    allow_private: bool = field(kw_only=True)
    now: Callable[[], float] = field(default=time.time, kw_only=True)
    """Seconds since the epoch, for an event that says no time."""
    _trouble: str = ""
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            profile="whatsapp_cloud",
            text_limit=TEXT_LIMIT,
            choices=ROWS,
            presence_every=20.0,
            reply_window=86400.0,
            template=bool(self.settings.template),
            per_contact=(1 / 6, 45.0),
            per_channel=(80.0, 80.0),
        )

    @property
    def trouble(self) -> str:
        return self._trouble

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        WhatsAppHook([self]).prove(headers)

    def read(self, hook: Hook) -> Sequence[Event]:
        """Of a request that concerns this number alone. Raises Forged."""
        return [event for _, found in WhatsAppHook([self]).read(hook) for event in found]

    def understand(self, change: Change) -> Sequence[Event]:
        """Of a change that is proven to be ours."""
        for error in errors(change):
            then, cure = meaning_of(error)
            if then is Then.STOP:
                self._trouble = f"{cure} (WhatsApp error {code_of(error)})"
        return events(change, round(self.now() * 1000))

    def proves(self, hook: Hook) -> bool:
        """Signed with this number's app secret. In constant time, over the bytes as they came: re-encoded JSON
        escapes other characters."""
        secret = self.settings.app_secret.get_secret_value().encode()
        signed = b"sha256=" + hmac.new(secret, hook.body, hashlib.sha256).hexdigest().encode()
        told = hook.headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
        return hmac.compare_digest(signed, told) and bool(secret)

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> Sent:
        """Raises ChannelError."""
        try:
            message = envelope(outgoing) | await self._content(outgoing)
            answer = await self._post(f"{self._number}/messages", outgoing.attempt, json=message)
        except ChannelError as error:
            if error.then is Then.STOP:
                self._trouble = error.hint
            raise
        self._trouble = ""
        return Sent(_message_id(answer))

    async def _content(self, outgoing: Outgoing) -> dict[str, Any]:
        if outgoing.template:
            return template(self.settings.template)
        if outgoing.voice is None:
            return words(outgoing.text, outgoing.choices, group="group" in outgoing.address)
        mime = mime_of(outgoing.voice)
        if mime not in FILES or len(outgoing.voice) > AUDIO_BYTES:
            raise ChannelError("not_a_voice_note", Then.AS_TEXT, hint=f"WhatsApp takes no {mime or 'such'} sound")
        audio: dict[str, Any] = {"id": await self._upload(outgoing.voice, mime, outgoing.attempt)}
        if mime == OGG_OPUS and len(outgoing.voice) <= VOICE_BYTES:
            audio["voice"] = True
        return {"type": "audio", "audio": audio}

    async def _upload(self, sound: bytes, mime: str, attempt: int) -> str:
        """The medium's id. Whatever fails here, nothing was sent."""
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", mime)
        form.add_field("file", sound, content_type=mime, filename=FILES[mime])
        try:
            answer = await self._post(f"{self._number}/media", attempt, data=form)
        except ChannelError as error:
            raise _certainly_unsent(error) from None
        except asyncio.CancelledError:
            hint = "we were stopped while WhatsApp took a sound, and send it at the next start"
            raise ChannelError("cut_off", Then.AGAIN, retry_after=0.0, hint=hint) from None
        id = answer.body.get("id")
        if not isinstance(id, str) or not id:
            raise ChannelError("no_media_id", Then.AGAIN, hint="WhatsApp took a sound and gave no id")
        return id

    async def _post(self, path: str, attempt: int, **body: Any) -> Answer:
        """Raises ChannelError unless it was accepted."""
        try:
            answer = await self._call("POST", path, **body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _broken(error) from None
        if not answer.ok or answer.error:
            raise self._refused(answer, attempt)
        return answer

    def _refused(self, answer: Answer, attempt: int) -> ChannelError:
        if not answer.error:
            return _unreadable(answer, attempt)
        error = verdict(answer.error, attempt=attempt, wait=answer.wait, status=answer.status)
        if error.then is Then.GIVE_UP:
            error.hint = f"{error.hint}: {self._without_secrets(_details(answer.error))}".rstrip(": ")
        return error

    def _without_secrets(self, text: str) -> str:
        """Graph repeats a malformed token in its words."""
        for secret in (self.settings.access_token, self.settings.app_secret):
            if plain := secret.get_secret_value():
                text = text.replace(plain, "…")
        return text[:300]

    # -- courtesy --------------------------------------------------------------------------------------

    async def acknowledge(self, message: Inbound) -> None:
        await self._mark_read(message.id)

    async def show(self, address: Mapping[str, str], message_id: str, doing: Showing) -> None:
        """WhatsApp knows "typing" only, and only together with the read receipt: whoever wants no receipts gets no
        typing either. It vanishes after 25 seconds or with the next message, so `paused` has nothing to do."""
        if message_id and doing != "paused" and self.settings.read_receipts:
            await self._mark_read(message_id, typing_indicator={"type": "text"})

    async def _mark_read(self, message_id: str, **more: Any) -> None:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id, **more}
        try:
            await self._call("POST", f"{self._number}/messages", json=body)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return  # a courtesy

    # -- media -----------------------------------------------------------------------------------------

    async def fetch(self, ref: str, limit: int) -> bytes:
        """`ref`: the medium's id, and behind a space the address a webhook may have given; the id is asked first,
        because that address lives for minutes. Raises NotFetched."""
        id, _, url = ref.partition(" ")
        try:
            return await self._download(await self._located(id, url, limit), limit)
        except (ValueError, aiohttp.NonHttpUrlClientError):
            raise NotFetched("no_address") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotFetched(_named(error), retryable=True) from None

    async def _located(self, id: str, url: str, limit: int) -> str:
        answer = await self._call("GET", id) if MEDIA_ID.fullmatch(id) else Answer(404, {}, 0.0)
        size, at = answer.body.get("file_size"), answer.body.get("url")
        if isinstance(size, str | int) and str(size).isdigit() and int(size) > limit:
            raise NotFetched("too_large")
        if answer.ok and isinstance(at, str):
            return at
        if url:
            return url
        code = code_of(answer.error)
        raise NotFetched(str(code) if code >= 0 else f"http_{answer.status}", retryable=_may_come(answer))

    async def _download(self, url: str, limit: int) -> bytes:
        for _ in range(HOPS):
            headers = {"user-agent": AGENT, **(self._bearer() if self._is_metas(url) else {})}
            get = self._client().get(url, headers=headers, allow_redirects=False, timeout=DOWNLOAD)
            async with get as answer:
                if answer.status not in (301, 302, 303, 307, 308):
                    return await _bytes_of(answer, limit)
                url = urljoin(str(answer.url), answer.headers.get("location", ""))
        raise NotFetched("too_many_redirects")

    def _is_metas(self, url: str) -> bool:
        """Whether our token may go there."""
        there, base = urlsplit(url), urlsplit(self._base)
        if (there.scheme, there.netloc) == (base.scheme, base.netloc):
            return True
        return there.scheme == "https" and f".{there.hostname or ''}".endswith(META)

    # -- the wire --------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return self.settings.base_url.rstrip("/") or GRAPH

    @property
    def _number(self) -> str:
        return self.settings.phone_number_id

    def _bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.settings.access_token.get_secret_value()}"}

    async def _call(self, method: str, path: str, *, bearer: str = "", **request: Any) -> Answer:
        """Raises what aiohttp raises; its words name addresses and are never shown."""
        url = f"{self._base}/{self.settings.graph_version}/{path}"
        headers = {"user-agent": AGENT, **(_bearer(bearer) if bearer else self._bearer())}
        call = self._client().request(method, url, headers=headers, allow_redirects=False, **request)
        async with call as answer:
            return Answer(answer.status, await _object_of(answer), _retry_after(answer))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = client(allow_private=self.allow_private, timeout=TIMEOUT)
        return self._session

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    # -- is it right? ------------------------------------------------------------------------------------

    async def check(self) -> Sequence[Finding]:
        """The number, the token, and what Meta knows of our webhook."""
        try:
            answer = await self._call("GET", self._number, params={"fields": NUMBER_FIELDS})
            if not answer.ok:
                return [self._why_not(answer)]
            app = await self._call("GET", "debug_token", params={"input_token": self._token})
            return [*_number_findings(answer.body), *self._token_findings(app), *await self._hook_findings(answer, app)]
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return [Finding("error", "base_url", f"Meta cannot be reached ({_named(error)}): check network and proxy")]

    @property
    def _token(self) -> str:
        return self.settings.access_token.get_secret_value()

    def _why_not(self, answer: Answer) -> Finding:
        if not answer.error:
            told = f"answered {answer.status} without a word that Graph would say: is base_url right?"
            return Finding("error", "base_url", f"{self._base} {told}")
        _, cure = meaning_of(answer.error)
        code = code_of(answer.error)
        key = "phone_number_id" if code in (33, 100) else "access_token"
        return Finding("error", key, f"Meta refused ({code}): {cure}")

    def _token_findings(self, answer: Answer) -> list[Finding]:
        """What the token says of itself; nothing where it may not ask."""
        told = answer.body.get("data")
        if not isinstance(told, dict) or "is_valid" not in told:
            return []
        found = [
            Finding("error", "access_token", f"the token lacks {scope}: make a new one with both permissions")
            for scope in SCOPES
            if isinstance(told.get("scopes"), list) and scope not in told["scopes"]
        ]
        ends = told.get("expires_at")
        if isinstance(ends, int) and 0 < ends < self.now() + SOON:
            day = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%d %H:%M UTC")
            found.append(Finding("warning", "access_token", f"the token ends {day}: take a system user's"))
        return found

    async def _hook_findings(self, number: Answer, app: Answer) -> list[Finding]:
        """Meta's list of what this app is told; asked with the app's own secret, which proves that one too."""
        data = app.body.get("data")
        id = data.get("app_id") if isinstance(data, dict) else None
        if not isinstance(id, str) or not id.isdigit():
            return [_enter_hook("it could not be looked up whether Meta knows our webhook")]
        secret = self.settings.app_secret.get_secret_value()
        answer = await self._call("GET", f"{id}/subscriptions", bearer=f"{id}|{secret}")
        if not answer.ok:
            told = f"it is not that of app {id}, so webhooks would be refused: copy it from App settings > Basic"
            return [Finding("error", "app_secret", told)]
        ours = [one for one in _list(answer.body.get("data")) if one.get("object") == "whatsapp_business_account"]
        if not ours:
            return [_enter_hook("Meta knows no webhook of this app")]
        return _subscription_findings(ours[0], number.body)


@dataclass(frozen=True, slots=True)
class WhatsAppHook:
    """The one webhook of all numbers: Meta allows one for an app, and tells by `phone_number_id` whose it is."""

    channels: Sequence[WhatsAppCloud]

    def challenge(self, query: Mapping[str, str]) -> str:
        """Raises Forged."""
        told = query.get("hub.verify_token", "").encode("utf-8", "replace")
        tokens = [channel.settings.verify_token.get_secret_value().encode() for channel in self.channels]
        known = [hmac.compare_digest(token, told) for token in tokens if token]
        if query.get("hub.mode") != "subscribe" or not any(known):
            raise Forged("the verify token is none of ours")
        return query.get("hub.challenge", "")

    def prove(self, headers: Mapping[str, str]) -> None:
        """That there is a signature; whose it is, only the body tells."""
        if not SIGNATURE.fullmatch(headers.get("x-hub-signature-256", "")):
            raise Forged("x-hub-signature-256 is missing or no signature")

    def read(self, hook: Hook) -> Sequence[tuple[str, Sequence[Event]]]:
        """Raises Forged: not signed by any of our apps, or names a number that its signature does not prove."""
        proven = self._proven(hook)
        if not proven:
            raise Forged("x-hub-signature-256 is not of any app_secret")
        try:
            told = changes(orjson.loads(hook.body))
        except orjson.JSONDecodeError:
            return [(proven[0].name, [Unknown("not_json")])]
        if not told:
            return [(proven[0].name, [Unknown("no_changes")])]
        found: dict[str, list[Event]] = {}
        for change in told:
            channel = self._of(change, proven)
            ours = not change.number or change.number == channel.settings.phone_number_id
            found.setdefault(channel.name, []).extend(
                channel.understand(change) if ours else [Unknown("number_not_configured", somebody_elses=True)]
            )
        return list(found.items())

    def _proven(self, hook: Hook) -> list[WhatsAppCloud]:
        """Those whose app signed it. The numbers of an app share its secret, and a long body is hashed once for all."""
        one_of_each = {channel.settings.app_secret.get_secret_value(): channel for channel in self.channels}
        signed = {secret for secret, channel in one_of_each.items() if channel.proves(hook)}
        return [channel for channel in self.channels if channel.settings.app_secret.get_secret_value() in signed]

    def _of(self, change: Change, proven: Sequence[WhatsAppCloud]) -> WhatsAppCloud:
        for channel in self.channels:
            if change.number and change.number == channel.settings.phone_number_id:
                if channel not in proven:
                    raise Forged("signed by the app of another number")
                return channel
        return proven[0]


# -- what is sent ----------------------------------------------------------------------------------


def envelope(outgoing: Outgoing) -> dict[str, Any]:
    """To whom. One of `to` and `recipient`: Meta prefers the phone where both are told, and so do we."""
    common: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if len(outgoing.id) <= CALLBACK_DATA:
        common["biz_opaque_callback_data"] = outgoing.id
    if group := outgoing.address.get("group"):
        return common | {"recipient_type": "group", "to": group}
    if to := outgoing.address.get("to"):
        return common | {"to": to}
    recipient = outgoing.address.get("recipient") or outgoing.contact
    return common | ({"to": recipient} if recipient.isdigit() else {"recipient": recipient})


def template(setting: str) -> dict[str, Any]:
    """`setting`: "name:language"."""
    name, _, language = setting.partition(":")
    return {"type": "template", "template": {"name": name, "language": {"code": language}}}


def words(text: str, choices: Sequence[str], *, group: bool = False) -> dict[str, Any]:
    """A text; with options as up to three buttons, a list of up to ten, or numbered lines where neither fits."""
    titles = [title.strip() for title in choices if title.strip()][:ROWS]
    if not titles:
        return _plain(text)
    room = BUTTON_TITLE if len(titles) <= BUTTONS else ROW_TITLE
    short = cut(titles, room)
    body = text.strip() if short == titles else _numbered(text, titles)
    if group or not body or len(body) > BODY_LIMIT:
        return _plain(_numbered(text, titles))
    pressed = list(zip(titles, short, strict=True))
    action = _buttons(pressed) if len(titles) <= BUTTONS else _rows(pressed)
    kind = "button" if len(titles) <= BUTTONS else "list"
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": body}, "action": action}}


def cut(titles: Sequence[str], room: int) -> list[str]:
    """Titles within the room. When one has to be cut, or two are alike, all are numbered as the text numbers them."""
    if all(len(title) <= room for title in titles) and len(set(titles)) == len(titles):
        return list(titles)
    numbered = [f"{n}. {title}" for n, title in enumerate(titles, 1)]
    return [title if len(title) <= room else f"{title[: room - 1].rstrip()}…" for title in numbered]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": text, "preview_url": False}}


def _numbered(text: str, titles: Sequence[str]) -> str:
    """As many options as the limit leaves room for; the text is never cut."""
    told = text.strip()
    for n, title in enumerate(titles, 1):
        longer = f"{told}\n{n}. {title}" if n > 1 else f"{told}\n\n{n}. {title}".strip()
        if len(longer) > TEXT_LIMIT:
            break
        told = longer
    return told


def _buttons(pressed: Sequence[tuple[str, str]]) -> dict[str, Any]:
    replies = [{"id": f"{PRESSED}{title}"[:BUTTON_ID], "title": short} for title, short in pressed]
    return {"buttons": [{"type": "reply", "reply": reply} for reply in _distinct(replies)]}


def _rows(pressed: Sequence[tuple[str, str]]) -> dict[str, Any]:
    rows = [{"id": f"{PRESSED}{title}"[:ROW_ID], "title": short} for title, short in pressed]
    return {"button": LIST_LABEL, "sections": [{"rows": _distinct(rows)}]}


def _distinct(options: list[dict[str, str]]) -> list[dict[str, str]]:
    """Ids must differ; equal ones fall back to what is shown, which does."""
    ids = [option["id"] for option in options]
    return [option | {"id": option["title"]} if ids.count(option["id"]) > 1 else option for option in options]


# -- what was answered -------------------------------------------------------------------------------


def _message_id(answer: Answer) -> str:
    """Raises ChannelError: accepted, but nobody knows what."""
    messages = _list(answer.body.get("messages"))
    id = messages[0].get("id") if messages else None
    if not isinstance(id, str) or not id:
        raise ChannelError("no_message_id", Then.UNSURE, hint="WhatsApp said yes and gave no id")
    return id


def _broken(error: Exception) -> ChannelError:
    """No answer came. Before the connection stood, nothing was sent; after, nobody knows."""
    if isinstance(getattr(error, "os_error", error), PrivateAddress):
        return ChannelError("private_address", Then.STOP, hint="base_url leads to a private address")
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return ChannelError(_named(error), Then.AGAIN, hint="Meta cannot be reached: check network and proxy")
    if isinstance(error, aiohttp.InvalidURL):
        return ChannelError(_named(error), Then.STOP, hint="base_url is no address")
    return ChannelError(_named(error), Then.UNSURE, hint="the connection broke before WhatsApp answered")


def _unreadable(answer: Answer, attempt: int) -> ChannelError:
    """An answer in no words of Graph's: a proxy, a login page, or trouble."""
    reason = f"http_{answer.status}"
    if answer.status >= 500 or answer.status == 408:
        return ChannelError(reason, Then.UNSURE, hint="WhatsApp's answer could not be read")
    if answer.status == 429:
        return verdict({"code": 4}, attempt=attempt, wait=answer.wait)
    if answer.status == 413:
        return ChannelError(reason, Then.GIVE_UP, hint="too large for WhatsApp")
    return ChannelError(reason, Then.STOP, hint=f"base_url answered {answer.status} in words that are not Graph's")


def _certainly_unsent(error: ChannelError) -> ChannelError:
    """An upload that failed: no message went out. A sound that is refused is said in words instead."""
    better = {Then.UNSURE: Then.AGAIN, Then.GIVE_UP: Then.AS_TEXT}
    error.then = better.get(error.then, error.then)
    return error


def _details(error: Mapping[str, Any]) -> str:
    data = error.get("error_data")
    told = data.get("details") if isinstance(data, dict) else error.get("message")
    return told if isinstance(told, str) else ""


def _named(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


def _may_come(answer: Answer) -> bool:
    """A medium that was refused: the key, a pause, trouble there. Not: it is gone."""
    code = code_of(answer.error)
    then, _ = meaning_of(answer.error)
    gone = code in (33, 100, 131052)
    known = then in (Then.STOP, Then.AGAIN, Then.SLOW_DOWN) or code in PERMISSIONS
    return not gone and (known or answer.status >= 500 or answer.status in (401, 403, 429))


async def _object_of(answer: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """The JSON object an answer holds; empty when it holds none, or too much."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > LONGEST_ANSWER:
            return {}
    try:
        body = orjson.loads(bytes(data))
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


async def _bytes_of(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Raises NotFetched. What a length promises is not believed: the bytes are counted."""
    if answer.status != 200:
        raise NotFetched(f"http_{answer.status}", retryable=answer.status not in (404, 410))
    if (answer.content_length or 0) > limit:
        raise NotFetched("too_large")
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise NotFetched("too_large")
    return bytes(data)


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if re.fullmatch(r"[0-9]{1,6}", told) else 0.0


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in _items(value) if isinstance(one, dict)]


# -- what was found out --------------------------------------------------------------------------------


def _number_findings(told: Mapping[str, Any]) -> list[Finding]:
    throughput = told.get("throughput")
    level = throughput.get("level") if isinstance(throughput, dict) else ""
    shown = f"{told.get('display_phone_number', '?')} ({told.get('verified_name', '?')})"
    found = [Finding("ok", "phone_number_id", f"{shown} answers; throughput {level or 'unknown'}")]
    for key, bad, cure in NUMBER_TROUBLE:
        if told.get(key) in bad:
            found.append(Finding("warning", "phone_number_id", f"{key} is {told[key]}: {cure}"))
    return found


NUMBER_TROUBLE = (
    ("quality_rating", ("RED", "YELLOW"), "contacts block or report it; answer what was asked and send less"),
    ("name_status", ("DECLINED", "EXPIRED", "NON_EXISTS"), "ask for another display name in WhatsApp Manager"),
    ("platform_type", ("NOT_APPLICABLE",), "the number is not registered: WhatsApp > API Setup > register"),
    (
        "status",
        ("BANNED", "RESTRICTED", "RATE_LIMITED", "FLAGGED", "DISCONNECTED", "PENDING", "UNVERIFIED", "MIGRATED"),
        "look at the number in WhatsApp Manager > Phone numbers",
    ),
)


def _subscription_findings(hook: Mapping[str, Any], number: Mapping[str, Any]) -> list[Finding]:
    fields = [one.get("name") if isinstance(one, dict) else one for one in _items(hook.get("fields"))]
    told = number.get("webhook_configuration")
    nearer = told if isinstance(told, dict) else {}
    url = nearer.get("phone_number") or nearer.get("whatsapp_business_account") or hook.get("callback_url")
    if hook.get("active") is False:
        return [_enter_hook("Meta has switched the webhook off")]
    ours = isinstance(url, str) and url.endswith(HOOK_PATH)
    found = [Finding("ok", "verify_token", f"Meta posts to {url}")] if ours else [_enter_hook(f"Meta posts to {url}")]
    wanted = ["messages"] + (["smb_message_echoes"] if number.get("is_on_biz_app") is True else [])
    return found + [_subscribe(name) for name in wanted if name not in fields]


def _enter_hook(why: str) -> Finding:
    how = f"enter https://YOUR-ADDRESS{HOOK_PATH} and the verify_token at WhatsApp > Configuration > Webhook"
    return Finding("warning", "verify_token", f"{why}; {how}")


def _subscribe(name: str) -> Finding:
    told = f"the webhook field {name} is not subscribed: WhatsApp > Configuration > Webhook fields > Subscribe"
    return Finding("error" if name == "messages" else "warning", "verify_token", told)
