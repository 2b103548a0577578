"""What every desk promises the core, whichever desk it is (gateway/desks/base.py): each call broken, each hook bent."""

from __future__ import annotations

import json
import logging
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desks.base import (
    Assigned,
    Case,
    Challenge,
    DeskError,
    Event,
    Forged,
    Hook,
    Item,
    Line,
    Noise,
    Placed,
    Resolved,
    Written,
)
from tests.contracts.desk_seams import (
    AT,
    CASE,
    CUT,
    DROPPED,
    ENDLESS,
    HANG,
    LOST,
    NAMES,
    NOW,
    OGG,
    SINCE,
    TALK,
    Fault,
    Seam,
    answered,
    name_of,
    news,
    over,
    reading,
    running,
)

MOST_CALLS = 60
"""Of one item; more would never end."""
CASE_AGAIN = replace(CASE, id="c_42.20", transcript=[*TALK, *SINCE], summary="Resumo: voltou a pedir.")


@pytest.fixture(params=NAMES)
async def seam(request: pytest.FixtureRequest) -> AsyncIterator[Seam]:
    async with running(request.param) as one:
        yield one


@pytest.fixture(params=NAMES)
def closed(request: pytest.FixtureRequest) -> Seam:
    """One that only reads."""
    return reading(request.param)


async def placed_at(seam: Seam) -> dict[str, str]:
    """What the core keeps of a case that was told."""
    return kept(await seam.desk.send(CASE))


def kept(placed: Placed) -> dict[str, str]:
    """As the store keeps it."""
    place: dict[str, str] = json.loads(json.dumps(dict(placed.place)))
    return place


async def failing(seam: Seam, item: Item) -> DeskError:
    with pytest.raises(DeskError) as caught:
        await seam.desk.send(item)
    return caught.value


async def until_taken(seam: Seam, item: Item) -> None:
    """As the core does: the same again, once."""
    error: DeskError | None = None
    try:
        await seam.desk.send(item)
    except DeskError as failed:
        error = failed
    if error:
        assert error.retryable
        says_nothing_secret(seam, error)
        await seam.desk.send(item)


def says_nothing_secret(seam: Seam, error: DeskError) -> None:
    assert error.__cause__ is None, "what the wire said names addresses"
    assert error.__suppress_context__ or not error.__context__
    said = "\n".join([repr(error), error.reason, error.hint, *traceback.format_exception(error)])
    assert [secret for secret in seam.secrets if secret in said] == []


# -- a case, and what follows it ---------------------------------------------------------------------


async def test_a_case_is_shown_once_however_often_it_is_told(seam: Seam) -> None:
    first = await seam.desk.send(CASE)
    shown = seam.shown()
    assert seam.homes() == 1
    assert sum(CASE.summary in one for one in shown) == 1
    assert seam.said() == [(line.by, line.text) for line in TALK]
    for _ in range(2):
        again = await seam.desk.send(CASE)
        is_shown_once(seam, seam.shown(), shown)
        assert again.known_as
        assert again.known_as[0] == first.known_as[0]


def is_shown_once(seam: Seam, shown: Sequence[str], once: Sequence[str], where: str = "") -> None:
    """As it would be had it been told once. Where no note can be found again, notes may be there twice; what the
    contact said never is."""
    if "find its notes" not in seam.CANNOT:
        assert list(shown) == list(once), where
        return
    more, less = Counter(shown) - Counter(once), Counter(once) - Counter(shown)
    assert not less
    assert all(one.startswith("1 ") for one in more), "Chatwoot's outgoing ones"


def items(place: dict[str, str]) -> dict[str, Item]:
    """What may follow a case."""
    again = replace(CASE_AGAIN, place=place)
    return {"news": news(*SINCE, place=place), "again": again, "over": over(place=place)}


@pytest.mark.parametrize("what", ["case", "news", "again", "over"])
@pytest.mark.parametrize("fault", [DROPPED, LOST], ids=["before", "after"])
@pytest.mark.parametrize("name", NAMES)
async def test_wherever_the_connection_breaks_it_is_shown_once(name: str, fault: Fault, what: str) -> None:
    """At each call of it in turn, until there is none left to break."""
    once = await _told(name, what, None, 0)
    assert once
    for at in range(1, MOST_CALLS):
        shown = await _told(name, what, fault, at)
        if shown is None:
            return
        is_shown_once(reading(name), shown, once, f"call {at}")
    raise AssertionError("it calls for ever")


async def _told(name: str, what: str, fault: Fault | None, at: int) -> list[str] | None:
    """What people see. None: there was no such call."""
    async with running(name) as seam:
        item: Item = CASE if what == "case" else items(await placed_at(seam))[what]
        if fault is None:
            await seam.desk.send(item)
            return seam.shown()
        seam.door.breaks(fault, at=at)
        await until_taken(seam, item)
        return None if seam.door.mend() else seam.shown()


@pytest.mark.parametrize("item", [CASE, news(*SINCE)], ids=["case", "news"])
@pytest.mark.parametrize("name", NAMES)
async def test_what_no_search_shows_yet_is_not_made_again(name: str, item: Item) -> None:
    for at in range(1, MOST_CALLS):
        async with running(name) as seam:
            seam.needs("find what no search shows yet")
            seam.falls_behind()
            seam.door.breaks(LOST, at=at)
            await until_taken(seam, item)
            assert seam.homes() == 1, f"call {at}"
            if seam.door.mend():
                return


async def test_news_come_in_order_by_whom_after_the_case(seam: Seam) -> None:
    place = await placed_at(seam)
    await seam.desk.send(news(*SINCE, place=place))
    assert seam.said() == [(line.by, line.text) for line in (*TALK, *SINCE)]
    assert seam.homes() == 1


async def test_who_says_the_same_again_is_heard_again(seam: Seam) -> None:
    seam.needs("tell the same words apart")
    place = await placed_at(seam)
    again = replace(SINCE[0], at=SINCE[-1].at + 1000)
    for n, line in enumerate((SINCE[0], again, again)):
        place = kept(await seam.desk.send(news(line, id=f"c_42.{n}", place=place))) or place
    assert [words for _, words in seam.said()].count(SINCE[0].text) >= 2


async def test_people_who_are_called_again_read_on_where_it_stands(seam: Seam) -> None:
    place = await placed_at(seam)
    placed = await seam.desk.send(replace(CASE_AGAIN, transcript=[*TALK, SINCE[0]], place=place))
    assert seam.homes() == 1
    assert sum("Resumo: voltou a pedir." in one for one in seam.shown()) == 1
    told = Counter(words for _, words in seam.said())
    assert told[SINCE[0].text] == 1
    assert placed.known_as
    seam.needs("call again without what was told")
    assert told == Counter([line.text for line in (*TALK, SINCE[0])])


async def test_news_of_what_was_never_told_are_told(seam: Seam) -> None:
    """A desk that was put in later, or whose conversation somebody deleted."""
    placed = await seam.desk.send(news(*SINCE))
    assert seam.said() == [(line.by, line.text) for line in SINCE]
    assert placed.known_as


ODDLY_SAID: dict[str, tuple[Line, ...]] = {
    "markup": (Line("contact", "<b>&amp;</b> *_`[ <!channel> @here mention://user/5 ```", AT),),
    "long": (Line("contact", "muito " * 30_000, AT), Line("assistant", "\U0001f600" * 30_000, AT + 1)),
    "many": tuple(Line("contact", f"linha {n}\n" * 40, AT + n) for n in range(80)),
    "nul": (Line("contact", "a\x00b\x1b[0m\u202e\r\n\u2028c", AT),),
    "unheard": (Line("contact", "", AT, OGG, "audio/ogg"), Line("contact", "", AT + 1, None, "audio/amr")),
    "odd kind": (Line("contact", "oi", AT, b"\x00", "x/y\r\nz: 1"), Line("person", "oi", AT + 1, OGG, "é")),
    "nothing": (Line("contact", "", AT), Line("assistant", "  \n ", AT + 1)),
    "no time": (Line("contact", "oi", 0), Line("contact", "oi", 0)),
    "nobody": (),
}


@pytest.mark.parametrize("said", ODDLY_SAID)
async def test_whatever_was_said_is_taken(seam: Seam, said: str) -> None:
    lines = ODDLY_SAID[said]
    place = kept(await seam.desk.send(replace(CASE, transcript=lines)))
    shown = seam.shown()
    await seam.desk.send(replace(CASE, transcript=lines))
    is_shown_once(seam, seam.shown(), shown)
    if lines:
        place = kept(await seam.desk.send(news(*lines, place=place))) or place
    await seam.desk.send(over(place=place))
    assert seam.homes() == 1


@pytest.mark.parametrize("about", ["", "x" * 5000, "<a> & *b*\n\x00 \U0001f600"])
async def test_whoever_it_is_and_whyever_it_is_taken(seam: Seam, about: str) -> None:
    told = dict.fromkeys(["name", "why", "summary", "speaks", "url"], about)
    placed = await seam.desk.send(replace(CASE, **told))  # type: ignore[arg-type]
    assert placed.known_as
    await seam.desk.send(replace(news(*SINCE, place=kept(placed)), name=about))
    assert seam.homes() == 1


@pytest.mark.parametrize("language", ["en", "es-AR", "zh-CN", "xx", ""])
async def test_it_speaks_the_queue_s_language_or_english(seam: Seam, language: str) -> None:
    place: dict[str, str] = {}
    for item in (CASE, news(*SINCE), over()):
        place = kept(await seam.desk.send(replace(item, language=language, place=place))) or place
    assert seam.homes() == 1


async def test_over_is_told_and_leaves_it_where_it_is(seam: Seam) -> None:
    place = await placed_at(seam)
    before = len(seam.shown())
    placed = await seam.desk.send(over(place=place))
    assert len(seam.shown()) == before + 1
    later = kept(placed) or place
    await seam.desk.send(replace(CASE_AGAIN, place=later))
    assert seam.homes() == 1


@pytest.mark.parametrize("reason", ["resolved", "idle_hours", "next_business_day", "Ana"])
async def test_over_of_what_is_nowhere_is_nothing_to_fail_of(seam: Seam, reason: str) -> None:
    await seam.desk.send(over(reason))


async def test_two_conversations_are_two(seam: Seam) -> None:
    first = await seam.desk.send(CASE)
    second = await seam.desk.send(replace(CASE, id="c_43.1", conversation="c_43", contact="5511999990002"))
    assert seam.homes() == 2
    assert not set(first.known_as) & set(second.known_as)


# -- where it stands ---------------------------------------------------------------------------------


async def test_a_place_is_short_texts_and_the_store_can_keep_it(seam: Seam) -> None:
    place: dict[str, str] = {}
    for item in (CASE, news(*SINCE), CASE_AGAIN, over()):
        placed = await seam.desk.send(replace(item, place=place))
        for key, value in placed.place.items():
            assert isinstance(key, str)
            assert isinstance(value, str)
            assert not key.startswith("_"), "the core's own"
            assert 0 < len(key) <= 40
            assert len(value) <= 200
        place = kept(placed) or place
        assert place == (dict(placed.place) or place)
        assert place


@pytest.mark.parametrize("place", [{"x": "y"}, dict.fromkeys(["conversation", "ticket", "root", "source"], "../..?")])
async def test_a_place_of_another_desk_is_none(seam: Seam, place: dict[str, str]) -> None:
    """The operator put this desk where another was."""
    placed = await seam.desk.send(replace(CASE, place=place))
    assert seam.homes() == 1
    assert placed.known_as


async def test_hooks_name_a_conversation_as_it_is_known(seam: Seam) -> None:
    first = await seam.desk.send(CASE)
    second = await seam.desk.send(news(*SINCE, place=kept(first)))
    for body in seam.hooks():
        (event,) = seam.desk.read(seam.sign(body))
        assert isinstance(event, Written | Assigned | Resolved)
        assert event.thread in first.known_as
        assert event.thread in second.known_as


# -- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_named_and_tried_again(seam: Seam, status: int) -> None:
    calls = await _calls_of_a_case(seam)
    for at in range(1, calls + 1):
        async with running(name_of(seam)) as other:
            other.door.breaks(answered(status, b'{"error": "no"}', "application/json"), at=at)
            error = await failing(other, CASE)
            assert error.retryable
            assert error.retry_after, "nobody mends it in five seconds"
            assert other.KEY in error.hint
            says_nothing_secret(other, error)


async def _calls_of_a_case(seam: Seam) -> int:
    await seam.desk.send(CASE)
    return seam.door.calls


async def test_another_key_is_refused_in_the_desk_s_own_words(seam: Seam) -> None:
    seam.needs("refuse a key")
    desk = seam.made(token="not-the-key-of-this-desk")
    with pytest.raises(DeskError) as caught:
        await desk.send(CASE)
    assert caught.value.retryable
    assert seam.KEY in caught.value.hint
    assert "not-the-key" not in f"{caught.value!r} {caught.value.hint}"
    findings = await desk.check()
    assert seam.KEY in [finding.key for finding in findings if finding.level == "error"]
    assert "not-the-key" not in repr(findings)
    await desk.close()


@pytest.mark.parametrize("wait", ["7", "120"])
async def test_a_desk_that_asks_for_time_gets_it(seam: Seam, wait: str) -> None:
    seam.door.breaks(answered(429, b'{"error": "slow down"}', "application/json", retry_after=wait))
    error = await failing(seam, CASE)
    assert (error.retryable, error.retry_after) == (True, float(wait))


@pytest.mark.parametrize("wait", ["", "-1", "soon", "Sat, 21 Nov 2026 02:00:00 GMT", "9" * 400, "1e400", "٣"])
async def test_no_time_that_is_asked_for_breaks_it(seam: Seam, wait: str) -> None:
    seam.door.breaks(answered(429, b"{}", "application/json", retry_after=wait))
    error = await failing(seam, CASE)
    assert error.retryable
    assert error.retry_after is None or 0 < error.retry_after < 10**9


BROKEN: dict[str, Fault] = {
    "500": answered(500, b"Internal Server Error", "text/plain"),
    "502": answered(502, b"<title>Bad Gateway</title>"),
    "html": answered(200, b"<!doctype html><title>Sign in</title>"),
    "empty": answered(200),
    "half": answered(200, b'{"ok": true, "id": 1', "application/json"),
    "list": answered(200, b"[1]", "application/json"),
    "bytes": answered(200, b"\xff\xfe{}", "application/json"),
    "cut": CUT,
    "dropped": DROPPED,
}
OF_AN_ANSWER = ("html", "empty", "half", "list", "bytes", "cut")


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_is_no_answer_is_tried_again(seam: Seam, fault: str) -> None:
    if fault in OF_AN_ANSWER:
        seam.needs("read answers")
    seam.door.breaks(BROKEN[fault])
    for item in (CASE, news(*SINCE), CASE_AGAIN):
        error = await failing(seam, item)
        assert error.retryable
        assert error.hint or error.reason.startswith("http_")
        says_nothing_secret(seam, error)
    assert seam.homes() == 0


@pytest.mark.parametrize("fault", ["500", "html", "cut"])
@pytest.mark.parametrize("name", NAMES)
async def test_at_whichever_call_it_fails_the_next_try_ends_it(name: str, fault: str) -> None:
    async with running(name) as seam:
        if fault in OF_AN_ANSWER:
            seam.needs("read answers")
        calls = await _calls_of_a_case(seam)
        once = seam.shown()
    for at in range(1, calls + 1):
        async with running(name) as seam:
            seam.door.breaks(BROKEN[fault], at=at)
            await until_taken(seam, CASE)
            is_shown_once(seam, seam.shown(), once, f"call {at}")


async def test_who_never_answers_is_not_waited_for(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam.module, "TIMEOUT", 0.3)
    desk = seam.made()
    seam.door.breaks(HANG)
    with pytest.raises(DeskError) as caught:
        await desk.send(CASE)
    assert caught.value.retryable
    says_nothing_secret(seam, caught.value)
    assert await desk.online() is None
    await desk.close()
    monkeypatch.undo()
    seam.door.mend()
    await seam.desk.send(CASE)
    assert seam.homes() == 1


async def test_of_an_answer_without_an_end_little_is_kept(seam: Seam, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is too much; the time for a call would end it as well, much later."""
    limits = [name for name in ("LONGEST_ANSWER", "LARGEST_ANSWER") if hasattr(seam.module, name)]
    for name in limits:
        monkeypatch.setattr(seam.module, name, 200_000)
    seam.door.breaks(ENDLESS)
    if "read answers" in seam.CANNOT:
        await seam.desk.send(CASE)  # it is hung up on, and nothing of it is read
        return
    error = await failing(seam, CASE)
    assert error.retryable
    assert "timeout" not in error.reason.lower()
    says_nothing_secret(seam, error)
    assert await seam.desk.online() is None


async def test_nobody_is_there(closed: Seam) -> None:
    for item in (CASE, news(*SINCE)):
        error = await failing(closed, item)
        assert error.retryable
        assert error.hint
        says_nothing_secret(closed, error)
    await closed.desk.close()


# -- is somebody there, is it right? -----------------------------------------------------------------


async def test_a_desk_that_is_right_is_found_to_be(seam: Seam) -> None:
    found = await seam.desk.check()
    assert found
    assert [finding for finding in found if finding.level != "ok"] == []
    assert await seam.desk.online() in (True, False, None)


@pytest.mark.parametrize("fault", [*BROKEN, "401", "403", "404", "429"])
async def test_asking_and_checking_raise_nothing(seam: Seam, fault: str) -> None:
    seam.door.breaks(BROKEN[fault] if fault in BROKEN else answered(int(fault)))
    assert await seam.desk.online() is None
    found = await seam.desk.check()
    said = repr(found)
    assert [secret for secret in seam.secrets if secret in said] == []
    seam.needs("look")
    assert [finding for finding in found if finding.level != "ok"]


async def test_it_is_closed_twice_and_before_it_was_ever_used(seam: Seam) -> None:
    fresh = seam.made()
    await fresh.close()
    await fresh.close()
    await seam.desk.send(CASE)
    await seam.desk.close()
    await seam.desk.close()


async def test_no_secret_is_ever_said(seam: Seam, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = [repr(seam.desk), seam.desk.name]
    for fault in (None, *BROKEN.values(), answered(401), answered(403)):
        if fault:
            seam.door.breaks(fault)
        try:
            said.append(repr((await seam.desk.send(CASE)).known_as))
        except DeskError as error:
            said += [repr(error), error.hint]
        said.append(repr(await seam.desk.check()))
    said += [record.getMessage() + str(getattr(record, "facts", "")) for record in caplog.records if _ours(record)]
    assert [secret for secret in seam.secrets if any(secret in words for words in said)] == []
    assert seam.desk.name


def _ours(record: logging.LogRecord) -> bool:
    return record.name.startswith("recado")


# -- what people do there ----------------------------------------------------------------------------


def test_what_people_do_is_told(closed: Seam) -> None:
    (written,) = closed.desk.read(closed.sign(closed.written("Bom dia, Maria!")))
    (resolved,) = closed.desk.read(closed.sign(closed.resolved()))
    assert isinstance(written, Written)
    assert (written.text, written.thread) == ("Bom dia, Maria!", closed.thread)
    assert isinstance(resolved, Resolved)
    for event in (written, resolved):
        _is_whole(event)
        assert event.at > 1_600_000_000_000, "milliseconds"
    closed.needs("assign")
    (assigned,) = closed.desk.read(closed.sign(closed.assigned()))
    assert isinstance(assigned, Assigned)
    assert assigned.person


def _is_whole(event: Event) -> None:
    """The store can keep it, and the core can find it again."""
    assert isinstance(event, Written | Assigned | Resolved | Challenge | Noise)
    if isinstance(event, Challenge | Noise):
        assert event.text if isinstance(event, Challenge) else event.reason
        return
    assert event.id
    assert event.thread
    assert isinstance(event.at, int)
    assert 0 <= event.at < 2**63
    for words in (event.id, event.thread, event.person):
        assert len(words) <= 2000
        words.encode()
    if isinstance(event, Written):
        assert event.text.strip()
        event.text.encode()


def test_a_hook_that_comes_again_is_the_same(closed: Seam) -> None:
    """Also when the desk signs it anew, minutes later."""
    for body in closed.hooks():
        events = closed.desk.read(closed.sign(body))
        assert closed.desk.read(closed.sign(body)) == events
        again = closed.desk.read(closed.sign(body, at=NOW + 120))
        assert [event.id for event in again if not isinstance(event, Noise | Challenge)] == _ids(events)


def _ids(events: Sequence[Event]) -> list[str]:
    return [event.id for event in events if not isinstance(event, Noise | Challenge)]


def test_what_is_not_the_same_has_another_id(closed: Seam) -> None:
    bodies = [closed.written("Oi"), closed.written("Oi"), *closed.hooks()]
    ids = [id for body in bodies for id in _ids(closed.desk.read(closed.sign(body)))]
    assert len(ids) == len(bodies)
    assert len(set(ids)) == len(ids)


def test_a_note_among_colleagues_is_noise(closed: Seam) -> None:
    closed.needs("have notes")
    (event,) = closed.desk.read(closed.sign(closed.note()))
    assert isinstance(event, Noise)


async def test_what_we_wrote_is_noise_when_it_comes_back(seam: Seam) -> None:
    place = await placed_at(seam)
    place = kept(await seam.desk.send(news(*SINCE, place=place))) or place
    await seam.desk.send(over(place=place))
    told = seam.ours()
    assert len(told) >= 3
    for body in told:
        for event in seam.desk.read(seam.sign(body)):
            assert isinstance(event, Noise), body


# -- whose it is -------------------------------------------------------------------------------------


def test_who_does_not_prove_it_is_forged(closed: Seam) -> None:
    bodies = [*closed.hooks(), b"", b"{}", b"\xff\xfe"]
    for body in bodies:
        with pytest.raises(Forged):
            closed.desk.prove({})
        with pytest.raises(Forged):
            closed.desk.read(Hook({}, body))
        with pytest.raises(Forged):
            closed.desk.read(closed.sign(body, secret="whsec_bm90IHRoZSBzZWNyZXQ="))
        with pytest.raises(Forged):
            closed.desk.read(replace(closed.sign(body), body=body + b" "))


NO_PROOF = ("", "x", "ã", "\udcff", "0", "-1", "1e9", "9" * 5000, "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59")


def test_each_header_that_proves_it_is_needed(closed: Seam) -> None:
    """Without it, and with anything else in it."""
    hook = closed.sign(closed.written())
    closed.desk.prove(hook.headers)
    needed = [name for name in hook.headers if "signature" in name or "timestamp" in name]
    assert needed
    for name in needed:
        rest = {key: value for key, value in hook.headers.items() if key != name}
        with pytest.raises(Forged):
            closed.desk.prove(rest)
        for value in (*NO_PROOF, hook.headers[name][:-1]):
            with pytest.raises(Forged):
                closed.desk.read(replace(hook, headers={**rest, name: value}))


@pytest.mark.parametrize("late", [-3600, -301, 301, 3600, 10**8])
def test_a_time_that_is_not_now_proves_nothing(closed: Seam, late: int) -> None:
    closed.needs("sign a time")
    hook = closed.sign(closed.written(), at=NOW - late)
    with pytest.raises(Forged):
        closed.desk.prove(hook.headers)
    with pytest.raises(Forged):
        closed.desk.read(hook)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", NAMES)
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_it(name: str, body: bytes) -> None:
    seam = reading(name)
    if "sign bytes" in seam.CANNOT and not _is_text(body):
        with pytest.raises(Forged):
            seam.desk.read(seam.sign(body))
        return
    for event in seam.desk.read(seam.sign(body)):
        _is_whole(event)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b'{"event": "\\ud800"}'])
def test_no_depth_breaks_it(closed: Seam, body: bytes) -> None:
    for event in closed.desk.read(closed.sign(body)):
        assert isinstance(event, Noise)


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1.5, 1e300, "", " ", "x", "9" * 30, "\ud800", "\x00", "🙂" * 3000, [], [[]], {},
)  # fmt: skip


def test_no_hook_with_anything_in_any_of_its_places_breaks_it(closed: Seam) -> None:
    for body in closed.hooks():
        for bent in _bent(json.loads(body)):
            raw = json.dumps(bent).encode()
            for event in closed.desk.read(closed.sign(raw)):
                _is_whole(event)


def _bent(value: Any) -> Iterator[Any]:
    """The same with one of its values another, or without it; of all of them."""
    for path in _paths(value):
        for odd in (*ODD, ...):
            whole = deepcopy(value)
            inner = whole
            for key in path[:-1]:
                inner = inner[key]
            if odd is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = odd
            yield whole


def _paths(value: Any) -> Iterator[list[Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield [key]
        yield from ([key, *rest] for rest in _paths(inner))


def test_the_suite_says_what_each_cannot() -> None:
    """By name and with a reason, and nobody's lack is a word that no test asks for."""
    asked = {"find its notes", "sign a time", "sign bytes", "assign", "read answers", "have notes", "look"}
    asked |= {"refuse a key", "tell the same words apart", "find what no search shows yet"}
    asked |= {"call again without what was told"}
    for name in NAMES:
        seam = reading(name)
        assert set(seam.CANNOT) <= asked
        assert all(seam.CANNOT.values())


def test_a_case_is_what_the_core_sends() -> None:
    """Its fields, so that a new one is thought of here, too."""
    assert set(Case.__dataclass_fields__) == {
        "id", "conversation", "contact", "name", "channel", "queue", "to", "reason", "why", "summary", "language",
        "speaks", "transcript", "url", "place",
    }  # fmt: skip
