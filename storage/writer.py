"""One thread, one SQLite connection, one transaction for everything that waits.

A commit costs an fsync however much it carries, so whatever arrives while one commit runs shares the next.
Nobody lingers for company: the batch finds its own size. A caller hears of success only after COMMIT. When
the database cannot write, the whole batch is rolled back and every caller in it gets `Unavailable`; the
thread goes on.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from storage.store import StoreError, Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 512
"""Requests in one transaction at most, so that the first of a flood does not wait for the last."""

# Primary result codes that speak of the disk or the file and not of the request.
_GONE = {
    sqlite3.SQLITE_BUSY: 1.0,
    sqlite3.SQLITE_LOCKED: 1.0,
    sqlite3.SQLITE_NOMEM: 5.0,
    sqlite3.SQLITE_INTERRUPT: 1.0,
    sqlite3.SQLITE_FULL: 10.0,
    sqlite3.SQLITE_IOERR: 10.0,
    sqlite3.SQLITE_CANTOPEN: 10.0,
    sqlite3.SQLITE_READONLY: 10.0,
    sqlite3.SQLITE_PROTOCOL: 1.0,
    sqlite3.SQLITE_CORRUPT: 60.0,
    sqlite3.SQLITE_NOTADB: 60.0,
}


class SteadyClock:
    """Milliseconds that never fall, and never stand still either.

    A clock that is set back by an hour must not stop every window for an hour, so time goes on from where it
    was and the difference is kept until the process starts again.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reading = clock()
        self._ahead = 0

    def __call__(self) -> int:
        reading = self._clock()
        with self._lock:
            # Two threads may read in one order and arrive in the other: that is no step back worth
            # remembering.
            if reading < self._reading - 1000:
                self._ahead += self._reading - reading
                self._reading = reading
            self._reading = max(self._reading, reading)
            return self._reading + self._ahead


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    work: Callable[[], T]
    answer: asyncio.Future[T]
    after: Callable[[T], None] | None


@dataclass(frozen=True, slots=True)
class _Done:
    request: _Request[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Started once, stopped once; asked only from the event loop it was started on.

    wrote: called on the thread after each commit, with the number of its requests.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        clock: Callable[[], int],
        wrote: Callable[[int], None] = lambda requests: None,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._wrote = wrote
        self._queue: queue.SimpleQueue[_Request[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recado-writer", daemon=True)
        self._open = False
        self.now = 0
        """The clock of the running transaction; everything in it happens at once."""
        self.commits = 0
        self.requests = 0

    async def start(self) -> None:
        """Connect on the thread that will own the connection. Raises what `connect` raises."""
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._thread.start()
        await self._ready
        self._open = True

    async def stop(self) -> None:
        """Finish what was asked, then close the connection."""
        self._open = False
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def ask(self, work: Callable[[], T], after: Callable[[T], None] | None = None) -> asyncio.Future[T]:
        """Run `work` on the writer's thread inside a transaction.

        `after` is called on the loop once it is committed, even when nobody waits for the answer any more.
        """
        if not self._open:
            raise Unavailable("the store is closed")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Request(work, answer, after))
        return answer

    # -- on the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.db = self._connect()
        except Exception as error:
            self._tell(_reject, self._ready, error)
            return
        self._tell(_resolve, self._ready, None)
        waiting = True
        while waiting:
            batch, waiting = self._collect()
            if batch:
                self._tell(_finish, self._commit(batch))
        self.db.close()

    def _collect(self) -> tuple[list[_Request[Any]], bool]:
        batch: list[_Request[Any]] = []
        try:
            request = self._queue.get()
            while request is not None:
                batch.append(request)
                if len(batch) == BATCH:
                    return batch, True
                request = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _commit(self, batch: list[_Request[Any]]) -> list[_Done]:
        try:
            self.now = self._clock()
            self.db.execute("BEGIN IMMEDIATE")
            done = [self._attempt(request) for request in batch]
            self.db.execute("COMMIT")
        except Exception as error:
            return self._give_up(batch, error)
        self.commits += 1
        self.requests += len(batch)
        self._wrote(len(batch))
        return done

    def _attempt(self, request: _Request[Any]) -> _Done:
        """One request's mistake must not cost the others in the batch their commit; a broken disk must."""
        self.db.execute("SAVEPOINT request")
        try:
            done = _Done(request, request.work())
        except Exception as error:
            if is_gone(error):
                raise
            self.db.execute("ROLLBACK TO request")
            done = _Done(request, error=error)
        self.db.execute("RELEASE request")
        return done

    def _give_up(self, batch: list[_Request[Any]], error: Exception) -> list[_Done]:
        log.warning("nothing of %d requests was written: %s", len(batch), error)
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except sqlite3.Error as worse:
            log.error("the rollback failed too: %s", worse)
        return [_Done(request, error=unavailable(error)) for request in batch]

    def _tell(self, callback: Callable[..., object], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *values)
        except RuntimeError as error:
            log.warning("nobody is left to hear of a commit: %s", error)


def is_gone(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _GONE


def unavailable(error: Exception) -> StoreError:
    """What SQLite said, as a StoreError with a pause that fits it. The text never holds a value."""
    if isinstance(error, StoreError):
        return error
    wait = _GONE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, 5.0)
    return Unavailable(f"the database cannot be used now: {error}", wait)


def _finish(batch: Iterable[_Done]) -> None:
    for done in batch:
        _answer(done)
    for done in batch:
        if done.error is None and done.request.after is not None:
            try:
                done.request.after(done.result)
            except Exception:
                log.exception("a bell failed; the commit it rang for stands")


def _answer(done: _Done) -> None:
    if done.error is None:
        _resolve(done.request.answer, done.result)
    else:
        _reject(done.request.answer, done.error)


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():  # whoever asked may have been cancelled meanwhile
        future.set_result(result)


def _reject(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
