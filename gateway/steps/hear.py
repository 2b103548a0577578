"""hear: voice notes become words, pictures are there to be seen, and what a message answers stands beside it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from gateway import transcript
from gateway.assistants.pictures import picture
from gateway.burst import Burst
from gateway.crew import Crew
from gateway.fetching import Fetching
from gateway.hearing.base import HearingError
from gateway.rules.precedence import Said, Seen
from gateway.telemetry import Telemetry
from gateway.transcript import Kept, Received
from storage.media import MediaStore
from storage.model import Fetched, Known, Media
from storage.store import Store

log = logging.getLogger("recado.turns")

QUOTED = 300
"""Characters of a quoted message."""
RECENT = 100
"""Of each direction, the messages that can be quoted."""
SOUNDS = ("voice", "audio")
UNINTELLIGIBLE = ("not_audio", "too_long", "too_much_work", "failed")
"""Why an ear refuses a note that is to blame itself: another recording may do."""


@dataclass(frozen=True, slots=True)
class Hear:
    store: Store
    media: MediaStore
    fetching: Fetching
    telemetry: Telemetry

    async def __call__(self, burst: Burst) -> None:
        """All messages at once. One that cannot be understood carries its problem; the burst goes on."""
        with burst.step("hear", self.telemetry) as step:
            gone = {message.of for message in burst.messages if message.meaning == "revoke"}
            burst.said = await asyncio.gather(*(self._message(burst, m, m.id in gone) for m in burst.messages))
            step["spoken"] = sum(said.spoken for said in burst.said)

    async def _message(self, burst: Burst, message: Received, revoked: bool) -> Said:
        said = Said(message.text, id=message.id, meaning=message.meaning, of=message.of, aside=message.aside)
        if message.unreadable and not message.attachments:
            return replace(said, problem="cannot_read")
        if burst.exhausted or revoked:
            return replace(said, spoken=message.audio is not None)
        said = replace(said, quote=await self._quote(burst, message))
        if message.audio:
            return await self._understood(burst, said, message.audio)
        return await self._with_attachments(burst, message, said) if message.attachments else said

    # -- attachments -----------------------------------------------------------------------------------

    async def _with_attachments(self, burst: Burst, message: Received, said: Said) -> Said:
        """Fetched in any case: what nobody answers is still shown to people."""
        fetched = await self.fetching.media(burst.conversation.channel, burst.conversation.id, message)
        for kept, come in zip(message.attachments, fetched, strict=True) if not said.aside else ():
            said = await self._attached(burst, said, kept, come)
        return said

    async def _attached(self, burst: Burst, said: Said, kept: Kept, come: Fetched) -> Said:
        if come.media is None:
            burst.note("hear", f"media_lost:{come.problem}", kind=kept.kind)
            return replace(said, spoken=said.spoken or kept.kind == "voice", problem="media_lost")
        if kept.kind in SOUNDS:
            return await self._understood(burst, said, come.media)
        if not (burst.crew.sees and await self._can_be_seen(burst, kept, come.media)):
            burst.note("hear", "cannot_read", kind=kept.kind)
            return replace(said, problem="cannot_read")
        return replace(said, seen=[*said.seen, Seen(kept.kind, come.media, kept.name)])

    async def _can_be_seen(self, burst: Burst, kept: Kept, media: Media) -> bool:
        """By this assistant, whatever it was sent as: a photo may come as a document."""
        try:
            found = picture(kept.kind, await self.media.read(media.id), kept.name)
        except OSError:
            return False
        return found is not None and found.kind in burst.crew.sees

    # -- voice notes -----------------------------------------------------------------------------------

    async def _understood(self, burst: Burst, said: Said, note: Media) -> Said:
        try:
            heard = await self._words(burst.crew, note)
        except HearingError as error:
            facts = {"reason": error.reason, "hint": error.hint}
            log.warning("a voice note was not heard", extra={"facts": facts})
            burst.note("hear", f"hearing_failed:{error.reason}", hint=error.hint)
            problem = "nothing_heard" if error.reason in UNINTELLIGIBLE else "hearing_unavailable"
            return replace(said, spoken=True, problem=problem)
        words = "\n".join(text for text in (heard, said.text) if text)
        return replace(said, text=words, spoken=True, problem=said.problem if heard else "nothing_heard")

    async def _words(self, crew: Crew, note: Media) -> str:
        """From the last time, or from the queue's ear. Raises HearingError."""
        known = await self.store.heard(note.id)
        if known is not None:
            return known[0]
        if crew.hearing is None:
            raise HearingError("no_hearing", hint="set [queues.hearing] provider to hear voice notes")
        result = "failed"
        try:
            audio = await self._bytes(note)
            heard = await crew.hearing.hear(audio, note.mime, crew.queue.language)
            result = "heard" if heard.text else "nothing"
        finally:
            self.telemetry.hearing.labels(crew.queue.name, result).inc()
        await self.store.remember_heard(note.id, heard.text, heard.language)
        return heard.text

    async def _bytes(self, note: Media) -> bytes:
        try:
            return await self.media.read(note.id)
        except OSError as error:
            hint = f"The media folder does not give a voice note back: {error.strerror or error}."
            raise HearingError("note_unreadable", hint=hint) from error

    # -- what it answers -------------------------------------------------------------------------------

    async def _quote(self, burst: Burst, message: Received) -> str:
        """The words of the message it replies to, when that is one of this conversation."""
        if not message.reply_to:
            return ""
        known = await self.store.known(burst.conversation.channel, message.reply_to)
        if known is None or known.conversation != burst.conversation.id:
            return ""
        return " ".join((await self._said_in(known)).split())[:QUOTED]

    async def _said_in(self, known: Known) -> str:
        entries = await self.store.latest(known.conversation, known.kind, RECENT)
        found = [entry for entry in entries if known.dedup == entry.dedup]
        return transcript.words(found[0]) if found else ""
