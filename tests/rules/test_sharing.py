from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.sharing import crowded, kept_free


@pytest.mark.parametrize(
    ("at_work", "hands", "of", "waits"),
    [
        ("", 4, 2, ""),
        ("aa", 4, 2, ""),  # two hands are free, and one is kept
        ("aaa", 4, 2, "a"),
        ("aab", 4, 2, "a"),  # b has one, and may have another
        ("aabb", 4, 2, ""),  # both have theirs: nobody is waited for
        ("a" * 48, 64, 2, "a"),
        ("a" * 47, 64, 2, ""),
        ("a" * 30 + "b" * 18, 64, 2, "a"),
        ("a" * 24 + "b" * 24, 64, 2, ""),
        ("a" * 24 + "b" * 25, 64, 3, "ab"),  # c comes first
        ("a" * 64, 64, 1, ""),  # nobody to wait for
        ("a", 1, 2, ""),
    ],
)
def test_who_waits(at_work: str, hands: int, of: int, waits: str) -> None:
    assert crowded(Counter(at_work), hands, of) == frozenset(waits)


@given(st.integers(1, 200), st.integers(2, 30), st.lists(st.integers(0, 29)))
def test_a_hand_is_left_for_whoever_has_none(hands: int, of: int, claims: list[int]) -> None:
    """However the others come, the first of a queue finds a hand while there are more hands than queues."""
    at_work: list[str] = []
    for claim in claims:
        name = str(claim % (of - 1))  # the last one waits all the while
        if len(at_work) < hands and name not in crowded(Counter(at_work), hands, of):
            at_work.append(name)
    if hands >= 4 * of:
        assert len(at_work) < hands
        assert str(of - 1) not in crowded(Counter(at_work), hands, of)
    assert kept_free(hands, of) <= max(1, hands // 4)
