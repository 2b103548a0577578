"""The rating: one question after people were done with a conversation, and what an answer to it says. Pure.

A score is taken only from words that are a score: "4", "nota 4", "cinco estrelas", "5/5", "⭐⭐⭐", a button's title.
"Quero 2 camisetas" is a message like any other, and the question is let go. What is not within 1 to 5 ("nota 10") is
no score: nobody guesses one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.rules.courtesies import courtesy_of, says_nothing
from gateway.rules.flows.words import COUNTED
from gateway.rules.language import fold, two_letters

ASKED, RATED, LET_GO = "rating_asked:", "rated:", "rating_let_go:"
"""Begin facts about a contact; behind them stands when the conversation was resolved, in milliseconds since 1970, and
behind `rated:` also the score: `rated:1795000000000:4`."""
VALID_MS = 24 * 3_600_000
"""After so long a number is no answer to the question any more."""

TITLES: dict[str, tuple[str, str, str, str, str]] = {
    "pt": ("Muito ruim", "Ruim", "Regular", "Bom", "Muito bom"),
    "en": ("Very bad", "Bad", "Fair", "Good", "Very good"),
    "es": ("Muy mala", "Mala", "Regular", "Buena", "Muy buena"),
    "zh": ("很不满意", "不满意", "一般", "满意", "非常满意"),
}
"""Of the buttons, from 1 to 5: where they are written as numbered lines, a line's number is its score. None is a word
that people also say for "all right"."""


class Rating(BaseModel):
    """`[queues.rating]`. Empty texts: recado's own sentences."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ask: bool = False
    message: str = Field("", max_length=1000)
    thanks: str = Field("", max_length=1000)

    @model_validator(mode="after")
    def _is_asked(self) -> Rating:
        if self.model_fields_set & {"message", "thanks"} and "ask" not in self.model_fields_set:
            raise ValueError("nothing is asked without ask = true")
        return self


def titles(language: str) -> tuple[str, ...]:
    """Of the five buttons, for 1 to 5. `language`: BCP 47; one we do not speak gets English."""
    return TITLES.get(two_letters(language), TITLES["en"])


# -- what an answer says ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """What a burst says to the question."""

    score: int | None
    """1 to 5; None: something else was said, and the question is let go."""
    goes_on: bool
    """There is more in the burst than a score and politeness: it is answered like any other."""
    facts: Mapping[str, bool] = field(default_factory=dict)
    """For `storage.model.Settlement.facts`, whoever answers the burst: the question is no longer open."""


def heard(texts: Sequence[str], facts: Mapping[str, int], now: int) -> Heard | None:
    """What a burst says to the last rating that was asked; None: none is open.

    `texts`: the contact's messages, oldest first. `facts`: of the contact, since when, in milliseconds as `now`.
    To be asked for every burst with a message in it: an answer counts only as the first thing said to the question.
    """
    if not (asked := _open(facts, now)):
        return None
    read = _together([_read(text) for text in texts])
    if read.score is None:
        return Heard(None, goes_on=True, facts={LET_GO + asked: True})
    return Heard(read.score, goes_on=read.more, facts={f"{RATED}{asked}:{read.score}": True})


def rated(text: str) -> int | None:
    """The score one message gives, 1 to 5; None: it gives none. The four languages are read side by side.

    >>> [rated(text) for text in ("4", "Nota 4, obrigada!", "cinco", "⭐⭐⭐", "quero 2 camisetas", "nota 10")]
    [4, 4, 5, 3, None, None]
    """
    return _read(text).score


def _open(facts: Mapping[str, int], now: int) -> str:
    """Which resolve the open question is about, as it stands in the facts; "" without one."""
    asked = {name.removeprefix(ASKED): since for name, since in facts.items() if name.startswith(ASKED)}
    newest = max(asked, key=lambda resolved: asked[resolved], default="")
    closed = any(name == LET_GO + newest or name.startswith(f"{RATED}{newest}:") for name in facts)
    return newest if newest and not closed and now - asked[newest] < VALID_MS else ""


@dataclass(frozen=True, slots=True)
class _Read:
    score: int | None
    more: bool
    """It says more than that and politeness."""
    told: bool = False
    """The score is called one: "nota 2". A number alone may be of something else."""
    counts: bool = False
    """There is a number in the rest of it."""


def _together(reads: Sequence[_Read]) -> _Read:
    """Of parts, in order. A number alone is a score where it comes first and is the only one: "camiseta azul, 2" and
    "1, 2 e 3" are none."""
    scores, told = {read.score for read in reads if read.score}, any(read.told for read in reads)
    more, counts = any(read.more for read in reads), any(read.counts for read in reads)
    first = next((n for n, read in enumerate(reads) if read.score), len(reads))
    doubtful = not told and (counts or any(read.more for read in reads[:first]))
    if len(scores) != 1 or doubtful:
        return _Read(None, more or bool(scores), counts=counts)
    return _Read(scores.pop(), more, told, counts)


def _read(text: str) -> _Read:
    if len(text) > LONGEST or "?" in text or "？" in text:
        return _Read(None, more=True)
    return _together([_clause(clause) for clause in _CLAUSE.split(text) if clause.strip()])


def _clause(clause: str) -> _Read:
    score, told = _score(clause)
    more = not (score or courtesy_of(clause) or says_nothing(clause))
    return _Read(score, more, told, counts=more and re.search(r"\d", clause) is not None)


# -- the words of a score -----------------------------------------------------------------------------

LONGEST = 500
"""Characters of a message in which a score is looked for."""
_CLAUSE = re.compile(r"(?<!\d)[,.]|[,.](?!\d)|[\n!;，。！；、…~]+")
_STAR = re.compile(r"[⭐🌟★]")
_EMPTY_STAR = "☆"
_COUNTING = {word: n for word, n in COUNTED.items() if n <= 5 and word != "首"} | {str(n): n for n in range(1, 6)}
_N = "(" + "|".join(sorted(_COUNTING, key=len, reverse=True)) + ")(?:[.,]0)?"
_LEAD = (
    r"(?:(?:(?P<told>notas?|avaliacao|avalio|dou|daria|dar|score|rating|rate|give|calificacion|califico|puntuacion|"
    r"puntaje|doy|pongo)|eu|i|id|would|vou|quero|minha|my|mi|yo|a|o|la|el|um|uma|un|una|de|com|em|e|es|is|it|"
    r"you|le|les|voces) )*"
)
"""Before the number, where one of the words of rating is among them: "quero 2" and "o 2" choose something."""
_OF_FIVE = r"(?P<of> ?(?:/|de|sobre|out of|of) ?(?:5|cinco|five))?"
_UNIT = r"(?P<unit> (?:estrelas?|estrellas?|stars?|pontos?|puntos?|points?))?"
_FOR = (
    r"(?: (?:pelo|pro|para o|ao|for the|for your|por la|por el|a la|para la) "
    r"(?:atendimento|servico|service|support|help|atencion|servicio))?"
)
_THANKS = r"(?:(?: (?:muito|muita|muchas))? (?:obrigad[oa]|valeu|thanks|thank you|gracias))?"
_LATIN = re.compile(rf"{_LEAD}{_N}{_OF_FIVE}{_UNIT}{_FOR}{_THANKS}")
_BARE = re.compile(rf"{_N}{_THANKS}")
_CHINESE = re.compile(
    r"我?(?:想|要)?(?P<told>给|打|评分?)?(?:你们|您)?(?:是|个|了|打)?([1-5一二两三四五])(?P<unit>分|颗?星|个星)?(?:好评)?吧?"
)
_NUMBERED = re.compile(r"([1-5]) ?[.)–-] ?")
_TITLED = {fold(title): n for row in TITLES.values() for n, title in enumerate(row, 1)}


def _score(clause: str) -> tuple[int | None, bool]:
    """And whether it is called one."""
    shining, words = len(_STAR.findall(clause)), _plain(clause)
    if not words:
        return _stars(shining, clause.count(_EMPTY_STAR)), True
    if score := _titled(words):
        return score, True
    score, told = _worded(words)
    if shining not in (0, 1, score):
        return None, False
    return score, told or bool(shining)


def _stars(shining: int, empty: int) -> int | None:
    return shining if 1 <= shining <= 5 and shining + empty in (shining, 5) else None


def _plain(clause: str) -> str:
    """Folded words and the signs that mean something beside a number: "-5", "5%" and "$5" are no scores."""
    words = re.sub(r"[^\w\s/.,%$€£+<>=#)–-]|_", " ", fold(_STAR.sub(" ", clause)))
    return " ".join(re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", words).split())


def _titled(words: str) -> int | None:
    """A button's title, also as a numbered line of the question: "4. Bom"."""
    numbered = _NUMBERED.match(words)
    score = _TITLED.get(words[numbered.end() :] if numbered else words)
    return score if not numbered or (score and int(numbered[1]) == score) else None


def _worded(words: str) -> tuple[int | None, bool]:
    if found := _CHINESE.fullmatch(words.replace(" ", "")):
        return _COUNTING[found[2]], bool(found["told"] or found["unit"])
    if found := _BARE.fullmatch(words):
        return _COUNTING[found[1]], False
    found = _LATIN.fullmatch(words)
    told = found is not None and any(found[name] for name in ("told", "of", "unit"))
    return (_COUNTING[found[2]], True) if found and told else (None, False)
