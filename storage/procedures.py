"""What a store writes, step by step, with no database in it.

A procedure yields one statement of `lanes.py` with its values, is sent that statement's first row (None: no row), and
returns what its caller is told. Whoever runs it makes one transaction of it: the writer's thread of SQLite, a
transaction of PostgreSQL. So there is one text of what happens, and no engine in it.

`yield from alone(...)` comes first where a procedure looks before it writes: what it names nobody else looks at until
the commit. On SQLite, where one procedure runs at a time, it costs nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, TypeVar

from storage import lanes
from storage.lanes import Row, Values
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    DeadLetter,
    Fetched,
    Kind,
    Known,
    MediaId,
    Outcome,
    Post,
    Posted,
    Receipt,
    Settled,
    Settlement,
    Turn,
    TurnId,
    Verdict,
    conversation_id,
)
from storage.store import Fenced

T = TypeVar("T")
Step = tuple[str, Values]
Procedure = Generator[Step, Row | None, T]

ALONE = "-- until the commit nobody else looks at :name"
"""No statement: each engine has its own way."""
UNREAD_KEPT = 200
UNREAD_BYTES = 64 * 1024


def once(sql: str, values: Values) -> Procedure[Row | None]:
    """A single statement."""
    return (yield sql, values)


def alone(*names: str) -> Procedure[None]:
    """In one order everywhere, so that no two wait for each other."""
    for name in names if len(names) == 1 else sorted(set(names), key=lock_of):
        yield ALONE, {"name": name}


def lock_of(name: str) -> int:
    """What a name is called where locks are numbers of 64 bits."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"recado lock").digest(), signed=True)


# -- lanes -----------------------------------------------------------------------------------------


def accept(conversation: Conversation, post: Post, media: Sequence[MediaId]) -> Procedure[Posted]:
    yield from alone(conversation.id)
    known = (yield from _known(conversation.channel, post.dedup)) if post.once else None
    if known is not None and known.conversation != conversation.id:
        return Posted(Verdict.DUPLICATE, known.seq)
    posted = yield from append(Kind.IN, post)
    if posted.verdict is Verdict.NEW:
        yield lanes.MEET, lanes.conversation_values(conversation)
        yield from _open_media(media, conversation.id)
        if post.once:
            yield from _know(conversation.channel, post.dedup, Kind.IN, post, posted.seq)
    return posted


def append(kind: Kind, post: Post) -> Procedure[Posted]:
    """One entry at the end of a lane."""
    lane = lanes.lane_values(kind, post)
    seen = yield lanes.SEEN, lane
    if seen is not None:
        return Posted(Verdict.DUPLICATE if seen[1] == post.digest else Verdict.CONFLICT, seen[0])
    bumped = yield lanes.BUMP, lane
    assert bumped is not None
    seq, at = bumped
    yield lanes.APPEND, {**lane, "seq": seq, "digest": post.digest, "body": post.body, "at": at}
    return Posted(Verdict.NEW, seq)


def send_also(post: Post) -> Procedure[Posted]:
    yield from alone(post.key)
    return (yield from append(Kind.OUT, post))


def _known(channel: str, id: str) -> Procedure[Known | None]:
    row = yield lanes.KNOWN, {"channel": channel, "id": id}
    return None if row is None else lanes.known_of(row)


def _know(channel: str, id: str, kind: Kind, post: Post, seq: int) -> Procedure[None]:
    about = {"conversation": post.key, "kind": int(kind), "seq": seq, "dedup": post.dedup}
    yield lanes.KNOW, {"channel": channel, "id": id, **about}


def _open_media(media: Iterable[MediaId], conversation: ConversationId) -> Procedure[None]:
    for id in media:
        yield lanes.OPEN_MEDIA, {"media": id, "conversation": conversation}


def take_over(conversation: Conversation, provider_id: str, settlement: Settlement) -> Procedure[Posted | None]:
    yield from alone(conversation.id)
    (post,), passing = settlement.posts, settlement.passing
    known = yield from _known(conversation.channel, provider_id)
    if known is not None:
        return Posted(Verdict.DUPLICATE, known.seq)
    custody = yield lanes.CUSTODY, {"id": conversation.id}
    if passing is None or (custody[0] if custody else "") != passing.before:  # of one that is not there yet, too
        return None
    posted = yield from append(Kind.OUT, post)
    if posted.verdict is Verdict.NEW:
        yield lanes.MEET, lanes.conversation_values(conversation)
        yield from _know(conversation.channel, provider_id, Kind.OUT, post, posted.seq)
        yield from write_down(conversation.id, replace(settlement, posts=()))
    return posted


def pass_on(id: ConversationId, settlement: Settlement) -> Procedure[bool]:
    yield from alone(id)
    custody = yield lanes.CUSTODY, {"id": id}
    if custody is None or settlement.passing is None or custody[0] != settlement.passing.before:
        return False
    yield from write_down(id, settlement)
    return True


def knock(posts: Sequence[Post]) -> Procedure[bool]:
    yield from alone(*(post.key for post in posts))
    for post in posts:
        if (yield lanes.PENDING, {"key": post.key}) is not None:
            return False
    for post in posts:
        yield from append(Kind.IN, post)
    return True


def cancel(id: ConversationId, reason: str) -> Procedure[Turn | None]:
    yield from alone(id)
    pending = yield lanes.PENDING, {"key": id}
    if pending is None:
        return None
    cancelled = yield lanes.CANCEL, {"key": id}
    assert cancelled is not None
    epoch, tail, now = cancelled
    turn = Turn(TurnId(f"{id}.{epoch}"), id, epoch, pending[0], tail, now, now, Outcome.IGNORED, reason)
    yield lanes.END_TURN, lanes.turn_values(turn)
    return turn


def mine(sql: str, claim: Claim, **more: int) -> Procedure[Row]:
    """A statement that only the lane's owner may run. Raises Fenced."""
    row = yield sql, {**lanes.fence_values(claim), **more}
    if row is None:
        raise Fenced(f"epoch {claim.epoch} of this lane is over")
    return row


def settle(claim: Claim, settlement: Settlement) -> Procedure[Settled]:
    yield from alone(claim.key)
    yield from mine(lanes.HELD_MINE, claim)
    if settlement.passing is not None:
        custody = yield lanes.CUSTODY, {"id": claim.key}
        if (custody[0] if custody else "") != settlement.passing.before:
            return Settled.MOVED
    if (yield lanes.FOLD, fold_values(claim, settlement.max_folds)) is not None:
        return Settled.FOLDED
    yield from mine(lanes.SETTLE, claim, upto=settlement.upto, pause=max(0, settlement.pause))
    yield from write_down(claim.key, settlement)
    return Settled.DONE


def fold_values(claim: Claim, max_folds: int) -> Values:
    return {**lanes.fence_values(claim), "tail": claim.tail, "max_folds": max_folds}


def fold(claim: Claim, max_folds: int) -> Procedure[bool]:
    yield from mine(lanes.HELD_MINE, claim)
    return (yield lanes.FOLD, fold_values(claim, max_folds)) is not None


def write_down(key: ConversationId, settlement: Settlement) -> Procedure[None]:
    """All that a settlement says, but for the claim."""
    for kind, posts in ((Kind.OUT, settlement.posts), (Kind.DESK, settlement.desk)):
        for post in posts:
            yield from append(kind, post)
    for receipt in settlement.receipts:
        yield from record(receipt)
    yield from facts_of(key, settlement)


def facts_of(key: ConversationId, settlement: Settlement) -> Procedure[None]:
    """Of a settlement, what is written without a look before it."""
    passing = settlement.passing
    if settlement.turn is not None:
        yield lanes.END_TURN, lanes.turn_values(settlement.turn)
    if passing is not None and passing.after != passing.before:
        yield lanes.PASS_ON, lanes.passing_values(key, passing)
    for name, on in settlement.facts.items():
        yield (lanes.BEGIN_FACT if on else lanes.END_FACT), {"id": key, "name": name}
    if settlement.address is not None:
        yield lanes.READDRESS, {"id": key, "address": lanes.address_text(settlement.address)}
    if settlement.flow is not None:
        yield lanes.FOLLOW, {"id": key, "flow": settlement.flow}
    if settlement.place is not None:
        yield lanes.PLACE, {"id": key, "place": lanes.address_text(settlement.place)}
    for channel, id in settlement.known:
        about = {"conversation": key, "kind": int(Kind.DESK), "seq": 0, "dedup": ""}
        yield lanes.KNOW, {"channel": channel, "id": id, **about}
    if settlement.wake_at is not None:
        yield lanes.ARM, {"key": key, "at": settlement.wake_at}
    for dead in settlement.dead:
        yield lanes.BURY, lanes.dead_values(dead)
    for media in settlement.media:
        yield lanes.OPEN_MEDIA, {"media": media, "conversation": key}


# -- conversations -----------------------------------------------------------------------------------


def record(receipt: Receipt) -> Procedure[bool]:
    """False: it was known. Its id is another one all the same where a delivery went in pieces, or where the provider
    was faster in saying so."""
    values = lanes.receipt_values(receipt)
    is_new = (yield lanes.RECORDED, values) is None
    if is_new:
        yield lanes.RECORD, values
    if receipt.provider_id:
        yield lanes.KNOW_DELIVERY, values
    return is_new


def recorded(receipt: Receipt) -> Procedure[bool]:
    yield from alone(receipt.conversation)
    return (yield from record(receipt))


def resolve(receipt: Receipt) -> Procedure[bool]:
    yield from alone(receipt.conversation)
    yield lanes.EXHUME, {"conversation": receipt.conversation, "delivery": receipt.delivery}
    return (yield from record(receipt))


def bury(dead: DeadLetter) -> Procedure[Row | None]:
    return once(lanes.BURY, lanes.dead_values(dead))


# -- the names of a contact ----------------------------------------------------------------------------

Learned = tuple[str, bool, bool]
"""The contact, whether another one was merged into it, and whether it is held now because that one was."""


def learn(channel: str, names: Sequence[str], lasting: str) -> Procedure[Learned]:
    yield from alone(f"names\x00{channel}")
    same = []
    for name in names:
        if not (yield from _is_somebody_elses(channel, name, lasting)):
            same.append(name)
    contact, *losers = yield from _eldest_first(channel, same)
    yield from alone(*(conversation_id(channel, one) for one in (contact, *losers)))
    held = []
    for loser in losers:
        held.append((yield from _merge(channel, contact, loser)))
    for alias in names:
        row = {"channel": channel, "alias": alias, "contact": contact, "lasting": int(alias == lasting)}
        yield lanes.LEARN_ALIAS, row
    return contact, bool(held), any(held)


def _is_somebody_elses(channel: str, name: str, lasting: str) -> Procedure[bool]:
    """A number that was given to a new owner: from now on it is the new one's, and what was said stays apart."""
    alias = yield lanes.ALIAS, {"channel": channel, "alias": name}
    if not lasting or name == lasting or alias is None:
        return False
    values = {"channel": channel, "contact": alias[0], "lasting": lasting}
    return (yield lanes.SOMEBODY_ELSE, values) is not None


def _eldest_first(channel: str, names: Sequence[str]) -> Procedure[list[str]]:
    """The contacts that are known by these names; when there is none, the first name becomes one."""
    known, born = dict[str, None](), dict[str, tuple[int, str]]()
    for name in names:
        alias = yield lanes.ALIAS, {"channel": channel, "alias": name}
        contact = name if alias is None else str(alias[0])
        id = conversation_id(channel, contact)
        row = yield lanes.BORN, {"id": id}
        if row is not None:
            born[contact] = (row[0], id)
        if row is not None or alias is not None:
            known[contact] = None
    nameless = [contact for contact in known if contact not in born]
    return [*sorted(born, key=lambda contact: born[contact]), *nameless] or [names[0]]


def _merge(channel: str, contact: str, loser: str) -> Procedure[bool]:
    """True when the loser's hold is the contact's own now. The loser keeps it too: its last turns may still run."""
    ids = {"id": conversation_id(channel, contact), "loser": conversation_id(channel, loser)}
    yield lanes.REPOINT, {"channel": channel, "contact": contact, "loser": loser}
    for inherit in (lanes.INHERIT_FACTS, lanes.INHERIT_FLOW, lanes.INHERIT_DESK):
        yield inherit, ids
    yield lanes.LOOK_NOW, {"key": ids["id"]}  # whatever it was time for over there
    return (yield lanes.INHERIT_HOLD, ids) is not None


# -- the library -----------------------------------------------------------------------------------


def remember_fetched(id: ConversationId, fetched: Fetched) -> Procedure[None]:
    media = fetched.media
    place = {"id": id, "seq": fetched.seq, "n": fetched.n}
    what: Mapping[str, Any] = {"media": media and media.id, "problem": fetched.problem}
    if (yield lanes.REMEMBER_FETCHED, {**place, **what}) is not None and media is not None:
        yield lanes.KEEP_MEDIA, lanes.media_values(media)
        yield from _open_media([media.id], id)


def keep_unread(channel: str, why: str, body: bytes) -> Procedure[None]:
    yield from alone(f"unread\x00{channel}")
    yield lanes.KEEP_UNREAD, {"channel": channel, "why": why, "body": body[:UNREAD_BYTES]}
    yield lanes.DROP_UNREAD, {"channel": channel, "kept": UNREAD_KEPT}
