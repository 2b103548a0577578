"""Trouble is told once when it begins, once for each new cause, and once when it is over."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateway.config import AlertSettings, Server
from gateway.incidents import LONGEST, SCHEDULE, WAITING, Alerts, Incident, Incidents
from gateway.telemetry import Telemetry, about
from tests.fakes.callback import SECRET

NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC"""
VOICE = "voice elevenlabs/abc/flash (queue vendas)"
HINT = "Buy characters"
ROOT = Path(__file__).parents[1]

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operator:
    """Somebody's server that takes alerts: it keeps what it got and answers as it was told; then 204."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        """(path, headers in lower case, body)"""
        self.arrivals: asyncio.Queue[None] = asyncio.Queue()
        self.closing = asyncio.Event()
        self._script: deque[Answer] = deque()

    def answer(self, *answers: int | Answer, **headers: str) -> None:
        self._script.extend(status(one, headers) if isinstance(one, int) else one for one in answers)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """Of every call, its signature looked at by the independent library (which also looks at the time)."""
        return [Webhook(SECRET).verify(body, headers) for _, headers, body in self.seen]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.seen]

    async def hang(self, request: web.Request) -> web.StreamResponse:
        await self.closing.wait()
        return web.Response(status=503)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/alerts?token=hidden-in-url"

    async def stop(self) -> None:
        self.closing.set()
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.path, headers, await request.read()))
        self.arrivals.put_nowait(None)
        return await (self._script.popleft() if self._script else status(204, {}))(request)


def status(code: int, headers: dict[str, str]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return answer


class Pauses:
    """Instead of sleeping: what was asked for is written down, and when to go on is told."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.free = asyncio.Event()
        self.free.set()
        self.reached = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.reached.set()
        await self.free.wait()


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    running = Operator()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


Build = Callable[..., Incidents]


@pytest.fixture
async def build(operator: Operator, telemetry: Telemetry, pauses: Pauses) -> AsyncIterator[Build]:
    """Incidents whose alerts go to the operator; closed whatever happens."""
    built: list[Incidents] = []

    def made(url: str = "", **more: Any) -> Incidents:
        settings = {"allow_private": True, "sleep": pauses, **more}
        built.append(Incidents(telemetry, Alerts(url or operator.url, SECRET, telemetry, **settings)))
        return built[-1]

    yield made
    for incidents in built:
        await incidents.aclose()


async def settled(incidents: Incidents) -> None:
    """Every alert arrived or was given up."""
    assert incidents._alerts is not None
    assert incidents._alerts._task is not None
    await incidents._alerts._task


def counted(telemetry: Telemetry, name: str, **labels: str) -> float:
    return telemetry.registry.get_sample_value(name, labels) or 0.0


# -- what is told ------------------------------------------------------------------------------------


class Told:
    """Stands where alerts leave: what was told, in order."""

    trouble = ""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def tell(self, type: str, incident: Incident) -> None:
        self.events.append((type.removeprefix("incident."), incident.part, incident.reason))


def watched(now: Callable[[], float] = lambda: NOON) -> tuple[Incidents, list[tuple[str, str, str]]]:
    told = Told()
    return Incidents(Telemetry(), told, now=now), told.events  # type: ignore[arg-type]


A, B = "voice a", "channel b"
EPISODES: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, str, str]]]] = {
    "met again and again": ([(A, "quota")] * 3, [("opened", A, "quota")]),
    "never open": ([(A,)], []),
    "over once": ([(A, "quota"), (A,), (A,)], [("opened", A, "quota"), ("closed", A, "quota")]),
    "another cause": ([(A, "quota"), (A, "key")], [("opened", A, "quota"), ("opened", A, "key")]),
    "an old cause again": (
        [(A, "quota"), (A, "key"), (A, "quota"), (A,)],
        [("opened", A, "quota"), ("opened", A, "key"), ("closed", A, "quota")],
    ),
    "a new episode": (
        [(A, "quota"), (A,), (A, "quota")],
        [("opened", A, "quota"), ("closed", A, "quota"), ("opened", A, "quota")],
    ),
    "two parts": (
        [(A, "quota"), (B, "quota"), (A,)],
        [("opened", A, "quota"), ("opened", B, "quota"), ("closed", A, "quota")],
    ),
}


def lived(incidents: Incidents, moments: list[tuple[str, ...]]) -> None:
    """(part, reason) opens, (part,) closes."""
    for part, *reason in moments:
        if reason:
            incidents.open(part, reason[0], HINT)
        else:
            incidents.close(part)


@pytest.mark.parametrize(("moments", "expected"), EPISODES.values(), ids=list(EPISODES))
def test_each_is_told_once(moments: list[tuple[str, ...]], expected: list[tuple[str, str, str]]) -> None:
    incidents, told = watched()
    lived(incidents, moments)
    assert told == expected


REASONS = st.sampled_from(["quota", "key", "gone"])
PARTS = st.sampled_from([A, B, "queue c"])


@given(st.lists(st.one_of(st.tuples(PARTS, REASONS), st.tuples(PARTS)), max_size=30))
def test_any_life_of_trouble(moments: list[tuple[str, ...]]) -> None:
    """Seen from outside, part by part: an episode is what lies between two closings; it tells every reason it had, in
    the order it met them, and its end."""
    incidents, told = watched()
    lived(incidents, moments)
    for part in {moment[0] for moment in moments}:
        episodes: list[list[str]] = [[]]
        expected: list[tuple[str, str]] = []
        for moment in (m for m in moments if m[0] == part):
            if len(moment) == 2:
                episodes[-1].append(moment[1])
            else:
                episodes.append([])
        for n, reasons in enumerate(episodes):
            expected += [("opened", reason) for reason in dict.fromkeys(reasons)]
            expected += [("closed", reasons[-1])] if reasons and n < len(episodes) - 1 else []
        assert [(type, reason) for type, of, reason in told if of == part] == expected
    is_open = {moment[0]: len(moment) == 2 for moment in moments}
    assert sorted(line.split(":")[0].removesuffix(" is out") for line in incidents.lines) == sorted(
        part for part, still in is_open.items() if still
    )
    assert counted(incidents._telemetry, "recado_incidents_open") == len(incidents.lines)


# -- what is shown -----------------------------------------------------------------------------------


def test_a_line_says_what_since_when_and_what_to_do() -> None:
    time = [NOON]
    incidents, _ = watched(lambda: time[0])
    incidents.open(VOICE, "quota_exceeded", "Buy characters or take another voice.")
    incidents.open("channel vendas", "notes_refused", "")
    time[0] += 60
    assert incidents.lines == [
        f"{VOICE} is out: quota_exceeded. Buy characters or take another voice. (since 12:00 UTC)",
        "channel vendas: notes_refused. (since 12:00 UTC)",
    ]
    incidents.open(VOICE, "quota_exceeded", "Wait until Monday")  # told already, and shown as it is now
    incidents.open("channel vendas", "blocked", "Ask Meta")
    time[0] += 86_400
    assert incidents.lines == [
        f"{VOICE} is out: quota_exceeded. Wait until Monday. (since 2026-11-21 12:00 UTC)",
        "channel vendas: blocked. Ask Meta. (since 2026-11-21 12:00 UTC)",
    ]
    incidents.close(VOICE)
    incidents.close("channel vendas")
    assert incidents.lines == []


def test_the_log_has_it_with_its_facts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    incidents, _ = watched()
    lived(incidents, [(A, "quota"), (A, "quota"), (A,)])
    said = [(record.levelname, record.getMessage(), record.__dict__["facts"]) for record in caplog.records]
    facts = {"incident": A, "reason": "quota", "since": "2026-11-21T12:00:00.000Z"}
    assert said == [
        ("ERROR", f"voice a is out: quota. {HINT}. (since 12:00 UTC)", facts),
        ("INFO", "voice a works again", facts),
    ]


@pytest.mark.parametrize(
    ("part", "reason", "kind", "code"),
    [
        (VOICE, "quota_exceeded", "voice", "quota_exceeded"),
        ("channel vendas", "http_503", "channel", "http_503"),
        ("voices of doom", "x: and more", "other", "x"),
        ("", "", "other", "other"),
        ("voice a", "Sorry, you are out of luck", "voice", "other"),
        ("voice a", "a" * 49, "voice", "other"),
    ],
)
def test_it_is_counted_under_a_few_names(part: str, reason: str, kind: str, code: str) -> None:
    incidents, _ = watched()
    lived(incidents, [(part, reason)] * 2)
    assert counted(incidents._telemetry, "recado_incidents_total", part_kind=kind, reason=code) == 1


def test_a_provider_that_invents_reasons_does_not_fill_the_metrics() -> None:
    incidents, told = watched()
    lived(incidents, [(A, f"reason_{n}") for n in range(500)])
    assert len(told) == 500
    [metric] = [m for m in incidents._telemetry.registry.collect() if m.name == "recado_incidents"]
    assert len({sample.labels["reason"] for sample in metric.samples}) == 61
    assert counted(incidents._telemetry, "recado_incidents_total", part_kind="voice", reason="other") == 440


async def test_what_providers_say_is_one_short_line_that_can_be_written(operator: Operator, build: Build) -> None:
    incidents = build()
    incidents.open("voice a\n\tb", "bad\ud800\x00\n" + "x" * 10_000, "do\r\nthis " + "y" * 10_000)
    incidents.close("voice a b")
    await settled(incidents)
    opened, closed = operator.payloads
    assert opened["data"]["part"] == "voice a b"
    assert opened["data"]["reason"].startswith("bad?")
    assert opened["data"]["hint"].startswith("do this y")
    assert max(len(body) for _, _, body in operator.seen) < 1500
    assert closed["data"] == opened["data"]


# -- what is posted ----------------------------------------------------------------------------------


async def test_both_ends_are_posted_signed_and_in_order(operator: Operator, build: Build, telemetry: Telemetry) -> None:
    incidents = build()
    incidents.open(VOICE, "quota_exceeded", HINT)
    incidents.close(VOICE)
    await settled(incidents)
    opened, closed = operator.payloads
    since = opened["data"]["since"]
    data = {"part": VOICE, "reason": "quota_exceeded", "hint": HINT, "since": since}
    assert (opened["type"], opened["data"]) == ("incident.opened", data)
    assert (closed["type"], closed["data"]) == ("incident.closed", data)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", since)
    assert {len(set(operator.ids)), len(operator.ids)} == {2}
    assert counted(telemetry, "recado_alerts_total", result="delivered") == 2


async def test_a_signature_of_another_secret_is_none(operator: Operator, build: Build) -> None:
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    _, headers, body = operator.seen[0]
    with pytest.raises(Exception, match="No matching signature"):
        Webhook("whsec_" + "QUJD" * 8).verify(body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body.replace(b"quota", b"money"), headers)


async def test_what_failed_is_tried_again_under_the_same_id(
    operator: Operator, build: Build, pauses: Pauses, telemetry: Telemetry
) -> None:
    operator.answer(500, 302, 200, location="/elsewhere")
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    assert [path for path, _, _ in operator.seen] == ["/alerts"] * 3  # a redirect is not followed
    assert len(set(operator.ids)) == 1
    assert len({body for _, _, body in operator.seen}) == 1
    assert pauses.asked == list(SCHEDULE[:2])
    assert counted(telemetry, "recado_alerts_total", result="delivered") == 1
    assert len(incidents.lines) == 1


@pytest.mark.parametrize(
    ("code", "asked", "waited"),
    [
        (429, "600", 600),
        (503, "1", SCHEDULE[0]),
        (429, "soon", SCHEDULE[0]),
        (429, "999999999", LONGEST),
        (500, "600", SCHEDULE[0]),
    ],
)
async def test_it_waits_as_long_as_it_was_asked_to(
    operator: Operator, build: Build, pauses: Pauses, code: int, asked: str, waited: float
) -> None:
    operator.answer(code, retry_after=asked)
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    assert pauses.asked == [waited]


async def test_what_never_arrives_is_given_up_and_shown(
    operator: Operator, build: Build, pauses: Pauses, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    operator.answer(*[500] * (len(SCHEDULE) + 1))
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    assert pauses.asked == list(SCHEDULE)
    assert len(operator.seen) == len(SCHEDULE) + 1
    assert counted(telemetry, "recado_alerts_total", result="failed") == 1
    assert incidents.lines[1:] == ["alerts do not arrive: http_500. Check url in [server.alerts]."]
    [lost] = [record.__dict__["facts"] for record in caplog.records if "not delivered" in record.getMessage()]
    assert lost == {
        "alert": operator.ids[0],
        "type": "incident.opened",
        "incident": A,
        "reason": "quota",
        "problem": "http_500",
    }
    incidents.close(A)
    await settled(incidents)
    assert incidents.lines == []  # the last one arrived
    everything = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert SECRET not in everything
    assert "hidden-in-url" not in everything


async def test_who_wants_no_more_gets_no_more(
    operator: Operator, build: Build, pauses: Pauses, telemetry: Telemetry
) -> None:
    operator.answer(410)
    incidents = build()
    for part in (A, B):
        incidents.open(part, "quota", HINT)
    await settled(incidents)
    incidents.close(A)
    assert (len(operator.seen), pauses.asked) == (1, [])
    assert counted(telemetry, "recado_alerts_total", result="dropped") == 3
    assert "410" in incidents.lines[-1]


async def test_one_that_hangs_delays_nobody_and_is_let_go(
    operator: Operator, build: Build, pauses: Pauses, telemetry: Telemetry
) -> None:
    operator.answer(*[operator.hang] * (len(SCHEDULE) + 1))
    incidents = build(timeout=0.05)
    incidents.open(A, "quota", HINT)
    assert [line.split(".")[0] for line in incidents.lines] == ["voice a is out: quota"]  # told before anything is sent
    await settled(incidents)
    assert pauses.asked == list(SCHEDULE)
    assert "Timeout" in incidents.lines[-1]
    assert counted(telemetry, "recado_alerts_total", result="failed") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:7f00:1]"])
async def test_a_private_address_is_never_called(
    operator: Operator, build: Build, host: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    incidents = build(operator.url.replace("127.0.0.1", host), allow_private=False)
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    assert operator.seen == []
    assert counted(telemetry, "recado_alerts_total", result="failed") == 1
    said = [str(record.__dict__) for record in caplog.records]  # not even where, since an address may hold a password
    assert "hidden-in-url" not in "".join([*said, *incidents.lines])


async def test_a_long_answer_is_not_read(operator: Operator, build: Build) -> None:
    read_all = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        try:
            while not operator.closing.is_set():
                await response.write(b"x" * 65_536)
        except ConnectionError:
            read_all.set()
        return response

    operator.answer(endless)
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    await read_all.wait()  # they were cut off


async def test_the_oldest_makes_room(
    operator: Operator, build: Build, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    incidents = build()
    for n in range(WAITING + 3):  # nothing leaves before this test waits
        incidents.open(f"voice {n}", "quota", HINT)
    await settled(incidents)
    assert [payload["data"]["part"] for payload in operator.payloads] == [f"voice {n}" for n in range(3, WAITING + 3)]
    assert counted(telemetry, "recado_alerts_total", result="dropped") == 3
    assert counted(telemetry, "recado_alerts_total", result="delivered") == WAITING
    assert caplog.text.count("not delivered") == 3


async def test_a_surprise_is_a_failed_try(
    operator: Operator, build: Build, monkeypatch: pytest.MonkeyPatch, pauses: Pauses
) -> None:
    def broken(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("whatever")

    monkeypatch.setattr("gateway.incidents.client", broken)
    incidents = build()
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    assert (len(operator.seen), pauses.asked) == (1, [SCHEDULE[0]])


async def test_an_alert_is_not_spoken_of_as_a_turn_s(
    operator: Operator, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    from gateway.telemetry import context

    facts: list[dict[str, str]] = []

    class Looks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "tried again" in record.getMessage():
                facts.append(context.get())

    caplog.set_level(logging.INFO)
    handler = Looks()
    logging.getLogger("gateway.incidents").addHandler(handler)
    operator.answer(500)
    incidents = build()
    with about(conversation="c_1"):
        incidents.open(A, "quota", HINT)
    await settled(incidents)
    logging.getLogger("gateway.incidents").removeHandler(handler)
    assert facts == [{}]


# -- the end -----------------------------------------------------------------------------------------


async def test_what_is_under_way_at_the_end_gets_there(operator: Operator, build: Build) -> None:
    gate = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response()

    operator.answer(slow)
    incidents = build(last=30.0)
    incidents.open(A, "quota", HINT)
    incidents.open(B, "quota", HINT)
    await operator.arrivals.get()
    closing = asyncio.create_task(incidents.aclose())
    gate.set()
    await closing
    assert [payload["data"]["part"] for payload in operator.payloads] == [A, B]


async def test_what_does_not_get_there_is_logged(
    operator: Operator, build: Build, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    operator.answer(operator.hang)
    incidents = build(last=0)
    incidents.open(A, "quota", HINT)
    incidents.open(B, "quota", HINT)
    await operator.arrivals.get()
    await incidents.aclose()
    await incidents.aclose()
    incidents.close(A)
    facts = [record.__dict__["facts"] for record in caplog.records if "not delivered" in record.getMessage()]
    assert [(fact["type"], fact["incident"]) for fact in facts] == [
        ("incident.opened", A),
        ("incident.opened", B),
        ("incident.closed", A),
    ]
    assert counted(telemetry, "recado_alerts_total", result="failed") == 2
    assert counted(telemetry, "recado_alerts_total", result="dropped") == 1
    assert len(operator.seen) == 1


async def test_a_backoff_does_not_hold_up_the_end(operator: Operator, build: Build, pauses: Pauses) -> None:
    operator.answer(500)
    pauses.free.clear()
    incidents = build(last=0)
    incidents.open(A, "quota", HINT)
    await pauses.reached.wait()
    await incidents.aclose()
    assert len(operator.seen) == 1


# -- as configured -----------------------------------------------------------------------------------


async def test_as_configured(operator: Operator, telemetry: Telemetry) -> None:
    alerts = AlertSettings.model_validate({"url": operator.url, "secret": SECRET})
    incidents = Incidents.of(Server(alerts=alerts, allow_private_urls=True), telemetry)
    incidents.open(A, "quota", HINT)
    await settled(incidents)
    await incidents.aclose()
    assert operator.payloads[0]["type"] == "incident.opened"
    assert SECRET not in repr(incidents._alerts) + repr(vars(incidents))


async def test_without_an_address_nothing_is_posted(telemetry: Telemetry) -> None:
    incidents = Incidents.of(Server(), telemetry)
    incidents.open(A, "quota", HINT)
    assert len(incidents.lines) == 1
    await incidents.aclose()


def test_the_schedule_of_alerts_is_documented() -> None:
    words = [f"{s} s" if s < 60 else f"{s // 60} min" for s in SCHEDULE]
    page = " ".join((ROOT / "docs/deploy.md").read_text("utf-8").split())
    assert ", ".join(words[:-1]) + f" and {words[-1]} with the same `webhook-id`" in page
    assert f"At most {WAITING} wait" in page
