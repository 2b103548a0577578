"""What the contract does not say: the ways PostgreSQL is met in the field."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage import functions, lanes
from storage.lanes import Values
from storage.model import Conversation, Kind, Outcome, Passing, Post, Settled, Settlement, Turn, TurnId, conversation_id
from storage.postgres import MIGRATING, PostgresStore
from storage.procedures import lock_of
from storage.store import Fenced, NewerDatabase, StoreError, Unavailable
from tests.postgres import NOBODY, Aside, Server

LEASE = 60_000


def who(name: str) -> Conversation:
    return Conversation(conversation_id("site", name), "site", name, name, "front")


def post(name: str, dedup: str, body: str = "{}") -> Post:
    return Post(who(name).id, dedup, body)


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    name = postgres.database()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    await store.open()
    yield store
    await store.close()


async def answered(store: PostgresStore, people: int) -> int:
    """Everybody's turn. Returns how many there were."""
    done = 0
    while claims := await store.claim(Kind.IN, 50, LEASE, "me"):
        for claim in claims:
            entries = (await store.load(claim)).entries
            turn = Turn(TurnId(f"t{claim.epoch}"), claim.key, claim.epoch, claim.head, claim.tail, 0, 0,
                        Outcome.ANSWERED, "")  # fmt: skip
            posts = [Post(claim.key, f"{turn.id}:0", "".join(entry.body for entry in entries))]
            assert await store.settle(claim, Settlement(claim.tail, posts, turn)) is Settled.DONE
            done += 1
    return done


# -- opening -----------------------------------------------------------------------------------------


async def test_many_may_open_an_empty_database_at_once(url: str) -> None:
    stores = [PostgresStore(url, size=2) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    assert {(await store.accept(who("ana"), post("ana", f"{n}"))).seq for n, store in enumerate(stores)} == {1, 2, 3, 4}
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_contact_that_is_known_as_it_is_is_not_written_again(
    url: str, store: PostgresStore, aside: Aside
) -> None:
    """Nor locked: that is written to the log as well."""

    def row() -> object:
        return aside.fetch(url, "SELECT ctid, xmin, xmax, name, address FROM conversation")

    ana = replace(who("ana"), address={"thread": "7"})
    await store.accept(ana, post("ana", "1"))
    met = row()
    for n, same in enumerate((ana, replace(ana, name=""), replace(ana, address={}))):
        await store.accept(same, post("ana", f"same {n}"))
    assert row() == met
    for n, other in enumerate((replace(ana, name="Ana Maria"), replace(ana, address={"thread": "8"}))):
        await store.accept(other, post("ana", f"other {n}"))
        assert row() != met
        met = row()
    found = await store.conversation(ana.id)
    assert found is not None
    assert (found.name, found.address) == ("ana", {"thread": "8"})


async def test_another_programs_database_is_left_alone(url: str, aside: Aside) -> None:
    aside.execute(url, "CREATE TABLE conversation (id INTEGER)")
    aside.forget(url)
    with pytest.raises(StoreError, match="another program"):
        await PostgresStore(url).open()


@pytest.mark.parametrize(
    "theirs",
    ["schema_version (version TEXT); INSERT INTO schema_version VALUES ('1.2')", "turn (id INTEGER)"],
)
async def test_other_programs_tables_of_our_names_are_told(url: str, aside: Aside, theirs: str) -> None:
    aside.execute(url, f"CREATE TABLE {theirs}")
    aside.forget(url)
    with pytest.raises(StoreError, match="another program"):
        await PostgresStore(url).open()


@pytest.mark.parametrize("asked", ["schema=recado", "options=-cstatement_timeout%3Dsoon"])
async def test_what_an_address_cannot_ask_is_told(url: str, asked: str) -> None:
    for use in (PostgresStore(f"{url}&{asked}").open, PostgresStore(f"{url}&{asked}").look):
        with pytest.raises(StoreError, match=r"cannot be opened: .*(schema|statement_timeout)"):
            await use()


async def test_a_schema_that_is_not_there_is_told(url: str) -> None:
    with pytest.raises(StoreError, match="CREATE SCHEMA"):
        await PostgresStore(f"{url}&options=-csearch_path%3Dnowhere").open()


@pytest.fixture
def clerk(postgres: Server, url: str) -> Iterator[str]:
    """The address of the same database for a role that was given nothing, as on PostgreSQL 15 and later."""
    postgres.sql("postgres", "CREATE ROLE clerk LOGIN")
    yield url.replace("postgres@", "clerk@")
    postgres.sql(url.split("/")[3].split("?")[0], "DROP OWNED BY clerk")
    postgres.sql("postgres", "DROP ROLE clerk")


async def test_a_role_without_the_right_to_make_tables_is_told(clerk: str) -> None:
    store = PostgresStore(clerk)
    assert "make tables" in await store.lacks(await store.look())
    await store.close()
    with pytest.raises(Unavailable, match=r"permission denied .*docs/scale\.md"):
        await store.open()


async def test_a_role_without_a_right_on_a_table_is_told(
    clerk: str, url: str, store: PostgresStore, aside: Aside
) -> None:
    other = PostgresStore(clerk)
    with pytest.raises(Unavailable, match=r"schema_version .*docs/scale\.md"):
        await other.look()
    aside.execute(url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk")
    assert await other.lacks(await other.look()) == ""
    aside.execute(url, "REVOKE UPDATE ON receipt FROM clerk")
    assert "receipt" in await other.lacks(await other.look())
    await other.close()
    aside.forget(url)


async def test_who_looks_makes_nothing(url: str, aside: Aside) -> None:
    store = PostgresStore(url)
    assert await store.look() == 0
    await store.close()
    assert aside.fetch(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0][0] == 0
    aside.forget(url)


@pytest.mark.parametrize("url", ["postgresql://nobody:psst-psst@127.0.0.1:1/x", "postgresql:///x?host=/nowhere"])
async def test_a_server_that_is_not_there_is_told_without_the_password(url: str) -> None:
    with pytest.raises(Unavailable) as told:
        await PostgresStore(url).open()
    assert "psst" not in str(told.value)


@pytest.mark.parametrize("password", ["psst/psst", "psst#psst", "psst?psst", "[psst", "psst@psst"])
async def test_an_address_that_cannot_be_read_is_told_without_the_password(password: str) -> None:
    store = PostgresStore(f"postgresql://me:{password}@127.0.0.1:1/x")
    for use in (store.open, store.look):
        with pytest.raises(StoreError, match="%2F") as told:
            await use()
        assert "psst" not in str(told.value)


# -- two versions beside each other --------------------------------------------------------------------


async def test_an_update_rolls_over_a_fleet(url: str) -> None:
    """The old version goes on beside the new one, whose step added something; it cannot start any more."""
    later = stepped("ALTER TABLE lane ADD COLUMN tomorrow TEXT NOT NULL DEFAULT 'x';")
    old, new = PostgresStore(url), PostgresStore(url, steps=later)
    await old.open()
    await old.accept(who("ana"), post("ana", "before"))
    await new.open()
    for n, (store, name) in enumerate([(old, "ana"), (new, "ana"), (new, "bob"), (old, "bob"), (old, "eva")]):
        await store.accept(who(name), post(name, f"{n}"))
    assert await answered(old, 2) == 3
    await new.accept(who("ana"), post("ana", "after"))
    assert await answered(new, 1) == 1
    await old.close()
    with pytest.raises(NewerDatabase, match="newer recado"):
        await PostgresStore(url).open()
    await new.close()


def stepped(text: str) -> dict[int, str]:
    """The schema, and a step after it."""
    now = lanes.steps()
    return {**now, max(now) + 1: text}


async def test_two_versions_call_functions_of_their_own(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside each other in one database; here the newer one counts from a hundred."""
    old = PostgresStore(url)
    await old.open()
    with monkeypatch.context() as later:
        answer = "RETURN _verdict || ' ' || _seq;"
        assert answer in functions._ACCEPT
        changed = functions._ACCEPT.replace(answer, "RETURN _verdict || ' ' || (100 + _seq);")
        later.setattr("storage.functions._ACCEPT", changed)
        new = PostgresStore(url)
    await new.open()
    assert [(await store.accept(who("ana"), post("ana", f"{n}"))).seq for n, store in enumerate([old, new, old])] == [
        1, 102, 3,
    ]  # fmt: skip
    await old.close()
    await new.close()


async def test_a_step_may_take_longer_than_any_other_statement(
    store: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.PATIENCE", 2.0)
    new = PostgresStore(url, steps=stepped("SELECT pg_sleep(2.5)"))
    await new.open()
    assert await new.look() == max(lanes.steps()) + 1
    await new.close()


async def test_a_step_without_an_end_is_given_up_and_has_changed_nothing(
    store: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = stepped("ALTER TABLE lane ADD COLUMN tomorrow TEXT; SELECT pg_sleep(60)")
    with monkeypatch.context() as patch:
        patch.setattr("storage.postgres.STEP_PATIENCE", 0.5)
        patch.setattr("storage.postgres.PATIENCE", 600.0)
        with pytest.raises(Unavailable):
            await PostgresStore(url, steps=endless).open()
    again = PostgresStore(url, steps=stepped("ALTER TABLE lane ADD COLUMN tomorrow TEXT"))
    await again.open()
    await again.close()


WAITING = """
SELECT 1 FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND now() - query_start > interval '1500 milliseconds'
"""


@pytest.mark.parametrize(
    "held",
    ["LOCK TABLE lane IN ACCESS SHARE MODE", f"SELECT pg_advisory_xact_lock({MIGRATING})"],
    ids=["somebody reads the table", "another process does the steps"],
)
async def test_a_step_waits_longer_for_its_turn_than_what_is_asked_every_day(
    held: str, store: PostgresStore, url: str, aside: Aside
) -> None:
    """Which would give up after a second."""
    new = PostgresStore(url, steps=stepped("ALTER TABLE lane ADD COLUMN tomorrow TEXT"))
    aside.execute(url, f"BEGIN; {held}")
    opening = asyncio.create_task(new.open())
    while not (opening.done() or await store.inspect(WAITING, {})):
        await asyncio.sleep(0.05)
    assert not opening.done()
    aside.execute(url, "COMMIT")
    aside.forget(url)
    await opening
    await new.close()


STEP = ("create table", "create index", "alter table")


@pytest.mark.parametrize("step", lanes.steps().items(), ids=str)
def test_a_step_only_adds(step: tuple[int, str]) -> None:
    """So that the version before it can go on beside it until it is replaced, too."""
    _, text = step
    bare = "\n".join(line.partition("--")[0] for line in text.splitlines())
    for statement in filter(None, (one.strip().lower() for one in bare.split(";"))):
        assert statement.startswith(STEP), statement
        if statement.startswith("alter table"):
            assert " add column " in statement, statement
            assert "default" in statement or "not null" not in statement, statement


# -- in the way ----------------------------------------------------------------------------------------


async def test_a_conversation_somebody_holds_up_keeps_the_others_from_nothing(store: PostgresStore, url: str) -> None:
    """A process that stopped in the middle of a transaction: its conversation can be tried again, the others go on."""
    await store.accept(who("ana"), post("ana", "0"))
    other = PostgresStore(url)
    await other.open()
    async with other._transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", lock("ana"))
        asked = [store.accept(who(name), post(name, "1")) for name in ("ana", "bob", "eva")]
        ana, *rest = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(ana, Unavailable)
        assert [one.seq for one in rest] == [1, 1]  # type: ignore[union-attr]
    assert (await store.accept(who("ana"), post("ana", "1"))).seq == 2
    await other.close()


async def test_a_settle_waits_for_whoever_holds_up_its_conversation(store: PostgresStore, url: str) -> None:
    """What was sent would be sent again."""
    await store.accept(who("ana"), post("ana", "0"))
    (claim,) = await store.claim(Kind.IN, 1, LEASE, "me")
    other = PostgresStore(url)
    await other.open()
    async with other._transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", lock("ana"))
        settling = asyncio.create_task(store.settle(claim, Settlement(claim.tail)))
        await asyncio.sleep(1.5)  # longer than the server waits for a lock
    assert await settling is Settled.DONE
    await other.close()


async def test_an_answer_that_was_overtaken_puts_the_clock_nowhere(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[asyncio.Future[list[tuple[int]]]] = []

    async def late(sql: str, values: Values) -> list[tuple[int]]:
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    monkeypatch.setattr(store, "_all", late)
    asked = [asyncio.create_task(store.now()) for _ in range(3)]
    await asyncio.sleep(0)
    told = []
    for n, ms in ((1, 13_000), (0, 10_000), (2, 13_100)):
        answers[n].set_result([(ms,)])
        told.append(await asked[n])
    assert told == [13_000, 13_000, 13_100]


async def test_a_conversation_may_bring_its_own_time(store: PostgresStore) -> None:
    ana = replace(who("ana"), created_at=1_700_000_000_000)
    assert await store.take_over(ana, post("ana", "0"), "id", Passing("", "x", None)) is not None
    assert await store.conversation(ana.id) == replace(ana, custody="x")


async def test_a_settle_whose_answer_was_cut_off_is_done_once(
    store: PostgresStore, url: str, aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.accept(who("ana"), post("ana", "0"))
    (claim,) = await store.claim(Kind.IN, 1, LEASE, "me")
    ask, asked = store._settles.ask, 0

    async def cut_off(order: int, call: Values) -> str:
        nonlocal asked
        asked += 1
        if asked == 2:  # neither arrived nor was answered, then the one without the other
            await ask(order, call)
        if asked < 3:
            raise Unavailable("cut off", 0.1)
        return await ask(order, call)

    monkeypatch.setattr(store._settles, "ask", cut_off)
    assert await store.settle(claim, Settlement(claim.tail, [Post(claim.key, "t:0", "{}")])) is Settled.DONE
    assert asked == 3
    assert len(await store.latest(claim.key, Kind.OUT, 9)) == 1
    with pytest.raises(Fenced):
        await store.settle(claim, Settlement(claim.head))


async def test_whatever_is_asked_while_connections_are_cut_is_done_or_unavailable(
    store: PostgresStore, url: str, aside: Aside
) -> None:
    """Anything else would be taken for a mistake in the message, and the message put aside."""
    other, over, told = PostgresStore(url), asyncio.Event(), list[Exception]()
    await other.open()

    async def ask(one: PostgresStore, name: str) -> None:
        while not over.is_set():
            try:
                await one.accept(who(name), post(name, f"{time.monotonic_ns()}"))
                await one.set_fact(who(name).id, "fact", True)
                await one.keep_unread("site", "why", b"")
                await one.pass_on(who(name).id, Passing("", "", None))
            except Exception as error:
                told.append(error)

    asking = [asyncio.create_task(ask(one, f"{n}")) for n in range(8) for one in (store, other)]
    ours = "application_name = 'recado' AND datname = current_database()"
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"  # noqa: S608 - ours
    for _ in range(30):
        await asyncio.sleep(0.05)
        await asyncio.to_thread(aside.fetch, url, cut)
    over.set()
    await asyncio.gather(*asking)
    assert told
    assert [error for error in told if not isinstance(error, Unavailable)] == []
    assert (await store.accept(who("ana"), post("ana", "0"))).seq == 1
    aside.forget(url)
    await other.close()


async def test_what_another_process_learned_of_a_contact_is_known_here(store: PostgresStore, url: str) -> None:
    other = PostgresStore(url)
    await other.open()
    for name in ("lid", "+55"):
        await store.accept(who(name), post(name, "0"))
    assert await store.known_as("site", ["+55"]) == "+55"
    learned = await other.known_as("site", ["lid", "+55"])
    assert await store.known_as("site", ["+55"]) == learned
    await other.close()


async def test_a_letter_that_is_stored_as_another_word_keeps_no_turn_from_settling(store: PostgresStore) -> None:
    await store.accept(who("ana"), post("ana", "0"))
    assert await store.pass_on(who("ana").id, Passing("", '{"reason":"\ue000"}', None))
    seen = await store.conversation(who("ana").id)
    assert seen is not None
    (claim,) = await store.claim(Kind.IN, 1, LEASE, "me")
    passing = Passing(seen.custody, seen.custody, None)
    assert await store.settle(claim, Settlement(claim.tail, passing=passing)) is Settled.DONE


def lock(name: str) -> int:
    return lock_of(who(name).id)


async def test_what_became_due_long_ago_is_found(store: PostgresStore, url: str, aside: Aside) -> None:
    """The look that is bounded below does not see it; the one each second does."""
    await store.accept(who("ana"), post("ana", "0"))
    aside.execute(url, "UPDATE lane SET wake_at = wake_at - 3600000")
    aside.forget(url)
    found = []
    while not found:
        found = await store.claim(Kind.IN, 9, LEASE, "me")
    assert [claim.key for claim in found] == [who("ana").id]


async def test_a_fence_holds_across_processes(store: PostgresStore, url: str) -> None:
    await store.accept(who("ana"), post("ana", "0"))
    other = PostgresStore(url)
    await other.open()
    (slow,) = await store.claim(Kind.IN, 1, 0, "slow")
    (quick,) = await other.claim(Kind.IN, 1, LEASE, "quick")
    with pytest.raises(Fenced):
        await store.settle(slow, Settlement(slow.tail))
    with pytest.raises(Fenced):
        await store.renew(slow, LEASE)
    assert await other.settle(quick, Settlement(quick.tail)) is Settled.DONE
    await other.close()


async def test_a_storm_of_redeliveries_is_stored_once_and_nobody_waits_for_nobody(url: str) -> None:
    stores = [PostgresStore(url, size=4) for _ in range(4)]
    for store in stores:
        await store.open()
    copies = [(store, f"p{n % 30}", f"{n}") for n in range(300) for store in (*stores, stores[n % 4])]
    copies.sort(key=lambda copy: hash((id(copy[0]), copy[2])))
    posted = await asyncio.gather(*(store.accept(who(name), post(name, id)) for store, name, id in copies))
    assert sorted(one.verdict.value for one in posted) == ["duplicate"] * 1200 + ["new"] * 300
    kept = [entry.seq for n in range(30) for entry in await stores[0].latest(who(f"p{n}").id, Kind.IN, 99)]
    assert sorted(kept) == sorted([*range(1, 11)] * 30), "and no number is missing"
    for store in stores:
        await store.close()


# -- what a server is asked ------------------------------------------------------------------------------


async def test_a_post_and_a_settle_are_one_round_trip_each(store: PostgresStore) -> None:
    asked = store.statements
    await store.accept(who("ana"), post("ana", "0"))
    assert store.statements - asked == 1
    [claim] = await store.claim(Kind.IN, 1, LEASE, "me")
    asked = store.statements
    assert await store.settle(claim, Settlement(claim.tail)) is Settled.DONE
    assert store.statements - asked == 1


async def test_a_connection_plans_along_indexes_and_is_not_put_back_after_each_use(url: str) -> None:
    store = PostgresStore(url, size=1)
    await store.open()
    assert [tuple(row) for row in await store._all("SHOW plan_cache_mode", {})] == [("force_generic_plan",)]
    await store._all("SELECT set_config('application_name', 'as it was', false)", {})
    assert [tuple(row) for row in await store._all("SHOW application_name", {})] == [("as it was",)]
    await store.close()


SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|ALTER|WITH|FROM|WHERE|VALUES|SET|JOIN|ON)\b")


def said(*names: str) -> int:
    """Characters of SQL in files of the store."""
    trees = [ast.parse((Path(lanes.__file__).parent / name).read_text("utf-8")) for name in names]
    nodes = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return sum(len(" ".join(text.split())) for text in nodes if isinstance(text, str) and SQL.search(text))


def test_nine_tenths_of_what_is_said_are_said_to_both_engines() -> None:
    schema = re.sub(r"--.*", "", "".join(lanes.steps().values()))
    both = said("lanes.py", "again.py", "inspection.py", "retention.py") + len(" ".join(schema.split()))
    for alone in (said("postgres.py", "functions.py"), said("sqlite.py", "writer.py", "folding.py")):
        assert both / (both + alone) >= 0.9


# -- through PgBouncer ---------------------------------------------------------------------------------


@pytest.fixture
def pooled(postgres: Server, url: str, tmp_path: Path) -> Iterator[str]:
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        pytest.skip("no pgbouncer here: apt-get install pgbouncer")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = url.split("@/")[1].split("?")[0]
    (postgres.folder / "pooled.ini").write_text(
        f"[databases]\n{database} = host={postgres.folder} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nunix_socket_dir =\n"
    )
    process = subprocess.Popen(
        [program, "-q", str(postgres.folder / "pooled.ini")],
        user=NOBODY if os.geteuid() == 0 else None,  # it refuses to be root, and nobody else may become somebody
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    _until_listening(port)
    yield f"postgresql://postgres@127.0.0.1:{port}/{database}?pgbouncer=true"
    process.terminate()
    process.wait(10)


def _until_listening(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("pgbouncer does not listen")


async def test_it_works_through_pgbouncer(pooled: str) -> None:
    """Twelve connections of ours, three of the database's, each transaction on any of them."""
    stores = [PostgresStore(pooled, size=6) for _ in range(2)]
    for store in stores:
        await store.open()
    people = [f"p{n}" for n in range(20)]
    await asyncio.gather(*(stores[n % 2].accept(who(p), post(p, f"{n}", f"{n};")) for n in range(5) for p in people))
    assert sum(await asyncio.gather(*(answered(store, 9) for store in stores))) == 20
    assert await stores[0].known_as("site", ["ana", "+55"]) == await stores[1].known_as("site", ["+55"]) == "ana"
    out = [entry for p in people for entry in await stores[1].latest(who(p).id, Kind.OUT, 9)]
    assert ["".join(sorted(entry.body.split(";"))) for entry in out] == ["01234"] * 20
    for store in stores:
        await store.close()


# -- what stays in memory --------------------------------------------------------------------------------


async def test_what_was_prepared_stays_prepared(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over an hour: what is prepared again leaves the old one to the garbage collector."""
    store = PostgresStore(url, size=1)
    await store.open()
    statements = "SELECT name, statement FROM pg_prepared_statements WHERE statement LIKE '%now_ms%' ORDER BY 1"
    await store.now()
    before = await store._all(statements, {})
    with monkeypatch.context() as later:
        later.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + 3600)
        await asyncio.sleep(0)  # whatever was put off until then is due
    await store.now()
    assert await store._all(statements, {}) == before
    await store.close()


# -- rights ----------------------------------------------------------------------------------------------


async def test_a_role_that_may_make_nothing_can_serve_what_is_made(
    url: str, aside: Aside, store: PostgresStore
) -> None:
    """The rights that docs/scale.md names."""
    await store.accept(who("ana"), post("ana", "0"))
    role = f"r_{url.split('@/')[1].split('?')[0]}"
    aside.execute(url, f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role}")
    aside.execute(url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    aside.execute(url, f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}")
    served = PostgresStore(url.replace("postgres@", f"{role}@"))
    await served.open()
    assert (await served.accept(who("ana"), post("ana", "1"))).seq == 2
    assert await answered(served, 1) == 1
    await served.close()
    aside.execute(url, f"DROP OWNED BY {role}; DROP ROLE {role}")
    aside.forget(url)


async def test_a_schema_of_its_own_beside_another_program(url: str, aside: Aside) -> None:
    aside.execute(url, "CREATE TABLE lane (id INTEGER); CREATE SCHEMA recado")
    store = PostgresStore(f"{url}&options=-csearch_path%3Drecado")
    await store.open()
    assert (await store.accept(who("ana"), post("ana", "0"))).seq == 1
    await store.close()
    found = aside.fetch(url, "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'entry'")
    assert [schema for (schema,) in found] == ["recado"]
    aside.forget(url)
