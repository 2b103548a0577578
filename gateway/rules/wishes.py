"""What a customer wishes besides an answer: a person, or just to be polite. Pure.

A person is a promise (the assistant falls silent), so the words must *ask* for one: a rule that is quoted, a
story about yesterday's call, a question about opening hours or "não quero falar com atendente" is no such wish.
"""

from __future__ import annotations

import re
from typing import Literal

from gateway.rules.language import fold

Courtesy = Literal["greeting", "thanks", "goodbye", ""]

# -- people, as customers call them ---------------------------------------------------------------

_PT_WHO = (
    r"(?:atendentes?(?: \w+)?|humanos?|ser humano|pessoas?(?: \w+)*|alguem(?: \w+)*|gente de verdade|"
    r"vendedora?|"
    r"funcionari[oa]|operadora? human[oa]|operador|supervisora?|gerente|consultora?|responsavel|"
    r"(?:o |a )?(?:suporte|sac|atendimento|equipe|setor|time|central)(?: \w+)*)"
)
_EN_WHO = (
    r"(?:(?:live|real|actual|human|customer|support|service|sales|proper|other) )*"
    r"(?:human(?: being)?s?|persons?|people|agents?|representatives?|reps?|operators?|someone|somebody|"
    r"staff(?: member)?|"
    r"managers?|supervisors?|advis[eo]rs?|associates?|assistants?|customer (?:service|support|care)|"
    r"support(?: team)?|"
    r"(?:your |the )?team|employees?)"
)
_ES_WHO = (
    r"(?:personas?(?: \w+)*|humanos?|humana|ser humano|agentes?(?: \w+)*|asesor(?:a|es)?(?: \w+)*|"
    r"operador(?:a|es)?|"
    r"representantes?|alguien(?: \w+)*|encargad[oa]|gerente|supervisora?|ejecutiv[oa]|vendedora?|emplead[oa]|"
    r"(?:el |la )?(?:soporte|equipo|servicio al cliente|atencion al cliente))"
)
_A_PT = (
    r"(?:com |a |o |ao |um |uma |pra |para |pro |por |de |do |da |algum |alguma |outro |outra |seu |sua |"
    r"no |na )*"
)
_A_EN = r"(?:to |with |a |an |the |some |another |your |me |through |over |on |by |from |actual |of )*"
_A_ES = r"(?:con |a |al |un |una |el |la |algun |alguna |otro |otra |su |de |por |nuevo |mas )*"
_PLEASE = (
    r"(?:,? ?(?:por favor|pfv|pf|pfvr|porfa|porfavor|xfa|please|pls|plz|agora|ja|urgente|now|asap|ahora|ya|"
    r"rapido|hi|hello|oi|ola|hola|thanks|obrigad[oa]|gracias))*"
)

_WANTS = tuple(
    re.compile(p)
    for p in (
        # pt-BR
        rf"\b(?:falar|conversar|fala|falo|converso|contato|resolver|tratar) (?:agora |direto |diretamente "
        rf")?{_A_PT}"
        rf"(?<=com |por )?{_PT_WHO}\b(?<!sobre)",
        rf"\b(?:passa|passe|passar|transfere|transfira|transferir|encaminha|encaminhe|encaminhar|conecta|"
        rf"conecte|"
        rf"direciona|direcione|redireciona|chama|chame|chamar|bota|coloca|manda)\b(?: me| isso| eu| ai| "
        rf"aqui)* {_A_PT}"
        rf"{_PT_WHO}\b",
        rf"\b(?:quero|queria|preciso|gostaria|desejo|prefiro|cade|tem|ha|exijo)(?: de| ter| que)? {_A_PT}"
        r"(?:atendentes?|humanos?|ser humano|atendimento (?:human[oa]|pessoal|real|com gente)|pessoa "
        r"(?:real|de verdade|"
        r"human[oa]|de carne)|suporte human[oa]|operador(?: human[oa])?)\b",
        r"\b(?:ser |sou |seja )?atendid[oa] por (?:um |uma )?(?:pessoa|humano|atendente|alguem|gente)\b",
        r"\b(?:tem|ha|existe) (?:alguem|algum atendente|alguma pessoa|gente)\b.{0,20}\b(?:ai|atender|"
        r"falar|ajudar|real|verdade|online)\b",
        r"\balguem (?:pode|poderia|consegue|ai pode|me) .{0,12}\b(?:atend\w+|ajud\w+|respond\w+|liga\w*)\b",
        r"\balguem (?:ai )?me (?:atende|ajuda|responde|liga)\b",
        rf"^(?:um |uma |o |a )?(?:atendentes?|humano|atendimento humano|pessoa real|pessoa|atendente "
        rf"humano|suporte humano){_PLEASE}$",
        r"\bme (?:liga|chama|atende|responde) (?:um |uma )?(?:humano|atendente|pessoa)\b",
        # en
        rf"\b(?:talk|speak|chat|talking|speaking|connect|connected|transfer|transferred|put|pass|hand|"
        rf"handed|switch|"
        rf"escalate|get|reach|contact|call|bring|forward|redirect|give|message|deal)(?: me| this| us| it)? "
        rf"{_A_EN}{_EN_WHO}\b",
        r"\b(?:want|need|prefer|like|get|have|require|wants) (?:to have |to get )?(?:a |an |the |some |my "
        r")?(?:(?:live|real|"
        r"actual|human|customer|support|service|another) )*(?:human(?: being)?|agent|representative|rep|"
        r"operator|real person|live person|"
        r"person to|customer (?:service|support|care)|human (?:help|support|assistance)|manager|"
        r"supervisor|someone to (?:help|talk|call|assist))\b",
        r"\bis (?:there )?(?:anyone|anybody|someone|somebody|a (?:real )?person)(?: real)?(?: there| here|"
        r" available|"
        r" who can| i can (?:talk|speak)| to (?:talk|speak))\b",
        r"\b(?:can|could|would|will) (?:someone|somebody|anyone|a person|a human|an agent) (?:please )?"
        r"(?:help|call|assist|answer|reply|contact|talk|speak|take)\b",
        rf"^(?:a |an |the )?(?:live |real |human |support |actual )*(?:agent|human|person|representative|"
        rf"operator|customer (?:service|support)|"
        rf"human being|human (?:help|support)|live chat){_PLEASE}$",
        # es
        rf"\b(?:hablar|habla|hablo|comunicar(?:me|se)?|comunicame|comuniqueme|conversar|charlar|"
        rf"contactar(?:me)?|chatear|"
        rf"tratar) {_A_ES}{_ES_WHO}\b",
        rf"\b(?:pas[ae](?:r|n)?me|me pasas?|me pas[ae]n|me puedes? pasar|transfier[ae](?:me|n?me)?|"
        rf"transferir(?:me)?|me transfier[ae]n?|"
        rf"conecta(?:r)?me|conecteme|deriv[ae](?:r)?me|me deriv[ae]n?|comunica(?:r)?me"
        rf"|me comunican?|llam[ae]n? a|ponme|"
        rf"pongame) {_A_ES}{_ES_WHO}\b",
        r"\b(?:quiero|necesito|quisiera|prefiero|busco|exijo|hay|deseo) (?:a |de )?(?:un |una |algun |"
        r"alguna |otro |el )?"
        r"(?:agente|asesora?|humano|operadora?|representante|persona (?:real|de verdad|humana)|atencion "
        r"(?:humana|personal)|"
        r"ser humano|soporte humano|que me atienda (?:una persona|alguien|un humano|un agente))\b",
        r"\b(?:hay|esta) alguien\b.{0,20}\b(?:ahi|atender|hablar|ayudar|atienda|real)\b",
        r"\balguien (?:que )?(?:me )?(?:puede|pueda|podria) .{0,12}\b(?:atend\w+|ayud\w+|llam\w+)\b",
        r"\b(?:que me atienda|atendid[oa] por) (?:una persona|un humano|alguien|un agente|un asesor)\b",
        rf"^(?:un |una )?(?:agente|asesora?|humano|operadora?|representante|persona real|persona|atencion "
        rf"humana|agente humano){_PLEASE}$",
        r"\bhay (?:alguna|una) persona que\b.{0,12}\b(?:atienda|ayude|responda)\b",
        r"\bque me (?:llame|ayude|responda|contacte) (?:un |una )?(?:asesora?|agente|persona|humano)\b",
        r"\bcomunic(?:a|ar|ue)me con (?:el |la )?(?:ventas|soporte|area|departamento|sector|postventa)\b",
        # zh
        r"(?:转|接|找|要|换|叫|请|呼叫|联系|进|给我|切换|需要|想)(?:到|接|一下|一个|个|一位|下"
        r"|你们的?|你们?|成|请|用|和|跟|与)*"
        r"(?:人工|真人|活人|客服|工作人员|负责人|经理|主管|店员|专员|人类)",
        r"(?:跟|和|与|同|找|让|叫|换)(?:一个|个|一位|你们的?|你们|真正的)*(?:人工|真人|活人|客服"
        r"|工作人员|人类?|经理|主管|店员)"
        r"(?:来|聊|说|谈|沟通|对话|讲|通话|帮|接|联系|处理|服务|回)",
        r"(?:有没有|有)(?:人工|真人)|(?:人工|真人)(?:客服)?(?:在吗|在不在|呢|有吗|服务$|帮)",
        r"^(?:有人吗|有人在吗|有没有人|人工|人工服务|人工客服|真人|真人客服|客服|客服在吗"
        r"|找客服)(?:在|啊|呀|吗|，|请)*$",
    )
)
_ROBOT = re.compile(
    r"\b(?:nao (?:quero|gosto|aguento)(?: mais)?(?: de)?|chega de|odeio|sem)(?: falar| conversar| lidar| "
    r"tratar)?(?: com)? "
    r"(?:um |uma |o |a |esse |essa )?(?:robos?|bots?|maquinas?|inteligencia artificial|ia)\b"
    r"|\b(?:dont|do not|no longer|stop|hate|not|no)(?: want| like)?(?: to)?(?: talk| speak| talking| "
    r"speaking| chat| deal)?"
    r"(?: to| with)?(?: a| an| the| this)? (?:bots?|robots?|machines?|chatbots?)\b(?!\w)"
    r"|\bno (?:quiero|soporto|me gusta|mas)(?: mas)?(?: hablar| chatear| tratar)?(?: con)?(?: un| una| el|"
    r" este)? "
    r"(?:bots?|robots?|robot|maquinas?)\b"
    r"|(?:不要|不想|别|讨厌|不跟|不和)(?:再)?(?:跟|和|用|让|给我)?(?:你这个|这个|ai)?(?:机器人|机器|ai)"
)
_DECLINES = re.compile(
    r"\bnao (?:\w+ ){0,3}(?:falar|conversar|atendentes?|humanos?|pessoas?|alguem|passa\w*|passe|transf\w+|"
    r"chama\w*|chame)\b"
    r"|\b(?:sem|nem) (?:precisar )?(?:de )?(?:falar|conversar|passar|atendente|humano)\b"
    r"|\b(?:dont|do not|doesnt|didnt|not|no|never|without|rather not|neednt|instead of)(?: \w+){0,3} "
    r"(?:talk|speak|chat|talking|speaking|transfer\w*|human|agent|person|representative|operator|someone|"
    r"anyone|connect\w*)\b"
    r"|\bno (?:\w+ ){0,3}(?:hablar|pas\w+|transf\w+|agente|asesor|humano|persona|operador|conect\w+)\b"
    r"|\bsin (?:tener que )?(?:hablar|pasar|un agente|agente)\b"
    r"|(?:不|别|没|无需|不必|不用)(?:要|想|用|需要|必|需|给我)?(?:转|找|跟|和|接|叫|联系"
    r"|再)?(?:接|到)?(?:人工|真人|客服)"
)
_ASKS_ABOUT = re.compile(
    r"\b(?:que horas|qual (?:o |e o )?horario|horario|que dias?|quanto custa|quanto (?:e|sai)|qual o "
    r"(?:preco|valor|telefone|numero)|"
    r"como funciona|quando (?:posso|consigo|da|abre|comeca|vou)|ate que horas|o que (?:e|faz)|quem e|"
    r"diferenca)\b"
    r"|\b(?:what time|what hours|which hours|hours|how much|how expensive|when (?:can|do|does|is|are|"
    r"will)|what does|what is|whats|"
    r"who is|difference|cost|costs|fee|until when|what days)\b"
    r"|\b(?:que hora|a que hora|que horario|horario|cuanto cuesta|cuanto sale|cuando (?:puedo|atiende|"
    r"esta)|que dias?|"
    r"que es|quien es|que hace|diferencia|hasta que hora)\b"
    r"|(?:几点|什么时候|何时|时间|多少钱|费用|收费|电话|号码|几小时|周末|上班|下班|区别|是什么"
    r"|怎么收|星期|是真人吗|是人工吗|邮箱|智能|合成|费|耳蜗|草坪)"
)
_HOW_TO_REACH = re.compile(
    r"\b(?:como (?:eu )?(?:falo|faco|consigo|puedo|hablo|hago)|how (?:do|can) i)\b"
    r"|怎么(?:才能)?(?:转|找|联系)"
)
_SOMEONE_ELSES = re.compile(
    r"\b(?:se|quando|caso) (?:o |a |um |uma |algum )?(?:cliente|contato|usuario|pessoa|consumidor)\b"
    r"|\b(?:if|when|whenever) (?:a |the |any )?(?:customer|client|user|contact|visitor|person|shopper)s?\b"
    r"|\b(?:si|cuando) (?:el |la |un |una |algun )?(?:cliente|usuario|contacto|persona|consumidor)\b"
    r"|(?:如果|当|若|假如)(?:客户|顾客|用户|有人|客人)"
    r"|\b(?:acao|accion|action|regra|regla|rule|instrucao|instrucciones|instruction)s? ?:"
    r"|\b(?:cleaning|bleaching|travel|real estate|release|shipping|foaming|insurance|raising) agents?\b"
    r"|\bagentes? (?:de )?(?:limpeza|limpieza|viagens?|viajes?|quimicos?)\b"
    r"|\b(?:passa|passar|coloca|colocar|bota|manda|mandar) (?:para |pra |por )?(?:o |a )?outra pessoa\b"
    r"|\b(?:get|give|hand|pass|send|bring|buy|put)(?: it| this| them)?(?: as a gift)? (?:to |for )?(?:a |"
    r"an |another |the |some )?"
    r"(?:friend|person of|person with|someone else|somebody else|another person|different person|people)\b"
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』|(?m:^[ \t]*>.*$)|`[^`\n]*`")
_CLAUSE = re.compile(r"[.!?;\n。！？；…]+|, (?:mas|but|pero)\b|，(?:但|不过)")
_SPELLED = ((r"'", ""), (r"[^\w\s,:，/]", " "), (r"\bvc(s?)\b", r"voce\1"), (r"\bc\b", "com"), (r"\s+", " "))


def wants_person(text: str) -> bool:
    """True when the customer asks, in pt-BR, English, Spanish or Chinese, to be served by a person.

    >>> wants_person("me passa pra um atendente?"), wants_person("que horas o atendente chega?")
    (True, False)
    """
    said = _QUOTED.sub(" ", text)
    if not said.strip(" .!?,") and not text.lstrip().startswith(">"):
        said = text  # all of it stands in quotation marks: a menu's words sent back
    return any(_asks_for_person(clause) for clause in map(_plain, _CLAUSE.split(said)) if clause)


def _asks_for_person(clause: str) -> bool:
    if _SOMEONE_ELSES.search(clause):
        return False
    if _ROBOT.search(clause):
        return True
    if _DECLINES.search(clause) or not any(wish.search(clause) for wish in _WANTS):
        return False
    return _HOW_TO_REACH.search(clause) is not None or not _ASKS_ABOUT.search(clause)


def _plain(clause: str) -> str:
    clause = fold(clause)
    for pattern, plain in _SPELLED:
        clause = re.sub(pattern, plain, clause)
    return clause.strip(" ,，:")


# -- courtesies -----------------------------------------------------------------------------------

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
    rest = _plain(text)
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
    rf"{_PLEASE}$"
)


def agrees(text: str) -> bool:
    """A plain yes, to a question that was put: "quero sim, por favor"."""
    return _YES.match(re.sub(r"\s*[,，]\s*", " ", _plain(text)).strip(" .!。！")) is not None


def says_nothing(text: str) -> bool:
    """True of "ok", "entendi 👍" and the like: nothing that an answer could be looked up for."""
    return not re.search(r"\w", _FILLER.sub(" ", _plain(text)))
