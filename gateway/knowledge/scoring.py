"""How well a paragraph answers a question: a few signals and one calibrated number. Pure.

The weights were fitted by logistic regression on the questions in tests/knowledge/data (its README tells which, and
what was measured blind); `ANSWERS` is the same threshold with and without vectors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.knowledge.words import Term
from gateway.rules.language import fold

ANSWERS = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    match: float
    """0 to 1: of what the question is about *and the documents know*, the share that stands in this paragraph or its
    heading, weighed by rarity."""
    unknown: float
    """0 to 1: the share that stands nowhere in the documents: "avião", "CNPJ"."""
    kind: float
    """1 when the paragraph holds the kind of thing asked for (a price, a time...), -1 when not,
    0 when that is open."""
    nearness: float | None = None
    """Cosine of question and paragraph (or its best sentence), None without vectors."""
    lead: float = 0.0
    """Cosine above the mean of all paragraphs of that language: an off-topic question is equally far from all."""
    body: float = 0.0
    """`match` without the heading: of two paragraphs under one heading the better; it only breaks ties."""
    aside: bool = False
    """Its subject stands nowhere in the documents: all they know of it is light ("how much is the..."), or it asks for
    something they never mention, as a phone number."""
    foreign: bool = False
    """Written in another language than the question."""


def score(s: Signals) -> float:
    """0 to 1; from ANSWERS on the paragraph is held to answer the question."""
    away = (2.8 if s.aside else 0.0) + (1.3 if s.foreign else 0.0)
    if s.nearness is None:
        z = -4.4 + 6.1 * s.match - 1.5 * s.unknown + 1.9 * s.kind
    else:
        z = -4.2 + 5.7 * s.match - 1.0 * s.unknown + 1.0 * s.kind + 5 * (s.nearness - 0.85) + 54 * (s.lead - 0.03)
    return 1 / (1 + math.exp(away - z))


# -- coverage -------------------------------------------------------------------------------------


def weight(term: Term, found_in: int, paragraphs: int) -> float:
    """Rarity (inverse document frequency, never negative: a word nobody wrote is the rarest),
    halved when it is light."""
    rarity = math.log(1 + (paragraphs - found_in + 0.5) / (found_in + 0.5))
    return rarity * (0.5 if term.light else 1.0)


def match(weights: Mapping[Term, float], known: frozenset[str], words: frozenset[str]) -> tuple[float, float]:
    """(match, unknown) of Signals: `known` are all index words of the documents, `words` those of one paragraph."""
    whole = sum(weights.values())
    if not whole:
        return 0.0, 0.0
    shared = sum(w for t, w in weights.items() if not known.isdisjoint(t.forms))
    here = sum(w for t, w in weights.items() if not words.isdisjoint(t.forms))
    return (here / shared if shared else 0.0), 1 - shared / whole


def beside(terms: Sequence[Term], known: frozenset[str]) -> bool:
    """Signals.aside."""
    strangers = [t for t in terms if known.isdisjoint(t.forms)]
    return any(t.offer for t in strangers) or (bool(strangers) and all(t.light for t in terms if t not in strangers))


# -- the kind of answer -----------------------------------------------------------------------------

_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (  # money
        re.compile(
            r"\bquanto (?:custa|e|sai|fica)|\bpreco|\bvalor\b|\bhow much\b|\bcosts?\b|\bprice"
            r"|\bcuesta|cuanto (?:sale|es|vale)|多少钱|费多少|运费多少|邮费多少"
        ),
        re.compile(
            r"(?:r\$|us\$|\$|€|¥)\s*\d|\d[\d.,]*\s*(?:reais|real|元|雷亚尔|dollars?)|gratis"
            r"|gratuit|\bfree\b|sem custo|免费"
        ),
    ),
    (  # a time of day, or days of the week
        re.compile(
            r"\bque horas?\b|\bhorarios?\b|\babrem?\b|\bfecham?\b|\bhours\b|\bopen\b|\bclose\b"
            r"|what time|\bcierran?\b|几点|营业|上班|开门|关门"
        ),
        re.compile(r"\d\s*(?:h\b|hs?\b|am\b|pm\b|:\d\d|点)|fechad|closed|nao abr|no abr|不营业"),
    ),
    (  # a length of time
        re.compile(
            r"quanto tempo|quantos (?:dias|meses)|\bprazo|how long|how many days"
            r"|cuant[oa]s? (?:tiempo|dias|meses)|\bplazo|\bdemora|\btarda|多久|几天|多长时间|多少天"
        ),
        re.compile(
            r"\d+\s*(?:dias?|days?|meses|mes|months?|horas?|hours?|anos?|years?|semanas?|weeks?"
            r"|[^\d\s]{0,3}(?:天|个月|年|工作日|小时)|business|uteis|corridos|habiles|-day)"
        ),
    ),
    (  # an address to write to
        re.compile(r"\b(?:what|which|qual|cual|que)\b.*\b(?:e-?mail|correo)\b|邮箱(?:是|多少|地址)"),
        re.compile(r"\S@\S"),
    ),
    (  # a number of times
        re.compile(r"quantas (?:vezes|parcelas)|how many instal|cuantas cuotas|几期|多少期"),
        re.compile(r"\d"),
    ),
)  # fmt: skip


def kind(question: str, text: str) -> float:
    """1, -1 or 0: see Signals.kind."""
    question, text = fold(question), fold(text)
    asked = [answer for ask, answer in _KINDS if ask.search(question)]
    if not asked:
        return 0.0
    return 1.0 if any(answer.search(text) for answer in asked) else -1.0
