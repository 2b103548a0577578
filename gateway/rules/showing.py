"""What of an answer may be shown while it is still written. Pure.

Whatever was shown cannot be taken back, so it must stand in the finished answer as it is: nothing goes on that may yet
become the marker's last line, turn out to be white space at the end, or be half of a character.
"""

from __future__ import annotations

from gateway.rules.handoff import begins, letters
from gateway.rules.shaping import BLANK_LINES


class Showable:
    """Takes the pieces of an answer that `MarkerGate` lets through, and lets on what is safe.

    >>> answer = Showable("Ação: Transferir")
    >>> answer.feed("Vou ver.\\n\\nAção"), answer.feed(": imediata, "), answer.feed("e já.")
    ('Vou ver.', '\\n\\nAção: imediata,', ' e já.')
    >>> answer.feed("\\n**Ação: trans"), answer.feed("ferir**"), answer.text
    ('', '', 'Vou ver.\\n\\nAção: imediata, e já.')
    """

    def __init__(self, marker: str) -> None:
        self._marker = letters(marker)
        self._line = ""
        """What was shown of the line that is being written."""
        self._held = ""
        self.text = ""
        """Everything that was shown."""

    def feed(self, piece: str) -> str:
        """What may be shown now."""
        self._held += piece
        ripe = self._held[: self._safe()]
        if not ripe:
            return ""
        self._held = self._held[len(ripe) :]
        self._line = _last_line(self._line + ripe)
        shown = BLANK_LINES.sub("\n\n", mended(ripe if self.text else ripe.lstrip()))
        self.text += shown
        return shown

    def _safe(self) -> int:
        """How much of what is held may go."""
        held = self._held[:-1] if "\ud800" <= self._held[-1:] <= "\udbff" else self._held
        end = len(held.rstrip())
        while end and self._may_be_marker(_last_line(self._line + held[:end])):
            end = len(held[: end - len(_last_line(held[:end]))].rstrip())
        return end

    def _may_be_marker(self, line: str) -> bool:
        return begins(self._marker, line)


def _last_line(text: str) -> str:
    """Up to its end, of whatever ends a line: the finished answer is cut into lines by all of them."""
    return f"{text}.".splitlines()[-1][:-1]


def mended(text: str) -> str:
    """Servers that count in UTF-16 cut characters in two: halves that meet are one again, a lost one becomes a mark."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
