"""The wire protocol of `/audio/speech` endpoints: `POST {base}/audio/speech` and `GET {base}/models`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.fakes import sounds
from tests.fakes.wire import Fake, Fault, refused

KEY = "sk-proj-0123456789abcdef"
VOICE = "nova"
MODEL = "speaks-1"


def error(
    code: str | None, kind: str = "invalid_request_error", *, param: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": f"Something about {KEY}.", "type": kind, "param": param, "code": code}}


QUOTA = refused(429, error("insufficient_quota", "insufficient_quota"))
BAD_KEY = refused(401, error("invalid_api_key"))
NO_VOICE = refused(400, error("invalid_value", param="voice"))
NO_MODEL = refused(404, error("model_not_found", param="model"))
LONG = refused(400, error("string_above_max_length", param="input"))


def too_fast(seconds: str = "2") -> Fault:
    return refused(429, error("rate_limit_exceeded", "requests"), retry_after=seconds)


class FakeSpeech(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.key = KEY
        self.models: list[dict[str, Any]] | None = [
            {"id": MODEL, "object": "model", "created": 0, "owned_by": "us"}
        ]
        """None: an endpoint that does not list them."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post("/v1/audio/speech", self._speak), web.get("/v1/models", self._list)]

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return await BAD_KEY(self, request)
        kind = (await request.json()).get("response_format", "mp3")
        make = {"mp3": sounds.mp3, "opus": sounds.ogg_opus, "wav": sounds.wav, "flac": sounds.flac}.get(
            kind, sounds.pcm
        )
        return await self.speak(request, make(), "application/octet-stream")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return await BAD_KEY(self, request)
        if self.models is None:
            raise web.HTTPNotFound
        return web.json_response({"object": "list", "data": self.models})
