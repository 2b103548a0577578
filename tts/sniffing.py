"""What the bytes are, whatever the label says.

Providers, proxies and login pages answer 200 with something else than sound, and containers come under other
containers' names. Nothing here believes a Content-Type.
"""

from __future__ import annotations

import codecs
import struct

from .errors import Encoding, Unreachable

OGG_OPUS = "audio/ogg; codecs=opus"
MPEG = "audio/mpeg"
WAV = "audio/wav"
AMR = "audio/amr"
AMR_WB = "audio/amr-wb"
CAF = "audio/x-caf"
AAC = "audio/aac"
THREE_GP = "audio/3gpp"
"""What old phones make: the container of MP4, with AMR inside as often as AAC."""

_STILL = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
"""Photos in the container of MP4."""
_FRAMES_LOOKED_AT = 3
"""One AAC header is twelve set bits, which any junk has somewhere; three in a row, each where the last one says."""


def mime_of(data: bytes) -> str:
    """The mime type the bytes prove; empty when they are no sound we know."""
    if data.startswith(b"OggS"):
        return _ogg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return WAV
    if data.startswith(b"fLaC"):
        return "audio/flac"
    if data[4:8] == b"ftyp":
        return _mp4(data[8:12])
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "audio/webm"
    if data.startswith(b"#!AMR"):
        return _amr(data)
    if data.startswith(b"caff\x00\x01"):
        return CAF
    return _frames(data)


def _mp4(brand: bytes) -> str:
    if brand in _STILL:
        return ""
    return THREE_GP if brand.startswith((b"3gp", b"3g2")) else "audio/mp4"


def _amr(data: bytes) -> str:
    """Of one channel; what begins `#!AMR_MC1.0` has more, and nobody decodes it."""
    return {b"#!AMR\n": AMR, b"#!AMR-WB\n": AMR_WB}.get(data.partition(b"\n")[0][:9] + b"\n", "")


def _ogg(data: bytes) -> str:
    start = 27 + data[26] if len(data) > 26 else 0
    head = data[start : start + 8]
    for magic, codec in (
        (b"OpusHead", "opus"),
        (b"\x01vorbis", "vorbis"),
        (b"\x7fFLAC", "flac"),
        (b"Speex", "speex"),
    ):
        if head.startswith(magic):
            return f"audio/ogg; codecs={codec}"
    return "audio/ogg"


def _frames(data: bytes) -> str:
    """MP3 and AAC have no magic, only frames: eleven set bits and fields that make sense."""
    if data.startswith(b"ID3"):
        return MPEG
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return ""
    if data[1] & 0xF6 == 0xF0:
        return AAC if _is_adts(data) else ""
    version, layer, bitrate, rate = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 4, data[2] >> 2 & 3
    return MPEG if version != 1 and layer == 1 and bitrate not in (0, 15) and rate != 3 else ""


def _is_adts(data: bytes) -> bool:
    """Whole frames that lead to one another: each header holds the length of its frame (ISO 14496-3, 1.A.2)."""
    at = 0
    for looked in range(_FRAMES_LOOKED_AT):
        head = data[at : at + 7]
        if len(head) < 7:
            return looked > 0  # the sound ends here, or in the middle of this header
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12 or length <= 7:
            return False
        at += length
    return True


def sound(data: bytes, *, pcm_rate: int = 0) -> tuple[bytes, str]:
    """The bytes and their mime, once they have proved to be sound and whole.

    `pcm_rate` (hertz) says that headerless 16-bit mono PCM was asked for; it gets a WAV header, as nobody
    could tell what it is without one. Raises Encoding when it is no sound, Unreachable when the end is
    missing.
    """
    if not data:
        raise Encoding("empty_audio", hint="The provider answered without a byte of sound. Try again later.")
    mime = mime_of(data)
    if not mime and pcm_rate and not _is_text(data):
        return _with_header(data, pcm_rate), WAV
    if not mime:
        raise Encoding(
            "not_audio",
            hint="The answer was no sound but "
            + ("text, a web page or JSON" if _is_text(data) else "unknown bytes")
            + ": check base_url, and whether a proxy or login page stands in between.",
        )
    if _cut(data, mime):
        raise Unreachable("cut", hint="The sound ended in the middle. The connection or a proxy cut it.")
    return data, mime


def _is_text(data: bytes) -> bool:
    head = codecs.getincrementaldecoder("utf-8")("replace").decode(data[:256])
    return all(letter.isprintable() or letter.isspace() for letter in head) and "\ufffd" not in head


def _cut(data: bytes, mime: str) -> bool:
    if mime == WAV:
        (size,) = struct.unpack("<I", data[4:8])
        return len(data) < 44 or (size not in (0, 0xFFFFFFFF) and size < 0x7FFFFF00 and len(data) < size + 8)
    return mime.startswith("audio/ogg") and _last_page_is_short(data)


def _last_page_is_short(data: bytes) -> bool:
    start = data.rfind(b"OggS")
    table = data[start + 27 : start + 27 + (data[start + 26] if len(data) > start + 26 else 255)]
    if len(data) < start + 27 or len(table) < data[start + 26]:
        return True
    return len(data) < start + 27 + len(table) + sum(table)


def _with_header(pcm: bytes, rate: int) -> bytes:
    if len(pcm) % 2:
        raise Unreachable("cut", hint="The sound ended in the middle of a sample. The connection was cut.")
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE") + fmt + struct.pack("<4sI", b"data", len(pcm)) + pcm
