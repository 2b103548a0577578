"""Lines of providers, and an assistant that echoes, for whichever test asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.openai import FakeOpenAI
from tests.story.lines import LINES, Evolution, Line, Telegram, WhatsApp, evolution, telegram, whatsapp


@pytest.fixture(params=LINES, ids=lambda make: make.__name__)
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    """Each of them, one after the other."""
    async with request.param() as made:
        yield made


@pytest.fixture
async def zap() -> AsyncIterator[WhatsApp]:
    async with whatsapp() as made:
        yield made


@pytest.fixture
async def evo() -> AsyncIterator[Evolution]:
    async with evolution() as made:
        yield made


@pytest.fixture
async def tele() -> AsyncIterator[Telegram]:
    async with telegram() as made:
        yield made


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(heard="quanto custa o frete?") as made:
        yield made
