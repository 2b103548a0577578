"""The voices there are to choose from, and the daily look at those that were chosen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway import columns, voices
from gateway.config import Config, VoiceSettings, parse
from gateway.equipment import hosted_voice
from gateway.incidents import Incidents
from gateway.telemetry import Telemetry
from gateway.voices import DAY_S, SOON_S, Hosted, catalogues, lines, remarks, watch
from tests.fakes import elevenlabs as voice_wire
from tests.fakes import speech as speech_wire
from tests.fakes.elevenlabs import FakeElevenLabs, listed_voice
from tests.fakes.speech import FakeSpeech
from tests.story.running import toml
from tests.test_cli import recado, written
from tts.slots import Slots

TODAY = date(2026, 11, 21)


def elevenlabs(provider: FakeElevenLabs, **changes: str) -> str:
    knobs = {"base_url": provider.url, "api_key": voice_wire.KEY, "voice_id": voice_wire.VOICE}
    return rung("elevenlabs", {**knobs, "model_id": "eleven_v3", **changes})


def compatible(provider: FakeSpeech, **changes: str) -> str:
    knobs = {"base_url": provider.base_url, "api_key": speech_wire.KEY, "voice_id": speech_wire.VOICE}
    return rung("openai_compatible", {**knobs, "model_id": speech_wire.MODEL, **changes})


def rung(provider: str, knobs: dict[str, str]) -> str:
    return f'provider = "{provider}"\n' + "".join(f'{key} = "{value}"\n' for key, value in knobs.items())


def spoken(voice: str, *, format: str = "voice", more: str = "") -> str:
    return toml("http://127.0.0.1:9/v1", openai_key="k", format=format, voice=voice, more=more)


def make(settings: VoiceSettings, language: str) -> Hosted:
    voice: Any = hosted_voice(settings, language, Slots())
    return voice


async def catalogue(config: str) -> voices.Catalogue:
    made = parse(config)
    [only] = await catalogues(made, made.queues[0], make)
    return only


# -- columns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cells"), [("Ana", 3), ("您好", 4), ("é", 1), ("e\u0301", 1), ("", 0), ("カナ", 4), ("😀", 2)]
)
def test_how_wide_a_name_is_on_a_terminal(text: str, cells: int) -> None:
    assert columns.width(text) == cells


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    rows = [("1", "小红", "zh"), ("2", "Ana", "pt"), ("3", "Bárbara do Nascimento", "pt")]
    assert columns.aligned(("id", "name", "language"), rows, (9, 12, 9)) == [
        "id  name         language",
        "1   小红         zh",
        "2   Ana          pt",
        "3   Bárbara do…  pt",
    ]


def test_a_column_with_nothing_in_it_is_left_out() -> None:
    assert columns.aligned(("id", "retires"), [("1", "")], (9, 9)) == ["id", "1"]


def test_a_name_is_shortened_between_letters_that_are_two_cells_wide() -> None:
    assert columns.shortened("小红小红", 6) == "小红…"
    assert columns.width(columns.shortened("小" * 10_000, 32)) <= 32


def test_a_name_cannot_move_the_cursor_or_the_columns() -> None:
    assert columns.tabbed([("a\tb\nc", "\x1b[31mred\u202e")]) == ["a b c\t[31mred"]


# -- the listing -------------------------------------------------------------------------------------


async def test_the_accounts_voices_and_models_are_listed() -> None:
    async with FakeElevenLabs() as provider:
        provider.voices["OLD"] = listed_voice("OLD", "Rachel", category="premade", language="en")
        provider.voices["NEW"] = listed_voice("NEW", "Nô", language="")
        provider.models = [voice_wire.model("eleven_v3", 5_000), voice_wire.model("eleven_turbo_v2_5", 40_000)]
        found = await catalogue(spoken(elevenlabs(provider)))
    assert remarks(found) == []
    assert lines(found) == [
        "Voices (elevenlabs): 3",
        "   voice_id               name    category  languages  retires",
        "*  VOICE0000000000000001  Ana     cloned    pt",
        "   OLD                    Rachel  premade   en         2026-12-31",
        "   NEW                    Nô      cloned    ?",
        "",
        "Models (elevenlabs): 2",
        "   model_id           languages  characters  honours" + " " * 51 + "remark",
        "*  eleven_v3          2          5000        stability, language, audio tags",
        "   eleven_turbo_v2_5  2          40000"
        "       similarity_boost, speed, stability, language, continuity  deprecated: use eleven_flash_v2_5",
        "",
    ]


async def test_what_is_known_not_to_speak_the_language_is_left_out() -> None:
    async with FakeElevenLabs() as provider:
        provider.voices["OLD"] = listed_voice("OLD", "Rachel", category="premade", language="en")
        provider.voices["NEW"] = listed_voice("NEW", "Nô", language="")
        provider.models = [voice_wire.model("eleven_v3"), voice_wire.model("eleven_v9", languages=None)]
        found = await catalogue(spoken(elevenlabs(provider)))
    said = lines(found, "en-GB", piped=True)
    assert [line.split("\t")[:4] for line in said] == [
        ["voice", "", "voice_id", "name"],
        ["voice", "", "OLD", "Rachel"],
        ["voice", "", "NEW", "Nô"],
        ["model", "", "model_id", "languages"],
        ["model", "*", "eleven_v3", "yes"],
        ["model", "", "eleven_v9", "?"],
    ]
    assert remarks(found, "en-GB") == ["The chosen voice_id VOICE0000000000000001 does not list en-GB."]
    assert remarks(found, "pt") == []
    assert remarks(found, "sw")[0] == "No voice is known to speak sw."


async def test_a_choice_that_is_not_listed_is_named() -> None:
    async with FakeElevenLabs() as provider:
        found = await catalogue(spoken(elevenlabs(provider, voice_id="GONE")))
    assert remarks(found) == ["The chosen voice_id GONE is not among them."]


async def test_one_listing_for_each_account_with_all_that_is_chosen_of_it() -> None:
    async with FakeElevenLabs() as provider, FakeSpeech() as other:
        provider.voices["B"] = listed_voice("B", "Bia")
        second = "[[queues.voice.fallbacks]]\n" + elevenlabs(provider, voice_id="B")
        third = "[[queues.voice.fallbacks]]\n" + compatible(other)
        made = parse(spoken(elevenlabs(provider) + second + third))
        found = await catalogues(made, made.queues[0], make)
    assert [one.provider for one in found] == ["elevenlabs", "openai_compatible"]
    assert found[0].voice_ids == {voice_wire.VOICE, "B"}
    assert lines(found[1], piped=True)[1].split("\t")[:3] == ["model", "*", speech_wire.MODEL]
    assert remarks(found[1]) == ["This protocol lists no voices: the server's own page does. Chosen is nova."]


async def test_an_endpoint_that_lists_nothing_says_so() -> None:
    async with FakeSpeech() as provider:
        provider.models = None
        found = await catalogue(spoken(compatible(provider)))
    assert (lines(found), found.trouble) == ([], "")
    assert "This endpoint lists no models either. Chosen is speaks-1." in remarks(found)


async def test_a_voice_without_a_choice_says_so() -> None:
    found = await catalogue(spoken('provider = "silent"\n'))
    assert "nothing to choose" in remarks(found)[0]


# -- the command -------------------------------------------------------------------------------------


async def test_the_command_prints_tabs_when_it_is_piped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeElevenLabs() as provider:
        path = written(tmp_path, spoken(elevenlabs(provider)))
        assert await recado("voices", "--config", path, "--queue", "loja", "--language", "pt") == 0
    said = capsys.readouterr()
    assert "voice\t*\tVOICE0000000000000001\tAna\tcloned\tpt\t\n" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("changes", "may_list", "said"),
    [
        ({"api_key": "sk_wrong"}, True, "queues.loja.voice.api_key: invalid_api_key. The key was refused: put a valid"),
        ({"base_url": "http://127.0.0.1:9"}, True, "queues.loja.voice.base_url: no_connection. The provider cannot be"),
        ({}, False, "queues.loja.voice.api_key: missing_permissions. The key may not list voices and models: allow it"),
    ],
)
async def test_what_cannot_be_listed_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], may_list: bool, said: str
) -> None:
    async with FakeElevenLabs() as provider:
        provider.may_list = may_list
        assert await recado("voices", "--config", written(tmp_path, spoken(elevenlabs(provider, **changes)))) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"recado: {said}")
    assert printed.err.count("\n") == 1
    assert "sk_wrong" not in printed.err
    assert printed.out == ""


async def test_a_fallback_that_cannot_be_listed_is_named_and_the_others_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeElevenLabs() as provider, FakeSpeech() as other:
        both = elevenlabs(provider) + "[[queues.voice.fallbacks]]\n" + compatible(other, api_key="not-this")
        assert await recado("voices", "--config", written(tmp_path, spoken(both))) == 1
    printed = capsys.readouterr()
    assert "\tAna\t" in printed.out
    assert "queues.loja.voice.fallbacks.0.api_key" in printed.err


async def test_a_queue_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("voices", "--queue", "nobody") == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.embedded
async def test_without_a_configuration_the_embedded_voices_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("voices", "--language", "pt") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[2] for line in said if "\tespeak\t" in line] == ["pt", "pt-br"]
    assert len([line for line in said if line.startswith("voice\t*\t")]) == 1


# -- the daily look ----------------------------------------------------------------------------------


class Over(Exception):
    """Enough was seen."""


class Days:
    """Sleep that changes the world instead, one change for each wait; then the watch is over."""

    def __init__(self, *changes: Callable[[], object]) -> None:
        self.changes = list(changes)
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        if not self.changes:
            raise Over
        self.changes.pop(0)()


async def watched(config: Config, days: Days, *, today: Callable[[], date] = lambda: TODAY, **more: Any) -> Incidents:
    incidents = more.pop("incidents", None) or Incidents(Telemetry())
    with pytest.raises(Over):
        await watch(config, more.get("make", make), incidents, sleep=days, today=today, jitter=lambda: 0.0)
    return incidents


async def test_a_voice_that_will_not_speak_is_an_incident_until_it_is_well() -> None:
    seen: list[Sequence[str]] = []
    async with FakeElevenLabs() as provider:
        incidents, ana = Incidents(Telemetry()), provider.voices[voice_wire.VOICE]
        days = Days(
            lambda: (seen.append(incidents.lines), provider.voices.clear()),
            lambda: (seen.append(incidents.lines), provider.voices.update({voice_wire.VOICE: ana})),
        )
        await watched(parse(spoken(elevenlabs(provider))), days, incidents=incidents)
        assert provider.spoken == [], "a look costs nothing"
    assert seen[0] == incidents.lines == []
    [line] = seen[1]
    assert line.startswith(
        "voice elevenlabs/VOICE0000000000000001/eleven_v3 is out: voice_not_found. voice.voice_id: "
    )
    assert days.waits == [DAY_S, SOON_S, DAY_S]


async def test_what_an_answer_ran_into_is_not_over_because_a_look_found_nothing() -> None:
    incidents, part = Incidents(Telemetry()), "voice elevenlabs/VOICE0000000000000001/eleven_v3"
    incidents.open(part, "quota_exceeded", "Buy characters.")
    async with FakeElevenLabs() as provider:
        await watched(parse(spoken(elevenlabs(provider))), Days(lambda: None), incidents=incidents)
    assert incidents.lines[0].startswith(f"{part} is out: quota_exceeded.")


async def test_the_day_default_voices_are_retired_is_not_missed(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeElevenLabs() as provider:
        provider.voices[voice_wire.VOICE]["category"] = "premade"
        dates = iter([date(2026, 12, 31), date(2027, 1, 1)])
        with caplog.at_level(logging.WARNING, "recado.voices"):
            incidents = await watched(
                parse(spoken(elevenlabs(provider))), Days(lambda: None), today=lambda: next(dates)
            )
    assert "voice_retired" in incidents.lines[0]
    assert [record.levelname for record in caplog.records if record.name == "recado.voices"] == ["WARNING"]


async def test_a_warning_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeElevenLabs() as provider:
        config = parse(spoken(elevenlabs(provider, model_id="eleven_turbo_v2_5")))
        with caplog.at_level(logging.WARNING, "recado.voices"):
            incidents = await watched(config, Days(lambda: None, lambda: None))
    assert [record.facts["key"] for record in caplog.records] == ["voice.model_id"]  # type: ignore[attr-defined]
    assert incidents.lines == []


async def test_every_voice_is_looked_at_once_and_only_those_somebody_hears() -> None:
    async with FakeElevenLabs() as provider, FakeSpeech() as other:
        queue = "\n[[queues]]\nname = '{}'\nreply.format = '{}'\n[queues.voice]\n{}"
        more = queue.format("b", "voice", elevenlabs(provider)) + queue.format("c", "text", compatible(other))
        config = spoken(elevenlabs(provider), more=more)
        await watched(parse(config), Days())
        assert (len(provider.calls), len(other.calls)) == (3, 0)
        door = "\n[[channels]]\nname = 'door'\ntype = 'openai'\nqueue = 'c'\nkey = 'openai-key-0123456789'\n"
        await watched(parse(config + door), Days())
        assert (len(provider.calls), len(other.calls)) == (6, 1)


async def test_an_error_nobody_foresaw_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        name = "odd"

        async def check(self, today: date | None = None) -> Any:
            raise RuntimeError("odd")

        async def close(self) -> None:
            await asyncio.sleep(0)

    async with FakeElevenLabs() as provider:
        incidents = await watched(parse(spoken(elevenlabs(provider))), Days(lambda: None), make=lambda *_: Odd())
    assert incidents.lines == []
    assert any("could not be looked at" in record.message for record in caplog.records)


async def test_gateways_started_together_drift_apart() -> None:
    days, config = Days(), parse(spoken('provider = "silent"\n'))
    with pytest.raises(Over):
        await watch(config, make, Incidents(Telemetry()), sleep=days, today=lambda: TODAY, jitter=lambda: 1.0)
    assert days.waits == [DAY_S * 1.05]
