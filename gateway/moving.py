"""`recado move`: from the embedded database, with the gateway stopped, to a PostgreSQL server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.config import BUCKET, Config, ConfigError
from gateway.databases import EXTRA, Server, database
from gateway.installation import Installation, NotEmbedded
from storage.vault import VARIABLE, key_file

Tell = Callable[[str, int, int], None]
ADDRESS = re.compile(r"postgres(ql)?://.+")


class CannotMove(Exception):
    """Nothing was moved, and nothing is in the target. `damaged`: for what was found in a database."""

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


@dataclass(frozen=True, slots=True)
class Done:
    source: Path
    conversations: int
    rows: int
    key: str
    """What became of the vault's key, when there is one in a file."""


async def move(config: Config, url: str, environ: Mapping[str, str], tell: Tell) -> Done:
    """Raises CannotMove."""
    try:
        place = Installation.of(config)
    except NotEmbedded:
        raise CannotMove(
            "storage.url names a server already: what is moved is the file that --config names; a server has pg_dump"
        ) from None
    if not ADDRESS.fullmatch(url):
        raise CannotMove("--to is no address of a database: postgresql://user@host/name")
    if not place.is_there():
        raise CannotMove(f"there is no database at {place.database}: name the configuration with --config")
    rows = await _moved(place.database, url, tell)
    return Done(place.database, rows["conversation"], sum(rows.values()), _take_key(config, url, place.key, environ))


async def _moved(source: Path, url: str, tell: Tell) -> Mapping[str, int]:
    from storage.store import StoreError

    try:
        from storage import moving
    except ImportError:
        raise ConfigError("recado", [EXTRA]) from None
    try:
        return (await moving.move(source, url, tell)).rows
    except (StoreError, OSError, ValueError) as error:
        raise CannotMove(str(error), damaged=isinstance(error, moving.Different)) from error


def _take_key(config: Config, url: str, key: Path, environ: Mapping[str, str]) -> str:
    """To where a gateway of the new database on this machine looks for it. One that is there already opens what is
    sealed with it, so it stays, behind the one that comes."""
    if environ.get(VARIABLE, "").strip() or not key.is_file():
        return ""
    storage = config.storage.model_copy(update={"url": url})
    moved = database(config.model_copy(update={"storage": storage}))
    assert isinstance(moved, Server)
    beside = key_file(moved.keys.absolute())
    try:
        _put_in_front(key.read_bytes().split(), beside)
    except OSError as error:
        return f"the vault's key could not be copied ({error.strerror}): copy {key} to {beside}, mode 0600"
    return f"the vault's key was copied to {beside}; other machines need it too, or {VARIABLE}"


def _put_in_front(keys: list[bytes], path: Path) -> None:
    """Private from the start, and whole when it appears. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes().split() if path.is_file() else []
    part = path.with_name(path.name + ".moving")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(key + b"\n" for key in dict.fromkeys([*keys, *there])))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def told(done: Done, config: Config, url: str) -> Iterator[str]:
    """What is to be done now."""
    yield f"{done.conversations} conversations, {done.rows} rows: each is there, and the same"
    yield f'in the configuration: storage.url = "{_without_password(url)}"'
    if urlsplit(url).password:
        yield "  with its password, e.g. from the environment: RECADO_STORAGE__URL"
    if done.key:
        yield done.key
    yield from _of_media(config.storage.media_dir)
    yield f"{done.source} is kept: do not start a gateway on it again, or customers are answered twice"
    yield "a second move into the same database is refused"


def _of_media(media_dir: str) -> Iterator[str]:
    if media_dir.startswith(BUCKET):
        yield f"media stay in {media_dir}; what still lies in a folder: aws s3 sync FOLDER {media_dir} --exclude '.*'"
    else:
        yield f"media stay in {media_dir}, which every machine has to share: docs/scale.md"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    who, _, where = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who.partition(':')[0]}:…@{where}").geturl()
