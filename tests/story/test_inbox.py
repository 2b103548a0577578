"""Our own inbox over HTTP: who waits, who takes it, what they answer, and who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import transcript
from gateway.app import Gateway
from gateway.config import parse
from gateway.steps.speak import Speak
from storage.model import ConversationId, Post
from tests.fakes.openai import FakeOpenAI
from tests.story.running import ADMIN, DEAF, KEY, SILENT, Contact, toml
from tests.test_docs import described, misfits, schema
from tts.errors import SpeechError

INBOX = "inbox-key-0123456789"
OTHER = "other-inbox-key-0123456789"
WISH = "quero falar com um atendente"
SECOND = f"""
[[queues]]
name = "oficina"
instructions = "x"
[queues.assistant]
provider = "openai"
api_key = "key"
base_url = "{{url}}"
model = "gpt-6-luna"
[queues.window]
interval_ms = 30
[queues.hearing]
provider = "none"
[queues.handoff.desk]
type = "inbox"
secret = "{OTHER}"

[[channels]]
name = "oficina"
type = "http"
queue = "oficina"
key = "oficina-key-0123456789"
"""


class Person:
    """Somebody of the team, with a key."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str = "Marina", key: str = INBOX) -> None:
        self.http, self.url, self.name, self.key = http, url, name, key

    async def get(self, path: str, **query: Any) -> tuple[int, Any]:
        async with self.http.get(self.url + path, params=query, headers=self._headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, body: Any = None, /, **more: Any) -> tuple[int, Any]:
        sent = body if body is not None else {"person": self.name, **more}
        async with self.http.post(self.url + path, data=json.dumps(sent), headers=self._headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def list(self, **query: Any) -> list[dict[str, Any]]:
        status, body = await self.get("/v1/inbox", **query)
        assert status == 200, body
        return list(body["conversations"])

    async def do(self, conversation: str, what: str, /, **more: Any) -> tuple[int, Any]:
        return await self.post(f"/v1/conversations/{conversation}/{what}", **more)

    async def write(self, id: str, text: str, n: str = "r1", **more: Any) -> tuple[int, Any]:
        return await self.do(id, "messages", id=n, text=text, **more)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


class Shop:
    def __init__(self, gateway: Gateway, http: aiohttp.ClientSession) -> None:
        self.gateway, self.http, self.url = gateway, http, gateway.url

    def person(self, name: str = "Marina", key: str = INBOX) -> Person:
        return Person(self.http, self.url, name, key)

    async def calls(self, name: str = "", text: str = WISH) -> Contact:
        """A contact that asked for a person."""
        contact = Contact(self.http, self.gateway, name)
        reply = await contact.ask(text)
        assert reply["outcome"] == "transferred", reply
        return contact


@asynccontextmanager
async def shop(
    folder: Path,
    *,
    format: str = "mirror",
    reply: str = "",
    voice: str = SILENT,
    second: bool = False,
    handoff: str = "",
) -> AsyncIterator[Shop]:
    async with FakeOpenAI() as openai:
        desk = f'[queues.handoff]\n{handoff}\n[queues.handoff.desk]\ntype = "inbox"\nsecret = "{INBOX}"\n'
        text = toml(openai.base_url, openai_key=openai.key, format=format, voice=voice, hearing=DEAF + "\n" + desk)
        text = text.replace("[queues.reply]", f"[queues.reply]\n{reply}")
        text += SECOND.format(url=openai.base_url) if second else ""
        async with Gateway(parse(text, root=folder)) as gateway, aiohttp.ClientSession() as http:
            yield Shop(gateway, http)


@pytest.fixture
async def loja(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path) as made:
        yield made


# -- who waits


async def test_who_asked_for_a_person_is_in_the_inbox_and_tells_why(loja: Shop) -> None:
    marina = loja.person()
    assert await marina.list() == []
    lia = await loja.calls()
    [one] = await marina.list()
    assert (one["id"], one["channel"], one["queue"]) == (lia.conversation, "api", "loja")
    assert one["contact"] == {"id": lia.id, "name": "Lia"}
    custody = one["custody"]
    assert (custody["state"], custody["person"], custody["to"]) == ("requested", "", "humanos")
    assert (custody["reason"], custody["why"]) == ("wish", "O cliente pediu para falar com uma pessoa.")
    assert one["last"]["from"] == "assistant"


async def test_the_longest_wait_comes_first_and_a_long_list_in_pieces(loja: Shop) -> None:
    marina = loja.person()
    contacts = [await loja.calls(f"contact-p{n}") for n in range(5)]
    ids, after = [], ""
    while after is not None:
        status, body = await marina.get("/v1/inbox", limit=2, **({"after": after} if after else {}))
        assert status == 200
        ids += [one["id"] for one in body["conversations"]]
        after = body["after"]
    assert ids == [contact.conversation for contact in contacts]


async def test_waiting_and_taken_are_told_apart(loja: Shop) -> None:
    marina, lia, rui = loja.person(), await loja.calls(), await loja.calls()
    await marina.do(rui.conversation, "take")
    found = {state: [one["id"] for one in await marina.list(state=state)] for state in ("waiting", "held", "all")}
    both = [lia.conversation, rui.conversation]
    assert found == {"waiting": [lia.conversation], "held": [rui.conversation], "all": both}


async def test_a_conversation_tells_what_it_is_about(loja: Shop) -> None:
    lia = Contact(loja.http, loja.gateway)
    await lia.ask("Vocês entregam em Niterói?")
    await lia.ask(WISH)
    status, told = await loja.person().get(f"/v1/conversations/{lia.conversation}")
    assert status == 200
    assert told["contact"]["name"] == "Lia"
    assert told["held"]["queue"] == told["custody"]["to"] == "humanos"
    assert "- Vocês entregam em Niterói?" in told["summary"]
    assert told["cursor"] == (await lia.get("/messages"))[1]["cursor"]
    assert told["voice"] is True


async def test_what_changes_is_told_at_once(loja: Shop) -> None:
    url = f"{loja.url}/v1/inbox/events"
    async with asyncio.timeout(60), loja.http.get(url, headers=loja.person()._headers) as stream:
        assert stream.content_type == "text/event-stream"
        lia = await loja.calls()
        async for line in stream.content:
            if line.startswith(b"data: "):
                assert json.loads(line[6:]) == {"conversation": lia.conversation}
                break


async def test_whether_somebody_is_there_is_each_inbox_s_own(tmp_path: Path) -> None:
    async with shop(tmp_path, second=True, handoff='message_nobody_online = "Ninguém por aqui."') as loja:
        url, live = f"{loja.url}/v1/inbox/events", loja.gateway.live
        async with loja.http.get(url, headers=loja.person(key=OTHER)._headers):
            assert (live.watched("oficina"), live.watched("loja")) == (True, False)
            reply = await Contact(loja.http, loja.gateway).ask(WISH)
            assert reply["parts"][0]["text"] == "Ninguém por aqui."
            async with loja.http.get(url, headers=loja.person()._headers):
                reply = await Contact(loja.http, loja.gateway).ask(WISH)
                assert reply["parts"][0]["text"] != "Ninguém por aqui."


# -- what people do


async def test_an_answer_reaches_the_contact_in_the_person_s_name(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    spell = (await marina.list())[0]["custody"]["spell"]
    status, said = await marina.write(lia.conversation, "Oi, Lia!", spell=spell)
    assert (status, said["spoken"], said["duplicate"]) == (202, False, False)
    assert said["parts"] == [{"kind": "text", "text": "Oi, Lia!"}]
    assert (await lia.transcript())[-1] == ("person", "Oi, Lia!")
    _, body = await lia.get("/messages")
    assert body["messages"][-1]["by"] == "Marina"
    [one] = await marina.list()
    assert (one["custody"]["state"], one["custody"]["person"]) == ("held", "Marina")
    assert one["last"] == {**one["last"], "from": "person", "text": "Oi, Lia!"}


async def test_the_same_answer_twice_is_sent_once(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    answers = [await marina.write(lia.conversation, "Oi!") for _ in range(3)]
    assert [status for status, _ in answers] == [202] * 3
    assert [said["duplicate"] for _, said in answers] == [False, True, True]
    assert [words for who, words in await lia.transcript() if who == "person"] == ["Oi!"]


async def test_answers_at_the_same_time_leave_one_person_with_it(loja: Shop) -> None:
    lia, people = await loja.calls(), [loja.person(name) for name in ("Marina", "Bruno", "Caio")]
    answers = await asyncio.gather(*(p.write(lia.conversation, f"Aqui é {p.name}", p.name) for p in people))
    assert sorted(status for status, _ in answers) == [202, 409, 409]
    written = [words for who, words in await lia.transcript() if who == "person"]
    [one] = await people[0].list()
    assert written == [f"Aqui é {one['custody']['person']}"]


async def test_whoever_comes_second_is_told_who_has_it_and_may_take_it(loja: Shop) -> None:
    marina, bruno, lia = loja.person(), loja.person("Bruno"), await loja.calls()
    assert (await marina.do(lia.conversation, "take"))[0] == 200
    for what, more in (("take", {}), ("messages", {"id": "b1", "text": "Oi"})):
        status, problem = await bruno.do(lia.conversation, what, **more)
        assert (status, problem["field"]) == (409, "person")
        assert 'Marina has this conversation: take it first, with {"instead_of": "Marina"}' in problem["detail"]
    status, told = await bruno.do(lia.conversation, "take", instead_of="Marina")
    assert (status, told["custody"]["person"]) == (200, "Bruno")
    assert (await bruno.do(lia.conversation, "messages", id="b1", text="Oi"))[0] == 202


async def test_an_answer_to_what_was_given_back_is_refused_with_the_cure(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    spell = (await marina.list())[0]["custody"]["spell"]
    status, told = await marina.do(lia.conversation, "release")
    assert (status, told["held"], told["custody"]["state"]) == (200, False, "released")
    status, problem = await marina.write(lia.conversation, "Oi!", spell=spell)
    assert (status, problem["field"]) == (409, "spell")
    assert "take it first" in problem["detail"]
    status, told = await marina.do(lia.conversation, "take")
    assert (status, told["custody"]["state"]) == (200, "held")
    assert (await marina.write(lia.conversation, "Oi!", spell=told["custody"]["spell"]))[0] == 202


@pytest.mark.parametrize(("resume", "state"), [("on_resolve", "released"), ("manual", "held")])
async def test_resolving_ends_it_as_the_queue_says(tmp_path: Path, resume: str, state: str) -> None:
    async with shop(tmp_path, handoff=f'resume = "{resume}"') as loja:
        marina, lia = loja.person(), await loja.calls()
        await marina.do(lia.conversation, "take")
        status, told = await marina.do(lia.conversation, "resolve")
        assert (status, told["custody"]["state"], told["held"]) == (200, state, state == "held")


async def test_a_long_answer_arrives_in_order_and_whole(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    text = " ".join(f"palavra{n}" for n in range(2500))
    assert (await marina.write(lia.conversation, text))[0] == 202
    assert " ".join(words for who, words in await lia.transcript() if who == "person") == text


# -- heard


async def test_what_was_typed_is_heard_in_the_queue_s_voice(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    text = "Já vi o seu pedido, ele chega amanhã: https://aurora.example/48213"
    status, said = await marina.write(lia.conversation, text, speak=True)
    assert (status, said["spoken"]) == (202, True)
    note, beside = said["parts"]
    assert note["kind"] == "voice"
    assert "written" not in note
    assert note["transcript"].startswith("Já vi o seu pedido")
    assert beside == {"kind": "text", "text": "https://aurora.example/48213"}
    url = loja.url + note["media"]["url"]
    statuses = []
    for query in ({}, {"conversation": lia.conversation}, {"conversation": "c_000"}):
        async with loja.http.get(url, params=query, headers=marina._headers) as answer:
            statuses.append(answer.status)
            sound = await answer.read() if answer.status == 200 else b""
            assert sound[:4] in (b"OggS", b"")
    assert statuses == [404, 200, 404]
    _, body = await lia.get("/messages")
    assert [m["part"]["kind"] for m in body["messages"][-2:]] == ["voice", "text"]


async def test_nobody_pays_for_a_voice_that_is_not_sent(loja: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another person has, what was given back, and what was sent already."""
    spoken, typed = [], Speak.typed

    async def counted(self: Speak, *a: Any, **more: Any) -> list[dict[str, Any]]:
        spoken.append(a)
        return await typed(self, *a, **more)

    monkeypatch.setattr(Speak, "typed", counted)
    marina, bruno, lia = loja.person(), loja.person("Bruno"), await loja.calls()
    text = "Já vi o seu pedido, ele chega amanhã: https://aurora.example/48213"
    first = await marina.write(lia.conversation, text, speak=True)
    again = await marina.write(lia.conversation, text, speak=True)
    assert again == (202, {**first[1], "duplicate": True})
    assert (await bruno.write(lia.conversation, "Chega amanhã cedo.", "b", speak=True))[0] == 409
    assert (await marina.write(lia.conversation, "Chega amanhã cedo.", "c", speak=True, spell=7))[0] == 409
    assert len(spoken) == 1


async def test_a_voice_that_fails_at_the_second_try_says_nothing_twice(
    loja: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    marina, lia = loja.person(), await loja.calls()
    text = "Chega amanhã de manhã, entre oito e dez. " * 20
    assert (await marina.write(lia.conversation, text, speak=True))[1]["spoken"]
    before = await lia.transcript()

    async def broken(self: Speak, *_: Any, **__: Any) -> None:
        raise SpeechError("quota")

    monkeypatch.setattr(Speak, "typed", broken)
    monkeypatch.setattr("gateway.steps.utter._written", lambda parts: [{"kind": "text", "text": "a"}] * 3)
    assert (await marina.write(lia.conversation, text, speak=True))[1]["spoken"]
    assert await lia.transcript() == before


async def test_what_nobody_wrote_ends_no_page_of_a_conversation(loja: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.conversations.PAGE", 3)
    monkeypatch.setattr("gateway.web.conversations.HEARTBEAT", 600.0)
    marina, lia = loja.person(), await loja.calls()
    id = ConversationId(lia.conversation)
    for n in range(4):
        while not await loja.gateway.store.knock([Post(id, f"wake{n}", transcript.wake_body(f"wake{n}", "resume", 1))]):
            await asyncio.sleep(0.01)
    sent = [f"r{n}" for n in range(5)]
    for n in sent:
        await marina.write(lia.conversation, n, n)
    _, first = await marina.get(f"/v1/conversations/{id}/messages", limit=1, after="1-1")
    assert [message["part"]["text"] for message in first["messages"]] == sent[:1]
    _, all = await marina.get(f"/v1/conversations/{id}/messages", limit=3, after=first["cursor"])
    assert [message["part"]["text"] for message in all["messages"]] == sent[1:4]
    read: list[str] = []
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with loja.http.get(f"{loja.url}/v1/conversations/{id}/events", headers=headers) as stream:
        while len(read) < 7:
            line = await asyncio.wait_for(stream.content.readline(), 60)
            if line.startswith(b"data:") and b"cursor" in line:
                read.append(json.loads(line[5:])["part"]["text"])
    assert read[2:] == sent


async def test_where_nothing_can_be_heard_the_words_go_and_the_answer_says_why(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    status, said = await marina.write(lia.conversation, "👍👍", speak=True)
    assert (status, said["spoken"]) == (202, False)
    assert said["why"] == "A resposta só tem o que precisa ser lido, como links e códigos."
    assert (await lia.transcript())[-1] == ("person", "👍👍")


async def test_a_queue_that_only_writes_has_no_voice_to_offer(tmp_path: Path) -> None:
    async with shop(tmp_path, format="text") as loja:
        marina, lia = loja.person(), await loja.calls()
        assert (await marina.get(f"/v1/conversations/{lia.conversation}"))[1]["voice"] is False
        _, said = await marina.write(lia.conversation, "Já vi o seu pedido.", speak=True)
        assert (said["spoken"], said["why"]) == (False, "Esta fila não tem uma voz configurada.")


@pytest.mark.parametrize(
    ("limit", "why"),
    [("voice_budget_chars = 10", "O limite de voz deste mês"), ("max_voice_chars = 10", "A resposta é longa demais")],
)
async def test_a_person_s_voice_stays_within_what_the_queue_allows(tmp_path: Path, limit: str, why: str) -> None:
    async with shop(tmp_path, reply=limit) as loja:
        marina, lia = loja.person(), await loja.calls()
        _, said = await marina.write(lia.conversation, "Já vi o seu pedido.", speak=True)
        assert said["spoken"] is False
        assert said["why"].startswith(why)


async def test_whose_app_refused_notes_gets_the_words(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    id = ConversationId(lia.conversation)
    await loja.gateway.store.set_fact(id, "no_voice", True)
    assert (await marina.get(f"/v1/conversations/{id}"))[1]["voice"] is False
    _, said = await marina.write(id, "Já vi o seu pedido.", speak=True)
    assert said["why"].startswith("Um áudio para este cliente já foi recusado")


async def test_what_was_spoken_is_on_the_bill(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    await marina.write(lia.conversation, "Já vi o seu pedido.", speak=True)
    assert (await loja.gateway.store.spent("loja", "2000-01-01")).seconds > 0


async def test_a_voice_that_fails_never_keeps_the_words_back(tmp_path: Path) -> None:
    broken = 'provider = "elevenlabs"\napi_key = "k"\nvoice_id = "v"\nmodel_id = "eleven_flash_v2_5"\ntimeout_s = 1\n'
    broken += 'base_url = "http://127.0.0.1:9"'
    async with shop(tmp_path, voice=broken) as loja:
        marina, lia = loja.person(), await loja.calls()
        status, said = await marina.write(lia.conversation, "Já vi o seu pedido.", speak=True)
        assert (status, said["spoken"], said["why"]) == (202, False, "A voz não pôde falar agora.")
        assert (await lia.transcript())[-1] == ("person", "Já vi o seu pedido.")


async def test_the_answers_are_as_described(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    id, inbox = lia.conversation, described()["GET", "/v1/inbox"]["responses"]["200"]["content"]["application/json"]
    assert misfits((await marina.get("/v1/inbox"))[1], inbox["schema"]) == []
    assert misfits((await marina.do(id, "take"))[1], schema("Stands")) == []
    assert misfits((await marina.write(id, "Oi!", speak=True))[1], schema("Written")) == []
    assert misfits((await marina.write(id, "👍", "r2", speak=True))[1], schema("Written")) == []
    assert misfits((await marina.get(f"/v1/conversations/{id}"))[1], schema("Conversation")) == []
    for message in (await marina.get(f"/v1/conversations/{id}/messages"))[1]["messages"]:
        assert misfits(message, schema("Message")) == []
    assert misfits((await marina.do(id, "resolve"))[1], schema("Stands")) == []
    assert misfits((await marina.do(id, "release"))[1], schema("Held")) == []


# -- who may


async def test_who_had_a_conversation_hears_no_more_of_it_when_it_is_given_back(tmp_path: Path) -> None:
    async with shop(tmp_path, second=True) as loja:
        admin, guest, lia = loja.person(key=ADMIN), loja.person("Edu", OTHER), await loja.calls()
        await admin.do(lia.conversation, "release")
        await admin.do(lia.conversation, "hold", queue="oficina")
        url = f"{loja.url}/v1/conversations/{lia.conversation}/events"
        async with loja.http.get(url, headers=guest._headers) as stream:
            assert stream.status == 200
            await admin.do(lia.conversation, "release")
            await lia.ask("Só para a loja")
            assert b"para a loja" not in await asyncio.wait_for(stream.read(), 60)


async def test_an_inbox_s_key_opens_its_queue_and_no_other(tmp_path: Path) -> None:
    async with shop(tmp_path, second=True) as loja:
        lia = await loja.calls()
        away = loja.person(key=OTHER)
        assert await away.list() == []
        id = lia.conversation
        for path in ("", "/messages", "/turns", "/events"):
            assert (await away.get(f"/v1/conversations/{id}{path}"))[0] == 404
        for what in ("take", "resolve", "release", "hold"):
            assert (await away.do(id, what))[0] == 404
        assert (await away.write(id, "Oi"))[0] == 404
        assert [one["id"] for one in await loja.person(key=ADMIN).list()] == [id]
        assert len(await loja.person().list()) == 1
        assert (await loja.person().get(f"/v1/conversations/{id}/turns"))[0] == 200


@pytest.mark.parametrize(("key", "status"), [(KEY, 403), ("", 401), ("nobody's", 401), (INBOX[:-1], 401)])
async def test_no_other_key_opens_the_inbox(loja: Shop, key: str, status: int) -> None:
    lia, stranger = await loja.calls(), loja.person(key=key)
    assert (await stranger.get("/v1/inbox"))[0] == status
    assert (await stranger.get("/v1/inbox/events"))[0] == status
    for what in ("take", "resolve"):
        assert (await stranger.do(lia.conversation, what))[0] == status
    assert (await stranger.write(lia.conversation, "Oi"))[0] == status


async def test_an_inbox_s_key_is_no_admin_s_and_no_channel_s(loja: Shop) -> None:
    lia = await loja.calls()
    status, _ = await lia.post(lia.message("Oi"), key=INBOX)
    assert status == 401


async def test_a_visitor_is_not_told_what_people_know(loja: Shop) -> None:
    async with loja.http.post(f"{loja.url}/chat/site/visit") as answer:
        cookie, id = (
            {"Cookie": f"recado_site={answer.cookies['recado_site'].value}"},
            (await answer.json())["conversation"],
        )
    url = f"{loja.url}/v1/channels/site/messages"
    async with loja.http.post(url, json={"id": "1", "text": WISH}, params={"wait": "20"}, headers=cookie) as answer:
        assert answer.status == 200
    async with loja.http.get(f"{loja.url}/v1/conversations/{id}", headers=cookie) as answer:
        assert set(await answer.json()) == {"id", "channel", "queue", "held"}


async def test_the_page_is_served_under_a_strict_policy(loja: Shop) -> None:
    async with loja.http.get(f"{loja.url}/inbox") as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "img-src 'self' data: blob:;" in policy
        assert "unsafe" not in policy
        assert 'src="chat-assets/inbox.js"' in await answer.text()
    async with loja.http.get(f"{loja.url}/chat-assets/inbox.js") as answer:
        assert answer.status == 200


# -- bad input

WRONG = [
    ("take", {}, "person"),
    ("take", {"person": 7}, "person"),
    ("take", {"person": "x" * 81}, "person"),
    ("take", {"person": "a\nb"}, "person"),
    ("take", {"person": "Marina", "id": "a b"}, "id"),
    ("take", {"person": "Marina", "instead_of": []}, "instead_of"),
    ("resolve", {"person": " "}, "person"),
    ("messages", {"person": "Marina", "text": "Oi"}, "id"),
    ("messages", {"person": "Marina", "text": "Oi", "id": "x:again"}, "id"),
    ("messages", {"person": "Marina", "text": " \u200b", "id": "1"}, "text"),
    ("messages", {"person": "Marina", "text": "a\x00", "id": "1"}, "text"),
    ("messages", {"person": "Marina", "text": "Oi", "id": "1", "speak": "yes"}, "speak"),
    ("messages", {"person": "Marina", "text": "Oi", "id": "1", "spell": "1"}, "spell"),
    ("messages", {"person": "Marina", "text": "Oi", "id": "1", "spell": True}, "spell"),
    ("messages", [1], "body"),
    ("hold", {"queue": "a\x00"}, "queue"),
    ("transfer", {"id": "a\nb"}, "id"),
    ("release", {"person": "\x7f"}, "person"),
]


async def test_what_is_wrong_is_named(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    for what, body, field in WRONG:
        status, problem = await marina.post(f"/v1/conversations/{lia.conversation}/{what}", body)
        assert (status, problem["field"]) == (422, field), body
    for query, field in (({"state": "x"}, "state"), ({"limit": "0"}, "limit"), ({"after": "x"}, "after")):
        status, problem = await marina.get("/v1/inbox", **query)
        assert (status, problem["field"]) == (422, field)
    long = {"person": "Marina", "id": "1", "text": "x" * 33_000}
    assert (await marina.post(f"/v1/conversations/{lia.conversation}/messages", long))[0] == 413
    assert (await marina.post(f"/v1/conversations/{lia.conversation}/take", {"person": "x" * 70_000}))[0] == 413
    [one] = await marina.list()
    assert one["custody"]["state"] == "requested", "nothing of it had an effect"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("id", "person", "text", "speak", "spell", "instead_of")


async def test_no_json_breaks_a_door(loja: Shop) -> None:
    marina, lia = loja.person(), await loja.calls()
    bodies: list[Any] = []

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANYTHING)) | ANYTHING)
    @settings(max_examples=120, database=None, suppress_health_check=list(HealthCheck), deadline=None)
    def collect(body: Any) -> None:
        bodies.append(body)

    collect()
    for body in bodies:
        for what in ("take", "messages", "resolve"):
            status, told = await marina.post(f"/v1/conversations/{lia.conversation}/{what}", body)
            assert status in (200, 202, 409, 413, 422), (status, body)
            assert status < 300 or told["detail"]
