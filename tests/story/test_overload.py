"""More than can be done at once: who is slow keeps nobody else waiting; what cannot be kept is refused, not lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.app import Gateway
from storage.model import Claim, ConversationId, Kind, Settled, Settlement
from storage.store import Unavailable
from tests.fakes import openai as wire
from tests.fakes.callback import FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import Contact, running, toml
from tests.story.test_doors import pushed

HANDS = 4
KEY = "another-key-0123456789"


def two_queues(slow: FakeOpenAI, well: FakeOpenAI) -> str:
    loja, clinica = plain(slow), plain(well)
    second = clinica.split("[[queues]]")[1].split("[[channels]]")[0].replace('name = "loja"', 'name = "clinica"', 1)
    door = f'[[channels]]\nname = "outra"\ntype = "http"\nqueue = "clinica"\nkey = "{KEY}"\n'
    return loja.replace("[server]", f"[server]\nat_once = {HANDS}", 1) + f"\n[[queues]]{second}\n{door}"


def plain(openai: FakeOpenAI) -> str:
    return toml(openai.base_url, openai_key=openai.key)


async def test_a_dead_provider_keeps_no_other_queue_waiting(tmp_path: Path) -> None:
    """Its turns take no more than their share of what the process does at once."""
    async with FakeOpenAI() as slow, FakeOpenAI() as well:
        slow.play(*[wire.hang()] * 3 * HANDS)
        async with running(two_queues(slow, well), tmp_path) as (gateway, contact):
            for _ in range(3 * HANDS):
                await Contact(contact.http, gateway).say("Oi")
            async with asyncio.timeout(60):
                while len(slow.asked) < HANDS - 1:
                    await asyncio.sleep(0.01)
            status, reply = await contact.post(contact.message("Tem vaga?"), wait=60, key=KEY, channel="outra")
            assert (status, reply["parts"][0]["text"]) == (200, "Echo: Tem vaga?")
            assert len(slow.asked) == HANDS - 1, "and one hand was kept free all the while"


async def test_what_cannot_be_kept_is_refused_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.intake.MOST_WRITING", 5)
    async with (
        FakeOpenAI() as openai,
        running(toml(openai.base_url, openai_key=openai.key), tmp_path) as (gateway, first),
    ):
        async with gateway_that_cannot_write(gateway) as may_write:
            people = [Contact(first.http, gateway) for _ in range(8)]
            notes = [person.message("Oi") for person in people]
            asked = [asyncio.create_task(person.post(note)) for person, note in zip(people, notes, strict=True)]
            refused, _waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(60):
                while len([task for task in asked if task.done()]) < 4:  # the last place is kept for other channels
                    await asyncio.sleep(0.01)
            assert [(await task)[0] for task in asked if task.done()] == [503] * 4
            assert refused
            may_write.set()
        statuses = [(await task)[0] for task in asked]
        assert sorted(statuses) == [202] * 4 + [503] * 4
        assert len([line for line in caplog.records if line.levelname in ("WARNING", "ERROR")]) == 1, "not one for each"
        assert gateway.telemetry.refused.labels("api")._value.get() == 4
        again = [await person.post(note) for person, note in zip(people, notes, strict=True)]
        assert [status for status, _ in again] == [202] * 8
        for person in people:
            while not (latest := await gateway.store.latest(person.conversation, Kind.IN, 9)):  # type: ignore[arg-type]
                await asyncio.sleep(0.01)
            assert len(latest) == 1


async def test_a_flood_on_one_channel_leaves_the_others_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.intake.MOST_WRITING", 8)
    async with FakeOpenAI() as openai, running(two_queues(openai, openai), tmp_path) as (gateway, first):
        async with gateway_that_cannot_write(gateway) as may_write:
            people = [Contact(first.http, gateway) for _ in range(12)]
            flood = [asyncio.create_task(person.post(person.message("Oi"))) for person in people]
            async with asyncio.timeout(60):
                while len([task for task in flood if task.done()]) < 6:
                    await asyncio.sleep(0.01)
            other = asyncio.create_task(first.post(first.message("Tem vaga?"), key=KEY, channel="outra"))
            async with asyncio.timeout(60):
                while sum(gateway.intake._writing.values()) < 7:
                    await asyncio.sleep(0.01)
            may_write.set()
        assert (await other)[0] == 202
        assert sorted([(await task)[0] for task in flood]) == [202] * 6 + [503] * 6


class gateway_that_cannot_write:
    """Until it is told that it may."""

    def __init__(self, gateway: Gateway) -> None:
        self._store, self._may = gateway.store, asyncio.Event()

    async def __aenter__(self) -> asyncio.Event:
        accept = self._store.accept

        async def slowly(*asked: object) -> object:
            await self._may.wait()
            return await accept(*asked)  # type: ignore[arg-type]

        self._store.accept = slowly  # type: ignore[method-assign, assignment]
        return self._may

    async def __aexit__(self, *_: object) -> None:
        self._may.set()
        del self._store.accept  # type: ignore[method-assign]


AWAY = Unavailable("away", 0.01)


@pytest.mark.parametrize("trouble", [[AWAY, AWAY, AWAY], [RuntimeError("the work broke, and is claimed again"), AWAY]])
async def test_what_went_out_is_not_sent_again_because_it_could_not_be_written_down(
    trouble: list[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away just after a send, at the one moment that no clock of ours can meet."""
    monkeypatch.setattr("gateway.deliveries.WRITTEN_AGAIN", 0.01)
    async with FakeOpenAI() as openai, FakeCallback() as callback:
        async with running(plain(openai) + pushed(callback), tmp_path) as (gateway, contact):
            settle, away = gateway.store.settle, [*trouble]

            async def settling(claim: Claim, settlement: Settlement) -> Settled:
                if claim.kind is Kind.OUT and away:
                    raise away.pop()
                return await settle(claim, settlement)

            monkeypatch.setattr(gateway.store, "settle", settling)
            await contact.post(contact.message("Oi"), key="crm-key-0123456", channel="crm")
            await callback.arrivals.get()
            async with asyncio.timeout(60):
                while not await gateway.store.receipts(ConversationId(contact.conversation)):
                    await asyncio.sleep(0.01)
            assert not away
            assert len(callback.seen) == 1
