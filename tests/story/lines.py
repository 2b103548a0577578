"""Providers' lines to one gateway: a contact writes on each as that provider would post it, and reads what was sent.

    async with whatsapp() as line, running(line.config(openai), tmp_path) as (gateway, _):
        await line.text(gateway, "m1", "Oi")
        assert await line.heard(1) == ["Echo: Oi"]

The times of messages are the wall's, because a provider's are.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import aiohttp
import pytest

from gateway.app import Gateway
from storage.model import ConversationId, Kind, conversation_id
from tests.fakes import evolution as evolution_wire
from tests.fakes import graph as graph_wire
from tests.fakes import telegram as telegram_wire
from tests.fakes.evolution import FakeEvolution
from tests.fakes.graph import FakeGraph
from tests.fakes.openai import FakeOpenAI
from tests.fakes.telegram import FakeTelegram
from tests.story.running import LONG, burst_ends, toml

PATIENCE = 60.0
"""Seconds after which something that should have happened has not, on a machine however slow."""
PHONE = "5511999990001"
VOICE, TEMPLATE = "<voice>", "<template>"


class Line(Protocol):
    name: str
    fake: Any

    def needs(self, what: str) -> None:
        """Skips the test where the provider has no such thing."""
        ...

    def channel(self, **keys: str) -> str:
        """Its [[channels]] in TOML; values as TOML writes them."""
        ...

    async def post(self, gateway: Gateway, body: bytes, *, proof: bool = True) -> int: ...

    def message(self, id: str, text: str, *, phone: str = PHONE, age: int = 0, **more: Any) -> bytes:
        """`age`: seconds."""
        ...

    def voice(self, id: str, sound: bytes) -> bytes: ...

    def sticker(self, id: str) -> bytes: ...

    def edit(self, id: str, of: str, text: str) -> bytes: ...

    def revoke(self, id: str, of: str) -> bytes: ...

    def reaction(self, id: str, of: str) -> bytes: ...

    def in_group(self, id: str, text: str) -> bytes: ...

    def from_the_phone(self, id: str, text: str) -> bytes:
        """A person of the business answered on the device."""
        ...

    def sent(self) -> list[str]:
        """What the contact got, voice notes as VOICE."""
        ...

    def ids(self) -> list[str]:
        """The provider's ids of that."""
        ...

    def contact(self) -> str:
        """The core's name for PHONE."""
        ...


def after(gate: asyncio.Event, then: Any = None) -> Any:
    """A fault of a provider's: waits for the gate; then goes wrong as `then` does, or all is well."""

    async def fault(fake: Any, request: Any) -> Any:
        await gate.wait()
        return await then(fake, request) if then else None

    return fault


async def until(true: Callable[[], Any] | Callable[[], Awaitable[Any]], what: str = "") -> Any:
    """What `true` says, once it is."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                said: Any = true()
                said = await said if asyncio.iscoroutine(said) else said
                if said:
                    return said
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it never came to be: {what}") from None


async def heard(line: Line, count: int) -> list[str]:
    """The first `count` messages the contact got."""
    await until(lambda: len(line.sent()) >= count, f"{count} messages, and there are {line.sent()}")
    return line.sent()[:count]


def conversation(line: Line) -> ConversationId:
    return conversation_id(line.name, line.contact())


async def outcomes(gateway: Gateway, line: Line, count: int) -> list[tuple[str, str]]:
    """(outcome, reason) of the first `count` turns."""

    async def ended() -> list[tuple[str, str]]:
        turns = await gateway.store.turns(conversation(line), 0, 100)
        return [(str(turn.outcome), turn.reason) for turn in turns] if len(turns) >= count else []

    said: list[tuple[str, str]] = await until(ended, f"{count} turns")
    return said


async def quiet(gateway: Gateway) -> None:
    """Nothing waits and nothing runs any more, in either direction."""

    async def asleep() -> bool:
        depths = await gateway.store.depths()
        return not any(depths.waiting.values())

    await until(asleep, "everything asleep")


async def states(gateway: Gateway, line: Line) -> list[str]:
    return [receipt.status for receipt in await gateway.store.receipts(conversation(line))]


async def held(gateway: Gateway, line: Line) -> str:
    """Why people have the conversation."""
    found = await gateway.store.conversation(conversation(line))
    return found.hold.reason if found and found.hold else ""


async def inbound(gateway: Gateway, line: Line) -> int:
    return len(await gateway.store.latest(conversation(line), Kind.IN, 1000))


def config(openai: FakeOpenAI, *lines: Line, channel: dict[str, str] | None = None, **more: Any) -> str:
    """`channel`: keys for each of the lines."""
    channels = "".join(line.channel(**(channel or {})) for line in lines)
    return toml(openai.base_url, openai_key=openai.key, more=channels, **more)


def patient(openai: FakeOpenAI, *lines: Line, **more: Any) -> str:
    """As `config`, with windows that are over when the test says so."""
    return config(openai, *lines, interval=LONG, max_wait=LONG, **more)


async def ends_burst(gateway: Gateway, line: Line, messages: int) -> None:
    """The window is over once the line has so many messages."""
    await burst_ends(gateway, conversation(line), messages)


async def states_within(gateway: Gateway, line: Line, wanted: list[str]) -> None:
    async def there() -> bool:
        return await states(gateway, line) == wanted

    try:
        await until(there)
    except AssertionError:
        assert await states(gateway, line) == wanted


HEARS = 'provider = "openai"\napi_key = "{key}"\nbase_url = "{url}"\nmodel = "gpt-transcribe"'


def with_an_ear(openai: FakeOpenAI, *lines: Line, **more: Any) -> str:
    return config(openai, *lines, hearing=HEARS.format(key=openai.key, url=openai.base_url), **more)


def in_three_pieces() -> str:
    """An answer that one voice note holds and one message does not."""
    return f"{'Sim, temos, ' * 24}e é isso. " * 30


def at_length(text: str) -> str:
    """The same configuration, with voice notes however long."""
    return text.replace('format = "voice"', 'format = "voice"\nmax_voice_chars = 10000', 1)


async def _posted(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession() as http:
        json_body = {"Content-Type": "application/json", **headers}
        async with http.post(url, data=io.BytesIO(body), headers=json_body) as answer:
            return answer.status


def _block(**keys: str) -> str:
    return "\n[[channels]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def _seconds(age: int) -> int:
    return int(time.time()) - age


class Whole:
    """A line that has everything."""

    def needs(self, what: str) -> None:
        assert hasattr(self, what)


# -- WhatsApp Cloud API ------------------------------------------------------------------------------


class WhatsApp(Whole):
    name = "zap"

    def __init__(self, fake: FakeGraph) -> None:
        self.fake = fake

    def contact(self) -> str:
        return PHONE

    def channel(self, **keys: str) -> str:
        fixed = {
            "name": '"zap"',
            "type": '"whatsapp_cloud"',
            "queue": '"loja"',
            "phone_number_id": f'"{graph_wire.NUMBER}"',
            "access_token": f'"{graph_wire.TOKEN}"',
            "app_secret": f'"{graph_wire.APP_SECRET}"',
            "verify_token": f'"{graph_wire.VERIFY_TOKEN}"',
            "base_url": f'"{self.fake.url}"',
        }
        return _block(**{**fixed, **{k: v for k, v in keys.items() if k != "secret_token"}})

    async def post(self, gateway: Gateway, body: bytes, *, proof: bool = True) -> int:
        headers = graph_wire.signature(body) if proof else {}
        return await _posted(f"{gateway.url}/hooks/whatsapp_cloud", body, headers)

    def message(self, id: str, text: str, *, phone: str = PHONE, age: int = 0, **more: Any) -> bytes:
        return self._said({"type": "text", "text": {"body": text}, **more}, id, phone, age)

    def voice(self, id: str, sound: bytes) -> bytes:
        self.fake.keep(f"7{abs(hash(id)) % 10**12}", sound)
        ref = next(reversed(self.fake.media))
        return self._said(
            {"type": "audio", "audio": {"id": ref, "voice": True, "mime_type": "audio/ogg; codecs=opus"}}, id
        )

    def sticker(self, id: str) -> bytes:
        self.fake.keep("8000", b"RIFF0000WEBPVP8 ", "image/webp")
        return self._said({"type": "sticker", "sticker": {"id": "8000", "mime_type": "image/webp"}}, id)

    def edit(self, id: str, of: str, text: str) -> bytes:
        message = {"type": "text", "text": {"body": text}}
        return self._said({"type": "edit", "edit": {"original_message_id": of, "message": message}}, id)

    def revoke(self, id: str, of: str) -> bytes:
        return self._said({"type": "revoke", "revoke": {"original_message_id": of}}, id)

    def reaction(self, id: str, of: str) -> bytes:
        return self._said({"type": "reaction", "reaction": {"message_id": of, "emoji": "👍"}}, id)

    def in_group(self, id: str, text: str) -> bytes:
        return self.message(id, text, group_id="120363000000000000")

    def from_the_phone(self, id: str, text: str) -> bytes:
        echo = {"from": "551130000000", "to": PHONE, "id": id, "timestamp": str(_seconds(0))}
        echo |= {"type": "text", "text": {"body": text}}  # type: ignore[dict-item]
        return graph_wire.webhook({"message_echoes": [echo]}, field="smb_message_echoes")

    def status(self, id: str, status: str, **more: Any) -> bytes:
        said = {"id": id, "status": status, "timestamp": str(_seconds(0)), "recipient_id": PHONE, **more}
        return graph_wire.webhook({"statuses": [said]})

    def _said(self, what: dict[str, Any], id: str, phone: str = PHONE, age: int = 0) -> bytes:
        contact = {"profile": {"name": "Lia"}, "wa_id": phone}
        message = {"from": phone, "id": id, "timestamp": str(_seconds(age)), **what}
        return graph_wire.webhook({"contacts": [contact], "messages": [message]})

    def sent(self) -> list[str]:
        return [_graph_words(call.json) for call in self.fake.sent]

    def ids(self) -> list[str]:
        return [f"wamid.OUT{n:04}" for n in range(1, len(self.fake.sent) + 1)]


def _graph_words(body: dict[str, Any]) -> str:
    if body["type"] == "audio":
        return VOICE if body["audio"].get("voice") else "<audio>"
    return TEMPLATE if body["type"] == "template" else str(body["text"]["body"])


# -- Evolution ---------------------------------------------------------------------------------------


class Evolution(Whole):
    name = "evo"
    SECRET = "evolution-webhook-secret"

    def __init__(self, fake: FakeEvolution) -> None:
        self.fake = fake

    def contact(self) -> str:
        return PHONE

    def channel(self, **keys: str) -> str:
        fixed = {
            "name": '"evo"',
            "type": '"evolution"',
            "queue": '"loja"',
            "base_url": f'"{self.fake.url}"',
            "instance": f'"{evolution_wire.INSTANCE}"',
            "api_key": f'"{evolution_wire.KEY}"',
            "webhook_secret": f'"{self.SECRET}"',
        }
        return _block(**{**fixed, **keys})

    async def post(self, gateway: Gateway, body: bytes, *, proof: bool = True) -> int:
        headers = {"X-Webhook-Secret": self.SECRET} if proof else {}
        return await _posted(f"{gateway.url}/hooks/evolution/evo", body, headers)

    def message(self, id: str, text: str, *, phone: str = PHONE, age: int = 0, **more: Any) -> bytes:
        return self._said({"conversation": text}, id, phone, age, **more)

    def voice(self, id: str, sound: bytes) -> bytes:
        audio = {"mimetype": "audio/ogg; codecs=opus", "ptt": True, "seconds": 1}
        return self._said({"audioMessage": audio, "base64": base64.b64encode(sound).decode()}, id)

    def sticker(self, id: str) -> bytes:
        return self._said({"stickerMessage": {"mimetype": "image/webp"}, "base64": "UklGRjAwMDBXRUJQVlA4IA=="}, id)

    def edit(self, id: str, of: str, text: str) -> bytes:
        key = {"remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": False, "id": of}
        edited = {"conversation": text}
        data = {"key": key, "type": "MESSAGE_EDIT", "editedMessage": edited, "timestampMs": str(_seconds(0) * 1000)}
        return evolution_wire.webhook("messages.edited", data)

    def revoke(self, id: str, of: str) -> bytes:
        key = {"remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": False, "id": of}
        return evolution_wire.webhook("messages.edited", {"key": key, "type": "REVOKE"})

    def reaction(self, id: str, of: str) -> bytes:
        return self._said({"reactionMessage": {"key": {"id": of}, "text": "👍"}}, id)

    def in_group(self, id: str, text: str) -> bytes:
        more = {"remoteJid": "120363000000000000@g.us", "participant": f"{PHONE}@s.whatsapp.net"}
        return self._said({"conversation": text}, id, **more)

    def from_the_phone(self, id: str, text: str) -> bytes:
        return self._said({"conversation": text}, id, fromMe=True)

    def _said(self, what: dict[str, Any], id: str, phone: str = PHONE, age: int = 0, **key: Any) -> bytes:
        at = {"remoteJid": f"{phone}@s.whatsapp.net", "fromMe": False, "id": id, **key}
        about = {"pushName": "Lia", "messageType": next(iter(what)), "messageTimestamp": _seconds(age)}
        return evolution_wire.webhook("messages.upsert", {"key": at, **about, "message": what})

    def sent(self) -> list[str]:
        return [VOICE if "audio" in call.json else str(call.json["text"]) for call in self.fake.sent]

    def ids(self) -> list[str]:
        return [f"BAE5OUT{n:04}" for n in range(1, len(self.fake.sent) + 1)]


# -- Telegram ----------------------------------------------------------------------------------------


class Telegram:
    """A bot's own chat: nobody can answer in its place, and what is deleted is not told."""

    name = "tele"
    LACKS: frozenset[str] = frozenset({"revoke", "from_the_phone"})
    MARIA = 700000001

    def __init__(self, fake: FakeTelegram) -> None:
        self.fake = fake
        self._ids: dict[str, int] = {}

    def needs(self, what: str) -> None:
        if what in self.LACKS:
            pytest.skip(f"there is no {what} here")

    def contact(self) -> str:
        return str(self.MARIA)

    def channel(self, **keys: str) -> str:
        fixed = {
            "name": f'"{self.name}"',
            "type": '"telegram"',
            "queue": '"loja"',
            "token": f'"{telegram_wire.TOKEN}"',
            "secret_token": f'"{telegram_wire.SECRET}"',
            "mode": '"webhook"',
            "base_url": f'"{self.fake.url}"',
        }
        return _block(**{**fixed, **keys})

    async def post(self, gateway: Gateway, body: bytes, *, proof: bool = True) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": telegram_wire.SECRET} if proof else {}
        return await _posted(f"{gateway.url}/hooks/telegram/{self.name}", body, headers)

    def message(self, id: str, text: str, *, phone: str = "", age: int = 0, **more: Any) -> bytes:
        return self._said({"text": text, **more}, id, age)

    def voice(self, id: str, sound: bytes) -> bytes:
        self.fake.files[f"f{id}"] = (f"voice/{id}.oga", sound)
        return self._said({"voice": {"file_id": f"f{id}", "file_unique_id": id, "duration": 1}}, id)

    def sticker(self, id: str) -> bytes:
        self.fake.files["s1"] = ("stickers/s1.webp", b"RIFF0000WEBPVP8 ")
        sticker = {"file_id": "s1", "file_unique_id": "s1", "type": "regular", "width": 9, "height": 9}
        return self._said({"sticker": {**sticker, "is_animated": False, "is_video": False}}, id)

    def edit(self, id: str, of: str, text: str) -> bytes:
        more = {"edit_date": _seconds(0) + len(self._ids)}
        self._number(id)
        return self._update("edited_message", self._message({"text": text, **more}, of))

    def revoke(self, id: str, of: str) -> bytes:
        raise NotImplementedError

    def reaction(self, id: str, of: str) -> bytes:
        said = {"chat": telegram_wire.MARIA, "message_id": self._number(of), "date": _seconds(0)}
        said |= {"user": self._user(self.MARIA), "old_reaction": []}
        return self._update("message_reaction", {**said, "new_reaction": [{"type": "emoji", "emoji": "👍"}]})

    def in_group(self, id: str, text: str) -> bytes:
        chat = {"id": -1001234567890, "type": "supergroup", "title": "Vizinhos"}
        name = f"@{telegram_wire.BOT['username']}"
        entities = [{"type": "mention", "offset": 0, "length": len(name)}]
        return self._said({"text": f"{name} {text}", "chat": chat, "entities": entities}, id)

    def from_the_phone(self, id: str, text: str) -> bytes:
        raise NotImplementedError

    def _said(self, what: dict[str, Any], id: str, age: int = 0) -> bytes:
        return self._update("message", self._message(what, id, age))

    def _message(self, what: dict[str, Any], id: str, age: int = 0) -> dict[str, Any]:
        at = {"message_id": self._number(id), "date": _seconds(age)}
        return {**at, "from": self._user(self.MARIA), "chat": telegram_wire.MARIA, **what}

    def _user(self, id: int) -> dict[str, Any]:
        return {"id": id, "is_bot": False, "first_name": "Maria"}

    def _update(self, kind: str, what: dict[str, Any]) -> bytes:
        return json.dumps({"update_id": 900_000_000 + len(self._ids), kind: what}).encode()

    def _number(self, id: str) -> int:
        """Telegram counts the messages of a chat."""
        found = id.rpartition(":")[2]
        return int(found) if found.isdigit() else self._ids.setdefault(id, 5000 + len(self._ids))

    def sent(self) -> list[str]:
        wanted = ("sendMessage", "sendVoice")
        calls = [call for call in self.fake.calls if call.method in wanted]
        return [VOICE if call.method == "sendVoice" else str(call.fields["text"]) for call in calls]

    def ids(self) -> list[str]:
        return [str(102 + n) for n in range(len(self.sent()))]


class TelegramBusiness(Telegram):
    """Somebody's own account, in which the bot answers for its owner."""

    name = "telebiz"
    LACKS = frozenset({"reaction", "in_group"})
    OWNER = 700000099

    def contact(self) -> str:
        return f"bc_1:{self.MARIA}"

    def edit(self, id: str, of: str, text: str) -> bytes:
        self._number(id)
        edited = self._message({"text": text, "edit_date": _seconds(0) + len(self._ids)}, of)
        return self._update("edited_business_message", edited)

    def revoke(self, id: str, of: str) -> bytes:
        gone = {"business_connection_id": "bc_1", "chat": telegram_wire.MARIA, "message_ids": [self._number(of)]}
        return self._update("deleted_business_messages", gone)

    def from_the_phone(self, id: str, text: str) -> bytes:
        return self._said({"text": text, "from": self._user(self.OWNER)}, id)

    def _said(self, what: dict[str, Any], id: str, age: int = 0) -> bytes:
        return self._update("business_message", self._message(what, id, age))

    def _message(self, what: dict[str, Any], id: str, age: int = 0) -> dict[str, Any]:
        return {**super()._message(what, id, age), "business_connection_id": "bc_1"}


@asynccontextmanager
async def telegram() -> AsyncIterator[Telegram]:
    async with FakeTelegram() as fake:
        yield Telegram(fake)


@asynccontextmanager
async def telegram_business() -> AsyncIterator[TelegramBusiness]:
    async with FakeTelegram() as fake:
        yield TelegramBusiness(fake)


@asynccontextmanager
async def whatsapp() -> AsyncIterator[WhatsApp]:
    async with FakeGraph() as fake:
        yield WhatsApp(fake)


@asynccontextmanager
async def evolution() -> AsyncIterator[Evolution]:
    async with FakeEvolution() as fake:
        yield Evolution(fake)


LINES: Sequence[Callable[[], AbstractAsyncContextManager[Any]]] = (
    whatsapp,
    evolution,
    telegram,
    telegram_business,
)
ALL_AT_ONCE = LINES[:3]
"""One bot cannot be two channels."""


def batch(*bodies: bytes) -> bytes:
    """Several WhatsApp webhooks as one: several entries in one request."""
    whole = json.loads(bodies[0])
    whole["entry"] = [entry for body in bodies for entry in json.loads(body)["entry"]]
    return json.dumps(whole).encode()
