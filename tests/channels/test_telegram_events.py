"""What updates of Telegram mean: every sample, what the samples leave out, and whatever JSON may come."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.types import Update
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Attachment, Echo, Event, Inbound, Noise, Reach, Status, Unknown
from gateway.channels.telegram_events import (
    ALLOWED,
    CONTENTS,
    KINDS,
    NOT_OURS,
    SERVICE,
    Known,
    events,
    slice_utf16,
)
from tests.fakes.telegram import BOT, MARIA, SAMPLES, sample

NOW = 1_795_226_500_000
KNOWN = Known(BOT["id"], "ana_clinic_bot")  # type: ignore[arg-type]
AT = 1_795_226_400_000
HERE = {"chat_id": "700000001"}
UPDATES = sorted(path.stem for path in SAMPLES.glob("update.*.json"))


def read(update: Any, known: Known = KNOWN) -> list[Event]:
    return events(update, known, NOW)


def one(update: Any, known: Known = KNOWN) -> Any:
    (event,) = read(update, known)
    return event


def message(**more: Any) -> dict[str, Any]:
    """One from Maria."""
    return {"message_id": 101, "from": {**MARIA, "is_bot": False}, "chat": MARIA, "date": AT // 1000, **more}


def private(**more: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": message(**more)}


def group(**more: Any) -> dict[str, Any]:
    chat = {"id": -1001234567890, "title": "Clínica", "type": "supergroup"}
    return {"update_id": 1, "message": message(**{"chat": chat, **more})}


def business(**more: Any) -> dict[str, Any]:
    return {"update_id": 1, "business_message": message(business_connection_id="bc_1", text="Oi", **more)}


# -- the samples ---------------------------------------------------------------------------------


def inbound(text: str = "", **more: Any) -> Inbound:
    facts: dict[str, Any] = {"id": "700000001:101", "contact": "700000001", "name": "Maria", "at": AT, "address": HERE}
    return Inbound(text=text, **{**facts, **more})


OF_DONA = {"chat_id": "700000001", "business_connection_id": "bc_1"}
MEANT: dict[str, Event] = {
    "audio": inbound("ouve", attachments=(Attachment("audio", "audio/mpeg", "AwACAgEAAxkBAAI", None, "a.mp3", 9031),)),
    "business_connection": Noise("business_connection"),
    "business_message": inbound("Oi", id="bc_1:700000001:300", contact="bc_1:700000001", address=OF_DONA),
    "business_message.by_bot": Echo(
        "bc_1:700000001:302", "bc_1:700000001", "Resposta do bot", AT, address=OF_DONA, by_us=True
    ),
    "callback_query": inbound(
        "yes",
        id="callback:4382bfdwdsb323b2d9",
        at=NOW,
        reply_to="700000001:100",
        token={"callback": "4382bfdwdsb323b2d9"},
    ),
    "command.start": inbound("/start promo"),
    "contact": inbound("👤 Maria, 5511999990001"),
    "deleted_business_messages": inbound(
        id="revoke:bc_1:700000001:300",
        contact="bc_1:700000001",
        at=NOW,
        meaning="revoke",
        of="bc_1:700000001:300",
        address=OF_DONA,
    ),
    "document": inbound(
        attachments=(Attachment("document", "application/pdf", "d", name="exame.pdf", size=25_000_000),)
    ),
    "edited_message": inbound(
        "corrigido", id="edit:700000001:101:1795226460", at=AT + 60_000, meaning="edit", of="700000001:101"
    ),
    "group.mention": inbound(
        "@ana_clinic_bot oi",
        id="-1001234567890:55",
        contact="-1001234567890/7",
        address={"chat_id": "-1001234567890", "message_thread_id": "7"},
        group=True,
    ),
    "location": inbound("📍 -23.55, -46.63"),
    "message_reaction": inbound(
        "👍", id="reaction:700000001:100:700000001:1795226400:👍", meaning="reaction", of="700000001:100"
    ),
    "my_chat_member.blocked": Reach("700000001", False, "blocked", address=HERE),
    "photo": inbound("olha", attachments=(Attachment("image", "image/jpeg", "b", size=90_000),)),
    "reply": inbound("essa", reply_to="700000001:100"),
    "text": inbound("Oi, quanto custa a consulta?"),
    "voice": inbound(attachments=(Attachment("voice", "audio/ogg", "AwACAgEAAxkBAAI", size=9031),)),
}


@pytest.mark.parametrize("name", UPDATES)
def test_a_sample_means_this(name: str) -> None:
    assert read(sample(name)) == [MEANT[name.removeprefix("update.")]]


@pytest.mark.parametrize("name", UPDATES)
def test_aiogram_reads_the_same(name: str) -> None:
    raw = sample(name)
    theirs: Any = Update.model_validate(raw).event
    ours = one(raw)
    if isinstance(ours, Inbound) and ours.meaning in ("message", "edit") and not ours.token:
        assert ours.id.endswith(f"{theirs.chat.id}:{theirs.message_id}") or ours.meaning == "edit"
        assert ours.at == (getattr(theirs, "edit_date", None) or int(theirs.date.timestamp())) * 1000
        assert ours.attachments or ours.text == (theirs.text or ours.text)
        assert [a.kind for a in ours.attachments] in ([], ["image" if theirs.photo else theirs.content_type])


def test_every_kind_is_one_telegram_has() -> None:
    theirs = set(Update.model_fields) - {"update_id"}
    assert set(KINDS) | NOT_OURS <= theirs
    assert theirs - set(KINDS) - NOT_OURS == set()


def test_every_content_and_service_is_one_telegram_has() -> None:
    from aiogram.types import Message

    fields = set(Message.model_fields)
    assert set(CONTENTS) <= fields
    assert fields >= SERVICE
    assert not SERVICE & set(CONTENTS)


def test_what_is_asked_for_holds_reactions_and_business_and_no_channels() -> None:
    assert {"message", "message_reaction", "business_connection", "deleted_business_messages"} <= set(ALLOWED)
    assert not {"channel_post", "edited_channel_post"} & set(ALLOWED)


# -- contents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "kind", "mime"),
    [
        ({"video": {"file_id": "f", "mime_type": "video/mp4"}}, "video", "video/mp4"),
        ({"video_note": {"file_id": "f", "length": 240, "duration": 3}}, "video", "video/mp4"),
        ({"animation": {"file_id": "f"}, "document": {"file_id": "f"}}, "video", "video/mp4"),
        ({"live_photo": {"file_id": "v", "photo": [{"file_id": "f", "width": 9}]}}, "image", "image/jpeg"),
        ({"sticker": {"file_id": "f", "emoji": ""}}, "sticker", "image/webp"),
        ({"voice": {"file_id": "f", "mime_type": "audio/ogg"}, "caption": "x"}, "voice", "audio/ogg"),
    ],
)
def test_media_are_attachments(more: dict[str, Any], kind: str, mime: str) -> None:
    (attachment,) = one(private(**more)).attachments
    assert (attachment.kind, attachment.mime, attachment.ref) == (kind, mime, "f")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"venue": {"title": "Clínica", "address": "Rua A, 1", "location": {"latitude": -23.5, "longitude": 1}}}, "📍"),
        ({"dice": {"emoji": "🎯", "value": 6}}, "🎯 6"),
        ({"sticker": {"file_id": "f", "emoji": "👍"}}, "👍"),
        ({"checklist": {"title": "Levar", "tasks": [{"id": 1, "text": "RG"}]}}, "Levar\n- RG"),
        (
            {"rich_message": {"blocks": [{"type": "paragraph", "text": ["Oi ", {"type": "bold", "text": "Ana"}]}]}},
            "Oi Ana",
        ),
        (
            {"rich_message": {"blocks": [{"type": "list", "items": [{"label": "1", "blocks": [{"text": "um"}]}]}]}},
            "um",
        ),
        ({"text": "Oi", "forward_origin": {"type": "user"}}, "Oi"),
    ],
)
def test_what_can_be_said_in_words_is(more: dict[str, Any], text: str) -> None:
    event = one(private(**more))
    assert event.text.startswith(text)
    assert event.unreadable == ""


@pytest.mark.parametrize(
    ("more", "noun"),
    [
        ({"poll": {"id": "1", "question": "?", "options": []}}, "poll"),
        ({"sticker": {"file_id": "f"}}, "sticker"),
        ({"story": {"id": 1}}, "story"),
        ({"paid_media": {}}, "unsupported"),
        ({"voice": {}}, "voice"),
        ({"location": {"latitude": "north"}}, "location"),
    ],
)
def test_what_nobody_reads_is_named(more: dict[str, Any], noun: str) -> None:
    event = one(private(**more))
    assert (event.unreadable, event.text) == (noun, "")


@pytest.mark.parametrize("key", sorted(SERVICE))
def test_what_happens_in_a_chat_is_no_message(key: str) -> None:
    assert one(private(**{key: {"some": "thing"}})) == Noise("service")


def test_a_content_of_tomorrow_is_kept_raw() -> None:
    assert one(private(hologram={"file_id": "f"})) == Unknown("message")
    assert one({"update_id": 1, "telepathy": {}}) == Unknown("update")
    assert one({"update_id": 1, "inline_query": {}}) == Noise("update_not_ours")


def test_each_picture_of_an_album_is_a_message_of_its_own() -> None:
    photo = [{"file_id": "f", "width": 90}]
    album = [private(message_id=n, photo=photo, media_group_id="13") for n in (101, 102, 103)]
    ids = [one(update).id for update in album]
    assert ids == ["700000001:101", "700000001:102", "700000001:103"]


def test_of_a_photo_the_largest_is_taken() -> None:
    sizes = [
        {"file_id": "b", "width": 960},
        {"file_id": "s", "width": 67, "file_size": 9},
        {"file_id": "m", "width": 90},
    ]
    assert one(private(photo=sizes)).attachments[0].ref == "b"


def test_a_time_nobody_lives_to_see_is_still_a_time() -> None:
    assert one(private(text="Oi") | {"message": message(text="Oi") | {"date": 10**30}}).at < 10**15
    assert one({"edited_message": message(text="Oi")}).at == AT


def test_words_that_were_picked_to_be_answered_stand_before_the_answer() -> None:
    quote = {"text": "R$ 250\nà vista", "position": 0, "is_manual": True}
    assert one(private(text="essa", quote=quote)).text == "> R$ 250\n> à vista\nessa"
    assert one(private(text="essa", quote={**quote, "is_manual": False})).text == "essa"
    assert one(private(text="essa", quote={"text": "lá"}, external_reply={})).text == "> lá\nessa"


# -- groups --------------------------------------------------------------------------------------


def named(text: str, offset: int, length: int, kind: str = "mention") -> dict[str, Any]:
    return group(text=text, entities=[{"type": kind, "offset": offset, "length": length}])


@pytest.mark.parametrize(
    "update",
    [
        named("@Ana_Clinic_Bot oi", 0, 15),
        named("😀 @ana_clinic_bot", 3, 15),
        named("/preco@ana_clinic_bot", 0, 21, "bot_command"),
        group(text="Ana?", entities=[{"type": "text_mention", "offset": 0, "length": 3, "user": BOT}]),
        group(text="essa", reply_to_message={"message_id": 7, "from": BOT}),
        group(
            photo=[{"file_id": "f"}],
            caption="@ana_clinic_bot olha",
            caption_entities=[{"type": "mention", "offset": 0, "length": 15}],
        ),
    ],
)
def test_a_group_speaks_to_the_bot(update: dict[str, Any]) -> None:
    event = one(update)
    assert (event.group, event.contact) == (True, "-1001234567890")


@pytest.mark.parametrize(
    "update",
    [
        group(text="oi gente"),
        group(text="ana_clinic_bot"),
        named("@other_bot oi", 0, 10),
        named("/start", 0, 6, "bot_command"),
        named("/start@other_bot", 0, 16, "bot_command"),
        group(text="essa", reply_to_message={"message_id": 7, "from": {"id": 1}}),
        group(
            text="oi",
            message_thread_id=7,
            is_topic_message=True,
            reply_to_message={"message_id": 7, "from": BOT, "forum_topic_created": {}},
        ),
    ],
)
def test_a_group_speaks_among_itself(update: dict[str, Any]) -> None:
    assert one(update) == Noise("not_mentioned")


def test_a_topic_is_not_what_its_messages_answer() -> None:
    update = named("@ana_clinic_bot", 0, 15)
    update["message"] |= {"message_thread_id": 7, "is_topic_message": True, "reply_to_message": {"message_id": 7}}
    assert one(update).reply_to == ""


def test_a_thread_of_answers_is_no_topic() -> None:
    """In a group without topics an answer carries the thread it begins."""
    update = group(text="essa", message_thread_id=7, reply_to_message={"message_id": 7, "from": BOT})
    assert (one(update).contact, one(update).reply_to) == ("-1001234567890", "-1001234567890:7")


def test_an_unknown_name_answers_to_every_bot_s() -> None:
    nameless = Known(KNOWN.bot)
    assert isinstance(one(named("@other_bot oi", 0, 10), nameless), Inbound)
    assert one(named("@maria_b oi", 0, 8), nameless) == Noise("not_mentioned")


def test_a_command_in_a_group_is_the_command() -> None:
    assert one(named("/start@ana_clinic_bot promo", 0, 21, "bot_command")).text == "/start promo"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"from": {"id": 5, "is_bot": True}, "text": "@ana_clinic_bot"}, "bot"),
        ({"is_automatic_forward": True, "text": "news"}, "channel_post"),
        ({"new_chat_members": [BOT]}, "service"),
        ({"chat": {"id": -5, "type": "supergroup", "is_direct_messages": True}, "text": "oi"}, "channel_post"),
    ],
)
def test_a_group_holds_more_than_people(more: dict[str, Any], reason: str) -> None:
    assert one(group(**more)) == Noise(reason)


def test_an_administrator_without_a_name_is_a_person() -> None:
    update = named("@ana_clinic_bot oi", 0, 15)
    update["message"] |= {
        "from": {"id": 1087968824, "is_bot": True},
        "sender_chat": {"id": -1001234567890, "title": "Clínica"},
    }
    assert one(update).name == "Clínica"


def test_channels_are_not_answered() -> None:
    post = {"message_id": 1, "chat": {"id": -100, "type": "channel"}, "date": 1, "text": "news"}
    assert one({"update_id": 1, "channel_post": post}) == Noise("channel_post")
    assert one({"update_id": 1, "message": post}) == Noise("channel_post")


@pytest.mark.parametrize(
    ("key", "contact", "moved_to"),
    [("migrate_to_chat_id", "-1001234567890", "-55"), ("migrate_from_chat_id", "-55", "-1001234567890")],
)
def test_a_group_moves(key: str, contact: str, moved_to: str) -> None:
    assert one(group(**{key: -55})) == Reach(contact, moved_to=moved_to, address={"chat_id": moved_to})


# -- business accounts ---------------------------------------------------------------------------

DONA = {"id": 700000099, "is_bot": False, "first_name": "Dona"}


@pytest.mark.parametrize("known", [KNOWN, Known(KNOWN.bot, owners={"bc_1": 700000099})])
def test_the_owner_who_answers_takes_over(known: Known) -> None:
    echo = one(business(**{"from": DONA}), known)
    assert echo == Echo("bc_1:700000001:101", "bc_1:700000001", "Oi", AT, address=OF_DONA)
    assert isinstance(one(business(), known), Inbound)


def test_what_an_account_says_by_itself_is_no_takeover() -> None:
    assert one(business(**{"from": DONA, "is_from_offline": True})).by_us


def test_an_owner_s_voice_note_is_one() -> None:
    update = business(**{"from": DONA, "voice": {"file_id": "f"}})
    del update["business_message"]["text"]
    assert one(update).voice


def test_an_owner_who_corrects_himself_says_nothing_new() -> None:
    mine = business(edit_date=AT // 1000 + 5)["business_message"]
    assert one({"edited_business_message": {**mine, "from": DONA}}) == Noise("owner_edit")
    edit = one({"edited_business_message": mine})
    assert (edit.meaning, edit.of, edit.contact) == ("edit", "bc_1:700000001:101", "bc_1:700000001")


def test_a_person_and_the_same_person_at_a_business_are_two_conversations() -> None:
    assert one(business()).contact != one(private(text="Oi")).contact


# -- the rest ------------------------------------------------------------------------------------


def membership(status: str, kind: str = "private", **more: Any) -> dict[str, Any]:
    return {"my_chat_member": {"chat": {"id": 5, "type": kind}, "new_chat_member": {"status": status, **more}}}


@pytest.mark.parametrize(
    ("update", "reachable", "reason"),
    [
        (membership("member"), True, ""),
        (membership("kicked"), False, "blocked"),
        (membership("left", "group"), False, "removed"),
        (membership("administrator", "supergroup"), True, ""),
        (membership("restricted", "supergroup", can_send_messages=False), False, "removed"),
        (membership("restricted", "supergroup", can_send_messages=True), True, ""),
    ],
)
def test_who_can_be_written_to(update: dict[str, Any], reachable: bool, reason: str) -> None:
    assert one(update) == Reach("5", reachable, reason, address={"chat_id": "5"})


def pressed(data: str, **message: Any) -> dict[str, Any]:
    return {"callback_query": {"id": "9", "from": MARIA, "data": data, "message": {"chat": MARIA, **message}}}


def test_a_pressed_button_says_its_title() -> None:
    rows = [[{"text": "Marcar consulta", "callback_data": "1"}], [{"text": "Preços", "callback_data": "2"}]]
    press = pressed("2", message_id=100, reply_markup={"inline_keyboard": rows})
    assert (one(press).text, one(press).reply_to, one(press).at) == ("Preços", "700000001:100", NOW)


def test_a_button_under_a_message_that_is_gone_says_its_data() -> None:
    gone = one(pressed("Preços", message_id=100, date=0))
    assert (gone.text, gone.at, gone.token) == ("Preços", NOW, {"callback": "9"})


def test_a_button_of_an_inline_message_is_not_ours() -> None:
    press = {"callback_query": {"id": "9", "from": MARIA, "data": "x", "inline_message_id": "i"}}
    assert one(press) == Noise("button_not_ours")


def test_a_reaction_that_is_taken_away_says_nothing() -> None:
    reaction = sample("update.message_reaction")
    reaction["message_reaction"]["new_reaction"] = []
    assert (one(reaction).text, one(reaction).meaning) == ("", "reaction")
    reaction["message_reaction"]["new_reaction"] = [{"type": "custom_emoji", "custom_emoji_id": "5"}]
    assert one(reaction) == Noise("reaction_without_emoji")


def test_a_place_that_moves_is_told_once() -> None:
    place = {"location": {"latitude": 1, "longitude": 2, "live_period": 900}}
    assert isinstance(one(private(**place)), Inbound)
    assert one({"edited_message": message(**place, edit_date=5)}) == Noise("live_location")


def test_a_bot_that_writes_to_the_bot_is_not_answered() -> None:
    assert one(private(**{"from": {"id": 5, "is_bot": True}, "text": "Oi"})) == Noise("bot")


# -- whatever may come ---------------------------------------------------------------------------

WORDS = sorted(
    {*KINDS, *CONTENTS, "chat", "from", "id", "message_id", "date", "entities", "type", "offset", "length"}
    | {"is_topic_message", "message_thread_id", "business_connection_id", "file_id", "emoji", "blocks", "items"}
    | {"message_ids", "new_reaction", "new_chat_member", "status", "reply_markup", "inline_keyboard", "data"}
    | {"user", "callback_data", "reply_to_message", "quote", "migrate_to_chat_id", "edit_date", "tasks"}
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["private", "supergroup", "mention", "@ana_clinic_bot", "member"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=24,
)
CHAT = st.fixed_dictionaries({"id": st.integers(), "type": st.sampled_from(["private", "group", "supergroup"])})
ALMOST = st.tuples(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=8),
    st.fixed_dictionaries({"chat": CHAT, "message_id": st.integers()}),
).map(lambda parts: {"update_id": 1, parts[0]: {**parts[1], **parts[2]}})


@given(ANYTHING | ALMOST)
def test_whatever_json_comes_is_an_event(update: Any) -> None:
    for event in read(update):
        assert isinstance(event, Inbound | Echo | Reach | Noise | Unknown | Status)
        if isinstance(event, Inbound):
            assert event.id
            assert event.contact
            assert not (event.text and event.unreadable)
            assert all(isinstance(value, str) for value in event.address.values())


@given(st.text(), st.text(), st.text())
def test_entities_count_as_telegram_counts(before: str, word: str, after: str) -> None:
    units = [len(part.encode("utf-16-le")) // 2 for part in (before, word)]
    assert slice_utf16(before + word + after, *units) == word


def test_half_a_letter_is_no_surprise() -> None:
    assert slice_utf16("😀!", 1, 2) == "\ufffd!"
    assert slice_utf16("\ud83d!", 1, 1) == "!"
    assert slice_utf16("Oi", -1, 1) == slice_utf16("Oi", 0, "1") == ""
