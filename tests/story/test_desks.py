"""A conversation that people take over at a desk outside, over the wire: told, answered, resolved."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import signing
from gateway.desks.base import DeskError, Written
from gateway.desks.webhook import Webhook
from gateway.rules.custody import REMEMBERED
from storage.model import ConversationId, Kind
from tests.fakes import openai as wire
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import LONG, Contact, burst_ends, pass_time, running, toml

MARKER = "Ação: Transferir para o setor de atendimento"


def config(openai: FakeOpenAI, desk: FakeCallback, *, handoff: str = "") -> str:
    people = f'[queues.handoff]\n{handoff}\n[queues.handoff.desk]\ntype = "webhook"\nurl = "{desk.url}"'
    return toml(openai.base_url, openai_key=openai.key).replace(
        "[[channels]]", f'{people}\nsecret = "{SECRET}"\n\n[[channels]]', 1
    )


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that is down is tried again at once."""
    monkeypatch.setattr("gateway.handovers.FIRST", 0.01)


def called(question: str) -> str:
    if question.startswith("Escreva, em português, um resumo"):
        return "Quer saber do sábado."
    return MARKER if "difícil" in question.splitlines()[-1] else f"Echo: {question}"


async def told(contact: Contact, type: str, call: str, **data: Any) -> int:
    """What the desk POSTs to us."""
    body = orjson.dumps({"type": type, "data": {"conversation": contact.conversation, **data}})
    headers = signing.headers(call, body, secret=SECRET, now=time.time())
    async with contact.http.post(f"{contact.gateway.url}/desks/loja", data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def heard(contact: Contact, person: str, times: int = 1) -> list[str]:
    """What the contact read of that sender, once there is so much."""
    with contact.gateway.live.watch(contact.conversation) as bell:
        while True:
            _, page = await contact.get("/messages")
            texts = [message["part"]["text"] for message in page["messages"] if message["from"] == person]
            if len(texts) >= times:
                return texts
            assert await bell.wait(60), texts


async def settled(contact: Contact, kind: Kind) -> None:
    """Nothing is left to do in the lanes of that kind."""
    while await contact.gateway.store.next_wake(kind) is not None:
        with contact.gateway.live.watch(contact.conversation) as bell:
            await bell.wait(0.05)


async def test_people_are_told_answer_and_let_go(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Vocês abrem no sábado?")
            reply = await contact.ask("Isso é difícil demais.")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "marker")
            case = (await desk.arrivals.get())["data"]
            assert (case["reason"], case["queue"], case["again"]) == (
                "marker",
                {"from": "loja", "to": "humanos", "language": "pt-BR"},
                False,
            )
            assert [line["text"] for line in case["transcript"]] == [
                "Vocês abrem no sábado?",
                "Echo: Vocês abrem no sábado?",
                "Isso é difícil demais.",
                reply["parts"][0]["text"],
            ]
            who = [f"Contato: Lia, {contact.id}", "Idioma: português"]
            assert case["summary"].splitlines() == [*who, "Quer saber do sábado."]
            assert contact.id in case["conversation"]["address"]

            assert (await contact.ask("Alguém aí?"))["outcome"] == "held"
            news = await desk.arrivals.get()
            assert (news["type"], news["data"]["message"]["text"]) == ("handoff.message", "Alguém aí?")

            for _ in range(2):  # what comes twice is said once
                assert await told(contact, "message.created", "m1", id="m1", text="Sou a Bia, oi!", person="Bia") == 200
            assert await heard(contact, "person") == ["Sou a Bia, oi!"]
            _, talk = await contact.get("")
            assert talk["held"]["reason"] == "marker"

            assert await told(contact, "conversation.resolved", "r1") == 200
            assert (await desk.arrivals.get())["type"] == "handoff.released"
            assert (await contact.ask("E no domingo?"))["parts"] == [{"kind": "text", "text": "Echo: E no domingo?"}]
    said = [message["content"] for message in openai.asked[-1].json["input"] if message["role"] != "developer"]
    history = str(said)
    assert "Sou a Bia, oi!" in history, "the assistant knows what people agreed"
    assert reply["parts"][0]["text"] not in history, "what called for a person calls for nobody again"


async def test_where_nothing_is_automatic_people_see_who_wrote(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        off = config(openai, desk).replace('name = "loja"\n', 'name = "loja"\nautomatic = false\n', 1)
        async with running(off, tmp_path) as (_, contact):
            first = await contact.ask("Bom dia!")
            assert (first["outcome"], first["reason"], first["parts"]) == ("held", "switched_off", [])
            case = (await desk.arrivals.get())["data"]
            assert (case["reason"], case["why"]) == (
                "switched_off",
                "As respostas automáticas desta fila estão desligadas.",
            )
            await contact.ask("Tem alguém?")
            assert (await desk.arrivals.get())["data"]["message"]["text"] == "Tem alguém?"
            assert await heard(contact, "contact", 2) == ["Bom dia!", "Tem alguém?"]
            assert [sender for sender, _ in await contact.transcript()] == ["contact", "contact"]


async def test_without_an_assistant_the_summary_is_made_by_rule(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Vocês abrem no sábado?")
            openai.play(wire.spoken(MARKER), wire.refused(401, "invalid_api_key"))
            await contact.ask("Isso é difícil demais.")
            case = (await desk.arrivals.get())["data"]
            assert "- Vocês abrem no sábado?" in case["summary"].splitlines()


async def test_a_desk_that_is_down_costs_nobody_anything(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        desk.answer(503, 500, 503)
        async with running(config(openai, desk), tmp_path) as (gateway, contact):
            reply = await contact.ask("Isso é difícil demais.")
            assert reply["outcome"] == "transferred"
            ids = [await desk.arrivals.get() for _ in range(4)]
            assert {one["data"]["handoff_id"] for one in ids} == {ids[0]["data"]["handoff_id"]}
            assert len(openai.asked) == 2, "summed up once, for all tries"
            await settled(contact, Kind.DESK)
            receipts = await gateway.store.receipts(ConversationId(contact.conversation))
            assert [(one.status, one.detail) for one in receipts if one.delivery.startswith("desk:")] == [
                ("waiting", "http_503"),
                ("sent", ""),
            ]
            assert gateway.incidents.lines == []
            told_to = (await contact.get(""))[1]["desk"]
            assert [(one["what"], one["state"]) for one in told_to] == [
                ("case:1:humanos", "waiting"),
                ("case:1:humanos", "sent"),
            ]


async def test_what_is_said_while_the_desk_is_down_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.handovers.FIRST", 600.0)
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        desk.answer(503)
        async with running(config(openai, desk), tmp_path) as (gateway, contact):
            await contact.ask("Isso é difícil demais.")
            assert (await desk.arrivals.get())["type"] == "handoff.requested"
            assert (await contact.ask("Alguém aí?"))["outcome"] == "held"
            with gateway.live.watch(contact.conversation) as bell:
                while not gateway.incidents.lines:
                    await bell.wait(0.05)
            pass_time(gateway, 700_000)
            case = (await desk.arrivals.get())["data"]
            assert "Alguém aí?" not in [line["text"] for line in case["transcript"]]
            assert (await desk.arrivals.get())["data"]["message"]["text"] == "Alguém aí?"
            await settled(contact, Kind.DESK)
            assert len(desk.seen) == 3


async def test_what_a_case_told_is_no_news(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        patient = config(openai, desk).replace("interval_ms = 30", f"interval_ms = {LONG}", 1)
        patient = patient.replace("max_wait_ms = 2000", f"max_wait_ms = {LONG}", 1)
        async with running(patient, tmp_path) as (gateway, contact):
            await contact.say("Um.")
            await gateway.people.take(ConversationId(contact.conversation), "Bia", key="a")
            case = (await desk.arrivals.get())["data"]
            assert [line["text"] for line in case["transcript"]] == ["Um."]
            await settled(contact, Kind.DESK)
            await burst_ends(gateway, contact.conversation, 1)
            with gateway.live.watch(ConversationId(contact.conversation)) as bell:
                while not await contact.turns():
                    await bell.wait(0.05)
            await contact.say("Dois.")
            await burst_ends(gateway, contact.conversation, 2)
            assert (await desk.arrivals.get())["data"]["message"]["text"] == "Dois."


@pytest.mark.file
async def test_what_a_desk_was_not_told_it_is_told_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.handovers.FIRST", 600.0)
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        desk.answer(503)
        async with running(config(openai, desk), tmp_path) as (gateway, contact):
            await contact.ask("Isso é difícil demais.")
            await desk.arrivals.get()
            with gateway.live.watch(contact.conversation) as bell:
                while not gateway.incidents.lines:
                    await bell.wait(0.05)
            assert "desk loja" in gateway.incidents.lines[0]
        # The backoff outlives the process: only its end is brought forward here.
        with sqlite3.connect(tmp_path / "recado.db") as db:
            db.execute("UPDATE lane SET wake_at = 1, retry_at = 0 WHERE kind = 2")
        db.close()
        async with running(config(openai, desk), tmp_path):
            assert (await desk.arrivals.get())["type"] == "handoff.requested"


@pytest.mark.parametrize("signed", ["", "v1,bm9wZQ=="])
async def test_who_does_not_prove_itself_is_not_heard(tmp_path: Path, signed: str) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Isso é difícil demais.")
            body = orjson.dumps({"type": "message.created", "data": {"conversation": contact.conversation, "id": "x"}})
            headers = signing.headers("x", body, secret=SECRET, now=time.time()) | {"webhook-signature": signed}
            url = f"{contact.gateway.url}/desks/loja"
            async with contact.http.post(url, data=body, headers=headers) as answer:
                assert answer.status == 401
            async with contact.http.post(url.replace("loja", "outra"), data=body, headers=headers) as answer:
                assert answer.status == 404
            async with contact.http.head(url) as answer:
                assert answer.status == 200


async def test_whoever_writes_to_a_released_conversation_has_it(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Isso é difícil demais.")
            await desk.arrivals.get()
            await settled(contact, Kind.DESK)
            await told(contact, "conversation.resolved", "r1")
            assert (await contact.get(""))[1]["held"] is None
            await told(contact, "message.created", "m2", id="m2", text="Mais uma coisa.", person="Bia")
            assert await heard(contact, "person") == ["Mais uma coisa."]
            assert (await contact.get(""))[1]["held"]["reason"] == "person_answered_elsewhere"
            assert (await contact.ask("Diga."))["outcome"] == "held"


async def test_what_a_desk_shows_again_later_is_no_news(tmp_path: Path) -> None:
    """Chatwoot's list is read once a minute: more of it than custody remembers keeps nobody held, and takes nothing
    that was given back."""
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        kept = config(openai, desk, handoff='resume = "idle_hours"\nidle_hours = 1')
        async with running(kept, tmp_path) as (gateway, contact):
            await contact.ask("Isso é difícil demais.")
            await desk.arrivals.get()
            await settled(contact, Kind.DESK)
            id = ConversationId(contact.conversation)
            shown = [Written(f"m{n}", id, f"oi {n}", 1, "Bia") for n in range(REMEMBERED + 8)]
            await gateway.handovers.take("loja", shown)
            before = await gateway.store.conversation(id)
            await gateway.handovers.take("loja", shown)
            assert await gateway.store.conversation(id) == before
            await gateway.people.release(id, "Bia", key="r")
            await gateway.handovers.take("loja", shown)
            _, talk = await contact.get("")
            assert talk["held"] is None
            assert len(await heard(contact, "person")) == len(shown)


async def test_a_desk_that_is_down_is_looked_at_once_and_not_for_each_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    async def look(self: Webhook, place: dict[str, str]) -> list[Written]:
        asked.append(place)
        raise DeskError("timeout", retryable=True)

    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (gateway, contact):
            for name in "abc":
                one = Contact(contact.http, gateway, name)
                await one.ask("Isso é difícil demais.")
                await desk.arrivals.get()
                await settled(one, Kind.DESK)
            monkeypatch.setattr(Webhook, "look", look, raising=False)
            await gateway.handovers.look()
            assert len(asked) == 1


async def test_what_a_desk_writes_is_bounded(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk), tmp_path) as (_, contact):
            await contact.ask("Isso é difícil demais.")
            await desk.arrivals.get()
            await settled(contact, Kind.DESK)
            await told(contact, "message.created", "m1", id="m1", text="a\x00" * 40_000, person="Bia")
            (text,) = await heard(contact, "person")
            assert (len(text), text[-2:]) == (32_001, "a…")


async def test_with_resume_manual_a_resolve_changes_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI(called) as openai, FakeCallback() as desk:
        async with running(config(openai, desk, handoff='resume = "manual"'), tmp_path) as (_, contact):
            await contact.ask("Isso é difícil demais.")
            await desk.arrivals.get()
            await settled(contact, Kind.DESK)
            await told(contact, "conversation.resolved", "r1")
            assert (await contact.get(""))[1]["held"]["reason"] == "marker"
