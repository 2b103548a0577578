"""One process for work that would keep the event loop waiting.

The codecs release the interpreter's lock, but the loop over their frames does not, and an event loop next to it would
be late.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from typing import ParamSpec, TypeVar

from .errors import Encoding

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CLOSING_S = 1.0
"""For the process to finish what it does when its owner closes."""


class Worker:
    """One that dies is replaced and its work tried once more; one that hangs is ended."""

    def __init__(self, *, timeout: float = 120.0) -> None:
        """`timeout` in seconds, for one piece of work, waiting in line included."""
        self._timeout = timeout
        self._pool: ProcessPoolExecutor | None = None

    async def start(self) -> None:
        """Has the process load what it needs now instead of at the first piece of work. Optional."""
        await self._run(os.getpid)

    async def close(self) -> None:
        """Idempotent. What is still under way has a moment; then the process ends, whatever it hangs in."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        workers = list((pool._processes or {}).values())
        closing = asyncio.ensure_future(asyncio.to_thread(pool.shutdown, cancel_futures=True))
        await asyncio.wait([closing], timeout=CLOSING_S)
        if not closing.done():
            for worker in workers:
                worker.kill()
        await closing

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises what `work` raises; Encoding `worker_died` and `encoder_timeout`."""
        try:
            return await self._once(work, *args, **kwargs)
        except BrokenProcessPool:
            log.warning("the encoder's process died; started again")
        try:
            return await self._once(work, *args, **kwargs)
        except BrokenProcessPool as error:
            raise Encoding("worker_died", hint="The encoder died twice on this sound: memory?") from error

    async def _once(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        pool = self._pool = self._pool or _pool()
        try:
            call = asyncio.get_running_loop().run_in_executor(pool, partial(work, *args, **kwargs))
            return await asyncio.wait_for(call, self._timeout)
        except TimeoutError as error:
            self._drop(pool)
            hint = f"One sound took over {self._timeout:.0f} s, waiting in line included."
            raise Encoding("encoder_timeout", hint=hint, retryable=True) from error
        except BrokenProcessPool:
            self._drop(pool)
            raise

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """The next piece gets a new process, and this one ends now, whatever it hangs in."""
        if self._pool is pool:
            self._pool = None
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _pool() -> ProcessPoolExecutor:
    """Spawned, not forked: a fork would inherit the server's sockets and locks in the middle of something."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_ready)


def _ready() -> None:
    """Ctrl-C is for the server, which then closes us; a server that was killed cannot, so we follow it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    from .mastering import segment

    segment(b"")
    __import__("av")


def _follow_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(0)
