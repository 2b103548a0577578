"""An HTTP answer that was no sound becomes a SpeechError. Pure.

Which provider means what by which code stands in that provider's own table; what a bare status means is the
same everywhere and stands here. Nothing the provider wrote is repeated but its code: messages echo keys and
customers.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Encoding, RateLimited, Refused, SpeechError, Unreachable, Unspeakable, VoiceUnavailable

log = logging.getLogger(__name__)

Verdict = tuple[type[SpeechError], str]
"""What to raise, and the operator's hint."""

BASE_URL = "That address does not speak this provider's protocol: check voice.base_url."
BY_STATUS: Mapping[int, Verdict] = {
    401: (Refused, "The key was refused: check voice.api_key."),
    402: (VoiceUnavailable, "The plan does not include this voice, or an invoice is unpaid."),
    403: (Refused, "The key may not do this: check its permissions, or use another voice.api_key."),
    404: (Refused, BASE_URL),
    405: (Refused, BASE_URL),
    408: (Unreachable, "The provider took too long."),
    409: (Unreachable, "The provider was in the middle of something else."),
    413: (Unspeakable, "The text is too long for one request: lower reply.max_voice_chars."),
    429: (RateLimited, "Too many requests for this account: fewer queues at once, or a larger plan."),
}
BY_PARAM: Mapping[str, Verdict] = {
    "voice": (VoiceUnavailable, "The voice was refused: check voice.voice_id."),
    "voice_id": (VoiceUnavailable, "The voice was refused: check voice.voice_id."),
    "model": (VoiceUnavailable, "The model was refused: check voice.model_id."),
    "model_id": (VoiceUnavailable, "The model was refused: check voice.model_id."),
    "text": (Unspeakable, "The text was refused."),
    "input": (Unspeakable, "The text was refused."),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the answer said, whichever of its provider's shapes it came in."""

    status: int
    code: str = ""
    param: str = ""
    """Which field of the request it is about; empty when unsaid."""
    detail: str = ""
    """Facts worth adding to the hint, already free of keys and customers."""
    request_id: str = ""
    retry_after: float | None = None
    """Seconds."""


def speech_error(refusal: Refusal, by_code: Mapping[str, Verdict]) -> SpeechError:
    """Code first, then the field it is about, then the status."""
    kind, hint = by_code.get(refusal.code) or _by_field(refusal) or _by_status(refusal.status)
    where = f" (request {refusal.request_id})" if re.fullmatch(r"[\w-]{1,64}", refusal.request_id) else ""
    detail = f" {refusal.detail}" if refusal.detail else ""
    reason = refusal.code if re.fullmatch(r"[a-z][a-z0-9_.]{2,63}", refusal.code) else f"http_{refusal.status}"
    return kind(reason, hint=f"{hint}{detail}{where}", retry_after=refusal.retry_after)


def _by_field(refusal: Refusal) -> Verdict | None:
    return BY_PARAM.get(refusal.param) if refusal.status in (400, 404, 422) else None


def _by_status(status: int) -> Verdict:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return Unreachable, "The provider has trouble of its own."
    if status >= 400:
        return Refused, "The request was refused: check the voice's settings."
    if status >= 300:
        return Refused, "The address sends elsewhere: put the final one into voice.base_url."
    return Encoding, BASE_URL


def surprise(speaker: str, error: Exception) -> SpeechError:
    """Whatever an SDK raises that nobody foresaw. Its text may hold anything, so only its type and place are
    told.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    log.error("%s: unforeseen %s at %s", speaker, type(error).__name__, place)
    hint = "Something unforeseen went wrong: see the log, and check voice.base_url."
    return Unreachable(f"unforeseen_{type(error).__name__}", retryable=False, hint=hint)
