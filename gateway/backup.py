"""A backup is one file that holds everything a fresh machine needs: the database as it was at one moment, the voice
notes and pictures it names, and, only when asked for, the key that opens what is sealed in it.

Made while the gateway runs and writes: one read transaction sees one moment of the database however long the copy
takes, and a reader of a write-ahead log stands in nobody's way. The database comes first and the media after it, so
that whatever the copy names is there already; media are named by their content and never change.

The file is a plain tar: `recado.db`, `media/<two digits>/<sha256>`, perhaps `vault.key`, and last `manifest.json`. It
appears under its name only when it is whole. What comes out of a tar here are bytes of members with just these names:
no name in it ever becomes a path by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson

from gateway.installation import Installation
from gateway.transcript import rfc3339
from storage import lanes
from storage.sqlite import FileLock
from storage.store import AlreadyOpen
from storage.vault import VaultError, open_vault

FORMAT = 1
DATABASE, KEY, MANIFEST = "recado.db", "vault.key", "manifest.json"
MEDIUM = re.compile(r"media/([0-9a-f]{2})/(\1[0-9a-f]{62})")
PAGES = 1024
"""Of the database, copied between two looks at the progress."""
CHUNK = 1024 * 1024
MANIFEST_LIMIT = 512 * 1024 * 1024
"""Bytes: some millions of media."""
WORKPLACE = ".recado-backup-"

AHEAD = 1_000_000
"""More messages or turns than a conversation has between a backup and its restore."""
# Turns, deliveries, calls of a flow's actions and cursors are named after these numbers. What was said after the backup
# had some of them already, and whoever remembers what he has done, as we ask of callbacks and actions, would take what
# is said now for that. Holes are legal.
BEGIN_ANEW = """
UPDATE lane SET epoch = epoch + :ahead,
                head  = CASE WHEN tail > 0 AND head = tail THEN tail + :ahead ELSE head END,
                tail  = CASE WHEN tail > 0 THEN tail + :ahead ELSE 0 END
"""

Tell = Callable[[str, int, int], None]
"""What is being done, and how much of how much: pages or media."""


class BackupError(Exception):
    """Nothing was done that counts. The text says what to do."""


class Damaged(BackupError):
    """What was to be copied, or to be restored, is not whole."""


class NotDone(BackupError):
    """It would harm something, or cannot be done now."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What was kept."""

    file: Path
    bytes: int
    tables: Mapping[str, int]
    """Rows, by table."""
    media: int
    elsewhere: bool
    """The media lie in a bucket, and are not in it."""
    missing: int
    """Media the database names that were not in the folder."""
    damaged: int
    """Media that are not what their name says; kept as they are."""
    key: str
    """`inside`, `outside`, or `none` where nothing was ever sealed."""


@dataclass(frozen=True, slots=True)
class Restored:
    tables: Mapping[str, int]
    media: int
    missing: int
    aside: Path | None
    """Where the former database is now."""
    forgotten: int
    """Sealed secrets that no key here opens, and that were taken out."""
    unsent: int
    """Conversations with something to send that had not gone out when the backup was made."""


# -- making one --------------------------------------------------------------------------------------


def back_up(
    place: Installation, target: Path, *, with_key: bool, environ: Mapping[str, str], now: int, tell: Tell
) -> Backup:
    """`target`: the file to be made. `now`: milliseconds. Raises BackupError, and then there is no file."""
    if not place.is_there():
        raise NotDone(f"there is no database at {place.database}: name the configuration with --config")
    if target.exists():
        raise NotDone(f"{target} is there already: name another file with --to")
    if not target.parent.is_dir():
        raise NotDone(f"there is no folder {target.parent}: make it first")
    try:
        with _workplace(target.parent) as work:
            return _back_up(place, target, work, environ, with_key, now, tell)
    except OSError as error:
        raise NotDone(f"the backup cannot be written to {target.parent}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise Damaged(f"the database cannot be read: {error}. {_BY_HAND}") from error


def named(now: int) -> str:
    return f"recado-{_moment(now)}.tar"


def remarks(kept: Backup, place: Installation) -> Iterator[str]:
    """What whoever keeps it has to know, a line each."""
    if kept.key == "outside":
        yield (
            f"the vault's key is not in it: keep {place.key.name} (or RECADO_VAULT_KEY) somewhere else, or say "
            "--with-key. Without the key what is sealed cannot be opened after a restore"
        )
    if kept.key == "inside":
        yield "the vault's key is in it: whoever has this file can open what is sealed"
    if kept.elsewhere:
        yield "the media lie in the bucket of storage.media_dir and are not in it: the bucket needs its own copy"
    if kept.missing:
        yield f"{kept.missing} media that the database names are not in {place.media}"
    if kept.damaged:
        yield f"{kept.damaged} media are no longer what was put there: look at this disk; an older backup may have them"


def put_back(restored: Restored) -> Iterator[str]:
    """What was done and what comes now, a line each."""
    yield f"restored: {restored.tables.get('conversation', 0)} conversations, {restored.media} media"
    if restored.aside:
        yield f"the former database is {restored.aside}; its media stay in the folder: remove it when all is well"
    if restored.forgotten:
        yield f"{restored.forgotten} sealed secrets that no key opens were taken out"
    if restored.missing:
        yield f"{restored.missing} media were missing already when the backup was made"
    if restored.unsent:
        yield (
            f"{restored.unsent} conversations had something to send when the backup was made: it goes out at the next "
            "start, and may have gone out before"
        )


_BY_HAND = "Stop the gateway, copy the folder of the database as it is, and run `recado doctor`"


def _back_up(
    place: Installation, target: Path, work: Path, environ: Mapping[str, str], with_key: bool, now: int, tell: Tell
) -> Backup:
    copy, part = work / DATABASE, work / "backup.tar"
    _copy(place, copy, tell)
    with closing(sqlite3.connect(copy, isolation_level=None)) as db, _private(part) as file:
        tables = _counted(db)
        keys = place.keys(environ)  # behind the copy: what is sealed in it has its key by now
        if with_key and tables["sealed"] and not keys:
            cure = "set RECADO_VAULT_KEY as the gateway has it, or run this as its user"
            raise NotDone(f"the vault's key is neither in the environment nor in {place.key}: {cure}")
        inside = with_key and bool(keys)
        key = "inside" if inside else "outside" if keys or tables["sealed"] else "none"
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            writing = _Writing(tar, now)
            writing.add(DATABASE, copy)
            if place.media is not None:
                _add_media(writing, place.media, db, tell)
            if inside:
                writing.add_text(KEY, keys)
            writing.add_text(MANIFEST, writing.manifest(_version(db), key, tables))
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    _sync_folder(target.parent)
    media = sum(1 for name in writing.files if name.startswith("media/"))
    missing, damaged = len(writing.missing), len(writing.damaged)
    return Backup(target, target.stat().st_size, tables, media, place.media is None, missing, damaged, key)


def _copy(place: Installation, copy: Path, tell: Tell) -> None:
    """One moment of the database. The transaction is what makes it one: without it each commit of the gateway would
    make the copy begin anew. Raises Damaged, sqlite3.Error, OSError."""
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(place.look()) as source, closing(sqlite3.connect(copy, isolation_level=None)) as kept:
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if not _is_ours(source):
            raise NotDone(f"{place.database} belongs to another program: look at storage.url")
        kept.execute("PRAGMA synchronous=OFF")  # it is synced as a part of the whole
        source.backup(kept, pages=PAGES, progress=lambda _, left, of: tell("database", of - left, of))
        kept.execute("PRAGMA journal_mode=DELETE")  # one file, and no log beside it
        _refuse_damaged(kept, f"the database is damaged. {_BY_HAND}")


def _is_ours(db: sqlite3.Connection) -> bool:
    named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
    return db.execute(named).fetchone() is not None


def _refuse_damaged(db: sqlite3.Connection, otherwise: str) -> None:
    (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Damaged(f"{otherwise} ({said})")


def _counted(db: sqlite3.Connection) -> dict[str, int]:
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: db.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute(lanes.VERSION).fetchone()[0] or 0)


NAMED = "SELECT id FROM media UNION SELECT media FROM media_open ORDER BY 1"
"""The media a database knows of."""


def _add_media(writing: _Writing, folder: Path, db: sqlite3.Connection, tell: Tell) -> None:
    of = db.execute(f"SELECT COUNT(*) FROM ({NAMED})").fetchone()[0]  # noqa: S608 - a constant of this file
    for done, (id,) in enumerate(db.execute(NAMED), 1):
        name = f"media/{id[:2]}/{id}"
        if not MEDIUM.fullmatch(name) or not writing.add(name, folder / id[:2] / id):
            writing.missing.append(id)
        elif writing.files[name]["sha256"] != id:
            writing.damaged.append(id)
        tell("media", done, of)


@dataclass(slots=True)
class _Writing:
    """A tar, with what the manifest says of it."""

    tar: tarfile.TarFile
    now: int
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def add(self, name: str, path: Path) -> bool:
        """False when there is no such file. Raises NotDone when it cannot be opened, Damaged when it cannot be read,
        OSError when there is no room."""
        try:
            file = path.open("rb")
        except (FileNotFoundError, IsADirectoryError):
            return False
        except OSError as error:
            raise NotDone(
                f"{path} cannot be opened: {error.strerror or error}: run this as the gateway's user"
            ) from error
        with file:
            self._add(name, file, os.fstat(file.fileno()).st_size)
        return True

    def add_text(self, name: str, text: bytes) -> None:
        with tempfile.SpooledTemporaryFile(max_size=CHUNK) as file:
            file.write(text)
            file.seek(0)
            self._add(name, file, len(text))

    def manifest(self, schema: int, key: str, tables: Mapping[str, int]) -> bytes:
        told = {"format": FORMAT, "recado": version("recado"), "schema": schema, "made_at": rfc3339(self.now)}
        lacking = {"missing": self.missing, "damaged": self.damaged}
        return orjson.dumps({**told, "key": key, "tables": tables, **lacking, "files": self.files})

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, self.now // 1000
        hashed = _Hashed(file)
        self.tar.addfile(member, hashed)
        self.files[name] = {"bytes": size, "sha256": hashed.digest}


class _Hashed:
    """What is read through it is hashed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        try:
            read = self._file.read(size)
        except OSError as error:
            named = getattr(self._file, "name", "what was kept")
            raise Damaged(f"{named} cannot be read: {error.strerror or error}: look at its disk") from error
        self._hash.update(read)
        return read

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A private folder on the disk the backup is for, gone at the end; those of backups that were killed go too."""
    for left in folder.glob(f"{WORKPLACE}*"):
        _sweep(left)
    work = Path(tempfile.mkdtemp(prefix=WORKPLACE, dir=folder))
    lock = FileLock(work / "lock")
    try:
        lock.take()
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.drop()


def _sweep(left: Path) -> None:
    """Without its lock it may be one that is only beginning: the next backup sweeps it then, or nobody has to."""
    if not (left / "lock").is_file():
        return
    lock = FileLock(left / "lock")
    with contextlib.suppress(AlreadyOpen, OSError):  # somebody else's, and alive
        lock.take()
        shutil.rmtree(left, ignore_errors=True)
        lock.drop()


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b") as file:
        yield file


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- putting one back ------------------------------------------------------------------------------------


def restore(
    archive: Path,
    place: Installation,
    *,
    replace: bool,
    forget_sealed: bool,
    environ: Mapping[str, str],
    now: int,
    tell: Tell,
) -> Restored:
    """`replace`: the database that is there goes aside. `forget_sealed`: what no key opens is taken out. Raises
    BackupError, and then everything is as it was."""
    try:
        with _reading(archive) as reading:
            place.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _stopped(place):
                if place.is_there() and not replace:
                    there = f"there is a database at {place.database} already"
                    raise NotDone(f"{there}: with --replace it goes aside, and is not lost")
                return _Restoring(reading, place, forget_sealed, environ, now, tell).run()
    except tarfile.TarError as error:
        raise Damaged(f"{archive} is no whole backup: {error}") from error
    except sqlite3.Error as error:
        raise Damaged(f"the database in {archive} cannot be read: {error}") from error
    except OSError as error:
        raise NotDone(f"{error.filename or archive}: {error.strerror or error}") from error


@contextmanager
def _stopped(place: Installation) -> Iterator[None]:
    """Nobody else can open the database meanwhile."""
    lock = FileLock(place.lock)
    try:
        lock.take()
    except AlreadyOpen:
        raise NotDone(f"the gateway runs on {place.database}: stop it first") from None
    try:
        yield
    finally:
        lock.drop()


@dataclass(frozen=True, slots=True)
class _Reading:
    """A tar that has been looked through: its members are ours by name and kind, and its manifest fits them."""

    tar: tarfile.TarFile
    members: Mapping[str, tarfile.TarInfo]
    manifest: Mapping[str, Any]

    def extract(self, name: str, to: Path) -> str:
        """The bytes of a member into a new, private file; their SHA-256. Raises Damaged when it is not what the
        manifest says, OSError."""
        source = self.tar.extractfile(self.members[name])
        assert source is not None  # a regular file
        hashed = _Hashed(source)
        with _private(to) as file:
            shutil.copyfileobj(hashed, file, CHUNK)
        if hashed.digest != self.manifest["files"][name]["sha256"]:
            raise Damaged(f"{name} in the backup is not what was put into it: take another backup")
        return hashed.digest


@contextmanager
def _reading(archive: Path) -> Iterator[_Reading]:
    """Raises Damaged, NotDone, TarError, OSError."""
    with tarfile.open(archive, "r:") as tar:
        members = _members(tar)
        manifest = _manifest(tar, members)
        _refuse_newer(manifest)
        yield _Reading(tar, members, manifest)


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        known = member.name in (DATABASE, KEY, MANIFEST) or MEDIUM.fullmatch(member.name)
        if not known or not member.isreg() or member.issparse() or member.name in found:
            raise Damaged(f"this is no backup of recado: it holds {member.name[:80]!r}")
        found[member.name] = member
    if MANIFEST not in found or DATABASE not in found:
        raise Damaged("this backup is not whole: it was cut off, or is none of recado's")
    return found


def _manifest(tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> dict[str, Any]:
    file = tar.extractfile(members[MANIFEST])
    assert file is not None  # a regular file
    try:
        manifest = orjson.loads(file.read(MANIFEST_LIMIT))
        sizes = {name: told["bytes"] for name, told in manifest["files"].items()}
        whole = all(isinstance(manifest[key], int) for key in ("format", "schema"))
        digests = all(isinstance(told["sha256"], str) for told in manifest["files"].values())
        whole = whole and digests and isinstance(manifest["damaged"], list) and isinstance(manifest["missing"], list)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged("the manifest of this backup cannot be read") from None
    if not whole or sizes != {name: member.size for name, member in members.items() if name != MANIFEST}:
        raise Damaged("this backup does not hold what its manifest names")
    return dict(manifest)


def _refuse_newer(manifest: Mapping[str, Any]) -> None:
    known = max(lanes.steps())
    if manifest["format"] > FORMAT or manifest["schema"] > known:
        raise NotDone(
            f"this backup was made by a newer recado ({manifest.get('recado')}, schema {manifest['schema']}; this one "
            f"knows {known}): restore it with that version"
        )


@dataclass(slots=True)
class _Restoring:
    reading: _Reading
    place: Installation
    forget_sealed: bool
    environ: Mapping[str, str]
    now: int
    tell: Tell
    added: list[Path] = field(default_factory=list)
    """Media that were not there before."""

    def run(self) -> Restored:
        """Media first, which harm nobody, and the database last, in one step. Raises BackupError, sqlite3.Error,
        OSError."""
        work = self.place.database.with_name(self.place.database.name + ".restoring")
        shutil.rmtree(work, ignore_errors=True)  # of one that was killed
        work.mkdir(mode=0o700)
        try:
            return self._run(work)
        except BaseException:
            for path in self.added:
                path.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _run(self, work: Path) -> Restored:
        fresh = work / DATABASE
        self.reading.extract(DATABASE, fresh)
        keyed = self._take_key(work)
        with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
            _refuse_damaged(db, "the database in this backup is damaged: take another one")
            if not _is_ours(db) or _version(db) != self.reading.manifest["schema"]:
                raise Damaged("the database in this backup is not the one its manifest names")
            forgotten = self._look_at_sealed(db, fresh)
            tables = _counted(db)
            (unsent,) = db.execute("SELECT COUNT(*) FROM lane WHERE kind = 1 AND tail > head").fetchone()
            db.execute(BEGIN_ANEW, {"ahead": AHEAD})
        media = self._restore_media(work)
        if hasattr(os, "sync"):
            os.sync()  # all of it at once, before anything names it
        if keyed:
            self._put_key(work / f"{DATABASE}.key")
        aside = self._put_database(fresh)
        return Restored(tables, media, len(self.reading.manifest["missing"]), aside, forgotten, unsent)

    def _take_key(self, work: Path) -> bool:
        """Beside the new database, as the vault looks for it: the backup's, or the one that is here. True for the
        backup's."""
        beside = work / f"{DATABASE}.key"
        if KEY in self.reading.members:
            self.reading.extract(KEY, beside)
            return True
        if self.place.key.is_file():
            with _private(beside) as file:
                file.write(self.place.key.read_bytes())
        return False

    def _look_at_sealed(self, db: sqlite3.Connection, fresh: Path) -> int:
        """A gateway does not start on secrets it cannot open, so it is found out here. Raises NotDone."""
        try:
            closed = _closed(db, fresh, self.environ)
        except VaultError as error:
            raise NotDone(str(error)) from None
        if closed and not self.forget_sealed:
            raise NotDone(
                f"{len(closed)} sealed secrets in this backup open with no key that is here ({', '.join(closed[:5])}). "
                f"Put the key of the gateway it was made on into {self.place.key} (mode 0600) or RECADO_VAULT_KEY, or "
                "say --forget-sealed: visitors of the chat page then begin new conversations, and any other secret has "
                "to be entered again"
            )
        for name in closed:
            db.execute("DELETE FROM sealed WHERE name = ?", (name,))
        return len(closed)

    def _restore_media(self, work: Path) -> int:
        names = [name for name in self.reading.members if name.startswith("media/")]
        if not names:
            return 0
        if (folder := self.place.media) is None:
            cure = "restore it with a folder as storage.media_dir, then copy that into the bucket"
            raise NotDone(f"this backup holds {len(names)} media, and storage.media_dir is a bucket: {cure}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".parts").mkdir(mode=0o700, exist_ok=True)  # swept when the gateway starts
        for done, name in enumerate(names, 1):
            self._medium(name, folder)
            self.tell("media", done, len(names))
        return len(names)

    def _medium(self, name: str, folder: Path) -> None:
        """Never over one that is whole: the former database names it too."""
        id = name.rpartition("/")[2]
        path, part = folder / id[:2] / id, folder / ".parts" / f"restoring-{id}"
        if path.is_file() and _is_named_after(path, id):
            return
        part.unlink(missing_ok=True)
        try:
            digest = self.reading.extract(name, part)
            if digest != id and id not in self.reading.manifest["damaged"]:
                raise Damaged(f"{name} in the backup is not what its name says: take another backup")
            path.parent.mkdir(mode=0o700, exist_ok=True)
            was_there = path.exists()
            part.replace(path)
            self.added += [] if was_there else [path]
        finally:
            part.unlink(missing_ok=True)

    def _put_key(self, fresh: Path) -> None:
        """In front of those that are here: the first seals and all open, so the former database opens too."""
        here = self.place.key.read_bytes().split() if self.place.key.is_file() else []
        keys = dict.fromkeys([*fresh.read_bytes().split(), *here])
        with open(fresh, "wb") as file:  # private since it was made
            file.write(b"".join(key + b"\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.place.key)

    def _put_database(self, fresh: Path) -> Path | None:
        """The former one under another name and the new one in its place: at no moment is there none."""
        database, aside = self.place.database, None
        if self.place.is_there():
            self._set_aside(aside := self._aside(database))
        database.with_name(database.name + "-shm").unlink(missing_ok=True)
        fresh.replace(database)
        _sync_folder(database.parent)
        return aside

    def _set_aside(self, aside: Path) -> None:
        """With its log, where that cannot be folded into it: it may hold all that can still be saved, and SQLite
        removes the log of a file it cannot read. No log may stay behind: it would be read into the new database."""
        database, log, kept = self.place.database, self.place.log, aside.with_name(aside.name + "-wal")
        try:
            if log.is_file():
                shutil.copy2(log, kept)
            if _fold(database):
                kept.unlink(missing_ok=True)
            if database.is_file():
                _second_name(database, aside)
        except OSError:
            kept.unlink(missing_ok=True)
            raise
        log.unlink(missing_ok=True)

    def _aside(self, path: Path) -> Path:
        return path.with_name(f"{path.name}.before-{_moment(self.now)}")


def _is_named_after(path: Path, digest: str) -> bool:
    """Whole, by its content: a disk that fails, or a file that was written over, leaves the size as it was."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def _moment(now: int) -> str:
    return re.sub(r"[-:]|\.\d+", "", rfc3339(now))


def _closed(db: sqlite3.Connection, database: Path, environ: Mapping[str, str]) -> list[str]:
    """The names of sealed secrets that the keys beside the database, or in the environment, do not open."""
    sealed = [(str(name), bytes(blob)) for name, blob in db.execute("SELECT name, blob FROM sealed ORDER BY name")]
    if not sealed:
        return []
    place = Installation(database, database.parent)
    if not place.keys(environ):
        return [name for name, _ in sealed]
    vault = open_vault(database, environ)
    return [name for name, blob in sealed if not _opens(vault, name, blob)]


def _opens(vault: Any, name: str, blob: bytes) -> bool:
    try:
        vault.unseal(name, blob)
    except VaultError:
        return False
    return True


def _fold(database: Path) -> bool:
    """Whether what was only in its log is in the file now."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as db:
            (busy, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    except sqlite3.Error:
        return False


def _second_name(path: Path, aside: Path) -> None:
    """Raises OSError."""
    try:
        os.link(path, aside)
    except FileExistsError:
        raise
    except OSError:  # a disk without links: for a moment there is none
        path.rename(aside)
