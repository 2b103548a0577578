"""The keys of a flow's file: which may stand where, of what type, and how much of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

MAX_TEXT = 4096
"""Characters of one text: the least of what the channels carry in one message."""
MAX_OPTIONS = 20
MAX_STEPS = 500
MAX_TIMEOUT_S = 30 * 24 * 3600
NAME = re.compile(r"[^\W\d_][\w-]{0,63}")

_ANSWERED = ("retry", "max_tries", "else", "timeout_s", "on_timeout")
_CHOSEN = ("options", *_ANSWERED)
KEYS: Mapping[str, Sequence[str]] = {
    "say": ("text", "next"),
    "ask": ("text", "into", "next", "answer", "min", "max", "whole", "order", "country", "pattern", *_CHOSEN),
    "choose": ("text", "options", "into", *_ANSWERED),
    "condition": ("if", "next", "else"),
    "set": ("values", "next"),
    "action": ("action", "arguments", "into", "next", "else", "timeout_s"),
    "ai": ("instructions", "text", "until", "until_intent", "max_answers", "next", "else", "timeout_s", "on_timeout"),
    "transfer": ("to", "text"),
    "end": ("text", "reason"),
}
"""What may stand beside name and kind."""
REQUIRED: Mapping[str, Sequence[str]] = {
    "say": ("text", "next"),
    "ask": ("text", "into", "next"),
    "choose": ("text", "options"),
    "condition": ("if", "next", "else"),
    "set": ("values", "next"),
    "action": ("action", "next", "else"),
    "ai": ("instructions", "next"),
    "transfer": (),
    "end": (),
}
OF_ANSWERS: Mapping[str, Sequence[str]] = {
    "min": ("text", "number", "date"),
    "max": ("text", "number", "date"),
    "whole": ("number",),
    "order": ("date",),
    "country": ("phone",),
    "pattern": ("text",),
    "options": ("choice",),
}
"""Which kinds of answer a key is about."""
TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "kind", "text", "next", "into", "answer", "order", "country", "pattern", "retry"), (str,)),
    **dict.fromkeys(("else", "if", "until", "until_intent", "instructions", "to", "reason", "action"), (str,)),
    **dict.fromkeys(("min", "max"), (int, float, str, date)),
    **dict.fromkeys(("max_tries", "max_answers"), (int,)),
    **dict.fromkeys(("values", "arguments"), (dict,)),
    **dict.fromkeys(("language", "start", "timezone", "cancelled", "on_timeout"), (str,)),
    **dict.fromkeys(("title", "value"), (str,)),
    "timeout_s": (int, float),
    "whole": (bool,),
    "options": (list,),
    "steps": (list,),
    "words": (list,),
}
SAID = {
    str: "a text",
    bool: "true or false",
    dict: "a table",
    list: "a list",
    int: "a whole number",
    float: "a number",
    date: "a number or a date",
}
TOP = ("name", "language", "start", "timeout_s", "timezone", "cancelled", "steps")
OF_OPTION = ("title", "next", "value", "words")
