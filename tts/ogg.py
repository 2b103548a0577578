"""What an Ogg file says of itself: enough to know whether it is a voice note, without decoding it.

The mobile clients refuse, without a word, whatever is not one Ogg stream of mono Opus that says where it ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Encoding

RATE_HZ = 48_000
"""Opus counts time at 48 kHz, whatever was recorded."""

_BOS, _EOS = 2, 4
_NO_PACKET_ENDS = -1


@dataclass(frozen=True, slots=True)
class Page:
    flags: int
    granule: int
    serial: int
    body: memoryview
    crc: int
    data: memoryview
    """The whole page, header and all."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An Ogg file of Opus, as its pages describe it."""

    channels: int
    streams: int
    ends: bool
    """The last page says it is the last."""
    seconds: float
    comments: int
    """Title, artist, cover art: what could give away something, or replace the waveform by a picture."""

    @property
    def is_voice_note(self) -> bool:
        one_voice = self.channels == 1 and self.streams == 1
        return one_voice and self.ends and self.seconds > 0 and self.comments == 0


def pages(data: bytes) -> Iterator[Page]:
    """Raises Encoding when a page is cut or something else stands between pages."""
    view, at = memoryview(data), 0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or len(data) < at + 27:
            raise Encoding("broken_ogg")
        flags, granule, serial, _, crc, segments = struct.unpack_from("<BqIIIB", data, at + 5)
        body = at + 27 + segments
        end = body + sum(data[at + 27 : body])
        if end > len(data):
            raise Encoding("broken_ogg")
        yield Page(flags, granule, serial, view[body:end], crc, view[at:end])
        at = end


def facts(data: bytes) -> Facts:
    """Raises Encoding when it is no Ogg, is cut, or holds something else than Opus."""
    all_pages = list(pages(data))
    if len(all_pages) < 3 or bytes(all_pages[0].body[:8]) != b"OpusHead" or len(all_pages[0].body) < 19:
        raise Encoding("not_opus")
    tags = bytes(all_pages[1].body)
    if tags[:8] != b"OpusTags":
        raise Encoding("not_opus")
    channels, pre_skip = struct.unpack_from("<BH", all_pages[0].body, 9)
    last = max(page.granule for page in all_pages if page.granule != _NO_PACKET_ENDS)
    return Facts(
        channels=channels,
        streams=sum(bool(page.flags & _BOS) for page in all_pages),
        ends=bool(all_pages[-1].flags & _EOS),
        seconds=max(0, last - pre_skip) / RATE_HZ,
        comments=_comments(tags),
    )


def _comments(tags: bytes) -> int:
    """How many, not counting the name of the encoder."""
    try:
        (vendor,) = struct.unpack_from("<I", tags, 8)
        (count,) = struct.unpack_from("<I", tags, 12 + vendor)
        at, named = 16 + vendor, 0
        for _ in range(min(count, len(tags))):
            (size,) = struct.unpack_from("<I", tags, at)
            named += tags[at + 4 : at + 12].lower() != b"encoder="
            at += 4 + size
    except struct.error:
        return 1  # more than fits the page: a picture
    return named
