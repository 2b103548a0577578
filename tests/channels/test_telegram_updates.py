"""How updates come: posted to us, or asked for, and none is lost or confirmed too early."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.channels.base import Event, Forged, Hook, Inbound, Noise, Polled, Unknown
from gateway.channels.telegram import BACKOFF, CROWD, Telegram
from gateway.channels.telegram_events import ALLOWED
from tests.channels.test_telegram_sends import SECRET_PART, settings
from tests.fakes.telegram import MARIA, SECRET, FakeTelegram, refused, sample, spoken

SOON = 60.0
"""Seconds after which a test has failed; none takes that long."""


@dataclass
class Bench:
    """A channel that asks, and what came of it."""

    telegram: FakeTelegram
    channel: Telegram
    slept: list[float] = field(default_factory=list)
    taken: list[tuple[Sequence[Event], bytes]] = field(default_factory=list)
    refuses: int = 0
    """So many of the next takes fail."""
    news: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def take(self, events: Sequence[Event], raw: bytes) -> None:
        if self.refuses:
            self.refuses -= 1
            raise OSError("the disk is full")
        self.taken.append((events, raw))
        for event in events:
            self.news.put_nowait(event)

    async def next(self) -> Any:
        async with asyncio.timeout(SOON):
            return await self.news.get()

    async def asks(self, times: int = 1) -> None:
        """Until so many questions came."""
        async with asyncio.timeout(SOON):
            while times:
                times -= (await self.telegram.arrivals.get()).method == "getUpdates"

    def offsets(self) -> list[int]:
        return [call.fields.get("offset", 0) for call in self.telegram.called("getUpdates")]


def text(words: str, id: int = 101) -> dict[str, Any]:
    chat = {"message_id": id, "from": {**MARIA, "is_bot": False}, "chat": MARIA, "date": 1795226400}
    return {"message": {**chat, "text": words}}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with FakeTelegram() as telegram:
        made = Bench(telegram, Telegram(settings(telegram.url), allow_private=True))
        made.channel._sleep = made.sleep
        yield made
        await made.channel.close()


@pytest.fixture
async def asking(bench: Bench) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(bench.channel.poll(bench.take))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(SOON):
        await task


# -- asking --------------------------------------------------------------------------------------


def test_it_is_what_the_core_asks_for() -> None:
    channel: Polled = Telegram(settings("https://bot.example"), allow_private=False)
    assert isinstance(channel, Polled)


async def test_updates_come_in_order_and_are_then_confirmed(bench: Bench, asking: asyncio.Task[None]) -> None:
    sent = [bench.telegram.arrives(text(words, n)) for n, words in enumerate("abc", 1)]
    assert [(await bench.next()).text for _ in sent] == ["a", "b", "c"]
    await bench.asks(2)
    assert bench.offsets()[1] == sent[-1]["update_id"] + 1
    assert bench.telegram.waiting == []
    assert [orjson.loads(raw) for _, raw in bench.taken] == sent


async def test_it_asks_for_all_it_understands(bench: Bench, asking: asyncio.Task[None]) -> None:
    await bench.asks()
    (call, *_) = bench.telegram.called("getUpdates")
    assert call.fields == {"limit": 100, "timeout": 25, "allowed_updates": list(ALLOWED)}
    bench.telegram.arrives(sample("update.message_reaction"))
    assert (await bench.next()).meaning == "reaction"


async def test_what_could_not_be_kept_comes_again_and_nothing_overtakes_it(bench: Bench) -> None:
    for n, words in enumerate("abc", 1):
        bench.telegram.arrives(text(words, n))
    bench.refuses = 2
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert [(await bench.next()).text for _ in "abc"] == ["a", "b", "c"]
    task.cancel()
    assert bench.slept == [1.0, 1.0]
    assert bench.offsets()[:3] == [0, 0, 0]


async def test_half_of_an_answer_is_confirmed_when_the_other_half_could_not_be_kept(bench: Bench) -> None:
    first, second = (bench.telegram.arrives(text(words)) for words in "ab")

    async def only_a(events: Sequence[Event], raw: bytes) -> None:
        if len(bench.taken) == 1 and not bench.slept:
            raise OSError("the disk is full")
        await bench.take(events, raw)

    task = asyncio.create_task(bench.channel.poll(only_a))
    assert [(await bench.next()).text for _ in "ab"] == ["a", "b"]
    task.cancel()
    assert bench.offsets()[:2] == [0, second["update_id"]]
    assert first["update_id"] < second["update_id"]


async def test_a_process_that_dies_before_it_confirmed_is_told_again(bench: Bench) -> None:
    """The message is on disk, the next question was never asked: the next process gets it once more, and the id it is
    told by is the same."""
    bench.telegram.arrives(text("Oi"))
    died = asyncio.Event()

    async def dies(events: Sequence[Event], raw: bytes) -> None:
        await bench.take(events, raw)
        died.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(bench.channel.poll(dies))
    await died.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    reborn = Telegram(settings(bench.telegram.url), allow_private=True)
    again = asyncio.create_task(reborn.poll(bench.take))
    before, after = await bench.next(), await bench.next()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    await reborn.close()
    assert before.id == after.id == "700000001:101"


async def test_ids_that_start_anew_lose_nothing(bench: Bench, asking: asyncio.Task[None]) -> None:
    """After a quiet week the next id is a random one, maybe smaller; an empty answer lay between."""
    bench.telegram.arrives(text("a"), id=900_000_500)
    assert (await bench.next()).text == "a"
    await bench.asks(2)
    bench.telegram.has_nothing()
    await bench.asks()
    assert bench.offsets() == [0, 900_000_501, 0]
    bench.telegram.arrives(text("b"), id=17)
    assert (await bench.next()).text == "b"


async def test_an_album_comes_as_so_many_messages(bench: Bench, asking: asyncio.Task[None]) -> None:
    photo = sample("update.photo")
    for id in (101, 102):
        bench.telegram.arrives({"message": {**photo["message"], "message_id": id}})
    first, second = await bench.next(), await bench.next()
    assert first.contact == second.contact
    assert first.id != second.id


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        ("401", "@BotFather"),
        ("404", "@BotFather"),
        ("409.webhook_active", "deleteWebhook"),
        ("409.other_poll", "another program"),
    ],
)
async def test_asking_ends_where_it_makes_no_sense(bench: Bench, fault: str, cure: str) -> None:
    bench.telegram.next("getUpdates", fault)
    await ended(asyncio.create_task(bench.channel.poll(bench.take)))
    assert cure in bench.channel.trouble
    assert SECRET_PART not in bench.channel.trouble
    assert bench.slept == []


async def test_a_webhook_that_is_there_forbids_to_ask(bench: Bench) -> None:
    bench.telegram.webhook = {"url": "https://elsewhere.example/"}
    await ended(asyncio.create_task(bench.channel.poll(bench.take)))
    assert 'mode = "webhook"' in bench.channel.trouble


async def test_who_asks_later_goes_on_and_who_asked_first_stops(bench: Bench, asking: asyncio.Task[None]) -> None:
    await bench.asks()
    other = Telegram(settings(bench.telegram.url), allow_private=True)
    second = asyncio.create_task(other.poll(bench.take))
    await ended(asking)
    assert "another program" in bench.channel.trouble
    bench.telegram.arrives(text("Oi"))
    assert (await bench.next()).text == "Oi"
    assert other.trouble == ""
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await other.close()


async def test_a_bad_day_is_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    days = ["500", "html.502", "cut", "dropped", "html.200", "html.403", "json.list", "400.odd"]
    bench.telegram.next("getUpdates", *days, refused(429, "Too Many Requests: retry after 7", retry_after=7), "500")
    bench.telegram.arrives(text("Oi"))
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert (await bench.next()).text == "Oi"
    await bench.asks(len(days) + 3)
    task.cancel()
    assert bench.slept == [*BACKOFF, BACKOFF[-1], BACKOFF[-1], 7.0, BACKOFF[-1]]
    assert bench.channel.trouble == ""
    assert SECRET_PART not in caplog.text


async def test_after_a_good_answer_patience_begins_anew(bench: Bench) -> None:
    bench.telegram.next("getUpdates", "500", "500")
    bench.telegram.arrives(text("a"))
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert (await bench.next()).text == "a"
    await bench.asks(4)
    bench.telegram.next("getUpdates", "500")
    bench.telegram.has_nothing()
    bench.telegram.arrives(text("b"))
    assert (await bench.next()).text == "b"
    await bench.asks(2)
    bench.telegram.arrives(text("c"))
    assert (await bench.next()).text == "c"
    task.cancel()
    assert bench.slept == [1.0, 2.0, 1.0]


async def test_a_proxy_that_finds_nothing_is_no_wrong_token(bench: Bench) -> None:
    bench.telegram.next("getUpdates", spoken(404, b"<title>404</title>"), spoken(409, b""))
    bench.telegram.arrives(text("Oi"))
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert (await bench.next()).text == "Oi"
    task.cancel()
    assert bench.channel.trouble == ""


async def test_trouble_is_told_while_it_lasts(bench: Bench) -> None:
    seen: list[str] = []

    async def sleep(seconds: float) -> None:
        seen.append(bench.channel.trouble)

    bench.channel._sleep = sleep
    bench.telegram.next("getUpdates", "502", "dropped")
    bench.telegram.arrives(text("Oi"))
    task = asyncio.create_task(bench.channel.poll(bench.take))
    await bench.next()
    task.cancel()
    assert [bool(trouble) for trouble in seen] == [True, True]
    assert not any(SECRET_PART in trouble for trouble in seen)


async def test_an_update_without_a_number_does_not_spin(bench: Bench) -> None:
    async def odd(request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True, "result": [{"message": {}}, 5]})

    bench.telegram.next("getUpdates", odd)
    bench.telegram.arrives(text("Oi"))
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert (await bench.next()).text == "Oi"
    task.cancel()
    assert bench.slept == [1.0]


async def test_the_name_groups_call_it_by_is_learnt_when_telegram_is_there(bench: Bench) -> None:
    bench.telegram.next("getMe", "dropped", "500")
    await bench.channel.begin()
    other = sample("update.group.mention")
    other["message"] |= {"text": "@another_bot oi", "entities": [{"type": "mention", "offset": 0, "length": 12}]}
    for _ in range(2):
        bench.telegram.arrives(other)
    bench.telegram.next("getUpdates", "500")
    task = asyncio.create_task(bench.channel.poll(bench.take))
    assert await bench.next() == Noise("not_mentioned")
    task.cancel()


# -- being posted to -----------------------------------------------------------------------------


def hook(body: Any, secret: str | None = SECRET) -> Hook:
    headers = {} if secret is None else {"x-telegram-bot-api-secret-token": secret}
    return Hook(headers, body if isinstance(body, bytes) else orjson.dumps(body))


def posted_to(url: str = "https://bot.example", public_url: str = "https://gw.example/", **more: Any) -> Telegram:
    facts = {"mode": "webhook", "secret_token": SECRET} | more
    return Telegram(settings(url, **facts), allow_private=True, public_url=public_url)


def test_a_hook_is_the_update() -> None:
    (event,) = posted_to().read(hook(sample("update.text")))
    assert isinstance(event, Inbound)
    assert event.id == "700000001:101"


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1], "é" * 17, "\udce9" * 17])
def test_a_hook_without_the_secret_is_forged(secret: str | None) -> None:
    with pytest.raises(Forged):
        posted_to().read(hook(sample("update.text"), secret))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_every_hook_is_forged(secret: str | None) -> None:
    with pytest.raises(Forged):
        posted_to(secret_token="", mode="polling").read(hook(sample("update.text"), secret))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000, b'"\\ud800"'])
def test_what_is_no_json_is_kept_raw(body: bytes) -> None:
    assert posted_to().read(hook(body)) == [Unknown("not_json")]


@pytest.mark.parametrize("body", [b"5", b"[]", b"null", b"{}"])
def test_what_is_no_update_is_kept_raw(body: bytes) -> None:
    assert posted_to().read(hook(body)) == [Unknown("update")]


async def test_telegram_is_told_where_to_post(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    await channel.begin()
    await channel.begin()
    await channel.close()
    assert channel.trouble == ""
    assert bench.telegram.webhook == {
        "url": "https://gw.example/hooks/telegram/bot",
        "secret_token": SECRET,
        "max_connections": 40,
        "allowed_updates": list(ALLOWED),
    }


async def test_what_telegram_posts_we_read(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    await channel.begin()
    seen: list[Event] = []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.extend(channel.read(Hook(headers, await request.read())))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hooks/telegram/bot", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    for words in "ab":
        bench.telegram.arrives(text(words))
    statuses = await bench.telegram.deliver(f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/telegram/bot")
    await runner.cleanup()
    await channel.close()
    assert statuses == [200, 200]
    assert [event.text for event in seen if isinstance(event, Inbound)] == ["a", "b"]


async def test_a_webhook_that_cannot_be_set_is_told(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url, "http://gw.example")
    await channel.begin()
    assert "HTTPS" in channel.trouble
    channel.read(hook(sample("update.text")))
    assert channel.trouble == "", "a hook that came proves that hooks come"
    await channel.close()


async def test_a_webhook_is_set_when_telegram_is_back(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    channel._sleep = bench.sleep
    bench.telegram.next("setWebhook", "502", "dropped", "429")
    await channel.begin()
    await channel.close()
    assert (channel.trouble, bench.slept) == ("", list(BACKOFF[:3]))
    assert bench.telegram.webhook


async def test_a_webhook_needs_an_address() -> None:
    channel = posted_to("http://127.0.0.1:9", "")
    await channel.begin()
    await channel.close()
    assert "server.public_url" in channel.trouble


# -- business accounts ---------------------------------------------------------------------------


def connection(**more: Any) -> dict[str, Any]:
    update = sample("update.business_connection")
    update["business_connection"] |= more
    return dict(update)


def test_who_owns_an_account_is_remembered() -> None:
    channel = posted_to()
    assert channel.update(connection()) == [Noise("business_connection")]
    assert channel._owners == {"bc_1": 700000099}
    channel.update(connection(is_enabled=False))
    assert channel._owners == {}


def test_an_account_that_may_not_be_answered_for_is_trouble() -> None:
    channel = posted_to()
    channel.update(connection(rights={"can_read_messages": True}))
    assert "allow replying" in channel.trouble
    channel.update(connection())
    assert channel.trouble == ""


def test_no_more_accounts_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.channels.telegram.OWNERS", 2)
    channel = posted_to()
    for n in range(5):
        channel.update(connection(id=f"bc_{n}", rights={}))
    assert list(channel._owners) == ["bc_3", "bc_4"]
    assert len(channel._troubles) == 2


# -- checking ------------------------------------------------------------------------------------


async def found(channel: Telegram) -> list[tuple[str, str]]:
    findings = await channel.check()
    await channel.close()
    assert not any(SECRET_PART in f.message or SECRET in f.message for f in findings)
    return [(finding.level, finding.key) for finding in findings]


async def test_a_bot_that_is_asked_is_right(bench: Bench) -> None:
    assert await found(bench.channel) == [("ok", "token"), ("ok", "mode")]


async def test_a_bot_that_is_posted_to_is_right(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    await channel.begin()
    assert await found(channel) == [("ok", "token"), ("ok", "mode")]


async def test_a_webhook_in_the_way_of_asking_is_found(bench: Bench) -> None:
    bench.telegram.webhook = {"url": "https://elsewhere.example/"}
    assert await found(bench.channel) == [("ok", "token"), ("error", "mode")]


async def test_a_webhook_that_is_not_ours_is_found_with_the_command(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    findings = await channel.check()
    await channel.close()
    assert [f.level for f in findings] == ["ok", "warning"], "what it does not post is no news when it posts nothing"
    assert "setWebhook" in findings[1].message
    assert "https://gw.example/hooks/telegram/bot" in findings[1].message
    assert "message_reaction" in findings[1].message


async def test_a_webhook_that_does_not_work_is_found(bench: Bench) -> None:
    channel = posted_to(bench.telegram.url)
    await channel.begin()
    bench.telegram.last_error = "Connection refused"
    for _ in range(CROWD + 1):
        bench.telegram.arrives(text("Oi"))
    assert await found(channel) == [("ok", "token"), ("ok", "mode"), ("warning", "mode"), ("warning", "mode")]


@pytest.mark.parametrize("public_url", ["", "http://gw.example", "https://gw.example:9000"])
async def test_an_address_telegram_cannot_post_to_is_found(bench: Bench, public_url: str) -> None:
    assert ("error", "mode") in await found(posted_to(bench.telegram.url, public_url))


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("401", ("error", "token")),
        ("404", ("error", "token")),
        ("html.403", ("error", "base_url")),
        ("html.200", ("error", "base_url")),
        ("500", ("warning", "token")),
        ("dropped", ("error", "base_url")),
    ],
)
async def test_a_bot_that_is_not_there_is_found(bench: Bench, fault: str, finding: tuple[str, str]) -> None:
    bench.telegram.next("getMe", fault)
    assert await found(bench.channel) == [finding]


async def test_groups_that_cannot_be_joined_are_found(bench: Bench) -> None:
    bench.telegram.me = {**bench.telegram.me, "can_join_groups": False}
    channel = Telegram(settings(bench.telegram.url, groups="answer"), allow_private=True)
    assert ("warning", "groups") in await found(channel)
