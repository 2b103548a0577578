"""aiogram, which many bots are made with, on the other end of our wire: what it reads and writes is what we do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

from gateway.channels.telegram import Telegram
from gateway.channels.telegram_events import ALLOWED
from tests.channels.test_telegram_sends import HERE, VOICE, outgoing, settings
from tests.channels.test_telegram_updates import text
from tests.fakes.telegram import SECRET, TOKEN, FakeTelegram

CHAT = int(HERE["chat_id"])


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as running:
        yield running


@pytest.fixture
async def theirs(telegram: FakeTelegram) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    async with Bot(TOKEN, session=session) as bot:
        yield bot


@pytest.fixture
async def ours(telegram: FakeTelegram) -> AsyncIterator[Telegram]:
    made = Telegram(settings(telegram.url), allow_private=True)
    yield made
    await made.close()


async def test_it_finds_the_fake_to_be_telegram(telegram: FakeTelegram, theirs: Bot) -> None:
    assert (await theirs.get_me()).username == "ana_clinic_bot"
    assert (await theirs.send_message(CHAT, "Olá")).text == "Olá"
    voice = (await theirs.send_voice(CHAT, BufferedInputFile(b"OggS", "voice.ogg"), duration=4)).voice
    assert voice is not None
    assert voice.duration == 4
    assert await theirs.send_chat_action(CHAT, "typing")
    assert await theirs.answer_callback_query("9")
    assert await theirs.read_business_message("bc_1", CHAT, 300)


async def test_it_loads_files_from_the_fake(telegram: FakeTelegram, theirs: Bot) -> None:
    telegram.files["f1"] = ("voice/file_12.oga", b"OggS...")
    loaded = await theirs.download("f1")
    assert loaded is not None
    assert loaded.read() == b"OggS..."


async def test_it_is_given_updates_until_it_confirms_them(telegram: FakeTelegram, theirs: Bot) -> None:
    first = telegram.arrives(text("a"))
    telegram.arrives(text("b"))
    assert len(await theirs.get_updates()) == len(await theirs.get_updates()) == 2
    (rest,) = await theirs.get_updates(offset=first["update_id"] + 1)
    assert rest.message is not None
    assert rest.message.text == "b"
    assert await theirs.get_updates(offset=-1, limit=1)
    assert await theirs.get_updates(offset=rest.update_id + 1) == []


async def test_it_hears_of_reactions_only_when_it_asks_for_them(telegram: FakeTelegram, theirs: Bot) -> None:
    assert telegram.arrives({"message_reaction": {}}) == {}
    await theirs.get_updates(allowed_updates=list(ALLOWED))
    assert telegram.arrives({"message_reaction": {}})


async def test_it_sets_and_sees_a_webhook(telegram: FakeTelegram, theirs: Bot) -> None:
    await theirs.set_webhook("https://gw.example/hooks/telegram/bot", secret_token=SECRET, allowed_updates=["message"])
    info = await theirs.get_webhook_info()
    assert (info.url, info.allowed_updates) == ("https://gw.example/hooks/telegram/bot", ["message"])
    with pytest.raises(TelegramConflictError):
        await theirs.get_updates()
    await theirs.delete_webhook()
    assert await theirs.get_updates() == []
    with pytest.raises(TelegramBadRequest):
        await theirs.set_webhook("http://gw.example/")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", TelegramRetryAfter),
        ("400.migrated", TelegramMigrateToChat),
        ("400.chat_not_found", TelegramBadRequest),
        ("400.voice_forbidden", TelegramBadRequest),
        ("401", TelegramUnauthorizedError),
        ("403.blocked", TelegramForbiddenError),
        ("404", TelegramNotFound),
        ("502", TelegramServerError),
    ],
)
async def test_it_knows_the_fake_s_refusals(
    telegram: FakeTelegram, theirs: Bot, fault: str, kind: type[Exception]
) -> None:
    telegram.next("sendMessage", fault)
    with pytest.raises(kind):
        await theirs.send_message(CHAT, "Olá")


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, {})}


async def test_the_same_message_is_the_same_request(telegram: FakeTelegram, theirs: Bot, ours: Telegram) -> None:
    rows = [[InlineKeyboardButton(text=title, callback_data=title)] for title in ("Sim", "Não")]
    await theirs.send_message(
        CHAT,
        "Confirma?",
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=rows),
        parse_mode=None,
    )
    await ours.send(outgoing(text="Confirma?", choices=["Sim", "Não"]))
    mine, other = (call.fields for call in telegram.called("sendMessage")[::-1])
    assert _said(mine) == _said(other)


async def test_the_same_voice_note_is_the_same_request(telegram: FakeTelegram, theirs: Bot, ours: Telegram) -> None:
    assert VOICE.voice is not None
    await theirs.send_voice(CHAT, BufferedInputFile(VOICE.voice, "voice.ogg"), duration=4, parse_mode=None)
    await ours.send(VOICE)
    mine, other = telegram.called("sendVoice")[::-1]
    assert _said(mine.fields) == _said(other.fields)
    assert mine.files["voice"][2] == other.files["voice"][2]
