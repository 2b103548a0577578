"""The table, for a terminal and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.picture import Picture, svg
from bench.rows import Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
TITLES = {
    "ingest": "A message on disk, then 202",
    "slow_disk": "The same on a slower disk",
    "hooks": "A provider's message on disk, then 200",
    "window": "The end of a window",
    "text": "A text turn",
    "voice": "A voice turn",
    "aloud": "From the last written word to the note",
    "notes": "A voice note heard, answered, spoken and delivered",
    "memory": "Memory",
    "encoding": "A voice note from other sound",
    "cold_start": "Start",
    "kill": "Death",
    "growth": "What a turn costs the store alone",
    "posting": "What a message costs the store alone",
    "taken": "Ever more messages",
    "answered": "Ever more turns",
    "snapshot": "Behind a forgotten transaction",
    "idle": "Nothing to do",
    "orphans": "Claims of the dead",
}
VERDICTS = {True: "met", False: "**missed**", None: ""}


@dataclass(frozen=True, slots=True)
class Report:
    machine: str
    at: str
    sync_ms: float
    """Of an fsync on the disk that was measured."""
    loads: Sequence[float]
    """Load averages before, between and after."""
    seconds: float
    sections: Mapping[str, Sequence[Row]]
    pictures: Sequence[Picture] = ()


def printed(report: Report) -> str:
    """Aligned, without marks."""
    rows = [row for section in report.sections.values() for row in section]
    wide, found, wanted = (max(map(len, column), default=0) for column in zip(*map(_columns, rows), strict=True))
    lines = list(_about(report))
    for name, section in report.sections.items():
        lines += ["", TITLES[name]]
        for row in section:
            what, value, target = _columns(row)
            line = f"  {what:{wide}}  {value:{found}}  {target:{wanted}}  {VERDICTS[row.met].strip('*')}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def _columns(row: Row) -> tuple[str, str, str]:
    return row.what, row.found, row.target


def _about(report: Report) -> Iterator[str]:
    yield f"{report.machine}; an fsync takes {report.sync_ms:.2f} ms."
    loads = f"between {min(report.loads):.1f} and {max(report.loads):.1f}"
    yield f"{report.at}, in {report.seconds:.0f} s; load average {loads}, our own work included."


def kept(report: Report, file: Path) -> None:
    """Takes the place of the last table in `file`; what stands around it is left alone. Pictures go beside it."""
    text = file.read_text("utf-8") if file.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    file.write_text(f"{head}{BEGIN}\n{markdown(report)}\n{END}{tail}", "utf-8")
    images = file.parent / "images"
    for picture in report.pictures:
        images.mkdir(exist_ok=True)
        (images / f"{picture.name}.svg").write_text(svg(picture), "utf-8")


def markdown(report: Report) -> str:
    lines = [*_about(report), "", "| what | measured | target | |", "|---|---|---|---|"]
    for name, section in report.sections.items():
        lines.append(f"| **{TITLES[name]}** | | | |")
        lines += [f"| {row.what} | {row.found} | {row.target} | {VERDICTS[row.met]} |" for row in section]
    return "\n".join(lines)
