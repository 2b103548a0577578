"""ElevenLabs' wire protocol, as far as speaking goes: real sound, its error bodies, its limits.

POST /v1/text-to-speech/{voice_id}?output_format=     GET /v1/voices/{voice_id}
GET /v2/voices?page_size=&next_page_token=            GET /v1/models
GET /v1/user/subscription
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.fakes import sounds
from tests.fakes.wire import Fake, Fault, refused

KEY = "sk_0123456789abcdef"
VOICE = "VOICE0000000000000001"
SOUNDS = {
    "mp3": (sounds.mp3, "audio/mpeg"),
    "opus": (sounds.ogg_opus, "audio/ogg"),
    "wav": (sounds.wav, "audio/wav"),
}


def detail(
    code: str, message: str = "", *, status: str = "", param: str | None = None, **more: Any
) -> dict[str, Any]:
    """The body of today's errors."""
    facts = {
        "type": "error",
        "code": code,
        "message": message,
        "status": status or code,
        "param": param,
        **more,
    }
    return {"detail": {"request_id": "req0123456789", **facts}}


def older(status: str, message: str = "") -> dict[str, Any]:
    """The body of yesterday's errors, still met."""
    return {"detail": {"status": status, "message": message}}


QUOTA = refused(
    401,
    detail(
        "quota_exceeded",
        "This request exceeds your quota of 10000. You have 12 credits remaining, "
        "while 44 credits are required for this request.",
    ),
)
BAD_KEY = refused(401, detail("invalid_api_key", f"Invalid API key {KEY}"))
NO_PERMISSION = refused(401, detail("unauthorized", "missing the permission", status="missing_permissions"))
UNPAID = refused(402, detail("paid_plan_required", "Library voices need a paid plan."))
NO_VOICE = refused(
    404, detail("voice_not_found", "A voice with voice_id 'X' was not found.", param="voice_id")
)
CROWDED = refused(
    429,
    detail(
        "concurrent_limit_exceeded", "Too many concurrent requests.", status="too_many_concurrent_requests"
    ),
)
BUSY = refused(429, detail("system_busy", "Heavy traffic."))


def too_fast(seconds: str = "2") -> Fault:
    return refused(429, detail("rate_limit_exceeded", "Rate limit exceeded."), retry_after=seconds)


def listed_voice(voice_id: str, name: str, *, category: str = "cloned", language: str = "pt") -> dict[str, Any]:
    """As `GET /v2/voices` lists it; without a language nothing is known of any."""
    verified = [{"language": language, "model_id": "eleven_multilingual_v2", "accent": None, "locale": None}]
    return {
        "voice_id": voice_id,
        "name": name,
        "category": category,
        "labels": {"language": language, "gender": "female"} if language else {},
        "verified_languages": verified if language else None,
    }


def model(model_id: str, longest: int = 10_000, *, style: bool = False, **more: Any) -> dict[str, Any]:
    languages = [{"language_id": "pt", "name": "Portuguese"}, {"language_id": "en", "name": "English"}]
    return {
        "model_id": model_id,
        "name": model_id.replace("_", " ").title(),
        "can_do_text_to_speech": True,
        "can_use_style": style,
        "can_use_speaker_boost": style,
        "maximum_text_length_per_request": longest,
        "languages": languages,
        "concurrency_group": "turbo" if "flash" in model_id else "standard",
        **more,
    }


class FakeElevenLabs(Fake):
    """One account with one voice. Change its attributes to change the account."""

    def __init__(self) -> None:
        super().__init__()
        self.voices: dict[str, dict[str, Any]] = {
            VOICE: {"voice_id": VOICE, "name": "Ana", "category": "cloned", "labels": {"language": "pt"}}
        }
        self.models = [
            model("eleven_v4"),
            model("eleven_v3", 5_000),
            model("eleven_multilingual_v2", style=True),
            model("eleven_flash_v2_5", 40_000),
            model("eleven_turbo_v2_5", 40_000),
            model("scribe_v2", can_do_text_to_speech=False),
        ]
        self.subscription: dict[str, Any] = {
            "tier": "creator",
            "status": "active",
            "character_count": 17_231,
            "character_limit": 100_000,
            "next_character_count_reset_unix": 1_797_818_400,
        }
        self.concurrency = 10
        self.may_look = True
        """False: the key is scoped to text to speech."""
        self.may_list = True
        """False: the key may look at one thing it can name, and list nothing."""
        self.total = 0
        """How many voices the listing says there are; 0: the truth."""
        self.largest_page = 100
        """Voices on one page of the listing, however many were asked for."""
        self.endless = False
        """True: every page of the listing says that there is another."""

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/v1/text-to-speech/{voice_id}", self._speak),
            web.get("/v1/voices/{voice_id}", self._voice),
            web.get("/v2/voices", self._voices),
            web.get("/v1/models", self._models),
            web.get("/v1/user/subscription", self._subscription),
        ]

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if no := self._refusal(request):
            return await no(self, request)
        if self.open >= self.concurrency:
            return await CROWDED(self, request)
        asked = await request.json()
        kind = request.query.get("output_format", "mp3_44100_128").split("_")
        make, mime = SOUNDS.get(kind[0], (lambda: sounds.pcm(0.5, int(kind[1])), "application/octet-stream"))
        return await self.speak(
            request,
            make(),
            mime,
            **{
                "request-id": "req0123456789",
                "character-cost": str(len(asked["text"])),
                "current-concurrent-requests": str(self.open + 1),
                "maximum-concurrent-requests": str(self.concurrency),
            },
        )

    def _refusal(self, request: web.Request) -> Fault | None:
        if request.headers.get("xi-api-key") != KEY:
            return BAD_KEY
        asked = request.match_info.get("voice_id")
        return None if asked is None or asked in self.voices else NO_VOICE

    async def _voice(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request, self.voices.get(request.match_info["voice_id"]))

    async def _voices(self, request: web.Request) -> web.StreamResponse:
        """The token is opaque to the caller and a place in the list to us."""
        every = list(self.voices.values())
        start = int(request.query.get("next_page_token", "tok_0").removeprefix("tok_"))
        end = start + min(int(request.query.get("page_size", "10")), self.largest_page)
        more = self.endless or end < len(every)
        page = {"voices": every[start:end], "has_more": more, "total_count": self.total or len(every)}
        if not self.may_list:
            return await NO_PERMISSION(self, request)
        return await self._shown(request, page | {"next_page_token": f"tok_{end}" if more else None})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request, self.models)

    async def _subscription(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request, self.subscription)

    async def _shown(self, request: web.Request, what: object) -> web.StreamResponse:
        if no := self._refusal(request):
            return await no(self, request)
        if not self.may_look:
            return await NO_PERMISSION(self, request)
        return web.json_response(what)
