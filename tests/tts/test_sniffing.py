"""Bytes are what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import sounds
from tts.errors import Encoding, SpeechError, Unreachable
from tts.sniffing import mime_of, sound

ADTS = b"\xff\xf1\x50\x80\x01\x7f\xfc" + bytes(4)
"""One frame of eleven bytes."""
STREAMED_WAV = sounds.wav()[:4] + b"\xff\xff\xff\xff" + sounds.wav()[8:]


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (sounds.mp3(), "audio/mpeg"),
        (sounds.mp3()[sounds.mp3().index(b"\xff\xf3") :], "audio/mpeg"),
        (sounds.ogg_opus(), "audio/ogg; codecs=opus"),
        (sounds.ogg_vorbis(), "audio/ogg; codecs=vorbis"),
        (sounds.flac(), "audio/flac"),
        (sounds.wav(), "audio/wav"),
        (STREAMED_WAV, "audio/wav"),
        (b"\x00\x00\x00\x1cftypM4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3\x9f\x42", "audio/webm"),
        (b"\x00\x00\x00\x14ftypqt  ", "audio/mp4"),
        (b"\x00\x00\x00\x1cftyp3gp4", "audio/3gpp"),
        (b"\x00\x00\x00\x1cftyp3g2a", "audio/3gpp"),
        (b"\x00\x00\x00\x18ftypheic", ""),
        (b"\x00\x00\x00\x18ftypavif", ""),
        (b"#!AMR\n\x3c", "audio/amr"),
        (b"#!AMR-WB\n\x44", "audio/amr-wb"),
        (b"#!AMR_MC1.0\n", ""),
        (b"#!AMRICA", ""),
        (b"caff\x00\x01\x00\x00", "audio/x-caf"),
        (ADTS * 4, "audio/aac"),
        (ADTS, "audio/aac"),
        ((ADTS * 3)[:-3], "audio/aac"),
        (ADTS + b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", ""),
        (ADTS + ADTS + bytes(9), ""),
        (b"\xff\xf1\x50\x80", ""),
        (b"\xff\xf1\x50\x80\x00\x1f\xfc" * 9, ""),
        (b"\xff\xf1\x7c\x80\x01\x7f\xfc\0\0\0\0" * 3, ""),
        (b"OggS", "audio/ogg"),
        (b"\xff\xff\xff\xff", ""),
        (b"\xff\xfb\xf0\x00", ""),
        (b"RIFF\x00\x00\x00\x00AVI ", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_what_the_bytes_are(data: bytes, mime: str) -> None:
    assert mime_of(data) == mime


@pytest.mark.parametrize("make", [sounds.mp3, sounds.ogg_opus, sounds.ogg_vorbis, sounds.flac, sounds.wav])
def test_whole_sound_passes_untouched(make: type[bytes]) -> None:
    assert sound(make(), pcm_rate=24_000) == (make(), mime_of(make()))


@pytest.mark.parametrize(
    ("data", "pcm_rate", "kind", "reason"),
    [
        (b"", 0, Encoding, "empty_audio"),
        (b"", 16_000, Encoding, "empty_audio"),
        (b"<!doctype html><p>Sign in", 0, Encoding, "not_audio"),
        (b"<!doctype html><p>Sign in", 16_000, Encoding, "not_audio"),
        (b'{"error": "n\xc3\xa3o"}', 16_000, Encoding, "not_audio"),
        (b"upstream connect error", 16_000, Encoding, "not_audio"),
        (bytes(range(255)), 0, Encoding, "not_audio"),
        (b"\x00\x01\xff", 16_000, Unreachable, "cut"),
        (sounds.ogg_opus()[:-1], 0, Unreachable, "cut"),
        (sounds.ogg_opus()[: len(sounds.ogg_opus()) // 2], 0, Unreachable, "cut"),
        (sounds.ogg_opus() + b"OggS\x00", 0, Unreachable, "cut"),
        (sounds.wav()[:-2], 0, Unreachable, "cut"),
        (sounds.wav()[:20], 0, Unreachable, "cut"),
    ],
)
def test_what_is_no_sound_or_half_of_it(data: bytes, pcm_rate: int, kind: type[SpeechError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        sound(data, pcm_rate=pcm_rate)
    assert (type(caught.value), caught.value.reason) == (kind, reason)


def test_a_stream_of_unknown_length_is_whole() -> None:
    assert sound(STREAMED_WAV)[1] == "audio/wav"


STARTS = [b"", b"OggS", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"ID3", b"\xff", b"#!AMR", ADTS]


@given(st.binary(max_size=300), st.sampled_from(STARTS))
def test_no_bytes_surprise_it(data: bytes, start: bytes) -> None:
    try:
        kept, mime = sound(start + data, pcm_rate=8_000)
    except SpeechError:
        return
    assert mime
    assert kept.endswith(data)
