"""What Chatwoot's webhooks and message lists say. Pure, and lenient: keys differ from version to version.

Contract: Chatwoot 4.13 and later (webhooks of an API inbox are signed since then). A message comes as a webhook, where
its type is a word, and in lists, where it is a number. Ours bear a mark, as `source_id` and in `content_attributes`:
some versions and some keys show one of the two only.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.desks.base import Assigned, Event, Forged, Hook, Noise, Resolved, Written

MARK = "recado"
"""The key in `content_attributes`, and how our `source_id` begins."""
TYPES = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
EVENTS = {"message_created", "conversation_updated", "conversation_status_changed", "conversation_resolved"}
FRESH = 300
"""Seconds a signature is good for, either way."""
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_TAG = re.compile(r"<(/?)(p|br|div|b|strong|i|em|u|a|ul|ol|li|span|blockquote|code|pre|h[1-6])\b[^<>]{0,500}>", re.I)
_BREAKS = {"p", "br", "div", "li", "ul", "ol", "blockquote", "pre"}
_HARD_BREAK = re.compile(r"\\(?=\n)|\\\Z")


@dataclass(frozen=True, slots=True)
class Proof:
    """That a webhook comes from Chatwoot: signed, or with the secret in its address. Some versions sign with another
    secret than they show (chatwoot#13809): `signed` is false then."""

    secret: str = field(repr=False)
    signed: bool = True

    def headers(self, headers: Mapping[str, str], now: float) -> None:
        """Raises Forged where headers alone tell."""
        if not self.signed:
            return
        if not _SIGNATURE.fullmatch(headers.get("x-chatwoot-signature", "")):
            raise Forged("x-chatwoot-signature is missing or no signature")
        told = headers.get("x-chatwoot-timestamp", "")
        if not _SECONDS.fullmatch(told) or abs(int(told) - now) > FRESH:
            raise Forged("x-chatwoot-timestamp is missing or not of now")

    def whole(self, hook: Hook) -> None:
        """Raises Forged. In constant time, over the bytes as they came."""
        told = hook.headers.get("x-chatwoot-signature", "") if self.signed else hook.query.get("secret", "")
        expected = self._signature(hook) if self.signed else self.secret.encode()
        if not hmac.compare_digest(expected, told.encode("utf-8", "replace")) or not self.secret:
            raise Forged("not signed with our secret" if self.signed else "the secret is missing or wrong")

    def _signature(self, hook: Hook) -> bytes:
        content = f"{hook.headers.get('x-chatwoot-timestamp', '')}.".encode() + hook.body
        return b"sha256=" + hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest().encode()


def event(body: Any, account: int, now_ms: int) -> Event:
    """What one webhook says. `account`: ours; `now_ms`: for one that says no time."""
    if not isinstance(body, dict):
        return Noise("no_object")
    name = body.get("event")
    if not isinstance(name, str) or name not in EVENTS:
        return Noise("other_event")
    if account and id_of(object_in(body, "account")) not in ("", str(account)):
        return Noise("another_account")
    if name == "message_created":
        return written(body, now_ms)
    if name == "conversation_updated":
        return _assigned(body, now_ms)
    return resolved(body, now_ms)


def written(message: Mapping[str, Any], now_ms: int, thread: str = "") -> Written | Noise:
    """`message`: of a webhook, or of a list; then `thread` says whose."""
    why, sender = _aside(message), object_in(message, "sender")
    thread = thread or id_of(object_in(message, "conversation"))
    if not why and not (thread and id_of(message)):
        why = "no_id"
    text = plain(message)
    if not why and not text:
        why = "empty"
    if why:
        return Noise(why)
    return Written(id_of(message), thread, text, instant(message.get("created_at")) or now_ms, _name(sender))


def _aside(message: Mapping[str, Any]) -> str:
    """Why it is nothing that a person wrote to the contact; empty when it is."""
    type, sender = type_of(message), text_in(object_in(message, "sender"), "type").lower()
    if type != "outgoing":
        return type if type in TYPES.values() else "unknown_type"
    if message.get("private") is not False and message.get("private") is not None:
        return "private"
    if mark_of(message):
        return "ours"
    if object_in(message, "content_attributes").get("deleted"):
        return "deleted"
    return "" if sender == "user" else "no_person"


def resolved(conversation: Mapping[str, Any], now_ms: int) -> Resolved | Noise:
    """`conversation`: of a webhook, or asked for."""
    thread = id_of(conversation)
    if conversation.get("status") != "resolved":
        return Noise("not_resolved")
    if not thread:
        return Noise("no_id")
    at = changed(conversation)
    return Resolved(f"{thread}:resolved:{at}", thread, at or now_ms)


def _assigned(conversation: Mapping[str, Any], now_ms: int) -> Assigned | Noise:
    thread, at = id_of(conversation), changed(conversation)
    if not thread or not _changes(conversation, "assignee_id"):
        return Noise("nobody_assigned")
    meta = object_in(conversation, "meta")
    robot = meta.get("assignee_type") not in (None, "User")
    assignee = {} if robot else object_in(meta, "assignee")
    return Assigned(f"{thread}:assigned:{id_of(assignee)}:{at}", thread, at or now_ms, _name(assignee))


def _name(agent: Mapping[str, Any]) -> str:
    return (text_in(agent, "available_name") or text_in(agent, "name"))[:200]


def _changes(conversation: Mapping[str, Any], key: str) -> bool:
    told = conversation.get("changed_attributes")
    return isinstance(told, list) and any(isinstance(change, dict) and key in change for change in told)


def changed(conversation: Mapping[str, Any]) -> int:
    """When, in milliseconds; 0 when it does not say."""
    return instant(conversation.get("updated_at")) or instant(conversation.get("timestamp"))


def type_of(message: Mapping[str, Any]) -> str:
    type = message.get("message_type")
    return type if isinstance(type, str) else TYPES.get(type, "") if isinstance(type, int) else ""


def mark_of(message: Mapping[str, Any]) -> str:
    """By which we know what we wrote; empty for anybody else's."""
    source = text_in(message, "source_id")
    return source if source.startswith(f"{MARK}:") else text_in(object_in(message, "content_attributes"), MARK)


def plain(message: Mapping[str, Any]) -> str:
    """The words, then a line for each file with its link."""
    files = message.get("attachments")
    links = [text_in(file, "data_url") for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    lines = [_words(text_in(message, "content")), *(link for link in links if link)]
    return "\n".join(line for line in lines if line)


def _words(content: str) -> str:
    """The editor writes a hard line break as a backslash, and for some inboxes HTML."""
    if _TAG.search(content):
        content = html.unescape(_TAG.sub(lambda tag: "\n" if tag[2].lower() in _BREAKS else "", content))
        content = re.sub(r"\n{2,}", "\n", content)
    return _HARD_BREAK.sub("", content).strip()


def instant(value: Any) -> int:
    """Milliseconds of what Chatwoot calls a time: seconds, also broken ones, or ISO 8601; 0 for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11:
        return round(value * 1000)
    if not isinstance(value, str) or len(value) > 40:
        return 0
    try:
        at = datetime.fromisoformat(value)
        return max(0, round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def number(value: Any) -> int:
    """An id that counts up; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def id_of(thing: Mapping[str, Any]) -> str:
    return str(number(thing.get("id")) or "")


def object_in(thing: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = thing.get(key)
    return value if isinstance(value, dict) else {}


def text_in(thing: Mapping[str, Any], key: str) -> str:
    value = thing.get(key)
    return value if isinstance(value, str) else ""
