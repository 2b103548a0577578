"""What every provider's channel promises the core, whichever provider it is: on all samples, and with every fault."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway import equipment
from gateway.channels.base import (
    ChannelError,
    Echo,
    Event,
    Forged,
    Hook,
    Hooked,
    Inbound,
    NotFetched,
    Outgoing,
    Reach,
    SharedHook,
    Status,
    Then,
    Unknown,
)
from gateway.config import Config, parse
from tests.fakes import chatwoot as chatwoot_wire
from tests.fakes import graph as graph_wire
from tests.fakes import sounds
from tests.fakes import telegram as telegram_wire
from tests.fakes.chatwoot import FakeChatwoot
from tests.fakes.openai import FakeOpenAI
from tests.story import lines as story
from tests.story.lines import Evolution, Line, WhatsApp, config

FIXTURES = Path(__file__).parents[1] / "fixtures"
DEAD = "http://127.0.0.1:9"


class Chatwoot:
    """What of a line this suite needs: a conversation of an inbox that the agent bot is connected to."""

    name = "woot"
    SECRET = "chatwoot-webhook-secret"

    def __init__(self, fake: FakeChatwoot) -> None:
        self.fake = fake
        self.conversation = fake.begin("the widget's", "pending").id

    def needs(self, what: str) -> None:
        assert hasattr(self, what)

    def channel(self, **keys: str) -> str:
        fixed = {
            "name": f'"{self.name}"',
            "type": '"chatwoot"',
            "queue": '"loja"',
            "base_url": f'"{self.fake.url}"',
            "account_id": str(chatwoot_wire.ACCOUNT),
            "token": f'"{chatwoot_wire.BOT}"',
            "webhook_secret": f'"{self.SECRET}"',
        }
        return "\n[[channels]]\n" + "".join(f"{key} = {value}\n" for key, value in {**fixed, **keys}.items())

    def message(self, id: str, text: str, **more: Any) -> bytes:
        return self._said("incoming", id, content=text, **more)

    def voice(self, id: str, sound: bytes) -> bytes:
        """Its file lies where nobody answers."""
        file = {"file_type": "audio", "data_url": f"{DEAD}/voice.ogg", "file_size": 1}
        return self._said("incoming", id, content=None, attachments=[file])

    def from_the_phone(self, id: str, text: str) -> bytes:
        return self._said("outgoing.agent", id, content=text)

    def _said(self, sample: str, id: str, **more: Any) -> bytes:
        body = json.loads((FIXTURES / "chatwoot" / f"webhook.message_created.{sample}.json").read_bytes())
        number = int(id) if id.isdigit() else sum(id.encode())
        return json.dumps({**body, "id": number, **more}).encode()

    def _sent(self) -> list[dict[str, Any]]:
        return self.fake.conversations[self.conversation].messages

    def sent(self) -> list[str]:
        return [story.VOICE if one.get("attachments") else one["content"] for one in self._sent()]

    def ids(self) -> list[str]:
        return [str(one["id"]) for one in self._sent()]


@asynccontextmanager
async def chatwoot() -> AsyncIterator[Chatwoot]:
    async with FakeChatwoot() as fake:
        yield Chatwoot(fake)


LINES = (*story.LINES, chatwoot)


@dataclass
class Seam:
    """One provider's channel, and how to reach it."""

    line: Any
    channel: Hooked
    made: Config

    def hook(self, body: bytes, *, proof: bool = True) -> Hook:
        headers: dict[str, str] = {}
        if proof and isinstance(self.line, WhatsApp):
            headers = graph_wire.signature(body)
        elif proof and isinstance(self.line, Evolution):
            headers = {"x-webhook-secret": self.line.SECRET}
        elif proof and isinstance(self.line, Chatwoot):
            return chatwoot_wire.signed(body, secret=self.line.SECRET, at=int(time.time()))
        elif proof:
            headers = {"x-telegram-bot-api-secret-token": telegram_wire.SECRET}
        return Hook(headers, body)

    def read(self, hook: Hook) -> Sequence[Event]:
        shared: SharedHook | None = equipment.shared_hooks({self.channel.name: self.channel}).get("whatsapp_cloud")
        if shared is None:
            return self.channel.read(hook)
        return [event for _, events in shared.read(hook) for event in events]

    @property
    def secrets(self) -> list[str]:
        settings = self.made.channels[-1]
        names = ("access_token", "app_secret", "verify_token", "api_key", "webhook_secret", "token", "secret_token")
        return [value for value in (getattr(settings, name).get_secret_value() for name in names) if value]

    @property
    def address(self) -> dict[str, str]:
        found = next(e for e in self.read(self.hook(self.line.message("m1", "oi"))) if isinstance(e, Inbound))
        return dict(found.address)

    def text(self, words: str = "Olá") -> Outgoing:
        return Outgoing("c_1.1:0", "c_1", "x", {"parts": []}, 1, address=self.address, text=words)

    def voice(self) -> Outgoing:
        sound = sounds.ogg_opus(1.0)
        return Outgoing("c_1.1:0", "c_1", "x", {"parts": []}, 1, address=self.address, voice=sound, seconds=1.0)


def seam_of(line: Any, **keys: str) -> Seam:
    made = parse(config(FakeOpenAI(), line, channel=keys))
    channel = equipment.channel(made.channels[-1], made)
    assert isinstance(channel, Hooked)
    return Seam(line, channel, made)


@pytest.fixture(params=LINES, ids=lambda make: make.__name__)
async def seam(request: pytest.FixtureRequest) -> AsyncIterator[Seam]:
    async with request.param() as line:
        made = seam_of(line)
        yield made
        await made.channel.close()


@pytest.fixture(params=LINES, ids=lambda make: make.__name__)
async def dead(request: pytest.FixtureRequest) -> AsyncIterator[Seam]:
    """Nobody answers there."""
    async with request.param() as line:
        made = seam_of(line, base_url=f'"{DEAD}"')
        yield made
        await made.channel.close()


# -- in ----------------------------------------------------------------------------------------------

FOLDERS = {
    "WhatsApp": "whatsapp",
    "Evolution": "evolution",
    "Telegram": "telegram",
    "TelegramBusiness": "telegram",
    "Chatwoot": "chatwoot",
}


def samples(line: Line) -> list[tuple[str, bytes]]:
    """Every webhook there is a sample of."""
    folder = FIXTURES / FOLDERS[type(line).__name__]
    names = [*folder.glob("webhook.*.json"), *folder.glob("update.*.json")]
    return [(path.name, path.read_bytes()) for path in sorted(names)]


def test_every_sample_becomes_events_and_none_is_unknown(seam: Seam) -> None:
    assert len(samples(seam.line)) >= (8 if isinstance(seam.line, Chatwoot) else 11)
    for name, body in samples(seam.line):
        told = body if not isinstance(seam.line, Evolution) else _of_ours(seam, body)
        events = seam.read(seam.hook(told))
        assert events, name
        assert [event for event in events if isinstance(event, Unknown)] == [], name
        for event in events:
            _is_whole(event, name)


def _of_ours(seam: Seam, body: bytes) -> bytes:
    """The sample, for the instance that is configured."""
    raw = json.loads(body)
    return json.dumps({**raw, "instance": seam.made.channels[-1].instance}).encode()


def _is_whole(event: Event, name: str) -> None:
    if isinstance(event, Inbound | Echo):
        assert event.id, name
        assert event.contact, name
        assert event.contact not in event.aliases, name
        assert 1_600_000_000_000 < event.at < 2_000_000_000_000, f"{name}: milliseconds"
        assert event.address, name
    if isinstance(event, Inbound):
        says = event.text or event.attachments or event.unreadable or event.meaning != "message"
        assert says, f"{name}: a message that says nothing"
        assert event.meaning == "message" or event.of, name
        assert all(one.ref or one.data for one in event.attachments), name
    if isinstance(event, Status):
        assert event.id, name
    if isinstance(event, Reach):
        assert event.contact, name


def test_a_hook_is_read_without_a_trace(seam: Seam) -> None:
    body = seam.line.message("m1", "oi")
    assert list(seam.read(seam.hook(body))) == list(seam.read(seam.hook(body)))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[1]"])
def test_without_a_proof_nothing_is_read(seam: Seam, body: bytes) -> None:
    for told in (body, seam.line.message("m1", "oi")):
        with pytest.raises(Forged):
            seam.read(seam.hook(told, proof=False))


# -- out ---------------------------------------------------------------------------------------------


async def test_it_sends_words_and_sound_and_gives_the_provider_s_id(seam: Seam) -> None:
    first, second = await seam.channel.send(seam.text()), await seam.channel.send(seam.voice())
    assert first.provider_id
    assert second.provider_id
    assert first.provider_id != second.provider_id
    assert seam.line.sent() == ["Olá", "<voice>"]


async def test_the_id_of_a_send_is_the_id_its_echo_has(seam: Seam) -> None:
    """Or every answer of ours would be a takeover."""
    seam.line.needs("from_the_phone")
    sent = await seam.channel.send(seam.text())
    body = seam.line.from_the_phone(seam.line.ids()[0], "Olá")
    (echo,) = [event for event in seam.read(seam.hook(body)) if isinstance(event, Echo)]
    assert echo.id == sent.provider_id


@pytest.mark.parametrize("text", ["x" * 3999, "\U0001f600" * 1900, "a\u0000b", "linha\n" * 500, "<b>&amp;</b> *_`["])
async def test_what_is_within_the_limit_is_taken(seam: Seam, text: str) -> None:
    limit = seam.channel.capabilities.text_limit
    assert limit >= len(text)
    assert (await seam.channel.send(seam.text(text))).provider_id


async def test_an_answer_that_never_came_is_unsure_and_never_repeated_blindly(seam: Seam) -> None:
    cut = {"zap": graph_wire.CUT, "evo": "cut", "woot": chatwoot_wire.CUT}.get(seam.line.name, telegram_wire.cut)
    method = {"tele": ["sendMessage"], "telebiz": ["sendMessage"], "woot": ["POST messages"]}.get(seam.line.name, [])
    seam.line.fake.next(*method, cut)
    with pytest.raises(ChannelError) as failed:
        await seam.channel.send(seam.text())
    assert failed.value.then is Then.UNSURE


async def test_where_nobody_answers_nothing_was_sent(dead: Seam) -> None:
    for outgoing in (dead.text(), dead.voice()):
        with pytest.raises(ChannelError) as failed:
            await dead.channel.send(outgoing)
        assert failed.value.then is Then.AGAIN


async def test_courtesies_and_checks_raise_nothing(dead: Seam) -> None:
    (message,) = [e for e in dead.read(dead.hook(dead.line.message("m1", "oi"))) if isinstance(e, Inbound)]
    await dead.channel.acknowledge(message)
    for doing in ("composing", "recording", "paused"):
        await dead.channel.show(message.address, message.id, doing)  # type: ignore[arg-type]
    findings = await dead.channel.check()
    assert any(finding.level == "error" for finding in findings)


async def test_a_medium_that_cannot_be_had_says_whether_to_ask_again(dead: Seam) -> None:
    body = dead.line.voice("m1", b"")
    (message,) = [e for e in dead.read(dead.hook(body)) if isinstance(e, Inbound)]
    ref = message.attachments[0].ref if message.attachments else "x"
    with pytest.raises(NotFetched) as failed:
        await dead.channel.fetch(ref or "x", 1000)
    assert failed.value.retryable or not ref


async def test_no_secret_is_ever_said(seam: Seam, dead: Seam, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = [repr(seam.channel), repr(dead.channel), seam.channel.trouble]
    for one in (seam, dead):
        for outgoing in (one.text(), one.voice()):
            try:
                said.append(repr(await one.channel.send(outgoing)))
            except ChannelError as error:
                said += [str(error), error.hint, repr(error)]
        said += [finding.message for finding in await one.channel.check()]
    said += [dead.channel.trouble, caplog.text]
    leaked = [secret for secret in seam.secrets if any(secret in words for words in said)]
    assert leaked == []
