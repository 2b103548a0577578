"""How the steps of a flow hang together: names, targets, options, variables, ways in, ways round. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from gateway.rules.flows.model import GIVEN, Flow, Step
from gateway.rules.flows.words import cancels, folded

VARIABLE = re.compile(r"[^\W\d_]\w{0,63}")
HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
"""`{name}` is a variable; `{{` and `}}` are brackets."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    known = list(right)
    near = difflib.get_close_matches(wrong, known, 1, 0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a flow names outside of itself; whoever configures it checks that it is there."""

    queues: Mapping[str, str]
    """By the transfer that leads there; those that name none are left out."""
    actions: Sequence[str]
    intents: Sequence[str]


def needs(flow: Flow) -> Needs:
    steps = flow.steps.values()
    return Needs(
        {step.name: step.to for step in steps if step.to},
        sorted({step.action for step in steps if step.action}),
        sorted({step.until_intent for step in steps if step.until_intent}),
    )


def problems_between(flow: Flow, names: Sequence[str]) -> Iterator[str]:
    """`names`: of all steps as written, also where two are alike."""
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        yield f"step {name!r}: two steps are named so; names are unique"
    targets = [*_targets(flow)]
    yield from targets
    yield from _titles(flow)
    yield from _variables(flow)
    if not targets:
        yield from _unreached(flow)
        yield from _rounds(flow)


def ways(step: Step) -> Iterator[tuple[str, str]]:
    """(what leads there, the step it names); empty names left out."""
    yield from ((f"option {option.title!r}", option.next) for option in step.options if option.next)
    named = (("next", step.next), ("else", step.otherwise), ("on_timeout", step.on_timeout))
    yield from ((key, target) for key, target in named if target)


def _targets(flow: Flow) -> Iterator[str]:
    if flow.start and flow.start not in flow.steps:
        yield f"start = {flow.start!r} is no step{nearest(flow.start, flow.steps)}"
    for step in flow.steps.values():
        for key, target in ways(step):
            if target not in flow.steps:
                yield f"step {step.name!r}: {key} leads to {target!r}, which is no step{nearest(target, flow.steps)}"


def _titles(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        names = [(option, folded(name)) for option in step.options for name in (option.title, *option.words)]
        for option, name in names:
            if any(name == other and option is not another for another, other in names):
                yield f"step {step.name!r}: two options are called {option.title!r}; nobody could tell them apart"
            if not name:
                yield f"step {step.name!r}: option {option.title!r} has no letter or digit that a customer could write"
            if cancels(name):
                cure = 'call it otherwise, e.g. "Desmarcar"'
                yield f"step {step.name!r}: option {option.title!r}: by this word customers leave the flow; {cure}"


# -- variables -------------------------------------------------------------------------------------


def _variables(flow: Flow) -> Iterator[str]:
    put = {name for step in flow.steps.values() for name in (step.into, *step.values) if name}
    for step in flow.steps.values():
        for name in (step.into, *step.values):
            if name in GIVEN:
                yield f"step {step.name!r}: {name!r} is filled by recado; put the value into another variable"
            elif name and not VARIABLE.fullmatch(name):
                yield f"step {step.name!r}: {name!r} is no name of a variable: a letter, then letters, digits and _"
        yield from _unknown(f"step {step.name!r}", _used(step), put)
    yield from _unknown("cancelled", _named_in(flow.cancelled), put)
    yield from _holes(flow)


def _unknown(where: str, used: Iterable[str], put: Set[str]) -> Iterator[str]:
    for name in used:
        if name not in put and name not in GIVEN:
            yield f"{where}: nothing is ever put into the variable {name!r}{nearest(name, [*sorted(put), *GIVEN])}"


def _used(step: Step) -> Iterator[str]:
    yield from step.condition.variables if step.condition else ()
    for text in _texts(step):
        yield from _named_in(text)


def _named_in(text: str) -> Iterator[str]:
    return (found[1] for found in HOLE.finditer(text) if found[1] is not None)


def _texts(step: Step) -> Iterator[str]:
    yield from (step.text, step.retry, step.instructions)
    yield from (str(value) for table in (step.values, step.arguments) for value in table.values())


def _holes(flow: Flow) -> Iterator[str]:
    texts = {f"step {step.name!r}": [*_texts(step)] for step in flow.steps.values()}
    for where, written in {**texts, "cancelled": [flow.cancelled]}.items():
        if any(found[0] in "{}" for text in written for found in HOLE.finditer(text)):
            yield f"{where}: a {{ or }} stands alone; variables are {{name}}, brackets are written {{{{ and }}}}"


# -- ways ------------------------------------------------------------------------------------------


def _unreached(flow: Flow) -> Iterator[str]:
    seen, left = set[str](), [flow.start]
    while left:
        name = left.pop()
        if name in flow.steps and name not in seen:
            seen.add(name)
            left += [target for _, target in ways(flow.steps[name])]
    for name in flow.steps:
        if flow.start in flow.steps and name not in seen:
            yield f"step {name!r}: no way leads here; let a step name it, or take it out"


def _rounds(flow: Flow) -> Iterator[str]:
    """Loops in which nobody says anything. A question that times out is walked through without an answer."""
    unasked = {step.name: [*_unasked(step)] for step in flow.steps.values()}
    done: set[str] = set()
    for name in unasked:
        if name not in done and (loop := _loop(name, unasked, done)):
            told = " → ".join([*loop, loop[0]])
            yield f"step {loop[0]!r}: a loop without an answer in it ({told}); put a question into it, or lead it out"


def _unasked(step: Step) -> Iterator[str]:
    return (target for key, target in ways(step) if not step.waits or key == "on_timeout")


def _loop(first: str, ways: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """The first loop that is met from here; marks what was looked at. No recursion: a flow may be long."""
    path, left = [first], [iter(ways[first])]
    while path:
        step = next(left[-1], None)
        if step is None:
            done.add(path.pop())
            left.pop()
        elif step in path:
            done.update(path)
            return path[path.index(step) :]
        elif step not in done:
            path.append(step)
            left.append(iter(ways[step]))
    return []
