from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.config import Queue
from gateway.rules.precedence import (
    ABSENCE,
    Ask,
    Decision,
    Ignore,
    Said,
    Say,
    Seen,
    Situation,
    StaySilent,
    Transfer,
    answers_at_once,
    decide,
)
from gateway.rules.rating import Heard
from gateway.rules.triggers import TooSlow
from gateway.rules.unasked import Due
from storage.model import Hold, Media, MediaId

HELD = Hold("humanos", "marker", 1)
HELLO = Said("oi")
ASKED = Due("rating_asked", "rating_ask", "Que nota?", {"rating_asked:1": True})
ENDED = Due("closed", "", "", {"closed:1": True})
CAT = Seen("image", Media(MediaId("0" * 64), "image/jpeg", 9))


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        pytest.param(Situation([HELLO], None), Ask("oi"), id="a question"),
        pytest.param(Situation([HELLO, Said("tem pix?")], None), Ask("oi\ntem pix?"), id="a burst is one question"),
        pytest.param(Situation([HELLO], HELD), StaySilent("held_by_person"), id="a person is above all"),
        pytest.param(Situation([HELLO], HELD, exhausted=True), StaySilent("held_by_person"), id="even above poison"),
        pytest.param(Situation([HELLO], None, True), Transfer("too_many_tries", dead=True), id="poison"),
        pytest.param(Situation([], None), Ignore("empty_burst"), id="holes in the lane"),
        pytest.param(
            Situation([Said("", True, "hearing_unavailable")], None),
            Say("please_type", "hearing_unavailable"),
            id="cannot hear",
        ),
        pytest.param(
            Situation([Said("", True, "nothing_heard")], None), Say("nothing_heard", "nothing_heard"), id="silence"
        ),
        pytest.param(
            Situation([Said("", True, "hearing_unavailable"), HELLO], None),
            Ask("oi", unheard="please_type"),
            id="what was typed is answered, what was said is owned up to",
        ),
        pytest.param(Situation([Said("👍", meaning="reaction")], None), Ignore("reaction"), id="a thumb"),
        pytest.param(Situation([Said("", meaning="revoke", of="1")], None), Ignore("revoked"), id="taken back"),
        pytest.param(
            Situation([Said("b", meaning="edit", of="1")], None), Ignore("edited_after_answer"), id="corrected too late"
        ),
        pytest.param(Situation([Said("oi", aside="late")], None), Ignore("late"), id="from yesterday"),
        pytest.param(Situation([Said("oi", aside="late"), HELLO], None), Ask("oi"), id="only what is fresh is asked"),
        pytest.param(
            Situation([Said("👍", meaning="reaction"), HELLO], None), Ask("oi"), id="a reaction is no question"
        ),
        pytest.param(Situation([Said("parar")], None), Say("opted_out", "opts_out", True), id="leave me alone"),
        pytest.param(Situation([Said("parar", aside="group")], None), Ignore("group"), id="not for a whole group"),
        pytest.param(Situation([HELLO], None, opted_out=True), Ignore("opted_out"), id="left alone"),
        pytest.param(
            Situation([Said("Voltar")], None, opted_out=True), Say("opted_in", "opted_in", False), id="wanted again"
        ),
        pytest.param(Situation([Said("parar")], HELD), StaySilent("held_by_person"), id="a person reads it"),
        pytest.param(
            Situation([Said("essa?", quote="Temos azul e verde.")], None),
            Ask("> Temos azul e verde.\nessa?"),
            id="with what it answers",
        ),
        pytest.param(
            Situation([Said("", problem="cannot_read")], None), Say("cannot_read", "cannot_read"), id="a sticker"
        ),
        pytest.param(
            Situation([Said("", problem="cannot_read"), HELLO], None),
            Ask("oi", unheard="cannot_read"),
            id="a sticker and a question",
        ),
        pytest.param(Situation([Said("", seen=(CAT,))], None), Ask("", seen=(CAT,)), id="a picture is a question"),
        pytest.param(Situation([Said("  \n")], None), Say("nothing_heard", "nothing_heard"), id="blank"),
    ],
)
def test_the_first_rung_that_applies_decides(situation: Situation, decision: Decision) -> None:
    assert decide(situation) == decision


# -- what stands above the assistant ------------------------------------------------------------------

MONDAY_10, MONDAY_20, TUESDAY_8 = (
    int(datetime(2026, 11, day, hour, tzinfo=ZoneInfo("America/Sao_Paulo")).timestamp() * 1000)
    for day, hour in ((23, 10), (23, 20), (24, 8))
)
OPENS = f"{ABSENCE}{TUESDAY_8}"
WEEK = {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
PIX = {"value": ["pix"], "reply": "Oi, {name}! A chave é 123."}


def at(now: int, *texts: str, facts: Collection[str] = (), hold: Hold | None = None, **queue: Any) -> Situation:
    settings = Queue.model_validate({"name": "loja", **queue})
    burst = [Said(text) for text in texts or ("oi",)]
    return Situation(burst, hold, queue=settings, now=now, facts=facts, name="Ana")


HOURS = {"weekly": WEEK, "message": "Fechado."}
CLOSED = Say("out_of_hours", "out_of_hours", text="Fechado.", tells=OPENS)


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        pytest.param(at(MONDAY_10, hours=HOURS), Ask("oi"), id="open"),
        pytest.param(at(MONDAY_20, hours=HOURS), CLOSED, id="closed"),
        pytest.param(at(MONDAY_20, hours=HOURS, facts=[OPENS]), StaySilent("out_of_hours"), id="told in this absence"),
        pytest.param(at(MONDAY_20, hours=HOURS, facts=[f"{ABSENCE}1"]), CLOSED, id="told in an earlier one"),
        pytest.param(
            at(MONDAY_20, hours={**HOURS, "to": "plantao"}),
            Transfer("out_of_hours", to="plantao", text="Fechado."),
            id="others are there",
        ),
        pytest.param(at(MONDAY_20, hours={**HOURS, "assistant": True}), Ask("oi"), id="the assistant never sleeps"),
        pytest.param(at(MONDAY_20, hours=HOURS, hold=HELD), StaySilent("held_by_person"), id="a person is above all"),
        pytest.param(at(MONDAY_20, "parar", hours=HOURS), Say("opted_out", "opts_out", True), id="leaving is, too"),
        pytest.param(at(MONDAY_20, hours=HOURS, automatic=False), StaySilent("switched_off"), id="off is above hours"),
        pytest.param(at(MONDAY_10, "tem pix?", automatic=False), StaySilent("switched_off"), id="off is off"),
        pytest.param(
            at(MONDAY_10, "tem pix?", auto_replies=[PIX]),
            Say("", "auto_reply", text="Oi, Ana! A chave é 123."),
            id="a fixed reply",
        ),
        pytest.param(at(MONDAY_10, "tem boleto?", auto_replies=[PIX]), Ask("tem boleto?"), id="none that fits"),
        pytest.param(at(MONDAY_20, "tem pix?", auto_replies=[PIX], hours=HOURS), CLOSED, id="hours are above replies"),
        pytest.param(
            at(MONDAY_10, "quero falar com um atendente sobre o pix", auto_replies=[PIX]),
            Transfer("wish"),
            id="a person is above a fixed reply",
        ),
        pytest.param(
            at(MONDAY_10, "vou ao PROCON!", handoff={"phrases": ["procon"]}), Transfer("phrase"), id="a phrase"
        ),
        pytest.param(at(MONDAY_10, "que horas o atendente chega?"), Ask("que horas o atendente chega?"), id="no wish"),
    ],
)
def test_what_stands_above_the_assistant(situation: Situation, decision: Decision) -> None:
    assert decide(situation) == decision


@pytest.mark.parametrize(
    ("queue", "text", "expected"),
    [
        ({}, "tem pix?", False),
        ({"auto_replies": [PIX]}, "tem pix?", True),
        ({"auto_replies": [PIX]}, "tem boleto?", False),
        ({"auto_replies": [PIX], "automatic": False}, "tem pix?", False),
        ({"handoff": {"phrases": ["procon"]}}, "Procon já!", True),
        ({"handoff": {"phrases": ["procon"]}}, f"{'bla ' * 100} procon", True),
        ({"handoff": {"phrases": ["procon"]}}, "", False),
        ({}, "quero falar com um atendente", True),
        ({}, f"{'bla ' * 100} quero falar com um atendente", False),
        ({"automatic": False}, "quero falar com um atendente", False),
    ],
)
def test_what_does_not_wait_for_the_rest_of_the_burst(queue: dict[str, Any], text: str, expected: bool) -> None:
    assert answers_at_once(Queue.model_validate({"name": "loja", **queue}), text) is expected


def test_a_pattern_that_explodes_is_told_and_the_assistant_answers() -> None:
    told: list[TooSlow] = []
    slow = {"operator": "regex", "value": ["(a+)+(b+)+$"], "reply": "?"}
    text = "a" * 60 + "b" * 60 + "!"
    assert decide(at(MONDAY_10, text, auto_replies=[slow]), tell=told.append) == Ask(text)
    assert [each.pattern for each in told] in ([], ["(a+)+(b+)+$"])


# -- what nobody asked for ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "decision"),
    [
        ({"unasked": ASKED, "hold": HELD}, StaySilent("held_by_person")),
        ({"unasked": ASKED, "opted_out": True}, Ignore("opted_out")),
        ({"unasked": ASKED, "woken": ()}, Ignore("empty_burst")),
        ({}, Ignore("nothing_due")),
        ({"unasked": ENDED}, Ignore("closed", ENDED.facts, ends_flow=True)),
        (
            {"unasked": ASKED},
            Say("rating_ask", "rating_asked", text="Que nota?", facts=ASKED.facts, scores=True),
        ),
    ],
    ids=["held", "opted out", "not woken", "somebody was faster", "without a word", "said"],
)
def test_what_nobody_asked_for_is_below_people_and_those_who_left(more: dict[str, Any], decision: Decision) -> None:
    assert decide(Situation([], **{"hold": None, "woken": {"unasked"}, **more})) == decision


def test_a_message_that_came_with_the_wake_up_is_what_is_answered() -> None:
    assert decide(Situation([HELLO], None, woken={"unasked"}, unasked=ASKED)) == Ask("oi")


SCORE = Heard(4, goes_on=False)
THANKED = Say("rating_thanks", "rated", text="Valeu!")


@pytest.mark.parametrize(
    ("text", "heard", "more", "decision"),
    [
        ("4", SCORE, {}, THANKED),
        ("4", SCORE, {"automatic": False}, THANKED),
        ("4", SCORE, {"auto_replies": ({"value": ["4"], "reply": "Opção 4"},)}, THANKED),
        ("4", SCORE, {"handoff": {"phrases": ("4",)}}, Transfer("phrase")),
        ("4", None, {}, Ask("4")),
        ("4", Heard(4, goes_on=True), {}, Ask("4")),
        ("4", Heard(None, goes_on=True), {}, Ask("4")),
    ],
    ids=["a score", "switched off", "no keyword", "a person", "nothing asked", "and more", "none"],
)
def test_a_score_and_no_more_is_thanked_for(
    text: str, heard: Heard | None, more: dict[str, Any], decision: Decision
) -> None:
    queue = Queue.model_validate({"name": "loja", "rating": {"ask": True, "thanks": "Valeu!"}, **more})
    assert decide(Situation([Said(text)], None, queue=queue, rating=heard)) == decision
