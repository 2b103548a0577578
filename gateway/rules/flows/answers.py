"""What a contact's words say to a question: a value, or why they do not fit. Pure.

People answer in sentences ("meu e-mail é ana@exemplo.com"), so what was asked for is looked for in them. Where there is
more than one of it, nothing was said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.rules.flows.model import Option, Step, Value
from gateway.rules.flows.patterns import fits
from gateway.rules.flows.words import (
    COUNTED,
    DENIALS,
    NO,
    YES,
    ZERO,
    cancels,
    folded,
    goes_back,
    place,
    telling,
    within,
)
from gateway.rules.language import fold, two_letters

LONGEST = 1000
"""Characters of a text, unless the question says otherwise."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """`why` names a sentence of `words.SENTENCES`, which may hold what is in `facts`."""

    why: str
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a question may need besides the words."""

    language: str
    today: date


def read(step: Step, texts: Sequence[str], told: Told) -> Value | Option | Wrong:
    """The answer of a burst: all of it as one, else its last message that fits. Options are of choices."""
    reader = chosen if step.options else READERS[step.answer]
    first = reader(step, " ".join(texts), told)
    if not isinstance(first, Wrong) or len(texts) == 1:
        return first
    alone = (reader(step, text, told) for text in reversed(texts))
    return next((answer for answer in alone if not isinstance(answer, Wrong)), first)


# -- options --------------------------------------------------------------------------------------


def chosen(step: Step, text: str, told: Told) -> Option | Wrong:
    """By its title, its other words, its number or place, or words that are in one title alone."""
    option = option_of(step.options, text)
    return option if option is not None else Wrong("choice", {})


def option_of(options: Sequence[Option], text: str) -> Option | None:
    said = folded(text)
    if not said:
        return None
    exact = [option for option in options if said in _names(option)]
    if exact:
        return exact[0]
    if (pressed := _shortened(options, text)) is not None:
        return pressed
    if named := place(text, len(options)):
        return _unless_titled(options, named, said)
    return _yes_or_no(options, said) or _part(options, said)


def picks(titles: Sequence[str], text: str) -> bool:
    """The whole message is an option, by title or number, or a word that leads away: there is nothing to wait for."""
    said, options = folded(text), [Option(title) for title in titles]
    numbered = said.isdecimal() and len(said) <= 2 and 1 <= int(said) <= len(titles)
    named = any(said in _names(option) for option in options) or _shortened(options, text) is not None
    return bool(said) and (numbered or named or cancels(said) or goes_back(said))


def _names(option: Option) -> list[str]:
    return [folded(name) for name in (option.title, *option.words)]


def _shortened(options: Sequence[Option], text: str) -> Option | None:
    """As "2. Segunda via do bol…": how channels with little room write an option on its button."""
    found = re.fullmatch(r"\s*(\d{1,2})[.)]\s+(.{1,200}?)(…|\.\.\.)?\s*", text, re.DOTALL)
    if not found or not 1 <= int(found[1]) <= len(options):
        return None
    option = options[int(found[1]) - 1]
    return option if folded(option.title).startswith(folded(found[2])) else None


def _unless_titled(options: Sequence[Option], named: int, said: str) -> Option | None:
    """The second one by "2", but not where another one is called "2 pessoas": then it may be either."""
    others = [each for n, each in enumerate(options, 1) if n != named]
    rivalled = any(within(said, name) for each in others for name in _names(each))
    return None if rivalled else options[named - 1]


def _yes_or_no(options: Sequence[Option], said: str) -> Option | None:
    for family in (YES, NO):
        of_family = [option for option in options if any(name in family for name in _names(option))]
        if said in family and len(of_family) == 1:
            return of_family[0]
    return None


def _part(options: Sequence[Option], said: str) -> Option | None:
    """A title within the words, or the words within a title; one alone, and nobody says no."""
    if DENIALS.search(said):
        return None
    named = [(name, option) for option in options for name in _names(option) if within(name, said)]
    longest = max((name for name, _ in named), key=len, default="")
    if named and all(within(name, longest) for name, _ in named):
        return _only([option for name, option in named if name == longest])
    if named or not telling(said):
        return None
    return _only([option for option in options if any(within(said, name) for name in _names(option))])


def _only(options: Sequence[Option]) -> Option | None:
    return options[0] if options and all(option is options[0] for option in options) else None


# -- texts and numbers ----------------------------------------------------------------------------


def text(step: Step, said: str, told: Told) -> str | Wrong:
    answer = said.strip()
    least, most = int(step.min or 1), int(step.max or LONGEST)
    if len(answer) < least:
        return Wrong("short", {"min": str(least)})
    if len(answer) > most:
        return Wrong("long", {"max": str(most)})
    return answer if not step.pattern or fits(step.pattern, answer) else Wrong("text", {})


_NUMBER = re.compile(r"(?<![\w.,])-?\d{1,15}(?:[.,]\d{1,15}){0,6}(?![\w])")


def number(step: Step, said: str, told: Told) -> float | Wrong:
    value = _number(fold(said), two_letters(told.language))
    if value is None:
        return Wrong("number", {})
    if step.whole and value != int(value):
        return Wrong("whole", {})
    if isinstance(step.min, int | float) and value < step.min:
        return Wrong("low", {"min": shown(step.min, told.language)})
    if isinstance(step.max, int | float) and value > step.max:
        return Wrong("high", {"max": shown(step.max, told.language)})
    return value


def _number(said: str, language: str) -> float | None:
    """Whole numbers are `int`."""
    found = _NUMBER.findall(said)
    if len(found) == 1 and len(re.findall(r"\d+(?:[.,]\d+)*", said)) == 1:
        return _written(found[0], language)
    words = folded(said).split()
    told = [0 if word in ZERO else COUNTED[word] for word in words if word in COUNTED or word in ZERO]
    return told[0] if len(told) == 1 and len(words) <= 3 and not found else None


def _written(digits: str, language: str) -> float | None:
    """Of "1.234,5" and "1,234.5": of two signs the last is the decimal one; of one, what the language makes of it."""
    signs = [sign for sign in digits if sign in ".,"]
    thousands = "," if language in ("en", "zh") else "."
    if len(signs) > 1:
        thousands = signs[0]
    whole, *groups = digits.split(thousands)
    last, _, decimals = groups[-1].partition(signs[-1]) if groups else ("", "", "")
    if len(signs) == 1 and groups and len(groups[0]) != 3:
        return float(digits.replace(",", "."))
    if groups and not all(len(group) == 3 for group in [*groups[:-1], last]):
        return None
    plain = "".join([whole, *groups[:-1], last]) if groups else digits
    return float(f"{plain}.{decimals}") if decimals else _plain_number(plain)


def _plain_number(digits: str) -> float | None:
    """Whole, or with one decimal sign."""
    if not re.fullmatch(r"-?\d{1,15}(?:[.,]\d{1,15})?", digits):
        return None
    return float(digits.replace(",", ".")) if re.search("[.,]", digits) else int(digits)


def shown(value: Value, language: str) -> str:
    """As the language writes it: `1,5` and `25/12/2026` in Portuguese and Spanish."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", value)
        real = _real((int(found[1]), int(found[2]), int(found[3]))) if found else None
        return shown_day(real, language) if real else value
    plain = str(value).lower() if isinstance(value, bool) else f"{value:.15g}"
    return plain if two_letters(language) in ("en", "zh") else plain.replace(".", ",")


# -- dates ----------------------------------------------------------------------------------------

_MONTHS = (
    "january jan janeiro enero ene",
    "february feb fevereiro fev febrero",
    "march mar marco marzo",
    "april apr abril abr",
    "may maio mai mayo",
    "june jun junho junio",
    "july jul julho julio",
    "august aug agosto ago",
    "september sep sept setembro set septiembre",
    "october oct outubro out octubre",
    "november nov novembro noviembre",
    "december dec dezembro dez diciembre dic",
)
MONTHS = {word: n for n, words in enumerate(_MONTHS, 1) for word in words.split()}
DAYS = {
    **dict.fromkeys(("hoje", "today", "hoy", "今天"), 0),
    **dict.fromkeys(("amanha", "tomorrow", "manana", "明天"), 1),
    **dict.fromkeys(("depois de amanha", "day after tomorrow", "pasado manana", "后天"), 2),
    **dict.fromkeys(("ontem", "yesterday", "ayer", "昨天"), -1),
}
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})(?!\d)")
_MARKED = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_NAMED = re.compile(r"(?<!\w)(\d{1,2})(?:o|a|st|nd|rd|th)? (?:de |of )?([a-z]{3,10}),? (?:de |del |of )?(\d{4})(?!\w)")
_NAMED_FIRST = re.compile(r"(?<!\w)([a-z]{3,10}) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?!\w)")


def day(step: Step, said: str, told: Told) -> str | Wrong:
    """`YYYY-MM-DD`."""
    found = _day(" ".join(fold(said).split()), step.order, told.today)
    if found is None:
        return Wrong("date", {"example": shown_day(told.today + timedelta(days=30), told.language, step.order)})
    least, most = _limit(step.min, told), _limit(step.max, told)
    if least and found < least:
        return Wrong("early", {"min": shown_day(least, told.language, step.order)})
    if most and found > most:
        return Wrong("late", {"max": shown_day(most, told.language, step.order)})
    return found.isoformat()


def _limit(limit: float | str | None, told: Told) -> date | None:
    return told.today if limit == "today" else date.fromisoformat(limit) if isinstance(limit, str) else None


def _day(said: str, order: str, today: date) -> date | None:
    found = {(int(y), int(m), int(d)) for y, m, d in _ISO.findall(said)}
    marked = ((int(a), int(b), _year(y)) for a, _, b, y in _MARKED.findall(said))
    found |= {(y, a, b) if order == "mdy" else (y, b, a) for a, b, y in marked}
    found |= {(int(y), MONTHS.get(m, 0), int(d)) for d, m, y in _NAMED.findall(said)}
    found |= {(int(y), MONTHS.get(m, 0), int(d)) for m, d, y in _NAMED_FIRST.findall(said) if m in MONTHS}
    if found:
        return _real(found.pop()) if len(found) == 1 else None
    return _spoken(said, today)


def _year(digits: str) -> int:
    """Of two digits, as POSIX reads them: 69 and more are of the last century."""
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= 69 else 2000)


def _real(day: tuple[int, int, int]) -> date | None:
    try:
        return date(*day)
    except ValueError:
        return None


def _spoken(said: str, today: date) -> date | None:
    words = folded(said)
    named = [word for word in DAYS if within(word, words)]
    longest = max(named, key=len, default="")
    if not named or len(words) > 40 or not all(within(word, longest) for word in named):
        return None
    return today + timedelta(days=DAYS[longest])


def shown_day(day: date, language: str, order: str = "dmy") -> str:
    """As a customer reads it, and may write it; in English with the month's name, as nobody agrees on an order."""
    if two_letters(language) == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    if two_letters(language) == "en":
        return f"{day.day} {_MONTHS[day.month - 1].split()[0].capitalize()} {day.year}"
    first, second = (day.month, day.day) if order == "mdy" else (day.day, day.month)
    return f"{first:02}/{second:02}/{day.year:04}"


# -- e-mail, phone, CPF ---------------------------------------------------------------------------

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")


def email(step: Step, said: str, told: Told) -> str | Wrong:
    words = re.split(r"[\s,;:<>()\[\]\"，；：]+", said)
    found = {address for word in words if (address := _address(word.rstrip(".!?。")))}
    return found.pop() if len(found) == 1 else Wrong("email", {})


def _address(word: str) -> str:
    local, sign, domain = word.partition("@")
    labels = domain.split(".")
    short = len(local) <= 64 and len(domain) <= 253
    hosted = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and re.fullmatch(r"[a-zA-Z]{2,}", labels[-1])
    return f"{local}@{domain.lower()}" if sign and short and hosted and _LOCAL.fullmatch(local) else ""


_DIGITS = re.compile(r"\+?\(?\d[\d\s().-]*\d")


def phone(step: Step, said: str, told: Told) -> str | Wrong:
    """`+` and digits where the country is known, digits alone where it is not."""
    found = _DIGITS.findall(fold(said))
    digits = "".join(str(int(sign)) for sign in found[0] if sign.isdecimal()) if len(found) == 1 else ""
    if not found or not 8 <= len(digits) <= 15:
        return Wrong("phone", {})
    if found[0].startswith("+"):
        return f"+{digits}"
    return _national(digits, step.country) if step.country else digits


def _national(digits: str, country: str) -> str | Wrong:
    """A number may hold its country without the sign: it is longer then than any of that country alone."""
    whole = digits.startswith(country) and len(digits) > 11
    own = digits.removeprefix(country) if whole else digits.lstrip("0")
    if country == "55" and not re.fullmatch(r"[1-9][1-9](?:9\d{8}|[2-5]\d{7})", own):
        return Wrong("phone", {})
    return f"+{country}{own}"


def cpf(step: Step, said: str, told: Told) -> str | Wrong:
    """Eleven digits without marks; the last two prove the others."""
    digits = [int(sign) for sign in fold(said) if sign.isdecimal()]
    if len(digits) != 11 or len(set(digits)) == 1:
        return Wrong("cpf", {})
    proven = all(digits[n] == _check_digit(digits[:n]) for n in (9, 10))
    return "".join(map(str, digits)) if proven else Wrong("cpf", {})


def _check_digit(digits: Sequence[int]) -> int:
    weighed = sum(weight * digit for weight, digit in zip(range(len(digits) + 1, 1, -1), digits, strict=True))
    return weighed * 10 % 11 % 10


READERS: Mapping[str, Callable[[Step, str, Told], Value | Option | Wrong]] = {
    "text": text,
    "number": number,
    "date": day,
    "email": email,
    "phone": phone,
    "cpf": cpf,
    "choice": chosen,
}
