"""What a voice note must be like where it is played: one profile for each such place, as data.

Phones and clients differ in what they take, and say nothing when they do not: the note is there and does not play.
Where a value comes from what others saw on devices, and not from a provider's documents, it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import ogg
from .errors import Encoding

MAX_BYTES = 512 * 1024
"""Above it WhatsApp shows a file to download instead of a voice note (Cloud API, audio messages)."""
_SLACK = 1.1
"""Speech has pauses, so a note is smaller than its bit rate says; what is further away is not tried."""


_HEAD_BYTES = 1024
"""For head and tags, more than we ever write."""
_PAGE_BYTES_A_SECOND = 64
"""What Ogg adds: 27 and one for each packet, at least every second."""
_EVEN_S = 0.25
"""How much one note may be longer than it would have to be."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One Ogg stream of mono Opus that ends and carries no comments, and what else a place asks for."""

    name: str
    """Part of the key of what is kept: the same words for another place are other bytes."""
    bit_rates: tuple[int, ...]
    """Bits per second, best first. The length of the sound decides: the first that fits is taken."""
    max_bytes: int = MAX_BYTES
    rate: int = ogg.RATE_HZ
    """Hertz of what is encoded, and so of what the head says."""
    frame_ms: int = 60
    frames: int = 1
    """Of `frame_ms` in a packet; the last packet may hold fewer."""
    toc: int | None = None
    """The first byte of each packet (RFC 6716, 3.1): mode, bandwidth, frame length, how frames are counted. None:
    any, as the encoder likes."""
    vendor: bytes | None = None
    """Who the tags say made it. None: whoever."""
    draws: bool = True
    """Its waveform is shown there and is ours to make. Elsewhere the provider makes it, and what passes untouched
    is spared a decode."""

    @property
    def is_strict(self) -> bool:
        """The packets themselves are prescribed, and with them the codec's mode."""
        return self.toc is not None

    def rates(self, seconds: float) -> Sequence[int]:
        """The bit rates worth trying for a sound of this length, best first; empty when it is too long for all."""
        return [rate for rate in self.bit_rates if rate / 8 * seconds <= self.max_bytes * _SLACK]

    @property
    def longest(self) -> float:
        """Seconds that fit for certain: at the lowest bit rate held to the byte, pages and head included."""
        return (self.max_bytes - _HEAD_BYTES) / (self.bit_rates[-1] / 8 + _PAGE_BYTES_A_SECOND)

    def shares(self, seconds: Sequence[float], pause: float = 0.0) -> Sequence[int]:
        """How many sounds of these lengths, `pause` seconds apart, each note holds: the fewest notes that fit for
        certain, and then about equally long. Raises Encoding `too_long` when one sound is longer than a note."""
        if longer := [one for one in seconds if one > self.longest]:
            raise too_long(longer[0], self)
        most = self.longest
        fewest = len(_filled(seconds, pause, most))
        least = max(seconds, default=0.0)
        while most - least > _EVEN_S:
            middle = (least + most) / 2
            least, most = (least, middle) if len(_filled(seconds, pause, middle)) <= fewest else (middle, most)
        return _filled(seconds, pause, most)

    def takes(self, data: bytes) -> bool:
        """True for a note that plays there as it is, by its container and its packets' first bytes."""
        if len(data) > self.max_bytes:
            return False
        try:
            found = ogg.facts(data)
            return found.is_voice_note and (not self.is_strict or self._prescribed(found, data))
        except Encoding:
            return False

    def _prescribed(self, found: ogg.Facts, data: bytes) -> bool:
        """Raises Encoding."""
        if (found.rate, found.vendor) != (self.rate, self.vendor):
            return False
        packets = ogg.opened(data).packets
        *counts, last = [len(ogg.frames(packet)) for packet in packets]
        full = all(count == self.frames for count in counts) and last <= self.frames
        return full and all(packet[0] == self.toc for packet in packets)


def too_long(seconds: float, profile: Profile) -> Encoding:
    """For whoever raises it."""
    size = f"{profile.max_bytes // 1024} KB"
    return Encoding("too_long", hint=f"{seconds:.0f} s of speech do not fit into {size}: lower reply.max_voice_chars.")


def _filled(seconds: Sequence[float], pause: float, most: float) -> Sequence[int]:
    """One note after the other is filled up to `most` seconds; a sound that is longer has one to itself."""
    counts: list[int] = []
    held = 0.0
    for one in seconds:
        if counts and held + pause + one <= most:
            counts[-1] += 1
            held += pause + one
        else:
            counts.append(1)
            held = one
    return counts


WEB = Profile("web", (32_000, 24_000, 16_000, 12_000))
"""Browsers, and whoever is not known better. Those without Ogg are given the MP3 of it."""

WHATSAPP_CLOUD = Profile("whatsapp_cloud", (32_000, 24_000, 16_000), draws=False)
"""Meta converts for the phone itself; only the size decides between a note and a file."""

WHATSAPP_PHONE = Profile(
    "whatsapp_phone",
    (32_000, 24_000, 16_000),
    rate=16_000,
    frame_ms=20,
    frames=3,
    toc=9 << 3 | 3,
    vendor=b"opus",
)
"""A bridge hands our bytes to the phones as they are, so they are made like those a phone records: 16 kHz, SILK
wideband in frames of 20 ms (configuration 9), three of them counted in a packet of 60 ms (code 3). Seen on devices by
others, documented by nobody: Android 16 refused a head of 48 kHz with libav's vendor, an iPhone refused code 0.
"""

TELEGRAM = Profile("telegram", (32_000, 24_000, 16_000, 12_000), max_bytes=1024 * 1024, draws=False)
"""Above a megabyte Telegram may show a file (sendVoice); it makes its own waveform."""

PROFILES = {profile.name: profile for profile in (WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE, TELEGRAM)}
