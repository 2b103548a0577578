from __future__ import annotations

import pytest

from gateway.rules.precedence import Said
from gateway.rules.revising import revised


def wrote(id: str, text: str) -> Said:
    return Said(text, id=id)


def edit(of: str, text: str) -> Said:
    return Said(text, id=f"e-{of}-{text}", meaning="edit", of=of)


def revoke(of: str) -> Said:
    return Said("", id=f"r-{of}", meaning="revoke", of=of)


@pytest.mark.parametrize(
    ("burst", "left"),
    [
        pytest.param([wrote("1", "a")], [("message", "a")], id="nothing to revise"),
        pytest.param([wrote("1", "a"), edit("1", "b")], [("message", "b")], id="as corrected"),
        pytest.param([edit("1", "b"), wrote("1", "a")], [("message", "b")], id="the correction came first"),
        pytest.param([wrote("1", "a"), edit("1", "b"), edit("1", "c")], [("message", "c")], id="the last words"),
        pytest.param(
            [wrote("1", "a"), wrote("2", "x"), edit("1", "b")], [("message", "b"), ("message", "x")], id="in its place"
        ),
        pytest.param([edit("0", "b")], [("edit", "b")], id="answered before"),
        pytest.param([wrote("1", "a"), revoke("1")], [("revoke", "")], id="taken back"),
        pytest.param([wrote("1", "a"), edit("1", "b"), revoke("1")], [("revoke", "")], id="corrected and taken back"),
        pytest.param(
            [wrote("1", "a"), wrote("2", "x"), revoke("1")], [("message", "x"), ("revoke", "")], id="one of two"
        ),
        pytest.param([revoke("0"), wrote("1", "a")], [("revoke", ""), ("message", "a")], id="not of this burst"),
    ],
)
def test_as_the_author_left_it(burst: list[Said], left: list[tuple[str, str]]) -> None:
    assert [(said.meaning, said.text) for said in revised(burst)] == left
