"""Media in a bucket: the promises, against our reading of Amazon's pages and, where RECADO_TEST_S3 names one, against a
server that others wrote (an address with key and bucket: http://KEY:SECRET@127.0.0.1:9000/bucket?region=us-east-1).
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from storage.media import MediaAway, MediaRefused, MediaStore, named
from storage.model import MediaId
from storage.s3 import PROBE, Bucket, S3Media
from storage.store import Unavailable
from tests.fakes.s3 import BUCKET, CUT, HANG, KEY, REGION, SECRET, FakeS3, answer
from tests.storage.media_suite import NOWHERE, MediaPromises

AWAY = "http://127.0.0.1:9"
"""Where nobody listens."""


@pytest.fixture(autouse=True)
def no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    async with FakeS3() as server:
        yield server


@pytest.fixture
def bucket(s3: FakeS3) -> Bucket:
    return Bucket.at(f"s3://{BUCKET}/loja/media", endpoint=s3.url, region=REGION, key_id=KEY, secret=SECRET)


@pytest.fixture
async def media(bucket: Bucket, tmp_path: Path) -> AsyncIterator[S3Media]:
    media = S3Media(bucket, tmp_path / "cache")
    await media.open()
    yield media
    await media.close()


class Forgetful(S3Media):
    """Keeps no copy of what it put: every read is the bucket's."""

    async def put_variant(self, id: MediaId, suffix: str, blob: bytes) -> None:
        await super().put_variant(id, suffix, blob)
        self._copies._folder.path(id, suffix).unlink(missing_ok=True)


class TestS3(MediaPromises):
    """The fixtures above."""


class TestS3WithoutCopies(MediaPromises):
    @pytest.fixture
    async def media(self, bucket: Bucket, tmp_path: Path) -> AsyncIterator[MediaStore]:
        media = Forgetful(bucket, tmp_path / "cache")
        await media.open()
        yield media
        await media.close()


def others() -> str:
    return os.environ.get("RECADO_TEST_S3", "")


@pytest.mark.skipif(not others(), reason="RECADO_TEST_S3 names no server")
class TestAServerOfOthers(MediaPromises):
    @pytest.fixture
    async def media(self, tmp_path: Path) -> AsyncIterator[MediaStore]:
        address = urlsplit(others())
        where = Bucket.at(
            f"s3:/{address.path}/{secrets.token_hex(4)}",
            endpoint=f"{address.scheme}://{address.hostname}:{address.port}",
            region=parse_qs(address.query).get("region", ["us-east-1"])[0],
            key_id=address.username or "",
            secret=address.password or "",
        )
        media = Forgetful(where, tmp_path / "cache")
        await media.open()
        yield media
        await media.close()


async def elsewhere(bucket: Bucket, tmp_path: Path, **more: int) -> S3Media:
    """Another machine of the fleet: the same bucket, no copies yet."""
    media = S3Media(bucket, tmp_path / "elsewhere", **more)
    await media.open()
    return media


def held(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


# -- a fleet -----------------------------------------------------------------------------------------


async def test_what_one_machine_kept_another_reads(media: S3Media, s3: FakeS3, bucket: Bucket, tmp_path: Path) -> None:
    id = await media.put(b"spoken here")
    assert s3.objects[f"loja/media/{id[:2]}/{id}"] == b"spoken here"
    assert await (await elsewhere(bucket, tmp_path)).read(id) == b"spoken here"


async def test_a_note_that_is_played_twice_is_asked_for_once(
    media: S3Media, s3: FakeS3, bucket: Bucket, tmp_path: Path
) -> None:
    id = await media.put(b"spoken here")
    other = await elsewhere(bucket, tmp_path)
    before = len(s3.gets())
    assert set(await asyncio.gather(*(other.read(id) for _ in range(8)))) == {b"spoken here"}
    assert (await other.file(id)).read_bytes() == b"spoken here"
    assert len(s3.gets()) == before + 1
    again = await elsewhere(bucket, tmp_path)
    before = len(s3.gets())
    assert await again.read(id) == b"spoken here"
    assert len(s3.gets()) == before, "and a restart forgets nothing"


async def test_who_stops_waiting_takes_nothing_from_the_others(media: S3Media, bucket: Bucket, tmp_path: Path) -> None:
    id = await media.put(b"spoken here")
    other = await elsewhere(bucket, tmp_path)
    hasty, patient = (asyncio.create_task(other.read(id)) for _ in range(2))
    while not other._coming:
        await asyncio.sleep(0)
    hasty.cancel()
    assert await patient == b"spoken here"


async def test_what_was_kept_here_is_not_asked_for(media: S3Media, s3: FakeS3) -> None:
    id = await media.put(b"x")
    before = len(s3.gets())
    assert await media.read(id) == b"x"
    assert len(s3.gets()) == before


async def test_copies_that_somebody_removed_are_fetched_again(media: S3Media, tmp_path: Path) -> None:
    id = await media.put(b"spoken here")
    for file in (tmp_path / "cache").rglob(id):
        file.unlink()
    assert await media.read(id) == b"spoken here"
    assert (await media.file(id)).read_bytes() == b"spoken here"


async def test_copies_are_bounded_and_the_last_used_stay(bucket: Bucket, s3: FakeS3, tmp_path: Path) -> None:
    media = await elsewhere(bucket, tmp_path, cache_bytes=3000)
    first = await media.put(b"0" * 1000)
    for n in range(1, 6):
        await media.put(str(n).encode() * 1000)
        await media.read(first)
    assert held(tmp_path / "elsewhere") == 3000
    before = len(s3.gets())
    assert await media.read(first) == b"0" * 1000
    assert len(s3.gets()) == before, "it was used all the time"
    await media.read(named(b"1" * 1000))
    assert len(s3.gets()) == before + 1
    assert held(tmp_path / "elsewhere") == 3000


async def test_a_smaller_cache_is_trimmed_when_it_is_opened(bucket: Bucket, tmp_path: Path) -> None:
    large = await elsewhere(bucket, tmp_path, cache_bytes=9000)
    ids = [await large.put(str(n).encode() * 1000) for n in range(6)]
    for age, id in enumerate(ids, start=1):
        copy = await large.file(id)
        os.utime(copy, (age, age))
    await large.read(ids[0])
    await elsewhere(bucket, tmp_path, cache_bytes=2000)
    left = {file.name for file in (tmp_path / "elsewhere").rglob("*") if file.is_file()}
    assert left == {ids[0], ids[5]}, "the last used, also before the start"


async def test_one_blob_is_had_though_it_is_larger_than_the_cache(bucket: Bucket, tmp_path: Path) -> None:
    media = await elsewhere(bucket, tmp_path, cache_bytes=10)
    assert (await media.file(await media.put(b"x" * 1000))).read_bytes() == b"x" * 1000


async def test_a_full_disk_costs_copies_and_nothing_else(
    media: S3Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    id = await media.put(b"x")
    assert await media.read(id) == b"x"
    with pytest.raises(MediaAway, match=r"storage\.cache_dir"):
        await media.file(id)


# -- what goes wrong ---------------------------------------------------------------------------------


async def troubled(asked: Awaitable[object]) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await asked
    assert isinstance(caught.value, OSError), "whoever can do without reads on"
    assert caught.value.retry_after > 0
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None, "what the client said of it holds whole answers"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


async def test_one_bad_answer_is_not_noticed(media: S3Media, s3: FakeS3) -> None:
    s3.next(answer(500, "InternalError"))
    id = await media.put(b"x")
    assert s3.objects[f"loja/media/{id[:2]}/{id}"] == b"x"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (500, "InternalError", "it does not work now (500 InternalError)"),
        (503, "SlowDown", "it does not work now (503 SlowDown)"),
        (403, "AccessDenied", "allow s3:PutObject and s3:GetObject"),
        (403, "SignatureDoesNotMatch", "correct storage.s3_key_id and storage.s3_secret"),
        (404, "NoSuchBucket", "create it, or correct its name"),
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region"),
        (400, "Whatever", "it does not work now (400 Whatever)"),
    ],
)
async def test_trouble_is_told_with_its_cure(media: S3Media, s3: FakeS3, status: int, code: str, says: str) -> None:
    s3.broken = answer(status, code)
    for asked in (media.put(b"x"), media.read(NOWHERE), media.file(NOWHERE)):
        error = await troubled(asked)
        assert says in str(error)
        assert s3.url in str(error)
    s3.broken = None
    assert await media.read(await media.put(b"x")) == b"x", "and it is over when it is over"


async def test_a_bucket_that_hangs_is_given_up(bucket: Bucket, s3: FakeS3, tmp_path: Path) -> None:
    media = S3Media(bucket, tmp_path / "cache", patience=0.2)
    await media.open()
    s3.broken = HANG
    assert "it does not answer" in str(await troubled(media.put(b"x")))
    assert "it does not answer" in str(await troubled(media.read(NOWHERE)))
    await media.close()


async def test_closing_does_not_wait_for_what_hangs(media: S3Media, s3: FakeS3) -> None:
    s3.broken = HANG
    reader = asyncio.create_task(media.read(NOWHERE))
    while not media._coming:
        await asyncio.sleep(0)
    await media.close()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_half_a_body_is_never_handed_on(media: S3Media, s3: FakeS3, bucket: Bucket, tmp_path: Path) -> None:
    id = await media.put(b"0123456789" * 1000)
    other = await elsewhere(bucket, tmp_path)
    s3.broken = CUT
    await troubled(other.read(id))
    s3.broken = None
    assert await other.read(id) == b"0123456789" * 1000


async def test_other_bytes_under_a_name_are_never_handed_on(media: S3Media, s3: FakeS3) -> None:
    s3.objects[f"loja/media/{NOWHERE[:2]}/{NOWHERE}"] = b"somebody changed it"
    assert "other bytes" in str(await troubled(media.read(NOWHERE)))


async def test_what_is_too_large_is_not_taken(bucket: Bucket, s3: FakeS3, tmp_path: Path) -> None:
    media = await elsewhere(bucket, tmp_path, most=100)
    with pytest.raises(ValueError, match="more than 100"):
        await media.put(b"x" * 101)
    id = MediaId("ab" * 32)
    s3.objects[f"loja/media/ab/{id}"] = b"x" * 101
    assert "more than 100" in str(await troubled(media.read(id)))


# -- beginning ---------------------------------------------------------------------------------------


async def refusal(bucket: Bucket, tmp_path: Path) -> str:
    with pytest.raises(MediaRefused) as caught:
        await S3Media(bucket, tmp_path / "cache").open()
    assert SECRET not in str(caught.value)
    return str(caught.value)


async def test_a_bucket_that_is_not_there(bucket: Bucket, tmp_path: Path) -> None:
    said = await refusal(replace(bucket, name="vazio"), tmp_path)
    assert said.startswith("storage.media_dir: the bucket vazio at http://127.0.0.1:")
    assert "create it, or correct its name (404 NoSuchBucket)" in said


@pytest.mark.parametrize("wrong", [{"key_id": "AKIDOTHER"}, {"secret": "another"}])
async def test_a_key_that_is_not_accepted(bucket: Bucket, tmp_path: Path, wrong: dict[str, str]) -> None:
    said = await refusal(replace(bucket, **wrong), tmp_path)
    assert said.startswith("storage.s3_key_id: ")
    assert "the key is not accepted" in said


async def test_a_wrong_region(bucket: Bucket, tmp_path: Path) -> None:
    assert (await refusal(replace(bucket, region="eu-west-1"), tmp_path)).startswith("storage.s3_")


async def test_a_key_that_may_write_and_not_look(bucket: Bucket, s3: FakeS3, tmp_path: Path) -> None:
    """Without the right to list, S3 says 403 for what is not there: a form that is missing would look like trouble."""

    async def nothing_to_see(server: FakeS3, request: object) -> object:
        return await answer(403, "AccessDenied")(server, request)  # type: ignore[arg-type]

    async def written(server: FakeS3, request: object) -> object:
        server.broken = nothing_to_see  # type: ignore[assignment]
        return server._object(request, b"")  # type: ignore[arg-type]

    s3.broken = written  # type: ignore[assignment]
    assert "s3:ListBucket" in await refusal(bucket, tmp_path)
    assert list(s3.objects) == [f"loja/media/{PROBE}"]


async def test_a_bucket_that_is_away_may_come_back(bucket: Bucket, tmp_path: Path) -> None:
    media = S3Media(replace(bucket, endpoint=AWAY), tmp_path / "cache")
    assert str(await troubled(media.open())) == (
        f"storage.s3_endpoint: the bucket {BUCKET} at {AWAY}: it does not answer"
    )


async def test_a_cache_that_cannot_be_written(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should")
    assert (await refusal(bucket, tmp_path)).startswith("storage.cache_dir: ")


@pytest.mark.parametrize("endpoint", ["nowhere", "http://", "http://[::", "http://a b"])
async def test_an_address_that_is_none(bucket: Bucket, tmp_path: Path, endpoint: str) -> None:
    media = S3Media(replace(bucket, endpoint=endpoint), tmp_path / "cache")
    with pytest.raises((MediaRefused, MediaAway), match=r"storage\."):
        await media.open()


async def test_the_key_of_the_environment_is_used(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", REGION)
    media = S3Media(replace(bucket, key_id="", secret="", region=""), tmp_path / "cache")
    await media.open()
    assert await media.read(await media.put(b"x")) == b"x"


async def test_no_key_is_written_anywhere(
    bucket: Bucket, s3: FakeS3, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    media = S3Media(bucket, tmp_path / "cache")
    await media.open()
    s3.broken = answer(403, "SignatureDoesNotMatch")
    error = await troubled(media.put(b"x"))
    assert SECRET not in f"{bucket!r} {media!r} {error!r} {caplog.text}"
    assert KEY not in f"{bucket!r} {media!r} {error!r} {caplog.text}"


async def test_a_key_that_may_not_delete_is_told(bucket: Bucket, tmp_path: Path, s3: FakeS3) -> None:
    """S3 answers with 200, and says in it what was refused."""
    media = await elsewhere(bucket, tmp_path)
    id = await media.put(b"note")
    kept = await elsewhere(bucket, tmp_path / "more")

    async def refused(server: FakeS3, request: web.Request) -> web.StreamResponse:
        key = next(key for key in server.objects if key.endswith(id))
        told = f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        return web.Response(text=f"<DeleteResult>{told}</DeleteResult>", content_type="application/xml")

    s3.next(answer(404, "NoSuchKey"), refused)  # of the HEAD, and of DeleteObjects
    with pytest.raises(MediaAway, match="the bucket"):
        await kept.remove(id, -86_400.0)
    assert await kept.read(id) == b"note"
    await media.close()
    await kept.close()
