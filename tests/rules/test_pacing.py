from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Capabilities
from gateway.config import Reply
from gateway.rules import pacing
from gateway.rules.pacing import Pace, typing_ms


def pace(per_contact: tuple[float, float] = (0, 0), per_channel: tuple[float, float] = (0, 0)) -> Pace:
    return Pace(Capabilities(per_contact=per_contact, per_channel=per_channel))


def test_without_limits_nobody_waits() -> None:
    assert [pace().wait("ana", 0.0) for _ in range(100)] == [0.0] * 100


def test_a_burst_goes_through_and_then_one_at_a_time() -> None:
    p = pace(per_contact=(1 / 6, 3))
    assert [p.wait("ana", 100.0) for _ in range(3)] == [0, 0, 0]
    assert p.wait("ana", 100.0) == pytest.approx(6)
    assert p.wait("ana", 104.0) == pytest.approx(2), "asking takes no room"
    assert p.wait("bia", 104.0) == 0, "somebody else has her own"
    assert p.wait("ana", 106.1) == 0


def test_the_channel_is_shared() -> None:
    p = pace(per_channel=(2, 2))
    assert [p.wait(who, 0.0) for who in "ab"] == [0, 0]
    assert p.wait("c", 0.0) == pytest.approx(0.5)


def test_a_channel_that_rests_lets_nobody_through() -> None:
    p = pace()
    p.rests_until = 10.0
    assert (p.wait("ana", 4.0), p.wait("ana", 10.0)) == (6.0, 0.0)


def test_it_remembers_a_bounded_number_of_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "MOST", 2)
    p = pace(per_contact=(0.1, 1))
    assert [p.wait(who, 0.0) for who in "abac"] == [0, 0, 10, 0]
    assert p.wait("a", 0.0) == 10, "the last to be asked for stays"
    assert p.wait("b", 0.0) == 0, "the one silent longest was forgotten"


@given(st.floats(0.05, 50), st.integers(1, 20), st.lists(st.floats(0, 5), max_size=80))
def test_never_more_than_the_rate_allows(rate: float, burst: int, steps: list[float]) -> None:
    p, now, sent = pace(per_contact=(rate, burst)), 0.0, 0
    for step in steps:
        now += step
        sent += p.wait("ana", now) == 0
        assert sent <= burst + rate * now + 1e-6


@pytest.mark.parametrize(("characters", "ms"), [(0, 500), (10, 500), (100, 2500), (1000, 4000)])
def test_people_type_so_long(characters: int, ms: int) -> None:
    assert typing_ms("x" * characters, Reply()) == ms
