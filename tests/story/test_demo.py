"""The demo as a stranger meets it: a browser, a microphone, no key. Everything is the real thing."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import av
import pytest

from gateway.app import Gateway
from gateway.demo import demo_config, suggestions
from tests.page.browser import chromium, needed, visitor
from tts import ogg

QUESTION = Path(__file__).parents[1] / "fixtures" / "spoken" / "where-is-the-shop.pt-BR.ogg"
pytestmark = [pytest.mark.embedded, pytest.mark.browser]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with Gateway(demo_config(tmp_path, "127.0.0.1", 0, ""), suggestions=suggestions()) as gateway:
        yield gateway


def microphone(folder: Path) -> Path:
    """The question as Chromium's microphone wants it: 16 bit, 48 kHz, half a second of silence around it."""
    with av.open(str(QUESTION)) as container:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    quiet = b"\x00" * 48_000
    path = folder / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(quiet + b"".join(bytes(f.planes[0])[: 2 * f.samples] for f in frames) + quiet)
    return path


LISTEN = """() => {
  const heard = (event) => { window.heard = event.target.currentSrc; };
  for (const audio of document.querySelectorAll("audio")) audio.addEventListener("ended", heard);
}"""


async def test_a_stranger_types_and_speaks_and_hears_the_answer(shop: Gateway, tmp_path: Path) -> None:
    needed()
    async with chromium(microphone(tmp_path)) as browser, visitor(browser, name="demo") as page:
        page.set_default_timeout(90_000)
        await page.goto(f"{shop.url}/chat/loja")
        await page.get_by_role("textbox").fill("Quanto custa o frete?")
        await page.get_by_role("textbox").press("Enter")
        await page.locator(".note").nth(0).wait_for()
        await page.get_by_role("button", name="Gravar áudio").click()
        await page.locator(".seconds", has_text=re.compile("0:0[4-9]")).wait_for()
        await page.get_by_role("button", name="Enviar o áudio").click()
        await page.get_by_text("Fonte", exact=False).nth(1).wait_for()
        answer = page.locator(".note").nth(2)
        await page.evaluate(LISTEN)
        await answer.get_by_role("button", name="Tocar").click()
        await page.wait_for_function("() => window.heard")
        note = await page.evaluate("async () => [...new Uint8Array(await (await fetch(window.heard)).arrayBuffer())]")
        assert ogg.facts(bytes(note)).is_voice_note
        await page.get_by_text("Rua das Amostras").first.wait_for()


async def test_the_voice_note_is_decoded_by_somebody_else(shop: Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{shop.url}/chat/loja/visit") as answer:
            cookie = {"Cookie": f"recado_loja={answer.cookies['recado_loja'].value}"}
        message = {"id": "1", "text": "Vocês aceitam Pix?"}
        url = f"{shop.url}/v1/channels/loja/messages"
        async with http.post(url, json=message, params={"wait": "90"}, headers=cookie) as answer:
            reply = await answer.json()
        voice = reply["parts"][0]
        async with http.get(shop.url + voice["media"]["url"], headers=cookie) as answer:
            note = await answer.read()
    with av.open(io.BytesIO(note)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 48_000 == pytest.approx(voice["media"]["seconds"], abs=0.05)
    assert reply["citations"][0]["document"] == "loja-pt.md"


async def test_the_lite_demo_speaks_and_asks_to_type(tmp_path: Path) -> None:
    config = demo_config(tmp_path, "127.0.0.1", 0, "", lite=True)
    async with Gateway(config) as gateway, aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.url}/chat/loja/visit") as answer:
            assert (await answer.json())["hearing"] is False
            cookie = {"Cookie": f"recado_loja={answer.cookies['recado_loja'].value}"}
        url = f"{gateway.url}/v1/channels/loja/messages"
        message = {"id": "1", "text": "Quanto custa o frete?"}
        async with http.post(url, json=message, params={"wait": "60"}, headers=cookie) as answer:
            assert (await answer.json())["parts"][0]["kind"] == "voice"
        form = aiohttp.FormData({"id": "2"})
        form.add_field("audio", QUESTION.read_bytes(), filename="a.ogg", content_type="audio/ogg")
        async with http.post(url, data=form, params={"wait": "60"}, headers=cookie) as answer:
            assert (await answer.json())["reason"] == "hearing_unavailable"
