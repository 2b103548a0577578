"""People are called when the answers do not help: the customer says so again, or the assistant knows too little."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from gateway.assistants.base import HandOver
from gateway.rules.custody import Detector
from gateway.steps.answer import VISIT_MS
from gateway.steps.settle import detector
from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.calling import MARKER, program
from tests.story.lines import Telegram, outcomes
from tests.story.lines import config as lines_config
from tests.story.running import HEAD, Contact, pass_time, running, toml

COMPLAINTS = ("não foi isso que eu perguntei", "você não entendeu")
QUESTION = "qual o prazo de troca?"
CALLED = "Vou chamar alguém."


def config(openai: FakeOpenAI, handoff: str = "") -> str:
    queue = toml(openai.base_url, openai_key=openai.key)
    return queue.replace("[[channels]]", f'[queues.handoff]\nmessage = "{CALLED}"\n{handoff}\n\n[[channels]]', 1)


async def told(contact: Contact) -> int:
    """How many transfer messages the customer read."""
    return [text for _, text in await contact.transcript()].count(CALLED)


async def held(contact: Contact) -> str:
    _, conversation = await contact.get("")
    return str(conversation["held"]["reason"]) if conversation["held"] else ""


def called(reply: dict[str, Any]) -> tuple[str, str]:
    return reply["outcome"], reply["reason"]


async def lines(contact: Contact, step: str) -> list[dict[str, Any]]:
    """Of the last turn's timeline."""
    turn = max(await contact.turns(), key=lambda one: int(one["epoch"]))
    return [line for line in turn["timeline"] if line["step"] == step]


async def test_the_second_complaint_in_a_row_calls_people_and_no_assistant(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        for text in (QUESTION, COMPLAINTS[0]):
            assert called(await contact.ask(text)) == ("answered", "assistant")
        asked = len(openai.asked)
        reply = await contact.ask(COMPLAINTS[1])
        assert called(reply) == ("transferred", "repeated_failure")
        assert [part["text"] for part in reply["parts"]] == [CALLED]
        assert len(openai.asked) == asked, "nobody pays for an answer that nobody wants"
        assert await held(contact) == "repeated_failure"
        assert [line["reason"] for line in await lines(contact, "transfer")] == ["repeated_failure"]
        assert called(await contact.ask("alô? você não entendeu")) == ("held", "held_by_person")
        assert await told(contact) == 1


async def test_a_question_asked_for_the_third_time_calls_people(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        ways = [QUESTION, "Qual é o prazo de troca", "e o prazo de troca?"]
        replies = [await contact.ask(text) for text in ways]
        assert [reply["outcome"] for reply in replies] == ["answered", "answered", "transferred"]
        assert (await held(contact), await told(contact)) == ("repeated_failure", 1)


async def test_other_questions_go_on_being_answered(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        asked = ["tem a caneca azul?", "tem a caneca verde?", "tem a caneca preta?", "obrigado", "obrigado", "obrigado"]
        assert {(await contact.ask(text))["outcome"] for text in asked} == {"answered"}


async def test_the_queue_says_after_how_many(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(config(openai, "after_failures = 0"), tmp_path / "never") as (_, contact):
            assert {(await contact.ask(text))["outcome"] for text in (QUESTION, *COMPLAINTS * 3)} == {"answered"}
        async with running(config(openai, "after_failures = 1"), tmp_path / "once") as (_, contact):
            replies = [await contact.ask(text) for text in (QUESTION, COMPLAINTS[0])]
            assert [reply["outcome"] for reply in replies] == ["answered", "transferred"]


async def test_once_people_let_go_the_assistant_begins_with_a_clean_slate(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        for text in (QUESTION, *COMPLAINTS):
            await contact.ask(text)
        await contact.act("release")
        assert called(await contact.ask(COMPLAINTS[0])) == ("answered", "assistant"), "nothing was answered since"
        assert called(await contact.ask(COMPLAINTS[1])) == ("answered", "assistant")
        assert called(await contact.ask(COMPLAINTS[0])) == ("transferred", "repeated_failure")
        assert await told(contact) == 2, "one for each transfer"


async def test_who_asks_the_same_every_day_is_answered_every_day(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (gateway, contact):
        for _ in range(4):
            assert called(await contact.ask("que horas vocês abrem hoje?")) == ("answered", "assistant")
            pass_time(gateway, VISIT_MS)


async def test_a_program_s_own_history_counts(tmp_path: Path) -> None:
    said = [("user", QUESTION), ("assistant", "Pix."), ("user", COMPLAINTS[0]), ("assistant", "Aceitamos Pix.")]
    messages: list[Any] = [{"role": role, "content": text} for role, text in (*said, ("user", COMPLAINTS[1]))]
    async with program(tmp_path) as (upstream, client, _):
        made = await client.chat.completions.create(model="loja", messages=messages)
        assert called((made.model_extra or {})["recado"]) == ("transferred", "repeated_failure")
        made = await client.chat.completions.create(model="loja", messages=messages[2:])
        assert called((made.model_extra or {})["recado"]) == ("answered", "assistant")
        assert len(upstream.asked) == 1


async def test_the_same_caption_of_other_pictures_is_no_repetition(
    tele: Telegram, openai: FakeOpenAI, tmp_path: Path
) -> None:
    tele.fake.files["p1"] = ("photos/p1.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 64)
    quietly = {"presence": "false", "read_receipts": "false"}
    async with running(lines_config(openai, tele, channel=quietly), tmp_path) as (gateway, _):
        for n in range(4):
            body = orjson.loads(tele.message(f"m{n}", ""))
            del body["message"]["text"]
            photo = [{"file_id": "p1", "file_unique_id": "p1", "width": 90, "height": 90}]
            body["message"] |= {"photo": photo, "caption": "quanto custa essa caneca?"}
            await tele.post(gateway, orjson.dumps(body))
            await outcomes(gateway, tele, n + 1)
        assert await outcomes(gateway, tele, 4) == [("answered", "assistant")] * 4


async def test_the_embedded_assistant_calls_people_where_it_knew_too_little(tmp_path: Path) -> None:
    (tmp_path / "loja.md").write_text("# Pagamento\n\nAceitamos Pix e cartão de crédito.\n", "utf-8")
    text = f"""{HEAD}
[[queues]]
name = "loja"
language = "pt-BR"
knowledge = ["loja.md"]
[queues.window]
interval_ms = 30
[queues.assistant]
provider = "local"
[queues.reply]
format = "text"
[queues.voice]
provider = "silent"
[queues.hearing]
provider = "none"
[queues.handoff]
message = "{CALLED}"
[[channels]]
name = "api"
type = "http"
queue = "loja"
key = "channel-key-0123456789"
"""
    async with running(text, tmp_path) as (_, contact):
        offered = await contact.ask("vocês vendem peças de avião?")
        assert offered["outcome"] == "answered"
        assert called(await contact.ask("sim")) == ("transferred", "low_confidence")
        assert (await held(contact), await told(contact)) == ("low_confidence", 1)
        (line,) = await lines(contact, "transfer")
        assert 0 <= line["score"] < 0.5
        await contact.ask("sim")
        assert await told(contact) == 1


async def test_a_hosted_assistant_s_marker_stays_what_it_is(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(config(openai), tmp_path) as (_, contact):
        openai.play(wire.spoken(MARKER))
        assert called(await contact.ask("oi")) == ("transferred", "marker")
        assert (await held(contact), await told(contact)) == ("marker", 1)


def test_a_handover_without_a_score_is_no_lack_of_knowledge() -> None:
    assert HandOver("wants a refund").score is None


KINDS = {
    "wish": "phrase",
    "empty_answer": "hard_error",
    "assistant_failed:timeout": "hard_error",
    "assistant_failed:marker": "hard_error",
    "too_many_tries": "hard_error",
    "": "hard_error",
    **{name: name for name in get_args(Detector)},
}


@pytest.mark.parametrize(("reason", "kind"), KINDS.items())
def test_each_reason_of_a_turn_is_of_one_kind(reason: str, kind: Detector) -> None:
    assert detector(reason) == kind
