"""What we tell somebody's server: one POST, signed by Standard Webhooks (spec of 2026).

`webhook-id` is equal on each retry and makes the call safe to repeat; the timestamp is each try's own. Nothing is
followed, and of the answer only status and `Retry-After` are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
from standardwebhooks.webhooks import Webhook

from gateway.transcript import rfc3339

SLOW_DOWN = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: int = 0
    """Seconds that were asked for; 0 when none were, or when this status does not ask."""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Nothing more is wanted at this address."""
        return self.status == 410


def payload(type: str, at_ms: int, data: Mapping[str, Any]) -> bytes:
    """`{"type","timestamp","data"}`. `at_ms`: milliseconds since the epoch."""
    return orjson.dumps({"type": type, "timestamp": rfc3339(at_ms), "data": data})


async def post(session: aiohttp.ClientSession, url: str, body: bytes, *, id: str, secret: str, now: float) -> Answer:
    """One try. `now`: seconds since the epoch. Raises aiohttp.ClientError, OSError and TimeoutError."""
    signed = headers(id, body, secret=secret, now=now)
    async with session.post(url, data=body, headers=signed, allow_redirects=False) as answer:
        asked = answer.headers.get("retry-after", "") if answer.status in SLOW_DOWN else ""
        return Answer(answer.status, int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else 0)


def headers(id: str, body: bytes, *, secret: str, now: float) -> dict[str, str]:
    at = datetime.fromtimestamp(int(now), UTC)
    return {
        "content-type": "application/json",
        "user-agent": "recado",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
    }
