"""The assistant hands over by calling a function: people have the conversation, the contact is told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.assistants.tools import NAME
from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.running import Contact, running, toml


def call(reason: str) -> tuple[str, str]:
    return NAME, json.dumps({"reason": reason})


def settings(openai: FakeOpenAI, provider: str) -> str:
    text = toml(openai.base_url, openai_key=openai.key)
    return text.replace('provider = "openai"', f'provider = "{provider}"', 1)


async def transfers(contact: Contact) -> list[dict[str, Any]]:
    steps = [step for turn in await contact.turns() for step in turn["timeline"]]
    return [step for step in steps if step["step"] == "transfer"]


@pytest.mark.parametrize("provider", ["openai", "openai_chat"])
async def test_a_call_hands_over_with_the_reason_it_gave(tmp_path: Path, provider: str) -> None:
    async with FakeOpenAI() as openai, running(settings(openai, provider), tmp_path) as (_, contact):
        openai.play(wire.calling(call("Quer falar do contrato."), text="Deixe-me ver isso. "))
        reply = await contact.ask("e o meu contrato?")
        assert (reply["outcome"], reply["reason"]) == ("transferred", "tool")
        (part,) = reply["parts"]
        assert "Deixe-me" not in str(await contact.transcript()), "what stood before the call is not said"
        (step,) = await transfers(contact)
        assert (step["reason"], step["hint"]) == ("tool", "Quer falar do contrato.")
        assert len(openai.asked) == 1

        await contact.say("alô?")
        await contact.ask("tem alguém?")
        assert len(openai.asked) == 1, "people have it"
        said = [text for role, text in await contact.transcript() if role != "contact"]
        assert said == [part["text"]], "the transfer message once"


async def test_after_release_the_assistant_answers_without_the_call(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(settings(openai, "openai"), tmp_path) as (_, contact):
        openai.play(wire.calling(call("x")))
        await contact.ask("e o meu contrato?")
        await contact.act("release")
        reply = await contact.ask("qual o prazo?")
        assert (reply["outcome"], reply["reason"]) == ("answered", "assistant")
        assert "function_call" not in str(openai.asked[-1].json["input"]), "no call is left that waits for its output"


async def test_broken_arguments_hand_over_too(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(settings(openai, "openai"), tmp_path) as (_, contact):
        openai.play(wire.calling((NAME, '{"reason": "Quer')))
        assert (await contact.ask("e o meu contrato?"))["reason"] == "tool"
        (step,) = await transfers(contact)
        assert "hint" not in step


async def test_other_functions_change_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(settings(openai, "openai_chat"), tmp_path) as (_, contact):
        openai.play(wire.calling(("refund_everything", "{}"), text="Abrimos às 9."))
        reply = await contact.ask("que horas abre?")
        assert (reply["outcome"], reply["parts"]) == ("answered", [{"kind": "text", "text": "Abrimos às 9."}])


async def test_a_server_without_tools_answers_and_hands_over_by_the_marker(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(settings(openai, "openai_chat"), tmp_path) as (_, contact):
        openai.play(wire.refused(400))
        assert (await contact.ask("qual o prazo?"))["outcome"] == "answered"
        openai.play(wire.spoken("Ação: Transferir para o setor de atendimento"))
        assert (await contact.ask("e o meu contrato?"))["reason"] == "marker"
        assert ["tools" in call.json for call in openai.asked] == [True, False, False]
