"""The embedded voice: speaks with no key and no network.

Two engines. Kokoro-82M sounds like a person and takes about as long as it speaks; eSpeak NG sounds like a machine
and takes no time. Both need eSpeak NG (GPL-3.0-or-later, extra `embedded`), Kokoro for its phonemes, so nothing of
either is imported before somebody wants to hear it.

    engine="auto"     Kokoro when its parts are there, else eSpeak, and `describe` says which and why
    engine="kokoro"   Kokoro, or VoiceUnavailable
    engine="espeak"   eSpeak, or VoiceUnavailable

Chinese: Kokoro was trained on other phonemes than eSpeak's and is hard to understand with them, so `auto` takes
eSpeak's own Mandarin: robotic, and honest about it.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from .encode import wav
from .errors import Encoding, SpeechError, Unspeakable, VoiceUnavailable
from .model import Audio, Speech
from .offers import Offer, OfferedVoice, base, distinct
from .weights import KOKORO, WeightsMissing, find, present

log = logging.getLogger(__name__)

Engine = Literal["auto", "kokoro", "espeak"]

VOICES = Path(__file__).parent / "voices" / "kokoro.bin"
_PIP_EMBEDDED = "pip install 'recado[embedded]'"
_PAUSE_S = 0.22
_LONGEST_SENTENCE = 280
"""Characters. Kokoro takes 510 phonemes at once, and somebody who no longer waits should not wait for long."""


@dataclass(frozen=True, slots=True)
class _Tongue:
    """One language, as each engine calls it."""

    espeak: str
    kokoro: str
    """The voice that speaks it unless another is chosen; empty when none does intelligibly."""
    words_per_minute: int = 165


_TONGUES = {
    "pt": _Tongue("pt-br", "pf_dora"),
    "en": _Tongue("en-us", "af_heart"),
    "es": _Tongue("es-419", "ef_dora"),
    "zh": _Tongue("cmn", "", 150),
}
_KOKORO_SPEAKS = {"p": "pt-br", "a": "en-us", "e": "es", "z": "cmn"}
"""eSpeak's phonemes by the first letter of a Kokoro voice, which is its language."""


def offer(language: str, models_dir: Path | None = None) -> Offer:
    """The voices that could be chosen here: Kokoro's, if its parts are there, and eSpeak's, if it is installed.

    `language` decides which of Kokoro's voices is looked for, as they lack the same parts or none. Never raises.
    """
    remarks = []
    spoken = [name for name in voices() if _intelligible(name)]
    kokoro = [OfferedVoice(name, name, "kokoro", (_KOKORO_SPEAKS[name[0]],)) for name in spoken]
    if lack := _lacking(voices()[0], language, models_dir):
        kokoro, remarks = [], [f"Kokoro's voices are not there: {lack}."]
    espeak = sorted(_espeak_voices(), key=lambda voice: voice.id)
    if not espeak:
        remarks.append(f"eSpeak NG's voices are not there: {_PIP_EMBEDDED}.")
    return Offer((*kokoro, *espeak), (), tuple(remarks))


class LocalVoice:
    """A Synthesizer of one language on this machine. Answers 16-bit mono WAV."""

    def __init__(
        self, language: str, engine: Engine = "auto", models_dir: Path | None = None, voice_id: str = ""
    ) -> None:
        """`language` is BCP 47; `voice_id` one of Kokoro's (`pm_alex`) or of eSpeak's names (`pt-br`).

        Raises VoiceUnavailable when no wanted engine is installed or the voice is unknown.
        """
        self._voice, self._lack = _choose(language, engine, models_dir, voice_id)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")

    @property
    def name(self) -> str:
        return f"local/{self._voice.name.replace(' ', '/')}"

    @property
    def lack(self) -> str:
        """Why it is not the best voice for the language; empty when it is."""
        return self._lack

    @property
    def voice_id(self) -> str:
        """What would choose this very voice: `pf_dora`, `pt-br`."""
        return self._voice.name.partition(" ")[2]

    def describe(self) -> str:
        """One line for the operator: `kokoro pf_dora`, or `espeak pt-br (why it is not Kokoro)`."""
        return f"{self._voice.name} ({self._lack})" if self._lack else self._voice.name

    async def warm(self) -> None:
        """Load now what the first sentence would wait for. Raises VoiceUnavailable."""
        await self._in_thread(self._voice.load)

    async def speak(self, speech: Speech) -> Audio:
        """Raises Unspeakable for a text without a letter or digit, VoiceUnavailable when the engine cannot load."""
        if not re.search(r"\w", speech.text):
            raise Unspeakable("blank_text", hint="There was nothing to say.")
        pcm = bytearray()
        for sentence in self._voice.pieces(speech.text):
            pcm += await self._in_thread(self._voice.say, sentence)
        if not pcm:
            raise Encoding("empty_audio", hint=f"{self._voice.name} made no sound of this text.")
        rate = self._voice.rate
        return Audio(wav(bytes(pcm), rate), "audio/wav", len(pcm) / 2 / rate, spoken_by=self.name)

    async def close(self) -> None:
        """Nobody waits for the sentence being said: whoever asked has gone."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Any, *args: Any) -> Any:
        """One sentence at a time: a cancelled answer stops after the one being said."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        except (SpeechError, asyncio.CancelledError):
            raise
        except WeightsMissing as error:
            raise VoiceUnavailable("weights_missing", hint=error.hint) from error
        except Exception as error:  # an engine in C may fail in any way; the ladder knows only SpeechError
            log.warning("%s failed: %s", self._voice.name, type(error).__name__, exc_info=error)
            raise VoiceUnavailable("engine_failed", hint=f"{self._voice.name} failed: {error}") from error


class _Voice(Protocol):
    name: str
    rate: int

    def load(self) -> None: ...

    def pieces(self, text: str) -> list[str]: ...

    def say(self, sentence: str) -> bytes: ...


def _choose(language: str, engine: Engine, models_dir: Path | None, voice_id: str) -> tuple[_Voice, str]:
    """The voice, and what is missing for a better one."""
    tongue = _TONGUES.get(language.split("-")[0].lower())
    if engine == "espeak":
        return _espeak(language, tongue, voice_id), ""
    wanted = voice_id if re.fullmatch(r"[a-z][fm]_\w+", voice_id) else tongue.kokoro if tongue else ""
    lack = _lacking(wanted, language, models_dir)
    if not lack:
        return _Kokoro(wanted, models_dir), ""
    if engine == "kokoro":
        raise VoiceUnavailable("kokoro_unavailable", hint=lack)
    return _espeak(language, tongue, "" if voice_id == wanted else voice_id), lack


def _lacking(voice: str, language: str, models_dir: Path | None) -> str:
    """Why Kokoro cannot speak; empty when it can."""
    if not voice:
        return f"Kokoro does not speak {language} intelligibly here"
    if voice not in voices():
        return f"no Kokoro voice {voice}: there are {', '.join(voices())}"
    if importlib.util.find_spec("kokoro_onnx") is None:
        return f"kokoro-onnx is not installed: {_PIP_EMBEDDED}"
    if not present(KOKORO, models_dir=models_dir):
        return f"Kokoro's weights are not installed: {KOKORO.hint}"
    return ""


def _espeak(language: str, tongue: _Tongue | None, voice_id: str) -> _Espeak:
    if importlib.util.find_spec("espeakng_loader") is None:
        raise VoiceUnavailable("espeak_unavailable", hint=f"eSpeak NG is not installed: {_PIP_EMBEDDED}")
    return _Espeak(voice_id or (tongue.espeak if tongue else language.lower()), tongue)


def voices() -> tuple[str, ...]:
    """Kokoro's voices that come with this package."""
    import zipfile

    with zipfile.ZipFile(VOICES) as archive:
        return tuple(Path(name).stem for name in archive.namelist())


def _intelligible(voice: str) -> bool:
    return any(voice[0] == tongue.kokoro[:1] for tongue in _TONGUES.values())


def _espeak_voices() -> Iterator[OfferedVoice]:
    """From its own files of languages, one for each voice and named as it is chosen. Some have no dictionary and
    cannot speak."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return
    import espeakng_loader

    data = Path(espeakng_loader.get_data_path())
    for path in (path for path in (data / "lang").rglob("*") if path.is_file()):
        facts: dict[str, list[str]] = {}
        for key, _, value in (line.partition(" ") for line in path.read_text("utf-8", "replace").splitlines()):
            facts.setdefault(key, []).append(value.strip())
        languages = tuple(value.split()[0] for value in facts.get("language", []))
        dictionary = facts.get("dictionary", [base(languages[0])] if languages else [""])[0]
        if languages and (data / f"{dictionary}_dict").is_file():
            yield OfferedVoice(path.name.lower(), facts["name"][0], "espeak", distinct(languages))


# -- eSpeak NG -------------------------------------------------------------------------------------

_RETRIEVE, _RATE, _UTF8, _ENDPAUSE = 1, 1, 1, 0x1000
_Listener = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    """libespeak-ng. It keeps global state, so there is one of it in a process and one sentence in it at a time."""

    lock = threading.Lock()
    _loaded: _Library | None = None

    def __init__(self) -> None:
        import espeakng_loader

        self._lib = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        self.rate: int = self._lib.espeak_Initialize(_RETRIEVE, 0, str(espeakng_loader.get_data_path()).encode(), 0)
        if self.rate <= 0:
            raise VoiceUnavailable("espeak_unavailable", hint="eSpeak NG did not start: its data is missing.")
        self._heard = bytearray()
        self._listener = _Listener(self._hear)  # kept, or it would be collected while C still calls it
        self._lib.espeak_SetSynthCallback(self._listener)

    @classmethod
    def get(cls) -> _Library:
        """Call with the lock held."""
        cls._loaded = cls._loaded or cls()
        return cls._loaded

    def _hear(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count:
            self._heard += ctypes.string_at(samples, 2 * count)
        return 0

    def choose(self, voice: str, words_per_minute: int) -> None:
        if self._lib.espeak_SetVoiceByName(voice.encode()):
            hint = f"eSpeak NG has no voice {voice!r}: recado voices lists those it has."
            raise VoiceUnavailable("voice_not_found", hint=hint)
        self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)

    def say(self, text: str) -> bytes:
        self._heard = bytearray()
        data = text.encode(errors="replace") + b"\0"
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 1, 0, _UTF8 | _ENDPAUSE, None, None)
        self._lib.espeak_Synchronize()
        return bytes(self._heard)


class _Espeak:
    """A thousand times faster than speech, so a text is one piece."""

    rate = 22_050

    def __init__(self, voice: str, tongue: _Tongue | None) -> None:
        self.name = f"espeak {voice}"
        self._voice, self._pace = voice, tongue.words_per_minute if tongue else 165

    def load(self) -> None:
        with _Library.lock:
            library = _Library.get()
            library.choose(self._voice, self._pace)
            self.rate = library.rate

    def pieces(self, text: str) -> list[str]:
        return [text.replace("\0", " ")]

    def say(self, sentence: str) -> bytes:
        with _Library.lock:
            library = _Library.get()
            library.choose(self._voice, self._pace)
            self.rate = library.rate
            return library.say(sentence)


# -- Kokoro ----------------------------------------------------------------------------------------


class _Kokoro:
    rate = 24_000

    def __init__(self, voice: str, models_dir: Path | None) -> None:
        self.name = f"kokoro {voice}"
        self._voice, self._models_dir, self._model = voice, models_dir, None

    def load(self) -> None:
        _model_of(self._models_dir)

    def pieces(self, text: str) -> list[str]:
        return sentences(text)

    def say(self, sentence: str) -> bytes:
        """With the pause after it."""
        import numpy as np

        try:
            sound, _ = _model_of(self._models_dir).create(sentence, self._voice, lang=_KOKORO_SPEAKS[self._voice[0]])
        except ValueError as error:  # only marks that have no sound
            log.debug("kokoro says nothing for %d characters: %s", len(sentence), error)
            return b""
        pause = np.zeros(int(_PAUSE_S * self.rate))
        return (np.concatenate([np.clip(sound, -1, 1), pause]) * 32767).astype("<i2").tobytes()


_models: dict[Path | None, Any] = {}
_models_lock = threading.Lock()


def _model_of(models_dir: Path | None) -> Any:
    """The weights are 90 MB and the same for all voices: loaded once."""
    with _models_lock:
        if models_dir not in _models:
            _models[models_dir] = _load(find(KOKORO, models_dir=models_dir))
        return _models[models_dir]


def _load(path: Path) -> Any:
    import onnxruntime
    from kokoro_onnx import Kokoro

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads must not burn a core
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return Kokoro.from_session(session, str(VOICES))


def sentences(text: str) -> list[str]:
    """The text in pieces of a breath, cut where a reader would pause."""
    pieces: list[str] = []
    for sentence in re.split(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+", text):
        while len(sentence := sentence.strip()) > _LONGEST_SENTENCE:
            cut = max(sentence.rfind(mark, 80, _LONGEST_SENTENCE) for mark in (", ", "; ", ": ", " "))
            cut = cut + 1 if cut > 0 else _LONGEST_SENTENCE
            pieces.append(sentence[:cut].strip())
            sentence = sentence[cut:]
        if re.search(r"\w", sentence):
            pieces.append(sentence)
    return pieces
