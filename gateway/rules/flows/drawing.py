"""A flow as a picture: Mermaid for pages, lines for terminals. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.rules.flows.checking import ways
from gateway.rules.flows.model import Flow, Step

CUT = 60
"""Characters of a text in a box."""
_SAFE = re.compile(r"[\w .,:!?/+→…-]")
_SHAPES = {
    "ask": ("[/", "/]"),
    "choose": ("{{", "}}"),
    "condition": ("{", "}"),
    "action": ("[[", "]]"),
    "ai": ("([", "])"),
    "transfer": ("((", "))"),
    "end": ("((", "))"),
}


def drawn(flow: Flow) -> str:
    """A Mermaid flowchart. Whatever the texts hold, they end no box and become no markup."""
    ids = {name: f"s{n}" for n, name in enumerate(flow.steps, 1)}
    lines = ["flowchart TD", f"    start(({_quoted(flow.name)})) --> {ids[flow.start]}"]
    lines += [f"    {ids[step.name]}{_box(step)}" for step in flow.steps.values()]
    for step in flow.steps.values():
        lines += [f"    {ids[step.name]} -->{_label(key)} {ids[target]}" for key, target in labelled(step)]
    return "\n".join(lines)


def labelled(step: Step) -> Iterator[tuple[str, str]]:
    """Ways out, as people call them."""
    names = {"else": "not understood" if step.waits else "failed", "on_timeout": "no answer", "next": ""}
    if step.kind == "condition":
        names |= {"next": "yes", "else": "no"}
    if step.kind == "ai":
        names |= {"else": "too many answers"}
    titles = {f"option {option.title!r}": option.title for option in step.options}
    yield from ((names[key] if key in names else titles[key], target) for key, target in ways(step))


def _box(step: Step) -> str:
    opening, closing = _SHAPES.get(step.kind, ("[", "]"))
    return f"{opening}{_quoted(step.name, _gist(step))}{closing}"


def _gist(step: Step) -> str:
    """What a step is about, in one line."""
    match step.kind:
        case "condition":
            return f"{step.condition.written}?" if step.condition else ""
        case "set":
            return ", ".join(f"{name} = {value}" for name, value in step.values.items())
        case "action":
            return f"{step.action}({', '.join(step.arguments)})"
        case "ai":
            return step.text or step.instructions
        case "transfer":
            return f"→ {step.to or 'person'} {step.text}".rstrip()
        case _:
            return step.text


def _quoted(*lines: str) -> str:
    return '"' + "<br/>".join(_escaped(_short(line)) for line in lines if line) + '"'


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= CUT else f"{plain[: CUT - 1].rstrip()}…"


def _escaped(text: str) -> str:
    return "".join(sign if _SAFE.match(sign) else f"#{ord(sign)};" for sign in text)


def _label(text: str) -> str:
    return f"|{_quoted(text)}|" if text else ""


def as_text(flow: Flow) -> str:
    """Every step with where it leads, in the order of the file."""
    lines = [f"{flow.name} ({flow.language}), begins with {flow.start}"]
    for step in flow.steps.values():
        lines += ["", f"{step.name}  [{step.kind}]  {_short(_gist(step))}".rstrip()]
        lines += [f"    {_short(key) or 'then'} → {target}" for key, target in labelled(step)]
    return "\n".join(lines)
