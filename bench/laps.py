"""What a store has to do for a turn, without anything else: three messages, a claim, what was said, the answer and its
turn written down, the delivery claimed, read and settled."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from bench.engines import Engine, Lanes, Table
from gateway import transcript
from gateway.channels.base import Inbound
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Entry,
    Kind,
    Outcome,
    Post,
    Receipt,
    Settlement,
    Turn,
    TurnId,
    conversation_id,
)

AT_ONCE = 64
BURST = 3
"""Messages of one turn."""
LEASE = 30_000
OWNER = "bench"
CHANNEL, QUEUE = "whatsapp", "vendas"
SAID = "Oi, boa tarde! Queria saber se vocês entregam no sábado de manhã e quanto custa o frete."
WORDS = "Claro! Entregamos aos sábados das 9h às 12h, e para o centro o frete custa R$ 12,90."
STEPS = ("consider", "hear", "follow", "answer", "gate", "speak", "settle")
_numbers = count(1)


def key(number: int) -> ConversationId:
    return conversation_id(CHANNEL, f"5511{number:09d}")


def conversation(number: int) -> Conversation:
    return Conversation(key(number), CHANNEL, f"5511{number:09d}", "Lia", QUEUE, address={"phone": f"5511{number:09d}"})


def post(number: int, window: int = 0) -> Post:
    """A message of this contact that nobody wrote before."""
    id = f"wamid.HBgNNTUxMTk5OTk5{next(_numbers):012d}"
    body = transcript.received_body(Inbound(id, f"5511{number:09d}", "Lia", SAID, _now()))
    return Post(key(number), id, body, window=window, max_wait=window * 4, once=True)


def _now() -> int:
    return time.time_ns() // 1_000_000


def answered(claim: Claim) -> Settlement:
    """As a text turn of the gateway settles, with a timeline of its length."""
    id, now = TurnId(f"{claim.key}.{claim.epoch}"), claim.claimed_at
    part = {"kind": "text", "text": WORDS}
    envelope = {
        "conversation": claim.key, "turn": id, "outcome": "answered", "reason": "assistant", "language": "pt",
        "citations": [],
    }  # fmt: skip
    line = {"at": now, "reason": "assistant", "ms": 12, "tokens": 345}
    turn = Turn(
        id, claim.key, claim.epoch, claim.head, claim.tail, now, now, Outcome.ANSWERED, "assistant",
        tuple({"step": step, **line} for step in STEPS), {**envelope, "parts": [part]},
    )  # fmt: skip
    body = transcript.sent_body(id, part, envelope=envelope, spell=0, last=True)
    return Settlement(claim.tail, [Post(claim.key, f"{id}:0", body)], turn, max_folds=2)


def delivered(claim: Claim, entries: Sequence[Entry]) -> Settlement:
    """The provider gave each an id."""
    receipts = [Receipt(claim.key, e.dedup, "sent", claim.claimed_at, f"wamid.{next(_numbers):020d}") for e in entries]
    return Settlement(claim.tail, receipts=receipts)


# -- a lap: some turns, counted --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lap:
    turns: int
    seconds: float
    own: float
    """Milliseconds of our processor time a turn."""
    server: float
    """The same of the server."""
    statements: float
    """A turn sends; 0 where it is not counted."""
    posted: float
    """Of these, posts."""
    claims: Sequence[float]
    """Milliseconds each took that found something."""
    looks: Sequence[float]
    """Milliseconds each took that found nothing."""

    @property
    def cpu(self) -> float:
        return self.own + self.server


class Course:
    """A store and those who write to it."""

    def __init__(self, engine: Engine, url: str, contacts: int) -> None:
        self.engine, self.url, self.contacts = engine, url, contacts
        self.store: Lanes = engine.store(url)
        self._random = random.Random(7)
        self._claims: list[float] = []
        self._looks: list[float] = []
        self._posted = 0

    async def lap(self, turns: int, at_once: int = AT_ONCE, *, writers: int = 0, looking: bool = False) -> Lap:
        """Of contacts that chance picks among all, or among `writers` of them. `looking`: also when there is nothing to
        claim."""
        self._claims, self._looks, self._posted = [], [], 0
        statements, server, own, began = self._sent, self.engine.cpu, time.process_time(), time.perf_counter()
        rounds = max(1, turns // at_once)
        for _ in range(rounds):
            await self._together(self._random.sample(range(writers or self.contacts), at_once))
            if looking:
                await self._look()
        done, seconds = rounds * at_once, time.perf_counter() - began
        own, server = (time.process_time() - own) / done * 1e3, (self.engine.cpu - server) / done * 1e3
        sent = (self._sent - statements) / done
        return Lap(done, seconds, own, server, sent, self._posted / done, self._claims, self._looks)

    @property
    def _sent(self) -> int:
        return getattr(self.store, "statements", 0)

    async def _together(self, contacts: Sequence[int]) -> None:
        await self._write(contacts)
        await asyncio.gather(*(self._turn(claim) for claim in await self.claimed(Kind.IN, len(contacts))))
        await asyncio.gather(*(self._send(claim) for claim in await self.claimed(Kind.OUT, len(contacts))))

    async def _write(self, contacts: Sequence[int]) -> None:
        before = self._sent
        messages = [(conversation(n), post(n)) for n in contacts for _ in range(BURST)]
        await asyncio.gather(*(self.store.accept(who, what) for who, what in messages))
        self._posted += self._sent - before

    async def claimed(self, kind: Kind, lanes: int) -> list[Claim]:
        """All that is due; more than one look where the clock has to move on. Each asks for more than there is, as a
        gateway with a free place does."""
        claims: list[Claim] = []
        while len(claims) < lanes:
            began = time.perf_counter()
            claims += await self.store.claim(kind, lanes + 1, LEASE, OWNER)
            self._claims.append((time.perf_counter() - began) * 1e3)
        return claims

    async def _look(self) -> None:
        began = time.perf_counter()
        await self.store.claim(Kind.IN, AT_ONCE, LEASE, OWNER)
        self._looks.append((time.perf_counter() - began) * 1e3)

    async def _turn(self, claim: Claim) -> None:
        await self.store.load(claim)
        await self.store.settle(claim, answered(claim))

    async def _send(self, claim: Claim) -> None:
        await self.store.settle(claim, delivered(claim, (await self.store.load(claim)).entries))


# -- a past ------------------------------------------------------------------------------------------


def past(contacts: int) -> Iterator[Table]:
    """So many conversations of a message and an answer each, all asleep."""
    keys = sorted((key(n), n) for n in range(contacts))  # an index that grows at its end is filled fastest
    at = _now() - 86_400_000
    people = ((key, CHANNEL, f"5511{n:09d}", "Lia", QUEUE, at) for key, n in keys)
    yield "conversation", "id, channel, contact, name, queue, created_at", people
    for kind, words in ((0, SAID), (1, WORDS)):
        body = f'{{"text":"{words}"}}'
        yield "lane", "kind, key, tail, head, last_at, epoch", ((kind, key, 1, 1, at, 1) for key, _ in keys)
        entries = ((kind, key, 1, f"past-{n}", "", body, at) for key, n in keys)
        yield "entry", "kind, key, seq, dedup, digest, body, at", entries
