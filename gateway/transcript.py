"""What stands in the lanes, and how it is shown: the entry bodies of both directions and the public message.

A conversation's transcript is its lanes' entries; nothing is kept twice. Bodies are JSON, written and read only here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from gateway.assistants.base import Utterance
from gateway.channels.base import Capabilities, Inbound, Wish
from gateway.rules.shaping import split
from storage.model import Cursor, Entry, Fetched, Kind, Media, MediaId, Outcome, Receipt

VOICE_NOTE = "🎤"
"""Stands for a voice note whose sound is elsewhere."""
INSTEAD = "text_instead:"
"""Begins what a receipt tells of a voice note whose words went."""
BROKEN = "broken"
"""Why a message is unreadable: its entry is, to this version."""
SHORT = 4096
"""Characters of an entry that is remembered once it was read: one that brings its own history has a million."""
WAKE = "wake"
"""The meaning of an inbound entry that nobody wrote: it is time to look at the conversation; `of` says what for."""
RANK = {"unsure": 0, "withdrawn": 1, "templated": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5, "played": 6}
"""How far a delivery got. `failed` comes after `sent` (a provider accepts first) and never after `delivered`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An attachment as its message holds it: on disk already, or a name by which the channel can fetch it."""

    kind: str
    mime: str = ""
    ref: str = ""
    name: str = ""
    size: int = 0
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An inbound entry."""

    seq: int
    id: str
    text: str
    at: int
    audio: Media | None = None
    meaning: str = "message"
    of: str = ""
    reply_to: str = ""
    aside: str = ""
    """Why nobody is to answer it: `late`, `group`, `ignored_contact`."""
    unreadable: str = ""
    attachments: Sequence[Kept] = ()
    wish: Wish = field(default_factory=Wish)


def received_body(
    inbound: Inbound, audio: Media | None = None, *, aside: str = "", attachments: Sequence[Kept] = ()
) -> str:
    body: dict[str, Any] = {"id": inbound.id, "text": inbound.text, "at": inbound.at}
    if not inbound.dated:
        body["undated"] = True
    if audio:
        body["audio"] = media_fields(audio)
    if inbound.meaning != "message":
        body["meaning"] = inbound.meaning
    more = {"of": inbound.of, "reply_to": inbound.reply_to, "unreadable": inbound.unreadable, "aside": aside}
    body |= {key: value for key, value in more.items() if value}
    if attachments:
        body["attachments"] = [_kept_fields(kept) for kept in attachments]
    if inbound.wish != Wish():
        body["wish"] = _wish_fields(inbound.wish)
    return orjson.dumps(body).decode()


def _kept_fields(kept: Kept) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": kept.kind, "mime": kept.mime, "ref": kept.ref, "name": kept.name}
    return fields | {"size": kept.size, "media": kept.media and media_fields(kept.media)}


def _kept(fields: Mapping[str, Any]) -> Kept:
    """A key it does not know was written by a later version, and is left out."""
    media, known = fields["media"], {name: fields[name] for name in Kept.__dataclass_fields__ if name in fields}
    return Kept(**{**known, "media": media and media_from(media)})


def _wish_fields(wish: Wish) -> dict[str, Any]:
    said = None if wish.history is None else [list(line) for line in wish.history]
    fields: dict[str, Any] = {"format": wish.format, "instructions": wish.instructions, "history": said}
    return fields | {"metadata": dict(wish.metadata)}


def _wish(fields: Mapping[str, Any]) -> Wish:
    said = fields["history"]
    history = None if said is None else [(role, text) for role, text in said]
    return Wish(fields["format"], fields["instructions"], history, fields["metadata"])


def wake_body(id: str, why: str, at: int) -> str:
    """`why`: what it may be time for. `at`: milliseconds since the epoch."""
    return orjson.dumps({"id": id, "text": "", "at": at, "meaning": WAKE, "of": why}).decode()


def is_wake(entry: Entry) -> bool:
    return entry.kind is Kind.IN and received(entry).meaning == WAKE


def wrote_at(entry: Entry) -> int:
    """When the contact wrote, in milliseconds. Never after we knew of it: a provider's clock may run ahead."""
    return min(received(entry).at, entry.at)


def content_digest(text: str, audio: bytes | None) -> str:
    """Tells a repeated message from another one under the same id."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12)
    digest.update(b"\x00" + (hashlib.sha256(audio).digest() if audio else b""))
    return digest.hexdigest()


NEEDED = {Kind.IN: ("id", "text", "at"), Kind.OUT: ("turn", "part", "reply")}
"""What every body has, by its direction."""


def body_of(entry: Entry) -> dict[str, Any]:
    """One that cannot be read (a later version wrote it, and an earlier one was started again) says nothing: it must
    not stand in the way of all that is said after it."""
    with suppress(ValueError):
        body = orjson.loads(entry.body)
        if isinstance(body, dict) and all(key in body for key in NEEDED[entry.kind]):
            return body
    if entry.kind is Kind.IN:
        return {"id": entry.dedup, "text": "", "at": entry.at, "unreadable": BROKEN}
    return {"turn": "", "part": {"kind": "text", "text": ""}, "reply": {}}


def received(entry: Entry) -> Received:
    return (_read_lately if len(entry.body) <= SHORT else _read)(entry)


def burst_of(entries: Sequence[Entry], *, anyway: bool) -> list[Received]:
    """Raises ValueError, unless `anyway`, for what cannot be read here: another process may be of the version that
    wrote it."""
    found = [received(entry) for entry in entries]
    if not anyway and any(entry.unreadable == BROKEN for entry in found):
        raise ValueError("an entry cannot be read by this version")
    return found


def _read(entry: Entry) -> Received:
    body = body_of(entry)
    audio, wish = body.get("audio"), body.get("wish")
    return Received(
        entry.seq,
        body["id"],
        body["text"],
        entry.at if body.get("undated") else body["at"],
        audio and media_from(audio),
        meaning=body.get("meaning", "message"),
        of=body.get("of", ""),
        reply_to=body.get("reply_to", ""),
        aside=body.get("aside", ""),
        unreadable=body.get("unreadable", ""),
        attachments=[_kept(fields) for fields in body.get("attachments", ())],
        wish=_wish(wish) if wish else Wish(),
    )


_read_lately = lru_cache(maxsize=256)(_read)  # a turn looks at its history from several sides


def sent_body(turn: str, part: Mapping[str, Any], *, envelope: Mapping[str, Any], spell: int | None, last: bool) -> str:
    """`envelope`: the reply without its parts. `spell`: of the conversation's custody when it was written; it must not
    go out once people got the conversation since. None: it goes out whoever has it."""
    body = {"turn": turn, "part": part, "reply": envelope, "yields": spell is not None, "last": last}
    return orjson.dumps(body if spell is None else {**body, "spell": spell}).decode()


def said_by_us(
    conversation: str, id: str, reason: str, part: Mapping[str, Any], language: str, *, last: bool = True
) -> str:
    """An outbound entry for a part of a transfer message that no turn wrote. `id`: of the transfer."""
    turn = f"transfer:{id}"
    reply: dict[str, Any] = {
        "conversation": conversation,
        "turn": turn,
        "outcome": str(Outcome.TRANSFERRED),
        "reason": reason,
    }
    reply |= {"language": language, "citations": []}
    return sent_body(turn, part, envelope=reply, spell=None, last=last)


def written_by_person(conversation: str, part: Mapping[str, Any], person: str, at: int, id: str) -> str:
    """An outbound entry for what a person wrote at a desk: it is still to be sent. `id`: of what was written."""
    reply = {"conversation": conversation, "turn": f"person:{id}", "outcome": "person", "reason": "person_wrote"}
    body = {"turn": f"person:{id}", "part": part, "reply": reply, "yields": False, "last": True, "at": at}
    return orjson.dumps({**body, "person": True, "by": person, "send": True}).decode()


def written_elsewhere(conversation: str, text: str, at: int, *, voice: bool) -> str:
    """An outbound entry for what a person of the business wrote on another device: it is said already."""
    part = {"kind": "text", "text": text or (VOICE_NOTE if voice else "")}
    reply = {"conversation": conversation}
    body = {"turn": "", "part": part, "reply": reply, "yields": False, "last": True, "person": True, "at": at}
    return orjson.dumps(body).decode()


def says(entry: Entry, text: str, capabilities: Capabilities, *, voice: bool) -> bool:
    """True when an outbound entry says just this, on a channel of these capabilities. Of a voice note only that it is
    one can be told; where its words went, also one of the messages they went in."""
    part = orjson.loads(entry.body)["part"]
    if voice or part["kind"] == "text":
        return part["kind"] == "voice" if voice else _plain(part["text"]) == _plain(text)
    return _plain(text) in map(_plain, [_words(part), *instead(part, capabilities)])


def instead(part: Mapping[str, Any], capabilities: Capabilities) -> list[str]:
    """The words of a voice note where none is taken, in as many messages as the channel needs."""
    return split(_words(part), capabilities.text_limit, utf16=capabilities.utf16)


def _plain(text: str) -> str:
    return " ".join(text.split())


def states(receipts: Sequence[Receipt]) -> dict[str, str]:
    """The state of each delivery. It only rises: facts come in any order, and what was read was delivered."""
    reached: dict[str, str] = {}
    for receipt in receipts:
        rank = RANK.get(receipt.status)  # that a desk waits is no state of anything the contact gets
        if rank is not None and rank >= RANK[reached.get(receipt.delivery, "unsure")]:
            reached[receipt.delivery] = receipt.status
    return reached


def in_doubt(receipts: Sequence[Receipt]) -> set[str]:
    """The deliveries of which nobody knows whether they went out. Of one that went in pieces some may be known to."""
    reached, unsure = states(receipts), {one.delivery for one in receipts if one.status == "unsure"}
    in_pieces = {one.delivery for one in receipts if one.detail.startswith(INSTEAD)}
    return {delivery for delivery in unsure if delivery in in_pieces or reached[delivery] == "unsure"}


def media_fields(media: Media) -> dict[str, Any]:
    return {
        "id": media.id,
        "mime": media.mime,
        "seconds": media.seconds,
        "bytes": media.bytes,
        "waveform": list(media.waveform),
    }


def media_from(fields: Mapping[str, Any]) -> Media:
    return Media(MediaId(fields["id"]), fields["mime"], fields["bytes"], fields["seconds"], tuple(fields["waveform"]))


# -- shown ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known about an entry and does not stand in it."""

    heard: str | None = None
    """The words of the contact's voice note."""
    state: str = ""
    """Of what we sent."""
    fetched: Sequence[Fetched] = ()
    """The message's media."""


def shown(entry: Entry, cursor: Cursor, base_url: str, beside: Beside) -> dict[str, Any]:
    """The public message of an entry (docs/api.md)."""
    body = body_of(entry)
    message: dict[str, Any] = {"cursor": str(cursor)}
    if entry.kind is Kind.IN:
        message |= {"from": "contact", "id": body["id"], "at": rfc3339(body["at"])}
        message |= {key: body[key] for key in ("meaning", "of", "reply_to", "aside", "unreadable") if key in body}
        message["part"] = _contact_part(body, base_url, beside)
        return message
    if body.get("person"):
        message |= {"from": "person", "id": entry.dedup, "at": rfc3339(body["at"])}
        message |= {"by": body["by"]} if body.get("by") else {}
        message |= {"state": beside.state} if beside.state and body.get("send") else {}
        return message | {"part": linked(body["part"], base_url)}
    message |= {"from": "assistant", "id": entry.dedup, "at": rfc3339(entry.at), "turn": body["turn"]}
    message |= {"citations": body["reply"].get("citations", []), "part": linked(body["part"], base_url)}
    if beside.state:
        message["state"] = beside.state
    if beside.state in ("withdrawn", "templated"):
        message["withdrawn"] = True
    return message


def _contact_part(body: Mapping[str, Any], base_url: str, beside: Beside) -> dict[str, Any]:
    if "attachments" in body:
        attachments = _attachments(body["attachments"], base_url, beside)
        return {"kind": "text", "text": body["text"], "attachments": attachments}
    if "audio" not in body:
        return {"kind": "text", "text": body["text"]}
    part = {"kind": "voice", "media": body["audio"], "transcript": beside.heard}
    if body["text"]:
        part["text"] = body["text"]
    return linked(part, base_url)


def _attachments(kept: Sequence[Mapping[str, Any]], base_url: str, beside: Beside) -> list[dict[str, Any]]:
    """Each with its media, or with why it has none (yet)."""
    fetched = {one.n: one for one in beside.fetched}
    shown = []
    for n, one in enumerate(kept):
        come = fetched.get(n)
        media = one["media"] or (media_fields(come.media) if come and come.media else None)
        seen = {"kind": one["kind"], "name": one["name"], "media": media and _located(media, base_url)}
        if come and come.problem:
            seen["problem"] = come.problem
        if one["kind"] in ("voice", "audio"):
            seen["transcript"] = beside.heard
        shown.append(seen)
    return shown


def _located(media: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    return {**media, "url": f"{base_url}/v1/media/{media['id']}"}


def linked(part: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """A part as others see it: media say where they can be fetched, and what a note stands for stays here."""
    seen = {k: v for k, v in part.items() if k != "written"}
    if part["kind"] == "voice":
        seen["media"] = _located(part["media"], base_url)
    return seen


def public_reply(reply: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    return {**reply, "parts": [linked(part, base_url) for part in reply["parts"]]}


def rfc3339(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def before(entries: Sequence[Entry], cursor: Cursor) -> Cursor:
    """The place right before `entries`, which end at `cursor` or later."""
    inbound = min((e.seq - 1 for e in entries if e.kind is Kind.IN), default=cursor.inbound)
    outbound = min((e.seq - 1 for e in entries if e.kind is Kind.OUT), default=cursor.outbound)
    return Cursor(inbound, outbound)


def advance(cursor: Cursor, entry: Entry) -> Cursor:
    """The place right after `entry`."""
    if entry.kind is Kind.IN:
        return Cursor(entry.seq, cursor.outbound)
    return Cursor(cursor.inbound, entry.seq)


# -- remembered ----------------------------------------------------------------------------------


def utterances(entries: Sequence[Entry], heard: Mapping[int, str]) -> list[Utterance]:
    """What was said, for the assistant: in the order it was accepted, one utterance for each message or written part,
    and one for a reply that was heard. `heard`: the words of the contact's notes, by the number of their message."""
    messages = {e.seq: received(e) for e in entries if e.kind is Kind.IN}
    corrected = {m.of: m.text for m in messages.values() if m.meaning == "edit"}
    revoked = {m.of for m in messages.values() if m.meaning == "revoke"}
    said, heard_turn = [], ""
    for entry in entries:
        if entry.kind is Kind.OUT:
            body = body_of(entry)
            if body["turn"] and body["turn"] == heard_turn:
                continue  # a note's words are those of the whole reply, also of what was written beside it
            heard_turn = body["turn"] if body["part"].get("written") else ""
            said.append(Utterance("person" if body.get("person") else "assistant", _words(body["part"])))
        elif (message := messages[entry.seq]).meaning == "message" and message.id not in revoked:
            text = corrected.get(message.id, message.text)
            said.append(Utterance("contact", "\n".join(t for t in (heard.get(entry.seq, ""), text) if t)))
    return [u for u in said if u.text]


def hands_over(entry: Entry) -> bool:
    """An outbound entry of a turn that called people."""
    return body_of(entry)["reply"].get("outcome") in (Outcome.TRANSFERRED, Outcome.DEAD)


def told_by(entry: Entry) -> tuple[Literal["contact", "assistant", "person"], int]:
    """Who said it, and when."""
    body = body_of(entry)
    if entry.kind is Kind.IN:
        return "contact", body["at"]
    return ("person", body["at"]) if body.get("person") else ("assistant", entry.at)


def told(entry: Entry, heard: str = "") -> str:
    """What one entry says to people: its words, and the names of what travels with it. `heard`: of a voice note."""
    if entry.kind is Kind.OUT:
        return _words(body_of(entry)["part"])
    message = received(entry)
    files = [f"📎 {one.name or one.kind}" for one in message.attachments if one.kind not in ("voice", "audio")]
    return "\n".join(text for text in (heard, message.text, *files) if text)


def words(entry: Entry, heard: str = "") -> str:
    """What one entry says. `heard`: of a contact's voice note."""
    found = utterances([entry], {entry.seq: heard})
    return found[0].text if found else ""


def notes(entries: Sequence[Entry], fetched: Sequence[Fetched] = ()) -> dict[int, MediaId]:
    """The contact's voice notes among them, by the number of their message."""
    messages = [received(e) for e in entries if e.kind is Kind.IN]
    found = {m.seq: m.audio.id for m in messages if m.audio}
    for message in messages:
        for n, kept in enumerate(message.attachments):
            come = next((one.media for one in fetched if (one.seq, one.n) == (message.seq, n)), None)
            media = kept.media or come
            if media and kept.kind in ("voice", "audio"):
                found.setdefault(message.seq, media.id)
    return found


def _words(part: Mapping[str, Any]) -> str:
    return str(part["text"] if part["kind"] == "text" else part.get("written") or part.get("transcript", ""))
