"""What is said and what is written, as tables."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.speakable import speakable

PT = [
    ("Custa R$ 1.299,90.", "Custa mil duzentos e noventa e nove reais e noventa centavos."),
    ("R$ 1", "um real."),
    ("R$ 0,50", "cinquenta centavos."),
    ("R$ 0,01", "um centavo."),
    ("R$1.000.000,00", "um milhão de reais."),
    ("US$ 20", "vinte dólares."),
    ("10% de desconto", "dez por cento de desconto."),
    ("2,5%", "dois vírgula cinco por cento."),
    ("Das 9h às 18h.", "Das nove horas às dezoito horas."),
    ("às 14:30", "às catorze horas e trinta."),
    ("à 1h", "à uma hora."),
    ("às 22h15", "às vinte e duas horas e quinze."),
    ("dia 01/12", "dia primeiro de dezembro."),
    ("25/12/2026", "vinte e cinco de dezembro de dois mil e vinte e seis."),
    ("1º andar", "primeiro andar."),
    ("2ª via", "segunda via."),
    ("2 kg", "dois quilos."),
    ("1 kg", "um quilo."),
    ("2,5 km", "dois vírgula cinco quilômetros."),
    ("2 horas", "duas horas."),
    ("21 lojas", "vinte e uma lojas."),
    ("10-15 dias", "dez a quinze dias."),
    ("1.234 itens", "mil duzentos e trinta e quatro itens."),
    ("-5 graus", "menos cinco graus."),
    ("# Trocas\n\nTroque em **7 dias**.", "Trocas. Troque em sete dias."),
    ("- um\n- dois", "um. dois."),
    ("1. Abra\n2. Feche", "Abra. Feche."),
    ("Pronto! 😀👍🏽", "Pronto!"),
    ("Sim [politica.md §3].", "Sim."),
    ("Sim【4:0†faq.md】.", "Sim."),
    ("_Claro_, `agora`", "Claro, agora."),
]
EN = [
    ("It costs $4.90.", "It costs four dollars and ninety cents."),
    ("$1", "one dollar."),
    ("$0.01", "one cent."),
    ("£2", "two pounds."),
    ("$1,234", "one thousand two hundred and thirty four dollars."),
    ("10% off", "ten percent off."),
    ("2.5%", "two point five percent."),
    ("10 am", "ten a m."),
    ("5:30 pm", "five thirty p m."),
    ("9:05", "nine oh five a m."),
    ("17:00", "five p m."),
    ("1st floor", "first floor."),
    ("the 22nd", "the twenty second."),
    ("12/24/2026", "December twenty fourth, twenty twenty six."),
    ("2026-07-04", "July fourth, twenty twenty six."),
    ("5 kg", "five kilograms."),
    ("1 lb", "one pound."),
    ("3.14 km", "three point one four kilometers."),
    ("1,234 items", "one thousand two hundred and thirty four items."),
    ("5-7 days", "five to seven days."),
    ("-5 degrees", "minus five degrees."),
    ("version 1.2.3", "version one, two, three."),
    ("007", "zero zero seven."),
    ("# Returns\n\nWithin **30 days**.", "Returns. Within thirty days."),
    ("* one\n* two", "one. two."),
    ("Done! 🎉", "Done!"),
    ("Yes [faq.md §2].", "Yes."),
    ("Yes[1].", "Yes."),
    ("> quoted", "quoted."),
    ("a\n\n---\n\nb", "a. b."),
]
ES = [
    ("Cuesta 1.299,90 €.", "Cuesta mil doscientos noventa y nueve euros con noventa céntimos."),
    ("1 €", "un euro."),
    ("$ 21", "veintiún pesos."),
    ("0,01 €", "un céntimo."),
    ("US$ 5", "cinco dólares."),
    ("50 %", "cincuenta por ciento."),
    ("2,5 %", "dos coma cinco por ciento."),
    ("a las 9h", "a las nueve horas."),
    ("a las 18:30", "a las dieciocho y treinta."),
    ("a la 1h", "a la una hora."),
    ("10 am", "diez de la mañana."),
    ("5 p. m.", "cinco p. m."),
    ("1/5/2026", "uno de mayo de dos mil veintiséis."),
    ("25/12", "veinticinco de diciembre."),
    ("2026-07-04", "cuatro de julio de dos mil veintiséis."),
    ("1º piso", "primer piso."),
    ("2ª vez", "segunda vez."),
    ("1 kg", "un kilo."),
    ("21 kg", "veintiún kilos."),
    ("31 días", "treinta y un días."),
    ("21 tiendas", "veintiuna tiendas."),
    ("2,5 km", "dos coma cinco kilómetros."),
    ("1.234 piezas", "mil doscientos treinta y cuatro piezas."),
    ("5-7 meses", "cinco a siete meses."),
    ("-5 grados", "menos cinco grados."),
    ("# Envíos\n\nEn **3 días**.", "Envíos. En tres días."),
    ("- uno\n- dos", "uno. dos."),
    ("¡Listo! 😀", "¡Listo!"),
    ("Sí [faq.md §2].", "Sí."),
    ("¿Quiere 2?", "¿Quiere dos?"),
]
ZH = [
    ("运费¥19", "运费19元。"),
    ("满19元", "满19元。"),
    ("优惠5%", "优惠百分之5。"),
    ("**退货**：7天内。", "退货：7天内。"),
    ("- 一\n- 二", "一。 二。"),
    ("好的【1】。", "好的。"),
    ("好的😀", "好的。"),
]


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [(language, *case) for language, cases in (("pt-BR", PT), ("en-US", EN), ("es", ES)) for case in cases]
    + [("zh-CN", *case) for case in ZH],
)  # fmt: skip
def test_said(language, written, spoken):
    assert speakable(written, language).spoken == spoken
    assert speakable(written, language).companion == ""


@pytest.mark.parametrize(
    ("written", "beside"),
    [
        ("Veja https://loja.com.br/a?b=1.", "https://loja.com.br/a?b=1"),
        ("Veja [a política](https://x.com/p).", "a política: https://x.com/p"),
        ("Escreva para sac@loja.com.br.", "sac@loja.com.br"),
        ("Acesse loja.com.br hoje.", "loja.com.br"),
        ("Código BR123456789BR.", "BR123456789BR"),
        ("Pedido PED-2026-01 enviado.", "PED-2026-01"),
        ("CPF 123.456.789-09", "123.456.789-09"),
        ("CNPJ 12.345.678/0001-95", "12.345.678/0001-95"),
        ("Pix: 123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("Boleto 23793.38128 60000.000003 00000.000409 1 84340000012345",
         "23793.38128 60000.000003 00000.000409 1 84340000012345"),
        ("Fone (11) 98765-4321", "(11) 98765-4321"),
        ("Tudo:\n| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_down_by_ear_is_written(written, beside):
    found = speakable(written, "pt-BR")
    assert found.companion == beside
    assert not re.search(r"\d|http|@|\|", found.spoken)
    assert "escrito" in found.spoken or "a política" in found.spoken


def test_an_address_is_said_and_written():
    found = speakable("Ficamos na Rua Augusta, 1200, São Paulo.", "pt-BR")
    assert found.companion == "Rua Augusta, 1200, São Paulo"
    assert found.spoken == "Ficamos na Rua Augusta, mil e duzentos, São Paulo."


@pytest.mark.parametrize(("text", "spoken"), [("", ""), ("😀", ""), (" \n", ""), ("...", ""), ("---", "")])
def test_nothing_sayable_is_empty(text, spoken):
    assert speakable(text, "pt-BR").spoken == spoken


@given(st.text(max_size=300), st.sampled_from(["pt-BR", "en", "es", "zh", "fr", ""]))
def test_any_text_is_survived(text, language):
    spoken = speakable(text, language).spoken
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Cf") for letter in spoken)
    if language in ("pt-BR", "en", "es"):
        assert not any(letter.isdigit() for letter in spoken if letter.isascii())


_PIECES = st.sampled_from(
    ["R$ 1.299,90", "$4.90", "10%", "9h", "18:30", "10 am", "25/12/2026", "1º", "2ª", "3rd", "2,5 kg", "1.2.3", "A4",
     "00123", "12x3", "- ", "\n", " ", ", ", "e", "-", "(", ")", "**", "R$", "%", "h", "/", "9", "1234567890", "²"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=12).map("".join), st.sampled_from(["pt-BR", "en", "es"]))
def test_no_digit_is_left_for_the_engine_and_saying_it_again_changes_nothing(text, language):
    spoken = speakable(text, language).spoken
    assert not any(letter.isascii() and letter.isdigit() for letter in spoken)
    again = speakable(spoken, language).spoken
    assert speakable(again, language).spoken == again
