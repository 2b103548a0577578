"""pywa, another reader and writer of the same wire: where it agrees with us, and each place where it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

pytest.importorskip("pywa", reason="the peer is not installed")

from pywa.types.base_update import RawUpdate
from pywa.types.callback import Button, CallbackButton, CallbackSelection, Section, SectionList, SectionRow
from pywa.utils import webhook_updates_validator
from pywa_async.client import WhatsApp

from gateway.channels.base import Echo, Event, Hook, Inbound, Outgoing, Status
from gateway.channels.whatsapp_cloud import WhatsAppCloud
from gateway.channels.whatsapp_cloud_events import PRESSED
from tests.fakes.graph import APP_SECRET, NUMBER, TOKEN, VERSION, FakeGraph, settings, signature, webhook

FIXTURES = Path(__file__).parents[1] / "fixtures" / "whatsapp"
NOTE = (FIXTURES / "voice.ogg").read_bytes()
PHONE, BSUID = "5511999990001", "BR.13491208655302741918"
OPUS = "audio/ogg; codecs=opus"


@pytest.fixture
def pywa() -> WhatsApp:
    return WhatsApp(phone_id=NUMBER, token=TOKEN, app_secret=APP_SECRET, validate_updates=False)


def theirs(pywa: WhatsApp, body: bytes) -> Any:
    """What pywa makes of a webhook: one object, whatever the body holds."""
    update = RawUpdate(body, hmac_header=None, update_hash="x")
    handler = pywa._get_handler_type(update)
    assert handler is not None
    return pywa._handlers_to_updates[handler].from_update(client=pywa, update=update)


def ours(body: bytes) -> list[Event]:
    return list(WhatsAppCloud(settings(), allow_private=True).read(Hook(signature(body), body)))


def body_of(name: str) -> bytes:
    return (FIXTURES / f"webhook.{name}.json").read_bytes()


MESSAGES = sorted(
    path.name.removeprefix("webhook.").removesuffix(".json")
    for path in FIXTURES.glob("webhook.*")
    if "batch" not in path.name and "revoke" not in path.name
)


@pytest.mark.parametrize("name", MESSAGES)
def test_we_agree_on_ids_times_and_words(pywa: WhatsApp, name: str) -> None:
    their, [our] = theirs(pywa, body_of(name)), ours(body_of(name))
    assert isinstance(our, Inbound | Status | Echo)
    assert round(their.timestamp.timestamp() * 1000) == our.at
    if isinstance(our, Status):
        assert (their.id, their.status.value, their.tracker or "") == (our.id, our.status, our.delivery)
        return
    if not (isinstance(our, Inbound) and our.group):
        assert (their.from_user.bsuid, [their.from_user.wa_id]) == (our.contact, list(our.aliases))
    if isinstance(our, Inbound) and our.meaning == "edit":
        assert (their.message.id, their.message.text) == (our.of, our.text)
        return
    assert their.id == our.id
    assert said(their) == our.text


def said(their: Any) -> str:
    """Words of pywa's, where it has any for this kind; else our own kind of them."""
    if isinstance(their, CallbackButton | CallbackSelection):
        return str(their.title)
    if their.reaction:
        return str(their.reaction.emoji)
    if their.location:
        place = their.location
        return f"📍 {place.latitude},{place.longitude} {place.name}, {place.address}"
    if their.contacts:
        return f"📇 {their.contacts.first.name.formatted_name} {their.contacts.first.phones[0].phone}"
    return str(their.text or their.caption or "")


@pytest.mark.parametrize("name", [name for name in MESSAGES if "audio" in name or "image" in name or "doc" in name])
def test_we_agree_on_media(pywa: WhatsApp, name: str) -> None:
    their, [our] = theirs(pywa, body_of(name)), ours(body_of(name))
    assert isinstance(our, Inbound)
    [medium] = our.attachments
    assert (their.media.id, their.media.mime_type) == (medium.ref.partition(" ")[0], medium.mime)
    assert bool(their.voice) == (medium.kind == "voice")


# -- where it reads less -----------------------------------------------------------------------------


def test_it_reads_one_message_of_a_batch(pywa: WhatsApp) -> None:
    batch = body_of("batch")
    assert theirs(pywa, batch).id == "wamid.IN0001"
    assert len(ours(batch)) == 5


def without(body: bytes, key: str) -> bytes:
    told = orjson.loads(body)
    del told["entry"][0]["changes"][0]["value"][key]
    return orjson.dumps(told)


@pytest.mark.parametrize("name", ["smb_message_echoes", "message.text", "status.failed.131047"])
def test_it_cannot_read_without_contacts(pywa: WhatsApp, name: str) -> None:
    """Meta's own pages show echoes and failed statuses without them."""
    bare = without(body_of(name), "contacts")
    with pytest.raises(KeyError):
        theirs(pywa, bare)
    assert len(ours(bare)) == 1


def test_it_cannot_read_a_number_from_before_bsuids(pywa: WhatsApp) -> None:
    message = {"from": PHONE, "id": "1", "timestamp": "1795226400", "type": "text", "text": {"body": "oi"}}
    old = webhook({"contacts": [{"profile": {"name": "Maria"}, "wa_id": PHONE}], "messages": [message]})
    with pytest.raises(KeyError):
        theirs(pywa, old)
    [our] = ours(old)
    assert isinstance(our, Inbound)
    assert our.contact == PHONE


def test_it_trusts_what_we_trust() -> None:
    body = body_of("message.text")
    assert webhook_updates_validator(APP_SECRET, body, signature(body)["x-hub-signature-256"])


# -- what both send ----------------------------------------------------------------------------------


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    async with FakeGraph() as server:
        yield server


@pytest.fixture
async def both(graph: FakeGraph, pywa: WhatsApp) -> AsyncIterator[tuple[WhatsApp, WhatsAppCloud]]:
    pywa.api._session.base_url = f"{graph.url}/{VERSION}"
    channel = WhatsAppCloud(graph.settings(), allow_private=True)
    yield pywa, channel
    await channel.close()
    await pywa.api._session.aclose()


def outgoing(text: str = "", address: dict[str, str] | None = None, **more: Any) -> Outgoing:
    return Outgoing("turn_1", "c1", BSUID, {}, 1, address=address or {"to": PHONE}, text=text, **more)


@pytest.mark.parametrize("address", [{"to": PHONE}, {"recipient": BSUID}, {"group": "Y2FwaV9ncm91cDox"}])
async def test_a_text_is_the_same(
    graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud], address: dict[str, str]
) -> None:
    pywa, channel = both
    their = await pywa.send_message(next(iter(address.values())), "Olá", tracker="turn_1")
    our = await channel.send(outgoing("Olá", address))
    assert graph.sent[0].json == graph.sent[1].json
    assert (their.id, our.provider_id) == ("wamid.OUT0001", "wamid.OUT0002")


async def test_buttons_are_the_same(graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud]) -> None:
    pywa, channel = both
    buttons = [Button(title=title, callback_data=f"{PRESSED}{title}") for title in ("Sim", "Não")]
    await pywa.send_message(PHONE, "Confirmar?", buttons=buttons, tracker="turn_1")
    await channel.send(outgoing("Confirmar?", choices=("Sim", "Não")))
    assert graph.sent[0].json == graph.sent[1].json


async def test_a_list_is_the_same_but_for_its_section(graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud]) -> None:
    """pywa names the one section; Meta wants a name of several only."""
    pywa, channel = both
    titles = [f"Opção {n}" for n in range(4)]
    rows = [SectionRow(title=title, callback_data=f"{PRESSED}{title}") for title in titles]
    listed = SectionList(button_title="☰", sections=[Section(title="x", rows=rows)])
    await pywa.send_message(PHONE, "Qual?", buttons=listed, tracker="turn_1")
    await channel.send(outgoing("Qual?", choices=titles))
    their, our = (call.json["interactive"] for call in graph.sent)
    for section in their["action"]["sections"]:
        assert section.pop("title") == "x"
    assert their == our


async def test_a_voice_note_is_the_same(graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud]) -> None:
    pywa, channel = both
    await pywa.send_voice(PHONE, NOTE, mime_type=OPUS, tracker="turn_1")
    await channel.send(outgoing(voice=NOTE))
    their, our = graph.calls[0], graph.calls[2]
    assert (their.form, their.file, their.file_type) == (our.form, our.file, our.file_type)
    sent = [dict(call.json, audio={**call.json["audio"], "id": "…"}) for call in graph.sent]
    assert sent[0] == sent[1]


async def test_read_and_typing_are_the_same(graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud]) -> None:
    pywa, channel = both
    await pywa.mark_message_as_read("wamid.IN0001")
    await channel.acknowledge(Inbound("wamid.IN0001", BSUID, "", "", 0))
    await pywa.indicate_typing("wamid.IN0001")
    await channel.show({}, "wamid.IN0001", "composing")
    bodies = [call.json for call in graph.calls]
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3]


async def test_a_medium_is_the_same(graph: FakeGraph, both: tuple[WhatsApp, WhatsAppCloud]) -> None:
    pywa, channel = both
    graph.keep("300000000000001", NOTE)
    told = await pywa.get_media_url("300000000000001")
    assert await channel.fetch("300000000000001", 10**6) == NOTE == await told.get_bytes()
