"""What went wrong at an OpenAI-compatible endpoint, read from whatever came back, as data.

The answer may be the documented object, a list of them (Gemini), a page of HTML from a proxy, an event inside a
stream that began with 200, or nothing. Codes decide, never texts: messages change, and some of them quote the key.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

log = logging.getLogger(__name__)

CODE = re.compile(r"[a-z][a-z0-9_]{1,59}")
"""What may pass as a reason. Anything else a server puts there, its secrets included, is dropped."""

BILLING = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
PASSING = frozenset(
    {
        "rate_limit_exceeded",
        "slow_down",
        "server_is_overloaded",
        "server_error",
        "conversation_locked",
        "vector_store_timeout",
        "resource_exhausted",
        "unavailable",
        "internal",
    }
)
"""Codes that say: the same call may go well in a moment."""
POLICY = frozenset(
    {
        "invalid_prompt",
        "bio_policy",
        "misalignment_policy_violation",
        "image_content_policy_violation",
        "content_filter",
        "refusal",
    }
)
PICTURES = "pictures_refused"
"""The call carried pictures or documents and fails because of them, for all that is known: ask again without."""
PICTURE_CODES = frozenset(
    {
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)
"""What Responses says of an image it cannot use."""
PICTURE_STATUSES = frozenset({400, 404, 413, 415, 422, 500})
"""What models without eyes answer a picture with. There is no code for it: OpenAI says 400 with a null code, OpenRouter
404, llama.cpp and vLLM 500."""

TOOLS = "tools_refused"
"""The call offered a function and was refused for no other reason that we know: ask again without."""
TOOL_STATUSES = frozenset({400, 404, 422})
"""What servers and models without tools answer with: Ollama and vLLM 400, OpenRouter 404. There is no code for it."""

HINTS = {
    "invalid_api_key": "The provider does not know this key: put a valid one into {section}.api_key.",
    "model_not_found": "The model was switched off or this key may not use it: set {section}.model to one that "
    "`recado check` finds.",
    "unsupported_country_region_territory": "The provider does not serve the place this server stands in.",
    "context_length_exceeded": "Instructions, documents and history are too long for the model: lower "
    "{section}.history, shorten the instructions, or choose a model with a larger context.",
    "data_residency_mismatch": "The key belongs to another region: set {section}.base_url to that region's address.",
    "max_output_tokens": "The model reached its limit before the first word: raise {section}.max_output_tokens.",
    "not_an_api": "Something answered with a page instead of data: {section}.base_url should usually end in /v1.",
    PICTURES: "The model did not take the customer's picture or document{said}: set {section}.model to one that sees.",
    "timeout": "The provider did not answer in time: see its status page, or raise {section}.timeout_s.",
    "unreachable": "No connection: check {section}.base_url, the name server and the firewall.",
}
BY_STATUS = {
    400: "The provider did not accept the request{field}.",
    401: "The provider did not accept the key: check {section}.api_key.",
    402: "The account at the provider must be paid before it answers.",
    403: "The key is valid but may not do this: check its project and permissions.",
    404: "Nothing is there: check {section}.model and {section}.base_url.",
    422: "The provider did not accept the request{field}.",
    429: "Too many requests for this key: it will be tried again; a higher tier allows more.",
}


E = TypeVar("E", bound=Exception)


@dataclass(frozen=True, slots=True)
class Fault:
    reason: str
    retryable: bool
    retry_after: float | None = None
    """Seconds."""
    hint: str = ""

    def of(self, kind: Callable[..., E]) -> E:
        """As the error of one seam, AssistantError or HearingError: they are made alike."""
        return kind(self.reason, retryable=self.retryable, retry_after=self.retry_after, hint=self.hint)

    def after(self, headers: Mapping[str, str]) -> Fault:
        return replace(self, retry_after=retry_after(headers))

    @classmethod
    def page(cls, section: str = "assistant") -> Fault:
        """A page of HTML where JSON was due. Tried again: what worked yesterday is a proxy's bad minute today."""
        return cls("not_an_api", True, hint=_hint("not_an_api", None, section))


def fault_of(error: Exception, section: str = "assistant", *, pictures: bool = False, tools: bool = False) -> Fault:
    """What the SDK, its HTTP client or asyncio raised. `section`: the configuration the hints speak of. `pictures`,
    `tools`: the call carried some."""
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError):
        headers, said = error.response.headers, _as_object(error.body)
        if tools and _may_be_the_tools(said, error.status_code):
            return Fault(TOOLS, False, hint="The model or its server takes no tools; the marker still hands over.")
        return fault_from(said, error.status_code, section, pictures=pictures).after(headers)
    # The aiohttp transport calls a refused connection a ConnectTimeout; either way nothing was asked yet.
    unasked = isinstance(error.__cause__, httpx2.ConnectTimeout)
    if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError)) and not unasked:
        return Fault("timeout", True, hint=_hint("timeout", None, section))
    if isinstance(error, (openai.APIConnectionError, httpx2.HTTPError, httpx2.StreamError, OSError)):
        return Fault("unreachable", True, hint=_hint("unreachable", None, section))
    log.error("unexpected while calling a provider", exc_info=error)
    return Fault("unexpected", False, hint=f"{type(error).__name__} while calling the provider.")


def fault_in(document: object, section: str = "assistant", *, pictures: bool = False) -> Fault | None:
    """The error inside an answer that came with 200, if there is one."""
    body = document[0] if isinstance(document, list) and document else document
    if not isinstance(body, Mapping):
        return None
    if body.get("error"):
        return fault_from(_as_object(body), None, section, pictures=pictures)
    return fault_from(body, None, section, pictures=pictures) if body.get("type") == "error" else None


def fault_from(
    error: Mapping[str, Any], status: int | None, section: str = "assistant", *, pictures: bool = False
) -> Fault:
    """From an error object and the status it came with; None when it stood inside a stream."""
    number = error.get("code")
    if status is None and isinstance(number, int):  # Gemini and some relays repeat the status there
        status = number
    reason = _reason(error, status)
    if reason in PICTURE_CODES or (pictures and _may_be_the_pictures(reason, status)):
        said = f" ({reason})"
        return Fault(PICTURES, status == 500, hint=HINTS[PICTURES].format(section=section, said=said))
    return Fault(reason, _passes(reason, status), hint=_hint(reason, status, section, _code(error.get("param"))))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after`. Its date form is ignored: it would need a clock to be right."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", headers.get(name, "")):
            return float(headers[name]) * unit
    return None


def _as_object(body: object) -> Mapping[str, Any]:
    """The error object, out of any wrapping that is in use."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping) and isinstance(body.get("error"), (Mapping, str)):
        body = body["error"]
    return body if isinstance(body, Mapping) else {}


def _reason(error: Mapping[str, Any], status: int | None) -> str:
    if _code(error.get("type")) == "insufficient_quota":
        return "insufficient_quota"
    for field in ("code", "status", "type"):
        code = _code(error.get(field))
        if code and code not in ("error", "invalid_request_error"):  # the names of no particular error
            return code
    return f"http_{status}" if status else "server_error"


def _code(value: object) -> str:
    code = value.lower() if isinstance(value, str) else ""
    return code if CODE.fullmatch(code) else ""


def _may_be_the_pictures(reason: str, status: int | None) -> bool:
    """Refused for no other reason that we know. Only asking again without them tells; a bare 500 is tried again first,
    as it is without pictures."""
    otherwise = reason in HINTS or reason in BILLING | POLICY | PASSING
    return status in PICTURE_STATUSES and (not otherwise or status == 500)


def _may_be_the_tools(error: Mapping[str, Any], status: int) -> bool:
    """Refused for no other reason that we know, and for no other field. Only asking again without them tells."""
    reason, field = _reason(error, status), str(error.get("param") or "tools")
    otherwise = reason in HINTS or reason in BILLING | POLICY | PASSING | PICTURE_CODES
    return status in TOOL_STATUSES and not otherwise and field.startswith(("tool", "function"))


def _passes(reason: str, status: int | None) -> bool:
    if reason in BILLING or reason in POLICY:
        return False
    return reason in PASSING or (status is not None and (status in (408, 409, 429) or status >= 500))


def _hint(reason: str, status: int | None, section: str, field: str = "") -> str:
    if reason in BILLING:
        return "The account has no credit or reached its limit: add credit or raise the limit in its billing page."
    if reason in POLICY:
        return "The provider's content policy stopped this turn; a person should read it."
    passing = "The provider has trouble of its own: see its status page." if _passes(reason, status) else ""
    text = HINTS.get(reason) or BY_STATUS.get(status or 0) or passing
    return text.format(section=section, field=f" (field `{field}`)" if field else "", said="")
