"""Slack as a desk, against a server that speaks its wire; and Slack's own library beside us, where it is installed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desks.base import (
    Case,
    Challenge,
    DeskError,
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
from gateway.desks.settings import DeskSettings
from gateway.desks.slack import ROOM, Slack
from gateway.desks.slack_events import escaped, plain
from tests.fakes.slack import CHANNEL, SECRET, TOKEN, FakeSlack, Fault, refused, sample, signed, spoken

NOW = 1795226400
ROOT = "1795226300.000100"
VOICE = b"OggS" + bytes(range(200))
ASKED = Line("contact", "Quero falar com alguém", 1795226340_000)
ANSWERED = Line("assistant", "Vou chamar uma pessoa.", 1795226341_000)
SPOKEN = Line("contact", "sobre a consulta de amanhã", 1795226342_000, VOICE, "audio/ogg; codecs=opus")
WAITING = Line("contact", "Alô?", 1795226343_000)
CASE = Case(
    id="ho_1",
    conversation="c_42",
    contact="5511999990001",
    name="Maria",
    channel="whatsapp",
    queue="vendas",
    to="pessoas",
    reason="user_request",
    why="O cliente pediu uma pessoa",
    summary="Quer remarcar a consulta.\nPedido 4711.",
    language="pt-BR",
    speaks="pt",
    transcript=[ASKED, ANSWERED, SPOKEN, WAITING],
)


def news(*lines: Line, id: str = "n_1", place: Placed | None = None) -> News:
    return News(id, "c_42", CASE.contact, CASE.name, "pt-BR", lines, place.place if place else {})


def over(place: Placed) -> Over:
    return Over("o_1", "c_42", "resolved", "pt-BR", place.place)


def settings(url: str = "", **more: Any) -> DeskSettings:
    known = {"type": "slack", "token": TOKEN, "secret": SECRET, "channel_id": CHANNEL, "url": url}
    return DeskSettings.model_validate(known | more)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def desk(slack: FakeSlack) -> AsyncIterator[Slack]:
    made = Slack(settings(slack.url), allow_private=True, now=lambda: NOW)
    yield made
    await made.close()


def shown(messages: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(m["text"], [file["name"] for file in m.get("files", [])]) for m in messages]


# -- out -----------------------------------------------------------------------------------------------


async def test_a_case_is_a_thread_with_what_was_said(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    head, before, voice, after = slack.thread(placed.place["root"])
    for expected in ("*Contato*: Maria (5511999990001)", "whatsapp", "vendas → pessoas", "O cliente pediu uma pessoa"):
        assert expected in head["text"]
    assert "> Quer remarcar a consulta.\n> Pedido 4711." in head["text"]
    assert before["text"].index("> Quero falar com alguém") < before["text"].index("> Vou chamar uma pessoa.")
    assert re.match(r"\*Contato\* Maria · <!date\^1795226340\^[^|>]+\|2026-11-21 01:59 UTC>\n> Quero", before["text"])
    assert "🎤 Áudio\n> sobre a consulta de amanhã" in voice["text"]
    assert slack.uploads[voice["files"][0]["id"]]["bytes"] == VOICE
    assert voice["files"][0]["name"].endswith(".ogg")
    assert "> Alô?" in after["text"]
    assert placed.known_as == [f"{CHANNEL}/{head['ts']}"]
    assert {m["channel"] for m in slack.messages} == {CHANNEL}


async def test_the_token_goes_to_slack_s_api_and_not_where_files_go(slack: FakeSlack, desk: Slack) -> None:
    await desk.send(CASE)
    (upload,) = slack.called("upload")
    assert "authorization" not in upload.headers
    assert all(call.headers["authorization"] == f"Bearer {TOKEN}" for call in slack.calls if call is not upload)


async def test_news_go_into_the_thread_in_order_also_when_a_try_failed_between(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    long = [Line("contact", f"{n} " + "x" * 3000, 1795226350_000 + n) for n in range(3)]
    slack.next("chat.postMessage", refused("internal_error"))
    with pytest.raises(DeskError):
        await desk.send(news(*long, place=placed))
    slack.lose(3, done=True)
    with pytest.raises(DeskError):
        await desk.send(news(*long, place=placed))
    again = await desk.send(news(*long, place=placed))
    said = [m["text"] for m in slack.thread(placed.place["root"])[4:]]
    assert [re.search(r"> (\d) x", text)[1] for text in said] == ["0", "1", "2"]  # type: ignore[index]
    assert again.place["root"] == placed.place["root"]
    assert float(again.place["last"]) > float(placed.place["last"])


async def test_only_what_is_newer_than_the_last_item_is_looked_at(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    await desk.send(news(WAITING, place=placed))
    assert slack.called("conversations.replies")[-1].fields["oldest"] == placed.place["last"]


async def test_a_thread_of_many_pages_is_looked_through(slack: FakeSlack, desk: Slack) -> None:
    slack.page = 2
    placed = await desk.send(CASE)
    before = shown(slack.messages)
    for _ in range(5):
        slack.writes("Já vi", placed.place["root"])
    told = await desk.send(news(WAITING, place=placed))
    assert await desk.send(news(WAITING, place=placed)) == told
    assert len(slack.messages) == len(before) + 6


async def test_over_is_said_and_the_thread_stays(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    done = await desk.send(over(placed))
    assert slack.messages[-1]["text"] == "_O assistente voltou a responder._"
    assert slack.messages[-1]["thread_ts"] == placed.place["root"]
    assert done.known_as == placed.known_as
    assert await desk.send(over(placed)) == done


async def test_called_again_people_see_it_in_the_channel_and_only_what_is_new(slack: FakeSlack, desk: Slack) -> None:
    first = await desk.send(CASE)
    done = await desk.send(over(first))
    later = Line("contact", "E agora?", 1795226400_000)
    second = replace(CASE, id="ho_2", transcript=[*CASE.transcript, later], place=done.place)
    again = await desk.send(second)
    call, said = slack.messages[-2:]
    assert call["loud"]
    assert call["text"].startswith("_Uma pessoa foi chamada de novo._\n*Contato*: Maria")
    assert "> E agora?" in said["text"]
    assert "Quero falar" not in said["text"]
    root = first.place["root"]
    assert again.known_as == [f"{CHANNEL}/{root}", f"{CHANNEL}/{call['ts']}"]
    assert {m.get("thread_ts", m["ts"]) for m in slack.messages} == {root}
    assert await desk.send(second) == again
    assert slack.messages[-1] is said


@pytest.mark.parametrize("item", [replace(CASE, id="ho_2"), news(WAITING)], ids=["a case", "news"])
async def test_a_thread_that_somebody_deleted_is_begun_anew(slack: FakeSlack, desk: Slack, item: Case | News) -> None:
    placed = await desk.send(CASE)
    slack.messages.clear()
    anew = await desk.send(replace(item, place=placed.place))
    assert anew.place["root"] != placed.place["root"]
    assert "Maria (5511999990001)" in slack.messages[0]["text"]
    assert "> Alô?" in slack.messages[-1]["text"]


async def test_nothing_is_said_into_a_thread_that_is_gone(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    slack.messages.clear()
    assert await desk.send(over(placed)) == Placed()
    assert slack.messages == []


async def test_in_another_channel_it_is_begun_anew(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    moved = Slack(settings(slack.url, channel_id="C0000000002"), allow_private=True, now=lambda: NOW)
    anew = await moved.send(news(WAITING, place=placed))
    await moved.close()
    assert anew.known_as == [f"C0000000002/{anew.place['root']}"]


async def test_nobody_s_words_look_like_somebody_else_s(slack: FakeSlack, desk: Slack) -> None:
    sly = Line("contact", "oi\n*Equipe*\n> <!channel> <https://evil.example|login> & @here", 1795226350_000)
    await desk.send(replace(CASE, name="Ana\n*Equipe*: <@U1>", transcript=[sly]))
    head, said = slack.messages
    assert "*Contato*: Ana *Equipe*: &lt;@U1&gt; (5511999990001)" in head["text"]
    rows = said["text"].split("\n")
    assert rows[1:] == [
        "> oi",
        "> *Equipe*",
        "> &gt; &lt;!channel&gt; &lt;https://evil.example|login&gt; &amp; @here",
    ]


@pytest.mark.parametrize("text", ["<&> " * 4000, "á" * 9000, "x\n" * 6000, "Uma palavra " * 900])
async def test_nothing_is_lost_of_a_long_text(slack: FakeSlack, desk: Slack, text: str) -> None:
    await desk.send(replace(CASE, transcript=[Line("contact", text, 1795226340_000), WAITING]))
    said = [m["text"] for m in slack.messages[1:]]
    assert all(len(one) <= ROOM + 200 for one in said)
    rows = [row[2:] for one in said for row in one.split("\n") if row.startswith("> ")]
    told = plain("".join(rows)).replace(" ", "").removesuffix("Alô?")
    assert told == text.replace(" ", "").replace("\n", "")


async def test_a_summary_without_end_leaves_the_rest_in_its_place(slack: FakeSlack, desk: Slack) -> None:
    url = "https://gw.example/inbox/c_42?a=1&b=|"
    await desk.send(replace(CASE, summary="Muito a dizer. " * 1000, url=url, transcript=[]))
    text = slack.messages[0]["text"]
    assert len(text) <= 4000
    assert "\n> …\n<https://gw.example/inbox/c_42?a=1&amp;b=%7C|Abrir a conversa>\n" in text
    assert "✅" in text


async def test_a_voice_note_nobody_heard_says_so(slack: FakeSlack, desk: Slack) -> None:
    await desk.send(replace(CASE, language="en", transcript=[Line("contact", "", 1795226340_000, None, "audio/ogg")]))
    assert slack.messages[-1]["text"].endswith("🎤 Voice note\n> (could not be made out)")


@pytest.mark.parametrize("error", ["missing_scope", "file_uploads_disabled", "invalid_arguments"])
async def test_where_slack_takes_no_file_the_words_are_there(slack: FakeSlack, desk: Slack, error: str) -> None:
    slack.next("files.getUploadURLExternal", refused(error) if error != "file_uploads_disabled" else spoken(413))
    placed = await desk.send(CASE)
    assert "> sobre a consulta de amanhã" in slack.thread(placed.place["root"])[2]["text"]
    assert slack.uploads == {}


@pytest.mark.parametrize("url", ["http://elsewhere.example/upload", "file:///tmp/x", "", None])
async def test_a_voice_is_put_nowhere_but_where_it_is_safe(slack: FakeSlack, desk: Slack, url: str | None) -> None:
    told = json.dumps({"ok": True, "upload_url": url, "file_id": "F1"}).encode()
    slack.next("files.getUploadURLExternal", spoken(200, told, "application/json"))
    with pytest.raises(DeskError, match="no_upload_url"):
        await desk.send(CASE)


# -- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason", "retryable", "wait", "key"),
    [
        ("429", "ratelimited", True, 30, ""),
        (refused("internal_error"), "internal_error", True, None, ""),
        (refused("invalid_auth"), "invalid_auth", True, 60, "handoff.desk.token"),
        (refused("missing_scope", needed="chat:write"), "missing_scope", True, 60, "chat:write"),
        (refused("not_in_channel"), "not_in_channel", True, 60, "handoff.desk.channel_id"),
        (refused("channel_not_found"), "channel_not_found", True, 60, "handoff.desk.channel_id"),
        (refused("msg_too_long"), "msg_too_long", False, None, ""),
        (refused("invalid_arguments"), "invalid_arguments", False, None, ""),
        (refused("nobody_knows_this"), "nobody_knows_this", True, None, ""),
        ("401", "http_401", True, 60, "handoff.desk.token"),
        ("403", "http_403", True, 60, "handoff.desk.token"),
        ("404", "http_404", False, None, "handoff.desk.url"),
        ("413", "http_413", False, None, ""),
        ("500", "http_500", True, None, ""),
        ("503", "http_503", True, 7, ""),
        ("html.200", "http_200", True, None, ""),
        ("html.302", "http_302", True, None, ""),
        ("json.list", "http_200", True, None, ""),
        ("json.odd", "http_200", True, None, ""),
        ("cut", "ClientPayloadError", True, None, ""),
        ("dropped", "ServerDisconnectedError", True, None, ""),
        ("endless", "AnswerTooLarge", True, None, ""),
    ],
)
async def test_what_a_failure_means(
    slack: FakeSlack, desk: Slack, fault: str | Fault, reason: str, retryable: bool, wait: float | None, key: str
) -> None:
    slack.next("chat.postMessage", fault)
    with pytest.raises(DeskError) as failed:
        await desk.send(CASE)
    error = failed.value
    assert (error.reason, error.retryable, error.retry_after) == (reason, retryable, wait)
    assert key in error.hint
    assert TOKEN not in f"{error!r} {error.hint} {error.__cause__!r}"


async def test_an_answer_without_a_place_is_tried_again(slack: FakeSlack, desk: Slack) -> None:
    slack.next("chat.postMessage", spoken(200, b'{"ok": true}', "application/json"))
    with pytest.raises(DeskError, match="no_ts"):
        await desk.send(CASE)


async def test_a_private_address_is_called_by_nobody(slack: FakeSlack) -> None:
    desk = Slack(settings(slack.url), allow_private=False)
    with pytest.raises(DeskError) as failed:
        await desk.send(CASE)
    await desk.close()
    assert (failed.value.reason, failed.value.retryable) == ("private_address", True)
    assert slack.calls == []


def test_no_secret_is_shown() -> None:
    desk = Slack(settings(), allow_private=False)
    assert TOKEN not in repr(desk)
    assert SECRET not in repr(desk)
    assert desk.name == f"slack {CHANNEL}"


# -- is it right? --------------------------------------------------------------------------------------


async def test_a_desk_that_is_right_is_said_to_be(slack: FakeSlack, desk: Slack) -> None:
    assert {(f.level, f.key) for f in await desk.check()} == {
        ("ok", "handoff.desk.token"),
        ("ok", "handoff.desk.channel_id"),
    }
    assert slack.messages == []
    assert await desk.online() is None


@pytest.mark.parametrize(
    ("more", "key", "word"),
    [
        ({"token": "xoxb-other"}, "handoff.desk.token", "copy"),
        ({"channel_id": "C0000000003"}, "handoff.desk.channel_id", "/invite"),
        ({"channel_id": "C9"}, "handoff.desk.channel_id", "/invite"),
        ({"url": "http://127.0.0.1:9"}, "handoff.desk.url", "network"),
    ],
)
async def test_what_is_wrong_is_named_by_its_key(slack: FakeSlack, more: dict[str, str], key: str, word: str) -> None:
    desk = Slack(settings(**({"url": slack.url} | more)), allow_private=True)
    wrong = [finding for finding in await desk.check() if finding.level == "error"]
    await desk.close()
    assert [finding.key for finding in wrong] == [key]
    assert word in wrong[0].message


async def test_missing_rights_are_named(slack: FakeSlack, desk: Slack) -> None:
    slack.scopes = "chat:write"
    wrong = [finding.message for finding in await desk.check() if finding.level == "error"]
    assert len(wrong) == 2
    assert "files:write" in wrong[0]
    assert "channels:history or groups:history" in wrong[1]


# -- in ------------------------------------------------------------------------------------------------

AUDIO = sample("event_callback.file_share.audio")


def hook(body: Any, *, at: int = NOW, secret: str = SECRET) -> Hook:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Hook(signed(raw, at, secret), raw)


def message(text: str = "Bom dia!", **more: Any) -> dict[str, Any]:
    """Slack's own sample, in a thread of ours."""
    told = sample("event_callback.message")
    event = told["event"] | {"channel": CHANNEL, "channel_type": "channel", "thread_ts": ROOT, "text": text} | more
    return {**told, "event": event}


def reaction(**more: Any) -> dict[str, Any]:
    item = {"type": "message", "channel": CHANNEL, "ts": ROOT}
    event = {"type": "reaction_added", "user": "U1", "reaction": "white_check_mark", "item": item}
    return sample("event_callback.message") | {"event": event | {"event_ts": "1795226400.000300"} | more}


@pytest.fixture
def reader() -> Slack:
    return Slack(settings(), allow_private=False, now=lambda: NOW)


def test_the_recorded_signature_is_right() -> None:
    vector = sample("signature.vector")
    headers = {name.lower(): vector[name] for name in ("X-Slack-Request-Timestamp", "X-Slack-Signature")}
    desk = Slack(settings(secret=vector["signing_secret"]), allow_private=False, now=lambda: NOW)
    assert desk.read(Hook(headers, vector["raw_body"].encode())) == [Noise("slack_event_callback")]


@pytest.mark.parametrize("late", [-301, 301])
def test_an_old_or_early_signature_proves_nothing(reader: Slack, late: int) -> None:
    with pytest.raises(Forged):
        reader.read(hook(message(), at=NOW + late))
    assert reader.read(hook(message(), at=NOW + late // 301 * 300))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0="},
        {"x-slack-signature": "v1=" + "0" * 64},
        {"x-slack-signature": "v0=" + "é" * 64},
        {"x-slack-request-timestamp": "now"},
        {"x-slack-request-timestamp": "١٧٩٥٢٢٦٤٠٠"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": ""},
    ],
)
def test_headers_that_prove_nothing_are_refused(reader: Slack, headers: dict[str, str]) -> None:
    right = hook(message())
    changed = {**right.headers, **headers} if headers else {}
    with pytest.raises(Forged):
        reader.prove(changed)
    with pytest.raises(Forged):
        reader.read(Hook(changed, right.body))


def test_another_secret_or_another_body_is_refused(reader: Slack) -> None:
    right = hook(message())
    reader.prove(hook(message(), secret="other").headers)
    for forged in (hook(message(), secret="other"), hook(message(), secret=""), Hook(right.headers, right.body + b" ")):
        with pytest.raises(Forged):
            reader.read(forged)


def test_the_challenge_is_answered_when_it_is_proven(reader: Slack) -> None:
    told = sample("url_verification")
    assert reader.read(hook(told)) == [Challenge(told["challenge"])]
    with pytest.raises(Forged):
        reader.read(Hook({}, json.dumps(told).encode()))


def test_what_a_person_writes_in_a_thread_is_for_the_contact(reader: Slack) -> None:
    (written,) = reader.read(
        hook(message("Bom dia, *Maria*! :+1::skin-tone-3:\nVeja <https://a.example/x?a=1&amp;b=2>"))
    )
    assert written == Written(
        id="Ev0001",
        thread=f"{CHANNEL}/{ROOT}",
        text="Bom dia, *Maria*! 👍\nVeja https://a.example/x?a=1&b=2",
        at=1795226400_000,
        person="U1",
    )


def test_a_repeat_is_the_same_message(reader: Slack) -> None:
    first = hook(message())
    repeat = Hook({**first.headers, "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}, first.body)
    assert reader.read(repeat) == reader.read(first)


def test_a_name_that_slack_sends_along_is_shown(reader: Slack) -> None:
    told = message(user_profile={"display_name": "", "real_name": "João Lima"})
    assert [event.person for event in reader.read(hook(told)) if isinstance(event, Written)] == ["João Lima"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (message(bot_id="B1"), "slack_bot"),
        (message(user="UBOT"), "slack_bot"),
        (message(user="USLACKBOT"), "slack_bot"),
        (message(subtype="message_changed"), "slack_message_changed"),
        (message(subtype="message_deleted"), "slack_message_deleted"),
        (message(subtype="channel_join"), "slack_channel_join"),
        (message(subtype="bot_message"), "slack_bot_message"),
        (message(hidden=True), "slack_unreadable"),
        (message(channel="C9"), "slack_other_channel"),
        (message(thread_ts=None), "slack_no_thread"),
        (message(ts=ROOT), "slack_no_thread"),
        (message(ts="soon"), "slack_unreadable"),
        (message(user=None), "slack_unreadable"),
        (message("// ela já ligou ontem"), "slack_note"),
        (message(" //"), "slack_note"),
        (message("<@U2> você pode ver?"), "slack_note"),
        (message("<!here> alguém?"), "slack_note"),
        (message("  "), "slack_no_text"),
        (message("", subtype="file_share", files=AUDIO["event"]["files"]), "slack_file_not_public"),
        (AUDIO, "slack_other_channel"),
        (reaction(reaction="eyes"), "slack_reaction"),
        (reaction(user="UBOT"), "slack_reaction"),
        (reaction(item={"type": "file", "file": "F1"}), "slack_reaction"),
        (reaction(item={"type": "message", "channel": "C9", "ts": ROOT}), "slack_reaction"),
        (reaction(type="reaction_removed"), "slack_reaction_removed"),
        ({"type": "app_rate_limited", "minute_rate_limited": 1}, "slack_app_rate_limited"),
        ({"type": "url_verification"}, "no_challenge"),
        ([], "slack_unreadable"),
        (b"\xff{", "slack_unreadable"),
        (b"", "slack_unreadable"),
        (b"payload=%7B%7D", "slack_unreadable"),
    ],
)  # fmt: skip
def test_what_is_not_for_the_contact_is_noise(reader: Slack, told: Any, reason: str) -> None:
    assert reader.read(hook(told)) == [Noise(reason)]


def test_of_files_only_those_anybody_may_open_are_told(reader: Slack) -> None:
    public = {"title": "mapa.pdf", "public_url_shared": True, "permalink_public": "https://slack-files.com/T1-F1-a"}
    told = message("Segue", subtype="file_share", files=[public, {**public, "public_url_shared": False}, 7])
    (written,) = reader.read(hook(told))
    assert isinstance(written, Written)
    assert written.text == "Segue\nmapa.pdf https://slack-files.com/T1-F1-a"


def test_a_reply_that_is_shown_in_the_channel_too_is_for_the_contact(reader: Slack) -> None:
    assert isinstance(reader.read(hook(message(subtype="thread_broadcast")))[0], Written)


def test_a_check_mark_ends_it(reader: Slack) -> None:
    assert reader.read(hook(reaction())) == [Resolved("Ev0001", f"{CHANNEL}/{ROOT}", 1795226400_000, "U1")]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;", "&lt;"),
        ("<https://a.example|clique aqui>", "clique aqui (https://a.example)"),
        ("<https://a.example/|a.example>", "https://a.example/"),
        ("<mailto:ana@a.example|ana@a.example>", "ana@a.example"),
        ("<tel:+5511999990001|11 99999-0001>", "11 99999-0001 (+5511999990001)"),
        ("fale com <@U2|joao> ou <@U3>", "fale com @joao ou @U3"),
        ("veja <#C1|vendas>", "veja #vendas"),
        ("<!subteam^S1|@suporte> e <!everyone>", "@suporte e @everyone"),
        ("<!date^1795226400^{date}|21/11>", "21/11"),
        ("às 10:30:45 :nobody_knows: :wave:", "às 10:30:45 :nobody_knows: 👋"),
        ("um <", "um <"),
    ],
)
def test_slack_s_way_to_write_is_read(written: str, read: str) -> None:
    assert plain(written) == read


@given(st.text())
def test_what_is_escaped_calls_nobody(text: str) -> None:
    sent = escaped(text)
    assert "<" not in sent
    assert ">" not in sent
    assert sent.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("type", "user", "text", "ts", "thread_ts", "channel", "subtype", "files", "item", "reaction", "event_ts",
        "user_profile", "bot_id")  # fmt: skip


@given(
    st.sampled_from([message(), reaction()]),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4),
    st.dictionaries(st.sampled_from(["event_id", "authorizations", "event", "type", "challenge"]), JSON, max_size=2),
)
def test_whatever_slack_may_send_is_events(known: dict[str, Any], event: dict[str, Any], body: dict[str, Any]) -> None:
    desk = Slack(settings(), allow_private=False, now=lambda: NOW)
    told = {**known, "event": {**known["event"], **event}, **body}
    (read,) = desk.read(hook(json.dumps(told).encode()))
    assert isinstance(read, Written | Resolved | Challenge | Noise)


@given(st.dictionaries(st.sampled_from(["x-slack-signature", "x-slack-request-timestamp"]), st.text()), st.binary())
def test_whatever_proves_nothing_is_forged(headers: dict[str, str], raw: bytes) -> None:
    desk = Slack(settings(), allow_private=False, now=lambda: NOW)
    with pytest.raises(Forged):
        desk.read(Hook(headers, raw))


# -- Slack's own library beside us -----------------------------------------------------------------------


def sdk(name: str) -> Any:
    return pytest.importorskip(f"slack_sdk.{name}", reason="slack_sdk is not installed")


class At:
    def now(self) -> float:
        return NOW


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(str.encode))
def test_it_finds_the_same_signatures_right(raw: bytes) -> None:
    verifier = sdk("signature").SignatureVerifier(SECRET, At())
    desk = Slack(settings(), allow_private=False, now=lambda: NOW)
    theirs = verifier.generate_signature(timestamp=str(NOW), body=raw)
    headers = {"x-slack-request-timestamp": str(NOW), "x-slack-signature": theirs}
    assert desk.read(Hook(headers, raw))
    assert verifier.is_valid_request(raw, dict(hook(raw).headers))


async def test_it_finds_the_fake_to_be_slack(slack: FakeSlack) -> None:
    client = sdk("web.async_client").AsyncWebClient(TOKEN, base_url=f"{slack.url}/")
    errors = sdk("errors")
    root = (await client.chat_postMessage(channel=CHANNEL, text="Olá"))["ts"]
    metadata = {"event_type": "a_b", "event_payload": {"mark": "1"}}
    await client.chat_postMessage(channel=CHANNEL, text="oi", thread_ts=root, metadata=metadata)
    await client.files_upload_v2(content=VOICE, filename="a.ogg", channel=CHANNEL, thread_ts=root, initial_comment="x")
    told = await client.conversations_replies(channel=CHANNEL, ts=root, limit=10, include_all_metadata=True)
    assert [m["text"] for m in told["messages"]] == ["Olá", "oi", "x"]
    assert (await client.auth_test())["user"] == "recado"
    refusals = (client.conversations_history(channel="C9", limit=1), client.chat_postMessage(channel="C9", text="x"))
    for refusal in refusals:
        with pytest.raises(errors.SlackApiError):
            await refusal
    slack.next("auth.test", "429")
    with pytest.raises(errors.SlackApiError):
        await client.auth_test()


async def test_it_reads_what_we_wrote(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    client = sdk("web.async_client").AsyncWebClient(TOKEN, base_url=f"{slack.url}/")
    told = await client.conversations_replies(channel=CHANNEL, ts=placed.place["root"], limit=50)
    assert [m["text"] for m in told["messages"]] == [m["text"] for m in slack.messages]


async def test_the_same_voice_note_is_the_same_request(slack: FakeSlack, desk: Slack) -> None:
    placed = await desk.send(CASE)
    ours = dict(slack.called("files.completeUploadExternal")[0].fields)
    name = slack.uploads["F1"]["name"]
    client = sdk("web.async_client").AsyncWebClient(TOKEN, base_url=f"{slack.url}/")
    where = {"channel": CHANNEL, "thread_ts": placed.place["root"]}
    text = ours["initial_comment"]
    await client.files_upload_v2(content=VOICE, filename=name, title=name, initial_comment=text, **where)
    theirs = dict(slack.called("files.completeUploadExternal")[-1].fields)
    files = [json.loads(fields.pop("files")) for fields in (ours, theirs)]
    assert ours == theirs
    assert files == [[{"id": "F1", "title": name}], [{"id": "F2", "title": name}]]
    asked = [call.fields for call in slack.called("files.getUploadURLExternal")]
    assert asked[0] == asked[1]
