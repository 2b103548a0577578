"""An answer is spoken while it is written: each stretch is asked for once, as the finished note has it, and what was
spoken before costs nothing."""

from __future__ import annotations

from pathlib import Path

from gateway.app import Gateway
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI, spoken
from tests.story.running import running
from tests.story.test_voice import spoken_queue

ANSWER = (
    "Temos Wi-Fi, sim. 😀 O frete custa R$ 19,90.\n\n- Caneca azul: R$ 19,90\n- Panela: R$ 89,00\n\n"
    "Veja em https://loja.example/canecas. Chega em 3 a 5 dias úteis, das 9h às 18h!"
)
SAID = 'pronunciations = { "Wi-Fi" = "uai fai" }'


def wasted(gateway: Gateway) -> float:
    found = gateway.telemetry.registry.get_sample_value("recado_speech_wasted_characters_total", {"queue": "loja"})
    return found or 0.0


async def test_what_is_spoken_ahead_is_what_the_note_says(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeElevenLabs() as elevenlabs:
        openai.play(spoken(ANSWER, pieces=60, delay=0.002))
        async with running(spoken_queue(openai, elevenlabs, more=SAID), tmp_path) as (gateway, contact):
            reply = await contact.ask("Tem Wi-Fi?")
            assert wasted(gateway) == 0
        said = sorted(call.json["text"] for call in elevenlabs.spoken)
        assert len(said) == len(set(said)) > 3
        voice = reply["parts"][0]
        assert "uai fai" in voice["transcript"]
        assert sum(map(len, said)) + len(said) - 1 == len(voice["transcript"]), "nothing more, and nothing twice"
        assert all(text in voice["transcript"] for text in said)


async def test_an_answer_that_was_spoken_before_costs_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: ANSWER) as openai, FakeElevenLabs() as elevenlabs:
        async with running(spoken_queue(openai, elevenlabs, more=SAID), tmp_path) as (gateway, contact):
            first = await contact.ask("Tem Wi-Fi?")
            paid = len(elevenlabs.spoken)
            for number in range(5):
                again = await contact.ask(f"Tem mesmo? ({number})")
            assert again["parts"][0]["transcript"] == first["parts"][0]["transcript"]
            assert (len(elevenlabs.spoken), wasted(gateway)) == (paid, 0)
