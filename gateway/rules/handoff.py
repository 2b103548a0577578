"""The marker: how an assistant says that a person should go on, and how nothing of it ever reaches the customer.

A reply hands over when it *starts* with the queue's marker. Prompts in the wild write it with and without accents,
in bold, in quotes or headings, with a full stop, in any case; all of these count. A marker later in the text is
somebody quoting the rule and does not count.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Verdict(StrEnum):
    UNDECIDED = "undecided"
    """So far it could still become the marker: nothing may be shown or spoken."""
    ANSWER = "answer"
    HANDOFF = "handoff"


def letters(text: str) -> str:
    """Only what tells markers apart: letters and digits, without accents, case, punctuation or white space."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if c.isalnum())


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
        if seen.startswith(self._marker):
            self.verdict = Verdict.HANDOFF
            return ""
        if self._marker.startswith(seen):
            return ""
        return self._open()

    def finish(self) -> str:
        """The rest, when the reply has ended: a beginning of the marker that never became one is text."""
        return self._open() if self.verdict is Verdict.UNDECIDED else ""

    def _open(self) -> str:
        self.verdict = Verdict.ANSWER
        held, self._held = self._held, ""
        return held
