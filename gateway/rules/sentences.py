"""The sentences a customer may meet that no assistant wrote, in four languages."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "transfer": {
        "pt": "Vou chamar uma pessoa da nossa equipe para continuar com você. Um momento, por favor.",
        "en": "I am bringing in someone from our team to continue with you. One moment, please.",
        "es": "Voy a llamar a una persona de nuestro equipo para seguir con usted. Un momento, por favor.",
        "zh": "我这就请我们的同事来继续为您服务，请稍候。",
    },
    "please_type": {
        "pt": "Ainda não consigo ouvir áudios por aqui. Pode escrever a sua mensagem, por favor?",
        "en": "I cannot listen to voice notes here yet. Could you type your message, please?",
        "es": "Todavía no puedo escuchar audios por aquí. ¿Puede escribir su mensaje, por favor?",
        "zh": "我暂时还听不了语音，请您用文字发送，好吗？",
    },
    "nothing_heard": {
        "pt": "Não consegui entender o áudio. Pode gravar de novo ou escrever, por favor?",
        "en": "I could not make out the voice note. Could you record it again or type it, please?",
        "es": "No pude entender el audio. ¿Puede grabarlo de nuevo o escribirlo, por favor?",
        "zh": "这段语音我没有听清，请您再录一次或用文字发送，好吗？",
    },
}


def sentence(name: str, language: str) -> str:
    """In the language's own words; a language we do not speak gets English. Raises KeyError for an unknown name."""
    return SENTENCES[name].get(language.split("-")[0].lower(), SENTENCES[name]["en"])
