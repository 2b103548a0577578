"""Who has the conversation: single steps, and random lives held to what may never happen."""

from __future__ import annotations

import os
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.rules.custody import (
    HOUR_MS,
    REMEMBERED,
    ContactWrote,
    Custody,
    Detector,
    Effect,
    Happened,
    HoldConversation,
    Notify,
    Past,
    PersonWrote,
    Policy,
    Release,
    Released,
    Resolved,
    Resume,
    SayTransfer,
    TakenOver,
    Taker,
    Transferred,
    WakeAt,
    WithdrawPending,
    Woke,
    from_json,
    may_send,
    move,
    readable,
    to_json,
    wake,
)
from storage.model import Cursor

NOW = 1_800_000_000_000
MANUAL = Policy()
IDLE = Policy("idle_hours", idle_hours=2)
RESOLVE = Policy("on_resolve")
CALLED = Transferred("t1", NOW, "marker", "humanos")
ECHO = PersonWrote("e1", NOW, "humanos", "Ana's phone")


def after(*events: Happened, policy: Policy = MANUAL) -> tuple[Custody, list[Effect]]:
    custody, effects = Custody(), list[Effect]()
    for event in events:
        custody, more = move(custody, event, policy)
        effects += more
    return custody, effects


def test_a_transfer_says_so_once_and_holds() -> None:
    custody, effects = after(CALLED)
    assert custody.state == "requested"
    assert effects == [
        SayTransfer("normal", "t1"),
        HoldConversation("humanos", "marker"),
        Notify("humanos", "marker"),
    ]


@pytest.mark.parametrize(
    ("policy", "event", "ended"),
    [
        (RESOLVE, Resolved("r1", NOW + 1), "resolved"),
        (RESOLVE, Released("r1", NOW + 1, "api"), "api"),
        (IDLE, Woke(NOW + 2 * HOUR_MS), "idle_hours"),
        (MANUAL, Resolved("r1", NOW + 1), ""),
    ],
)
def test_why_people_let_go_is_kept_until_they_have_it_again(policy: Policy, event: Happened, ended: str) -> None:
    custody, _ = after(CALLED, event, policy=policy)
    assert (custody.ended, from_json(to_json(custody)).ended) == (ended, ended)
    assert move(custody, ContactWrote(NOW + 3 * HOUR_MS), policy)[0].ended == ended
    again, _ = move(custody, PersonWrote("e2", NOW + 4 * HOUR_MS, "humanos"), policy)
    assert again.ended == ""


@pytest.mark.parametrize("by", get_args(Detector))
def test_each_detector_writes_the_same_event(by: Detector) -> None:
    custody, effects = after(Transferred("t1", NOW, by, "humanos"))
    assert (custody.state, custody.reason, custody.transfer) == ("requested", by, "t1")
    assert [e for e in effects if isinstance(e, SayTransfer)] == [
        SayTransfer("out_of_hours" if by == "out_of_hours" else "normal", "t1")
    ]


@pytest.mark.parametrize(
    ("open", "online", "variant"),
    [
        (True, True, "normal"),
        (True, False, "nobody_online"),
        (False, True, "out_of_hours"),
        (False, False, "out_of_hours"),
    ],
)
def test_the_message_says_whether_anybody_is_there(open: bool, online: bool, variant: str) -> None:
    _, effects = after(Transferred("t1", NOW, "phrase", "humanos", open=open, online=online))
    assert effects[0] == SayTransfer(variant, "t1")  # type: ignore[arg-type]


def test_the_reason_of_the_turn_says_more_than_its_category() -> None:
    custody, _ = after(Transferred("t1", NOW, "hard_error", "humanos", reason="assistant_failed:quota"))
    assert custody.reason == "assistant_failed:quota"


def test_two_detectors_are_one_transfer() -> None:
    _, effects = after(CALLED, Transferred("t2", NOW + 1, "phrase", "humanos"))
    assert len([e for e in effects if isinstance(e, SayTransfer)]) == 1


def test_a_program_may_move_it_to_another_queue_without_another_message() -> None:
    custody, effects = after(CALLED, Transferred("t2", NOW + 1, "api", "vendas", "carro quebrado"))
    assert (custody.to, custody.reason) == ("vendas", "carro quebrado"), "whoever is called now reads why they are"
    assert custody.course[-1].reason == "carro quebrado"
    assert effects[3:] == [HoldConversation("vendas", "carro quebrado"), Notify("vendas", "carro quebrado")]


def test_a_person_who_writes_takes_it_and_silences_what_waits() -> None:
    custody, effects = after(ECHO)
    assert (custody.state, custody.person, custody.transfer) == ("held", "Ana's phone", "")
    assert effects == [
        WithdrawPending(),
        HoldConversation("humanos", "person_answered_elsewhere"),
        Notify("humanos", "person_answered_elsewhere"),
    ]


def test_a_takeover_is_sticky() -> None:
    custody, effects = after(ECHO, ContactWrote(NOW + 1), Woke(NOW + 10**12), ContactWrote(NOW + 10**12))
    assert custody.state == "held"
    assert not [e for e in effects if isinstance(e, Release)]


def test_whoever_was_called_takes_it() -> None:
    custody, effects = after(CALLED, TakenOver("d1", NOW + 5, "desk", "humanos", "Ana"))
    assert (custody.state, custody.person, custody.transfer) == ("held", "Ana", "t1")
    assert HoldConversation("humanos", "desk") not in effects


def test_of_two_who_answer_at_once_the_first_keeps_it() -> None:
    custody, _ = after(ECHO, PersonWrote("e2", NOW + 1, "humanos", "Bia"))
    assert custody.person == "Ana's phone"
    assert move(custody, TakenOver("d1", NOW + 2, "desk", "humanos", "Bia"), MANUAL)[0].person == "Bia"


def test_whoever_answers_a_released_conversation_has_it_again() -> None:
    custody, effects = after(CALLED, Released("r1", NOW + 1, "Ana"), PersonWrote("e1", NOW + 2, "humanos"))
    assert (custody.state, custody.spell) == ("held", 2)
    assert isinstance(effects[-1], Notify)


@pytest.mark.parametrize("resume", get_args(Resume))
def test_resolved_releases_unless_the_queue_wants_it_by_hand(resume: Resume) -> None:
    custody, _ = after(ECHO, Resolved("d1", NOW + 5, Cursor(3, 4)), policy=Policy(resume))
    assert custody.state == ("held" if resume == "manual" else "released")
    assert custody.horizon == (Cursor() if resume == "manual" else Cursor(3, 4))


def test_idle_hours_count_from_what_people_did_last() -> None:
    custody, effects = after(
        ECHO, PersonWrote("e2", NOW + HOUR_MS, "humanos"), ContactWrote(NOW + 2 * HOUR_MS), policy=IDLE
    )
    assert custody.state == "held"
    assert [e.ms for e in effects if isinstance(e, WakeAt)] == [NOW + 2 * HOUR_MS, NOW + 3 * HOUR_MS]
    early, again = move(custody, Woke(NOW + 2 * HOUR_MS), IDLE)
    assert (early.state, again) == ("held", (WakeAt(NOW + 3 * HOUR_MS, "idle_hours"),))
    done, effects_ = move(custody, Woke(NOW + 3 * HOUR_MS, Cursor(5, 6)), IDLE)
    assert (done.state, done.horizon, effects_) == ("released", Cursor(5, 6), (Release("idle_hours"),))


def test_the_next_business_day_comes_from_the_hours_and_never_lies_behind() -> None:
    policy = Policy("next_business_day", next_business_day=lambda at: NOW + 20 * HOUR_MS)
    custody, effects = after(ECHO, policy=policy)
    assert effects[-1] == WakeAt(NOW + 20 * HOUR_MS, "next_business_day")
    assert move(custody, Woke(NOW + 20 * HOUR_MS), policy)[0].state == "released"
    assert wake(custody, Policy("next_business_day", next_business_day=lambda at: 0)) == WakeAt(
        NOW + 1, "next_business_day"
    )


def test_a_lost_wake_up_is_made_up_for_by_the_contact() -> None:
    custody, effects = after(ECHO, ContactWrote(NOW + 3 * HOUR_MS, Cursor(7, 8)), policy=IDLE)
    assert (custody.state, custody.horizon, effects[-1]) == ("assistant", Cursor(7, 8), Release("idle_hours"))


def test_a_wake_up_of_a_policy_that_was_changed_does_nothing() -> None:
    custody, _ = after(ECHO, policy=IDLE)
    assert move(custody, Woke(NOW + 9 * HOUR_MS), MANUAL) == (custody, ())
    assert wake(custody, MANUAL) is None


def test_after_a_release_the_assistant_has_it_with_the_contacts_next_message() -> None:
    custody, _ = after(ECHO, Released("r1", NOW + 1, "api", Cursor(2, 2)), ContactWrote(NOW + 2, Cursor(2, 2)))
    assert (custody.state, custody.horizon) == ("assistant", Cursor(2, 2))


def test_a_draft_of_before_the_takeover_does_not_outlive_a_quick_release() -> None:
    before, _ = after(ContactWrote(NOW))
    custody, _ = after(ECHO, Released("r1", NOW + 1, "api"))
    assert not custody.people
    assert not may_send(custody, before.spell)
    assert may_send(custody, custody.spell)


def test_old_transfer_wording_stays_behind_the_fence_and_what_was_agreed_does_not() -> None:
    past = [Past(True, 1, False), Past(True, 2, True), Past(False, 1, True), Past(False, 2, False), Past(True, 3, True)]
    assert readable(past, Cursor(2, 2)) == [True, False, False, True, True]
    assert all(readable(past, Cursor()))


def test_the_memory_of_events_is_bounded() -> None:
    custody = Custody()
    for n in range(3 * REMEMBERED):
        custody, _ = move(custody, PersonWrote(f"e{n}", NOW, "humanos"), MANUAL)
    assert len(custody.seen) == REMEMBERED
    assert len(to_json(custody)) < 4096


def test_it_is_kept_as_json() -> None:
    custody, _ = after(CALLED, ECHO, Released("r", NOW, "api", Cursor(1, 2)))
    assert from_json(to_json(custody)) == custody
    assert from_json("") == Custody()
    assert from_json('{"state":"held","later":1}') == Custody("held")


@pytest.mark.parametrize("text", ["[]", "{}", '{"state":"asleep"}', "{", '{"state":"held","horizon":"x"}'])
def test_what_is_no_custody_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - also json's own
        from_json(text)


# -- random lives --------------------------------------------------------------------------------------

minutes = st.sampled_from([0, 1, 30, 119, 120, 121, 60 * 24, 60 * 24 * 9, -5])
detectors = st.sampled_from(get_args(Detector))
queues = st.sampled_from(["humanos", "vendas"])


class Life(RuleBasedStateMachine):
    """One conversation: a store that commits custody and effects together, and a model that knows who has it."""

    def __init__(self) -> None:
        super().__init__()
        self.given = MANUAL
        self.now, self.ids, self.entries = NOW, 0, Cursor()
        self.kept = to_json(Custody())
        self.events: list[Happened] = []
        self.hold: HoldConversation | None = None
        self.alarm: int | None = None
        self.said: list[str] = []
        self.said_in_spell: list[int] = []
        self.peoples = False
        """The model's: people have it or are called."""
        self.drafts: list[tuple[int, bool]] = []
        """Spell of each draft; whether people came since."""

    @initialize(resume=st.sampled_from(get_args(Resume)))
    def policy(self, resume: Resume) -> None:
        day = 24 * HOUR_MS
        self.given = Policy(resume, 2, lambda at: (at // day + 1) * day + 9 * HOUR_MS)

    @property
    def custody(self) -> Custody:
        return from_json(self.kept)

    def id(self) -> str:
        self.ids += 1
        return f"i{self.ids}"

    def happen(self, event: Happened, *, crash: bool = False) -> tuple[Effect, ...]:
        """With a crash: once without a commit, once with, and once more since the answer was lost."""
        before = self.custody
        if crash:
            move(before, event, self.given)
        custody, effects = move(before, event, self.given)
        self.kept = to_json(custody)
        self.carry_out(effects)
        self.events.append(event)
        if crash and not isinstance(event, Woke | ContactWrote):
            again, nothing = move(self.custody, event, self.given)
            assert (again, nothing) == (self.custody, ())
        return effects

    def carry_out(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case SayTransfer(_, key):
                    assert key not in self.said, "two messages for one transfer"
                    assert self.custody.spell not in self.said_in_spell, "two messages in one spell"
                    self.said.append(key)
                    self.said_in_spell.append(self.custody.spell)
                case HoldConversation():
                    self.hold = effect
                case Release():
                    assert self.hold, "released and nobody held it"
                    self.hold, self.alarm = None, None
                case WakeAt(ms):
                    self.alarm = ms
        if any(isinstance(effect, Release) for effect in effects):
            self.peoples = False

    def people_came(self) -> None:
        self.peoples = True
        self.drafts = [(spell, True) for spell, _ in self.drafts]

    @rule(by=detectors, to=queues, open=st.booleans(), online=st.booleans(), crash=st.booleans())
    def transfer(self, by: Detector, to: str, open: bool, online: bool, crash: bool) -> None:
        had = self.peoples
        effects = self.happen(Transferred(self.id(), self.now, by, to, open=open, online=online), crash=crash)
        assert len([e for e in effects if isinstance(e, SayTransfer)]) == (not had)
        self.people_came()

    @rule(by=st.sampled_from(get_args(Taker)), crash=st.booleans())
    def take(self, by: Taker, crash: bool) -> None:
        effects = self.happen(TakenOver(self.id(), self.now, by, "humanos", "Ana"), crash=crash)
        assert WithdrawPending() in effects
        assert self.custody.state == "held"
        self.people_came()

    @rule(late=st.booleans(), crash=st.booleans())
    def person_writes(self, late: bool, crash: bool) -> None:
        self.entries = Cursor(self.entries.inbound, self.entries.outbound + 1)
        self.happen(PersonWrote(self.id(), self.now - 1000 * late, "humanos"), crash=crash)
        assert self.custody.state == "held"
        self.people_came()

    @rule(crash=st.booleans())
    def resolve(self, crash: bool) -> None:
        self.happen(Resolved(self.id(), self.now, self.entries), crash=crash)
        assert self.custody.people == (self.peoples and self.given.resume == "manual")
        self.peoples = self.custody.people

    @rule(crash=st.booleans())
    def release(self, crash: bool) -> None:
        self.happen(Released(self.id(), self.now, "api", self.entries), crash=crash)
        assert not self.custody.people
        self.peoples = False

    @rule()
    def contact_writes(self) -> None:
        self.happen(ContactWrote(self.now, self.entries))
        self.entries = Cursor(self.entries.inbound + 1, self.entries.outbound)

    @rule(passed=minutes)
    def time_passes(self, passed: int) -> None:
        self.now += passed * 60_000
        if self.alarm is not None and self.alarm <= self.now:
            self.happen(Woke(self.now, self.entries))
            assert self.hold is None, "the wake-up came and nothing was let go"

    @rule()
    def wakes_for_nothing(self) -> None:
        due = wake(self.custody, self.given)
        if due is None or due.ms > self.now:
            before = self.custody
            self.happen(Woke(self.now, self.entries))
            assert self.custody == before

    @rule()
    def drafts_begin(self) -> None:
        if not self.custody.people:
            self.drafts.append((self.custody.spell, False))

    @precondition(lambda self: self.drafts)
    @rule(which=st.integers(0, 99))
    def draft_ends(self, which: int) -> None:
        spell, people_came = self.drafts.pop(which % len(self.drafts))
        goes_out = may_send(self.custody, spell)
        assert not (goes_out and (self.peoples or people_came)), "the assistant spoke over a person"
        assert goes_out or people_came, "nobody came, and the answer was thrown away"

    @precondition(lambda self: self.events)
    @rule(which=st.integers(0, 999))
    def again(self, which: int) -> None:
        """A retry or a second delivery of something that happened lately."""
        lately = [e for e in self.events if getattr(e, "id", "") in self.custody.seen]
        if lately:
            before = self.custody
            assert move(before, lately[which % len(lately)], self.given) == (before, ())

    @invariant()
    def the_store_and_the_custody_agree(self) -> None:
        custody = self.custody
        assert (self.hold is not None) == custody.people == self.peoples
        if self.hold:
            assert self.hold.to == custody.to

    @invariant()
    def somebody_can_let_go(self) -> None:
        custody = self.custody
        if not custody.people:
            return
        assert move(custody, Released("way out", self.now, "api"), self.given)[0].state == "released"
        if self.given.resume in ("idle_hours", "next_business_day"):
            due = wake(custody, self.given)
            assert due is not None
            assert self.alarm == due.ms
            assert due.ms > custody.active_at
            assert move(custody, Woke(due.ms), self.given)[0].state == "released"

    @invariant()
    def it_survives_the_store(self) -> None:
        assert to_json(from_json(self.kept)) == self.kept


Life.TestCase.settings = settings(
    max_examples=int(os.environ.get("RECADO_SEQUENCES", "150")), stateful_step_count=40, deadline=None
)
TestLife = Life.TestCase
