"""The door to sound: the bytes of a voice note, with ranges, to whoever may open its conversation."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from gateway.web.access import Access, Caller
from gateway.web.problems import Problem, explained, wrong
from storage.media import MediaAway, MediaStore
from storage.model import ConversationId, MediaId
from storage.model import Media as Blob
from storage.store import Store
from tts.encode import Encoder

MP3 = "audio/mpeg"


@dataclass(frozen=True, slots=True)
class Media:
    access: Access
    store: Store
    folder: MediaStore
    encoder: Encoder

    @explained
    async def get(self, request: web.Request) -> web.StreamResponse:
        caller = self.access.caller(request)
        blob = await self.store.media(MediaId(request.match_info["id"]))
        conversation = ConversationId(request.query.get("conversation", ""))
        if blob is None or not await self._may(caller, blob, conversation):
            raise Problem(404, "there is no such media", "media")
        try:
            path, mime = await self._as(blob, request.query.get("as", ""))
        except FileNotFoundError:
            raise Problem(404, "the media folder has lost it", "media") from None
        except MediaAway as error:
            retry = {"Retry-After": str(max(1, round(error.retry_after)))}
            raise Problem(503, "the media cannot be read now; ask again", headers=retry) from None
        return web.FileResponse(
            path,
            headers={
                "Content-Type": mime,
                "Cache-Control": "private, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )

    async def _may(self, caller: Caller, blob: Blob, named: ConversationId) -> bool:
        """`named`: the conversation by which a desk's key asks for it."""
        if caller.kind == "admin":
            return True
        if caller.kind == "desk":
            conversation = await self.store.conversation(named)
            opens = conversation is not None and caller.opens(conversation)
            return opens and await self.store.media_open_to(blob.id, named)
        for conversation in caller.conversations:
            if await self.store.media_open_to(blob.id, conversation.id):
                return True
        return caller.kind == "channel" and await self.store.media_open_to_channel(blob.id, caller.channel)

    async def _as(self, blob: Blob, wish: str) -> tuple[Path, str]:
        if wish not in ("", "mp3"):
            raise wrong("as", "as can only be mp3")
        if not wish or blob.mime == MP3:
            return await self.folder.file(blob.id), blob.mime
        if not blob.mime.startswith("audio/"):
            raise wrong("as", "this is no sound: leave `as` out")
        with suppress(FileNotFoundError):
            return await self.folder.file(blob.id, ".mp3"), MP3
        await self.folder.put_variant(blob.id, ".mp3", await self.encoder.mp3(await self.folder.read(blob.id)))
        return await self.folder.file(blob.id, ".mp3"), MP3
