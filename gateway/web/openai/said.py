"""What a turn said, as these APIs need it: one text, one voice note, tokens, and what they have no field for. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.transcript import linked
from storage.model import ConversationId, Outcome, Turn

Json = dict[str, Any]

CONVERSATION = re.compile(r"c_[0-9a-f]{24}")
NUMBERED = re.compile(r"(?P<kind>[a-z]+)_(?P<conversation>[0-9a-f]{24})_(?P<mark>[a-z]?)(?P<seq>[0-9]{1,18})")
SENTENCE = re.compile(r".+?(?:[.!?…。！？]+[\"'”’)\]]*\s+|\n+|[。！？]+|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """A turn that has ended."""

    conversation: ConversationId
    turn: str
    at: int
    """Milliseconds since the epoch: when it ended."""
    outcome: Outcome
    reason: str
    text: str = ""
    voices: Sequence[Mapping[str, Any]] = ()
    """The public voice parts (docs/api.md): several when it was too long for one note."""
    citations: Sequence[Mapping[str, Any]] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    truncated: bool = False

    @property
    def voice(self) -> Mapping[str, Any] | None:
        return self.voices[0] if self.voices else None

    @property
    def hands_over(self) -> bool:
        """What it says is our transfer message, whatever an assistant had begun to write."""
        return self.outcome in (Outcome.TRANSFERRED, Outcome.DEAD)

    @property
    def extension(self) -> Json:
        """The field `recado`, beside OpenAI's own."""
        return {
            "conversation": self.conversation,
            "turn": self.turn,
            "outcome": str(self.outcome),
            "reason": self.reason,
            "citations": list(self.citations),
            "voice": self.voice and {**self.voice["media"], "transcript": self.voice["transcript"]},
        }


def said(turn: Turn, base_url: str) -> Said:
    reply = turn.reply or {}
    parts = [linked(part, base_url) for part in reply.get("parts", ())]
    texts = [part["text"] for part in parts if part["kind"] == "text"]
    voices = [part for part in parts if part["kind"] == "voice"]
    written: Mapping[str, Any] = next((step for step in turn.timeline if step.get("step") == "written"), {})
    return Said(
        turn.conversation,
        turn.id,
        turn.ended_at,
        turn.outcome,
        turn.reason,
        "\n\n".join(texts or [part["transcript"] for part in voices]),
        voices,
        reply.get("citations", ()),
        int(written.get("input_tokens", 0)),
        int(written.get("output_tokens", 0)),
        written.get("reason") == "truncated" and turn.outcome is Outcome.ANSWERED,
    )


def seconds(ms: int) -> int:
    return ms // 1000


def numbered(kind: str, conversation: ConversationId, seq: int, mark: str = "") -> str:
    """An id that needs no table: `run_<conversation>_<seq>`."""
    return f"{kind}_{conversation.removeprefix('c_')}_{mark}{seq}"


def number(id: str, kind: str, mark: str = "") -> tuple[ConversationId, int] | None:
    """What such an id says; None for any other."""
    found = NUMBERED.fullmatch(id)
    if not found or found["kind"] != kind or found["mark"] != mark:
        return None
    return ConversationId(f"c_{found['conversation']}"), int(found["seq"])


def file_id(document: str) -> str:
    """A queue's document, where an id of a file is wanted."""
    return f"file-{hashlib.blake2b(document.encode(), digest_size=12).hexdigest()}"


def pieces(text: str) -> Iterator[str]:
    """Sentence by sentence; together they are the text."""
    return (found[0] for found in SENTENCE.finditer(text))
