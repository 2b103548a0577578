"""What goes out to Telegram, and what becomes of it: each refusal, each cut cable, and the token that never shows."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import methods
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.channels.base import Attachment, ChannelError, Echo, Inbound, NotFetched, Outgoing, Sent, Then
from gateway.channels.telegram import DATA, Telegram, _buttons
from gateway.channels.telegram_errors import FLOOD, Answer, verdict
from gateway.config import ChannelSettings
from tests.fakes import sounds
from tests.fakes.telegram import FAULTS, TOKEN, FakeTelegram, sample

HERE = {"chat_id": "700000001"}
TOPIC = {"chat_id": "-1001234567890", "message_thread_id": "7"}
OF_DONA = {"chat_id": "700000001", "business_connection_id": "bc_1"}
SECRET_PART = TOKEN.partition(":")[2]


def settings(url: str, **more: Any) -> ChannelSettings:
    facts = {"name": "bot", "type": "telegram", "queue": "vendas", "token": TOKEN, "base_url": url}
    return ChannelSettings.model_validate(facts | more)


def bot(url: str, **more: Any) -> Telegram:
    return Telegram(settings(url, **more), allow_private=True)


def outgoing(address: dict[str, str] = HERE, **more: Any) -> Outgoing:
    return Outgoing("c_1.1:0", "c_1", "700000001", {}, 1, address=address, **more)


TEXT = outgoing(text="A consulta custa R$ 250.")
VOICE = outgoing(voice=b"OggS" + bytes(60), seconds=3.6)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as running:
        yield running


@pytest.fixture
async def channel(telegram: FakeTelegram) -> AsyncIterator[Telegram]:
    made = bot(telegram.url)
    yield made
    await made.close()


async def failed(channel: Telegram, what: Outgoing) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        await channel.send(what)
    return error.value


# -- requests ------------------------------------------------------------------------------------


async def test_a_text_is_plain_and_shows_no_preview(telegram: FakeTelegram, channel: Telegram) -> None:
    assert await channel.send(TEXT) == Sent("700000001:102")
    (call,) = telegram.called("sendMessage")
    assert call.fields == {
        "chat_id": 700000001,
        "text": "A consulta custa R$ 250.",
        "link_preview_options": {"is_disabled": True},
    }
    theirs = methods.SendMessage(**call.fields)
    assert (theirs.chat_id, theirs.parse_mode is None or "Default" in repr(theirs.parse_mode)) == (700000001, True)


async def test_a_voice_note_is_an_ogg_with_its_length(telegram: FakeTelegram, channel: Telegram) -> None:
    await channel.send(VOICE)
    (call,) = telegram.called("sendVoice")
    assert call.files == {"voice": ("voice.ogg", "audio/ogg", VOICE.voice)}
    assert call.fields == {"chat_id": 700000001, "duration": 4}
    methods.SendVoice(voice="file", **call.fields)


@pytest.mark.parametrize("what", [{"text": "Oi"}, {"voice": b"OggS"}])
@pytest.mark.parametrize(("address", "id"), [(TOPIC, "-1001234567890:102"), (OF_DONA, "bc_1:700000001:102")])
async def test_it_goes_where_it_came_from(
    telegram: FakeTelegram, channel: Telegram, what: dict[str, Any], address: dict[str, str], id: str
) -> None:
    assert await channel.send(outgoing(address, **what)) == Sent(id)
    fields = telegram.calls[-1].fields
    assert {name: str(fields[name]) for name in address} == address


async def test_what_we_said_on_a_business_account_comes_back_under_the_id_it_was_sent_with(
    telegram: FakeTelegram, channel: Telegram
) -> None:
    sent = await channel.send(outgoing(OF_DONA, text="Oi"))
    (echo,) = channel.update(telegram.waiting[0])
    assert isinstance(echo, Echo)
    assert (echo.id, echo.by_us) == (sent.provider_id, True)


async def test_choices_are_buttons_that_come_back_as_their_titles(telegram: FakeTelegram, channel: Telegram) -> None:
    titles = ["Marcar", "Preços", "á" * 40 + "1", "á" * 40 + "2"]
    await channel.send(outgoing(text="O quê?", choices=titles))
    markup = telegram.calls[-1].fields["reply_markup"]
    for title, (button,) in zip(titles, markup["inline_keyboard"], strict=True):
        message = {"message_id": 102, "chat": {"id": 700000001, "type": "private"}, "reply_markup": markup}
        press = {"id": "9", "from": {"id": 1}, "data": button["callback_data"], "message": message}
        (event,) = channel.update({"update_id": 1, "callback_query": press})
        assert isinstance(event, Inbound)
        assert event.text == title
    methods.SendMessage(**telegram.calls[-1].fields)


@given(st.lists(st.text(max_size=90), max_size=8))
@example(["x" + "á" * 40])
def test_a_button_always_carries_something_short_and_its_own(titles: list[str]) -> None:
    buttons = _buttons([title.encode("utf-8", "replace").decode() for title in titles])
    assert all(0 < len(button.data.encode()) <= DATA for button in buttons)
    assert [b.title for b in buttons] == [t for t in titles if t.strip()]


async def test_half_a_letter_is_sent_as_something(telegram: FakeTelegram, channel: Telegram) -> None:
    await channel.send(outgoing(text="Oi \ud83d"))
    assert telegram.calls[-1].fields["text"] == "Oi ?"


async def test_a_text_within_our_limit_is_within_telegram_s(telegram: FakeTelegram, channel: Telegram) -> None:
    assert channel.capabilities.utf16
    await channel.send(outgoing(text="😀" * (channel.capabilities.text_limit // 2)))
    error = await failed(channel, outgoing(text="😀" * 2049))
    assert (error.reason, error.then) == ("message_too_long", Then.GIVE_UP)


async def test_a_real_voice_note_arrives_whole(telegram: FakeTelegram, channel: Telegram) -> None:
    note = sounds.ogg_opus()
    await channel.send(outgoing(voice=note, seconds=0.2))
    assert telegram.calls[-1].files["voice"][2] == note
    assert telegram.calls[-1].fields["duration"] == 1


# -- refusals ------------------------------------------------------------------------------------

SAID = {
    "429": (Then.SLOW_DOWN, 35.0, ""),
    "html.429": (Then.SLOW_DOWN, FLOOD, ""),
    "400.migrated": (Then.MOVED, None, ""),
    "400.chat_not_found": (Then.UNREACHABLE, None, "unreachable"),
    "400.message_too_long": (Then.GIVE_UP, None, ""),
    "400.empty": (Then.GIVE_UP, None, ""),
    "400.parse": (Then.GIVE_UP, None, ""),
    "400.reply_not_found": (Then.GIVE_UP, None, ""),
    "400.odd": (Then.GIVE_UP, None, ""),
    "400.file_too_big": (Then.GIVE_UP, None, ""),
    "400.voice_forbidden": (Then.GIVE_UP, None, ""),
    "400.wrong_file": (Then.GIVE_UP, None, ""),
    "400.no_rights_to_voice": (Then.GIVE_UP, None, ""),
    "400.no_rights_to_write": (Then.UNREACHABLE, None, "unreachable"),
    "400.topic_closed": (Then.UNREACHABLE, None, "unreachable"),
    "400.business_gone": (Then.UNREACHABLE, None, "unreachable"),
    "400.business_window": (Then.TEMPLATE, None, ""),
    "401": (Then.STOP, None, ""),
    "404": (Then.STOP, None, ""),
    "403.blocked": (Then.UNREACHABLE, None, "unreachable"),
    "403.deactivated": (Then.UNREACHABLE, None, "unreachable"),
    "403.kicked": (Then.UNREACHABLE, None, "unreachable"),
    "403.initiate": (Then.UNREACHABLE, None, "unreachable"),
    "409.other_poll": (Then.GIVE_UP, None, ""),
    "409.webhook_active": (Then.GIVE_UP, None, ""),
    "413": (Then.GIVE_UP, None, ""),
    "500": (Then.AGAIN, None, ""),
    "502": (Then.AGAIN, None, ""),
    "504": (Then.AGAIN, None, ""),
    "tells_the_token": (Then.GIVE_UP, None, ""),
    "html.302": (Then.STOP, None, ""),
    "html.403": (Then.STOP, None, ""),
    "html.413": (Then.STOP, None, ""),
    "html.502": (Then.UNSURE, None, ""),
    "html.200": (Then.UNSURE, None, ""),
    "json.list": (Then.UNSURE, None, ""),
    "cut": (Then.UNSURE, None, ""),
    "dropped": (Then.UNSURE, None, ""),
}
"""What follows a text that met this: (then, retry_after, remember)."""
SAID_OF_VOICE = {
    "400.voice_forbidden": (Then.AS_TEXT, None, "no_voice"),
    "400.no_rights_to_voice": (Then.AS_TEXT, None, "no_voice"),
    "400.file_too_big": (Then.AS_TEXT, None, ""),
    "400.wrong_file": (Then.AS_TEXT, None, ""),
    "400.odd": (Then.AS_TEXT, None, ""),
    "400.parse": (Then.AS_TEXT, None, ""),
    "400.reply_not_found": (Then.AS_TEXT, None, ""),
    "409.other_poll": (Then.AS_TEXT, None, ""),
    "409.webhook_active": (Then.AS_TEXT, None, ""),
    "413": (Then.AS_TEXT, None, ""),
    "html.413": (Then.AS_TEXT, None, ""),
    "tells_the_token": (Then.AS_TEXT, None, ""),
}
"""The same of a voice note, where it differs: the words may still go."""


def shown(error: BaseException) -> str:
    """All that a log or a page could ever show of it, with everything it hangs on to."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    told = [f"{one!r} {one} {vars(one)}" for one in chain]
    return "\n".join([*told, *traceback.format_exception(error)])


def test_every_fault_is_met() -> None:
    assert set(SAID) == set(FAULTS)


@pytest.mark.parametrize("name", sorted(SAID))
async def test_what_follows_a_text(
    telegram: FakeTelegram, channel: Telegram, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    telegram.next("sendMessage", name)
    error = await failed(channel, TEXT)
    assert (error.then, error.retry_after, error.remember) == SAID[name]
    assert error.whole_channel is False
    assert SECRET_PART not in shown(error) + caplog.text + channel.trouble


@pytest.mark.parametrize("name", sorted(SAID))
async def test_what_follows_a_voice_note(telegram: FakeTelegram, channel: Telegram, name: str) -> None:
    telegram.next("sendVoice", name)
    error = await failed(channel, VOICE)
    assert (error.then, error.retry_after, error.remember) == SAID_OF_VOICE.get(name, SAID[name])
    assert SECRET_PART not in shown(error)


async def test_a_group_that_moved_is_found_under_its_new_id(telegram: FakeTelegram, channel: Telegram) -> None:
    telegram.migrated[-55] = -1001234567890
    error = await failed(channel, outgoing({"chat_id": "-55"}, text="Oi"))
    assert error.address == {"chat_id": "-1001234567890"}
    await channel.send(outgoing(dict(error.address), text="Oi"))


async def test_a_contact_who_takes_no_voice_notes_takes_texts(telegram: FakeTelegram, channel: Telegram) -> None:
    telegram.voiceless.add(700000001)
    error = await failed(channel, VOICE)
    assert (error.reason, error.remember) == ("VOICE_MESSAGES_FORBIDDEN", "no_voice")
    await channel.send(TEXT)


async def test_a_wrong_token_is_told_and_taken_back(telegram: FakeTelegram, channel: Telegram) -> None:
    telegram.next("sendMessage", "401")
    await failed(channel, TEXT)
    assert "@BotFather" in channel.trouble
    await channel.send(TEXT)
    assert channel.trouble == ""


async def test_nobody_at_home_may_be_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    channel = bot("http://127.0.0.1:9")
    error = await failed(channel, TEXT)
    await channel.close()
    assert error.then is Then.AGAIN
    assert SECRET_PART not in shown(error) + caplog.text


async def test_an_address_inside_is_not_called(telegram: FakeTelegram) -> None:
    channel = Telegram(settings(telegram.url), allow_private=False)
    error = await failed(channel, TEXT)
    await channel.close()
    assert (error.then, telegram.calls) == (Then.AGAIN, [])
    assert SECRET_PART not in shown(error)


async def test_an_answer_that_never_comes_leaves_it_unsure(
    telegram: FakeTelegram, channel: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    async def never(request: Any) -> Any:
        await gate.wait()
        return await FAULTS["500"](request)

    monkeypatch.setattr("gateway.channels.telegram.Telegram._call.__defaults__", (0.2,))
    telegram.next("sendMessage", never)
    error = await failed(channel, TEXT)
    gate.set()
    assert (error.then, error.reason) == (Then.UNSURE, "TimeoutError")
    assert SECRET_PART not in shown(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["retry_after", "migrate_to_chat_id", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.integers(200, 599),
    st.none()
    | st.fixed_dictionaries({"ok": st.just(False), "error_code": JSON, "description": JSON, "parameters": JSON}),
    st.booleans(),
)
def test_whatever_is_answered_has_a_verdict(status: int, body: dict[str, Any] | None, voice: bool) -> None:
    error = verdict(Answer(status, body), voice=voice)
    assert isinstance(error.then, Then)
    assert not (error.then is Then.AS_TEXT and not voice)
    assert body or error.then is not Then.AGAIN


def test_it_keeps_its_token_to_itself() -> None:
    channel = bot("https://bot.example")
    assert SECRET_PART not in repr(channel) + str(channel) + repr(channel.capabilities)


# -- courtesies ----------------------------------------------------------------------------------


def message(**more: Any) -> Inbound:
    facts: dict[str, Any] = {"id": "700000001:101", "contact": "700000001", "name": "", "text": "", "at": 1}
    return Inbound(**(facts | {"address": HERE} | more))


async def test_a_pressed_button_is_answered(telegram: FakeTelegram, channel: Telegram) -> None:
    await channel.acknowledge(message(token={"callback": "9"}))
    await channel.acknowledge(message(token={"callback": "10"}, address=OF_DONA))
    assert [(c.method, c.fields["callback_query_id"]) for c in telegram.calls] == [
        ("answerCallbackQuery", "9"),
        ("answerCallbackQuery", "10"),
    ]
    methods.AnswerCallbackQuery(**telegram.calls[0].fields)


async def test_only_a_business_account_can_show_that_it_has_read(telegram: FakeTelegram, channel: Telegram) -> None:
    await channel.acknowledge(message())
    assert telegram.calls == []
    await channel.acknowledge(message(id="bc_1:700000001:300", address=OF_DONA))
    (call,) = telegram.called("readBusinessMessage")
    assert call.fields == {"business_connection_id": "bc_1", "chat_id": 700000001, "message_id": 300}
    methods.ReadBusinessMessage(**call.fields)
    await channel.acknowledge(message(id="edit:bc_1:700000001:300:5", address=OF_DONA, meaning="edit"))
    assert len(telegram.calls) == 1


async def test_receipts_can_be_off(telegram: FakeTelegram) -> None:
    channel = bot(telegram.url, read_receipts=False)
    await channel.acknowledge(message(id="bc_1:700000001:300", address=OF_DONA))
    await channel.close()
    assert telegram.calls == []


async def test_it_shows_what_we_do(telegram: FakeTelegram, channel: Telegram) -> None:
    await channel.show(HERE, "", "composing")
    await channel.show(TOPIC, "x", "recording")
    await channel.show(OF_DONA, "x", "paused")
    assert [call.fields for call in telegram.calls] == [
        {"chat_id": 700000001, "action": "typing"},
        {"chat_id": -1001234567890, "message_thread_id": 7, "action": "record_voice"},
    ]
    methods.SendChatAction(**telegram.calls[1].fields)


@pytest.mark.parametrize("name", ["401", "429", "html.502", "dropped"])
async def test_a_courtesy_never_fails(telegram: FakeTelegram, channel: Telegram, name: str) -> None:
    for method in ("sendChatAction", "answerCallbackQuery"):
        telegram.next(method, name)
    await channel.show(HERE, "", "composing")
    await channel.acknowledge(message(token={"callback": "9"}))
    assert len(telegram.calls) == 2


# -- media ---------------------------------------------------------------------------------------


def lends(telegram: FakeTelegram, body: bytes, path: str = "voice/file_12.oga") -> str:
    telegram.files["f1"] = (path, body)
    return "f1"


async def test_a_voice_note_is_fetched_by_what_the_update_says(telegram: FakeTelegram, channel: Telegram) -> None:
    (event,) = channel.update(sample("update.voice"))
    assert isinstance(event, Inbound)
    (note,) = event.attachments
    telegram.files[note.ref] = ("voice/file_12.oga", b"OggS...")
    assert isinstance(note, Attachment)
    assert await channel.fetch(note.ref, 100) == b"OggS..."


@pytest.mark.parametrize("path", ["photos/file 1.jpg", "documents/relatório#1.pdf", "a/b%2Fc"])
async def test_any_name_is_found(telegram: FakeTelegram, channel: Telegram, path: str) -> None:
    assert await channel.fetch(lends(telegram, b"x", path), 100) == b"x"


async def test_a_file_is_never_larger_than_asked_for(telegram: FakeTelegram, channel: Telegram) -> None:
    ref = lends(telegram, bytes(1000))
    assert len(await channel.fetch(ref, 1000)) == 1000
    for said in (1000, 10):
        telegram.sizes[ref] = said
        with pytest.raises(NotFetched, match="too_large"):
            await channel.fetch(ref, 999)
    assert len(telegram.called("file")) == 2, "what says that it is too large is not even loaded"


async def test_a_file_over_twenty_megabytes_is_not_there_for_bots(telegram: FakeTelegram, channel: Telegram) -> None:
    ref = lends(telegram, b"x")
    telegram.sizes[ref] = 25_000_000
    with pytest.raises(NotFetched, match="too_large") as error:
        await channel.fetch(ref, 50_000_000)
    assert not error.value.retryable


@pytest.mark.parametrize(
    ("method", "name", "retryable"),
    [
        ("getFile", "429", True),
        ("getFile", "500", True),
        ("getFile", "html.502", True),
        ("getFile", "400.odd", False),
        ("getFile", "cut", True),
        ("file", "404", False),
        ("file", "500", True),
        ("file", "cut", True),
        ("file", "dropped", True),
    ],
)
async def test_what_cannot_be_fetched_now(
    telegram: FakeTelegram, channel: Telegram, method: str, name: str, retryable: bool
) -> None:
    telegram.next(method, name, name)  # a load is repeated by itself when its connection was an old one
    with pytest.raises(NotFetched) as error:
        await channel.fetch(lends(telegram, b"x"), 100)
    assert error.value.retryable is retryable
    assert SECRET_PART not in shown(error.value)


@pytest.mark.parametrize("path", ["/var/lib/telegram/voice/file_1.oga", "voice/../../secret"])
async def test_a_path_on_somebody_s_disk_is_not_followed(telegram: FakeTelegram, channel: Telegram, path: str) -> None:
    with pytest.raises(NotFetched, match="file_on_the_bot_api_server"):
        await channel.fetch(lends(telegram, b"x", path), 100)
