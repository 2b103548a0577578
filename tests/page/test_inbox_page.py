"""The inbox's page in a real Chromium, against an inbox that is scripted on the wire."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.page.browser import visitor
from tests.page.team import KEY, Fault, Talk, Team, busy_day, serving
from tests.page.test_page import HOSTILE

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AUDIT = (Path(__file__).parent / "audit.js").read_text("utf-8")
REFUSED = ("Failed to load resource", "net::ERR")
"""What Chromium itself prints when a request is refused or broken on purpose."""
WISH = "O cliente pediu para falar com uma pessoa."


@pytest_asyncio.fixture(loop_scope="session")
async def team() -> Team:
    return Team()


@pytest_asyncio.fixture(loop_scope="session")
async def inbox(team: Team) -> AsyncIterator[str]:
    async with serving(team) as address:
        yield address


@asynccontextmanager
async def marina(browser: Browser, url: str, language: str = "pt-BR", **more: Any) -> AsyncIterator[Page]:
    """Who has entered."""
    async with visitor(browser, language, name="inbox", **more) as page:
        await page.goto(url)
        await enter(page)
        await page.locator(".list").wait_for()
        yield page


async def enter(page: Page, key: str = KEY) -> None:
    await page.locator("#person").fill("Marina")
    await page.locator("#key").fill(key)
    await page.keyboard.press("Enter")


async def choose(page: Page, talk: Talk) -> None:
    await page.locator(".entry", has_text=talk.name).click()
    await page.locator("h2", has_text=talk.name).wait_for()


async def shows(page: Page, expected: list[str]) -> None:
    """The talk shows exactly these texts, in this order."""
    from playwright.async_api import expect

    await expect(page.locator(".bubble .words")).to_have_text(expected)


# -- the door


async def test_the_key_is_asked_once_and_stays_out_of_every_address(browser: Browser, inbox: str, team: Team) -> None:
    team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await page.locator(".entry").wait_for()
        await page.reload()
        await page.locator(".entry").wait_for()
        kept = await page.evaluate("[Object.values(localStorage).join(), Object.values(sessionStorage).join()]")
        assert kept == ["Marina", KEY]
        assert KEY not in page.url
        assert set(team.keys) == {f"Bearer {KEY}"}
        await page.get_by_role("button", name="Marina").click()
        await page.get_by_role("button", name="Sair").click()
        assert await page.locator("#person").input_value() == "Marina"
        assert await page.evaluate("Object.values(sessionStorage)") == []


@pytest.mark.parametrize(
    ("key", "said"), [("wrong", "não abre nada aqui"), ("channel-key", "não é a da caixa de entrada")]
)
async def test_a_wrong_key_is_told_and_may_be_corrected(browser: Browser, inbox: str, key: str, said: str) -> None:
    async with visitor(browser, name="inbox-door", errors_allowed=REFUSED) as page:
        await page.goto(inbox)
        await enter(page, key)
        await page.get_by_role("alert").filter(has_text=said).wait_for()
        await enter(page)
        await page.get_by_text("Tudo em dia").wait_for()


async def test_a_key_that_is_changed_meanwhile_is_asked_for_again(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await page.locator(".entry").wait_for()
        team.faults.append(Fault("list", 401))
        team.changed(lia)
        await page.locator("#key").wait_for()


# -- the list


async def test_who_waits_stands_above_and_says_for_how_long(browser: Browser, inbox: str, team: Team) -> None:
    from playwright.async_api import expect

    busy_day(team)
    async with marina(browser, inbox) as page:
        await page.locator(".entry").nth(3).wait_for()
        names = await page.locator(".entry strong").all_inner_texts()
        assert names == ["Marta Lopes", "Lia Souza", "Ana P.", "Rui Alves"]
        marks = await page.locator(".mark").all_inner_texts()
        assert marks == ["espera há 1 h", "espera há 7 min", "com você", "com Bruno"]
        await page.locator(".doing", has_text="2 pessoas esperando").wait_for()
        assert await page.title() == "(2) recado"
        await page.get_by_role("button", name="Esperando").click()
        await expect(page.locator(".entry")).to_have_count(2)
        await page.get_by_role("button", name="Com pessoas").click()
        await expect(page.locator(".entry strong")).to_have_text(["Ana P.", "Rui Alves"])


async def test_an_empty_inbox_says_what_will_be_there(browser: Browser, inbox: str, team: Team) -> None:
    async with marina(browser, inbox) as page:
        await page.get_by_text("a conversa aparece aqui").wait_for()
        team.calls("Lia", "Oi", WISH, minutes=0)
        await page.locator(".mark", has_text="acabou de chegar").wait_for()


async def test_a_long_list_is_shown_piece_by_piece(browser: Browser) -> None:
    team = Team(page=3)
    for n in range(7):
        team.calls(f"Cliente {n}", "Oi", WISH, minutes=60 - n)
    async with serving(team) as url, marina(browser, url) as page:
        await page.locator(".entry").nth(2).wait_for()
        for shown in (6, 7):
            await page.get_by_role("button", name="Mostrar mais").click()
            await page.locator(".entry").nth(shown - 1).wait_for()
        assert await page.get_by_role("button", name="Mostrar mais").count() == 0
        team.over(next(iter(team.talks.values())))
        await page.locator(".entry", has_text="Cliente 0").wait_for(state="detached")
        assert await page.locator(".entry").count() == 6


async def test_without_the_stream_the_page_looks_by_itself(browser: Browser, inbox: str, team: Team) -> None:
    team.faults.append(Fault("events", 503, lasting=True))
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await page.get_by_text("a conversa aparece aqui").wait_for()
        team.calls("Lia", "Oi", WISH)
        await page.locator(".entry", has_text="Lia").wait_for()


async def test_an_inbox_that_comes_back_is_found_again(browser: Browser, team: Team) -> None:
    team.calls("Lia", "Oi", WISH)
    async with visitor(browser, name="inbox-back", errors_allowed=REFUSED) as page:
        async with serving(team) as url:
            await page.goto(url)
            await enter(page)
            await page.locator(".entry").wait_for()
        await page.locator(".banner p").wait_for()
        team.calls("Rui", "Oi", WISH)
        async with serving(team, int(url.split(":")[2].split("/")[0])):
            await page.locator(".entry", has_text="Rui").wait_for(timeout=30_000)
            await page.locator(".banner p").wait_for(state="detached")


# -- one conversation


async def test_a_conversation_tells_who_why_and_what_was_said(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator(".card", has_text=WISH).wait_for()
        await page.get_by_text("trocar o vestido M pelo G, pedido 48213").wait_for()
        await shows(page, [m["part"]["text"] for m in lia.messages if m["part"]["kind"] == "text"])
        authors = await page.locator(".bubble > :first-child").all_inner_texts()
        assert authors == ["Cliente", "Assistente", "Cliente", "Assistente"]
        await page.get_by_text("É o 48213. Mas eu preciso até sexta").wait_for()
        team.writes(lia, "Alguém aí?")
        await page.locator(".words", has_text="Alguém aí?").wait_for()


PATIENT = (
    "const real = setTimeout; window.setTimeout = (act, ms, ...more) => (ms ?? 0) < 5000 ? real(act, ms, ...more) : 0;"
)
"""Timers of five seconds and more never ring."""


async def test_what_happens_is_shown_because_it_was_told(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with visitor(browser, name="inbox-told") as page:
        await page.add_init_script(PATIENT)
        await page.goto(inbox)
        await enter(page)
        await choose(page, lia)
        team.writes(lia, "Alguém aí?")
        await page.locator(".words", has_text="Alguém aí?").wait_for()
        await page.locator(".entry .last", has_text="Alguém aí?").wait_for()


async def test_a_voice_note_is_fetched_with_the_key_and_plays(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.evaluate("document.addEventListener('ended', () => { window.heard = true; }, true)")
        await page.get_by_role("button", name="Tocar").click()
        await page.wait_for_function("() => window.heard")


async def test_a_lost_note_is_fetched_again_on_demand(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    team.faults.append(Fault("media", 503))
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await choose(page, lia)
        await page.get_by_text("O áudio não pôde ser buscado.").wait_for()
        await page.get_by_role("button", name="Tentar de novo").click()
        await page.get_by_role("button", name="Tocar").wait_for()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("failed", "Não foi entregue"),
        ("unsure", "Talvez enviada"),
        ("withdrawn", "Não foi enviada"),
        ("templated", "modelo aprovado"),
    ],
)
async def test_what_did_not_arrive_is_plain_to_see(
    browser: Browser, inbox: str, team: Team, state: str, said: str
) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        team.state_of(lia, state)
        await page.locator(".undelivered", has_text=said).wait_for()
        assert await page.get_by_text("assumiu antes").count() == 0, "it may have been for another reason"


async def test_corrections_and_what_was_taken_back_are_told(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Pedido 4821", WISH)
    team.writes(lia, "Pedido 48213", meaning="edit", of="m-1-0")
    team.writes(lia, "", meaning="revoke", of="m-1-0")
    team.writes(lia, "", unreadable="sticker")
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.get_by_text("O cliente apagou esta mensagem").wait_for()
        await page.get_by_text("Correção").wait_for()
        await page.get_by_text("Algo que não podemos abrir aqui: sticker").wait_for()
        await shows(page, ["Pedido 48213"])


async def test_a_link_leads_to_its_conversation(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with visitor(browser, name="inbox-link", errors_allowed=REFUSED) as page:
        await page.goto(f"{inbox}#{lia.id}")
        await enter(page)
        await page.locator("h2", has_text="Lia Souza").wait_for()
        await page.goto(f"{inbox}#c_000")
        await page.get_by_text("não está mais ao alcance").wait_for()


async def test_a_scroll_that_is_told_late_breaks_nothing(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        log = await page.locator(".log").element_handle()
        assert log is not None
        await page.evaluate("location.hash = ''")
        await page.locator(".log").wait_for(state="detached")
        await log.dispatch_event("scroll")


async def test_a_talk_that_lies_open_all_day_does_not_grow_for_ever(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        for n in range(700):
            team.writes(lia, f"Pergunta {n}")
        await page.locator(".words", has_text="Pergunta 699").wait_for()
        team.writes(lia, "E agora?")
        await page.locator(".words", has_text="E agora?").wait_for()
        await page.get_by_text("Há mensagens mais antigas").wait_for()
        assert await page.locator(".bubble").count() < 200


async def test_a_day_begins_where_the_reader_is(browser: Browser, inbox: str, team: Team) -> None:
    from playwright.async_api import expect

    lia = team.calls("Lia", "Oi", WISH)
    for hour in (1, 2, 4):
        team.writes(lia, f"{hour}:30", at=f"2026-03-21T0{hour}:30:00.000Z")
    async with marina(browser, inbox, timezone_id="America/Sao_Paulo") as page:
        await choose(page, lia)
        await shows(page, ["Oi", "1:30", "2:30", "4:30"])
        await expect(page.locator(".day").nth(1)).to_have_text("20 de março")
        days = await page.locator(".day time").evaluate_all("all => all.map(({ dateTime }) => dateTime)")
        assert days[1:] == ["2026-03-20", "2026-03-21"]


async def test_who_leaves_leaves_nothing_behind(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Ainda não enviado")
        await page.locator("header .settings button").first.click()
        await page.get_by_role("button", name="Sair").click()
        await enter(page)
        await choose(page, lia)
        assert await page.locator("#reply").input_value() == ""


async def test_what_is_out_of_reach_keeps_nobody_from_the_list(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia Souza", "Oi", WISH)
    async with visitor(browser, name="inbox-gone", errors_allowed=REFUSED) as page:
        await page.goto(f"{inbox}#c_000")
        await enter(page)
        await page.get_by_text("não está mais ao alcance").wait_for()
        async with page.expect_response("**/v1/inbox"):
            team.changed(lia)
        async with page.expect_response("**/v1/inbox"):
            await page.evaluate("dispatchEvent(new Event('online'))")
        assert await page.locator(".banner p").count() == 0


async def test_a_link_that_was_cut_leads_to_the_list(browser: Browser, inbox: str, team: Team) -> None:
    team.calls("Lia Souza", "Oi", WISH)
    async with visitor(browser, name="inbox-cut", errors_allowed=REFUSED) as page:
        await page.goto(f"{inbox}#%E0%A4%A")
        await enter(page)
        await page.locator(".entry", has_text="Lia").wait_for()


async def test_a_long_talk_begins_where_it_is_recent(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Pergunta 0", WISH)
    for n in range(1, 130):
        team.writes(lia, f"Pergunta {n}")
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator(".words", has_text="Pergunta 129").wait_for()
        await page.get_by_text("Há mensagens mais antigas").wait_for()
        assert await page.locator(".bubble").count() == 100


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


async def test_a_picture_is_shown_and_any_other_file_only_saved(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Chegou assim", WISH)
    team.sends(lia, "image", "image/png", PIXEL, "foto.png")
    team.sends(lia, "document", "text/html", b"<script>window.top.hurt = 1</script>", "nota.html")
    team.sends(lia, "image", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg")
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.wait_for_function("() => document.querySelector('.picture img')?.naturalWidth === 1")
        assert await page.get_by_role("img", name="foto.png").count() == 1
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Salvar nota.html").click()
        assert (await saving.value).suggested_filename == "nota.html"
        assert await page.get_by_role("button", name="Salvar a.svg").count() == 1
        assert await page.evaluate("[window.hurt ?? 0, document.querySelectorAll('.picture').length]") == [0, 1]


# -- how it came here

VOICE = {"parts": [{"kind": "voice", "media": {"id": "m"}, "transcript": "Oi"}]}
TEXT = {"parts": [{"kind": "text", "text": "Oi"}]}
ANSWERED = "O assistente respondeu."


def _shape(reason: str, why: str) -> dict[str, Any]:
    return {"step": "shape", "at": 1, "reason": reason, "why": why}


def _lost(state: str, detail: str = "", part: str = "0") -> dict[str, Any]:
    return {"part": part, "state": state, "at": "2026-11-21T14:40:45.708Z", **({"detail": detail} if detail else {})}


async def look_back(page: Page) -> None:
    """Opens the history."""
    await page.locator(".history > summary").click()


async def past(page: Page, number: int) -> list[list[str]]:
    """So many steps of the history, each as its lines without the time."""
    from playwright.async_api import expect

    await expect(page.locator(".history li")).to_have_count(number)
    shown = [(await step.inner_text()).split("\n") for step in await page.locator(".history li").all()]
    lines = [[line.strip() for line in step if line.strip()] for step in shown]
    return [[first.partition(" ")[2].strip(), *rest] for first, *rest in lines]


async def test_the_history_says_what_decided_and_who_had_it_in_order(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia Souza", "Oi", WISH)
    spoke = _shape("contact_spoke", "O cliente mandou áudio.")
    team.turn(lia, "answered", ANSWERED, minutes=9, timeline=[spoke], reply=VOICE)
    fixed = _shape("format_text", "As respostas desta fila são por texto.")
    team.turn(lia, "transferred", WISH, minutes=8, reason="wish", timeline=[fixed], reply=TEXT)
    team.passes(lia, "requested", WISH, minutes=8)
    team.turn(lia, "held", "A conversa estava com a equipe.", minutes=6, reason="held_by_person")
    team.passes(lia, "held", WISH, person="Bruno", minutes=7)
    team.passes(lia, "held", WISH, person="Marina", minutes=5)
    team.passes(lia, "held", WISH, person="Marina", minutes=4.5, to="oficina")
    team.passes(lia, "released", "Marina devolveu a conversa ao assistente.", minutes=4)
    team.passes(lia, "held", "Uma pessoa da equipe respondeu pelo celular.", minutes=3)
    team.passes(lia, "assistant", "A equipe não fez nada.", minutes=2)
    team.turn(lia, "ignored", "O cliente só reagiu com um emoji.", minutes=1, reason="reaction")
    team.turn(lia, "dead", "As mensagens não puderam ser respondidas.", reason="too_many_tries")
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await look_back(page)
        assert await past(page, 12) == [
            ["Respondida", ANSWERED, "Em voz: O cliente mandou áudio."],
            ["Passada para a equipe", WISH, "Em texto"],
            ["Equipe chamada: humanos"],
            ["Assumida por Bruno"],
            ["Deixada com a equipe", "A conversa estava com a equipe."],
            ["Assumida por Marina"],
            ["Equipe chamada: oficina"],
            ["De volta ao assistente", "Marina devolveu a conversa ao assistente."],
            ["Assumida pela equipe", "Uma pessoa da equipe respondeu pelo celular."],
            ["De volta ao assistente", "A equipe não fez nada."],
            ["Sem resposta", "O cliente só reagiu com um emoji."],
            ["Não pôde ser respondida", "As mensagens não puderam ser respondidas."],
        ]


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"timeline": [_shape("format_text", "Por texto.")]}, ["Em texto: Por texto."]),
        (
            {"timeline": [_shape("contact_spoke", "Áudio."), {"step": "voice", "reason": "text_instead:Quota:none"}]},
            ["Em texto: a voz não pôde ser usada (Quota:none)"],
        ),
        (
            {"deliveries": [_lost("sent", "text_instead:131053")]},
            ["Em texto: a voz não pôde ser usada (131053)"],
        ),
        ({"deliveries": [_lost("sent"), _lost("failed", "131026")]}, ["Em texto", "Não foi entregue (131026)"]),
        ({"deliveries": [_lost("failed", "131026"), _lost("delivered")]}, ["Em texto"]),
        (
            {"deliveries": [_lost("unsure"), _lost("withdrawn", "overtaken", "1")]},
            ["Em texto", "Talvez enviada: confira antes de repetir", "Não foi enviada: o cliente escreveu antes"],
        ),
        ({"deliveries": [_lost("unsure"), _lost("sent", part="0:again")]}, ["Em texto"]),
        ({"deliveries": [_lost("failed", "131026"), _lost("sent", part="0:again1")]}, ["Em texto"]),
        (
            {"deliveries": [_lost("unsure"), _lost("failed", "131026", "0:again1")]},
            ["Em texto", "Não foi entregue (131026)"],
        ),
        (
            {"deliveries": [_lost("withdrawn", "person_took_over", part) for part in "012"]},
            ["Em texto", "Não foi enviada: uma pessoa assumiu antes"],
        ),
        ({"deliveries": [_lost("withdrawn", "x_17")]}, ["Em texto", "Não foi enviada (x_17)"]),
        ({"deliveries": [_lost("templated")]}, ["Em texto", "Foi trocada pelo modelo aprovado"]),
        ({"reply": {"parts": []}}, []),
        ({"reply": None}, []),
    ],
    ids=lambda case: "",
)
async def test_the_history_says_in_which_form_and_what_did_not_arrive(
    browser: Browser, inbox: str, team: Team, turn: dict[str, Any], said: list[str]
) -> None:
    lia = team.calls("Lia Souza", "Oi", WISH)
    team.turn(lia, "answered", ANSWERED, **{"reply": TEXT, **turn})
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await look_back(page)
        assert await past(page, 1) == [["Respondida", ANSWERED, *said]]


async def test_the_history_is_asked_for_when_it_is_opened_and_while_it_is(
    browser: Browser, inbox: str, team: Team
) -> None:
    lia, rui = busy_day(team), next(talk for talk in team.talks.values() if talk.name == "Rui Alves")
    async with visitor(browser, name="inbox-history") as page:
        await page.add_init_script(PATIENT)
        await page.goto(inbox)
        await enter(page)
        await choose(page, lia)
        team.writes(lia, "Alguém aí?")
        await page.locator(".words", has_text="Alguém aí?").wait_for()
        assert team.looked_back == 0
        await look_back(page)
        await past(page, 3)
        team.turn(lia, "held", "A conversa estava com a equipe.")
        await past(page, 4)
        await look_back(page)
        for text in ("Oi?", "Tudo bem?"):  # a look that began before it was closed is over when the second is there
            team.writes(lia, text)
            await page.locator(".words", has_text=text).wait_for()
        seen = team.looked_back
        team.writes(lia, "Ninguém?")
        await page.locator(".words", has_text="Ninguém?").wait_for()
        await choose(page, rui)
        team.writes(rui, "E eu?")
        await page.locator(".words", has_text="E eu?").wait_for()
        assert team.looked_back == seen
        await look_back(page)
        await page.get_by_text("Ainda não há nada no histórico.").wait_for()


async def test_a_long_history_shows_its_last_fifty_turns_and_ends_with_the_newest(
    browser: Browser, inbox: str, team: Team
) -> None:
    from playwright.async_api import expect

    lia = team.calls("Lia Souza", "Oi", WISH)
    team.passes(lia, "held", person="Bruno", minutes=500)
    for n in range(130):
        team.turn(lia, "answered", f"Resposta {n}.", minutes=200 - n)
    team.passes(lia, "held", person="Marina", minutes=100.5)
    for size in (1180, 390):
        async with marina(browser, inbox, viewport={"width": size, "height": 780}) as page:
            await choose(page, lia)
            await look_back(page)
            shown = await past(page, 51)
            assert shown[0] == ["Respondida", "Resposta 80."]
            assert ["Assumida por Marina"] in shown
            assert shown[-1] == ["Respondida", "Resposta 129."]
            await page.get_by_text("O que veio antes não é mostrado aqui.").wait_for()
            await expect(page.locator(".history li").last).to_be_in_viewport()


async def test_a_history_that_cannot_be_read_keeps_nobody_from_the_talk(
    browser: Browser, inbox: str, team: Team
) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await choose(page, lia)
        team.faults.append(Fault("turns", 503, lasting=True))
        await look_back(page)
        await page.get_by_text("O histórico não pôde ser buscado agora.").wait_for()
        team.writes(lia, "Alguém aí?")
        await page.locator(".words", has_text="Alguém aí?").wait_for()
        assert await page.locator(".banner p").count() == 0
        team.faults.clear()
        team.changed(lia)
        await past(page, 3)
        assert await page.get_by_text("O histórico não pôde ser buscado agora.").count() == 0
        team.faults.append(Fault("turns", 401))
        team.changed(lia)
        await page.locator("#key").wait_for()


# -- answering


async def test_an_answer_is_sent_and_the_conversation_is_whoever_s_wrote(
    browser: Browser, inbox: str, team: Team
) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Oi, Lia!")
        await page.locator("#reply").press("Enter")
        await shows(page, ["Oi", "Oi, Lia!"])
        await page.locator(".by", has_text="Você").wait_for()
        assert await page.locator("#reply").input_value() == ""
        [(_, _, said)] = team.asked
        assert (said["person"], said["text"], said["speak"], said["spell"]) == ("Marina", "Oi, Lia!", False, 1)
        await page.locator(".mark", has_text="com você").wait_for()


async def test_what_was_typed_is_heard(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    team.gate.clear()
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Já vi o seu pedido.")
        await page.get_by_role("button", name="Enviar em voz").click()
        await page.get_by_text("Gravando na voz da fila…").wait_for()
        team.gate.set()
        await page.locator(".bubble.mine .note").wait_for()
        await page.locator(".heard", has_text="Já vi o seu pedido.").wait_for()
        assert team.asked[0][2]["speak"] is True


async def test_where_no_voice_can_be_had_the_words_go_and_the_page_says_why(
    browser: Browser, inbox: str, team: Team
) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    team.voiceless = "O limite de voz deste mês não basta."
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Já vi.")
        await page.get_by_role("button", name="Enviar em voz").click()
        await page.get_by_text("Foi como texto: O limite de voz deste mês não basta.").wait_for()
        await shows(page, ["Oi", "Já vi."])


async def test_a_queue_without_a_voice_offers_none(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    lia.voice = False
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.get_by_role("button", name="Enviar", exact=True).wait_for()
        assert await page.get_by_role("button", name="Enviar em voz").count() == 0


async def test_an_answer_whose_confirmation_was_lost_is_sent_once(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    team.faults.append(Fault("write", lasting=True))
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Oi, Lia!")
        await page.locator("#reply").press("Enter")
        await page.get_by_text("O texto ficou aqui").wait_for()
        assert await page.locator("#reply").input_value() == "Oi, Lia!"
        team.faults.clear()
        await page.locator("#reply").press("Enter")
        await page.wait_for_function("() => document.getElementById('reply').value === ''")
        assert len({said["id"] for _, _, said in team.asked}) == 1
        await shows(page, ["Oi", "Oi, Lia!"])


async def test_two_people_do_not_answer_at_once(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Oi, Lia!")
        team.gate.clear()
        await page.locator("#reply").press("Enter")
        await page.get_by_text("Enviando…").wait_for()
        lia.custody |= {"state": "held", "person": "Bruno"}
        team.gate.set()
        await page.get_by_text("Bruno está com esta conversa. Para responder, assuma no lugar.").wait_for()
        await page.get_by_role("button", name="Assumir no lugar de Bruno").click()
        await page.get_by_role("button", name="Confirmar").click()
        await page.get_by_text("A conversa é sua.").wait_for()
        assert team.asked[-1][2] == {"person": "Marina", "instead_of": "Bruno"}
        assert await page.locator("#reply").input_value() == "Oi, Lia!", "what was typed is not lost"


async def test_whose_conversation_is_taken_away_keeps_the_place_and_reads_nothing_stale(
    browser: Browser, inbox: str, team: Team
) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.get_by_role("button", name="Assumir").click()
        await page.get_by_text("A conversa é sua.").wait_for()
        await page.locator("#reply").focus()
        team.taken(lia, "Bruno")
        await page.get_by_text("Bruno está com esta conversa").wait_for()
        await page.wait_for_function("() => document.activeElement.tagName === 'H2'")
        assert await page.get_by_text("A conversa é sua.").count() == 0


async def test_what_was_given_back_meanwhile_has_to_be_taken_first(browser: Browser, inbox: str, team: Team) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox, errors_allowed=REFUSED) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Oi, Lia!")
        lia.custody |= {"state": "released"}
        await page.locator("#reply").press("Enter")
        await page.get_by_text("O assistente está com esta conversa. Para responder, assuma.").wait_for()
        await page.get_by_role("button", name="Assumir").click()
        await page.locator("#reply").wait_for()
        assert await page.locator("#reply").input_value() == "Oi, Lia!"


@pytest.mark.parametrize(
    ("button", "said", "asked"),
    [
        ("Assumir", "A conversa é sua.", "take"),
        ("Resolver", "Conversa resolvida.", "resolve"),
        ("Devolver ao assistente", "O assistente volta a responder.", "release"),
    ],
)
async def test_taking_resolving_and_giving_back(
    browser: Browser, inbox: str, team: Team, button: str, said: str, asked: str
) -> None:
    lia = team.calls("Lia", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.get_by_role("button", name=button).click()
        await page.get_by_text(said).wait_for()
        assert [(what, body["person"]) for what, _, body in team.asked] == [(asked, "Marina")]


async def test_where_resolving_does_not_end_it_the_page_says_what_does(browser: Browser) -> None:
    team = Team(manual=True)
    lia = team.calls("Lia", "Oi", WISH)
    async with serving(team) as url, marina(browser, url) as page:
        await choose(page, lia)
        await page.get_by_role("button", name="Resolver").click()
        await page.get_by_text("só “Devolver ao assistente” termina").wait_for()


async def test_a_draft_waits_for_its_conversation(browser: Browser, inbox: str, team: Team) -> None:
    lia, rui = team.calls("Lia", "Oi", WISH), team.calls("Rui", "Oi", WISH)
    async with marina(browser, inbox) as page:
        await choose(page, lia)
        await page.locator("#reply").fill("Para a Lia")
        await choose(page, rui)
        assert await page.locator("#reply").input_value() == ""
        await choose(page, lia)
        assert await page.locator("#reply").input_value() == "Para a Lia"


# -- manners


@pytest.mark.parametrize("text", HOSTILE, ids=["markup", "schemes", "bidi", "emoji", "longword", "entities"])
async def test_text_is_always_text_and_never_wider_than_a_phone(
    browser: Browser, inbox: str, team: Team, text: str
) -> None:
    lia = team.calls(text[:200], text, text[:200], summary=text)
    team.turn(lia, "answered", text, timeline=[_shape("x", text)], reply=VOICE, deliveries=[_lost("failed", text)])
    team.passes(lia, "held", text, person=text[:80])
    async with marina(browser, inbox, viewport={"width": 320, "height": 600}) as page:
        await page.locator(".entry").click()
        await page.locator(".words").wait_for()
        await page.locator("summary", has_text="Resumo").click()
        await page.locator("summary", has_text="Histórico").click()
        await page.locator(".history li").nth(1).wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert await page.evaluate("document.images.length") == 1
        assert await page.locator(".words").text_content() == lia.messages[0]["part"]["text"]


@pytest.mark.parametrize("size", [(320, 480), (375, 667), (740, 360), (900, 700)], ids=str)
async def test_long_names_and_a_phone_s_keyboard_leave_room_for_the_talk(
    browser: Browser, inbox: str, team: Team, size: tuple[int, int]
) -> None:
    bruno = "b" * 80
    lia = team.calls("L" * 200, "Oi", "w" * 200)
    team.person(lia, bruno, {"kind": "text", "text": "Oi!"})
    team.taken(lia, bruno)
    rui = team.calls("Rui", "Alguém?", WISH, summary="Quer trocar o tamanho. " * 30)
    async with marina(browser, inbox, viewport={"width": size[0], "height": size[1]}) as page:
        for talk in (lia, rui):
            await page.goto(f"{inbox}#{talk.id}")
            await page.locator("h2", has_text=talk.name).wait_for()
            if talk is rui:
                await page.locator("#reply").fill("Oi!")
                await page.get_by_role("button", name="Enviar", exact=True).click(trial=True)
            wide, tall = await page.evaluate(
                "[document.documentElement.scrollWidth, document.querySelector('.log').clientHeight]"
            )
            assert wide <= size[0]
            assert tall >= 96


async def test_a_phone_shows_one_thing_at_a_time(browser: Browser, inbox: str, team: Team) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox, viewport={"width": 390, "height": 780}) as page:
        await choose(page, lia)
        assert not await page.locator(".list").is_visible()
        await page.get_by_role("button", name="Voltar para as conversas").click()
        await page.locator(".list").wait_for()
        assert await page.locator(".case").count() == 0
        await page.wait_for_function("() => document.activeElement.textContent.includes('Lia Souza')")
        await page.go_back()
        await page.locator("h2", has_text="Lia Souza").wait_for()


async def test_everything_is_reached_by_the_keyboard(browser: Browser, inbox: str, team: Team) -> None:
    busy_day(team)
    async with marina(browser, inbox) as page:
        await page.locator(".entry").first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.locator("h2", has_text="Lia Souza").wait_for()
        await page.wait_for_function("() => document.activeElement.tagName === 'H2'")
        seen = set()
        for _ in range(20):
            await page.keyboard.press("Tab")
            seen.add(await page.evaluate("document.activeElement.id || document.activeElement.innerText"))
        assert {"Assumir", "Resolver", "Devolver ao assistente", "Resumo", "Histórico", "reply", "Enviar"} <= seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1180, 760), (360, 640)], ids=["desk", "phone"])
async def test_an_accessibility_checker_has_nothing_to_say(
    browser: Browser, inbox: str, team: Team, scheme: str, size: tuple[int, int]
) -> None:
    lia = busy_day(team)
    team.person(lia, "Bruno", {"kind": "text", "text": "Oi, Lia!"}, state="failed")
    team.person(lia, "Marina", team.voice(2.0, "Oi!"))
    view = {"width": size[0], "height": size[1]}
    async with marina(browser, inbox, color_scheme=scheme, viewport=view) as page:
        await choose(page, lia)
        await page.locator(".note").nth(1).wait_for()
        await page.locator("#reply").fill("Oi")
        await look_back(page)
        await page.locator(".history li").first.wait_for()
        await page.locator("[role=log][aria-live=polite]").wait_for()
        assert await page.evaluate(AUDIT) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-GB", "Back to the assistant"), ("es-MX", "Devolver al asistente"), ("zh-CN", "交还给助手")],
)
async def test_the_page_speaks_the_browser_s_language(
    browser: Browser, inbox: str, team: Team, language: str, said: str
) -> None:
    lia = busy_day(team)
    async with marina(browser, inbox, language) as page:
        await choose(page, lia)
        await page.get_by_role("button", name=said).wait_for()
        await look_back(page)
        await page.locator(".history li").nth(2).wait_for()
        assert await page.evaluate("document.documentElement.lang") == language
        assert not re.search(r"undefined|\{\w+\}", await page.locator("body").inner_text())
