"""Chat Completions, for everything that speaks it: Gemini, CometAPI, Azure, Ollama, llama.cpp, by `base_url`.

They agree less than they seem to. A usage chunk may come, with or without choices; `[DONE]` may be missing; ids and
indexes may be missing; an error may be a list. What is required is one thing: a `finish_reason`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gateway.assistants.base import Ask, AssistantError, Finished, HandOver, Picture, Text
from gateway.assistants.briefing import Citations, instructions, refuse_assistant_id, turns
from gateway.assistants.faults import fault_from
from gateway.assistants.pictures import data_url, shown
from gateway.assistants.reckoning import Reckoning
from gateway.assistants.responses import DECLINED, with_or_without_tools, wordless
from gateway.assistants.tools import CHAT, Calls
from gateway.assistants.wire import OPENAI, check_model, cut, documents, open_client, whole
from tts.findings import Finding

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


class OpenAIChat:
    """An Assistant on `POST {base_url}/chat/completions`, streamed. `api_key` may be empty: local servers need none.

    `timeout_s` bounds a whole answer; `temperature` and `reasoning_effort` go out only when set.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str = "",
        timeout_s: float = 60.0,
        max_output_tokens: int = 0,
        reasoning_effort: str = "",
        temperature: float | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._model = model
        self._host = urlsplit(base_url or OPENAI).hostname or ""
        self._timeout_s = timeout_s
        self._takes_tools = True
        self._max_output_tokens = max_output_tokens
        self._always: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if reasoning_effort:
            self._always["reasoning_effort"] = reasoning_effort
        if temperature is not None:
            self._always["temperature"] = temperature
        # A closure: unlike an attribute or a `partial`, its repr shows no key.
        self._open: Callable[[], AsyncOpenAI] = lambda: open_client(api_key, base_url, timeout_s, http_client)
        self._opened: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        return f"openai_chat/{self._model}"

    @property
    def sees(self) -> frozenset[str]:
        """Images travel alike everywhere; a document's part is known to OpenAI alone."""
        return frozenset({"image", "document"} if self._host.endswith(".openai.com") else {"image"})

    async def answer(self, ask: Ask) -> AsyncIterator[Text | HandOver | Finished]:
        refuse_assistant_id(self._model)
        ask = replace(ask, pictures=shown(ask.pictures, self.sees))
        reckoning = Reckoning(ask)
        async with aclosing(with_or_without_tools(self._takes_tools, partial(self._answered, ask))) as events:
            async for event, tools in events:
                self._takes_tools = tools
                yield reckoning.of(event)

    async def _answered(self, ask: Ask, tools: bool) -> AsyncGenerator[Text | HandOver | Finished, None]:
        reading = _Reading(Citations(ask.passages))
        call = self._client.chat.completions.with_streaming_response.create(
            model=self._model, messages=[], stream=True, extra_body=self._body(ask, tools)
        )
        carried = documents(call, self._timeout_s, pictures=bool(ask.pictures), tools=tools)
        try:
            async with aclosing(carried) as chunks:
                async for chunk in chunks:
                    for text in whole(reading.read(chunk)):
                        yield text
        except AssistantError:
            if not reading.finish_reason:  # behind it only the usage could still have come
                raise
        for said in reading.end():
            yield said

    async def check(self) -> list[Finding]:
        """As for Responses; an unlisted model is a warning, because many of these servers list little or nothing."""
        try:
            refuse_assistant_id(self._model)
        except AssistantError as error:
            return [Finding("error", "assistant.model", error.hint)]
        return await check_model(self._client, self._model, "warning")

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()
            self._opened = None

    @property
    def _client(self) -> AsyncOpenAI:
        self._opened = self._opened or self._open()
        return self._opened

    def _body(self, ask: Ask, tools: bool) -> dict[str, Any]:
        offered = {"tools": [CHAT]} if tools else {}
        return {"messages": _messages(ask, tools), **offered, **self._always, **self._limit()}

    def _limit(self) -> dict[str, int]:
        """OpenAI's reasoning models refuse the old name of the limit; most others know only the old one."""
        if not self._max_output_tokens:
            return {}
        new = self._host.endswith((".openai.com", ".azure.com"))
        return {"max_completion_tokens" if new else "max_tokens": self._max_output_tokens}


def _messages(ask: Ask, tools: bool) -> list[dict[str, Any]]:
    """One message per change of speaker: many chat templates insist that roles alternate. Pictures are in the last."""
    said: list[dict[str, Any]] = [
        {"role": role, "content": "\n\n".join(turn["content"] for turn in run)}
        for role, run in groupby(turns(ask), key=itemgetter("role"))
    ]
    if ask.pictures:
        words = said[-1]["content"]
        text = [{"type": "text", "text": words}] if words.strip() else []
        said[-1]["content"] = [*text, *map(_part, ask.pictures)]
    return [{"role": "system", "content": instructions(ask, tool=tools)}, *said]


def _part(one: Picture) -> dict[str, Any]:
    if one.kind == "document":
        return {"type": "file", "file": {"filename": one.name, "file_data": data_url(one)}}
    return {"type": "image_url", "image_url": {"url": data_url(one)}}


class _Reading:
    def __init__(self, marks: Citations) -> None:
        self._marks = marks
        self._calls = Calls()
        self._spoke = False
        self._model = ""
        self._usage: Mapping[str, Any] = {}
        self.finish_reason = ""

    def read(self, chunk: Mapping[str, Any]) -> Iterator[Text]:
        self._model = str(chunk.get("model") or self._model)
        self._usage = chunk.get("usage") or self._usage
        for choice in (chunk.get("choices") or ())[:1]:
            said = choice.get("delta") or choice.get("message") or {}
            if said.get("refusal"):
                raise AssistantError("refusal", hint=DECLINED)
            for call in said.get("tool_calls") or ():
                function = call.get("function") or {}
                self._calls.add(call.get("index"), function.get("name"), function.get("arguments"))
            yield from self._say(self._marks.feed(said.get("content") or ""))
            self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def end(self) -> Iterator[Text | HandOver | Finished]:
        """Whatever is left when the stream is over. Raises AssistantError when it is not the whole answer."""
        if not self.finish_reason:
            raise cut().of(AssistantError)
        if self.finish_reason == "content_filter":
            raise fault_from({"code": "content_filter"}, None).of(AssistantError)
        yield from self._say(self._marks.finish())
        truncated = self.finish_reason == "length"
        handover = self._calls.handover
        if not self._spoke and not handover:
            raise wordless(truncated)
        if handover:
            yield handover
        yield Finished(
            citations=tuple(self._marks.cited),
            model=self._model,
            input_tokens=int(self._usage.get("prompt_tokens") or 0),
            output_tokens=int(self._usage.get("completion_tokens") or 0),
            truncated=truncated,
            ignored_calls=self._calls.ignored,
        )

    def _say(self, text: str) -> Iterator[Text]:
        if text:
            self._spoke = self._spoke or bool(text.strip())
            yield Text(text)
