"""Clients of providers do not read all certificates anew, each for itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from gateway.assistants.responses import OpenAIResponses
from gateway.hearing.elevenlabs import ElevenLabsHearing
from tts.elevenlabs import ElevenLabs
from tts.openai_compatible import OpenAICompatible
from tts.tls import trust

SERVER = "https://voice.example.com/v1"


@pytest.mark.parametrize(
    ("part", "client"),
    [
        (lambda: OpenAIResponses("key", "gpt-6-luna"), lambda part: part._client),
        (lambda: ElevenLabsHearing("key", "scribe_v2"), lambda part: part._client),
        (lambda: ElevenLabs("key", "voice", "eleven_v3"), lambda part: part._connect()),
        (lambda: OpenAICompatible("key", SERVER, "voice", "model"), lambda part: part._connect()),
    ],
    ids=["assistant", "ear", "elevenlabs", "openai compatible"],
)
async def test_certificates_are_read_once(
    part: Callable[[], Any], client: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def opened() -> None:
        client(one := part())
        await one.close()

    await opened()
    made, create = [], ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: made.append(given) or create(**given))
    await opened()
    assert made == []


def test_it_checks_whom_it_talks_to() -> None:
    import httpx
    import httpx2

    for library in (httpx, httpx2):
        context = trust(library)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context is trust(library)
