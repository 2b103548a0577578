"""From a message to its reply, through every door, with the providers on the wire."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.running import LONG, Contact, burst_ends, pass_time, running, toml

NOW = time.time_ns() // 1_000_000
MARKER = "Ação: Transferir para o setor de atendimento"


def plain(openai: FakeOpenAI, **more: object) -> str:
    return toml(openai.base_url, openai_key=openai.key, **more)  # type: ignore[arg-type]


async def test_a_question_is_answered_in_the_same_call(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        reply = await contact.ask("Tem pix?")
        assert (reply["outcome"], reply["reason"]) == ("answered", "assistant")
        assert reply["parts"] == [{"kind": "text", "text": "Echo: Tem pix?"}]
        assert await contact.transcript() == [("contact", "Tem pix?"), ("assistant", "Echo: Tem pix?")]


async def test_a_burst_is_answered_once_in_the_providers_order(tmp_path: Path) -> None:
    window = {"interval": LONG, "max_wait": LONG}
    async with FakeOpenAI() as openai, running(plain(openai, **window), tmp_path) as (gateway, contact):
        await contact.say("segunda", at=NOW - 1000)
        await contact.say("primeira", at=NOW - 2000)
        asking = asyncio.create_task(contact.ask("terceira"))
        await burst_ends(gateway, contact.conversation, 3)
        reply = await asking
        assert reply["parts"][0]["text"] == "Echo: primeira\nsegunda\nterceira"
        assert len(openai.asked) == 1
        assert len(await contact.turns()) == 1


async def test_without_the_providers_word_they_are_read_in_the_order_they_came_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this machine's clock says meanwhile: of several machines one may be an hour behind."""
    window = {"interval": LONG, "max_wait": LONG}
    async with FakeOpenAI() as openai, running(plain(openai, **window), tmp_path) as (gateway, contact):
        await contact.say("um")
        hour = 3600 * 10**9
        behind = time.time_ns
        with monkeypatch.context() as patched:
            patched.setattr("gateway.web.messages.time.time_ns", lambda: behind() - hour)
            await contact.say("dois")
        asking = asyncio.create_task(contact.ask("três"))
        await burst_ends(gateway, contact.conversation, 3)
        assert (await asking)["parts"][0]["text"] == "Echo: um\ndois\ntrês"


async def test_a_fixed_window_runs_from_the_first_message(tmp_path: Path) -> None:
    """Somebody who never pauses is still answered, because the window does not start again."""
    fixed = {"interval": LONG, "max_wait": 2 * LONG, "mode": "fixed"}
    async with FakeOpenAI() as openai, running(plain(openai, **fixed), tmp_path) as (gateway, contact):
        await contact.say("um")
        pass_time(gateway, LONG // 2)
        await contact.say("dois")
        asking = asyncio.create_task(contact.ask("três"))
        await burst_ends(gateway, contact.conversation, 3, LONG // 2)
        reply = await asking  # in vain if the window had begun again with each message
        assert reply["parts"][0]["text"] == "Echo: um\ndois\ntrês"


async def test_the_assistant_gets_its_instructions_and_our_transcript(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        await contact.ask("Oi")
        await contact.ask("E agora?")
        first, second = openai.asked
        assert "Você é a atendente da loja." in first.instructions
        assert MARKER in second.instructions
        assert second.said == [("user", "Oi"), ("assistant", "Echo: Oi"), ("user", "E agora?")]


async def test_the_same_id_twice_is_one_message_and_one_reply(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        message = contact.message("Tem pix?")
        first = await contact.post(message)
        again = await contact.post(message, wait=60)
        assert (first[0], first[1]["duplicate"]) == (202, False)
        assert again[0] == 200
        late = await contact.post(message)
        assert (late[0], late[1]["duplicate"], late[1]["message"]) == (202, True, first[1]["message"])
        assert len(openai.asked) == 1


async def test_the_same_id_with_another_text_is_a_conflict(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        await contact.post({**contact.message("a"), "id": "x"})
        status, problem = await contact.post({**contact.message("b"), "id": "x"})
        assert (status, problem["field"], problem["status"]) == (409, "id", 409)


async def test_two_contacts_with_the_same_message_id_are_two_conversations(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (gateway, contact):
        other = Contact(contact.http, gateway)
        one = await contact.post({**contact.message("a"), "id": "x"}, wait=60)
        two = await other.post({**other.message("b"), "id": "x"}, wait=60)
        assert one[1]["conversation"] != two[1]["conversation"]
        assert len(openai.asked) == 2


async def test_messages_while_a_turn_runs_make_one_reply_with_it(tmp_path: Path) -> None:
    """The draft nobody has seen is thrown away, and what was written meanwhile is answered with the rest."""
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken("never seen", gate=gate))
        await contact.say("Tem pix?")
        await openai.arrived.wait()
        reply = await contact.ask("E boleto?")
        assert reply["parts"][0]["text"] == "Echo: Tem pix?\nE boleto?"
        assert await contact.transcript() == [
            ("contact", "Tem pix?"),
            ("contact", "E boleto?"),
            ("assistant", "Echo: Tem pix?\nE boleto?"),
        ]
        gate.set()


async def test_a_turn_that_nobody_disturbs_asks_for_nothing_to_be_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it writes itself changes its own lane, and is no news to it."""
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (gateway, contact):
        fold, asked = gateway.store.fold, []
        with monkeypatch.context() as patched:
            patched.setattr(gateway.store, "fold", lambda *claim: asked.append(claim) or fold(*claim))
            await contact.ask("Tem pix?")
        assert asked == []


async def test_a_draft_is_thrown_away_at_most_twice(tmp_path: Path) -> None:
    """Somebody who never stops is answered all the same, and what came last is answered next."""
    gates = [asyncio.Event() for _ in range(3)]
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(*(wire.spoken(f"draft {n}", gate=gate) for n, gate in enumerate(gates)))
        await contact.say("a")
        for number, text in enumerate(("b", "c", "d"), 1):
            while len(openai.asked) < number:
                await asyncio.sleep(0.005)
            await contact.say(text)
        for gate in gates:
            gate.set()
        last = await contact.ask("e")
        said = await contact.transcript()
        assert ("assistant", "draft 2") in said
        assert last["parts"][0]["text"] == "Echo: d\ne" or ("assistant", "Echo: d") in said
        assert [turn["outcome"] for turn in await contact.turns()] == ["answered"] * len(await contact.turns())


@pytest.mark.parametrize("marker", [MARKER, f"**{MARKER}**", "acao: transferir para o setor de atendimento."])
async def test_the_marker_hands_over_once_and_then_there_is_silence(tmp_path: Path, marker: str) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken(marker, pieces=7))
        reply = await contact.ask("Meu pedido sumiu")
        assert (reply["outcome"], reply["reason"]) == ("transferred", "marker")
        assert [part["text"][:9] for part in reply["parts"]] == ["Vou chama"]
        _, conversation = await contact.get("")
        assert (conversation["held"]["queue"], conversation["held"]["reason"]) == ("humanos", "marker")
        silent = await contact.ask("Alguém aí?")
        assert (silent["outcome"], silent["reason"], silent["parts"]) == ("held", "held_by_person", [])
        assert len(openai.asked) == 1
        await contact.act("release")
        assert (await contact.ask("Tem pix?"))["outcome"] == "answered"


async def test_a_quoted_rule_is_no_handoff(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken(f"A regra é: {MARKER}"))
        assert (await contact.ask("Qual é a regra?"))["outcome"] == "answered"


async def test_a_dead_assistant_hands_over(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(wire.quota())
        reply = await contact.ask("Oi")
        assert (reply["outcome"], reply["reason"]) == ("transferred", "assistant_failed:insufficient_quota")
        assert len(openai.asked) == 1, "a used up quota is never asked again"
        assert len(reply["parts"]) == 1
        assert "insufficient" not in str(reply["parts"])


@pytest.mark.parametrize(
    "fault",
    [
        wire.refused(500, "server_error"),
        wire.refused(429, "rate_limit_exceeded", retry_after=0.01),
        wire.cut(after=2),
        wire.cut(after=2, reset=True),
        wire.failed(),
        wire.in_band(),
        wire.html(500),
    ],
)
async def test_what_passes_is_tried_again_and_said_once(tmp_path: Path, fault: wire.Reply) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(fault)
        reply = await contact.ask("Oi")
        assert reply["parts"] == [{"kind": "text", "text": "Echo: Oi"}]
        assert len(openai.asked) == 2


async def test_who_takes_over_while_a_draft_is_made_is_not_talked_over(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        openai.play(*[wire.spoken("too late", gate=gate)] * 2)
        asking = asyncio.create_task(contact.ask("Oi"))
        await openai.arrived.wait()
        contact.conversation = (await contact.post(contact.message("espere")))[1]["conversation"]
        await contact.act("hold", reason="a person answered")
        gate.set()
        reply = await asking
        assert (reply["outcome"], reply["parts"]) == ("held", [])
        assert all(sender == "contact" for sender, _ in await contact.transcript())


async def test_every_turn_explains_itself(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(plain(openai), tmp_path) as (_, contact):
        await contact.ask("Oi")
        (turn,) = await contact.turns()
        steps = {step["step"] for step in turn["timeline"]}
        assert {"claim", "hear", "decide", "answer", "written", "shape", "settle"} <= steps
        assert (turn["outcome"], turn["reason"]) == ("answered", "assistant")
