"""An Ogg Opus reader of the tests' own: what it says must not depend on the code it judges."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# Samples at 48 kHz in one frame, by the configuration in a packet's first byte (RFC 6716, table 2).
_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_FRAMES = _SILK * 3 + _HYBRID * 2 + _CELT * 4


@dataclass(frozen=True)
class Note:
    channels: int
    rate: int
    """Of the recording, as the head has it."""
    pre_skip: int
    gain: int
    starts: int
    """Pages that say they are the first."""
    vendor: bytes
    comments: int
    serials: int
    ends: int
    """Pages that say they are the last."""
    ends_last: bool
    granule: int
    decoded: int
    """Samples the packets hold, by their own first bytes."""
    stereo_packets: int
    frame_ms: float
    """Of the first packet, all its frames together."""
    bad_sums: int
    tocs: tuple[int, ...]
    """The first byte of each packet: configuration in five bits, stereo in one, how frames are counted in two."""
    packets: tuple[int, ...]
    """Samples at 48 kHz in each."""
    counts: tuple[int, ...]
    """Frames in each."""
    pages: tuple[int, ...]
    """The granule of each page after head and tags."""

    @property
    def seconds(self) -> float:
        return (self.granule - self.pre_skip) / 48_000


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _crc_table()


def crc(page: bytes) -> int:
    """Of a page whose own sum is taken for zero."""
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def read(data: bytes) -> Note:
    """Raises ValueError where the file is not one Ogg after another page."""
    at, packets, partial = 0, [], b""
    flags, granules, serials, bad = [], [], set(), 0
    while at < len(data):
        magic, version, flag, granule, serial, sequence, total, count = struct.unpack_from("<4sBBqIIIB", data, at)
        if magic != b"OggS" or version:
            raise ValueError(f"no page at {at}")
        if sequence != len(flags):
            raise ValueError(f"page {sequence} where {len(flags)} should be")
        sizes = data[at + 27 : at + 27 + count]
        end = at + 27 + count + sum(sizes)
        if end > len(data):
            raise ValueError("the last page is cut")
        bad += crc(data[at:end]) != total
        body = at + 27 + count
        for size in sizes:
            partial += data[body : body + size]
            body += size
            if size < 255:
                packets.append(partial)
                partial = b""
        flags.append(flag)
        granules.append(granule)
        serials.add(serial)
        at = end
    return _note(packets, flags, [g for g in granules if g >= 0], len(serials), bad)


def _note(packets: list[bytes], flags: list[int], granules: list[int], serials: int, bad: int) -> Note:
    head, tags, *sound = packets
    if head[:8] != b"OpusHead" or tags[:8] != b"OpusTags":
        raise ValueError("not Opus")
    if granules != sorted(granules):
        raise ValueError("time runs backwards")
    if head[8:9] + head[18:] != b"\x01\x00":
        raise ValueError("a head of another version or mapping")
    (vendor,) = struct.unpack_from("<I", tags, 8)
    (comments,) = struct.unpack_from("<I", tags, 12 + vendor)
    return Note(
        channels=head[9],
        rate=struct.unpack_from("<I", head, 12)[0],
        gain=struct.unpack_from("<h", head, 16)[0],
        starts=sum(bool(flag & 2) for flag in flags),
        pre_skip=struct.unpack_from("<H", head, 10)[0],
        vendor=tags[12 : 12 + vendor],
        comments=comments,
        serials=serials,
        ends=sum(bool(flag & 4) for flag in flags),
        ends_last=bool(flags[-1] & 4),
        granule=granules[-1],
        decoded=sum(_samples(packet) for packet in sound),
        stereo_packets=sum(bool(packet[0] & 4) for packet in sound),
        frame_ms=_samples(sound[0]) / 48,
        bad_sums=bad,
        tocs=tuple(packet[0] for packet in sound),
        packets=tuple(map(_samples, sound)),
        counts=tuple(map(_count, sound)),
        pages=tuple(granules[2:]),
    )


def _samples(packet: bytes) -> int:
    return _count(packet) * _FRAMES[packet[0] >> 3]


def _count(packet: bytes) -> int:
    return (1, 2, 2, packet[1] & 63 if packet[0] & 3 == 3 else 0)[packet[0] & 3]
