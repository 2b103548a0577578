"""The page in a real Chromium, against a gateway that is scripted on the wire."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from tests.page.browser import visitor
from tests.page.standin import Fault, StandIn, serving
from tests.page.test_assets import words

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REFUSED = ("Failed to load resource", "net::ERR")
"""What Chromium itself prints when a request is refused or broken on purpose."""
NEVER = {"Retry-After": "3600"}
SAY = "Escreva uma mensagem"


async def texts(page: Page) -> list[str]:
    return await page.locator(".bubble .words").all_inner_texts()


async def write(page: Page, text: str) -> None:
    await page.locator("#message").fill(text)
    await page.locator("#message").press("Enter")


async def eventually(page: Page, expected: list[str]) -> None:
    """The log shows exactly these texts, in this order."""
    from playwright.async_api import expect

    await expect(page.locator(".bubble .words")).to_have_text(expected)


# -- writing and reading


async def test_enter_sends_and_shift_enter_begins_a_line(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_placeholder(SAY).press_sequentially("Oi")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("vocês aceitam Pix?")
        await page.keyboard.press("Enter")
        await page.locator(".bubble.mine .state.sent").wait_for()
        standin.says("Aceitamos, sim.")
        await eventually(page, ["Oi\nvocês aceitam Pix?", "Aceitamos, sim."])
        assert [got.text for got in standin.received] == ["Oi\nvocês aceitam Pix?"]
        assert await page.locator("#message").input_value() == ""
        assert await page.evaluate("document.activeElement.id") == "message"


async def test_enter_that_confirms_a_chinese_word_does_not_send(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser, "zh-CN") as page:
        await page.goto(url)
        await page.locator("#message").fill("你好")
        press = "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true}"
        await page.evaluate(f"document.getElementById('message').dispatchEvent(new KeyboardEvent('keydown', {press}))")
        await page.locator("#message").press("!")
        assert await page.locator("#message").input_value() == "你好!"
        assert standin.received == []


async def test_messages_show_that_they_are_on_their_way(browser: Browser, url: str, standin: StandIn) -> None:
    standin.gate.clear()
    async with visitor(browser) as page:
        await page.goto(url)
        await write(page, "um")
        await write(page, "dois")
        await page.locator(".bubble.mine.sending").nth(1).wait_for()
        standin.gate.set()
        await page.locator(".bubble.mine.sent").nth(1).wait_for()
        assert [got.text for got in standin.received] == ["um", "dois"]
        await eventually(page, ["um", "dois"])


async def test_what_the_other_side_does_is_told(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        await write(page, "oi")
        await page.locator(".state.sent").wait_for()
        await until(page, lambda: len(standin.resumed) == 1)  # what the other side does is told once, and not again
        for state, sentence in [("thinking", "digitando…"), ("recording", "gravando áudio…")]:
            standin.becomes(state)
            await page.locator(f".activity.{state}", has_text=sentence).wait_for()
        standin.becomes("held")
        await page.get_by_text("Uma pessoa vai responder por aqui.").wait_for()
        assert await page.locator(".activity").count() == 0
        await page.reload()
        await page.get_by_text("Uma pessoa vai responder por aqui.").wait_for()
        await until(page, lambda: len(standin.resumed) == 2)
        standin.becomes("idle")
        await page.get_by_text("Uma pessoa vai responder por aqui.").wait_for(state="detached")


async def test_a_day_begins_where_the_reader_is(browser: Browser, url: str, standin: StandIn) -> None:
    from playwright.async_api import expect

    for hour in (1, 2, 4):
        standin.now = datetime(2026, 3, 21, hour, 30, tzinfo=UTC)
        standin.says(f"{hour}:30")
    async with visitor(browser, timezone_id="America/Sao_Paulo") as page:
        await page.goto(url)
        await eventually(page, ["1:30", "2:30", "4:30"])
        await expect(page.locator(".day")).to_contain_text(["20 de março", "21 de março"])
        days = await page.locator(".day time").evaluate_all("all => all.map(({ dateTime }) => dateTime)")
        assert days == ["2026-03-20", "2026-03-21"]


async def test_a_first_visit_is_invited_by_questions(browser: Browser) -> None:
    standin = StandIn(suggestions=["Qual é o prazo?", "Como troco?", "Onde fica?", "quarta"])
    async with serving(standin) as url, visitor(browser) as page:
        await page.goto(url)
        await page.locator(".suggestion").nth(2).wait_for()
        assert await page.locator(".suggestion").count() == 3
        await page.get_by_role("button", name="Como troco?").click()
        await eventually(page, ["Como troco?"])
        assert await page.locator(".welcome").count() == 0


async def test_sources_are_named_once_per_turn(browser: Browser, url: str, standin: StandIn) -> None:
    cited = [{"document": "docs/trocas.md", "paragraph": 4, "text": "Trocas em até 30 dias."}] * 2
    standin.says("Até 30 dias.", citations=cited)
    standin.says("O código vai por aqui.", citations=cited)
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_text("Fonte: trocas §4").wait_for()
        assert await page.locator(".sources").count() == 1


HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "javascript:alert(1) [x](javascript:alert(2)) data:text/html,x",
    "\u202eabc مرحبا بالعالم \u200f\u200b fim",
    "😀" * 10_000,
    "x" * 5_000,
    "a & b &amp; c",
]


@pytest.mark.parametrize("text", HOSTILE, ids=["markup", "schemes", "bidi", "emoji", "longword", "entities"])
async def test_text_is_always_text_and_never_wider_than_the_page(
    browser: Browser, url: str, standin: StandIn, text: str
) -> None:
    standin.visit["limits"] = {"text_characters": 65_536, "audio_bytes": 1}
    async with visitor(browser, viewport={"width": 320, "height": 600}) as page:
        await page.goto(url)
        await write(page, text)
        await page.locator(".bubble.mine .state.sent").wait_for()
        standin.says(text)
        await page.locator(".bubble.theirs").wait_for()
        assert await page.locator(".words").evaluate_all("all => all.map(e => e.textContent)") == [text, text]
        assert await page.locator(".words img, .words script, .words a").count() == 0
        assert standin.received[0].text == text
        assert await page.evaluate("document.querySelector('.log').scrollWidth <= innerWidth")


async def test_addresses_become_safe_links(browser: Browser, url: str, standin: StandIn) -> None:
    standin.says("Veja https://a.example/x_(y)?q=1. E (http://b.example), https:// não; fim。https://c.example/路径。")
    async with visitor(browser) as page:
        await page.goto(url)
        links = page.locator(".words a")
        await links.nth(2).wait_for()
        found = await links.evaluate_all("all => all.map(a => [a.getAttribute('href'), a.rel, a.target])")
        assert [href for href, _, _ in found] == [
            "https://a.example/x_(y)?q=1",
            "http://b.example/",
            "https://c.example/%E8%B7%AF%E5%BE%84",
        ]
        assert {(rel, target) for _, rel, target in found} == {("noopener noreferrer nofollow", "_blank")}


async def test_at_most_three_hundred_messages_are_kept(browser: Browser, url: str, standin: StandIn) -> None:
    for number in range(520):
        standin.says(f"mensagem {number}")
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_text("mensagem 519", exact=True).wait_for()
        assert await page.locator(".lines li").count() == 300
        assert await page.get_by_text("As mensagens mais antigas não são mostradas aqui.").count() == 1
        standin.says("a última")
        await page.get_by_text("a última").wait_for()
        assert await page.locator(".lines li").count() == 300
        assert await page.evaluate(
            "(b => b.scrollHeight - b.scrollTop - b.clientHeight < 2)(document.querySelector('.log'))"
        )


# -- the microphone


async def test_a_recording_arrives_as_sound(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Gravar áudio").click()
        await page.locator(".seconds", has_text=re.compile("0:0[2-4]")).wait_for()
        await page.get_by_role("button", name="Enviar o áudio").click()
        await page.locator(".bubble.mine.voice .state.sent").wait_for()
        (got,) = standin.received
        assert got.audio_type.split(";")[0] in {"audio/ogg", "audio/webm", "audio/mp4"}
        seconds, loudness = heard(got.audio or b"")
        assert 1.5 < seconds < 5
        assert loudness > 0.05, "the tone of the microphone is in it"
        await page.wait_for_function(FOCUSED, arg="Gravar áudio")  # the hand is still at the microphone
        standin.hears(standin.messages[0], "Vocês aceitam Pix?")
        await page.get_by_role("button", name="Transcrição").click()
        await page.get_by_text("Vocês aceitam Pix?").wait_for()
        assert await page.locator(".bubble").count() == 1


def heard(data: bytes) -> tuple[float, float]:
    """Seconds and loudness (0 to 1) of any container."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray().astype(np.float64).ravel() for frame in container.decode(audio=0)]
    wave = np.concatenate(frames)
    return wave.size / 48_000, float(np.sqrt(np.mean(wave**2)))


@pytest.mark.parametrize("way", ["button", "escape"])
async def test_a_discarded_recording_is_never_sent(browser: Browser, url: str, standin: StandIn, way: str) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Gravar áudio").click()
        await page.locator(".seconds", has_text=re.compile("0:0[1-9]")).wait_for()
        if way == "button":
            await page.get_by_role("button", name="Descartar a gravação").click()
        else:
            await page.keyboard.press("Escape")
        await page.get_by_placeholder(SAY).wait_for()
        await page.wait_for_function(FOCUSED, arg="Gravar áudio")
        assert standin.received == []


MISHAPS = [
    ("NotAllowedError", "mic_denied"),
    ("NotFoundError", "mic_missing"),
    ("NotReadableError", "mic_busy"),
    ("TypeError", "mic_failed"),
]


@pytest.mark.parametrize("language", ["pt-BR", "en", "es", "zh"])
@pytest.mark.parametrize(("error", "key"), MISHAPS)
async def test_a_microphone_that_cannot_is_explained(
    browser: Browser, url: str, error: str, key: str, language: str
) -> None:
    refusal = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{error}'); }}"
    async with visitor(browser, language) as page:
        await page.add_init_script(refusal)
        await page.goto(url)
        await page.get_by_role("button", name=words()[language]["record"]).click()
        await page.get_by_role("alert").get_by_text(words()[language][key]).wait_for()
        await write(page, "então escrevo")
        await page.get_by_role("alert").wait_for(state="detached")


async def test_without_https_the_microphone_says_why(browser: Browser, url: str) -> None:
    async with visitor(browser) as page:
        await page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
        await page.add_init_script("delete Crypto.prototype.randomUUID")
        await page.goto(url)
        await page.get_by_role("button", name="Gravar áudio").click()
        await page.get_by_text("endereço seguro (https)").wait_for()
        await write(page, "sem https")
        await page.locator(".state.sent").wait_for()


async def test_where_nobody_listens_the_microphone_is_hidden(browser: Browser) -> None:
    async with serving(StandIn(hearing=False, voice=False)) as url, visitor(browser) as page:
        await page.goto(url)
        await page.get_by_text("Aqui só lemos texto").wait_for()
        assert await page.get_by_role("button", name="Gravar áudio").count() == 0
        assert await page.get_by_role("button", name="Enviar").count() == 1


# -- voice notes


async def test_a_voice_note_plays_to_its_end_and_shows_it(browser: Browser, url: str, standin: StandIn) -> None:
    standin.speaks(1.6)
    async with visitor(browser) as page:
        await page.goto(url)
        note = page.locator(".note")
        await note.wait_for()
        assert (await note.locator(".bars").first.get_attribute("d") or "").count("M") == 64
        assert await page.evaluate("document.querySelector('audio').paused"), "nothing plays by itself"
        await page.evaluate(WATCH)
        await note.get_by_role("button", name="Tocar").click()
        await note.get_by_role("button", name="Pausar").wait_for()
        await page.wait_for_function("() => window.seen.ended")
        seen = await page.evaluate("window.seen")
        assert seen["time"] > 1.4
        assert len(seen["widths"]) > 5, "the waveform fills step by step"
        await note.get_by_role("button", name="Tocar").wait_for()
        assert standin.fetched[0] == "/v1/media/b1"


WATCH = """() => {
  const audio = document.querySelector("audio"), played = document.querySelector(".played");
  window.seen = {ended: false, time: 0, widths: []};
  audio.addEventListener("ended", () => { window.seen.ended = true; });
  new MutationObserver(() => {
    window.seen.widths.push(Number(played.getAttribute("width")));
    window.seen.time = Math.max(window.seen.time, audio.currentTime);
  }).observe(played, {attributes: true});
}"""


async def test_only_one_voice_note_plays(browser: Browser, url: str, standin: StandIn) -> None:
    standin.speaks(8)
    standin.speaks(8)
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Tocar").nth(1).wait_for()
        await page.get_by_role("button", name="Tocar").first.click()
        await page.get_by_role("button", name="Pausar").wait_for()
        await page.get_by_role("button", name="Tocar").click()
        await page.locator(".note").nth(1).get_by_role("button", name="Pausar").wait_for()
        paused = "[...document.querySelectorAll('audio')].map((audio) => audio.paused)"
        assert await page.evaluate(paused) == [True, False]


async def test_a_voice_note_is_steered_by_keyboard_and_pointer(browser: Browser, url: str, standin: StandIn) -> None:
    standin.speaks(10)
    async with visitor(browser) as page:
        await page.goto(url)
        slider = page.get_by_role("slider", name="Posição no áudio")
        await slider.focus()
        for key, second in [("ArrowRight", 2), ("PageUp", 4), ("ArrowLeft", 2), ("End", 10), ("Home", 0)]:
            await page.keyboard.press(key)
            await page.locator(f'[role=slider][aria-valuenow="{second}"]').wait_for()
        assert await slider.get_attribute("aria-valuetext") == "0:00 de 0:10"
        box = await slider.bounding_box()
        assert box
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
        await page.locator('[role=slider][aria-valuenow="5"]').wait_for()
        for speed in ("1.5", "2", "1"):
            await page.locator(".note-foot .small").first.click()
            await page.get_by_role("button", name=f"Velocidade {speed}×").wait_for()
            assert await page.evaluate("document.querySelector('audio').playbackRate") == float(speed)


async def test_players_without_ogg_are_given_mp3_first(browser: Browser, url: str) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        order = """async (sure) => {
          const {sources} = await import("/chat-assets/player.js");
          const part = {media: {url: "https://elsewhere.example/v1/media/b1?k=1", mime: "audio/ogg; codecs=opus"}};
          const canPlay = (type) => sure && type.startsWith("audio/ogg") ? "probably" : "maybe";
          return sources(part, canPlay).map(({src}) => src);
        }"""
        origin = url.removesuffix("/chat/site")
        own, mp3 = f"{origin}/v1/media/b1?k=1", f"{origin}/v1/media/b1?k=1&as=mp3"
        assert await page.evaluate(order, True) == [own, mp3]
        assert await page.evaluate(order, False) == [mp3, own]


async def test_a_broken_voice_note_says_so_and_can_be_tried_again(browser: Browser, url: str, standin: StandIn) -> None:
    standin.speaks(1)
    standin.faults += [Fault("media", 500), Fault("media", 500)]
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Tocar").click()
        await page.get_by_text("Não foi possível tocar este áudio.").wait_for()
        await page.get_by_role("button", name="Tocar").click()
        await page.get_by_role("button", name="Pausar").wait_for()
        assert await page.get_by_text("Não foi possível tocar este áudio.").count() == 0


async def test_new_voice_notes_play_by_themselves_only_when_asked_to(
    browser: Browser, url: str, standin: StandIn
) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await write(page, "oi")
        await page.locator(".state.sent").wait_for()
        standin.speaks(1)
        await page.get_by_role("button", name="Tocar").wait_for()
        standin.says("silêncio?")
        await page.get_by_text("silêncio?").wait_for()
        assert standin.fetched == []
        await page.get_by_role("button", name="Opções").click()
        await page.get_by_role("switch", name="Tocar áudios novos automaticamente").click()
        await page.keyboard.press("Escape")
        await page.evaluate(PLAYS)
        standin.speaks(1)
        standin.speaks(1)
        await page.wait_for_function("() => window.plays.length === 2")
        assert await page.evaluate("window.plays") == [1, 2], "one after the other, and not the old one"


PLAYS = """() => {
  window.plays = [];
  const play = ({target}) => window.plays.push([...document.querySelectorAll("audio")].indexOf(target));
  document.addEventListener("play", play, true);
}"""


# -- staying in touch


async def test_a_cut_stream_is_resumed_where_it_was(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "oi")
        await page.locator(".state.sent").wait_for()
        expected = ["oi"]
        for number in range(3):
            last = standin.messages[-1]["cursor"]
            await until(page, lambda: len(standin._streams) == 1)
            standin.cuts()
            standin.says(f"resposta {number}")  # before the browser is back, however quick it is
            expected.append(f"resposta {number}")
            await eventually(page, expected)
            assert last in standin.resumed[-1], "it went on from the last message it had"
        assert any(last for last, _ in standin.resumed), "the browser said Last-Event-ID"


async def test_a_conversation_begins_with_its_first_message(browser: Browser, url: str, standin: StandIn) -> None:
    standin.begun = False
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        await write(page, "primeira")
        await page.locator(".state.sent").wait_for()
        await until(page, lambda: len(standin._streams) == 1)
        standin.says("bem-vinda")
        await eventually(page, ["primeira", "bem-vinda"])


async def test_words_that_nobody_told_are_read_with_the_answer(browser: Browser, url: str, standin: StandIn) -> None:
    note = standin.asks_aloud()
    async with visitor(browser) as page:
        await page.goto(url)
        await page.locator(".note").wait_for()
        note["part"]["transcript"] = "quanto custa?"
        standin.says("Custa dez reais.")
        await page.get_by_role("button", name="Transcrição").click()
        await page.get_by_text("quanto custa?").wait_for()


async def test_what_was_taken_back_is_not_shown(browser: Browser, url: str, standin: StandIn) -> None:
    standin.says("um")
    standin.says("antes da pessoa chegar", withdrawn=True)
    standin.says("dois")
    async with visitor(browser) as page:
        await page.goto(url)
        await eventually(page, ["um", "dois"])


async def test_what_is_told_twice_is_shown_once(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await write(page, "oi")
        await page.locator(".state.sent").wait_for()
        standin.says("olá")
        await eventually(page, ["oi", "olá"])
        standin.repeats()
        standin.says("tudo bem?")
        await eventually(page, ["oi", "olá", "tudo bem?"])


async def until(page: Page, true: object) -> None:
    """The stand-in reached a state; it lives in this very loop."""
    for _ in range(2400):
        if true():  # type: ignore[operator]
            return
        await page.wait_for_timeout(25)
    raise AssertionError("that never happened")


@pytest.mark.parametrize("status", [503, 401, 204])
async def test_a_refused_stream_still_yields_the_whole_conversation(
    browser: Browser, url: str, standin: StandIn, status: int
) -> None:
    standin.faults += [Fault("events", status), Fault("events", status)]
    async with visitor(browser, errors_allowed=(*REFUSED, "EventSource")) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        standin.says("cheguei")
        await eventually(page, ["cheguei"])
        await until(page, lambda: len(standin._streams) == 1)
        standin.says("e sigo aqui")
        await eventually(page, ["cheguei", "e sigo aqui"])


async def test_a_gateway_that_goes_and_comes_back_loses_nothing(browser: Browser) -> None:
    standin = StandIn()
    async with visitor(browser, errors_allowed=REFUSED) as page:
        async with serving(standin) as url:
            await page.goto(url)
            await write(page, "antes")
            await page.locator(".state.sent").wait_for()
        await write(page, "durante")
        await page.get_by_text("Sem conexão. Tentando de novo…").wait_for()
        standin.says("resposta que ninguém ouviu")
        async with serving(standin, int(url.split(":")[2].split("/")[0])):
            await page.get_by_text("Sem conexão").wait_for(state="detached")
            await eventually(page, ["antes", "resposta que ninguém ouviu", "durante"])
            await page.locator(".state.sent").nth(1).wait_for()
    assert len({got.id for got in standin.received}) == 2
    assert standin.resumed[-1][1] in {"1-1", "2-1"}, "a new stream begins where the old one ended"


async def test_an_offline_browser_keeps_what_was_written(browser: Browser, url: str, standin: StandIn) -> None:
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        await page.context.set_offline(True)
        await write(page, "do túnel")
        await page.locator(".bubble.mine.sending").wait_for()
        await page.context.set_offline(False)
        await page.locator(".bubble.mine.sent").wait_for()
        assert [got.text for got in standin.received] == ["do túnel"]


# -- sending again


async def test_a_busy_gateway_gets_the_same_id_again(browser: Browser, url: str, standin: StandIn) -> None:
    standin.faults += [Fault("messages", 503, {"Retry-After": "1"}), Fault("messages", 0)]
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "uma vez só")
        await page.locator(".state.sent").wait_for()
        await eventually(page, ["uma vez só"])
        assert len({got.id for got in standin.received}) == 1
        assert len(standin.messages) == 1


async def test_what_failed_is_sent_again_by_hand_under_its_id(browser: Browser, url: str, standin: StandIn) -> None:
    standin.faults.append(Fault("messages", 503, NEVER))
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "por favor")
        await page.get_by_text("não conseguimos receber agora").wait_for()
        await page.get_by_role("button", name="Tentar de novo").click()
        await page.locator(".state.sent").wait_for()
        assert await page.get_by_role("alert").count() == 0
        assert len(standin.received) == 2
        assert len({got.id for got in standin.received}) == 1


async def test_what_was_not_sent_survives_a_reload(browser: Browser, url: str, standin: StandIn) -> None:
    standin.faults += [Fault("messages", 503, NEVER), Fault("messages", 503, NEVER)]
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "um")
        await write(page, "dois")
        await page.locator(".failure").nth(1).wait_for()
        await page.reload()
        await page.locator(".state.sent").nth(1).wait_for()
        await eventually(page, ["um", "dois"])
        assert [got.text for got in standin.received[2:]] == ["um", "dois"]
        assert len({got.id for got in standin.received}) == 2
        assert await page.evaluate("Object.keys(localStorage).filter(key => key.includes('outbox'))") == []


async def test_a_visit_that_ended_begins_again_before_the_message_is_sent(
    browser: Browser, url: str, standin: StandIn
) -> None:
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        await page.context.clear_cookies()
        await write(page, "ainda aqui?")
        await page.locator(".state.sent").wait_for()
        assert len({got.id for got in standin.received}) == 1


FINAL = [
    (409, "failed_conflict"),
    (413, "failed_text_large"),
    (415, "failed_text_refused"),
    (422, "failed_text_refused"),
]


@pytest.mark.parametrize("language", ["pt-BR", "en", "es", "zh"])
@pytest.mark.parametrize(("status", "key"), FINAL)
async def test_a_final_refusal_is_explained_and_can_be_thrown_away(
    browser: Browser, url: str, standin: StandIn, language: str, status: int, key: str
) -> None:
    standin.faults.append(Fault("messages", status))
    async with visitor(browser, language, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "não passa")
        await page.get_by_text(words()[language][key]).wait_for()
        assert await page.get_by_role("button", name=words()[language]["retry"]).count() == 0
        await write(page, "passa")
        await page.locator(".state.sent").wait_for()
        await page.get_by_role("button", name=words()[language]["discard"]).click()
        await eventually(page, ["passa"])


async def test_a_text_over_the_limit_is_stopped_before_it_leaves(browser: Browser) -> None:
    standin = StandIn(limits={"text_characters": 20, "audio_bytes": 1000})
    async with serving(standin) as url, visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await write(page, "😀" * 21)
        await page.get_by_text("A mensagem é longa demais").wait_for()
        assert standin.received == []
        await write(page, "😀" * 20)
        await page.locator(".state.sent").wait_for()


async def test_a_door_that_is_closed_for_a_moment_opens(browser: Browser, url: str, standin: StandIn) -> None:
    standin.faults.append(Fault("visit", 503))
    async with visitor(browser, errors_allowed=REFUSED) as page:
        await page.goto(url)
        await page.get_by_text("Não conseguimos abrir a conversa. Tentando de novo…").wait_for()
        await page.get_by_placeholder(SAY).wait_for()


async def test_an_unknown_channel_is_named_as_such(browser: Browser, url: str) -> None:
    async with visitor(browser, "es-AR", errors_allowed=REFUSED) as page:
        await page.goto(url.replace("/site", "/nada"))
        await page.get_by_text(words()["es"]["visit_missing"]).wait_for()


# -- everyone


TONGUES = [
    ("pt-PT", "", "pt-BR", "pt-PT"),
    ("en-GB", "", "en", "en-GB"),
    ("es-MX", "", "es", "es-MX"),
    ("zh-CN", "", "zh", "zh-CN"),
    ("fr-FR", "", "es", "es"),
    ("en-US", "?lang=zh", "zh", "zh"),
    ("en-US", "?lang=pt_BR", "pt-BR", "pt-BR"),
    ("en-US", "?lang=xx", "en", "en-US"),
]


@pytest.mark.parametrize(("browser_says", "query", "language", "declared"), TONGUES)
async def test_the_page_speaks_the_customers_language(
    browser: Browser, browser_says: str, query: str, language: str, declared: str
) -> None:
    async with serving(StandIn(language="es")) as url, visitor(browser, browser_says) as page:
        await page.goto(url + query)
        await page.get_by_placeholder(words()[language]["placeholder"], exact=True).wait_for()
        assert await page.evaluate("document.documentElement.lang") == declared


async def test_the_language_can_be_chosen(browser: Browser, url: str) -> None:
    async with visitor(browser) as page:
        await page.goto(url)
        await page.get_by_role("button", name="Opções").click()
        await page.get_by_label("Idioma").select_option("zh")
        await page.get_by_placeholder("输入消息").wait_for()
        await page.reload()
        await page.get_by_placeholder("输入消息").wait_for()


async def test_everything_is_reached_and_done_by_keyboard(browser: Browser, url: str, standin: StandIn) -> None:
    standin.speaks(5, citations=[{"document": "a.md", "paragraph": 1, "text": "x"}])
    async with visitor(browser) as page:
        await page.goto(url)
        await page.locator(".note").wait_for()
        reached = []
        for _ in range(10):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate(NAME))
            assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", reached
        assert reached == [
            "Ir para o campo de mensagem", "Opções", "Conversa", "Tocar", "Posição no áudio", "Velocidade 1×",
            "Transcrição", "Fonte: a §1", "Mensagem", "Gravar áudio",
        ]  # fmt: skip
        for _ in range(6):
            await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Pausar").wait_for()
        await page.keyboard.press("Space")
        await page.get_by_role("button", name="Tocar").wait_for()


FOCUSED = "(name) => document.activeElement.getAttribute('aria-label') === name"
NAME = "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"
AUDIT = Path(__file__).with_name("audit.js").read_text("utf-8")
LOOKS = [("light", 1000), ("dark", 1000), ("light", 320), ("dark", 320)]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_it_is_readable_named_and_large_enough(
    browser: Browser, standin: StandIn, scheme: str, width: int
) -> None:
    standin = StandIn(suggestions=["Um?", "Dois?"])
    more: dict[str, Any] = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 700},
        "reduced_motion": "reduce",
    }
    async with serving(standin) as url, visitor(browser, errors_allowed=REFUSED, **more) as page:
        await page.goto(url)
        await page.locator(".welcome").wait_for()
        await page.locator("[aria-live=polite]").wait_for()
        assert await page.evaluate(AUDIT) == []
        cited = [{"document": "a.md", "paragraph": 1, "text": "trecho"}]
        standin.speaks(2, citations=cited)
        standin.says("veja https://a.example/", citations=cited, turn="outro")
        standin.hears(standin.asks_aloud(2), "olá")
        standin.becomes("held")
        await page.locator(".aside.person").wait_for()
        for button in await page.get_by_role("button", name="Transcrição").all():
            await button.click()
        await page.locator("summary").first.click()
        standin.faults.append(Fault("messages", 422))
        await write(page, "não")
        await page.locator(".failure").wait_for()
        await page.get_by_role("button", name="Opções").click()
        assert await page.evaluate(AUDIT) == []
        await page.keyboard.press("Escape")
        standin.becomes("recording")
        await page.locator(".activity").wait_for()
        await page.get_by_role("button", name="Gravar áudio").click()
        await page.locator(".levels").wait_for()
        assert await page.evaluate(AUDIT) == []


async def test_the_watch_on_the_console_can_fail(browser: Browser, url: str) -> None:
    async def break_the_policy() -> None:
        async with visitor(browser) as page:
            await page.goto(url)
            async with page.expect_console_message():
                await page.evaluate("document.body.setAttribute('style', 'color: red')")

    with pytest.raises(AssertionError, match="inline"):
        await break_the_policy()
