"""Money, dates, hours, measures: every digit in the words of its language. For languages that num2words knows."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .shorthand import signed
from .tongues import Tongue, spaced_words
from .words import cardinal, digits, ordinal, year

_AMOUNT = r"[0-9]+(?:[.,][0-9]+)*"
_FUNCTION = (
    "a|o|e|y|u|al|as|os|el|la|de|da|do|del|das|dos|por|per|em|en|na|no|que|com|con|es|é|são|son|para|se|como|até|hasta"
    "|mais|más|menos|coma|vírgula|point|and|or|ou|to|by"
)
"""No noun: what comes before is counted for itself."""


_COUNTS = re.compile(r"[0-9½⅓⅔¼¾]")
"""Most sentences have none of these, and most steps look for nothing else."""


def in_words(text: str, tongue: Tongue) -> str:
    steps = (
        _always, _decades, _numbered, _rates, _iso, _hours, _slashed, _written_dates, _ranges, _money, _percent,
        _fractions, _ordinals, _roman, _by, _units, _counted, _years, _rest, signed,
    )  # fmt: skip
    without = (_numbered, _rates, _written_dates, _roman, _rest, signed)
    for step in steps if _COUNTS.search(text) else without:
        text = step(text, tongue)
    return text


def numbers_in_words(text: str, tongue: Tongue) -> str:
    """Only its numbers: no unit, no sign and no abbreviation is looked for."""
    return _rest(text, tongue)


@lru_cache(64)
def _names(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# -- before anything else could take the digits ----------------------------------------------------


def _always(text: str, tongue: Tongue) -> str:
    if tongue.num2words == "pt_BR":  # how a medicine is taken, and no day of a month
        text = re.sub(r"(?<![\w/])(?:de )?([0-9]{1,2})/\1\s?(?:hs?|horas)\b", r"de \1 em \1 horas", text)
    return re.sub(r"(?<!\bdia )(?<!\bday )(?<![\w/])24/7(?![\w/])", tongue.always, text)


_ORDER = re.compile(
    r"\b((?:pedido|protocolo|chamado|fatura|nota fiscal|order|ticket|invoice|case|orden|factura|solicitud)"
    r"(?:\s(?:número|number))?)\s([0-9]{5,8})(?![\w.,/:-]*[0-9]|\s?(?:R\$|[$€%]|reais|euros?|pesos))",
    re.I,
)


def _numbered(text: str, tongue: Tongue) -> str:
    """#123 is a number; a long one is read digit by digit, as order numbers are."""

    def said(found: re.Match[str]) -> str:
        digit_by_digit = len(found[1]) > 4 or found[1][0] == "0"
        return f"{tongue.number} " + (
            digits(found[1], tongue.num2words) if digit_by_digit else cardinal(int(found[1]), tongue.num2words)
        )

    text = re.sub(r"(?<!\w)#\s?([0-9]+)", said, text).replace("#", "")
    return _ORDER.sub(lambda found: f"{found[1]} {digits(found[2], tongue.num2words)}", text)


def _rates(text: str, tongue: Tongue) -> str:
    marks = re.escape("".join({mark[-1] for mark in tongue.money}))
    units, rates = _names(tuple(tongue.units)), _names(tuple(tongue.rates))
    text = re.sub(
        rf"(?<=[0-9])(\s?(?:{units}))/({rates})(?![\w²³])",
        lambda m: f"{m[1]} {tongue.per} {tongue.rates[m[2]]}", text,
    )  # fmt: skip
    return re.sub(
        rf"(?<=[0-9{marks}])\s?/\s?({_names(tuple(tongue.rates))})(?![\w²³])",
        lambda m: f" {tongue.per} {tongue.rates[m[1]]}", text,
    )  # fmt: skip


# -- money -----------------------------------------------------------------------------------------


def _money(text: str, tongue: Tongue) -> str:
    marks, scales = _names(tuple(tongue.money)), _names(tuple(tongue.scales))

    def said(found: re.Match[str]) -> str:
        code = (found["code"] or "").upper()
        mark = code if code in tongue.money else (found["before"] or found["after"]).upper()
        sign = f"{tongue.minus} " if found["minus"] or found["inner"] else ""
        amount = found["amount"] or found["alone"]
        return sign + _priced(amount, found["scale"] or found["scaled"], tongue.money[mark], tongue)

    return re.sub(
        rf"(?<![\w.,])(?P<minus>[-−]\s?)?(?:(?P<before>{marks})\s?(?P<inner>[-−])?(?P<amount>{_AMOUNT})"
        rf"(?:\s?(?P<scale>{scales})(?!\w))?(?:\s(?P<code>USD|BRL|EUR|GBP|MXN|ARS|CLP|COP)(?!\w))?"
        rf"|(?P<alone>{_AMOUNT})(?:\s?(?P<scaled>{scales}))?\s?(?P<after>{marks})(?!\w))",
        said, text, flags=re.I if tongue.num2words != "en" else 0,
    )  # fmt: skip


def _priced(amount: str, scale: str | None, names: tuple[str, str, str, str], tongue: Tongue) -> str:
    if scale:
        one, many = next((said for key, said in tongue.scales.items() if key.lower() == scale.lower()), ("mil", "mil"))
        if amount == "1" and one == "mil":
            return f"mil {names[1]}"
        return f"{_agreeing(_number(amount, tongue), names[1], tongue)} {one if amount == '1' else many} {names[1]}"
    whole, hundredths = _split(amount, tongue)
    units, cents = int(whole), int((hundredths + "0")[:2]) if hundredths else 0
    said = []
    if units or not cents:
        of = "de " if tongue.num2words in ("pt_BR", "es") and units and units % 1_000_000 == 0 else ""
        said.append(_amount(units, of, names[0], names[1], tongue))
    if cents:
        said.append(_amount(cents, "", names[2], names[3], tongue))
    return f" {tongue.joint} ".join(said)


def _amount(count: int, of: str, one: str, many: str, tongue: Tongue) -> str:
    name = one if count == 1 else many
    return f"{_agreeing(cardinal(count, tongue.num2words), name, tongue)} {of}{name}"


def _percent(text: str, tongue: Tongue) -> str:
    text = re.sub(r"(?<=[0-9])\s?[%％]\s?[-–]\s?(?=[0-9][0-9.,]*\s?[%％])", f" {tongue.percent} {tongue.to} ", text)
    return re.sub(
        rf"(?<![\w.,])([-−]?)({_AMOUNT})\s?[%％]",
        lambda m: f"{_number(m[1] + m[2], tongue)} {tongue.percent}", text,
    )  # fmt: skip


# -- days and hours --------------------------------------------------------------------------------


def _date(day: int, month: int, written_year: str | None, tongue: Tongue) -> str | None:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    name, told = tongue.months[month - 1], _year(written_year, tongue) if written_year else ""
    if tongue.num2words == "en":
        return f"{name} {ordinal(day, 'en')}" + (f", {told}" if told else "")
    number = "primeiro" if day == 1 and tongue.num2words == "pt_BR" else cardinal(day, tongue.num2words)
    return f"{number} de {name}" + (f" de {told}" if told else "")


_LAST_CENTURY = 50
"""Two digits from here on are somebody's year of birth; below, what is to come."""


def _year(written: str, tongue: Tongue) -> str:
    century = 0 if len(written) > 2 else 1900 if int(written) >= _LAST_CENTURY else 2000
    return year(int(written) + century, tongue.num2words)


def _iso(text: str, tongue: Tongue) -> str:
    def said(found: re.Match[str]) -> str:
        return _date(int(found[3]), int(found[2]), found[1], tongue) or found[0]

    return re.sub(r"(?<![\w/-])([0-9]{4})-([0-9]{2})-([0-9]{2})(?![\w/-])", said, text)


def _slashed(text: str, tongue: Tongue) -> str:
    cue = re.compile(rf"(?:^|\W)(?:{tongue.date_cues})\s\Z", re.I)

    def said(found: re.Match[str]) -> str:
        first, second = int(found[1]), int(found[2])
        before = text[max(0, found.start() - 14) : found.start()]
        if not found[3] and (first, second) in tongue.fractions and not cue.search(before):
            return found[0]
        american = tongue.num2words == "en" and first <= 12
        return _date(second if american else first, first if american else second, found[3], tongue) or found[0]

    text = re.sub(r"(?<=[0-9]/[0-9][0-9])\s?[-–]\s?(?=[0-9]{1,2}/[0-9])", f" {tongue.to} ", text)
    return re.sub(r"(?<![\w/.,])([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?(?![\w/])", said, text)


def _written_dates(text: str, tongue: Tongue) -> str:
    if tongue.num2words == "pt_BR":
        months = "|".join(tongue.months)
        text = re.sub(rf"\b0?1(?=\sde\s(?:{months}))", "primeiro", text, flags=re.I)
        text = re.sub(rf"\b0(?=[2-9]\sde\s(?:{months}))", "", text, flags=re.I)
        street = re.compile(rf"\b(?=[IVX])({_ROMAN})(?= de (?:{months})\b)", re.I)  # Rua XV de Novembro
        return street.sub(lambda m: cardinal(_from_roman(m[1].upper()), tongue.num2words), text)
    if tongue.num2words == "en":
        return _english_dates(text, tongue)
    return text


def _english_dates(text: str, tongue: Tongue) -> str:
    names = [rf"{full}|{short}\.?" for full, short in zip(tongue.months, tongue.short_months, strict=True)]
    any_name = "|".join(f"(?:{name})" for name in names)

    def month(written: str) -> str:
        return next(full for full in tongue.months if full.startswith(written[:3]))

    def month_first(found: re.Match[str]) -> str:
        if not 1 <= int(found[2]) <= 31:
            return found[0]
        return f"{month(found[1])} {ordinal(int(found[2]), 'en')}" + (
            f", {_year(found[3], tongue)}" if found[3] else ""
        )

    def day_first(found: re.Match[str]) -> str:
        return f"{ordinal(int(found[1]), 'en')} of {month(found[2])}" + (
            f" {_year(found[3], tongue)}" if found[3] else ""
        )

    text = re.sub(
        rf"\b({any_name}) ([0-9]{{1,2}})(?:st|nd|rd|th)?(?:,? ([12][0-9]{{3}}))?(?![\w:/%])", month_first, text
    )
    return re.sub(rf"(?<![\w/.])([0-9]{{1,2}}) ({any_name})(?: ([12][0-9]{{3}}))?(?!\w)", day_first, text)


def _years(text: str, tongue: Tongue) -> str:
    """English says a year in pairs; without one of these words before it, 1998 may be a number of things."""
    if tongue.num2words != "en":
        return text
    return re.sub(
        r"\b(in|since|until|by|during|year|of) ((?:1[1-9]|20)[0-9][0-9])(?!\w|[.,][0-9])",
        lambda m: f"{m[1]} {_year(m[2], tongue)}", text, flags=re.I,
    )  # fmt: skip


def _decades(text: str, tongue: Tongue) -> str:
    if tongue.num2words != "en":
        return text
    decade = re.compile(r"(?<![\w.,])((?:1[1-9]|20)[0-9]0)'?s\b")
    return decade.sub(lambda m: re.sub(r"y$", "ie", year(int(m[1]), "en")) + "s", text)


def _hours(text: str, tongue: Tongue) -> str:
    def said(found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2] or 0)
        half = re.sub(r"[.\s]", "", found[3] or "").lower()
        if hour > 24 or minute > 59 or (tongue.num2words == "en" and re.fullmatch(r"[0-9]+\s?h", found[0], re.I)):
            return found[0]  # as long as that, not at that time
        ends = (found[3] or "").endswith(".") and re.match(
            r"\Z|\n|\s[A-ZÀ-Ý¿¡]", found.string[found.end() : found.end() + 2]
        )
        return tongue.hour(hour, minute, half) + ("." if ends else "")

    time = r"[0-9]{1,2}(?::[0-9]{2}|h(?:[0-9]{2})?|\s?[ap]\.?\s?m\b)"
    text = re.sub(rf"(?<![\w:.,])({time}\.?)\s?[-–]\s?(?={time})", rf"\1 {tongue.to_hour} ", text, flags=re.I)
    text = re.sub(rf"(?<![\w:.,])([0-9]{{1,2}})\s?[-–]\s?(?={time})", rf"\1 {tongue.to_hour} ", text, flags=re.I)
    half = r"\s?([ap]\.\s?m\.|[ap]m\b)"
    text = re.sub(rf"(?<![\w:.,])([0-9]{{1,2}})(?::([0-9]{{2}}))?{half}", said, text, flags=re.I)
    text = re.sub(r"(?<![\w:.,])([0-9]{1,2}):([0-9]{2})(?:\s?(?:hs?|horas|min)(?!\w))?()(?![\w:])", said, text)
    return re.sub(r"(?<![\w:.,])([0-9]{1,2})\s?[hH](?:s\b)?(?:([0-9]{2})(?:min)?)?()(?![\w])", said, text)


# -- order, parts, measures ------------------------------------------------------------------------


def _ordinals(text: str, tongue: Tongue) -> str:
    if tongue.num2words == "en":
        return re.sub(r"\b([0-9]{1,6})(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1]), "en"), text)

    def said(found: re.Match[str]) -> str:
        after = text[found.end() : found.end() + 12]
        noun = re.match(rf" (?!(?:{_FUNCTION})\b)[^\W\d_]", after)
        if found[2] == "°" and not (noun and int(found[1]) < 32) and not re.match(r" de [a-z]", after):
            return f"{cardinal(int(found[1]), tongue.num2words)} " + tongue.units["°C"][found[1] != "1"].split()[0]
        word = ordinal(int(found[1]), tongue.num2words)
        if found[2] == "ª":
            return re.sub(r"o\b", "a", word)
        return re.sub(r"(primer|tercer)o$", r"\1", word) if noun and tongue.num2words == "es" else word

    def degrees(found: re.Match[str]) -> str:
        return f"{_number(found[1], tongue)} {tongue.units['°C'][1].split()[0]}"

    if tongue.num2words == "pt_BR":
        text = _numbered_weekdays(text)
    text = re.sub(r"(?<![\w.,])([0-9]{1,3}[.,][0-9]{1,2})\s?[º°](?![CF\w])", degrees, text)
    text = re.sub(r"(?<![\w.,])([13])\.(er)(?!\w)", said, text)
    return re.sub(r"(?<![\w.,])([0-9]{1,3})\.?([ºª°])(?![CF\w])", said, text)


def _numbered_weekdays(text: str) -> str:
    """2ª-feira, de 3ª a 6ª."""
    names = ("segunda", "terça", "quarta", "quinta", "sexta")
    text = re.sub(r"(?<![\w.,])([2-6])[ªa](?=[\s-]?feira\b)", lambda m: names[int(m[1]) - 2], text)
    pair = re.compile(r"(?<![\w.,])([2-6])ª a ([2-6])ª")
    return pair.sub(lambda m: f"{names[int(m[1]) - 2]} a {names[int(m[2]) - 2]}", text)


_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}


def _fractions(text: str, tongue: Tongue) -> str:
    units = _names(tuple(tongue.units))

    def said(found: re.Match[str]) -> str:
        part = _VULGAR[found["mark"]] if found["mark"] else (int(found["over"]), int(found["under"]))
        if part not in tongue.fractions:
            return found[0]
        noun = found["noun"] or (tongue.units[found["unit"]][bool(found["whole"])] if found["unit"] else "")
        if found["whole"]:
            rest = _part(tongue.and_fraction[part], part, noun, False, tongue).removesuffix(f" {noun}")
            words = f"{_agreeing(_number(found['whole'], tongue), noun, tongue)} {rest}"
            return f"{words} {noun}".rstrip()
        return _part(tongue.fractions[part], part, noun, bool(found["unit"]), tongue)

    return re.sub(
        r"(?<![\w./,])(?:(?P<whole>[0-9]{1,4}) ?(?=[½⅓⅔¼¾]|(?<= )[0-9]/[0-9]))?"
        r"(?:(?P<mark>[½⅓⅔¼¾])|(?P<over>[0-9])/(?P<under>[0-9])(?![\w/]))"
        rf"(?: ?(?P<unit>{units})(?![\w²³/])| (?P<noun>[^\W\d_]{{3,20}}))?",
        said, text,
    )  # fmt: skip


def _part(words: str, part: tuple[int, int], noun: str, unit: bool, tongue: Tongue) -> str:
    """Half a cup is feminine where a cup is; a quarter is a quarter of something."""
    if part == (1, 2) and tongue.num2words != "en" and _feminine(noun, tongue):
        words = words.replace("meio", "meia").replace("medio", "media")
    of = "of a " if tongue.num2words == "en" else "de "
    return f"{words} {of if unit and part != (1, 2) else ''}{noun}".rstrip()


_ROMAN = r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"


def _roman(text: str, tongue: Tongue) -> str:
    def numbered(found: re.Match[str]) -> str:
        value = _from_roman(found[2])
        by_order = found[1].lower().startswith(("séc", "sec", "siglo")) and value <= 10
        return f"{found[1]} {(ordinal if by_order else cardinal)(value, tongue.num2words)}"

    def regnal(found: re.Match[str]) -> str:
        value = _from_roman(found[2])
        if tongue.num2words == "en":
            return f"{found[1]} the {ordinal(value, 'en')}"
        return f"{found[1]} {(ordinal if value <= 10 else cardinal)(value, tongue.num2words)}"

    text = re.sub(rf"\b((?i:{tongue.roman_nouns})) (?=[IVXLCDM])({_ROMAN})(?!\w)", numbered, text)
    return re.sub(rf"\b({tongue.regnal}) (?=[IVXLCDM])({_ROMAN})(?!\w)", regnal, text)


def _from_roman(written: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[letter] for letter in written]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))


def _ranges(text: str, tongue: Tongue) -> str:
    marks = _names(tuple(tongue.money))
    text = re.sub(
        rf"(?<!\w)({marks})\s?({_AMOUNT})\s?[-–]\s?(?:{marks})?\s?({_AMOUNT})(?![0-9-])",
        rf"\2 {tongue.to} \1 \3", text,
    )  # fmt: skip
    return re.sub(rf"(?<![\w.,-])({_AMOUNT})\s?[-–]\s?({_AMOUNT})(?![0-9ºª°-])", rf"\1 {tongue.to} \2", text)


def _by(text: str, tongue: Tongue) -> str:
    """30x40 is a size, 3x a number of times; 5'10" is somebody's height."""
    if tongue.num2words == "en":
        text = re.sub(
            r"(?<![\w.,])([0-9])['′]([0-9]{1,2})(?:[\"″]|(?!\w))",
            lambda m: f"{cardinal(int(m[1]), 'en')} foot {cardinal(int(m[2]), 'en')}", text,
        )  # fmt: skip
    size = r"(?<=[0-9])\s?[xX×]\s?(?=[0-9])|(?<=[a-z²″]) [x×] (?=[0-9])|(?<=[²″])[x×] ?(?=[0-9])"
    text = re.sub(size, f" {tongue.by} ", text)
    return re.sub(
        r"(?<![\w.,])([0-9]{1,4})\s?[xX×](?!\w)",
        lambda m: f"{_agreeing(cardinal(int(m[1]), tongue.num2words), tongue.times, tongue)} {_once(m[1], tongue)}",
        text,
    )  # fmt: skip


def _once(count: str, tongue: Tongue) -> str:
    return {"pt_BR": "vez", "es": "vez", "en": "time"}[tongue.num2words] if count == "1" else tongue.times


def _units(text: str, tongue: Tongue) -> str:
    text = re.sub(r"(?<=[0-9])/(?=[0-9]{2,3}\s?mmHg\b)", f" {tongue.by} ", text)  # a blood pressure

    def said(found: re.Match[str]) -> str:
        one, many = tongue.units[found[2]]
        name = one if found[1] == "1" else many
        return f"{_agreeing(_number(found[1], tongue), name, tongue)} {name}"

    return re.sub(rf"(?<![\w.,])([-−]?{_AMOUNT})\s?({_names(tuple(tongue.units))})(?![\w²³])", said, text)


def _counted(text: str, tongue: Tongue) -> str:
    """Numbers agree with what they count: duas lojas, doscientas personas, un producto."""
    if tongue.num2words == "en":
        return text

    def said(found: re.Match[str]) -> str:
        thousands = bool(found["mil"]) and tongue.num2words == "es"
        first = f"{agreeing(found['first'], found['noun'], thousands)} {found['to']} " if found["first"] else ""
        return f"{first}{agreeing(found['count'], found['noun'], thousands)} {found['mil'] or ''}{found['noun']}"

    def agreeing(amount: str, noun: str, thousands: bool) -> str:
        words = _number(amount, tongue)
        agreed = _agreeing(words, noun.lower(), tongue)
        return re.sub(r"un[ao]$", "un", agreed.replace("veintiuna", "veintiún")) if thousands else agreed

    return re.sub(
        rf"(?<![\w.,])(?:(?P<first>{_AMOUNT}) (?P<to>a|e|o|y|ou) )?(?P<count>[-−]?{_AMOUNT}) (?P<mil>mil )?"
        rf"(?!(?:{_FUNCTION})\b)(?P<noun>[^\W\d_]{{3,20}})\b",
        said, text,
    )  # fmt: skip


def _agreeing(words: str, noun: str, tongue: Tongue) -> str:
    if tongue.num2words == "en" or not noun:
        return words
    noun = noun.split()[0]
    if _feminine(noun, tongue):
        return words if "milh" in words or "millo" in words else _in_feminine(words, tongue)
    known = noun in tongue.masculine or noun.endswith("s") or noun in _MASCULINE_UNITS
    if tongue.num2words == "es" and known:
        words = re.sub(r"veintiuno$", "veintiún", words)
        return re.sub(r"\buno$", "un", words)
    return words


_MASCULINE_UNITS = spaced_words(
    "céntimo centavo real yen penique grado miligramo kilómetro centímetro milímetro mililitro gigabyte megabyte "
    "terabyte kilobyte megabit voltio vatio kilovatio hercio megahercio gigahercio miliamperio sen"
)


_FEMININE_ENDS = (
    "as", "ções", "ssões", "sões", "dades", "gens", "vezes", "noites", "tardes", "chaves", "mulheres", "mães", "redes",
    "partes", "ciones", "siones", "veces", "noches", "llaves", "clases", "mujeres",
)  # fmt: skip


_FEMININE_END = ("ção", "são", "dade", "gem", "eza", "ância", "ência", "inha", "ción", "sión", "dad")
"""Of one thing. A number in front of a verb in -a is as common as one in front of a noun, so -a alone says nothing."""


def _feminine(noun: str, tongue: Tongue) -> bool:
    if noun in tongue.masculine or noun.endswith(("coração", "artesão", "brasão", "tinha", "vinha")):
        return False
    return noun in tongue.feminine or noun.endswith((*_FEMININE_ENDS, *_FEMININE_END))


def _in_feminine(words: str, tongue: Tongue) -> str:
    if tongue.num2words == "pt_BR":
        words = re.sub(r"\bum\b", "uma", re.sub(r"\bdois\b", "duas", words))
        return re.sub(r"(duz|trez|quatroc|quinh|seisc|setec|oitoc|novec)entos", r"\1entas", words)
    words = re.sub(r"(cient|quinient)os", r"\1as", words)
    return re.sub(r"uno$", "una", words)


# -- what is left ----------------------------------------------------------------------------------


def _rest(text: str, tongue: Tongue) -> str:
    """Plain numbers, and those inside a name."""
    text = re.sub(r"(?<=[^\W\d_])-(?=[0-9])", " ", text)
    text = re.sub(r"(?<=[0-9])\s?/\s?(?=[0-9])", " slash " if tongue.num2words == "en" else " barra ", text)

    def said(found: re.Match[str]) -> str:
        before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
        words = _number(found[0], tongue)
        return (" " if before.isalnum() else "") + words + (" " if after.isalnum() else "")

    text = re.sub(rf"(?:(?<=\s)|^)[-−]?{_AMOUNT}|{_AMOUNT}", said, text)
    return "".join(_other_digit(letter, tongue) for letter in text) if any(map(str.isnumeric, text)) else text


def _other_digit(letter: str, tongue: Tongue) -> str:
    """Other scripts' digits and raised ones, which no engine of these languages reads."""
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return f" {cardinal(digit, tongue.num2words)} "
    if unicodedata.category(letter) != "No":
        return letter
    value = unicodedata.numeric(letter)
    return f" {cardinal(int(value), tongue.num2words)} " if value == int(value) else " "


def _number(written: str, tongue: Tongue) -> str:
    sign = f"{tongue.minus} " if written[0] in "-−" else ""
    written = written.lstrip("-−")
    if re.search(r"[.,].*[.,]", written) and not _grouped(written, tongue):
        parts = re.split(r"[.,]", written)  # 1.2.3: a version
        return sign + ", ".join(digits(part, tongue.num2words) for part in parts)
    whole, decimals = _split(written, tongue)
    if len(whole) > 15 or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole, tongue.num2words)
    else:
        said = cardinal(int(whole), tongue.num2words)
    return sign + said + (f" {tongue.point} {_decimals(decimals, tongue)}" if decimals else "")


def _decimals(decimals: str, tongue: Tongue) -> str:
    one_by_one = decimals[0] == "0" or len(decimals) > 2 or tongue.num2words == "en"
    return digits(decimals, tongue.num2words) if one_by_one else cardinal(int(decimals), tongue.num2words)


@lru_cache(8)
def _groups(decimal: str) -> re.Pattern[str]:
    group = "," if decimal == "." else "."
    return re.compile(rf"[0-9]{{1,3}}(?:\{group}[0-9]{{3}})+(?:\{decimal}[0-9]+)?")


def _grouped(written: str, tongue: Tongue) -> bool:
    return bool(_groups(tongue.decimal).fullmatch(written))


def _split(written: str, tongue: Tongue) -> tuple[str, str]:
    """Units and decimals. A foreign mark is taken for what it must be: three digits after it are thousands."""
    group = "," if tongue.decimal == "." else "."
    if _grouped(written, tongue):
        written = written.replace(group, "")
    marks = re.findall(r"[.,]", written)
    if not marks:
        return written, ""
    whole, _, decimals = written.rpartition(marks[-1])
    whole = re.sub(r"[.,]", "", whole)
    if marks[-1] == group and len(decimals) == 3:
        return whole + decimals, ""
    return whole, "" if not decimals.strip("0") else decimals
