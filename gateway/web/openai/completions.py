"""`POST /v1/chat/completions`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.channels.base import Inbound, Wish
from gateway.config import Queue
from gateway.crew import Crew
from gateway.intake import Accepted
from gateway.web.openai import asking
from gateway.web.openai.asking import Asked
from gateway.web.openai.counter import Counter
from gateway.web.openai.errors import explained, in_stream, unsupported, wrong
from gateway.web.openai.said import Json, Said, numbered, seconds
from gateway.web.openai.streaming import Events, follow
from storage.media import MediaStore
from storage.model import MediaId
from tts.encode import Encoder, wav

SOUNDS = ("wav", "mp3", "opus", "pcm16")
RATE = 24_000
"""Samples a second of wav and pcm16, as OpenAI's."""


@dataclass(frozen=True, slots=True)
class Completions:
    counter: Counter
    crews: Mapping[str, Crew]
    folder: MediaStore
    encoder: Encoder

    @explained
    async def post(self, request: web.Request) -> web.StreamResponse:
        channel = self.counter.channel(request)
        async with self.counter.reading(request) as (body, call):
            queue = self.counter.queue(channel, body.get("model"))
            _refuse(body)
            asked = asking.asked(body.get("messages"), "messages")
            sound = self._sound(body, queue)
            kept = asking.metadata(body.get("metadata"))
            stream, usage = asking.flag(body, "stream"), _wants_usage(body)
            name = asking.name(kept.get("conversation"), "metadata.conversation")
            name = name or asking.name(body.get("user"), "user")
            contact = await self.counter.guest(channel, queue, name) if name else ""
            inbound = self._inbound(asked, alone=not name, sound=sound, kept=kept)
            del body
            accepted = await self.counter.accept(channel, queue, call, contact, inbound)
            del inbound, asked
        if stream:
            return await self._stream(request, queue, accepted, usage)
        said = await self.counter.said(accepted.conversation, accepted.message)
        body = completion(said, accepted, queue, await self._audio(said, sound))
        return await self.counter.hand(request, body, accepted.conversation, accepted.message)

    def _inbound(self, asked: Asked, *, alone: bool, sound: str, kept: Mapping[str, str]) -> Inbound:
        """A named conversation has our transcript for its history; a call that stands alone brings its own."""
        history = asked.history if alone else None
        wish = Wish("both" if sound else "text", asked.instructions, history, kept)
        content = asked.content
        return Inbound(
            "", "", "", content.text, self.counter.now(), content.audio, attachments=content.attachments, wish=wish
        )

    # -- sound -----------------------------------------------------------------------------------------

    def _sound(self, body: Json, queue: Queue) -> str:
        """The format of the spoken answer; empty when none is asked for. Raises Refusal."""
        wanted = body.get("modalities") or ["text"]
        if not isinstance(wanted, list) or not set(map(str, wanted)) <= {"text", "audio"}:
            raise wrong("modalities", "'modalities' must be a list of 'text' and 'audio'.")
        if "audio" not in wanted:
            return ""
        if asking.flag(body, "stream"):
            raise unsupported("modalities", "Audio comes whole: leave stream out.")
        if self.crews[queue.name].voice is None:
            raise unsupported("modalities", f"The queue '{queue.name}' has no voice: it answers in text.")
        audio = body.get("audio")
        format = audio.get("format") if isinstance(audio, dict) else None
        return asking.choice(format, "audio.format", SOUNDS)

    async def _audio(self, said: Said, format: str) -> Json | None:
        """None when nothing was spoken: the text says everything."""
        if not format or said.voice is None:
            return None
        data = await self._encoded([MediaId(voice["media"]["id"]) for voice in said.voices], format)
        return {
            "id": f"audio_{said.voice['media']['id']}",
            "data": base64.b64encode(data).decode(),
            "expires_at": seconds(said.at),
            "transcript": " ".join(voice["transcript"] for voice in said.voices),
        }

    async def _encoded(self, ids: Sequence[MediaId], format: str) -> bytes:
        """The protocol has one sound for an answer, however many notes it takes elsewhere."""
        notes = [await self.folder.read(id) for id in ids]
        note = notes[0] if len(notes) == 1 else (await self.encoder.join(notes)).data
        if format == "opus":
            return note if len(notes) == 1 else await self.encoder.opus(note)
        if format == "mp3":
            return await self.encoder.mp3(note)
        pcm, _ = await self.encoder.decode(note, RATE)
        return wav(pcm, RATE) if format == "wav" else pcm

    # -- streaming -------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request, queue: Queue, accepted: Accepted, usage: bool) -> web.StreamResponse:
        events = await Events.begin(request)
        chunk = _chunks(accepted, queue, seconds(self.counter.now()))
        try:
            await events.send(chunk({"role": "assistant", "content": ""}))
            async for event in follow(self.counter, accepted.conversation, accepted.message):
                if isinstance(event, str):
                    await events.send(chunk({"content": event}))
                elif event is None:
                    await events.alive()
                else:
                    await events.send(chunk({}, _finish(event), recado=event.extension))
                    if usage:
                        await events.send({**chunk({}), "choices": [], "usage": _usage(event)})
            await events.done()
            self.counter.handed.done(accepted.conversation, accepted.message)
        except ConnectionResetError:
            raise
        except Exception as error:
            await events.send({"error": in_stream(error).error})
        return events.stream


def _wants_usage(body: Json) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _refuse(body: Json) -> None:
    asking.without_tools(body)
    if body.get("n") not in (None, 1):
        raise unsupported("n", "A queue gives one answer: n must be 1.")
    if body.get("logprobs"):
        raise unsupported("logprobs", "Log probabilities are not available.")


# -- shapes ------------------------------------------------------------------------------------------


def completion(said: Said, accepted: Accepted, queue: Queue, audio: Json | None) -> Json:
    message: Json = {"role": "assistant", "content": said.text, "refusal": None, "annotations": []}
    if audio:
        message["audio"] = audio
    return {
        "id": numbered("chatcmpl", accepted.conversation, accepted.message),
        "object": "chat.completion",
        "created": seconds(said.at),
        "model": queue.name,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}],
        "usage": _usage(said),
        "recado": said.extension,
    }


def _chunks(accepted: Accepted, queue: Queue, created: int) -> Callable[..., Json]:
    def chunk(delta: Json, finish: str | None = None, **more: Any) -> Json:
        return {
            "id": numbered("chatcmpl", accepted.conversation, accepted.message),
            "object": "chat.completion.chunk",
            "created": created,
            "model": queue.name,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **more,
        }

    return chunk


def _finish(said: Said) -> str:
    return "length" if said.truncated else "stop"


def _usage(said: Said) -> Json:
    return {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": said.input_tokens + said.output_tokens,
    }
