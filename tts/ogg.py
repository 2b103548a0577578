"""Ogg Opus without a codec: what a file says of itself, and packets taken out of one container and put into another.

The mobile clients refuse, without a word, whatever is not one Ogg stream of mono Opus that says where it ends. Pages
are RFC 3533, head and tags RFC 7845, packets RFC 6716 section 3. Nothing here decodes a sample.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from .errors import Encoding

RATE_HZ = 48_000
"""Opus counts time at 48 kHz, whatever was recorded."""
PAGE_SAMPLES = RATE_HZ
"""Of a page that we write, at most; a packet that is longer has a page of its own."""

_BOS, _EOS = 2, 4
_NO_PACKET_ENDS = -1
_MOST_SEGMENTS = 255
_MOST_SAMPLES = RATE_HZ * 120 // 1000
"""Of one packet (RFC 6716, 3.2.5)."""
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_FRAME_SAMPLES = _SILK * 3 + _HYBRID * 2 + _CELT * 4
"""Of one frame at 48 kHz, by the configuration in a packet's first five bits (RFC 6716, table 2)."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


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
    rate: int
    """Hertz of what was recorded, as the head has it; players may believe it, decoders do not."""
    vendor: bytes
    """Who the tags say made it."""

    @property
    def is_voice_note(self) -> bool:
        one_voice = self.channels == 1 and self.streams == 1
        return one_voice and self.ends and self.seconds > 0 and self.comments == 0


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono Opus out of its container."""

    packets: Sequence[bytes]
    pre_skip: int
    """Samples at 48 kHz at the beginning that are decoded and not played."""
    samples: int
    """That are played, at 48 kHz; what the packets hold beyond them is cut by the player."""
    gain: int = 0
    """That the player applies, in 1/256 decibels."""
    ends: bool = True
    """The last page said it was the last."""
    timed: bool = True
    """The pages tell the time that the packets take. A player that believes others shows hours, or stops early."""


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
    return _facts(list(pages(data)))


def _facts(all_pages: Sequence[Page]) -> Facts:
    if len(all_pages) < 3 or bytes(all_pages[0].body[:8]) != b"OpusHead" or len(all_pages[0].body) < 19:
        raise Encoding("not_opus")
    tags = bytes(all_pages[1].body)
    if tags[:8] != b"OpusTags":
        raise Encoding("not_opus")
    channels, pre_skip, rate = struct.unpack_from("<BHI", all_pages[0].body, 9)
    last = max((page.granule for page in all_pages if page.granule != _NO_PACKET_ENDS), default=0)
    return Facts(
        channels=channels,
        streams=sum(bool(page.flags & _BOS) for page in all_pages),
        ends=bool(all_pages[-1].flags & _EOS),
        seconds=max(0, last - pre_skip) / RATE_HZ,
        comments=_comments(tags),
        rate=rate,
        vendor=_vendor(tags),
    )


def _vendor(tags: bytes) -> bytes:
    return tags[12 : 12 + int.from_bytes(tags[8:12], "little")]


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


# -- out of a container, and into one --------------------------------------------------------------


def opened(data: bytes) -> Sound:
    """The packets of one whole stream of mono Opus.

    Raises Encoding when it is anything else, a page's sum is wrong, or a packet is none.
    """
    all_pages = list(pages(data))
    found = _facts(all_pages)
    if found.channels != 1 or found.streams != 1 or any(crc(page.data) != page.crc for page in all_pages):
        raise Encoding("not_one_stream")
    first, _, *packets = _packets(all_pages)
    pre_skip, _, gain, family = struct.unpack_from("<HIhB", first, 10)
    if family or not packets:
        raise Encoding("not_one_stream")
    played = round(found.seconds * RATE_HZ) - _start(all_pages, packets)
    held = sum(samples(packet) for packet in packets) - pre_skip
    timed = _onwards(all_pages[2:]) and played <= held + _MOST_SAMPLES
    return Sound(packets, pre_skip, max(0, min(played, held) if timed else held), gain, found.ends, timed)


def _onwards(all_pages: Sequence[Page]) -> bool:
    """Each page is later than the one before it, but for those on which no packet ends; on the last one does."""
    times = [page.granule for page in all_pages if page.granule != _NO_PACKET_ENDS]
    return times == sorted(times) and times[:1] >= [0] and all_pages[-1].granule != _NO_PACKET_ENDS


def _start(all_pages: Sequence[Page], packets: Sequence[bytes]) -> int:
    """Where the clock of the stream begins, in samples: libav's begins at the pre-skip.

    The first page tells by what it holds; unless it is the last too, which may cut what it holds.
    """
    first = next((page for page in all_pages if page.granule > 0), all_pages[-1])
    if first.flags & _EOS:
        return 0
    ended = sum(size < 255 for size in first.data[27 : 27 + first.data[26]])
    return max(0, first.granule - sum(map(samples, packets[:ended])))


def _packets(all_pages: Iterable[Page]) -> Sequence[bytes]:
    """Pages cut where they like; a segment of less than 255 bytes is where a packet ends."""
    packets, part = [], b""
    for page in all_pages:
        at = 0
        for size in page.data[27 : 27 + page.data[26]]:
            part += page.body[at : at + size]
            at += size
            if size < 255:
                packets.append(part)
                part = b""
    if part:
        raise Encoding("broken_ogg")
    return packets


def written(sound: Sound, *, rate: int, vendor: bytes) -> bytes:
    """One stream without comments; the same sound is the same bytes. `rate`: hertz, for the head."""
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + bytes(4)
    file, end, granule = (
        [_page(0, _BOS, 0, [head(sound, rate)]), _page(1, 0, 0, [tags])],
        sound.pre_skip + sound.samples,
        0,
    )
    groups = list(_paged(sound.packets))
    for number, group in enumerate(groups, 2):
        granule += sum(map(samples, group))
        last = number == len(groups) + 1
        file.append(_page(number, _EOS if last else 0, end if last else min(granule, end), group))
    return b"".join(file)


def head(sound: Sound, rate: int = RATE_HZ) -> bytes:
    """What a stream begins with (RFC 7845, 5.1)."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, 1, sound.pre_skip, rate, sound.gain, 0)


def _paged(packets: Iterable[bytes]) -> Iterator[list[bytes]]:
    """About a second to a page, so that a player can begin; whole packets only."""
    group: list[bytes] = []
    held = segments = 0
    for packet in packets:
        length, size = samples(packet), len(packet) // 255 + 1
        if group and (held + length > PAGE_SAMPLES or segments + size > _MOST_SEGMENTS):
            yield group
            group, held, segments = [], 0, 0
        group.append(packet)
        held, segments = held + length, segments + size
    if group:
        yield group


def _page(number: int, flags: int, granule: int, packets: Sequence[bytes]) -> bytes:
    sizes = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, 0, number, 0, len(sizes))
    page = head + sizes + b"".join(packets)
    return page[:22] + struct.pack("<I", crc(page)) + page[26:]


def crc(page: bytes | memoryview) -> int:
    """Of a page whose own sum counts as zero.

    Ogg's sum is zlib's with the bits of every byte the other way round and without its two inversions; zlib is C.
    """
    turned = bytes(page).translate(_REVERSED)
    sum = zlib.crc32(turned[26:], zlib.crc32(bytes(4), zlib.crc32(turned[:22], 0xFFFFFFFF))) ^ 0xFFFFFFFF
    return int(f"{sum:032b}"[::-1], 2)


# -- packets and their frames ----------------------------------------------------------------------


def samples(packet: bytes) -> int:
    """That it holds, at 48 kHz. Raises Encoding for what is no packet."""
    held = _count(packet) * _FRAME_SAMPLES[packet[0] >> 3]
    if not 0 < held <= _MOST_SAMPLES:
        raise Encoding("not_opus")
    return held


def _count(packet: bytes) -> int:
    code = packet[0] & 3 if packet else 0
    if not packet or (code == 3 and len(packet) < 2):
        raise Encoding("not_opus")
    return (1, 2, 2, packet[1] & 63 if code == 3 else 0)[code]


def frames(packet: bytes) -> Sequence[bytes]:
    """The frames of one packet, whichever of the four ways it holds them. Raises Encoding for what is no packet."""
    samples(packet)
    code, body = packet[0] & 3, packet[1:]
    if code == 0:
        return [body]
    if code == 1:
        return _cut(body, [len(body) // 2] * 2)
    if code == 2:
        size, at = _size(body, 0)
        return _cut(body[at:], [size, len(body) - at - size])
    return _counted(packet[1], body[1:])


def _counted(word: int, body: bytes) -> Sequence[bytes]:
    """Code 3: how many, whether padding follows, whether each has a size of its own."""
    count, at, padding = word & 63, 0, 0
    while word & 64:
        byte = _byte(body, at)
        at, padding = at + 1, padding + min(byte, 254)
        if byte < 255:
            break
    body = body[: max(0, len(body) - padding)]
    if not word & 128:
        return _cut(body[at:], [max(0, len(body) - at) // count] * count)
    sizes = []
    for _ in range(count - 1):
        size, at = _size(body, at)
        sizes.append(size)
    return _cut(body[at:], [*sizes, len(body) - at - sum(sizes)])


def _cut(body: bytes, sizes: Sequence[int]) -> Sequence[bytes]:
    at, found = 0, []
    for size in sizes:
        found.append(body[at : at + size])
        at += size
    if at != len(body) or min(sizes) < 0:
        raise Encoding("not_opus")
    return found


def _size(body: bytes, at: int) -> tuple[int, int]:
    """A frame's size in one byte or two, and what comes after it."""
    first = _byte(body, at)
    return (first, at + 1) if first < 252 else (4 * _byte(body, at + 1) + first, at + 2)


def _byte(body: bytes, at: int) -> int:
    if at >= len(body):
        raise Encoding("not_opus")
    return body[at]


def _sized(size: int) -> bytes:
    return bytes([size]) if size < 252 else bytes([252 + size % 4, (size - 252) // 4])


def regrouped(sound: Sound, count: int) -> Sound:
    """The same frames, `count` of them in a packet, as code 3 with a size for each; nothing is decoded.

    Frames of another mode, bandwidth or length cannot share a packet; there, and at the end, one holds fewer.
    """
    alone = [(packet[0] & 0xFC, frame) for packet in sound.packets for frame in frames(packet)]
    packets = []
    for toc, same in groupby(alone, key=lambda one: one[0]):
        run = [frame for _, frame in same]
        packets += [_packed(toc, run[at : at + count]) for at in range(0, len(run), count)]
    return replace(sound, packets=packets)


def _packed(toc: int, held: Sequence[bytes]) -> bytes:
    return bytes([toc | 3, 128 | len(held)]) + b"".join(_sized(len(frame)) for frame in held[:-1]) + b"".join(held)


def joined(sounds: Sequence[Sound]) -> Sound:
    """One after the other, packet by packet, without decoding.

    Where two meet, what their containers told the player to cut is played: the rest of a packet and the decoder's
    warming up, silence of some hundredths of a second. Raises Encoding when their gains differ, or there is none.
    """
    if len({sound.gain for sound in sounds}) != 1:
        raise Encoding("not_one_stream")
    packets = [packet for sound in sounds for packet in sound.packets]
    before = sum(samples(packet) for sound in sounds[:-1] for packet in sound.packets)
    end = before + sounds[-1].pre_skip + sounds[-1].samples
    return replace(sounds[0], packets=packets, samples=end - sounds[0].pre_skip)
