"""What is counted and what is logged. Of a contact only the conversation's id is logged, which says nothing of it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

context: ContextVar[dict[str, str]] = ContextVar("context", default={})  # noqa: B039  (never written to, only replaced)


class Telemetry:
    """Every metric of the gateway, by name; docs/metrics.md explains each."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        self.received = Counter("recado_messages_received", "Inbound messages", ["channel", "verdict"], registry=r)
        self.refused = Counter(
            "recado_messages_refused", "Not taken, for more came in than can be written down", ["channel"], registry=r
        )
        self.ack = Histogram(
            "recado_ack_seconds", "From the request's first byte to the commit", buckets=SECONDS, registry=r
        )
        self.lateness = Histogram(
            "recado_window_lateness_seconds", "From the end of a window to its claim", buckets=SECONDS, registry=r
        )
        self.step = Histogram(
            "recado_turn_step_seconds", "Time of each step of a turn", ["step"], buckets=SECONDS, registry=r
        )
        self.turns = Counter("recado_turns", "Turns by outcome", ["queue", "outcome"], registry=r)
        self.ratings = Counter("recado_ratings", "Scores that customers gave", ["queue", "score"], registry=r)
        self.folded = Counter("recado_drafts_folded", "Drafts thrown away because newer messages came", registry=r)
        self.failures = Counter("recado_turn_failures", "Turns that broke and were retried", ["error"], registry=r)
        self.assistant = Counter(
            "recado_assistant_answers", "Assistant calls by result", ["queue", "result"], registry=r
        )
        self.tokens = Counter("recado_assistant_tokens", "Tokens used", ["queue", "direction"], registry=r)
        self.speech = Counter("recado_speech", "Voice notes by result", ["queue", "result"], registry=r)
        self.speech_seconds = Counter("recado_speech_seconds", "Seconds of speech made", ["queue"], registry=r)
        self.speech_characters = Counter(
            "recado_speech_characters", "Characters the voice provider charged", ["queue"], registry=r
        )
        self.speech_wasted = Counter(
            "recado_speech_wasted_characters", "Spoken for a draft that was thrown away, at most", ["queue"], registry=r
        )
        self.speech_saved = Counter(
            "recado_speech_saved_characters", "Not charged: remembered, or written instead", ["queue", "by"], registry=r
        )
        self.hearing = Counter("recado_hearing", "Voice notes heard, by result", ["queue", "result"], registry=r)
        self.deliveries = Counter("recado_deliveries", "Deliveries by outcome", ["channel", "outcome"], registry=r)
        self.hooks = Counter("recado_hooks", "Requests of providers by result", ["channel", "result"], registry=r)
        self.noise = Counter(
            "recado_hook_events_ignored", "Events that concern no conversation", ["channel", "reason"], registry=r
        )
        self.desk = Counter(
            "recado_desk_calls", "What desks were told, and how it went", ["queue", "what", "result"], registry=r
        )
        self.unread = Counter(
            "recado_hooks_unread", "Requests nobody could read, kept as they came", ["channel", "reason"], registry=r
        )
        self.receipts = Counter(
            "recado_receipts", "What became of our messages, as providers told", ["channel", "status"], registry=r
        )
        self.takeovers = Counter(
            "recado_takeovers", "Conversations a person took over from the phone", ["channel"], registry=r
        )
        self.fetched = Counter("recado_media_fetched", "Media of contacts by result", ["channel", "result"], registry=r)
        self.incidents = Counter(
            "recado_incidents", "Trouble the operator was told of", ["part_kind", "reason"], registry=r
        )
        self.incidents_open = Gauge("recado_incidents_open", "Parts in trouble now", registry=r)
        self.alerts = Counter("recado_alerts", "Alerts posted to the operator, by result", ["result"], registry=r)
        self.forgotten = Counter(
            "recado_forgotten", "Taken away because it was kept for long enough", ["what"], registry=r
        )
        self.ready = Gauge("recado_ready", "1: messages can be taken; 0: the database cannot be used", registry=r)
        self.depth = Gauge("recado_lanes_waiting", "Lanes that wait or run", ["direction"], registry=r)
        self.dead = Gauge("recado_dead_letters", "Entries given up", registry=r)
        self.held = Gauge("recado_conversations_held", "Conversations held by people", registry=r)
        self.conversations = Gauge("recado_conversations", "Conversations known", registry=r)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.step.labels(step).observe(time.perf_counter() - began)


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Log lines written inside carry these facts."""
    token = context.set({**context.get(), **facts})
    try:
        yield
    finally:
        context.reset(token)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, what, and the facts around it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03}",
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
            **context.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def start_logging(level: str, stream: TextIO | None = None) -> None:
    """Structured lines on stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "elevenlabs", "aiosqlite", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
