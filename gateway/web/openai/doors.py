"""Every route of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from gateway.crew import Crew
from gateway.web.openai.assistants import Assistants
from gateway.web.openai.completions import Completions
from gateway.web.openai.counter import Counter
from gateway.web.openai.models import Models
from gateway.web.openai.responses import Responses
from gateway.web.openai.runs import Runs
from gateway.web.openai.said import seconds
from gateway.web.openai.threads import Threads
from storage.media import MediaStore
from tts.encode import Encoder

THREAD = "/v1/threads/{thread}"
RUN = f"{THREAD}/runs/{{run}}"


def routes(
    counter: Counter, crews: Mapping[str, Crew], folder: MediaStore, encoder: Encoder
) -> Sequence[web.AbstractRouteDef]:
    """For the server. `crews`: by queue name."""
    since = seconds(counter.now())
    models, responses = Models(counter, since), Responses(counter)
    completions = Completions(counter, crews, folder, encoder)
    assistants, threads = Assistants(counter, since), Threads(counter)
    return [
        web.get("/v1/models", models.several),
        web.get("/v1/models/{model}", models.get),
        web.post("/v1/chat/completions", completions.post),
        web.post("/v1/responses", responses.post),
        web.get("/v1/responses/{id}", responses.get),
        web.post("/v1/conversations", responses.begin),
        web.post("/v1/responses/{id}/cancel", responses.cancel),
        web.get("/v1/assistants", assistants.several),
        web.post("/v1/assistants", assistants.change),
        web.get("/v1/assistants/{id}", assistants.get),
        web.post("/v1/assistants/{id}", assistants.change),
        web.delete("/v1/assistants/{id}", assistants.change),
        *_run_routes(Runs(counter, threads)),
        *_thread_routes(threads),
    ]


def _thread_routes(threads: Threads) -> Sequence[web.AbstractRouteDef]:
    return [
        web.post("/v1/threads", threads.create),
        web.get(THREAD, threads.get),
        web.post(THREAD, threads.change),
        web.delete(THREAD, threads.delete),
        web.get(f"{THREAD}/messages", threads.several),
        web.post(f"{THREAD}/messages", threads.post),
        web.get(f"{THREAD}/messages/{{message}}", threads.message),
        web.post(f"{THREAD}/messages/{{message}}", threads.lasting),
        web.delete(f"{THREAD}/messages/{{message}}", threads.lasting),
    ]


def _run_routes(runs: Runs) -> Sequence[web.AbstractRouteDef]:
    """`/v1/threads/runs` comes before the thread of that name would."""
    return [
        web.post("/v1/threads/runs", runs.create_with_thread),
        web.get(f"{THREAD}/runs", runs.several),
        web.post(f"{THREAD}/runs", runs.create),
        web.get(RUN, runs.get),
        web.post(RUN, runs.change),
        web.post(f"{RUN}/cancel", runs.cancel),
        web.post(f"{RUN}/submit_tool_outputs", runs.tools),
        web.get(f"{RUN}/steps", runs.steps),
        web.get(f"{RUN}/steps/{{step}}", runs.step),
    ]
