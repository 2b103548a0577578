"""What every store promises. A store passes by giving the suite a `Lab`; nobody sleeps, the lab moves the clock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from storage.lanes import LONGEST_LEASE
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Cursor,
    DeadLetter,
    Fetched,
    Hold,
    Kind,
    Known,
    Media,
    MediaId,
    Outcome,
    Passing,
    Post,
    Posted,
    Receipt,
    Settled,
    Settlement,
    Spent,
    Turn,
    TurnId,
    Verdict,
    conversation_id,
)
from storage.store import Fenced, Store

LEASE = 30_000
IN, OUT = Kind.IN, Kind.OUT


class Lab(Protocol):
    store: Store

    def pass_time(self, ms: int) -> None: ...

    async def restart(self) -> Store:
        """The process ends and another one opens the same database."""
        ...


def who(name: str = "ana", queue: str = "front") -> Conversation:
    return Conversation(conversation_id("site", name), "site", name, name.title(), queue)


def message(dedup: str, body: str = "", **more: int) -> Post:
    return Post(who().id, dedup, body or dedup, digest=f"d:{body or dedup}", **more)  # type: ignore[arg-type]


def post(dedup: str, body: str) -> Post:
    return Post(who().id, dedup, body)


def dead_at(kind: Kind, seq: int) -> DeadLetter:
    return DeadLetter(kind, who().id, seq, "why", 7)


PEOPLE = Hold("people", "phone", 5)
HELD = Passing("", "held", PEOPLE)


async def seen(store: Store, name: str) -> Conversation:
    found = await store.conversation(who(name).id)
    assert found is not None
    return found


async def wrote(store: Store, contact: str, dedup: str, **more: object) -> Posted:
    conversation = replace(who(contact), **more)  # type: ignore[arg-type]
    return await store.accept(conversation, Post(conversation.id, dedup, dedup, once=True))


def turn_of(claim: Claim, outcome: Outcome = Outcome.ANSWERED, **more: object) -> Turn:
    id = TurnId(f"t{claim.epoch}")
    return Turn(id, claim.key, claim.epoch, claim.head, claim.tail, 1, 2, outcome, "why", **more)  # type: ignore[arg-type]


def answer(claim: Claim, *parts: str, **more: object) -> Settlement:
    posts = tuple(Post(claim.key, f"t{claim.epoch}:{n}", part) for n, part in enumerate(parts))
    return Settlement(claim.tail, posts, turn_of(claim), **more)  # type: ignore[arg-type]


async def take(store: Store, kind: Kind = IN, lease: int = LEASE, owner: str = "me") -> Claim:
    (claim,) = await store.claim(kind, 10, lease, owner)
    return claim


async def bodies(store: Store, claim: Claim) -> list[str]:
    return [entry.body for entry in (await store.load(claim)).entries]


class StoreSuite:
    """Subclasses bring the fixture `lab`."""

    # -- posting ---------------------------------------------------------------------------------

    async def test_the_same_id_is_stored_once(self, lab: Lab) -> None:
        store = lab.store
        assert await store.accept(who(), message("a", "one")) == Posted(Verdict.NEW, 1)
        assert await store.accept(who(), message("a", "one")) == Posted(Verdict.DUPLICATE, 1)
        assert await store.accept(who(), message("b", "two")) == Posted(Verdict.NEW, 2)
        assert await bodies(store, await take(store)) == ["one", "two"]

    async def test_the_same_id_with_another_content_is_a_conflict(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("a", "one"))
        assert await lab.store.accept(who(), message("a", "other")) == Posted(Verdict.CONFLICT, 1)
        assert await bodies(lab.store, await take(lab.store)) == ["one"]

    async def test_a_duplicate_neither_restarts_the_window_nor_wakes(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("a", window=1000, max_wait=9000))
        lab.pass_time(900)
        await lab.store.accept(who(), message("a", window=1000, max_wait=9000))
        lab.pass_time(100)
        claim = await take(lab.store)
        await lab.store.settle(claim, answer(claim))
        await lab.store.accept(who(), message("a", window=1000, max_wait=9000))
        assert await lab.store.next_wake(IN) is None

    async def test_a_raced_redelivery_is_stored_once(self, lab: Lab) -> None:
        posts = [message(str(n % 20)) for n in range(100)]
        posted = await asyncio.gather(*(lab.store.accept(who(), post) for post in posts))
        assert sum(one.verdict is Verdict.NEW for one in posted) == 20
        assert len({one.seq for one in posted}) == 20
        assert len((await lab.store.load(await take(lab.store))).entries) == 20

    async def test_many_conversations_at_once(self, lab: Lab) -> None:
        people = [who(f"p{n}") for n in range(40)]
        await asyncio.gather(
            *(lab.store.accept(p, Post(p.id, f"{n}", f"{n}", window=10)) for n in range(10) for p in people)
        )
        lab.pass_time(10)
        claims = await lab.store.claim(IN, 30, LEASE, "me") + await lab.store.claim(IN, 30, LEASE, "you")
        assert {claim.key for claim in claims} == {p.id for p in people}
        assert len(claims) == 40
        for claim in claims:
            assert [e.seq for e in (await lab.store.load(claim)).entries] == list(range(1, 11))

    async def test_text_survives_as_it_is(self, lab: Lab) -> None:
        body = "\x00 ação 👩‍👩‍👧 \u202e rtl \u200b" + "💬" * 10_000
        await lab.store.accept(who(), message("a", body))
        assert await bodies(lab.store, await take(lab.store)) == [body]

    async def test_a_mistake_of_one_request_costs_the_others_nothing(self, lab: Lab) -> None:
        good = [lab.store.accept(who(f"p{n}"), Post(who(f"p{n}").id, "a", "fine")) for n in range(5)]
        bad = lab.store.accept(who(), Post(who().id, "a", "\ud800"))
        *fine, wrong = await asyncio.gather(*good, bad, return_exceptions=True)
        assert isinstance(wrong, ValueError)
        assert all(isinstance(one, Posted) for one in fine)
        assert await lab.store.conversation(who().id) is None
        assert who().id not in [claim.key for claim in await lab.store.claim(IN, 10, LEASE, "me")]

    async def test_a_post_for_another_conversation_is_refused(self, lab: Lab) -> None:
        with pytest.raises(ValueError, match="another conversation"):
            await lab.store.accept(who("bob"), message("a"))

    # -- the window ------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("window", "max_wait", "gaps", "due"),
        [
            (120, 10_000, [60, 60, 60], 300),  # quiet: each message restarts it
            (120, 10_000, [0, 0, 0], 120),
            (200, 400, [150, 150, 90], 400),  # the wait is bounded, however long they talk
            (200, 200, [50, 100], 200),  # fixed: a wait as long as the window never restarts
            (200, 50, [100], 200),  # a wait shorter than the window is raised to it
            (0, 0, [], 0),
        ],
    )
    async def test_when_the_burst_ends(self, lab: Lab, window: int, max_wait: int, gaps: list[int], due: int) -> None:
        start = await lab.store.now()
        for n, gap in enumerate([0, *gaps]):
            lab.pass_time(gap)
            await lab.store.accept(who(), message(f"{n}", window=window, max_wait=max_wait))
        assert await lab.store.next_wake(IN) == start + due
        lab.pass_time(due - sum(gaps) - 1)
        if due > sum(gaps):
            assert await lab.store.claim(IN, 10, LEASE, "me") == []
        lab.pass_time(1)
        claim = await take(lab.store)
        assert claim.ripe_at == start + due
        assert len((await lab.store.load(claim)).entries) == len(gaps) + 1

    async def test_a_window_survives_the_process(self, lab: Lab) -> None:
        start = await lab.store.now()
        await lab.store.accept(who(), message("a", window=500, max_wait=900))
        lab.pass_time(200)
        store = await lab.restart()
        assert await store.next_wake(IN) == start + 500
        assert await store.claim(IN, 10, LEASE, "me") == []
        lab.pass_time(300)
        assert await bodies(store, await take(store)) == ["a"]

    # -- one at a time -----------------------------------------------------------------------------

    async def test_a_claimed_lane_is_nobody_elses_and_loses_nothing(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        first = await take(store)
        await store.accept(who(), message("2", window=50))
        lab.pass_time(100)
        assert await store.claim(IN, 10, LEASE, "you") == []
        assert await bodies(store, first) == ["1"]
        assert await store.settle(first, answer(first, "reply")) is Settled.DONE
        second = await take(store)
        assert await bodies(store, second) == ["2"]
        assert (second.epoch, second.tries) == (first.epoch + 1, 1)
        await store.settle(second, answer(second))
        assert await store.next_wake(IN) is None

    async def test_a_racing_claim_has_one_winner(self, lab: Lab) -> None:
        for n in range(20):
            await lab.store.accept(who(f"p{n}"), Post(who(f"p{n}").id, "a", "x"))
        won = await asyncio.gather(*(lab.store.claim(IN, 3, LEASE, f"o{n}") for n in range(20)))
        keys = [claim.key for claims in won for claim in claims]
        assert len(keys) == len(set(keys)) == 20

    async def test_the_oldest_come_first(self, lab: Lab) -> None:
        for n in (3, 1, 2):
            await lab.store.accept(who(f"p{n}"), Post(who(f"p{n}").id, "a", "x", window=n * 10))
        lab.pass_time(100)
        claims = await lab.store.claim(IN, 2, LEASE, "me")
        assert [claim.key for claim in claims] == [who("p1").id, who("p2").id]

    async def test_a_lease_that_ran_out_fences_its_owner(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        old = await take(store, lease=1000, owner="dies")
        lab.pass_time(1000)
        new = await take(store, owner="heir")
        assert (new.epoch, new.tries) == (old.epoch + 1, 2)
        await self._refused(store, old)
        await store.renew(new, 1000)
        await store.settle(new, answer(new, "one", "two"))
        assert await bodies(store, await take(store, OUT)) == ["one", "two"]

    async def test_the_fence_is_epoch_and_owner(self, lab: Lab) -> None:
        """After a failover that lost a commit the same epoch can be handed out twice."""
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store, owner="me")
        twin = replace(claim, owner="twin")
        await self._refused(store, twin)
        assert await store.settle(claim, answer(claim)) is Settled.DONE
        await self._refused(store, claim)

    async def test_an_owner_is_fenced_from_its_own_past(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        old = await take(lab.store, lease=10)
        lab.pass_time(10)
        new = await take(lab.store, lease=LEASE)
        await self._refused(lab.store, old)
        assert await lab.store.settle(new, answer(new)) is Settled.DONE

    async def _refused(self, store: Store, claim: Claim) -> None:
        for attempt in (
            store.settle(claim, answer(claim, "stale")),
            store.settle(claim, answer(claim, "stale", max_folds=9, passing=Passing("", ""))),
            store.renew(claim, 1000),
            store.retry(claim, 0),
            store.fold(claim, 9),
        ):
            with pytest.raises(Fenced):
                await attempt
        assert await store.claim(OUT, 10, LEASE, "me") == []

    async def test_a_renewed_lease_lasts(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store, lease=1000)
        lab.pass_time(900)
        await lab.store.renew(claim, 1000)
        lab.pass_time(900)
        assert await lab.store.claim(IN, 10, LEASE, "you") == []
        assert await lab.store.settle(claim, answer(claim)) is Settled.DONE

    async def test_a_poison_message_is_counted_even_when_it_kills(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("poison"))
        for tries in range(1, 5):
            claim = await take(lab.store, lease=10)
            assert claim.tries == tries
            lab.pass_time(10)
        dead = DeadLetter(IN, claim.key, 1, "too many tries", 7)
        turn = turn_of(claim, Outcome.DEAD)
        await lab.store.settle(claim, Settlement(claim.tail, turn=turn, dead=[dead]))
        assert (await lab.store.depths()).dead == 1
        await lab.store.accept(who(), message("next"))
        claim = await take(lab.store)
        assert (await bodies(lab.store, claim), claim.tries) == (["next"], 1)

    async def test_an_empty_claim_settles(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store)
        await lab.store.settle(claim, answer(claim))
        await lab.store.accept(who(), message("2"))
        claim = await take(lab.store)
        assert await lab.store.settle(claim, Settlement(claim.head)) is Settled.DONE  # nothing consumed
        claim = await take(lab.store)
        assert await bodies(lab.store, claim) == ["2"]
        assert await lab.store.settle(claim, Settlement(claim.tail)) is Settled.DONE
        assert await lab.store.next_wake(IN) is None

    @pytest.mark.parametrize("beyond", [-1, +2])
    async def test_a_cursor_cannot_leave_the_claim(self, lab: Lab, beyond: int) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store)
        with pytest.raises(ValueError, match="not within"):
            await lab.store.settle(claim, Settlement(claim.head + beyond))

    # -- folding -----------------------------------------------------------------------------------

    async def test_a_draft_is_folded_into_the_next_turn(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        assert not await store.fold(claim, 2)
        await store.accept(who(), message("2", window=400, max_wait=400))
        due = await store.now() + 400
        assert await store.fold(claim, 2)
        assert await store.next_wake(IN) == due
        lab.pass_time(400)
        claim = await take(store)
        assert await bodies(store, claim) == ["1", "2"]
        assert (claim.tries, claim.folds) == (1, 1)

    @pytest.mark.parametrize("by_settle", [True, False])
    async def test_folds_are_limited(self, lab: Lab, by_settle: bool) -> None:
        store = lab.store
        await store.accept(who(), message("0"))
        for n in range(3):
            claim = await take(store)
            assert claim.folds == n
            await store.accept(who(), message(f"more{n}"))
            if by_settle:
                settled = await store.settle(claim, answer(claim, "draft", max_folds=2))
                assert settled is (Settled.FOLDED if n < 2 else Settled.DONE)
            else:
                assert await store.fold(claim, 2) is (n < 2)
        if not by_settle:
            await store.settle(claim, answer(claim, "draft"))
        assert [turn.epoch for turn in await store.turns(who().id, 0, 10)] == [3]
        assert await bodies(store, await take(store, OUT)) == ["draft"]
        claim = await take(store)
        assert (await bodies(store, claim), claim.folds) == (["more2"], 0)

    async def test_a_folded_settle_writes_nothing(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.accept(who(), message("2"))
        passing = Passing("", "held", Hold("people", "marker", 5))
        receipts = [Receipt(who().id, "t1:0", "sent", 5)]
        full = answer(claim, "draft", passing=passing, receipts=receipts, media=[MediaId("m")], max_folds=1)
        assert await store.settle(claim, full) is Settled.FOLDED
        await self._nothing_written(store)

    async def _nothing_written(self, store: Store) -> None:
        assert await store.turns(who().id, 0, 10) == []
        assert await store.receipts(who().id) == []
        assert not await store.media_open_to(MediaId("m"), who().id)
        assert await store.claim(OUT, 10, LEASE, "me") == []

    # -- retry and backoff -----------------------------------------------------------------------------

    async def test_the_outbox_keeps_its_order_through_a_backoff(self, lab: Lab) -> None:
        store = lab.store
        await self._answered(store, "a", "b")
        out = await take(store, OUT)
        await store.settle(out, Settlement(out.head + 1, receipts=[Receipt(out.key, "t1:0", "sent", 1)]))
        out = await take(store, OUT)
        assert await bodies(store, out) == ["b"]
        retried = await store.now()
        await store.retry(out, 300)
        await self._answered(store, "c")
        assert await store.next_wake(OUT) == retried + 300
        lab.pass_time(299)
        assert await store.claim(OUT, 10, LEASE, "me") == []
        lab.pass_time(1)
        out = await take(store, OUT)
        assert (await bodies(store, out), out.tries) == (["b", "c"], 2)

    async def _answered(self, store: Store, *parts: str) -> None:
        await store.accept(who(), message(f"for {parts}"))
        claim = await take(store)
        await store.settle(claim, answer(claim, *parts))

    async def test_no_message_shortens_a_backoff(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1", window=100))
        lab.pass_time(100)
        claim = await take(store)
        await store.retry(claim, 5000)
        due = await store.now() + 5000
        for n in range(4):
            lab.pass_time(1000)
            await store.accept(who(), message(f"more{n}", window=100, max_wait=200))
            assert await store.next_wake(IN) == due
        await store.pause(IN, who().id, "maintenance")
        await store.pause(IN, who().id, None)
        assert await store.next_wake(IN) == due
        lab.pass_time(1000)
        assert len((await store.load(await take(store))).entries) == 5

    async def test_a_backoff_outlasts_the_wait_of_what_came_before_it(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.accept(who(), message("2", window=5000, max_wait=5000))
        lab.pass_time(1000)
        due = await store.now() + 4500
        await store.retry(claim, 4500)
        lab.pass_time(1000)
        await store.accept(who(), message("3", window=5000, max_wait=5000))
        assert await store.next_wake(IN) == due

    async def test_a_retry_while_newer_messages_wait_takes_both(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store)
        await lab.store.accept(who(), message("2"))
        await lab.store.retry(claim, 0)
        claim = await take(lab.store)
        assert (await bodies(lab.store, claim), claim.tries) == (["1", "2"], 2)

    # -- pauses ------------------------------------------------------------------------------------------

    async def test_a_paused_lane_collects_and_is_not_claimed(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        await store.pause(IN, who().id, "maintenance")
        await store.accept(who(), message("2"))
        assert await store.claim(IN, 10, LEASE, "me") == []
        assert await store.next_wake(IN) is None
        await store.pause(IN, who().id, None)
        assert await bodies(store, await take(store)) == ["1", "2"]

    async def test_a_pause_may_come_before_the_first_message(self, lab: Lab) -> None:
        await lab.store.pause(OUT, who().id, "maintenance")
        await self._answered(lab.store, "a")
        assert await lab.store.claim(OUT, 10, LEASE, "me") == []
        await lab.store.pause(OUT, who().id, None)
        assert await bodies(lab.store, await take(lab.store, OUT)) == ["a"]

    async def test_a_pause_in_mid_turn_lets_it_end_and_wakes_nobody(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.pause(IN, who().id, "maintenance")
        await store.accept(who(), message("2"))
        assert await store.settle(claim, answer(claim)) is Settled.DONE
        assert await store.claim(IN, 10, LEASE, "me") == []
        await store.pause(IN, who().id, None)
        assert await bodies(store, await take(store)) == ["2"]

    async def test_a_pause_that_ends_in_mid_turn_leaves_the_lease_alone(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.pause(IN, who().id, "maintenance")
        await store.pause(IN, who().id, None)
        assert await store.claim(IN, 10, LEASE, "you") == []
        assert await store.next_wake(IN) == claim.claimed_at + LEASE
        assert await store.settle(claim, answer(claim)) is Settled.DONE

    async def test_an_owner_that_dies_in_a_pause_is_noticed_after_it(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        await take(store, lease=1000)
        await store.pause(IN, who().id, "maintenance")
        await store.accept(who(), message("2"))
        lab.pass_time(1000)
        assert await store.claim(IN, 10, LEASE, "me") == []
        assert await store.next_wake(IN) is None
        await store.pause(IN, who().id, None)
        assert await bodies(store, await take(store)) == ["1", "2"]

    # -- people --------------------------------------------------------------------------------------------

    async def test_a_conversation_passes_on_only_from_where_it_is(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        assert await store.pass_on(who().id, HELD)
        assert not await store.pass_on(who().id, replace(HELD, after="others"))
        claim = await take(store)
        late = answer(claim, passing=replace(HELD, after="others"))
        assert await store.settle(claim, late) is Settled.MOVED
        held = await seen(store, "ana")
        assert (held.hold, held.custody) == (PEOPLE, "held")
        assert (await store.depths()).held == 1
        assert await store.pass_on(who().id, Passing("held", "free"))
        free = await seen(await lab.restart(), "ana")
        assert (free.hold, free.custody) == (None, "free")

    async def test_what_follows_from_passing_on_is_written_with_it(self, lab: Lab) -> None:
        store, id = lab.store, who().id
        await store.accept(who(), message("1"))
        said, told = Post(id, "p:1", "hello"), Post(id, "case:1", "a case")
        at = await store.now() + 50
        assert await store.pass_on(id, HELD, posts=[said], desk=[told], wake_at=at)
        assert not await store.pass_on(id, HELD, posts=[replace(said, dedup="p:2")], desk=[told], wake_at=at - 20)
        store = await lab.restart()
        assert await bodies(store, await take(store, OUT)) == ["hello"]
        assert await bodies(store, await take(store, Kind.DESK)) == ["a case"]
        assert await store.next_wake(Kind.LATER) == at
        with pytest.raises(ValueError, match="another conversation"):
            await store.pass_on(id, HELD, desk=[Post(who("bob").id, "x", "x")])

    async def test_the_held_are_listed_since_longest_first(self, lab: Lab) -> None:
        store = lab.store
        for name, at in (("a", 7), ("b", 5), ("c", 5), ("d", 6)):
            await wrote(store, name, name)
            await store.pass_on(who(name).id, replace(HELD, hold=replace(PEOPLE, at=at)))
        await store.pass_on(who("d").id, Passing("held", ""))
        first, second = sorted((who("b").id, who("c").id))
        assert [one.id for one in await store.held(10)] == [first, second, who("a").id]
        assert [one.id for one in await store.held(2)] == [first, second]
        assert [one.id for one in await store.held(9, (5, first))] == [second, who("a").id]
        assert await store.held(9, (7, who("a").id)) == []

    async def test_nobody_can_be_held_who_never_wrote(self, lab: Lab) -> None:
        assert not await lab.store.pass_on(who().id, HELD)
        assert await lab.store.conversation(who().id) is None

    async def test_a_person_who_takes_over_in_mid_turn_stops_the_draft(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.pass_on(who().id, HELD)
        draft = answer(claim, "draft", passing=Passing("", ""), media=[MediaId("m")], flow="f", wake_at=1)
        assert await store.settle(claim, draft) is Settled.MOVED
        await self._nothing_written(store)
        silent = Settlement(claim.tail, turn=turn_of(claim, Outcome.HELD))
        assert await store.settle(claim, silent) is Settled.DONE  # the claim was still ours
        (turn,) = await store.turns(who().id, 0, 10)
        assert turn.outcome is Outcome.HELD
        assert (await seen(store, "ana")).flow == ""

    async def test_what_no_assistant_wrote_is_sent_to_a_held_conversation(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        await lab.store.pass_on(who().id, HELD)
        claim = await take(lab.store)
        assert await lab.store.settle(claim, answer(claim, "transfer text")) is Settled.DONE
        assert await bodies(lab.store, await take(lab.store, OUT)) == ["transfer text"]

    async def test_a_settle_can_hold_tell_and_answer_at_once(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        told = Post(who().id, "case:1", "a case")
        done = answer(claim, "a person will come", passing=HELD, desk=[told], flow="{}", place={"b": "2", "a": "1"})
        assert await store.settle(claim, done) is Settled.DONE
        held = await seen(store, "ana")
        assert (held.hold, held.custody, held.flow) == (PEOPLE, "held", "{}")
        assert held.place == {"a": "1", "b": "2"}
        assert await bodies(store, await take(store, Kind.DESK)) == ["a case"]
        assert (await store.depths()).waiting["desk"] == 1

    # -- later ---------------------------------------------------------------------------------------------

    async def test_a_wake_up_outlives_the_process_and_comes_once(self, lab: Lab) -> None:
        store = lab.store
        await self._woken(store, 100)
        store = await lab.restart()
        assert await store.claim(Kind.LATER, 10, LEASE, "me") == []
        lab.pass_time(100)
        (claim,) = await store.claim(Kind.LATER, 10, LEASE, "me")
        assert (claim.key, claim.head, claim.tail) == (who().id, 0, 0)
        assert (await store.load(claim)).entries == []
        assert await store.settle(claim, Settlement(claim.tail)) is Settled.DONE
        assert await store.next_wake(Kind.LATER) is None

    async def test_of_two_wake_ups_the_earlier_one_stays(self, lab: Lab) -> None:
        store = lab.store
        now = await store.now()
        for ms, first in ((100, 100), (50, 50), (70, 50)):
            await self._woken(store, ms, now)
            assert await store.next_wake(Kind.LATER) == now + first

    async def test_whoever_wakes_says_when_the_next_time_is(self, lab: Lab) -> None:
        store = lab.store
        await self._woken(store, 0)
        claim = await take(store, Kind.LATER)
        await store.settle(claim, Settlement(claim.tail, wake_at=claim.claimed_at + 30))
        assert await store.next_wake(Kind.LATER) == claim.claimed_at + 30

    async def test_a_wake_up_that_is_set_while_one_is_looked_at_is_kept(self, lab: Lab) -> None:
        store = lab.store
        await self._woken(store, 0)
        claim = await take(store, Kind.LATER)
        await self._woken(store, 40, claim.claimed_at)
        await store.settle(claim, Settlement(claim.tail, wake_at=claim.claimed_at + 90))
        assert await store.next_wake(Kind.LATER) == claim.claimed_at + 40

    async def test_a_wake_up_that_breaks_is_tried_again(self, lab: Lab) -> None:
        store = lab.store
        await self._woken(store, 0)
        claim = await take(store, Kind.LATER)
        await store.retry(claim, 25)
        lab.pass_time(25)
        (again,) = await store.claim(Kind.LATER, 10, LEASE, "me")
        assert again.tries == 2

    async def test_nobody_knocks_while_a_message_waits_or_is_answered(self, lab: Lab) -> None:
        store = lab.store
        knocks = [Post(who().id, f"wake:1:{why}", "{}") for why in ("a", "b")]
        await store.accept(who(), message("1", window=50, max_wait=200))
        due = await store.next_wake(IN)
        assert not await store.knock(knocks)
        assert await store.next_wake(IN) == due, "the window is as long as it was"
        lab.pass_time(50)
        claim = await take(store)
        assert not await store.knock(knocks)
        assert await store.settle(claim, replace(answer(claim, "hello"), max_folds=2)) is Settled.DONE
        assert await store.knock(knocks)
        assert await bodies(store, await take(store)) == ["{}", "{}"]

    async def _woken(self, store: Store, ms: int, since: int | None = None) -> None:
        """Set by whatever happens to the conversation."""
        if await store.conversation(who().id) is None:
            await store.accept(who(), message("1"))
        now = await store.now() if since is None else since
        assert await store.pass_on(who().id, Passing("", ""), wake_at=now + ms)

    # -- what is written and read back ---------------------------------------------------------------------

    async def test_a_part_is_posted_once(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        await store.accept(who(), message("2"))
        claim = await take(store)
        twice = (Post(claim.key, "t1:0", "hello"), Post(claim.key, "t1:0", "hello"))
        await store.settle(claim, Settlement(1, posts=twice))
        claim = await take(store)
        await store.settle(claim, Settlement(2, posts=twice))
        assert await bodies(store, await take(store, OUT)) == ["hello"]

    async def test_a_conversation_keeps_what_it_was(self, lab: Lab) -> None:
        store, first = lab.store, who(queue="front")
        await store.accept(first, message("1"))
        met = await store.conversation(first.id)
        assert met == Conversation(first.id, "site", "ana", "Ana", "front", None, await store.now())
        lab.pass_time(1000)
        later = Conversation(first.id, "site", "ana", "Ana Maria", "back", Hold("x", "y", 1), 77)
        await store.accept(later, message("2"))
        kept = await store.conversation(first.id)
        assert kept == Conversation(first.id, "site", "ana", "Ana Maria", "front", None, met.created_at)
        await store.accept(Conversation(first.id, "site", "ana", "", "back"), message("3"))
        assert await store.conversation(first.id) == kept
        assert await store.conversation(ConversationId("c_nobody")) is None

    async def test_the_transcript_resumes_after_any_cursor(self, lab: Lab) -> None:
        store = lab.store
        for n in range(4):
            await store.accept(who(), message(f"q{n}"))
            claim = await take(store)
            lab.pass_time(n % 2)  # some answers in the same millisecond as the question
            await store.settle(claim, answer(claim, f"a{n}", f"b{n}"))
            lab.pass_time(1)
        said = [entry.body for entry in await store.transcript(who().id, Cursor(), 100)]
        assert said == [text for n in range(4) for text in (f"q{n}", f"a{n}", f"b{n}")]
        for limit in (1, 2, 5):
            assert await self._paged(store, limit) == said
        assert [entry.body for entry in await store.recent(who().id, 5)] == said[-5:]
        assert [entry.body for entry in await store.recent(who().id, 50)] == said

    async def _paged(self, store: Store, limit: int) -> list[str]:
        cursor, said = Cursor(), []
        while page := await store.transcript(who().id, cursor, limit):
            assert len(page) <= limit
            said += [entry.body for entry in page]
            last = {entry.kind: entry.seq for entry in page}
            cursor = Cursor(last.get(IN, cursor.inbound), last.get(OUT, cursor.outbound))
        return said

    async def test_every_message_has_its_turn(self, lab: Lab) -> None:
        store = lab.store
        for burst in (["1", "2"], ["3"]):
            for text in burst:
                await store.accept(who(), message(text))
            claim = await take(store)
            steps = ({"step": "claimed", "at": 1, "ms": 0.5, "reason": None},)
            turn = turn_of(claim, timeline=steps, reply={"parts": [{"kind": "text", "text": "olá"}]})
            await store.settle(claim, Settlement(claim.tail, turn=turn))
        await store.accept(who(), message("4"))
        covering = [await store.turn_covering(who().id, seq) for seq in (1, 2, 3, 4)]
        assert [turn and turn.epoch for turn in covering] == [1, 1, 2, None]
        assert covering[2] == turn
        assert [turn.epoch for turn in await store.turns(who().id, 1, 10)] == [2]
        assert [turn.epoch for turn in await store.turns(who().id, 0, 1)] == [1]

    async def test_a_claim_is_loaded_with_whom_it_is_about(self, lab: Lab) -> None:
        store, ana, bob = lab.store, who("ana"), who("bob")
        await store.set_fact(ana.id, "no_voice", True)
        await store.set_fact(ana.id, "opted_out", True)
        for one, words in ((ana, ("a", "b")), (bob, ("c",))):
            for body in words:
                await store.accept(one, Post(one.id, body, body))
        claims = {claim.key: claim for claim in await store.claim(IN, 9, LEASE, "me")}
        (hers, his) = await asyncio.gather(*(store.load(claims[one.id]) for one in (ana, bob)))
        assert [entry.body for entry in hers.entries] == ["a", "b"]
        assert (hers.conversation, hers.facts) == (await store.conversation(ana.id), await store.facts(ana.id))
        assert [entry.body for entry in his.entries] == ["c"]
        assert (his.conversation, his.facts) == (await store.conversation(bob.id), {})
        nobody = await store.load(replace(claims[bob.id], key=who("eve").id))
        assert (nobody.entries, nobody.conversation, nobody.facts) == ([], None, {})
        read = await store.load(replace(claims[bob.id], head=1))
        assert (read.entries, read.conversation) == ([], his.conversation)

    async def test_receipts_stand_in_the_order_they_came(self, lab: Lab) -> None:
        facts = [Receipt(who().id, "t1:0", status, 5, "wamid", "d") for status in ("sent", "delivered", "read")]
        for fact in facts:
            await lab.store.record(fact)
        assert await lab.store.receipts(who().id) == facts
        assert await lab.store.receipts(who("bob").id) == []

    async def test_what_was_withdrawn_is_known_by_its_delivery(self, lab: Lab) -> None:
        for delivery, status in (("t1:0", "sent"), ("t2:0", "withdrawn"), ("t2:1", "withdrawn")):
            await lab.store.record(Receipt(who().id, delivery, status, 1))
        assert await lab.store.withdrawn(who().id) == {"t2:0", "t2:1"}
        assert await lab.store.withdrawn(who("bob").id) == set()

    @pytest.mark.parametrize(
        ("statuses", "unsaid"),
        [
            (["sent"], False),
            (["withdrawn"], True),
            (["templated"], True),
            (["failed"], True),
            (["sent", "failed"], True),
            (["failed", "delivered"], False),
            (["unsure"], False),
        ],
    )
    async def test_what_the_contact_never_got(self, lab: Lab, statuses: list[str], unsaid: bool) -> None:
        store, said = lab.store, [] if unsaid else ["hello"]
        await store.accept(who(), message("m", "hi"))
        claim = await take(store)
        await store.settle(claim, answer(claim, "hello", "bye"))
        for n, status in enumerate(statuses):
            await store.record(Receipt(who().id, "t1:0", status, n))
        assert [entry.body for entry in await store.said(who().id, 9)] == ["hi", *said, "bye"]
        assert [entry.body for entry in await store.said(who().id, 2)] == [*said, "bye"], "of the same entries"

    async def test_a_delivery_that_was_over_can_still_be_given_up(self, lab: Lab) -> None:
        for _ in range(2):
            await lab.store.bury(DeadLetter(Kind.OUT, who().id, 7, "131042", 1))
        store = await lab.restart()
        assert (await store.depths()).dead == 1

    async def test_media_and_what_was_heard(self, lab: Lab) -> None:
        store, id = lab.store, MediaId("f" * 64)
        note = Media(id, "audio/ogg", 1234, 2.5, tuple(range(64)))
        assert await store.media(id) is None
        await store.add_media(note)
        await store.add_media(note)
        assert await store.media(id) == note
        await store.accept(who(), message("1"), media=[id, id])
        assert await store.media_open_to(id, who().id)
        assert not await store.media_open_to(id, who("bob").id)
        assert await store.heard(id) is None
        await store.remember_heard(id, "olá", "pt-BR")
        assert await store.heard(id) == ("olá", "pt-BR")

    async def test_sealed_bytes_come_back(self, lab: Lab) -> None:
        assert await lab.store.sealed("openai") is None
        await lab.store.seal("openai", b"\x00\xff1")
        await lab.store.seal("openai", b"\x00\xff2")
        assert await lab.store.sealed("openai") == b"\x00\xff2"

    async def test_depths(self, lab: Lab) -> None:
        await lab.store.accept(who("bob"), Post(who("bob").id, "1", "x"))
        depths = await lab.store.depths()
        assert (depths.waiting, depths.conversations) == ({"in": 1, "out": 0, "desk": 0}, 1)
        claim = await take(lab.store)
        await lab.store.settle(claim, answer(claim, "a"))
        assert (await lab.store.depths()).waiting == {"in": 0, "out": 1, "desk": 0}

    # -- what a provider's id stands for -----------------------------------------------------------------

    async def test_an_id_is_taken_once_in_all_of_a_channel(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "ana", "other")
        assert await wrote(store, "ana", "wamid") == Posted(Verdict.NEW, 2)
        assert await wrote(store, "bob", "wamid", name="Bob", address={"phone": "2"}) == Posted(Verdict.DUPLICATE, 2)
        assert await store.conversation(who("bob").id) is None
        assert await wrote(store, "ana", "wamid") == Posted(Verdict.DUPLICATE, 2)
        assert await store.known("site", "wamid") == Known(who("ana").id, IN, 2, "wamid")
        store = await lab.restart()
        assert await wrote(store, "bob", "wamid") == Posted(Verdict.DUPLICATE, 2)
        assert [claim.key for claim in await store.claim(IN, 10, LEASE, "me")] == [who("ana").id]

    async def test_an_id_is_another_one_in_another_channel_and_without_once(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "ana", "1")
        elsewhere = Conversation(conversation_id("shop", "ana"), "shop", "ana", "", "front")
        assert await store.accept(elsewhere, Post(elsewhere.id, "1", "x", once=True)) == Posted(Verdict.NEW, 1)
        assert await store.accept(who("bob"), Post(who("bob").id, "1", "x")) == Posted(Verdict.NEW, 1)
        assert await store.known("shop", "1") == Known(elsewhere.id, IN, 1, "1")
        assert await store.known("site", "1") == Known(who().id, IN, 1, "1")
        assert await store.known("site", "2") is None

    async def test_a_raced_redelivery_under_two_names_is_stored_once(self, lab: Lab) -> None:
        posted = await asyncio.gather(*(wrote(lab.store, f"p{n % 4}", f"{n // 4}") for n in range(80)))
        assert sum(one.verdict is Verdict.NEW for one in posted) == 20

    async def test_what_was_sent_is_known_by_the_providers_id(self, lab: Lab) -> None:
        store = lab.store
        await self._answered(store, "a", "b")
        out = await take(store, OUT)
        sent = Receipt(out.key, "t1:0", "sent", 1, "wamid.1")
        await store.settle(out, Settlement(1, receipts=[sent, Receipt(out.key, "t1:1", "failed", 1)]))
        await store.record(Receipt(out.key, "t1:1", "sent", 2, "wamid.2"))
        assert not await store.record(Receipt(out.key, "t1:1", "sent", 2, "wamid.4")), "it went in pieces"
        await store.record(Receipt(out.key, "t1:1", "delivered", 2, "wamid.1"))
        await store.record(Receipt(out.key, "gone:0", "sent", 2, "wamid.3"))
        assert await store.known("site", "wamid.1") == Known(out.key, OUT, 1, "t1:0")  # the first word stays
        assert await store.known("site", "wamid.2") == Known(out.key, OUT, 2, "t1:1")
        assert await store.known("site", "wamid.3") == Known(out.key, OUT, 0, "gone:0")
        assert await store.known("site", "wamid.4") == Known(out.key, OUT, 2, "t1:1")
        assert await store.known("shop", "wamid.1") is None
        assert await store.known("site", "") is None

    async def test_a_status_that_overtakes_its_send_costs_neither_fact_nor_id(self, lab: Lab) -> None:
        store = lab.store
        await self._answered(store, "a")
        out = await take(store, OUT)
        early = Receipt(out.key, "t1:0", "sent", 1)
        assert await store.record(early)
        await store.settle(out, Settlement(1, receipts=[replace(early, at=2, provider_id="wamid.1")]))
        assert await store.receipts(out.key) == [early]
        assert await store.known("site", "wamid.1") == Known(out.key, OUT, 1, "t1:0")

    @pytest.mark.parametrize(
        ("first", "second", "new"),
        [
            (("t1:0", "sent", ""), ("t1:0", "sent", "again"), False),
            (("t1:0", "failed", "131047"), ("t1:0", "failed", "131047"), False),
            (("t1:0", "failed", "131047"), ("t1:0", "failed", "131026"), True),
            (("t1:0", "sent", ""), ("t1:0", "read", ""), True),
            (("t1:0", "sent", ""), ("t1:1", "sent", ""), True),
        ],
    )
    async def test_a_fact_is_recorded_once(
        self, lab: Lab, first: tuple[str, str, str], second: tuple[str, str, str], new: bool
    ) -> None:
        receipts = [
            Receipt(who().id, d, status, n, "", detail) for n, (d, status, detail) in enumerate((first, second))
        ]
        await wrote(lab.store, "ana", "1")
        assert await lab.store.record(receipts[0])
        later = replace(receipts[1], provider_id="wamid.2")
        assert await lab.store.record(later) is new
        assert await lab.store.receipts(who().id) == ([receipts[0], later] if new else [receipts[0]])
        assert await lab.store.known("site", "wamid.2") is not None, "whatever it says, it is this delivery's"
        assert await lab.store.record(replace(receipts[0], conversation=who("bob").id))

    async def test_an_unsure_delivery_is_resolved(self, lab: Lab) -> None:
        store = lab.store
        await self._answered(store, "a", "b")
        out = await take(store, OUT)
        dead = [DeadLetter(OUT, out.key, seq, "unsure", 7) for seq in (1, 2)] + [DeadLetter(IN, out.key, 1, "x", 7)]
        unsure = [Receipt(out.key, f"t1:{n}", "unsure", 1) for n in (0, 1)]
        await store.settle(out, Settlement(2, receipts=unsure, dead=dead))
        sent = Receipt(out.key, "t1:0", "sent", 9, "wamid.1")
        assert await store.resolve(sent)
        assert not await store.resolve(sent)
        assert (await store.depths()).dead == 2
        assert await store.receipts(out.key) == [*unsure, sent]
        assert await store.known("site", "wamid.1") == Known(out.key, OUT, 1, "t1:0")

    async def test_what_was_given_up_is_read_newest_first_page_by_page(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("a", "um \0 dois \ue000"))
        places = [(IN, 1, 5), (OUT, 1, 9), (OUT, 2, 9), (Kind.DESK, 1, 9), (OUT, 3, 4)]
        for kind, seq, at in places:
            await store.bury(DeadLetter(kind, who().id, seq, "why", at))
        await store.bury(DeadLetter(OUT, who("bob").id, 1, "why", 9))
        everything = await store.dead(99)
        assert [one.at for one in everything] == [9, 9, 9, 9, 5, 4]
        assert {one.body for one in everything} == {"", "um \0 dois \ue000"}
        paged, last = [], None
        while page := await store.dead(2, last):
            paged, last = [*paged, *page], page[-1]
        assert paged == everything
        assert await store.given_up(who().id, IN, 1) == everything[4]
        assert await store.given_up(who().id, IN, 2) is None

    async def test_what_was_given_up_is_posted_again_once(self, lab: Lab) -> None:
        store, words = lab.store, "um \0 dois \ue000"
        await store.accept(who(), message("a", words))
        note = Media(MediaId("f" * 64), "audio/ogg", 3)
        await store.remember_fetched(who().id, Fetched(1, 0, note))
        await store.remember_fetched(who().id, Fetched(1, 1, None, "too_large"))
        claim = await take(store)
        await store.settle(claim, Settlement(1, [post("t1:0", "olá")], turn_of(claim), dead=[dead_at(IN, 1)]))
        sent = await take(store, OUT)
        await store.settle(sent, Settlement(1, dead=[dead_at(OUT, 1)]))
        await store.send_also(post("t1:0:again1", "elsewhere"))

        assert await asyncio.gather(*(store.repost(who().id, OUT, 1) for _ in range(3))) == [
            Posted(Verdict.NEW, 3),
            None,
            None,
        ]
        assert await store.repost(who().id, IN, 1) == Posted(Verdict.NEW, 2)
        assert await store.repost(who().id, IN, 7) is None
        assert (await store.depths()).dead == 0
        again, out = await take(store), await take(store, OUT)
        assert [(e.dedup, e.body) for e in (await store.load(again)).entries] == [("again:a:1", words)]
        assert [(e.dedup, e.body) for e in (await store.load(out)).entries][-1] == ("t1:0:again2", "olá")
        assert await store.fetched(who().id, 1, 2) == [Fetched(2, 0, note)], "what could not be had is asked for again"
        await store.settle(again, Settlement(2, turn=turn_of(again), dead=[dead_at(IN, 1), dead_at(IN, 2)]))
        assert await store.repost(who().id, IN, 1) == Posted(Verdict.NEW, 3), "given up once more, posted once more"
        assert await store.repost(who().id, IN, 2) == Posted(Verdict.NEW, 4)
        assert [e.dedup for e in (await store.load(await take(store))).entries] == ["again:a:2", "again:again:a:1:1"]

    async def test_what_is_left_of_nothing_stays_given_up(self, lab: Lab) -> None:
        await lab.store.bury(dead_at(OUT, 4))
        assert await lab.store.repost(who().id, OUT, 4) is None
        assert (await lab.store.depths()).dead == 1

    async def test_a_template_stands_in_for_what_was_written(self, lab: Lab) -> None:
        await lab.store.record(Receipt(who().id, "t1:0", "templated", 1))
        assert await lab.store.withdrawn(who().id) == {"t1:0"}

    # -- a person of the business, elsewhere -------------------------------------------------------------

    async def test_what_a_person_wrote_elsewhere_is_there_and_holds(self, lab: Lab) -> None:
        store, echo = lab.store, Post(who().id, "echo:1", "I am on it")
        newcomer, at = replace(who(), address={"phone": "1"}), await store.now() + 9
        taken = await store.take_over(newcomer, echo, "wamid.1", HELD, desk=[Post(who().id, "n", "news")], wake_at=at)
        assert taken == Posted(Verdict.NEW, 1)
        held = replace(newcomer, hold=PEOPLE, custody="held", created_at=await store.now())
        assert await seen(store, "ana") == held
        assert await store.known("site", "wamid.1") == Known(who().id, OUT, 1, "echo:1")
        assert await bodies(store, await take(store, OUT)) == ["I am on it"]
        assert await bodies(store, await take(store, Kind.DESK)) == ["news"]
        assert await store.next_wake(Kind.LATER) == at
        store = await lab.restart()
        await store.pass_on(who().id, Passing("held", ""))
        again = replace(echo, dedup="echo:2")
        assert await store.take_over(who(), again, "wamid.1", HELD) == Posted(Verdict.DUPLICATE, 1)
        bob = Post(who("bob").id, "echo:1", "I am on it")
        assert await store.take_over(who("bob"), bob, "wamid.1", HELD) == Posted(Verdict.DUPLICATE, 1)
        assert (await seen(store, "ana")).hold is None
        assert await store.conversation(who("bob").id) is None
        assert len(await store.transcript(who().id, Cursor(), 10)) == 1

    async def test_our_own_send_coming_back_takes_nothing_over(self, lab: Lab) -> None:
        store = lab.store
        await self._answered(store, "a")
        await store.record(Receipt(who().id, "t1:0", "sent", 1, "wamid.1"))
        echo = Post(who().id, "echo:1", "a")
        assert await store.take_over(who(), echo, "wamid.1", HELD) == Posted(Verdict.DUPLICATE, 1)
        assert (await seen(store, "ana")).hold is None

    async def test_a_person_elsewhere_stops_the_draft_and_must_know_who_has_it(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        claim = await take(store)
        await store.take_over(who(), Post(who().id, "echo:1", "me"), "wamid.1", HELD)
        assert await store.settle(claim, answer(claim, "draft", passing=Passing("", ""))) is Settled.MOVED
        second = Post(who().id, "echo:2", "me")
        assert await store.take_over(who(), second, "wamid.2", HELD) is None
        assert await store.known("site", "wamid.2") is None
        assert await store.take_over(who(), second, "wamid.2", Passing("held", "held", PEOPLE))
        assert (await seen(store, "ana")).hold == PEOPLE
        assert [entry.body for entry in await store.latest(who().id, OUT, 1)] == ["me"]
        with pytest.raises(ValueError, match="another conversation"):
            await store.take_over(who("bob"), Post(who().id, "echo:3", "me"), "wamid.3", HELD)

    # -- a pause after a claim ---------------------------------------------------------------------------

    @pytest.mark.parametrize("consumed", [0, 1, 2])
    async def test_a_pause_is_a_floor_that_no_post_shortens(self, lab: Lab, consumed: int) -> None:
        store = lab.store
        await self._answered(store, "a", "b")
        await store.retry(await take(store, OUT), 0)
        out = await take(store, OUT)
        assert out.tries == 2
        due = await store.now() + 1000
        assert await store.settle(out, Settlement(out.head + consumed, pause=1000)) is Settled.DONE
        assert await store.next_wake(OUT) == (due if consumed < 2 else None)
        lab.pass_time(400)
        await self._answered(store, "c")
        assert await store.next_wake(OUT) == due
        store = await lab.restart()
        lab.pass_time(599)
        assert await store.claim(OUT, 10, LEASE, "me") == []
        lab.pass_time(1)
        out = await take(store, OUT)
        assert (await bodies(store, out), out.tries, out.ripe_at) == (["a", "b", "c"][consumed:], 1, due)
        await store.settle(out, Settlement(out.tail))
        await self._answered(store, "d")
        assert await store.next_wake(OUT) == await store.now()  # it was for once

    @pytest.mark.parametrize(("window", "wake"), [(400, 1000), (3000, 3000)])
    async def test_a_pause_and_a_window_end_with_the_later_one(self, lab: Lab, window: int, wake: int) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store)
        await lab.store.accept(who(), message("2", window=window, max_wait=window))
        start = await lab.store.now()
        await lab.store.settle(claim, Settlement(claim.tail, pause=1000))
        assert await lab.store.next_wake(IN) == start + wake

    async def test_a_window_that_ended_in_mid_turn_keeps_its_time(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1"))
        claim = await take(lab.store)
        await lab.store.accept(who(), message("2", window=100))
        due = await lab.store.now() + 100
        lab.pass_time(500)
        await lab.store.settle(claim, answer(claim))
        assert (await take(lab.store)).ripe_at == due

    async def test_a_paused_lane_stays_so_whatever_a_settle_says(self, lab: Lab) -> None:
        await self._answered(lab.store, "a")
        out = await take(lab.store, OUT)
        due = await lab.store.now() + 1000
        await lab.store.pause(OUT, who().id, "maintenance")
        await lab.store.settle(out, Settlement(out.head, pause=1000))
        assert await lab.store.next_wake(OUT) is None
        await lab.store.pause(OUT, who().id, None)
        assert await lab.store.next_wake(OUT) == due

    # -- cancelling --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("running", [False, True])
    async def test_what_is_cancelled_ends_in_one_turn_and_is_nobodys(self, lab: Lab, running: bool) -> None:
        store = lab.store
        await self._answered(store)
        await store.accept(who(), message("1", window=500))
        await store.accept(who(), message("2", window=500))
        lab.pass_time(500)
        claims = [await take(store)] if running else []
        now = await store.now()
        turn = await store.cancel(who().id, "blocked")
        epoch = 3 if running else 2
        id = TurnId(f"{who().id}.{epoch}")
        assert turn == Turn(id, who().id, epoch, 1, 3, now, now, Outcome.IGNORED, "blocked")
        for claim in claims:
            await self._refused(store, claim)
        store = await lab.restart()
        assert [await store.turn_covering(who().id, seq) for seq in (2, 3)] == [turn, turn]
        assert await store.next_wake(IN) is None
        lab.pass_time(LEASE)
        assert await store.claim(IN, 10, LEASE, "me") == []
        assert await store.cancel(who().id, "blocked") is None
        await store.accept(who(), message("3"))
        claim = await take(store)
        assert (await bodies(store, claim), claim.tries, claim.folds) == (["3"], 1, 0)
        assert await store.settle(claim, answer(claim)) is Settled.DONE

    async def test_nothing_is_cancelled_where_nothing_waits(self, lab: Lab) -> None:
        assert await lab.store.cancel(who().id, "blocked") is None
        await self._answered(lab.store, "a")
        assert await lab.store.cancel(who().id, "blocked") is None
        assert await bodies(lab.store, await take(lab.store, OUT)) == ["a"]  # and what was answered still goes out

    async def test_a_cancel_ends_a_backoff_but_no_pause(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1"))
        await store.retry(await take(store), 5000)
        await store.cancel(who().id, "blocked")
        await store.accept(who(), message("2"))
        assert await store.next_wake(IN) == await store.now()
        await store.pause(IN, who().id, "maintenance")
        assert await store.cancel(who().id, "blocked")
        await store.accept(who(), message("3"))
        assert await store.next_wake(IN) is None
        await store.pause(IN, who().id, None)
        assert await bodies(store, await take(store)) == ["3"]

    # -- the contact ---------------------------------------------------------------------------------------

    async def test_an_address_is_the_last_one_said(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "ana", "1", address={"a": "1", "b": "2"}, group=True)
        assert (await seen(store, "ana")).group
        steps: Sequence[tuple[dict[str, str], dict[str, str]]] = [
            ({"b": "2", "a": "1"}, {"a": "1", "b": "2"}),
            ({}, {"a": "1", "b": "2"}),
            ({"a": "ç"}, {"a": "ç"}),
        ]
        for n, (said, kept) in enumerate(steps):
            await wrote(store, "ana", f"more{n}", name="", address=said)
            assert ((await seen(store, "ana")).address, (await seen(store, "ana")).name) == (kept, "Ana")
        await wrote(store, "ana", "named", name="Ana Maria")
        assert ((await seen(store, "ana")).address, (await seen(store, "ana")).name) == ({"a": "ç"}, "Ana Maria")
        await store.readdress(who().id, {"a": "moved"})
        assert (await seen(await lab.restart(), "ana")).address == {"a": "moved"}

    async def test_facts_begin_and_end(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "ana", "1")
        began = await store.now()
        await store.set_fact(who().id, "no_voice", True)
        await store.set_fact(who().id, "opted_out", False)
        lab.pass_time(50)
        await store.set_fact(who().id, "no_voice", True)
        assert await store.facts(who().id) == {"no_voice": began}  # since when, not when last
        claim = await take(store)
        changed = Settlement(1, facts={"no_voice": False, "opted_out": True}, address={"phone": "9"})
        await store.settle(claim, changed)
        store = await lab.restart()
        assert await store.facts(who().id) == {"opted_out": began + 50}
        assert (await seen(store, "ana")).address == {"phone": "9"}
        assert await store.facts(who("bob").id) == {}

    async def test_a_settle_that_is_thrown_away_changes_no_fact(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "ana", "1", address={"phone": "1"})
        claim = await take(store)
        await wrote(store, "ana", "2")
        full = Settlement(1, max_folds=1, facts={"no_voice": True}, address={}, pause=9000)
        assert await store.settle(claim, full) is Settled.FOLDED
        assert await store.facts(who().id) == {}
        assert (await seen(store, "ana")).address == {"phone": "1"}
        assert await store.next_wake(IN) == await store.now()

    async def test_another_queue_answers(self, lab: Lab) -> None:
        assert not await lab.store.requeue(who().id, "back")
        await wrote(lab.store, "ana", "1")
        assert await lab.store.requeue(who().id, "back")
        await wrote(lab.store, "ana", "2")
        assert (await seen(lab.store, "ana")).queue == "back"

    async def test_the_latest_of_one_direction(self, lab: Lab) -> None:
        await self._answered(lab.store, "a", "b", "c")
        assert [entry.body for entry in await lab.store.latest(who().id, OUT, 2)] == ["c", "b"]
        assert [entry.seq for entry in await lab.store.latest(who().id, IN, 9)] == [1]
        assert await lab.store.latest(who("bob").id, IN, 9) == []

    # -- the names of a contact ----------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("asked", "named"),
        [
            ([["bsuid"]], "bsuid"),
            ([["bsuid", "phone"], ["phone"]], "bsuid"),
            ([["phone"], ["bsuid", "phone"], ["phone"]], "bsuid"),  # asking for one name learns nothing
            ([["bsuid", "phone"], ["lid", "phone"], ["lid"]], "bsuid"),
            ([["bsuid", "phone"], ["lid", "bsuid"], ["phone", "lid"]], "bsuid"),
            ([["a", "b"], ["c", "d"], ["d", "b"], ["a"]], "c"),  # of two without a conversation, the first asked for
            ([["", "phone", "phone"]], "phone"),
            ([["", "phone"], ["", "other"]], "other"),  # an empty name makes nobody the same
        ],
    )
    async def test_a_contact_by_its_names(self, lab: Lab, asked: list[list[str]], named: str) -> None:
        for names in asked:
            found = await lab.store.known_as("site", names)
        assert found == named
        store = await lab.restart()
        assert await store.known_as("site", asked[-1]) == named
        assert await store.known_as("shop", asked[-1]) == next(name for name in asked[-1] if name)

    @pytest.mark.parametrize("names", [[], [""]])
    async def test_nobody_has_no_name(self, lab: Lab, names: list[str]) -> None:
        with pytest.raises(ValueError, match="name"):
            await lab.store.known_as("site", names)

    async def test_who_wrote_before_keeps_the_conversation(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "phone", "1")
        assert await store.known_as("site", ["bsuid", "phone"]) == "phone"
        assert await store.known_as("site", ["bsuid"]) == "phone"
        assert await store.known_as("site", ["lid", "bsuid"]) == "phone"
        assert await store.known_as("site", ["lid"]) == "phone"

    async def test_two_conversations_turn_out_to_be_one_contact(self, lab: Lab) -> None:
        store = lab.store
        await store.known_as("site", ["bsuid", "jid"])
        await wrote(store, "phone", "1")
        lab.pass_time(10)
        await wrote(store, await store.known_as("site", ["bsuid"]), "2")
        since = await store.now()
        await store.pass_on(who("bsuid").id, HELD)
        await store.set_fact(who("phone").id, "no_voice", True)
        lab.pass_time(10)
        await store.set_fact(who("bsuid").id, "no_voice", True)
        await store.set_fact(who("bsuid").id, "opted_out", True)
        assert await store.known_as("site", ["bsuid", "phone"]) == "phone"
        store = await lab.restart()
        for alias in ("bsuid", "jid", "phone"):
            assert await store.known_as("site", [alias]) == "phone"
        merged = await seen(store, "phone")
        assert (merged.hold, merged.custody) == (PEOPLE, "held")
        assert await store.facts(who("phone").id) == {"no_voice": since, "opted_out": since + 10}
        await store.pass_on(who("phone").id, Passing("held", ""))
        await store.known_as("site", ["jid", "phone", "bsuid"])
        assert (await seen(store, "phone")).hold is None  # merged once, and not again

    async def test_a_merge_loses_neither_the_flow_nor_the_desk_nor_what_it_is_time_for(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "phone", "1")
        lab.pass_time(10)
        await wrote(store, "bsuid", "2")
        claims = {claim.key: claim for claim in await store.claim(IN, 10, LEASE, "me")}
        claim, now = claims[who("bsuid").id], await store.now()
        known = [("desk loja", "ticket-7")]
        done = Settlement(claim.tail, flow="{}", passing=HELD, place={"a": "1"}, known=known, wake_at=now + 1000)
        assert await store.settle(claim, done) is Settled.DONE
        assert await store.known_as("site", ["bsuid", "phone"]) == "phone"
        merged = await seen(store, "phone")
        assert (merged.hold, merged.custody, merged.flow, merged.place) == (PEOPLE, "held", "{}", {"a": "1"})
        found = await store.known("desk loja", "ticket-7")
        assert found is not None
        assert found.conversation == merged.id, "people answer whoever goes on there"
        assert merged.id in {claim.key for claim in await store.claim(Kind.LATER, 10, LEASE, "me")}

    async def test_a_number_that_changed_hands_opens_nobody_s_conversation(self, lab: Lab) -> None:
        store = lab.store
        await wrote(store, "phone", "1")
        assert await store.known_as("site", ["bsuid1", "phone"], lasting="bsuid1") == "phone"
        assert await store.known_as("site", ["bsuid2", "phone"], lasting="bsuid2") == "bsuid2"
        store = await lab.restart()
        assert await store.known_as("site", ["phone"]) == "bsuid2", "it is the new owner's"
        assert await store.known_as("site", ["bsuid1"]) == "phone", "the old one is still known"
        assert await store.known_as("site", ["bsuid2", "phone"], lasting="bsuid2") == "bsuid2"
        assert await store.known_as("site", ["bsuid1", "phone2"], lasting="bsuid1") == "phone"

    async def test_a_lasting_name_joins_what_had_none(self, lab: Lab) -> None:
        store = lab.store
        await store.known_as("site", ["phone", "jid"])
        assert await store.known_as("site", ["bsuid", "jid"], lasting="bsuid") == "phone"
        assert await store.known_as("site", ["bsuid", "new"], lasting="bsuid") == "phone"

    async def test_a_conversation_counts_for_more_than_a_name(self, lab: Lab) -> None:
        await lab.store.known_as("site", ["bsuid", "jid"])
        await lab.store.set_fact(who("bsuid").id, "opted_out", True)
        await wrote(lab.store, "phone", "1")
        for names in (["bsuid", "phone"], ["jid"], ["bsuid"], ["phone"]):
            assert await lab.store.known_as("site", names) == "phone"
        assert set(await lab.store.facts(who("phone").id)) == {"opted_out"}

    async def test_at_one_moment_the_smaller_id_is_the_older(self, lab: Lab) -> None:
        for name in ("a", "b", "c"):
            await wrote(lab.store, name, name)
        oldest = min(("a", "b", "c"), key=lambda name: who(name).id)
        for names in (["a", "b"], ["c", "b"], ["c", "a"]):
            await lab.store.known_as("site", names)
        assert {await lab.store.known_as("site", [name]) for name in ("a", "b", "c")} == {oldest}

    async def test_a_merge_keeps_the_hold_that_is_there(self, lab: Lab) -> None:
        await wrote(lab.store, "phone", "1")
        lab.pass_time(1)
        await wrote(lab.store, "bsuid", "2")
        await lab.store.pass_on(who("phone").id, replace(HELD, hold=replace(PEOPLE, queue="mine")))
        await lab.store.pass_on(who("bsuid").id, HELD)
        await lab.store.known_as("site", ["bsuid", "phone"])
        assert (await seen(lab.store, "phone")).hold == replace(PEOPLE, queue="mine")

    # -- what could not be fetched or read -------------------------------------------------------------------

    async def test_the_first_word_on_a_medium_stays(self, lab: Lab) -> None:
        store = lab.store
        photo, other = (Media(MediaId(c * 64), "image/png", 7) for c in "fe")
        full = replace(photo, seconds=2.5, waveform=tuple(range(64)))
        await store.add_media(full)
        gone = Fetched(2, 1, None, "too large")
        for word in (
            Fetched(3, 0, photo),
            gone,
            Fetched(2, 0, other),
            Fetched(3, 0, other),
            replace(gone, problem="x"),
        ):
            await store.remember_fetched(who().id, word)
        store = await lab.restart()
        kept = [Fetched(2, 0, other), gone, Fetched(3, 0, full)]
        assert await store.fetched(who().id, 0, 9) == kept
        assert await store.fetched(who().id, 2, 3) == kept[2:]
        assert await store.fetched(who().id, 1, 2) == kept[:2]
        assert await store.media_open_to(photo.id, who().id)
        assert not await store.media_open_to(photo.id, who("bob").id)
        assert await store.fetched(who("bob").id, 0, 9) == []

    async def test_what_nobody_could_read_is_kept_for_a_while(self, lab: Lab) -> None:
        store = lab.store
        await store.keep_unread("quiet", "no such field", b"\x00\xff" * 40_000)
        lab.pass_time(1)
        for n in range(203):
            await store.keep_unread("loud", f"{n}", b"{}")
        loud = await store.unread(200)
        assert [one.why for one in loud] == [f"{n}" for n in range(202, 2, -1)]
        assert {(one.channel, one.at, one.body) for one in loud} == {("loud", await store.now(), b"{}")}
        *rest, first = await (await lab.restart()).unread(500)
        assert len(rest) == 200
        assert (first.channel, first.why, first.body) == ("quiet", "no such field", b"\x00\xff" * 32_768)

    # -- what speech and answers came to ---------------------------------------------------------------------

    async def test_spending_adds_up_by_queue_and_from_a_day_on(self, lab: Lab) -> None:
        store = lab.store
        await store.spend("sales", "2026-10-31", characters=1)
        await store.spend("sales", "2026-11-01", characters=20, seconds=1.5)
        await store.spend("sales", "2026-11-01", characters=300, saved=7, tokens=9)
        await store.spend("sales", "2026-11-01", tokens=600)
        await store.spend("sales", "2026-12-01", characters=4000, seconds=0.25, saved=80, tokens=10_000)
        await store.spend("help", "2026-11-01", characters=50_000)
        november = Spent(4320, 1.75, 87, 10_609)
        assert await store.spent("sales", "2026-11-01") == november
        assert await store.spent("sales", "2026-11-02") == Spent(4000, 0.25, 80, 10_000)
        assert await store.spent("sales", "0000-00-00") == Spent(4321, 1.75, 87, 10_609)
        assert await store.spent("sales", "2026-12-02") == await store.spent("nobody", "2026-11-01") == Spent()
        assert await (await lab.restart()).spent("sales", "2026-11-01") == november

    async def test_spending_at_once_is_counted_once_each(self, lab: Lab) -> None:
        day = "2026-11-01"
        adds = [lab.store.spend("sales", day, characters=n, seconds=0.5, saved=1, tokens=2) for n in range(200)]
        await asyncio.gather(*adds)
        assert await lab.store.spent("sales", "2026-11-01") == Spent(sum(range(200)), 100.0, 200, 400)
        await lab.store.spend("sales", "2026-11-01", characters=2**40, tokens=2**40)  # and no day is too big
        spent = await lab.store.spent("sales", "2026-11-01")
        assert (spent.characters, spent.tokens) == (2**40 + sum(range(200)), 2**40 + 400)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"characters": -1},
            {"seconds": -0.1},
            {"saved": -1},
            {"tokens": -1},
            {"seconds": float("nan")},
            {"seconds": float("inf")},
            {"characters": 5, "saved": -5},
        ],
    )
    async def test_what_was_spent_never_falls(self, lab: Lab, wrong: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="0 or more"):
            await lab.store.spend("sales", "2026-11-01", **wrong)  # type: ignore[arg-type]
        assert await lab.store.spent("sales", "2026-11-01") == Spent()

    @pytest.mark.parametrize("day", ["", "2026-11-1", "20261101", "2026-11-01 ", "2026-11-01T00:00", "٢٠٢٦-١١-٠١"])
    async def test_a_day_is_written_one_way(self, lab: Lab, day: str) -> None:
        with pytest.raises(ValueError, match="YYYY-MM-DD"):
            await lab.store.spend("sales", day, characters=1)
        with pytest.raises(ValueError, match="YYYY-MM-DD"):
            await lab.store.spent("sales", day)

    # -- the process -----------------------------------------------------------------------------------------

    async def test_a_caller_who_gives_up_breaks_nothing(self, lab: Lab) -> None:
        asked = [asyncio.ensure_future(lab.store.accept(who(), message(f"{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        for one in asked[::2]:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        again = await asyncio.gather(*(lab.store.accept(who(), message(f"{n}")) for n in range(20)))
        assert all(one.verdict is Verdict.DUPLICATE for one in again)

    async def test_what_was_asked_before_closing_is_done(self, lab: Lab) -> None:
        asked = [asyncio.ensure_future(lab.store.accept(who(), message(f"{n}"))) for n in range(20)]
        await asyncio.sleep(0)
        await lab.store.close()
        await lab.store.close()
        posted = await asyncio.gather(*asked)
        assert all(one.verdict is Verdict.NEW for one in posted)
        assert len(await (await lab.restart()).transcript(who().id, Cursor(), 50)) == 20

    async def test_who_has_his_share_waits_beside_the_others(self, lab: Lab) -> None:
        store, people = lab.store, [("ana", "front"), ("bob", "back"), ("eva", "front"), ("leo", "backstage")]
        for name, queue in people:
            await store.accept(who(name, queue), Post(who(name).id, "a", "a"))
            lab.pass_time(1)
        assert await store.whose(IN, [who("eva").id, who("bob").id, who("nobody").id]) == {
            who("eva").id: "front", who("bob").id: "back",
        }  # fmt: skip
        assert await store.whose(OUT, [who("eva").id]) == {who("eva").id: "site"}
        assert await store.whose(OUT, []) == {}
        claims = await store.claim(IN, 10, LEASE, "me", {"front", "nowhere"})
        assert [claim.key for claim in claims] == [who("bob").id, who("leo").id]
        claims = await store.claim(IN, 1, LEASE, "me", ["stage"])
        assert [claim.key for claim in claims] == [who("ana").id], "a part of a name is no name"
        await store.send_also(Post(who("eva").id, "o", "o"))
        assert await store.claim(OUT, 10, LEASE, "me", {"site"}) == []
        assert [claim.key for claim in await store.claim(OUT, 10, LEASE, "me", {"front"})] == [who("eva").id]

    # -- a fleet ---------------------------------------------------------------------------------------

    async def test_what_only_one_may_do_has_one_owner(self, lab: Lab) -> None:
        store = lab.store
        assert await store.lease("asking", "a", 1000)
        assert not await store.lease("asking", "b", 1000)
        assert await store.lease("other", "b", 1000)
        lab.pass_time(900)
        assert await store.lease("asking", "a", 1000)
        lab.pass_time(999)
        assert await store.leased("asking")
        assert not await store.lease("asking", "b", 1000)
        lab.pass_time(1)
        assert not await store.leased("asking")
        assert await store.lease("asking", "b", 1000)
        await store.let_go("asking", "a")  # no longer its own to give
        assert await store.leased("asking")
        await store.let_go("asking", "b")
        assert await store.lease("asking", "a", 1000)

    async def test_one_of_many_gets_what_only_one_may_have(self, lab: Lab) -> None:
        got = await asyncio.gather(*(lab.store.lease("asking", f"{n}", 1000) for n in range(20)))
        assert sum(got) == 1

    async def test_all_together_are_as_fast_as_they_may_be(self, lab: Lab) -> None:
        async def taken(of: int) -> int:
            return (await asyncio.gather(*(lab.store.take_room("zap", 80, 3) for _ in range(of)))).count(0)

        assert await taken(10) == 3
        assert await lab.store.take_room("tele", 1, 1) == 0  # another channel
        assert await lab.store.take_room("tele", 1, 1) == 1.0
        assert 0 < await lab.store.take_room("zap", 80, 3) <= 1 / 80
        lab.pass_time(100)
        assert await taken(10) == 3
        sent = 0
        for _ in range(100):
            lab.pass_time(10)
            sent += await taken(4)
        assert 79 <= sent <= 81
        await lab.store.no_room("zap", 5, 80, 3)
        assert await lab.store.take_room("zap", 80, 3) == 5.0
        await lab.store.no_room("zap", 1, 80, 3)  # a shorter rest does not end a longer one
        lab.pass_time(4990)
        assert await taken(1) == 0
        lab.pass_time(10)
        assert await taken(1) == 1

    async def test_who_is_at_work_is_known(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("a"))
        assert await lab.store.at_work(IN, who().id) is None
        claim = await take(lab.store)
        assert await lab.store.at_work(IN, who().id) == 0
        assert await lab.store.at_work(OUT, who().id) is None
        await lab.store.settle(claim, Settlement(1))
        assert await lab.store.at_work(IN, who().id) is None
        await lab.store.accept(who(), message("b"))
        await take(lab.store)
        assert await lab.store.at_work(IN, who().id) == 1

    async def test_what_is_under_way_is_known_and_whether_somebody_is_at_it(self, lab: Lab) -> None:
        ids = [who(name).id for name in ("ana", "bob", "eve", "nobody")]
        assert await lab.store.under_way(ids) == {}
        for name in ("ana", "bob", "eve"):
            await lab.store.accept(who(name), Post(who(name).id, "a", "a"))
        claims = {claim.key: claim for claim in await lab.store.claim(IN, 9, LEASE, "me")}
        await lab.store.settle(claims[who("bob").id], Settlement(1))
        await lab.store.retry(claims[who("eve").id], 60_000)
        assert await lab.store.under_way(ids) == {who("ana").id: True, who("eve").id: False}
        assert await lab.store.under_way([]) == {}

    async def test_a_mark_tells_one_person_from_another(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("a"))
        assert await lab.store.pass_on(who().id, Passing("", "ana", PEOPLE))
        before = await lab.store.marks([who().id])
        assert await lab.store.pass_on(who().id, Passing("ana", "bob", PEOPLE))
        assert await lab.store.marks([who().id]) != before

    async def test_a_mark_changes_when_something_does(self, lab: Lab) -> None:
        store, marks = lab.store, list[object]()

        async def marked() -> None:
            marks.append((await store.marks([who().id, who("bob").id])).get(who().id))

        await marked()
        await store.accept(who(), message("a"))
        await marked()
        claim = await take(store)
        await store.settle(claim, answer(claim, "x"))
        await marked()
        out = await take(store, OUT)
        await store.settle(out, Settlement(out.tail))
        await marked()
        assert await store.pass_on(who().id, HELD)
        await marked()
        assert all(one != other for one, other in itertools.pairwise(marks))
        await marked()
        assert marks[-1] == marks[-2]
        assert await store.marks([]) == {}
        assert len(await store.marks([who(f"{n}").id for n in range(100)])) == 0

    async def test_time_never_falls(self, lab: Lab) -> None:
        store = lab.store
        await store.accept(who(), message("1", window=100, max_wait=100))
        before = await store.now()
        lab.pass_time(-3_600_000)
        assert await store.now() >= before
        await store.accept(who(), message("2", window=100, max_wait=100))
        lab.pass_time(100)  # and it does not stand still either
        entries = (await store.load(await take(store))).entries
        assert [e.at for e in entries] == sorted(e.at for e in entries)

    async def test_a_clock_set_back_between_two_runs_stretches_no_window(self, lab: Lab) -> None:
        await lab.store.accept(who(), message("1", window=100, max_wait=100))
        lab.pass_time(-3_600_000)
        store = await lab.restart()
        lab.pass_time(100)
        claim = await take(store)
        await store.accept(who(), message("2", window=100, max_wait=100))
        assert await store.fold(claim, 1)
        lab.pass_time(100)
        entries = (await store.load(await take(store))).entries
        assert [e.body for e in entries] == ["1", "2"]
        assert entries[0].at <= entries[1].at

    @pytest.mark.parametrize("then", ["given back", "paused", "more came"])
    async def test_a_clock_set_back_between_two_runs_stretches_no_backoff(self, lab: Lab, then: str) -> None:
        """Whoever is stopped gives back what runs, at once; that must not become an hour."""
        await lab.store.accept(who(), message("1"))
        lab.pass_time(1)
        claim = await take(lab.store)
        if then == "paused":
            await lab.store.settle(claim, Settlement(claim.head, pause=500))
        else:
            await lab.store.retry(claim, 500)
        if then == "more came":
            await lab.store.accept(who(), message("2", window=100, max_wait=100))
        lab.pass_time(-3_600_000)
        store = await lab.restart()
        lab.pass_time(400)
        assert await store.claim(IN, 10, LEASE, "me") == [], "a backoff lasts"
        lab.pass_time(200)
        assert len(await store.claim(IN, 10, LEASE, "me")) == 1

    async def test_a_clock_set_back_between_two_runs_stretches_no_lease(self, lab: Lab) -> None:
        """Whoever had it died."""
        await lab.store.accept(who(), message("1"))
        lab.pass_time(1)
        await take(lab.store)
        lab.pass_time(-3_600_000)
        store = await lab.restart()
        lab.pass_time(LONGEST_LEASE + 1)
        assert (await take(store)).tries == 2

    @pytest.mark.parametrize("what", ["window", "backoff", "lease"])
    async def test_a_clock_set_back_beneath_a_run_stretches_nothing(
        self, lab: Lab, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("storage.postgres.CLOCK_LOOK", 0.0, raising=False)
        await lab.store.accept(who(), message("1", window=100, max_wait=100))
        if what != "window":
            lab.pass_time(101)
            claim = await take(lab.store, lease=100)
        if what == "backoff":
            await lab.store.retry(claim, 100)
        assert await lab.store.claim(IN, 10, LEASE, "me") == []
        lab.pass_time(-3_600_000)
        await lab.store.claim(IN, 10, LEASE, "me")
        lab.pass_time(LONGEST_LEASE + 1 if what == "lease" else 101)
        await take(lab.store)

    async def test_a_clock_set_back_beneath_a_run_stops_no_fleet(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("storage.postgres.CLOCK_LOOK", 0.0, raising=False)
        store = lab.store
        assert await store.lease("asking", "who died", 30_000)
        assert [await store.take_room("zap", 1, 1) for _ in range(2)] == [0, 1]
        await store.claim(IN, 10, LEASE, "me")
        lab.pass_time(-3_600_000)
        await store.claim(IN, 10, LEASE, "me")
        lab.pass_time(30_001)
        assert await store.take_room("zap", 1, 1) == 0
        assert await store.lease("asking", "another", 30_000)
