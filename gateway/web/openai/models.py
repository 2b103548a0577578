"""`GET /v1/models`: the queues by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.config import Queue
from gateway.web.openai.asking import no_model
from gateway.web.openai.counter import Counter, answer
from gateway.web.openai.errors import explained

OWNER = "recado"


@dataclass(frozen=True, slots=True)
class Models:
    counter: Counter
    since: int
    """Seconds since the epoch: when these queues were read from the configuration."""

    @explained
    async def several(self, request: web.Request) -> web.Response:
        queues = self.counter.queues(self.counter.channel(request))
        return answer({"object": "list", "data": [self._shown(queue) for queue in queues]})

    @explained
    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        queue = self.counter.called(self.counter.channel(request), name)
        if queue is None:
            raise no_model(name)
        return answer(self._shown(queue))

    def _shown(self, queue: Queue) -> dict[str, Any]:
        return {"id": queue.name, "object": "model", "created": self.since, "owned_by": OWNER}
