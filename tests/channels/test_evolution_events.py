"""What webhooks mean: every sample, what was recorded from a running 2.3.6, and whatever JSON may come."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Attachment, Echo, Event, Hook, Inbound, Noise, Status, Then, Unknown
from gateway.channels.evolution import Evolution
from gateway.channels.evolution_events import INLINE, canonical, chat_of, events, moment, reference, referred, told
from gateway.config import ChannelSettings
from tests.fakes.evolution import KEY, LID, OWN, PHONE, SAMPLES, Layout, sample, upsert, webhook

NOW = 1795300000000
AT = 1795226400000
MARIA = "5511999990001"
GROUP = "120363000000000001@g.us"
TO_MARIA = {"number": MARIA}
EDIT = "edit:" + hashlib.sha256(b"corrigido").hexdigest()[:16]
VOICE = base64.b64decode("T2dnUwACAAAAAAAAAAA=")


def meant(body: bytes, tail: str = "") -> list[Event]:
    what = told(body, tail)
    assert what is not None
    return events(what, NOW)


def only(event: str, data: Any, **more: Any) -> Event:
    (one,) = meant(webhook(event, data, **more))
    return one


def message(content: Mapping[str, Any], **more: Any) -> Event:
    return only("messages.upsert", upsert(content, **more))


def wrote(content: Mapping[str, Any], **more: Any) -> Inbound:
    event = message(content, **more)
    assert isinstance(event, Inbound)
    return event


def inbound(id: str, text: str = "", **more: Any) -> Inbound:
    told = {"name": "Maria", "at": AT, "address": TO_MARIA, "token": {"jid": PHONE}} | more
    return Inbound(id=id, contact=MARIA, text=text, **told)


def medium(id: str, kind: Any, mime: str, **more: Any) -> tuple[Attachment, ...]:
    return (Attachment(kind, mime, **({"ref": id} | more)),)


EXPECTED: dict[str, Event] = {
    "webhook.text.conversation": inbound("3EB0AAAAAAAAAAAAAAAA", "Oi, quanto custa a consulta?"),
    "webhook.text.reply": inbound("3EB0AAAAAAAAAAAAAAAA", "essa", reply_to="3EB0BBBB"),
    "webhook.audio.base64": inbound(
        "3EB0AUDIO0001",
        attachments=medium("", "voice", "audio/ogg; codecs=opus", ref="", data=VOICE, size=9031),
    ),
    "webhook.image": inbound(
        "3EB0IMG0001", "olha", attachments=medium("3EB0IMG0001", "image", "image/jpeg", size=12345)
    ),
    "webhook.document": inbound(
        "3EB0DOC0001", "exame", attachments=medium("3EB0DOC0001", "document", "application/pdf", name="exame.pdf")
    ),
    "webhook.location": inbound("3EB0LOC0001", "📍 -23.55,-46.63"),
    "webhook.reaction": inbound("3EB0REACT1", "👍", meaning="reaction", of="BAE5OUT0001", token={}),
    "webhook.lid.v236": inbound("3EB0LID0236", "oi", aliases=(LID,), lasting=LID),
    "webhook.lid.v237": inbound("3EB0LID0237", "oi"),
    "webhook.group": Inbound(
        "3EB0GRP0001",
        GROUP,
        "Maria",
        "oi grupo",
        AT,
        group=True,
        address={"number": GROUP},
        token={"jid": GROUP},
    ),
    "webhook.fromMe.phone": Echo("3EB0HUMAN001", MARIA, "Oi Maria, aqui é a recepção.", AT, address=TO_MARIA),
    "webhook.send.message": Echo("BAE5OUT0001", MARIA, "A consulta custa R$ 250.", AT, address=TO_MARIA, by_us=True),
    "webhook.messages.update": Status("BAE5OUT0001", "read", NOW),
    "webhook.messages.edited": inbound(
        f"3EB0AAAAAAAAAAAAAAAA:{EDIT}",
        "corrigido",
        name="",
        at=1795226460000,
        meaning="edit",
        of="3EB0AAAAAAAAAAAAAAAA",
        token={},
        claimed=True,
    ),
    "webhook.connection.update": Noise("connection"),
    "webhook.qrcode.updated": Noise("qrcode"),
}


def test_every_sample_of_a_webhook_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("webhook.*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_samples(name: str) -> None:
    assert meant(json.dumps(sample(name)).encode()) == [EXPECTED[name]]


def test_recorded_from_a_running_2_3_6() -> None:
    """Two instances: one before the Cloud API, which drops the ninth digit, and Evolution's own, which keeps it."""
    ana, came = "5581999990000", "558199990000"
    events = [meant(json.dumps(each["body"]).encode())[0] for each in sample("recorded.2.3.6")]
    first, again, own, voice, *echoes = events
    assert first == again
    assert first == Inbound(
        id="wamid.in1",
        contact=ana,
        name="Ana",
        text="hello mk0badcafe please",
        at=1795229197000,
        aliases=(came,),
        address={"number": came},
        token={"jid": f"{came}@s.whatsapp.net"},
    )
    assert isinstance(own, Inbound)
    assert (own.contact, own.aliases, own.address) == (ana, (), {"number": ana})
    assert isinstance(voice, Inbound)
    assert [(each.kind, each.mime, each.data[:4]) for each in voice.attachments if each.data] == [
        ("voice", "audio/ogg; codecs=opus", b"OggS")
    ]
    assert [(each.id, each.text, each.by_us) for each in echoes if isinstance(each, Echo)] == [
        ("wamid.lab2", "resposta em texto", True),
        ("wamid.lab4", "", True),
        ("wamid.lab5", "", True),
    ]


# -- who -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "key"),
    [
        ("5581999990000", "5581999990000"),  # has its nine
        ("558199990000", "5581999990000"),
        ("551199990000", "5511999990000"),
        ("551161234567", "5511961234567"),  # mobile numbers began with 6 to 9 before they got their nine
        ("551171234567", "5511971234567"),
        ("551181234567", "5511981234567"),
        ("551131234567", "551131234567"),  # a landline: 2 to 5, and no nine
        ("551121234567", "551121234567"),
        ("551141234567", "551141234567"),
        ("551151234567", "551151234567"),
        ("550199990000", "550199990000"),  # no area code has a zero
        ("551099990000", "551099990000"),
        ("551101234567", "551101234567"),
        ("551111234567", "551111234567"),
        ("55119999000", "55119999000"),  # too short
        ("55119999900001", "55119999900001"),  # too long
        ("351912345678", "351912345678"),  # Portugal
        ("5491112345678", "5491112345678"),  # Argentina
        ("1559999990000", "1559999990000"),
        ("٥٥٨١٩٩٩٩٠٠٠٠", "٥٥٨١٩٩٩٩٠٠٠٠"),
        ("", ""),
        ("abc", "abc"),
    ],
)
def test_the_ninth_digit(came: str, key: str) -> None:
    assert canonical(came) == key
    assert canonical(key) == key


@pytest.mark.parametrize(
    ("key", "contact", "aliases", "number"),
    [
        ({"remoteJid": LID, "remoteJidAlt": PHONE}, MARIA, (LID,), MARIA),  # 2.3.6
        ({"remoteJid": PHONE, "remoteJidAlt": PHONE}, MARIA, (), MARIA),  # 2.3.7
        ({"remoteJid": PHONE, "remoteJidAlt": LID}, MARIA, (LID,), MARIA),  # 2.4
        ({"remoteJid": PHONE}, MARIA, (), MARIA),
        ({"remoteJid": LID}, LID, (), LID),
        ({"remoteJid": LID, "remoteJidAlt": None}, LID, (), LID),
        ({"remoteJid": "123456789012345:17@lid"}, LID, (), LID),
        ({"remoteJid": "5511999990001:12@s.whatsapp.net"}, MARIA, (), MARIA),
        ({"remoteJid": "5511999990001@c.us"}, MARIA, (), MARIA),
        (
            {"remoteJid": "558199990000@s.whatsapp.net", "remoteJidAlt": LID},
            "5581999990000",
            (LID, "558199990000"),
            "558199990000",
        ),
    ],
)
def test_a_person_is_one_contact_in_every_layout(
    key: dict[str, Any], contact: str, aliases: tuple[str, ...], number: str
) -> None:
    chat = chat_of(key)
    assert not isinstance(chat, Noise | Unknown)
    assert (chat.contact, chat.aliases, chat.address) == (contact, aliases, {"number": number})


@pytest.mark.parametrize("layout", ["2.3.6", "2.3.7", "2.4"])
def test_the_same_contact_in_every_version(layout: Layout) -> None:
    found = wrote({"conversation": "oi"}, layout=layout)
    assert (found.contact, found.address, found.token) == (MARIA, TO_MARIA, {"jid": PHONE})


@pytest.mark.parametrize(
    ("jid", "event"),
    [
        ("status@broadcast", Noise("status")),
        ("1795226400@broadcast", Noise("broadcast")),
        ("120363000000000002@newsletter", Noise("newsletter")),
        ("867051314767696@bot", Unknown("no_address")),
        ("Maria@s.whatsapp.net", Unknown("no_address")),
        ("", Unknown("no_address")),
        ("@lid", Unknown("no_address")),
        ("@g.us", Unknown("no_address")),
        (None, Unknown("no_address")),
        ({"user": 1}, Unknown("no_address")),
    ],
)
@pytest.mark.parametrize("kind", ["messages.upsert", "send.message"])
def test_what_is_nobodys_chat(jid: Any, event: Event, kind: str) -> None:
    key = {"remoteJid": jid, "fromMe": kind == "send.message", "id": "A"}
    assert only(kind, {"key": key, "message": {"conversation": "oi"}}) == event


def test_in_a_group_who_has_no_name_is_a_phone() -> None:
    data = sample("webhook.group")["data"] | {"pushName": ""}
    event = only("messages.upsert", data)
    assert isinstance(event, Inbound)
    assert (event.name, event.contact, event.aliases) == (MARIA, GROUP, ())


# -- what ----------------------------------------------------------------------------------------

VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:João\nitem1.TEL;waid=5511:+55 11 98888-0001\nitem1.X-ABLabel:C\nEND:VCARD"
PLACE = {"degreesLatitude": -23.5505199, "degreesLongitude": -46.6333094, "name": "Clínica", "address": "Rua A, 1"}
FLOW = {"name": "quick_reply", "paramsJson": '{"display_text":"Sim","id":"yes"}'}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"conversation": " oi "}, "oi"),
        ({"conversation": "oi", "messageContextInfo": {"deviceListMetadata": {}}}, "oi"),
        ({"extendedTextMessage": {"text": "veja https://loja.example"}}, "veja https://loja.example"),
        ({"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "oi"}}}}, "oi"),
        ({"ephemeralMessage": {"message": {"viewOnceMessageV2": {"message": {"conversation": "oi"}}}}}, "oi"),
        ({"locationMessage": PLACE}, "📍 -23.55052,-46.633309 Clínica, Rua A, 1"),
        ({"liveLocationMessage": {"degreesLatitude": 0, "degreesLongitude": 0.5}}, "📍 0,0.5"),
        ({"contactMessage": {"displayName": "João", "vcard": VCARD}}, "📇 João +55 11 98888-0001"),
        (
            {"contactsArrayMessage": {"contacts": [{"displayName": "Ana"}, {"vcard": VCARD}]}},
            "📇 Ana\n📇 +55 11 98888-0001",
        ),
        ({"buttonsResponseMessage": {"selectedButtonId": "1", "selectedDisplayText": "Sim"}}, "Sim"),
        ({"buttonsResponseMessage": {"selectedButtonId": "1"}}, "1"),
        ({"listResponseMessage": {"title": "Exame", "singleSelectReply": {"selectedRowId": "r1"}}}, "Exame"),
        ({"listResponseMessage": {"singleSelectReply": {"selectedRowId": "r1"}}}, "r1"),
        ({"templateButtonReplyMessage": {"selectedId": "b", "selectedDisplayText": "Quero"}}, "Quero"),
        ({"interactiveResponseMessage": {"body": {"text": "Sim"}, "nativeFlowResponseMessage": FLOW}}, "Sim"),
        ({"interactiveResponseMessage": {"nativeFlowResponseMessage": FLOW}}, "Sim"),
        ({"pollUpdateMessage": {"vote": {"selectedOptions": ["Manhã", "Tarde"]}}}, "Manhã, Tarde"),
        ({"groupInviteMessage": {"groupName": "Clientes"}}, "Clientes"),
    ],
)
def test_words(content: Mapping[str, Any], text: str) -> None:
    found = wrote(content)
    assert (found.text, found.unreadable, found.attachments, found.meaning) == (text, "", (), "message")


@pytest.mark.parametrize(
    ("content", "noun"),
    [
        ({"pollCreationMessageV3": {"name": "Quando?"}}, "poll"),
        ({"pollUpdateMessage": {"vote": {"encPayload": "AA=="}}}, "poll"),
        ({"locationMessage": {"degreesLatitude": "north"}}, "location"),
        ({"contactMessage": {}}, "contact"),
        ({"orderMessage": {"orderId": "1"}}, "unsupported"),
        ({"somethingOfTomorrow": {"text": "x"}}, "unsupported"),
        ({"interactiveResponseMessage": {"nativeFlowResponseMessage": {"paramsJson": "{"}}}, "unsupported"),
        ({"placeholderMessage": {"type": 0}}, "unsupported"),
    ],
)
def test_what_nobody_can_read_has_a_noun(content: Mapping[str, Any], noun: str) -> None:
    found = wrote(content)
    assert (found.text, found.unreadable, found.attachments) == ("", noun, ())


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"conversation": ""},
        {"conversation": None},
        {"conversation": 5},
        {"extendedTextMessage": {"text": "  "}},
        {"messageContextInfo": {}},
        {"senderKeyDistributionMessage": {"groupId": GROUP}},
        {"albumMessage": {"expectedImageCount": 2}},
        {"base64": "AAAA"},
    ],
)
def test_what_says_nothing_is_noise(content: Mapping[str, Any]) -> None:
    assert message(content) == Noise("empty")


@pytest.mark.parametrize(
    ("content", "attachment", "text"),
    [
        ({"audioMessage": {"ptt": True, "mimetype": "audio/ogg"}}, Attachment("voice", "audio/ogg", "ID"), ""),
        ({"audioMessage": {"ptt": False, "mimetype": "audio/mpeg"}}, Attachment("audio", "audio/mpeg", "ID"), ""),
        ({"audioMessage": {"mimetype": "audio/mpeg"}}, Attachment("audio", "audio/mpeg", "ID"), ""),
        (
            {"audioMessage": {"ptt": True}, "mediaUrl": "https://s3.example/a?sig=1"},
            Attachment("voice", ref="ID https://s3.example/a?sig=1"),
            "",
        ),
        ({"audioMessage": {"ptt": True}, "mediaUrl": "file:///etc/passwd"}, Attachment("voice", ref="ID"), ""),
        ({"audioMessage": {"ptt": True}, "base64": "not base64!"}, Attachment("voice", ref="ID"), ""),
        ({"audioMessage": {"ptt": True}, "base64": "T2dn dUw="}, Attachment("voice", ref="ID"), ""),
        ({"audioMessage": {"ptt": True}, "base64": ""}, Attachment("voice", ref="ID"), ""),
        ({"audioMessage": {"ptt": True}, "base64": ["AA=="]}, Attachment("voice", ref="ID"), ""),
        ({"audioMessage": {"ptt": True}, "base64": "T2dnUw=="}, Attachment("voice", data=b"OggS"), ""),
        ({"audioMessage": {}, "base64": "data:audio/ogg;base64,T2dnUw=="}, Attachment("audio", data=b"OggS"), ""),
        (
            {"ephemeralMessage": {"message": {"audioMessage": {"ptt": True}}}, "base64": "T2dnUw=="},
            Attachment("voice", data=b"OggS"),
            "",
        ),
        ({"audioMessage": {"fileLength": "77"}}, Attachment("audio", ref="ID", size=77), ""),
        ({"audioMessage": {"fileLength": {"low": -1, "high": 0}}}, Attachment("audio", ref="ID", size=2**32 - 1), ""),
        ({"audioMessage": {"fileLength": -5}}, Attachment("audio", ref="ID"), ""),
        ({"imageMessage": {"caption": " olha "}}, Attachment("image", ref="ID"), "olha"),
        ({"videoMessage": {"mimetype": "video/mp4"}}, Attachment("video", "video/mp4", "ID"), ""),
        ({"ptvMessage": {"mimetype": "video/mp4"}}, Attachment("video", "video/mp4", "ID"), ""),
        ({"stickerMessage": {"mimetype": "image/webp"}}, Attachment("sticker", "image/webp", "ID"), ""),
        (
            {"documentWithCaptionMessage": {"message": {"documentMessage": {"fileName": "a.pdf", "caption": "c"}}}},
            Attachment("document", ref="ID", name="a.pdf"),
            "c",
        ),
        ({"viewOnceMessageV2": {"message": {"imageMessage": {}}}}, Attachment("image", ref="ID"), ""),
    ],
)
def test_media(content: Mapping[str, Any], attachment: Attachment, text: str) -> None:
    found = wrote(content, id="ID")
    assert (found.attachments, found.text, found.unreadable) == ((attachment,), text, "")


def test_a_medium_that_is_too_large_to_be_kept_is_fetched() -> None:
    found = wrote({"audioMessage": {"ptt": True}, "base64": "AAAA" * (INLINE // 3 + 2)}, id="ID")
    assert found.attachments == (Attachment("voice", ref="ID"),)


@pytest.mark.parametrize(("id", "url"), [("ID", ""), ("ID", "https://s3.example/a b"), ("ID", "http://minio:9000/x")])
def test_a_reference_says_what_it_was_made_of(id: str, url: str) -> None:
    assert referred(reference(id, url)) == (id, url)


@pytest.mark.parametrize(
    "more",
    [
        {"contextInfo": {"stanzaId": "3EB0Q"}},
        {"message": {"extendedTextMessage": {"text": "oi", "contextInfo": {"stanzaId": "3EB0Q"}}}},
        {"message": {"audioMessage": {"ptt": True, "contextInfo": {"stanzaId": "3EB0Q"}}}},
        {"message": {"buttonsResponseMessage": {"selectedButtonId": "1", "contextInfo": {"stanzaId": "3EB0Q"}}}},
    ],
)
def test_what_is_quoted(more: dict[str, Any]) -> None:
    assert wrote(**{"content": {"conversation": "oi"}} | more).reply_to == "3EB0Q"


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (1795226400, AT),
        ("1795226400", AT),
        (1795226400.0, AT),
        ({"low": 1795226400, "high": 0, "unsigned": True}, AT),
        (1795226400000, AT),
        ("1795226400000", AT),
        ({"low": 1795226400000 & 0xFFFFFFFF, "high": 1795226400000 >> 32}, AT),
        ({"low": -2147483648, "high": 0}, 2147483648000),
        *((odd, None) for odd in (None, "", "soon", -5, 0, True, {}, [], 10**18, "9" * 30, 1e308)),
        ({"low": "1", "high": 0}, None),
        ({"low": 0, "high": 2**40}, None),
        ({"low": 0, "high": -1}, None),
    ],
)
def test_moments(said: Any, at: int | None) -> None:
    assert moment(said) == at


def test_a_message_without_a_time_is_of_now() -> None:
    assert wrote({"conversation": "oi"}, messageTimestamp=None).at == NOW


# -- echoes --------------------------------------------------------------------------------------


def test_what_a_person_says_on_the_phone_is_an_echo() -> None:
    assert message({"audioMessage": {"ptt": True}, "base64": "T2dnUw=="}, from_me=True) == Echo(
        "3EB0NEW0001", MARIA, "", AT, voice=True, address=TO_MARIA
    )


def test_what_came_over_the_api_is_by_us_whatever_its_key_says() -> None:
    event = only("send.message", upsert({"conversation": "oi"}, from_me=False))
    assert event == Echo("3EB0NEW0001", MARIA, "oi", AT, address=TO_MARIA, by_us=True)


@pytest.mark.parametrize(
    "content",
    [
        {"reactionMessage": {"key": {"id": "A"}, "text": "👍"}},
        {"protocolMessage": {"key": {"id": "A"}, "type": "REVOKE"}},
        {"editedMessage": {"message": {"protocolMessage": {"key": {"id": "A"}, "type": 14, "editedMessage": {}}}}},
    ],
)
def test_a_person_who_reacts_or_corrects_takes_nothing_over(content: Mapping[str, Any]) -> None:
    assert message(content, from_me=True) == Noise("own_change")


def test_notes_to_oneself_are_no_takeover() -> None:
    data = upsert({"conversation": "lembrar"}, from_me=True)
    data["key"] |= {"remoteJid": OWN, "remoteJidAlt": OWN}
    assert only("messages.upsert", data) == Noise("note_to_self")


# -- edited, taken back, reacted -----------------------------------------------------------------


def changed(meaning: Any, text: str = "", mark: str = "revoke", **more: Any) -> Inbound:
    return inbound(f"3EB0OLD:{mark}", text, **{"meaning": meaning, "of": "3EB0OLD", "token": {}} | more)


REVOKED = changed("revoke")
EDITED = changed("edit", "corrigido", EDIT)
OLD = {"remoteJid": PHONE, "fromMe": True, "id": "3EB0OLD"}


@pytest.mark.parametrize("kind", ["REVOKE", 0])
def test_taken_back_inside_a_message(kind: Any) -> None:
    """The inner key is "from me" of whoever took it back; the outer one is ours."""
    assert message({"protocolMessage": {"key": OLD, "type": kind}}) == REVOKED


@pytest.mark.parametrize("kind", ["MESSAGE_EDIT", 14])
@pytest.mark.parametrize("wrapped", [False, True])
def test_edited_inside_a_message(kind: Any, wrapped: bool) -> None:
    content: dict[str, Any] = {
        "protocolMessage": {"key": OLD, "type": kind, "editedMessage": {"conversation": "corrigido"}}
    }
    assert message({"editedMessage": {"message": content}} if wrapped else content) == EDITED


@pytest.mark.parametrize("kind", ["EPHEMERAL_SETTING", "APP_STATE_SYNC_KEY_SHARE", 3, None, False, True, [], "x"])
def test_other_protocol_is_noise(kind: Any) -> None:
    assert message({"protocolMessage": {"key": OLD, "type": kind}}) == Noise("protocol")


def test_a_caption_can_be_edited() -> None:
    said = {"key": OLD | {"fromMe": False}, "type": 14, "editedMessage": {"imageMessage": {"caption": "corrigido"}}}
    event = only("messages.edited", said)
    assert isinstance(event, Inbound)
    assert (event.text, event.attachments) == ("corrigido", ())


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ({"fromMe": False}, changed("revoke", name="", at=NOW, claimed=True)),
        ({"fromMe": True}, Noise("own_change")),  # by a person of ours
        ({"fromMe": True, "remoteJid": OWN}, Noise("told_by_another_event")),  # by the contact: our own chat to them
        ({"id": ""}, Noise("own_change")),
        ({"id": "", "fromMe": False}, Noise("protocol")),
        ({"remoteJid": "status@broadcast"}, Noise("status")),
    ],
)
def test_messages_edited_tells_who_only_sometimes(key: dict[str, Any], event: Event) -> None:
    assert only("messages.edited", {"key": OLD | key, "type": "REVOKE"}) == event


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ({**OLD, "fromMe": False, "status": "DELETED"}, changed("revoke", name="", at=NOW)),
        ({**OLD, "status": "DELETED"}, Noise("own_change")),
        ({"remoteJid": PHONE, "fromMe": False}, Unknown("no_id")),
        ({"id": "A"}, Unknown("no_address")),
    ],
)
def test_messages_delete(data: Any, event: Event) -> None:
    assert only("messages.delete", data) == event


def test_an_edit_that_is_told_twice_is_one() -> None:
    """By `messages.edited` and `messages.update`, which have only the words in common."""
    edit = {"editedMessage": {"message": {"conversation": "corrigido"}}}
    update = {"keyId": "3EB0OLD", "remoteJid": PHONE, "fromMe": False, "status": "SERVER_ACK", "message": edit}
    event = only("messages.update", update)
    edited = {"key": OLD | {"fromMe": False}, "type": 14, "editedMessage": {"conversation": "corrigido"}}
    again = only("messages.edited", edited)
    assert isinstance(event, Inbound)
    assert isinstance(again, Inbound)
    assert (event.id, event.text, event.of) == (again.id, again.text, again.of) == (EDITED.id, "corrigido", "3EB0OLD")


def test_an_edit_without_words_is_noise() -> None:
    update = {"keyId": "A", "remoteJid": PHONE, "fromMe": False, "message": {"editedMessage": {"message": {"x": {}}}}}
    assert only("messages.update", update) == Noise("edit_without_words")


def test_a_reaction_taken_back_has_no_text() -> None:
    found = wrote({"reactionMessage": {"key": {"id": "A"}, "text": ""}})
    assert (found.meaning, found.of, found.text, found.unreadable) == ("reaction", "A", "", "")


def test_a_reaction_to_nothing_is_noise() -> None:
    assert message({"reactionMessage": {"text": "👍"}}) == Noise("reaction_to_nothing")


# -- receipts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("SERVER_ACK", "sent"),
        ("DELIVERY_ACK", "delivered"),
        ("READ", "read"),
        ("PLAYED", "played"),
        (2, "sent"),
        (3, "delivered"),
        (4, "read"),
        (5, "played"),
        ("delivered", "delivered"),
    ],
)
def test_receipts(said: Any, status: str) -> None:
    data = {"keyId": "BAE5", "remoteJid": PHONE, "fromMe": True, "status": said}
    assert only("messages.update", data) == Status("BAE5", status, NOW)  # type: ignore[arg-type]


def test_a_receipt_needs_no_address() -> None:
    """What became of our message is known by its id, also when only a lid is told, or nothing."""
    assert only("messages.update", {"keyId": "BAE5", "fromMe": True, "status": "READ"}) == Status("BAE5", "read", NOW)


@pytest.mark.parametrize("said", ["ERROR", 0, "FAILED"])
def test_a_refusal_after_the_send(said: Any) -> None:
    event = only("messages.update", {"keyId": "BAE5", "remoteJid": PHONE, "fromMe": True, "status": said})
    assert isinstance(event, Status)
    assert event.status == "failed"
    assert event.error is not None
    assert event.error.then is Then.GIVE_UP


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": False, "status": "READ"}, Noise("status_of_theirs")),
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": True, "status": "PENDING"}, Noise("pending")),
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": True, "status": "GONE"}, Unknown("status")),
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": True, "status": 9}, Unknown("status")),
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": True, "status": True}, Unknown("status")),
        ({"keyId": "A", "remoteJid": PHONE, "fromMe": True, "status": "DELETED"}, Noise("own_change")),
        ({"remoteJid": PHONE, "fromMe": True, "status": "READ"}, Unknown("no_id")),
        ({"keyId": "wamid.X", "remoteJid": PHONE, "fromMe": False, "status": "READ"}, Status("wamid.X", "read", NOW)),
        (
            {"keyId": "3EB0OLD", "remoteJid": PHONE, "fromMe": False, "status": "DELETED"},
            changed("revoke", name="", at=NOW),
        ),
    ],
)
def test_other_updates(data: Any, event: Event) -> None:
    assert only("messages.update", data) == event


# -- whole requests ------------------------------------------------------------------------------


def test_a_list_is_read_in_its_order() -> None:
    items = [upsert({"conversation": word}, id=word) for word in ("um", "dois", "três")]
    found = meant(webhook("messages.upsert", [*items, None]))
    assert found[3:] == [Unknown("no_data")]
    assert [each.id for each in found[:3] if isinstance(each, Inbound)] == ["um", "dois", "três"]


@pytest.mark.parametrize(
    ("event", "data", "found"),
    [
        ("messages.upsert", [], Noise("empty")),
        ("messages.upsert", None, Unknown("no_data")),
        ("messages.upsert", "x", Unknown("no_data")),
        ("messages.upsert", {"key": {"remoteJid": PHONE}, "message": {"conversation": "oi"}}, Unknown("no_id")),
        ("messages.upsert", {}, Unknown("no_address")),
        ("presence.update", {"id": LID}, Noise("presence")),
        ("MESSAGES_SET", [{}], Noise("messages.set")),
        ("send.message.update", {}, Noise("send.message.update")),
        ("group-participants.update", {}, Noise("group")),
        ("of.tomorrow", {}, Unknown("event")),
    ],
)
def test_other_events(event: str, data: Any, found: Event) -> None:
    assert meant(webhook(event, data)) == [found]


# -- whatever comes ------------------------------------------------------------------------------

KNOWN = [
    *("messages.upsert", "messages.edited", "messages.update", "messages.delete", "send.message", "connection.update")
]
WORDS = [
    *("key", "remoteJid", "remoteJidAlt", "fromMe", "id", "message", "conversation", "audioMessage", "imageMessage"),
    *("ptt", "base64", "mediaUrl", "type", "protocolMessage", "editedMessage", "ephemeralMessage", "reactionMessage"),
    *("text", "status", "keyId", "update", "state", "statusReason", "low", "high", "messageTimestamp", "fileLength"),
    *("contextInfo", "stanzaId", "contacts", "vcard", "vote", "selectedOptions", "locationMessage", "contactMessage"),
    *("degreesLatitude", "pollUpdateMessage", "interactiveResponseMessage", "nativeFlowResponseMessage", "paramsJson"),
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from([PHONE, LID, GROUP, "REVOKE", "MESSAGE_EDIT", "READ", "T2dnUw==", "{", "[1]"])
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner),
    max_leaves=25,
)
CHANNEL = Evolution(
    ChannelSettings(
        name="whats",
        type="evolution",
        queue="q",
        base_url="https://evo.example",
        instance="clinic",
        api_key=KEY,
        webhook_secret="hook-0123456789ab",
    ),
    allow_private=False,
    now=lambda: 1795226400.0,
)


def read(body: bytes, tail: str = "") -> list[Event]:
    return list(CHANNEL.read(Hook({"x-webhook-secret": "hook-0123456789ab"}, body, tail=tail)))


def whole(found: list[Event]) -> None:
    assert found
    for event in found:
        if isinstance(event, Inbound):
            assert event.id
            assert event.contact
            assert event.address["number"]
            assert event.text or event.attachments or event.unreadable or event.meaning in ("revoke", "reaction")
            assert not (event.text and event.unreadable)
            assert bool(event.of) is (event.meaning != "message")
            assert 0 < event.at < 10**14
            assert all(each.ref or each.data for each in event.attachments)
        if isinstance(event, Echo | Status):
            assert event.id


@given(st.sampled_from(KNOWN), trees)
def test_any_data_becomes_events(event: str, data: Any) -> None:
    whole(read(json.dumps({"event": event, "instance": "clinic", "data": data, "sender": OWN}).encode()))


@given(st.sampled_from(KNOWN), st.dictionaries(st.sampled_from(WORDS), trees, max_size=8), st.booleans())
def test_any_message_becomes_an_event(event: str, content: dict[str, Any], mine: bool) -> None:
    data = {"key": {"remoteJid": LID, "remoteJidAlt": PHONE, "fromMe": mine, "id": "A"}, "message": content, **content}
    whole(read(json.dumps({"event": event, "instance": "clinic", "data": data, "sender": OWN}).encode()))


@given(trees)
def test_any_json_becomes_events(body: Any) -> None:
    whole(read(json.dumps(body).encode(), "messages-upsert"))


@given(st.binary(max_size=64), st.text(max_size=12))
def test_any_bytes_become_events(body: bytes, tail: str) -> None:
    whole(read(body, tail))


def test_what_is_nested_without_end_is_read_too() -> None:
    deep = '{"ephemeralMessage":{"message":' * 300 + "{}" + "}}" * 300
    data = f'{{"key":{{"remoteJid":"{PHONE}","id":"A"}},"message":{deep}}}'
    body = f'{{"event":"messages.upsert","instance":"clinic","data":{data}}}'.encode()
    whole(read(body))
    assert CHANNEL.redacted(body) == body


@given(st.from_regex(r"[A-Za-z0-9]{8,40}", fullmatch=True), trees)
def test_a_key_is_never_kept(key: str, data: Any) -> None:
    body = json.dumps({"event": "x", "data": data, "apikey": key}).encode()
    kept = CHANNEL.redacted(body)
    assert json.loads(kept)["apikey"] == ""
    assert json.loads(kept)["data"] == data or b'"token"' in body or b'"hash"' in body
