"""How a conversation came where it is, over HTTP: of every turn what decided and why, of every passing too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.rules.custody import HOUR_MS, ContactWrote, Custody, Policy, TakenOver, move, to_json
from gateway.web.standing import Standing
from storage.model import ConversationId
from tests.story.running import Contact
from tests.story.test_inbox import WISH, shop


async def test_every_turn_says_which_rung_decided_and_why(tmp_path: Path) -> None:
    async with shop(tmp_path) as loja:
        lia, marina = Contact(loja.http, loja.gateway), loja.person()
        for text in ("Vocês entregam em Niterói?", WISH, "Alguém aí?"):
            await lia.ask(text)
        await marina.do(lia.conversation, "take")
        await marina.do(lia.conversation, "release")
        _, body = await marina.get(f"/v1/conversations/{lia.conversation}/turns")
        told = [(turn["outcome"], turn["reason"], turn["rung"], turn["why"]) for turn in body["turns"]]
        assert told == [
            ("answered", "assistant", "Ask", "O assistente respondeu."),
            ("transferred", "wish", "Transfer", "O cliente pediu para falar com uma pessoa."),
            (
                "held",
                "held_by_person",
                "StaySilent",
                "A conversa estava com a equipe, então o assistente ficou em silêncio.",
            ),
        ]
        _, talk = await marina.get(f"/v1/conversations/{lia.conversation}")
        assert [(step["state"], step["why"]) for step in talk["course"]] == [
            ("requested", "O cliente pediu para falar com uma pessoa."),
            ("held", "O cliente pediu para falar com uma pessoa."),
            ("released", "Marina devolveu a conversa ao assistente."),
        ]


async def test_a_hold_that_is_over_when_the_contact_writes_says_why_it_is(tmp_path: Path) -> None:
    """No wake-up came in between, so the assistant has it at once."""
    policy, custody = Policy("idle_hours", 2), Custody()
    for event in (TakenOver("a", 0, "desk", "humanos", "Marina", "taken"), ContactWrote(3 * HOUR_MS)):
        custody, _ = move(custody, event, policy)
    async with shop(tmp_path) as loja:
        talk = await loja.gateway.store.conversation(ConversationId((await loja.calls()).conversation))
        assert talk is not None
        door = SimpleNamespace(people=loja.gateway.people)
        course = Standing._course(door, replace(talk, custody=to_json(custody)))  # type: ignore[arg-type]
        assert [(step["state"], step["why"]) for step in course] == [
            ("held", "Uma pessoa da equipe assumiu a conversa."),
            ("assistant", "A equipe não fez nada pelo tempo configurado na fila."),
        ]


async def test_the_latest_turns_are_those_of_the_latest_messages(tmp_path: Path) -> None:
    async with shop(tmp_path) as loja:
        lia, marina = Contact(loja.http, loja.gateway), loja.person()
        await lia.ask("Oi")
        await lia.ask("Vocês entregam?")
        await lia.say("E trocam?")  # of one burst with the next one, or not
        await lia.ask("E devolvem?")
        door = f"/v1/conversations/{lia.conversation}/turns"
        covers = [turn["covers"] for turn in (await marina.get(door))[1]["turns"]]
        assert covers[-1]["upto"] == 4
        for latest in (1, 2, 3, 4, 200):
            _, body = await marina.get(door, latest=latest)
            assert [turn["covers"] for turn in body["turns"]] == [one for one in covers if one["upto"] > 4 - latest]


@pytest.mark.parametrize("latest", ["0", "201", "x"])
async def test_how_many_is_a_number(tmp_path: Path, latest: str) -> None:
    async with shop(tmp_path) as loja:
        lia = await loja.calls()
        status, problem = await loja.person().get(f"/v1/conversations/{lia.conversation}/turns", latest=latest)
        assert (status, problem["field"]) == (422, "latest")
