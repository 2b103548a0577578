"""Lists as the Assistants API pages them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.web.openai.asking import choice
from gateway.web.openai.errors import wrong
from gateway.web.openai.said import Json

PAGE, MOST = 20, 100


def page(items: Sequence[Json], query: Mapping[str, str]) -> Json:
    """`items` oldest first; `order` (newest first unless `asc`), `limit`, `after` and `before` as the query says.

    Raises Refusal 400.
    """
    newest_first = choice(query.get("order", "desc"), "order", ("asc", "desc")) == "desc"
    rows = list(reversed(items)) if newest_first else list(items)
    if after := query.get("after"):
        rows = rows[_place(rows, after, "after") + 1 :]
    limit, before = _limit(query.get("limit")), query.get("before")
    if before:
        rows = rows[: _place(rows, before, "before")]
    shown = rows[-limit:] if before else rows[:limit]
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return {
        "object": "list",
        "data": shown,
        "first_id": first,
        "last_id": last,
        "has_more": len(rows) > len(shown),
    }


def _place(rows: Sequence[Json], id: str, param: str) -> int:
    for i, row in enumerate(rows):
        if row["id"] == id:
            return i
    raise wrong(param, f"No item with id '{id[:100]}' in this list.")


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise wrong("limit", f"'limit' must be a number from 1 to {MOST}.")
    return int(text)
