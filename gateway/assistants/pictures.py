"""What a customer sent that can be looked at: which of it is an image or a PDF, and how much of it travels. Pure.

The formats are those that every seeing endpoint takes (contract of `input_image` and `input_file` in the Responses
API, of `image_url` and `file` in Chat Completions). Labels are not believed: a photo sent as a file is a photo, and
a page of HTML named `photo.jpg` is nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from pathlib import PurePath

from gateway.assistants.base import Picture

MEGABYTE = 1024 * 1024
LARGEST_IMAGE = 5 * MEGABYTE
LARGEST_DOCUMENT = 10 * MEGABYTE
LARGEST_ALTOGETHER = 20 * MEGABYTE
"""Of one question; base64 makes a third more of it."""
PDF = "application/pdf"
LONGEST_NAME = 80


def picture(kind: str, data: bytes, name: str) -> Picture | None:
    """What the assistant is shown of an attachment of this `kind` (as `channels.base.Attachment` names it).

    JPEG, PNG, WebP and GIF are images, whether they came as image, sticker or document; a document may also be a PDF.
    None: it is not what it says, nothing that can be looked at, or too large.
    """
    mime = _image(data)
    if mime and kind in ("image", "sticker", "document") and len(data) <= LARGEST_IMAGE:
        return Picture("image", mime, data, _plain(name))
    if kind == "document" and data.startswith(b"%PDF-") and len(data) <= LARGEST_DOCUMENT:
        return Picture("document", PDF, data, _pdf_name(_plain(name)))
    return None


def shown(pictures: Sequence[Picture], sees: Collection[str]) -> list[Picture]:
    """Those of the kinds an assistant `sees`, first come first, as long as all of them together are not too large."""
    chosen: list[Picture] = []
    left = LARGEST_ALTOGETHER
    for one in pictures:
        if one.kind in sees and len(one.data) <= left:
            chosen.append(one)
            left -= len(one.data)
    return chosen


def data_url(one: Picture) -> str:
    return f"data:{one.mime};base64,{base64.b64encode(one.data).decode()}"


def _image(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _pdf_name(name: str) -> str:
    return name if name.lower().endswith(".pdf") else f"{name or 'document'}.pdf"


def _plain(name: str) -> str:
    """The end of the name, where the suffix is, without folders and what does not print."""
    base = PurePath(name.replace("\\", "/")).name
    return "".join(letter for letter in base if letter.isprintable())[-LONGEST_NAME:]
