"""What stands in the store about a conversation, read."""

from __future__ import annotations

import gc
import tracemalloc

from gateway import transcript
from gateway.channels.base import Inbound, Wish
from storage.model import Entry, Kind

MB = 1024 * 1024


def test_what_brings_its_own_history_is_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        for n in range(20):
            wish = Wish("text", "", [("user", str(n) + "." * 250_000)] * 4, {})
            inbound = Inbound(id=f"m{n}", contact="ana", name="", text="oi", at=1, wish=wish)
            entry = Entry(Kind.IN, n, inbound.id, transcript.received_body(inbound), 1)
            assert transcript.received(entry).text == "oi"
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 4 * MB
    finally:
        tracemalloc.stop()
