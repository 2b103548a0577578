"""Where an installation keeps what it knows, as whoever looks after it from beside the gateway sees it: the embedded
database, the folder of media and the key of the vault. Nothing here writes."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from storage.vault import VARIABLE, key_file

EMBEDDED = "sqlite:///"
PATIENCE = 30.0
"""Seconds to wait for a lock on the file; readers of a write-ahead log seldom meet one."""


class NotEmbedded(Exception):
    """The database is not a file of this machine: it has its own tools for what is asked."""


@dataclass(frozen=True, slots=True)
class Installation:
    database: Path
    media: Path | None
    """None: they lie in a bucket, and not on this machine."""

    @classmethod
    def of(cls, config: Config) -> Installation:
        """Raises NotEmbedded."""
        if not config.storage.url.startswith(EMBEDDED):
            raise NotEmbedded(
                "storage.url names a database server, which has tools of its own for this: for PostgreSQL pg_dump "
                "and pg_restore, and a copy of the media made after the dump"
            )
        database = Path(config.storage.url.removeprefix(EMBEDDED))
        kept = config.storage.media_dir
        return cls(database.absolute(), None if "://" in kept else Path(kept).absolute())

    @property
    def lock(self) -> Path:
        return self.database.with_name(self.database.name + ".lock")

    @property
    def key(self) -> Path:
        """The vault's key, where no variable holds it."""
        return key_file(self.database)

    @property
    def log(self) -> Path:
        """Commits that are not in the file yet."""
        return self.database.with_name(self.database.name + "-wal")

    def is_there(self) -> bool:
        return any(file.is_file() and file.stat().st_size > 0 for file in (self.database, self.log))

    def keys(self, environ: Mapping[str, str]) -> bytes:
        """The vault's, one a line, where it would look for them; empty when there is none. Raises OSError."""
        if environ.get(VARIABLE, "").strip():
            return "".join(f"{key.strip()}\n" for key in environ[VARIABLE].split(",") if key.strip()).encode()
        return self.key.read_bytes() if self.key.is_file() else b""

    def is_running(self) -> bool:
        """Whether a gateway owns the database now. Looked at for a moment and without taking it: a lock that is
        shared is refused only while somebody has the one that is not."""
        if sys.platform == "win32" or not self.lock.is_file():
            return False
        import fcntl

        handle = os.open(self.lock, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def look(self) -> sqlite3.Connection:
        """A connection that cannot write, beside whoever owns the file. Raises sqlite3.Error."""
        return sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=PATIENCE)
