"""The Responses API, called by OpenAI's own library."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from tests.fakes.openai import FakeOpenAI, incomplete, spoken
from tests.story.calling import MARKER, client, program, served
from tests.story.running import running


def recado(response: Response) -> dict[str, Any]:
    assert response.model_extra is not None
    extension: dict[str, Any] = response.model_extra["recado"]
    return extension


async def test_a_response_is_the_queues_answer(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        made = await openai_.responses.create(
            model="loja", input="oi", instructions="Seja breve.", metadata={"order": "17"}, temperature=0.1
        )
        assert (made.output_text, made.status, made.model) == ("Echo: oi", "completed", "loja")
        assert made.usage is not None
        assert made.usage.total_tokens == 450
        assert upstream.asked[0].instructions.count("Seja breve.") == 1
        again = await openai_.responses.retrieve(made.id)
        assert again.model_dump() == made.model_dump()
        assert made.metadata == {"order": "17"}


async def test_items_are_history_and_question(tmp_path: Path) -> None:
    items = [
        {"role": "developer", "content": "Fale como um pirata."},
        {"role": "user", "content": [{"type": "input_text", "text": "meu nome é Lia"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Olá, Lia!"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "user", "content": [{"type": "input_text", "text": "oi"}]},
    ]
    async with program(tmp_path) as (upstream, openai_, _):
        made = await openai_.responses.create(model="loja", input=items)  # type: ignore[arg-type]
        assert made.output_text == "Echo: oi"
        assert "pirata" in upstream.asked[0].instructions
        assert [words for _, words in upstream.asked[0].said if "Lia" in words] == ["meu nome é Lia", "Olá, Lia!"]


async def test_the_next_response_goes_on_from_the_previous(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        first = await openai_.responses.create(model="loja", input="meu nome é Lia")
        second = await openai_.responses.create(model="loja", input="oi", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        assert second.conversation is not None
        assert first.conversation is not None
        assert second.conversation.id == first.conversation.id
        assert "meu nome é Lia" in [words for _, words in upstream.asked[1].said]
        third = await openai_.responses.create(model="clinica", input="oi", previous_response_id=second.id)
        assert "Ana, da clínica" in upstream.asked[2].instructions, "another queue goes on"
        assert recado(third)["conversation"] == recado(first)["conversation"]
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.responses.create(model="loja", input="oi", previous_response_id="resp_nowhere")
        assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize("named", [{"conversation": "lia"}, {"conversation": {"id": "lia"}}, {"user": "lia"}])
async def test_a_conversation_is_named(tmp_path: Path, named: dict[str, Any]) -> None:
    async with program(tmp_path) as (_, openai_, _):
        first = await openai_.responses.create(model="loja", input="um", **named)
        second = await openai_.responses.create(model="loja", input="dois", **named)
        by_id = await openai_.responses.create(
            model="loja", input="três", conversation=recado(first)["conversation"]
        )
        assert len({recado(one)["conversation"] for one in (first, second, by_id)}) == 1


async def test_a_conversation_is_made_first(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        conversation = await openai_.conversations.create(metadata={"order": "17"})
        assert conversation.metadata == {"order": "17"}
        first = await openai_.responses.create(model="loja", input="um", conversation=conversation.id)
        second = await openai_.responses.create(model="clinica", input="dois", conversation=conversation.id)
        assert recado(first)["conversation"] == recado(second)["conversation"]
        assert "Echo: um" in [words for _, words in upstream.asked[1].said]
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.conversations.create(items=[{"type": "message", "role": "user", "content": "oi"}])
        assert caught.value.param == "items"


async def test_a_stream_has_every_event_in_its_place(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        text = "Bom dia! A consulta custa R$ 250. Até logo."
        upstream.play(spoken(text))
        async with openai_.responses.stream(model="loja", input="oi") as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()
        kinds = [event.type for event in events]
        assert kinds[:4] == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ]
        assert kinds[-4:] == [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == text
        assert final.output_text == text
        assert (await openai_.responses.retrieve(final.id)).output_text == text


async def test_what_the_answer_rests_on_is_cited(tmp_path: Path) -> None:
    document = tmp_path / "precos.md"
    document.write_text("# Preços\n\nA consulta custa R$ 250.\n\nO retorno é grátis.\n", "utf-8")
    async with FakeOpenAI() as upstream:
        text = served(upstream).replace('language = "pt-BR"', f'language = "pt-BR"\nknowledge = ["{document}"]')
        upstream.play(spoken("Custa R$ 250【1】."))
        async with running(text, tmp_path) as (gateway, _), client(gateway) as openai_:
            made = await openai_.responses.create(model="loja", input="Quanto custa a consulta?")
        citations = recado(made)["citations"]
        assert citations
        assert citations[0]["document"] == "precos.md"
        message = made.output[0]
        assert message.type == "message"
        part = message.content[0]
        assert part.type == "output_text"
        annotation = part.annotations[0]
        assert annotation.type == "file_citation"
        assert annotation.filename == "precos.md"


async def test_handing_over(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken(MARKER))
        made = await openai_.responses.create(model="loja", input="oi", user="lia")
        assert (recado(made)["outcome"], made.status) == ("transferred", "completed")
        assert made.output_text.startswith("Vou chamar uma pessoa")
        silent = await openai_.responses.create(model="loja", input="oi?", user="lia")
        assert (silent.output, silent.output_text, recado(silent)["outcome"]) == ([], "", "held")
        async with openai_.responses.stream(model="loja", input="e?", user="lia") as stream:
            kinds = [event.type async for event in stream]
        assert kinds == ["response.created", "response.in_progress", "response.completed"]


async def test_an_answer_that_was_cut_is_incomplete(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(incomplete())
        made = await openai_.responses.create(model="loja", input="oi")
        assert made.status == "incomplete"
        assert made.incomplete_details is not None
        assert made.incomplete_details.reason == "max_output_tokens"


async def test_in_the_background(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken("Pronto.", gate=release))
        made = await openai_.responses.create(model="loja", input="oi", background=True, metadata={"a": "b"})
        assert (made.status, made.output_text) == ("in_progress", "")
        release.set()
        while (made := await openai_.responses.retrieve(made.id)).status == "in_progress":
            await asyncio.sleep(0.01)
        assert (made.output_text, made.metadata) == ("Pronto.", {"a": "b"})


async def test_what_nobody_waits_for_any_more_is_cancelled(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken("Nunca.", gate=asyncio.Event()))
        made = await openai_.responses.create(model="loja", input="oi", background=True, user="lia")
        await asyncio.wait_for(upstream.arrived.wait(), 60)
        stopped = await openai_.responses.cancel(made.id)
        assert (stopped.status, recado(stopped)["reason"]) == ("cancelled", "run_cancelled")
        after = await openai_.responses.create(model="loja", input="e agora?", user="lia")
        assert after.output_text == "Echo: e agora?"


async def test_another_channels_response_is_not_found(tmp_path: Path) -> None:
    other = '[[channels]]\nname = "others"\ntype = "openai"\nkey = "other-program-key-01"\n'
    async with FakeOpenAI() as upstream, running(served(upstream) + other, tmp_path) as (gateway, _):
        async with client(gateway) as mine, client(gateway, "other-program-key-01") as theirs:
            made = await mine.responses.create(model="loja", input="oi", user="lia")
            with pytest.raises(openai.NotFoundError):
                await theirs.responses.retrieve(made.id)
            with pytest.raises(openai.BadRequestError):
                await theirs.responses.create(model="loja", input="oi", previous_response_id=made.id)
            same_name = await theirs.responses.create(model="loja", input="oi", user="lia")
            same_id = await theirs.responses.create(
                model="loja", input="oi", conversation=recado(made)["conversation"]
            )
            ids = {recado(one)["conversation"] for one in (made, same_name, same_id)}
            assert len(ids) == 3


REFUSED = [
    ({"tools": [{"type": "function", "name": "f", "parameters": {}}]}, "tools"),
    ({"text": {"format": {"type": "json_object"}}}, "text.format"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ({"input": []}, "input"),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[0].type"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
    ({"conversation": "a", "previous_response_id": "resp_b"}, "previous_response_id"),
    ({"metadata": {str(i): "x" for i in range(17)}}, "metadata"),
]


@pytest.mark.parametrize(("wish", "param"), REFUSED)
async def test_what_is_not_served_is_refused_by_name(tmp_path: Path, wish: dict[str, Any], param: str) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.responses.create(**({"model": "loja", "input": "oi"} | wish))
        assert caught.value.param == param
        assert not upstream.asked
