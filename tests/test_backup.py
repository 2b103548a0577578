"""`recado backup` and `recado restore`: what was acknowledged is in it, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest

from gateway import backup
from gateway.backup import MANIFEST, Backup, Damaged, NotDone, back_up
from gateway.config import load
from gateway.installation import Installation, NotEmbedded
from storage.media import MediaFolder
from storage.model import Conversation, Kind, Media, Post, conversation_id
from storage.sqlite import SqliteStore
from storage.vault import VARIABLE, VaultError, open_vault
from tests.fakes.openai import FakeOpenAI
from tests.story.running import running, toml
from tests.test_cli import recado

ROOT = Path(__file__).parents[1]
WHO = Conversation(conversation_id("site", "ana"), "site", "ana", "Ana", "loja")
NOW = 1_795_000_000_000


@pytest.fixture(autouse=True)
def no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def written(folder: Path) -> Path:
    """A configuration whose database and media lie beside it."""
    folder.mkdir(exist_ok=True)
    path = folder / "recado.toml"
    path.write_text(toml("http://127.0.0.1:1/v1", openai_key="sk-x"), "utf-8")
    return path


def place_of(config: Path) -> Installation:
    return Installation(config.parent / "recado.db", config.parent / "media")


async def lived_in(config: Path, words: str = "oi", *, sealed: bool = False) -> Media:
    """A message, a medium it may open, and perhaps a secret."""
    place = place_of(config)
    store, folder = SqliteStore(place.database), MediaFolder(media_of(place))
    await store.open()
    id = await folder.put(words.encode() * 1000)
    await store.add_media(medium := Media(id, "audio/ogg", len(words) * 1000, 1.0, (1, 2)))
    await store.accept(WHO, Post(WHO.id, f"id-{words}", words), [id])
    if sealed:
        await store.seal("visitor_secret", open_vault(place.database, {}).seal("visitor_secret", "psst"))
    await store.close()
    return medium


def media_of(place: Installation) -> Path:
    assert place.media is not None
    return place.media


def said(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as db:
        return [body for (body,) in db.execute("SELECT body FROM entry WHERE kind = 0 ORDER BY seq")]


def made(place: Installation, target: Path, *, with_key: bool = False) -> Backup:
    return back_up(place, target, with_key=with_key, environ={}, now=NOW, tell=lambda *_: None)


# -- there and back ----------------------------------------------------------------------------------


async def test_everything_is_there_after_a_restore(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    medium = await lived_in(here)
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 0
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "here", "there"]
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0
    assert "1 conversations, 1 media" in capsys.readouterr().out
    store = SqliteStore(place_of(there).database)
    await store.open()
    (claim,) = await store.claim(Kind.IN, 1, 1000, "me")
    assert [entry.body for entry in (await store.load(claim)).entries] == ["oi"]
    assert await store.media_open_to(medium.id, WHO.id)
    await store.close()
    assert await MediaFolder(media_of(place_of(there))).read(medium.id) == b"oi" * 1000
    assert not (there.parent / "recado.db.restoring").exists()


async def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    medium = await lived_in(here, sealed=True)
    made(place_of(here), tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
        manifest = orjson.loads(tar.extractfile(MANIFEST).read())  # type: ignore[union-attr]
    assert names == ["recado.db", f"media/{medium.id[:2]}/{medium.id}", "manifest.json"]
    assert manifest["tables"]["entry"] == 1
    assert manifest["files"][names[1]] == {"bytes": 2000, "sha256": medium.id}
    assert manifest["key"] == "outside"
    assert manifest["schema"] >= 4


async def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    (tmp_path / "b.tar").write_bytes(b"mine")
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 3
    assert (tmp_path / "b.tar").read_bytes() == b"mine"
    made(place_of(here), tmp_path / "c.tar")
    assert await recado("restore", tmp_path / "c.tar", "--config", here) == 3
    assert "--replace" in capsys.readouterr().err


async def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path / "here")
    assert await recado("restore", tmp_path / "gone.tar", "--config", config) == 3
    assert "gone.tar: No such file" in capsys.readouterr().err
    assert await recado("backup", "--config", config, "--to", tmp_path / "nowhere" / "b.tar") == 3


async def test_without_a_database_there_is_nothing_to_keep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await recado("backup", "--config", written(tmp_path / "here"), "--to", tmp_path / "b.tar") == 3
    assert "--config" in capsys.readouterr().err
    assert not (tmp_path / "here" / "recado.db").exists()


async def test_the_former_database_goes_aside_and_still_opens(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, "new", sealed=True)
    old = await lived_in(there, "old", sealed=True)
    made(place_of(here), tmp_path / "b.tar", with_key=True)
    assert await recado("restore", tmp_path / "b.tar", "--config", there, "--replace") == 0
    place = place_of(there)
    (aside,) = place.database.parent.glob("recado.db.before-*")
    assert said(place.database) == ["new"]
    assert said(aside) == ["old"]
    assert await MediaFolder(media_of(place)).read(old.id) == b"old" * 1000
    vault = open_vault(place.database, {})
    for database in (place.database, aside):
        with closing(sqlite3.connect(database)) as db:
            (blob,) = db.execute("SELECT blob FROM sealed").fetchone()
        assert vault.unseal("visitor_secret", blob) == "psst"


async def test_it_waits_for_the_gateway_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    made(place_of(here), tmp_path / "b.tar")
    store = SqliteStore(place_of(here).database)
    await store.open()
    assert place_of(here).is_running()
    assert await recado("restore", tmp_path / "b.tar", "--config", here, "--replace") == 3
    assert "stop it" in capsys.readouterr().err
    await store.accept(WHO, Post(WHO.id, "after", "after"))
    await store.close()
    assert not place_of(here).is_running()
    assert said(place_of(here).database) == ["oi", "after"]


async def test_media_that_are_gone_or_damaged_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    gone, hurt = await lived_in(here, "gone"), await lived_in(here, "hurt")
    folder = media_of(place_of(here))
    (folder / gone.id[:2] / gone.id).unlink()
    (folder / hurt.id[:2] / hurt.id).write_bytes(b"else")
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 0
    told = capsys.readouterr().err
    assert "1 media that the database names are not in" in told
    assert "1 media are no longer" in told
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0
    assert (media_of(place_of(there)) / hurt.id[:2] / hurt.id).read_bytes() == b"else"


async def test_what_cannot_be_opened_is_named_and_not_the_place_of_the_backup(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    medium, place = await lived_in(here), place_of(here)
    path = media_of(place) / medium.id[:2] / medium.id
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(NotDone, match=f"{medium.id} cannot be opened"):
        made(place, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_what_a_disk_does_not_give_back_is_damaged() -> None:
    class Broken(io.BytesIO):
        name = "media/ab/abc"

        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(Damaged, match="media/ab/abc cannot be read: Input/output error"):
        backup._Hashed(Broken()).read()


async def test_a_medium_that_was_damaged_since_is_whole_again(tmp_path: Path) -> None:
    """Of the same size: a disk that fails, or somebody who wrote over it."""
    here = written(tmp_path / "here")
    medium, place = await lived_in(here), place_of(here)
    made(place, tmp_path / "b.tar")
    path = media_of(place) / medium.id[:2] / medium.id
    path.write_bytes(b"xx" * 1000)
    assert await recado("restore", tmp_path / "b.tar", "--config", here, "--replace") == 0
    assert path.read_bytes() == b"oi" * 1000


async def test_media_in_a_bucket_are_not_in_it(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here)
    bucket = Installation(place_of(here).database, None)
    kept = made(bucket, tmp_path / "b.tar")
    assert (kept.media, kept.missing, kept.elsewhere) == (0, 0, True)
    assert any("bucket" in remark for remark in backup.remarks(kept, bucket))
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0
    made(place_of(here), tmp_path / "c.tar")
    before = every_file(tmp_path)
    with pytest.raises(NotDone, match="bucket"):
        backup.restore(
            tmp_path / "c.tar",
            Installation(place_of(there).database, None),
            replace=True,
            forget_sealed=False,
            environ={},
            now=NOW,
            tell=lambda *_: None,
        )
    assert every_file(tmp_path) == before


async def test_a_database_server_has_its_own_tools(tmp_path: Path) -> None:
    storage = load(written(tmp_path)).storage.model_copy(update={"url": "postgresql://db/recado"})
    config = load(written(tmp_path)).model_copy(update={"storage": storage})
    with pytest.raises(NotEmbedded, match="pg_dump"):
        Installation.of(config)


async def test_a_gateway_goes_on_from_a_backup_that_was_made_while_it_served(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    async with FakeOpenAI() as openai:
        text = toml(openai.base_url, openai_key=openai.key)
        async with running(text, here) as (_, contact):
            await contact.ask("oi")
            (here / "recado.toml").write_text(text, "utf-8")
            assert (
                await recado("backup", "--config", here / "recado.toml", "--to", tmp_path / "b.tar", "--with-key") == 0
            )
            await contact.ask("e agora?")
        config = written(there)
        assert await recado("restore", tmp_path / "b.tar", "--config", config) == 0
        async with running(text, there) as (_, again):
            again.id, again.conversation, again._number = contact.id, contact.conversation, contact._number
            assert [who for who, _ in await again.transcript()] == ["contact", "assistant"]
            await again.ask("sigo daqui")
            assert len(await again.transcript()) == 4


# -- the key -----------------------------------------------------------------------------------------


async def test_the_key_is_not_in_it_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, sealed=True)
    key = place_of(here).key.read_bytes()
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 0
    assert "recado.db.key" in capsys.readouterr().err
    assert key.strip() not in (tmp_path / "b.tar").read_bytes()
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 3
    told = capsys.readouterr().err
    assert "visitor_secret" in told
    assert "--forget-sealed" in told
    assert not place_of(there).database.exists()
    assert [path for path in media_of(place_of(there)).rglob("*") if path.is_file()] == []
    place_of(there).key.write_bytes(key)
    place_of(there).key.chmod(0o600)
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0


async def test_the_key_comes_with_it(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, sealed=True)
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar", "--with-key") == 0
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0
    assert place_of(there).key.read_bytes() == place_of(here).key.read_bytes()
    assert stat.S_IMODE(place_of(there).key.stat().st_mode) == 0o600


async def test_a_key_of_the_environment_comes_with_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, sealed=True)
    monkeypatch.setenv(VARIABLE, place_of(here).key.read_text("ascii").strip())
    place_of(here).key.unlink()
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar", "--with-key") == 0
    monkeypatch.delenv(VARIABLE)
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 0


async def test_a_key_that_was_asked_for_and_is_not_there_is_no_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As when a timer runs without the gateway's environment."""
    here = written(tmp_path / "here")
    await lived_in(here, sealed=True)
    place_of(here).key.unlink()
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar", "--with-key") == 3
    assert VARIABLE in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 0


async def test_what_no_key_opens_can_be_let_go(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, sealed=True)
    made(place_of(here), tmp_path / "b.tar")
    assert await recado("restore", tmp_path / "b.tar", "--config", there, "--forget-sealed") == 0
    with closing(sqlite3.connect(place_of(there).database)) as db:
        assert db.execute("SELECT COUNT(*) FROM sealed").fetchone() == (0,)


async def test_a_key_that_cannot_be_read_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, sealed=True)
    made(place_of(here), tmp_path / "b.tar")
    place_of(there).key.write_bytes(b"\xff no key")
    assert await recado("restore", tmp_path / "b.tar", "--config", there) == 3
    assert str(place_of(there).key.name) in capsys.readouterr().err
    with pytest.raises(VaultError):
        open_vault(place_of(there).database, {})


# -- what is not whole -------------------------------------------------------------------------------

Change = Callable[[Path], None]


def flipped(name: str) -> Change:
    """A bit of the last member of such a name, somewhere in its middle."""

    def change(path: Path) -> None:
        with tarfile.open(path) as tar:
            member = [one for one in tar if one.name.startswith(name)][-1]
            at = member.offset_data + member.size // 2
        with open(path, "r+b") as file:
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 1]))

    return change


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def without_manifest(path: Path) -> None:
    with tarfile.open(path) as tar:
        os.truncate(path, tar.getmember(MANIFEST).offset)


def compressed(path: Path) -> None:
    import gzip

    path.write_bytes(gzip.compress(path.read_bytes()))


def with_member(member: tarfile.TarInfo, data: bytes = b"") -> Change:
    def change(path: Path) -> None:
        with tarfile.open(path, "a") as tar:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

    return change


def link(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


def with_manifest(**changes: object) -> Change:
    """As somebody writes it who makes a tar by hand."""

    def change(path: Path) -> None:
        with tarfile.open(path) as tar:
            files = [(one, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]
        with tarfile.open(path, "w") as tar:
            for member, data in files:
                if member.name == MANIFEST:
                    data = orjson.dumps({**orjson.loads(data), **changes})
                    member.size = len(data)
                tar.addfile(member, io.BytesIO(data))

    return change


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        pytest.param(flipped("recado.db"), 1, "recado.db", id="database"),
        pytest.param(flipped("media/"), 1, "media/", id="medium"),
        pytest.param(cut, 1, "whole", id="cut off"),
        pytest.param(without_manifest, 1, "cut off", id="no manifest"),
        pytest.param(compressed, 1, "whole", id="compressed"),
        pytest.param(with_member(tarfile.TarInfo("../evil"), b"x"), 1, "evil", id="a way out"),
        pytest.param(with_member(tarfile.TarInfo("media/aa/../../evil"), b"x"), 1, "evil", id="another way out"),
        pytest.param(with_member(tarfile.TarInfo("/tmp/evil"), b"x"), 1, "evil", id="an absolute way out"),
        pytest.param(with_member(link("vault.key")), 1, "vault.key", id="a link"),
        pytest.param(with_member(tarfile.TarInfo("recado.db"), b"x"), 1, "recado.db", id="twice"),
        pytest.param(with_member(tarfile.TarInfo("vault.key"), b"x"), 1, "manifest", id="not in the manifest"),
        pytest.param(with_manifest(schema=999), 3, "newer recado", id="newer schema"),
        pytest.param(with_manifest(format=2), 3, "newer recado", id="newer format"),
        pytest.param(with_manifest(schema=1), 1, "manifest", id="another schema"),
        pytest.param(with_manifest(files={}), 1, "manifest", id="no files"),
        pytest.param(with_manifest(files=[1]), 1, "manifest", id="odd files"),
        pytest.param(with_manifest(damaged=5), 1, "manifest", id="odd damage"),
    ],
)
async def test_what_is_not_whole_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, code: int, why: str
) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, "new")
    await lived_in(here, "newer")
    await lived_in(there, "old")
    made(place_of(here), tmp_path / "b.tar")
    change(tmp_path / "b.tar")
    before = every_file(tmp_path)
    assert await recado("restore", tmp_path / "b.tar", "--config", there, "--replace") == code
    assert why in capsys.readouterr().err
    assert every_file(tmp_path) == before


def every_file(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_damaged_database_is_not_passed_off_as_a_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    database = place_of(here).database
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 12288) + whole[-4096:])
    assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") == 1
    assert "recado doctor" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


async def test_somebody_else_s_database_is_no_installation(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    with closing(sqlite3.connect(place_of(here).database)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    with pytest.raises(NotDone, match="another program"):
        made(place_of(here), tmp_path / "b.tar")


async def test_a_damaged_database_goes_aside_with_its_log(tmp_path: Path) -> None:
    """What is in the log may be all that can still be saved."""
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, "new")
    made(place_of(here), tmp_path / "b.tar")
    place_of(there).database.write_bytes(b"no database any more" * 1000)
    place_of(there).log.write_bytes(b"the last that was said")
    assert await recado("restore", tmp_path / "b.tar", "--config", there, "--replace") == 0
    assert said(place_of(there).database) == ["new"]
    (aside,) = there.parent.glob("recado.db.before-*-wal")
    assert aside.read_bytes() == b"the last that was said"
    assert (there.parent / aside.name.removesuffix("-wal")).read_bytes().startswith(b"no database")


# -- under load, and killed --------------------------------------------------------------------------


@contextmanager
def victim(database: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[str], Callable[[int], None]]]:
    """A small gateway at work; what it said, and a wait until it acknowledged so many more."""
    command = [sys.executable, "-m", "tests.storage.victim", str(database), "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    lines: list[str] = []
    heard = threading.Condition()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with heard:
                lines.append(line.decode().strip())
                heard.notify_all()

    def wait(more: int) -> None:
        with heard:
            upto = len(acked(lines)) + more
            assert heard.wait_for(lambda: len(acked(lines)) >= upto or process.poll() is not None, timeout=60)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield process, lines, wait
    finally:
        process.kill()
        listener.join()
        process.communicate()


async def code_of(command: list[str]) -> int:
    return (await asyncio.to_thread(subprocess.run, command, cwd=ROOT, timeout=120, check=False)).returncode


async def test_a_backup_is_one_moment_however_much_is_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    database = place_of(here).database
    monkeypatch.setattr(backup, "PAGES", 1)
    steps: list[int] = []

    def busy(what: str, done: int, of: int) -> None:
        steps.append(done)
        if what == "database" and len(steps) < 500:
            with closing(sqlite3.connect(database, isolation_level=None)) as db:
                db.execute("INSERT INTO fact VALUES ('c', ?, 0)", (f"{len(steps)}{'x' * 3000}",))

    with closing(sqlite3.connect(database, isolation_level=None)) as open_too:  # as a gateway keeps it
        open_too.execute("PRAGMA journal_mode=WAL")
        kept = back_up(place_of(here), tmp_path / "b.tar", with_key=False, environ={}, now=NOW, tell=busy)
        assert open_too.execute("SELECT COUNT(*) FROM fact").fetchone()[0] == len(steps) - kept.media
    assert kept.tables["fact"] == 0
    assert steps[: len(steps) - 1] == sorted(steps[: len(steps) - 1]), "it never began anew"


def acked(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines if line.startswith("acked")]


@pytest.mark.kill
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_was_acknowledged_before_a_backup_is_there_after_its_restore(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    place = place_of(here)
    with victim(place.database) as (process, lines, wait):
        wait(100)
        promised = acked(list(lines))
        assert place.is_running()
        kept = made(place, tmp_path / "b.tar")
        wait(50)  # and it is not disturbed
        assert process.poll() is None
    assert kept.tables["entry"] >= len(promised)
    command = [sys.executable, "-m", "tests.backup_main", "restore", str(tmp_path / "b.tar"), "--config", str(there)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    database = place_of(there).database
    assert set(promised) <= set(said(database))
    drain = [sys.executable, "-m", "tests.storage.victim", str(database), "1", "drain"]
    assert subprocess.run(drain, cwd=ROOT, capture_output=True, timeout=120).stdout.endswith(b"drained\n")
    with closing(sqlite3.connect(database)) as db:
        answers = " ".join(body for (body,) in db.execute("SELECT body FROM entry WHERE kind = 1")).split()
    assert sorted(answers) == sorted(said(database))
    assert len(set(answers)) == len(answers)


@pytest.mark.kill
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_was_only_in_the_log_of_a_killed_gateway_goes_aside_too(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    with victim(place_of(here).database) as (_, lines, wait):
        wait(30)
    promised = acked(lines)
    made(place_of(here), tmp_path / "b.tar")  # with nobody there, what stands in the log counts
    with victim(place_of(there).database) as (_, others, wait):
        wait(30)
    assert place_of(there).log.stat().st_size > 0
    command = [sys.executable, "-m", "tests.backup_main", "restore", str(tmp_path / "b.tar")]
    subprocess.run([*command, "--config", str(there), "--replace"], cwd=ROOT, check=True, timeout=120)
    (aside,) = there.parent.glob("recado.db.before-*")
    assert set(promised) <= set(said(place_of(there).database))
    assert set(acked(others)) <= set(said(aside))


@pytest.mark.kill
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("at", ["database", "media"])
async def test_a_backup_that_is_killed_leaves_no_half_file(tmp_path: Path, at: str) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    kept = tmp_path / "kept"
    kept.mkdir()
    dying = [sys.executable, "-m", "tests.backup_main", "--die-at", at, "backup", "--config", str(here)]
    assert await code_of([*dying, "--to", str(kept / "b.tar")]) == -signal.SIGKILL
    assert not (kept / "b.tar").exists()
    assert list(kept.iterdir()) != [], "it was killed in the middle"
    made(place_of(here), kept / "c.tar")
    assert [path.name for path in kept.iterdir()] == ["c.tar"], "and what it left is swept"


@pytest.mark.kill
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_a_restore_that_is_killed_leaves_the_former_installation(tmp_path: Path) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, "new")
    await lived_in(there, "old")
    made(place_of(here), tmp_path / "b.tar")
    words = ["restore", str(tmp_path / "b.tar"), "--config", str(there), "--replace"]
    dying = [sys.executable, "-m", "tests.backup_main", "--die-at", "media", *words]
    assert await code_of(dying) == -signal.SIGKILL
    assert said(place_of(there).database) == ["old"]
    assert await recado(*words) == 0
    assert said(place_of(there).database) == ["new"]


# -- a full disk -------------------------------------------------------------------------------------


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Files may not grow beyond so many bytes: what the kernel says then is what a full disk says."""
    import resource  # there is none on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
async def test_a_full_disk_leaves_no_half_backup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = written(tmp_path / "here")
    await lived_in(here)
    for size in (8192, place_of(here).database.stat().st_size + 8192):
        with full_disk(size):
            assert await recado("backup", "--config", here, "--to", tmp_path / "b.tar") in (1, 3)
        assert "no backup" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
async def test_a_full_disk_leaves_the_former_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = written(tmp_path / "here"), written(tmp_path / "there")
    await lived_in(here, "new" * 200)
    await lived_in(there, "old")
    made(place_of(here), tmp_path / "b.tar")
    before = every_file(tmp_path)
    for size in (8192, place_of(here).database.stat().st_size + 8192):
        with full_disk(size):
            assert await recado("restore", tmp_path / "b.tar", "--config", there, "--replace") == 3
        assert every_file(tmp_path) == before
    assert "nothing was restored" in capsys.readouterr().err
