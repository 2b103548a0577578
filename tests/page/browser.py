"""A real Chromium for tests: it hears a sound file instead of a microphone and tells what went wrong.

    async with chromium(microphone=wav) as browser, visitor(browser, "pt-BR") as page: ...

`visitor` fails when the page logged an error or broke its content policy; a failing test leaves a picture.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SOUND = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
PATIENCE = 60_000
"""Milliseconds after which something that should be seen is not, on a machine however slow."""
PICTURES = Path(tempfile.gettempdir()) / "recado-page"


def executable() -> str | None:
    """Where Chromium is: the environment's RECADO_CHROMIUM, else the first of the usual names."""
    return os.environ.get("RECADO_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def needed() -> None:
    """Skips a test that has no Chromium to drive; where everything must run (`CI`), that is a failure."""
    if executable() is None:
        why = "no Chromium here: install it (Debian: apt-get install chromium) or set RECADO_CHROMIUM"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """`microphone` is a WAV (16 bit, 48 kHz), heard once per recording; without it a device that beeps."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=PATIENCE)
    heard = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(), headless=True, args=[*QUIET, *SOUND, *heard]
        )
        try:
            yield browser
        finally:
            await browser.close()


def _where_it_is_noon() -> str:
    """So that a page which says "today" says it of a minute ago at every hour at which the tests run."""
    east = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-east:+d}"


@asynccontextmanager
async def visitor(
    browser: Browser,
    language: str = "pt-BR",
    *,
    errors_allowed: tuple[str, ...] = (),
    name: str = "page",
    **more: Any,
) -> AsyncIterator[Page]:
    """A page in a fresh profile. `errors_allowed`: words of console errors which the test provokes."""
    context = await browser.new_context(
        **{
            "viewport": {"width": 1000, "height": 760},
            "locale": language,
            "timezone_id": _where_it_is_noon(),
            "permissions": ["microphone"],
            **more,
        }
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
    except BaseException:
        PICTURES.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png")
        print("console:", *errors, f"picture: {PICTURES / name}.png", sep="\n  ")
        raise
    finally:
        await context.close()
    unexpected = [error for error in errors if not any(word in error for word in errors_allowed)]
    assert not unexpected, unexpected
