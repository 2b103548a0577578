"""Chatwoot as a desk: an API inbox of its account is where people see our conversations and answer them.

Contract: Chatwoot 4.13 and later, developers.chatwoot.com and its source; what its webhooks say is read in
`chatwoot_events`. Two APIs: the inbox's public one (no key; the inbox's identifier and the contact's source id are its
secrets) makes contacts and conversations, the account's (header api_access_token) does the rest.

The contact's words are `incoming`; what the assistant or a colleague said elsewhere is a private note, never an
outgoing message: Chatwoot would hand that one back to us as if it were to be sent, and count it as an agent's reply.

Chatwoot knows no idempotency key. So the source id of a contact is made of the conversation, what is there is looked at
first, every message of ours bears a mark, and the note with the summary comes last. A bot's token may not list private
notes: one whose answer was lost can stand there twice.

Without `inbox_identifier` the conversation is Chatwoot's own (its channel is chatwoot): `place["conversation"]` says
which, everything that was said is there already, and handing over is a state, a team, labels and a note. What agents
write there the channel is told of; this desk's hook, of the account, only says what is assigned and resolved.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from gateway.desks.base import Case, DeskError, Event, Hook, Item, Line, News, Noise, Over, Placed, Written
from gateway.desks.chatwoot_events import MARK, Proof, event, mark_of, number, resolved, text_in, written
from gateway.desks.notes import ENDINGS, about, kind_of
from gateway.desks.settings import DeskSettings
from gateway.desks.wire import MEND, Wired, objects, retry_after, unreached
from gateway.desks.words import words
from tts.findings import Finding

log = logging.getLogger("recado.chatwoot")

TIMEOUT = 20.0
LARGEST_HOOK = 2 * 1024 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024
LIMIT = 150_000
"""Characters of a message."""
VOICE_BYTES = 15 * 1024 * 1024
PAGES = 5
"""Of messages that are looked at, at most: 100 each, or 20 where only the public list may be read."""
LONGEST = 3600.0
"""Seconds of Retry-After that are believed."""
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
REFUSED_TO_BOTS = "not authorized for bots"
NO_CHATWOOT = "what answers at handoff.desk.url is not Chatwoot: a proxy, or a page to sign in"
INSIDE = "handoff.desk.url leads to a private address: allow it, or enter a public one"
UNREACHABLE = "Chatwoot cannot be reached: check handoff.desk.url and the network"


@dataclass(frozen=True, slots=True)
class _There:
    """A conversation at Chatwoot."""

    id: str
    source: str = ""
    """The contact's in the API inbox; empty where the conversation is Chatwoot's own."""
    status: str = ""
    """Empty: not known."""

    def before(self, place: Mapping[str, str]) -> Mapping[str, str]:
        """What `place` says of this one; nothing when it was of another, which is gone."""
        return place if place.get("conversation") == self.id else {}


@dataclass(frozen=True, slots=True)
class _Post:
    """A message to be written."""

    text: str
    mark: str
    incoming: bool = False
    voice: bytes | None = field(default=None, repr=False)
    mime: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        private = not self.incoming
        text = self.text.replace("mention://", "mention:\u200b//") if private else self.text
        return {
            "content": cut(text),
            "message_type": "incoming" if self.incoming else "outgoing",
            "private": private,
            "source_id": f"{MARK}:{self.mark}",
            "content_attributes": {MARK: self.mark},
        }


class Chatwoot(Wired):
    """desks.base.Desk. `settings`: of type "chatwoot"; `now`: seconds since the epoch."""

    def __init__(
        self, settings: DeskSettings, *, queue: str, allow_private: bool, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(allow_private=allow_private)
        self._settings, self._queue, self._now = settings, queue, now

    @property
    def name(self) -> str:
        return f"chatwoot {urlsplit(self._settings.url).hostname or ''} account {self._settings.account_id}"

    @property
    def _inbox(self) -> str:
        return f"/public/api/v1/inboxes/{quote(self._settings.inbox_identifier, safe='')}"

    @property
    def _account(self) -> str:
        return f"/api/v1/accounts/{self._settings.account_id}"

    # -- what people are told ------------------------------------------------------------------------

    async def send(self, item: Item) -> Placed:
        if isinstance(item, Case):
            return await self._call_people(item)
        if isinstance(item, News):
            return await self._tell(item)
        return await self._let_go(item)

    async def _call_people(self, case: Case) -> Placed:
        """Setting it up comes first and may be repeated; the note comes last and is written once."""
        there = await self._ensured(case)
        await self._label(there)
        if self._settings.team_id:
            await self._give_to_team(there)
        if there.status != "open":
            await self._turn(there, "open")
        until = _number(there.before(case.place), "until")
        news = [line for line in case.transcript if line.at > until] if there.source else []
        note = _Post(introduction(case), f"{_digest(case.id)}:note")
        return await self._write(there, case, news, note)

    async def _tell(self, news: News) -> Placed:
        if self._settings.in_place:
            return Placed()
        return await self._write(await self._ensured(news), news, news.lines)

    async def _let_go(self, over: Over) -> Placed:
        """What is resolved stays so; else it is pending, which is Chatwoot's word for "a bot has it"."""
        there = await self._known(over.place.get("source", ""), over.place)
        if not there:
            return Placed()
        wanted = "resolved" if over.reason == "resolved" else "pending"
        if there.status not in ("resolved", wanted):
            await self._turn(there, wanted)
        note = _Post(words(over.language)["over"], f"{_digest(over.id)}:over")
        there_already = await self._messages(there, _number(over.place, "last")) if there.source else []
        if note.mark not in _marks(there_already):
            await self._post(there, note)
        return Placed()

    async def _write(self, there: _There, item: Case | News, lines: Sequence[Line], *more: _Post) -> Placed:
        """What a try before this one wrote already is not written again: they are written one after the other, so all
        before the last one that is there is there."""
        before = there.before(item.place)
        last = _number(before, "last")
        there_already = await self._messages(there, last) if there.source else []
        told = [written(message, 0, there.id) for message in there_already]
        theirs = {one.text for one in told if isinstance(one, Written)}
        new = [line for line in lines if not (line.by == "person" and line.text in theirs)]
        posts = [*_posts(item, new), *more]
        marks = _marks(there_already)
        done = max((n for n, post in enumerate(posts, 1) if post.mark in marks), default=0)
        ids = [last, *(number(message.get("id")) for message in there_already)]
        since = max(ids) if isinstance(item, Case) and not done else _number(before, "since")
        for post in posts[done:]:
            ids.append(await self._post(there, post))
        until = max([_number(before, "until"), *(line.at for line in lines)])
        place = {"conversation": there.id, "source": there.source, "last": max(ids), "since": since, "until": until}
        return Placed({key: str(value) for key, value in place.items() if value}, (there.id,))

    async def _post(self, there: _There, post: _Post) -> int:
        """The message's id. A sound that Chatwoot does not take is left away: its words are in the text."""
        path = f"{self._account}/conversations/{there.id}/messages"
        if post.voice and len(post.voice) <= VOICE_BYTES:
            try:
                return number(_object(await self._ask("POST", path, data=form(post))).get("id"))
            except DeskError as error:
                if error.reason not in ("http_400", "http_413", "http_415", "http_422"):
                    raise
        return number(_object(await self._ask("POST", path, json=post.fields)).get("id"))

    # -- where it is ---------------------------------------------------------------------------------

    async def _ensured(self, item: Case | News) -> _There:
        """The conversation: the one of `place`, or the contact's newest one, or a new one."""
        source = item.place.get("source") or self._source(item.conversation)
        if there := await self._known(source, item.place):
            return there
        if self._settings.in_place:
            hint = "which conversation of Chatwoot it is, is not known: set handoff.desk.inbox_identifier"
            raise DeskError("no_conversation", retryable=False, hint=hint)
        source = await self._contact(source, item)
        made = _object(await self._ask("POST", f"{self._contacts(source)}/conversations", json={}))
        if not number(made.get("id")):
            raise DeskError("no_id", retryable=True, hint="Chatwoot made a conversation and gave no id")
        return _There(str(made["id"]), source, text_in(made, "status"))

    def _source(self, conversation: str) -> str:
        """Whoever knows it may read and write as the contact, so nobody can guess it."""
        key = self._settings.secret.get_secret_value().encode()
        return hmac.new(key, f"{self._queue}\n{conversation}".encode(), hashlib.sha256).hexdigest()[:32]

    async def _contact(self, source: str, item: Case | News) -> str:
        """Its source id. One that is there is found by it, and by its identifier."""
        about = {"source_id": source, "identifier": f"{MARK}:{item.conversation}", "name": item.name or item.contact}
        if PHONE.fullmatch(item.contact):
            about["phone_number"] = item.contact
        made = _object(await self._ask("POST", f"{self._inbox}/contacts", key="inbox_identifier", json=about))
        return text_in(made, "source_id") or source

    async def _known(self, source: str, place: Mapping[str, str]) -> _There | None:
        id = str(_number(place, "conversation") or "")
        if self._settings.in_place:
            return _There(id, "", text_in(await self._shown(id), "status")) if id else None
        if id and (there := await self._shown(id)):
            return _There(id, source, text_in(there, "status"))
        if not source:
            return None
        listed = await self._or_none(self._ask("GET", f"{self._contacts(source)}/conversations"), "http_404")
        found = {str(number(one.get("id"))): one for one in objects(listed) if number(one.get("id"))}
        if not found:
            return None
        id = id if id in found else max(found, key=int)
        return _There(id, source, text_in(found[id], "status"))

    async def _shown(self, id: str) -> Mapping[str, Any]:
        """Empty when it is gone, or when a bot may not see it: those of older versions may not."""
        path = f"{self._account}/conversations/{id}"
        return _object(await self._or_none(self._ask("GET", path), "http_404", "not_for_bots"))

    def _contacts(self, source: str) -> str:
        return f"{self._inbox}/contacts/{quote(source, safe='')}"

    async def _label(self, there: _There) -> None:
        """Chatwoot replaces all labels by those it is given, so those that are there are given with ours."""
        path = f"{self._account}/conversations/{there.id}/labels"
        if not self._settings.labels:
            return
        try:
            payload = _object(await self._ask("GET", path)).get("payload")
            present = [label for label in payload if isinstance(label, str)] if isinstance(payload, list) else []
            if wanted := [label for label in self._settings.labels if label not in present]:
                await self._ask("POST", path, json={"labels": [*present, *wanted]})
        except DeskError as error:
            if error.reason != "not_for_bots":
                raise
            self._warn("this version of Chatwoot lets no bot label: leave out labels, or take an agent's token")

    async def _give_to_team(self, there: _There) -> None:
        team = self._settings.team_id
        path = f"{self._account}/conversations/{there.id}/assignments"
        if await self._ask("POST", path, key="team_id", json={"team_id": team}) is None:
            self._warn("Chatwoot knows no such team: check handoff.desk.team_id")

    async def _turn(self, there: _There, status: str) -> None:
        await self._ask("POST", f"{self._account}/conversations/{there.id}/toggle_status", json={"status": status})

    # -- what people do ------------------------------------------------------------------------------

    def prove(self, headers: Mapping[str, str]) -> None:
        self._proof.headers(headers, self._now())

    def read(self, hook: Hook) -> Sequence[Event]:
        self.prove(hook.headers)
        if len(hook.body) > LARGEST_HOOK:
            return [Noise("too_large")]
        self._proof.whole(hook)
        try:
            body = orjson.loads(hook.body)
        except orjson.JSONDecodeError:
            return [Noise("not_json")]
        told = event(body, self._settings.account_id, round(self._now() * 1000))
        return [Noise("told_to_the_channel") if isinstance(told, Written) and self._settings.in_place else told]

    @property
    def _proof(self) -> Proof:
        return Proof(self._settings.secret.get_secret_value(), self._settings.verify)

    async def look(self, place: Mapping[str, str]) -> Sequence[Event]:
        """What people wrote since the conversation of `place` was last handed to them, and whether they resolved it:
        Chatwoot posts each of it once, so a webhook that we missed never comes again. Equal ids are the same event as
        of a webhook. Raises DeskError."""
        id, source = str(_number(place, "conversation") or ""), place.get("source", "")
        if not id or not source or self._settings.in_place:
            return []
        there, now = _There(id, source), round(self._now() * 1000)
        told = [written(message, now, id) for message in await self._messages(there, _number(place, "since"))]
        end = resolved(await self._shown(id), now)
        return [one for one in (*told, end) if not isinstance(one, Noise)]

    async def _messages(self, there: _There, after: int) -> list[Mapping[str, Any]]:
        """With ids above `after`, oldest first. A bot may read the public list only, which holds no private notes."""
        try:
            return await self._upwards(f"{self._account}/conversations/{there.id}/messages", after)
        except DeskError as error:
            if error.reason != "not_for_bots":
                raise
        return await self._downwards(f"{self._contacts(there.source)}/conversations/{there.id}/messages", after)

    async def _upwards(self, path: str, after: int) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for _ in range(PAGES):
            page = objects(_object(await self._ask("GET", path, params={"after": str(after)})).get("payload"))
            page = [message for message in page if number(message.get("id")) > after]
            if not page:
                break
            found += page
            after = max(number(message.get("id")) for message in page)
        return found

    async def _downwards(self, path: str, after: int) -> list[Mapping[str, Any]]:
        found: dict[int, Mapping[str, Any]] = {}
        for _ in range(PAGES):
            before = {"before": str(min(found))} if found else {}
            page = {number(one.get("id")): one for one in objects(await self._ask("GET", path, params=before))}
            new = {id: one for id, one in page.items() if id > after and id not in found}
            found |= new
            if not new or len(new) < len(page):
                break
        return [found[id] for id in sorted(found)]

    async def online(self) -> bool | None:
        """Of the team, or of all agents. A bot's token may not ask."""
        team = self._settings.team_id
        path = f"{self._account}/teams/{team}/team_members" if team else f"{self._account}/agents"
        try:
            answer = await self._ask("GET", path)
        except DeskError:
            return None
        states = [state for agent in objects(answer) if (state := text_in(agent, "availability_status"))]
        return "online" in states if states else None

    # -- the wire ------------------------------------------------------------------------------------

    async def _ask(self, method: str, path: str, *, key: str = "", **request: Any) -> Any:
        """The answer's JSON. `key`: the setting to mend when Chatwoot does not know the address. Raises DeskError."""
        token = {} if path.startswith("/public/") else {"api_access_token": self._settings.token.get_secret_value()}
        url = f"{self._settings.url.rstrip('/')}{path}"
        try:
            call = self._client(TIMEOUT).request(method, url, headers=token, allow_redirects=False, **request)
            async with call as answer:
                return await _said(answer, key)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise unreached(error, private=INSIDE, silent=UNREACHABLE) from None

    async def _or_none(self, call: Any, *reasons: str) -> Any:
        try:
            return await call
        except DeskError as error:
            if error.reason not in reasons:
                raise
            return None

    def _warn(self, what: str) -> None:
        log.warning(what, extra={"facts": {"queue": self._queue, "desk": self.name}})

    # -- is it right? --------------------------------------------------------------------------------

    async def check(self) -> Sequence[Finding]:
        """The key and the account, then the inbox, the team and the webhook as far as this key may ask."""
        try:
            profile = await self._or_none(self._ask("GET", "/api/v1/profile"), "not_for_bots")
            bot = profile is None
            if not bot and not number(_object(profile).get("id")):
                raise DeskError("not_json", retryable=True, hint=NO_CHATWOOT)
            await self._or_none(self._ask("GET", f"{self._account}/conversations/0"), "http_404", "not_for_bots")
        except DeskError as error:
            return [Finding("error", _key_of(error), error.hint or error.reason, error.reason)]
        kind = "a bot" if bot else "an agent"
        found = [Finding("ok", "handoff.desk.token", f"{self.name} knows this key: {kind}'s")]
        return [*found, *await self._inbox_findings(), *([] if bot else await self._team_findings())]

    async def _inbox_findings(self) -> list[Finding]:
        if self._settings.in_place:
            return []
        key = "handoff.desk.inbox_identifier"
        try:
            inbox = _object(await self._ask("GET", self._inbox, key="inbox_identifier"))
        except DeskError as error:
            return [_not_found(error, key)]
        return [Finding("ok", key, f"this is the inbox {text_in(inbox, 'name') or 'of that identifier'}")]

    async def _team_findings(self) -> list[Finding]:
        team, key = self._settings.team_id, "handoff.desk.team_id"
        if not team:
            return []
        try:
            name = text_in(_object(await self._ask("GET", f"{self._account}/teams/{team}", key="team_id")), "name")
        except DeskError as error:
            return [_not_found(error, key)]
        return [Finding("ok", key, f"this is the team {name}")]


# -- what is written -------------------------------------------------------------------------------


def introduction(case: Case) -> str:
    """The note people read: who it is, why, and what it is about."""
    word = words(case.language)
    lines = [f"**{label}**: {value}" for label, value in about(case)]
    again = [f"**{word['again']}**"] if case.place.get("last") else []
    summary = [f"\n**{word['summary']}**\n{case.summary}"] if case.summary else []
    return "\n".join([*again, *lines, *summary, *([f"\n{word['open']}: {case.url}"] if case.url else [])])


def _marks(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """Of what we wrote."""
    return {mark_of(message).removeprefix(f"{MARK}:") for message in messages}


def _posts(item: Case | News, lines: Sequence[Line]) -> list[_Post]:
    """Each line's mark is its own also where the same was said twice in a second."""
    posts, seen = [], Counter[str]()
    for line in lines:
        if not (line.text or line.voice or line.mime):
            continue
        what = f"{item.conversation}\n{line.by}\n{line.at}\n{line.text}"
        seen[what] += 1
        text = said(line, words(item.language))
        posts.append(_Post(text, _digest(f"{what}\n{seen[what]}"), line.by == "contact", line.voice, line.mime))
    return posts


def said(line: Line, word: Mapping[str, str]) -> str:
    """A line as it stands at the desk: who said it, unless the contact did, and whether it was spoken."""
    text = line.text
    if line.voice is not None or line.mime:
        text = f"{word['voice_note']}: {text or word['not_heard']}"
    return text if line.by == "contact" else f"**{word[line.by]}**: {text}"


def cut(text: str) -> str:
    """Within Chatwoot's limit, at a line where there is one."""
    if len(text) <= LIMIT:
        return text
    kept = text[: LIMIT - 2]
    return f"{kept[: kept.rfind(chr(10))] if chr(10) in kept[LIMIT // 2 :] else kept}\n…"


def form(post: _Post) -> aiohttp.FormData:
    """The message with its sound: Chatwoot takes files in forms only, where everything is text."""
    mime = kind_of(post.mime)
    mime = mime if re.fullmatch(r"audio/[a-z0-9.+-]{1,40}", mime) else "audio/ogg"
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in post.fields.items():
        form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    form.add_field("attachments[]", post.voice, content_type=mime, filename=f"voice.{ENDINGS.get(mime, 'ogg')}")
    return form


def _digest(what: str) -> str:
    return hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()[:32]


# -- what was answered -----------------------------------------------------------------------------


async def _said(answer: aiohttp.ClientResponse, key: str) -> Any:
    """Raises DeskError unless it is a yes in JSON. A refusal's own words are looked at, and never passed on."""
    data = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        data += chunk
        if len(data) > LARGEST_ANSWER:
            raise DeskError("too_large", retryable=True, retry_after=MEND, hint="Chatwoot's answer has no end")
    if not 200 <= answer.status < 300:
        raise _refused(answer.status, bytes(data), retry_after(answer.headers, LONGEST), key)
    try:
        return orjson.loads(data) if data.strip() else {}
    except orjson.JSONDecodeError:
        raise DeskError("not_json", retryable=True, retry_after=MEND, hint=NO_CHATWOOT) from None


def _refused(status: int, body: bytes, wait: float | None, key: str) -> DeskError:
    reason = f"http_{status}"
    if status == 401 and REFUSED_TO_BOTS.encode() in body:
        hint = "a bot's token may not do this: update Chatwoot, or make an agent's token for handoff.desk.token"
        return DeskError("not_for_bots", retryable=True, retry_after=MEND, hint=hint)
    if status in (401, 403):
        hint = (
            "handoff.desk.token is refused: make a new one, of this account; or a proxy drops the header "
            "api_access_token (nginx: underscores_in_headers on)"
        )
        return DeskError(reason, retryable=True, retry_after=wait or MEND, hint=hint)
    if 300 <= status < 400:
        hint = "handoff.desk.url leads elsewhere: enter the address at which Chatwoot itself answers, with https"
        return DeskError(reason, retryable=True, retry_after=MEND, hint=hint)
    if status in (408, 425, 429) or status >= 500:
        return DeskError(reason, retryable=True, retry_after=wait, hint="Chatwoot is busy or in trouble")
    wrong = f"handoff.desk.{key or 'account_id'}"
    hint = f"Chatwoot does not know it: check {wrong}" if status == 404 else "Chatwoot does not take it"
    return DeskError(reason, retryable=False, hint=hint)


def _key_of(error: DeskError) -> str:
    """The setting that a check's failure is about."""
    if error.reason in ("http_401", "http_403", "not_for_bots"):
        return "handoff.desk.token"
    return "handoff.desk.account_id" if error.reason == "http_404" else "handoff.desk.url"


def _not_found(error: DeskError, key: str) -> Finding:
    """Certain where Chatwoot says that there is no such thing; else it could not be found out."""
    level: Literal["error", "warning"] = "error" if error.reason == "http_404" else "warning"
    return Finding(level, key, error.hint or error.reason, error.reason)


def _number(place: Mapping[str, str], key: str) -> int:
    told = place.get(key, "")
    return int(told) if re.fullmatch(r"[0-9]{1,18}", told) else 0


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
