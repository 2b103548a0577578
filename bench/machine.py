"""What the figures were measured on, and how busy it was with other things."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path

from bench.rows import median


def described() -> str:
    """One line: processor, cores, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load() -> float:
    """The load average of the last minute: our own work and everybody else's."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def sync_ms(folder: Path, times: int = 200) -> float:
    """Milliseconds this disk takes to make a page durable, at the median."""
    took = []
    with (folder / "sync").open("wb") as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return median(took)
