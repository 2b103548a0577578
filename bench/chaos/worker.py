"""`recado` as it is, but for three numbers that would make a trial long: `python -m bench.chaos.worker JSON ARGS…`.

lease_ms   instead of gateway/loops.py's; it is how long whoever takes over has to wait
max_tries  instead of gateway/turns.py's
skew       a file with the seconds by which this host's clock is wrong; it may change at any time
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> int:
    given, *args = sys.argv[1:]
    numbers = json.loads(given)
    if "skew" in numbers:
        _be_wrong(Path(numbers["skew"]))
    from gateway import loops, turns

    loops.LEASE = numbers["lease_ms"]
    turns.MAX_TRIES = numbers.get("max_tries", turns.MAX_TRIES)
    from gateway.cli import main as recado

    return recado(args)


def _be_wrong(skew: Path) -> None:
    """Before anything of recado is imported: it may keep these functions."""
    seconds, nanoseconds = time.time, time.time_ns

    def wrong_by() -> int:
        return int(skew.read_text() or 0)

    time.time = lambda: seconds() + wrong_by()
    time.time_ns = lambda: nanoseconds() + wrong_by() * 10**9


if __name__ == "__main__":
    raise SystemExit(main())
