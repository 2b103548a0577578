"""What Evolution's webhooks mean: one body in, events out. Pure, and total over whatever JSON comes.

From Evolution's webhook controller and `whatsapp.baileys.service.ts`, 2.3.6 to 2.4. What is not obvious there:

- `date_time` is local time that calls itself UTC: the time of a message is `messageTimestamp`.
- The key inside a `protocolMessage` is written as its *sender* sees the chat: what a contact edits is "from me" there
  and its `remoteJid` is our own number. So `messages.edited` often does not say who wrote, and what it says is only
  claimed: a program of the contact's own making may name anybody. `messages.update` (edits) and `messages.delete` say
  the same again with the chat as we see it.
- A person may be told as a phone, as a lid, or as both; which one is the "Alt" changed with 2.3.7 and again with 2.4.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from gateway.channels.base import Attachment, ChannelError, Echo, Event, Inbound, Noise, Status, Then, Unknown

Node = Mapping[str, Any]
NOTHING: Node = {}

INLINE = 16 * 1024 * 1024
"""Bytes of a medium that are taken from the webhook itself; a larger one is fetched when it is wanted."""
NESTED = 8
"""Envelopes in envelopes that are opened."""

# -- the request ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One webhook, whichever way it was delivered."""

    kind: str
    """`messages.upsert`, however it was spelled."""
    instance: str
    items: tuple[Any, ...] = field(repr=False)
    """What `data` holds; one thing and a list of them are the same."""
    own: str = ""
    """The instance's own number: digits, as they came; empty when the body does not say."""


def told(body: bytes, tail: str = "") -> Told | None:
    """The webhook in `body`; None when it is none. `tail` names the event where the body does not."""
    whole = _node(_json(body))
    kind = _text(whole.get("event")) or tail
    if not kind:
        return None
    data = whole.get("data")
    items = tuple(data) if isinstance(data, list) else (data,)
    return Told(_spelled(kind), _text(whole.get("instance")), items, _phone(_text(whole.get("sender"))))


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _spelled(kind: str) -> str:
    return re.sub(r"[-_]", ".", kind.strip("/ ").lower())


SECRET = re.compile(
    rb'("(?:apikey|jwt_key|token|hash|x-webhook-secret|authorization)"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE
)


def redacted(body: bytes) -> bytes:
    """`body` without the keys that Evolution sends along; all else stays byte for byte, JSON or not."""
    return SECRET.sub(rb'\1""', body)


# -- events --------------------------------------------------------------------------------------


def events(told: Told, now: int) -> list[Event]:
    """What a webhook means, in its order. `now`: milliseconds, for what carries no time of its own."""
    for family in SILENT:
        if told.kind.startswith(family):
            return [Noise(family.rstrip("."))]
    read = READERS.get(told.kind)
    if read is None:
        return [Unknown("event")]
    return [read(item, told, now) if isinstance(item, dict) else Unknown("no_data") for item in told.items] or [
        Noise("empty")
    ]


def _upsert(item: Node, told: Told, now: int) -> Event:
    """`messages.upsert`: a contact wrote, or a person of the business did, on the phone."""
    return _message(item, told, now, by_us=False)


def _sent(item: Node, told: Told, now: int) -> Event:
    """`send.message`: what came over Evolution's API, ours or another program's."""
    return _message(item, told, now, by_us=True)


def _message(item: Node, told: Told, now: int, *, by_us: bool) -> Event:
    key = _node(item.get("key"))
    chat = chat_of(key)
    if not isinstance(chat, Chat):
        return chat
    id = _text(key.get("id"))
    if not id:
        return Unknown("no_id")
    content = content_of(_node(item.get("message")), id)
    if content.noise:
        return Noise(content.noise)
    content = replace(content, reply_to=content.reply_to or _quoted(item))
    at = moment(item.get("messageTimestamp")) or now
    if by_us or key.get("fromMe") is True:
        return _echo(id, chat, content, at, told, by_us=by_us)
    return _inbound(id, chat, content, at, _name(item, key))


def _echo(id: str, chat: Chat, content: Content, at: int, told: Told, *, by_us: bool) -> Event:
    if content.protocol or content.reacts_to:
        return Noise("own_change")
    if told.own and told.own == chat.phone:
        return Noise("note_to_self")
    voice = any(each.kind == "voice" for each in content.attachments)
    who, aliases = chat.contact, chat.aliases
    return Echo(id, who, content.text, at, voice, aliases, chat.address, by_us, lasting=chat.lid, group=chat.group)


def _inbound(id: str, chat: Chat, content: Content, at: int, name: str) -> Event:
    if content.protocol:
        return _change(content.protocol, chat, at, name)
    return Inbound(
        id=id,
        contact=chat.contact,
        name=name,
        text=content.text,
        at=at,
        meaning="reaction" if content.reacts_to else "message",
        of=content.reacts_to,
        reply_to=content.reply_to,
        aliases=chat.aliases,
        lasting=chat.lid,
        address=chat.address,
        group=chat.group,
        attachments=content.attachments,
        unreadable=content.unreadable,
        token={} if content.reacts_to else {"jid": chat.jid},
    )


def _name(item: Node, key: Node) -> str:
    """Of who wrote; in a group, the phone of somebody who has no name."""
    name = _text(item.get("pushName")).strip()
    return name or next(filter(None, (_phone(_text(key.get(k))) for k in ("participant", "participantAlt"))), "")


# -- edited and taken back -----------------------------------------------------------------------

REVOKES = ("REVOKE", 0)
EDITS = ("MESSAGE_EDIT", 14)


def _change(protocol: Node, chat: Chat, at: int, name: str = "") -> Event:
    """An edit or a revoke by the contact in `chat`."""
    of = _text(_node(protocol.get("key")).get("id"))
    kind = protocol.get("type")
    if of and kind in REVOKES and not isinstance(kind, bool):
        return _revoke(of, chat, at, name)
    if of and (kind in EDITS or kind is None) and "editedMessage" in protocol:
        return _edit(of, content_of(_node(protocol["editedMessage"]), of).text, chat, at, name)
    return Noise("protocol")


def _edit(of: str, text: str, chat: Chat, at: int, name: str = "") -> Event:
    if not text:
        return Noise("edit_without_words")
    # Told twice, by two events with nothing but the words in common: the words make the id.
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Inbound(
        id=f"{of}:edit:{mark}",
        contact=chat.contact,
        name=name,
        text=text,
        at=at,
        meaning="edit",
        of=of,
        aliases=chat.aliases,
        lasting=chat.lid,
        address=chat.address,
        group=chat.group,
    )


def _revoke(of: str, chat: Chat, at: int, name: str = "") -> Event:
    return Inbound(
        id=f"{of}:revoke",
        contact=chat.contact,
        name=name,
        text="",
        at=at,
        meaning="revoke",
        of=of,
        aliases=chat.aliases,
        lasting=chat.lid,
        address=chat.address,
        group=chat.group,
    )


def _edited(item: Node, told: Told, now: int) -> Event:
    """`messages.edited`: the bare protocolMessage, its key as its sender sees it."""
    key = _node(item.get("key"))
    chat = chat_of(key)
    if not isinstance(chat, Chat):
        return chat
    if told.own and told.own == chat.phone:
        return Noise("told_by_another_event")
    if key.get("fromMe") is True:
        return Noise("own_change")
    event = _change(item, chat, moment(item.get("timestampMs")) or now)
    return replace(event, claimed=True) if isinstance(event, Inbound) else event


def _deleted(item: Node, told: Told, now: int) -> Event:
    """`messages.delete`: a key as we see it, beside `status: DELETED`."""
    key = _node(item.get("key")) or item
    chat = chat_of(key)
    if not isinstance(chat, Chat):
        return chat
    of = _text(key.get("id")) or _text(item.get("keyId"))
    if not of:
        return Unknown("no_id")
    return Noise("own_change") if key.get("fromMe") is True else _revoke(of, chat, now)


# -- what became of what we sent -----------------------------------------------------------------

Progress = Literal["sent", "delivered", "read", "played", "failed"]
PROGRESS: dict[str, Progress] = {
    "SERVER_ACK": "sent",
    "DELIVERY_ACK": "delivered",
    "READ": "read",
    "PLAYED": "played",
    "ERROR": "failed",
    # Instances of the Cloud API, as Graph says it
    "SENT": "sent",
    "DELIVERED": "delivered",
    "FAILED": "failed",
}
NUMBERED = ("ERROR", "PENDING", "SERVER_ACK", "DELIVERY_ACK", "READ", "PLAYED")


def _updated(item: Node, told: Told, now: int) -> Event:
    """`messages.update`: a status, or an edit with the chat as we see it."""
    key = _node(item.get("key"))
    id = _text(item.get("keyId")) or _text(key.get("id"))
    if not id:
        return Unknown("no_id")
    status = _status(item.get("status", _node(item.get("update")).get("status")))
    ours = item.get("fromMe", key.get("fromMe")) is True or id.startswith("wamid.")
    changed = _node(item.get("message"))
    if changed or status == "DELETED":
        return Noise("own_change") if ours else _their_change(item, id, changed, now)
    if not ours:
        return Noise("status_of_theirs")
    return _progress(id, status, now)


def _status(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(NUMBERED):
        return NUMBERED[value]
    return _text(value).upper()


def _progress(id: str, status: str, now: int) -> Event:
    progress = PROGRESS.get(status)
    if progress is None:
        return Noise("pending") if status == "PENDING" else Unknown("status")
    return Status(id, progress, now, error=_failure() if progress == "failed" else None)


def _failure() -> ChannelError:
    return ChannelError(
        "ERROR",
        Then.GIVE_UP,
        hint="WhatsApp refused the message after Evolution had taken it; look at Evolution's log",
    )


def _their_change(item: Node, id: str, changed: Node, now: int) -> Event:
    chat = chat_of(_node(item.get("key")) or item)
    if not isinstance(chat, Chat):
        return chat
    return _edit(id, content_of(changed, id).text, chat, now) if changed else _revoke(id, chat, now)


READERS: dict[str, Callable[[Node, Told, int], Event]] = {
    "messages.upsert": _upsert,
    "send.message": _sent,
    "messages.edited": _edited,
    "messages.update": _updated,
    "messages.delete": _deleted,
}
SILENT = (
    *("application.", "call", "chats.", "connection.", "contacts.", "group.", "groups.", "instance.", "labels."),
    *("logout.", "messages.set", "messaging.history.", "presence.", "qrcode.", "remove.", "send.message.update"),
    *("status.", "typebot."),
)
"""How the names of events begin that say nothing of a message."""


# -- the connection ------------------------------------------------------------------------------

SCAN = "open Evolution's manager, choose the instance and scan the QR code again with the phone"
ENDED = {
    401: f"WhatsApp on the phone has removed this device: {SCAN}",
    402: "WhatsApp has restricted this number for a while: write to contacts from the phone until it is free again",
    403: "WhatsApp has blocked this number: appeal on the phone, or connect another number",
    440: "another program has taken over this session: stop the other one, then restart the instance in Evolution",
}


def connection(told: Told) -> str | None:
    """What does not work since this webhook, with the cure; empty: it works now; None: says nothing of that."""
    if told.kind == "qrcode.updated":
        return f"WhatsApp waits for its QR code: {SCAN}"
    if told.kind in ("logout.instance", "remove.instance", "instance.delete"):
        return f"The instance was logged out or removed in Evolution: {SCAN}"
    item = _node(told.items[0] if told.items else None)
    if told.kind == "status.instance" and item.get("status") == "closed":
        # 2.3 tries again by itself after most ends, says nothing of them, and says this when it has given up.
        return state_trouble("close", _whole(item.get("disconnectionReasonCode")) or 0)
    if told.kind != "connection.update":
        return None
    return state_trouble(_text(item.get("state")), _whole(item.get("statusReason")) or 0)


def state_trouble(state: str, reason: int = 0) -> str:
    """The same for a state of `connectionState`. `reason`: Baileys' DisconnectReason."""
    if state == "open":
        return ""
    if state == "connecting":
        return f"WhatsApp is connecting; if that does not end, {SCAN}"
    return ENDED.get(reason) or f"Connection closed: {SCAN}"


# -- who -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chat:
    """Where a message belongs."""

    contact: str
    """The phone's digits in one spelling; the lid where no phone is known; the group's jid in a group."""
    jid: str
    """As WhatsApp names the chat, by its phone where one is known."""
    address: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    phone: str = ""
    """The digits as they came."""
    group: bool = False
    lid: str = ""
    """WhatsApp's own id of the account: a phone number changes hands, a lid does not."""


DIGITS = re.compile(r"[0-9]{1,20}")
PHONES = ("s.whatsapp.net", "c.us", "hosted")
LIDS = ("lid", "hosted.lid")
NOBODY = {"broadcast": "broadcast", "newsletter": "newsletter"}


def chat_of(key: Node) -> Chat | Noise | Unknown:
    """Whose chat a message key names, in each of the three layouts; or why it is nobody's."""
    came = [bare(_text(key.get(name))) for name in ("remoteJid", "remoteJidAlt")]
    user, server = came[0]
    if server in NOBODY:
        return Noise("status" if user == "status" else NOBODY[server])
    if server == "g.us" and user:
        jid = f"{user}@g.us"
        return Chat(jid, jid, {"number": jid}, group=True)
    phone = next((user for user, server in came if server in PHONES and DIGITS.fullmatch(user)), "")
    lid = next((f"{user}@lid" for user, server in came if server in LIDS and user), "")
    if phone:
        return _person(phone, lid)
    return Chat(lid, lid, {"number": lid}, lid=lid) if lid else Unknown("no_address")


def _person(phone: str, lid: str) -> Chat:
    contact = canonical(phone)
    aliases = tuple(alias for alias in (lid, phone) if alias and alias != contact)
    return Chat(contact, f"{phone}@s.whatsapp.net", {"number": phone}, aliases, phone, lid=lid)


def bare(jid: str) -> tuple[str, str]:
    """(user, server) of a jid without the device: `5511:12@s.whatsapp.net` is the phone `5511`."""
    user, _, server = jid.partition("@")
    return user.partition(":")[0].partition("_")[0], server.lower()


def _phone(jid: str) -> str:
    user, server = bare(jid)
    return user if DIGITS.fullmatch(user) and server in (*PHONES, "") else ""


MOBILE_WITHOUT_NINE = re.compile(r"55([1-9][1-9])([6-9][0-9]{7})")


def canonical(phone: str) -> str:
    """One spelling of a Brazilian mobile number, however WhatsApp spells it today: the one with the ninth digit.

    Brazil put a 9 before all mobile numbers (Anatel's resolution 553; everywhere since 2016), and WhatsApp's ids of
    older accounts still lack it. A mobile number is 55, an area code of two digits without a zero, and eight digits
    that begin with 6 to 9: it gets its 9. Landlines begin with 2 to 5 and never had one. Anything else is left alone.
    """
    match = MOBILE_WITHOUT_NINE.fullmatch(phone)
    return f"55{match[1]}9{match[2]}" if match else phone


# -- what ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unreadable: str = ""
    reply_to: str = ""
    reacts_to: str = ""
    protocol: Node = field(default_factory=dict)
    """An edit or a revoke."""
    noise: str = ""
    """Why there is nothing for us."""


ENVELOPES = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "deviceSentMessage",
    "groupMentionedMessage",
    "associatedChildMessage",
    "lottieStickerMessage",
    "botInvokeMessage",
)
BESIDE = frozenset({"base64", "mediaUrl", "messageContextInfo", "contextInfo", "speechToText", "messageTimestamp"})
"""What stands beside a message and is none."""
SILENT_CONTENT = frozenset(
    {"senderKeyDistributionMessage", "albumMessage", "pinInChatMessage", "keepInChatMessage", "encReactionMessage"}
)


def content_of(message: Node, id: str) -> Content:
    """What a `message` says. `id`: of the message, which leads to its medium."""
    inner = _opened(message)
    told = [name for name in inner if name not in BESIDE and name not in SILENT_CONTENT and inner[name] is not None]
    for name, read in CONTENTS.items():
        if name in told:
            node = inner[name]
            content = read(_node(node) if name != "conversation" else {"text": node})
            return replace(content, reply_to=_quoted(_node(node)))
    for name in MEDIA:
        if name in told:
            return _medium(name, _node(inner[name]), {**inner, **_inline(message)}, id)
    return Content(unreadable="unsupported") if told else Content(noise="empty")


def _opened(message: Node) -> Node:
    for _ in range(NESTED):
        envelope = next((_node(message[name]) for name in ENVELOPES if isinstance(message.get(name), dict)), NOTHING)
        inner = _node(envelope.get("message"))
        if not inner:
            break
        message = inner
    return message


def _inline(message: Node) -> Node:
    """Evolution lays the medium beside the envelope, not in it."""
    return {name: message[name] for name in ("base64", "mediaUrl") if message.get(name)}


def _quoted(node: Node) -> str:
    return _text(_node(node.get("contextInfo")).get("stanzaId"))


def _words(*paths: str) -> Callable[[Node], Content]:
    """The first of these places that holds words."""

    def read(node: Node) -> Content:
        text = next(filter(None, (_text(_at(node, path)).strip() for path in paths)), "")
        return Content(text=text) if text else Content(unreadable="unsupported")

    return read


def _plain(node: Node) -> Content:
    text = _text(node.get("text")).strip()
    return Content(text=text) if text else Content(noise="empty")


def _place(node: Node) -> Content:
    latitude, longitude = (_degrees(node.get(name)) for name in ("degreesLatitude", "degreesLongitude"))
    point = f"{latitude:.8g},{longitude:.8g}" if latitude is not None and longitude is not None else ""
    named = ", ".join(filter(None, (_text(node.get(name)).strip() for name in ("name", "address", "caption"))))
    text = " ".join(filter(None, (point, named)))
    return Content(text=f"📍 {text}") if text else Content(unreadable="location")


def _cards(node: Node) -> Content:
    """One contact card, or several."""
    several = node.get("contacts")
    cards = [_card(_node(each)) for each in several] if isinstance(several, list) else [_card(node)]
    text = "\n".join(f"📇 {card}" for card in cards if card)
    return Content(text=text) if text else Content(unreadable="contact")


def _card(node: Node) -> str:
    phones = re.findall(r"^(?:item\d+\.)?TEL[^:\r\n]*:([^\r\n]+)", _text(node.get("vcard")), re.MULTILINE)
    numbers = ", ".join(filter(None, (phone.strip() for phone in phones)))
    return " ".join(filter(None, (_text(node.get("displayName")).strip(), numbers)))


def _reaction(node: Node) -> Content:
    of = _text(_node(node.get("key")).get("id"))
    return Content(text=_text(node.get("text")), reacts_to=of) if of else Content(noise="reaction_to_nothing")


def _vote(node: Node) -> Content:
    """Evolution opens votes in polls that it sent itself."""
    chosen = _at(node, "vote.selectedOptions")
    names = [each for each in chosen if isinstance(each, str)] if isinstance(chosen, list) else []
    return Content(text=", ".join(names)) if names else Content(unreadable="poll")


def _protocol(node: Node) -> Content:
    return Content(protocol=node) if node else Content(noise="protocol")


def _form(node: Node) -> Content:
    """The answer to an interactive message: what the button says, or what it carries."""
    text = _text(_at(node, "body.text")).strip()
    carried = _node(_json(_text(_at(node, "nativeFlowResponseMessage.paramsJson")).encode()))
    text = text or _text(carried.get("display_text")) or _text(carried.get("title")) or _text(carried.get("id"))
    return Content(text=text) if text else Content(unreadable="unsupported")


def _unreadable(noun: str) -> Callable[[Node], Content]:
    return lambda node: Content(unreadable=noun)


CONTENTS: dict[str, Callable[[Node], Content]] = {
    "protocolMessage": _protocol,
    "reactionMessage": _reaction,
    "conversation": _plain,
    "extendedTextMessage": _plain,
    "locationMessage": _place,
    "liveLocationMessage": _place,
    "contactMessage": _cards,
    "contactsArrayMessage": _cards,
    "buttonsResponseMessage": _words("selectedDisplayText", "selectedButtonId"),
    "listResponseMessage": _words("title", "singleSelectReply.selectedRowId", "description"),
    "templateButtonReplyMessage": _words("selectedDisplayText", "selectedId"),
    "interactiveResponseMessage": _form,
    "pollUpdateMessage": _vote,
    "pollCreationMessage": _unreadable("poll"),
    "pollCreationMessageV2": _unreadable("poll"),
    "pollCreationMessageV3": _unreadable("poll"),
    "groupInviteMessage": _words("caption", "groupName"),
    "templateMessage": _words("hydratedTemplate.hydratedContentText", "hydratedFourRowTemplate.hydratedContentText"),
    "buttonsMessage": _words("contentText", "text"),
    "listMessage": _words("description", "title"),
    "interactiveMessage": _words("body.text", "header.title"),
    "placeholderMessage": _unreadable("unsupported"),
}
Kind = Literal["audio", "image", "video", "document", "sticker"]
MEDIA: dict[str, Kind] = {
    "audioMessage": "audio",
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}


def _medium(name: str, node: Node, beside: Node, id: str) -> Content:
    said = node.get("ptt") is True or node.get("voice") is True
    data = _decoded(_text(beside.get("base64")))
    attachment = Attachment(
        kind="voice" if MEDIA[name] == "audio" and said else MEDIA[name],
        mime=_text(node.get("mimetype")) or _text(node.get("mime_type")),
        ref="" if data else reference(id, _text(beside.get("mediaUrl"))),
        data=data,
        name=_text(node.get("fileName")),
        size=_whole(node.get("fileLength")) or 0,
    )
    return Content(text=_text(node.get("caption")).strip(), attachments=(attachment,), reply_to=_quoted(node))


def _decoded(text: str) -> bytes | None:
    """None: there is none, it is too large to be kept, or it is broken; then it is fetched."""
    if not text or len(text) > INLINE * 4 // 3 + 4:
        return None
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True) or None
    except (ValueError, binascii.Error):
        return None


def reference(id: str, url: str = "") -> str:
    """What `fetch` needs: the message and, where Evolution has a bucket, the address there."""
    return f"{id} {url}" if url.startswith(("http://", "https://")) else id


def referred(ref: str) -> tuple[str, str]:
    """(message id, address or nothing)."""
    id, _, url = ref.partition(" ")
    return id, url


# -- values --------------------------------------------------------------------------------------


def _node(value: Any) -> Node:
    return value if isinstance(value, dict) else NOTHING


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _at(node: Node, path: str) -> Any:
    value: Any = node
    for name in path.split("."):
        value = _node(value).get(name)
    return value


def _degrees(value: Any) -> float | None:
    return float(value) if _is_number(value) and abs(value) <= 180 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> int | None:
    """A count as protobuf.js writes it: a number, digits, or {low, high}. Below zero or beyond reason: None."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        value = (low & 0xFFFFFFFF) + (high << 32) if type(low) is int and type(high) is int else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}", value):
        value = int(value)
    return int(value) if _is_number(value) and 0 <= value < 2**53 else None


def moment(value: Any) -> int | None:
    """Milliseconds of a time in seconds, or in milliseconds, as `timestampMs` has them; None: it says none."""
    whole = _whole(value)
    if not whole:
        return None
    if whole < 10**11:
        return whole * 1000
    return whole if whole < 10**14 else None
