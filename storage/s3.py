"""Media in a bucket of S3 or of what speaks like it, for several machines; with a copy here of what was used last.

A blob's key is the prefix and its `place`; its bytes are checked against its name whenever they come from the bucket.
Signing, connections and two quick repeats are obstore's, imported when a bucket is opened and nowhere else. What it
says of an error holds whole answers of the server: the status and the code are taken from it, the rest goes nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from storage.media import MediaAway, MediaFolder, MediaRefused, named, place
from storage.model import MediaId
from storage.store import Unavailable

MOST = 64 * 1024 * 1024
"""Bytes of one blob; a channel's medium has at most 20 MiB."""
CACHE = 512 * 1024 * 1024
"""Bytes of copies on this machine."""
PATIENCE = 20.0
"""Seconds for one call, its repeats included."""
CONNECTING = timedelta(seconds=3)
REPEATS = 2
SOON, LATER = 5.0, 60.0
"""Seconds after which it may work again: by itself, or once somebody changed a setting."""
PROBE, NOTHING = ".recado", ".recado-nothing"
"""Keys that opening a bucket writes, and looks for in vain."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Which, where, and by which key. Empty: the provider's own address; region and key of the environment
    (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, …) or of the machine's role."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: str, **more: str) -> Bucket:
        """`s3://name/prefix`."""
        name, _, prefix = address.removeprefix("s3://").partition("/")
        return cls(name, prefix.strip("/"), **more)

    @property
    def where(self) -> str:
        return f"{self.name} at {self.endpoint or 'Amazon S3'}"


class S3Media:
    """A MediaStore. `cache`: a folder of this process's machine, which may be emptied at any time."""

    def __init__(
        self, bucket: Bucket, cache: Path, *, cache_bytes: int = CACHE, most: int = MOST, patience: float = PATIENCE
    ) -> None:
        self._bucket, self._most, self._patience = bucket, most, patience
        self._copies = Copies(cache, cache_bytes)
        self._client: Any = None
        self._coming: dict[str, asyncio.Task[bytes]] = {}

    async def open(self) -> None:
        """Writes a mark, and asks for one that nobody wrote: missing rights show now, and not at the first note."""
        await self._copies.open()
        self._client = _client(self._bucket, self._patience)
        try:
            await self._call(lambda client, obstore: obstore.put_async(client, PROBE, b"", use_multipart=False))
            with contextlib.suppress(FileNotFoundError):
                await self._call(lambda client, obstore: obstore.get_async(client, NOTHING))
        except _Troubled as trouble:
            if trouble.lasting:
                raise MediaRefused(str(trouble)) from None
            raise

    async def close(self) -> None:
        for task in list(self._coming.values()):
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)

    async def put(self, blob: bytes) -> MediaId:
        id = await asyncio.to_thread(named, blob)
        await self.put_variant(id, "", blob)
        return id

    async def put_variant(self, id: MediaId, suffix: str, blob: bytes) -> None:
        key = place(id, suffix)
        if len(blob) > self._most:
            raise ValueError(f"a blob of {len(blob)} bytes, more than {self._most}")
        try:
            await self._call(lambda client, obstore: obstore.put_async(client, key, blob, use_multipart=False))
        except FileNotFoundError:  # no answer to a PUT that S3 knows, but some proxy's
            raise _Troubled(self._bucket, "404", "") from None
        with contextlib.suppress(Unavailable):  # without a copy it is fetched when it is wanted
            await self._copies.keep(id, suffix, blob)

    async def read(self, id: MediaId, suffix: str = "") -> bytes:
        copy = await self._copies.read(id, suffix)
        return await self._fetched(id, suffix) if copy is None else copy

    async def file(self, id: MediaId, suffix: str = "") -> Path:
        if (copy := await self._copies.file(id, suffix)) is None:
            await self._fetched(id, suffix)
            copy = await self._copies.file(id, suffix)
        if copy is None:
            raise MediaAway("storage.cache_dir cannot be written: change its owner, or make room")
        return copy

    async def remove(self, id: MediaId, age: float, suffixes: Sequence[str] = ()) -> bool:
        """Copies on other machines stay until they are wanted least."""
        keys = [*(place(id, suffix) for suffix in suffixes), place(id)]
        with contextlib.suppress(FileNotFoundError):
            head = await self._call(lambda client, obstore: obstore.head_async(client, keys[-1]))
            if datetime.now(UTC) - head["last_modified"] <= timedelta(seconds=age):
                return False
        try:
            await self._call(lambda client, obstore: obstore.delete_async(client, keys))
        except FileNotFoundError:  # S3 deletes what is not there without a word
            raise _Troubled(self._bucket, "404", "") from None
        await self._copies.drop(keys)
        return True

    async def _fetched(self, id: MediaId, suffix: str) -> bytes:
        """Once, however many want it at the same time."""
        key = place(id, suffix)
        if key not in self._coming:
            task = self._coming[key] = asyncio.create_task(self._fetch(id, suffix), name="fetching media")
            task.add_done_callback(lambda done: self._came(key, done))
        return await asyncio.shield(self._coming[key])

    def _came(self, key: str, done: asyncio.Task[bytes]) -> None:
        self._coming.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, also when whoever asked has gone

    async def _fetch(self, id: MediaId, suffix: str) -> bytes:
        blob = await self._call(lambda client, obstore: self._get(client, obstore, place(id, suffix)))
        if not suffix and await asyncio.to_thread(named, blob) != id:
            raise MediaAway(f"the bucket {self._bucket.where} holds other bytes under the name {id}")
        with contextlib.suppress(Unavailable):  # a full disk: then it is fetched again next time
            await self._copies.keep(id, suffix, blob)
        return blob

    async def _get(self, client: Any, obstore: Any, key: str) -> bytes:
        found = await obstore.get_async(client, key)
        if (size := found.meta["size"]) > self._most:
            raise MediaAway(f"{key} in the bucket {self._bucket.where} has {size} bytes, more than {self._most}")
        return bytes(await found.bytes_async())

    async def _call(self, ask: Callable[[Any, Any], Awaitable[T]]) -> T:
        """Raises MediaAway, and FileNotFoundError for a key that is not there."""
        import obstore

        try:
            async with asyncio.timeout(self._patience):
                return await ask(self._client, obstore)
        except MediaAway:
            raise
        except FileNotFoundError as error:
            if "<Code>NoSuchBucket<" not in str(error):
                raise FileNotFoundError("not in the bucket") from None
            raise _Troubled(self._bucket, "404", "NoSuchBucket") from None
        except TimeoutError:
            raise _Troubled(self._bucket, "", "") from None
        except Exception as error:  # obstore's own kinds, and whatever its Rust panics with
            raise _Troubled(self._bucket, *_read(error)) from None


# -- what goes wrong -----------------------------------------------------------------------------

CURES = (
    (r"NoSuchBucket|InvalidBucketName", "media_dir", "there is no such bucket: create it, or correct its name"),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|InvalidClientTokenId|401",
        "s3_key_id",
        "the key is not accepted: correct storage.s3_key_id and storage.s3_secret (or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY)",
    ),
    (r"RequestTimeTooSkewed", "s3_endpoint", "this machine's clock is wrong: let it be set by NTP"),
    (
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocation\w*|301|307",
        "s3_region",
        "the bucket is in another region: name that one",
    ),
    (
        r"403",
        "s3_key_id",
        "the key may not use it: allow s3:PutObject and s3:GetObject on what is in it, and s3:ListBucket on itself",
    ),
    (
        r"no key",
        "s3_key_id",
        "no key was found: set storage.s3_key_id and storage.s3_secret, or give this machine a role",
    ),
)
"""By code or status, the first that fits: which key of `[storage]`, and what cures it. Nothing else lasts."""


class _Troubled(MediaAway):
    """What an answer of the bucket means to whoever runs this. `status`, `code`: as the server said; empty: it said
    nothing."""

    def __init__(self, bucket: Bucket, status: str, code: str) -> None:
        said = " ".join(part for part in (status, code) if part)
        cure = next(((key, cure) for words, key, cure in CURES if _fits(words, status, code)), None)
        self.lasting = cure is not None
        key, sentence = cure or ("s3_endpoint", "it does not work now" if said else "it does not answer")
        what = f"storage.{key}: the bucket {bucket.where}: {sentence}" + (f" ({said})" if said else "")
        super().__init__(what, LATER if self.lasting else SOON)


def _fits(words: str, status: str, code: str) -> bool:
    return bool(re.fullmatch(words, code) or re.fullmatch(words, status))


def _read(error: Exception) -> tuple[str, str]:
    """(status, code) in what obstore says; a missing key is told by whom it asked for one."""
    text = str(error)
    status = re.search(r"status code: (\d{3})", text)
    code = re.search(r"<Code>(\w{1,64})</Code>", text)
    if "169.254.169.254" in text or "latest/api/token" in text:
        return "", "no key"
    surprise = "" if type(error).__module__ == "obstore.exceptions" else type(error).__name__
    return status[1] if status else "", code[1] if code else surprise


def _client(bucket: Bucket, patience: float) -> Any:
    """Raises MediaRefused."""
    if bucket.endpoint and not re.match(r"https?://[\w\[]", bucket.endpoint, re.ASCII):
        raise MediaRefused("storage.s3_endpoint: is no http(s) address")
    try:
        from obstore.store import S3Store
    except ImportError:
        cure = "`python3 run.py recado --with=s3 --version` installs what speaks with it"
        raise MediaRefused(f"storage.media_dir: nothing here speaks to S3: {cure}") from None
    settings = {
        "endpoint": bucket.endpoint,
        "region": bucket.region,
        "access_key_id": bucket.key_id,
        "secret_access_key": bucket.secret,
    }
    limits: Any = {"timeout": timedelta(seconds=patience), "connect_timeout": CONNECTING}
    if bucket.endpoint.startswith("http://"):
        limits["allow_http"] = True
    config: Any = {key: value for key, value in settings.items() if value}
    again: Any = {"max_retries": REPEATS, "retry_timeout": timedelta(seconds=patience)}
    try:
        return S3Store(
            bucket.name, prefix=bucket.prefix or None, config=config, client_options=limits, retry_config=again
        )
    except Exception:  # its own kinds, which hold what they were given
        cure = "correct the address and the keys s3_… beside it"
        raise MediaRefused(f"storage.media_dir: the bucket {bucket.where} cannot be used: {cure}") from None


# -- copies --------------------------------------------------------------------------------------


class Copies:
    """Blobs on this machine, the last used ones, in at most `most` bytes and never less than one blob.

    Several processes may share the folder; each then counts what it knows of. The index belongs to the event loop.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._root, self._folder, self._most = path, MediaFolder(path), most
        self._sizes: OrderedDict[str, int] = OrderedDict()
        """By place, the longest unused first."""
        self._total = 0

    async def open(self) -> None:
        """Raises MediaRefused."""
        try:
            await self._folder.sweep()
            kept = await asyncio.to_thread(lambda: sorted(self._kept()))
        except OSError as error:
            cure = "choose another folder or change its owner"
            raise MediaRefused(f"storage.cache_dir: {self._root}: {error.strerror or error}; {cure}") from error
        for _, key, size in kept:
            self._count(key, size)
        await self._trim()

    async def read(self, id: MediaId, suffix: str) -> bytes | None:
        if (path := await self.file(id, suffix)) is None:
            return None
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            return None

    async def file(self, id: MediaId, suffix: str) -> Path | None:
        """Marked as used; None when there is no copy."""
        path, key = self._folder.path(id, suffix), place(id, suffix)
        try:
            self._count(key, await asyncio.to_thread(_used, path))
        except OSError:
            self._forget(key)
            return None
        return path

    async def keep(self, id: MediaId, suffix: str, blob: bytes) -> None:
        """Raises Unavailable."""
        await self._folder.put_variant(id, suffix, blob)
        self._count(place(id, suffix), len(blob))
        await self._trim()

    async def drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._forget(key)
        await asyncio.to_thread(_remove, [self._root / key for key in keys])

    def _kept(self) -> Iterator[tuple[float, str, int]]:
        """(when it was last used, place, bytes) of each."""
        for path in self._root.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(FileNotFoundError):
                seen = path.stat()
                yield seen.st_mtime, f"{path.parent.name}/{path.name}", seen.st_size

    def _count(self, key: str, size: int) -> None:
        self._forget(key)
        self._sizes[key] = size
        self._total += size

    def _forget(self, key: str) -> None:
        self._total -= self._sizes.pop(key, 0)

    async def _trim(self) -> None:
        gone = []
        while self._total > self._most and len(self._sizes) > 1:
            key, size = self._sizes.popitem(last=False)
            self._total -= size
            gone.append(self._root / key)
        if gone:
            await asyncio.to_thread(_remove, gone)


def _used(path: Path) -> int:
    """Its bytes; whoever trims sees that it was wanted. Raises OSError."""
    os.utime(path)
    return path.stat().st_size


def _remove(paths: Iterable[Path]) -> None:
    """As far as it goes: what stays is counted again at the next start."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
