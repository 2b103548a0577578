"""Any endpoint that speaks `POST {base_url}/audio/speech`, through the openai SDK.

A hosted one, or one of your own: the contract is `{model, input, voice, response_format, speed?}` in, bytes
out. `input` is at most 4,096 characters where the endpoint follows the original.
"""

from __future__ import annotations

import asyncio
import importlib
import random as chance
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .bounding import LARGEST_ANSWER, bound
from .errors import (
    Encoding,
    Quota,
    RateLimited,
    Refused,
    SpeechError,
    Unreachable,
    Unspeakable,
    VoiceUnavailable,
)
from .findings import Finding
from .model import Audio, Speech
from .offers import Offer, OfferedModel, Progress, unheard
from .refusals import BASE_URL, Refusal, Verdict, speech_error, surprise
from .retrying import asked_again, retry_after
from .slots import Slots
from .sniffing import sound
from .tls import trust

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

T = TypeVar("T")
CONNECT_S = 5.0
PCM_RATE = 24_000
"""Hertz: what `response_format = "pcm"` means; the bytes do not say it."""

_NO_LIST = ("http_404", "http_405")
"""What an endpoint without a list of models says."""
_BILL = (Quota, "The account has no credit left: raise its limit or pay the bill.")
_LONG = (Unspeakable, "The text is longer than the model takes: lower reply.max_voice_chars.")
BY_CODE: Mapping[str, Verdict] = {
    "insufficient_quota": _BILL,
    "credit_balance_exhausted": _BILL,
    "organization_spend_limit_exceeded": _BILL,
    "project_spend_limit_exceeded": _BILL,
    "organization_usage_limit_exceeded": _BILL,
    "invalid_api_key": (Refused, "The key was refused: put a valid one into voice.api_key."),
    "model_not_found": (VoiceUnavailable, "The model does not exist or was shut down: check voice.model_id."),
    "voice_not_found": (VoiceUnavailable, "The voice does not exist: check voice.voice_id."),
    "string_above_max_length": _LONG,
    "context_length_exceeded": _LONG,
    "rate_limit_exceeded": (RateLimited, "Requests come too fast for this plan."),
    "slow_down": (RateLimited, "Requests come too fast for this plan."),
    "server_is_overloaded": (Unreachable, "The provider is overloaded."),
    "server_error": (Unreachable, "The provider has trouble of its own."),
}


def refusal(status: int, headers: Mapping[str, str], body: object) -> Refusal:
    """`{"error": {…}}` with or without its wrapping, a list of it, or whatever a proxy answered.

    The type stands in for a code nobody sent, or that says less: quota is told by either.
    """
    inner = body[0] if isinstance(body, list) and body else body
    if isinstance(inner, dict) and isinstance(inner.get("error"), dict):
        inner = inner["error"]
    fields = inner if isinstance(inner, dict) else {}
    codes = [code for code in (fields.get("code"), fields.get("type")) if isinstance(code, str)]
    return Refusal(
        status,
        next((code for code in codes if code in BY_CODE), codes[0] if codes else ""),
        str(fields.get("param") or ""),
        request_id=headers.get("x-request-id", ""),
        retry_after=retry_after(headers),
    )


class OpenAICompatible:
    """One voice behind one address."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        voice_id: str,
        model_id: str,
        *,
        response_format: str = "mp3",
        speed: float | None = None,
        instructions: str = "",
        timeout: float = 30.0,
        slots: Slots | None = None,
        http_client: httpx2.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """`api_key` may be empty for a server of your own. `speed` and `instructions` are sent only when
        given. `timeout`: seconds for one `speak`, with waiting for a slot and all repeats in it. `slots`: the
        process's own; such a server does not tell how many requests it takes at once. `http_client` stays the
        caller's to close.
        """
        self._api_key = api_key
        self._base_url = base_url
        self._voice_id = voice_id
        self._model_id = model_id
        self._format = response_format
        self._manner: dict[str, Any] = {}
        if speed is not None:
            self._manner["speed"] = speed
        if instructions:
            self._manner["instructions"] = instructions
        self._timeout = timeout
        self._slot = (slots or Slots()).of((api_key, base_url))
        self._http = http_client
        self._owns_http = http_client is None
        self._sdk: AsyncOpenAI | None = None
        self._closed = False
        self._sleep = sleep
        self._random = random

    @property
    def name(self) -> str:
        return f"openai_compatible/{self._voice_id}/{self._model_id}"

    async def speak(self, speech: Speech) -> Audio:
        """The endpoint's raw bytes. Raises SpeechError."""
        if not speech.text.strip():
            raise Unspeakable("blank_text", hint="There was nothing to say.")
        return await self._in_time(lambda: self._take_turn(speech))

    async def close(self) -> None:
        """Can be called twice. A closed voice does not speak again."""
        self._closed = True
        http, self._http, self._sdk = self._http, None, None
        if http is not None and self._owns_http:
            await http.aclose()

    async def check(self, today: date | None = None) -> list[Finding]:
        """Whether the address, the key and the model are good. Voices cannot be listed by this protocol.
        `today` (UTC's, if not given) decides whether a model that ends has ended.
        """
        try:
            models = await self._in_time(self._list)
        except SpeechError as error:
            return [self._unlisted(error)]
        if self._model_id not in models:
            message = f"{self._model_id} is not among the models of this endpoint; some list only a part of them."
            return [Finding("warning", "voice.model_id", message)]
        if ends := models[self._model_id]:
            return [self._ending(ends, today or datetime.now(UTC).date())]
        return [Finding("ok", "voice.model_id", f"{self._model_id} is offered.")]

    async def offer(self, progress: Progress = unheard) -> Offer:
        """The models, if the endpoint lists them, all at once; the protocol lists no voices. Raises SpeechError."""
        remarks = [f"This protocol lists no voices: the server's own page does. Chosen is {self._voice_id}."]
        try:
            listed = await self._in_time(self._list)
        except SpeechError as error:
            if error.reason not in _NO_LIST:
                raise
            listed = {}
            remarks.append(f"This endpoint lists no models either. Chosen is {self._model_id}.")
        ends = {model: f"ends on {day}" if day else "" for model, day in listed.items()}
        return Offer((), tuple(OfferedModel(model, remark=remark) for model, remark in ends.items()), tuple(remarks))

    def _unlisted(self, error: SpeechError) -> Finding:
        if error.reason in _NO_LIST:
            return Finding("warning", "voice.model_id", "Unknown: this endpoint does not list its models.")
        if isinstance(error, RateLimited):
            return Finding("warning", "voice.model_id", f"Unknown, {error.reason}: {error.hint}")
        key = "voice.api_key" if isinstance(error, Refused | Quota) else "voice.base_url"
        return Finding("error", key, f"{error.reason}: {error.hint}", error.reason)

    def _ending(self, ends: str, today: date) -> Finding:
        """`ends`: RFC 3339, as listed."""
        if ends[:10] < str(today):
            message = f"{self._model_id} was shut down on {ends}: choose another model."
            return Finding("error", "voice.model_id", message, "model_not_found")
        message = f"{self._model_id} is shut down on {ends}: choose another model before that day."
        return Finding("warning", "voice.model_id", message)

    async def _in_time(self, ask: Callable[[], Awaitable[T]]) -> T:
        return await asked_again(ask, within=self._timeout, sleep=self._sleep, random=self._random)

    async def _take_turn(self, speech: Speech) -> Audio:
        async with self._slot:
            return await self._ask(speech)

    async def _ask(self, speech: Speech) -> Audio:
        data = bytearray()
        try:
            client = await self._client()
            async with client.audio.speech.with_streaming_response.create(
                model=self._model_id,
                voice=self._voice_id,
                input=speech.text.encode("utf-8", "replace").decode(),
                response_format=self._format,  # type: ignore[arg-type]  # other servers know more formats
                **self._manner,
            ) as answer:
                async for chunk in answer.iter_bytes(65_536):
                    data += chunk
                    if len(data) > LARGEST_ANSWER:
                        raise Encoding("answer_too_large", hint=BASE_URL)
        except SpeechError:
            raise
        except Exception as error:
            raise self._explain(error) from None
        raw, mime = sound(bytes(data), pcm_rate=PCM_RATE if self._format == "pcm" else 0)
        return Audio(raw, mime, spoken_by=self.name, characters=len(speech.text))

    async def _list(self) -> dict[str, str]:
        """Model id -> its shutdown date, mostly empty."""
        try:
            client = await self._client()
            listed = (await client.models.list()).data or []
            ends = {model.id: str(getattr(model, "shutdown_date", None) or "") for model in listed}
        except SpeechError:
            raise
        except Exception as error:
            raise self._explain(error) from None
        return {str(id): day for id, day in ends.items() if id}

    async def _client(self) -> AsyncOpenAI:
        if not re.fullmatch(r"[!-~]*", self._api_key):
            raise Refused("invalid_api_key", hint="The key holds spaces or odd letters: check voice.api_key.")
        if self._sdk is None:
            # Most of a second of importing: in a thread, so that other conversations go on meanwhile.
            await asyncio.to_thread(importlib.import_module, "openai.resources.audio.speech")
        if self._closed:
            raise Unreachable("closed", retryable=False, hint="The gateway is shutting down.")
        self._sdk = self._sdk or self._connect()
        return self._sdk

    def _connect(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI

        patience = httpx2.Timeout(self._timeout, connect=min(CONNECT_S, self._timeout))
        # Redirects are not followed: only the configured address was checked for where it leads.
        self._http = self._http or httpx2.AsyncClient(
            timeout=patience,
            follow_redirects=False,
            event_hooks={"response": [bound(httpx2.AsyncByteStream)]},
            verify=trust(httpx2),
        )
        return AsyncOpenAI(
            # Never None: the SDK would take the key of the environment to somebody else's server.
            api_key=self._api_key or "none",
            base_url=self._base_url,
            timeout=patience,
            max_retries=0,
            http_client=self._http,
        )

    def _explain(self, error: Exception) -> SpeechError:
        """The SDK's exceptions print bodies, which echo keys: none of them travels on."""
        import httpx2
        import openai

        if isinstance(error, openai.APIStatusError):
            headers = {key.lower(): value for key, value in error.response.headers.items()}
            return speech_error(refusal(error.status_code, headers, error.body), BY_CODE)
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
        if isinstance(cause, SpeechError):  # of our own, wrapped by the SDK on its way
            return cause
        if isinstance(cause, httpx2.InvalidURL | httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return Refused("bad_address", hint="The request could not be sent: check voice.base_url and voice.api_key.")
        if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
            return Unreachable("cut", hint="The connection was cut in the middle of the answer.")
        if isinstance(cause, httpx2.HTTPError | openai.APIConnectionError):
            hint = "The provider cannot be reached: check voice.base_url and the network."
            return Unreachable("no_connection", hint=hint)
        if isinstance(error, ValueError | AttributeError):  # a web page in place of JSON
            return Encoding("unreadable_answer", hint=BASE_URL)
        return surprise(self.name, error)
