"""Random lives of a few lanes, held step by step to a model and to the invariants I1 to I10."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage import lanes
from storage.model import (
    Claim,
    Conversation,
    Hold,
    Kind,
    Outcome,
    Passing,
    Post,
    Posted,
    Settled,
    Settlement,
    Turn,
    TurnId,
    Verdict,
    conversation_id,
)
from storage.store import Fenced, Store
from tests.postgres import Server
from tests.storage.lane_labs import FileLab, Lab, Rows, ServerLab
from tests.storage.lane_model import Lane

SEQUENCES = int(os.environ.get("RECADO_SEQUENCES", "500"))
PEOPLE = [Conversation(conversation_id("site", n), "site", n, n, "front") for n in ("ana", "bob")]

FREE = Passing("", "")
people = st.sampled_from([PEOPLE[0], PEOPLE[0], PEOPLE[0], PEOPLE[1]])
kinds = st.sampled_from([Kind.IN, Kind.OUT])
spans = st.sampled_from([0, 0, 1, 50, 400, 5000])
leases = st.sampled_from([50, 400, 5000])
owners = st.sampled_from(["a", "b"])
some = st.integers(0, 1000)


class LaneMachine(RuleBasedStateMachine):
    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab, self.run = lab, lab.run
        self.time = 1_800_000_000_000
        self.lanes: dict[tuple[Kind, str], Lane] = {}
        self.held: set[str] = set()
        self.met: set[str] = set()
        self.claims: list[Claim] = []
        self.settled: list[tuple[Kind, str, int]] = []
        self.sent: dict[str, int] = {}
        self.before: dict[tuple[int, str], Any] = {}
        self.entries: dict[tuple[int, str, int], Any] = {}
        lab.begin(self.time)

    @property
    def store(self) -> Store:
        return self.lab.store

    def teardown(self) -> None:
        self.lab.end()

    def lane(self, kind: Kind, key: str) -> Lane:
        return self.lanes.setdefault((kind, key), Lane())

    @initialize(running=st.booleans(), late=st.booleans(), asleep=st.booleans())
    def begin(self, running: bool, late: bool, asleep: bool) -> None:
        """Many lives begin in the middle of a turn, where most can go wrong."""
        self._post(PEOPLE[0], "first", "x", 0, 0)
        if running:
            self._claim(Kind.IN, 1, 5000, "a")
        if running and late:
            self._post(PEOPLE[0], "late", "x", 50, 400)
        if running and asleep:
            self.pause(PEOPLE[0], Kind.IN, False)

    # -- what may happen ---------------------------------------------------------------------------

    @rule(who=people, dedup=st.sampled_from("abcdefgh"), digest=st.sampled_from("xxxy"), window=spans, wait=spans)
    def post(self, who: Conversation, dedup: str, digest: str, window: int, wait: int) -> None:
        self._post(who, dedup, digest, window, wait)

    def _post(self, who: Conversation, dedup: str, digest: str, window: int, wait: int) -> None:
        post = Post(who.id, dedup, f"{dedup}{digest}", digest, window, wait)
        expected = self.lane(Kind.IN, who.id).post(self.time, dedup, digest, window, wait)
        assert self.run(self.store.accept(who, post)) == Posted(*expected)
        self.met.add(who.id)

    @rule(who=people, kind=kinds, window=spans)
    def lose_a_race(self, who: Conversation, kind: Kind, window: int) -> None:
        """The number is taken, the entry is not written: a hole."""
        values = {"kind": int(kind), "key": who.id, "window": window, "max_wait": window}
        self.lab.write(lanes.BUMP, values)
        self.lane(kind, who.id).bump(self.time, window, window)

    @rule(kind=kinds, limit=st.integers(1, 3), lease=leases, owner=owners)
    def claim(self, kind: Kind, limit: int, lease: int, owner: str) -> None:
        self._claim(kind, limit, lease, owner)

    @rule(pick=some, lease=leases, owner=owners)
    def claim_what_comes_next(self, pick: int, lease: int, owner: str) -> None:
        """Most lives would otherwise be spent asleep."""
        wakes = sorted((lane.wake, kind) for (kind, _), lane in self.lanes.items() if lane.wake and not lane.hold)
        if wakes:
            wake, kind = wakes[pick % len(wakes)]
            self.pass_time(max(0, wake - self.time))
            self._claim(kind, 1 + pick % 2, lease, owner)

    def _claim(self, kind: Kind, limit: int, lease: int, owner: str) -> None:
        due = sorted(
            (lane.wake or 0, key) for (k, key), lane in self.lanes.items() if k is kind and lane.is_due(self.time)
        )
        claims = self.run(self.store.claim(kind, limit, lease, owner))
        assert [claim.ripe_at for claim in claims] == [wake for wake, _ in due[:limit]]
        for claim in claims:
            lane = self.lane(kind, claim.key)
            assert (lane.wake or 0, claim.key) in due
            lane.claim(self.time, lease, owner)
            assert (claim.epoch, claim.head, claim.tail) == (lane.epoch, lane.head, lane.tail)
            assert (claim.tries, claim.folds, claim.claimed_at) == (lane.tries, lane.folds, self.time)
        self.claims += claims

    @precondition(lambda self: self.claims)
    @rule(pick=some, part=some, max_folds=st.integers(0, 2), yields=st.booleans(), parts=st.integers(0, 2), pause=spans)
    def settle(self, pick: int, part: int, max_folds: int, yields: bool, parts: int, pause: int) -> None:
        claim = self._pick(pick)
        upto = claim.head + part % (claim.tail - claim.head + 1) if part % 3 == 0 else claim.tail
        settlement = replace(self._settlement(claim, upto, max_folds, yields, parts), pause=pause)
        lane = self.lane(claim.kind, claim.key)
        if not lane.owns(claim):
            return self._fenced(self.store.settle(claim, settlement))
        if yields and claim.key in self.held:
            expected = Settled.MOVED
        elif lane.fold(self.time, claim, max_folds):
            expected = Settled.FOLDED
        else:
            expected = Settled.DONE
            self._settled(claim, settlement)
        assert self.run(self.store.settle(claim, settlement)) is expected
        return None

    def _settlement(self, claim: Claim, upto: int, max_folds: int, yields: bool, parts: int) -> Settlement:
        if claim.kind is Kind.OUT:
            return Settlement(upto, max_folds=max_folds, passing=FREE if yields else None)
        id = TurnId(f"t{claim.epoch}")
        posts = [Post(claim.key, f"{id}:{n}", "part") for n in range(parts)]
        turn = Turn(id, claim.key, claim.epoch, claim.head, upto, 1, 2, Outcome.ANSWERED, "")
        return Settlement(upto, posts, turn, max_folds=max_folds, passing=FREE if yields else None)

    def _settled(self, claim: Claim, settlement: Settlement) -> None:
        self.lane(claim.kind, claim.key).settle(self.time, settlement.upto, settlement.pause)
        assert (claim.kind, claim.key, claim.epoch) not in self.settled  # I3
        self.settled.append((claim.kind, claim.key, claim.epoch))
        if claim.kind is Kind.OUT:
            assert settlement.upto >= self.sent.get(claim.key, 0)  # I9
            self.sent[claim.key] = settlement.upto
        for post in settlement.posts:
            self.lane(Kind.OUT, post.key).post(self.time, post.dedup, "", 0, 0)

    @precondition(lambda self: self.claims)
    @rule(pick=some, max_folds=st.integers(0, 2))
    def fold(self, pick: int, max_folds: int) -> None:
        claim = self._pick(pick)
        lane = self.lane(claim.kind, claim.key)
        if not lane.owns(claim):
            return self._fenced(self.store.fold(claim, max_folds))
        expected = lane.fold(self.time, claim, max_folds)
        assert self.run(self.store.fold(claim, max_folds)) is expected
        return None

    @precondition(lambda self: self.claims)
    @rule(pick=some, delay=spans)
    def retry(self, pick: int, delay: int) -> None:
        claim = self._pick(pick)
        lane = self.lane(claim.kind, claim.key)
        if not lane.owns(claim):
            return self._fenced(self.store.retry(claim, delay))
        lane.back_off(self.time, delay)
        return self.run(self.store.retry(claim, delay))

    @precondition(lambda self: self.claims)
    @rule(pick=some, lease=leases)
    def renew(self, pick: int, lease: int) -> None:
        claim = self._pick(pick)
        lane = self.lane(claim.kind, claim.key)
        if not lane.owns(claim):
            return self._fenced(self.store.renew(claim, lease))
        lane.wake = self.time + lease
        return self.run(self.store.renew(claim, lease))

    @precondition(lambda self: self.claims)
    @rule(pick=some)
    def load(self, pick: int) -> None:
        claim = self._pick(pick)
        seen = self.lane(claim.kind, claim.key).seen
        expected = sorted(seq for seq, _ in seen.values() if claim.head < seq <= claim.tail)
        assert [entry.seq for entry in self.run(self.store.load(claim)).entries] == expected

    @rule(who=people, kind=kinds, often=st.booleans())
    def pause(self, who: Conversation, kind: Kind, often: bool) -> None:
        why = None if self.lane(kind, who.id).hold or often else "maintenance"
        self.run(self.store.pause(kind, who.id, why))
        self.lane(kind, who.id).pause(self.time, why)

    @rule(who=people)
    def cancel(self, who: Conversation) -> None:
        lane = self.lane(Kind.IN, who.id)
        given_up = lane.cancel()
        turn = self.run(self.store.cancel(who.id, "blocked"))
        if given_up is None:
            assert turn is None
            return
        head, tail = given_up
        id = TurnId(f"{who.id}.{lane.epoch}")
        assert turn == Turn(id, who.id, lane.epoch, head, tail, self.time, self.time, Outcome.IGNORED, "blocked")
        assert (Kind.IN, who.id, lane.epoch) not in self.settled  # I3
        self.settled.append((Kind.IN, who.id, lane.epoch))

    @rule(who=people)
    def hold(self, who: Conversation) -> None:
        expected = who.id in self.met and who.id not in self.held
        held = Passing("", "held", Hold("people", "api", self.time))
        assert self.run(self.store.pass_on(who.id, held)) is expected
        if expected:
            self.held.add(who.id)

    @rule(who=people)
    def release(self, who: Conversation) -> None:
        assert self.run(self.store.pass_on(who.id, Passing("held", ""))) is (who.id in self.held)
        self.held.discard(who.id)

    @rule(ms=spans)
    def let_time_pass(self, ms: int) -> None:
        self.pass_time(ms)

    def pass_time(self, ms: int) -> None:
        if ms:
            self.time += ms
            self.lab.set_clock(self.time)

    @rule()
    def crash(self) -> None:
        self.lab.crash()
        for lane in self.lanes.values():
            if self.lab.leases_end_with_their_owner and lane.busy and lane.wake is not None:
                lane.wake = min(lane.wake, self.time)

    def _pick(self, pick: int) -> Claim:
        """Claims that are still good three times out of four: the old ones are all fenced alike."""
        good = [claim for claim in self.claims if self.lane(claim.kind, claim.key).owns(claim)]
        among = good if good and pick % 4 else self.claims
        return among[-1 - pick // 4 % len(among)]

    def _fenced(self, asked: Coroutine[Any, Any, Any]) -> None:
        with pytest.raises(Fenced):
            self.run(asked)

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def all_of_it_holds(self) -> None:
        table, entries, turns = self.lab.look()
        self.the_table_is_the_model(table)
        self.the_lanes_keep_their_laws(table)
        self.the_entries_keep_theirs(entries)
        self.a_turn_is_there_iff_its_settle_was(turns)

    def the_table_is_the_model(self, table: Rows) -> None:
        said = {(row[0], row[1]): row[2:] for row in table}
        meant = {
            (int(kind), key): (
                *(lane.tail, lane.head, lane.wake, lane.due, lane.first, lane.retry, lane.epoch, lane.owner),
                *(lane.tries, lane.folds, int(lane.busy), lane.hold),
            )
            for (kind, key), lane in self.lanes.items()
            if lane != Lane()
        }
        assert {key: row for key, row in said.items() if key in meant or any(row[:2])} == meant

    def the_lanes_keep_their_laws(self, table: Rows) -> None:
        for kind, key, tail, head, wake, due, first, retry, epoch, _owner, _tries, _folds, busy, hold in table:
            assert head <= tail  # I1
            assert wake is not None or hold is not None or head == tail  # I2
            assert not (busy and wake is None)  # I2, for an owner that dies
            assert epoch >= self.before.get((kind, key), 0)  # I4
            self.before[(kind, key)] = epoch
            if first is not None and not busy and hold is None and retry <= self.time:
                assert wake <= max(due, self.time)
                assert due <= first + max(5000, 0)  # I7: no window or wait of these runs is longer

    def the_entries_keep_theirs(self, entries: Rows) -> None:
        now = {(kind, key, seq): rest for kind, key, seq, *rest in entries}
        assert all(now.get(place) == entry for place, entry in self.entries.items())  # I8
        self.entries = now
        found = sorted((kind, key, rest[0]) for (kind, key, _), rest in now.items())
        acked = sorted((int(k), key, dedup) for (k, key), lane in self.lanes.items() for dedup in lane.seen)
        assert found == acked  # I5, and I6: an answer is there iff its settle was

    def a_turn_is_there_iff_its_settle_was(self, turns: Rows) -> None:
        assert sorted(turns) == sorted((key, epoch) for kind, key, epoch in self.settled if kind is Kind.IN)  # I3, I6
        outbound = {(key, rest[0].split(":")[0]) for (kind, key, _), rest in self.entries.items() if kind == 1}
        assert outbound <= {(key, f"t{epoch}") for key, epoch in turns}  # I6


LIVES = settings(
    max_examples=SEQUENCES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_lanes_in_a_file() -> None:
    run_state_machine_as_test(lambda: LaneMachine(FileLab()), settings=LIVES)  # type: ignore[arg-type]


def test_lanes_on_a_server(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.postgres.SWEEP", 0.0)  # every look sees all that is due, as the model does
    name = postgres.database()
    with ServerLab(postgres.url(name)) as lab:
        run_state_machine_as_test(lambda: LaneMachine(lab), settings=LIVES)  # type: ignore[arg-type]
    postgres.drop(name)


def test_verdicts_of_the_model_are_those_of_the_store() -> None:
    lane = Lane()
    assert [lane.post(0, "a", digest, 0, 0)[0] for digest in "xxy"] == [
        Verdict.NEW,
        Verdict.DUPLICATE,
        Verdict.CONFLICT,
    ]
