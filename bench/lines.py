"""How a contact's message comes over each channel: the request its provider posts, and the channel's configuration.

The shapes are those of tests/fixtures, with a new id, contact and time in each; the servers behind are tests/fakes. A
provider's line has a twin that shows neither receipts nor "typing…": what these cost is the difference.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import orjson

from tests.fakes import callback, evolution, graph, telegram
from tests.ogg import crc

FIXTURES = Path(__file__).parents[1] / "tests/fixtures"
VENDOR = slice(0x57, 0x5D)
"""Six bytes of the recorded note that say which program wrote it, and that nobody reads."""
SECOND_PAGE = slice(0x2F, 0x61)
"""The page they stand on."""
QUIET = "read_receipts = false\npresence = false\n"
BOUNDARY = "bench-0123456789"
EVOLUTION_SECRET = "evolution-webhook-secret"
Posted = tuple[str, Mapping[str, str], bytes]
"""Path, headers and body."""


@dataclass(frozen=True, slots=True)
class Said:
    number: int
    """No two messages of a run of the bench have the same."""
    contact: int
    text: str
    spoken: bool = False
    """A voice note: `sound(number)`."""

    @property
    def phone(self) -> str:
        return f"55119{self.contact:08}"


class Line(Protocol):
    @property
    def name(self) -> str:
        """Of its channel."""
        ...

    def channel(self, url: str, queue: str) -> str:
        """Its TOML. `url`: of the fake behind it."""
        ...

    def posted(self, said: Said) -> Posted: ...


def sound(number: int) -> bytes:
    """The recorded note, with bytes of its own: one that was heard before is not heard again."""
    data = bytearray(_recorded())
    data[VENDOR] = f"{number:06x}"[-6:].encode()
    page = data[SECOND_PAGE]
    data[SECOND_PAGE] = page[:22] + crc(bytes(page)).to_bytes(4, "little") + page[26:]
    return bytes(data)


@cache
def _recorded() -> bytes:
    return (FIXTURES / "spoken/where-is-the-shop.pt-BR.ogg").read_bytes()


@cache
def _shape(name: str) -> Any:
    return orjson.loads((FIXTURES / f"{name}.json").read_bytes())


def _block(**keys: str) -> str:
    return "\n[[channels]]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


@dataclass(frozen=True, slots=True)
class Api:
    """Our own: JSON, or a form when there is sound in it. Replies go to a callback, when there is one."""

    name: str
    key: str = field(repr=False)

    def channel(self, url: str, queue: str) -> str:
        back = {"callback_url": url, "callback_secret": callback.SECRET} if url else {}
        return _block(name=self.name, type="http", queue=queue, key=self.key, **back)

    def posted(self, said: Said) -> Posted:
        contact = {"id": said.phone, "name": "Maria"}
        headers, id = {"authorization": f"Bearer {self.key}"}, str(said.number)
        body = orjson.dumps({"id": id, "contact": contact, "text": said.text})
        if said.spoken:
            headers["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
            body = _form({"id": id.encode(), "contact": orjson.dumps(contact)}, sound(said.number))
        return f"/v1/channels/{self.name}/messages", headers, body


def _form(fields: Mapping[str, bytes], audio: bytes) -> bytes:
    mark, about = f"--{BOUNDARY}\r\n".encode(), b'content-disposition: form-data; name="%s"'
    words = b"".join(mark + about % name.encode() + b"\r\n\r\n" + value + b"\r\n" for name, value in fields.items())
    file = about % b"audio" + b'; filename="note.ogg"\r\ncontent-type: audio/ogg\r\n\r\n'
    return words + mark + file + audio + f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, slots=True)
class WhatsApp:
    name: str
    number: str
    more: str = ""

    def channel(self, url: str, queue: str) -> str:
        account = {"phone_number_id": self.number, "access_token": graph.TOKEN, "base_url": url}
        proof = {"app_secret": graph.APP_SECRET, "verify_token": graph.VERIFY_TOKEN}
        return _block(name=self.name, type="whatsapp_cloud", queue=queue, **account, **proof) + self.more

    def posted(self, said: Said) -> Posted:
        whole = _shape(f"whatsapp/webhook.message.{'audio.voice' if said.spoken else 'text'}")
        value = whole["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = self.number
        lasting, parent = f"BR.{said.phone}", f"BR.ENT.{said.phone}"
        value["contacts"][0] |= {"wa_id": said.phone, "user_id": lasting, "parent_user_id": parent}
        message = value["messages"][0]
        message |= {"from": said.phone, "from_user_id": lasting, "from_parent_user_id": parent}
        message |= {"id": f"wamid.IN{said.number}", "timestamp": str(int(time.time()))}
        if said.spoken:
            message["audio"]["id"] = str(said.number)
        else:
            message["text"]["body"] = said.text
        body = orjson.dumps(whole)
        return "/hooks/whatsapp_cloud", graph.signature(body), body


@dataclass(frozen=True, slots=True)
class Evolution:
    name: str
    instance: str
    more: str = ""

    def channel(self, url: str, queue: str) -> str:
        account = {"base_url": url, "instance": self.instance, "api_key": evolution.KEY}
        proof = {"webhook_secret": EVOLUTION_SECRET}
        return _block(name=self.name, type="evolution", queue=queue, **account, **proof) + self.more

    def posted(self, said: Said) -> Posted:
        whole = _shape(f"evolution/webhook.{'audio.base64' if said.spoken else 'text.conversation'}")
        whole["instance"], data = self.instance, whole["data"]
        data["key"] = evolution.LAYOUTS["2.4"] | {"fromMe": False, "id": f"3EB0{said.number}", "addressingMode": "lid"}
        data["key"] |= {"remoteJid": f"{said.phone}@s.whatsapp.net", "remoteJidAlt": f"1{said.contact:014}@lid"}
        data["messageTimestamp"] = int(time.time())
        if said.spoken:
            data["message"]["base64"] = base64.b64encode(sound(said.number)).decode()
        else:
            data["message"]["conversation"] = said.text
        return f"/hooks/evolution/{self.name}", {"x-webhook-secret": EVOLUTION_SECRET}, orjson.dumps(whole)


@dataclass(frozen=True, slots=True)
class Telegram:
    name: str
    token: str = field(repr=False)
    more: str = ""

    def channel(self, url: str, queue: str) -> str:
        account = {"token": self.token, "secret_token": telegram.SECRET, "mode": "webhook", "base_url": url}
        return _block(name=self.name, type="telegram", queue=queue, **account) + self.more

    def posted(self, said: Said) -> Posted:
        whole = _shape(f"telegram/update.{'voice' if said.spoken else 'text'}")
        whole["update_id"], message = 900_000_000 + said.number, whole["message"]
        message |= {"message_id": said.number, "date": int(time.time())}
        message["from"]["id"] = message["chat"]["id"] = 700_000_000 + said.contact
        if said.spoken:
            message["voice"] |= {"file_id": f"f{said.number}", "file_unique_id": f"u{said.number}"}
        else:
            message["text"] = said.text
        body = orjson.dumps(whole)
        return f"/hooks/telegram/{self.name}", {"x-telegram-bot-api-secret-token": telegram.SECRET}, body


_KNOWN: tuple[Line, ...] = (
    Api("http", "channel-key-of-http"),
    WhatsApp("whatsapp_cloud", graph.NUMBER),
    Evolution("evolution", evolution.INSTANCE),
    Telegram("telegram", telegram.TOKEN),
    WhatsApp("whatsapp_cloud.quiet", "100000000000002", QUIET),
    Evolution("evolution.quiet", "clinic-2", QUIET),
    Telegram("telegram.quiet", f"800000002:{telegram.TOKEN.partition(':')[2]}", QUIET),
)
LINES: Mapping[str, Line] = {line.name: line for line in _KNOWN}
TALKATIVE = ("whatsapp_cloud", "evolution", "telegram")
"""Those of providers; each has a twin `….quiet`."""


def request(line: Line, said: Said) -> bytes:
    """As it goes over the wire."""
    path, headers, body = line.posted(said)
    told = {"host": "bench", "content-type": "application/json", **headers, "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
