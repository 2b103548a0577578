"""Any sound becomes a voice note, and nothing else is ever called one."""

from __future__ import annotations

import asyncio
import io
import math
import os
import random
import signal
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import ogg
from tts import codecs, encode
from tts.encode import Encoder, VoiceNotes, decode, join, mp3, sniff, voice_note, wav, waveform
from tts.errors import Encoding
from tts.model import Audio, Speech
from tts.silent import Silent

RATE = 24_000
SPOKEN = Path(__file__).parent.parent / "fixtures" / "spoken"


def spoken(seconds: float, level: float = 0.2, rate: int = RATE) -> np.ndarray:
    """What loudness and codecs take for speech: harmonics of a moving voice, in syllables with pauses."""
    t = np.arange(int(seconds * rate)) / rate
    pitch = 140 + 30 * np.sin(2 * np.pi * 0.4 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(n * phase) / n for n in range(1, 18))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t) + 0.4, 0, 1) * (np.sin(2 * np.pi * 0.31 * t) > -0.8)
    noise = np.random.default_rng(7).standard_normal(len(t)) * 0.02
    return level * (voice + noise) * syllables


def as_wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    return wav((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), rate)


def encoded(samples: np.ndarray, format: str, codec: str, rate: int = 48_000, channels: int = 1, **tags: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=format) as out:
        out.metadata.update(tags)
        stream = out.add_stream(codec, rate=rate, layout="stereo" if channels == 2 else "mono")
        pcm = np.repeat((np.clip(samples, -1, 1) * 32767).astype("<i2"), channels)[None]
        frame = av.AudioFrame.from_ndarray(pcm, "s16", "stereo" if channels == 2 else "mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(stream.codec_context.format.name, stream.layout.name, rate)
        fifo = av.AudioFifo()
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts = None
            fifo.write(piece)
        while piece := fifo.read(stream.codec_context.frame_size or 1024, partial=True):
            piece.pts = None
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def lufs(data: bytes) -> float:
    """ITU-R BS.1770-4 by its formulas, with the K-weighting applied in the frequency domain."""
    rate = 48_000
    x = np.frombuffer(decode(data, rate)[0], "<i2") / 32768
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * len(x)))
    shelf = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
    high = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
    response = 1
    for b, a in (shelf, high):
        response = response * (b[0] + b[1] * z + b[2] * z**2) / (a[0] + a[1] * z + a[2] * z**2)
    y = np.fft.irfft(np.fft.rfft(x, 2 * len(x)) * response)[: len(x)]
    block, step = int(0.4 * rate), int(0.1 * rate)
    power = np.array([np.mean(y[i : i + block] ** 2) for i in range(0, len(y) - block + 1, step)])
    power = power[power > 10 ** ((-70 + 0.691) / 10)]
    gate = np.mean(power) * 0.1
    return -0.691 + 10 * math.log10(np.mean(power[power > gate]))


def peak_db(data: bytes) -> float:
    """Decoded as floats and oversampled four times, for what the speaker will draw between the samples."""
    with av.open(io.BytesIO(data)) as file:
        x = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)]).astype(np.float64)
    spectrum = np.fft.rfft(x)
    fine = np.fft.irfft(np.pad(spectrum, (0, 3 * (len(x) // 2))), 4 * len(x)) * 4
    return 20 * math.log10(np.abs(fine).max())


def assert_is_voice_note(note: Audio, seconds: float | None = None) -> ogg.Note:
    found = ogg.read(note.data)
    assert (found.channels, found.serials, found.ends, found.ends_last) == (1, 1, 1, True)
    assert (found.comments, found.bad_sums, found.stereo_packets) == (0, 0, 0)
    assert note.mime == sniff(note.data) == "audio/ogg; codecs=opus"
    assert found.seconds == pytest.approx(note.seconds, abs=0.001)
    assert 0 <= found.decoded - (found.granule - 0) < 2880 + 960
    assert len(decode(note.data, 48_000)[0]) / 96_000 == pytest.approx(note.seconds, abs=0.05)
    assert len(note.data) <= 512 * 1024
    assert len(note.waveform) == 64
    assert max(note.waveform) <= 100
    if seconds is not None:
        assert note.seconds == pytest.approx(seconds, abs=0.05)
    return found


# -- what comes out --------------------------------------------------------------------------------


def test_a_voice_note_is_one_stream_of_mono_opus_with_an_end():
    found = assert_is_voice_note(voice_note(as_wav(spoken(5))))
    assert found.frame_ms == 60


@pytest.mark.parametrize("seconds", [5, 60])
def test_it_fits_whatever_its_length(seconds):
    note = voice_note(as_wav(spoken(seconds)))
    assert_is_voice_note(note)
    assert note.seconds == pytest.approx(seconds, abs=1)


def test_too_long_is_said_and_not_cut():
    with pytest.raises(Encoding) as caught:
        voice_note(as_wav(spoken(30)), max_bytes=20_000)
    assert caught.value.reason == "too_long"
    assert "max_voice_chars" in caught.value.hint


def test_a_smaller_limit_is_met_with_a_lower_bit_rate():
    large, small = (voice_note(as_wav(spoken(20)), max_bytes=size) for size in (512 * 1024, 45_000))
    assert len(small.data) <= 45_000 < len(large.data)
    assert small.seconds == large.seconds


def test_the_same_sound_is_the_same_bytes():
    assert voice_note(as_wav(spoken(3))).data == voice_note(as_wav(spoken(3))).data


@pytest.mark.parametrize("level", [0.003, 0.05, 0.3])
def test_every_voice_is_as_loud_as_the_next(level):
    note = voice_note(as_wav(spoken(12, level)))
    assert lufs(note.data) == pytest.approx(-16, abs=1)
    assert peak_db(note.data) <= -1


def test_a_voice_with_a_shout_in_it_does_not_clip():
    samples = spoken(12, 0.02)
    samples[5 * RATE : 5 * RATE + 400] *= 30
    note = voice_note(as_wav(samples))
    assert lufs(note.data) == pytest.approx(-16, abs=1)
    assert peak_db(note.data) <= -1


def test_silence_at_the_ends_is_trimmed_and_inside_it_is_kept():
    voice = spoken(2)
    quiet = np.zeros(RATE * 3)
    note = voice_note(as_wav(np.concatenate([quiet, voice, quiet, voice, quiet])))
    pcm = np.abs(np.frombuffer(decode(note.data, 48_000)[0], "<i2")) / 32768
    loud = np.flatnonzero(pcm > 0.01)
    assert loud[0] <= 0.15 * 48_000
    assert len(pcm) - loud[-1] <= 0.15 * 48_000
    assert note.seconds == pytest.approx(7, abs=0.6)


def test_silence_alone_stays_silence():
    note = voice_note(asyncio.run(Silent().speak(Speech("a" * 30, "pt-BR"))).data)
    assert_is_voice_note(note, 2.0)
    assert not any(note.waveform)


@pytest.mark.parametrize("samples", [1, 100, 2880, 2881])
def test_the_shortest_sounds_are_whole_notes_too(samples):
    assert_is_voice_note(voice_note(as_wav(spoken(1)[:samples] + 0.1, 48_000)))


def test_stereo_becomes_mono_and_tags_stay_behind():
    source = encoded(spoken(3), "ogg", "libopus", channels=2, title="a secret", artist="somebody")
    assert ogg.read(source).comments >= 2
    note = voice_note(source)
    assert_is_voice_note(note)
    assert b"secret" not in note.data


@pytest.mark.parametrize(
    ("format", "codec", "mime"),
    [
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("webm", "libopus", "audio/webm"),
        ("mp4", "aac", "audio/mp4"),
        ("flac", "flac", "audio/flac"),
        ("adts", "aac", "audio/aac"),
        ("wav", "pcm_s16le", "audio/wav"),
        ("amr", "libopencore_amrnb", "audio/amr"),
        ("3gp", "libopencore_amrnb", "audio/3gpp"),
        ("3gp", "aac", "audio/3gpp"),
        ("mov", "aac", "audio/mp4"),
    ],
)
def test_every_container_is_known_by_its_bytes_and_becomes_a_note(format, codec, mime):
    source = encoded(spoken(3), format, codec, rate=8_000 if "amr" in codec else 48_000)
    assert sniff(source) == mime
    assert encode.inspect(source).seconds == pytest.approx(3, abs=0.1)
    assert_is_voice_note(voice_note(source))


def test_what_phones_keep_is_known_too():
    caf = (SPOKEN / "where-is-the-shop.pt-BR.caf").read_bytes()
    wide = b"#!AMR-WB\n" + b"".join(b"\x44" + random.Random(n).randbytes(60) for n in range(50))
    for source, mime, length in ((caf, "audio/x-caf", 2.28), (wide, "audio/amr-wb", 1.0)):
        found = encode.inspect(source)
        assert (found.mime, found.seconds) == (mime, pytest.approx(length, abs=0.01))


def test_opus_for_ears_is_the_whole_sound_as_it_was():
    source = as_wav(np.concatenate([np.zeros(RATE), spoken(2, 0.02)]))
    note = encode.opus(source)
    assert sniff(note) == "audio/ogg; codecs=opus"
    assert encode.seconds(note) == pytest.approx(3, abs=0.05)
    assert lufs(note) == pytest.approx(lufs(source), abs=1)


def test_a_fitting_voice_note_passes_untouched():
    first = voice_note(as_wav(spoken(4)))
    again = voice_note(first.data)
    assert again.data is first.data
    assert again.seconds == first.seconds
    assert len(again.waveform) == 64


@pytest.mark.parametrize("change", ["no end", "two streams"])
def test_an_ogg_that_is_no_voice_note_is_made_one(change):
    whole = voice_note(as_wav(spoken(3))).data
    if change == "two streams":
        broken = whole + whole
    else:
        last = whole.rfind(b"OggS")
        page = bytearray(whole[last:])
        page[5] &= ~4
        page[22:26] = struct.pack("<I", ogg.crc(bytes(page)))
        broken = whole[:last] + bytes(page)
    note = voice_note(broken)
    assert note.data != broken
    assert_is_voice_note(note)


# -- what does not come out ------------------------------------------------------------------------

HALF = {
    "wav": lambda: as_wav(spoken(3)),
    "ogg": lambda: encoded(spoken(3), "ogg", "libopus", channels=2),
    "mp3": lambda: encoded(spoken(3), "mp3", "libmp3lame"),
    "mp4": lambda: encoded(spoken(3), "mp4", "aac"),
}


@pytest.mark.parametrize("kind", HALF)
def test_half_a_file_is_no_voice_note(kind):
    whole = HALF[kind]()
    with pytest.raises(Encoding):
        voice_note(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 5000, b"<!doctype html><title>Sign in</title>", b'{"detail": "quota"}', b"ID3", b"OggS", b"RIFF",
        b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC" + b"\0" * 50, b"\x1a\x45\xdf\xa3" + b"\xff" * 90,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\xff\xfb\x90\x00" + b"\0" * 10, b"#!AMR\n", b"#!AMR\n\xff\xff\xff", b"#!AMR-WB\n",
        b"caff\0\1\0\0desc", b"\0\0\0\x18ftypheic" + b"\0" * 90, b"\0\0\0\x18ftyp3gp4" + b"\0" * 90,
    ],
)  # fmt: skip
@pytest.mark.parametrize("work", [voice_note, decode, mp3, encode.opus, encode.inspect, encode.seconds])
def test_what_is_no_sound_is_refused(work, data):
    with pytest.raises(Encoding):
        work(data)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_sound_is_decoded_or_refused_and_nothing_else(data):
    source = bytearray(DAMAGED[data.draw(st.sampled_from(sorted(DAMAGED)))])
    for _ in range(data.draw(st.integers(0, 8))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    source = source[: data.draw(st.integers(0, len(source)))]
    try:
        pcm, seconds = decode(bytes(source), max_seconds=30)
    except Encoding:
        return
    assert len(pcm) == round(seconds * 32_000) <= 30 * 32_000


DAMAGED = {
    name: encoded(spoken(0.6), format, codec)
    for name, format, codec in (
        ("ogg", "ogg", "libopus"), ("mp3", "mp3", "libmp3lame"), ("webm", "webm", "libopus"), ("mp4", "mp4", "aac"),
        ("flac", "flac", "flac"), ("wav", "wav", "pcm_s16le"), ("aac", "adts", "aac"),
    )
} | {"amr": encoded(spoken(0.6), "amr", "libopencore_amrnb", rate=8_000)}  # fmt: skip


def adts(payload: bytes) -> bytes:
    """A frame with a header that is right."""
    length = 7 + len(payload)
    return bytes([0xFF, 0xF1, 0x50, 0x80 | length >> 11, length >> 3 & 255, (length & 7) << 5 | 31, 0xFC]) + payload


def counted(monkeypatch) -> list[int]:
    """Gets an entry for each packet that is looked at."""
    packets, spend = [], codecs.Limits.spend

    def noted(self, frames):
        packets.append(len(frames))
        spend(self, frames)

    monkeypatch.setattr(codecs.Limits, "spend", noted)
    return packets


@pytest.mark.parametrize("good", [0, 20])
def test_junk_in_frames_is_given_up_soon(monkeypatch, good):
    """A million frames whose headers are right and which hold nothing: seconds of work for each megabyte."""
    packets = counted(monkeypatch)
    start = (SPOKEN / "where-is-the-shop.pt-BR.aac").read_bytes() if good else b""
    junk = start + adts(b"\0") * 200_000
    assert sniff(junk) == "audio/aac"
    with pytest.raises(Encoding) as caught:
        decode(junk)
    assert caught.value.reason == "not_audio"
    assert len(packets) < 1_000


def test_a_sound_that_is_mostly_damaged_still_plays():
    whole = (SPOKEN / "where-is-the-shop.pt-BR.aac").read_bytes()
    assert decode(whole + adts(b"\0") * 400)[1] == pytest.approx(2.3, abs=0.3)


def test_libav_does_not_look_at_megabytes_before_we_can_count(monkeypatch):
    """Opening alone must stay small: what it reads of the file is what it decodes."""
    read = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            read.append(size)
            return super().read(size)

    monkeypatch.setattr(codecs.io, "BytesIO", Watched)
    with pytest.raises(Encoding):
        decode(adts(b"\0") * 200_000)
    assert sum(read) < 600_000


def test_a_decoder_that_only_works_is_stopped(monkeypatch):
    monkeypatch.setattr(codecs, "MOST_WORK_S", -1.0)
    with pytest.raises(Encoding) as caught:
        decode(as_wav(spoken(1)))
    assert (caught.value.reason, caught.value.retryable) == ("too_much_work", False)
    assert caught.value.hint


def test_a_rate_of_one_hertz_is_too_long_before_it_is_resampled():
    with pytest.raises(Encoding) as caught:
        decode(wav(bytes(200_000), 1))
    assert caught.value.reason == "too_long"


def test_few_bytes_that_promise_hours_are_stopped_early():
    hours = encoded(np.zeros(RATE * 300), "flac", "flac", rate=8_000)
    assert len(hours) < 100_000
    with pytest.raises(Encoding) as caught:
        decode(hours, max_seconds=20)
    assert caught.value.reason == "too_long"


# -- the small ones --------------------------------------------------------------------------------


def test_mp3_is_mp3_for_as_long():
    note = voice_note(as_wav(spoken(4)))
    other = mp3(note.data)
    assert sniff(other) == "audio/mpeg"
    assert encode.seconds(other) == pytest.approx(note.seconds, abs=0.1)
    assert other[:3] != b"ID3"
    assert other[-128:-125] != b"TAG"


def test_joined_parts_are_one_sound():
    a, b = as_wav(spoken(2)), encoded(spoken(3), "mp3", "libmp3lame")
    whole = join([a, b], pause=0.5)
    assert whole.mime == sniff(whole.data) == "audio/wav"
    assert whole.seconds == pytest.approx(5.5, abs=0.6)
    assert_is_voice_note(voice_note(whole.data), whole.seconds)


def test_the_waveform_follows_the_sound():
    quiet_then_loud = np.concatenate([np.full(3200, 100), np.full(3200, 1000)]).astype("<i2")
    assert waveform(quiet_then_loud.tobytes()) == (10,) * 32 + (100,) * 32
    assert waveform(b"") == (0,) * 64


def test_decoding_says_how_long_it_was():
    pcm, seconds = decode(encoded(spoken(2), "webm", "libopus"))
    assert seconds == pytest.approx(2, abs=0.05)
    assert len(pcm) == round(seconds * 32_000)


# -- in a process of its own -----------------------------------------------------------------------


class Speaker:
    name = "fixed/voice"
    closed = False

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def speak(self, speech: Speech) -> Audio:
        return Audio(self.data, "audio/mpeg", spoken_by=self.name, characters=len(speech.text))

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
async def encoder():
    encoder = Encoder()
    await encoder.start()
    yield encoder
    await encoder.close()


async def test_a_voice_speaks_in_voice_notes(encoder):
    voice = VoiceNotes(Speaker(encoded(spoken(2), "mp3", "libmp3lame")), encoder)
    note = await voice.speak(Speech("olá", "pt-BR"))
    assert_is_voice_note(note)
    assert (note.spoken_by, note.characters, voice.name) == ("fixed/voice", 3, "fixed/voice")


async def test_an_error_keeps_its_reason_and_hint_on_the_way_back(encoder):
    with pytest.raises(Encoding) as caught:
        await VoiceNotes(Speaker(b"<html>"), encoder).speak(Speech("olá", "pt-BR"))
    assert caught.value.reason == "not_audio"
    assert caught.value.hint


async def test_a_dead_worker_is_replaced_and_the_note_still_comes(encoder):
    os.kill(await encoder._run(os.getpid), signal.SIGKILL)
    note, heard = await asyncio.gather(
        encoder.voice_note(as_wav(spoken(1))), encoder.inspect(encoded(spoken(1), "webm", "libopus"))
    )
    assert_is_voice_note(note)
    assert (heard.mime, len(heard.waveform)) == ("audio/webm", 64)


async def test_ears_get_opus_of_it(encoder):
    note = await encoder.opus((SPOKEN / "where-is-the-shop.pt-BR.amr").read_bytes())
    assert sniff(note) == "audio/ogg; codecs=opus"


async def test_a_sound_that_kills_twice_is_refused_and_the_next_one_works(encoder):
    with pytest.raises(Encoding) as caught:
        await encoder._run(os._exit, 3)
    assert caught.value.reason == "worker_died"
    assert (await encoder.decode(as_wav(spoken(1))))[1] == pytest.approx(1, abs=0.01)


async def test_a_worker_that_hangs_is_ended():
    encoder = Encoder(timeout=0.5)
    with pytest.raises(Encoding) as caught:
        await encoder._run(signal.pause)
    assert caught.value.reason == "encoder_timeout"
    await encoder.close()
    await encoder.close()


async def test_closing_does_not_wait_for_what_nobody_waits_for(tmp_path):
    encoder = Encoder()
    begun = tmp_path / "begun"
    code = f"import signal; open({str(begun)!r}, 'w').close(); signal.pause()"
    hanging = asyncio.create_task(encoder._run(exec, code))
    while not begun.exists():
        await asyncio.sleep(0.01)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await asyncio.wait_for(encoder.close(), 20)


ORPHANED = """
import asyncio, os, signal
from tts.encode import Encoder

async def main():
    print(await Encoder()._run(os.getpid), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_the_worker_does_not_outlive_a_killed_server(tmp_path):
    server = tmp_path / "server.py"
    server.write_text(ORPHANED)
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # The worker holds our pipe too: reading it to the end is waiting for both to be gone.
    out = subprocess.run([sys.executable, server], env=where, capture_output=True, timeout=30)
    assert out.returncode == -signal.SIGKILL
    assert int(out.stdout)
