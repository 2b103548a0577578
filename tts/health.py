"""Whether a voice is well: one that fails is left alone for a while, and tried again behind everybody's back.

No customer waits for a trial. A voice rests at once when its account, key or model is the trouble, and after some
failures in a row when it is the network or the pace. While it rests a few letters are spoken now and then; the first
time that goes well, it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial

from .errors import Quota, Refused, SpeechError, Unspeakable, VoiceUnavailable
from .model import Audio, Speech, Synthesizer

log = logging.getLogger(__name__)

FAILURES = 3
"""In a row, before a voice rests whose trouble may pass by itself."""
REST_S = 30.0
"""Before the first trial; each one after it waits twice as long."""
LONGEST_REST_S = 900.0
CROWD_OF_OURS = "no_slot"
"""Our own requests waited for each other until the time was over: no word about the voice."""
TRIAL = Speech("Olá.", "pt-BR")
"""Four letters: a trial that goes well is paid for."""


def as_long_as(speech: Speech) -> Speech:
    """A trial for an account that had too little left for `speech`: for four letters it nearly always has enough, so
    each rest would end, and begin again with the next customer."""
    times = -(-(len(speech.text) + 1) // (len(TRIAL.text) + 1))
    return Speech(" ".join([TRIAL.text] * times), TRIAL.language)


def _nobody(*_: object) -> None:
    """For whoever does not want to hear of it."""


async def _taken(audio: Audio) -> None:
    """For whoever takes any sound."""


class Health:
    """Of one voice of one account, shared by everybody who speaks with it."""

    def __init__(
        self,
        name: str = "",
        *,
        failures: int = FAILURES,
        rest_s: float = REST_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_out: Callable[[str, SpeechError], None] = _nobody,
        on_back: Callable[[str], None] = _nobody,
    ) -> None:
        """`on_out(name, error)` is called when it goes to rest, and again when a trial finds another cause;
        `on_back(name)` when it is well again."""
        self.name = name
        self.why: SpeechError | None = None
        """Why it rests; None while it is well."""
        self._failures, self._row = failures, 0
        self._rest_s, self._sleep = rest_s, sleep
        self._on_out, self._on_back = on_out, on_back
        self._trials: asyncio.Task[None] | None = None
        self._closed = False

    def spoke(self) -> None:
        """What it said proved to be sound. A late success of a request older than the incident proves nothing: only a
        trial ends a rest."""
        self._row = 0

    def failed(self, error: SpeechError, trial: Callable[[], Awaitable[object]]) -> None:
        """`trial` speaks a little; it is called from time to time until it does not raise SpeechError."""
        if isinstance(error, Unspeakable) or error.reason == CROWD_OF_OURS or self.why is not None or self._closed:
            return
        self._row += 1
        if isinstance(error, Quota | VoiceUnavailable | Refused) or self._row >= self._failures:
            self._out(error)
            # In a context of its own: what the turn that met the trouble says of itself is not said of every trial.
            self._trials = asyncio.create_task(self._recover(trial), name=f"trying {self.name}", context=Context())

    async def close(self) -> None:
        """No more trials."""
        self._closed = True
        trials, self._trials = self._trials, None
        if trials is not None:
            trials.cancel()
            await asyncio.gather(trials, return_exceptions=True)

    def _out(self, error: SpeechError) -> None:
        self.why = restated(error)
        self._on_out(self.name, self.why)

    async def _recover(self, trial: Callable[[], Awaitable[object]]) -> None:
        rest = self._rest_s
        while self.why is not None:
            await self._sleep(min(max(rest, self.why.retry_after or 0.0), LONGEST_REST_S))
            rest *= 2
            await self._try(trial)

    async def _try(self, trial: Callable[[], Awaitable[object]]) -> None:
        try:
            await trial()
        except SpeechError as error:
            self._found(error)
        except Exception as error:
            self._found(unforeseen(self.name, error))
        else:
            self.why, self._row = None, 0
            self._on_back(self.name)

    def _found(self, error: SpeechError) -> None:
        """By a trial: another cause is told, the same one is known."""
        if self.why is None or error.reason != self.why.reason:
            self._out(error)


class Watched:
    """A Synthesizer: another one, which is not asked while it rests."""

    def __init__(
        self, voice: Synthesizer, health: Health, *, prove: Callable[[Audio], Awaitable[object]] = _taken
    ) -> None:
        """`prove` does with a trial's sound what is done with every sound; raises SpeechError when that fails."""
        self._voice, self._prove, self.health = voice, prove, health
        health.name = health.name or voice.name

    @property
    def name(self) -> str:
        return self._voice.name

    async def speak(self, speech: Speech) -> Audio:
        """Raises what the voice raises, and while it rests at once why it does."""
        if self.health.why is not None:
            raise restated(self.health.why)
        try:
            return await self._voice.speak(speech)
        except SpeechError as error:
            self.health.failed(error, partial(self._trial, as_long_as(speech) if isinstance(error, Quota) else TRIAL))
            raise
        except Exception as error:
            fault = unforeseen(self.name, error)
            self.failed(fault)
            raise fault from error

    def spoke(self) -> None:
        """A note was made of what it said: before that it is not known to be sound."""
        self.health.spoke()

    def failed(self, error: SpeechError) -> None:
        """Also for whoever found only later that the voice is not well: its sound was none, or it took too long."""
        self.health.failed(error, self._trial)

    async def _trial(self, speech: Speech = TRIAL) -> None:
        await self._prove(await self._voice.speak(speech))

    async def close(self) -> None:
        await self.health.close()
        await self._voice.close()


def restated(error: SpeechError, hint: str = "") -> SpeechError:
    """The same error without its traceback: safe to keep, and to raise many times."""
    return type(error)(error.reason, hint=hint or error.hint, retry_after=error.retry_after, retryable=error.retryable)


def unforeseen(voice: str, error: Exception) -> SpeechError:
    """A fault in one voice's code is that voice's failure; the customer still gets the next one."""
    log.error("%s failed unexpectedly", voice, exc_info=error)
    return SpeechError(f"unexpected_{type(error).__name__}", hint="A fault in the gateway: see its log.")
