"""What was given up, as whoever looks after an installation names it, tells it from others and has it posted again."""

from __future__ import annotations

import re

import orjson

from gateway.rules.custody import Custody, custody_of, may_send
from storage.model import ConversationId, GivenUp, Kind, Posted
from storage.store import Store

NAMES = {Kind.IN: "in", Kind.OUT: "out", Kind.DESK: "desk", Kind.LATER: "later"}
"""A kind of lane as it is written: `c_…:out:7`."""
KINDS = {name: kind for kind, name in NAMES.items() if kind is not Kind.LATER}
"""Those that have entries."""
_ADDRESS = re.compile(r"([^\s:/?#]{1,200}):(in|out|desk):([0-9]{1,18})")
UNSURE = "unsure"
"""Begins the reason of a delivery that may have gone out (deliveries.py)."""


class NotGivenUp(Exception):
    """There is no such dead letter: it was posted again already, or turned out to be sent."""


class PerhapsSent(Exception):
    """Posted again it may reach the contact twice."""


class InVain(Exception):
    """Posted again it would come to nothing, and be no dead letter any more. The text says what to do instead."""


def address_of(given: GivenUp) -> str:
    """`CONVERSATION:KIND:SEQ`, as `recado repost` takes it."""
    return f"{given.conversation}:{NAMES[given.kind]}:{given.seq}"


def parsed(address: str) -> tuple[ConversationId, Kind, int]:
    """Raises ValueError."""
    if (found := _ADDRESS.fullmatch(address)) is None:
        raise ValueError("it is written CONVERSATION:KIND:SEQ, as `recado doctor` shows it, e.g. c_0a1b:out:7")
    return ConversationId(found[1]), KINDS[found[2]], int(found[3])


def words(given: GivenUp) -> str:
    """What it was, so that whoever looks can tell it from others; empty where it is gone."""
    body = orjson.loads(given.body) if given.body else {}
    if given.kind is Kind.OUT:
        part = body.get("part", {})
        return str(part.get("text") or part.get("transcript") or part.get("kind", ""))
    if given.kind is Kind.DESK:
        return str(body.get("what", ""))
    return str(body.get("text") or ("voice note" if body.get("audio") else body.get("meaning", "")))


async def repost(store: Store, id: ConversationId, kind: Kind, seq: int, *, force: bool) -> Posted:
    """At the end of its lane, at once. What may have been sent only by `force`. Raises NotGivenUp, PerhapsSent, InVain
    and what the store raises."""
    given = await store.given_up(id, kind, seq)
    if given is not None and given.reason.startswith(UNSURE) and not force:
        raise PerhapsSent
    if given is not None and (why := await _in_vain(store, given)):
        raise InVain(why)
    posted = await store.repost(id, kind, seq) if given is not None else None
    if posted is None:
        raise NotGivenUp
    return posted


async def _in_vain(store: Store, given: GivenUp) -> str:
    """Nobody answers for people, and what was written before they came is withdrawn."""
    talk = await store.conversation(given.conversation)
    custody, body = custody_of(talk) if talk else Custody(), orjson.loads(given.body) if given.body else {}
    if given.kind is Kind.IN and custody.people:
        return "people have this conversation, so nobody would answer: give it back first (release)"
    if given.kind is Kind.OUT and body.get("yields") and not may_send(custody, body.get("spell", custody.spell)):
        return "people have had this conversation since, so it would be withdrawn: write to the customer from there"
    return ""
