"""What a hosted model is told, and when."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.assistants.base import Ask
from gateway.assistants.briefing import CHOOSE, instructions
from gateway.rules.directing import DirectiveGate

ASK = Ask("c_42", "You are Ana.", "pt-BR", (), "Oi", "Ação: Transferir")


def test_only_an_assistant_that_may_choose_is_told_how() -> None:
    assert CHOOSE not in instructions(ASK)
    told = instructions(replace(ASK, may_choose=True))
    assert told.count(CHOOSE) == 1
    assert told.index("You are Ana.") < told.index(CHOOSE) < told.index(ASK.marker)


def test_the_words_it_is_told_are_those_that_are_understood() -> None:
    written = set(re.findall(r"\[\[\w+\]\]", CHOOSE))
    assert {_directive(word) for word in written} == {"voice", "text"}
    assert len(written) == 2


def _directive(word: str) -> str:
    gate = DirectiveGate()
    gate.feed(f"{word}\nOi")
    return gate.directive
