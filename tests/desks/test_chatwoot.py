"""Chatwoot as a desk: what people see there, what comes back, and what each failure means; against a server that speaks
Chatwoot's wire."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway.desks.chatwoot as module
from gateway.desks.base import (
    Assigned,
    Case,
    DeskError,
    Event,
    Forged,
    Hook,
    Line,
    News,
    Noise,
    Over,
    Placed,
    Resolved,
    Written,
)
from gateway.desks.chatwoot import LIMIT, Chatwoot, cut
from gateway.desks.settings import DeskSettings
from gateway.desks.words import words
from gateway.outbound import client
from tests.fakes.chatwoot import (
    ACCOUNT,
    AGENT,
    BOT,
    CUT,
    ENDLESS,
    HANG,
    LOST,
    NOW,
    SECRET,
    SIGN_IN,
    TEAM,
    Conversation,
    FakeChatwoot,
    Fault,
    refused,
    signed,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "chatwoot"
NOTE = (FIXTURES.parent / "whatsapp" / "voice.ogg").read_bytes()
OPUS = "audio/ogg; codecs=opus"
FIRST = 42
"""The first conversation's number."""
TALK = (
    Line("contact", "Quero remarcar", 1000),
    Line("assistant", "Para quando?", 2000),
    Line("contact", "Quero uma pessoa", 3000),
    Line("assistant", "Vou chamar alguém.", 4000),
)


@pytest.fixture
async def server() -> AsyncIterator[FakeChatwoot]:
    async with FakeChatwoot() as running:
        yield running


@pytest.fixture
async def desk(server: FakeChatwoot) -> AsyncIterator[Chatwoot]:
    made = a_desk(server)
    yield made
    await made.close()


def a_desk(server: FakeChatwoot, **more: Any) -> Chatwoot:
    return Chatwoot(server.settings(**more), queue="vendas", allow_private=True, now=lambda: float(NOW))


def a_case(**more: Any) -> Case:
    given: dict[str, Any] = {
        "id": "case-1",
        "conversation": "c_1",
        "contact": "5511999990001",
        "name": "Maria",
        "channel": "whatsapp",
        "queue": "vendas",
        "to": "pessoas",
        "reason": "asked",
        "why": "A pessoa pediu para falar com alguém.",
        "summary": "Quer remarcar a consulta.",
        "language": "pt-BR",
        "speaks": "pt",
        "transcript": TALK,
        **more,
    }
    return Case(**given)


def news(*lines: Line, **more: Any) -> News:
    given: dict[str, Any] = {"id": "news-1", "conversation": "c_1", "contact": "5511999990001", "name": "Maria", **more}
    return News(language="pt-BR", lines=lines, **given)


def over(reason: str = "idle_hours", **more: Any) -> Over:
    return Over(id="over-1", conversation="c_1", reason=reason, language="pt-BR", **more)


async def failing(desk: Chatwoot, item: Case | News | Over) -> DeskError:
    with pytest.raises(DeskError) as caught:
        await desk.send(item)
    return caught.value


def the_one(server: FakeChatwoot) -> Conversation:
    assert list(server.conversations) == [FIRST], "one conversation, however often it was tried"
    return server.conversations[FIRST]


def as_people_see_it() -> list[tuple[str, str]]:
    return [
        ("contact", "Quero remarcar"),
        ("note", "**Assistente**: Para quando?"),
        ("contact", "Quero uma pessoa"),
        ("note", "**Assistente**: Vou chamar alguém."),
    ]


# -- a case ----------------------------------------------------------------------------------------


async def test_people_see_who_it_is_what_was_said_and_why(server: FakeChatwoot, desk: Chatwoot) -> None:
    placed = await desk.send(a_case())
    conversation = the_one(server)
    assert conversation.shown[:-1] == as_people_see_it()
    kind, note = conversation.shown[-1]
    assert kind == "note"
    assert note.splitlines() == [
        "**Contato**: Maria (5511999990001)",
        "**Canal**: whatsapp",
        "**Fila**: vendas → pessoas",
        "**Idioma**: pt",
        "**Motivo**: A pessoa pediu para falar com alguém.",
        "",
        "**Resumo**",
        "Quer remarcar a consulta.",
    ]
    assert placed.known_as == ("42",)
    assert conversation.status == "open"
    contact = server.contacts[conversation.source]
    assert (contact["name"], contact["identifier"]) == ("Maria", "recado:c_1")
    assert "phone_number" not in contact, "digits may be any program's id"
    assert placed.place == {
        "conversation": "42", "source": conversation.source, "last": str(conversation.messages[-1]["id"]),
        "until": "4000",
    }  # fmt: skip


async def test_the_link_to_our_own_inbox_stands_in_the_note(server: FakeChatwoot, desk: Chatwoot) -> None:
    await desk.send(a_case(url="https://chat.example.com/inbox/c_1"))
    assert the_one(server).shown[-1][1].endswith("Abrir a conversa: https://chat.example.com/inbox/c_1")


async def test_a_phone_in_full_is_told_as_one(server: FakeChatwoot, desk: Chatwoot) -> None:
    await desk.send(a_case(contact="+5511999990001", name=""))
    contact = server.contacts[the_one(server).source]
    assert (contact["phone_number"], contact["name"]) == ("+5511999990001", "+5511999990001")


async def test_nobody_can_guess_the_address_at_which_one_reads_as_the_contact(server: FakeChatwoot) -> None:
    sources = set()
    for secret, queue, conversation in (("a", "q", "c_1"), ("b", "q", "c_1"), ("a", "r", "c_1"), ("a", "q", "c_2")):
        desk = Chatwoot(server.settings(secret=secret), queue=queue, allow_private=True)
        placed = await desk.send(a_case(conversation=conversation))
        sources.add(placed.place["source"])
        await desk.close()
    assert len(sources) == 4
    assert all(len(source) == 32 for source in sources)


async def test_the_bodies_are_those_of_the_samples(server: FakeChatwoot) -> None:
    desk = a_desk(server, team_id=TEAM, labels=["transferido-pelo-bot"])
    server.begin("elsewhere", "pending")
    own = {"conversation": "42"}
    desk._settings = desk._settings.model_copy(update={"inbox_identifier": ""})
    await desk.send(a_case(place=own))
    await desk.close()
    assert server.asked("POST assignments")[0].json == sample("api.assignments.request")
    assert server.asked("POST labels")[0].json == sample("api.labels.request")
    assert server.asked("POST toggle_status")[0].json == sample("api.toggle_status.request")
    message = server.asked("POST messages")[0].json
    assert set(message) - {"source_id"} == set(sample("api.create_message.request")) - {"content_type"}
    assert server.asked("POST messages")[0].headers["api_access_token"] == BOT


async def test_labels_are_added_to_those_that_are_there(server: FakeChatwoot) -> None:
    desk = a_desk(server, labels=["recado", "vip"])
    placed = await desk.send(a_case())
    the_one(server).labels = ["vip", "reclamação"]
    await desk.send(a_case(id="case-2", place=placed.place))
    assert the_one(server).labels == ["vip", "reclamação", "recado"]
    asked = len(server.asked("POST labels"))
    await desk.send(a_case(id="case-3", place=placed.place))
    assert len(server.asked("POST labels")) == asked, "they are all there"
    await desk.close()


async def test_no_labels_no_team_no_calls(server: FakeChatwoot, desk: Chatwoot) -> None:
    await desk.send(a_case())
    assert not server.asked("GET labels")
    assert not server.asked("POST assignments")
    assert not server.asked("POST toggle_status"), "a new one is open"


async def test_the_team_gets_it(server: FakeChatwoot) -> None:
    desk = a_desk(server, team_id=TEAM)
    await desk.send(a_case())
    await desk.close()
    assert the_one(server).team == TEAM


async def test_a_team_that_is_gone_keeps_nobody_waiting(
    server: FakeChatwoot, caplog: pytest.LogCaptureFixture
) -> None:
    desk = a_desk(server, team_id=99)
    with caplog.at_level(logging.WARNING):
        assert (await desk.send(a_case())).known_as == ("42",)
    await desk.close()
    assert "team_id" in caplog.text


async def test_where_no_bot_may_label_people_are_called_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeChatwoot(old=True) as server:
        desk = a_desk(server, labels=["recado"])
        with caplog.at_level(logging.WARNING):
            placed = await desk.send(a_case())
        await desk.close()
        assert placed.known_as == ("42",)
        assert the_one(server).shown[:-1] == as_people_see_it()
    assert "labels" in caplog.text


@pytest.mark.parametrize("language", ["pt-BR", "en", "es-419", "zh", "tlh"])
async def test_in_the_queues_language(server: FakeChatwoot, desk: Chatwoot, language: str) -> None:
    word = words(language)
    await desk.send(a_case(language=language))
    shown = dict(the_one(server).shown[::-1])
    assert shown["note"].startswith(f"**{word['assistant']}**") or word["contact"] in the_one(server).shown[-1][1]
    assert word["summary"] in the_one(server).shown[-1][1]


async def test_a_name_in_a_note_rings_nobodys_bell(server: FakeChatwoot, desk: Chatwoot) -> None:
    """Chatwoot reads mentions out of private notes."""
    bait = "[x](mention://user/1/Admin)"
    line = Line("contact", bait, 1)
    await desk.send(a_case(name=bait, summary=bait, transcript=[line, Line("assistant", bait, 2)]))
    shown = the_one(server).shown
    assert shown[0] == ("contact", bait), "what the contact wrote is left as it is"
    assert all("mention://" not in text for kind, text in shown if kind == "note")


# -- sounds ----------------------------------------------------------------------------------------


async def test_a_voice_note_can_be_listened_to(server: FakeChatwoot, desk: Chatwoot) -> None:
    line = Line("contact", "Quero remarcar", 1000, NOTE, OPUS)
    await desk.send(a_case(transcript=[line, Line("assistant", "Sim", 2000, NOTE, OPUS)]))
    first, second = server.asked("POST messages")[:2]
    expected = sample("api.create_message.multipart")
    file = {"name": "attachments[]", "filename": first.file_name, "content_type": first.file_type}
    assert [file] == expected["files"]
    assert first.file == second.file == NOTE
    assert (first.form["message_type"], first.form["private"]) == ("incoming", "false")
    assert (second.form["message_type"], second.form["private"]) == ("outgoing", "true")
    assert the_one(server).shown[:2] == [
        ("contact", "Áudio: Quero remarcar"),
        ("note", "**Assistente**: Áudio: Sim"),
    ]
    assert the_one(server).messages[0]["content_attributes"]["recado"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (Line("contact", "oi", 1, None, OPUS), "Áudio: oi"),
        (Line("contact", "", 1, None, OPUS), "Áudio: não foi possível ouvir"),
        (Line("contact", "oi", 1), "oi"),
    ],
)
async def test_without_its_sound_it_is_words(server: FakeChatwoot, desk: Chatwoot, line: Line, shown: str) -> None:
    await desk.send(a_case(transcript=[line]))
    assert the_one(server).shown[0] == ("contact", shown)


async def test_a_sound_that_is_not_taken_is_said_in_words(server: FakeChatwoot, desk: Chatwoot) -> None:
    server.next("POST messages", refused(422))
    await desk.send(a_case(transcript=[Line("contact", "oi", 1, NOTE, OPUS)]))
    assert the_one(server).shown[0] == ("contact", "Áudio: oi")
    assert "attachments" not in the_one(server).messages[0]


async def test_a_sound_that_is_too_large_is_not_tried(
    server: FakeChatwoot, desk: Chatwoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VOICE_BYTES", 10)
    await desk.send(a_case(transcript=[Line("contact", "oi", 1, NOTE, OPUS)]))
    assert not server.asked("POST messages")[0].file


async def test_what_says_nothing_is_left_out(server: FakeChatwoot, desk: Chatwoot) -> None:
    await desk.send(a_case(transcript=[Line("contact", "", 1), Line("contact", "oi", 2)]))
    assert the_one(server).shown[0] == ("contact", "oi")
    assert len(the_one(server).shown) == 2


@pytest.mark.parametrize("text", ["linha\n" * 40_000, "x" * 200_000])
async def test_a_text_within_the_limit(server: FakeChatwoot, desk: Chatwoot, text: str) -> None:
    await desk.send(a_case(summary=text))
    note = the_one(server).shown[-1][1]
    assert len(note) <= LIMIT
    assert note.endswith(("linha\n…", "x\n…"))
    assert cut("kurz") == "kurz"


# -- again, and after a crash ------------------------------------------------------------------------


async def test_people_are_called_again_in_the_same_conversation(server: FakeChatwoot, desk: Chatwoot) -> None:
    placed = await desk.send(a_case())
    server.says(FIRST, "Bom dia, aqui é a recepção")
    the_one(server).status = "resolved"
    longer = [*TALK, Line("person", "Bom dia, aqui é a recepção", 5000), Line("contact", "Obrigada", 6000)]
    before = len(the_one(server).messages)
    second = await desk.send(a_case(id="case-2", transcript=longer, place=placed.place))
    new = the_one(server).shown[before:]
    assert new[0] == ("contact", "Obrigada"), "what is there already, also the agent's own words, is not said again"
    assert new[1][1].startswith("**Uma pessoa foi chamada de novo.**\n**Contato**")
    assert len(new) == 2
    assert the_one(server).status == "open"
    assert second.known_as == placed.known_as


async def test_what_a_colleague_said_elsewhere_stands_there_as_a_note(server: FakeChatwoot, desk: Chatwoot) -> None:
    await desk.send(a_case(transcript=[Line("person", "Já ligo", 1000)]))
    assert the_one(server).shown[0] == ("note", "**Equipe**: Já ligo")


async def test_a_conversation_that_was_deleted_is_begun_anew(server: FakeChatwoot, desk: Chatwoot) -> None:
    placed = await desk.send(a_case())
    del server.conversations[FIRST]
    second = await desk.send(a_case(id="case-2", place=placed.place))
    assert second.known_as == ("43",)
    assert server.conversations[43].shown[:-1] == as_people_see_it(), "all of it, as nothing of it is there"


STEPS = [
    "GET conversations", "POST contacts", "POST conversations", "GET labels", "POST labels", "POST assignments",
    "POST toggle_status", "GET messages", "POST messages",
]  # fmt: skip


@pytest.mark.parametrize("token", [AGENT, BOT])
@pytest.mark.parametrize("fault", [LOST, refused(500)], ids=["lost", "500"])
async def test_whatever_call_breaks_the_next_try_finishes_it(server: FakeChatwoot, token: str, fault: Fault) -> None:
    """Each call of a case fails once, done or not done; in the end all is there, in order."""
    desk = a_desk(server, token=token, labels=["recado"], team_id=TEAM)
    server.next("POST conversations", fault)
    for step in STEPS:
        if step != "POST conversations":
            server.next(step, fault)
    placed, tries = None, 0
    while placed is None and (tries := tries + 1) < 12:
        with contextlib.suppress(DeskError):
            placed = await desk.send(a_case())
    assert placed is not None
    assert tries > 5, "each of them failed in its turn"
    conversation = the_one(server)
    assert conversation.shown[: len(TALK)] == as_people_see_it()
    assert [text for _, text in conversation.shown[len(TALK) :]] == [module.introduction(a_case())]
    assert (conversation.labels, conversation.team, conversation.status) == (["recado"], TEAM, "open")
    assert placed.place["last"] == str(conversation.messages[-1]["id"])
    await desk.close()


async def _let(fake: FakeChatwoot, request: Any, answer: Any) -> Any:
    return await answer()


@pytest.mark.parametrize("done", range(3))
async def test_the_same_words_twice_in_a_second_are_two_messages(
    server: FakeChatwoot, desk: Chatwoot, done: int
) -> None:
    server.next("POST messages", *[_let] * done, LOST)
    item = news(Line("contact", "ok", 1000), Line("contact", "ok", 1000), Line("contact", "oi", 1000))
    await failing(desk, item)
    await desk.send(item)
    assert [text for _, text in the_one(server).shown] == ["ok", "ok", "oi"]


async def test_a_version_that_makes_source_ids_itself(server: FakeChatwoot) -> None:
    async with FakeChatwoot(own_source_ids=True) as other:
        desk = a_desk(other)
        placed = await desk.send(a_case())
        assert placed.place["source"] == "made-0"
        await desk.send(news(Line("contact", "oi", 9000), place=placed.place))
        await desk.close()
        assert len(other.contacts) == 1
        assert the_one(other).shown[-1] == ("contact", "oi")


# -- news and over ---------------------------------------------------------------------------------


async def test_what_the_contact_writes_meanwhile_is_the_contacts(server: FakeChatwoot, desk: Chatwoot) -> None:
    placed = await desk.send(a_case())
    told = await desk.send(
        news(Line("contact", "Alô?", 3500, NOTE, OPUS), Line("assistant", "Um momento", 5000), place=placed.place)
    )
    assert the_one(server).shown[-2:] == [("contact", "Áudio: Alô?"), ("note", "**Assistente**: Um momento")]
    assert told.place == {**placed.place, "last": str(the_one(server).messages[-1]["id"]), "until": "5000"}
    assert told.known_as == ("42",)


async def test_news_of_a_conversation_that_was_deleted_begins_one(server: FakeChatwoot, desk: Chatwoot) -> None:
    told = await desk.send(news(Line("contact", "oi", 1), place={"conversation": "41", "source": "gone", "last": "7"}))
    assert told.known_as == ("42",)
    assert the_one(server).shown == [("contact", "oi")]


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("idle_hours", "open", "pending"),
        ("next_business_day", "snoozed", "pending"),
        ("Ana", "open", "pending"),
        ("resolved", "open", "resolved"),
        ("resolved", "resolved", "resolved"),
        ("idle_hours", "resolved", "resolved"),
        ("idle_hours", "pending", "pending"),
    ],
)
async def test_the_assistant_answers_again(
    server: FakeChatwoot, desk: Chatwoot, reason: str, before: str, after: str
) -> None:
    placed = await desk.send(a_case())
    the_one(server).status = before
    assert await desk.send(over(reason, place=placed.place)) == Placed()
    assert the_one(server).shown[-1] == ("note", "O assistente voltou a responder.")
    assert the_one(server).status == after
    assert len(server.asked("POST toggle_status")) == (before != after)


@pytest.mark.parametrize("old", [False, True])
async def test_over_where_nothing_is_left(old: bool) -> None:
    async with FakeChatwoot(old=old) as server:
        desk = a_desk(server)
        assert await desk.send(over()) == Placed()
        assert await desk.send(over(place={"conversation": "42", "source": "gone"})) == Placed()
        await desk.close()


async def test_an_old_version_shows_no_conversation_to_bots_and_is_asked_otherwise() -> None:
    async with FakeChatwoot(old=True) as server:
        desk = a_desk(server)
        placed = await desk.send(a_case())
        the_one(server).status = "resolved"
        await desk.send(over(place=placed.place))
        assert the_one(server).status == "resolved"
        assert (await desk.send(a_case(id="case-2", place=placed.place))).known_as == ("42",)
        await desk.close()


# -- a conversation that is Chatwoot's own -----------------------------------------------------------


async def test_a_conversation_of_chatwoots_own_is_handed_over_with_what_is_there(server: FakeChatwoot) -> None:
    server.begin("the widget's", "pending")
    desk = of_the_bot(server)
    placed = await desk.send(a_case(place={"conversation": "42"}))
    conversation = the_one(server)
    assert (conversation.status, conversation.labels, conversation.team) == ("open", ["recado"], TEAM)
    assert conversation.shown == [("note", module.introduction(a_case()))], "what was said is there already"
    assert not server.contacts
    assert await desk.send(news(Line("contact", "oi", 1), place=placed.place)) == Placed()
    assert len(conversation.shown) == 1
    await desk.send(over(place=placed.place))
    assert conversation.status == "pending"
    await desk.close()


async def test_without_an_inbox_somebody_must_say_which_conversation(server: FakeChatwoot) -> None:
    desk = of_the_bot(server)
    error = await failing(desk, a_case())
    assert (error.reason, error.retryable) == ("no_conversation", False)
    assert "inbox_identifier" in error.hint
    await desk.close()


def of_the_bot(server: FakeChatwoot) -> Chatwoot:
    desk = a_desk(server, labels=["recado"], team_id=TEAM)
    desk._settings = desk._settings.model_copy(update={"inbox_identifier": ""})
    return desk


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason", "retryable", "after"),
    [
        (refused(400), "http_400", False, None),
        (refused(401), "http_401", True, 60),
        (refused(403), "http_403", True, 60),
        (refused(404), "http_404", False, None),
        (refused(422), "http_422", False, None),
        (refused(429, retry_after="7"), "http_429", True, 7),
        (refused(429, retry_after="soon"), "http_429", True, None),
        (refused(429, retry_after="999999999"), "http_429", True, 3600),
        (refused(500), "http_500", True, None),
        (refused(503, retry_after="30"), "http_503", True, 30),
        (refused(302, location="https://elsewhere.example.com/"), "http_302", True, 60),
        (SIGN_IN, "not_json", True, 60),
        (CUT, "ClientPayloadError", True, None),
        (LOST, "ServerDisconnectedError", True, None),
        (ENDLESS, "too_large", True, 60),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_a_failure_means(
    server: FakeChatwoot, desk: Chatwoot, fault: Fault, reason: str, retryable: bool, after: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "LARGEST_ANSWER", 2**20)
    server.next("POST contacts", fault)
    error = await failing(desk, a_case())
    assert (error.reason, error.retryable, error.retry_after) == (reason, retryable, after)
    assert error.hint
    assert BOT not in f"{error!r}{error.hint}{error.__cause__!r}"
    assert error.__cause__ is None


async def test_it_waits_for_no_one(server: FakeChatwoot, desk: Chatwoot) -> None:
    desk._session = client(allow_private=True, timeout=0.05)
    server.next("POST contacts", HANG)
    error = await failing(desk, a_case())
    assert (error.reason, error.retryable) == ("timeout", True)


async def test_nobody_listens() -> None:
    async with FakeChatwoot() as server:
        desk = a_desk(server)
    error = await failing(desk, a_case())
    assert (error.reason, error.retryable) == ("ClientConnectorError", True)
    assert "handoff.desk.url" in error.hint
    await desk.close()


async def test_the_way_inside_is_closed_unless_allowed(server: FakeChatwoot) -> None:
    desk = Chatwoot(server.settings(), queue="vendas", allow_private=False)
    error = await failing(desk, a_case())
    assert error.reason == "private_address"
    assert not server.calls
    await desk.close()


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"token": "wrong"}, "handoff.desk.token"),
        ({"inbox_identifier": "wrong"}, "handoff.desk.inbox_identifier"),
    ],
)
async def test_the_hint_names_the_key_to_mend(server: FakeChatwoot, more: dict[str, str], key: str) -> None:
    desk = a_desk(server, **more)
    assert key in (await failing(desk, a_case())).hint
    await desk.close()


# -- what people do ----------------------------------------------------------------------------------


def sample(name: str) -> Any:
    return orjson.loads((FIXTURES / f"{name}.json").read_bytes())


def told(desk: Chatwoot, body: Any) -> Event:
    [event] = desk.read(signed(json.dumps(body).encode()))
    return event


async def test_the_vector_of_the_signature(server: FakeChatwoot, desk: Chatwoot) -> None:
    vector = sample("signature.vector")
    headers = {name.lower(): value for name, value in vector.items() if name.startswith("X-")}
    assert desk.read(Hook(headers, vector["raw_body"].encode())) == [Noise("incoming")]
    assert vector["secret"] == SECRET


@pytest.mark.parametrize(
    "hook",
    [
        signed(b"{}", secret="another"),
        signed(b"{}", at=NOW - 301),
        signed(b"{}", at=NOW + 301),
        Hook({}, b"{}"),
        Hook(signed(b"{}").headers, b"{ }"),
        Hook({**signed(b"{}").headers, "x-chatwoot-timestamp": str(NOW - 1)}, b"{}"),
        Hook({**signed(b"{}").headers, "x-chatwoot-timestamp": "-1"}, b"{}"),
        Hook({**signed(b"{}").headers, "x-chatwoot-timestamp": f"{NOW}\u0663"}, b"{}"),
        Hook({**signed(b"{}").headers, "x-chatwoot-signature": "sha256=ü"}, b"{}"),
        Hook({}, b"{}", {"secret": SECRET}),
    ],
)
async def test_who_does_not_prove_it_is_not_read(server: FakeChatwoot, desk: Chatwoot, hook: Hook) -> None:
    with pytest.raises(Forged):
        desk.read(hook)


async def test_an_hour_ago_is_no_now_but_five_minutes_are(server: FakeChatwoot, desk: Chatwoot) -> None:
    for at in (NOW - 300, NOW + 300):
        assert desk.read(signed(b"{}", at=at)) == [Noise("other_event")]
    with pytest.raises(Forged):
        desk.prove(signed(b"{}", at=NOW - 3600).headers)


async def test_where_the_signature_is_off_the_address_proves_it(server: FakeChatwoot) -> None:
    desk = a_desk(server, verify=False)
    body = json.dumps(sample("webhook.message_created.outgoing.agent")).encode()
    desk.prove({})
    [event] = desk.read(Hook({}, body, {"secret": SECRET}))
    assert isinstance(event, Written)
    for query in ({}, {"secret": ""}, {"secret": "cw-secre"}, {"secret": "ü"}, {"secret": "\udcff"}):
        with pytest.raises(Forged):
            desk.read(Hook({}, body, query))
    with pytest.raises(Forged):
        desk.read(signed(body)), "signed, but without the secret in the address"


async def test_an_agent_wrote(server: FakeChatwoot, desk: Chatwoot) -> None:
    event = told(desk, sample("webhook.message_created.outgoing.agent"))
    assert event == Written("1001", "42", "Aqui é a recepção", 1795225200000, "Recepção")


@pytest.mark.parametrize("at", [None, 0, -1, 10**18, 1e300, True, "yesterday", "9" * 99, []])
async def test_a_time_that_is_none_is_now(server: FakeChatwoot, desk: Chatwoot, at: Any) -> None:
    event = told(desk, sample("webhook.message_created.outgoing.agent") | {"created_at": at})
    assert isinstance(event, Written)
    assert event.at == NOW * 1000


async def test_it_was_resolved(server: FakeChatwoot, desk: Chatwoot) -> None:
    event = told(desk, sample("webhook.conversation_resolved"))
    assert event == Resolved("42:resolved:1795226400000", "42", 1795226400000)
    changed = sample("webhook.conversation_status_changed")
    assert told(desk, changed) == Noise("not_resolved")
    assert told(desk, changed | {"status": "resolved"}) == event, "told twice, it is the same"
    later = told(desk, changed | {"status": "resolved", "updated_at": 1795226401.25})
    assert later == Resolved("42:resolved:1795226401250", "42", 1795226401250)


@pytest.mark.parametrize(
    ("meta", "person"),
    [
        ({"assignee": {"id": 5, "name": "Recepção", "available_name": "Rê"}, "assignee_type": "User"}, "Rê"),
        ({"assignee": {"id": 5, "name": "Recepção"}}, "Recepção"),
        ({"assignee": None}, ""),
        ({"assignee": {"id": 2, "name": "Bot"}, "assignee_type": "AgentBot"}, ""),
    ],
)
async def test_somebody_has_it(server: FakeChatwoot, desk: Chatwoot, meta: Any, person: str) -> None:
    body = sample("webhook.conversation_opened") | {"event": "conversation_updated", "meta": meta}
    change = {"assignee_id": {"previous_value": None, "current_value": 5}}
    event = told(desk, body | {"changed_attributes": [change], "updated_at": NOW})
    assert isinstance(event, Assigned)
    assert (event.thread, event.person, event.at) == ("42", person, NOW * 1000)
    assert told(desk, body | {"changed_attributes": [{"labels": {}}]}) == Noise("nobody_assigned")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"private": True}, "private"),
        ({"private": "yes"}, "private"),
        ({"message_type": "incoming"}, "incoming"),
        ({"message_type": "template"}, "template"),
        ({"message_type": "activity"}, "activity"),
        ({"message_type": "carrier pigeon"}, "unknown_type"),
        ({"sender": {"id": 2, "type": "agent_bot"}}, "no_person"),
        ({"sender": {"id": 2, "type": "captain_assistant"}}, "no_person"),
        ({"sender": None}, "no_person"),
        ({"source_id": "recado:abc"}, "ours"),
        ({"content_attributes": {"recado": "abc"}}, "ours"),
        ({"content_attributes": {"deleted": True}}, "deleted"),
        ({"content": ""}, "empty"),
        ({"content": None}, "empty"),
        ({"id": None}, "no_id"),
        ({"conversation": {}}, "no_id"),
        ({"account": {"id": 2}}, "another_account"),
        ({"event": "message_updated"}, "other_event"),
        ({"event": "webwidget_triggered"}, "other_event"),
    ],
)
async def test_what_is_no_agents_word_to_the_contact(
    server: FakeChatwoot, desk: Chatwoot, change: dict[str, Any], why: str
) -> None:
    assert told(desk, sample("webhook.message_created.outgoing.agent") | change) == Noise(why)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("webhook.*.json")), ids=lambda path: path.stem)
async def test_every_sample_is_read(server: FakeChatwoot, desk: Chatwoot, path: Path) -> None:
    event = told(desk, orjson.loads(path.read_bytes()))
    meant = {"webhook.message_created.outgoing.agent": Written, "webhook.conversation_resolved": Resolved}
    assert isinstance(event, meant.get(path.stem, Noise))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>Bom dia</p><p>Tudo <strong>bem</strong>?<br>Sim &amp; n&atilde;o</p>", "Bom dia\nTudo bem?\nSim & não"),
        ("a < b e c > d & e", "a < b e c > d & e"),
        ("primeira\\\nsegunda\\", "primeira\nsegunda"),
        ("C:\\pasta", "C:\\pasta"),
    ],
)
async def test_plain_text(server: FakeChatwoot, desk: Chatwoot, content: str, text: str) -> None:
    event = told(desk, sample("webhook.message_created.outgoing.agent") | {"content": content})
    assert isinstance(event, Written)
    assert event.text == text


async def test_a_file_is_a_line_with_its_link(server: FakeChatwoot, desk: Chatwoot) -> None:
    files = sample("webhook.message_created.audio")["attachments"]
    body = sample("webhook.message_created.outgoing.agent") | {"attachments": [*files, None, {"data_url": 3}]}
    link = "https://cw.example/rails/active_storage/blobs/redirect/x/voice.ogg"
    for content, text in (("veja", f"veja\n{link}"), (None, link)):
        event = told(desk, body | {"content": content})
        assert isinstance(event, Written)
        assert event.text == text


async def test_a_hook_without_an_end(server: FakeChatwoot, desk: Chatwoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_HOOK", 10)
    assert desk.read(signed(b'{"event": "message_created"}')) == [Noise("too_large")]


async def test_what_we_write_never_comes_back_as_an_agents(server: FakeChatwoot) -> None:
    """With an agent's key everything of ours is told to us as that agent's."""
    desk = a_desk(server, token=AGENT)
    placed = await desk.send(a_case())
    await desk.send(news(Line("contact", "oi", 5000), Line("person", "já vou", 6000), place=placed.place))
    await desk.send(over(place=placed.place))
    messages = the_one(server).messages
    assert len(messages) == len(TALK) + 4
    for message in messages:
        assert isinstance(told(desk, server.webhook_of(FIRST, message)), Noise)
        without_marks = message | {"source_id": None, "content_attributes": {}}
        assert isinstance(told(desk, server.webhook_of(FIRST, without_marks)), Noise), "also where no mark is kept"
    assert await desk.look(placed.place) == []
    await desk.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "id", "event", "message_type", "private", "sender", "conversation", "content", "content_attributes", "source_id",
    "attachments", "created_at", "updated_at", "timestamp", "status", "meta", "changed_attributes", "account",
]  # fmt: skip
EVENTS = ["message_created", "conversation_updated", "conversation_status_changed", "conversation_resolved"]


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(NAMES), JSON)).map(
        lambda pair: json.dumps({"event": pair[0], **pair[1]}).encode()
    )
)
def test_no_body_breaks_it(body: bytes) -> None:
    given = {"type": "chatwoot", "url": "https://cw.example", "token": "t", "account_id": ACCOUNT}
    settings = DeskSettings.model_validate(given | {"inbox_identifier": "i", "secret": SECRET})
    desk = Chatwoot(settings, queue="vendas", allow_private=True, now=lambda: float(NOW))
    for event in desk.read(signed(body)):
        assert isinstance(event, Written | Assigned | Resolved | Noise)


@settings(max_examples=200, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["x-chatwoot-signature", "x-chatwoot-timestamp", "x-chatwoot-delivery"]), st.text(max_size=80)
    ),
    query=st.dictionaries(st.just("secret"), st.text()),
    verify=st.booleans(),
)
def test_no_header_breaks_it(headers: dict[str, str], query: dict[str, str], verify: bool) -> None:
    given = {"type": "chatwoot", "url": "https://cw.example", "token": "t", "account_id": ACCOUNT, "verify": verify}
    settings = DeskSettings.model_validate(given | {"inbox_identifier": "i", "secret": SECRET})
    desk = Chatwoot(settings, queue="vendas", allow_private=True, now=lambda: float(NOW))
    with pytest.raises(Forged):
        desk.read(Hook(headers, b"{}", query))


# -- looking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [AGENT, BOT])
async def test_what_a_hook_did_not_bring_is_found(server: FakeChatwoot, token: str) -> None:
    desk = a_desk(server, token=token)
    placed = await desk.send(a_case())
    messages = [server.says(FIRST, f"resposta {n}") for n in range(30)]
    server.says(FIRST, "entre nós", private=True)
    server.says(FIRST, "Conversation was marked resolved", message_type=2, sender=None)
    told_later = await desk.send(news(Line("contact", "oi", 5000), place=placed.place))
    the_one(server).status = "resolved"
    found = await desk.look(told_later.place)
    assert found[:-1] == [told(desk, server.webhook_of(FIRST, message)) for message in messages], "as of a webhook"
    assert found[-1] == Resolved(f"42:resolved:{NOW}500", "42", NOW * 1000 + 500)
    await desk.close()


async def test_only_what_was_written_since_people_were_called(server: FakeChatwoot, desk: Chatwoot) -> None:
    placed = await desk.send(a_case())
    server.says(FIRST, "da primeira vez")
    again = await desk.send(a_case(id="case-2", place=placed.place))
    server.says(FIRST, "agora")
    assert [event.text for event in await desk.look(again.place) if isinstance(event, Written)] == ["agora"]


async def test_nothing_to_look_at(server: FakeChatwoot, desk: Chatwoot) -> None:
    assert await desk.look({}) == []
    assert await desk.look({"conversation": "x", "source": "y"}) == []
    assert not server.calls
    with pytest.raises(DeskError):
        await desk.look({"conversation": "41", "source": "y"})


@pytest.mark.parametrize(
    ("token", "more", "expected"),
    [(AGENT, {"team_id": TEAM}, True), (AGENT, {}, False), (AGENT, {"team_id": 9}, None), (BOT, {}, None)],
)
async def test_whether_somebody_is_there(
    server: FakeChatwoot, token: str, more: dict[str, int], expected: bool | None
) -> None:
    desk = a_desk(server, token=token, **more)
    assert await desk.online() is expected
    await desk.close()


async def test_nobody_knows_who_is_there(server: FakeChatwoot) -> None:
    desk = a_desk(server, token=AGENT)
    server.next("GET agents", SIGN_IN, refused(200, '[{"id": 1}, 3]'), refused(200, "{}"))
    assert [await desk.online() for _ in range(3)] == [None, None, None]
    await desk.close()


# -- is it right? ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"token": AGENT, "team_id": TEAM}, [("ok", "token"), ("ok", "inbox_identifier"), ("ok", "team_id")]),
        ({}, [("ok", "token"), ("ok", "inbox_identifier")]),
        ({"token": "wrong"}, [("error", "token")]),
        ({"account_id": 2}, [("error", "token")]),
        ({"token": AGENT, "team_id": 9}, [("ok", "token"), ("ok", "inbox_identifier"), ("error", "team_id")]),
        ({"inbox_identifier": "wrong"}, [("ok", "token"), ("error", "inbox_identifier")]),
    ],
)
async def test_is_it_right(server: FakeChatwoot, more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    desk = a_desk(server, **more)
    found = [(finding.level, finding.key.removeprefix("handoff.desk.")) for finding in await desk.check()]
    await desk.close()
    assert found == expected


async def test_is_it_right_where_nobody_answers(server: FakeChatwoot, desk: Chatwoot) -> None:
    server.next("GET profile", refused(502))
    [finding] = await desk.check()
    assert (finding.level, finding.key, finding.reason) == ("error", "handoff.desk.url", "http_502")
    server.next("GET inbox", refused(502))
    assert [finding.level for finding in await desk.check()] == ["ok", "warning"]


async def test_what_it_is_called(server: FakeChatwoot, desk: Chatwoot) -> None:
    assert desk.name == "chatwoot 127.0.0.1 account 1"
    assert SECRET not in repr(desk)
