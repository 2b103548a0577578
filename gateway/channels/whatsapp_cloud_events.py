"""What a webhook of WhatsApp's Cloud API means, in our events. Pure; no shape of JSON makes it raise.

Contract: Graph v26, developers.facebook.com/documentation/business-messaging/whatsapp/webhooks (2026-07) and
…/business-scoped-user-ids (2026-05). One request holds several entries, each several changes, each several messages,
statuses, errors or echoes; all are read, in their order.

Who a contact is: since April 2026 the business-scoped user id (BSUID, `BR.1349…`) is there always, the phone number
only when the contact shows it. So the BSUID is the contact and the phone an alias; without a BSUID (numbers of before)
the phone is the contact. The *parent* BSUID (`BR.ENT.…`) is no alias: it names the person to a whole group of
businesses, no webhook names anybody by it alone, and keeping it would only make a key that joins people across
customers of ours who must not know of each other. It is used when a message has nothing else, because Meta takes
replies to it and a message is never lost.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from gateway.channels.base import (
    Attachment,
    ChannelError,
    Echo,
    Event,
    Inbound,
    Meaning,
    Noise,
    Reach,
    Status,
    Then,
    Unknown,
)
from gateway.channels.whatsapp_cloud_errors import code_of, verdict

Json = Mapping[str, Any]

OTHER_FIELDS = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_settings_update",
        "account_update",
        "automatic_events",
        "business_capability_update",
        "business_status_update",
        "business_username_update",
        "business_username_updates",
        "calls",
        "flows",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
        "history",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "messaging_handovers",
        "partner_solutions",
        "payment_configuration_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "smb_app_state_sync",
        "standby",
        "template_category_update",
        "template_correct_category_detection",
        "tracking_events",
        "user_preferences",
    }
)
"""Webhook fields that concern no conversation. `standby`: another app has the conversation; `history`: months ago."""
PRESSED = "recado:"
"""Before the full title, in the id of a button whose own title had to be cut."""
MEDIA: Mapping[str, Literal["image", "video", "document", "sticker"]] = {
    "image": "image",
    "video": "video",
    "document": "document",
    "sticker": "sticker",
}
STATUSES: Mapping[str, Literal["sent", "delivered", "read", "played", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "played",
    "failed": "failed",
}
MOVES = ("user_changed_number", "customer_changed_number", "user_changed_user_id")
NAMED = ("location", "contacts", "order")
"""Types whose name says what it was, when nothing in them can be read."""
NOUNS: Mapping[str, str] = {"poll": "poll", "poll_creation": "poll", "poll_update": "poll"}
LONGEST_ID = 512
"""Characters; a wamid has about 60."""
_MOVED = re.compile(r".* changed from (\S+) to (\S+)", re.DOTALL)
"""The ids at its very end: a contact may have called himself "Ana changed from BR.1 to BR.2"."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a request."""

    field: str
    number: str
    """`phone_number_id`; empty when none is named."""
    value: Json


def changes(body: Any) -> list[Change]:
    """All changes of a request; what has no such shape is left out."""
    return [
        Change(_word(change.get("field")), _word(_object(value.get("metadata")).get("phone_number_id")), value)
        for entry in _objects(_object(body).get("entry"))
        for change in _objects(entry.get("changes"))
        for value in [_object(change.get("value"))]
    ]


def events(change: Change, now: int) -> list[Event]:
    """`now`: milliseconds since the epoch, for what says no time."""
    if change.field in OTHER_FIELDS:
        return [Noise(f"field_{change.field}")]
    readers = READERS.get(change.field)
    if readers is None:
        return [Unknown("field")]
    if not change.number:
        return [Unknown("number_not_named")]
    contacts = _objects(change.value.get("contacts"))
    found: list[Event] = []
    for key, read in readers.items():
        for item in _items(change.value.get(key)):
            found += read(item, contacts, now) if isinstance(item, dict) else [Unknown(f"{key}_shape")]
    return found or [Unknown("nothing_known_in_it")]


def errors(change: Change) -> list[Json]:
    """Every error the change tells of: apart, and of statuses that failed."""
    failed = [one for one in _objects(change.value.get("statuses")) if one.get("status") == "failed"]
    return [error for holder in (change.value, *failed) for error in _objects(holder.get("errors"))]


# -- who -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Who:
    contact: str
    name: str
    aliases: tuple[str, ...]
    address: dict[str, str]
    lasting: str = ""
    """The BSUID: a phone number changes hands, and who gets it must not open the former owner's conversation."""


SENDER = ("from", "from_user_id", "from_parent_user_id")
RECEIVER = ("to", "to_user_id", "to_parent_user_id")


def _who(message: Json, keys: tuple[str, str, str], contacts: Sequence[Json]) -> Who | None:
    """None when nobody is named. `contacts` may be missing or shorter than the messages: matched by their ids."""
    phone, bsuid, parent = (_word(message.get(key)) for key in keys)
    group = _word(message.get("group_id"))
    card = _card(phone, bsuid, contacts)
    profile = _object(card.get("profile"))
    name = _text(profile.get("name")) or _text(profile.get("username"))
    if group:
        return Who(group, name, (), {"group": group})
    bsuid = bsuid or _word(card.get("user_id"))
    shown = _word(card.get("wa_id"))
    ids = list(dict.fromkeys(id for id in (bsuid, phone, shown) if id)) or [id for id in (parent,) if id]
    if not ids:
        return None
    address = {"to": phone or shown, "recipient": bsuid or ("" if phone or shown else parent)}
    return Who(ids[0], name, tuple(ids[1:]), {key: id for key, id in address.items() if id}, bsuid)


def _card(phone: str, bsuid: str, contacts: Sequence[Json]) -> Json:
    for card in contacts:
        if (bsuid and card.get("user_id") == bsuid) or (phone and card.get("wa_id") == phone):
            return card
    return contacts[0] if len(contacts) == 1 and not phone and not bsuid else {}


# -- messages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unreadable: str = ""
    meaning: Meaning = "message"
    of: str = ""
    reply_to: str = ""
    noise: str = ""
    """Why it is no message at all."""


def _message(message: Json, contacts: Sequence[Json], now: int) -> list[Event]:
    if message.get("type") == "system":
        return _system(message)
    if message.get("type") == "request_welcome":
        return [Noise("request_welcome")]
    id, sender = _word(message.get("id")), _who(message, SENDER, contacts)
    if not id or sender is None:
        return [Unknown("message_without_id" if sender else "message_without_sender")]
    content = _with_origin(content_of(message), message)
    if content.noise:
        return [Noise(content.noise)]
    return [_inbound(id, sender, content, _at(message.get("timestamp"), now))]


def _inbound(id: str, sender: Who, content: Content, at: int) -> Inbound:
    return Inbound(
        id,
        sender.contact,
        sender.name,
        content.text,
        at,
        meaning=content.meaning,
        of=content.of,
        reply_to=content.reply_to,
        aliases=sender.aliases,
        lasting=sender.lasting,
        address=sender.address,
        group="group" in sender.address,
        attachments=content.attachments,
        unreadable=content.unreadable,
    )


def content_of(message: Json) -> Content:
    """What it says, of whatever type; something nobody can read is said so and never an error."""
    kind = _word(message.get("type"))
    content = CONTENTS.get(kind, _unsupported)(message)
    if not (content.text or content.attachments or content.unreadable or content.noise or content.of):
        return Content(unreadable=kind if kind in NAMED else "unsupported")
    return content


def _with_origin(content: Content, message: Json) -> Content:
    """And the message it answers; and the product or ad it comes from, where the words make no sense without."""
    context = _object(message.get("context"))
    reply_to = content.reply_to or _word(context.get("id"))
    return replace(content, text=_quoted_origin(content, message, context), reply_to=reply_to)


def _quoted_origin(content: Content, message: Json, context: Json) -> str:
    product = _text(_object(context.get("referred_product")).get("product_retailer_id"))
    headline = _text(_object(message.get("referral")).get("headline"))
    spoken = any(one.kind in ("voice", "audio") for one in content.attachments)
    if content.meaning != "message" or content.unreadable or spoken:
        return content.text
    if product:
        return f"> {product}\n{content.text}".strip()
    return content.text or (f"> {headline}" if headline else "")


def _written(message: Json) -> Content:
    return Content(_text(_object(message.get("text")).get("body")))


def _sound(message: Json) -> Content:
    audio = _object(message.get("audio"))
    return _medium("voice" if audio.get("voice") is True else "audio", audio)


def _file(message: Json) -> Content:
    kind = MEDIA[message["type"]]
    return _medium(kind, _object(message.get(kind)))


def _medium(kind: Literal["voice", "audio", "image", "video", "document", "sticker"], medium: Json) -> Content:
    id, url = _word(medium.get("id")), _word(medium.get("url"), 4096)
    if not id and not url:
        return Content(_text(medium.get("caption")), unreadable="" if _text(medium.get("caption")) else kind)
    ref = f"{id} {url}".rstrip()
    attachment = Attachment(kind, _text(medium.get("mime_type")), ref, name=_text(medium.get("filename")))
    return Content(_text(medium.get("caption")), (attachment,))


def _place(message: Json) -> Content:
    place = _object(message.get("location"))
    lat, lon = (_number(place.get(key)) for key in ("latitude", "longitude"))
    if not lat or not lon:
        return Content()
    named = ", ".join(filter(None, (_text(place.get("name")), _text(place.get("address")))))
    return Content(f"📍 {lat},{lon} {named}".rstrip())


def _cards(message: Json) -> Content:
    return Content("\n".join(filter(None, map(_contact_card, _objects(message.get("contacts"))))))


def _contact_card(card: Json) -> str:
    name = _object(card.get("name"))
    called = _text(name.get("formatted_name")) or _text(name.get("first_name"))
    numbers = [_text(one.get("phone")) or _word(one.get("wa_id")) for one in _objects(card.get("phones"))]
    mails = [_text(one.get("email")) for one in _objects(card.get("emails"))]
    said = " ".join(filter(None, (called, ", ".join(filter(None, [*numbers, *mails])))))
    return f"📇 {said}" if said else ""


def _order(message: Json) -> Content:
    order = _object(message.get("order"))
    lines = [_ordered(item) for item in _objects(order.get("product_items"))]
    return Content("\n".join(filter(None, (*lines, _text(order.get("text"))))))


def _ordered(item: Json) -> str:
    price = " ".join(filter(None, (_number(item.get("item_price")), _text(item.get("currency")))))
    line = f"🛒 {_number(item.get('quantity')) or '1'} × {_text(item.get('product_retailer_id')) or '?'}"
    return f"{line} · {price}" if price else line


def _interactive(message: Json) -> Content:
    answer = _object(message.get("interactive")) or message
    if isinstance(answer.get("call_permission_reply"), dict):
        return Content(noise="call_permission_reply")
    if isinstance(answer.get("nfm_reply"), dict):
        return Content(_form(answer["nfm_reply"]))
    for key in ("button_reply", "list_reply"):
        if pressed := _object(answer.get(key)):
            return Content(_full_title(pressed))
    return Content(unreadable="unsupported")


def _full_title(pressed: Json) -> str:
    id = _text(pressed.get("id"))
    return id.removeprefix(PRESSED) if id.startswith(PRESSED) else _text(pressed.get("title")) or id


def _form(reply: Json) -> str:
    """A filled-in form (a Flow): its fields, one a line."""
    try:
        fields = _object(orjson.loads(_text(reply.get("response_json"))))
    except orjson.JSONDecodeError:
        fields = {}
    lines = [f"{key}: {_said(value)}" for key, value in fields.items() if key != "flow_token"]
    return "\n".join(lines) or _text(reply.get("body"))


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _button(message: Json) -> Content:
    button = _object(message.get("button"))
    return Content(_text(button.get("text")) or _text(button.get("payload")))


def _reaction(message: Json) -> Content:
    """No emoji: it was taken back."""
    reaction = _object(message.get("reaction"))
    of = _word(reaction.get("message_id"))
    return Content(_text(reaction.get("emoji")), meaning="reaction", of=of) if of else Content()


def _edit(message: Json) -> Content:
    edit = _object(message.get("edit"))
    of, inner = _word(edit.get("original_message_id")), _object(edit.get("message"))
    if not of or inner.get("type") == "edit":
        return Content()
    new = content_of(inner)
    reply_to = _word(_object(inner.get("context")).get("id"))
    return Content(new.text, new.attachments, new.unreadable, "edit", of, reply_to)


def _revoke(message: Json) -> Content:
    of = _word(_object(message.get("revoke")).get("original_message_id"))
    return Content(meaning="revoke", of=of) if of else Content()


def _unsupported(message: Json) -> Content:
    return Content(unreadable=NOUNS.get(_word(_object(message.get("unsupported")).get("type")), "unsupported"))


CONTENTS: Mapping[str, Callable[[Json], Content]] = {
    "text": _written,
    "audio": _sound,
    **dict.fromkeys(MEDIA, _file),
    "location": _place,
    "contacts": _cards,
    "order": _order,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
}


# -- the rest ------------------------------------------------------------------------------------


def _system(message: Json) -> list[Event]:
    """A contact has another number, and with it another BSUID."""
    system = _object(message.get("system"))
    if system.get("type") not in MOVES:
        return [Noise("system")]
    phone = _word(system.get("wa_id")) or _word(system.get("new_wa_id"))
    bsuid = _word(system.get("user_id"))
    told = _MOVED.fullmatch(_text(system.get("body")))
    told_old = told[1] if told and told[2] in (bsuid, phone) else ""
    before = (told_old, _word(message.get("from_user_id")), _word(system.get("customer")), _word(message.get("from")))
    return _moves(before, phone, bsuid) or [Noise("system")]


def _user_id_update(update: Json, contacts: Sequence[Json], now: int) -> list[Event]:
    ids = _object(update.get("user_id"))
    return _moves((_word(ids.get("previous")),), _word(update.get("wa_id")), _word(ids.get("current"))) or [
        Unknown("user_id_update_shape")
    ]


def _moves(before: Sequence[str], phone: str, bsuid: str) -> list[Event]:
    new = bsuid or phone
    address = {key: id for key, id in (("to", phone), ("recipient", bsuid)) if id}
    old = [id for id in dict.fromkeys(before) if id and id not in (phone, bsuid)]
    return [Reach(id, moved_to=new, address=address) for id in old if new]


def _status(status: Json, contacts: Sequence[Json], now: int) -> list[Event]:
    id, known = _word(status.get("id")), STATUSES.get(_word(status.get("status")))
    if not id or known is None:
        return [Unknown("status")]
    delivery = _word(status.get("biz_opaque_callback_data"))
    at = _at(status.get("timestamp"), now)
    return [Status(id, known, at, delivery, _failure(status) if known == "failed" else None)]


def _failure(status: Json) -> ChannelError:
    told = _objects(status.get("errors"))
    return verdict(told[0]) if told else ChannelError("failed", Then.GIVE_UP, hint="WhatsApp did not say why")


def _error(error: Json, contacts: Sequence[Json], now: int) -> list[Event]:
    code = code_of(error)
    return [Noise(f"error_{code}" if code >= 0 else "error_without_code")]


def _echo(echo: Json, contacts: Sequence[Json], now: int) -> list[Event]:
    """Written on the phone, by a person of the business. What we send over the API does not echo."""
    id, contact = _word(echo.get("id")), _who(echo, RECEIVER, contacts)
    if not id or contact is None:
        return [Unknown("echo_without_id" if contact else "echo_without_contact")]
    content = content_of(echo)
    if content.meaning != "message":
        return [Noise(f"echo_{content.meaning}")]
    voice = any(one.kind == "voice" for one in content.attachments)
    at = _at(echo.get("timestamp"), now)
    who, address, lasting = contact.contact, contact.address, contact.lasting
    return [Echo(id, who, content.text, at, voice, contact.aliases, address, lasting=lasting, group="group" in address)]


Reader = Callable[[Json, Sequence[Json], int], list[Event]]
READERS: Mapping[str, Mapping[str, Reader]] = {
    "messages": {"messages": _message, "statuses": _status, "errors": _error, "message_echoes": _echo},
    "smb_message_echoes": {"message_echoes": _echo, "errors": _error},
    "user_id_update": {"user_id_update": _user_id_update},
}
"""By field, then by what its value holds."""


# -- reading what may be anything ------------------------------------------------------------------


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _objects(value: Any) -> list[Json]:
    return [item for item in _items(value) if isinstance(item, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _word(value: Any, most: int = LONGEST_ID) -> str:
    """An id: one word that can be printed. Empty for anything else, and for one that is too long to be one."""
    fits = isinstance(value, str) and len(value) <= most and value.isprintable() and " " not in value
    return value if fits else ""


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    try:
        return str(value).strip() if len(str(value)) <= 40 and math.isfinite(float(value)) else ""
    except (ValueError, OverflowError):
        return ""


def _at(timestamp: Any, now: int) -> int:
    """Milliseconds, of seconds in words or as a number."""
    number = timestamp if type(timestamp) is int else 0
    if isinstance(timestamp, str) and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12:
        number = int(timestamp)
    return number * 1000 if 0 < number < 10**11 else now
