"""What breaks between a program and the gateway, and inside it: nothing is lost, nobody is asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from storage.store import Unavailable
from tests.fakes.openai import FakeOpenAI, spoken
from tests.story.calling import PROGRAM, client, program, served
from tests.story.running import running
from tests.story.served import Served

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]

OI: Any = [{"role": "user", "content": "oi"}]


class Line:
    """A wire between a program and the gateway that swallows whole answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.swallow = 0
        """So many of the next answers never arrive: the connection ends instead."""
        self.swallowed = 0
        self._calls: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """Its address."""
        server = await asyncio.start_server(self._call, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            for call in self._calls:
                call.cancel()  # else the server waits, since Python 3.12, until the idle ones are let go

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if call := asyncio.current_task():
            self._calls.add(call)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        asking = asyncio.create_task(_copied(reader, back))
        try:
            while data := await there.read(65_536):
                if self.swallow:
                    self.swallow, self.swallowed = self.swallow - 1, self.swallowed + 1
                    return
                writer.write(data)
                await writer.drain()
        finally:
            asking.cancel()
            back.close()
            writer.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def over_a_bad_line(folder: Path) -> AsyncIterator[tuple[FakeOpenAI, AsyncOpenAI, Line]]:
    async with program(folder) as (upstream, _, gateway):
        line = Line(int(gateway.url.rpartition(":")[2]))
        async with line.laid() as url, AsyncOpenAI(base_url=url, api_key=PROGRAM) as caller:
            yield upstream, caller, line


async def test_a_lost_answer_is_given_again(tmp_path: Path) -> None:
    async with over_a_bad_line(tmp_path) as (upstream, caller, line):
        line.swallow = 2
        made = await caller.chat.completions.create(model="loja", messages=OI, user="lia")
        assert made.choices[0].message.content == "Echo: oi"
        assert (line.swallowed, len(upstream.asked)) == (2, 1)


async def test_lost_answers_make_no_second_message_and_no_second_run(tmp_path: Path) -> None:
    async with over_a_bad_line(tmp_path) as (upstream, caller, line):
        thread = await caller.beta.threads.create()
        line.swallow = 1
        await caller.beta.threads.messages.create(thread.id, role="user", content="oi")
        line.swallow = 1
        run = await caller.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert run.status == "completed"
        listed = [message async for message in caller.beta.threads.messages.list(thread.id)]
        assert [message.role for message in listed] == ["assistant", "user"]
        assert (line.swallowed, len(upstream.asked)) == (2, 1)


async def test_who_hangs_up_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()
    async with program(tmp_path) as (upstream, caller, _):
        upstream.play(spoken("Uma resposta longa.", gate=release))
        stream = await caller.responses.create(model="loja", input="oi", stream=True)
        begun = await anext(aiter(stream))
        assert begun.type == "response.created"
        await asyncio.wait_for(upstream.arrived.wait(), 60)
        await stream.close()
        release.set()
        while (made := await caller.responses.retrieve(begun.response.id)).status == "in_progress":
            await asyncio.sleep(0.01)
        assert made.output_text == "Uma resposta longa."
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


async def test_a_store_that_cannot_write_is_a_503_that_is_repeated(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, caller, gateway):
        accept, refusals = gateway.store.accept, iter([Unavailable("disk full", 0.01)] * 2)

        async def full(*args: Any) -> Any:
            if error := next(refusals, None):
                raise error
            return await accept(*args)

        gateway.store.accept = full  # type: ignore[method-assign]
        impatient = caller.with_options(max_retries=0)
        with pytest.raises(openai.InternalServerError) as caught:
            await impatient.chat.completions.create(model="loja", messages=OI)
        assert (caught.value.status_code, caught.value.response.headers["Retry-After"]) == (503, "1")
        made = await caller.chat.completions.create(model="loja", messages=OI)
        assert made.choices[0].message.content == "Echo: oi"
        assert len(upstream.asked) == 1


async def test_a_surprise_says_nothing_of_the_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with program(tmp_path) as (_, caller, gateway):

        async def broken(*_: Any) -> Any:
            raise LookupError("a secret detail")

        gateway.store.accept = broken  # type: ignore[method-assign]
        with pytest.raises(openai.InternalServerError) as caught:
            await caller.with_options(max_retries=0).chat.completions.create(model="loja", messages=OI)
        assert "secret" not in str(caught.value)
        assert "a secret detail" in caplog.text, "the operator is told"


async def test_who_waits_while_the_gateway_stops_asks_again_and_gets_it(tmp_path: Path) -> None:
    """A restart on the same address: the library's own repetition is all that a program needs."""
    async with FakeOpenAI() as upstream:
        upstream.play(spoken("Nunca.", gate=asyncio.Event()))
        async with running(served(upstream), tmp_path) as (gateway, _):
            port = gateway.url.rpartition(":")[2]
            caller = client(gateway, max_retries=8)
            asking = asyncio.create_task(
                caller.chat.completions.create(model="loja", messages=OI, user="lia")
            )
            await asyncio.wait_for(upstream.arrived.wait(), 60)
        async with running(served(upstream).replace("port = 0", f"port = {port}"), tmp_path), caller:
            made = await asking
            assert made.choices[0].message.content == "Echo: oi"
            listed = (made.model_extra or {})["recado"]
            assert listed["turn"].endswith(".2"), "the same message, on its second claim"


@pytest.mark.kill
async def test_a_gateway_that_is_killed_keeps_a_threads_message_and_run(tmp_path: Path) -> None:
    async with FakeOpenAI() as upstream:
        config = tmp_path / "recado.toml"
        config.write_text(served(upstream), "utf-8")
        gateway = Served(config)
        caller = AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=PROGRAM, max_retries=8)
        await gateway.start()
        thread = await caller.beta.threads.create(metadata={"order": "17"})
        await caller.beta.threads.messages.create(thread.id, role="user", content="oi")
        await gateway.kill()
        await gateway.start()
        upstream.play(spoken("Nunca.", gate=asyncio.Event()))
        run = await caller.beta.threads.runs.create(thread.id, assistant_id="clinica")
        await asyncio.wait_for(upstream.arrived.wait(), 60)
        await gateway.kill()
        await gateway.start()
        try:
            run = await caller.beta.threads.runs.poll(run.id, thread.id)
            assert run.status == "completed"
            (message,) = (await caller.beta.threads.messages.list(thread.id, run_id=run.id)).data
            assert message.content[0].text.value == "Echo: oi"  # type: ignore[union-attr]
            assert (await caller.beta.threads.retrieve(thread.id)).metadata == {"order": "17"}
        finally:
            await gateway.terminate()
            await caller.close()
