"""Webhooks of WhatsApp's Cloud API: what each means, whose it is, and what is forged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.channels.base import (
    Attachment,
    Echo,
    Event,
    Forged,
    Hook,
    Inbound,
    Noise,
    Reach,
    Status,
    Then,
    Unknown,
)
from gateway.channels.whatsapp_cloud import WhatsAppCloud, WhatsAppHook
from gateway.channels.whatsapp_cloud_events import OTHER_FIELDS, changes, events
from tests.fakes.graph import APP_SECRET, NUMBER, VERIFY_TOKEN, settings, signature, webhook

FIXTURES = Path(__file__).parents[1] / "fixtures" / "whatsapp"
PHONE = "5511999990001"
BSUID = "BR.13491208655302741918"
PARENT = "BR.ENT.11815799212886844830"
AT = 1795226400000
NOW = 1795230000.0
MARIA = {"profile": {"name": "Maria"}, "wa_id": PHONE, "user_id": BSUID, "parent_user_id": PARENT}
ADDRESS = {"to": PHONE, "recipient": BSUID}
LOOKASIDE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=300000000000001&source=webhook&ext=1&hash=x"


def channel(**more: Any) -> WhatsAppCloud:
    return WhatsAppCloud(settings(**more), allow_private=True, now=lambda: NOW)


def read(body: bytes, *channels: WhatsAppCloud, secret: str = APP_SECRET) -> dict[str, list[Event]]:
    told = WhatsAppHook(channels or (channel(),)).read(Hook(signature(body, secret), body))
    return {name: list(found) for name, found in told}


def of(*values: dict[str, Any], **more: Any) -> list[Event]:
    """The events of a webhook for the one number."""
    return read(webhook(*values, **more))["wa"]


def from_maria(**message: Any) -> dict[str, Any]:
    head = {"from": PHONE, "from_user_id": BSUID, "from_parent_user_id": PARENT, "id": "wamid.IN0001"}
    return {"contacts": [MARIA], "messages": [{**head, "timestamp": "1795226400", **message}]}


def maria(text: str = "", id: str = "wamid.IN0001", **more: Any) -> Inbound:
    """What a message from her becomes."""
    common: dict[str, Any] = {"aliases": (PHONE,), "address": ADDRESS, "lasting": BSUID}
    return Inbound(id, BSUID, "Maria", text, AT, **{**common, **more})


def medium(kind: Any, mime: str, ref: str, name: str = "") -> dict[str, Any]:
    return {"attachments": (Attachment(kind, mime, ref, name=name),)}


# -- every sample ------------------------------------------------------------------------------------

OI = "Oi, quanto custa a consulta?"
VOICE = medium("voice", "audio/ogg; codecs=opus", f"300000000000001 {LOOKASIDE}")
OURS = "wamid.OUT0001"
SAMPLES: dict[str, list[Event]] = {
    "batch": [
        maria(OI),
        maria(id="wamid.IN0002", **VOICE),
        Status(OURS, "delivered", AT),
        Status(OURS, "read", AT),
        maria(OI, id="wamid.IN0003"),
    ],
    "message.audio.file": [maria(**medium("audio", "audio/mpeg", "300000000000002"))],
    "message.audio.voice": [maria(**VOICE)],
    "message.button.template_quick_reply": [maria("Confirmar", reply_to="wamid.OUT0004")],
    "message.contacts": [maria("📇 Ana +55 11 99999-0002")],
    "message.document": [maria(**medium("document", "application/pdf", "300000000000004", "exame.pdf"))],
    "message.edit": [maria("corrigido", meaning="edit", of="wamid.IN0000", reply_to="M0")],
    "message.image": [maria("olha", **medium("image", "image/jpeg", "300000000000003"))],
    "message.interactive.button_reply": [maria("Sim", reply_to="wamid.OUT0002")],
    "message.interactive.list_reply": [maria("Consulta", reply_to="wamid.OUT0003")],
    "message.location": [maria("📍 -23.55,-46.63 Praça, São Paulo")],
    "message.reaction": [maria("👍", meaning="reaction", of=OURS)],
    "message.sticker": [maria(**medium("sticker", "image/webp", "300000000000006"))],
    "message.text": [maria(OI)],
    "message.text.forwarded": [maria("encaminhada")],
    "message.text.group": [
        maria("oi grupo", group=True, aliases=(), lasting="", address={"group": "Y2FwaV9ncm91cDox"}),
    ],
    "message.text.referral": [maria("Vi o anúncio")],
    "message.text.reply": [maria("essa", reply_to=OURS)],
    "message.unsupported": [maria(unreadable="poll")],
    "message.video": [maria(**medium("video", "video/mp4", "300000000000005"))],
    "smb_message_echoes": [
        Echo("wamid.ECHO1", BSUID, "Oi Maria, aqui é a recepção.", AT, aliases=(PHONE,), address=ADDRESS, lasting=BSUID)
    ],
    "status.delivered": [Status(OURS, "delivered", AT)],
    "status.played": [Status(OURS, "played", AT)],
    "status.read": [Status(OURS, "read", AT)],
    "status.sent": [Status(OURS, "sent", AT, "turn_1")],
}


def test_no_sample_is_forgotten() -> None:
    names = {path.name.removeprefix("webhook.").removesuffix(".json") for path in FIXTURES.glob("webhook.*")}
    assert names - set(SAMPLES) == {"status.failed.131047"}, "that one has a test of its own"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_means(name: str) -> None:
    expected = SAMPLES[name]
    if name == "message.text.group":
        expected = [Inbound(**{**_fields(expected[0]), "contact": "Y2FwaV9ncm91cDox"})]
    assert read((FIXTURES / f"webhook.{name}.json").read_bytes()) == {"wa": expected}


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def test_a_failed_status_says_what_to_do() -> None:
    [status] = read((FIXTURES / "webhook.status.failed.131047.json").read_bytes())["wa"]
    assert isinstance(status, Status)
    assert status.error is not None
    assert (status.id, status.status, status.error.reason, status.error.then) == (
        OURS,
        "failed",
        "131047",
        Then.TEMPLATE,
    )


def test_a_failed_status_may_say_nothing() -> None:
    [status] = of({"statuses": [{"id": OURS, "status": "failed", "timestamp": "1795226400"}]})
    assert isinstance(status, Status)
    assert status.error is not None
    assert (status.error.reason, status.error.then) == ("failed", Then.GIVE_UP)


# -- messages beyond the samples -----------------------------------------------------------------------

READ_AS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("an order", {"type": "order", "order": {"catalog_id": "1", "text": "para hoje", "product_items": [
        {"product_retailer_id": "SKU-1", "quantity": 2, "item_price": 10.5, "currency": "BRL"},
        {"product_retailer_id": "SKU-2", "quantity": "1"}]}},
     {"text": "🛒 2 × SKU-1 · 10.5 BRL\n🛒 1 × SKU-2\npara hoje"}),
    ("a card of several numbers", {"type": "contacts", "contacts": [
        {"name": {"formatted_name": "Ana"}, "phones": [{"phone": "+55 11 1"}, {"wa_id": "5511"}],
         "emails": [{"email": "a@example.com"}]}, {"vcard": "…", "phones": [{"phone": "+55 21 2"}]}]},
     {"text": "📇 Ana +55 11 1, 5511, a@example.com\n📇 +55 21 2"}),
    ("a card of nothing", {"type": "contacts", "contacts": [{}]}, {"unreadable": "contacts"}),
    ("a bare place", {"type": "location", "location": {"latitude": 0, "longitude": -46.5}}, {"text": "📍 0,-46.5"}),
    ("a place that is none", {"type": "location", "location": {"latitude": "x"}}, {"unreadable": "location"}),
    ("a form", {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow",
        "body": "Sent", "response_json": '{"flow_token":"t","nome":"Ana","dias":["seg"]}'}}},
     {"text": 'nome: Ana\ndias: ["seg"]'}),
    ("a form that says nothing", {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {
        "body": "Sent", "response_json": "no json"}}}, {"text": "Sent"}),
    ("an answer without its object", {"type": "interactive", "button_reply": {"id": "a", "title": "Sim"}},
     {"text": "Sim"}),
    ("an answer without anything", {"type": "interactive", "errors": [{"code": 1}]}, {"unreadable": "unsupported"}),
    ("a cut title", {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {
        "id": "recado:Consulta de rotina com a dra. Ana", "title": "1. Consulta de rotin…"}}},
     {"text": "Consulta de rotina com a dra. Ana"}),
    ("a button without words", {"type": "button", "button": {"payload": "CONFIRM"}}, {"text": "CONFIRM"}),
    ("a reaction taken back", {"type": "reaction", "reaction": {"message_id": OURS}},
     {"meaning": "reaction", "of": OURS}),
    ("a revoke", {"type": "revoke", "revoke": {"original_message_id": "wamid.IN0000"}},
     {"meaning": "revoke", "of": "wamid.IN0000"}),
    ("an edited caption", {"type": "edit", "edit": {"original_message_id": "wamid.IN0000", "message": {
        "type": "image", "image": {"id": "3", "mime_type": "image/png", "caption": "esta"}}}},
     {"text": "esta", "meaning": "edit", "of": "wamid.IN0000", **medium("image", "image/png", "3")}),
    ("an edit of an edit", {"type": "edit", "edit": {"original_message_id": "a", "message": {"type": "edit"}}},
     {"unreadable": "unsupported"}),
    ("a type of tomorrow", {"type": "hologram", "hologram": {"id": "1"}}, {"unreadable": "unsupported"}),
    ("no type", {}, {"unreadable": "unsupported"}),
    ("a place that is nowhere", {"type": "location", "location": {"latitude": "nan", "longitude": "1e999"}},
     {"unreadable": "location"}),
    ("a sound that does not say voice", {"type": "audio", "audio": {"id": "3", "voice": "no"}},
     medium("audio", "", "3")),
    ("an empty text", {"type": "text", "text": {"body": ""}}, {"unreadable": "unsupported"}),
    ("a medium without an id", {"type": "image", "image": {"mime_type": "image/png"}}, {"unreadable": "image"}),
    ("a medium with only an address", {"type": "image", "image": {"url": LOOKASIDE}},
     medium("image", "", f" {LOOKASIDE}")),
    ("an ad, and an image without words", {"type": "image", "image": {"id": "3"}, "referral": {"headline": "Promo"}},
     {"text": "> Promo", **medium("image", "", "3")}),
    ("a product asked about", {"type": "text", "text": {"body": "tem?"}, "context": {
        "id": "wamid.X", "referred_product": {"catalog_id": "1", "product_retailer_id": "SKU-9"}}},
     {"text": "> SKU-9\ntem?", "reply_to": "wamid.X"}),
    ("a time that is none", {"type": "text", "text": {"body": "oi"}, "timestamp": "soon"},
     {"text": "oi", "at": round(NOW * 1000)}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), [case[1:] for case in READ_AS], ids=[case[0] for case in READ_AS])
def test_a_message_is_read_as(message: dict[str, Any], expected: dict[str, Any]) -> None:
    at = expected.get("at", AT)
    rest = {key: value for key, value in expected.items() if key not in ("at", "text")}
    words, who = expected.get("text", ""), {"aliases": (PHONE,), "lasting": BSUID, "address": ADDRESS}
    inbound = Inbound("wamid.IN0001", BSUID, "Maria", words, at, **who, **rest)
    assert of(from_maria(**message)) == [inbound]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "request_welcome"}, "request_welcome"),
        ({"type": "system", "system": {"type": "customer_identity_changed"}}, "system"),
        (
            {"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {}}},
            "call_permission_reply",
        ),
    ],
)
def test_noise_is_told_apart(message: dict[str, Any], reason: str) -> None:
    assert of(from_maria(**message)) == [Noise(reason)]


# -- who ---------------------------------------------------------------------------------------------


def one(value: dict[str, Any]) -> Inbound:
    [event] = of(value)
    assert isinstance(event, Inbound)
    return event


HELLO = {"id": "wamid.1", "timestamp": "1795226400", "type": "text", "text": {"body": "oi"}}


@pytest.mark.parametrize(
    ("contacts", "named", "expected"),
    [
        ([{"wa_id": PHONE}], {"from": PHONE}, (PHONE, (), {"to": PHONE})),
        ([{"user_id": BSUID}], {"from_user_id": BSUID}, (BSUID, (), {"recipient": BSUID})),
        (None, {"from": PHONE, "from_user_id": BSUID}, (BSUID, (PHONE,), ADDRESS)),
        ([MARIA], {"from": PHONE}, (BSUID, (PHONE,), ADDRESS)),
        ([MARIA], {}, (BSUID, (PHONE,), ADDRESS)),
        ([MARIA | {"wa_id": "551199990001"}], {"from": PHONE, "from_user_id": BSUID},
         (BSUID, (PHONE, "551199990001"), ADDRESS)),
        ([{"wa_id": "5511900000000", "user_id": "BR.9"}], {"from": PHONE}, (PHONE, (), {"to": PHONE})),
        (None, {"from_parent_user_id": PARENT}, (PARENT, (), {"recipient": PARENT})),
    ],
    ids=["before BSUIDs", "phone hidden", "no contacts", "BSUID in contacts only", "ids in contacts only",
         "ninth digit", "another contact's card", "parent alone"],
)  # fmt: skip
def test_a_contact_is_the_bsuid_then_the_phone(contacts: Any, named: dict[str, str], expected: Any) -> None:
    told = one({"messages": [{**HELLO, **named}], **({"contacts": contacts} if contacts else {})})
    assert (told.contact, tuple(told.aliases), dict(told.address)) == expected


def test_the_parent_bsuid_is_nobodys_alias() -> None:
    assert PARENT not in one(from_maria(type="text", text={"body": "oi"})).aliases


def test_contacts_are_matched_and_not_counted() -> None:
    ana = {"profile": {"username": "@ana"}, "user_id": "BR.2"}
    messages = [{**HELLO, "from_user_id": "BR.2"}, {**HELLO, "from": PHONE}, {**HELLO, "from": "5511900000003"}]
    told = [event for event in of({"contacts": [MARIA, ana], "messages": messages}) if isinstance(event, Inbound)]
    assert [(one.contact, one.name) for one in told] == [("BR.2", "@ana"), (BSUID, "Maria"), ("5511900000003", "")]


def test_without_a_sender_or_an_id_it_is_kept_as_it_came() -> None:
    assert of({"messages": [{**HELLO}]}) == [Unknown("message_without_sender")]
    assert of({"messages": [{"from": PHONE, "type": "text"}]}) == [Unknown("message_without_id")]
    for id in ("wamid\n1", "wamid 1", "\u202e1", "x" * 513, 7, ""):
        assert of({"messages": [{**HELLO, "from": PHONE, "id": id}]}) == [Unknown("message_without_id")]
    assert of({"messages": ["x", None]}) == [Unknown("messages_shape"), Unknown("messages_shape")]


# -- moves -------------------------------------------------------------------------------------------

NEW_PHONE, NEW = "5511988880001", "BR.24817305912873645029"


def moved(**system: Any) -> list[Event]:
    message = {"from": PHONE, "id": "wamid.S", "timestamp": "1795226400", "type": "system", "system": system}
    return of({"messages": [message]})


def test_a_new_number_of_before_bsuids() -> None:
    body = f"User Maria changed from {PHONE} to {NEW_PHONE}"
    expected = [Reach(PHONE, moved_to=NEW_PHONE, address={"to": NEW_PHONE})]
    assert moved(type="user_changed_number", wa_id=NEW_PHONE, body=body) == expected
    assert moved(type="customer_changed_number", new_wa_id=NEW_PHONE, customer=PHONE) == expected


def test_a_new_number_gives_a_new_bsuid() -> None:
    told = moved(
        type="user_changed_user_id", wa_id=NEW_PHONE, user_id=NEW, body=f"User M changed from {BSUID} to {NEW}"
    )
    address = {"to": NEW_PHONE, "recipient": NEW}
    assert told == [Reach(BSUID, moved_to=NEW, address=address), Reach(PHONE, moved_to=NEW, address=address)]


def test_a_name_cannot_move_somebody_else() -> None:
    """The words hold the contact's own name."""
    name = f"x changed from BR.VICTIM to {NEW}"
    told = moved(type="user_changed_user_id", user_id=NEW, body=f"User {name} changed from {BSUID} to {NEW}")
    assert [event.contact for event in told if isinstance(event, Reach)] == [BSUID, PHONE]
    assert moved(type="user_changed_user_id", user_id=NEW, body="User changed from BR.VICTIM to BR.OTHER") == [
        Reach(PHONE, moved_to=NEW, address={"recipient": NEW})
    ]


def test_nobody_moves_to_where_he_is() -> None:
    assert moved(type="user_changed_user_id", user_id=NEW, wa_id=PHONE, body="") == [Noise("system")]


def test_user_id_update() -> None:
    update = {"wa_id": NEW_PHONE, "user_id": {"previous": BSUID, "current": NEW}, "timestamp": "1795226400"}
    address = {"to": NEW_PHONE, "recipient": NEW}
    assert of({"user_id_update": [update]}, field="user_id_update") == [Reach(BSUID, moved_to=NEW, address=address)]
    assert of({"user_id_update": [{}]}, field="user_id_update") == [Unknown("user_id_update_shape")]


# -- echoes, statuses, errors, other fields --------------------------------------------------------------


def echoed(**echo: Any) -> list[Event]:
    head = {"from": "551130000000", "to": PHONE, "to_user_id": BSUID, "id": "wamid.E", "timestamp": "1795226400"}
    return of({"message_echoes": [{**head, **echo}]}, field="smb_message_echoes")


def test_an_echo_needs_no_contacts() -> None:
    common: dict[str, Any] = {"aliases": (PHONE,), "address": ADDRESS, "lasting": BSUID}
    assert echoed(type="text", text={"body": "já vi"}) == [Echo("wamid.E", BSUID, "já vi", AT, **common)]
    assert echoed(type="audio", audio={"id": "3", "voice": True}) == [Echo("wamid.E", BSUID, "", AT, True, **common)]
    assert echoed(type="unsupported") == [Echo("wamid.E", BSUID, "", AT, **common)]


def test_who_corrects_on_the_phone_takes_nothing_over() -> None:
    assert echoed(type="edit", edit={"original_message_id": "a", "message": {"type": "text"}}) == [Noise("echo_edit")]
    assert echoed(type="revoke", revoke={"original_message_id": "a"}) == [Noise("echo_revoke")]
    assert echoed(type="reaction", reaction={"message_id": "a", "emoji": "👍"}) == [Noise("echo_reaction")]


def test_an_error_that_stops_the_channel_is_its_trouble() -> None:
    wa = channel()
    body = webhook({"errors": [{"code": 131042, "title": "Payment"}]})
    assert read(body, wa) == {"wa": [Noise("error_131042")]}
    assert "payment" in wa.trouble
    assert of({"errors": [{"code": "x"}]}) == [Noise("error_without_code")]


def test_a_status_that_failed_for_the_channel_is_its_trouble() -> None:
    wa = channel()
    status = {"id": OURS, "status": "failed", "timestamp": "1795226400", "errors": [{"code": 131031}]}
    read(webhook({"statuses": [status]}), wa)
    assert "131031" in wa.trouble


def test_an_error_about_one_contact_is_no_trouble() -> None:
    wa = channel()
    read((FIXTURES / "webhook.status.failed.131047.json").read_bytes(), wa)
    assert wa.trouble == ""


def test_a_status_nobody_knows_is_kept() -> None:
    assert of({"statuses": [{"id": OURS, "status": "teleported"}, {"status": "read"}]}) == [Unknown("status")] * 2


@pytest.mark.parametrize("field", ["account_update", "standby", "history", "calls"])
def test_other_fields_are_noise_whatever_they_hold(field: str) -> None:
    """`standby` holds messages that another app answers, `history` those of months ago."""
    assert field in OTHER_FIELDS
    assert of(from_maria(type="text", text={"body": "oi"}), field=field) == [Noise(f"field_{field}")]


def test_fields_of_tomorrow_are_kept() -> None:
    assert of({}, field="holograms") == [Unknown("field")]
    assert of({}) == [Unknown("nothing_known_in_it")]


# -- whose -------------------------------------------------------------------------------------------

OTHER = "100000000000002"
ANOTHER = "another-secret"


def tenants(second: str = ANOTHER) -> tuple[WhatsAppCloud, WhatsAppCloud]:
    return channel(), channel(name="wb", phone_number_id=OTHER, app_secret=second)


def mixed(*numbers: str) -> bytes:
    entries = [orjson.loads(webhook({"statuses": []}, number=number))["entry"][0] for number in numbers]
    return orjson.dumps({"object": "whatsapp_business_account", "entry": entries})


def test_the_published_vector() -> None:
    vector = orjson.loads((FIXTURES / "signature.vector.json").read_bytes())
    hook = Hook({"x-hub-signature-256": vector["value"]}, vector["raw_body"].encode())
    assert channel(app_secret=vector["app_secret"]).read(hook) == [maria(OI)]


def test_escaped_letters_are_signed_as_they_came() -> None:
    body = webhook(from_maria(type="text", text={"body": "ol@"})).replace(b"ol@", b"ol\\u00e1")
    assert [event.text for event in read(body)["wa"] if isinstance(event, Inbound)] == ["olá"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": "sha1=x"},
        {"x-hub-signature-256": "sha256=é" * 9},
        {"x-hub-signature": "sha256=x"},
    ],
)
def test_without_a_signature_it_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        channel().read(Hook(headers, webhook({})))


def test_one_changed_byte_is_forged() -> None:
    body = webhook(from_maria(type="text", text={"body": "R$ 250"}))
    with pytest.raises(Forged):
        channel().read(Hook(signature(body), body.replace(b"250", b"251")))


def test_an_empty_secret_proves_nothing() -> None:
    empty = {"app_secret": SecretStr(""), "verify_token": SecretStr("")}
    nobody = WhatsAppCloud(settings().model_copy(update=empty), allow_private=True)
    with pytest.raises(Forged):
        nobody.read(Hook(signature(b"{}", ""), b"{}"))
    for asked in ({"hub.mode": "subscribe"}, {"hub.mode": "subscribe", "hub.verify_token": ""}):
        with pytest.raises(Forged):
            WhatsAppHook([nobody]).challenge(asked)


def test_each_number_gets_its_own() -> None:
    one, two = tenants(second=APP_SECRET)
    entries = [
        orjson.loads(webhook(from_maria(type="text", text={"body": text}), number=number))["entry"][0]
        for number, text in ((NUMBER, "a"), (OTHER, "b"), (NUMBER, "c"))
    ]
    told = read(orjson.dumps({"entry": entries}), one, two)
    texts = {name: [e.text for e in found if isinstance(e, Inbound)] for name, found in told.items()}
    assert texts == {"wa": ["a", "c"], "wb": ["b"]}


def test_nobody_speaks_for_another_tenant() -> None:
    for body in (mixed(OTHER), mixed(NUMBER, OTHER), mixed(OTHER, NUMBER)):
        with pytest.raises(Forged):
            read(body, *tenants())
    assert list(read(mixed(OTHER), *tenants(), secret=ANOTHER)) == ["wb"]


def test_a_number_that_is_not_configured_is_kept_by_who_signed_it() -> None:
    told = read(mixed("100000000000009"), *tenants(), secret=ANOTHER)
    assert told == {"wb": [Unknown("number_not_configured", somebody_elses=True)]}
    with pytest.raises(Forged):
        read(mixed("100000000000009"), *tenants(), secret="nobody's")


def test_a_message_to_no_number_is_nobodys() -> None:
    body = orjson.dumps({"entry": [{"changes": [{"field": "messages", "value": {"messages": [HELLO]}}]}]})
    assert read(body) == {"wa": [Unknown("number_not_named")]}


def test_a_signed_body_that_is_no_webhook_is_kept() -> None:
    assert read(b"\xff no json") == {"wa": [Unknown("not_json")]}
    for body in (b"[]", b"null", b'"x"', b'{"entry": {}}', b'{"entry": [1, {"changes": "x"}]}'):
        assert read(body) == {"wa": [Unknown("no_changes")]}


def test_the_challenge() -> None:
    hook = WhatsAppHook([channel(verify_token="first"), channel(name="wb", phone_number_id=OTHER)])
    asked = orjson.loads((FIXTURES / "verify.get.json").read_bytes())["query"]
    assert asked["hub.verify_token"] == VERIFY_TOKEN
    assert hook.challenge(asked) == "1158201444"
    for wrong in (
        {"hub.verify_token": "x"},
        {"hub.mode": "unsubscribe"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "é"},
    ):
        with pytest.raises(Forged):
            hook.challenge({**asked, **wrong})


# -- anything ----------------------------------------------------------------------------------------

KEYS = """
entry changes value field metadata phone_number_id messages statuses errors message_echoes contacts id from
from_user_id type timestamp text body audio image location latitude longitude interactive button_reply
list_reply nfm_reply response_json reaction message_id emoji edit message original_message_id revoke system
user_id wa_id order product_items quantity context referral headline referred_product status code group_id
profile name phones phone unsupported voice caption user_id_update previous current
"""
WORDS = st.sampled_from(KEYS.split())
VALUES = st.one_of(
    WORDS,
    st.sampled_from(
        [NUMBER, PHONE, BSUID, "wamid.1", "1795226400", "", "user_changed_number", "failed", "nan", "1e999"]
    ),
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5)
)
TYPES = """
text audio image location contacts order interactive button reaction edit revoke system unsupported x
"""
MESSAGE_TYPES = st.sampled_from(TYPES.split())
MESSAGE = st.tuples(MESSAGE_TYPES, st.dictionaries(WORDS, ANYTHING, max_size=6)).map(
    lambda pair: {"id": "wamid.1", "from": PHONE, **pair[1], "type": pair[0]}
)


@given(ANYTHING)
def test_no_json_breaks_it(body: Any) -> None:
    for name, found in read(orjson.dumps(body)).items():
        assert name == "wa"
        assert all(isinstance(event, Unknown | Noise) for event in found)


@given(
    st.dictionaries(WORDS, ANYTHING, max_size=6), st.sampled_from(["messages", "smb_message_echoes", "user_id_update"])
)
def test_no_change_breaks_it(value: dict[str, Any], field: str) -> None:
    assert of({**value, "metadata": {"phone_number_id": NUMBER}}, field=field)


@given(st.lists(MESSAGE, max_size=3), ANYTHING)
def test_no_message_breaks_it_and_none_is_lost(messages: list[dict[str, Any]], contacts: Any) -> None:
    told = of({"messages": messages, "contacts": contacts})
    assert len([event for event in told if not isinstance(event, Reach)]) >= len(
        [one for one in messages if one["type"] != "system"]
    )
    for event in told:
        if isinstance(event, Inbound):
            assert not (event.unreadable and event.text)
            assert event.text or event.attachments or event.unreadable or event.of


def test_events_are_pure() -> None:
    body = orjson.loads((FIXTURES / "webhook.batch.json").read_bytes())
    twice = [[events(change, 0) for change in changes(body)] for _ in range(2)]
    assert twice[0] == twice[1]
