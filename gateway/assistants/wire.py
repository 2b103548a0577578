"""What every OpenAI-compatible endpoint has in common: how it is called, how its stream is read, what it lists.

The SDK brings authentication, base URLs and typed errors. Its event objects are not built: validating them costs ten
times more than reading the few fields that matter, so the stream is read here, as bytes, and the end of the bytes
is never taken for the end of the answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from gateway.assistants.base import AssistantError
from gateway.assistants.faults import Fault, fault_in, fault_of
from tts.findings import Finding
from tts.tls import trust

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

T = TypeVar("T")

OPENAI = "https://api.openai.com/v1"
STRANGE = (ValueError, LookupError, TypeError, AttributeError)
"""What reading JSON of another shape than promised raises."""
DONE = b"[DONE]"
LARGEST_EVENT = 16 * 1024 * 1024
"""Bytes. Nobody's answer is that long; a server that never ends a line must not fill the memory."""


def open_client(
    api_key: str, base_url: str, timeout_s: float, http_client: httpx2.AsyncClient | None = None
) -> AsyncOpenAI:
    """One try per call: retries are ours (`retrying.py`). Without a key a placeholder goes out, for local servers."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    timeout = httpx2.Timeout(timeout_s, connect=min(5.0, timeout_s))
    return AsyncOpenAI(
        api_key=api_key or "none",
        base_url=base_url or OPENAI,  # given always: the SDK would otherwise look into the environment
        max_retries=0,
        timeout=timeout,
        # Redirects are not followed: only the configured address was checked for where it leads.
        http_client=http_client
        or DefaultAioHttpClient(timeout=timeout, follow_redirects=False, verify=trust(httpx2)),
    )


class EventReader:
    """Bytes of an event stream in, the data of whole events out.

    Works on bytes, so a character cut in two by the network is whole again before anybody decodes it. Lines end in
    LF, CRLF or CR; data of several lines is joined; comments, ids and event names are skipped (the data repeats them).
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        lines = (self._rest + chunk).splitlines(keepends=True)
        # A line that ends in CR is kept too: its LF may be in the next chunk.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            yield from self._line(line.rstrip(b"\r\n"))

    def finish(self) -> Iterator[bytes]:
        """The last event, when the server forgot the blank line behind it."""
        yield from self._line(self._rest.rstrip(b"\r\n"))
        yield from self._line(b"")

    @property
    def waiting(self) -> int:
        """Bytes held for an event that is not whole."""
        return len(self._rest) + sum(map(len, self._data))

    def _line(self, line: bytes) -> Iterator[bytes]:
        if not line and self._data:
            yield b"\n".join(self._data)
            self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))


async def documents(
    call: AbstractAsyncContextManager[Any], timeout_s: float, *, pictures: bool = False, tools: bool = False
) -> AsyncGenerator[dict[str, Any], None]:
    """Makes an SDK streaming call and gives each event as JSON; one document when the server does not stream.

    `timeout_s` bounds the whole answer: a server that drips a byte now and then is as dead as a silent one.
    `pictures`, `tools`: the call carries some, which may be why it is refused.
    Raises AssistantError for refused calls, cuts, timeouts, pages of HTML and errors within the stream.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    async with AsyncExitStack() as stack:
        response = await _by(deadline, stack.enter_async_context(call), pictures, tools)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            raise Fault.page().of(AssistantError)
        chunks = _chunks(response, deadline)
        if kind == "application/json":
            yield _parsed(b"".join([chunk async for chunk in chunks]), pictures)
            return
        async for data in _events(chunks):
            yield _parsed(data, pictures)


async def _by(deadline: float, step: Awaitable[T], pictures: bool = False, tools: bool = False) -> T:
    # Around each read and never around a yield: a timeout there would cancel whoever reads us.
    try:
        async with asyncio.timeout_at(deadline):
            return await step
    except StopAsyncIteration:
        raise
    except Exception as error:
        raise fault_of(error, pictures=pictures, tools=tools).of(AssistantError) from None


async def _chunks(response: Any, deadline: float) -> AsyncIterator[bytes]:
    chunks = aiter(response.iter_bytes())
    while True:
        try:
            chunk = await _by(deadline, anext(chunks))
        except StopAsyncIteration:
            return
        yield chunk


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    reader = EventReader()
    async for chunk in chunks:
        for data in reader.feed(chunk):
            if data.strip() == DONE:
                return
            yield data
        if reader.waiting > LARGEST_EVENT:
            raise AssistantError("answer_too_large", hint="The endpoint sent an event of more than 16 MB.")
    for data in reader.finish():
        if data.strip() != DONE:
            yield data


def _parsed(data: bytes, pictures: bool) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        raise cut().of(AssistantError) from None
    if fault := fault_in(document, pictures=pictures):
        raise fault.of(AssistantError)
    return document if isinstance(document, dict) else {}


async def drain(events: AsyncIterator[object]) -> None:
    """Reads the little that follows an answer: only a response that was read to its end leaves a usable connection."""
    try:
        async with asyncio.timeout(0.2):
            async for _ in events:
                pass
    except (TimeoutError, AssistantError) as error:
        log.debug("connection not kept: %r", error)


def cut() -> Fault:
    """The stream is over and the answer is not."""
    return Fault("stream_cut", True, hint="The answer ended before it was whole; a proxy may be closing streams.")


def whole(said: Iterator[T]) -> Iterator[T]:
    """Passes on what a reader makes of a document; a document of another shape than promised is an AssistantError."""
    try:
        yield from said
    except STRANGE as error:
        hint = f"The endpoint's answer has another shape than promised ({type(error).__name__})."
        raise AssistantError("strange_answer", retryable=True, hint=hint) from None


# -- looking before the first turn ---------------------------------------------------------------


async def check_model(client: AsyncOpenAI, model: str, missing: Literal["warning", "error"]) -> list[Finding]:
    """Is the key good, the URL right, the model there, and until when? `missing`: how bad it is if it is not listed."""
    try:
        answer = await client.models.with_raw_response.list()
        listed = json.loads(answer.http_response.content)["data"]
        entry = next((m for m in listed if _same(str(m.get("id", "")), model)), None)
    except Exception as error:
        return [_unreachable(error)]
    found = [Finding("ok", "assistant.api_key", f"{client.base_url.host} answered and lists {len(listed)} models.")]
    if entry is None:
        return [*found, Finding(missing, "assistant.model", f"{model!r} is not among the models this key may use.")]
    if date := entry.get("shutdown_date"):
        advice = f"{model} is switched off on {date}: choose another before then and set assistant.model."
        return [*found, Finding("warning", "assistant.model", advice)]
    return [*found, Finding("ok", "assistant.model", f"{model} is there.")]


def _same(listed: str, model: str) -> bool:
    """Gemini lists `models/NAME`, Ollama lists `NAME:latest`."""
    return model in (listed, listed.removeprefix("models/"), listed.removesuffix(":latest"))


def _unreachable(error: Exception) -> Finding:
    # A strange shape: it answered, but not with a list of models.
    fault = Fault.page() if isinstance(error, STRANGE) else fault_of(error)
    key = "assistant.api_key" if fault.reason in ("invalid_api_key", "http_401") else "assistant.base_url"
    return Finding("error", key, f"{fault.reason}: {fault.hint}")
