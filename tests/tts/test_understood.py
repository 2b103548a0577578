"""What is spoken is understood: the embedded voice says an answer, and a recogniser that knows nothing of it writes it
down. The word error rate of each language is printed and kept in the report's properties.

The whole way is walked: written text, stretches, speakable words, voice, ladder, encoder, the note's packets, and the
ear. Every place that plays notes has its turn, so a profile whose sound is spoilt is heard too.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio

from gateway.hearing.local import LocalHearing
from gateway.rules.shaping import scripted
from gateway.steps.speak import speeches
from tts.cache import Cache, Once
from tts.encode import Encoder
from tts.errors import VoiceUnavailable
from tts.health import Health, Watched
from tts.ladder import Ladder, Rung
from tts.local import LocalVoice
from tts.profiles import TELEGRAM, WEB, WHATSAPP_CLOUD, WHATSAPP_PHONE, Profile
from tts.shelves import Memory
from tts.speakable import speakable

ANSWERS: dict[str, list[tuple[Profile, str]]] = {
    "pt-BR": [
        (WHATSAPP_PHONE, "Sua consulta está marcada para 23/11/2026, às 14h30. Posso confirmar o endereço com você?"),
        (
            WHATSAPP_CLOUD,
            "O pedido nº 48213 já saiu da loja. O frete ficou em R$ 12,90 e o prazo é de 3 a 5 dias úteis.",
        ),
        (TELEGRAM, "Abrimos de segunda a sexta, das 9h às 18h. Você tem até 30 dias depois da compra para trocar."),
        (WEB, "São R$ 1.250,00 à vista. Com 10% de desconto, o total cai para R$ 1.125,00."),
    ],
    "en": [
        (WHATSAPP_PHONE, "Your order #48213 has shipped. It will arrive on Friday, November 27, 2026."),
        (WEB, "The total is $49.90, and delivery is free over $100. We are open from 9 am to 6 pm."),
    ],
    "es": [
        (WHATSAPP_PHONE, "Su pedido n.º 48213 ya salió de la tienda. Llega el 23/11/2026 por la mañana."),
        (WEB, "El envío cuesta 12,90 € y tarda 3 días. Abrimos de lunes a viernes, de 9:00 a 18:30."),
    ],
}
UNDERSTOOD = 0.25
"""Measured twice with this voice and this ear: Portuguese 0.08 and 0.09, Spanish 0.10 and 0.06, English 0.05 and 0.06,
most of it long numbers. A machine's voice that the ear hardly understands has 0.5 to 1.0, and Portuguese at half its
speed has 0.53. Between the two, with room for another version of either part."""
SPOILT = 0.5
"""Of one answer: an average must not hide a place whose notes are noise."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How many of the words went wrong."""

    errors: int
    words: int
    text: str

    @property
    def rate(self) -> float:
        return self.errors / self.words


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ear() -> AsyncIterator[LocalHearing]:
    hearing = LocalHearing()
    if not hearing.available():
        pytest.skip(hearing.describe())
    yield hearing
    await hearing.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def encoder() -> AsyncIterator[Encoder]:
    encoder = Encoder()
    yield encoder
    await encoder.close()


@pytest.mark.embedded
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.filterwarnings("ignore")  # the embedded parts warn of their own future
@pytest.mark.parametrize("language", ANSWERS)
async def test_what_is_spoken_is_understood(
    language: str,
    ear: LocalHearing,
    encoder: Encoder,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ladder = spoken_by_kokoro(language, encoder)
    heard = [await listened(ladder, ear, text, language, profile) for profile, text in ANSWERS[language]]
    await ladder.close()
    errors, words = sum(each.errors for each in heard), sum(each.words for each in heard)
    record_property(f"word_error_rate_{language}", round(errors / words, 3))
    with capsys.disabled():
        print(f"\nword error rate, {language}: {errors / words:.2f} ({errors} of {words} words)")
    print(*(f"{each.rate:.2f}  {each.text}" for each in heard), sep="\n")
    assert errors / words <= UNDERSTOOD
    assert max(each.rate for each in heard) <= SPOILT


def spoken_by_kokoro(language: str, encoder: Encoder) -> Ladder:
    """The ladder the gateway builds of it; the other engine is not understood and not asked."""
    try:
        voice = LocalVoice(language, "kokoro")
    except VoiceUnavailable as error:
        pytest.skip(error.hint)
    watched, once = Watched(voice, Health(voice.name)), Once(Memory())
    return Ladder([Rung(Cache(watched, once), watched)], encoder, once, deadline=120.0)


async def listened(ladder: Ladder, ear: LocalHearing, text: str, language: str, profile: Profile) -> Heard:
    said = [stretch.spoken for stretch in scripted(text, language).stretches]
    [note] = (await ladder.begin().finish(speeches(said, language), profile)).notes
    heard = await ear.hear(note.audio.data, note.audio.mime, language)
    return compared(text, heard.text, language)


# -- comparing -------------------------------------------------------------------------------------


def compared(written: str, heard: str, language: str) -> Heard:
    """The ear writes "R$ 12,90" or "doze reais e noventa": as it was written, or in words on both sides."""
    ways = [(words(written), words(heard)), (in_words(written, language), in_words(heard, language))]
    found = [Heard(distance(wanted, got), len(wanted), heard) for wanted, got in ways]
    return min(found, key=lambda each: each.rate)


def in_words(text: str, language: str) -> Sequence[str]:
    return words(speakable(text, language).spoken)


def words(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text.casefold())


def distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Words left out, put in or mistaken, at least (Levenshtein)."""
    row = list(range(len(got) + 1))
    for left, word in enumerate(wanted, 1):
        before, row[0] = row[0], left
        for at, other in enumerate(got, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


@pytest.mark.parametrize(
    ("written", "heard", "errors"),
    [
        ("O frete é R$ 12,90.", "o frete é doze reais e noventa centavos", 0),
        ("O frete é R$ 12,90.", "O frete é R$ 12,90", 0),
        ("O frete é R$ 12,90.", "O frete é R$ 12,80", 1),
        ("Às 14h30, por favor.", "as catorze horas e trinta", 3),
        ("Sim.", "", 1),
    ],
)
def test_numbers_are_compared_as_they_are_written_or_in_words(written: str, heard: str, errors: int) -> None:
    assert compared(written, heard, "pt-BR").errors == errors


@pytest.mark.parametrize(
    ("wanted", "got", "away"), [("a b c", "a b c", 0), ("a b c", "a c", 1), ("a b", "a x b y", 2), ("a b", "c d e", 3)]
)
def test_the_distance_between_two_sentences(wanted: str, got: str, away: int) -> None:
    assert distance(wanted.split(), got.split()) == distance(got.split(), wanted.split()) == away
