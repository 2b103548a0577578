"""A gateway that only speaks docs/api.md, for tests of the page: silent by itself, broken on request.

    standin = StandIn()
    async with serving(standin) as url: ...          # url of the page
    standin.says("Olá!"); standin.speaks(seconds=2); standin.becomes("recording")
    standin.faults.append(Fault("messages", 503, {"Retry-After": "1"}))

`python -m tests.page.standin` serves a small conversation to look at.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import web

import gateway.web

PAGE = Path(gateway.web.__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
RATE = 48_000
CONVERSATION = "c-1"
Message = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """The next request of this kind (visit, messages, history, events, media) gets this instead, once."""

    kind: str
    status: int = 0
    """0: the request is done, but the connection breaks before the answer."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Received:
    """One POST of a message, as it arrived, refused or not."""

    id: str
    text: str | None = None
    audio: bytes | None = None
    audio_type: str = ""


class StandIn:
    def __init__(self, **visit: Any) -> None:
        self.visit: dict[str, Any] = {
            "conversation": CONVERSATION,
            "channel": "site",
            "title": "Loja Aurora",
            "language": "pt-BR",
            "hearing": True,
            "voice": True,
            "limits": {"text_characters": 32_768, "audio_bytes": 16_777_216},
            **visit,
        }
        self.messages: list[Message] = []
        self.received: list[Received] = []
        self.faults: list[Fault] = []
        self.resumed: list[tuple[str | None, str | None]] = []
        """Of every stream that was opened and hears what is told from now on: (Last-Event-ID, ?after=)."""
        self.begun = True
        """False: there is no conversation before its first message, as with a new visitor."""
        self.held: dict[str, str] | None = None
        self.blobs: dict[str, tuple[bytes, str]] = {}
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        """Cleared: every POST of a message waits here."""
        self.gate.set()
        self.now = datetime.now(UTC)
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._count = {"contact": 0, "assistant": 0}

    # -- what the other side does

    def says(self, text: str, **more: Any) -> Message:
        return self._publish("assistant", {"kind": "text", "text": text}, **more)

    def speaks(self, seconds: float = 2.0, transcript: str = "Claro, posso ajudar.", **more: Any) -> Message:
        part = self._voice(tone(seconds), "audio/ogg; codecs=opus", seconds, transcript)
        return self._publish("assistant", part, **more)

    def asks(self, text: str) -> Message:
        """The contact wrote this, in another tab perhaps."""
        return self._publish("contact", {"kind": "text", "text": text})

    def asks_aloud(self, seconds: float = 2.0) -> Message:
        return self._publish("contact", self._voice(tone(seconds), "audio/ogg; codecs=opus", seconds, None))

    def hears(self, message: Message, transcript: str) -> None:
        message["part"]["transcript"] = transcript
        self._tell("heard", {"cursor": message["cursor"], "transcript": transcript})

    def becomes(self, state: str) -> None:
        self.held = {"queue": "humanos", "reason": "asked", "at": stamp(self.now)} if state == "held" else None
        self._tell("state", {"state": state})

    def repeats(self) -> None:
        """Everything is told again, as a gateway may that is not sure what arrived."""
        for message in self.messages:
            self._tell("message", message, message["cursor"])

    def cuts(self) -> None:
        """Every open stream breaks; what is told from now on they do not hear."""
        for stream in self._streams:
            stream.put_nowait(None)
        self._streams.clear()

    # -- the wire

    def app(self) -> web.Application:
        app = web.Application(client_max_size=20_000_000, middlewares=[self._faulty, policed])
        conversation = f"/v1/conversations/{CONVERSATION}"
        app.add_routes(
            [
                web.get("/chat/{channel}", self._page),
                web.static("/chat-assets", PAGE),
                web.post("/chat/{channel}/visit", self._visit, name="visit"),
                web.post("/v1/channels/{channel}/messages", self._accept, name="messages"),
                web.get(conversation, self._conversation),
                web.get(conversation + "/messages", self._history, name="history"),
                web.get(conversation + "/events", self._events, name="events"),
                web.get("/v1/media/{id}", self._media, name="media"),
            ]
        )
        return app

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.match_info.route.name
        fault = next((fault for fault in self.faults if fault.kind == name), None)
        if fault is None:
            return await handler(request)
        self.faults.remove(fault)
        if fault.status:
            if name == "messages":
                await self._read(request)
            return problem(fault.status, fault.headers)
        await handler(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _visit(self, request: web.Request) -> web.Response:
        if request.match_info["channel"] != self.visit["channel"]:
            return problem(404)
        answer = web.json_response(self.visit)
        answer.set_cookie("visit", "v-1", httponly=True, samesite="Strict")
        return answer

    async def _accept(self, request: web.Request) -> web.Response:
        if request.cookies.get("visit") != "v-1":
            return problem(401)
        await self.gate.wait()
        got = await self._read(request)
        known = next((m for m in self.messages if m["from"] == "contact" and m["id"] == got.id), None)
        if known and known["part"].get("text") != got.text:
            return problem(409)
        if got.text is not None and not got.text.strip():
            return problem(422)
        message = known or self._publish("contact", self._part(got), id=got.id)
        number = int(message["cursor"].split("-")[0])
        return web.json_response(
            {"conversation": CONVERSATION, "message": number, "duplicate": known is not None}, status=202
        )

    async def _read(self, request: web.Request) -> Received:
        if request.content_type == "application/json":
            got = await request.json()
            received = Received(got["id"], text=got["text"])
        else:
            fields = await request.post()
            audio = fields["audio"]
            assert isinstance(audio, web.FileField)
            received = Received(str(fields["id"]), audio=audio.file.read(), audio_type=audio.content_type)
        self.received.append(received)
        return received

    def _part(self, got: Received) -> dict[str, Any]:
        if got.audio is None:
            return {"kind": "text", "text": got.text}
        return self._voice(got.audio, got.audio_type, 1.0, None)

    async def _conversation(self, request: web.Request) -> web.Response:
        if not (self.begun or self.messages):
            return problem(404)
        return web.json_response({"id": CONVERSATION, "channel": "site", "queue": "atendimento", "held": self.held})

    async def _history(self, request: web.Request) -> web.Response:
        if not (self.begun or self.messages):
            return problem(404)
        page = self._after(request.query.get("after"))[: int(request.query.get("limit", 50))]
        cursor = page[-1]["cursor"] if page else request.query.get("after") or "0-0"
        return web.json_response({"messages": page, "cursor": cursor})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not (self.begun or self.messages):
            return problem(404)
        last, after = request.headers.get("Last-Event-ID"), request.query.get("after")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"retry: 200\n\n")
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        for message in self._after(last or after):
            stream.put_nowait(event("message", message, message["cursor"]))
        self._streams.add(stream)
        self.resumed.append((last, after))
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

    async def _media(self, request: web.Request) -> web.Response:
        self.fetched.append(request.path_qs)
        data, mime = self.blobs[request.match_info["id"]]
        if request.query.get("as") == "mp3":
            data, mime = tone(1.0, "mp3"), "audio/mpeg"
        part = request.http_range
        start, stop = part.start or 0, part.stop or len(data)
        headers = {"Content-Type": mime, "Accept-Ranges": "bytes"}
        if "Range" not in request.headers:
            return web.Response(body=data, headers=headers)
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:stop], headers=headers)

    # -- inside

    def _publish(self, who: str, part: dict[str, Any], **more: Any) -> Message:
        self._count[who] += 1
        self.now += timedelta(milliseconds=1)
        cursor = f"{self._count['contact']}-{self._count['assistant']}"
        message = {"cursor": cursor, "from": who, "id": f"m-{cursor}", "at": stamp(self.now), "part": part}
        if who == "assistant":
            message |= {"turn": f"t-{self._count['contact']}", "citations": []}
        message |= more
        self.messages.append(message)
        self._tell("message", message, cursor)
        return message

    def _voice(self, data: bytes, mime: str, seconds: float, transcript: str | None) -> dict[str, Any]:
        id = f"b{len(self.blobs) + 1}"
        self.blobs[id] = (data, mime)
        media = {
            "id": id,
            "url": f"/v1/media/{id}",
            "mime": mime,
            "seconds": seconds,
            "bytes": len(data),
            "waveform": speechlike(),
        }
        return {"kind": "voice", "media": media, "transcript": transcript}

    def _tell(self, name: str, data: dict[str, Any], id: str | None = None) -> None:
        for stream in self._streams:
            stream.put_nowait(event(name, data, id))

    def _after(self, cursor: str | None) -> list[Message]:
        place = next((i + 1 for i, message in enumerate(self.messages) if message["cursor"] == cursor), 0)
        return self.messages[place:]


@asynccontextmanager
async def serving(standin: StandIn, port: int = 0) -> AsyncIterator[str]:
    """The address of the page while it is served; give the same port again for a gateway that comes back."""
    runner = web.AppRunner(standin.app(), shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/chat/site"
    finally:
        standin.cuts()
        await runner.cleanup()


@web.middleware
async def policed(request: web.Request, handler: Handler) -> web.StreamResponse:
    request_answer = await handler(request)
    if not request_answer.prepared:
        request_answer.headers["Content-Security-Policy"] = POLICY
        request_answer.headers["X-Content-Type-Options"] = "nosniff"
    return request_answer


def problem(status: int, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps({"type": "about:blank", "title": "refused", "status": status, "detail": "as scripted"})
    return web.Response(status=status, text=body, content_type="application/problem+json", headers=headers)


def event(name: str, data: dict[str, Any], id: str | None) -> bytes:
    lines = ([f"id: {id}"] if id else []) + [f"event: {name}", f"data: {json.dumps(data)}"]
    return ("\n".join(lines) + "\n\n").encode()


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def speechlike() -> list[int]:
    """64 loudness samples that rise and fall as words do."""
    return [round(18 + 82 * abs(math.sin(i / 2.7) * math.cos(i / 9.1 + 0.6))) for i in range(64)]


def tone(seconds: float, form: str = "ogg") -> bytes:
    """A tone as a voice note (Ogg with Opus), or as mp3 or wav."""
    codec = {"ogg": "libopus", "mp3": "libmp3lame", "wav": "pcm_s16le"}[form]
    wave = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        for ready in (
            *av.AudioResampler(stream.format, "mono", RATE, stream.frame_size or None).resample(frame),
            None,
        ):
            container.mux(stream.encode(ready))
    return out.getvalue()


def small_talk(standin: StandIn) -> None:
    """A conversation to look at."""
    delivery = {"document": "docs/entregas.md", "paragraph": 2, "text": "Grande Rio: até 3 dias úteis."}
    exchange = {"document": "trocas.md", "paragraph": 4, "text": "Trocas em até 30 dias."}
    standin.now -= timedelta(days=1)
    standin.asks("Boa tarde! Vocês entregam em Niterói?")
    standin.says(
        "Boa tarde! Sim, em até 3 dias úteis. O frete aparece em https://aurora.example/frete.",
        citations=[delivery],
    )
    standin.now += timedelta(days=1)
    standin.hears(standin.asks_aloud(4.0), "E se eu quiser trocar o tamanho?")
    standin.speaks(9.0, "A troca é gratuita em até 30 dias. Eu mando o código por aqui.", citations=[exchange])
    standin.says("Código de troca: AUR-30-2217")
    standin.asks("Perfeito, obrigada!")


async def main() -> None:
    standin = StandIn(suggestions=["Qual é o prazo de entrega?", "Como faço uma troca?", "Quero falar com uma pessoa"])
    small_talk(standin)
    async with serving(standin, 8899) as url:
        print(url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
