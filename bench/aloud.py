"""P12, P13: how long after the last written word a note is there, and what it costs to say again what was said before.

The assistant and the voice take the time that real ones take. Three gateways answer in turns, each with the same words
and the same sounds from the same voice; they differ in one thing:

    whole      waits for all the text and has it spoken in one request, as is usual
    sentences  waits for all the text and has its sentences spoken, as many at once as the account allows
    ahead      is recado as it is: each sentence is spoken as soon as it stands

`python -m bench.aloud WAY run --config …` is `recado run` in one of these ways.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path

import aiohttp
from aiohttp import web

from bench import speech
from bench.config import configuration, gateway, key_of
from bench.history import filled
from bench.loader import Load, loaded
from bench.processes import Program, free_port, started
from bench.rows import NotMeasured, Row, Scale, median
from gateway import cli
from gateway.config import parse
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import Call, FakeOpenAI
from tts import ogg
from tts.cache import Cache, Once
from tts.encode import Encoder
from tts.health import Health, Watched
from tts.ladder import Ladder, Rung, Telling, Told
from tts.model import Audio, Speech
from tts.profiles import WEB, Profile
from tts.shelves import Folder, Memory, Shelf

ANSWER = (
    "Sim, nós entregamos no sábado de manhã em todos os bairros do centro. O frete para o seu endereço fica em "
    "doze reais e o pagamento pode ser feito com cartão ou na entrega. O pedido que sai hoje da loja chega até a "
    "sexta no fim da tarde, e você recebe o aviso por aqui. Se ninguém estiver em casa, o entregador volta no dia"
    " seguinte sem cobrar nada por isso. Para trocar um produto basta guardar a nota e escrever para nós em até "
    "trinta dias depois da compra. A troca é de graça, e a coleta é feita no lugar que você preferir. Posso já "
    "reservar o horário das nove da manhã, ou prefere receber à tarde?"
)
"""Six hundred characters, seven sentences, nothing that is said otherwise than it is written."""
TOKENS_A_SECOND = 60.0
TOKEN = 4
"""Characters."""
FIRST_BYTE = 0.075
"""Seconds until a voice begins to send."""
FASTER = 10.0
"""Than it plays."""
PER_SECOND = 15.0
"""Characters of speech."""
PIECE = 0.02
"""Seconds between two pieces of a sound."""
AT_ONCE = (2, 5)
"""Requests that an account allows; two is the smallest plan."""
PATIENCE = 60.0
REMEMBERED = 200
"""Times a note is fetched for one figure."""
CONTACTS = 16
_runs = count()


# -- parts that take their time --------------------------------------------------------------------


class PacedVoice(FakeElevenLabs):
    """Each sound is as long as its text, and comes as fast as a hosted voice sends it."""

    def __init__(self, at_once: int) -> None:
        super().__init__()
        self.concurrency = at_once

    async def speak(self, request: web.Request, sound: bytes, mime: str, **headers: str) -> web.StreamResponse:
        seconds = len((await request.json())["text"]) / PER_SECOND
        response = web.StreamResponse(headers={"content-type": "audio/ogg", **headers})
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await _sent(request, response, lasting(seconds), seconds / FASTER)
        finally:
            self.open -= 1
        return response


async def _sent(request: web.Request, response: web.StreamResponse, data: bytes, seconds: float) -> None:
    """By the clock, so that a late piece delays no other."""
    began = time.perf_counter() + FIRST_BYTE
    await _until(began)
    await response.prepare(request)
    sent = 0
    while sent < len(data):
        passed = min(1.0, (time.perf_counter() - began) / seconds)
        upto = max(sent, int(passed * len(data)))
        await response.write(data[sent:upto])
        sent = upto
        await _until(time.perf_counter() + PIECE if passed < 1 - PIECE / seconds else began + seconds)
    await response.write_eof()


def lasting(seconds: float) -> bytes:
    """Speech of this length, to a packet, as a provider sends Ogg Opus."""
    ours = _packets()
    number = max(1, round(seconds * ogg.RATE_HZ / ogg.samples(ours.packets[0])))
    packets = [ours.packets[n % len(ours.packets)] for n in range(number)]
    samples = sum(map(ogg.samples, packets)) - ours.pre_skip
    return ogg.written(replace(ours, packets=packets, samples=samples), rate=ogg.RATE_HZ, vendor=b"bench")


@cache
def _packets() -> ogg.Sound:
    """All but the last, which may be shorter."""
    whole = ogg.opened(speech.as_note())
    return replace(whole, packets=whole.packets[:-1])


class Writer:
    """A model that writes the answer token by token."""

    def __init__(self) -> None:
        self.ended = 0.0
        """When its last token went out."""

    async def __call__(self, call: Call, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        began = time.perf_counter()
        for number, token in enumerate(tokens(ANSWER)):
            await _until(began + number / TOKENS_A_SECOND)
            await response.write(_event("response.output_text.delta", output_index=0, delta=token))
        self.ended = time.perf_counter()
        part = {"type": "output_text", "text": ANSWER, "annotations": []}
        said = {"type": "message", "role": "assistant", "content": [part]}
        ended = {"object": "response", "status": "completed", "model": "gpt-6-luna", "error": None, "output": [said]}
        await response.write(_event("response.completed", response=ended))
        await response.write_eof()
        return response


def tokens(text: str) -> Iterator[str]:
    return (text[at : at + TOKEN] for at in range(0, len(text), TOKEN))


def _event(kind: str, **facts: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **facts}, ensure_ascii=False)}\n\n".encode()


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))


# -- the ways --------------------------------------------------------------------------------------


class Sentences(Telling):
    """Speaks nothing before the text is whole."""

    def say(self, *speeches: Speech) -> None:
        pass


class Whole(Sentences):
    """And then all of it in one request."""

    async def finish(self, speeches: Sequence[Speech], profile: Profile) -> Told:
        words = Speech(" ".join(speech.text for speech in speeches), speeches[0].language)
        told = await super().finish([words], profile)
        return replace(told, notes=[replace(note, parts=len(speeches)) for note in told.notes])


WAYS: Mapping[str, Callable[[Ladder], Telling]] = {"whole": Whole, "sentences": Sentences, "ahead": Telling}


def main(way: str, *args: str) -> int:
    telling = WAYS[way]

    def begin(self: Ladder) -> Telling:
        return telling(self)

    Ladder.begin = begin  # type: ignore[method-assign]
    return cli.main(args)


# -- from the last word to the note ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shop:
    """One gateway of one way, with parts of its own."""

    gateway: Program
    assistant: FakeOpenAI
    voice: PacedVoice
    remembered: Path

    async def turn(self, http: aiohttp.ClientSession) -> float:
        """Milliseconds from the assistant's last token until the reply is there. Nothing is remembered before it."""
        shutil.rmtree(self.remembered, ignore_errors=True)
        writer = Writer()
        self.assistant.play(writer)
        number, url = next(_runs), f"http://127.0.0.1:{self.gateway.port}/v1/channels/spoken/messages"
        message = {"id": f"m{number}", "contact": {"id": f"c{number}", "name": "Lia"}, "text": "Oi, e a entrega?"}
        async with http.post(url, json=message, params={"wait": f"{PATIENCE:g}"}) as replied:
            reply = await replied.json()
        took = (time.perf_counter() - writer.ended) * 1000
        sounds = [part["media"]["seconds"] for part in reply.get("parts", ()) if part["kind"] == "voice"]
        if len(sounds) != 1 or abs(sounds[0] - len(ANSWER) / PER_SECOND) > 2:
            raise NotMeasured(f"the answer did not become one note of its length: {sounds}")
        return took


@asynccontextmanager
async def shop(folder: Path, way: str, at_once: int) -> AsyncIterator[Shop]:
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing runs yet
    async with FakeOpenAI() as assistant, PacedVoice(at_once) as voice:
        text, file, port = configuration(assistant.base_url, voice.url), folder / "recado.toml", free_port()
        file.write_text(text)
        program = Program("bench.aloud", way, "run", "--config", str(file), "--port", str(port), port=port)
        async with started(program):
            yield Shop(program, assistant, voice, _remembered(folder, text))


def _remembered(folder: Path, text: str) -> Path:
    return Path(parse(text, root=folder).storage.media_dir) / ".cache" / "spoken"


async def aloud(scale: Scale, folder: Path) -> list[Row]:
    rows = [row for at_once in AT_ONCE for row in await _waits(scale, folder / str(at_once), at_once)]
    return [*rows, *await _again(scale, folder)]


async def _waits(scale: Scale, folder: Path, at_once: int) -> list[Row]:
    took: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(headers=_key("spoken")))
        shops = {way: await stack.enter_async_context(shop(folder / way, way, at_once)) for way in WAYS}
        await asyncio.gather(*(each.turn(http) for each in shops.values()))
        for _ in range(scale.rounds):
            for way, each in shops.items():
                took[way].append(await each.turn(http))
        if any(each.voice.most_open > at_once for each in shops.values()):
            raise NotMeasured("more requests were open than the account allows")
    return _wait_rows(took, at_once)


def _key(channel: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(channel)}"}


def _wait_rows(took: Mapping[str, list[float]], at_once: int) -> list[Row]:
    said, ratio = {}, {}
    for way, ms in took.items():
        ratio[way] = median([ours / usual for ours, usual in zip(ms, took["whole"], strict=True)])
        said[way] = f"p50 {median(ms):,.0f} ms"
    allowed = f"{at_once} requests at once"
    return [
        Row(f"all the text, then one request; {allowed}", said["whole"]),
        Row(f"all the text, then its sentences; {allowed}", f"{said['sentences']} ({ratio['sentences']:.2f} ×)"),
        Row(f"sentence by sentence while it is written; {allowed}", said["ahead"]),
        Row(
            f"while it is written : one request; {allowed}",
            f"{ratio['ahead']:.2f} ×",
            "P12 ≤ 0.35 ×",
            ratio["ahead"] <= 0.35,
        ),
    ]


# -- what was said before --------------------------------------------------------------------------


class _Mute:
    """A voice that has said the sentence already."""

    name = "bench/voice/model"

    async def speak(self, speech: Speech) -> Audio:
        letters = len(speech.text)
        return Audio(lasting(letters / PER_SECOND), "audio/ogg", spoken_by=self.name, characters=letters)

    async def close(self) -> None:
        pass


async def _again(scale: Scale, folder: Path) -> list[Row]:
    shelves: dict[str, Shelf] = {"in memory": Memory(), "on disk": Folder(folder / "shelf")}
    rows = []
    for where, shelf in shelves.items():
        ms = await _note_ms(scale, shelf)
        what = f"CPU of a note that is remembered {where}, {len(ANSWER) / PER_SECOND:.0f} s"
        rows.append(Row(what, f"{ms:.2f} ms", "P13 ≤ 2 ms", ms <= 2))
    return [*rows, await _turn_row(scale, folder / "turns")]


async def _note_ms(scale: Scale, shelf: Shelf) -> float:
    """All threads of this process are counted; nothing else runs in it."""
    once, voice, encoder = Once(shelf), _Mute(), Encoder()
    watched = Watched(voice, Health(voice.name))
    ladder = Ladder([Rung(Cache(watched, once), watched)], encoder, once)
    said = [Speech(ANSWER, "pt-BR")]
    await ladder.begin().finish(said, WEB)
    await encoder.close()
    costs = []
    for _ in range(scale.rounds):
        before = time.process_time()
        for _ in range(REMEMBERED):
            told = await ladder.begin().finish(said, WEB)
            if told.characters:
                raise NotMeasured("the note was not remembered")
        costs.append((time.process_time() - before) / REMEMBERED * 1000)
    return median(costs)


async def _turn_row(scale: Scale, folder: Path) -> Row:
    """Beside a text turn with the very same answer."""
    folder.mkdir()  # noqa: ASYNC240 - nothing runs yet
    cpu: dict[str, list[float]] = defaultdict(list)
    async with FakeOpenAI(lambda _: ANSWER) as assistant, FakeElevenLabs() as voice:
        text = configuration(assistant.base_url, voice.url)
        await filled(folder, text, [f"k-{n}" for n in range(CONTACTS)], messages=20)
        async with started(gateway(folder, text)) as program:
            for channel in ("api", "spoken"):
                await _turns(program, channel, CONTACTS)
            asked = len(voice.spoken)
            for _ in range(scale.rounds):
                for channel in ("api", "spoken"):
                    cpu[channel].append(await _turns(program, channel, scale.turns))
            if len(voice.spoken) > asked:
                raise NotMeasured("the voice was asked for what was remembered")
    more = median([spoken - read for spoken, read in zip(cpu["spoken"], cpu["api"], strict=True)])
    found = f"{median(cpu['spoken']):.1f} ms ({more:.1f} more than the same as text)"
    return Row("CPU of a voice turn whose note is remembered", found)


async def _turns(program: Program, channel: str, messages: int) -> float:
    """CPU milliseconds of each."""
    before = program.cpu
    load = Load(
        program.port, key_of(channel), 8, messages=messages, channel=channel, contacts=CONTACTS, run=f"a{next(_runs)}",
        wait=PATIENCE,
    )  # fmt: skip
    report = await loaded(load)
    if report.refused:
        raise NotMeasured(f"{report.refused} of {report.sent} messages were not answered")
    return (program.cpu - before) / report.sent * 1000


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
