"""Actions on the wire: what is sent, what is taken for an answer, and what every trouble becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import orjson
import pytest
from pydantic import SecretStr

from gateway.actions import LARGEST, Actions
from gateway.config import ActionSettings
from gateway.incidents import Incidents
from gateway.rules.flows import Call, Result, Value
from gateway.telemetry import Telemetry
from storage.model import Conversation, conversation_id
from tests.fakes import actions as wire
from tests.fakes.actions import SECRET, FakeActions

LIA = Conversation(conversation_id("zap", "5511"), "zap", "5511", "Lia", "loja")


@pytest.fixture
async def shop() -> AsyncIterator[FakeActions]:
    async with FakeActions() as shop:
        yield shop


def settings(url: str, timeout_s: float = 20.0) -> ActionSettings:
    return ActionSettings(name="marcar", url=url, secret=SecretStr(SECRET), timeout_s=timeout_s)


async def called(
    url: str,
    arguments: Mapping[str, Value] | None = None,
    *,
    timeout_s: float = 20.0,
    within_s: float | None = None,
    allow_private: bool = True,
    name: str = "marcar",
    incidents: Incidents | None = None,
) -> Result:
    told = incidents or Incidents(Telemetry())
    actions = Actions([settings(url, timeout_s)], told, queue="loja", allow_private=allow_private)
    try:
        call = Call(name, arguments or {}, "marcar:1", "marcar")
        return await actions(call, LIA, id="c_1.0.marcar", within_s=within_s)
    finally:
        await actions.close()


async def test_a_call_says_what_is_wanted_for_whom_and_is_signed(shop: FakeActions) -> None:
    shop.next(wire.body(b'{"value": "10:30", "more": [1]}'))
    result = await called(shop.url, {"dia": "2027-03-15", "pessoas": 2, "vip": False, "nota": 1.5})
    assert result == Result("marcar:1", "10:30")
    [(id, data)] = shop.seen
    assert (id, data["call"]) == ("c_1.0.marcar", "c_1.0.marcar")
    assert (data["action"], data["conversation"]) == ("marcar", LIA.id)
    assert data["arguments"] == {"dia": "2027-03-15", "pessoas": 2, "vip": False, "nota": 1.5}
    assert data["contact"] == {"id": "5511", "name": "Lia", "channel": "zap"}


@pytest.mark.parametrize("value", ["às 10h", "", 3, 0, -1.5, True, False, None])
async def test_values_keep_their_type(shop: FakeActions, value: Value | None) -> None:
    shop.next(wire.body(orjson.dumps({"value": value})))
    result = await called(shop.url)
    assert (result.failed, result.value, type(result.value)) == ("", value, type(value))


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
async def test_who_has_nothing_to_say_has_done_it(shop: FakeActions, body: bytes) -> None:
    shop.next(wire.body(body, 200))
    assert await called(shop.url) == Result("marcar:1")


async def test_no_content_is_an_answer(shop: FakeActions) -> None:
    shop.next(wire.body(b"", 204))
    assert await called(shop.url) == Result("marcar:1")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1]",
        b'"10:30"',
        b'{"value": [1]}',
        b'{"value": {"a": 1}}',
        b'{"value": NaN}',
        b'{"value": 1e300}',
        b'{"value": 99999999999999999999}',
        b"\xff\xfe",
        b'{"value": "',
        b"[" * 50_000,
    ],
    ids=lambda body: str(body[:24]),
)
async def test_nonsense_is_a_failure(shop: FakeActions, body: bytes) -> None:
    shop.next(wire.body(body))
    assert await called(shop.url) == Result("marcar:1", failed="nonsense")


async def test_more_than_anybody_reads_is_not_read(shop: FakeActions) -> None:
    shop.next(wire.body(b" " * LARGEST + b"{}"), wire.body(b" " * (LARGEST - 2) + b"{}"))
    assert (await called(shop.url)).failed == "too_large"
    assert (await called(shop.url)).failed == ""


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 429, 500, 503])
async def test_a_refusal_names_its_status_and_is_not_followed(shop: FakeActions, status: int) -> None:
    shop.next(wire.body(b'{"value": 1}', status, location=shop.url))
    assert await called(shop.url) == Result("marcar:1", failed=f"http_{status}")
    assert len(shop.seen) == 1


@pytest.mark.parametrize("trouble", [wire.reset, wire.cut])
async def test_a_connection_that_breaks_is_a_failure(shop: FakeActions, trouble: wire.Answer) -> None:
    shop.next(trouble)
    assert await called(shop.url) == Result("marcar:1", failed="unreachable")


async def test_nobody_listens() -> None:
    async with FakeActions() as gone:
        url = gone.url
    assert await called(url) == Result("marcar:1", failed="unreachable")


@pytest.mark.parametrize(("timeout_s", "within_s"), [(0.05, None), (20.0, 0.05), (0.05, 20.0)])
async def test_who_hangs_is_not_waited_for(shop: FakeActions, timeout_s: float, within_s: float | None) -> None:
    shop.next(shop.hang)
    result = await called(shop.url, timeout_s=timeout_s, within_s=within_s)
    assert result == Result("marcar:1", failed="timeout")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_the_private_network_is_out_of_reach(shop: FakeActions, host: str) -> None:
    result = await called(shop.url.replace("127.0.0.1", host), allow_private=False)
    assert (result.failed, shop.seen) == ("private_address", [])


async def test_an_action_nobody_knows(shop: FakeActions) -> None:
    assert await called(shop.url, name="apagar_tudo") == Result("marcar:1", failed="unknown_action")
    assert shop.seen == []


async def test_the_operator_is_told_until_it_works_again(shop: FakeActions) -> None:
    incidents = Incidents(Telemetry())
    shop.next(wire.body(b"", 500), wire.body(b"", 404), wire.body(b"{}"), wire.body(b"", 404), wire.body(b"", 401))
    await called(shop.url, incidents=incidents)
    [line] = incidents.lines
    assert line.startswith("action loja.marcar: http_500. Look at what answers at queues.loja.actions.marcar.url.")
    await called(shop.url, incidents=incidents)
    assert incidents.lines == [line], "no such order is no trouble, and no cure either"
    await called(shop.url, incidents=incidents)
    assert incidents.lines == []
    await called(shop.url, incidents=incidents)
    assert incidents.lines == []
    await called(shop.url, incidents=incidents)
    assert "http_401" in incidents.lines[0]


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(settings("https://a.example"))
