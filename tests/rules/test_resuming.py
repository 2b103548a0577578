"""When a hold is over without anybody saying so."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.config import Queue
from gateway.rules.custody import Custody, Policy, wake

HOURS = {"weekly": {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}


def at(day: int, hour: int) -> int:
    return int(datetime(2026, 11, day, hour, tzinfo=ZoneInfo("America/Sao_Paulo")).timestamp() * 1000)


FRIDAY_17, SATURDAY_9, MONDAY_8 = at(27, 17), at(28, 9), at(30, 8)


@pytest.mark.parametrize(
    ("handoff", "acted_at", "expected"),
    [
        ({}, 0, None),
        ({"resume": "manual", "idle_hours": 1}, SATURDAY_9, None),
        ({"resume": "idle_hours", "idle_hours": 1}, 0, FRIDAY_17 + 3_600_000),
        ({"resume": "idle_hours", "idle_hours": 1}, SATURDAY_9, SATURDAY_9 + 3_600_000),
        ({"resume": "idle_hours", "idle_hours": 1}, FRIDAY_17 - 9, FRIDAY_17 + 3_600_000),
        ({"resume": "next_business_day"}, 0, MONDAY_8),
        ({"resume": "next_business_day"}, SATURDAY_9, MONDAY_8),
        ({"resume": "next_business_day"}, MONDAY_8, MONDAY_8 + 24 * 3_600_000),
    ],
)
def test_a_hold_is_over(handoff: dict[str, Any], acted_at: int, expected: int | None) -> None:
    queue = Queue.model_validate({"name": "loja", "handoff": handoff, "hours": HOURS})
    held = Custody("held", 1, to="humanos", since=FRIDAY_17, active_at=max(FRIDAY_17, acted_at))
    over = wake(held, Policy.of(queue))
    assert (over and over.ms) == expected
    assert over is None or over.why == handoff["resume"]
