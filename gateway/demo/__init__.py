"""The sample shop that `recado demo` answers for: one policy in four languages."""

from __future__ import annotations

from pathlib import Path

DOCUMENTS = tuple(sorted(Path(__file__).parent.glob("*.md")))
