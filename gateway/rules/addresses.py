"""Which addresses somebody may configure: none that leads into a private network, unless that is allowed."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_private(address: str) -> bool:
    """True for every address that is not on the public internet."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global or ip.is_multicast


def problem_with(url: str, *, allow_private: bool) -> str:
    """Why `url` cannot be used, or an empty string. Looks only at what is written: names are resolved when called."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (asked for, it says whether it is one)
    except ValueError:
        return "is no http(s) address"
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
