"""What a caller sends, read into our own words. Pure. Every refusal names the parameter that is wrong."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.channels.base import Attachment
from gateway.web.openai.errors import Refusal, unsupported, wrong
from gateway.web.reading import AUDIO_LIMIT, ID, TEXT_LIMIT

Line = tuple[Literal["contact", "assistant"], str]

CONTEXT_LIMIT = 1_000_000
"""Characters of the history and instructions that one call may bring along."""
PARTS = 64
"""Of one message's content."""
PAIRS, KEY_LIMIT, VALUE_LIMIT = 16, 64, 512
"""Of metadata: OpenAI's own limits."""
OWN = "recado:"
"""Begins the names of what we keep beside a caller's metadata; never shown."""
DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)(?:;[a-z0-9=.-]+)*;base64,", re.IGNORECASE)
WORDS = ("text", "input_text", "output_text")
HOSTED = ("file_search", "code_interpreter", "web_search", "web_search_preview")
"""Tools that a queue's documents and model stand for: asking for one changes nothing."""


@dataclass(frozen=True, slots=True)
class Content:
    """What one message carries."""

    text: str = ""
    audio: bytes | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.audio or self.attachments)


@dataclass(frozen=True, slots=True)
class Asked:
    """A list of messages, sorted: what is new, what was said before, and how to behave."""

    content: Content
    history: tuple[Line, ...]
    instructions: str


def asked(messages: Any, param: str) -> Asked:
    """The messages after the assistant's last one are new. `param`: `messages` or `input`."""
    if not isinstance(messages, list) or not messages:
        raise wrong(param, f"'{param}' must be a list with at least one message.")
    said, rules = list[tuple[str, Content]](), list[str]()
    for i, message in enumerate(messages):
        role, content = _message(message, f"{param}[{i}]")
        if role in ("system", "developer"):
            rules.append(content.text)
        elif role != "skip":
            said.append((role, content))
    return _sorted(said, rules, param)


def _sorted(said: list[tuple[str, Content]], rules: list[str], param: str) -> Asked:
    new = len(said)
    while new and said[new - 1][0] == "user":
        new -= 1
    content = joined([content for _, content in said[new:]], param)
    if content.is_empty:
        raise wrong(param, f"'{param}' must end with a message of the user that says something.")
    history = tuple(_line(role, content) for role, content in said[:new] if content.text.strip())
    instructions = "\n\n".join(rule for rule in rules if rule.strip())
    if sum(len(text) for _, text in history) + len(instructions) > CONTEXT_LIMIT:
        message = f"History and instructions are at most {CONTEXT_LIMIT} characters."
        raise wrong(param, message, "context_length_exceeded")
    return Asked(content, history, instructions)


def _line(role: str, content: Content) -> Line:
    return ("contact" if role == "user" else "assistant", content.text)


def _message(message: Any, param: str) -> tuple[str, Content]:
    """(role, content); the role `skip` for what says nothing to us."""
    if not isinstance(message, dict):
        raise wrong(param, "Each message must be an object.")
    kind = message.get("type", "message")
    if kind == "reasoning":
        return "skip", Content()
    if kind != "message":
        raise wrong(f"{param}.type", f"Items of type '{kind}' are not supported here.", "unsupported_value")
    role = message.get("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise wrong(f"{param}.role", f"Messages of the role {role!r} are not supported here.", "unsupported_value")
    if message.get("content") is None and role == "assistant":
        return "skip", Content()
    return role, content(message.get("content"), f"{param}.content")


def joined(contents: Sequence[Content], param: str) -> Content:
    """Several messages of one side as one."""
    sounds = [content.audio for content in contents if content.audio]
    if len(sounds) > 1:
        raise wrong(param, "One call takes one input_audio.")
    text = "\n".join(content.text for content in contents if content.text)
    if len(text) > TEXT_LIMIT:
        raise wrong(param, f"A message is at most {TEXT_LIMIT} characters.", "string_above_max_length")
    attachments = tuple(one for content in contents for one in content.attachments)
    return Content(text, sounds[0] if sounds else None, attachments)


# -- content -----------------------------------------------------------------------------------------


def content(value: Any, param: str) -> Content:
    """A text, or a list of parts of any of the three APIs."""
    if isinstance(value, str):
        return Content(value)
    if not isinstance(value, list) or len(value) > PARTS:
        raise wrong(param, f"The content must be a text or a list of at most {PARTS} parts.")
    return joined([_part(part, f"{param}[{i}]") for i, part in enumerate(value)], param)


def _part(part: Any, param: str) -> Content:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in WORDS:
        return Content(_text(part.get("text"), f"{param}.text"))
    if kind == "refusal":
        return Content(_text(part.get("refusal"), f"{param}.refusal"))
    if kind == "input_audio":
        return Content(audio=_sound(part.get("input_audio"), f"{param}.input_audio"))
    if kind in ("image_url", "input_image"):
        return Content(attachments=(_picture(part.get("image_url"), f"{param}.image_url"),))
    if kind in ("file", "input_file"):
        return Content(attachments=(_document(part.get("file", part), param),))
    raise wrong(f"{param}.type", f"Content of type {kind!r} is not supported here.", "unsupported_value")


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise wrong(param, "The text must be a string.")
    return value


def _sound(value: Any, param: str) -> bytes:
    data = value.get("data") if isinstance(value, dict) else None
    return _bytes(data, f"{param}.data")


def _picture(value: Any, param: str) -> Attachment:
    url = value.get("url") if isinstance(value, dict) else value
    mime, data = _data_url(url, param)
    return Attachment("image", mime, data=data, size=len(data))


def _document(value: Any, param: str) -> Attachment:
    if not isinstance(value, dict) or not value.get("file_data"):
        raise wrong(param, "Files are not kept here: send file_data as a data: URL.", "unsupported_value")
    mime, data = _data_url(value["file_data"], f"{param}.file_data")
    name = value.get("filename", "")
    return Attachment("document", mime, data=data, name=name if isinstance(name, str) else "", size=len(data))


def _data_url(url: Any, param: str) -> tuple[str, bytes]:
    head = DATA_URL.match(url) if isinstance(url, str) else None
    if not head:
        raise wrong(param, "Nothing is fetched from here: send a data: URL with base64.", "unsupported_value")
    return head[1].lower(), _bytes(url[head.end() :], param)


def _bytes(text: Any, param: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise wrong(param, "This is not base64.", "invalid_base64")
    if len(data) > AUDIO_LIMIT:
        raise wrong(param, f"At most {AUDIO_LIMIT} bytes.")
    return data


# -- parameters --------------------------------------------------------------------------------------


def name(value: Any, param: str) -> str:
    """Of a conversation, as the caller calls it; empty when it does not."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise wrong(param, f"'{param}' must be a text of 1 to 256 characters without control characters.")
    return value


def text_of(body: Mapping[str, Any], param: str, default: str = "") -> str:
    value = body.get(param)
    if value is None:
        return default
    if not isinstance(value, str) or len(value) > CONTEXT_LIMIT:
        raise wrong(param, f"'{param}' must be a text.")
    return value


def flag(body: Mapping[str, Any], param: str) -> bool:
    value = body.get(param)
    if value not in (None, True, False):
        raise wrong(param, f"'{param}' must be true or false.")
    return bool(value)


def metadata(value: Any, param: str = "metadata") -> dict[str, str]:
    """A caller's own pairs, within OpenAI's limits."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > PAIRS:
        raise wrong(param, f"'{param}' must be an object of at most {PAIRS} pairs.")
    for key, word in value.items():
        if not isinstance(word, str) or len(key) > KEY_LIMIT or len(word) > VALUE_LIMIT or key.startswith(OWN):
            raise wrong(f"{param}.{key}"[:100], f"Keys have at most {KEY_LIMIT} and texts {VALUE_LIMIT} characters.")
    return dict(value)


def shown_metadata(kept: Mapping[str, str]) -> dict[str, str]:
    """Without what is ours."""
    return {key: value for key, value in kept.items() if not key.startswith(OWN)}


def without_tools(body: Mapping[str, Any]) -> None:
    """A program that waits for tool calls or for JSON would wait for ever: it is told at once."""
    tools = body.get("tools") or ()
    if not isinstance(tools, list | tuple):
        raise wrong("tools", "'tools' must be a list.")
    for tool in tools:
        if not isinstance(tool, dict) or tool.get("type") not in HOSTED:
            raise unsupported("tools", "Tools of the caller are not supported: a queue works with its own.")
    if body.get("functions"):
        raise unsupported("functions", "Functions of the caller are not supported: a queue works with its own.")
    format = body.get("response_format")
    if isinstance(format, dict) and format.get("type", "text") != "text":
        raise unsupported("response_format", "A queue answers customers in words: only the type 'text' is supported.")


def choice(value: Any, param: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise wrong(param, f"'{param}' must be one of: {', '.join(allowed)}.", "unsupported_value")
    return str(value)


def no_model(model: str) -> Refusal:
    message = f"The model '{model[:100]}' does not exist or you do not have access to it. A model is a queue's name."
    return Refusal(404, message, param="model", code="model_not_found")
