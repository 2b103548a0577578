"""Abbreviations and signs, written out."""

from __future__ import annotations

import re
from functools import lru_cache

from .tongues import Tongue

_STATES = "AC|AL|AP|AM|BA|CE|DF|ES|GO|MA|MT|MS|MG|PA|PB|PR|PE|PI|RJ|RN|RS|RO|RR|SC|SP|SE|TO"
"""Campinas/SP is a town in a state, not one or the other."""


def expanded(text: str, tongue: Tongue) -> str:
    """Abbreviations in full; an inch mark becomes a unit. Signs are said last, by `signed`."""
    text = _weekdays(text.replace("+/-", "±"), tongue)
    exact, any_case = _patterns(tongue.num2words)
    text = exact.sub(lambda m: _full(m, text, tongue.abbreviations[m[0]]), text)
    whole = text
    text = any_case.sub(lambda m: _full(m, whole, tongue.abbreviations.get(m[0].lower(), m[0])), text)
    if tongue.num2words == "pt_BR":
        text = re.sub(rf"(?<=\w\w\w)\s?/\s?(?=(?:{_STATES})\b)", ", ", text)
        text = re.sub(r"\bkm (?=\d)", "quilômetro ", text)
    if tongue.num2words == "en":
        text = re.sub(r"\bNo\.\s?(?=\d)", "number ", text)
    if text.count('"') == 1:
        text = re.sub(r"(?<=\d)\"", "″", text)
    return text.replace("''", "″")


def _weekdays(text: str, tongue: Tongue) -> str:
    names = "|".join(tongue.days)

    def said(found: re.Match[str]) -> str:
        if not {found[1].lower(), found[3].lower()} <= tongue.days.keys():
            return found[0]  # what counts as the same letter here is another one there: a long s
        between = f" {tongue.to} " if found[2].strip() in "-–" else f" {found[2].strip()} "
        return tongue.days[found[1].lower()] + between + tongue.days[found[3].lower()]

    return re.sub(rf"(?<!\w)({names})\.?(\s?[-–]\s?|\s(?:a|to|e|y|and)\s)({names})(?!\w)\.?", said, text, flags=re.I)


def _full(found: re.Match[str], text: str, said: str) -> str:
    """An abbreviation at the end of a sentence ends it too."""
    ends = (
        found[0].endswith(".")
        and said in ("et cetera", "etcétera")
        and re.match(r"\s+[A-ZÀ-Ý¿¡]", text[found.end() : found.end() + 4])
    )
    glued = found[0].endswith("/") and not text[found.end() : found.end() + 1].isspace()
    return said + ("." if ends else " " if glued else "")


@lru_cache(8)
def _patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    from .tongues import TONGUES

    shorts = TONGUES[language.partition("_")[0]].abbreviations
    return _either([s for s in shorts if not s.islower()], 0), _either([s for s in shorts if s.islower()], re.I)


def _either(shorts: list[str], flags: int) -> re.Pattern[str]:
    """Each as a word of its own, the longest first. None is looked for in the middle of a word: there are many."""
    names = "|".join(_alone(short) for short in sorted(shorts, key=len, reverse=True))
    return re.compile(rf"(?<![\w/.-])(?:{names})" if names else r"(?!)", flags)


def _alone(short: str) -> str:
    after = r"(?!\w)" if short[-1].isalnum() or short[-1] in "º°" else ""
    if short == "R.":
        after = r"(?=\s(?:d[aeo]s?\s)?[A-ZÀ-Ý])"
    if short.endswith("/"):
        after = r"(?=\s|[^\W\d_]{3})"  # not that of C/C, S/A and s/n
    return re.escape(short) + after


def signed(text: str, tongue: Tongue) -> str:
    """What is left of signs between words: plus, equals, and, or."""
    signs = "".join(re.escape(sign) for sign in tongue.signs)
    return re.sub(rf"\s?([{signs}])\s?", lambda m: f" {tongue.signs[m[1]]} ", text)
