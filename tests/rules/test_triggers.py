"""Words, patterns that explode, and what customers want, held to a table of twenty intents in four languages."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.rules.triggers import PERSON, AutoReply, TooSlow, Trigger, closest, matches, which, worded

LANGUAGES = ("pt", "en", "es", "zh")


def keyword(*values: str, operator: str = "contains") -> Trigger:
    return Trigger.model_validate({"operator": operator, "value": list(values)})


def reply(text: str = "ok", **keys: Any) -> AutoReply:
    return AutoReply.model_validate({"reply": text, **keys})


# -- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "value", "text", "hit"),
    [
        ("contains", "pix", "Aceitam PIX?", True),
        ("contains", "pix", "quantos pixels tem a tela", False),
        ("contains", "pix", "qual o *pix*?", True),
        ("contains", "pix", "pix👍", True),
        ("contains", "PÍX", "aceita pix", True),
        ("contains", "segunda via", "quero a SEGUNDA   via!!", True),
        ("contains", "segunda via", "segunda, na via Dutra", False),
        ("contains", "segunda-feira", "abre segunda feira?", True),
        ("contains", "segunda feira", "abre segunda-feira?", True),
        ("contains", "email", "qual o e-mail de vocês", True),
        ("contains", "e-mail", "qual o email de vocês", True),
        ("contains", "don't", "i dont know", True),
        ("contains", "cpf", "meu C.P.F. é esse", True),
        ("contains", "amanhã", "trabalho a manhã toda", False),
        ("contains", "1", "quero 10", False),
        ("contains", "não", "nao sei", True),
        ("contains", "发票", "我要开发票", True),
        ("contains", "发票", "发，票", True),
        ("contains", "发票", "我要开发", False),
        ("contains", "pix", "可以用pix吗", True),
        ("contains", "カード", "カードで払えますか", True),
        ("contains", "카드", "카드로 결제", True),
        ("equals", "menu", "Menu!", True),
        ("equals", "menu", "menu do dia", False),
        ("equals", "1", " 1. ", True),
        ("starts", "oi", "oi, tudo bem?", True),
        ("starts", "oi", "oitenta reais?", False),
        ("starts", "pedido", "meu pedido", False),
        ("ends", "obrigado", "tudo certo, obrigado!!! 🙏", True),
        ("ends", "obrigado", "obrigado, e agora?", False),
        ("regex", r"^PED-\d{4,}$", "PED-12345", True),
        ("regex", r"^PED-\d{4,}$", "ped-12345", False),
        ("regex", r"(?i)^ped-\d{4,}$", "PED-12345", True),
        ("regex", r"\bé\b", "isso é pix", True),
        ("regex", r"^(?!.*pix)", "boleto", True),
        ("regex", "👍", "👍👍", True),
    ],
)
def test_what_sets_it_off(operator: str, value: str, text: str, hit: bool) -> None:
    assert matches(keyword(value, operator=operator), [text]) is hit


def test_any_of_the_values_in_any_of_the_messages() -> None:
    trigger = keyword("pix", "boleto")
    assert matches(trigger, ["oi", "tem boleto?"])
    assert not matches(trigger, ["oi", "tem cartão?"])


def test_a_phrase_may_be_spread_over_the_messages_of_a_burst() -> None:
    assert matches(keyword("segunda via do boleto"), ["quero a segunda via", "do boleto"])
    assert matches(keyword("oi tudo bem", operator="equals"), ["oi", "tudo bem"])


def test_all_and_none() -> None:
    for texts in (["oi"], [""], []):
        assert matches(Trigger(trigger="all"), texts)
        assert not matches(Trigger(trigger="none"), texts)
        assert not matches(keyword("oi"), texts) or texts == ["oi"]


@given(st.text(min_size=1, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_value_is_found_in_any_text_it_stands_in(value: str, before: str, after: str) -> None:
    try:
        trigger = keyword(value)
    except ValidationError:
        return  # no letter, no digit
    assert matches(trigger, [f"{before} {value} {after}"])
    assert matches(trigger, [value.upper() if value.upper().lower() == value.lower() else value])


# -- patterns -----------------------------------------------------------------------------------------

EXPLODING = {
    r"(a+)+$": "a" * 4000 + "!",
    r"(a|aa)+$": "a" * 4000 + "!",
    r"(.*a){20}$": "a" * 4000 + "b",
    r"^(([a-z])+.)+[A-Z]([a-z])+$": "a" * 4000,
    r"(x+x+)+y$": "x" * 4000 + "yz",
    r"(?:(?:a{1,1000}){1,1000}){1,1000}!$": "a" * 4000 + "!b",
    r"(?s:.{1,4000}){1,4000}\Z(?!)": "a" * 4000,
}
"""Each would hold the process longer than this test suite may take, often longer than the sun will."""


@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_pattern_that_explodes_is_no_match_and_told_of_once(pattern: str) -> None:
    told: list[TooSlow] = []
    trigger = keyword(pattern, operator="regex")
    assert not matches(trigger, [EXPLODING[pattern], EXPLODING[pattern]], tell=told.append)
    assert told == [TooSlow(pattern)]


def test_the_patterns_beside_it_still_match() -> None:
    told: list[TooSlow] = []
    trigger = keyword("(a+)+$", "!", operator="regex")
    assert matches(trigger, ["a" * 4000 + "!"], tell=told.append)
    assert told == [TooSlow("(a+)+$")]
    replies = [reply(operator="regex", value="(a+)+$"), reply(value="bem")]
    assert which(replies, ["a" * 4000 + "!", "tudo bem"]) == 1


@settings(deadline=None)
@given(st.text("ab()[]{}*+?|\\^$.,<>=!:P0129-&~", max_size=24), st.text("ab01 -", max_size=60))
def test_any_pattern_is_refused_at_load_or_answers(pattern: str, text: str) -> None:
    try:
        trigger = keyword(pattern, operator="regex")
    except ValidationError as error:
        assert "is no pattern" in str(error)  # noqa: PT017
        return
    assert matches(trigger, [text]) in (True, False)


# -- auto replies -------------------------------------------------------------------------------------


def test_the_first_that_matches_answers() -> None:
    replies = [reply(value="pix"), reply(value="chave pix"), reply(trigger="all")]
    assert which(replies, ["qual a chave pix?"]) == 0
    assert which(replies, ["oi"]) == 2
    assert which(replies[:2], ["oi"]) is None
    assert which([], ["oi"]) is None


def test_some_answer_only_what_begins_a_conversation() -> None:
    replies = [reply(trigger="all", first_only=True), reply(value="oi")]
    assert which(replies, ["oi"], first=True) == 0
    assert which(replies, ["oi"]) == 1


def test_the_assistants_judgement_stands_before_ours() -> None:
    replies = [
        reply(trigger="intent", name="refund", examples=["quero reembolso"]),
        reply(trigger="intent", name="jobs", examples=["enviar currículo"]),
    ]
    assert which(replies, ["quero o meu reembolso"]) == 0
    assert which(replies, ["quero o meu reembolso"], intent="jobs") == 1
    assert which(replies, ["quero o meu reembolso"], intent="") is None


def test_who_asks_for_a_person_wants_nothing_else() -> None:
    refund = reply(trigger="intent", name="refund", examples=["quero reembolso"])
    person = reply(trigger="intent", name=PERSON)
    said = ["quero falar com um atendente sobre o reembolso"]
    assert closest([refund], said) == PERSON
    assert which([refund], said) is None
    assert which([refund, person], said) == 1
    assert matches(person, ["can I talk to a human?"])
    assert not matches(person, ["quero reembolso"])


@pytest.mark.parametrize(
    ("text", "name", "read"),
    [
        ("Oi, {name}! Tudo bem?", "Ana", "Oi, Ana! Tudo bem?"),
        ("Oi, {name}! Tudo bem?", "", "Oi! Tudo bem?"),
        ("{name}, já volto.", "  ", ", já volto."),
        ("Oi {name}", "{name}", "Oi {name}"),
        ("Oi {name}", "a\n\nb" + "c" * 200, "Oi a b" + "c" * 77),
        ("{0} {other}", "Ana", "{0} {other}"),
    ],
)
def test_a_reply_says_the_name(text: str, name: str, read: str) -> None:
    assert worded(reply(text, trigger="all"), name) == read


# -- intents ------------------------------------------------------------------------------------------

TABLE = tomllib.loads((Path(__file__).parent / "intents.toml").read_text("utf-8"))
INTENTS = [Trigger(trigger="intent", name=each["name"], examples=each["examples"]) for each in TABLE["intents"]]


def judged(half: int) -> tuple[float, float, list[str]]:
    """Precision, recall and what went wrong, over all languages and the texts that want nothing of the table."""
    asked = [(each["name"], each[tongue][half]) for each in TABLE["intents"] for tongue in LANGUAGES]
    asked += [("", text) for text in TABLE["unrelated"]["said"][half::2] + TABLE["unrelated"]["declined"]]
    answers = [(wanted, closest(INTENTS, [text]), text) for wanted, text in asked]
    right = sum(wanted == got != "" for wanted, got, _ in answers)
    named, wanted_ones = sum(got != "" for _, got, _ in answers), sum(wanted != "" for wanted, _, _ in answers)
    wrong = [f"{text!r}: {got or 'none'}, not {wanted or 'none'}" for wanted, got, text in answers if got != wanted]
    return right / named, right / wanted_ones, wrong


@pytest.mark.parametrize(("half", "floor"), [(0, 0.89), (1, 0.87)], ids=["looked-at", "held-out"])
def test_twenty_intents_in_four_languages(half: int, floor: float) -> None:
    precision, recall, wrong = judged(half)
    print(f"\nintents: precision {precision:.3f}, recall {recall:.3f}", *wrong, sep="\n  ")
    assert precision >= 0.98, wrong
    assert recall >= floor, wrong


def test_an_intent_alone_takes_nothing_that_is_of_another() -> None:
    """A queue with one intent must not hear it in everything that names an order."""
    taken = [
        (intent.name, each["name"], each[tongue][half])
        for intent in INTENTS
        for each in TABLE["intents"]
        for tongue in LANGUAGES
        for half in (0, 1)
        if each["name"] != intent.name and matches(intent, [each[tongue][half]])
    ]
    print(f"\nalone: {len(taken)} of {20 * 19 * 8} taken", *taken, sep="\n  ")
    assert len(taken) <= 1


def test_a_wish_may_be_one_clause_of_many_and_spread_over_messages() -> None:
    told = "Oi, comprei uma chaleira na semana passada e adorei a cor. Só que agora esqueci minha senha! Que coisa"
    assert closest(INTENTS, [told]) == "password"
    assert closest(INTENTS, ["oi", "esqueci", "minha senha"]) == "password"


@pytest.mark.parametrize(
    ("text", "name"), [("nota ficsal", "invoice"), ("quero o reenbolso", "refund"), ("rastraer pedido", "track")]
)
def test_a_slip_of_the_hand_is_understood(text: str, name: str) -> None:
    assert closest(INTENTS, [text]) == name


def test_nothing_is_like_nothing() -> None:
    assert closest([], ["quero reembolso"]) == ""
    assert closest(INTENTS, []) == ""
    assert closest(INTENTS, ["", "  ", "👍", "?!"]) == ""


def test_what_is_declined_is_wanted_where_the_examples_decline_it_too() -> None:
    examples = ["não quero mais receber mensagens", "parem de mandar mensagens"]
    leave = Trigger(trigger="intent", name="leave", examples=examples)
    assert matches(leave, ["não quero receber mensagens"])
    receive = Trigger(trigger="intent", name="receive", examples=["quero receber mensagens"])
    assert not matches(receive, ["não quero receber mensagens"])


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_burst_is_judged(texts: list[str]) -> None:
    assert closest(INTENTS[:5], texts) in {"", PERSON, *(each.name for each in INTENTS[:5])}


def test_what_needs_more_words_than_a_wish_is_none() -> None:
    """A bound on the work too: a message of a thousand words without a full stop is not compared with everything."""
    story = " ".join(f"palavra{number}" for number in range(41))
    for words, name in ((story, ""), (story.rpartition(" ")[0], "story")):
        assert closest([Trigger(trigger="intent", name="story", examples=(words,))], [words]) == name


# -- what is wrong with a file ------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no words": ({}, 'value is missing: trigger = "keyword" needs the words, e.g. value = ["pix", "boleto"]'),
    "an emoji alone": ({"value": ["pix", "👍"]}, "value[1] = '👍' has no letter or digit"),
    "an open bracket": (
        {"operator": "regex", "value": "pix("},
        "value[0] = 'pix(' is no pattern: missing ) at position 4",
    ),
    "a wrong repeat": (
        {"operator": "regex", "value": ["a", "*b"]},
        "value[1] = '*b' is no pattern: nothing to repeat at",
    ),
    "nested too deeply": ({"operator": "regex", "value": "(" * 500 + ")" * 500}, "nested too deeply"),
    "an intent without a name": ({"trigger": "intent", "examples": ["x"]}, 'name = "segunda_via"'),
    "an intent without examples": (
        {"trigger": "intent", "name": "x"},
        "examples is missing: say how customers ask for 'x'",
    ),
    "examples of signs": ({"trigger": "intent", "name": "x", "examples": ["👍"]}, "examples is missing"),
    "words for an intent": (
        {"trigger": "intent", "name": "x", "examples": ["x"], "value": "y"},
        'value is no key of trigger = "intent": it belongs to trigger = "keyword"',
    ),
    "examples for words": ({"value": "x", "examples": ["y"]}, 'it belongs to trigger = "intent"'),
    "words for all": ({"trigger": "all", "value": "x"}, 'value is no key of trigger = "all"'),
    "another program's operator": ({"operator": "startsWith", "value": "x"}, "'contains', 'equals', 'starts', 'ends'"),
    "an unknown key": ({"values": "x"}, "Extra inputs"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_wrong_names_the_key_and_the_cure(case: str) -> None:
    given_, cure = WRONG[case]
    with pytest.raises(ValidationError) as caught:
        Trigger.model_validate(given_)
    assert cure in str(caught.value)


def test_a_reply_must_say_something() -> None:
    for text in ("", "  "):
        with pytest.raises(ValidationError, match="reply"):
            reply(text, trigger="all")


def test_a_number_is_the_digits_a_customer_types() -> None:
    assert matches(Trigger.model_validate({"operator": "equals", "value": 1}), ["1"])
    assert Trigger.model_validate({"value": "pix"}).value == ("pix",)


def test_the_engine_is_loaded_by_those_who_have_patterns_alone() -> None:
    code = """
import sys
from gateway.rules.triggers import Trigger, matches
matches(Trigger(value="pix"), ["pix"])
print("regex" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
