"""When an answer is spoken, and why. Pure.

An answer is spoken while it is written, so there are two looks: `before` the first word and `after` the last one.
What `before` denies stays denied. What it allows, `after` may still deny: for the length, the budget, or because the
assistant itself chose. Who decides, the strongest first:

    the format "text" · what is possible at all · the budget · what the program that wants the reply asks for ·
    the contact's wish for text · the assistant's directive · the format, with the contact's wish for voice
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.config import Reply

Preference = Literal["text", "voice", ""]
Directive = Literal["text", "voice", ""]

OPEN = ("mirror", "smart")
"""Formats that leave it to the occasion."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Everything that is known before the answer is written."""

    format: str
    """`text`, `voice`, `mirror`, `both` or `smart`: the queue's, or what a caller wishes. Any other is `text`."""
    reply: Reply
    spoke: bool
    """The contact sent a voice note in this burst."""
    prefers: Preference = ""
    """What the contact asked for, kept per contact."""
    can_speak: bool = True
    """A voice is configured."""
    can_hear: bool = True
    """The channel carries voice notes."""
    cannot_play: bool = False
    """This contact's app refused notes before: the fact `no_voice`."""
    since_voice: int | None = None
    """Replies since the last voice note to this contact: 0 right after one. None: there never was one."""
    chance: float = 0.0
    """0 <= chance < 1, as `random()` draws it."""
    budget_left: int | None = None
    """Characters of the queue's budget. None: it has none."""
    asked: bool = False
    """The format is a caller's, for this one reply: neither the contact's wish nor, for `voice` and `both`, the
    assistant's directive or `min_voice_chars` changes it."""

    @property
    def told_to_speak(self) -> bool:
        """By the caller: nobody is asked any more."""
        return self.asked and self.format in ("voice", "both")


@dataclass(frozen=True, slots=True)
class Verdict:
    speaks: bool
    """Of `before`: it may be spoken; False is final. Of `after`: it is spoken."""
    reason: str
    """A key of `READS`."""
    ahead: bool = False
    """Of `before`: it will be heard, as far as can be known, so it is worth speaking while it is written. Where it
    is False and `speaks` is True only the assistant's directive can still turn it."""


WRITTEN = Verdict(False, "format_text")
"""Of our own sentences: they must be readable at once."""


def before(occasion: Occasion) -> Verdict:
    """May it be spoken? `occasion.format` is taken as it is; the length is not known yet."""
    refusal = _refusal(occasion)
    if refusal:
        return Verdict(False, refusal)
    likely, reason = _leaning(occasion)
    return Verdict(True, reason, ahead=likely)


def after(occasion: Occasion, verdict: Verdict, *, directive: Directive, characters: int) -> Verdict:
    """Is it spoken? `verdict`: what `before` said. `characters`: of the words worth saying; 0: there are none."""
    refusal = _refusal(occasion) or ("" if verdict.speaks else verdict.reason)
    if refusal:
        return Verdict(False, refusal)
    speaks, reason = _chosen(occasion, directive)
    hindrance = _hindrance(occasion, directive, characters) if speaks else ""
    return Verdict(speaks and not hindrance, hindrance or reason)


def _refusal(occasion: Occasion) -> str:
    """Why nothing at all can make it heard; empty: something can."""
    refusals = {
        "format_text": occasion.format not in ("voice", "both", *OPEN),
        "no_voice_configured": not occasion.can_speak,
        "channel_has_no_voice": not occasion.can_hear,
        "contact_cannot_play": occasion.cannot_play,
        "contact_prefers_text": occasion.prefers == "text" and not occasion.asked,
        "over_budget": occasion.budget_left is not None and occasion.budget_left <= 0,
    }
    return next((reason for reason, holds in refusals.items() if holds), "")


def _leaning(occasion: Occasion) -> tuple[bool, str]:
    """What the format and the contact say. Not of the format "text"."""
    if occasion.format not in OPEN:
        return True, "format_voice" if occasion.format == "voice" else "format_both"
    if occasion.spoke:
        return True, "contact_spoke"
    if occasion.prefers == "voice" and not occasion.asked:
        return True, "contact_prefers_voice"
    return (False, "contact_wrote") if occasion.format == "mirror" else _now_and_then(occasion)


def _now_and_then(occasion: Occasion) -> tuple[bool, str]:
    reply, since = occasion.reply, occasion.since_voice
    if reply.smart_every and (since is None or since + 1 >= reply.smart_every):
        return True, "smart_turn"
    if occasion.chance < reply.smart_share:
        return True, "smart_share"
    return False, "smart_not_now"


def _chosen(occasion: Occasion, directive: Directive) -> tuple[bool, str]:
    """The assistant knows what must be read, and what is better heard."""
    likely, reason = _leaning(occasion)
    if directive == "text" and not occasion.told_to_speak:
        return False, "assistant_chose_text"
    if directive == "voice" and not likely:
        return True, "assistant_chose_voice"
    return likely, reason


def _hindrance(occasion: Occasion, directive: Directive, characters: int) -> str:
    """What the length says, of an answer that is meant to be heard."""
    if characters <= 0:
        return "nothing_to_speak"
    if characters > occasion.reply.max_voice_chars:
        return "too_long_to_speak"
    if occasion.budget_left is not None and characters > occasion.budget_left:
        return "over_budget"
    wished = occasion.spoke or occasion.told_to_speak or "voice" in (occasion.prefers, directive)
    return "too_short_to_speak" if characters < occasion.reply.min_voice_chars and not wished else ""


READS: dict[str, dict[str, str]] = {
    "format_text": {
        "pt": "As respostas desta fila são por texto.",
        "en": "This queue answers in text.",
        "es": "Las respuestas de esta cola son por texto.",
        "zh": "该队列以文字回复。",
    },
    "format_voice": {
        "pt": "As respostas desta fila são por áudio.",
        "en": "This queue answers with voice notes.",
        "es": "Las respuestas de esta cola son por audio.",
        "zh": "该队列以语音回复。",
    },
    "format_both": {
        "pt": "As respostas desta fila são por áudio e por texto.",
        "en": "This queue answers with a voice note and in text.",
        "es": "Las respuestas de esta cola son por audio y por texto.",
        "zh": "该队列同时以语音和文字回复。",
    },
    "contact_spoke": {
        "pt": "O cliente mandou áudio, então a resposta foi por áudio.",
        "en": "The customer sent a voice note, so the answer was one too.",
        "es": "El cliente envió un audio, así que la respuesta fue por audio.",
        "zh": "客户发来语音，因此以语音回复。",
    },
    "contact_wrote": {
        "pt": "O cliente escreveu, então a resposta foi por texto.",
        "en": "The customer wrote, so the answer was written too.",
        "es": "El cliente escribió, así que la respuesta fue por texto.",
        "zh": "客户发来文字，因此以文字回复。",
    },
    "contact_prefers_text": {
        "pt": "O cliente pediu respostas por texto.",
        "en": "The customer asked for answers in text.",
        "es": "El cliente pidió respuestas por texto.",
        "zh": "客户要求以文字回复。",
    },
    "contact_prefers_voice": {
        "pt": "O cliente pediu respostas por áudio.",
        "en": "The customer asked for voice notes.",
        "es": "El cliente pidió respuestas por audio.",
        "zh": "客户要求以语音回复。",
    },
    "assistant_chose_voice": {
        "pt": "O assistente achou melhor responder por áudio.",
        "en": "The assistant thought this answer was better heard.",
        "es": "El asistente prefirió responder por audio.",
        "zh": "助手认为这条回复更适合用语音。",
    },
    "assistant_chose_text": {
        "pt": "O assistente achou melhor responder por texto.",
        "en": "The assistant thought this answer was better read.",
        "es": "El asistente prefirió responder por texto.",
        "zh": "助手认为这条回复更适合用文字。",
    },
    "smart_turn": {
        "pt": "De tempos em tempos a resposta é por áudio, e era a vez desta.",
        "en": "Every so often an answer is a voice note, and it was this one's turn.",
        "es": "Cada cierto tiempo la respuesta es por audio, y le tocaba a esta.",
        "zh": "每隔几条回复用一次语音，这次轮到了。",
    },
    "smart_share": {
        "pt": "Uma parte das respostas é por áudio, e esta foi sorteada.",
        "en": "A share of the answers are voice notes, and the lot fell on this one.",
        "es": "Una parte de las respuestas es por audio, y esta salió sorteada.",
        "zh": "一部分回复用语音，这条被抽中。",
    },
    "smart_not_now": {
        "pt": "O cliente escreveu e ainda não era a vez de um áudio.",
        "en": "The customer wrote, and it was not time for a voice note yet.",
        "es": "El cliente escribió y todavía no tocaba un audio.",
        "zh": "客户发来文字，而且还没轮到语音回复。",
    },
    "no_voice_configured": {
        "pt": "Esta fila não tem uma voz configurada.",
        "en": "This queue has no voice configured.",
        "es": "Esta cola no tiene una voz configurada.",
        "zh": "该队列没有配置语音。",
    },
    "channel_has_no_voice": {
        "pt": "Este canal não aceita áudios.",
        "en": "This channel carries no voice notes.",
        "es": "Este canal no admite audios.",
        "zh": "该渠道不支持语音。",
    },
    "contact_cannot_play": {
        "pt": "Um áudio para este cliente já foi recusado, pelas configurações ou pelo aplicativo dele.",
        "en": "A voice note to this customer was refused before, by their settings or their app.",
        "es": "Un audio para este cliente ya fue rechazado, por su configuración o su aplicación.",
        "zh": "此前发给该客户的语音被其设置或应用拒收。",
    },
    "nothing_to_speak": {
        "pt": "A resposta só tem o que precisa ser lido, como links e códigos.",
        "en": "The answer holds nothing but what must be read, such as links and codes.",
        "es": "La respuesta solo tiene lo que debe leerse, como enlaces y códigos.",
        "zh": "回复中只有需要阅读的内容，例如链接和编号。",
    },
    "too_short_to_speak": {
        "pt": "A resposta é curta demais para um áudio.",
        "en": "The answer is too short for a voice note.",
        "es": "La respuesta es demasiado corta para un audio.",
        "zh": "回复太短，不适合用语音。",
    },
    "too_long_to_speak": {
        "pt": "A resposta é longa demais para um áudio.",
        "en": "The answer is too long for a voice note.",
        "es": "La respuesta es demasiado larga para un audio.",
        "zh": "回复太长，不适合用语音。",
    },
    "over_budget": {
        "pt": "O limite de voz deste mês não basta para esta resposta.",
        "en": "What is left of this month's voice budget does not suffice for this answer.",
        "es": "Lo que queda del presupuesto de voz de este mes no alcanza para esta respuesta.",
        "zh": "本月剩余的语音额度不足以朗读这条回复。",
    },
    "nothing_to_say": {
        "pt": "Não havia nada a responder.",
        "en": "There was nothing to answer.",
        "es": "No había nada que responder.",
        "zh": "没有需要回复的内容。",
    },
}


def reads(reason: str, language: str) -> str:
    """A sentence that a shop's manager can read. `language`: BCP 47; one we do not speak gets English.

    Raises KeyError for an unknown reason.
    """
    return READS[reason].get(language.replace("_", "-").split("-")[0].lower(), READS[reason]["en"])
