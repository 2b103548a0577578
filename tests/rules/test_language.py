from __future__ import annotations

import pytest

from gateway.rules.language import customers_language, fold, language_of, two_letters

SAYS = {
    "pt": """Em quantos dias posso devolver um produto?
vcs parcelam?
qto custa o frete
onde fica a loja
tem pix?
quanto tempo demora?
cade meu pedido
Quero falar com um atendente
e para o interior?
vcs abrem hj?
nao recebi meu reembolso
QUAL O PRAZO DE ENTREGA
obrigado!
bom dia
a loja abre domingo?
chegou quebrado 😢""",
    "en": """Free delivery threshold?
How long do I have to return an item?
what's ur address
do u ship to argentina
agent please
and on Saturdays?
are you open on sundays
thanks!
my mug came broken!!
refund?
shipping cost
Can I pay with PayPal?
good morning
is it in stock?""",
    "es": """¿Dónde queda la tienda?
cuando me devuelven la plata?
cuanto sale el envio?
hacen envíos a Uruguay?
puedo pagar en cuotas
quiero hablar con un asesor
gracias
buenas tardes
me llego roto el producto
tienen descuento?
a qué hora cierran el sábado
y los domingos?""",
    "zh": """可以用支付宝付款吗？
转人工
运费多少钱
Pix可以吗
你好""",
    "": """123
👍
???
R$ 250
ok
返品はできますか""",
}


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, texts in SAYS.items() for text in texts.split("\n")]
)
def test_language_of(language: str, text: str) -> None:
    assert language_of(text) == language


def test_fold_loses_accents_and_case() -> None:
    assert fold("DEVOLUÇÃO é já") == "devolucao e ja"


def test_two_letters() -> None:
    assert [two_letters(tag) for tag in ("pt-BR", "zh_Hans", "en", "")] == ["pt", "zh", "en", ""]


@pytest.mark.parametrize(
    ("texts", "queue", "language"),
    [
        (["Do you ship to Brazil?"], "pt-BR", "en"),
        (["¿Hacen envíos?"], "pt-BR", "es"),
        (["可以退货吗？"], "pt-BR", "zh"),
        (["Vocês entregam?"], "en", "pt"),
        (["Vocês entregam?"], "pt-BR", "pt-BR"),
        (["你好"], "zh-Hans", "zh-Hans"),
        (["Hola, ¿tienen envíos?", "ok"], "pt-BR", "es"),
        (["Hola, ¿tienen envíos?", "👍", "123", "no", ""], "pt-BR", "es"),
        (["Hola, ¿tienen envíos?", "sorry, do you speak English?"], "pt-BR", "en"),
        (["Do you ship?", "Edith Sheen"], "pt-BR", "en"),
        (["tem frete?", "https://www.shop.com/the-order"], "es", "pt"),
        (["tem frete?", "the.order@shipping.com", "@the_shop"], "es", "pt"),
        (["Edith Sheen"], "pt-BR", "pt-BR"),
        (["返品はできますか"], "pt-BR", "pt-BR"),
        (["Danke schön"], "pt-BR", "pt-BR"),
        (["stop"], "pt-BR", "pt-BR"),
        (["ok"], "es-AR", "es-AR"),
        ([], "zh", "zh"),
    ],
)
def test_our_own_sentences_take_the_language_the_contact_last_used(texts: list[str], queue: str, language: str) -> None:
    assert customers_language(texts, queue) == language
