"""From the text of a flow to a Flow that is sound: read, held against the table of keys, built.

What is wrong with how its steps hang together is found by `checking`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.rules.flows.checking import nearest, problems_between
from gateway.rules.flows.conditions import Condition, Unreadable, condition
from gateway.rules.flows.keys import (
    KEYS,
    MAX_OPTIONS,
    MAX_STEPS,
    MAX_TEXT,
    MAX_TIMEOUT_S,
    NAME,
    OF_ANSWERS,
    OF_OPTION,
    REQUIRED,
    SAID,
    TOP,
    TYPES,
)
from gateway.rules.flows.model import Answer, Flow, Kind, Option, Step
from gateway.rules.flows.patterns import Unsafe, checked


class FlowError(Exception):
    """The flow cannot be used. Each problem names the file, the step, and what would be right."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = [f"{source}: {problem}" for problem in problems]
        super().__init__("\n".join(self.problems))


def parse(text: str, *, source: str = "flow.toml") -> Flow:
    """The flow in a text: JSON when `source` ends so, else TOML. Raises FlowError with all that is wrong."""
    raw = _raw(text, source)
    problems: list[str] = []
    flow = _flow(raw, problems)
    problems += problems_between(flow, [_text(step, "name") for step in _tables(raw.get("steps"))])
    if problems:
        raise FlowError(source, list(dict.fromkeys(problems)))
    return flow


def _raw(text: str, source: str) -> dict[str, Any]:
    try:
        raw = json.loads(text, object_pairs_hook=_once) if source.lower().endswith(".json") else tomllib.loads(text)
        json.dumps(raw, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        kind = "JSON" if source.lower().endswith(".json") else "TOML"
        raise FlowError(source, [f"is no valid {kind}: {error}"]) from None
    if not isinstance(raw, dict):
        raise FlowError(source, ["holds no flow: at the top stands a table with name, start and steps"])
    return raw


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = [key for key, _ in pairs]
        raise ValueError(f"the key {max(twice, key=twice.count)!r} stands twice in one object")
    return made


def _tables(given: Any) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    return value if isinstance(value, str) else ""


# -- the whole -------------------------------------------------------------------------------------


def _flow(raw: Mapping[str, Any], problems: list[str]) -> Flow:
    _keys(raw, TOP, "", problems)
    for key in ("name", "start", "steps"):
        if not raw.get(key):
            problems.append(f"{key} is missing{_CURES[key]}")
    steps = _tables(raw.get("steps"))
    if isinstance(raw.get("steps"), list) and (len(steps) < len(raw["steps"]) or len(steps) > MAX_STEPS):
        problems.append(f"steps: at most {MAX_STEPS} tables, each with name and kind")
    built = [_step(n, step, problems) for n, step in enumerate(steps[:MAX_STEPS], 1)]
    timezone = _timezone(_text(raw, "timezone") or "America/Sao_Paulo", problems)
    _length("", raw, "cancelled", problems)
    return Flow(
        name=_text(raw, "name"),
        version=_version(raw),
        language=_text(raw, "language") or "pt-BR",
        start=_text(raw, "start"),
        timeout_s=_timeout("", raw, problems) or 0.0,
        timezone=timezone,
        cancelled=_text(raw, "cancelled"),
        steps={step.name: step for step in built},
    )


_CURES = {
    "name": ': give the flow one, e.g. name = "agendamento"',
    "start": ": name the step the flow begins with",
    "steps": ": write each as [[steps]] with name and kind",
}


def _version(raw: Mapping[str, Any]) -> str:
    plain = json.dumps(raw, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _timezone(name: str, problems: list[str]) -> str:
    try:
        ZoneInfo(name)
        return name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.append(f"timezone = {name!r} is no time zone, e.g. America/Sao_Paulo")
        return "UTC"


def _timeout(where: str, raw: Mapping[str, Any], problems: list[str]) -> float | None:
    seconds = raw.get("timeout_s")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not 0 <= seconds <= MAX_TIMEOUT_S:
        problems.append(f"{where}timeout_s = {seconds} is not within 0 (never) and {MAX_TIMEOUT_S} seconds (30 days)")
        return None
    return float(seconds)


def _keys(raw: Mapping[str, Any], known: Sequence[str], where: str, problems: list[str]) -> None:
    """Only keys that may stand here, each of its type."""
    for key, value in raw.items():
        if key not in known:
            problems.append(f"{where}unknown key {key!r}{nearest(key, known)}")
        elif not isinstance(value, TYPES[key]) or (isinstance(value, bool) and bool not in TYPES[key]):
            problems.append(f"{where}{key} must be {SAID[TYPES[key][-1]]}")


def _length(where: str, raw: Mapping[str, Any], key: str, problems: list[str]) -> None:
    if len(_text(raw, key)) > MAX_TEXT:
        problems.append(f"{where}{key} has {len(_text(raw, key))} characters, at most {MAX_TEXT} fit: make two of it")


# -- one step --------------------------------------------------------------------------------------


def _step(n: int, raw: Mapping[str, Any], problems: list[str]) -> Step:
    name = _text(raw, "name")
    where = f"step {name!r}: " if name else f"step {n}: "
    if not NAME.fullmatch(name):
        problems.append(f"{where}name must be a letter and then letters, digits, - and _, at most 64")
    kind = _text(raw, "kind")
    if kind not in KEYS:
        problems.append(f"{where}kind = {kind!r} is no kind of step{nearest(kind, KEYS)}")
        return Step(name, "end")
    _keys(raw, ("name", "kind", *KEYS[kind]), where, problems)
    _complete(where, kind, raw, problems)
    for key in ("text", "retry", "instructions"):
        _length(where, raw, key, problems)
    return _built(where, cast(Kind, kind), raw, problems)


def _complete(where: str, kind: str, raw: Mapping[str, Any], problems: list[str]) -> None:
    for key in REQUIRED[kind]:
        if not raw.get(key):
            fall = ': the flow would fall off its end here; name a step, e.g. one of kind = "end"'
            problems.append(f"{where}{key} is missing{fall if key in ('next', 'else') else ''}")
    if not NAME.fullmatch(_text(raw, "reason") or "finished"):
        problems.append(f"{where}reason must be one word: a letter, then letters, digits, - and _")
    if kind == "ask":
        _of_answer(where, raw, problems)
    if kind == "ai" and raw.get("max_answers") and not raw.get("else"):
        problems.append(f"{where}else is missing: where the flow goes after max_answers answers")


def _of_answer(where: str, raw: Mapping[str, Any], problems: list[str]) -> None:
    answer, known = _text(raw, "answer") or "text", get_args(Answer)
    if answer not in known:
        problems.append(f"{where}answer = {answer!r} is no kind of answer{nearest(answer, known)}")
        return
    for key, kinds in OF_ANSWERS.items():
        if key in raw and answer not in kinds:
            problems.append(f"{where}{key} says nothing about answer = {answer!r}, only about {' and '.join(kinds)}")
    if answer == "choice" and not raw.get("options"):
        problems.append(f'{where}options is missing: answer = "choice" needs what to choose from')


def _built(where: str, kind: Kind, raw: Mapping[str, Any], problems: list[str]) -> Step:
    texts = {key: _text(raw, key) for key in ("text", "next", "into", "country", "retry", "action", "instructions")}
    texts |= {key: _text(raw, key) for key in ("until_intent", "to", "on_timeout")}
    answer = _text(raw, "answer")
    return Step(
        name=_text(raw, "name"),
        kind=kind,
        **texts,
        otherwise=_text(raw, "else"),
        answer=cast(Answer, answer if answer in get_args(Answer) else "text"),
        **dict(zip(("min", "max"), _limits(where, raw, problems), strict=True)),
        whole=raw.get("whole") is True,
        order=_order(where, raw, problems),
        pattern=_pattern(where, raw, problems),
        max_tries=_count(where, raw, "max_tries", 3, problems),
        max_answers=_count(where, raw, "max_answers", 0, problems),
        options=_options(where, kind, raw, problems),
        condition=_condition(where, raw, problems),
        values=_values(where, raw, "values", problems),
        arguments=_values(where, raw, "arguments", problems),
        reason=_text(raw, "reason") or "finished",
        timeout_s=_timeout(where, raw, problems),
    )


def _limits(where: str, raw: Mapping[str, Any], problems: list[str]) -> list[Any]:
    limits = [_limit(where, raw, key, problems) for key in ("min", "max")]
    comparable = None not in limits and "today" not in limits
    if comparable and isinstance(limits[0], str) is isinstance(limits[1], str) and limits[0] > limits[1]:  # type: ignore[operator]
        problems.append(f"{where}min ({limits[0]}) is above max ({limits[1]})")
    return limits


def _limit(where: str, raw: Mapping[str, Any], key: str, problems: list[str]) -> float | str | None:
    limit, answer = raw.get(key), _text(raw, "answer") or "text"
    if limit is None or answer not in OF_ANSWERS[key]:
        return None
    if answer == "date":
        return _date_limit(where, key, str(limit), problems)
    sound = isinstance(limit, int | float) and not isinstance(limit, bool) and abs(limit) < 1e15
    if not sound or (answer == "text" and not (isinstance(limit, int) and 1 <= limit <= MAX_TEXT)):
        problems.append(f"{where}{key} must be {f'1 to {MAX_TEXT} characters' if answer == 'text' else 'a number'}")
        return None
    return cast(float, limit)


def _date_limit(where: str, key: str, limit: str, problems: list[str]) -> str | None:
    try:
        return limit if limit == "today" else date.fromisoformat(limit).isoformat()
    except ValueError:
        problems.append(f"{where}{key} = {limit!r} is no date: write it as 2026-12-25, or today")
        return None


def _order(where: str, raw: Mapping[str, Any], problems: list[str]) -> Any:
    order = _text(raw, "order") or "dmy"
    if order not in ("dmy", "mdy"):
        problems.append(f"{where}order = {order!r} is neither dmy nor mdy")
    if not re.fullmatch(r"([1-9]\d{0,2})?", _text(raw, "country")):
        problems.append(f"{where}country must be its digits, e.g. 55")
    return order


def _pattern(where: str, raw: Mapping[str, Any], problems: list[str]) -> str:
    try:
        return checked(_text(raw, "pattern")) if _text(raw, "pattern") else ""
    except Unsafe as error:
        problems.append(f"{where}pattern {error}")
        return ""


def _count(where: str, raw: Mapping[str, Any], key: str, default: int, problems: list[str]) -> int:
    count = raw.get(key, default)
    if not isinstance(count, int) or isinstance(count, bool):
        return default
    least = 1 if key == "max_tries" else 0
    if not least <= count <= 100:
        problems.append(f"{where}{key} = {count} is not within {least} and 100")
    return count


def _condition(where: str, raw: Mapping[str, Any], problems: list[str]) -> Condition | None:
    key = "if" if "if" in raw else "until"
    if not _text(raw, key):
        return None
    try:
        return condition(_text(raw, key))
    except Unreadable as error:
        problems.append(f"{where}{key}: {error}")
        return None


def _values(where: str, raw: Mapping[str, Any], key: str, problems: list[str]) -> dict[str, Any]:
    given = raw.get(key)
    values = given if isinstance(given, dict) else {}
    for name, value in values.items():
        if not isinstance(value, str) and not (isinstance(value, int | float) and abs(value) < 1e15):
            problems.append(f"{where}{key}.{name} must be a text, a number, true or false")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            problems.append(f"{where}{key}.{name} has {len(value)} characters, at most {MAX_TEXT} fit")
    return dict(values)


# -- options ---------------------------------------------------------------------------------------


def _options(where: str, kind: str, raw: Mapping[str, Any], problems: list[str]) -> tuple[Option, ...]:
    given = raw.get("options")
    if not isinstance(given, list) or not given:
        return ()
    if len(given) > MAX_OPTIONS:
        problems.append(f"{where}{len(given)} options are too many to choose by number: at most {MAX_OPTIONS}")
    built = [_option(f"{where}option {n}: ", kind, each, problems) for n, each in enumerate(given[:MAX_OPTIONS], 1)]
    return tuple(option for option in built if option)


def _option(where: str, kind: str, given: Any, problems: list[str]) -> Option | None:
    if isinstance(given, str) and kind == "ask":
        given = {"title": given}
    if not isinstance(given, dict):
        problems.append(f"{where}must be {'a text or ' if kind == 'ask' else ''}a table with a title")
        return None
    allowed = OF_OPTION if kind == "choose" else tuple(key for key in OF_OPTION if key != "next")
    _keys(given, allowed, where, problems)
    title, words = _text(given, "title").strip(), given.get("words")
    _titled(where, title, problems)
    if kind == "choose" and not given.get("next"):
        problems.append(f"{where}next is missing: where {title!r} leads")
    sound = isinstance(words, list) and all(isinstance(word, str) for word in words)
    if words is not None and not sound:
        problems.append(f"{where}words must be a list of texts")
    others = tuple(cast(list[str], words)) if sound else ()
    return Option(title, _text(given, "next"), _text(given, "value") or title, others)


def _titled(where: str, title: str, problems: list[str]) -> None:
    if not title or len(title) > 200 or "\n" in title:
        problems.append(f"{where}title must be one line of 1 to 200 characters")
