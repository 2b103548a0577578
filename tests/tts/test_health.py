"""Who is left alone, for how long, and who finds out that it is well again: never a customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tts.errors import (
    Encoding,
    Quota,
    RateLimited,
    Refused,
    SpeechError,
    Unreachable,
    Unspeakable,
    VoiceUnavailable,
)
from tts.health import LONGEST_REST_S, TRIAL, Health, Watched
from tts.model import Audio, Speech

HELLO = Speech("Olá", "pt-BR")


@dataclass
class Scripted:
    """A voice that does what it is told, in order, and speaks once nothing is left."""

    script: list[Exception] = field(default_factory=list)
    asked: list[Speech] = field(default_factory=list)
    name: str = "a"

    async def speak(self, speech: Speech) -> Audio:
        self.asked.append(speech)
        if self.script:
            raise self.script.pop(0)
        return Audio(b"sound", "audio/mpeg", spoken_by=self.name)

    async def close(self) -> None: ...


class Ward:
    """A voice under watch; a rest lasts until `wake`."""

    def __init__(self, *script: Exception, failures: int = 3) -> None:
        self.voice, self.told, self.rests = Scripted([*script]), list[str](), list[float]()
        self._over: asyncio.Queue[None] = asyncio.Queue()
        self.slept = asyncio.Event()
        self.health = Health(
            failures=failures,
            sleep=self._sleep,
            on_out=lambda name, error: self.told.append(f"{name} out: {error.reason}"),
            on_back=lambda name: self.told.append(f"{name} back"),
        )
        self.watched = Watched(self.voice, self.health)

    async def _sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.slept.set()
        await self._over.get()

    async def wake(self) -> None:
        """The rest is over, and the trial too when this returns."""
        await self.slept.wait()
        self.slept.clear()
        self._over.put_nowait(None)
        while not self.slept.is_set() and self.health.why is not None:
            await asyncio.sleep(0)

    async def speak(self) -> str:
        """A sentence, and the note of it."""
        try:
            said = await self.watched.speak(HELLO)
            self.watched.spoke()
            return said.spoken_by
        except SpeechError as error:
            return error.reason


@pytest.fixture
async def wards() -> AsyncIterator[list[Ward]]:
    made: list[Ward] = []
    yield made
    for ward in made:
        await ward.watched.close()


SEVERE = [Quota("quota_exceeded"), VoiceUnavailable("voice_not_found"), Refused("invalid_api_key")]
PASSING = [Unreachable("timeout"), RateLimited("system_busy"), Encoding("not_audio"), SpeechError("unexpected_x")]


@pytest.mark.parametrize("error", SEVERE, ids=lambda error: error.reason)
async def test_what_does_not_mend_itself_rests_at_once(error: SpeechError, wards: list[Ward]) -> None:
    wards.append(ward := Ward(error))
    assert [await ward.speak() for _ in range(3)] == [error.reason] * 3
    assert (len(ward.voice.asked), ward.told) == (1, [f"a out: {error.reason}"])


@pytest.mark.parametrize("error", PASSING, ids=lambda error: error.reason)
async def test_what_may_pass_rests_after_three_in_a_row(error: SpeechError, wards: list[Ward]) -> None:
    wards.append(ward := Ward(error, error, error))
    assert [await ward.speak() for _ in range(5)] == [error.reason] * 5
    assert (len(ward.voice.asked), ward.told) == (3, [f"a out: {error.reason}"])


async def test_a_success_between_failures_begins_the_count_anew(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Unreachable("cut"), Unreachable("cut")))
    assert [await ward.speak() for _ in range(3)] == ["cut", "cut", "a"]
    ward.voice.script = [Unreachable("cut"), Unreachable("cut")]
    assert [await ward.speak() for _ in range(3)] == ["cut", "cut", "a"]
    assert ward.told == []


async def test_bytes_that_never_become_a_note_are_no_success(wards: list[Ward]) -> None:
    wards.append(ward := Ward())
    for _ in range(3):
        await ward.watched.speak(HELLO)
        ward.watched.failed(Encoding("not_audio"))
    assert ward.told == ["a out: not_audio"]


async def test_words_that_cannot_be_spoken_say_nothing_about_the_voice(wards: list[Ward]) -> None:
    wards.append(ward := Ward(*[Unspeakable("max_character_limit_exceeded")] * 9))
    assert {await ward.speak() for _ in range(9)} == {"max_character_limit_exceeded"}
    assert ward.told == []


async def test_a_fault_of_ours_is_a_failure_of_that_voice(wards: list[Ward]) -> None:
    wards.append(ward := Ward(ZeroDivisionError(), failures=1))
    assert await ward.speak() == "unexpected_ZeroDivisionError"
    assert ward.told == ["a out: unexpected_ZeroDivisionError"]


async def test_a_trial_finds_out_and_no_customer_waits_for_it(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded"), Quota("quota_exceeded"), Quota("quota_exceeded")))
    await ward.speak()
    await ward.wake()
    assert await ward.speak() == "quota_exceeded"
    await ward.wake()
    await ward.wake()
    assert await ward.speak() == "a"
    assert ward.voice.asked == [HELLO, TRIAL, TRIAL, TRIAL, HELLO]
    assert ward.told == ["a out: quota_exceeded", "a back"]
    assert ward.rests == [30.0, 60.0, 120.0]


async def test_another_cause_is_told_too(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded"), Refused("invalid_api_key"), Refused("invalid_api_key")))
    await ward.speak()
    await ward.wake()
    await ward.wake()
    assert await ward.speak() == "invalid_api_key"
    assert ward.told == ["a out: quota_exceeded", "a out: invalid_api_key"]


async def test_a_rest_is_as_long_as_the_provider_says_and_never_beyond_a_quarter_of_an_hour(wards: list[Ward]) -> None:
    wards.append(ward := Ward(*[Quota("quota_exceeded", retry_after=50.0)] * 9))
    await ward.speak()
    for _ in range(6):
        await ward.wake()
    assert ward.rests[:6] == [50.0, 60.0, 120.0, 240.0, 480.0, LONGEST_REST_S]


async def test_a_fault_in_a_trial_does_not_end_the_trials(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded"), ZeroDivisionError()))
    await ward.speak()
    await ward.wake()
    assert await ward.speak() == "unexpected_ZeroDivisionError"
    await ward.wake()
    assert await ward.speak() == "a"
    assert ward.told == ["a out: quota_exceeded", "a out: unexpected_ZeroDivisionError", "a back"]


async def test_a_trial_proves_what_is_done_with_its_sound(wards: list[Ward]) -> None:
    wards.append(ward := Ward())
    verdicts: list[SpeechError] = [Encoding("not_audio")]

    async def prove(audio: Audio) -> None:
        if verdicts:
            raise verdicts.pop()

    ward.watched = Watched(ward.voice, ward.health, prove=prove)
    for _ in range(3):
        ward.watched.failed(Encoding("not_audio"))
    await ward.wake()
    assert await ward.speak() == "not_audio"
    await ward.wake()
    assert await ward.speak() == "a"


async def test_one_health_for_all_who_speak_with_a_voice(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded")))
    other = Scripted()
    assert await ward.speak() == "quota_exceeded"
    with pytest.raises(Quota):
        await Watched(other, ward.health).speak(HELLO)
    assert other.asked == []


async def test_a_line_of_our_own_says_nothing_about_the_voice(wards: list[Ward]) -> None:
    wards.append(ward := Ward(*[RateLimited("no_slot", retryable=False)] * 9))
    assert {await ward.speak() for _ in range(9)} == {"no_slot"}
    assert ward.told == []


async def test_what_is_closed_begins_no_trials(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded")))
    await ward.watched.close()
    await ward.speak()
    await asyncio.sleep(0)
    assert (ward.told, ward.rests) == ([], [])


async def test_closing_ends_the_trials(wards: list[Ward]) -> None:
    wards.append(ward := Ward(Quota("quota_exceeded")))
    await ward.speak()
    await ward.slept.wait()
    await ward.watched.close()
    await ward.watched.close()
    assert len(ward.voice.asked) == 1
