"""Who is asked again, how often, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tts.errors import Encoding, Quota, RateLimited, Refused, SpeechError, Unreachable
from tts.retrying import pause, retry_after

BUSY = RateLimited("system_busy")
CROWD = RateLimited("too_many_concurrent_requests")


@pytest.mark.parametrize(
    ("error", "repeats", "jitter", "seconds"),
    [
        (Quota("quota_exceeded"), 0, 0.5, None),
        (Refused("invalid_api_key"), 0, 0.5, None),
        (Encoding("not_audio"), 0, 0.5, None),
        (Unreachable("closed", retryable=False), 0, 0.5, None),
        (Unreachable("cut"), 0, 0.5, 0.5),
        (Unreachable("cut"), 0, 0.0, 0.375),
        (Unreachable("cut"), 0, 1.0, 0.625),
        (Unreachable("cut"), 1, 0.5, 1.0),
        (Unreachable("cut"), 2, 0.5, None),
        (Unreachable("http_503", retry_after=4.0), 1, 0.5, 4.0),
        (BUSY, 2, 0.5, 2.0),
        (BUSY, 3, 0.5, None),
        (RateLimited("rate_limit_exceeded", retry_after=0.0), 0, 0.5, 0.0),
        (CROWD, 0, 0.5, 1.0),
        (CROWD, 7, 0.5, 1.0),
        (CROWD, 8, 0.5, None),
        (RateLimited("concurrent_limit_exceeded", retry_after=3.0), 0, 0.5, 3.0),
    ],
)
def test_how_long_it_pauses(error: SpeechError, repeats: int, jitter: float, seconds: float | None) -> None:
    assert pause(error, repeats, jitter) == seconds


DATE = format_datetime(datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC), usegmt=True)
LATER = format_datetime(datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": LATER, "date": DATE}, 30.0),
        ({"retry-after": DATE, "date": LATER}, 0.0),
        ({"retry-after": LATER}, None),
    ],
)
def test_what_the_provider_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
