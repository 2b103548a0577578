"""What is old goes, and nothing that is still needed: on both stores, with media in a folder."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import orjson
import pytest

from storage import inspection, retention
from storage.ledger import Ledger
from storage.media import MediaFolder
from storage.model import (
    Conversation,
    DeadLetter,
    Fetched,
    Hold,
    Kind,
    Media,
    MediaId,
    Outcome,
    Passing,
    Post,
    Receipt,
    Settlement,
    Turn,
    TurnId,
    Verdict,
    conversation_id,
)
from storage.postgres import PostgresStore
from storage.procedures import Procedure
from storage.retention import AT_ONCE, DAY, KEPT, NOTES_AT_ONCE, Retention
from storage.store import Unavailable
from tests.contracts.store_suite import Lab
from tests.contracts.test_stores import PostgresLab, SqliteLab, template  # noqa: F401 - a fixture

KEEP = 30 * DAY
INSPECTED = {"now": 0, "longest": 10**15, "many": 10}


@pytest.fixture(params=["sqlite", "postgres"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    if request.param == "sqlite":
        lab: SqliteLab | PostgresLab = SqliteLab(tmp_path / "recado.db")
        await lab.store.open()
        yield lab
        await lab.store.close()
        return
    server, aside = request.getfixturevalue("postgres"), request.getfixturevalue("aside")
    name = server.database(request.getfixturevalue("template"))
    lab = PostgresLab(server.url(name), aside)
    await lab.store.open()
    yield lab
    await lab.store.close()
    aside.forget(server.url(name))
    server.drop(name)


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path / "media")


def store_of(lab: Lab) -> Ledger:
    assert isinstance(lab.store, Ledger)
    return lab.store


def who(name: str = "ana") -> Conversation:
    return Conversation(conversation_id("site", name), "site", name, name.title(), "loja")


async def wrote(store: Ledger, name: str, dedup: str, *media: MediaId) -> Verdict:
    body = orjson.dumps({"text": dedup, "media": list(media)}).decode()
    return (await store.accept(who(name), Post(who(name).id, dedup, body, digest=dedup, once=True), media)).verdict


async def answered(store: Ledger, *media: MediaId) -> None:
    """Whatever is due gets a turn with one reply, which is sent."""
    for claim in await store.claim(Kind.IN, 1000, 1000, "me"):
        id = TurnId(f"{claim.key}.{claim.epoch}")
        turn = Turn(id, claim.key, claim.epoch, claim.head, claim.tail, 1, 2, Outcome.ANSWERED, "why")
        body = orjson.dumps({"reply": list(media)}).decode()
        await store.settle(claim, Settlement(claim.tail, [Post(claim.key, f"{id}:1", body)], turn, media=media))
    for claim in await store.claim(Kind.OUT, 1000, 1000, "me"):
        receipts = [
            Receipt(claim.key, entry.dedup, "sent", entry.at, f"w-{entry.dedup}", "")
            for entry in (await store.load(claim)).entries
        ]
        await store.settle(claim, Settlement(claim.tail, receipts=receipts))


async def swept(lab: Lab, folder: MediaFolder, keep: int = KEEP) -> dict[str, int]:
    """What a walk took away; after each of its steps every promise holds."""
    gone: dict[str, int] = {}

    def count(what: str, many: int) -> None:
        gone[what] = gone.get(what, 0) + many

    store = store_of(lab)
    async for _ in Retention(store, folder, keep, (".mp3",), count).walk():
        await holds(store)
    await holds(store)
    return gone


async def holds(store: Ledger) -> None:
    for one in inspection.INVARIANTS:
        asked = {name: value for name, value in INSPECTED.items() if f":{name}" in one.broken}
        found = [tuple(row) for row in await store.inspect(one.broken, {**asked, "now": await store.now()})]
        assert found == [], one.name


async def rows(store: Ledger, table: str) -> int:
    ((count,),) = await store.inspect(f"SELECT COUNT(*) FROM {table}", {})  # noqa: S608 - names of this file
    return int(count)


async def counts(store: Ledger, *tables: str) -> list[int]:
    return [await rows(store, table) for table in tables]


SAID = ("entry", "turn", "receipt", "provider_id")


async def test_what_was_said_long_ago_is_gone_and_what_was_said_since_is_there(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await wrote(store, "ana", "old-1")
    await wrote(store, "ana", "old-2")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    await wrote(store, "ana", "new")
    await answered(store)
    assert await counts(store, *SAID) == [5, 2, 2, 5]
    assert await swept(lab, folder) == {"id": 3, "message": 3}
    assert await counts(store, *SAID) == [2, 1, 1, 2]
    assert [entry.dedup for entry in await store.latest(who().id, Kind.IN, 10)] == ["new"]
    assert await swept(lab, folder) == {}
    assert await wrote(store, "ana", "new") is Verdict.DUPLICATE
    assert await wrote(store, "ana", "next") is Verdict.NEW
    assert (await store.latest(who().id, Kind.IN, 1))[0].seq == 4, "numbers go on where they were"


async def test_a_whole_conversation_may_go_and_its_contact_stays_known(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await wrote(store, "ana", "old")
    await answered(store)
    await store.known_as("site", ["ana", "ana-phone"], lasting="ana-phone")
    await store.set_fact(who().id, "opted_out", True)
    lab.pass_time(KEEP + 1)
    await swept(lab, folder)
    assert await counts(store, *SAID) == [0, 0, 0, 0]
    assert await counts(store, "conversation", "lane", "alias", "fact") == [1, 2, 2, 1]
    assert await store.recent(who().id, 10) == []
    assert await wrote(store, "ana", "back") is Verdict.NEW
    await answered(store)
    await holds(store)


async def test_what_waits_stays_however_old(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await wrote(store, "ana", "answered")
    await answered(store)
    await store.pause(Kind.IN, who().id, "why")
    await wrote(store, "ana", "waits")
    lab.pass_time(KEEP + DAY)
    await swept(lab, folder)
    assert [entry.dedup for entry in await store.latest(who().id, Kind.IN, 10)] == ["waits"]
    await store.pause(Kind.IN, who().id, None)
    if isinstance(store, PostgresStore):
        store._swept.clear()  # it looks at what is due for long once a second
    (claim,) = await store.claim(Kind.IN, 1, 1000, "me")
    assert [entry.dedup for entry in (await store.load(claim)).entries] == ["waits"]


async def test_of_what_people_have_the_newest_stay(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    for n in range(KEPT + 5):
        await wrote(store, "ana", f"m{n}")
    await answered(store)
    await store.pass_on(who().id, Passing("", "held", Hold("people", "why", 5)))
    lab.pass_time(KEEP + DAY)
    assert (await swept(lab, folder))["message"] == 5
    left = await store.latest(who().id, Kind.IN, 1000)
    assert [entry.dedup for entry in (left[0], left[-1])] == [f"m{KEPT + 4}", "m5"]
    assert await rows(store, "turn") == 1, "it covers what stayed"
    await store.pass_on(who().id, Passing("held", "", None))
    await swept(lab, folder)
    assert await counts(store, *SAID) == [0, 0, 0, 0]


async def test_a_dead_letter_goes_with_its_message_when_both_are_old(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await wrote(store, "ana", "lost")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    await store.bury(DeadLetter(Kind.IN, who().id, 1, "why", await store.now()))
    await swept(lab, folder)
    assert await counts(store, "dead", "entry") == [1, 1], "somebody may still look at it"
    lab.pass_time(KEEP + DAY)
    await swept(lab, folder)
    assert await counts(store, "dead", "entry") == [0, 0]


async def test_it_goes_in_pieces(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    for n in range(2 * AT_ONCE + 7):
        await wrote(store, "ana", f"m{n}")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    biggest, before = 0, await rows(store, "entry")
    async for _ in Retention(store, folder, KEEP).walk():
        biggest, before = max(biggest, before - (now := await rows(store, "entry"))), now
    assert biggest == AT_ONCE
    assert before == 0


async def test_more_conversations_than_one_look_takes(
    lab: Lab, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOOK", 3)
    store = store_of(lab)
    for n in range(10):
        await wrote(store, f"c{n}", f"m{n}")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    await wrote(store, "c4", "new")
    assert await swept(lab, folder) == {"id": 20, "message": 20}
    assert await rows(store, "entry") == 1


# -- media -------------------------------------------------------------------------------------------


async def noted(store: Ledger, folder: MediaFolder, blob: bytes) -> MediaId:
    id = await folder.put(blob)
    await folder.put_variant(id, ".mp3", b"mp3")
    await store.add_media(Media(id, "audio/ogg", len(blob), 1.0, (1,)))
    await store.remember_heard(id, "words", "pt")
    return id


def aged(folder: MediaFolder, *ids: MediaId, seconds: float = 2 * retention.UNOPENED) -> None:
    for id in ids:
        then = time.time() - seconds
        os.utime(folder.path(id), (then, then))


async def opens(store: Ledger, ids: Sequence[MediaId], name: str = "ana") -> list[bool]:
    return [await store.media_open_to(id, who(name).id) for id in ids]


async def test_a_note_is_closed_with_its_last_message_and_gone_a_day_later(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    once, again, shared, spoken = [await noted(store, folder, blob) for blob in (b"once", b"again", b"both", b"said")]
    await wrote(store, "ana", "old", once, again, shared)
    await wrote(store, "bia", "old too", shared)
    await answered(store, spoken)
    aged(folder, once, again, shared, spoken)
    lab.pass_time(KEEP + DAY)
    await wrote(store, "ana", "new", again)
    await wrote(store, "bia", "new too", shared)
    await answered(store)
    aged(folder, once)
    folder_now = await noted(store, folder, b"said")  # written anew, and nobody was told of it yet
    gone = await swept(lab, folder)
    assert await opens(store, [once, again, shared, spoken]) == [False, True, False, False]
    assert await opens(store, [shared, spoken], "bia") == [True, False]
    assert gone["media"] == 1
    assert (await store.media(once), await store.heard(once)) == (None, None)
    assert not folder.path(once).exists()
    assert not folder.path(once, ".mp3").exists()
    assert await store.media(folder_now) is not None, "whoever put it may be about to name it"
    assert await folder.read(spoken) == b"said"
    aged(folder, spoken)
    assert (await swept(lab, folder))["media"] == 1
    assert await rows(store, "media") == 2


async def test_what_was_fetched_later_goes_with_its_message(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await wrote(store, "ana", "named")
    medium = Media(await folder.put(b"picture"), "image/png", 7, None, ())
    await store.remember_fetched(who().id, Fetched(1, 0, medium, ""))
    await answered(store)
    aged(folder, medium.id)
    assert await swept(lab, folder) == {}
    lab.pass_time(KEEP + DAY)
    assert (await swept(lab, folder))["media"] == 1
    assert await counts(store, "fetched", "media", "media_open") == [0, 0, 0]


async def test_many_notes_take_several_transactions(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    ids = [MediaId(f"{n:064x}") for n in range(3 * NOTES_AT_ONCE)]
    for id in ids:
        await wrote(store, "ana", f"m-{id}", id)
    await answered(store)
    lab.pass_time(KEEP + DAY)
    await swept(lab, folder)
    assert await counts(store, "entry", "media_open") == [0, 0]


class Raced(MediaFolder):
    """Somebody puts the same bytes while they are being taken away."""

    def __init__(self, path: Path, blob: bytes) -> None:
        super().__init__(path)
        self._blob = blob

    async def remove(self, id: MediaId, age: float, suffixes: Sequence[str] = ()) -> bool:
        removed = await super().remove(id, age, suffixes)
        if removed and self._blob:
            blob, self._blob = self._blob, b""
            await self.put(blob)
        return removed


async def test_what_is_put_again_meanwhile_stays_known(lab: Lab, tmp_path: Path) -> None:
    folder, store = Raced(tmp_path / "media", b"note"), store_of(lab)
    id = await noted(store, folder, b"note")
    aged(folder, id)
    async for _ in Retention(store, folder, KEEP).walk():
        pass
    assert await store.media(id) is not None
    assert await folder.read(id) == b"note"


async def test_requests_nobody_could_read_go_too(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    await store.keep_unread("site", "why", b"old")
    lab.pass_time(KEEP + DAY)
    await store.keep_unread("site", "why", b"new")
    await swept(lab, folder)
    assert [one.body for one in await store.unread(10)] == [b"new"]


async def test_two_at_once_do_no_harm(lab: Lab, folder: MediaFolder) -> None:
    """As when two processes both believe it is theirs."""
    store = store_of(lab)
    for n in range(AT_ONCE + 5):
        await wrote(store, "ana", f"m{n}")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    one, other = (Retention(store, folder, KEEP).walk() for _ in range(2))
    while await anext(one, "over") != "over" or await anext(other, "over") != "over":
        await holds(store)
    assert await counts(store, *SAID) == [0, 0, 0, 0]


async def test_where_somebody_is_busy_it_comes_by_later(
    lab: Lab, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(lab)
    for name in ("ana", "bia"):
        await wrote(store, name, f"m-{name}")
    await answered(store)
    lab.pass_time(KEEP + DAY)
    forget = store.forget
    busy = [Unavailable("locked", alone=True)]

    async def once_busy(procedure: Procedure[object]) -> object:
        if procedure.__name__ == "forget_said" and busy:
            procedure.close()
            raise busy.pop()
        return await forget(procedure)

    monkeypatch.setattr(store, "forget", once_busy)
    assert (await swept(lab, folder))["message"] == 3
    busy.append(Unavailable("gone"))
    with pytest.raises(Unavailable):
        await swept(lab, folder)
    assert (await swept(lab, folder))["message"] == 1


async def test_who_writes_meanwhile_loses_nothing(lab: Lab, folder: MediaFolder) -> None:
    store = store_of(lab)
    names = [f"c{n}" for n in range(8)]
    for name in names:
        for n in range(AT_ONCE // 4):
            await wrote(store, name, f"old-{name}-{n}")
    await answered(store)
    lab.pass_time(KEEP + DAY)

    async def writes(name: str) -> None:
        for n in range(10):
            assert await wrote(store, name, f"new-{name}-{n}") is Verdict.NEW
            assert await wrote(store, name, f"new-{name}-{n}") is Verdict.DUPLICATE

    async def answers() -> None:
        for _ in range(20):
            await answered(store)

    await asyncio.gather(swept(lab, folder), answers(), *(writes(name) for name in names))
    await answered(store)
    await swept(lab, folder)
    for name in names:
        said = [entry.dedup for entry in await store.latest(who(name).id, Kind.IN, 1000)]
        assert said == [f"new-{name}-{n}" for n in reversed(range(10))]
        assert (await store.turns(who(name).id, 0, 100))[-1].tail == AT_ONCE // 4 + 10
