"""The way in: who wrote, which conversation, which window; one commit; duplicates end here."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway import transcript
from gateway.channels.base import Attachment, Inbound
from gateway.config import ChannelSettings, Queue
from gateway.live import IDLE, WAITING, Live
from gateway.rules.aside import aside
from gateway.rules.precedence import answers_at_once, picks_option
from gateway.rules.sharing import crowded
from gateway.rules.window import bounds
from gateway.telemetry import Telemetry
from gateway.transcript import Kept
from storage.media import MediaStore
from storage.model import Conversation, ConversationId, Media, MediaId, Post, Posted, Verdict, conversation_id
from storage.store import Store, Unavailable
from tts.encode import Encoder
from tts.errors import Encoding

log = logging.getLogger("recado.intake")

MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")
LONGEST_NAME = 200
"""Characters of whatever somebody calls himself or a file."""
MOST_WRITING = 1000
"""Messages that wait for their commit at once."""
RELIEF = 2.0
"""Seconds after which a refused message may come again."""
UNNAMED = "application/octet-stream"


class Conflict(Exception):
    """The same message id came with another content."""


class TooMuch(Unavailable):
    """More comes in than can be written down: of many that are refused one is told in the log."""


@dataclass(frozen=True, slots=True)
class Accepted:
    conversation: ConversationId
    message: int
    """Its number in the conversation's inbound lane."""
    duplicate: bool


class Intake:
    def __init__(
        self,
        store: Store,
        media: MediaStore,
        encoder: Encoder,
        live: Live,
        telemetry: Telemetry,
        now: Callable[[], int],
        *,
        channels: int,
    ) -> None:
        """`now`: milliseconds since the epoch. `channels`: so many share the room; a flood in one leaves some."""
        self._store, self._media, self._encoder, self._live, self._now = store, media, encoder, live, now
        self._telemetry, self._channels = telemetry, channels
        self._writing, self._shed = Counter[str](), False

    async def accept(
        self, channel: ChannelSettings, queue: Queue, inbound: Inbound, *, at_once: bool = False
    ) -> Accepted:
        """A message of our own API. `at_once`: its window has ended. On disk when it returns.

        Raises Conflict, storage Unavailable, tts Encoding (audio that does not decode).
        """
        audio = await self._keep_sound(inbound.audio) if inbound.audio else None
        kept = [await self._keep(attachment) for attachment in inbound.attachments]
        body = transcript.received_body(inbound, audio, aside=self.is_aside(channel, inbound), attachments=kept)
        digest = transcript.content_digest(inbound.text, inbound.audio)
        at_once = at_once or await self._picks(channel, queue, inbound.contact, inbound.text)
        post = self._post(channel, queue, inbound, inbound.contact, body, digest=digest, at_once=at_once)
        accepted = await self._commit(channel, queue, inbound, post, inbound.contact, _ids(audio, kept))
        if accepted is None:
            raise Conflict(inbound.id)
        return accepted

    async def take(self, channel: ChannelSettings, queue: Queue, inbound: Inbound) -> Accepted:
        """A message from a provider: its id is the truth, whatever else of it changes when it comes again.

        Raises storage Unavailable.
        """
        ids = [inbound.contact, *inbound.aliases]
        contact = await self._store.known_as(channel.name, ids, lasting=inbound.lasting)
        kept = [await self._keep(attachment) for attachment in inbound.attachments]
        body = transcript.received_body(inbound, aside=self.is_aside(channel, inbound), attachments=kept)
        at_once = await self._picks(channel, queue, contact, inbound.text)
        post = self._post(channel, queue, inbound, contact, body, once=True, at_once=at_once)
        accepted = await self._commit(channel, queue, inbound, post, contact, _ids(None, kept))
        assert accepted is not None, "without a digest nothing conflicts"
        return accepted

    async def _commit(
        self, channel: ChannelSettings, queue: Queue, inbound: Inbound, post: Post, contact: str, media: list[MediaId]
    ) -> Accepted | None:
        """None: the id came with another content."""
        name, address = inbound.name[:LONGEST_NAME], inbound.address
        conversation = Conversation(
            post.key, channel.name, contact, name, queue.name, address=address, group=inbound.group
        )
        posted = await self._written(conversation, post, media)
        if posted.verdict is Verdict.CONFLICT:
            return None
        answerable = inbound.meaning == "message" and not self.is_aside(channel, inbound)
        if posted.verdict is Verdict.NEW and answerable and self._live.state(post.key) == IDLE:
            self._live.say(post.key, WAITING, channel.name)
        return Accepted(post.key, posted.seq, posted.verdict is Verdict.DUPLICATE)

    async def _written(self, conversation: Conversation, post: Post, media: list[MediaId]) -> Posted:
        """Refused when so much waits for the disk already that the sender would give up first: it comes again."""
        channel, waiting = conversation.channel, self._writing
        if waiting.total() >= MOST_WRITING or channel in crowded(waiting, MOST_WRITING, self._channels):
            if not self._shed:
                log.warning("more comes in than can be written down: messages are refused for a moment (503)")
            self._shed = True
            self._telemetry.refused.labels(channel).inc()
            raise TooMuch("more comes in than can be written down", RELIEF)
        waiting[channel] += 1
        try:
            return await self._store.accept(conversation, post, media)
        finally:
            waiting[channel] -= 1
            self._shed = self._shed and waiting.total() > 0

    def is_aside(self, channel: ChannelSettings, inbound: Inbound) -> str:
        """Why nobody is to answer it."""
        return aside(inbound, channel, self._now())

    def _post(
        self,
        channel: ChannelSettings,
        queue: Queue,
        inbound: Inbound,
        contact: str,
        body: str,
        *,
        digest: str = "",
        once: bool = False,
        at_once: bool = False,
    ) -> Post:
        at_once = at_once or answers_at_once(queue, inbound.text)
        window, max_wait = (0, 0) if at_once else bounds(queue.window)
        key = conversation_id(channel.name, contact)
        return Post(key, inbound.id, body, digest=digest, window=window, max_wait=max_wait, once=once)

    async def _picks(self, channel: ChannelSettings, queue: Queue, contact: str, text: str) -> bool:
        """It presses a button of a flow, or says which one. Raises storage Unavailable."""
        if not queue.flows or not text.strip():
            return False
        talk = await self._store.conversation(conversation_id(channel.name, contact))
        return talk is not None and picks_option(queue, talk.flow, text)

    async def _keep(self, attachment: Attachment) -> Kept:
        """What is here goes to disk; what is only named will be fetched."""
        media = await self._keep_bytes(attachment) if attachment.data else None
        name = attachment.name[:LONGEST_NAME]
        return Kept(attachment.kind, attachment.mime, attachment.ref, name, attachment.size, media)

    async def _keep_bytes(self, attachment: Attachment) -> Media | None:
        """None when a sound is none: the message comes in all the same, and its sender is told. One that cannot be
        looked at now is kept as it is: it comes only once."""
        assert attachment.data is not None
        if attachment.kind not in ("voice", "audio"):
            return await keep(self._store, self._media, attachment.data, attachment.mime)
        try:
            return await self._keep_sound(attachment.data)
        except Encoding as error:
            return await keep(self._store, self._media, attachment.data, attachment.mime) if error.retryable else None

    async def _keep_sound(self, data: bytes) -> Media:
        """The voice note on disk, once it is known to be one. Raises Encoding."""
        sound = await self._encoder.inspect(data)
        media = Media(await self._media.put(data), sound.mime, len(data), sound.seconds, sound.waveform)
        await self._store.add_media(media)
        return media


async def keep(store: Store, folder: MediaStore, data: bytes, mime: str) -> Media:
    """What is no sound, under the name its sender gave it, as far as that can stand in a header."""
    media = Media(await folder.put(data), mime if MIME.fullmatch(mime) else UNNAMED, len(data))
    await store.add_media(media)
    return media


def _ids(audio: Media | None, kept: Sequence[Kept]) -> list[MediaId]:
    return [media.id for media in (audio, *(one.media for one in kept)) if media]
