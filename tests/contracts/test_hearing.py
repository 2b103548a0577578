"""What everything that listens promises. Another ear adds itself to `EARS`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from gateway.hearing.base import Hearing, HearingError
from gateway.hearing.elevenlabs import ElevenLabsHearing
from gateway.hearing.files import upload
from gateway.hearing.openai import OpenAIHearing
from tests.fakes import openai as wire
from tests.fakes.openai import KEY, FakeOpenAI, Reply
from tts import encode
from tts.errors import Encoding

OGG = b"OggS" + bytes(60)
SPOKEN = Path(__file__).parent.parent / "fixtures" / "spoken"


class FakeScribe(FakeOpenAI):
    """ElevenLabs' speech to text on the same wire: another path, another header, another form of answer."""

    async def __aenter__(self) -> FakeScribe:
        await super().__aenter__()
        self.base_url = self.base_url.removesuffix("/v1")
        return self

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/speech-to-text", self._transcribing)

    def admits(self, headers: Mapping[str, str]) -> bool:
        return headers.get("xi-api-key") == self.key

    def transcript(self) -> object:
        return {"language_code": "por", "language_probability": 0.99, "text": self.heard, "words": []}


EARS: list[tuple[type[FakeOpenAI], Callable[..., Hearing]]] = [
    (FakeOpenAI, OpenAIHearing),
    (FakeScribe, ElevenLabsHearing),
]


@pytest.fixture(params=EARS, ids=["openai", "elevenlabs"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[FakeOpenAI, Callable[..., Hearing]]]:
    fake, make = request.param
    async with fake() as server:
        yield server, make


async def hear(
    pair: tuple[FakeOpenAI, Callable[..., Hearing]], *, mime: str = "audio/ogg; codecs=opus", language: str = "pt-BR",
    audio: bytes = OGG, **more: object,
) -> tuple[str, str]:  # fmt: skip
    fake, make = pair
    ear = make(**{"api_key": KEY, "model": "ear-1", "base_url": fake.base_url, **more})
    assert KEY not in f"{ear!r} {vars(ear)} {ear.name}"
    try:
        heard = await ear.hear(audio, mime, language)
    finally:
        await ear.close()
    return heard.text, heard.language


async def test_hears_words(pair: tuple[FakeOpenAI, Callable[..., Hearing]]) -> None:
    assert (await hear(pair))[0] == "Oi, quanto custa a consulta?"
    (call,) = pair[0].calls
    assert (call.file_name, call.file_type, call.file) == ("voice.ogg", "audio/ogg", OGG)


async def test_a_note_without_words_is_empty(pair: tuple[FakeOpenAI, Callable[..., Hearing]]) -> None:
    pair[0].heard = "  "
    assert (await hear(pair))[0] == ""


async def test_the_exact_fields() -> None:
    async with FakeOpenAI() as fake:
        await hear((fake, OpenAIHearing))
        assert fake.calls[0].path == "/v1/audio/transcriptions"
        assert fake.calls[0].form == {"model": "ear-1", "response_format": "json", "language": "pt"}
    async with FakeScribe() as fake:
        assert (await hear((fake, ElevenLabsHearing)))[1] == "pt"
        form = {k: v for k, v in fake.calls[0].form.items() if v != "null"}  # the SDK writes unset JSON fields so
        wanted = {"model_id": "ear-1", "language_code": "pt", "tag_audio_events": "false"}
        assert form == {**wanted, "timestamps_granularity": "none"}


async def test_without_a_hint_none_is_sent(pair: tuple[FakeOpenAI, Callable[..., Hearing]]) -> None:
    await hear(pair, language="")
    assert not {"language", "language_code"} & pair[0].calls[0].form.keys()


BAD = [
    (wire.refused(429, "rate_limit_exceeded", retry_after=2), True, 2.0),
    (wire.refused(500), True, None),
    (wire.refused(400, "invalid_value"), False, None),
    (wire.html(200), True, None),
    (wire.html(502), True, None),
    (wire.document({"nothing": 1}), True, None),
    (wire.document([1]), True, None),
]


@pytest.mark.parametrize(("reply", "retryable", "after"), BAD)
async def test_hearing_errors_only(
    pair: tuple[FakeOpenAI, Callable[..., Hearing]], reply: Reply, retryable: bool, after: float | None
) -> None:
    pair[0].play_hearing(reply)
    with pytest.raises(HearingError) as caught:
        await hear(pair)
    assert (caught.value.retryable, caught.value.retry_after) == (retryable, after)
    assert caught.value.hint
    assert KEY not in f"{caught.value!r} {caught.value.__dict__}"
    assert len(pair[0].calls) == 1, "the SDK must not retry"


async def test_wrong_key_timeout_and_nobody_there(pair: tuple[FakeOpenAI, Callable[..., Hearing]]) -> None:
    with pytest.raises(HearingError) as caught:
        await hear(pair, api_key="sk-wrong")
    assert "hearing.api_key" in caught.value.hint
    pair[0].play_hearing(wire.hang())
    with pytest.raises(HearingError, match="timeout"):
        await hear(pair, timeout_s=0.2)
    with pytest.raises(HearingError, match="unreachable"):
        await hear(pair, base_url="http://127.0.0.1:9")


SCRIBE_ERRORS = [
    (401, {"code": "quota_exceeded", "status": "quota_exceeded"}, "quota_exceeded", False),
    (401, {"code": "unauthorized", "status": "missing_permissions"}, "missing_permissions", False),
    (429, {"code": "concurrent_limit_exceeded", "status": "system_busy"}, "concurrent_limit_exceeded", True),
    (422, [{"loc": ["body"], "msg": "no", "type": "missing"}], "http_422", False),
]


@pytest.mark.parametrize(("status", "detail", "reason", "retryable"), SCRIBE_ERRORS)
async def test_scribe_refusals(status: int, detail: object, reason: str, retryable: bool) -> None:
    async with FakeScribe() as fake:
        fake.play_hearing(wire.document({"detail": json.loads(json.dumps(detail))}, status))
        with pytest.raises(HearingError) as caught:
            await hear((fake, ElevenLabsHearing))
    assert (caught.value.reason, caught.value.retryable) == (reason, retryable)


async def test_cancelling_hangs_up(pair: tuple[FakeOpenAI, Callable[..., Hearing]]) -> None:
    pair[0].play_hearing(wire.hang())
    task = asyncio.create_task(hear(pair))
    await asyncio.wait_for(pair[0].arrived.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(pair[0].drop.wait(), 60)


# -- what a note is sent as ------------------------------------------------------------------------

AS_IT_IS = {"ogg": "voice.ogg", "webm": "voice.webm", "m4a": "voice.m4a", "mp3": "voice.mp3"}
CONVERTED = ("amr", "3gp", "caf", "aac")


@pytest.mark.parametrize("suffix", [*AS_IT_IS, *CONVERTED])
async def test_every_format_of_the_channels_reaches_the_ear(
    pair: tuple[FakeOpenAI, Callable[..., Hearing]], suffix: str
) -> None:
    note = (SPOKEN / f"where-is-the-shop.pt-BR.{suffix}").read_bytes()
    assert (await hear(pair, audio=note, mime="application/octet-stream"))[0] == "Oi, quanto custa a consulta?"
    (call,) = pair[0].calls
    assert call.file_name == AS_IT_IS.get(suffix, "voice.ogg")
    if suffix in AS_IT_IS:
        assert call.file == note
    else:
        assert call.file_type == "audio/ogg"
        assert encode.inspect(call.file).mime == "audio/ogg; codecs=opus"
        assert encode.seconds(call.file) == pytest.approx(encode.seconds(note), abs=0.1)


@pytest.mark.parametrize("label", ["audio/ogg; codecs=opus", "audio/amr", "video/mp4", ""])
async def test_labels_are_not_believed(pair: tuple[FakeOpenAI, Callable[..., Hearing]], label: str) -> None:
    await hear(pair, audio=(SPOKEN / "where-is-the-shop.pt-BR.mp3").read_bytes(), mime=label)
    assert (pair[0].calls[0].file_name, pair[0].calls[0].file_type) == ("voice.mp3", "audio/mpeg")


@pytest.mark.parametrize("junk", [b"", b"<html>not a note</html>", b"\x89PNG\r\n\x1a\n", b"#!AMR\n\xff\xff\xff"])
async def test_what_is_no_sound_is_refused_without_asking_anybody(
    pair: tuple[FakeOpenAI, Callable[..., Hearing]], junk: bytes
) -> None:
    with pytest.raises(HearingError) as caught:
        await hear(pair, audio=junk)
    assert (caught.value.reason, caught.value.retryable) == ("not_audio", False)
    assert caught.value.hint
    assert pair[0].calls == []


async def test_the_gateways_encoder_converts_where_it_is_given(
    pair: tuple[FakeOpenAI, Callable[..., Hearing]],
) -> None:
    seen = []

    async def to_opus(audio: bytes) -> bytes:
        seen.append(audio)
        return OGG

    async def overworked(audio: bytes) -> bytes:
        raise Encoding("encoder_timeout", hint="Too much to do.", retryable=True)

    note = (SPOKEN / "where-is-the-shop.pt-BR.amr").read_bytes()
    await hear(pair, audio=note, to_opus=to_opus)
    assert (seen, pair[0].calls[0].file) == ([note], OGG)
    with pytest.raises(HearingError) as caught:
        await hear(pair, audio=note, to_opus=overworked)
    assert (caught.value.reason, caught.value.retryable) == ("encoder_timeout", True)


async def test_what_is_too_large_for_a_provider_becomes_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = encode.decode((SPOKEN / "where-is-the-shop.pt-BR.ogg").read_bytes(), 16_000)[0]
    wav = encode.wav(spoken, 16_000)
    assert await upload(wav) == ("voice.wav", wav, "audio/wav")
    monkeypatch.setattr("gateway.hearing.files.LARGEST", len(wav) - 1)
    name, small, _ = await upload(wav)
    assert (name, len(small) < len(wav) / 4) == ("voice.ogg", True)
