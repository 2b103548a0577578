"""Traces for OpenTelemetry, optional: one for each turn, made when it is settled, and continued by its deliveries.

Nothing is stored for it and no step knows of it. What a turn did is in its timeline already, and every id is made of
the turn's own, so a delivery finds its trace after a restart, too. On when OTEL_EXPORTER_OTLP_ENDPOINT (or
…_TRACES_ENDPOINT) is set; off, nothing of OpenTelemetry is imported. The variables are OpenTelemetry's own
(docs/deploy.md#traces).

No span holds a text, a name, an address, a key or a contact: ids, reasons, counts and times, by a list of what may.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from storage.model import Claim, Kind, Outcome, Receipt, Settled, Settlement, Turn, Work
from storage.store import Store

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = logging.getLogger("recado.tracing")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
LAST_SPANS = 0.5
"""Seconds for what still waits when the process stops; a collector that is down keeps nobody longer."""

COUNTED = frozenset({
    "ahead", "characters", "estimated", "fell_from", "folds", "input_tokens", "may_speak", "messages", "output_tokens",
    "parts", "passages", "saved", "score", "seconds", "sent", "shown", "speakable_characters", "spoken", "tries",
})  # fmt: skip
"""Facts of a timeline that are numbers or yes and no; of a list only its length is told."""
NAMED = frozenset({"action", "at_step", "flow", "kind", "model", "outcome", "reason", "rung"})
"""Facts that are codes, or names of the configuration."""
CODE = re.compile(r"[A-Za-z][\w.:/-]{0,99}")
TOLD = (Kind.IN, Kind.OUT)
"""Turns and deliveries; what desks are told has its metric."""
UNDONE = ("failed", "unsure")
"""States of a delivery that nobody can be content with."""


@dataclass(frozen=True, slots=True)
class Span:
    """One, as plain data. Times are milliseconds since the epoch by the store's clock, ids OpenTelemetry's."""

    name: str
    trace: int
    id: int
    parent: int | None
    began: float
    ended: float
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    events: Sequence[tuple[str, float, Mapping[str, str | int | float | bool]]] = ()
    """(name, at, facts)"""
    failed: str = ""
    """Why it did not come to what it was for."""
    outward: bool = False
    """It calls somebody else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a claim was about, as it was loaded."""

    since: int
    """When the store took its first entry."""
    channel: str = ""
    queue: str = ""


# -- ids and spans: pure -----------------------------------------------------------------------------


def trace_of(whole: str) -> int:
    """The trace of a turn, by its id: 128 bits of BLAKE2b."""
    return _number(whole, 16)


def span_of(part: str) -> int:
    return _number(part, 8)


def _number(text: str, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "big") or 1


def turn_spans(turn: Turn, claim: Claim, seen: Seen) -> list[Span]:
    """The turn from its first message to its settlement, with a span for each step that took time."""
    trace, root = trace_of(turn.id), span_of(turn.id)
    lines = [(n, line) for n, line in enumerate(turn.timeline)]
    steps = [_step(turn.id, n, line) for n, line in lines if "ms" in line or line["step"] == "decide"]
    events = [(str(line["step"]), line["at"], told(line)) for _, line in lines if "ms" not in line]
    facts: dict[str, str | int | float | bool] = {
        "recado.turn": turn.id,
        "recado.conversation": turn.conversation,
        "recado.channel": seen.channel,
        "recado.queue": seen.queue,
        "recado.outcome": str(turn.outcome),
        "recado.lateness_ms": max(0, claim.claimed_at - claim.ripe_at),
        **told({"reason": turn.reason, "tries": claim.tries, "folds": claim.folds}),
    }
    failed = turn.reason if turn.outcome is Outcome.DEAD else ""
    began = min(seen.since, turn.started_at)
    wait = Span("wait", trace, span_of(f"{turn.id}/wait"), root, began, turn.started_at)
    whole = Span("turn", trace, root, None, began, turn.ended_at, facts, events, failed)
    return [whole, wait, *steps]


def _step(turn: str, n: int, line: Mapping[str, Any]) -> Span:
    id, ended = span_of(f"{turn}/{n}"), line["at"] + line.get("ms", 0)
    return Span(str(line["step"]), trace_of(turn), id, span_of(turn), line["at"], ended, told(line))


def delivery_span(claim: Claim, receipts: Sequence[Receipt], seen: Seen) -> Span:
    """One send, in the trace of its turn; what people wrote themselves is of no turn, and has a trace of its own."""
    first = receipts[0]
    turn, _, _ = first.delivery.rpartition(":")
    ours = turn.startswith(f"{first.conversation}.")
    facts: dict[str, str | int | float | bool] = {
        "recado.delivery": first.delivery if ours else "",
        "recado.conversation": first.conversation,
        "recado.channel": seen.channel,
        "recado.queue": seen.queue,
        "recado.status": first.status,
        "recado.waited_ms": max(0, claim.claimed_at - seen.since),
        **told({"reason": first.detail, "tries": claim.tries, "parts": len(receipts)}),
    }
    whole = turn if ours else first.delivery
    id, parent = span_of(f"{first.delivery}/{claim.epoch}"), span_of(turn) if ours else None
    failed = first.detail or first.status if first.status in UNDONE else ""
    began, ended = claim.claimed_at, first.at
    return Span("deliver", trace_of(whole), id, parent, began, ended, facts, failed=failed, outward=True)


def told(line: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """What of a timeline's line may leave the house."""
    facts: dict[str, str | int | float | bool] = {}
    for key, value in line.items():
        if key in COUNTED and isinstance(value, bool | int | float | list):
            facts[f"recado.{key}"] = len(value) if isinstance(value, list) else value
        elif key in NAMED and isinstance(value, str) and CODE.fullmatch(value):
            facts[f"recado.{key}"] = value
    return facts


# -- on or off ---------------------------------------------------------------------------------------


def traces_of(env: Mapping[str, str], notices: list[str]) -> Traces | None:
    """None: nobody asked for any, or they cannot be had, and then `notices` says why."""
    off = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or not any(env.get(name) for name in ENDPOINTS) or env.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    if problem := _problem(env):
        notices.append(f"no traces: {problem}")
        return None
    return Traces(notices)


def _problem(env: Mapping[str, str]) -> str:
    protocol = next((env[name] for name in PROTOCOLS if env.get(name)), SPOKEN)
    if protocol != SPOKEN:
        return f"they are sent as {SPOKEN} only, and {PROTOCOLS[1]} asks for something else"
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        cure = "`python3 run.py recado --with=traces --version` installs them"
        return f"the packages for them are missing: {cure}; or unset OTEL_EXPORTER_OTLP_ENDPOINT"
    return ""


class Traces:
    """Watches a store, and tells a collector what was settled there. All methods belong to the event loop's thread."""

    def __init__(self, notices: list[str]) -> None:
        self._notices = notices
        self._door: _Door | None = None

    def watching(self, store: Store) -> Store:
        """The same store; what is settled in it is told."""
        return cast(Store, _Watched(store, self))

    def open(self) -> None:
        """From here on spans go out. What is wrong with OpenTelemetry's own variables keeps nobody from being answered,
        and is told by its kind alone: a header may hold a key."""
        try:
            self._door = _Door()
        except Exception as error:
            self._notices.append(f"no traces: OpenTelemetry cannot use its OTEL_… variables ({type(error).__name__})")

    async def close(self) -> None:
        """What waits goes out, within LAST_SPANS seconds."""
        if door := self._door:
            self._door = None
            await door.close()

    def settled(self, claim: Claim, settlement: Settlement, seen: Seen) -> None:
        """Never raises: a trace is worth no turn."""
        if self._door is None:
            return
        try:
            for span in _spans(claim, settlement, seen):
                self._door.tell(span)
        except Exception:
            log.exception("a trace could not be told")


def _spans(claim: Claim, settlement: Settlement, seen: Seen) -> list[Span]:
    if settlement.turn is not None:
        return turn_spans(settlement.turn, claim, seen)
    if claim.kind is Kind.OUT and settlement.receipts:
        return [delivery_span(claim, settlement.receipts, seen)]
    return []


class _Watched:
    """A store that tells what is settled in it. Everything else is the store's own."""

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store, self._traces = store, traces
        self._seen: dict[tuple[Kind, str], Seen] = {}
        """By lane, while its claim runs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def load(self, claim: Claim) -> Work:
        work = await self._store.load(claim)
        if claim.kind in TOLD:
            since = work.entries[0].at if work.entries else claim.claimed_at
            talk = work.conversation
            self._seen[claim.kind, claim.key] = Seen(since, talk.channel, talk.queue) if talk else Seen(since)
        return work

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        settled = await self._store.settle(claim, settlement)
        if settled is not Settled.MOVED:  # else the same claim settles again
            seen = self._seen.pop((claim.kind, claim.key), Seen(claim.claimed_at))
            if settled is Settled.DONE:
                self._traces.settled(claim, settlement, seen)
        return settled


# -- OpenTelemetry -----------------------------------------------------------------------------------


class _Door:
    """OpenTelemetry's SDK: it samples, batches and sends, in a thread of its own and with a bounded queue."""

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        _hush()
        self._ids = _ids()
        self._exporter: SpanExporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=_resource(), id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(cast("SpanExporter", _Once(self._exporter))))
        self._tracer = self._provider.get_tracer("recado", version("recado"))

    def tell(self, span: Span) -> None:
        self.started(span).end(_ns(span.ended))

    def started(self, span: Span) -> Any:
        """The SDK's own span, which was not ended yet."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        self._ids.trace, self._ids.span = span.trace, span.id
        kind = SpanKind.CLIENT if span.outward else SpanKind.INTERNAL
        facts = {key: value for key, value in span.facts.items() if value != ""}
        made = self._tracer.start_span(span.name, self._around(span), kind, facts, start_time=_ns(span.began))
        for name, at, told in span.events:
            made.add_event(name, told, _ns(at))
        if span.failed:
            made.set_status(Status(StatusCode.ERROR, span.failed if CODE.fullmatch(span.failed) else None))
        return made

    def _around(self, span: Span) -> Any:
        """The context of its parent, which was sampled, or not, by the trace's id: a restart does not change that."""
        from opentelemetry.context import Context
        from opentelemetry.sdk.trace.sampling import Decision
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        if span.parent is None:
            return Context()
        sampled = self._provider.sampler.should_sample(None, span.trace, "turn").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        parent = SpanContext(span.trace, span.parent, is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(parent), Context())

    async def close(self) -> None:
        """In a thread that nobody has to wait for: the SDK's own way out takes as long as the collector likes."""
        gone, loop = asyncio.Event(), asyncio.get_running_loop()

        def leave() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(gone.set)

        threading.Thread(target=leave, name="last-spans", daemon=True).start()
        try:
            await asyncio.wait_for(gone.wait(), LAST_SPANS)
        except TimeoutError:
            log.warning("the last traces did not reach their collector")
            self._exporter.shutdown()  # it tries no more


class _Once:
    """An exporter that says once that its collector does not take anything, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._lost = exporter, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result.name == "SUCCESS":
            if self._lost:
                log.warning("traces reach their collector again", extra={"facts": {"spans_lost": self._lost}})
            self._lost = 0
            return result
        if not self._lost:
            log.warning("traces do not reach their collector and are dropped: see to it, or to OTEL_EXPORTER_OTLP_…")
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _hush() -> None:
    """What the SDK says of each try is said once, by `_Once`; and what it says of a header holds the header."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    if log.isEnabledFor(logging.DEBUG):
        logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").setLevel(logging.DEBUG)


def _ids() -> Any:
    """Ids that were made before: the SDK asks for them one span at a time."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Given(IdGenerator):
        trace = span = 0

        def generate_trace_id(self) -> int:
            return self.trace

        def generate_span_id(self) -> int:
            return self.span

    return Given()


def _resource() -> Any:
    """`recado`, unless the environment calls it something else."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {"service.name": "recado", "service.version": version("recado")}
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


def _ns(ms: float) -> int:
    return round(ms * 1_000_000)
