"""`recado move`: all of an embedded database in PostgreSQL, or nothing of it."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.config import Config, load
from storage.model import (
    Conversation,
    DeadLetter,
    Fetched,
    Hold,
    Kind,
    Media,
    MediaId,
    Passing,
    Post,
    Receipt,
    conversation_id,
)
from storage.moving import Tally
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from storage.vault import VARIABLE, open_vault
from tests.fakes.openai import FakeOpenAI
from tests.postgres import Aside, Server
from tests.story.running import LONG, Contact, toml
from tests.test_cli import recado

NOTE = MediaId("ab" * 32)
ROOT = Path(__file__).parents[1]
WHO = Conversation(conversation_id("site", "ana"), "site", "ana", "Ana \0 \ue000", "loja", address={"id": "1"})
ODD = "nul \0, private \ue000e\ue0000, emoji 🎙, quotes '\"\\"


@pytest.fixture(autouse=True)
def no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def target(postgres: Server, aside: Aside) -> Iterator[str]:
    """An empty database."""
    name = postgres.database()
    yield postgres.url(name)
    aside.forget(postgres.url(name))
    postgres.drop(name)


def written(folder: Path, text: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "recado.toml"
    path.write_text(text or toml("http://127.0.0.1:1/v1", openai_key="sk-x"), "utf-8")
    return path


async def lived_in(config: Path, *, messages: int = 3) -> Path:
    """One of everything, and a lane that was running when it stopped."""
    file = config.parent / "recado.db"
    store = SqliteStore(file)
    await store.open()
    media = Media(NOTE, "audio/ogg", 3, 1.5, (0, 100, 7))
    await store.add_media(media)
    for n in range(messages):
        await store.accept(WHO, Post(WHO.id, f"id-{n}", f"{n} {ODD}", once=True), [media.id])
    await store.remember_heard(media.id, "oi", "pt")
    await store.remember_fetched(WHO.id, Fetched(1, 0, media, ""))
    await store.known_as("site", ["ana", "ana-phone"], lasting="ana-phone")
    await store.set_fact(WHO.id, "opted_out", True)
    await store.record(Receipt(WHO.id, "t:1", "sent", 5, "wamid", ""))
    await store.bury(DeadLetter(Kind.IN, WHO.id, 1, "why", 7))
    await store.keep_unread("site", "why", bytes(range(256)))
    await store.spend("loja", "2027-01-31", seconds=1 / 3, characters=5)
    await store.seal("visitor_secret", open_vault(file, {}).seal("visitor_secret", "psst"))
    await store.pass_on(WHO.id, Passing("", "held", Hold("people", "phone", 5)))
    await store.claim(Kind.IN, 1, 3_600_000, "somebody")
    await store.close()
    return file


def here(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608


def there(aside: Aside, url: str) -> dict[str, int]:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    names = [name for (name,) in aside.fetch(url, tables)]
    return {name: aside.fetch(url, f"SELECT COUNT(*) FROM {name}")[0][0] for name in names}  # noqa: S608


async def test_every_row_of_every_table_arrives(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    file = await lived_in(config := written(tmp_path))
    counts = here(file)
    assert await recado("move", "--to", target, "--config", config) == 0
    told = capsys.readouterr().out
    assert f'storage.url = "{target}"' in told
    assert "second move" in told
    assert there(aside, target) == counts
    assert min(counts[name] for name in ("entry", "lane", "alias", "fact", "dead", "unread", "spending", "sealed")) > 0
    assert here(file) == counts, "the old file is kept"
    store = PostgresStore(target)
    await store.open()
    try:
        (claim,) = await store.claim(Kind.IN, 10, 1000, "new")
        assert [entry.body for entry in (await store.load(claim)).entries] == [f"{n} {ODD}" for n in range(3)]
        assert claim.tries == 2, "the one who ran it is gone, and its lease is not waited for"
        moved = await store.conversation(WHO.id)
        assert moved is not None
        assert (moved.hold, moved.custody, moved.address) == (Hold("people", "phone", 5), "held", {"id": "1"})
        assert (await store.unread(1))[0].body == bytes(range(256))
        assert (await store.spent("loja", "2027-01-01")).seconds == 1 / 3
        known = await store.media(NOTE)
        assert known is not None
        assert known.waveform == (0, 100, 7)
    finally:
        await store.close()


async def test_the_key_of_the_vault_comes_with_it(tmp_path: Path, target: str) -> None:
    file = await lived_in(config := written(tmp_path))
    key = tmp_path / "recado.key"
    assert await recado("move", "--to", target, "--config", config) == 0
    assert key.read_bytes() == file.with_name("recado.db.key").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    store = PostgresStore(target)
    await store.open()
    sealed = await store.sealed("visitor_secret")
    await store.close()
    assert sealed is not None
    assert open_vault(tmp_path / "recado", {}).unseal("visitor_secret", sealed) == "psst"


async def test_a_second_move_is_refused(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived_in(config := written(tmp_path))
    assert await recado("move", "--to", target, "--config", config) == 0
    before = there(aside, target)
    assert await recado("move", "--to", target, "--config", config) == 3
    assert "not empty" in capsys.readouterr().err
    assert there(aside, target) == before


async def test_it_waits_for_the_gateway_to_stop(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    file = await lived_in(config := written(tmp_path))
    store = SqliteStore(file)
    await store.open()
    assert await recado("move", "--to", target, "--config", config) == 3
    await store.close()
    assert "stop it" in capsys.readouterr().err
    assert there(aside, target) == {}


async def test_a_target_of_another_recado_is_refused(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived_in(config := written(tmp_path))
    aside.execute(target, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, at BIGINT NOT NULL)")
    aside.execute(target, "INSERT INTO schema_version VALUES (1, 0)")
    assert await recado("move", "--to", target, "--config", config) == 3
    assert "schema 1" in capsys.readouterr().err
    aside.execute(target, "UPDATE schema_version SET version = 9999")
    assert await recado("move", "--to", target, "--config", config) == 3
    assert "newer recado" in capsys.readouterr().err


async def test_a_database_of_another_program_is_refused(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived_in(config := written(tmp_path))
    aside.execute(target, "CREATE TABLE conversation (id INTEGER)")
    assert await recado("move", "--to", target, "--config", config) == 3
    assert "another program" in capsys.readouterr().err


async def test_a_file_of_an_older_recado_walks_its_steps_first(tmp_path: Path, target: str, aside: Aside) -> None:
    from storage import lanes

    config = written(tmp_path)
    store = SqliteStore(tmp_path / "recado.db", steps={1: lanes.steps()[1]})
    await store.open()
    await store._one(
        "INSERT INTO conversation (id, channel, contact, name, queue, created_at) VALUES ('c', 'a', 'b', '', 'q', 1)",
        {},
    )
    await store.close()
    assert await recado("move", "--to", target, "--config", config) == 0
    assert there(aside, target)["conversation"] == 1


async def test_what_changes_on_its_way_is_seen(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trigger over there changes one letter of one row."""
    await lived_in(config := written(tmp_path))
    store = PostgresStore(target)
    await store.open()
    await store.close()
    aside.execute(
        target,
        "CREATE FUNCTION spoil() RETURNS TRIGGER LANGUAGE plpgsql AS $$ "
        "BEGIN IF NEW.seq = 2 THEN NEW.digest := NEW.digest || '.'; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER spoil BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION spoil()",
    )
    assert await recado("move", "--to", target, "--config", config) == 1
    assert "table entry are not the same" in capsys.readouterr().err
    assert sum(count for table, count in there(aside, target).items() if table != "schema_version") == 0
    aside.execute(target, "DROP TRIGGER spoil ON entry")
    assert await recado("move", "--to", target, "--config", config) == 0


async def test_what_gets_lost_on_its_way_is_seen(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    await lived_in(config := written(tmp_path))
    store = PostgresStore(target)
    await store.open()
    await store.close()
    aside.execute(
        target,
        "CREATE FUNCTION lose() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER lose BEFORE INSERT ON fact FOR EACH ROW EXECUTE FUNCTION lose()",
    )
    assert await recado("move", "--to", target, "--config", config) == 1
    assert "of 1 rows of the table fact, 1 were sent and 0 arrived" in capsys.readouterr().err
    assert there(aside, target)["entry"] == 0


async def test_killed_in_the_middle_nothing_is_there_and_it_can_begin_again(
    tmp_path: Path, target: str, aside: Aside
) -> None:
    file = await lived_in(config := written(tmp_path), messages=5000)
    words = ["move", "--to", target, "--config", str(config)]
    died = await asyncio.to_thread(_dying, words)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert sum(count for table, count in there(aside, target).items() if table != "schema_version") == 0
    assert await recado(*words) == 0
    assert there(aside, target) == here(file)


def _dying(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    """It dies behind the first batch."""
    command = [sys.executable, "-m", "tests.backup_main", "--die-at", "moving", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False)


def _damage(file: Path) -> None:
    with open(file, "r+b") as damaged:
        damaged.seek(file.stat().st_size // 2)
        damaged.write(b"\xff" * 8192)


async def test_a_damaged_file_is_not_moved(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    file = await lived_in(config := written(tmp_path), messages=2000)
    _damage(file)
    assert await recado("move", "--to", target, "--config", config) in (1, 3)
    assert "nothing was moved" in capsys.readouterr().err
    assert there(aside, target).get("entry", 0) == 0


async def test_without_a_database_nothing_is_made(
    tmp_path: Path, target: str, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path)
    assert await recado("move", "--to", target, "--config", config) == 3
    assert not (tmp_path / "recado.db").exists()
    await lived_in(config)
    assert await recado("move", "--to", "mysql://db", "--config", config) == 3
    assert "--to" in capsys.readouterr().err
    assert there(aside, target) == {}


async def test_a_password_is_not_told(tmp_path: Path, postgres: Server, capsys: pytest.CaptureFixture[str]) -> None:
    await lived_in(config := written(tmp_path))
    name = postgres.database()
    url = f"postgresql://postgres:psst-psst@/{name}?host={postgres.folder}"
    assert await recado("move", "--to", url, "--config", config) == 0
    out = capsys.readouterr()
    assert "psst-psst" not in out.out + out.err
    assert "RECADO_STORAGE__URL" in out.out
    assert await recado("move", "--to", url.replace(name, "nobody"), "--config", config) == 3
    out = capsys.readouterr()
    assert "psst-psst" not in out.out + out.err
    postgres.drop(name)


def test_a_tally_knows_twice_from_never_and_does_not_mind_the_order() -> None:
    one, other, twice = Tally(), Tally(), Tally()
    for row in [(1, "a"), (2, None)]:
        one.add(row)
    for row in [(2, None), (1, "a")]:
        other.add(row)
    for row in [(1, "a"), (1, "a")]:
        twice.add(row)
    assert one == other
    assert twice.sum != 0
    assert one.sum != twice.sum


# -- and then it goes on -----------------------------------------------------------------------------


def on(config: Config, url: str) -> Config:
    return config.model_copy(update={"storage": config.storage.model_copy(update={"url": url})})


async def test_a_conversation_goes_on_after_the_move(tmp_path: Path, target: str) -> None:
    """What was said is remembered, what waited is answered, and what people have stays theirs."""
    async with FakeOpenAI() as openai, aiohttp.ClientSession() as http:
        words = toml(openai.base_url, openai_key=openai.key)
        path = written(tmp_path, words)
        async with Gateway(load(path)) as gateway:
            talker, held = Contact(http, gateway, "lia"), Contact(http, gateway, "rui")
            await talker.ask("primeira")
            await held.ask("oi")
            await held.act("hold", queue="loja", reason="asked")
        waiting = toml(openai.base_url, openai_key=openai.key, interval=LONG, max_wait=LONG)
        path.write_text(waiting, "utf-8")  # a window that is still open when it stops
        async with Gateway(load(path)) as gateway:
            talker.gateway = gateway
            await talker.say("segunda")
        _time_passed(tmp_path / "recado.db")
        path.write_text(words, "utf-8")
        assert await recado("move", "--to", target, "--config", path) == 0
        async with Gateway(on(load(path), target)) as gateway:
            talker.gateway = held.gateway = gateway
            await talker.ask("terceira")
            said = [words for who, words in await talker.transcript() if who == "contact"]
            assert said == ["primeira", "segunda", "terceira"]
            turns = await talker.turns()
            assert {turn["outcome"] for turn in turns} == {"answered"}
            assert [turn["covers"]["after"] for turn in turns] == [0, *(turn["covers"]["upto"] for turn in turns[:-1])]
            assert turns[-1]["covers"]["upto"] == 3
            assert any(words == "primeira" for _, words in openai.calls[-1].said)
            _, kept = await held.get("")
            assert kept["held"]["reason"] == "asked"
            asked = len(openai.calls)
            status, _ = await held.post(held.message("ainda aí?"), wait=10)
            assert status in (200, 202)
            assert (await held.turns())[-1]["outcome"] == "held"
            assert len(openai.calls) == asked


def _time_passed(file: Path) -> None:
    """The window that was open is over."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE lane SET wake_at = 1, due_at = 1 WHERE wake_at IS NOT NULL AND kind = 0")
