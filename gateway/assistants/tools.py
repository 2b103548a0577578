"""The one function a hosted model may call: that a person goes on. What is offered, and how a call is read back. Pure.

The call ends the turn, so nothing is ever sent back to it: no conversation is left with a call that waits for its
output. Shapes: `FunctionToolParam` (Responses) and `ChatCompletionFunctionToolParam` (Chat) of the `openai` package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.assistants.base import HandOver

NAME = "transfer_to_person"
LONGEST = 300
"""Characters of a reason that are kept."""
_ABOUT = "Hands the conversation over to a person of the company. The customer is told; write no reply of your own."
_REASON = {"type": "string", "description": "Why, in one short sentence for the person who takes over."}
_PARAMETERS = {"type": "object", "properties": {"reason": _REASON}, "required": ["reason"]}

RESPONSES: dict[str, Any] = {
    "type": "function",
    "name": NAME,
    "description": _ABOUT,
    "parameters": {**_PARAMETERS, "additionalProperties": False},
    "strict": True,
}
CHAT: dict[str, Any] = {
    "type": "function",
    # Without `strict` and `additionalProperties`: not every compatible server knows them.
    "function": {"name": NAME, "description": _ABOUT, "parameters": _PARAMETERS},
}


class Calls:
    """The calls of one answer, put together from whatever pieces they come in.

    >>> calls = Calls()
    >>> calls.add(0, "transfer_to_person", '{"rea'), calls.add(0, "", 'son": "wants a refund"}')
    (None, None)
    >>> calls.handover
    HandOver(reason='wants a refund')
    """

    def __init__(self) -> None:
        self._names: dict[object, str] = {}
        self._arguments: dict[object, str] = {}
        self._last: object = None

    def __bool__(self) -> bool:
        return any(self._names.values())

    def add(self, key: object, name: object, arguments: object, *, whole: bool = False) -> None:
        """A piece of the call `key`; None: of a new call when it has a name, else of the last. `whole`: these are all
        its arguments. Arguments are JSON as text, or what that says."""
        if key is None:
            key = len(self._names) if name else self._last
        if name and self._names.get(key, name) not in ("", name):  # a server that gives every call the same index
            key = (key, len(self._names))
        self._last = key
        self._names[key] = str(name or "") or self._names.get(key, "")
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        self._arguments[key] = piece if whole else self._arguments.get(key, "") + piece

    @property
    def handover(self) -> HandOver | None:
        """The first call of ours. Arguments that cannot be read are a handover without a reason."""
        found = next((key for key, name in self._names.items() if name == NAME), NAME)
        return HandOver(_reason(self._arguments[found])) if found in self._arguments else None

    @property
    def ignored(self) -> int:
        """Calls of functions that nobody offered."""
        return sum(name != NAME for name in self._names.values())


def _reason(arguments: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return ""
    reason = read.get("reason") if isinstance(read, Mapping) else ""
    return " ".join(reason.split())[:LONGEST].strip() if isinstance(reason, str) else ""
