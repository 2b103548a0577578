"""Customers who write to Chatwoot, over the wire: its agent bot answers, people go on there, and give it back."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from gateway.app import Gateway
from storage.model import ConversationId, conversation_id
from storage.store import Unavailable
from tests.fakes.chatwoot import ACCOUNT, BOT, LOST, TEAM, TYPES, FakeChatwoot, signed
from tests.fakes.openai import FakeOpenAI
from tests.story.lines import quiet, until
from tests.story.running import ADMIN, CHANNELS, running, toml

FIXTURES = Path(__file__).parents[1] / "fixtures" / "chatwoot"
INCOMING, AGENT, RESOLVED = (
    orjson.loads((FIXTURES / f"webhook.{name}.json").read_bytes())
    for name in ("message_created.incoming", "message_created.outgoing.agent", "conversation_status_changed")
)
HOOK_SECRET, DESK_SECRET = "hook-secret-of-the-bot", "secret-of-the-account-webhook"
PEOPLE = """
[queues.handoff]
{handoff}
[queues.handoff.desk]
type = "chatwoot"
url = "{url}/"
account_id = {account}
token = "{token}"
{desk}
"""
CHANNEL = """
[[channels]]
name = "widget"
type = "chatwoot"
queue = "loja"
base_url = "{url}"
account_id = {account}
token = "{token}"
webhook_secret = "{secret}"
"""
ON_RESOLVE = f'secret = "{DESK_SECRET}"\nteam_id = {TEAM}\nlabels = ["recado"]'


def config(openai: FakeOpenAI, chatwoot: FakeChatwoot, *, handoff: str = "", desk: str = ON_RESOLVE) -> str:
    given = {"url": chatwoot.url, "account": ACCOUNT, "token": BOT}
    people = PEOPLE.format(handoff=handoff, desk=desk, **given)
    alone = toml(openai.base_url, openai_key=openai.key).replace(CHANNELS, "")
    return alone + people + CHANNEL.format(secret=HOOK_SECRET, **given)


def answered(question: str) -> str:
    """Whoever is asked for a summary writes one."""
    asked = question.startswith("Escreva, em português, um resumo")
    return "Perguntou: Vocês abrem no sábado?" if asked else f"Echo: {question}"


@dataclass
class Widget:
    """Who writes in the inbox, and what Chatwoot posts of it."""

    gateway: Gateway
    chatwoot: FakeChatwoot
    http: aiohttp.ClientSession
    number: int

    @property
    def id(self) -> ConversationId:
        return conversation_id("widget", "3.7")

    @property
    def there(self) -> Any:
        return self.chatwoot.conversations[self.number]

    async def _posted(self, path: str, body: Any, secret: str) -> int:
        hook = signed(json.dumps(body).encode(), secret=secret, at=int(time.time()))
        async with self.http.post(f"{self.gateway.url}{path}", data=hook.body, headers=dict(hook.headers)) as answer:
            return answer.status

    def _about(self, sample: Any, message: Any, status: str) -> Any:
        talk = sample["conversation"] | {"id": self.number, "status": status}
        told = {"id": message["id"], "content": message["content"], "created_at": int(time.time())}
        sender = message["sender"] if message["sender"]["type"] != "contact" else sample["sender"]
        types = {number: word for word, number in TYPES.items()}
        kind = {"message_type": types[message["message_type"]], "private": message["private"]}
        attributes = {"content_attributes": message["content_attributes"]}
        return sample | told | kind | attributes | {"conversation": talk, "sender": sender}

    async def tells(self, message: Any) -> None:
        """The bot is told of a message that stands there, as of every message of its inboxes."""
        sample = INCOMING if message["message_type"] == TYPES["incoming"] else AGENT
        body = self._about(sample, message, self.there.status)
        assert await self._posted("/hooks/chatwoot/widget", body, HOOK_SECRET) == 200

    async def write(self, text: str) -> None:
        """Chatwoot lets a bot have what was resolved and is written in again."""
        if self.there.status == "resolved":
            self.there.status = "pending"
        sender = {"id": 7, "name": "Maria", "type": "contact"}
        await self.tells(self.chatwoot.says(self.number, text, message_type=TYPES["incoming"], sender=sender))

    async def agent_writes(self, text: str) -> None:
        await self.tells(self.chatwoot.says(self.number, text))

    async def resolve(self, *, secret: str = DESK_SECRET, number: int = 0) -> int:
        self.there.status = "resolved"
        at = {"id": number or self.number, "status": "resolved", "timestamp": time.time()}
        return await self._posted("/desks/loja", RESOLVED | at, secret)

    def read(self) -> list[tuple[str, str]]:
        """What the customer sees, and notes among colleagues."""
        return [(who, words.splitlines()[0]) for who, words in self.there.shown]

    async def reads(self, *said: tuple[str, str]) -> None:
        await until(lambda: all(self.read().count(one) >= said.count(one) for one in said), f"{said}: {self.read()}")

    async def held(self) -> str:
        found = await self.gateway.store.conversation(self.id)
        return found.hold.reason if found and found.hold else ""

    async def told_back(self) -> None:
        """Chatwoot posts to the bot what the bot wrote."""
        for message in list(self.there.messages):
            if message["sender"]["type"] == "agent_bot":
                await self.tells(message)


@asynccontextmanager
async def open_widget(tmp_path: Path, **more: Any) -> AsyncIterator[tuple[Widget, FakeOpenAI]]:
    async with FakeOpenAI(answered) as openai, FakeChatwoot() as chatwoot:
        talk = chatwoot.begin("the widget's", "pending")
        async with running(config(openai, chatwoot, **more), tmp_path) as (gateway, contact):
            yield Widget(gateway, chatwoot, contact.http, talk.id), openai


@pytest.fixture
async def widget(tmp_path: Path) -> AsyncIterator[Widget]:
    async with open_widget(tmp_path) as (widget, _):
        yield widget


async def test_from_the_bot_to_people_and_back(widget: Widget) -> None:
    await widget.write("Vocês abrem no sábado?")
    await widget.reads(("agent", "Echo: Vocês abrem no sábado?"))
    assert widget.there.status == "pending"

    await widget.write("quero falar com um atendente")
    await until(lambda: widget.there.status == "open" and len(widget.there.messages) == 5, "people are called")
    kinds = [who for who, _ in widget.there.shown]
    assert (kinds.count("agent"), kinds.count("note"), kinds.count("contact")) == (2, 1, 2), "nothing is carried there"
    note = next(words for who, words in widget.there.shown if who == "note")
    assert "**Contato**: Maria (3.7)" in note
    assert "Vocês abrem no sábado?" in note
    assert (widget.there.team, widget.there.labels) == (TEAM, ["recado"])
    assert await widget.held() == "wish"
    answers = [one for one in widget.there.messages if one["message_type"] == TYPES["outgoing"] and not one["private"]]
    assert [one["source_id"] for one in answers] == [None, None], "Chatwoot would send nothing on"

    await widget.agent_writes("Aqui é a recepção.")
    await widget.told_back()
    await widget.write("Que bom!")
    await quiet(widget.gateway)
    assert await widget.held() == "wish"
    assert widget.read()[-1] == ("contact", "Que bom!"), "the assistant is silent"

    assert await widget.resolve() == 200
    assert not await widget.held()
    await quiet(widget.gateway)
    assert widget.there.status == "resolved", "what people resolved stays so"
    assert len(widget.chatwoot.asked("POST toggle_status")) == 1, "and is not resolved by us again"
    await widget.write("E no domingo?")
    await widget.reads(("agent", "Echo: E no domingo?"))
    receipts = {one.delivery: one.status for one in await widget.gateway.store.receipts(widget.id)}
    assert set(receipts.values()) == {"sent"}


async def test_an_agent_who_comes_unasked_has_it_until_it_is_resolved(widget: Widget) -> None:
    await widget.write("Oi")
    await widget.reads(("agent", "Echo: Oi"))
    await widget.agent_writes("Eu assumo daqui.")
    assert await widget.held() == "person_answered_elsewhere"
    await until(lambda: widget.there.status == "open", "who came is shown there as who has it")
    await widget.write("Obrigada")
    await quiet(widget.gateway)
    assert ("agent", "Echo: Obrigada") not in widget.read()

    assert await widget.resolve(number=4711) == 200
    assert await widget.held(), "somebody else's"
    assert await widget.resolve() == 200
    assert not await widget.held()
    await widget.write("Mais uma coisa")
    await widget.reads(("agent", "Echo: Mais uma coisa"))


async def test_what_cannot_be_kept_is_asked_for_again_in_the_way_chatwoot_understands(
    widget: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = {"id": 7, "name": "Maria", "type": "contact"}
    message = widget.chatwoot.says(widget.number, "Oi", message_type=TYPES["incoming"], sender=sender)
    body = widget._about(INCOMING, message, "pending")

    async def full(*_: Any) -> Any:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(widget.gateway.store, "accept", full)
        assert await widget._posted("/hooks/chatwoot/widget", body, HOOK_SECRET) == 500
    assert await widget._posted("/hooks/chatwoot/widget", body, HOOK_SECRET) == 200
    await widget.reads(("agent", "Echo: Oi"))


async def test_what_agents_write_is_told_by_one_hook_only(widget: Widget) -> None:
    """Also where the account's webhook tells of messages: nothing is said twice."""
    await widget.write("quero falar com um atendente")
    await until(lambda: widget.there.status == "open", "people are called")
    await quiet(widget.gateway)
    before = len(widget.there.messages)
    message = widget.chatwoot.says(widget.number, "Bom dia")
    body = widget._about(AGENT, message, "open")
    assert await widget._posted("/desks/loja", body, DESK_SECRET) == 200
    await quiet(widget.gateway)
    assert len(widget.there.messages) == before + 1


async def test_a_customer_s_second_conversation_is_where_people_are_called(widget: Widget) -> None:
    await widget.write("quero falar com um atendente")
    await until(lambda: widget.there.status == "open", "people are called")
    await quiet(widget.gateway)
    first = widget.number
    assert await widget.resolve() == 200
    await quiet(widget.gateway)

    widget.number = widget.chatwoot.begin("the widget's", "pending").id
    await widget.write("quero falar com um atendente")
    await until(lambda: widget.there.status == "open", "people are called")
    await quiet(widget.gateway)
    assert "note" in dict(widget.there.shown)
    assert await widget.resolve(number=first) == 200
    assert await widget.held(), "of the first one, again"
    assert await widget.resolve() == 200
    assert not await widget.held()


async def test_an_answer_whose_fate_nobody_knew_is_known_when_chatwoot_tells_of_it(widget: Widget) -> None:
    widget.chatwoot.next("POST messages", LOST)
    await widget.write("Oi")
    await widget.reads(("agent", "Echo: Oi"))

    async def fate() -> str:
        receipts = await widget.gateway.store.receipts(widget.id)
        return receipts[-1].status if receipts else ""

    assert await until(fate) == "unsure"
    await widget.told_back()
    assert await fate() == "sent"
    await quiet(widget.gateway)
    assert widget.read().count(("agent", "Echo: Oi")) == 1


async def test_who_does_not_prove_itself_is_not_heard(widget: Widget) -> None:
    assert await widget._posted("/hooks/chatwoot/widget", INCOMING, DESK_SECRET) == 401
    await widget.write("quero falar com um atendente")
    await until(lambda: widget.there.status == "open", "people are called")
    await quiet(widget.gateway)
    assert await widget.resolve(secret=HOOK_SECRET) == 401
    assert await widget.held() == "wish"


async def test_without_a_webhook_people_are_called_all_the_same(tmp_path: Path) -> None:
    async with open_widget(tmp_path, handoff='resume = "manual"', desk="") as (widget, _):
        await widget.write("quero falar com um atendente")
        await until(lambda: widget.there.status == "open", "people are called")
        await quiet(widget.gateway)
        assert await widget.resolve(secret="") == 401
        assert await widget.held() == "wish"
        widget.there.status = "open"
        url, key = f"{widget.gateway.url}/v1/conversations/{widget.id}/release", {"Authorization": f"Bearer {ADMIN}"}
        async with widget.http.post(url, json={}, headers=key) as answer:
            assert answer.status == 200
        await until(lambda: widget.there.status == "pending", "the bot has it again")
