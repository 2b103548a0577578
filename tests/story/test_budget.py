"""A month's tokens: counted, spent, passed over; then people are called and the operator hears of it once."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.checking import check
from gateway.config import parse
from gateway.rules.budget import day_of, month_of
from storage.store import Unavailable
from tests.fakes import openai as wire
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, Contact, pass_time, running, toml
from tests.story.test_assistants import two

EACH = 412 + 38
"""Tokens of an answer, in and out, as the fake counts them."""
CALLED = "Vou chamar alguém."
DAY = 86_400_000


@pytest.fixture(autouse=True)
def _early_in_its_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """No month ends in the middle of a story: to whoever counts, today is the tenth at the latest."""
    since = max(0, datetime.now(UTC).day - 10) * DAY
    for name, of in (("spending.day_of", day_of), ("spending.month_of", month_of), ("checking.month_of", month_of)):
        monkeypatch.setattr(f"gateway.{name}", lambda at, of=of: of(at - since))


def limited(text: str, *limits: int) -> str:
    """One for each assistant, in their order."""
    head, *rest = text.split('model = "gpt-6-luna"\n')
    pieces = [
        f'model = "gpt-6-luna"\nmonthly_tokens = {limit}\n{piece}' for limit, piece in zip(limits, rest, strict=True)
    ]
    return "".join([head, *pieces]).replace("[[channels]]", f'[queues.handoff]\nmessage = "{CALLED}"\n[[channels]]', 1)


def one(openai: FakeOpenAI, limit: int = EACH + 1, more: str = "") -> str:
    text = limited(toml(openai.base_url, openai_key=openai.key), limit)
    return text.replace("[[channels]]", f"{more}\n[[channels]]", 1)


def ended(reply: dict[str, Any]) -> tuple[str, str]:
    return reply["outcome"], reply["reason"]


async def degraded(contact: Contact) -> list[str]:
    async with contact.http.get(f"{contact.gateway.url}/readyz") as answer:
        return list((await answer.json())["degraded"])


async def counted(gateway: Gateway) -> int:
    return (await gateway.store.spent("loja", "2000-01-01")).tokens


async def metric(contact: Contact, line: str) -> float:
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with contact.http.get(f"{contact.gateway.url}/metrics", headers=headers) as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(each.rpartition(" ")[2]) for each in lines if each.startswith(line))


async def notes(contact: Contact, step: str) -> list[str]:
    turn = max(await contact.turns(), key=lambda each: int(each["epoch"]))
    return [line["reason"] for line in turn["timeline"] if line["step"] == step and "reason" in line]


async def test_the_answer_that_reaches_the_limit_is_given_and_people_have_the_next(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(one(openai), tmp_path) as (gateway, contact):
        assert ended(await contact.ask("tem azul?")) == ("answered", "assistant")
        assert (await counted(gateway), await degraded(contact)) == (EACH, [])
        assert ended(await contact.ask("e verde?")) == ("answered", "assistant"), "begun with a token left"
        (line,) = await degraded(contact)
        assert line.startswith("assistant loja: budget. The month's tokens of openai/gpt-6-luna are spent: people")
        reply = await contact.ask("e preta?")
        assert ended(reply) == ("transferred", "budget")
        assert [part["text"] for part in reply["parts"]] == [CALLED]
        assert (len(openai.asked), await counted(gateway)) == (2, 2 * EACH), "nobody was asked for it"
        held = (await contact.get(""))[1]
        assert held["held"]["reason"] == "budget"
        assert held["custody"]["why"] == "O limite de gastos do assistente foi atingido."
        assert await metric(contact, 'recado_incidents_total{part_kind="assistant",reason="budget"}') == 1.0


async def test_everybody_of_the_queue_shares_it_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(one(openai), tmp_path) as (gateway, _contact):
            for name in ("ana", "bia"):
                assert ended(await Contact(_contact.http, gateway, name).ask("oi")) == ("answered", "assistant")
        async with running(one(openai), tmp_path) as (gateway, contact):
            assert ended(await contact.ask("oi")) == ("transferred", "budget")
            assert len(await degraded(contact)) == 1
        async with running(one(openai, 2 * EACH + 1), tmp_path) as (gateway, contact):
            assert ended(await contact.ask("oi")) == ("answered", "assistant"), "the limit was raised"
            await contact.act("release")


async def test_a_new_month_begins_with_nothing_spent(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(one(openai, 1), tmp_path) as (gateway, contact):
        await contact.ask("oi")
        assert len(await degraded(contact)) == 1
        pass_time(gateway, 31 * DAY)
        assert len(await degraded(contact)) == 1, "nobody looked yet"
        await gateway.spending.look(gateway.config.queues)
        assert await degraded(contact) == []
        assert ended(await contact.ask("e agora?")) == ("answered", "assistant")


async def test_what_was_spent_is_told_from_the_start(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(one(openai, 1), tmp_path) as (_, contact):
            await contact.ask("oi")
        async with running(one(openai, 1), tmp_path) as (_, contact):
            async with asyncio.timeout(60):
                while not await degraded(contact):
                    await asyncio.sleep(0)


async def test_the_next_assistant_answers_up_to_its_own_mark(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "do primeiro") as first, FakeOpenAI(lambda _: "do segundo") as second:
        async with running(limited(two(first, second), EACH, 2 * EACH), tmp_path) as (_, contact):
            assert (await contact.ask("oi"))["parts"][0]["text"] == "do primeiro"
            assert [line.split(".")[0] for line in await degraded(contact)] == ["assistant loja: budget_of_one"]
            assert (await contact.ask("e agora?"))["parts"][0]["text"] == "do segundo"
            assert await notes(contact, "answer") == ["budget"]
            assert [line.split(".")[0] for line in await degraded(contact)] == ["assistant loja: budget"]
            assert ended(await contact.ask("e então?")) == ("transferred", "budget")
            assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_who_fails_is_not_followed_by_who_is_spent(tmp_path: Path) -> None:
    """The second has the lower mark: it is passed over, and what the first failed of is the reason."""
    async with FakeOpenAI() as first, FakeOpenAI() as second:
        async with running(limited(two(first, second), 0, EACH), tmp_path) as (_, contact):
            await contact.ask("oi")
            first.play(wire.refused(401, "invalid_api_key"))
            assert ended(await contact.ask("e agora?")) == ("transferred", "assistant_failed:invalid_api_key")
            assert second.asked == []


async def test_what_the_assistant_is_asked_beside_counts_and_is_not_asked_when_spent(tmp_path: Path) -> None:
    """Which intent a burst is of; where nobody may be asked, likeness says it."""
    intent = """
[[queues.auto_replies]]
trigger = "intent"
name = "garantia"
examples = ["qual a garantia?"]
reply = "Um ano."
"""
    async with FakeOpenAI() as openai, running(one(openai, EACH, intent), tmp_path) as (gateway, contact):
        openai.play(wire.spoken("garantia"))
        assert ended(await contact.ask("e se quebrar?")) == ("answered", "auto_reply")
        assert (len(openai.asked), await counted(gateway)) == (1, EACH)
        assert ended(await contact.ask("qual a garantia?")) == ("answered", "auto_reply"), "a fixed reply is free"
        assert (len(openai.asked), await notes(contact, "judge")) == (1, [])
        assert ended(await contact.ask("e se quebrar?")) == ("transferred", "budget")
        assert len(openai.asked) == 1


FLOW = """
name = "duvida"
start = "fala"
[[steps]]
name = "fala"
kind = "ai"
text = "Pode perguntar."
instructions = "Fale só de cores."
until = "message matches ['tchau']"
next = "fim"
[[steps]]
name = "fim"
kind = "end"
text = "Até mais!"
"""


async def test_a_flow_s_assistant_is_not_asked_either(tmp_path: Path) -> None:
    (tmp_path / "duvida.toml").write_text(FLOW, "utf-8")
    flow = '[[queues.flows]]\nfile = "duvida.toml"\ntrigger = "keyword"\nvalue = ["menu"]\n'
    async with FakeOpenAI() as openai, running(one(openai, EACH, flow), tmp_path) as (_, contact):
        assert (await contact.ask("menu"))["parts"][0]["text"] == "Pode perguntar."
        assert ended(await contact.ask("tem azul?")) == ("answered", "flow")
        reply = await contact.ask("e verde?")
        assert (*ended(reply), reply["parts"][0]["text"]) == ("transferred", "budget", CALLED)
        assert len(openai.asked) == 1


async def test_who_is_spent_sums_up_nothing_for_people(tmp_path: Path) -> None:
    """A desk gets the summary by rule: a queue whose tokens are spent calls people for every customer."""
    async with FakeOpenAI(lambda asked: "resumido" if "resumo" in asked else "Sim.") as openai, FakeCallback() as desk:
        people = f'[queues.handoff.desk]\ntype = "webhook"\nurl = "{desk.url}"\nsecret = "{SECRET}"\n'
        async with running(one(openai, EACH, people), tmp_path) as (gateway, contact):
            await contact.ask("tem azul?")
            assert ended(await contact.ask("e verde?")) == ("transferred", "budget")
            case = (await desk.arrivals.get())["data"]
            assert (case["reason"], case["why"]) == ("budget", "O limite de gastos do assistente foi atingido.")
            assert "resumido" not in case["summary"]
            assert (len(openai.asked), await counted(gateway)) == (1, EACH)


async def test_a_summary_is_on_the_bill(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeCallback() as desk:
        people = f'[queues.handoff.desk]\ntype = "webhook"\nurl = "{desk.url}"\nsecret = "{SECRET}"\n'
        async with running(one(openai, 10 * EACH, people), tmp_path) as (gateway, contact):
            assert ended(await contact.ask("quero falar com uma pessoa")) == ("transferred", "wish")
            await desk.arrivals.get()
            assert (len(openai.asked), await counted(gateway)) == (1, EACH)


async def test_recado_check_says_where_the_month_stands(tmp_path: Path) -> None:
    async with FakeOpenAI() as first, FakeOpenAI() as second:
        text = limited(two(first, second), EACH, 2 * EACH)
        expected = {"ok": "0 of 450 tokens since ", "warning": "450 of 450 tokens since "}
        for kind, told in expected.items():
            found = {one.key: one for one in await check(parse(text, root=tmp_path))}
            stands = found["queues.loja.assistant.monthly_tokens"]
            assert (stands.level, stands.message.startswith(told)) == (kind, True)
            async with running(text, tmp_path) as (_, contact):
                await contact.ask("oi")
        assert found["queues.loja.assistants[0].monthly_tokens"].level == "ok"


async def test_a_bill_that_cannot_be_written_keeps_no_answer_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise Unavailable("the disk is full")

    async with FakeOpenAI() as openai, running(one(openai), tmp_path) as (gateway, contact):
        monkeypatch.setattr(type(gateway.store), "spend", full)
        assert ended(await contact.ask("oi")) == ("answered", "assistant")


@pytest.mark.parametrize("claimed", [-5, 10**30])
async def test_a_count_that_is_none_breaks_nothing(tmp_path: Path, claimed: int) -> None:
    usage = {"input_tokens": claimed, "output_tokens": 7}
    said = {"type": "message", "content": [{"type": "output_text", "text": "Sim."}]}
    async with FakeOpenAI() as openai, running(one(openai, 10**9), tmp_path) as (gateway, contact):
        openai.play(wire.document({"object": "response", "status": "completed", "output": [said], "usage": usage}))
        assert ended(await contact.ask("oi")) == ("answered", "assistant")
        assert await counted(gateway) == (7 if claimed < 0 else 10**9 + 7)


async def test_a_server_that_counts_no_tokens_is_limited_by_what_they_come_to_about(tmp_path: Path) -> None:
    said = {"type": "message", "content": [{"type": "output_text", "text": "Olá, Lia!"}]}
    async with FakeOpenAI() as openai, running(one(openai, 1), tmp_path) as (gateway, contact):
        openai.play(wire.document({"object": "response", "status": "completed", "output": [said]}))
        assert ended(await contact.ask("oi")) == ("answered", "assistant")
        (written,) = [line for line in (await contact.turns())[-1]["timeline"] if line["step"] == "written"]
        assert written["estimated"] is True
        assert written["output_tokens"] == 3, "ten bytes"
        assert await counted(gateway) == written["input_tokens"] + 3
        assert ended(await contact.ask("e verde?")) == ("transferred", "budget")


@pytest.mark.file
async def test_a_queue_without_a_limit_counts_all_the_same(tmp_path: Path) -> None:
    """So that a limit set on the 20th knows of the first nineteen days."""
    async with FakeOpenAI() as openai, running(toml(openai.base_url, openai_key=openai.key), tmp_path) as (_, contact):
        await contact.ask("oi")
        await contact.ask("tem azul?")
    with sqlite3.connect(tmp_path / "recado.db") as db:
        rows = db.execute("SELECT queue, day, tokens FROM spending").fetchall()
    db.close()
    assert [(queue, tokens) for queue, _, tokens in rows] == [("loja", 2 * EACH)]
    assert rows[0][1] <= day_of(round(datetime.now(UTC).timestamp() * 1000))
