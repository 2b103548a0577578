import pytest

from gateway.config import OptOut
from gateway.rules.opting import wants_back, wants_out


@pytest.mark.parametrize(
    "text",
    ["parar", "PARAR", " Parar! ", "*sair*", "STOP", "/stop", "退订", "退订。", "cancelar  inscricao", "Baja"],
)
def test_one_of_the_words_and_nothing_else_opts_out(text: str) -> None:
    assert wants_out(["oi", text], OptOut())


@pytest.mark.parametrize(
    "text",
    [
        "quero parar de fumar, qual adesivo?",
        "a que horas posso sair?",
        "stop sending me the blue one, send the red one",
        "parada",
        "baja talla?",
        "我要退订吗",
        "",
        "?",
    ],
)
def test_the_word_within_a_question_does_not(text: str) -> None:
    assert not wants_out([text], OptOut())


def test_the_queue_chooses_its_words() -> None:
    words = OptOut(words=("chega",), back=("volta",))
    assert wants_out(["Chega!"], words)
    assert not wants_out(["parar"], words)
    assert wants_back(["volta"], words)
    assert not wants_back(["voltar"], words)
    assert not wants_out(["..."], OptOut(words=("!",)))
