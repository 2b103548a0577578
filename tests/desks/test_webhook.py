"""A webhook as a desk, against a server that checks every signature with Standard Webhooks' own library."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Library

import gateway.desks.webhook as webhook_desk
from gateway.desks.base import (
    Assigned,
    Case,
    DeskError,
    Forged,
    Hook,
    Line,
    News,
    Noise,
    Over,
    Resolved,
    Written,
)
from gateway.desks.settings import DeskSettings
from gateway.desks.webhook import MOST, Webhook
from tests.fakes.callback import SECRET, FakeCallback

NOW = 1795226400
ASKED = Line("contact", "Quero falar com alguém", 1795225140_000)
ANSWERED = Line("assistant", "Vou chamar uma pessoa.", 1795225141_000)
SPOKEN = Line("contact", "sobre a consulta", 1795225142_000, b"OggS", "audio/ogg; codecs=opus")
CASE = Case(
    id="ho_0001",
    conversation="c_42",
    contact="5511999990001",
    name="Maria",
    channel="whatsapp",
    queue="vendas",
    to="pessoas",
    reason="user_request",
    why="O cliente pediu uma pessoa",
    summary="Quer remarcar a consulta.",
    language="pt-BR",
    speaks="pt",
    transcript=[ASKED, ANSWERED, SPOKEN],
    url="https://gw.example/inbox/c_42",
)
SAMPLE = {
    "type": "handoff.requested",
    "timestamp": "2026-11-21T01:40:00.000000Z",
    "data": {
        "handoff_id": "ho_0001",
        "conversation": {"id": "c_42", "channel": "whatsapp", "address": "5511999990001"},
        "contact": {"name": "Maria"},
        "reason": "user_request",
        "priority": "normal",
        "summary": "Quer remarcar a consulta.",
        "transcript": [{"role": "user", "text": "Quero falar com alguém", "at": "2026-11-21T01:39:00Z"}],
    },
}
"""The least a handoff says; ours says all of it, and more."""
VECTOR = {
    "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "headers": {
        "webhook-id": "msg_0001",
        "webhook-timestamp": "1795226400",
        "webhook-signature": "v1,qXwQwEYqC6gGdqbt1//1qfmA7OuwQUBnhyrPXdeqEmE=",
    },
    "body": '{"type":"message.created","timestamp":"2026-11-21T01:40:00.000000Z",'
    '"data":{"conversation":"c_42","text":"Olá!"}}',
}


def settings(url: str = "https://hooks.example/in/a-secret-path", **more: Any) -> DeskSettings:
    return DeskSettings.model_validate({"type": "webhook", "url": url, "secret": SECRET} | more)


@pytest.fixture
async def server() -> AsyncIterator[FakeCallback]:
    async with FakeCallback() as running:
        yield running


@pytest.fixture
async def desk(server: FakeCallback) -> AsyncIterator[Webhook]:
    made = Webhook(settings(server.url), allow_private=True)
    yield made
    await made.close()


# -- out -----------------------------------------------------------------------------------------------


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value[:1]] if isinstance(value, list) else type(value).__name__


def holds(larger: Any, smaller: Any) -> bool:
    """Whether everything of the smaller is there, at the same place and of the same kind."""
    if isinstance(smaller, dict):
        return isinstance(larger, dict) and all(holds(larger.get(key), inner) for key, inner in smaller.items())
    if isinstance(smaller, list):
        return isinstance(larger, list) and all(holds(a, b) for a, b in zip(larger, smaller, strict=True))
    return bool(larger == smaller)


async def test_a_case_is_one_signed_post(server: FakeCallback, desk: Webhook) -> None:
    placed = await desk.send(CASE)
    ((id, told),) = server.seen
    assert id == "ho_0001"
    assert set(told) == {"type", "timestamp", "data"}
    assert told["data"] == {
        "handoff_id": "ho_0001",
        "again": False,
        "conversation": {
            "id": "c_42",
            "channel": "whatsapp",
            "address": "5511999990001",
            "url": "https://gw.example/inbox/c_42",
        },
        "contact": {"name": "Maria", "language": "pt"},
        "queue": {"from": "vendas", "to": "pessoas", "language": "pt-BR"},
        "reason": "user_request",
        "why": "O cliente pediu uma pessoa",
        "priority": "normal",
        "summary": "Quer remarcar a consulta.",
        "transcript": [
            {"role": "user", "text": "Quero falar com alguém", "at": "2026-11-21T01:39:00.000Z", "voice": False},
            {"role": "assistant", "text": "Vou chamar uma pessoa.", "at": "2026-11-21T01:39:01.000Z", "voice": False},
            {"role": "user", "text": "sobre a consulta", "at": "2026-11-21T01:39:02.000Z", "voice": True},
        ],
        "left_out": 0,
    }
    assert holds(shape(told), shape(SAMPLE))
    assert placed.known_as == ["c_42"]


async def test_called_again_it_says_so(server: FakeCallback, desk: Webhook) -> None:
    placed = await desk.send(CASE)
    await desk.send(replace(CASE, id="ho_2", place=placed.place))
    assert [told["data"]["again"] for _, told in server.seen] == [False, True]


async def test_news_are_a_post_for_each_thing_that_was_said(server: FakeCallback, desk: Webhook) -> None:
    await desk.send(News("n_1", "c_42", "5511999990001", "Maria", "pt-BR", [ASKED]))
    await desk.send(News("n_2", "c_42", "5511999990001", "Maria", "pt-BR", [SPOKEN, replace(ASKED, by="person")]))
    assert [id for id, _ in server.seen] == ["n_1", "n_2.1", "n_2.2"]
    assert {told["type"] for _, told in server.seen} == {"handoff.message"}
    assert server.seen[0][1]["data"] == {
        "conversation": {"id": "c_42"},
        "contact": {"name": "Maria", "address": "5511999990001"},
        "message": {"role": "user", "text": "Quero falar com alguém", "at": "2026-11-21T01:39:00.000Z", "voice": False},
    }
    assert [told["data"]["message"]["role"] for _, told in server.seen] == ["user", "user", "person"]


async def test_over_is_told(server: FakeCallback, desk: Webhook) -> None:
    await desk.send(Over("o_1", "c_42", "resolved", "pt-BR"))
    ((id, told),) = server.seen
    assert (id, told["type"]) == ("o_1", "handoff.released")
    assert told["data"] == {"conversation": {"id": "c_42"}, "reason": "resolved"}


async def test_a_retry_is_the_same_call(server: FakeCallback, desk: Webhook) -> None:
    server.answer(503)
    with pytest.raises(DeskError):
        await desk.send(CASE)
    await desk.send(CASE)
    (first, one), (second, two) = server.seen
    assert first == second == "ho_0001"
    assert one["data"] == two["data"]


def posted(item: Case | News) -> list[dict[str, Any]]:
    """Of each POST, after a look at its length."""
    told = webhook_desk._told(item)
    assert all(len(webhook_desk.signing.payload(type, NOW * 1000, data)) < 20_000 for _, type, data in told)
    return [json.loads(orjson.dumps(data)) for _, _, data in told]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), max_size=8),
    st.integers(1, 900),
    st.sampled_from(["contact", "assistant", "person"]),
)
def test_it_is_always_less_than_20_kb(texts: list[str], times: int, by: Any) -> None:
    lines = [Line(by, text * times, NOW * 1000 + n) for n, text in enumerate(texts)]
    (case,) = posted(replace(CASE, transcript=lines, summary="".join(texts) * times, name="é" * 5000, why="x" * 5000))
    kept = case["transcript"]
    assert len(kept) + case["left_out"] == len(lines)
    assert [line["at"][-4:-1] for line in kept] == [f"{n:03}" for n in range(len(lines))][case["left_out"] :]
    posted(News("n_1", "c_42", "5511999990001", "é" * 5000, "pt-BR", lines))


def test_of_a_long_transcript_the_beginning_is_left_out() -> None:
    lines = [Line("contact", f"{n}: " + "palavra " * 60, NOW * 1000) for n in range(60)]
    (case,) = posted(replace(CASE, transcript=lines))
    assert case["left_out"] > 0
    assert case["transcript"][-1]["text"].startswith("59: ")
    assert case["transcript"][0]["text"].startswith(f"{case['left_out']}: ")
    assert len(orjson.dumps(case)) > MOST - 1000, "what there is room for is told"


def test_of_a_text_without_end_the_end_is_left_out_and_that_is_seen() -> None:
    (told,) = posted(News("n_1", "c_42", "5511999990001", "Maria", "pt-BR", [replace(ASKED, text="palavra " * 9000)]))
    text = told["message"]["text"]
    assert text.endswith("palavra…")
    assert len(text) > 9000


# -- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "retryable", "wait", "word"),
    [
        (410, False, None, "410"),
        (400, False, None, "does not take"),
        (413, False, None, "does not take"),
        (422, False, None, "does not take"),
        (401, True, 60, "handoff.desk.secret"),
        (403, True, 60, "handoff.desk.secret"),
        (404, True, 60, "off"),
        (302, True, 60, "elsewhere"),
        (408, True, None, ""),
        (409, True, None, ""),
        (500, True, None, ""),
        (502, True, 7, ""),
        (429, True, 7, ""),
    ],
)
async def test_what_an_answer_means(
    server: FakeCallback, desk: Webhook, status: int, retryable: bool, wait: float | None, word: str
) -> None:
    server.answer(status, headers={"retry-after": "7", "location": "https://elsewhere.example/"})
    with pytest.raises(DeskError) as failed:
        await desk.send(CASE)
    error = failed.value
    assert (error.reason, error.retryable, error.retry_after) == (f"http_{status}", retryable, wait)
    assert word in error.hint
    assert "a-secret-path" not in error.hint
    assert len(server.seen) == 1, "nothing is followed"


class Somebody:
    """A server that answers by one function."""

    def __init__(self, answer: Any) -> None:
        self.app = web.Application()
        self.app.router.add_post("/", answer)

    async def __aenter__(self) -> str:
        self.runner = web.AppRunner(self.app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/"

    async def __aexit__(self, *error: object) -> None:
        await self.runner.cleanup()


@pytest.mark.parametrize(
    ("more", "allow_private", "reason", "retryable"),
    [
        ({"url": "http://127.0.0.1:9/"}, False, "refused", True),
        ({"url": "http://localhost:9/"}, False, "refused", True),
        ({"url": "ftp://a.example/"}, True, "refused", True),
        ({"url": "https://user:word@a.example/"}, True, "refused", True),
        ({"url": "http://127.0.0.1:9/"}, True, "ClientConnectorError", True),
        ({"url": "http://127.0.0.1:9/", "secret": "whsec_x"}, True, "bad_secret", True),
    ],
)
async def test_what_cannot_be_called(more: dict[str, str], allow_private: bool, reason: str, retryable: bool) -> None:
    desk = Webhook(settings(**more), allow_private=allow_private)
    with pytest.raises(DeskError) as failed:
        await desk.send(CASE)
    await desk.close()
    assert (failed.value.reason, failed.value.retryable) == (reason, retryable)


def test_no_secret_is_shown() -> None:
    desk = Webhook(settings(), allow_private=False)
    assert SECRET not in repr(desk)
    assert desk.name == "webhook hooks.example"


@pytest.mark.parametrize(
    ("more", "level", "key"),
    [
        ({}, "ok", "handoff.desk.url"),
        ({"url": "http://10.0.0.1/"}, "error", "handoff.desk.url"),
        ({"secret": "whsec_x"}, "error", "handoff.desk.secret"),
    ],
)
async def test_what_is_wrong_is_named_by_its_key(more: dict[str, str], level: str, key: str) -> None:
    desk = Webhook(settings(**more), allow_private=False)
    assert [(f.level, f.key) for f in await desk.check()] == [(level, key)]
    assert "a-secret-path" not in (await desk.check())[0].message
    assert await desk.online() is None


# -- in ------------------------------------------------------------------------------------------------


def hook(body: Any, *, at: int = NOW, secret: str = SECRET, id: str = "msg_1") -> Hook:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    signature = Library(secret).sign(id, datetime.fromtimestamp(at, UTC), raw.decode())
    return Hook({"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}, raw)


def told(type: str, **data: Any) -> dict[str, Any]:
    return {"type": type, "timestamp": "2026-11-21T02:00:01.250Z", "data": {"conversation": "c_42", **data}}


@pytest.fixture
def reader() -> Webhook:
    return Webhook(settings(), allow_private=False, now=lambda: NOW)


@pytest.mark.parametrize("rotated", ["", "v1,AAAA ", "v1a,AAAA v2,x, "])
def test_the_recorded_signature_is_right(rotated: str) -> None:
    headers = dict(VECTOR["headers"])  # type: ignore[call-overload]
    headers["webhook-signature"] = rotated + headers["webhook-signature"]
    desk = Webhook(settings(secret=VECTOR["secret"]), allow_private=False, now=lambda: NOW)
    (written,) = desk.read(Hook(headers, str(VECTOR["body"]).encode()))
    assert written == Written("msg_0001", "c_42", "Olá!", 1795225200_000)


def test_what_the_library_signs_now_is_right() -> None:
    desk = Webhook(settings(), allow_private=False)
    signed = hook(told("message.created", text="oi"), at=int(time.time()))
    Library(SECRET).verify(signed.body, dict(signed.headers))
    assert isinstance(desk.read(signed)[0], Written)


@pytest.mark.parametrize("late", [-301, 301])
def test_an_old_or_early_signature_proves_nothing(reader: Webhook, late: int) -> None:
    with pytest.raises(Forged):
        reader.read(hook(told("message.created", text="oi"), at=NOW + late))
    assert reader.read(hook(told("message.created", text="oi"), at=NOW + late // 301 * 300))


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-id": "\udcff"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": f"{NOW}.5"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é\udcff"},
        {"webhook-signature": "v1,AAAA v1,BBBB"},
    ],
)
def test_what_proves_nothing_is_refused(reader: Webhook, headers: dict[str, str]) -> None:
    right = hook(told("message.created", text="oi"))
    with pytest.raises(Forged):
        reader.read(Hook({**right.headers, **headers}, right.body))


def test_another_secret_or_another_body_is_refused(reader: Webhook) -> None:
    right = hook(told("message.created", text="oi"))
    other = hook(told("message.created", text="oi"), secret=str(VECTOR["secret"]))
    reader.prove(other.headers)
    for forged in (other, Hook(right.headers, right.body + b" "), Hook(right.headers, b"\xff"), Hook({}, right.body)):
        with pytest.raises(Forged):
            reader.read(forged)


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (
            told("message.created", id="m_1", text=" Bom dia!\nTudo bem? ", person="Ana"),
            Written("m_1", "c_42", "Bom dia!\nTudo bem?", 1795226401_250, "Ana"),
        ),
        (
            {
                "type": "message.created",
                "data": {"conversation": {"id": "c_42"}, "text": "oi", "person": {"name": "B"}},
            },
            Written("msg_1", "c_42", "oi", NOW * 1000, "B"),
        ),
        (told("conversation.assigned", person="Ana"), Assigned("msg_1", "c_42", 1795226401_250, "Ana")),
        (told("conversation.assigned"), Assigned("msg_1", "c_42", 1795226401_250)),
        (told("conversation.resolved", id="r_1"), Resolved("r_1", "c_42", 1795226401_250)),
        (told("message.created", text="  "), Noise("webhook_no_text")),
        (told("message.created", text=7), Noise("webhook_no_text")),
        (told("message.created", text="oi", conversation=""), Noise("webhook_no_conversation")),
        (told("message.created", text="oi", conversation=["c_42"]), Noise("webhook_no_conversation")),
        (told("handoff.message", message={}), Noise("webhook_other_type")),
        ({"type": "message.created"}, Noise("webhook_unreadable")),
        ([], Noise("webhook_unreadable")),
        (b"", Noise("webhook_unreadable")),
        (b"a=1", Noise("webhook_unreadable")),
    ],
)
def test_what_comes_in_is_read(reader: Webhook, body: Any, event: object) -> None:
    assert reader.read(hook(body)) == [event]


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-11-21T02:00:00Z", NOW * 1000),
        ("2026-11-20T23:00:00.000001-03:00", NOW * 1000),
        ("2026-11-21T02:00:00", NOW * 1000),
        ("0001-01-01T00:00:00+23:59", 0),
        ("9999-12-31T23:59:59-23:59", 253402387139_000),
        ("yesterday", NOW * 1000),
        (1795226400, NOW * 1000),
        (None, NOW * 1000),
    ],
)
def test_any_time_is_read(reader: Webhook, timestamp: object, at: int) -> None:
    (event,) = reader.read(hook(told("conversation.resolved") | {"timestamp": timestamp}))
    assert isinstance(event, Resolved)
    assert event.at == at


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["message.created", "conversation.assigned", "conversation.resolved"]) | st.text(max_size=9)
DATA = st.dictionaries(
    st.sampled_from(["conversation", "id", "text", "person"]), JSON | st.just({"id": "c"}), max_size=4
)


@given(TYPES, JSON, DATA | JSON)
def test_whatever_it_holds_is_an_event(type: str, timestamp: Any, data: Any) -> None:
    desk = Webhook(settings(), allow_private=False, now=lambda: NOW)
    raw = json.dumps({"type": type, "timestamp": timestamp, "data": data}).encode()
    (event,) = desk.read(hook(raw))
    assert isinstance(event, Written | Assigned | Resolved | Noise)


NAMES = st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"])


@given(st.dictionaries(NAMES, st.text() | st.just(str(NOW))), st.binary())
def test_whatever_proves_nothing_is_forged(headers: dict[str, str], raw: bytes) -> None:
    desk = Webhook(settings(), allow_private=False, now=lambda: NOW)
    with pytest.raises(Forged):
        desk.read(Hook(headers, raw))


# -- the page ------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "desks" / "webhook.md").read_text("utf-8")


def shown(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_shows_what_is_sent() -> None:
    examples = {told["type"]: told for told in map(json.loads, shown("json"))}
    (case,) = posted(replace(CASE, transcript=[ASKED], url=""))
    (said,) = posted(News("n_1", "c_42", CASE.contact, CASE.name, "pt-BR", [replace(ASKED, text="Alô?")]))
    assert examples["handoff.requested"]["data"] == case
    assert shape(examples["handoff.message"]["data"]) == shape(said)
    assert examples["handoff.released"]["data"] == {"conversation": {"id": "c_42"}, "reason": "resolved"}


def test_what_the_page_says_to_post_is_read(reader: Webhook) -> None:
    posts = [told for told in map(json.loads, shown("json")) if not told["type"].startswith("handoff.")]
    read = [reader.read(hook(told))[0] for told in posts]
    assert [type(event) for event in read] == [Written, Assigned, Resolved]
    assert all(event.thread == "c_42" and event.person == "Ana" for event in read)  # type: ignore[union-attr]


async def test_what_the_page_s_python_signs_is_taken() -> None:
    desk, read = Webhook(settings(), allow_private=False), []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        read.extend(desk.read(Hook(headers, await request.read())))
        return web.Response()

    (code,) = (code for code in shown("python") if "def post" in code)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    async with Somebody(take) as url:
        data = {"conversation": "c_42", "text": "Olá"}
        assert await asyncio.to_thread(names["post"], url, SECRET, "zap-1", "message.created", data) == 200
    assert [(event.id, event.text) for event in read] == [("zap-1", "Olá")]


def test_what_recado_signs_is_right_in_the_page_s_python() -> None:
    headers = webhook_desk.signing.headers("msg_1", b'{"a":1}', secret=SECRET, now=time.time())
    (code,) = (code for code in shown("python") if "def post" not in code)
    names: dict[str, Any] = {"secret": SECRET, "raw_body": b'{"a":1}', "headers": headers}
    exec(code, names)  # noqa: S102
    assert names["payload"] == {"a": 1}


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_the_page_s_javascript_and_recado_read_each_other(reader: Webhook) -> None:
    body = '{"type":"conversation.resolved","data":{"conversation":"c_42","person":"João"}}'
    headers = webhook_desk.signing.headers("msg_1", body.encode(), secret=SECRET, now=time.time())
    checks, signs = (code.replace('const crypto = require("crypto");', "") for code in shown("js"))
    code = f"""const crypto = require("crypto"); {checks} {signs}
    const secret = {json.dumps(SECRET)}, body = {json.dumps(body)}, headers = {json.dumps(headers)};
    const late = {{...headers, "webhook-timestamp": "1000000000"}};
    const tries = [[headers, body], [headers, body + " "], [late, body], [{{}}, body]];
    console.log(JSON.stringify([tries.map(([h, b]) => isRecados(secret, h, b)), signed(secret, "js-1", body)]));"""
    node = shutil.which("node") or ""
    done = subprocess.run([node, "-e", code], capture_output=True, text=True, check=True, timeout=60)
    right, theirs = json.loads(done.stdout)
    assert right == [True, False, False, False]
    now = int(theirs["webhook-timestamp"])
    desk = replace(reader, now=lambda: now)
    (event,) = desk.read(Hook(theirs, body.encode()))
    assert isinstance(event, Resolved)
    assert (event.id, event.thread, event.person) == ("js-1", "c_42", "João")
