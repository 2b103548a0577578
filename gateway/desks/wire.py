"""How an adapter calls its desk: each call is made once, follows nothing, and what answers is bounded.

    Wired       the session, made with the first call; and one call whose answer is a JSON object
    unreached   a call without an answer, as the desk's own error
    Service     what becomes of a call that the desk turned away, where nothing of that is the desk's alone

An adapter keeps what is its own: address, key, reasons, and the hints its operator reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.desks.base import DeskError
from gateway.outbound import PrivateAddress, client, json_object

MEND = 60.0
"""Seconds until a call is tried again that an operator has to mend something for: people wait."""
PRIVATE = "handoff.desk.url leads to a private address; set server.allow_private_urls = true if that is meant"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Mapping[str, Any] | None
    """None when it is no JSON object."""
    headers: Mapping[str, str]

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300 and self.body is not None

    @property
    def wait(self) -> float | None:
        """Seconds, of Retry-After."""
        return retry_after(self.headers)


@dataclass(slots=True, kw_only=True, eq=False)
class Wired:
    allow_private: bool
    _session: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    def _client(self, within: float) -> aiohttp.ClientSession:
        """`within`: seconds for one call, by the first who asks."""
        if self._session is None:
            self._session = client(allow_private=self.allow_private, timeout=within)
        return self._session

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], *, within: float, most: int, **request: Any
    ) -> Answer:
        """`within`: seconds; `most`: bytes of the answer. Raises what aiohttp raises, and OSError."""
        options: Any = {"headers": {"user-agent": "recado", **headers}, "allow_redirects": False}
        async with self._client(within).request(method, url, **options, **request) as answer:
            return Answer(answer.status, await json_object(answer, most), answer.headers)

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None


@dataclass(frozen=True, slots=True)
class Service:
    """In an operator's words."""

    name: str
    refused: str
    """The key is not taken: which one, and where another is made."""
    address: str
    """Something else answers: how the address is written."""

    def unreached(self, error: Exception) -> DeskError:
        silent = f"{self.name} did not answer; {self.address}"
        return unreached(error, private=PRIVATE, silent=silent, reason=type(error).__name__)

    def turned_away(self, answer: Answer, wait: float | None, *, knows: bool) -> DeskError | None:
        """None: what was sent is what is refused. `wait`: seconds, if this one is busy. `knows`: a 404 is in the desk's
        words, and no stranger's."""
        reason = f"http_{answer.status}"
        if answer.status in (401, 403):
            return DeskError(reason, retryable=True, retry_after=MEND, hint=self.refused)
        if 300 <= answer.status < 400 or (answer.status == 404 and not knows):
            return DeskError(reason, retryable=True, retry_after=MEND, hint=self.address)
        if 200 <= answer.status < 300:
            return DeskError("not_json", retryable=True, hint=f"what answers is no {self.name}; {self.address}")
        if answer.status in (408, 409, 423, 425, 429) or answer.status >= 500:
            return DeskError(reason, retryable=True, retry_after=wait)
        return None


def address_refused(problem: str) -> DeskError:
    """By `rules.addresses.problem_with`, before anything is called."""
    return DeskError("address_refused", retryable=True, retry_after=MEND, hint=f"handoff.desk.url {problem}")


def unreached(error: Exception, *, private: str, silent: str, reason: str = "") -> DeskError:
    """The error's own words name addresses, which may hold a key, and are never shown. `private`, `silent`: the hints
    for an address inside and for anything else; `reason`: of the latter, `timeout` or the error's kind if empty."""
    if is_private(error):
        return DeskError("private_address", retryable=True, retry_after=MEND, hint=private)
    return DeskError(reason or named(error), retryable=True, hint=silent)


def is_private(error: Exception) -> bool:
    return isinstance(getattr(error, "os_error", error), PrivateAddress)


def named(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


def retry_after(headers: Mapping[str, str], most: float | None = None) -> float | None:
    """Seconds; None where nothing is asked, or in no such number. More than `most` is `most`; without it, a number of
    more than six digits is none."""
    told = headers.get("retry-after", "")
    if most is None:
        return float(told) if re.fullmatch(r"[0-9]{1,6}", told) else None
    return min(float(told), most) if re.fullmatch(r"[0-9]{1,12}", told) else None


# -- shapes ----------------------------------------------------------------------------------------


def object_in(of: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    found = of.get(key) if of else None
    return found if isinstance(found, dict) else {}


def objects_in(of: Mapping[str, Any] | None, key: str) -> list[Mapping[str, Any]]:
    return objects(of.get(key) if of else None)


def objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
