"""The doors: who may, what is refused and how, what is watched live, what is pushed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.telemetry import JsonLines
from storage.model import Depths
from storage.store import Unavailable
from tests.fakes import openai as wire
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, KEY, Contact, pass_time, running, toml

AUTH = {"Authorization": f"Bearer {KEY}"}


def plain(openai: FakeOpenAI, more: str = "", **settings: Any) -> str:
    return toml(openai.base_url, openai_key=openai.key, more=more, **settings)


@asynccontextmanager
async def served(folder: Path, more: str = "", **settings: Any) -> AsyncIterator[tuple[FakeOpenAI, Contact]]:
    async with FakeOpenAI() as openai, running(plain(openai, more, **settings), folder) as (_, contact):
        yield openai, contact


# -- who may -------------------------------------------------------------------------------------


async def test_keys_open_what_is_theirs(tmp_path: Path) -> None:
    other = '[[channels]]\nname = "other"\ntype = "http"\nqueue = "loja"\nkey = "other-key-012345"\n'
    async with served(tmp_path, other) as (_, contact):
        await contact.ask("oi")
        for key, status in ((KEY, 200), (ADMIN, 200), ("other-key-012345", 404), ("wrong", 401), ("", 401)):
            assert (await contact.get("/messages", key=key))[0] == status
        assert (await contact.post(contact.message("x"), key="other-key-012345"))[0] == 401
        assert (await contact.post(contact.message("x"), key=ADMIN))[0] == 202
        assert (await contact.post(contact.message("x"), channel="nowhere"))[0] == 404
        contact.conversation = "c_nobody"
        assert (await contact.get("/messages"))[0] == 404


async def test_a_visitor_sees_only_its_own_conversation(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        url = contact.gateway.url
        async with contact.http.post(f"{url}/chat/site/visit") as answer:
            visit = await answer.json()
            cookie = answer.cookies["recado_site"]
            assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
            mine = {"Cookie": f"recado_site={cookie.value}"}
        async with contact.http.get(f"{url}/v1/conversations/{visit['conversation']}/messages", headers=mine) as answer:
            assert (await answer.json())["messages"] == [], "it may be watched before it begins"
        posted = f"{url}/v1/channels/site/messages"
        message = {"id": "1", "text": "oi"}
        async with contact.http.post(posted, json=message, params={"wait": "60"}, headers=mine) as answer:
            assert (await answer.json())["conversation"] == visit["conversation"]
        stolen = {"Cookie": f"recado_site=visitor-somebody.{cookie.value.rpartition('.')[2]}"}
        elsewhere = {**mine, "Sec-Fetch-Site": "cross-site"}
        read = f"{url}/v1/conversations/{visit['conversation']}/messages"
        for headers, status in ((mine, 200), (stolen, 401), (elsewhere, 401)):
            async with aiohttp.ClientSession() as fresh, fresh.get(read, headers=headers) as answer:
                assert answer.status == status
        inside = read.replace("messages", "turns")
        async with aiohttp.ClientSession() as fresh, fresh.get(inside, headers=mine) as answer:
            assert answer.status == 403
        await contact.ask("oi")
        async with aiohttp.ClientSession() as fresh, fresh.get(
            f"{url}/v1/conversations/{contact.conversation}/messages", headers=mine
        ) as answer:
            assert answer.status == 404


async def test_a_browser_may_visit_two_pages(tmp_path: Path) -> None:
    second = '[[channels]]\nname = "site2"\ntype = "webchat"\nqueue = "loja"\n'
    async with served(tmp_path, second) as (_, contact):
        url, cookies, visits = contact.gateway.url, [], {}
        for name in ("site", "site2"):
            async with contact.http.post(f"{url}/chat/{name}/visit") as answer:
                visits[name] = (await answer.json())["conversation"]
                cookies.append(f"recado_{name}={answer.cookies[f'recado_{name}'].value}")
        both = {"Cookie": "; ".join(cookies)}
        for name, conversation in visits.items():
            message = {"id": "1", "text": f"oi {name}"}
            async with aiohttp.ClientSession(headers=both) as http:
                posted = f"{url}/v1/channels/{name}/messages"
                async with http.post(posted, json=message, params={"wait": "60"}) as answer:
                    assert (await answer.json())["conversation"] == conversation
                async with http.get(f"{url}/v1/conversations/{conversation}/messages") as answer:
                    assert (await answer.json())["messages"][0]["part"]["text"] == f"oi {name}"


async def test_the_same_browser_is_the_same_contact_after_a_restart(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        seen, headers = [], {}
        for _ in range(2):
            async with running(plain(openai), tmp_path) as (gateway, _):
                async with aiohttp.ClientSession() as fresh, fresh.post(
                    f"{gateway.url}/chat/site/visit", headers=headers
                ) as answer:
                    seen.append((await answer.json())["conversation"])
                    headers = {"Cookie": f"recado_site={answer.cookies['recado_site'].value}"}
        assert seen[0] == seen[1]


# -- bad input -----------------------------------------------------------------------------------

BODIES = [
    (b"{", "application/json", 422, "body"),
    (b"[]", "application/json", 422, "body"),
    (b"\xff\xfe", "application/json", 422, "body"),
    (b'{"id":"1","contact":{"id":"c"},"text":"\\ud800"}', "application/json", 422, "body"),
    (b'{"contact":{"id":"c"},"text":"x"}', "application/json", 422, "id"),
    (b'{"id":"1","contact":{"id":"c"},"text":" "}', "application/json", 422, "text"),
    (b'{"id":"1","contact":{"id":"c"},"text":"x","at":"2026-02-31"}', "application/json", 422, "at"),
    (b'{"id":"1","text":"x"}', "application/json", 422, "contact"),
    (b'{"id":"1","contact":{"id":"c"},"text":"' + b"x" * 33_000 + b'"}', "application/json", 413, "text"),
    (b"x" * 300_000, "application/json", 413, "text"),
    (b"id=1", "application/x-www-form-urlencoded", 415, None),
    (b"no boundary", "multipart/form-data", 422, "body"),
    (b"--b\r\nbroken", "multipart/form-data; boundary=b", 422, None),
    (b"", "application/json", 422, "body"),
]


@pytest.mark.parametrize(("body", "kind", "status", "field"), BODIES)
async def test_a_bad_body_is_explained(tmp_path: Path, body: bytes, kind: str, status: int, field: str | None) -> None:
    async with served(tmp_path) as (openai, contact):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": kind}
        url = f"{contact.gateway.url}/v1/channels/api/messages"
        async with contact.http.post(url, data=body, headers=headers) as answer:
            problem = json.loads(await answer.read())
            assert (answer.status, answer.content_type) == (status, "application/problem+json")
            assert problem["status"] == status
            assert field is None or problem["field"] == field
        assert openai.calls == []


@pytest.mark.parametrize(
    ("audio", "times", "status"), [(b"<html>", 1, 422), (b"", 1, 422), (b"OggS", 200, 422), (b"1234", 17 << 18, 413)]
)
async def test_audio_that_is_none_is_refused(tmp_path: Path, audio: bytes, times: int, status: int) -> None:
    async with served(tmp_path) as (_, contact):
        answered, problem = await contact.post(contact.note(audio * times))
        assert (answered, problem["field"]) == (status, "audio")


@pytest.mark.parametrize("text", ["a\x00b", "😀" * 10_000, "שלום עליכם", "a\u200db", "\u202ereversed", "𝕏"])
async def test_strange_text_is_answered(tmp_path: Path, text: str) -> None:
    async with served(tmp_path) as (_, contact):
        assert (await contact.ask(text))["outcome"] == "answered"
        assert (await contact.transcript())[0] == ("contact", text)


@pytest.mark.parametrize("path", ["/messages?after=x", "/messages?limit=0", "/messages?limit=999", "/turns?after=-1"])
async def test_a_bad_question_about_a_conversation_is_explained(tmp_path: Path, path: str) -> None:
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        status, problem = await contact.get(path)
        assert (status, problem["field"]) == (422, path.partition("?")[2].partition("=")[0])


@pytest.mark.parametrize("wait", ["-1", "x", "nan", "1e9"])
async def test_a_bad_wait_is_explained_and_nothing_is_taken(tmp_path: Path, wait: str) -> None:
    async with served(tmp_path) as (openai, contact):
        url = f"{contact.gateway.url}/v1/channels/api/messages"
        headers = {"Authorization": f"Bearer {KEY}"}
        async with contact.http.post(url, json=contact.message("x"), params={"wait": wait}, headers=headers) as answer:
            assert (answer.status, (await answer.json(content_type=None))["field"]) == (422, "wait")
        assert openai.calls == []


async def test_nowhere_is_a_problem_too(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        for path in ("/nothing", "/v1/media/../../etc/passwd", "/chat/api", "/chat-assets/../server.py"):
            async with contact.http.get(contact.gateway.url + path, headers=AUTH) as answer:
                assert (answer.status, answer.content_type) == (404, "application/problem+json")


# -- waiting, watching ---------------------------------------------------------------------------


async def test_a_reply_that_is_not_ready_is_a_202(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with served(tmp_path) as (openai, contact):
        openai.play(wire.spoken(gate=gate))
        status, accepted = await contact.post(contact.message("oi"), wait=0.05)
        assert (status, accepted["duplicate"]) == (202, False)
        gate.set()


@asynccontextmanager
async def watched(contact: Contact, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, str, Any]]]:
    url = f"{contact.gateway.url}/v1/conversations/{contact.conversation}/events"
    async with contact.http.get(url, headers={"Authorization": f"Bearer {KEY}", **headers}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        async with asyncio.timeout(120):  # what never comes is a failure and no endless test
            yield _events(stream)


async def _events(stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, Any]]:
    """(event, id, data)"""
    event: dict[str, str] = {}
    async for line in stream.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event["event"], event.get("id", ""), json.loads(event["data"])
            event = {}


async def test_a_watcher_sees_it_happen_and_resumes_where_it_was(tmp_path: Path) -> None:
    async with served(tmp_path) as (openai, contact):
        await contact.ask("oi")
        async with watched(contact) as events:
            seen = [await anext(events) for _ in range(3)]
            assert [(kind, data.get("from")) for kind, _, data in seen] == [
                ("message", "contact"),
                ("message", "assistant"),
                ("state", None),
            ]
            cursor, gate = seen[0][1], asyncio.Event()
            openai.play(wire.spoken(gate=gate))
            asking = asyncio.create_task(contact.ask("e agora?"))
            live = []
            while not live or live[-1][2].get("from") != "assistant":
                live.append(await anext(events))
                if live[-1][2].get("state") in ("waiting", "thinking"):
                    gate.set()  # would wait for ever if nobody saw that it is being answered
            assert {"waiting", "thinking"} & {data.get("state") for kind, _, data in live if kind == "state"}
            await asking
        async with watched(contact, **{"Last-Event-ID": cursor}) as events:
            missed = [(await anext(events))[2]["part"]["text"] for _ in range(3)]
            assert missed == ["Echo: oi", "e agora?", "Echo: e agora?"]


async def test_a_watcher_who_leaves_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.web.conversations.HEARTBEAT", 0.01)
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        async with watched(contact) as events:
            await anext(events)
        assert (await contact.ask("e agora?"))["outcome"] == "answered"
        while contact.gateway.live._bells:  # until the gateway has noticed
            await asyncio.sleep(0.01)
    assert [record.message for record in caplog.records if record.name.startswith("aiohttp")] == []


async def test_a_watcher_learns_that_people_took_over(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        async with watched(contact) as events:
            await contact.act("hold")
            async for kind, _, data in events:
                if kind == "state" and data["state"] == "held":
                    break
            await contact.act("release")
            async for kind, _, data in events:
                if kind == "state" and data["state"] == "idle":
                    break


# -- pushing -------------------------------------------------------------------------------------


def pushed(callback: FakeCallback) -> str:
    return (
        '[[channels]]\nname = "crm"\ntype = "http"\nqueue = "loja"\nkey = "crm-key-0123456"\n'
        f'callback_url = "{callback.url}"\ncallback_secret = "{SECRET}"\n'
    )


async def test_a_reply_is_pushed_whole_and_signed(tmp_path: Path) -> None:
    async with FakeCallback() as callback, served(tmp_path, pushed(callback)) as (_, contact):
        status, reply = await contact.post(contact.message("oi"), wait=60, key="crm-key-0123456", channel="crm")
        payload = await asyncio.wait_for(callback.arrivals.get(), 60)
        assert (status, payload["type"], payload["data"]) == (200, "reply.created", reply)


async def test_a_push_that_fails_is_repeated_under_the_same_id_and_told_of_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.channels.http.SCHEDULE", (0.05, 0.05, 0.05))
    caplog.handler.setFormatter(JsonLines())
    async with FakeCallback() as callback, served(tmp_path, pushed(callback)) as (_, contact):
        callback.answer(500, 302, 429)
        await contact.post(contact.message("oi"), key="crm-key-0123456", channel="crm")
        for _ in range(4):
            await asyncio.wait_for(callback.arrivals.get(), 60)
        assert len({id for id, _ in callback.seen}) == 1
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    turns = [line["turn"] for line in lines if line["what"] == "a delivery failed"]
    assert turns == [callback.seen[0][1]["data"]["turn"]] * 3


async def test_what_was_written_before_a_person_took_over_is_not_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.http.SCHEDULE", (300.0, 0.05))
    async with FakeCallback() as callback, served(tmp_path, pushed(callback)) as (_, contact):
        callback.answer(500)
        await contact.post(contact.message("oi"), key="crm-key-0123456", channel="crm")
        await asyncio.wait_for(callback.arrivals.get(), 60)
        await contact.act("hold")
        store = contact.gateway.store
        while not (receipts := await store.receipts(contact.conversation)):  # type: ignore[arg-type]
            pass_time(contact.gateway)  # whenever the next try was set
            await asyncio.sleep(0.02)
        assert [receipt.status for receipt in receipts] == ["withdrawn"]
        assert len(callback.seen) == 1


async def test_gone_is_gone(tmp_path: Path) -> None:
    async with FakeCallback() as callback, served(tmp_path, pushed(callback)) as (_, contact):
        callback.answer(410)
        for text in ("oi", "e agora?"):
            await contact.post(contact.message(text), key="crm-key-0123456", channel="crm", wait=60)
        store = contact.gateway.store
        while (await store.depths()).dead < 2:
            await asyncio.sleep(0.02)
        assert len(callback.seen) == 1


# -- health --------------------------------------------------------------------------------------


async def test_health_and_metrics(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        url = contact.gateway.url
        async with contact.http.get(f"{url}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with contact.http.get(f"{url}/readyz") as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        async with contact.http.get(f"{url}/metrics") as answer:
            text = await answer.text()
        assert 'recado_messages_received_total{channel="api",verdict="new"} 1.0' in text
        assert 'recado_turns_total{outcome="answered",queue="loja"} 1.0' in text
        assert "recado_ack_seconds_count 1.0" in text
        assert contact.id not in text
        async with contact.http.get(f"{url}/metrics", headers={"X-Forwarded-For": "203.0.113.7"}) as answer:
            assert answer.status == 401, "a proxy on this machine asks for somebody elsewhere"


async def test_without_its_database_it_is_still_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the one who is woken is told that the process is gone."""

    async def away() -> Depths:
        raise Unavailable("the database cannot be reached")

    async with served(tmp_path) as (_, contact):
        await contact.ask("oi")
        url = f"{contact.gateway.url}/metrics"
        async with contact.http.get(url) as answer:
            assert "recado_ready 1.0" in await answer.text()
        monkeypatch.setattr(contact.gateway.store, "depths", away)
        async with contact.http.get(url) as answer:
            assert answer.status == 200
            text = await answer.text()
        assert "recado_ready 0.0" in text
        assert 'recado_turns_total{outcome="answered",queue="loja"} 1.0' in text


async def test_the_page_comes_under_a_strict_policy(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, contact):
        async with contact.http.get(f"{contact.gateway.url}/chat/site") as answer:
            assert answer.status == 200
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
