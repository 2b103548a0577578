"""What goes wrong on a provider's line, and what the contact, the operator and the store make of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import Gateway
from gateway.checking import check
from gateway.config import ConfigError, parse
from storage.model import Claim, Kind, Receipt, Settled, Settlement, conversation_id
from storage.store import Unavailable
from tests.fakes import evolution as evolution_wire
from tests.fakes import graph as wire
from tests.fakes import sounds
from tests.fakes import telegram as telegram_wire
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import (
    ALL_AT_ONCE,
    TEMPLATE,
    VOICE,
    Evolution,
    Line,
    WhatsApp,
    after,
    at_length,
    batch,
    config,
    conversation,
    ends_burst,
    heard,
    held,
    in_three_pieces,
    outcomes,
    patient,
    quiet,
    states,
    states_within,
    until,
    with_an_ear,
)
from tests.story.running import running

ADMIN = "admin-key-0123456789"
QUIETLY = {"presence": "false", "read_receipts": "false"}


async def ready(gateway: Gateway) -> list[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/readyz") as answer:
        return list((await answer.json())["degraded"])


async def details(gateway: Gateway, line: Line) -> list[tuple[str, str]]:
    return [(r.status, r.detail) for r in await gateway.store.receipts(conversation(line))]


# -- recado check ------------------------------------------------------------------------------------


async def test_check_asks_every_provider_and_tells_what_nobody_could_read(
    line: Line, openai: FakeOpenAI, tmp_path: Path
) -> None:
    """Beside the gateway that has the database."""
    text = config(openai, line)
    async with running(text, tmp_path) as (gateway, _):
        await line.post(gateway, b'{"a": "shape of tomorrow"}')
        found = await check(parse(text, root=tmp_path))
    about = [one for one in found if one.key.startswith(f"channels.{line.name}")]
    assert any(one.level == "ok" for one in about), "the account is right"
    assert any("could not be read" in one.message for one in about)
    assert any("public_url" in one.message for one in about), "nobody can post to us yet"


async def test_check_names_a_key_that_is_wrong(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    key = {"zap": "access_token", "evo": "api_key"}.get(line.name, "token")
    found = await check(parse(config(openai, line, channel={key: '"12345:wrong"'}), root=tmp_path))
    assert (f"channels.{line.name}.{key}", "error") in [(one.key, one.level) for one in found]


# -- courtesies --------------------------------------------------------------------------------------


async def test_what_is_kept_is_shown_as_read_and_being_answered(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    def read() -> list[Any]:
        return [call.json for call in zap.fake.calls if call.json and call.json.get("status") == "read"]

    async with running(patient(openai, zap), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("wamid.M1", "Oi"))
        await until(lambda: len(read()) >= 2, "it is shown")
        await ends_burst(gateway, zap, 1)
        await heard(zap, 1)
        shown = read()
        assert {"messaging_product", "status", "message_id"} <= set(shown[0])
        assert {one["message_id"] for one in shown} == {"wamid.M1"}
        assert any("typing_indicator" in one for one in shown)


async def test_nothing_is_shown_as_read_while_a_person_has_it(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.from_the_phone("p1", "oi, sou eu"))
        await zap.post(gateway, zap.message("wamid.M1", "Oi"))
        assert await outcomes(gateway, zap, 1) == [("held", "held_by_person")]
        assert not [call for call in zap.fake.calls if call.json]


async def test_a_courtesy_that_fails_harms_nothing(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(patient(openai, zap), tmp_path) as (gateway, _):
        zap.fake.next(wire.error(131009), wire.CUT)
        await zap.post(gateway, zap.message("wamid.M1", "Oi"))
        await until(lambda: len(zap.fake.calls) >= 2, "both courtesies")
        await ends_burst(gateway, zap, 1)
        assert await heard(zap, 1) == ["Echo: Oi"]


# -- receipts ----------------------------------------------------------------------------------------


async def test_receipts_come_in_any_order_and_more_than_once(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, zap, format="mirror"), tmp_path) as (gateway, contact):
        await zap.post(gateway, zap.voice("wamid.M1", sounds.ogg_opus(1.0)))
        assert await heard(zap, 1) == [VOICE]
        await quiet(gateway)
        for status in ("played", "delivered", "read", "played", "sent"):
            await zap.post(gateway, zap.status(zap.ids()[0], status))
        assert sorted(await states(gateway, zap)) == ["delivered", "played", "read", "sent"]
        contact.conversation = conversation(zap)
        _, shown = await contact.get("/messages", key=ADMIN)
        assert shown["messages"][-1]["state"] == "played", "a receipt never takes back a later one"
        _, turns = await contact.get("/turns", key=ADMIN)
        assert {one["state"] for one in turns["turns"][0]["deliveries"]} == {"sent", "delivered", "read", "played"}


async def test_a_status_of_what_is_not_ours_changes_nothing(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, zap), tmp_path) as (gateway, contact):
        await contact.ask("oi")
        await quiet(gateway)
        theirs = f"{contact.conversation}.1:0"
        stranger = zap.status("wamid.X", "read", biz_opaque_callback_data=theirs)
        assert await zap.post(gateway, stranger) == 200
        receipts = await gateway.store.receipts(conversation_id("api", contact.id))
        assert [receipt.status for receipt in receipts] == ["sent"], "the delivery of another channel"


# -- failed sends ------------------------------------------------------------------------------------


async def test_a_send_nobody_knows_about_is_not_repeated_and_a_status_settles_it(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(wire.CUT)
        await zap.post(gateway, zap.message("m1", "Oi"))
        await states_within(gateway, zap, ["unsure"])
        assert (await gateway.store.depths()).dead == 1
        await zap.post(gateway, zap.message("m2", "alô?"))
        assert await heard(zap, 1) == ["Echo: alô?"], "the lane goes on"
        (turn, *_) = await gateway.store.turns(conversation(zap), 0, 9)
        told = zap.status("wamid.LATE", "delivered", biz_opaque_callback_data=f"{turn.id}:0")
        await zap.post(gateway, told)
        assert "delivered" in await states(gateway, zap)
        assert (await gateway.store.depths()).dead == 0


async def test_a_send_nobody_knows_about_is_settled_by_its_echo(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("from_the_phone")
    async with running(config(openai, line, channel=QUIETLY), tmp_path) as (gateway, _):
        _fault(line, _cut(line))
        await line.post(gateway, line.message("m1", "Oi"))
        await states_within(gateway, line, ["unsure"])
        await until(lambda: not gateway.deliveries._sending, "the send is over")
        await line.post(gateway, line.from_the_phone("their-id", "Echo:  Oi"))
        assert await states(gateway, line) == ["unsure", "sent"]
        assert await held(gateway, line) == "", "that was us"
        await line.post(gateway, line.from_the_phone("another-id", "Echo: Oi"))
        assert await held(gateway, line) == "person_answered_elsewhere", "once"


async def test_an_echo_that_comes_while_the_doubt_is_written_down_settles_it(
    line: Line, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.needs("from_the_phone")
    async with running(config(openai, line, channel=QUIETLY), tmp_path) as (gateway, _):
        settle = gateway.store.settle

        async def interrupted(claim: Any, settlement: Any) -> Any:
            settled = await settle(claim, settlement)
            if any(receipt.status == "unsure" for receipt in settlement.receipts):
                await line.post(gateway, line.from_the_phone("their-id", "Echo: Oi"))
            return settled

        monkeypatch.setattr(gateway.store, "settle", interrupted)
        _fault(line, _cut(line))
        await line.post(gateway, line.message("m1", "Oi"))
        await states_within(gateway, line, ["unsure", "sent"])
        assert await held(gateway, line) == "", "that was us"
        assert (await gateway.store.depths()).dead == 0


async def test_an_echo_that_overtakes_the_answer_of_its_send_is_ours(
    line: Line, openai: FakeOpenAI, tmp_path: Path
) -> None:
    line.needs("from_the_phone")
    gate = asyncio.Event()

    async def slow(*asked: Any) -> Any:
        await gate.wait()
        return await _cut(line)(*asked)

    async with running(config(openai, line, channel=QUIETLY), tmp_path) as (gateway, _):
        _fault(line, slow)
        await line.post(gateway, line.message("m1", "Oi"))
        await until(lambda: gateway.deliveries.is_sending(conversation(line), "Echo: Oi", voice=False), "the send")
        await line.post(gateway, line.from_the_phone("early", "Echo: Oi"))
        assert await held(gateway, line) == ""
        gate.set()


async def test_too_fast_is_slower_and_not_lost(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(wire.error(130429, retry_after="1"))
        await zap.post(gateway, zap.message("m1", "Oi"))
        assert await heard(zap, 1) == ["Echo: Oi"]
        await states_within(gateway, zap, ["sent"])


async def test_a_wrong_token_is_an_alert_and_nothing_is_lost(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliveries.REST", 0.01)
    renewed = asyncio.Event()
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(wire.error(190), after(renewed))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await until(lambda: gateway.hooked["zap"].trouble, "the trouble is told")
        assert any("zap" in one and "token" in one for one in await ready(gateway))
        renewed.set()
        assert await heard(zap, 1) == ["Echo: Oi"], "it goes out when the token is right again"
        await quiet(gateway)
        assert await ready(gateway) == []


async def test_a_voice_note_that_cannot_be_uploaded_is_said_in_words(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(with_an_ear(openai, zap, format="voice", channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next_upload(wire.error(131053))
        await zap.post(gateway, zap.message("m1", "Oi"))
        assert await heard(zap, 1) == ["Echo: Oi"]
        await states_within(gateway, zap, ["sent"])
        assert await details(gateway, zap) == [("sent", "text_instead:131053")]
        (trouble,) = await ready(gateway)
        assert trouble.startswith("channel zap: voice notes: 131053.")
        await zap.post(gateway, zap.message("m2", "E agora?"))
        await states_within(gateway, zap, ["sent", "sent"])
        await until(lambda: not gateway.incidents.lines, "it is over when a note is taken again")
        assert await ready(gateway) == []


async def test_the_echo_of_a_piece_is_nobody_who_takes_over(evo: Evolution, openai: FakeOpenAI, tmp_path: Path) -> None:
    """A long voice note is refused and its words go in pieces: every one of them is known as ours."""
    openai.answer = lambda _: in_three_pieces()
    async with running(at_length(with_an_ear(openai, evo, format="voice", channel=QUIETLY)), tmp_path) as (gateway, _):
        evo.fake.next(evolution_wire.refused(413, {"message": "too large"}))
        await evo.post(gateway, evo.message("m1", "Oi"))
        note, *said = await heard(evo, 4)
        assert note == VOICE
        assert [len(text) <= 4096 for text in said] == [True] * 3
        await quiet(gateway)
        for id, text in list(zip(evo.ids(), [note, *said], strict=True))[1:]:
            await evo.post(gateway, evo.from_the_phone(id, text))
        assert await held(gateway, evo) == ""


async def test_the_echo_of_one_piece_says_nothing_about_the_next(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path
) -> None:
    openai.answer = lambda _: in_three_pieces()
    gate = asyncio.Event()
    async with running(at_length(with_an_ear(openai, evo, format="voice", channel=QUIETLY)), tmp_path) as (gateway, _):
        evo.fake.next(evolution_wire.refused(413, {"message": "too large"}), after(gate), evolution_wire.CUT)
        await evo.post(gateway, evo.message("m1", "Oi"))
        _, first = await heard(evo, 2)
        await evo.post(gateway, evo.from_the_phone("e1", first))
        gate.set()
        await quiet(gateway)
        assert (await gateway.store.depths()).dead == 1, "nobody knows of the second one"
        _, _, second = await heard(evo, 3)
        await evo.post(gateway, evo.from_the_phone("e2", second))
        assert await held(gateway, evo) == ""
        assert (await gateway.store.depths()).dead == 0, "now it is known"


async def test_a_piece_that_cannot_be_written_down_is_not_sent_again(
    evo: Evolution, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai.answer = lambda _: in_three_pieces()
    async with running(at_length(with_an_ear(openai, evo, format="voice", channel=QUIETLY)), tmp_path) as (gateway, _):
        record, trouble = gateway.store.record, [Unavailable("the disk is full")]

        async def recording(receipt: Receipt) -> bool:
            if trouble:
                raise trouble.pop()
            return await record(receipt)

        monkeypatch.setattr(gateway.store, "record", recording)
        evo.fake.next(evolution_wire.refused(413, {"message": "too large"}))
        await evo.post(gateway, evo.message("m1", "Oi"))
        await heard(evo, 4)
        await quiet(gateway)
        assert not trouble
        assert [text == VOICE for text in evo.sent()] == [True, False, False, False]


async def test_a_contact_who_cannot_be_reached_is_not_tried_again_until_he_writes(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next(wire.error(131026))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await states_within(gateway, zap, ["failed"])
        assert "unreachable" in await gateway.store.facts(conversation(zap))
        await zap.post(gateway, zap.message("m2", "voltei"))
        assert await heard(zap, 1) == ["Echo: voltei"]
        assert "unreachable" not in await gateway.store.facts(conversation(zap))


# -- the reply window --------------------------------------------------------------------------------

NEVER_LATE = {**QUIETLY, "max_age_s": "0"}


async def test_after_a_day_a_reply_waits_for_a_person(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, zap, channel=NEVER_LATE), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi", age=25 * 3600))
        await states_within(gateway, zap, ["withdrawn"])
        assert await held(gateway, zap) == "outside_reply_window"
        assert zap.fake.sent == [], "never a blind 131047"


async def test_after_a_day_a_reply_becomes_the_template(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    keys = {**NEVER_LATE, "template": '"retomar_conversa:pt_BR"'}
    async with running(config(openai, zap, channel=keys), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi", age=25 * 3600))
        assert await heard(zap, 1) == [TEMPLATE]
        await states_within(gateway, zap, ["templated"])
        assert await held(gateway, zap) == ""
        await zap.post(gateway, zap.message("m2", "oi de novo"))
        assert await heard(zap, 2) == [TEMPLATE, "Echo: oi de novo"]
        assert [role for role, _ in openai.asked[1].said] == ["user", "user"], "what was not sent was not said"


async def test_a_window_that_closed_at_the_provider_is_met_the_same_way(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    keys = {**QUIETLY, "template": '"retomar_conversa:pt_BR"'}
    async with running(config(openai, zap, channel=keys), tmp_path) as (gateway, contact):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        error = {"code": 131047, "title": "Re-engagement message"}
        await zap.post(gateway, zap.status(zap.ids()[0], "failed", errors=[error]))
        assert await heard(zap, 2) == ["Echo: Oi", TEMPLATE]
        await quiet(gateway)
        contact.conversation = conversation(zap)
        _, turns = await contact.get("/turns", key=ADMIN)
        told = [(one["part"], one["state"]) for one in turns["turns"][0]["deliveries"]]
        assert told == [("0", "sent"), ("0", "failed"), ("0:template", "templated")]


async def test_what_stood_for_a_whole_reply_stands_for_it_when_it_is_written_down_late(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work breaks between the send and its receipt, and is claimed again."""
    openai.answer = lambda _: in_three_pieces()
    keys = {**NEVER_LATE, "template": '"retomar_conversa:pt_BR"'}
    async with running(config(openai, zap, channel=keys), tmp_path) as (gateway, _):
        broken = breaks_once(gateway, monkeypatch)
        await zap.post(gateway, zap.message("m1", "Oi", age=25 * 3600))
        await states_within(gateway, zap, ["templated"] * 3)
        await quiet(gateway)
        assert not broken
        assert zap.sent() == [TEMPLATE], "and nothing after it"


async def test_words_that_went_in_the_place_of_a_note_stand_for_its_reply_also_when_it_is_written_down_late(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai.answer = lambda _: "Aqui está: https://loja.example/pedido/7"
    async with running(with_an_ear(openai, zap, format="voice", channel=QUIETLY), tmp_path) as (gateway, _):
        broken = breaks_once(gateway, monkeypatch)
        zap.fake.next_upload(wire.error(131053))
        await zap.post(gateway, zap.message("m1", "Oi"))
        await states_within(gateway, zap, ["sent"] * 2)
        await quiet(gateway)
        assert not broken
        assert zap.sent() == ["Aqui está: https://loja.example/pedido/7"], "once, and nothing beside it"


def breaks_once(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """The first settle of a send. Returns what is still to come of it."""
    settle, trouble = gateway.store.settle, [RuntimeError("the work broke")]

    async def settling(claim: Claim, settlement: Settlement) -> Settled:
        if claim.kind is Kind.OUT and trouble:
            raise trouble.pop()
        return await settle(claim, settlement)

    monkeypatch.setattr(gateway.store, "settle", settling)
    return trouble


async def test_without_a_template_it_waits_for_a_person(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        failed = zap.status(zap.ids()[0], "failed", errors=[{"code": 131047}])
        await zap.post(gateway, failed)
        await zap.post(gateway, failed)
        assert await held(gateway, zap) == "outside_reply_window"
        assert len(zap.fake.sent) == 1


async def test_what_fails_for_good_after_it_was_accepted_is_a_dead_letter(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "Oi"))
        await heard(zap, 1)
        await quiet(gateway)
        await zap.post(gateway, zap.status(zap.ids()[0], "failed", errors=[{"code": 131042}]))
        assert (await gateway.store.depths()).dead == 1
        assert await states(gateway, zap) == ["sent", "failed"]
        assert len(zap.fake.sent) == 1


# -- media -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "private", "endless", "gone"])
async def test_a_medium_that_cannot_be_had_is_asked_for_again(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.fetching.PATIENCE", 0.5)
    monkeypatch.setattr("gateway.fetching.PAUSES", (0.01, 0.01))
    faults = {
        "hang": wire.HANG,
        "private": wire.redirected("http://10.0.0.1/secret"),
        "endless": wire.endless([]),
        "gone": wire.answer(404),
    }
    async with running(with_an_ear(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        zap.fake.next_file(*[faults[fault]] * 9)
        await zap.post(gateway, zap.voice("m1", sounds.ogg_opus(1.0)))
        assert await outcomes(gateway, zap, 1) == [("answered", "media_lost")]
        assert len(await heard(zap, 1)) == 1


async def test_the_note_of_another_conversation_stays_closed(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, zap), tmp_path) as (gateway, contact):
        await zap.post(gateway, zap.voice("m1", sounds.ogg_opus(1.0)))
        await outcomes(gateway, zap, 1)
        (entry,) = await gateway.store.latest(conversation(zap), Kind.IN, 1)
        (fetched,) = await gateway.store.fetched(conversation(zap), entry.seq - 1, entry.seq)
        assert fetched.media is not None
        assert fetched.media.mime == "audio/ogg; codecs=opus"
        for key, status in ((ADMIN, 200), ("channel-key-0123456789", 404)):
            headers = {"Authorization": f"Bearer {key}"}
            async with contact.http.get(f"{gateway.url}/v1/media/{fetched.media.id}", headers=headers) as answer:
                assert answer.status == status


async def test_a_name_for_bytes_that_is_no_name_is_not_repeated(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    zap.fake.keep("9000", b"%PDF-1.7 ...", "application/pdf")
    body = orjson.loads(zap.message("m1", ""))
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    message |= {"type": "document", "document": {"id": "9000", "mime_type": "text/html\r\nX-Evil: 1"}}
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, contact):
        await zap.post(gateway, orjson.dumps(body))
        await outcomes(gateway, zap, 1)
        (fetched,) = await gateway.store.fetched(conversation(zap), 0, 1)
        assert fetched.media is not None
        headers = {"Authorization": f"Bearer {ADMIN}"}
        url = f"{gateway.url}/v1/media/{fetched.media.id}"
        async with contact.http.get(url, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "application/octet-stream")
        async with contact.http.get(f"{url}?as=mp3", headers=headers) as answer:
            assert (await answer.json())["field"] == "as"


# -- everything together -------------------------------------------------------------------------------


async def test_a_batch_is_read_to_its_end(zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, zap), tmp_path) as (gateway, _):
        bodies = [zap.message(f"b{n}", f"de {n}", phone=f"55119999900{n:02}") for n in range(5)]
        assert await zap.post(gateway, batch(*bodies)) == 200
        assert sorted(await heard(zap, 5)) == [f"Echo: de {n}" for n in range(5)]


async def test_one_person_under_two_names_is_one_conversation(
    zap: WhatsApp, openai: FakeOpenAI, tmp_path: Path
) -> None:
    """A phone first, then a phone with a BSUID, then the BSUID alone."""
    bsuid = "BR.13491208655302741918"
    both = orjson.loads(zap.message("m2", "dois"))
    value = both["entry"][0]["changes"][0]["value"]
    value["contacts"][0]["user_id"] = value["messages"][0]["from_user_id"] = bsuid
    alone = orjson.loads(zap.message("m3", "três"))
    value = alone["entry"][0]["changes"][0]["value"]
    value["contacts"] = [{"profile": {"username": "lia"}, "user_id": bsuid}]
    value["messages"][0] |= {"from_user_id": bsuid}
    del value["messages"][0]["from"]
    async with running(config(openai, zap, channel=QUIETLY), tmp_path) as (gateway, _):
        for n, body in enumerate((zap.message("m1", "um"), orjson.dumps(both), orjson.dumps(alone))):
            await zap.post(gateway, body)
            await heard(zap, n + 1)
        assert len(await outcomes(gateway, zap, 3)) == 3
        assert zap.fake.sent[2].json.get("recipient") == bsuid
        assert openai.asked[2].question == "três"
        assert len(openai.asked[2].said) == 5


FIELDS = """
entry changes value messages contacts statuses errors metadata phone_number_id message_echoes from id timestamp type
text body audio image voice interactive reaction edit revoke context event data key remoteJid fromMe conversation
messageType messageTimestamp instance update_id chat from_user_id wa_id object field business_message message_id date
callback_query photo edited_message status
"""
WORDS = st.sampled_from(FIELDS.split()) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


async def test_no_json_of_any_shape_breaks_a_hook(openai: FakeOpenAI, tmp_path: Path) -> None:
    """Never a 500, and never half a message: what is in a lane can be read."""
    lines = [make() for make in ALL_AT_ONCE]
    made: list[Any] = [await one.__aenter__() for one in lines]
    try:
        async with running(config(openai, *made, channel=QUIETLY), tmp_path) as (gateway, _):
            await _bombard(gateway, made)
            await quiet(gateway)
            assert [one for one in await gateway.store.unread(1000) if one.why == "broke"] == []
    finally:
        for one in lines:
            await one.__aexit__(None, None, None)


async def _bombard(gateway: Gateway, lines: list[Any]) -> None:
    loop = asyncio.get_running_loop()

    def inside(body: bytes) -> list[int]:
        posts = [asyncio.run_coroutine_threadsafe(line.post(gateway, body), loop) for line in lines]
        return [post.result(60) for post in posts]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(JSON, st.sampled_from(lines), st.lists(st.tuples(st.integers(0, 30), JSON), max_size=3))
    def bombard(shape: Any, line: Any, changes: list[tuple[int, Any]]) -> None:
        assert set(inside(json.dumps(shape).encode())) <= {200, 401}
        mutated = _mutated(orjson.loads(line.message("fixed", "Oi")), changes)
        assert set(inside(json.dumps(mutated).encode())) <= {200, 401}

    await asyncio.to_thread(bombard)


def _mutated(node: Any, changes: list[tuple[int, Any]]) -> Any:
    """A message as a provider posts it, with some of its places holding something else."""
    for at, value in changes:
        places = list(_places(node))
        holder, key = places[at % len(places)]
        holder[key] = value
    return node


def _places(node: Any) -> Any:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield node, key
        yield from _places(child)


def _cut(line: Any) -> Any:
    return {"zap": wire.CUT, "evo": evolution_wire.CUT}.get(line.name, telegram_wire.cut)


def _fault(line: Any, fault: Any) -> None:
    """The next send goes wrong."""
    line.fake.next(*(["sendMessage"] if line.name.startswith("tele") else []), fault)


async def test_a_number_is_served_by_one_channel(zap: WhatsApp, openai: FakeOpenAI) -> None:
    """With two, every message would be answered twice."""
    twice = config(openai, zap) + zap.channel(name='"zap2"')
    with pytest.raises(ConfigError, match="one channel a number"):
        parse(twice)
