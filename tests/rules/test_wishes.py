from __future__ import annotations

import re

import pytest

from gateway.rules import wishes
from gateway.rules.courtesies import courtesy_of, without_courtesies
from gateway.rules.wishes import asks_for_person, spelled, wants_person
from tests.rules.corpora import corpus, rates

WANTS = {
    "pt": """Quero falar com um atendente
quero falar com uma pessoa
falar com humano
me passa pra um atendente pfv
me passa para uma pessoa
me transfere pro atendimento humano
me liga um humano por favor
vcs tem atendimento com gente?
pode me encaminhar para um atendente?
atendente
atendente por favor
humano, por favor
quero atendimento humano
preciso de um atendente agora
gostaria de conversar com alguém
tem alguém aí pra me atender?
alguém pode me ajudar?
como faço para falar com um atendente?
posso falar com um vendedor?
chama um atendente
cadê o atendente?
quero ser atendido por uma pessoa
não quero falar com robô
chega de robô!!
QUERO FALAR COM O GERENTE
oi, quero falar c uma pessoa de verdade. obrigado
não entendi nada|me chama um humano
queria falar com alguém do suporte
falar com o suporte
vcs podem me passar pra alguém?
transfira para um humano
por favor, quero uma pessoa real
o frete tá errado, quero falar com alguém""",
    "en": """I want to speak to a human
let me talk to a real person
agent please
agent
can I talk to someone?
human
i need customer support, not a bot
connect me with a representative
put me through to an operator
transfer me to an agent
could you get me a manager?
I'd like to chat with a live agent
is there anyone I can speak to?
can someone help me?
speak to a person now
please hand me over to a human
I don't want to talk to a bot
stop, no bots
how can I talk to an agent?
how do I reach customer service?
get me a human being
I need a human
real person please
give me an agent
I want to speak with your supervisor
someone call me please, I want to speak to a person
live chat
representative!
This is useless. I need to talk to a person.
escalate me to a manager""",
    "es": """quiero hablar con un asesor
quiero hablar con una persona
páseme con una persona por favor
necesito un agente humano ya
agente
asesor por favor
me puedes pasar con alguien?
me comunica con un operador
comuníqueme con un representante
comunícame con ventas
necesito que me llame un asesor
hay alguna persona que me atienda?
transfiérame a un agente
puedo hablar con un humano?
quisiera hablar con el encargado
hay alguien ahí?
hay alguien que me pueda atender?
alguien me puede ayudar?
no quiero hablar con un bot
no quiero un robot
quiero que me atienda una persona
cómo hablo con un asesor?
cómo hago para hablar con una persona?
prefiero hablar con alguien real
necesito hablar con el gerente
derívame con un agente
persona real
quiero un agente
HABLAR CON UNA PERSONA
hola, quiero atención humana
me pasan con un vendedor?
conectame con soporte
quiero ser atendido por una persona""",
    "zh": """转人工
转人工客服
我要找真人
我要人工服务
人工
人工客服
请转接人工
找客服
我想和真人说话
能不能让人来跟我说，不要机器人
我要跟客服聊
请帮我转人工
换个人工来
叫你们经理来
有人吗
客服在吗
有真人吗
不要机器人
我不想跟机器人说话
需要人工帮助
怎么转人工？
怎么联系客服？
请给我接人工客服
真人客服
联系客服
我要客服
想找人工
转接客服
有没有人
找你们主管
给我转人工""",
}
LEAVES = {
    "pt": """não quero falar com atendente
quanto custa o atendimento pessoal?
qual o horário do atendimento humano?
que horas o atendente chega?
falei com o atendente ontem e ele disse 30 dias
o atendente foi muito simpático
esse produto é seguro para uma pessoa de 5 anos?
a política diz: "se o cliente quiser falar com um atendente, transfira"
se o cliente quiser falar com um atendente, o que acontece?
Onde fica a loja?
é um presente para uma pessoa especial
não precisa chamar ninguém, não quero falar com humano
quando posso falar com um atendente?
pode entregar para outra pessoa?
corpo humano é tema da caneca?
preciso de 30 canecas para 30 pessoas
sem falar com atendente, dá pra trocar?
você é um robô?
uma pessoa pode retirar por mim?
como funciona o atendimento humano?""",
    "en": """is this product safe for a person of 5 years?
I don't want to talk to an agent
no need to transfer me to a human
what time can I speak to an agent?
what are the hours of your support team?
I spoke to an agent yesterday
do you sell a cleaning agent?
I need a cleaning agent for my kettle
The manual says "speak to a representative"
if a customer wants to talk to a human, what happens?
how much does a personal assistant cost?
are you a robot?
can I give it to another person?
how many people does the pot serve?
the agent was rude
can I get it without talking to anyone?
> talk to a human
who is the manager?
My person of contact changed address
is there a human hair filter?""",
    "es": """no quiero hablar con un agente
cuánto cuesta la atención personal?
a qué hora puedo hablar con un asesor?
cuál es el horario de atención?
hablé con un agente ayer
es seguro para una persona de 5 años?
es un regalo para una persona especial
la regla dice: "si el cliente quiere hablar con una persona, transferir"
si el cliente quiere hablar con un asesor, qué pasa?
venden agente de limpieza?
eres un robot?
sin tener que hablar con nadie
para cuántas personas es la olla?
el asesor fue muy amable
puede retirar otra persona?
quién es el gerente?""",
    "zh": """人工客服几点上班？
人工客服的工作时间
不用转人工
不要转人工
你是真人吗？
人工智能是什么
客服电话多少？
如果客户要转人工怎么办
人工费多少钱
这个杯子是人工做的吗
"转人工"是什么意思
五岁的人能用吗
客服态度很好
昨天客服说可以退
你们店在哪里
两个人用够吗""",
}


def rows(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(lang, text.replace("|", "\n")) for lang, texts in table.items() for text in texts.split("\n")]


@pytest.mark.parametrize(("language", "text"), rows(WANTS))
def test_wants_a_person(language: str, text: str) -> None:
    assert wants_person(text)


@pytest.mark.parametrize(("language", "text"), rows(LEAVES))
def test_wants_no_person(language: str, text: str) -> None:
    assert not wants_person(text)


@pytest.mark.parametrize(
    ("text", "courtesy"),
    [
        ("/start", "greeting"),
        ("oi", "greeting"),
        ("Oi, tudo bem?", "greeting"),
        ("Bom dia!! 😊", "greeting"),
        ("oiee", "greeting"),
        ("hello there", "greeting"),
        ("hi!", "greeting"),
        ("hola, buenas tardes", "greeting"),
        ("你好", "greeting"),
        ("您好，在吗？", "greeting"),
        ("obrigado!", "thanks"),
        ("muito obrigada", "thanks"),
        ("vlw", "thanks"),
        ("ok, obg", "thanks"),
        ("thank you so much", "thanks"),
        ("great, thanks!", "thanks"),
        ("muchas gracias", "thanks"),
        ("谢谢", "thanks"),
        ("好的，谢谢你", "thanks"),
        ("tchau", "goodbye"),
        ("até mais!", "goodbye"),
        ("bye", "goodbye"),
        ("hasta luego", "goodbye"),
        ("再见", "goodbye"),
        ("obrigado, tchau", "thanks"),
        ("oi, tem pix?", ""),
        ("obrigado, mas e o frete?", ""),
        ("hi, where is my order", ""),
        ("你好，运费多少", ""),
        ("ok", ""),
        ("", ""),
        ("👍", ""),
        ("boa panela", ""),
    ],
)
def test_courtesy_is_the_whole_text(text: str, courtesy: str) -> None:
    assert courtesy_of(text) == courtesy


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Oi, bom dia! Vocês aceitam Pix?", "Vocês aceitam Pix?"),
        ("hello! how much is shipping?", "how much is shipping?"),
        ("你好，运费多少钱？", "运费多少钱？"),
        ("Onde fica a loja?", "Onde fica a loja?"),
        ("oi", "oi"),
        ("Quero trocar, qual o prazo?", "Quero trocar, qual o prazo?"),
    ],
)
def test_without_courtesies(text: str, question: str) -> None:
    assert without_courtesies(text) == question


def test_a_long_text_is_read_quickly_enough_to_finish() -> None:
    assert not wants_person("falar com " * 3000 + "a" * 3000)
    assert courtesy_of("oi " * 5000) == "greeting"


@pytest.mark.parametrize(
    ("text", "phrases", "found"),
    [
        ("Quero CANCELAR, já!", ["quero cancelar"], "phrase"),
        ("quero   *cancelar*", ["Quero cancelar!"], "phrase"),
        ("não é procon", ["PROCÓN"], "phrase"),
        ("quero cancelarei", ["quero cancelar"], ""),
        ("desquero cancelar", ["quero cancelar"], ""),
        ("我想退款，谢谢", ["退款"], "phrase"),
        ("我想 退 款", ["退款"], "phrase"),
        ("ｑｕｅｒｏ　ｃａｎｃｅｌａｒ", ["quero cancelar"], "phrase"),
        ("que\u200bro cancelar", ["quero cancelar"], "phrase"),
        ("qual o frete?", ["", "?!", "  "], ""),
        ("quero um atendente", [], "wish"),
        ("quero um atendente", ["atendente"], "phrase"),
        ("qual o frete?", ["atendente"], ""),
    ],
)
def test_a_queue_has_phrases_of_its_own(text: str, phrases: list[str], found: str) -> None:
    assert asks_for_person([text], phrases) == found
    assert asks_for_person(["oi", text, "?"], phrases) == found
    assert asks_for_person([], phrases) == ""


LANGUAGES = ("pt", "en", "es", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("half", ["wishes_worked_on", "wishes_held_out", "wishes_fresh"])
def test_the_corpus_of_wishes(half: str, language: str) -> None:
    """The rules were mended on `wishes_worked_on`; the other two were written and measured before they were."""
    said = [row for row in corpus(half) if row["language"] == language]
    precision, recall = rates([(row["wish"] == "yes", wants_person(row["text"])) for row in said])
    print(f"\n{half} {language}: {len(said)} sentences, {precision=:.3f} {recall=:.3f}")
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fresh_corpus_is_large_enough_to_say_so(language: str) -> None:
    meant = [row["wish"] for row in corpus("wishes_fresh") if row["language"] == language]
    assert min(meant.count("yes"), meant.count("no")) >= 120


@pytest.mark.parametrize("word", ["falar com ", "a un ", "i want to talk ", "麻烦请给我", "让请想", "快让有机", "让"])
def test_a_clause_without_an_end_is_read_in_parts(word: str) -> None:
    wants_person(word * 2000)
    assert wants_person("a " * 3000 + ". quero um atendente")
    assert not wants_person("qual o prazo " * 500)


def test_the_signs_that_are_looked_for_first_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [row["text"] for half in ("worked_on", "held_out", "fresh") for row in corpus(f"wishes_{half}")]
    found = [wants_person(text) for text in said]
    with monkeypatch.context() as without:
        for sign in ("_MACHINE", "_CAPITAL"):
            without.setattr(wishes, sign, re.compile(""))
        assert [wants_person(text) for text in said] == found


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Vcs podem  chamar um HUMANNN?", "voces podem chamar um human"),
        ("qro flr c sum1, xfavor", "quero falar com someone, por favor"),
        ("talk 2 a hunan pls", "talk to a human pls"),
        ("c1 p_p q", "c1 p_p que"),
        ("ay alguien? ay, ay uno", "hay alguien ay, hay uno"),
        ("can u get some one", "can you get someone"),
        ("Recursos Humanos, humen resources", "rh, rh"),
        ("我要转人公", "我要转人工"),
        ("atendnte", "atendente"),
    ],
)
def test_it_is_read_as_it_was_meant(typed: str, plain: str) -> None:
    assert spelled(typed) == plain
