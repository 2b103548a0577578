"""Why a turn ended as it did, in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.rules import calling
from gateway.rules.explaining import ANY, LETS_GO, OTHERWISE, READS, SOMEBODY, let_go, reads
from storage.model import Outcome

LANGUAGES = ("pt", "en", "es", "zh")
REASONS = Path(__file__).parents[2] / "docs" / "reasons.md"


def documented() -> set[tuple[Outcome, str]]:
    """Every way a turn can end, as docs/reasons.md has it."""
    page = REASONS.read_text("utf-8")
    chapter = page.partition("## How a turn ended")[2].partition("\n## ")[0]
    ways = re.findall(r"^\| `(\S+)` \| ([a-z, ]+) \|", chapter, re.MULTILINE)
    found = {(Outcome(word), code) for code, cell in ways for word in re.split(r", | or ", cell)}
    of_flows = re.findall(r"^\| `(\w+)` \| The turn's reason: ", page, re.MULTILINE)
    return found | {(Outcome.IGNORED, code) for code in of_flows}


def test_the_page_is_read() -> None:
    found = documented()
    assert {outcome for outcome, _ in found} == set(Outcome)
    some = {(Outcome.HELD, "out_of_hours"), (Outcome.IGNORED, "outside_reply_window"), (Outcome.TRANSFERRED, "flow")}
    assert some <= found
    assert len(found) >= 45


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_a_turn_can_end_has_a_sentence_of_its_own(language: str) -> None:
    said = {(outcome, code): reads(outcome, code.replace("…", "timeout"), language) for outcome, code in documented()}
    assert [way for way, sentence in said.items() if "(" in sentence or not sentence] == []
    assert len(set(said.values())) == len(said)


def test_no_sentence_is_kept_for_what_cannot_be() -> None:
    """A reason that was renamed leaves nothing behind."""
    decided = {"flow_trigger", "flow_in_progress"}
    assert set(READS) - {code for _, code in documented()} == decided
    assert set(OTHERWISE) - documented() == {(Outcome.ANSWERED, "flow_timeout")}


def test_every_sentence_is_there_in_every_language_and_only_once() -> None:
    tables = [*READS.values(), *OTHERWISE.values(), *LETS_GO.values(), *ANY.values(), SOMEBODY]
    for sentences in tables:
        assert tuple(sentences) == LANGUAGES
        assert len(set(sentences.values())) == len(LANGUAGES)
    for language in LANGUAGES:
        said = [sentences[language] for sentences in (*tables, *calling.WHY.values())]
        assert len(set(said)) == len(said), "no sentence is written twice"


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        ("flow_trigger", "What the customer wrote began a guided conversation"),
        ("flow_in_progress", "The customer is in a guided conversation"),
        ("flow_timeout", "The customer did not answer the guided conversation's question in time, and it went on."),
        ("", "The guided conversation answered."),
        ("a_later_version_s", "The guided conversation answered."),
    ],
)
def test_of_a_flow_it_is_said_why_the_flow_answered(decided: str, said: str) -> None:
    assert reads(Outcome.ANSWERED, "flow", "en", decided=decided).startswith(said)


def test_what_decided_changes_no_other_reason() -> None:
    assert reads(Outcome.TRANSFERRED, "marker", "en", decided="flow_trigger") == calling.reads("marker", "en")
    assert reads(Outcome.HELD, "person_took_over", "en", decided="assistant").startswith("The team took over")


def test_who_is_called_is_said_in_the_words_people_read_already() -> None:
    for reason in ("wish", "assistant_failed:invalid_api_key", "flow", "out_of_hours", "too_many_tries"):
        for outcome in (Outcome.TRANSFERRED, Outcome.DEAD):
            assert reads(outcome, reason, "pt-BR") == calling.reads(reason, "pt-BR")
    assert reads(Outcome.HELD, "switched_off", "pt-BR") == calling.reads("switched_off", "pt-BR")


@pytest.mark.parametrize(
    ("language", "said"),
    [("pt-BR", "O assistente"), ("en_US", "The assistant"), ("ES", "El asistente"), ("ja", "The assistant")],
)
def test_it_speaks_the_queue_s_language(language: str, said: str) -> None:
    assert reads(Outcome.ANSWERED, "assistant", language).startswith(said)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.ANSWERED, "The customer got an answer (x_17)."),
        (Outcome.HELD, "The team looks after the conversation (x_17)."),
        (Outcome.IGNORED, "There was no answer (x_17)."),
        (Outcome.TRANSFERRED, "A person was called (x_17)."),
        (Outcome.DEAD, "A person was called (x_17)."),
    ],
)
def test_a_reason_nobody_knows_says_what_came_of_it_and_itself(outcome: Outcome, said: str) -> None:
    assert reads(outcome, "x_17", "en") == said
    assert reads(Outcome.IGNORED, "x_17", "zh") == "没有回复 (x_17)。"


def test_why_people_let_go() -> None:
    assert [let_go(reason, "pt-BR") for reason in ("resolved", "api", "Marina", "")] == [
        "A equipe marcou a conversa como resolvida.",
        "Outro programa devolveu a conversa ao assistente.",
        "Marina devolveu a conversa ao assistente.",
        "",
    ]
    assert let_go("{person}", "en") == "{person} gave the conversation back to the assistant.", "a name stays a name"
