"""The inbox's page against the real gateway: a customer on the chat's page, a person on the inbox's, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.browser import chromium, needed, visitor
from tests.story.running import Contact
from tests.story.test_inbox import INBOX, WISH, shop

pytestmark = [pytest.mark.browser]


async def test_a_customer_calls_and_a_person_answers_aloud(tmp_path: Path) -> None:
    needed()
    async with shop(tmp_path) as loja, chromium() as browser, visitor(browser, name="inbox-story") as customer:
        await customer.goto(f"{loja.url}/chat/site")
        await customer.locator("#message").fill("Vocês entregam em Niterói?")
        await customer.locator("#message").press("Enter")
        await customer.locator(".bubble.theirs").wait_for()
        async with visitor(browser, name="inbox-person") as person:
            await person.goto(f"{loja.url}/inbox")
            await person.locator("#person").fill("Marina")
            await person.locator("#key").fill(INBOX)
            await person.keyboard.press("Enter")
            await person.get_by_text("Tudo em dia").wait_for()
            await customer.locator("#message").fill(WISH)
            await customer.locator("#message").press("Enter")
            await person.locator(".entry").click()
            await person.get_by_text("O cliente pediu para falar com uma pessoa.").first.wait_for()
            await person.locator(".summary", has_text="- Vocês entregam em Niterói?").wait_for()
            await person.locator("#reply").fill("Entregamos sim, em até três dias úteis.")
            await person.get_by_role("button", name="Enviar em voz").click()
            await person.locator(".bubble.person .note").wait_for()
            await person.locator(".mark", has_text="com você").wait_for()
            await customer.locator(".bubble.theirs .note").wait_for()
            await customer.locator("#message").fill("Obrigada!")
            await customer.locator("#message").press("Enter")
            await person.locator(".words", has_text="Obrigada!").wait_for()
            await person.locator("#reply").fill("Por nada!")
            await person.locator("#reply").press("Enter")
            await customer.locator(".words", has_text="Por nada!").wait_for()
            await person.get_by_role("button", name="Devolver ao assistente").click()
            await person.get_by_text("O assistente volta a responder.").wait_for()
            await person.locator(".entry").wait_for(state="detached")
        await customer.locator("#message").fill("E o frete?")
        await customer.locator("#message").press("Enter")
        await customer.locator(".words", has_text="Echo: E o frete?").wait_for()


async def test_a_manager_follows_how_a_conversation_came_to_people_and_back(tmp_path: Path) -> None:
    needed()
    async with shop(tmp_path) as loja, chromium() as browser, visitor(browser, name="inbox-history") as person:
        lia = Contact(loja.http, loja.gateway)
        await lia.ask("Vocês entregam em Niterói?")
        await lia.ask(WISH)
        await person.goto(f"{loja.url}/inbox#{lia.conversation}")
        await person.locator("#person").fill("Marina")
        await person.locator("#key").fill(INBOX)
        await person.keyboard.press("Enter")
        await person.locator("summary", has_text="Histórico").press("Enter")
        steps = person.locator(".history li")
        await (
            steps.filter(has_text="O assistente respondeu.").filter(has_text="Em texto: O cliente escreveu").wait_for()
        )
        await steps.filter(has_text="O cliente pediu para falar com uma pessoa.").wait_for()
        await steps.filter(has_text="Equipe chamada: humanos").wait_for()
        await lia.ask("Alguém aí?")
        await steps.filter(has_text="então o assistente ficou em silêncio.").wait_for()
        await person.get_by_role("button", name="Assumir").click()
        await steps.filter(has_text="Assumida por Marina").wait_for()
        await person.get_by_role("button", name="Devolver ao assistente").click()
        await steps.filter(has_text="Marina devolveu a conversa ao assistente.").wait_for()
