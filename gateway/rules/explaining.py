"""Why a turn ended as it did, and why people let a conversation go, as sentences a shop's manager can read. Pure.

The codes are those of docs/reasons.md. Why people are called `rules.calling` says, of a turn that called them too.
"""

from __future__ import annotations

from gateway.rules import calling
from gateway.rules.language import two_letters
from storage.model import Outcome

READS: dict[str, dict[str, str]] = {
    "assistant": {
        "pt": "O assistente respondeu.",
        "en": "The assistant answered.",
        "es": "El asistente respondió.",
        "zh": "助手作出了回复。",
    },
    "hearing_unavailable": {
        "pt": "O áudio do cliente não pôde ser ouvido, então pedimos que escreva.",
        "en": "The customer's voice note could not be heard, so they were asked to type.",
        "es": "El audio del cliente no pudo escucharse, así que le pedimos que escriba.",
        "zh": "客户的语音无法识别，因此请其改用文字。",
    },
    "nothing_heard": {
        "pt": "Ninguém falou no áudio do cliente, então pedimos que grave de novo.",
        "en": "Nobody spoke in the customer's voice note, so they were asked to record again.",
        "es": "Nadie habló en el audio del cliente, así que le pedimos que grabe de nuevo.",
        "zh": "客户的语音里没有说话声，因此请其重新录制。",
    },
    "cannot_read": {
        "pt": "O cliente mandou algo que o assistente não consegue abrir, então pedimos que escreva.",
        "en": "The customer sent something the assistant cannot open, so they were asked to write.",
        "es": "El cliente envió algo que el asistente no puede abrir, así que le pedimos que escriba.",
        "zh": "客户发来助手无法打开的内容，因此请其用文字说明。",
    },
    "media_lost": {
        "pt": "O arquivo do cliente não pôde ser buscado, então pedimos que envie de novo.",
        "en": "What the customer sent could not be fetched, so they were asked to send it again.",
        "es": "El archivo del cliente no pudo descargarse, así que le pedimos que lo envíe de nuevo.",
        "zh": "客户发来的文件无法获取，因此请其重新发送。",
    },
    "opts_out": {
        "pt": "O cliente pediu para não receber mais mensagens, e isso foi confirmado.",
        "en": "The customer asked for no more messages, and that was confirmed.",
        "es": "El cliente pidió no recibir más mensajes, y se le confirmó.",
        "zh": "客户要求不再接收消息，已予以确认。",
    },
    "opted_in": {
        "pt": "O cliente pediu para receber mensagens de novo.",
        "en": "The customer asked for messages again.",
        "es": "El cliente pidió recibir mensajes de nuevo.",
        "zh": "客户要求重新接收消息。",
    },
    "out_of_hours": {
        "pt": "O cliente escreveu fora do horário de atendimento e foi avisado.",
        "en": "The customer wrote out of hours and was told so.",
        "es": "El cliente escribió fuera del horario de atención y se le avisó.",
        "zh": "客户在非营业时间来信，已告知其现为非营业时间。",
    },
    "auto_reply": {
        "pt": "Uma resposta automática da fila serviu para o que o cliente escreveu.",
        "en": "One of the queue's automatic replies fitted what the customer wrote.",
        "es": "Una respuesta automática de la cola correspondía a lo que escribió el cliente.",
        "zh": "客户的消息匹配了该队列的一条自动回复。",
    },
    "flow": {
        "pt": "O atendimento guiado respondeu.",
        "en": "The guided conversation answered.",
        "es": "La conversación guiada respondió.",
        "zh": "引导流程作出了回复。",
    },
    "flow_trigger": {
        "pt": "O que o cliente escreveu começou um atendimento guiado, que respondeu.",
        "en": "What the customer wrote began a guided conversation, which answered.",
        "es": "Lo que escribió el cliente inició una conversación guiada, que respondió.",
        "zh": "客户的消息启动了引导流程，由流程回复。",
    },
    "flow_in_progress": {
        "pt": "O cliente está num atendimento guiado, que continuou.",
        "en": "The customer is in a guided conversation, which went on.",
        "es": "El cliente está en una conversación guiada, que continuó.",
        "zh": "客户正处于引导流程中，流程继续进行。",
    },
    "flow_timeout": {
        "pt": "O cliente não respondeu a tempo à pergunta do atendimento guiado, que terminou sem dizer nada.",
        "en": "The customer did not answer the guided conversation's question in time, and it ended without a word.",
        "es": "El cliente no respondió a tiempo a la pregunta de la conversación guiada, que terminó sin decir nada.",
        "zh": "客户未及时回答引导流程的问题，流程未再发言即结束。",
    },
    "flow_waits": {
        "pt": "O atendimento guiado ainda espera a resposta do cliente.",
        "en": "The guided conversation still waits for the customer's answer.",
        "es": "La conversación guiada todavía espera la respuesta del cliente.",
        "zh": "引导流程仍在等待客户的回答。",
    },
    "flow_out_of_hours": {
        "pt": "O cliente não respondeu ao atendimento guiado; como está fora do horário, isso fica para a abertura.",
        "en": "The customer did not answer the guided conversation; it is out of hours, so that waits for the opening.",
        "es": "El cliente no respondió a la conversación guiada; es fuera de horario, así que queda para la apertura.",
        "zh": "客户未回答引导流程的问题；现为非营业时间，待营业后再处理。",
    },
    "outside_reply_window": {
        "pt": "O cliente não respondeu ao atendimento guiado, e o canal já não deixa escrever a ele.",
        "en": "The customer did not answer the guided conversation, and the channel no longer lets us write to them.",
        "es": "El cliente no respondió a la conversación guiada, y el canal ya no permite escribirle.",
        "zh": "客户未回答引导流程的问题，而该渠道已不允许再联系客户。",
    },
    "follow_up": {
        "pt": "O cliente não escreveu mais, então perguntamos se ainda precisa de algo.",
        "en": "The customer said nothing more, so they were asked whether there is anything else.",
        "es": "El cliente no escribió más, así que le preguntamos si necesita algo más.",
        "zh": "客户没有再说话，因此询问其是否还有其他需要。",
    },
    "closed": {
        "pt": "O cliente não escreveu mais, então avisamos que o atendimento foi encerrado.",
        "en": "The customer said nothing more, so they were told that the conversation is closed.",
        "es": "El cliente no escribió más, así que le avisamos que la atención se cerró.",
        "zh": "客户没有再说话，因此告知其对话已结束。",
    },
    "rating_asked": {
        "pt": "A equipe resolveu a conversa, então pedimos uma nota ao cliente.",
        "en": "The team resolved the conversation, so the customer was asked for a score.",
        "es": "El equipo resolvió la conversación, así que le pedimos una nota al cliente.",
        "zh": "团队已解决该对话，因此请客户评分。",
    },
    "rated": {
        "pt": "O cliente deu uma nota, e agradecemos.",
        "en": "The customer gave a score and was thanked.",
        "es": "El cliente dio una nota y se le agradeció.",
        "zh": "客户给出了评分，已向其致谢。",
    },
    "nothing_due": {
        "pt": "Chegou a hora de ver se faltava algo, e não havia mais nada a fazer.",
        "en": "It was time to see whether something was to be done, and nothing was any more.",
        "es": "Llegó la hora de ver si faltaba algo, y ya no había nada que hacer.",
        "zh": "到了检查的时间，但已没有需要处理的事。",
    },
    "held_by_person": {
        "pt": "A conversa estava com a equipe, então o assistente ficou em silêncio.",
        "en": "The team had the conversation, so the assistant was silent.",
        "es": "La conversación estaba con el equipo, así que el asistente guardó silencio.",
        "zh": "对话由团队处理，因此助手保持沉默。",
    },
    "person_took_over": {
        "pt": "A equipe assumiu enquanto a resposta era preparada, então ela foi descartada.",
        "en": "The team took over while the answer was being made, so it was thrown away.",
        "es": "El equipo tomó la conversación mientras se preparaba la respuesta, así que se descartó.",
        "zh": "准备回复时团队接手了对话，因此该回复被丢弃。",
    },
    "opted_out": {
        "pt": "O cliente não quer receber mensagens.",
        "en": "The customer wants no messages.",
        "es": "El cliente no quiere recibir mensajes.",
        "zh": "客户不希望接收消息。",
    },
    "run_cancelled": {
        "pt": "O programa que pediu a resposta desistiu dela.",
        "en": "The program that asked for the answer called it off.",
        "es": "El programa que pidió la respuesta la canceló.",
        "zh": "请求回复的程序已取消请求。",
    },
    "thread_deleted": {
        "pt": "O programa que pediu a resposta apagou a conversa enquanto esperava.",
        "en": "The program that asked for the answer deleted the thread while it waited.",
        "es": "El programa que pidió la respuesta borró la conversación mientras esperaba.",
        "zh": "请求回复的程序在等待期间删除了对话。",
    },
    "nothing_new": {
        "pt": "Um programa pediu uma resposta e não havia mensagem nova.",
        "en": "A program asked for an answer and there was no new message.",
        "es": "Un programa pidió una respuesta y no había ningún mensaje nuevo.",
        "zh": "有程序请求回复，但没有新消息。",
    },
    "late": {
        "pt": "A mensagem chegou tarde demais para uma resposta automática.",
        "en": "The message came too late for an automatic answer.",
        "es": "El mensaje llegó demasiado tarde para una respuesta automática.",
        "zh": "消息到达太晚，未自动回复。",
    },
    "group": {
        "pt": "É um grupo, e este canal não responde a grupos.",
        "en": "It is a group, and this channel answers no groups.",
        "es": "Es un grupo, y este canal no responde a grupos.",
        "zh": "这是群聊，而该渠道不回复群聊。",
    },
    "ignored_contact": {
        "pt": "Este contato está entre os que o canal não responde.",
        "en": "This contact is one of those the channel does not answer.",
        "es": "Este contacto está entre los que el canal no responde.",
        "zh": "该联系人属于此渠道不回复的对象。",
    },
    "reaction": {
        "pt": "O cliente só reagiu com um emoji.",
        "en": "The customer only reacted with an emoji.",
        "es": "El cliente solo reaccionó con un emoji.",
        "zh": "客户只是用表情作了回应。",
    },
    "revoked": {
        "pt": "O cliente apagou a mensagem antes da resposta.",
        "en": "The customer took the message back before it was answered.",
        "es": "El cliente borró el mensaje antes de la respuesta.",
        "zh": "客户在得到回复前撤回了消息。",
    },
    "edited_after_answer": {
        "pt": "O cliente corrigiu uma mensagem que já tinha resposta.",
        "en": "The customer corrected a message that had been answered.",
        "es": "El cliente corrigió un mensaje que ya tenía respuesta.",
        "zh": "客户修改了一条已回复的消息。",
    },
    "released": {
        "pt": "O prazo da equipe terminou, e o assistente pode responder de novo.",
        "en": "The team's time was over, and the assistant may answer again.",
        "es": "El plazo del equipo terminó, y el asistente puede responder de nuevo.",
        "zh": "团队的处理期限已过，助手可以重新回复。",
    },
    "empty_burst": {
        "pt": "Não havia nada a que responder.",
        "en": "There was nothing in it to answer.",
        "es": "No había nada a lo que responder.",
        "zh": "其中没有需要回复的内容。",
    },
}
"""By a turn's reason. Of a turn that a flow answered, by why the flow did."""
OTHERWISE: dict[tuple[Outcome, str], dict[str, str]] = {
    (Outcome.HELD, "out_of_hours"): {
        "pt": "O cliente escreveu fora do horário e já tinha sido avisado, então não houve outra resposta.",
        "en": "The customer wrote out of hours and had been told before, so nothing more was said.",
        "es": "El cliente escribió fuera de horario y ya se le había avisado, así que no hubo otra respuesta.",
        "zh": "客户在非营业时间来信，此前已告知，因此未再回复。",
    },
    (Outcome.IGNORED, "closed"): {
        "pt": "O cliente não escreveu mais, e o atendimento foi encerrado sem aviso.",
        "en": "The customer said nothing more, and the conversation was closed without a word.",
        "es": "El cliente no escribió más, y la atención se cerró sin aviso.",
        "zh": "客户没有再说话，对话已结束，未另行通知。",
    },
    (Outcome.ANSWERED, "flow_timeout"): {
        "pt": "O cliente não respondeu a tempo à pergunta do atendimento guiado, que seguiu adiante.",
        "en": "The customer did not answer the guided conversation's question in time, and it went on.",
        "es": "El cliente no respondió a tiempo a la pregunta de la conversación guiada, que siguió adelante.",
        "zh": "客户未及时回答引导流程的问题，流程继续向下进行。",
    },
}
"""Where the same reason means something else in a turn with this outcome."""
LETS_GO: dict[str, dict[str, str]] = {
    "resolved": {
        "pt": "A equipe marcou a conversa como resolvida.",
        "en": "The team marked the conversation as resolved.",
        "es": "El equipo marcó la conversación como resuelta.",
        "zh": "团队将对话标记为已解决。",
    },
    "idle_hours": {
        "pt": "A equipe não fez nada pelo tempo configurado na fila.",
        "en": "The team did nothing for as long as the queue is configured to wait.",
        "es": "El equipo no hizo nada durante el tiempo configurado en la cola.",
        "zh": "团队在队列设定的时间内没有任何操作。",
    },
    "next_business_day": {
        "pt": "Começou o dia útil seguinte.",
        "en": "The next business day began.",
        "es": "Comenzó el siguiente día hábil.",
        "zh": "下一个工作日已开始。",
    },
    "api": {
        "pt": "Outro programa devolveu a conversa ao assistente.",
        "en": "Another program gave the conversation back to the assistant.",
        "es": "Otro programa devolvió la conversación al asistente.",
        "zh": "其他程序将对话交还给了助手。",
    },
}
"""By the reason of a passing to `released`; any other reason is the name of who let go."""
SOMEBODY = {
    "pt": "{person} devolveu a conversa ao assistente.",
    "en": "{person} gave the conversation back to the assistant.",
    "es": "{person} devolvió la conversación al asistente.",
    "zh": "{person}将对话交还给了助手。",
}
ANY: dict[Outcome, dict[str, str]] = {
    Outcome.ANSWERED: {
        "pt": "O cliente recebeu uma resposta",
        "en": "The customer got an answer",
        "es": "El cliente recibió una respuesta",
        "zh": "客户得到了回复",
    },
    Outcome.HELD: {
        "pt": "A equipe cuida da conversa",
        "en": "The team looks after the conversation",
        "es": "El equipo se ocupa de la conversación",
        "zh": "对话由团队负责",
    },
    Outcome.IGNORED: {
        "pt": "Não houve resposta",
        "en": "There was no answer",
        "es": "No hubo respuesta",
        "zh": "没有回复",
    },
}
"""Of a reason nobody here knows, such as a later version's; the code stands behind it."""


def reads(outcome: Outcome, reason: str, language: str, *, decided: str = "") -> str:
    """A sentence on what ended a turn. `language`: BCP 47; one we do not speak gets English.

    `decided`: the reason of the rung that decided, as the timeline's last `decide` has it: of a flow that answered it
    says why the flow did.
    """
    if outcome in (Outcome.TRANSFERRED, Outcome.DEAD):
        return calling.reads(reason, language)
    code = decided if reason == "flow" and decided in READS else reason
    if known := OTHERWISE.get((outcome, code)) or READS.get(code):
        return _said(known, language)
    return calling.reads(reason, language) if reason in calling.WHY else _any(outcome, reason, language)


def let_go(reason: str, language: str) -> str:
    """A sentence on why people have a conversation no longer. `reason`: of a passing to `released`."""
    if not reason:
        return ""
    return _said(LETS_GO.get(reason, SOMEBODY), language).replace("{person}", reason)


def _any(outcome: Outcome, reason: str, language: str) -> str:
    stop = "。" if two_letters(language) == "zh" else "."
    return f"{_said(ANY[outcome], language)} ({reason}){stop}"


def _said(sentences: dict[str, str], language: str) -> str:
    return sentences.get(two_letters(language), sentences["en"])
