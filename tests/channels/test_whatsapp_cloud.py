"""Sending to WhatsApp, fetching from it, and what each failure means: against a server that speaks Graph's wire."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import gateway.outbound
from gateway.channels.base import Attachment, ChannelError, Hook, Inbound, NotFetched, Outgoing, Sent, Showing, Then
from gateway.channels.whatsapp_cloud import WhatsAppCloud, cut, words
from gateway.channels.whatsapp_cloud_errors import CODES
from gateway.channels.whatsapp_cloud_events import PRESSED
from gateway.outbound import client
from tests.fakes.graph import (
    APP_SECRET,
    BAD_GATEWAY,
    CUT,
    HANG,
    NAMES,
    NUMBER,
    SIGN_IN,
    TOKEN,
    VERSION,
    FakeGraph,
    Fault,
    answer,
    endless,
    error,
    redirected,
    settings,
    signature,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "whatsapp"
PHONE, BSUID = "5511999990001", "BR.13491208655302741918"
NOTE = (FIXTURES / "voice.ogg").read_bytes()
MP3 = b"ID3" + bytes(200)
OPUS = "audio/ogg; codecs=opus"


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    async with FakeGraph() as server:
        yield server


@pytest.fixture
async def wa(graph: FakeGraph) -> AsyncIterator[WhatsAppCloud]:
    channel = WhatsAppCloud(graph.settings(template="reabrir_conversa:pt_BR"), allow_private=True)
    yield channel
    await channel.close()


def outgoing(text: str = "", **more: Any) -> Outgoing:
    given: dict[str, Any] = {"attempt": 1, "address": {"to": PHONE, "recipient": BSUID}, **more}
    return Outgoing("c1.1:0", "c1", BSUID, {}, text=text, **given)


def sample(name: str) -> Any:
    return orjson.loads((FIXTURES / f"{name}.json").read_bytes())


async def refused(wa: WhatsAppCloud, **more: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await wa.send(outgoing(**({"text": "oi"} | more)))
    return caught.value


# -- what goes out -----------------------------------------------------------------------------------


async def test_a_text(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    assert await wa.send(outgoing("A consulta custa R$ 250.")) == Sent("wamid.OUT0001")
    call = graph.sent[0]
    assert call.json == {**sample("send.text.request"), "biz_opaque_callback_data": "c1.1:0"}
    assert call.path == f"/{VERSION}/{NUMBER}/messages"
    assert call.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"to": PHONE, "recipient": BSUID}, {"recipient_type": "individual", "to": PHONE}),
        ({"recipient": BSUID}, {"recipient_type": "individual", "recipient": BSUID}),
        ({}, {"recipient_type": "individual", "recipient": BSUID}),
        ({"group": "Y2FwaV9ncm91cDox"}, {"recipient_type": "group", "to": "Y2FwaV9ncm91cDox"}),
    ],
)
async def test_to_whom(graph: FakeGraph, wa: WhatsAppCloud, address: dict[str, str], expected: dict[str, str]) -> None:
    await wa.send(outgoing("oi", address=address))
    told = {key: value for key, value in graph.sent[0].json.items() if key in ("recipient_type", "to", "recipient")}
    assert told == expected


async def test_a_contact_without_an_address_is_a_phone_when_it_is_digits(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(Outgoing("1", "c1", PHONE, {}, 1, text="oi"))
    assert graph.sent[0].json["to"] == PHONE


async def test_the_bsuid_sample(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(outgoing("Olá", address={"recipient": BSUID}))
    body = graph.sent[0].json
    assert body["text"].pop("preview_url") is False
    assert body.pop("biz_opaque_callback_data") == "c1.1:0"
    assert body == sample("send.text.bsuid.request")


async def test_a_template(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(outgoing(template=True))
    expected = {"name": "reabrir_conversa", "language": {"code": "pt_BR"}}
    assert graph.sent[0].json["template"] == expected
    assert wa.capabilities.template
    assert not WhatsAppCloud(settings(), allow_private=True).capabilities.template


async def test_two_options_are_buttons(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(outgoing("Confirmar?", choices=("Sim", "Não")))
    expected = sample("send.interactive.buttons.request")["interactive"]
    for button in expected["action"]["buttons"]:
        button["reply"]["id"] = PRESSED + button["reply"]["title"]
    assert graph.sent[0].json["interactive"] == expected


async def test_ten_options_are_a_list(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    titles = [f"Opção {n}" for n in range(10)]
    await wa.send(outgoing("Qual?", choices=titles))
    interactive = graph.sent[0].json["interactive"]
    assert interactive["type"] == "list"
    assert [row["title"] for row in interactive["action"]["sections"][0]["rows"]] == titles
    assert interactive["body"]["text"] == "Qual?"


LONG = ("Consulta de rotina com a dra. Ana", "Consulta de rotina com o dr. Rui", "Não")


async def test_titles_that_are_cut_stand_whole_in_the_text(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(outgoing("Qual?", choices=LONG))
    interactive = graph.sent[0].json["interactive"]
    replies = [button["reply"] for button in interactive["action"]["buttons"]]
    assert [reply["title"] for reply in replies] == ["1. Consulta de roti…", "2. Consulta de roti…", "3. Não"]
    assert [reply["id"] for reply in replies] == [PRESSED + title for title in LONG]
    assert interactive["body"]["text"] == f"Qual?\n\n1. {LONG[0]}\n2. {LONG[1]}\n3. {LONG[2]}"


@pytest.mark.parametrize(
    ("text", "choices", "group"),
    [("x" * 1025, ("Sim", "Não"), False), ("Qual?", ("Sim", "Não"), True)],
    ids=["too long for buttons", "a group"],
)
def test_where_buttons_do_not_fit_the_options_are_lines(text: str, choices: tuple[str, ...], group: bool) -> None:
    told = words(text, choices, group=group)
    assert told["type"] == "text"
    assert told["text"]["body"] == f"{text}\n\n1. Sim\n2. Não"


def test_options_never_push_the_text_over_the_limit() -> None:
    told = words("x" * 4090, ("Sim", "Não"))
    assert told["text"]["body"] == "x" * 4090


def test_titles_alike_are_told_apart() -> None:
    assert cut(["Sim", "Sim"], 20) == ["1. Sim", "2. Sim"]
    ids = [button["reply"]["id"] for button in words("?", ("Sim", "Sim"))["interactive"]["action"]["buttons"]]
    assert ids == ["1. Sim", "2. Sim"]


@pytest.mark.parametrize("count", [1, 3, 4, 10])
@pytest.mark.parametrize("length", [1, 18, 19, 20, 21, 24, 25, 300])
async def test_meta_takes_any_options(graph: FakeGraph, wa: WhatsAppCloud, count: int, length: int) -> None:
    await wa.send(outgoing("Qual?", choices=[f"{n}".ljust(length, "é") for n in range(count)]))


async def test_a_voice_note(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.send(outgoing(voice=NOTE, seconds=12.0))
    upload, message = graph.calls
    assert upload.path == f"/{VERSION}/{NUMBER}/media"
    assert upload.form == {"messaging_product": "whatsapp", "type": OPUS}
    assert (upload.file, upload.file_name, upload.file_type) == (NOTE, "voice.ogg", OPUS)
    assert message.json["audio"] == {"id": next(iter(graph.media)), "voice": True}
    assert message.json["type"] == "audio"


@pytest.mark.parametrize(("sound", "name"), [(NOTE + bytes(512 * 1024), "voice.ogg"), (MP3, "voice.mp3")])
async def test_what_is_no_voice_note_is_an_ordinary_sound(
    graph: FakeGraph, wa: WhatsAppCloud, sound: bytes, name: str
) -> None:
    """iPhones say "no longer available" of a voice note that is none; over 512 KB it has no play button."""
    await wa.send(outgoing(voice=sound))
    assert graph.calls[0].file_name == name
    assert "voice" not in graph.sent[0].json["audio"]


async def test_what_is_no_sound_is_said_in_words(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    assert (await refused(wa, text="", voice=b"<html>")).then is Then.AS_TEXT
    assert graph.calls == []


# -- what refusals mean --------------------------------------------------------------------------------

AGAIN, SLOW, GIVE_UP, STOP = Then.AGAIN, Then.SLOW_DOWN, Then.GIVE_UP, Then.STOP
# Written from Meta's list of error codes and what each asks for, not from the code.
TEMPLATES = (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016)
RIGHTS = (0, 3, 10, 190, 200, 299, 131005)
DECISIONS = {
    AGAIN: (1, 2, 131000, 131016, 131057, 135000),
    SLOW: (4, 80007, 130429, 131056),
    Then.TEMPLATE: (131047,),
    Then.UNREACHABLE: (131026, 131030, 130472, 131049, 131050, 131062),
    Then.AS_TEXT: (131051, 131052, 131053),
    GIVE_UP: (100, 131008, 131009, 131021, 131063, 137000, *TEMPLATES),
    STOP: (*RIGHTS, 33, 368, 130497, 131031, 131037, 131042, 131044, 131045, 131048, 131064, 133010, 133016),
}
CASES = [(code, then) for then, codes in DECISIONS.items() for code in codes]


def test_every_code_is_decided() -> None:
    assert {code for code, _ in CASES} == set(NAMES)
    assert set(CODES) <= set(NAMES)


@pytest.mark.parametrize(("code", "then"), CASES, ids=[f"{code}-{NAMES[code]}" for code, _ in CASES])
async def test_a_code_means(graph: FakeGraph, wa: WhatsAppCloud, code: int, then: Then) -> None:
    graph.next(error(code))
    told = await refused(wa)
    assert (told.reason, told.then) == (str(code), then)
    assert told.hint
    assert told.remember == ("unreachable" if then is Then.UNREACHABLE else "")
    assert bool(wa.trouble) == (then is STOP)
    assert graph.sent == []


def test_the_page_names_every_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "channels" / "whatsapp_cloud.md").read_text("utf-8")
    table = page.partition("## Every refusal")[2]
    named = {int(code) for code in re.findall(r"\b\d+\b", table.replace("132xxx", "").replace("4, 16, 64", ""))}
    assert named == {*CODES, 200, 299}


def test_every_sample_error_is_decided() -> None:
    for path in FIXTURES.glob("error.*.json"):
        assert sample(path.stem)["body"]["error"]["code"] in dict(CASES)


@pytest.mark.parametrize(("attempt", "wait"), [(1, 4.0), (2, 16.0), (3, 64.0), (9, 3600.0)])
async def test_too_many_to_one_contact(graph: FakeGraph, wa: WhatsAppCloud, attempt: int, wait: float) -> None:
    graph.next(error(131056))
    told = await refused(wa, attempt=attempt)
    assert (told.retry_after, told.whole_channel) == (wait, False)


@pytest.mark.parametrize("code", [4, 80007, 130429])
async def test_too_many_altogether(graph: FakeGraph, wa: WhatsAppCloud, code: int) -> None:
    graph.next(error(code, retry_after="90"))
    told = await refused(wa)
    assert (told.retry_after, told.whole_channel) == (90.0, True)


async def test_what_comes_of_a_wait_is_bounded(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.next(error(4, retry_after="999999"), error(4, retry_after="soon"))
    assert (await refused(wa)).retry_after == 3600.0
    assert (await refused(wa)).retry_after == 4.0


@pytest.mark.parametrize(
    ("fault", "then"),
    [
        (error(100, error_subcode=33), STOP),
        (error(100, is_transient=True), AGAIN),
        (error(555555), GIVE_UP),
        (error(555555, is_transient=True), AGAIN),
        (error(555555, 503), AGAIN),
        (error(131047, 500), Then.TEMPLATE),
        (error(100, 500), GIVE_UP),
        (error(190, 500), STOP),
        (answer(500, b'{"error":{"message":"?"}}', "application/json"), AGAIN),
        (answer(400, b'{"error":{"message":"?"}}', "application/json"), GIVE_UP),
        (answer(400, b'{"error":{"code":"131056"}}', "application/json"), SLOW),
        (answer(200, b'{"error":{"code":131047}}', "application/json"), Then.TEMPLATE),
        (answer(200, b'{"messages":[]}', "application/json"), Then.UNSURE),
        (answer(200, b'{"messages":[{"id":7}]}', "application/json"), Then.UNSURE),
        (answer(200, b'{"messages":[{"id":"x"}]' + b" " * 300_000, "application/json"), Then.UNSURE),
        (SIGN_IN, Then.UNSURE),
        (BAD_GATEWAY, Then.UNSURE),
        (answer(500), Then.UNSURE),
        (answer(408), Then.UNSURE),
        (answer(429), SLOW),
        (answer(413), GIVE_UP),
        (answer(404), STOP),
        (redirected("/elsewhere"), STOP),
        (CUT, Then.UNSURE),
    ],
)
async def test_an_answer_means(graph: FakeGraph, wa: WhatsAppCloud, fault: Fault, then: Then) -> None:
    graph.next(fault)
    assert (await refused(wa)).then is then
    assert len(graph.calls) == 1, "who asks twice may say it twice"


async def test_a_message_follows_no_redirect(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.next(answer(307, location=f"/{VERSION}/{NUMBER}/messages"))
    assert (await refused(wa)).then is STOP
    assert graph.sent == []


async def test_no_answer_in_time_is_unsure(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    wa._session = client(allow_private=True, timeout=2.0)
    graph.next(HANG)
    told = await refused(wa)
    assert (told.reason, told.then) == ("timeout", Then.UNSURE)


async def test_nobody_there_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        wa = WhatsAppCloud(settings(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}"), allow_private=True)
        try:
            assert (await refused(wa)).then is AGAIN
        finally:
            await wa.close()


async def test_a_private_address_stops_the_channel(graph: FakeGraph) -> None:
    wa = WhatsAppCloud(graph.settings(), allow_private=False)
    try:
        told = await refused(wa)
        assert (told.reason, told.then) == ("private_address", STOP)
        assert graph.calls == []
    finally:
        await wa.close()


async def test_an_upload_that_fails_has_sent_nothing(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    for fault, then in (
        (error(131053), Then.AS_TEXT),
        (error(100), Then.AS_TEXT),
        (answer(413), Then.AS_TEXT),
        (CUT, AGAIN),
        (BAD_GATEWAY, AGAIN),
        (answer(200, b"{}", "application/json"), AGAIN),
        (error(190), STOP),
        (error(130429), SLOW),
    ):
        graph.next_upload(fault)
        assert (await refused(wa, text="", voice=NOTE)).then is then
    assert graph.sent == []


async def test_trouble_lasts_until_a_send_works(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.next(error(190), error(131047))
    await refused(wa)
    assert "System users" in wa.trouble
    await refused(wa)
    assert wa.trouble, "it only says that this contact cannot be written to"
    await wa.send(outgoing("oi"))
    assert wa.trouble == ""


async def test_the_key_is_in_no_word(graph: FakeGraph, wa: WhatsAppCloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = [repr(wa)]
    malformed: dict[str, Any] = {"error_data": {"details": f"Malformed access token {TOKEN} of {APP_SECRET}"}}
    graph.next(error(190, **malformed), error(100, **malformed), CUT, BAD_GATEWAY)
    for _ in range(4):
        problem = await refused(wa)
        told += [repr(problem), str(problem), problem.hint, problem.reason, wa.trouble]
        assert problem.__cause__ is None
        assert problem.__suppress_context__ or problem.__context__ is None
    graph.next_get(error(190, **malformed))
    told += [finding.message for finding in await wa.check()]
    assert "Malformed access token …" in " ".join(told)
    everything = " ".join(told) + caplog.text
    assert TOKEN not in everything
    assert APP_SECRET not in everything


# -- courtesy ----------------------------------------------------------------------------------------


def inbound(id: str = "wamid.IN0001") -> Inbound:
    return Inbound(id, BSUID, "Maria", "oi", 0)


async def test_read(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await wa.acknowledge(inbound())
    expected = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN0001"}
    assert [call.json for call in graph.calls] == [expected]


DOINGS: tuple[Showing, ...] = ("composing", "recording", "paused")


async def test_typing_is_shown_with_the_receipt(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    for doing in DOINGS:
        await wa.show({"to": PHONE}, "wamid.IN0001", doing)
    await wa.show({"to": PHONE}, "", "composing")
    assert [call.json for call in graph.calls] == [sample("send.read_and_typing.request")] * 2


async def test_who_wants_no_receipts_gets_no_typing(graph: FakeGraph) -> None:
    wa = WhatsAppCloud(graph.settings(read_receipts=False), allow_private=True)
    await wa.show({"to": PHONE}, "wamid.IN0001", "composing")
    assert graph.calls == []


@pytest.mark.parametrize("fault", [error(190), error(131009), BAD_GATEWAY, CUT])
async def test_a_courtesy_fails_in_silence(graph: FakeGraph, wa: WhatsAppCloud, fault: Fault) -> None:
    graph.next(fault, fault)
    await wa.acknowledge(inbound())
    await wa.show({}, "wamid.IN0001", "composing")
    assert wa.trouble == ""


# -- media -------------------------------------------------------------------------------------------

ID = "300000000000001"
LIMIT = 1_000_000


async def test_a_medium_is_found_by_its_id(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.keep(ID, NOTE)
    assert await wa.fetch(ID, LIMIT) == NOTE
    look_up, download = graph.calls
    assert (look_up.path, download.path) == (f"/{VERSION}/{ID}", f"/files/{ID}")
    assert download.headers["authorization"] == f"Bearer {TOKEN}"
    assert download.headers["user-agent"] == "recado"


async def test_the_ref_of_an_attachment_is_what_fetch_takes(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    body = (FIXTURES / "webhook.message.audio.voice.json").read_bytes()
    [message] = wa.read(Hook(signature(body), body))
    assert isinstance(message, Inbound)
    [attachment] = message.attachments
    assert isinstance(attachment, Attachment)
    graph.keep(ID, NOTE)
    assert await wa.fetch(attachment.ref, LIMIT) == NOTE


async def test_the_address_of_the_webhook_helps_when_the_id_does_not(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.keep(ID, NOTE)
    graph.next_get(error(131000))
    assert await wa.fetch(f"{ID} {graph.url}/files/{ID}", LIMIT) == NOTE


async def not_fetched(wa: WhatsAppCloud, ref: str = ID, limit: int = LIMIT) -> tuple[str, bool]:
    with pytest.raises(NotFetched) as caught:
        await wa.fetch(ref, limit)
    return caught.value.reason, caught.value.retryable


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (error(190), ("190", True)),
        (error(131000), ("131000", True)),
        (error(131052), ("131052", False)),
        (BAD_GATEWAY, ("http_502", True)),
        (answer(404), ("http_404", False)),
        (answer(200, b'{"url": 7}', "application/json"), ("http_200", False)),
        (CUT, ("ServerDisconnectedError", True)),
    ],
)
async def test_a_medium_that_is_not_told(
    graph: FakeGraph, wa: WhatsAppCloud, fault: Fault, expected: tuple[str, bool]
) -> None:
    graph.keep(ID, NOTE)
    graph.next_get(fault)
    if fault is CUT:
        graph.next_get(CUT)  # a GET is asked twice over a connection that broke
    assert await not_fetched(wa) == expected


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(answer(404), ("http_404", False)), (answer(401), ("http_401", True)), (BAD_GATEWAY, ("http_502", True))],
)
async def test_a_medium_that_is_not_given(
    graph: FakeGraph, wa: WhatsAppCloud, fault: Fault, expected: tuple[str, bool]
) -> None:
    graph.keep(ID, NOTE)
    graph.next_file(fault)
    assert await not_fetched(wa) == expected


async def test_a_medium_that_is_gone(wa: WhatsAppCloud) -> None:
    assert await not_fetched(wa) == ("100", False)


@pytest.mark.parametrize("id", ["../100000000000001", "1?fields=x", "1/2", "1%2F2", ""])
async def test_an_id_is_no_path(graph: FakeGraph, wa: WhatsAppCloud, id: str) -> None:
    assert not (await not_fetched(wa, id))[1]
    assert graph.calls == []


async def test_a_medium_too_large(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.keep(ID, NOTE, file_size=str(LIMIT + 1))
    assert await not_fetched(wa) == ("too_large", False)
    assert len(graph.calls) == 1, "it says so itself: nothing is downloaded"
    graph.keep(ID, NOTE, file_size="a lot")
    assert await not_fetched(wa, limit=100) == ("too_large", False)


async def test_a_medium_without_an_end(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    seen: list[int] = []
    graph.keep(ID, NOTE)
    graph.next_file(endless(seen))
    assert await not_fetched(wa) == ("too_large", False)
    assert len(seen) < 2000, "it was hung up on"


async def test_the_key_goes_to_nobody_else(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    async with FakeGraph() as stranger:
        graph.keep(ID, NOTE, url=f"{stranger.url}/files/1")
        assert await not_fetched(wa) == ("http_401", True)
        graph.keep(ID, NOTE)
        graph.next_file(redirected(f"{stranger.url}/files/1"))
        assert await not_fetched(wa) == ("http_401", True)
    assert [call.headers.get("authorization") for call in stranger.calls] == [None, None]


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", True),
        ("https://scontent.fbcdn.net/x", True),
        ("https://mmg.whatsapp.net/x", True),
        ("http://lookaside.fbsbx.com/x", False),
        ("https://evilfbsbx.com/x", False),
        ("https://lookaside.fbsbx.com.evil.example/x", False),
        ("https://evil.example/lookaside.fbsbx.com", False),
        ("https://lookaside.fbsbx.com@evil.example/x", False),
    ],
)
def test_which_hosts_are_metas(url: str, trusted: bool) -> None:
    assert WhatsAppCloud(settings(), allow_private=True)._is_metas(url) is trusted


async def test_a_redirect_inside_is_not_followed(graph: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 plays the internet here; 127.0.0.2 is private."""
    monkeypatch.setattr(gateway.outbound, "is_private", lambda address: address != "127.0.0.1")
    wa = WhatsAppCloud(graph.settings(), allow_private=False)
    try:
        graph.keep(ID, NOTE)
        graph.next_file(redirected(f"http://127.0.0.2:{graph.port}/files/{ID}"))
        assert await not_fetched(wa) == ("ClientConnectorError", True)
        assert await wa.fetch(ID, LIMIT) == NOTE
    finally:
        await wa.close()


async def test_redirects_end(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.keep(ID, NOTE)
    graph.next_file(*[redirected(f"/files/{ID}")] * 5)
    assert await not_fetched(wa) == ("too_many_redirects", False)


# -- check -------------------------------------------------------------------------------------------


async def findings(wa: WhatsAppCloud) -> list[tuple[str, str]]:
    return [(one.level, one.key) for one in await wa.check()]


async def test_all_is_well(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    told = await wa.check()
    assert [(one.level, one.key) for one in told] == [("ok", "phone_number_id"), ("ok", "verify_token")]
    assert "+55 11 3000-0000 (Clínica Exemplo) answers; throughput STANDARD" in told[0].message
    assert "https://desk.example.com/hooks/whatsapp_cloud" in told[1].message


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (error(190), "access_token"),
        (error(10), "access_token"),
        (error(100, error_subcode=33), "phone_number_id"),
        (BAD_GATEWAY, "base_url"),
    ],
)
async def test_what_refuses_is_named(graph: FakeGraph, wa: WhatsAppCloud, fault: Fault, key: str) -> None:
    graph.next_get(fault)
    assert await findings(wa) == [("error", key)]


async def test_nobody_there_is_found_out() -> None:
    wa = WhatsAppCloud(settings(base_url="http://127.0.0.1:1"), allow_private=True)
    try:
        assert await findings(wa) == [("error", "base_url")]
    finally:
        await wa.close()


async def test_a_number_in_trouble(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.number |= {"quality_rating": "RED", "status": "RESTRICTED", "name_status": "DECLINED"}
    assert (await findings(wa)).count(("warning", "phone_number_id")) == 3


async def test_a_token_that_ends_or_may_not(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    wa.now = lambda: 1_795_226_400.0
    graph.token |= {"expires_at": 1_795_226_400 + 3600, "scopes": ["whatsapp_business_management"]}
    told = await wa.check()
    assert ("error", "access_token") in [(one.level, one.key) for one in told]
    assert any("2026-11-21" in one.message for one in told), told


async def test_a_wrong_app_secret_is_found_out(graph: FakeGraph) -> None:
    wa = WhatsAppCloud(graph.settings(app_secret="that of another app"), allow_private=True)
    try:
        assert ("error", "app_secret") in await findings(wa)
    finally:
        await wa.close()


async def test_a_webhook_that_is_missing_or_elsewhere(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    assert graph.subscription is not None
    elsewhere = graph.subscription | {"callback_url": "https://old.example.com/webhook"}
    for hook in (None, elsewhere, graph.subscription | {"active": False}):
        graph.subscription = hook
        assert ("warning", "verify_token") in await findings(wa)
    graph.number |= {"webhook_configuration": {"phone_number": "https://desk.example.com/hooks/whatsapp_cloud"}}
    graph.subscription = elsewhere
    assert ("ok", "verify_token") in await findings(wa)


async def test_a_field_nobody_subscribed(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    assert graph.subscription is not None
    graph.subscription |= {"fields": [{"name": "account_update"}]}
    assert ("error", "verify_token") in await findings(wa)
    graph.subscription |= {"fields": ["messages"]}
    assert await findings(wa) == [("ok", "phone_number_id"), ("ok", "verify_token")]
    graph.number |= {"is_on_biz_app": True}
    assert ("warning", "verify_token") in await findings(wa), "a number that is also on a phone needs the echoes"


async def test_a_token_that_may_not_ask_of_itself(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    graph.token = {}
    assert await findings(wa) == [("ok", "phone_number_id"), ("warning", "verify_token")]


# -- the rest ----------------------------------------------------------------------------------------


def test_what_it_can_carry() -> None:
    can = WhatsAppCloud(settings(), allow_private=False).capabilities
    assert (can.text_limit, can.choices, can.presence_every, can.reply_window) == (4096, 10, 20.0, 86400.0)
    assert (can.per_contact, can.per_channel) == ((1 / 6, 45.0), (80.0, 80.0))


async def test_many_sends_at_once_and_a_close_in_between(graph: FakeGraph, wa: WhatsAppCloud) -> None:
    await asyncio.gather(*(wa.send(outgoing(f"{n}")) for n in range(20)))
    await wa.close()
    await wa.close()
    await wa.send(outgoing("again"))
    assert len(graph.sent) == 21
