"""How much of an answer is read, whatever the SDK above would like to have of it.

The SDKs read the body of an error to its end before they raise it. What pours without one, a proxy or a file server
behind a mistyped address, would fill the memory of the whole gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from .errors import Encoding
from .refusals import BASE_URL

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes. A voice note is never a fiftieth of it."""
LARGEST_REFUSAL = 256 * 1024
"""Bytes, before they are unpacked. The longest error known is a kilobyte."""


def bound(stream: type[Any]) -> Callable[[Any], Awaitable[None]]:
    """A hook for the `response` event of httpx or httpx2, whose `AsyncByteStream` is given."""

    class Bounded(stream):  # type: ignore[misc]  # whichever of the two it is
        """Raises Encoding `answer_too_large`."""

        def __init__(self, inner: Any, most: int) -> None:
            self._inner, self._most = inner, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for chunk in self._inner:
                read += len(chunk)
                if read > self._most:
                    raise Encoding("answer_too_large", hint=BASE_URL)
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def hook(response: Any) -> None:
        most = LARGEST_ANSWER if response.is_success else LARGEST_REFUSAL
        response.stream = Bounded(response.stream, most)

    return hook
