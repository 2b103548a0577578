"""From settings to the parts a queue or a channel works with. Each provider is imported only when it is used."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.actions import Actions
from gateway.assistants.base import Assistant
from gateway.channels.base import Channel, Hooked, SharedHook
from gateway.channels.http import ASKED_BY_OTHERS, Api, Callback
from gateway.channels.webchat import WebChat
from gateway.config import (
    BUCKET,
    AssistantSettings,
    ChannelSettings,
    Config,
    ConfigError,
    HearingSettings,
    Queue,
    Storage,
    VoiceSettings,
)
from gateway.crew import Crew
from gateway.desks.base import Desk
from gateway.flowfiles import load_flows
from gateway.hearing.base import Hearing
from gateway.incidents import Incidents
from gateway.telemetry import Telemetry
from storage.media import MediaFolder, MediaStore
from tts.cache import Cache, Once
from tts.encode import Encoder
from tts.errors import SpeechError, VoiceUnavailable
from tts.health import Health, Watched
from tts.ladder import Ladder, Rung
from tts.model import Audio, Synthesizer
from tts.profiles import WEB
from tts.shelves import Folder, Memory
from tts.slots import Slots
from tts.untagged import Untagged

if TYPE_CHECKING:
    from gateway.knowledge import Knowledge

log = logging.getLogger("recado.equipment")


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
        case "chatwoot":
            from gateway.channels.chatwoot import Chatwoot

            token, secret = settings.token.get_secret_value(), settings.webhook_secret.get_secret_value()
            account, verify = settings.account_id, settings.verify
            return Chatwoot(settings.name, settings.base_url, account, token, secret, verify, allow_private=private)
        case "openai":
            return Api(settings.name, ASKED_BY_OTHERS)
    if not settings.callback_url:
        return Api(settings.name)
    secret = settings.callback_secret.get_secret_value()
    return Callback(settings.name, settings.callback_url, secret, private)


def desk(queue: Queue, config: Config) -> Desk | None:
    """Where the queue's people answer; None: in our own inbox, which nobody needs to be told of."""
    settings, private = queue.handoff.desk, config.server.allow_private_urls
    match settings.type:
        case "chatwoot":
            from gateway.desks.chatwoot import Chatwoot

            return Chatwoot(settings, queue=queue.name, allow_private=private)
        case "zendesk":
            from gateway.desks.zendesk import Zendesk

            return Zendesk(settings, queue=queue.name, allow_private=private)
        case "intercom":
            from gateway.desks.intercom import Intercom

            return Intercom(settings, queue=queue.name, allow_private=private)
        case "slack":
            from gateway.desks.slack import Slack

            return Slack(settings, allow_private=private)
        case "webhook":
            from gateway.desks.webhook import Webhook

            return Webhook(settings, allow_private=private)
    return None


def media(storage: Storage) -> MediaStore:
    """Where `storage.media_dir` leads: a folder, or a bucket with copies in `storage.cache_dir`. Not opened yet."""
    if not storage.media_dir.startswith(BUCKET):
        return MediaFolder(storage.media_dir)
    from storage.s3 import Bucket, S3Media

    bucket = Bucket.at(
        storage.media_dir,
        endpoint=storage.s3_endpoint.rstrip("/"),
        region=storage.s3_region,
        key_id=storage.s3_key_id.get_secret_value(),
        secret=storage.s3_secret.get_secret_value(),
    )
    return S3Media(bucket, Path(storage.cache_dir) / "media")


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
    incidents: Incidents = field(default_factory=lambda: Incidents(Telemetry()))
    """Hears of a voice that is out."""
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
    _healths: dict[Any, Health] = field(default_factory=dict)
    _once: Once | None = None

    async def crew(self, queue: Queue) -> Crew:
        """Raises ConfigError for a document or a flow that cannot be used."""
        from gateway.knowledge import KnowledgeError

        flows = load_flows(self.config, queue)
        try:
            knowledge = await self.knowledge(queue) if queue.knowledge else None
        except KnowledgeError as error:
            raise ConfigError(f"queues.{queue.name}.knowledge", [str(error)]) from None
        wanted = (queue.assistant, *queue.assistants)
        assistants = [self.assistant(settings, knowledge) for settings in wanted]
        read_themselves = all(settings.provider == "local" for settings in wanted)
        voice = self._voice_or_text(queue) if self._speaks(queue) else None
        tags = voice is not None and any(rung.acts for rung in voice.rungs)
        reference = None if read_themselves else knowledge
        actions = self._actions(queue) if flows else None
        return Crew(queue, assistants, reference, self.hearing(queue.hearing), voice, tags, flows, actions)

    def _actions(self, queue: Queue) -> Actions:
        private = self.config.server.allow_private_urls
        return Actions(queue.actions, self.incidents, queue=queue.name, allow_private=private)

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

    async def close(self) -> None:
        """What it shares among queues."""
        if self._once is not None:
            await self._once.close()

    # -- assistants --------------------------------------------------------------------------------

    def assistant(self, settings: AssistantSettings, knowledge: Knowledge | None) -> Assistant:
        if settings.provider == "local":
            from gateway.assistants.local import LocalAssistant

            return LocalAssistant(knowledge)
        self.sdks.add("openai")
        return hosted_assistant(settings)

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

    def _voice_or_text(self, queue: Queue) -> Ladder | None:
        try:
            return self.voice(queue)
        except VoiceUnavailable as error:
            self._notice(f"queue {queue.name} answers in text: {error.hint}")
            return None

    def voice(self, queue: Queue) -> Ladder:
        """The queue's voice and its fallbacks; text is the gateway's last rung.

        Raises VoiceUnavailable when an embedded voice is asked for and none is installed.
        """
        rungs = [self._rung(settings, queue) for settings in (queue.voice, *queue.voice.fallbacks)]
        return Ladder(rungs, self.encoder, self.once, deadline=max(queue.voice.timeout_s * 2, 20.0))

    def _rung(self, settings: VoiceSettings, queue: Queue) -> Rung:
        voice = self.plain_voice(settings, queue.language)
        watched = Watched(voice, self._health(settings, voice.name, queue), prove=self._prove)
        acts = bool(getattr(voice, "understands_tags", False))
        plain = watched if acts else Untagged(watched)
        honoured = getattr(voice, "settings", tuned(settings))
        source, stitches = f"{settings.provider}/{settings.base_url}", getattr(voice, "stitches", False)
        kept = Cache(plain, self.once, settings=honoured, source=source, carries_on=stitches)
        return Rung(kept, watched, acts, free=settings.provider in ("local", "silent"))

    def _health(self, settings: VoiceSettings, name: str, queue: Queue) -> Health:
        """Of a key, a voice and a model, for all queues: that one has no credit left says nothing about another. So
        the operator is told of the same voice with another key under another name."""
        which = settings.api_key, settings.base_url, name
        if which not in self._healths:
            told = f"{name} (queue {queue.name})" if name in {one.name for one in self._healths.values()} else name
            self._healths[which] = Health(told, on_out=self._fell, on_back=self._back)
        return self._healths[which]

    async def _prove(self, audio: Audio) -> None:
        await self.encoder.notes([audio.data], profile=WEB)

    @property
    def once(self) -> Once:
        """One for all voices: what was said before is found whoever said it."""
        self._once = self._once or Once(Folder(self.cache / "spoken") if self.cache else Memory())
        return self._once

    def plain_voice(self, settings: VoiceSettings, language: str) -> Synthesizer:
        if settings.provider == "local":
            from tts.local import LocalVoice

            voice = LocalVoice(language, settings.engine, models_dir=self._models_dir(), voice_id=settings.voice_id)
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
        self.incidents.open(f"voice {name}", error.reason, error.hint)

    def _back(self, name: str) -> None:
        self.incidents.close(f"voice {name}")

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
            slots=slots,
        )
    from tts.silent import Silent

    return Silent()


def tuned(settings: VoiceSettings) -> dict[str, float]:
    """The knobs somebody turned."""
    values = {name: getattr(settings, name) for name in ("stability", "similarity_boost", "style", "speed")}
    return {name: value for name, value in values.items() if value is not None}
