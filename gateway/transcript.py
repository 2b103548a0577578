"""What stands in the lanes, and how it is shown: the entry bodies of both directions and the public message.

A conversation's transcript is its lanes' entries; nothing is kept twice. Bodies are JSON, written and read only here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.assistants.base import Utterance
from storage.model import Cursor, Entry, Kind, Media, MediaId


@dataclass(frozen=True, slots=True)
class Received:
    """An inbound entry."""

    seq: int
    id: str
    text: str
    at: int
    audio: Media | None = None


def received_body(id: str, text: str, at: int, audio: Media | None) -> str:
    body: dict[str, Any] = {"id": id, "text": text, "at": at}
    if audio:
        body["audio"] = media_fields(audio)
    return orjson.dumps(body).decode()


def content_digest(text: str, audio: bytes | None) -> str:
    """Tells a repeated message from another one under the same id."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12)
    digest.update(b"\x00" + (hashlib.sha256(audio).digest() if audio else b""))
    return digest.hexdigest()


def received(entry: Entry) -> Received:
    body = orjson.loads(entry.body)
    audio = body.get("audio")
    return Received(entry.seq, body["id"], body["text"], body["at"], audio and media_from(audio))


def sent_body(
    turn: str, part: Mapping[str, Any], *, envelope: Mapping[str, Any], yields: bool, last: bool
) -> str:
    """`envelope`: the reply without its parts; `yields`: must not go out once a person has the conversation."""
    return orjson.dumps(
        {"turn": turn, "part": part, "reply": envelope, "yields": yields, "last": last}
    ).decode()


def media_fields(media: Media) -> dict[str, Any]:
    return {
        "id": media.id,
        "mime": media.mime,
        "seconds": media.seconds,
        "bytes": media.bytes,
        "waveform": list(media.waveform),
    }


def media_from(fields: Mapping[str, Any]) -> Media:
    return Media(
        MediaId(fields["id"]), fields["mime"], fields["bytes"], fields["seconds"], tuple(fields["waveform"])
    )


# -- shown ---------------------------------------------------------------------------------------


def shown(entry: Entry, cursor: Cursor, base_url: str, heard: str | None, withdrawn: bool = False) -> dict[str, Any]:
    """The public message of an entry (docs/api.md)."""
    body = orjson.loads(entry.body)
    message: dict[str, Any] = {"cursor": str(cursor)}
    if entry.kind is Kind.IN:
        message |= {"from": "contact", "id": body["id"], "at": rfc3339(body["at"])}
        message["part"] = _contact_part(body, base_url, heard)
        return message
    message |= {"from": "assistant", "id": entry.dedup, "at": rfc3339(entry.at), "turn": body["turn"]}
    message |= {"citations": body["reply"].get("citations", []), "part": linked(body["part"], base_url)}
    if withdrawn:
        message["withdrawn"] = True
    return message


def _contact_part(body: Mapping[str, Any], base_url: str, heard: str | None) -> dict[str, Any]:
    if "audio" not in body:
        return {"kind": "text", "text": body["text"]}
    part = {"kind": "voice", "media": body["audio"], "transcript": heard}
    if body["text"]:
        part["text"] = body["text"]
    return linked(part, base_url)


def linked(part: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """A part as others see it: media say where they can be fetched, and what a note stands for stays here."""
    seen = {k: v for k, v in part.items() if k != "written"}
    if part["kind"] == "voice":
        seen["media"] = {**part["media"], "url": f"{base_url}/v1/media/{part['media']['id']}"}
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


def utterances(entries: Sequence[Entry], heard: Mapping[str, str]) -> list[Utterance]:
    """What was said, for the assistant: in the order it was accepted, one utterance for each part or message."""
    said = []
    for entry in entries:
        body = orjson.loads(entry.body)
        if entry.kind is Kind.IN:
            text = "\n".join(t for t in (heard.get(_audio_id(body), ""), body["text"]) if t)
            said.append(Utterance("contact", text))
        else:
            said.append(Utterance("assistant", _words(body["part"])))
    return [u for u in said if u.text]


def notes(entries: Sequence[Entry]) -> list[MediaId]:
    """The contact's voice notes among them."""
    return [m.audio.id for m in (received(e) for e in entries if e.kind is Kind.IN) if m.audio]


def _audio_id(body: Mapping[str, Any]) -> str:
    return str(body.get("audio", {}).get("id", ""))


def _words(part: Mapping[str, Any]) -> str:
    return str(part["text"] if part["kind"] == "text" else part.get("written") or part["transcript"])
