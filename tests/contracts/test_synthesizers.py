"""What every Synthesizer keeps to, whoever speaks behind it."""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from tests.fakes import elevenlabs, sounds, speech, wire
from tts.cache import Cache, Once
from tts.elevenlabs import ElevenLabs
from tts.encode import Encoder
from tts.errors import SpeechError
from tts.health import Health, Watched
from tts.ladder import Ladder, Rung
from tts.local import LocalVoice
from tts.model import Audio, Speech, Synthesizer
from tts.openai_compatible import OpenAICompatible
from tts.shelves import Folder, Memory
from tts.silent import Silent
from tts.sniffing import mime_of
from tts.untagged import Untagged

HELLO = Speech("Olá! Sua consulta custa duzentos e cinquenta reais.", "pt-BR")
WIRE_FAULTS = {
    "quota": elevenlabs.QUOTA,
    "bad key": elevenlabs.BAD_KEY,
    "no voice": elevenlabs.NO_VOICE,
    "openai quota": speech.QUOTA,
    "openai bad key": speech.BAD_KEY,
    "too fast": elevenlabs.too_fast("1"),
    "too fast, nonsense": elevenlabs.too_fast("soon"),
    "crowded": elevenlabs.CROWDED,
    "500": wire.TROUBLE,
    "html": wire.HTML,
    "json": wire.JSON,
    "empty": wire.EMPTY,
    "cut": wire.cut(sounds.mp3()),
    "cut, chunked": wire.cut(sounds.mp3(), chunked=True),
    "half an ogg": wire.answer(sounds.ogg_opus()[:-40]),
    "half a wav": wire.answer(sounds.wav()[:-40]),
    "noise": wire.answer(bytes(range(256)) * 4),
    "list of errors": wire.refused(422, {"detail": [{"loc": ["body", "text"], "msg": "bad", "type": "x"}]}),
    "error is a list": wire.refused(400, [{"error": {"code": 400, "message": "bad"}}]),
    "error is a string": wire.refused(400, "bad"),
    "error is null": wire.refused(400, None),
    "error is latin-1": wire.answer(b"\xe9\xe8", "application/json", 502),
    "redirect": wire.answer(b"", status=302, location="http://127.0.0.1:1/"),
    "unheard-of status": wire.refused(451, {}),
}


@dataclass
class Stage:
    """A voice, and the provider behind it that can be told to fail."""

    voice: Synthesizer
    provider: wire.Fake | None
    key: str = "no key at all"


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def eleven(provider: wire.Fake) -> ElevenLabs:
    return ElevenLabs(
        elevenlabs.KEY,
        elevenlabs.VOICE,
        "eleven_multilingual_v2",
        base_url=provider.url,
        settings={"stability": 0.5},
        sleep=no_sleep,
    )


async def build(kind: str, folder: Path, encoder: Encoder, stack: AsyncExitStack) -> Stage:
    if kind == "silent":
        return Stage(Silent(), None)
    if kind == "local":
        return Stage(LocalVoice("pt-BR", "espeak"), None)
    if kind == "openai_compatible":
        other = await stack.enter_async_context(speech.FakeSpeech())
        voice = OpenAICompatible(speech.KEY, other.base_url, speech.VOICE, speech.MODEL, sleep=no_sleep)
        return Stage(voice, other, speech.KEY)
    provider = await stack.enter_async_context(elevenlabs.FakeElevenLabs())
    inner = eleven(provider)
    once, watched = Once(Memory()), Watched(inner, Health(failures=1000))
    wrapped: dict[str, Synthesizer] = {
        "elevenlabs": inner,
        "watched": watched,
        "untagged": Untagged(inner),
        "ladder": Ladder([Rung(Cache(watched, once), watched)], encoder, once),
        "cache": Cache(inner, once, settings=inner.settings),
        "folder": Cache(inner, Once(Folder(folder)), settings=inner.settings),
    }
    return Stage(wrapped[kind], provider, elevenlabs.KEY)


EMBEDDED = pytest.param("local", marks=pytest.mark.embedded)
KINDS = ["silent", EMBEDDED, "elevenlabs", "openai_compatible", "watched", "untagged", "ladder", "cache", "folder"]


@pytest.fixture(scope="module")
def encoder() -> Iterator[Encoder]:
    """One worker process for the whole suite."""
    shared = Encoder()
    yield shared
    asyncio.run(shared.close())


@pytest.fixture(params=KINDS)
async def stage(request: pytest.FixtureRequest, tmp_path: Path, encoder: Encoder) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        built = await build(request.param, tmp_path / "notes", encoder, stack)
        stack.push_async_callback(built.voice.close)
        yield built


def duration(audio: Audio) -> float:
    with av.open(io.BytesIO(audio.data)) as file:
        frames = list(file.decode(audio=0))
    return sum(frame.samples / frame.sample_rate for frame in frames)


async def outcome_of(voice: Synthesizer, words: Speech) -> Audio | SpeechError:
    try:
        return await voice.speak(words)
    except SpeechError as error:
        return error


async def test_speaks_what_its_mime_says(stage: Stage) -> None:
    audio = await stage.voice.speak(HELLO)
    assert audio.mime == mime_of(audio.data) != ""
    assert duration(audio) > 0.3
    assert audio.seconds == pytest.approx(duration(audio), abs=0.05) or audio.seconds == 0
    assert audio.spoken_by
    assert audio.characters in (0, len(HELLO.text))
    assert audio.fell_from == ()


@pytest.mark.parametrize(
    "text", ["", "  \n", ".", "\ud800 half a letter", "a\x00b", "שלום\u202e", "🎧" * 2000, "a " * 5000]
)
async def test_any_text_is_sound_or_a_speech_error(stage: Stage, text: str) -> None:
    outcome = await outcome_of(stage.voice, Speech(text, "pt-BR", previous_text=text, next_text=text))
    assert outcome.reason if isinstance(outcome, SpeechError) else outcome.data


@pytest.mark.parametrize("fault", WIRE_FAULTS.values(), ids=WIRE_FAULTS.keys())
async def test_failure_is_a_speech_error_that_helps_and_holds_no_key(
    stage: Stage, fault: wire.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    if stage.provider is None:
        pytest.skip("nothing behind it can fail")
    caplog.set_level("DEBUG")
    stage.provider.next(*[fault] * 12)
    with pytest.raises(SpeechError) as caught:
        await stage.voice.speak(HELLO)
    error = caught.value
    told = [repr(error), error.reason, error.hint, repr(stage.voice), stage.voice.name, caplog.text]
    told += traceback.format_exception(error)
    assert error.reason
    assert len(error.hint) > 10
    assert not [text for text in told if stage.key in text]


async def test_a_failure_is_not_remembered(stage: Stage) -> None:
    if stage.provider is None:
        pytest.skip("nothing behind it can fail")
    stage.provider.next(wire.HTML)
    with pytest.raises(SpeechError):
        await stage.voice.speak(HELLO)
    assert (await stage.voice.speak(HELLO)).data


async def test_being_cancelled_leaves_the_voice_well(stage: Stage) -> None:
    if stage.provider is None:
        pytest.skip("nothing behind it can hang")
    stage.provider.next(*[wire.HANG] * 3)
    for _ in range(3):
        task = asyncio.create_task(stage.voice.speak(HELLO))
        await stage.provider.arrivals.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await stage.voice.speak(HELLO)).data


async def test_many_at_once(stage: Stage) -> None:
    speeches = [Speech(f"Frase número {n}.", "pt-BR") for n in range(8)]
    audios = await asyncio.gather(*(stage.voice.speak(speech) for speech in speeches))
    assert all(audio.data for audio in audios)


async def test_closing_twice_is_closing_once(stage: Stage) -> None:
    await stage.voice.speak(HELLO)
    await stage.voice.close()
    await stage.voice.close()
    outcome = await outcome_of(stage.voice, Speech("Mais uma.", "pt-BR"))
    assert outcome.reason if isinstance(outcome, SpeechError) else outcome.data


async def test_closing_unused_is_fine(stage: Stage) -> None:
    await stage.voice.close()


async def test_the_name_says_who(stage: Stage) -> None:
    assert stage.voice.name
    assert stage.key not in stage.voice.name
