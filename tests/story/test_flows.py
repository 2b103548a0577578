"""Flows, over HTTP: what a customer reads at each step, on channels with buttons and without, and what ends them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway import transcript
from gateway.app import Gateway
from gateway.checking import check
from gateway.config import ConfigError, parse
from storage.model import ConversationId, Post
from storage.store import Unavailable
from tests.fakes import actions as done
from tests.fakes import openai as wire
from tests.fakes import telegram
from tests.fakes.actions import SECRET, FakeActions
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import Evolution, Telegram, WhatsApp, heard, outcomes, quiet, until
from tests.story.lines import conversation as of_line
from tests.story.running import LONG, Contact, burst_ends, pass_time, running, toml

MENU = """
name = "pedidos"
start = "ola"
timeout_s = {timeout}

[[steps]]
name = "ola"
kind = "say"
text = "Olá, {{contact_name}}!"
next = "menu"

[[steps]]
name = "menu"
kind = "choose"
text = "Como posso ajudar?"
options = [
  {{ title = "Ver meu pedido", next = "numero", words = ["pedido"] }},
  {{ title = "Tirar uma dúvida", next = "duvida" }},
  {{ title = "Falar com a loja", next = "loja" }},
]

[[steps]]
name = "numero"
kind = "ask"
answer = "number"
whole = true
text = "Qual é o número do pedido?"
into = "numero"
max_tries = 2
on_timeout = "adeus"
next = "situacao"

[[steps]]
name = "situacao"
kind = "action"
action = "situacao"
arguments = {{ numero = "{{numero}}" }}
into = "situacao"
next = "pronto"
else = "loja"

[[steps]]
name = "pronto"
kind = "end"
text = "O pedido {{numero}} está {{situacao}}."
reason = "pronto"

[[steps]]
name = "duvida"
kind = "ai"
text = "Pode perguntar."
instructions = "Fale só de pedidos."
next = "mais"

[[steps]]
name = "mais"
kind = "ask"
answer = "choice"
text = "Mais alguma coisa?"
options = ["Sim", "Não"]
into = "mais"
next = "outra"

[[steps]]
name = "outra"
kind = "condition"
if = "mais equals 'Sim'"
next = "menu"
else = "adeus"

[[steps]]
name = "adeus"
kind = "end"
text = "Até logo!"

[[steps]]
name = "loja"
kind = "transfer"
to = "vendas"
text = "Vou chamar a loja."
"""
ROW = '[[queues.flows]]\nvalue = ["menu"]\nfile = "pedidos.toml"\n'
TO = '[queues.handoff]\nto = "vendas"\n'
OPTIONS = "1. Ver meu pedido\n2. Tirar uma dúvida\n3. Falar com a loja"
HELLO = f"Olá, Lia!\n\nComo posso ajudar?\n\n{OPTIONS}"
NUMBER = "Qual é o número do pedido?"


def action(shop: FakeActions | None, *, name: str = "situacao", timeout_s: float = 20.0) -> str:
    url = shop.url if shop else "http://127.0.0.1:9/actions"
    head = f'[[queues.actions]]\nname = "{name}"\nurl = "{url}"\n'
    return f'{head}secret = "{SECRET}"\ntimeout_s = {timeout_s}\n'


def queue(
    openai: FakeOpenAI,
    folder: Path,
    *,
    shop: FakeActions | None = None,
    flow: str = MENU,
    timeout: float = 0,
    rows: str = ROW,
    more: str = "",
    actions: str = "",
    **keys: Any,
) -> str:
    """`more` belongs to the queue."""
    (folder / "pedidos.toml").write_text(flow.format(timeout=timeout) if flow is MENU else flow)
    config = toml(openai.base_url, openai_key=openai.key, **keys)
    of_queue = f"{TO}{more}\n{rows}\n{actions or action(shop)}"
    return config.replace("[[channels]]", f"{of_queue}\n\n[[channels]]", 1)


async def says(contact: Contact, text: str) -> str:
    """What is answered, as one text."""
    reply = await contact.ask(text)
    return "\n\n".join(part["text"] for part in reply["parts"])


async def trail(contact: Contact) -> list[tuple[str, str]]:
    """(step, reason) of the last turn."""
    turn = (await contact.turns())[-1]
    return [(line["at_step"], line["reason"]) for line in turn["timeline"] if line["step"] == "flow"]


async def kept(gateway: Gateway, id: str) -> str:
    """Where the conversation stands in a flow."""
    talk = await gateway.store.conversation(ConversationId(id))
    assert talk is not None
    return talk.flow


async def rungs(contact: Contact) -> list[tuple[str, str]]:
    """What was decided in the last turn, and why."""
    timeline = (await contact.turns())[-1]["timeline"]
    return [(line["rung"], line["reason"]) for line in timeline if line["step"] == "decide"]


# -- walking ---------------------------------------------------------------------------------------------


async def test_a_flow_from_its_first_word_to_its_last(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeActions("a caminho") as shop:
        async with running(queue(openai, tmp_path, shop=shop), tmp_path) as (_, contact):
            assert await says(contact, "oi") == "Echo: oi", "nothing set it off"
            assert await says(contact, "o menu, por favor") == HELLO
            assert await says(contact, "1") == NUMBER
            reply = await contact.ask("é o 4711")
            assert (reply["outcome"], reply["reason"]) == ("answered", "flow")
            assert reply["parts"] == [{"kind": "text", "text": "O pedido 4711 está a caminho."}]
            assert await trail(contact) == [
                ("numero", "answered"),
                ("situacao", "called"),
                ("situacao", "result"),
                ("pronto", "pronto"),
            ]
            [(id, data)] = shop.seen
            assert (data["action"], data["arguments"]) == ("situacao", {"numero": 4711})
            assert (data["conversation"], data["call"]) == (contact.conversation, id)
            assert data["contact"] == {"id": contact.id, "name": "Lia", "channel": "api"}
            assert await says(contact, "1") == "Echo: 1", "it is over"


async def test_the_rung_is_told(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            for text, why in (("menu", "flow_trigger"), ("2", "flow_in_progress"), ("oi", "flow_in_progress")):
                await contact.ask(text)
                assert await rungs(contact) == [("Follow", why)]


async def test_the_assistant_answers_where_the_flow_asks_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            assert await says(contact, "tirar uma dúvida") == "Pode perguntar."
            assert openai.asked == [], "until now nobody had to think"
            assert await says(contact, "entregam hoje?") == (
                "Echo: entregam hoje?\n\nMais alguma coisa?\n\n1. Sim\n2. Não"
            )
            [call] = openai.asked
            assert "Você é a atendente da loja." in call.instructions
            assert "Fale só de pedidos." in call.instructions
            assert ("assistant", f"{HELLO}") in call.said, "it knows what was said before"
            assert await says(contact, "não") == "Até logo!"


async def test_the_marker_hands_over_from_within_a_flow(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.ask("2")
            openai.play(wire.spoken("Ação: Transferir para o setor de atendimento"))
            reply = await contact.ask("meu pedido sumiu")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "marker")
            await contact.act("release")
            assert await says(contact, "sim") == "Echo: sim", "people had it: the flow is over"


async def test_back_and_cancel(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            assert await says(contact, "1") == NUMBER
            assert await says(contact, "voltar") == f"Como posso ajudar?\n\n{OPTIONS}"
            assert await says(contact, "1") == NUMBER
            cancelled = await says(contact, "cancelar")
            assert not cancelled.startswith("Echo")
            assert await says(contact, "1") == "Echo: 1"


async def test_an_answer_that_does_not_fit_is_asked_again_and_then_the_assistant_helps(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.ask("1")
            again = await contact.ask("não sei")
            assert again["reason"] == "flow"
            assert await trail(contact) == [("numero", "wrong:number")]
            reply = await contact.ask("onde eu vejo isso?")
            assert (reply["parts"][0]["text"], reply["reason"]) == ("Echo: onde eu vejo isso?", "assistant")
            assert await trail(contact) == [("numero", "wrong:number"), ("numero", "too_many_tries")]
            assert await rungs(contact) == [("Follow", "flow_in_progress"), ("Ask", "assistant")]
            assert await says(contact, "4711") == "Echo: 4711"


async def test_people_go_on_where_the_flow_says_so(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            reply = await contact.ask("3")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "flow")
            assert reply["parts"] == [{"kind": "text", "text": "Vou chamar a loja."}]
            held = (await contact.get(""))[1]["held"]
            assert (held["queue"], held["reason"]) == ("vendas", "flow")
            assert (await contact.ask("1"))["outcome"] == "held"
            await contact.act("release")
            assert await says(contact, "1") == "Echo: 1"


async def test_words_that_ask_for_a_person_are_above_a_flow(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (gateway, contact):
            await contact.ask("menu")
            assert (await contact.ask("quero falar com um atendente"))["reason"] == "wish"
            assert await kept(gateway, contact.conversation) == ""
            await contact.act("release")
            assert await says(contact, "1") == "Echo: 1"


async def test_who_wants_no_messages_is_in_no_flow(tmp_path: Path, zap: WhatsApp) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path) + zap.channel(), tmp_path) as (gateway, _):
            await zap.post(gateway, zap.message("m1", "menu"))
            await outcomes(gateway, zap, 1)
            assert await kept(gateway, of_line(zap)) != ""
            await zap.post(gateway, zap.message("m2", "sair"))
            assert (await outcomes(gateway, zap, 2))[1] == ("answered", "opts_out")
            assert await kept(gateway, of_line(zap)) == ""
            await zap.post(gateway, zap.message("m3", "voltar"))
            assert (await outcomes(gateway, zap, 3))[2] == ("answered", "opted_in")


async def test_people_who_take_over_end_the_flow_though_nobody_writes(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.act("hold")
            await contact.act("release")
            assert await says(contact, "1") == "Echo: 1"


async def test_a_fixed_reply_is_above_a_flow_and_the_question_waits(tmp_path: Path) -> None:
    reply = '[[queues.auto_replies]]\nvalue = ["pix"]\nreply = "A chave é 123."\n'
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path, more=reply), tmp_path) as (_, contact):
            await contact.ask("menu")
            assert await says(contact, "qual o pix?") == "A chave é 123."
            assert await says(contact, "1") == NUMBER


async def test_a_burst_is_one_answer(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeActions("pago") as shop:
        async with running(queue(openai, tmp_path, shop=shop), tmp_path) as (_, before):
            await before.ask("menu")
            await before.ask("1")
        slow = queue(openai, tmp_path, shop=shop, interval=LONG, max_wait=LONG)
        async with running(slow, tmp_path) as (gateway, contact):
            await go_on(contact, before)
            await contact.say("é o")
            asking = asyncio.create_task(says(contact, "4711"))
            await burst_ends(gateway, contact.conversation, 4)
            assert await asking == "O pedido 4711 está pago."
            assert len(shop.seen) == 1


# -- a queue that is switched off ----------------------------------------------------------------------------


async def test_a_queue_that_is_switched_off_still_follows_its_flows(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        off = queue(openai, tmp_path).replace('name = "loja"', 'name = "loja"\nautomatic = false', 1)
        async with running(off, tmp_path) as (_, contact):
            assert (await contact.ask("oi"))["reason"] == "switched_off"
            assert await says(contact, "menu") == HELLO
            assert await says(contact, "2") == "Pode perguntar."
            assert (await says(contact, "entregam?")).startswith("Echo: entregam?")
            assert await says(contact, "2") == "Até logo!"
            assert (await contact.ask("oi"))["reason"] == "switched_off"
            assert len(openai.asked) == 1
            await contact.ask("menu")
            await contact.ask("1")
            await contact.ask("não sei")
            given_up = await contact.ask("não sei mesmo")
            assert (given_up["outcome"], given_up["reason"]) == ("held", "switched_off")


# -- actions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (done.body(b"{}", 500), "http_500"),
        (done.body(b"<html>"), "nonsense"),
        (done.body(b" " * 70_000), "too_large"),
        (done.reset, "unreachable"),
        (None, "timeout"),
    ],
    ids=["refused", "nonsense", "endless", "torn off", "hangs"],
)
async def test_an_action_that_fails_takes_the_other_way(
    tmp_path: Path, answer: done.Answer | None, why: str
) -> None:
    async with FakeOpenAI() as openai, FakeActions() as shop:
        shop.next(answer or shop.hang)
        config = queue(openai, tmp_path, actions=action(shop, timeout_s=20.0 if answer else 0.1))
        async with running(config, tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.ask("1")
            reply = await contact.ask("4711")
            assert (reply["reason"], reply["parts"][0]["text"]) == ("flow", "Vou chamar a loja.")
            assert await trail(contact) == [
                ("numero", "answered"),
                ("situacao", "called"),
                ("situacao", f"failed:{why}"),
                ("loja", "transfer"),
            ]


async def test_a_turn_that_is_begun_again_calls_with_the_same_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeOpenAI() as openai, FakeActions("pago") as shop:
        async with running(queue(openai, tmp_path, shop=shop), tmp_path) as (gateway, contact):
            await contact.ask("menu")
            await contact.ask("1")
            settle, trouble = gateway.store.settle, [Unavailable("full")]

            async def settling(*args: Any) -> Any:
                if args[1].turn is not None and trouble:
                    raise trouble.pop()
                return await settle(*args)

            monkeypatch.setattr(gateway.store, "settle", settling)
            assert await says(contact, "4711") == "O pedido 4711 está pago."
            assert len(shop.ids) == 2
            assert len(set(shop.ids)) == 1
            await contact.ask("menu")
            await contact.ask("1")
            await contact.ask("4711")
            assert len(set(shop.ids)) == 2, "another time it is another call"


async def test_what_was_done_is_not_thrown_away_for_a_newer_message(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with FakeOpenAI() as openai, FakeActions() as shop:
        shop.next(done.held(gate, done.body(b'{"value": "pago"}')))
        async with running(queue(openai, tmp_path, shop=shop), tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.ask("1")
            await contact.say("4711")
            await shop.arrived.wait()
            late = asyncio.create_task(contact.ask("obrigada!"))
            await until(lambda: _wrote(contact, "obrigada!"), "the next message is on disk")
            gate.set()
            assert (await late)["parts"][0]["text"] == "Echo: obrigada!"
            assert ("assistant", "O pedido 4711 está pago.") in await contact.transcript()
            assert len(shop.seen) == 1


async def _wrote(contact: Contact, text: str) -> bool:
    return ("contact", text) in await contact.transcript()


EMPTY = MENU.format(timeout=0).replace('text = "O pedido {numero} está {situacao}."', 'text = "{situacao}"')


async def test_a_text_that_turns_out_empty_is_no_silence(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeActions("") as shop:
        async with running(queue(openai, tmp_path, shop=shop, flow=EMPTY), tmp_path) as (_, contact):
            await contact.ask("menu")
            await contact.ask("1")
            reply = await contact.ask("4711")
            assert (reply["reason"], reply["parts"][0]["text"]) == ("assistant", "Echo: 4711")
            assert ("situacao", "result") in await trail(contact)


CALLS = """
name = "fila"
start = "a1"
"""
CALLS += "".join(
    f'[[steps]]\nname = "a{n}"\nkind = "action"\naction = "situacao"\nnext = "a{n + 1}"\nelse = "fim"\n'
    for n in range(1, 7)
)
CALLS += '[[steps]]\nname = "a7"\nkind = "end"\ntext = "Tudo."\n'
CALLS += '[[steps]]\nname = "fim"\nkind = "end"\ntext = "Chega."\n'


async def test_a_turn_has_five_actions_at_most(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeActions() as shop:
        async with running(queue(openai, tmp_path, shop=shop, flow=CALLS), tmp_path) as (_, contact):
            assert await says(contact, "menu") == "Chega."
            assert len(set(shop.ids)) == 5
            assert ("a6", "failed:too_many_actions") in await trail(contact)


# -- buttons and voices ------------------------------------------------------------------------------------------


def pressed(line: WhatsApp, id: str, title: str) -> bytes:
    reply = {"type": "button_reply", "button_reply": {"id": title, "title": title}}
    return line._said({"type": "interactive", "interactive": reply}, id)


async def test_where_there_are_buttons_options_are_buttons(tmp_path: Path, zap: WhatsApp) -> None:
    async with FakeOpenAI() as openai, FakeActions("a caminho") as shop:
        config = queue(openai, tmp_path, shop=shop) + zap.channel()
        async with running(config, tmp_path) as (gateway, _):
            await zap.post(gateway, zap.message("m1", "menu"))
            await until(lambda: len(zap.fake.sent) == 1, "the menu")
            shown = zap.fake.sent[0].json["interactive"]
            assert shown["body"]["text"] == "Olá, Lia!\n\nComo posso ajudar?"
            titles = [button["reply"]["title"] for button in shown["action"]["buttons"]]
            assert titles == ["Ver meu pedido", "Tirar uma dúvida", "Falar com a loja"]
            await zap.post(gateway, pressed(zap, "m2", "Ver meu pedido"))
            await until(lambda: len(zap.fake.sent) == 2, "the question")
            assert zap.fake.sent[1].json["text"]["body"] == NUMBER
            await zap.post(gateway, zap.message("m3", "4711"))
            await until(lambda: len(zap.fake.sent) == 3, "the answer")
            assert zap.fake.sent[2].json["text"]["body"] == "O pedido 4711 está a caminho."
            assert await outcomes(gateway, zap, 3) == [("answered", "flow")] * 3
            await quiet(gateway)
            assert await kept(gateway, of_line(zap)) == ""


async def test_the_same_flow_in_another_place_with_buttons(tmp_path: Path, tele: Telegram) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path) + tele.channel(), tmp_path) as (gateway, _):
            await tele.post(gateway, tele.message("m1", "menu"))
            [menu] = await heard(tele, 1)
            assert menu == "Olá, Maria!\n\nComo posso ajudar?"
            shown = next(call for call in tele.fake.calls if call.method == "sendMessage").fields
            rows = shown["reply_markup"]["inline_keyboard"]
            assert [button["text"] for row in rows for button in row] == [line[3:] for line in OPTIONS.split("\n")]
            pressed = {"id": "9", "from": tele._user(tele.MARIA), "chat_instance": "1", "data": "Ver meu pedido"}
            message = {"message_id": 5001, "date": 1, "chat": telegram.MARIA, "from": telegram.BOT, "text": menu}
            await tele.post(gateway, tele._update("callback_query", {**pressed, "message": message}))
            assert (await heard(tele, 2))[1] == NUMBER


async def test_the_same_flow_in_a_place_without_buttons(tmp_path: Path, evo: Evolution) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path) + evo.channel(), tmp_path) as (gateway, _):
            await evo.post(gateway, evo.message("m1", "menu"))
            assert await heard(evo, 1) == [HELLO]
            await evo.post(gateway, evo.message("m2", "a primeira"))
            assert (await heard(evo, 2))[1] == NUMBER


async def test_what_can_be_pressed_is_written_and_the_rest_is_spoken(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path, format="voice"), tmp_path) as (_, contact):
            menu = await contact.ask("menu")
            assert [part["kind"] for part in menu["parts"]] == ["text"]
            question = await contact.ask("1")
            [note] = question["parts"]
            assert (note["kind"], note["transcript"]) == ("voice", NUMBER)


async def test_a_message_without_words_leaves_the_question_open(tmp_path: Path, zap: WhatsApp) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path) + zap.channel(), tmp_path) as (gateway, _):
            await zap.post(gateway, zap.message("m1", "menu"))
            await until(lambda: len(zap.fake.sent) == 1, "the menu")
            message = {"type": "contacts", "contacts": []}
            await zap.post(gateway, zap._said({"type": "unsupported", **message}, "m2"))
            assert (await outcomes(gateway, zap, 2))[1] == ("answered", "cannot_read")
            await zap.post(gateway, zap.message("m3", "1"))
            await until(lambda: len(zap.fake.sent) == 3, "the question")
            assert zap.fake.sent[2].json["text"]["body"] == NUMBER


# -- files ----------------------------------------------------------------------------------------------------------


async def go_on(contact: Contact, before: Contact) -> Contact:
    """The same customer after a restart."""
    contact.id, contact.conversation, contact._number = before.id, before.conversation, before._number
    return contact


async def test_an_edited_file_goes_on_with_its_new_words(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, before):
            await before.ask("menu")
        edited = MENU.replace("Qual é o número do pedido?", "E o número?").format(timeout=0)
        async with running(queue(openai, tmp_path, flow=edited), tmp_path) as (_, contact):
            await go_on(contact, before)
            assert await says(contact, "1") == "E o número?"
            assert await trail(contact) == [("menu", "flow_edited"), ("menu", "answered"), ("numero", "asked")]


async def test_a_step_that_is_gone_begins_the_flow_anew(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, before):
            await before.ask("menu")
        edited = MENU.replace('"menu"', '"opcoes"').format(timeout=0)
        async with running(queue(openai, tmp_path, flow=edited), tmp_path) as (_, contact):
            assert (await says(await go_on(contact, before), "1")) == HELLO


async def test_a_question_that_became_an_action_begins_the_flow_anew(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, before):
            await before.ask("menu")
            await before.ask("1")
        edited = MENU.format(timeout=0).replace('"situacao"\nkind', '"outra_acao"\nkind')
        edited = edited.replace('next = "situacao"', 'next = "outra_acao"').replace('"numero"', '"pedido_n"')
        edited = edited.replace('"outra_acao"', '"numero"')
        edited = edited.replace('into = "pedido_n"', 'into = "numero"')
        async with running(queue(openai, tmp_path, flow=edited), tmp_path) as (_, contact):
            assert (await says(await go_on(contact, before), "4711")) == HELLO


@pytest.mark.parametrize("rows", ["", '[[queues.flows]]\ntrigger = "none"\nfile = "pedidos.toml"\n'])
async def test_a_flow_that_is_taken_out_leaves_its_customers_to_the_assistant(tmp_path: Path, rows: str) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, before):
            await before.ask("menu")
        async with running(queue(openai, tmp_path, rows=rows), tmp_path) as (gateway, contact):
            assert await says(await go_on(contact, before), "1") == "Echo: 1"
            assert await kept(gateway, contact.conversation) == ""


WRONG = {
    "a loop without an answer": (
        MENU.format(timeout=0).replace('next = "menu"', 'next = "volta"', 1)
        + '[[steps]]\nname = "volta"\nkind = "condition"\nif = "channel empty"\nnext = "ola"\nelse = "menu"\n',
        ["pedidos.toml", "'ola'", "loop", "put a question into it"],
    ),
    "a step no way leads to": (
        MENU.format(timeout=0) + '[[steps]]\nname = "ilha"\nkind = "end"\n',
        ["step 'ilha'", "no way leads here"],
    ),
    "a target that is missing": (
        MENU.format(timeout=0).replace('next = "numero"', 'next = "numeros"'),
        ["step 'menu'", "'numeros'", "did you mean 'numero'?"],
    ),
    "an action nobody does": (
        MENU.format(timeout=0).replace('action = "situacao"', 'action = "situacoes"'),
        ["step 'situacao'", "action = 'situacoes'", "did you mean 'situacao'?", "[[queues.actions]]"],
    ),
    "people nobody knows": (
        MENU.format(timeout=0).replace('to = "vendas"', 'to = "venda"'),
        ["step 'loja'", "to = 'venda'", "did you mean 'vendas'?"],
    ),
    "an intent nobody named": (
        MENU.format(timeout=0).replace('text = "Pode perguntar."', 'until_intent = "troca"'),
        ["step 'duvida'", "until_intent = 'troca'", "person"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_flow_that_is_wrong_is_refused_at_the_start(tmp_path: Path, case: str) -> None:
    flow, told = WRONG[case]
    async with FakeOpenAI() as openai:
        config = parse(queue(openai, tmp_path, flow=flow), root=tmp_path)
        with pytest.raises(ConfigError) as caught:
            async with Gateway(config):
                pass
    [problem] = caught.value.problems
    assert [word for word in ("pedidos.toml", *told) if word not in problem] == []


async def test_a_file_that_is_not_there_and_two_flows_of_one_name_are_refused(tmp_path: Path) -> None:
    rows = ROW + ROW.replace("pedidos", "outro") + ROW.replace("pedidos", "nada")
    (tmp_path / "outro.toml").write_text(MENU.format(timeout=0))
    async with FakeOpenAI() as openai:
        config = parse(queue(openai, tmp_path, rows=rows), root=tmp_path)
        with pytest.raises(ConfigError) as caught:
            async with Gateway(config):
                pass
    missing, twice = caught.value.problems
    assert "nada.toml: cannot be read" in missing
    assert "outro.toml: name = 'pedidos' is that of" in twice


# -- time -----------------------------------------------------------------------------------------------------------


async def test_a_question_nobody_answers_times_out(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path, timeout=60), tmp_path) as (gateway, contact):
            await contact.ask("menu")
            assert await says(contact, "1") == NUMBER
            pass_time(gateway)
            await until(lambda: _wrote_us(contact, "Até logo!"), "the reminder")
            turn = (await contact.turns())[-1]
            assert (turn["outcome"], turn["reason"]) == ("answered", "flow")
            assert await trail(contact) == [("numero", "timeout"), ("adeus", "finished")]
            assert await says(contact, "4711") == "Echo: 4711"


async def _wrote_us(contact: Contact, text: str) -> bool:
    return ("assistant", text) in await contact.transcript()


async def test_a_question_that_times_out_without_a_word_ends_the_flow(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path, timeout=60), tmp_path) as (gateway, contact):
            await contact.ask("menu")
            pass_time(gateway)
            turns = await until(lambda: _turns(contact, 2), "the end of the flow")
            assert (turns[1]["outcome"], turns[1]["reason"]) == ("ignored", "flow_timeout")
            assert await says(contact, "1") == "Echo: 1"


async def _turns(contact: Contact, count: int) -> list[dict[str, Any]]:
    turns = await contact.turns()
    return turns if len(turns) >= count else []


async def woken(gateway: Gateway, id: str) -> None:
    """The time has come, or so it seems."""
    talk = await gateway.store.conversation(ConversationId(id))
    assert talk is not None
    at = await gateway.store.now()
    post = Post(talk.id, f"wake:{at}", transcript.wake_body(f"wake:{at}", "flow", at))
    await gateway.store.accept(talk, post, [])


async def test_a_wake_up_that_comes_too_early_changes_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path, timeout=3600), tmp_path) as (gateway, contact):
            await contact.ask("menu")
            await woken(gateway, contact.conversation)
            turns = await until(lambda: _turns(contact, 2), "the early one")
            assert (turns[1]["outcome"], turns[1]["reason"]) == ("ignored", "flow_waits")
            assert await trail(contact) == [("menu", "not_yet")]
            assert await says(contact, "1") == NUMBER


async def test_nobody_is_reminded_where_the_channel_does_not_let_us_write(tmp_path: Path, zap: WhatsApp) -> None:
    async with FakeOpenAI() as openai:
        config = queue(openai, tmp_path, timeout=3600) + zap.channel(max_age_s="604800", template='"oi:pt_BR"')
        async with running(config, tmp_path) as (gateway, _):
            await zap.post(gateway, zap.message("m1", "menu", age=25 * 3600))
            id = of_line(zap)
            await until(lambda: len(zap.fake.sent) == 1, "the template went in the place of the menu")
            await woken(gateway, id)
            assert (await outcomes(gateway, zap, 2))[1] == ("ignored", "outside_reply_window")
            assert await kept(gateway, id) == ""
            assert len(zap.fake.sent) == 1


@pytest.mark.parametrize("text", ["1", "VER meu pedido!", "2. Tirar uma dúv…", "voltar", "cancelar"])
async def test_an_option_does_not_wait_for_the_window(tmp_path: Path, text: str) -> None:
    async with FakeOpenAI() as openai:
        async with running(queue(openai, tmp_path), tmp_path) as (_, before):
            await before.ask("menu")
        slow = queue(openai, tmp_path, interval=60_000, max_wait=60_000)
        async with running(slow, tmp_path) as (_, contact):
            assert (await (await go_on(contact, before)).ask(text))["reason"] == "flow"
            assert (await contact.post(contact.message("4711"), wait=0.2))[0] == 202, "this may be half a sentence"


# -- looking ---------------------------------------------------------------------------------------------------------


async def test_recado_check_reads_flows(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        sound = await check(parse(queue(openai, tmp_path), root=tmp_path))
        assert [(f.level, f.message.split(",")[0]) for f in sound if f.key == "queues.loja.flows"] == [
            ("ok", "pedidos: 10 steps")
        ]
        wrong = MENU.format(timeout=0).replace('to = "vendas"', 'to = "venda"').replace('"situacao"\ninto', '"x"\ninto')
        found = await check(parse(queue(openai, tmp_path, flow=wrong), root=tmp_path))
        problems = [f.message for f in found if f.key == "queues.loja.flows" and f.level == "error"]
        assert len(problems) == 1
        assert "did you mean 'vendas'?" in problems[0]


async def test_what_could_not_be_understood_beside_an_answer_is_owned_up_to(tmp_path: Path, zap: WhatsApp) -> None:
    async with FakeOpenAI() as openai:
        config = queue(openai, tmp_path, interval=LONG, max_wait=LONG) + zap.channel()
        async with running(config, tmp_path) as (gateway, _):
            await zap.post(gateway, zap.message("m1", "menu"))
            await burst_ends(gateway, of_line(zap), 1)
            await until(lambda: len(zap.fake.sent) == 1, "the menu")
            await zap.post(gateway, zap.voice("m2", b"OggS no sound"))
            await zap.post(gateway, zap.message("m3", "o meu pedido"))
            await burst_ends(gateway, of_line(zap), 3)
            await until(lambda: len(zap.fake.sent) == 2, "the question")
            said = zap.fake.sent[1].json["text"]["body"]
            assert said.endswith(f"\n\n{NUMBER}")
            assert said != NUMBER
