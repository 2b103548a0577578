"""One message as it comes over HTTP: bytes to an Inbound, or a problem that names the field."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.channels.base import Inbound
from gateway.web.problems import Problem, wrong

TEXT_LIMIT = 32 * 1024
"""Characters."""
AUDIO_LIMIT = 16 * 1024 * 1024
"""Bytes."""
JSON_LIMIT = 256 * 1024
"""Bytes: the longest text, escaped."""
FORM_LIMIT = AUDIO_LIMIT + 4 * JSON_LIMIT
"""Bytes: the longest sound and every field around it."""
PARTS = 64
"""Of a form. Five are read; each costs time, read or not."""
PATIENCE = 120.0
"""Seconds for a body to arrive: 16 MB by 1 Mbit/s."""
ID = re.compile(r"[^\x00-\x20\x7f][^\x00-\x1f\x7f]{0,255}")
INVISIBLE = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}
"""Unicode categories without ink: spaces, controls, joiners and marks of direction."""
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999."""


AT_ONCE = 256 * 1024 * 1024
"""Bytes of sound in memory, of everybody together."""


class Room:
    """For sound that is coming in. What does not fit is asked to come again: nobody's memory is endless."""

    def __init__(self) -> None:
        self._left = AT_ONCE

    @contextmanager
    def guest(self) -> Iterator[Callable[[int], None]]:
        """What is taken, in bytes, is given back at the end. Taking raises Problem 503."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise Problem(503, "too much sound at once; send it again", headers={"Retry-After": "5"})
            self._left, taken = self._left - size, taken + size

        try:
            yield take
        finally:
            self._left += taken


@dataclass(slots=True)
class Fields:
    id: Any = None
    contact: Any = None
    text: Any = None
    at: Any = None
    audio: bytes | None = None


async def read(request: web.Request, visitor: str, now: int, take: Callable[[int], None]) -> Inbound:
    """`visitor`: who the cookie says it is, or empty: then the message says it. `now`: milliseconds, for a message
    that does not say when it was written. `take`: a guest's, for sound. Raises Problem."""
    async with _arriving(request):
        if request.content_type == "application/json":
            fields = await _json(request)
        elif request.content_type == "multipart/form-data":
            fields = await _multipart(request, take)
        else:
            raise Problem(415, "send application/json or multipart/form-data")
    return inbound(fields, visitor, now)


async def read_object(request: web.Request, limit: int = 64 * 1024) -> dict[str, Any]:
    """A small JSON body of at most `limit` bytes; none is an empty object. Raises Problem 408, 413, 422."""
    try:
        wish = orjson.loads((await read_bytes(request, limit)).strip() or b"{}")
    except orjson.JSONDecodeError:
        raise wrong("body", "the body is not JSON") from None
    if not isinstance(wish, dict):
        raise wrong("body", "the body must be a JSON object")
    return wish


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """A body as it came. Raises Problem 408, 413, 422."""
    body = bytearray()
    async with _arriving(request):
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise Problem(413, f"this body is at most {limit // 1024} KB", "body")
    return bytes(body)


@asynccontextmanager
async def _arriving(request: web.Request) -> AsyncIterator[None]:
    """A body may be slow, cut, or not what its headers promise. One that is here already needs no clock."""
    try:
        async with asyncio.timeout(None if request.content.is_eof() else PATIENCE):
            yield
    except TimeoutError:
        raise Problem(408, f"the body took longer than {PATIENCE:.0f} seconds", "body") from None
    except web.RequestPayloadError:
        raise wrong("body", "the body cannot be unpacked") from None


def inbound(fields: Fields, visitor: str, now: int) -> Inbound:
    """Raises Problem 413, 422. Pure."""
    contact, name = (visitor, "") if visitor else _contact(fields.contact)
    at, dated = _at(fields.at, now), fields.at not in (None, "")
    return Inbound(_id("id", fields.id), contact, name, _text(fields), at, fields.audio, dated=dated)


async def _json(request: web.Request) -> Fields:
    body = await _bounded(request)
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(422, f"the body is not JSON: {error}", "body") from None
    if not isinstance(raw, dict):
        raise wrong("body", "the body must be a JSON object")
    return Fields(raw.get("id"), raw.get("contact"), raw.get("text"), raw.get("at"))


async def _bounded(request: web.Request) -> bytes:
    if (request.content_length or 0) > JSON_LIMIT:
        raise Problem(413, f"a text message is at most {TEXT_LIMIT} characters", "text")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > JSON_LIMIT:
            raise Problem(413, f"a text message is at most {TEXT_LIMIT} characters", "text")
    return bytes(body)


async def _multipart(request: web.Request, take: Callable[[int], None]) -> Fields:
    fields = Fields()
    _not_too_long(request.content_length or 0)
    try:
        reader = await request.multipart()
        for _ in range(PARTS):
            if (part := await reader.next()) is None:
                return fields
            if not isinstance(part, BodyPartReader):
                raise wrong("body", "a part within a part is not understood")
            await _part(part, fields, take)
            _not_too_long(request.content.total_bytes)
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError):
        raise wrong("body", "the multipart body cannot be read") from None
    raise Problem(413, f"a form has at most {PARTS - 1} parts", "body")


def _not_too_long(form: int) -> None:
    if form > FORM_LIMIT:
        raise Problem(413, f"audio is at most {AUDIO_LIMIT} bytes", "audio")


async def _part(part: BodyPartReader, fields: Fields, take: Callable[[int], None]) -> None:
    if part.name == "audio":
        fields.audio = await _read(part, AUDIO_LIMIT, take)
    elif part.name in ("id", "contact", "text", "at"):
        value = _utf8(part.name, await _read(part, JSON_LIMIT))
        setattr(fields, part.name, _object(value) if part.name == "contact" else value)
    else:
        await _read(part, JSON_LIMIT)


async def _read(part: BodyPartReader, limit: int, take: Callable[[int], None] | None = None) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        if take:
            take(len(chunk))
        data += chunk
        if len(data) > limit:
            raise Problem(413, f"{part.name} is at most {limit} bytes", part.name or "")
    return bytes(data)


def _utf8(field: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise wrong(field, f"{field} is not UTF-8") from None


def _object(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise wrong("contact", 'contact must be JSON: {"id": "...", "name": "..."}') from None


# -- one field at a time -------------------------------------------------------------------------


def _id(field: str, value: Any) -> str:
    if value is None:
        raise wrong(field, f"{field} is missing")
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise wrong(field, f"{field} must be a text of 1 to 256 characters without control characters")
    return value


def _contact(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict):
        raise wrong("contact", 'contact is missing: {"id": "...", "name": "..."}')
    name = value.get("name") or ""
    if not isinstance(name, str) or len(name) > 200:
        raise wrong("contact.name", "contact.name must be a text of at most 200 characters")
    return _id("contact.id", value.get("id")), name


def _text(fields: Fields) -> str:
    text = "" if fields.text is None else fields.text
    if not isinstance(text, str):
        raise wrong("text", "text must be a text")
    if len(text) > TEXT_LIMIT:
        raise Problem(413, f"a text message is at most {TEXT_LIMIT} characters", "text")
    if fields.audio is None and not says_something(text):
        raise wrong("text", "text is blank and there is no audio")
    if fields.audio is not None and not fields.audio:
        raise wrong("audio", "audio is empty")
    return text


def says_something(text: str) -> bool:
    """At least one character that a reader would see."""
    return any(unicodedata.category(c) not in INVISIBLE for c in text)


def _at(value: Any, now: int) -> int:
    if value is None or value == "":
        return now
    ms = _milliseconds(value)
    if ms is None or not 0 <= ms <= LATEST:
        raise wrong("at", "at must be RFC 3339, e.g. 2026-11-21T12:00:00Z, or milliseconds since 1970")
    return ms


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        return int(value) if len(str(value)) < 16 else None
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
