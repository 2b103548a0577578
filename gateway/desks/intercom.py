"""Intercom as a desk: one conversation there for each of ours, and what teammates reply goes back to the contact.

Contract: developers.intercom.com, REST API 2.14 (github.com/intercom/Intercom-OpenAPI), Bearer token. Intercom knows no
idempotency key and lets us mark nothing, so before anything is added the conversation's latest 500 parts are looked
at: what stands there since it was said is not said again.

Webhooks: `conversation.admin.replied`, `.assigned` and `.closed`, signed with SHA-1 of the app's client secret. They
carry no signed time, so an old one can be played back; its ids are known by then.

Written from the documentation, never run against the real service. Not verified: that the search for a contact's
conversations finds one that was made a moment ago; that voice notes are taken as `attachment_files`; that a contact's
reply is kept as plain text; that `admin.replied` also tells of a reply that closes.
"""

from __future__ import annotations

import base64
import hmac
import html
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import groupby
from typing import Any

import aiohttp
import orjson

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
from gateway.desks.wire import MEND, Answer, Service, Wired, address_refused, object_in, objects_in
from gateway.desks.words import words
from gateway.rules.addresses import problem_with
from tts.findings import Finding

API = "https://api.intercom.io"
TIMEOUT = 60.0
"""Seconds for one call, with the voice notes in it."""
LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes: 500 parts with their words."""
LONGEST_HOOK = 1024 * 1024
LONGEST_WAIT = 3600
FILES = 10
"""Beside one reply; the newest."""
FILE_BYTES = 20 * 1024 * 1024
"""Of all the files of a reply together."""
SLACK = 2
"""Seconds between the contact's provider's clock and Intercom's."""
NAME = 100
SIGNATURE = re.compile(r"sha1=[0-9a-f]{40}")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
CONFLICT = re.compile(r"\bid=([A-Za-z0-9_-]{1,64})")
REFUSED = (
    "handoff.desk.token is refused: take the access token from your app's Authentication page in Intercom's Developer "
    "Hub, and let the app read and write conversations and people"
)
ADDRESS = "check handoff.desk.url: leave it out, or https://api.eu.intercom.io or https://api.au.intercom.io"
SERVICE = Service("Intercom", REFUSED, ADDRESS)


@dataclass(frozen=True, slots=True)
class There:
    """A conversation at Intercom."""

    id: str
    parts: Sequence[Mapping[str, Any]] = ()
    """The latest, oldest first."""
    open: bool = True
    teammate: str = ""
    """Who has it, by number; empty: nobody."""
    team: str = ""

    def says(self, by: str, text: str, since: float) -> bool:
        """Whether it stands there already. `by`: `contact`, or a teammate's number. `since`: seconds."""
        return any(
            _author(part) == by and same(_text(part, "body"), text)
            for part in self.parts
            if _number(part, "created_at") >= since
        )


@dataclass(slots=True)
class Intercom(Wired):
    """`settings`: of type "intercom". `queue`: whose desk it is. `now`: seconds since the epoch."""

    settings: DeskSettings
    queue: str = field(kw_only=True)
    now: Callable[[], float] = field(default=time.time, kw_only=True)

    @property
    def name(self) -> str:
        return f"intercom {self.queue}"

    # -- out -----------------------------------------------------------------------------------------

    async def send(self, item: Item) -> Placed:
        """Raises DeskError."""
        if isinstance(item, Case):
            return await self._case(item)
        if isinstance(item, News):
            return await self._news(item)
        return await self._over(item)

    async def _case(self, case: Case) -> Placed:
        known = await self._known(case.place)
        contact, there = await self._ensured(case, known, opening(case))
        if not there.open:
            await self._part(there, {"message_type": "open", "admin_id": self._us})
        since = case.transcript[-1].at / 1000 - SLACK if case.transcript else self.now() - 86_400
        await self._note(there, head(case, again=known is not None), since)
        lines = untold(case.transcript, case.place if known else {})
        if lines:
            await self._note(there, told(lines, case.language), since, lines)
        await self._give_to_team(there)
        return placed(there, contact, case.place, lines)

    async def _news(self, news: News) -> Placed:
        known = await self._known(news.place)
        turns = [list(lines) for _, lines in groupby(news.lines, key=lambda line: line.by == "contact")]
        first = next((joined(lines, news.language) for lines in turns if lines[0].by == "contact"), "")
        contact, there = await self._ensured(news, known, first or news.name or news.contact)
        for lines in turns:
            since = min(line.at for line in lines) / 1000 - SLACK
            if lines[0].by == "contact":
                await self._said(there, contact, lines, news.language, since)
            else:
                await self._note(there, told(lines, news.language), since, lines)
        return placed(there, contact, news.place, news.lines)

    async def _over(self, over: Over) -> Placed:
        """A note; open or closed it stays as people left it."""
        text = words(over.language)["over"]
        if there := await self._known(over.place):
            notes = [part for part in there.parts if _text(part, "part_type") == "note" and _author(part) == self._us]
            if not notes or not same(_text(notes[-1], "body"), text):
                await self._reply(there, self._as_note(text), ())
        return Placed()

    # -- conversations -------------------------------------------------------------------------------

    async def _known(self, place: Mapping[str, str]) -> There | None:
        id = place.get("conversation", "")
        return await self._shown(id) if ID.fullmatch(id) else None

    async def _shown(self, id: str) -> There | None:
        path = f"conversations/{id}"
        answer = await self._call("GET", path, params={"display_as": "plaintext"}, but=404)
        return there_of(answer.body or {}) if answer.status != 404 else None

    async def _ensured(self, item: Case | News, known: There | None, first: str) -> tuple[str, There]:
        """The contact's id at Intercom and its conversation. A try before this one may have made both."""
        contact = item.place.get("contact", "") if known else ""
        if not ID.fullmatch(contact):
            contact = await self._contact(item)
        there = known or await self._latest_of(contact)
        return contact, there or await self._begin(contact, first)

    async def _latest_of(self, contact: str) -> There | None:
        """Our contacts are made for one conversation each, so the latest is it."""
        query = {"field": "contact_ids", "operator": "=", "value": contact}
        answer = await self._call("POST", "conversations/search", json={"query": query})
        found = [each for each in objects_in(answer.body, "conversations") if ID.fullmatch(_text(each, "id"))]
        newest = max(found, key=lambda each: _number(each, "created_at"), default=None)
        return await self._shown(_text(newest, "id")) if newest else None

    async def _begin(self, contact: str, first: str) -> There:
        body = {"from": {"type": "user", "id": contact}, "body": first}
        answer = await self._call("POST", "conversations", json=body, but=404)
        if answer.status == 404:
            raise DeskError("no_contact", retryable=True, hint="the contact was deleted at Intercom a moment ago")
        id = _text(answer.body or {}, "conversation_id")
        if ID.fullmatch(id):
            begun = {"author": {"type": "user"}, "body": first, "created_at": round(self.now())}
            return There(id, [begun])
        raise DeskError("no_conversation", retryable=True, hint=f"Intercom began none and said no why; {ADDRESS}")

    async def _contact(self, item: Case | News) -> str:
        external = f"recado:{item.conversation}"
        query = {"field": "external_id", "operator": "=", "value": external}
        answer = await self._call("POST", "contacts/search", json={"query": query})
        for one in objects_in(answer.body, "data"):
            if _text(one, "external_id") == external and ID.fullmatch(id := _text(one, "id")):
                return id
        return await self._made(external, (item.name.strip() or item.contact)[:NAME])

    async def _made(self, external: str, called: str) -> str:
        contact = {"role": "user", "external_id": external, "name": called}
        answer = await self._call("POST", "contacts", json=contact, but=409)
        if answer.status != 409:
            id = _text(answer.body or {}, "id")
        elif known := CONFLICT.search(error_of(answer)[1]):
            # The search is a moment behind, and knows no archived contacts.
            id = known[1]
            if "archived" in error_of(answer)[1].lower():
                await self._call("POST", f"contacts/{id}/unarchive")
        else:
            id = ""
        if ID.fullmatch(id):
            return id
        raise DeskError("no_contact", retryable=True, hint=f"Intercom took a contact and named none; {ADDRESS}")

    # -- what is added -------------------------------------------------------------------------------

    @property
    def _us(self) -> str:
        return str(self.settings.admin_id)

    def _as_note(self, text: str) -> dict[str, Any]:
        return {"message_type": "note", "type": "admin", "admin_id": self._us, "body": paragraphs(text)}

    async def _note(self, there: There, text: str, since: float, lines: Sequence[Line] = ()) -> None:
        note = self._as_note(text)
        if not there.says(self._us, note["body"], since):
            await self._reply(there, note, lines)

    async def _said(self, there: There, contact: str, lines: Sequence[Line], language: str, since: float) -> None:
        """As the contact's own reply."""
        text = joined(lines, language)
        reply = {"message_type": "comment", "type": "user", "intercom_user_id": contact, "body": text}
        if there.says("contact", text, since):
            return
        try:
            await self._reply(there, reply, lines)
        except DeskError as error:
            if error.reason not in ("http_404", "http_422"):
                raise
            # The contact was deleted or blocked: what was said matters more than whose name is beside it.
            await self._note(there, told(lines, language), since)

    async def _reply(self, there: There, reply: Mapping[str, Any], lines: Sequence[Line]) -> None:
        """With its voice notes; without them where they are what is not taken: their words are there."""
        path, files = f"conversations/{there.id}/reply", attachments(lines)
        if files:
            try:
                await self._call("POST", path, json={**reply, "attachment_files": files})
                return
            except DeskError as error:
                if error.retryable:
                    raise
        await self._call("POST", path, json=reply)

    async def _give_to_team(self, there: There) -> None:
        """Unless somebody has it, or the team. Without words: they would be shown to the contact."""
        team = str(self.settings.team_id)
        if not self.settings.team_id or there.team == team or (there.teammate and there.open):
            return
        giving = {"message_type": "assignment", "type": "team", "admin_id": self._us, "assignee_id": team}
        await self._part(there, giving)

    async def _part(self, there: There, change: Mapping[str, Any]) -> None:
        await self._call("POST", f"conversations/{there.id}/parts", json=change)

    # -- the wire ------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return self.settings.url.rstrip("/") or API

    async def _call(self, method: str, path: str, *, but: int = 0, **request: Any) -> Answer:
        """Raises DeskError unless it was accepted. `but`: a status that is an answer, too, when Intercom says it."""
        if problem := problem_with(self._base, allow_private=self.allow_private):
            raise address_refused(problem)
        try:
            url, headers = f"{self._base}/{path}", self._headers()
            answer = await self._answer(method, url, headers, within=TIMEOUT, most=LONGEST_ANSWER, **request)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SERVICE.unreached(error) from None
        if answer.accepted or (but and answer.status == but and error_of(answer)[0]):
            return answer
        raise refusal(answer, self.now())

    def _headers(self) -> dict[str, str]:
        return {
            "accept": "application/json",
            "authorization": f"Bearer {self.settings.token.get_secret_value()}",
            "intercom-version": self.settings.version,
        }

    # -- in ------------------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        """That it is signed; by whom, only the body tells. Raises Forged."""
        if not SIGNATURE.fullmatch(headers.get("x-hub-signature", "")):
            raise Forged("x-hub-signature is missing or no signature")

    def read(self, hook: Hook) -> Sequence[Event]:
        """Raises Forged."""
        self.prove(hook.headers)
        secret = self.settings.secret.get_secret_value().encode()
        ours = b"sha1=" + hmac.digest(secret, hook.body, "sha1").hex().encode()
        signed = hook.headers["x-hub-signature"].encode("utf-8", "replace")
        if not hmac.compare_digest(ours, signed) or not secret:
            raise Forged("x-hub-signature is not of handoff.desk.secret")
        if len(hook.body) > LONGEST_HOOK:
            return [Noise("too_large")]
        try:
            body = orjson.loads(hook.body)
        except orjson.JSONDecodeError:
            return [Noise("not_json")]
        return events(body if isinstance(body, dict) else {}, round(self.now() * 1000))

    # -- is somebody there, is it right? ---------------------------------------------------------------

    async def online(self) -> bool | None:
        """False when every teammate (of the team, where there is one) is away. None when nobody can tell."""
        try:
            answer = await self._call("GET", "admins")
        except DeskError:
            return None
        team = self.settings.team_id
        ours = [
            one
            for one in objects_in(answer.body, "admins")
            if one.get("has_inbox_seat") is not False and (not team or team in _numbers(one.get("team_ids")))
        ]
        return any(one.get("away_mode_enabled") is not True for one in ours) if ours else None

    async def check(self) -> Sequence[Finding]:
        try:
            me = (await self._call("GET", "me")).body or {}
            app = _text(object_in(me, "app"), "name")
            found = [Finding("ok", "handoff.desk.token", f"the token is of Intercom's workspace {app}".rstrip())]
            found.append(await self._named("admin_id", f"admins/{self._us}", "teammate"))
            if self.settings.team_id:
                found.append(await self._named("team_id", f"teams/{self.settings.team_id}", "team"))
            return found
        except DeskError as error:
            which = "token" if error.reason in ("http_401", "http_403") else "url"
            hint = error.hint or ADDRESS
            return [Finding("error", f"handoff.desk.{which}", f"{error.reason}: {hint}", error.reason)]

    async def _named(self, which: str, path: str, what: str) -> Finding:
        answer = await self._call("GET", path, but=404)
        if answer.status == 404:
            number = path.rpartition("/")[2]
            return Finding("error", f"handoff.desk.{which}", f"Intercom knows no {what} {number}")
        return Finding("ok", f"handoff.desk.{which}", f"the {what} is {_text(answer.body or {}, 'name')}")


# -- what colleagues read --------------------------------------------------------------------------


def opening(case: Case) -> str:
    """A conversation there begins with the contact's own words: the latest."""
    said = [spoken(line, case.language) for line in case.transcript if line.by == "contact"]
    return said[-1] if said else case.why or case.reason


def joined(lines: Sequence[Line], language: str) -> str:
    """One speaker's words."""
    return cut("\n".join(spoken(line, language) for line in lines))


def paragraphs(text: str) -> str:
    """Notes are HTML: what a contact wrote stays what it wrote."""
    return "".join(f"<p>{html.escape(line, quote=False) or '<br>'}</p>" for line in text.split("\n"))


def attachments(lines: Sequence[Line]) -> list[dict[str, str]]:
    """The newest voice notes, oldest of them first, as much as a reply holds."""
    files: list[dict[str, str]] = []
    room = FILE_BYTES
    voices = [line for line in lines if line.voice][-FILES:]
    for n, line in reversed(list(enumerate(voices, 1))):
        sound, kind = line.voice or b"", kind_of(line.mime)
        room -= len(sound)
        if room < 0:
            break
        mime = kind if kind in ENDINGS else "application/octet-stream"
        name = f"voice-{n}.{ENDINGS.get(kind, 'bin')}"
        files.insert(0, {"content_type": mime, "name": name, "data": base64.b64encode(sound).decode()})
    return files


def placed(there: There, contact: str, before: Mapping[str, str], lines: Sequence[Line]) -> Placed:
    place = {"conversation": there.id, "contact": contact, "at": latest(before, lines)}
    return Placed(place, (there.id,))


# -- what an answer means --------------------------------------------------------------------------


def error_of(answer: Answer) -> tuple[str, str]:
    """The first one's code and words; empty where Intercom says none."""
    first = next(iter(objects_in(answer.body, "errors")), {})
    return _text(first, "code"), _text(first, "message")


def refusal(answer: Answer, now: float) -> DeskError:
    """Of a call that was not accepted. What an operator can mend is tried again: people wait."""
    error, reason = error_of(answer), f"http_{answer.status}"
    if away := SERVICE.turned_away(answer, _wait(answer, now), knows=bool(error[0])):
        return away
    if error[0] == "intercom_version_invalid":
        hint = "handoff.desk.version is none that Intercom knows: leave it out"
        return DeskError(reason, retryable=True, retry_after=MEND, hint=hint)
    said = ": ".join(one for one in error if one)[:300]
    return DeskError(reason, retryable=False, hint=f"Intercom refused: {said or 'without a word'}")


def _wait(answer: Answer, now: float) -> float | None:
    """Seconds, by Retry-After or until X-RateLimit-Reset."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.status not in (429, 503):
        return None
    if answer.wait is not None or not re.fullmatch(r"[0-9]{1,12}", reset):
        return answer.wait
    return min(max(int(reset) - now, 1.0), LONGEST_WAIT)


def there_of(body: Mapping[str, Any]) -> There | None:
    if not ID.fullmatch(id := _text(body, "id")):
        return None
    parts = objects_in(object_in(body, "conversation_parts"), "conversation_parts")
    source = object_in(body, "source")
    # The first message is no part, and is one of the contact's words like any other.
    begun = {"author": source.get("author"), "body": source.get("body"), "created_at": body.get("created_at")}
    state = _text(body, "state")
    return There(id, [begun, *parts], state != "closed", _assignee(body, "admin"), _assignee(body, "team"))


def _assignee(body: Mapping[str, Any], what: str) -> str:
    number = _text(body, f"{what}_assignee_id")
    return "" if number == "0" else number


def _author(part: Mapping[str, Any]) -> str:
    author = object_in(part, "author")
    kind = _text(author, "type")
    return "contact" if kind in ("user", "lead", "contact") else _text(author, "id") if kind == "admin" else ""


# -- what a notification means ---------------------------------------------------------------------

REPLIED, ASSIGNED, CLOSED = (f"conversation.admin.{what}" for what in ("replied", "assigned", "closed"))


def events(body: Mapping[str, Any], now_ms: int) -> Sequence[Event]:
    """`now_ms`: for a notification that says no time."""
    topic, item = _text(body, "topic"), object_in(object_in(body, "data"), "item")
    thread = _text(item, "id")
    if topic not in (REPLIED, ASSIGNED, CLOSED):
        return [Noise(topic[:60] or "no_topic")]
    if not ID.fullmatch(thread):
        return [Noise("no_conversation")]
    at = _number(body, "created_at") * 1000 or now_ms
    parts = objects_in(object_in(item, "conversation_parts"), "conversation_parts")
    if not parts:
        return [Noise("no_part")] if topic == REPLIED else [_moved(topic, thread, {}, _text(body, "id"), at)]
    found: list[Event] = []
    for part in parts:
        id = (_text(part, "id") or _text(body, "id"))[:200]
        when = _number(part, "created_at") * 1000 or at
        if topic == REPLIED or (topic == CLOSED and _text(part, "body")):
            found.append(_written(part, thread, id, when))
        if topic != REPLIED:
            found.append(_moved(topic, thread, part, id, when))
    return found


def _written(part: Mapping[str, Any], thread: str, id: str, at: int) -> Event:
    author, kind = object_in(part, "author"), _text(part, "part_type")
    if kind.startswith("note"):
        return Noise("private_note")
    if _text(author, "type") != "admin" or author.get("from_ai_agent") is True or part.get("is_ai_answer") is True:
        return Noise("by_no_teammate")
    links = [_text(one, "url") for one in objects_in(part, "attachments")]
    lines = [plain(_text(part, "body")), *(link for link in links[:20] if link.startswith("https://"))]
    text = "\n".join(line for line in lines if line)
    return Written(id, thread, text, at, _text(author, "name")[:200]) if text and id else Noise("nothing_written")


def _moved(topic: str, thread: str, part: Mapping[str, Any], id: str, at: int) -> Event:
    """Of an assignment or a close. A reply that takes the conversation has the assignment's id as well."""
    if topic == CLOSED:
        return Resolved(f"{id or f'{thread}:{at}'}:closed", thread, at, _text(object_in(part, "author"), "name")[:200])
    to = object_in(part, "assigned_to")
    kind = _text(to, "type")
    if kind == "team":
        return Noise("assigned_to_a_team")
    person = (_text(to, "name") or _text(to, "id")) if kind == "admin" else ""
    return Assigned(f"{id or f'{thread}:{at}'}:assigned", thread, at, person[:200])


class _Plain(HTMLParser):
    """Lines for blocks, and addresses beside the words that lead there."""

    BREAKS = frozenset(("p", "div", "br", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "blockquote", "pre"))
    SILENT = frozenset(("script", "style", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._link = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self._silent += tag in self.SILENT
        if tag in self.BREAKS:
            self.said.append("\n- " if tag == "li" else "\n")
        if tag == "a":
            self._link = known.get("href", "")
        if tag == "img" and known.get("src", "").startswith("https://"):
            self.said.append(f"\n{known['src']}\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))
        if tag == "a" and self._link.startswith(("https://", "http://")) and self._link not in "".join(self.said[-3:]):
            self.said.append(f" ({self._link})")
        if tag == "a":
            self._link = ""
        if tag in self.BREAKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def plain(body: str) -> str:
    """HTML as a chat shows it."""
    parser = _Plain()
    parser.feed(body[:200_000])
    parser.close()
    lines = ["".join(line.split("\r")).strip() for line in "".join(parser.said).replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()


def same(one: str, other: str) -> bool:
    """Whether both are the same words, each as HTML or as plain text: which of them it is, does not show."""
    return not _readings(one).isdisjoint(_readings(other))


def _readings(body: str) -> set[str]:
    return {text for text in ("".join(plain(body).split()), "".join(body.split())) if text}


# -- shapes ----------------------------------------------------------------------------------------


def _text(of: Mapping[str, Any], which: str) -> str:
    """Ids come as texts and as numbers."""
    value = of.get(which)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(of: Mapping[str, Any], which: str) -> int:
    """A time in seconds, or 0."""
    value = of.get(which)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**11 else 0


def _numbers(value: object) -> list[int]:
    return [one for one in value if isinstance(one, int)] if isinstance(value, list) else []
