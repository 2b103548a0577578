"""A turn as its trace: made of the timeline, told to a collector on the wire, and worth no turn when that is down."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.tracing import (
    Seen,
    Span,
    _Door,
    _Watched,
    delivery_span,
    span_of,
    told,
    trace_of,
    traces_of,
    turn_spans,
)
from storage.model import (
    Claim,
    Entry,
    Kind,
    Outcome,
    Receipt,
    Settled,
    Settlement,
    Turn,
    TurnId,
    Work,
    conversation_id,
)
from tests.fakes.collector import FakeCollector, plain
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.story.running import running, toml
from tests.story.test_voice import spoken_queue

ROOT = Path(__file__).parents[2]
SECRET = "Authorization=Bearer%20tr4ce-k3y"
VARIABLES = ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "TRACES_PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION")


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the machine's own environment says."""
    for name in (*(f"OTEL_EXPORTER_OTLP_{name}" for name in VARIABLES), "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    yield
    logging.getLogger("opentelemetry").setLevel(logging.NOTSET)


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCollector]:
    async with FakeCollector() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")  # milliseconds between two requests
        yield made


def gateway(openai: FakeOpenAI, tmp_path: Path) -> Any:
    return running(toml(openai.base_url, openai_key=openai.key), tmp_path)


# -- on the wire -------------------------------------------------------------------------------------


async def test_a_turn_is_one_trace_from_its_first_message_to_its_delivery(
    collector: FakeCollector, tmp_path: Path
) -> None:
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        await contact.ask("Tem pix?")
        spans = await collector.until("turn", "wait", "hear", "decide", "answer", "deliver")
        [turn] = await contact.turns()
    [whole] = collector.named("turn")
    assert {span.trace_id for span in spans} == {trace_of(turn["turn"]).to_bytes(16, "big")}
    assert whole.parent_span_id == b""
    assert {span.parent_span_id for span in spans if span is not whole} == {whole.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    [wait], [deliver] = collector.named("wait"), collector.named("deliver")
    assert wait.start_time_unix_nano == whole.start_time_unix_nano
    assert wait.end_time_unix_nano <= whole.end_time_unix_nano <= deliver.end_time_unix_nano
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


async def test_what_is_spoken_is_a_step_of_its_turn(collector: FakeCollector, tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as openai,
        FakeElevenLabs() as elevenlabs,
        running(spoken_queue(openai, elevenlabs), tmp_path) as (_, contact),
    ):
        await contact.ask("Tem pix?")
        await collector.until("turn", "hear", "answer", "speak", "deliver")
    [whole], [answer], [speak] = (collector.named(name) for name in ("turn", "answer", "speak"))
    assert speak.parent_span_id == answer.parent_span_id == whole.span_id
    assert answer.start_time_unix_nano <= speak.start_time_unix_nano <= whole.end_time_unix_nano


async def test_a_span_tells_what_was_done_and_why(collector: FakeCollector, tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        await contact.ask("Tem pix?")
        await collector.until("turn", "deliver")
    facts = plain(collector.named("turn")[0].attributes)
    assert facts["recado.conversation"] == contact.conversation
    assert (facts["recado.queue"], facts["recado.channel"]) == ("loja", "api")
    assert (facts["recado.outcome"], facts["recado.reason"]) == ("answered", "assistant")
    assert plain(collector.named("decide")[0].attributes) == {"recado.reason": "assistant", "recado.rung": "Ask"}
    assert plain(collector.named("deliver")[0].attributes)["recado.status"] == "sent"
    [written] = [event for event in collector.named("turn")[0].events if event.name == "written"]
    assert plain(written.attributes)["recado.output_tokens"] > 0
    assert collector.resources[0]["service.name"] == "recado"


async def test_no_word_name_or_contact_leaves_the_house(collector: FakeCollector, tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "Seu pedido é o BR4242.") as openai, gateway(openai, tmp_path) as (_, contact):
        contact.id = "5511987654321"
        await contact.ask("Meu CPF é 111.444.777-35")
        await collector.until("turn", "deliver")
    for private in ("5511987654321", "111.444", "BR4242", "Lia", openai.key, "Você é a atendente"):
        assert not any(private.encode() in body for body in collector.raw), private
    assert any(contact.conversation.encode() in body for body in collector.raw)


async def test_the_variables_are_opentelemetrys_own(
    collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", SECRET)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "loja-2")
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        await contact.ask("Tem pix?")
        await collector.until("turn")
    assert collector.headers[0]["authorization"] == "Bearer tr4ce-k3y"
    assert collector.headers[0]["content-encoding"] == "gzip"
    assert collector.resources[0]["service.name"] == "loja-2"


async def test_what_waits_when_the_process_stops_still_goes_out(
    collector: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    monkeypatch.setattr("gateway.tracing.LAST_SPANS", 60.0)
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        await contact.ask("Tem pix?")
        assert collector.spans == []
    assert {"turn", "answer", "deliver"} <= {span.name for span in collector.spans}


# -- a collector that is down ------------------------------------------------------------------------


async def test_a_collector_that_refuses_is_told_of_once_and_answers_nobody_less(
    collector: FakeCollector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answer(400, 400)
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        for n in (1, 2):
            assert (await contact.ask("Tem pix?"))["outcome"] == "answered"
            await collector.comes(lambda n=n: len(collector.raw) >= n)
        assert (await contact.ask("E boleto?"))["outcome"] == "answered"
        await collector.until("turn", "deliver")
    lines = [record.getMessage() for record in caplog.records if record.name == "recado.tracing"]
    assert [line for line in lines if "do not reach" in line] == [lines[0]]
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


async def test_a_collector_that_is_not_there_loses_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeCollector() as gone:
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        replies = [await contact.ask(text) for text in ("Tem pix?", "E boleto?", "E cartão?")]
    assert [reply["outcome"] for reply in replies] == ["answered"] * 3
    assert gone.url not in caplog.text


async def test_a_collector_that_never_answers_keeps_nobody_from_stopping(
    collector: FakeCollector, tmp_path: Path
) -> None:
    collector.hangs = True
    async with FakeOpenAI() as openai, gateway(openai, tmp_path) as (_, contact):
        await contact.ask("Tem pix?")
        await collector.comes(lambda: collector.open == 1)
    assert collector.open == 1  # everything is closed, and it still has not answered


# -- on or off ---------------------------------------------------------------------------------------


def test_off_it_costs_nothing() -> None:
    code = (
        "import sys, gateway.app, gateway.tracing; said = [];"
        "print(gateway.tracing.traces_of({}, said), said, [m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "[]", "[]"]


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"},
    ],
)
def test_nobody_is_told_that_traces_nobody_wants_are_off(env: dict[str, str]) -> None:
    notices: list[str] = []
    assert traces_of(env, notices) is None
    assert notices == []


def test_a_protocol_that_is_not_spoken_is_said() -> None:
    notices: list[str] = []
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert traces_of(env, notices) is None
    assert "http/protobuf" in notices[0]


def test_missing_packages_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[str] = []
    monkeypatch.setattr("gateway.tracing.find_spec", lambda name: None)
    assert traces_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, notices) is None
    assert "--with=traces" in notices[0]


async def test_a_variable_that_cannot_be_used_is_said_and_keeps_nobody_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")  # less than a batch
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", SECRET)
    notices: list[str] = []
    traces = traces_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, notices)
    assert traces is not None
    traces.open()
    await traces.close()
    assert "OTEL_" in notices[0]
    assert "tr4ce-k3y" not in notices[0]


def test_what_the_sdk_says_of_a_header_is_not_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be said with the header."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "tr4ce-k3y without a name")
    with caplog.at_level(logging.DEBUG):
        _Door()._provider.shutdown()
    assert "tr4ce-k3y" not in caplog.text


# -- what a trace is made of -------------------------------------------------------------------------

TALK = conversation_id("zap", "5511987654321")
TURN = TurnId(f"{TALK}.7")


def claim(kind: Kind, **more: Any) -> Claim:
    fields = {"epoch": 7, "owner": "o", "head": 0, "tail": 2, "tries": 2, "folds": 1, "ripe_at": 990, **more}
    return Claim(kind, TALK, claimed_at=1000, **fields)


def turn(*timeline: dict[str, Any], outcome: Outcome = Outcome.ANSWERED, reason: str = "assistant") -> Turn:
    return Turn(TURN, TALK, 7, 0, 2, 1000, 1800, outcome, reason, timeline)


def spans(*timeline: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {span.name: span for span in turn_spans(turn(*timeline, **more), claim(Kind.IN), Seen(400, "zap", "loja"))}


def test_the_wait_begins_with_the_first_message() -> None:
    made = spans({"step": "answer", "at": 1010, "ms": 500.5})
    assert (made["turn"].began, made["turn"].ended) == (400, 1800)
    assert (made["wait"].began, made["wait"].ended) == (400, 1000)
    assert (made["answer"].began, made["answer"].ended) == (1010, 1510.5)
    assert made["turn"].facts["recado.lateness_ms"] == 10


def test_a_delivery_finds_its_trace_by_the_turns_id_alone() -> None:
    """So it does after a restart, too: nothing is stored for it."""
    whole = spans()["turn"]
    receipt = Receipt(TALK, f"{TURN}:1", "failed", 3000, detail="http_500")
    sent = delivery_span(claim(Kind.OUT, epoch=9), [receipt], Seen(1800))
    assert (sent.trace, sent.parent) == (whole.trace, whole.id) == (trace_of(TURN), span_of(TURN))
    assert (sent.failed, sent.facts["recado.reason"], sent.facts["recado.tries"]) == ("http_500", "http_500", 2)
    other = delivery_span(claim(Kind.OUT, epoch=10), [receipt], Seen(1800))
    assert (other.trace, other.id != sent.id) == (sent.trace, True)


def test_what_a_person_wrote_belongs_to_no_turn() -> None:
    sent = delivery_span(claim(Kind.OUT), [Receipt(TALK, "person:zendesk-991:0", "sent", 3000)], Seen(1800))
    assert sent.parent is None
    assert sent.facts["recado.delivery"] == ""


def test_only_what_may_is_told() -> None:
    line = {
        "step": "written", "at": 1, "reason": "complete", "hint": "sk-123", "assistant": "a b", "text": "Oi",
        "passages": ["faq §2", "faq §3"], "input_tokens": 12, "messages": "5511987654321", "model": "Olá, Lia!",
    }  # fmt: skip
    assert told(line) == {"recado.reason": "complete", "recado.passages": 2, "recado.input_tokens": 12}


def test_a_turn_that_was_given_up_failed() -> None:
    assert spans(outcome=Outcome.DEAD, reason="too_many_tries")["turn"].failed == "too_many_tries"
    assert spans(outcome=Outcome.TRANSFERRED, reason="marker")["turn"].failed == ""


def test_a_turn_and_its_deliveries_are_sampled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    door, seen = _Door(), set()
    for n in range(100):
        trace, root = trace_of(f"c_1.{n}"), span_of(f"c_1.{n}")
        whole = door.started(Span("turn", trace, root, None, 0, 1))
        part = door.started(Span("deliver", trace, span_of(f"{n}/1"), root, 0, 1))
        kept = bool(whole.get_span_context().trace_flags.sampled)
        assert kept == bool(part.get_span_context().trace_flags.sampled)
        seen.add(kept)
    door._provider.shutdown()
    assert seen == {True, False}


class Scripted:
    """A store whose next settlements come to this."""

    def __init__(self, *settled: Settled) -> None:
        self.settled = list(settled)

    async def load(self, claim: Claim) -> Work:
        return Work([Entry(Kind.IN, 1, "m", "{}", 400)])

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        return self.settled.pop(0)


@pytest.mark.parametrize(
    ("settled", "expected"),
    [((Settled.FOLDED,), []), ((Settled.DONE,), [400]), ((Settled.MOVED, Settled.DONE), [400])],
)
async def test_only_what_was_settled_is_told(settled: tuple[Settled, ...], expected: list[int]) -> None:
    began: list[int] = []

    class Noting:
        def settled(self, claim: Claim, settlement: Settlement, seen: Any) -> None:
            began.append(seen.since)

    store: Any = _Watched(Scripted(*settled), Noting())  # type: ignore[arg-type]
    await store.load(claim(Kind.IN))
    for _ in settled:
        await store.settle(claim(Kind.IN), Settlement(2, turn=turn()))
    assert began == expected
    assert store._seen == {}
