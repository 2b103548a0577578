"""What a voice note is sent as. Providers judge the format by the name, not by the bytes: `voice.opus` is refused where
the same bytes pass as `voice.ogg`. What they do not list (AMR and CAF of phones, bare AAC) becomes Ogg/Opus first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.hearing.base import HearingError
from tts import encode
from tts.errors import Encoding

SUFFIXES = {
    "audio/ogg": "ogg",
    "audio/webm": "webm",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
}
"""What both providers take (OpenAI: flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm), by what the bytes prove to be."""
LARGEST = 25 * 1024 * 1024
"""Bytes OpenAI takes; ten minutes of Opus are a tenth of it."""

ToOpus = Callable[[bytes], Awaitable[bytes]]
"""Any sound to Ogg/Opus. Raises Encoding. `tts.encode.Encoder.opus` does it in a process of its own."""


async def in_a_thread(audio: bytes) -> bytes:
    """For whoever has no Encoder."""
    return await asyncio.to_thread(encode.opus, audio)


async def upload(audio: bytes, to_opus: ToOpus = in_a_thread) -> tuple[str, bytes, str]:
    """Name, bytes and type of the uploaded file. Labels are not believed: the bytes are looked at.

    Raises HearingError: `not_audio`, `too_long` and the other reasons of Encoding.
    """
    kind, _, codec = encode.sniff(audio).partition("; codecs=")
    if kind not in SUFFIXES or codec == "speex" or len(audio) > LARGEST:
        try:
            kind, audio = "audio/ogg", await to_opus(audio)
        except Encoding as error:
            raise HearingError(error.reason, retryable=error.retryable, hint=error.hint) from error
    return f"voice.{SUFFIXES[kind]}", audio, kind


def two_letters(language: str) -> str:
    """ISO 639-1 of a BCP 47 tag, as the providers want their hint: `pt-BR` is `pt`. Longer codes stay."""
    return language.partition("-")[0].lower()
