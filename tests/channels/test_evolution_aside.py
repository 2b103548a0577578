"""Media that are fetched, and what nobody waits for: receipts, presence, `recado check`."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from gateway.channels.base import Forged, Hook, Inbound, NotFetched
from gateway.channels.evolution import SHOWING, Evolution
from gateway.channels.evolution_events import reference
from tests.channels.test_evolution_sends import SECRET, channel_of, outgoing
from tests.fakes.evolution import KEY, FakeEvolution, sample
from tests.fakes.wire import HANG, answer, cut
from tts.findings import Finding

LIMIT = 1000
NOTE = b"OggS" + bytes(100)
ID = "3EB0AUDIO0001"
BUCKET_FAULTS = {"403": answer(b"<Error/>", status=403), "500": answer(b"", status=500), "cut": cut(NOTE), "hang": HANG}


@pytest.fixture
async def evolution() -> AsyncIterator[FakeEvolution]:
    async with FakeEvolution() as running:
        yield running


@pytest.fixture
async def channel(evolution: FakeEvolution) -> AsyncIterator[Evolution]:
    made = channel_of(evolution.url)
    yield made
    await made.close()


@pytest.fixture
def _hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never answers is not waited for; whoever answers has the time he needs."""
    if "hang" in request.node.callspec.id:
        for name in ("FETCH", "BUCKET", "SHOW", "ASIDE"):
            monkeypatch.setattr(f"gateway.channels.evolution.{name}", 1.0)


def kept(data: bytes) -> dict[str, Any]:
    return sample("getBase64FromMediaMessage.response.201") | {"base64": base64.b64encode(data).decode()}


async def not_fetched(channel: Evolution, ref: str) -> tuple[str, bool]:
    with pytest.raises(NotFetched) as raised:
        await channel.fetch(ref, LIMIT)
    return raised.value.reason, raised.value.retryable


# -- from Evolution ------------------------------------------------------------------------------


async def test_a_medium_is_asked_for_by_its_message(channel: Evolution, evolution: FakeEvolution) -> None:
    evolution.media[ID] = kept(NOTE)
    assert await channel.fetch(ID, LIMIT) == NOTE
    (call,) = evolution.called("getBase64FromMediaMessage")
    assert call.json == sample("getBase64FromMediaMessage.request")
    assert call.headers["apikey"] == KEY


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
async def test_a_medium_may_be_as_large_as_wanted(channel: Evolution, evolution: FakeEvolution, size: int) -> None:
    evolution.media[ID] = kept(bytes(size))
    assert len(await channel.fetch(ID, LIMIT)) == size


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (kept(bytes(LIMIT + 1)), "too_large"),
        (kept(bytes(200_000)), "too_large"),
        ({"base64": "not base64!"}, "broken_base64"),
        ({"base64": "T2dnUw"}, "broken_base64"),
        ({"base64": "T2dn dUw="}, "broken_base64"),
        ({"base64": ""}, "no_medium"),
        ({"base64": None}, "no_medium"),
        ({"base64": 5}, "no_medium"),
        ({}, "no_medium"),
        ([], "no_medium"),
    ],
)
async def test_a_medium_that_is_none(channel: Evolution, evolution: FakeEvolution, said: Any, reason: str) -> None:
    evolution.media[ID] = said
    assert await not_fetched(channel, ID) == (reason, False)


async def test_a_medium_with_its_prefix(channel: Evolution, evolution: FakeEvolution) -> None:
    evolution.media[ID] = {"base64": "data:audio/ogg;base64,T2dnUw=="}
    assert await channel.fetch(ID, LIMIT) == b"OggS"


async def test_a_medium_evolution_has_forgotten(channel: Evolution) -> None:
    assert await not_fetched(channel, ID) == ("http_400", False)


@pytest.mark.parametrize(
    ("fault", "reason", "again"),
    [
        ("unauthorized", "http_401", False),
        ("no_instance", "http_404", False),
        ("offline", "http_500", True),
        ("offline_400", "http_400", True),
        ("bad_gateway", "http_502", True),
        ("throttled", "http_429", True),
        ("unlicensed", "http_503", True),
        ("redirect", "http_301", False),
        ("page", "no_medium", False),
        ("cut", "ServerDisconnectedError", True),
        ("hang", "TimeoutError", True),
    ],
)
@pytest.mark.usefixtures("_hurry")
async def test_a_medium_that_cannot_be_had(
    channel: Evolution, evolution: FakeEvolution, fault: str, reason: str, again: bool
) -> None:
    evolution.next(fault)
    assert await not_fetched(channel, ID) == (reason, again)


# -- from its bucket -----------------------------------------------------------------------------


async def test_a_medium_in_the_bucket(channel: Evolution, evolution: FakeEvolution) -> None:
    """Without our key; the fake looks."""
    evolution.files["note"] = answer(NOTE, "audio/ogg")
    assert await channel.fetch(reference(ID, f"{evolution.url}/bucket/note?X-Amz-Signature=1"), LIMIT) == NOTE
    assert evolution.called("getBase64FromMediaMessage") == []


@pytest.mark.parametrize("fault", BUCKET_FAULTS.values(), ids=BUCKET_FAULTS)
@pytest.mark.usefixtures("_hurry")
async def test_evolution_is_asked_when_the_bucket_fails(
    channel: Evolution, evolution: FakeEvolution, fault: Any
) -> None:
    evolution.files["note"] = fault
    evolution.media[ID] = kept(NOTE)
    assert await channel.fetch(reference(ID, f"{evolution.url}/bucket/note"), LIMIT) == NOTE


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_file_that_is_too_large_is_left_alone(
    channel: Evolution, evolution: FakeEvolution, chunked: bool
) -> None:
    async def large(fake: Any, request: web.Request) -> web.StreamResponse:
        response = web.Response(body=bytes(LIMIT + 1))
        if chunked:
            response.enable_chunked_encoding()
        return response

    evolution.files["note"] = large
    evolution.media[ID] = kept(NOTE)
    assert await not_fetched(channel, reference(ID, f"{evolution.url}/bucket/note")) == ("too_large", False)
    assert evolution.called("getBase64FromMediaMessage") == []


async def test_a_bucket_does_not_lead_inside(evolution: FakeEvolution, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor by a redirect: here all of the network but Evolution's address counts as private."""
    monkeypatch.setattr("gateway.outbound.is_private", lambda address: address != "127.0.0.1")
    seen: list[str] = []

    async def inside(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(body=b"inside")

    app = web.Application()
    app.router.add_get("/{path:.*}", inside)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.2", 0).start()
    secret = f"http://127.0.0.2:{runner.addresses[0][1]}/secret"
    evolution.files["note"] = answer(b"", "text/plain", 302, location=secret)
    channel = channel_of(evolution.url, allow_private=False)
    for url in (f"{evolution.url}/bucket/note", secret):
        assert await not_fetched(channel, reference(ID, url)) == ("http_400", False)
    assert seen == []
    await channel.close()
    allowed = channel_of(evolution.url)
    assert await allowed.fetch(reference(ID, secret), LIMIT) == b"inside"
    await allowed.close()
    await runner.cleanup()


async def test_a_bucket_that_goes_in_circles(channel: Evolution, evolution: FakeEvolution) -> None:
    here = f"{evolution.url}/bucket/note"
    evolution.files["note"] = answer(b"", "text/plain", 302, location=here)
    evolution.media[ID] = kept(NOTE)
    assert await channel.fetch(reference(ID, here), LIMIT) == NOTE
    assert len([call for call in evolution.calls if call.path == "/bucket/note"]) <= 4


# -- read, and shown -----------------------------------------------------------------------------


def message(token: dict[str, str] | None = None) -> Inbound:
    jid = {"jid": "5511999990001@s.whatsapp.net"} if token is None else token
    return Inbound("3EB0AAAAAAAAAAAAAAAA", "5511999990001", "Maria", "oi", 0, token=jid)


async def test_what_was_read_is_shown(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.acknowledge(message())
    (call,) = evolution.called("markMessageAsRead")
    assert call.json == sample("markMessageAsRead.request")


async def test_what_has_no_receipt_is_not_acknowledged(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.acknowledge(message({}))
    quiet = channel_of(evolution.url, read_receipts=False)
    await quiet.acknowledge(message())
    await quiet.close()
    assert evolution.calls == []


@pytest.mark.parametrize("fault", ["unauthorized", "offline", "cut", "page", "hang", "nothing"])
@pytest.mark.usefixtures("_hurry")
async def test_nothing_aside_ever_fails(channel: Evolution, evolution: FakeEvolution, fault: str) -> None:
    evolution.next(fault, fault)
    await channel.acknowledge(message())
    await shown(channel, evolution, "paused")
    assert channel.trouble == ""


async def shown(channel: Evolution, evolution: FakeEvolution, doing: Any, number: str = "5511999990001") -> Any:
    """What arrived at the fake."""
    await channel.show({"number": number}, "3EB0", doing)
    while True:
        call = await evolution.arrivals.get()
        if "sendPresence" in call.path:
            return call.json


@pytest.mark.parametrize("doing", ["composing", "recording"])
async def test_what_we_do_is_shown_and_holds_nothing(
    channel: Evolution, evolution: FakeEvolution, doing: str
) -> None:
    """Evolution does not answer before the delay is over; here it never does."""
    assert await shown(channel, evolution, doing) == {"number": "5511999990001", "presence": doing, "delay": 10000}
    await channel.send(outgoing())
    assert len(evolution.sent) == 1


async def test_what_we_stop_doing_is_shown_at_once(channel: Evolution, evolution: FakeEvolution) -> None:
    assert (await shown(channel, evolution, "paused"))["delay"] == 0


async def test_many_who_are_shown_something_hold_no_send(
    channel: Evolution, evolution: FakeEvolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight calls to one host at once is what a session allows: presence has a session of its own."""
    monkeypatch.setattr("gateway.channels.evolution.SHOW", 600.0)
    for each in range(40):
        await channel.show({"number": f"55119999900{each:02}"}, "3EB0", "composing")
    assert len(channel._showing) == SHOWING
    for _ in range(8):
        await evolution.arrivals.get()
    async with asyncio.timeout(30):
        await channel.send(outgoing())


async def test_one_contact_is_shown_one_thing(channel: Evolution, evolution: FakeEvolution) -> None:
    await shown(channel, evolution, "composing")
    (former,) = channel._showing.values()
    await shown(channel, evolution, "recording")
    assert len(channel._showing) == 1
    await asyncio.wait([former])
    assert former.cancelled()
    await channel.close()
    assert not channel._showing


async def test_without_an_address_nothing_is_shown(channel: Evolution, evolution: FakeEvolution) -> None:
    await channel.show({}, "3EB0", "composing")
    quiet = channel_of(evolution.url, presence=False)
    await quiet.show({"number": "5511999990001"}, "3EB0", "composing")
    assert not channel._showing
    assert not quiet._showing


async def test_an_instance_before_the_cloud_api_shows_nothing(channel: Evolution, evolution: FakeEvolution) -> None:
    evolution.integration = "WHATSAPP-BUSINESS"
    await channel.show({"number": "5511999990001"}, "3EB0", "composing")
    await asyncio.gather(*channel._showing.values())
    assert channel.capabilities.presence_every == 0
    await channel.show({"number": "5511999990001"}, "3EB0", "composing")
    assert not channel._showing


async def test_one_refusal_for_another_reason_ends_nothing(channel: Evolution, evolution: FakeEvolution) -> None:
    evolution.next("not_on_whatsapp")
    await channel.show({"number": "5511999990001"}, "3EB0", "composing")
    await asyncio.gather(*channel._showing.values())
    assert channel.capabilities.presence_every == 10


# -- check ---------------------------------------------------------------------------------------

EVENTS = [
    *("MESSAGES_UPSERT", "SEND_MESSAGE", "MESSAGES_UPDATE", "MESSAGES_EDITED", "MESSAGES_DELETE", "CONNECTION_UPDATE")
]
HOOK = "https://gw.example/hooks/evolution/whats"
WEBHOOK = {
    "enabled": True,
    "url": HOOK,
    "headers": {"X-Webhook-Secret": SECRET},
    "events": EVENTS,
    "webhookBase64": False,
    "webhookByEvents": False,
}


async def found(
    evolution: FakeEvolution, public_url: str = "https://gw.example/", **more: Any
) -> Sequence[Finding]:
    channel = channel_of(evolution.url, public_url=public_url, **more)
    try:
        return await channel.check()
    finally:
        await channel.close()


def said(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    assert all(KEY not in each.message and SECRET not in each.message for each in findings)
    return [(each.level, each.key) for each in findings if each.level != "ok"]


async def test_all_is_well(evolution: FakeEvolution) -> None:
    evolution.webhook = WEBHOOK
    findings = await found(evolution)
    assert said(findings) == []
    assert [each.key for each in findings] == ["instance", "instance", "webhook_secret"]


@pytest.mark.parametrize(
    ("change", "level", "key", "word"),
    [
        ({"enabled": False}, "error", "instance", HOOK),
        ({"url": "https://elsewhere.example"}, "error", "instance", HOOK),
        ({"url": "https://gw.example/hooks/evolution/another"}, "error", "instance", HOOK),
        ({"url": None}, "error", "instance", HOOK),
        ({"headers": {}}, "error", "webhook_secret", "X-Webhook-Secret"),
        ({"headers": None}, "error", "webhook_secret", "X-Webhook-Secret"),
        ({"headers": {"X-Webhook-Secret": "another"}}, "error", "webhook_secret", "X-Webhook-Secret"),
        ({"events": EVENTS[1:]}, "error", "instance", "MESSAGES_UPSERT"),
        ({"events": EVENTS[:1]}, "warning", "instance", "SEND_MESSAGE, MESSAGES_UPDATE"),
        ({"webhookBase64": True}, "warning", "instance", "base64"),
    ],
)
async def test_a_webhook_that_is_not_right(
    evolution: FakeEvolution, change: dict[str, Any], level: str, key: str, word: str
) -> None:
    evolution.webhook = WEBHOOK | change
    findings = await found(evolution)
    assert said(findings) == [(level, key)]
    assert word in next(each.message for each in findings if each.level == level)


@pytest.mark.parametrize("webhook", [None, [], "x", {}])
async def test_no_webhook_at_all(evolution: FakeEvolution, webhook: Any) -> None:
    evolution.webhook = webhook
    assert said(await found(evolution)) == [("error", "instance")]


@pytest.mark.parametrize("headers", [{"x-webhook-secret": SECRET}, {"jwt_key": "jwt-0123456789abcd"}])
async def test_either_proof_will_do(evolution: FakeEvolution, headers: dict[str, str]) -> None:
    evolution.webhook = WEBHOOK | {"headers": headers}
    assert said(await found(evolution, jwt_key=SecretStr("jwt-0123456789abcd"))) == []


@pytest.mark.parametrize("url", ["http://recado:8080/hooks/evolution/whats", HOOK + "/", HOOK + "?key=abc"])
async def test_evolution_may_know_a_shorter_way(evolution: FakeEvolution, url: str) -> None:
    evolution.webhook = WEBHOOK | {"url": url}
    findings = await found(evolution)
    assert said(findings) == []
    assert "abc" not in findings[1].message


@pytest.mark.parametrize(
    ("fault", "key", "word"),
    [
        ("unauthorized", "api_key", "global key"),
        ("no_instance", "instance", "no such instance"),
        ("unlicensed", "base_url", "https://license.example/register,"),
        ("page", "instance", "QR"),
        ("bad_gateway", "base_url", "http_502"),
        ("cut", "base_url", "cannot be reached"),
        ("hang", "base_url", "cannot be reached"),
    ],
)
@pytest.mark.usefixtures("_hurry")
async def test_an_account_that_is_not_right(evolution: FakeEvolution, fault: str, key: str, word: str) -> None:
    evolution.webhook = WEBHOOK
    evolution.next(*([fault] * (2 if fault == "cut" else 1)))  # aiohttp asks again once, as a GET may be
    findings = await found(evolution)
    assert said(findings) == [("error", key)]
    assert word in " ".join(each.message for each in findings)


@pytest.mark.parametrize(
    ("state", "level"), [("close", "error"), ("connecting", "warning"), (None, "error"), (5, "error")]
)
async def test_a_phone_that_is_not_connected(evolution: FakeEvolution, state: Any, level: str) -> None:
    evolution.webhook = WEBHOOK
    evolution.state = {"instance": {"instanceName": "clinic", "state": state}}
    assert said(await found(evolution)) == [(level, "instance")]


async def test_an_instance_before_the_cloud_api_is_better_without(evolution: FakeEvolution) -> None:
    evolution.webhook, evolution.integration = WEBHOOK, "WHATSAPP-BUSINESS"
    findings = await found(evolution)
    assert said(findings) == [("warning", "type")]
    assert "whatsapp_cloud" in findings[-1].message


# -- the whole way -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.3.6", "2.3.7", "2.4"])
@pytest.mark.parametrize("by_events", [False, True])
@pytest.mark.parametrize("proof", [{"secret": SECRET}, {"jwt_key": "jwt-0123456789abcd"}])
async def test_what_the_fake_posts_is_read(version: Any, by_events: bool, proof: dict[str, str]) -> None:
    got: list[Any] = []

    async def hook(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        tail = request.match_info["tail"].strip("/")
        try:
            got.extend(channel.read(Hook(headers, await request.read(), tail=tail)))
        except Forged:
            return web.Response(status=401)
        return web.Response(status=200)

    async with FakeEvolution(version) as evolution:
        channel = channel_of(evolution.url, jwt_key=SecretStr("jwt-0123456789abcd"))
        channel._now = time.time
        app = web.Application()
        app.router.add_post("/hook{tail:.*}", hook)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        data = evolution.message({"conversation": "oi"})
        assert await evolution.post(url, "messages.upsert", data, by_events=by_events, **proof) == 200  # type: ignore[arg-type]
        assert await evolution.post(url, "messages.upsert", data, secret="wrong") == 401
        await runner.cleanup()
    assert [(each.contact, each.text) for each in got] == [("5511999990001", "oi")]
