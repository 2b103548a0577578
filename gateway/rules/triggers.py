"""What sets an automatic reply or a flow off: every burst, words, a pattern, or what the customer wants. Pure.

Words are compared without case, accents, punctuation and emoji, and whole: "pix" is not in "pixel". Chinese and other
writing without spaces is compared sign by sign. A pattern reads each message as it was written and is given up when it
takes too long: it is as if it did not match, and the caller is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.rules.language import fold
from gateway.rules.wishes import wants_person

PERSON = "person"
"""The intent that needs no examples: to be served by a person."""
BOUND_S = 0.02
"""Seconds all patterns of one question may take together."""


def _listed(given: Any) -> Any:
    """One text where a list may stand is a list of one; a number is the digits a customer types."""
    each = given if isinstance(given, list | tuple) else (given,)
    return tuple(str(one) if type(one) in (int, float) else one for one in each)


Texts = Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], BeforeValidator(_listed), Field(max_length=500)]


class Trigger(BaseModel):
    """`all` bursts, `none`, those with a `keyword`, or those with an `intent`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    trigger: Literal["all", "none", "keyword", "intent"] = "keyword"
    operator: Literal["contains", "equals", "starts", "ends", "regex"] = "contains"
    value: Texts = ()
    name: str = Field("", pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    examples: Texts = ()
    first_only: bool = False
    """Only the burst that begins a conversation sets it off."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Trigger:
        keys = {"keyword": {"operator", "value"}, "intent": {"name", "examples"}}.get(self.trigger, set())
        for key in sorted(self.model_fields_set & {"operator", "value", "name", "examples"} - keys):
            raise ValueError(f'{key} is no key of trigger = "{self.trigger}"{_owner_of(key)}')
        if self.trigger == "intent":
            _refuse_unnamed(self.name, self.examples)
        if self.trigger == "keyword":
            _refuse_unmatchable(self.operator, self.value)
        return self


class AutoReply(Trigger):
    """A fixed reply. `{name}` in it becomes the customer's name."""

    reply: str = Field(min_length=1, max_length=4000)

    @model_validator(mode="after")
    def _says_something(self) -> AutoReply:
        if not self.reply.strip():
            raise ValueError("reply is empty: write what the customer should read")
        return self


def _owner_of(key: str) -> str:
    return (
        ': it belongs to trigger = "keyword"' if key in ("operator", "value") else ': it belongs to trigger = "intent"'
    )


def _refuse_unnamed(name: str, examples: Sequence[str]) -> None:
    if not name:
        raise ValueError('name is missing: trigger = "intent" needs one, e.g. name = "segunda_via"')
    if name != PERSON and not any(_tokens(example) for example in examples):
        raise ValueError(f'examples is missing: say how customers ask for {name!r}, e.g. examples = ["…", "…"]')


def _refuse_unmatchable(operator: str, values: Sequence[str]) -> None:
    if not values:
        raise ValueError('value is missing: trigger = "keyword" needs the words, e.g. value = ["pix", "boleto"]')
    for number, value in enumerate(values):
        if operator == "regex":
            _refuse_unreadable(number, value)
        elif not _words(value):
            raise ValueError(
                f"value[{number}] = {value!r} has no letter or digit, and nothing else is compared: "
                'take operator = "regex" for signs'
            )


def _refuse_unreadable(number: int, pattern: str) -> None:
    import regex

    try:
        _compiled(pattern)
    except regex.error as error:
        at = f" at position {error.pos}" if error.pos is not None else ""
        raise ValueError(f"value[{number}] = {pattern!r} is no pattern: {error.msg}{at}") from None
    except (RecursionError, OverflowError):
        raise ValueError(f"value[{number}] = {pattern!r} is no pattern: it is nested too deeply") from None


@dataclass(frozen=True, slots=True)
class TooSlow:
    """A pattern that was given up."""

    pattern: str
    bound_ms: int = int(BOUND_S * 1000)


def _untold(slow: TooSlow) -> None:
    """For callers who have nobody to tell."""


def matches(trigger: Trigger, texts: Sequence[str], *, tell: Callable[[TooSlow], None] = _untold) -> bool:
    """Whether a burst sets it off. `texts`: its messages, oldest first; words may be spread over several.

    An intent is judged by `closest`, as if it were the only one. `tell` hears of a pattern that was given up; all
    patterns of a call together take 20 ms at most.
    """
    if trigger.trigger == "intent":
        return closest([trigger], texts) == trigger.name
    return _matches(trigger, texts, tell, BOUND_S)


def which(
    triggers: Sequence[Trigger],
    texts: Sequence[str],
    *,
    first: bool = False,
    intent: str | None = None,
    tell: Callable[[TooSlow], None] = _untold,
) -> int | None:
    """The first one the burst sets off, by its place; None: none does.

    `first`: the burst begins the conversation; `first_only` ones are left out otherwise. `intent`: what the queue's
    assistant takes the burst to want, "" for nothing of that; None: `closest` judges. `tell`: see `matches`.
    """
    patterns = sum(each.operator == "regex" for each in triggers)
    wanted = _wanted(triggers, texts) if intent is None else intent
    for place, each in enumerate(triggers):
        if each.first_only and not first:
            continue
        hit = (
            each.name == wanted if each.trigger == "intent" else _matches(each, texts, tell, BOUND_S / max(1, patterns))
        )
        if hit:
            return place
    return None


def _wanted(triggers: Iterable[Trigger], texts: Sequence[str]) -> str:
    intents = [each for each in triggers if each.trigger == "intent"]
    return closest(intents, texts) if intents else ""


def worded(reply: AutoReply, name: str) -> str:
    """The reply with the customer's name; without one its place closes: "Oi, {name}!" becomes "Oi!"."""
    plain = " ".join(name.split())[:80]
    return reply.reply.replace("{name}", plain) if plain else re.sub(r"[ ,，]*\{name\}", "", reply.reply)


# -- words and patterns -------------------------------------------------------------------------------


def _matches(trigger: Trigger, texts: Sequence[str], tell: Callable[[TooSlow], None], bound_s: float) -> bool:
    if trigger.trigger != "keyword":
        return trigger.trigger == "all"
    if trigger.operator == "regex":
        return _reads(trigger.value, texts, tell, bound_s)
    said = [form for text in dict.fromkeys([*texts, "\n".join(texts)]) for form in _forms(text)]
    words = [form for value in trigger.value for form in _forms_of_value(value)]
    return any(_compared(trigger.operator, form, word) for word in words for form in said)


def _compared(operator: str, text: str, word: str) -> bool:
    """Both as `_forms` has them: a blank before and after each word."""
    if operator == "contains":
        return word in text
    if operator == "equals":
        return word == text
    return text.startswith(word) if operator == "starts" else text.endswith(word)


def _reads(patterns: Sequence[str], texts: Sequence[str], tell: Callable[[TooSlow], None], bound_s: float) -> bool:
    share = bound_s / max(1, len(patterns) * len(texts))
    for pattern in patterns:
        try:
            if any(_compiled(pattern).search(text, timeout=share) for text in texts):
                return True
        except TimeoutError:
            tell(TooSlow(pattern))
    return False


@lru_cache(maxsize=2048)
def _compiled(pattern: str) -> Any:
    import regex  # Python's own cannot be stopped

    return regex.compile(pattern)


_WITHOUT_SPACES = r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Hangul (folded), Khmer, Kana and Han."""
_WORD = re.compile(rf"[{_WITHOUT_SPACES}]|[^\W_{_WITHOUT_SPACES}]+")
_INNER = re.compile(r"(?<=[^\W_])['’´`.\-‐‑–·/](?=[^\W_])")
"""A sign within a word: e-mail, don't, c.p.f."""


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _forms(text: str) -> tuple[str, ...]:
    """ " e mail " and " email " for "E-mail": people write such words both ways."""
    apart, together = _words(text), _words(_INNER.sub("", fold(text)))
    return tuple(dict.fromkeys(f" {' '.join(words)} " for words in (apart, together) if words))


_forms_of_value = lru_cache(maxsize=4096)(_forms)


# -- intents ------------------------------------------------------------------------------------------

SURE = 0.55
"""From this likeness on a text is held to be of an intent; set on tests/rules/intents.toml."""
LONGEST = 1000
"""Characters of a burst that are read for a wish, its last ones."""
WORDS = 40
"""Words in which a wish is put; more are a story, of which each clause is read."""
_SMALL, _MIDDLE = 0.1, 0.35
"""What a small word weighs, and a usual one, beside a word that says something."""
_HAN = re.compile(r"[\u3400-\u9fff]+")
_CLAUSE = re.compile(r"[.!?;,\n。！？；，…]+")
_DECLINED = re.compile(
    r"\b(?:nao|nem) (?:(?:quero|queria|vou|preciso|desejo|pretendo|gostaria|e para|precisa)\b)"
    r"|\bno (?:quiero|quisiera|necesito|deseo|voy a|hace falta)\b"
    r"|\b(?:dont|don't|do not|wont|won't|not) (?:want|need|wish|going|plan|mean|trying)\b"
    r"|(?:不|别|没)(?:想|要|用|需要|打算)"
)
_COMMON = frozenset(
    """a o as os um uma uns umas de do da dos das em no na nos nas ao aos e ou que se com sem por para pra pro pelo pela
    eu voce voces vc vcs meu minha meus minhas seu sua esse essa isso este esta isto ele ela me te lhe ja ai la aqui
    e eh sao foi ser esta estao ta to tem ter tenho quero queria gostaria preciso posso pode podem consigo da fazer faz
    faco como qual quais quem oi ola bom boa dia tarde noite favor pfv ainda so mais muito agora entao
    the an and or of in on at to for with from is are was am be been it its this that these i im id ill you your my me
    we us they do does did can could would will have has had get got want need like please pls plz hi hello hey how what
    which whats who there any some so just now if yet still guys one
    el los las un unos unas y en con sin al lo le les mi mis su sus tu tus yo usted ustedes es son fue estan hay tiene
    tienen tengo quiero quisiera necesito puedo pueden puede hacer hago cual cuales quien hola ya algo este
    ese esto eso mas todavia por favor quantos quantas cuantos cuantas""".split()  # noqa: SIM905
)
_USUAL = frozenset(
    """pedido pedidos compra compras produto produtos loja coisa item itens encomenda cade onde quando quanto cliente
    order orders purchase product products item items store shop where wheres when much customer thing
    producto productos tienda cosa donde cuando cuanto articulo mandar manda mando enviar envia deixar send give show
    dejar dejo mandan 订单 商品 产品""".split()  # noqa: SIM905
)
"""What every customer of a shop talks about: "where is my order" and "cancel my order" are not alike for the order."""
_SAME = {
    "cade": "onde",
    "kd": "onde",
    "aonde": "onde",
    "qdo": "quando",
    "qnd": "quando",
    "qto": "quanto",
    "qnto": "quanto",
}
_SAYS_LITTLE = _COMMON | _USUAL
_COMMON_HAN = re.compile(
    "[我你您他她它们的了吗呢啊吧呀请是在有个一这那就还都也很想要能可以给帮会和跟不没么什怎哪里多少]+"
)


def closest(intents: Sequence[Trigger], texts: Sequence[str]) -> str:
    """The name of the intent a burst is most like, offline, by its words; "" when it is like none.

    `intents`: triggers with `name` and `examples`. `texts`: the burst's messages, oldest first. Who asks for a person
    wants `person`, whether that is among the intents or not.
    """
    if any(wants_person(text[-LONGEST:]) for text in texts):
        return PERSON
    known = _Known.of(tuple((each.name, each.examples) for each in intents))
    best, name = max(
        ((known.likeness(unit, each), each) for unit in _units(texts) for each in known.names), default=(0.0, "")
    )
    return name if best >= SURE else ""


def _units(texts: Sequence[str]) -> Iterator[str]:
    """A wish may be a clause of a message, a message, or the whole burst."""
    whole = "\n".join(texts)[-LONGEST:]
    yield from dict.fromkeys(unit for unit in (whole, *texts, *_CLAUSE.split(whole)) if unit.strip())


def _tokens(text: str) -> tuple[str, ...]:
    """Words, and the pairs of signs of Chinese, each once."""
    folded = fold(text[-LONGEST:])
    latin = _WORD.findall(_HAN.sub(" ", _INNER.sub("", folded)))
    runs = [run for han in _HAN.findall(folded) for run in _COMMON_HAN.split(han) if run]
    pairs = [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
    return tuple(dict.fromkeys([*(_SAME.get(word, word) for word in latin), *pairs]))


_Nearness = Callable[[str, frozenset[str]], float]


@dataclass(frozen=True)
class _Known:
    """The intents of a queue, read once."""

    examples: Mapping[str, tuple[tuple[str, ...], ...]]
    words: Mapping[str, frozenset[str]]
    declined: frozenset[str]
    """The intents whose examples themselves say "I do not want"."""

    @staticmethod
    @lru_cache(maxsize=64)
    def of(intents: tuple[tuple[str, tuple[str, ...]], ...]) -> _Known:
        examples = {name: tuple(tokens for each in texts if (tokens := _tokens(each))) for name, texts in intents}
        return _Known(
            {name: each for name, each in examples.items() if each},
            {name: frozenset(word for tokens in each for word in tokens) for name, each in examples.items()},
            frozenset(name for name, texts in intents if any(_DECLINED.search(fold(text)) for text in texts)),
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.examples)

    def likeness(self, text: str, name: str) -> float:
        """0 to 1: how much of the text is of the intent's words, and how much of its best example is in the text."""
        said = _tokens(text)
        if not 0 < len(said) <= WORDS or not any(map(self._telling(name), said)):
            return 0.0
        ours = self._share(said, self.words[name], _near_known)
        if ours < SURE**2 or (name not in self.declined and _DECLINED.search(fold(text))):
            return 0.0
        return math.sqrt(ours * max(self._told(tokens, frozenset(said)) for tokens in self.examples[name]))

    def _telling(self, name: str) -> Callable[[str], bool]:
        return lambda word: word not in _COMMON and _near_known(word, self.words[name]) > 0

    def _told(self, example: Sequence[str], said: frozenset[str]) -> float:
        """What of an example is in the text; nothing, when that is only what every customer says."""
        telling = [word for word in example if word not in _SAYS_LITTLE]
        alike = not telling or any(_near(word, said) for word in telling)
        return self._share(example, said, _near) if alike else 0.0

    def _share(self, words: Sequence[str], among: frozenset[str], near: _Nearness) -> float:
        """Of what the words say, what is among the others."""
        weights = [self._weight(word) for word in words]
        return sum(w * near(word, among) for w, word in zip(weights, words, strict=True)) / sum(weights)

    def _weight(self, word: str) -> float:
        """A word of one intent tells more than one of many; one that nobody knows tells that it is something else."""
        if word in _SAYS_LITTLE:
            return _SMALL if word in _COMMON else _MIDDLE
        owners = sum(1 for words in self.words.values() if _near_known(word, words)) or 1
        return math.log(1 + len(self.words) / owners) / math.log(1 + len(self.words))


def _near(word: str, among: frozenset[str]) -> float:
    """1 when it is among them; less for another form of it, or one that is a slip away; else 0."""
    if word in among:
        return 1.0
    return max((_likeness(word, other) for other in among if other[0] == word[0]), default=0.0)


_near_known = lru_cache(maxsize=16384)(_near)
"""The same among an intent's own words, which stay."""


def _likeness(one: str, other: str) -> float:
    if min(len(one), len(other)) < 4 or _HAN.match(one):
        return 0.0
    common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if common >= max(4, 0.6 * max(len(one), len(other))):
        return 0.9
    return 0.85 if _slips(one, other) else 0.0


def _slips(one: str, other: str) -> bool:
    """One letter more, less, other, or two swapped; in words long enough to tell."""
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    a, b = one[start:], other[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
