"""PostgreSQL keeps every character but one: a NUL. What people write may hold it, so it is stored as another word.

The escape is a letter that Unicode leaves to private agreements; where somebody wrote it, it is escaped itself. Only
the bodies of entries are read back: no name or id is ever compared with another form of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

ESCAPE = "\ue000"
_ESCAPE, _NUL = f"{ESCAPE}e", f"{ESCAPE}0"
_IN_JSON = (b"\\u0000", ESCAPE.encode())


def storable(value: Any) -> Any:
    """As it can be stored; anything but text as it is."""
    if isinstance(value, str) and ("\0" in value or ESCAPE in value):
        return value.replace(ESCAPE, _ESCAPE).replace("\0", _NUL)
    return value


def plain(text: str) -> str:
    """As it was written."""
    return text.replace(_NUL, "\0").replace(_ESCAPE, ESCAPE)


def dumped(calls: Sequence[Any]) -> str:
    """JSON of texts that can be stored. Raises ValueError for half a surrogate pair, which is no text."""
    try:
        text = orjson.dumps(calls)
        if any(sign in text for sign in _IN_JSON):
            text = orjson.dumps(_all(calls))
    except TypeError as error:
        raise ValueError(f"this cannot be stored: {error}") from error
    return text.decode()


def _all(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _all(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_all(one) for one in value]
    return storable(value)
