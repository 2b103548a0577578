"""An inbox that only speaks docs/api.md, for tests of its page: conversations, people, and what goes wrong on request.

team = Team()
lia = team.calls("Lia Souza", "Quero trocar o tamanho", reason="O cliente pediu para falar com uma pessoa.")
async with serving(team) as url: ...          # url of the page
team.writes(lia, "Alguém aí?"); team.taken(lia, "Bruno"); team.state_of(lia, "failed")
team.turn(lia, "answered", "O assistente respondeu."); team.passes(lia, "held", person="Bruno")
team.faults.append(Fault("write", 409, field="person"))
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.page.browser import chromium, visitor
from tests.page.standin import PAGE, Handler, event, problem, speechlike, stamp, tone

KEY = "inbox-key-0123456789"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
Json = dict[str, Any]


@dataclass
class Fault:
    """The next request of this kind (list, events, case, messages, turns, write, take, resolve, release, media),
    once."""

    kind: str
    status: int = 0
    """0: it is done, but the connection breaks before the answer."""
    field: str = ""
    lasting: bool = False
    """Not once: until it is taken out of `faults`."""


@dataclass
class Talk:
    id: str
    name: str
    custody: Json
    summary: str
    messages: list[Json] = field(default_factory=list)
    turns: list[Json] = field(default_factory=list)
    course: list[Json] = field(default_factory=list)
    voice: bool = True

    @property
    def cursor(self) -> str:
        return str(self.messages[-1]["cursor"]) if self.messages else "0-0"


class Team:
    def __init__(self, *, page: int = 50, manual: bool = False) -> None:
        """`page`: conversations in one answer of the list. `manual`: resolving does not release."""
        self.talks: dict[str, Talk] = {}
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, str, Json]] = []
        """(what, conversation, body) of every POST, refused or not."""
        self.keys: list[str] = []
        """The Authorization of every request under /v1."""
        self.looked_back = 0
        """How often turns were asked for."""
        self.now = datetime.now(UTC)
        self.voiceless = ""
        """Why nothing can be spoken; empty: it can."""
        self.gate = asyncio.Event()
        """Cleared: every reply waits here."""
        self.gate.set()
        self._page, self._manual = page, manual
        self._blobs: dict[str, bytes] = {}
        self._streams: set[asyncio.Queue[bytes | None]] = set()

    # -- what happens

    def calls(self, name: str, text: str, reason: str, *, minutes: int = 5, summary: str = "", id: str = "") -> Talk:
        """A customer waits for a person since so many minutes."""
        since = self.now - timedelta(minutes=minutes)
        custody = {"state": "requested", "person": "", "to": "humanos", "reason": "wish", "why": reason, "spell": 1}
        talk = Talk(id or f"c_{len(self.talks) + 1:024x}", name, {**custody, "since": stamp(since)}, summary or text)
        self.talks[talk.id] = talk
        self.writes(talk, text, at=stamp(since))
        return talk

    def writes(self, talk: Talk, text: str, **more: Any) -> Json:
        return self._add(talk, "contact", {"kind": "text", "text": text}, **more)

    def speaks(self, talk: Talk, transcript: str | None, seconds: float = 2.0, **more: Any) -> Json:
        return self._add(talk, "contact", self.voice(seconds, transcript), **more)

    def answers(self, talk: Talk, text: str, **more: Any) -> Json:
        return self._add(talk, "assistant", {"kind": "text", "text": text}, state="delivered", **more)

    def person(self, talk: Talk, name: str, part: Json, **more: Any) -> Json:
        return self._add(talk, "person", part, **{"by": name, "state": "sent", **more})

    def taken(self, talk: Talk, person: str) -> None:
        talk.custody |= {"state": "held", "person": person}
        self.changed(talk)

    def over(self, talk: Talk) -> None:
        talk.custody |= {"state": "released", "person": ""}
        self.changed(talk)

    def state_of(self, talk: Talk, state: str) -> None:
        """How far the last message got."""
        talk.messages[-1]["state"] = state
        self.changed(talk)

    def turn(self, talk: Talk, outcome: str, why: str, *, minutes: float = 0, **more: Any) -> Json:
        """A turn that ended so many minutes ago. `more`: what else it has, as docs/api.md has it."""
        n, at = len(talk.turns), stamp(self.now - timedelta(minutes=minutes))
        turn: Json = {"turn": f"{talk.id}.{n + 1}", "epoch": n + 1, "covers": {"after": n, "upto": n + 1}}
        turn |= {"started_at": at, "ended_at": at, "outcome": outcome, "reason": "assistant", "rung": "Ask", "why": why}
        turn |= {"timeline": [], "reply": {"parts": []}, "deliveries": [], **more}
        talk.turns.append(turn)
        self.changed(talk)
        return turn

    def passes(
        self, talk: Talk, state: str, why: str = "", *, person: str = "", minutes: float = 0, to: str = "humanos"
    ) -> None:
        at = stamp(self.now - timedelta(minutes=minutes))
        step = {"at": at, "state": state, "to": to, "person": person, "reason": "wish", "why": why}
        talk.course.append(step)
        self.changed(talk)

    def changed(self, talk: Talk) -> None:
        for stream in self._streams:
            stream.put_nowait(event("changed", {"conversation": talk.id}, None))

    def cuts(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)

    def voice(self, seconds: float, transcript: str | None) -> Json:
        id, mime = f"m{len(self._blobs) + 1}", "audio/ogg; codecs=opus"
        self._blobs[id] = tone(seconds)
        media = {"id": id, "url": f"/v1/media/{id}", "mime": mime, "seconds": seconds, "waveform": speechlike()}
        return {"kind": "voice", "media": media | {"bytes": 1}, "transcript": transcript}

    def sends(self, talk: Talk, kind: str, mime: str, data: bytes, name: str) -> Json:
        """The contact sends a file."""
        id = f"m{len(self._blobs) + 1}"
        self._blobs[id] = data
        media: Json = {
            "id": id,
            "url": f"/v1/media/{id}",
            "mime": mime,
            "seconds": None,
            "bytes": len(data),
            "waveform": [],
        }
        attachment = {"kind": kind, "name": name, "media": media}
        return self._add(talk, "contact", {"kind": "text", "text": "", "attachments": [attachment]})

    def _add(self, talk: Talk, who: str, part: Json, **more: Any) -> Json:
        seen = [int(n) for n in talk.cursor.split("-")]
        seen[who != "contact"] += 1
        cursor = f"{seen[0]}-{seen[1]}"
        message = {"cursor": cursor, "from": who, "id": f"m-{cursor}", "at": stamp(self.now), "part": part}
        talk.messages.append(message | more)
        self.changed(talk)
        return talk.messages[-1]

    # -- the wire

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guarded, _policed])
        one = "/v1/conversations/{id}"
        app.add_routes(
            [
                web.get("/inbox", self._inbox, name="page"),
                web.static("/chat-assets", PAGE),
                web.get("/v1/inbox", self._list, name="list"),
                web.get("/v1/inbox/events", self._events, name="events"),
                web.get(one, self._case, name="case"),
                web.get(one + "/messages", self._messages, name="messages"),
                web.get(one + "/turns", self._turns, name="turns"),
                web.post(one + "/messages", self._write, name="write"),
                web.post(one + "/take", self._take, name="take"),
                web.post(one + "/resolve", self._resolve, name="resolve"),
                web.post(one + "/release", self._release, name="release"),
                web.get("/v1/media/{id}", self._media, name="media"),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.match_info.route.name
        if request.path.startswith("/v1"):
            self.keys.append(request.headers.get("Authorization", ""))
            assert KEY not in request.path_qs
            if self.keys[-1] != f"Bearer {KEY}":
                return problem(403 if self.keys[-1] == "Bearer channel-key" else 401)
        fault = next((fault for fault in self.faults if fault.kind == name), None)
        if fault is None:
            return await handler(request)
        if not fault.lasting:
            self.faults.remove(fault)
        if fault.status:
            return _refused(fault.status, fault.field)
        await handler(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _inbox(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "inbox.html")

    async def _list(self, request: web.Request) -> web.Response:
        held = [talk for talk in self.talks.values() if talk.custody["state"] in ("requested", "held")]
        held.sort(key=lambda talk: str(talk.custody["since"]))
        start = int(request.query.get("after", 0))
        shown, end = held[start : start + self._page], start + self._page
        found = [{**_facts(talk), "last": _last(talk)} for talk in shown]
        return web.json_response({"conversations": found, "after": str(end) if len(held) > end else None})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": here\n\n")
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams.add(stream)
        try:
            while (data := await stream.get()) is not None:
                await response.write(data)
        except ConnectionResetError:
            pass  # the page went away, as pages do
        finally:
            self._streams.discard(stream)
        if request.transport:
            request.transport.abort()
        return response

    async def _case(self, request: web.Request) -> web.Response:
        talk = self.talks.get(request.match_info["id"])
        if talk is None:
            return problem(404)
        more: Json = {"summary": talk.summary, "voice": talk.voice, "cursor": talk.cursor, "held": None}
        more |= {"course": talk.course, "desk": []}
        return web.json_response({**_facts(talk), **more})

    async def _messages(self, request: web.Request) -> web.Response:
        talk, after = self.talks[request.match_info["id"]], _pair(request.query["after"])
        shown = [m for m in talk.messages if any(a > b for a, b in zip(_pair(m["cursor"]), after, strict=True))]
        return web.json_response({"messages": shown, "cursor": talk.cursor if shown else request.query["after"]})

    async def _turns(self, request: web.Request) -> web.Response:
        talk, latest = self.talks[request.match_info["id"]], int(request.query["latest"])
        assert 1 <= latest <= 200
        self.looked_back += 1
        end = talk.turns[-1]["covers"]["upto"] if talk.turns else 0
        shown = [turn for turn in talk.turns if turn["covers"]["upto"] > end - latest]
        return web.json_response({"turns": shown, "after": shown[-1]["epoch"] if shown else None})

    async def _said(self, request: web.Request) -> tuple[Talk, Json]:
        talk, body = self.talks[request.match_info["id"]], await request.json()
        self.asked.append((str(request.match_info.route.name), talk.id, body))
        return talk, body

    async def _write(self, request: web.Request) -> web.Response:
        talk, body = await self._said(request)
        await self.gate.wait()
        if talk.custody["state"] not in ("requested", "held"):
            return _refused(409, "spell")
        if talk.custody["person"] not in ("", body["person"]):
            return _refused(409, "person")
        spoken = bool(body["speak"]) and not self.voiceless
        part = self.voice(2.0, body["text"]) if spoken else {"kind": "text", "text": body["text"]}
        known = any(m["id"] == body["id"] for m in talk.messages)
        if not known:
            talk.custody |= {"state": "held", "person": body["person"]}
            self.person(talk, body["person"], part, id=body["id"])
        answer = {"conversation": talk.id, "id": body["id"], "duplicate": known, "parts": [part], "spoken": spoken}
        return web.json_response(answer | ({"why": self.voiceless} if self.voiceless else {}), status=202)

    async def _take(self, request: web.Request) -> web.Response:
        talk, body = await self._said(request)
        if talk.custody["person"] not in ("", body["person"], body.get("instead_of")):
            return _refused(409, "person")
        self.taken(talk, body["person"])
        return web.json_response({"conversation": talk.id, "custody": talk.custody})

    async def _resolve(self, request: web.Request) -> web.Response:
        talk, _ = await self._said(request)
        if not self._manual:
            self.over(talk)
        return web.json_response({"conversation": talk.id, "custody": talk.custody})

    async def _release(self, request: web.Request) -> web.Response:
        talk, _ = await self._said(request)
        self.over(talk)
        answer = {"conversation": talk.id, "held": False, "changed": True, "custody": talk.custody}
        return web.json_response(answer)

    async def _media(self, request: web.Request) -> web.Response:
        assert request.query["conversation"] in self.talks
        return web.Response(body=self._blobs[request.match_info["id"]], headers={"Content-Type": "audio/ogg"})


def _facts(talk: Talk) -> Json:
    contact = {"id": "+55 11 91234-5678", "name": talk.name}
    return {"id": talk.id, "channel": "zap", "queue": "loja", "contact": contact, "custody": talk.custody}


def _last(talk: Talk) -> Json:
    message = talk.messages[-1]
    part = message["part"]
    words = part.get("text") or part.get("transcript") or ""
    return {"from": message["from"], "at": message["at"], "text": words}


def _pair(cursor: str) -> list[int]:
    return [int(n) for n in cursor.split("-")]


def _refused(status: int, field: str) -> web.Response:
    body = {"type": "about:blank", "title": "refused", "status": status, "detail": "as scripted", "field": field}
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json")


@web.middleware
async def _policed(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if not answer.prepared:
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@asynccontextmanager
async def serving(team: Team, port: int = 0) -> AsyncIterator[str]:
    """The address of the inbox while it is served; give the same port again for one that comes back."""
    runner = web.AppRunner(team.app(), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/inbox"
    finally:
        team.cuts()
        await runner.cleanup()


def busy_day(team: Team) -> Talk:
    """A morning to look at; the conversation to open."""
    lia = team.calls(
        "Lia Souza",
        "Oi! Comprei um vestido M e queria trocar pelo G.",
        "O cliente pediu para falar com uma pessoa.",
        minutes=7,
        summary="Contato: Lia Souza\nIdioma: português\nPerguntou:\n- trocar o vestido M pelo G, pedido 48213\n"
        "O assistente respondeu:\n- a troca é gratuita em até 30 dias\nPediu uma pessoa:\n- quero falar com alguém",
    )
    ago = [team.now - timedelta(minutes=minutes) for minutes in (9, 8, 7)]
    lia.messages[0]["at"] = stamp(team.now - timedelta(minutes=10))
    team.answers(lia, "Claro! A troca é gratuita em até 30 dias. Qual é o número do pedido?", at=stamp(ago[0]))
    words = "É o 48213. Mas eu preciso até sexta, quero falar com alguém, por favor."
    team.speaks(lia, words, 5.0, at=stamp(ago[1]))
    calling = "Vou chamar uma pessoa da nossa equipe para continuar com você. Um momento, por favor."
    team.answers(lia, calling, at=stamp(ago[2]))
    _past(team, lia)
    rui = team.calls("Rui Alves", "Meu pedido veio errado", "O assistente não conseguiu responder.", minutes=23)
    team.taken(rui, "Bruno")
    team.person(rui, "Bruno", {"kind": "text", "text": "Oi, Rui! Já estou vendo."})
    team.calls("Marta Lopes", "Podem emitir nota fiscal?", "O cliente pediu para falar com uma pessoa.", minutes=64)
    ana = team.calls(
        "Ana P.", "Vocês atendem atacado?", "O cliente escreveu fora do horário de atendimento.", minutes=190
    )
    team.taken(ana, "Marina")
    return lia


def _past(team: Team, lia: Talk) -> None:
    """What led there, as her two turns and the call have it."""
    wrote = {
        "step": "shape",
        "at": 1,
        "reason": "contact_wrote",
        "why": "O cliente escreveu, então a resposta foi por texto.",
    }
    said = {"parts": [{"kind": "text", "text": "Claro!"}]}
    team.turn(lia, "answered", "O assistente respondeu.", minutes=9, timeline=[wrote], reply=said)
    calls = "O cliente pediu para falar com uma pessoa."
    fixed = {"step": "shape", "at": 1, "reason": "format_text", "why": "As respostas desta fila são por texto."}
    team.turn(lia, "transferred", calls, minutes=7, reason="wish", rung="Transfer", timeline=[fixed], reply=said)
    team.passes(lia, "requested", calls, minutes=7)


def back_again(team: Team) -> Talk:
    """A customer who was with people, was given back, and is with people once more."""
    hers = "O cliente pediu para falar com uma pessoa."
    lia = team.calls("Lia Souza", "", hers, minutes=4, summary="Contato: Lia Souza\nIdioma: português")
    _said_to(team, lia)
    shapes = {
        "contact_spoke": "O cliente mandou áudio, então a resposta foi por áudio.",
        "contact_wrote": "O cliente escreveu, então a resposta foi por texto.",
        "format_text": "As respostas desta fila são por texto.",
    }
    steps = {reason: {"step": "shape", "at": 1, "reason": reason, "why": why} for reason, why in shapes.items()}
    text, note = {"parts": [{"kind": "text", "text": "…"}]}, {"parts": [team.voice(2.0, "…")]}
    fixed: Json = {"timeline": [steps["format_text"]], "reply": text, "reason": "wish", "rung": "Transfer"}
    answered = "O assistente respondeu."
    team.turn(lia, "answered", answered, minutes=42, timeline=[steps["contact_spoke"]], reply=note)
    team.turn(lia, "transferred", hers, minutes=40, **fixed)
    team.passes(lia, "requested", hers, minutes=40)
    team.passes(lia, "held", hers, person="Bruno", minutes=37)
    silent = "A conversa estava com a equipe, então o assistente ficou em silêncio."
    team.turn(lia, "held", silent, minutes=35, reason="held_by_person", rung="StaySilent")
    team.passes(lia, "released", "A equipe marcou a conversa como resolvida.", minutes=21)
    lost = [{"part": "0", "state": "failed", "at": stamp(team.now), "detail": "131026"}]
    wrote: Json = {"timeline": [steps["contact_wrote"]], "reply": text}
    team.turn(lia, "answered", answered, minutes=6, **wrote, deliveries=lost)
    team.turn(lia, "transferred", hers, minutes=4, **fixed)
    team.passes(lia, "requested", hers, minutes=4)
    return lia


def _said_to(team: Team, lia: Talk) -> None:
    lia.messages.clear()
    at = [stamp(team.now - timedelta(minutes=minutes)) for minutes in (41, 40, 37, 36, 6, 6, 5, 4)]
    calling = "Vou chamar uma pessoa da nossa equipe para continuar com você. Um momento, por favor."
    team.writes(lia, "Prefiro falar com alguém.", at=at[0])
    team.answers(lia, calling, at=at[1])
    team.person(lia, "Bruno", {"kind": "text", "text": "Oi, Lia! Já separei outro para você."}, at=at[2])
    team.writes(lia, "Obrigada!", at=at[3])
    team.writes(lia, "E posso trocar por outra cor?", at=at[4])
    team.answers(lia, "A primeira troca é por nossa conta.", at=at[5])
    lia.messages[-1]["state"] = "failed"
    team.writes(lia, "Alguém aí? Quero falar com uma pessoa.", at=at[6])
    team.answers(lia, calling, at=at[7])


VIEWS: dict[str, Json] = {
    "light": {"viewport": {"width": 1180, "height": 760}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1180, "height": 760}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "color_scheme": "light"},
}


async def pictures(folder: Path) -> None:
    """`inbox-light.png`, `inbox-dark.png`, `inbox-phone.png`: a conversation that waits, read by Marina. `history.png`:
    how another one came where it is."""
    team = Team()
    lia = busy_day(team)
    async with serving(team) as url, chromium() as browser:
        for name, view in VIEWS.items():
            async with visitor(browser, "pt-BR", **view) as page:
                await page.goto(url)
                await page.locator("#person").fill("Marina")
                await page.locator("#key").fill(KEY)
                await page.keyboard.press("Enter")
                await page.locator(".entry", has_text=lia.name).click()
                await page.locator(".note").wait_for()
                await page.locator("#reply").fill("Oi, Lia! Já separei o G para você, chega na quinta.")
                await page.screenshot(path=folder / f"inbox-{name}.png")
    await _history(folder / "history.png", VIEWS["light"] | {"viewport": {"width": 1180, "height": 860}})


async def _history(path: Path, view: Json) -> None:
    team = Team()
    lia = back_again(team)
    async with serving(team) as url, chromium() as browser, visitor(browser, "pt-BR", **view) as page:
        await page.goto(f"{url}#{lia.id}")
        await page.locator("#person").fill("Marina")
        await page.locator("#key").fill(KEY)
        await page.keyboard.press("Enter")
        await page.locator(".history > summary").click()
        await page.locator(".history li").first.wait_for()
        await page.screenshot(path=path)


if __name__ == "__main__":
    asyncio.run(pictures(Path(sys.argv[1])))
