"""What was given up goes again: by the door of a gateway that runs, and by `recado repost`, running or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from storage.model import ConversationId, DeadLetter, Kind
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, KEY, Contact, running, toml
from tests.test_cli import recado


@asynccontextmanager
async def answered(folder: Path) -> AsyncIterator[tuple[Gateway, Contact, Path]]:
    """A conversation with one answer; the configuration of the gateway that serves it, as a file."""
    async with FakeOpenAI() as openai:
        text = toml(openai.base_url, openai_key=openai.key)
        async with running(text, folder) as (gateway, contact):
            await contact.ask("oi")
            path = folder / "recado.toml"
            port = gateway.url.rpartition(":")[2]
            path.write_text(text.replace("port = 0", f"port = {port}"), "utf-8")
            yield gateway, contact, path


async def bury(gateway: Gateway, contact: Contact, kind: Kind, reason: str) -> None:
    at = await gateway.store.now()
    await gateway.store.bury(DeadLetter(kind, ConversationId(contact.conversation), 1, reason, at))


async def dead(contact: Contact, key: str = ADMIN, **query: Any) -> tuple[int, Any]:
    url = f"{contact.gateway.url}/v1/dead"
    async with contact.http.get(url, params=query, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status, await answer.json()


async def repost(contact: Contact, place: str, key: str = ADMIN, **wish: Any) -> tuple[int, Any]:
    url = f"{contact.gateway.url}/v1/dead/{place}/repost"
    async with contact.http.post(url, json=wish, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status, await answer.json()


async def until(contact: Contact, messages: int) -> list[tuple[str, str]]:
    with contact.gateway.live.watch(ConversationId(contact.conversation)) as bell:
        while len(said := await contact.transcript()) < messages:
            assert await bell.wait(60), said
    return said


async def test_a_message_is_answered_after_all(tmp_path: Path) -> None:
    async with answered(tmp_path) as (gateway, contact, _):
        await bury(gateway, contact, Kind.IN, "too_many_tries")
        status, body = await dead(contact)
        assert status == 200
        assert body["after"] is None
        assert [(one["kind"], one["seq"], one["reason"], one["words"]) for one in body["dead"]] == [
            ("in", 1, "too_many_tries", "oi")
        ]
        place = f"{contact.conversation}/in/1"
        assert await repost(contact, place) == (200, {"conversation": contact.conversation, "kind": "in", "seq": 2})
        said = await until(contact, 4)
        assert [who for who, _ in said] == ["contact", "assistant", "contact", "assistant"]
        assert (await repost(contact, place))[0] == 404
        assert (await dead(contact))[1]["dead"] == []


async def test_a_delivery_goes_again_and_what_may_have_gone_only_by_force(tmp_path: Path) -> None:
    async with answered(tmp_path) as (gateway, contact, _):
        await bury(gateway, contact, Kind.OUT, "unsure:cut_off")
        place = f"{contact.conversation}/out/1"
        status, problem = await repost(contact, place)
        assert (status, problem["field"]) == (409, "force")
        assert (await repost(contact, place, force="yes"))[0] == 422
        assert (await repost(contact, place, force=True))[0] == 200
        said = await until(contact, 3)
        assert said[1] == said[2]
        _, shown = await contact.get("/messages")
        first, second = (one["id"] for one in shown["messages"] if one["from"] == "assistant")
        assert second == f"{first}:again1"


@pytest.mark.file
async def test_what_would_come_to_nothing_stays_a_dead_letter(tmp_path: Path) -> None:
    """A message nobody would answer; a reply that would be withdrawn, since people came after it."""
    async with answered(tmp_path) as (gateway, contact, config):
        for kind in (Kind.IN, Kind.OUT):
            await bury(gateway, contact, kind, "http_400")
        await contact.act("hold")
        for kind in ("in", "out"):
            status, problem = await repost(contact, f"{contact.conversation}/{kind}/1", force=True)
            assert (status, problem["field"]) == (409, "conversation")
        await contact.act("release")
        assert (await repost(contact, f"{contact.conversation}/out/1"))[0] == 409
        assert await recado("repost", f"{contact.conversation}:out:1", "--config", config) == 1
        assert (await repost(contact, f"{contact.conversation}/in/1"))[0] == 200
        assert [one["kind"] for one in (await dead(contact))[1]["dead"]] == ["out"]
    assert await recado("repost", f"{contact.conversation}:out:1", "--config", config) == 1


async def test_the_doors_are_for_the_admin_key_and_say_what_is_wrong(tmp_path: Path) -> None:
    async with answered(tmp_path) as (_, contact, _):
        place = f"{contact.conversation}/in/1"
        assert (await dead(contact, KEY))[0] == 403
        assert (await repost(contact, place, KEY))[0] == 403
        assert (await dead(contact, "wrong"))[0] == 401
        for wrong in ({"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"after": "5"}, {"after": "x:c_1:in:1"}):
            assert (await dead(contact, **wrong))[0] == 422
        for nowhere in (f"{contact.conversation}/later/1", f"{contact.conversation}/in/x", "c_nobody/in/1"):
            assert (await repost(contact, nowhere))[0] == 404


async def test_many_are_read_page_by_page(tmp_path: Path) -> None:
    async with answered(tmp_path) as (gateway, contact, _):
        for seq in range(1, 6):
            await gateway.store.bury(DeadLetter(Kind.OUT, ConversationId(contact.conversation), seq, "x", 5))
        found, after = [], {}
        while after is not None:
            _, body = await dead(contact, limit=2, **after)
            found += [one["seq"] for one in body["dead"]]
            after = {"after": body["after"]} if body["after"] else None
        assert found == [1, 2, 3, 4, 5]


@pytest.mark.file
async def test_the_command_asks_the_gateway_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with answered(tmp_path) as (gateway, contact, config):
        await bury(gateway, contact, Kind.OUT, "unsure:cut_off")
        id = f"{contact.conversation}:out:1"
        assert await recado("repost", id, "--config", config) == 1
        assert "--force" in capsys.readouterr().err
        assert await recado("repost", id, "--config", config, "--force") == 0
        assert f"{contact.conversation}:out:2" in capsys.readouterr().out
        await until(contact, 3)
        assert await recado("repost", id, "--config", config, "--force") == 1
        assert "no such dead letter" in capsys.readouterr().err
        config.write_text(config.read_text("utf-8").replace(ADMIN, "another-key-0123456789"), "utf-8")
        assert await recado("repost", id, "--config", config) == 3
        told = capsys.readouterr().err
        assert "admin_key" in told
        assert "another-key" not in told
        config.write_text(config.read_text("utf-8").replace(f"port = {gateway.url.rpartition(':')[2]}", "port = 1"))
        assert await recado("repost", id, "--config", config) == 3
        assert "does not answer" in capsys.readouterr().err


@pytest.mark.file
async def test_the_command_does_it_by_itself_when_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with answered(tmp_path) as (gateway, contact, config):
        await bury(gateway, contact, Kind.OUT, "http_400")
    id = f"{contact.conversation}:out:1"
    assert await recado("doctor", "--config", config) == 1
    assert id in capsys.readouterr().out
    assert await recado("repost", id, "--config", config) == 0
    assert await recado("repost", id, "--config", config) == 1
    assert await recado("repost", "nonsense", "--config", config) == 2
    assert "CONVERSATION:KIND:SEQ" in capsys.readouterr().err
    assert await recado("doctor", "--config", config) == 0
    async with FakeOpenAI() as openai, running(toml(openai.base_url, openai_key=openai.key), tmp_path) as (again, _):
        contact.gateway = again
        said = await until_http(contact, again)
    assert len(said) == 3


async def until_http(contact: Contact, gateway: Gateway) -> list[tuple[str, str]]:
    import aiohttp

    async with aiohttp.ClientSession() as contact.http:
        return await until(contact, 3)


@pytest.mark.file
async def test_of_a_database_server_it_claims_no_gateway_that_it_cannot_see(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing runs there, and to stop it would help nobody: only a gateway reaches a server's lanes."""
    path = tmp_path / "recado.toml"
    text = toml("http://127.0.0.1:1/v1", openai_key="sk-x").replace("port = 0", "port = 1")
    path.write_text(f'{text}\n[storage]\nurl = "postgresql://u:p@127.0.0.1:1/x"\n', "utf-8")
    for more in ("", "admin_key"):
        kept = path.read_text("utf-8")
        path.write_text(kept.replace(f'admin_key = "{ADMIN}"', "") if more else kept, "utf-8")
        assert await recado("repost", "c_1:in:1", "--config", path) == 3
        told = capsys.readouterr().err
        assert "the gateway runs" not in told
        assert "stop it" not in told
        assert (more or "server.port") in told


async def test_where_nothing_is_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recado.toml"
    path.write_text(toml("http://127.0.0.1:1/v1", openai_key="sk-x"), "utf-8")
    assert await recado("repost", "c_1:in:1", "--config", path) == 3
    assert "--config" in capsys.readouterr().err
    assert not (tmp_path / "recado.db").exists()
