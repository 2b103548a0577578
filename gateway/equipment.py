"""From settings to the parts a queue or a channel works with. Each provider is imported only when it is used."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.assistants.base import Assistant
from gateway.channels.base import Channel, Hooked, SharedHook
from gateway.channels.http import Api, Callback
from gateway.channels.webchat import WebChat
from gateway.config import (
    AssistantSettings,
    ChannelSettings,
    Config,
    ConfigError,
    HearingSettings,
    Queue,
    VoiceSettings,
)
from gateway.crew import Crew
from gateway.hearing.base import Hearing
from gateway.telemetry import Telemetry
from tts.cache import Cache, Folder, Memory, Shelf
from tts.encode import Encoder, VoiceNotes
from tts.errors import SpeechError, VoiceUnavailable
from tts.ladder import Breakers, Ladder
from tts.model import Synthesizer
from tts.slots import Slots

if TYPE_CHECKING:
    from gateway.knowledge import Knowledge

log = logging.getLogger("recado.equipment")

PROFILE = "ogg-opus-mono-512k"
"""How the cached notes are encoded; another encoder must not find them."""


def channel(settings: ChannelSettings, config: Config) -> Channel:
    """Each type's adapter is imported only where it is configured."""
    private = config.server.allow_private_urls
    match settings.type:
        case "webchat":
            return WebChat(settings.name)
        case "whatsapp_cloud":
            from gateway.channels.whatsapp_cloud import WhatsAppCloud

            return WhatsAppCloud(settings, allow_private=private)
        case "evolution":
            from gateway.channels.evolution import Evolution

            return Evolution(settings, allow_private=private, public_url=config.server.public_url)
        case "telegram":
            from gateway.channels.telegram import Telegram

            return Telegram(settings, allow_private=private, public_url=config.server.public_url)
    if not settings.callback_url:
        return Api(settings.name)
    secret = settings.callback_secret.get_secret_value()
    return Callback(settings.name, settings.callback_url, secret, private)


def hooked(channels: Mapping[str, Channel]) -> dict[str, Hooked]:
    return {name: channel for name, channel in channels.items() if isinstance(channel, Hooked)}


def shared_hooks(channels: Mapping[str, Channel]) -> dict[str, SharedHook]:
    """By type: one address for all numbers of an app."""
    from gateway.channels.whatsapp_cloud import WhatsAppCloud, WhatsAppHook

    numbers = [channel for channel in channels.values() if isinstance(channel, WhatsAppCloud)]
    return {"whatsapp_cloud": WhatsAppHook(numbers)} if numbers else {}


@dataclass(slots=True)
class Equipment:
    config: Config
    encoder: Encoder
    telemetry: Telemetry
    notices: list[str]
    """Gets a line for each part that works less well than configured."""
    slots: Slots = field(default_factory=Slots)
    cache: Path | None = None
    """Folder for spoken notes and vectors; None keeps them in memory."""
    progress: Callable[[int, int], None] = lambda done, of: None
    """Called from other threads while documents are read for the first time: (texts done, texts in all)."""
    sdks: set[str] = field(default_factory=set)
    """Modules that are slow to import and will be needed."""
    warm: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is slow the first time and can be done before anybody asks."""
    _ear: Hearing | None = None
    _breakers: dict[Any, Breakers] = field(default_factory=dict)
    """By the accounts they know of."""
    _shelf: Shelf | None = None

    async def crew(self, queue: Queue) -> Crew:
        """Raises ConfigError for a document that cannot be used."""
        from gateway.knowledge import KnowledgeError

        try:
            knowledge = await self.knowledge(queue) if queue.knowledge else None
        except KnowledgeError as error:
            raise ConfigError(f"queues.{queue.name}.knowledge", [str(error)]) from None
        assistant = self.assistant(queue, knowledge)
        reads_itself = queue.assistant.provider == "local"
        voice = self._voice_or_text(queue) if self._speaks(queue) else None
        return Crew(queue, assistant, None if reads_itself else knowledge, self.hearing(queue.hearing), voice)

    def _speaks(self, queue: Queue) -> bool:
        """A client of the OpenAI door may ask any queue for its voice."""
        return queue.reply.format != "text" or any(channel.type == "openai" for channel in self.config.channels)

    async def knowledge(self, queue: Queue) -> Knowledge:
        """Raises KnowledgeError. Whoever asks closes it."""
        from gateway.knowledge import Knowledge

        vectors = self.cache / "vectors" if self.cache else None
        knowledge = await Knowledge.load(queue.knowledge, cache=vectors, progress=self.progress)
        log.info("knowledge is loaded", extra={"facts": {"queue": queue.name, "what": knowledge.describe()}})
        return knowledge

    # -- assistants --------------------------------------------------------------------------------

    def assistant(self, queue: Queue, knowledge: Knowledge | None) -> Assistant:
        if queue.assistant.provider == "local":
            from gateway.assistants.local import LocalAssistant

            return LocalAssistant(knowledge)
        self.sdks.add("openai")
        return hosted_assistant(queue.assistant)

    # -- ears --------------------------------------------------------------------------------------

    def hearing(self, settings: HearingSettings) -> Hearing | None:
        if settings.provider == "none":
            return None
        if settings.provider == "local":
            return self._local_ear()
        self.sdks |= {"httpx", "elevenlabs"} if settings.provider == "elevenlabs" else {"openai"}
        return hosted_hearing(settings, self.encoder)

    def _local_ear(self) -> Hearing | None:
        """One for all queues: it is large."""
        from gateway.hearing.local import LocalHearing

        if self._ear is None:
            ear = LocalHearing(models_dir=self._models_dir())
            if not ear.available():
                self._notice(ear.describe())
                return None
            self._ear = ear
            self.warm.append(ear.warm)
        return self._ear

    # -- voices ------------------------------------------------------------------------------------

    def _voice_or_text(self, queue: Queue) -> Synthesizer | None:
        try:
            return self.voice(queue)
        except VoiceUnavailable as error:
            self._notice(f"queue {queue.name} answers in text: {error.hint}")
            return None

    def voice(self, queue: Queue) -> Synthesizer:
        """The queue's voice and its fallbacks, each finished as a voice note; text is the gateway's last rung.

        Raises VoiceUnavailable when an embedded voice is asked for and none is installed.
        """
        voices = (queue.voice, *queue.voice.fallbacks)
        rungs = [self._rung(settings, queue.language) for settings in voices]
        return Ladder(rungs, self._health(voices), deadline=max(queue.voice.timeout_s * 2, 20.0))

    def _health(self, voices: Sequence[VoiceSettings]) -> Breakers:
        """Shared by queues with the same accounts: that one has no credit left says nothing about another."""
        accounts = tuple((voice.api_key, voice.base_url) for voice in voices)
        if accounts not in self._breakers:
            self._breakers[accounts] = Breakers(on_incident=self._fell, on_recovered=self._back)
        return self._breakers[accounts]

    def _rung(self, settings: VoiceSettings, language: str) -> Synthesizer:
        voice = self.plain_voice(settings, language)
        profile = f"{PROFILE}/{settings.provider}/{settings.base_url}"
        honoured = getattr(voice, "settings", tuned(settings))
        return Cache(VoiceNotes(voice, self.encoder), self._spoken(), settings=honoured, profile=profile)

    def _spoken(self) -> Shelf:
        """One shelf for all voices: what was said before is found whoever said it."""
        self._shelf = self._shelf or (Folder(self.cache / "spoken") if self.cache else Memory())
        return self._shelf

    def plain_voice(self, settings: VoiceSettings, language: str) -> Synthesizer:
        if settings.provider == "local":
            from tts.local import LocalVoice

            voice = LocalVoice(
                language, settings.engine, models_dir=self._models_dir(), voice_id=settings.voice_id
            )
            if voice.lack:
                self._notice(f"the embedded voice is {voice.describe()}")
            self.warm.append(voice.warm)
            return voice
        if settings.provider != "silent":
            self.sdks |= {"httpx", "elevenlabs"} if settings.provider == "elevenlabs" else {"openai"}
        return hosted_voice(settings, language, self.slots)

    def _models_dir(self) -> Path | None:
        return Path(self.config.embedded.models_dir) if self.config.embedded.models_dir else None

    def _fell(self, name: str, error: SpeechError) -> None:
        facts = {"voice": name, "reason": error.reason, "hint": error.hint}
        log.error("a voice is out; the next one speaks", extra={"facts": facts})
        self._notice(f"voice {name} is out: {error.reason}. {error.hint}")

    def _back(self, name: str) -> None:
        log.info("a voice is back", extra={"facts": {"voice": name}})
        self.notices[:] = [notice for notice in self.notices if not notice.startswith(f"voice {name} is out")]

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


# -- hosted providers ------------------------------------------------------------------------------


def hosted_assistant(settings: AssistantSettings) -> Assistant:
    from gateway.assistants.retrying import Retrying

    return Retrying(bare_assistant(settings), budget_s=max(settings.timeout_s, 45.0))


def bare_assistant(settings: AssistantSettings) -> Any:
    """The provider's own, without our retries: also what `recado check` asks."""
    key = settings.api_key.get_secret_value()
    more: dict[str, Any] = {
        "base_url": settings.base_url,
        "timeout_s": settings.timeout_s,
        "max_output_tokens": settings.max_output_tokens,
    }
    if settings.provider == "openai":
        from gateway.assistants.responses import OpenAIResponses

        return OpenAIResponses(key, settings.model, **more)
    from gateway.assistants.chat import OpenAIChat

    return OpenAIChat(key, settings.model, **more)


def hosted_hearing(settings: HearingSettings, encoder: Encoder) -> Hearing:
    key = settings.api_key.get_secret_value()
    more: Any = {"base_url": settings.base_url, "timeout_s": settings.timeout_s, "to_opus": encoder.opus}
    if settings.provider == "openai":
        from gateway.hearing.openai import OpenAIHearing

        return OpenAIHearing(key, settings.model, **more)
    from gateway.hearing.elevenlabs import ElevenLabsHearing

    return ElevenLabsHearing(key, settings.model, **more)


def hosted_voice(settings: VoiceSettings, language: str, slots: Slots) -> Synthesizer:
    key = settings.api_key.get_secret_value()
    if settings.provider == "elevenlabs":
        from tts.elevenlabs import ElevenLabs

        return ElevenLabs(
            key,
            settings.voice_id,
            settings.model_id,
            base_url=settings.base_url,
            settings=tuned(settings),
            language=language,
            timeout=settings.timeout_s,
            slots=slots,
        )
    if settings.provider == "openai_compatible":
        from tts.openai_compatible import OpenAICompatible

        return OpenAICompatible(
            key,
            settings.base_url,
            settings.voice_id,
            settings.model_id,
            speed=settings.speed,
            timeout=settings.timeout_s,
        )
    from tts.silent import Silent

    return Silent()


def tuned(settings: VoiceSettings) -> dict[str, float]:
    """The knobs somebody turned."""
    values = {name: getattr(settings, name) for name in ("stability", "similarity_boost", "style", "speed")}
    return {name: value for name, value in values.items() if value is not None}
