"""ElevenLabs: the production voice, through its own SDK.

Contract: `POST /v1/text-to-speech/{voice_id}?output_format=`, as elevenlabs 2.78 speaks it; what the account has is
asked by `tts.elevenlabs_account`, what a model honours stands in `tts.elevenlabs_models`. No voice, model or key is
built in: default voices are retired and accounts differ, so all three come from the configuration.
"""

from __future__ import annotations

import asyncio
import codecs
import importlib
import logging
import random as chance
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from .bounding import LARGEST_ANSWER, bound
from .elevenlabs_account import Account, Wanted
from .elevenlabs_models import MODELS, UNKNOWN, honoured, understands_tags
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
from .offers import Offer, Progress, unheard
from .refusals import BASE_URL, Refusal, Verdict, speech_error, surprise
from .retrying import asked_again, retry_after
from .slots import Slots
from .sniffing import sound
from .tls import trust

if TYPE_CHECKING:
    import httpx
    from elevenlabs.client import AsyncElevenLabs

__all__ = ["BY_CODE", "MODELS", "UNKNOWN", "ElevenLabs", "honoured", "refusal", "understands_tags"]

log = logging.getLogger(__name__)
T = TypeVar("T")

NOTE_FORMAT = "opus_48000_32"
"""What a voice note is made of: it goes on as it is, and nobody pays for encoding it twice. Not in every plan."""

SAFE_FORMAT = "mp3_44100_64"
"""Every plan may have it, and every decoder reads it."""
CONNECT_S = 5.0
ONCE: Any = {"max_retries": 0}
"""The SDK's own retries are off: `tts.retrying` owns them."""


# -- what its refusals mean ------------------------------------------------------------------------

_VOICE = "The voice does not exist on this account: put the id of one of its voices into voice.voice_id."
_KEY = "The key was refused: put a valid one into voice.api_key."
_FORMAT = f"The plan does not include this output format: {SAFE_FORMAT} is in all of them."
_LONG = "The text is longer than the model takes in one request: lower reply.max_voice_chars."
_CROWD = "More requests at once than the plan allows: use a larger plan, or a key of its own."
_PLAN = "The plan does not include this voice, or an invoice is unpaid: take a voice of your own or another plan."
_UNUSUAL = "The account is blocked for unusual activity: contact the provider or use a paid plan."
BY_CODE: Mapping[str, Verdict] = {
    "quota_exceeded": (
        Quota,
        "The account has no characters left: raise the plan, or wait for the next period.",
    ),
    "voice_not_found": (VoiceUnavailable, _VOICE),
    "voice_does_not_exist": (VoiceUnavailable, _VOICE),
    "paid_plan_required": (VoiceUnavailable, _PLAN),
    "payment_required": (VoiceUnavailable, _PLAN),
    "invalid_api_key": (Refused, _KEY),
    "missing_permissions": (
        Refused,
        "The key lacks a permission: allow it text to speech, or use another key.",
    ),
    "detected_unusual_activity": (Refused, _UNUSUAL),
    "max_character_limit_exceeded": (Unspeakable, _LONG),
    "text_too_long": (Unspeakable, _LONG),
    "unsupported_output_format": (Refused, _FORMAT),
    "output_format_not_allowed": (Refused, _FORMAT),
    "too_many_concurrent_requests": (RateLimited, _CROWD),
    "concurrent_limit_exceeded": (RateLimited, _CROWD),
    "rate_limit_exceeded": (RateLimited, "Requests come too fast for this plan."),
    "system_busy": (RateLimited, "The provider is busy."),
}
_FORMAT_CODE = "unsupported_output_format"
"""Whatever else it is called: the field says what it is about, and another format may be had."""
FORMAT_REFUSED = frozenset({_FORMAT_CODE, "output_format_not_allowed"})


def refusal(status: int, headers: Mapping[str, str], body: object) -> Refusal:
    """Both shapes of `detail`, the list of a 422, and whatever else a proxy may have put there.

    The code comes first and the older `status` second, unless only the latter is one we know: `unauthorized`
    says less than the `missing_permissions` beside it.
    """
    found = body.get("detail") if isinstance(body, dict) else None
    if isinstance(found, list):
        field = _field_named(found)
        code = _FORMAT_CODE if field == "output_format" else "validation_error"
        return Refusal(status, code, field, request_id=headers.get("request-id", ""))
    detail = found if isinstance(found, dict) else {}
    codes = [code for code in (detail.get("code"), detail.get("status")) if isinstance(code, str)]
    if detail.get("param") == "output_format":
        codes.append(_FORMAT_CODE)
    return Refusal(
        status,
        next((code for code in codes if code in BY_CODE), codes[0] if codes else ""),
        str(detail.get("param") or ""),
        _credits(str(detail.get("message") or "")),
        str(detail.get("request_id") or headers.get("request-id", "")),
        retry_after(headers),
    )


def _field_named(problems: list[Any]) -> str:
    where = problems[0].get("loc") if problems and isinstance(problems[0], dict) else None
    return str(where[-1]) if isinstance(where, list) and where else ""


def _credits(message: str) -> str:
    left = re.search(r"(\d[\d.,]*) (?:credits|characters) remaining", message)
    needed = re.search(r"(\d[\d.,]*) (?:credits|characters) (?:are|is) required", message)
    return f"{left[1]} characters are left, this text needs {needed[1]}." if left and needed else ""


# -- formats an account does not have ---------------------------------------------------------------

_LACKING: dict[tuple[str, str], set[str]] = {}


def _without(api_key: str, base_url: str) -> set[str]:
    """Remembered for the process and by account, whichever of its voices found out: a refusal is asked for once."""
    return _LACKING.setdefault((api_key, base_url), set())


class _Bare(Encoding):
    """Bytes that are neither sound nor text in answer to `opus_…`: packets, perhaps, without their container."""


def _sound(raw: bytes, asked: str) -> tuple[bytes, str]:
    """Raises what `sound` does."""
    try:
        return sound(raw, pcm_rate=int(asked[4:]) if asked.startswith("pcm_") else 0)
    except Encoding as error:
        if asked.startswith("opus_") and error.reason == "not_audio" and not _is_text(raw):
            raise _Bare(error.reason, hint=error.hint) from None
        raise


def _is_text(raw: bytes) -> bool:
    """A proxy's page, say, which would come in any format."""
    try:
        return bool(codecs.getincrementaldecoder("utf-8")().decode(raw[:256]))
    except UnicodeDecodeError:
        return False


def _is_about_the_format(error: SpeechError) -> bool:
    return error.reason in FORMAT_REFUSED or isinstance(error, _Bare)


# -- the voice -------------------------------------------------------------------------------------


class ElevenLabs:
    """One voice of one account."""

    def __init__(
        self,
        api_key: str,
        voice_id: str,
        model_id: str,
        *,
        base_url: str = "",
        settings: Mapping[str, float] | None = None,
        language: str = "",
        timeout: float = 30.0,
        output_format: str = NOTE_FORMAT,
        slots: Slots | None = None,
        http_client: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """`language` (BCP 47) serves a Speech that names none. `timeout`: seconds for one `speak`, with
        waiting for a slot and all repeats in it. `slots`: the process's own, shared by every voice of the
        same key. `http_client` stays the caller's to close. Raises ValueError for a format no decoder here
        reads.
        """
        if output_format.split("_")[0] not in ("mp3", "pcm", "wav", "opus"):
            raise ValueError(f"output_format = {output_format!r}: mp3_…, pcm_…, wav_… or opus_… is needed")
        self._api_key = api_key
        self._voice_id = voice_id
        self._model_id = model_id
        self._model = MODELS.get(model_id, UNKNOWN)
        self._base_url = base_url.rstrip("/").removesuffix("/v1")
        self._configured = dict(settings or {})
        self.settings: Mapping[str, float] = honoured(model_id, self._configured)
        """What is really sent: the part of a cache key that is this voice's own."""
        self._language = language
        self._timeout = timeout
        self._format = output_format
        self._slot = (slots or Slots()).of((api_key, self._base_url, self._model.group))
        self._http = http_client
        self._owns_http = http_client is None
        self._sdk: AsyncElevenLabs | None = None
        self._closed = False
        self._sleep = sleep
        self._random = random

    @property
    def name(self) -> str:
        return f"elevenlabs/{self._voice_id}/{self._model_id}"

    @property
    def stitches(self) -> bool:
        """What was said before shapes how the next sentence sounds."""
        return self._model.stitches

    @property
    def understands_tags(self) -> bool:
        """Whether the model acts audio tags out; else they must not stand in the text."""
        return understands_tags(self._model_id)

    async def speak(self, speech: Speech) -> Audio:
        """The provider's raw bytes. Raises SpeechError; RateLimited `no_slot` when more than half of the time was over
        before it was this sentence's turn, and the rest did not suffice."""
        if not speech.text.strip():
            raise Unspeakable("blank_text", hint="There was nothing to say.")
        clock, turns = asyncio.get_running_loop().time, list[float]()
        latest = clock() + self._timeout / 2
        try:
            return await self._in_time(lambda: self._take_turn(speech, lambda: turns.append(clock())))
        except Unreachable as error:
            if error.reason != "timeout" or (turns and turns[0] <= latest):
                raise
            raise RateLimited("no_slot", hint=_CROWD, retryable=False) from None

    async def close(self) -> None:
        """Can be called twice. A closed voice does not speak again."""
        self._closed = True
        http, self._http, self._sdk = self._http, None, None
        if http is not None and self._owns_http:
            await http.aclose()

    # -- asking ------------------------------------------------------------------------------------

    async def _in_time(self, ask: Callable[[], Awaitable[T]]) -> T:
        return await asked_again(ask, within=self._timeout, sleep=self._sleep, random=self._random)

    async def _take_turn(self, speech: Speech, turn: Callable[[], None]) -> Audio:
        """`turn` is called when the provider is."""
        async with self._slot:
            turn()
            return await self._in_a_format(speech)

    async def _in_a_format(self, speech: Speech) -> Audio:
        """That the account has."""
        asked = self._format
        if asked in _without(self._api_key, self._base_url):
            asked = SAFE_FORMAT
        try:
            return await self._ask(speech, asked)
        except (Refused, Encoding) as error:
            if asked == SAFE_FORMAT or not _is_about_the_format(error):
                raise
            log.warning("%s: %s did not work (%s), using %s", self.name, asked, error.reason, SAFE_FORMAT)
            audio = await self._ask(speech, SAFE_FORMAT)
        # Only now is it certain that the format was the trouble.
        _without(self._api_key, self._base_url).add(asked)
        return audio

    async def _ask(self, speech: Speech, asked: str) -> Audio:
        try:
            client = await self._client()
            async with client.text_to_speech.with_raw_response.convert(
                quote(self._voice_id, safe=""), **self._request(speech, asked)
            ) as answer:
                headers = answer.headers
                self._learn(headers)
                raw = await _read(answer.data)
        except SpeechError:
            raise
        except Exception as error:
            raise self._explain(error) from None
        data, mime = _sound(raw, asked)
        cost = headers.get("character-cost", "")
        return Audio(data, mime, spoken_by=self.name, characters=int(cost) if cost.isdecimal() else len(speech.text))

    def _request(self, speech: Speech, asked: str) -> dict[str, Any]:
        from elevenlabs.types import VoiceSettings

        request: dict[str, Any] = {
            "text": _encodable(speech.text),
            "model_id": self._model_id,
            "output_format": asked,
            "request_options": {**ONCE, "chunk_size": 65_536},
        }
        if self.settings:
            request["voice_settings"] = VoiceSettings(**cast(Any, self.settings))
        language = speech.language or self._language
        if language and self._model.language_code:
            request["language_code"] = language.split("-")[0].lower()
        if self._model.stitches:
            around = {"previous_text": speech.previous_text, "next_text": speech.next_text}
            request |= {key: _encodable(text) for key, text in around.items() if text}
        return request

    async def _client(self) -> AsyncElevenLabs:
        if not re.fullmatch(r"[!-~]+", self._api_key):
            raise Refused(
                "invalid_api_key",
                hint="The key is empty or holds spaces or odd letters: check voice.api_key.",
            )
        if self._sdk is None:
            for module in ("elevenlabs.client", "elevenlabs.text_to_speech.client"):
                # Half a second of importing: in a thread, so that other conversations go on meanwhile.
                await asyncio.to_thread(importlib.import_module, module)
        if self._closed:
            raise Unreachable("closed", retryable=False, hint="The gateway is shutting down.")
        self._sdk = self._sdk or self._connect()
        return self._sdk

    def _connect(self) -> AsyncElevenLabs:
        import httpx
        from elevenlabs.client import AsyncElevenLabs

        patience = httpx.Timeout(self._timeout, connect=min(CONNECT_S, self._timeout))
        # Redirects are not followed: only the configured address was checked for where it leads.
        self._http = self._http or httpx.AsyncClient(
            timeout=patience,
            follow_redirects=False,
            event_hooks={"response": [bound(httpx.AsyncByteStream)]},
            verify=trust(httpx),
        )
        return AsyncElevenLabs(
            api_key=self._api_key,
            base_url=self._base_url or None,
            timeout=cast(float, patience),  # handed to httpx as it is, which takes both
            httpx_client=self._http,
        )

    def _learn(self, headers: Mapping[str, str]) -> None:
        allowed = headers.get("maximum-concurrent-requests", "")
        if allowed.isdecimal() and 0 < int(allowed) < 10_000:
            self._slot.resize(int(allowed))

    def _explain(self, error: Exception) -> SpeechError:
        """The SDK's exceptions print headers and bodies, httpx's may print the key: none of them travels
        on.
        """
        import httpx
        from elevenlabs.core.api_error import ApiError

        if isinstance(error, ApiError):
            headers = {key.lower(): value for key, value in (error.headers or {}).items()}
            self._learn(headers)
            return speech_error(refusal(error.status_code or 0, headers, error.body), BY_CODE)
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            return Refused("bad_address", hint="The request could not be sent: check voice.base_url and voice.api_key.")
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
            return Unreachable("cut", hint="The connection was cut in the middle of the answer.")
        if isinstance(error, httpx.HTTPError):
            return Unreachable(
                "no_connection", hint="The provider cannot be reached: check voice.base_url and the network."
            )
        if isinstance(error, ValueError):  # the answer is not the JSON or the UTF-8 it says it is
            return Encoding("unreadable_answer", hint=BASE_URL)
        return surprise(self.name, error)

    # -- the account -------------------------------------------------------------------------------

    async def check(self, today: date | None = None) -> list[Finding]:
        """Whether this voice will speak, found out without spending a character. Never raises for what it
        finds. `today` (UTC's, if not given) decides whether default voices are retired already.
        """
        wanted = Wanted(self._voice_id, self._model_id, self._language, self._configured)
        return await Account(self._listed).check(wanted, today or datetime.now(UTC).date())

    async def offer(self, progress: Progress = unheard) -> Offer:
        """The account's voices and models. Raises SpeechError."""
        return await Account(self._listed).offer(progress)

    async def _listed(self, ask: Callable[[AsyncElevenLabs], Awaitable[Any]]) -> Any:
        return await self._in_time(lambda: self._explained(ask))

    async def _explained(self, ask: Callable[[AsyncElevenLabs], Awaitable[Any]]) -> Any:
        try:
            return await ask(await self._client())
        except SpeechError:
            raise
        except Exception as error:
            raise self._explain(error) from None


async def _read(chunks: AsyncIterator[bytes]) -> bytes:
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > LARGEST_ANSWER:
            raise Encoding("answer_too_large", hint=BASE_URL)
    return bytes(data)


def _encodable(text: str) -> str:
    """Lone surrogates cannot be sent; a question mark in their place can."""
    return text.encode("utf-8", "replace").decode()
