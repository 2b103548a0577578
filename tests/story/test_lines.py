"""One core for every provider's line: whatever the provider, the contact meets the same."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import openai as wire
from tests.fakes import sounds
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import (
    ALL_AT_ONCE,
    VOICE,
    Line,
    config,
    conversation,
    ends_burst,
    heard,
    held,
    inbound,
    outcomes,
    patient,
    quiet,
    states,
    until,
    with_an_ear,
)
from tests.story.running import running

# -- in and out --------------------------------------------------------------------------------------


async def test_a_burst_is_answered_once(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(patient(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.message("m1", "Oi")) == 200
        assert await line.post(gateway, line.message("m2", "tem pix?")) == 200
        await ends_burst(gateway, line, 2)
        assert await heard(line, 1) == ["Echo: Oi\ntem pix?"]
        await quiet(gateway)
        assert await outcomes(gateway, line, 1) == [("answered", "assistant")]
        assert await states(gateway, line) == ["sent"]


async def test_a_voice_note_is_heard_and_answered_with_one(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(with_an_ear(openai, line, format="mirror"), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.voice("m1", sounds.ogg_opus(1.0))) == 200
        assert await heard(line, 1) == [VOICE]
        assert openai.asked[0].question == "quanto custa o frete?"
        await line.post(gateway, line.message("m2", "obrigada"))
        assert await heard(line, 2) == [VOICE, "Echo: obrigada"]
        assert openai.asked[1].said[0] == ("user", "quanto custa o frete?"), "it is remembered by its words"


async def test_what_is_no_voice_note_is_kept_and_answered_politely(
    line: Line, openai: FakeOpenAI, tmp_path: Path
) -> None:
    async with running(with_an_ear(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.voice("m1", b"MZ this is a program")) == 200
        (said,) = await heard(line, 1)
        assert "não" in said.lower()
        assert await outcomes(gateway, line, 1) == [("answered", "media_lost")]


async def test_a_sticker_is_seen_by_who_has_eyes(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.sticker("m1")) == 200
        await heard(line, 1)
        assert [part["type"] for part in openai.asked[0].pictures] == ["input_image"]


async def test_a_sticker_is_owned_up_to_by_who_has_none(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    blind = config(openai, line).replace('provider = "openai"\napi_key', 'provider = "local"\napi_key', 1)
    async with running(blind, tmp_path) as (gateway, _):
        assert await line.post(gateway, line.sticker("m1")) == 200
        assert await outcomes(gateway, line, 1) == [("answered", "cannot_read")]
        (said,) = await heard(line, 1)
        assert "escrever" in said


async def test_a_storm_of_redeliveries_is_answered_once(openai: FakeOpenAI, tmp_path: Path) -> None:
    """Each message five times, shuffled, over all lines at once."""
    async with asyncio.timeout(180), _all() as lines:
        async with running(config(openai, *lines, interval=150, max_wait=150), tmp_path) as (gateway, _):
            posts = [(line, line.message(f"s{n}", f"pergunta {n}", age=9 - n)) for line in lines for n in range(8)] * 5
            random.Random(7).shuffle(posts)
            answered = await asyncio.gather(*(line.post(gateway, body) for line, body in posts))
            assert set(answered) == {200}
            await quiet(gateway)
            for line in lines:
                assert await inbound(gateway, line) == 8
                asked = "\n".join(said.removeprefix("Echo: ") for said in line.sent()).splitlines()
                assert sorted(asked) == [f"pergunta {n}" for n in range(8)]


# -- people ------------------------------------------------------------------------------------------


async def test_a_person_on_the_phone_takes_over(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("from_the_phone")
    async with running(config(openai, line), tmp_path) as (gateway, contact):
        await line.post(gateway, line.message("m1", "Oi"))
        await heard(line, 1)
        assert await line.post(gateway, line.from_the_phone("p1", "Aqui é a Bia, já te ajudo")) == 200
        assert await held(gateway, line) == "person_answered_elsewhere"
        await line.post(gateway, line.message("m2", "que bom!"))
        assert (await outcomes(gateway, line, 2))[1] == ("held", "held_by_person")
        assert await line.post(gateway, line.from_the_phone("p1", "Aqui é a Bia, já te ajudo")) == 200
        await quiet(gateway)
        contact.conversation = conversation(line)
        _, shown = await contact.get("/messages", key="admin-key-0123456789")
        assert [(m["from"], m["part"]["text"]) for m in shown["messages"]] == [
            ("contact", "Oi"),
            ("assistant", "Echo: Oi"),
            ("person", "Aqui é a Bia, já te ajudo"),
            ("contact", "que bom!"),
        ]
        assert len(line.sent()) == 1, "what was written on the phone is not sent again"


async def test_a_draft_is_thrown_away_when_a_person_answers(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("from_the_phone")
    gate = asyncio.Event()
    openai.play(wire.spoken("tarde demais", gate=gate))
    async with running(config(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "Oi"))
        await until(lambda: openai.asked, "the assistant is asked")
        await line.post(gateway, line.from_the_phone("p1", "eu respondo"))
        gate.set()
        assert await outcomes(gateway, line, 1) == [("held", "person_took_over")]
        await quiet(gateway)
        assert line.sent() == []


async def test_our_own_send_coming_back_is_nobody(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("from_the_phone")
    async with running(config(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "Oi"))
        await heard(line, 1)
        await quiet(gateway)
        assert await line.post(gateway, line.from_the_phone(line.ids()[0], "Echo: Oi")) == 200
        assert await held(gateway, line) == ""


# -- corrected, taken back, not to be answered -----------------------------------------------------------


async def test_a_message_is_answered_as_it_was_corrected(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(patient(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "quero 2 blusas"))
        await line.post(gateway, line.edit("e1", "m1", "quero 3 blusas"))
        await ends_burst(gateway, line, 2)
        assert await heard(line, 1) == ["Echo: quero 3 blusas"]
        await line.post(gateway, line.edit("e2", "m1", "quero 4 blusas"))
        await ends_burst(gateway, line, 3)
        assert (await outcomes(gateway, line, 2))[1] == ("ignored", "edited_after_answer")


async def test_what_was_taken_back_is_not_answered(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("revoke")
    async with running(patient(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "meu cartão é 1234"))
        await line.post(gateway, line.revoke("r1", "m1"))
        await ends_burst(gateway, line, 2)
        assert await outcomes(gateway, line, 1) == [("ignored", "revoked")]
        await line.post(gateway, line.message("m2", "oi"))
        await ends_burst(gateway, line, 3)
        assert await heard(line, 1) == ["Echo: oi"]
        assert "1234" not in str(openai.asked[0].said)


async def test_a_reaction_asks_for_nothing(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("reaction")
    async with running(config(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "Oi"))
        await heard(line, 1)
        await line.post(gateway, line.reaction("x1", line.ids()[0]))
        assert (await outcomes(gateway, line, 2))[1] == ("ignored", "reaction")
        assert len(openai.asked) == 1


async def test_what_is_old_is_kept_and_not_answered(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "ontem", age=7 * 3600))
        assert await outcomes(gateway, line, 1) == [("ignored", "late")]
        await line.post(gateway, line.message("m2", "hoje"))
        assert await heard(line, 1) == ["Echo: hoje"]
        assert openai.asked[0].said == [("user", "ontem"), ("user", "hoje")], "it is known all the same"


async def test_somebody_on_the_ignore_list_is_left_to_people(
    line: Line, openai: FakeOpenAI, tmp_path: Path
) -> None:
    keys = {"ignore": f'["{line.contact()}"]'}
    async with running(config(openai, line, channel=keys), tmp_path) as (gateway, _):
        await line.post(gateway, line.message("m1", "Oi"))
        assert await outcomes(gateway, line, 1) == [("ignored", "ignored_contact")]


async def test_a_group_is_not_answered(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    line.needs("in_group")
    async with running(config(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.in_group("g1", "alguém sabe o preço?")) == 200
        await quiet(gateway)
        assert (openai.asked, line.sent()) == ([], [])


async def test_who_wants_no_messages_gets_none_until_he_does(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        for n, text in enumerate(("Parar!", "oi?", "voltar", "tem pix?")):
            await line.post(gateway, line.message(f"m{n}", text))
            await outcomes(gateway, line, n + 1)
        await quiet(gateway)
        reasons = [reason for _, reason in await outcomes(gateway, line, 4)]
        assert reasons == ["opts_out", "opted_out", "opted_in", "assistant"]
        goodbye, welcome, answer = line.sent()
        assert "VOLTAR" in goodbye
        assert "{" not in goodbye + welcome
        assert answer == "Echo: tem pix?"


# -- what does not prove itself, or makes no sense --------------------------------------------------------


async def test_what_does_not_prove_itself_is_not_stored(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, line.message("m1", "Oi"), proof=False) == 401
        assert await inbound(gateway, line) == 0
        assert await gateway.store.unread(9) == []


async def test_a_body_that_is_too_long_is_refused(line: Line, openai: FakeOpenAI, tmp_path: Path) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, b" " * (33 * 1024 * 1024)) == 413


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"a": 1}', b'"\xff"', b"\x00", b"1e999"])
async def test_what_nobody_can_read_is_kept_as_it_came(
    line: Line, openai: FakeOpenAI, tmp_path: Path, body: bytes
) -> None:
    async with running(config(openai, line), tmp_path) as (gateway, _):
        assert await line.post(gateway, body) == 200
        (unread,) = await gateway.store.unread(9)
        assert (unread.channel, unread.body) == (line.name, body)


class _all:
    """Every line there is, at once."""

    async def __aenter__(self) -> list[Any]:
        self._made = [make() for make in ALL_AT_ONCE]
        return [await made.__aenter__() for made in self._made]

    async def __aexit__(self, *_: object) -> None:
        for made in self._made:
            await made.__aexit__(None, None, None)
