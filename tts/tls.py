"""Whom to trust, once for all who ask providers.

A client of its own reads all certificates anew: a megabyte and 20 ms for each assistant, voice and ear of each queue.
"""

from __future__ import annotations

import ssl
from functools import cache
from types import ModuleType


@cache
def trust(library: ModuleType) -> ssl.SSLContext:
    """`library`: httpx or httpx2. The context it would make for each client."""
    context: ssl.SSLContext = library.create_ssl_context()
    return context
