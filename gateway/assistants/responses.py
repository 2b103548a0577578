"""OpenAI's Responses API, and Azure's.

Every call carries the instructions and the history of our own transcript. No provider conversation and no
`previous_response_id` is used: nothing can be locked, expire or be appended twice by a call that timed out. For the
same reason `store` is false unless asked for: what contacts write is not kept there for thirty days without a use.
`truncation` is `auto`, so a conversation that has grown too long loses its middle instead of its answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from gateway.assistants.base import Ask, AssistantError, Finished, HandOver, Passage, Picture, Text
from gateway.assistants.briefing import Citations, instructions, refuse_assistant_id, safety_identifier, turns
from gateway.assistants.faults import TOOLS, fault_from
from gateway.assistants.pictures import data_url, shown
from gateway.assistants.reckoning import Reckoning
from gateway.assistants.tools import RESPONSES, Calls
from gateway.assistants.wire import check_model, cut, documents, drain, open_client, whole
from tts.findings import Finding

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

E = TypeVar("E")

ENDS = ("completed", "incomplete", "failed", "cancelled")
DECLINED = "The model declined to answer; a person should read the conversation."
WORDLESS = "The model ended without a word for the customer; with tools or much reasoning, allow more output."


class OpenAIResponses:
    """An Assistant on `POST /v1/responses`, streamed.

    `timeout_s` bounds a whole answer. `reasoning_effort` and `temperature` go out only when set: some models refuse
    them. `http_client` replaces the HTTP client, e.g. for a proxy.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str = "",
        timeout_s: float = 60.0,
        max_output_tokens: int = 0,
        store: bool = False,
        truncation: Literal["auto", "disabled"] = "auto",
        reasoning_effort: str = "",
        temperature: float | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._takes_tools = True
        self._always: dict[str, Any] = {"store": store, "truncation": truncation}
        if max_output_tokens:
            self._always["max_output_tokens"] = max_output_tokens
        if reasoning_effort:
            self._always["reasoning"] = {"effort": reasoning_effort}
        if temperature is not None:
            self._always["temperature"] = temperature
        # A closure: unlike an attribute or a `partial`, its repr shows no key.
        self._open: Callable[[], AsyncOpenAI] = lambda: open_client(api_key, base_url, timeout_s, http_client)
        self._opened: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        return f"openai/{self._model}"

    @property
    def sees(self) -> frozenset[str]:
        return frozenset({"image", "document"})

    async def answer(self, ask: Ask) -> AsyncIterator[Text | HandOver | Finished]:
        refuse_assistant_id(self._model)
        ask = replace(ask, pictures=shown(ask.pictures, self.sees))
        reckoning = Reckoning(ask)
        async with aclosing(with_or_without_tools(self._takes_tools, partial(self._answered, ask))) as events:
            async for event, tools in events:
                self._takes_tools = tools
                yield reckoning.of(event)

    async def _answered(self, ask: Ask, tools: bool) -> AsyncGenerator[Text | HandOver | Finished, None]:
        reading = _Reading(ask.passages)
        # `extra_body`: typed parameters would be validated one by one, 28 ms for a long history.
        call = self._client.responses.with_streaming_response.create(
            model=self._model, stream=True, extra_body=self._body(ask, tools)
        )
        carried = documents(call, self._timeout_s, pictures=bool(ask.pictures), tools=tools)
        async with aclosing(carried) as events:
            async for event in events:
                for said in whole(reading.read(event)):
                    yield said
                if reading.ended:
                    await drain(events)
                    return
        raise cut().of(AssistantError)

    async def check(self) -> list[Finding]:
        """Whether it would work: key, URL, model and the model's last day. Raises nothing."""
        try:
            refuse_assistant_id(self._model)
        except AssistantError as error:
            return [Finding("error", "assistant.model", error.hint)]
        # Azure lists base models while `model` names a deployment.
        azure = (self._client.base_url.host or "").endswith(".azure.com")
        return await check_model(self._client, self._model, "warning" if azure else "error")

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()
            self._opened = None

    @property
    def _client(self) -> AsyncOpenAI:
        self._opened = self._opened or self._open()
        return self._opened

    def _body(self, ask: Ask, tools: bool) -> dict[str, Any]:
        *said, question = turns(ask)
        return {
            "instructions": instructions(ask, tool=tools),
            "input": [*said, _looked_at(question, ask.pictures)],
            "safety_identifier": safety_identifier(ask.conversation),
            **({"tools": [RESPONSES]} if tools else {}),
            **self._always,
        }


def _looked_at(turn: dict[str, str], pictures: Sequence[Picture]) -> dict[str, Any]:
    """The contact's turn with what came along. No empty text: a photo alone is a question, too."""
    if not pictures:
        return dict(turn)
    words = [{"type": "input_text", "text": turn["content"]}] if turn["content"].strip() else []
    return {"role": turn["role"], "content": [*words, *map(_part, pictures)]}


def _part(one: Picture) -> dict[str, str]:
    if one.kind == "document":
        return {"type": "input_file", "filename": one.name, "file_data": data_url(one)}
    return {"type": "input_image", "detail": "auto", "image_url": data_url(one)}


class _Reading:
    """One stream of events, from the first delta to the event that ends it. Types it does not know mean nothing."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._marks = Citations(passages)
        self._calls = Calls()
        self._spoke = False
        self.ended = False

    def read(self, event: Mapping[str, Any]) -> Iterator[Text | HandOver | Finished]:
        kind = event.get("type", "")
        if kind == "response.output_text.delta":
            yield from self._say(str(event.get("delta") or ""))
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._call(event.get("item"), event.get("output_index"))
        elif kind in ("response.function_call_arguments.delta", "response.function_call_arguments.done"):
            ended = kind.endswith("done")
            self._calls.add(event.get("output_index"), "", event.get("arguments" if ended else "delta"), whole=ended)
        elif kind in ("response.refusal.delta", "response.refusal.done"):
            raise AssistantError("refusal", hint=DECLINED)
        elif str(kind).removeprefix("response.") in ENDS and isinstance(event.get("response"), Mapping):
            yield from self._end(event["response"])
        elif event.get("object") == "response":  # a server that was asked for a stream and does not stream
            yield from self._end(event)

    def _say(self, piece: str) -> Iterator[Text]:
        if text := self._marks.feed(piece):
            self._spoke = self._spoke or bool(text.strip())
            yield Text(text)

    def _call(self, item: object, index: object) -> None:
        if isinstance(item, Mapping) and item.get("type") == "function_call":
            self._calls.add(index, item.get("name"), item.get("arguments"), whole=True)

    def _end(self, response: Mapping[str, Any]) -> Iterator[Text | HandOver | Finished]:
        _raise_failure(response)
        for index, item in enumerate(() if self._calls else response.get("output") or ()):
            self._call(item, index)
        if not self._spoke:
            yield from self._say("".join(_written(response)))
        if rest := self._marks.finish():
            self._spoke = self._spoke or bool(rest.strip())
            yield Text(rest)
        truncated = response.get("status") == "incomplete"
        handover = self._calls.handover
        if not self._spoke and not handover:
            raise wordless(truncated)
        self.ended = True
        if handover:
            yield handover
        yield replace(_finished(response, self._marks.cited, truncated), ignored_calls=self._calls.ignored)


async def with_or_without_tools(
    takes: bool, answered: Callable[[bool], AsyncGenerator[E, None]]
) -> AsyncGenerator[tuple[E, bool], None]:
    """The events of `answered(takes)`, each with whether tools may be offered next time. A call that is refused, maybe
    for its tools, is made again without; only when that goes well it was them. Raises AssistantError."""
    try:
        async with aclosing(answered(takes)) as events:
            async for event in events:
                yield event, takes
        return
    except AssistantError as error:
        if error.reason != TOOLS:
            raise
    async with aclosing(answered(False)) as events:
        async for event in events:
            yield event, False


def wordless(truncated: bool) -> AssistantError:
    """An answer of nothing. It would be silence for the contact, so it is an error."""
    if truncated:
        return fault_from({"code": "max_output_tokens"}, None).of(AssistantError)
    return AssistantError("empty_answer", retryable=True, hint=WORDLESS)


def _raise_failure(response: Mapping[str, Any]) -> None:
    status = response.get("status")
    if status in ("failed", "cancelled"):
        error = response.get("error")
        raise fault_from(error if isinstance(error, Mapping) else {"code": status}, None).of(AssistantError)
    reason = (response.get("incomplete_details") or {}).get("reason")
    if status == "incomplete" and reason != "max_output_tokens":
        raise fault_from({"code": reason or "incomplete"}, None).of(AssistantError)


def _written(response: Mapping[str, Any]) -> Iterator[str]:
    for item in response.get("output") or ():
        for part in (item.get("content") or ()) if item.get("type") == "message" else ():
            if part.get("type") == "refusal":
                raise AssistantError("refusal", hint=DECLINED)
            if part.get("type") == "output_text":
                yield str(part.get("text") or "")


def _finished(response: Mapping[str, Any], cited: list[Passage], truncated: bool) -> Finished:
    usage = response.get("usage") or {}
    return Finished(
        citations=tuple(cited),
        model=str(response.get("model") or ""),
        input_tokens=int(usage.get("input_tokens") or 0),
        output_tokens=int(usage.get("output_tokens") or 0),
        truncated=truncated,
    )
