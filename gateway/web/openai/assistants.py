"""`/v1/assistants`: the queues, by the id their assistant had at OpenAI or by their own name. They are only read."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.config import ChannelSettings, Queue
from gateway.web.openai.counter import Counter, answer
from gateway.web.openai.errors import Refusal, explained
from gateway.web.openai.paging import page
from gateway.web.openai.said import Json


def assistant_id(queue: Queue) -> str:
    return queue.assistant.assistant_id or queue.name


def assistant_queue(counter: Counter, channel: ChannelSettings, id: object) -> Queue:
    """Raises Refusal 404."""
    queue = counter.called(channel, id) if isinstance(id, str) else None
    if queue is None:
        raise Refusal(404, f"No assistant found with id '{str(id)[:100]}'.", param="assistant_id")
    return queue


@dataclass(frozen=True, slots=True)
class Assistants:
    counter: Counter
    since: int
    """Seconds since the epoch: when these queues were read from the configuration."""

    @explained
    async def several(self, request: web.Request) -> web.Response:
        queues = self.counter.queues(self.counter.channel(request))
        return answer(page([self._shown(queue) for queue in queues], request.query))

    @explained
    async def get(self, request: web.Request) -> web.Response:
        channel = self.counter.channel(request)
        return answer(self._shown(assistant_queue(self.counter, channel, request.match_info["id"])))

    @explained
    async def change(self, request: web.Request) -> web.Response:
        """Create, modify, delete."""
        self.counter.channel(request)
        message = "Assistants are the queues of the gateway's configuration file; they are not changed from here."
        raise Refusal(400, message, code="assistants_are_queues")

    def _shown(self, queue: Queue) -> Json:
        """Without the instructions: they are the operator's."""
        return {
            "id": assistant_id(queue),
            "object": "assistant",
            "created_at": self.since,
            "name": queue.name,
            "description": None,
            "model": queue.name,
            "instructions": None,
            "tools": [{"type": "file_search"}] if queue.knowledge else [],
            "tool_resources": {},
            "metadata": {},
            "temperature": None,
            "top_p": None,
            "response_format": "auto",
        }
