"""The configuration changed while messages waited: they still get an outcome, and an honest one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.config import parse
from storage.model import ConversationId
from tests.fakes.openai import FakeOpenAI
from tests.story.running import CHANNELS, running, toml


async def test_a_queue_that_is_gone_leaves_its_contacts_to_the_channels_queue(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        before = toml(openai.base_url, openai_key=openai.key)
        async with running(before, tmp_path) as (_, contact):
            await contact.ask("oi")
        after = before.replace('name = "loja"', 'name = "vendas"').replace('queue = "loja"', 'queue = "vendas"')
        async with running(after, tmp_path) as (_, later):
            later.id, later.conversation = contact.id, contact.conversation
            status, reply = await later.post(later.message("e agora?") | {"id": "new"}, wait=60)
            assert (status, reply["outcome"]) == (200, "answered")


@pytest.mark.file
async def test_a_channel_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        before = toml(openai.base_url, openai_key=openai.key, interval=600_000, max_wait=600_000)
        async with running(before, tmp_path) as (_, contact):
            await contact.say("oi")
        renamed = CHANNELS.replace('name = "api"', 'name = "x"')
        now = toml(openai.base_url, openai_key=openai.key).replace(CHANNELS, renamed)
        async with Gateway(parse(now, root=tmp_path)) as gateway:
            store, id = gateway.store, ConversationId(contact.conversation)
            entry = (await store.recent(id, 1))[0]
            await wake(gateway, id)
            with gateway.live.watch(id) as bell:
                while not (receipts := await store.receipts(id)):
                    await bell.wait(1)
            turn = await store.turn_covering(id, entry.seq)
            assert turn is not None
            assert (turn.outcome, receipts[0].detail) == ("answered", "channel_not_configured")


async def wake(gateway: Gateway, id: ConversationId) -> None:
    """End the window now, as ten minutes would."""
    writer = gateway.store._writer  # type: ignore[attr-defined]
    sql = "UPDATE lane SET wake_at = 1, due_at = 1 WHERE key = ?"
    await writer.ask(lambda: writer.db.execute(sql, (id,)))
    gateway._loops[0].ring(id)  # type: ignore[index]
