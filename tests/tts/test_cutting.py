"""Where a text is cut. The table in golden/ was written from the rules of the languages, before the code was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tts.cutting import Cutter, cut

CASES = [tuple(row.split("\t")) for row in (Path(__file__).parent / "golden/cuts.tsv").read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("language", "marked"), CASES)
def test_cut_where_the_language_ends(language, marked):
    marked = marked.replace("\\n", "\n")
    assert cut(marked.replace("¦", "")) == [passage.strip() for passage in marked.split("¦")]
