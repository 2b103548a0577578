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

    @property
    def is_strict(self) -> bool:
        """The packets themselves are prescribed, and with them the codec's mode."""
        return self.toc is not None

    def rates(self, seconds: float) -> Sequence[int]:
        """The bit rates worth trying for a sound of this length, best first; empty when it is too long for all."""
        return [rate for rate in self.bit_rates if rate / 8 * seconds <= self.max_bytes * _SLACK]

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


WEB = Profile("web", (32_000, 24_000, 16_000, 12_000))
"""Browsers, and whoever is not known better. Those without Ogg are given the MP3 of it."""

WHATSAPP_CLOUD = Profile("whatsapp_cloud", (32_000, 24_000, 16_000))
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

TELEGRAM = Profile("telegram", (32_000, 24_000, 16_000, 12_000), max_bytes=1024 * 1024)
"""Above a megabyte Telegram may show a file (sendVoice); it makes its own waveform."""

PROFILES = {profile.name: profile for profile in (WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE, TELEGRAM)}
