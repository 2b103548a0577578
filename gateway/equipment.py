"""From settings to the parts a queue or a channel works with. Imports each provider only when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.assistants.base import Assistant
from gateway.channels.base import Channel
from gateway.channels.http import Api, Callback
from gateway.channels.webchat import WebChat
from gateway.config import ChannelSettings, Config, Queue, VoiceSettings
from gateway.crew import Crew
from gateway.hearing.base import Hearing
from gateway.knowledge import Knowledge
from gateway.telemetry import Telemetry
from tts.encode import Encoder, VoiceNotes
from tts.ladder import Ladder
from tts.model import Synthesizer
from tts.slots import Slots


def channel(settings: ChannelSettings, config: Config) -> Channel:
    if settings.type == "webchat":
        return WebChat(settings.name)
    if not settings.callback_url:
        return Api(settings.name)
    secret = settings.callback_secret.get_secret_value()
    return Callback(settings.name, settings.callback_url, secret, config.server.allow_private_urls)
