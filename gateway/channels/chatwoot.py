"""Chatwoot as a channel: an agent bot answers in any inbox it is connected to, until people take over.

Contract: Chatwoot 4.13 and later. The bot is told of everything in its inboxes and answers only what a contact writes
in a `pending` conversation, which is Chatwoot's word for "a bot has it". A webhook that is answered with 429 or 500
comes again three times, then Chatwoot opens the conversation for people. What an agent writes, here or on the inbox's
phone, is a takeover. Handing over is the desk's (`gateway.desks.chatwoot` without `inbox_identifier`).

No send carries an idempotency key, so one whose answer never came is UNSURE; but the bot is told of its own messages
too, and our delivery's id in their `content_attributes` settles it. Not in `source_id`: Chatwoot takes a message that
has one for sent already, and sends nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import aiohttp
import orjson

from gateway.channels.base import (
    Attachment,
    Capabilities,
    ChannelError,
    Echo,
    Event,
    Hook,
    Inbound,
    Noise,
    NotFetched,
    Outgoing,
    Sent,
    Showing,
    Status,
    Then,
)
from gateway.desks.chatwoot_events import (
    MARK,
    Proof,
    id_of,
    instant,
    mark_of,
    number,
    object_in,
    plain,
    text_in,
    type_of,
)
from gateway.desks.notes import ENDINGS
from gateway.desks.wire import Wired, is_private, named, retry_after
from tts.findings import Finding
from tts.sniffing import mime_of

CAPABILITIES = Capabilities(profile="whatsapp_cloud", text_limit=4000, presence_every=20.0)
"""What lies behind an inbox may be a page, a phone or a mailbox: the narrowest of them is what we speak to."""
TIMEOUT = 20.0
DOWNLOAD = aiohttp.ClientTimeout(total=120, connect=10, sock_read=20)
HOPS = 4
LARGEST_HOOK = 2 * 1024 * 1024
LARGEST_ANSWER = 1024 * 1024
LONGEST = 3600.0
"""Seconds of Retry-After that are believed."""
KINDS: Mapping[str, Any] = {"audio": "voice", "image": "image", "video": "video", "file": "document"}
REFUSED_TO_BOTS = "not authorized for bots"
CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Failures that come before a word was sent."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Any
    """None when it is no JSON."""
    wait: float | None
    """Seconds, of Retry-After."""


@dataclass(slots=True)
class Chatwoot(Wired):
    """An agent bot of one account. channels.base.Hooked."""

    name: str
    url: str
    """Where Chatwoot answers, e.g. https://app.chatwoot.com."""
    account_id: int
    token: str = field(repr=False)
    """The bot's access token."""
    secret: str = field(repr=False)
    """The bot's webhook secret; with `verify = False` the one in the webhook's address."""
    verify: bool = True
    allow_private: bool = field(default=False, kw_only=True)
    now: Callable[[], float] = field(default=time.time, kw_only=True)
    """Seconds since the epoch."""
    trouble: str = field(default="", init=False)
    capabilities: Capabilities = field(default=CAPABILITIES, init=False)

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        Proof(self.secret, self.verify).headers(headers, self.now())

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        if len(hook.body) > LARGEST_HOOK:
            return [Noise("too_large")]
        Proof(self.secret, self.verify).whole(hook)
        try:
            return [event(orjson.loads(hook.body), self.account_id, round(self.now() * 1000))]
        except orjson.JSONDecodeError:
            return [Noise("not_json")]

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> Sent:
        """Raises ChannelError."""
        conversation = outgoing.address.get("conversation", "")
        if not re.fullmatch(r"[0-9]{1,18}", conversation):
            raise ChannelError("no_conversation", Then.UNREACHABLE, remember="unreachable")
        body: dict[str, Any] = {"json": message(outgoing)} if outgoing.voice is None else {"data": form(outgoing)}
        try:
            answer = await self._call("POST", f"conversations/{conversation}/messages", **body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _lost(error) from None
        if not 200 <= answer.status < 300:
            raise self._refused(answer, voice=outgoing.voice is not None)
        id = number(answer.body.get("id")) if isinstance(answer.body, dict) else 0
        if not id:
            raise ChannelError("no_id", Then.UNSURE, hint="Chatwoot said yes and did not say to what")
        self.trouble = ""
        return Sent(str(id))

    def _refused(self, answer: _Answer, *, voice: bool) -> ChannelError:
        error = verdict(answer.status, answer.wait, voice=voice)
        if error.then is Then.STOP:
            self.trouble = error.hint
        return error

    # -- courtesy --------------------------------------------------------------------------------------

    async def acknowledge(self, message: Inbound) -> None:
        """A bot cannot read a conversation for anybody: agents would not see what is new."""

    async def show(self, address: Mapping[str, str], message_id: str, doing: Showing) -> None:
        status, conversation = "off" if doing == "paused" else "on", address.get("conversation", "")
        if not re.fullmatch(r"[0-9]{1,18}", conversation):
            return
        path = f"conversations/{conversation}/toggle_typing_status"
        try:
            await self._call("POST", path, json={"typing_status": status})
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return  # a courtesy

    # -- media -----------------------------------------------------------------------------------------

    async def fetch(self, ref: str, limit: int) -> bytes:
        """`ref`: the file's address, which needs no key and leads on to where files are kept."""
        url = ref
        try:
            for _ in range(HOPS):
                async with self._client(TIMEOUT).get(url, allow_redirects=False, timeout=DOWNLOAD) as answer:
                    if answer.status not in (301, 302, 303, 307, 308):
                        return await _file(answer, limit)
                    url = urljoin(str(answer.url), answer.headers.get("location", ""))
        except (ValueError, aiohttp.NonHttpUrlClientError):
            raise NotFetched("no_address") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotFetched(named(error), retryable=not is_private(error)) from None
        raise NotFetched("too_many_redirects")

    # -- the wire --------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, **request: Any) -> _Answer:
        """Raises what aiohttp raises; its words name addresses and are never shown."""
        url = f"{self.url.rstrip('/')}/api/v1/accounts/{self.account_id}/{path}"
        headers = {"api_access_token": self.token}
        call = self._client(TIMEOUT).request(method, url, headers=headers, allow_redirects=False, **request)
        async with call as answer:
            wait = retry_after(answer.headers, LONGEST)
            try:
                return _Answer(answer.status, orjson.loads(await _bounded(answer, LARGEST_ANSWER)), wait)
            except orjson.JSONDecodeError:
                return _Answer(answer.status, None, wait)

    async def check(self) -> Sequence[Finding]:
        """Asked for a conversation that cannot be: "not found" is said only to a key of this account."""
        try:
            answer = await self._call("GET", "conversations/0")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return [Finding("error", "base_url", f"Chatwoot cannot be reached ({named(error)}): check the network")]
        if answer.status == 404 and isinstance(answer.body, dict):
            return [Finding("ok", "token", f"account {self.account_id} knows this bot")]
        if answer.status == 401 and REFUSED_TO_BOTS in str(answer.body):
            return [Finding("ok", "token", "Chatwoot knows this bot; of the account this version tells nothing")]
        if answer.status in (401, 403):
            return [Finding("error", "token", verdict(answer.status, None, voice=False).hint)]
        told = f"it answered {answer.status} in words that are not Chatwoot's"
        return [Finding("error", "base_url", f"{told}: enter the address at which Chatwoot itself answers")]


# -- what comes in ---------------------------------------------------------------------------------


def event(body: Any, account: int, now_ms: int) -> Event:
    """What one webhook means for the bot. Pure."""
    if not isinstance(body, dict):
        return Noise("no_object")
    if body.get("event") != "message_created":
        return Noise("other_event")
    if id_of(object_in(body, "account")) not in ("", str(account)):
        return Noise("another_account")
    if body.get("private") is not False and body.get("private") is not None:
        return Noise("private")
    at = instant(body.get("created_at")) or now_ms
    who, conversation, id = _contact(body), id_of(object_in(body, "conversation")), id_of(body)
    if not (who and conversation and id):
        return Noise("no_id")
    address = {"conversation": conversation}
    type = type_of(body)
    if type == "incoming":
        return _inbound(body, id, who, address, at)
    if type != "outgoing":
        return Noise(type if type in ("template", "activity") else "unknown_type")
    if mark := mark_of(body):
        return Status(id, "sent", at, mark)
    if not _by_a_person(body):
        return Noise("no_person")
    return Echo(id, who, plain(body), at, address=address)


def _inbound(body: Mapping[str, Any], id: str, who: str, address: Mapping[str, str], at: int) -> Inbound | Noise:
    if object_in(body, "conversation").get("status") != "pending":
        return Noise("people_have_it")
    files, places = _attachments(body)
    text = "\n".join([line for line in (text_in(body, "content").strip(), *places) if line])
    name = text_in(object_in(body, "sender"), "name")
    unreadable = "" if text or files else "unsupported"
    return Inbound(id, who, name, text, at, address=address, attachments=files, unreadable=unreadable)


def _contact(body: Mapping[str, Any]) -> str:
    """One person in one inbox: elsewhere the same person is another conversation."""
    conversation = object_in(body, "conversation")
    person = id_of(object_in(object_in(conversation, "meta"), "sender"))
    inbox = id_of(object_in(body, "inbox")) or str(number(conversation.get("inbox_id")) or "")
    return f"{inbox}.{person}" if person and inbox else ""


def _by_a_person(body: Mapping[str, Any]) -> bool:
    """An agent here, or somebody on the phone or page behind the inbox."""
    echo = object_in(body, "content_attributes").get("external_echo")
    return echo is True or text_in(object_in(body, "sender"), "type").lower() == "user"


def _attachments(body: Mapping[str, Any]) -> tuple[list[Attachment], list[str]]:
    """Files, and what is no file but can be said."""
    told = body.get("attachments")
    files: list[Attachment] = []
    places: list[str] = []
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        kind, url = KINDS.get(text_in(one, "file_type")), text_in(one, "data_url")
        if kind and url:
            files.append(Attachment(kind, ref=url, size=number(one.get("file_size"))))
        elif text_in(one, "file_type") == "location":
            places.append(f"📍 {one.get('coordinates_lat')}, {one.get('coordinates_long')}")
        elif title := text_in(one, "fallback_title"):
            places.append(title)
    return files, places


# -- what goes out ---------------------------------------------------------------------------------


def message(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "content": outgoing.text,
        "message_type": "outgoing",
        "private": False,
        "content_type": "text",
        "content_attributes": {MARK: outgoing.id},
    }


def form(outgoing: Outgoing) -> aiohttp.FormData:
    """With the sound: Chatwoot takes files in forms only, where everything is text."""
    mime = mime_of(outgoing.voice or b"").partition(";")[0] or "audio/ogg"
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in message(outgoing).items():
        if name != "content_type":
            form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    form.add_field("attachments[]", outgoing.voice, content_type=mime, filename=f"voice.{ENDINGS.get(mime, 'ogg')}")
    return form


def verdict(status: int, wait: float | None, *, voice: bool) -> ChannelError:
    """What a refusal means. A 5xx may come after the message was kept."""
    reason = f"http_{status}"
    if status in (401, 403):
        hint = "the bot's token is refused: copy it again; or a proxy drops the header api_access_token"
        return ChannelError(reason, Then.STOP, hint=hint)
    if 300 <= status < 400:
        return ChannelError(reason, Then.STOP, hint="base_url leads elsewhere: enter Chatwoot's own, with https")
    if status == 404:
        return ChannelError(reason, Then.UNREACHABLE, hint="the conversation is gone", remember="unreachable")
    if status == 429:
        return ChannelError(reason, Then.SLOW_DOWN, retry_after=wait or 10.0, whole_channel=True)
    if status >= 500 or status == 408:
        return ChannelError(reason, Then.UNSURE, hint="Chatwoot is in trouble; it may have kept the message")
    then = Then.AS_TEXT if voice else Then.GIVE_UP
    return ChannelError(reason, then, hint="Chatwoot does not take it")


def _lost(error: Exception) -> ChannelError:
    """No answer came. Before the connection stood, nothing was sent; after, nobody knows."""
    if is_private(error):
        return ChannelError("private_address", Then.STOP, hint="base_url leads to a private address")
    if isinstance(error, CONNECTING):
        return ChannelError(named(error), Then.AGAIN, hint="Chatwoot cannot be reached: check base_url and network")
    return ChannelError(named(error), Then.UNSURE, hint="the connection broke before Chatwoot answered")


# -- answers ---------------------------------------------------------------------------------------


async def _file(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    if answer.status != 200:
        retryable = answer.status == 429 or answer.status >= 500
        raise NotFetched(f"http_{answer.status}", retryable=retryable)
    data = await _bounded(answer, limit)
    if len(data) > limit:
        raise NotFetched("too_large")
    return data


async def _bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most a byte more than `limit`."""
    data = bytearray()
    async for piece in answer.content.iter_any():
        data += piece[: limit + 1 - len(data)]
        if len(data) > limit:
            break
    return bytes(data)
