"""The debounce: how long a burst may take.

`quiet`: the interval starts again with each message, and `max_wait_ms` ends the burst anyway.
`fixed`: the interval runs from the first message and never starts again, which is the same lane with a
wait no longer than its interval. So the store knows two numbers and no mode.
"""

from __future__ import annotations

from gateway.config import Window


def bounds(window: Window) -> tuple[int, int]:
    """(window, max_wait) in milliseconds, as `storage.model.Post` wants them."""
    if window.mode == "fixed":
        return window.interval_ms, window.interval_ms
    return window.interval_ms, max(window.max_wait_ms, window.interval_ms)
