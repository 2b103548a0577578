"""The bench starts, and every measurement it offers exists. What it measures is never asserted: machines differ."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import MEASUREMENTS
from bench.report import BEGIN, END, TITLES, Report, kept, printed
from bench.rows import Row, at

ROOT = Path(__file__).parents[1]


def test_help_names_every_measurement() -> None:
    command = [sys.executable, "-m", "bench", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(name in said.stdout for name in MEASUREMENTS)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_every_measurement_can_be_awaited_and_has_a_title(name: str) -> None:
    assert asyncio.iscoroutinefunction(MEASUREMENTS[name])
    assert TITLES[name]


def report(*rows: Row) -> Report:
    return Report("a machine", "2026-11-21 12:00 UTC", 0.1, [0.5, 1.5], 60.0, {"ingest": rows})


def test_a_new_table_takes_the_place_of_the_old_one_and_leaves_the_words(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"# Before\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n")
    kept(report(Row("a door", "5 msg/s", "P1 ≥ 3", met=True)), file)
    text = file.read_text()
    assert text.startswith("# Before\n")
    assert text.endswith("\nAfter.\n")
    assert "old figures" not in text
    assert "| a door | 5 msg/s | P1 ≥ 3 | met |" in text


def test_a_missed_target_is_said() -> None:
    rows = Row("a door", "1 msg/s", "P1 ≥ 3", met=False), Row("another", "2 msg/s")
    missed, plain = printed(report(*rows)).splitlines()[-2:]
    assert missed.endswith("missed")
    assert plain.endswith("msg/s")


@pytest.mark.parametrize(("quantile", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_quantile_is_one_of_the_values(quantile: float, value: float) -> None:
    assert at(quantile, list(range(100, 0, -1))) == value
