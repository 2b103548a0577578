"""Whether a customer asks to be answered in writing or with voice, from now on. Pure.

It is kept, so the words must *ask*: "posso mandar um áudio?" wants to send one, "recebi o áudio" tells of one, "o
áudio do fone é bom?" is about the goods, "minha mãe prefere texto" about somebody else, and what stands in quotation
marks was said by another. A customer who does not mind any more ("tanto faz, texto ou áudio") takes a wish back;
"tanto faz" alone may be about a colour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.rules.language import fold

Preference = Literal["text", "voice", "either", ""]

LONGEST = 4000
"""Characters that are read, from the end: a wish stands in a few words."""

# -- words, as `_plain` leaves them: folded, without apostrophes, `plz` for every please ------------

_NOTE = (  # pt, es
    r"(?:audios?|audiozinhos?|notas? de (?:voz|audio)|mensage(?:m|ns) de (?:voz|audio)|msgs? de (?:voz|audio)|"
    r"mensajes? de (?:voz|audio))\b(?! (?:d[aeo]s?(?! que\b| ninguem\b| nadie\b)|del|bluetooth|espacial|automotivo|"
    r"pros?|aos?|book|(?:pra|para) (?:minhas?|meus?|mi(?= \w)|mis|el|eles?|elas?|ellos|ellas?|os?|as?|quem))\b)"
)
_WRITING = (  # pt, es
    r"(?:escrit[oa]|textos?|(?:mensage(?:m|ns)|mensajes?|msgs?) (?:de texto|escrit[oa]s?))\b"
    r"(?! (?:d[aeo]s?(?! que\b)|del|bordad\w*|n[ao]|en (?:la|el))\b)"
)
_EN_NOTE = (
    r"(?:voice ?(?:notes?|messages?|msgs?|memos?|clips?)|audio ?(?:notes?|messages?|msgs?|clips?)|audios?)\b"
    r"(?! (?:books?|guides?|cables?|head\w*|jacks?|interfaces?|recorders?|quality|of|from|to (?:my|him|her|them))\b)"
)
_EN_WRITING = r"(?:text(?:s|ing| messages?)?|writing|written|typed|typing)\b(?! (?:books?|on|of|from)\b)"
_END = r"(?= plz\b|$)"
_SOFT = r"(?: plz| mesmo| msm| agora| hoje| sempre| tambem| entao| ahora| siempre| mejor| only| from now on| now)*$"

_LIKES = (  # pt, es
    r"(?:prefiro|preferia|preferiria|prefiero|preferencia (?:e|es|seria)|gosto mais de|"
    r"me gustan? mas|acho melhor|seria melhor|e melhor|es mejor|melhor|mejor)"
)
_THE_ANSWER = (  # pt, es
    r"(?:(?:so|solo|somente|apenas|que|voce|voces|usted|seja|sea|me|nos|pra mim|para mim|para mi|receber|recibir|"
    r"ter|sempre|siempre|tudo|todo|isso|eso|a|la|as|las|os|los|um|uns|uma|un|una|unos|respostas?|respuestas?|"
    r"responda|responder|mande|mandem|mandes|envie|envies|manden|envien|respondas|expliques|comigo|conmigo|informacoes|"
    r"informacao|aqui|ai|entao|sim|si|logo|mais|mas|por|em|en|com|con|via|como) )*"
)
_TELL = (  # pt, es: as a command
    r"(?:manda|mande|mandem|envia|envie|enviem|responde|responda|respondam|respondessem?|explica|explique|expliquem|"
    r"fala|fale|falem|passa|passe|pasame|paseme|diz|diga|grava|grave|gravem|"
    r"me (?:lo )?(?:mandas|envias|respondes|explicas|dices)|"
    r"(?:mand|respond|contest|grab|envi)(?:[ae](?:nos|me|melo|mela)?|[ae]nme(?:lo|la)?)|"
    r"expliqu?[ceuaq]*(?:me|melo|mela)|explicamelo|explicame|digame|digamelo|dime|dimelo|contestes?|graba|grabe|"
    r"manden|envien|respondan|contesten)"
)
_DO_SEND = r"(?:mandar|enviar|gravar|grabar|passar)"
_DO_TELL = r"(?:responder|contestar|explicar|falar|dizer|decir)"
_DO_ME = (
    r"(?:mandarme|enviarme|grabarme|responderme|contestarme|explicarme|decirme|mandarmelo|enviarmelo|explicarmelo|"
    r"decirmelo)"
)
_CAN = (
    r"(?:pode|podem|podes|poderia|poderiam|consegue|conseguem|puede|puedes|pueden|podria|podrias|podrian)"
    r"(?: (?:voce|voces|usted|ustedes|sim|si|ja|ya|tambem|plz|so))*"
)
_IS_THERE_A_WAY = r"(?:da pra|da para|tem como|teria como|es posible|se puede|sera que da pra)"
_CANNOT = (
    r"(?:nao (?:posso|poderei|consigo|da|da pra|da para|tenho como|tenho condicoes de|to podendo|estou podendo|"
    r"to conseguindo|estou conseguindo|vou poder|vou conseguir|e possivel|sei|gosto de|curto|quero|costumo)|"
    r"no (?:puedo|podre|podria|me es posible|es posible|tengo como|tengo forma de|estoy pudiendo|me gusta|quiero|"
    r"suelo|se))"
)
_I_PREFER = r"(?:\b(?:i|id|i would|i do)(?: much| really| just)?|^(?:would)?) ?(?:prefer|rather|like it better)"
_HEARD = r"(?:ouvir|escutar|reproduzir|oir|escuchar|reproducir)"


@dataclass(frozen=True, slots=True)
class _Rule:
    wish: Preference
    pattern: re.Pattern[str]
    as_question: bool = True
    """It is a wish also with a question mark: "pode mandar áudio?" may ask whether the customer can send one."""


def _rules(wish: Preference, *patterns: str, as_question: bool = True) -> list[_Rule]:
    return [_Rule(wish, re.compile(pattern), as_question) for pattern in patterns]


def _behind(*words: str) -> str:
    return "(?:" + "|".join(f"(?<=\\b{word} )" for word in words) + ")"


_IN = _behind("por", "em", "en", "com", "con", "via", "como")
_WITH = _behind("por", "com", "con")
_EN_IN = _behind("by", "with", "via", "in")
_NOT = r"(?<!nao )(?<!nao me )(?<!nunca )(?<!no )(?<!no me )(?<!precisa )"
_NOT_I = (  # a command's verb is no command behind these
    r"(?<!posso )(?<!vou )(?<!quero )(?<!queria )(?<!prefiro )(?<!prefiero )(?<!consigo )(?<!puedo )(?<!voy a )"
    r"(?<!quiero )(?<!deixa eu )(?<!^como )(?<!te )(?<!les )(?<!le )"
)
_INSTEAD = (
    r"\b(?:em vez|em ves|ao inves|no lugar|em lugar|en vez|en lugar) de (?:me |ficar |mandar |enviar |usar |un |um )*"
)

_ROMANCE = [
    # instead of, and no more of
    *_rules("text", rf"{_INSTEAD}(?:{_NOTE}|gravar|grabar|falar|hablar)"),
    *_rules("voice", rf"{_INSTEAD}(?:escrever|escribir|digitar|ler|leer|{_WRITING})"),
    *_rules(
        "text",
        rf"\b(?:nao|no)(?: (?:me|nos|precisam?|hace falta|quero que|quiero que|plz))* (?:manda|mandar|mandem?|mandes|"
        rf"manden|envia|enviar|enviem?|envies|envien|grava|gravar|gravem?|grabes?|usa|usar|usem?|uses|responda|"
        rf"responde|"
        rf"responder|respondas|fala|falar|fale)(?: (?:me|mais|mas|um|uns|un|una|unas|uma|nenhum|esses|esos|por|em|"
        rf"com|con|"
        rf"en))* {_NOTE}",
        rf"\b(?:ya no) (?:me )?(?:mande[ns]?|envie[ns]?) (?:mas )?{_NOTE}",
        rf"\b(?:para|pare|parem|parar|deja|deje|dejen|dejar) de (?:me )?(?:mandar|enviar|mandarme|enviarme|gravar|"
        rf"grabar)(?: (?:tanto|tantos|esses|mais|um|los|os|me))* {_NOTE}",
        rf"\b(?:odeio|detesto|odio|chega de|basta de|nada de|evita|evite|evitem|eviten|dispenso)"
        rf"(?: (?:quando|mandam|cuando|me|mandar|enviar|receber|recibir|ouvir|escuchar|mais|mas|os|los|esses|tantos|"
        rf"de))* {_NOTE}",
        rf"\b(?:nao|no) (?:gosto|curto|ouco|escuto|abro|escucho|oigo|suporto|soporto|quero|quiero|aguento|aceito|uso|"
        rf"me gustan?)(?: (?:muito|mucho|mais|mas|de|receber|recibir|ouvir|escutar|escuchar|nenhum|os|los|las|esses|um|"
        rf"un|por|em|en))* {_NOTE}",
        rf"\b(?:nunca|jamais|jamas) (?:ouco|escuto|escucho|oigo)(?: (?:os|los))? {_NOTE}",
        rf"^(?:(?:mas|pero|pode ser|manda|responde|so) )*(?:sem|sin) (?:mandar |usar )?(?:audios|{_NOTE}(?= plz)|"
        rf"(?:notas|mensage(?:m|ns)|mensajes) de voz)(?: plz| obrigad[oa]| gracias| ta| ok)*$",
        rf"^plz (?:sem|sin) {_NOTE}",
        rf"^{_NOTE}(?: agora| ahora| eu| yo)? (?:nao|no)(?:$| escuto| escucho| ouco| plz| obrigad[oa]| gracias|"
        rf" da\b| posso| puedo| consigo| rola)",
        rf"^(?:nao|no) (?:por |em |en )?{_NOTE}$",
        rf"\b{_TELL} (?:(?:mais|por|em|um|uns) )*{_NOTE} nao$",
        rf"\b{_LIKES} (?:nao|no) (?:receber|recibir|ouvir|escutar|escuchar|ter)(?: (?:mais|mas|os|los))* {_NOTE}",
        rf"\b{_LIKES} (?:sem|sin) {_NOTE}",
    ),
    *_rules("voice", rf"\b(?:nao|no) (?:me )?(?:manda|mande|mandes|envia|envie|envies) (?:mais |mas )?{_WRITING}"),
    # what they cannot or will not do
    *_rules(
        "text",
        rf"\b{_CANNOT} (?:\w+ )?{_HEARD}(?: (?:um|uns|un|unos|os|los|seus|sus|mais|mas|esses|nenhum|muito|"
        rf"por))* {_NOTE}",
        rf"\b{_CANNOT} {_HEARD}(?: (?:agora|aqui|no momento|hoje|ahora|aca|no trabalho|en este momento|plz)\b|$)",
        rf"\b{_CANNOT} {_HEARD} (?:o|el|seu|su) {_NOTE} (?:agora|aqui|no momento|ahora|aca|no trabalho|en el trabajo)",
        rf"\b(?:meu|mi) (?:celular|telefone|telefono|aparelho|whats\w*) (?:nao|no) (?:toca|reproduz|abre|reproduce) "
        rf"(?:os |los )?{_NOTE}",
    ),
    *_rules(
        "voice",
        rf"\b{_CANNOT} (?:ler|leer)(?: (?:textos?(?: longos?| largos?)?|mensage(?:m|ns)|mensajes|agora|ahora|"
        rf"no momento|"
        rf"direito|bien|bem|aqui|plz|estou dirigindo|to dirigindo|estoy manejando))*$",
        r"\b(?:nao|no) (?:sei|se) (?:ler|leer)(?: direito| bem| bien)?$",
    ),
    # what they like better
    *_rules(
        "text",
        rf"{_NOT}\b{_LIKES} {_THE_ANSWER}{_WRITING}",
        r"\b(?:prefiro|preferia|prefiero)(?: so)? (?:ler|leer)(?:$| plz| do que| (?:a|que) (?:ouvir|escutar|"
        r"escuchar|oir))",
        r"\b(?:prefiro|prefiero) que (?:voces? |me )*(?:escrevam?|escriban?|digitem?)\b",
    ),
    *_rules(
        "voice",
        rf"{_NOT}\b{_LIKES} (?:ouvir |escutar |escuchar |oir )?{_THE_ANSWER}(?:{_NOTE}|voz$)",
        r"\b(?:prefiro|preferia|prefiero)(?: so)? (?:ouvir|escutar|escuchar|oir)"
        r"(?:$| plz| do que| (?:a|que) (?:ler|leer))",
        rf"^(?:eu )?(?:adoro|amo|gosto de|me encantan?)(?: (?:os|los|receber|recibir|ouvir|escuchar))* {_NOTE}$",
    ),
    # what they ask for
    *_rules(
        "text",
        rf"{_NOT}{_NOT_I}\b(?:{_TELL}|{_DO_SEND}|{_DO_TELL}|{_DO_ME}) {_THE_ANSWER}{_IN}"
        rf"{_WRITING}",
        rf"{_NOT}{_NOT_I}\b(?:{_TELL}|{_DO_ME}) (?:so |solo )?(?:textos?|escrit[oa]|mensage(?:m|ns) (?:de texto|"
        rf"escritas?)|msgs? escritas?)(?: plz| mesmo)*$",
        rf"{_NOT}{_NOT_I}(?<!sei )(?<!escrever )\b(?:escreve|escreva|escrevam|escrever|digita|digite|digitem|digitar|"
        rf"escribe|escriba|escriban|escribir|escri(?:ba|be|bir)(?:me|lo|melo))"
        rf"(?: (?:aqui|ai|aca|pra mim|para mim|mesmo|entao|tudo|todo|isso|me))*{_END}",
        rf"^(?:plz )?(?:(?:so|solo|somente|solamente|apenas|pode ser|puede ser|quero|queria|quiero|quisiera|gostaria|"
        rf"gostaria de|me gustaria|aceito|manda) )+{_THE_ANSWER}{_WRITING}{_SOFT}",
        rf"^(?:plz )?(?:por|em|en) {_WRITING}{_SOFT}",
        rf"\b(?:responde|responda|fala|fale|explica|explique)(?: me)? (?:escrevendo|digitando|escribiendo){_END}",
        rf"^(?:plz )?{_WRITING} plz$",
    ),
    *_rules(
        "voice",
        rf"{_NOT}{_NOT_I}\b{_TELL} {_THE_ANSWER}(?:{_NOTE}|{_WITH}voz\b)",
        rf"\b(?:{_CAN}|{_IS_THERE_A_WAY}) (?:me|nos) (?:{_DO_SEND}|{_DO_TELL}) {_THE_ANSWER}{_NOTE}",
        rf"\b(?:me|nos) {_CAN} (?:{_DO_SEND}|{_DO_TELL}) {_THE_ANSWER}{_NOTE}",
        rf"\b{_CAN} {_DO_TELL} {_THE_ANSWER}{_NOTE}",
        rf"{_NOT}\b{_DO_ME} {_THE_ANSWER}{_NOTE}",
        rf"\b{_CAN} {_DO_SEND} {_THE_ANSWER}{_NOTE} (?:pra mim|para mi|para mim|me explicando|explicando)",
        rf"^(?:plz )?(?:(?:so|solo|somente|solamente|apenas|pode ser|puede ser|quero|queria|quiero|quisiera|gostaria|"
        rf"gostaria de|me gustaria|quero ouvir|quero escutar|quiero escuchar|aceito) )+{_THE_ANSWER}{_NOTE}{_SOFT}",
        rf"^(?:plz )?(?:por|em|en|con|com) {_NOTE}{_SOFT}",
        rf"^(?:plz {_NOTE}|{_NOTE} (?:plz|(?:e|es) (?:melhor|mejor)))",
    ),
    *_rules("voice", rf"\b{_CAN} {_DO_SEND} {_THE_ANSWER}{_NOTE}", as_question=False),
]

_ENGLISH = [
    *_rules(
        "text",
        rf"\b(?:dont|do not|never|stop|quit|no need to)(?: plz| ever| just)? (?:with the|send|sending|use|using|"
        rf"reply with|"
        rf"answer with|record|recording|leave|leaving)(?: (?:me|us|any|more|with|by|in|a|an|these|those|so many))* "
        rf"{_EN_NOTE}",
        rf"\b(?:i|really)(?: really| just)? (?:dont like|do not like|hate|dislike|dont want|do not want|cant stand)"
        rf"(?: (?:to|get|receive|getting|receiving|listening|hear|any|more|your|these|a|an|those))* {_EN_NOTE}",
        rf"\b(?:cant|cannot|can not|am unable to|im unable to|not able to|wont be able to|i never|"
        rf"i dont|i do not|i dont want to|i dont like to)(?: really| currently| usually)? (?:listen(?: to)?|hear|"
        rf"play|do|"
        rf"open)(?: (?:any|those|these))* {_EN_NOTE}",
        r"\b(?:i|im|and|so|work|meeting) ?(?:cant|cannot|am unable to|unable to) listen"
        r"(?:$| plz| (?:right now|now|here|at work|at the moment))",
        r"^(?:cant|cannot|not able to) listen(?:$| plz| (?:right now|now|here|at work|at the moment))",
        rf"^(?:plz |just )*(?:no more {_EN_NOTE}|no (?:voice \w+|{_EN_NOTE} plz)|without {_EN_NOTE} plz)",
        rf"^plz no {_EN_NOTE}",
        rf"{_I_PREFER} (?:no|not to (?:get|have|receive|hear|listen to)(?: any)?) {_EN_NOTE}",
        rf"{_I_PREFER}(?: (?:have|get|receive|it|to|your|the|answers?|replies|just|only|in|by|via|a|you))* "
        rf"(?:{_EN_WRITING}|(?:read|reading)(?:$| plz| (?:it|than|over)\b))",
        rf"\b(?:text|write|type|{_EN_WRITING})(?: (?:it|that|this|me|back|to me|down|out))* "
        rf"(?:instead|rather than)(?:$| plz| (?:of )?(?:{_EN_NOTE}|voice|talking|recording|sending))",
        r"\bplz (?:type|write)(?: (?:it|that|this|your answer|the answer|down|out))*$",
        r"^(?:(?:could|can|would|will) you |plz |kindly |just |you can |maybe |ok |so )+(?:write|type)"
        r"(?: (?:it|that|this|your answer|the answer|everything|to me|down|out|instead|thanks|plz))*$",
        rf"(?<!i )(?<!ill )(?<!i can )(?<!dont )(?<!not )"
        rf"\b(?:reply|answer|respond|send|give|put|tell|explain|get back|write)(?: to)?"
        rf"(?: (?:me|us|it|that|this|the answer|your answer|everything|back|your reply|only|just))* "
        rf"(?:in|by|via|as|with|through) (?:a |only |just )?{_EN_WRITING}",
        rf"^(?:plz )?(?:(?:only|just|in|by|via|as) )+{_EN_WRITING}(?: (?:only|plz|is fine|is better))*$",
        rf"^(?:plz )?{_EN_WRITING}(?: only| would be (?:better|best|great)| is (?:better|best|easier)| for me| plz)+$",
    ),
    *_rules(
        "voice",
        rf"{_I_PREFER}(?: (?:have|get|receive|hear|it|to|your|the|a|an|answers?|by|via|in|listening to|listen to))* "
        rf"(?:{_EN_NOTE}|voice(?:$| plz| over))",
        rf"{_I_PREFER}(?: to)? (?:listen|listening|hear|hearing)(?: it| you)?(?:$| plz| than\b| over\b)",
        rf"(?<!i )(?<!ill )(?<!to )(?<!me )(?<!rather )(?<!cant )(?<!cannot )(?<!they )(?<!do you )(?<!can we )"
        rf"(?<!not )(?<!dont )"
        rf"\b(?:send|reply|answer|respond|record|leave|drop|give|tell|explain|say)(?: to)?"
        rf"(?: (?:me|us|it|that|this|back|over|your answer|the answer|in|with|by|via|as|a|an|some|another|through))* "
        rf"(?:{_EN_NOTE}|(?:{_EN_IN}|(?<=send ))voice(?:$| plz))",
        rf"\b(?:could|can|may) i (?:get|have)(?: (?:it|that|as|in|a|an|some|the answer))* {_EN_NOTE}",
        rf"\b(?:free to|you to) (?:send|reply with|answer with|record)(?: (?:me|us|a|an|some))* {_EN_NOTE}",
        rf"^(?:i|id|i would)(?: really| do| just)? (?:want|like|love)(?: to)?"
        rf"(?: (?:get|receive|hear|have|it|in|a|an|your|the answer|answers|as|by|some))* {_EN_NOTE}",
        r"\b(?:i )?(?:cant|cannot) read(?: (?:right now|now|long|texts?|messages|at the moment|plz))*$",
        rf"^(?:plz )?(?:(?:only|just|by|in|via|a) )+(?:{_EN_NOTE}|voice)(?: only| plz)*$",
        rf"^(?:plz )?(?:a )?(?:{_EN_NOTE}|voice)(?: (?:only|for me|plz|(?:is|are|would be) (?:better|easier|best|"
        rf"great)))+$",
        rf"^plz (?:a )?{_EN_NOTE}|^(?:a )?(?:{_EN_NOTE}|voice) plz",
    ),
]

_ASKED_ZH = r"^(?:请|麻烦|可以|给我|你|您|就|还是|能不能|能|可不可以|帮我|直接|改|那|好的?|以后|再|最好|劳烦)*"
_TAIL_ZH = r"(?:给我|我|吧|好吗|行吗|就好|就行|可以|呗|一下|好了|来|了)*$"
_CHINESE = [
    *_rules(
        "text",
        r"(?:别|不要|不用|请勿|不必|停止)(?:再|给我|跟我|用|总是?|老是?|一直|只)*(?:发|回复?|录|说)?了?语音",
        r"(?<!能)(?:不方便|不能|没法|无法|没办法|不想|不喜欢|讨厌|不爱|不便|从不|^我不|不太?喜欢)(?:现在)?"
        r"(?:收?听|播放)?语音",
        r"听不了(?:语音|$)|不方便(?:收?听)$|不能听$",
        rf"{_ASKED_ZH}(?<=[请烦以我你您就是能帮接改那好后再])打字(?:回复?|说|告诉|吗|聊)*{_TAIL_ZH}",
        rf"^打字(?:回复?|[跟和]我|说|给我|吧|就好|就行|好吗|聊)+{_TAIL_ZH}",
        rf"{_ASKED_ZH}(?:用|发|以|通过)(?:个|条|一下|一?段)?文字(?:版|消息|信息)?(?:回复?|说|告诉|发|聊|沟通|吗)*{_TAIL_ZH}",
        r"^(?:还是|只要|就要?|我只?要|我想要)文字(?:就好|就行|回复|吧|版)*$",
        r"^文字(?:就好|就行|回复|沟通|聊|吧|更方便|好了|版)+$",
        r"^我?(?:更|比较|还是|很)?(?:喜欢|想|倾向|偏好|习惯)(?:看|读)?文字$",
        r"(?:请|麻烦|帮我|给我)写(?:下来|出来|给我)$",
    ),
    *_rules(
        "voice",
        r"(?:别|不要|不用|不必)(?:再)?打字",
        rf"{_ASKED_ZH}(?:发|录|来|说)(?:个|一?条|一?段|点)?语音(?:消息|信息)?{_TAIL_ZH}",
        rf"{_ASKED_ZH}给我(?:发|录)(?:个|一?条|一?段|点)?语音(?:消息|信息)?吗$",
        rf"{_ASKED_ZH}(?:发|录)(?:个|一?条|一?段|点)?语音(?:消息|信息)?给我吗$",
        rf"{_ASKED_ZH}用?语音(?:回复?|说|告诉|讲|聊)(?:吗)?{_TAIL_ZH}",
        r"^我?(?:更|比较|还是|很|只)?(?:想|要|喜欢|想要|倾向)(?:收?听)?语音(?:消息|回复)?$",
        r"^(?:还是|只要|就要?)?语音(?:吧|就好|就行|更方便|好了)+$|^只要语音$",
        r"不方便看(?:字|文字|消息|手机)?$",
    ),
]
_ABLE = [
    *_rules(
        "text",
        r"\b(?:sou|soy) (?:\w+mente |uma pessoa |una persona )?(?:surd[oa]|sord[oa]|deficiente auditiv[oa])"
        r"(?:$| (?:e|y|nao|no|entao|plz|manda|responde|escreve)\b)",
        r"\b(?:tenho|tengo) (?:deficiencia auditiva|discapacidad auditiva|perda auditiva|perdida auditiva|"
        r"problema de audicao)$",
        r"\b(?:im|i am) (?:\w+ly )?(?:deaf|hard of hearing|hearing impaired)(?:$| (?:so|and|plz)\b)",
        r"^我?(?:是|有)?(?:聋人|聋哑人|听障人?士?|听力(?:不好|障碍|有问题))$",
        as_question=False,
    ),
    *_rules(
        "voice",
        r"\b(?:sou|soy) (?:ceg[oa]|cieg[oa]|deficiente visual)(?:$| (?:e|y|nao|no|entao|plz|manda|mandame)\b)",
        r"\b(?:tenho|tengo) (?:deficiencia visual|discapacidad visual|baixa visao|baja vision)$",
        r"\b(?:nao enxergo|no veo)(?: bem| direito| nada| bien)?(?: plz)?$",
        r"\b(?:im|i am) (?:\w+ly )?(?:blind|visually impaired)(?:$| (?:so|and|plz)\b)",
        r"^我?(?:是盲人|是视障人?士?|看不见|不识字|看不了字|看不清字)$",
        as_question=False,
    ),
]
"""What they are. In a question it is about the goods: can a blind man hear what this phone says?"""
_RULES = (*_ROMANCE, *_ENGLISH, *_CHINESE, *_ABLE)
_CONCERNS = re.compile(
    r"audi|voz|voice|text|escr[ei]|writ|digit|typ|lee?r\b|ouvi|escu|oir\b|hear|listen|read|reprodu|"
    r"vez de|ves de|inves de|lugar de|ceg|cieg|vis[aiu]|enxerg|no veo|surd|sord|deaf|blind|[\u3400-\u9fff]"
)
"""What every wish has a word of: most messages are about something else, and are told by one look."""

_NAMES_BOTH = re.compile(
    r"\b(?:text\w*|escrit\w+|escrever|ler|leer|writing|written|reading)\b.{1,25}\b(?:audios?|voz|voice|ouvir|"
    r"escuchar)\b"
    r"|\b(?:audios?|voz|voice(?: \w+)?|ouvir|escuchar)\b.{1,25}\b(?:text\w*|escrit\w+|escrever|ler|leer|writing)\b"
    r"|语音.{0,4}(?:文字|打字)|(?:文字|打字).{0,4}语音"
)
_DOES_NOT_MIND = re.compile(
    r"\b(?:tanto faz|pode ser .* ou|puede ser .* o|qualquer um\w?|como (?:voces? )?prefer\w+|como prefier\w+|"
    r"me da igual|da lo mismo|cualquiera|either|whatever|dont mind|doesnt matter|both(?: .*)? (?:fine|ok|okay|good|"
    r"work))\b"
    r"|都可以|都行|都好|都无所谓|无所谓|随便|也行"
)
_BOTH_WAYS = re.compile(
    r"\bpode ser (?:dos dois jeitos|das duas formas|de qualquer jeito)|\b(?:dos dois jeitos|das duas formas) (?:ta|"
    r"esta|"
    r"tudo) (?:bom|bem)|\bde las dos (?:formas|maneras)\b|\bboth ways (?:are|is) fine"
    rf"|\b(?:ja|agora|ya|ahora|agora ja|ahora ya|ahora si) (?:posso|consigo|puedo|da pra|da para) {_HEARD}"
    rf"(?: (?:os|los|seus|sus))? {_NOTE}"
    rf"|\bi can (?:listen to|hear|play) {_EN_NOTE} (?:now|again)|(?:现在|已经|又)(?:可以|能|方便)听语音了"
)

_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』|(?m:^[ \t]*>.*$)|`[^`\n]*`")
_GOODS = re.compile(
    r"\b(?:fones?|headsets?|headphones?|earbuds?|earphones?|audifonos?|auriculares?|caix(?:a|inha)s? de som|"
    r"alto falantes?|speakers?|parlantes?|audio ?books?|audio ?livros?|audio ?libros?|livros?|libros?|books?|"
    r"microfones?|microphones?|cabos?|cables?|interfaces?|placas?|tvs?|televis\w+|videos?|filmes?|jogos?|gravador\w*|"
    r"grabador\w*|recorder|anuncios?|camisetas?|estampas?|canecas?|taza|mug|shirt|cartao|contrato|contract)\b"
    r"|耳机|音箱|助手|控制|识别|遥控|功能|键盘|打字机|语音包|电视|有声书|杯|刻|广告|手表"
)
_WITHOUT_EARS = re.compile(
    r"\b(?:sem|sin|without|no) (?:(?:o|os|meus?|mis?|my|any) )?(?:fones?|audifonos?|auriculares?|headphones?|"
    r"earbuds?)\b"
)
"""Not about the goods: why somebody cannot listen."""
_SOMEONE_ELSE = re.compile(
    r"\b(?:ele|ela|eles|elas|ella|ellos|ellas|quem|quien|disse|falou|dijo|dice|pediu|esse|essa|este|esta|ese|esa|"
    r"clientes?|vendedora?|atendentes?|[ao] moc[oa]|se eu|si yo|quando|cuando|todo mundo|"
    r"(?:meu|minha|meus|minhas|mi|mis) \w+|he|she|they|who|said|says|my \w+|friend|agent|customer|if i|when|does|"
    r"may i|can i|could i|should i|let me|do you|will you be)\b"
    r"|\b(?:o|a|el|la|um|uma|un|una) \w+ $|^el (?:solo|siempre|me|nunca|no)\b|^(?:a|o) \w+ (?:me|so)\b"
    r"|他|她|朋友|客服|我(?:妈|爸|老公|老婆|丈夫|妻子|奶奶|爷爷|同事|男友|女友)|说"
)
_SENTENCE = re.compile(r"[^.!?;\n。！？；…]+[.!?;。！？；…]*")
_COMMA = re.compile(r"[,，、]|\b(?:but|pero) (?=\w+ )|(?:但是?|不过)")
_PLEASE = re.compile(
    r" ?[,，]? ?\b(?:por favor|por gentileza|faz favor|pfv+r?|pf|porfa(?:vor)?|xfa|please|pls|plz|thanks|thank you)\b"
    r" ?[,，]? ?"
)
_HELLO = re.compile(
    r"^(?:(?:oi+|ola|hola|hi|hello|hey|opa|ok|okay|sim|si|yes|ah|e|y|and|entao|entonces|so|olha|mira|alias|"
    r"na verdade|actually|gente|pessoal|amig[oa]|bom dia|boa tarde|boa noite|eu|yo|agora) )+(?=\w)"
)
_PAST = re.compile(r"\b(?:mand|envi|grab|contest)é\b")
"""Spanish: "mandé" tells and "mande" asks; without accents both are one."""
_SPELLED = (
    (r"'", ""),
    (r"\bvcs?\b", "voce"),
    (r"\bn\b", "nao"),
    (r"\bagr\b", "agora"),
    (r"\btou\b", "to"),
    (r"\bp/", "para "),
    (r"[^\w\s,，、]", " "),
    (r"\s+", " "),
)


def preferred(texts: Sequence[str]) -> Preference:
    """The last wish of a burst. `texts`: what the contact wrote or said, oldest first."""
    return next((wish for wish in map(preference, reversed(texts)) if wish), "")


def preference(text: str) -> Preference:
    """How the customer asks, in pt-BR, English, Spanish or Chinese, to be answered; empty: the text does not ask.

    `either` takes back what was asked before. The last wish of a text counts.

    >>> preference("sem áudio por favor"), preference("me manda um áudio"), preference("posso mandar um áudio?")
    ('text', 'voice', '')
    """
    said = _QUOTED.sub(" ", text[-LONGEST:])
    wishes = [_of_sentence(sentence) for sentence in _SENTENCE.findall(said)]
    return next((wish for wish in reversed(wishes) if wish), "")


def _of_sentence(sentence: str) -> Preference:
    asks = sentence.rstrip().endswith(("?", "？"))
    plain = _plain(sentence)
    if _takes_back(plain) and not _GOODS.search(plain) and not asks:
        return "either"
    wishes = [_of_clause(clause.strip(), asks) for clause in _COMMA.split(plain)] if _CONCERNS.search(plain) else []
    return next((wish for wish in reversed(wishes) if wish), "")


def _takes_back(plain: str) -> bool:
    return bool(_BOTH_WAYS.search(plain) or (_NAMES_BOTH.search(plain) and _DOES_NOT_MIND.search(plain)))


def _of_clause(clause: str, asks: bool) -> Preference:
    clause = _HELLO.sub("", clause)
    if _GOODS.search(_WITHOUT_EARS.sub(" ", clause)):
        return ""
    for rule in _RULES:
        found = rule.pattern.search(clause) if rule.as_question or not asks else None
        if found and not _SOMEONE_ELSE.search(clause[: found.start()]):
            return rule.wish
    return ""


def _plain(sentence: str) -> str:
    plain = _PLEASE.sub(" plz ", " ".join(fold(_PAST.sub("sent", sentence)).split()))
    for pattern, spelled in _SPELLED:
        plain = re.sub(pattern, spelled, plain)
    return plain.strip(" ,，、")
