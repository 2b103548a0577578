"""Any program as a desk: Standard Webhooks both ways (spec of 2026). So Zapier, Make, n8n and Power Automate connect.

What is told, in POSTs of less than 20 kB; `webhook-id` is equal on each retry:

    handoff.requested   {handoff_id, again, conversation, contact, queue, reason, why, summary, transcript, ...}
    handoff.message     {conversation, contact, message: {role, text, at, voice}}: one for each thing that was said
    handoff.released    {conversation, reason}

What is taken, signed with the same secret:

    message.created         {conversation, text, id?, person?}
    conversation.assigned   {conversation, id?, person?}
    conversation.resolved   {conversation, id?, person?}

`conversation` is its id, or an object that has it as `id`. docs/desks/webhook.md shows each as it travels.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from standardwebhooks.webhooks import EmptyWebhookSecretError

from gateway import signing
from gateway.desks.base import (
    Assigned,
    Case,
    DeskError,
    Event,
    Forged,
    Hook,
    Item,
    Line,
    News,
    Noise,
    Over,
    Placed,
    Resolved,
    Written,
)
from gateway.desks.settings import DeskSettings
from gateway.desks.wire import MEND, Wired, unreached
from gateway.rules.addresses import problem_with
from gateway.transcript import rfc3339
from tts.findings import Finding

TIMEOUT = 20.0
FRESH = 300
"""Seconds a signature is good for, to both sides."""
MOST = 19_000
"""Bytes of a POST; the spec advises less than 20 kB."""
SUMMARY, WORDS = 4000, 12_000
"""Bytes of the summary, and of one thing that was said."""
ROLES = {"contact": "user", "assistant": "assistant", "person": "person"}
URL, SECRET = "handoff.desk.url", "handoff.desk.secret"
NO_SECRET = "is no Standard Webhooks secret (whsec_…); make one with `recado secret`"  # noqa: S105


@dataclass(slots=True)
class Webhook(Wired):
    """`settings`: of type "webhook"."""

    settings: DeskSettings = field(repr=False)
    """Its address often holds a key."""
    now: Callable[[], float] = field(default=time.time, kw_only=True)
    """Seconds since the epoch, for signatures."""

    @property
    def name(self) -> str:
        """An address often holds a key of its own: the host alone is shown."""
        return f"webhook {_host(self.settings.url)}"

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        told = headers.get("webhook-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", told) or abs(self.now() - int(told)) > FRESH:
            raise Forged("webhook-timestamp is missing or not now")
        if not headers.get("webhook-id") or not headers.get("webhook-signature"):
            raise Forged("no signature")

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        if not self._signed(hook):
            raise Forged("the signature is not ours")
        try:
            body = orjson.loads(hook.body)
        except orjson.JSONDecodeError:
            return [Noise("webhook_unreadable")]
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            return [Noise("webhook_unreadable")]
        at = _milliseconds(body.get("timestamp"), int(hook.headers["webhook-timestamp"]) * 1000)
        return [_meant(_text(body.get("type")), data, hook.headers["webhook-id"], at)]

    def _signed(self, hook: Hook) -> bool:
        """Any of the signatures fits. Standard Webhooks' own library makes the one that is right; its `verify` would
        ask the clock of the machine."""
        try:
            right = self._headers(hook.headers["webhook-id"], hook.body, float(hook.headers["webhook-timestamp"]))
        except (ValueError, EmptyWebhookSecretError):
            return False
        told = hook.headers["webhook-signature"].encode("utf-8", "replace").split(b" ")[:16]
        return any(hmac.compare_digest(right["webhook-signature"].encode(), one) for one in told)

    def _headers(self, id: str, body: bytes, now: float) -> dict[str, str]:
        return signing.headers(id, body, secret=self.settings.secret.get_secret_value(), now=now)

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, item: Item) -> Placed:
        """Raises DeskError."""
        for id, type, data in _told(item):
            await self._post(id, signing.payload(type, round(self.now() * 1000), data))
        return Placed({"told": "1"}, [item.conversation])

    async def _post(self, id: str, body: bytes) -> None:
        if problem := problem_with(self.settings.url, allow_private=self.allow_private):
            raise DeskError("refused", retryable=True, retry_after=MEND, hint=f"{URL} {problem}")
        secret, session = self.settings.secret.get_secret_value(), self._client(TIMEOUT)
        try:
            answer = await signing.post(session, self.settings.url, body, id=id, secret=secret, now=self.now())
        except (aiohttp.ClientError, OSError) as error:
            private, silent = f"{URL} leads to a private address", f"{URL} cannot be reached"
            raise unreached(error, private=private, silent=silent) from None
        except (ValueError, EmptyWebhookSecretError):
            raise DeskError("bad_secret", retryable=True, retry_after=MEND, hint=f"{SECRET} {NO_SECRET}") from None
        if not answer.taken:
            raise _refused(answer)

    # -- is it right? ------------------------------------------------------------------------------------

    async def online(self) -> bool | None:
        return None

    async def check(self) -> Sequence[Finding]:
        """What can be told without a POST, which would set somebody's flow going."""
        if problem := problem_with(self.settings.url, allow_private=self.allow_private):
            return [Finding("error", URL, problem)]
        try:
            self._headers("msg_check", b"{}", 0.0)
        except (ValueError, EmptyWebhookSecretError):
            return [Finding("error", SECRET, NO_SECRET)]
        return [Finding("ok", URL, f"handoffs are POSTed to {_host(self.settings.url)}; nothing was sent to try it")]


# -- what is told ------------------------------------------------------------------------------------


def _told(item: Item) -> list[tuple[str, str, dict[str, Any]]]:
    """(webhook-id, type, data) of each POST."""
    if isinstance(item, Case):
        return [(item.id, "handoff.requested", _case(item))]
    if isinstance(item, Over):
        data = {"conversation": {"id": item.conversation}, "reason": item.reason}
        return [(item.id, "handoff.released", data)]
    ids = [item.id if len(item.lines) == 1 else f"{item.id}.{n}" for n, _ in enumerate(item.lines, 1)]
    return [(id, "handoff.message", _message(item, line)) for id, line in zip(ids, item.lines, strict=True)]


def _case(item: Case) -> dict[str, Any]:
    place = {"id": item.conversation, "channel": item.channel, "address": item.contact, "url": item.url[:1000]}
    data: dict[str, Any] = {
        "handoff_id": item.id,
        "again": bool(item.place),
        "conversation": place,
        "contact": {"name": item.name[:200], "language": item.speaks},
        "queue": {"from": item.queue, "to": item.to, "language": item.language},
        "reason": item.reason,
        "why": item.why[:500],
        "priority": "normal",
        "summary": _cut(item.summary, SUMMARY),
    }
    lines = _newest([_line(line) for line in item.transcript], MOST - 200 - len(orjson.dumps(data)))
    return data | {"transcript": lines, "left_out": len(item.transcript) - len(lines)}


def _newest(lines: Sequence[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """Those there is room for, oldest first."""
    kept: list[dict[str, Any]] = []
    for line in reversed(lines):
        room -= len(orjson.dumps(line)) + 1
        if room < 0:
            break
        kept.insert(0, line)
    return kept


def _message(item: News, line: Line) -> dict[str, Any]:
    contact = {"name": item.name[:200], "address": item.contact}
    return {"conversation": {"id": item.conversation}, "contact": contact, "message": _line(line)}


def _line(line: Line) -> dict[str, Any]:
    """A voice note goes as its words: nothing that a webhook could carry is large enough for sound."""
    voice = line.voice is not None or line.mime.startswith("audio/")
    return {"role": ROLES[line.by], "text": _cut(line.text, WORDS), "at": rfc3339(line.at), "voice": voice}


def _cut(text: str, room: int) -> str:
    """At most `room` bytes as JSON writes them, cut at a line or word where there is one, and then it ends in `…`."""
    if len(orjson.dumps(text)) <= room:
        return text
    kept = text[:room]
    while len(orjson.dumps(kept)) > room - 8:
        kept = kept[: len(kept) * 9 // 10]
    at = max(kept.rfind("\n"), kept.rfind(" "))
    return f"{kept[: at if at > len(kept) // 2 else len(kept)].rstrip()}…"


# -- what was answered -------------------------------------------------------------------------------


def _refused(answer: signing.Answer) -> DeskError:
    """Programs that are switched off answer 404 as well as 410; only the second is said for good."""
    reason = f"http_{answer.status}"
    if answer.gone:
        return DeskError(reason, retryable=False, hint=f"{URL} answered 410: nobody wants handoffs there any more")
    if answer.status in (400, 405, 413, 415, 422):
        return DeskError(reason, retryable=False, hint=f"what answers at {URL} does not take handoffs: see its own log")
    if answer.status in (401, 403):
        return DeskError(reason, retryable=True, retry_after=MEND, hint=f"{URL} refuses: is {SECRET} the same there?")
    if answer.status < 500 and answer.status not in (408, 409, 425, 429):
        return DeskError(reason, retryable=True, retry_after=MEND, hint=f"{URL} leads elsewhere, or its flow is off")
    wait = float(answer.retry_after) if answer.retry_after else None
    return DeskError(reason, retryable=True, retry_after=wait, hint=f"{URL} answered {answer.status}: see its own log")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


# -- what comes in -----------------------------------------------------------------------------------


def _meant(type: str, data: Mapping[str, Any], webhook_id: str, at: int) -> Event:
    told = data.get("conversation")
    thread = _text(told.get("id") if isinstance(told, dict) else told)
    id = _text(data.get("id"))[:200] or webhook_id[:200]
    person = data.get("person")
    person = _text(person.get("name") if isinstance(person, dict) else person).strip()[:64]
    if not thread or len(thread) > 200:
        return Noise("webhook_no_conversation")
    if type == "message.created":
        text = _text(data.get("text")).strip()
        return Written(id, thread, text, at, person) if text else Noise("webhook_no_text")
    if type == "conversation.assigned":
        return Assigned(id, thread, at, person)
    if type == "conversation.resolved":
        return Resolved(id, thread, at, person)
    return Noise("webhook_other_type")


def _milliseconds(timestamp: object, otherwise: int) -> int:
    """RFC 3339."""
    try:
        told = datetime.fromisoformat(_text(timestamp))
    except ValueError:
        return otherwise
    zoned = told if told.tzinfo else told.replace(tzinfo=UTC)
    return max(0, round(zoned.timestamp() * 1000))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
