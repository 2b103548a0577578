"""What a second look at spoken answers found: what the assistant is told it said, what gets lost when the second of two
notes is refused, and of which account the operator is told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateway import equipment
from gateway.channels.base import Capabilities, ChannelError, Then
from gateway.config import parse
from gateway.equipment import Equipment
from gateway.incidents import Incidents
from gateway.rules.shaping import Draft, VoicePart, scripted, shape
from gateway.rules.voicing import Verdict
from gateway.setbacks import Setbacks
from gateway.steps.speak import Aloud
from gateway.telemetry import Telemetry
from gateway.transcript import media_fields
from gateway.web.openai.completions import Completions
from gateway.web.openai.said import said
from storage.media import MediaFolder
from storage.model import Conversation, ConversationId, Entry, Kind, Media, Outcome, Post, Receipt, Turn, TurnId
from tests.fakes import elevenlabs as voice_wire
from tests.fakes import sounds
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.story.running import running, toml
from tests.story.test_voice import spoken_queue
from tts.encode import Encoder, decode
from tts.errors import Quota
from tts.health import Health
from tts.model import Speech

# -- what was said -----------------------------------------------------------------------------------

LINKED = "O pedido saiu hoje cedo. Acompanhe em https://loja.example/pedido/42 quando quiser."


@pytest.mark.parametrize("format", ["voice", "both"])
async def test_the_assistant_is_told_once_what_it_said(tmp_path: Path, format: str) -> None:
    """A note and the text beside it are one reply: told twice, it would learn to say everything twice."""
    async with FakeOpenAI(lambda _: LINKED) as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs, format=format), tmp_path) as (_, contact):
            reply = await contact.ask("Onde está?")
            assert [part["kind"] for part in reply["parts"]] == ["voice", "text"]
            await contact.ask("Obrigada")
    told = [words for role, words in openai.asked[-1].said if role == "assistant"]
    assert told == [LINKED]


# -- the second of two notes -------------------------------------------------------------------------

HEARD = Verdict(True, "format_voice")
LONG = (
    "Acompanhe em https://loja.example/pedido/42 quando quiser, por favor. "
    "O prazo de entrega para a sua cidade é de cinco dias úteis. Veja também https://loja.example/prazos se quiser."
)


def voice(*, both: bool) -> VoicePart:
    part = shape(Draft(LONG, "pt-BR"), scripted(LONG, "pt-BR"), HEARD, Capabilities(), both=both).parts[0]
    assert isinstance(part, VoicePart)
    assert len(part.stretches) == 3
    return part


def test_what_stood_beside_the_note_that_was_heard_is_written_with_the_rest() -> None:
    """The words of the second note stand for all that was still to come, and the links were to come last."""
    rest = voice(both=False).after(1)
    assert rest.count("https://loja.example/pedido/42") == rest.count("https://loja.example/prazos") == 1
    assert "cinco dias" in rest
    assert "Acompanhe" not in rest, "that was heard"


def test_what_is_written_as_a_whole_is_written_as_a_whole() -> None:
    part = voice(both=True)
    assert [part.after(0), part.after(1)] == [LONG, LONG]
    assert voice(both=False).after(0) == LONG


class Outbox:
    """As much of a store as what is said later needs."""

    def __init__(self, *parts: dict[str, Any]) -> None:
        self.entries = list[Entry]()
        for n, part in enumerate(parts):
            self.put(f"t:{n}", part)

    def put(self, dedup: str, part: Any) -> None:
        body = orjson.dumps({"turn": "t", "part": part, "reply": {}, "yields": True, "last": False}).decode()
        self.entries.append(Entry(Kind.OUT, len(self.entries) + 1, dedup, body, 0))

    async def latest(self, *_: Any) -> list[Entry]:
        return self.entries[::-1]

    async def send_also(self, post: Post) -> None:
        self.put(post.dedup, orjson.loads(post.body)["part"])

    @property
    def texts(self) -> list[str]:
        parts = [orjson.loads(entry.body)["part"] for entry in self.entries]
        return [part["text"] for part in parts if part["kind"] == "text"]


async def test_two_notes_that_the_provider_refuses_later_are_written_once() -> None:
    part = voice(both=False)
    outbox: Any = Outbox(*({"kind": "voice", "transcript": "…", "written": part.after(first)} for first in (0, 1)))
    setbacks = Setbacks(outbox, {}, {}, Telemetry())
    conversation = Conversation(ConversationId("c"), "zap", "55", "", "loja")
    for n in range(2):
        receipt = Receipt(conversation.id, f"t:{n}", "failed", 0, f"wamid.{n}", "131053")
        await setbacks.met(conversation, receipt, ChannelError("131053", Then.AS_TEXT))
    assert outbox.texts == [LONG]


@pytest.mark.parametrize("format", ["wav", "opus", "mp3"])
async def test_an_openai_client_hears_all_of_an_answer_that_takes_two_notes(tmp_path: Path, format: str) -> None:
    folder, encoder = MediaFolder(tmp_path), Encoder()
    parts = []
    for n in (1, 2):
        media = Media(await folder.put(sounds.ogg_opus(float(n))), "audio/ogg; codecs=opus", 1, float(n))
        parts.append({"kind": "voice", "media": media_fields(media), "transcript": f"Nota {n}."})
    reply = {"parts": parts}
    turn = Turn(TurnId("t"), ConversationId("c"), 1, 0, 1, 0, 1, Outcome.ANSWERED, "assistant", (), reply)
    desk: Any = None
    try:
        audio = await Completions(desk, {}, folder, encoder)._audio(said(turn, ""), format)
        assert audio is not None
        assert audio["transcript"] == "Nota 1. Nota 2."
        assert 2.5 < decode(base64.b64decode(audio["data"]))[1] < 3.5
    finally:
        await encoder.close()


# -- ahead -------------------------------------------------------------------------------------------


class Counting:
    """A Telling that counts."""

    def __init__(self) -> None:
        self.calls = list[str]()

    def say(self, *_: Speech) -> None:
        self.calls.append("say")

    def only(self, _: Sequence[Speech]) -> None:
        self.calls.append("only")


def test_what_is_too_long_is_looked_at_no_further(tmp_path: Path) -> None:
    """Each further sentence would be measured together with all before it, for an answer that will be written."""
    queue = parse(toml("http://127.0.0.1:9/v1", openai_key="k", format="voice"), root=tmp_path).queues[0]
    crew: Any = SimpleNamespace(queue=queue, tags=False)
    burst: Any = SimpleNamespace(crew=crew, occasion=None, spoken=False)
    telling: Any = Counting()
    aloud = Aloud(burst, telling)
    for n in range(60):
        aloud.write(f"Esta é a frase de número {n}, e ela tem palavras que bastam. ")
    assert (telling.calls.count("only"), telling.calls[-1]) == (1, "only")
    aloud.again()
    aloud.write("Esta é curta, e por isso se fala agora mesmo. Ou não.")
    assert telling.calls[-1] == "say"


# -- whose voice -------------------------------------------------------------------------------------


async def test_the_same_voice_of_two_accounts_is_two_troubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agency has a key for each customer: one of them that buys characters does not close the other's trouble."""
    over = asyncio.Event()

    async def sleep(_: float) -> None:
        await over.wait()

    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        spoken = f"""
provider = "elevenlabs"
api_key = "{voice_wire.KEY}"
base_url = "{elevenlabs.url}"
voice_id = "{voice_wire.VOICE}"
model_id = "eleven_flash_v2_5"
"""
        text = toml(openai.base_url, openai_key=openai.key, format="voice", voice=spoken)
        config = parse(text, root=tmp_path)
        one = config.queues[0]
        own = one.voice.model_copy(update={"api_key": type(one.voice.api_key)("sk_another")})
        two = one.model_copy(update={"name": "outra", "voice": own})
        monkeypatch.setattr(equipment, "Health", partial(Health, sleep=sleep))
        incidents = Incidents(Telemetry())
        maker = Equipment(config, Encoder(), Telemetry(), [], incidents)
        first, second = (maker.voice(queue).rungs[0].watched for queue in (one, two))
        for watched in (first, second):
            watched.failed(Quota("quota_exceeded", hint="Buy characters."))
        assert len(incidents.lines) == 2
        assert "(queue outra)" in incidents.lines[1]
        first.health._on_back(first.health.name)
        assert ["(queue outra)" in line for line in incidents.lines] == [True], "the other is still out"
        for watched in (first, second):
            await watched.close()
        await maker.close()


def test_voices_of_our_own_cost_nothing_to_call_off(tmp_path: Path) -> None:
    config = parse(toml("http://127.0.0.1:9/v1", openai_key="k", format="voice"), root=tmp_path)
    maker = Equipment(config, Encoder(), Telemetry(), [], Incidents(Telemetry()))
    assert [rung.free for rung in maker.voice(config.queues[0]).rungs] == [True]
