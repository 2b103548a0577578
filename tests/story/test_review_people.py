"""What went wrong with people, flows and wake-ups when somebody looked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway.desks.base import Event, Item, Placed
from gateway.loops import LEASE
from gateway.rules.sentences import SENTENCES
from storage.model import Claim, Kind, Receipt, Settled, Settlement
from tests.fakes import openai as wire
from tests.fakes.callback import FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import Evolution, WhatsApp, heard, held, outcomes, quiet, states, until
from tests.story.lines import conversation as of_line
from tests.story.running import ADMIN, Contact, pass_time, running
from tests.story.test_desks import config as with_desk
from tests.story.test_flows import queue, says
from tests.story.test_people import config, talk
from tests.story.test_unasked import FOLLOWS, MINUTE, looked, shop, silent


async def test_a_desk_that_waits_hides_no_transcript_and_no_takeover(tmp_path: Path, evo: Evolution) -> None:
    async with shop(tmp_path, channels=evo.channel(read_receipts="false", presence="false")) as (gateway, contact):
        await evo.post(gateway, evo.message("m1", "oi"))
        await heard(evo, 1)
        await gateway.store.record(Receipt(of_line(evo), "desk:case:1", "waiting", 1))
        contact.conversation = of_line(evo)
        status, _ = await contact.get("/messages", key=ADMIN)
        assert status == 200
        await evo.post(gateway, evo.from_the_phone("p1", "Aqui é a Bia."))
        assert await held(gateway, evo) == "person_answered_elsewhere"


async def test_who_has_it_already_keeps_it_when_nobody_else_is_named(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        await contact.ask("Oi")
        people, id = gateway.people, talk(contact)
        await people.hand_over(id, "vip", key="a", to="gerentes")
        await people.call(id, "outside_reply_window", key="b")
        await people.hand_over(id, "again", key="c")
        await people.write(id, {"kind": "text", "text": "Sou a Ana."}, "Ana", key="d")
        assert people.custody(await people.conversation(id)).to == "gerentes"
        await people.release(id, "Ana", key="e")
        await people.call(id, "hard_error", key="f")
        assert people.custody(await people.conversation(id)).to == "humanos", "what is over names nobody"


async def test_what_was_said_unasked_and_failed_later_is_neither_a_template_nor_a_call(
    tmp_path: Path, zap: WhatsApp
) -> None:
    async with shop(tmp_path, FOLLOWS, channels=silent(zap, template='"oi:pt_BR"')) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "oi"))
        await heard(zap, 1)
        await looked(gateway)
        pass_time(gateway, 61 * MINUTE)
        await heard(zap, 2)
        await quiet(gateway)
        await zap.post(gateway, zap.status(zap.ids()[1], "failed", errors=[{"code": 131047}]))
        await quiet(gateway)
        assert await states(gateway, zap) == ["sent", "sent", "failed"]
        assert len(zap.sent()) == 2
        assert await held(gateway, zap) == ""


async def test_a_time_that_comes_throws_no_answer_away_that_is_being_written(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(queue(openai, tmp_path, timeout=600), tmp_path) as (gateway, contact):
        await says(contact, "menu")
        await says(contact, "2")
        await looked(gateway)
        pass_time(gateway, 10 * MINUTE - LEASE // 3)
        openai.arrived.clear()
        openai.play(wire.spoken("Em dois dias.", gate=gate))
        asking = asyncio.create_task(contact.ask("Quando chega?"))
        await openai.arrived.wait()
        due = await gateway.store.next_wake(Kind.LATER)
        pass_time(gateway, LEASE // 2)

        async def looked_at() -> bool:
            return await gateway.store.next_wake(Kind.LATER) != due and gateway._loops[Kind.LATER].running == 0

        await until(looked_at, "the question has waited long enough")
        gate.set()
        assert (await asking)["parts"][0]["text"].startswith("Em dois dias.")
        assert len(openai.asked) == 1


async def test_a_desk_hears_of_each_team_that_is_called_though_it_was_called_before(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeCallback() as desk:
        async with running(with_desk(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Oi")
            for n, team in enumerate(("vendas", "gerentes", "vendas")):
                await contact.act("transfer", queue=team, id=str(n))
            await contact.act("transfer", id="nobody is named")
            cases = [(await desk.arrivals.get())["data"] for _ in range(3)]
            assert [case["queue"]["to"] for case in cases] == ["vendas", "gerentes", "vendas"]
            assert len({case["handoff_id"] for case in cases}) == 3
            assert (await contact.get(""))[1]["held"]["queue"] == "vendas"


class Asked:
    """A desk that is asked what people wrote, and remembers of what."""

    def __init__(self) -> None:
        self.places: list[str] = []

    async def online(self) -> bool | None:
        return None

    async def look(self, place: Mapping[str, str]) -> Sequence[Event]:
        self.places.append(place["ticket"])
        return []


async def test_however_many_are_held_each_is_looked_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.handovers.SAID", 2)
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, first):
        desk, contacts = Asked(), [first, Contact(first.http, gateway), Contact(first.http, gateway)]
        for n, contact in enumerate(contacts):
            await contact.ask("Oi")
            await gateway.people.take(talk(contact), "Ana", key=f"take {n}")
        await quiet(gateway)
        gateway.desks["loja"] = desk  # type: ignore[assignment]
        monkeypatch.setattr("gateway.handovers.Handovers._place", lambda _, held: {"ticket": held.contact})
        for _ in range(2):
            await gateway.handovers.look()
        assert sorted(desk.places) == sorted(contact.id for contact in contacts)
        await gateway.handovers.look()
        assert len(desk.places) == 5, "and again from the beginning"


async def test_who_wants_no_more_is_believed_though_people_come_meanwhile(
    tmp_path: Path, evo: Evolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path, channels=evo.channel(read_receipts="false", presence="false")) as (gateway, _):
        await evo.post(gateway, evo.message("m1", "oi"))
        await heard(evo, 1)
        settle = gateway.store.settle

        async def settling(claim: Claim, settlement: Settlement) -> Settled:
            if settlement.turn and settlement.turn.reason == "opts_out":
                await gateway.people.take(of_line(evo), "Ana", key="a")
            return await settle(claim, settlement)

        monkeypatch.setattr(gateway.store, "settle", settling)
        await evo.post(gateway, evo.message("m2", "SAIR"))
        assert (await outcomes(gateway, evo, 2))[1] == ("held", "person_took_over")
        assert "opted_out" in await gateway.store.facts(of_line(evo))


async def test_a_desk_that_breaks_is_an_incident_and_is_tried_as_one_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeOpenAI() as openai, FakeCallback() as desk:
        async with running(with_desk(openai, desk), tmp_path) as (gateway, contact):
            send, broken = gateway.desks["loja"].send, [True, True]

            async def sending(item: Item) -> Placed | None:
                if broken:
                    broken.pop()
                    raise KeyError("id")
                return await send(item)

            monkeypatch.setattr(type(gateway.desks["loja"]), "send", lambda _, item: sending(item))
            await contact.ask("Oi")
            await contact.act("transfer", id="a")
            await until(lambda: gateway.incidents.lines, "the operator hears of it")
            assert "broke" in gateway.incidents.lines[0]
            pass_time(gateway, MINUTE)
            await until(lambda: not broken, "it is tried again")
            pass_time(gateway, MINUTE)
            assert (await desk.arrivals.get())["type"] == "handoff.requested"
            await until(lambda: not gateway.incidents.lines, "and that it is over")


async def test_another_program_s_transfer_is_told_in_the_customer_s_language(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        await contact.ask("Hello, what time do you open on Saturday, please?")
        await contact.act("transfer", id="a")
        assert (await contact.transcript())[-1] == ("assistant", SENTENCES["transfer"]["en"])
