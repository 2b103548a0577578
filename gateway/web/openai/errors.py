"""Errors as OpenAI writes them, `{"error":{"message","type","param","code"}}`: its SDK raises what it should."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from aiohttp import web

from gateway.intake import Conflict, TooMuch
from gateway.web.problems import Problem
from storage.store import Unavailable
from tts.errors import Encoding

log = logging.getLogger("recado.web")

Handler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]

SOON = {"Retry-After": "1"}
"""A restart takes no longer; the SDK waits so long."""


class Refusal(Exception):
    """An answer that is an error. The SDK repeats 408, 409, 429 and 5xx by itself, and nothing else."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = headers or {}

    @property
    def error(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"message": self.message, "type": kind, "param": self.param, "code": self.code}


def wrong(param: str, message: str, code: str | None = None) -> Refusal:
    """400 for one parameter."""
    return Refusal(400, message, param=param, code=code)


def unsupported(param: str, message: str) -> Refusal:
    return wrong(param, message, "unsupported_parameter")


def refusal_of(error: Exception) -> Refusal | None:
    """What the caller is told of it; None for a surprise."""
    match error:
        case Refusal():
            return error
        case Problem():
            return Refusal(error.status, error.detail, param=error.field or None, headers=error.headers)
        case Unavailable():
            retry = {"Retry-After": str(max(1, round(error.retry_after)))}
            return Refusal(503, "The message could not be stored; send it again.", headers=retry)
        case Conflict():
            message = "This Idempotency-Key was used for another request; use a new one."
            return Refusal(400, message, code="idempotency_key_reused")
        case Encoding(retryable=True):
            return Refusal(503, "The audio cannot be looked at now; send it again.", headers=SOON)
        case Encoding():
            return wrong("input_audio", f"The audio cannot be read ({error.reason}).", "invalid_audio")
    return None


def response(refusal: Refusal) -> web.Response:
    body = orjson.dumps({"error": refusal.error})
    return web.Response(body=body, status=refusal.status, content_type="application/json", headers=refusal.headers)


def explained(handler: Handler) -> Handler:
    """Whatever a door raises becomes an error of OpenAI's; a surprise is logged and says nothing outside."""

    @wraps(handler)
    async def inner(door: Any, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(door, request)
        except ConnectionResetError:  # whoever hung up is told nothing; what was asked goes on
            return web.Response()
        except web.HTTPException:
            raise
        except Exception as error:
            return response(_told(error))

    return inner


def _told(error: Exception) -> Refusal:
    refusal = refusal_of(error)
    if refusal is None:
        log.error("a request broke", exc_info=error)
        return Refusal(500, "Something broke on our side; the log says what.")
    if isinstance(error, Unavailable) and not isinstance(error, TooMuch):
        log.error("cannot write", extra={"facts": {"error": str(error)}})
    return refusal


def in_stream(error: Exception) -> Refusal:
    """The same for a stream that has begun."""
    return _told(error)
