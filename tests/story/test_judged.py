"""An intent that the queue's assistant judges, over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.running import Contact, running, toml

INTENT = """
[[queues.auto_replies]]
trigger = "intent"
name = "garantia"
examples = ["qual a garantia?", "por quanto tempo tem garantia"]
reply = "A garantia é de um ano."
"""
ASKED = "E se quebrar depois de seis meses?"
"""Nothing in it is like an example."""


def config(openai: FakeOpenAI) -> str:
    return toml(openai.base_url, openai_key=openai.key).replace("[[channels]]", f"{INTENT}\n[[channels]]", 1)


async def judged(contact: Contact) -> list[str]:
    turns = await contact.turns()
    return [line["reason"] for line in turns[-1]["timeline"] if line["step"] == "judge"]


async def test_the_assistant_judges_what_no_example_says(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken("garantia"))
        reply = await contact.ask(ASKED)
        assert reply["reason"] == "auto_reply"
        assert reply["parts"] == [{"kind": "text", "text": "A garantia é de um ano."}]
        assert await judged(contact) == ["judged"]
        assert len(openai.asked) == 1


async def test_none_of_them_is_the_assistant_s(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken("none"))
        assert (await contact.ask("qual a garantia?"))["reason"] == "assistant", "its word stands above likeness"
        assert len(openai.asked) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (wire.spoken("Claro! Posso ajudar."), "judge_unclear"),
        (wire.refused(401, "invalid_api_key"), "judge_failed:invalid_api_key"),
    ],
)
async def test_without_a_word_of_it_likeness_judges(tmp_path: Path, said: wire.Reply, reason: str) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        openai.play(said)
        assert (await contact.ask("qual a garantia?"))["reason"] == "auto_reply"
        assert await judged(contact) == [reason]


async def test_who_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.steps.judge.PATIENCE", 0.05)
    never = asyncio.Event()
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken("garantia", gate=never))
        assert (await contact.ask("qual a garantia?"))["reason"] == "auto_reply"
        assert await judged(contact) == ["judge_failed:timeout"]
        never.set()


async def test_nobody_is_asked_where_a_higher_rung_answers(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        assert (await contact.ask("quero falar com um atendente"))["reason"] == "wish"
        assert (await contact.ask(ASKED))["reason"] == "held_by_person"
        assert openai.asked == []
