"""Who may post webhooks: the shared header, or a token of Evolution's. The tokens were signed with openssl."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.channels.base import Event, Forged, Hook, Inbound, Noise, Unknown
from gateway.channels.evolution import AHEAD, RETRIED, Evolution, is_signed
from gateway.config import ChannelSettings
from tests.fakes.evolution import KEY, sample, token, upsert, webhook

SECRET = "segredo-ç-1795"
JWT_KEY = "a-shared-key"
ISSUED, UNTIL = 1795226400, 1795227000
VECTORS = sample("jwt.vectors")
BODY = webhook("messages.upsert", upsert({"conversation": "oi"}))


def evolution(now: float = ISSUED, **keys: Any) -> Evolution:
    settings = ChannelSettings(
        name="whats",
        type="evolution",
        queue="q",
        base_url="https://evo.example",
        instance="clinic",
        api_key=KEY,
        **(keys or {"webhook_secret": SECRET}),
    )
    return Evolution(settings, allow_private=False, now=lambda: now)


def seen(channel: Evolution, headers: dict[str, str], body: bytes = BODY, tail: str = "") -> list[Event]:
    return list(channel.read(Hook(headers, body, tail=tail)))


def test_the_shared_header_proves_a_hook() -> None:
    assert isinstance(seen(evolution(), {"x-webhook-secret": SECRET})[0], Inbound)


def test_the_header_is_compared_as_bytes() -> None:
    came = SECRET.encode().decode("utf-8", "surrogateescape")
    assert seen(evolution(), {"x-webhook-secret": came})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-webhook-secret": ""},
        {"x-webhook-secret": SECRET + " "},
        {"x-webhook-secret": SECRET[:-1]},
        {"x-webhook-secret": "\udcff"},
        {"apikey": KEY},
        {"authorization": SECRET},
        {"authorization": f"Bearer {SECRET}"},
        {"authorization": f"Bearer {VECTORS['right']}"},
    ],
)
def test_without_the_header_a_hook_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        seen(evolution(), headers)


@pytest.mark.parametrize("headers", [{}, {"x-webhook-secret": ""}, {"authorization": "Bearer "}])
def test_a_secret_that_is_not_set_is_not_guessed(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        seen(evolution(jwt_key=JWT_KEY), headers)


def test_a_key_that_is_not_set_signs_nothing() -> None:
    with pytest.raises(Forged):
        seen(evolution(), {"authorization": f"Bearer {token('', ISSUED)}"})


def test_forged_says_no_secret() -> None:
    with pytest.raises(Forged) as forged:
        seen(evolution(webhook_secret=SECRET, jwt_key=JWT_KEY), {"x-webhook-secret": "guess"})
    assert not {SECRET, JWT_KEY, "guess"} & set(str(forged.value).split())
    assert SECRET not in repr(evolution())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_proves_a_hook(scheme: str) -> None:
    channel = evolution(jwt_key=JWT_KEY)
    assert isinstance(seen(channel, {"authorization": f"{scheme} {VECTORS['right']}"})[0], Inbound)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token "])
def test_a_token_of_another_scheme_does_not(scheme: str) -> None:
    with pytest.raises(Forged):
        seen(evolution(jwt_key=JWT_KEY), {"authorization": scheme + VECTORS["right"]})


@pytest.mark.parametrize("why", VECTORS["wrong"])
def test_a_token_that_is_not_right(why: str) -> None:
    assert is_signed(VECTORS["right"], JWT_KEY, ISSUED)
    assert not is_signed(VECTORS["wrong"][why], JWT_KEY, ISSUED)


@pytest.mark.parametrize(
    ("now", "good"),
    [
        (ISSUED - AHEAD, True),
        (ISSUED - AHEAD - 1, False),
        (UNTIL + 1, True),  # a retry: Evolution repeats the token it made at first
        (UNTIL + RETRIED - 1, True),
        (UNTIL + RETRIED, False),
    ],
)
def test_a_token_has_its_time(now: float, good: bool) -> None:
    assert is_signed(VECTORS["right"], JWT_KEY, now) is good


def test_the_fake_signs_as_evolution_does() -> None:
    assert is_signed(token("k", 1000), "k", 1000)
    assert is_signed(token("k", 1000, exp=1000.5), "k", 1000)
    assert not is_signed(token("k", 1000, app="another"), "k", 1000)


def test_a_token_of_any_length_is_read_in_no_time() -> None:
    assert not is_signed("a" * 10**6 + "." + "b" * 10**6 + ".c", JWT_KEY, ISSUED)


@pytest.mark.parametrize(
    ("event", "tail"),
    [
        ("messages.upsert", ""),
        ("MESSAGES_UPSERT", ""),
        ("messages-upsert", ""),
        ("messages.upsert", "messages-upsert"),
        ("messages.upsert", "send-message"),  # the body decides
        ("", "messages-upsert"),
        ("", "/messages-upsert/"),
    ],
)
def test_one_address_or_one_for_each_event(event: str, tail: str) -> None:
    body = webhook(event, upsert({"conversation": "oi"}))
    assert isinstance(seen(evolution(), {"x-webhook-secret": SECRET}, body, tail)[0], Inbound)


def test_the_headers_of_2_4_change_nothing() -> None:
    about = {"x-instance-id": "6f1c", "x-instance-name": "other", "x-event-type": "call", "x-timestamp": "now"}
    assert isinstance(seen(evolution(), {"x-webhook-secret": SECRET, **about})[0], Inbound)


def test_another_instance_is_nobody_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Not kept either: Unknown would keep what somebody wrote to somebody else."""
    channel = evolution()
    body = webhook("messages.upsert", upsert({"conversation": "oi"}), instance="clinic2")
    for _ in range(3):
        assert seen(channel, {"x-webhook-secret": SECRET}, body) == [Noise("other_instance")]
    assert [record.getMessage() for record in caplog.records if "clinic2" in record.getMessage()] == [
        "channel whats: hooks of the instance 'clinic2' come here and are left aside"
    ]


def test_another_instance_cannot_say_that_ours_is_gone() -> None:
    channel = evolution()
    seen(channel, {"x-webhook-secret": SECRET}, webhook("connection.update", {"state": "close"}, instance="x"))
    assert channel.trouble == ""


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b'{"event":"call"', b'"event"', b"1"])
def test_what_is_no_webhook_is_kept(body: bytes) -> None:
    assert seen(evolution(), {"x-webhook-secret": SECRET}, body) == [Unknown("no_webhook")]


def test_a_body_that_names_no_instance_is_kept() -> None:
    body = webhook("messages.upsert", upsert({"conversation": "oi"}), instance="")
    assert seen(evolution(), {"x-webhook-secret": SECRET}, body) == [Unknown("no_instance")]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"event":"x","apikey":"AB12","data":{}}', b'{"event":"x","apikey":"","data":{}}'),
        (b'{"apikey" : "AB\\"12", "a": 1}', b'{"apikey" : "", "a": 1}'),
        (b'{"ApiKey":"AB12"', b'{"ApiKey":""'),
        (b'{"apikey":"AB12', b'{"apikey":""'),
        (b'{"data":{"token":"AB12","hash":"AB12"}}', b'{"data":{"token":"","hash":""}}'),
        (b'{"apikey":null}', b'{"apikey":null}'),
        (b'{"text":"my apikey is lost"}', b'{"text":"my apikey is lost"}'),
        (b"\xff\x00", b"\xff\x00"),
    ],
)
def test_what_is_kept_holds_no_key(body: bytes, kept: bytes) -> None:
    assert evolution().redacted(body) == kept
    assert b"AB12" not in kept
