"""The marker: how an assistant says that a person should go on, and how nothing of it ever reaches the customer.

A reply hands over when it *starts* with the queue's marker, or has it as its last line. Prompts in the wild write it
with and without accents, in bold, in quotes or headings, with a full stop, in any case; all of these count. A marker
within the text, or one in quotes with the sentence going on behind it, is somebody quoting the rule and does not count.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

QUOTES = "\"'“”„«»‘’`>「『"


class Verdict(StrEnum):
    UNDECIDED = "undecided"
    """So far it could still become the marker: nothing may be shown or spoken."""
    ANSWER = "answer"
    HANDOFF = "handoff"


def letters(text: str) -> str:
    """Only what tells markers apart: letters and digits, without accents, case, punctuation or white space."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if c.isalnum())


def ends_with(marker: str, text: str) -> bool:
    """The last line is the marker and nothing else: a model that explains itself first still means it.

    Not in quotes, and not after a colon: that is somebody quoting the rule.
    """
    before, _, last = text.strip().rpartition("\n")
    quoted = last.strip(" \t*_#-").startswith(tuple(QUOTES)) or before.rstrip(" \n*_").endswith((":", "："))
    return bool(before) and not quoted and letters(last) == letters(marker) != ""


class MarkerGate:
    """Reads a reply as it is written and holds it back until it is known not to be the marker.

    >>> gate = MarkerGate("Ação: Transferir")
    >>> gate.feed("**Aç"), gate.feed("ao: trans"), gate.feed("ferir**.")
    ('', '', '')
    >>> gate.verdict
    <Verdict.HANDOFF: 'handoff'>
    """

    def __init__(self, marker: str) -> None:
        self._marker = letters(marker)
        self._held = ""
        self.verdict = Verdict.UNDECIDED if self._marker else Verdict.ANSWER

    def feed(self, piece: str) -> str:
        """The text that may go on now. After HANDOFF nothing ever does."""
        if self.verdict is Verdict.ANSWER:
            return piece
        if self.verdict is Verdict.HANDOFF:
            return ""
        self._held += piece
        seen = letters(self._held)
        if not seen.startswith(self._marker):
            return "" if self._marker.startswith(seen) else self._open()
        if self._quoted() and "\n" not in self._held.strip():
            return "" if seen == self._marker else self._open()
        return self._hand_over()

    def finish(self) -> str:
        """The rest, when the reply has ended: a beginning of the marker that never became one is text."""
        if self.verdict is not Verdict.UNDECIDED:
            return ""
        return self._hand_over() if letters(self._held) == self._marker else self._open()

    def _quoted(self) -> bool:
        return self._held.lstrip(" \t\r\n*_#-").startswith(tuple(QUOTES))

    def _hand_over(self) -> str:
        self.verdict, self._held = Verdict.HANDOFF, ""
        return ""

    def _open(self) -> str:
        self.verdict = Verdict.ANSWER
        held, self._held = self._held, ""
        return held
