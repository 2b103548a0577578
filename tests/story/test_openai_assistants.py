"""The Assistants API lives on: programs written for it, run by the library they were written with.

OpenAI answers 404 to all of this since 2026-08-26; its library still has the methods, marked as deprecated.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncAssistantEventHandler, AsyncOpenAI
from typing_extensions import override

from tests.fakes.openai import FakeOpenAI, incomplete, refused, spoken
from tests.story.calling import MARKER, OLD_ID, PROGRAM, client, program, served
from tests.story.running import ADMIN, running

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def recado(thing: Any) -> dict[str, Any]:
    extension: dict[str, Any] = thing.model_extra["recado"]
    return extension


async def texts(openai_: AsyncOpenAI, thread: str, **query: Any) -> list[tuple[str, str]]:
    listed = openai_.beta.threads.messages.list(thread, **{"order": "asc"} | query)
    return [(message.role, message.content[0].text.value) async for message in listed]  # type: ignore[union-attr]


# -- the story ---------------------------------------------------------------------------------------


async def test_a_program_from_before_works_as_it_did(tmp_path: Path) -> None:
    """OpenAI's own quickstart; only base_url and the key are other ones."""
    async with program(tmp_path) as (upstream, _, gateway):
        client = AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=PROGRAM)

        thread = await client.beta.threads.create()
        await client.beta.threads.messages.create(
            thread_id=thread.id, role="user", content="I need to solve the equation `3x + 11 = 14`. Can you help me?"
        )
        run = await client.beta.threads.runs.create_and_poll(
            thread_id=thread.id,
            assistant_id=OLD_ID,
            instructions="Please address the user as Jane Doe. The user has a premium account.",
        )
        if run.status == "completed":
            messages = await client.beta.threads.messages.list(thread_id=thread.id)
            said = messages.data[0].content[0].text.value  # type: ignore[union-attr]
        else:
            said = run.status

        await client.close()
        assert said == "Echo: I need to solve the equation `3x + 11 = 14`. Can you help me?"
        assert run.assistant_id == OLD_ID
        assert [message.role for message in messages.data] == ["assistant", "user"]
        assert messages.data[0].run_id == run.id
        assert messages.data[0].assistant_id == OLD_ID
        (asked,) = upstream.asked
        assert "Ana, da clínica" in asked.instructions
        assert "Jane Doe" in asked.instructions


class Handler(AsyncAssistantEventHandler):
    """As in OpenAI's documentation."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    @override
    async def on_text_created(self, text: Any) -> None:
        self.calls.append("created")

    @override
    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.calls.append(delta.value)

    @override
    async def on_text_done(self, text: Any) -> None:
        self.calls.append(f"done: {text.value}")


async def test_a_program_with_an_event_handler(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        text = "Bom dia! A consulta custa R$ 250. Até logo."
        upstream.play(spoken(text))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        async with openai_.beta.threads.runs.stream(
            thread_id=thread.id, assistant_id="clinica", event_handler=Handler()
        ) as stream:
            events = [event async for event in stream]
        kinds = [event.event for event in events if event.event != "thread.message.delta"]
        assert kinds == [
            "thread.run.created",
            "thread.run.queued",
            "thread.run.in_progress",
            "thread.run.step.created",
            "thread.run.step.in_progress",
            "thread.message.created",
            "thread.message.in_progress",
            "thread.message.completed",
            "thread.run.step.completed",
            "thread.run.completed",
        ]
        final = (await stream.get_final_messages())[0]
        assert final.content[0].text.value == text  # type: ignore[union-attr]
        assert stream.calls[0] == "created"
        assert "".join(stream.calls[1:-1]) == text
        assert stream.calls[-1] == f"done: {text}"
        listed = [m async for m in openai_.beta.threads.messages.list(thread.id, limit=1)]
        assert listed[0].id == final.id, "what was streamed is what is kept"


async def test_thread_and_run_in_one(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        run = await openai_.beta.threads.create_and_run_poll(
            assistant_id="loja", thread={"messages": [{"role": "user", "content": "oi"}], "metadata": {"a": "b"}}
        )
        assert await texts(openai_, run.thread_id) == [("user", "oi"), ("assistant", "Echo: oi")]
        assert (await openai_.beta.threads.retrieve(run.thread_id)).metadata == {"a": "b"}
        stream = await openai_.beta.threads.create_and_run(
            assistant_id="loja", thread={"messages": [{"role": "user", "content": "oi"}]}, stream=True
        )
        kinds = [event.event async for event in stream]
        assert (kinds[0], kinds[-1]) == ("thread.created", "thread.run.completed")


# -- assistants --------------------------------------------------------------------------------------


async def test_the_queues_are_the_assistants(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        listed = [assistant async for assistant in openai_.beta.assistants.list(order="asc")]
        assert [(one.id, one.name) for one in listed] == [("loja", "loja"), (OLD_ID, "clinica")]
        for id in ("clinica", OLD_ID):
            assert (await openai_.beta.assistants.retrieve(id)).id == OLD_ID
        with pytest.raises(openai.NotFoundError) as gone:
            await openai_.beta.assistants.retrieve("asst_nobody")
        assert "No assistant found with id 'asst_nobody'" in str(gone.value)
        for change in (
            openai_.beta.assistants.create(model="loja"),
            openai_.beta.assistants.update(OLD_ID, name="x"),
            openai_.beta.assistants.delete(OLD_ID),
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                await change
            assert caught.value.code == "assistants_are_queues"


# -- threads and messages ----------------------------------------------------------------------------


async def test_nothing_is_answered_before_a_run(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create()
        for text in ("um", "dois", "três"):
            await openai_.beta.threads.messages.create(thread.id, role="user", content=text)
        assert not upstream.asked
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert await texts(openai_, thread.id) == [
            ("user", "um"),
            ("user", "dois"),
            ("user", "três"),
            ("assistant", "Echo: um\ndois\ntrês"),
        ]
        await openai_.beta.threads.messages.create(thread.id, role="user", content="quatro")
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert [words for _, words in upstream.asked[1].said if "Echo" in words] == ["Echo: um\ndois\ntrês"]
        assert upstream.asked[1].question == "quatro"
        assert len(upstream.asked) == 2


async def test_metadata_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with FakeOpenAI() as upstream:
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            thread = await openai_.beta.threads.create(metadata={"of": "thread"})
            message = await openai_.beta.threads.messages.create(
                thread.id, role="user", content="oi", metadata={"of": "message"}
            )
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            assert not upstream.asked, "a restart lets no thread go"
            run = await openai_.beta.threads.runs.create_and_poll(
                thread_id=thread.id, assistant_id="loja", metadata={"of": "run"}
            )
            assert (run.status, run.metadata) == ("completed", {"of": "run"})
            assert (await openai_.beta.threads.retrieve(thread.id)).metadata == {"of": "thread"}
            found = await openai_.beta.threads.messages.retrieve(message.id, thread_id=thread.id)
            assert (found.metadata, found.id) == ({"of": "message"}, message.id)
            changed = await openai_.beta.threads.update(thread.id, metadata={"of": "somebody else"})
            assert changed.metadata == {"of": "somebody else"}
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            assert (await openai_.beta.threads.retrieve(thread.id)).metadata == {"of": "somebody else"}
            runs = [one async for one in openai_.beta.threads.runs.list(thread.id)]
            assert [one.metadata for one in runs] == [{"of": "run"}]


async def test_a_thread_begins_with_what_was_said_before(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create(
            messages=[
                {"role": "user", "content": "meu nome é Lia"},
                {"role": "assistant", "content": "Olá, Lia!"},
                {"role": "user", "content": "oi"},
            ]
        )
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert upstream.asked[0].question == "oi"
        assert [words for _, words in upstream.asked[0].said if "Lia" in words] == ["meu nome é Lia", "Olá, Lia!"]
        await openai_.beta.threads.messages.create(thread.id, role="user", content="e agora?")
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        spoken_before = [words for _, words in upstream.asked[1].said]
        assert [w for w in spoken_before if w in ("meu nome é Lia", "Olá, Lia!", "oi", "Echo: oi")] == [
            "meu nome é Lia",
            "Olá, Lia!",
            "oi",
            "Echo: oi",
        ]
        assert [role for role, _ in await texts(openai_, thread.id)] == [
            "user",
            "assistant",
            "user",
            "assistant",
            "user",
            "assistant",
        ]


async def test_a_picture_in_a_thread_is_looked_at_and_kept(tmp_path: Path) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    parts: Any = [{"type": "text", "text": "olhe"}, {"type": "image_url", "image_url": {"url": url}}]
    async with program(tmp_path) as (upstream, openai_, gateway):
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": parts}])
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert base64.b64encode(PNG).decode() in str(upstream.asked[0].json["input"])
        first = (await openai_.beta.threads.messages.list(thread.id, order="asc")).data[0]
        assert [part.type for part in first.content] == ["text", "image_url"]
        kept = first.content[1].image_url.url.rpartition("/")[2]  # type: ignore[union-attr]
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {PROGRAM}"}) as http:
            async with http.get(f"{gateway.url}/v1/media/{kept}") as answer:
                assert await answer.read() == PNG


async def test_lists_are_paged(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        thread = await openai_.beta.threads.create()
        for i in range(5):
            await openai_.beta.threads.messages.create(thread.id, role="user", content=str(i))
        messages = openai_.beta.threads.messages
        newest = await messages.list(thread.id, limit=2)
        assert [m.content[0].text.value for m in newest.data] == ["4", "3"]  # type: ignore[union-attr]
        assert newest.has_more
        assert [text for _, text in await texts(openai_, thread.id, limit=2)] == ["0", "1", "2", "3", "4"]
        second = await messages.list(thread.id, limit=2, after=newest.data[-1].id)
        assert [m.content[0].text.value for m in second.data] == ["2", "1"]  # type: ignore[union-attr]
        back = await messages.list(thread.id, limit=1, before=second.data[-1].id)
        assert [m.content[0].text.value for m in back.data] == ["2"]  # type: ignore[union-attr]
        for wrong in ({"limit": 101}, {"order": "up"}, {"after": "msg_nobody"}):
            with pytest.raises(openai.BadRequestError):
                await messages.list(thread.id, **wrong)  # type: ignore[arg-type]


async def test_a_deleted_thread_is_found_no_more(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, openai_, _):
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        assert (await openai_.beta.threads.delete(thread.id)).deleted
        for look in (
            openai_.beta.threads.retrieve(thread.id),
            openai_.beta.threads.messages.create(thread.id, role="user", content="oi"),
            openai_.beta.threads.runs.create(thread.id, assistant_id="loja"),
            openai_.beta.threads.delete(thread.id),
        ):
            with pytest.raises(openai.NotFoundError):
                await look


async def test_a_thread_is_its_channels_own(tmp_path: Path) -> None:
    other = '[[channels]]\nname = "others"\ntype = "openai"\nkey = "other-program-key-01"\n'
    async with FakeOpenAI() as upstream, running(served(upstream) + other, tmp_path) as (gateway, _):
        async with client(gateway) as mine, client(gateway, "other-program-key-01") as theirs:
            thread = await mine.beta.threads.create()
            for id in (thread.id, "thread_nobody", "thread_" + "0" * 32):
                with pytest.raises(openai.NotFoundError) as caught:
                    await theirs.beta.threads.retrieve(id)
                assert f"No thread found with id '{id}'" in str(caught.value)


# -- runs --------------------------------------------------------------------------------------------


async def test_one_run_at_a_time_and_no_message_meanwhile(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken("Pronto.", gate=release))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        runs = await asyncio.gather(
            *(openai_.beta.threads.runs.create(thread.id, assistant_id="loja") for _ in range(5)),
            return_exceptions=True,
        )
        begun = [run for run in runs if not isinstance(run, BaseException)]
        refused_ = [str(run) for run in runs if isinstance(run, openai.BadRequestError)]
        assert (len(begun), len(refused_)) == (1, 4)
        assert all(f"Thread {thread.id} already has an active run {begun[0].id}." in text for text in refused_)
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.beta.threads.messages.create(thread.id, role="user", content="e?")
        assert f"Can't add messages to {thread.id} while a run {begun[0].id} is active." in str(caught.value)
        release.set()
        run = await openai_.beta.threads.runs.poll(begun[0].id, thread.id)
        assert run.status == "completed"
        await openai_.beta.threads.messages.create(thread.id, role="user", content="e?")
        assert len(upstream.asked) == 1


async def test_a_run_is_cancelled(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(spoken("Nunca.", gate=asyncio.Event()))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        run = await openai_.beta.threads.runs.create(thread.id, assistant_id="loja")
        await asyncio.wait_for(upstream.arrived.wait(), 60)
        stopped = await openai_.beta.threads.runs.cancel(run.id, thread_id=thread.id)
        assert stopped.status == "cancelled"
        assert stopped.cancelled_at
        with pytest.raises(openai.BadRequestError) as caught:
            await openai_.beta.threads.runs.cancel(run.id, thread_id=thread.id)
        assert "Cannot cancel run with status 'cancelled'." in str(caught.value)
        await openai_.beta.threads.messages.create(thread.id, role="user", content="outra vez")
        again = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert again.status == "completed"
        assert [role for role, _ in await texts(openai_, thread.id)] == ["user", "user", "assistant"]


async def test_a_run_brings_messages_and_instructions(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create()
        run = await openai_.beta.threads.runs.create_and_poll(
            thread_id=thread.id,
            assistant_id="clinica",
            additional_instructions="Fale como um pirata.",
            additional_messages=[{"role": "user", "content": "oi"}],
        )
        assert run.instructions == "Fale como um pirata."
        assert "pirata" in upstream.asked[0].instructions
        assert await texts(openai_, thread.id, run_id=run.id) == [("assistant", "Echo: oi")]
        steps = [step async for step in openai_.beta.threads.runs.steps.list(run.id, thread_id=thread.id)]
        (step,) = steps
        assert step.step_details.type == "message_creation"
        made = step.step_details.message_creation.message_id
        assert (await openai_.beta.threads.messages.retrieve(made, thread_id=thread.id)).run_id == run.id
        found = await openai_.beta.threads.runs.steps.retrieve(step.id, thread_id=thread.id, run_id=run.id)
        assert found == step
        assert run.usage is not None
        assert run.usage.total_tokens == 450
        assert (await openai_.beta.threads.runs.retrieve(run.id, thread_id=thread.id)) == run


async def test_another_assistant_goes_on_in_the_same_thread(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "um"}])
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        await openai_.beta.threads.messages.create(thread.id, role="user", content="dois")
        await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=OLD_ID)
        first, second = upstream.asked
        assert "atendente da loja" in first.instructions
        assert "Ana, da clínica" in second.instructions
        assert "Echo: um" in [words for _, words in second.said]


async def test_a_run_without_anything_new_says_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create()
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert (run.status, recado(run)["outcome"]) == ("completed", "ignored")
        assert await texts(openai_, thread.id) == []
        assert not upstream.asked


async def test_handing_over_and_a_person_who_has_it(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, gateway):
        upstream.play(spoken(MARKER))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "meu pedido sumiu"}])
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert (run.status, recado(run)["outcome"]) == ("completed", "transferred")
        said = await texts(openai_, thread.id)
        assert said[-1][1].startswith("Vou chamar uma pessoa")
        await openai_.beta.threads.messages.create(thread.id, role="user", content="oi?")
        silent = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert (silent.status, recado(silent)["outcome"]) == ("completed", "held")
        assert len(await texts(openai_, thread.id)) == 3
        conversation = recado(thread)["conversation"]
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN}"}) as http:
            async with http.post(f"{gateway.url}/v1/conversations/{conversation}/release") as answer:
                assert answer.status == 200
        await openai_.beta.threads.messages.create(thread.id, role="user", content="e agora?")
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert (await texts(openai_, thread.id))[-1] == ("assistant", "Echo: e agora?")


async def test_an_assistant_that_fails_hands_over(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(refused(401, "invalid_api_key"))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert (run.status, recado(run)["reason"]) == ("completed", "assistant_failed:invalid_api_key")


async def test_an_answer_that_was_cut_is_incomplete(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        upstream.play(incomplete())
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        assert run.status == "incomplete"
        assert run.incomplete_details is not None
        (message,) = (await openai_.beta.threads.messages.list(thread.id, run_id=run.id)).data
        assert message.status == "incomplete"


async def test_a_spoken_answer_is_text_and_a_link_to_the_sound(tmp_path: Path) -> None:
    async with program(tmp_path, format="voice") as (upstream, openai_, gateway):
        upstream.play(spoken("Custa R$ 250."))
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        run = await openai_.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        (message,) = (await openai_.beta.threads.messages.list(thread.id, run_id=run.id)).data
        assert message.content[0].text.value == "Custa R$ 250."  # type: ignore[union-attr]
        voice = recado(message)["voice"]
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {PROGRAM}"}) as http:
            async with http.get(f"{gateway.url}/v1/media/{voice['id']}") as answer:
                assert (await answer.read()).startswith(b"OggS")


async def test_what_is_not_served_is_refused(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):
        thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
        runs, messages = openai_.beta.threads.runs, openai_.beta.threads.messages
        function: Any = {"type": "function", "function": {"name": "f"}}
        part: Any = {"type": "image_file", "image_file": {"file_id": "file_1"}}
        files: Any = [{"file_id": "f", "tools": []}]
        stores: Any = {"file_search": {"vector_store_ids": ["v"]}}
        for refused_, param in (
            (runs.create(thread.id, assistant_id="loja", tools=[function]), "tools"),
            (runs.create(thread.id, assistant_id="loja", response_format={"type": "json_object"}), "response_format"),
            (messages.create(thread.id, role="user", content=[part]), "content[0].type"),
            (messages.create(thread.id, role="user", content="x", attachments=files), "attachments"),
            (messages.create(thread.id, role="user", content=" "), "content"),
            (openai_.beta.threads.create(metadata={"k": "v" * 513}), "metadata.k"),
            (openai_.beta.threads.create(tool_resources=stores), "tool_resources"),
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                await refused_
            assert caught.value.param == param
        with pytest.raises(openai.NotFoundError) as nobody:
            await runs.create(thread.id, assistant_id="asst_nobody")
        assert nobody.value.param == "assistant_id"
        assert not upstream.asked
        run = await runs.create_and_poll(thread_id=thread.id, assistant_id="loja")
        for never in (
            runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=[]),
            runs.update(run.id, thread_id=thread.id, metadata={}),
            messages.delete("msg_1", thread_id=thread.id),
        ):
            with pytest.raises(openai.BadRequestError):
                await never


# -- the same call again, and a process that dies ------------------------------------------------------


async def test_a_repeated_message_and_a_repeated_run_are_one(tmp_path: Path) -> None:
    """A message and a run whose answers were lost on the way: the library sends both again."""
    async with FakeOpenAI() as upstream:
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            thread = await openai_.beta.threads.create()
            await openai_.beta.threads.messages.create(thread.id, role="user", content="oi")
        again: Any = {"extra_headers": {"x-stainless-retry-count": "1"}}
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            await openai_.beta.threads.messages.create(thread.id, role="user", content="oi", **again)
            run = await openai_.beta.threads.runs.create(thread.id, assistant_id="loja")
            run = await openai_.beta.threads.runs.poll(run.id, thread.id)
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            same = await openai_.beta.threads.runs.create(thread.id, assistant_id="loja", **again)
            assert (same.id, same.status) == (run.id, "completed")
            assert await texts(openai_, thread.id) == [("user", "oi"), ("assistant", "Echo: oi")]
        assert len(upstream.asked) == 1


async def test_a_run_that_nobody_let_go_is_let_go_when_it_is_looked_at(tmp_path: Path) -> None:
    """The process died between posting the run and letting the lane go."""
    async with FakeOpenAI() as upstream:
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            thread = await openai_.beta.threads.create(messages=[{"role": "user", "content": "oi"}])
            pause, gateway.store.pause = gateway.store.pause, _only_pauses(gateway.store.pause)  # type: ignore[method-assign]
            run = await openai_.beta.threads.runs.create(thread.id, assistant_id="loja")
            gateway.store.pause = pause  # type: ignore[method-assign]
        async with running(served(upstream), tmp_path) as (gateway, _), client(gateway) as openai_:
            assert not upstream.asked
            run = await asyncio.wait_for(openai_.beta.threads.runs.poll(run.id, thread.id), 60)
            assert run.status == "completed"
            assert len(upstream.asked) == 1


def _only_pauses(pause: Any) -> Any:
    async def only_pauses(kind: Any, key: Any, why: Any) -> None:
        if why is not None:
            await pause(kind, key, why)

    return only_pauses


async def test_threads_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async with program(tmp_path) as (upstream, openai_, _):

        async def talk(i: int) -> list[tuple[str, str]]:
            thread = await openai_.beta.threads.create()
            for text in (f"{i} a", f"{i} b"):
                await openai_.beta.threads.messages.create(thread.id, role="user", content=text)
            await openai_.beta.threads.runs.create_and_poll(
                thread_id=thread.id, assistant_id="loja", poll_interval_ms=50
            )
            return await texts(openai_, thread.id)

        said = await asyncio.gather(*(talk(i) for i in range(20)))
        assert said == [
            [("user", f"{i} a"), ("user", f"{i} b"), ("assistant", f"Echo: {i} a\n{i} b")] for i in range(20)
        ]
        assert len(upstream.asked) == 20
