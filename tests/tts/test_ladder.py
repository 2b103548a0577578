"""Who speaks when somebody cannot; what is spoken ahead, what of it is used, and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.cache import Cache, Once
from tts.errors import Encoding, Quota, RateLimited, SpeechError, Unreachable
from tts.health import Health, Watched
from tts.ladder import Ladder, Rung, Telling, Told
from tts.model import Audio, Note, Speech
from tts.profiles import TELEGRAM, WEB, Profile
from tts.shelves import Memory

HELLO = Speech("Olá", "pt-BR")
ONE, TWO, THREE = (Speech(text, "pt-BR") for text in ("Um.", "Dois.", "Três."))


@dataclass
class Scripted:
    """A voice that does what it is told for each request, in order, and speaks once nothing is left."""

    name: str
    script: list[Exception | str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closed: int = 0
    gate: asyncio.Event | None = None
    """While it is shut nothing is finished."""

    async def speak(self, speech: Speech) -> Audio:
        self.asked.append(speech.text)
        step = self.script.pop(0) if self.script else "speak"
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            await asyncio.Event().wait()
        if self.gate:
            await self.gate.wait()
        return Audio(f"{self.name}:{speech.text} ".encode(), "audio/mpeg", 1.0, (), self.name, len(speech.text))

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Finisher:
    """Sets sounds one after the other; at most `fits` in a note. A real codec is tested where it lives."""

    fits: int = 99
    refuses: list[Encoding] = field(default_factory=list)
    made: list[bytes] = field(default_factory=list)

    async def notes(self, parts: Sequence[bytes], *, profile: Profile) -> list[Note]:
        if self.refuses:
            raise self.refuses.pop(0)
        groups = [parts[n : n + self.fits] for n in range(0, len(parts), self.fits)]
        self.made += [b"".join(group) for group in groups]
        return [Note(Audio(b"".join(group), "audio/ogg", float(len(group))), len(group)) for group in groups]


class House:
    def __init__(self, *voices: Scripted, deadline: float = 45.0, failures: int = 3) -> None:
        self.voices, self.finisher, self.once = voices, Finisher(), Once(Memory())
        self.told: list[str] = []
        rungs = [self._rung(voice, failures) for voice in voices]
        self.ladder = Ladder(rungs, self.finisher, self.once, deadline=deadline)

    def _rung(self, voice: Scripted, failures: int) -> Rung:
        health = Health(
            failures=failures,
            sleep=lambda _: asyncio.Event().wait(),  # type: ignore[arg-type, return-value]
            on_out=lambda name, error: self.told.append(f"{name} out: {error.reason}"),
        )
        watched = Watched(voice, health)
        return Rung(Cache(watched, self.once), watched)

    async def finish(self, *speeches: Speech, telling: Telling | None = None) -> Told:
        return await (telling or self.ladder.begin()).finish(speeches, WEB)


def sound(told: Told) -> bytes:
    return b"|".join(note.audio.data for note in told.notes)


async def settled() -> None:
    """Whatever can happen now has happened."""
    for _ in range(20):
        await asyncio.sleep(0)


# -- who speaks ------------------------------------------------------------------------------------


async def test_the_first_voice_that_can_speaks() -> None:
    house = House(Scripted("a", [Quota("quota_exceeded")]), Scripted("b", [Encoding("not_audio")]), Scripted("c"))
    told = await house.finish(HELLO)
    assert (told.spoken_by, told.fell_from) == ("c", ("a: quota_exceeded", "b: not_audio"))
    assert told.notes[0].audio.spoken_by == "c"
    assert house.ladder.name == "a > b > c"
    await house.ladder.close()
    assert [voice.closed for voice in house.voices] == [1, 1, 1]


async def test_one_sentence_at_a_time_is_a_note_too() -> None:
    house = House(Scripted("a", [Quota("quota_exceeded")]), Scripted("b"))
    audio = await house.ladder.speak(HELLO)
    assert (audio.data, audio.spoken_by, audio.fell_from) == ("b:Olá ".encode(), "b", ("a: quota_exceeded",))
    await house.ladder.close()


async def test_when_nobody_can_the_last_error_tells_of_all() -> None:
    last = RateLimited("system_busy", hint="Busy.", retry_after=7.0)
    house = House(Scripted("a", [Quota("quota_exceeded")]), Scripted("b", [last]))
    with pytest.raises(RateLimited) as caught:
        await house.finish(HELLO)
    error = caught.value
    assert (error.reason, error.retry_after, error.retryable) == ("system_busy", 7.0, True)
    assert error.hint == "Busy. No voice could speak: a: quota_exceeded; b: system_busy."
    await house.ladder.close()


async def test_one_voice_speaks_the_whole_note() -> None:
    """The second sentence fails: nobody hears two voices in one note."""
    a, b = Scripted("a", ["speak", Unreachable("cut"), "speak"]), Scripted("b")
    told = await (house := House(a, b)).finish(ONE, TWO, THREE)
    assert (sound(told), told.fell_from) == ("b:Um. b:Dois. b:Três. ".encode(), ("a: cut",))
    assert told.wasted == len("Um.") + len("Três."), "what the first voice was paid for and nobody hears"
    await house.ladder.close()


async def test_a_voice_that_rests_is_not_asked() -> None:
    house = House(a := Scripted("a", [Quota("quota_exceeded")]), Scripted("b"))
    await house.finish(ONE)
    told = await house.finish(TWO)
    assert (a.asked, told.fell_from, house.told) == (["Um."], ("a: quota_exceeded",), ["a out: quota_exceeded"])
    await house.ladder.close()


async def test_what_a_resting_voice_said_before_is_said_again() -> None:
    """Cached audio of the same words needs no provider."""
    house = House(a := Scripted("a", ["speak", "speak", Quota("quota_exceeded")]), Scripted("b"))
    first = await house.finish(ONE, TWO)
    assert (await house.finish(THREE)).spoken_by == "b"
    again, half = await house.finish(ONE, TWO), await house.finish(TWO)
    assert sound(again) == sound(first)
    assert (again.spoken_by, again.characters, again.saved) == ("a", 0, 8)
    assert (half.spoken_by, half.characters, half.saved) == ("a", 0, 5)
    assert a.asked == ["Um.", "Dois.", "Três."]
    await house.ladder.close()


async def test_a_voice_that_hangs_leaves_time_for_the_next() -> None:
    house = House(Scripted("a", ["hang"]), Scripted("b"), deadline=2.0, failures=1)
    told = await house.finish(HELLO)
    assert (told.spoken_by, told.fell_from, house.told) == ("b", ("a: deadline",), ["a out: deadline"])
    assert told.wasted == len("Olá")
    await house.ladder.close()


async def test_the_last_one_has_all_the_time_that_is_left() -> None:
    house = House(Scripted("a", ["hang"]), deadline=0.05)
    with pytest.raises(Unreachable, match="deadline"):
        await house.finish(HELLO)
    await house.ladder.close()


async def test_bytes_that_were_no_sound_are_the_voices_fault_and_are_not_kept() -> None:
    house = House(a := Scripted("a"), Scripted("b"), failures=1)
    house.finisher.refuses = [Encoding("not_audio")]
    told = await house.finish(HELLO)
    assert (told.spoken_by, told.wasted, house.told) == ("b", 3, ["a out: not_audio"])
    assert await house.once.recall(house.ladder.rungs[0].voice.key(HELLO)) is None
    assert a.asked == ["Olá"]
    await house.ladder.close()


async def test_a_broken_encoder_is_nobody_elses_fault() -> None:
    house = House(Scripted("a"), b := Scripted("b"), failures=1)
    house.finisher.refuses = [Encoding("worker_died")]
    with pytest.raises(Encoding, match="worker_died"):
        await house.finish(HELLO)
    assert (b.asked, house.told) == ([], [])


# -- ahead -----------------------------------------------------------------------------------------


async def test_what_was_said_ahead_is_not_asked_for_again() -> None:
    house = House(a := Scripted("a"))
    telling = house.ladder.begin()
    telling.say(ONE, TWO)
    await settled()
    assert a.asked == ["Um.", "Dois."]
    told = await house.finish(ONE, TWO, THREE, telling=telling)
    assert (a.asked, sound(told)) == (["Um.", "Dois.", "Três."], "a:Um. a:Dois. a:Três. ".encode())
    assert (told.characters, told.wasted) == (13, 0)


async def test_what_is_not_wanted_after_all_is_called_off_and_counted() -> None:
    gate = asyncio.Event()
    house = House(a := Scripted("a"))
    telling = house.ladder.begin()
    telling.say(ONE)
    await settled()
    a.gate = gate
    telling.say(TWO)
    await settled()
    a.gate = None
    told = await house.finish(THREE, telling=telling)
    assert sound(told) == "a:Três. ".encode()
    assert told.wasted == len("Um.") + len("Dois."), "one was spoken, the other perhaps"
    assert told.characters == len("Três.")


async def test_what_was_only_looked_for_costs_nothing() -> None:
    """The assistant wrote faster than what is remembered could be read."""
    house = House(a := Scripted("a"))
    await house.finish(ONE, TWO)
    telling = house.ladder.begin()
    telling.say(ONE, TWO)
    told = await house.finish(ONE, TWO, telling=telling)
    assert (told.characters, told.saved, told.wasted) == (0, 8, 0)
    assert a.asked == ["Um.", "Dois."]
    await house.ladder.close()


async def test_leaving_calls_everything_off() -> None:
    house = House(a := Scripted("a", ["hang"]))
    telling = house.ladder.begin()
    telling.say(ONE)
    await settled()
    telling.leave()
    telling.leave()
    assert (telling.wasted, a.asked) == (len("Um."), ["Um."])


async def test_the_next_voice_catches_up_while_the_text_is_still_being_written() -> None:
    house = House(Scripted("a", ["speak", Quota("quota_exceeded")]), b := Scripted("b"))
    telling = house.ladder.begin()
    telling.say(ONE, TWO)
    await settled()
    telling.say(THREE)
    await settled()
    assert b.asked == ["Um.", "Dois.", "Três."]
    told = await house.finish(ONE, TWO, THREE, telling=telling)
    assert (told.spoken_by, told.fell_from) == ("b", ("a: quota_exceeded",))
    await house.ladder.close()


async def test_when_all_fail_ahead_the_end_says_so() -> None:
    house = House(Scripted("a", [Quota("quota_exceeded")]))
    telling = house.ladder.begin()
    telling.say(ONE)
    await settled()
    telling.say(TWO)
    telling.say(THREE)
    with pytest.raises(Quota, match="quota_exceeded"):
        await house.finish(ONE, TWO, THREE, telling=telling)
    await house.ladder.close()


async def test_whoever_waits_for_what_is_called_off_is_told() -> None:
    house = House(Scripted("a", ["hang"]), b := Scripted("b"))
    telling = house.ladder.begin()
    task = asyncio.create_task(house.finish(ONE, telling=telling))
    await settled()
    telling.leave()
    with pytest.raises(SpeechError, match="called_off"):
        await task
    with pytest.raises(SpeechError, match="called_off"):
        await house.finish(ONE, telling=telling)
    telling.say(TWO)
    assert (telling.wasted, b.asked) == (len("Um."), [])
    await house.ladder.close()


async def test_being_stopped_in_the_middle_leaves_nothing_speaking() -> None:
    house = House(Scripted("a", ["hang"]))
    telling = house.ladder.begin()
    task = asyncio.create_task(house.finish(ONE, telling=telling))
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert telling.wasted == len("Um.")
    await settled()


# -- the notes -------------------------------------------------------------------------------------


async def test_the_same_note_for_another_place_is_another_note() -> None:
    house = House(Scripted("a"))
    telling = house.ladder.begin()
    await house.finish(ONE, TWO)
    told = await telling.finish([ONE, TWO], TELEGRAM)
    assert (told.characters, told.saved, len(house.finisher.made)) == (0, 8, 2)
    await house.finish(ONE, TWO)
    assert len(house.finisher.made) == 2, "found again"


async def test_what_does_not_fit_into_one_note_becomes_several() -> None:
    house = House(Scripted("a"))
    house.finisher.fits = 2
    for _ in range(2):
        told = await house.finish(ONE, TWO, THREE)
        assert [note.parts for note in told.notes] == [2, 1]
        assert sound(told) == "a:Um. a:Dois. |a:Três. ".encode()


SENTENCES = st.lists(st.sampled_from([ONE, TWO, THREE]), min_size=1, max_size=3, unique=True)
TROUBLE = st.lists(st.sampled_from(["speak", "quota", "cut"]), max_size=5)


@given(ahead=st.lists(st.sampled_from([ONE, TWO, THREE]), max_size=4), wanted=SENTENCES, script=TROUBLE)
def test_whatever_was_said_ahead_the_note_is_what_was_wanted(
    ahead: list[Speech], wanted: list[Speech], script: list[str]
) -> None:
    errors: dict[str, Exception] = {"quota": Quota("quota_exceeded"), "cut": Unreachable("cut")}
    asyncio.run(_told([errors.get(step, step) for step in script], ahead, wanted))


async def _told(script: list[Exception | str], ahead: list[Speech], wanted: list[Speech]) -> None:
    house = House(a := Scripted("a", script), b := Scripted("b"))
    telling = house.ladder.begin()
    for speech in ahead:
        telling.say(speech)
        await settled()
    told = await house.finish(*wanted, telling=telling)
    who = told.spoken_by
    assert sound(told) == "".join(f"{who}:{speech.text} " for speech in wanted).encode()
    spoken = sum(len(text) for voice in (a, b) for text in voice.asked)
    assert told.characters == sum(len(speech.text) for speech in wanted)
    assert told.characters + told.wasted <= spoken
    await house.ladder.close()


def test_a_ladder_needs_a_voice() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ladder([], Finisher(), Once(Memory()))
