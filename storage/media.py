"""Blobs on disk, named by the SHA-256 of their content: the same bytes twice are one file.

What is known about a blob, and who may open it, is in the database; here are only bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from storage.model import MediaId
from storage.store import Unavailable

_ID = re.compile(r"[0-9a-f]{64}")


class MediaFolder:
    """A folder of blobs: `<first two digits>/<sha256>`, and `.parts/` for what is still being written."""

    def __init__(self, path: str | Path) -> None:
        self._root = Path(path).absolute()
        self._parts = self._root / ".parts"

    async def put(self, blob: bytes) -> MediaId:
        """Returns once the bytes are on disk. Raises Unavailable, and then there is no file."""
        return await asyncio.to_thread(self._put, blob)

    async def read(self, id: MediaId) -> bytes:
        """Raises ValueError for what is no id, FileNotFoundError for an id that is not here."""
        return await asyncio.to_thread(self.path(id).read_bytes)

    async def put_variant(self, id: MediaId, suffix: str, blob: bytes) -> Path:
        """The same sound in another form, beside it. Raises as `put` does."""
        return await asyncio.to_thread(self._put_variant, id, suffix, blob)

    def variant(self, id: MediaId, suffix: str) -> Path:
        """Where that is or would be. `suffix`: e.g. `.mp3`. Raises ValueError for what is no id."""
        return self.path(id).with_suffix(suffix)

    def path(self, id: MediaId) -> Path:
        """Where the blob is or would be. Raises ValueError for what is no id, so that no id leaves the folder."""
        if not _ID.fullmatch(id):
            raise ValueError("not a media id")
        return self._root / id[:2] / id

    async def sweep(self) -> int:
        """Remove what a crash left half-written. Only for the process that owns the folder, before its first put."""
        return await asyncio.to_thread(self._sweep)

    def _put(self, blob: bytes) -> MediaId:
        id = MediaId(hashlib.sha256(blob).hexdigest())
        self._keep(self.path(id), blob)
        return id

    def _put_variant(self, id: MediaId, suffix: str, blob: bytes) -> Path:
        self._keep(path := self.variant(id, suffix), blob)
        return path

    def _keep(self, path: Path, blob: bytes) -> None:
        part = self._parts / secrets.token_hex(8)
        try:
            if not path.exists():
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

    def _sweep(self) -> int:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)  # private before others put their folders into it
        if not self._parts.is_dir():
            return 0
        left = list(self._parts.iterdir())
        for part in left:
            part.unlink(missing_ok=True)
        return len(left)


def _sync_folder(path: Path) -> None:
    """A rename is durable only when its folder is; Windows cannot open one and does without."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
