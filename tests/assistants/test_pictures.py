"""What can be looked at, by its bytes; and how much of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.assistants import pictures
from gateway.assistants.base import Picture
from gateway.assistants.pictures import picture, shown

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0"
WEBP = b"RIFF\x24\0\0\0WEBPVP8 "
BOTH = frozenset({"image", "document"})


@pytest.mark.parametrize(
    ("kind", "data", "name", "found"),
    [
        ("image", PNG, "a.png", ("image", "image/png", "a.png")),
        ("image", JPEG, "a.png", ("image", "image/jpeg", "a.png")),
        ("image", b"GIF89a", "", ("image", "image/gif", "")),
        ("image", WEBP, "", ("image", "image/webp", "")),
        ("sticker", WEBP, "", ("image", "image/webp", "")),
        ("document", JPEG, "IMG_1.jpg", ("image", "image/jpeg", "IMG_1.jpg")),
        ("document", b"%PDF-1.7", "exame.pdf", ("document", "application/pdf", "exame.pdf")),
        ("document", b"%PDF-1.7", "", ("document", "application/pdf", "document.pdf")),
        ("document", b"%PDF-1.7", "exame", ("document", "application/pdf", "exame.pdf")),
        ("document", b"%PDF-1.7", "EXAME.PDF", ("document", "application/pdf", "EXAME.PDF")),
        ("document", b"%PDF-1.7", "../../etc/a\n\x00b.pdf", ("document", "application/pdf", "ab.pdf")),
        ("document", b"%PDF-1.7", "C:\\temp\\a.pdf", ("document", "application/pdf", "a.pdf")),
        ("image", b"%PDF-1.7", "photo.jpg", None),
        ("image", b"<html><body>Sign in", "photo.jpg", None),
        ("image", b"RIFF\x24\0\0\0WAVEfmt ", "photo.webp", None),
        ("image", b"", "photo.jpg", None),
        ("image", b"\0\0\0\x18ftypheic", "photo.heic", None),
        ("document", b"PK\x03\x04", "letter.docx", None),
        ("document", b"MZ\x90", "invoice.pdf", None),
        ("video", PNG, "film.mp4", None),
        ("audio", PNG, "", None),
    ],
)
def test_what_can_be_looked_at(kind: str, data: bytes, name: str, found: tuple[str, str, str] | None) -> None:
    seen = picture(kind, data, name)
    assert (seen and (seen.kind, seen.mime, seen.name)) == found
    assert seen is None or seen.data is data


def test_what_is_too_large_is_not_shown() -> None:
    for start, most in ((PNG, pictures.LARGEST_IMAGE), (b"%PDF-", pictures.LARGEST_DOCUMENT)):
        whole = start + bytes(most - len(start))
        assert picture("document", whole, "a") is not None
        assert picture("document", whole + b"\0", "a") is None


def test_only_what_is_seen_and_only_so_much_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGEST_ALTOGETHER", 20)
    a, b = (Picture("image", "image/png", bytes(size)) for size in (8, 9))
    letter, large = Picture("document", pictures.PDF, bytes(4)), Picture("image", "image/png", bytes(13))
    assert shown([a, letter, large, b], BOTH) == [a, letter]
    assert shown([a, letter, b], frozenset({"image"})) == [a, b]
    assert shown([letter, large], BOTH) == [letter, large]
    assert shown([a], frozenset()) == []


@given(st.sampled_from(["image", "document"]), st.binary(max_size=40), st.text(max_size=200))
def test_no_bytes_and_no_name_surprise_it(kind: str, data: bytes, name: str) -> None:
    for start in (b"", PNG, b"%PDF-"):
        seen = picture(kind, start + data, name)
        if seen:
            assert seen.name.isprintable()
            assert len(seen.name) <= 84
            assert "/" not in seen.name
