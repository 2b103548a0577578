"""What somebody with bad intentions finds at the doors of providers and of OpenAI's clients, and what he gets there."""

from __future__ import annotations

import asyncio
import hmac
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.channels.base import Forged, Hook, NotFetched
from gateway.channels.evolution import Answer, refusal
from gateway.channels.evolution_events import redacted
from gateway.channels.telegram import Telegram
from gateway.channels.telegram import _webhook_works as webhook_of_telegram
from gateway.channels.whatsapp_cloud import WhatsAppCloud, WhatsAppHook
from gateway.channels.whatsapp_cloud import _subscription_findings as webhook_of_meta
from gateway.config import ChannelSettings, parse
from gateway.rules.addresses import is_private
from gateway.web.openai.counter import Call, Handed
from tests.fakes import evolution as evolution_wire
from tests.fakes import graph
from tests.fakes.graph import FakeGraph
from tests.fakes.openai import FakeOpenAI, spoken
from tests.story.calling import PROGRAM, client, program, served
from tests.story.lines import PHONE, config, conversation, evolution, heard, inbound, quiet, telegram, until, whatsapp
from tests.story.running import running, toml

QUIETLY = {"presence": "false", "read_receipts": "false"}
OI: Any = [{"role": "user", "content": "oi"}]
WHATSAPP = """
[[channels]]
name = "n{n}"
type = "whatsapp_cloud"
queue = "loja"
phone_number_id = "{n}"
access_token = "t"
app_secret = "{secret}"
verify_token = "v"
"""
OTHER = "other-program-key-01"
OTHERS = f'[[channels]]\nname = "others"\ntype = "openai"\nkey = "{OTHER}"\n'


# -- OpenAI's clients ------------------------------------------------------------------------------------------


async def test_a_call_that_another_key_gave_up_is_nobody_else_s_to_take_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say the same, word for word, and one says that it did so before."""
    release, calls, begins = asyncio.Event(), list[Call](), Handed.begins

    def noted(handed: Handed, call: Call, accepted: Any) -> None:
        calls.append(call)
        begins(handed, call, accepted)

    monkeypatch.setattr(Handed, "begins", noted)
    async with FakeOpenAI() as upstream, running(served(upstream) + OTHERS, tmp_path) as (gateway, _):
        upstream.play(spoken("Só para quem perguntou.", gate=release))
        async with client(gateway) as mine, client(gateway, OTHER, timeout=60.0, max_retries=0) as theirs:
            asked = asyncio.create_task(mine.chat.completions.create(model="loja", messages=OI))
            await asyncio.wait_for(upstream.arrived.wait(), 60)
            asked.cancel()
            await until(lambda: calls[0].gone(), "the first caller has hung up")
            again = {"x-stainless-retry-count": "1"}
            waiting = asyncio.create_task(
                theirs.chat.completions.create(model="loja", messages=OI, extra_headers=again)
            )
            await until(lambda: len(calls) == 2 or upstream.asked[1:], "the second call is taken for what it is")
            release.set()
            assert (await waiting).choices[0].message.content == "Echo: oi"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"model": "loja", "messages": OI, "tools": 5}),
        ("chat/completions", {"model": "loja", "messages": OI, "tools": True}),
        ("responses", {"model": "loja", "input": "oi", "tools": 1.5}),
        ("threads/runs", {"assistant_id": "loja", "tools": 7}),
    ],
)
async def test_what_is_no_list_is_refused_and_breaks_nothing(tmp_path: Path, path: str, body: Any) -> None:
    headers = {"Authorization": f"Bearer {PROGRAM}"}
    async with program(tmp_path) as (_, _, gateway), aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{gateway.url}/v1/{path}", json=body) as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (400, "tools")


@pytest.mark.parametrize("limit", ["000000001" + "9" * 4400, "0000000015000", "0", "101", "-1", "²"])
async def test_a_page_has_at_most_a_hundred_however_the_number_is_written(tmp_path: Path, limit: str) -> None:
    headers = {"Authorization": f"Bearer {PROGRAM}"}
    async with program(tmp_path) as (_, _, gateway), aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{gateway.url}/v1/assistants", params={"limit": limit}) as answer:
            assert answer.status == 400, json.dumps(await answer.json())


# -- who somebody says he is -----------------------------------------------------------------------------------


async def test_nobody_speaks_in_another_contact_s_name_by_correcting_himself(tmp_path: Path) -> None:
    """Evolution hands on what a contact's own program wrote into his correction, also whose message it corrects."""
    async with FakeOpenAI() as openai, evolution() as evo:
        async with running(config(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
            assert await evo.post(gateway, evo.message("mine", "Oi", phone="5511999990002")) == 200
            assert await evo.post(gateway, evo.message("m1", "Quero um bolo")) == 200
            await heard(evo, 2)
            for of in ("never-seen", "mine"):
                assert await evo.post(gateway, evo.edit("x", of, "parar")) == 200
                assert await evo.post(gateway, evo.revoke("x", of)) == 200
            await quiet(gateway)
            assert await inbound(gateway, evo) == 1
            assert await evo.post(gateway, evo.edit("x", "m1", "Quero dois bolos")) == 200
            assert await inbound(gateway, evo) == 2, "his own he may correct"


async def test_nobody_is_written_to_because_another_one_said_so(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, evolution() as evo:
        async with running(config(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
            assert await evo.post(gateway, evo.edit("x", "never-seen", f"Oi, sou {PHONE}")) == 200
            await quiet(gateway)
            assert await gateway.store.conversation(conversation(evo)) is None
            assert evo.sent() == []


# -- the doors of providers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["whatsapp_cloud", "evolution/evo", "telegram/tele"])
async def test_who_shows_no_proof_is_sent_away_before_he_has_said_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Otherwise a handful of strangers, who send slowly, take the room of everybody's messages."""
    monkeypatch.setattr("gateway.web.hooks.PATIENCE", 0.5)
    async with FakeOpenAI() as openai, whatsapp() as zap, evolution() as evo, telegram() as tele:
        async with running(config(openai, zap, evo, tele), tmp_path) as (gateway, _):
            host, _, port = gateway.url.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"POST /hooks/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n{{".encode())
            assert b" 401 " in await reader.readline()
            writer.close()
            label = path.rpartition("/")[2]
            assert gateway.telemetry.hooks.labels(label, "forged")._value.get() == 1


async def test_a_request_is_kept_once_however_much_of_it_nobody_can_read(tmp_path: Path) -> None:
    """Kept again for each of its pieces, one request would push out all that was kept before, and hold the door for as
    long as that takes."""
    async with FakeOpenAI() as openai, evolution() as evo:
        async with running(config(openai, evo), tmp_path) as (gateway, _):
            assert await evo.post(gateway, evolution_wire.webhook("a.new.event", {})) == 200
            flood = json.dumps({"event": "messages.upsert", "instance": evolution_wire.INSTANCE, "data": [1, {}] * 300})
            assert await evo.post(gateway, flood.encode()) == 200
            kept = [one.why for one in await gateway.store.unread(1000)]
            assert sorted(kept) == ["event", "no_address", "no_data"]
            assert gateway.telemetry.unread.labels("evo", "no_data")._value.get() == 1


async def test_the_answer_to_a_challenge_is_kept_by_nobody_and_is_words(tmp_path: Path) -> None:
    """Its address holds the verify token, and its body is whatever was asked for."""
    async with FakeOpenAI() as openai, whatsapp() as zap:
        async with running(config(openai, zap), tmp_path) as (gateway, _), aiohttp.ClientSession() as http:
            asked = {"hub.mode": "subscribe", "hub.verify_token": graph.VERIFY_TOKEN}
            asked["hub.challenge"] = "<script>\r\nX: y"
            async with http.get(f"{gateway.url}/hooks/whatsapp_cloud", params=asked) as answer:
                assert (answer.status, await answer.text()) == (200, asked["hub.challenge"])
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.content_type == "text/plain"


# -- where it may be called ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("64:ff9b::a00:1", True),  # NAT64 of 10.0.0.1
        ("64:ff9b::9509:9a01", False),  # and of a public one: how an IPv6-only machine reaches most of the world
        ("64:ff9b:1::a00:1", True),
        ("2002:7f00:1::1", True),  # 6to4 of 127.0.0.1
        ("::127.0.0.1", True),
        ("::ffff:0:10.0.0.1", True),
        ("::ffff:149.154.154.1", False),
        ("fec0::1", True),
        ("2001:67c:4e8:f004::9", False),
    ],
)
def test_an_address_within_an_address_leads_where_it_leads(address: str, private: bool) -> None:
    assert is_private(address) is private


def test_the_bytes_of_a_stranger_are_hashed_once_for_each_app_and_not_for_each_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifty numbers of one app would make one request of four megabytes hold everybody up."""
    blocks = [WHATSAPP.format(n=n, secret="one" if n < 50 else "another") for n in range(51)]
    made = parse(toml("http://127.0.0.1:9/v1", openai_key="k", more="".join(blocks)))
    channels = [WhatsAppCloud(one, allow_private=True) for one in made.channels if one.type == "whatsapp_cloud"]
    hashed, new = list[bytes](), hmac.new

    def noted(key: bytes, *more: Any) -> Any:
        hashed.append(key)
        return new(key, *more)

    monkeypatch.setattr(hmac, "new", noted)
    with pytest.raises(Forged):
        WhatsAppHook(channels).read(Hook({"x-hub-signature-256": "sha256=" + "0" * 64}, b"{}"))
    assert sorted(hashed) == [b"another", b"one"]


# -- what is kept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"x","apikey":"S3CRET"}',
        b'{"webhook":{"headers":{"X-Webhook-Secret":"S3CRET","authorization" : "Bearer S3CRET"}}}',
        b'{"apikey":"S3CR',
    ],
)
def test_no_key_is_kept_with_what_nobody_can_read(body: bytes) -> None:
    assert b"S3CR" not in redacted(body)
    assert redacted(body)[:8] == body[:8]


# -- what a provider answers -----------------------------------------------------------------------------------

ODD: Any = [None, True, 5, "x", [], {}, [[]], [{}], [None], {"a": 1}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_check_looks_at_whatever_a_provider_answers(odd: Any) -> None:
    told = {"url": "https://x.example", "allowed_updates": odd, "pending_update_count": odd, "last_error_message": odd}
    for found in (
        webhook_of_telegram(told),
        webhook_of_meta({"fields": odd, "active": odd, "callback_url": odd}, {"webhook_configuration": odd}),
    ):
        assert all(finding.level in ("ok", "warning", "error") for finding in found)


async def test_an_address_of_a_medium_that_is_none_is_no_surprise() -> None:
    async with FakeGraph() as fake:
        block = WHATSAPP.format(n=graph.NUMBER, secret="s") + f'base_url = "{fake.url}"\n'
        made = parse(toml("http://127.0.0.1:9/v1", openai_key="k", more=block))
        channel = WhatsAppCloud(made.channels[-1], allow_private=True)
        for url in ("https://[", "https://x.facebook.com\\@evil.example/", "file:///etc/passwd", "//"):
            with pytest.raises(NotFetched) as caught:
                await channel.fetch(f"../me {url}", 100)
            assert not caught.value.retryable
        await channel.close()
        assert fake.calls == []


def test_an_address_that_is_none_is_not_shown() -> None:
    said = {"code": "LICENSE_REQUIRED", "register_url": "https://["}
    assert refusal(Answer(503, said)).reason == "LICENSE_REQUIRED"


async def test_what_was_said_is_kept_by_nobody_on_the_way(tmp_path: Path) -> None:
    """A visitor is known by a cookie, and a proxy that keeps answers knows of no cookie."""
    headers = {"Authorization": f"Bearer {PROGRAM}"}
    async with program(tmp_path) as (_, caller, gateway), aiohttp.ClientSession(headers=headers) as http:
        made = await caller.chat.completions.create(model="loja", messages=OI, user="lia")
        id = (made.model_extra or {})["recado"]["conversation"]
        for path in (f"conversations/{id}/messages", f"conversations/{id}", "models", "assistants", "nowhere"):
            async with http.get(f"{gateway.url}/v1/{path}") as answer:
                assert answer.headers["Cache-Control"] == "no-store", path
                assert answer.headers["X-Content-Type-Options"] == "nosniff", path


def test_troubles_of_business_accounts_that_nobody_owns_are_not_gathered_for_ever() -> None:
    keys = {"name": "t", "type": "telegram", "queue": "q", "token": "1:a"}
    channel = Telegram(ChannelSettings.model_validate(keys), allow_private=False)
    for n in range(3):
        channel.update({"business_connection": {"id": str(n), "is_enabled": True, "rights": {}}})
    assert channel.trouble == ""
    channel.update({"business_connection": {"id": "x", "is_enabled": True, "rights": {}, "user": {"id": 7}}})
    assert "allow replying" in channel.trouble


def test_words_of_an_error_are_looked_for_only_so_deep() -> None:
    """Deeper than Python's own patience; what was refused must not look like a surprise."""
    deep: Any = "Connection Closed"
    for _ in range(1000):
        deep = [deep]
    assert refusal(Answer(400, {"response": {"message": deep}})).reason == "http_400"
