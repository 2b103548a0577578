"""What goes into a Zendesk ticket, what comes out of it, and what survives a crash between two calls."""

from __future__ import annotations

import json
import re
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
from gateway.desks.settings import DeskSettings
from gateway.desks.zendesk import LONGEST_ANSWER, LONGEST_HOOK, Zendesk, event
from tests.fakes.wire import flood, refused
from tests.fakes.zendesk import (
    AGENT,
    EMAIL,
    FAULTS,
    FIRST_TICKET,
    GROUP,
    LOST,
    NOW,
    SECRET,
    TOKEN,
    FakeZendesk,
    headers,
    sample,
)

OGG = b"OggS\x00\x02" + bytes(40)
AT = 1795226340000
PAGE = Path(__file__).parents[2] / "docs" / "desks" / "zendesk.md"


def desk_of(url: str, *, allow_private: bool = True, **more: Any) -> Zendesk:
    keys: dict[str, Any] = {"email": EMAIL, "token": SecretStr(TOKEN), "secret": SecretStr(SECRET)} | more
    settings = DeskSettings(type="zendesk", url=url, **keys)
    return Zendesk(settings, queue="atendimento", allow_private=allow_private, now=lambda: NOW)


@pytest.fixture
async def zendesk() -> AsyncIterator[FakeZendesk]:
    async with FakeZendesk() as running:
        yield running


@pytest.fixture
async def desk(zendesk: FakeZendesk) -> AsyncIterator[Zendesk]:
    made = desk_of(zendesk.url, group_id=GROUP, labels=("assistente",))
    yield made
    await made.close()


LINES = (
    Line("contact", "Quero remarcar a consulta", AT),
    Line("assistant", "Para quando?", AT + 1000),
    Line("contact", "Quero falar com alguém", AT + 2000, voice=OGG, mime="audio/ogg; codecs=opus"),
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
        "url": "https://chat.example.com/inbox/c_42",
    }
    return Case(id=id, **known | more)


def news(id: str = "n_1", *lines: Line, **more: Any) -> News:
    known: dict[str, Any] = {"conversation": "c_42", "contact": "5511999990001", "name": "Maria", "language": "pt-BR"}
    return News(id=id, lines=lines or (Line("contact", "Tem alguém aí?", AT),), **known | more)


async def refusal_of(desk: Zendesk, item: Item) -> DeskError:
    with pytest.raises(DeskError) as raised:
        await desk.send(item)
    return raised.value


# -- a person is called ----------------------------------------------------------------------------


async def test_a_case_is_a_ticket_with_a_note(desk: Zendesk, zendesk: FakeZendesk) -> None:
    found = await desk.send(case())
    ticket, user = zendesk.tickets[FIRST_TICKET], zendesk.users[zendesk.requester]
    place = {"ticket": "35436", "requester": str(user["id"]), "at": str(AT + 2000)}
    assert found == Placed(place, ("35436",))
    assert (user["name"], user["external_id"]) == ("Maria", "recado:c_42")
    assert user["skip_verify_email"] is True
    assert ticket["subject"] == "Maria: A pessoa pediu para falar com alguém"
    assert ticket["requester_id"] == user["id"]
    assert (ticket["external_id"], ticket["group_id"]) == ("c_42", GROUP)
    assert ticket["tags"] == ["recado", "assistente"]
    note, said = zendesk.comments()
    assert (note["public"], said["public"]) == (False, False)
    assert note["body"] == (
        "Contato: Maria (5511999990001)\n"
        "Canal: whatsapp\n"
        "Fila: atendimento → recepcao\n"
        "Idioma: pt-BR\n"
        "Motivo: A pessoa pediu para falar com alguém\n\n"
        "Resumo:\nQuer remarcar a consulta.\n\n"
        "Abrir a conversa: https://chat.example.com/inbox/c_42"
    )
    assert said["body"] == (
        "Contato: Quero remarcar a consulta\nAssistente: Para quando?\nContato: [Áudio] Quero falar com alguém"
    )
    assert [zendesk.uploads[token] for token in said["uploads"]] == [("voice-1.ogg", "audio/ogg", OGG)]


async def test_the_creating_call_has_the_samples_keys_and_an_idempotency_key(
    desk: Zendesk, zendesk: FakeZendesk
) -> None:
    await desk.send(case("ho_1"))
    (call,) = zendesk.did("POST", "/tickets.json")
    theirs, ours = sample("create_ticket.request")["ticket"], call.json["ticket"]
    assert set(theirs) - {"requester", "priority"} <= set(ours)
    assert call.headers["idempotency-key"] == "ho_1"
    assert set(ours["comment"]) == {"body", "public"}, "an upload's token differs from try to try"


async def test_a_key_is_something_a_header_can_carry(desk: Zendesk, zendesk: FakeZendesk) -> None:
    await desk.send(case("ação/" + "x" * 300))
    assert re.fullmatch(r"[0-9a-f]{40}", zendesk.did("POST", "/tickets.json")[0].headers["idempotency-key"])


async def test_the_same_case_again_changes_nothing(desk: Zendesk, zendesk: FakeZendesk) -> None:
    first = await desk.send(case())
    assert await desk.send(case()) == first
    assert (len(zendesk.tickets), len(zendesk.comments()), len(zendesk.uploads)) == (1, 2, 1)


async def _untouched(fake: Any, request: Any) -> Any:
    return await fake.handle(request)


async def test_what_was_just_made_is_not_said_again(desk: Zendesk, zendesk: FakeZendesk) -> None:
    """Should Zendesk keep no metadata of a creation."""
    zendesk.marks_creations = False
    await desk.send(case(transcript=()))
    assert len(zendesk.comments()) == 1


async def test_a_lost_key_is_made_up_for_by_looking_first(desk: Zendesk, zendesk: FakeZendesk) -> None:
    """Zendesk forgets keys; retries may go on for longer."""
    zendesk.next("POST", _untouched, LOST)
    await refusal_of(desk, case())
    zendesk._keys.clear()
    await desk.send(case())
    assert len(zendesk.tickets) == 1


async def test_a_ticket_that_is_not_listed_yet_is_found_by_its_key_or_waited_for(
    desk: Zendesk, zendesk: FakeZendesk
) -> None:
    zendesk.next("POST", _untouched, LOST)
    await refusal_of(desk, case())
    zendesk.lists = False
    error = await refusal_of(desk, case(name="Maria Silva"))
    assert (error.reason, error.retryable) == ("idempotency_key", True)
    assert (await desk.send(case())).known_as == ("35436",)
    zendesk.lists = True
    assert (await desk.send(case(name="Maria Silva"))).known_as == ("35436",)
    assert len(zendesk.tickets) == 1


async def test_called_again_it_is_the_same_ticket_open_again(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    zendesk.tickets[FIRST_TICKET]["status"] = "solved"
    found = await desk.send(case("ho_2", place=place, summary="Voltou."))
    assert (found.place, found.known_as) == (place, ("35436",))
    assert zendesk.tickets[FIRST_TICKET]["status"] == "open"
    _, _, note = zendesk.comments()
    assert note["body"].startswith("Uma pessoa foi chamada de novo.\nContato: Maria")
    assert not note["public"]


async def test_called_again_only_what_is_new_is_told(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    place = (await desk.send(news("n_1", Line("contact", "Obrigada!", AT + 3000), place=place))).place
    more = (*LINES, Line("contact", "Obrigada!", AT + 3000), Line("assistant", "Até logo.", AT + 4000))
    found = await desk.send(case("ho_2", place=place, transcript=more))
    assert zendesk.comments()[-1]["body"] == "Assistente: Até logo."
    assert found.place["at"] == str(AT + 4000)


async def test_a_closed_ticket_is_followed_up(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    zendesk.tickets[FIRST_TICKET]["status"] = "closed"
    found = await desk.send(case("ho_2", place=place))
    assert (found.place["ticket"], found.known_as) == ("35437", ("35437",))
    assert zendesk.tickets[35437]["via_followup_source_id"] == FIRST_TICKET
    assert await desk.send(case("ho_2", place=place)) == found, "tried again with the place it had before"
    assert len(zendesk.tickets) == 2


async def test_a_deleted_ticket_is_replaced(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    del zendesk.tickets[FIRST_TICKET]
    zendesk.audits.clear()
    zendesk._keys.clear()
    found = await desk.send(case("ho_2", place=place))
    assert found.known_as == ("35436",)
    assert "via_followup_source_id" not in zendesk.tickets[FIRST_TICKET]


async def test_somebody_elses_ticket_with_our_external_id_is_left_alone(desk: Zendesk, zendesk: FakeZendesk) -> None:
    zendesk.tickets[9] = {"id": 9, "status": "open", "external_id": "c_42", "tags": ["other"]}
    assert (await desk.send(case())).known_as != ("9",)


async def test_a_nameless_contact_and_a_bare_case(desk: Zendesk, zendesk: FakeZendesk) -> None:
    bare = case(name="  ", why="", summary="", url="", transcript=(), to="atendimento", language="en")
    await desk.send(bare)
    (note,) = zendesk.comments()
    assert zendesk.users[zendesk.requester]["name"] == "5511999990001"
    assert note["body"] == (
        "Contact: 5511999990001\nChannel: whatsapp\nQueue: atendimento\nLanguage: pt-BR\nReason: user_request"
    )


async def test_a_voice_note_that_is_refused_leaves_its_words(desk: Zendesk, zendesk: FakeZendesk) -> None:
    zendesk.next("POST", _untouched, _untouched, "invalid")
    await desk.send(case())
    said = zendesk.comments()[1]
    assert "[Áudio] Quero falar com alguém" in said["body"]
    assert "uploads" not in said


async def test_the_newest_voice_notes_go_along(desk: Zendesk, zendesk: FakeZendesk) -> None:
    notes = tuple(Line("contact", f"n{n}", AT + n, voice=OGG + bytes([n]), mime="audio/mpeg") for n in range(25))
    await desk.send(case(transcript=notes))
    kept = [sound[-1] for _, _, sound in zendesk.uploads.values()]
    assert kept == list(range(5, 25))
    assert next(iter(zendesk.uploads.values()))[:2] == ("voice-1.mp3", "audio/mpeg")


# -- since then ------------------------------------------------------------------------------------


async def test_what_the_contact_says_is_the_contacts(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case(transcript=()))).place
    zendesk.tickets[FIRST_TICKET]["status"] = "pending"
    lines = (
        Line("contact", "Olá?", AT),
        Line("contact", "", AT + 1, voice=OGG, mime="audio/ogg"),
        Line("person", "Já vou (do celular)", AT + 2),
        Line("contact", "Obrigada", AT + 3),
    )
    found = await desk.send(news("n_1", *lines, place=place))
    assert found == Placed({**place, "at": str(AT + 3)}, ("35436",))
    said = zendesk.comments()[1:]
    requester = zendesk.requester
    assert [(c["author_id"], c["public"], c["body"]) for c in said] == [
        (requester, True, "Olá?\n[Áudio] não foi possível ouvir"),
        (AGENT, False, "Equipe: Já vou (do celular)"),
        (requester, True, "Obrigada"),
    ]
    assert len(said[0]["uploads"]) == 1
    assert zendesk.tickets[FIRST_TICKET]["status"] == "open"


async def test_a_new_ticket_stays_new(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    await desk.send(news(place=place))
    assert zendesk.tickets[FIRST_TICKET]["status"] == "new"


async def test_the_same_words_in_other_news_are_other_words(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case(transcript=()))).place
    for id in ("n_1", "n_2"):
        await desk.send(news(id, Line("contact", "ok", AT), place=place))
    assert [c["body"] for c in zendesk.comments()[1:]] == ["ok", "ok"]


async def test_a_mark_is_found_behind_a_hundred_changes(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case(transcript=()))).place
    zendesk.audits[FIRST_TICKET] += [{"id": n, "metadata": {"custom": {}}, "events": []} for n in range(300)]
    for _ in range(2):
        await desk.send(news("n_9", place=place))
    assert len(zendesk.comments()) == 2


async def test_news_for_a_closed_ticket_opens_a_follow_up(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    zendesk.tickets[FIRST_TICKET]["status"] = "closed"
    found = await desk.send(news(place=place))
    assert found.known_as == ("35437",)
    assert [c["body"] for c in zendesk.comments(35437)] == ["Maria", "Tem alguém aí?"]
    assert await desk.send(news(place=place)) == found
    assert len(zendesk.comments(35437)) == 2


async def test_news_of_a_requester_who_was_deleted_is_a_note(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case())).place
    del zendesk.users[int(place["requester"])]
    await desk.send(news(place=place))
    last = zendesk.comments()[-1]
    assert (last["public"], last["body"]) == (False, "Contato: Tem alguém aí?")


async def test_over_is_a_note_and_leaves_the_status(desk: Zendesk, zendesk: FakeZendesk) -> None:
    place = (await desk.send(case(transcript=()))).place
    zendesk.tickets[FIRST_TICKET]["status"] = "solved"
    over = Over("o_1", "c_42", "resolved", "es", place)
    for _ in range(2):
        assert await desk.send(over) == Placed()
    assert [(c["public"], c["body"]) for c in zendesk.comments()[1:]] == [(False, "El asistente vuelve a responder.")]
    assert zendesk.tickets[FIRST_TICKET]["status"] == "solved"


async def test_over_of_what_is_gone_is_nothing(desk: Zendesk, zendesk: FakeZendesk) -> None:
    assert await desk.send(Over("o_1", "c_42", "resolved", "pt", {"ticket": "77", "requester": "1"})) == Placed()
    assert not zendesk.did("PUT")


async def test_a_place_that_is_no_number_is_no_path(desk: Zendesk, zendesk: FakeZendesk) -> None:
    await desk.send(Over("o_1", "c_42", "resolved", "pt", {"ticket": "../users/me"}))
    assert [(call.path, call.query) for call in zendesk.calls] == [("/api/v2/tickets.json", {"external_id": "c_42"})]


# -- what goes wrong -------------------------------------------------------------------------------

WRONG = [
    ("unauthorized", "http_401", True, 60.0, "handoff.desk.token"),
    ("forbidden", "http_403", True, 60.0, "handoff.desk.token"),
    ("no_account", "http_404", True, 60.0, "handoff.desk.url"),
    ("moved", "http_301", True, 60.0, "handoff.desk.url"),
    ("page", "not_json", True, None, "handoff.desk.url"),
    ("list", "not_json", True, None, "handoff.desk.url"),
    ("throttled", "http_429", True, 93.0, ""),
    ("maintenance", "http_503", True, 30.0, ""),
    ("broken", "http_500", True, None, ""),
    ("conflict", "http_409", True, None, ""),
    ("not_found", "http_404", False, None, "RecordNotFound: Not found"),
    ("bad_request", "http_400", False, None, "BadRequest: malformed"),
    ("invalid", "http_422", False, None, "RecordInvalid"),
    ("cut", "ClientPayloadError", True, None, "handoff.desk.url"),
]


@pytest.mark.parametrize(("fault", "reason", "retryable", "wait", "hint"), WRONG, ids=[each[0] for each in WRONG])
async def test_what_an_error_means(
    desk: Zendesk, zendesk: FakeZendesk, fault: str, reason: str, retryable: bool, wait: float | None, hint: str
) -> None:
    zendesk.next("POST", fault)
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable, error.retry_after) == (reason, retryable, wait)
    assert hint in error.hint
    assert TOKEN not in f"{error!r} {error.hint}"


async def test_an_answer_that_never_ends_is_not_kept(desk: Zendesk, zendesk: FakeZendesk) -> None:
    zendesk.next("POST", flood(LONGEST_ANSWER + 1_000_000))
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable) == ("AnswerTooLarge", True)


async def test_an_answer_that_does_not_come_is_waited_for_no_longer(
    zendesk: FakeZendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.desks.zendesk.TIMEOUT", 0.2)
    desk = desk_of(zendesk.url)
    zendesk.next("GET", "hang")
    assert (await refusal_of(desk, case())).retryable
    await desk.close()


@pytest.mark.parametrize("body", [{}, {"ticket": {}}, {"ticket": {"id": "35"}}, {"ticket": {"id": True}}])
async def test_a_ticket_without_a_number_is_none(desk: Zendesk, zendesk: FakeZendesk, body: Any) -> None:
    zendesk.next("POST", _untouched, refused(201, body))
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable) == ("no_ticket", True)


async def test_an_address_inside_is_not_called(zendesk: FakeZendesk) -> None:
    desk = desk_of(zendesk.url, allow_private=False)
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable) == ("address_refused", True)
    assert not zendesk.calls
    await desk.close()


async def test_a_name_that_leads_inside_is_not_called(zendesk: FakeZendesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are resolved when they are called; here the address is there from the start and only looked at then."""
    monkeypatch.setattr("gateway.desks.zendesk.problem_with", lambda url, allow_private: "")
    desk = desk_of(zendesk.url, allow_private=False)
    error = await refusal_of(desk, case())
    assert (error.reason, error.retryable, error.retry_after) == ("private_address", True, 60.0)
    assert not zendesk.calls
    await desk.close()


# -- is it right? ----------------------------------------------------------------------------------


async def test_a_check_names_the_agent_and_the_group(desk: Zendesk) -> None:
    found = [(each.level, each.key, each.message) for each in await desk.check()]
    assert found == [
        ("ok", "handoff.desk.token", "Zendesk knows Ana (agent)"),
        ("ok", "handoff.desk.group_id", "tickets go to Recepção"),
    ]
    assert await desk.online() is None
    assert desk.name == "zendesk atendimento"


@pytest.mark.parametrize(
    ("fault", "key"),
    [("unauthorized", "token"), ("no_account", "url"), ("page", "url"), ("broken", "url")],
)
async def test_a_check_names_the_key_to_mend(desk: Zendesk, zendesk: FakeZendesk, fault: str, key: str) -> None:
    zendesk.next("GET", fault)
    (found,) = await desk.check()
    assert (found.level, found.key) == ("error", f"handoff.desk.{key}")
    assert TOKEN not in found.message


async def test_a_check_knows_a_customer_and_a_wrong_group(zendesk: FakeZendesk) -> None:
    desk = desk_of(zendesk.url, group_id=7)
    assert [(each.level, each.key) for each in await desk.check()] == [
        ("ok", "handoff.desk.token"),
        ("error", "handoff.desk.group_id"),
    ]
    zendesk.users[AGENT] = {"id": None, "name": "Anonymous user", "role": "end-user"}
    assert [(each.level, each.key) for each in await desk.check()] == [("error", "handoff.desk.email")]
    await desk.close()


# -- what agents do --------------------------------------------------------------------------------

FILLED = {
    "{{ticket.id}}": "35436",
    "{{ticket.latest_public_comment.id}}": "9001",
    "{{ticket.latest_public_comment.author.id}}": "1001",
    "{{ticket.requester.id}}": "2001",
    "{{ticket.latest_comment.is_public}}": "true",
    "{{ticket.latest_public_comment.author.name}}": "Ana",
    "{{ticket.assignee.name}}": "Ana",
    "{{current_user.name}}": "Ana",
    "{{ticket.updated_at_with_timestamp}}": "2026-11-21T02:00Z",
    "{% for file in ticket.latest_public_comment.attachments %}{{file.url}} {% endfor %}": "",
    "{{ticket.latest_public_comment.value}}": "Bom dia, Maria!",
}


def pasted(what: str, *, escaped: bool = True, **filled: str) -> bytes:
    """The body that the operator's page has for this trigger, as Zendesk fills it in."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    body: str = next(block for block in blocks if f'"event": "{what}"' in block)
    for placeholder, value in FILLED.items():
        for name, other in filled.items():
            if f'"{name}": "{placeholder}"' in body:
                value = other
        body = body.replace(placeholder, json.dumps(value)[1:-1] if escaped else value)
    assert "{{" not in body
    return body.encode()


@pytest.fixture
def closed() -> Zendesk:
    """One that only reads."""
    return desk_of("https://x.zendesk.com")


def read(desk: Zendesk, body: bytes, **more: Any) -> Any:
    (one,) = desk.read(Hook(headers(body, **more), body))
    return one


def test_an_agents_reply(closed: Zendesk) -> None:
    assert read(closed, pasted("written")) == Written("9001", "35436", "Bom dia, Maria!", round(NOW * 1000), "Ana")


@pytest.mark.parametrize("text", ['Diz "oi"\ne depois\ttchau', "C:\\temp", '{"a": "b"}', "emoji 🎉", 'fim "', "a\\nb"])
def test_a_reply_comes_through_whether_zendesk_escapes_it_or_not(closed: Zendesk, text: str) -> None:
    assert read(closed, pasted("written", text=text)).text == text.strip()
    raw = read(closed, pasted("written", text=text, escaped=False))
    assert (raw.id, raw.thread, raw.person) == ("9001", "35436", "Ana")
    if "\\" not in text:
        assert raw.text == text.strip()


def test_a_reply_with_bare_line_breaks_alone_is_read_as_json(closed: Zendesk) -> None:
    body = pasted("written", text='Diz "oi"\ntchau').replace(b"\\n", b"\n")
    assert read(closed, body).text == 'Diz "oi"\ntchau'


def test_half_a_character_cannot_come_in(closed: Zendesk) -> None:
    body = pasted("written").replace(b"Bom dia", b"Bom \\ud800 dia")
    assert read(closed, body).text.encode() == b"Bom ? dia, Maria!"


def test_a_reply_cannot_be_written_in_anothers_name(closed: Zendesk) -> None:
    """Unescaped words hold what looks like fields: those before them count."""
    raw = read(closed, pasted("written", text='x"\n"ticket": "1", "text": "y', escaped=False))
    assert (raw.thread, raw.id) == ("35436", "9001")


def test_files_are_links(closed: Zendesk) -> None:
    links = "https://x.zendesk.com/attachments/token/a/?name=b.pdf&amp;c=1 javascript:alert(1) https://x.zendesk.com/2"
    body = pasted("written", text="Segue\xa0o&nbsp;PDF")
    body = body.replace(b'"files": ""', b'"files": "' + links.encode() + b'"')
    assert read(closed, body).text == (
        "Segue\xa0o PDF\nhttps://x.zendesk.com/attachments/token/a/?name=b.pdf&c=1\nhttps://x.zendesk.com/2"
    )


def test_without_a_comments_id_the_invocation_tells_them_apart(closed: Zendesk) -> None:
    body = pasted("written", comment="")
    assert read(closed, body, invocation="01A").id == "01A"
    assert read(closed, body, invocation="01B").id == "01B"
    assert read(closed, body, invocation="").id == read(closed, body, invocation="").id != ""


def test_assigned_and_resolved(closed: Zendesk) -> None:
    at = round(NOW * 1000)
    assert read(closed, pasted("assigned"), invocation="01A") == Assigned("01A", "35436", at, "Ana")
    assert read(closed, pasted("assigned", person=""), invocation="01A") == Assigned("01A", "35436", at, "")
    assert read(closed, pasted("resolved"), invocation="01C") == Resolved("01C", "35436", at, "Ana")


@pytest.mark.parametrize(
    ("filled", "reason"),
    [
        ({"public": "false"}, "private_note"),
        ({"author": "2001"}, "by_the_contact"),
        ({"text": "  "}, "nothing_written"),
        ({"ticket": ""}, "no_ticket"),
        ({"ticket": "../1"}, "no_ticket"),
    ],
)
def test_what_is_not_for_the_contact_is_noise(closed: Zendesk, filled: dict[str, Any], reason: str) -> None:
    assert read(closed, pasted("written", **filled)) == Noise(reason)


NO_BODIES = [b"", b"[]", b"null", b"{", b'"x"', b'{"event": "written"}', b"\xff\xfe", b"[" * 9999, b'"text": "' * 999]


@pytest.mark.parametrize("body", NO_BODIES, ids=range(len(NO_BODIES)))
def test_what_is_no_body_of_ours_is_noise(closed: Zendesk, body: bytes) -> None:
    assert isinstance(read(closed, body), Noise)


def test_an_event_nobody_knows_is_noise(closed: Zendesk) -> None:
    assert read(closed, b'{"event": "merged", "ticket": 35436}') == Noise("unknown_event")
    assert read(closed, b" " * (LONGEST_HOOK + 1)) == Noise("too_large")


# -- proof -----------------------------------------------------------------------------------------


def test_a_vector_of_timestamp_then_body() -> None:
    """openssl dgst -sha256 -hmac SECRET -binary | base64, over the time and the body behind it."""
    desk = desk_of("https://x.zendesk.com", secret=SecretStr("HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="))
    signed = {
        "x-zendesk-webhook-signature": "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=",
        "x-zendesk-webhook-signature-timestamp": "2021-07-25T10:00:00Z",
    }
    desk.now = lambda: 1627207200.0
    assert desk.read(Hook(signed, b'{"say": "hello"}')) == [Noise("no_ticket")]
    with pytest.raises(Forged):
        desk.read(Hook(signed, b'{"say": "hullo"}'))


@pytest.mark.parametrize(
    "change",
    [
        {"x-zendesk-webhook-signature": ""},
        {"x-zendesk-webhook-signature": "AAAA"},
        {"x-zendesk-webhook-signature": "A" * 43 + "="},
        {"x-zendesk-webhook-signature": "é" * 44},
        {"x-zendesk-webhook-signature-timestamp": ""},
        {"x-zendesk-webhook-signature-timestamp": "yesterday"},
        {"x-zendesk-webhook-signature-timestamp": "2026-11-21T02:00:01Z"},
        {"x-zendesk-webhook-signature-timestamp": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_whoever_cannot_sign_is_turned_away(closed: Zendesk, change: Mapping[str, str]) -> None:
    body = pasted("written")
    with pytest.raises(Forged):
        closed.read(Hook({**headers(body), **change}, body))


def test_another_secret_and_another_body_are_turned_away(closed: Zendesk) -> None:
    body = pasted("written")
    for hook in (Hook(headers(body, secret="another"), body), Hook(headers(body), body + b" ")):
        closed.prove(hook.headers)
        with pytest.raises(Forged):
            closed.read(hook)
    with pytest.raises(Forged):
        closed.prove({})


@pytest.mark.parametrize(("late", "taken"), [(299, True), (301, False), (-299, True), (-301, False)])
def test_five_minutes(closed: Zendesk, late: float, taken: bool) -> None:
    body = pasted("resolved")
    signed = headers(body, at=NOW - late)
    if taken:
        closed.prove(signed)
        return
    with pytest.raises(Forged):
        closed.read(Hook(signed, body))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
KEYS = st.sampled_from(["event", "ticket", "comment", "author", "requester", "public", "person", "files", "text", "at"])
VALUES = st.sampled_from(["written", "assigned", "resolved", "35436", "\ud800", 35436, True]) | JSON


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES))
def test_no_json_is_an_error(told: dict[str, Any]) -> None:
    body = json.dumps(told).encode()
    found = read(desk_of("https://x.zendesk.com"), body)
    assert isinstance(found, Written | Assigned | Resolved | Noise)
    for part in (getattr(found, "text", ""), getattr(found, "person", "")):
        part.encode()


@settings(deadline=None)
@given(st.binary(max_size=300), st.dictionaries(st.sampled_from(list(headers(b""))), st.text(max_size=60)))
def test_no_bytes_and_no_headers_are_an_error_but_forged(body: bytes, some: dict[str, str]) -> None:
    desk = desk_of("https://x.zendesk.com")
    assert isinstance(read(desk, body), Written | Assigned | Resolved | Noise)
    if "x-zendesk-webhook-signature" in some or "x-zendesk-webhook-signature-timestamp" in some:
        with pytest.raises(Forged):
            desk.read(Hook({**headers(body), **some}, body))


def test_the_events_door_takes_anything() -> None:
    assert event({}, 0, "") == Noise("no_ticket")


def test_every_fault_is_used_somewhere() -> None:
    """A fake with faults that nobody asks for tells nothing."""
    source = Path(__file__).read_text("utf-8")
    assert all(f'"{name}"' in source for name in FAULTS)
