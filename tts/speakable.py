"""Which words are worth saying, and what had better be read.

Pure. A text written for the eye becomes one for the ear: no marks, no links, no columns, and every number in the
words of its language. What nobody can take down from hearing it (a link, a code, an address, a table) is named in
the speech and arrives as companion text beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Speakable:
    spoken: str
    """For a voice. Empty when nothing of the text can be said."""
    companion: str
    """One thing a line, as it was written; empty when hearing is enough."""


@dataclass(frozen=True, slots=True)
class _Tongue:
    """What a language says for the marks it writes."""

    num2words: str
    decimal: str
    """The mark between units and decimals; the other one groups thousands."""
    point: str
    """How that mark is said."""
    percent: str
    link: str
    email: str
    code: str
    code_word: str
    """Of `code`, the part that is not said after "order number"."""
    table: str
    only: str
    """Said when everything is in the companion text."""
    units: dict[str, tuple[str, str]]
    money: dict[str, tuple[str, str, str, str]]
    """Mark -> one, many, one hundredth, many hundredths."""
    months: tuple[str, ...]
    hour: Callable[[int, int, str], str]
    joint: str
    """Between an amount and its hundredths."""


def speakable(text: str, language: str) -> Speakable:
    """`language` is BCP 47; one that is not known is only stripped of marks. Never raises."""
    tongue = _TONGUES.get(language.split("-")[0].split("_")[0].lower())
    words = tongue or _TONGUES["en"]
    companion: list[str] = []
    text = _without_controls(text)
    text = _tables(text, words, companion)
    text = _contracted(_written_only(_links(text, words, companion), words, companion), words)
    text = _lines(_marks(text))
    if tongue:
        text = _numbers(text, tongue)
    spoken = _tidy(text)
    if companion and not re.search(r"\w", spoken):
        spoken = words.only
    return Speakable(spoken if re.search(r"\w", spoken) else "", "\n".join(dict.fromkeys(companion)))


# -- what is not for the ear -----------------------------------------------------------------------

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\ufe0e\ufe0f"
    "\u20e3\U000e0020-\U000e007f]"
)
_CITATION = re.compile(r"【[^】\n]*】|\s?\[[^\]\n]*§[^\]\n]*\](?!\()|\s?\[\^?\d{1,3}\](?!\()")
_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*(?:\n|$)){2,}", re.M)


def _without_controls(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").replace("\u00a0", " ")
    text = text.replace("\u202f", " ").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) not in _UNSAID)


_UNSAID = {"Cc", "Cf", "Cs", "Co", "Cn"}


def _tables(text: str, words: _Tongue, companion: list[str]) -> str:
    def beside(found: re.Match[str]) -> str:
        companion.append(found[0].strip())
        return f"{words.table}\n"

    return _TABLE.sub(beside, text)


_MD_LINK = re.compile(r"!?\[([^\]\n]*)\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"\n]*\")?\s*\)")
_URL = re.compile(r"<?\b((?:https?://|www\.)[^\s<>\"'）】、，。]+[^\s<>\"'）】、，。.,;:!?*_)\]])>?", re.I)
_BARE_URL = re.compile(
    r"\b((?:[a-z0-9-]+\.)+(?:com|net|org|io|app|shop|store|br|es|mx|cn|pt|ar|co)(?:/[^\s<>\"，。]*[\w/])?)\b", re.I
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def _links(text: str, words: _Tongue, companion: list[str]) -> str:
    def named(found: re.Match[str]) -> str:
        target = found[2].removeprefix("mailto:")
        companion.append(f"{found[1]}: {target}" if found[1].strip() and found[1] != target else target)
        return found[1] if found[1].strip() and found[1] != target else words.link

    def beside(instead: str) -> Callable[[re.Match[str]], str]:
        def keep(found: re.Match[str]) -> str:
            companion.append(found[found.lastindex or 0])
            return instead

        return keep

    text = _MD_LINK.sub(named, text)
    text = _URL.sub(beside(words.link), text)
    text = _EMAIL.sub(beside(words.email), text)
    return _BARE_URL.sub(beside(words.link), text)


_CODES = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # a random PIX key
    r"|\b000201\d{2}[\w.*/ -]{30,}?6304[0-9A-F]{4}\b"  # PIX to copy and paste
    r"|\b\d{5}\.?\d{5} ?\d{5}\.?\d{6} ?\d{5}\.?\d{6} ?\d ?\d{14}\b"  # a boleto's line
    r"|\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"  # CNPJ, CPF
    r"|(?<![\w+])\+?\(?\d{2,3}\)? ?\(?\d{2,5}\)?[ -]\d{3,5}-\d{4}\b|\(\d{2}\) ?\d{4,5}-?\d{4}\b"  # telephones
    r"|\b\d{5}-\d{3}\b"  # CEP
    r"|(?<![\w$.,/:-])#?(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w-])"  # BR123456789BR, PED-2026-01
    r"|(?<![\w.,$])\d{9,}(?![\w.,]*\d)",
    re.A,
)
_CODE_NAME = re.compile(
    r"(?i:c[óo]digo|code|CPF|CNPJ|CEP|tel[eé]fono|telefone|fone|phone|chave|clave|pix|n[úu]mero|number|pedido|order"
    r"|rastreio|rastreamento|tracking|boleto|whatsapp|protocolo|号码|单号|订单)(?:\s(?:is|é|es))?\W{0,3}\Z"
)
_SHORT_CODE = re.compile(r"(?:[A-Z]\d|\d[A-Z]|\d{1,2}[A-Z]|[A-Z]{1,2}\d{1,2})", re.A)
_STREET = re.compile(
    r"\b(?:Rua|R\.|Avenida|Av\.|Alameda|Travessa|Praça|Rodovia|Calle|C/|Avda\.|Plaza|Paseo)\s+"
    r"(?:(?:d[aeo]s?|del|de la|de los|de las|la|las|los)\s+)?[A-ZÀ-Ý][^\n.;!?]{1,50}?,?\s(?:n[º°.]\s?)?\d+[^\n.;!?]*"
    r"|\b\d+\s(?:[A-Z][\w']+\s){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Lane)\b\.?[^\n.;!?]*"
    r"|[\u4e00-\u9fff]{2,8}[路街道]\d+号[^\n。；！？，]*",
)


def _written_only(text: str, words: _Tongue, companion: list[str]) -> str:
    """Addresses are said and written; codes are only written."""
    for found in _STREET.finditer(text):
        companion.append(found[0].strip(" ,*_`"))

    def code(found: re.Match[str]) -> str:
        if _SHORT_CODE.fullmatch(found[0]):
            return found[0]
        companion.append(found[0])
        named = _CODE_NAME.search(text[max(0, found.start() - 24) : found.start()])
        return words.code.partition(words.code_word)[2].strip() if named else words.code

    return _CODES.sub(code, text)


_CONTRACTIONS = {
    "pt_BR": {"em o": "no", "de o": "do", "a o": "ao", "por o": "pelo"},
    "es": {"de el": "del", "a el": "al"},
}


def _contracted(text: str, words: _Tongue) -> str:
    """ "em o link" is "no link": what stands for a link was not there when the sentence was written."""
    for name in (words.link, words.email, words.code):
        rest = re.escape(name.partition(" ")[2])
        for apart, together in _CONTRACTIONS.get(words.num2words, {}).items():
            text = re.sub(rf"\b{apart}(?=\s{rest})", together, text)
    return text


def _marks(text: str) -> str:
    text = _CITATION.sub("", text)
    text = re.sub(r"```\w*\n?|~~~\w*\n?", "", text)
    text = re.sub(r"<[/!]?[A-Za-z][^<>\n]*>", "", text)
    text = re.sub(r"^[ ]{0,8}(?:#{1,6}(?=\s)|>+|[-*+•–—](?=\s)|\[[ xX]\])[ ]*", "", text, flags=re.M)
    text = re.sub(r"^[ ]*(\d{1,2})[.)]\s+(?=\S)", "", text, flags=re.M)
    text = re.sub(r"^[ ]*([-*_=])(?:[ ]*\1){2,}[ ]*$", "", text, flags=re.M)
    text = re.sub(r"[`*~]+|(?<!\w)_+|_+(?!\w)", "", text).replace("|", ", ")
    return _EMOJI.sub(" ", text)


def _lines(text: str) -> str:
    """A heading or a list item is a sentence: it ends like one."""
    lines = [re.sub(r"\s+", " ", line).strip(" ,") for line in text.split("\n")]
    said = [line for line in lines if re.search(r"\w", line)]
    return "\n".join(line if re.search(r"[.!?…:;。！？：；]$", line) else _ended(line) for line in said)


def _ended(line: str) -> str:
    return line + ("。" if re.search(r"[\u4e00-\u9fff]", line) else ".")


def _tidy(text: str) -> str:
    text = re.sub(r"[ \n]+", " ", text)
    text = re.sub(r"\(\s*\)|\[\s*\]", "", text)
    text = re.sub(r" +([,.;:!?…])", r"\1", text)
    text = re.sub(r"([,;:])(?=[.!?])", "", text)
    return re.sub(r"(?<![.])\.\.(?![.])", ".", re.sub(r" {2,}", " ", text)).strip(" ,;:")


# -- numbers ---------------------------------------------------------------------------------------

_AMOUNT = r"\d+(?:[.,]\d+)*"


def _numbers(text: str, tongue: _Tongue) -> str:
    if tongue.num2words == "zh":
        return _chinese(text)
    for step in (_money, _percent, _dates, _hours, _ordinals, _ranges, _units, _rest):
        text = step(text, tongue)
    return text


def _chinese(text: str) -> str:
    """The engine reads digits in Chinese well; only the marks around them stand in the wrong place."""
    text = re.sub(rf"[¥￥]\s?({_AMOUNT})", r"\1元", text)
    return re.sub(rf"({_AMOUNT})\s?[%％]", r"百分之\1", text)


def _money(text: str, tongue: _Tongue) -> str:
    marks = "|".join(re.escape(mark) for mark in sorted(tongue.money, key=len, reverse=True))

    def said(found: re.Match[str]) -> str:
        mark, amount = (found[1], found[2]) if found[1] else (found[4], found[3])
        return _priced(amount, tongue.money[mark.upper() if mark.upper() in tongue.money else mark], tongue)

    return re.sub(rf"(?<!\w)({marks})\s?({_AMOUNT})|(?<![\w.,])({_AMOUNT})\s?({marks})(?!\w)", said, text)


def _priced(amount: str, names: tuple[str, str, str, str], tongue: _Tongue) -> str:
    whole, hundredths = _split(amount, tongue)
    units, cents = int(whole), int((hundredths + "0")[:2]) if hundredths else 0
    said = []
    if units or not cents:
        of = "de " if tongue.num2words in ("pt_BR", "es") and units and units % 1_000_000 == 0 else ""
        said.append(f"{_shortened(_cardinal(units, tongue), tongue)} {of}{names[0] if units == 1 else names[1]}")
    if cents:
        said.append(f"{_shortened(_cardinal(cents, tongue), tongue)} {names[2] if cents == 1 else names[3]}")
    return f" {tongue.joint} ".join(said)


def _shortened(words: str, tongue: _Tongue) -> str:
    """Spanish says `un` before a masculine noun, where it counts `uno`."""
    if tongue.num2words != "es":
        return words
    return re.sub(r"veintiuno$", "veintiún", words) if words.endswith("veintiuno") else re.sub(r"\buno$", "un", words)


def _percent(text: str, tongue: _Tongue) -> str:
    return re.sub(
        rf"(?<![\w.,])([-−]?)({_AMOUNT})\s?%", lambda m: f"{_number(m[1] + m[2], tongue)} {tongue.percent}", text
    )


def _dates(text: str, tongue: _Tongue) -> str:
    american = tongue.num2words == "en"

    def said(day: int, month: int, year: str | None) -> str | None:
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        name = tongue.months[month - 1]
        number = "primeiro" if day == 1 and tongue.num2words == "pt_BR" else _cardinal(day, tongue)
        if american:
            return f"{name} {_ordinal(day, tongue)}" + (f", {_year(year, tongue)}" if year else "")
        return f"{number} de {name}" + (f" de {_year(year, tongue)}" if year else "")

    def slashed(found: re.Match[str]) -> str:
        first, second = int(found[1]), int(found[2])
        day, month = (second, first) if american and first <= 12 else (first, second)
        return said(day, month, found[3]) or found[0]

    def iso(found: re.Match[str]) -> str:
        return said(int(found[3]), int(found[2]), found[1]) or found[0]

    text = re.sub(r"(?<![\w/-])(\d{4})-(\d{2})-(\d{2})(?![\w/-])", iso, text, flags=re.A)
    return re.sub(r"(?<![\w/])(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d{2}))?(?![\w/])", slashed, text, flags=re.A)


def _year(year: str, tongue: _Tongue) -> str:
    number = int(year) + (2000 if len(year) == 2 else 0)
    if tongue.num2words == "en" and (1100 <= number < 2000 or 2010 <= number < 2100):
        return _say(number, "en", "year")
    return _cardinal(number, tongue)


def _hours(text: str, tongue: _Tongue) -> str:
    def said(found: re.Match[str]) -> str:
        hour, minute = int(found[1]), int(found[2] or 0)
        if hour > 24 or minute > 59:
            return found[0]
        return tongue.hour(hour, minute, (found[3] or "").replace(".", "").lower())

    half = r"\s?([ap]\.m\.|[ap]m\b)"
    text = re.sub(rf"(?<![\w:.,])(\d{{1,2}})(?::(\d{{2}}))?{half}", said, text, flags=re.I | re.A)
    text = re.sub(r"(?<![\w:.,])(\d{1,2}):(\d{2})(?:\s?(?:hs?|horas))?()(?![\w:])", said, text, flags=re.A)
    return re.sub(r"(?<![\w:.,])(\d{1,2})\s?[hH](?:s\b)?(\d{2})?()(?![\w])", said, text, flags=re.A)


def _ordinals(text: str, tongue: _Tongue) -> str:
    if tongue.num2words == "en":
        return re.sub(r"\b(\d{1,6})(?:st|nd|rd|th)\b", lambda m: _ordinal(int(m[1]), tongue), text, flags=re.A)

    def said(found: re.Match[str]) -> str:
        word = _ordinal(int(found[1]), tongue)
        if found[2] == "ª":
            return re.sub(r"o\b", "a", word)
        before_noun = tongue.num2words == "es" and re.match(r" \w", text[found.end() :])
        return re.sub(r"(primer|tercer)o$", r"\1", word) if before_noun else word

    return re.sub(r"(?<![\w.,])(\d{1,3})\.?([ºª°])(?![CF\w])", said, text, flags=re.A)


def _ranges(text: str, tongue: _Tongue) -> str:
    to = {"pt_BR": "a", "es": "a", "en": "to"}[tongue.num2words]
    return re.sub(rf"(?<![\w.,-])({_AMOUNT})\s?[-–]\s?({_AMOUNT})(?![\w-])", rf"\1 {to} \2", text, flags=re.A)


def _units(text: str, tongue: _Tongue) -> str:
    names = "|".join(re.escape(unit) for unit in sorted(tongue.units, key=len, reverse=True))

    def said(found: re.Match[str]) -> str:
        one, many = tongue.units[found[2]]
        words = _number(found[1], tongue)
        feminine = one.endswith("a") and one not in ("grama", "miligrama", "día")
        words = _feminine(words, tongue) if feminine else _shortened(words, tongue)
        return f"{words} {one if found[1] == '1' else many}"

    return re.sub(rf"(?<![\w.,])({_AMOUNT})\s?({names})(?![\w²³])", said, text, flags=re.A)


def _feminine(words: str, tongue: _Tongue) -> str:
    if tongue.num2words == "pt_BR":
        return re.sub(r"\bum$", "uma", re.sub(r"\bdois$", "duas", words))
    return re.sub(r"uno$", "una", words) if tongue.num2words == "es" else words


def _rest(text: str, tongue: _Tongue) -> str:
    """Whatever digits are left: plain numbers, measures like 2x3, and those inside a name."""
    text = re.sub(r"(?<=\d)\s?[xX×]\s?(?=\d)", " x ", text, flags=re.A)

    def said(found: re.Match[str]) -> str:
        before, after = text[: found.start()][-1:], text[found.end() :][:1]
        words = _number(found[0], tongue)
        return (" " if before.isalnum() else "") + words + (" " if after.isalnum() else "")

    text = re.sub(rf"(?:(?<=\s)|^)[-−]?{_AMOUNT}|{_AMOUNT}", said, text, flags=re.A)
    return "".join(_other_digit(letter, tongue) for letter in text)


def _other_digit(letter: str, tongue: _Tongue) -> str:
    """Other scripts' digits and raised ones, which no engine of these languages reads."""
    if letter in "ºª":
        return letter
    digit = unicodedata.digit(letter, None)
    return letter if digit is None else f" {_cardinal(digit, tongue)} "


def _number(written: str, tongue: _Tongue) -> str:
    sign = {"pt_BR": "menos ", "es": "menos ", "en": "minus "}[tongue.num2words] if written[0] in "-−" else ""
    written = written.lstrip("-−")
    if re.search(r"[.,].*[.,]", written) and not _grouped(written, tongue):
        parts = re.split(r"([.,])", written)  # 1.2.3: a version
        return sign + ", ".join(_digits(part, tongue) for part in parts if part.isdigit())
    whole, decimals = _split(written, tongue)
    if len(whole) > 15 or (len(whole) > 1 and whole[0] == "0"):
        said = _digits(whole, tongue)
    else:
        said = _cardinal(int(whole), tongue)
    if not decimals:
        return sign + said
    exact = _digits(decimals, tongue) if decimals[0] == "0" or len(decimals) > 2 or tongue.num2words == "en" else ""
    return f"{sign}{said} {tongue.point} {exact or _cardinal(int(decimals), tongue)}"


def _grouped(written: str, tongue: _Tongue) -> bool:
    group = "," if tongue.decimal == "." else "."
    return bool(re.fullmatch(rf"\d{{1,3}}(?:\{group}\d{{3}})+(?:\{tongue.decimal}\d+)?", written))


def _split(written: str, tongue: _Tongue) -> tuple[str, str]:
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


def _digits(digits: str, tongue: _Tongue) -> str:
    return " ".join(_cardinal(int(digit), tongue) for digit in digits)


def _cardinal(number: int, tongue: _Tongue) -> str:
    if number >= 10**15:
        return _digits(str(number), tongue)
    return _say(number, tongue.num2words, "cardinal")


def _ordinal(number: int, tongue: _Tongue) -> str:
    return _say(number, tongue.num2words, "ordinal")


@lru_cache(4096)
def _say(number: int, language: str, to: str) -> str:
    from num2words import num2words

    said = str(num2words(number, lang=language, to=to)).replace("-", " " if language == "en" else "-")
    return re.sub(r"(?<=\w),(?= )", "", said)


# -- languages -------------------------------------------------------------------------------------


def _hour_pt(hour: int, minute: int, half: str) -> str:
    hour = hour + 12 if half == "pm" and hour < 12 else 0 if half == "am" and hour == 12 else hour
    words = {1: "uma", 2: "duas", 21: "vinte e uma", 22: "vinte e duas"}.get(hour) or _say(hour, "pt_BR", "cardinal")
    said = "zero hora" if hour == 0 else f"{words} {'hora' if hour == 1 else 'horas'}"
    return f"{said} e {_say(minute, 'pt_BR', 'cardinal')}" if minute else said


def _hour_es(hour: int, minute: int, half: str) -> str:
    words = {1: "una", 21: "veintiuna"}.get(hour) or _say(hour, "es", "cardinal")
    said = f"{words} y {_say(minute, 'es', 'cardinal')}" if minute else words
    part = {"am": " de la mañana", "pm": " de la tarde" if hour in (12, *range(1, 8)) else " de la noche"}
    return said + part[half] if half else (said if minute else f"{said} {'hora' if hour == 1 else 'horas'}")


def _hour_en(hour: int, minute: int, half: str) -> str:
    if not half:
        half, hour = ("am" if hour % 24 < 12 else "pm"), hour % 12 or 12
    said = _say(hour, "en", "cardinal")
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{_say(minute, 'en', 'cardinal')}"
    return f"{said} {half[0]} m"


def _hour_zh(hour: int, minute: int, half: str) -> str:
    return f"{hour}点{minute}分" if minute else f"{hour}点"


_PT = _Tongue(
    "pt_BR", ",", "vírgula", "por cento", "o link que envio por escrito", "o e-mail que envio por escrito",
    "o código que envio por escrito", "código", "A tabela vai por escrito.", "Segue por escrito.",
    {
        "kg": ("quilo", "quilos"), "g": ("grama", "gramas"), "mg": ("miligrama", "miligramas"),
        "km": ("quilômetro", "quilômetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"),
        "mm": ("milímetro", "milímetros"), "l": ("litro", "litros"), "L": ("litro", "litros"),
        "ml": ("mililitro", "mililitros"), "min": ("minuto", "minutos"), "°C": ("grau Celsius", "graus Celsius"),
        "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
        "horas": ("hora", "horas"), "hora": ("hora", "horas"), "semanas": ("semana", "semanas"),
        "parcelas": ("parcela", "parcelas"), "unidades": ("unidade", "unidades"), "lojas": ("loja", "lojas"),
    },
    {
        "R$": ("real", "reais", "centavo", "centavos"), "US$": ("dólar", "dólares", "centavo", "centavos"),
        "$": ("dólar", "dólares", "centavo", "centavos"), "€": ("euro", "euros", "centavo", "centavos"),
        "BRL": ("real", "reais", "centavo", "centavos"), "USD": ("dólar", "dólares", "centavo", "centavos"),
    },
    ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
     "novembro", "dezembro"),
    _hour_pt, "e",
)
_EN = _Tongue(
    "en", ".", "point", "percent", "the link I am sending in writing", "the e-mail address I am sending in writing",
    "the code I am sending in writing", "code", "The table comes in writing.", "It comes in writing.",
    {
        "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
        "km": ("kilometer", "kilometers"), "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"),
        "mm": ("millimeter", "millimeters"), "l": ("liter", "liters"), "L": ("liter", "liters"),
        "ml": ("milliliter", "milliliters"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
        "oz": ("ounce", "ounces"), "ft": ("foot", "feet"), "mi": ("mile", "miles"), "min": ("minute", "minutes"),
        "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
        "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
    },
    {
        "$": ("dollar", "dollars", "cent", "cents"), "US$": ("dollar", "dollars", "cent", "cents"),
        "USD": ("dollar", "dollars", "cent", "cents"), "€": ("euro", "euros", "cent", "cents"),
        "£": ("pound", "pounds", "penny", "pence"), "R$": ("real", "reais", "centavo", "centavos"),
    },
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"),
    _hour_en, "and",
)
_ES = _Tongue(
    "es", ",", "coma", "por ciento", "el enlace que le envío por escrito", "el correo que le envío por escrito",
    "el código que le envío por escrito", "código", "La tabla va por escrito.", "Se lo envío por escrito.",
    {
        "kg": ("kilo", "kilos"), "g": ("gramo", "gramos"), "mg": ("miligramo", "miligramos"),
        "km": ("kilómetro", "kilómetros"), "m": ("metro", "metros"), "cm": ("centímetro", "centímetros"),
        "mm": ("milímetro", "milímetros"), "l": ("litro", "litros"), "L": ("litro", "litros"),
        "ml": ("mililitro", "mililitros"), "min": ("minuto", "minutos"), "°C": ("grado Celsius", "grados Celsius"),
        "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
        "horas": ("hora", "horas"), "hora": ("hora", "horas"), "semanas": ("semana", "semanas"),
        "cuotas": ("cuota", "cuotas"), "tiendas": ("tienda", "tiendas"),
        "días": ("día", "días"), "meses": ("mes", "meses"),
    },
    {
        "€": ("euro", "euros", "céntimo", "céntimos"), "EUR": ("euro", "euros", "céntimo", "céntimos"),
        "$": ("peso", "pesos", "centavo", "centavos"), "US$": ("dólar", "dólares", "centavo", "centavos"),
        "USD": ("dólar", "dólares", "centavo", "centavos"), "R$": ("real", "reales", "centavo", "centavos"),
    },
    ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
     "noviembre", "diciembre"),
    _hour_es, "con",
)
_ZH = _Tongue(
    "zh", ".", "点", "", "我用文字发给您的链接", "我用文字发给您的邮箱", "我用文字发给您的号码", "我用文字",
    "表格我用文字发给您。", "我用文字发给您。", {}, {}, (), _hour_zh, "",
)
_TONGUES = {"pt": _PT, "en": _EN, "es": _ES, "zh": _ZH}
