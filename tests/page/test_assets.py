"""What can be known of the page without a browser: its words, its weights, its manners."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import gateway.web
from gateway.transcript import RANK

PAGE = Path(gateway.web.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
TABLES = {"words.js": "WORDS", "inbox-words.js": "INBOX_WORDS"}
"""What a customer can read, and what the team can: each a table of sentences."""
LANGUAGES = ["pt-BR", "en", "es", "zh"]


def words(table_of: str = "words.js") -> dict[str, dict[str, str]]:
    made = rf"export const {TABLES[table_of]} = (\{{.*?\n\}});"
    table = re.search(made, (PAGE / table_of).read_text("utf-8"), re.S)
    assert table
    found: dict[str, dict[str, str]] = json.loads(table[1])
    return found


def used() -> set[str]:
    """Every key the scripts name: t("key"), a reason, or a place in a table of reasons."""
    text = "\n".join(path.read_text("utf-8") for path in SCRIPTS if path.name not in TABLES)
    return set(re.findall(r'["`]([a-z]+(?:_[a-z0-9]+)*)["`]', text))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_exists_in_every_language(language: str, table: str) -> None:
    reference = words(table)["pt-BR"]
    translated = words(table)[language]
    assert list(translated) == list(reference)
    for key, sentence in translated.items():
        assert sentence.strip()
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", reference[key])), key


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", ["pt-BR", "es", "zh"])
def test_no_english_is_left_untranslated(language: str, table: str) -> None:
    alike = {key for key, sentence in words(table)[language].items() if sentence == words(table)["en"][key]}
    assert alike == set()


def test_every_sentence_is_used() -> None:
    built = {f"failed_{kind}_{why}" for kind in ("text", "audio") for why in ("large", "refused")}
    assert set(words()["en"]) - used() - built - {"language"} == set()


def test_every_sentence_of_the_inbox_is_used() -> None:
    built = {f"state_{state}" for state in (*RANK, "waiting")}
    built |= {f"filter_{kept}" for kept in ("all", "waiting", "held")} | {
        "from_contact",
        "from_assistant",
        "from_person",
    }
    assert set(words("inbox-words.js")["en"]) - used() - built == set()
    assert built - set(words("inbox-words.js")["en"]) == set()
    assert set(words()["en"]) & set(words("inbox-words.js")["en"]) == set(), "a key is one sentence"


def test_the_vendored_files_are_the_recorded_ones() -> None:
    recorded = dict(
        reversed(line.split("  "))
        for line in re.findall(r"^[0-9a-f]{64}  \S+$", (PAGE / "vendor/README.md").read_text(), re.M)
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (PAGE / "vendor").iterdir()
        if path.name != "README.md"
    }
    assert found == recorded


@pytest.mark.parametrize(("page", "folder"), [("index.html", r"\.\./chat-assets/"), ("inbox.html", "chat-assets/")])
def test_the_page_brings_no_inline_script_or_style(page: str, folder: str) -> None:
    html = (PAGE / page).read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    assert not re.search(rf'(?:src|href)="(?!{folder})', html), "everything comes from our own folder"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_text_and_never_markup(script: Path) -> None:
    text = script.read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style=", text)
    imported = re.findall(r'from "([^"]+)"', text)
    assert all(name.startswith("./") and (PAGE / name).is_file() for name in imported)


@pytest.mark.parametrize("page", ["index.html", "inbox.html"])
def test_what_the_page_names_is_there(page: str) -> None:
    for name in re.findall(r'"(?:\.\./)?chat-assets/([^"]+)"', (PAGE / page).read_text("utf-8")):
        assert (PAGE / name).is_file(), name
