"""What is said when people are called: the transfer message, and to people why. The codes of holds (docs/reasons.md)
are sentences in four languages. Pure."""

from __future__ import annotations

import re

from gateway.config import Queue
from gateway.rules.custody import Variant
from gateway.rules.language import two_letters
from gateway.rules.sentences import sentence

WHY: dict[str, dict[str, str]] = {
    "marker": {
        "pt": "O assistente achou que uma pessoa deve continuar.",
        "en": "The assistant thought that a person should go on.",
        "es": "El asistente consideró que una persona debe continuar.",
        "zh": "助手认为应由人工继续处理。",
    },
    "tool": {
        "pt": "O assistente chamou uma pessoa.",
        "en": "The assistant called a person.",
        "es": "El asistente llamó a una persona.",
        "zh": "助手请求了人工。",
    },
    "wish": {
        "pt": "O cliente pediu para falar com uma pessoa.",
        "en": "The customer asked for a person.",
        "es": "El cliente pidió hablar con una persona.",
        "zh": "客户要求人工服务。",
    },
    "phrase": {
        "pt": "O cliente usou palavras que chamam uma pessoa.",
        "en": "The customer used words that call a person.",
        "es": "El cliente usó palabras que llaman a una persona.",
        "zh": "客户说了会转接人工的话。",
    },
    "repeated_failure": {
        "pt": "O assistente não conseguiu ajudar várias vezes seguidas.",
        "en": "The assistant could not help several times in a row.",
        "es": "El asistente no pudo ayudar varias veces seguidas.",
        "zh": "助手连续多次未能帮到客户。",
    },
    "low_confidence": {
        "pt": "O assistente não tinha certeza da resposta.",
        "en": "The assistant was not sure of its answer.",
        "es": "El asistente no estaba seguro de la respuesta.",
        "zh": "助手对答案没有把握。",
    },
    "empty_answer": {
        "pt": "O assistente não escreveu nada na resposta.",
        "en": "The assistant's answer held no text.",
        "es": "La respuesta del asistente no tenía texto.",
        "zh": "助手的回复没有内容。",
    },
    "assistant_failed": {
        "pt": "O assistente não conseguiu responder.",
        "en": "The assistant could not answer.",
        "es": "El asistente no pudo responder.",
        "zh": "助手未能作出回复。",
    },
    "hard_error": {
        "pt": "Um erro impediu o assistente de responder.",
        "en": "An error kept the assistant from answering.",
        "es": "Un error impidió que el asistente respondiera.",
        "zh": "出现错误，助手无法回复。",
    },
    "too_many_tries": {
        "pt": "As mensagens não puderam ser respondidas, mesmo após várias tentativas. Leia-as com atenção.",
        "en": "The messages could not be answered, even after several tries. Please read them with care.",
        "es": "Los mensajes no pudieron responderse, ni tras varios intentos. Léalos con atención.",
        "zh": "多次尝试后仍无法回复这些消息，请仔细阅读。",
    },
    "budget": {
        "pt": "O limite de gastos do assistente foi atingido.",
        "en": "The assistant's budget is used up.",
        "es": "Se alcanzó el límite de gasto del asistente.",
        "zh": "助手的额度已用完。",
    },
    "switched_off": {
        "pt": "As respostas automáticas desta fila estão desligadas.",
        "en": "Automatic answers are off in this queue.",
        "es": "Las respuestas automáticas de esta cola están desactivadas.",
        "zh": "该队列已关闭自动回复。",
    },
    "out_of_hours": {
        "pt": "O cliente escreveu fora do horário de atendimento.",
        "en": "The customer wrote out of hours.",
        "es": "El cliente escribió fuera del horario de atención.",
        "zh": "客户在非营业时间来信。",
    },
    "flow": {
        "pt": "O atendimento guiado passou a conversa para uma pessoa.",
        "en": "The guided conversation handed over to a person.",
        "es": "La conversación guiada pasó a una persona.",
        "zh": "引导流程将对话转给了人工。",
    },
    "api": {
        "pt": "Outro programa passou a conversa para uma pessoa.",
        "en": "Another program handed the conversation to a person.",
        "es": "Otro programa pasó la conversación a una persona.",
        "zh": "其他程序将对话转给了人工。",
    },
    "desk": {
        "pt": "Uma pessoa da equipe assumiu a conversa.",
        "en": "Somebody of the team took the conversation.",
        "es": "Una persona del equipo tomó la conversación.",
        "zh": "团队中有人接手了对话。",
    },
    "person_answered_elsewhere": {
        "pt": "Uma pessoa da equipe respondeu pelo celular ou pelo aplicativo.",
        "en": "Somebody of the team answered from the phone or the app.",
        "es": "Una persona del equipo respondió desde el teléfono o la aplicación.",
        "zh": "团队中有人用手机或应用回复了客户。",
    },
    "outside_reply_window": {
        "pt": "A resposta ficou pronta depois das 24 horas em que o canal deixa escrever ao cliente.",
        "en": "The answer was ready after the 24 hours in which the channel lets us write to the customer.",
        "es": "La respuesta estuvo lista después de las 24 horas en que el canal permite escribir al cliente.",
        "zh": "回复就绪时，已超过该渠道允许主动联系客户的24小时。",
    },
}
ALSO = {
    "131047": "outside_reply_window",
    "BUSINESS_PEER_USAGE_MISSING": "outside_reply_window",
    "taken": "desk",
}
"""Other codes, by the one that says the same."""
_CODE = re.compile(r"[A-Za-z0-9_]+(?::.*)?", re.DOTALL)
_ANY = {
    "pt": "Uma pessoa foi chamada",
    "en": "A person was called",
    "es": "Se llamó a una persona",
    "zh": "已请求人工服务",
}


def reads(reason: str, language: str) -> str:
    """A sentence that whoever takes over can read. `language`: BCP 47; one we do not speak gets English.

    `reason`: of a hold. One nobody here knows says that a person was called, and itself; what a program wrote as its
    reason in words of its own stays as it is.
    """
    if reason and not _CODE.fullmatch(reason):
        return reason
    code = reason.partition(":")[0]
    known = WHY.get(ALSO.get(code, code))
    return _said(known, language) if known else _unknown(reason, language)


def message(queue: Queue, variant: Variant, language: str) -> tuple[str, str]:
    """The transfer message and its language: the queue's own words, or ours in the contact's `language`."""
    name = "" if variant == "normal" else f"_{variant}"
    if own := getattr(queue.handoff, f"message{name}") or queue.handoff.message:
        return own, queue.language
    return sentence(f"transfer{name}", language), language


def _unknown(reason: str, language: str) -> str:
    stop = "。" if two_letters(language) == "zh" else "."
    return f"{_said(_ANY, language)} ({reason}){stop}" if reason else f"{_said(_ANY, language)}{stop}"


def _said(sentences: dict[str, str], language: str) -> str:
    return sentences.get(two_letters(language), sentences["en"])
