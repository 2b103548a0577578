"""One Chromium for all tests of the page; a stand-in gateway and a fresh profile for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.page.browser import chromium, needed
from tests.page.standin import StandIn, serving, tone

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("microphone") / "speech.wav"
    path.write_bytes(tone(6.0, "wav"))
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(microphone: Path) -> AsyncIterator[Browser]:
    needed()
    async with chromium(microphone) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def standin() -> StandIn:
    return StandIn()


@pytest_asyncio.fixture(loop_scope="session")
async def url(standin: StandIn) -> AsyncIterator[str]:
    async with serving(standin) as address:
        yield address
