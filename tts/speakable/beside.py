"""What nobody can take down by ear: links, codes, telephones, tables, pieces of code. It is written beside."""

from __future__ import annotations

import re
from collections.abc import Callable

from .dictionary import Dictionary
from .tongues import Stands

_HERE = "\ue010"
"""Before every stand-in, so that only the words around a stand-in are joined to it."""


def kept_beside(text: str, stands: Stands, own: Dictionary | None = None) -> tuple[str, str]:
    """The text with stand-ins, and the companion: one thing a line, each once. A word of its `own` is no code."""
    companion: list[str] = []
    text = _snippets(text, stands, companion)
    text = _tables(text, stands, companion)
    text = _codes(_links(text, stands, companion), stands, companion, own)
    return _joined(text, stands), "\n".join(_once(companion))


def _once(companion: list[str]) -> list[str]:
    """A code that is part of an address is there already. Few things have so many that comparing all would matter."""
    found = list(dict.fromkeys(companion))
    if len(found) > 50:
        return found
    return [one for one in found if not any(one != other and one in other for other in found)]


# -- blocks ----------------------------------------------------------------------------------------


def _snippets(text: str, stands: Stands, companion: list[str]) -> str:
    """Fenced code, also that of an item. A fence that never ends is only a mark."""
    parts = re.split(r"^[ ]{0,8}(?:```|~~~)[ ]*[\w+-]{0,20}[ ]*$", text, flags=re.M)
    for n in range(1, len(parts) - 1, 2):
        if parts[n].strip():
            companion.append(parts[n].strip("\n"))
            parts[n] = f"\n{stands.snippet}\n"
    return "".join(parts)


def _tables(text: str, stands: Stands, companion: list[str]) -> str:
    kept: list[str] = []
    rows: list[str] = []
    for line in [*text.split("\n"), ""]:
        if _row(line):
            rows.append(line)
            continue
        kept += _table(rows, stands, companion)
        rows = []
        kept.append(line)
    return "\n".join(kept[:-1])


def _row(line: str) -> bool:
    line = line.strip()
    return (len(line) > 1 and line[0] == line[-1] == "|") or (line.count("|") > 0 and not line.strip("|:- "))


def _table(rows: list[str], stands: Stands, companion: list[str]) -> list[str]:
    if len(rows) < 2:
        return rows
    companion.append("\n".join(rows).strip())
    return [stands.table]


# -- links -----------------------------------------------------------------------------------------

_MD_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\(\s{0,3}<?([^)\s>]{1,2000})>?(?:\s{1,3}\"[^\"\n]{0,200}\")?\s{0,3}\)")
_URL = re.compile(
    r"<?(?<![A-Za-z0-9])((?:https?://|www\.)[^\s<>\"'）】、，。！？；\u4e00-\u9fff]+[^\s<>\"'）】、，。！？；\u4e00-\u9fff"
    r".,;:!?*_)\]])>?",
    re.I,
)
_BARE_URL = re.compile(
    r"(?<![A-Za-z0-9.@-])((?:[a-z0-9-]{1,63}\.){1,6}(?:com|net|org|io|app|shop|store|br|es|mx|cn|pt|ar|co|cl|uk)"
    r"(?![A-Za-z0-9-])(?:/[^\s<>\"，。\u4e00-\u9fff]{0,500}[A-Za-z0-9_/])?"
    r"|[a-z0-9-]{1,63}\.(?:ly|me|gl|to|link|page|site|online|tv)/[^\s<>\"，。\u4e00-\u9fff]{0,500}[A-Za-z0-9_])",
    re.I,
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,20}"
)


_LINKED = re.compile(r"\b(?:link|site|portal|p[áa]gina|e-?mail|enlace|correo|sitio)[\s*_`(<]{1,4}\Z", re.I)
"""Named already: "pelo link https://…" is not "pelo link o link …"."""


def _links(text: str, stands: Stands, companion: list[str]) -> str:
    def named(found: re.Match[str]) -> str:
        target = found[2].removeprefix("mailto:")
        own = found[1].strip() and found[1] != target
        companion.append(f"{found[1]}: {target}" if own else target)
        return found[1] if own else _HERE + stands.link

    def beside(instead: str) -> Callable[[re.Match[str]], str]:
        def keep(found: re.Match[str]) -> str:
            companion.append(found[found.lastindex or 0])
            named = _LINKED.search(found.string[max(0, found.start() - 20) : found.start()])
            return stands.after_number if named else _HERE + instead

        return keep

    text = _MD_LINK.sub(named, text)
    text = _URL.sub(beside(stands.link), text)
    text = _EMAIL.sub(beside(stands.email), text)
    return _BARE_URL.sub(beside(stands.link), text)


# -- codes -----------------------------------------------------------------------------------------

_PHONE = (
    r"(?<![\w+])\+?\(?\d{2,3}\)? ?\(?\d{2,5}\)?[ -]\d{3,5}-\d{4}\b|\(\d{2}\) ?\d{4,5}-?\d{4}\b"
    r"|\+(?=(?:[ .()-]{0,2}\d){9})\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}"
    r"|\b0[3589]00[ -]?\d{3}[ -]?\d{3,4}\b|\b1-\d{3}-\d{3}-\d{4}\b|\(\d{3}\) ?\d{3}-\d{4}\b|\b\d{3}-\d{3}-\d{4}\b"
    r"|(?<![\w+.,$-])\d{2} ?9?\d{4}-\d{4}\b"
    r"|(?<![\w.,$-])(?<!\$ )(?!(?:19|20)\d\d-(?:19|20)\d\d|\d\d00-)[2-5]\d{3}-\d{4}\b"
    r"|\b[6789]\d{2} \d{3} \d{3}\b|\b[6789]\d{2}(?: \d{2}){3}\b|\b\d{2} \d{4} \d{4}\b|\b9\d{4}-\d{4}\b"
    r"|\b1[3-9]\d[ -]?\d{4}[ -]?\d{4}\b|\b0\d{2,3}-\d{7,8}\b|\b400-?\d{3,4}-?\d{3,4}\b"
)
_CODES = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # a random PIX key
    r"|\b000201\d{2}[\w.*/ -]{30,600}?6304[0-9A-F]{4}\b"  # PIX to copy and paste
    r"|\b\d{5}\.?\d{5} ?\d{5}\.?\d{6} ?\d{5}\.?\d{6} ?\d ?\d{14}\b"  # a boleto's line
    r"|\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"  # CNPJ, CPF
    r"|\b\d{1,2}\.\d{3}\.\d{3}-[\dXx]\b|\b\d{7}-\d{2}\.\d{4}\.\d\.\d{2}\.\d{4}\b"  # RG, a lawsuit
    r"|(?<![\w.,$])\d{4}(?: \d{4}){3,10}(?![\w.,]*\d)"  # a card, the key of an invoice
    r"|(?<![\w.,/$-])\d{4,12}-[\dXx](?![\w/-]|\.\d)"  # an account and its check digit
    r"|\b[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,4})?\b"  # IBAN
    rf"|(?P<phone>{_PHONE})"
    r"|\b\d{5}-\d{3}\b"  # CEP
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]·?[A-Z0-9]{5,6}(?!\w)"
    r"|(?<=[Mm]atr[ií]cula )\d{4} [B-Z]{3}\b"
    r"|(?<![\w$.,/:-])#?(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w-])"  # BR123456789BR, PED-2026-01
    r"|(?<![\w.,$])\d{9,}(?![\w.,]*\d)",
    re.A,
)
_NAMED = re.compile(
    r"(?:(?P<number>c[óo]digo|code|CPF|CNPJ|CEP|DNI|NIE|NIF|RG|IBAN|CLABE|tel[eé]fono|telefone|fone|phone|chave|clave|pix"
    r"|n[úu]mero|number|rastreio|rastreamento|tracking|whatsapp|protocolo|processo|celular|ag[êe]ncia|ag\.|conta|corrente|c/c|placa|plate|matr[ií]cula|cupom|cup[óo]n"
    r"|coupon|号码|单号|订单号?|车牌号?|身份证号?|验证码|优惠码|电话)"
    r"|(?P<thing>pedido|order|boleto|voo|vuelo|flight|contrato|contract|fatura|factura|invoice|reserva|booking))"
    r"(?P<is>\s(?:is|é|es)|是)?(?P<mark>[\s*_`\"'“:：#()-]{0,5})\Z",
    re.I,
)
_SAID = re.compile(
    r"(?:BR|SP|MG|RJ|PR|SC|RS|GO|BA|MT|MS)-\d{3}|[A-Z]-\d{1,2}"  # a road, a vitamin
    r"|[A-Z]{1,4}\d|[A-Z]{1,2}\d{1,2}|\d{1,2}[A-Z]{1,2}|[A-Z]\d[A-Z]|[A-Z]{2,5}-\d{1,2}|\d{1,2}H\d{2}"
    r"|\d{1,4}X\d{1,4}[A-Z]{0,2}|\d{1,5}(?:[GMTK]B|KG|KM|ML|CM|MM|MG|W|V|K|L|M|G|H|HZ|X|AM|PM)",
    re.A,
)
_STREET = re.compile(
    r"\b(?:Rua|R\.|Avenida|Av\.|Alameda|Travessa|Praça|Rodovia|Calle|C/|Avda\.|Plaza|Paseo)\s{1,2}"
    r"(?:(?:d[aeo]s?|del|de la|de los|de las|la|las|los)\s)?"
    r"(?:(?:Dra?|Eng|Profa?|Brig|Cel|Gal|Gen|Pres|Sen|Dep|Des|Mal|Cap|Ten|Maj|Alm|Pe|Sta|Sto)\.\s){0,3}"
    r"(?:\d{1,2} de )?[A-ZÀ-Ý][^\n.;!?]{1,50}?,?\s(?:n[º°.]\s?)?(?:\d+|s/n)"
    r"(?:[^\n.;!?]|(?<=\bcj)\.|(?<=\b[Cc]ol)\.|(?<=\bconj)\.|(?<=\bapto)\.|(?<=\bap)\.|(?<=\bbl)\.|(?<=\bqd)\.|(?<=\blt)\.){0,80}"
    r"|\b\d{1,6}\s(?:[A-Z][\w']{1,20}\s){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Lane)\b\.?"
    r"[^\n.;!?]{0,80}"
    r"|[\u4e00-\u9fff]{2,8}[路街道]\d{1,5}号[^\n。；！？，]{0,40}",
)


def _codes(text: str, stands: Stands, companion: list[str], own: Dictionary | None) -> str:
    """Addresses are said and written; codes are only written."""
    own_word = own.spans(text) if own else lambda start, end: False
    for found in _STREET.finditer(text):
        companion.append(found[0].strip(" ,*_`"))

    def code(found: re.Match[str]) -> str:
        if _SAID.fullmatch(found[0]) or own_word(*found.span()):
            return found[0]
        companion.append(found[0])
        before = text[max(0, found.start() - 30) : found.start()]
        return _stand_in(before, stands.phone if found["phone"] else stands.code, stands)

    return _CODES.sub(code, text)


def _stand_in(before: str, whole: str, stands: Stands) -> str:
    """What is said after the words `before` it: "o código ...", "CPF que ...", "Código: vai ...", "é o que ..."."""
    named = _NAMED.search(before)
    if not named:
        return _HERE + whole
    if named["is"]:
        return stands.after_is
    if ":" in named["mark"] or "：" in named["mark"]:
        return stands.after_colon
    return stands.after_number if named["number"] else stands.after_thing


_CONTRACTIONS = {
    "em o": "no", "de o": "do", "a o": "ao", "por o": "pelo", "o o": "o", "no o": "no", "do o": "do", "ao o": "ao",
    "pelo o": "pelo", "de el": "del", "a el": "al", "el el": "el", "al el": "al", "del el": "del", "the the": "the",
}  # fmt: skip


def _joined(text: str, stands: Stands) -> str:
    """ "em o link" is "no link": what stands for a link was not there when the sentence was written."""

    def joined(found: re.Match[str]) -> str:
        together = _CONTRACTIONS.get(f"{found[1]} {found[2]}".lower())
        if not together:
            return f"{found[1]} {found[2]} "
        return (together.capitalize() if found[1][0].isupper() else together) + " "

    text = re.sub(rf"\b(em|de|a|por|o|no|do|ao|pelo|el|al|del|the) ?{_HERE}(o|el|the) ", joined, text, flags=re.I)
    return text.replace(_HERE, "")
