"""Where a text that is still being written can be cut, so that what is finished can already be spoken.

Pure. `Cutter` takes the text in any pieces and returns *stretches*: stretches of the written text, stripped, that end
where a sentence, a list's item, a heading or a paragraph ends. Any chunking gives exactly the stretches of `cut`, and
nothing but white space is lost between them. That holds by construction: the reader asks for one letter after the
other, and `_at`, which waits for a letter, is the only place where it matters what has come already.

What is cut in the wrong place sounds wrong; what is not cut only takes a moment longer. So a doubt joins.

A stretch is returned with the first visible letter after it. What is looked at beyond: an emoji or a citation behind
the end (they belong to it), the few marks at the beginning of a line that make it an item, a fence or a row of a
table (a row is read whole), one letter behind a small one ("iPhone" begins a sentence). Never a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TypeAlias, TypeVar

from .speakable.tongues import spaced_words

LONGEST = 280
"""Characters of a stretch. A longer one is cut where it hurts least; tables and fenced code are not cut at all."""
SHORT = 12
"""Letters. A sentence of fewer is said together with the next one; a Han character counts as three."""
REACH = 120
"""Characters for which an open bracket or quotation keeps its sentence open. What is open for longer was a slip."""

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]

_WIDE = "。！？；｡．"
_ENDS = ".!?…‼⁉" + _WIDE
_BREAKS = "\n\u2028\u2029"
_CLOSED_BY = dict(zip("([（【“«「『《〈", ")]）】”»」』》〉", strict=True))
_CLOSERS = frozenset(_CLOSED_BY.values()) | {"’", "}", "›"}
_SPEECH = frozenset('”’」』"')
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u231a-\u23ff\u2b50\u2b55\u200d\ufe0e\ufe0f\U000e0020-\U000e007f]"
)
_CITED = re.compile(r"【\d[^】]*】|\[\^?\d{1,3}\]")
_CITED_BEGUN = re.compile(r"【(?:\d[^】]*)?|\[\^?\d{0,3}")
_ITEM = re.compile(r"(?:[-*+•–—]|#{1,6}|\d{1,3}[.)]|[^\W\d_]\))\s|\d{1,3}、|>|\d️?⃣")
_ITEM_BEGUN = re.compile(r"(?:[-*+•–—]|#{1,6}|\d{1,3}[.)]?|[^\W\d_]\)?|\d️?)\Z")
_FENCE = re.compile(r"(?:```|~~~)[ \t]*[\w+-]{0,20}[ \t\r]*")
_FENCE_BEGUN = re.compile(r"(?:`{1,2}|~{1,2}|(?:```|~~~)[ \t]*[\w+-]{0,20}[ \t\r]*)\Z")

_OPEN = spaced_words(
    "sr sra srta srs sras sres dr dra drs dras prof profa profs mr mrs ms messrs st ste sto sta d dª exmo exma ilmo "
    "eng av avda pça pza pl blvd rod trav al lt qd bl apto ap dpto dto dep dept est gov sen gen col cap sgt capt rev "
    "hon pres p.ex ex p.ej ej e.g i.e cf vs v etal aprox approx máx mín max obs ref resp tel cel fone ext fax cod cód "
    "loc dist a p ee incl núm núms nºs cta cte tít ed eds org orgs trad fr pe ir mte mgr msgr ing lic arq dña adv cmte "
    "cj conj ag brig"
)
"""A name or a thing follows: a capital letter begins nothing there."""
_NUMBERED = spaced_words(
    "no nº n° n nos nr num pág págs pag pags pgs pp art arts vol vols fig figs sec seç séc sect ch item par caps lin "
    "jan fev feb mar abr apr mai may jun jul ago aug set sep sept oct out nov dez dec dic ene"
)
"""Only before a number: "No. 5" is not "No.", and "em jan. 2026" not "em jan."."""
_CLOSING = spaced_words("etc ltda inc corp cia co ltd jr s.a s.l s.r.l e.u.a ee.uu a.m p.m a.c d.c n.a c.v ph.d")
"""A sentence may end with them: it does when a letter follows that could begin another."""
_BEFORE_NAMES = spaced_words(
    "a o as os e y u and or ou de do da dos das del di von van por para pelo pela em no na com con by of to for with "
    "from el la los las the à ao en al que se é es is sr sra dr dra mr mrs ms prof senhor senhora señor doutor rua"
)
"""A single capital letter after one of these is somebody's initial; after another small word, the name of a thing."""
_WORD = re.compile(r"[\w.]+\Z")
_BEFORE = re.compile(r"(\S*?)[\s*_(\[\"'“«]*\Z")


def cut(text: str) -> list[str]:
    """The stretches of a whole text; what a `Cutter` gives in all."""
    cutter = Cutter()
    return cutter.feed(text) + cutter.finish()


class Cutter:
    """Takes a text as it is written and gives its stretches as they end. A stretch, once given, never changes.

    >>> cutter = Cutter()
    >>> cutter.feed("Oi! Tudo bem, Maria? O prazo é"), cutter.feed(" de 1."), cutter.feed("5 dias"), cutter.finish()
    (['Oi! Tudo bem, Maria?'], [], [], ['O prazo é de 1.5 dias'])
    """

    def __init__(self) -> None:
        self._letters: list[str] = []
        self._whole = False
        self._open: list[tuple[str, int]] = []
        """What closes each bracket or quotation that is open, and where it was opened."""
        self._strong = False
        """Between stars."""
        self._places = _Places(0)
        self._found: list[str] = []
        self._reading = self._read()

    def feed(self, piece: str) -> list[str]:
        """The stretches that are known to have ended now. After `finish` there are none any more."""
        self._letters.extend(piece)
        return self._go_on()

    def finish(self) -> list[str]:
        """The rest, when the text has ended."""
        self._whole = True
        return self._go_on()

    def _go_on(self) -> list[str]:
        next(self._reading, None)
        found, self._found = self._found, []
        return found

    # -- letters ------------------------------------------------------------------------------------

    def _at(self, at: int) -> Reading[str]:
        """The letter there; "" behind the end. Whoever asks waits until it has come."""
        while at >= len(self._letters):
            if self._whole:
                return ""
            yield
        return self._letters[at]

    def _behind(self, at: int, far: int = 24) -> str:
        return "".join(self._letters[max(0, at - far) : at])

    def _written(self, start: int, end: int) -> str:
        return "".join(self._letters[start:end]).strip()

    def _gap(self, at: int) -> Reading[tuple[int, int]]:
        """Where the next visible letter is, and how many lines end before it."""
        ended = 0
        while (letter := (yield from self._at(at))) and letter.isspace():
            ended += letter in _BREAKS
            at += 1
        return at, ended

    def _line_end(self, at: int) -> Reading[int]:
        while (letter := (yield from self._at(at))) and letter not in _BREAKS:
            at += 1
        return at

    # -- stretches -----------------------------------------------------------------------------------

    def _read(self) -> Reading[None]:
        at, _ = yield from self._gap(0)
        fresh = True
        while (yield from self._at(at)):
            at, fresh = yield from self._stretch(at, fresh)

    def _stretch(self, start: int, fresh: bool) -> Reading[tuple[int, bool]]:
        """One stretch, from units that belong together. Where the next begins, and whether on a line of its own."""
        self._places = _Places(start)
        at = start
        while True:
            kind, end = yield from self._unit(at, fresh)
            at, ended = yield from self._gap(end)
            fresh = ended > 0
            if not self._joins(kind, start, end, ended) or not (yield from self._at(at)):
                break
        self._found.append(self._written(start, end))
        return at, fresh

    def _joins(self, kind: str, start: int, end: int, ended: int) -> bool:
        """Whether what follows belongs to this stretch: to its colon, to its heading, or because it is so short."""
        if kind in ("block", "forced"):
            return False
        said = self._written(start, end)
        if ended and said.rstrip(" \t*_").endswith((":", "：")) and len(said) < LONGEST // 2:
            return True
        return (kind == "heading" or ended < 2) and _short(said)

    # -- what stands on lines of its own ------------------------------------------------------------

    def _unit(self, at: int, fresh: bool) -> Reading[tuple[str, int]]:
        """What begins there, and where it ends: a "block", a "heading", an "item", a "sentence" or, "forced", less."""
        if not fresh:
            return (yield from self._sentence(at, "sentence"))
        self._strong = False
        block = (yield from self._fenced(at)) or (yield from self._table(at))
        if block:
            return "block", block
        body = yield from self._marked(at)
        kind = "sentence" if body == at else "heading" if self._letters[at] == "#" else "item"
        return (yield from self._sentence(body, kind))

    def _matched(self, at: int, whole: re.Pattern[str], begun: re.Pattern[str]) -> Reading[int]:
        """Where the match ends that begins there, else `at`. Asks for letters while they may still become one."""
        seen = ""
        while letter := (yield from self._at(at + len(seen))):
            seen += letter
            if found := whole.match(seen):
                return at + found.end()
            if not begun.match(seen):
                break
        return at

    def _marked(self, at: int) -> Reading[int]:
        """Behind the mark of an item or a heading that begins there; `at` when none does."""
        return (yield from self._matched(at, _ITEM, _ITEM_BEGUN))

    def _fence(self, at: int) -> Reading[bool]:
        seen = ""
        while (letter := (yield from self._at(at))) and letter not in _BREAKS and len(seen) < 60:
            seen += letter
            at += 1
            if not _FENCE_BEGUN.match(seen):
                return False
        return (not letter or letter in _BREAKS) and bool(_FENCE.fullmatch(seen))

    def _fenced(self, at: int) -> Reading[int]:
        """The end of the fenced code that begins there, else 0. A fence that never ends is only a mark."""
        if not (yield from self._fence(at)):
            return 0
        while True:
            line_end = yield from self._line_end(at)
            at, _ = yield from self._gap(line_end)
            if not (yield from self._at(at)):
                return 0
            if (yield from self._fence(at)):
                return (yield from self._line_end(at))

    def _table(self, at: int) -> Reading[int]:
        """The end of the rows that begin there, else 0."""
        end = 0
        while row := (yield from self._row(at)):
            end = row
            at, ended = yield from self._gap(row)
            if ended != 1:
                break
        return end

    def _row(self, at: int) -> Reading[int]:
        """The end of the row that begins there, else 0: |a|b|, or only pipes, dashes and colons."""
        first = yield from self._at(at)
        if not first or first not in "|:-":
            return 0
        start, pipes, visible = at, 0, ""
        while (letter := (yield from self._at(at))) and letter not in _BREAKS:
            if first != "|" and letter not in "|:- \t\r":
                return 0
            pipes += letter == "|"
            visible = visible if letter.isspace() else letter
            at += 1
        return at if at - start > 1 and pipes and (first != "|" or visible in "|:-") else 0

    # -- sentences ----------------------------------------------------------------------------------

    def _sentence(self, at: int, kind: str) -> Reading[tuple[str, int]]:
        """Letter by letter to the end of the sentence, or of the whole item or heading."""
        self._open.clear()
        while letter := (yield from self._at(at)):
            if place := self._places.needed(at):
                return "forced", place
            if letter in _BREAKS:
                onward = yield from self._onward(at, kind)
                if not onward:
                    return kind, at
                at = onward
            elif letter in _ENDS:
                end, over = yield from self._end(at)
                if over and kind == "sentence":
                    return kind, end
                at = self._passed(at, end, over)
            else:
                yield from self._mark(letter, at)
                at = self._passed(at, at + 1, False)
        return kind, at

    def _passed(self, at: int, end: int, over: bool) -> int:
        """`end`. In code and in a link is no place to cut."""
        sheltered = bool(self._open) and any(wanted in "`]" and at - start < LONGEST for wanted, start in self._open)
        for place in range(at, end):
            self._places.pass_by(self._letters[place], place, sheltered)
        if over:
            self._places.ends(end)
        return end

    def _onward(self, at: int, kind: str) -> Reading[int]:
        """Where the sentence goes on that reaches the end of a line there; 0 when it ends with the line."""
        after, ended = yield from self._gap(at)
        first = yield from self._at(after)
        if not first or ended > 1 or kind == "heading":
            return 0
        if (yield from self._marked(after)) > after or (yield from self._fence(after)) or first == "|":
            return 0
        indent = 0
        while self._letters[after - indent - 1] not in _BREAKS:
            indent += 1
        if not first.islower() and not (kind == "item" and indent > 1):
            return 0
        self._open.clear()
        self._passed(at, after, False)
        self._places.ends(at)
        return after

    def _mark(self, letter: str, at: int) -> Reading[None]:
        """Keeps count of what is open."""
        if letter in _CLOSED_BY:
            after = yield from self._at(at + 1)
            if after and not after.isspace() and len(self._open) < 9:
                self._open.append((_CLOSED_BY[letter], at))
        elif letter == "*":
            self._strong ^= self._behind(at, 1) != "*"
        elif letter == "`" or (letter == '"' and (self._is_open('"') or not self._behind(at, 1).isalnum())):
            if not self._close(letter) and len(self._open) < 9:
                self._open.append((letter, at))
        elif letter in _CLOSERS:
            self._close(letter)

    def _is_open(self, closer: str) -> bool:
        return any(wanted == closer for wanted, _ in self._open)

    def _close(self, closer: str) -> bool:
        """Closes what waits for it, and whatever was opened inside and never closed."""
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth][0] == closer:
                del self._open[depth:]
                return True
        return False

    def _held(self, at: int) -> bool:
        while self._open and at - self._open[0][1] > REACH:
            del self._open[0]
        return bool(self._open)

    # -- ends ---------------------------------------------------------------------------------------

    def _end(self, at: int) -> Reading[tuple[int, bool]]:
        """Behind the marks that begin there and all that belongs to them, and whether a sentence ends with them."""
        stop = at
        while (letter := (yield from self._at(stop))) and letter in _ENDS:
            stop += 1
        marks = "".join(self._letters[at : min(stop, at + 9)])
        end = yield from self._closed(stop, any(mark in _WIDE for mark in marks))
        if self._held(at):
            return end, False
        after = yield from self._at(end)
        if not after:
            return end, True
        if not after.isspace():
            return end, self._runs_on(at, marks, end, after)
        return (yield from self._trailed(at, marks, stop, end))

    def _runs_on(self, at: int, marks: str, end: int, after: str) -> bool:
        """Chinese goes on without white space; behind a quotation with the same sentence."""
        if any(mark in _WIDE for mark in marks):
            return not (self._letters[end - 1] in _SPEECH and after.isalnum()) and after not in "，、：,:"
        return "…" not in marks and bool(_HAN.match(after)) and bool(_HAN.match(self._behind(at, 1)))

    def _trailed(self, at: int, marks: str, stop: int, end: int) -> Reading[tuple[int, bool]]:
        """White space follows. An emoji or a citation behind it belongs to the sentence, when it stands alone."""
        kept = end
        while True:
            after, ended = yield from self._gap(kept)
            picture = after if ended else (yield from self._ornament(after))
            behind = yield from self._at(picture)
            if picture == after or (behind and not behind.isspace()):
                break
            kept = picture
        over = yield from self._over(at, marks, end > stop, after, ended)
        return (kept, True) if over else (end, False)

    def _over(self, at: int, marks: str, closed: bool, after: int, ended: int) -> Reading[bool]:
        following = yield from self._at(after)
        small = following.islower() and not (yield from self._at(after + 1)).isupper()
        if any(mark in "!?‼⁉" + _WIDE for mark in marks):
            return bool(ended) or not (closed and small)
        if marks != "." or closed:
            return not small
        return not small and self._dot_ends(at, following, ended > 0)

    def _dot_ends(self, at: int, following: str, last: bool) -> bool:
        """Whether a full stop there ends a sentence before a letter that could begin another."""
        found = _WORD.search(self._behind(at))
        word = found[0] if found else ""
        short = word.lower()
        before = _BEFORE.search(self._behind(at - len(word), 24))
        previous = before[1] if before else ""
        if short.isdigit():
            return not self._numbers(at - len(word), short, previous)
        if short in _OPEN:
            return False
        if short in _NUMBERED:
            return not following.isdigit()
        if short in _CLOSING:
            return following.isalpha() or following in '¿¡"“«*_['
        if len(word) == 1 and word.isupper() and not _HAN.match(word):
            return not last and previous.islower() and previous.strip(".") not in _BEFORE_NAMES
        return not re.fullmatch(r"(?:[A-Z]\.)+[A-Z]", word)

    def _numbers(self, at: int, word: str, previous: str) -> bool:
        """1. at the beginning of a line, or after a colon or another end: it numbers what follows."""
        apart = not self._behind(at, 1).strip(" *_([")
        return len(word) < 3 and apart and (not previous or previous[-1] in ":;.!?")

    def _closed(self, at: int, wide: bool) -> Reading[int]:
        """Behind the quotation marks, brackets, stars, citations and emoji that close what ends there."""
        while letter := (yield from self._at(at)):
            cited = yield from self._ornament(at)
            if cited > at:
                at = cited
            elif self._closes(letter, at, wide) or (
                letter in "\"'" and ((yield from self._at(at + 1)) or " ").isspace()
            ):
                self._close(letter)
                at += 1
            else:
                break
        return at

    def _closes(self, letter: str, at: int, wide: bool) -> bool:
        """White space tells what closes from what opens; without it, only what is open can be closed."""
        if letter in '"`':
            return self._is_open(letter)
        if letter in "*_~":
            return not wide or self._strong
        return letter in _CLOSERS or (letter in _ENDS and self._letters[at - 1] not in _ENDS)

    def _ornament(self, at: int) -> Reading[int]:
        """Behind the emoji or the citation that begins there, else `at`."""
        letter = yield from self._at(at)
        if letter and letter in "【[":
            return (yield from self._citation(at))
        while letter and _EMOJI.match(letter):
            at += 1
            letter = yield from self._at(at)
        return at

    def _citation(self, at: int) -> Reading[int]:
        """【4:0†file】 or [1], when it is not the text of a link."""
        seen = ""
        while (letter := (yield from self._at(at + len(seen)))) and letter not in _BREAKS and len(seen) < 100:
            seen += letter
            if letter in "】]" or not _CITED_BEGUN.fullmatch(seen):
                break
        after = yield from self._at(at + len(seen)) if seen[:1] == "[" else self._at(at)
        return at + len(seen) if _CITED.fullmatch(seen) and after != "(" else at


class _Places:
    """Where a stretch that grows too long can be cut, the best place last seen of each kind."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._ends = self._commas = self._spaces = self._letters = 0
        self._word_at = start
        self._plain = False
        """Of the word before the present one: no digit in it, so that white space behind it parts no number."""
        self._digits = False
        self._last = ""
        self._before = ""

    def needed(self, at: int) -> int:
        """Where to cut, when it has grown too long and can be cut; else 0."""
        if at - self._start < LONGEST:
            return 0
        early = self._start + LONGEST // 3
        best = next((place for place in (self._ends, self._commas) if place > early), 0)
        return best or self._spaces or self._letters

    def ends(self, place: int) -> None:
        """A sentence or a line ends there."""
        self._ends = place

    def pass_by(self, letter: str, at: int, sheltered: bool) -> None:
        if letter.isspace():
            if not self._last.isspace():
                self._word_over(sheltered)
            self._word_at = at + 1
        elif letter in "，、；" and not sheltered:
            self._commas = at + 1
        elif _HAN.match(letter) and _HAN.match(self._last) and not sheltered:
            self._letters = at
        self._digits |= letter.isdigit() or letter == "@"
        self._last = letter

    def _word_over(self, sheltered: bool) -> None:
        """White space before a word without digits parts no number; behind a comma it is the better place."""
        if not self._digits and not sheltered and self._word_at > self._start:
            if self._before in (",", ";"):
                self._commas = self._word_at
            elif self._plain:
                self._spaces = self._word_at
        self._plain, self._digits, self._before = not self._digits and not sheltered, False, self._last


def _short(said: str) -> bool:
    """Too little to be said alone. Forty characters are enough to know."""
    if len(said) > 40:
        return False
    return sum(3 if _HAN.match(letter) else letter.isalnum() for letter in said) < SHORT
