"""The file name a voice note is sent under. Providers judge the format by the name, not by the bytes: `voice.opus` is
refused where the same bytes pass as `voice.ogg`."""

from __future__ import annotations

from gateway.hearing.base import HearingError

SUFFIXES = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "application/ogg": "ogg",
    "audio/webm": "webm",
    "video/webm": "webm",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
}


def upload(audio: bytes, mime: str) -> tuple[str, bytes, str]:
    """Name, bytes and type of the uploaded file. `mime` was sniffed from the bytes. Raises HearingError."""
    kind = mime.partition(";")[0].strip().lower()
    if kind not in SUFFIXES:
        raise HearingError("unsupported_audio", hint=f"No provider takes {kind or 'audio of unknown type'}.")
    return f"voice.{SUFFIXES[kind]}", audio, kind


def two_letters(language: str) -> str:
    """ISO 639-1 of a BCP 47 tag, as the providers want their hint: `pt-BR` is `pt`. Longer codes stay."""
    return language.partition("-")[0].lower()
