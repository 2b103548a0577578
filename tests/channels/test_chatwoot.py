"""Chatwoot as a channel: when its agent bot answers and when it is silent, and what becomes of what it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.base import (
    Attachment,
    ChannelError,
    Echo,
    Event,
    Forged,
    Hook,
    Hooked,
    Inbound,
    Noise,
    NotFetched,
    Outgoing,
    Sent,
    Showing,
    Status,
    Then,
)
from gateway.channels.chatwoot import Chatwoot
from gateway.outbound import client
from tests.fakes.chatwoot import (
    ACCOUNT,
    BOT,
    CUT,
    ENDLESS,
    HANG,
    LOST,
    NOW,
    SECRET,
    SIGN_IN,
    FakeChatwoot,
    Fault,
    refused,
    signed,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "chatwoot"
NOTE = (FIXTURES.parent / "whatsapp" / "voice.ogg").read_bytes()
HERE = {"conversation": "42"}


@pytest.fixture
async def server() -> AsyncIterator[FakeChatwoot]:
    async with FakeChatwoot() as running:
        running.begin("the widget's", "pending")
        yield running


@pytest.fixture
async def bot(server: FakeChatwoot) -> AsyncIterator[Chatwoot]:
    made = a_bot(server.url)
    yield made
    await made.close()


def a_bot(url: str, **more: Any) -> Chatwoot:
    given = {"account_id": ACCOUNT, "token": BOT, "secret": SECRET, "allow_private": True, **more}
    return Chatwoot("site", url, now=lambda: float(NOW), **given)


def outgoing(text: str = "", **more: Any) -> Outgoing:
    given: dict[str, Any] = {"attempt": 1, "address": HERE, **more}
    return Outgoing("c_1.1:0", "c_1", "3.7", {}, text=text, **given)


def sample(name: str) -> Any:
    return orjson.loads((FIXTURES / f"{name}.json").read_bytes())


INCOMING, AGENT = sample("webhook.message_created.incoming"), sample("webhook.message_created.outgoing.agent")


def told(bot: Chatwoot, body: Any) -> Event:
    [event] = bot.read(signed(json.dumps(body).encode()))
    return event


async def failed(bot: Chatwoot, what: Outgoing) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await bot.send(what)
    return caught.value


# -- what comes in ---------------------------------------------------------------------------------


async def test_a_contact_wrote_and_a_bot_has_it(bot: Chatwoot) -> None:
    assert told(bot, INCOMING) == Inbound("1001", "3.7", "Maria", "Oi", 1795225200000, address=HERE, attachments=[])
    assert isinstance(bot, Hooked)


async def test_a_voice_note(bot: Chatwoot) -> None:
    event = told(bot, sample("webhook.message_created.audio"))
    assert isinstance(event, Inbound)
    link = "https://cw.example/rails/active_storage/blobs/redirect/x/voice.ogg"
    assert (event.text, event.attachments) == ("", [Attachment("voice", ref=link, size=9031)])


@pytest.mark.parametrize(
    ("attachments", "kinds", "text", "unreadable"),
    [
        ([{"file_type": "image", "data_url": "https://x.example/a"}], ["image"], "", ""),
        ([{"file_type": "file", "data_url": "https://x.example/a"}], ["document"], "", ""),
        ([{"file_type": "video", "data_url": "https://x.example/a"}], ["video"], "", ""),
        ([{"file_type": "location", "coordinates_lat": -23.5, "coordinates_long": -46.6}], [], "📍 -23.5, -46.6", ""),
        ([{"file_type": "contact", "fallback_title": "+5511999990001"}], [], "+5511999990001", ""),
        ([{"file_type": "hologram"}], [], "", "unsupported"),
        ([{"file_type": "image"}, None, 3], [], "", "unsupported"),
        ("what", [], "", "unsupported"),
    ],
)
async def test_what_travels_along(
    bot: Chatwoot, attachments: Any, kinds: list[str], text: str, unreadable: str
) -> None:
    event = told(bot, INCOMING | {"content": None, "attachments": attachments})
    assert isinstance(event, Inbound)
    assert ([one.kind for one in event.attachments], event.text, event.unreadable) == (kinds, text, unreadable)


@pytest.mark.parametrize("status", ["open", "resolved", "snoozed", None, 3])
async def test_where_people_have_it_the_bot_is_silent(bot: Chatwoot, status: Any) -> None:
    body = INCOMING | {"conversation": INCOMING["conversation"] | {"status": status}}
    assert told(bot, body) == Noise("people_have_it")


async def test_an_agent_wrote_that_is_a_takeover(bot: Chatwoot) -> None:
    event = told(bot, AGENT)
    assert event == Echo("1001", "3.7", "Aqui é a recepção", 1795225200000, address=HERE)


async def test_somebody_wrote_on_the_phone_behind_the_inbox(bot: Chatwoot) -> None:
    event = told(bot, AGENT | {"sender": None, "content_attributes": {"external_echo": True}})
    assert isinstance(event, Echo)
    assert not event.by_us


async def test_one_person_in_two_inboxes_is_two_contacts(bot: Chatwoot) -> None:
    event = told(bot, INCOMING | {"inbox": {"id": 4}})
    assert isinstance(event, Inbound)
    assert event.contact == "4.7"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (INCOMING | {"private": True}, "private"),
        (AGENT | {"private": True}, "private"),
        (AGENT | {"private": "?"}, "private"),
        (AGENT | {"message_type": "template"}, "template"),
        (AGENT | {"message_type": "activity"}, "activity"),
        (AGENT | {"message_type": None}, "unknown_type"),
        (AGENT | {"sender": None}, "no_person"),
        (sample("webhook.message_created.outgoing.bot"), "no_person"),
        (sample("webhook.conversation_opened"), "other_event"),
        (sample("webhook.conversation_resolved"), "other_event"),
        (sample("webhook.webwidget_triggered"), "other_event"),
        (INCOMING | {"event": "message_updated"}, "other_event"),
        (INCOMING | {"account": {"id": 2}}, "another_account"),
        (INCOMING | {"id": None}, "no_id"),
        (INCOMING | {"conversation": {"status": "pending"}}, "no_id"),
        ([], "no_object"),
    ],
)
async def test_what_is_nothing_for_the_bot(bot: Chatwoot, body: Any, why: str) -> None:
    assert told(bot, body) == Noise(why)


async def test_who_does_not_prove_it_is_not_read(bot: Chatwoot) -> None:
    in_the_address = Hook({}, b"{}", {"secret": SECRET})
    for hook in (Hook({}, b"{}"), signed(b"{}", secret="x"), signed(b"{}", at=NOW - 301), in_the_address):
        with pytest.raises(Forged):
            bot.read(hook)
    with pytest.raises(Forged):
        bot.prove({})


async def test_where_the_signature_is_off_the_address_proves_it(server: FakeChatwoot) -> None:
    bot = a_bot(server.url, verify=False)
    [event] = bot.read(Hook({}, json.dumps(INCOMING).encode(), {"secret": SECRET}))
    assert isinstance(event, Inbound)
    with pytest.raises(Forged):
        bot.read(Hook({}, b"{}", {"secret": "another"}))


@pytest.mark.parametrize("verify", [True, False])
async def test_no_secret_is_no_proof(verify: bool) -> None:
    bot = a_bot("https://cw.example", secret="", verify=verify)
    for hook in (signed(b"{}", secret=""), Hook(signed(b"{}", secret="").headers, b"{}", {"secret": ""})):
        with pytest.raises(Forged):
            bot.read(hook)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(sorted(INCOMING)), JSON).map(
        lambda change: json.dumps(INCOMING | {"attachments": []} | change).encode()
    )
)
def test_no_body_breaks_it(body: bytes) -> None:
    for event in a_bot("https://cw.example").read(signed(body)):
        assert isinstance(event, Inbound | Echo | Status | Noise)


# -- what goes out -----------------------------------------------------------------------------------


async def test_a_text(server: FakeChatwoot, bot: Chatwoot) -> None:
    sent = await bot.send(outgoing("Olá! Como posso ajudar?"))
    [call] = server.asked("POST messages")
    marked = {"content_attributes": {"recado": "c_1.1:0"}}
    assert call.json == sample("api.create_message.request") | marked
    assert sent == Sent(str(server.conversations[42].messages[0]["id"]))
    assert call.headers["api_access_token"] == BOT


async def test_a_voice_note_goes_out(server: FakeChatwoot, bot: Chatwoot) -> None:
    await bot.send(outgoing(voice=NOTE, seconds=2.0))
    [call] = server.asked("POST messages")
    expected = sample("api.create_message.multipart")
    assert [{"name": "attachments[]", "filename": call.file_name, "content_type": call.file_type}] == expected["files"]
    assert {key: call.form[key] for key in expected["fields"]} == expected["fields"]
    assert call.file == NOTE


async def test_nothing_that_would_keep_chatwoot_from_sending_it(server: FakeChatwoot, bot: Chatwoot) -> None:
    """A message with a source id counts as sent already."""
    await bot.send(outgoing("oi"))
    await bot.send(outgoing(voice=NOTE))
    text, voice = server.asked("POST messages")
    assert "source_id" not in text.json
    assert "source_id" not in voice.form


async def test_a_send_whose_answer_was_lost_is_settled_by_its_own_webhook(server: FakeChatwoot, bot: Chatwoot) -> None:
    for fault, what in ((LOST, outgoing("oi")), (LOST, outgoing(voice=NOTE))):
        server.next("POST messages", fault)
        assert (await failed(bot, what)).then is Then.UNSURE
        kept = server.conversations[42].messages[-1]
        hook = server.webhook_of(42, kept)
        hook["conversation"] = AGENT["conversation"]
        hook["inbox"] = AGENT["inbox"]
        assert told(bot, hook) == Status(str(kept["id"]), "sent", kept["created_at"] * 1000, "c_1.1:0")


@pytest.mark.parametrize(
    ("fault", "reason", "then", "then_voice"),
    [
        (refused(400), "http_400", Then.GIVE_UP, Then.AS_TEXT),
        (refused(401), "http_401", Then.STOP, Then.STOP),
        (refused(403), "http_403", Then.STOP, Then.STOP),
        (refused(404), "http_404", Then.UNREACHABLE, Then.UNREACHABLE),
        (refused(413), "http_413", Then.GIVE_UP, Then.AS_TEXT),
        (refused(422), "http_422", Then.GIVE_UP, Then.AS_TEXT),
        (refused(429, retry_after="7"), "http_429", Then.SLOW_DOWN, Then.SLOW_DOWN),
        (refused(500), "http_500", Then.UNSURE, Then.UNSURE),
        (refused(301, location="https://elsewhere.example"), "http_301", Then.STOP, Then.STOP),
        (SIGN_IN, "no_id", Then.UNSURE, Then.UNSURE),
        (CUT, "ClientPayloadError", Then.UNSURE, Then.UNSURE),
        (ENDLESS, "no_id", Then.UNSURE, Then.UNSURE),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_a_failure_means(
    server: FakeChatwoot, bot: Chatwoot, fault: Fault, reason: str, then: Then, then_voice: Then
) -> None:
    server.next("POST messages", fault, fault)
    text, voice = await failed(bot, outgoing("oi")), await failed(bot, outgoing(voice=NOTE))
    assert (text.reason, text.then, voice.then) == (reason, then, then_voice)
    assert bool(bot.trouble) == (then is Then.STOP)
    assert BOT not in f"{text!r}{text.hint}{bot!r}"
    await bot.send(outgoing("oi"))
    assert not bot.trouble


async def test_as_long_as_it_was_asked_to_wait(server: FakeChatwoot, bot: Chatwoot) -> None:
    server.next("POST messages", refused(429, retry_after="7"), refused(429), refused(429, retry_after="99999999"))
    errors = [await failed(bot, outgoing("oi")) for _ in range(3)]
    assert [error.retry_after for error in errors] == [7.0, 10.0, 3600.0]
    assert all(error.whole_channel for error in errors)


async def test_before_a_connection_stands_nothing_was_sent() -> None:
    async with FakeChatwoot() as server:
        bot = a_bot(server.url)
    assert (await failed(bot, outgoing("oi"))).then is Then.AGAIN
    await bot.close()


async def test_it_waits_for_no_one(server: FakeChatwoot, bot: Chatwoot) -> None:
    bot._session = client(allow_private=True, timeout=0.05)
    server.next("POST messages", HANG)
    error = await failed(bot, outgoing("oi"))
    assert (error.reason, error.then) == ("timeout", Then.UNSURE)


async def test_the_way_inside_is_closed_unless_allowed(server: FakeChatwoot) -> None:
    bot = a_bot(server.url, allow_private=False)
    error = await failed(bot, outgoing("oi"))
    assert (error.reason, error.then) == ("private_address", Then.STOP)
    with pytest.raises(NotFetched) as caught:
        await bot.fetch(f"{server.url}/files/voice", 100)
    assert not caught.value.retryable
    assert not server.calls
    await bot.close()


@pytest.mark.parametrize("address", [{}, {"conversation": "42/../1"}, {"conversation": ""}])
async def test_without_a_conversation(server: FakeChatwoot, bot: Chatwoot, address: dict[str, str]) -> None:
    assert (await failed(bot, outgoing("oi", address=address))).then is Then.UNREACHABLE
    await bot.show(address, "1", "composing")
    assert not server.calls


async def test_the_contact_sees_that_somebody_writes(server: FakeChatwoot, bot: Chatwoot) -> None:
    doings: tuple[Showing, ...] = ("composing", "recording", "paused")
    for doing in doings:
        await bot.show(HERE, "1001", doing)
    assert [call.json["typing_status"] for call in server.asked("POST typing")] == ["on", "on", "off"]
    server.next("POST typing", LOST)
    await bot.show(HERE, "1001", "composing")
    event = told(bot, INCOMING)
    assert isinstance(event, Inbound)
    await bot.acknowledge(event)


# -- media -----------------------------------------------------------------------------------------


async def test_a_file_is_fetched_from_where_it_lies(server: FakeChatwoot, bot: Chatwoot) -> None:
    server.files["voice"] = NOTE
    assert await bot.fetch(f"{server.url}/files/voice", len(NOTE)) == NOTE


@pytest.mark.parametrize(
    ("ref", "limit", "reason", "retryable"),
    [
        ("/files/voice", 10, "too_large", False),
        ("/files/gone", 10, "http_404", False),
        ("/files/503", 10, "http_503", True),
        ("/files/round", 10, "too_many_redirects", False),
    ],
)
async def test_a_file_that_cannot_be_had(
    server: FakeChatwoot, bot: Chatwoot, ref: str, limit: int, reason: str, retryable: bool
) -> None:
    server.files["voice"] = NOTE
    with pytest.raises(NotFetched) as caught:
        await bot.fetch(f"{server.url}{ref}", limit)
    assert (caught.value.reason, caught.value.retryable) == (reason, retryable)


@pytest.mark.parametrize("ref", ["", "file:///etc/passwd", "http://", "https://[", "javascript:1"])
async def test_a_file_at_no_address(bot: Chatwoot, ref: str) -> None:
    with pytest.raises(NotFetched):
        await bot.fetch(ref, 10)


# -- is it right? ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "old", "fault", "expected"),
    [
        ({}, False, None, ("ok", "token")),
        ({}, True, None, ("ok", "token")),
        ({"token": "wrong"}, False, None, ("error", "token")),
        ({"account_id": 2}, False, None, ("error", "token")),
        ({}, False, SIGN_IN, ("error", "base_url")),
        ({}, False, CUT, ("error", "base_url")),
    ],
)
async def test_is_it_right(more: dict[str, Any], old: bool, fault: Fault | None, expected: tuple[str, str]) -> None:
    async with FakeChatwoot(old=old) as server:
        if fault:
            server.next("GET conversation", fault)
        bot = a_bot(server.url, **more)
        [finding] = await bot.check()
        await bot.close()
    assert (finding.level, finding.key) == expected
