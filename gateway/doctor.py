"""`recado doctor`: is an installation well, what is stuck, what was given up, and what to do about it.

Looks from beside the gateway, running or stopped, and changes nothing: the promises of the lanes as questions in SQL
(storage/inspection.py), the file and the disk below it, the clock. One finding a line, each with its cure.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from gateway.columns import plain, shortened
from gateway.config import Config
from gateway.databases import EXTRA
from gateway.givenup import NAMES, address_of, words
from gateway.installation import Installation, NotEmbedded
from gateway.transcript import rfc3339
from storage import again, inspection, lanes
from storage.lanes import Row
from storage.model import GivenUp, Kind
from storage.store import NewerDatabase, StoreError, Unavailable
from tts.findings import Finding

if TYPE_CHECKING:
    from storage.postgres import PostgresStore

MANY = 5
"""Rows shown of each kind."""
OVERDUE = 60_000
"""Milliseconds after which nobody can be about to take what is due: twice a lease."""
TRIES = 4
"""Claims without an end that are worth a look; `deliveries.py` and `rules/precedence.py` give up later."""
LATELY = 24 * 3600 * 1000
"""Milliseconds in which a dead letter is news; later it is remembered, and no alarm any more."""
STEP_BACK = 2_000
"""Milliseconds that a clock may be behind what it said before: two processes never read it at once."""
APART = 30_000
"""Milliseconds between this machine's clock and a server's: more than any question takes."""
LITTLE = 200 * 1024 * 1024
"""Bytes of free disk with which a gateway soon cannot write."""
LONG_LOG = 256 * 1024 * 1024
"""Bytes of a write-ahead log that something keeps from being folded back; 64 MiB are usual after a peak."""
OPEN_LONG = 600_000
"""Milliseconds after which a transaction on a server is a forgotten one, or a copy that takes its time."""
SLOW_SYNC = 0.05
"""Seconds for a write to be on disk: every acknowledged message waits for one."""
SYNCS = 5
WORDS = 60
"""Cells of a terminal for what a dead letter said."""

DOES = {
    Kind.IN: "messages of customers",
    Kind.OUT: "replies to be sent",
    Kind.DESK: "news for a desk",
    Kind.LATER: "wake-ups",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    findings: Sequence[Finding]
    dead: Sequence[GivenUp]
    """The newest."""
    running: bool | None
    """None: nobody can tell from here."""

    @property
    def is_well(self) -> bool:
        return not any(finding.level == "error" for finding in self.findings)


def examine(config: Config, now: int, *, synced: Callable[[Path], float] | None = None) -> Diagnosis:
    """`now`: milliseconds. `synced`: seconds that a write to a folder's disk took; measured without it. Never raises
    for what it finds."""
    try:
        place = Installation.of(config)
    except NotEmbedded:
        return asyncio.run(_at_a_server(config, now))
    if not place.is_there():
        cure = "name the configuration with --config, or start the gateway, which makes it"
        return Diagnosis([Finding("error", "database", f"there is none at {place.database}: {cure}")], (), False)
    running, findings = place.is_running(), [*_disk(place, synced or _synced)]
    findings.append(Finding("ok", "gateway", "runs" if running else "does not run"))
    try:
        with closing(place.look()) as db:
            findings += _whole(db)
            if other := _other_version(int(db.execute(lanes.VERSION).fetchone()[0] or 0)):
                return Diagnosis([*findings, other], (), running)
            values = _values(now, _longest(config))
            answers = {name: db.execute(sql, values).fetchall() for name, sql in QUESTIONS.items()}
            dead = [again.given_up_of(row) for row in db.execute(again.DEAD, again.behind(None, MANY))]
    except sqlite3.Error as error:
        cure = "stop the gateway, copy the folder of the database as it is, and restore the last backup"
        return Diagnosis([*findings, Finding("error", "database", f"it cannot be read: {error}: {cure}")], (), running)
    return Diagnosis([*findings, *_Answers(answers, now, running).findings()], dead, running)


async def _at_a_server(config: Config, here: int) -> Diagnosis:
    """Whether a gateway runs on it nobody can tell from here, and its file and disk are the server's own matter. What
    is due its clock says; `here` is this machine's."""
    try:
        from storage.postgres import HEALTH, PostgresStore
    except ImportError:
        return Diagnosis([Finding("error", "database", EXTRA)], (), None)
    store = PostgresStore(config.storage.url, size=1)
    try:
        if other := _other_version(await store.look()):
            return Diagnosis([other], (), None)
        now = await store.now()
        values = _values(now, _longest(config))
        answers = {
            name: rows for name, sql in QUESTIONS.items() if (rows := await _asked(store, sql, values)) is not None
        }
        told = _server(await _asked(store, HEALTH, {}))
        dead = await store.dead(MANY)
    except NewerDatabase as error:
        return Diagnosis([Finding("error", "database", str(error))], (), None)
    except StoreError as error:
        cure = "`recado check` says whether address, name and password are right"
        return Diagnosis([Finding("error", "database", f"it cannot be asked: {error}: {cure}")], (), None)
    finally:
        await store.close()
    return Diagnosis([told, *_apart(here, now), *_Answers(answers, now, None).findings()], dead, None)


def _apart(here: int, there: int) -> Iterator[Finding]:
    """Two clocks, in milliseconds."""
    if abs(here - there) > APART:
        what = f"this machine's clock shows {_time(abs(here - there))} {'more' if here > there else 'less'}"
        cure = "set it right (NTP): what is signed here is refused elsewhere, and ages of messages are read wrongly"
        yield Finding("warning", "clock", f"{what} than the database's: {cure}", "apart")


def _server(rows: Sequence[Row] | None) -> Finding:
    """What `HEALTH` says."""
    if not rows:
        return Finding("ok", "database", "PostgreSQL")
    ((version, size, oldest),) = rows
    told = f"PostgreSQL {version}, {_mb(size)}"
    if oldest > OPEN_LONG:
        cure = "tables grow behind it, and looking for work gets slower: pg_stat_activity says whose it is; end it"
        return Finding("warning", "database", f"{told}; a transaction is open for {_time(oldest)}: {cure}", "open_long")
    return Finding("ok", "database", told)


async def _asked(store: PostgresStore, sql: str, values: Mapping[str, int]) -> Sequence[Row] | None:
    """None where the server takes longer than the store waits: a promise about every message reads every message."""
    try:
        return await store.inspect(sql, values)
    except Unavailable:
        return None


QUESTIONS = {
    **{one.name: one.broken for one in inspection.INVARIANTS},
    "latest": inspection.LATEST,
    "waiting": inspection.WAITING,
    "paused": inspection.PAUSED,
    "stuck": inspection.STUCK,
    "reasons": inspection.DEAD_REASONS,
}


def _values(now: int, longest: int) -> Mapping[str, int]:
    """For all of them."""
    given = {"now": now, "longest": longest, "many": MANY}
    return given | {"overdue": now - OVERDUE, "tries": TRIES, "since": now - LATELY}


def _longest(config: Config) -> int:
    return max((max(queue.window.max_wait_ms, queue.window.interval_ms) for queue in config.queues), default=0)


@dataclass(frozen=True, slots=True)
class _Answers:
    """In words. Pure."""

    rows: Mapping[str, Sequence[Row]]
    """By the question's name; without those that were not answered."""
    now: int
    running: bool | None

    def findings(self) -> Iterator[Finding]:
        yield from self._promises()
        yield self._clock()
        yield from self._waiting()
        yield from self._stuck()
        yield from self._dead()

    def _promises(self) -> Iterator[Finding]:
        kept = [one.name for one in inspection.INVARIANTS if one.name in self.rows and not self.rows[one.name]]
        for one in inspection.INVARIANTS:
            if one.name not in self.rows:
                cure = "it takes the database too long: ask again when less is going on"
                yield Finding("warning", one.name, f"nobody knows whether {one.promise}: {cure}", "not_asked")
            for kind, key, what in self.rows.get(one.name, ()):
                place = f"{key}:{NAMES[Kind(kind)]}"
                yield Finding("error", one.name, f"{place} ({what}) breaks it: {one.promise}. {one.cure}", "broken")
        yield Finding("ok", "promises", f"kept: {', '.join(kept)}" if kept else "none is kept")

    def _clock(self) -> Finding:
        ((latest,),) = self.rows.get("latest") or [(0,)]
        if latest <= self.now + STEP_BACK:
            return Finding("ok", "clock", rfc3339(self.now))
        back = _time(latest - self.now)
        cure = "set it right (NTP) and start the gateway again; windows and backoffs are shortened to fit then"
        return Finding("error", "clock", f"it shows {back} less than when the newest entry was taken: {cure}", "behind")

    def _waiting(self) -> Iterator[Finding]:
        for kind, count, since, due in self.rows.get("waiting", ()):
            what = f"{DOES[Kind(kind)]}: {count} conversations wait or are at work"
            if kind == Kind.LATER:
                yield Finding("ok", "later", f"{what}, the next at {rfc3339(max(0, due))}")
            else:
                yield Finding("ok", NAMES[Kind(kind)], f"{what}, the oldest for {_time(self.now - since)}")
        for kind, count in self.rows.get("paused", ()):
            yield Finding("warning", NAMES[Kind(kind)], f"{count} lanes are paused, and have something to do")

    def _stuck(self) -> Iterator[Finding]:
        for kind, key, tries, busy, wake_at in self.rows.get("stuck", ()):
            place, late = f"{key}:{NAMES[Kind(kind)]}", self.now - wake_at
            if late <= OVERDUE:
                cure = "the log says why (reason, hint); what cannot work is given up by itself and told below"
                yield Finding("warning", "stuck", f"{place} was tried {tries} times: {cure}", "many_tries")
            elif self.running is False:
                yield Finding("warning", "stuck", f"{place} is due for {_time(late)}: start the gateway", "stopped")
            else:
                what = "its lease is over" if busy else "nobody takes it"
                cure = "the gateway does not get to it: look at its log and its load, then start it again"
                yield Finding("error", "stuck", f"{place} is due for {_time(late)} and {what}: {cure}", "overdue")

    def _dead(self) -> Iterator[Finding]:
        for kind, reason, count, at, lately in self.rows.get("reasons", ()):
            told = f"{plain(reason)}: {count} given up ({DOES[Kind(kind)]}), the newest at {rfc3339(at)}"
            cure = "docs/reasons.md says what to do; then `recado repost` the ones below"
            yield Finding(
                "error" if lately else "warning", f"dead.{NAMES[Kind(kind)]}", f"{told}: {cure}", plain(reason)
            )
        if "reasons" in self.rows and not self.rows["reasons"]:
            yield Finding("ok", "dead", "nothing was given up")


def _other_version(version: int) -> Finding | None:
    """A schema that is not ours: older or newer ones have other things in them."""
    known = max(lanes.steps())
    if version > known:
        told = f"written by a newer recado (schema {version}, this one knows {known})"
        return Finding("error", "database", f"{told}: use the recado that wrote it")
    if version == 0:
        return Finding("warning", "database", "empty yet: no gateway was started on it")
    if version < known:
        told = f"of an older recado (schema {version} of {known}), so little was asked"
        return Finding("warning", "database", f"{told}: the next start brings it up to date; back it up before")
    return None


# -- the file and the disk ---------------------------------------------------------------------------------


def _whole(db: sqlite3.Connection) -> Iterator[Finding]:
    """Raises sqlite3.Error."""
    said = [line for (line,) in db.execute(f"PRAGMA quick_check({MANY:d})")]
    if said == ["ok"]:
        yield Finding("ok", "database", "whole, by SQLite's quick check")
    else:
        cure = "stop the gateway, copy the folder of the database as it is, and restore the last backup"
        yield Finding("error", "database", f"damaged: {plain(said[0])}: {cure}", "damaged")


def _disk(place: Installation, synced: Callable[[Path], float]) -> Iterator[Finding]:
    folder, size = place.database.parent, place.database.stat().st_size if place.database.is_file() else 0
    log = place.log.stat().st_size if place.log.is_file() else 0
    told = f"{_mb(size)} and a log of {_mb(log)}"
    if log > LONG_LOG:
        cure = "some program keeps a reader open, perhaps a copy that hangs: end it; the gateway then folds the log"
        yield Finding("warning", "database", f"{told}: {cure}")
    else:
        yield Finding("ok", "database", f"{place.database}: {told}")
    yield _room(shutil.disk_usage(folder).free, size + log)
    yield _sync(folder, synced)


def _room(free: int, needed: int) -> Finding:
    if free < LITTLE:
        cure = "make room now: without it no message can be taken (503, and providers send them again)"
        return Finding("error", "disk", f"{_mb(free)} free: {cure}")
    if free < needed:
        return Finding("warning", "disk", f"{_mb(free)} free, less than the database: no room for a backup here")
    return Finding("ok", "disk", f"{_mb(free)} free")


def _sync(folder: Path, synced: Callable[[Path], float]) -> Finding:
    try:
        took = synced(folder)
    except OSError as error:
        cure = "the gateway cannot write there either: look at the disk and at who owns the folder"
        return Finding("error", "disk", f"{folder} cannot be written: {error.strerror or error}: {cure}", "unwritable")
    told = f"a write is on disk after {took * 1000:.1f} ms"
    if took > SLOW_SYNC:
        return Finding(
            "warning", "disk", f"{told}, and every message waits for one: a faster disk, or one for it alone"
        )
    return Finding("ok", "disk", told)


def _synced(folder: Path) -> float:
    """Seconds for a small write to be on the disk of the folder; the median of some. Raises OSError."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


# -- in words ----------------------------------------------------------------------------------------------


def described(given: GivenUp) -> str:
    """A dead letter in a line: where, when, why, and what it was."""
    return f"{address_of(given)}  {rfc3339(given.at)}  {plain(given.reason)}  {shortened(plain(words(given)), WORDS)}"


def as_json(diagnosis: Diagnosis) -> bytes:
    """The same for programs."""
    findings = [
        {"level": one.level, "key": one.key, "message": one.message, "reason": one.reason} for one in diagnosis.findings
    ]
    dead = [
        {"id": address_of(one), "reason": one.reason, "at": rfc3339(one.at), "words": words(one)}
        for one in diagnosis.dead
    ]
    told = {"well": diagnosis.is_well, "running": diagnosis.running, "findings": findings, "dead": dead}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size < 1024**3 else f"{size / 1024**3:.1f} GB"


def _time(ms: int) -> str:
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
