"""An answer is spoken while it is written, and what nobody will hear is called off and counted.

The assistant writes piece by piece, as the test says; the voice can be held.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.app import Gateway
from tests import ogg
from tests.fakes import elevenlabs as voice_wire
from tests.fakes import sounds
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import Dictation, FakeOpenAI
from tests.fakes.wire import HANG, answer, held
from tests.story.running import KEY, Contact, running, toml

ONE = "O frete para a sua cidade custa dezenove reais e noventa centavos hoje."
TWO = "A entrega leva de três a cinco dias úteis depois da confirmação do pagamento."
THREE = "Se preferir, você também pode retirar o pedido na loja do centro sem custo."
ALL = f"{ONE} {TWO} {THREE}"
MARKER = "Ação: Transferir para o setor de atendimento"
TRANSFER = "Vou chamar uma pessoa da nossa equipe para continuar com você."


@dataclass
class Shop:
    openai: FakeOpenAI
    voice: FakeElevenLabs
    folder: Path

    def toml(self, *, reply: str = "", voice: str = "", more: str = "", format: str = "voice",
             model: str = "eleven_multilingual_v2") -> str:  # fmt: skip
        """`reply`, `voice`: further keys of those sections; `more`: further sections of the queue."""
        spoken = f"""
provider = "elevenlabs"
api_key = "{voice_wire.KEY}"
base_url = "{self.voice.url}"
voice_id = "{voice_wire.VOICE}"
model_id = "{model}"
{voice}"""
        text = toml(self.openai.base_url, openai_key=self.openai.key, format=format, voice=spoken)
        text = text.replace("[queues.voice]", f"{reply}\n[queues.voice]")
        handoff = f'[queues.handoff]\nmarker = "{MARKER}"\nmessage = "{TRANSFER}"'
        return text.replace("[queues.hearing]", f"{more or handoff}\n[queues.hearing]")

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Contact]:
        async with running(self.toml(**settings), self.folder) as (_, contact):
            yield contact

    def dictated(self) -> Dictation:
        """The next answer."""
        self.openai.play(dictation := Dictation())
        return dictation

    @property
    def heard(self) -> list[str]:
        """The sentences that the voice was asked for, in order."""
        return [call.json["text"] for call in self.voice.spoken]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with FakeOpenAI() as openai, FakeElevenLabs() as voice:
        yield Shop(openai, voice, tmp_path)


def counted(gateway: Gateway, name: str, **labels: str) -> float:
    return gateway.telemetry.registry.get_sample_value(name, {"queue": "loja", **labels}) or 0.0


def wasted(contact: Contact) -> float:
    return counted(contact.gateway, "recado_speech_wasted_characters_total")


async def note(contact: Contact, reply: dict[str, Any]) -> ogg.Note:
    """What was delivered as voice, read by a parser of its own."""
    url = f"{contact.gateway.url}{reply['parts'][0]['media']['url']}"
    async with contact.http.get(url, headers={"Authorization": f"Bearer {KEY}"}) as answered:
        return ogg.read(await answered.read())


async def ours(contact: Contact) -> list[dict[str, Any]]:
    """The parts that were sent to the contact."""
    _, body = await contact.get("/messages")
    return [message["part"] for message in body["messages"] if message["from"] != "contact"]


async def turned(contact: Contact, turns: int = 1) -> list[dict[str, Any]]:
    """The turns, once there are so many; the first one first."""
    with contact.gateway.live.watch(contact.conversation) as bell:
        while len(found := await contact.turns()) < turns:
            assert await bell.wait(60), f"{len(found)} turns"
    return sorted(found, key=lambda turn: turn["started_at"])


def steps(turn: dict[str, Any], step: str) -> list[str]:
    return [line["reason"] for line in turn["timeline"] if line["step"] == step]


async def elsewhere(shop: Shop, contact: Contact, text: str = THREE) -> None:
    """Somebody else is answered and heard: whatever was asked of the voice before has arrived there by then."""
    shop.openai.answer = lambda _: text
    reply = await Contact(contact.http, contact.gateway).ask("E para mim?")
    assert [part.get("transcript") for part in reply["parts"]] == [text]
    assert text in shop.heard


async def shows(contact: Contact, text: str) -> None:
    """Returns when so much of the answer came from the assistant."""
    live = contact.gateway.live
    with live.read(contact.conversation) as bell:
        while not ((draft := live.draft(contact.conversation)) and text in draft.text):
            assert await bell.wait(60), "nothing is written"


async def replied(contact: Contact) -> dict[str, Any]:
    (turn,) = await turned(contact)
    return dict(turn)


# -- ahead -------------------------------------------------------------------------------------------


async def test_the_first_sentence_is_spoken_before_the_second_is_written(shop: Shop) -> None:
    written = shop.dictated()
    async with shop.open() as contact, asyncio.TaskGroup() as group:
        asking = group.create_task(contact.ask("Quanto é o frete?"))
        written.write(f"{ONE} A")
        assert (await shop.voice.asked()).json["text"] == ONE
        written.write(TWO[1:] + " S")
        assert (await shop.voice.asked()).json["text"] == TWO
        assert not asking.done()
        written.write(THREE[1:])
        written.end()
        reply = await asking
        assert reply["parts"][0]["transcript"] == ALL
        assert shop.heard == [ONE, TWO, THREE]
        assert wasted(contact) == 0


async def test_the_note_is_the_sentences_in_their_order_whichever_was_ready_first(shop: Shop) -> None:
    gate, written = asyncio.Event(), shop.dictated()
    tone, silence = answer(sounds.ogg_opus(2.0), "audio/ogg"), answer(sounds.ogg_silence(2), "audio/ogg")
    said = {ONE: held(gate, tone), TWO: tone, THREE: silence}
    shop.voice.broken = lambda call: said[call.json["text"]]
    async with shop.open() as contact, asyncio.TaskGroup() as group:
        asking = group.create_task(contact.ask("Quanto é o frete?"))
        written.write(ALL + " ")
        for _ in range(2):
            await shop.voice.asked()
        written.end()
        gate.set()
        reply = await asking
        (part,) = reply["parts"]
        assert (part["kind"], part["transcript"]) == ("voice", ALL)
        found = await note(contact, reply)
        assert (found.channels, found.starts, found.ends, found.ends_last, found.bad_sums) == (1, 1, 1, True, 0)
        assert found.serials == 1
        assert abs(found.seconds - part["media"]["seconds"]) < 0.05
        assert 5 < found.seconds < 7
        bars = part["media"]["waveform"]
        assert max(bars[46:60]) < min(bars[5:38]), "tone, tone, silence"


@pytest.mark.parametrize("model", ["eleven_multilingual_v2", "eleven_v3"])
async def test_what_was_said_before_goes_along_where_the_model_honours_it(shop: Shop, model: str) -> None:
    shop.openai.answer = lambda _: ALL
    async with shop.open(model=model) as contact:
        await contact.ask("Quanto é o frete?")
    before = {call.json["text"]: call.json.get("previous_text", "") for call in shop.voice.spoken}
    carried = {ONE: "", TWO: ONE, THREE: TWO}
    assert before == (carried if model == "eleven_multilingual_v2" else dict.fromkeys(carried, ""))


async def test_no_more_at_once_than_the_account_allows(shop: Shop) -> None:
    two = asyncio.Barrier(2)

    async def together(fake: Any, request: web.Request) -> web.StreamResponse:
        """Speaks once another one is open, too."""
        await two.wait()
        more = {"maximum-concurrent-requests": "2"}
        return web.Response(body=sounds.ogg_opus(), content_type="audio/ogg", headers=more)

    sentences = [f"Esta é a frase de {name}, e ela tem palavras que bastam para uma vez." for name in "abcdefghij"]
    shop.openai.answer = lambda _: " ".join(sentences)
    shop.voice.concurrency, shop.voice.broken = 2, lambda call: together
    async with shop.open() as contact:
        reply = await contact.ask("Pode explicar?")
        assert reply["parts"][0]["transcript"] == " ".join(sentences)
    assert shop.voice.most_open == 2
    assert sorted(shop.heard) == sentences, "nothing was refused, so nothing was asked for twice"


# -- what is called off --------------------------------------------------------------------------------


async def test_a_handoff_at_the_beginning_is_never_spoken(shop: Shop) -> None:
    written = shop.dictated()
    for piece in ("**Ação: Trans", "ferir para o setor de ", "atendimento**", "\n" + ALL):
        written.write(piece)
    written.end()
    async with shop.open() as contact:
        reply = await contact.ask("Meu pedido sumiu")
        assert (reply["outcome"], reply["parts"]) == ("transferred", [{"kind": "text", "text": TRANSFER}])
        assert wasted(contact) == 0
    assert shop.heard == []


async def test_a_handoff_as_the_last_line_calls_off_what_was_spoken(shop: Shop) -> None:
    written = shop.dictated()
    async with shop.open() as contact, asyncio.TaskGroup() as group:
        asking = group.create_task(contact.ask("Quero reclamar"))
        written.write(f"{ONE} {TWO}\n\n")
        await shop.voice.asked()
        written.write(MARKER)
        written.end()
        reply = await asking
        assert (reply["outcome"], reply["parts"]) == ("transferred", [{"kind": "text", "text": TRANSFER}])
        assert [part["kind"] for part in await ours(contact)] == ["text"]
        (turn,) = await contact.turns()
        assert steps(turn, "voice") == ["called_off"]
        assert len(ONE) <= wasted(contact) <= len(ONE + TWO)
        assert not [text for text in shop.heard if "Transferir" in text]


async def test_a_takeover_stops_the_voice_at_once(shop: Shop) -> None:
    written = shop.dictated()
    shop.voice.next(HANG, HANG)
    async with shop.open() as contact:
        await contact.say("Quanto é o frete?")
        written.write(f"{ONE} A")
        await shop.voice.asked()
        await contact.act("hold", reason="a person answered")
        await asyncio.wait_for(shop.voice.hung_up.wait(), 60)
        written.write(f"{TWO[1:]} {THREE}")
        written.end()
        (turn,) = await turned(contact)
        assert (turn["outcome"], turn["reason"]) == ("held", "person_took_over")
        assert await ours(contact) == []
        assert shop.heard == [ONE], "what came after the takeover is not spoken"
        assert wasted(contact) == len(ONE)
        assert steps(turn, "voice") == ["called_off"]
        assert counted(contact.gateway, "recado_speech_total", result="text_instead") == 0


async def test_a_newer_message_calls_off_the_draft_and_both_are_answered_once(shop: Shop) -> None:
    first, second = shop.dictated(), shop.dictated()
    async with shop.open() as contact:
        await contact.say("Quanto é o frete?")
        first.write(f"{ONE} A")
        await shop.voice.asked()
        await contact.say("E a entrega?")
        await second.begun()
        second.write(f"{TWO} {THREE}")
        second.end()
        turn = await replied(contact)
        assert [part["transcript"] for part in await ours(contact)] == [f"{TWO} {THREE}"]
        assert shop.openai.asked[-1].question == "Quanto é o frete?\nE a entrega?"
        assert turn["outcome"] == "answered"
        assert wasted(contact) == len(ONE)
        assert sorted(shop.heard) == sorted([ONE, TWO, THREE])


async def test_what_comes_again_is_not_paid_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.assistants.retrying.LONGEST_PAUSE_S", 0.0)
    first, second = shop.dictated(), shop.dictated()
    async with shop.open() as contact, asyncio.TaskGroup() as group:
        asking = group.create_task(contact.ask("Quanto é o frete?"))
        first.write(f"{ONE} {TWO} S")
        await shop.voice.asked()
        first.tear()
        await second.begun()
        second.write(f"{ONE} {TWO} S")
        await elsewhere(shop, contact, "Sim, temos.")
        second.write(THREE[1:])
        second.end()
        reply = await asking
        assert [part.get("transcript") for part in reply["parts"]] == [ALL]
        assert wasted(contact) == 0
    assert sorted(shop.heard) == sorted([ONE, TWO, THREE, "Sim, temos."])


async def test_what_turns_out_too_long_is_spoken_no_further_and_written(shop: Shop) -> None:
    written = shop.dictated()
    async with shop.open(reply="max_voice_chars = 100") as contact, asyncio.TaskGroup() as group:
        asking = group.create_task(contact.ask("Quanto é o frete?"))
        written.write(f"{ONE} A")
        await shop.voice.asked()
        written.write(f"{TWO[1:]} {THREE}")
        written.end()
        assert (await asking)["parts"] == [{"kind": "text", "text": ALL}]
        (turn,) = await contact.turns()
        assert steps(turn, "shape") == ["too_long_to_speak"]
        assert (shop.heard, wasted(contact)) == ([ONE], len(ONE))


async def test_nothing_is_spoken_that_may_be_too_short(shop: Shop) -> None:
    smart = {"format": "smart", "reply": "smart_every = 1\nmin_voice_chars = 77"}
    written = shop.dictated()
    async with shop.open(**smart) as contact:
        await contact.say("Quanto é o frete?")
        written.write(f"{ONE} A")
        await shows(contact, ONE)
        await elsewhere(shop, contact, TWO)
        assert ONE not in shop.heard
        written.write(" s")
        written.end()
        (turn,) = await turned(contact)
        assert steps(turn, "shape") == ["too_short_to_speak"]
        assert [part["kind"] for part in await ours(contact)] == ["text"]
        assert ONE not in shop.heard


async def test_a_stop_in_the_middle_leaves_nothing_behind_and_the_next_start_answers_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.DRAIN", 0.05)
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(context))
    written = shop.dictated()
    shop.voice.next(HANG)
    shop.openai.answer = lambda _: ALL
    async with shop.open() as contact:
        await contact.say("Quanto é o frete?")
        written.write(f"{ONE} A")
        await shop.voice.asked()
    await asyncio.wait_for(shop.voice.hung_up.wait(), 60)
    gc.collect()
    assert trouble == []
    async with shop.open() as again:
        again.conversation = contact.conversation
        (turn,) = await turned(again)
        assert (turn["outcome"], turn["reason"]) == ("answered", "assistant")
        assert [part["transcript"] for part in await ours(again)] == [ALL]


# -- when ----------------------------------------------------------------------------------------------


async def test_what_a_contact_prefers_lasts_until_it_is_taken_back(shop: Shop) -> None:
    shop.openai.answer = lambda question: f"Sobre isso: {question}"

    async def kinds(contact: Contact, text: str) -> list[str]:
        return [part["kind"] for part in (await contact.ask(text))["parts"]]

    async with shop.open() as contact:
        assert await kinds(contact, "Tem pix?") == ["voice"]
        assert await kinds(contact, "Prefiro texto. Tem boleto?") == ["text"]
        assert await kinds(contact, "Tem cartão?") == ["text"]
        last = (await contact.turns())[0]
    async with shop.open() as again:
        again.id, again.conversation = contact.id, contact.conversation
        again._number = contact._number
        assert await kinds(again, "Tem dinheiro?") == ["text"]
        assert "contact_prefers_text" in {why for turn in await again.turns() for why in steps(turn, "shape")}
        assert await kinds(again, "Me manda um áudio") == ["voice"]
        assert await kinds(again, "Tem vale?") == ["voice"]
    assert last["outcome"] == "answered"


async def test_a_budget_that_is_spent_is_written_and_not_exceeded_meanwhile(shop: Shop) -> None:
    shop.openai.answer = lambda _: ONE
    async with shop.open(reply="voice_budget_chars = 100") as contact:
        assert [part["kind"] for part in (await contact.ask("Quanto é o frete?"))["parts"]] == ["voice"]
        written = shop.dictated()
        await contact.say("Quando chega?")
        written.write(f"{TWO} S")
        await shows(contact, TWO)
        await elsewhere(shop, contact, "Sim, temos.")
        written.write(THREE[1:])
        written.end()
        first, second = await turned(contact, 2)
        assert [steps(turn, "shape") for turn in (first, second)] == [["format_voice"], ["over_budget"]]
        assert [part["kind"] for part in await ours(contact)] == ["voice", "text"]
        assert wasted(contact) == 0
    assert shop.heard == [ONE, "Sim, temos."], "a sentence that is beyond the budget is not begun"


async def test_a_budget_that_is_over_is_over(shop: Shop) -> None:
    shop.openai.answer = lambda question: ONE if "frete" in question else TWO
    async with shop.open(reply=f"voice_budget_chars = {len(ONE)}") as contact:
        said = [(await contact.ask(text))["parts"][0]["kind"] for text in ("Quanto é o frete?", "Quando chega?")]
        assert said == ["voice", "text"]
        assert "over_budget" in {why for each in await contact.turns() for why in steps(each, "consider")}
    assert shop.heard == [ONE]


async def test_the_assistant_chooses_voice_and_never_shows_it(shop: Shop) -> None:
    written = shop.dictated()
    for piece in ("[[vo", f"ice]] {ONE} ", TWO):
        written.write(piece)
    written.end()
    async with shop.open(format="smart", reply="smart_every = 0") as contact:
        reply = await contact.ask("Quanto é o frete?")
        assert [part["transcript"] for part in reply["parts"]] == [f"{ONE} {TWO}"]
        assert "[[" not in str(reply) + str(await ours(contact))
        (turn,) = await contact.turns()
        assert steps(turn, "shape") == ["assistant_chose_voice"]
    assert sorted(shop.heard) == sorted([ONE, TWO])


async def test_the_assistant_chooses_text_and_nothing_is_spoken_first(shop: Shop) -> None:
    written = shop.dictated()
    async with shop.open(format="smart", reply="smart_every = 1") as contact:
        await contact.say("Quanto é o frete?")
        written.write("[[te")
        written.write(f"xt]] {ONE} A")
        await shows(contact, ONE)
        await elsewhere(shop, contact)
        written.write(TWO[1:])
        written.end()
        (turn,) = await turned(contact)
        assert steps(turn, "shape") == ["assistant_chose_text"]
        assert await ours(contact) == [{"kind": "text", "text": f"{ONE} {TWO}"}]
        assert wasted(contact) == 0
    assert shop.heard == [THREE]


async def test_what_is_said_again_and_again_is_spoken_at_the_start_and_never_again(shop: Shop) -> None:
    handoff = f'[queues.handoff]\nmarker = "{MARKER}"\nmessage = "{TRANSFER}"\nspoken = true'
    answers = iter([ONE, MARKER])
    shop.openai.answer = lambda _: next(answers)
    async with shop.open(voice=f'prepared = ["{ONE}"]', more=handoff) as contact:
        assert {(await shop.voice.asked()).json["text"] for _ in range(2)} == {ONE, TRANSFER}
        first = await contact.ask("Quanto é o frete?")
        second = await contact.ask("Meu pedido sumiu")
        assert [part["transcript"] for part in first["parts"]] == [ONE]
        assert [part["transcript"] for part in second["parts"]] == [TRANSFER]
        assert second["outcome"] == "transferred"
        spent = await contact.gateway.store.spent(contact.gateway.config.queues[0].name, "2000-01-01")
        assert (spent.characters, spent.saved) == (len(ONE) + len(TRANSFER),) * 2, "paid at the start, saved when used"
    assert sorted(shop.heard) == sorted([ONE, TRANSFER])
