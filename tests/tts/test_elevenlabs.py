"""What ElevenLabs is sent, and what becomes of what it answers."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest

from tests.fakes import elevenlabs as fake
from tests.fakes import sounds, wire
from tests.fakes.elevenlabs import KEY, VOICE, FakeElevenLabs
from tts import elevenlabs
from tts.elevenlabs import BY_CODE, MODELS, NOTE_FORMAT, SAFE_FORMAT, ElevenLabs, honoured, refusal
from tts.elevenlabs_account import account_finding, retirement
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
from tts.offers import OfferedModel, OfferedVoice
from tts.refusals import speech_error
from tts.slots import Slots

HELLO = Speech("A consulta custa duzentos e cinquenta reais.", "pt-BR", previous_text="Olá!", next_text="Até logo!")
SETTINGS = {"stability": 0.4, "similarity_boost": 0.75, "style": 0.2, "speed": 1.1}


TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learnt about accounts in one test is not known in the next."""
    monkeypatch.setattr(elevenlabs, "_LACKING", {})


@pytest.fixture
async def provider() -> AsyncIterator[FakeElevenLabs]:
    async with FakeElevenLabs() as server:
        yield server


class Naps:
    """Sleep that is written down instead of slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def voice(provider: FakeElevenLabs, model: str = "eleven_multilingual_v2", **more: Any) -> ElevenLabs:
    facts: dict[str, Any] = {"base_url": provider.url, "sleep": Naps(), "random": lambda: 0.5, **more}
    return ElevenLabs(facts.pop("key", KEY), facts.pop("voice_id", VOICE), model, **facts)


# -- the request -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "settings", "language_code", "stitched"),
    [
        ("eleven_v4", {"stability": 0.4, "similarity_boost": 0.75, "speed": 1.1}, "pt", False),
        ("eleven_v3", {"stability": 0.5}, "pt", False),
        ("eleven_multilingual_v2", SETTINGS, None, True),
        ("eleven_flash_v2_5", {"stability": 0.4, "similarity_boost": 0.75, "speed": 1.1}, "pt", True),
        ("eleven_flash_v2", {"stability": 0.4, "similarity_boost": 0.75, "speed": 1.1}, None, True),
        ("eleven_v9", SETTINGS, "pt", False),
    ],
)
async def test_sends_what_the_model_honours_and_nothing_else(
    provider: FakeElevenLabs,
    model: str,
    settings: dict[str, float],
    language_code: str | None,
    stitched: bool,
) -> None:
    speaker = voice(provider, model, settings=SETTINGS)
    await speaker.speak(HELLO)
    await speaker.close()
    expected: dict[str, Any] = {"text": HELLO.text, "model_id": model, "voice_settings": settings}
    if language_code:
        expected["language_code"] = language_code
    if stitched:
        expected |= {"previous_text": "Olá!", "next_text": "Até logo!"}
    [call] = provider.calls
    assert call.json == expected
    assert call.path == f"/v1/text-to-speech/{VOICE}"
    assert call.query == {"output_format": "opus_48000_32"}
    assert call.headers["xi-api-key"] == KEY
    assert speaker.settings == settings


async def test_without_settings_the_voice_keeps_its_own(provider: FakeElevenLabs) -> None:
    speaker = voice(provider, "eleven_flash_v2_5", language="es")
    await speaker.speak(Speech("Hola", ""))
    await speaker.close()
    assert provider.calls[0].json == {"text": "Hola", "model_id": "eleven_flash_v2_5", "language_code": "es"}


@pytest.mark.parametrize(
    ("model", "wanted", "sent"),
    [
        ("eleven_v4", {"speed": 4.0}, {"speed": 1.2}),
        ("eleven_v4", {"speed": 0.25}, {"speed": 0.7}),
        ("eleven_v3", {"stability": 0.1}, {"stability": 0.0}),
        ("eleven_v3", {"stability": 0.9}, {"stability": 1.0}),
        ("eleven_v3", {"speed": 1.0, "style": 0.0}, {}),
        ("eleven_monolingual_v1", {"stability": 0.1, "speed": 1.0}, {"stability": 0.1}),
        ("eleven_v4", {"volume": 11}, {}),
    ],
)
def test_settings_are_brought_into_range(model: str, wanted: dict[str, float], sent: dict[str, float]) -> None:
    assert honoured(model, wanted) == sent


async def test_a_voice_id_cannot_leave_its_place_in_the_path(provider: FakeElevenLabs) -> None:
    speaker = voice(provider, voice_id="../models?x=")
    with pytest.raises(VoiceUnavailable):
        await speaker.speak(HELLO)
    await speaker.close()
    assert provider.calls[0].path == "/v1/text-to-speech/..%2Fmodels%3Fx%3D"


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_base_url_with_or_without_its_end(provider: FakeElevenLabs, suffix: str) -> None:
    speaker = voice(provider, base_url=provider.url + suffix)
    assert (await speaker.speak(HELLO)).data
    await speaker.close()


async def test_every_request_has_its_timeouts_and_follows_no_redirect() -> None:
    seen: list[httpx.Request] = []

    def listen(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"location": "http://elsewhere.invalid/"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(listen)) as client:
        speaker = ElevenLabs(KEY, VOICE, "eleven_v4", base_url="http://tts.invalid", timeout=9.0, http_client=client)
        with pytest.raises(Refused) as caught:
            await speaker.speak(HELLO)
        await speaker.close()
        assert not client.is_closed
    assert caught.value.reason == "http_302"
    assert seen[0].extensions["timeout"] == {"connect": 5.0, "read": 9.0, "write": 9.0, "pool": 9.0}


async def test_a_redirect_is_not_followed_to_another_server(provider: FakeElevenLabs) -> None:
    async with FakeElevenLabs() as other:
        provider.next(wire.answer(b"", status=307, location=f"{other.url}/v1/text-to-speech/{VOICE}"))
        speaker = voice(provider)
        with pytest.raises(Refused):
            await speaker.speak(HELLO)
        await speaker.close()
        assert other.calls == []


@pytest.mark.parametrize("key", ["", "sk two words", "sk_line\n", "chavé"])
async def test_a_key_that_cannot_be_a_header_is_never_sent(provider: FakeElevenLabs, key: str) -> None:
    speaker = voice(provider, key=key)
    with pytest.raises(Refused) as caught:
        await speaker.speak(HELLO)
    assert caught.value.reason == "invalid_api_key"
    assert provider.calls == []


def test_importing_costs_nothing() -> None:
    code = (
        "import sys, tts.elevenlabs, tts.openai_compatible, tts.ladder, tts.cache, tts.silent;"
        "sys.exit(' '.join({'elevenlabs', 'openai', 'httpx', 'httpx2', 'pydantic', 'av'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE)
    assert run.stderr.strip() == b""


def test_a_format_nobody_reads_is_refused_before_it_costs() -> None:
    with pytest.raises(ValueError, match="ulaw_8000"):
        ElevenLabs(KEY, VOICE, "eleven_v4", output_format="ulaw_8000")


# -- the answer ------------------------------------------------------------------------------------


async def test_the_audio_says_who_spoke_and_what_it_cost(provider: FakeElevenLabs) -> None:
    provider.next(wire.answer(sounds.mp3(), "text/plain", character_cost="22"))
    speaker = voice(provider)
    audio = await speaker.speak(HELLO)
    await speaker.close()
    assert audio.spoken_by == speaker.name == f"elevenlabs/{VOICE}/eleven_multilingual_v2"
    assert audio.characters == 22
    assert audio.data == sounds.mp3()
    assert audio.mime == "audio/mpeg"
    assert audio.seconds == 0


@pytest.mark.parametrize(
    ("sound", "mime"),
    [
        (sounds.ogg_opus, "audio/ogg; codecs=opus"),
        (sounds.ogg_vorbis, "audio/ogg; codecs=vorbis"),
        (sounds.wav, "audio/wav"),
        (sounds.flac, "audio/flac"),
    ],
)
async def test_another_container_than_asked_for_keeps_its_true_name(
    provider: FakeElevenLabs, sound: Any, mime: str
) -> None:
    provider.next(wire.answer(sound(), "audio/mpeg"))
    speaker = voice(provider)
    assert (await speaker.speak(HELLO)).mime == mime
    await speaker.close()


async def test_bare_pcm_gets_the_header_that_makes_it_sound(provider: FakeElevenLabs) -> None:
    speaker = voice(provider, output_format="pcm_16000")
    audio = await speaker.speak(HELLO)
    await speaker.close()
    assert audio.mime == "audio/wav"
    assert audio.data[44:] == sounds.pcm(0.5, 16_000)
    assert int.from_bytes(audio.data[24:28], "little") == 16_000


def formats(provider: FakeElevenLabs) -> list[str]:
    return [call.query["output_format"] for call in provider.spoken]


async def test_a_note_is_asked_for_as_a_note(provider: FakeElevenLabs) -> None:
    speaker = voice(provider)
    audio = await speaker.speak(HELLO)
    await speaker.close()
    assert (audio.mime, audio.data) == ("audio/ogg; codecs=opus", sounds.ogg_opus())


NO_OPUS = wire.refused(400, fake.detail("output_format_not_allowed"))
BARE_PACKETS = wire.answer(b"\x78\x07\xc9\x79\xc8\xc9\x57" * 40, "audio/opus")


@pytest.mark.parametrize("first", [NO_OPUS, BARE_PACKETS])
async def test_a_format_the_account_lacks_is_asked_for_once(provider: FakeElevenLabs, first: wire.Fault) -> None:
    provider.next(first)
    speakers = [voice(provider), voice(provider, "eleven_v3"), voice(provider, output_format="pcm_16000")]
    mimes = [(await speaker.speak(HELLO)).mime for speaker in speakers]
    for speaker in speakers:
        await speaker.close()
    assert mimes == ["audio/mpeg", "audio/mpeg", "audio/wav"]
    assert formats(provider) == [NOTE_FORMAT, SAFE_FORMAT, SAFE_FORMAT, "pcm_16000"]


async def test_another_account_may_have_the_format(provider: FakeElevenLabs) -> None:
    async with FakeElevenLabs() as other:
        provider.next(NO_OPUS)
        for server in (provider, other):
            speaker = voice(server)
            await speaker.speak(HELLO)
            await speaker.close()
        assert formats(other) == [NOTE_FORMAT]


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ([wire.HTML], Encoding),
        ([wire.EMPTY], Encoding),
        ([BARE_PACKETS, fake.QUOTA], Quota),
        ([BARE_PACKETS, BARE_PACKETS], Encoding),
    ],
)
async def test_what_is_no_sound_in_any_format_says_nothing_about_formats(
    provider: FakeElevenLabs, faults: list[wire.Fault], kind: type[SpeechError]
) -> None:
    provider.next(*faults)
    speaker = voice(provider)
    with pytest.raises(kind):
        await speaker.speak(HELLO)
    asked = len(provider.spoken)
    assert asked == len(faults)
    await speaker.speak(HELLO)
    await speaker.close()
    assert formats(provider)[asked:] == [NOTE_FORMAT]


@pytest.mark.parametrize(
    ("model", "acts"),
    [
        ("eleven_v4", True),
        ("eleven_v4_turbo", True),
        ("eleven_v3", True),
        ("eleven_v3_conversational", True),
        ("eleven_v9", False),
        ("eleven_flash_v2_5", False),
        ("eleven_multilingual_v2", False),
    ],
)
async def test_which_models_act_audio_tags_out(model: str, acts: bool) -> None:
    assert ElevenLabs(KEY, VOICE, model).understands_tags is acts


def test_every_known_model_has_a_longest_text() -> None:
    assert {key: model.characters for key, model in MODELS.items()} == {
        "eleven_v4": 10_000,
        "eleven_v4_turbo": 10_000,
        "eleven_v3": 5_000,
        "eleven_multilingual_v2": 10_000,
        "eleven_flash_v2_5": 40_000,
        "eleven_flash_v2": 30_000,
        "eleven_turbo_v2_5": 40_000,
        "eleven_turbo_v2": 30_000,
        "eleven_multilingual_v1": 10_000,
        "eleven_monolingual_v1": 10_000,
    }
    assert {key for key, model in MODELS.items() if model.ipa} == {"eleven_v4", "eleven_v4_turbo"}


async def test_a_pouring_answer_is_cut_off(provider: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tts.elevenlabs.LARGEST_ANSWER", 1000)
    speaker = voice(provider)
    with pytest.raises(Encoding) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert caught.value.reason == "answer_too_large"


# -- refusals --------------------------------------------------------------------------------------

OLD_QUOTA = fake.older("quota_exceeded", "You have 7 characters remaining, while 90 characters are required")
LIST = {"detail": [{"loc": ["body", "voice_settings", "speed"], "msg": "too fast", "type": "less_than"}]}
TEXT_LIST = {"detail": [{"loc": ["body", "text"], "msg": "field required", "type": "missing"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "hint"),
    [
        (
            400,
            fake.detail("max_character_limit_exceeded", param="text"),
            Unspeakable,
            None,
            "max_voice_chars",
        ),
        (
            400,
            fake.detail("voice_not_found", status="voice_does_not_exist"),
            VoiceUnavailable,
            None,
            "voice_id",
        ),
        (400, fake.older("voice_does_not_exist"), VoiceUnavailable, "voice_does_not_exist", "voice_id"),
        (400, fake.detail("invalid_parameters", param="model_id"), VoiceUnavailable, None, "model_id"),
        (400, fake.detail("invalid_parameters", param="text"), Unspeakable, None, "text"),
        (400, fake.detail("unsupported_output_format"), Refused, None, "mp3_44100_64"),
        (401, fake.detail("invalid_api_key"), Refused, "invalid_api_key", "api_key"),
        (
            401,
            fake.detail("unauthorized", status="missing_permissions"),
            Refused,
            "missing_permissions",
            "permission",
        ),
        (401, fake.detail("detected_unusual_activity"), Refused, None, "blocked"),
        (401, OLD_QUOTA, Quota, "quota_exceeded", "7 characters are left, this text needs 90"),
        (401, fake.detail("quota_exceeded"), Quota, None, "no characters left"),
        (402, fake.detail("paid_plan_required"), VoiceUnavailable, None, "plan"),
        (402, {}, VoiceUnavailable, "http_402", "plan"),
        (403, None, Refused, "http_403", "permissions"),
        (404, fake.detail("voice_not_found", param="voice_id"), VoiceUnavailable, None, "voice_id"),
        (404, {"detail": "Not Found"}, Refused, "http_404", "base_url"),
        (413, "too large", Unspeakable, "http_413", "max_voice_chars"),
        (422, LIST, Refused, "validation_error", "settings"),
        (422, TEXT_LIST, Unspeakable, "validation_error", "text"),
        (422, {"detail": [None]}, Refused, "validation_error", "settings"),
        (422, {"detail": []}, Refused, "validation_error", "settings"),
        (429, fake.detail("concurrent_limit_exceeded", status="x"), RateLimited, None, "at once"),
        (429, fake.older("system_busy"), RateLimited, "system_busy", "busy"),
        (429, fake.detail("system_busy"), RateLimited, "system_busy", "busy"),
        (429, fake.detail("quota_exceeded"), Quota, None, "characters"),
        (429, "slow down", RateLimited, "http_429", "requests"),
        (500, "Internal Server Error", Unreachable, "http_500", "trouble"),
        (503, fake.detail("system_busy"), RateLimited, None, "busy"),
        (599, [], Unreachable, "http_599", "trouble"),
        (200, "<html>", Encoding, "http_200", "base_url"),
        (400, {"detail": {"code": 7, "message": None}}, Refused, "http_400", "settings"),
        (400, {"detail": {"code": "words with spaces"}}, Refused, "http_400", "settings"),
    ],
)
def test_what_a_refusal_means(status: int, body: Any, kind: type[SpeechError], reason: str | None, hint: str) -> None:
    error = speech_error(refusal(status, {}, body), BY_CODE)
    assert type(error) is kind
    assert error.reason == (reason or body["detail"]["code"])
    assert hint in error.hint
    assert error.retryable is (kind in (RateLimited, Unreachable))


async def test_the_quota_hint_has_the_numbers_and_the_request(provider: FakeElevenLabs) -> None:
    provider.next(fake.QUOTA)
    speaker = voice(provider)
    with pytest.raises(Quota) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert "12 characters are left, this text needs 44." in caught.value.hint
    assert "(request req0123456789)" in caught.value.hint


@pytest.mark.parametrize(
    ("faults", "kind", "waits"),
    [
        ([fake.QUOTA], Quota, []),
        ([fake.BAD_KEY], Refused, []),
        ([fake.UNPAID], VoiceUnavailable, []),
        ([fake.NO_VOICE], VoiceUnavailable, []),
        ([wire.HTML], Encoding, []),
        ([wire.EMPTY], Encoding, []),
        ([fake.too_fast("2")] * 9, RateLimited, [2.0, 2.0, 2.0]),
        ([fake.BUSY] * 9, RateLimited, [0.5, 1.0, 2.0]),
        ([wire.TROUBLE] * 9, Unreachable, [0.5, 1.0]),
        ([wire.cut(sounds.mp3())] * 9, Unreachable, [0.5, 1.0]),
        ([wire.answer(sounds.ogg_opus()[:-9])] * 9, Unreachable, [0.5, 1.0]),
        ([fake.CROWDED] * 12, RateLimited, [1.0] * 8),
        ([fake.too_fast("3600")] * 9, RateLimited, []),
        ([wire.TROUBLE, wire.TROUBLE, fake.BUSY, fake.QUOTA], Quota, [0.5, 1.0, 0.5]),
    ],
)
async def test_what_is_asked_again_and_when(
    provider: FakeElevenLabs, faults: list[wire.Fault], kind: type[SpeechError], waits: list[float]
) -> None:
    naps = Naps()
    provider.next(*faults)
    speaker = voice(provider, sleep=naps)
    with pytest.raises(kind):
        await speaker.speak(HELLO)
    await speaker.close()
    assert naps.seconds == waits
    assert len(provider.calls) == len(waits) + 1


async def test_it_speaks_once_the_trouble_is_over(provider: FakeElevenLabs) -> None:
    provider.next(wire.TROUBLE, fake.CROWDED, fake.too_fast("0"), wire.cut(sounds.mp3(), chunked=True))
    speaker = voice(provider)
    assert (await speaker.speak(HELLO)).data == sounds.ogg_opus()
    await speaker.close()
    assert len(provider.calls) == 5


async def test_a_provider_that_hangs_is_left_when_the_time_is_over(provider: FakeElevenLabs) -> None:
    importlib.import_module("elevenlabs.text_to_speech.client")  # or the time goes into importing
    speaker = voice(provider, timeout=2.0)
    await speaker.speak(HELLO)  # and into connecting
    provider.next(wire.HANG)
    with pytest.raises(Unreachable) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert caught.value.reason == "timeout"
    assert len(provider.calls) == 2


async def test_nobody_at_that_address() -> None:
    naps = Naps()
    speaker = ElevenLabs(KEY, VOICE, "eleven_v4", base_url="http://127.0.0.1:1", sleep=naps, random=lambda: 0.5)
    with pytest.raises(Unreachable) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert caught.value.reason == "no_connection"
    assert naps.seconds == [0.5, 1.0]


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/", "http://[::1", "http://127.0.0.1:99999999"])
async def test_an_address_that_is_none(address: str) -> None:
    speaker = ElevenLabs(KEY, VOICE, "eleven_v4", base_url=address, sleep=Naps())
    with pytest.raises(SpeechError) as caught:
        await speaker.speak(HELLO)
    await speaker.close()
    assert "base_url" in caught.value.hint


async def test_a_blank_text_is_not_asked_for(provider: FakeElevenLabs) -> None:
    with pytest.raises(Unspeakable):
        await voice(provider).speak(Speech(" \n", "pt-BR"))
    assert provider.calls == []


# -- slots -----------------------------------------------------------------------------------------


async def speak_held(provider: FakeElevenLabs, speakers: list[ElevenLabs], expect: int) -> int:
    """All speak at once; when `expect` have arrived the provider answers. How many it had open at most."""
    gate = asyncio.Event()
    provider.next(*[wire.held(gate, wire.answer(sounds.mp3()))] * len(speakers))
    tasks = [asyncio.create_task(speaker.speak(HELLO)) for speaker in speakers]
    for _ in range(expect):
        await provider.arrivals.get()
    gate.set()
    await asyncio.gather(*tasks)
    for speaker in speakers:
        await speaker.close()
    return provider.most_open


async def test_an_account_nobody_knows_gets_two_requests_at_once(provider: FakeElevenLabs) -> None:
    slots = Slots()
    speakers = [voice(provider, slots=slots) for _ in range(6)]
    assert await speak_held(provider, speakers, 2) == 2


async def test_the_limit_is_learnt_from_the_answer(provider: FakeElevenLabs) -> None:
    provider.concurrency = 4
    slots = Slots()
    first = voice(provider, slots=slots)
    await first.speak(HELLO)
    await provider.arrivals.get()
    speakers = [first, *(voice(provider, slots=slots) for _ in range(8))]
    assert await speak_held(provider, speakers, 4) == 4


async def test_a_line_of_our_own_is_not_the_voices_fault(provider: FakeElevenLabs) -> None:
    slots = Slots(1)
    first, behind = voice(provider, slots=slots), voice(provider, slots=slots, timeout=0.05)
    provider.next(wire.HANG)
    asking = asyncio.create_task(first.speak(HELLO))
    await provider.asked()
    with pytest.raises(RateLimited) as error:
        await behind.speak(HELLO)
    assert (error.value.reason, error.value.retryable) == ("no_slot", False)
    asking.cancel()
    await asyncio.wait([asking])
    assert len(provider.spoken) == 1


async def test_models_of_another_group_and_other_keys_have_slots_of_their_own(
    provider: FakeElevenLabs,
) -> None:
    slots = Slots()
    speakers = [voice(provider, slots=slots), voice(provider, slots=slots)]
    speakers += [voice(provider, "eleven_flash_v2_5", slots=slots) for _ in range(2)]
    assert await speak_held(provider, speakers, 4) == 4


async def test_cancelling_whoever_waits_gives_no_slot_away() -> None:
    slot = Slots(1).of("account")
    await slot.__aenter__()
    waiting = [asyncio.create_task(slot.__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await slot.__aexit__(None, None, None)
    waiting[1].cancel()  # it was just handed the slot, and never takes it
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (slot.busy, waiting[2].exception()) == (1, None)
    await slot.__aexit__(None, None, None)
    assert slot.busy == 0


async def test_a_larger_limit_lets_the_waiting_in_and_a_smaller_one_nobody() -> None:
    slot = Slots(1).of("account")
    tasks = [asyncio.create_task(slot.__aenter__()) for _ in range(4)]
    await asyncio.sleep(0)
    slot.resize(3)
    await asyncio.gather(*tasks[:3])
    assert slot.busy == 3
    slot.resize(0)
    await slot.__aexit__(None, None, None)
    await asyncio.sleep(0)
    assert (slot.busy, slot.limit, tasks[3].done()) == (2, 1, False)
    tasks[3].cancel()
    await asyncio.gather(tasks[3], return_exceptions=True)


# -- check -----------------------------------------------------------------------------------------


async def checked(speaker: ElevenLabs) -> list[tuple[str, str, str]]:
    findings = await speaker.check(TODAY)
    await speaker.close()
    return [(finding.level, finding.key, finding.message) for finding in findings]


async def test_check_finds_all_well_and_costs_nothing(provider: FakeElevenLabs) -> None:
    found = await checked(voice(provider, language="pt-BR", settings=SETTINGS))
    assert [level for level, _, _ in found] == ["ok", "ok", "ok"]
    assert "Ana" in found[0][2]
    assert "10000 characters a request" in found[1][2]
    assert "82769 of 100000 characters are left until 2026-12-21" in found[2][2]
    assert [call.path for call in provider.calls] == [
        f"/v1/voices/{VOICE}",
        "/v1/models",
        "/v1/user/subscription",
    ]
    assert provider.spoken == []


async def test_check_with_a_wrong_key_says_so_once(provider: FakeElevenLabs) -> None:
    [(level, key, message)] = await checked(voice(provider, key="sk_wrong"))
    assert (level, key) == ("error", "voice.api_key")
    assert "sk_wrong" not in message


async def test_check_with_a_key_that_may_only_speak_is_no_outage(provider: FakeElevenLabs) -> None:
    provider.may_look = False
    found = await checked(voice(provider))
    assert [level for level, _, _ in found] == ["warning"] * 3
    assert all("Unknown" in message for _, _, message in found)


def has(provider: FakeElevenLabs, *voices: dict[str, Any]) -> None:
    provider.voices = {listed["voice_id"]: listed for listed in voices}


@pytest.mark.parametrize(
    ("asked", "named"),
    [("OTHE", "It has Bia (OTHER)."), ("bia", "It has Bia (OTHER)."), ("zzz", "It has Bia (OTHER), Caio (THIRD).")],
)
async def test_check_names_the_nearest_voices_of_one_that_is_gone_and_goes_on(
    provider: FakeElevenLabs, asked: str, named: str
) -> None:
    has(provider, fake.listed_voice("OTHER", "Bia"), fake.listed_voice("THIRD", "Caio"))
    found = await checked(voice(provider, voice_id=asked))
    assert found[0][:2] == ("error", "voice.voice_id")
    assert found[0][2].endswith(named)
    assert [level for level, _, _ in found] == ["error", "ok", "ok"]


async def test_check_of_an_account_without_a_voice(provider: FakeElevenLabs) -> None:
    provider.voices = {}
    assert "It has" not in (await checked(voice(provider)))[0][2]


@pytest.mark.parametrize(
    ("model", "more", "level", "key", "words"),
    [
        ("eleven_v44", {}, "error", "voice.model_id", "It offers eleven_v4"),
        ("scribe_v2", {}, "error", "voice.model_id", "does not speak"),
        ("eleven_turbo_v2_5", {}, "warning", "voice.model_id", "use eleven_flash_v2_5"),
        ("eleven_v4", {"language": "xh-ZA"}, "warning", "voice.model_id", "does not list xh-ZA: choose another"),
        ("eleven_v4", {"language": "cy-GB"}, "warning", "voice.model_id", "does not list cy-GB: eleven_v3 does"),
        ("eleven_v3", {"settings": {"speed": 1.0}}, "warning", "voice.speed", "ignores speed"),
        ("eleven_v3", {"settings": {"stability": 0.4}}, "warning", "voice.stability", "0.5 is sent"),
        ("eleven_v4", {"settings": {"speed": 2.0}}, "warning", "voice.speed", "1.2 is sent"),
    ],
)
async def test_check_judges_the_model(
    provider: FakeElevenLabs, model: str, more: dict[str, Any], level: str, key: str, words: str
) -> None:
    for older in provider.models[1:3]:
        older["languages"] = [*older["languages"], {"language_id": "cy", "name": "Welsh"}]
    found = await checked(voice(provider, model, **more))
    assert [(lv, k) for lv, k, message in found if words in message] == [(level, key)]


async def test_check_asks_the_account_about_a_model_it_does_not_know(provider: FakeElevenLabs) -> None:
    provider.models.append(fake.model("eleven_v9"))
    found = await checked(voice(provider, "eleven_v9", settings={"style": 0.3}))
    assert ("warning", "voice.style", "eleven_v9 ignores style: leave it out.") in found


DEFAULT = fake.listed_voice(VOICE, "Rachel", category="premade", language="en")


@pytest.mark.parametrize(
    ("others", "language", "cure"),
    [
        ((), "pt-BR", "make or add a voice of your own"),
        ((fake.listed_voice("D", "Josh", category="premade"),), "pt-BR", "make or add a voice of your own"),
        (
            (fake.listed_voice("E", "Eva", language="es"), fake.listed_voice("A", "Ana")),
            "pt-BR",
            "use Ana (A) instead",
        ),
        ((fake.listed_voice("N", "Nô", language=""),), "pt-BR", "use Nô (N) instead"),
        ((fake.listed_voice("E", "Eva", language="es"),), "", "use Eva (E) instead"),
    ],
)
async def test_check_names_a_replacement_for_a_default_voice(
    provider: FakeElevenLabs, others: tuple[dict[str, Any], ...], language: str, cure: str
) -> None:
    provider.largest_page = 1
    has(provider, DEFAULT, *others)
    level, key, message = (await checked(voice(provider, language=language)))[0]
    assert (level, key) == ("warning", "voice.voice_id")
    assert message == f"Rachel is a default voice, and those are retired in 40 days, on 2026-12-31: {cure}."


async def test_check_of_a_default_voice_with_a_key_that_may_not_list(provider: FakeElevenLabs) -> None:
    has(provider, DEFAULT, fake.listed_voice("A", "Ana"))
    provider.may_list = False
    found = await checked(voice(provider))
    assert found[0][0] == "warning"
    assert found[0][2].endswith("make or add a voice of your own.")


async def test_a_default_voice_is_an_error_once_it_is_retired(provider: FakeElevenLabs) -> None:
    has(provider, DEFAULT)
    speaker = voice(provider)
    [last_day, after] = [(await speaker.check(day))[0] for day in (date(2026, 12, 31), date(2027, 1, 1))]
    await speaker.close()
    assert (last_day.level, last_day.reason) == ("warning", "")
    assert (after.level, after.reason) == ("error", "voice_retired")


@pytest.mark.parametrize(
    ("today", "category", "said"),
    [
        (date(2026, 11, 21), "premade", "those are retired in 40 days, on 2026-12-31"),
        (date(2026, 12, 29), "default", "those are retired in 2 days, on 2026-12-31"),
        (date(2026, 12, 30), "premade", "those are retired tomorrow, 2026-12-31"),
        (date(2026, 12, 31), "premade", "those are retired today, 2026-12-31"),
        (date(2027, 1, 1), "premade", "those were retired on 2026-12-31"),
    ],
)
def test_how_long_a_default_voice_has_left(today: date, category: str, said: str) -> None:
    assert retirement(today, category) == f"is a default voice, and {said}"


@pytest.mark.parametrize("category", ["cloned", "professional", "generated", ""])
def test_other_voices_have_no_end(category: str) -> None:
    assert retirement(date(2027, 6, 1), category) == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense"])
async def test_check_of_an_address_where_nobody_is(provider: FakeElevenLabs, address: str) -> None:
    [(level, _, message)] = await checked(voice(provider, base_url=address))
    assert level == "error"
    assert "voice.base_url" in message


async def test_check_of_a_web_page_in_place_of_the_provider(provider: FakeElevenLabs) -> None:
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, html="<h1>hello</h1>"))
    ) as client:
        [(level, key, _)] = await checked(voice(provider, http_client=client))
    assert (level, key) == ("error", "voice.base_url")


# -- the offer -------------------------------------------------------------------------------------


async def test_the_offer_is_read_page_after_page(provider: FakeElevenLabs) -> None:
    has(provider, *(fake.listed_voice(f"V{number}", f"Voz {number}") for number in range(250)))
    told: list[tuple[int, int]] = []
    speaker = voice(provider)
    offer = await speaker.offer(lambda done, of: told.append((done, of)))
    await speaker.close()
    assert [one.id for one in offer.voices] == [f"V{number}" for number in range(250)]
    assert told == [(100, 250), (200, 250), (250, 250)]
    assert offer.remarks == ()
    assert [call.query for call in provider.calls if call.path.startswith("/v2/")] == [
        {"page_size": "100"},
        {"page_size": "100", "next_page_token": "tok_100"},
        {"page_size": "100", "next_page_token": "tok_200"},
    ]


async def test_an_endless_listing_is_cut_off_and_said_so(provider: FakeElevenLabs) -> None:
    provider.endless = True
    provider.total = 7_000
    speaker = voice(provider)
    offer = await speaker.offer()
    await speaker.close()
    assert len(provider.calls) == 51
    assert offer.remarks == ("Only 1 of 7000 voices could be listed.",)


async def test_the_samples_of_the_provider_are_read(provider: FakeElevenLabs) -> None:
    provider.voices[VOICE] |= {
        "labels": {"language": "Portuguese"},
        "verified_languages": [
            {"language": "pt", "model_id": "eleven_v3", "accent": "brazilian", "locale": "pt-BR"},
            {"language": "en", "model_id": "eleven_v3", "accent": None, "locale": None},
        ],
    }
    provider.voices["P"] = {"voice_id": "P", "category": "premade", "labels": None, "name": None}
    speaker = voice(provider)
    offer = await speaker.offer()
    await speaker.close()
    assert offer.voices == (
        OfferedVoice(VOICE, "Ana", "cloned", ("pt-BR", "en")),
        OfferedVoice("P", "P", "premade", (), "2026-12-31"),
    )
    models = {model.id: model for model in offer.models}
    assert "scribe_v2" not in models
    assert models["eleven_v4"] == OfferedModel(
        "eleven_v4", ("pt", "en"), 10_000, ("similarity_boost", "speed", "stability", "language", "audio tags", "IPA")
    )
    assert models["eleven_turbo_v2_5"].remark == "deprecated: use eleven_flash_v2_5"


async def test_of_a_model_younger_than_us_only_what_is_listed_is_known(provider: FakeElevenLabs) -> None:
    provider.models = [fake.model("eleven_v9", 123)]
    speaker = voice(provider)
    offer = await speaker.offer()
    await speaker.close()
    assert offer.models == (OfferedModel("eleven_v9", ("pt", "en"), 123, None),)


async def test_an_offer_the_key_may_not_see(provider: FakeElevenLabs) -> None:
    provider.may_list = False
    speaker = voice(provider)
    with pytest.raises(Refused) as caught:
        await speaker.offer()
    await speaker.close()
    assert caught.value.reason == "missing_permissions"
    assert "allow it to read both" in caught.value.hint


@pytest.mark.parametrize("body", [{}, [], [{}], "x", {"voices": [{}], "has_more": False}])
async def test_a_listing_that_is_none_raises_what_is_expected(body: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    async with httpx.AsyncClient(transport=transport) as client:
        speaker = voice(FakeElevenLabs(), base_url="http://tts.invalid", http_client=client)
        with contextlib.suppress(SpeechError):
            await speaker.offer()
        assert await speaker.check(TODAY)


@pytest.mark.parametrize(
    ("limit", "used", "level"),
    [
        (100, 0, "ok"),
        (100, 90, "ok"),
        (100, 91, "warning"),
        (100, 100, "error"),
        (100, 130, "error"),
        (None, 3, "warning"),
    ],
)
def test_what_is_left_on_the_account(limit: Any, used: Any, level: str) -> None:
    assert account_finding(limit, used, None).level == level
