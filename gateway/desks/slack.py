"""Slack: one thread for each conversation, in one channel. What a person writes in the thread goes to the contact.

Contract: Slack's Web API and Events API, docs.slack.dev, 2026. What hooks mean is read in `slack_events`.

Slack's own key against repeated messages is not for apps, so each message carries a mark of its own in its metadata
(a voice note in its file's name), and before anything is written the thread is looked at: what is there already is not
written again, also when the process died in between.

Written from the documentation and run against an emulator and Slack's own library, never against the real service: that
an app is shown its own metadata without `metadata.message:read`, and that a file stands in its thread as soon as its
upload was completed. Where the second is not so, a try that broke off right there shows a voice note twice.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from gateway.desks.base import Case, DeskError, Event, Forged, Hook, Item, Line, News, Noise, Over, Placed
from gateway.desks.notes import ENDINGS, about, kind_of, latest, untold
from gateway.desks.settings import DeskSettings
from gateway.desks.slack_events import TS, escaped, events, thread
from gateway.desks.wire import MEND, Wired, objects, retry_after, unreached
from gateway.desks.words import words
from tts.findings import Finding

API = "https://slack.com/api"
TIMEOUT = 30.0
FRESH = 300
"""Seconds a signature is good for, to both sides."""
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
LONGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of Slack's JSON."""
ROOM = 3800
"""Characters of one message, entities counted as written; Slack advises 4000."""
MARK = "recado_line"
"""Metadata's event_type."""
LOOK, PAGES = 200, 10
"""Messages a page, and pages of a thread."""
SCOPES = ("chat:write", "files:write")
HISTORY = ("channels:history", "groups:history")

KEY, CHANNEL, URL = "handoff.desk.token", "handoff.desk.channel_id", "handoff.desk.url"
REFUSED = "is refused: install the app again and copy the Bot User OAuth Token (xoxb-…)"
NO_RIGHT = "lacks a right: add the scopes of docs/desks/slack.md and install the app again"
NOT_THERE = "is not a channel the app is in: invite the app there (/invite), or correct the id"
TOKENS = ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type")
RIGHTS = ("missing_scope", "no_permission", "access_denied", "ekm_access_denied", "org_login_required")
CHANNELS = ("channel_not_found", "not_in_channel", "is_archived", "no_channel")
CLOSED = ("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel")
MENDABLE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(TOKENS, (KEY, REFUSED)),
    **dict.fromkeys(RIGHTS, (KEY, NO_RIGHT)),
    **dict.fromkeys(CHANNELS, (CHANNEL, NOT_THERE)),
    **dict.fromkeys(CLOSED, (CHANNEL, "is a channel where the app may not post")),
}
"""By Slack's word: which setting, and what is wrong with it. People wait: it is tried again until that is mended."""
NEVER = ("no_text", "msg_too_long", "msg_blocks_too_long", "metadata_too_large", "metadata_must_be_sent_from_app")
GONE = ("thread_not_found", "message_not_found", "cannot_reply_to_message")
"""Somebody deleted the thread."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message of ours."""

    mark: str
    """Equal on each retry."""
    text: str
    line: Line | None = None
    """With its voice, where that goes along as a file."""
    loud: bool = False
    """Shown in the channel, too, and not in the thread alone."""


@dataclass(slots=True)
class Slack(Wired):
    """`settings`: of type "slack"."""

    settings: DeskSettings
    now: Callable[[], float] = field(default=time.time, kw_only=True)
    """Seconds since the epoch."""

    @property
    def name(self) -> str:
        return f"slack {self.settings.channel_id}"

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        told = headers.get("x-slack-request-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", told) or abs(self.now() - int(told)) > FRESH:
            raise Forged("the signature's time is missing or not now")
        if not SIGNATURE.fullmatch(headers.get("x-slack-signature", "")):
            raise Forged("no signature")

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        secret = self.settings.secret.get_secret_value().encode()
        signed = b"v0:" + hook.headers["x-slack-request-timestamp"].encode() + b":" + hook.body
        right = "v0=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
        if not secret or not hmac.compare_digest(right, hook.headers["x-slack-signature"]):
            raise Forged("the signature is not ours")
        try:
            body = orjson.loads(hook.body)
        except orjson.JSONDecodeError:
            return [Noise("slack_unreadable")]
        if not isinstance(body, dict):
            return [Noise("slack_unreadable")]
        return events(body, self.settings.channel_id, round(self.now() * 1000))

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, item: Item) -> Placed:
        """Raises DeskError."""
        try:
            if root := self._root(item.place):
                return await self._go_on(item, root)
        except DeskError as error:
            if error.reason not in GONE:
                raise
        return Placed() if isinstance(item, Over) else await self._begin(item)

    def _root(self, place: Mapping[str, str]) -> str:
        """Where the conversation has its thread; empty: nowhere in this channel."""
        return place.get("root", "") if place.get("channel") == self.settings.channel_id else ""

    async def _begin(self, item: Case | News) -> Placed:
        """A thread of its own, or the one that an earlier try began."""
        first = Part(_mark(item.id, "first"), _head(item))
        there = await self._there("conversations.history", pages=1)
        root = there.get(first.mark, "")
        there = await self._there("conversations.replies", ts=root) if root else {}
        root = root or await self._post(first, "")
        lines = item.transcript if isinstance(item, Case) else item.lines
        told = await self._put(_said(item, lines), root, there)
        return self._placed({"root": root, "called": root, "last": _last(root, *told)}, lines)

    async def _go_on(self, item: Item, root: str) -> Placed:
        lines, parts = _new_lines(item), _parts(item)
        last = item.place.get("last") or root
        there = await self._there("conversations.replies", ts=root, oldest=last)
        told = await self._put(parts, root, there)
        called = told[0] if isinstance(item, Case) else item.place.get("called") or root
        place = {**item.place, "root": root, "called": called, "last": _last(last, *told)}
        return self._placed(place, lines)

    def _placed(self, place: Mapping[str, str], lines: Sequence[Line]) -> Placed:
        """`root`: the thread's first message; `called`: the one that called people last, where a reaction counts, too;
        `last`: what need not be looked at again; `at`: the newest line that stands there."""
        channel = self.settings.channel_id
        known_as = [thread(channel, ts) for ts in dict.fromkeys((place["root"], place["called"]))]
        return Placed({**place, "channel": channel, "at": latest(place, lines)}, known_as)

    async def _put(self, parts: Sequence[Part], root: str, there: Mapping[str, str]) -> list[str]:
        """What is not there yet, in order. Returns where each part stands; empty: nobody said."""
        return [there[part.mark] if part.mark in there else await self._add(part, root) for part in parts]

    async def _add(self, part: Part, root: str) -> str:
        if part.line is None or part.line.voice is None:
            return await self._post(part, root)
        try:
            return await self._upload(part, part.line.voice, part.line.mime, root)
        except DeskError as error:
            if error.retryable and error.reason not in (*MENDABLE, "private_address"):
                raise
        return await self._post(part, root)  # its words at least

    async def _post(self, part: Part, root: str) -> str:
        message: dict[str, Any] = {
            "channel": self.settings.channel_id,
            "text": part.text,
            "metadata": {"event_type": MARK, "event_payload": {"mark": part.mark}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if root:
            message |= {"thread_ts": root, **({"reply_broadcast": True} if part.loud else {})}
        ts = (await self._call("chat.postMessage", json=message)).get("ts")
        if not isinstance(ts, str) or not TS.fullmatch(ts):
            raise DeskError("no_ts", retryable=True, hint="Slack took a message and did not say where it stands")
        return ts

    async def _upload(self, part: Part, voice: bytes, mime: str, root: str) -> str:
        """In three steps; only with the last one is it seen."""
        name = f"{part.mark}.{ENDINGS.get(kind_of(mime), 'ogg')}"
        place = await self._ask("files.getUploadURLExternal", filename=name, length=str(len(voice)))
        url, id = place.get("upload_url"), place.get("file_id")
        if not isinstance(url, str) or not isinstance(id, str) or not self._may_take(url):
            raise DeskError("no_upload_url", retryable=True, hint="Slack did not say where a voice note may be put")
        async with _wire(), self._client(TIMEOUT).post(url, data=voice, allow_redirects=False) as answer:
            if answer.status != 200:
                raise _http(answer.status, retry_after(answer.headers))
        shared = {"channel_id": self.settings.channel_id, "thread_ts": root, "initial_comment": part.text}
        files = orjson.dumps([{"id": id, "title": name}]).decode()
        await self._ask("files.completeUploadExternal", files=files, **shared)
        return ""

    def _may_take(self, url: str) -> bool:
        """Voices of contacts go over https, or where our calls go."""
        there, base = urlsplit(url), urlsplit(self._base)
        return there.scheme == "https" or (there.scheme, there.netloc) == (base.scheme, base.netloc)

    async def _there(self, method: str, *, pages: int = PAGES, **where: str) -> dict[str, str]:
        """By mark, the messages of ours that stand there."""
        found: dict[str, str] = {}
        asked = {**where, "channel": self.settings.channel_id, "limit": str(LOOK), "include_all_metadata": "true"}
        for _ in range(pages):
            answer = await self._call(method, "GET", params=asked)
            for message in objects(answer.get("messages")):
                found |= dict.fromkeys(_marks(message), str(message.get("ts", "")))
            more = answer.get("response_metadata")
            asked["cursor"] = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
            if not asked["cursor"]:
                break
        return found

    # -- the wire --------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return self.settings.url.rstrip("/") or API

    async def _ask(self, method: str, **form: str) -> Mapping[str, Any]:
        return await self._call(method, data=form)

    async def _call(self, method: str, verb: str = "POST", **request: Any) -> Mapping[str, Any]:
        """What Slack answers. Raises DeskError, also for a refusal, which Slack writes into a 200."""
        key, url = {"authorization": f"Bearer {self.settings.token.get_secret_value()}"}, f"{self._base}/{method}"
        async with _wire():
            answer = await self._answer(verb, url, key, within=TIMEOUT, most=LONGEST_ANSWER, **request)
        body = answer.body or {}
        if body.get("ok") is True and answer.status == 200:
            return {**body, "scopes": answer.headers.get("x-oauth-scopes", "")}
        if body.get("ok") is False and isinstance(body.get("error"), str):
            raise _refusal(body, answer.wait)
        raise _http(answer.status, answer.wait)

    # -- is it right? ------------------------------------------------------------------------------------

    async def online(self) -> bool | None:
        """Slack tells who is there of one person at a time, and not who looks after this channel."""
        return None

    async def check(self) -> Sequence[Finding]:
        """The token, its rights, and whether the app is in the channel."""
        try:
            us = await self._ask("auth.test")
        except DeskError as error:
            return [_finding(error)]
        named = Finding("ok", KEY, f"this is {_told(us, 'user')} of {_told(us, 'team')}")
        found = [named, *_lacking(str(us["scopes"]))]
        try:
            await self._call("conversations.history", "GET", params={"channel": self.settings.channel_id, "limit": "1"})
        except DeskError as error:
            return [*found, _finding(error)]
        return [*found, Finding("ok", CHANNEL, f"the app reads {self.settings.channel_id}")]


# -- what is written ---------------------------------------------------------------------------------


def _parts(item: Item) -> list[Part]:
    """Of an item whose conversation has its thread."""
    if isinstance(item, Over):
        return [Part(_mark(item.id, "over"), f"_{escaped(words(item.language)['over'])}_")]
    again = [Part(_mark(item.id, "first"), _head(item), loud=True)] if isinstance(item, Case) else []
    return [*again, *_said(item, _new_lines(item))]


def _new_lines(item: Item) -> Sequence[Line]:
    """Called again, people are not told again what stands in the thread."""
    if isinstance(item, Case):
        return untold(item.transcript, item.place)
    return item.lines if isinstance(item, News) else ()


def _head(item: Case | News) -> str:
    """Who it is, and why people are called: the thread's first message, or the one that calls again."""
    say = words(item.language)
    rows = [_row(label, value) for label, value in about(item)]
    if isinstance(item, Case):
        rows = [f"_{escaped(say['again'])}_", *rows] if item.place else rows
        rows += [_summary(say["summary"], item.summary, ROOM - sum(map(len, rows)) - 1600)]
        rows += [f"<{_address(item.url)}|{say['open']}>"] if item.url else []
    return "\n".join([row for row in rows if row] + [f"_{escaped(say['in_thread'])}_"])


def _row(label: str, value: str) -> str:
    told = escaped(" ".join(value.split())[:240])
    return f"*{label}*: {told}" if told else ""


def _summary(label: str, text: str, room: int) -> str:
    """What there is no room for is left out, and that is seen."""
    first, *more = _quoted(text, room)
    return f"*{label}*\n{first}" + ("\n> …" if more else "") if first else ""


def _address(url: str) -> str:
    return escaped(url).replace("|", "%7C")[:1000]


def _said(item: Case | News, lines: Sequence[Line]) -> list[Part]:
    """As few messages as there is room in; a voice note is one of its own."""
    parts: list[tuple[str, Line | None]] = []
    for line in lines:
        texts = _told_by(item, line)
        if line.voice is None and parts and parts[-1][1] is None and len(parts[-1][0]) + len(texts[0]) < ROOM:
            parts[-1] = (f"{parts[-1][0]}\n{texts.pop(0)}", None)
        elif line.voice is not None:
            parts.append((texts.pop(0), line))
        parts += [(text, None) for text in texts]
    return [Part(_mark(item.id, str(n)), text, line) for n, (text, line) in enumerate(parts)]


def _told_by(item: Case | News, line: Line) -> list[str]:
    """Every line of it stands behind a bar, so that nobody's words look like somebody else's."""
    say = words(item.language)
    named = f" {escaped(' '.join(item.name.split())[:80])}" if line.by == "contact" and item.name else ""
    when = f"<!date^{line.at // 1000}^{{date_short_pretty}} {{time}}|{_utc(line.at)}>"
    voice = line.voice is not None or line.mime.startswith("audio/")
    note = f" · 🎤 {say['voice_note']}" if voice else ""
    text = line.text.strip() or (f"({say['not_heard']})" if voice else "…")
    return [f"*{say[line.by]}*{named} · {when}{note}\n{piece}" for piece in _quoted(text, ROOM - 400)]


def _utc(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at / 1000))


def _quoted(text: str, room: int) -> list[str]:
    """In pieces of at most `room` characters as they are sent, cut at a line or a word where there is one."""
    pieces, now = [], ""
    for line in text.strip().splitlines():
        for row in _rows(line, max(room, 200)):
            if now and len(now) + len(row) + 1 > room:
                pieces.append(now)
                now = ""
            now = f"{now}\n{row}" if now else row
    return [*pieces, now]


def _rows(line: str, room: int) -> list[str]:
    """One line as quoted lines; an entity is never cut in two, since no character takes more than five."""
    rows = []
    while len(f"> {escaped(line)}") > room:
        most = line[: room // 5]
        at = len(most.rpartition(" ")[0]) or len(most)
        rows.append(f"> {escaped(line[:at])}")
        line = line[at:].lstrip()
    return [*rows, f"> {escaped(line)}"]


def _mark(id: str, which: str) -> str:
    """Twenty characters that say nothing to anybody but us; also a file's name."""
    return hashlib.sha256(f"{id}\0{which}".encode()).hexdigest()[:20]


def _marks(message: Mapping[str, Any]) -> list[str]:
    metadata = message.get("metadata")
    told = metadata.get("event_payload") if isinstance(metadata, dict) and metadata.get("event_type") == MARK else None
    names = [str(file.get("name", "")).partition(".")[0] for file in objects(message.get("files"))]
    return [*names, str(told.get("mark", ""))] if isinstance(told, dict) else names


def _last(*told: str) -> str:
    """The newest of some messages."""
    return max((ts for ts in told if TS.fullmatch(ts)), key=lambda ts: tuple(map(int, ts.split("."))), default="")


# -- what was answered -------------------------------------------------------------------------------


@asynccontextmanager
async def _wire() -> AsyncIterator[None]:
    """What aiohttp raises, as the desk's own error."""
    try:
        yield
    except aiohttp.InvalidURL:
        raise DeskError("no_address", retryable=True, retry_after=MEND, hint=f"{URL} is no address") from None
    except (aiohttp.ClientError, OSError) as error:
        private, silent = f"{URL} leads to a private address", "Slack cannot be reached: check network and proxy"
        raise unreached(error, private=private, silent=silent) from None


def _refusal(body: Mapping[str, Any], wait: float | None) -> DeskError:
    """In Slack's words."""
    reason = str(body["error"])[:80]
    if reason in MENDABLE:
        key, wrong = MENDABLE[reason]
        needed = re.sub(r"[^a-z:,._ ]", "", str(body.get("needed", "")))[:100]
        hint = f"{key} {wrong}" + (f" (Slack asks for {needed})" if needed else "")
        return DeskError(reason, retryable=True, retry_after=wait or MEND, hint=hint)
    for_good = reason in (*NEVER, *GONE) or reason.startswith("invalid_")
    return DeskError(reason, retryable=not for_good, retry_after=wait, hint=f"Slack answered {reason}")


def _http(status: int, wait: float | None) -> DeskError:
    """In no words of Slack's: a proxy, a login page, trouble."""
    reason = f"http_{status}"
    if status in (401, 403):
        return DeskError(reason, retryable=True, retry_after=wait or MEND, hint=f"{KEY} {REFUSED}")
    if status == 404:
        return DeskError(reason, retryable=False, hint=f"{URL} is not Slack's: leave it out")
    passes = status < 400 or status >= 500 or status in (408, 425, 429)
    return DeskError(reason, retryable=passes, retry_after=wait, hint=f"what answered {status} was not Slack's API")


# -- what was found out --------------------------------------------------------------------------------


def _finding(error: DeskError) -> Finding:
    key = MENDABLE[error.reason][0] if error.reason in MENDABLE else URL
    return Finding("error", key, error.hint.removeprefix(f"{key} "), error.reason)


def _lacking(scopes: str) -> list[Finding]:
    """Slack names the token's rights with each answer; where it does not, nothing is said."""
    has = {scope.strip() for scope in scopes.split(",") if scope.strip()}
    lacks = [scope for scope in SCOPES if has and scope not in has]
    if has and not has & set(HISTORY):
        lacks.append(" or ".join(HISTORY))
    return [Finding("error", KEY, f"the scope {scope} is missing: add it and install the app again") for scope in lacks]


def _told(body: Mapping[str, Any], key: str) -> str:
    return str(body.get(key, "?"))[:80]
