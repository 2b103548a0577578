"""What answers before any assistant is asked: hours, fixed replies, and the wish for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai import FakeOpenAI
from tests.story.running import running, toml

KEY = "inbox-key-0123456789"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def queue(openai: FakeOpenAI, more: str, *, interval: int = 30) -> str:
    """`more` belongs to the queue."""
    config = toml(openai.base_url, openai_key=openai.key, interval=interval, max_wait=max(2000, interval))
    return config.replace("[[channels]]", f"{more}\n\n[[channels]]", 1)


def closed() -> str:
    """Hours of a queue that opens the day after tomorrow."""
    later = DAYS[(datetime.now(UTC) + timedelta(days=2)).weekday()]
    hours = '[queues.hours]\ntimezone = "UTC"\nholidays = ""\nmessage = "Voltamos logo."'
    return f'{hours}\n[queues.hours.weekly]\n{later} = ["08:00-18:00"]'


async def test_outside_the_hours_a_customer_is_told_once(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, closed()), tmp_path) as (_, contact):
            first = await contact.ask("oi")
            assert (first["outcome"], first["reason"]) == ("answered", "out_of_hours")
            assert first["parts"] == [{"kind": "text", "text": "Voltamos logo."}]
            second = await contact.ask("tem alguém?")
            assert (second["outcome"], second["reason"], second["parts"]) == ("held", "out_of_hours", [])
        async with running(queue(openai, closed()), tmp_path) as (_, contact):
            assert openai.asked == []


async def test_what_is_written_after_that_waits_where_people_look(tmp_path: Path) -> None:
    """And not for whoever happens to read through all conversations."""
    async with FakeOpenAI() as openai:
        inbox = f'[queues.handoff.desk]\ntype = "inbox"\nsecret = "{KEY}"\n{closed()}'
        async with running(queue(openai, inbox), tmp_path) as (_, contact):

            async def waiting() -> list[dict[str, Any]]:
                url, headers = f"{contact.gateway.url}/v1/inbox?state=waiting", {"Authorization": f"Bearer {KEY}"}
                async with contact.http.get(url, headers=headers) as answer:
                    return list((await answer.json())["conversations"])

            await contact.ask("oi")
            assert await waiting() == [], "an answer that says when somebody is back is one"
            await contact.ask("quero remarcar para sexta")
            (one,) = await waiting()
            assert one["last"]["text"] == "quero remarcar para sexta"
            custody = one["custody"]
            assert (custody["reason"], custody["to"], custody["person"]) == ("out_of_hours", "humanos", "")
            assert custody["why"] == "O cliente escreveu fora do horário de atendimento."
            assert [by for by, _ in await contact.transcript()] == ["contact", "assistant", "contact"], "told once"


async def test_outside_the_hours_others_may_take_it(tmp_path: Path) -> None:
    hours = closed().replace("message =", 'to = "plantao"\nmessage =')
    async with FakeOpenAI() as openai:
        async with running(queue(openai, hours), tmp_path) as (_, contact):
            reply = await contact.ask("oi")
            assert (reply["outcome"], reply["parts"][0]["text"]) == ("transferred", "Voltamos logo.")
            assert (await contact.get(""))[1]["held"]["queue"] == "plantao"


async def test_a_transfer_outside_the_hours_says_so(tmp_path: Path) -> None:
    hours = closed().replace("message =", "assistant = true\nmessage =")
    async with FakeOpenAI() as openai:
        async with running(queue(openai, hours), tmp_path) as (_, contact):
            assert (await contact.ask("oi"))["parts"][0]["text"] == "Echo: oi"
            reply = await contact.ask("quero falar com um atendente")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "wish")
            assert reply["parts"][0]["text"].startswith("Nossa equipe não está atendendo agora.")
            assert len(openai.asked) == 1, "no assistant stands in the way"


REPLY = '[[queues.auto_replies]]\nvalue = ["pix"]\nreply = "Oi, {name}! A chave é 123."'


async def test_a_fixed_reply_does_not_wait_for_the_window(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, REPLY, interval=60_000), tmp_path) as (_, contact):
            await contact.say("oi")
            reply = await contact.ask("qual a chave Pix?")
            assert reply["parts"][0]["text"] == "Oi, Lia! A chave é 123."
            assert reply["reason"] == "auto_reply"
            assert openai.asked == []


async def test_a_phrase_of_the_queue_calls_a_person_at_once(tmp_path: Path) -> None:
    phrases = '[queues.handoff]\nphrases = ["procon"]'
    async with FakeOpenAI() as openai:
        async with running(queue(openai, phrases, interval=60_000), tmp_path) as (_, contact):
            reply = await contact.ask("vou ao PROCON!")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "phrase")
            assert (await contact.get(""))[1]["held"]["reason"] == "phrase"


@pytest.mark.parametrize("text", ["oi", "quero falar com um atendente"])
async def test_a_queue_that_is_switched_off_answers_nothing(tmp_path: Path, text: str) -> None:
    async with FakeOpenAI() as openai:
        config = queue(openai, "").replace('name = "loja"', 'name = "loja"\nautomatic = false', 1)
        async with running(config, tmp_path) as (_, contact):
            reply = await contact.ask(text)
            assert (reply["outcome"], reply["reason"], reply["parts"]) == ("held", "switched_off", [])
            assert openai.asked == []


# -- people who let go without a word ------------------------------------------------------------------


def idle(hours: float) -> str:
    return f'[queues.handoff]\nresume = "idle_hours"\nidle_hours = {hours}'


async def test_what_people_left_lying_is_the_assistant_s_again(tmp_path: Path) -> None:
    moment = 0.000_001  # hours
    async with FakeOpenAI() as openai:
        async with running(queue(openai, idle(1)), tmp_path) as (_, contact):
            await contact.ask("bom dia")
            await contact.act("hold")
            assert (await contact.ask("oi"))["outcome"] == "held"
            assert (await contact.get(""))[1]["held"]["until"] > (await contact.get(""))[1]["held"]["at"]
        async with running(queue(openai, idle(moment)), tmp_path) as (_, again):
            again.id, again.conversation, again._number = contact.id, contact.conversation, contact._number
            reply = await again.ask("e agora?")
            assert (reply["outcome"], reply["parts"][0]["text"]) == ("answered", "Echo: e agora?")
            turn = (await again.turns())[-1]
            (step,) = [line for line in turn["timeline"] if line["step"] == "resume"]
            assert step["reason"] == "idle_hours"
            assert (await again.get(""))[1]["held"] is None


async def test_who_is_there_keeps_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, ""), tmp_path) as (_, contact):
            await contact.ask("oi")
            await contact.act("hold")
            assert "until" not in (await contact.get(""))[1]["held"]
            assert (await contact.ask("alguém?"))["outcome"] == "held"
