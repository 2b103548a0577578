"""The way to addresses that somebody configured: none may lead into a private network unless allowed."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.rules.addresses import is_private


class PrivateAddress(OSError):
    """The address is private, and private addresses are not allowed."""


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


def client(*, allow_private: bool, timeout: float) -> aiohttp.ClientSession:
    """A session for configured addresses. `timeout`: seconds for one call, all in all."""
    guards: dict[str, Any] = {} if allow_private else {"resolver": PublicOnly(), "socket_factory": _public_socket}
    connector = aiohttp.TCPConnector(limit_per_host=8, **guards)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout, connect=10))
