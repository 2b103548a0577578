"""What every MediaStore promises. A class that begins with `Test` and has a fixture `media` proves it for one."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from storage.media import MediaStore
from storage.model import MediaId

DAY = 86_400.0
NOWHERE = MediaId("a" * 64)
NO_IDS = ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 65, "a" * 64 + "\n", "/" + "a" * 63, "é" * 64]


class MediaPromises:
    async def test_the_same_bytes_have_the_same_name(self, media: MediaStore) -> None:
        ids = await asyncio.gather(*(media.put(b"a voice note") for _ in range(8)), media.put(b""))
        assert set(ids[:8]) == {hashlib.sha256(b"a voice note").hexdigest()}
        assert await media.read(ids[0]) == b"a voice note"
        assert await media.read(ids[8]) == b""

    async def test_what_was_put_is_read_byte_for_byte(self, media: MediaStore) -> None:
        note = bytes(range(256)) * 4096
        assert await media.read(await media.put(note)) == note

    async def test_another_form_stands_beside_it(self, media: MediaStore) -> None:
        id = await media.put(b"ogg")
        with pytest.raises(FileNotFoundError):
            await media.read(id, ".mp3")
        await media.put_variant(id, ".mp3", b"mp3")
        assert (await media.read(id), await media.read(id, ".mp3")) == (b"ogg", b"mp3")

    async def test_a_file_of_this_machine_holds_the_same(self, media: MediaStore) -> None:
        id = await media.put(b"ogg")
        await media.put_variant(id, ".mp3", b"mp3")
        assert (await media.file(id)).read_bytes() == b"ogg"
        assert (await media.file(id, ".mp3")).read_bytes() == b"mp3"

    async def test_what_is_not_there_is_not_found(self, media: MediaStore) -> None:
        with pytest.raises(FileNotFoundError):
            await media.read(NOWHERE)
        with pytest.raises(FileNotFoundError):
            await media.file(NOWHERE)

    @pytest.mark.parametrize("id", NO_IDS)
    async def test_no_id_leads_elsewhere(self, media: MediaStore, id: str) -> None:
        for asked in (media.read(MediaId(id)), media.file(MediaId(id)), media.put_variant(MediaId(id), ".mp3", b"x")):
            with pytest.raises(ValueError, match="not a media id"):
                await asked

    async def test_it_can_be_opened_again_while_it_is_used(self, media: MediaStore) -> None:
        id = await media.put(b"before")
        await media.open()
        assert await media.read(id) == b"before"

    async def test_what_is_removed_is_gone_in_every_form(self, media: MediaStore) -> None:
        id, other = await media.put(b"ogg"), await media.put(b"stays")
        await media.put_variant(id, ".mp3", b"mp3")
        assert await media.remove(id, -DAY, (".mp3", ".phone"))
        for suffix in ("", ".mp3"):
            with pytest.raises(FileNotFoundError):
                await media.read(id, suffix)
        assert await media.read(other) == b"stays"
        assert await media.remove(id, -DAY, (".mp3",)), "it is not there"
        assert await media.read(await media.put(b"ogg")) == b"ogg"

    async def test_what_was_put_just_now_is_not_removed(self, media: MediaStore) -> None:
        id = await media.put(b"ogg")
        await media.put_variant(id, ".mp3", b"mp3")
        assert not await media.remove(id, DAY, (".mp3",))
        assert (await media.read(id), await media.read(id, ".mp3")) == (b"ogg", b"mp3")

    async def test_no_id_leads_a_removal_elsewhere(self, media: MediaStore) -> None:
        with pytest.raises(ValueError, match="not a media id"):
            await media.remove(MediaId("../../etc/passwd"), 0.0)
