"""Each desk with its wire fake behind a door that breaks: what tests/contracts/test_desks.py runs on.

async with zendesk() as seam:
    seam.door.breaks(LOST, at=3)            # the third call from now on is done, and the answer never comes
    await seam.desk.send(CASE)
    assert seam.shown() == [...]            # all that people read there
    seam.desk.read(seam.sign(seam.written("Bom dia!")))

What a desk cannot do stands in its `CANNOT`, by name and with the reason; the suite skips with it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from types import ModuleType, TracebackType
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as StandardWebhook
from yarl import URL

from gateway.desks import chatwoot as chatwoot_desk
from gateway.desks import intercom as intercom_desk
from gateway.desks import slack as slack_desk
from gateway.desks import webhook as webhook_desk
from gateway.desks import zendesk as zendesk_desk
from gateway.desks.base import Case, Desk, Hook, Line, News, Over
from gateway.desks.settings import DeskSettings
from tests.fakes import callback as callback_wire
from tests.fakes import chatwoot as chatwoot_wire
from tests.fakes import intercom as intercom_wire
from tests.fakes import slack as slack_wire
from tests.fakes import zendesk as zendesk_wire
from tests.fakes.callback import FakeCallback
from tests.fakes.chatwoot import FakeChatwoot
from tests.fakes.intercom import FakeIntercom
from tests.fakes.slack import FakeSlack
from tests.fakes.zendesk import FakeZendesk

NOW = 1795226400
"""The fakes' now, in seconds."""
AT = (NOW - 60) * 1000
OGG = b"OggS\x00\x02" + bytes(40)
TALK = (
    Line("contact", "Quero remarcar a consulta", AT),
    Line("assistant", "Para quando?", AT + 1000),
    Line("contact", "na quinta-feira", AT + 2000, OGG, "audio/ogg; codecs=opus"),
    Line("contact", "Quero uma pessoa", AT + 3000),
)
SINCE = (
    Line("contact", "Tem alguém aí?", AT + 10_000),
    Line("assistant", "Já vem alguém.", AT + 11_000),
    Line("person", "Sou a Ana, um momento.", AT + 12_000),
    Line("contact", "Obrigada!", AT + 13_000),
)
CASE = Case(
    id="c_42.7",
    conversation="c_42",
    contact="5511999990001",
    name="Maria",
    channel="whatsapp",
    queue="vendas",
    to="pessoas",
    reason="user_request",
    why="Ela pediu uma pessoa",
    summary="Resumo: remarcar o exame.",
    language="pt-BR",
    speaks="pt",
    transcript=TALK,
)
DEAD = "http://127.0.0.1:9"
LABELS: Mapping[str, Any] = {"Contato": "contact", "Assistente": "assistant", "Equipe": "person"}


def news(*lines: Line, id: str = "c_42.8", place: Mapping[str, str] | None = None) -> News:
    return News(id, "c_42", CASE.contact, CASE.name, "pt-BR", lines, place or {})


def over(reason: str = "idle_hours", *, id: str = "c_42.9", place: Mapping[str, str] | None = None) -> Over:
    return Over(id, "c_42", reason, "pt-BR", place or {})


# -- the door ----------------------------------------------------------------------------------------

Fault = Callable[["Door", web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Stands before a fake and passes each call on, unless it is told what goes wrong."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.calls = 0
        self.url = ""
        self.closing = asyncio.Event()
        self._fault: tuple[Fault, int] | None = None
        self._always: Fault | None = None

    def breaks(self, fault: Fault, *, at: int = 0) -> None:
        """At the call `at` from now on, the first being 1; 0: at each."""
        self._always, self._fault = (None, (fault, self.calls + at)) if at else (fault, None)

    def mend(self) -> bool:
        """Nothing goes wrong any more. Whether something would still have: the call never came."""
        left = self._fault is not None
        self._always = self._fault = None
        return left

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        await self._http.close()
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.calls += 1
        if self._always:
            return await self._always(self, request)
        if self._fault and self._fault[1] == self.calls:
            fault, self._fault = self._fault[0], None
            return await fault(self, request)
        return await self.answer(request)

    async def answer(self, request: web.Request) -> web.Response:
        """The fake's, in which its own address is ours."""
        own = ("host", "content-length", "connection", "accept-encoding")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in own}
        url = URL(f"{self.behind}{request.raw_path}", encoded=True)
        call = self._http.request(request.method, url, data=await request.read() or None, headers=headers)
        async with call as answer:
            body = (await answer.read()).replace(self.behind.encode(), self.url.encode())
            passed = ("content-type", "retry-after", "x-oauth-scopes", "x-ratelimit-reset")
            told = {name: value for name, value in answer.headers.items() if name.lower() in passed}
            return web.Response(status=answer.status, body=body, headers=told)


async def DROPPED(door: Door, request: web.Request) -> web.StreamResponse:
    """The connection breaks before anything is done."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def LOST(door: Door, request: web.Request) -> web.StreamResponse:
    """It is done, and the connection breaks before the answer."""
    await door.answer(request)
    return await DROPPED(door, request)


async def HANG(door: Door, request: web.Request) -> web.StreamResponse:
    await door.closing.wait()
    return web.Response(status=503)


async def CUT(door: Door, request: web.Request) -> web.StreamResponse:
    """Half an answer, then the connection breaks."""
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "1000"})
    await response.prepare(request)
    await response.write(b'{"ok": true, "id": 1')
    assert request.transport is not None
    request.transport.close()
    return response


async def ENDLESS(door: Door, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    while not door.closing.is_set():
        try:
            await response.write(b" " * 65_536)
        except (ConnectionError, OSError):
            break
    return response


def answered(status: int, body: bytes = b"", mime: str = "text/html", **headers: str) -> Fault:
    """Header names with `_` for `-`."""

    async def fault(door: Door, request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, content_type=mime, headers=named)

    return fault


# -- the desks ---------------------------------------------------------------------------------------


class Seam:
    """One desk. `KEY`: what a hint names when the key is refused. `STALE`: its hooks' signatures have a time."""

    KEY = "handoff.desk.token"
    CANNOT: Mapping[str, str] = {}
    module: ModuleType
    thread: str
    """By which the desk's own hooks name the conversation; as far as it has one, the fake's own."""

    def __init__(self, door: Door | None = None) -> None:
        self.door = door or Door("")
        self.desk = self.made()

    def needs(self, what: str) -> None:
        """Skips the test, in the name of what this desk cannot do."""
        if what in self.CANNOT:
            pytest.skip(f"{type(self).__name__}: {self.CANNOT[what]}")

    @property
    def settings(self) -> DeskSettings:
        return self.settled(self.door.url or DEAD)

    @property
    def secrets(self) -> list[str]:
        """Of the key also what a header makes of it."""
        found = [self.settings.token.get_secret_value(), self.settings.secret.get_secret_value()]
        basic = base64.b64encode(f"{self.settings.email}/token:{found[0]}".encode()).decode()
        return [each for each in (*found, basic) if each]

    def settled(self, url: str, **more: Any) -> DeskSettings:
        raise NotImplementedError

    def made(self, **more: Any) -> Desk:
        """`more`: other settings."""
        raise NotImplementedError

    def shown(self) -> list[str]:
        """All that people read there, in the order in which it stands there."""
        raise NotImplementedError

    def said(self) -> list[tuple[str, str]]:
        """(by, words) of what was said."""
        raise NotImplementedError

    def homes(self) -> int:
        """How many conversations of ours stand there."""
        raise NotImplementedError

    def falls_behind(self) -> None:
        """Searches find nothing of what was made lately; nothing changes where there is no search."""

    # -- hooks

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "") -> Hook:
        raise NotImplementedError

    def written(self, text: str = "Bom dia!") -> bytes:
        """A person wrote to the contact; each a message of its own."""
        raise NotImplementedError

    def assigned(self) -> bytes:
        raise NotImplementedError

    def resolved(self) -> bytes:
        raise NotImplementedError

    def note(self) -> bytes:
        """Among colleagues."""
        raise NotImplementedError

    def ours(self) -> list[bytes]:
        """All that we told the desk, as its hooks would tell us of it."""
        raise NotImplementedError

    def hooks(self) -> list[bytes]:
        return [self.written(), self.assigned(), self.resolved()]


def labelled(note: str) -> list[tuple[str, str]]:
    """What was said, of a note that says who said it. The note that calls people has other labels as well."""
    if "\nCanal: " in note:
        return []
    rows = [line.partition(": ") for line in note.splitlines()]
    return [(LABELS[label], spoken(words)) for label, _, words in rows if label in LABELS]


def spoken(words: str) -> str:
    """Without the mark of a voice note."""
    return re.sub(r"^(\[Áudio\] |Áudio: )", "", words)


class Chatwoot(Seam):
    """With an agent's key. Of conversations that lie there from the start tests/desks/test_chatwoot.py knows."""

    module = chatwoot_desk
    TOKEN = chatwoot_wire.AGENT
    fake: FakeChatwoot

    def settled(self, url: str, **more: Any) -> DeskSettings:
        return self.fake.settings(**{"url": url, "token": self.TOKEN, **more})

    def made(self, **more: Any) -> Desk:
        settings = self.settled(self.door.url or DEAD, **more)
        return chatwoot_desk.Chatwoot(settings, queue="vendas", allow_private=True, now=lambda: float(NOW))

    def __init__(self, door: Door | None = None, fake: FakeChatwoot | None = None) -> None:
        self.fake = fake or FakeChatwoot()
        super().__init__(door)

    @property
    def _there(self) -> chatwoot_wire.Conversation:
        return next(iter(self.fake.conversations.values()), None) or self.fake.begin()

    @property
    def thread(self) -> str:  # type: ignore[override]
        return str(self._there.id)

    def homes(self) -> int:
        return len(self.fake.conversations)

    def _messages(self) -> list[dict[str, Any]]:
        return [message for one in self.fake.conversations.values() for message in one.messages]

    def shown(self) -> list[str]:
        return [f"{m['message_type']} {m['content']} {len(m.get('attachments', []))}" for m in self._messages()]

    def said(self) -> list[tuple[str, str]]:
        found = []
        for message in self._messages():
            label, _, words = message["content"].replace("**", "").partition(": ")
            if not message["private"]:
                found.append(("contact", spoken(message["content"])))
            elif LABELS.get(label, "contact") != "contact":
                found.append((LABELS[label], spoken(words)))
        return found

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "") -> Hook:
        return chatwoot_wire.signed(body, secret=secret or chatwoot_wire.SECRET, at=at)

    def written(self, text: str = "Bom dia!", **more: Any) -> bytes:
        id = self._there.id
        return json.dumps(self.fake.webhook_of(id, self.fake.says(id, text, **more))).encode()

    def _changed(self, event: str, **more: Any) -> bytes:
        about = {"id": self._there.id, "account": {"id": chatwoot_wire.ACCOUNT}, "updated_at": NOW, "event": event}
        return json.dumps(about | more).encode()

    def assigned(self) -> bytes:
        change = {"assignee_id": {"previous_value": None, "current_value": 5}}
        meta = {"assignee": {"id": 5, "name": "Ana"}, "assignee_type": "User"}
        return self._changed("conversation_updated", changed_attributes=[change], meta=meta, status="open")

    def resolved(self) -> bytes:
        return self._changed("conversation_status_changed", status="resolved")

    def note(self) -> bytes:
        return self.written("Alguém a conhece?", private=True)

    def ours(self) -> list[bytes]:
        id = self._there.id
        return [json.dumps(self.fake.webhook_of(id, message)).encode() for message in self._messages()]


class ChatwootBot(Chatwoot):
    """With the key of an agent bot."""

    TOKEN = chatwoot_wire.BOT
    CANNOT: Mapping[str, str] = {
        "find its notes": "no bot may list private notes: one whose answer was lost is repeated",
    }


class Zendesk(Seam):
    module = zendesk_desk
    thread = str(zendesk_wire.FIRST_TICKET)

    def __init__(self, door: Door | None = None, fake: FakeZendesk | None = None) -> None:
        self.fake = fake or FakeZendesk()
        self._comments = 9000
        super().__init__(door)

    def settled(self, url: str, **more: Any) -> DeskSettings:
        keys = {"email": zendesk_wire.EMAIL, "token": zendesk_wire.TOKEN, "secret": zendesk_wire.SECRET}
        return DeskSettings.model_validate({"type": "zendesk", "url": url, **keys, **more})

    def made(self, **more: Any) -> Desk:
        settings = self.settled(self.door.url or DEAD, **more)
        return zendesk_desk.Zendesk(settings, queue="vendas", allow_private=True, now=lambda: float(NOW))

    def homes(self) -> int:
        return len(self.fake.tickets)

    def falls_behind(self) -> None:
        self.fake.lists = False

    def _all(self) -> list[dict[str, Any]]:
        return [comment for ticket in self.fake.tickets for comment in self.fake.comments(ticket)]

    def shown(self) -> list[str]:
        return [f"{c['public']} {c['body']} {len(c.get('uploads', []))}" for c in self._all()]

    def said(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for comment in self._all():
            theirs = [("contact", spoken(line)) for line in comment["body"].splitlines()]
            found += theirs if comment["public"] else labelled(comment["body"])
        return found

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "") -> Hook:
        signer, invocation = secret or zendesk_wire.SECRET, hashlib.sha256(body).hexdigest()[:26]
        return Hook(zendesk_wire.headers(body, secret=signer, at=at, invocation=invocation), body)

    def _told(self, event: str, **more: str) -> bytes:
        """As docs/desks/zendesk.md has it to paste."""
        about = {"event": event, "ticket": self.thread, "at": "2026-11-21T02:00Z", "person": "Ana"}
        return json.dumps(about | more).encode()

    def written(self, text: str = "Bom dia!", **more: str) -> bytes:
        self._comments += 1
        about = {"comment": str(self._comments), "author": "1001", "requester": "2001", "public": "true", "files": ""}
        return self._told("written", **{**about, **more, "text": text})

    def assigned(self) -> bytes:
        return self._told("assigned")

    def resolved(self) -> bytes:
        return self._told("resolved")

    def note(self) -> bytes:
        return self.written("Alguém a conhece?", public="false")

    def ours(self) -> list[bytes]:
        requester = str(self.fake.requester)
        return [
            self.written(
                comment["body"],
                author=str(comment["author_id"]),
                requester=requester,
                public=str(comment["public"]).lower(),
            )
            for comment in self._all()
        ]


class Intercom(Seam):
    module = intercom_desk
    thread = "1001"
    CANNOT: Mapping[str, str] = {
        "sign a time": "Intercom signs the body alone; what is played back has known ids",
        "find what no search shows yet": "no key, no mark: a conversation whose making was not answered is made again",
        "tell the same words apart": "nothing can be marked there: words that stand there since are taken for them",
    }

    def __init__(self, door: Door | None = None, fake: FakeIntercom | None = None) -> None:
        self.fake = fake or FakeIntercom()
        self._parts = 9000
        super().__init__(door)

    def settled(self, url: str, **more: Any) -> DeskSettings:
        keys = {"token": intercom_wire.TOKEN, "secret": intercom_wire.SECRET, "admin_id": intercom_wire.ADMIN}
        return DeskSettings.model_validate({"type": "intercom", "url": url, **keys, **more})

    def made(self, **more: Any) -> Desk:
        settings = self.settled(self.door.url or DEAD, **more)
        return intercom_desk.Intercom(settings, queue="vendas", allow_private=True, now=lambda: float(NOW))

    def homes(self) -> int:
        return len(self.fake.conversations)

    def falls_behind(self) -> None:
        self.fake.searches = False

    def shown(self) -> list[str]:
        found = []
        for id, one in self.fake.conversations.items():
            found.append(one["source"]["body"])
            found += [f"{p['part_type']} {p['body']} {len(p['attachments'])}" for p in self.fake.parts(id)]
        return found

    def said(self) -> list[tuple[str, str]]:
        """The contact's words that begin a conversation count where neither a note nor a reply has them again."""
        found: list[tuple[str, str]] = []
        for id, one in self.fake.conversations.items():
            for part in self.fake.parts(id):
                lines = (part["plain"] or "").replace("\n\n", "\n")
                theirs = [("contact", spoken(line)) for line in lines.splitlines()]
                found += theirs if part["author"]["type"] == "user" else labelled(lines)
            first = ("contact", spoken(re.sub(r"</?p>", "", one["source"]["body"])))
            found = found if first in found else [first, *found]
        return found

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "") -> Hook:
        return Hook(intercom_wire.headers(body, secret=secret or intercom_wire.SECRET), body)

    def _told(self, topic: str, part: Mapping[str, Any]) -> bytes:
        return json.dumps(intercom_wire.notification(topic, dict(part), thread=self.thread)).encode()

    def written(self, text: str = "Bom dia!", **more: Any) -> bytes:
        self._parts += 1
        part = intercom_wire.part(body=f"<p>{text}</p>", id=str(self._parts), **more)
        return self._told("conversation.admin.replied", part)

    def assigned(self) -> bytes:
        to = {"type": "admin", "id": str(intercom_wire.ANA), "name": "Ana"}
        return self._told("conversation.admin.assigned", intercom_wire.part("assignment", None, assigned_to=to))

    def resolved(self) -> bytes:
        return self._told("conversation.admin.closed", intercom_wire.part("close", None))

    def note(self) -> bytes:
        return self.written("Alguém a conhece?", kind="note")

    def ours(self) -> list[bytes]:
        parts = [part for id in self.fake.conversations for part in self.fake.parts(id) if part["body"]]
        return [self._told("conversation.admin.replied", part) for part in parts]


class Slack(Seam):
    module = slack_desk
    CANNOT: Mapping[str, str] = {"assign": "nobody has a thread; who writes in it has the conversation"}
    ROOT = "1795226300.000100"

    def __init__(self, door: Door | None = None, fake: FakeSlack | None = None) -> None:
        self.fake = fake or FakeSlack()
        self._ts = NOW + 1000
        super().__init__(door)

    def settled(self, url: str, **more: Any) -> DeskSettings:
        keys = {"token": slack_wire.TOKEN, "secret": slack_wire.SECRET, "channel_id": slack_wire.CHANNEL}
        return DeskSettings.model_validate({"type": "slack", "url": f"{url}/api", **keys, **more})

    def made(self, **more: Any) -> Desk:
        settings = self.settled(self.door.url or DEAD, **more)
        return slack_desk.Slack(settings, allow_private=True, now=lambda: float(NOW))

    def _roots(self) -> list[str]:
        return [m["ts"] for m in self.fake.messages if not m.get("thread_ts")]

    @property
    def thread(self) -> str:  # type: ignore[override]
        return f"{slack_wire.CHANNEL}/{self._root}"

    @property
    def _root(self) -> str:
        return next(iter(self._roots()), self.ROOT)

    def homes(self) -> int:
        return len(self._roots())

    def shown(self) -> list[str]:
        return [f"{m['text']} {len(m.get('files', []))}" for m in self.fake.messages]

    def said(self) -> list[tuple[str, str]]:
        speech = re.compile(r"\*(Contato|Assistente|Equipe)\*[^\n]*\n((?:> [^\n]*\n?)+)")
        told = [match for m in self.fake.messages for match in speech.findall(m["text"])]
        return [(LABELS[label], words.strip().removeprefix("> ")) for label, words in told]

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "") -> Hook:
        return Hook(slack_wire.signed(body, at, secret or slack_wire.SECRET), body)

    def _told(self, event: Mapping[str, Any], **more: Any) -> bytes:
        id = hashlib.sha256(repr(event).encode()).hexdigest()[:10]
        told = slack_wire.sample("event_callback.message") | {"event_id": f"Ev{id}", "event": event}
        return json.dumps(told | more).encode()

    def written(self, text: str = "Bom dia!") -> bytes:
        self._ts += 1
        at = {"ts": f"{self._ts}.000100", "thread_ts": self._root}
        event: dict[str, Any] = slack_wire.sample("event_callback.message")["event"]
        return self._told({**event, "channel": slack_wire.CHANNEL, "text": text, **at})

    def resolved(self) -> bytes:
        item = {"type": "message", "channel": slack_wire.CHANNEL, "ts": self._root}
        event = {"type": "reaction_added", "user": "U1", "reaction": "white_check_mark", "item": item}
        return self._told({**event, "event_ts": "1795226400.000300"})

    def note(self) -> bytes:
        return self.written("// Alguém a conhece?")

    def ours(self) -> list[bytes]:
        """Also where it is not said which of the users we are."""
        return [self._told(message, **more) for message in self.fake.messages for more in ({}, {"authorizations": []})]

    def hooks(self) -> list[bytes]:
        return [self.written(), self.resolved()]


class Webhook(Seam):
    module = webhook_desk
    KEY = "handoff.desk.secret"
    thread = "c_42"
    CANNOT: Mapping[str, str] = {
        "read answers": "of an answer its status alone is looked at: any 2xx is a yes, whatever it says",
        "have notes": "a program posts to us what is meant for the contact, and nothing else",
        "look": "nothing is posted to see whether somebody answers: it would set somebody's flow going",
        "sign bytes": "Standard Webhooks signs texts: what is no UTF-8 has no signature",
        "call again without what was told": "it keeps nothing, so each of its cases has all that was said in it",
        "refuse a key": "its server is somebody's own, and says in a status that it does not know our signature",
    }

    def __init__(self, door: Door | None = None, fake: FakeCallback | None = None) -> None:
        self.fake = fake or FakeCallback()
        # The library that the fake checks our calls with knows the wall's time only.
        self._now = int(time.time())
        self._said = 0
        super().__init__(door)

    def settled(self, url: str, **more: Any) -> DeskSettings:
        about = {"type": "webhook", "url": f"{url}/replies?key={self.IN_URL}", "secret": callback_wire.SECRET}
        return DeskSettings.model_validate(about | more)

    IN_URL = "key-in-the-address"

    @property
    def secrets(self) -> list[str]:
        return [*super().secrets, self.IN_URL]

    def made(self, **more: Any) -> Desk:
        settings = self.settled(self.door.url or DEAD, **more)
        return webhook_desk.Webhook(settings, allow_private=True, now=lambda: float(self._now))

    def _told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(webhook-id, type, data): what has the same id is the same for who takes it, so it must say the same."""
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for id, payload in self.fake.seen:
            one = (payload["type"], payload["data"])
            assert found.setdefault(id, one) == one
        return [(id, *one) for id, one in found.items()]

    def homes(self) -> int:
        return len({data["conversation"]["id"] for _, _, data in self._told()})

    def shown(self) -> list[str]:
        return [json.dumps(one, ensure_ascii=False) for one in self._told()]

    def said(self) -> list[tuple[str, str]]:
        lines = [line for _, _, data in self._told() for line in data.get("transcript", [data.get("message")]) if line]
        return [("contact" if line["role"] == "user" else line["role"], line["text"]) for line in lines]

    def sign(self, body: bytes, *, at: int = NOW, secret: str = "", id: str = "") -> Hook:
        at += self._now - NOW
        when = datetime.fromtimestamp(at, UTC)
        id = id or f"msg_{hashlib.sha256(body).hexdigest()[:12]}"
        # As the library signs, which takes texts only.
        key = base64.b64decode((secret or callback_wire.SECRET).removeprefix("whsec_"))
        digest = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
        signature = f"v1,{base64.b64encode(digest).decode()}"
        if body.isascii():
            assert signature == StandardWebhook(secret or callback_wire.SECRET).sign(id, when, body.decode())
        return Hook({"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}, body)

    def _posted(self, type: str, **data: Any) -> bytes:
        about = {"conversation": {"id": self.thread}, "person": {"name": "Ana"}, **data}
        return json.dumps({"type": type, "timestamp": "2026-11-21T02:00:00Z", "data": about}).encode()

    def written(self, text: str = "Bom dia!") -> bytes:
        self._said += 1
        return self._posted("message.created", text=text, id=f"m_{self._said}")

    def assigned(self) -> bytes:
        return self._posted("conversation.assigned")

    def resolved(self) -> bytes:
        return self._posted("conversation.resolved")

    def ours(self) -> list[bytes]:
        """It is signed with the same secret: somebody could post it back."""
        return [json.dumps(payload).encode() for _, payload in self.fake.seen]


# -- running -----------------------------------------------------------------------------------------


def _running(made: Any, fake: Any) -> Callable[[], AbstractAsyncContextManager[Seam]]:
    @asynccontextmanager
    async def seam() -> AsyncIterator[Seam]:
        async with fake() as server:
            behind = URL(server.url).origin()
            async with Door(str(behind)) as door:
                one = made(door, server)
                yield one
                await one.desk.close()

    return seam


KINDS: Mapping[str, tuple[Any, Any]] = {
    "chatwoot": (Chatwoot, FakeChatwoot),
    "chatwoot_bot": (ChatwootBot, FakeChatwoot),
    "zendesk": (Zendesk, FakeZendesk),
    "intercom": (Intercom, FakeIntercom),
    "slack": (Slack, FakeSlack),
    "webhook": (Webhook, FakeCallback),
}
NAMES: Sequence[str] = list(KINDS)


def running(name: str) -> AbstractAsyncContextManager[Seam]:
    return _running(*KINDS[name])()


def reading(name: str) -> Seam:
    """One that only reads: nobody answers it."""
    made, _ = KINDS[name]
    seam: Seam = made()
    return seam


def name_of(seam: Seam) -> str:
    return next(name for name, (made, _) in KINDS.items() if made is type(seam))
