"""Voice or text: the table of cases, and what holds for all of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Reply
from gateway.rules.voicing import READS, Occasion, Verdict, after, before, reads

FORMATS = ("text", "voice", "mirror", "both", "smart")
REPLY = Reply(min_voice_chars=10, max_voice_chars=100)


def occasion(format: str, spoke: bool = False, *, reply: dict[str, Any] | None = None, **more: Any) -> Occasion:
    made = REPLY if reply is None else REPLY.model_copy(update=reply)
    return Occasion(format, made, spoke, **{"since_voice": 0, **more})


def look(at: Occasion, directive: Any = "", characters: int = 50) -> tuple[Verdict, Verdict]:
    first = before(at)
    return first, after(at, first, directive=directive, characters=characters)


NO, AHEAD, MAYBE = "no", "ahead", "maybe"


def named(verdict: Verdict) -> str:
    return (AHEAD if verdict.ahead else MAYBE) if verdict.speaks else NO


BEFORE: list[tuple[Occasion, str, str]] = [
    (occasion("text"), NO, "format_text"),
    (occasion("text", True), NO, "format_text"),
    (occasion("text", prefers="voice"), NO, "format_text"),
    (occasion("text", asked=True, prefers="voice"), NO, "format_text"),
    (occasion("hologram", True), NO, "format_text"),
    (occasion("voice"), AHEAD, "format_voice"),
    (occasion("voice", True), AHEAD, "format_voice"),
    (occasion("voice", prefers="voice"), AHEAD, "format_voice"),
    (occasion("voice", prefers="text"), NO, "contact_prefers_text"),
    (occasion("voice", prefers="text", asked=True), AHEAD, "format_voice"),
    (occasion("voice", can_speak=False), NO, "no_voice_configured"),
    (occasion("voice", can_hear=False), NO, "channel_has_no_voice"),
    (occasion("voice", cannot_play=True), NO, "contact_cannot_play"),
    (occasion("voice", cannot_play=True, asked=True), NO, "contact_cannot_play"),
    (occasion("voice", budget_left=0), NO, "over_budget"),
    (occasion("voice", budget_left=-7, asked=True), NO, "over_budget"),
    (occasion("voice", budget_left=1), AHEAD, "format_voice"),
    (occasion("both"), AHEAD, "format_both"),
    (occasion("both", prefers="text"), NO, "contact_prefers_text"),
    (occasion("both", prefers="text", asked=True), AHEAD, "format_both"),
    (occasion("mirror", True), AHEAD, "contact_spoke"),
    (occasion("mirror"), MAYBE, "contact_wrote"),
    (occasion("mirror", True, prefers="text"), NO, "contact_prefers_text"),
    (occasion("mirror", prefers="voice"), AHEAD, "contact_prefers_voice"),
    (occasion("mirror", prefers="voice", asked=True), MAYBE, "contact_wrote"),
    (occasion("mirror", True, prefers="text", asked=True), AHEAD, "contact_spoke"),
    (occasion("mirror", can_hear=False), NO, "channel_has_no_voice"),
    (occasion("mirror", True, can_speak=False), NO, "no_voice_configured"),
    (occasion("smart", True), AHEAD, "contact_spoke"),
    (occasion("smart", True, prefers="text"), NO, "contact_prefers_text"),
    (occasion("smart", prefers="voice"), AHEAD, "contact_prefers_voice"),
    (occasion("smart", since_voice=None), AHEAD, "smart_turn"),
    (occasion("smart", since_voice=None, prefers="text"), NO, "contact_prefers_text"),
    (occasion("smart", since_voice=0), MAYBE, "smart_not_now"),
    (occasion("smart", since_voice=2), MAYBE, "smart_not_now"),
    (occasion("smart", since_voice=3), AHEAD, "smart_turn"),
    (occasion("smart", since_voice=30), AHEAD, "smart_turn"),
    (occasion("smart", since_voice=0, reply={"smart_every": 1}), AHEAD, "smart_turn"),
    (occasion("smart", since_voice=None, reply={"smart_every": 0}), MAYBE, "smart_not_now"),
    (occasion("smart", since_voice=99, reply={"smart_every": 0}), MAYBE, "smart_not_now"),
    (occasion("smart", chance=0.24, reply={"smart_share": 0.25}), AHEAD, "smart_share"),
    (occasion("smart", chance=0.25, reply={"smart_share": 0.25}), MAYBE, "smart_not_now"),
    (occasion("smart", chance=0.999, reply={"smart_share": 1.0}), AHEAD, "smart_share"),
    (occasion("smart", chance=0.0), MAYBE, "smart_not_now"),
    (occasion("smart", since_voice=3, budget_left=0), NO, "over_budget"),
    (occasion("smart", since_voice=3, can_hear=False), NO, "channel_has_no_voice"),
]


@pytest.mark.parametrize(("at", "expected", "reason"), BEFORE)
def test_before_a_word_is_written(at: Occasion, expected: str, reason: str) -> None:
    verdict = before(at)
    assert (named(verdict), verdict.reason) == (expected, reason)


AFTER: list[tuple[Occasion, str, int, bool, str]] = [
    # the length
    (occasion("voice"), "", 50, True, "format_voice"),
    (occasion("voice"), "", 0, False, "nothing_to_speak"),
    (occasion("voice"), "", 9, False, "too_short_to_speak"),
    (occasion("voice"), "", 10, True, "format_voice"),
    (occasion("voice"), "", 100, True, "format_voice"),
    (occasion("voice"), "", 101, False, "too_long_to_speak"),
    (occasion("voice", True), "", 9, True, "format_voice"),
    (occasion("both"), "", 9, False, "too_short_to_speak"),
    (occasion("mirror", True), "", 9, True, "contact_spoke"),
    (occasion("mirror", True), "", 101, False, "too_long_to_speak"),
    (occasion("mirror", prefers="voice"), "", 9, True, "contact_prefers_voice"),
    (occasion("smart", since_voice=3), "", 9, False, "too_short_to_speak"),
    (occasion("smart", True), "", 9, True, "contact_spoke"),
    (occasion("voice", asked=True), "", 9, True, "format_voice"),
    (occasion("voice", asked=True), "", 101, False, "too_long_to_speak"),
    (occasion("voice", asked=True), "", 0, False, "nothing_to_speak"),
    # the budget
    (occasion("voice", budget_left=50), "", 50, True, "format_voice"),
    (occasion("voice", budget_left=49), "", 50, False, "over_budget"),
    (occasion("mirror", True, budget_left=49), "voice", 50, False, "over_budget"),
    (occasion("voice", budget_left=49, asked=True), "", 50, False, "over_budget"),
    # what the assistant chose
    (occasion("text"), "voice", 50, False, "format_text"),
    (occasion("voice"), "text", 50, False, "assistant_chose_text"),
    (occasion("voice"), "voice", 50, True, "format_voice"),
    (occasion("both"), "text", 50, False, "assistant_chose_text"),
    (occasion("both"), "voice", 50, True, "format_both"),
    (occasion("mirror"), "voice", 50, True, "assistant_chose_voice"),
    (occasion("mirror"), "voice", 9, True, "assistant_chose_voice"),
    (occasion("mirror"), "voice", 101, False, "too_long_to_speak"),
    (occasion("mirror"), "", 50, False, "contact_wrote"),
    (occasion("mirror"), "text", 50, False, "assistant_chose_text"),
    (occasion("mirror", True), "text", 50, False, "assistant_chose_text"),
    (occasion("mirror", True), "voice", 50, True, "contact_spoke"),
    (occasion("smart"), "voice", 50, True, "assistant_chose_voice"),
    (occasion("smart"), "", 50, False, "smart_not_now"),
    (occasion("smart", since_voice=3), "text", 50, False, "assistant_chose_text"),
    (occasion("smart", since_voice=3), "voice", 9, True, "smart_turn"),
    (occasion("smart", True), "text", 50, False, "assistant_chose_text"),
    (occasion("smart", prefers="voice"), "text", 50, False, "assistant_chose_text"),
    (occasion("smart", prefers="text"), "voice", 50, False, "contact_prefers_text"),
    (occasion("smart", can_hear=False), "voice", 50, False, "channel_has_no_voice"),
    (occasion("smart", can_speak=False), "voice", 50, False, "no_voice_configured"),
    (occasion("smart", cannot_play=True), "voice", 50, False, "contact_cannot_play"),
    (occasion("smart", budget_left=10), "voice", 50, False, "over_budget"),
    # a program asked for voice: the assistant is not
    (occasion("voice", asked=True), "text", 50, True, "format_voice"),
    (occasion("both", asked=True, prefers="text"), "text", 50, True, "format_both"),
    (occasion("smart", asked=True), "text", 50, False, "assistant_chose_text"),
]


@pytest.mark.parametrize(("at", "directive", "characters", "speaks", "reason"), AFTER)
def test_after_the_last_word(at: Occasion, directive: str, characters: int, speaks: bool, reason: str) -> None:
    _, verdict = look(at, directive, characters)
    assert (verdict.speaks, verdict.reason) == (speaks, reason)


def test_what_was_learnt_between_the_looks_counts() -> None:
    at = occasion("voice")
    allowed = before(at)
    refused = replace(at, cannot_play=True)
    assert after(refused, allowed, directive="", characters=50) == Verdict(False, "contact_cannot_play")


def test_a_no_stays_a_no() -> None:
    denied = Verdict(False, "over_budget")
    assert after(occasion("voice"), denied, directive="voice", characters=50) == denied


MOSTLY = st.sampled_from([True, True, True, True, False])
OCCASIONS = st.builds(
    Occasion,
    format=st.sampled_from(FORMATS),
    reply=st.builds(
        Reply,
        min_voice_chars=st.integers(0, 20),
        max_voice_chars=st.integers(20, 100),
        smart_every=st.integers(0, 5),
        smart_share=st.floats(0, 1),
    ),
    spoke=st.booleans(),
    prefers=st.sampled_from(["text", "voice", ""]),
    can_speak=MOSTLY,
    can_hear=MOSTLY,
    cannot_play=MOSTLY.map(lambda can: not can),
    since_voice=st.none() | st.integers(0, 6),
    chance=st.floats(0, 1, exclude_max=True),
    budget_left=st.none() | st.integers(-5, 120),
    asked=st.booleans(),
)
DIRECTIVES: st.SearchStrategy[Any] = st.sampled_from(["voice", "text", ""])
LENGTHS = st.integers(0, 130)
VERDICTS = st.builds(Verdict, st.booleans(), st.sampled_from(sorted(READS)), st.booleans())


def forbidden(at: Occasion) -> bool:
    return (
        at.format == "text"
        or not at.can_speak
        or not at.can_hear
        or at.cannot_play
        or (at.prefers == "text" and not at.asked)
        or (at.budget_left is not None and at.budget_left <= 0)
    )


@given(OCCASIONS)
def test_before_says_yes_exactly_when_it_is_possible(at: Occasion) -> None:
    verdict = before(at)
    assert verdict.speaks is not forbidden(at)
    assert verdict.speaks or not verdict.ahead


@given(OCCASIONS, VERDICTS, DIRECTIVES, LENGTHS)
def test_no_yes_breaks_a_law_whatever_was_thought_before(
    at: Occasion, verdict: Verdict, directive: Any, characters: int
) -> None:
    last = after(at, verdict, directive=directive, characters=characters)
    if last.speaks:
        assert verdict.speaks
        assert not forbidden(at)
        assert 0 < characters <= at.reply.max_voice_chars
        assert at.budget_left is None or characters <= at.budget_left


@given(OCCASIONS, st.integers(20, 20))
def test_without_a_directive_what_was_spoken_ahead_is_sent_unless_the_length_forbids(at: Occasion, n: int) -> None:
    first, last = look(at, "", n)
    assert last.speaks == (first.ahead and (at.budget_left is None or at.budget_left >= n))
    assert last.speaks <= (last.reason == first.reason)


@given(OCCASIONS, DIRECTIVES, LENGTHS)
def test_only_a_directive_turns_what_was_not_worth_speaking_ahead(at: Occasion, directive: Any, n: int) -> None:
    first, last = look(at, directive, n)
    if last.speaks and not first.ahead:
        assert (directive, last.reason) == ("voice", "assistant_chose_voice")


@given(OCCASIONS, LENGTHS)
def test_a_text_directive_is_always_followed_but_for_a_program_that_asked_for_voice(at: Occasion, n: int) -> None:
    _, last = look(at, "text", n)
    assert not last.speaks or (at.asked and at.format in ("voice", "both"))


@given(OCCASIONS, DIRECTIVES, LENGTHS)
def test_every_verdict_has_a_sentence(at: Occasion, directive: Any, n: int) -> None:
    assert {verdict.reason for verdict in look(at, directive, n)} <= set(READS)


def test_every_reason_is_reached() -> None:
    reached = {reason for *_, reason in BEFORE} | {reason for *_, reason in AFTER}
    assert set(READS) - reached == {"nothing_to_say"}  # the turn's own: there is no draft to look at


@pytest.mark.parametrize("reason", sorted(READS))
def test_a_manager_can_read_it_in_four_languages(reason: str) -> None:
    sentences = {language: reads(reason, language) for language in ("pt-BR", "en", "es", "zh_CN")}
    assert len({*sentences.values()}) == 4
    assert all(sentence.endswith((".", "。")) for sentence in sentences.values())
    assert reads(reason, "fi") == sentences["en"]


def test_the_page_of_reasons_explains_the_same_codes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reasons.md").read_text("utf-8")
    chapter = page.split("## Voice or text")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)) == set(READS)


def test_an_unknown_reason_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        reads("because", "en")
