"""Blobs, named by the SHA-256 of their content: the same bytes twice are one.

What is known about a blob, and who may open it, is in the database; here are only bytes. `MediaStore` is what the
gateway asks for; `MediaFolder` keeps it on disk, `storage.s3` in a bucket.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from storage.model import MediaId
from storage.store import StoreError, Unavailable

_ID = re.compile(r"[0-9a-f]{64}")
ABANDONED = 3600.0
"""Seconds after which what is half-written has no writer any more; nothing takes that long to write."""
NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}
"""What some shared folders answer when a folder, and not a file, is to be made durable."""


class MediaAway(Unavailable, OSError):
    """The media cannot be had or kept now; later they may. An OSError too: whoever can do without a blob treats it as
    any file that does not read."""


class MediaRefused(StoreError):
    """Media can never be kept there: the sentence names the key and what cures it."""


class MediaStore(Protocol):
    """Where blobs are kept. `suffix` names the same sound in another form, kept beside it, e.g. `.mp3`."""

    async def open(self) -> None:
        """Before anything else, and more than one process may. Raises MediaRefused; MediaAway when it may be used all
        the same, and will work once the place does."""
        ...

    async def put(self, blob: bytes) -> MediaId:
        """Returns once the bytes are safe; any number of times, by anybody. Raises Unavailable, and then nobody is
        handed a part of them."""
        ...

    async def put_variant(self, id: MediaId, suffix: str, blob: bytes) -> None:
        """Raises as `put` does."""
        ...

    async def read(self, id: MediaId, suffix: str = "") -> bytes:
        """Raises ValueError for what is no id, FileNotFoundError for what is not there, and another OSError (also
        MediaAway) for what cannot be read now."""
        ...

    async def file(self, id: MediaId, suffix: str = "") -> Path:
        """Where the same bytes lie on this machine, to be opened at once: a copy may go when others are wanted more.
        Raises as `read` does."""
        ...

    async def remove(self, id: MediaId, age: float, suffixes: Sequence[str] = ()) -> bool:
        """Take a blob away, and its other forms first, unless it was put within the last `age` seconds. True: it is not
        there now. Raises ValueError for what is no id, and Unavailable."""
        ...

    async def close(self) -> None: ...


def named(blob: bytes) -> MediaId:
    return MediaId(hashlib.sha256(blob).hexdigest())


def place(id: MediaId, suffix: str = "") -> str:
    """`<first two digits>/<sha256><suffix>`. Raises ValueError for what is no id, so that no id leaves the folder."""
    if not _ID.fullmatch(id):
        raise ValueError("not a media id")
    return f"{id[:2]}/{id}{suffix}"


class MediaFolder:
    """A folder of blobs at their `place`, and `.parts/` for what is still being written.

    Any number of processes may share it, on several machines too: a name is new for each writer, a blob appears whole
    by a rename within the folder, and whoever comes second replaces it by the same bytes.
    """

    def __init__(self, path: str | Path) -> None:
        self._root = Path(path).absolute()
        self._parts = self._root / ".parts"

    async def open(self) -> None:
        """Raises MediaRefused for a folder that cannot be made."""
        try:
            await self.sweep()
        except OSError as error:
            cure = "choose another folder or change its owner"
            raise MediaRefused(f"storage.media_dir: {self._root}: {error.strerror or error}; {cure}") from error

    async def close(self) -> None:
        """Nothing is held open."""

    async def put(self, blob: bytes) -> MediaId:
        return await asyncio.to_thread(self._put, blob)

    async def read(self, id: MediaId, suffix: str = "") -> bytes:
        return await asyncio.to_thread(self.path(id, suffix).read_bytes)

    async def put_variant(self, id: MediaId, suffix: str, blob: bytes) -> None:
        await asyncio.to_thread(self._keep, self.path(id, suffix), blob)

    async def file(self, id: MediaId, suffix: str = "") -> Path:
        path = self.path(id, suffix)
        await asyncio.to_thread(path.stat)
        return path

    async def remove(self, id: MediaId, age: float, suffixes: Sequence[str] = ()) -> bool:
        return await asyncio.to_thread(
            self._remove, [*(self.path(id, suffix) for suffix in suffixes), self.path(id)], age
        )

    def path(self, id: MediaId, suffix: str = "") -> Path:
        """Where the blob is or would be. Raises ValueError for what is no id."""
        return self._root / place(id, suffix)

    async def sweep(self) -> int:
        """Remove what a crash left half-written, and nothing that somebody may still be writing. Raises OSError."""
        return await asyncio.to_thread(self._sweep)

    def _put(self, blob: bytes) -> MediaId:
        id = named(blob)
        self._keep(self.path(id), blob)
        return id

    def _keep(self, path: Path, blob: bytes) -> None:
        part = self._parts / secrets.token_hex(8)
        try:
            if not _wanted(path):
                self._write(part, path, blob)
        except OSError as error:
            raise Unavailable(f"the media folder cannot be written now: {error.strerror or error}") from error
        finally:
            with contextlib.suppress(OSError):  # gone already when the rename was reached
                part.unlink(missing_ok=True)

    def _write(self, part: Path, path: Path, blob: bytes) -> None:
        """Whole or not at all: the name appears only after the bytes are safe."""
        for folder in (self._root, self._parts, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
        _sync_folder(self._root)

    def _remove(self, forms: Sequence[Path], age: float) -> bool:
        """The blob is the last of its forms."""
        try:
            if forms[-1].exists() and not _is_older(forms[-1], self._clock() - age):
                return False
            for form in forms:
                form.unlink(missing_ok=True)
        except OSError as error:
            raise MediaAway(f"the media folder cannot be written now: {error.strerror or error}") from error
        return True

    def _sweep(self) -> int:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)  # private before others put their folders into it
        if not self._parts.is_dir():
            return 0
        oldest = self._clock() - ABANDONED
        return sum(_removed(part, oldest) for part in list(self._parts.iterdir()))

    def _clock(self) -> float:
        """What time it is where the folder is: another machine's disk has another machine's clock."""
        self._parts.mkdir(mode=0o700, exist_ok=True)
        mark = self._parts / secrets.token_hex(8)
        mark.touch(0o600)
        try:
            return mark.stat().st_mtime
        finally:
            mark.unlink(missing_ok=True)


def _wanted(path: Path) -> bool:
    """It is there; and whoever takes away what is old sees that it is put again."""
    try:
        os.utime(path)
    except OSError:  # somebody else's file, or a folder that cannot be written
        return path.exists()
    return True


def _is_older(path: Path, moment: float) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime <= moment
    return True


def _removed(part: Path, oldest: float) -> bool:
    """Another process may have been faster, with its sweep or with its rename."""
    with contextlib.suppress(FileNotFoundError):
        if part.stat().st_mtime <= oldest:
            part.unlink()
            return True
    return False


def _sync_folder(path: Path) -> None:
    """A rename is durable only when its folder is. Windows cannot open one and does without, as some shared folders
    do: there the server keeps what it renamed."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(handle)
