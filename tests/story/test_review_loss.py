"""What a hostile eye found on the way out and on the way in: each was said twice, or never."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import ENDS, Gateway
from gateway.channels.base import ChannelError, Outgoing, Sent, Then
from gateway.channels.whatsapp_cloud import WhatsAppCloud
from storage.model import Claim, ConversationId, Kind, Post, Settled, Settlement
from storage.procedures import append
from storage.store import Unavailable
from tests.fakes import graph as wire
from tests.fakes.callback import FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import (
    VOICE,
    Telegram,
    WhatsApp,
    after,
    config,
    conversation,
    heard,
    outcomes,
    quiet,
    states,
    until,
    with_an_ear,
)
from tests.story.running import pass_time, running, toml
from tests.story.test_desks import called
from tests.story.test_desks import config as with_desk
from tests.story.test_doors import pushed
from tests.story.test_review_lines import QUIETLY, texts
from tests.story.test_trouble import CRM
from tests.test_cli import recado

HOUR = 3_600_000


def claimed(gateway: Gateway, line: WhatsApp) -> int:
    """How often the way out of its conversation was claimed, as far as a claim runs now."""
    running = gateway._loops[Kind.OUT]._running.get(conversation(line))
    return running[0].epoch if running else 0


async def test_a_send_nobody_knows_about_is_not_repeated_when_that_cannot_be_written_down_at_once(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        settle, trouble = gateway.store.settle, [Unavailable("the database starts again", 0.1)]

        async def settling(claim: Claim, settlement: Settlement) -> Settled:
            if claim.kind is Kind.OUT and trouble:
                raise trouble.pop()
            return await settle(claim, settlement)

        monkeypatch.setattr(gateway.store, "settle", settling)
        zap.fake.next(wire.CUT)
        await zap.post(gateway, zap.message("m1", "Oi"))
        await quiet(gateway)
        assert not trouble
        assert texts(zap) == ["Echo: Oi"]
        assert await states(gateway, zap) == ["unsure"]


async def test_a_clock_that_jumps_ahead_sends_nothing_twice(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(gate))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: texts(zap), "the send")
        pass_time(gateway, HOUR)
        await zap.post(gateway, zap.message("m2", "e agora?"))
        await until(lambda: claimed(gateway, zap) == 2, "the same process has the lane once more")
        gate.set()
        await quiet(gateway)
        assert texts(zap) == ["Echo: Oi", "Echo: e agora?"]


async def test_what_was_sent_as_we_are_stopped_is_not_sent_again_at_the_next_start(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENDS, Kind.OUT, 0.1)
    text, asked = config(openai, zap, channel=QUIETLY), asyncio.Event()
    async with running(text, tmp_path) as (gateway, _):
        now = gateway.store.now

        async def slowly() -> int:
            if zap.sent() and not asked.is_set():
                asked.set()
                await asyncio.sleep(0.5)
            return await now()

        monkeypatch.setattr(gateway.store, "now", slowly)
        await zap.post(gateway, zap.message("m1", "Oi"))
        await asked.wait()
    async with running(text, tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m2", "alô?"))
        await quiet(gateway)
        assert zap.sent() == ["Echo: Oi", "Echo: alô?"]


# -- what cannot be read stands in nobody's way ---------------------------------------------------------

LATER = '{"id": "x", "by_a_later_version": true}'


async def test_a_message_that_cannot_be_read_does_not_silence_its_conversation(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.loops.backoff", lambda tries, random: 1)
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, contact):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        talk = await gateway.store.conversation(conversation(zap))
        assert talk is not None
        await gateway.store.accept(talk, Post(talk.id, "x", LATER))
        await quiet(gateway)
        assert (await outcomes(gateway, zap, 2))[1] == ("dead", "too_many_tries")
        assert (await gateway.store.depths()).dead == 1
        contact.conversation = talk.id
        await contact.act("release")
        await zap.post(gateway, zap.message("m2", "e agora?"))
        assert (await heard(zap, 3))[2] == "Echo: e agora?"


async def test_what_cannot_be_read_makes_nobody_repeat_what_was_sent_before_it(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.loops.backoff", lambda tries, random: 1)
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        (said,) = await gateway.store.latest(conversation(zap), Kind.OUT, 1)
        await gateway.store.pause(Kind.OUT, conversation(zap), "both are there")
        await gateway.store.send_also(Post(conversation(zap), "a:0", said.body))
        await gateway.store.send_also(Post(conversation(zap), "a:1", LATER))
        await gateway.store.send_also(Post(conversation(zap), "a:2", said.body))
        await gateway.store.pause(Kind.OUT, conversation(zap), None)
        await quiet(gateway)
        assert texts(zap) == ["Echo: Oi"] * 3
        assert (await gateway.store.depths()).dead == 1


# -- stopped, and put back ------------------------------------------------------------------------------


async def test_a_note_that_was_still_being_taken_up_as_we_are_stopped_is_sent_at_the_next_start(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENDS, Kind.OUT, 0.1)
    text, gate, begun = with_an_ear(openai, zap, format="voice", channel=QUIETLY), asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> None:
        begun.set()
        await gate.wait()

    async with running(text, tmp_path) as (gateway, _):
        zap.fake.next_upload(slow)
        await zap.post(gateway, zap.message("m1", "Oi"))
        await begun.wait()
    gate.set()
    async with running(text, tmp_path) as (gateway, _):
        await quiet(gateway)
        assert zap.sent() == [VOICE]
        assert (await gateway.store.depths()).dead == 0


@pytest.mark.file
async def test_after_a_restore_no_id_says_something_else_than_before(openai: FakeOpenAI, tmp_path: Path) -> None:
    """Whoever remembers ids, as we ask of callbacks and actions, would drop what is new."""
    async with FakeCallback() as callback:
        file = tmp_path / "recado.toml"
        file.write_text(toml(openai.base_url, openai_key=openai.key, more=pushed(callback)), "utf-8")
        async with running(file.read_text("utf-8"), tmp_path) as (_, contact):
            await contact.post(contact.message("oi"), wait=60, key=CRM, channel="crm")
            assert await recado("backup", "--config", file, "--to", tmp_path / "b.tar", "--with-key") == 0
            await contact.post(contact.message("e agora?"), wait=60, key=CRM, channel="crm")
            await callback.arrivals.get()
            await callback.arrivals.get()
        assert await recado("restore", tmp_path / "b.tar", "--config", file, "--replace") == 0
        async with running(file.read_text("utf-8"), tmp_path) as (_, again):
            again.id, again._number = contact.id, contact._number
            _, seen = await again.post(again.message("outra coisa"), wait=60, key=CRM, channel="crm")
            await callback.arrivals.get()
            place = (await again.get("/messages", key=CRM))[1]["messages"][-1]["cursor"]
        assert seen["parts"][0]["text"] == "Echo: outra coisa"
        assert len({id for id, _ in callback.seen}) == 3
        inbound, outbound = map(int, place.split("-"))
        assert min(inbound, outbound) > 2, "whoever read on from 2-2 reads it"


@pytest.mark.file
async def test_what_was_on_its_way_in_a_backup_goes_on_after_its_restore(
    openai: FakeOpenAI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both directions, once, and nothing is left behind: numbers that were jumped over are no messages."""
    minutes = {"interval": 20_000, "max_wait": 20_000}
    async with FakeCallback() as callback:
        file = tmp_path / "recado.toml"
        file.write_text(toml(openai.base_url, openai_key=openai.key, more=pushed(callback), **minutes), "utf-8")
        text, crm = file.read_text("utf-8"), {"key": CRM, "channel": "crm"}
        callback.answer(503, headers={"Retry-After": "3600"})
        async with running(text, tmp_path) as (gateway, contact):
            await contact.post(contact.message("oi"), **crm)
            await until(lambda: not pass_time(gateway, 20_000) and callback.seen, "a push that was refused")
            await contact.post(contact.message("e agora?"), **crm)
            assert await recado("backup", "--config", file, "--to", tmp_path / "b.tar", "--with-key") == 0
        assert await recado("restore", tmp_path / "b.tar", "--config", file, "--replace") == 0
        async with running(text, tmp_path) as (gateway, again):
            again.id, again._number = contact.id, contact._number
            pass_time(gateway, HOUR)
            await quiet(gateway)
            await again.post(again.message("outra coisa"), **crm)
            pass_time(gateway, HOUR)
            await quiet(gateway)
        said = [payload["data"]["parts"][0]["text"] for _, payload in callback.seen]
        assert said == ["Echo: oi", "Echo: oi", "Echo: e agora?", "Echo: outra coisa"]
        assert callback.seen[0][0] == callback.seen[1][0], "what was refused before comes under its own id"
        await recado("doctor", "--config", file)  # of its clock it has its own opinion
        assert "promises: kept" in capsys.readouterr().out


# -- asked for messages ---------------------------------------------------------------------------------


async def test_another_program_that_asked_once_does_not_end_the_asking(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody tried the bot's token on a laptop; Telegram takes it from us, and nobody would be answered any more."""
    monkeypatch.setattr("gateway.app.ASKED_ONCE_MORE", 0.01, raising=False)
    tele.fake.next("getUpdates", "409.other_poll")
    channel = {**QUIETLY, "mode": '"polling"'}
    async with running(config(openai, tele, channel=channel), tmp_path) as (gateway, _):
        tele.fake.arrives(json.loads(tele.message("1", "Oi")))
        assert await heard(tele, 1) == ["Echo: Oi"]
        assert gateway._degraded() == []


@pytest.mark.file
async def test_a_desk_is_told_what_comes_after_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.handovers.FIRST", 0.01)
    monkeypatch.setattr("gateway.handovers.MAX_TRIES", 2)
    monkeypatch.setattr("gateway.loops.backoff", lambda tries, random: 1)
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(with_desk(openai, desk), tmp_path) as (gateway, contact):
            await contact.ask("oi")
            item = Post(ConversationId(contact.conversation), "x", LATER)
            await gateway.store._write(append(Kind.DESK, item))  # type: ignore[attr-defined]
            await contact.ask("Isso é difícil demais.")
            told = await asyncio.wait_for(desk.arrivals.get(), 30)
            assert told["type"] == "handoff.requested"
            assert (await gateway.store.depths()).dead == 1


# -- a provider that is down for hours ------------------------------------------------------------------


@pytest.mark.parametrize(("longest", "sent"), [(86400, True), (3600, False)])
async def test_a_provider_that_is_down_for_hours_costs_nobody_the_answer(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int, sent: bool
) -> None:
    """And in the end, a day later, nobody waits for it any more."""
    monkeypatch.setattr("gateway.deliveries.LONGEST", longest)
    send, tried = WhatsAppCloud.send, list[int]()

    async def down(channel: WhatsAppCloud, outgoing: Outgoing) -> Sent:
        tried.append(await gateway.store.now())
        if tried[-1] - tried[0] < 3 * HOUR:
            raise ChannelError("ClientConnectorError", Then.AGAIN)
        return await send(channel, outgoing)

    async def at_once(*_: object) -> float:
        return 0.0

    monkeypatch.setattr(WhatsAppCloud, "send", down)
    monkeypatch.setattr("gateway.deliveries.Deliveries._wait", at_once)  # it goes by another clock
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: tried, "the first try")
        for _ in range(200):
            await until(lambda: not gateway._loops[Kind.OUT]._running, "the try is over")
            if (due := await gateway.store.next_wake(Kind.OUT)) is None:
                break
            seen = len(tried)
            pass_time(gateway, max(0, due - await gateway.store.now()) + 1)
            await until(lambda seen=seen: len(tried) > seen or over(gateway), "the next try")
        await quiet(gateway)
        assert zap.sent() == (["Echo: Oi"] if sent else [])
        assert (await gateway.store.depths()).dead == (0 if sent else 1)


async def over(gateway: Gateway) -> bool:
    """Nothing is to be sent any more."""
    return await gateway.store.next_wake(Kind.OUT) is None
