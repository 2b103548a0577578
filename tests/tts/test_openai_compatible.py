"""What an `/audio/speech` endpoint is sent, and what becomes of what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx2
import pytest

from tests.fakes import sounds, speech, wire
from tests.fakes.speech import KEY, MODEL, VOICE, FakeSpeech, error
from tts.errors import (
    Encoding,
    Quota,
    RateLimited,
    Refused,
    SpeechError,
    Unreachable,
    Unspeakable,
    VoiceUnavailable,
)
from tts.model import Speech
from tts.openai_compatible import BY_CODE, OpenAICompatible, refusal
from tts.refusals import speech_error
from tts.slots import Slots

HELLO = Speech("Olá! Tudo bem?", "pt-BR")


@pytest.fixture
async def provider() -> AsyncIterator[FakeSpeech]:
    async with FakeSpeech() as server:
        yield server


class Naps:
    """Sleep that is written down instead of slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def voice(provider: FakeSpeech, key: str = KEY, **more: Any) -> OpenAICompatible:
    facts: dict[str, Any] = {"sleep": Naps(), "random": lambda: 0.5, **more}
    base_url = facts.pop("base_url", provider.base_url)
    return OpenAICompatible(key, base_url, VOICE, facts.pop("model_id", MODEL), **facts)


@pytest.mark.parametrize(
    ("more", "sent", "mime"),
    [
        ({}, {"response_format": "mp3"}, "audio/mpeg"),
        ({"response_format": "opus"}, {"response_format": "opus"}, "audio/ogg; codecs=opus"),
        ({"response_format": "wav", "speed": 1.5}, {"response_format": "wav", "speed": 1.5}, "audio/wav"),
        ({"response_format": "flac"}, {"response_format": "flac"}, "audio/flac"),
        ({"response_format": "pcm"}, {"response_format": "pcm"}, "audio/wav"),
        ({"instructions": "Calmly."}, {"response_format": "mp3", "instructions": "Calmly."}, "audio/mpeg"),
    ],
)
async def test_sends_what_was_configured_and_nothing_else(
    provider: FakeSpeech, more: dict[str, Any], sent: dict[str, Any], mime: str
) -> None:
    speaker = voice(provider, **more)
    audio = await speaker.speak(HELLO)
    await speaker.close()
    [call] = provider.calls
    assert call.path == "/v1/audio/speech"
    assert call.json == {"model": MODEL, "voice": VOICE, "input": HELLO.text, **sent}
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert (audio.mime, audio.spoken_by, audio.characters) == (mime, f"openai_compatible/{VOICE}/{MODEL}", 14)


async def test_pcm_is_24_kilohertz(provider: FakeSpeech) -> None:
    speaker = voice(provider, response_format="pcm")
    assert (await speaker.speak(HELLO)).data == sounds.wav()
    await speaker.close()


async def test_without_a_key_none_of_the_environment_is_sent(
    provider: FakeSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    provider.key = "none"
    speaker = voice(provider, key="")
    assert (await speaker.speak(HELLO)).data
    await speaker.close()
    assert "sk-of-somebody-else" not in str(provider.calls)


async def test_every_request_has_its_timeouts_and_follows_no_redirect(provider: FakeSpeech) -> None:
    seen: list[httpx2.Request] = []

    def listen(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(302, headers={"location": "http://elsewhere.invalid/"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(listen)) as client:
        speaker = voice(provider, base_url="http://tts.invalid/v1", timeout=9.0, http_client=client)
        with pytest.raises(Refused):
            await speaker.speak(HELLO)
        await speaker.close()
        assert not client.is_closed
    assert seen[0].extensions["timeout"] == {"connect": 5.0, "read": 9.0, "write": 9.0, "pool": 9.0}


async def test_a_redirect_is_not_followed_to_another_server(provider: FakeSpeech) -> None:
    async with FakeSpeech() as other:
        provider.next(wire.answer(b"", status=307, location=f"{other.base_url}/audio/speech"))
        speaker = voice(provider)
        with pytest.raises(Refused):
            await speaker.speak(HELLO)
        await speaker.close()
        assert other.calls == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (429, error("insufficient_quota", "insufficient_quota"), Quota, "insufficient_quota"),
        (429, error("who_knows", "insufficient_quota"), Quota, "insufficient_quota"),
        (429, error("credit_balance_exhausted", "insufficient_quota"), Quota, "credit_balance_exhausted"),
        (429, error("rate_limit_exceeded", "tokens"), RateLimited, "rate_limit_exceeded"),
        (429, error(None, "requests"), RateLimited, "requests"),
        (503, error("server_is_overloaded"), Unreachable, "server_is_overloaded"),
        (500, error(None, ""), Unreachable, "http_500"),
        (401, error("invalid_api_key"), Refused, "invalid_api_key"),
        (403, error("unsupported_country_region_territory"), Refused, "unsupported_country_region_territory"),
        (404, error("model_not_found"), VoiceUnavailable, "model_not_found"),
        (404, {"detail": "Not Found"}, Refused, "http_404"),
        (400, error("invalid_value", param="voice"), VoiceUnavailable, "invalid_value"),
        (400, error("string_above_max_length", param="input"), Unspeakable, "string_above_max_length"),
        (400, error(None, param="input"), Unspeakable, "invalid_request_error"),
        (400, [{"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}], Refused, "http_400"),
        (400, error("invalid_value")["error"], Refused, "invalid_value"),
        (502, "<html>bad gateway</html>", Unreachable, "http_502"),
        (418, None, Refused, "http_418"),
        (400, [], Refused, "http_400"),
    ],
)
def test_what_a_refusal_means(status: int, body: Any, kind: type[SpeechError], reason: str) -> None:
    told = speech_error(refusal(status, {}, body), BY_CODE)
    assert (type(told), told.reason) == (kind, reason)
    assert told.hint


@pytest.mark.parametrize(
    ("faults", "kind", "waits"),
    [
        ([speech.QUOTA] * 9, Quota, []),
        ([speech.BAD_KEY] * 9, Refused, []),
        ([speech.NO_VOICE] * 9, VoiceUnavailable, []),
        ([speech.NO_MODEL] * 9, VoiceUnavailable, []),
        ([speech.LONG] * 9, Unspeakable, []),
        ([wire.HTML] * 9, Encoding, []),
        ([speech.too_fast("2")] * 9, RateLimited, [2.0, 2.0, 2.0]),
        ([wire.TROUBLE] * 9, Unreachable, [0.5, 1.0]),
        ([wire.cut(sounds.mp3())] * 9, Unreachable, [0.5, 1.0]),
        ([wire.cut(sounds.mp3(), chunked=True)] * 9, Unreachable, [0.5, 1.0]),
    ],
)
async def test_what_is_asked_again_and_when(
    provider: FakeSpeech, faults: list[wire.Fault], kind: type[SpeechError], waits: list[float]
) -> None:
    naps = Naps()
    provider.next(*faults)
    speaker = voice(provider, sleep=naps)
    with pytest.raises(kind):
        await speaker.speak(HELLO)
    await speaker.close()
    assert naps.seconds == waits
    assert len(provider.calls) == len(waits) + 1


async def test_an_endpoint_that_hangs_is_left_when_the_time_is_over(provider: FakeSpeech) -> None:
    provider.next(wire.HANG)
    speaker = voice(provider, timeout=0.2)
    with pytest.raises(Unreachable) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "nonsense", "http://[::1", "http://127.0.0.1:99999999"])
async def test_an_address_where_nobody_is(provider: FakeSpeech, address: str) -> None:
    speaker = voice(provider, base_url=address)
    with pytest.raises(SpeechError) as caught:
        await speaker.speak(HELLO)
    [finding] = await speaker.check()
    await speaker.close()
    assert "base_url" in caught.value.hint
    assert finding.level == "error"
    assert "base_url" in finding.message


@pytest.mark.parametrize(
    ("models", "key", "level", "where", "words"),
    [
        ([{"id": MODEL}], KEY, "ok", "voice.model_id", "offered"),
        ([{"id": MODEL, "shutdown_date": "2027-01-06"}], KEY, "warning", "voice.model_id", "2027-01-06"),
        ([{"id": MODEL, "shutdown_date": "2026-11-21"}], KEY, "warning", "voice.model_id", "before that day"),
        ([{"id": MODEL, "shutdown_date": "2026-11-20"}], KEY, "error", "voice.model_id", "was shut down"),
        ([{"id": "another"}], KEY, "warning", "voice.model_id", "not among"),
        ([], KEY, "warning", "voice.model_id", "not among"),
        (None, KEY, "warning", "voice.model_id", "does not list"),
        ([], "sk-wrong", "error", "voice.api_key", "api_key"),
    ],
)
async def test_check(provider: FakeSpeech, models: Any, key: str, level: str, where: str, words: str) -> None:
    provider.models = models
    speaker = voice(provider, key=key)
    [finding] = await speaker.check(date(2026, 11, 21))
    await speaker.close()
    assert (finding.level, finding.key) == (level, where)
    assert words in finding.message
    assert "sk-" not in finding.message


async def test_check_of_a_web_page_in_place_of_the_endpoint(provider: FakeSpeech) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, html="<h1>hello</h1>"))
    async with httpx2.AsyncClient(transport=transport) as client:
        [finding] = await voice(provider, http_client=client).check()
    assert (finding.level, finding.key) == ("error", "voice.base_url")


async def test_no_more_requests_at_once_than_there_are_slots(provider: FakeSpeech) -> None:
    provider.next(*[wire.HANG] * 3)
    slots = Slots(2)
    speakers = [voice(provider, slots=slots) for _ in range(3)]
    tasks = [asyncio.create_task(speaker.speak(HELLO)) for speaker in speakers]
    for _ in range(2):
        await provider.arrivals.get()
    assert [slots.of((KEY, provider.base_url)).busy, len(provider.calls)] == [2, 2]
    tasks[0].cancel()
    await provider.arrivals.get()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for speaker in speakers:
        await speaker.close()
