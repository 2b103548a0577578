"""A question of ours to an assistant, in nobody's conversation: what it writes, as a whole."""

from __future__ import annotations

from gateway.assistants.base import Again, Ask, Assistant, Finished, HandOver, Text


async def in_writing(assistant: Assistant, ask: Ask, limit: int) -> tuple[str, Finished]:
    """At most `limit` characters, empty when it would rather call a person; and what it came to. Raises
    AssistantError."""
    text, handed, finished = "", False, Finished()
    async for event in assistant.answer(ask):
        match event:
            case Text(piece):
                text += piece
            case Again():
                text = ""
            case HandOver():
                handed = True
            case Finished():
                finished = event
    return "" if handed else text.strip()[:limit], finished
