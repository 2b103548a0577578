"""What is said and what is written, as tables. Those in golden/ were written from the languages, not from the code."""

from __future__ import annotations

import re
import signal
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tts.speakable as speaking
from tts.speakable import companion, numbers, speakable
from tts.speakable.dictionary import dictionary as compiled
from tts.speakable.tongues import TONGUES

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = {"pt": "pt-BR", "en": "en-US", "es": "es", "zh": "zh-CN"}


def _golden(name: str) -> list[tuple[str, ...]]:
    """Written, spoken, companion."""
    rows = (GOLDEN / f"{name}.tsv").read_text("utf-8").splitlines()
    return [tuple(cell.replace("\\n", "\n") for cell in row.split("\t")) for row in rows]


CASES = [(name, *row) for name in LANGUAGES for row in _golden(name)]


@pytest.mark.parametrize(("name", "written", "spoken", "companion"), CASES)
def test_said(name, written, spoken, companion):
    found = speakable(written, LANGUAGES[name])
    assert (found.spoken, found.companion) == (spoken, companion)


@pytest.mark.parametrize("name", LANGUAGES)
def test_there_are_enough_cases_and_none_twice(name):
    written = [row[0] for row in _golden(name)]
    assert len(written) == len(set(written)) >= 150


def test_an_address_is_said_and_written():
    found = speakable("Ficamos na Rua Augusta, 1200, São Paulo.", "pt-BR")
    assert found.companion == "Rua Augusta, 1200, São Paulo"
    assert found.spoken == "Ficamos na Rua Augusta, mil e duzentos, São Paulo."


def test_what_is_part_of_another_line_is_not_written_twice():
    found = speakable("Rua Augusta, 1200, CEP 01310-100", "pt-BR")
    assert found.companion == "Rua Augusta, 1200, CEP 01310-100"


@pytest.mark.parametrize(("text", "spoken"), [("", ""), ("😀", ""), (" \n", ""), ("...", ""), ("---", "")])
def test_nothing_sayable_is_empty(text, spoken):
    assert speakable(text, "pt-BR").spoken == spoken


@pytest.mark.parametrize("language", ["pt-BR", "en", "es", "zh", "fr"])
def test_audio_tags_are_kept_only_for_who_understands_them(language):
    assert "laugh" not in speakable("[laughs] Ok [short pause] ok", language).spoken
    kept = speakable("[laughs] Ok [short pause] ok [1] [ok]", language, tags=True).spoken
    assert kept.startswith("[laughs] Ok [short pause] ok")
    assert kept.count("[") == 2


def test_a_link_that_looks_like_a_tag_is_a_link():
    assert speakable("[laughs](https://x.com/a)", "en", tags=True).companion == "laughs: https://x.com/a"


def test_a_tag_alone_says_nothing():
    assert speakable("[laughs]", "en").spoken == speakable("[laughs] [short pause]", "en", tags=True).spoken == ""


def test_code_in_a_list_is_code():
    found = speakable("1. Rode:\n    ```sh\n    recado check\n    ```", "pt")
    assert found == speakable("1. Rode:\n```sh\n    recado check\n```", "pt")
    assert found.companion.strip() == "recado check"


@pytest.mark.parametrize(("language", "text"), [("pt", "Temos azul, verde,"), ("zh", "我们有蓝色，绿色，")])
def test_what_was_cut_at_a_comma_goes_on(language, text):
    assert speakable(text, language).spoken == text


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("pt", "Entregamos em até 48h.", "Entregamos em até quarenta e oito horas."),
        ("pt", "São 31 h úteis, não 124h.", "São trinta e uma horas úteis, não cento e vinte e quatro horas."),
        ("pt", "Abre às 10h e fecha às 24h.", "Abre às dez horas e fecha às vinte e quatro horas."),
        ("en", "Within 24h, at most 48 h.", "Within twenty four hours, at most forty eight hours."),
        ("es", "En 48h o 72 h.", "En cuarenta y ocho horas o setenta y dos horas."),
        ("zh", "48h内发货", "四十八小时内发货。"),
    ],
)
def test_how_long_is_no_time_of_the_day(language, written, spoken):
    assert speakable(written, language).spoken == spoken


# -- a queue's own words ---------------------------------------------------------------------------

OWN = {
    "WhatsApp": "uotsápi",
    "iPhone": "aifone",
    "iPhone 15 Pro": "aifone 15 pró",
    "SAP": "essi ei pi",
    "Recado": "Récado",
    "RECADOS": "os récados",
    "P&D": "pê e dê",
    "C++": "cê mais mais",
    "C": "cê",
    "24h": "dia e noite",
    "Dr. Zap": "doutor Zép",
    "RTX4090": "erre tê xis 4090",
    "Galaxy S24FE": "gálaxi",
    "PED": "pedido",
    "Nova Iguaçu": "Nôva Iguassú",
    "café": "cafê",
    "Wi-Fi": "uai fai",
    "récado": "nunca",
    "微信": "威信",
    "Zoë": "/ˈzoʊi/",
    "laughs": "nunca",
    "b": "nunca",
}


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Fale no WhatsApp.", "Fale no uotsápi."),
        ("Fale no whatsapp.", "Fale no whatsapp."),  # its capitals are part of the name
        ("O iPhone custa R$ 10.", "O aifone custa dez reais."),
        ("O iPhone 15 Pro chegou.", "O aifone quinze pró chegou."),  # the longest first, its digits in words
        ("Use o SAP. Não sap.", "Use o essi ei pi. Não sap."),
        ("O recado, o RECADO e o Recado.", "O Récado, o Récado e o Récado."),  # not looked up again
        ("Recadinho e recados", "Recadinho e os récados."),
        ("A área de P&D fica aqui.", "A área de pê e dê fica aqui."),
        ("Sei C++ e C.", "Sei cê mais mais e cê."),
        ("Aberto 24h, das 9h às 124h.", "Aberto dia e noite, das nove horas às cento e vinte e quatro horas."),
        ("O Dr. Zap e o Dr. João.", "O doutor Zép e o doutor João."),
        ("A placa RTX4090 chegou.", "A placa erre tê xis quatro mil e noventa chegou."),
        ("O Galaxy S24FE chegou.", "O gálaxi chegou."),
        ("De Nova\nIguaçu", "De Nôva Iguassú."),
        ("Um café e um cafe.", "Um cafê e um cafe."),  # accents count
        ("O wi-fi é grátis.", "O uai fai é grátis."),
        ("**WhatsApp** e _iPhone_", "uotsápi e aifone."),
        ("- WhatsApp\n- iPhone", "uotsápi. aifone."),
        ("2 iPhone, 3 WhatsApp", "dois aifone, três uotsápi."),
        ("A Zoë chegou.", "A Zoë chegou."),  # IPA is for the models that read it
        ("[laughs] Oi <b>SAP</b>", "Oi essi ei pi."),
        ("用微信联系", "用威信联系。"),
    ],
)
def test_a_queue_says_its_own_words(written, spoken):
    assert speakable(written, "pt-BR", dictionary=OWN).spoken == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("请用微信联系，价格2元。", "请用威信联系，价格两元。"),
        ("请用WhatsApp联系", "请用uotsápi联系。"),
        ("买iPhone 15 Pro吧", "买aifone 十五 pró吧。"),
    ],
)
def test_in_chinese_a_word_needs_no_end(written, spoken):
    assert speakable(written, "zh-CN", dictionary=OWN).spoken == spoken


@pytest.mark.parametrize(
    ("written", "companion"),
    [
        ("Veja https://x.com/WhatsApp/iPhone.", "https://x.com/WhatsApp/iPhone"),
        ("Escreva a recado@x.com", "recado@x.com"),
        ("Código PED-2026-01", "PED-2026-01"),
        ("[WhatsApp](https://wa.me/1)", "WhatsApp: https://wa.me/1"),
        ("```\nSAP\n```", "SAP"),
        ("| SAP | 1 |\n|---|---|\n| C | 2 |", "| SAP | 1 |\n|---|---|\n| C | 2 |"),
    ],
)
def test_what_is_written_beside_is_as_it_was(written, companion):
    found = speakable(written, "pt-BR", dictionary=OWN)
    assert found.companion == companion
    assert "pedido" not in found.spoken
    assert found.companion == speakable(written, "pt-BR").companion


def test_ipa_survives_for_models_that_read_it():
    said = speakable("[laughs] A Zoë, 2 vezes, e o iPhone.", "pt-BR", tags=True, dictionary=OWN).spoken
    assert said == "[laughs] A /ˈzoʊi/, duas vezes, e o aifone."
    said = speakable("Zoë", "en", tags=True, dictionary={"Zoë": " /ˈzo :1ʊi  b/"}).spoken
    assert said == "/ˈzo :1ʊi  b/."


def test_a_language_nobody_knows_has_its_words_too():
    assert speakable("Ja, WhatsApp.", "nl", dictionary=OWN).spoken == "Ja, uotsápi."


def test_the_letters_that_stand_for_words_may_be_in_the_text():
    assert speakable("\U00012000 SAP", "pt", dictionary=OWN).spoken == "\U00012000 essi ei pi."


def test_no_word_no_change():
    assert speakable("Oi, Zoë.", "pt", dictionary={"": "x", "Zoë": "/a/"}) == speakable("Oi, Zoë.", "pt")


def test_a_thousand_words_are_compiled_once():
    own = {f"palavra{n}": f"dita {n}" for n in range(1000)}
    assert compiled(tuple(own.items()), False) is compiled(tuple(dict(own).items()), False)
    assert speakable("palavra7 e palavra77", "pt", dictionary=own).spoken == "dita sete e dita setenta e sete."


def test_words_are_found_once_for_each_voice_language_and_dictionary(monkeypatch):
    asked = []
    lines = speaking.lines
    monkeypatch.setattr(speaking, "lines", lambda text: asked.append(text) or lines(text))
    for _ in range(2):
        assert speakable("Custa 5,50 no Zoë.", "pt").spoken == "Custa cinco vírgula cinquenta no Zoë."
        assert speakable("Custa 5,50 no Zoë.", "es").spoken == "Custa cinco coma cincuenta no Zoë."
        assert speakable("Custa 5,50 no Zoë.", "pt", dictionary={"Zoë": "zô"}).spoken.endswith("no zô.")
        assert speakable("Custa 5,50 no Zoë.", "pt", dictionary={"Zoë": "zu"}).spoken.endswith("no zu.")
    assert len(asked) == 4


# -- what holds for every text ---------------------------------------------------------------------

_PIECES = st.sampled_from(
    ["R$ 1.299,90", "$4.90", "10%", "9h", "18:30", "10 am", "25/12/2026", "1º", "2ª", "3rd", "2,5 kg", "1.2.3", "A4",
     "00123", "12x3", "- ", "\n", " ", ", ", "e", "-", "(", ")", "**", "R$", "%", "h", "/", "9", "1234567890", "²",
     "½", "1/2 ", "#", "|", "`", "[", "](", "https://x.com/a", "a@b.com", "¥", "℃", "年", "2个", "第", "XIV", "século ",
     "Sr.", "etc.", "seg-sex", "p. m.", "+", "=", "5'10\"", "-5", "①", "٣", "½ kg", "[laughs]", "~", "_", "😀",
     "m", "mil", "K", "M", " millones", " million", "km/h", "kg", "/mês", "/mes", "/month", "/月", "€", "折", "lojas",
     " personas", "Dec 24", " de maio", "1 de ", "in 1998", "1990s", "24/7", "º", "ª", "×", "万", "点", "Carlos ", "II"]
)  # fmt: skip
_TEXTS = st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=12).map("".join))


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh", "fr", ""]), st.booleans())
def test_any_text_is_survived(text, language, tags):
    spoken = speakable(text, language, tags=tags).spoken
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Cf", "Co") for letter in spoken)


_KEYS = st.one_of(
    st.text(min_size=1, max_size=6), st.sampled_from(["m", "R$", "10%", "Carlos", "II", "e", "½", "2个", "["])
)
_OWN = st.dictionaries(_KEYS, st.sampled_from(["uns", "2 b", "", "/a1/", "m", "\\g<0>", "[x]", "点"]), max_size=5)


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh", "fr"]), st.booleans(), _OWN)
def test_any_dictionary_is_survived(text, language, tags, own):
    found = speakable(text, language, tags=tags, dictionary=own)
    assert not any("\U00012000" <= letter <= "\U00012399" for letter in set(found.spoken) - set(text))


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh", "fr"]), _OWN)
def test_the_companion_alone_is_that_of_the_words(text, language, own):
    assert companion(text, language, dictionary=own) == speakable(text, language, dictionary=own).companion


@given(_TEXTS.map(lambda text: re.sub("[0-9½⅓⅔¼¾]", "", text)), st.sampled_from(["pt", "en", "es"]))
@example("no século XIV, dia I de maio, João II", "pt")
@example("R$/kg, ٣ # a", "pt")
@example("a + b & c", "en")
def test_what_is_looked_for_in_numbers_alone_changes_no_other_text(text, language):
    spared, tongue = numbers.in_words(text, TONGUES[language]), TONGUES[language]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "_COUNTS", re.compile(""))
        assert numbers.in_words(text, tongue) == spared


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh"]))
def test_no_digit_and_no_mark_is_left_for_the_engine(text, language):
    spoken = speakable(text, language).spoken
    assert not any(unicodedata.digit(letter, None) is not None for letter in spoken)
    assert not re.search(r"[*`~|#_<>{}\\^\[\]\u2190-\u21ff\u2600-\u27bf\U0001f000-\U0001faff]|://|www\.", spoken)


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh"]))
def test_words_are_never_lost_to_silence(text, language):
    if re.search(r"[a-z\u4e00-\u9fff]{3}", re.sub(r"\[[^\]]*\]|<[^>]*>|【[^】]*】", "", text)):
        found = speakable(text, language)
        assert found.spoken


@given(_TEXTS, st.sampled_from(["pt-BR", "en", "es", "zh"]))
def test_saying_it_again_soon_changes_nothing(text, language):
    again = speakable(speakable(text, language).spoken, language).spoken
    assert speakable(again, language).spoken == speakable(speakable(again, language).spoken, language).spoken


_WORDS = ["casa", "perto", "shop", "closed", "tienda", "abierta", "好", "的", "olá", "adiós"]


@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=8))
def test_plain_words_are_left_alone(words):
    text = " ".join(words) + "!"
    if not re.search(r"[\u4e00-\u9fff]", text):
        assert {speakable(text, language).spoken for language in LANGUAGES} == {text}


_LONG = ["a", "1", "1.", "1,", "a.", "a-", "-", "[", "](", "【", "<a", "|", "`", "```\n", "*", "_", "#", "@", "a@", "/",
         "1/", "1:", " ", "\n", "R$", "R$ 1", "+", "+1 ", "(1) ", "1-", "A1-", "A", "1A", "https://", "www.", "Rua A ",
         "X", "século ", "第", "2", "1到", "¥", "½", "%", ":", "'", '"', "1'", "h", "1h", "p. ", "1 a ", "1 de ", "¥1-",
         "000201", "AB12 ", "|a|\n", "- ", "> ", "1. ", "～", "1~", "I"]  # fmt: skip


def _too_much(signum: int, frame: object) -> None:
    raise AssertionError("more than its length")


@pytest.mark.parametrize(("language", "first"), [(name, n) for n, name in enumerate(LANGUAGES)])
def test_long_texts_cost_their_length(language, first):
    """Processor time, not the clock. A search that looks back needs minutes for what takes five seconds."""
    before = signal.signal(signal.SIGVTALRM, _too_much)
    signal.setitimer(signal.ITIMER_VIRTUAL, 25)
    try:
        for piece in _LONG[first :: len(LANGUAGES)]:
            speakable((piece * 100_000)[:100_000], language)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("text", ["Da cıa. Silva", "ſeg-ſex", "Seg a ſex", "R$ 5 mılhões", "R$ 3 milhõeſ", "uſd 5"])
@pytest.mark.parametrize("language", LANGUAGES.values())
def test_letters_that_are_the_same_only_for_a_search_are_no_trouble(text, language):
    assert speakable(text, language).spoken
