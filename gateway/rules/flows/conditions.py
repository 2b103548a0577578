"""The questions a flow may ask of its variables: a language of one line, read at load and never evaluated as code.

    cidade equals 'Campinas'                pessoas > 4 and not horario empty
    cidade in ['Campinas', 'Valinhos']      message matches ['boleto', 'segunda via']

Comparisons: `equals`, `in`, `>`, `<`, `empty`, `matches`. They are joined by `and` and `or` (`and` first), and turned
by `not`. Texts are compared without case and accents; `matches` looks for whole words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.rules.flows.words import folded, within

OPERATORS = ("equals", "in", ">", "<", "empty", "matches")
Plain = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    variable: str
    operator: str
    values: Sequence[Plain] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """True when all comparisons of one row are."""

    rows: Sequence[Sequence[Comparison]]
    written: str

    @property
    def variables(self) -> Iterator[str]:
        return (comparison.variable for row in self.rows for comparison in row)


class Unreadable(ValueError):
    """The condition is none. The text says what was expected where."""


TOKEN = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|(-?\d+(?:\.\d+)?)|([^\W\d]\w*)|([<>\[\],]))""")
NOTHING = ("", "")


def condition(written: str) -> Condition:
    """Raises Unreadable."""
    tokens = _tokens(written)
    rows: list[list[Comparison]] = [[]]
    while True:
        rows[-1].append(_comparison(tokens))
        joint = tokens.pop(0) if tokens else NOTHING
        if joint == NOTHING:
            return Condition(tuple(map(tuple, rows)), written.strip())
        if joint not in (("word", "and"), ("word", "or")):
            raise Unreadable(f"expected and, or, or the end, not {joint[1]!r}")
        if joint[1] == "or":
            rows.append([])


def _tokens(written: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while written[at:].strip():
        found = TOKEN.match(written, at)
        if not found:
            raise Unreadable(f"cannot read {written[at:].strip()[:20]!r}; texts stand in quotation marks")
        kind = ("text", "text", "number", "word", "sign")[(found.lastindex or 1) - 1]
        tokens.append((kind, found[found.lastindex or 1]))
        at = found.end()
    return tokens


def _comparison(tokens: list[tuple[str, str]]) -> Comparison:
    negated = bool(tokens) and tokens[0] == ("word", "not")
    if negated:
        tokens.pop(0)
    kind, variable = tokens.pop(0) if tokens else NOTHING
    if kind != "word":
        raise Unreadable(f"expected a variable's name, not {variable!r}")
    operator = tokens.pop(0)[1] if tokens else ""
    if operator not in OPERATORS:
        raise Unreadable(f"after {variable!r} expected one of {', '.join(OPERATORS)}, not {operator!r}")
    values = () if operator == "empty" else _values(tokens, operator)
    return Comparison(variable, operator, values, negated)


def _values(tokens: list[tuple[str, str]], operator: str) -> tuple[Plain, ...]:
    listed = bool(tokens) and tokens[0] == ("sign", "[")
    if listed != (operator == "in") and operator != "matches":
        raise Unreadable(f"after {operator!r} expected {'a list in [ ]' if operator == 'in' else 'one value'}")
    if not listed:
        return (_value(tokens),)
    tokens.pop(0)
    values = [_value(tokens)]
    while tokens and tokens[0] == ("sign", ","):
        tokens.pop(0)
        values.append(_value(tokens))
    if not tokens or tokens.pop(0) != ("sign", "]"):
        raise Unreadable("expected ] after the list")
    return tuple(values)


def _value(tokens: list[tuple[str, str]]) -> Plain:
    kind, text = tokens.pop(0) if tokens else NOTHING
    if kind == "number":
        return float(text) if "." in text else int(text)
    if kind == "word" and text in ("true", "false"):
        return text == "true"
    if kind != "text":
        raise Unreadable(f"expected a number or a text in quotation marks, not {text!r}")
    return text


def holds(condition: Condition, variables: Mapping[str, Plain]) -> bool:
    """Whether it is true. A variable without a value is empty, and neither more nor less than anything."""
    return any(all(_true(each, variables.get(each.variable, "")) for each in row) for row in condition.rows)


def _true(asked: Comparison, value: Plain) -> bool:
    return _compared(asked, value) is not asked.negated


def _compared(asked: Comparison, value: Plain) -> bool:
    match asked.operator:
        case "empty":
            return isinstance(value, str) and not value.strip()
        case "equals" | "in":
            return any(_alike(value, each) for each in asked.values)
        case "matches":
            return any(within(folded(str(each)), folded(str(value))) for each in asked.values)
        case sign:
            return _ordered(sign, value, asked.values[0])


def _alike(one: Plain, other: Plain) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return _plain(one) == _plain(other)
    numbers = _number(one), _number(other)
    return numbers[0] == numbers[1] if None not in numbers else _plain(one) == _plain(other)


def _ordered(sign: str, one: Plain, other: Plain) -> bool:
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return first > second if sign == ">" else first < second
    dates = str(one), str(other)
    if not all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates):
        return False
    return dates[0] > dates[1] if sign == ">" else dates[0] < dates[1]


def _number(value: Plain) -> float | None:
    """Of a text too: what came from an action may be written so."""
    if isinstance(value, int | float):
        return float(value)
    return float(value) if re.fullmatch(r"\s*-?\d{1,15}(?:\.\d{1,15})?\s*", value) else None


def _plain(value: Plain) -> str:
    """A yes of an action and the word for it are alike."""
    return str(value).lower() if isinstance(value, bool) else folded(value) if isinstance(value, str) else str(value)
