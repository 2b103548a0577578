"""Whether a customer wishes for a person. Pure.

A person is a promise (the assistant falls silent), so the words must *ask* for one: a rule that is quoted, a
story about yesterday's call, a question about opening hours or "não quero falar com atendente" is no such wish.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase
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
        r"有没有人(?:能|可以|在|来|帮|回)|有人(?:能|可以)(?:帮|回|来|处理)|^(?:你们)?(?:真的?)?(?:有人|人)(?:在"
        r"|有)?吗$|^真的?人有吗$",
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
        r"(?:找|让|叫|请)你们?的?领导|客服(?:快)?出来|^(?:你听不懂)?[，]?我?(?:要|想)找人$|打个?电话给我|(?:别"
        r"|不要)(?:再)?自动回复",
    )
)
"""Asked for by what the person is to do or by what failed."""
# -- one grammar for three languages: each word is a letter, and the letters must stand in an order -----------------

_LETTERS = {
    "s": "loja tienda store shop equipe equipo team fabrica factory empresa company rh hr fornecedor",
    "u": """oi ola alo opa ei hey hi hello hola oye oiga mira mire olha bom boa buenas buenos bon dia dias tarde
        tardes noite noches good morning afternoon evening and but e y pois bueno ok okay moco moca amigo
        amiga pues well uh eh ah look yeah senhor senhora senorita socorro ayuda""",
    "f": """a o as os um uma uns umas ao aos da do das dos de del al el la los las un una unos unas lo com con
        with to the an of d c por by on at in is are be been am i you u ur your yours seu sua teu tua su tu
        sus nosso nossa voce voces ustedes usted vc te se que q eu yo it this that isso isto esto eso esse
        essa este esta ese esa aquele aquela algum alguma algun alguna any some another other outro outra
        otro otra mesmo mesma mismo misma msm real reais reales actual proper verdade verdad vdd carne hueso
        osso my meu minha mi mis direto direta directly diretamente directo logo novo novamente again vez
        nuevo nova caso case conversation contigo from our ser through over back up en em na nos nas ta tao
        estan estou estoy im ive id verdadeiro verdadeira senior duty proximo next melhor better disponivel
        available alguns algunos one who live stuff thing crap nonsense receber recibir receive tava estava
        estaba else guys nesse neste nessa annoying silly horrible chato chata irritante""",
    "4": "para pra pro pros p for 4 onto",
    "M": "me mim comigo conmigo cmg nosotros us",
    "o": "so solo somente apenas solamente unicamente only just",
    "G": """favor pf pfv pfvr please pls plz plis porfa porfi porfis xfa agora ja hoje amanha urgente urgent
        urgentemente now asap today tomorrow ahora ya hoy manana rapido gentileza obrigado obrigada gracias
        thanks thank kindly quickly soon possivel posible entao entonces then instead immediately depois
        later luego cedo temprano""",
    "Y": """ai aqui ahi alli aca here around home linha linea line online conectado conectada conectados
        atendendo atendiendo lado numero celular cel whatsapp whats zap telefone telefono number mobile cell
        livre libre free lugar place""",
    "P": """atendente atendentes humano humanos humana human humans being gente person persons pessoa pessoas
        persona personas people alguem alguien someone somebody anyone anybody nobody ninguem nadie noone
        vendedor vendedora vendedores operador operadora operator operators agent agents agente agentes
        asesor asesora asesores rep reps representative representatives representante representantes csr
        supervisor supervisora superior gerente manager managers staff gentes especialista specialist
        advisor adviser advisors consultor consultora encarregado encarregada encargado encargada
        responsavel responsable funcionario funcionaria empleado empleada employee ejecutivo ejecutiva dono
        dona dueno duena owner chefe chefia jefe jefa boss patrao patroa patron colega colleague superiores
        chief supervisors whoever atencion""",
    "O": """doctor doctora doutor doutora dr dra medico medica nurse enfermeiro enfermeira enfermero enfermera
        dentista dentist dentists nutricionista nutriologo nutriologa nutritionist advogado advogada abogado
        abogada lawyer attorney engenheiro engenheira ingeniero ingeniera engineer contador contadora
        accountant tecnico tecnica technician corretor corretora broker secretaria secretario secretary
        recepcao recepcionista recepcion receptionist reception professor professora profesor profesora
        teacher diretor diretora director directora coordenador coordenadora coordinador coordinator
        psicologo psicologa psychologist veterinario veterinaria vet farmaceutico farmaceutica pharmacist
        mecanico mecanica mechanic arquiteto arquitecto rapaz menina menino chico chica muchacho muchacha
        guy lady girl salesperson salesman saleswoman proprietario proprietaria propietario propietaria
        proprietor expert consultant therapist fisioterapeuta them him her""",
    "D": """financeiro comercial vendas cobranca cobrancas suporte sac ouvidoria pos-venda posvenda juridico
        administracao diretoria gerencia finanzas ventas soporte facturacion cobranza cobranzas reclamos
        reclamaciones quejas devoluciones postventa sales billing support refunds returns complaints
        accounts finance reservations marketing trocas compras logistica setor sector departamento
        department dept area desk central customer relations servicio service cliente tech technical care
        management aftersales""",
    "T": """falar fala falo fale falando conversar conversa converso conversando tratar trato hablar habla hablo
        hablando charlar platicar comunicar comunicarme comunicarse comunica comunico comuniqueme comunicame
        negociar negotiate consultar duvida question confirma talk talking speak speaking chat chatting deal
        dealing contato contacto contatar contactar contactarme reach contact resolver resolvo resolverlo
        discuss connected transferred fla escalated continuar continue continua""",
    "H": """passa passe passem passar pasa pase pasen pasar pasame paseme pasenme pasas pasan manda mande mandem
        mandar mandame mandeme bota bote coloca coloque coloquem colocar poe ponha pon ponga pongan poner
        ponme pongame ponerme direciona direcione direcionar redireciona dirige dirigeme dirijame redirige
        redirigeme deriva derive deriven derivame deriveme derivenme derivar derivarme comunicas comunican
        comuniquen comuniquenme put route send pass patch switch direct redirect forward hand handed bring
        move refer volta voltar volte volver vuelve devolve give gimme get dame deme denme enlaza enlazame
        pasarme mandarme leva leve escala escalar entra entre entrem entrar pongase ponganse fetch arruma
        arranja traz traga trae traiga traigan traeme joga jogue joguem repassa repasse repassar throw set
        hook consigue consigueme devuelveme regresame llevame lleveme""",
    "t": """transfere transfira transfiram transferir transferido transferida transfer transfiere transfiera
        transfieran transfiereme transfierame transfieranme transfierenme transferirme transfieren
        transfieres encaminha encaminhe encaminhem encaminhar connect conecta conecte conectem conectar
        conectame conecteme conectarme escalate escale escalen""",
    "C": """liga ligue liguem ligam ligar llama llame llamen llaman llamas llamar marca marcan marcas marquen
        marcar call phone ring telefona telefonar retorna retorne retornar retornem contate contatem
        contacte contacten chama chame chamem chamar chamam marque marquem ligarem""",
    "c": """llamame llameme llamenme llamarme marcame marqueme marquenme marcarme contactame contacteme
        contactenme llamarnos escribanme""",
    "Z": "ligacao chamada llamada callback retorno telefonema buzz",
    "W": """quero queria preciso precisava gostaria prefiro preferiria exijo aceito aceitar solicito necessito
        desejo peco quiero quisiera necesito ocupo acepto busco requiero deseo pido want wanna need needs
        prefer accept require demand request like rather wish insist cade kd gustaria urge precisando
        querendo looking""",
    "K": """pode podem poderia poderiam podia posso consigo consegue conseguem puede pueden podria podrian puedo
        puedes podrias can could would may might should cn possa possam pueda puedan podiam""",
    "v": "vai va vao van will going gonna voy vou vamos",
    "V": "hablarme falarme know knows understand understands sepa saiba",
    "E": "tem ha existe hay ay existem there habra teria haveria tendrian tienen",
    "h": "have got has",
    "N": "nao not dont wont cant doesnt isnt never nunca jamas ni nem refuse n shouldnt wouldnt couldnt",
    "n": "no",
    "q": "mas mais more nenhum nenhuma ningun ninguna",
    "S": """chega basta odeio odio detesto hate sick tired fed enough stop quit drop skip kill remove tira tire
        tirar remova quita quite quiten quitar desliga desligue desligar desativa apaga apague cansei
        cansado cansada canso canse harto harta farto farta enjoei sem sin nada aguento aguanto suporto
        soporto parem dejen deja sai sair salir saia done rid off out tirem turn escape exit cero""",
    "R": """robo robos robot robots bot bots chatbot chatbots maquina maquinas machine machines computer
        computador computadora""",
    "X": """automatico automatica automaticos automaticas automated automatic canned virtual virtuais robotic
        scripted gravada""",
    "m": """mensagem mensagens mensaje mensajes message messages resposta respostas respuesta respuestas reply
        replies answer answers response responses assistente asistente assistant menu""",
    "w": "espero esperar esperando espera esperare aguardo aguardar aguardando wait waiting aguardarei",
    "A": """peca pede pedir pecam pida pidan pidale pidele avisa avise avisar avisale avisele diga digam digale
        dile diz ask tell let asked asking pedi pedindo solicitei""",
    "p": """falei falou conversei conversou hable spoke talked called ligou ligaram llamaron chamou atendeu did
        does disse dijo said foi fue were promised prometeu prometio recebi recibi deixei deje left was
        llamo ayudo contesto escribio atendio respondio used usou paid""",
    "Q": "si if quando cuando when whenever porque why quanto cuanto antes before which qual cual what",
}  # fmt: skip
_LETTER = {word: letter for letter, words in _LETTERS.items() for word in words.split()}
_PIECE = re.compile(r"[^\W_]+|[,，]")
_PAST = re.compile(
    r"\w{3,}(?:ou|aram|eram|iram|aron|ieron|yeron)"
    r"|(?:atend|respond|ayud|llam|contest|help|answer|call|phon|text)(?:eu|i|ed)"
)
_SERVES = re.compile(
    r"(?:explic|esclare|aclar|orient|ajud|ayud|atend|atiend|respond|contest|escrev|escrib|contat|contact|analis"
    r"|analic|verific|revis|olh|"
    r"mir[ae]|chec|chequ|resolv|resuelv|retorn|confirm|auxili|asist|assist|explain|help|text|answer|repl|message"
    r"|email|advise|clarif|"
    r"guid|sort|fix|solve|handle|look|check|review|assum|cuid|hear|listen|liste|ouvir|ouca|escuch|ve[jr]|vea|veja"
    r"|solucion|entend|entiend|"
    r"ligue|liga|llam|marqu|call|phone|ring|chame|chama|fala|falar|fale|habl|talk|speak|chat|explan)\w*"
)

_BY_FORM = (("p", _PAST), ("V", _SERVES), (",", re.compile("[,，]")))


_F = "[fM4G]"
_END = "(?:[fG4YMEo]{0,6}T?$|,)"
_ORDERS = tuple(
    re.compile(order)
    for order in (
        rf"[TZ]{_F}{{0,5}}(?:[POD]|xD$)",  # falar com o gerente
        rf"[Ht]{_F}{{0,6}}V?[POD]{{1,2}}{_END}|H[fM]{{0,3}}[YZT]f{{1,3}}P",  # me passa pro financeiro
        rf"[Ht]{_F}{{0,6}}[PO][f4Q]{{0,3}}x?M?[VmTKYs]|[hAKvH][f4]{{0,3}}[Ys][VCT]M",  # coloca alguém pra me atender
        rf"[CA]{_F}{{1,3}}P{_END}|C{_F}{{0,3}}P[f4M]{{0,3}}[Vm]",  # chama o gerente
        r"^[uKWfGMPYso4v]*(?:CM|M[Kv]?C|C[Ysf]{0,2}4M|C4f{1,2}M|c|MmC)[GYsf4MCu]*$",  # me liga no meu número
        r"^[uKWfMo]*C[fn]{1,4}[YsC]$",
        r"^[uKfGMo,]*[WHw][fMG]{0,3}(?:Z|f{1,2}C)[GYsf4MPD]*$|^[uKfGM]*[HtC]f{0,3}(?:Z"
        r"|TM)[GYsMf]*$",  # quero uma ligação
        r"[PO][YsDf]{0,4}M?K[fMGo]{0,3}(?:V|m|C|Tf?M|Hf{1,2}[ZT])"
        r"|P[YsDf]{0,4}Hf{1,2}[ZT]",  # um vendedor pode me chamar
        rf"[Kv]{_F}{{0,4}}P[fMGYsD]{{0,4}}(?:V|m|C[fM]|[HT]{_F}{{0,3}}[MZYs])"
        rf"|[Kv]{_F}{{0,4}}O[fMGYsD]{{0,3}}[VC]M",  # can someone explain this
        r"P[YsfD]{0,3}v?M(?:V|m|C)|^[uG]*(?:MV|VM|V)P[GYs]*$|^[uG]*PG?[Vm]M?[GYs]*$",  # alguém me atende
        rf"W{_F}{{0,4}}[PO][YsfD]{{0,3}}[MfK4]{{0,3}}(?:V|m|C)",  # quero que um humano veja meu caso
        r"A[f4]{0,3}MC|A[f4]{0,3}[PO][f4M]{0,3}(?:V|m|C|c|T|W)"
        r"|A[f4]{0,3}[PO]V?[f4]{0,2}W",  # pede pro vendedor me chamar
        r"W[fGoqS]{0,4}P(?:f{0,3}(?:$|[GYsNnW,])|[f4MK]{0,4}[VmT])",  # quero uma pessoa que entenda
        r"w[fV4MmC]{0,4}P",  # aguardo um atendente
        rf"^[uG,f]*o[TWf]{{0,4}}P{_END}|^[uf]*Po$|oV?[TWf]{{1,4}}P$",  # só falo com humano
        r"[WEh]f{0,2}[fq]{0,3}P[f4KM]{1,4}[VmT]|W[^pQN]{0,8},fP$",  # tem alguém que possa me ajudar
        r"hf{0,4}P(?:[YsGE]*$|f{0,3}K?f?T)|^[uKfv]*hf{0,3}(?:P[DV]|DP)$",  # do you have real people
        r"^[ufGKW]*(?:tM|Mt)[MfGYs]*$|^[uG]*t[fG]*$",  # me transfere
        r"^[uf]*of{0,2}PK?[VmT]|[hHA]f{1,2}[PO][f4]{0,2}Tf?M",  # só atendente resolve
        r"^(?:[fuG]*P){2,}$",  # agent agent agent
    )
)
"""What is asked for: a talk, being passed on, a call, somebody who does something, somebody at all."""
_THERE = tuple(
    re.compile(order)
    for order in (
        r"^[uoG,VMCf]*[Nn]?f?E[fq]{0,3}[Nn]?[fq]{0,3}P(?:fP)?[YsEGf]{0,5}$",  # não tem ninguém aí?
        r"^[uoG,VMCf]*[Nn]?f?E[fq]{0,3}[Nn]?[fq]{0,3}P[YsEf4]{1,4}[MfK]{0,3}[VmTC]",
        r"^[u,]*f{0,2}P[YsEf]{0,3}[YsE]G?$",  # alguém aí?
        r"^(?:[Nn]f{0,3})?P[fYs]{0,3}4M?[VmT]",
        r"P(?:[fYs]{0,3}M?vf{0,2}4?M?|M)(?:V|m)",  # ninguém vai me atender?
    )
)
_NO_ROBOTS = re.compile(
    r"(?:[NS]|n(?=[WTqVf]))[fWTVHPMqGm4So]{0,6}(?:R|mX|Xm|X$)(?=$|[GYsNnWHKMPAtTuq,]|f{1,2}(?:[WPGHYsV]|$))"
    r"|^[uf]*(?:R|X)[Nn]q?[GYs]*$|^[u,]*4f{1,3}mX"
    r"|(?:N|n(?=[WTqVfv]))[^,R]{0,6}T[f4]{0,3}R|^[ufK]*(?:o[fEh]{0,2}|[Eh]o)f{0,2}R[Ysf]*$"
)
_TOLD = re.compile(r"^[^WHtTAKw]*[PO][fYDGo]{0,4}M?G?p[^WKHtTA]*$|^[^WKHtA]*p[fG4]{0,4}[PO][^WKHtTA]*$")
"""What somebody has done: "o atendente me disse", "i spoke to an agent"."""
_BE_PASSED_ON = re.compile(
    r"\b(?:may|can|could|need|want|like|please)(?: i| to| you)* (?:be |get )(?:transferred|connected|escalated"
    r"|forwarded|put through|handed over)\b"
    r"|\bwho (?:do|can|should|could) i (?:talk|speak|complain)(?: to| with)?\b"
    r"|^(?:hello |hi |so |and )*who can help me\b|\bquien me (?:puede |podria )?(?:ayud|atiend|contest)\w*"
    r"|\bquem (?:pode |poderia )?me ajuda\w*|"
    r"\bquem pode me ajudar"
    r"|\b(?:com quem|con quien)(?: eu| que)? (?:\w+ )?(?:falo|falar|hablo|hablar|trato|tratar|resolvo|converso)\b"
    r"|\b(?:botao|boton|button|tecla|numero|number|opcao|opcion|option|press|aperto|aprieto|clico|click|digito|marco"
    r"|onde|donde|where)\b"
    r".{0,30}\b(?:falar|hablar|talk|speak|for|get|reach) .{0,8}\b(?:atendente|humano|pessoa|persona|person|agent"
    r"|agente|asesor|human|someone|alguem|alguien)\b"
    r"|\bhow (?:do|can|could) i (?:get|reach|contact|get hold of|get through to|get to) (?:to )?(?:a |an |the |some"
    r"|any)?"
    r"(?:real |live |actual )?(?:human|person|agent|one|body|someone|somebody|representative|rep|operator|customer)\b"
    r"|^(?:oi |ola |alo |opa |hello |hey |hi |hola |oye |please )*(?:alguem|alguien|anyone|anybody|someone|somebody"
    r"|csr|reps?)"
    r"(?: ai| ahi| there| here)?(?: please| pls| plz| por favor| porfa| pf| help)*$"
    r"|\b(?:reach out to|get back to|get in touch with) me\b|\b(?:want|need) (?:the |your )?\w+ (?:department|dept)\b"
    r"|\b(?:falar|fala|conversar|hablar|comunicarme|talk|speak|chat|contato|contacto|touch)(?: \w+)? (?:com|con|with"
    r"|to) (?:a |la |the |your |o |el )?"
    r"(?:loja|tienda|store|shop|equipe|equipo|team|fabrica|factory|empresa|company|rh|hr)\b"
    r"|\b(?:falar|hablar|talk|speak|comunicar\w*) .{0,20}(?:por|by|over|on) (?:the )?(?:telefone|telefono|phone)\b"
    r"|\b(?:ir|go|volver|voltar|back|take me|leva|me leve) (?:to|pro|ao|a|al|para) (?:a |o |the )?(?:atendimento"
    r"|atencion|human|atendente|agent|asesor|support)\b"
    r"|\bwheres? (?:is |are )?(?:the |your )?(?:manager|owner|boss|agent|human)\b"
    r"|^(?:por favor |quero que |quiero que |please )*(?:me atend[ea]m?|que me atiendan|me atiendan|atiendan?me"
    r"|atende eu)(?: ai| logo| por favor| ja| ya)*$"
    r"|^(?:oi |ola |hi |hello |hola )?(?:o |a |el |la |is the |is your |esta el |esta la )(?:gerente|don[oa]|duen[oa]"
    r"|manager|owner|boss|encargad[oa]|responsavel|"
    r"supervisora?|jef[ea])(?: (?:ta|esta|there|in|around))?(?: ai| ahi"
    r"| aqui)?$(?<!^o gerente)(?<!^a gerente)(?<!^el gerente)"
    r"|\b(?:quero|queria|preciso|quiero|necesito) (?:(?:falar|conversar|hablar)(?: com voces| con ustedes)?"
    r"|(?:de )?atendimento)$"
    r"|\b(?:ninguem|nadie|nobody|no one) (?:is |vai |quer |me )?(?:fala|falar|talk\w*|habla|conversa)(?: comigo"
    r"| to me| with me|$)"
    r"|\b(?:esperando|aguardando|waiting for|esperar) (?:o |pelo |la |your )?(?:atendimento|atencion|support|service)\b"
    r"|\bque (?:una? \w+|alguien) (?:hable|converse|platique) conmigo\b|\b(?:falar|conversar) com (?:a |o )?(?:moca"
    r"|moco|senhora?)\b"
    r"|\bis (?:this|it|there) (?:chat )?(?:manned|staffed)\b|\bwhos in charge\b"
    r"|\bwhere (?:are|is|s)? ?(?:the |all |your )*(?:humans?|people|agents?)$|\b(?:cade|onde estao"
    r"|donde estan) (?:as |los |las )?(?:pessoas|personas|humanos)"
)
"""In words that the letters do not tell apart."""
_HAN = re.compile("[\u3400-\u9fff]")
_ZH_SERVES = (
    r"(?:人工(?:客服|服务|坐席)?|真人(?:客服)?|活人|客服(?:人员|小姐姐)?|工作人员|专员|专人|店里|店家|商家|经理|主管"
    r"|老板娘?|领导|负责人|店长|店主|医生|大夫|护士|律师|"
    r"工程师|技术(?:人员|支持|部门?)?|销售(?:人员|顾问)?|售后(?:客服|人员|部门?)?|售前|财务|顾问|前台|同事"
    r"|小[\u4e00-\u9fff]|[王李张刘陈杨赵黄周吴](?:经理|主管|总|医生|工|老师|姐|哥)|老师)"
)
_ZH_LEAD = (
    r"(?:那个?|喂|亲|把我?|继续|刚才的?|刚刚|你好|您好|请问|麻烦|请|帮我?|给我|我|就|都|还是|快点?|赶紧|马上|立刻"
    r"|直接|尽快|现在|想|想要|要|只要?|需要|必须|得|能不能|能否|能|可不可以|"
    r"可以|可否|是不是|你们?|求求?|申请|要求|希望|强烈|先|再|算了|一直|吧|有点|到底|怎么|才|全是|为什么)"
)
_ZH_TAIL = (
    r"(?:来|吧|啊|呀|呢|吗|么|嘛|哦|谢谢|一下|聊聊?|谈谈?|说说?|话|讲|问问|问|沟通|处理|投诉|反映|帮忙|帮我|看看?"
    r"|看一下|联系|在|行不行|可以|好不好|了|我|跟|和|"
    r"解决|人|回复|出来|介入|协助|服务|接待|接听|对话|快|的)"
)
_ZH_WANTS = tuple(
    re.compile(p)
    for p in (
        rf"^{_ZH_LEAD}{{0,6}}(?:找|转给|转到|转接|转|接通|连线|回到|切到|接|换|叫|喊|求|要的是|要|见|联系|等待?|呼叫"
        rf"|安排|派|来|请|让)(?:到|接|给|下|一下|一?[个位名])?(?:你们?的?|上次那?个?的?|之前那?个?|刚才那?个?的?)?"
        rf"{_ZH_SERVES}(?:的?人)?{_ZH_TAIL}{{0,5}}$",
        rf"(?:想|要|希望|能|可以|让我|只|得|来)(?:直接|先)?(?:跟|和|与|同|找"
        rf"|咨询)(?:一?[个位])?(?:你们?的?)?(?:{_ZH_SERVES}|真的?人|人)"
        rf"(?:直接|好好|当面)?(?:说|谈|聊|讲|沟通|对话|交流|反映|投诉|商量|咨询|联系|通话|问)(?!过|好了|的|了)",
        rf"^{_ZH_LEAD}{{0,3}}{_ZH_SERVES}(?:人)?(?:人呢|呢|在吗|在不在|在么|在哪里?|去哪了?|在线吗|有吗|有人吗|没有吗"
        rf"|出来|快来|来|处理|回复|回复我|介入|帮忙\w{{0,4}}|怎么[转找接联]\w{{0,2}})+$",
        r"^(?:你们?的?|客服)?人(?:都)?(?:呢|去哪里?了?|在哪里?|在不在|在吗)(?:啊|呀)?$",
        r"^(?:谁|有谁|有人)(?:能|可以|来|能来|会)?(?:帮|回答|处理|解决|告诉|接待|管)(?:我|一下|下|看看|帮)*(?:吗|吧"
        r"|啊|呢)?$",
        rf"^{_ZH_LEAD}{{0,4}}(?:换|来|找|叫|派|让|安排)(?:个|一个|位)?(?:懂行?的?|明白|能\w{{1,4}}的|会\w{{1,4}}的"
        rf"|靠谱的?|专业的?|活|真|真正的)?的?(?:人|真人)"
        rf"{_ZH_TAIL}{{0,4}}(?:[跟和给联]\w{{1,8}})?$",
        r"^(?:你不懂|算了)?(?:换|叫|找|让)(?:一?个)?(?:懂|能解决|能处理|明白|会)的人?来?(?:吧)?$",
        r"(?<!不用)(?<!不要)(?<!别)(?<!不必)(?<!昨天)(?<!上次)(?:请|麻烦|尽快|快|能|可以|方便|让人|让你们的?人|安排人"
        r"|叫人)?(?:给我)(?:回|打)(?:一?个)?电话?(?:吧|吗|好吗|可以吗|一下|谢谢|呗|行吗)*$",
        r"^(?:请|麻烦|尽快|快点?|能|能不能|可以|方便|你们|让\w{1,6}|安排\w{1,4}|需要|我想|我要"
        r"|希望){0,4}(?:回我?(?:一?个)?电话?|打(?:我)?(?:的)?(?:电话|手机)(?:给我)?|打(?:一?个)?电话(?:给我|联系我)|"
        r"回电|来电|(?:打)?电话(?:联系|回复)我?)(?:吧|吗|好吗|一下|给我|谢谢)*$",
        r"^(?:请|麻烦|尽快|快点?|让\w{1,6}|叫\w{1,4}|安排\w{1,6}|能让?\w{0,4}|可以让?\w{0,4}|你们|派人){1,4}(?:跟我"
        r"|和我)?联系(?:一下)?我?(?:吧|吗|好吗|谢谢)*$",
        rf"(?:让|叫|请|派)(?:你们?的?)?(?:一?[个位])?(?:{_ZH_SERVES}|人)(?:来|跟|和|给|联系|回|打|帮)(?!了)",
        r"(?:怎么|如何|怎样|哪里|在哪|按几|按什么)(?:才能|可以|能|才)?(?:转|找|接|联系|呼叫|跟|和)(?:到|接"
        r"|上)?(?:人工|真人|活人|客服)",
        r"(?:人工|真人|客服)(?:客服|服务)?(?:怎么|如何|在哪里?)(?:转|找|接|联系)",
        r"^(?:人工|真人|客服|转人工){2,}$|(?:还是|就)(?:让|找)(?:上次|之前|刚才)(?:那个)?的?(?:客服|人)",
        rf"(?:转|接|找|要|换|叫|联系|需要|求)(?:到|接|一下|一?[个位])?(?:人工|真人)(?:客服"
        rf"|服务)?(?:{_ZH_TAIL}{{0,4}})$",
    )
)
_ZH_THERE = tuple(
    re.compile(p)
    for p in (
        rf"^{_ZH_LEAD}{{0,4}}(?:有没有|有|没有?|怎么没有?)(?:在线)?(?:的)?(?:人工|真人|活人|客服)(?:客服"
        rf"|服务)?(?:在线?|理我|回我|接待)?(?:吗|啊|吧|呢|么)?$",
        r"^(?:喂|你好|请问|到底|怎么|都|为什么|一直|全是自动回复)*(?:没有?人|有没有人|有人|没有?一个人)(?:在线?|理我?"
        r"|管|回我?|回复我?|接待|值班|服务|能?帮我?|能?处理|能?回答)*(?:吗|么|没|没有|啊|呀|呢|吧|我|一下|嘛)*$",
        r"^(?:喂|亲|在吗|你好|哎|嗨|[，,])*客服(?:你好|您好|在|吗|赶紧的?|快点|人呢|[，,])*$",
        r"(?:人工|真人|客服)[，,]?不(?:是|要)机器人?|^(?:你们)?(?:这里?)?(?:怎么)?(?:只有|全是|都是)(?:机器人|ai"
        r"|自动回复)",
    )
)
_ZH_NO_ROBOTS = re.compile(
    r"(?:不要|不想|不喜欢|别|别再|讨厌|不跟|不和|别用|别让|受够了?|受不了|烦死|烦|拒绝|恨|不接受|滚|去掉|关掉|关闭"
    r"|退出|停止|不用)(?:再)?(?:了|这个?|你们?|的|跟|和|与|用|让|给我|被|什么|是)*"
    r"(?:智能客服|智能助手|ai(?:客服)?|自动回复|机器人?(?:客服)?)(?:了|聊天?|说话?|沟通|谈|对话|回复?我?|糊弄我?|服务"
    r"|吧|啊|来|跟|和|搞)*(?:$|[，,])"
    r"|(?:智能客服|机器人|ai客服|自动回复)(?:真)?(?:滚|走开|没用|听不懂|不懂|解决不了|不行|闭嘴|太蠢|太笨|太差|没有用"
    r"|退下|够了)"
    r"|^(?:怎么)?(?:全是|都是|又是|老是|总是)(?:自动回复|机器人)"
)
_NAME = (
    r"(?!Uber|Pix|PIX|Nubank|Whats|Zap|Paypal|PayPal|I[Ff]ood|Sedex|Instagram|Telegram|Email|Rappi|Correios|Deus|Dios"
    r"|God|Mercado|Google|"
    r"Apple|Amazon|Banco|Visa|Master|SMS|Excel|Word)[A-ZÁÉÍÓÚ][a-zà-ÿ]{2,}"
)
_BY_NAME = re.compile(
    r"\b(?:[Ff]alar|[Cc]onversar|[Hh]ablar|[Tt]alk|[Ss]peak|[Cc]hat) (?:com|con|to|with) (?:[oa] |el |la )?"
    r"(?!Deus\b|Dios\b|God\b)[A-ZÁÉÍÓÚ][a-zà-ÿ]{2,}\b(?! (?:app|bot)\b)"
    r"|\b(?:(?i:me passa|me passe|me transfere|me transfira|me p[aá]sas?|p[aá]s[ae]me|me comunicas?|comun[ií]ca(?:me"
    r"|nos)|transfer me|put me"
    r" through|pass me|connect me)) (?:(?:pra|pro|para|com|con|to|with) )(?:[oa] |el |la )?" + _NAME + r"\b"
    r"|\b(?i:(?:pode |puede |podr[ií]a |poderia |can you |could you |please )?(?:cham[ae]r?|llam[ae]r?|call|get"
    r"|fetch)) (?:[oa] |a )?" + _NAME + r"(?= ?(?:$|pra mim|para mim|por favor|pf|please|for me|a[ií]\b|porfa))"
    r"|^(?:oi,? |hola,? |hi,? )?(?:[Oo] |[Aa] |[Ii]s |[Ee]st[aá] )" + _NAME + r" (?:t[aá]|est[aá]|there)(?: a[ií]"
    r"| ah[ií])?$"
    r"|^(?:[Ee]st[aá]) " + _NAME + r"$"
)
"""Somebody they know: "posso falar com a Paula?"."""
_CAPITAL = re.compile(r" [A-ZÁÉÍÓÚ][a-zà-ÿ]{2}")
"""The same of `_BY_NAME`."""
_BOT_FAILS = re.compile(
    r"\b(?:this|the|your|stupid|useless|dumb) (?:chat)?bot\b.{0,12}\b(?:useless|stupid|dumb|doesnt|does not|isnt|is"
    r" not|"
    r"cant|wont)\b"
    r"|\b(?:ess[ae]|este|est[ae]|o|el|tu) (?:chat)?(?:ro)?bot\w? (?:nao|no) (?:entend|entiend|serv|sirv|ajud|ayud|"
    r"resolv|resuelv|"
    r"funcion)\w*(?! (?:com|con|na|en la) )"
    r"|\b(?:ro)?bo[ts]?(?:t[oa]?|s)? (?:inutil|burr[oa]|tont[oa]|idiota|lixo|estupid[oa]|ruim|malo|horrivel|chato"
    r"|de merda|de mierda)\b"
    r"|^(?:stupid|useless|dumb|bad|damn|go away|fuera|fora)(?: stupid)? (?:chat)?(?:ro)?bot?s?\b(?! \w)"
    r"|^(?:破|烂|垃圾|傻|蠢|笨)机器人|机器人(?:真|太|好|就是)(?:蠢|笨|烦|傻|垃圾|差)|(?:跟|和)(?:机器人?|你)说不(?:清"
    r"|通|明白)"
    r"|\b(?:nao consigo|no puedo|cant deal|cannot deal)(?: mais| mas)? (?:com|con|with) (?:esse|este|this)"
    r" (?:chat)?(?:ro)?bot\b"
)
_ALONE = re.compile(
    rf"^(?:HELLO)*(?:{_PT_ONE}|{_ES_ONE}|{_EN_ONE}|(?:alguem|alguien|someone|gente|somebody) (?:de? )?(?:humano"
    rf"|reale?s?|verdade?)|"
    r"(?:atendente|agente|asesora?|atencion|atendimento|suporte|soporte|operador|persona|agent|real) (?:human[oa]?|"
    r"real)|"
    r"(?:live|human|real) (?:agent|person|support|human|help|operator)|human being)"
    rf"(?: (?:real|urgente\w*|por gentileza|msm|mesmo|mismo|de? verdade?|de vdd|required|needed"
    rf"|takeover))*{PLEASE}$".replace(
        "HELLO",
        r"(?:oi|ola|hola|hi|hello|hey|bom dia|boa tarde|boa noite|buenas|buenos dias|buenas tardes|nope|no|nao|"
        r"por favor|please|favor|solo|so|just|only)[, ]+",
    )
    + r"|^(?:请|要|我要|找)?(?:人工|真人|客服|接线员)(?:坐席|客服|服务|人工)*(?:呢|在哪里?|谢谢|在吗|来)?$"
    r"|^有(?:没有)?(?:人工|真人|客服)(?:吗)?$"
)
"""Nothing else is said: no sentence of which it might be a part."""
_NOBODY = re.compile(r"\b(?:ninguem|nadie|nobody|no one|noone)\b")
_A_ROBOT = (
    r"(?:robos?|robots?|bots?|chatbots?|maquinas?|machines?|automated \w+|inteligencia artificial|ia|ai)\b"
    r"(?! (?:aspirador\w*|de co[zc]i\w+|vacuum\w*|mop\w*|toys?|de brinquedo|de juguete|usad\w*|used|quebrad\w*|rota"
    r"|roto|velha|vieja|nova|nueva|d[eo]l? (?!merda|mierda|voces|ustedes|novo|nuevo)\w+|lawn|fans?|cleaner|de lavar|"
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
_MACHINE = re.compile(r"bo|maquina|machine|automated|inteligencia| (?:ia|ai)\b|[\u3400-\u9fff]")
"""Without it neither `_ROBOT` nor `_BOT_FAILS` says anything, and it is looked for much faster."""
_DECLINES = re.compile(
    r"\bnao (?:\w+ ){0,3}(?:falar|conversar|atendentes?|humanos?|pessoas?|alguem|passa\w*|passe|transf\w+|"
    r"chama\w*|chame)\b"
    r"|\b(?:sem|nem) (?:precisar )?(?:de )?(?:falar|conversar|passar|atendente|humano)\b"
    r"|\b(?:dont|do not|doesnt|didnt|not|no|never|without|rather not|neednt|instead of)(?: \w+){0,3} "
    r"(?:talk|speak|chat(?= to| with)|talking|speaking|transfer\w*|human|agent|person|representative|operator|someone|"
    r"anyone|connect\w*)\b"
    r"|\b(?:do que|mejor que|que|than)(?: to)? (?:esperar?|aguardar|wait\w*|hablar con|falar com|talk\w* to) "
    r"|\b(?:falar|hablar|talk\w*|chat\w*) (?:com |con |to )?(?:voce|contigo|you) (?:do )?(?:que|than)\b|\b(?:voce"
    r"|contigo|you) than (?:an?|the)\b"
    r"|\b(?:dont|do not|not|no need to|nao precisa|nao|no|no hace falta) (?:me )?(?:call|ring|phone|lig(?:ue|uem|ar"
    r"|a)|llam(?:en|e|ar)|marquen)\b"
    r"|(?:不用|不要|别|不必|先别)(?:再)?(?:给我)?(?:打|回)(?:来)?电话"
    r"|(?:客服|人工|经理|老板|销售)(?:说|谈|聊|讲)了|\b(?:no|nao) (?:necesito|quiero|preciso|quero)(?: de"
    r"| a)? (?:nadie|ninguem)\b"
    r"|找到.{0,5}了|(?:不想|不要|别|不用|不需要|不必|无需|先别)(?:再)?(?:(?:跟|和|找|叫|要|请|联系)(?:别)?(?:人(?!工)"
    r"|经理|主管|老板|领导|医生)|转(?:接|了|给)?(?:$|[，,]))"
    r"|(?:昨天|前天|为什么|刚才|上次|上周|之前|已经).{0,6}(?:给我|打|回|跟|和|问|找|联系).{0,3}(?:电话|我|客服|经理)"
    r"|电话(?:给我)?了|(?:如果|要是|假如)我(?:要|想|需要|找)"
    r"|比起.{0,4}(?:客服|人工|真人)|我是.{0,4}(?:客服|经理|店长|老板|销售)|(?:招聘|应聘|岗位|简历|工资|要钱|收钱"
    r"|要费用|能做什么|干什么用)"
    r"|\b(?:codigo|numero) d[aeo]l? (?:operador|agente|atendente)\b"
    r"|\b(?:agent|operator|person|user|staff|member|manager|seller) (?:code|number|id|manual|special|fee|price|login"
    r"|app|name)s?\b"
    r"|\bi have (?:a|an) \w+ (?:in|at|from|and)\b"
    r"|(?<!to )(?<!with )(?<!com )(?<!con )\b(?:my|meu|minha|mi) (?:boss|manager|agent|supervisor|gerente|chefe|jefe"
    r"|jefa|doctor|medic[oa]|lawyer|advogad[oa]|"
    r"abogad[oa]|accountant|contador|colleague|colega|wife|husband|espos[oa]|marido)\b"
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
    r"|\b(?:what time|what hours|which hours|hours|how much|how long|how many|quanto tempo|quantos?|quantas"
    r"|cuanto (?:tiempo|tarda|demora|tardan)|se llama|como chama|nom[be]re? d[aeo]l?|nome d[aeo]|how expensive"
    r"|when (?:can|do|does|is|are|"
    r"will)|what does|what is|whats (?:the|your|ur|this|that|a|in)|"
    r"who is|difference|cost|costs|fee|until when|what days)\b"
    r"|\b(?:que hora|a que hora|que horario|horario|cuanto cuesta|cuanto sale|cuando (?:puedo|atiende|"
    r"esta)|que dias?|"
    r"que es|quien es|que hace|diferencia|hasta que hora)\b"
    r"|(?:几点|什么时候|何时|时间|多少钱|费用|收费|(?<![打回个接我])电话(?!联系|沟通|给我|我|打)|号码|几小时|周末"
    r"|上班|下班|区别|是什么"
    r"|怎么收|星期|是真人吗|是人工吗|邮箱|智能|合成|费|耳蜗|草坪)"
)
_WHAT_ARE_YOU = re.compile(
    r"\b(?:person|persona|pessoa|human[oa]?|gente) (?:or|o|ou) (?:com |con |to |an? |una? |uma? )*(?:ro)?bos?t?\b"
    r"|\b(?:ro)?bos?t? (?:or|o|ou) (?:com |con |to |an? |una? |uma? )*(?:real )?(?:person|persona|pessoa|human)"
    r"|\b(?:am i|estou|estoy) (?:talk|speak|chat|fal|conversand|habl|chate)\w* (?:to|with|com|con)\b"
    r"|(?:跟|和)我?(?:说话|聊天?)的是|我(?:是)?在(?:跟|和)"
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
    r"|(?:以后|将来|之后|到时|万一|出了?问题).*(?:怎么办|找谁|吗)|(?:售后|客服)?部门?在哪|(?:聊|说|谈|商量)(?:好|妥)了"
    r"|^(?:e |y |and |mas |pero |but |so )?(?:se|si|if) (?:eu |yo |i |u |you )?(?:der|houver|hay|tiver|tengo|necesito"
    r"|necesitara|preciso|precisar|"
    r"quiero|quiser|want|need|wanted|needed|there|something|anything|algo|anyone|someone|alguien|alguem|ha)\b"
    r"|\b(?:o|a|os|as|el|la|los|las|the|my|meu|minha|mi|it|this|un|um)(?: (?!caso\b|conversa\b|chat\b|case\b"
    r"|atendimento\b|chamado\b|conversacion\b)\w+)?"
    r" (?:para|pra|a|to) (?:uma |una )?(?:outra|otra|another) (?:pessoa|persona|person)"
    r"|\b(?:agent|support|service|human|atencion|atendimento|suporte|soporte|human[oa]|asesora?|atendente|vendedora?"
    r"|rep|persona?|pessoa|seller)"
    r"(?: (?:de|del|from|i|que) [^,]{1,24})? (?:was|were|foi|fue|foram|fueron|era)\b"
    r"|\b(?:propaganda|anuncio|site|pagina|politica|regra|regla|menu|ad|advert\w*|policy|website|page|banner"
    r"|contrato)\b.{0,12}\b(?:diz|dizia|dice|decia|says?|said|promete|fala)\b"
    r"|\b(?:li|lei|leo|i read|vi|i saw)\b.{0,12}\b(?:site|website|web|page|pagina)\b"
    r"|\b(?:do|voces|ustedes) (?:you |tao |estao |estan )?(?:need|necesitan|precisam|precisando|buscan"
    r"|contrat\w+) (?:de |a )?(?:sales|vendedor|personal|gente|people|staff)"
    r"|\b(?:para|pra|for|en|no|na) (?:mi|my|meu|minha|our) (?:negocio|tienda|empresa|loja|store|shop|business|company"
    r"|casa|house|firma)\b"
    r"|\b(?:pessoa|persona|person|someone|alguem|alguien) (?:pra|para|for) (?:a |la |fazer |hacer )?(?:limpeza"
    r"|limpieza|cleaning|limpar|limpiar|clean)\b"
    r"|\b(?:someone|somebody) an? (?:gift|card|present)"
    r"|(?:聊|说|谈|联系|沟通|问)过|真人(?:秀|cs|漫画|版|尺寸|出演)|人工(?:湖|草|养|宝|皮|智|合成|呼吸)"
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
_CLAUSE = re.compile(
    r"[.!?;\n。！？；…]+|, (?:mas|but|pero)\b|，(?:但|不过)"
    r"|(?i:\b(?:ent[aã]o|entonces|as[ií] que|por isso|por eso)\b|\bso (?=just|please|can|could|put|get|pass|let"
    r"|i want|i need))"
)
_SIMPLIFIED = str.maketrans(
    "轉請嗎員聯繫電話個經機裡們說講誰來給幫還沒麼為務專問對時間現實線換動覆復處應該會總負責訴謝領導後財術銷務門難決給見讓聽懂無這樣開關",
    "转请吗员联系电话个经机里们说讲谁来给帮还没么为务专问对时间现实线换动复复处应该会总负责诉谢领导后财术销务门难决给见让听懂无这样开关",
)
_MARK = re.compile(r"[^\w\s,:，/]")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_RUN = re.compile(r"\w+")
_LATIN = re.compile(r"[a-z]+")
_SHORT = {
    "vc": "voce", "vcs": "voces", "c": "com", "p": "para", "w": "with", "qo": "quero", "qro": "quero", "n": "nao",
    "q": "que", "flr": "falar", "kiro": "quiero", "kero": "quiero", "kiero": "quiero", "ablar": "hablar",
    "nesesito": "necesito", "wanna": "want to", "sumone": "someone", "sumbody": "somebody", "humen": "human",
    "hooman": "human", "hunan": "human", "umano": "humano", "sum1": "someone", "tlk": "talk", "lemme": "let me",
    "gimme": "give me", "cn": "con", "xfavor": "por favor", "pfavor": "por favor", "qiero": "quiero", "qero": "quero",
    "kien": "quien", "vdd": "verdade", "thru": "through",
}  # fmt: skip
"""Whole words, as they are typed in a hurry."""
_SEVERAL = tuple(
    (sign, re.compile(pattern), plain)
    for sign, pattern, plain in (
        ("can u", r"\bcan u\b", "can you"),
        ("some one", r"\bsome one\b", "someone"),
        ("x favor", r"\bx favor\b", "por favor"),
        ("ay ", r"\bay (?=alguien|algun|un|una|gente|personas?)\b", "hay "),
        ("转", r"转仁工|转人[公功]", "转人工"),
        ("recursos humanos", r"\brecursos humanos\b", "rh"),
        ("human resources", r"\bhuman resources\b", "rh"),
    )
)
"""Of more than one word. Most clauses have none, which the sign in front tells much faster than the pattern."""
_TO = re.compile(r"\b(talk|speak|chat) 2\b")
_OFTEN_MISTYPED = (
    "atendente humano pessoa agente asesor persona person human agent representative operador vendedor supervisor "
    "someone falar hablar"
)
_REAL = {"operator", "vencedor", "gente", "huma", "persa", "falr"}


def _slips(word: str) -> set[str]:
    """The word with one letter left out or two exchanged; a long one with one letter that is wrong, too."""
    wrong = {word[:n] + c + word[n + 1 :] for n in range(1, len(word)) for c in ascii_lowercase if len(word) > 7}
    without = {word[:n] + word[n + 1 :] for n in range(1, len(word))}
    return wrong | without | {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(1, len(word) - 1)}


_MEANT = {slip: word for word in _OFTEN_MISTYPED.split() for slip in _slips(word)}
for _right in (*_OFTEN_MISTYPED.split(), *_REAL):
    _MEANT.pop(_right, None)


_BREATH = re.compile(r"\S.{0,239}(?!\w)|\S.{0,239}")
"""A clause that never ends is read in parts: patterns try every beginning, so their time grows with its square."""
_SAYS_NOTHING = re.compile(r"[^PODsRXCcZTtAVHw]*")
"""No word of people, machines or calls: no wish can be in it."""
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


@lru_cache(maxsize=256)  # each message is read when it comes and when its turn is made
def wants_person(text: str) -> bool:
    """True when the customer asks, in pt-BR, English, Spanish or Chinese, to be served by a person.

    >>> wants_person("me passa pra um atendente?"), wants_person("que horas o atendente chega?")
    (True, False)
    """
    text = text[-LONGEST:]
    said = _QUOTED.sub(" ", text)
    if not said.strip(" .!?,") and not text.lstrip().startswith(">"):
        said = text  # all of it stands in quotation marks: a menu's words sent back
    clauses = [part for clause in _CLAUSE.split(said) for part in _BREATH.findall(clause)]
    return any(_asks_for_person(clause) for clause in map(spelled, clauses) if clause) or any(
        map(_asks_by_name, clauses)
    )


_GREETS = re.compile(
    r"(?:(?:oi|ola|opa|e ai|eae|alo|bom dia|boa tarde|boa noite|hello|hi|hey|good (?:morning|afternoon|evening)|hola|"
    r"buen(?:os|as)(?: dias| tardes| noches)?) )+"
    r"(?:gente|pessoal|galera|povo|turma|people|guys|folks|all|everyone|everybody|team|todos|a todos|amigos|chicos)"
)
"""Everybody is greeted; nobody is called."""
_HELP = re.compile(
    r"(?:alguem|alguien|someone|somebody|anyone|anybody|can (?:someone|somebody|anyone|anybody)) ?"
    r"(?:pode|poderia|consegue|can|could|puede|podria)? ?(?:me )?(?:ajudar|ayudar|help)(?:me)?(?: me)?"
    r" (?:com|con|with) .+"
)
"""Help is asked for with something, of whoever can: that may be the assistant."""


def _asks_for_person(clause: str) -> bool:
    if _GREETS.fullmatch(clause) or _HELP.fullmatch(clause):
        return False
    letters = "".join(map(_letter, _PIECE.findall(clause)))
    if _is_no_robots(clause, letters):
        return not _is_of_others(clause, letters)
    if not _names_a_person(clause, letters) or _DECLINES.search(clause) or _is_of_others(clause, letters):
        return False
    return _HOW_TO_REACH.search(clause) is not None or not _ASKS_ABOUT.search(clause)


def _asks_by_name(clause: str) -> bool:
    if not _CAPITAL.search(clause) or not _BY_NAME.search(clause):
        return False
    plain = spelled(clause)
    return not (_DECLINES.search(plain) or _ASKS_ABOUT.search(plain) or _SOMEONE_ELSES.search(plain))


def _is_of_others(clause: str, letters: str) -> bool:
    """A rule, a condition, a story of what was done, a question about who answers."""
    if _SOMEONE_ELSES.search(clause) or _WHAT_ARE_YOU.search(clause):
        return True
    return _TOLD.search(letters) is not None and not _NOBODY.search(clause)


def _is_no_robots(clause: str, letters: str) -> bool:
    """No machines, or nobody there: said with a "no" that declines nothing."""
    if _MACHINE.search(clause) and (_ROBOT.search(clause) or _BOT_FAILS.search(clause)):
        return True
    if _NO_ROBOTS.search(letters):
        return True
    if _HAN.search(clause) and any(said.search(clause) for said in (_ZH_NO_ROBOTS, *_ZH_THERE)):
        return True
    return any(there.search(letters) for there in _THERE)


def _names_a_person(clause: str, letters: str) -> bool:
    han = _HAN.search(clause)
    if _SAYS_NOTHING.fullmatch(letters) and not han:
        return False
    if any(order.search(letters) for order in _ORDERS):
        return True
    if any(wish.search(clause) for wish in (*_WANTS, *_WANTS_BY_ROLE, *_WANTS_ROUNDABOUT, _BE_PASSED_ON)):
        return True
    pieces = [piece.strip() for piece in (clause, *re.split("[,，]", clause)) if piece != "gente"]
    return any(wish.search(piece) for piece in pieces for wish in (_ALONE, *(_ZH_WANTS if han else ())))


@lru_cache(4096)
def _letter(word: str) -> str:
    """What a word is in the grammar; `x`: anything else."""
    if word in _LETTER:
        return _LETTER[word]
    return next((letter for letter, words in _BY_FORM if words.fullmatch(word)), "x")


def spelled(clause: str) -> str:
    clause = _DRAWN_OUT.sub(r"\1", _MARK.sub(" ", fold(clause).translate(_SIMPLIFIED).replace("'", "")))
    clause = _each(_RUN, _SHORT, _TO.sub(r"\1 to", clause))
    for sign, pattern, plain in _SEVERAL:
        if sign in clause:
            clause = pattern.sub(plain, clause)
    return _each(_LATIN, _MEANT, " ".join(clause.split())).strip(" ,，:")


def _each(words: re.Pattern[str], meant: Mapping[str, str], clause: str) -> str:
    """Most clauses have none of them."""
    if meant.keys().isdisjoint(words.findall(clause)):
        return clause
    return words.sub(lambda word: meant.get(word[0], word[0]), clause)
