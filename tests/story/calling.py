"""A gateway with queues for OpenAI's client library, and the library itself as the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from gateway.app import Gateway
from tests.fakes.openai import FakeOpenAI
from tests.story.running import DEAF, QUEUE, SILENT, running, toml

PROGRAM = "program-key-0123456789"
OLD_ID = "asst_abc123OldProgram456"
MARKER = "Ação: Transferir para o setor de atendimento"


def served(openai: FakeOpenAI, *, channel: str = "", **settings: Any) -> str:
    """The queue `loja`, the queue `clinica` with its old assistant's id, and a channel for programs."""
    settings = {"interval": 30, "max_wait": 2000, "mode": "quiet", "format": "text", "voice": SILENT} | settings
    settings.setdefault("hearing", DEAF)
    first = toml(openai.base_url, openai_key=openai.key, **settings)
    second = QUEUE.format(openai_url=openai.base_url, openai_key=openai.key, **settings)
    second = second.replace('name = "loja"', 'name = "clinica"')
    second = second.replace('model = "gpt-6-luna"', f'model = "gpt-6-luna"\nassistant_id = "{OLD_ID}"')
    second = second.replace("atendente da loja", "Ana, da clínica")
    return first + second + f'[[channels]]\nname = "programs"\ntype = "openai"\nkey = "{PROGRAM}"\n{channel}\n'


def client(gateway: Gateway, key: str = PROGRAM, **more: Any) -> AsyncOpenAI:
    """As a program is written: everything but the two lines about where and who is left at its default."""
    return AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, **more)


@asynccontextmanager
async def program(folder: Path, **settings: Any) -> AsyncIterator[tuple[FakeOpenAI, AsyncOpenAI, Gateway]]:
    async with FakeOpenAI() as upstream, running(served(upstream, **settings), folder) as (gateway, _):
        async with client(gateway) as openai:
            yield upstream, openai, gateway
