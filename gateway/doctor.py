"""`recado doctor`: is an installation well, what is stuck, what was given up, and what to do about it.

Looks from beside the gateway, running or stopped, and changes nothing: the promises of the lanes as questions in SQL
(storage/inspection.py), the file and the disk below it, the clock. One finding a line, each with its cure.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.columns import plain, shortened
from gateway.config import Config
from gateway.givenup import NAMES, address_of, words
from gateway.installation import Installation
from gateway.transcript import rfc3339
from storage import again, inspection, lanes
from storage.model import GivenUp, Kind
from tts.findings import Finding

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
LITTLE = 200 * 1024 * 1024
"""Bytes of free disk with which a gateway soon cannot write."""
LONG_LOG = 256 * 1024 * 1024
"""Bytes of a write-ahead log that something keeps from being folded back; 64 MiB are usual after a peak."""
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
    running: bool

    @property
    def is_well(self) -> bool:
        return not any(finding.level == "error" for finding in self.findings)


def examine(config: Config, now: int, *, synced: Callable[[Path], float] | None = None) -> Diagnosis:
    """`now`: milliseconds. `synced`: seconds that a write to a folder's disk took; measured without it. Never raises
    for what it finds. Raises NotEmbedded."""
    place = Installation.of(config)
    if not place.is_there():
        cure = "name the configuration with --config, or start the gateway, which makes it"
        return Diagnosis([Finding("error", "database", f"there is none at {place.database}: {cure}")], (), False)
    looked = _Looking(place, now, place.is_running(), _longest(config))
    findings = [*looked.disk(synced or _synced)]
    try:
        with closing(place.look()) as db:
            findings += looked.at(db)
            return Diagnosis(findings, looked.dead(db), looked.running)
    except sqlite3.Error as error:
        cure = "stop the gateway, copy the folder of the database as it is, and restore the last backup"
        findings.append(Finding("error", "database", f"it cannot be read: {error}: {cure}"))
        return Diagnosis(findings, (), looked.running)


def _longest(config: Config) -> int:
    return max((max(queue.window.max_wait_ms, queue.window.interval_ms) for queue in config.queues), default=0)


@dataclass(frozen=True, slots=True)
class _Looking:
    place: Installation
    now: int
    running: bool
    longest: int
    """Milliseconds: the longest wait of any queue."""

    def at(self, db: sqlite3.Connection) -> Iterator[Finding]:
        """Raises sqlite3.Error."""
        yield Finding("ok", "gateway", "runs" if self.running else "does not run")
        yield from self._whole(db)
        version, known = _version(db), max(lanes.steps())
        if version != known:
            yield _other_version(version, known)
            return
        yield from self._invariants(db)
        yield from self._clock(db)
        yield from self._waiting(db)
        yield from self._stuck(db)
        yield from self._dead(db)

    # -- the file and the disk -------------------------------------------------------------------------

    def disk(self, synced: Callable[[Path], float]) -> Iterator[Finding]:
        folder, size = self.place.database.parent, self.place.database.stat().st_size
        log = self.place.log.stat().st_size if self.place.log.is_file() else 0
        told = f"{_mb(size)} and a log of {_mb(log)}"
        if log > LONG_LOG:
            cure = "some program keeps a reader open, perhaps a copy that hangs: end it; the gateway then folds the log"
            yield Finding("warning", "database", f"{told}: {cure}")
        else:
            yield Finding("ok", "database", f"{self.place.database}: {told}")
        yield self._room(shutil.disk_usage(folder).free, size + log)
        yield _sync(folder, synced)

    def _room(self, free: int, needed: int) -> Finding:
        if free < LITTLE:
            cure = "make room now: without it no message can be taken (503, and providers send them again)"
            return Finding("error", "disk", f"{_mb(free)} free: {cure}")
        if free < needed:
            return Finding("warning", "disk", f"{_mb(free)} free, less than the database: no room for a backup here")
        return Finding("ok", "disk", f"{_mb(free)} free")

    def _whole(self, db: sqlite3.Connection) -> Iterator[Finding]:
        said = [line for (line,) in db.execute(f"PRAGMA quick_check({MANY:d})")]
        if said == ["ok"]:
            yield Finding("ok", "database", "whole, by SQLite's quick check")
        else:
            cure = "stop the gateway, copy the folder of the database as it is, and restore the last backup"
            yield Finding("error", "database", f"damaged: {plain(said[0])}: {cure}", "damaged")

    # -- the promises ----------------------------------------------------------------------------------

    def _invariants(self, db: sqlite3.Connection) -> Iterator[Finding]:
        values = {"now": self.now, "longest": self.longest, "many": MANY}
        kept = []
        for one in inspection.INVARIANTS:
            rows = db.execute(one.broken, values).fetchall()
            kept += [] if rows else [one.name]
            for kind, key, what in rows:
                place = f"{key}:{NAMES[Kind(kind)]}"
                yield Finding("error", one.name, f"{place} ({what}) breaks it: {one.promise}. {one.cure}", "broken")
        yield Finding("ok", "promises", f"kept: {', '.join(kept)}" if kept else "none is kept")

    def _clock(self, db: sqlite3.Connection) -> Iterator[Finding]:
        (latest,) = db.execute(inspection.LATEST).fetchone()
        if latest <= self.now + STEP_BACK:
            yield Finding("ok", "clock", rfc3339(self.now))
            return
        back = _time(latest - self.now)
        cure = "set it right (NTP) and start the gateway again; windows and backoffs are shortened to fit then"
        yield Finding("error", "clock", f"it shows {back} less than when the newest entry was taken: {cure}", "behind")

    # -- what waits --------------------------------------------------------------------------------------

    def _waiting(self, db: sqlite3.Connection) -> Iterator[Finding]:
        for kind, count, since, due in db.execute(inspection.WAITING):
            what = f"{DOES[Kind(kind)]}: {count} conversations wait or are at work"
            if kind == Kind.LATER:
                yield Finding("ok", "later", f"{what}, the next at {rfc3339(max(0, due))}")
            else:
                yield Finding("ok", NAMES[Kind(kind)], f"{what}, the oldest for {_time(self.now - since)}")
        for kind, count in db.execute(inspection.PAUSED):
            yield Finding("warning", NAMES[Kind(kind)], f"{count} lanes are paused, and have something to do")

    def _stuck(self, db: sqlite3.Connection) -> Iterator[Finding]:
        values = {"overdue": self.now - OVERDUE, "tries": TRIES, "many": MANY}
        for kind, key, tries, busy, wake_at in db.execute(inspection.STUCK, values):
            place, late = f"{key}:{NAMES[Kind(kind)]}", self.now - wake_at
            if late <= OVERDUE:
                cure = "the log says why (reason, hint); what cannot work is given up by itself and told below"
                yield Finding("warning", "stuck", f"{place} was tried {tries} times: {cure}", "many_tries")
            elif not self.running:
                yield Finding("warning", "stuck", f"{place} is due for {_time(late)}: start the gateway", "stopped")
            else:
                what = "its lease is over" if busy else "nobody takes it"
                cure = "the gateway does not get to it: look at its log and its load, then start it again"
                yield Finding("error", "stuck", f"{place} is due for {_time(late)} and {what}: {cure}", "overdue")

    def _dead(self, db: sqlite3.Connection) -> Iterator[Finding]:
        values, none = {"since": self.now - LATELY}, True
        for kind, reason, count, at, lately in db.execute(inspection.DEAD_REASONS, values):
            none = False
            told = f"{plain(reason)}: {count} given up ({DOES[Kind(kind)]}), the newest at {rfc3339(at)}"
            cure = "docs/reasons.md says what to do; then `recado repost` the ones below"
            yield Finding(
                "error" if lately else "warning", f"dead.{NAMES[Kind(kind)]}", f"{told}: {cure}", plain(reason)
            )
        if none:
            yield Finding("ok", "dead", "nothing was given up")

    def dead(self, db: sqlite3.Connection) -> list[GivenUp]:
        """The newest. Raises sqlite3.Error."""
        if _version(db) != max(lanes.steps()):
            return []
        return [again.given_up_of(row) for row in db.execute(again.DEAD, again.behind(None, MANY))]


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute(lanes.VERSION).fetchone()[0] or 0)


def _other_version(version: int, known: int) -> Finding:
    if version > known:
        cure = "use the recado that wrote it"
        return Finding(
            "error", "database", f"written by a newer recado (schema {version}, this one knows {known}): {cure}"
        )
    cure = "the next start brings it up to date; back it up before"
    return Finding(
        "warning", "database", f"of an older recado (schema {version} of {known}), so little was asked: {cure}"
    )


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
