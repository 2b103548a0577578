"""The sentences a customer may meet that no assistant wrote, in four languages.

`opted_out` holds `{word}`: the queue's word by which the contact comes back. Whoever says the sentence puts it in.
"""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "transfer": {
        "pt": "Vou chamar uma pessoa da nossa equipe para continuar com você. Um momento, por favor.",
        "en": "I am bringing in someone from our team to continue with you. One moment, please.",
        "es": "Voy a llamar a una persona de nuestro equipo para seguir con usted. Un momento, por favor.",
        "zh": "我这就请我们的同事来继续为您服务，请稍候。",
    },
    "transfer_out_of_hours": {
        "pt": "Nossa equipe não está atendendo agora. Uma pessoa vai continuar com você assim que voltarmos.",
        "en": "Our team is away right now. Someone will continue with you as soon as we are back.",
        "es": "Nuestro equipo no está atendiendo ahora. Una persona seguirá con usted en cuanto volvamos.",
        "zh": "我们的同事现在不在，上班后会有人继续为您服务。",
    },
    "transfer_nobody_online": {
        "pt": "Neste momento ninguém da equipe está disponível. A sua conversa já está com eles: respondem assim que "
        "puderem.",
        "en": "Nobody on our team is available at this moment. They have your conversation and will answer as soon as "
        "they can.",
        "es": "En este momento no hay nadie del equipo disponible. Ya tienen su conversación y responderán en cuanto "
        "puedan.",
        "zh": "目前没有同事在线，您的对话已转给他们，会尽快回复您。",
    },
    "out_of_hours": {
        "pt": "Agora estamos fora do horário de atendimento. Deixe a sua mensagem: respondemos assim que voltarmos.",
        "en": "We are closed right now. Leave your message here, and we will answer as soon as we are back.",
        "es": "Ahora estamos fuera del horario de atención. Deje su mensaje: respondemos en cuanto volvamos.",
        "zh": "现在是非营业时间。请留言，我们上班后会尽快回复您。",
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
    "cannot_read": {
        "pt": "Ainda não consigo abrir esse tipo de mensagem por aqui. Pode escrever, por favor?",
        "en": "I cannot open this kind of message here yet. Could you write it, please?",
        "es": "Todavía no puedo abrir este tipo de mensaje por aquí. ¿Puede escribirlo, por favor?",
        "zh": "我暂时还打不开这类消息，请您用文字说明，好吗？",
    },
    "media_lost": {
        "pt": "O arquivo que você enviou não chegou até aqui. Pode enviar de novo, por favor?",
        "en": "The file you sent did not arrive here. Could you send it again, please?",
        "es": "El archivo que envió no llegó hasta aquí. ¿Puede enviarlo de nuevo, por favor?",
        "zh": "您发送的文件我这边没有收到，请您再发一次，好吗？",
    },
    "opted_out": {
        "pt": "Tudo bem, você não vai mais receber mensagens automáticas por aqui. Para voltar, é só escrever {word}.",
        "en": "All right, you will get no more automatic messages here. To come back, just write {word}.",
        "es": "De acuerdo, ya no recibirá mensajes automáticos por aquí. Para volver, solo escriba {word}.",
        "zh": "好的，我们不会再给您发送自动消息。如需恢复，请发送“{word}”。",
    },
    "opted_in": {
        "pt": "Que bom ter você de volta! Como posso ajudar?",
        "en": "Good to have you back! How can I help?",
        "es": "¡Qué bueno tenerle de vuelta! ¿En qué puedo ayudar?",
        "zh": "欢迎回来！请问有什么可以帮您？",
    },
    "follow_up": {
        "pt": "Ficou alguma dúvida? Se precisar de mais alguma coisa, é só responder por aqui.",
        "en": "Is there anything else you need? Just reply here and we will go on from there.",
        "es": "¿Le quedó alguna duda? Si necesita algo más, solo responda por aquí.",
        "zh": "请问还有什么可以帮您的吗？有需要直接回复就好。",
    },
    "closing": {
        "pt": "Como não tivemos mais retorno, vamos encerrar esta conversa. Se precisar, é só escrever de novo.",
        "en": "As we have not heard from you, we are closing this conversation. Just write again whenever you need us.",
        "es": "Como no tuvimos respuesta, cerramos esta conversación. Si nos necesita, solo escriba de nuevo.",
        "zh": "由于一段时间没有收到您的回复，这次对话先到这里。有需要请随时再联系我们。",
    },
    "rating_ask": {
        "pt": "Como foi o nosso atendimento? Dê uma nota de 1 a 5, em que 5 é muito bom.",
        "en": "How did we do? Please give us a score from 1 to 5, where 5 is very good.",
        "es": "¿Cómo fue nuestra atención? Denos una nota del 1 al 5, donde 5 es muy buena.",
        "zh": "您对这次服务满意吗？请用 1 到 5 分评价，5 分为非常满意。",
    },
    "rating_thanks": {
        "pt": "Agradecemos a sua nota. Ela nos ajuda a atender cada vez melhor.",
        "en": "Thank you for your score. It helps us do better.",
        "es": "Gracias por su nota. Nos ayuda a atender cada vez mejor.",
        "zh": "谢谢您的评分，这会帮助我们做得更好。",
    },
}


def sentence(name: str, language: str) -> str:
    """In the language's own words; a language we do not speak gets English. Raises KeyError for an unknown name."""
    return SENTENCES[name].get(language.split("-")[0].lower(), SENTENCES[name]["en"])
