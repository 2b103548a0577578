"""A voice that says nothing for as long as saying it would take: for simulation and tests."""

from __future__ import annotations

import io
import wave

from .model import Audio, Speech

RATE_HZ = 16_000
SHORTEST_S = 0.4


class Silent:
    """Silence of plausible length, as 16-bit mono WAV."""

    def __init__(self, characters_per_second: float = 15.0) -> None:
        """15 is the pace of a calm reader of Portuguese, Spanish or English."""
        self._pace = characters_per_second

    @property
    def name(self) -> str:
        return "silent"

    async def speak(self, speech: Speech) -> Audio:
        samples = round(RATE_HZ * max(SHORTEST_S, len(speech.text) / self._pace))
        return Audio(_wav(samples), "audio/wav", seconds=samples / RATE_HZ, spoken_by=self.name)

    async def close(self) -> None:
        """Holds nothing."""


def _wav(samples: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(bytes(2 * samples))
    return file.getvalue()
