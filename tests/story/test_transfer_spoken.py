"""The transfer message that a program asks for is heard where an answer would be, once; nobody waits for a voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.people import People
from gateway.rules.custody import REMEMBERED
from storage.model import ConversationId
from tests.fakes import sounds
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.fakes.wire import HANG, refused
from tests.story.running import Contact
from tests.story.test_speaking_ahead import MARKER, ONE, TRANSFER, Shop, counted, note, ours, wasted

SPOKEN = f'[queues.handoff]\nmarker = "{MARKER}"\nmessage = "{TRANSFER}"\nspoken = true'
OTHER = "Outra frase, que ninguém falou ainda."
LOST = refused(401, "invalid_api_key")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with FakeOpenAI(lambda _: ONE) as openai, FakeElevenLabs() as voice:
        yield Shop(openai, voice, tmp_path)


@asynccontextmanager
async def asked(shop: Shop, *, fails: bool = False, **settings: Any) -> AsyncIterator[Contact]:
    """A contact who was answered; the transfer message was spoken, and paid, at the start."""
    async with shop.open(**{"more": SPOKEN, **settings}) as contact:
        if not fails and "spoken = true" in settings.get("more", SPOKEN):
            async with asyncio.timeout(60):
                while (await contact.gateway.store.spent("loja", "2000-01-01")).characters < len(TRANSFER):
                    await asyncio.sleep(0.01)
        await contact.ask("Quanto é o frete?")
        yield contact


async def last(contact: Contact) -> tuple[str, str]:
    """Of what the contact got: its kind and its words."""
    part = (await ours(contact))[-1]
    return part["kind"], part.get("transcript") or part["text"]


async def test_it_is_heard_where_an_answer_would_be_and_was_paid_at_the_start(shop: Shop) -> None:
    async with asked(shop) as contact:
        told = await contact.act("transfer", id="crm-1")
        assert (told["held"], told["changed"]) == (True, True)
        assert await last(contact) == ("voice", TRANSFER)
        assert (await note(contact, {"parts": [(await ours(contact))[-1]]})).seconds > 0
    assert sorted(shop.heard) == sorted([TRANSFER, ONE])


async def test_the_same_call_again_neither_speaks_nor_sends(shop: Shop) -> None:
    async with asked(shop) as contact:
        await contact.act("transfer", id="crm-1")
        before, said = await contact.gateway.store.spent("loja", "2000-01-01"), await ours(contact)
        await contact.act("transfer", id="crm-1")
        await contact.act("release")
        again = await contact.act("transfer", id="crm-1")
        assert (again["held"], again["changed"]) == (False, False)
        assert (await ours(contact), await contact.gateway.store.spent("loja", "2000-01-01")) == (said, before)


async def test_not_even_after_custody_has_forgotten_it(shop: Shop) -> None:
    async with asked(shop) as contact:
        await contact.act("transfer", id="crm-1")
        people, id = contact.gateway.people, ConversationId(contact.conversation)
        for n in range(REMEMBERED // 2 + 1):
            await people.release(id, "Bia", key=f"r{n}")
            await people.call(id, "vip", key=f"c{n}")
        await people.release(id, "Bia", key="r")
        said = await ours(contact)
        assert (await contact.act("transfer", id="crm-1"))["held"] is False
        assert await ours(contact) == said


async def test_where_people_have_it_already_nothing_is_spoken(shop: Shop) -> None:
    async with asked(shop) as contact:
        await contact.act("hold")
        before = await contact.gateway.store.spent("loja", "2000-01-01")
        await contact.act("transfer")
        assert await contact.gateway.store.spent("loja", "2000-01-01") == before
        assert len(await ours(contact)) == 1


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"format": "both"}, "text"),
        ({"format": "mirror"}, "text"),
        ({"format": "smart", "reply": "smart_every = 1"}, "voice"),
        ({"format": "smart", "reply": "smart_every = 0"}, "text"),
        ({"format": "smart", "reply": "smart_every = 3"}, "text"),
        ({"more": SPOKEN.replace("spoken = true", "")}, "text"),
        ({"reply": "max_voice_chars = 10"}, "text"),
        ({"reply": "voice_budget_chars = 10"}, "text"),
    ],
)
async def test_the_queue_decides_as_in_a_turn(shop: Shop, settings: dict[str, Any], kind: str) -> None:
    async with asked(shop, **settings) as contact:
        before = len(await ours(contact))
        await contact.act("transfer")
        assert await last(contact) == (kind, TRANSFER)
        assert len(await ours(contact)) - before == (2 if settings.get("format") == "both" else 1)


async def test_who_spoke_last_hears_it(shop: Shop) -> None:
    async with asked(shop, format="mirror") as contact:
        await contact.speak(sounds.ogg_opus(2.0))
        await contact.act("transfer")
        assert await last(contact) == ("voice", TRANSFER)


@pytest.mark.parametrize("fact", ["prefers_text", "no_voice"])
async def test_who_wants_or_can_only_read_reads_it(shop: Shop, fact: str) -> None:
    async with asked(shop) as contact:
        await contact.gateway.store.set_fact(ConversationId(contact.conversation), fact, True)
        await contact.act("transfer")
        assert await last(contact) == ("text", TRANSFER)


async def test_a_voice_that_fails_keeps_neither_the_words_nor_people_back(shop: Shop) -> None:
    shop.voice.broken = lambda _: LOST
    async with asked(shop, fails=True) as contact:
        assert (await contact.act("transfer"))["held"] is True
        assert await last(contact) == ("text", TRANSFER)
        assert counted(contact.gateway, "recado_speech_total", result="text_instead") == 2.0  # the answer, too


async def test_nobody_waits_for_a_voice_that_hangs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.steps.utter.PATIENCE", 0.05)
    async with asked(shop) as contact:
        shop.voice.broken = lambda _: HANG
        monkeypatch.setattr("gateway.rules.calling.message", lambda *_: (OTHER, "pt-BR"))
        assert (await contact.act("transfer", id="crm-1"))["held"] is True
        assert await last(contact) == ("text", OTHER)
        assert wasted(contact) == len(OTHER), "it may be charged"


async def test_a_release_while_it_is_spoken_leaves_nobody_without_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People had it when the call came, so that nothing was spoken, and let go before it was written down."""
    happened = People.happened

    async def slowly(people: People, id: ConversationId, event: Any, **more: Any) -> Any:
        if getattr(event, "id", "") == "crm-1":
            await people.release(id, "Bia", key="meanwhile")
        return await happened(people, id, event, **more)

    async with asked(shop) as contact:
        await contact.act("hold")
        monkeypatch.setattr(People, "happened", slowly)
        assert (await contact.act("transfer", id="crm-1"))["held"] is True
        assert await last(contact) == ("text", TRANSFER)
