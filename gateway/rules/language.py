"""Which language a customer wrote in: pt, en, es or zh, or unknown. Pure.

Messages are short ("tem pix?"), unaccented and full of abbreviations, so a handful of words has to be enough,
and a tie is an honest "unknown": the caller then keeps the conversation's language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import filterfalse

_WORDS: dict[str, frozenset[str]] = {
    "pt": frozenset(
        """o os um uma uns umas ao aos do dos da das na nas no nos em e ou com sem meu minha meus minhas seu
        sua
        voce voces vc vcs vcê eu ele ela eles elas nao n sim mas mais muito muita isso isto esse essa este
        esta aqui
        onde quando quanto quantos quanta quantas qual quais quem pra pro pras pros pelo pela ate ja so
        tambem tb tbm
        tem tenho ter temos sou ser sao foi era estou esta estao tô ta to fica ficam posso pode podem
        consigo quero
        queria preciso gostaria faz fazem fazer faco da dao dar vai vou vem vende vendem abre abrem fecha
        fecham
        chegou chega chegar comprei compra comprar pedido pedidos loja lojas frete entrega entregam entregar
        devolver devolucao troca trocar trocam garantia prazo pagamento pagar parcela parcelar parcelam
        parcelado
        parcelas vezes cartao boleto dinheiro reembolso estorno nota fiscal horario funcionamento endereco
        cade kd
        rastrear rastreio retirar presente embrulho dia dias hoje amanha semana tempo demora demoram
        leva mes meses domingo sabado segunda
        sexta feira
        oi ola bom boa tarde noite tudo bem obrigado obrigada valeu tchau blz pfv favor qto qnt qnto pq hj dps
        atendente pessoa alguem falar pergunta duvida ajuda mandam manda envia enviam aceita aceitam custa
        preco
        valor desconto barato caro cor tamanho defeito quebrado quebrada estragado errado outra outro
        depois antes
        interior capital cidade telefone empresa produto produtos chaleira caneca panela então entao lá la
        dá sou
        fora veio ainda agora cancelar compras juros gratis das às pelos pelas nossa nosso nossas nossos
        """.split()  # noqa: SIM905 - a page of words reads better than a page of quotes
    ),
    "en": frozenset(
        """the a an and or of in on is are was were am be been i im id ill ive you u ur your yours we our my me
        mine
        it its this that these those there here what whats when where wheres who whos which why how hows do
        does did
        dont doesnt didnt can could cant would will wont should may might have has had get got to for from
        with
        without by at as if not no yes any some someone something much many long more than then about into
        out up
        order orders item items product products store shop open opens opening close closes closed hours
        address
        ship ships shipping delivery deliver delivers delivered return returns returned refund refunds
        refunded
        money back warranty guarantee broken arrived came damaged wrong missing track tracking package
        parcel pay
        payment payments card cards credit installment installments instalment instalments interest free
        discount
        invoice gift wrap wrapping pick pickup collect cancel change swap exchange color colour size cost
        costs
        charge price fee please pls plz thanks thank thx hello hi hey bye goodbye good morning afternoon
        evening
        night want need like talk speak human agent person people help support service customer number company
        sell buy bought sundays sunday saturday saturdays monday friday weekend days day week business today
        tomorrow yesterday minimum threshold located nearby parking take takes took after before between over
        """.split()  # noqa: SIM905
    ),
    "es": frozenset(
        """el los las un una unos unas y o del al en con sin mi mis su sus tu tus yo usted ustedes nosotros ellos
        es
        son soy era fue esta estan estoy ser hay tengo tiene tienen tener puedo puede pueden quiero quisiera
        necesito hago hace hacen hacer que como cuando donde cual cuales cuanto cuantos cuanta cuantas
        quien por
        para pero mas muy eso esto ese esa este aqui ahi si no ya tambien tmb algo alguien otro otra
        despues antes
        hasta desde hola buenas buenos dias tardes noches gracias adios chau porfa favor dia hoy manana semana
        domingo domingos sabado sabados lunes martes miercoles jueves viernes pedido pedidos tienda envio
        envios
        enviar envian entrega entregan entregar llega llego llegar devolver devuelven devolucion cambio
        cambiar
        cambian garantia plazo pago pagos pagar cuotas cuota tarjeta dinero plata reembolso factura horario
        direccion rastrear seguimiento retirar buscarlo regalo envuelven descuento queda abren abre cierra
        cierran
        cuesta sale precio roto rota dañado equivocado falta correo telefono empresa producto productos venden
        aceptan acepta hablar persona asesor agente humano gratis compra comprar compre me le les lo nos se
        demora
        tarda minimo monto pueden podria podrian seria
        """.split()  # noqa: SIM905
    ),
}
_LETTERS: tuple[tuple[str, re.Pattern[str], float], ...] = (
    ("pt", re.compile(r"[ãõ]|[çê]|\bé\b|à|ô"), 2.0),
    ("pt", re.compile(r"(?:cao|coes|nh[ao]s?|lh[aoe]s?|eir[ao]s?|agem)\b"), 0.6),
    ("es", re.compile(r"[ñ¿¡]"), 2.0),
    ("es", re.compile(r"(?:cion|ciones|iendo|dad)\b|\bll|\bhue|ue(?:n|l|r)[a-z]*\b|ció[n]|[uú]an"), 0.6),
    ("en", re.compile(r"(?:tion|ing|ght|ed|ly|n't|'s|'re|'ve|'ll|'d)\b|\bwh|th|ck\b|sh|ee|oo"), 0.6),
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_NAMES = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+")
"""What is written the same in every language."""
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")


def fold(text: str) -> str:
    """Lower case without accents: what a hurried customer types."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return decomposed if decomposed.isascii() else "".join(filterfalse(unicodedata.combining, decomposed))


def language_of(text: str) -> str:
    """`pt`, `en`, `es`, `zh`, or "" when the text does not say (a number, a name, an emoji, another "
    "language)."""
    if _HAN.search(text) and not _KANA.search(text):
        return "zh"
    lowered, folded = unicodedata.normalize("NFC", text.lower().replace("’", "'")), fold(text)
    words = [word.replace("'", "") for word in _WORD.findall(folded)]
    scores = {language: _weight(lowered, folded, words, language) for language in _WORDS}
    ranked = sorted(scores, key=lambda language: -scores[language])
    first, second = scores[ranked[0]], scores[ranked[1]]
    return ranked[0] if first >= 1 and first > second else ""


def customers_language(texts: Sequence[str], queue: str) -> str:
    """The language our own sentences take: that of the newest text of the contact that tells one, else the queue's.

    `texts`: what the contact wrote or said, oldest first. `queue`: BCP 47; comes back whole where the contact uses
    the same language, so that a voice does not lose its `-BR`. Otherwise two letters: `pt`, `en`, `es` or `zh`.
    """
    told = (_told_by(text) for text in reversed(texts))
    found = next((language for language in told if language), "")
    return queue if found in ("", two_letters(queue)) else found


def _told_by(text: str) -> str:
    """Stricter than a guess: a name, an address or a code may look like a language without one word of it.

    "no" and "a" are words of several languages, so at least one must be of this language alone.
    """
    plain = _NAMES.sub(" ", text)
    found = language_of(plain)
    if found in ("", "zh"):
        return found
    words = [word.replace("'", "") for word in _WORD.findall(fold(plain))]
    return found if any(word in _WORDS[found] and _owners(word) == 1 for word in words) else ""


def _owners(word: str) -> int:
    """How many of the languages have it."""
    return sum(word in words for words in _WORDS.values())


def two_letters(tag: str) -> str:
    """`pt-BR` -> `pt`; `` -> ``."""
    return tag.replace("_", "-").split("-")[0].lower()


def _weight(lowered: str, folded: str, words: Sequence[str], language: str) -> float:
    """One for each word of that language, less when another language has it too, and a little for its spelling."""
    score = 0.0
    for word in words:
        if word in _WORDS[language]:
            score += 1.0 if _owners(word) == 1 else 0.3
    for owner, pattern, weight in _LETTERS:
        if owner == language:
            score += weight * (len(pattern.findall(lowered)) + (pattern.search(folded) is not None)) / 2
    return score


def tagged(found: str, queue: str) -> str:
    """The queue's own tag where `found` is the same language, or none: a voice should not lose its `-BR`."""
    return found if found and found.split("-")[0] != queue.split("-")[0] else queue
