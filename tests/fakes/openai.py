"""OpenAI on 127.0.0.1: Responses, Chat Completions, models and transcriptions, with faults on request.

    async with FakeOpenAI(answer=lambda question: f"You said: {question}") as openai:
        configure(base_url=openai.base_url)
        openai.play(refused(429, "rate_limit_exceeded", retry_after=1), cut(after=2))   # the next two answers
        ...
        assert openai.calls[0].json["model"] == "gpt-6-luna"

`play` queues replies for the answering endpoints (Responses and Chat alike); `play_hearing` for transcriptions. Without
a script, the assistant answers with `answer(question)` and the ear with `heard`. A reply is any coroutine function of
(call, request), so a test can bring its own.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web

KEY = "sk-test-0123456789abcdef"
Answer = Callable[[str], str]


@dataclass(frozen=True)
class Call:
    """One request, as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    json: dict[str, Any] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
    file_type: str = ""
    file: bytes = b""
    answer: Answer = field(default=str, compare=False)

    @property
    def chat(self) -> bool:
        return self.path.endswith("/chat/completions")

    @property
    def said(self) -> list[tuple[str, str]]:
        """(role, words) of each message, whichever endpoint it was sent to."""
        return [(m["role"], _words(m["content"])) for m in self._messages]

    @property
    def pictures(self) -> list[dict[str, Any]]:
        """The parts of the last message that are not text."""
        content = self._messages[-1]["content"]
        return [] if isinstance(content, str) else [part for part in content if "text" not in part["type"]]

    @property
    def _messages(self) -> list[dict[str, Any]]:
        return self.json.get("messages") or self.json.get("input") or []

    @property
    def question(self) -> str:
        """What the contact asked last, without the excerpts sent along."""
        last = next((words for role, words in reversed(self.said) if role == "user"), "")
        return re.sub(r"(?s)^<excerpts>.*</excerpts>\s*", "", last)

    @property
    def instructions(self) -> str:
        return self.json.get("instructions") or next((w for role, w in self.said if role == "system"), "")


def _words(content: str | list[dict[str, Any]]) -> str:
    """A message is a text, or parts of which some are text."""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content).strip()


Reply = Callable[[Call, web.Request], Awaitable[web.StreamResponse]]


class FakeOpenAI:
    def __init__(
        self,
        answer: Answer = lambda question: f"Echo: {question}",
        *,
        heard: str = "Oi, quanto custa a consulta?",
        key: str = KEY,
        models: Sequence[dict[str, Any]] = ({"id": "gpt-6-luna", "object": "model"},),
    ) -> None:
        self.answer = answer
        self.heard = heard
        self.key = key
        """Only this key is served; empty serves everybody."""
        self.models = list(models)
        self.calls: list[Call] = []
        self.most_at_once = 0
        self.dropped = 0
        """Calls the client hung up on before they were answered."""
        self.drop = asyncio.Event()
        """Set when that has happened."""
        self.arrived = asyncio.Event()
        """Set when the first call has come in."""
        self._script: deque[Reply] = deque()
        self._hearing: deque[Reply] = deque()
        self._now = 0
        self._came = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def crowded(self, calls: int) -> None:
        """Returns when so many calls have been open at one time."""
        while self.most_at_once < calls:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), 60)

    def play(self, *replies: Reply) -> None:
        self._script.extend(replies)

    def play_hearing(self, *replies: Reply) -> None:
        self._hearing.extend(replies)

    @property
    def asked(self) -> list[Call]:
        """The calls that wanted an answer, without model lists and transcriptions."""
        return [c for c in self.calls if c.path.endswith(("/responses", "/chat/completions"))]

    async def __aenter__(self) -> FakeOpenAI:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        self.routes(app)
        # Cancelled handlers are how this server sees a client hang up.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/responses", self._answering)
        app.router.add_post("/v1/chat/completions", self._answering)
        app.router.add_post("/v1/audio/transcriptions", self._transcribing)
        app.router.add_get("/v1/models", self._listing)

    def admits(self, headers: Mapping[str, str]) -> bool:
        return not self.key or headers.get("Authorization") == f"Bearer {self.key}"

    def transcript(self) -> object:
        return {"text": self.heard}

    # -- endpoints ---------------------------------------------------------------------------------

    async def _answering(self, request: web.Request) -> web.StreamResponse:
        call = self._note(request, json=await request.json())
        return await self._counted(call, request, self._script, spoken())

    async def _transcribing(self, request: web.Request) -> web.StreamResponse:
        form: dict[str, str] = {}
        name, kind, data = "", "", b""
        async for part in await request.multipart():
            if part.filename:
                name, kind, data = part.filename, part.headers["Content-Type"], bytes(await part.read())
            else:
                form[part.name] = await part.text()
        call = self._note(request, form=form, file_name=name, file_type=kind, file=data)
        if name.rpartition(".")[2] not in ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"):
            return await refused(400, "unsupported_format", param="file")(call, request)
        return await self._counted(call, request, self._hearing, document(self.transcript()))

    async def _listing(self, request: web.Request) -> web.StreamResponse:
        call = self._note(request)
        reply = document({"object": "list", "data": self.models})
        return await self._counted(call, request, deque(), reply)

    def _note(self, request: web.Request, **body: Any) -> Call:
        call = Call(request.method, request.path, dict(request.headers), answer=self.answer, **body)
        self.calls.append(call)
        self.arrived.set()
        return call

    async def _counted(
        self, call: Call, request: web.Request, script: deque[Reply], usual: Reply
    ) -> web.StreamResponse:
        if not self.admits(request.headers):
            return await refused(401, "invalid_api_key")(call, request)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        self._came.set()
        try:
            return await (script.popleft() if script else usual)(call, request)
        except asyncio.CancelledError:
            self.dropped += 1
            self.drop.set()
            raise
        finally:
            self._now -= 1


# -- replies -------------------------------------------------------------------------------------


def spoken(
    text: str | None = None,
    *,
    pieces: int = 5,
    delay: float = 0.0,
    chunk: int = 0,
    newline: str = "\n",
    done: bool = True,
    gate: asyncio.Event | None = None,
) -> Reply:
    """A good answer; `text` instead of the fake's own. `delay` seconds between deltas, or all of them after the first
    wait for `gate`. `chunk` cuts the bytes into pieces of that length, through characters and line ends alike."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        events = _events(call, call.answer(call.question) if text is None else text, pieces, done)
        return await _stream(request, events, delay=delay, chunk=chunk, newline=newline, gate=gate)

    return reply


class Dictation:
    """An answer that is written as a test says, while it looks on.

    openai.play(answer := Dictation())
    answer.write("The first sentence. ")
    answer.end()
    """

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._begun: asyncio.Queue[None] = asyncio.Queue()
        self._written = ""

    async def begun(self) -> None:
        """Returns when somebody asked for it."""
        await asyncio.wait_for(self._begun.get(), 60)

    def write(self, text: str) -> None:
        self._pieces.put_nowait(text)

    def end(self) -> None:
        self._pieces.put_nowait(None)

    def tear(self) -> None:
        """The connection breaks off."""
        self._pieces.put_nowait("")

    async def __call__(self, call: Call, request: web.Request) -> web.StreamResponse:
        self._begun.put_nowait(None)
        response = await _stream(request, [], end=False)
        while piece := await self._pieces.get():
            self._written += piece
            for event in _deltas(call, piece, 1):
                await response.write(_framed(event, "\n"))
        if piece == "" and request.transport:
            request.transport.abort()
            return response
        for event in _events(call, self._written, 1, True)[1 + (not call.chat) :]:
            await response.write(_framed(event, "\n"))
        await response.write_eof()
        return response


def ending(*events: dict[str, Any] | str, text: str = "Half an ans") -> Reply:
    """An answer that begins well, and then these events; a str goes out as it is."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        return await _stream(request, [*_deltas(call, text, 2), *events])

    return reply


def failed(code: str = "server_error", text: str = "") -> Reply:
    """Responses: 200, a stream, and `response.failed` in it."""
    return ending(_ended("failed", error={"code": code, "message": "No."}), text=text)


def incomplete(reason: str = "max_output_tokens", text: str = "Half an ans") -> Reply:
    """Responses: the model stopped early. Chat: the finish_reason that means the same."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        finish = {"max_output_tokens": "length"}.get(reason, reason)
        end = _choice({}, finish) if call.chat else _ended("incomplete", incomplete_details={"reason": reason})
        return await ending(end, text=text)(call, request)

    return reply


def in_band(code: str = "server_error", *, nested: bool = False) -> Reply:
    """200, and an error event in the stream: `{"type":"error"}` or `{"error":{…}}`."""
    error = {"code": code, "message": "No.", "param": None}
    return ending({"error": {**error, "type": code}} if nested else {"type": "error", **error})


def refusal(text: str = "Não posso ajudar com isso.") -> Reply:
    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        events = (
            [_choice({"refusal": text}), _choice({}, "stop")]
            if call.chat
            else [
                {"type": "response.refusal.delta", "delta": text},
                _ended("completed", output=[_message({"type": "refusal", "refusal": text})]),
            ]
        )
        return await _stream(request, events)

    return reply


def calling(*calls: tuple[str, str], text: str = "", indexed: bool = True, truncated: bool = False) -> Reply:
    """The model calls functions, (name, arguments as text) each, perhaps after a text. `indexed`: as OpenAI sends
    them; without, as servers that leave ids, indexes and argument deltas out. `truncated`: the output limit struck."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        events = _chat_calls(calls, indexed) if call.chat else _response_calls(calls, indexed)
        reason = {"incomplete_details": {"reason": "max_output_tokens"}} if truncated else {}
        output = [_function_call(name, arguments) for name, arguments in calls]
        ended = _ended("incomplete" if truncated else "completed", output=output, **reason)
        end = _choice({}, "length" if truncated else "tool_calls") if call.chat else ended
        said = _deltas(call, text, 2) if text else []
        return await _stream(request, [*said, *events, end])

    return reply


def _chat_calls(calls: Sequence[tuple[str, str]], indexed: bool) -> Iterator[dict[str, Any]]:
    for index, (name, arguments) in enumerate(calls):
        whole = {"type": "function", "function": {"name": name, "arguments": arguments}}
        if not indexed:
            yield _choice({"tool_calls": [whole]})
            continue
        begun = {"name": name, "arguments": ""}
        yield _choice({"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": begun}]})
        for piece in filter(None, (arguments[:7], arguments[7:])):
            yield _choice({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})


def _response_calls(calls: Sequence[tuple[str, str]], indexed: bool) -> Iterator[dict[str, Any]]:
    for index, (name, arguments) in enumerate(calls if indexed else ()):
        place = {"output_index": index + 1, "item_id": f"fc_{index}"}
        kind = "response.function_call_arguments"
        yield {"type": "response.output_item.added", **place, "item": _function_call(name, "", "in_progress")}
        for piece in filter(None, (arguments[:7], arguments[7:])):
            yield {"type": f"{kind}.delta", **place, "delta": piece}
        yield {"type": f"{kind}.done", **place, "name": name, "arguments": arguments}
        yield {"type": "response.output_item.done", **place, "item": _function_call(name, arguments)}


def _function_call(name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    return {"type": "function_call", "call_id": "call_1", "name": name, "arguments": arguments, "status": status}


def cut(after: int = 2, *, reset: bool = False) -> Reply:
    """The stream ends after so many deltas: politely, or (`reset`) with the connection torn off."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        response = await _stream(request, _deltas(call, "a b c d e f", 6)[:after], end=not reset)
        if reset and request.transport:
            request.transport.abort()
        return response

    return reply


def hang(after: int = 0) -> Reply:
    """Says nothing for ever, after so many deltas."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        if after:
            await _stream(request, _deltas(call, "a b c d e f", 6)[:after], end=False)
        await asyncio.Event().wait()
        raise AssertionError

    return reply


def refused(
    status: int, code: str | None = None, *, kind: str = "invalid_request_error", param: str | None = None,
    headers: dict[str, str] | None = None, retry_after: float | None = None,
) -> Reply:  # fmt: skip
    """An error status with the documented body. The message quotes a key, as the real one may."""
    sent = {"x-request-id": "req_0123456789abcdef", **(headers or {})}
    if retry_after is not None:
        sent["retry-after"] = str(retry_after)
    body = {"error": {"message": f"Refused: {KEY}", "type": kind, "param": param, "code": code}}
    return document(body, status, sent)


def quota() -> Reply:
    return refused(429, "insufficient_quota", kind="insufficient_quota")


def locked() -> Reply:
    return refused(400, "conversation_locked", param="conversation")


def too_long() -> Reply:
    return refused(400, "context_length_exceeded", param="input")


def html(status: int = 200) -> Reply:
    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="<html><h1>Hello</h1></html>", content_type="text/html")

    return reply


def document(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Any JSON, e.g. Gemini's list of errors."""

    async def reply(call: Call, request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return reply


# -- events --------------------------------------------------------------------------------------


def _events(call: Call, text: str, pieces: int, done: bool) -> list[dict[str, Any] | str]:
    if call.chat:
        usage = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 9}}
        end = [_choice({}, "stop"), usage, *(["[DONE]"] if done else [])]
        return [*_deltas(call, text, pieces), *end]
    output = [_message({"type": "output_text", "text": text, "annotations": []})]
    begin = [{"type": "response.created", "response": {"status": "in_progress", "error": None}}]
    return [*begin, *_deltas(call, text, pieces), _ended("completed", output=output)]


def _deltas(call: Call, text: str, pieces: int) -> list[dict[str, Any] | str]:
    size = max(1, -(-len(text) // pieces))
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    if call.chat:
        return [_choice({"content": part}) for part in parts]
    return [{"type": "response.output_text.delta", "output_index": 0, "delta": part} for part in parts]


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"model": "gemini-3-flash", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _ended(status: str, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 412, "output_tokens": 38, "total_tokens": 450}
    response = {"object": "response", "status": status, "model": "gpt-6-luna", "output": [], "error": None}
    return {"type": f"response.{status}", "response": {**response, "usage": usage, **more}}


def _message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


async def _stream(
    request: web.Request,
    events: Sequence[dict[str, Any] | str],
    *,
    delay: float = 0.0,
    chunk: int = 0,
    newline: str = "\n",
    gate: asyncio.Event | None = None,
    end: bool = True,
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for number, event in enumerate(events):
        for piece in _cut_up(_framed(event, newline), chunk):
            await response.write(piece)
        if gate and number:
            await gate.wait()
        if delay:
            await asyncio.sleep(delay)
    if end:
        await response.write_eof()
    return response


def _framed(event: dict[str, Any] | str, newline: str) -> bytes:
    if isinstance(event, str):
        return f"data: {event}{newline}{newline}".encode()
    name = [f"event: {event['type']}"] if "type" in event else []
    data = f"data: {json.dumps(event, ensure_ascii=False)}"
    return newline.join([": keep-alive", *name, data, "", ""]).encode()


def _cut_up(data: bytes, chunk: int) -> Iterator[bytes]:
    size = chunk or len(data)
    return (data[i : i + size] for i in range(0, len(data), size))
