"""docs/channels/openai.md: its programs run, its routes are all there, and the limits it names are the real ones."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gateway.web.openai import asking, counter, doors, runs, streaming
from gateway.web.reading import AUDIO_LIMIT, TEXT_LIMIT
from tests.story.calling import PROGRAM, program

PAGE = (Path(__file__).parents[2] / "docs" / "channels" / "openai.md").read_text("utf-8")
PROGRAMS = [textwrap.dedent(code) for code in re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)]
SAID = [
    "Echo: Quanto custa a entrega?\nanswered\n",
    "Echo: Qual é o meu nome?\n",
    "Echo: Quanto custa a consulta?\n",
]


def run(code: str) -> str:
    """What a program prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 - the page's own program
        names["client"].close()
    return printed.getvalue()


@pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("code", "said"), list(zip(PROGRAMS, SAID, strict=True)))
async def test_the_pages_programs_run(tmp_path: Path, code: str, said: str) -> None:
    async with program(tmp_path) as (_, _, gateway):
        code = code.replace("https://YOUR-GATEWAY", gateway.url).replace("YOUR-KEY", PROGRAM)
        assert await asyncio.to_thread(run, code) == said


async def test_every_route_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, _, gateway):
        at: Any = counter.Counter(gateway.config, *[None] * 6)  # type: ignore[arg-type]
        routes = doors.routes(at, {}, gateway.media, gateway.encoder)
        real = {f"{route.method} {route.path}" for route in routes}  # type: ignore[attr-defined]
    table = PAGE.partition("## Every route")[2]
    assert set(re.findall(r"`((?:GET|POST|DELETE) [^`]+)`", table)) == real


def test_the_pages_numbers_are_the_real_ones() -> None:
    assert f"{TEXT_LIMIT:,} characters" in PAGE
    assert f"{AUDIO_LIMIT // 1024**2} MB each" in PAGE
    assert f"{asking.CONTEXT_LIMIT:,} characters" in PAGE
    assert f"({asking.PAIRS} pairs)" in PAGE
    assert counter.LONGEST_WAIT == 10 * 60
    assert streaming.HEARTBEAT == 15
    assert runs.POLL == {"openai-poll-after-ms": "200"}


def test_every_code_of_an_error_is_on_the_page() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(counter.__file__).parent.glob("*.py"))
    codes = set(re.findall(r'(?:code=|wrong\(.+, )"([a-z]+_[a-z_0-9]+)"', source))
    assert {"model_not_found", "invalid_base64"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []
