"""A question of ours to an assistant, in nobody's conversation: what it writes, as a whole."""

from __future__ import annotations

from gateway.assistants.base import Again, Ask, Assistant, HandOver, Text


async def in_writing(assistant: Assistant, ask: Ask, limit: int) -> str:
    """At most `limit` characters; empty when it would rather call a person. Raises AssistantError."""
    text = ""
    async for event in assistant.answer(ask):
        match event:
            case Text(piece):
                text += piece
            case Again():
                text = ""
            case HandOver():
                return ""
    return text.strip()[:limit]
