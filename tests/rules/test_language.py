from __future__ import annotations

import pytest

from gateway.rules.language import fold, language_of, two_letters

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
