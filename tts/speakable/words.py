"""Number words, asked of num2words: the only place that knows it."""

from __future__ import annotations

import re
from functools import lru_cache


def cardinal(number: int, language: str) -> str:
    """In words; from 10**15 on digit by digit, as nobody would follow the words."""
    if number >= 10**15:
        return digits(str(number), language)
    return _say(number, language, "cardinal")


def ordinal(number: int, language: str) -> str:
    return {("es", 11): "undécimo", ("es", 12): "duodécimo"}.get((language, number)) or _say(
        number, language, "ordinal"
    )


def year(number: int, language: str) -> str:
    """1998 is "nineteen ninety eight" in English only."""
    paired = language == "en" and (1100 <= number < 2000 or 2010 <= number < 2100)
    return _say(number, language, "year" if paired else "cardinal")


def digits(written: str, language: str) -> str:
    return " ".join(cardinal(int(digit), language) for digit in written)


@lru_cache(4096)
def _say(number: int, language: str, to: str) -> str:
    from num2words import num2words

    said = str(num2words(number, lang=language, to=to)).replace("-", " " if language == "en" else "-")
    said = said.replace("veintiuno mil", "veintiún mil").replace("uno mil", "un mil") if language == "es" else said
    return re.sub(r"(?<=\w),(?= )", "", said)
