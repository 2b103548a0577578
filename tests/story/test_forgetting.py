"""With `keep_days` a gateway takes away what is old, and goes on with whoever comes back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest

from gateway import forgetting
from gateway.app import Gateway
from gateway.checking import check
from gateway.config import ConfigError, parse
from gateway.telemetry import Telemetry
from storage.media import MediaAway
from storage.model import ConversationId
from storage.retention import DAY
from tests.fakes.openai import FakeOpenAI
from tests.story.running import Contact, toml

KEEP = """
[storage]
keep_days = 30
"""


@pytest.mark.skipif(
    os.environ.get("RECADO_TEST_STORE") == "postgres", reason="its clock cannot be put ahead by a start"
)
async def test_who_comes_back_after_a_long_time_begins_anew(
    tmp_path: Path, openai: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = toml(openai.base_url, openai_key=openai.key, more=KEEP)
    async with aiohttp.ClientSession() as http:
        async with Gateway(parse(text, root=tmp_path)) as gateway:
            contact = Contact(http, gateway, "lia")
            await contact.ask("primeira")
            conversation = ConversationId(contact.conversation)
        _a_month_passes(monkeypatch)
        async with Gateway(parse(text, root=tmp_path)) as gateway:
            contact.gateway = gateway
            async with asyncio.timeout(60):
                while await gateway.store.turns(conversation, 0, 1):
                    await asyncio.sleep(0.05)
            assert await contact.transcript() == []
            assert (await contact.get(""))[0] == 200
            assert gateway.telemetry.forgotten.labels("message")._value.get() == 2
            await contact.ask("voltei")
            assert [words for who, words in await contact.transcript() if who == "contact"] == ["voltei"]
            assert not any("primeira" in words for _, words in openai.calls[-1].said)


def _a_month_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    from storage import sqlite

    now = sqlite.wall_ms
    build = sqlite.SqliteStore.__init__

    def later(self: sqlite.SqliteStore, *args: object, **more: object) -> None:
        build(self, *args, clock=lambda: now() + 31 * DAY, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite.SqliteStore, "__init__", later)


@pytest.mark.parametrize("days", [1, 6, -1])
def test_what_providers_may_still_repeat_is_kept(days: int, tmp_path: Path) -> None:
    wrong = KEEP.replace("30", str(days))
    with pytest.raises(ConfigError, match=r"keep_days"):
        parse(toml("http://127.0.0.1:1", openai_key="sk-x", more=wrong), root=tmp_path)


@pytest.mark.parametrize(("days", "told"), [(0, []), (7, ["what is older than 7 days is taken away"])])
async def test_the_check_says_for_how_long(days: int, told: list[str], tmp_path: Path, openai: FakeOpenAI) -> None:
    text = toml(openai.base_url, openai_key=openai.key, more=KEEP.replace("30", str(days)))
    found = await check(parse(text, root=tmp_path))
    assert [one.message for one in found if one.key == "storage.keep_days"] == told


class Broken:
    """A walk that breaks after its first piece, each time in another way."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.walks = 0

    async def walk(self):  # type: ignore[no-untyped-def]
        self.walks += 1
        yield
        if self.errors:
            raise self.errors.pop(0)


async def test_a_walk_that_breaks_is_begun_again_and_rests_in_between() -> None:
    broken, rests = Broken(MediaAway("away"), RuntimeError("a surprise")), list[float]()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if broken.walks == 4:
            raise asyncio.CancelledError

    telemetry = Telemetry()
    with pytest.raises(asyncio.CancelledError):
        await forgetting.forget(broken, telemetry, rest=rest)  # type: ignore[arg-type]
    assert broken.walks == 4
    assert rests.count(forgetting.BETWEEN) == 3
    assert all(one >= forgetting.LEAST_REST for one in rests)
    assert telemetry.failures.labels("RuntimeError")._value.get() == 1
