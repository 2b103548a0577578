"""The way in: who wrote, which conversation, which window; one commit; duplicates end here."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import transcript
from gateway.channels.base import Inbound
from gateway.config import ChannelSettings, Queue
from gateway.live import WAITING, Live
from gateway.rules.window import bounds
from storage.media import MediaFolder
from storage.model import Conversation, ConversationId, Media, MediaId, Post, Verdict, conversation_id
from storage.store import Store
from tts.encode import Encoder


class Conflict(Exception):
    """The same message id came with another content."""


@dataclass(frozen=True, slots=True)
class Accepted:
    conversation: ConversationId
    message: int
    """Its number in the conversation's inbound lane."""
    duplicate: bool


class Intake:
    def __init__(self, store: Store, media: MediaFolder, encoder: Encoder, live: Live) -> None:
        self._store, self._media, self._encoder, self._live = store, media, encoder, live

    async def accept(self, channel: ChannelSettings, queue: Queue, inbound: Inbound) -> Accepted:
        """On disk when it returns. Raises Conflict, storage Unavailable, tts Encoding (audio that does not decode)."""
        audio = await self._keep(inbound.audio) if inbound.audio else None
        id = conversation_id(channel.name, inbound.contact)
        conversation = Conversation(id, channel.name, inbound.contact, inbound.name, queue.name)
        posted = await self._store.accept(conversation, self._post(id, queue, inbound, audio), _ids(audio))
        if posted.verdict is Verdict.CONFLICT:
            raise Conflict(inbound.id)
        if posted.verdict is Verdict.NEW and self._live.state(id) == "idle":
            self._live.say(id, WAITING)
        return Accepted(id, posted.seq, posted.verdict is Verdict.DUPLICATE)

    def _post(self, id: ConversationId, queue: Queue, inbound: Inbound, audio: Media | None) -> Post:
        window, max_wait = bounds(queue.window)
        return Post(
            key=id,
            dedup=inbound.id,
            body=transcript.received_body(inbound.id, inbound.text, inbound.at, audio),
            digest=transcript.content_digest(inbound.text, inbound.audio),
            window=window,
            max_wait=max_wait,
        )

    async def _keep(self, data: bytes) -> Media:
        """The voice note on disk, once it is known to be one."""
        sound = await self._encoder.inspect(data)
        media = Media(await self._media.put(data), sound.mime, len(data), sound.seconds, sound.waveform)
        await self._store.add_media(media)
        return media


def _ids(audio: Media | None) -> list[MediaId]:
    return [audio.id] if audio else []
