"""Voice notes heard by ElevenLabs' Scribe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gateway.assistants.faults import CODE, retry_after
from gateway.hearing.base import Heard, HearingError
from gateway.hearing.files import ToOpus, in_a_thread, two_letters, upload
from tts.tls import trust

if TYPE_CHECKING:
    import httpx
    from elevenlabs.client import AsyncElevenLabs

PRODUCTION = "https://api.elevenlabs.io"
ISO_639_1 = {
    "por": "pt", "eng": "en", "spa": "es", "zho": "zh", "cmn": "zh", "fra": "fr", "deu": "de", "ita": "it",
    "jpn": "ja", "kor": "ko", "rus": "ru", "ara": "ar", "hin": "hi", "nld": "nl", "pol": "pl", "tur": "tr",
    "ukr": "uk", "cat": "ca", "glg": "gl", "ron": "ro", "swe": "sv", "heb": "he", "vie": "vi", "ind": "id",
}  # fmt: skip
"""Scribe answers in three letters. What is not here stays as it came, which BCP 47 allows."""
HINTS = {
    "invalid_api_key": "ElevenLabs does not know this key: put a valid one into hearing.api_key.",
    "missing_permissions": "The key lacks the permission speech_to_text: allow it in the key's settings.",
    "quota_exceeded": "The account has no credits left: raise the plan or wait for the next period.",
    "detected_unusual_activity": "ElevenLabs blocked this free account: a paid plan is needed.",
    "timeout": "ElevenLabs did not answer in time: see its status page, or raise hearing.timeout_s.",
    "unreachable": "No connection to ElevenLabs: check hearing.base_url, the name server and the firewall.",
    "not_an_api": "Something answered with a page instead of data: check hearing.base_url.",
}
BUSY = frozenset({"concurrent_limit_exceeded", "too_many_concurrent_requests", "rate_limit_exceeded", "system_busy"})


class ElevenLabsHearing:
    """`timeout_s` bounds a whole call. The SDK must not retry: its second try loses the form's fields.

    `to_opus` makes a file the provider takes of one it does not.
    """

    def __init__(
        self,
        api_key: str,
        model: str,
        *,
        base_url: str = "",
        timeout_s: float = 60.0,
        http_client: httpx.AsyncClient | None = None,
        to_opus: ToOpus = in_a_thread,
    ) -> None:
        self._model = model
        self._to_opus = to_opus
        self._base_url = base_url or PRODUCTION
        self._timeout_s = timeout_s
        self._http = http_client
        self._opened: AsyncElevenLabs | None = None
        self._key: Callable[[], str] = lambda: api_key  # a closure's repr shows no key

    @property
    def name(self) -> str:
        return f"elevenlabs/{self._model}"

    async def hear(self, audio: bytes, mime: str, language: str) -> Heard:
        """`mime` is not believed: the bytes are looked at. Raises HearingError."""
        file = await upload(audio, self._to_opus)
        hint: dict[str, Any] = {"language_code": two_letters(language)} if language else {}
        try:
            async with asyncio.timeout(self._timeout_s):
                answer: Any = await self._client.speech_to_text.convert(
                    model_id=self._model,
                    file=file,
                    tag_audio_events=False,  # "(laughs)" is not something the contact said
                    timestamps_granularity="none",  # a word list nobody reads is most of the answer
                    request_options={"max_retries": 0},
                    **hint,
                )
            heard = answer.text.strip()
        except Exception as error:
            raise _why(error) from None
        code = str(getattr(answer, "language_code", "") or "")
        return Heard(heard, language=ISO_639_1.get(code, code))

    async def close(self) -> None:
        if self._http:
            await self._http.aclose()
        self._http = self._opened = None

    @property
    def _client(self) -> AsyncElevenLabs:
        if self._opened is None:
            import httpx
            from elevenlabs.client import AsyncElevenLabs

            # Injected, because the SDK has no way to close a client of its own.
            patience = httpx.Timeout(self._timeout_s, connect=5.0)
            self._http = self._http or httpx.AsyncClient(timeout=patience, verify=trust(httpx))
            self._opened = AsyncElevenLabs(api_key=self._key(), base_url=self._base_url, httpx_client=self._http)
        return self._opened


def _why(error: Exception) -> HearingError:
    import httpx
    from elevenlabs.core.api_error import ApiError

    if isinstance(error, ApiError) and (error.status_code or 0) >= 300:
        return _refused(error.status_code or 0, error.body, error.headers or {})
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException):
        reason = "unreachable"
    elif isinstance(error, (TimeoutError, httpx.TimeoutException)):
        reason = "timeout"
    else:  # 200, and then a page or JSON of another shape
        reason = "not_an_api"
    return HearingError(reason, retryable=True, hint=HINTS[reason])


def _refused(status: int, body: object, headers: Mapping[str, str]) -> HearingError:
    detail = body.get("detail") if isinstance(body, Mapping) else None
    codes = [detail.get("code"), detail.get("status")] if isinstance(detail, Mapping) else []
    known = [c for c in codes if isinstance(c, str) and CODE.fullmatch(c)]
    # An old status may say more than the new code: `missing_permissions` hides behind `unauthorized`.
    reason = next((c for c in reversed(known) if c in HINTS), known[0] if known else f"http_{status}")
    hint = HINTS.get(reason) or (HINTS["invalid_api_key"] if status == 401 else f"ElevenLabs answered {status}.")
    retryable = bool(BUSY.intersection(known)) or status in (408, 409, 429) or status >= 500
    return HearingError(reason, retryable=retryable, retry_after=retry_after(headers), hint=hint)
