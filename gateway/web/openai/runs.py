"""`/v1/threads/{thread}/runs`: a run is a turn. No table of runs: an entry in the lane, and the turn that covers it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.channels.base import Inbound, Wish
from gateway.config import ChannelSettings, Queue
from gateway.live import RECORDING, THINKING
from gateway.web.openai import asking
from gateway.web.openai.assistants import assistant_queue
from gateway.web.openai.counter import REMEMBERED, Call, Counter, answer
from gateway.web.openai.errors import Refusal, explained, in_stream
from gateway.web.openai.paging import page
from gateway.web.openai.said import Json, Said, number, numbered, seconds
from gateway.web.openai.streaming import Events, follow
from gateway.web.openai.threads import ASSISTANT, PAUSED, RUN, Entry, Thread, Threads, assistant_message, given_messages
from storage.model import ConversationId, Kind, Outcome

CANCELLED = "run_cancelled"
POLL = {"openai-poll-after-ms": "200"}
"""When a program that polls looks again; the SDK's own default is a second."""
ENDED = {"cancelled": "cancelled_at", "failed": "failed_at", "completed": "completed_at", "incomplete": "completed_at"}
"""The field that says when, by status."""


@dataclass(frozen=True, slots=True)
class Runs:
    counter: Counter
    threads: Threads
    _let_go_here: OrderedDict[ConversationId, None] = field(default_factory=OrderedDict)
    """Whose lanes this process let go."""

    # -- running ---------------------------------------------------------------------------------------

    @explained
    async def create(self, request: web.Request) -> web.StreamResponse:
        channel, id = self.counter.channel(request), request.match_info["thread"]
        async with self.counter.reading(request) as (body, call):
            stream = asking.flag(body, "stream")
            seq = await self._begin(channel, id, body, call)
        return await self._answer(request, channel, id, seq, stream=stream)

    @explained
    async def create_with_thread(self, request: web.Request) -> web.StreamResponse:
        channel = self.counter.channel(request)
        async with self.counter.reading(request) as (body, call):
            queue = assistant_queue(self.counter, channel, body.get("assistant_id"))
            stream = asking.flag(body, "stream")
            asking.without_tools(body)
            given = body.get("thread") or {}
            if not isinstance(given, dict):
                raise Refusal(400, "'thread' must be an object.", param="thread")
            thread = await self.threads.begin(channel, given, call, queue)
            seq = await self._begin(channel, thread["id"], body, call)
        return await self._answer(request, channel, thread["id"], seq, stream=stream, begun=thread)

    async def _begin(self, channel: ChannelSettings, id: str, body: Json, call: Call) -> int:
        """The run's number, on disk and let go. Raises Refusal."""
        queue = assistant_queue(self.counter, channel, body.get("assistant_id"))
        asking.without_tools(body)
        wish, more = _wish(body, queue), given_messages(body.get("additional_messages"), "additional_messages")
        async with self.threads.alone(id):
            conversation, _ = await self.threads.open(channel, id)
            if earlier := await self.counter.earlier(conversation.id, call, RUN):
                await self._go_on(conversation.id)
                return earlier.seq
            await self.threads.not_active(id, conversation.id, "Thread {thread} already has an active run {run}.")
            self._let_go_here.pop(conversation.id, None)
            await self.counter.store.pause(Kind.IN, conversation.id, PAUSED)
            if more:
                await self.threads.add(channel, queue, call, conversation.contact, more)
            return await self._let_go(channel, queue, call, await self.threads.whole(channel, id), wish)

    async def _let_go(
        self, channel: ChannelSettings, queue: Queue, call: Call, thread: Thread, wish: Wish
    ) -> int:
        conversation = thread.conversation
        if conversation.queue != queue.name:
            await self.counter.store.requeue(conversation.id, queue.name)
        wish = Wish(wish.format, wish.instructions, thread.history(), wish.metadata)
        id, now = self.counter.id(call, RUN), self.counter.now()
        accepted = await self.counter.post(channel, queue, Inbound(id, conversation.contact, "", "", now, wish=wish))
        await self._go_on(conversation.id)
        return accepted.message

    async def _go_on(self, id: ConversationId) -> None:
        await self.counter.store.pause(Kind.IN, id, None)
        self._let_go_here[id] = None
        if len(self._let_go_here) > REMEMBERED:
            self._let_go_here.popitem(last=False)

    async def _answer(
        self,
        request: web.Request,
        channel: ChannelSettings,
        id: str,
        seq: int,
        *,
        stream: bool,
        begun: Json | None = None,
    ) -> web.StreamResponse:
        thread = await self.threads.whole(channel, id)
        run = _run_at(thread, seq)
        if stream:
            return await self._stream(request, thread, run, begun)
        return await self.counter.hand(request, self._shown(thread, run), thread.conversation.id, seq)

    # -- looking ---------------------------------------------------------------------------------------

    @explained
    async def several(self, request: web.Request) -> web.Response:
        channel = self.counter.channel(request)
        thread = await self.threads.whole(channel, request.match_info["thread"])
        return answer(page([self._shown(thread, run) for run in thread.runs], request.query))

    @explained
    async def get(self, request: web.Request) -> web.Response:
        thread, run = await self._found(request)
        id = thread.conversation.id
        if thread.said_of(run) is None and id not in self._let_go_here:
            await self._go_on(id)  # a process that died between posting a run and letting it go left it behind
        return answer(self._shown(thread, run), headers=POLL)

    @explained
    async def steps(self, request: web.Request) -> web.Response:
        thread, run = await self._found(request)
        said = thread.said_of(run)
        return answer(page([_step(thread, run, said)] if said and said.text else [], request.query))

    @explained
    async def step(self, request: web.Request) -> web.Response:
        thread, run = await self._found(request)
        said = thread.said_of(run)
        step = _step(thread, run, said)
        if not (said and said.text) or step["id"] != request.match_info["step"]:
            raise Refusal(404, "No run step found with this id.")
        return answer(step)

    async def _found(self, request: web.Request) -> tuple[Thread, Entry]:
        """Raises Refusal 404."""
        thread = await self.threads.whole(self.counter.channel(request), request.match_info["thread"])
        place = number(request.match_info["run"], "run")
        if place and place[0] == thread.conversation.id:
            for run in thread.runs:
                if run.received.seq == place[1]:
                    return thread, run
        raise Refusal(404, f"No run found with id '{request.match_info['run'][:100]}'.")

    # -- changing --------------------------------------------------------------------------------------

    @explained
    async def cancel(self, request: web.Request) -> web.Response:
        thread, run = await self._found(request)
        async with self.threads.alone(thread.id):
            thread, run = await self._found(request)
            if thread.said_of(run) is None:
                await self.counter.stop(thread.conversation.id, CANCELLED)
                thread, run = await self._found(request)
                return answer(self._shown(thread, run))
        raise Refusal(400, f"Cannot cancel run with status '{self._shown(thread, run)['status']}'.")

    @explained
    async def tools(self, request: web.Request) -> web.Response:
        """Submit tool outputs."""
        await self._found(request)
        raise Refusal(400, "Runs here never wait for tool outputs: a queue works with its own tools.")

    @explained
    async def change(self, request: web.Request) -> web.Response:
        """Modify a run."""
        await self._found(request)
        raise Refusal(400, "A run is not changed once it is there; its metadata is set when it is created.")

    # -- streaming -------------------------------------------------------------------------------------

    async def _stream(
        self, request: web.Request, thread: Thread, run: Entry, begun: Json | None
    ) -> web.StreamResponse:
        events = await Events.begin(request)
        try:
            if begun:
                await events.send(begun, "thread.created")
            async for event in self._events(thread, run):
                await (events.send(event[1], event[0]) if event else events.alive())
            await events.done("done")
            self.counter.handed.done(thread.conversation.id, run.received.seq)
        except ConnectionResetError:
            raise
        except Exception as error:
            await events.send({"error": in_stream(error).error}, "error")
        return events.stream

    async def _events(self, thread: Thread, run: Entry) -> AsyncIterator[tuple[str, Json] | None]:
        """(event, data); None where nothing came for a while."""
        for status in ("created", "queued", "in_progress"):
            shown = _run(thread, run, None, "queued" if status != "in_progress" else status)
            yield f"thread.run.{status}", shown
        opened = False
        async for event in follow(self.counter, thread.conversation.id, run.received.seq):
            if isinstance(event, str):
                for opening in () if opened else _opening(thread, run):
                    yield opening
                opened = True
                yield "thread.message.delta", _delta(thread, run, event)
            elif event is None:
                yield None
            else:
                for closing in _closing(thread, run, event) if opened else ():
                    yield closing
                yield f"thread.run.{_status(event)}", _run(thread, run, event, _status(event))

    def _shown(self, thread: Thread, run: Entry) -> Json:
        said = thread.said_of(run)
        busy = self.counter.live.state(thread.conversation.id) in (THINKING, RECORDING)
        return _run(thread, run, said, _status(said) if said else "in_progress" if busy else "queued")


def _wish(body: Json, queue: Queue) -> Wish:
    """Beside the queue's instructions, never in their place: the queue is the assistant."""
    rules = [asking.text_of(body, key) for key in ("instructions", "additional_instructions")]
    kept = asking.metadata(body.get("metadata")) | {ASSISTANT: str(body["assistant_id"])}
    speaks = queue.reply.format in ("voice", "both")
    return Wish("both" if speaks else "text", "\n\n".join(rule for rule in rules if rule.strip()), None, kept)


def _run_at(thread: Thread, seq: int) -> Entry:
    return next(run for run in thread.runs if run.received.seq == seq)


# -- shapes ------------------------------------------------------------------------------------------


def _status(said: Said) -> str:
    if said.reason == CANCELLED:
        return "cancelled"
    if said.outcome is Outcome.DEAD:
        return "failed"
    return "incomplete" if said.truncated else "completed"


def _run(thread: Thread, run: Entry, said: Said | None, status: str) -> Json:
    wish = run.received.wish
    times: dict[str, int | None] = dict.fromkeys(ENDED.values())
    if said:
        times[ENDED[status]] = seconds(said.at)
    return {
        "id": numbered("run", thread.conversation.id, run.received.seq),
        "object": "thread.run",
        "created_at": seconds(run.at),
        "thread_id": thread.id,
        "assistant_id": wish.metadata.get(ASSISTANT, ""),
        "status": status,
        "started_at": seconds(run.at) if status != "queued" else None,
        "expires_at": None,
        **times,
        "required_action": None,
        "last_error": _last_error(said) if status == "failed" else None,
        "incomplete_details": {"reason": "max_completion_tokens"} if status == "incomplete" else None,
        "model": thread.conversation.queue,
        "instructions": wish.instructions,
        "tools": [],
        "metadata": asking.shown_metadata(wish.metadata),
        "usage": _usage(said) if said else None,
        "temperature": None,
        "top_p": None,
        "max_prompt_tokens": None,
        "max_completion_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "recado": said.extension if said else {"conversation": thread.conversation.id},
    }


def _last_error(said: Said | None) -> Json:
    return {"code": "server_error", "message": f"No answer could be made: {said.reason if said else ''}."}


def _usage(said: Said) -> Json:
    return {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": said.input_tokens + said.output_tokens,
    }


def _message_id(thread: Thread, run: Entry) -> str:
    return numbered("msg", thread.conversation.id, run.received.seq, "a")


def _step(thread: Thread, run: Entry, said: Said | None) -> Json:
    ended = seconds(said.at) if said else None
    return {
        "id": numbered("step", thread.conversation.id, run.received.seq),
        "object": "thread.run.step",
        "created_at": seconds(run.at),
        "run_id": numbered("run", thread.conversation.id, run.received.seq),
        "assistant_id": run.received.wish.metadata.get(ASSISTANT, ""),
        "thread_id": thread.id,
        "type": "message_creation",
        "status": "completed" if said else "in_progress",
        "cancelled_at": None,
        "completed_at": ended,
        "expired_at": None,
        "failed_at": None,
        "last_error": None,
        "step_details": {
            "type": "message_creation",
            "message_creation": {"message_id": _message_id(thread, run)},
        },
        "usage": _usage(said) if said else None,
        "metadata": {},
    }


def _unwritten(thread: Thread, run: Entry) -> Json:
    """The assistant's message before its first word."""
    nothing = Said(thread.conversation.id, "", run.at, Outcome.ANSWERED, "")
    shown = assistant_message(thread.id, thread.conversation.id, nothing, run)
    return {**shown, "status": "in_progress", "completed_at": None, "content": [], "recado": None}


def _opening(thread: Thread, run: Entry) -> list[tuple[str, Json]]:
    step, message = _step(thread, run, None), _unwritten(thread, run)
    return [
        ("thread.run.step.created", step),
        ("thread.run.step.in_progress", step),
        ("thread.message.created", message),
        ("thread.message.in_progress", message),
    ]


def _delta(thread: Thread, run: Entry, piece: str) -> Json:
    part: Mapping[str, Any] = {"index": 0, "type": "text", "text": {"value": piece, "annotations": []}}
    return {"id": _message_id(thread, run), "object": "thread.message.delta", "delta": {"content": [part]}}


def _closing(thread: Thread, run: Entry, said: Said) -> list[tuple[str, Json]]:
    message = assistant_message(thread.id, thread.conversation.id, said, run)
    kind = "thread.message.incomplete" if said.truncated else "thread.message.completed"
    return [(kind, message), ("thread.run.step.completed", _step(thread, run, said))]
