"""Files to paragraphs: Markdown or plain text, numbered as a reader would count them, cut into sentences. Pure but for
`read`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from gateway.assistants.base import Passage
from gateway.rules.language import language_of

MAX_BYTES = 4 * 1024 * 1024
_READABLE = (".md", ".markdown", ".txt", ".text", "")


class KnowledgeError(Exception):
    """A document cannot be used. The message names it and says what would cure it."""

    def __init__(self, path: Path, problem: str, hint: str) -> None:
        super().__init__(f"{path}: {problem}. {hint}")
        self.path = path
        self.problem = problem
        self.hint = hint


def read(path: Path) -> str:
    """The text of one document. Raises KnowledgeError: missing, unreadable, binary, empty or huge."""
    if path.suffix.lower() not in _READABLE:
        raise KnowledgeError(path, f"{path.suffix} files are not read", "Export it as Markdown (.md) or text (.txt)")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise KnowledgeError(
                path, f"longer than {MAX_BYTES >> 20} MB", "Split it by subject, or leave out what customers never ask"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise KnowledgeError(path, "no such file", "Correct the path in the queue's `knowledge`") from None
    except IsADirectoryError:
        raise KnowledgeError(path, "is a folder", "Name the documents in it one by one") from None
    except OSError as error:
        raise KnowledgeError(path, f"cannot be read ({error.strerror})", "Give recado the right to read it") from None
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> str:
    if b"\0" in data:
        raise KnowledgeError(path, "is binary, not text", "Save it as UTF-8 Markdown or plain text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(
            path, f"is not UTF-8 (byte {error.start})", "Save it again with the encoding UTF-8"
        ) from None
    if not text.strip():
        raise KnowledgeError(path, "is empty", "Write something in it or take it off the list")
    return text


# -- paragraphs -----------------------------------------------------------------------------------


def paragraphs(document: str, text: str) -> list[Passage]:
    """Numbered from 1; headings are not counted but go with what stands under them.

    A list item, a table row and a line of a plain list each count as one; hard-wrapped lines are one paragraph.
    """
    whole = language_of(text)
    found: list[Passage] = []
    for heading, paragraph in _blocks(text):
        language = language_of(paragraph) if len(paragraph) > 200 else ""
        found.append(Passage(document, len(found) + 1, paragraph, heading=heading, language=whole or language))
    return found


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    heading, lines = "", re.sub(r"<!--.*?-->", "", text, flags=re.S).splitlines()
    waiting = ""
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        bare = line.strip()
        if not bare or re.fullmatch(r"[-=*_`~|: ]{3,}", bare):
            if waiting:
                yield heading, _plain(waiting)
            waiting = ""
            continue
        title = _heading(bare, after.strip())
        if title or not _goes_on(waiting, bare):
            if waiting:
                yield heading, _plain(waiting)
            waiting = ""
        heading = title or heading
        if not title:
            waiting = f"{waiting}{'' if _is_han(waiting[-1:]) else ' '}{bare}" if waiting else bare
    if waiting:
        yield heading, _plain(waiting)


def _heading(line: str, after: str) -> str:
    """The heading this line is, "" when it is prose: `# …`, underlined, all in bold, or a FAQ's question."""
    if match := re.match(r"#{1,6}\s+(.*?)\s*#*$", line):
        return _plain(match.group(1))
    if re.fullmatch(r"=+|-{3,}", after) and len(line) < 100:
        return _plain(line)
    if match := re.fullmatch(r"(?:\*\*|__)(.+?)(?:\*\*|__):?", line):
        return _plain(match.group(1))
    if line.endswith(("?", "？")) and len(line) < 160 and after:
        return _plain(re.sub(r"^(?:[QP]|Pergunta|Pregunta|Question|问|問)\s*[:：.)]\s*", "", line))
    return ""


def _goes_on(waiting: str, line: str) -> bool:
    """Whether `line` is only the next line of a hard-wrapped paragraph."""
    if not waiting or re.match(r"(?:[-*+•]|\d+[.)])\s|\|", line):
        return False
    return len(waiting) >= (30 if _is_han(waiting[-1]) else 55) and waiting[-1] not in ".!?:;。！？：；|"


def _plain(text: str) -> str:
    """Without Markdown's marks; a link keeps its address, for that may be the answer."""
    text = re.sub(r"^(?:[-*+•]|\d+[.)]|>)\s+", "", text.strip())
    text = re.sub(r"^(?:[AR]|Resposta|Respuesta|Answer|答)\s*[:：]\s+", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)", r"\1 (\2)", text)
    text = re.sub(r"(\*\*|__|`)(.+?)\1", r"\2", text)
    text = re.sub(r"\s*\|\s*", " · ", text.strip("| ")) if text.startswith("|") else text
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _is_han(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff"


# -- sentences --------------------------------------------------------------------------------------

_SHORT = re.compile(r"\b(?:Sr|Sra|Dr|Dra|Av|R|Prof|tel|nº|n|art|ex|Mr|Mrs|Ms|St|No|vs|etc|aprox|min|máx)\.$", re.I)
_END = re.compile(r"[.!?…]+[\"'”)\]]*\s+|[。！？；]+[”’）]*")


def sentences(text: str) -> list[str]:
    """Each is a substring of `text`, in order. An abbreviation's or a number's point ends nothing."""
    cut: list[str] = []
    start = 0
    for end in _END.finditer(text):
        piece = text[start : end.end()].strip()
        if _SHORT.search(piece):
            continue
        cut.append(piece)
        start = end.end()
    return [*cut, rest] if (rest := text[start:].strip()) else cut
