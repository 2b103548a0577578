"""Actions: what a flow has done in somebody's system, by one signed POST. Its answer decides where the flow goes on.

    {"type": "action.called", "timestamp": …, "data": {"action", "arguments", "conversation", "contact", "call"}}

`webhook-id` is `data.call`, equal however often a turn is repeated: whoever takes it can do it once. The answer is 2xx
with `{"value": a text, a number, true or false}`, or with nothing. A call is tried once; the flow has an `else`.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from gateway import signing
from gateway.config import ActionSettings
from gateway.incidents import Incidents
from gateway.outbound import PrivateAddress, client
from gateway.rules.flows import Call, Result
from storage.model import Conversation

LARGEST = 64 * 1024
"""Bytes of an answer."""


class Actions:
    """Those of one queue."""

    def __init__(
        self,
        actions: Sequence[ActionSettings],
        incidents: Incidents,
        *,
        queue: str,
        allow_private: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`queue`: its name, for the operator. `now`: seconds since the epoch, for the signature."""
        self._actions = {action.name: action for action in actions}
        self._incidents, self._queue = incidents, queue
        self._allow_private, self._now = allow_private, now
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, call: Call, conversation: Conversation, *, id: str, within_s: float | None) -> Result:
        """What became of it, also when that is a failure: raises nothing of the wire.

        `id`: the idempotency key. `within_s`: seconds the step waits, None as long as the action may take.
        """
        action = self._actions.get(call.action)
        if action is None:
            return Result(call.id, failed="unknown_action")
        result = await self._tried(action, call, _told(call, conversation, id), id, within_s)
        self._tell(action, result)
        return result

    async def _tried(
        self, action: ActionSettings, call: Call, told: Mapping[str, Any], id: str, within_s: float | None
    ) -> Result:
        try:
            async with asyncio.timeout(min(action.timeout_s, within_s or math.inf)):
                return await self._posted(action, call, told, id)
        except TimeoutError:
            return Result(call.id, failed="timeout")
        except (aiohttp.ClientError, OSError) as error:
            return Result(call.id, failed="private_address" if _leads_inside(error) else "unreachable")

    async def _posted(self, action: ActionSettings, call: Call, told: Mapping[str, Any], id: str) -> Result:
        now = self._now()
        body = signing.payload("action.called", round(now * 1000), told)
        signed = signing.headers(id, body, secret=action.secret.get_secret_value(), now=now)
        async with self._client().post(action.url, data=body, headers=signed, allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                return Result(call.id, failed=f"http_{answer.status}")
            return _result(call.id, await _bounded(answer))

    def _tell(self, action: ActionSettings, result: Result) -> None:
        """A request that was understood and refused (404, no such order) is an answer; the rest is the operator's."""
        part = f"action {self._queue}.{action.name}"
        if not result.failed:
            self._incidents.close(part)
        elif not re.fullmatch(r"http_4(?!01|03)\d\d", result.failed):
            hint = f"Look at what answers at queues.{self._queue}.actions.{action.name}.url"
            self._incidents.open(part, result.failed, hint)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = client(allow_private=self._allow_private, timeout=60.0)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _told(call: Call, conversation: Conversation, id: str) -> dict[str, Any]:
    contact = {"id": conversation.contact, "name": conversation.name, "channel": conversation.channel}
    return {
        "action": call.action,
        "arguments": dict(call.arguments),
        "conversation": conversation.id,
        "contact": contact,
        "call": id,
    }


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    """At most one byte more than may be."""
    read = bytearray()
    while len(read) <= LARGEST and (piece := await answer.content.read(LARGEST + 1 - len(read))):
        read += piece
    return bytes(read)


def _result(call: str, body: bytes) -> Result:
    if len(body) > LARGEST:
        return Result(call, failed="too_large")
    if not body.strip():
        return Result(call)
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Result(call, failed="nonsense")
    value: Any = said.get("value") if isinstance(said, dict) else []
    return Result(call, value) if _is_value(value) else Result(call, failed="nonsense")


def _is_value(value: Any) -> bool:
    """None is: nothing was said."""
    return value is None or isinstance(value, str | bool) or (isinstance(value, int | float) and abs(value) < 1e15)


def _leads_inside(error: BaseException) -> bool:
    causes = (error, error.__cause__, getattr(error, "os_error", None))
    return any(isinstance(cause, PrivateAddress) for cause in causes)
