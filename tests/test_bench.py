"""The bench starts, every measurement it offers exists, and what it posts is what the channels read. What it measures
is never asserted: machines differ."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import bench.chaos.__main__ as chaos
from bench import aloud, engines, lanes, rising, turns
from bench.__main__ import MEASUREMENTS
from bench.config import configuration
from bench.hooks import channels
from bench.lines import LINES, Said, request, sound
from bench.loader import Load, main
from bench.picture import Picture, axis, svg
from bench.report import BEGIN, END, TITLES, Report, kept, printed
from bench.rows import Row, Scale, at
from gateway import equipment
from gateway.channels.base import Hook, Hooked, Inbound
from gateway.config import parse
from tests import ogg
from tts.profiles import WEB

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


# -- what is posted --------------------------------------------------------------------------------

PROVIDERS = [name for name in LINES if name != "http"]
TINY = Scale(1, 0.05, 20, 4, 1, store_turns=64, sizes=(64, 128), held_turns=1, step_seconds=0.3)


@pytest.fixture
def hooked() -> dict[str, Hooked]:
    urls = dict.fromkeys(("whatsapp_cloud", "evolution", "telegram"), "http://127.0.0.1:9")
    config = parse(configuration("http://127.0.0.1:9/v1", more=channels(urls, "short")))
    return equipment.hooked({channel.name: equipment.channel(channel, config) for channel in config.channels})


def read(hooked: dict[str, Hooked], name: str, said: Said) -> Inbound:
    _, headers, body = LINES[name].posted(said)
    [event] = hooked[name].read(Hook(headers, body))
    assert isinstance(event, Inbound)
    return event


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_channel_reads_what_its_line_posts(hooked: dict[str, Hooked], name: str) -> None:
    one, same, other = (read(hooked, name, Said(n, contact, "Oi")) for n, contact in ((1, 7), (2, 7), (3, 8)))
    assert one.text == "Oi"
    assert one.contact == same.contact != other.contact
    assert len({one.id, same.id, other.id}) == 3


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_spoken_message_is_a_voice_note(hooked: dict[str, Hooked], name: str) -> None:
    [attachment] = read(hooked, name, Said(4, 7, "", spoken=True)).attachments
    assert attachment.kind == "voice"


@pytest.mark.parametrize("name", LINES)
def test_a_request_says_how_long_its_body_is(name: str) -> None:
    head, _, body = request(LINES[name], Said(5, 7, "Olá", spoken=True)).partition(b"\r\n\r\n")
    assert f"\r\ncontent-length: {len(body)}".encode() in head


def test_no_two_notes_are_the_same_and_each_is_whole() -> None:
    one, two = (ogg.read(sound(number)) for number in (100_001, 6_700_002))
    assert one.vendor != two.vendor
    assert not one.bad_sums
    assert not two.bad_sums


@pytest.mark.skipif(sys.platform != "linux", reason="what a process uses is read from /proc")
@pytest.mark.parametrize("name", ["hooks", "notes", "text", "growth", "posting", "snapshot", "idle", "orphans"])
async def test_a_measurement_comes_to_its_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "CONTACTS", 4)
    monkeypatch.setattr(lanes, "SMALL", 64)
    monkeypatch.setattr(lanes, "FEW", 70)
    found = await MEASUREMENTS[name](TINY, tmp_path)
    rows = [one for one in found if isinstance(one, Row)]
    assert len({row.what for row in rows}) == len(rows) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="what a process uses is read from /proc")
async def test_without_postgresql_the_table_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "programs", lambda: None)
    *_, last = [row for row in await MEASUREMENTS["orphans"](TINY, tmp_path) if isinstance(row, Row)]
    assert last.what == "PostgreSQL"
    assert last.found.startswith("not measured")


@pytest.mark.skipif(sys.platform != "linux", reason="what a process uses is read from /proc")
async def test_a_rate_rises_until_it_is_too_much_and_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rising, "ANSWERED", (20, 40))
    monkeypatch.setattr(rising, "LATEST_MS", -1)
    *rows, picture = await MEASUREMENTS["answered"](TINY, tmp_path)
    assert isinstance(picture, Picture)
    assert {len(line) for line in picture.lines.values()} == {1}
    assert all("keeps up with none of them; 20 are too many" in row.found for row in rows if isinstance(row, Row))


# -- pictures --------------------------------------------------------------------------------------


PICTURE = Picture("cost", "What a <turn> costs", "conversations", "ms", {
    "SQLite p50": [(10_000, 0.25), (1_000_000, 0.5)],
    "SQLite p99": [(10_000, 0.5), (1_000_000, 0.5)],
    "PostgreSQL p50": [(10_000, 1.0), (1_000_000, 1.5)],
})  # fmt: skip


def drawn(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(svg(picture))  # noqa: S314 - our own


def test_a_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    root = drawn(PICTURE)
    said = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "SQLite p50: 10,000 conversations, 0.25 ms, 1,000,000 conversations, 0.5 ms" in said
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "What a <turn> costs"


def test_every_line_of_a_picture_is_named_and_no_two_names_lie_on_each_other() -> None:
    texts = drawn(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    places = {text.text: float(text.get("y", "0")) for text in texts if text.text in PICTURE.lines}
    assert set(places) == set(PICTURE.lines)
    assert min(abs(a - b) for a, b in pairwise(sorted(places.values()))) >= 15


def test_points_lie_within_the_axes() -> None:
    dots = list(drawn(PICTURE).iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == 6
    assert all(70 <= float(dot.get("cx", "0")) <= 610 and 56 <= float(dot.get("cy", "0")) <= 344 for dot in dots)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.2, 30.0], 0.1, 100.0), ([3.0, 4.1], 0.0, 5.0), ([10_000, 1_000_000], 10_000, 1_000_000), ([7.0], 0.0, 8.0)],
)
def test_an_axis_ends_at_a_round_number(values: list[float], low: float, high: float) -> None:
    found = axis(values)
    assert (found.low, found.high) == (low, high)


def test_pictures_are_kept_beside_the_table(tmp_path: Path) -> None:
    kept(replace(report(Row("a", "1")), pictures=[PICTURE]), tmp_path / "performance.md")
    assert (tmp_path / "images" / "cost.svg").read_text("utf-8") == svg(PICTURE)


# -- the load ----------------------------------------------------------------------------------------


async def test_what_waits_for_a_free_connection_is_late_from_when_it_was_due() -> None:
    """Ten are due at once, one connection, and each answer takes a while: each waited for all before it. What is in the
    middle is compared, because a machine may be late with any of them, and not with most."""
    async with slow() as port:
        load = Load(port, "key", 1, messages=10, rate=1000.0, contacts=0, due=1)
        patient, told = await main(load), await main(replace(load, due=0))
    assert at(0.5, patient.ms) > 2 * at(0.5, told.ms)


@asynccontextmanager
async def slow() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/v1/channels/api/messages", answer)
    async with TestServer(app) as server:
        yield int(server.port or 0)


# -- the parts that take their time -----------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, 4.6, 40.0])
def test_a_paced_sound_is_as_long_as_its_text_and_fits_as_it_is(seconds: float) -> None:
    data = aloud.lasting(seconds)
    assert ogg.read(data).seconds == pytest.approx(seconds, abs=0.07)
    assert WEB.takes(data)


def test_the_answer_that_is_written_has_six_hundred_characters() -> None:
    assert "".join(aloud.tokens(aloud.ANSWER)) == aloud.ANSWER
    assert len(aloud.ANSWER) == 600


@pytest.mark.skipif(sys.platform != "linux", reason="what a process uses is read from /proc")
async def test_the_measurement_of_pace_comes_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FASTER": 1e3, "TOKENS_A_SECOND": 1e4, "AT_ONCE": (2,), "REMEMBERED": 2}.items():
        monkeypatch.setattr(aloud, name, value)
    rows = await MEASUREMENTS["aloud"](TINY, tmp_path)
    assert len({row.what for row in rows if isinstance(row, Row)}) == len(rows) == 7


def test_the_failure_matrix_says_what_the_last_run_of_its_trials_saw() -> None:
    page = chaos.PAGE.read_text("utf-8")
    table, _, rest = page.partition(chaos.BEGIN)[2].partition(chaos.END)
    assert chaos._briefly(rest, chaos._rows(table)) == rest
    seen = "468 acknowledged, 29 of them lost, 7 twice"
    rows = {("`behind`: a death", "PostgreSQL, 3 processes"): f"| … | … | {seen} | PASS |"}
    told = chaos._briefly("| a server | waits | `behind` |\n| nobody | – | `poison`: SQLite PASS |", rows)
    assert told.splitlines() == [
        "| a server | waits | `behind`: PostgreSQL 29 lost, 7 twice, of 468 |", "| nobody | – | `poison` |",
    ]  # fmt: skip
