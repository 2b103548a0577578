"""`recado doctor` against an installation that is well, and against ones that were broken by hand."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway import doctor
from gateway.config import load
from gateway.doctor import Diagnosis, examine
from storage import inspection, lanes
from storage.model import (
    Conversation,
    DeadLetter,
    Kind,
    Outcome,
    Post,
    Receipt,
    Settlement,
    Turn,
    TurnId,
    conversation_id,
)
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.postgres import Aside, Server
from tests.test_backup import place_of, written
from tests.test_cli import recado

WHO = Conversation(conversation_id("api", "ana"), "api", "ana", "Ana", "loja")
OTHER = Conversation(conversation_id("api", "bia"), "api", "bia", "Bia", "loja")


def now() -> int:
    return time.time_ns() // 1_000_000


async def lived_in(config: Path) -> SqliteStore:
    """Two conversations: one answered, with a dead delivery, one that waits. Still open."""
    store = SqliteStore(place_of(config).database)
    await store.open()
    await store.accept(WHO, Post(WHO.id, "m1", '{"id":"m1","text":"oi","at":0}', once=True))
    await store.accept(OTHER, Post(OTHER.id, "m2", '{"id":"m2","text":"olá","at":0}', window=600_000, once=True))
    (claim,) = await store.claim(Kind.IN, 1, 60_000, "me")
    turn = Turn(TurnId(f"{WHO.id}.1"), WHO.id, claim.epoch, claim.head, claim.tail, 0, 0, Outcome.ANSWERED, "")
    part = '{"turn":"t","part":{"kind":"text","text":"Bom dia\\u001b[31m"},"reply":{}}'
    await store.settle(claim, Settlement(claim.tail, [Post(WHO.id, f"{turn.id}:0", part)], turn))
    (claim,) = await store.claim(Kind.OUT, 1, 60_000, "me")
    receipt = Receipt(WHO.id, f"{turn.id}:0", "failed", await store.now(), "wamid.1")
    dead = DeadLetter(Kind.OUT, WHO.id, 1, "http_400", await store.now())
    await store.settle(claim, Settlement(1, receipts=[receipt], dead=[dead]))
    return store


def asked(config: Path, at: int = 0, **more: Any) -> Diagnosis:
    settings = load(config)
    queues = [
        queue.model_copy(update={"window": queue.window.model_copy(update={"max_wait_ms": 600_000})})
        for queue in settings.queues
    ]
    return examine(settings.model_copy(update={"queues": queues}), at or now(), synced=lambda _: 0.001, **more)


def errors(diagnosis: Diagnosis) -> dict[str, str]:
    return {one.key: one.message for one in diagnosis.findings if one.level == "error"}


def broken(config: Path, *statements: str) -> None:
    """By somebody with an editor, or a bug."""
    with closing(sqlite3.connect(place_of(config).database, isolation_level=None)) as db:
        for sql in statements:
            db.execute(sql, {"who": WHO.id, "other": OTHER.id, "now": now()})


# -- well --------------------------------------------------------------------------------------------------


async def test_of_a_running_one_it_says_what_waits_and_what_was_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path)
    store = await lived_in(config)
    before = place_of(config).database.read_bytes()
    diagnosis = asked(config)
    assert diagnosis.running
    assert errors(diagnosis).keys() == {"dead.out"}
    assert place_of(config).database.read_bytes() == before
    await store.accept(OTHER, Post(OTHER.id, "m3", "{}"))  # whoever owns it is not disturbed
    await store.close()
    assert await recado("doctor", "--config", config) == 1
    told = capsys.readouterr()
    assert f"{WHO.id}:out:1" in told.out
    assert "Bom dia" in told.out
    assert "\x1b" not in told.out
    assert "promises: kept: I1, I2, I5, I6, I7" in told.out
    assert "http_400: 1 given up" in told.err


async def test_what_was_given_up_long_ago_is_no_alarm(tmp_path: Path) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    broken(config, "UPDATE dead SET at = :now - 90000000")
    diagnosis = asked(config)
    assert diagnosis.is_well
    assert [one.reason for one in diagnosis.findings if one.level == "warning"] == ["http_400"]


async def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    assert await recado("doctor", "--config", config, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["well"] is False
    assert told["running"] is False
    assert told["dead"][0]["id"] == f"{WHO.id}:out:1"
    assert {"level", "key", "message", "reason"} == set(told["findings"][0])


async def test_where_nothing_is_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("doctor", "--config", written(tmp_path)) == 1
    assert "--config" in capsys.readouterr().err
    assert not place_of(tmp_path / "recado.toml").database.exists()


# -- the promises, each broken once ------------------------------------------------------------------------

ONCE_MORE = "SELECT kind, key, seq + 1, dedup, digest, body, at FROM entry WHERE key = :who AND kind = 0"


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        pytest.param("I1", ["UPDATE lane SET head = tail + 3 WHERE key = :who AND kind = 1"], id="I1"),
        pytest.param("I2", ["UPDATE lane SET wake_at = NULL WHERE key = :other AND kind = 0"], id="I2 waiting"),
        pytest.param("I2", ["UPDATE lane SET busy = 1 WHERE key = :who AND kind = 1"], id="I2 running"),
        pytest.param(
            "I5",
            [
                "CREATE TABLE loose AS SELECT * FROM entry",
                "DROP TABLE entry",
                "ALTER TABLE loose RENAME TO entry",
                f"INSERT INTO entry {ONCE_MORE}",
                "UPDATE lane SET tail = 2, head = 2 WHERE key = :who AND kind = 0",
                "UPDATE turn SET tail = 2",
            ],
            id="I5 twice in a lane",
        ),
        pytest.param(
            "I5",
            [
                "INSERT INTO entry SELECT kind, :other, 2, dedup, digest, body, at FROM entry "
                "WHERE key = :who AND kind = 0",
                "UPDATE lane SET tail = 2 WHERE key = :other AND kind = 0",
            ],
            id="I5 twice in a channel",
        ),
        pytest.param("I5", ["UPDATE lane SET tail = 0, wake_at = NULL WHERE key = :other"], id="I5 behind the end"),
        pytest.param("I5", ["DELETE FROM lane WHERE key = :other"], id="I5 without a lane"),
        pytest.param("I5", ["DELETE FROM entry WHERE key = :other"], id="I5 lost"),
        pytest.param("I6", ["DELETE FROM turn"], id="I6"),
        pytest.param(
            "I7",
            ["UPDATE lane SET wake_at = first_at + 700000, due_at = first_at + 700000 WHERE key = :other"],
            id="I7",
        ),
    ],
)
async def test_a_broken_promise_is_named(tmp_path: Path, name: str, statements: Sequence[str]) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    assert errors(asked(config)).keys() == {"dead.out"}
    broken(config, *statements)
    found = errors(asked(config))
    assert found.keys() == {"dead.out", name}
    assert "_" in found[name], "it says where"


async def test_a_backoff_may_be_longer_than_a_window(tmp_path: Path) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    far = ":now + 3600000"
    broken(config, f"UPDATE lane SET wake_at = {far}, retry_at = {far} WHERE key = :other")  # noqa: S608
    assert "I7" not in errors(asked(config))


def test_only_what_both_engines_understand_is_used() -> None:
    """A word that one of them does not know."""
    texts = [one.broken for one in inspection.INVARIANTS]
    texts += [value for value in vars(inspection).values() if isinstance(value, str) and "SELECT" in value]
    assert len(texts) > len(inspection.INVARIANTS) + 4
    own = re.compile(r"now_ms|rowid|ifnull|pragma|glob |json_|::|ilike|greatest|max\(\w+, ", re.IGNORECASE)
    assert [text for text in texts if own.search(text)] == []


async def test_of_a_database_server_the_same_is_asked(
    tmp_path: Path, postgres: Server, aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    name, config = postgres.database(), written(tmp_path)
    url = postgres.url(name)
    config.write_text(config.read_text("utf-8") + f'[storage]\nurl = "{url}"\n', "utf-8")
    assert await recado("doctor", "--config", config) == 0
    assert "empty yet" in capsys.readouterr().err
    store = PostgresStore(url)
    await store.open()
    await store.accept(WHO, Post(WHO.id, "m1", '{"id":"m1","text":"oi","at":0}'))
    await store.bury(DeadLetter(Kind.IN, WHO.id, 1, "too_many_tries", 5))
    await store.close()
    assert await recado("doctor", "--config", config) == 0
    told = capsys.readouterr()
    assert "promises: kept: I1, I2, I5, I6, I7" in told.out
    assert f"{WHO.id}:in:1" in told.out
    aside.execute(url, "UPDATE lane SET head = tail + 1, wake_at = 5")
    assert await recado("doctor", "--config", config) == 1
    assert f"I1: {WHO.id}:in (1) breaks it" in (said := capsys.readouterr().err)
    assert "nobody takes it" in said
    aside.forget(url)
    postgres.drop(name)
    assert await recado("doctor", "--config", config) == 1
    assert "recado check" in capsys.readouterr().err


@pytest.fixture
async def at_a_server(tmp_path: Path, postgres: Server) -> AsyncIterator[tuple[Path, str]]:
    """A configuration, and the address of its database, which was opened once."""
    name, config = postgres.database(), written(tmp_path)
    url = postgres.url(name)
    config.write_text(config.read_text("utf-8") + f'[storage]\nurl = "{url}"\n', "utf-8")
    store = PostgresStore(url)
    await store.open()
    await store.close()
    yield config, url
    postgres.drop(name)


async def test_a_forgotten_transaction_at_a_server_is_told(
    at_a_server: tuple[Path, str], aside: Aside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, url = at_a_server
    monkeypatch.setattr(doctor, "OPEN_LONG", 0)
    assert await recado("doctor", "--config", config) == 0
    assert re.search(r"database: PostgreSQL \d+(\.\d+)+, \d+\.\d MB$", capsys.readouterr().out, re.MULTILINE)
    aside.execute(url, "BEGIN; SELECT 1")
    assert await recado("doctor", "--config", config) == 0
    assert "a transaction is open for" in capsys.readouterr().err
    aside.forget(url)


async def test_a_question_that_takes_too_long_does_not_hide_the_others(
    at_a_server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = at_a_server
    ended = "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)"  # as a limit of the server ends it
    monkeypatch.setattr(doctor, "QUESTIONS", doctor.QUESTIONS | {"I5": ended, "latest": ended, "reasons": ended})
    assert await recado("doctor", "--config", config) == 0
    told = capsys.readouterr()
    assert "kept: I1, I2, I6, I7" in told.out
    assert "nobody knows whether what was acknowledged is there" in told.err


async def test_a_machine_whose_clock_is_not_the_servers(at_a_server: tuple[Path, str]) -> None:
    config, _ = at_a_server
    for away, told in ((0, []), (7_260_000, [["2 h more"]]), (-7_260_000, [["2 h less"]])):
        found = (await asyncio.to_thread(asked, config, now() + away)).findings
        said = [one.message for one in found if one.reason == "apart"]
        assert [re.findall(r"\d h \w+", message) for message in said] == told


async def test_a_newer_servers_database_is_told_with_its_own_cure(
    at_a_server: tuple[Path, str], aside: Aside, capsys: pytest.CaptureFixture[str]
) -> None:
    config, url = at_a_server
    aside.execute(url, "INSERT INTO schema_version VALUES (999, 0)")
    aside.forget(url)
    assert await recado("doctor", "--config", config) == 1
    said = capsys.readouterr().err
    assert "newer recado" in said
    assert "password" not in said
    assert "recado check" not in said


# -- stuck, late, ill --------------------------------------------------------------------------------------


async def test_a_lane_that_nobody_takes(tmp_path: Path) -> None:
    config = written(tmp_path)
    store = await lived_in(config)
    with closing(sqlite3.connect(place_of(config).database, isolation_level=None)) as db:
        db.execute("UPDATE lane SET wake_at = ? WHERE key = ? AND kind = 0", (now() - 180_000, OTHER.id))
    found = errors(asked(config))["stuck"]
    assert f"{OTHER.id}:in" in found
    assert "nobody takes it" in found
    with closing(sqlite3.connect(place_of(config).database, isolation_level=None)) as db:
        db.execute("UPDATE lane SET busy = 1 WHERE key = ? AND kind = 0", (OTHER.id,))
    assert "lease is over" in errors(asked(config))["stuck"]
    await store.close()
    diagnosis = asked(config)
    assert "stuck" not in errors(diagnosis)
    assert any("start the gateway" in one.message for one in diagnosis.findings if one.key == "stuck")


async def test_what_is_tried_again_waits_since_it_came(tmp_path: Path) -> None:
    """And not since its last try, nor until its next."""
    config = written(tmp_path)
    await (await lived_in(config)).close()
    broken(
        config,
        "UPDATE lane SET first_at = NULL, wake_at = :now + 900000, retry_at = wake_at WHERE key = :other AND kind = 0",
        "UPDATE entry SET at = :now - 7260000 WHERE key = :other AND kind = 0",
    )
    (told,) = [one.message for one in asked(config).findings if one.key == "in"]
    assert told.endswith("the oldest for 2 h")


async def test_a_lane_that_is_tried_again_and_again(tmp_path: Path) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    broken(config, "UPDATE lane SET tries = 7 WHERE key = :other")
    told = [one for one in asked(config).findings if one.reason == "many_tries"]
    assert [one.level for one in told] == ["warning"]
    assert "tried 7 times" in told[0].message


async def test_a_clock_that_went_back(tmp_path: Path) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    assert "1 h" not in errors(asked(config)).get("clock", "")
    assert "2 h less" in errors(asked(config, now() - 7_260_000))["clock"]


async def test_a_damaged_file(tmp_path: Path) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    database = place_of(config).database
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    found = errors(asked(config))
    assert "restore the last backup" in found["database"]
    database.write_bytes(b"no database at all" * 500)
    assert "restore the last backup" in errors(asked(config))["database"]


@pytest.mark.parametrize(("version", "level"), [(999, "error"), (1, "warning")])
async def test_another_version_is_not_asked_for_more_than_it_has(tmp_path: Path, version: int, level: str) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    broken(config, f"DELETE FROM schema_version WHERE version > {version}")  # noqa: S608
    broken(config, f"INSERT INTO schema_version VALUES ({version}, 0) ON CONFLICT DO NOTHING")  # noqa: S608
    assert max(lanes.steps()) not in (1, 999)
    diagnosis = asked(config)
    assert [one.level for one in diagnosis.findings if "schema" in one.message] == [level]
    assert not diagnosis.dead


async def test_a_full_a_slow_and_a_locked_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = written(tmp_path)
    await (await lived_in(config)).close()
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "make room" in errors(asked(config))["disk"]
    monkeypatch.undo()
    settings = load(config)
    slow = examine(settings, now(), synced=lambda _: 0.4)
    assert any("400.0 ms" in one.message and one.level == "warning" for one in slow.findings)

    def refused(folder: Path) -> float:
        raise OSError(30, "Read-only file system")

    assert "Read-only" in errors(examine(settings, now(), synced=refused))["disk"]
    assert doctor._synced(tmp_path) > 0
    assert replace(slow, findings=()).is_well
