"""What is remembered, for whom, how much of it, and who pays."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tts.cache import Cache, Once
from tts.errors import Quota, Unreachable
from tts.model import Audio, Speech
from tts.shelves import Folder, Memory, Shelf

HELLO = Speech("Olá", "pt-BR")


class Counting:
    """A voice that counts, and speaks when the gate is open."""

    def __init__(self, name: str = "fake/ana/v2", size: int = 100) -> None:
        self.name = name
        self.size = size
        self.said: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.error: Exception | None = None
        self.stopped = 0

    async def speak(self, speech: Speech) -> Audio:
        self.said.append(speech.text)
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.error:
            raise self.error
        data = speech.text.encode().ljust(self.size, b".")
        return Audio(data, "audio/mpeg", 1.5, (1, 2, 3), self.name, len(speech.text))

    async def close(self) -> None:
        self.gate.set()


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return Memory() if request.param == "memory" else Folder(tmp_path / "notes")


async def test_the_same_words_are_spoken_once(shelf: Shelf) -> None:
    voice = Counting()
    cache = Cache(voice, Once(shelf))
    first, second = await cache.speak(HELLO), await cache.speak(HELLO)
    assert voice.said == ["Olá"]
    assert (first.characters, second.characters) == (3, 0)
    assert (second.data, second.mime, second.seconds) == (first.data, "audio/mpeg", 1.5)
    assert (second.waveform, second.spoken_by) == ((1, 2, 3), "fake/ana/v2")
    assert cache.name == voice.name


async def test_being_looked_for_is_not_being_asked_for(shelf: Shelf) -> None:
    voice, other = Counting(), Speech("Tchau", "pt-BR")
    cache = Cache(voice, Once(shelf))
    await cache.speak(HELLO)
    voice.begun.clear()
    voice.gate.clear()
    looking = [asyncio.create_task(cache.speak(speech)) for speech in (HELLO, other)]
    await asyncio.sleep(0)
    assert not cache.asks(HELLO)
    await voice.begun.wait()
    assert (cache.asks(HELLO), cache.asks(other)) == (False, True)
    voice.gate.set()
    await asyncio.gather(*looking)
    assert not cache.asks(other)


async def test_whatever_shapes_the_sound_makes_another_key(shelf: Shelf) -> None:
    voice = Counting()
    speeches = [
        HELLO,
        Speech("Olá!", "pt-BR"),
        Speech("Olá", "es"),
        Speech("Olá", "pt-BR", previous_text="Bom dia."),
    ]
    caches = [
        Cache(voice, Once(shelf)),
        Cache(voice, Once(shelf), settings={"speed": 1.1}),
        Cache(voice, Once(shelf), source="opus 24k"),
        Cache(Counting("fake/ana/v3"), Once(shelf)),
    ]
    keys = {cache.key(speech) for cache in caches for speech in speeches}
    assert len(keys) == len(speeches) * len(caches)
    assert caches[0].key(Speech("Olá", "pt-BR", next_text="Bom dia.")) == caches[0].key(HELLO)
    same = Cache(voice, Once(shelf), settings={"a": 1, "b": 2}).key(HELLO)
    assert same == Cache(voice, Once(shelf), settings={"b": 2, "a": 1}).key(HELLO)


async def test_what_came_before_counts_only_where_it_is_heard(shelf: Shelf) -> None:
    after = Speech("Olá", "pt-BR", previous_text="Bom dia.")
    cache = Cache(Counting(), Once(shelf), carries_on=False)
    assert cache.key(after) == cache.key(HELLO)
    assert cache.key(HELLO, after) != cache.key(HELLO)


async def test_errors_are_not_remembered(shelf: Shelf) -> None:
    voice = Counting()
    cache = Cache(voice, Once(shelf))
    voice.error = Quota("quota_exceeded")
    with pytest.raises(Quota):
        await cache.speak(HELLO)
    voice.error = None
    assert (await cache.speak(HELLO)).characters == 3
    assert len(voice.said) == 2


async def test_what_is_remembered_tells_what_it_saved(shelf: Shelf) -> None:
    cache = Cache(Counting(), Once(shelf))
    told = [(audio.characters, audio.saved) for audio in [await cache.speak(HELLO) for _ in range(3)]]
    assert told == [(3, 0), (0, 3), (0, 3)]


async def test_what_was_no_good_is_forgotten(shelf: Shelf) -> None:
    voice = Counting()
    cache = Cache(voice, Once(shelf))
    await cache.speak(HELLO)
    await cache.forget(HELLO)
    await cache.forget(HELLO)
    assert (await cache.speak(HELLO)).characters == 3


@pytest.mark.parametrize("kind", ["memory", "folder"])
async def test_what_is_old_is_spoken_anew(kind: str, tmp_path: Path) -> None:
    now = [1000.0]
    more: Any = {"max_age_s": 60.0, "clock": lambda: now[0]}
    cache = Cache(Counting(), Once(Memory(**more) if kind == "memory" else Folder(tmp_path, **more)))
    told = []
    for later in (0, 60, 1, 60):
        now[0] += later
        told.append((await cache.speak(HELLO)).characters)
    assert told == [3, 0, 3, 0]


async def test_at_the_same_time_the_same_words_are_one_request_and_one_bill(shelf: Shelf) -> None:
    voice = Counting()
    voice.gate.clear()
    cache = Cache(voice, Once(shelf))
    tasks = [asyncio.create_task(cache.speak(HELLO)) for _ in range(5)]
    other = asyncio.create_task(cache.speak(Speech("Tchau", "pt-BR")))
    await asyncio.sleep(0)
    voice.gate.set()
    audios = await asyncio.gather(*tasks)
    await other
    assert sorted(voice.said) == ["Olá", "Tchau"]
    assert sum(audio.characters for audio in audios) == 3
    assert len({audio.data for audio in audios}) == 1


async def test_all_who_wait_hear_of_the_failure(shelf: Shelf) -> None:
    voice = Counting()
    voice.error = Quota("quota_exceeded")
    cache = Cache(voice, Once(shelf))
    outcomes = await asyncio.gather(*(cache.speak(HELLO) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Quota] * 3
    assert len(voice.said) == 1


async def test_whoever_asked_first_may_leave_without_the_others(shelf: Shelf) -> None:
    voice = Counting()
    voice.gate.clear()
    cache = Cache(voice, Once(shelf))
    leader, follower = (asyncio.create_task(cache.speak(HELLO)) for _ in range(2))
    await voice.begun.wait()
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    voice.gate.set()
    assert (await follower).characters == 3
    assert (await cache.speak(HELLO)).characters == 0
    assert voice.said == ["Olá"]


async def test_what_nobody_waits_for_is_not_spoken_to_its_end(shelf: Shelf) -> None:
    voice = Counting()
    voice.gate.clear()
    cache = Cache(voice, Once(shelf))
    tasks = [asyncio.create_task(cache.speak(HELLO)) for _ in range(2)]
    await voice.begun.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    voice.gate.set()
    assert (await cache.speak(HELLO)).characters == 3
    assert (voice.stopped, len(voice.said)) == (1, 2)


async def test_closing_tells_whoever_still_waits(shelf: Shelf) -> None:
    voice = Counting()
    voice.gate.clear()
    once = Once(shelf)
    task = asyncio.create_task(Cache(voice, once).speak(HELLO))
    await voice.begun.wait()
    await once.close()
    with pytest.raises(Unreachable, match="closed"):
        await task


async def test_memory_forgets_what_was_longest_unheard() -> None:
    voice, memory = Counting(size=100), Memory(max_bytes=250)
    cache = Cache(voice, Once(memory))
    for text in ("a", "b", "a", "c", "a", "b"):
        await cache.speak(Speech(text, "pt"))
    assert voice.said == ["a", "b", "c", "b"]
    assert memory.bytes == 200


async def test_what_is_larger_than_the_shelf_is_not_kept() -> None:
    voice, memory = Counting(size=300), Memory(max_bytes=250)
    await Cache(voice, Once(memory)).speak(HELLO)
    assert memory.bytes == 0


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def test_a_folder_outlives_the_process_and_stays_small(tmp_path: Path) -> None:
    voice = Counting(size=1000)
    for text in "abcdef":
        await Cache(voice, Once(Folder(tmp_path, max_bytes=3500))).speak(Speech(text, "pt"))
    assert size_of(tmp_path) <= 3500
    again = Cache(voice, Once(Folder(tmp_path, max_bytes=3500)))
    assert (await again.speak(Speech("f", "pt"))).characters == 0
    await again.speak(Speech("a", "pt"))
    assert voice.said == [*"abcdef", "a"]


async def test_a_folder_forgets_what_was_longest_unheard(tmp_path: Path) -> None:
    voice = Counting(size=1000)
    cache = Cache(voice, Once(Folder(tmp_path, max_bytes=2500)))
    for text, age in (("a", 200), ("b", 100)):
        await cache.speak(Speech(text, "pt"))
        os.utime(tmp_path / cache.key(Speech(text, "pt")), (1_700_000_000 - age,) * 2)
    for text in ("a", "c", "a", "b"):
        await cache.speak(Speech(text, "pt"))
    assert voice.said == ["a", "b", "c", "b"]


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"no json", b'{"bytes": 1, "waveform": [], "mime": "x", "y": 1}\n.'])
async def test_a_damaged_note_is_spoken_again(tmp_path: Path, damage: bytes) -> None:
    voice = Counting()
    cache = Cache(voice, Once(Folder(tmp_path)))
    await cache.speak(HELLO)
    (tmp_path / cache.key(HELLO)).write_bytes(damage)
    assert (await cache.speak(HELLO)).characters == 3
    assert (await cache.speak(HELLO)).characters == 0


async def test_a_half_written_note_is_spoken_again(tmp_path: Path) -> None:
    voice = Counting()
    cache = Cache(voice, Once(Folder(tmp_path)))
    file = tmp_path / cache.key(HELLO)
    await cache.speak(HELLO)
    file.write_bytes(file.read_bytes()[:-1])
    assert (await cache.speak(HELLO)).characters == 3


async def test_a_folder_that_cannot_be_written_costs_money_not_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    voice = Counting()
    cache = Cache(voice, Once(Folder(tmp_path / "file")))
    assert (await cache.speak(HELLO)).characters == 3
    assert "cannot be remembered" in caplog.text
