"""The way to addresses that somebody configured: none may lead into a private network unless allowed."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.rules.addresses import is_private

CHANGING = ("PUT", "DELETE")
"""Methods of calls that change something and that aiohttp holds to be safe to repeat."""


class PrivateAddress(OSError):
    """The address is private, and private addresses are not allowed."""


class AnswerTooLarge(OSError):
    """It has more bytes than any answer of that service."""


class PublicOnly(AbstractResolver):
    """Resolves names, and refuses those that lead inside. The connection goes to the very address that was checked."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [entry for entry in found if not is_private(entry["host"])]
        if not public:
            raise PrivateAddress(f"{host} leads to a private address")
        return public

    async def close(self) -> None:
        await self._inner.close()


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Asked before each connection: an address that is written and not resolved comes by here too, however it is
    spelled."""
    family, kind, protocol, _, where = address
    if is_private(str(where[0])):
        raise PrivateAddress(f"{where[0]} is a private address")
    return socket.socket(family, kind, protocol)


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp repeats a PUT or DELETE by itself when the connection breaks, and nobody would know whether it was done
    twice. It repeats what fails with these two errors only."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method not in CHANGING:
            raise
        raise aiohttp.ClientConnectionError(type(error).__name__) from None


def client(*, allow_private: bool, timeout: float) -> aiohttp.ClientSession:
    """A session for configured addresses, whose calls are sent once. `timeout`: seconds for one call, all in all."""
    guards: dict[str, Any] = {} if allow_private else {"resolver": PublicOnly(), "socket_factory": _public_socket}
    connector = aiohttp.TCPConnector(limit_per_host=8, **guards)
    limits = aiohttp.ClientTimeout(total=timeout, connect=10)
    return aiohttp.ClientSession(connector=connector, timeout=limits, middlewares=(once,))


async def json_object(answer: aiohttp.ClientResponse, most: int) -> Mapping[str, Any] | None:
    """The JSON object that an answer holds; None when it holds none. Raises AnswerTooLarge when it has more than
    `most` bytes, and what aiohttp raises."""
    data = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        data += part
        if len(data) > most:
            raise AnswerTooLarge
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
