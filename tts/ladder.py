"""A voice made of voices: the next one speaks when one cannot, and one that fails is left alone for a while.

The ladder itself ends in SpeechError; whoever called then sends the words as text. Whatever fails, the
customer gets the answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .errors import Quota, Refused, SpeechError, Unreachable, Unspeakable, VoiceUnavailable
from .model import Audio, Speech, Synthesizer

log = logging.getLogger(__name__)

LONGEST_REST_S = 900.0


def _nothing(*_: object) -> None:
    """For whoever does not want to hear of incidents."""


@dataclass(slots=True)
class Breaker:
    """What is known about the health of one voice."""

    failures: int = 0
    """In a row, while it is still being asked."""
    rests_until: float | None = None
    """On the ladder's clock; None while it is well."""
    rests: int = 0
    """How often it was sent to rest in this incident: each time for twice as long."""
    trying: bool = False
    """Rested enough: one request is finding out whether it is well again."""
    error: SpeechError | None = None
    """Why it rests."""


class Breakers:
    """The health of every voice, by name. Shared by all ladders whose voices of one name use one key.

    A voice rests at once when its account, key or voice is the trouble, and after `failures` in a row when it
    is the network or the pace. After `cooldown` seconds (or what the provider asked for, and twice as long
    each time it fails again, up to fifteen minutes) one request tries it.
    """

    def __init__(
        self,
        *,
        failures: int = 3,
        cooldown: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        on_incident: Callable[[str, SpeechError], None] = _nothing,
        on_recovered: Callable[[str], None] = _nothing,
    ) -> None:
        """`on_incident(name, error)` is called once when a voice goes to rest, `on_recovered(name)` when it
        is back.
        """
        self._failures = failures
        self._cooldown = cooldown
        self._clock = clock
        self._on_incident = on_incident
        self._on_recovered = on_recovered
        self._breakers: dict[str, Breaker] = {}

    def of(self, name: str) -> Breaker:
        return self._breakers.setdefault(name, Breaker())

    def resting(self, name: str) -> SpeechError | None:
        """Why this voice should not be asked now. None when it may be; if it rested, the caller is now its
        trial and must report with `failed`, `spoke` or `let_go`.
        """
        breaker = self.of(name)
        if breaker.rests_until is None:
            return None
        if breaker.trying or self._clock() < breaker.rests_until:
            return breaker.error
        breaker.trying = True
        return None

    def spoke(self, name: str, *, trial: bool) -> None:
        """A late success of a request older than the incident proves nothing; the trial's does."""
        breaker = self.of(name)
        if breaker.rests_until is None:
            breaker.failures = 0
        elif trial:
            self._breakers[name] = Breaker()
            self._on_recovered(name)

    def failed(self, name: str, error: SpeechError, *, trial: bool) -> None:
        breaker = self.of(name)
        if isinstance(error, Unspeakable):
            return self.let_go(name, trial=trial)
        breaker.failures += 1
        severe = isinstance(error, Quota | VoiceUnavailable | Refused)
        if breaker.rests_until is None and (severe or breaker.failures >= self._failures):
            self._rest(breaker, error)
            self._on_incident(name, error)
        elif trial:
            self._rest(breaker, error)
        return None

    def let_go(self, name: str, *, trial: bool) -> None:
        """The request ended without a word about the voice: it was cancelled, or the text was the trouble."""
        if trial:
            self.of(name).trying = False

    def _rest(self, breaker: Breaker, error: SpeechError) -> None:
        length = max(self._cooldown * 2**breaker.rests, error.retry_after or 0.0)
        breaker.rests_until = self._clock() + min(length, LONGEST_REST_S)
        breaker.rests += 1
        breaker.trying = False
        breaker.error = restated(error)


class Ladder:
    """Voices in the order they are wanted. Its audio says who spoke and who could not."""

    def __init__(self, rungs: Sequence[Synthesizer], breakers: Breakers, *, deadline: float = 45.0) -> None:
        """`deadline`: seconds for one `speak` in all. A voice with others below it may use half of what is
        left, so that one that hangs leaves time for the next.
        """
        if not rungs:
            raise ValueError("a ladder needs at least one voice")
        self._rungs = tuple(rungs)
        self._breakers = breakers
        self._deadline = deadline

    @property
    def name(self) -> str:
        return " > ".join(rung.name for rung in self._rungs)

    async def speak(self, speech: Speech) -> Audio:
        """Raises the last voice's SpeechError, with the reasons of all in its hint."""
        end = asyncio.get_running_loop().time() + self._deadline
        fell: list[str] = []
        last: SpeechError = Unreachable("deadline")
        for rung in self._rungs:
            try:
                audio = await self._ask(rung, speech, end)
            except SpeechError as error:
                fell.append(f"{rung.name}: {error.reason}")
                last = error
            else:
                return replace(audio, fell_from=(*fell, *audio.fell_from))
        raise restated(last, hint=f"{last.hint} No voice could speak: {'; '.join(fell)}.".lstrip()) from last

    async def close(self) -> None:
        for rung, outcome in zip(
            self._rungs,
            await asyncio.gather(*(r.close() for r in self._rungs), return_exceptions=True),
            strict=True,
        ):
            if isinstance(outcome, Exception):
                log.warning("%s did not close: %s", rung.name, type(outcome).__name__)

    async def _ask(self, rung: Synthesizer, speech: Speech, end: float) -> Audio:
        if resting := self._breakers.resting(rung.name):
            raise restated(resting)
        trial = self._breakers.of(rung.name).trying
        try:
            audio = await self._in_time(rung, speech, end)
        except SpeechError as error:
            self._breakers.failed(rung.name, error, trial=trial)
            raise
        except asyncio.CancelledError:
            self._breakers.let_go(rung.name, trial=trial)
            raise
        self._breakers.spoke(rung.name, trial=trial)
        return audio

    async def _in_time(self, rung: Synthesizer, speech: Speech, end: float) -> Audio:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(end if rung is self._rungs[-1] else now + (end - now) / 2):
                return await rung.speak(speech)
        except TimeoutError:
            hint = (
                f"{rung.name} did not speak in time: lower voice.timeout_s so that a fallback has time left."
            )
            raise Unreachable("deadline", hint=hint) from None
        except SpeechError:
            raise
        except Exception as error:
            # A fault in one voice's code is that voice's failure; the customer still gets the next one.
            log.exception("%s failed unexpectedly", rung.name)
            raise SpeechError(
                f"unexpected_{type(error).__name__}", hint="A fault in the gateway: see its log."
            ) from error


def restated(error: SpeechError, hint: str = "") -> SpeechError:
    """The same error without its traceback: safe to keep, and to raise many times."""
    return type(error)(
        error.reason, hint=hint or error.hint, retry_after=error.retry_after, retryable=error.retryable
    )
