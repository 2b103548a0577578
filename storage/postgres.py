"""The store on PostgreSQL (12 or newer), for one process or many, through asyncpg.

What happens is told in `procedures.py`, in statements of `lanes.py`; here is how PostgreSQL carries it out:

- a procedure is one transaction, and `alone` is an advisory lock that its commit lets go of, so that each conversation
  has one writer at a time, as everything has on SQLite;
- what every message and every turn needs, posting and settling, are functions of the database (`functions.py`), made of
  the same statements: one round trip and one commit, however many wait to be written (`Group`);
- the database's clock decides, so the hosts' clocks need not agree;
- nobody is notified: a process that wrote rings its own loops, and the others look every `TICK`.

It works through PgBouncer in transaction mode: nothing is kept in a session between two transactions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import orjson

from storage import lanes
from storage.functions import NAME, Functions, accepting, numbered, settling
from storage.groups import Group
from storage.hosts import Hosts, one_by_one
from storage.lanes import POSTGRES, Row, Values
from storage.ledger import EVER, Bells, Ledger, Rang, fits, settle_bells
from storage.letters import ESCAPE, dumped, plain, storable
from storage.model import Claim, Conversation, Entry, Kind, MediaId, Post, Posted, Settled, Settlement, Verdict, Work
from storage.procedures import ALONE, Procedure, lock_of
from storage.rights import GIVEN, lacking
from storage.store import Fenced, NewerDatabase, StoreError, Unavailable
from storage.writer import SteadyClock

log = logging.getLogger(__name__)
T = TypeVar("T")

TICK = 0.05
"""Seconds between two looks at the lanes: others may have written."""
SELDOM = 1.0
"""The same for what nobody waits for within a second: what desks are told, and wake-ups."""
NEAR = 2_000
"""Milliseconds: a claim looks no further back, but for one look a second. Behind a forgotten transaction PostgreSQL
keeps what the index held since then, and every look would walk over it."""
SWEEP = 1.0
"""Seconds between two looks at all that is due, however long."""
CLOCK_LOOK = 1.0
"""Seconds between two looks at the server's clock."""
STEP_BACK = 1_000
"""Milliseconds by which it has to have gone back to be said to have been set."""
LONG_BACK = 120_000
"""Milliseconds, twice as long as anything is leased: what a fleet agreed on is over sooner than it would be mended."""
PATIENCE = 10.0
"""Seconds for a statement, and for a connection."""
HELD_UP = 10.0
"""Seconds for which a settle waits for whoever holds up its conversation, or for the server: less than a lease, and
longer than anybody may stand still in a transaction."""
STEP_PATIENCE = 3600.0
"""Seconds for a step of the schema: an index on a large table takes its time."""
SIZE = 8
"""Connections of a process."""

# Statistics of tables that fill and empty within seconds are always wrong, so only plans along an index are left.
SETTINGS = {
    "application_name": "recado",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A process that stopped in the middle of a transaction holds up one conversation, and not for long.
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
}
# What was prepared stays so. asyncpg would begin again every five minutes, and leave what it had of each to the garbage
# collector, which has so little else to find here that it looks every other hour.
DIRECT = {"server_settings": SETTINGS, "max_cached_statement_lifetime": 0}
POOLED = "pgbouncer"
"""`?pgbouncer=true` at the end of the address: behind it, no setting and no prepared statement is kept."""
WRITABLE = ("target_session_attrs", "read-write")
UNREADABLE = (
    "the database's address cannot be read: it is postgresql://NAME:PASSWORD@HOST:PORT/DATABASE, and in name and "
    "password % is written %25, / %2F, ? %3F, # %23, : %3A, @ %40, [ %5B and ] %5D"
)
OTHERS = "this database has tables of another program: give recado a database or a schema of its own"
FENCED = "fenced"
MIGRATING = lock_of("recado schema")


# Counting millions would take longer than whoever asks has patience; the last ANALYZE knows how many there are.
ESTIMATED_DEPTHS = lanes.DEPTHS.replace(
    "(SELECT COUNT(*) FROM conversation)",
    """(SELECT CASE WHEN reltuples > 100000 THEN CAST(reltuples AS BIGINT) ELSE (SELECT COUNT(*) FROM conversation) END
        FROM pg_class WHERE oid = to_regclass('conversation'))""",
)


class PostgresStore(Ledger):
    """`storage.store.Store` in the database at `url`, `postgresql://…`.

    size: connections at most. rang: see `Ledger`. steps: the schema, for tests; `lanes.steps()` otherwise. clock: the
    text of the function `now_ms()`, for tests.
    """

    alone = False
    _depths = ESTIMATED_DEPTHS

    def __init__(
        self,
        url: str,
        *,
        size: int = SIZE,
        rang: Rang | None = None,
        steps: Mapping[int, str] | None = None,
        clock: str = lanes.NOW,
    ) -> None:
        super().__init__(rang)
        self._url, self._pooled = _address(url)
        self._hosts = Hosts(self._url, lambda error: unavailable(error) is not None)
        self._size, self._clock = size, clock
        self._steps = lanes.steps() if steps is None else steps
        self._functions = Functions()
        self._pool: asyncpg.Pool | None = None
        self._posts: Group[Values, str] = Group(self._called("accept"))
        self._settles: Group[Values, str] = Group(self._called("settle"))
        self._loads: Group[Claim, list[Row]] = Group(self._loaded)
        self._bills: Group[Values, None] = Group(self._billed)
        self._heard = self._asked = self._answered = 0
        self._steady = SteadyClock(lambda: self._heard)
        self._swept: dict[Kind, float] = {}
        self._clock_looked, self._clock_said = -CLOCK_LOOK, 0
        self._door = asyncio.Lock()
        self.statements = 0
        """Asked since open: round trips, but for those of transactions."""

    # -- opening and closing -----------------------------------------------------------------------

    async def open(self) -> None:
        async with self._door:
            if self._pool is not None:
                return
            with _opened():
                self._pool = await self._connected()
            try:
                with _opened():
                    await self._migrate()
            except BaseException:
                await self._close()
                raise

    async def _connected(self) -> asyncpg.Pool:
        kept: dict[str, Any] = {"statement_cache_size": 0} if self._pooled else DIRECT
        if _at_twice(self._url):
            raise StoreError(UNREADABLE)
        try:
            return await asyncpg.create_pool(
                self._url, min_size=1, max_size=self._size, reset=_as_it_is, command_timeout=PATIENCE, timeout=PATIENCE,
                max_inactive_connection_lifetime=0, connect=self._hosts.connect, **kept,
            )  # fmt: skip
        except asyncpg.InterfaceError:
            raise
        except (ValueError, OverflowError):
            raise StoreError(UNREADABLE) from None  # it says a piece of the password

    async def look(self) -> int:
        """As `open`, but nothing is made or changed. Returns the schema's version; 0: nobody ever opened it."""
        async with self._door:
            with _opened():
                self._pool = self._pool or await self._connected()
                async with self._pool.acquire(timeout=PATIENCE) as connection:
                    return await _known_version(connection, self._steps)

    async def lacks(self, version: int) -> str:
        """What the role may not do, so that a start on a database of this version would end; empty: it may. Changes
        nothing. Raises StoreError."""
        with _opened():
            async with self._open.acquire(timeout=PATIENCE) as connection:
                return await lacking(connection, new=version == 0, older=version < max(self._steps))

    async def close(self) -> None:
        async with self._door:
            await self._posts.finish()
            await self._settles.finish()
            await self._loads.finish()
            await self._bills.finish()
            await self._close()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), PATIENCE)
            except (TimeoutError, asyncpg.PostgresError, OSError) as error:
                log.warning("connections were cut: %s", error)
                pool.terminate()

    async def _migrate(self) -> None:
        """One process at a time; whoever comes second finds it done."""
        async with self._transaction() as connection:
            await connection.execute("SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = 0")
            await connection.fetch("SELECT pg_advisory_xact_lock($1)", MIGRATING, timeout=STEP_PATIENCE)
            await connection.execute("SET LOCAL lock_timeout = '60s'")  # for a step that needs a table to itself
            version, known = await _known_version(connection, self._steps), max(self._steps)
            if version == 0:
                await connection.execute(self._clock)
            for step in sorted(step for step in self._steps if step > version):
                await connection.execute(POSTGRES.says(self._steps[step]), timeout=STEP_PATIENCE)
                await connection.execute(STEPPED, step)
            if version < known:
                await connection.execute(TUNING)
            await self._functions.create(connection)
            for sql in lanes.SET_BACK:
                await connection.execute(sql)

    # -- asking the database ----------------------------------------------------------------------------

    @property
    def _open(self) -> asyncpg.Pool:
        if self._pool is None:
            raise Unavailable("the store is closed")
        return self._pool

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        with _explained():
            try:
                async with self._open.acquire(timeout=PATIENCE) as connection, connection.transaction():
                    yield connection
            except asyncpg.ReadOnlySQLTransactionError:
                await self._leave()
                raise

    async def _leave(self) -> None:
        """A server that cannot be written any more lets us stay for ever: every connection is made again."""
        await self._open.expire_connections()

    async def _write(self, procedure: Procedure[T], bells: Callable[[T], Bells] | None = None) -> T:
        async with self._transaction() as connection:
            result = await self._carry_out(connection, procedure)
        if bells is not None:
            self._ring(bells(result))
        return result

    async def _carry_out(self, connection: asyncpg.Connection, procedure: Procedure[T]) -> T:
        row: Row | None = None
        while True:
            try:
                sql, values = procedure.send(row)
            except StopIteration as end:
                return cast("T", end.value)
            if sql is ALONE:
                await connection.fetchrow("SELECT pg_advisory_xact_lock($1)", lock_of(values["name"]))
                row = None
            else:
                text, names = numbered(sql)
                row = await connection.fetchrow(text, *(storable(values[name]) for name in names))

    async def _one(self, sql: str, values: Values, bells: Callable[[Row | None], Bells] | None = None) -> Row | None:
        """A transaction of its own needs nobody to say so."""
        rows = await self._all(sql, values)
        row = rows[0] if rows else None
        if bells is not None:
            self._ring(bells(row))
        return row

    async def _mine(self, sql: str, claim: Claim, bells: Bells = (), **more: int) -> None:
        if await self._one(sql, {**lanes.fence_values(claim), **more}) is None:
            raise Fenced(f"epoch {claim.epoch} of this lane is over")
        self._ring(bells)

    async def _all(self, sql: str, values: Values) -> Sequence[Row]:
        text, names = numbered(sql)
        self.statements += 1
        with _explained():
            return await self._fetch(text, *(storable(values[name]) for name in names))

    async def _fetch(self, text: str, *values: object) -> Sequence[Row]:
        """A statement is a transaction of its own. PgBouncer is told so: it would part what belongs together."""
        if not self._pooled:
            try:
                return cast("Sequence[Row]", await self._open.fetch(text, *values))
            except asyncpg.ReadOnlySQLTransactionError:
                await self._leave()
                raise
        async with self._transaction() as connection:
            return cast("Sequence[Row]", await connection.fetch(text, *values))

    async def _read(self, sql: str, values: Values) -> Sequence[Row]:
        return await self._all(sql, values)

    # -- lanes -----------------------------------------------------------------------------------------

    async def accept(self, conversation: Conversation, post: Post, media: Sequence[MediaId] = ()) -> Posted:
        if post.key != conversation.id:
            raise ValueError("the post is for another conversation")
        call = accepting(conversation, post, media)
        verdict, seq = (await self._posts.ask(call["lock"], call)).split()
        posted = Posted(Verdict(verdict), int(seq))
        if posted.verdict is Verdict.NEW:
            self._ring([(Kind.IN, post.key)])
        elif posted.verdict is Verdict.DUPLICATE:
            await self._all(REPLICATED, {})
        return posted

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        fits(claim, settlement)
        call = settling(claim, settlement)
        said = await self._settled(claim, settlement.upto, call)
        if said == FENCED:
            raise Fenced(f"epoch {claim.epoch} of this lane is over")
        settled = Settled(said)
        self._ring(settle_bells(claim, settlement, settled))
        return settled

    async def _settled(self, claim: Claim, upto: int, call: Values) -> str:
        """What was sent cannot be taken back, and given up it would be sent again. So whoever holds up this
        conversation, and a server that starts again, are waited for."""
        until, unknown = time.monotonic() + HELD_UP, False
        while True:
            try:
                said = await self._settles.ask(call["lock"], call)
            except Unavailable as error:
                if self._pool is None or time.monotonic() > until:
                    raise
                unknown = unknown or not error.alone
                await asyncio.sleep(error.retry_after / 4)
            else:
                was_done = unknown and said == FENCED and await self._one(WAS_DONE, _done_by(claim, upto)) is not None
                return Settled.DONE.value if was_done else said

    async def load(self, claim: Claim) -> Work:
        rows = await self._loads.ask(0, claim)
        _, _, _, _, _, facts, *talk = rows[0]
        entries = [self._entry(entry) for *entry, _ in (row[:6] for row in rows) if entry[0] is not None]
        known = lanes.conversation_of(talk) if talk[0] is not None else None
        return Work(entries, known, orjson.loads(facts) if facts else {})

    async def _loaded(self, claims: Sequence[Claim]) -> Sequence[list[Row]]:
        """Of each claim; a round trip costs several times what it brings."""
        found: list[list[Row]] = [[] for _ in claims]
        lists = [[getattr(claim, name) for claim in claims] for name in ("kind", "key", "head", "tail")]
        self.statements += 1
        with _explained():
            for n, *row in await self._fetch(LOADS, *lists):
                found[n - 1].append(row)
        return found

    def _called(self, name: str) -> Callable[[Sequence[Values]], Awaitable[Sequence[str]]]:
        text = self._functions.call(name)

        async def write(calls: Sequence[Values]) -> Sequence[str]:
            self.statements += 1
            with _explained():
                return [said for (said,) in await self._fetch(text, dumped(calls))]

        return write

    async def _bill(self, values: Values) -> None:
        await self._bills.ask(0, values)

    async def _billed(self, calls: Sequence[Values]) -> Sequence[None]:
        """What waits goes on a bill in one line: all turns of a queue, on every machine, write into the same row, and
        each would wait for the commit of the one before it."""
        sums: dict[tuple[str, str], list[float]] = {}
        for call in calls:
            line = sums.setdefault((call["queue"], call["day"]), [0] * len(AMOUNTS))
            line[:] = [so_far + call[name] for so_far, name in zip(line, AMOUNTS, strict=True)]
        rows = sorted((storable(queue), day, *line) for (queue, day), line in sums.items())
        self.statements += 1
        with _explained():
            await self._fetch(BILL, *map(list, zip(*rows, strict=True)))
        return [None] * len(calls)

    async def claim(self, kind: Kind, limit: int, lease: int, owner: str, beside: Collection[str] = ()) -> list[Claim]:
        await self._look_at_clock()
        swept = self._swept.get(kind)
        claims = await super().claim(kind, limit, lease, owner, beside)
        if len(claims) == limit and self._swept.get(kind) != swept:
            self._swept.pop(kind, None)  # there may be more that is due since long: the next claim looks as far back
        return claims

    def _back(self, kind: Kind) -> int:
        now = time.monotonic()
        if now - self._swept.get(kind, -SWEEP) < SWEEP:
            return NEAR
        self._swept[kind] = now
        return EVER

    async def _look_at_clock(self) -> None:
        """One that was set back (a server's, or that of the standby in its place) would stretch all that waits."""
        if (looked := time.monotonic()) - self._clock_looked < CLOCK_LOOK:
            return
        self._clock_looked = looked
        ((said,),) = await self._all("SELECT now_ms()", {})
        by = self._clock_said - said
        for sql in lanes.SET_BACK if by > STEP_BACK else ():
            await self._all(sql, {})
        for sql in FLEET_SET_BACK if by > LONG_BACK else ():
            await self._all(sql, {"by": by})
        self._clock_said = said  # not before: what could not be put right is, at the next look

    async def rest(self, kind: Kind) -> float:
        return TICK if kind in (Kind.IN, Kind.OUT) else SELDOM

    async def now(self) -> int:
        self._asked = asked = self._asked + 1
        ((heard,),) = await self._all("SELECT now_ms()", {})
        if asked > self._answered:  # an answer that was overtaken is no clock that was set back
            self._answered, self._heard = asked, heard
        return self._steady()

    # -- text ------------------------------------------------------------------------------------------

    def _entry(self, row: Row) -> Entry:
        entry = lanes.entry_of(row)
        return replace(entry, body=plain(entry.body)) if ESCAPE in entry.body else entry


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """Nothing of a session is changed, so nothing is to be put back: that would be a round trip for each use."""


# -- what this file alone says in SQL ------------------------------------------------------------------


def _of_claims(sql: str) -> str:
    return NAME.sub(lambda name: f"c.{name[1]}", sql)


AMOUNTS = ("characters", "seconds", "saved", "tokens")
# Its commit waits for no disk, because whoever writes into the same row waits for it. A server that crashes forgets the
# bills of less than a second, and nothing that anybody wrote.
BILL = "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true))" + lanes.SPEND.replace(  # noqa: S608
    "VALUES (:queue, :day, :characters, :seconds, :saved, :tokens)",
    "SELECT bill.* FROM quick, unnest(CAST($1 AS TEXT[]), CAST($2 AS TEXT[]), CAST($3 AS BIGINT[]), "
    "CAST($4 AS DOUBLE PRECISION[]), CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[])) AS bill",
)
# What is known is on this server, and whoever wrote it may have given up waiting for a synchronous standby: a commit of
# ours that waits for it, too, says that the standby has everything before.
REPLICATED = """
SELECT pg_logical_emit_message(true, 'recado', '') WHERE current_setting('synchronous_standby_names') <> ''
"""
# Of a settle whose answer was cut off: nobody else moves `head` under this epoch.
WAS_DONE = """
SELECT 1 FROM lane WHERE kind = :kind AND key = :key AND epoch = :epoch AND busy = 0 AND head = :upto AND head > :head
"""
# By whoever of a fleet sees it first: what is near again is not brought nearer by the others.
FLEET_SET_BACK = (
    "UPDATE pace SET full_at = full_at - CAST(:by AS BIGINT) * 1000 "
    "WHERE full_at > (now_ms() + CAST(:by AS BIGINT) / 2) * 1000",
    "UPDATE lease SET ends_at = ends_at - CAST(:by AS BIGINT) WHERE ends_at > now_ms() + CAST(:by AS BIGINT) / 2",
)
# For `recado doctor`. Of other roles' transactions the server tells those alone who may read its statistics.
HEALTH = """
SELECT split_part(current_setting('server_version'), ' ', 1), pg_database_size(current_database()), COALESCE((
  SELECT CAST(EXTRACT(EPOCH FROM MAX(clock_timestamp() - xact_start)) * 1000 AS BIGINT) FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()), 0)
"""
LOADS = f"""
SELECT c.n, e.*, f.told, t.*
FROM unnest(CAST($1 AS SMALLINT[]), CAST($2 AS TEXT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]))
     WITH ORDINALITY AS c (kind, key, head, tail, n)
LEFT JOIN LATERAL ({_of_claims(lanes.LOAD)}) AS e ON true
LEFT JOIN LATERAL (SELECT CAST(json_object_agg(name, at) AS TEXT) AS told
                   FROM ({_of_claims(lanes.FACTS.replace(":id", ":key"))}) AS fact) AS f ON true
LEFT JOIN LATERAL ({_of_claims(lanes.CONVERSATION.replace(":id", ":key"))}) AS t ON true
ORDER BY c.n, e.seq
"""  # noqa: S608 - constants of lanes.py, for several claims
# Room beside each row, so that an update stays on its page; and the tables that fill and empty are swept early.
STEPPED = "INSERT INTO schema_version (version, at) VALUES ($1, now_ms())"
TUNING = """
ALTER TABLE lane SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE conversation SET (fillfactor = 80);
"""


def _done_by(claim: Claim, upto: int) -> Values:
    """For WAS_DONE."""
    return {"kind": int(claim.kind), "key": claim.key, "epoch": claim.epoch, "upto": upto, "head": claim.head}


async def _version(connection: asyncpg.Connection) -> int:
    """0 for an empty database. Raises StoreError for one of another program that has tables of our names."""
    if await connection.fetchval("SELECT to_regclass('schema_version')") is not None:
        return await _stepped(connection)
    if await connection.fetchval("SELECT COALESCE(to_regclass('lane'), to_regclass('conversation'))") is not None:
        raise StoreError(OTHERS)
    return 0


async def _stepped(connection: asyncpg.Connection) -> int:
    """By a table of a name that other programs give theirs, too. Raises StoreError when it is one of those."""
    try:
        row = await connection.fetchrow("SELECT MAX(version), MAX(at) FROM schema_version")
        return int(row[0] or 0)
    except (ValueError, asyncpg.UndefinedColumnError):
        raise StoreError(OTHERS) from None


async def _known_version(connection: asyncpg.Connection, steps: Mapping[int, str]) -> int:
    """Raises NewerDatabase."""
    version, known = await _version(connection), max(steps)
    if version > known:
        raise NewerDatabase(
            f"the database was written by a newer recado (schema {version}, this one knows {known}): "
            "start that version again, or restore a backup made before the upgrade"
        )
    return version


def _at_twice(url: str) -> bool:
    """A password with @: asyncpg would take what stands behind the first one for a server, and ask for its address."""
    try:
        return urlsplit(url).netloc.count("@") > 1
    except ValueError:
        return False  # told by who cannot read it


def _address(url: str) -> tuple[str, bool]:
    """As asyncpg takes it, and whether PgBouncer is in between. Of several servers the one that can be written is
    meant, unless it says otherwise; PgBouncer cannot be asked which one that is."""
    try:
        parts = urlsplit(url)
    except ValueError:  # asyncpg does not understand it either, and that is told when it is used
        return url, False
    asked = parse_qsl(parts.query, keep_blank_values=True)
    pooled = any(key == POOLED and value.lower() in ("true", "1", "yes", "") for key, value in asked)
    kept = [(key, value) for key, value in asked if key != POOLED]
    if len(one_by_one(url)) > 1 and not pooled and WRITABLE[0] not in dict(kept):
        kept.append(WRITABLE)
    return urlunsplit(parts._replace(query=urlencode(kept))), pooled


# -- what went wrong -----------------------------------------------------------------------------------

_GONE: Mapping[str, float] = {
    "08": 1.0,  # connection
    "40": 0.2,  # rolled back: a deadlock or a conflict
    "53": 5.0,  # no room: disk, memory, connections
    "55": 1.0,  # locked
    "57": 1.0,  # shutting down, starting, cancelled by its timeout
    "58": 10.0,  # the system's own trouble: I/O
    "25": 5.0,  # read-only: a standby
    "28": 30.0,  # not let in
    "3D": 30.0,  # no such database
    "3F": 30.0,  # no such schema
    "42501": 30.0,  # a right that was not given, or was taken away
    "XX": 60.0,  # corrupted
}
"""By class of SQLSTATE, or one of it: those that speak of the database and not of the request, with a pause that fits,
in seconds."""
_CURES: Mapping[str, str] = {
    "3F000": ": make the schema that the address names, CREATE SCHEMA",
    "42501": f": {GIVEN}",
}


class _explained:
    """What asyncpg raised, as a StoreError. The text never holds a value, nor the address with its password."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and (known := unavailable(error)) is not None:
            raise known from error
        if isinstance(error, asyncpg.DataError):  # it quotes what somebody wrote
            raise ValueError(f"the database takes no such value ({type(error).__name__})") from None


class _opened(_explained):
    """While a database is opened nobody asked for anything yet: what it refuses is the address, or is not ours."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.DuplicateTableError):
            raise StoreError(OTHERS) from error
        if isinstance(error, asyncpg.PostgresError) and unavailable(error) is None:
            raise StoreError(f"the database cannot be opened: {error} ({error.sqlstate})") from error
        super().__exit__(kind, error, trace)


def unavailable(error: Exception) -> Unavailable | None:
    """None for what speaks of the request."""
    if isinstance(error, StoreError):
        return None
    if isinstance(error, asyncpg.PostgresError):
        state = str(getattr(error, "sqlstate", "") or "")
        wait = _GONE.get(state, _GONE.get(state[:2]))
        if wait is None:
            return None
        told = f"the database cannot be used now: {error} ({state}){_CURES.get(state, '')}"
        return Unavailable(told, wait, alone=state[:2] in ("40", "55"))
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return Unavailable(f"the database cannot be reached: {str(error) or type(error).__name__}", 1.0)
    return None
