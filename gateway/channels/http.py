"""The API as a channel: replies wait in the transcript and, with a callback, are POSTed to it.

Signed by Standard Webhooks (spec of 2026): `webhook-id` is equal on each retry and makes the call safe to repeat, so
every failure but 410 is tried again on the published schedule.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import orjson
from standardwebhooks.webhooks import Webhook

from gateway.channels.base import Capabilities, ChannelError, Outgoing, Sent, Then
from gateway.outbound import client
from gateway.rules.addresses import problem_with
from gateway.transcript import rfc3339

SCHEDULE = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds before each retry, after the first try."""
LONGEST = 24 * 3600
"""Seconds: what is asked for beyond it would stop this contact's lane for good."""
TIMEOUT = 20.0
SLOW_DOWN = (429, 502, 503, 504)
READ_BY_OTHERS = Capabilities(pull=True)
PUSHED_WHOLE = Capabilities(whole_reply=True)


@dataclass(frozen=True, slots=True)
class Api:
    """No callback: the reply is fetched by whoever asked."""

    name: str
    capabilities: Capabilities = READ_BY_OTHERS

    async def send(self, outgoing: Outgoing) -> Sent:
        return Sent()

    async def close(self) -> None:
        return None


@dataclass(slots=True)
class Callback:
    """Every reply as one signed POST."""

    name: str
    url: str
    secret: str = field(repr=False)
    allow_private: bool = False
    now: Callable[[], float] = time.time
    """Seconds since the epoch, for the signature."""
    capabilities: Capabilities = PUSHED_WHOLE
    _session: aiohttp.ClientSession | None = None
    _stopped: bool = False

    async def send(self, outgoing: Outgoing) -> Sent:
        if self._stopped:
            raise ChannelError("callback_gone", Then.GIVE_UP, hint="the callback answered 410 before")
        if problem := problem_with(self.url, allow_private=self.allow_private):
            raise ChannelError("callback_refused", Then.GIVE_UP, hint=f"callback_url {problem}")
        try:
            body = self._body(outgoing)
            headers = self._headers(outgoing.id, body)
            async with self._client().post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                return self._read(answer, outgoing.attempt)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._again(type(error).__name__, outgoing.attempt) from None

    def _body(self, outgoing: Outgoing) -> bytes:
        at = rfc3339(round(self.now() * 1000))
        return orjson.dumps({"type": "reply.created", "timestamp": at, "data": outgoing.reply})

    def _headers(self, id: str, body: bytes) -> dict[str, str]:
        at = datetime.fromtimestamp(int(self.now()), UTC)
        return {
            "content-type": "application/json",
            "user-agent": "recado",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(id, at, body.decode()),
        }

    def _read(self, answer: aiohttp.ClientResponse, attempt: int) -> Sent:
        if 200 <= answer.status < 300:
            return Sent()
        if answer.status == 410:
            self._stopped = True
            raise ChannelError("callback_gone", Then.GIVE_UP, hint="the callback answered 410: it is off")
        asked = answer.headers.get("retry-after", "") if answer.status in SLOW_DOWN else ""
        raise self._again(f"http_{answer.status}", attempt, int(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else 0)

    def _again(self, reason: str, attempt: int, at_least: float = 0) -> ChannelError:
        if attempt > len(SCHEDULE):
            return ChannelError(reason, Then.GIVE_UP, hint="the callback failed on every try")
        wait = min(max(SCHEDULE[attempt - 1], at_least), LONGEST)
        return ChannelError(reason, Then.AGAIN, retry_after=wait, hint=f"check callback_url of channel {self.name}")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = client(allow_private=self.allow_private, timeout=TIMEOUT)
        return self._session

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None
