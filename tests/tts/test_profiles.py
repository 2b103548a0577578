"""For each place a note is played: what its bytes are, read by a parser that is not the encoder's."""

from __future__ import annotations

import io
import random
import struct
from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import ogg as parser
from tests.tts.test_encode import SPOKEN, as_wav, encoded, lufs, peak_db, spoken
from tts import ogg
from tts.encode import Encoder, VoiceNotes, decode, voice_note
from tts.errors import Encoding
from tts.model import Audio, Speech
from tts.profiles import PROFILES, TELEGRAM, WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE, Profile

SILK_WIDEBAND_THREE_COUNTED = 0b01001_0_11
"""RFC 6716: configuration 9 is SILK-only, wideband, 20 ms; mono; code 3."""


def assert_plays(note: Audio, profile: Profile, seconds: float, *, even: bool = True) -> parser.Note:
    """`even`: packets of 60 ms, which only others' packets put into one stream need not be."""
    found = parser.read(note.data)
    assert (found.channels, found.serials, found.starts, found.ends, found.ends_last) == (1, 1, 1, 1, True)
    assert (found.comments, found.bad_sums, found.stereo_packets, found.gain) == (0, 0, 0, 0)
    assert found.rate == profile.rate
    assert profile.vendor in (None, found.vendor)
    assert not even or {*found.packets[:-1]} <= {2880}
    assert found.packets[-1] <= 2880
    assert 0 < found.pre_skip < found.granule <= found.decoded
    assert found.seconds == pytest.approx(seconds, abs=0.05)
    assert note.seconds == pytest.approx(found.seconds, abs=0.001)
    assert len(decode(note.data, 48_000)[0]) / 96_000 == pytest.approx(seconds, abs=0.05)
    assert len(note.data) <= profile.max_bytes
    assert len(note.waveform) == 64 or (not profile.draws and note.waveform == ())
    return found


def assert_recorded_by_a_phone(found: parser.Note) -> None:
    assert found.rate == 16_000
    assert {*found.tocs} == {SILK_WIDEBAND_THREE_COUNTED}
    assert {*found.counts[:-1]} <= {3}
    assert 1 <= found.counts[-1] <= 3
    assert found.granule <= found.decoded


def heard(data: bytes) -> np.ndarray:
    """By the codec's own decoder, as phones have it: libav's own gives other samples for other packets."""
    with av.open(io.BytesIO(data)) as file:
        decoder = av.CodecContext.create("libopus", "r")
        decoder.extradata = file.streams.audio[0].codec_context.extradata
        packets = [packet for packet in file.demux(audio=0) if packet.size]
        return np.concatenate([frame.to_ndarray()[0] for packet in packets for frame in decoder.decode(packet)])


# -- what each is made like ------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("seconds", [0.3, 5])
def test_a_note_is_what_its_profile_says(profile, seconds):
    note = voice_note(as_wav(spoken(seconds)), profile=profile)
    assert_plays(note, profile, seconds)
    assert profile.takes(note.data)


def test_nothing_asked_for_is_for_the_web():
    source = as_wav(spoken(2))
    assert voice_note(source).data == voice_note(source, profile=WEB).data


@pytest.mark.parametrize("seconds", [0.002, 0.02, 0.06, 1, 7.43])
def test_for_a_phone_it_is_like_a_phones_own(seconds):
    note = voice_note(as_wav(spoken(8, rate=48_000)[: round(seconds * 48_000)], 48_000), profile=WHATSAPP_PHONE)
    found = assert_plays(note, WHATSAPP_PHONE, seconds)
    assert_recorded_by_a_phone(found)
    assert seconds > 1 or found.granule - found.pre_skip == round(seconds * 48_000)
    assert all(later - earlier <= 48_000 for earlier, later in zip(found.pages, found.pages[1:], strict=False))


def test_who_made_a_phones_note_is_nobody_in_particular():
    found = parser.read(voice_note(as_wav(spoken(1)), profile=WHATSAPP_PHONE).data)
    assert found.vendor == b"opus"


@pytest.mark.parametrize("level", [0.003, 0.05, 0.3])
def test_a_phones_note_is_as_loud_as_every_other(level):
    note = voice_note(as_wav(spoken(12, level)), profile=WHATSAPP_PHONE)
    assert lufs(note.data) == pytest.approx(-16, abs=1)
    assert peak_db(note.data) <= -1


def test_a_shout_does_not_take_a_phones_note_out_of_its_mode():
    samples = spoken(12, 0.02)
    samples[5 * 24_000 : 5 * 24_000 + 400] *= 30
    note = voice_note(as_wav(samples), profile=WHATSAPP_PHONE)
    assert_recorded_by_a_phone(parser.read(note.data))
    assert lufs(note.data) == pytest.approx(-16, abs=1)
    assert peak_db(note.data) <= -1


def test_where_the_mode_is_prescribed_a_peak_is_held_lower_instead():
    """SILK adds decibels to this one; with the samples at the usual ceiling the note would peak at -0.2."""
    loud_and_low = np.where((np.arange(24_000 * 5) // 12_000) % 4 == 0, 3.0, 0.4)
    note = voice_note(as_wav(spoken(5) * loud_and_low), profile=WHATSAPP_PHONE)
    assert_recorded_by_a_phone(parser.read(note.data))
    assert peak_db(note.data) <= -1
    assert lufs(note.data) == pytest.approx(-16, abs=2)


def test_silence_around_a_phones_note_is_trimmed():
    quiet = np.zeros(24_000 * 2)
    note = voice_note(as_wav(np.concatenate([quiet, spoken(2), quiet])), profile=WHATSAPP_PHONE)
    loud = np.flatnonzero(np.abs(np.frombuffer(decode(note.data, 48_000)[0], "<i2")) > 328)
    assert loud[0] <= 0.15 * 48_000
    assert note.seconds * 48_000 - loud[-1] <= 0.15 * 48_000


def test_the_same_sound_is_the_same_bytes():
    first, again = (voice_note(as_wav(spoken(2)), profile=WHATSAPP_PHONE).data for _ in range(2))
    assert first == again


# -- bit rate by length ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "seconds", "best"),
    [
        (WHATSAPP_CLOUD, 60, 32_000), (WHATSAPP_CLOUD, 144, 32_000), (WHATSAPP_CLOUD, 145, 24_000),
        (WHATSAPP_CLOUD, 193, 16_000), (WHATSAPP_CLOUD, 288, 16_000), (WHATSAPP_CLOUD, 289, None),
        (TELEGRAM, 288, 32_000), (WEB, 289, 12_000), (WEB, 385, None),
    ],
)  # fmt: skip
def test_the_length_decides_the_bit_rate(profile, seconds, best):
    assert next(iter(profile.rates(seconds)), None) == best


def test_four_minutes_still_fit():
    assert_plays(voice_note(as_wav(spoken(240)), profile=WHATSAPP_PHONE), WHATSAPP_PHONE, 240)


def test_what_does_not_fit_at_any_rate_is_refused():
    with pytest.raises(Encoding) as caught:
        voice_note(as_wav(spoken(40)), profile=replace(WHATSAPP_PHONE, max_bytes=60_000))
    assert caught.value.reason == "too_long"


# -- what passes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phone() -> bytes:
    return voice_note(as_wav(spoken(4)), profile=WHATSAPP_PHONE).data


@pytest.fixture(scope="module")
def web() -> bytes:
    return voice_note(as_wav(spoken(4))).data


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_phones_note_passes_everywhere_untouched(phone, profile):
    assert voice_note(phone, profile=profile).data is phone


@pytest.mark.parametrize("profile", [WHATSAPP_CLOUD, TELEGRAM], ids=lambda profile: profile.name)
def test_a_note_for_the_web_passes_where_nothing_is_prescribed(web, profile):
    assert voice_note(web, profile=profile).data is web


def test_a_note_for_the_web_is_made_again_for_a_phone(web):
    note = voice_note(web, profile=WHATSAPP_PHONE)
    assert_recorded_by_a_phone(assert_plays(note, WHATSAPP_PHONE, 4))


def test_what_is_larger_than_a_place_takes_is_made_smaller(web):
    small = replace(TELEGRAM, max_bytes=len(web) - 1)
    assert len(voice_note(web, profile=small).data) < len(web)


@pytest.mark.parametrize(
    ("vendor", "rate", "frames"), [(b"Lavf62.1.100", 16_000, 3), (b"opus", 48_000, 3), (b"opus", 16_000, 1)]
)
def test_only_the_container_is_made_anew_when_only_it_is_wrong(phone, vendor, rate, frames):
    other = ogg.written(ogg.regrouped(ogg.opened(phone), frames), rate=rate, vendor=vendor)
    assert not WHATSAPP_PHONE.takes(other)
    assert voice_note(other, profile=WHATSAPP_PHONE).data == phone


def test_comments_are_left_behind_without_decoding(phone):
    tags = phone.index(b"OpusTags") + 12 + len(b"opus")
    named = phone[:tags] + struct.pack("<II", 1, 14) + b"TITLE=a secret" + phone[tags + 4 :]
    start = named.rfind(b"OggS", 0, tags)
    end = named.index(b"OggS", start + 4)
    page = bytearray(named[start:end])
    page[27] += 18
    page[22:26] = struct.pack("<I", parser.crc(bytes(page)))
    named = named[:start] + bytes(page) + named[end:]
    assert parser.read(named).comments == 1
    assert parser.read(named).bad_sums == 0
    assert voice_note(named, profile=WHATSAPP_PHONE).data == phone


@pytest.mark.parametrize("change", ["a wrong sum", "no end", "another mode"])
def test_what_a_phone_would_not_play_is_encoded_again(phone, change):
    broken = bytearray(phone)
    last = phone.rfind(b"OggS")
    if change == "a wrong sum":
        broken[last + 22] ^= 1
    elif change == "no end":
        broken[last + 5] &= ~4
        broken[last + 22 : last + 26] = struct.pack("<I", parser.crc(bytes(broken[last:])))
    else:
        broken = bytearray(encoded(spoken(4), "ogg", "libopus"))
    note = voice_note(bytes(broken), profile=WHATSAPP_PHONE)
    assert note.data not in (phone, bytes(broken))
    seconds = parser.read(phone).pages[-2] / 48_000 if change == "a wrong sum" else 4  # decoders drop such a page
    assert_recorded_by_a_phone(assert_plays(note, WHATSAPP_PHONE, seconds))


def test_what_a_phone_recorded_is_put_into_another_container_sample_by_sample():
    source = (SPOKEN / "where-is-the-shop.pt-BR.ogg").read_bytes()
    again = ogg.written(ogg.opened(source), rate=16_000, vendor=b"opus")
    found = parser.read(again)
    assert (found.bad_sums, found.rate, found.vendor) == (0, 16_000, b"opus")
    assert decode(again) == decode(source)
    assert found.seconds == decode(source)[1]


# -- containers and packets ------------------------------------------------------------------------


def test_frames_in_other_packets_are_the_same_sound(phone):
    sound = ogg.opened(phone)
    for count in (1, 2, 3, 6):
        other = ogg.written(ogg.regrouped(sound, count), rate=16_000, vendor=b"opus")
        assert parser.read(other).counts[0] == count
        assert np.array_equal(heard(other), heard(phone))


def test_joined_notes_are_one_stream_of_the_same_packets(phone):
    short = voice_note(as_wav(spoken(1.5)), profile=WHATSAPP_PHONE).data
    sounds = [ogg.opened(one) for one in (phone, short, phone)]
    whole = ogg.written(ogg.joined(sounds), rate=16_000, vendor=b"opus")
    found = parser.read(whole)
    assert (found.serials, found.starts, found.ends, found.ends_last, found.bad_sums) == (1, 1, 1, True, 0)
    assert found.seconds == pytest.approx(sum(sound.samples for sound in sounds) / 48_000, abs=0.15)
    assert len(decode(whole, 48_000)[0]) / 96_000 == pytest.approx(found.seconds, abs=0.001)
    assert ogg.opened(whole).packets == [packet for sound in sounds for packet in sound.packets]


def test_what_plays_at_different_gains_is_not_joined(phone):
    sound = ogg.opened(phone)
    with pytest.raises(Encoding):
        ogg.joined([sound, replace(sound, gain=256)])
    with pytest.raises(Encoding):
        ogg.joined([])


@given(
    st.integers(0, 63).map(lambda toc: toc << 2),
    st.lists(st.integers(0, 1275) | st.sampled_from([251, 252, 255, 256]), min_size=1, max_size=12),
    st.integers(1, 3),
)
def test_frames_come_out_as_they_went_in(toc, sizes, count):
    frames = [random.Random(size).randbytes(size) for size in sizes]
    length = (480, 960, 1920, 2880)[toc >> 3 & 3] if toc >> 3 < 12 else 960
    count = min(count, 5760 // length)
    packets = [bytes([toc]) + frame for frame in frames]
    packed = ogg.regrouped(ogg.Sound(packets, 0, 0), count).packets
    assert [frame for packet in packed for frame in ogg.frames(packet)] == frames
    assert sum(map(ogg.samples, packed)) == sum(map(ogg.samples, packets))


@pytest.mark.parametrize(
    ("packet", "frames"),
    [
        ("48 aabb", ["aabb"]), ("48", [""]), ("49 aabb", ["aa", "bb"]), ("4a 01 aa bbcc", ["aa", "bbcc"]),
        ("4b 02 aa bb", ["aa", "bb"]), ("4b 83 01 02 aa bbbb cc", ["aa", "bbbb", "cc"]),
        ("4b 42 03 aa bb 000000", ["aa", "bb"]), ("4b c2 02 01 aa bb 0000", ["aa", "bb"]),
        ("4b 42 ff 01 aa bb" + 255 * "00", ["aa", "bb"]),
    ],
)  # fmt: skip
def test_the_four_ways_to_hold_frames(packet, frames):
    """RFC 6716, 3.2.2 to 3.2.5: one; two of a size; two; any number, with padding and with or without sizes."""
    assert ogg.frames(bytes.fromhex(packet)) == [bytes.fromhex(frame) for frame in frames]


@pytest.mark.parametrize(
    "packet", ["", "49 aa", "4a", "4a 05 aa", "4a fc", "4b", "4b 00", "4b 07 00", "4b 82 09 aa", "4b 42 ff", "4b 02 aa"]
)
def test_what_is_no_packet_is_refused(packet):
    with pytest.raises(Encoding):
        ogg.frames(bytes.fromhex(packet))


@given(st.binary(max_size=400))
def test_sums_are_oggs(data):
    page = data + bytes(27)
    assert ogg.crc(page) == parser.crc(page)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_large_packets_have_whole_pages(seed, count):
    chance = random.Random(seed)
    packets = [bytes([0x48]) + chance.randbytes(chance.choice([1, 254, 255, 600, 9000])) for _ in range(count)]
    file = ogg.written(ogg.Sound(packets, 312, 960 * count - 312), rate=16_000, vendor=b"opus")
    found = parser.read(file)
    assert (found.bad_sums, found.ends, len(found.tocs), found.granule) == (0, 1, count, 960 * count)
    assert ogg.opened(file).packets == packets


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_notes_are_taken_apart_or_refused_and_nothing_else(phone, data):
    broken = bytearray(phone)
    for _ in range(data.draw(st.integers(0, 6))):
        broken[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    assert WHATSAPP_PHONE.takes(bytes(broken)) in (True, False)
    try:
        sound = ogg.opened(bytes(broken))
    except Encoding:
        return
    assert parser.read(ogg.written(sound, rate=16_000, vendor=b"opus")).bad_sums == 0


# -- a voice in a profile --------------------------------------------------------------------------


class Speaker:
    name = "fixed/voice"

    async def speak(self, speech: Speech) -> Audio:
        return Audio(as_wav(spoken(1)), "audio/wav", spoken_by=self.name, characters=len(speech.text))

    async def close(self) -> None:
        pass


async def test_a_voice_speaks_for_the_place_it_is_heard():
    encoder = Encoder()
    try:
        note = await VoiceNotes(Speaker(), encoder, profile=WHATSAPP_PHONE).speak(Speech("olá", "pt-BR"))
    finally:
        await encoder.close()
    assert_recorded_by_a_phone(assert_plays(note, WHATSAPP_PHONE, 1))
