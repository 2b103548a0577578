"""What goes to Evolution, and what each of its answers means for the core."""

from __future__ import annotations

import base64
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.channels.base import ChannelError, Hook, Outgoing, Sent, Then
from gateway.channels.evolution import SEND, Answer, Evolution, refusal
from gateway.config import ChannelSettings
from tests.fakes.evolution import INSTANCE, KEY, FakeEvolution, sample, webhook

SECRET = "segredo-do-evolution"
MARIA = "5511999990001"


def channel_of(url: str, *, allow_private: bool = True, public_url: str = "", **more: Any) -> Evolution:
    keys: dict[str, Any] = {"instance": INSTANCE, "api_key": SecretStr(KEY), "webhook_secret": SecretStr(SECRET)} | more
    settings = ChannelSettings(name="whats", type="evolution", queue="q", base_url=url, **keys)
    return Evolution(settings, allow_private=allow_private, now=lambda: 1795226400.0, public_url=public_url)


@pytest.fixture
async def evolution() -> AsyncIterator[FakeEvolution]:
    async with FakeEvolution() as running:
        yield running


@pytest.fixture
async def channel(evolution: FakeEvolution) -> AsyncIterator[Evolution]:
    made = channel_of(evolution.url)
    yield made
    await made.close()


def outgoing(text: str = "Oi", **more: Any) -> Outgoing:
    return Outgoing("c.1:0", "c", MARIA, {"parts": []}, 1, **{"address": {"number": MARIA}, "text": text} | more)


async def refused(channel: Evolution, **more: Any) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        await channel.send(outgoing(**more))
    return raised.value


# -- what goes out -------------------------------------------------------------------------------


async def test_a_text(channel: Evolution, evolution: FakeEvolution) -> None:
    assert await channel.send(outgoing("A consulta custa R$ 250.")) == Sent("BAE5OUT0001")
    (call,) = evolution.sent
    assert (call.method, call.path) == ("POST", "/message/sendText/clinic")
    assert call.json == {"number": MARIA, "text": "A consulta custa R$ 250.", "linkPreview": False}
    assert (call.headers["apikey"], call.headers["content-type"]) == (KEY, "application/json")


async def test_a_voice_note_goes_as_it_is(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.send(outgoing("", voice=b"OggS\x00\xff", seconds=2.0))
    (call,) = evolution.sent
    assert call.path == "/message/sendWhatsAppAudio/clinic"
    assert call.json == {"number": MARIA, "audio": base64.b64encode(b"OggS\x00\xff").decode(), "encoding": False}


async def test_nothing_sent_is_held_by_a_delay(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.send(outgoing())
    await channel.send(outgoing("", voice=b"OggS"))
    assert all("delay" not in call.json for call in evolution.sent)


@pytest.mark.parametrize("number", ["123456789012345@lid", "120363000000000001@g.us", "558199990000"])
async def test_it_goes_where_the_contact_was_heard(channel: Evolution, evolution: FakeEvolution, number: str) -> None:
    await channel.send(outgoing(address={"number": number}))
    assert evolution.sent[0].json["number"] == number


async def test_without_an_address_the_contact_is_one(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.send(outgoing(address={}))
    assert evolution.sent[0].json["number"] == MARIA


async def test_an_instance_of_any_name(evolution: FakeEvolution) -> None:
    channel = channel_of(evolution.url + "/", instance="clínica ../a?b#c%2f")
    assert (await refused(channel)).reason == "http_404"
    assert evolution.calls[0].path == "/message/sendText/cl%C3%ADnica%20..%2Fa%3Fb%23c%252f"
    await channel.close()


async def test_a_server_below_a_path(evolution: FakeEvolution) -> None:
    channel = channel_of(evolution.url + "/evo/")
    assert (await refused(channel)).then is Then.STOP
    assert evolution.calls[0].path == "/evo/message/sendText/clinic"
    await channel.close()


async def test_each_send_has_a_connection_of_its_own(channel: Evolution, evolution: FakeEvolution) -> None:
    """An idle one may just be closing, and then nobody would know whether the message went."""
    for _ in range(2):
        await channel.send(outgoing())
    assert [call.headers["connection"] for call in evolution.sent] == ["close", "close"]


async def test_it_closes_twice_and_opens_again(channel: Evolution) -> None:
    await channel.close()
    await channel.close()
    assert (await channel.send(outgoing())).provider_id


def test_what_it_can_carry() -> None:
    can = channel_of("https://evo.example").capabilities
    assert (can.text_limit, can.choices, can.voice_note, can.presence_every) == (4096, 0, True, 10.0)
    assert (can.per_contact, can.per_channel, can.reply_window) == ((1.0, 10.0), (20.0, 40.0), 0.0)
    assert channel_of("https://evo.example", presence=False).capabilities.presence_every == 0


# -- what comes back -----------------------------------------------------------------------------

STOPS = {
    "unauthorized": "http_401",
    "no_instance": "http_404",
    "unlicensed": "LICENSE_REQUIRED",
    "redirect": "http_301",
}


@pytest.mark.parametrize(
    ("fault", "reason", "then", "wait"),
    [
        *((fault, reason, Then.STOP, None) for fault, reason in STOPS.items()),
        ("not_on_whatsapp", "not_on_whatsapp", Then.UNREACHABLE, None),
        ("validation", "http_400", Then.GIVE_UP, None),
        ("offline", "offline", Then.AGAIN, 15),
        ("offline_400", "offline", Then.AGAIN, 15),
        ("not_begun", "offline", Then.AGAIN, 15),
        ("upload", "upload_failed", Then.AGAIN, 15),
        ("throttled", "too_fast", Then.SLOW_DOWN, 7),
        ("too_fast", "too_fast", Then.SLOW_DOWN, 60),
        ("too_big", "http_413", Then.AS_TEXT, None),
        ("thrown", "thrown", Then.UNSURE, None),
        ("object", "thrown", Then.UNSURE, None),
        ("internal", "http_500", Then.UNSURE, None),
        ("bad_gateway", "http_502", Then.UNSURE, None),
        ("page", "no_receipt", Then.UNSURE, None),
        ("nothing", "no_receipt", Then.UNSURE, None),
        ("cut", "ServerDisconnectedError", Then.UNSURE, None),
    ],
)
async def test_refusals(
    channel: Evolution, evolution: FakeEvolution, fault: str, reason: str, then: Then, wait: float | None
) -> None:
    evolution.next(fault)
    error = await refused(channel)
    assert (error.reason, error.then, error.retry_after) == (reason, then, wait)
    assert error.whole_channel is (then is Then.SLOW_DOWN)
    assert error.remember == ("unreachable" if then is Then.UNREACHABLE else "")
    assert bool(channel.trouble) is (then is Then.STOP or reason == "offline")
    assert KEY not in f"{error.hint} {channel.trouble}"
    assert len(evolution.sent) == 1, "the core repeats, nobody else"
    assert (await channel.send(outgoing())).provider_id
    assert channel.trouble == ""


@pytest.mark.parametrize(
    ("status", "json", "then"),
    [
        (503, None, Then.UNSURE),
        (504, None, Then.UNSURE),
        (403, {"error": "Forbidden"}, Then.STOP),
        (405, None, Then.STOP),
        (422, None, Then.GIVE_UP),
        (400, {"response": {"message": "Text is required"}}, Then.GIVE_UP),
        (400, {"response": {"message": {"exists": False}}}, Then.UNREACHABLE),
        (400, {"response": {"message": [{"exists": True}]}}, Then.GIVE_UP),
        (400, {"response": {"message": [None, 5, [[["x"]]]]}}, Then.GIVE_UP),
        (400, {"message": "Error: Timed Out"}, Then.UNSURE),
        (400, [], Then.GIVE_UP),
        (400, None, Then.GIVE_UP),
        (500, {"response": {"message": ["Error: Connection Closed"]}}, Then.AGAIN),
        (500, {"message": "Connection was lost"}, Then.AGAIN),
        (500, {"error": "Internal Server Error"}, Then.UNSURE),
        (503, {"code": "LICENSE_REQUIRED", "register_url": 5}, Then.STOP),
        (429, "soon", Then.SLOW_DOWN),
    ],
)
def test_verdicts(status: int, json: Any, then: Then) -> None:
    assert refusal(Answer(status, json)).then is then


def test_a_hint_is_short_and_holds_no_token() -> None:
    """The address for the licence leads there without what it carries; what was said is cut."""
    licence = refusal(Answer(503, {"code": "LICENSE_REQUIRED", "register_url": "https://l.example/r?token=abc"}))
    assert "https://l.example/r," in licence.hint
    assert "abc" not in licence.hint
    long = refusal(Answer(400, {"response": {"message": [["x" * 9000]]}}))
    assert len(long.hint) < 300


def test_who_is_not_on_whatsapp_is_not_named() -> None:
    said = sample("error.400.not_on_whatsapp")["body"]
    assert MARIA not in refusal(Answer(400, said)).hint


async def test_one_that_never_answers(evolution: FakeEvolution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.channels.evolution.SEND", 0.2)
    channel = channel_of(evolution.url)
    evolution.next("hang")
    error = await refused(channel)
    assert (error.reason, error.then) == ("TimeoutError", Then.UNSURE)
    await channel.close()
    assert SEND == 60


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        channel = channel_of(f"http://127.0.0.1:{free.getsockname()[1]}")
        error = await refused(channel)
    assert (error.reason, error.then, error.retry_after) == ("ClientConnectorError", Then.AGAIN, 5)
    assert "base_url" in channel.trouble
    await channel.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_address_is_not_called(evolution: FakeEvolution, host: str) -> None:
    channel = channel_of(evolution.url.replace("127.0.0.1", host), allow_private=False)
    error = await refused(channel)
    assert (error.reason, error.then) == ("private_address", Then.STOP)
    assert "allow_private_urls" in error.hint
    assert evolution.calls == []
    await channel.close()


# -- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "data", "word"),
    [
        ("connection.update", {"state": "close", "statusReason": 428}, "Connection closed: open Evolution"),
        ("connection.update", {"state": "close", "statusReason": 401}, "removed this device"),
        ("connection.update", {"state": "close", "statusReason": 403}, "blocked"),
        ("connection.update", {"state": "close", "statusReason": 440}, "another program"),
        ("connection.update", {"state": "refused"}, "scan the QR code"),
        ("connection.update", {"state": "connecting"}, "connecting"),
        ("connection.update", {}, "scan the QR code"),
        ("connection.update", None, "scan the QR code"),
        ("connection.update", [], "scan the QR code"),
        ("qrcode.updated", sample("webhook.qrcode.updated")["data"], "QR code"),
        ("status.instance", {"status": "closed", "disconnectionReasonCode": 401}, "removed this device"),
        ("status.instance", {"status": "closed"}, "Connection closed: open Evolution"),
        ("logout.instance", {}, "logged out"),
        ("LOGOUT_INSTANCE", {}, "logged out"),
    ],
)
def test_the_connection_is_remembered(event: str, data: Any, word: str) -> None:
    channel = channel_of("https://evo.example")
    heard(channel, event, data)
    assert word in channel.trouble
    heard(channel, "messages.update", {})
    heard(channel, "status.instance", {"status": "created"})
    assert word in channel.trouble
    heard(channel, "connection.update", {"state": "open", "statusReason": 200})
    assert channel.trouble == ""


def heard(channel: Evolution, event: str, data: Any) -> None:
    channel.read(Hook({"x-webhook-secret": SECRET}, webhook(event, data)))
