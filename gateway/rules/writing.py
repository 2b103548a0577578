"""An answer while it is written: what stands, what may be shown of it, and what it turns out to be. Pure."""

from __future__ import annotations

from gateway.rules.directing import DirectiveGate
from gateway.rules.handoff import MarkerGate, Verdict, ends_with
from gateway.rules.showing import Showable, mended
from gateway.rules.voicing import Directive


class Written:
    """Takes the pieces of an answer in the order in which they come.

    >>> answer = Written("Ação: Transferir")
    >>> answer.feed("[[voice]] Abr"), answer.feed("imos às 9."), answer.finish(), answer.directive
    ('Abr', 'imos às 9.', 'Abrimos às 9.', 'voice')
    """

    def __init__(self, marker: str) -> None:
        self._marker, self._gate, self._directive = marker, MarkerGate(marker), DirectiveGate()
        self._showable, self._pieces = Showable(marker), list[str]()

    def feed(self, piece: str) -> str:
        """What may now be shown and spoken: it stands in the finished answer as it is."""
        return self._on(self._gate.feed(self._directive.feed(piece)))

    def finish(self) -> str:
        """The whole answer. Nothing of it counts when it hands over."""
        self._on(self._gate.feed(self._directive.finish()) + self._gate.finish())
        return self._text

    @property
    def _text(self) -> str:
        return mended("".join(self._pieces)).strip()

    @property
    def safe(self) -> str:
        """Everything that `feed` gave."""
        return self._showable.text

    @property
    def directive(self) -> Directive:
        return self._directive.directive

    @property
    def hands_over(self) -> bool:
        """It is the marker, or ends with it."""
        return self._gate.verdict is Verdict.HANDOFF or ends_with(self._marker, self._text)

    def _on(self, text: str) -> str:
        self._pieces.append(text)
        return self._showable.feed(text)
