"""Which addresses somebody may configure: none that leads into a private network, unless that is allowed."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

PUBLIC = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that was ever given out."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""The IPv4 internet, as machines see it that have IPv6 alone; the last four bytes say which address."""


def is_private(address: str) -> bool:
    """True for every address that is not on the public internet."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        within = _ipv4_within(ip)
        if within is None and ip not in PUBLIC:
            return True
        ip = within or ip
    return not ip.is_global or ip.is_multicast


def _ipv4_within(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Where it leads in truth."""
    if ip in NAT64:
        return ipaddress.IPv4Address(ip.packed[12:])
    return ip.ipv4_mapped or ip.sixtofour


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
