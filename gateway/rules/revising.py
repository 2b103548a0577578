"""What a contact corrected or took back before it was answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.rules.precedence import Said


def revised(burst: Sequence[Said]) -> list[Said]:
    """The messages as their author left them: corrected ones with their last words, revoked ones gone.

    Corrections of what is not in the burst stay as they are: it was answered before.
    """
    written = {said.id for said in burst if said.meaning == "message"}
    words = {said.of: said.text for said in burst if said.meaning == "edit" and said.of in written}
    gone = {said.of for said in burst if said.meaning == "revoke"}
    return [
        replace(said, text=words.get(said.id, said.text)) if said.meaning == "message" else said
        for said in burst
        if not _is_spent(said, words, gone)
    ]


def _is_spent(said: Said, words: dict[str, str], gone: set[str]) -> bool:
    if said.meaning == "message":
        return said.id in gone
    return said.meaning == "edit" and (said.of in words or said.of in gone)
