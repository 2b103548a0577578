"""Errors on the wire: RFC 9457. They name the field and the cure, and nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from aiohttp import web

from gateway.intake import Conflict, TooMuch
from storage.store import Unavailable
from tts.errors import Encoding

log = logging.getLogger("recado.web")

TITLES = {
    400: "Bad request",
    401: "Not authorised",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "Not processable",
    500: "Internal error",
    503: "Cannot write now",
}

SOON = {"Retry-After": "5"}

Handler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, detail: str, field: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, headers or {}


def wrong(field: str, detail: str) -> Problem:
    """422 for one field."""
    return Problem(422, detail, field)


def response(problem: Problem) -> web.Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.field:
        body["field"] = problem.field
    return web.Response(
        body=orjson.dumps(body),
        status=problem.status,
        content_type="application/problem+json",
        headers=problem.headers,
    )


def _away(request: web.Request) -> str:
    reads = request.method in ("GET", "HEAD")
    return "it cannot be read now; ask again" if reads else "the message could not be stored; send it again"


def explained(handler: Handler) -> Handler:
    """Whatever a door raises becomes a problem document; a surprise is logged and says nothing outside."""

    @wraps(handler)
    async def inner(door: Any, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(door, request)
        except Problem as problem:
            return response(problem)
        except Unavailable as error:
            if not isinstance(error, TooMuch):
                log.error("cannot write", extra={"facts": {"error": str(error)}})
            retry = {"Retry-After": str(max(1, round(error.retry_after)))}
            return response(Problem(503, _away(request), headers=retry))
        except Conflict:
            return response(Problem(409, "this id was used for another message; use a new one", "id"))
        except Encoding as error:
            if error.retryable:
                return response(Problem(503, "the audio cannot be looked at now; send it again", headers=SOON))
            return response(wrong("audio", f"the audio cannot be read ({error.reason})"))
        except web.HTTPException as error:
            return response(Problem(error.status, TITLES.get(error.status, error.reason)))
        except (ConnectionResetError, TimeoutError):
            raise
        except Exception:
            log.exception("a request broke")
            return response(Problem(500, "something broke on our side; the log says what"))

    return inner
