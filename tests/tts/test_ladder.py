"""Who speaks when somebody cannot, and who is left alone for how long."""

from __future__ import annotations

import asyncio
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
from tts.ladder import Breakers, Ladder
from tts.model import Audio, Speech

HELLO = Speech("Olá", "pt-BR")


@dataclass
class Scripted:
    """A voice that does what it is told, in order, and speaks once nothing is left."""

    name: str
    script: list[SpeechError | Exception | str] = field(default_factory=list)
    asked: int = 0
    closed: int = 0

    async def speak(self, speech: Speech) -> Audio:
        self.asked += 1
        step = self.script.pop(0) if self.script else "speak"
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            await asyncio.Event().wait()
        for _ in range(3):
            await asyncio.sleep(0)  # whoever has no time left is stopped here
        return Audio(b"sound", "audio/mpeg", spoken_by=self.name)

    async def close(self) -> None:
        self.closed += 1


class House:
    """Breakers with a clock that stands still until told, and everything they said."""

    def __init__(self, failures: int = 3, cooldown: float = 30.0) -> None:
        self.now = 1000.0
        self.told: list[str] = []
        self.breakers = Breakers(
            failures=failures,
            cooldown=cooldown,
            clock=lambda: self.now,
            on_incident=lambda name, error: self.told.append(f"{name} down: {error.reason}"),
            on_recovered=lambda name: self.told.append(f"{name} back"),
        )


async def spoke(ladder: Ladder) -> tuple[str, tuple[str, ...]]:
    audio = await ladder.speak(HELLO)
    return audio.spoken_by, audio.fell_from


async def test_the_first_voice_that_can_speaks() -> None:
    a, b, c = Scripted("a", [Quota("quota_exceeded")]), Scripted("b", [Encoding("not_audio")]), Scripted("c")
    ladder = Ladder([a, b, c], House().breakers)
    assert await spoke(ladder) == ("c", ("a: quota_exceeded", "b: not_audio"))
    assert ladder.name == "a > b > c"


async def test_a_voice_below_that_fell_itself_keeps_its_reasons() -> None:
    house = House()
    inner = Ladder([Scripted("b", [Unreachable("cut")]), Scripted("c")], house.breakers)
    ladder = Ladder([Scripted("a", [Unreachable("timeout")]), inner], house.breakers)
    assert await spoke(ladder) == ("c", ("a: timeout", "b: cut"))


async def test_when_nobody_can_the_last_error_tells_of_all() -> None:
    last = RateLimited("system_busy", hint="Busy.", retry_after=7.0)
    ladder = Ladder([Scripted("a", [Quota("quota_exceeded")]), Scripted("b", [last])], House().breakers)
    with pytest.raises(RateLimited) as caught:
        await ladder.speak(HELLO)
    error = caught.value
    assert (error.reason, error.retry_after, error.retryable) == ("system_busy", 7.0, True)
    assert error.hint == "Busy. No voice could speak: a: quota_exceeded; b: system_busy."


@pytest.mark.parametrize(
    ("error", "asked_until_it_rests"),
    [
        (Quota("quota_exceeded"), 1),
        (VoiceUnavailable("voice_not_found"), 1),
        (Refused("invalid_api_key"), 1),
        (Unreachable("timeout"), 3),
        (RateLimited("system_busy"), 3),
        (Encoding("not_audio"), 3),
        (ValueError("a fault of ours"), 3),
        (Unspeakable("max_character_limit_exceeded"), 9),
    ],
)
async def test_how_much_is_borne_before_a_voice_rests(error: Exception, asked_until_it_rests: int) -> None:
    house = House()
    a, b = Scripted("a", [error] * 9), Scripted("b")
    ladder = Ladder([a, b], house.breakers)
    for _ in range(9):
        assert (await spoke(ladder))[0] == "b"
    assert a.asked == asked_until_it_rests
    assert len(house.told) == (asked_until_it_rests < 9)


async def test_a_success_in_between_starts_the_count_anew() -> None:
    house = House()
    trouble = Unreachable("cut")
    a = Scripted("a", [trouble, trouble, "speak", trouble, trouble, "speak"])
    ladder = Ladder([a, Scripted("b")], house.breakers)
    for _ in range(6):
        await ladder.speak(HELLO)
    assert (a.asked, house.told) == (6, [])


async def test_a_resting_voice_is_named_with_the_reason_why() -> None:
    ladder = Ladder([Scripted("a", [Quota("quota_exceeded")]), Scripted("b")], House().breakers)
    await ladder.speak(HELLO)
    assert await spoke(ladder) == ("b", ("a: quota_exceeded",))


async def test_one_request_finds_out_whether_it_is_well_again() -> None:
    house = House()
    a = Scripted("a", [Quota("quota_exceeded")])
    ladder = Ladder([a, Scripted("b")], house.breakers)
    await ladder.speak(HELLO)
    house.now += 29.9
    assert (await spoke(ladder))[0] == "b"
    house.now += 0.1
    assert await spoke(ladder) == ("a", ())
    assert house.told == ["a down: quota_exceeded", "a back"]


async def test_while_one_finds_out_the_others_do_not_wait_for_it() -> None:
    house = House()
    a = Scripted("a", [Quota("quota_exceeded"), "hang"])
    ladder = Ladder([a, Scripted("b")], house.breakers)
    await ladder.speak(HELLO)
    house.now += 30
    trial = asyncio.create_task(ladder.speak(HELLO))
    await asyncio.sleep(0)
    assert (await spoke(ladder))[0] == "b"
    assert a.asked == 2
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert (await spoke(ladder))[0] == "a"  # a cancelled trial proves nothing: the next one tries


async def test_each_failed_trial_doubles_the_rest_and_is_told_once() -> None:
    house = House()
    a = Scripted("a", [Quota("quota_exceeded")] * 8)
    ladder = Ladder([a, Scripted("b")], house.breakers)
    await ladder.speak(HELLO)
    for rest in (30, 60, 120, 240, 480, 900, 900):
        asked = a.asked
        house.now += rest - 1
        await ladder.speak(HELLO)
        assert a.asked == asked
        house.now += 1
        await ladder.speak(HELLO)
        assert a.asked == asked + 1
    assert house.told == ["a down: quota_exceeded"]
    house.now += 900
    assert await spoke(ladder) == ("a", ())
    assert house.told[1:] == ["a back"]


async def test_the_provider_may_ask_for_a_longer_rest() -> None:
    house = House(failures=1)
    a = Scripted("a", [RateLimited("rate_limit_exceeded", retry_after=100.0)])
    ladder = Ladder([a, Scripted("b")], house.breakers)
    await ladder.speak(HELLO)
    house.now += 99
    assert (await spoke(ladder))[0] == "b"
    house.now += 1
    assert (await spoke(ladder))[0] == "a"


async def test_a_text_that_cannot_be_spoken_says_nothing_about_the_voice_on_trial() -> None:
    house = House()
    a = Scripted("a", [Quota("quota_exceeded"), Unspeakable("blank_text")])
    ladder = Ladder([a, Scripted("b")], house.breakers)
    await ladder.speak(HELLO)
    house.now += 30
    assert await spoke(ladder) == ("b", ("a: blank_text",))
    assert (await spoke(ladder))[0] == "a"
    assert house.told == ["a down: quota_exceeded", "a back"]


async def test_a_late_success_of_before_the_incident_ends_nothing() -> None:
    house = House()
    breakers = house.breakers
    assert breakers.resting("a") is None
    breakers.failed("a", Quota("quota_exceeded"), trial=False)
    breakers.spoke("a", trial=False)
    breakers.failed("a", Quota("quota_exceeded"), trial=False)
    assert breakers.resting("a") is not None
    assert house.told == ["a down: quota_exceeded"]


async def test_ladders_share_what_they_learnt() -> None:
    house = House()
    first = Ladder([Scripted("a", [Quota("quota_exceeded")]), Scripted("b")], house.breakers)
    await first.speak(HELLO)
    again = Scripted("a")
    assert (await spoke(Ladder([again, Scripted("c")], house.breakers)))[0] == "c"
    assert again.asked == 0
    assert len(house.told) == 1


async def test_a_voice_that_hangs_leaves_time_for_the_next() -> None:
    ladder = Ladder([Scripted("a", ["hang"]), Scripted("b")], House().breakers, deadline=1.0)
    assert await spoke(ladder) == ("b", ("a: deadline",))


async def test_the_deadline_is_for_all_together() -> None:
    house = House(failures=1)
    ladder = Ladder([Scripted("a", ["hang"]), Scripted("b", ["hang"])], house.breakers, deadline=0.1)
    with pytest.raises(Unreachable) as caught:
        await ladder.speak(HELLO)
    assert caught.value.reason == "deadline"
    assert house.told == ["a down: deadline", "b down: deadline"]


async def test_a_fault_in_a_voice_is_logged_and_the_next_one_speaks(caplog: pytest.LogCaptureFixture) -> None:
    ladder = Ladder([Scripted("a", [ZeroDivisionError()]), Scripted("b")], House().breakers)
    assert await spoke(ladder) == ("b", ("a: unexpected_ZeroDivisionError",))
    assert "a failed unexpectedly" in caplog.text


async def test_closing_closes_every_voice_even_when_one_cannot(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Scripted):
        async def close(self) -> None:
            raise OSError("stuck")

    a, b = Stuck("a"), Scripted("b")
    await Ladder([a, b], House().breakers).close()
    assert b.closed == 1
    assert "a did not close: OSError" in caplog.text


def test_a_ladder_has_rungs() -> None:
    with pytest.raises(ValueError, match="at least one voice"):
        Ladder([], House().breakers)
