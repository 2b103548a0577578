"""What is said only to be polite, and a plain yes, in four languages. Pure."""

from __future__ import annotations

import re
from typing import Literal

from gateway.rules.wishes import PLEASE, spelled

Courtesy = Literal["greeting", "thanks", "goodbye", ""]

_COURTESIES: tuple[tuple[Courtesy, re.Pattern[str]], ...] = (
    (
        "thanks",
        re.compile(
            r"\b(?:muit[oa] )?(?:obrigad[oa]s?|obg|obgd[oa]?|brigad[oa]|valeu|vlw|agradeco|agradecid[oa]|"
            r"grat[oa])(?: mesmo| demais| pela \w+)?\b"
            r"|\b(?:many |ok )?(?:thank you|thanks|thank u|thankyou|thx|tks|ty|cheers)(?: so much| very "
            r"much| a lot| a million)?\b"
            r"|\b(?:muchas |muchisimas |mil )?gracias\b|\bagradezco\b|\bse agradece\b"
            r"|(?:非常|多)?(?:谢谢|感谢|多谢|谢了|谢啦|3q)(?:你|您|啦|了|你们)?"
        ),
    ),
    (
        "goodbye",
        re.compile(
            r"\b(?:tchau(?:zinho)?|ate (?:mais|logo|breve|amanha|a proxima)|adeus|flw|falou|fui|bye(?: "
            r"bye)?|goodbye|"
            r"see (?:you|ya)(?: later| soon)?|good night|have a (?:nice|good|great) (?:day|one|evening|"
            r"weekend)|take care|"
            r"adios|chau|chao|hasta (?:luego|pronto|manana|la vista)|nos vemos|tenha um[a]? (?:bom|boa|"
            r"otim[oa]) (?:dia|tarde|noite|semana)"
            r"|bom fim de semana|bom descanso)\b"
            r"|再见|拜拜|回见|下次见|晚安"
        ),
    ),
    (
        "greeting",
        re.compile(
            r"\b(?:oi+e*|ola+|opa|e ai|eai|salve|bom dia|bo[ma] (?:tarde|noite)|tudo (?:bem|bom|certo|"
            r"joia)(?: com voces?)?|"
            r"blz|beleza|como vai|alo|hello+|hi+|hey+|yo|good (?:morning|afternoon|evening|day)|greetings|"
            r"howdy|"
            r"how are you(?: doing)?(?: today)?|whats up|hola+|buenas (?:tardes|noches)|buenas"
            r"|buen dia|buenos dias|que tal|como estas?)\b"
            r"|(?:你|您|大家)好(?:呀|啊|吗)?|哈喽|嗨|hello|早上好|下午好|晚上好|早安|在吗|在不在"
            r"|^/start(?: [\w-]+)?$"  # how everybody greets a bot: Telegram's button sends it
        ),
    ),
)
_FILLER = re.compile(
    r"\b(?:por favor|pfv|please|pls|porfa|ok|okay|ta|certo|entendi|perfeito|otimo|show|top|legal|great|"
    r"perfect|"
    r"nice|cool|genial|vale|listo|perfecto|bueno|amig[oa]s?|pessoal|gente|there|all|everyone|team|todos?|"
    r"a|e|y|and|and you|"
    r"voces?|for|pela|pelo|por|the|your|help|ajuda|ayuda|atencao|atencion|tudo|todo|la|su|so|much|"
    r"senhor[a]?|moc[oa])\b|好的|好吧|嗯|哦|明白了?|知道了|请问|麻烦"
)


def courtesy_of(text: str) -> Courtesy:
    """Which courtesy the *whole* text is, "" when it says anything else: "oi, tem pix?" is a question."""
    rest = spelled(text)
    found: Courtesy = ""
    for kind, pattern in _COURTESIES:
        rest, count = pattern.subn(" ", rest)
        found = found or (kind if count else "")
    return found if found and not re.search(r"\w", _FILLER.sub(" ", rest)) else ""


def without_courtesies(text: str) -> str:
    """The question without the greeting before it; the text itself when nothing else was said.

    >>> without_courtesies("Oi, bom dia! Vocês aceitam Pix?")
    'Vocês aceitam Pix?'
    """
    rest = text.strip()
    while match := re.match(r"[^\n.!,;:，。！]{1,40}[\n.!,;:，。！]+\s*", rest):
        if not courtesy_of(match.group()):
            break
        rest = rest[match.end() :]
    return rest or text.strip()


_YES = re.compile(
    r"^(?:sim|s|quero|quero sim|claro|isso|pode ser|pode|aceito|com certeza|yes|y|yeah|yep|sure"
    r"|please do|ok|okay|i do|si|"
    r"claro que si|dale|bueno|vale|(?:是|好|要|可以|行|嗯)(?:的|啊|呀|吧)?)"
    rf"{PLEASE}$"
)


def agrees(text: str) -> bool:
    """A plain yes, to a question that was put: "quero sim, por favor"."""
    return _YES.match(re.sub(r"\s*[,，]\s*", " ", spelled(text)).strip(" .!。！")) is not None


def says_nothing(text: str) -> bool:
    """True of "ok", "entendi 👍" and the like: nothing that an answer could be looked up for."""
    return not re.search(r"\w", _FILLER.sub(" ", spelled(text)))
