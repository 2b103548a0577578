"""What one update of Telegram's Bot API means, in events. Pure: no clock, no network, and no shape raises.

Written against Bot API 10.3. An update holds one thing under one key (`KINDS`); ids of ours are made of Telegram's:

    contact     `chat`, `chat/thread` in a topic, `connection:chat` on a business account
    message     `chat:message_id`, `connection:chat:message_id` (`message_id` alone counts within a chat only)
    others      `edit:<message>:<second>`, `revoke:<message>`, `callback:<id>`,
                `reaction:<message>:<who>:<second>:<emoji>`

`update_id` identifies nothing of ours: it starts anew at random after a quiet week.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard

from gateway.channels.base import Attachment, Echo, Event, Inbound, Noise, Reach, Unknown

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What an update does not say itself."""

    bot: int
    """The bot's own id."""
    username: str = ""
    """Of the bot, without @; empty while it is not known."""
    owners: Mapping[str, int] = field(default_factory=dict)
    """The user who owns the account, by business connection."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands."""

    chat: int
    thread: int = 0
    business: str = ""
    group: bool = False

    @property
    def contact(self) -> str:
        return self._chat + (f"/{self.thread}" if self.thread else "")

    @property
    def address(self) -> dict[str, str]:
        """What the Bot API takes to answer there, under its own names."""
        named = {"chat_id": self.chat, "message_thread_id": self.thread, "business_connection_id": self.business}
        return {name: str(value) for name, value in named.items() if value}

    def message(self, id: Any) -> str:
        """Our id of a message of this chat; empty when `id` is none."""
        return f"{self._chat}:{id}" if _is_int(id) else ""

    @property
    def _chat(self) -> str:
        return f"{self.business}:{self.chat}" if self.business else str(self.chat)


def events(update: Any, known: Known, now: int) -> list[Event]:
    """The events of one update, in order. `now`: milliseconds, for what Telegram gives no time: a pressed button, a
    deletion."""
    raw = _object(update)
    for kind, meant in KINDS.items():
        if kind in raw:
            return meant(_object(raw[kind]), known, now)
    if any(kind in raw for kind in NOT_OURS):
        return [Noise("update_not_ours")]
    return [Unknown("update")]


# -- messages ------------------------------------------------------------------------------------


def _message(message: Json, known: Known, now: int) -> list[Event]:
    """A private chat or a group."""
    place = place_of(message)
    if place is None:
        return [Unknown("message")]
    if moved := _moved(message, place):
        return [moved]
    if noise := _noise(message, place):
        return [Noise(noise)]
    if place.group and not _is_meant(message, known):
        return [Noise("not_mentioned")]
    return [_inbound(message, place, known)]


def _edited(message: Json, known: Known, now: int) -> list[Event]:
    return [_as_edit(event, message) for event in _message(message, known, now)]


def _business(message: Json, known: Known, now: int) -> list[Event]:
    """A chat of the business account: its owner writes there too, and so do we."""
    place = place_of(message)
    if place is None or not place.business:
        return [Unknown("business_message")]
    if noise := _noise(message, place):
        return [Noise(noise)]
    event = _inbound(message, place, known)
    if isinstance(event, Inbound) and _is_of_the_business(message, place, known):
        return [_echo(event, message)]
    return [event]


def _edited_business(message: Json, known: Known, now: int) -> list[Event]:
    said = _business(message, known, now)
    return [Noise("owner_edit") if isinstance(event, Echo) else _as_edit(event, message) for event in said]


def _deleted_business(deleted: Json, known: Known, now: int) -> list[Event]:
    place = place_of(deleted)
    if place is None:
        return [Unknown("deleted_business_messages")]
    name = _name_of(_object(deleted.get("chat")))
    ids = [place.message(id) for id in _list(deleted.get("message_ids"))]
    return [_change(place, f"revoke:{id}", name, now, "revoke", id) for id in ids if id]


def place_of(message: Json) -> Place | None:
    """Where it stands; None when it names no chat."""
    chat = _object(message.get("chat"))
    if not _is_int(chat.get("id")):
        return None
    thread, business = message.get("message_thread_id"), message.get("business_connection_id")
    return Place(
        chat["id"],
        thread if _is_int(thread) and message.get("is_topic_message") is True else 0,
        business if isinstance(business, str) else "",
        chat.get("type") in ("group", "supergroup"),
    )


def _moved(message: Json, place: Place) -> Reach | None:
    """A group that became a supergroup is told of twice: from where it was, and from where it is."""
    old, new = message.get("migrate_from_chat_id"), message.get("migrate_to_chat_id")
    if _is_int(new):
        return Reach(place.contact, moved_to=str(new), address={"chat_id": str(new)})
    if _is_int(old):
        return Reach(str(old), moved_to=place.contact, address=place.address)
    return None


def _noise(message: Json, place: Place) -> str:
    """Why nobody is to be answered, or an empty string."""
    if any(key in message for key in SERVICE):
        return "service"
    chat = _object(message.get("chat"))
    if chat.get("type") == "channel" or message.get("is_automatic_forward") or chat.get("is_direct_messages"):
        return "channel_post"
    person_behind = "sender_chat" in message or "sender_business_bot" in message
    if _object(message.get("from")).get("is_bot") is True and not person_behind:
        return "bot"
    return "live_location" if "location" in message and "edit_date" in message else ""


def _is_of_the_business(message: Json, place: Place, known: Known) -> bool:
    """Written on the account itself. In its chats the other side's id is the chat's, so an owner is told by that when
    his connection has not been seen."""
    sender = _object(message.get("from")).get("id")
    return sender == known.owners[place.business] if place.business in known.owners else sender != place.chat


def _echo(event: Inbound, message: Json) -> Echo:
    """`by_us` also for what the account says by itself, a greeting or an away message: nobody sits there."""
    by_us = "sender_business_bot" in message or message.get("is_from_offline") is True
    voice = any(attachment.kind == "voice" for attachment in event.attachments)
    return Echo(event.id, event.contact, event.text, event.at, voice, address=event.address, by_us=by_us)


def _inbound(message: Json, place: Place, known: Known) -> Inbound | Unknown:
    id, content = place.message(message.get("message_id")), content_of(message)
    if not id or content is None:
        return Unknown("message")
    sender = _object(message.get("sender_chat")) or _object(message.get("from"))
    return Inbound(
        id,
        place.contact,
        _name_of(sender),
        _to_this_bot(content.text, known),
        _milliseconds(message.get("date")),
        reply_to=place.message(_answered(message).get("message_id")),
        address=place.address,
        group=place.group,
        attachments=content.attachments,
        unreadable=content.unreadable,
    )


def _as_edit(event: Event, message: Json) -> Event:
    if not isinstance(event, Inbound):
        return event
    second = message.get("edit_date")
    at = _milliseconds(second) or event.at
    return replace(event, id=f"edit:{event.id}:{at // 1000}", at=at, meaning="edit", of=event.id)


def _answered(message: Json) -> Json:
    """The message it answers. Each message of a topic "answers" the one that opened the topic: that is none. Outside of
    topics the first message of a thread is one like any other."""
    answered = _object(message.get("reply_to_message"))
    opener = message.get("message_thread_id") if message.get("is_topic_message") is True else None
    return {} if opener is not None and answered.get("message_id") == opener else answered


# -- groups --------------------------------------------------------------------------------------

COMMAND = re.compile(r"(/\w{1,32})@(\w+)", re.ASCII)


def _is_meant(message: Json, known: Known) -> bool:
    """In a group: the bot is named, or answered."""
    if _object(_answered(message).get("from")).get("id") == known.bot:
        return True
    words = [(_text(message.get("text")), message.get("entities"))]
    words.append((_text(message.get("caption")), message.get("caption_entities")))
    return any(_names(entity, text, known) for text, entities in words for entity in map(_object, _list(entities)))


def _names(entity: Json, text: str, known: Known) -> bool:
    """While the bot's own name is not known, every bot's name counts as its: better one answer too many."""
    if entity.get("type") == "text_mention":
        return _object(entity.get("user")).get("id") == known.bot
    if entity.get("type") not in ("mention", "bot_command"):
        return False
    name = slice_utf16(text, entity.get("offset"), entity.get("length")).rpartition("@")
    if not name[1]:
        return False
    return name[2].lower() == known.username.lower() if known.username else name[2].lower().endswith("bot")


def slice_utf16(text: str, offset: Any, length: Any) -> str:
    """Entities count in UTF-16 units."""
    if not _is_int(offset) or not _is_int(length) or offset < 0 or length < 0:
        return ""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * offset : 2 * (offset + length)].decode("utf-16-le", "replace")


def _to_this_bot(text: str, known: Known) -> str:
    """`/start@our_bot promo`, as groups write it, is `/start promo`."""
    command = COMMAND.match(text)
    if command and known.username and command[2].lower() == known.username.lower():
        return command[1] + text[command.end() :]
    return text


# -- what a message holds ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Content:
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    unreadable: str = ""


def content_of(message: Json) -> Content | None:
    """Words and attachments; None for something nobody knows."""
    for key, read in CONTENTS.items():
        if key in message:
            content = read(message[key], _text(message.get("caption")))
            return replace(content, text=_quoting(message, content.text))
    return None


def _quoting(message: Json, text: str) -> str:
    """Words that were picked to be answered, and words of another chat, which no transcript of ours holds."""
    quote = _object(message.get("quote"))
    picked = quote.get("is_manual") is True or "external_reply" in message
    words = _text(quote.get("text")).strip()
    if not (picked and words and text):
        return text
    return "\n".join(f"> {line}" for line in words.splitlines()) + f"\n{text}"


Kind = Literal["voice", "audio", "image", "video", "document", "sticker"]


def _medium(kind: Kind, mime: str = "") -> Callable[[Any, str], Content]:
    def read(raw: Any, caption: str) -> Content:
        medium = _object(raw)
        ref = _text(medium.get("file_id"))
        if not ref:
            return Content(caption, unreadable="" if caption else kind)
        name, given = _text(medium.get("file_name")), _text(medium.get("mime_type"))
        return Content(caption, (Attachment(kind, given or mime, ref, name=name, size=_size(medium)),))

    return read


def _photo(raw: Any, caption: str) -> Content:
    """The largest of its sizes."""
    sizes = sorted(map(_object, _list(raw)), key=lambda size: (_count(size.get("width")), _size(size)))
    return _medium("image", "image/jpeg")(sizes[-1] if sizes else {}, caption)


def _sticker(raw: Any, caption: str) -> Content:
    """Its emoji says what it means."""
    content = _medium("sticker", "image/webp")(raw, caption)
    emoji = _text(_object(raw).get("emoji"))
    return Content(emoji, content.attachments, "" if emoji else "sticker")


def _live_photo(raw: Any, caption: str) -> Content:
    return _photo(_object(raw).get("photo"), caption)


def _words(raw: Any, _: str) -> Content:
    return Content(_text(raw)) if _text(raw) else Content(unreadable="unsupported")


def _rich(raw: Any, _: str) -> Content:
    text = "\n".join(line for line in map(str.strip, _blocks(raw, 0)) if line)
    return Content(text) if text else Content(unreadable="unsupported")


def _blocks(node: Any, depth: int) -> Iterator[str]:
    """One text for each block of a rich message."""
    if depth > DEEPEST:
        return
    block = _object(node)
    if "text" in block:
        yield _run(block["text"], depth)
    for inner in (*_list(block.get("blocks")), *_list(block.get("items"))):
        yield from _blocks(inner, depth + 1)


def _run(node: Any, depth: int) -> str:
    """A rich text is a string, a list of rich texts, or one within some style."""
    if depth > DEEPEST:
        return ""
    if isinstance(node, list):
        return "".join(_run(inner, depth + 1) for inner in node)
    return node if isinstance(node, str) else _run(_object(node).get("text", ""), depth + 1)


def _location(raw: Any, _: str) -> Content:
    point = _point(_object(raw))
    return Content(f"📍 {point}") if point else Content(unreadable="location")


def _venue(raw: Any, _: str) -> Content:
    venue = _object(raw)
    named = (_text(venue.get("title")), _text(venue.get("address")), _point(_object(venue.get("location"))))
    said = ", ".join(filter(None, named))
    return Content(f"📍 {said}") if said else Content(unreadable="location")


def _point(location: Json) -> str:
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if not all(isinstance(d, int | float) and not isinstance(d, bool) for d in (latitude, longitude)):
        return ""
    return f"{latitude:.8g}, {longitude:.8g}"


def _card(raw: Any, _: str) -> Content:
    card = _object(raw)
    said = ", ".join(filter(None, (_name_of(card), _text(card.get("phone_number")))))
    return Content(f"👤 {said}") if said else Content(unreadable="contact")


def _dice(raw: Any, _: str) -> Content:
    dice = _object(raw)
    value = dice.get("value")
    return Content(f"{_text(dice.get('emoji')) or '🎲'} {value}" if _is_int(value) else "🎲")


def _checklist(raw: Any, _: str) -> Content:
    tasks = [_text(_object(task).get("text")) for task in _list(_object(raw).get("tasks"))]
    lines = [_text(_object(raw).get("title")), *(f"- {task}" for task in tasks if task)]
    said = "\n".join(filter(None, lines))
    return Content(said) if said else Content(unreadable="checklist")


def _nobody_reads(noun: str) -> Callable[[Any, str], Content]:
    return lambda _, caption: Content(caption, unreadable="" if caption else noun)


DEEPEST = 16
CONTENTS: dict[str, Callable[[Any, str], Content]] = {
    "text": _words,
    "rich_message": _rich,
    "voice": _medium("voice", "audio/ogg"),
    "audio": _medium("audio"),
    "photo": _photo,
    "live_photo": _live_photo,
    "animation": _medium("video", "video/mp4"),
    "video": _medium("video", "video/mp4"),
    "video_note": _medium("video", "video/mp4"),
    "document": _medium("document"),
    "sticker": _sticker,
    "venue": _venue,
    "location": _location,
    "contact": _card,
    "dice": _dice,
    "checklist": _checklist,
    "poll": _nobody_reads("poll"),
    "story": _nobody_reads("story"),
    "game": _nobody_reads("unsupported"),
    "giveaway": _nobody_reads("unsupported"),
    "invoice": _nobody_reads("unsupported"),
    "paid_media": _nobody_reads("unsupported"),
}
"""How each is read, the telling one first: for old bots an animation is a document too, and a venue a location."""

_SERVICE = """
    new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title new_chat_photo
    delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created
    message_auto_delete_timer_changed pinned_message successful_payment refunded_payment users_shared chat_shared gift
    unique_gift gift_upgrade_sent connected_website write_access_allowed passport_data proximity_alert_triggered
    boost_added chat_background_set checklist_tasks_done checklist_tasks_added direct_message_price_changed
    forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened general_forum_topic_hidden
    general_forum_topic_unhidden giveaway_created giveaway_winners giveaway_completed managed_bot_created
    paid_message_price_changed poll_option_added poll_option_deleted suggested_post_approved
    suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded
    video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited web_app_data user_shared
    community_chat_added community_chat_removed community_chat_joined
"""
SERVICE = frozenset(_SERVICE.split())
"""Things that happen in a chat and that nobody wrote."""


# -- everything else -----------------------------------------------------------------------------


def _pressed(query: Json, known: Known, now: int) -> list[Event]:
    """A button of ours. It may stand under a message Telegram shows no more, and then only its data is known."""
    message, id = _object(query.get("message")), _text(query.get("id"))
    place = place_of(message)
    if not id:
        return [Unknown("callback_query")]
    if place is None or not _text(query.get("data")):
        return [Noise("button_not_ours")]
    pressed = Inbound(
        f"callback:{id}",
        place.contact,
        _name_of(_object(query.get("from"))),
        _title_of(message, _text(query.get("data"))),
        now,
        reply_to=place.message(message.get("message_id")),
        address=place.address,
        group=place.group,
        token={"callback": id},
    )
    return [pressed]


def _title_of(message: Json, data: str) -> str:
    rows = _list(_object(message.get("reply_markup")).get("inline_keyboard"))
    buttons = [_object(button) for row in rows for button in _list(row)]
    titles = (_text(button.get("text")) for button in buttons if button.get("callback_data") == data)
    return next(filter(None, titles), data)


def _reaction(reaction: Json, known: Known, now: int) -> list[Event]:
    """`text`: the emoji that stand there now; empty when they were taken away."""
    place, user = place_of(reaction), _object(reaction.get("user"))
    of = place.message(reaction.get("message_id")) if place else ""
    if place is None or not of:
        return [Unknown("message_reaction")]
    if place.group or user.get("is_bot") is True:
        return [Noise("reaction_of_others")]
    new = _list(reaction.get("new_reaction"))
    emoji = "".join(_text(_object(one).get("emoji")) for one in new)
    if new and not emoji:
        return [Noise("reaction_without_emoji")]
    at = _milliseconds(reaction.get("date")) or now
    id = f"reaction:{of}:{user.get('id')}:{at // 1000}:{emoji}"
    return [replace(_change(place, id, _name_of(user), at, "reaction", of), text=emoji)]


def _change(place: Place, id: str, name: str, at: int, meaning: Literal["revoke", "reaction"], of: str) -> Inbound:
    return Inbound(id, place.contact, name, "", at, meaning=meaning, of=of, address=place.address, group=place.group)


def _membership(change: Json, known: Known, now: int) -> list[Event]:
    """The bot was blocked or let in again: by a person, or by a group."""
    place, member = place_of(change), _object(change.get("new_chat_member"))
    status = member.get("status")
    if place is None or not isinstance(status, str):
        return [Unknown("my_chat_member")]
    if _object(change.get("chat")).get("type") == "channel":
        return [Noise("channel_post")]
    muted = status == "restricted" and member.get("can_send_messages") is False
    reachable = status in ("creator", "administrator", "member", "restricted") and not muted
    gone = "removed" if place.group else "blocked"
    return [Reach(place.contact, reachable, "" if reachable else gone, address=place.address)]


def _connection(_: Json, known: Known, now: int) -> list[Event]:
    return [Noise("business_connection")]


def _channel_post(_: Json, known: Known, now: int) -> list[Event]:
    return [Noise("channel_post")]


KINDS: dict[str, Callable[[Json, Known, int], list[Event]]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
    "my_chat_member": _membership,
    "message_reaction": _reaction,
    "business_connection": _connection,
    "business_message": _business,
    "edited_business_message": _edited_business,
    "deleted_business_messages": _deleted_business,
    "channel_post": _channel_post,
    "edited_channel_post": _channel_post,
}
"""What each kind of update means. All but the posts of channels are asked for (`ALLOWED`)."""

ALLOWED = tuple(kind for kind in KINDS if "channel_post" not in kind)
"""`allowed_updates`: `message_reaction` comes only to those who name it, and then the others must be named too."""

_NOT_OURS = """
    guest_message message_reaction_count inline_query chosen_inline_result shipping_query pre_checkout_query
    purchased_paid_media poll poll_answer chat_member chat_join_request chat_boost removed_chat_boost managed_bot
    stopped_message_generation subscription
"""
NOT_OURS = frozenset(_NOT_OURS.split())
"""Known, and never asked for."""


# -- reading what may be anything ----------------------------------------------------------------

LATEST = 253_402_300_799
"""The last second of the year 9999."""


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> int:
    return value if _is_int(value) and value > 0 else 0


def _size(medium: Json) -> int:
    return _count(medium.get("file_size"))


def _milliseconds(seconds: Any) -> int:
    return min(_count(seconds), LATEST) * 1000


def _name_of(who: Json) -> str:
    """Of a user, a chat or a contact card."""
    called = " ".join(filter(None, (_text(who.get("first_name")), _text(who.get("last_name")))))
    return called or _text(who.get("title")) or _text(who.get("username"))
