"""What a second look at speaking found: costs that were counted twice or never, and whose fault a trouble is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tts.test_ladder import HELLO, ONE, TWO, House, Scripted, settled, sound
from tts.cache import Cache, Once
from tts.errors import Encoding, Quota, SpeechError
from tts.health import Health, Watched
from tts.ladder import Rung
from tts.model import Audio, Note, Speech
from tts.profiles import Profile
from tts.shelves import Folder, Memory

# -- what it cost ------------------------------------------------------------------------------------


class SlowFinisher:
    """Makes notes once it may."""

    def __init__(self) -> None:
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def notes(self, parts: Sequence[bytes], *, profile: Profile) -> list[Note]:
        self.asked.set()
        await self.may.wait()
        return [Note(Audio(b"".join(parts), "audio/ogg", 1.0), len(parts))]


async def test_who_leaves_while_the_note_is_made_pays_once() -> None:
    """A person took over while the encoder was at work."""
    house = House(Scripted("a"))
    house.ladder.finisher = slow = SlowFinisher()
    telling = house.ladder.begin()
    task = asyncio.create_task(house.finish(ONE, telling=telling))
    await slow.asked.wait()
    telling.leave()
    slow.may.set()
    with pytest.raises(SpeechError, match="called_off"):
        await task
    assert telling.wasted == len("Um.")


class StuckShelf(Memory):
    """Finds and never keeps a note."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = asyncio.Event()

    async def keep(self, key: str, audio: Audio) -> None:
        if audio.mime == "audio/ogg":
            self.stuck.set()
            await asyncio.Event().wait()
        await super().keep(key, audio)


async def test_being_stopped_while_the_note_is_remembered_does_not_hide_what_it_cost() -> None:
    house = House(Scripted("a"))
    shelf = StuckShelf()
    house.ladder.once = Once(shelf)
    telling = house.ladder.begin()
    task = asyncio.create_task(house.finish(ONE, TWO, telling=telling))
    await shelf.stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert telling.wasted == len("Um.") + len("Dois.")


async def test_a_note_that_is_made_is_not_given_up_for_a_disk_that_is_slow() -> None:
    house = House(a := Scripted("a"), b := Scripted("b"), deadline=0.2, failures=1)
    house.ladder.once = Once(StuckShelf())
    told = await house.finish(ONE)
    assert (told.spoken_by, told.characters, told.wasted) == ("a", 3, 0)
    assert (a.asked, b.asked, house.told) == (["Um."], [], [])


async def test_a_sentence_that_two_answers_want_is_not_paid_for_by_who_leaves() -> None:
    house = House(a := Scripted("a", gate=asyncio.Event()))
    leaving, staying = house.ladder.begin(), house.ladder.begin()
    leaving.say(ONE)
    task = asyncio.create_task(house.finish(ONE, telling=staying))
    await settled()
    leaving.leave()
    assert leaving.wasted == 0
    assert a.gate
    a.gate.set()
    told = await task
    assert (told.characters, told.wasted, a.asked) == (3, 0, ["Um."])


async def test_the_last_one_to_leave_a_shared_sentence_pays() -> None:
    house = House(Scripted("a", ["hang"]))
    first, last = house.ladder.begin(), house.ladder.begin()
    for telling in (first, last):
        telling.say(ONE)
    await settled()
    first.leave()
    await settled()
    last.leave()
    assert (first.wasted, last.wasted) == (0, 3)


async def test_the_same_words_twice_in_one_answer_are_called_off_once() -> None:
    """A model that does not carry on: both are one request."""
    a = Scripted("a", ["hang"])
    house = House(a)
    watched = house.ladder.rungs[0].watched
    house.ladder.rungs = (Rung(Cache(watched, house.once, carries_on=False), watched),)
    telling = house.ladder.begin()
    telling.say(ONE, replace(ONE, previous_text="Um."))
    await settled()
    telling.leave()
    assert (telling.wasted, a.asked) == (3, ["Um."])


async def test_a_sentence_that_comes_again_in_one_note_is_charged_once() -> None:
    again = replace(ONE, previous_text="Um.")
    house = House(a := Scripted("a"))
    told = await house.finish(ONE, again, again, again)
    assert sound(told) == b"a:Um. " * 4
    assert a.asked == ["Um.", "Um."]
    assert (told.characters, told.saved) == (6, 6)


async def test_a_voice_of_our_own_costs_nothing_to_call_off() -> None:
    house = House(Scripted("a", ["hang"]))
    house.ladder.rungs = (replace(house.ladder.rungs[0], free=True),)
    telling = house.ladder.begin()
    telling.say(ONE)
    await settled()
    telling.leave()
    assert telling.wasted == 0


# -- whose fault it is -------------------------------------------------------------------------------


async def test_a_busy_encoder_is_no_fault_of_the_voice() -> None:
    """Somebody's long note is being decoded: another voice would wait for the same encoder, and be paid, too."""
    house = House(Scripted("a"), b := Scripted("b"), deadline=0.2, failures=1)
    house.ladder.finisher = SlowFinisher()
    telling = house.ladder.begin()
    with pytest.raises(Encoding, match="encoder_timeout"):
        await house.finish(ONE, telling=telling)
    assert (b.asked, house.told, telling.wasted) == ([], [], 3)


class BrokenFinisher:
    """Has a fault of its own."""

    async def notes(self, parts: Sequence[bytes], *, profile: Profile) -> list[Note]:
        if parts[0].startswith(b"a"):
            raise IndexError("packet")
        return [Note(Audio(b"".join(parts), "audio/ogg", 1.0), len(parts))]


async def test_bytes_that_break_the_encoder_are_met_by_the_next_voice() -> None:
    house = House(Scripted("a"), Scripted("b"))
    house.ladder.finisher = BrokenFinisher()
    told = await house.finish(HELLO)
    assert (told.spoken_by, told.fell_from) == ("b", ("a: unexpected_IndexError",))


class Purse:
    """An account with so many characters left."""

    name = "a"

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, list[int]()

    async def speak(self, speech: Speech) -> Audio:
        self.asked.append(len(speech.text))
        if len(speech.text) > self.left:
            raise Quota("quota_exceeded")
        self.left -= len(speech.text)
        return Audio(b"sound", "audio/mpeg", characters=len(speech.text))

    async def close(self) -> None: ...


async def test_an_account_that_has_a_little_left_is_not_well() -> None:
    """As nearly every spent account has: four letters would be spoken, and the next customer's sentence would not."""
    told, rests, over = list[str](), asyncio.Event(), asyncio.Queue[None]()

    async def sleep(_: float) -> None:
        rests.set()
        await over.get()

    async def wake() -> None:
        await rests.wait()
        rests.clear()
        over.put_nowait(None)
        while not rests.is_set() and health.why is not None:
            await asyncio.sleep(0)

    health = Health(sleep=sleep, on_out=lambda name, _: told.append("out"), on_back=lambda _: told.append("back"))
    watched = Watched(purse := Purse(40), health)
    with pytest.raises(Quota):
        await watched.speak(Speech("x" * 90, "pt-BR"))
    await wake()
    assert (told, purse.left) == (["out"], 40), "nothing is paid for a trial that proves nothing"
    purse.left = 10_000
    await wake()
    assert told == ["out", "back"]
    assert all(90 <= letters < 100 for letters in purse.asked)
    await watched.close()


# -- the folder --------------------------------------------------------------------------------------

KEPT = Audio(b"sound", "audio/mpeg", 1.0, (1,), "a", 3)


@pytest.mark.parametrize("head", [b"5", b"null", b"[]", b"{}", b'"x"', b"", b"\0" * 40, b'{"bytes": 0, "made": "x"}'])
async def test_whatever_a_crash_left_in_a_file_is_sound_that_was_never_kept(tmp_path: Path, head: bytes) -> None:
    shelf = Folder(tmp_path)
    (tmp_path / "k").write_bytes(head + b"\n")
    assert await shelf.find("k") is None


async def test_sound_that_is_not_as_it_was_written_is_spoken_again(tmp_path: Path) -> None:
    shelf = Folder(tmp_path)
    await shelf.keep("k", KEPT)
    file = tmp_path / "k"
    file.write_bytes(file.read_bytes()[:-3] + bytes(3))
    assert await shelf.find("k") is None
    await shelf.keep("k", KEPT)
    assert await shelf.find("k") == KEPT


async def test_a_folder_that_cannot_be_written_still_gives_and_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read-only by now, say: what lies there is not paid for again, and what cannot be removed breaks nothing."""
    shelf = Folder(tmp_path)
    await shelf.keep("k", KEPT)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tts.shelves.os.utime", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert await shelf.find("k") == KEPT
    await shelf.forget("k")


async def test_a_full_disk_is_not_filled_with_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(path: Path, data: bytes) -> None:
        path.write_bytes(data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tts.shelves._write_private", half)
    await Folder(tmp_path).keep("k", KEPT)
    assert list(tmp_path.iterdir()) == []
