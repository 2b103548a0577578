"""A gateway whose media are in a bucket: what is spoken on one machine plays on another."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import Gateway
from gateway.checking import check
from gateway.config import parse
from storage.media import MediaRefused
from tests.fakes.openai import FakeOpenAI
from tests.fakes.s3 import BUCKET, KEY, REGION, SECRET, FakeS3, answer
from tests.story.running import ADMIN, running, toml

AWAY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    async with FakeS3() as server:
        yield server


def in_a_bucket(openai: FakeOpenAI, endpoint: str, bucket: str = BUCKET, key: str = KEY) -> str:
    section = {
        "media_dir": f"s3://{bucket}/loja",
        "s3_endpoint": endpoint,
        "s3_region": REGION,
        "s3_key_id": key,
        "s3_secret": SECRET,
    }
    lines = "".join(f'{name} = "{value}"\n' for name, value in section.items())
    return toml(openai.base_url, openai_key=openai.key, format="voice") + "\n[storage]\n" + lines


def note(reply: dict[str, Any]) -> str:
    """The media id of its voice note."""
    (voice,) = [part for part in reply["parts"] if part["kind"] == "voice"]
    return str(voice["media"]["id"])


async def play(gateway: Gateway, id: str, *, query: str = "", **headers: str) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {ADMIN}", **headers}
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/v1/media/{id}{query}", headers=headers) as got:
        return got.status, await got.read()


async def test_a_note_is_kept_in_the_bucket_and_played_from_there(s3: FakeS3, tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        async with running(in_a_bucket(openai, s3.url), tmp_path) as (gateway, contact):
            id = note(await contact.ask("Vocês abrem hoje?"))
            blob = s3.objects[f"loja/{id[:2]}/{id}"]
        shutil.rmtree(tmp_path / "cache" / "media")
        async with running(in_a_bucket(openai, s3.url), tmp_path) as (gateway, _):
            before = len(s3.gets())
            assert await play(gateway, id) == (200, blob)
            assert await play(gateway, id, Range="bytes=0-3") == (206, b"OggS")
            assert len(s3.gets()) == before + 1
            status, mp3 = await play(gateway, id, query="?as=mp3")
            assert status == 200
            assert s3.objects[f"loja/{id[:2]}/{id}.mp3"] == mp3
        assert not (tmp_path / "media").exists()


async def test_what_the_bucket_lost_or_does_not_give_is_said(s3: FakeS3, tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(in_a_bucket(openai, s3.url), tmp_path) as (gateway, contact):
        id = note(await contact.ask("Vocês abrem hoje?"))
        for copy in (tmp_path / "cache" / "media").rglob(id):
            copy.unlink()
        s3.broken = answer(503, "SlowDown")
        status, told = await play(gateway, id)
        assert (status, b"ask again" in told) == (503, True)
        s3.broken = None
        del s3.objects[f"loja/{id[:2]}/{id}"]
        assert (await play(gateway, id))[0] == 404


async def test_a_bucket_that_is_away_makes_answers_texts(s3: FakeS3, tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, running(in_a_bucket(openai, AWAY), tmp_path) as (gateway, contact):
        assert gateway.notices == [f"storage.s3_endpoint: the bucket {BUCKET} at {AWAY}: it does not answer"]
        reply = await contact.ask("Vocês abrem hoje?")
        assert [part["kind"] for part in reply["parts"]] == ["text"]


async def test_a_bucket_that_is_not_there_starts_nothing(s3: FakeS3, tmp_path: Path) -> None:
    async with FakeOpenAI() as openai:
        with pytest.raises(MediaRefused, match=r"^storage\.media_dir: .*create it, or correct its name"):
            async with running(in_a_bucket(openai, s3.url, bucket="vazio"), tmp_path):
                pass


@pytest.mark.parametrize(
    ("changes", "level", "key", "says"),
    [
        ({}, "ok", "storage.media_dir", f"s3://{BUCKET}/loja: written and read"),
        ({"bucket": "vazio"}, "error", "storage.media_dir", "create it"),
        ({"key": "AKIDOTHER"}, "error", "storage.s3_key_id", "the key is not accepted"),
        ({"endpoint": AWAY}, "warning", "storage.s3_endpoint", "it does not answer"),
    ],
)
async def test_check_asks_the_bucket(
    s3: FakeS3, tmp_path: Path, changes: dict[str, str], level: str, key: str, says: str
) -> None:
    async with FakeOpenAI() as openai:
        findings = await check(parse(in_a_bucket(openai, **{"endpoint": s3.url, **changes}), root=tmp_path))
    (found,) = [one for one in findings if one.key.startswith("storage.") and one.key != "storage.url"]
    assert (found.level, found.key) == (level, key)
    assert says in found.message
    assert SECRET not in str(findings)
