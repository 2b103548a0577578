from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage import media as module
from storage.media import MediaFolder, MediaRefused
from storage.store import Unavailable
from tests.storage.media_suite import MediaPromises


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


class TestFolder(MediaPromises):
    @pytest.fixture
    def media(self, tmp_path: Path) -> MediaFolder:
        return MediaFolder(tmp_path / "media")


async def test_the_same_bytes_are_one_file(tmp_path: Path) -> None:
    media = MediaFolder(tmp_path / "media")
    ids = await asyncio.gather(*(media.put(b"a voice note") for _ in range(8)), media.put(b""))
    assert sorted(files(tmp_path)) == sorted(media.path(id) for id in set(ids))


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file stands where the folder should")
    with pytest.raises(Unavailable, match="media folder"):
        await MediaFolder(tmp_path / "media").put(b"x")
    with pytest.raises(MediaRefused, match=r"^storage\.media_dir: .*choose another folder"):
        await MediaFolder(tmp_path / "media").open()


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
    left = tmp_path / ".parts" / "left"
    left.write_bytes(b"ha")
    long_ago = time.time() - 2 * module.ABANDONED
    os.utime(left, (long_ago, long_ago))
    assert await media.sweep() == 1
    assert files(tmp_path) == [media.path(kept)]
    assert await MediaFolder(tmp_path / "new").sweep() == 0


# -- a folder of several processes -------------------------------------------------------------------


async def test_whoever_starts_leaves_alone_what_another_is_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = MediaFolder(tmp_path), MediaFolder(tmp_path)
    await one.put(b"before")
    fsync = os.fsync

    def meanwhile(handle: int) -> None:
        assert other._sweep() == 0
        fsync(handle)

    monkeypatch.setattr(os, "fsync", meanwhile)
    assert await other.read(await one.put(b"while it starts")) == b"while it starts"


async def test_the_age_of_a_part_is_told_by_the_clock_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = MediaFolder(tmp_path)
    await media.put(b"x")
    (tmp_path / ".parts" / "new").write_bytes(b"ne")
    monkeypatch.setattr(time, "time", lambda: 9e9)
    assert await media.sweep() == 0
    assert [file.name for file in (tmp_path / ".parts").iterdir()] == ["new"], "and no mark is left"


async def test_two_that_sweep_at_once_do_not_break_each_other(tmp_path: Path) -> None:
    (tmp_path / ".parts").mkdir()
    for n in range(50):
        (part := tmp_path / ".parts" / f"left{n}").write_bytes(b"ha")
        os.utime(part, (1, 1))
    swept = await asyncio.gather(*(MediaFolder(tmp_path).sweep() for _ in range(8)))
    assert sum(swept) == 50


async def test_a_shared_folder_that_cannot_be_synced_keeps_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def smb(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", smb)
    media = MediaFolder(tmp_path)
    assert await media.read(await media.put(b"x")) == b"x"


WRITER = """
import asyncio, sys
from storage.media import MediaFolder

async def main():
    for n in range(40):
        media = MediaFolder(sys.argv[1])
        await media.open()
        note = str(n).encode() * 20_000
        assert await media.read(await media.put(note)) == note

asyncio.run(main())
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert len(files(tmp_path)) == 40
    assert list((tmp_path / ".parts").iterdir()) == []
