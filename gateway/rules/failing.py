"""Whether the assistant keeps failing a customer, who says so or has to ask the same again. Pure.

One failure is an answer the customer complains about ("não foi isso que eu perguntei", "you're not listening") or
after which the question comes again. What is quoted, supposed ("se não funcionar…"), told of somebody else or said
about goods is no complaint, and the same question about another product, day or number is another question. Wording is
endless: rather a complaint is missed, for who is missed says it again, than people called for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from gateway.assistants.base import Utterance

# -- complaints about answers: each word of a clause becomes a letter, and the letters are read -------------

_LETTERS = {
    # not
    "N": """nao n nem num nunca sem not dont didnt doesnt isnt wasnt arent havent hasnt cant cannot couldnt wont
    never no ni tampoco sin""",
    # you, and what stands for you
    "U": "voce voces vc vcs ce tu usted ustedes you u youre",
    "B": """bot robo robot assistente asistente assistant ia chat atendimento atencion servicio service resposta
    respuesta response reply respostas""",
    # I, others
    "P": "eu yo i im ive",
    "H": "ele ela eles elas he she they ellos ella",
    # that
    "T": "isso isto disso nisso that this it thats its eso esto dessa",
    "O": "que q oq oque what",
    # to be, to do, to have
    "A": """do does did are is am was were has have be been being ta tao esta estao estas estan estou estoy estava
    es e eh sao foi fue era faz tiene tem make makes seem seems sabe sabem deu vai""",
    # what an answer should do, said of who answers; then what one says of oneself just as well
    "V": """entende entendeu entendem entenderam entendendo entendes entiende entiendes entienden entendiste
    entendio entendieron entendido compreende compreendeu comprende comprendes comprendiste leu leem leram lees
    leiste leyo escuta escutando escutou ouve ouviu ouvindo escuchas escucha escuchan escuchando escuchaste help
    helps helping helped helpful ajuda ajudou ajudando ajudam ayuda ayudo ayudas ayudando ayudan useful responde
    respondeu respondem respondendo responderam respondes respondiste respondio respondido respondieron contestas
    contesta contestaste contesto contestando answers answered answering adianta adiantou sentido sense relevant
    related unhelpful""",
    "L": "understand understanding understood listen listening listened hear hearing read reading get getting le",
    "W": """funciona funcionou funcionando funcionar funciono funcionan work works worked working serve serviu sirve
    sirvio sirves resolve resolveu resolvem resolvendo resolver resuelve resuelven resolvio soluciona soluciono
    solve solves solved solving fix fixes fixed certo rolou""",
    # asked, said
    "G": "perguntei perguntando pregunte preguntando asked asking perguntado pedindo pidiendo",
    "S": "falei disse falando dije diciendo said saying expliquei explique explained informei mencionei repito",
    "s": "falou diz dice dices dijiste say says repeating",
    "t": "told",
    "D": "quero queria quiero queria want meant mean quis necesito",
    "J": "ja already ya literally",
    "n": "sei know vi li se",
    "F": "fiz tentei done tried hice intente probe",
    # the same, again; only, always
    "R": """same mesma mesmas mismo misma repete repetindo repetem repetes repite repites repeat again novo
    novamente dnv nuevo""",
    "K": "keep keeps kept so sempre siempre always solo only fica ficam",
    "E": "errado errada wrong incorrect equivocada equivocado mal incorreta irrelevant nonsense",
    "I": """inutil inuteis useless burro burra burros ruim horrivel horrible pessimo pessima pesimo pesima lixo
    terrivel terrible stupid dumb awful idiota tonto malo mala garbage pointless frustrating frustrante ridiculous
    ridiculo porcaria desastre fraco hopeless worthless
    estupido""",
    "Z": "nada nothing anything",
    "b": "answer",
    "M": "misunderstood misunderstand misread misreading misunderstanding ignoring ignorando ignora ignorou",
    "Q": "pergunta question pregunta duvida",
    "p": "problema problem issue caso",
    "c": "continua continuo sigue sigo continuam",
    "f": "vezes times veces",
    "g": "ask",
    "r": "falar dizer responder repetir repita repetirlo explicar perguntar preguntar decir decirlo tell",
}
"""By letter. `x`: any other word. English words beside `L` are as well one's own: "I don't understand the manual"."""
_LETTER = {word: letter for letter, words in _LETTERS.items() for word in words.split()}
_DROPPED = frozenset(
    """o a os as um uma el la lo los las un una the me mim te lhe le nos us de do da em en na muito mucho muy very
    really even still ainda todavia aun clearly just actually completely totally so far mesmo sequer mas but
    pero y and ok well sorry desculpa perdon ah aff nossa cara olha mira poxa hein kkk kk mds ugh hmm entao
    entonces ta tal minha meu my mi mine seu sua tu your esse essa este esta ai aqui agora tambem tb bem also
    too tan tao coisa coisas cosa thing acho creo think as like meu deus dios para at all either por to
    """.split()  # noqa: SIM905
) - {"ta", "tu", "esta", "so"}
"""What says nothing either way."""
_COMPLAINS = re.compile(
    "|".join(
        (
            "NA*T?O?[PU]?A*[Gg]|^P?NA*S|NA*T?OP?A*[SD]",  # not what I asked
            "^(?:T?NA*T|TNA+|T?AN)$|NA+T$",  # that's not it
            "[UB]A*NA*[VLWb]|U[AJK]*M|[UB][xK]NA*V|UA*xNA*V|AUx?L|Ux?VO|U[xA]?VE",  # you don't understand
            "^[cTOA]*B?A*NA*V|^T?A*Nb",  # not helpful
            "^[cTBU]?A*NA*W[ZTRpx]?[ZTRp]?$|FT?A?NA*W|^xNA*W$|cN[VW]|c(?:R|E|x?R?p)|^AN$",  # still not working
            "J[AP]*[SG]|^P?A*G(?!.*E)|^x?PA*S|^SO|^S$|tUJ|PJtU|JtU|PtU|PStU",  # I already told you
            "TP?Jn|JnTO?$|JnO|^PnT|^T?P?(?:JFT?|FTJ?)(?:N|Z|$)|^FT",  # I know that, I tried that
            "UJ[SstV]|^TU?J[sSt]|K[AU]*[sSV]?x?R|KA*[sSr]|UR|R[Bb]|[sV]R",
            "^R+T?$|^TR$|^RT",  # you repeat yourself
            "f.*[rsSGg]",  # how often must I ask
            "[Bb]A*E|E[Bb]|^N?T?A*ER?$|VE|UxTE",  # wrong answer
            "[BUT][AOK]*I|Ix?[Bb]|^[OTA]*I$",  # useless
            "NA*T?Q|N[xVA]*Q|^QA|^x?[Vb]Q|V.?Q$",  # not my question
        )
    )
)
_PHRASES = (
    "nada a ver", "nada haver", "nada que ver", "no tiene que ver", "nothing to do", "voce nao le", "vc nao le",
    "can you read", "sabe ler", "perda de tempo", "perdida de tiempo", "waste of", "obrigado por nada",
    "obrigada por nada", "thanks for nothing", "gracias por nada", "presta atencao", "pay attention",
    "presta atencion", "preste atencion", "leia o que", "leia minha", "leia a minha", "le o que eu", "leia de novo",
    "lee lo que", "lea lo que", "lee bien", "read again", "read what i", "cualquier cosa", "para de repetir",
    "stop repeating", "deja de repetir", "no help", "did that already", "already did", "i did that",
    "missing the point", "not an answer", "nao e resposta", "no es una respuesta", "off topic", "me rindo", "desisto",
    "i give up", "outra vez isso", "otra vez lo mismo", "got it wrong", "got me wrong", "de novo isso", "that again",
    "again with", "otra vez eso", "sin respuesta", "sem resposta",
)  # fmt: skip
"""What is a complaint as it stands."""
_ZH = (
    "答非所问|牛头不对马嘴|驴唇不对马嘴|文不对题|鸡同鸭讲|对牛弹琴|复读机|听不懂人话|不知所云|莫名其妙|胡说八道"
    "|乱七八糟|浪费(?:我的?)?时间|敷衍|废话|无语|你在说什么|白问|等于没说|说了跟没说",
    "你们?(?:都|又|还是?|根本|完全|怎么|到底|是不是|就|并|真的?|好像|似乎)*(?:没有?|不|听不|看不|没法)"
    "(?:听|看|理解|明白|搞懂|弄懂|懂|回答|解决|帮)|(?:到底|究竟)(?:听|看)?懂不懂"
    "|你(?:到底)?有(?:没有)?在?(?:听|看)|能(?:不能)?听懂",
    "(?:没有?|不)(?:正面|直接)?回答(?:我|问题|吗|$)|(?:好好|认真|正面|直接|先)回答|^回答我|(?:认真|仔细"
    "|看)(?:看|清楚|读)(?:我|题|问题)",
    "不是(?:在|要|想)?问(?:你)?(?:这|那)|不是我(?:要|想)?(?:问|说|知道)的|我(?:要|想)?[问说]的(?:不是|是)"
    "|我没有?问|没问(?:你)?(?:这|那)|我(?:是|在|就是|明明)(?:在)?问|我明明(?:说|问)|不是(?:这个|那个|我的)意思"
    "|不是这个问题|我的问题是",
    "(?:跟|和|与)我?.{0,6}(?:没|无|不相)(?:有)?关系|理解错|(?:听|搞|弄)错(?:了)?(?:我|意思)|你(?:听|搞|弄)错了",
    "(?:说|问|讲|重复)(?:了|过)(?:多少|好几?|很多|几|无数|两|三)(?:遍|次)|我说过了|试过了|我再说一遍"
    "|(?:已经|早就?|刚才?|都)(?:跟你|和你)?(?:说|讲|问|试)(?:过)?了",
    "还是(?:不行|不对|没用|没有?解决|一样|没有用|不能|那样)|又来了|又是(?:这|同|一样)|又说(?:一样|同样|这)"
    "|(?:老是|总是|一直|只会|就会)(?:说|重复|回复|发)|别(?:再)?重复|有没有(?:在)?(?:看|听|读)(?:懂|清)?我"
    "|一样的(?:话|回答|答案)",
    "(?:^|这|根本|完全|一点都?|说了|都|也|还是|真|太)没用(?:啊|的|呀|吧)?$"
    "|(?:没有?|不)(?:什么|任何)?(?:帮助|用处)(?:啊|的)?$|解决不了|(?:没有?|不能)解决(?:我的|任何)?问题"
    "|帮不(?:了|到|上)",
    "^(?:都|完全|还是)?不对(?:啊|吧|的)?$|(?:你|机器人|客服)(?:也|真是|是)?(?:太|真|好|很)?(?:笨|蠢|傻|垃圾"
    "|差劲|智障)|什么垃圾",
)
_ZH_COMPLAINS = re.compile("|".join(_ZH))
_SUPPOSED = re.compile(
    r"^(?:(?:e|y|and|but|mas|pero|o que acontece|what) )*(?:se|caso|si|if|when|quando|cuando)\b(?! que)"
    "|如果|要是|假如|万一|的话"
)
_TOLD = re.compile(
    r"\b(?:ele|ela|eles|elas|he|she|they|el|ella|ellos|(?:o|um|uma|meu|minha|my|the|mi|la|un|una) (?!que\b)\w+)"
    r" (?:me |ja |ya )?(?:disse|disseram|falou|falaram|diz|dizem|escreveu|said|says|told|tells|dijo|dijeron"
    r"|dice|dicen)\b"
    r"|\b(?:falei|disse|perguntei|expliquei|falando) (?:com|pr[aoi]s?|para|aos?|na|no|sobre)\b"
    r"|\b(?:dije|pregunte|explique|mencione) (?:al?|con) (?!ustedes|usted)|\bi (?:already |just )?(?:said|told|asked) "
    r"(?:my \w+ (?:to|about|if|for|the|you)|to|him|her|them|yes|my sister)\b"
    "|(?:他|她|老板|朋友|妈|说明书?|上面)(?:说|写)"
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』|(?m:^[ \t]*>.*$)|`[^`\n]*`")
_CLAUSE = re.compile(r"[.!?;,\n…。！？，；]+")
_QUOTES = re.compile('["“«「『>`]')
_MARKS = re.compile("[\u0300-\u036f'’]+")
_WORDS = re.compile(r"\w+")
_HAN = re.compile(r"[\u3400-\u9fff]")
LONGEST = 600
"""Characters of a burst that are looked at, the last ones: who complains does so in a few words."""

# -- questions ---------------------------------------------------------------------------------------

_KINDS = {
    word: words.split()[0]
    for words in (
        "quando when cuando",
        "onde aonde cade kd where wheres donde",
        "quanto quantos quanta quantas qto cuanto cuantos cuanta cuantas",
        "quem who quien quienes",
        "como how",
        "porque pq why",
    )
    for word in words.split()
}
"""What is asked for; "when do you open" is not "where do you open"."""
_ASKS = frozenset(
    """quero queria preciso gostaria want need wanna quiero quisiera necesito qual quais what whats which cual cuales
    tem have has tienen hay tiene passa passe manda mande envia give send show dime diga""".split()  # noqa: SIM905 - a page of words reads better than a page of quotes
)
_EMPTY = _ASKS | frozenset(
    """a o as os um uma uns umas de do da dos das em no na nos nas por pelo pela pelos pelas para pra pro pras pros
    com e ou mas que q se eu me meu minha meus minhas seu sua voce voces vc vcs ele ela isso esse essa este esta
    isto la ai aqui ja so entao nao n sim ok saber dizer diz diga fala falar informar pode poderia podem posso
    consigo ser foi eh sao esta estao ta to estou tenho ter vai agora ainda mesmo tambem muito obrigado obrigada
    obg valeu ajuda ajudar por favor pfv pf oi ola opa alo bom boa dia tarde noite tudo bem gente moca moco
    senhor senhora menu voltar inicio principal start the an and or but of in on is are was be i im id am my
    mine it its this that these those there you u your ur do does did dont not no yes to for from with so at as
    if can could would will please pls plz know tell let get just still now hi hello hey thanks thank thx good
    morning afternoon evening help back again really ask asking passa passe manda mande envia give send show
    entonces entao queda quedan fica ficam encuentra located el los las unos unas y del al en con sin mi mis su
    sus tu tus yo lo le les es son era esta estan puedo puede pueden si pero decir dime digame favor porfa hola
    buenas buenos dias tardes noches gracias ayuda
    """.split()  # noqa: SIM905
)
_EMPTY_HAN = frozenset("请问你您们吗呢啊呀吧的了是我想要能可以会有没就还那这个麻烦下到底嘛谢好早上晚安")
_PUT = re.compile(r"[?？]|吗|呢|多少|怎么|什么|哪|几|有没有")
_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
_THANKS = re.compile(
    r"obrigad|valeu|vlw|thank|thx|gracias|谢|agora sim|ahora si|perfe|funcionou|resolveu|resolvid|worked|可以了|好了"
)
REPLIES = 2
"""Answers to what the assistant asked back that may stand in a row of failures."""
NEAR = 0.83
"""How like two words of five letters and more must be to be one, spelled differently: "entrega" and "entregar" are,
"preta" and "prata" are not."""


@dataclass(frozen=True, slots=True)
class _Question:
    words: frozenset[str]
    """What it is about."""
    kinds: frozenset[str]
    asks: bool
    """It is put as a question or a wish, or says enough to be one."""
    length: int
    """Of the burst, in characters."""


@dataclass(slots=True)
class _Talk:
    """The contact's bursts, oldest first, and how the answer before each of them ended."""

    bursts: list[str] = field(default_factory=list)
    asked_back: list[bool] = field(default_factory=list)
    questions: dict[int, _Question | None] = field(default_factory=dict)
    plain: dict[int, str] = field(default_factory=dict)

    def question(self, n: int) -> _Question | None:
        if n not in self.questions:
            self.questions[n] = _question(self.bursts[n])
        return self.questions[n]

    def may_ask(self, n: int, asked: _Question) -> bool:
        """A quick look: every word of the question may be in this burst, and not much more."""
        if len(self.bursts[n]) > asked.length * 3 + 40:
            return False
        if n not in self.plain:
            self.plain[n] = _plain(self.bursts[n])
        return all(word[:3] in self.plain[n] for word in asked.words)


def keeps_failing(history: Sequence[Utterance], burst: str, after: int, *, shown: bool = False) -> bool:
    """Whether the answers failed this customer `after` times: in a row up to now by complaints and repeated
    questions, or by the present question, which was asked so often before. 0: it is not looked at.

    `history`: what was said before, oldest first; what stands before a person's word counts no more. Between two
    failures lies an answer. `burst`: what the contact wrote now. `shown`: a picture or file came with it, so the same
    words ask about something else.

    >>> said = [("contact", "qual o prazo?"), ("assistant", "Pix."), ("contact", "não é isso"), ("assistant", "Visa.")]
    >>> keeps_failing([Utterance(role, text) for role, text in said], "você não entendeu", 2)
    True
    """
    if not after or not (talk := _talk(history, burst)).bursts[:-1]:
        return False
    if shown:
        talk.questions[len(talk.bursts) - 1] = None
    return _in_a_row(talk, after) or _askings(talk, len(talk.bursts) - 1) >= after


def complains(text: str) -> bool:
    """The customer says that an answer was none, in pt-BR, English, Spanish or Chinese.

    >>> complains("aff, vc não me entendeu"), complains("se isso não resolver, posso devolver?")
    (True, False)
    """
    said = _plain(text[-LONGEST:])
    return any(map(_complains, _CLAUSE.split(said)))


def _complains(clause: str) -> bool:
    words = _WORDS.findall(clause)
    if not words:
        return False
    plain = " ".join(words)
    letters = "".join([_LETTER.get(word, "x") for word in words if word not in _DROPPED])
    found = _COMPLAINS.search(letters) or any(phrase in plain for phrase in _PHRASES)
    if not found and not (_HAN.search(plain) and _ZH_COMPLAINS.search(plain)):
        return False
    return not _SUPPOSED.search(plain) and not _TOLD.search(plain)


@lru_cache(maxsize=64)  # a burst is looked at from three sides
def _plain(text: str) -> str:
    """Without what is quoted; lower case, without accents and apostrophes."""
    said = _QUOTED.sub(" ", text) if _QUOTES.search(text) else text
    return _MARKS.sub("", unicodedata.normalize("NFKD", said.lower()))


def _talk(history: Sequence[Utterance], burst: str) -> _Talk:
    """Since the last person's word. What nobody answered is one with what came after it."""
    talk, answer = _Talk(), ""
    last = max((n for n, said in enumerate(history) if said.role == "person"), default=-1)
    for said in (*history[last + 1 :], Utterance("contact", burst)):
        if said.role != "contact":
            answer = said.text
            talk.bursts = talk.bursts or [""]
            talk.asked_back = talk.asked_back or [False]
        elif talk.bursts and not answer:
            talk.bursts[-1] += f"\n{said.text}"
        else:
            talk.bursts.append(said.text)
            talk.asked_back.append(answer.rstrip().endswith(("?", "？")))
            answer = ""
    return talk


def _in_a_row(talk: _Talk, after: int) -> bool:
    failures = replies = 0
    for n in range(len(talk.bursts) - 1, 0, -1):
        if complains(talk.bursts[n]) or _askings(talk, n):
            failures += 1
            if failures == after:
                return True
        elif not failures or replies == REPLIES or not _replies(talk, n):
            return False
        else:
            replies += 1
    return False


def _replies(talk: _Talk, n: int) -> bool:
    """It only answers what the assistant asked back: that ends no row."""
    if not talk.asked_back[n]:
        return False
    said = _plain(talk.bursts[n])
    return not said.rstrip().endswith("?") and not _THANKS.search(said)


def _askings(talk: _Talk, n: int) -> int:
    """How often the question of this burst had been asked before it."""
    asked = talk.question(n)
    if asked is None or not asked.asks:
        return 0
    return sum(talk.may_ask(m, asked) and _same(asked, talk.question(m)) for m in range(n))


def _question(text: str) -> _Question | None:
    """None where too little is asked to know it again: a yes, a number, a courtesy, a word of a menu."""
    if len(text) > LONGEST:
        return None
    plain = _plain(text)
    found = set(_WORD.findall(plain))
    words = frozenset(found - _EMPTY - _EMPTY_HAN - _KINDS.keys())
    kinds = frozenset(_KINDS[word] for word in found & _KINDS.keys())
    told = sum(not word.isdigit() for word in words)
    asks = bool(kinds) or not found.isdisjoint(_ASKS) or _PUT.search(plain) is not None
    enough = (3 if _HAN.search(plain) else 2) - asks
    return _Question(words, kinds, told >= enough, len(text)) if told else None


def _same(one: _Question, other: _Question | None) -> bool:
    if other is None:
        return False
    if one.kinds and other.kinds and one.kinds != other.kinds:
        return False
    if one.words == other.words:
        return True
    left, right = one.words - other.words, other.words - one.words
    if len(left) != len(right) or len(left) > 2:
        return False
    return all(any(_near(word, like) for like in right) for word in left)


def _near(word: str, like: str) -> bool:
    if min(len(word), len(like)) < 5 or word[0] != like[0]:
        return False
    if re.findall(r"\d", word) != re.findall(r"\d", like):
        return False  # "iphone12" and "iphone13" are two things
    return SequenceMatcher(None, word, like, autojunk=False).ratio() >= NEAR
