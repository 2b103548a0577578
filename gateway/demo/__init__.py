"""The sample shop that `recado demo` answers for: one policy in four languages, no key, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.config import Config, parse

FOLDER = Path(__file__).parent
DOCUMENTS = tuple(sorted(FOLDER.glob("*.md")))
CHANNEL = "loja"


def demo_config(data: Path, host: str, port: int, admin_key: str, *, lite: bool = False) -> Config:
    """`data`: the folder for what the demo keeps. `lite`: the robotic voice and no ear. Raises ConfigError."""
    kept = data.resolve()
    flags = {
        "server.host": host,
        "server.port": port,
        "server.admin_key": admin_key,
        "storage.url": f"sqlite:///{kept / 'recado.db'}",
        "storage.media_dir": str(kept / "media"),
    }
    if lite:
        flags |= {"queues.0.voice.engine": "espeak", "queues.0.hearing.provider": "none"}
    return parse((FOLDER / "demo.toml").read_text("utf-8"), source="the demo", root=FOLDER, flags=flags)


def voice_only_config() -> Config:
    """For `recado say` without a file: the demo's queue and its embedded voice."""
    return demo_config(Path(), "127.0.0.1", 0, "")


def suggestions() -> Mapping[str, Sequence[str]]:
    """Questions to begin with, on the demo's page."""
    return {CHANNEL: ("Onde fica a loja?", "Quanto custa o frete?", "Quero falar com uma pessoa")}
