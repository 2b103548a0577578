"""What every channel promises, whoever is at the other end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.channels.base import Channel, ChannelError, Outgoing, Sent, Then
from gateway.channels.http import SCHEDULE, Api, Callback
from gateway.channels.webchat import WebChat
from tests.fakes.callback import SECRET, FakeCallback

REPLY = {"conversation": "c_1", "turn": "c_1.1", "parts": [{"kind": "text", "text": "Olá"}]}


def outgoing(attempt: int = 1) -> Outgoing:
    return Outgoing("c_1.1:0", "c_1", "5511", dict(REPLY), attempt)


@pytest.fixture
async def callback() -> AsyncIterator[FakeCallback]:
    async with FakeCallback() as running:
        yield running


def pushed(callback: FakeCallback) -> Callback:
    return Callback("crm", callback.url, SECRET, allow_private=True)


MAKERS: list[Callable[[FakeCallback], Channel]] = [lambda _: WebChat("site"), lambda _: Api("api"), pushed]


@pytest.fixture(params=MAKERS, ids=["webchat", "api", "callback"])
async def channel(request: pytest.FixtureRequest, callback: FakeCallback) -> AsyncIterator[Channel]:
    made: Channel = request.param(callback)
    yield made
    await made.close()


async def test_it_sends_and_says_so(channel: Channel) -> None:
    assert await channel.send(outgoing()) == Sent()


async def test_it_is_named_and_keeps_its_secret(channel: Channel) -> None:
    assert channel.name in ("site", "api", "crm")
    assert SECRET not in repr(channel)


async def test_it_closes_twice_and_opens_again(channel: Channel) -> None:
    await channel.close()
    await channel.close()
    assert await channel.send(outgoing()) == Sent()


@pytest.mark.parametrize(
    ("status", "attempt", "final", "wait"),
    [
        (500, 1, False, SCHEDULE[0]),
        (302, 2, False, SCHEDULE[1]),
        (404, 9, False, SCHEDULE[8]),
        (500, 10, True, None),
        (410, 1, True, None),
    ],
)
async def test_a_refused_push_follows_the_schedule(
    callback: FakeCallback, status: int, attempt: int, final: bool, wait: float | None
) -> None:
    callback.answer(status)
    channel = pushed(callback)
    with pytest.raises(ChannelError) as error:
        await channel.send(outgoing(attempt))
    await channel.close()
    assert (error.value.then is Then.GIVE_UP, error.value.retry_after) == (final, wait)


@pytest.mark.parametrize(("asked", "wait"), [("600", 600), ("1", SCHEDULE[0]), ("soon", SCHEDULE[0])])
async def test_a_push_waits_as_long_as_it_was_asked_to(callback: FakeCallback, asked: str, wait: float) -> None:
    callback.answer(429, headers={"Retry-After": asked})
    channel = pushed(callback)
    with pytest.raises(ChannelError) as error:
        await channel.send(outgoing())
    await channel.close()
    assert error.value.retry_after == wait


async def test_nobody_there_is_no_surprise() -> None:
    channel = Callback("crm", "http://127.0.0.1:9/", SECRET, allow_private=True)
    with pytest.raises(ChannelError) as error:
        await channel.send(outgoing())
    await channel.close()
    assert error.value.then is Then.AGAIN


INSIDE = ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:7f00:1]:{port}/"]


@pytest.mark.parametrize("url", INSIDE)
async def test_an_address_inside_is_never_called(callback: FakeCallback, url: str) -> None:
    port = callback.url.rpartition(":")[2].partition("/")[0]
    channel = Callback("crm", url.format(port=port), SECRET)
    with pytest.raises(ChannelError):
        await channel.send(outgoing())
    await channel.close()
    assert callback.seen == []


async def test_a_name_that_leads_inside_is_never_called(
    callback: FakeCallback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a name leads to is only known when it is resolved, and it may have changed since it was configured."""

    port = int(callback.url.rpartition(":")[2].partition("/")[0])

    async def inside(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside, raising=False)
    channel = Callback("crm", f"http://callback.example:{port}/replies", SECRET)
    with pytest.raises(ChannelError):
        await channel.send(outgoing())
    await channel.close()
    assert callback.seen == []
