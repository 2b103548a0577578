"""The embedded ear: whisper-base in this process, with no key and no network.

One thread, one model, loaded with the first note and kept. A note costs about a third of its length in
processor time but never less than a second, because Whisper always looks at thirty seconds.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.hearing.base import Heard, HearingError
from tts import encode, weights
from tts.errors import Encoding

LONGEST_S = 60.0
RATE = 16_000
_PACKAGE = "faster_whisper"
_INSTALL = "install the embedded parts (`pip install 'recado[embedded]'`) or configure queues.hearing"
_SIMPLIFIED = "以下是普通话的句子。"
"""Without these words Whisper writes Mandarin in traditional characters."""


class LocalHearing:
    """A Hearing on faster-whisper."""

    def __init__(
        self,
        *,
        models_dir: Path | None = None,
        cache: Path | None = None,
        threads: int = 2,
        max_seconds: float = LONGEST_S,
    ) -> None:
        self._models_dir = models_dir
        self._cache = cache
        self._threads = threads
        self._max_seconds = max_seconds
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="hearing")
        self._model: Any = None

    @property
    def name(self) -> str:
        return "local/whisper-base"

    def available(self) -> bool:
        """Whether everything it needs is here. Looks, but loads nothing."""
        return importlib.util.find_spec(_PACKAGE) is not None and weights.present(
            weights.WHISPER_BASE, models_dir=self._models_dir, cache=self._cache
        )

    def describe(self) -> str:
        """One line for the operator."""
        if self.available():
            return "hearing: whisper-base, on this machine"
        lacks_engine = importlib.util.find_spec(_PACKAGE) is None
        hint = _INSTALL if lacks_engine else weights.WHISPER_BASE.hint
        return f"hearing: off, customers who speak are asked to type; {hint}"

    async def hear(self, audio: bytes, mime: str, language: str) -> Heard:
        """What is said in `audio`, whatever its container. `mime` is not believed: the bytes are looked at.

        A note longer than a minute is refused, not cut: half a request can mean the opposite.
        Raises HearingError: `not_audio`, `too_long`, `not_installed`, `weights_missing`, `failed`.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._hear, audio, two_letters(language))

    async def warm(self) -> None:
        """Load the model now instead of with the first note. Raises HearingError."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._load)

    async def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    # -- in the worker thread ----------------------------------------------------------------------

    def _hear(self, audio: bytes, hint: str) -> Heard:
        try:
            pcm, _ = encode.decode(audio, RATE, self._max_seconds)
        except Encoding as error:
            raise HearingError(error.reason, hint=error.hint) from error
        model = self._load()
        try:
            return self._transcribe(model, pcm, hint)
        except (RuntimeError, ValueError) as error:
            raise HearingError("failed", hint=f"whisper-base cannot use this: {error}") from error

    def _transcribe(self, model: Any, pcm: bytes, hint: str) -> Heard:
        import numpy as np

        sound = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32_768
        segments, info = model.transcribe(sound, **_options(""))
        if not info.duration_after_vad:
            return Heard("")
        language = choose_language(dict(info.all_language_probs or ()), hint) or info.language
        if language != info.language or language == "zh":
            segments, _ = model.transcribe(sound, **_options(language))  # the first was lazy: little is lost
        text = " ".join(segment.text.strip() for segment in segments).strip()
        return Heard(text, language if text else "")

    def _load(self) -> Any:
        if self._model is None:
            self._model = self._loaded()
        return self._model

    def _loaded(self) -> Any:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read while it is imported: nothing is ever fetched
        try:
            folder = weights.find(weights.WHISPER_BASE, models_dir=self._models_dir, cache=self._cache).parent
            from faster_whisper import WhisperModel

            return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=self._threads)
        except ImportError as error:
            raise HearingError("not_installed", hint=_INSTALL) from error
        except weights.WeightsMissing as error:
            raise HearingError("weights_missing", hint=error.hint) from error
        except (RuntimeError, ValueError) as error:
            raise HearingError("failed", hint=f"whisper-base did not load: {error}") from error


def two_letters(language: str) -> str:
    """`pt-BR` -> `pt`; what Whisper calls its languages."""
    return language.split("-")[0].lower()


def choose_language(probabilities: Mapping[str, float], hint: str) -> str:
    """The language to write down: what was heard, unless that is doubtful and the hint is plausible.

    A hint alone must not decide: forced to Portuguese, Whisper makes Portuguese of an English sentence.
    """
    if not probabilities:
        return hint
    best = max(probabilities, key=lambda language: probabilities[language])
    if hint in probabilities and (probabilities[hint] >= 0.2 or probabilities[best] < 0.5):
        return hint
    return best


def _options(language: str) -> dict[str, Any]:
    return {
        "language": language or None,
        "initial_prompt": _SIMPLIFIED if language == "zh" else None,
        "beam_size": 1,
        "condition_on_previous_text": False,
        "without_timestamps": True,
        "vad_filter": True,  # pauses and noise are cut out before Whisper can make words of them
    }
