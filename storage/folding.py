"""SQLite's write-ahead log, folded back into the file beside the writer.

Folding in the middle of a commit costs it two more fsyncs and the copy of some thousand pages, and whoever waits for
that commit waits for them. So a thread of its own does it while the writer goes on. It never comes to the end of a log
that grows meanwhile, so a log that is `LONGEST` is finished by the writer, with what little is left.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

log = logging.getLogger(__name__)

EVERY = 800
"""Requests between two passes: some 4,000 pages of the log."""
LONGEST = 16_000
"""Pages of the log, 64 MB; then the writer begins it anew."""


class Folding:
    """Started once, stopped once. `connect`: is called on the thread that folds."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._written = 0
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recado-folding", daemon=True)
        self._thread.start()
        self.passes = 0

    def wrote(self, requests: int) -> None:
        """So many more are in the log."""
        self._written += requests
        if self._written >= EVERY:
            self._written = 0
            self._bell.put(True)

    def stop(self) -> None:
        """Waits for the pass that runs."""
        self._bell.put(False)
        self._thread.join()

    def _run(self) -> None:
        try:
            with closing(self._connect()) as db:
                while self._bell.get():
                    self._fold(db)
        except sqlite3.Error as error:
            log.warning("the write-ahead log is folded back by the writer alone: %s", error)

    def _fold(self, db: sqlite3.Connection) -> None:
        """What cannot be written now is in the log all the same, and the next pass takes it along."""
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self.passes += 1
        except sqlite3.Error as error:
            log.warning("the write-ahead log was not folded back: %s", error)
