"""What is particular to the SQLite store: the file, the group commit, the bell, the schema."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage import lanes
from storage.folding import EVERY
from storage.lanes import POSTGRES, SQLITE
from storage.model import Conversation, Cursor, Hold, Kind, Passing, Post, Receipt, Settlement, Spent, conversation_id
from storage.procedures import once
from storage.sqlite import SqliteStore, spent_in, unread_in
from storage.store import AlreadyOpen, NewerDatabase, StoreError, Unavailable
from storage.writer import Writer

ROOT = Path(__file__).parents[2]
WHO = Conversation(conversation_id("site", "ana"), "site", "ana", "", "front")
HELD = Passing("", "held", Hold("people", "api", 1))
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and limits of POSIX")


def post(id: str, window: int = 0) -> Post:
    return Post(WHO.id, id, id, window=window)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a database?.db"  # the readers open it by URI


Build = Callable[..., SqliteStore]


@pytest.fixture
async def build(path: Path) -> AsyncIterator[Build]:
    """Stores that are closed even when the test fails: a reader's thread would keep the process alive."""
    built: list[SqliteStore] = []

    def build(**more: Any) -> SqliteStore:
        built.append(SqliteStore(path, **more))
        return built[-1]

    yield build
    for store in built:
        await store.close()


@pytest.fixture
async def store(build: Build) -> SqliteStore:
    store = build(busy_ms=50)
    await store.open()
    return store


# -- the write-ahead log -----------------------------------------------------------------------------


async def test_the_log_is_folded_back_while_it_is_written(path: Path, store: SqliteStore) -> None:
    def pages_in_the_file() -> int:
        return path.stat().st_size // 4096

    before, n = pages_in_the_file(), 0
    while pages_in_the_file() == before:
        assert n < 4 * EVERY, "nobody folds it"
        await asyncio.gather(*(store.accept(WHO, post(f"{n + m}")) for m in range(100)))
        n += 100
    assert store.requests >= EVERY


async def test_a_log_that_cannot_be_folded_is_written_on(
    path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> sqlite3.Connection:
        raise sqlite3.OperationalError("no file for it")

    store = build()
    monkeypatch.setattr(store, "_beside", fails)
    await store.open()
    assert (await store.accept(WHO, post("a"))).seq == 1
    await store.close()
    assert "folded back by the writer alone: no file for it" in caplog.text


# -- group commit ----------------------------------------------------------------------------------


class Gate:
    """A clock that can be stopped: the writer reads it before each transaction, so it waits there."""

    def __init__(self) -> None:
        self.passed = threading.Event()
        self.passed.set()
        self.reached = threading.Event()

    def __call__(self) -> int:
        self.reached.set()
        assert self.passed.wait(10)
        return 1_800_000_000_000


async def test_everything_that_waits_shares_one_commit(build: Build) -> None:
    gate = Gate()
    store = build(clock=gate)
    await store.open()
    gate.passed.clear()
    gate.reached.clear()
    first = asyncio.ensure_future(store.accept(WHO, post("first")))
    await asyncio.to_thread(gate.reached.wait, 10)  # the first is alone in its transaction
    rest = [asyncio.ensure_future(store.accept(WHO, post(f"{n}"))) for n in range(63)]
    await asyncio.sleep(0)
    assert store.commits == 0
    gate.passed.set()
    await asyncio.gather(first, *rest)
    assert (store.commits, store.requests) == (2, 64)
    await store.close()


async def test_success_is_told_only_after_the_commit(path: Path, build: Build) -> None:
    """Another connection finds whatever was promised, at the moment it is promised."""
    promised: list[int] = []
    store = build(rang=lambda kind, key: promised.append(count()))
    await store.open()
    db = sqlite3.connect(path)

    def count() -> int:
        return int(db.execute("SELECT COUNT(*) FROM entry").fetchone()[0])

    await asyncio.gather(*(store.accept(WHO, post(f"{n}")) for n in range(64)))
    assert len(promised) == 64
    assert all(found > n for n, found in enumerate(promised))
    db.close()
    await store.close()


# -- when it cannot write ----------------------------------------------------------------------------


async def test_a_locked_database_is_unavailable_and_recovers(store: SqliteStore, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(
        *(store.accept(WHO, post(f"{n}")) for n in range(3)), store.next_wake(Kind.IN), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 4
    assert await store.transcript(WHO.id, Cursor(), 9) == []
    other.execute("ROLLBACK")
    other.close()
    assert (await store.accept(WHO, post("0"))).seq == 1


async def test_a_database_that_may_not_grow_is_unavailable_and_recovers(build: Build) -> None:
    """SQLITE_FULL in the middle of a batch: none of it is promised, none of it is there."""
    store = build()
    await store.open()
    await store.accept(WHO, post("before"))
    full = [store.accept(WHO, Post(WHO.id, f"{n}", "x" * 100_000)) for n in range(3)]
    with Shrunk(store):
        answers = await asyncio.gather(*full, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert [entry.dedup for entry in await store.transcript(WHO.id, Cursor(), 9)] == ["before"]
    assert (await store.accept(WHO, post("after"))).seq == 2
    await store.close()


class Shrunk:
    """For as long as it lasts the database may not take another page."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._pages(1)  # SQLite raises it to the present size

    def __exit__(self, *exc: object) -> None:
        self._pages(1_000_000)

    def _pages(self, most: int) -> None:
        assert self._store._writer is not None
        asked = self._store._writer.ask(lambda: self._store._carry_out(once(f"PRAGMA max_page_count={most}", {})))
        asked.add_done_callback(lambda done: done.exception())


async def test_a_batch_that_fails_halfway_is_undone_whole(tmp_path: Path) -> None:
    """Some failures leave the transaction open; nothing of it may slip into the next one."""
    writer = Writer(lambda: sqlite3.connect(tmp_path / "x.db", isolation_level=None), lambda: 0)
    await writer.start()
    await writer.ask(lambda: writer.db.execute("CREATE TABLE fact (x TEXT)").fetchone())

    def write(fact: str, broken: bool) -> None:
        writer.db.execute("INSERT INTO fact VALUES (?)", [fact])
        if broken:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

    facts = [writer.ask(lambda: write("first", False)), writer.ask(lambda: write("second", True))]
    answers = await asyncio.gather(*facts, return_exceptions=True)
    assert isinstance(answers[1], Unavailable)
    told = ["first"] if answers[0] is None else []  # when it came early enough to have its own commit
    await writer.ask(lambda: write("third", False))
    assert await writer.ask(lambda: writer.db.execute("SELECT x FROM fact").fetchall()) == [
        (fact,) for fact in [*told, "third"]
    ]
    await writer.stop()


@POSIX
def test_a_full_disk_is_unavailable_and_recovers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.storage.full_disk", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout == "recovered\n", done.stderr


async def test_a_closed_store_says_so(build: Build) -> None:
    store = build()
    for _ in range(2):
        with pytest.raises(Unavailable, match="closed"):
            await store.accept(WHO, post("a"))
        with pytest.raises(Unavailable, match="closed"):
            await store.conversation(WHO.id)
        await store.open()
        await store.close()


# -- the file ------------------------------------------------------------------------------------------


async def test_a_second_owner_is_refused(store: SqliteStore, build: Build) -> None:
    with pytest.raises(AlreadyOpen, match="another recado"):
        await build().open()
    await store.accept(WHO, post("a"))
    await store.close()
    heir = build()
    await heir.open()
    await heir.close()


async def test_the_leases_of_a_dead_owner_end_at_once(store: SqliteStore, build: Build) -> None:
    await store.accept(WHO, post("a"))
    (claim,) = await store.claim(Kind.IN, 1, 3_600_000, "dies")
    await store.close()
    heir = build()
    await heir.open()
    (again,) = await heir.claim(Kind.IN, 1, 30_000, "heir")
    assert (again.epoch, again.tries) == (claim.epoch + 1, 2)
    await heir.close()


@POSIX
async def test_only_its_owner_may_read_it(store: SqliteStore, path: Path) -> None:
    await store.accept(WHO, post("a"))
    modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
    assert len(modes) == 4
    assert not any(modes.values())


async def test_it_is_as_durable_as_it_says(store: SqliteStore) -> None:
    assert store._writer is not None
    assert (await store._writer.ask(lambda: store._carry_out(once("PRAGMA journal_mode", {})))) == ("wal",)
    assert (await store._writer.ask(lambda: store._carry_out(once("PRAGMA synchronous", {})))) == (2,)


@pytest.mark.parametrize("where", ["missing/x.db", "."])
async def test_a_path_that_cannot_be_opened_is_unavailable(tmp_path: Path, where: str) -> None:
    store = SqliteStore(tmp_path / where)
    with pytest.raises(Unavailable):
        await store.open()
    await store.close()


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.write_bytes(b"a shopping list, and more than sixteen bytes of it")
    with pytest.raises(Unavailable, match="not a database"):
        asyncio.run(SqliteStore(path).open())
    assert path.read_bytes().startswith(b"a shopping list")


def test_a_foreign_database_is_left_alone(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE groceries (name TEXT)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        asyncio.run(SqliteStore(path).open())
    assert path.read_bytes() == before


# -- the schema ------------------------------------------------------------------------------------------


def versions(path: Path) -> list[int]:
    db = sqlite3.connect(path)
    rows = db.execute("SELECT version FROM schema_version ORDER BY version").fetchall()
    db.close()
    return [version for (version,) in rows]


async def opened(path: Path, steps: dict[int, str]) -> None:
    store = SqliteStore(path, steps=steps)
    await store.open()
    await store.close()


async def test_an_older_database_walks_the_missing_steps(path: Path, build: Build) -> None:
    known = lanes.steps()
    last = max(known)
    store = build()
    await store.open()
    await store.accept(WHO, post("kept"))
    await store.close()
    later = {
        **known,
        last + 1: "ALTER TABLE conversation ADD COLUMN mood TEXT; -- a comment; with a semicolon",
        last + 2: "CREATE TABLE extra (x TEXT NOT NULL PRIMARY KEY) /*clustered*/; INSERT INTO extra VALUES ('a;b');",
    }
    await opened(path, later)
    await opened(path, later)  # and only once
    assert versions(path) == list(later)
    db = sqlite3.connect(path)
    assert db.execute("SELECT mood FROM conversation").fetchall() == [(None,)]
    assert db.execute("SELECT x FROM extra").fetchall() == [("a;b",)]
    assert "WITHOUT ROWID" in db.execute("SELECT sql FROM sqlite_master WHERE name = 'extra'").fetchone()[0]
    db.close()


async def test_what_version_1_wrote_goes_on(path: Path, build: Build) -> None:
    """A held conversation, a message that waits, and a receipt, all written before there were providers."""
    await opened(path, {1: lanes.steps()[1]})
    db = sqlite3.connect(path)
    db.execute("INSERT INTO conversation VALUES (?, 'site', 'ana', 'Ana', 'front', 'people', 'api', 5, 3)", (WHO.id,))
    db.execute("INSERT INTO lane (kind, key, tail, last_at, wake_at) VALUES (0, ?, 1, 4, 4)", (WHO.id,))
    db.execute("INSERT INTO entry VALUES (0, ?, 1, 'old', '', 'olá', 4)", (WHO.id,))
    db.execute("INSERT INTO receipt VALUES (?, 1, 't0:0', 'sent', 4, '', '')", (WHO.id,))
    db.commit()
    db.close()
    store = build()
    await store.open()
    assert versions(path) == list(lanes.steps())
    kept = Conversation(WHO.id, "site", "ana", "Ana", "front", Hold("people", "api", 5), 3)
    assert await store.conversation(WHO.id) == kept
    (claim,) = await store.claim(Kind.IN, 1, 1000, "me")
    assert [entry.body for entry in (await store.load(claim)).entries] == ["olá"]
    assert not await store.record(Receipt(WHO.id, "t0:0", "sent", 9))
    await store.accept(replace(WHO, address={"phone": "1"}), post("new"))
    assert await store.conversation(WHO.id) == replace(kept, address={"phone": "1"})
    await store.close()


CONVERSATION_2 = """
INSERT INTO conversation (id, channel, contact, name, queue, hold_queue, hold_reason, hold_at, created_at)
VALUES (:id, 'site', 'ana', '', 'front', 'people', 'api', 5, 3)
"""
ENTRY_2 = "INSERT INTO entry (kind, key, seq, dedup, digest, body, at) VALUES (0, :id, 1, 'kept', '', 'kept', 4)"


async def test_what_version_2_wrote_goes_on_and_can_spend(path: Path, build: Build) -> None:
    known = lanes.steps()
    await opened(path, {1: known[1], 2: known[2]})
    with sqlite3.connect(path) as db:
        db.execute(CONVERSATION_2, {"id": WHO.id})
        db.execute(ENTRY_2, {"id": WHO.id})
    db.close()
    assert versions(path) == [1, 2]
    store = build()
    await store.open()
    assert versions(path) == list(known)
    assert [entry.dedup for entry in await store.recent(WHO.id, 5)] == ["kept"]
    assert await store.conversation(WHO.id) == replace(WHO, hold=Hold("people", "api", 5), created_at=3)
    assert await store.spent("front", "2026-01-01") == Spent()
    await store.spend("front", "2026-11-21", characters=9)
    assert await store.spent("front", "2026-01-01") == Spent(9)
    await store.close()


async def test_what_version_4_spent_stays_and_tokens_join_it(path: Path, build: Build) -> None:
    known = lanes.steps()
    await opened(path, {n: known[n] for n in (1, 2, 3, 4)})
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO spending VALUES ('front', '2026-11-21', 9, 1.5, 2)")
    db.close()
    assert await spent_in(path, "front", "2026-11-01") == Spent(), "it counted no tokens"
    store = build()
    await store.open()
    assert versions(path) == list(known)
    await store.spend("front", "2026-11-21", tokens=1200)
    assert await store.spent("front", "2026-11-01") == Spent(9, 1.5, 2, 1200)
    assert await spent_in(path, "front", "2026-11-01") == Spent(9, 1.5, 2, 1200), "while its owner runs"
    assert await spent_in(path, "front", "2026-12-01") == Spent()
    assert await spent_in(path.with_name("none.db"), "front", "2026-11-01") == Spent()
    await store.close()


async def test_what_costs_nothing_asks_nobody(store: SqliteStore) -> None:
    before = store.requests
    await store.spend("front", "2026-11-21")
    assert store.requests == before


async def test_a_step_that_fails_leaves_the_database_as_it_was(path: Path) -> None:
    first = lanes.steps()
    await opened(path, {1: first[1]})
    broken = {1: first[1], 2: "CREATE TABLE extra (x TEXT);", 3: "CREATE TABLE extra (x TEXT);"}
    with pytest.raises(StoreError, match="already exists"):
        await opened(path, broken)
    assert versions(path) == [1]
    await opened(path, {1: first[1], 2: "CREATE TABLE extra (x TEXT);"})
    assert versions(path) == [1, 2]


def test_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    first = lanes.steps()
    asyncio.run(opened(path, {**first, 900: "CREATE TABLE tomorrow (x TEXT);"}))
    before = path.read_bytes()
    with pytest.raises(NewerDatabase, match=r"newer recado \(schema 900, this one knows"):
        asyncio.run(opened(path, first))
    assert path.read_bytes() == before


def test_the_steps_are_numbered_without_a_gap() -> None:
    assert list(lanes.steps()) == list(range(1, len(lanes.steps()) + 1))


async def test_no_statement_walks_a_whole_table(path: Path) -> None:
    """A million idle conversations must cost nothing; the gauges, the start and the few unread may look around."""
    await opened(path, lanes.steps())
    db = sqlite3.connect(path)
    db.create_function("now_ms", 0, lambda: 0)
    statements = {
        name: text
        for name, text in vars(lanes).items()
        if name.isupper() and isinstance(text, str) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", text)
    }
    assert len(statements) > 25
    for name, text in statements.items():
        if name not in {"VERSION", "DEPTHS", "UNREAD"}:
            values = dict.fromkeys(re.findall(r"(?<!:):([a-z_]+)", text), 1)
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {SQLITE.says(text)}", values)]
            walks = [line for line in plan if re.match(r"SCAN (?!ripe|said|late|inbound|outbound|CONSTANT|\()", line)]
            walks = [line for line in walks if "USING" not in line or "lane_wake" not in line]
            assert not walks, (name, plan)
    db.close()


def test_the_dialects_differ_where_they_say() -> None:
    assert "FOR UPDATE SKIP LOCKED" in POSTGRES.says(lanes.CLAIM)
    assert "/*" not in SQLITE.says(lanes.CLAIM) + POSTGRES.says(lanes.CLAIM)
    assert SQLITE.says(lanes.steps()[1]).count("WITHOUT ROWID") == lanes.steps()[1].count("/*clustered*/")
    assert "WITHOUT ROWID" not in POSTGRES.says(lanes.steps()[1])


async def test_a_look_that_was_under_way_while_a_name_was_learned_is_not_remembered(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looked, told = store._read, asyncio.Event(), asyncio.Event()

    async def slowly(sql: str, values: Mapping[str, Any]) -> list[Any]:
        rows = await read(sql, values)
        looked.set()
        await told.wait()
        return rows

    monkeypatch.setattr(store, "_read", slowly)
    look = asyncio.create_task(store.known_as("site", ["phone"]))
    await looked.wait()
    monkeypatch.setattr(store, "_read", read)
    await store.accept(WHO, post("1"))
    await store.known_as("site", [WHO.contact, "phone"])
    told.set()
    assert await look == "phone"
    assert await store.known_as("site", ["phone"]) == WHO.contact


async def test_what_is_known_already_is_not_written_again(store: SqliteStore) -> None:
    """Rows changed: the lane, the entry, and for `once` the id; the conversation only when it changed."""
    assert store._writer is not None
    writer, found = store._writer, replace(WHO, name="Ana", address={"b": "2", "a": "1"})

    async def cost(asked: Awaitable[object]) -> int:
        before = await writer.ask(lambda: writer.db.total_changes)
        await asked
        return await writer.ask(lambda: writer.db.total_changes) - before

    assert await cost(store.accept(found, post("1"))) == 3
    assert await cost(store.accept(replace(found, address={"a": "1", "b": "2"}), post("2"))) == 2
    assert await cost(store.accept(WHO, replace(post("3"), once=True))) == 3
    assert await cost(store.accept(replace(found, address={"a": "9"}), post("4"))) == 3
    assert await cost(store.accept(found, replace(post("3"), once=True))) == 0
    assert await cost(store.readdress(WHO.id, {"a": "9"})) == 0
    assert await cost(store.known_as("site", ["ana"])) == 0
    assert await cost(store.known_as("site", ["ana", "phone"])) == 2
    requests = store.requests
    assert await store.known_as("site", ["phone", "ana"]) == await store.known_as("site", ["phone"]) == "ana"
    assert store.requests == requests  # the writer was not even asked


# -- the unread, from outside ------------------------------------------------------------------------------


async def test_another_process_may_look_at_the_unread(path: Path, store: SqliteStore) -> None:
    await store.keep_unread("wa", "no such shape", b"\x00{")
    assert await unread_in(path, 10) == await store.unread(10)  # while its owner runs
    await store.close()
    (left,) = await unread_in(path, 10)  # and after it
    assert (left.channel, left.why, left.body) == ("wa", "no such shape", b"\x00{")
    assert b"{" not in repr(left).encode()


async def test_looking_for_the_unread_makes_nothing(path: Path) -> None:
    assert await unread_in(path, 10) == []
    assert not path.exists()
    await opened(path, {1: lanes.steps()[1]})
    assert await unread_in(path, 10) == []
    assert versions(path) == [1]


async def test_what_is_no_database_holds_no_unread_and_says_so(path: Path) -> None:
    path.write_bytes(b"a shopping list, and more than sixteen bytes of it")
    with pytest.raises(Unavailable, match="not a database"):
        await unread_in(path, 10)


# -- the bell --------------------------------------------------------------------------------------------


@pytest.fixture
async def rung(build: Build) -> tuple[SqliteStore, Callable[[], list[Kind]]]:
    heard: list[tuple[Kind, str]] = []
    store = build(rang=lambda kind, key: heard.append((kind, key)))
    await store.open()

    def since() -> list[Kind]:
        kinds = [kind for kind, key in heard if key == WHO.id]
        heard.clear()
        return kinds

    return store, since


async def test_the_bell_rings_for_what_changed(rung: tuple[SqliteStore, Callable[[], list[Kind]]]) -> None:
    store, since = rung
    await store.accept(WHO, post("a"))
    assert since() == [Kind.IN]
    await store.accept(WHO, post("a"))
    (claim,) = await store.claim(Kind.IN, 1, 1000, "me")
    await store.renew(claim, 1000)
    assert not await store.fold(claim, 1)
    assert since() == []
    await store.pass_on(WHO.id, HELD)
    await store.pass_on(WHO.id, HELD)
    assert since() == [Kind.IN]
    await store.settle(claim, Settlement(claim.tail, passing=HELD))
    assert since() == []
    await store.pass_on(WHO.id, Passing("held", ""))
    assert since() == [Kind.IN]
    await store.settle(claim, Settlement(claim.tail, [Post(WHO.id, "t:0", "x")]))
    assert since() == [Kind.IN, Kind.OUT]
    (out,) = await store.claim(Kind.OUT, 1, 1000, "me")
    await store.retry(out, 5)
    await store.pause(Kind.OUT, WHO.id, "maintenance")
    assert since() == [Kind.OUT, Kind.OUT]


async def test_the_bell_rings_for_people_cancels_and_what_a_merge_holds(
    rung: tuple[SqliteStore, Callable[[], list[Kind]]],
) -> None:
    store, since = rung
    echo = Post(WHO.id, "echo:1", "{}")
    await store.take_over(WHO, echo, "wamid.1", HELD)
    assert since() == [Kind.OUT, Kind.IN]
    await store.take_over(WHO, echo, "wamid.1", HELD)
    assert await store.cancel(WHO.id, "blocked") is None
    assert since() == []
    await store.accept(WHO, post("a"))
    assert await store.cancel(WHO.id, "blocked")
    assert since() == [Kind.IN, Kind.IN]
    await store.pass_on(WHO.id, Passing("held", ""))
    lost = Conversation(conversation_id("site", "lost"), "site", "lost", "", "front")
    await store.accept(lost, Post(lost.id, "a", "a"))
    since()
    await store.known_as("site", ["ana", "nobody"])
    assert since() == []
    await store.pass_on(lost.id, HELD)
    await store.known_as("site", ["lost", "ana"])
    await store.known_as("site", ["lost", "ana"])
    assert since() == [Kind.LATER, Kind.IN]


async def test_a_broken_bell_costs_no_message(caplog: pytest.LogCaptureFixture, build: Build) -> None:
    def broken(kind: Kind, key: str) -> None:
        raise RuntimeError("the listener is gone")

    store = build(rang=broken)
    await store.open()
    assert (await store.accept(WHO, post("a"))).seq == 1
    assert (await store.accept(WHO, post("b"))).seq == 2
    await store.close()
    assert "the listener is gone" in caplog.text


async def test_it_rings_even_when_the_caller_left(rung: tuple[SqliteStore, Callable[[], list[Kind]]]) -> None:
    store, since = rung
    asked = asyncio.ensure_future(store.accept(WHO, post("a")))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await store.now()
    assert (await store.next_wake(Kind.IN)) is not None
    assert since() == [Kind.IN]
