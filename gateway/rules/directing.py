"""The directive: how an assistant says that it wants to be heard, or read. Pure.

A reply that *starts* with `[[voice]]` or `[[text]]` loses these words and the white space around them. Anywhere else
two brackets are text. A model told both may write the directive before the handoff's marker, so this gate belongs
before `MarkerGate`, which then sees the marker where it looks for it: at the beginning.
"""

from __future__ import annotations

import re
from typing import Literal

from gateway.rules.language import fold

Directive = Literal["voice", "text", ""]

WORDS: dict[str, Directive] = {
    "voice": "voice",
    "voz": "voice",
    "audio": "voice",
    "语音": "voice",
    "text": "text",
    "texto": "text",
    "文字": "text",
}
"""As `fold` leaves them: without case and accents."""
_BEGUN = re.compile(r"\s*[*_`]{0,3}(?:\[(?:\[[^\S\n]*(?P<word>[^\s\[\]]*)(?P<behind>[^\S\n]*\]?))?)?")
_WHOLE = re.compile(r"\s*(?P<around>[*_`]{0,3})\[\[[^\S\n]*(?P<word>[^\s\[\]]*)[^\S\n]*\]\](?P<rest>.*)", re.DOTALL)


class DirectiveGate:
    """Reads a reply as it is written and takes the directive away.

    Nothing is held back but what may still become one: a link's `[` only until the next character.

    >>> gate = DirectiveGate()
    >>> gate.feed("[[vo"), gate.feed("ice]]\\n"), gate.feed("Olá!"), gate.finish()
    ('', '', 'Olá!', '')
    >>> gate.directive
    'voice'
    """

    def __init__(self) -> None:
        self.directive: Directive = ""
        """Known when the first text comes out, or after `finish`; empty: the assistant did not choose."""
        self._held: str | None = ""
        """None: the beginning is over."""
        self._trims = False
        """Nothing but the directive's white space came since."""

    def feed(self, piece: str) -> str:
        """The text that may go on now."""
        if self._held is None:
            return self._trimmed(piece)
        self._held += piece
        return "" if self._may_become_one() else self._open()

    def finish(self) -> str:
        """The rest, when the reply has ended: a beginning that never became a directive is text."""
        return "" if self._held is None else self._open()

    def _may_become_one(self) -> bool:
        held = self._held or ""
        if begun := _BEGUN.fullmatch(held):
            word = fold(begun["word"] or "")
            return word in WORDS if begun["behind"] else any(known.startswith(word) for known in WORDS)
        whole = _WHOLE.fullmatch(held)
        return whole is not None and fold(whole["word"]) in WORDS and _may_be_closed(whole)

    def _open(self) -> str:
        held, self._held = self._held or "", None
        whole = _WHOLE.fullmatch(held)
        if not whole or fold(whole["word"]) not in WORDS:
            return held
        self.directive, self._trims = WORDS[fold(whole["word"])], True
        around, rest = whole["around"], whole["rest"]
        if rest.startswith(around[::-1]):
            return self._trimmed(rest[len(around) :])
        return around + self._trimmed(rest)  # the bold goes on: **[[voice]] Olá!**

    def _trimmed(self, piece: str) -> str:
        if not self._trims:
            return piece
        rest = piece.lstrip()
        self._trims = not rest
        return rest


def _may_be_closed(whole: re.Match[str]) -> bool:
    """What stood around the directive may yet stand behind it too."""
    closing, rest = whole["around"][::-1], whole["rest"]
    return len(rest) < len(closing) and closing.startswith(rest)
