"""Trouble the operator should hear of once, with its cause and its cure, and once more when it is over.

An incident belongs to a part: a voice that is out, a channel that refuses voice notes. Whoever meets the trouble says
`open`, as often as it is met, and `close` when the part works again; what is told is decided here. To tell is a log
line, a metric, a line of `/readyz` and, with `[server.alerts]`, a signed POST (`signing.py`; docs/deploy.md has its
shape) that leaves in the background. Nothing here waits or fails in the way of a turn.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from gateway import signing
from gateway.columns import plain
from gateway.config import Server
from gateway.outbound import client
from gateway.telemetry import Telemetry
from gateway.transcript import rfc3339

log = logging.getLogger(__name__)

KINDS = ("assistant", "voice", "channel", "desk")
"""What the first word of a part may be, to be counted as such."""
CODE = re.compile(r"[a-z][a-z0-9_]{0,47}")
REASONS = 60
"""Different reasons that are counted by name: some are a provider's own words, and a metric must not grow with them."""
PART, REASON, HINT = 300, 100, 500
"""Characters at most of each."""

SCHEDULE = (5, 30, 2 * 60, 10 * 60)
"""Seconds before each retry of an alert, after the first try."""
LONGEST = 30 * 60
"""Seconds: an alert that is later than this alerts nobody."""
TIMEOUT = 20.0
WAITING = 100
"""Alerts that wait behind the one under way."""
GONE = "http_410"
"""Nothing more is wanted at this address."""
LAST = 1.0
"""Seconds for what is under way when everything ends."""


@dataclass(frozen=True, slots=True)
class Incident:
    part: str
    """Its kind and what tells it from others: `voice elevenlabs/… (queue …)`, `channel vendas`."""
    reason: str
    """A short code."""
    hint: str
    """What the operator can do about it."""
    since_ms: int
    """Milliseconds since the epoch; of the first reason, whatever came after it."""

    def line(self, now_ms: int) -> str:
        """`voice X is out: quota_exceeded. Buy characters. (since 10:31 UTC)`"""
        sentence = self.hint and f" {self.hint.rstrip('.')}."
        verb = " is out" if _kind(self.part) == "voice" else ""
        return f"{self.part}{verb}: {self.reason}.{sentence} (since {_clock(self.since_ms, now_ms)})"


@dataclass(slots=True)
class _Episode:
    """From open to close."""

    incident: Incident
    told: set[str] = field(default_factory=set)
    """Reasons."""


class Incidents:
    """Those that are open, by part. To be asked on the event loop alone."""

    def __init__(
        self, telemetry: Telemetry, alerts: Alerts | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        """`now`: seconds since the epoch."""
        self._telemetry, self._alerts, self._now = telemetry, alerts, now
        self._episodes: dict[str, _Episode] = {}
        self._counted: set[str] = set()

    @classmethod
    def of(cls, server: Server, telemetry: Telemetry) -> Incidents:
        """As configured."""
        secret = server.alerts.secret.get_secret_value()
        if not server.alerts.url:
            return cls(telemetry)
        return cls(telemetry, Alerts(server.alerts.url, secret, telemetry, allow_private=server.allow_private_urls))

    def open(self, part: str, reason: str, hint: str) -> None:
        """Trouble was met. Each reason is told once until the part is closed; what `lines` say is always the latest."""
        part, reason, hint = _plain(part, PART), _plain(reason, REASON), _plain(hint, HINT)
        known = self._episodes.get(part)
        incident = Incident(part, reason, hint, known.incident.since_ms if known else self._now_ms())
        episode = self._episodes.setdefault(part, _Episode(incident))
        episode.incident = incident
        if reason not in episode.told:
            episode.told.add(reason)
            self._telemetry.incidents.labels(_kind(part), self._counted_as(reason)).inc()
            log.error(incident.line(self._now_ms()), extra={"facts": _facts(incident)})
            self._tell("incident.opened", incident)

    def close(self, part: str) -> None:
        """The part works. Nothing happens when it was not in trouble."""
        episode = self._episodes.pop(_plain(part, PART), None)
        if episode is not None:
            log.info(f"{episode.incident.part} works again", extra={"facts": _facts(episode.incident)})
            self._tell("incident.closed", episode.incident)

    @property
    def lines(self) -> list[str]:
        """One for each that is open, the oldest first, and one when alerts do not arrive."""
        lines = [episode.incident.line(self._now_ms()) for episode in self._episodes.values()]
        return [*lines, *([self._alerts.trouble] if self._alerts and self._alerts.trouble else [])]

    async def aclose(self) -> None:
        """Alerts under way get a moment. What is open stays so: it is not over because we end."""
        if self._alerts is not None:
            await self._alerts.close()

    def _tell(self, type: str, incident: Incident) -> None:
        self._telemetry.incidents_open.set(len(self._episodes))
        if self._alerts is not None:
            self._alerts.tell(type, incident)

    def _counted_as(self, reason: str) -> str:
        code = reason.partition(":")[0]
        if not CODE.fullmatch(code) or (code not in self._counted and len(self._counted) >= REASONS):
            return "other"
        self._counted.add(code)
        return code

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


@dataclass(frozen=True, slots=True)
class Alert:
    """One telling on its way."""

    id: str
    """`webhook-id`, equal on each try."""
    type: str
    incident: Incident
    body: bytes = field(repr=False)


class Alerts:
    """Takes each telling to the operator's server, one after the other, so that they arrive in order.

    They are in memory only: what an operator must know for good is in the log.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        telemetry: Telemetry,
        *,
        allow_private: bool = False,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        new_id: Callable[[], str] = lambda: f"alert_{secrets.token_hex(12)}",
        timeout: float = TIMEOUT,
        last: float = LAST,
    ) -> None:
        """`now`: seconds since the epoch. `timeout`: seconds for one try. `last`: see LAST."""
        self.trouble = ""
        """Why alerts do not arrive, as a line for the operator; empty while they do."""
        self._url, self._secret, self._telemetry = url, secret, telemetry
        self._allow_private, self._timeout, self._last = allow_private, timeout, last
        self._now, self._sleep, self._new_id = now, sleep, new_id
        self._waiting: deque[Alert] = deque()
        self._under_way: Alert | None = None
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def tell(self, type: str, incident: Incident) -> None:
        """On the event loop; returns at once. The oldest that waits makes room when too many do."""
        body = signing.payload(type, round(self._now() * 1000), _data(incident))
        alert = Alert(self._new_id(), type, incident, body)
        if self._over:
            self._lose(alert, "dropped")
            return
        if len(self._waiting) >= WAITING:
            self._lose(self._waiting.popleft(), "dropped")
        self._waiting.append(alert)
        if self._task is None or self._task.done():
            # In a context of its own: what the turn that met the trouble says of itself is not said of every alert.
            self._task = asyncio.create_task(self._deliver(), name="alerts", context=Context())

    async def close(self) -> None:
        """What is under way or waits gets a moment; the rest is logged as lost. Safe to call twice."""
        self._over = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._last)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._lose_all("failed")
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _deliver(self) -> None:
        while self._waiting:
            self._under_way = self._waiting.popleft()
            await self._carry(self._under_way)

    async def _carry(self, alert: Alert) -> None:
        problem, asked = await self._try(alert)
        for pause in SCHEDULE:
            if problem in ("", GONE):
                break
            log.info("an alert is tried again", extra={"facts": {**_named(alert), "problem": problem}})
            await self._sleep(min(max(pause, asked), LONGEST))
            problem, asked = await self._try(alert)
        self._under_way = None
        self._ended(alert, problem)

    def _ended(self, alert: Alert, problem: str) -> None:
        if not problem:
            self.trouble = ""
            self._telemetry.alerts.labels("delivered").inc()
        elif problem == GONE:
            self._stop(alert)
        else:
            self.trouble = f"alerts do not arrive: {problem}. Check url in [server.alerts]."
            self._lose(alert, "failed", problem)

    async def _try(self, alert: Alert) -> tuple[str, float]:
        """Why it did not arrive, or nothing; and the seconds it should wait, when the server said so."""
        try:
            if self._session is None:
                self._session = client(allow_private=self._allow_private, timeout=self._timeout)
            answer = await signing.post(
                self._session, self._url, alert.body, id=alert.id, secret=self._secret, now=self._now()
            )
        except Exception as error:  # whatever it is, the next one is tried; its text may hold the address
            return type(error).__name__, 0
        return "" if answer.taken else f"http_{answer.status}", answer.retry_after

    def _stop(self, alert: Alert) -> None:
        self.trouble = (
            "alerts are off: their address answered 410. Change url in [server.alerts] and start recado again."
        )
        log.error(self.trouble)
        self._over = True
        self._lose(alert, "dropped", GONE)
        self._lose_all("dropped")

    def _lose_all(self, result: str) -> None:
        under_way, self._under_way = self._under_way, None
        for alert in [*([under_way] if under_way else []), *self._waiting]:
            self._lose(alert, result)
        self._waiting.clear()

    def _lose(self, alert: Alert, result: str, problem: str = "") -> None:
        self._telemetry.alerts.labels(result).inc()
        facts = {**_named(alert), **({"problem": problem} if problem else {})}
        log.warning("an alert was not delivered", extra={"facts": facts})


def _plain(text: str, most: int) -> str:
    """One line that is not too long and can be written anywhere, a terminal that obeys it included."""
    return plain(text.encode("utf-8", "replace").decode())[:most]


def _kind(part: str) -> str:
    kind = part.partition(" ")[0]
    return kind if kind in KINDS else "other"


def _clock(at_ms: int, now_ms: int) -> str:
    at, now = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (at_ms, now_ms))
    return at.strftime("%H:%M UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC")


def _data(incident: Incident) -> dict[str, str]:
    since = rfc3339(incident.since_ms)
    return {"part": incident.part, "reason": incident.reason, "hint": incident.hint, "since": since}


def _facts(incident: Incident) -> dict[str, str]:
    return {"incident": incident.part, "reason": incident.reason, "since": rfc3339(incident.since_ms)}


def _named(alert: Alert) -> dict[str, str]:
    return {"alert": alert.id, "type": alert.type, "incident": alert.incident.part, "reason": alert.incident.reason}
