"""Words by which a contact wants to be left alone, or to be answered again. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config import OptOut
from gateway.rules.language import fold

STRIPPED = " \t\n/.!?…,;:\"'“”«»()[]*_~`。！？，"


def wants_out(texts: Iterable[str], words: OptOut) -> bool:
    """The whole of a message is one of the words: "quero parar de fumar" is a question for the shop. The last such
    message counts."""
    return _last(texts, words) == "out"


def wants_back(texts: Iterable[str], words: OptOut) -> bool:
    return _last(texts, words) == "back"


def _last(texts: Iterable[str], words: OptOut) -> str:
    """`out`, `back`, or neither."""
    known = {_plain(word): "back" for word in words.back} | {_plain(word): "out" for word in words.words}
    known.pop("", None)
    return next((known[text] for text in map(_plain, reversed([*texts])) if text in known), "")


def _plain(text: str) -> str:
    return " ".join(fold(text).strip(STRIPPED).split())
