"""The one place that decides whether a voice is asked again. The SDKs' own retries are off.

| what came back | repeats | waits |
|---|---|---|
| too many at once | 8 | what the provider says, else a second: a slot comes free when a note is spoken |
| too fast, or busy | 3 | what the provider says, else 0.5 s doubling |
| network, 5xx, a cut answer | 2 | 0.5 s doubling |
| quota, key, voice, request, wrong bytes | 0 | |

A wait that would not end before the time is over is not begun.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar

from .errors import RateLimited, SpeechError, Unreachable

CROWDED = frozenset({"too_many_concurrent_requests", "concurrent_limit_exceeded"})
SLOT_WAIT_S = 1.0
FIRST_WAIT_S = 0.5
T = TypeVar("T")


def pause(error: SpeechError, repeats: int, jitter: float) -> float | None:
    """Seconds to wait before asking again, None to give up.

    `repeats` counts how often this kind of failure was repeated already; `jitter` is 0 to 1.
    """
    spread = 0.75 + jitter / 2
    if not error.retryable:
        return None
    crowded = error.reason in CROWDED
    if repeats >= (8 if crowded else 3 if isinstance(error, RateLimited) else 2):
        return None
    if error.retry_after is not None:
        return error.retry_after
    return SLOT_WAIT_S * spread if crowded else FIRST_WAIT_S * 2**repeats * spread


async def asked_again(
    ask: Callable[[], Awaitable[T]],
    *,
    within: float,
    sleep: Callable[[float], Awaitable[None]],
    random: Callable[[], float],
) -> T:
    """`ask`'s answer, asked as often as the table allows within so many seconds in all.

    Raises what `ask` raised last, or Unreachable when the time is over.
    """
    end = asyncio.get_running_loop().time() + within
    try:
        async with asyncio.timeout_at(end):
            return await _repeated(ask, end, sleep, random)
    except TimeoutError:
        hint = f"No answer within {within:g} s: raise voice.timeout_s or add a fallback voice."
        raise Unreachable("timeout", hint=hint) from None


async def _repeated(
    ask: Callable[[], Awaitable[T]],
    end: float,
    sleep: Callable[[float], Awaitable[None]],
    random: Callable[[], float],
) -> T:
    repeats: Counter[str] = Counter()
    while True:
        try:
            return await ask()
        except SpeechError as error:
            kind = "crowded" if error.reason in CROWDED else type(error).__name__
            wait = pause(error, repeats[kind], random())
            if wait is None or wait >= end - asyncio.get_running_loop().time():
                raise
            repeats[kind] += 1
        await sleep(wait)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (seconds or a date; header names in lower case).

    A date is measured against the answer's own `date`, so that a clock of ours that is wrong does no harm.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, (_date(headers["retry-after"]) - _date(headers["date"])))
    except (KeyError, ValueError):
        return None


def _date(value: str) -> float:
    return parsedate_to_datetime(value).timestamp()
