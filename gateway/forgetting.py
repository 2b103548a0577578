"""What `storage.keep_days` says: old messages go, a little at a time, in nobody's way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from gateway.telemetry import Telemetry
from storage.media import MediaStore
from storage.retention import DAY, Books, Retention
from storage.store import StoreError
from tts.profiles import PROFILES

log = logging.getLogger("recado.forgetting")

FORMS = (".mp3", *(f".{name}" for name in PROFILES))
"""In which a blob may lie beside itself."""
SHARE = 4
"""So many times as long as a piece of work took is rested after it: a fifth of one connection at most."""
LEAST_REST = 0.02
"""Seconds: at most a hundred and eighty thousand pieces an hour."""
BETWEEN = 3600.0
"""Seconds between two walks, and after one that broke."""

Rest = Callable[[float], Awaitable[object]]


def retention(books: Books, media: MediaStore, keep_days: int, telemetry: Telemetry) -> Retention:
    def count(what: str, many: int) -> None:
        telemetry.forgotten.labels(what).inc(many)

    return Retention(books, media, keep_days * DAY, FORMS, count)


async def forget(retention: Retention, telemetry: Telemetry, *, rest: Rest = asyncio.sleep) -> None:
    """Walk after walk, until cancelled. One that breaks is begun again later: what it did stays done."""
    while True:
        try:
            await _walked(retention, rest)
        except (StoreError, OSError) as error:
            log.warning("what is old cannot be taken away now", extra={"facts": {"error": str(error)}})
        except Exception as error:
            telemetry.failures.labels(type(error).__name__).inc()
            log.exception("taking away what is old broke")
        await rest(BETWEEN)


async def _walked(retention: Retention, rest: Rest) -> None:
    began = time.monotonic()
    async for _ in retention.walk():
        await rest(max(LEAST_REST, SHARE * (time.monotonic() - began)))
        began = time.monotonic()
