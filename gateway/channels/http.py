"""The API as a channel: replies wait in the transcript and, with a callback, are POSTed to it.

Signed (`signing.py`): `webhook-id` is equal on each retry and makes the call safe to repeat, so every failure but 410
is tried again on the published schedule.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from gateway import signing
from gateway.channels.base import Capabilities, ChannelError, Outgoing, Sent, Then
from gateway.outbound import client
from gateway.rules.addresses import problem_with

SCHEDULE = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds before each retry, after the first try."""
LONGEST = 24 * 3600
"""Seconds: what is asked for beyond it would stop this contact's lane for good."""
TIMEOUT = 20.0
READ_BY_OTHERS = Capabilities(pull=True)
ASKED_BY_OTHERS = Capabilities(pull=True, asked_only=True)
"""Of a door at which each answer belongs to a request."""
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
            return self._read(await self._post(outgoing), outgoing.attempt)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._again(type(error).__name__, outgoing.attempt) from None

    async def _post(self, outgoing: Outgoing) -> signing.Answer:
        now = self.now()
        body = signing.payload("reply.created", round(now * 1000), outgoing.reply)
        return await signing.post(self._client(), self.url, body, id=outgoing.id, secret=self.secret, now=now)

    def _read(self, answer: signing.Answer, attempt: int) -> Sent:
        if answer.taken:
            return Sent()
        if answer.gone:
            self._stopped = True
            raise ChannelError("callback_gone", Then.GIVE_UP, hint="the callback answered 410: it is off")
        raise self._again(f"http_{answer.status}", attempt, answer.retry_after)

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
