"""Words by which a contact wants to be left alone, or to be answered again. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config import OptOut
from gateway.rules.language import fold

STRIPPED = " \t\n.!?…,;:\"'“”«»()[]*_~`。！？，"


def wants_out(texts: Iterable[str], words: OptOut) -> bool:
    """The whole of a message is one of the words: "quero parar de fumar" is a question for the shop."""
    return _is_one_of(texts, words.words)


def wants_back(texts: Iterable[str], words: OptOut) -> bool:
    return _is_one_of(texts, words.back)


def _is_one_of(texts: Iterable[str], words: Iterable[str]) -> bool:
    known = {_plain(word) for word in words} - {""}
    return any(_plain(text) in known for text in texts)


def _plain(text: str) -> str:
    return " ".join(fold(text).strip(STRIPPED).split())
