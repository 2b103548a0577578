"""The way to addresses that somebody configured: none of them may lead into a private network unless that is allowed."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class PrivateAddress(OSError):
    """The address is private, and private addresses are not allowed."""


def is_private(address: str) -> bool:
    """True for every address that is not on the public internet."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global or ip.is_multicast


def problem_with(url: str, *, allow_private: bool) -> str:
    """Why `url` cannot be used, or an empty string. Looks only at what is written: names are resolved when called."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no http(s) address"
    if parts.username or parts.password:
        return "must not carry a user or password"
    if allow_private:
        return ""
    if _names_this_network(parts.hostname):
        return "leads to a private address; set server.allow_private_urls = true if that is meant"
    return ""


def _names_this_network(host: str) -> bool:
    try:
        return is_private(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


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


def client(*, allow_private: bool, timeout: float) -> aiohttp.ClientSession:
    """A session for configured addresses. `timeout`: seconds for one call, all in all."""
    connector = aiohttp.TCPConnector(resolver=None if allow_private else PublicOnly(), limit_per_host=8)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout, connect=10))
