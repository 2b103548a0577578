from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from storage.media import MediaFolder
from storage.model import MediaId
from storage.store import Unavailable


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


async def test_the_same_bytes_are_one_file(tmp_path: Path) -> None:
    media = MediaFolder(tmp_path / "media")
    ids = await asyncio.gather(*(media.put(b"a voice note") for _ in range(8)), media.put(b""))
    assert set(ids[:8]) == {hashlib.sha256(b"a voice note").hexdigest()}
    assert sorted(files(tmp_path)) == sorted(media.path(id) for id in set(ids))
    assert await media.read(ids[0]) == b"a voice note"
    assert await media.read(ids[8]) == b""


@pytest.mark.parametrize(
    "id", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 65, "a" * 64 + "\n", "/" + "a" * 63, "é" * 64]
)
async def test_no_id_leaves_the_folder(tmp_path: Path, id: str) -> None:
    media = MediaFolder(tmp_path)
    with pytest.raises(ValueError, match="not a media id"):
        media.path(MediaId(id))
    with pytest.raises(ValueError, match="not a media id"):
        await media.read(MediaId(id))


async def test_what_is_not_here_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await MediaFolder(tmp_path).read(MediaId("a" * 64))


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file stands where the folder should")
    with pytest.raises(Unavailable, match="media folder"):
        await MediaFolder(tmp_path / "media").put(b"x")


async def test_a_crash_leaves_nothing_but_a_part_to_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = MediaFolder(tmp_path)
    kept = await media.put(b"whole")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Unavailable, match="No space left"):
        await media.put(b"half")
    monkeypatch.undo()
    assert files(tmp_path) == [media.path(kept)]
    (tmp_path / ".parts" / "left").write_bytes(b"ha")
    assert await media.sweep() == 1
    assert files(tmp_path) == [media.path(kept)]
    assert await MediaFolder(tmp_path / "new").sweep() == 0
