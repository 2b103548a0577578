"""kill -9 at random points: nothing acknowledged is lost, nothing is answered twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("RECADO_KILLS", "20"))


def start(path: Path, seed: int, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.storage.victim", str(path), str(seed), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)


def live_and_die(path: Path, seed: int) -> list[str]:
    """What the process said before it was killed, a random while after it opened the store."""
    victim = start(path, seed)
    assert victim.stdout is not None
    assert victim.stderr is not None
    opened = victim.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.25))
    victim.send_signal(signal.SIGKILL)
    said, errors = victim.communicate(timeout=30)
    assert opened == b"open\n", errors.decode()
    assert b"Traceback" not in errors, errors.decode()
    assert victim.returncode == -signal.SIGKILL
    whole = said[: said.rfind(b"\n") + 1]
    return whole.decode().splitlines()


@pytest.mark.kill
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_kill_9(tmp_path: Path) -> None:
    path, seed = tmp_path / "recado.db", int(os.environ.get("RECADO_SEED", time.time_ns() % 1_000_000))
    print(f"RECADO_SEED={seed} repeats this run")
    said = [live_and_die(path, seed + n) for n in range(KILLS)]
    last = start(path, seed, "drain")
    out, errors = last.communicate(timeout=60)  # at once: no lease of 30 s has to run out
    assert out.endswith(b"drained\n"), errors.decode()
    said.append(out.decode().splitlines())

    acked = [line.split()[1] for life in said for line in life if line.startswith("acked")]
    sent = [[line.split()[1] for line in life if line.startswith("sent")] for life in said]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stored = [dedup for (dedup,) in db.execute("SELECT dedup FROM entry WHERE kind = 0")]
    answered = Counter(
        id for (body,) in db.execute("SELECT body FROM entry WHERE kind = 1 ORDER BY key, seq") for id in body.split()
    )
    outbox = db.execute("SELECT key, dedup FROM entry WHERE kind = 1 ORDER BY key, seq").fetchall()
    asleep = db.execute("SELECT COUNT(*) FROM lane WHERE head = tail AND wake_at IS NULL AND busy = 0").fetchone()
    assert asleep == db.execute("SELECT COUNT(*) FROM lane").fetchone()
    db.close()

    assert len(acked) > KILLS, "too little happened to mean anything"
    assert set(acked) <= set(stored), "acknowledged and lost"
    assert len(stored) == len(set(stored))
    assert sorted(answered) == sorted(stored), "unanswered"
    assert max(answered.values()) == 1, "answered twice"
    check_sends(outbox, sent)
    print(
        f"{KILLS} kills, {len(acked)} acknowledged, {len(stored)} stored, {len(outbox)} parts, "
        f"{sum(map(len, sent)) - len(outbox)} repeated"
    )


def check_sends(outbox: list[tuple[str, str]], lives: list[list[str]]) -> None:
    """Everything is sent, in order for each recipient; a kill repeats at most the part each one had in flight."""
    place = {dedup: (key, n) for n, (key, dedup) in enumerate(outbox)}
    times = Counter(dedup for life in lives for dedup in life)
    assert set(times) == set(place)
    reached: dict[str, int] = {}
    for life in lives:
        fresh: set[str] = set()
        for dedup in life:
            key, n = place[dedup]
            assert n >= reached.get(key, -1), "a recipient's parts went back in order"
            assert n > reached.get(key, -1) or key not in fresh, "a part was repeated without a kill"
            reached[key] = n
            fresh.add(key)
