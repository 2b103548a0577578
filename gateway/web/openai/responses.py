"""`POST /v1/responses`, and a response looked up again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.channels.base import Inbound, Wish
from gateway.config import ChannelSettings, Queue
from gateway.intake import Accepted
from gateway.web.openai import asking
from gateway.web.openai.asking import OWN, Asked
from gateway.web.openai.counter import Counter, answer
from gateway.web.openai.errors import Refusal, explained, in_stream, unsupported, wrong
from gateway.web.openai.said import Json, Said, file_id, number, numbered, said, seconds
from gateway.web.openai.streaming import Events, follow
from storage.model import ConversationId

PREVIOUS = f"{OWN}previous"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a response says of the call it answers."""

    id: str
    conversation: ConversationId
    model: str
    created: int
    """Seconds."""
    instructions: str
    kept: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Responses:
    counter: Counter

    @explained
    async def post(self, request: web.Request) -> web.StreamResponse:
        channel = self.counter.channel(request)
        async with self.counter.reading(request) as (body, call):
            queue = self.counter.queue(channel, body.get("model"))
            _refuse(body)
            asked = _asked(body)
            stream, later = asking.flag(body, "stream"), asking.flag(body, "background")
            contact = await self._contact(channel, queue, body)
            inbound = self._inbound(asked, body, alone=not contact)
            del body
            accepted = await self.counter.accept(channel, queue, call, contact, inbound)
        about = _about(accepted, queue, inbound.at, inbound.wish)
        if stream:
            return await self._stream(request, about, accepted)
        said = None if later else await self.counter.said(accepted.conversation, accepted.message)
        return await self.counter.hand(request, response(about, said), accepted.conversation, accepted.message)

    @explained
    async def begin(self, request: web.Request) -> web.Response:
        """A name for a conversation, which the first response in it makes."""
        self.counter.channel(request)
        async with self.counter.reading(request) as (body, _):
            kept = asking.metadata(body.get("metadata"))
            if body.get("items"):
                raise unsupported("items", "A conversation begins empty: send its first items as 'input'.")
        id, now = f"conv_{self.counter.token()}", seconds(self.counter.now())
        return answer({"id": id, "object": "conversation", "created_at": now, "metadata": kept})

    @explained
    async def get(self, request: web.Request) -> web.Response:
        channel = self.counter.channel(request)
        return answer(await self._found(channel, request.match_info["id"]))

    @explained
    async def cancel(self, request: web.Request) -> web.Response:
        """Of a response asked for in the background."""
        channel, id = self.counter.channel(request), request.match_info["id"]
        found = await self._found(channel, id)
        if found["status"] == "in_progress":
            await self.counter.stop(ConversationId(found["recado"]["conversation"]), "run_cancelled")
            found = await self._found(channel, id)
        return answer(found)

    async def _found(self, channel: ChannelSettings, id: str) -> Json:
        found = await self.counter.found(channel, id, "resp")
        if found is None:
            raise Refusal(404, f"Response with id '{id[:100]}' not found.", param="id")
        conversation, message = found
        turn = await self.counter.store.turn_covering(conversation.id, message.seq)
        wish = message.wish
        about = Asking(id, conversation.id, conversation.queue, seconds(message.at), wish.instructions, wish.metadata)
        return response(about, said(turn, self.counter.base_url) if turn else None)

    # -- which conversation ----------------------------------------------------------------------------

    async def _contact(self, channel: ChannelSettings, queue: Queue, body: Json) -> str:
        """Empty for a call that stands alone. Raises Refusal."""
        previous = asking.name(body.get("previous_response_id"), "previous_response_id")
        named = body.get("conversation")
        name = asking.name(named.get("id") if isinstance(named, dict) else named, "conversation")
        if previous and name:
            raise wrong("previous_response_id", "'previous_response_id' and 'conversation' exclude each other.")
        if previous:
            return await self._contact_of(channel, previous)
        given = body.get("metadata")
        name = name or asking.name(given.get("conversation") if isinstance(given, dict) else None, "metadata")
        name = name or asking.name(body.get("user"), "user")
        return await self.counter.guest(channel, queue, name) if name else ""

    async def _contact_of(self, channel: ChannelSettings, previous: str) -> str:
        place = number(previous, "resp")
        conversation = place and await self.counter.store.conversation(place[0])
        if not conversation or conversation.channel != channel.name:
            message = f"Previous response with id '{previous[:100]}' not found."
            raise wrong("previous_response_id", message, "previous_response_not_found")
        return conversation.contact

    def _inbound(self, asked: Asked, body: Json, *, alone: bool) -> Inbound:
        kept = asking.metadata(body.get("metadata"))
        if previous := body.get("previous_response_id"):
            kept[PREVIOUS] = previous
        rules = [rule for rule in (asking.text_of(body, "instructions"), asked.instructions) if rule.strip()]
        wish = Wish("text", "\n\n".join(rules), asked.history if alone else None, kept)
        content = asked.content
        return Inbound(
            "", "", "", content.text, self.counter.now(), content.audio, attachments=content.attachments, wish=wish
        )

    # -- streaming -------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request, about: Asking, accepted: Accepted) -> web.StreamResponse:
        events = await Events.begin(request)
        try:
            async for event in self._events(about, accepted):
                await (events.send_typed(event) if event else events.alive())
            self.counter.handed.done(accepted.conversation, accepted.message)
        except ConnectionResetError:
            raise
        except Exception as error:
            told = in_stream(error)
            event = {"type": "error", "code": told.code, "message": told.message, "param": told.param}
            await events.send_typed(event)
        return events.stream

    async def _events(self, about: Asking, accepted: Accepted) -> AsyncIterator[Json | None]:
        """None where nothing came for a while."""
        begun = response(about, None)
        for kind in ("response.created", "response.in_progress"):
            yield {"type": kind, "response": begun}
        at = {"output_index": 0, "item_id": _item_id(about), "content_index": 0}
        opened = False
        async for event in follow(self.counter, accepted.conversation, accepted.message):
            if isinstance(event, str):
                for opening in () if opened else _opening(about, at):
                    yield opening
                opened = True
                yield {"type": "response.output_text.delta", **at, "delta": event, "logprobs": []}
            elif event is None:
                yield None
            else:
                for closing in _closing(about, at, event) if opened else ():
                    yield closing
                yield {"type": "response.incomplete" if event.truncated else "response.completed"} | {
                    "response": response(about, event)
                }


def _asked(body: Json) -> Asked:
    given = body.get("input")
    return asking.asked([{"role": "user", "content": given}] if isinstance(given, str) else given, "input")


def _refuse(body: Json) -> None:
    asking.without_tools(body)
    if body.get("prompt"):
        raise unsupported("prompt", "Prompt objects are not kept here: a queue has its instructions.")
    text = body.get("text")
    format = text.get("format") if isinstance(text, dict) else None
    if isinstance(format, dict) and format.get("type", "text") != "text":
        raise unsupported("text.format", "A queue answers customers in words: only the type 'text' is supported.")


def _about(accepted: Accepted, queue: Queue, at: int, wish: Wish) -> Asking:
    id = numbered("resp", accepted.conversation, accepted.message)
    return Asking(id, accepted.conversation, queue.name, seconds(at), wish.instructions, wish.metadata)


# -- shapes ------------------------------------------------------------------------------------------


def response(about: Asking, said: Said | None) -> Json:
    """`said`: None while the answer is not there."""
    return {
        "id": about.id,
        "object": "response",
        "created_at": about.created,
        "status": _status(said),
        "background": False,
        "completed_at": seconds(said.at) if said else None,
        "conversation": {"id": about.conversation},
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if said and said.truncated else None,
        "instructions": about.instructions or None,
        "max_output_tokens": None,
        "model": about.model,
        "output": [_item(about, said)] if said and said.text else [],
        "parallel_tool_calls": False,
        "previous_response_id": about.kept.get(PREVIOUS),
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "auto",
        "usage": _usage(said) if said else None,
        "user": None,
        "metadata": asking.shown_metadata(about.kept),
        "recado": said.extension if said else {"conversation": about.conversation},
    }


def _status(said: Said | None) -> str:
    if said is None:
        return "in_progress"
    if said.reason == "run_cancelled":
        return "cancelled"
    return "incomplete" if said.truncated else "completed"


def _item_id(about: Asking) -> str:
    return about.id.replace("resp_", "msg_", 1)


def _item(about: Asking, said: Said | None) -> Json:
    """The one message of the output."""
    status = "in_progress" if said is None else "incomplete" if said.truncated else "completed"
    content = [] if said is None else [_part(said)]
    return {"id": _item_id(about), "type": "message", "status": status, "role": "assistant", "content": content}


def _part(said: Said | None) -> Json:
    text = said.text if said else ""
    annotations = [_annotation(citation, len(text)) for citation in (said.citations if said else ())]
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _annotation(citation: Mapping[str, Any], index: int) -> Json:
    """`index`: where in the text it stands; an answer rests on its documents as a whole, so at its end."""
    document = str(citation["document"])
    return {"type": "file_citation", "index": index, "file_id": file_id(document), "filename": document}


def _usage(said: Said) -> Json:
    return {
        "input_tokens": said.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input_tokens + said.output_tokens,
    }


def _opening(about: Asking, at: Json) -> list[Json]:
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": _item(about, None)},
        {"type": "response.content_part.added", **at, "part": _part(None)},
    ]


def _closing(about: Asking, at: Json, said: Said) -> list[Json]:
    part = _part(said)
    added = [
        {"type": "response.output_text.annotation.added", **at, "annotation_index": i, "annotation": annotation}
        for i, annotation in enumerate(part["annotations"])
    ]
    return [
        *added,
        {"type": "response.output_text.done", **at, "text": said.text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": _item(about, said)},
    ]
