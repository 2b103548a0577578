"""Files of flows: read, and looked at for the command `recado flow check FILE`."""

from __future__ import annotations

from pathlib import Path

from gateway.rules.flows import Flow, FlowError, as_text, drawn, parse

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
