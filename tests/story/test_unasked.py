"""What is said unasked: follow-ups, closings and ratings, over HTTP, by a clock that is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway import transcript
from gateway.app import Gateway
from gateway.loops import LEASE
from gateway.rules.sentences import SENTENCES
from storage.model import ConversationId, Kind, Post
from storage.store import Unavailable
from tests.fakes import graph as graph_wire
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import Evolution, WhatsApp, heard, held, outcomes, quiet, states, until
from tests.story.lines import conversation as of_line
from tests.story.running import ADMIN, KEY, Contact, pass_time, running, toml
from tests.story.served import Served
from tests.story.test_flows import MENU, ROW, TO, action

MINUTE, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
FOLLOWS = "[queues.follow_up]\nafter_minutes = 60\n"
CLOSES = '[queues.closing]\nafter_hours = 4\nmessage = "Até a próxima!"\n'
RATES = "[queues.rating]\nask = true\n"
ANYTHING_ELSE = SENTENCES["follow_up"]["pt"]
SCORE = SENTENCES["rating_ask"]["pt"]
THANKS = SENTENCES["rating_thanks"]["pt"]
LINES = "1. Muito ruim\n2. Ruim\n3. Regular\n4. Bom\n5. Muito bom"


def queue(openai: FakeOpenAI, *more: str) -> str:
    """`more` belongs to the queue."""
    config = toml(openai.base_url, openai_key=openai.key)
    return config.replace("[[channels]]", "\n".join([*more, "[[channels]]"]), 1)


@asynccontextmanager
async def shop(folder: Path, *more: str, channels: str = "") -> AsyncIterator[tuple[Gateway, Contact]]:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, *more) + channels, folder) as (gateway, contact):
            yield gateway, contact


async def looked(gateway: Gateway) -> None:
    """Everything it was time for has been looked at, and what came of it is done."""

    async def asleep() -> bool:
        at = await gateway.store.next_wake(Kind.LATER)
        return at is None or at - await gateway.store.now() > LEASE

    await until(asleep, "no wake-up is due or at work")
    await quiet(gateway)
    await until(asleep, "nor what it led to")


async def pass_by(gateway: Gateway, ms: int) -> None:
    """Not while anything is at work: its lease would be over."""
    await looked(gateway)
    pass_time(gateway, ms)
    await looked(gateway)


async def said(contact: Contact) -> list[str]:
    """What the contact has read of us."""
    return [words for who, words in await contact.transcript() if who == "assistant"]


async def turns(contact: Contact) -> list[tuple[str, str]]:
    return [(turn["outcome"], turn["reason"]) for turn in await contact.turns()]


async def facts(gateway: Gateway, contact: Contact) -> list[str]:
    """Their kinds."""
    return sorted(name.partition(":")[0] for name in await gateway.store.facts(ConversationId(contact.conversation)))


def same(again: Contact, contact: Contact) -> Contact:
    """The same person, after a restart."""
    again.id, again.conversation, again._number = contact.id, contact.conversation, contact._number
    return again


def opens_later(*, days: int = 2) -> str:
    """Hours of a queue that is closed now, and whose assistant answers all the same."""
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(datetime.now(UTC) + timedelta(days=days)).weekday()]
    hours = '[queues.hours]\ntimezone = "UTC"\nholidays = ""\nassistant = true'
    return f'{hours}\n[queues.hours.weekly]\n{day} = ["08:00-18:00"]\n'


# -- follow-ups ------------------------------------------------------------------------------------------


async def test_a_follow_up_comes_once_and_not_too_early(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await pass_by(gateway, 59 * MINUTE)
        assert await said(contact) == ["Echo: quanto custa?"]
        await pass_by(gateway, 2 * MINUTE)
        assert await said(contact) == ["Echo: quanto custa?", ANYTHING_ELSE]
        assert await turns(contact) == [("answered", "assistant"), ("answered", "follow_up")]
        [decided] = [line for line in (await contact.turns())[-1]["timeline"] if line["step"] == "decide"]
        assert (decided["rung"], decided["reason"]) == ("Say", "follow_up")
        await pass_by(gateway, 5 * DAY)
        assert len(await said(contact)) == 2
        assert await gateway.store.next_wake(Kind.LATER) is None, "nobody looks any more"


async def test_by_default_nothing_is_said_and_nobody_looks(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, contact):
        await contact.ask("quanto custa?")
        await quiet(gateway)
        assert await gateway.store.next_wake(Kind.LATER) is None


async def test_the_customer_s_next_message_begins_another_silence(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await pass_by(gateway, 40 * MINUTE)
        await contact.ask("e o frete?")
        await pass_by(gateway, 40 * MINUTE)
        assert len(await said(contact)) == 2
        await pass_by(gateway, 21 * MINUTE)
        assert (await said(contact))[2:] == [ANYTHING_ELSE]
        await contact.ask("e a garantia?")
        await pass_by(gateway, 61 * MINUTE)
        assert (await said(contact))[2:] == [ANYTHING_ELSE, "Echo: e a garantia?", ANYTHING_ELSE]


async def test_as_many_as_the_queue_wants_in_its_own_words(tmp_path: Path) -> None:
    twice = f'{FOLLOWS}times = 2\nmessage = "Ficou alguma dúvida?"\n'
    async with shop(tmp_path, twice) as (gateway, contact):
        await contact.ask("oi")
        for _ in range(4):
            await pass_by(gateway, 61 * MINUTE)
        assert await said(contact) == ["Echo: oi", "Ficou alguma dúvida?", "Ficou alguma dúvida?"]


async def test_in_the_customer_s_language(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("Hello, what does the blue shirt cost?")
        await pass_by(gateway, 61 * MINUTE)
        assert (await said(contact))[1:] == [SENTENCES["follow_up"]["en"]]


async def test_who_said_thanks_is_left_in_peace(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await contact.ask("obrigada, tchau!")
        await pass_by(gateway, 2 * HOUR)
        assert (await turns(contact))[2:] == []


async def test_nobody_is_followed_up_while_people_have_it_nor_after_them(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await contact.act("hold")
        await pass_by(gateway, 2 * HOUR)
        await contact.act("release")
        await pass_by(gateway, 2 * HOUR)
        assert await turns(contact) == [("answered", "assistant")]


async def test_who_was_served_by_people_last_is_theirs(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await contact.act("hold")
        await contact.act("release")
        await pass_by(gateway, 61 * MINUTE)
        assert await turns(contact) == [("answered", "assistant")]
        await contact.ask("e o frete?")
        await pass_by(gateway, 61 * MINUTE)
        assert (await turns(contact))[2:] == [("answered", "follow_up")], "it is the assistant's again"


async def test_who_waits_for_people_is_not_asked_whether_there_is_anything_else(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS, CLOSES) as (gateway, contact):
        await contact.ask("quanto custa?")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        await contact.say("cadê o meu pedido?", at=yesterday.isoformat())
        await until(lambda: _count(contact, 2), "nobody answers what comes a day late")
        await pass_by(gateway, 5 * HOUR)
        assert await turns(contact) == [("answered", "assistant"), ("ignored", "late")]


async def test_people_who_come_while_it_is_looked_at_are_met(tmp_path: Path) -> None:
    """The wake-up is on its way, and somebody takes the conversation."""
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await contact.act("hold")
        await woken(gateway, contact)
        await until(lambda: _count(contact, 2), "the turn")
        assert (await turns(contact))[1:] == [("held", "held_by_person")]


async def test_who_opted_out_is_left_in_peace(tmp_path: Path, zap: WhatsApp) -> None:
    async with shop(tmp_path, FOLLOWS, channels=silent(zap)) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "oi"))
        assert await outcomes(gateway, zap, 1) == [("answered", "assistant")]
        await gateway.store.set_fact(of_line(zap), "opted_out", True)
        await pass_by(gateway, 2 * HOUR)
        assert len(await outcomes(gateway, zap, 1)) == 1


async def test_while_the_queue_is_closed_it_waits_for_the_opening(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS, opens_later()) as (gateway, contact):
        assert (await contact.ask("quanto custa?"))["reason"] == "assistant"
        await pass_by(gateway, 2 * HOUR)
        assert await said(contact) == ["Echo: quanto custa?"]
        opens = await gateway.store.next_wake(Kind.LATER)
        assert opens is not None
        assert datetime.fromtimestamp(opens / 1000, UTC).strftime("%H:%M:%S") == "08:00:00"
        await pass_by(gateway, opens - await gateway.store.now() + 1000)
        assert (await said(contact))[1:] == [ANYTHING_ELSE]


# -- crashes, wake-ups too many, and what overtakes -----------------------------------------------------


async def test_a_restart_neither_loses_nor_doubles_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        config = queue(openai, FOLLOWS)
        async with running(config, tmp_path) as (_, contact):
            await contact.ask("quanto custa?")
        async with running(config, tmp_path) as (gateway, again):
            await pass_by(gateway, 61 * MINUTE)
            assert await said(same(again, contact)) == ["Echo: quanto custa?", ANYTHING_ELSE]
        async with running(config, tmp_path) as (gateway, again):
            await pass_by(gateway, 3 * HOUR)
            assert await said(same(again, contact)) == ["Echo: quanto custa?", ANYTHING_ELSE]


@pytest.mark.file
async def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        (tmp_path / "recado.toml").write_text(queue(openai, FOLLOWS))
        served = Served(tmp_path / "recado.toml")
        await served.start()
        body = {"id": "m1", "contact": {"id": "lia"}, "text": "quanto custa?"}
        async with aiohttp.ClientSession() as http:
            url, key = f"{served.url}/v1/channels/api/messages", {"Authorization": f"Bearer {KEY}"}
            async with http.post(url, json=body, headers=key, params={"wait": "60"}) as answer:
                reply = await answer.json()
        await served.kill()
        async with running(queue(openai, FOLLOWS), tmp_path) as (gateway, contact):
            contact.conversation = reply["conversation"]
            await pass_by(gateway, 61 * MINUTE)
            assert await said(contact) == ["Echo: quanto custa?", ANYTHING_ELSE]


async def test_a_turn_that_is_begun_again_says_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await quiet(gateway)
        settle, trouble = gateway.store.settle, [Unavailable("full"), Unavailable("full")]

        async def settling(*args: Any) -> Any:
            if args[1].turn is not None and trouble:
                raise trouble.pop()
            return await settle(*args)

        monkeypatch.setattr(gateway.store, "settle", settling)
        await pass_by(gateway, 61 * MINUTE)
        assert await said(contact) == ["Echo: quanto custa?", ANYTHING_ELSE]
        assert trouble == []


async def woken(gateway: Gateway, contact: Contact) -> None:
    """A wake-up too many: as when a look is broken off after its first half."""
    talk = await gateway.store.conversation(ConversationId(contact.conversation))
    assert talk is not None
    id = f"wake:again:{await gateway.store.now()}"
    body = transcript.wake_body(id, "unasked", await gateway.store.now())
    await gateway.store.accept(talk, Post(talk.id, id, body), [])


async def _count(contact: Contact, turns: int) -> bool:
    return len(await contact.turns()) >= turns


async def test_a_wake_up_too_many_says_nothing(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS) as (gateway, contact):
        await contact.ask("quanto custa?")
        await woken(gateway, contact)
        await until(lambda: _count(contact, 2), "the early one")
        await pass_by(gateway, 61 * MINUTE)
        await woken(gateway, contact)
        await until(lambda: _count(contact, 4), "the late one")
        nothing, told = ("ignored", "nothing_due"), ("answered", "follow_up")
        assert (await turns(contact))[1:] == [nothing, told, nothing]


def silent(line: WhatsApp, **keys: str) -> str:
    return line.channel(read_receipts="false", presence="false", **keys)


async def test_it_is_never_said_outside_the_reply_window(tmp_path: Path, zap: WhatsApp) -> None:
    late = "[queues.follow_up]\nafter_minutes = 1437\n"
    async with shop(tmp_path, late, channels=silent(zap, template='"oi:pt_BR"')) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "oi"))
        assert await outcomes(gateway, zap, 1) == [("answered", "assistant")]
        await pass_by(gateway, 1438 * MINUTE)
        assert len(zap.fake.sent) == 1
        assert await gateway.store.next_wake(Kind.LATER) is None


@pytest.mark.parametrize("why", ["outside_reply_window", "131047", "overtaken"])
async def test_what_comes_too_late_to_the_channel_is_withdrawn(tmp_path: Path, zap: WhatsApp, why: str) -> None:
    """No template goes, nobody is called: it would only have been a bother."""
    late = "[queues.follow_up]\nafter_minutes = 1420\n"
    async with shop(tmp_path, late, channels=silent(zap, template='"oi:pt_BR"')) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "oi"))
        await until(lambda: len(zap.fake.sent) == 1, "the answer")
        await looked(gateway)
        zap.fake.next(graph_wire.error(131047 if why == "131047" else 131000))
        pass_time(gateway, 1421 * MINUTE)
        assert (await outcomes(gateway, zap, 2))[1] == ("answered", "follow_up")
        if why != "131047":
            await until(lambda: gateway.telemetry.registry.get_sample_value(*RETRIED), "the first try")
            await _given_back(gateway)
            if why == "overtaken":
                await zap.post(gateway, zap.message("m2", "e aí?"))
                await outcomes(gateway, zap, 3)
            pass_time(gateway, 20 * MINUTE if why == "outside_reply_window" else MINUTE)
        await quiet(gateway)
        [withdrawn] = [r for r in await gateway.store.receipts(of_line(zap)) if r.status == "withdrawn"]
        assert withdrawn.detail == why
        assert "templated" not in await states(gateway, zap)
        assert await held(gateway, zap) == ""


async def test_what_the_channel_did_not_take_for_a_day_is_not_said(tmp_path: Path, evo: Evolution) -> None:
    async with shop(tmp_path, FOLLOWS, channels=evo.channel(read_receipts="false", presence="false")) as (gateway, _):
        await evo.post(gateway, evo.message("m1", "oi"))
        await heard(evo, 1)
        await looked(gateway)
        evo.fake.next("offline")
        pass_time(gateway, 61 * MINUTE)
        offline = (RETRIED[0], {**RETRIED[1], "channel": evo.name})
        await until(lambda: gateway.telemetry.registry.get_sample_value(*offline), "the first try")
        await _given_back(gateway)
        pass_time(gateway, DAY + MINUTE)
        await quiet(gateway)
        [withdrawn] = [r for r in await gateway.store.receipts(of_line(evo)) if r.status == "withdrawn"]
        assert withdrawn.detail == "a_day_late"


async def test_who_cannot_be_reached_is_not_for_a_wake_up(tmp_path: Path, zap: WhatsApp) -> None:
    async with shop(tmp_path, CLOSES, channels=silent(zap)) as (gateway, _):
        await zap.post(gateway, zap.message("m1", "oi"))
        await until(lambda: len(zap.fake.sent) == 1, "the answer")
        await gateway.store.set_fact(of_line(zap), "unreachable", True)
        await pass_by(gateway, 5 * HOUR)
        assert (await outcomes(gateway, zap, 2))[1] == ("ignored", "closed")
        assert "unreachable" in await gateway.store.facts(of_line(zap)), "nobody wrote"
        assert len(zap.fake.sent) == 1


RETRIED = ("recado_deliveries_total", {"channel": "zap", "outcome": "retried"})


async def _given_back(gateway: Gateway) -> None:
    await until(lambda: gateway._loops[Kind.OUT].running == 0, "the lane waits for its next try")


# -- closings --------------------------------------------------------------------------------------------


async def test_a_conversation_closes_once_and_the_next_message_begins_anew(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS, CLOSES) as (gateway, contact):
        await contact.ask("quanto custa?")
        await pass_by(gateway, 61 * MINUTE)
        await pass_by(gateway, 3 * HOUR)
        assert len(await said(contact)) == 2, "the follow-up was a word, too"
        await pass_by(gateway, HOUR)
        await pass_by(gateway, 2 * DAY)
        assert await said(contact) == ["Echo: quanto custa?", ANYTHING_ELSE, "Até a próxima!"]
        assert (await turns(contact))[-1] == ("answered", "closed")
        assert (await contact.ask("voltei"))["parts"][0]["text"] == "Echo: voltei"


async def test_a_closing_ends_the_flow(tmp_path: Path) -> None:
    (tmp_path / "pedidos.toml").write_text(MENU.format(timeout=0))
    async with shop(tmp_path, TO, FOLLOWS, CLOSES, ROW, action(None)) as (gateway, contact):
        await contact.ask("menu")
        await pass_by(gateway, 61 * MINUTE)
        assert len(await said(contact)) == 1, "its question is open"
        await pass_by(gateway, 4 * HOUR)
        assert (await said(contact))[1:] == ["Até a próxima!"]
        assert (await contact.ask("1"))["parts"][0]["text"] == "Echo: 1"


async def test_after_a_goodbye_it_closes_without_a_word(tmp_path: Path) -> None:
    async with shop(tmp_path, FOLLOWS, CLOSES) as (gateway, contact):
        await contact.ask("obrigada, tchau!")
        await pass_by(gateway, 5 * HOUR)
        assert await turns(contact) == [("answered", "assistant"), ("ignored", "closed")]
        assert await facts(gateway, contact) == ["closed"]
        assert len(await said(contact)) == 1


# -- ratings ---------------------------------------------------------------------------------------------


async def resolve(contact: Contact, *, wait: int | None = None) -> None:
    """People are done; waits until so many turns are there."""
    url = f"{contact.gateway.url}/v1/conversations/{contact.conversation}/resolve"
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with contact.http.post(url, json={"person": "Marina"}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    if wait:
        await until(lambda: _count(contact, wait), f"{wait} turns")


async def rating(contact: Contact) -> list[tuple[str, int | None]]:
    """The last turn's lines about it."""
    timeline = (await contact.turns())[-1]["timeline"]
    return [(line["reason"], line.get("score")) for line in timeline if line["step"] == "rating"]


async def test_a_rating_is_asked_when_people_are_done_and_a_score_is_thanked_for(tmp_path: Path) -> None:
    async with shop(tmp_path, RATES) as (gateway, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact, wait=2)
        assert (await said(contact))[1:] == [f"{SCORE}\n\n{LINES}"]
        reply = await contact.ask("5")
        assert (reply["outcome"], reply["reason"]) == ("answered", "rated")
        assert reply["parts"] == [{"kind": "text", "text": THANKS}]
        assert await rating(contact) == [("rated", 5)]
        assert await facts(gateway, contact) == ["rated", "rating_asked"]
        sample = ("recado_ratings_total", {"queue": "loja", "score": "5"})
        assert gateway.telemetry.registry.get_sample_value(*sample) == 1
        assert (await contact.ask("5"))["parts"][0]["text"] == "Echo: 5", "it was asked once, and answered"
        await resolve(contact)
        await looked(gateway)
        assert (await turns(contact))[1:] == [("answered", "rating_asked"), ("answered", "rated"), _ASSISTANT]


_ASSISTANT = ("answered", "assistant")


@pytest.mark.parametrize("text", ["5 camisetas", "nota 4, mas o frete ainda não chegou"])
async def test_what_is_more_than_a_score_is_answered(tmp_path: Path, text: str) -> None:
    async with shop(tmp_path, RATES) as (_, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact, wait=2)
        reply = await contact.ask(text)
        assert reply["parts"][0]["text"] == f"Echo: {text}"
        assert await rating(contact) == [("rating_let_go", None) if "camisetas" in text else ("rated", 4)]
        await contact.ask("3")
        assert (await turns(contact))[-1] == _ASSISTANT, "the question is not open any more"


async def test_a_score_is_no_keyword_no_option_and_needs_nobody_at_work(tmp_path: Path) -> None:
    (tmp_path / "pedidos.toml").write_text(MENU.format(timeout=0))
    keyword = '[[queues.auto_replies]]\nvalue = ["4"]\nreply = "Opção 4."\n'
    row = ROW.replace("menu", "4")
    async with shop(tmp_path, TO, RATES, keyword, row, action(None)) as (_, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact, wait=2)
        assert (await contact.ask("4"))["reason"] == "rated"
        assert (await contact.ask("4"))["reason"] == "auto_reply"


async def test_while_people_have_it_again_a_score_is_kept_and_nothing_is_said(tmp_path: Path) -> None:
    async with shop(tmp_path, RATES) as (gateway, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact, wait=2)
        await contact.act("hold")
        reply = await contact.ask("2")
        assert (reply["outcome"], reply["parts"]) == ("held", [])
        assert "rated" in await facts(gateway, contact)


async def test_who_wishes_for_a_person_with_a_score_gets_one(tmp_path: Path) -> None:
    phrases = '[queues.handoff]\nphrases = ["nota 1"]\n'
    async with shop(tmp_path, phrases, RATES) as (_, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact, wait=2)
        reply = await contact.ask("nota 1")
        assert (reply["outcome"], reply["reason"]) == ("transferred", "phrase")
        assert await rating(contact) == [("rated", 1)]


async def test_where_resolving_changes_nothing_nobody_is_asked(tmp_path: Path) -> None:
    async with shop(tmp_path, '[queues.handoff]\nresume = "manual"\n', RATES) as (gateway, contact):
        await contact.ask("quero falar com um atendente")
        await resolve(contact)
        await contact.act("release")
        await looked(gateway)
        assert len(await turns(contact)) == 1
        await woken(gateway, contact)
        await until(lambda: _count(contact, 2), "a look")
        assert (await turns(contact))[1] == ("ignored", "nothing_due"), "who lets go does not say that it is done"


async def test_the_choices_are_a_list_where_the_channel_has_one(tmp_path: Path, zap: WhatsApp) -> None:
    own = '[queues.rating]\nask = true\nmessage = "Que nota você dá?"\nthanks = "Valeu!"\n'
    async with shop(tmp_path, own, channels=silent(zap)) as (gateway, contact):
        await zap.post(gateway, zap.message("m1", "quero falar com um atendente"))
        assert await outcomes(gateway, zap, 1) == [("transferred", "wish")]
        contact.conversation = of_line(zap)
        await resolve(contact)
        await until(lambda: len(zap.fake.sent) == 2, "the question")
        shown = zap.fake.sent[1].json["interactive"]
        assert shown["body"]["text"] == "Que nota você dá?"
        rows = [row["title"] for section in shown["action"]["sections"] for row in section["rows"]]
        assert rows == ["Muito ruim", "Ruim", "Regular", "Bom", "Muito bom"]
        pressed = {"type": "list_reply", "list_reply": {"id": "Bom", "title": "Bom"}}
        await zap.post(gateway, zap._said({"type": "interactive", "interactive": pressed}, "m2"))
        assert (await outcomes(gateway, zap, 3))[1:] == [("answered", "rating_asked"), ("answered", "rated")]
        await until(lambda: len(zap.fake.sent) == 3, "the thanks")
        assert zap.fake.sent[2].json["text"]["body"] == "Valeu!"
        assert any(name.endswith(":4") for name in await gateway.store.facts(of_line(zap)))


async def test_at_the_openai_door_nothing_is_said_unasked(tmp_path: Path) -> None:
    door = '[[channels]]\nname = "sdk"\ntype = "openai"\nqueue = "loja"\nkey = "sdk-key-0123456789"\n'
    async with shop(tmp_path, FOLLOWS, CLOSES, channels=door) as (gateway, contact):
        headers, body = {"Authorization": "Bearer sdk-key-0123456789"}, {"model": "loja", "user": "u1"}
        ask = {**body, "messages": [{"role": "user", "content": "oi"}]}
        url = f"{gateway.url}/v1/chat/completions"
        async with contact.http.post(url, json=ask, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        await quiet(gateway)
        assert await gateway.store.next_wake(Kind.LATER) is None
