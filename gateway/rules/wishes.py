"""Whether a customer wishes for a person. Pure.

A person is a promise (the assistant falls silent), so the words must *ask* for one: a rule that is quoted, a
story about yesterday's call, a question about opening hours or "não quero falar com atendente" is no such wish.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from gateway.rules.language import fold

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
PLEASE = (
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
        rf"humano|suporte humano){PLEASE}$",
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
        rf"human being|human (?:help|support)|live chat){PLEASE}$",
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
        rf"humana|agente humano){PLEASE}$",
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
"""The verbs of talking, passing on and calling, with whoever serves."""
_PT_ONE = (
    r"(?:um |uma |o |a |algum |alguma |outro |outra |alguem d[aeo] |mais um )?(?:atendentes?|humano|ser humano|"
    r"pessoas?(?: real| de verdade| humana| mesmo)?|vendedora?|"
    r"gerente|supervisora?|responsavel|funcionari[oa]|especialista|tecnic[oa]|consultora?|don[oa]|operadora?|"
    r"colega|representante|gente(?: de verdade| mesmo)?)"
)
_PT_DESK = (
    r"(?:(?:setor|departamento|area|equipe|time|pessoal) (?:de |do |da )?)?(?:financeiro|comercial|vendas|cobranca|"
    r"suporte(?: tecnico)?|atendimento|pos venda|responsavel|posvenda|juridico|ouvidoria|sac)"
)
_PT_DOES = (
    r"(?:me )?(?:atend|ajud|respond|lig|cham|contat|analis|vej|ve|olh|revis|lei|ler|resolv|entr|retorn|fal|assum|"
    r"cuid|verific)\w*"
)
_EN_ONE = (
    r"(?:a |an |the |some |your |any |another |one of your )?(?:(?:real|live|actual|human|team|store|staff|sales|"
    r"support|service) )*"
    r"(?:humans?|human being|persons?|people|agents?|representatives?|reps?|managers?|supervisors?|specialists?|"
    r"operators?|advis[eo]rs?|colleagues?|members?|staff|employees?|technicians?|owner|boss)"
)
_EN_SOMEBODY = (
    rf"(?:someone|somebody|anyone|anybody|{_EN_ONE})(?!s| else)(?: real)?(?: (?:from|at|in|on|of) (?:\w+ ){{0,3}}\w+)?"
)
_EN_DOES = (
    r"(?:help|call|assist|answer|reply|contact|talk|speak|take|look|review|read|check|handle|get back|reach|see|"
    r"respond|intervene|chat|phone|ring|message)"
)
_ES_ONE = (
    r"(?:un |una |el |la |algun |alguna |otro |otra |su |sus |los |las )?(?:agentes?|asesor(?:a|es|as)?|humanos?|"
    r"humana|ser humano|personas?(?: real(?:es)?| de verdad| humana)?|operador(?:a|es)?|representantes?|"
    r"encargad[oa]s?|"
    r"gerente|supervisora?|ejecutiv[oa]s?|vendedora?|especialista|tecnic[oa]|duen[oa]|responsable|emplead[oa])"
)
_ES_DESK = (
    r"(?:el |la |al |a )?(?:(?:area|departamento|sector|equipo) (?:de )?)?(?:ventas|pagos|cobranzas|cobros|"
    r"facturacion|soporte(?: tecnico)?|servicio al cliente|atencion(?: al cliente)?|postventa|reclamos|finanzas|"
    r"quejas|devoluciones)"
)
_ES_DOES = (
    r"(?:me |nos )?(?:atend|atiend|ayud|respond|llam|contact|analic|ve|mir|revis|lea|le|resuelv|escrib|habl|"
    r"comuni)\w*"
)
_ZH_ONE = (
    r"(?:一?[个位名])?(?:你们?的?)?(?:人工|真人|活人|客服|工作人员|负责人|经理|主管|店长|店员|老板|专员|专人|员工|"
    r"同事|坐席|人)"
)
_ZH_DOES = r"(?:来|跟|和|与|给|联系|回|处理|解决|帮|说|聊|谈|讲|沟通|打|答|介入|接|服务|跟进|协助|看|过来|对接|出来)"
_WANTS_BY_ROLE = tuple(
    re.compile(p)
    for p in (
        # pt-BR
        rf"\b(?:quero|queria|preciso|precisava|necessito|aceito|prefiro|exijo|peco|solicito|aguardo|espero|"
        rf"esperando|gostaria|desejo|cade|onde esta)(?: so| apenas| mesmo| logo| muito| falar)?(?: de| por| com)?"
        rf"(?: (?:ajuda|apoio|suporte|atendimento|auxilio)(?: de| com)?)? {_PT_ONE}\b"
        r"(?! (?:para|pra) (?:instal|mont|consert|arrum)| especial| que| de \d| de refer)",
        rf"\b(?:quero|queria|preciso|posso|gostaria|prefiro|aceito|so|tratar|resolver|reclam\w+)\b"
        rf"(?: \w+){{0,5}} com {_PT_ONE}\b",
        rf"\bque (?:{_PT_ONE}|alguem)(?: d[aeo] \w+)? {_PT_DOES}",
        rf"\balguem(?: d[aeo] \w+)?(?: ai)?(?: (?:pode|poderia|consegue|vai))? {_PT_DOES.replace('(?:me )?', 'me ')}",
        r"\balguem (?:pode|poderia|consegue) .{0,12}\b(?:atend|ajud|respond|lig|cham)\w*",
        rf"\b(?:tem|ha|existe|algum|alguma) (?:{_PT_ONE})(?: (?:ai|online|disponivel|livre|agora))+",
        r"\btem ninguem(?: (?:ai|aqui|online|atendendo|pra me|para me))+",
        rf"\b(?:falar|conversar|chamar?|chame|poe|ponha|coloca|coloque|bota|passa|passe|passar|transf\w+|"
        rf"encaminh\w+|direcion\w+|conect\w+|envi\w+|deixa|manda)"
        rf"(?: \w+){{0,3}}? (?:com |para |pra |pro |ao |a |o |no |na |por |em contato com )?"
        rf"(?:{_PT_ONE}|{_PT_DESK}|alguem)(?:$| (?!de outr)\b)",
        rf"\b(?:falar|conversar) com [oa] \w+ d[aeo] {_PT_DESK}",
        r"^(?:voces )?(?:pode[mr]?|poderiam?|da pra|quero que|queria que)? ?me (?:lig(?:ue|uem|a|ar)|"
        r"telefon\w+)(?: voces| ai)?"
        rf"{PLEASE}$",
        rf"^(?:favor |pode |quero |por favor )*(?:me )?(?:transferir|transfira|transfere|transferencia)"
        rf"(?: me| logo| ai| agora)*{PLEASE}$",
        # en
        rf"\b(?:want|need|prefer|like|request|require|demand|ask|asking|needs|insist|get|bring|rather|wish|only|"
        rf"just)(?: me| to| for| with| on| have| see| talk| talking| speak| deal| dealing| by| involve)*"
        rf" {_EN_ONE}\b(?! (?:of|with|who|that|over|under|for sale|hair|resources|manual|special|vacuum|size|size)\b)",
        rf"\b(?:want|need|like|wish|demand|prefer|ask|rather|request)\b(?: \w+){{0,6}} (?:with|to|by|from) "
        rf"(?:{_EN_ONE}|someone real|somebody real)\b(?! (?:of|with|who|that)\b)",
        rf"\b(?:have|get|let|ask|want|need|can|could|would|will|should|may|like|please|might) {_EN_SOMEBODY}"
        rf"(?: (?:please|to|kindly|can|could|from|there|just|instead))* {_EN_DOES}\b",
        rf"^(?:can|could|would) {_EN_SOMEBODY} .{{0,20}}\b(?:instead|please|plz)$",
        rf"\b(?:is|are|any)(?: there)?(?: any)? {_EN_ONE}(?: (?:available|here|there|online|working|around|free))+",
        rf"\bwhere(?:s| is| are)? {_EN_ONE}$",
        rf"\b(?:talk|speak|chat|put me|connect me|transfer me|pass me|hand me|forward (?:me|this)|get me|switch me)"
        rf"(?: (?:through|over|on|with|to))* "
        rf"(?:whoever|(?:the |your )?(?:billing|sales|accounts|returns|finance|support)|{_EN_ONE}|someone|somebody)\b",
        rf"^(?:just |can you |could you |please )*(?:transfer|escalate|connect)(?: me| this| it| now)*{PLEASE}$",
        r"\b(?:live|human) (?:support|chat|help|assistance|service|agent|person)\b(?! (?:fee|cost|email|manual|hours))",
        rf"\bescalate\b.{{0,20}}\b(?:supervisor|manager|{_EN_ONE})\b",
        rf"\b(?:someone|somebody) real{PLEASE}$",
        # es
        rf"\b(?:quiero|quisiera|necesito|ocupo|prefiero|busco|exijo|deseo|pido|solicito|espero|gustaria|dame|deme|"
        rf"denme|mandame|mandeme|donde esta|donde estan|requiero)(?: solo| hablar)?(?: con| a| de)?"
        rf"(?: (?:ayuda|apoyo|atencion|asistencia|asesoria)(?: personalizada)?(?: de| con)?)? {_ES_ONE}\b"
        r"(?! (?:para (?:instal|mont)|de (?:limp|viaj|aduan)|especial|que no|de \d|logistic))",
        rf"\b(?:quiero|necesito|puedo|quisiera|prefiero|solo|queja|reclamar|tratar|resolver)\b(?: \w+){{0,5}} con "
        rf"{_ES_ONE}\b",
        rf"\bque (?:me )?(?:{_ES_DOES} )?(?:{_ES_ONE}|alguien)(?: de(?:l| la)? \w+)?(?: (?:me )?(?:pueda |"
        rf"podria )?{_ES_DOES}|$)",
        r"\bque me (?:llam|contact|ayud|atend|atiend|respond|escrib)\w+ (?:alguien|una? \w+)\b",
        rf"\balguien(?: de(?:l| la)? \w+)?(?: (?:que )?(?:me )?(?:puede|pueda|podria|puedan))? "
        rf"{_ES_DOES.replace('(?:me |nos )?', '(?:me |nos )')}",
        r"\balguien(?: de(?:l| la)? \w+)? me (?:puede|podria|pueda) \w+",
        r"\b(?:me )?(?:puede|podria|pueden|podrian)(?: me)? (?:atender|llamar|contactar)(?:me)? (?:alguien|una? \w+)\b",
        rf"\b(?:hay|tienen|tiene|algun|alguna|esta)(?: a)? {_ES_ONE}(?: (?:ahi|aqui|disponibles?|libre|en linea|"
        rf"real|por ahi|"
        rf"que me \w+|que \w+ \w+me))+",
        r"\b(?:hay|tienen a?) ?alguien (?:con quien|que me|ahi|real|disponible)",
        r"\bno hay nadie(?: (?:ahi|aqui|atendiendo|que me \w+))*$",
        rf"\b(?:pas[ae]|pon|ponga|transf\w+|deriv\w+|conect\w+|comuni\w+|llam[ae]|mand(?:a|e|en|ar)me|envi(?:a|e|en|"
        rf"ar)me|contact\w+|escal\w+|"
        rf"habl(?:ar|a|o)|dirij\w+|de|da)(?:r|n)?(?:me)?(?: \w+){{0,2}}? (?:con |a |al |en contacto con )"
        rf"(?:{_ES_ONE}|{_ES_DESK}|alguien)(?:$| (?!m[aá]s)\b)",
        r"^(?:pueden|puede|podrian|me pueden|me puede|me podrian|quiero que me|que me) (?:llamar(?:me)?|llamen|llame)"
        rf"{PLEASE}$",
        rf"^(?:quiero |puede |por favor )*(?:me )?(?:transferir|transfiera(?:me|n|nme)?|transfiere(?:me)?|escal\w+)"
        rf"(?: esto)?{PLEASE}$",
        r"\bcon quien (?:puedo|podria) hablar\b",
        # zh
        rf"(?:找|派|换|叫|让|请|安排|要求|喊|来){_ZH_ONE}{_ZH_DOES}",
        r"(?:安排|要求|麻烦|需要|申请|接入|接通){1,2}(?:一下|一?[个位名])?(?:人工|真人|客服|专人|专员)",
        r"(?:想|要|希望|能|可以|能不能)(?:和|跟|与|同)(?:一?[个位])?(?:你们?的?)?"
        r"(?:老板|经理|主管|负责人|店长|人工|真人|客服|人)(?:谈|聊|说|讲|通话|沟通|对话)",
        r"^(?:我)?只(?:想)?(?:和|跟)(?:真)?人",
        r"(?:转|接)(?:到|接|给|一下)*(?:你们?的?)?(?:售后|销售|财务|技术|投诉)(?:部门?)?(?!几|多)",
        r"(?:请|麻烦|能|可以)?给我(?:回|打)个?电话(?:吗|吧|$)|(?:让|叫|请|安排)(?:个|你们的?)?人给我(?:回|打)个?电话",
        r"^(?:请|那)?(?:派|找|换|来|叫)(?:一?[个位])?人(?:来|吧|啊|呀|$)",
        r"有没有人(?:能|可以|在|来|帮|回)|有人(?:能|可以)(?:帮|回|来|处理)|^(?:你们)?(?:真的?)?(?:有人|人)(?:在|有)?吗$|^真的?人有吗$",
    )
)
"""A role, a department or somebody who is to do something."""
_WANTS_ROUNDABOUT = tuple(
    re.compile(p)
    for p in (
        rf"\b(?:passem|coloquem|chamem|transfiram|arrum\w+|arranj\w+|traz\w*|traga\w*)(?: me| um| a| o)* (?:com |"
        rf"para |pra |pro )?"
        rf"(?:{_PT_ONE}|alguem)\b",
        r"\balguem (?:pra|para|que) (?:me )?(?:resolv|ajud|atend|fal|respond|convers)\w*",
        r"\bme transfer(?:ir|e|em)\b(?! (?:o|os|a|as|meu\w*|pontos) ?(?:dinheiro|valor|pix|pontos|saldo)?)",
        rf"\bligacao (?:de|do|da) {_PT_ONE}\b",
        r"\bquem (?:pode|poderia|consegue) me (?:atend|respond)|\bquien me (?:puede|podria) (?:atend|respond)|"
        r"\bwho can i (?:talk|speak) (?:to|with)\b",
        r"\b(?:falar|conversar|hablar|comunicar\w*|talk|speak)(?: directly| direto)? (?:com|con|to|with) (?:a |la |"
        r"the |your )?"
        r"(?:gerencia|administraca?o|administracion|diretoria|direccion|direcao|management)\b",
        rf"\b(?:discuss|settle|sort)(?: this| it)? (?:out )?with {_EN_ONE}\b",
        rf"\bput {_EN_ONE} on\b|\bhand (?:me |this |it )?(?:off|over) to (?:someone|somebody|{_EN_ONE})",
        rf"\bwill {_EN_ONE} (?:ever |please )?(?:answer|reply|read|help|respond)",
        rf"\bhuman intervention\b|\bsend me to {_EN_ONE}\b",
        rf"\b(?:tra[ei]|traig[ae]|enlac|enlaz|pas|comuniq)\w*(?:me)? (?:con |a )?{_ES_ONE}\b",
        rf"\b(?:intervenga|venga|participe|entre) {_ES_ONE}\b|^(?:por favor )?con {_ES_ONE}{PLEASE}$",
        r"\bhay gente (?:ahi|aqui|real|atendiendo)|\btem gente (?:ai|aqui|atendendo)",
        r"^来(?:一?[个位])?(?:客服|人工|真人)|转给(?:你们?的?)?(?:同事|领导|真人)|(?:人工|真人|客服)在线?吗$|"
        r"(?:想|要|要求|希望)(?:和|跟|与)(?:你们?的?)?(?:领导|负责人|经理|老板)(?:说|谈|聊|讲|对话|通话)",
        # pt-BR
        rf"\b(?:{_PT_ONE}|alguem) (?:pode|poderia|consegue|podia)(?: me)? {_PT_DOES}",
        rf"\b(?:ajuda|apoio|auxilio|contato|retorno|orientacao) d[eoa] {_PT_ONE}\b",
        r"\b(?:ajuda|contato|apoio|suporte|resposta|retorno|assistencia) human[oa]\b",
        rf"\b(?:quero|queria|gostaria de|preciso|exijo) ser atendid[oa](?:{PLEASE}$| por)",
        rf"\b(?:aguard|esper)\w+ (?:(?:o |um )?(?:atendimento|contato|retorno|resposta) (?:de |do |da |por"
        rf" ))?{_PT_ONE}\b",
        r"\balguem de carne|\balguien de carne|\bpessoa que (?:entend|saib|resolv)",
        rf"\b(?:peca|pede|pedir|peco|diga|avisa|fala) (?:para|pra|ao|a) (?:{_PT_ONE}|alguem)(?: d[aeo] \w+)?"
        rf" {_PT_DOES}",
        r"\bme (?:retorn|telefon)\w*\b|\bme lig\w+ (?:por favor|de volta)|\bretornar (?:por telefone|a ligacao)",
        rf"\bcomo (?:eu )?(?:chamo|chamar|contato|aciono|acionar|peco|pedir|consigo) (?:por |com )?{_PT_ONE}\b",
        rf"\bme (?:ajud|atend|respond|lig|cham)\w+ {_PT_ONE}\b",
        rf"\breclam\w+ (?:\w+ ){{0,2}}(?:com|na|no) (?:a |o )?{_PT_DESK}\b",
        # en
        rf"\b(?:word|help|support|assistance|answer|reply|response|call|callback|hear) (?:with|from|by) {_EN_ONE}\b",
        r"\b(?:someone|somebody|anyone) (?:please )?(?:call|contact|help|text|phone|ring) (?:me|us)\b(?! (?:when|if|"
        r"once))",
        rf"\b(?:press|dial|number|option)\b.{{0,20}} for {_EN_ONE}$",
        r"\b(?:want|need|like|get|please|can you|have) .{0,20}\bescalated?\b",
        rf"\bgo to {_EN_ONE}$",
        r"\btransfer (?:me|us|(?:this|the|my) (?:chat|conversation|call))\b",
        # es
        rf"\b{_ES_ONE} (?:me |nos )?(?:puede|podria|pueden|podra) {_ES_DOES}",
        rf"\bme (?:puede|podria|pueden|podra)\w* \w+ (?:{_ES_ONE}|alguien)(?: de(?:l| la)? \w+)?$",
        r"\b(?:ayud|atiend|respond|llam|contest|habl)\w*(?:me)? (?:un|una) (?:humano|persona|asesora?|agente|"
        r"operador)\b",
        r"\b(?:ayuda|contacto|apoyo|respuesta|soporte|asistencia|atencion) human[oa]\b",
        rf"\b(?:ayuda|apoyo|respuesta|llamada|contacto) (?:de|con) {_ES_ONE}\b",
        rf"\b(?:quiero|quisiera|necesito|exijo) ser atendid[oa](?:{PLEASE}$| por)",
        rf"\besper\w+ (?:a |por )?(?:la (?:llamada|respuesta) de )?{_ES_ONE}\b",
        rf"\b(?:dile|digale|pid[ae](?:le)?|dig[ae]) (?:a |que )?(?:{_ES_ONE}|alguien) (?:que )?{_ES_DOES}",
        r"\b(?:devolver|devuelv\w+|regres\w+)(?:me)? (?:la|mi) llamada",
        rf"\bcomo (?:llamo|contacto|ubico|encuentro|consigo|pido) (?:a |con )?{_ES_ONE}\b",
        rf"\b(?:contactar(?:me)?|llamar|ubicar|comunicarse) (?:a |con )?{_ES_ONE}\b",
        r"\b(?:pas|transf|deriv|comun|conect|mand)\w+ (?:con |al? )(?:el |la )?(?:area|departamento|sector|equipo|"
        r"depto)\b",
        r"\bque (?:me )?(?:conteste|responda|atienda|ayude|escriba) (?:una? |el |la )?(?:persona|humano|alguien|"
        r"asesora?|agente)",
        rf"^(?:quiero|necesito|busco|quero|preciso de) (?:gente|(?:atencion|servicio) al cliente|gente de"
        rf" verdad){PLEASE}$",
        # zh
        r"(?:找|让|叫|请)你们?的?领导|客服(?:快)?出来|^(?:你听不懂)?[，]?我?(?:要|想)找人$|打个?电话给我|(?:别|不要)(?:再)?自动回复",
    )
)
"""Asked for by what the person is to do or by what failed."""
_BY_NAME = re.compile(
    r"\b(?:[Ff]alar|[Cc]onversar|[Hh]ablar|[Tt]alk|[Ss]peak|[Cc]hat) (?:com|con|to|with) (?:[oa] |el |la )?"
    r"(?!Deus\b|Dios\b|God\b)[A-ZÁÉÍÓÚ][a-zà-ÿ]{2,}\b(?! (?:app|bot)\b)"
)
"""Somebody they know: "posso falar com a Paula?"."""
_BOT_FAILS = re.compile(
    r"\b(?:this|the|your|stupid|useless|dumb) (?:chat)?bot\b.{0,12}\b(?:useless|stupid|dumb|doesnt|does not|isnt|is"
    r" not|"
    r"cant|wont)\b"
    r"|\b(?:ess[ae]|este|est[ae]|o|el|tu) (?:chat)?(?:ro)?bot\w? (?:nao|no) (?:entend|entiend|serv|sirv|ajud|ayud|"
    r"resolv|resuelv|"
    r"funcion)\w*(?! (?:com|con|na|en la) )"
    r"|\b(?:nao consigo|no puedo|cant deal|cannot deal)(?: mais| mas)? (?:com|con|with) (?:esse|este|this)"
    r" (?:chat)?(?:ro)?bot\b"
)
_ALONE = re.compile(
    rf"^(?:HELLO)*(?:{_PT_ONE}|{_ES_ONE}|{_EN_ONE}|alguem (?:humano|real)|someone real|"
    r"(?:atendente|agente|asesora?|atencion|atendimento|suporte|soporte|operador|persona|agent|real) (?:human[oa]?|"
    r"real)|"
    r"(?:live|human|real) (?:agent|person|support|human|help|operator)|human being)"
    rf"(?: (?:real|urgente\w*|por gentileza))*{PLEASE}$".replace(
        "HELLO",
        r"(?:oi|ola|hola|hi|hello|hey|bom dia|boa tarde|boa noite|buenas|buenos dias|buenas tardes|nope|no|nao|"
        r"por favor|please|favor|solo|so|just|only)[, ]+",
    )
    + r"|^(?:请|要|我要|找)?(?:人工|真人|客服|接线员)(?:坐席|客服|服务|人工)*(?:呢|在哪里?|谢谢|在吗|来)?$"
    r"|^有(?:没有)?(?:人工|真人|客服)(?:吗)?$"
)
"""Nothing else is said: no sentence of which it might be a part."""
_A_ROBOT = (
    r"(?:robos?|robots?|bots?|chatbots?|maquinas?|machines?|automated \w+|inteligencia artificial|ia|ai)\b"
    r"(?! (?:aspirador\w*|de co[zc]i\w+|vacuum\w*|mop\w*|toys?|de brinquedo|de juguete|lawn|fans?|cleaner|de lavar|"
    r"lava\w*|"
    r"kit\w*))"
)
_ROBOT = re.compile(
    r"\b(?:nao (?:quero|gosto|aguento|suporto)(?: mais)?(?: de)?|chega de|odeio|sem|nada de|basta de|desliga(?:r)?|"
    r"(?:cansei|me canso|cansad[oa]|fart[oa]|enjoei|para|pare) (?:de|do|da|com|desse|dessa|deste))(?: ser| falar|"
    r" conversar|"
    r" lidar| "
    r"tratar| atendid[oa])?(?: com| por)? "
    rf"(?:um |uma |o |a |esse |essa |este )?{_A_ROBOT}"
    r"|\b(?:dont|do not|no longer|stop|hate|not|no|no more|enough (?:with|of)|done with|sick of|tired of|"
    r"fed up with)(?: want| like)?(?: to)?(?: talk| speak| talking| speaking| chat| deal)?"
    rf"(?: to| with)?(?: a| an| the| this| these| your| any)* {_A_ROBOT}"
    r"|\b(?:no (?:quiero|soporto|me gusta|mas)(?: mas)?|basta de|ya basta de|hart[oa] de|cansad[oa] de|apaga(?:r)?|"
    r"dejar de)(?: seguir)?(?: hablar| hablando| chatear| tratar)?(?: con| de)?"
    rf"(?: un| una| el| la| este| l)?(?:(?<=de)l)? {_A_ROBOT}"
    r"|\b(?:cansad[oa]|hart[oa]) del "
    + _A_ROBOT
    + r"|(?:不要|不想|别|讨厌|不跟|不和|别用)(?:再)?(?:跟|和|与|用|让|给我)?(?:你这个|这个|ai)?(?:机器人|机器(?!人)|ai)"
    r"(?!玩具|吸尘|扫地|吸|拖)"
    r"|机器人(?:没用|听不懂|不懂|解决不了|不行|没有用)"
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
    r"|(?:不|别|(?<!有)没|无需|不必|不用)(?:要|想|用|需要|必|需|给我|必要|有)*(?:转|找|跟|和|接|叫|联系"
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
    r"|(?:几点|什么时候|何时|时间|多少钱|费用|收费|(?<![打回个接])电话|号码|几小时|周末|上班|下班|区别|是什么"
    r"|怎么收|星期|是真人吗|是人工吗|邮箱|智能|合成|费|耳蜗|草坪)"
)
_WHAT_ARE_YOU = re.compile(
    r"\b(?:person|persona|pessoa|human[oa]?|gente) (?:or|o|ou) (?:com |con |to |an? |una? |uma? )*(?:ro)?bos?t?\b"
    r"|\b(?:ro)?bos?t? (?:or|o|ou) (?:com |con |to |an? |una? |uma? )*(?:real )?(?:person|persona|pessoa|human)"
    r"|\b(?:am i|estou|estoy) (?:talk|speak|chat|fal|conversand|habl|chate)\w* (?:to|with|com|con)\b"
    r"|(?:跟|和)我?(?:说话|聊天?)的是|我在(?:跟|和)"
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
    r"|\b(?:se eu (?:pedir|falar|chamar)|se alguem|if i (?:ask|request|talk|speak|want)|si (?:pido|hablo|alguien)|"
    r"si alguien)\b"
    r"|(?:如果|要是).{0,3}(?:人工|客服).{0,4}(?:等|多久|会|怎)"
    r"|(?:聊|说|谈|联系|沟通|问)过|人工(?:湖|草|养|宝|皮|智|合成|呼吸)"
    r"|\bsupport (?:for (?:my|the|a)|beams?|stands?|braces?|pillows?)\b"
    r"|\b(?:vagas?|vacantes?|job|jobs|openings?|hiring|hire|trabalhar|trabajar|contratar|salario|sueldo|work as)\b"
    r"|\b(?:quando|assim que|ao|cuando|al|when|once) (?:\w+ ){0,2}(?:chegar|llegue|llegar|arrives?|ships?|lleg\w+)\b"
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
_SPELLED = (
    (r"'", ""),
    (r"[^\w\s,:，/]", " "),
    (r"([a-z])\1{2,}", r"\1"),
    (r"\bvc(s?)\b", r"voce\1"),
    (r"\bc\b", "com"),
    (r"\bp\b", "para"),
    (r"\bw\b", "with"),
    (r"\bqr?o\b", "quero"),
    (r"\bn\b", "nao"),
    (r"\bq\b", "que"),
    (r"\bflr\b", "falar"),
    (r"\bk(?:i|e|ie)ro\b", "quiero"),
    (r"\bablar\b", "hablar"),
    (r"\bnesesito\b", "necesito"),
    (r"\bwanna\b", "want to"),
    (r"\bcan u\b", "can you"),
    (r"\b(talk|speak|chat) 2\b", r"\1 to"),
    (r"\bsum(one|body)\b", r"some\1"),
    (r"\bhumen\b", "human"),
    (r"\s+", " "),
)
_OFTEN_MISTYPED = (
    "atendente humano pessoa agente asesor persona person human agent representative operador vendedor supervisor "
    "someone falar hablar"
)
_REAL = {"gente", "huma", "persa", "falr"}


def _slips(word: str) -> set[str]:
    """The word with one letter left out, or two exchanged."""
    without = {word[:n] + word[n + 1 :] for n in range(1, len(word))}
    return without | {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(1, len(word) - 1)}


_MEANT = {slip: word for word in _OFTEN_MISTYPED.split() for slip in _slips(word)}
for _right in (*_OFTEN_MISTYPED.split(), *_REAL):
    _MEANT.pop(_right, None)


LONGEST = 4000
"""Characters that are looked at, the last ones: what somebody wants stands in a few of them."""


def asks_for_person(texts: Sequence[str], phrases: Sequence[str] = ()) -> Literal["", "phrase", "wish"]:
    """Whether a burst asks for a person: by one of the queue's own `phrases`, or in the customer's own words.

    A phrase counts wherever it stands as whole words, whatever its accents, case and punctuation; one of Chinese
    characters, where it stands. `texts`: what the contact wrote or said, oldest first.

    >>> asks_for_person(["Quero CANCELAR, já!"], ["quero cancelar"]), asks_for_person(["me passa pra um atendente"])
    ('phrase', 'wish')
    """
    if any(has_phrase(text, phrases) for text in texts):
        return "phrase"
    return "wish" if any(map(wants_person, texts)) else ""


def has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """One of them stands in it."""
    known = [words for words in map(_words, phrases) if words.strip()]
    return bool(known) and any(_says(_words(text), phrase) for phrase in known)


def _words(text: str) -> str:
    """Each with a space on both sides."""
    visible = "".join(c for c in fold(text) if unicodedata.category(c) != "Cf")
    words = " ".join(re.findall(r"[^\W_]+", visible))
    return f" {words} "


def _says(text: str, phrase: str) -> bool:
    if re.search(r"[\u3400-\u9fff]", phrase):
        return phrase.replace(" ", "") in text.replace(" ", "")
    return phrase in text


def wants_person(text: str) -> bool:
    """True when the customer asks, in pt-BR, English, Spanish or Chinese, to be served by a person.

    >>> wants_person("me passa pra um atendente?"), wants_person("que horas o atendente chega?")
    (True, False)
    """
    text = text[-LONGEST:]
    said = _QUOTED.sub(" ", text)
    if not said.strip(" .!?,") and not text.lstrip().startswith(">"):
        said = text  # all of it stands in quotation marks: a menu's words sent back
    clauses = _CLAUSE.split(said)
    return any(_asks_for_person(clause) for clause in map(spelled, clauses) if clause) or any(
        map(_asks_by_name, clauses)
    )


def _asks_for_person(clause: str) -> bool:
    if _SOMEONE_ELSES.search(clause) or _WHAT_ARE_YOU.search(clause):
        return False
    if _ROBOT.search(clause) or _BOT_FAILS.search(clause):
        return True
    if _DECLINES.search(clause) or not _names_a_person(clause):
        return False
    return _HOW_TO_REACH.search(clause) is not None or not _ASKS_ABOUT.search(clause)


def _asks_by_name(clause: str) -> bool:
    plain = spelled(clause)
    refuses = _DECLINES.search(plain) or _ASKS_ABOUT.search(plain) or _SOMEONE_ELSES.search(plain)
    return _BY_NAME.search(clause) is not None and not refuses


def _names_a_person(clause: str) -> bool:
    if any(wish.search(clause) for wish in (*_WANTS, *_WANTS_BY_ROLE, *_WANTS_ROUNDABOUT)):
        return True
    return any(_ALONE.search(piece.strip()) for piece in (clause, *re.split("[,，]", clause)))


def spelled(clause: str) -> str:
    clause = fold(clause)
    for pattern, plain in _SPELLED:
        clause = re.sub(pattern, plain, clause)
    return re.sub(r"[a-z]+", lambda word: _MEANT.get(word[0], word[0]), clause).strip(" ,，:")
