"""P5: what it costs to make a voice note, and what the event loop feels of it."""

from __future__ import annotations

import asyncio
import io
import resource
import shutil
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench import speech
from bench.rows import Row, Scale, at, median
from tts import codecs, encode, mastering
from tts.profiles import WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE

TICK = 0.005
"""Seconds between two looks at the loop's lateness."""
WAYS = {
    "recado": "MP3, recado: decode, trim, level, encode, listen to the result",
    "passed": "already a voice note: checked and passed through",
    "joined": "four of them: one stream of their packets",
    "rewritten": "the phone's frames in another container: packets and pages written anew",
    "rewritten, joined": "four of those: one stream for a phone",
    "drawn": "already a voice note: passed through with its waveform, which is a decode",
    "bare": "MP3, the same codecs, decode and encode alone",
    "pydub": "MP3, pydub with ffmpeg processes",
    "levelled": "MP3, ffmpeg with its loudness filter",
}
SHARES = ("passed", "joined", "rewritten", "rewritten, joined")
"""What costs at most a fiftieth of encoding."""
JOINED = 4


async def encoding(scale: Scale, folder: Path) -> list[Row]:
    ways: dict[str, Callable[[], object]] = _ways()
    if shutil.which("ffmpeg") and shutil.which("ffprobe"):
        ways |= {"pydub": _pydub, "levelled": _levelled}
    cost: dict[str, list[float]] = defaultdict(list)
    for work in ways.values():
        work()
    for _ in range(scale.rounds):
        for name, work in ways.items():
            cost[name].append(_cpu_ms(work) / speech.SECONDS / (JOINED if name.endswith("joined") else 1))
    return [*_cost_rows({name: median(each) for name, each in cost.items()}), *await _lag_rows(scale)]


def _ways() -> dict[str, Callable[[], object]]:
    note, frames = speech.as_note(), speech.as_phones_packets()
    phone = replace(WHATSAPP_PHONE, draws=False)
    return {
        "recado": lambda: encode.voice_note(speech.as_mp3()),
        "passed": lambda: encode.voice_note(note, profile=WHATSAPP_CLOUD),
        "joined": lambda: encode.notes([note] * JOINED, profile=WHATSAPP_CLOUD),
        "rewritten": lambda: encode.voice_note(frames, profile=phone),
        "rewritten, joined": lambda: encode.notes([frames] * JOINED, profile=phone),
        "drawn": lambda: encode.voice_note(speech.as_another_note()),
        "bare": _bare,
    }


def _cost_rows(cost: dict[str, float]) -> list[Row]:
    rows = [Row(WAYS[name], f"{ms:.2f} ms CPU a second of sound") for name, ms in cost.items()]
    rows += [_share_row(name, cost[name] / cost["recado"]) for name in SHARES]
    rows.append(Row("drawn : encoding", f"{100 * cost['drawn'] / cost['recado']:.1f} %"))
    if "pydub" not in cost:
        return [*rows, Row(WAYS["pydub"], "not measured: no ffmpeg", "P5 ≤ 0.55 ×")]
    whole, bare, saved = cost["recado"] / cost["pydub"], cost["bare"] / cost["pydub"], cost["pydub"] / cost["passed"]
    return [
        *rows,
        Row("recado : pydub with ffmpeg processes", f"{whole:.2f} ×", "P5 ≤ 0.55 ×", whole <= 0.55),
        Row("decode and encode alone : pydub with ffmpeg processes", f"{bare:.2f} ×"),
        Row("recado : ffmpeg with its loudness filter", f"{cost['recado'] / cost['levelled']:.2f} ×"),
        Row("pydub with ffmpeg processes : passed through", f"{saved:.0f} ×", "P4 ≥ 150 ×", saved >= 150),
    ]


def _share_row(name: str, share: float) -> Row:
    return Row(f"{name} : encoding", f"{100 * share:.2f} %", "≤ 2 %", share <= 0.02)


def _cpu_ms(work: Callable[[], object]) -> float:
    """Ours and that of the processes it started and waited for."""
    before = _used()
    work()
    return (_used() - before) * 1000


def _used() -> float:
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


# -- the other ways --------------------------------------------------------------------------------


def _bare() -> bytes:
    return mastering.opus(codecs.pcm(speech.as_mp3(), 48_000, 600.0), 24_000, "voip", WEB)


def _pydub() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pydub import AudioSegment

        out = io.BytesIO()
        sound = AudioSegment.from_file(io.BytesIO(speech.as_mp3()), format="mp3").set_channels(1)
        sound.export(out, format="ogg", codec="libopus", bitrate="24k", parameters=["-application", "voip"])
    return out.getvalue()


def _levelled() -> bytes:
    import subprocess

    command = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-af", "loudnorm=I=-16:TP=-1", "-ac", "1", "-c:a", "libopus"]
    shape = ["-b:a", "24k", "-application", "voip", "-f", "ogg", "pipe:1"]
    return subprocess.run([*command, *shape], input=speech.as_mp3(), capture_output=True, check=True).stdout


# -- the event loop --------------------------------------------------------------------------------


async def _lag_rows(scale: Scale) -> list[Row]:
    """With an encoder that never rests, beside a loop that has nothing to do but to be on time."""
    encoder = encode.Encoder()
    await encoder.start()
    idle, busy = [], []
    for _ in range(scale.rounds):
        idle.append(at(0.99, await _late(scale.seconds)))
        working = asyncio.create_task(_work(encoder))
        busy.append(at(0.99, await _late(scale.seconds)))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    await encoder.close()
    still, moved = median(idle), median(busy)
    found = f"p99 {moved:.1f} ms, idle {still:.1f} ms ({moved / still:.1f} ×)"
    return [Row("event loop's lateness while encoding", found, "P5 ≤ 2 ×", moved <= 2 * still)]


async def _work(encoder: encode.Encoder) -> None:
    while True:
        await encoder.voice_note(speech.as_mp3())


async def _late(seconds: float) -> list[float]:
    """Milliseconds, tick by tick."""
    late, end = [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await asyncio.sleep(TICK)
        late.append((time.perf_counter() - began - TICK) * 1000)
    return late
