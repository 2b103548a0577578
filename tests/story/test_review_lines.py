"""What a second pair of eyes found on the providers' lines: each was lost, doubled or said to somebody who left."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import ENDS
from gateway.channels.base import Outgoing, Sent
from gateway.channels.telegram import Telegram as TelegramChannel
from gateway.channels.whatsapp_cloud import WhatsAppCloud
from gateway.deliveries import _next as parts_of_one_send
from gateway.rules.precedence import Ask, Ignore, Said, Situation, Transfer, decide
from storage.model import Entry, Kind
from storage.store import Unavailable
from tests.fakes import graph as wire
from tests.fakes import openai as openai_wire
from tests.fakes import sounds
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import (
    TEMPLATE,
    VOICE,
    WhatsApp,
    after,
    config,
    ends_burst,
    evolution,
    heard,
    held,
    outcomes,
    patient,
    quiet,
    states,
    states_within,
    telegram,
    until,
    whatsapp,
    with_an_ear,
)
from tests.story.running import running
from tts.errors import Encoding

QUIETLY = {"presence": "false", "read_receipts": "false"}
WITH_TEMPLATE = {**QUIETLY, "template": '"retomar_conversa:pt_BR"'}


def texts(zap: WhatsApp) -> list[str]:
    """What was tried, accepted or not."""
    return [call.json["text"]["body"] for call in zap.fake.calls if call.json and call.json.get("type") == "text"]


# -- nothing is sent twice blindly ---------------------------------------------------------------------


async def test_a_send_that_broke_in_our_own_hands_is_not_repeated(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = WhatsAppCloud.send

    async def broken(channel: WhatsAppCloud, outgoing: Outgoing) -> Sent:
        await send(channel, outgoing)
        raise KeyError("a field of the answer that nobody expected to be missing")

    monkeypatch.setattr(WhatsAppCloud, "send", broken)
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await quiet(gateway)
        assert await states(gateway, zap) == ["unsure"]
        assert zap.sent() == ["Echo: Oi"]


async def test_a_send_that_a_restart_cut_off_is_not_repeated(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENDS, Kind.OUT, 0.1)
    text = config(openai, zap, channel=QUIETLY)
    async with running(text, tmp_path) as (gateway, _):
        zap.fake.next(wire.HANG)
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: texts(zap), "the send")
    async with running(text, tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m2", "alô?"))
        assert await heard(zap, 1) == ["Echo: alô?"]
        assert (await states(gateway, zap))[0] == "unsure"
        assert (await gateway.store.depths()).dead == 1


async def test_an_echo_that_was_faster_than_the_cut_has_settled_the_send(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(gate, wire.CUT))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: texts(zap), "the send")
        await zap.post(gateway, zap.from_the_phone("early", "Echo: Oi"))
        gate.set()
        await quiet(gateway)
        assert await states(gateway, zap) == ["sent"]
        assert (await gateway.store.depths()).dead == 0
        await zap.post(gateway, zap.from_the_phone("early", "Echo: Oi"))
        assert await held(gateway, zap) == "", "that id is ours from now on"


async def test_a_note_said_in_words_is_not_followed_by_the_same_words(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, format="both", channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next_upload(wire.error(131053))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await outcomes(gateway, zap, 1)
        await quiet(gateway)
        assert zap.sent() == ["Echo: Oi"]


async def test_what_was_delivered_and_fails_afterwards_is_not_sent_again(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        await zap.post(gateway, zap.status(zap.ids()[0], "delivered"))
        await zap.post(gateway, zap.status(zap.ids()[0], "failed", errors=[{"code": 131000}]))
        await quiet(gateway)
        assert zap.sent() == ["Echo: Oi"]


# -- nothing is lost ---------------------------------------------------------------------------------------


async def test_a_failure_that_we_could_not_follow_up_is_followed_up_when_it_is_told_again(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        failed = zap.status(zap.ids()[0], "failed", errors=[{"code": 131000}])
        with monkeypatch.context() as broken:
            broken.setattr(gateway.store, "send_also", _full)
            assert await zap.post(gateway, failed) == 503
        for _ in range(3):
            assert await zap.post(gateway, failed) == 200
        await quiet(gateway)
        assert zap.sent() == ["Echo: Oi"] * 2, "once more, and once only"


async def _full(*_: Any) -> Any:
    raise Unavailable("the disk is full")


# -- the reply window ----------------------------------------------------------------------------------------


async def test_a_window_that_the_send_finds_closed_gets_the_template(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, channel=WITH_TEMPLATE), tmp_path) as (gateway, _):
        zap.fake.next(wire.error(131047))
        await zap.post(gateway, zap.message("m1", "Oi"))
        assert await heard(zap, 1) == [TEMPLATE]
        await quiet(gateway)
        assert await states(gateway, zap) == ["templated"]
        assert await held(gateway, zap) == ""


async def test_a_reply_of_several_parts_becomes_one_template(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, format="both", channel=WITH_TEMPLATE), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 2)
        await quiet(gateway)
        for id in zap.ids():
            await zap.post(gateway, zap.status(id, "failed", errors=[{"code": 131047}]))
            await quiet(gateway)
        assert zap.sent()[2:] == [TEMPLATE]


async def test_a_clock_that_runs_ahead_does_not_keep_the_window_open(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 24 * 3600.0
    monkeypatch.setattr("gateway.deliveries.MARGIN", day + 0.001)  # a window that closes as soon as it opens
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi", age=-30 * 24 * 3600))
        await quiet(gateway)
        assert await held(gateway, zap) == "outside_reply_window"


# -- who wants to be left alone --------------------------------------------------------------------------------


async def test_what_waits_is_not_sent_to_somebody_who_has_left(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliveries.REST", 0.2)
    gate = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(gate, wire.error(190)))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: texts(zap), "the send")
        await zap.post(gateway, zap.message("m2", "parar"))
        await outcomes(gateway, zap, 2)
        gate.set()
        (goodbye,) = await heard(zap, 1)
        assert "VOLTAR" in goodbye
        await states_within(gateway, zap, ["withdrawn", "sent"])


@pytest.mark.parametrize("aside", ["group", "ignored_contact", "late"])
def test_what_nobody_answers_is_not_answered_with_a_transfer_either(aside: str) -> None:
    """However often it broke the turn."""
    assert decide(Situation([Said("oi", aside=aside)], None, exhausted=True)) == Ignore(aside)
    assert decide(Situation([Said("oi")], None, exhausted=True, opted_out=True)) == Ignore("opted_out")
    assert decide(Situation([Said("oi")], None, exhausted=True)) == Transfer("too_many_tries", dead=True)


# -- the door ------------------------------------------------------------------------------------------------


async def test_who_only_announces_a_body_takes_nobody_s_place(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.hooks.AT_ONCE", 100_000)
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /hooks/whatsapp_cloud HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99990\r\nExpect: 100-continue"
        writer.write(f"{head}\r\n\r\n".encode())
        await writer.drain()
        await reader.read(10)  # the server waits for the body now
        assert await zap.post(gateway, zap.message("m1", "Oi")) == 200
        writer.close()


async def test_a_body_takes_the_room_it_unpacks_to(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.hooks.AT_ONCE", 100_000)
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, contact):
        packed = {"Content-Encoding": "gzip", "Content-Type": "application/json", **wire.signature(b"another")}
        url, bomb = f"{gateway.url}/hooks/whatsapp_cloud", gzip.compress(b" " * 1_000_000)
        async with contact.http.post(url, data=bomb, headers=packed) as answer:
            assert answer.status == 503
        assert await zap.post(gateway, zap.message("m1", "Oi")) == 200, "and gives it back"


# -- small print -----------------------------------------------------------------------------------------------


async def test_who_has_left_is_not_shown_that_he_was_read(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    def shown() -> set[str]:
        return {call.json["message_id"] for call in zap.fake.calls if call.json and call.json.get("status") == "read"}

    async with running(patient(openai, zap), tmp_path) as (gateway, _):
        presence: Any = gateway.live.on_busy
        await zap.post(gateway, zap.message("wamid.M1", "parar"))
        await until(shown, "the first is shown")
        await ends_burst(gateway, zap, 1)
        await outcomes(gateway, zap, 1)
        await zap.post(gateway, zap.message("wamid.M2", "oi?"))
        await until(lambda: not presence.__self__._tasks, "nothing more will be shown")
        await ends_burst(gateway, zap, 2)
        assert (await outcomes(gateway, zap, 2))[1] == ("ignored", "opted_out")
        assert shown() == {"wamid.M1"}


async def test_of_two_wishes_in_one_breath_the_last_one_counts() -> None:
    leaving = Situation([Said("voltar"), Said("parar")], None, opted_out=True)
    staying = Situation([Said("parar"), Said("voltar")], None)
    assert decide(leaving) == Ignore("opted_out")
    assert isinstance(decide(staying), Ask)


async def test_a_note_that_fails_later_beside_its_own_words_needs_no_more_words(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, format="both", channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 2)
        await quiet(gateway)
        await zap.post(gateway, zap.status(zap.ids()[0], "failed", errors=[{"code": 131053}]))
        await quiet(gateway)
        assert zap.sent() == [VOICE, "Echo: Oi"]


async def test_a_note_that_cannot_be_looked_at_now_is_kept_all_the_same(
    openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: bytes) -> Any:
        raise Encoding("encoder_timeout", retryable=True)

    async with evolution() as evo, running(with_an_ear(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
        monkeypatch.setattr(gateway.encoder, "inspect", busy)
        await evo.post(gateway, evo.voice("m1", sounds.ogg_opus(1.0)))
        assert await outcomes(gateway, evo, 1) == [("answered", "assistant")]


async def test_a_send_that_was_refused_and_whose_echo_is_here_went_out(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    """A bridge can break between the phone and its answer."""
    gate = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(gate, wire.error(131016)))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: texts(zap), "the send")
        await zap.post(gateway, zap.from_the_phone("early", "Echo: Oi"))
        gate.set()
        await quiet(gateway)
        assert await states(gateway, zap) == ["sent"]
        assert texts(zap) == ["Echo: Oi"]


async def test_asking_a_provider_goes_on_after_a_surprise(
    openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll, begun = TelegramChannel.poll, list[str]()

    async def surprised(channel: TelegramChannel, take: Any) -> None:
        begun.append(channel.name)
        if len(begun) == 1:
            raise KeyError("an answer nobody expected")
        await poll(channel, take)

    monkeypatch.setattr("gateway.app.ASKED_AGAIN", 0.01)
    monkeypatch.setattr(TelegramChannel, "poll", surprised)
    async with telegram() as tele, running(config(openai, tele, channel={"mode": '"polling"'}), tmp_path):
        await until(lambda: len(begun) == 2, "it asks again")


async def test_nobody_is_shown_typing_once_a_person_is_there(openai: FakeOpenAI, tmp_path: Path) -> None:
    gate = asyncio.Event()
    openai.play(openai_wire.spoken("tarde demais", gate=gate))
    async with whatsapp() as line, running(config(openai, line), tmp_path) as (gateway, _):
        presence: Any = gateway.live.on_busy
        await line.post(gateway, line.message("wamid.M1", "Oi"))
        await until(lambda: openai.asked and presence.__self__._tasks, "it is shown")
        await line.post(gateway, line.from_the_phone("p1", "eu respondo"))
        await until(lambda: not presence.__self__._tasks, "nothing is shown any more")
        gate.set()


def test_one_send_never_reaches_over_another_reply() -> None:
    """What is sent again stands behind what was said since: a template for both would swallow that."""
    turns = ["t1", "t1", "t2", "t1"]
    lane = [Entry(Kind.OUT, n, f"{turn}:{n}", json.dumps({"turn": turn}), 0) for n, turn in enumerate(turns)]
    assert [entry.seq for entry in parts_of_one_send(lane, True)] == [0, 1]
