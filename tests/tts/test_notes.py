"""Sounds spoken one after the other become notes: one where it fits, else the fewest, and no packet is made twice."""

from __future__ import annotations

import itertools
import math
import struct
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import ogg as parser
from tests.tts.test_encode import SPOKEN, as_wav, encoded, lufs, peak_db
from tests.tts.test_profiles import assert_plays, assert_recorded_by_a_phone
from tts import bars, encode, loudness, mastering, ogg
from tts.encode import PAUSE_S, Encoder, notes, voice_note, wav
from tts.errors import Encoding
from tts.profiles import PROFILES, TELEGRAM, WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE

RATE = 24_000
every_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


@cache
def speech(file: str = "where-is-the-shop.pt-BR.ogg") -> np.ndarray:
    """A sentence of real speech from its first sound to its last, between -1 and 1."""
    pcm = np.frombuffer(encode.decode((SPOKEN / file).read_bytes(), RATE)[0], "<i2") / 32768
    loud = np.flatnonzero(np.abs(pcm) > 0.05 * np.abs(pcm).max())
    return pcm[loud[0] : loud[-1]]


def sentence(seconds: float) -> np.ndarray:
    """Speech of this length, loud at both ends: nothing of it is silence to be trimmed."""
    sound = np.resize(speech(), round(seconds * RATE)).copy()
    sound[:240] = sound[-240:] = 0.2 * np.sin(np.arange(240) / 5)
    return sound


def lengths(count: int, total: float) -> list[float]:
    """Uneven ones."""
    shares = [1 + 0.6 * math.sin(3 * n) for n in range(count)]
    return [total * share / sum(shares) for share in shares]


def expected(parts: list[float]) -> float:
    return sum(parts) + PAUSE_S * (len(parts) - 1)


# -- what is encoded -------------------------------------------------------------------------------


@every_profile
@pytest.mark.parametrize(("count", "total"), [(1, 0.3), (2, 4), (5, 8), (12, 20)])
def test_many_sounds_are_one_note_of_the_profile(profile, count, total):
    parts = lengths(count, total)
    (note,) = notes([as_wav(sentence(one)) for one in parts], profile=profile)
    found = assert_plays(note.audio, profile, expected(parts))
    assert note.parts == count
    if profile.is_strict:
        assert_recorded_by_a_phone(found)
    assert total < 0.4 or lufs(note.audio.data) == pytest.approx(-16, abs=1)  # the standard's block is 0.4 s
    assert peak_db(note.audio.data) <= -1


@every_profile
def test_what_does_not_fit_one_note_is_the_fewest_of_about_equal_length(profile):
    """The same law with a smaller place: 24 KB hold about 11 seconds."""
    small = replace(profile, max_bytes=24_000)
    parts = [3.0, 2.0, 4.0, 1.0, 5.0, 3.0, 2.0]
    made = notes([as_wav(sentence(one)) for one in parts], profile=small)
    assert sum(note.parts for note in made) == len(parts)
    assert len(made) == math.ceil(expected(parts) / small.longest)
    at = 0
    for note in made:
        assert_plays(note.audio, small, expected(parts[at : at + note.parts]))
        at += note.parts
    assert max(note.audio.seconds for note in made) < expected(parts) / len(made) + 4


def test_the_order_is_kept_over_the_cuts():
    small = replace(WEB, max_bytes=8_000)
    pitches = [300, 600, 900, 1200, 1500, 1800]
    sounds = [np.sin(2 * np.pi * pitch * np.arange(2 * RATE) / RATE) * 0.2 for pitch in pitches]
    made = notes([as_wav(sound) for sound in sounds], profile=small)
    assert len(made) > 1
    heard = []
    for note in made:
        pcm = np.frombuffer(encode.decode(note.audio.data, RATE)[0], "<i2")
        for part in range(note.parts):
            middle = round((1 + part * (2 + PAUSE_S)) * RATE)
            spectrum = np.abs(np.fft.rfft(pcm[middle - RATE // 2 : middle + RATE // 2]))
            heard.append(int(spectrum.argmax()))
    assert heard == pytest.approx(pitches, abs=2)


@pytest.fixture(scope="module")
def minutes() -> list[encode.Note]:
    """Five of noise in speech's rhythm, which costs the codec all it may spend."""
    loud = np.random.default_rng(5).standard_normal(60 * RATE) * 0.2
    rhythm = np.clip(np.sin(2 * np.pi * 3 * np.arange(60 * RATE) / RATE) + 0.7, 0, 1)
    return notes([as_wav(loud * rhythm)] * 5, profile=WHATSAPP_CLOUD)


def test_five_minutes_are_two_notes_and_each_fits(minutes):
    assert sorted(note.parts for note in minutes) == [2, 3]
    for note in minutes:
        assert len(note.audio.data) <= 512 * 1024
        assert_plays(note.audio, WHATSAPP_CLOUD, expected([60.0] * note.parts))


@pytest.mark.parametrize(
    ("profile", "made"), [(WEB, [6, 6]), (WHATSAPP_CLOUD, [6, 6]), (WHATSAPP_PHONE, [6, 6]), (TELEGRAM, [12])]
)
def test_six_minutes_in_twelve_parts(profile, made):
    """Of silence, which is encoded fast and neither trimmed nor made louder; the law is that of lengths."""
    parts = [wav(bytes(2 * 30 * 8_000), 8_000)] * 12
    found = notes(parts, profile=profile)
    assert [note.parts for note in found] == made
    for note in found:
        assert_plays(note.audio, profile, expected([30.0] * note.parts))


def test_silence_between_is_short_and_a_silent_part_is_no_trouble():
    gap = np.zeros(3 * RATE)
    part = as_wav(np.concatenate([gap, sentence(1), gap]))
    (note,) = notes([part, part], profile=WEB)
    assert note.audio.seconds == pytest.approx(2 + PAUSE_S + 4 * 0.1, abs=0.05)
    (note,) = notes([part, as_wav(np.zeros(RATE))])
    assert note.audio.seconds == pytest.approx(1.2 + PAUSE_S + 1, abs=0.05)


def test_a_mixture_is_decoded_and_encoded_once(monkeypatch):
    made = []
    opus = mastering.opus

    def counted(*args, **kwargs):
        made.append(args)
        return opus(*args, **kwargs)

    ready = voice_note(as_wav(sentence(1.5))).data
    monkeypatch.setattr(mastering, "opus", counted)
    (note,) = notes([ready, encoded(sentence(2), "mp3", "libmp3lame"), as_wav(sentence(1))])
    assert (note.parts, len(made)) == (3, 1)
    assert_plays(note.audio, WEB, expected([1.5, 2, 1]))


def test_one_sound_too_long_for_a_note_is_said_and_not_cut():
    small = replace(WHATSAPP_CLOUD, max_bytes=24_000)
    with pytest.raises(Encoding) as caught:
        notes([as_wav(sentence(1)), as_wav(sentence(14)), as_wav(sentence(1))], profile=small)
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize("parts", [[], [b"<html>"], [b""]])
def test_what_is_no_sound_is_refused(parts):
    with pytest.raises(Encoding) as caught:
        notes(parts)
    assert caught.value.reason == "not_audio"


def test_one_bad_sound_among_good_ones_is_refused():
    with pytest.raises(Encoding):
        notes([as_wav(sentence(1)), b'{"detail": "quota"}'])


# -- what is not encoded ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready() -> list[bytes]:
    return [voice_note(as_wav(sentence(one))).data for one in (1.3, 0.7, 2.11)]


@pytest.fixture(scope="module")
def prescribed() -> list[bytes]:
    return [voice_note(as_wav(sentence(one)), profile=WHATSAPP_PHONE).data for one in (1.3, 0.7, 2.11)]


@pytest.fixture
def no_codec(monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("decoded or encoded")

    monkeypatch.setattr(mastering, "read", never)
    monkeypatch.setattr(mastering, "opus", never)


@every_profile
def test_one_that_fits_comes_back_untouched(prescribed, no_codec, profile):
    (note,) = notes([prescribed[0]], profile=profile)
    assert (note.parts, note.audio.data) == (1, prescribed[0])
    assert note.audio.seconds == parser.read(prescribed[0]).seconds


@every_profile
def test_packets_are_put_into_one_stream(prescribed, no_codec, profile):
    (note,) = notes(prescribed, profile=profile)
    assert note.parts == 3
    sources = [parser.read(one) for one in prescribed]
    found = assert_plays(note.audio, profile, together(sources), even=profile.is_strict)
    assert found.seconds == pytest.approx(together(sources), abs=0.001)
    assert found.tocs == tuple(toc for one in sources for toc in one.tocs) or profile.is_strict
    assert sum(found.counts) == sum(sum(one.counts) for one in sources)
    if profile.is_strict:
        assert_recorded_by_a_phone(found)


def together(sources: list[parser.Note]) -> float:
    """Seconds: where two meet, what their containers would cut is played."""
    last = sources[-1]
    return (sum(one.decoded for one in sources[:-1]) + last.granule - sources[0].pre_skip) / 48_000


def test_what_is_joined_sounds_as_each_did(ready, no_codec):
    (note,) = notes(ready)
    whole = np.frombuffer(encode.decode(note.audio.data, 48_000)[0], "<i2").astype(float)
    at = 0
    for data in ready:
        found = parser.read(data)
        alone = np.frombuffer(encode.decode(data, 48_000)[0], "<i2").astype(float)
        inside = whole[at : at + len(alone)]
        assert np.corrcoef(alone[4800:-4800], inside[4800:-4800])[0, 1] > 0.98
        at += found.decoded
    assert at - parser.read(ready[-1]).decoded + len(alone) == pytest.approx(len(whole), abs=1)


def test_joined_notes_are_cut_where_they_do_not_fit(monkeypatch):
    small = replace(WHATSAPP_PHONE, bit_rates=(16_000,), max_bytes=20_000)
    parts = [voice_note(as_wav(sentence(one)), profile=small).data for one in (1.3, 2.11)] * 4
    monkeypatch.setattr(mastering, "read", None)
    made = notes(parts, profile=small)
    assert [note.parts for note in made] == [4, 4]
    for note in made:
        assert_recorded_by_a_phone(assert_plays(note.audio, small, together([*map(parser.read, parts[:4])])))


def test_what_is_too_large_only_joined_is_encoded_into_fewer_notes(ready):
    small = replace(WEB, max_bytes=sum(map(len, ready)) - 1)
    (note,) = notes(ready, profile=small)
    assert note.parts == 3
    assert len(note.audio.data) <= small.max_bytes


def test_other_packets_than_the_prescribed_are_encoded_again(ready, prescribed):
    (note,) = notes([prescribed[0], ready[1]], profile=WHATSAPP_PHONE)
    assert_recorded_by_a_phone(assert_plays(note.audio, WHATSAPP_PHONE, expected([1.3, 0.7])))


@pytest.mark.parametrize("change", ["gain", "stereo"])
def test_what_a_joined_stream_cannot_say_is_encoded_again(ready, change):
    sound = ogg.opened(ready[1])
    if change == "gain":
        other = ogg.written(replace(sound, gain=-256), rate=48_000, vendor=b"opus")
    else:
        flagged = [bytes([packet[0] | 4]) + packet[1:] for packet in sound.packets]
        other = ogg.written(replace(sound, packets=flagged), rate=48_000, vendor=b"opus")
    (note,) = notes([ready[0], other, ready[2]])
    found = parser.read(note.audio.data)
    assert (found.gain, found.stereo_packets) == (0, 0)
    assert lufs(note.audio.data) == pytest.approx(-16, abs=1)


def test_a_stream_that_was_cut_is_not_joined(ready):
    with pytest.raises(Encoding):
        notes([ready[0], ready[1][: len(ready[1]) // 2]])


def test_comments_are_left_behind_without_decoding(ready, no_codec):
    data = encoded(sentence(1), "ogg", "libopus", title="a secret")
    assert parser.read(data).comments >= 1
    (note,) = notes([data])
    assert b"secret" not in note.audio.data
    assert parser.read(note.audio.data).tocs == parser.read(data).tocs


def test_the_bars_of_what_passes_are_those_of_its_sound(ready, prescribed):
    for data in (*ready, *prescribed):
        truth = encode.waveform(encode.decode(data, 48_000)[0])
        assert notes([data])[0].audio.waveform == pytest.approx(truth, abs=1)
    (whole,) = notes(ready)
    assert whole.audio.waveform == pytest.approx(encode.waveform(encode.decode(whole.audio.data, 48_000)[0]), abs=1)


def test_a_sound_is_drawn_once_alone_and_in_every_note(ready, monkeypatch):
    decoded = []
    heard = bars.codecs.heard
    monkeypatch.setattr(bars.codecs, "heard", lambda sound: decoded.append(sound) or heard(sound))
    bars._of_packets.cache_clear()
    alone = [notes([one])[0].audio for one in ready]
    for several in (ready, ready[::-1], [ready[1], ready[1], ready[0]]):
        (whole,) = notes(several)
        truth = encode.waveform(encode.decode(whole.audio.data, 48_000)[0])
        assert whole.audio.waveform == pytest.approx(truth, abs=1)
    assert len(decoded) == len(ready) == len({audio.waveform for audio in alone})


@pytest.mark.parametrize("profile", [WHATSAPP_CLOUD, TELEGRAM], ids=lambda profile: profile.name)
def test_nobody_needs_to_draw_what_a_provider_draws(ready, profile):
    assert [note.audio.waveform for note in notes(ready, profile=profile)] == [()]
    assert voice_note(ready[0], profile=profile).waveform == ()
    assert len(notes([as_wav(sentence(0.5))], profile=profile)[0].audio.waveform) == 64


async def test_the_worker_makes_them_too(ready):
    encoder = Encoder()
    try:
        (note,) = await encoder.notes(ready, profile=TELEGRAM)
        assert note == notes(ready, profile=TELEGRAM)[0]
        with pytest.raises(Encoding):
            await encoder.notes([])
    finally:
        await encoder.close()


# -- the law of sizes ------------------------------------------------------------------------------


@given(st.lists(st.floats(0.3, 60), min_size=1, max_size=60), st.sampled_from([0.0, PAUSE_S]))
def test_every_share_fits_and_none_could_be_saved(seconds, pause):
    counts = WHATSAPP_CLOUD.shares(seconds, pause)
    assert sum(counts) == len(seconds)
    ends = list(itertools.accumulate(counts))
    held = [sum(seconds[end - count : end]) + pause * (count - 1) for count, end in zip(counts, ends, strict=True)]
    assert max(held) <= WHATSAPP_CLOUD.longest
    for first, second in itertools.pairwise(held):
        assert len(counts) > 2 or first + pause + second > WHATSAPP_CLOUD.longest


@settings(max_examples=60)
@given(st.lists(st.floats(20, 120), min_size=1, max_size=9))
def test_no_other_cut_is_fewer_or_more_even(seconds):
    most = WHATSAPP_CLOUD.longest
    best = min(
        (len(cut) + 1, max(sum(seconds[a:b]) for a, b in itertools.pairwise([0, *cut, len(seconds)])))
        for size in range(len(seconds))
        for cut in itertools.combinations(range(1, len(seconds)), size)
        if all(sum(seconds[a:b]) <= most for a, b in itertools.pairwise([0, *cut, len(seconds)]))
    )
    counts = WHATSAPP_CLOUD.shares(seconds)
    ends = list(itertools.accumulate(counts))
    longest = max(sum(seconds[end - count : end]) for count, end in zip(counts, ends, strict=True))
    assert len(counts) == best[0]
    assert longest <= best[1] + 0.3


@pytest.mark.parametrize(
    ("minutes", "made"), [(1 / 60, 1), (1, 1), (4, 1), (4.3, 2), (8, 2), (9, 3), (12, 3), (17, 5), (20, 5)]
)
def test_from_a_second_to_twenty_minutes(minutes, made):
    """Sentences of four seconds at most; 512 KB hold 253 seconds at 16 kbit/s, pages included."""
    count = max(1, round(minutes * 15))
    counts = WHATSAPP_CLOUD.shares([minutes * 60 / count] * count)
    assert len(counts) == made
    assert max(counts) - min(counts) <= 1 + len(counts)


@every_profile
@pytest.mark.parametrize("seconds", [1, 7.43])
def test_the_lowest_bit_rate_is_kept_to_the_byte(profile, seconds):
    """What `longest` counts on, with the sound that costs most."""
    noise = np.random.default_rng(3).standard_normal(round(seconds * profile.rate)) * 8000
    pcm = noise.clip(-32768, 32767).astype("<i2").tobytes()
    data = mastering.opus(pcm, profile.bit_rates[-1], "voip", profile, vbr=False)
    assert len(data) - 1024 <= seconds * (profile.bit_rates[-1] / 8 + 64)
    assert profile.takes(data)


@every_profile
def test_what_the_codec_overspends_is_made_to_fit(monkeypatch, profile):
    """Variable bit rates are a hope, constant ones a fact; here the codec misses every one that it may miss."""
    opus = mastering.opus
    monkeypatch.setattr(mastering, "opus", lambda *a, vbr=True: opus(*a, vbr=vbr) + bytes(30_000 if vbr else 0))
    small = replace(profile, max_bytes=1024 + math.ceil(10.2 * (profile.bit_rates[-1] / 8 + 64)))
    (note,) = notes([as_wav(sentence(10))], profile=small)
    assert_plays(note.audio, small, 10)
    with pytest.raises(Encoding) as caught:
        notes([as_wav(sentence(10.5))], profile=small)
    assert caught.value.reason == "too_long"


# -- loudness of uneven speech ---------------------------------------------------------------------

UNEVEN = {
    "a shout, then whispers": [20, 1, 1, 1],
    "whisper and shout in turn": [0.2, 20, 0.2, 20],
    "ever louder": [0.1, 0.4, 1.6, 25],
    "a shout at the end": [1, 1, 1, 30],
}


HOW = pytest.mark.parametrize("how", [*UNEVEN, "a few shouted syllables", "clicks"])


def uneven(how: str) -> np.ndarray:
    """Two voices, two sentences each."""
    voices = [speech(), speech("how-long-to-return.en.webm")] * 2
    voices = [voice / np.sqrt(np.mean(voice**2)) for voice in voices]
    sound = np.concatenate([gain * voice for gain, voice in zip(UNEVEN.get(how, [1] * 4), voices, strict=True)])
    chance = np.random.default_rng(1)
    for at in chance.integers(0, len(sound) - 4_000, 3):
        if how == "a few shouted syllables":
            sound[at : at + 2_400] *= 12
        elif how == "clicks":
            sound[at : at + 30] += chance.standard_normal(30) * 30
    return sound / np.abs(sound).max()


@pytest.mark.parametrize("profile", [WEB, WHATSAPP_PHONE], ids=lambda profile: profile.name)
@HOW
def test_uneven_speech_is_as_loud_as_even(profile, how):
    note = voice_note(as_wav(uneven(how)), profile=profile)
    assert lufs(note.data) == pytest.approx(-16, abs=1)
    assert peak_db(note.data) <= -1


@HOW
def test_what_the_limiter_takes_is_given_back_before_anything_is_encoded(how):
    samples = (uneven(how) * 32767).astype("<i2")
    held, gain = loudness.Levelling(samples, RATE).towards(-16, 0.63)
    louder = held.astype(float) * 10 ** (gain / 20)
    assert np.abs(louder).max() <= 0.63 * 32768 + 10 ** (gain / 20)
    assert loudness.lufs(louder.astype("<i2"), RATE) == pytest.approx(-16, abs=0.5)


def test_what_a_phone_does_not_play_is_not_measured(monkeypatch):
    """A whistle above 8 kHz, louder than the speech: whoever counted it would have to encode twice."""
    made = []
    opus = mastering.opus
    monkeypatch.setattr(mastering, "opus", lambda *args, **more: made.append(args) or opus(*args, **more))
    speech_and_whistle = 0.3 * sentence(2) + 0.6 * np.sin(2 * np.pi * 10_000 / RATE * np.arange(2 * RATE))
    note = voice_note(as_wav(speech_and_whistle), profile=WHATSAPP_PHONE)
    assert lufs(note.data) == pytest.approx(-16, abs=0.6)
    assert len(made) == 1


def test_half_the_samples_are_as_loud():
    """As all of them, by a meter that is not ours."""
    data = (SPOKEN / "where-is-the-shop.pt-BR.ogg").read_bytes()
    samples = np.frombuffer(encode.decode(data, 48_000)[0], "<i2")
    assert loudness.lufs(samples, 48_000) == pytest.approx(lufs(data), abs=0.1)


def test_head_and_pages_of_a_join_say_the_same_everywhere(prescribed):
    """The gain in the head is none, the rate the profile's, and every page ends where its packets do."""
    (note,) = notes(prescribed, profile=WHATSAPP_PHONE)
    found = parser.read(note.audio.data)
    assert struct.unpack_from("<HIh", note.audio.data, note.audio.data.index(b"OpusHead") + 10) == (312, 16_000, 0)
    assert [*found.pages] == sorted(found.pages)
    assert max(b - a for a, b in itertools.pairwise(found.pages)) <= 48_000
