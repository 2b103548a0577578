"""What colleagues read at a desk beside what was said: labels and short sentences, in four languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.rules.language import two_letters

_WORDS: dict[str, dict[str, str]] = {
    "pt": {
        "contact": "Contato",
        "channel": "Canal",
        "queue": "Fila",
        "language": "Idioma",
        "reason": "Motivo",
        "summary": "Resumo",
        "said": "Conversa",
        "voice_note": "Áudio",
        "not_heard": "não foi possível ouvir",
        "assistant": "Assistente",
        "person": "Equipe",
        "again": "Uma pessoa foi chamada de novo.",
        "over": "O assistente voltou a responder.",
        "earlier": "O começo da conversa não está aqui.",
        "open": "Abrir a conversa",
        "not_spoken": "A voz não pôde falar agora.",
        "in_thread": (
            "Responda neste thread: o contato recebe. O que começa com // ou com uma menção fica entre colegas. "
            "Reaja com ✅ a esta mensagem quando terminar."
        ),
    },
    "en": {
        "contact": "Contact",
        "channel": "Channel",
        "queue": "Queue",
        "language": "Language",
        "reason": "Reason",
        "summary": "Summary",
        "said": "Conversation",
        "voice_note": "Voice note",
        "not_heard": "could not be made out",
        "assistant": "Assistant",
        "person": "Team",
        "again": "A person was called again.",
        "over": "The assistant answers again.",
        "earlier": "The beginning of the conversation is not here.",
        "open": "Open the conversation",
        "not_spoken": "The voice could not speak just now.",
        "in_thread": (
            "Reply in this thread and the contact gets it. What begins with // or a mention stays among colleagues. "
            "React with ✅ to this message when done."
        ),
    },
    "es": {
        "contact": "Contacto",
        "channel": "Canal",
        "queue": "Cola",
        "language": "Idioma",
        "reason": "Motivo",
        "summary": "Resumen",
        "said": "Conversación",
        "voice_note": "Audio",
        "not_heard": "no se pudo entender",
        "assistant": "Asistente",
        "person": "Equipo",
        "again": "Se llamó de nuevo a una persona.",
        "over": "El asistente vuelve a responder.",
        "earlier": "El comienzo de la conversación no está aquí.",
        "open": "Abrir la conversación",
        "not_spoken": "La voz no pudo hablar ahora.",
        "in_thread": (
            "Responda en este hilo: el contacto lo recibe. "
            "Lo que empieza con // o con una mención queda entre colegas. Reaccione con ✅ a este mensaje al terminar."
        ),
    },
    "zh": {
        "contact": "联系人",
        "channel": "渠道",
        "queue": "队列",
        "language": "语言",
        "reason": "原因",
        "summary": "摘要",
        "said": "对话记录",
        "voice_note": "语音",
        "not_heard": "没有听清",
        "assistant": "助手",
        "person": "同事",
        "again": "再次请求人工。",
        "over": "助手已恢复回答。",
        "earlier": "此处不含对话的开头部分。",
        "open": "打开对话",
        "not_spoken": "暂时无法使用语音。",
        "in_thread": (
            "在此消息列中回复，联系人即可收到。以 // 或 @提及 开头的消息只有同事可见。处理完后请对这条消息添加 ✅。"
        ),
    },
}


def words(language: str) -> Mapping[str, str]:
    """By key, in the language's own words; a language we do not speak gets English. `language`: BCP 47."""
    return _WORDS.get(two_letters(language), _WORDS["en"])
