"""Where flows stand on the ladder, and how their options are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.channels.base import Capabilities
from gateway.config import Queue
from gateway.rules.flows import Flow, State, numbered, parse, start
from gateway.rules.precedence import (
    Ask,
    Decision,
    Follow,
    Ignore,
    Said,
    Say,
    Situation,
    StaySilent,
    Transfer,
    Wait,
    decide,
    picks_option,
)
from gateway.rules.shaping import Draft, Script, TextPart, shape
from gateway.rules.voicing import WRITTEN
from storage.model import Hold

ZONE = ZoneInfo("America/Sao_Paulo")
OPEN = int(datetime(2026, 11, 18, 10, tzinfo=ZONE).timestamp() * 1000)
CLOSED = int(datetime(2026, 11, 18, 22, tzinfo=ZONE).timestamp() * 1000)
NEXT_MORNING = int(datetime(2026, 11, 19, 9, tzinfo=ZONE).timestamp() * 1000)
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:00",))
INTENTS = [
    {"trigger": "intent", "name": "troca", "examples": ["quero trocar um produto", "como faço uma troca"]},
    {"trigger": "intent", "name": "entrega", "examples": ["quando chega minha entrega", "prazo de entrega"]},
]


def flow(name: str = "a", kind: str = "") -> Flow:
    ask = kind or 'kind = "ask"\ninto = "x"\ntext = "Qual?"\nnext = "fim"'
    return parse(
        f'name = "{name}"\nstart = "um"\ntimeout_s = 60\n[[steps]]\nname = "um"\n{ask}\n'
        '[[steps]]\nname = "fim"\nkind = "end"\ntext = "Feito."\n'
    )


FLOWS = {"a.toml": flow("a"), "b.toml": flow("b")}
STANDS = start(FLOWS["b.toml"], OPEN).state
A, B = FLOWS["a.toml"], FLOWS["b.toml"]


def row(file: str, **more: Any) -> dict[str, Any]:
    return {"file": file, **(more or {"value": ["menu"]})}


def queue(*rows: dict[str, Any], **more: Any) -> Queue:
    return Queue.model_validate({"name": "loja", "flows": rows or [row("a.toml"), row("b.toml")], **more})


def decided(*texts: str, stands: State | None = None, of: Queue | None = None, **more: Any) -> Decision:
    situation = Situation([Said(text) for text in texts], None, queue=of or queue(), now=OPEN, flows=FLOWS)
    return decide(replace(situation, stands=stands, **more))


def following(decision: Decision) -> tuple[str, str, Sequence[str]]:
    assert isinstance(decision, Follow), decision
    return decision.reason, decision.flow.name, decision.texts


# -- the rung ---------------------------------------------------------------------------------------------


def test_the_first_flow_a_burst_sets_off_begins() -> None:
    decision = decided("oi", "o menu")
    assert following(decision) == ("flow_trigger", "a", ["oi", "o menu"])
    assert isinstance(decision, Follow)
    assert decision.stands is None
    assert decision.ask == decision.otherwise == Ask("oi\no menu"), "the assistant is the next rung"


def test_a_flow_in_progress_goes_before_one_that_would_begin() -> None:
    decision = decided("o menu", stands=STANDS)
    assert following(decision) == ("flow_in_progress", "b", ["o menu"])
    assert isinstance(decision, Follow)
    assert decision.stands == STANDS


def test_a_flow_that_is_not_there_any_more_is_in_no_way() -> None:
    gone = replace(STANDS, flow="outro") if STANDS else None
    assert following(decided("menu", stands=gone)) == ("flow_trigger", "a", ["menu"])
    assert isinstance(decided("oi", stands=gone), Ask)


def test_one_that_is_switched_off_does_not_begin() -> None:
    assert isinstance(decided("menu", of=queue(row("a.toml", trigger="none"))), Ask)


def test_a_flow_for_what_begins_a_conversation() -> None:
    of = queue(row("a.toml", trigger="all", first_only=True))
    assert following(decided("oi", of=of, first=True))[0] == "flow_trigger"
    assert isinstance(decided("oi", of=of), Ask)


def test_an_intent_sets_a_flow_off_and_is_told() -> None:
    decision = decided("quero trocar o produto", of=queue(row("a.toml", **INTENTS[0]), row("b.toml", **INTENTS[1])))
    assert following(decision)[:2] == ("flow_trigger", "a")
    assert isinstance(decision, Follow)
    assert decision.intent == "troca"


def test_what_a_flow_waits_for_is_judged_among_all_intents() -> None:
    talk = flow("c", 'kind = "ai"\ninstructions = "Ajude."\nuntil_intent = "troca"\nnext = "fim"')
    of, stands = queue(row("c.toml", **INTENTS[0]), row("b.toml", **INTENTS[1])), start(talk, OPEN).state
    for text, intent in (("quero trocar o produto", "troca"), ("prazo de entrega?", "entrega"), ("oi", "")):
        decision = decided(text, of=of, stands=stands, flows={"c.toml": talk, **FLOWS})
        assert isinstance(decision, Follow)
        assert (decision.reason, decision.intent) == ("flow_in_progress", intent)


@pytest.mark.parametrize("said", [Said("", True, "nothing_heard"), Said("", problem="cannot_read"), Said("  ")])
def test_without_a_word_a_flow_is_not_asked(said: Said) -> None:
    situation = Situation([said], None, queue=queue(), now=OPEN, flows=FLOWS, stands=STANDS)
    assert isinstance(decide(situation), Say)


# -- what stands above ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stands", [STANDS, None])
def test_people_come_first(stands: State | None) -> None:
    assert decided("menu", stands=stands, hold=Hold("humanos", "api", 1)) == StaySilent("held_by_person")
    assert decided("menu quero falar com um atendente", stands=stands) == Transfer("wish")
    assert decided("menu", stands=stands, exhausted=True) == Transfer("too_many_tries", dead=True)


@pytest.mark.parametrize("stands", [STANDS, None])
def test_who_wants_no_messages_gets_none(stands: State | None) -> None:
    assert decided("menu", stands=stands, opted_out=True) == Ignore("opted_out")
    assert decided("sair", stands=stands) == Say("opted_out", "opts_out", opts_out=True)


@pytest.mark.parametrize("automatic", [True, False])
def test_a_queue_that_is_closed_is_closed_for_flows_too(automatic: bool) -> None:
    of = queue(hours={"weekly": WEEK, "holidays": ""}, automatic=automatic)
    told = decided("menu", of=of, now=CLOSED, stands=STANDS)
    assert isinstance(told, Say)
    assert told.reason == "out_of_hours"
    assert following(decided("menu", of=of, now=OPEN))[0] == "flow_trigger"


def test_a_fixed_reply_is_above() -> None:
    of = queue(auto_replies=[{"value": ["menu"], "reply": "Fixo."}])
    assert isinstance(decided("menu", of=of, stands=STANDS), Say)


def test_a_queue_that_is_switched_off_follows_flows_alone() -> None:
    of = queue(automatic=False, auto_replies=[{"value": ["menu"], "reply": "Fixo."}])
    decision = decided("menu", of=of)
    assert following(decision)[0] == "flow_trigger", "fixed replies are off"
    assert isinstance(decision, Follow)
    assert (decision.ask, decision.otherwise) == (Ask("menu"), StaySilent("switched_off"))
    assert decided("oi", of=of) == StaySilent("switched_off")
    assert decided("quero um atendente", of=of) == StaySilent("switched_off"), "people read it anyway"
    assert decided("quero um atendente", of=of, stands=STANDS) == Transfer("wish")


# -- time -------------------------------------------------------------------------------------------------


def test_a_question_that_waited_long_enough() -> None:
    decision = decided(stands=STANDS, woken={"flow"})
    assert following(decision) == ("flow_timeout", "b", ())
    assert isinstance(decision, Follow)
    assert decision.otherwise == Ignore("flow_timeout")


@pytest.mark.parametrize(
    "more",
    [{"woken": {"other"}}, {"stands": None}, {"opted_out": True}, {"flows": {}}],
    ids=["for something else", "in no flow", "opted out", "the flow is gone"],
)
def test_there_is_nothing_to_remind_of(more: dict[str, Any]) -> None:
    assert decided(**{"stands": STANDS, "woken": {"flow"}, **more}) == Ignore("nothing_due")


def test_nobody_is_reminded_while_people_have_it() -> None:
    assert decided(stands=STANDS, woken={"flow"}, hold=Hold("humanos", "api", 1)) == StaySilent("held_by_person")


def test_nobody_is_reminded_at_night() -> None:
    of = queue(hours={"weekly": WEEK, "holidays": ""})
    assert decided(of=of, now=CLOSED, stands=STANDS, woken={"flow"}) == Wait("flow_out_of_hours", NEXT_MORNING)
    always = queue(hours={"weekly": WEEK, "holidays": "", "assistant": True})
    assert following(decided(of=always, now=CLOSED, stands=STANDS, woken={"flow"}))[0] == "flow_timeout"


def test_a_message_that_comes_with_the_wake_up_is_an_answer() -> None:
    assert following(decided("azul", stands=STANDS, woken={"flow"})) == ("flow_in_progress", "b", ["azul"])


# -- options ----------------------------------------------------------------------------------------------

TITLES = ("Sim", "Não")


def shaped(text: str, *titles: str, **can: Any) -> list[TextPart]:
    draft = Draft(text, "pt-BR", choices=titles)
    parts = shape(draft, Script(), WRITTEN, Capabilities(**can), both=False).parts
    return [part for part in parts if isinstance(part, TextPart)]


def test_options_are_buttons_where_there_are_enough() -> None:
    assert shaped("Vamos?", *TITLES, choices=2) == [TextPart("Vamos?", TITLES)]
    assert shaped("Vamos?", choices=2) == [TextPart("Vamos?")]


@pytest.mark.parametrize("choices", [0, 1])
def test_options_are_numbered_lines_elsewhere(choices: int) -> None:
    assert shaped("Vamos?", *TITLES, choices=choices) == [TextPart(numbered("Vamos?", TITLES))]


def test_options_stand_under_the_last_piece_of_a_long_text() -> None:
    first, last = shaped("Bom dia! Vamos?", *TITLES, choices=10, text_limit=10)
    assert (first.choices, last) == ((), TextPart("Vamos?", TITLES))


# -- what does not wait for the window ----------------------------------------------------------------------


def kept(*titles: str) -> str:
    return json.dumps({"titles": titles})


@pytest.mark.parametrize("text", ["1", " 2. ", "sim", "SIM!", "não", "Nao", "2. Nã…", "cancelar", "voltar", "取消"])
def test_an_option_is_all_there_is_to_say(text: str) -> None:
    assert picks_option(queue(), kept(*TITLES), text)


@pytest.mark.parametrize(
    "text", ["", " ", "👍", "3", "0", "sim, mas", "acho que não", "a primeira", "9" * 5000, "oi"]
)
def test_what_may_go_on_is_waited_for(text: str) -> None:
    assert not picks_option(queue(), kept(*TITLES), text)


@pytest.mark.parametrize("flow", ["", "{}", "[]", "x", '{"titles": null}', '{"titles": 3}'])
def test_in_no_flow_nothing_is_picked(flow: str) -> None:
    assert not picks_option(queue(), flow, "1")


def test_where_flows_are_switched_off_nothing_is_picked() -> None:
    assert not picks_option(queue(row("a.toml", trigger="none")), kept(*TITLES), "1")
    assert not picks_option(Queue(name="loja"), kept(*TITLES), "1")
