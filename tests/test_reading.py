"""One message over HTTP, field by field: what is taken, and which field a problem names."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.web.problems import Problem
from gateway.web.reading import Fields, inbound, read

KEY = ""
VISITOR = "visitor-1"
CONTACT = {"id": "5511", "name": "Lia"}


def fields(**changes: Any) -> Fields:
    return Fields(**{"id": "m1", "contact": CONTACT, "text": "oi", **changes})


@pytest.mark.parametrize(
    ("changes", "field", "status"),
    [
        ({"id": None}, "id", 422),
        ({"id": ""}, "id", 422),
        ({"id": 7}, "id", 422),
        ({"id": "a\x00b"}, "id", 422),
        ({"id": "x" * 257}, "id", 422),
        ({"contact": None}, "contact", 422),
        ({"contact": "5511"}, "contact", 422),
        ({"contact": {}}, "contact.id", 422),
        ({"contact": {"id": "5", "name": 3}}, "contact.name", 422),
        ({"text": None}, "text", 422),
        ({"text": " \n\t"}, "text", 422),
        ({"text": "\u200b\u200f\u2060"}, "text", 422),
        ({"text": 5}, "text", 422),
        ({"text": "a" * 32769}, "text", 413),
        ({"text": "", "audio": b""}, "audio", 422),
        ({"at": "2026-02-30T10:00:00Z"}, "at", 422),
        ({"at": "yesterday"}, "at", 422),
        ({"at": -1}, "at", 422),
        ({"at": 10**15}, "at", 422),
        ({"at": 10**400}, "at", 422),
        ({"at": True}, "at", 422),
        ({"at": [1]}, "at", 422),
    ],
)
def test_a_problem_names_its_field(changes: dict[str, Any], field: str, status: int) -> None:
    with pytest.raises(Problem) as problem:
        inbound(fields(**changes), KEY, 1000)
    assert (problem.value.field, problem.value.status) == (field, status)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, 1000),
        ("", 1000),
        (1_700_000_000_000, 1_700_000_000_000),
        ("1700000000000", 1_700_000_000_000),
        ("2026-11-21T12:00:00Z", 1_795_262_400_000),
        ("2026-11-21T09:00:00-03:00", 1_795_262_400_000),
        ("2026-11-21T12:00:00.250", 1_795_262_400_250),
    ],
)
def test_when_it_was_written(at: Any, expected: int) -> None:
    assert inbound(fields(at=at), KEY, 1000).at == expected


@pytest.mark.parametrize(
    "text", ["😀" * 10_000, "שלום", "a\u200bb", "NUL \x00 inside", "👩‍👩‍👧‍👦", "\u202eevil", "𝕏" * 100, "."]
)
def test_strange_text_survives_to_the_letter(text: str) -> None:
    assert inbound(fields(text=text), KEY, 0).text == text


def test_a_visitor_is_who_its_cookie_says() -> None:
    message = inbound(fields(contact={"id": "somebody else"}), VISITOR, 0)
    assert (message.contact, message.name) == ("visitor-1", "")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_whatever_comes_is_a_message_or_a_problem(id: Any, contact: Any, text: Any, at: Any) -> None:
    try:
        said = inbound(Fields(id, contact, text, at), KEY, 1000).text
    except Problem as problem:
        said = text if problem.field else None
    assert said == text


# -- a form


SOUND = bytes(range(256)) * 700
FORM = (
    b'--cut\r\nContent-Disposition: form-data; name="id"\r\n\r\nm1\r\n'
    b'--cut\r\nContent-Disposition: form-data; name="audio"; filename="a.ogg"\r\n\r\n' + SOUND + b"\r\n--cut--\r\n"
)


async def coming(body: StreamReader, sizes: list[int]) -> None:
    rest, size = FORM, cycle(sizes)
    while rest:
        some = next(size)
        body.feed_data(rest[:some])
        rest = rest[some:]
        await asyncio.sleep(0)
    body.feed_eof()


@given(st.lists(st.integers(1, 9) | st.integers(60_000, 70_000), max_size=9).map(lambda some: [*some, 65_536]))
@example([65_536, 3, 65_536])
def test_a_form_is_the_same_in_whatever_pieces_it_comes(sizes: list[int]) -> None:
    async def said() -> tuple[str, bytes | None]:
        loop = asyncio.get_running_loop()
        connection = BaseProtocol(loop)
        connection.connection_made(asyncio.Transport())
        body = StreamReader(connection, 2**20, loop=loop)
        sender = asyncio.create_task(coming(body, sizes))
        kind = {"Content-Type": "multipart/form-data; boundary=cut"}
        found = await read(make_mocked_request("POST", "/", kind, payload=body), VISITOR, 1000, lambda size: None)
        await sender
        return found.id, found.audio

    assert asyncio.run(said()) == ("m1", SOUND)
