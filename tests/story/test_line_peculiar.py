"""What only one provider has, met by the core that knows none of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import orjson
import pytest

from gateway.app import Gateway
from gateway.live import THINKING
from storage.model import Kind
from tests.fakes import graph, sounds
from tests.fakes import openai as wire
from tests.fakes import telegram as telegram_wire
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import (
    VOICE,
    Evolution,
    Telegram,
    WhatsApp,
    after,
    config,
    conversation,
    ends_burst,
    heard,
    held,
    inbound,
    outcomes,
    patient,
    quiet,
    states,
    states_within,
    until,
    with_an_ear,
)
from tests.story.running import LONG, pass_time, running

QUIETLY = {"presence": "false", "read_receipts": "false"}
MARKER = "Ação: Transferir para o setor de atendimento"


MENTION = [{"type": "mention", "offset": 0, "length": len("@ana_clinic_bot")}]

# -- Telegram ----------------------------------------------------------------------------------------


async def test_a_contact_who_takes_no_voice_notes_is_written_to_from_then_on(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path
) -> None:
    tele.fake.voiceless.add(tele.MARIA)
    async with running(with_an_ear(openai, tele, format="voice", channel=QUIETLY), tmp_path) as (gateway, _):
        await tele.post(gateway, tele.message("m1", "um"))
        await until(lambda: "Echo: um" in tele.sent(), "the words")
        await quiet(gateway)
        await tele.post(gateway, tele.message("m2", "dois"))
        await until(lambda: "Echo: dois" in tele.sent(), "the words")
        assert len(tele.fake.called("sendVoice")) == 1, "it is remembered, also by the voice that costs money"
        turns = await gateway.store.turns(conversation(tele), 0, 9)
        assert [line["reason"] for line in turns[1].timeline if line["step"] == "shape"] == ["contact_cannot_play"]


async def test_a_group_that_moved_is_followed(tele: Telegram, openai: FakeOpenAI, tmp_path: Path) -> None:
    old, new = -100, -1009
    chat = {"id": old, "type": "group", "title": "Vizinhos"}
    tele.fake.migrated[old] = new
    async with running(config(openai, tele, channel={**QUIETLY, "groups": '"answer"'}), tmp_path) as (gateway, _):
        await tele.post(gateway, tele.message("m1", "@ana_clinic_bot oi", chat=chat, entities=MENTION))
        await until(lambda: len(tele.fake.called("sendMessage")) == 2, "sent again to where it is now")
        assert [call.fields["chat_id"] for call in tele.fake.called("sendMessage")] == [old, new]


async def test_an_album_is_one_question(tele: Telegram, openai: FakeOpenAI, tmp_path: Path) -> None:
    jpeg = b"\xff\xd8\xff\xe0" + b"\x00" * 64
    photo = [{"file_id": "p1", "file_unique_id": "p1", "width": 90, "height": 90}]
    tele.fake.files["p1"] = ("photos/p1.jpg", jpeg)
    async with running(patient(openai, tele, channel=QUIETLY), tmp_path) as (gateway, _):
        for n in range(3):
            body = orjson.loads(tele.message(f"a{n}", ""))
            del body["message"]["text"]
            body["message"] |= {"photo": photo, "media_group_id": "g1"}
            if not n:
                body["message"]["caption"] = "serve esta?"
            await tele.post(gateway, orjson.dumps(body))
        await ends_burst(gateway, tele, 3)
        assert await heard(tele, 1) == ["Echo: serve esta?"]
        assert len(openai.asked) == 1
        assert len(openai.asked[0].pictures) == 3


async def test_a_pressed_button_is_answered_and_acknowledged(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path
) -> None:
    message = {"message_id": 99, "date": 1, "chat": telegram_wire.MARIA, "text": "Qual?"}
    message |= {"reply_markup": {"inline_keyboard": [[{"text": "Azul", "callback_data": "azul"}]]}}
    query = {"id": "q1", "from": tele._user(tele.MARIA), "chat_instance": "1", "message": message, "data": "azul"}
    async with running(config(openai, tele), tmp_path) as (gateway, _):
        await tele.post(gateway, orjson.dumps({"update_id": 1, "callback_query": query}))
        assert await heard(tele, 1) == ["Echo: Azul"]
        await until(lambda: tele.fake.called("answerCallbackQuery"), "the button stops spinning")


async def test_who_blocked_the_bot_is_left_alone_until_he_is_back(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path
) -> None:
    def member(status: str) -> bytes:
        bot = {"user": {"id": 800000001, "is_bot": True, "first_name": "Ana"}, "status": status}
        old = {**bot, "status": "member" if status == "kicked" else "kicked"}
        who = {"chat": telegram_wire.MARIA, "from": tele._user(tele.MARIA), "date": 1795226400}
        update = {**who, "old_chat_member": old, "new_chat_member": bot}
        return orjson.dumps({"update_id": 2, "my_chat_member": update})

    async with running(config(openai, tele, channel=QUIETLY), tmp_path) as (gateway, _):
        await tele.post(gateway, tele.message("m1", "oi"))
        await heard(tele, 1)
        await tele.post(gateway, member("kicked"))
        assert "unreachable" in await gateway.store.facts(conversation(tele))
        await tele.post(gateway, member("member"))
        assert "unreachable" not in await gateway.store.facts(conversation(tele))


async def test_without_an_address_of_ours_telegram_is_asked(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path
) -> None:
    text = config(openai, tele, channel={**QUIETLY, "mode": '"polling"'})
    async with running(text, tmp_path) as (gateway, _):
        tele.fake.arrives({"message": orjson.loads(tele.message("m1", "oi"))["message"]})
        assert await heard(tele, 1) == ["Echo: oi"]
        await until(lambda: not tele.fake.waiting, "what was taken is confirmed")
        await quiet(gateway)
    tele.fake.arrives({"message": orjson.loads(tele.message("m2", "de novo"))["message"]})
    async with running(text, tmp_path) as (gateway, _):
        assert await heard(tele, 2) == ["Echo: oi", "Echo: de novo"]
        await quiet(gateway)
        assert await inbound(gateway, tele) == 2


async def test_two_who_ask_for_the_same_bot_are_told(tele: Telegram, openai: FakeOpenAI, tmp_path: Path) -> None:
    tele.fake.webhook = {"url": "https://elsewhere.example/"}
    async with running(config(openai, tele, channel={"mode": '"polling"'}), tmp_path) as (gateway, _):
        await until(lambda: gateway.hooked["tele"].trouble, "the trouble")
        assert "webhook" in gateway.hooked["tele"].trouble
        assert any("tele" in line for line in await _ready(gateway))


# -- Evolution ---------------------------------------------------------------------------------------


async def test_the_same_message_under_two_identities_is_one(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path
) -> None:
    lid = {"remoteJid": "123456789012345@lid"}
    async with running(config(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
        await evo.post(gateway, evo.message("m1", "oi", **lid))
        await heard(evo, 1)
        await evo.post(gateway, evo.message("m1", "oi"))
        await evo.post(gateway, evo.message("m2", "tudo bem?", remoteJidAlt="123456789012345@lid"))
        assert await heard(evo, 2) == ["Echo: oi", "Echo: tudo bem?"]
        await quiet(gateway)
        assert len(openai.asked) == 2
        assert len(openai.asked[1].said) == 3, "one conversation"


async def test_a_device_that_is_offline_gets_it_later(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.evolution.OFFLINE_WAIT", 0.01)
    online = asyncio.Event()
    async with running(config(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
        evo.fake.next("offline_400", after(online))
        await evo.post(gateway, evo.message("m1", "oi"))
        await until(lambda: gateway.hooked["evo"].trouble, "the trouble")
        online.set()
        await states_within(gateway, evo, ["sent"])
        assert evo.sent() == ["Echo: oi", "Echo: oi"], "refused for certain, so sent again"


async def test_showing_that_we_type_holds_nothing(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one blocks for as long as it shows."""
    monkeypatch.setattr("gateway.channels.evolution.SHOW", 600.0)
    async with running(patient(openai, evo), tmp_path) as (gateway, _):
        await evo.post(gateway, evo.message("m1", "oi"))
        await until(lambda: evo.fake.called("sendPresence"), "it is shown, and the call does not end")
        await ends_burst(gateway, evo, 1)
        assert await heard(evo, 1) == ["Echo: oi"]


async def test_what_the_owner_writes_in_a_group_is_nobody_s_takeover(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path
) -> None:
    group = {"remoteJid": "120363000000000000@g.us", "fromMe": True}
    async with running(config(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
        assert await evo.post(gateway, evo.message("g1", "bom dia, vizinhos", **group)) == 200
        assert (await gateway.store.depths()).held == 0
        assert (await gateway.store.depths()).conversations == 0


async def test_who_spoke_sees_that_audio_is_recorded_from_the_first_moment(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path
) -> None:
    text = with_an_ear(openai, evo, format="mirror", interval=LONG, max_wait=LONG)
    async with running(text, tmp_path) as (gateway, _):
        await evo.post(gateway, evo.message("m1", "oi"))
        await until(lambda: evo.fake.called("sendPresence"), "it is shown")
        await ends_burst(gateway, evo, 1)
        await heard(evo, 1)
        await quiet(gateway)
        wrote = [call.json["presence"] for call in evo.fake.called("sendPresence")]
        await evo.post(gateway, evo.voice("m2", sounds.ogg_opus(1.0)))
        await until(lambda: len(evo.fake.called("sendPresence")) > len(wrote), "it is shown")
        gateway.live.hear(conversation(evo), THINKING)  # of a fleet: somebody has it, and does not say in which form
        await ends_burst(gateway, evo, 2)
        assert await heard(evo, 2) == ["Echo: oi", VOICE]
        spoke = [call.json["presence"] for call in evo.fake.called("sendPresence")][len(wrote) :]
        assert set(wrote) == {"composing"}
        assert set(spoke) == {"recording"}


async def test_the_provider_s_clock_orders_a_burst(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(patient(openai, evo, channel=QUIETLY), tmp_path) as (gateway, _):
        for id, text, age in (("m3", "três", 1), ("m1", "um", 30), ("m2", "dois", 10)):
            await evo.post(gateway, evo.message(id, text, age=age))
        await ends_burst(gateway, evo, 3)
        assert await heard(evo, 1) == ["Echo: um\ndois\ntrês"]


# -- the way out -------------------------------------------------------------------------------------


async def test_a_long_answer_comes_in_order_and_at_a_person_s_pace(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    long = "\n\n".join(f"Parágrafo {n}. " + "palavra " * 250 for n in range(4))
    openai.play(wire.spoken(long))
    text = config(openai, zap).replace("[queues.reply]\n", "[queues.reply]\ntyping_min_ms = 100\ntyping_max_ms = 300\n")
    async with running(text, tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "conta tudo"))
        parts = await heard(zap, 2)
        await quiet(gateway)
        assert "".join("".join(parts).split()) == "".join(long.split())
        assert all(len(part) <= 4096 for part in parts)
        assert await states(gateway, zap) == ["sent"] * len(zap.sent())


async def test_what_was_not_yet_sent_stays_when_a_person_comes(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    openai.play(wire.spoken("\n\n".join("palavra " * 400 for _ in range(3))))
    text = config(openai, zap, channel=QUIETLY).replace(
        "[queues.reply]\n", "[queues.reply]\ntyping_min_ms = 15000\ntyping_max_ms = 15000\n"
    )
    async with running(text, tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "conta tudo"))
        await heard(zap, 1)
        await states_within(gateway, zap, ["sent"])
        await zap.post(gateway, zap.from_the_phone("p1", "deixa comigo"))
        pass_time(gateway)
        await quiet(gateway)
        assert len(zap.sent()) == 1
        assert set(await states(gateway, zap)) == {"sent", "withdrawn"}


async def test_a_transfer_is_said_once_and_people_have_it(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    openai.play(wire.spoken(MARKER))
    async with running(with_an_ear(openai, zap, format="voice", channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.voice("m1", sounds.ogg_opus(1.0)))
        (said,) = await heard(zap, 1)
        assert said != VOICE
        assert MARKER not in said
        assert await held(gateway, zap) == "marker"
        await zap.post(gateway, zap.message("m2", "ok"))
        assert (await outcomes(gateway, zap, 2))[1] == ("held", "held_by_person")
        await quiet(gateway)
        assert len(zap.sent()) == 1


async def test_our_sentences_come_in_the_customer_s_language(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(with_an_ear(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Hello, do you deliver to Lisbon? I would like to know the price."))
        await heard(zap, 1)
        openai.play(wire.spoken(MARKER))
        await zap.post(gateway, zap.message("m2", "I want to talk to a person, please"))
        assert (await heard(zap, 2))[1].startswith("I am bringing in")


# -- started again -----------------------------------------------------------------------------------


async def test_a_medium_that_a_crash_lost_is_fetched_by_the_turn(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    text = with_an_ear(openai, zap, interval=600, channel=QUIETLY)
    async with running(text, tmp_path) as (gateway, _):
        await gateway._loops[Kind.IN].stop(0)
        gateway.arrivals.fetching.channels = {}  # type: ignore[misc]
        await zap.post(gateway, zap.voice("m1", sounds.ogg_opus(1.0)))
    async with running(text, tmp_path) as (gateway, _):
        assert await heard(zap, 1) == ["Echo: quanto custa o frete?"]


async def test_a_hold_set_while_the_send_waits_is_asked_again(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every gate is asked again at each try."""
    monkeypatch.setattr("gateway.deliveries.REST", 0.01)
    refused = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(refused, graph.error(190)))
        await zap.post(gateway, zap.message("m1", "oi"))
        await until(lambda: zap.fake.calls, "the first try")
        await gateway.people.take(conversation(zap), "", key="k", by="api")
        refused.set()
        await states_within(gateway, zap, ["withdrawn"])
        assert zap.sent() == []


async def test_what_was_written_before_people_came_stays_unsent_when_they_have_let_go_again(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliveries.REST", 0.01)
    refused = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(after(refused, graph.error(190)))
        await zap.post(gateway, zap.message("m1", "oi"))
        await until(lambda: zap.fake.calls, "the first try")
        await gateway.people.take(conversation(zap), "Bia", key="k", by="desk")
        await gateway.people.release(conversation(zap), "Bia", key="l")
        refused.set()
        await states_within(gateway, zap, ["withdrawn"])
        assert zap.sent() == []


async def _ready(gateway: Gateway) -> list[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/readyz") as answer:
        return list((await answer.json())["degraded"])

