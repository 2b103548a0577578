"""Who has a conversation while several things happen at once, and what is done about it without anybody asking."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.people import Busy, LetGo
from storage.model import ConversationId, Kind, conversation_id
from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.running import Contact, pass_time, running, toml

HOUR = 3_600_000


def config(openai: FakeOpenAI, handoff: str = "") -> str:
    queue = toml(openai.base_url, openai_key=openai.key)
    return queue.replace("[[channels]]", f"[queues.handoff]\n{handoff}\n\n[[channels]]", 1)


def talk(contact: Contact) -> ConversationId:
    return ConversationId(contact.conversation)


async def thinking(openai: FakeOpenAI, contact: Contact) -> asyncio.Task[dict[str, object]]:
    asking = asyncio.create_task(contact.ask("Oi"))
    await openai.arrived.wait()
    contact.conversation = conversation_id("api", contact.id)
    return asking


async def test_what_changes_nothing_for_the_contact_throws_no_draft_away(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        openai.play(wire.spoken("Bom dia.", gate=gate))
        asking = await thinking(openai, contact)
        await gateway.people.release(talk(contact), "Bia", key="nobody had it")
        gate.set()
        assert (await asking)["parts"] == [{"kind": "text", "text": "Bom dia."}]


async def test_a_draft_of_before_people_came_is_thrown_away_though_they_have_let_go(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        openai.play(wire.spoken("tarde demais", gate=gate))
        asking = await thinking(openai, contact)
        await gateway.people.take(talk(contact), "Bia", key="a")
        await gateway.people.release(talk(contact), "Bia", key="b")
        gate.set()
        reply = await asking
        assert (reply["outcome"], reply["reason"], reply["parts"]) == ("held", "person_took_over", [])
        assert (await contact.ask("E agora?"))["parts"] == [{"kind": "text", "text": "Echo: E agora?"}]


async def test_a_transfer_that_meets_a_takeover_says_nothing(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        openai.play(wire.spoken("Ação: Transferir para o setor de atendimento", gate=gate))
        asking = await thinking(openai, contact)
        await gateway.people.take(talk(contact), "Bia", key="a")
        gate.set()
        assert (await asking)["outcome"] == "held"
        held = await gateway.people.conversation(talk(contact))
        assert (held.hold and held.hold.reason, gateway.people.custody(held).person) == ("taken", "Bia")


async def test_of_two_people_at_once_one_has_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        await contact.ask("Oi")
        people, id = gateway.people, talk(contact)
        both = [people.take(id, person, key=person) for person in ("Ana", "Bia")]
        first, second = await asyncio.gather(*both, return_exceptions=True)
        assert isinstance(second, Busy) != isinstance(first, Busy)
        has = people.custody(await people.conversation(id)).person
        other = {"Ana": "Bia", "Bia": "Ana"}[has]
        assert (await contact.act("hold"))["changed"] is False
        assert people.custody(await people.conversation(id)).person == has
        with pytest.raises(Busy) as caught:
            await people.write(id, {"kind": "text", "text": "oi"}, other, key="x")
        assert caught.value.person == has
        assert (await people.take(id, other, key="y", instead_of=has)).person == other


async def test_what_was_let_go_must_be_taken_again_to_be_answered(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        await contact.ask("Oi")
        people, id = gateway.people, talk(contact)
        spell = (await people.take(id, "Ana", key="a")).spell
        part = {"kind": "text", "text": "Sou a Ana."}
        for _ in range(2):
            await people.write(id, part, "Ana", key="m", spell=spell)
        await people.release(id, "Ana", key="b")
        await people.write(id, part, "Ana", key="m", spell=spell)
        with pytest.raises(LetGo):
            await people.write(id, part, "Ana", key="n", spell=spell)
        said = [(sender, text) for sender, text in await contact.transcript() if sender == "person"]
        assert said == [("person", "Sou a Ana.")]


async def test_who_had_it_has_it_no_more_when_another_team_is_called(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        await contact.ask("Oi")
        people, id = gateway.people, talk(contact)
        await people.take(id, "Ana", key="a")
        assert (await contact.act("transfer", queue="gerentes", reason="vip", id="crm-1"))["changed"] is True
        custody = people.custody(await people.conversation(id))
        assert (custody.state, custody.to, custody.person, custody.reason) == ("requested", "gerentes", "", "vip")
        assert (await people.take(id, "Rui", key="b")).person == "Rui", "and whoever is there takes it"


async def test_what_called_people_before_calls_nobody_again(tmp_path: Path) -> None:
    """A wish, people, done: what comes next is answered, and the assistant reads nothing of the transfer."""
    async with FakeOpenAI() as openai, running(config(openai, 'message = "Já chamo."'), tmp_path) as (gateway, contact):
        assert (await contact.ask("Quero falar com uma pessoa"))["reason"] == "wish"
        await gateway.people.take(talk(contact), "Ana", key="a")
        await gateway.people.write(talk(contact), {"kind": "text", "text": "Trocado."}, "Ana", key="b")
        await gateway.people.resolve(talk(contact), "Ana", key="c")
        assert (await contact.ask("E qual é o horário?"))["outcome"] == "answered"
        read = " ".join(text for _, text in openai.asked[-1].said)
        assert "falar com uma pessoa" not in read
        assert "Já chamo." not in read
        assert "Trocado." in read, "what the person said is known"


async def test_another_program_hands_over_once(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai, 'message = "Já chamo."'), tmp_path) as (_, contact):
        await contact.ask("Oi")
        for changed in (True, False):
            told = await contact.act("transfer", reason="vip", queue="gerentes", id="crm-1")
            assert (told["held"], told["changed"]) == (True, changed)
        _, talk = await contact.get("")
        assert (talk["held"]["queue"], talk["held"]["reason"]) == ("gerentes", "vip")
        said = [text for sender, text in await contact.transcript() if sender == "assistant"]
        assert said == ["Echo: Oi", "Já chamo."]
        await contact.act("release")
        again = await contact.act("transfer", id="crm-1")
        assert (again["held"], again["changed"]) == (False, False)
        assert (await contact.get(""))[1]["held"] is None, "the same call again is the same transfer"


async def test_a_hold_that_is_over_ends_by_itself_and_the_timeline_says_so(tmp_path: Path) -> None:
    handoff = 'resume = "idle_hours"\nidle_hours = 2'
    async with FakeOpenAI() as openai:
        async with running(config(openai, handoff), tmp_path) as (gateway, contact):
            await contact.ask("Oi")
            await gateway.people.take(talk(contact), "Bia", key="a")
            assert (await contact.ask("E aí?"))["outcome"] == "held"
            await _woken(gateway, contact, HOUR, turns=2)
            assert (await contact.get(""))[1]["held"]["until"]
        async with running(config(openai, handoff), tmp_path) as (gateway, again):  # the wake-up outlives the process
            again.id, again.conversation, again._number = contact.id, contact.conversation, contact._number
            await _woken(gateway, again, 2 * HOUR, turns=3)
            assert (await again.get(""))[1]["held"] is None
            (turn,) = [one for one in await again.turns() if one["outcome"] == "ignored"]
            assert [line["reason"] for line in turn["timeline"] if line["step"] == "resume"] == ["idle_hours"]
            assert turn["reason"] == "released"
            steps = [(step["state"], step["person"], step["reason"]) for step in (await again.get(""))[1]["course"]]
            assert steps == [("held", "Bia", "taken"), ("released", "", "idle_hours")]
            assert (await again.ask("Voltou?"))["outcome"] == "answered"
            _, page = await again.get("/messages")
            assert "wake" not in str(page), "what nobody wrote is nobody's message"


async def _woken(gateway: Gateway, contact: Contact, ms: int, *, turns: int) -> None:
    """So much later, once nothing is left to be looked at."""
    pass_time(gateway, ms)
    with gateway.live.watch(talk(contact)) as bell:
        while len(await contact.turns()) < turns or await _due(gateway):
            await bell.wait(0.05)


async def _due(gateway: Gateway) -> bool:
    wakes = [await gateway.store.next_wake(kind) for kind in Kind]
    now = await gateway.store.now()
    return any(wake is not None and wake <= now for wake in wakes)
