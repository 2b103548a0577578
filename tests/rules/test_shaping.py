import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Capabilities
from gateway.config import Reply
from gateway.rules.shaping import Draft, Shape, TextPart, VoicePart, cleaned, shape, split
from tts.speakable import Speakable

ANYWHERE, MUTE = Capabilities(), Capabilities(voice_note=False)
SAID = Speakable("Custa cinco reais.", "")
WITH_LINK = Speakable("Veja o link.", "https://loja.example")
DRAFT = Draft("Custa R$ 5,00.", "pt-BR")


def kinds(shaped: Shape) -> list[str]:
    return ["voice" if isinstance(part, VoicePart) else "text" for part in shaped.parts]


@pytest.mark.parametrize(
    ("words", "format", "channel", "spoke", "expected", "reason"),
    [
        (SAID, "text", ANYWHERE, True, ["text"], "format_text"),
        (SAID, "voice", ANYWHERE, False, ["voice"], "format_voice"),
        (SAID, "both", ANYWHERE, False, ["voice", "text"], "format_both"),
        (SAID, "mirror", ANYWHERE, True, ["voice"], "contact_spoke"),
        (SAID, "mirror", ANYWHERE, False, ["text"], "contact_wrote"),
        (SAID, "voice", MUTE, False, ["text"], "channel_has_no_voice"),
        (WITH_LINK, "voice", ANYWHERE, False, ["voice", "text"], "format_voice"),
        (Speakable("", ""), "voice", ANYWHERE, False, ["text"], "nothing_to_speak"),
        (Speakable("a" * 901, ""), "voice", ANYWHERE, False, ["text"], "too_long_to_speak"),
        (Speakable("a" * 900, ""), "voice", ANYWHERE, False, ["voice"], "format_voice"),
    ],
)
def test_voice_or_text_and_why(
    words: Speakable, format: str, channel: Capabilities, spoke: bool, expected: list[str], reason: str
) -> None:
    shaped = shape(DRAFT, words, Reply.model_validate({"format": format}), channel, spoke=spoke)
    assert (kinds(shaped), shaped.reason, shaped.language) == (expected, reason, "pt-BR")


def test_a_spoken_part_keeps_what_was_written_for_when_speaking_fails() -> None:
    (part,) = shape(DRAFT, SAID, Reply(format="voice"), ANYWHERE, spoke=False).parts
    assert part == VoicePart("Custa cinco reais.", "Custa R$ 5,00.")


def test_what_cannot_be_taken_down_from_hearing_comes_in_writing() -> None:
    voice, text = shape(DRAFT, WITH_LINK, Reply(format="voice"), ANYWHERE, spoke=False).parts
    assert isinstance(voice, VoicePart)
    assert text == TextPart("https://loja.example")


def test_a_page_of_blank_lines_is_one() -> None:
    assert cleaned("a\n\n\n\n\nb\n") == "a\n\nb"


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("curto", 0, ["curto"]),
        ("curto", 10, ["curto"]),
        ("", 10, []),
        ("um. dois. três.", 10, ["um. dois.", "três."]),
        ("primeiro\n\nsegundo", 12, ["primeiro", "segundo"]),
        ("uma palavra e outra", 12, ["uma palavra", "e outra"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("你好。再见。", 4, ["你好。", "再见。"]),
    ],
)
def test_long_texts_are_cut_where_a_reader_would(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces


@given(st.text(), st.integers(1, 50))
def test_no_piece_is_too_long_and_no_letter_is_lost(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
