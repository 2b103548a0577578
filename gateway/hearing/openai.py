"""Voice notes heard by OpenAI, or by any server with `POST /audio/transcriptions`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.assistants.faults import Fault, fault_in, fault_of
from gateway.assistants.wire import STRANGE, open_client
from gateway.hearing.base import Heard, HearingError
from gateway.hearing.files import ToOpus, in_a_thread, two_letters, upload

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


class OpenAIHearing:
    """`timeout_s` bounds a whole call. One try: a note that fails is asked for again in writing, or by the turn.

    `to_opus` makes a file the provider takes of one it does not.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str = "",
        timeout_s: float = 60.0,
        http_client: httpx2.AsyncClient | None = None,
        to_opus: ToOpus = in_a_thread,
    ) -> None:
        self._model = model
        self._to_opus = to_opus
        self._timeout_s = timeout_s
        # A closure: unlike an attribute or a `partial`, its repr shows no key.
        self._open: Callable[[], AsyncOpenAI] = lambda: open_client(api_key, base_url, timeout_s, http_client)
        self._opened: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        return f"openai/{self._model}"

    async def hear(self, audio: bytes, mime: str, language: str) -> Heard:
        """`mime` is not believed: the bytes are looked at. Raises HearingError."""
        file = await upload(audio, self._to_opus)
        hint = {"language": two_letters(language)} if language else {}
        self._opened = self._opened or self._open()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._opened.audio.transcriptions.with_raw_response.create(
                    file=file, model=self._model, response_format="json", extra_body=hint
                )
        except Exception as error:
            raise fault_of(error, "hearing").of(HearingError) from None
        return _heard(answer.http_response.content)

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()
            self._opened = None


def _heard(body: bytes) -> Heard:
    try:
        document: Any = json.loads(body)
        if fault := fault_in(document, "hearing"):
            raise fault.of(HearingError)
        return Heard(document["text"].strip(), language=_language(document))
    except STRANGE:
        raise Fault.page("hearing").of(HearingError) from None


def _language(document: dict[str, Any]) -> str:
    """One language, when the model says which; `verbose` servers write its English name, which is no code."""
    languages = document.get("languages") or [document.get("language")]
    first = languages[0]
    code = (first.get("code") or first.get("language")) if isinstance(first, dict) else first
    return code if isinstance(code, str) and len(code.partition("-")[0]) in (2, 3) else ""
