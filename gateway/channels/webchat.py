"""The web chat: the contact's page reads the transcript live, so what is written is delivered."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.channels.base import Capabilities, Outgoing, Sent

READ_BY_THE_PAGE = Capabilities(pull=True)


@dataclass(frozen=True, slots=True)
class WebChat:
    name: str
    capabilities: Capabilities = READ_BY_THE_PAGE

    async def send(self, outgoing: Outgoing) -> Sent:
        return Sent()

    async def close(self) -> None:
        return None
