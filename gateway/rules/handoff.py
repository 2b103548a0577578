"""The marker: how an assistant says that a person should go on, and how nothing of it ever reaches the customer.

A reply hands over when it *starts* with the queue's marker, or has it as its last line. Prompts in the wild write it
with and without accents, in bold, in quotes or headings, with a full stop, in any case; all of these count. A marker
within the text, in quotes, a list or a block of code with more around it, or one of which the sentence goes on to say
what it means, is somebody quoting the rule and does not count.
"""

from __future__ import annotations

import html
import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

QUOTES = "\"'“”„«»‘’`>「『＂"

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});")
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|br|div|span|h[1-6]|center|mark)\s*/?>", re.IGNORECASE)
_BROKEN_OFF = re.compile(r"(?:&#?\w{0,31}|</?\w{0,6}\s?/?)\Z", re.ASCII)
"""What the next piece may turn into an entity or a tag."""
_EXPLAINS = re.compile(
    r"[\W_]*(?:(?:é|são|significa|quer dizer|serve|indica|aparece|"
    r"is|means|stands for|signifies|appears|es|son|quiere decir|sirve|aparece)\b|的?(?:是|表示|意思|指的|意味))",
    re.IGNORECASE,
)
EXPLAINED = 32
"""Characters behind the marker that are waited for, to know whether they explain it."""
_ITEM = re.compile(r"\s*(?:[-*+•–—]\s|\(?\w{1,2}[.)]\s|\|)")
"""A line of a list, or of a table."""


class Verdict(StrEnum):
    UNDECIDED = "undecided"
    """So far it could still become the marker: nothing may be shown or spoken."""
    ANSWER = "answer"
    HANDOFF = "handoff"


_GLANCE = 24
"""Characters of a line that are looked at first."""


@lru_cache(maxsize=256)  # a marker, and the beginning of a line while more of it is written
def letters(text: str) -> str:
    """Only what tells markers apart: letters and digits, without accents, case, punctuation, white space or markup.

    An entity or a tag that is cut off at the end counts for nothing: the next piece may complete it.
    """
    return "".join(c for c, _ in _letters(_bare(_BROKEN_OFF.sub("", text))))


def begins(marker: str, line: str) -> bool:
    """Whether a line may still become the marker, of which `marker` has the letters. Most are told from a few."""
    if len(line) > _GLANCE and not marker.startswith(letters(line[:_GLANCE])):
        return False
    return bool(marker) and marker.startswith(letters(line))


def ends_with(marker: str, text: str) -> bool:
    """The last line is the marker and nothing else: a model that explains itself first still means it.

    Not in quotes, not after a colon, not as the end of a list, a table or a block of code: that is quoting the rule.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    while lines and not letters(lines[-1]) and not _fences(lines[-1]):
        lines.pop()
    if len(lines) < 2 or not letters(marker) or letters(lines[-1]) != letters(marker):
        return False
    return not (_in_quotes(lines[-1]) or _leads_to_a_quote(lines[:-1], lines[-1]))


def _leads_to_a_quote(before: list[str], last: str) -> bool:
    """What stands before the last line makes an example of it."""
    in_code = sum(map(_fences, before)) % 2 == 1
    in_list = bool(_ITEM.match(last) and _ITEM.match(before[-1]))
    return in_code or in_list or _bare(before[-1]).rstrip(" \t*_").endswith((":", "：", "︰", "﹕"))


def _fences(line: str) -> bool:
    return line.lstrip().startswith(("```", "~~~"))


def _bare(text: str) -> str:
    """Without the markup a model may have learned to write."""
    return _TAG.sub("", _ENTITY.sub(lambda entity: html.unescape(entity.group()), text))


def _letters(bare: str) -> list[tuple[str, int]]:
    """Each letter that counts, with the place behind it. Symbols are none, though ™ and ℹ are made of letters."""
    found = []
    for place, char in enumerate(bare, 1):
        if char != "ℹ" and unicodedata.category(char) != "So":
            plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
            found += [(c, place) for c in plain if c.isalnum()]
    return found


def _in_quotes(text: str) -> bool:
    """A quotation mark stands before its first letter."""
    before = next((text[: m.start()] for m in re.finditer(r"[^\W_]", text)), text)
    return any(c in QUOTES for c in before)


class MarkerGate:
    """Reads a reply as it is written and holds it back until it is known not to be the marker.

    >>> gate = MarkerGate("Ação: Transferir")
    >>> gate.feed("**Aç"), gate.feed("ao: trans"), gate.feed("ferir**.\\n")
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
        return self._given(self._judged(ended=False))

    def finish(self) -> str:
        """The rest, when the reply has ended: a beginning of the marker that never became one is text."""
        return "" if self.verdict is not Verdict.UNDECIDED else self._given(self._judged(ended=True))

    def _judged(self, *, ended: bool) -> Verdict:
        bare = _bare(self._held if ended else _BROKEN_OFF.sub("", self._held))
        found = _letters(bare)
        seen = "".join(c for c, _ in found)
        if len(seen) < len(self._marker):
            waits = self._marker.startswith(seen) and not ended
            return Verdict.UNDECIDED if waits else Verdict.ANSWER
        if not seen.startswith(self._marker):
            return Verdict.ANSWER
        return _behind(bare, bare[found[len(self._marker) - 1][1] :], ended=ended)

    def _given(self, verdict: Verdict) -> str:
        self.verdict = verdict
        if verdict is Verdict.UNDECIDED:
            return ""
        held, self._held = self._held, ""
        return held if verdict is Verdict.ANSWER else ""


def _behind(bare: str, rest: str, *, ended: bool) -> Verdict:
    """What the words behind the marker make of it."""
    line, newline, _ = rest.partition("\n")
    done = ended or bool(newline)
    if rest[:1].isalnum() and not _is_han(rest[0]):
        return Verdict.ANSWER
    if _fences(bare):
        return _alone(rest, ended=ended)
    if bare.lstrip().startswith(">") and not ended:
        return _quoted_alone(rest)
    if _in_quotes(bare):
        return _alone(line, ended=done)
    if not done and len(line) < EXPLAINED:
        return Verdict.UNDECIDED
    return Verdict.ANSWER if _EXPLAINS.match(line[:EXPLAINED]) else Verdict.HANDOFF


def _alone(rest: str, *, ended: bool) -> Verdict:
    """Nothing is said behind it: what stands in quotes by itself is meant, not quoted."""
    if any(c.isalnum() for c in rest):
        return Verdict.ANSWER
    return Verdict.HANDOFF if ended else Verdict.UNDECIDED


def _quoted_alone(rest: str) -> Verdict:
    """A `>` on the next line, too, makes a passage of it, which is quoted."""
    below = re.match(r"[^\n]*\n\s*(\S)", rest)
    if below and below[1] == ">":
        return Verdict.ANSWER
    return _alone(rest.partition("\n")[0], ended=below is not None)


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff"
