"""Answers streamed while they are written: nothing of the marker, nothing twice, an honest end when taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.openai import cut, spoken
from tests.story.calling import MARKER, program

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning")

OI: Any = [{"role": "user", "content": "oi"}]
TEXT = "Bom dia, Lia! A consulta custa R$ 250."


async def chat(client: AsyncOpenAI, **more: Any) -> AsyncIterator[str]:
    stream = await client.chat.completions.create(model="loja", messages=OI, stream=True, **more)
    async for chunk in stream:
        if piece := chunk.choices[0].delta.content:
            yield piece


async def response(client: AsyncOpenAI) -> AsyncIterator[str]:
    async for event in await client.responses.create(model="loja", input="oi", stream=True):
        if event.type == "response.output_text.delta":
            yield event.delta
        if event.type == "error":
            raise openai.APIError(event.message, None, body={"code": event.code})  # type: ignore[arg-type]


async def run(client: AsyncOpenAI) -> AsyncIterator[str]:
    thread = await client.beta.threads.create(messages=OI)
    stream = await client.beta.threads.runs.create(thread_id=thread.id, assistant_id="loja", stream=True)
    async for event in stream:
        if event.event == "thread.message.delta":
            yield event.data.delta.content[0].text.value  # type: ignore[index, union-attr, misc]


async def until_the_end(pieces: AsyncIterator[str], begun: asyncio.Event | None = None) -> tuple[str, str | None]:
    """(what was said, the code of the error it ended with). `begun`: set with the first word."""
    said = ""
    try:
        async for piece in pieces:
            said += piece
            if begun:
                begun.set()
    except openai.APIError as error:
        return said, error.code
    return said, ""


WAYS = pytest.mark.parametrize("way", [chat, response, run])


@WAYS
async def test_the_first_words_come_before_the_last_are_written(tmp_path: Path, way: Any) -> None:
    release = asyncio.Event()
    async with program(tmp_path) as (upstream, client, _):
        upstream.play(spoken(TEXT, pieces=4, gate=release))
        pieces = []
        async for piece in way(client):
            pieces.append(piece)
            release.set()  # would wait for ever if nothing came before
        assert "".join(pieces) == TEXT
        assert TEXT.startswith(pieces[0])


@WAYS
async def test_of_an_explanation_before_the_marker_the_transfer_comes_next(tmp_path: Path, way: Any) -> None:
    async with program(tmp_path) as (upstream, client, _):
        upstream.play(spoken(f"Disso eu não sei.\n**{MARKER}**", pieces=30, delay=0.002))
        said = "".join([piece async for piece in way(client)])
        begun, _, transfer = said.rpartition("\n\n")
        assert begun in ("", "Disso eu não sei.")
        assert transfer.startswith("Vou chamar uma pessoa")


@WAYS
async def test_what_was_taken_back_ends_the_stream(tmp_path: Path, way: Any) -> None:
    """The provider broke off in the middle and said something else on the second try."""
    async with program(tmp_path) as (upstream, client, _):
        upstream.play(cut(after=3), spoken("Outra coisa."))
        assert await until_the_end(way(client)) == ("a b c", "answer_discarded")


async def test_what_was_taken_back_and_said_again_goes_on(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, client, _):
        upstream.play(cut(after=3), spoken("a b c, e pronto."))
        assert "".join([piece async for piece in chat(client)]) == "a b c, e pronto."


async def test_a_newer_message_takes_a_draft_back(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, client, _):
        upstream.play(spoken("Resposta à primeira, longa.", pieces=4, gate=asyncio.Event()), spoken("A ambas."))
        first = asyncio.create_task(until_the_end(chat(client, user="lia"), begun := asyncio.Event()))
        await asyncio.wait_for(begun.wait(), 60)
        second = await client.chat.completions.create(
            model="loja", messages=[{"role": "user", "content": "e mais"}], user="lia"
        )
        assert (await first)[1] == "answer_discarded"
        assert second.choices[0].message.content == "A ambas."
        assert upstream.asked[-1].question == "oi\ne mais"
