"""Several PostgreSQL servers under one address, of which one can be written: how that one is reached, and found again.

`postgresql://user@one:5432,two:5432/name` or `?host=one,two`, as libpq writes it. asyncpg understands it too, but gives
all of them together one time limit, which a machine that went silent uses up before the next one is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg


def one_by_one(url: str) -> list[str]:
    """The address once for each server that it names; as it is where it names one, or cannot be read."""
    try:
        parts = urlsplit(url)
    except ValueError:  # asyncpg says so, too
        return [url]
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    who, at, places = parts.netloc.rpartition("@")
    hosts = (places or asked.get("host", "")).split(",")
    if len(hosts) == 1:
        return [url]
    ports = asked.pop("port", "").split(",")
    if len(ports) not in (1, len(hosts)):  # asyncpg says so
        return [url]
    ports = ports * (len(hosts) // len(ports))
    found = []
    for host, port in zip(hosts, ports, strict=True):
        query = asked | ({} if places else {"host": host}) | ({"port": port} if port else {})
        place = who + at + host if places else parts.netloc
        found.append(urlunsplit(parts._replace(netloc=place, query=urlencode(query))))
    return found


class Hosts:
    """`connect` of a pool: each server has an equal share of the time, and the one that let us in last is asked first.

    elsewhere: whether an error speaks of the server, so that the next one is asked.
    """

    def __init__(self, url: str, elsewhere: Callable[[Exception], bool]) -> None:
        self._urls, self._elsewhere = one_by_one(url), elsewhere

    async def connect(self, _: str, **kept: Any) -> asyncpg.Connection:
        """As `asyncpg.connect`; of several errors the last."""
        urls = list(self._urls)
        share = kept.pop("timeout") / len(urls)
        for place, url in enumerate(urls, 1):
            try:
                connection = await asyncpg.connect(url, timeout=share, **kept)
            except Exception as error:
                if place == len(urls) or not self._elsewhere(error):
                    raise
            else:
                self._urls = [url, *(other for other in urls if other != url)]
                return connection
        raise AssertionError("an address names one server at least")
