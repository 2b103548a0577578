"""The web chat's page: static files under a strict policy, and the visit that tells the browser who it is."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web

from gateway.config import ChannelSettings, Config
from gateway.crew import Crew
from gateway.web.access import Access, cookie_name, from_here
from gateway.web.problems import Problem, explained
from gateway.web.reading import AUDIO_LIMIT, TEXT_LIMIT
from storage.model import conversation_id

FOLDER = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self)",
    "Cache-Control": "no-cache",
}
YEAR = 365 * 24 * 3600
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


@dataclass(frozen=True, slots=True)
class Page:
    config: Config
    access: Access
    crews: Mapping[str, Crew]
    suggestions: Mapping[str, Sequence[str]]
    """Questions to begin with, by channel; only the demo has some."""

    @explained
    async def page(self, request: web.Request) -> web.StreamResponse:
        self._channel(request)
        return web.FileResponse(FOLDER / "index.html", headers={**HEADERS, "Content-Type": "text/html; charset=utf-8"})

    @explained
    async def asset(self, request: web.Request) -> web.StreamResponse:
        path = _file(request.match_info["path"])
        return web.FileResponse(path, headers={**HEADERS, "Content-Type": f"{TYPES[path.suffix]}; charset=utf-8"})

    @explained
    async def visit(self, request: web.Request) -> web.Response:
        """Begin or resume: the same browser is the same contact.

        Another site's form would come without the cookie, and its new one would replace the visitor's own.
        """
        channel = self._channel(request)
        if not from_here(request):
            raise Problem(403, "a visit begins on the page")
        token = request.cookies.get(cookie_name(channel.name), "")
        contact = self.access.visitor(channel, token) or f"visitor-{secrets.token_hex(12)}"
        answer = web.Response(body=self._visit(channel, contact), content_type="application/json")
        answer.set_cookie(
            cookie_name(channel.name),
            self.access.visitor_token(channel, contact),
            max_age=YEAR,
            httponly=True,
            samesite="Strict",
            secure=request.secure or self.config.server.public_url.startswith("https://"),
        )
        return answer

    def _visit(self, channel: ChannelSettings, contact: str) -> bytes:
        crew = self.crews[channel.queue]
        return orjson.dumps(
            {
                "conversation": conversation_id(channel.name, contact),
                "channel": channel.name,
                "title": channel.title or channel.queue,
                "language": crew.queue.language,
                "hearing": crew.hearing is not None,
                "voice": crew.voice is not None and crew.queue.reply.format != "text",
                "limits": {"text_characters": TEXT_LIMIT, "audio_bytes": AUDIO_LIMIT},
                "suggestions": list(self.suggestions.get(channel.name, ())),
            }
        )

    def _channel(self, request: web.Request) -> ChannelSettings:
        for channel in self.config.channels:
            if channel.name == request.match_info["channel"] and channel.type == "webchat":
                return channel
        raise Problem(404, "there is no such page", "channel")


def _file(name: str) -> Path:
    """Raises Problem 404, also for a name that no file can have."""
    try:
        path = (FOLDER / name).resolve()
        if FOLDER.resolve() in path.parents and path.is_file() and path.suffix in TYPES:
            return path
    except (OSError, ValueError):
        pass
    raise Problem(404, "there is no such file")
