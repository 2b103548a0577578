"""`python -m bench`: measure this machine and print one table.

The whole of it takes some half an hour on two cores and keeps its table in docs/performance.md and its curves in
docs/images; `--quick` takes five to ten minutes and keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.aloud import aloud
from bench.cold_start import cold_start
from bench.encoding import encoding
from bench.hooks import hooks
from bench.ingest import ingest, slow_disk
from bench.kill import kill
from bench.lanes import growth, idle, orphans, posting, snapshot
from bench.memory import memory
from bench.notes import notes
from bench.picture import Picture
from bench.report import Report, kept, printed
from bench.rising import answered, taken
from bench.rows import FULL, QUICK, NotMeasured, Row, Scale
from bench.turns import text, voice
from bench.window import window

Measurement = Callable[[Scale, Path], Awaitable[Sequence[Row | Picture]]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "ingest": ingest,
    "slow_disk": slow_disk,
    "hooks": hooks,
    "window": window,
    "text": text,
    "voice": voice,
    "aloud": aloud,
    "notes": notes,
    "memory": memory,
    "encoding": encoding,
    "cold_start": cold_start,
    "kill": kill,
    "taken": taken,
    "answered": answered,
    "growth": growth,
    "posting": posting,
    "snapshot": snapshot,
    "idle": idle,
    "orphans": orphans,
}


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    asyncio.run(_measured(args.only or list(MEASUREMENTS), QUICK if args.quick else FULL, args.keep))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure recado on this machine.")
    parser.add_argument("--quick", action="store_true", help="five to ten minutes instead of thirty; keeps nothing")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="put the table into this file; docs/performance.md for a whole run"
    )
    return parser


async def _measured(names: Sequence[str], scale: Scale, keep: Path | None) -> None:
    began, loads = time.perf_counter(), [machine.load()]
    sections: dict[str, list[Row]] = {}
    pictures: list[Picture] = []
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as name:
        sync = machine.sync_ms(Path(name))
        for measurement in names:
            print(f"measuring: {measurement}", flush=True)
            folder = Path(name) / measurement
            folder.mkdir()
            found = await _found(measurement, scale, folder)
            sections[measurement] = [one for one in found if isinstance(one, Row)]
            pictures += [one for one in found if isinstance(one, Picture)]
            loads.append(machine.load())
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    report = Report(machine.described(), at, sync, loads, time.perf_counter() - began, sections, pictures)
    print(printed(report))
    if keep or (scale is FULL and list(names) == list(MEASUREMENTS)):
        kept(report, keep or Path(__file__).parents[1] / "docs/performance.md")


async def _found(name: str, scale: Scale, folder: Path) -> Sequence[Row | Picture]:
    try:
        return await MEASUREMENTS[name](scale, folder)
    except NotMeasured as why:
        return [Row(name, f"not measured: {why}")]


if __name__ == "__main__":
    raise SystemExit(main())
