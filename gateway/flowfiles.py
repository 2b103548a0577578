"""Files of flows: read at the start, held against the configuration, and looked at by `recado flow check FILE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gateway.config import Config, ConfigError, Queue
from gateway.rules.flows import Flow, FlowError, as_text, drawn, needs, parse
from gateway.rules.flows.checking import nearest
from gateway.rules.triggers import PERSON

LARGEST = 1_000_000
"""Bytes."""


def load_flow(path: Path) -> Flow:
    """The flow in a TOML or JSON file. Raises FlowError."""
    try:
        if path.stat().st_size > LARGEST:
            raise FlowError(str(path), [f"is larger than {LARGEST} bytes: that is no flow"])
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(str(path), [f"cannot be read: {error}"]) from None
    return parse(text, source=str(path))


def check_flow(path: Path, *, as_mermaid: bool = False) -> tuple[str, list[str]]:
    """(the drawing, nothing) of a sound flow, else ("", what is wrong and what would be right)."""
    try:
        flow = load_flow(path)
    except FlowError as error:
        return "", error.problems
    return drawn(flow) if as_mermaid else as_text(flow), []


def load_flows(config: Config, queue: Queue) -> dict[str, Flow]:
    """The flows of a queue by their files; those that are switched off are not read.

    Raises ConfigError with all that is wrong in any of them: each problem names file, step and cure.
    """
    problems: list[str] = []
    flows: dict[str, Flow] = {}
    for file in dict.fromkeys(row.file for row in queue.flows if row.trigger != "none"):
        try:
            flow = flows[file] = load_flow(Path(file))
        except FlowError as error:
            problems += error.problems
        else:
            problems += [f"{file}: {problem}" for problem in _unmet(flow, config, queue)]
    problems += _twice(flows)
    if problems:
        raise ConfigError(f"queues.{queue.name}.flows", problems)
    return flows


def _twice(flows: Mapping[str, Flow]) -> Iterator[str]:
    """A conversation in a flow knows it by its name."""
    files: dict[str, str] = {}
    for file, flow in flows.items():
        if (other := files.setdefault(flow.name, file)) != file:
            yield f"{file}: name = {flow.name!r} is that of {other} too; names are unique in a queue"


def _unmet(flow: Flow, config: Config, queue: Queue) -> Iterator[str]:
    """What the flow names and nobody has."""
    wanted, people = needs(flow), _people(config)
    for step, to in wanted.queues.items():
        if to not in people:
            yield f"step {step!r}: to = {to!r} is no queue, and no handoff.to or hours.to either{nearest(to, people)}"
    actions = [action.name for action in queue.actions]
    yield from _unknown(flow, "action", wanted.actions, actions, "add it as [[queues.actions]]")
    cure = "add it as an intent that sets a flow off"
    yield from _unknown(flow, "until_intent", wanted.intents, _intents(queue), cure)


def _unknown(flow: Flow, key: str, wanted: Sequence[str], known: Sequence[str], cure: str) -> Iterator[str]:
    for name in wanted:
        if name not in known:
            steps = ", ".join(repr(step.name) for step in flow.steps.values() if getattr(step, key) == name)
            yield f"step {steps}: {key} = {name!r} is unknown to this queue{nearest(name, known)}; {cure}"


def _people(config: Config) -> Sequence[str]:
    """Where a conversation may be transferred to."""
    named = [name for queue in config.queues for name in (queue.name, queue.handoff.to, queue.hours.to) if name]
    return list(dict.fromkeys(named))


def _intents(queue: Queue) -> Sequence[str]:
    triggers = (*queue.flows, *queue.auto_replies)
    return list(dict.fromkeys([*(each.name for each in triggers if each.trigger == "intent"), PERSON]))
