"""What goes into an Intercom conversation, what comes out of it, and what survives a crash between two calls."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.desks.base import (
    Assigned,
    Case,
    DeskError,
    Forged,
    Hook,
    Item,
    Line,
    News,
    Noise,
    Over,
    Placed,
    Resolved,
    Written,
)
from gateway.desks.intercom import (
    FILE_BYTES,
    LONGEST_ANSWER,
    LONGEST_HOOK,
    Intercom,
    attachments,
    paragraphs,
    plain,
    same,
)
from gateway.desks.settings import DeskSettings
from tests.fakes.intercom import (
    ADMIN,
    ANA,
    FAULTS,
    NOW,
    SECRET,
    TEAM,
    TOKEN,
    FakeIntercom,
    error,
    headers,
    notification,
    part,
    sample,
)
from tests.fakes.wire import flood, refused

OGG = b"OggS\x00\x02" + bytes(40)
AT = 1795226340000
US = str(ADMIN)


def desk_of(url: str, *, allow_private: bool = True, **more: Any) -> Intercom:
    keys: dict[str, Any] = {"token": SecretStr(TOKEN), "secret": SecretStr(SECRET), "admin_id": ADMIN} | more
    return Intercom(
        DeskSettings(type="intercom", url=url, **keys),
        queue="atendimento",
        allow_private=allow_private,
        now=lambda: NOW,
    )


@pytest.fixture
async def intercom() -> AsyncIterator[FakeIntercom]:
    async with FakeIntercom() as running:
        yield running


@pytest.fixture
async def desk(intercom: FakeIntercom) -> AsyncIterator[Intercom]:
    made = desk_of(intercom.url, team_id=TEAM)
    yield made
    await made.close()


LINES = (
    Line("contact", "Quero remarcar a consulta", AT),
    Line("assistant", "Para <quando>?", AT + 1000),
    Line("contact", "Quero falar com alguém", AT + 2000, voice=OGG, mime="audio/ogg; codecs=opus"),
)
HEAD = (
    "Contato: Maria (5511999990001)\nCanal: whatsapp\nFila: atendimento → recepcao\nIdioma: pt-BR\n"
    "Motivo: A pessoa pediu para falar com alguém\n\nResumo:\nQuer remarcar a consulta."
)


def case(id: str = "ho_1", **more: Any) -> Case:
    known: dict[str, Any] = {
        "conversation": "c_42",
        "contact": "5511999990001",
        "name": "Maria",
        "channel": "whatsapp",
        "queue": "atendimento",
        "to": "recepcao",
        "reason": "user_request",
        "why": "A pessoa pediu para falar com alguém",
        "summary": "Quer remarcar a consulta.",
        "language": "pt-BR",
        "speaks": "pt-BR",
        "transcript": LINES,
    }
    return Case(id=id, **known | more)


def news(id: str = "n_1", *lines: Line, **more: Any) -> News:
    known: dict[str, Any] = {"conversation": "c_42", "contact": "5511999990001", "name": "Maria", "language": "pt-BR"}
    return News(id=id, lines=lines or (Line("contact", "Tem alguém aí?", round(NOW * 1000)),), **known | more)


async def refusal_of(desk: Intercom, item: Item) -> DeskError:
    with pytest.raises(DeskError) as raised:
        await desk.send(item)
    return raised.value


async def _untouched(fake: Any, request: Any) -> Any:
    return await fake.handle(request)


# -- a person is called ----------------------------------------------------------------------------


async def test_a_case_is_a_conversation_of_the_contact_with_notes(desk: Intercom, intercom: FakeIntercom) -> None:
    found = await desk.send(case())
    (contact,) = intercom.contacts.values()
    place = {"conversation": "1001", "contact": contact["id"], "at": str(AT + 2000)}
    assert found == Placed(place, ("1001",))
    assert (contact["role"], contact["external_id"], contact["name"]) == ("user", "recado:c_42", "Maria")
    begun = intercom.conversations["1001"]
    assert begun["source"]["body"] == "<p>[Áudio] Quero falar com alguém</p>"
    assert begun["team_assignee_id"] == TEAM
    said = "Contato: Quero remarcar a consulta\nAssistente: Para <quando>?\nContato: [Áudio] Quero falar com alguém"
    assert [(kind, who) for kind, who, _ in intercom.said("1001")] == [("note", US), ("note", US)]
    bodies = [p["body"] for p in intercom.parts("1001") if p["body"]]
    assert bodies == [paragraphs(HEAD), paragraphs(said)]
    assert bodies[0].startswith("<p>Contato: Maria (5511999990001)</p><p>Canal: whatsapp</p>")
    (file,) = intercom.parts("1001")[1]["attachments"]
    assert (file["name"], file["content_type"]) == ("voice-1.ogg", "audio/ogg")
    assert base64.b64decode(file["data"]) == OGG


async def test_the_calls_are_shaped_as_the_samples(desk: Intercom, intercom: FakeIntercom) -> None:
    await desk.send(case())
    (begin,), notes, (giving,) = (intercom.did("POST", end) for end in ("/conversations", "/reply", "/parts"))
    assert set(begin.json) == set(sample("create_conversation.request"))
    assert begin.json["from"]["type"] == sample("create_conversation.request")["from"]["type"]
    note = sample("reply.admin_note.request")
    assert set(notes[0].json) == set(note)
    assert all(notes[0].json[name] == note[name] for name in ("message_type", "type", "admin_id"))
    theirs = sample("assign_team.request")
    del theirs["body"]  # "you can leave a response in the conversation": the contact would read it
    assert giving.json == theirs


async def test_what_was_said_stays_what_it_was_in_a_note(desk: Intercom, intercom: FakeIntercom) -> None:
    bad = Line("contact", '<img src="https://evil.example/x"><b>oi</b> & tchau', AT)
    await desk.send(case(transcript=(bad,), name="<i>M</i>"))
    bodies = " ".join(p["body"] for p in intercom.parts("1001") if p["body"])
    assert "&lt;img" in bodies
    assert "<img" not in bodies
    assert "<i>" not in bodies


async def test_the_same_case_again_changes_nothing(desk: Intercom, intercom: FakeIntercom) -> None:
    first = await desk.send(case())
    intercom.clock += 600
    assert await desk.send(case()) == first
    assert (len(intercom.contacts), len(intercom.conversations), len(intercom.parts("1001"))) == (1, 1, 3)


@pytest.mark.parametrize("archived", [False, True])
async def test_a_contact_that_the_search_does_not_know(desk: Intercom, intercom: FakeIntercom, archived: bool) -> None:
    await desk.send(case(transcript=()))
    if archived:
        intercom.archived = set(intercom.contacts)
    else:
        intercom.searches = False
    found = await desk.send(case("ho_2", conversation="c_42"))
    assert found.place["contact"] in intercom.contacts
    assert (len(intercom.contacts), intercom.archived) == (1, set())


async def test_a_contact_that_was_deleted_meanwhile_is_looked_for_again(desk: Intercom, intercom: FakeIntercom) -> None:
    intercom.next("/conversations", error(404, "not_found", "User Not Found"))
    found = await refusal_of(desk, case())
    assert (found.reason, found.retryable) == ("no_contact", True)
    assert (await desk.send(case())).known_as == ("1001",)


async def test_called_again_it_is_the_same_conversation(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case())).place
    intercom.clock += 3600
    intercom.conversations["1001"] |= {"state": "closed", "open": False, "team_assignee_id": 7}
    at = round(intercom.clock * 1000)
    more = (*LINES, Line("assistant", "Até logo", at - 2000), Line("contact", "Voltei", at - 1000))
    found = await desk.send(case("ho_2", place=place, transcript=more))
    assert (found.place["conversation"], found.known_as, found.place["at"]) == ("1001", ("1001",), str(at - 1000))
    begun = intercom.conversations["1001"]
    assert (begun["state"], begun["team_assignee_id"]) == ("open", TEAM)
    kinds = [p["part_type"] for p in intercom.parts("1001")[3:]]
    assert kinds == ["open", "note", "note", "assignment"]
    assert intercom.said("1001")[2][2].startswith("Uma pessoa foi chamada de novo.")
    assert intercom.said("1001")[3][2] == "Assistente: Até logo\n\nContato: Voltei", "what was told is not told again"
    count = len(intercom.parts("1001"))
    await desk.send(case("ho_2", place=place, transcript=more))
    assert len(intercom.parts("1001")) == count


async def test_who_has_it_keeps_it(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    intercom.conversations["1001"] |= {"team_assignee_id": None, "admin_assignee_id": ANA}
    intercom.clock += 90_000
    await desk.send(case("ho_2", place=place))
    assert intercom.conversations["1001"]["team_assignee_id"] is None


async def test_each_call_says_that_it_is_one(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case())).place
    for n in (2, 3):
        intercom.clock += 600
        voltei = Line("contact", "Voltei", round(intercom.clock * 1000))
        place = (await desk.send(case(f"ho_{n}", place=place, transcript=(*LINES, voltei)))).place
    told = [words for _, _, words in intercom.said("1001")]
    assert [words.splitlines()[0][:17] for words in told[2:]] == ["Uma pessoa foi ch", "Contato: Voltei"] * 2


async def test_a_closed_one_goes_to_the_team_whoever_had_it(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case())).place
    intercom.conversations["1001"] |= {"state": "closed", "team_assignee_id": None, "admin_assignee_id": ANA}
    await desk.send(case("ho_2", place=place))
    assert intercom.conversations["1001"]["team_assignee_id"] == TEAM


async def test_of_several_conversations_the_latest_is_it(desk: Intercom, intercom: FakeIntercom) -> None:
    await desk.send(case())
    intercom.conversations["1002"] = intercom.conversations["1001"] | {"id": "1002", "created_at": int(NOW) + 5}
    assert (await desk.send(case("ho_2"))).known_as == ("1002",)


async def test_a_contact_and_a_conversation_that_were_deleted_are_made_anew(
    desk: Intercom, intercom: FakeIntercom
) -> None:
    place = (await desk.send(case())).place
    intercom.contacts.clear()
    intercom.conversations.clear()
    intercom.contacts["other"] = {"id": "other", "external_id": "somebody"}
    found = await desk.send(case("ho_2", place=place))
    assert found.place["contact"] in intercom.contacts
    assert found.place["contact"] != place["contact"]


async def test_a_deleted_conversation_is_begun_anew(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case())).place
    other = intercom.conversations.pop("1001") | {"id": "9", "contacts": {"contacts": [{"id": "somebody"}]}}
    intercom.conversations["9"] = other
    found = await desk.send(case("ho_2", place=place))
    assert found.known_as == ("1002",)
    assert len(intercom.said("1002")) == 2, "the whole of it, in a new place"


async def test_without_a_team_and_without_words(intercom: FakeIntercom) -> None:
    desk = desk_of(intercom.url)
    await desk.send(case(transcript=(), name=""))
    assert intercom.conversations["1001"]["source"]["body"] == "<p>A pessoa pediu para falar com alguém</p>"
    assert not intercom.did("POST", "/parts")
    (contact,) = intercom.contacts.values()
    assert contact["name"] == "5511999990001"
    await desk.close()


async def test_a_voice_note_that_is_refused_leaves_its_words(desk: Intercom, intercom: FakeIntercom) -> None:
    intercom.next("/reply", _untouched, "invalid")
    await desk.send(case())
    last = intercom.parts("1001")[1]
    assert "[Áudio] Quero falar com alguém" in last["plain"]
    assert last["attachments"] == []


def test_the_newest_voice_notes_go_along_as_far_as_there_is_room() -> None:
    notes = [Line("contact", "", AT, voice=bytes([n]), mime="audio/mpeg") for n in range(12)]
    kept = attachments(notes)
    assert [base64.b64decode(file["data"])[0] for file in kept] == list(range(2, 12))
    assert [file["name"] for file in kept][:2] == ["voice-1.mp3", "voice-2.mp3"]
    large = Line("contact", "", AT, voice=bytes(FILE_BYTES), mime="audio/x-unknown")
    assert [file["content_type"] for file in attachments([notes[0], large])] == ["application/octet-stream"]
    assert attachments([Line("contact", "oi", AT)]) == []


# -- since then ------------------------------------------------------------------------------------


async def test_what_the_contact_says_is_the_contacts(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    intercom.conversations["1001"] |= {"state": "closed", "open": False}
    at = round(NOW * 1000)
    lines = (
        Line("contact", "Olá? <3", at),
        Line("contact", "", at + 1, voice=OGG, mime="audio/ogg"),
        Line("person", "Já vou (do celular)", at + 2),
        Line("contact", "Obrigada", at + 3),
    )
    found = await desk.send(news("n_1", *lines, place=place))
    assert found == Placed({**place, "at": str(at + 3)}, ("1001",))
    contact = place["contact"]
    assert intercom.said("1001")[1:] == [
        ("comment", contact, "Olá? <3\n[Áudio] não foi possível ouvir"),
        ("note", US, "Equipe: Já vou (do celular)"),
        ("comment", contact, "Obrigada"),
    ]
    assert len(intercom.did("POST", "/reply")[1].json["attachment_files"]) == 1


async def test_the_same_words_said_later_are_said_again(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    for n in range(2):
        await desk.send(news(f"n_{n}", Line("contact", "ok", round(intercom.clock * 1000)), place=place))
        intercom.clock += 60
    assert [words for _, _, words in intercom.said("1001")[1:]] == ["ok", "ok"]


async def test_news_of_a_contact_who_was_deleted_is_a_note(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    intercom.contacts.clear()
    await desk.send(news(place=place))
    assert intercom.said("1001")[1:] == [("note", US, "Contato: Tem alguém aí?")]


async def test_news_for_a_deleted_conversation_begins_one_with_it(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    intercom.conversations.clear()
    lines = (Line("assistant", "Oi", round(NOW * 1000)), Line("contact", "Alô?\nAlguém?", round(NOW * 1000) + 1))
    for _ in range(2):
        found = await desk.send(news("n_1", *lines, place=place))
    assert found.known_as == ("1001",)
    assert intercom.conversations["1001"]["source"]["body"] == "<p>Alô?\nAlguém?</p>"
    assert intercom.said("1001") == [("note", US, "Assistente: Oi")]


async def test_over_is_a_note_once_for_each_time(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    over = Over("o_1", "c_42", "resolved", "en", place)
    for _ in range(2):
        assert await desk.send(over) == Placed()
    intercom.clock += 90_000
    await desk.send(case("ho_2", place=place, transcript=()))
    await desk.send(over)
    told = [words for _, _, words in intercom.said("1001")]
    assert told[1] == told[3] == "The assistant answers again."
    assert len(told) == 4


async def test_over_after_other_things_of_ours(desk: Intercom, intercom: FakeIntercom) -> None:
    place = (await desk.send(case(transcript=()))).place
    intercom.parts("1001").clear()
    over = Over("o_1", "c_42", "resolved", "en", place)
    await desk.send(over)
    theirs = {"part_type": "comment", "author": {"type": "admin", "id": US}, "body": "<p>Hi</p>", "plain": "Hi"}
    intercom.parts("1001").append(intercom.parts("1001")[0] | theirs)
    await desk.send(over)
    assert [words for _, _, words in intercom.said("1001")] == ["The assistant answers again.", "Hi"]


@pytest.mark.parametrize("place", [{}, {"conversation": "77", "contact": "x"}, {"conversation": "../me"}])
async def test_over_of_what_is_gone_is_nothing(
    desk: Intercom, intercom: FakeIntercom, place: Mapping[str, str]
) -> None:
    assert await desk.send(Over("o_1", "c_42", "resolved", "pt", place)) == Placed()
    assert [call.path for call in intercom.calls] in ([], ["/conversations/77"])


# -- what goes wrong -------------------------------------------------------------------------------

WRONG = [
    ("unauthorized", "http_401", True, 60.0, "handoff.desk.token"),
    ("forbidden", "http_403", True, 60.0, "handoff.desk.token"),
    ("nothing_here", "http_404", True, 60.0, "handoff.desk.url"),
    ("moved", "http_301", True, 60.0, "handoff.desk.url"),
    ("page", "not_json", True, None, "handoff.desk.url"),
    ("list", "not_json", True, None, "handoff.desk.url"),
    ("throttled", "http_429", True, 10.0, ""),
    ("maintenance", "http_503", True, 30.0, ""),
    ("broken", "http_500", True, None, ""),
    ("old_version", "http_400", True, 60.0, "handoff.desk.version"),
    ("not_found", "http_404", False, None, "not_found: Resource Not Found"),
    ("bad_request", "http_400", False, None, "parameter_not_found: body is required"),
    ("invalid", "http_422", False, None, "parameter_invalid"),
    ("cut", "ClientPayloadError", True, None, "handoff.desk.url"),
]


@pytest.mark.parametrize(("fault", "reason", "retryable", "wait", "hint"), WRONG, ids=[each[0] for each in WRONG])
async def test_what_an_error_means(
    desk: Intercom, intercom: FakeIntercom, fault: str, reason: str, retryable: bool, wait: float | None, hint: str
) -> None:
    intercom.next("/contacts/search", fault)
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable, error.retry_after) == (reason, retryable, wait)
    assert hint in error.hint
    assert TOKEN not in f"{error!r} {error.hint}"


@pytest.mark.parametrize(("reset", "wait"), [("1795226399", 1.0), ("1795999999", 3600.0), ("soon", None)])
async def test_a_reset_is_a_time_and_never_far(
    desk: Intercom, intercom: FakeIntercom, reset: str, wait: float | None
) -> None:
    intercom.next("/contacts/search", refused(429, {}, **{"X-RateLimit-Reset": reset}))
    assert (await refusal_of(desk, case())).retry_after == wait


async def test_an_answer_that_never_ends_is_not_kept(desk: Intercom, intercom: FakeIntercom) -> None:
    intercom.next("/contacts", flood(LONGEST_ANSWER + 1_000_000))
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable) == ("AnswerTooLarge", True)


async def test_an_answer_that_does_not_come_is_waited_for_no_longer(
    intercom: FakeIntercom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.desks.intercom.TIMEOUT", 0.2)
    desk = desk_of(intercom.url)
    intercom.next("/contacts/search", "hang")
    assert (await refusal_of(desk, case())).retryable
    await desk.close()


@pytest.mark.parametrize("path", ["/contacts", "/conversations"])
@pytest.mark.parametrize("body", [{}, {"id": "", "conversation_id": None}, {"id": "a/b", "conversation_id": "../x"}])
async def test_what_has_no_id_was_not_made(
    desk: Intercom, intercom: FakeIntercom, path: str, body: Mapping[str, Any]
) -> None:
    intercom.next(path, refused(200, body))
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable) == (f"no_{path[1:-1]}", True)


@pytest.mark.parametrize("looked_at", [True, False], ids=["written", "resolved"])
async def test_an_address_inside_is_not_called(
    intercom: FakeIntercom, monkeypatch: pytest.MonkeyPatch, looked_at: bool
) -> None:
    if not looked_at:
        monkeypatch.setattr("gateway.desks.intercom.problem_with", lambda url, allow_private: "")
    desk = desk_of(intercom.url, allow_private=False)
    error = await refusal_of(desk, case())
    assert error.reason == ("address_refused" if looked_at else "private_address")
    assert (error.retryable, error.retry_after) == (True, 60.0)
    assert not intercom.calls
    await desk.close()


# -- is somebody there, is it right? ---------------------------------------------------------------


async def test_a_check_names_what_it_found(desk: Intercom) -> None:
    found = [(each.level, each.key, each.message) for each in await desk.check()]
    assert found == [
        ("ok", "handoff.desk.token", "the token is of Intercom's workspace Clínica"),
        ("ok", "handoff.desk.admin_id", "the teammate is recado"),
        ("ok", "handoff.desk.team_id", "the team is Recepção"),
    ]
    assert desk.name == "intercom atendimento"


@pytest.mark.parametrize(
    ("fault", "name"), [("unauthorized", "token"), ("nothing_here", "url"), ("page", "url"), ("broken", "url")]
)
async def test_a_check_names_the_key_to_mend(desk: Intercom, intercom: FakeIntercom, fault: str, name: str) -> None:
    intercom.next("/me", fault)
    (found,) = await desk.check()
    assert (found.level, found.key) == ("error", f"handoff.desk.{name}")
    assert TOKEN not in found.message


async def test_a_check_knows_wrong_numbers(intercom: FakeIntercom) -> None:
    desk = desk_of(intercom.url, admin_id=5, team_id=6)
    found = [(each.level, each.key) for each in await desk.check()]
    assert found[1:] == [("error", "handoff.desk.admin_id"), ("error", "handoff.desk.team_id")]
    await desk.close()


async def test_nobody_is_there_when_all_of_the_team_are_away(desk: Intercom, intercom: FakeIntercom) -> None:
    assert await desk.online() is True
    intercom.admins[1]["away_mode_enabled"] = True
    assert await desk.online() is False
    intercom.admins[1]["team_ids"] = []
    assert await desk.online() is None, "the team is empty"
    intercom.next("/admins", "broken")
    assert await desk.online() is None


# -- what teammates do -----------------------------------------------------------------------------


@pytest.fixture
def closed() -> Intercom:
    """One that only reads."""
    return desk_of("")


def read(desk: Intercom, told: Any) -> list[Any]:
    body = json.dumps(told).encode()
    return list(desk.read(Hook(headers(body), body)))


REPLIED, ASSIGNED, CLOSED = (f"conversation.admin.{what}" for what in ("replied", "assigned", "closed"))
AT_PART = 1795226380000


def test_a_reply(closed: Intercom) -> None:
    told = notification(REPLIED, part(body="<p>Bom dia, <b>Maria</b>!</p><p>Tudo&nbsp;bem? &lt;3</p>"))
    assert read(closed, told) == [Written("2824382500", "1001", "Bom dia, Maria!\nTudo bem? <3", AT_PART, "Ana")]


def test_a_reply_that_takes_the_conversation_comes_as_two(closed: Intercom) -> None:
    """The same part under both topics, as Intercom posts it."""
    taking = part("assignment", assigned_to={"type": "admin", "id": str(ANA), "name": "Ana"})
    assert read(closed, notification(REPLIED, taking)) == [Written("2824382500", "1001", "Bom dia!", AT_PART, "Ana")]
    assert read(closed, notification(ASSIGNED, taking)) == [Assigned("2824382500:assigned", "1001", AT_PART, "Ana")]


def test_assignments(closed: Intercom) -> None:
    def to(whom: Any) -> list[Any]:
        return read(closed, notification(ASSIGNED, part("assignment", None, assigned_to=whom)))

    assert to({"type": "team", "id": str(TEAM)}) == [Noise("assigned_to_a_team")]
    assert to({"type": "admin", "id": 7}) == [Assigned("2824382500:assigned", "1001", AT_PART, "7")]
    assert to({"type": "nobody_admin", "id": None}) == [Assigned("2824382500:assigned", "1001", AT_PART, "")]
    assert to(None) == [Assigned("2824382500:assigned", "1001", AT_PART, "")]


def test_closed_with_and_without_words(closed: Intercom) -> None:
    resolved = Resolved("2824382500:closed", "1001", AT_PART, "Ana")
    assert read(closed, notification(CLOSED, part("close", None))) == [resolved]
    said = Written("2824382500", "1001", "Tchau", AT_PART, "Ana")
    assert read(closed, notification(CLOSED, part("close", "<p>Tchau</p>"))) == [said, resolved]
    assert read(closed, notification(CLOSED)) == [Resolved("notif_44d1f763:closed", "1001", 1795226390000, "")]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"part_type": "note"}, "private_note"),
        ({"part_type": "note_and_reopen"}, "private_note"),
        ({"author": {"type": "bot", "id": "278", "name": "Fin"}}, "by_no_teammate"),
        ({"author": {"type": "admin", "id": "1", "from_ai_agent": True}}, "by_no_teammate"),
        ({"is_ai_answer": True}, "by_no_teammate"),
        ({"author": {"type": "user", "id": "x"}}, "by_no_teammate"),
        ({"body": "<p> </p>"}, "nothing_written"),
        ({"body": None}, "nothing_written"),
    ],
)
def test_what_is_not_for_the_contact_is_noise(closed: Intercom, changed: dict[str, Any], reason: str) -> None:
    assert read(closed, notification(REPLIED, part(**changed) if "body" in changed else part() | changed)) == [
        Noise(reason)
    ]


def test_other_topics_and_shapes_are_noise(closed: Intercom) -> None:
    ping = {"type": "notification_event", "topic": "ping", "id": None, "data": {"item": {"type": "ping"}}}
    assert read(closed, ping) == [Noise("ping")]
    assert read(closed, notification("conversation.admin.noted", part("note"))) == [Noise("conversation.admin.noted")]
    assert read(closed, notification(REPLIED)) == [Noise("no_part")]
    assert read(closed, notification(REPLIED, part(), thread="../1")) == [Noise("no_conversation")]
    odds: list[Any] = [[], None, 7, "x", {}, {"topic": REPLIED, "data": []}]
    for odd in odds:
        assert [type(one) for one in read(closed, odd)] == [Noise]
    for raw in (b"", b"{", b"\xff", b"[" * 9999, b" " * (LONGEST_HOOK + 1)):
        assert isinstance(closed.read(Hook(headers(raw), raw))[0], Noise)


def test_files_are_links(closed: Intercom) -> None:
    files = [{"url": "https://downloads.intercomcdn.com/a.pdf"}, {"url": "javascript:x"}, {"name": "no url"}]
    (found,) = read(closed, notification(REPLIED, part(attachments=files, body="<p>Segue</p>")))
    assert found.text == "Segue\nhttps://downloads.intercomcdn.com/a.pdf"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>a</p>\n<p>b<br>c</p>", "a\nb\nc"),
        ('<p>veja <a href="https://x.example/p">aqui</a>.</p>', "veja aqui (https://x.example/p)."),
        ('<a href="https://x.example/p">https://x.example/p</a>', "https://x.example/p"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<div class="intercom-container"><img src="https://i.example/1.png"></div>', "https://i.example/1.png"),
        ("<ul><li>um</li><li>dois</li></ul>", "- um\n- dois"),
        ("<style>p{}</style><script>alert(1)</script>oi", "oi"),
        ("1 &lt; 2 &amp;&amp; 3 > 2", "1 < 2 && 3 > 2"),
        ("</script></p>solto", "solto"),
        ("a < b", "a < b"),
    ],
)
def test_html_becomes_what_a_chat_shows(body: str, text: str) -> None:
    assert plain(body) == text


@given(st.text(alphabet="ab <>&\"'\n/é世\xa0", max_size=60))
@settings(deadline=None)
def test_a_note_is_found_again_however_it_comes_back(text: str) -> None:
    """As the HTML that was sent, and as plain text."""
    whole = "x" + text
    assert plain(paragraphs(whole)).split() == whole.split()
    for came in (paragraphs(whole), whole, whole.replace("\n", "\n\n"), f"<p>{html.escape(whole)}</p>"):
        assert same(came, paragraphs(whole))
        assert same(came, whole)
    assert not same(paragraphs(whole + "!"), whole)


# -- proof -----------------------------------------------------------------------------------------


def test_a_vector(closed: Intercom) -> None:
    """printf '{"topic":"ping"}' | openssl dgst -sha1 -hmac client-secret-of-a-test"""
    signed = {"x-hub-signature": "sha1=97189219b03c451132de50239dad469aa870ee39"}
    assert closed.read(Hook(signed, b'{"topic":"ping"}')) == [Noise("ping")]


@pytest.mark.parametrize("told", ["", "sha1=", "sha256=" + "a" * 64, "sha1=" + "a" * 40, "sha1=" + "é" * 40, "A" * 45])
def test_whoever_cannot_sign_is_turned_away(closed: Intercom, told: str) -> None:
    body = b'{"topic":"ping"}'
    with pytest.raises(Forged):
        closed.read(Hook({"x-hub-signature": told}, body))
    with pytest.raises(Forged):
        closed.prove({})


def test_another_secret_and_another_body_are_turned_away(closed: Intercom) -> None:
    body = b'{"topic":"ping"}'
    for hook in (Hook(headers(body, secret="another"), body), Hook(headers(body), body + b" ")):
        closed.prove(hook.headers)
        with pytest.raises(Forged):
            closed.read(hook)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
PARTS = st.dictionaries(st.sampled_from(list(part())), JSON).map(lambda changed: part() | changed)
TOLD = st.builds(
    lambda topic, parts, more: notification(topic, *parts) | more,
    st.sampled_from([REPLIED, ASSIGNED, CLOSED]),
    st.lists(PARTS, max_size=3),
    st.dictionaries(st.sampled_from(["data", "id", "created_at", "topic"]), JSON),
)


@given(TOLD | JSON)
@settings(deadline=None)
def test_no_json_is_an_error(told: Any) -> None:
    for one in read(desk_of(""), told):
        assert isinstance(one, Written | Assigned | Resolved | Noise)


@given(st.binary(max_size=300), st.text(max_size=60))
@settings(deadline=None)
def test_no_bytes_and_no_headers_are_an_error_but_forged(body: bytes, told: str) -> None:
    desk = desk_of("")
    assert isinstance(desk.read(Hook(headers(body), body))[0], Noise)
    with pytest.raises(Forged):
        desk.read(Hook({"x-hub-signature": told}, body))


def test_every_fault_is_used_somewhere() -> None:
    source = Path(__file__).read_text("utf-8")
    assert all(f'"{name}"' in source for name in FAULTS)
