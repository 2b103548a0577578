"""Flows: what a file may hold, what people answer, where a conversation goes, and what it looks like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.flowfiles import LARGEST, check_flow, load_flow
from gateway.rules.flows import (
    GIVEN,
    Assist,
    Call,
    End,
    Flow,
    FlowError,
    Moment,
    Result,
    Say,
    State,
    Transfer,
    as_text,
    drawn,
    intents_wanted,
    needs,
    numbered,
    parse,
    resume,
    start,
    step,
    timed_out,
    wake_at,
)
from gateway.rules.flows.answers import Told, Wrong, option_of, read, shown
from gateway.rules.flows.conditions import OPERATORS, Unreadable, condition, holds
from gateway.rules.flows.keys import KEYS, OF_ANSWERS, OF_OPTION, TOP
from gateway.rules.flows.model import Option, Step
from gateway.rules.flows.patterns import LONGEST, Unsafe, checked, fits
from gateway.rules.flows.settings import FlowTrigger
from gateway.rules.flows.words import BACK, CANCEL, SENTENCES, cancels, goes_back
from gateway.rules.triggers import matches

FLOWS = Path(__file__).parents[1] / "fixtures" / "flows"
DOCS = Path(__file__).parents[2] / "docs" / "flows.md"
NOW = 1_795_000_000_000
"""2026-11-18, 11:06 in UTC."""
TODAY = date(2026, 11, 18)
END = {"name": "end", "kind": "end"}


def made(*steps: Mapping[str, Any], **top: Any) -> Flow:
    return parse(_json(*steps, **top), source="flow.json")


def _json(*steps: Mapping[str, Any], **top: Any) -> str:
    return json.dumps({"name": "test", "start": steps[0]["name"] if steps else "x", "steps": [*steps], **top})


def problems(text: str, source: str = "flow.json") -> str:
    with pytest.raises(FlowError) as caught:
        parse(text, source=source)
    return str(caught.value)


def ask(name: str = "q", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "ask", "text": f"{name}?", "into": f"v_{name}", "next": "end", **more}


def choose(name: str = "menu", **more: Any) -> dict[str, Any]:
    options = [{"title": "Boleto", "next": "end"}, {"title": "Entrega", "next": "end"}]
    return {"name": name, "kind": "choose", "text": "O que?", "options": options, **more}


def talk(name: str = "talk", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "ai", "instructions": "Be short.", "next": "end", **more}


def action(name: str = "act", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "action", "action": "book", "next": "end", "else": "end", **more}


def said(moment: Moment) -> list[str]:
    return [effect.text for effect in moment.effects if isinstance(effect, Say)]


def reasons(moment: Moment) -> list[str]:
    return [reason for _, reason in moment.trail]


def state(moment: Moment) -> State:
    assert moment.state is not None
    return moment.state


def answered(flow: Flow, *texts: str, at: int = NOW) -> Moment:
    """The moment after these messages, one a turn."""
    moment = start(flow, at)
    for n, text in enumerate(texts, 1):
        moment = step(flow, state(moment), [text], at + n)
    return moment


# -- the examples ----------------------------------------------------------------------------------


def test_the_clinic_books_a_visit() -> None:
    flow = load_flow(FLOWS / "clinica.toml")
    first = start(flow, NOW, {"contact_name": "Ana"})
    assert said(first) == ["Olá, Ana! Aqui é a Clínica Boa Vista.", "Como posso ajudar?"]
    assert first.effects[1] == Say(
        "Como posso ajudar?", ("Marcar consulta", "Tirar uma dúvida", "Falar com a recepção")
    )
    assert first.wake_at_ms == NOW + 1_800_000
    moment, at = first, NOW
    for text in ("a primeira", "unimed", "Ana Maria Souza", "529.982.247-25", "15/03/2027"):
        at += 1000
        moment = step(flow, state(moment), [text], at)
    [call] = moment.effects
    assert isinstance(call, Call)
    assert call.action == "marcar_consulta"
    assert call.arguments == {
        "paciente": "Ana Maria Souza",
        "cpf": "52998224725",
        "dia": "2027-03-15",
        "convenio": "Unimed",
    }
    full = resume(flow, state(moment), Result(call.id, ""), at + 500)
    assert said(full) == [
        "Nesse dia não há mais horário.",
        "Para que dia? Pode ser amanhã, ou uma data como 15/03/2027.",
    ]
    again = step(flow, state(full), ["depois de amanhã"], at + 900)
    [call] = again.effects
    assert isinstance(call, Call)
    assert call.arguments["dia"] == "2026-11-20"
    done = resume(flow, state(again), Result(call.id, "14h30"), at + 1000)
    assert done.effects == (Say("Pronto, Ana Maria Souza: consulta em 20/11/2026, às 14h30. Até lá!"), End("marcada"))
    assert done.state is None
    assert done.wake_at_ms is None


def test_every_kind_of_step_in_one_flow() -> None:
    flow = load_flow(FLOWS / "every_kind.toml")
    moment = start(flow, NOW, {"contact_name": "Bo", "unknown": "left out"})
    assert said(moment) == ["Hello Bo, brackets are {so}.", "Your e-mail?"]
    assert "unknown" not in state(moment).variables
    for text in ("It's bo@Example.com.", "(11) 98765-4321", "we are 3", "abc1234", "the second one"):
        moment = step(flow, state(moment), [text], NOW)
    [call] = moment.effects
    assert isinstance(call, Call)
    assert call.arguments == {"people": 3, "label": "Hi Bo: coffee", "fixed": 7, "vip": False}
    assert moment.wake_at_ms == NOW + 30_000
    last = resume(flow, state(moment), Result(call.id, 12), NOW)
    assert last.effects == (
        Assist("Confirm table 12 in one sentence. They said: the second one"),
        Say("See you, 3 people."),
        End("finished"),
    )
    assert last.state is None


def test_what_a_flow_needs_from_outside_is_told() -> None:
    told = needs(load_flow(FLOWS / "clinica.toml"))
    assert told.queues == {"recepcao": "recepcao"}
    assert told.actions == ["marcar_consulta"]
    assert told.intents == ["marcar_consulta"]


# -- answers ---------------------------------------------------------------------------------------

DETAILS: dict[str, dict[str, Any]] = {"choice": {"options": ["Sim", "Não"]}}
RIGHT: list[tuple[dict[str, Any], str, str, Any]] = [
    # answer and its keys, language, words, value
    ({"answer": "text"}, "pt", "  Ana  ", "Ana"),
    ({"answer": "text", "pattern": "[a-z]{3}\\d{4}"}, "pt", "ABC1234", "ABC1234"),
    ({"answer": "number"}, "pt", "35", 35),
    ({"answer": "number"}, "pt", "tenho 35 anos", 35),
    ({"answer": "number"}, "pt", "1.500", 1500),
    ({"answer": "number"}, "en", "1.500", 1.5),
    ({"answer": "number"}, "en", "1,500", 1500),
    ({"answer": "number"}, "zh", "1,500", 1500),
    ({"answer": "number"}, "pt", "R$ 1.234,56", 1234.56),
    ({"answer": "number"}, "en", "$1,234.56", 1234.56),
    ({"answer": "number"}, "es", "1.234.567", 1234567),
    ({"answer": "number"}, "pt", "2,5", 2.5),
    ({"answer": "number"}, "pt", "-3", -3),
    ({"answer": "number"}, "pt", "dois", 2),
    ({"answer": "number"}, "en", "seven", 7),
    ({"answer": "number"}, "es", "somos cuatro", 4),
    ({"answer": "number"}, "zh", "五", 5),
    ({"answer": "number"}, "zh", "３", 3),
    ({"answer": "number"}, "pt", "zero", 0),
    ({"answer": "date"}, "pt", "25/12/2026", "2026-12-25"),
    ({"answer": "date"}, "pt", "dia 25-12-26", "2026-12-25"),
    ({"answer": "date"}, "pt", "25.12.1985", "1985-12-25"),
    ({"answer": "date"}, "pt", "3/2/85", "1985-02-03"),
    ({"answer": "date"}, "pt", "2026-12-25", "2026-12-25"),
    ({"answer": "date"}, "pt", "1º de março de 2027", "2027-03-01"),
    ({"answer": "date"}, "es", "5 de enero del 2027", "2027-01-05"),
    ({"answer": "date"}, "en", "December 25th, 2026", "2026-12-25"),
    ({"answer": "date"}, "en", "25 Dec 2026", "2026-12-25"),
    ({"answer": "date", "order": "mdy"}, "en", "12/25/2026", "2026-12-25"),
    ({"answer": "date"}, "zh", "2026年12月25日", "2026-12-25"),
    ({"answer": "date"}, "pt", "hoje", "2026-11-18"),
    ({"answer": "date"}, "pt", "pode ser amanhã", "2026-11-19"),
    ({"answer": "date"}, "pt", "depois de amanhã", "2026-11-20"),
    ({"answer": "date"}, "es", "mañana", "2026-11-19"),
    ({"answer": "date"}, "es", "pasado mañana", "2026-11-20"),
    ({"answer": "date"}, "en", "the day after tomorrow", "2026-11-20"),
    ({"answer": "date"}, "zh", "明天吧", "2026-11-19"),
    ({"answer": "email"}, "pt", "meu e-mail é Ana.Silva+x@Exemplo.COM.br.", "Ana.Silva+x@exemplo.com.br"),
    ({"answer": "email"}, "zh", "邮箱：li@example.cn。", "li@example.cn"),
    ({"answer": "phone"}, "pt", "(11) 98765-4321", "11987654321"),
    ({"answer": "phone", "country": "55"}, "pt", "meu número é 11 98765 4321", "+5511987654321"),
    ({"answer": "phone", "country": "55"}, "pt", "011 3333-4444", "+551133334444"),
    ({"answer": "phone", "country": "55"}, "pt", "5511987654321", "+5511987654321"),
    ({"answer": "phone", "country": "55"}, "en", "+1 (415) 555-0100", "+14155550100"),
    ({"answer": "cpf"}, "pt", "529.982.247-25", "52998224725"),
    ({"answer": "cpf"}, "pt", "meu cpf: 52998224725", "52998224725"),
    ({"answer": "cpf"}, "pt", "111 444 777 35", "11144477735"),
    ({"answer": "choice"}, "pt", "não", "Não"),
    ({"answer": "choice"}, "en", "yes", "Sim"),
    ({"answer": "choice"}, "es", "claro que sí", "Sim"),
    ({"answer": "choice"}, "zh", "好的", "Sim"),
    ({"answer": "choice"}, "zh", "第二个", "Não"),
]
WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    # answer and its keys, language, words, why
    ({"answer": "text", "min": 5}, "pt", "Ana", "short"),
    ({"answer": "text", "max": 3}, "pt", "Maria", "long"),
    ({"answer": "text"}, "pt", "x" * 1001, "long"),
    ({"answer": "text", "pattern": "\\d+"}, "pt", "12 a", "text"),
    ({"answer": "text", "pattern": "\\d+"}, "pt", "1" * (LONGEST + 1), "text"),
    ({"answer": "number"}, "pt", "não sei", "number"),
    ({"answer": "number"}, "pt", "entre 3 e 5", "number"),
    ({"answer": "number"}, "en", "1.2.3,4", "number"),
    ({"answer": "number"}, "en", "A1", "number"),
    ({"answer": "number"}, "en", "9" * 40, "number"),
    ({"answer": "number", "whole": True}, "pt", "2,5", "whole"),
    ({"answer": "number", "min": 1}, "es", "0", "low"),
    ({"answer": "number", "max": 12}, "zh", "13", "high"),
    ({"answer": "date"}, "pt", "31/02/2027", "date"),
    ({"answer": "date"}, "pt", "25/12", "date"),
    ({"answer": "date"}, "pt", "qualquer dia", "date"),
    ({"answer": "date"}, "pt", "25/12/2026 ou 26/12/2026", "date"),
    ({"answer": "date"}, "pt", "hoje ou amanhã", "date"),
    ({"answer": "date"}, "en", "12/25/2026", "date"),
    ({"answer": "date"}, "en", "25 Foo 2026", "date"),
    ({"answer": "date", "min": "today"}, "pt", "ontem", "early"),
    ({"answer": "date", "max": "2026-12-01"}, "pt", "02/12/2026", "late"),
    ({"answer": "email"}, "pt", "ana@exemplo", "email"),
    ({"answer": "email"}, "pt", "ana arroba exemplo.com", "email"),
    ({"answer": "email"}, "en", "a@b.com or c@d.com", "email"),
    ({"answer": "email"}, "en", ".a@b.com", "email"),
    ({"answer": "email"}, "en", "a@-b.com", "email"),
    ({"answer": "email"}, "en", f"{'a' * 65}@b.com", "email"),
    ({"answer": "phone"}, "pt", "98765", "phone"),
    ({"answer": "phone"}, "pt", "não tenho", "phone"),
    ({"answer": "phone"}, "pt", "11987654321 ou 21987654321", "phone"),
    ({"answer": "phone", "country": "55"}, "pt", "98765-4321", "phone"),
    ({"answer": "phone", "country": "55"}, "pt", "11 88765-4321", "phone"),
    ({"answer": "cpf"}, "pt", "529.982.247-26", "cpf"),
    ({"answer": "cpf"}, "pt", "529.982.247-15", "cpf"),
    ({"answer": "cpf"}, "pt", "111.111.111-11", "cpf"),
    ({"answer": "cpf"}, "pt", "5299822472", "cpf"),
    ({"answer": "choice"}, "pt", "talvez", "choice"),
]


def _question(keys: Mapping[str, Any], language: str) -> Flow:
    return made(ask(**keys, **DETAILS.get(keys["answer"], {})), END, language=language, timezone="UTC")


@pytest.mark.parametrize(("keys", "language", "words", "value"), RIGHT)
def test_an_answer_is_read(keys: dict[str, Any], language: str, words: str, value: Any) -> None:
    flow = _question(keys, language)
    answer = read(flow.steps["q"], [words], Told(language, TODAY))
    found = answer.value if isinstance(answer, Option) else answer
    assert (found, type(found)) == (value, type(value))
    assert state(start(flow, NOW)).step == "q"
    assert step(flow, state(start(flow, NOW)), [words], NOW).effects == (End("finished"),)


@pytest.mark.parametrize(("keys", "language", "words", "why"), WRONG)
def test_a_wrong_answer_is_asked_again_with_a_reason(keys: dict[str, Any], language: str, words: str, why: str) -> None:
    moment = answered(_question(keys, language), words)
    assert moment.trail[-1] == ("q", f"wrong:{why}")
    assert state(moment).tries == 1
    [again] = said(moment)
    assert again.split("{")[0].split(" ")[0] in SENTENCES[why][language]
    assert "{" not in again


def test_our_own_sentences_are_in_four_languages() -> None:
    assert {frozenset(texts) for texts in SENTENCES.values()} == {frozenset({"pt", "en", "es", "zh"})}
    flow = made(ask(answer="number", min=1.5), END, language="pt-BR")
    assert said(answered(flow, "1")) == ["Precisa ser a partir de 1,5. Pode escrever de novo, por favor?"]
    assert said(answered(made(ask(answer="cpf"), END, language="de"), "x")) == [SENTENCES["cpf"]["en"]]


def test_dates_and_numbers_are_shown_as_the_language_writes_them() -> None:
    assert [shown("2026-12-05", each) for each in ("pt-BR", "es", "en", "zh")] == [
        "05/12/2026",
        "05/12/2026",
        "5 December 2026",
        "2026年12月5日",
    ]
    assert [shown(1.5, "pt"), shown(1.5, "en"), shown(True, "pt"), shown("2026-99-05", "pt")] == [
        "1,5",
        "1.5",
        "true",
        "2026-99-05",
    ]


def test_the_example_of_a_date_is_a_date() -> None:
    for language, order in (("pt", "dmy"), ("pt", "mdy"), ("es", "dmy"), ("en", "dmy"), ("en", "mdy"), ("zh", "dmy")):
        flow = made(ask(answer="date", order=order), END, language=language)
        moment = answered(flow, "?!?x")
        example = re.search(r"\d.*\d{4}|\d{4}年.*日", said(moment)[0])
        assert example is not None
        assert step(flow, state(moment), [example[0]], NOW).effects == (End("finished"),)


def test_a_burst_is_one_answer() -> None:
    flow = made(ask(), {"name": "end", "kind": "end", "text": "Olá {v_q}"})
    assert said(step(flow, state(start(flow, NOW)), ["Maria", "Silva"], NOW)) == ["Olá Maria Silva"]
    numbers = made(ask(answer="number"), {"name": "end", "kind": "end", "text": "{v_q}"})
    assert said(step(numbers, state(start(numbers, NOW)), ["oi", "somos 3", "ou melhor 4"], NOW)) == ["4"]


@given(st.text(max_size=300), st.sampled_from(["pt", "en", "es", "zh"]))
def test_no_text_breaks_a_reader(words: str, language: str) -> None:
    for answer in ("text", "number", "date", "email", "phone", "cpf"):
        found = read(Step("q", "ask", answer=answer, country="55"), [words], Told(language, TODAY))  # type: ignore[arg-type]
        assert isinstance(found, Wrong | str | int | float)
        orjson.dumps(None if isinstance(found, Wrong) else found)


@given(st.integers(0, 999_999_999))
def test_a_cpf_has_one_pair_of_digits_that_proves_it(nine: int) -> None:
    assume(len(set(f"{nine:09}")) > 1)
    flow = _question({"answer": "cpf"}, "pt")
    told = Told("pt", TODAY)
    proven = [n for n in range(100) if not isinstance(read(flow.steps["q"], [f"{nine:09}{n:02}"], told), Wrong)]
    assert len(proven) == 1


# -- options ---------------------------------------------------------------------------------------

MENU = ("Segunda via do boleto", "Rastrear entrega", "Troca ou devolução", "Falar com uma pessoa")
CHOSEN: list[tuple[Sequence[str], str, str | None]] = [
    (MENU, "Segunda via do boleto", MENU[0]),
    (MENU, "SEGUNDA VIA DO BOLETO!!", MENU[0]),
    (MENU, "troca ou devolucao", MENU[2]),
    (MENU, "1", MENU[0]),
    (MENU, " 2. ", MENU[1]),
    (MENU, "3️⃣", MENU[2]),
    (MENU, "um", MENU[0]),
    (MENU, "a primeira", MENU[0]),
    (MENU, "A segunda, por favor", MENU[1]),
    (MENU, "opção 4", MENU[3]),
    (MENU, "2ª", MENU[1]),
    (MENU, "quero a terceira opção", MENU[2]),
    (MENU, "a última", MENU[3]),
    (MENU, "the first one", MENU[0]),
    (MENU, "2nd", MENU[1]),
    (MENU, "option three please", MENU[2]),
    (MENU, "la segunda", MENU[1]),
    (MENU, "el tercero", MENU[2]),
    (MENU, "第一个", MENU[0]),
    (MENU, "我要第二个", MENU[1]),
    (MENU, "最后一个", MENU[3]),
    (MENU, "三", MENU[2]),
    (MENU, "boleto", MENU[0]),
    (MENU, "quero rastrear entrega do meu pedido", MENU[1]),
    (MENU, "1. Segunda via do bol…", MENU[0]),
    (MENU, "2. Rastrear entrega", MENU[1]),
    (MENU, "5", None),
    (MENU, "0", None),
    (MENU, "1 ou 2", None),
    (MENU, "a primeira e a segunda", None),
    (MENU, "não quero rastrear entrega", None),
    (MENU, "bom dia", None),
    (MENU, "?", None),
    (MENU, "com", None),
    (MENU, "ou", None),
    (MENU, "via do", MENU[0]),
    (MENU, "entrega", MENU[1]),
    (MENU, "a devolução", None),
    (("Pix", "Boleto"), "no pix por favor", None),
    (("Segunda-feira", "Terça-feira"), "segunda", None),
    (("Segunda-feira", "Terça-feira"), "terça", "Terça-feira"),
    (MENU, "2. Segunda via", None),
    (("2 pessoas", "4 pessoas", "6 pessoas"), "2", None),
    (("2 pessoas", "4 pessoas", "6 pessoas"), "2 pessoas", "2 pessoas"),
    (("2 pessoas", "4 pessoas", "6 pessoas"), "3", "6 pessoas"),
    (("5", "4", "3", "2", "1"), "5", "5"),
    (("5", "4", "3", "2", "1"), "1", "1"),
    (("Consulta", "Consulta de retorno"), "uma consulta de retorno", "Consulta de retorno"),
    (("Consulta", "Consulta de retorno"), "consulta", "Consulta"),
    (("Sim", "Não"), "ss", "Sim"),
    (("Sim", "Não"), "claro", "Sim"),
    (("Sim", "Não"), "nao", "Não"),
    (("Sim", "Não"), "nope", "Não"),
    (("是", "不是"), "不是", "不是"),
    (("预约", "咨询"), "我想预约一下", "预约"),
    (("预约", "咨询"), "不要预约", None),
    (("Yes", "No"), "dale", "Yes"),
]


@pytest.mark.parametrize(("titles", "words", "title"), CHOSEN)
def test_an_option_is_chosen_as_people_choose(titles: Sequence[str], words: str, title: str | None) -> None:
    found = option_of([Option(each) for each in titles], words)
    assert (found.title if found else None) == title


def test_an_option_has_other_words_and_a_value_of_its_own() -> None:
    options = [
        {"title": "Café", "next": "bye", "value": "coffee", "words": ["expresso"]},
        {"title": "Chá", "next": "bye"},
    ]
    flow = made(choose(options=options, into="drink"), {"name": "bye", "kind": "end", "text": "{drink}"})
    assert said(answered(flow, "um EXPRESSO")) == ["coffee"]
    assert said(answered(flow, "cha")) == ["Chá"]


def test_what_fits_no_option_repeats_them_and_then_leads_out() -> None:
    out = {"name": "out", "kind": "transfer", "text": "Uma pessoa."}
    flow = made(choose(max_tries=3, **{"else": "out"}), END, out)
    moment = start(flow, NOW)
    for n in (1, 2):
        moment = step(flow, state(moment), ["qualquer coisa"], NOW)
        assert moment.effects == (Say(SENTENCES["choice"]["pt"], ("Boleto", "Entrega")),)
        assert state(moment).tries == n
    last = step(flow, state(moment), ["qualquer coisa"], NOW)
    assert last.effects == (Transfer("", "Uma pessoa."),)
    assert reasons(last) == ["wrong:choice", "too_many_tries", "transfer"]


def test_every_question_counts_its_own_tries() -> None:
    flow = made(ask("a", answer="number", next="b"), ask("b", answer="number"), END)
    assert [state(answered(flow, *texts)).tries for texts in (["x"], ["x", "1"], ["x", "1", "x"])] == [1, 0, 1]


def test_without_a_way_out_too_many_tries_end_the_flow() -> None:
    moment = answered(made(choose(max_tries=1), END), "qualquer coisa")
    assert (moment.state, moment.effects) == (None, (End("too_many_tries"),))


def test_an_own_sentence_asks_again() -> None:
    assert said(answered(made(choose(retry="Qual, {message}?"), END), "oi")) == ["Qual, oi?"]


def test_options_are_numbered_where_there_are_no_buttons() -> None:
    assert numbered("Qual?", ["Boleto", "Entrega"]) == "Qual?\n\n1. Boleto\n2. Entrega"
    assert numbered("Qual?", []) == "Qual?"


# -- ways out of a question ------------------------------------------------------------------------

QUESTIONS = [
    ask("now"),
    ask("now", answer="choice", options=["A", "B"]),
    choose("now"),
    talk("now", until="message equals 'x'"),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=["ask", "choice", "choose", "ai"])
@pytest.mark.parametrize(
    "word", ["cancelar", "Cancelar!", "cancela por favor", "CANCEL", "Cancel please", "取消", "请取消"]
)
def test_cancelling_ends_the_flow_at_every_question(question: dict[str, Any], word: str) -> None:
    flow = made(question, END, language="es")
    for burst in ([word], [word, "x"], ["x", word]):
        moment = step(flow, state(start(flow, NOW)), burst, NOW)
        assert moment.effects == (Say(SENTENCES["cancelled"]["es"]), End("cancelled"))
        assert (moment.state, moment.wake_at_ms) == (None, None)


@pytest.mark.parametrize("question", QUESTIONS, ids=["ask", "choice", "choose", "ai"])
@pytest.mark.parametrize("word", ["voltar", "Voltar, por favor", "go back", "volver", "atrás", "返回", "上一步"])
def test_going_back_asks_the_question_before(question: dict[str, Any], word: str) -> None:
    flow = made(ask("before", next="now"), question, END)
    moment = answered(flow, "primeiro", word)
    assert said(moment) == ["before?"]
    assert state(moment).step == "before"
    assert "v_before" not in state(moment).variables
    assert reasons(moment) == ["back", "asked"]


@pytest.mark.parametrize(
    "words", ["quero cancelar o pedido 12", "não cancelar", "voltar amanhã", "parar", "sair", "stop"]
)
def test_words_within_a_sentence_are_an_answer(words: str) -> None:
    assert not cancels(words)
    assert not goes_back(words)
    assert answered(made(ask(), END), words).effects == (End("finished"),)


def test_no_word_means_two_things() -> None:
    assert not CANCEL & BACK


def test_at_the_first_question_there_is_nothing_before() -> None:
    moment = answered(made(ask(), END), "voltar")
    assert said(moment) == ["q?"]
    assert reasons(moment) == ["nothing_before", "asked"]
    assert len(state(moment).history) == 1


def test_going_back_goes_over_what_was_only_said() -> None:
    between = {"name": "between", "kind": "set", "values": {"x": "1"}, "next": "b"}
    flow = made(ask("a", next="between"), between, ask("b", next="c"), ask("c"), END)
    moment = answered(flow, "1", "2", "voltar", "voltar", "voltar")
    assert state(moment).step == "a"
    assert state(moment).variables == {"message": "voltar", "intent": ""}


def test_an_option_may_be_called_voltar() -> None:
    options = [{"title": "Voltar", "next": "a"}, {"title": "Seguir", "next": "end"}]
    flow = made(ask("a", next="menu"), choose(options=options), END)
    moment = answered(flow, "x", "voltar")
    assert reasons(moment) == ["answered", "asked"]


def test_going_back_passes_over_a_talk_that_asked_nothing() -> None:
    flow = made(ask("a", next="t"), talk("t", until="message equals 'b'", next="b"), ask("b"), END)
    assert said(answered(flow, "1", "b", "voltar")) == ["a?"]
    assert said(answered(flow, "1", "voltar")) == ["a?"]
    alone = made(talk("t", until="message equals 'b'"), END)
    assert answered(alone, "voltar").effects == (Assist("Be short."),)


def test_as_many_questions_are_remembered_as_one_may_go_back() -> None:
    flow = made(choose(options=[{"title": "De novo", "next": "menu"}, {"title": "Sair daqui", "next": "end"}]), END)
    assert len(state(answered(flow, *["1"] * 30)).history) == 10


# -- conditions ------------------------------------------------------------------------------------

KNOWN = {"city": "São Paulo", "people": 4, "price": 2.5, "vip": True, "day": "2026-12-25", "nothing": " ", "text": "12"}
HOLDS = [
    ("city equals 'sao paulo'", True),
    ('city equals "Campinas"', False),
    ("people equals 4", True),
    ("people equals '4'", True),
    ("text equals 12", True),
    ("vip equals true", True),
    ("vip equals 'true'", True),
    ("vip equals 1", False),
    ("city in ['Campinas', 'São Paulo']", True),
    ("people in [1, 2]", False),
    ("people > 3", True),
    ("people < 4", False),
    ("price < 2.51", True),
    ("text > 5", True),
    ("city > 3", False),
    ("unset > 3", False),
    ("unset < 3", False),
    ("day > '2026-12-24'", True),
    ("day < '2026-12-24'", False),
    ("nothing empty", True),
    ("unset empty", True),
    ("not unset empty", False),
    ("people empty", False),
    ("city matches 'paulo'", True),
    ("city matches 'paul'", False),
    ("city matches ['rio', 'SÃO']", True),
    ("people > 3 and vip equals false", False),
    ("people > 9 or price > 2 and vip equals true", True),
    ("people > 3 or price > 9 and vip equals false", True),
    ("not people > 9 and not city in ['x']", True),
]
UNREADABLE = [
    ("", "expected a variable's name"),
    ("people", "expected one of"),
    ("people is 4", "expected one of"),
    ("people > ", "expected a number or a text"),
    ("people > 3 people < 4", "expected and, or, or the end"),
    ("city equals São", "in quotation marks"),
    ("city equals 'São", "cannot read"),
    ("city in 'São'", "a list in [ ]"),
    ("city equals ['São']", "one value"),
    ("city in ['São' 'Rio']", "expected ]"),
    ("__import__('os').system('ls')", "cannot read"),
    ("people > 3 and", "expected a variable's name"),
]


@pytest.mark.parametrize(("written", "true"), HOLDS)
def test_a_condition_holds_or_not(written: str, true: bool) -> None:
    assert holds(condition(written), KNOWN) is true


@pytest.mark.parametrize(("written", "why"), UNREADABLE)
def test_an_unreadable_condition_says_what_was_expected(written: str, why: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(why)):
        condition(written)


@given(st.text(alphabet="abn <>[],'\"1.d-not inequalsempty", max_size=40))
def test_no_text_breaks_the_language_of_conditions(written: str) -> None:
    try:
        assert holds(condition(written), KNOWN) in (True, False)
    except Unreadable:
        return


def test_a_condition_turns_the_way() -> None:
    turn = {"name": "turn", "kind": "condition", "if": "v_q > 17", "next": "yes", "else": "no"}
    ends = [{"name": name, "kind": "end", "reason": name} for name in ("yes", "no")]
    flow = made(ask(answer="number", next="turn"), turn, *ends)
    assert answered(flow, "18").effects == (End("yes"),)
    assert answered(flow, "17").effects == (End("no"),)


# -- patterns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{3}-?\\d{4}",
        "(?:\\d{3}-)+\\d",
        "(a|b|c)x",
        "a{2,5}",
        "[^\\]]+",
        "\\w+@\\w+\\.\\w+",
        "a{,3}",
        "\\{x\\}",
        "(ab)?c",
    ],
)
def test_a_pattern_that_ends_soon_may_stand(pattern: str) -> None:
    assert checked(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|a)*",
        "(a*)*b",
        "(a?){50}",
        "(.*a){20}",
        "a*a*a*a*",
        "((a+){2})+",
        "(x+x+)+y",
        "(?=a)a",
        "(?P<n>a)",
        "(a)\\1",
        "(a",
        "[a",
        "a**",
        "(" * 30 + ")" * 30,
        "(?i)a",
        "[[a]",
        "(a+){}(a+)(a+)(a+)",
        "(\\d?){1,30}",
    ],
)
def test_a_pattern_that_may_never_end_is_refused(pattern: str) -> None:
    with pytest.raises(Unsafe, match=r".{12}"):
        checked(pattern)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab()|*+?.[]{}1,2\\^$", max_size=14), st.text(alphabet="ab1", max_size=LONGEST))
def test_every_allowed_pattern_comes_to_an_end(pattern: str, answer: str) -> None:
    try:
        checked(pattern)
    except Unsafe:
        return
    assert fits(pattern, answer) in (True, False)
    assert fits(pattern, "a" * (LONGEST - 1) + "!") in (True, False)


# -- set, action, ai, transfer, end ----------------------------------------------------------------


def test_what_a_customer_writes_is_never_read_as_a_variable() -> None:
    flow = made(ask("a", next="b"), ask("b"), {"name": "end", "kind": "end", "text": "{v_a} {v_b}"})
    assert said(answered(flow, "{v_b}", "{{segredo}}")) == ["{v_b} {{segredo}}"]


def test_values_are_set_from_what_was_known_before() -> None:
    swap = {"name": "swap", "kind": "set", "values": {"v_a": "{v_b}", "v_b": "{v_a}", "n": 3, "y": True}, "next": "end"}
    end = {"name": "end", "kind": "end", "text": "{v_a} {v_b} {n} {y}"}
    assert said(answered(made(ask("a", next="b"), ask("b", next="swap"), swap, end), "1", "2")) == ["2 1 3 true"]


def test_an_action_is_awaited() -> None:
    bye = {"name": "bye", "kind": "end", "text": "{table}"}
    flow = made(action(into="table", next="bye"), bye, END)
    moment = start(flow, NOW)
    [call] = moment.effects
    assert isinstance(call, Call)
    assert moment.wake_at_ms == NOW + 60_000
    waiting = step(flow, state(moment), ["alô?"], NOW + 1)
    assert (waiting.effects, waiting.state, waiting.wake_at_ms) == ((), moment.state, moment.wake_at_ms)
    assert reasons(waiting) == ["action_awaited"]
    assert said(resume(flow, state(moment), Result(call.id, "7"), NOW)) == ["7"]
    late = resume(flow, state(moment), Result("act:1", "7"), NOW)
    assert (late.effects, late.state, reasons(late)) == ((), moment.state, ["late_result"])


def test_an_action_may_fail_or_say_nothing() -> None:
    flow = made(action(**{"else": "sorry"}), {"name": "sorry", "kind": "end", "reason": "sorry"}, END)
    moment = start(flow, NOW)
    [call] = moment.effects
    assert isinstance(call, Call)
    failed = resume(flow, state(moment), Result(call.id, failed="http_500"), NOW)
    assert failed.trail == (("act", "failed:http_500"), ("sorry", "sorry"))
    silent = timed_out(flow, state(moment), NOW + 60_000)
    assert silent.trail == (("act", "timeout"), ("sorry", "sorry"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "x" * 10_000, None, True])
def test_whatever_an_action_gives_can_be_kept(value: Any) -> None:
    flow = made(action(into="v", next="q"), ask("q", text="{v}?"), END)
    moment = start(flow, NOW)
    [call] = moment.effects
    assert isinstance(call, Call)
    asked = resume(flow, state(moment), Result(call.id, value), NOW)
    assert State.from_dict(orjson.loads(orjson.dumps(state(asked).to_dict()))) == asked.state
    assert len(said(asked)[0]) <= 4097


def test_a_result_that_nobody_awaits_does_nothing() -> None:
    flow = made(ask(), END)
    moment = start(flow, NOW)
    late = resume(flow, state(moment), Result("q:1", 3), NOW)
    assert (late.effects, late.state) == ((), moment.state)


def test_the_assistant_answers_once_and_the_flow_goes_on() -> None:
    moment = start(made(talk(next="end"), {**END, "text": "Algo mais?"}), NOW)
    assert moment.effects == (Assist("Be short."), Say("Algo mais?"), End("finished"))


def test_the_assistant_answers_the_question_it_asked_for() -> None:
    flow = made(talk(text="Qual a dúvida?"), END)
    moment = start(flow, NOW)
    assert moment.effects == (Say("Qual a dúvida?"),)
    assert step(flow, state(moment), ["abre domingo?"], NOW).effects == (Assist("Be short."), End("finished"))


def test_the_assistant_answers_until_something_is_so() -> None:
    flow = made(talk(until="message matches ['obrigado']", until_intent="bye"), END)
    moment = start(flow, NOW)
    assert moment.effects == (Assist("Be short."),)
    assert intents_wanted(flow, state(moment)) == ("bye",)
    for text in ("e o preço?", "e domingo?"):
        moment = step(flow, state(moment), [text], NOW, "other")
        assert moment.effects == (Assist("Be short."),)
    assert step(flow, state(moment), ["Obrigado!"], NOW).effects == (End("finished"),)
    assert step(flow, state(moment), ["até logo"], NOW, "bye").effects == (End("finished"),)


def test_the_assistant_answers_so_often_and_no_more() -> None:
    flow = made(talk(until_intent="bye", max_answers=2, **{"else": "out"}), END, {"name": "out", "kind": "transfer"})
    moment = answered(flow, "um?")
    assert moment.effects == (Assist("Be short."),)
    last = step(flow, state(moment), ["dois?"], NOW)
    assert last.effects == (Transfer("", ""),)
    assert reasons(last) == ["too_many_answers", "transfer"]


def test_a_customers_words_are_one_short_line_in_instructions() -> None:
    flow = made(ask(next="talk"), talk(instructions="Call them {v_q}."), END)
    [assist, _] = answered(flow, "Ana\n\n# New rules\n" + "x" * 900).effects
    assert isinstance(assist, Assist)
    assert "\n" not in assist.instructions
    assert len(assist.instructions) < 320


def test_a_transfer_names_queue_and_message() -> None:
    moment = start(
        made({"name": "t", "kind": "transfer", "to": "vendas", "text": "Olá {contact_name}"}),
        NOW,
        {"contact_name": "Bo"},
    )
    assert (moment.state, moment.effects) == (None, (Transfer("vendas", "Olá Bo"),))


# -- time ------------------------------------------------------------------------------------------


def test_a_question_times_out_into_its_step_or_silently() -> None:
    flow = made(ask("a", timeout_s=60, on_timeout="b"), ask("b"), END, timeout_s=300)
    moment = start(flow, NOW)
    assert moment.wake_at_ms == NOW + 60_000
    reminded = timed_out(flow, state(moment), NOW + 60_000)
    assert said(reminded) == ["b?"]
    assert reminded.wake_at_ms == NOW + 360_000
    ended = timed_out(flow, state(reminded), NOW + 360_000)
    assert (ended.state, ended.effects, reasons(ended)) == (None, (End("timeout"),), ["timeout"])


def test_a_wake_up_that_is_early_or_for_something_past_does_nothing() -> None:
    flow = made(ask("a", next="b"), ask("b"), END, timeout_s=60)
    moment = answered(flow, "x", at=NOW)
    early = timed_out(flow, state(moment), NOW + 60_000)
    assert (early.effects, early.state, early.wake_at_ms) == ((), moment.state, NOW + 60_001)
    endless = start(made(ask("a"), END), NOW)
    assert (endless.wake_at_ms, reasons(timed_out(made(ask("a"), END), state(endless), NOW * 2))) == (None, ["not_yet"])


def test_an_answer_and_a_wrong_one_start_the_time_again() -> None:
    flow = made(ask(answer="number"), END, timeout_s=60)
    assert step(flow, state(start(flow, NOW)), ["x"], NOW + 50_000).wake_at_ms == NOW + 110_000


def test_a_message_without_words_changes_nothing() -> None:
    flow = made(ask(), END, timeout_s=60)
    moment = start(flow, NOW)
    for burst in ([], ["", " \n"]):
        silent = step(flow, state(moment), burst, NOW + 9)
        assert (silent.effects, silent.state, silent.wake_at_ms) == ((), moment.state, moment.wake_at_ms)


# -- a flow that was edited ------------------------------------------------------------------------


def test_an_edited_question_goes_on() -> None:
    old, new = made(ask("a", next="b"), ask("b"), END), made(ask("a", next="b"), ask("b", text="B, agora?"), END)
    assert old.version != new.version
    moment = step(new, state(answered(old, "x")), ["y"], NOW)
    assert moment.trail == (("b", "flow_edited"), ("b", "answered"), ("end", "finished"))


def test_a_question_that_is_gone_starts_the_flow_over() -> None:
    old, new = made(ask("a", next="b"), ask("b"), END), made(ask("a"), END)
    moment = step(new, state(answered(old, "x")), ["y"], NOW)
    assert moment.trail == (("b", "started_over"), ("a", "asked"))
    assert state(moment).version == new.version
    assert state(moment).variables == {"message": "y", "intent": ""}
    gone = timed_out(new, state(answered(old, "x")), NOW)
    assert (gone.state, gone.effects) == (None, (End("timeout"),))


def test_going_back_passes_over_what_is_gone() -> None:
    old = made(ask("a", next="b"), ask("b", next="c"), ask("c"), END)
    new = made(ask("a", next="c"), ask("c"), END)
    assert state(step(new, state(answered(old, "1", "2")), ["voltar"], NOW)).step == "a"


def test_an_action_that_became_a_question_can_be_left() -> None:
    old, new = made(action("a"), END), made(ask("a"), END)
    assert state(step(new, state(start(old, NOW)), ["voltar"], NOW)).step == "a"


def test_a_state_of_another_flow_starts_this_one() -> None:
    other = made(ask(), END, name="other")
    moment = step(made(ask(), END), state(start(other, NOW)), ["x"], NOW)
    assert moment.trail == (("q", "started_over"), ("q", "asked"))


def test_the_version_is_of_the_content_and_not_of_its_order() -> None:
    one = parse('{"name": "n", "start": "e", "steps": [{"name": "e", "kind": "end"}]}', source="a.json")
    two = parse('start = "e"\nname = "n"\n[[steps]]\nkind = "end"\nname = "e"\n', source="b.toml")
    assert one.version == two.version


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"flow": "x"},
        {"history": 3},
        {"flow": "f", "version": "v", "step": "s", "tries": "x", "asked_at": 0, "variables": {}, "history": []},
    ],
)
def test_what_is_no_state_is_refused(kept: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no state of a flow"):
        State.from_dict(kept)


def test_no_repr_tells_what_a_customer_wrote() -> None:
    flow = made(ask("a", next="b"), ask("b"), END)
    assert "segredo" not in repr(answered(flow, "segredo").state)


# -- what is wrong with a file ---------------------------------------------------------------------


def _options(many: int) -> list[dict[str, str]]:
    return [{"title": f"Opção {n}", "next": "end"} for n in range(many)]


BAD: dict[str, tuple[str, list[str]]] = {
    "no JSON": ("{", ["flow.json: is no valid JSON"]),
    "no table": ("[]", ["holds no flow"]),
    "a key twice": ('{"name": "a", "name": "b"}', ["'name'", "twice"]),
    "half a letter": ('{"name": "\\ud800"}', ["is no valid JSON"]),
    "nothing": ("{}", ["name is missing", "start is missing", "steps is missing"]),
    "no start": (_json(END, start=""), ["start is missing: name the step the flow begins with"]),
    "start nowhere": (_json(END, start="ende"), ["start = 'ende' is no step; did you mean 'end'?"]),
    "steps no list": (json.dumps({"name": "n", "start": "e", "steps": "x"}), ["steps must be a list"]),
    "a step no table": (json.dumps({"name": "n", "start": "end", "steps": [END, 3]}), ["each with name and kind"]),
    "unknown key above": (_json(END, langage="pt"), ["unknown key 'langage'; did you mean 'language'?"]),
    "time zone": (_json(END, timezone="Brasil"), ["timezone = 'Brasil' is no time zone, e.g. America/Sao_Paulo"]),
    "timeout of the flow": (_json(END, timeout_s=-1), ["timeout_s = -1 is not within 0 (never)"]),
    "name of a step": (_json({"name": "um dois", "kind": "end"}), ["step 'um dois': name must be a letter"]),
    "no name": (_json(END, {"kind": "end"}), ["step 2: name must be a letter"]),
    "two alike": (_json(ask(), END, END), ["step 'end': two steps are named so; names are unique"]),
    "unknown kind": (
        _json({"name": "q", "kind": "aks"}),
        ["step 'q': kind = 'aks' is no kind of step; did you mean 'ask'?"],
    ),
    "unknown key": (_json(ask(txt="x"), END), ["step 'q': unknown key 'txt'; did you mean 'text'?"]),
    "key of another kind": (_json({**END, "next": "end"}), ["step 'end': unknown key 'next'"]),
    "a wrong type": (_json(ask(max_tries="3"), END), ["step 'q': max_tries must be a whole number"]),
    "a truth for a number": (_json(ask(max_tries=True), END), ["step 'q': max_tries must be a whole number"]),
    "tries": (_json(ask(max_tries=0), END), ["step 'q': max_tries = 0 is not within 1 and 100"]),
    "no text": (_json({**ask(), "text": ""}, END), ["step 'q': text is missing"]),
    "falls off": (
        _json({"name": "s", "kind": "say", "text": "x"}),
        ["step 's': next is missing: the flow would fall off"],
    ),
    "target": (_json(ask(next="edn"), END), ["step 'q': next leads to 'edn', which is no step; did you mean 'end'?"]),
    "target of else": (_json(ask(**{"else": "x9"}), END), ["step 'q': else leads to 'x9'", "there are: q, end"]),
    "target of time": (_json(ask(on_timeout="ennd"), END), ["step 'q': on_timeout leads to 'ennd'", "'end'?"]),
    "target of an option": (
        _json(choose(options=[{"title": "A", "next": "ed"}, {"title": "B", "next": "end"}]), END),
        ["step 'menu': option 'A' leads to 'ed', which is no step; did you mean 'end'?"],
    ),
    "option without target": (
        _json(choose(options=[{"title": "A"}]), END),
        ["step 'menu': option 1: next is missing: where 'A' leads"],
    ),
    "option with a target in a question": (
        _json(ask(answer="choice", options=[{"title": "A", "next": "end"}]), END),
        ["step 'q': option 1: unknown key 'next'"],
    ),
    "option no table": (_json(choose(options=["A"]), END), ["step 'menu': option 1: must be a table with a title"]),
    "option without title": (_json(choose(options=[{"next": "end"}]), END), ["option 1: title must be one line"]),
    "option of signs": (_json(choose(options=[{"title": "!!", "next": "end"}]), END), ["no letter or digit"]),
    "words of an option": (
        _json(choose(options=[{"title": "A", "next": "end", "words": [1]}]), END),
        ["words must be a list of texts"],
    ),
    "options alike": (
        _json(choose(options=[{"title": "Sim!", "next": "end"}, {"title": "sim", "next": "end"}]), END),
        ["step 'menu': two options are called 'Sim!'"],
    ),
    "option cancels": (
        _json(choose(options=[{"title": "Cancelar", "next": "end"}]), END),
        ["option 'Cancelar': by this word customers leave"],
    ),
    "too many options": (
        _json(choose(options=_options(21)), END),
        ["21 options are too many to choose by number: at most 20"],
    ),
    "no options": (_json(choose(options=[]), END), ["step 'menu': options is missing"]),
    "a choice of nothing": (
        _json(ask(answer="choice"), END),
        ['options is missing: answer = "choice" needs what to choose from'],
    ),
    "kind of answer": (_json(ask(answer="mail"), END), ["answer = 'mail' is no kind of answer; did you mean 'email'?"]),
    "key of another answer": (
        _json(ask(answer="email", min=3), END),
        ["min says nothing about answer = 'email', only about text and number and date"],
    ),
    "min above max": (_json(ask(answer="number", min=3, max=1), END), ["step 'q': min (3) is above max (1)"]),
    "min of a text": (_json(ask(min=0), END), ["step 'q': min must be 1 to 4096 characters"]),
    "min of a date": (
        _json(ask(answer="date", min="tomorow"), END),
        ["min = 'tomorow' is no date: write it as 2026-12-25, or today"],
    ),
    "order": (_json(ask(answer="date", order="ymd"), END), ["order = 'ymd' is neither dmy nor mdy"]),
    "country": (_json(ask(answer="phone", country="+55"), END), ["country must be its digits, e.g. 55"]),
    "pattern": (_json(ask(pattern="(a+)+"), END), ["step 'q': pattern could keep the server busy"]),
    "no pattern": (_json(ask(pattern="(a"), END), ["step 'q': pattern is no pattern"]),
    "too long": (_json({**END, "text": "x" * 4097}), ["step 'end': text has 4097 characters, at most 4096 fit"]),
    "too long a value": (
        _json({"name": "s", "kind": "set", "values": {"a": "x" * 4097}, "next": "end"}, END),
        ["values.a has 4097"],
    ),
    "a value no value": (
        _json({"name": "s", "kind": "set", "values": {"a": []}, "next": "end"}, END),
        ["values.a must be a text"],
    ),
    "a value no number": (_json(action(arguments={"a": 10**40}), END), ["arguments.a must be a text, a number"]),
    "variable": (
        _json(ask(), {**END, "text": "Olá {v_p}"}),
        ["step 'end': nothing is ever put into the variable 'v_p'; did you mean 'v_q'?"],
    ),
    "variable of a condition": (
        _json({"name": "c", "kind": "condition", "if": "xy > 3", "next": "end", "else": "end"}, END),
        ["step 'c': nothing is ever put into the variable 'xy'"],
    ),
    "variable when cancelled": (
        _json(END, cancelled="Até, {nome}"),
        ["cancelled: nothing is ever put into the variable 'nome'"],
    ),
    "ours": (_json(ask(into="message"), END), ["step 'q': 'message' is filled by recado"]),
    "variable's name": (_json(ask(into="o nome"), END), ["step 'q': 'o nome' is no name of a variable"]),
    "a bracket alone": (_json({**END, "text": "a { b"}), ["step 'end': a { or } stands alone; variables are {name}"]),
    "condition": (
        _json({"name": "c", "kind": "condition", "if": "message is 3", "next": "end", "else": "end"}, END),
        ["step 'c': if: after 'message' expected one of equals"],
    ),
    "until": (_json(talk(until="message"), END), ["step 'talk': until: after 'message' expected"]),
    "answers without a way": (
        _json(talk(until_intent="x", max_answers=3), END),
        ["else is missing: where the flow goes after max_answers"],
    ),
    "reason": (_json({**END, "reason": "tudo bem"}), ["step 'end': reason must be one word"]),
    "unreached": (_json(END, {"name": "far", "kind": "end"}), ["step 'far': no way leads here"]),
    "a loop": (
        _json(
            {"name": "a", "kind": "say", "text": "x", "next": "b"},
            {"name": "b", "kind": "say", "text": "x", "next": "a"},
        ),
        ["step 'a': a loop without an answer in it (a → b → a); put a question into it"],
    ),
    "a loop of an action": (
        _json(action("a", **{"else": "a"}), END),
        ["step 'a': a loop without an answer in it (a → a)"],
    ),
    "a loop of the assistant": (_json(talk("a", next="a")), ["step 'a': a loop without an answer in it"]),
    "a loop of time": (
        _json(ask("a", on_timeout="b"), {"name": "b", "kind": "say", "text": "Ainda aí?", "next": "a"}, END),
        ["step 'a': a loop without an answer in it (a → b → a)"],
    ),
    "too many steps": (
        _json(END, *({"name": f"s{n}", "kind": "end"} for n in range(500))),
        ["steps: at most 500 tables"],
    ),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=list(BAD))
def test_a_mistake_is_named_placed_and_cured(text: str, words: list[str]) -> None:
    told = problems(text)
    assert [word for word in words if word not in told] == []
    assert all(line.startswith("flow.json: ") for line in told.splitlines())


def test_toml_that_is_none_is_said() -> None:
    assert "flow.toml: is no valid TOML" in problems("name = ", "flow.toml")
    assert "'a': name must" not in problems('name = "n"\n[[steps]]\nname = "a"\nkind = 3', "flow.toml")


def test_all_mistakes_are_told_at_once() -> None:
    told = problems(_json(ask(next="nowhere", txt="x", max_tries=0), {**END, "text": "{b}"})).splitlines()
    assert len(told) == len(set(told)) == 4


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "name",
                        "kind",
                        "steps",
                        "start",
                        "text",
                        "next",
                        "options",
                        "title",
                        "else",
                        "if",
                        "until",
                        "values",
                        "arguments",
                        "min",
                        "max",
                        "answer",
                        "timeout_s",
                        "words",
                        "into",
                        "max_answers",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_a_file_holds_the_mistakes_are_told(raw: Any) -> None:
    for value in (
        raw,
        {"name": "n", "start": "s", "steps": [raw]},
        {"name": "n", "start": "s", "steps": [{"name": "s", "kind": "ask", **raw} if isinstance(raw, dict) else raw]},
    ):
        try:
            parse(json.dumps(value), source="f.json")
        except FlowError:
            continue


# -- random flows ----------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    [
        "1",
        "2",
        "a primeira",
        "sim",
        "qualquer coisa",
        "voltar",
        "Ana",
        "25/12/2030",
        "é 7",
        "a@b.co",
        "",
        "返回",
        "9",
        "529.982.247-25",
        "{x}",
        "obrigado",
    ]
)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Sound flows: whatever leads on without an answer leads forward."""
    many = draw(st.integers(1, 9))
    steps = [_random(draw, n, many) for n in range(many)]
    ends = [{"name": f"s{many}", "kind": "end", "text": "{x} {message}"}, {"name": "out", "kind": "transfer"}]
    raw = {each["name"]: each for each in [*steps, *ends]}
    reached, left = set[str](), ["s0"]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            each = raw[name]
            left += [each[key] for key in ("next", "else", "on_timeout") if key in each]
            left += [o["next"] for o in each.get("options", ()) if isinstance(o, dict) and "next" in o]
    declared = {"name": "s0a", "kind": "set", "values": {"x": "0"}, "next": "s0"}
    return made(
        declared, *(each for name, each in raw.items() if name in reached), timeout_s=draw(st.sampled_from([0, 60]))
    )


def _random(draw: st.DrawFn, n: int, many: int) -> dict[str, Any]:
    anywhere = st.integers(0, many).map(lambda m: f"s{m}") | st.just("out")
    forward = st.integers(n + 1, many).map(lambda m: f"s{m}") | st.just("out")
    name = {"name": f"s{n}"}
    kind = draw(st.sampled_from(["say", "ask", "choice", "choose", "condition", "set", "action", "ai", "talk", "chat"]))
    late = {"on_timeout": draw(forward)} if draw(st.booleans()) else {}
    failing = {"else": draw(anywhere), "max_tries": draw(st.integers(1, 3))} if draw(st.booleans()) else {}
    match kind:
        case "say":
            return {**name, "kind": "say", "text": "Oi {x}", "next": draw(forward)}
        case "ask":
            answer = draw(st.sampled_from(["text", "number", "date", "email", "phone", "cpf"]))
            return {
                **name,
                "kind": "ask",
                "text": "?",
                "into": "x",
                "answer": answer,
                "next": draw(anywhere),
                **late,
                **failing,
            }
        case "choice":
            return {
                **name,
                "kind": "ask",
                "answer": "choice",
                "options": ["Sim", "Não"],
                "text": "?",
                "into": "x",
                "next": draw(anywhere),
                **late,
                **failing,
            }
        case "choose":
            options = [{"title": f"Opção {k}", "next": draw(anywhere)} for k in range(draw(st.integers(1, 4)))]
            return {**name, "kind": "choose", "text": "?", "options": options, **late, **failing}
        case "condition":
            return {
                **name,
                "kind": "condition",
                "if": "x equals 'Sim' or x > 3",
                "next": draw(forward),
                "else": draw(forward),
            }
        case "set":
            return {**name, "kind": "set", "values": {"x": "{message}!"}, "next": draw(forward)}
        case "action":
            return {
                **name,
                "kind": "action",
                "action": "do",
                "arguments": {"x": "{x}"},
                "into": "x",
                "next": draw(forward),
                "else": draw(forward),
            }
        case "ai":
            return {**name, "kind": "ai", "instructions": "i {x}", "next": draw(forward)}
        case "chat":
            return {**name, "kind": "ai", "text": "?", "instructions": "i", "next": draw(anywhere), **late}
    most = {"max_answers": 2, "else": draw(anywhere)} if draw(st.booleans()) else {}
    return {
        **name,
        "kind": "ai",
        "instructions": "i",
        "until": "message matches 'obrigado'",
        "next": draw(anywhere),
        **most,
        **late,
    }


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.lists(TEXTS, max_size=3), st.integers(0, 200_000)),
        st.tuples(st.just("wake"), st.just([]), st.integers(0, 200_000)),
        st.tuples(st.just("result"), st.sampled_from([["7"], ["failed"], ["late"]]), st.integers(0, 1000)),
    ),
    max_size=12,
)


def moved(flow: Flow, at: State, move: tuple[str, list[str], int], now: int) -> Moment:
    kind, texts, _ = move
    if kind == "step":
        return step(flow, at, texts, now)
    if kind == "wake":
        return timed_out(flow, at, now)
    id = "late" if texts == ["late"] else f"{at.step}:{at.asked_at}"
    return resume(flow, at, Result(id, texts[0], failed="x" if texts == ["failed"] else ""), now)


def through_json(at: State) -> State:
    return State.from_dict(orjson.loads(orjson.dumps(at.to_dict())))


RANDOM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RANDOM
@given(flows(), MOVES)
def test_nothing_breaks_a_flow(flow: Flow, moves: list[tuple[str, list[str], int]]) -> None:
    """It never raises, never goes round by itself, rests only where something can come, and wakes only when due."""
    moment, now = start(flow, NOW), NOW
    for move in moves:
        assert len(moment.effects) <= len(flow.steps) + 1
        assert len(moment.trail) <= 2 * len(flow.steps) + 3
        ended = isinstance(moment.effects[-1], End | Transfer) if moment.effects else False
        assert ended is (moment.state is None)
        assert sum(isinstance(effect, End | Transfer) for effect in moment.effects) <= 1
        if moment.state is None:
            return
        assert flow.steps[moment.state.step].rests
        assert moment.wake_at_ms == wake_at(flow, moment.state)
        now += move[2]
        moment = moved(flow, moment.state, move, now)


@RANDOM
@given(flows(), MOVES)
def test_a_state_survives_being_stored_and_a_replay_is_the_same(
    flow: Flow, moves: list[tuple[str, list[str], int]]
) -> None:
    kept, replayed, now = start(flow, NOW), start(flow, NOW), NOW
    for move in moves:
        assert kept == replayed
        if kept.state is None:
            return
        stored = through_json(kept.state)
        assert stored == kept.state
        now += move[2]
        kept, replayed = moved(flow, kept.state, move, now), moved(flow, stored, move, now)


@RANDOM
@given(flows(), MOVES, st.sampled_from(["cancelar", "Cancel", "取消!"]))
def test_cancelling_always_ends(flow: Flow, moves: list[tuple[str, list[str], int]], word: str) -> None:
    moment, now = start(flow, NOW), NOW
    for move in moves:
        if moment.state is None:
            return
        cancelled = step(flow, moment.state, [word], now)
        assert (cancelled.state, cancelled.effects[-1]) == (None, End("cancelled"))
        now += move[2]
        moment = moved(flow, moment.state, move, now)


@RANDOM
@given(flows(), flows(), MOVES)
def test_a_flow_may_become_any_other_in_between(
    flow: Flow, other: Flow, moves: list[tuple[str, list[str], int]]
) -> None:
    moment, now = start(flow, NOW), NOW
    for n, move in enumerate(moves):
        if moment.state is None:
            return
        now += move[2]
        moment = moved(other if n % 2 else flow, moment.state, move, now)


# -- pictures --------------------------------------------------------------------------------------


@RANDOM
@given(flows())
def test_every_step_and_way_is_in_the_picture(flow: Flow) -> None:
    lines = drawn(flow).splitlines()
    assert lines[0] == "flowchart TD"
    assert len(lines) == 2 + len(flow.steps) + sum(line.count(" -->") for line in lines[2:])
    assert {line.split()[0] for line in as_text(flow).splitlines() if line and not line.startswith(" ")} == {
        "test",
        *flow.steps,
    }


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=60))
def test_no_text_ends_its_box(text: str, title: str) -> None:
    """Between the quotation marks stands nothing that Mermaid reads."""
    try:
        flow = made(choose(text=text, options=[{"title": title, "next": "end"}]), END, name=text)
    except FlowError:
        return
    for line in drawn(flow).splitlines():
        quoted = re.findall(r'"([^"]*)"', line)
        assert all(re.fullmatch(r"(?:[\w .,:!?/+→…-]|#\d+;|<br/>)*", each) for each in quoted)
        assert line.count('"') == 2 * len(quoted)
        assert max(map(len, quoted), default=0) < 1000


def test_signs_of_markup_are_written_as_numbers() -> None:
    text = 'a"b]c)\n<script> `x` #1; ' + "y" * 100
    picture = drawn(made({**END, "text": text}))
    assert '(("end<br/>a#34;b#93;c#41; #60;script#62; #96;x#96; #35;1#59; ' in picture
    assert "y…" in picture


# -- the command and the page ----------------------------------------------------------------------


def test_the_command_draws_a_sound_file() -> None:
    drawing, errors = check_flow(FLOWS / "clinica.toml")
    assert errors == []
    assert "Marcar consulta → convenio" in drawing
    assert check_flow(FLOWS / "clinica.toml", as_mermaid=True)[0].startswith("flowchart TD")


def test_the_command_tells_what_is_wrong(tmp_path: Path) -> None:
    wrong, huge, old = tmp_path / "wrong.toml", tmp_path / "huge.toml", tmp_path / "old.toml"
    wrong.write_text('name = "n"\nstart = "a"\n[[steps]]\nname = "a"\nkind = "sya"\n', "utf-8")
    huge.write_text("#" * (LARGEST + 1))
    old.write_bytes("name = 'ação'".encode("latin-1"))
    assert check_flow(wrong) == ("", [f"{wrong}: step 'a': kind = 'sya' is no kind of step; did you mean 'say'?"])
    assert "larger than" in check_flow(huge)[1][0]
    assert "cannot be read" in check_flow(old)[1][0]
    assert "cannot be read" in check_flow(tmp_path / "none.toml")[1][0]


def test_the_page_shows_the_file_and_its_picture() -> None:
    page = DOCS.read_text("utf-8")
    [example] = re.findall(r"```toml\n(name = \"clinica\".*?)```", page, re.DOTALL)
    assert example == (FLOWS / "clinica.toml").read_text("utf-8")
    [picture] = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert picture == drawn(load_flow(FLOWS / "clinica.toml"))


def test_the_page_explains_every_kind_answer_and_key() -> None:
    explained = set(re.findall(r"`([^`\n]+)`", DOCS.read_text("utf-8")))
    keys = {key for each in (*KEYS.values(), TOP, OF_OPTION) for key in each}
    answers = {*OF_ANSWERS["min"], "choice", "email", "phone", "cpf"}
    assert {*keys, *KEYS, *answers, *GIVEN, *OPERATORS} - explained == set()


# -- the row in the configuration ------------------------------------------------------------------


def test_a_row_names_a_trigger_and_a_file() -> None:
    row = FlowTrigger(value=("marcar",), file="clinica.toml")
    assert matches(row, ["quero marcar consulta"])
    assert not matches(FlowTrigger(trigger="none", file="clinica.JSON"), ["marcar"])


@pytest.mark.parametrize(
    "row",
    [{"trigger": "all"}, {"trigger": "all", "file": ""}, {"trigger": "all", "file": "x.yaml"}, {"file": "x.toml"}],
)
def test_a_row_without_either_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"file|value is missing"):
        FlowTrigger.model_validate(row)
