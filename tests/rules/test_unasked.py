"""Follow-ups, closings and ratings: single moments, and random lives held to what may never happen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import ValidationError

from gateway.rules.hours import DAYS, Hours, is_open
from gateway.rules.rating import ASKED, RATED, Rating, heard
from gateway.rules.sentences import SENTENCES
from gateway.rules.unasked import (
    CLOSED,
    FOLLOWED_UP,
    HOUR_MS,
    LATE_MS,
    MARGIN_MS,
    MINUTE_MS,
    Closing,
    Due,
    FollowUp,
    Past,
    due,
    next_at,
    says_goodbye,
    soonest,
    told,
)

DAY_MS = 24 * HOUR_MS
SHOP = Hours.model_validate({"holidays": "", "weekly": dict.fromkeys(DAYS[:5], "09:00-18:00")})
NIGHTS = Hours.model_validate({"holidays": "", "weekly": {"fri": "22:00-02:00"}})
NEVER = Hours.model_validate(
    {
        "holidays": "",
        "weekly": {"mon": "09:00-10:00"},
        "closed": [str(dt.date(2026, 11, 1) + dt.timedelta(days=n)) for n in range(600)],
    }
)


@dataclass(frozen=True)
class Desk:
    """A queue, as far as it matters here."""

    follow_up: FollowUp = field(default_factory=FollowUp)
    closing: Closing = field(default_factory=Closing)
    rating: Rating = field(default_factory=Rating)
    hours: Hours = field(default_factory=Hours)


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Sao_Paulo")).timestamp() * 1000)


TUESDAY = at("2026-11-17T10:00")
FRIDAY = at("2026-11-20T17:30")
MONDAY_OPENING = at("2026-11-23T09:00")
FOLLOWING = Desk(follow_up=FollowUp(after_minutes=60))
CLOSES = Desk(closing=Closing(after_hours=4))
BOTH = Desk(FollowUp(after_minutes=60), Closing(after_hours=12))
RATES = Desk(rating=Rating(ask=True))


def answered(when: int = TUESDAY, **more: object) -> Past:
    """The contact wrote, and we answered five seconds later."""
    return replace(Past(contact_at=when - 5_000, ours_at=when, answered=True), **more)  # type: ignore[arg-type]


def reason(past: Past, queue: Desk, now: int) -> str:
    found = due(past, queue, now)
    return found.reason if found else ""


def life(past: Past, queue: Desk, now: int) -> list[tuple[int, Due]]:
    """What is said from now on when nobody writes and every wake-up comes in time."""
    said: list[tuple[int, Due]] = []
    for _ in range(20):
        if found := due(past, queue, now):
            said.append((now, found))
            past = told(past, found, now)
        again = next_at(past, queue, now)
        if again is None:
            return said
        assert again > now
        now = again
    raise AssertionError("it looks again and again")


def minutes(since: int, said: list[tuple[int, Due]]) -> list[tuple[float, str]]:
    return [((when - since) / MINUTE_MS, each.reason) for when, each in said]


# -- a follow-up --------------------------------------------------------------------------------------


def test_nothing_is_said_unasked_by_default() -> None:
    past = answered(resolved_at=TUESDAY, people_at=TUESDAY)
    for now in (TUESDAY, TUESDAY + DAY_MS, TUESDAY + 30 * DAY_MS):
        assert (due(past, Desk(), now), next_at(past, Desk(), now)) == (None, None)
        assert (due(answered(), Desk(), now), next_at(answered(), Desk(), now)) == (None, None)


@pytest.mark.parametrize(
    ("desk", "wait"),
    [
        (Desk(), None),
        (Desk(rating=Rating(ask=True)), None),
        (Desk(FollowUp(after_minutes=60)), HOUR_MS),
        (Desk(FollowUp(after_minutes=300), Closing(after_hours=0.5)), 30 * MINUTE_MS),
    ],
)
def test_nothing_is_looked_for_before_the_shortest_wait(desk: Desk, wait: int | None) -> None:
    assert soonest(desk, TUESDAY) == (None if wait is None else TUESDAY + wait)


def test_it_comes_once_after_the_minutes_and_not_a_millisecond_before() -> None:
    then = TUESDAY + 60 * MINUTE_MS
    assert next_at(answered(), FOLLOWING, TUESDAY) == then
    assert reason(answered(), FOLLOWING, then - 1) == ""
    assert due(answered(), FOLLOWING, then) == Due(
        "follow_up", "follow_up", "", {f"{FOLLOWED_UP}{TUESDAY - 5_000}:1": True}
    )
    assert minutes(TUESDAY, life(answered(), FOLLOWING, TUESDAY)) == [(60, "follow_up")]


def test_the_queue_s_own_words_go_in_the_sentence_s_place() -> None:
    queue = Desk(FollowUp(after_minutes=1, message="Ainda está aí?"))
    said = due(answered(), queue, TUESDAY + MINUTE_MS)
    assert said
    assert (said.sentence, said.text) == ("follow_up", "Ainda está aí?")


def test_several_keep_the_interval_from_each_other() -> None:
    queue = Desk(follow_up=FollowUp(after_minutes=30, times=3))
    assert minutes(TUESDAY, life(answered(), queue, TUESDAY)) == [
        (30, "follow_up"),
        (60, "follow_up"),
        (90, "follow_up"),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"held": True},
        {"opted_out": True},
        {"group": True},
        {"asking": True},
        {"done": True},
        {"answered": False},
        {"contact_at": 0},
        {"contact_at": TUESDAY + 1},
        {"people_at": TUESDAY + 10},
        {"facts": {"unreachable": TUESDAY}},
        {"facts": {f"{CLOSED}{TUESDAY - 5_000}": TUESDAY + 1}},
        {"facts": {f"{RATED}1795000000000:5": TUESDAY}},
    ],
)
def test_nobody_is_followed_up_who(more: dict[str, object]) -> None:
    """… is with people, opted out, in a group, in a flow, has said goodbye, waits for us, never wrote, wrote (a heart
    is enough) after our last word, was served by people, cannot be reached, was told goodbye, or just gave a score."""
    past = answered(**more)
    assert next_at(past, FOLLOWING, TUESDAY) is None
    assert due(past, FOLLOWING, TUESDAY + 61 * MINUTE_MS) is None


def test_a_message_begins_another_silence_with_its_own_follow_ups() -> None:
    past, then = answered(), TUESDAY + 60 * MINUTE_MS
    first = due(past, FOLLOWING, then)
    assert first
    later = replace(told(past, first, then), contact_at=then + 1_000, ours_at=then + 6_000)
    second = due(later, FOLLOWING, then + 6_000 + 60 * MINUTE_MS)
    assert second
    assert second.facts == {f"{FOLLOWED_UP}{past.contact_at}:1": False, f"{FOLLOWED_UP}{later.contact_at}:1": True}


def test_people_who_had_it_before_this_silence_do_not_matter() -> None:
    assert reason(answered(people_at=TUESDAY - DAY_MS), FOLLOWING, TUESDAY + 60 * MINUTE_MS) == "follow_up"


# -- hours, windows, lateness -------------------------------------------------------------------------


def test_outside_the_hours_it_waits_for_the_next_opening() -> None:
    queue = replace(FOLLOWING, hours=SHOP)
    past = answered(FRIDAY)
    assert next_at(past, queue, FRIDAY) == MONDAY_OPENING
    assert reason(past, queue, MONDAY_OPENING - 1) == ""
    assert reason(past, queue, MONDAY_OPENING) == "follow_up"


def test_a_wake_up_that_comes_just_after_the_shop_closed_is_good_at_the_next_opening() -> None:
    queue, past = replace(FOLLOWING, hours=SHOP), answered(at("2026-11-20T16:59:59"))
    late = at("2026-11-20T18:00:01")
    assert reason(past, queue, late) == ""
    assert next_at(past, queue, late) == MONDAY_OPENING
    assert reason(past, queue, MONDAY_OPENING + 500) == "follow_up"


def test_it_is_never_said_outside_the_reply_window() -> None:
    window = 24 * HOUR_MS
    queue = Desk(follow_up=FollowUp(after_minutes=24 * 60 - 6))
    past = Past(TUESDAY, TUESDAY, answered=True, reply_window_ms=window)
    last = TUESDAY + window - MARGIN_MS
    assert reason(past, queue, last) == "follow_up"
    assert reason(past, queue, last + 1) == ""
    assert next_at(past, queue, last + 1) is None
    assert next_at(past, Desk(follow_up=FollowUp(after_minutes=24 * 60 - 4)), TUESDAY) is None
    assert next_at(answered(FRIDAY, reply_window_ms=window), replace(FOLLOWING, hours=SHOP), FRIDAY) is None


def test_what_is_a_day_late_is_let_go() -> None:
    then = TUESDAY + 60 * MINUTE_MS
    assert reason(answered(), FOLLOWING, then + LATE_MS) == "follow_up"
    assert reason(answered(), FOLLOWING, then + LATE_MS + 1) == ""
    assert next_at(answered(), FOLLOWING, then + LATE_MS + 1) is None


def test_where_nobody_ever_opens_nothing_is_said_and_it_still_closes() -> None:
    queue = replace(BOTH, hours=NEVER)
    [(when, closed)] = life(answered(), queue, TUESDAY)
    assert (when, closed.reason, closed.sentence) == (TUESDAY + 12 * HOUR_MS, "closed", "")


# -- a closing ----------------------------------------------------------------------------------------


def test_a_conversation_closes_once_and_with_it_its_flow() -> None:
    [(when, closed)] = life(answered(asking=True), CLOSES, TUESDAY)
    assert when == TUESDAY + 4 * HOUR_MS
    assert closed == Due("closed", "closing", "", {f"{CLOSED}{TUESDAY - 5_000}": True})
    assert closed.ends_flow


def test_only_a_closing_ends_a_flow() -> None:
    follow_up = due(answered(), FOLLOWING, TUESDAY + HOUR_MS)
    assert follow_up
    assert not follow_up.ends_flow


def test_inactivity_counts_from_the_last_follow_up() -> None:
    assert minutes(TUESDAY, life(answered(), BOTH, TUESDAY)) == [(60, "follow_up"), (60 + 12 * 60, "closed")]


def test_a_closing_that_comes_first_leaves_no_follow_up() -> None:
    queue = Desk(FollowUp(after_minutes=120), Closing(after_hours=1))
    assert minutes(TUESDAY, life(answered(), queue, TUESDAY)) == [(60, "closed")]


def test_of_what_waited_for_the_same_opening_what_was_wanted_first_is_said() -> None:
    said = life(answered(FRIDAY), replace(BOTH, hours=SHOP), FRIDAY)
    assert [(when, each.reason) for when, each in said] == [
        (MONDAY_OPENING, "follow_up"),
        (at("2026-11-24T09:00"), "closed"),
    ]


@pytest.mark.parametrize(
    ("more", "late"),
    [
        ({"reply_window_ms": 4 * HOUR_MS}, 0),
        ({"done": True}, 0),
        ({"facts": {"unreachable": TUESDAY}}, 0),
        ({}, LATE_MS + 1),
    ],
)
def test_it_closes_without_a_word_where_nobody_would_read_one(more: dict[str, object], late: int) -> None:
    said = due(answered(**more), CLOSES, TUESDAY + 4 * HOUR_MS + late)
    assert said
    assert (said.reason, said.sentence, said.text) == ("closed", "", "")
    assert told(answered(), said, TUESDAY + 1).ours_at == TUESDAY


@pytest.mark.parametrize("more", [{"held": True}, {"answered": False}, {"people_at": TUESDAY}, {"opted_out": True}])
def test_who_waits_for_us_or_for_people_is_not_told_goodbye(more: dict[str, object]) -> None:
    assert life(answered(**more), CLOSES, TUESDAY) == []


def test_a_later_message_begins_anew() -> None:
    past, then = answered(), TUESDAY + 4 * HOUR_MS
    closed = due(past, CLOSES, then)
    assert closed
    again = replace(told(past, closed, then), contact_at=then + DAY_MS, ours_at=then + DAY_MS)
    assert next_at(again, CLOSES, then + DAY_MS) == then + DAY_MS + 4 * HOUR_MS


# -- a rating -----------------------------------------------------------------------------------------


def resolved(when: int = TUESDAY, **more: object) -> Past:
    return replace(answered(when - HOUR_MS, people_at=when, resolved_at=when), **more)  # type: ignore[arg-type]


def test_it_is_asked_at_once_and_once_for_each_resolve() -> None:
    [(when, asked)] = life(resolved(), RATES, TUESDAY)
    assert when == TUESDAY
    assert asked == Due("rating_asked", "rating_ask", "", {f"{ASKED}{TUESDAY}": True})
    past = told(resolved(), asked, TUESDAY)
    assert reason(replace(past, people_at=TUESDAY + HOUR_MS), RATES, TUESDAY + 2 * HOUR_MS) == ""
    again = replace(past, contact_at=TUESDAY + HOUR_MS, people_at=TUESDAY + DAY_MS, resolved_at=TUESDAY + DAY_MS)
    second = due(again, RATES, TUESDAY + DAY_MS)
    assert second
    assert second.facts == {f"{ASKED}{TUESDAY}": False, f"{ASKED}{TUESDAY + DAY_MS}": True}


def test_nobody_is_asked_who_has_begun_anew_is_held_again_or_out_of_reach() -> None:
    for past in (
        resolved(contact_at=TUESDAY + 1),
        resolved(contact_at=TUESDAY + 1, people_at=TUESDAY + 2),
        resolved(contact_at=0),
        resolved(held=True),
        resolved(opted_out=True),
        resolved(group=True),
        resolved(reply_window_ms=HOUR_MS),
        resolved(facts={"unreachable": TUESDAY - 1}),
        answered(TUESDAY - HOUR_MS, people_at=TUESDAY),
    ):
        assert life(past, RATES, TUESDAY) == []


def test_who_is_asked_for_a_rating_is_neither_followed_up_nor_told_goodbye() -> None:
    queue = replace(BOTH, rating=Rating(ask=True, message="De 1 a 5?"))
    [(_, asked)] = life(resolved(), queue, TUESDAY)
    assert (asked.reason, asked.text) == ("rating_asked", "De 1 a 5?")
    past = told(resolved(), asked, TUESDAY)
    score = heard(["5"], past.facts, TUESDAY + HOUR_MS)
    assert score
    thanked = replace(
        past,
        contact_at=TUESDAY + HOUR_MS,
        ours_at=TUESDAY + HOUR_MS + 5_000,
        facts={**past.facts, **dict.fromkeys(score.facts, TUESDAY + HOUR_MS + 4000)},
    )
    assert life(thanked, queue, TUESDAY + HOUR_MS + 5_000) == []


def test_scores_are_kept_when_older_facts_are_forgotten() -> None:
    old = {f"{ASKED}17": 18, f"{RATED}17:4": 19, f"{FOLLOWED_UP}3:1": 4, f"{CLOSED}3": 5, "no_voice": 1}
    said = due(answered(facts=old), FOLLOWING, TUESDAY + HOUR_MS)
    assert said
    assert {name for name, on in said.facts.items() if not on} == {f"{ASKED}17", f"{FOLLOWED_UP}3:1", f"{CLOSED}3"}


# -- small things -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "over"),
    [
        (["Obrigada!"], True),
        (["quanto custa?", "valeu, tchau"], True),
        (["谢谢"], True),
        (["Tchau!"], True),
        (["oi"], False),
        (["obrigado, e o frete?"], False),
        (["obrigado", "e o frete?"], False),
        ([], False),
    ],
)
def test_thanks_and_a_goodbye_are_an_end(texts: list[str], over: bool) -> None:
    assert says_goodbye(texts) == over


def test_each_sentence_that_is_named_exists() -> None:
    said = [due(answered(), queue, TUESDAY + 12 * HOUR_MS) for queue in (FOLLOWING, CLOSES)]
    named = {each.sentence for each in [*said, due(resolved(), RATES, TUESDAY)] if each}
    assert named == {"follow_up", "closing", "rating_ask"}
    assert named | {"rating_thanks"} <= set(SENTENCES)


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: FollowUp(message="Oi?"), "after_minutes = 60"),
        (lambda: FollowUp(times=2), "after_minutes = 60"),
        (lambda: Closing(message="Tchau"), "after_hours = 24"),
        (lambda: Closing(after_hours=0.01), "at least 0.1"),
    ],
)
def test_a_setting_that_does_nothing_is_a_mistake(make: object, cure: str) -> None:
    with pytest.raises(ValidationError, match=cure):
        make()  # type: ignore[operator]


def test_what_is_switched_off_may_keep_its_words() -> None:
    assert FollowUp(after_minutes=0, message="Oi?", times=2).message
    assert Closing(after_hours=0, message="Tchau").message


# -- random lives -------------------------------------------------------------------------------------


@dataclass
class World:
    """What happened, apart from what the rule believes."""

    now: int = TUESDAY
    past: Past = field(default_factory=lambda: Past(0, 0, answered=False))
    said: list[tuple[int, Due]] = field(default_factory=list)
    """Since the contact's last message."""
    spoken: int = 0
    """When anybody said anything last."""
    wakes: int = 0
    wake_at: int | None = None


WAITS = st.sampled_from([1, 30_000, 10 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS, 20 * HOUR_MS, 3 * DAY_MS])


class Lives(RuleBasedStateMachine):
    """A conversation as it is lived: every step that the gateway takes asks what is due and when to look again."""

    @initialize(
        follow_up=st.builds(FollowUp, after_minutes=st.sampled_from([0, 1, 45, 600]), times=st.integers(1, 3)),
        closing=st.builds(Closing, after_hours=st.sampled_from([0, 0.5, 6, 30])),
        rating=st.builds(Rating, ask=st.booleans()),
        hours=st.sampled_from([Hours(), SHOP, NIGHTS]),
        window=st.sampled_from([0, 24 * HOUR_MS]),
        start=st.integers(0, 7 * DAY_MS),
    )
    def begin(
        self, follow_up: FollowUp, closing: Closing, rating: Rating, hours: Hours, window: int, start: int
    ) -> None:
        self.queue = Desk(follow_up, closing, rating, hours)
        self.world = World(now=TUESDAY + start, past=Past(0, 0, answered=False, reply_window_ms=window))

    def knows(self, **more: object) -> None:
        self.world.past = replace(self.world.past, **more)  # type: ignore[arg-type]

    def looks(self, delay: int = 0) -> None:
        """One turn with a reason: what is due is said and settled in one commit, a little later."""
        world = self.world
        found = due(world.past, self.queue, world.now)
        world.wake_at = next_at(world.past, self.queue, world.now)
        assert world.wake_at is None or world.wake_at > world.now
        if found:
            self.holds(found)
            world.past = told(world.past, found, world.now + delay)
            world.said.append((world.now, found))
            world.now += delay
            world.spoken = world.now if found.sentence else world.spoken

    def holds(self, found: Due) -> None:
        """What may never happen, said without the rule's own words."""
        world, past = self.world, self.world.past
        assert not past.held
        assert not past.opted_out
        assert past.contact_at
        before = [each.reason for _, each in world.said]
        if found.sentence:
            assert is_open(self.queue.hours, world.now)
            assert not past.reply_window_ms or world.now < past.contact_at + past.reply_window_ms
        if found.reason == "follow_up":
            assert world.now - world.spoken >= self.queue.follow_up.after_minutes * MINUTE_MS > 0
            assert before.count("follow_up") < self.queue.follow_up.times
            assert not {"closed", "rating_asked"} & set(before)
            assert not past.asking
            assert past.answered
            assert past.ours_at > past.contact_at > past.people_at
        elif found.reason == "closed":
            assert world.now - world.spoken >= self.queue.closing.after_hours * HOUR_MS > 0
            assert "closed" not in before
            assert past.answered
        else:
            assert self.queue.rating.ask
            assert past.resolved_at > past.contact_at
            assert not [1 for when, each in world.said if each.reason == "rating_asked" and when >= past.resolved_at]

    @rule(asking=st.booleans(), wait=st.integers(1, 60_000))
    def contact_writes(self, asking: bool, wait: int) -> None:
        """And, unless people have it, is answered."""
        self.world.now += wait
        score = heard(["oi"], self.world.past.facts, self.world.now)
        facts = {**self.world.past.facts, **dict.fromkeys(score.facts if score else (), self.world.now)}
        self.knows(contact_at=self.world.now, answered=False, asking=False, facts=facts)
        self.world.said, self.world.wakes, self.world.spoken = [], 0, self.world.now
        if not self.world.past.held and not self.world.past.opted_out:
            self.world.now += wait
            self.knows(ours_at=self.world.now, answered=True, asking=asking)
            self.world.spoken = self.world.now
        self.looks()

    @rule()
    def people_take_it(self) -> None:
        self.world.now += 1
        self.knows(held=True, people_at=self.world.now)
        self.looks()

    @rule(resolves=st.booleans(), delay=st.integers(0, 3_000))
    def people_let_go(self, resolves: bool, delay: int) -> None:
        if self.world.past.held:
            self.world.now += 1
            self.knows(held=False, people_at=self.world.now)
            if resolves:
                self.knows(resolved_at=self.world.now)
            self.looks(delay)

    @rule()
    def contact_opts(self) -> None:
        self.world.now += 1
        self.knows(opted_out=not self.world.past.opted_out, contact_at=self.world.now, answered=True)
        self.world.said, self.world.wakes, self.world.spoken = [], 0, self.world.now
        self.looks()

    @rule(wait=WAITS)
    def time_passes_asleep(self, wait: int) -> None:
        """The machine was off: the wake-up, if there was one, comes late."""
        self.world.now += wait
        if self.world.wake_at is not None and self.world.wake_at <= self.world.now:
            self.wakes(0)

    @rule(delay=st.integers(0, 3_000))
    def sleeps_until_it_wakes(self, delay: int) -> None:
        """Exactly then: something is due, or it is later than was thought."""
        if self.world.wake_at is not None:
            self.world.now = max(self.world.now, self.world.wake_at)
            self.wakes(delay)

    @rule()
    def looks_for_no_reason(self) -> None:
        self.looks()

    def wakes(self, delay: int) -> None:
        before, known = len(self.world.said), self.world.past
        self.world.wakes += 1
        self.looks(delay)
        again = self.world.wake_at
        assert len(self.world.said) > before or known == self.world.past
        assert again is None or again > self.world.now - delay

    @invariant()
    def it_does_not_wake_for_nothing(self) -> None:
        if hasattr(self, "world"):
            assert self.world.wakes <= 2 * (self.queue.follow_up.times + 2) + 2

    @invariant()
    def what_is_planned_happens(self) -> None:
        """From here on, with nobody writing: few wake-ups, and each of them says something."""
        if hasattr(self, "world"):
            now, past = self.world.now, self.world.past
            said = life(past, self.queue, now)
            assert len(said) <= self.queue.follow_up.times + 1
            again = next_at(past, self.queue, now)
            if again is not None and not due(past, self.queue, now):
                assert due(past, self.queue, again)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
