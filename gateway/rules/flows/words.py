"""Words a flow knows by itself, in Portuguese, English, Spanish and Chinese. Pure."""

from __future__ import annotations

import re

from gateway.rules.language import fold, two_letters

_RUN = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def folded(text: str) -> str:
    """Words alone, without case, accents and punctuation, one space between them."""
    return " ".join(_RUN.findall(fold(text)))


def within(inner: str, outer: str) -> bool:
    """Whether one folded text is in another, as whole words; Chinese has no spaces."""
    if not inner:
        return False
    return inner.replace(" ", "") in outer.replace(" ", "") if _HAN.search(inner) else f" {inner} " in f" {outer} "


# -- ways out -------------------------------------------------------------------------------------

CANCEL = frozenset(
    word
    for words in (
        ("cancelar", "cancela", "cancele", "quero cancelar", "quiero cancelar"),
        ("cancel", "i want to cancel", "取消", "我要取消", "取消吧"),
    )
    for word in words
)
"""Not here: `parar`, `sair`, `stop`, `baja`, `退订`, by which a contact opts out."""
BACK = frozenset(
    word
    for words in (
        ("voltar", "volta", "volte", "quero voltar", "back", "go back"),
        ("volver", "vuelve", "atras", "regresar", "quiero volver", "返回", "上一步", "后退", "回去"),
    )
    for word in words
)
_POLITE = re.compile(r"\b(?:por favor|pfv|porfa|please|pls)\b|^请")


def cancels(text: str) -> bool:
    """The whole message is the word: "quero cancelar o pedido 12" is an answer."""
    return _bare(text) in CANCEL


def goes_back(text: str) -> bool:
    return _bare(text) in BACK


def _bare(text: str) -> str:
    return " ".join(_POLITE.sub(" ", folded(text)).split())


# -- numbers as words -----------------------------------------------------------------------------

_COUNTED = (
    "um uma one uno una un 一 首",
    "dois duas two dos 二 两",
    "tres three 三",
    "quatro four cuatro 四",
    "cinco five 五",
    "seis six 六",
    "sete seven siete 七",
    "oito eight ocho 八",
    "nove nine nueve 九",
    "dez ten diez 十",
    "onze eleven once 十一",
    "doze twelve doce 十二",
    "treze thirteen trece 十三",
    "quatorze catorze fourteen 十四",
    "quinze fifteen quince 十五",
    "dezesseis dezasseis sixteen dieciseis 十六",
    "dezessete dezassete seventeen diecisiete 十七",
    "dezoito eighteen dieciocho 十八",
    "dezenove dezanove nineteen diecinueve 十九",
    "vinte twenty veinte 二十",
)
_PLACED = (
    "primeiro primeira first primero primera primer",
    "segundo segunda second",
    "terceiro terceira third tercero tercera tercer",
    "quarto quarta fourth cuarto cuarta",
    "quinto quinta fifth",
    "sexto sexta sixth",
    "setimo setima seventh septimo septima",
    "oitavo oitava eighth octavo octava",
    "nono nona ninth noveno novena",
    "decimo decima tenth",
)
COUNTED = {word: n for n, words in enumerate(_COUNTED, 1) for word in words.split()}
PLACED = {word: n for n, words in enumerate(_PLACED, 1) for word in words.split()}
LAST = frozenset(("ultimo", "ultima", "last"))
ZERO = frozenset(("zero", "cero", "零"))

_FILLERS = frozenset(
    """a o as os la el lo the um uma un una one opcao opcion option numero number num n e eh eu i quero queria quiero
    prefiro prefiero want would like choose take ll escolho elijo fico com con seria pode ser acho que me vou de da do
    with go for favor por please pls pfv porfa para pra ou or and y en on em na no at""".split()  # noqa: SIM905 - words read better than quotes
)
_ORDINAL = re.compile(r"(\d{1,2})(?:a|o|st|nd|rd|th|ª|º)?")
_CHINESE = re.compile(
    r"(?:请|我)*(?:选择?|要|想要)*(?:第)?(\d{1,2}|[一二两三四五六七八九十首]{1,2})"
    r"(?:个|项|号|位|种|选项)*(?:吧|的)*"
)
_CHINESE_LAST = re.compile(r"(?:请|我)*(?:选择?|要|想要)*最后(?:一)?(?:个|项|号|位|种)?(?:吧|的)*")


def place(text: str, many: int) -> int:
    """Which of `many` a text names: "2", "a segunda", "opção dois", "the last one". 0: none."""
    words = folded(text)
    if found := _CHINESE.fullmatch(words):
        named = int(found[1]) if found[1].isdigit() else COUNTED.get(found[1], 0)
    elif _CHINESE_LAST.fullmatch(words):
        named = many
    else:
        named = _named(words.split(), many)
    return named if 1 <= named <= many else 0


def _named(words: list[str], many: int) -> int:
    said = [word for word in words if word not in _FILLERS]
    if not said:  # "um", "the one": a filler when something else is said, a number alone
        said = [word for word in words if word in COUNTED][-1:] if len(words) <= 2 else []
    if len(said) != 1:
        return 0
    [word] = said
    if found := _ORDINAL.fullmatch(word):
        return int(found[1])
    return many if word in LAST else COUNTED.get(word) or PLACED.get(word) or 0


def telling(words: str) -> bool:
    """Whether folded words say anything: "de" and "com" are in many titles and mean none."""
    said = [word for word in words.split() if word not in _FILLERS]
    return any(len(word) > 2 or word.isdigit() or _HAN.search(word) for word in said)


# -- yes and no -----------------------------------------------------------------------------------

YES = frozenset(
    word
    for words in (
        ("sim", "s", "ss", "isso", "claro", "com certeza", "pode ser", "pode", "uhum", "aham", "positivo", "perfeito"),
        ("yes", "y", "yeah", "yep", "sure", "of course", "ok", "okay", "si", "claro que si", "vale", "dale"),
        ("是", "是的", "对", "好", "好的", "可以", "行", "嗯"),
    )
    for word in words
)
NO = frozenset(
    word
    for words in (
        ("nao", "n", "nn", "negativo", "agora nao", "no", "nope", "nah", "not now", "ahora no"),
        ("不", "不是", "不要", "没有", "不用", "不行", "否"),
    )
    for word in words
)
DENIALS = re.compile(
    r"\b(?:nao|nem|sem|no|not|don|dont|neither|nor|without|ni|sin|nunca|never|menos|except)\b|[不没别非]"
)

# -- sentences of our own -------------------------------------------------------------------------

SENTENCES: dict[str, dict[str, str]] = {
    "cancelled": {
        "pt": "Tudo bem, cancelado. Se precisar, é só escrever.",
        "en": "All right, cancelled. Just write if you need anything.",
        "es": "De acuerdo, cancelado. Si necesita algo, solo escriba.",
        "zh": "好的，已取消。有需要请随时留言。",
    },
    "text": {
        "pt": "Não entendi. Pode escrever de outro jeito, por favor?",
        "en": "I did not get that. Could you write it another way, please?",
        "es": "No entendí. ¿Puede escribirlo de otra forma, por favor?",
        "zh": "我没有看懂，请换一种方式写，好吗？",
    },
    "short": {
        "pt": "Ficou curto demais: preciso de pelo menos {min} caracteres. Pode escrever de novo?",
        "en": "That is too short: I need at least {min} characters. Could you write it again?",
        "es": "Es demasiado corto: necesito al menos {min} caracteres. ¿Puede escribirlo de nuevo?",
        "zh": "内容太短，至少需要 {min} 个字符，请重新输入。",
    },
    "long": {
        "pt": "Ficou longo demais: cabem até {max} caracteres. Pode resumir, por favor?",
        "en": "That is too long: there is room for {max} characters. Could you shorten it, please?",
        "es": "Es demasiado largo: caben hasta {max} caracteres. ¿Puede resumirlo, por favor?",
        "zh": "内容太长，最多 {max} 个字符，请缩短一些。",
    },
    "number": {
        "pt": "Preciso de um número. Pode escrever só o número, por favor?",
        "en": "I need a number. Could you write just the number, please?",
        "es": "Necesito un número. ¿Puede escribir solo el número, por favor?",
        "zh": "这里需要一个数字，请只输入数字。",
    },
    "whole": {
        "pt": "Preciso de um número inteiro, sem vírgula.",
        "en": "I need a whole number, without decimals.",
        "es": "Necesito un número entero, sin decimales.",
        "zh": "请输入整数。",
    },
    "low": {
        "pt": "Precisa ser a partir de {min}. Pode escrever de novo, por favor?",
        "en": "It has to be {min} or more. Could you write it again, please?",
        "es": "Tiene que ser {min} o más. ¿Puede escribirlo de nuevo, por favor?",
        "zh": "不能小于 {min}，请重新输入。",
    },
    "high": {
        "pt": "Precisa ser até {max}. Pode escrever de novo, por favor?",
        "en": "It has to be {max} or less. Could you write it again, please?",
        "es": "Tiene que ser {max} o menos. ¿Puede escribirlo de nuevo, por favor?",
        "zh": "不能大于 {max}，请重新输入。",
    },
    "date": {
        "pt": "Não entendi a data. Pode escrever com dia, mês e ano, por exemplo {example}?",
        "en": "I did not get the date. Could you write it with day, month and year, for example {example}?",
        "es": "No entendí la fecha. ¿Puede escribirla con día, mes y año, por ejemplo {example}?",
        "zh": "我没有看懂日期，请写明年月日，例如 {example}。",
    },
    "early": {
        "pt": "A data precisa ser a partir de {min}. Qual outra data seria?",
        "en": "The date has to be {min} or later. Which other date would it be?",
        "es": "La fecha tiene que ser a partir del {min}. ¿Qué otra fecha sería?",
        "zh": "日期不能早于 {min}，请换一个日期。",
    },
    "late": {
        "pt": "A data precisa ser até {max}. Qual outra data seria?",
        "en": "The date has to be {max} or earlier. Which other date would it be?",
        "es": "La fecha tiene que ser hasta el {max}. ¿Qué otra fecha sería?",
        "zh": "日期不能晚于 {max}，请换一个日期。",
    },
    "email": {
        "pt": "Esse e-mail não parece completo. Pode escrever de novo, por exemplo nome@exemplo.com?",
        "en": "That e-mail address does not look complete. Could you write it again, for example name@example.com?",
        "es": "Ese correo no parece completo. ¿Puede escribirlo de nuevo, por ejemplo nombre@ejemplo.com?",
        "zh": "这个邮箱地址似乎不完整，请重新输入，例如 name@example.com。",
    },
    "phone": {
        "pt": "Esse telefone não parece completo. Pode escrever com o DDD, por favor?",
        "en": "That phone number does not look complete. Could you write it with the area code, please?",
        "es": "Ese teléfono no parece completo. ¿Puede escribirlo con el código de área, por favor?",
        "zh": "这个电话号码似乎不完整，请带区号重新输入。",
    },
    "cpf": {
        "pt": "Esse CPF não confere. Pode escrever os 11 números de novo, por favor?",
        "en": "That CPF is not right. Could you write its 11 digits again, please?",
        "es": "Ese CPF no es correcto. ¿Puede escribir los 11 números de nuevo, por favor?",
        "zh": "这个 CPF 号码不正确，请重新输入 11 位数字。",
    },
    "choice": {
        "pt": "Não entendi qual. Escolha uma destas opções, pelo nome ou pelo número:",
        "en": "I did not get which one. Choose one of these, by name or by number:",
        "es": "No entendí cuál. Elija una de estas opciones, por nombre o por número:",
        "zh": "没有看懂您选的是哪一项，请按名称或序号选择：",
    },
}


def own(name: str, language: str) -> str:
    """A sentence of ours; a language we do not speak gets English."""
    return SENTENCES[name].get(two_letters(language), SENTENCES[name]["en"])
