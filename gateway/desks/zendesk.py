"""Zendesk Support as a desk: one ticket for each conversation, and agents' public comments back to the contact.

Contract: developer.zendesk.com/api-reference/ticketing (2026-11), Basic `email/token:API_TOKEN`. A ticket is created
with an `Idempotency-Key`. Updates know none: each of ours carries `metadata.recado`, which Zendesk keeps in the
ticket's audits, and a repeat looks there first.

What Zendesk tells us is what a trigger's JSON body says, so its shape is ours: docs/desks/zendesk.md has it to paste.

Written from the documentation, never run against the real service. Not verified: that audits come newest first with
`sort_order=desc`; that `ticket.latest_public_comment.id` is filled in (the webhook's invocation stands in for it); that
Zendesk escapes what it puts into a JSON body (`_loads` reads it either way); that a webhook which is tried again is
signed with a time of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from urllib.parse import quote

import aiohttp

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
from gateway.desks.notes import ENDINGS, cut, head, kind_of, latest, spoken, told, untold
from gateway.desks.settings import DeskSettings
from gateway.desks.wire import Answer, Service, Wired, address_refused, object_in, objects_in
from gateway.desks.words import words
from gateway.rules.addresses import problem_with
from tts.findings import Finding

TIMEOUT = 60.0
"""Seconds for one call, a voice note's upload among them."""
LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes. A hundred audits with their comments, twice each (plain and HTML), stay below it."""
LONGEST_HOOK = 1024 * 1024
SUBJECT, NAME = 140, 100
VOICES = 20
"""Voice notes on one comment: the newest."""
FRESH = 300.0
"""Seconds between Zendesk's clock and ours."""
TAG = "recado"
"""On every ticket of ours: the triggers look for it."""
SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=")
NUMBER = re.compile(r"[0-9]{1,20}")
LINK = re.compile(r"https://[^\s<>\"]{1,2000}")
REFUSED = (
    "handoff.desk.token is refused: make a new API token in Zendesk's Admin Center, and check that handoff.desk.email "
    "is the agent's who made it"
)
ADDRESS = "check handoff.desk.url: it is like https://yourshop.zendesk.com, with nothing behind it"
SERVICE = Service("Zendesk", REFUSED, ADDRESS)


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    status: str

    @property
    def closed(self) -> bool:
        """For good: nothing can be added any more."""
        return self.status == "closed"


@dataclass(slots=True)
class Zendesk(Wired):
    """`settings`: of type "zendesk". `queue`: whose desk it is. `now`: seconds since the epoch, for the signature."""

    settings: DeskSettings
    queue: str = field(kw_only=True)
    now: Callable[[], float] = field(default=time.time, kw_only=True)

    @property
    def name(self) -> str:
        return f"zendesk {self.queue}"

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, item: Item) -> Placed:
        """Raises DeskError."""
        if isinstance(item, Case):
            return await self._case(item)
        if isinstance(item, News):
            return await self._news(item)
        return await self._over(item)

    async def _case(self, case: Case) -> Placed:
        """The summary, then what was said: two notes, so that nothing which differs from try to try (the uploads) is
        part of the call that the Idempotency-Key compares."""
        ticket, former = await self._ticket(case)
        note, requester = {"body": head(case, again=ticket is not None), "public": False}, await self._requester(case)
        made = await self._create(case, requester, subject(case), note, former) if ticket is None else None
        ticket = ticket or made
        assert ticket is not None
        done = await self._marks(ticket) | ({case.id} if made else set())
        await self._say(ticket, case.id, done, note, reopen=True)
        lines = untold(case.transcript, case.place if case.place.get("ticket") == ticket.id else {})
        if lines and f"{case.id}:said" not in done:
            said = {"body": told(lines, case.language), "public": False}
            await self._say(ticket, f"{case.id}:said", done, said | await self._uploads(lines))
        return placed(ticket, requester, case.place, lines)

    async def _news(self, news: News) -> Placed:
        """Each speaker's lines as one comment: Zendesk takes 30 updates of a ticket in ten minutes."""
        ticket, former = await self._ticket(news)
        requester = await self._requester(news)
        if ticket is None:
            comment = {"body": news.name or news.contact, "public": False}
            ticket = await self._create(news, requester, news.name or news.contact, comment, former)
        done = await self._marks(ticket)
        for n, (contact, lines) in enumerate(groupby(news.lines, key=lambda line: line.by == "contact")):
            mark = f"{news.id}:{n}"
            if mark not in done:
                await self._add(ticket, mark, list(lines), requester if contact else "", news.language)
        return placed(ticket, requester, news.place, news.lines)

    async def _add(self, ticket: Ticket, mark: str, lines: Sequence[Line], author: str, language: str) -> None:
        """`author`: the requester, or empty: then it is a note that says who spoke."""
        uploads = await self._uploads(lines)
        note = {"body": told(lines, language), "public": False} | uploads
        if not author:
            return await self._say(ticket, mark, set(), note)
        body = cut("\n".join(spoken(line, language) for line in lines))
        comment = {"body": body, "public": True, "author_id": int(author)} | uploads
        try:
            await self._say(ticket, mark, set(), comment, reopen=True)
        except DeskError as error:
            if error.reason != "http_422":
                raise
            # The requester was deleted, or may not comment: what was said matters more than whose name is beside it.
            await self._say(ticket, mark, set(), note)
        return None

    async def _over(self, over: Over) -> Placed:
        """The status stays as people left it."""
        ticket, _ = await self._ticket(over)
        if ticket is not None:
            note = {"body": words(over.language)["over"], "public": False}
            await self._say(ticket, over.id, await self._marks(ticket), note)
        return Placed()

    # -- tickets -------------------------------------------------------------------------------------

    async def _ticket(self, item: Item) -> tuple[Ticket | None, str]:
        """The conversation's ticket that can still be written to, and the number of a closed one before it."""
        former = ""
        if NUMBER.fullmatch(known := item.place.get("ticket", "")):
            answer = await self._call("GET", f"tickets/{known}.json", missing=True)
            ticket = _ticket_of(object_in(answer.body, "ticket"))
            if ticket and not ticket.closed:
                return ticket, ""
            former = ticket.id if ticket else ""
        # A try before this one may have made it and died before it could tell.
        answer = await self._call("GET", "tickets.json", params={"external_id": item.conversation})
        ours = [one for one in objects_in(answer.body, "tickets") if TAG in _texts(one.get("tags"))]
        tickets = [ticket for ticket in map(_ticket_of, ours) if ticket]
        return max((t for t in tickets if not t.closed), key=lambda t: int(t.id), default=None), former

    async def _create(
        self, item: Case | News, requester: str, title: str, comment: Mapping[str, Any], former: str
    ) -> Ticket:
        ticket: dict[str, Any] = {
            "subject": title[:SUBJECT],
            "comment": comment,
            "requester_id": int(requester),
            "external_id": item.conversation,
            "tags": [TAG, *self.settings.labels],
            "metadata": {"recado": item.id},
        }
        if self.settings.group_id:
            ticket["group_id"] = self.settings.group_id
        if former:
            ticket["via_followup_source_id"] = int(former)
        headers = {"Idempotency-Key": _key(item.id)}
        answer = await self._call("POST", "tickets.json", headers=headers, json={"ticket": ticket})
        if made := _ticket_of(object_in(answer.body, "ticket")):
            return made
        raise DeskError("no_ticket", retryable=True, hint=f"Zendesk took a ticket and named none; {ADDRESS}")

    async def _marks(self, ticket: Ticket) -> set[str]:
        """What of ours is there, of the newest hundred changes."""
        answer = await self._call("GET", f"tickets/{ticket.id}/audits.json", params={"sort_order": "desc"})
        custom = [object_in(object_in(audit, "metadata"), "custom") for audit in objects_in(answer.body, "audits")]
        return {mark for each in custom if isinstance(mark := each.get("recado"), str)}

    async def _say(
        self, ticket: Ticket, mark: str, done: set[str], comment: Mapping[str, Any], *, reopen: bool = False
    ) -> None:
        """Unless it is there. `reopen`: somebody waits, so a ticket that waited for the contact is open again."""
        if mark in done:
            return
        update: dict[str, Any] = {"comment": comment, "metadata": {"recado": mark}}
        if reopen and ticket.status in ("pending", "hold", "solved"):
            update["status"] = "open"
        await self._call("PUT", f"tickets/{ticket.id}.json", json={"ticket": update})

    async def _requester(self, item: Case | News) -> str:
        """The user's number. The external id has our name before it, so that it is nobody's whom the account knew."""
        if NUMBER.fullmatch(known := item.place.get("requester", "")):
            return known
        called = (item.name.strip() or item.contact)[:NAME]
        user = {"name": called, "external_id": f"recado:{item.conversation}", "skip_verify_email": True}
        answer = await self._call("POST", "users/create_or_update.json", json={"user": user})
        id = object_in(answer.body, "user").get("id")
        if isinstance(id, int) and not isinstance(id, bool):
            return str(id)
        raise DeskError("no_user", retryable=True, hint=f"Zendesk took a requester and named none; {ADDRESS}")

    async def _uploads(self, lines: Sequence[Line]) -> dict[str, list[str]]:
        """Voice notes, ready to stand beside a comment. One that Zendesk does not take stays behind: its words are
        there."""
        tokens = []
        voices = [line for line in lines if line.voice]
        for n, line in enumerate(voices[-VOICES:], 1):
            try:
                tokens.append(await self._upload(line.voice or b"", line.mime, n))
            except DeskError as error:
                if error.retryable:
                    raise
        return {"uploads": tokens} if tokens else {}

    async def _upload(self, sound: bytes, mime: str, n: int) -> str:
        kind = kind_of(mime)
        headers = {"content-type": kind if kind in ENDINGS else "application/octet-stream"}
        params = {"filename": f"voice-{n}.{ENDINGS.get(kind, 'bin')}"}
        answer = await self._call("POST", "uploads.json", params=params, headers=headers, data=sound)
        token = object_in(answer.body, "upload").get("token")
        if isinstance(token, str) and token:
            return token
        raise DeskError("no_upload", retryable=True, hint="Zendesk took a voice note and gave no token for it")

    # -- the wire ------------------------------------------------------------------------------------

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, *, missing: bool = False, **request: Any
    ) -> Answer:
        """Raises DeskError unless it was accepted. `missing`: a 404 of Zendesk's own is an answer, too."""
        if problem := problem_with(self.settings.url, allow_private=self.allow_private):
            raise address_refused(problem)
        try:
            url, sent = f"{self.settings.url.rstrip('/')}/api/v2/{path}", {**self._authorization(), **(headers or {})}
            answer = await self._answer(method, url, sent, within=TIMEOUT, most=LONGEST_ANSWER, **request)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SERVICE.unreached(error) from None
        if answer.accepted or (missing and answer.status == 404 and answer.body is not None):
            return answer
        raise refusal(answer)

    def _authorization(self) -> dict[str, str]:
        both = f"{self.settings.email}/token:{self.settings.token.get_secret_value()}"
        return {"authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        """That it is signed and fresh; by whom, only the body tells. Raises Forged."""
        if not SIGNATURE.fullmatch(headers.get("x-zendesk-webhook-signature", "")):
            raise Forged("x-zendesk-webhook-signature is missing or no signature")
        signed = _seconds(headers.get("x-zendesk-webhook-signature-timestamp", ""))
        if signed is None or abs(self.now() - signed) > FRESH:
            raise Forged("x-zendesk-webhook-signature-timestamp is missing, or too far from our clock")

    def read(self, hook: Hook) -> Sequence[Event]:
        """Raises Forged."""
        self.prove(hook.headers)
        if not self._proves(hook):
            raise Forged("x-zendesk-webhook-signature is not of handoff.desk.secret")
        if len(hook.body) > LONGEST_HOOK:
            return [Noise("too_large")]
        at = _seconds(hook.headers["x-zendesk-webhook-signature-timestamp"]) or 0.0
        return [event(_loads(hook.body), round(at * 1000), hook.headers.get("x-zendesk-webhook-invocation-id", ""))]

    def _proves(self, hook: Hook) -> bool:
        """base64(HMAC-SHA256(secret, timestamp + body)), over the bytes as they came and in constant time."""
        secret = self.settings.secret.get_secret_value().encode()
        timestamp = hook.headers["x-zendesk-webhook-signature-timestamp"].encode("utf-8", "replace")
        ours = base64.b64encode(hmac.digest(secret, timestamp + hook.body, "sha256"))
        told = hook.headers["x-zendesk-webhook-signature"].encode("utf-8", "replace")
        return hmac.compare_digest(ours, told) and bool(secret)

    # -- is somebody there, is it right? ---------------------------------------------------------------

    async def online(self) -> bool | None:
        """Zendesk Support does not say."""
        return None

    async def check(self) -> Sequence[Finding]:
        try:
            answer = await self._call("GET", "users/me.json")
            found = [_agent_finding(object_in(answer.body, "user"))]
            if self.settings.group_id and found[0].level == "ok":
                found.append(await self._group_finding())
            return found
        except DeskError as error:
            key = "token" if error.reason in ("http_401", "http_403") else "url"
            return [Finding("error", f"handoff.desk.{key}", f"{error.reason}: {error.hint or ADDRESS}", error.reason)]

    async def _group_finding(self) -> Finding:
        answer = await self._call("GET", f"groups/{self.settings.group_id}.json", missing=True)
        if answer.status == 404:
            told = f"Zendesk knows no group {self.settings.group_id}: its number stands in the address of its page"
            return Finding("error", "handoff.desk.group_id", told)
        return Finding("ok", "handoff.desk.group_id", f"tickets go to {_text(object_in(answer.body, 'group'), 'name')}")


# -- what colleagues read --------------------------------------------------------------------------


def subject(case: Case) -> str:
    who = case.name.strip() or case.contact
    return f"{who}: {case.why}" if case.why else who


def placed(ticket: Ticket, requester: str, before: Mapping[str, str], lines: Sequence[Line]) -> Placed:
    place = {"ticket": ticket.id, "requester": requester, "at": latest(before, lines)}
    return Placed(place, (ticket.id,))


# -- what an answer means --------------------------------------------------------------------------


def refusal(answer: Answer) -> DeskError:
    """Of a call that was not accepted. What an operator can mend is tried again: people wait."""
    if away := SERVICE.turned_away(answer, answer.wait, knows=answer.body is not None):
        return away
    if answer.status == 400 and _text(answer.body or {}, "error") == "IdempotentRequestError":
        # The ticket is there, with another name of the contact; the list will show it.
        return DeskError("idempotency_key", retryable=True, hint="the ticket is made and not listed yet")
    return DeskError(f"http_{answer.status}", retryable=False, hint=f"Zendesk refused: {_words_of(answer.body)}")


def _words_of(body: Mapping[str, Any] | None) -> str:
    """`error` and `description`; `details` may repeat what a contact said."""
    said = [_text(body or {}, key) for key in ("error", "description")]
    return ": ".join(one for one in said if one)[:300] or "without a word"


def _agent_finding(user: Mapping[str, Any]) -> Finding:
    role, called = _text(user, "role"), _text(user, "name")
    if role not in ("agent", "admin"):
        return Finding("error", "handoff.desk.email", f"that is no agent of this account (role {role or 'unknown'})")
    return Finding("ok", "handoff.desk.token", f"Zendesk knows {called} ({role})")


# -- what a trigger's body means -------------------------------------------------------------------


def event(body: Mapping[str, Any], at: int, invocation: str) -> Event:
    """`body`: as docs/desks/zendesk.md has it. `at`: milliseconds, when it was signed: Zendesk's own placeholder for
    the time of a change ends at the minute."""
    ticket, what = _text(body, "ticket"), _text(body, "event")
    if not NUMBER.fullmatch(ticket):
        return Noise("no_ticket")
    id = invocation[:200] or _digest(what, ticket, _text(body, "at"), _text(body, "text"), _text(body, "person"))
    person = _text(body, "person")[:200]
    if what == "written":
        return _written(body, ticket, at, id, person)
    if what == "assigned":
        return Assigned(id, ticket, at, person)
    if what == "resolved":
        return Resolved(id, ticket, at, person)
    return Noise("unknown_event")


def _written(body: Mapping[str, Any], ticket: str, at: int, id: str, person: str) -> Event:
    if _text(body, "public").lower() == "false":
        return Noise("private_note")
    author = _text(body, "author")
    if author and author == _text(body, "requester"):
        return Noise("by_the_contact")
    # What an agent's editor leaves where two spaces were.
    text = _text(body, "text").replace("&nbsp;", " ").replace("\r\n", "\n").strip()
    files = LINK.findall(html.unescape(_text(body, "files")))[:20]
    if not text and not files:
        return Noise("nothing_written")
    comment = _text(body, "comment")
    said = "\n".join(one for one in (text, *files) if one)
    return Written(comment if NUMBER.fullmatch(comment) else id, ticket, said, at, person)


TEXT = re.compile(r'"text"\s*:\s*"')
FIELD = re.compile(r'"([a-z]{1,20})"\s*:\s*"([^"\\\x00-\x1f]{0,2000})"')


def _loads(body: bytes) -> Mapping[str, Any]:
    """An empty mapping when it is no body of ours. Where Zendesk did not escape what an agent wrote, the words are
    what stands between the last label and the last quote: `text` is last in the template for that."""
    whole = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(whole, strict=False)
        return parsed if isinstance(parsed, dict) else {}
    except (ValueError, RecursionError):
        pass
    begins = TEXT.search(whole)
    ends = whole.rfind('"')
    if begins is None or ends < begins.end():
        return {}
    return {**dict(FIELD.findall(whole[: begins.start()])), "text": whole[begins.end() : ends]}


def _seconds(timestamp: str) -> float | None:
    """ISO 8601, as Zendesk signs it."""
    try:
        at = datetime.fromisoformat(timestamp[:40])
    except ValueError:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


# -- shapes ----------------------------------------------------------------------------------------


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(of: Mapping[str, Any], key: str) -> str:
    """A number counts as its digits: a template may or may not put quotes around it. Always something that UTF-8 can
    carry."""
    value = of.get(key)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).encode("utf-8", "replace").decode() if isinstance(value, str | int) else ""


def _ticket_of(body: Mapping[str, Any]) -> Ticket | None:
    id = body.get("id")
    return Ticket(str(id), _text(body, "status")) if isinstance(id, int) and not isinstance(id, bool) else None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def _key(id: str) -> str:
    """At most 255 characters, and nothing a header cannot carry."""
    return quote(id, safe=":._-") if len(quote(id, safe=":._-")) <= 255 else _digest(id)
