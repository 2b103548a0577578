"""The table in vocabulary.toml, read once.

A concept is an extra index word: "estorno", "my money back" and 退款 all also count as `refund`, so that a question
finds the paragraph that says it otherwise, and half-way into another language.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

CONCEPTS: dict[str, dict[str, list[str]]] = {
    name: {
        language: [phrase.strip() for phrase in phrases.replace("-", " ").split(",")]
        for language, phrases in languages.items()
    }
    for name, languages in _TABLE["concepts"].items()
}
"""Concept -> language -> words and phrases."""
LIGHT = frozenset(_TABLE["light"].split())
OFFERS = frozenset(_TABLE["offers"].split())
SPELLED: dict[str, dict[str, str]] = _TABLE["spelled"]
COMMON = {language: frozenset(_TABLE["common"][language].split()) for language in ("pt", "en", "es")}
COMMON_CHINESE: list[str] = _TABLE["common"]["zh"].split()
COMMON_CHARACTERS = frozenset(_TABLE["common"]["zh_characters"])
