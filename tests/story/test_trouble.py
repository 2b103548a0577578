"""What goes wrong inside, and what the contact gets all the same."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.channels.base import Capabilities, ChannelError, Outgoing, Sent
from gateway.config import parse
from storage.model import ConversationId, Kind, Receipt
from storage.store import Store
from tests.fakes import elevenlabs as voice_wire
from tests.fakes import openai as wire
from tests.fakes import sounds
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, KEY, LONG, Contact, burst_ends, running, toml
from tests.story.served import ROOT
from tests.story.test_doors import pushed, watched
from tests.story.test_voice import spoken_queue

CRM = "crm-key-0123456"
QUEUE_AND_CHANNEL = """
[[channels]]
name = "outro"
type = "http"
queue = "outra"
key = "other-key-0123456"

[[queues]]
"""


def ears(openai: FakeOpenAI) -> str:
    return f'provider = "openai"\napi_key = "{openai.key}"\nbase_url = "{openai.base_url}"\nmodel = "gpt-transcribe"'


def queue(openai: FakeOpenAI, **more: Any) -> str:
    return toml(openai.base_url, openai_key=openai.key, **more)


# -- stopping ------------------------------------------------------------------------------------


async def test_whoever_waits_or_watches_is_let_go_politely_when_the_server_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.DRAIN", 0.1)
    async with FakeOpenAI() as openai, aiohttp.ClientSession() as http:
        async with Gateway(parse(queue(openai), root=tmp_path)) as gateway:
            contact = Contact(http, gateway)
            await contact.ask("oi")
            openai.play(wire.hang())
            openai.arrived.clear()
            waiting = asyncio.create_task(contact.post(contact.message("e agora?"), wait=60))
            url = f"{gateway.url}/v1/conversations/{contact.conversation}/events"
            stream = await http.get(url, headers={"Authorization": f"Bearer {KEY}"})
            await openai.arrived.wait()
        status, said = await waiting
        assert (status, said["duplicate"]) == (202, False), "it is on disk, and the next start answers it"
        assert b"e agora?" in await stream.content.read(), "the stream came to its end"


async def test_what_a_last_turn_writes_still_goes_out(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, FakeCallback() as callback, aiohttp.ClientSession() as http:
        openai.play(wire.spoken("enfim", gate=gate))
        gateway = Gateway(parse(queue(openai, more=pushed(callback)), root=tmp_path))
        async with gateway:
            contact = Contact(http, gateway)
            await contact.post(contact.message("oi"), key=CRM, channel="crm")
            await openai.arrived.wait()
            asyncio.get_running_loop().call_later(0.2, gate.set)
        assert [payload["data"]["parts"][0]["text"] for _, payload in callback.seen] == ["enfim"]


STUCK = """
import sys, threading
from gateway.cli import main

threading.Thread(target=threading.Event().wait).start()  # transcribes what nobody waits for any more
raise SystemExit(main(sys.argv[1:]))
"""


async def test_a_thread_that_nobody_waits_for_does_not_keep_the_process(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        (tmp_path / "recado.toml").write_text(queue(openai))
        command = [sys.executable, "-c", STUCK, "run", "--config", str(tmp_path / "recado.toml")]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert b"listens" in await process.stdout.readline()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


# -- loops ---------------------------------------------------------------------------------------


async def test_a_surprise_while_claiming_does_not_end_the_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.loops.PAUSE", 0.01)
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (gateway, contact):
        claim, surprises = gateway.store.claim, [ValueError("a surprise")]

        async def surprising(*args: Any) -> Any:
            if surprises:
                raise surprises.pop()
            return await claim(*args)

        monkeypatch.setattr(gateway.store, "claim", surprising)
        assert (await contact.ask("oi"))["outcome"] == "answered"


@pytest.mark.parametrize("step", ["hear", "answer", "speak"])
async def test_what_breaks_every_turn_is_handed_over_once_and_in_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("gateway.loops.backoff", lambda tries, random: 1)
    tries = 0

    def breaks(*_: Any) -> Any:
        nonlocal tries
        tries += 1
        raise RuntimeError("a fault in our code")

    async with FakeOpenAI() as openai:
        config = queue(openai, format="voice", hearing=ears(openai), interval=LONG, max_wait=LONG)
        async with running(config, tmp_path) as (gateway, contact):
            crew = gateway.crews["loja"]
            part: Any = {"hear": crew.hearing, "answer": crew.assistants[0], "speak": crew.voice}[step]
            monkeypatch.setattr(type(part), "begin" if step == "speak" else step, breaks)
            await contact.say("oi")
            speaking = asyncio.create_task(contact.speak(sounds.ogg_opus(1.0)))
            await burst_ends(gateway, contact.conversation, 2)
            reply = await speaking
            assert (reply["outcome"], reply["reason"], tries) == ("dead", "too_many_tries", 8)
            assert [part["kind"] for part in reply["parts"]] == ["text"]
            assert [sender for sender, _ in await contact.transcript()] == ["contact", "contact", "assistant"]
            assert (await gateway.store.depths()).dead == 2
            assert (await contact.get(""))[1]["held"]["reason"] == "too_many_tries"
            asking = asyncio.create_task(contact.ask("e agora?"))
            await burst_ends(gateway, contact.conversation, 3)
            assert (await asking)["outcome"] == "held"


# -- sound ---------------------------------------------------------------------------------------


async def test_a_note_that_cannot_be_kept_is_sent_as_text(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai, format="voice"), tmp_path) as (_, contact):
        shutil.rmtree(tmp_path / "media", ignore_errors=True)
        (tmp_path / "media").write_text("no folder, as when the disk is full")
        reply = await contact.ask("oi")
        assert (reply["outcome"], reply["parts"]) == ("answered", [{"kind": "text", "text": "Echo: oi"}])
        assert len(openai.asked) == 1


async def test_an_account_without_credit_silences_no_other_account(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as poor, FakeElevenLabs() as rich:
        second = QUEUE_AND_CHANNEL + spoken_queue(openai, rich).partition("[[queues]]")[2].partition("[[channels]]")[0]
        second = second.replace('name = "loja"', 'name = "outra"')
        async with running(spoken_queue(openai, poor) + second, tmp_path) as (_, contact):
            poor.next(voice_wire.QUOTA)
            assert [p["kind"] for p in (await contact.ask("oi"))["parts"]] == ["text"]
            _, reply = await contact.post(contact.message("oi"), wait=60, key="other-key-0123456", channel="outro")
            assert [p["kind"] for p in reply["parts"]] == ["voice"]


async def test_a_note_whose_file_is_lost_does_not_cost_the_rest_its_answer(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        more = queue(openai, hearing=ears(openai), interval=LONG, max_wait=LONG)
        async with running(more, tmp_path) as (gateway, contact):
            await contact.post(contact.note(sounds.ogg_opus(1.0)))
            shutil.rmtree(tmp_path / "media")
            asking = asyncio.create_task(contact.ask("Tem pix?"))
            await burst_ends(gateway, contact.conversation, 2)
            reply = await asking
            answer, owned_up = reply["parts"][0]["text"].split("\n\n")
            assert (reply["outcome"], answer) == ("answered", "Echo: Tem pix?")
            assert owned_up.startswith("Ainda não consigo ouvir")


async def test_a_note_is_worth_another_try_when_the_fault_is_ours(tmp_path: Path) -> None:
    """A 4xx would tell the sender to forget it."""
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (gateway, contact):
        gateway.encoder._timeout = 0.0
        status, problem = await contact.post(contact.note(sounds.ogg_opus(1.0), id="x"))
        assert status == 503, problem
        gateway.encoder._timeout = 60.0
        assert (await contact.post(contact.note(sounds.ogg_opus(1.0), id="x")))[0] == 202


async def test_words_that_came_while_the_stream_was_cut_are_told_when_it_is_back(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def slowly(call: wire.Call, request: Any) -> Any:
        await gate.wait()
        return await wire.document({"text": "Tem pix?"})(call, request)

    async with FakeOpenAI() as openai:
        async with running(queue(openai, hearing=ears(openai)), tmp_path) as (_, contact):
            await contact.ask("oi")
            openai.play_hearing(slowly)
            speaking = asyncio.create_task(contact.speak(sounds.ogg_opus(1.0)))
            async with watched(contact) as events:
                async for _, id, data in events:
                    if data.get("part", {}).get("kind") == "voice":
                        cursor, words = id, data["part"]["transcript"]
                        break
            assert words is None
            gate.set()
            await speaking
            async with watched(contact, **{"Last-Event-ID": cursor}) as events:
                async for kind, _, data in events:
                    if kind == "heard":
                        assert data == {"cursor": cursor, "transcript": "Tem pix?"}
                        break


# -- words ---------------------------------------------------------------------------------------


async def test_an_emoji_cut_in_two_by_a_server_is_whole_again(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (_, contact):
        pieces = [{"type": "response.output_text.delta", "delta": c} for c in "Oi \ud83d\ude00\ud83d"]
        end = {"type": "response.completed", "response": {"object": "response", "status": "completed", "output": []}}
        openai.play(wire.ending(*map(json.dumps, [*pieces, end]), text=""))
        reply = await contact.ask("oi")
        assert (reply["outcome"], reply["parts"][0]["text"]) == ("answered", "Oi 😀�")


async def test_what_was_withdrawn_was_never_said(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (gateway, contact):
        reply = await contact.ask("oi")
        id = ConversationId(contact.conversation)
        await gateway.store.record(Receipt(id, f"{reply['turn']}:0", "withdrawn", 1))
        await contact.ask("e agora?")
        assert openai.asked[1].said == [("user", "oi"), ("user", "e agora?")]


async def test_how_a_note_would_be_written_is_nobodys_business(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai, format="voice"), tmp_path) as (_, contact):
        await contact.ask("oi")
        _, body = await contact.get("/messages")
        assert set(body["messages"][1]["part"]) == {"kind", "media", "transcript"}


# -- people --------------------------------------------------------------------------------------


async def test_people_take_over_a_conversation_whose_queue_is_gone(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        before = queue(openai)
        async with running(before, tmp_path) as (_, contact):
            await contact.ask("oi")
        after = before.replace('name = "loja"', 'name = "vendas"').replace('queue = "loja"', 'queue = "vendas"')
        async with running(after, tmp_path) as (_, later):
            later.conversation = contact.conversation
            assert (await later.act("hold"))["changed"]
            _, conversation = await later.get("")
            assert conversation["held"]["queue"] == "humanos"


async def test_released_while_a_note_is_heard_it_is_answered_and_nobody_seems_to_hold_it(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def slowly(call: wire.Call, request: Any) -> Any:
        await gate.wait()
        return await wire.document({"text": "Tem pix?"})(call, request)

    async with FakeOpenAI() as openai:
        async with running(queue(openai, hearing=ears(openai)), tmp_path) as (gateway, contact):
            await contact.ask("oi")
            await contact.act("hold")
            openai.play_hearing(slowly)
            openai.arrived.clear()
            speaking = asyncio.create_task(contact.speak(sounds.ogg_opus(1.0)))
            await openai.arrived.wait()
            await contact.act("release")
            gate.set()
            reply = await speaking
            assert (reply["outcome"], reply["parts"][0]["text"]) == ("answered", "Echo: Tem pix?")
            assert gateway.live.state(ConversationId(contact.conversation)) == "idle"


async def test_a_held_conversation_is_held_whatever_a_draft_is_doing(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, running(queue(openai, format="voice"), tmp_path) as (gateway, contact):
        await contact.ask("oi")
        openai.play(wire.spoken("tarde demais", gate=gate))
        openai.arrived.clear()
        async with watched(contact) as events:
            asking = asyncio.create_task(contact.ask("e agora?"))
            await openai.arrived.wait()
            await contact.act("hold")
            async for kind, _, data in events:
                if (kind, data.get("state")) == ("state", "held"):
                    break
            gate.set()
            assert (await asking)["outcome"] == "held"
            await contact.act("release")
            async for kind, _, data in events:
                if kind == "state":
                    assert data["state"] == "idle", "and not what the draft was doing"
                    break
        assert not gateway.live._states, "who is held stands in the store: memory is for those who are busy"


async def test_a_wish_that_comes_in_pieces_is_read_whole(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (gateway, contact):
        await contact.ask("oi")

        async def slowly() -> Any:
            yield b'{"reason": '
            await asyncio.sleep(0.05)
            yield b'"lunch"}'

        url = f"{gateway.url}/v1/conversations/{contact.conversation}/hold"
        async with contact.http.post(url, data=slowly(), headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
            assert answer.status == 200, await answer.text()
        _, conversation = await contact.get("")
        assert conversation["held"]["reason"] == "lunch"


# -- deliveries ----------------------------------------------------------------------------------


class Broken:
    """A channel with a fault in its code, to which everything may be sent twice."""

    name, capabilities = "api", Capabilities(whole_reply=True)

    async def send(self, outgoing: Outgoing) -> Sent:
        raise RuntimeError("a fault in the channel")

    async def close(self) -> None:
        return None


async def test_a_delivery_that_breaks_its_channel_is_given_up_in_the_end(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(queue(openai), tmp_path) as (gateway, contact):
        await gateway._loops[Kind.OUT].stop(1)
        await contact.ask("oi")
        store: Store = gateway.store
        (claim,) = await store.claim(Kind.OUT, 1, 30_000, "me")
        deliveries = replace(gateway.deliveries, channels={"api": Broken()})
        with pytest.raises(RuntimeError):
            await deliveries.run(claim)
        await deliveries.run(replace(claim, tries=99))
        (receipt,) = await store.receipts(claim.key)
        assert (receipt.status, receipt.detail) == ("failed", "too_many_tries")
        assert (await store.depths()).dead == 1


async def test_nobody_can_ask_for_silence_until_the_end_of_time(tmp_path: Path) -> None:
    from gateway.channels.http import SCHEDULE, Callback

    async with FakeCallback() as callback:
        for asked in ("9" * 400, "²", "-1", "soon"):
            callback.answer(503, headers={"retry-after": asked})
            channel = Callback("crm", callback.url, SECRET, allow_private=True)
            with pytest.raises(ChannelError) as failed:
                await channel.send(Outgoing("m:0", "c", "x", {"parts": []}, 1))
            assert failed.value.retry_after is not None
            assert 0 < failed.value.retry_after <= SCHEDULE[-1]
            await channel.close()
