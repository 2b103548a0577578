"""Everything a voice can do wrong, wherever it stands in the ladder: the answer arrives, once, and the operator is told
once.

One gateway for all: each case is a queue of its own with voices of its own, asked three questions in a row. The rows
are those of the providers' error tables, and what networks and proxies add to them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from gateway import equipment
from gateway.app import Gateway
from gateway.config import parse
from tests.fakes import elevenlabs as eleven
from tests.fakes import sounds, speech
from tests.fakes.callback import SECRET
from tests.fakes.elevenlabs import FakeElevenLabs, detail, older
from tests.fakes.openai import FakeOpenAI
from tests.fakes.speech import FakeSpeech
from tests.fakes.wire import EMPTY, HANG, HTML, RESET, TROUBLE, Call, Fault, answer, cut, refused
from tests.story.running import ADMIN, Contact
from tts import retrying
from tts.health import Health

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK, SLOW = "eleven_flash_v2_5", "eleven_multilingual_v2"
AT_ONCE, AT_THE_THIRD, NEVER = 1, 3, 0
"""The question at which a voice is given up and the operator told."""
ROOM = 20.0
"""Seconds a voice has: nothing here takes so long, however busy the machine."""


@dataclass(frozen=True)
class Row:
    """What a voice does wrong, and what becomes of that."""

    name: str
    fault: Fault | None
    reason: str
    out: int = AT_THE_THIRD
    also: Fault | None = None
    """What an `/audio/speech` endpoint says instead; None: the same."""
    also_reason: str = ""
    hints: tuple[str, ...] = ()
    """Words of the cure."""
    timeout_s: float = ROOM
    nowhere: bool = False
    """Nobody listens at the address."""


def bare_packets() -> bytes:
    """Opus without a container, as some formats deliver it."""
    return b"".join(struct.pack("<H", 3) + b"\xf8\xff\xfe" for _ in range(400))


def no(status: int, code: str, message: str = "", **more: Any) -> Fault:
    return refused(status, detail(code, message, **more))


def nay(status: int, code: str, **more: Any) -> Fault:
    return refused(status, speech.error(code, **more))


ROWS = [
    Row("text too long", no(400, "max_character_limit_exceeded"), "max_character_limit_exceeded", NEVER,
        speech.LONG, "string_above_max_length"),
    Row("voice gone 400", no(400, "voice_not_found", param="voice_id"), "voice_not_found", AT_ONCE,
        speech.NO_VOICE, "invalid_value", ("voice_id",)),
    Row("voice gone 404", no(404, "voice_not_found"), "voice_not_found", AT_ONCE,
        nay(404, "voice_not_found"), "voice_not_found", ("voice_id",)),
    Row("voice gone, older", refused(400, older("voice_does_not_exist")), "voice_does_not_exist", AT_ONCE,
        speech.NO_MODEL, "model_not_found", ("_id",)),
    Row("key refused", eleven.BAD_KEY, "invalid_api_key", AT_ONCE, speech.BAD_KEY, "invalid_api_key", ("api_key",)),
    Row("key without permission", eleven.NO_PERMISSION, "missing_permissions", AT_ONCE,
        nay(403, "insufficient_permissions"), "insufficient_permissions", ("key",)),
    Row("quota", eleven.QUOTA, "quota_exceeded", AT_ONCE, speech.QUOTA, "insufficient_quota", ("account",)),
    Row("unusual activity", no(401, "detected_unusual_activity"), "detected_unusual_activity", AT_ONCE,
        nay(403, "unsupported_country_region_territory"), "unsupported_country_region_territory"),
    Row("payment", no(402, "payment_required"), "payment_required", AT_ONCE,
        nay(402, "payment_required"), "payment_required", ("plan",)),
    Row("plan", eleven.UNPAID, "paid_plan_required", AT_ONCE, nay(402, "paid_plan_required"), "paid_plan_required",
        ("plan",)),
    Row("crowded", eleven.CROWDED, "concurrent_limit_exceeded", also=nay(429, "slow_down"), also_reason="slow_down",
        hints=("plan",)),
    Row("crowded, older", refused(429, older("too_many_concurrent_requests")), "too_many_concurrent_requests",
        hints=("plan",), also=speech.too_fast("0"), also_reason="rate_limit_exceeded"),
    Row("too fast", eleven.too_fast("0"), "rate_limit_exceeded", also=speech.too_fast("0"),
        also_reason="rate_limit_exceeded"),
    Row("busy", eleven.BUSY, "system_busy", also=nay(503, "server_is_overloaded"),
        also_reason="server_is_overloaded"),
    Row("500", TROUBLE, "http_500"),
    Row("503", answer(b"upstream connect error", "text/plain", 503), "http_503"),
    Row("nobody listens", None, "no_connection", nowhere=True),
    Row("reset", RESET, "cut"),
    Row("timeout", HANG, "timeout", timeout_s=0.3),
    Row("half a body", cut(sounds.mp3()), "cut"),
    Row("bare packets", answer(bare_packets(), "audio/ogg"), "not_audio"),
    Row("a web page with 200", HTML, "not_audio"),
    Row("nothing with 200", EMPTY, "empty_audio"),
    Row("a head and then noise", answer(b"ID3\x04\0\0\0\0\0\0" + b"\x55" * 4000), "not_audio"),
    Row("goes on for five minutes", answer(sounds.ogg_silence(300)), "too_long"),
]  # fmt: skip
POSITIONS = {"first": 1, "first two": 2, "first three": 3, "all": 4}
"""How many voices, from the top, have the trouble; the fourth one is text."""


@dataclass(frozen=True)
class Case:
    row: Row
    position: str

    @property
    def name(self) -> str:
        return f"{self.row.name} {self.position}".replace(" ", "-").replace(",", "")

    @property
    def broken(self) -> int:
        return POSITIONS[self.position]

    @property
    def voices(self) -> list[str]:
        """As they are called, from the top."""
        hosted = [f"elevenlabs/{self.name}/{QUICK}", f"elevenlabs/{self.name}/{SLOW}"]
        return [*hosted, f"openai_compatible/{self.name}/{speech.MODEL}", *(["silent"] if self.broken < 4 else [])]

    @property
    def out(self) -> list[str]:
        """The voices that have trouble."""
        return self.voices[: min(self.broken, 3)]

    @property
    def speaks(self) -> str:
        """The voice that is left; empty: none."""
        return self.voices[self.broken] if self.broken < 4 else ""

    def reason(self, n: int) -> str:
        return self.row.also_reason if n == 2 and self.row.also_reason else self.row.reason

    @property
    def key(self) -> str:
        return f"channel-key-of-{self.name}"

    def toml(self, hosted: str, spoken: str, nowhere: str, queue: str) -> str:
        """`hosted`, `spoken`, `nowhere`: addresses."""
        lost = range(self.broken if self.row.nowhere else 0)
        at = [nowhere if n in lost else url for n, url in enumerate((hosted, hosted, spoken))]
        patience = [self.row.timeout_s if n < self.broken else ROOM for n in range(3)]
        return f"""
[[queues]]
name = "{self.name}"
language = "pt-BR"
{queue}
[queues.voice]
provider = "elevenlabs"
api_key = "{eleven.KEY}"
base_url = "{at[0]}"
voice_id = "{self.name}"
model_id = "{QUICK}"
timeout_s = {patience[0]}
[[queues.voice.fallbacks]]
model_id = "{SLOW}"
base_url = "{at[1]}"
timeout_s = {patience[1]}
[[queues.voice.fallbacks]]
provider = "openai_compatible"
api_key = "{speech.KEY}"
base_url = "{at[2]}/v1"
voice_id = "{self.name}"
model_id = "{speech.MODEL}"
timeout_s = {patience[2]}
{SILENT if self.broken < 4 else ""}
[[channels]]
name = "{self.name}"
type = "http"
queue = "{self.name}"
key = "{self.key}"
"""


SILENT = '[[queues.voice.fallbacks]]\nprovider = "silent"'
CASES = {case.name: case for case in itertools.starmap(Case, itertools.product(ROWS, POSITIONS))}
WELL = [Row("wav by another name", answer(sounds.wav()), ""), Row("webm by another name", answer(sounds.webm()), "")]
"""Containers under other containers' names are nobody's trouble: they are sound."""
ENDLESS = Row("half an hour", answer(sounds.ogg_silence(1800)), "too_long")
CASES |= {case.name: case for case in (Case(row, "first") for row in [*WELL, ENDLESS])}


class Operator:
    """The server that takes alerts."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.came = asyncio.Condition()

    async def take(self, request: web.Request) -> web.StreamResponse:
        async with self.came:
            self.alerts.append(await request.json())
            self.came.notify_all()
        return web.Response(status=204)

    async def told(self, part: str) -> None:
        """They come in order: when this part's is here, all before it are."""
        async with self.came:
            await self.came.wait_for(lambda: any(alert["data"]["part"] == part for alert in self.alerts))

    def about(self, voice: str) -> list[dict[str, Any]]:
        return [alert for alert in self.alerts if alert["data"]["part"] == f"voice {voice}"]


@dataclass
class House:
    gateway: Gateway
    http: aiohttp.ClientSession
    operator: Operator
    _fences: Iterator[int] = field(default_factory=itertools.count)

    async def degraded(self) -> list[str]:
        async with self.http.get(f"{self.gateway.url}/readyz") as answered:
            return list((await answered.json())["degraded"])

    async def all_told(self) -> None:
        """Every alert so far has arrived."""
        part = f"channel fence {next(self._fences)}"
        self.gateway.incidents.open(part, "none", "")
        self.gateway.incidents.close(part)
        await asyncio.wait_for(self.operator.told(part), 60)


@pytest.fixture(scope="module")
def nowhere() -> Iterator[str]:
    """An address that is taken, and where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def sick(call: Call) -> Fault | None:
    """What the voice of a case does wrong, as far down as its trouble goes."""
    case, model = CASES[call.json.get("voice") or call.path.split("/")[3].partition("?")[0]], call.json
    place = {QUICK: 1, SLOW: 2}.get(model.get("model_id"), 3)
    if place > case.broken:
        return None
    return case.row.also or case.row.fault if place == 3 else case.row.fault


async def nobody_looks(*_: object) -> None:
    """Here customers are the first to meet the trouble, and not the daily look."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, nowhere: str) -> AsyncIterator[House]:
    folder, operator = tmp_path_factory.mktemp("house"), Operator()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrying, "FIRST_WAIT_S", 0.001)
        patch.setattr(retrying, "SLOT_WAIT_S", 0.001)
        patch.setattr(equipment, "Health", partial(Health, rest_s=3600.0))  # nobody tries again meanwhile
        patch.setattr("gateway.app.watch", nobody_looks)
        async with AsyncExitStack() as stack:
            openai = await stack.enter_async_context(FakeOpenAI(lambda question: f"Temos sim, {question}."))
            hosted = await stack.enter_async_context(FakeElevenLabs())
            spoken = await stack.enter_async_context(FakeSpeech())
            hosted.voices |= {name: {"voice_id": name} for name in CASES}
            hosted.broken = spoken.broken = sick
            head = _head(await _receiver(stack, operator))
            text = head + "".join(c.toml(hosted.url, spoken.url, nowhere, _queue(openai)) for c in CASES.values())
            gateway = await stack.enter_async_context(Gateway(parse(text, root=folder)))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            yield House(gateway, http, operator)


async def _receiver(stack: AsyncExitStack, operator: Operator) -> str:
    app = web.Application()
    app.router.add_post("/alerts", operator.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"


def _head(alerts: str) -> str:
    return f"""
[server]
port = 0
admin_key = "{ADMIN}"
allow_private_urls = true
log_level = "error"
[server.alerts]
url = "{alerts}"
secret = "{SECRET}"
"""


def _queue(openai: FakeOpenAI) -> str:
    return f"""
[queues.window]
interval_ms = 1
max_wait_ms = 1000
mode = "quiet"
[queues.assistant]
provider = "openai"
api_key = "{openai.key}"
base_url = "{openai.base_url}"
model = "gpt-6-luna"
[queues.reply]
format = "voice"
[queues.hearing]
provider = "none"
"""


@dataclass
class Seen:
    """What a case came to."""

    replies: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    turns: list[dict[str, Any]]
    """The first one first."""

    def voice_steps(self) -> list[dict[str, Any]]:
        """Without what was paid for nothing."""
        steps = [step for turn in self.turns for step in turn["timeline"] if step["step"] == "voice"]
        return [step for step in steps if step["reason"] != "called_off"]


async def asked(house: House, case: Case, times: int = 3) -> Seen:
    contact, replies = Contact(house.http, house.gateway), []
    for n in range(times):
        body = contact.message(f"{'abc'[n]} de {case.name}")
        status, reply = await contact.post(body, wait=60, key=case.key, channel=case.name)
        assert status == 200, reply
        replies.append(reply)
    _, said = await contact.get("/messages", key=case.key)
    _, turns = await contact.get("/turns", key=case.key)
    return Seen(replies, said["messages"], sorted(turns["turns"], key=lambda turn: turn["started_at"]))


def kinds(parts: list[dict[str, Any]]) -> list[str]:
    return [part["kind"] for part in parts]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_answer_arrives_once_and_the_operator_is_told_once(
    house: House, row: Row, position: str, caplog: pytest.LogCaptureFixture
) -> None:
    case = Case(row, position)
    seen = await asked(house, case)
    await house.all_told()
    degraded = await house.degraded()
    delivered(case, seen)
    explained(case, seen)
    for n, voice in enumerate(case.out):
        told_once(case, n, house.operator.about(voice), [line for line in degraded if voice in line])
    for voice in case.voices[case.broken :]:
        assert house.operator.about(voice) == []
    public = json.dumps([seen.replies, seen.messages, seen.turns, degraded, house.operator.alerts])
    for secret in (eleven.KEY, speech.KEY):
        assert secret not in public
        assert secret not in caplog.text


def delivered(case: Case, seen: Seen) -> None:
    """Once, in the expected form, and without a word about trouble."""
    ours = [message for message in seen.messages if message["from"] != "contact"]
    assert len(ours) == len(seen.replies) == 3
    for n, reply in enumerate(seen.replies):
        written = f"Temos sim, {'abc'[n]} de {case.name}."
        assert reply["outcome"] == "answered"
        if case.speaks:
            assert kinds(reply["parts"]) == ["voice"]
            assert reply["parts"][0]["media"]["seconds"] < 30
        else:
            assert reply["parts"] == [{"kind": "text", "text": written}]
        shown = json.dumps([{**reply, "conversation": "", "turn": ""}, ours[n]["part"]]).replace(case.name, "")
        assert not [word for word in ("error", "Error", "quota", "elevenlabs", case.row.reason) if word in shown]


def explained(case: Case, seen: Seen) -> None:
    """The timeline says who fell, and why, typed."""
    steps = seen.voice_steps()
    assert len(steps) == 3, "one decision about the voice for each question"
    fell = [f"{voice}: {case.reason(n)}" for n, voice in enumerate(case.out)]
    for step in steps:
        if case.speaks:
            assert (step["reason"], step["by"], step["fell_from"]) == ("spoken", case.speaks, fell)
        else:
            typed, _, reason = step["reason"].removeprefix("text_instead:").partition(":")
            assert (typed[0].isupper(), reason) == (True, case.reason(2))
            assert [one for one in fell if one not in step["hint"]] == []


def told_once(case: Case, n: int, alerts: list[dict[str, Any]], lines: list[str]) -> None:
    """And `/readyz` names it; cause and cure stand in both."""
    if case.row.out == NEVER:
        assert (alerts, lines) == ([], []), "the words were the trouble, not the voice"
        return
    (alert,), (line,) = alerts, lines
    data = alert["data"]
    assert (alert["type"], data["reason"]) == ("incident.opened", case.reason(n))
    assert len(data["hint"]) > 20
    assert data["hint"].rstrip(".") in line
    assert case.reason(n) in line
    assert all(word in data["hint"] for word in case.row.hints)
    if case.reason(n) == "quota_exceeded":
        assert "12 characters are left, this text needs 44" in data["hint"]


async def test_half_an_hour_of_sound_for_a_sentence_is_not_the_answer(house: House) -> None:
    case = Case(ENDLESS, "first")
    seen = await asked(house, case, 1)
    (step,) = seen.voice_steps()
    assert (step["by"], step["fell_from"]) == (case.voices[1], [f"{case.voices[0]}: too_long"])
    assert seen.replies[0]["parts"][0]["media"]["seconds"] < 30


@pytest.mark.parametrize("row", WELL, ids=lambda row: row.name)
async def test_sound_under_another_name_is_sound(house: House, row: Row) -> None:
    case = Case(row, "first")
    seen = await asked(house, case, 1)
    (step,) = seen.voice_steps()
    assert (step["by"], step["fell_from"]) == (case.voices[0], [])
    await house.all_told()
    assert house.operator.about(case.voices[0]) == []


# -- and back again ----------------------------------------------------------------------------------


class Rests:
    """How long voices rest: until `end`."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._ends: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self._ends.get()

    def end(self) -> None:
        self._ends.put_nowait(None)


@pytest.fixture
async def recovering(
    tmp_path: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, FakeElevenLabs, Rests]]:
    """A queue of one hosted voice and text."""
    operator, rests = Operator(), Rests()
    monkeypatch.setattr(equipment, "Health", partial(Health, sleep=rests))
    monkeypatch.setattr("gateway.app.watch", nobody_looks)
    async with AsyncExitStack() as stack:
        openai = await stack.enter_async_context(FakeOpenAI(lambda question: f"Temos sim, {question}."))
        hosted = await stack.enter_async_context(FakeElevenLabs())
        hosted.voices[BACK.name] = {"voice_id": BACK.name}
        text = _head(await _receiver(stack, operator)) + _alone(BACK.toml(hosted.url, nowhere, nowhere, _queue(openai)))
        gateway = await stack.enter_async_context(Gateway(parse(text, root=tmp_path)))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield House(gateway, http, operator), hosted, rests


BACK = Case(Row("back", None, ""), "all")
FIRST = BACK.voices[0]


def _alone(text: str) -> str:
    """Without the fallbacks."""
    before, *others = text.split("[[queues.voice.fallbacks]]")
    return before + "[[channels]]" + others[-1].partition("[[channels]]")[2]


@pytest.mark.asyncio(loop_scope="function")
async def test_a_voice_that_is_back_speaks_and_the_operator_is_told(
    recovering: tuple[House, FakeElevenLabs, Rests],
) -> None:
    house, hosted, rests = recovering
    hosted.next(eleven.QUOTA)
    first = await asked(house, BACK, 2)
    assert [kinds(reply["parts"]) for reply in first.replies] == [["text"], ["text"]]
    assert len(hosted.spoken) == 1, "a voice that rests is not asked"
    assert [FIRST in line for line in await house.degraded()] == [True]
    rests.end()
    await settled(house, ["incident.opened", "incident.closed"])
    assert set(hosted.spoken[-1].json["text"].split()) == {"Olá."}, "no customer waited for the trial"
    assert await house.degraded() == []
    after = await asked(house, BACK, 1)
    assert kinds(after.replies[0]["parts"]) == ["voice"]


@pytest.mark.asyncio(loop_scope="function")
async def test_another_cause_is_told_and_the_end_once(recovering: tuple[House, FakeElevenLabs, Rests]) -> None:
    house, hosted, rests = recovering
    hosted.next(eleven.QUOTA, eleven.QUOTA, eleven.UNPAID, answer(b"ID3\x04\0\0\0\0\0\0" + b"\x55" * 4000))
    await asked(house, BACK, 1)
    for _ in range(4):
        rests.end()
    await settled(house, ["incident.opened"] * 3 + ["incident.closed"])
    reasons = [alert["data"]["reason"] for alert in house.operator.about(FIRST)]
    assert reasons == ["quota_exceeded", "paid_plan_required", "not_audio", "not_audio"]
    assert rests.seconds == [30.0, 60.0, 120.0, 240.0]


async def settled(house: House, types: list[str]) -> None:
    """Just these have arrived."""
    async with house.operator.came:
        await asyncio.wait_for(house.operator.came.wait_for(lambda: len(house.operator.about(FIRST)) >= len(types)), 60)
    await house.all_told()
    assert [alert["type"] for alert in house.operator.about(FIRST)] == types
