"""The doors against broken clients and those who mean harm: every answer is a problem document, and nothing hangs."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.config import ConfigError, parse
from gateway.outbound import client
from gateway.web.problems import Problem
from gateway.web.reading import Room
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, KEY, running, toml
from tests.story.test_doors import plain, served

MESSAGES = "/v1/channels/api/messages"
FORM = "Content-Type: multipart/form-data; boundary=b"
OURS = f"Authorization: Bearer {KEY}"
BOSS = f"Authorization: Bearer {ADMIN}"


async def raw(gateway: Gateway, start: str, *headers: str, body: bytes = b"", rest: bytes = b"") -> tuple[int, Any]:
    """One request byte by byte; `rest` is the end of the body, sent a moment later. (status, what was said)"""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    lines = [f"{start} HTTP/1.1", "Host: recado", "Connection: close", *headers]
    if body and not any(line.lower().startswith("content-length") for line in lines):
        lines.append(f"Content-Length: {len(body + rest)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body)
    if rest:
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(rest)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        bodiless = start.startswith("HEAD") or length is None
        document = await (reader.read() if bodiless else reader.readexactly(int(length[1])))  # type: ignore[index]
    writer.close()
    if b"problem+json" in head and document:
        assert json.loads(document)["status"] == int(head.split()[1])
    return int(head.split()[1]), document


def part(name: str, value: bytes) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


ENDED = b"--b--\r\n"
NAMED = part("id", b"1") + part("contact", b'{"id":"5511"}')


# -- bytes that are none of ours -----------------------------------------------------------------


@pytest.mark.parametrize("path", ["%00", "a" * 300, "a/" * 2500, "..%2fserver.py", "%2fetc%2fpasswd"])
async def test_a_file_with_an_impossible_name_is_not_there(tmp_path: Path, path: str) -> None:
    async with served(tmp_path) as (_, contact):
        assert (await raw(contact.gateway, f"GET /chat-assets/{path}"))[0] == 404


@pytest.mark.parametrize("cookie", ["\udcff.\udcff", "\udced\udca0\udc80.aa", "é.é", "."])
async def test_a_cookie_of_strange_bytes_is_nobody(tmp_path: Path, cookie: str) -> None:
    async with served(tmp_path) as (_, contact):
        header = f"Cookie: recado_site={cookie}"
        assert (await raw(contact.gateway, "GET /v1/conversations/c_1", header))[0] == 401
        assert (await raw(contact.gateway, "POST /chat/site/visit", header))[0] == 200


SQUEEZED = gzip.compress(b'{"id":"1","contact":{"id":"c"},"text":"oi"}')


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Type: application/json", "Content-Encoding: gzip"], b"no gzip at all"),
        (["Content-Type: application/json", "Content-Encoding: deflate"], b"no deflate at all"),
        (["Content-Type: application/json", "Content-Encoding: gzip"], SQUEEZED[:20] + b"x" * 20),
        ([FORM, "Content-Encoding: gzip"], b"no gzip at all"),
        ([FORM], part("_charset_", b"\xff" * 40) + NAMED + part("text", b"oi") + ENDED),
        ([FORM], part("_charset_", b"a" * 40) + NAMED + part("text", b"oi") + ENDED),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_explained(tmp_path: Path, headers: list[str], body: bytes) -> None:
    async with served(tmp_path) as (openai, contact):
        status, _ = await raw(contact.gateway, f"POST {MESSAGES}", OURS, *headers, body=body)
        assert (status, openai.calls) == (422, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (NAMED + part("more", b"x") * 10 + part("text", b"oi") + ENDED, 202),
        (NAMED + part("more", b"x") * 1000 + part("text", b"oi") + ENDED, 413),
        (NAMED + part("more", b"x" * (18 << 20)) + part("text", b"oi") + ENDED, 413),
        (NAMED + part("audio", b"x" * (9 << 20)) * 2 + ENDED, 413),
        (b"x" * 79 + b"\r\n" + (b"x" * 78 + b"\r\n") * 250_000 + NAMED + part("text", b"oi") + ENDED, 413),
    ],
)
async def test_a_form_has_an_end(tmp_path: Path, body: bytes, status: int) -> None:
    async with served(tmp_path) as (_, contact):
        assert (await raw(contact.gateway, f"POST {MESSAGES}", OURS, FORM, body=body))[0] == status


# -- clients that are slow, or ask oddly ---------------------------------------------------------


async def test_a_wish_may_come_in_pieces(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        hold = f"POST /v1/conversations/{contact.conversation}/hold"
        assert (await raw(contact.gateway, hold, BOSS, body=b'{"rea', rest=b'son":"lunch"}'))[0] == 200
        _, conversation = await contact.get("")
        assert conversation["held"]["reason"] == "lunch"
        assert (await raw(contact.gateway, hold, BOSS, body=b'{"reason":"' + b"x" * 300_000 + b'"}'))[0] == 413


@pytest.mark.parametrize("kind", ["Content-Type: application/json", FORM])
async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("gateway.web.reading.PATIENCE", 0.2)
    async with served(tmp_path) as (_, contact):
        headers = (OURS, kind, "Content-Length: 1000")
        assert (await raw(contact.gateway, f"POST {MESSAGES}", *headers, body=b"--b\r\n"))[0] == 408


async def test_sound_fills_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.reading.AT_ONCE", 100_000)
    async with served(tmp_path) as (_, contact):
        for size, status in ((60_000, 422), (60_000, 422), (120_000, 503), (60_000, 422)):
            note = NAMED + part("audio", b"x" * size) + ENDED
            assert (await raw(contact.gateway, f"POST {MESSAGES}", OURS, FORM, body=note))[0] == status
        await contact.say("a text needs no room")


def test_sound_of_all_together_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.reading.AT_ONCE", 100)
    room = Room()
    with room.guest() as first, room.guest() as second:
        first(60)
        with pytest.raises(Problem) as problem:
            second(60)
        assert (problem.value.status, "Retry-After" in problem.value.headers) == (503, True)
        second(40)
    with room.guest() as third:
        third(100)


async def test_the_head_of_a_stream_is_no_stream(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        status, said = await raw(contact.gateway, f"HEAD /v1/conversations/{contact.conversation}/events", OURS)
        assert (status, said) == (404, b"")


async def test_a_busy_encoder_is_no_fault_of_the_sound(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        contact.gateway.encoder._timeout = 0.0
        url = contact.gateway.url + MESSAGES
        auth = {"Authorization": f"Bearer {KEY}"}
        async with contact.http.post(url, data=contact.note(b"RIFF\0\0\0\0WAVE"), headers=auth) as answer:
            assert (answer.status, answer.headers.get("Retry-After", "").isdigit()) == (503, True)


async def test_what_is_no_http_leaves_no_key_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path) as (_, contact):
        assert (await raw(contact.gateway, "GET /v1/conversations/c_1", f"{OURS}\x00"))[0] == 400
        assert (await raw(contact.gateway, "GET /v1/conversations/c_1", f"X: {'y' * 9000}", OURS))[0] == 400
        assert KEY not in caplog.text
        assert "127.0.0.1" not in caplog.text


async def test_nobody_is_told_what_serves(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        for path in ("/healthz", "/nothing", "/chat/site"):
            async with contact.http.get(contact.gateway.url + path) as answer:
                assert "aiohttp" not in answer.headers.get("Server", "")


# -- who may -------------------------------------------------------------------------------------


async def test_another_site_cannot_make_a_visitor_somebody_else(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        url = f"{contact.gateway.url}/chat/site/visit"
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
            async with contact.http.post(url, headers={"Sec-Fetch-Site": site}) as answer:
                assert (answer.status, "Set-Cookie" in answer.headers) == (status, status == 200)


@pytest.mark.parametrize(("address", "secure"), [("https://chat.example", True), ("http://chat.example", False)])
async def test_a_cookie_of_a_safe_page_travels_safely(tmp_path: Path, address: str, secure: bool) -> None:
    async with FakeOpenAI() as openai:
        text = plain(openai).replace("[server]", f'[server]\npublic_url = "{address}"')
        async with running(text, tmp_path) as (gateway, contact):
            async with contact.http.post(f"{gateway.url}/chat/site/visit") as answer:
                assert bool(answer.cookies["recado_site"]["secure"]) is secure


@pytest.mark.parametrize("other", [KEY, ADMIN])
def test_a_key_opens_one_door(other: str) -> None:
    more = f'[[channels]]\nname = "other"\ntype = "http"\nqueue = "loja"\nkey = "{other}"\n'
    with pytest.raises(ConfigError) as error:
        parse(toml("http://127.0.0.1:1/v1", openai_key="sk-1", more=more))
    assert "channels.other.key" in str(error.value)
    assert other not in str(error.value)


async def test_what_customers_said_is_for_the_owner_of_the_process(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (gateway, _):
        folder = Path(gateway.config.storage.media_dir)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("host", ["127.0.0.1", "１２７.0.0.1", "127。0。0。1", "[::ffff:127.0.0.1]", "2130706433"])
async def test_no_spelling_of_an_address_leads_inside(host: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(host)
        writer.close()

    reached: list[str] = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client(allow_private=False, timeout=5) as http:
            with pytest.raises(aiohttp.ClientError):
                await http.post(f"http://{host}:{port}/")
    assert reached == []
