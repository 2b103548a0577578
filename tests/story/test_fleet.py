"""Several processes on one database are one gateway."""

from __future__ import annotations

import asyncio
import json
from asyncio import CancelledError
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from gateway.app import Gateway, _turn
from gateway.channels.base import Capabilities
from gateway.config import parse
from gateway.fleet import Role, Together
from gateway.live import IDLE, RECORDING, THINKING, WAITING, Live
from gateway.reposting import CannotRepost, repost
from gateway.telemetry import Telemetry
from gateway.transcript import says, sent_body
from gateway.turns import Turns
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Entry,
    Kind,
    Outcome,
    Post,
    Settlement,
    Turn,
    TurnId,
    conversation_id,
)
from storage.postgres import PostgresStore
from storage.store import Fenced, Store, Unavailable
from tests.fakes import evolution as evolution_wire
from tests.fakes import openai as wire
from tests.fakes.chatwoot import AGENT, BOT, TEAM, FakeChatwoot
from tests.fakes.openai import FakeOpenAI
from tests.postgres import Aside, Server
from tests.story.lines import (
    Evolution,
    WhatsApp,
    after,
    at_length,
    config,
    conversation,
    heard,
    held,
    in_three_pieces,
    quiet,
    until,
    with_an_ear,
)
from tests.story.running import Contact, toml
from tests.story.test_chatwoot import config as with_a_desk


@pytest.fixture
def url(postgres: Server, template: str, aside: Aside) -> AsyncIterator[str]:
    name = postgres.database(template)
    yield postgres.url(name)
    aside.forget(postgres.url(name))
    postgres.drop(name)


def shared(text: str, url: str) -> str:
    return f'{text}\n[storage]\nurl = "{url}"\n'


class Team:
    """Processes, as many as are asked for."""

    def __init__(self, text: str, folder: Path, stack: AsyncExitStack) -> None:
        self._text, self._folder, self._stack = text, folder, stack

    async def process(self, role: Role = "all") -> Gateway:
        config = parse(self._text, root=self._folder)
        return await self._stack.enter_async_context(Gateway(config, role=role))

    async def contact(self, gateway: Gateway, name: str = "") -> Contact:
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        return Contact(http, gateway, name)


async def test_each_process_does_its_part(openai: FakeOpenAI, url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        team = Team(shared(toml(openai.base_url, openai_key=openai.key), url), tmp_path, stack)
        doors = await team.process("web")
        contact = await team.contact(doors)
        await contact.say("Tem pix?")
        assert await doors.store.turns(ConversationId(contact.conversation), 0, 9) == []
        await team.process("deliveries")
        worker = await team.process("turns")
        while not (said := [text for by, text in await contact.transcript() if by == "assistant"]):
            await asyncio.sleep(0.05)
        assert said == ["Echo: Tem pix?"]
        assert (await contact.ask("E boleto?"))["parts"][0]["text"] == "Echo: E boleto?", "heard from the others"
        async with aiohttp.ClientSession() as http:
            assert (await http.get(f"{worker.url}/healthz")).status == 200
            assert (await http.get(f"{worker.url}/chat/site")).status == 404
        with doors.live.watch(ConversationId(contact.conversation)) as bell:
            while len(known := await doors.store.receipts(ConversationId(contact.conversation))) < 2:
                await bell.wait(1)
        assert [one.status for one in known] == ["sent", "sent"]


async def test_a_process_of_another_role_is_not_asked_to_post_again(
    openai: FakeOpenAI, url: str, tmp_path: Path
) -> None:
    """It knows of no dead letter, and that is not to be told as if there were none."""
    async with AsyncExitStack() as stack:
        text = shared(toml(openai.base_url, openai_key=openai.key), url)
        team = Team(text, tmp_path, stack)
        doors, worker = await team.process("web"), await team.process("turns")
        for gateway, said in ((worker, "--role web"), (doors, "no such dead letter")):
            config = parse(text, root=tmp_path, flags={"server.port": int(gateway.url.rpartition(":")[2])})
            with pytest.raises(CannotRepost, match=said):
                await repost(config, "c_0a1b:out:7", force=False)


async def test_what_another_process_did_is_heard(url: str) -> None:
    here, there = PostgresStore(url), PostgresStore(url)
    async with AsyncExitStack() as stack:
        for store in (here, there):
            await store.open()
            stack.push_async_callback(store.close)
        ana = Conversation(conversation_id("site", "ana"), "site", "ana", "", "front")
        await there.accept(ana, Post(ana.id, "0", "{}"))
        live, fleet = Live(), Together(here, "me", Telemetry())
        following = asyncio.create_task(fleet.follow(live, ["front"]))
        stack.callback(following.cancel)
        with live.watch(ana.id) as bell:
            assert await bell.wait(60)  # it is new to us
            await there.accept(ana, Post(ana.id, "1", "{}"))
            assert await bell.wait(60)
            (claim,) = await there.claim(Kind.IN, 1, 60_000, "you")
            assert await bell.wait(60), "somebody works on it"
            await there.retry(claim, 60_000)


async def test_a_look_that_breaks_is_counted_and_looks_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, telemetry = PostgresStore(url), Telemetry()
    await store.open()
    marks, broken = store.marks, [KeyError("first")]

    async def looked(ids: Sequence[ConversationId]) -> Mapping[str, object]:
        if broken:
            raise broken.pop()
        seen.set()
        return await marks(ids)

    seen = asyncio.Event()
    monkeypatch.setattr(store, "marks", looked)
    following = asyncio.create_task(Together(store, "me", telemetry).follow(Live(), []))
    await asyncio.wait_for(seen.wait(), 60)
    assert telemetry.failures.labels("KeyError")._value.get() == 1
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await store.close()


async def test_what_only_one_may_do_goes_on_elsewhere(url: str) -> None:
    here, there = PostgresStore(url), PostgresStore(url)
    async with AsyncExitStack() as stack:
        for store in (here, there):
            await store.open()
            stack.push_async_callback(store.close)
        doing: list[str] = []
        begun = asyncio.Queue[str]()

        async def work(who: str) -> None:
            doing.append(who)
            begun.put_nowait(who)
            try:
                await asyncio.Event().wait()
            finally:
                doing.remove(who)

        fleets = {
            "here": Together(here, "here", Telemetry(), term=6000),
            "there": Together(there, "there", Telemetry(), term=6000),
        }
        tasks = {
            name: asyncio.create_task(fleet.while_mine("asking", partial(work, name))) for name, fleet in fleets.items()
        }
        stack.callback(lambda: [task.cancel() for task in tasks.values()])
        first = await begun.get()
        assert doing == [first]
        tasks[first].cancel()
        await asyncio.gather(tasks[first], return_exceptions=True)
        assert await begun.get() != first
        assert len(doing) == 1


async def test_one_account_is_shared(url: str) -> None:
    """Four at once are allowed, whoever asks."""
    stores = [PostgresStore(url, size=2) for _ in range(3)]
    open, most = 0, 0
    async with AsyncExitStack() as stack:
        for store in stores:
            await store.open()
            stack.push_async_callback(store.close)
        fleets = [Together(store, f"{n}", Telemetry(), term=1000) for n, store in enumerate(stores)]

        async def speak(fleet: Together) -> None:
            nonlocal open, most
            async with fleet.slots.of("account"):
                open += 1
                most = max(most, open)
                await asyncio.sleep(0.002)
                open -= 1

        for fleet in fleets:
            fleet.slots.of("account").resize(4)
        await asyncio.gather(*(speak(fleet) for fleet in fleets for _ in range(12)))
        assert 1 < most <= 4


async def test_who_is_cancelled_while_a_place_is_taken_leaves_none_taken(url: str, aside: Aside) -> None:
    store = PostgresStore(url)
    await store.open()
    slot = Together(store, "me", Telemetry()).slots.of("account")

    async def speak() -> None:
        async with slot:
            await asyncio.sleep(0)

    for n in range(100):
        speaking = asyncio.create_task(speak())
        await asyncio.sleep(n / 30_000)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    assert slot.busy == 0
    assert aside.fetch(url, "SELECT count(*) FROM lease")[0][0] == 0
    await store.close()


async def test_who_gets_no_answer_stops_before_another_begins() -> None:
    class Silent:
        asked = 0

        async def lease(self, name: str, owner: str, ms: int) -> bool:
            self.asked += 1
            if self.asked > 1:
                await asyncio.sleep(1000)
            return True

        async def let_go(self, name: str, owner: str) -> None:
            raise Unavailable("silent")

    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    doing = asyncio.create_task(Together(cast(Store, Silent()), "me", Telemetry(), term=300).while_mine("asking", work))
    async with asyncio.timeout(10):  # whatever the store's own patience is
        await ended.wait()
    doing.cancel()
    await asyncio.gather(doing, return_exceptions=True)


@pytest.mark.parametrize("where", ["file", "database"])
async def test_a_turn_whose_lease_nobody_answers_for_is_thrown_away_and_begun_again(
    where: str, openai: FakeOpenAI, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal without an answer is none: after the lease somebody else may have the conversation."""
    monkeypatch.setattr("gateway.loops.LEASE", 1500)
    text = toml(openai.base_url, openai_key=openai.key).replace("timeout_s = 20", "timeout_s = 600")
    text = shared(text, request.getfixturevalue("url")) if where == "database" else text
    openai.play(wire.hang())
    async with AsyncExitStack() as stack:
        gateway = await Team(text, tmp_path, stack).process()
        loop, silent, thrown_away = gateway._loops[Kind.IN], list[Claim](), list[Claim]()
        work, renew = loop._work, gateway.store.renew

        async def worked(claim: Claim) -> None:
            try:
                await work(claim)
            except asyncio.CancelledError:
                thrown_away.append(claim)
                raise

        async def renewed(claim: Claim, lease: int) -> None:
            if not silent:
                silent.append(claim)
                await asyncio.Event().wait()
            await renew(claim, lease)

        monkeypatch.setattr(loop, "_work", worked)
        monkeypatch.setattr(gateway.store, "renew", renewed)
        contact = await Team(text, tmp_path, stack).contact(gateway)
        await contact.say("Tem pix?")
        await until(lambda: thrown_away, "the work is thrown away")
        assert thrown_away[:1] == silent
        await until(lambda: gateway.store.receipts(ConversationId(contact.conversation)), "the answer")
        assert await contact.transcript() == [("contact", "Tem pix?"), ("assistant", "Echo: Tem pix?")]


async def test_each_process_knows_who_is_at_the_desks(
    openai: FakeOpenAI, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them may be the one that tells a customer whether somebody is there."""
    monkeypatch.setattr("gateway.app.LOOKED_AT_DESKS", 0.02)
    async with FakeChatwoot() as chatwoot, AsyncExitStack() as stack:
        [agent] = chatwoot.members[TEAM]
        agent["availability_status"] = "offline"
        team = Team(shared(with_a_desk(openai, chatwoot).replace(BOT, AGENT), url), tmp_path, stack)
        both = [await team.process("turns"), await team.process("turns")]
        await until(lambda: [one._online("loja") for one in both] == [False, False], "nobody is there")
        agent["availability_status"] = "online"
        await until(lambda: [one._online("loja") for one in both] == [True, True], "somebody is")


async def test_a_turn_of_another_process_is_shown_and_over_here_too(
    openai: FakeOpenAI, url: str, tmp_path: Path
) -> None:
    """Whoever is written to shows that somebody writes, no longer than somebody does, and forgets it then."""
    openai.play(answer := wire.Dictation())
    async with AsyncExitStack() as stack:
        team = Team(shared(toml(openai.base_url, openai_key=openai.key), url), tmp_path, stack)
        doors = await team.process("web")
        contact = await team.contact(doors)
        await contact.say("Tem pix?")
        id = ConversationId(contact.conversation)
        assert doors.live.state(id) == WAITING
        await team.process("turns")
        await until(lambda: doors.live.state(id) == THINKING, "it is written")
        answer.write("Temos.")
        answer.end()
        await until(lambda: doors.live.state(id) == IDLE, "it is over")
        assert doors.live.elsewhere(9) == []


async def test_a_turn_elsewhere_is_waited_for_no_longer_than_it_takes_though_another_message_waits(
    openai: FakeOpenAI, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.web.messages.LOOK", 600)
    async with AsyncExitStack() as stack:
        team = Team(shared(toml(openai.base_url, openai_key=openai.key), url), tmp_path, stack)
        doors = await team.process("web")
        contact, there = await team.contact(doors), PostgresStore(url)
        await there.open()
        stack.push_async_callback(there.close)
        asked = asyncio.create_task(contact.post(contact.message("Tem pix?"), wait=100))
        (claim,) = await until(lambda: there.claim(Kind.IN, 1, 60_000, "there"), "the message is there")
        id = claim.key
        await until(lambda: doors.live.state(id) == THINKING, "it is heard of")
        await (await team.contact(doors, contact.id)).say("E boleto?", id="second")
        reply = {"conversation": id, "turn": f"{id}.1", "outcome": "answered", "reason": "assistant", "parts": []}
        turn = Turn(TurnId(f"{id}.1"), id, 1, 0, claim.tail, 1, 2, Outcome.ANSWERED, "assistant", reply=reply)
        said = Post(id, f"{id}.1:0", sent_body(f"{id}.1", {"kind": "text", "text": "Sim"}, envelope=reply, spell=None,
                                               last=True))  # fmt: skip
        await there.settle(claim, Settlement(claim.tail, [said], turn=turn))
        assert (await until(lambda: asked.done() and asked.result(), "the reply"))[0] == 200
        assert doors.live.state(id) != IDLE, "the next is not over"


def test_of_a_turn_that_is_made_here_nobody_else_knows() -> None:
    live, id = Live(), ConversationId("site:ana")
    live.say(id, WAITING)
    live.hear(id, THINKING)
    assert live.elsewhere(9) == [id], "another process makes it"
    live.say(id, RECORDING)
    live.hear(id, IDLE)
    assert (live.state(id), live.elsewhere(9)) == (RECORDING, [])
    live.say(id, IDLE)
    live.hear(id, THINKING)
    live.hear(id, IDLE)
    assert (live.state(id), live.elsewhere(9)) == (IDLE, [])


def test_who_waits_for_the_end_of_a_turn_hears_of_it_though_the_next_has_begun() -> None:
    live, id = Live(), ConversationId("site:ana")
    with live.watch(id) as bell:
        live.say(id, THINKING)
        assert not bell.ended
        live.say(id, IDLE)
        live.say(id, WAITING)
        assert bell.ended


@pytest.mark.parametrize(
    ("error", "state"), [(Fenced("over"), IDLE), (OSError(), WAITING), (CancelledError(), WAITING)]
)
async def test_of_a_turn_that_broke_nothing_is_left_to_be_seen(error: BaseException, state: str) -> None:
    class Broken:
        async def run(self, claim: Claim) -> None:
            live.say(claim.key, THINKING)
            raise error

    live, id = Live(), ConversationId("site:ana")
    claim = Claim(Kind.IN, id, 1, "me", head=0, tail=1, tries=1, folds=0, ripe_at=0, claimed_at=0)
    with pytest.raises(type(error)):
        await _turn(cast(Turns, Broken()), live, claim)
    assert (live.state(id), live.elsewhere(9)) == (state, [id] if state == WAITING else [])


async def test_an_echo_of_what_another_process_sends_is_ours(
    zap: WhatsApp, openai: FakeOpenAI, url: str, tmp_path: Path
) -> None:
    """The provider tells of the send before its sender is told: no person took over."""
    async with AsyncExitStack() as stack:
        team = Team(shared(config(openai, zap), url), tmp_path, stack)
        doors, _ = await team.process("web"), await team.process("turns")
        assert await zap.post(doors, zap.message("m1", "Oi")) == 200
        id = ConversationId(conversation(zap))
        while not (said := await doors.store.latest(id, Kind.OUT, 1)):
            await asyncio.sleep(0.05)
        assert said
        assert await doors.store.claim(Kind.OUT, 1, 60_000, "a sender that waits for its answer")
        assert await zap.post(doors, zap.from_the_phone("e1", "Echo: Oi")) == 200
        talk = await doors.store.conversation(id)
        assert talk is not None
        assert talk.hold is None
        assert await zap.post(doors, zap.from_the_phone("e2", "Deixa comigo")) == 200
        talk = await doors.store.conversation(id)
        assert talk is not None
        assert talk.hold is not None, "this one was a person's"


async def test_an_echo_of_a_piece_that_another_process_sends_in_the_place_of_a_note_is_ours(
    evo: Evolution, openai: FakeOpenAI, url: str, tmp_path: Path
) -> None:
    openai.answer = lambda _: in_three_pieces()
    gates = [asyncio.Event() for _ in range(3)]
    evo.fake.next(evolution_wire.refused(413, {"message": "too large"}), *map(after, gates))
    quietly = {"read_receipts": "false", "presence": "false"}
    async with AsyncExitStack() as stack:
        spoken = at_length(with_an_ear(openai, evo, format="voice", channel=quietly))
        team = Team(shared(spoken, url), tmp_path, stack)
        doors, _ = await team.process("web"), [await team.process("turns"), await team.process("deliveries")]
        assert await evo.post(doors, evo.message("m1", "Oi")) == 200
        for n, gate in enumerate(gates, 2):
            piece = (await heard(evo, n))[-1]
            await evo.post(doors, evo.from_the_phone(f"e{n}", piece))
            assert await held(doors, evo) == "", f"of piece {n - 1}"
            gate.set()
        await quiet(doors)
        await evo.post(doors, evo.from_the_phone("e9", "Deixa comigo"))
        assert await held(doors, evo) != "", "this one was a person's"


ON_THE_LINE = Capabilities(text_limit=14)


@pytest.mark.parametrize(
    ("part", "text", "voice", "same"),
    [
        ({"kind": "text", "text": "Até  já"}, "Até já", False, True),
        ({"kind": "voice", "transcript": "Até já"}, "", True, True),
        ({"kind": "voice", "transcript": "Até já"}, "Até já", False, True),  # no sound was taken: its words went
        ({"kind": "voice", "transcript": "até já", "written": "Até já!"}, "Até já!", False, True),
        ({"kind": "voice", "transcript": "Até já"}, "", False, False),  # a picture, by a person
        ({"kind": "text", "text": "Até já"}, "Deixa comigo", False, False),
        ({"kind": "voice", "transcript": "Está pronto. Até já"}, "Até já", False, True),  # in messages of this length
        ({"kind": "voice", "transcript": "Está pronto. Até já"}, "pronto.", False, False),
    ],
)
def test_what_an_echo_says(part: dict[str, str], text: str, voice: bool, same: bool) -> None:
    assert says(Entry(Kind.OUT, 1, "t:0", json.dumps({"part": part}), 0), text, ON_THE_LINE, voice=voice) is same
