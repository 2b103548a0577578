"""Servers of PostgreSQL that are mistreated in ways of their own, and what stands in front of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.chaos.site import SOCKET, Relay
from bench.processes import free_port
from bench.rows import NotMeasured
from storage.postgres import SETTINGS
from tests.postgres import NOBODY, Server

DISK = 160
"""Megabytes of a disk of one's own: a cluster as it is made takes 40 to 60, a trial's load less than 30."""
POOL = 6
"""PgBouncer's connections to the server; three processes ask for eight each."""
PATIENCE = 60.0
"""Seconds for a server to do what it was told."""


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "a server of the trial did not do what it was told"
        time.sleep(0.05)


def processes(server: Server) -> list[int]:
    """The server's own first, then its children."""
    first = int((server.folder / "data/postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [first, *map(int, children)]


def runs(server: Server) -> bool:
    """Not whether it lets anybody in."""
    try:
        os.kill(processes(server)[0], 0)
    except (OSError, IndexError, ValueError):
        return False
    return True


# -- a disk that can be filled -------------------------------------------------------------------------


class Cramped(Server):
    """All it has lies on a small disk of its own. Raises NotMeasured where none can be mounted."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise NotMeasured("a small disk is mounted by root alone")
        super().__init__(durable=True)
        made, data = self.folder / "made", Path(self._data)
        data.rename(made)
        data.mkdir()
        disk = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=700,uid={NOBODY}", "recado", str(data)]
        if subprocess.run(disk, capture_output=True, check=False).returncode:
            shutil.rmtree(self.folder)
            raise NotMeasured("no disk can be mounted here")
        subprocess.run(["cp", "-a", f"{made}/.", str(data)], check=True)

    @property
    def _filler(self) -> Path:
        return Path(self._data) / "filler"

    def fill(self) -> None:
        """To the last byte."""
        with suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))

    def free(self) -> None:
        self._filler.unlink()

    def end_log(self) -> None:
        """What is written next would need a new file of the log, for which there is no room."""
        with suppress(AssertionError):  # it may die over it
            self.sql("postgres", "SELECT pg_switch_wal()")

    @property
    def errors(self) -> int:
        return (self.folder / "log").read_text("utf-8", "replace").count("ERROR:  could not extend file")

    def close(self) -> None:
        with suppress(AssertionError):
            self.stop("immediate")
        subprocess.run(["umount", "-l", self._data], check=False)
        super().close()


@asynccontextmanager
async def cramped() -> AsyncIterator[Cramped]:
    server = await asyncio.to_thread(Cramped)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.close)


# -- one that takes another's place ----------------------------------------------------------------------


class Standby(Server):
    """Follows the server behind a port of 127.0.0.1; started."""

    def __init__(self, port: int) -> None:
        super().__init__(durable=True)
        shutil.rmtree(self._data)
        there = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
        self._run("pg_basebackup", *there, "-D", self._data, "-R", "-c", "fast")
        self.start()

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "promote")


class Pair:
    """A primary and its standby, without which it commits nothing when they are `synchronous`. Each has an address that
    stays, on 127.0.0.1, for itself and for whoever comes in its place."""

    def __init__(self, synchronous: bool) -> None:
        self.primary: Server = Server(durable=True).start()
        self.standby: Standby | None = None
        self._synchronous, self._at = synchronous, 0
        self._doors = [Relay(self.primary.folder / SOCKET), Relay(self.primary.folder / SOCKET)]
        self._link = Relay(self.primary.folder / SOCKET)

    async def start(self) -> None:
        for relay in (self._link, *self._doors):
            await relay.start()
        await asyncio.to_thread(self._follow)

    def _follow(self) -> None:
        self._link.socket = self.primary.folder / SOCKET
        self.standby = Standby(self._link.port)
        self._doors[1 - self._at].socket = self.standby.folder / SOCKET
        if self._synchronous:
            self.primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.primary.sql("postgres", "SELECT pg_reload_conf()")
        state = "sync" if self._synchronous else "async"
        _until(lambda: self.primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication").strip() == state)

    def url(self, database: str) -> str:
        hosts = ",".join(f"127.0.0.1:{door.port}" for door in self._doors)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    async def fail_over(self, *, silent: bool = False, behind: float = 0.0) -> None:
        """The primary dies and is not seen again, and its standby is promoted. `silent`: its whole machine goes away
        and nothing answers there; otherwise connections are closed, new ones at once. `behind`: seconds before its
        death whose news did not reach the standby."""
        door, dead = self._doors[self._at], self.primary
        if behind:
            self._link.cut()
            await asyncio.sleep(behind)
        if silent:
            door.cut()
        await asyncio.to_thread(_killed, dead)
        self._link.tear()
        assert self.standby is not None
        await asyncio.to_thread(self.standby.promote)
        self.primary, self.standby, self._at = self.standby, None, 1 - self._at
        await asyncio.to_thread(dead.close)

    async def complete(self) -> None:
        """A new standby, where the dead one was."""
        self._link.heal()
        await asyncio.to_thread(self._follow)
        door = self._doors[1 - self._at]
        door.tear()
        door.heal()

    async def close(self) -> None:
        for server in (self.primary, self.standby):
            if server is not None:
                await asyncio.to_thread(server.close)
        for relay in (self._link, *self._doors):
            relay.close()


def _killed(server: Server) -> None:
    """All of it at once: nobody is left to tidy up or to tell anybody."""
    first, *children = processes(server)
    os.kill(first, signal.SIGSTOP)
    for pid in (*children, first):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _until(lambda: not Path(f"/proc/{first}").exists() or _gone(first))


def _gone(pid: int) -> bool:
    """Dead, and not yet buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@asynccontextmanager
async def pair(*, synchronous: bool = True) -> AsyncIterator[Pair]:
    both = await asyncio.to_thread(Pair, synchronous)
    try:
        await both.start()
        yield both
    finally:
        await both.close()


# -- PgBouncer ---------------------------------------------------------------------------------------------


class Bouncer:
    """PgBouncer in transaction mode before a server, set up as docs/scale.md tells. Raises NotMeasured without one."""

    def __init__(self, server: Server) -> None:
        found = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        if not Path(found).exists():
            raise NotMeasured("no pgbouncer here: apt-get install pgbouncer")
        self._port, role = free_port(), f"pooled_{free_port()}"
        kept = [f"ALTER ROLE {role} SET {name} = '{value}'" for name, value in SETTINGS.items()]
        server.sql("postgres", "; ".join([f"CREATE ROLE {role} LOGIN SUPERUSER", *kept]))
        settings = server.folder / f"{role}.ini"
        settings.write_text(
            f"[databases]\n* = host={server.folder} user={role}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self._port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {POOL}\n"
            "unix_socket_dir =\n"
        )
        self._command = [found, "-q", str(settings)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        user = NOBODY if os.geteuid() == 0 else None
        self._process = subprocess.Popen(self._command, user=user, stderr=subprocess.DEVNULL, cwd="/")
        _until(self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port)).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}?pgbouncer=true"


@asynccontextmanager
async def bouncer(server: Server) -> AsyncIterator[Bouncer]:
    there = await asyncio.to_thread(Bouncer, server)
    try:
        await asyncio.to_thread(there.start)
        yield there
    finally:
        await asyncio.to_thread(there.kill)
