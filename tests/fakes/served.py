"""What all fakes share that are a server: they are reached as long as `async with` lasts."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from aiohttp import web


class Served:
    """An HTTP server on a free port of 127.0.0.1."""

    path = ""
    """What `url` ends in."""
    sees_who_hangs_up = False
    """Handlers are cancelled when nobody waits for their answer any more."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.closing = asyncio.Event()
        """Set when the server goes; whoever hangs waits for it."""

    def application(self) -> web.Application:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self.application(),
            handler_cancellation=self.sees_who_hangs_up,
            shutdown_timeout=0.2,
            access_log=None,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}{self.path}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        await self._runner.cleanup()
