"""Lines of providers, and an assistant that echoes, for whichever test asks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway import databases
from gateway.config import Config
from storage.postgres import PostgresStore
from tests.fakes.openai import FakeOpenAI
from tests.postgres import Aside, Server
from tests.story import running
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


CLOCK = """
CREATE TABLE ahead (ms BIGINT NOT NULL);
INSERT INTO ahead VALUES (0);
CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE AS
$$ SELECT CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT) + ms FROM ahead $$
"""


@pytest.fixture(scope="session")
def template(postgres: Server, aside: Aside) -> str:
    """A database with the schema, and a clock that can be put ahead."""

    async def make() -> None:
        store = PostgresStore(postgres.url(name), clock=CLOCK)
        await store.open()
        await store.close()

    name = postgres.database()
    aside.run(make())
    return name


@pytest.fixture(autouse=True)
def _stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With RECADO_TEST_STORE=postgres every gateway of a story has a database instead of its file."""
    if os.environ.get("RECADO_TEST_STORE") != "postgres":
        yield
        return
    if request.node.get_closest_marker("file"):
        pytest.skip("it looks into the SQLite file")
    server, aside = request.getfixturevalue("postgres"), request.getfixturevalue("aside")
    made: dict[str, str] = {}
    real = databases.database

    def shared(config: Config) -> databases.Database:
        if not config.storage.url.startswith("sqlite"):
            return real(config)  # the story brings its own
        name = made.get(config.storage.url) or server.database(request.getfixturevalue("template"))
        made[config.storage.url] = name
        return databases.Server(server.url(name), real(config).keys)

    def ahead(url: str, ms: int) -> None:
        aside.execute(url, f"UPDATE ahead SET ms = ms + {ms}")  # noqa: S608 - a number

    for module in ("app", "checking"):
        monkeypatch.setattr(f"gateway.{module}.database", shared)
    monkeypatch.setattr(running, "put_ahead", ahead)
    yield
    for name in made.values():
        aside.forget(server.url(name))
        server.drop(name)
