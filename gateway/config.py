"""The configuration: one TOML file, then `RECADO_…` in the environment, then flags. Read once, frozen, explained.

Every field's description and unit is in `config.example.toml` and docs/configuration.md; a test holds them together.
"""

from __future__ import annotations

import base64
import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from gateway.desks.settings import DeskSettings
from gateway.rules.addresses import problem_with
from gateway.rules.flows.settings import FlowTrigger
from gateway.rules.hours import Hours
from gateway.rules.rating import Rating
from gateway.rules.triggers import AutoReply
from gateway.rules.unasked import Closing, FollowUp
from storage.retention import LEAST

ASSISTANTS_API_END = "2026-08-26"
BUCKET = "s3://"
BUCKET_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[A-Za-z0-9_.=-]+)*/?"
S3 = ("s3_endpoint", "s3_region", "s3_key_id", "s3_secret")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class ConfigError(Exception):
    """The configuration cannot be used. Each problem names the key, where it stands and what would be right."""

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{source}: {p}" for p in problems))
        self.problems = problems


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AlertSettings(Section):
    url: str = ""
    secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _signed(self) -> AlertSettings:
        if self.url:
            _refuse_unsigned("secret", self.secret, "alerts are signed")
        return self


class Server(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = ""
    admin_key: SecretStr = SecretStr("")
    allow_private_urls: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    at_once: int = Field(64, ge=1, le=4096)
    alerts: AlertSettings = AlertSettings()


class Storage(Section):
    url: str = Field("sqlite:///recado.db", repr=False)
    media_dir: str = "media"
    cache_dir: str = ""
    s3_endpoint: str = ""
    s3_region: str = Field("", pattern=r"^[a-z0-9-]{0,64}$")
    s3_key_id: SecretStr = SecretStr("")
    s3_secret: SecretStr = SecretStr("")
    keep_days: int = Field(0, ge=0, le=36_500)

    @field_validator("url")
    @classmethod
    def _file_or_server(cls, url: str) -> str:
        if not re.match(r"(sqlite:///|postgres(ql)?://).", url):
            raise ValueError(
                "a file, sqlite:///recado.db (with four slashes an absolute path), or a server, "
                "postgresql://name:password@host/database"
            )
        return url

    @model_validator(mode="after")
    def _longer_than_providers_repeat(self) -> Storage:
        if 0 < self.keep_days < LEAST:
            raise ValueError(
                f"keep_days ({self.keep_days}) is less than {LEAST}: providers repeat a message for days, and it would "
                f"be answered again; use at least {LEAST}, or 0 to keep everything"
            )
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Storage:
        bucket = self.media_dir.startswith(BUCKET)
        if "://" in self.media_dir and not (bucket and re.fullmatch(BUCKET + BUCKET_NAME, self.media_dir)):
            raise ValueError("media_dir: a folder, or s3://bucket or s3://bucket/prefix")
        if not bucket and (given := [key for key in S3 if _plain(getattr(self, key))]):
            raise ValueError(f"{given[0]}: counts only with media_dir = 's3://bucket/prefix'")
        if self.s3_endpoint and (problem := problem_with(self.s3_endpoint, allow_private=True)):
            raise ValueError(f"s3_endpoint: {problem}")
        if bool(_plain(self.s3_key_id)) != bool(_plain(self.s3_secret)):
            raise ValueError("s3_key_id and s3_secret: set both, or neither to use the environment's")
        return self


class Embedded(Section):
    models_dir: str = ""


class Window(Section):
    interval_ms: int = Field(4000, ge=0, le=600_000)
    mode: Literal["quiet", "fixed"] = "quiet"
    max_wait_ms: int = Field(20_000, ge=0, le=3_600_000)

    @model_validator(mode="after")
    def _wait_covers_interval(self) -> Window:
        if self.interval_ms > self.max_wait_ms:
            raise ValueError(
                f"interval_ms ({self.interval_ms}) is longer than max_wait_ms ({self.max_wait_ms}): "
                f"raise max_wait_ms to at least {self.interval_ms}"
            )
        return self


class AssistantSettings(Section):
    provider: Literal["openai", "openai_chat", "local"] = "local"
    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    model: str = ""
    assistant_id: str = ""
    timeout_s: float = Field(60.0, gt=0, le=600)
    max_output_tokens: int = Field(0, ge=0)
    history: int = Field(40, ge=0, le=400)
    monthly_tokens: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> AssistantSettings:
        if self.provider != "local" and not self.model:
            raise ValueError(f'model is missing: provider = "{self.provider}" needs one, e.g. model = "gpt-6-luna"')
        if self.provider == "openai" and not self.api_key.get_secret_value() and not self.base_url:
            raise ValueError('api_key is missing: provider = "openai" needs one, e.g. api_key = "${OPENAI_API_KEY}"')
        return self


class Reply(Section):
    format: Literal["text", "voice", "mirror", "both", "smart"] = "text"
    min_voice_chars: int = Field(0, ge=0, le=10_000)
    max_voice_chars: int = Field(900, ge=1, le=10_000)
    smart_every: int = Field(4, ge=0, le=1000)
    smart_share: float = Field(0.0, ge=0, le=1)
    voice_budget_chars: int = Field(0, ge=0)
    typing_ms_per_char: int = Field(25, ge=0, le=1000)
    typing_min_ms: int = Field(500, ge=0, le=60_000)
    typing_max_ms: int = Field(4000, ge=0, le=60_000)

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> Reply:
        if self.min_voice_chars > self.max_voice_chars:
            raise ValueError(
                f"min_voice_chars ({self.min_voice_chars}) is above max_voice_chars ({self.max_voice_chars}): "
                f"raise max_voice_chars to at least {self.min_voice_chars}"
            )
        if self.typing_min_ms > self.typing_max_ms:
            raise ValueError(
                f"typing_min_ms ({self.typing_min_ms}) is above typing_max_ms ({self.typing_max_ms}): "
                f"raise typing_max_ms to at least {self.typing_min_ms}"
            )
        return self


class VoiceSettings(Section):
    provider: Literal["elevenlabs", "openai_compatible", "local", "silent"] = "local"
    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    voice_id: str = ""
    model_id: str = ""
    engine: Literal["auto", "kokoro", "espeak"] = "auto"
    stability: float | None = Field(None, ge=0, le=1)
    similarity_boost: float | None = Field(None, ge=0, le=1)
    style: float | None = Field(None, ge=0, le=1)
    speed: float | None = Field(None, ge=0.25, le=4)
    timeout_s: float = Field(30.0, gt=0, le=240)

    @model_validator(mode="after")
    def _complete(self) -> VoiceSettings:
        if self.provider == "elevenlabs":
            for key in ("api_key", "voice_id", "model_id"):
                if not _plain(getattr(self, key)):
                    raise ValueError(f'{key} is missing: provider = "elevenlabs" has no built-in voice, model or key')
        if self.provider == "openai_compatible":
            for key in ("base_url", "voice_id", "model_id"):
                if not getattr(self, key):
                    raise ValueError(f'{key} is missing: provider = "openai_compatible" needs it')
        return self


class Voice(VoiceSettings):
    fallbacks: tuple[VoiceSettings, ...] = ()
    pronunciations: dict[str, str] = Field({}, max_length=1000)
    prepared: tuple[str, ...] = Field((), max_length=50)

    @model_validator(mode="before")
    @classmethod
    def _fallbacks_take_after_it(cls, given: Any) -> Any:
        """What a fallback of the same provider leaves out is the voice's own: another model is one line."""
        if not isinstance(given, Mapping) or not isinstance(given.get("fallbacks"), list | tuple):
            return given
        own = {key: value for key, value in given.items() if key in VoiceSettings.model_fields}
        provider = own.get("provider", VoiceSettings.model_fields["provider"].default)
        return {**given, "fallbacks": [_after(own, provider, each) for each in given["fallbacks"]]}


def _after(own: Mapping[str, Any], provider: str, fallback: Any) -> Any:
    same = isinstance(fallback, Mapping) and fallback.get("provider", provider) == provider
    return {**own, **fallback} if same else fallback


class HearingSettings(Section):
    provider: Literal["local", "openai", "elevenlabs", "none"] = "local"
    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    model: str = ""
    timeout_s: float = Field(60.0, gt=0, le=600)

    @model_validator(mode="after")
    def _complete(self) -> HearingSettings:
        if self.provider in ("openai", "elevenlabs"):
            for key in ("api_key", "model"):
                if not _plain(getattr(self, key)):
                    raise ValueError(f'{key} is missing: provider = "{self.provider}" needs it')
        return self


class Handoff(Section):
    marker: str = Field("Ação: Transferir para o setor de atendimento", min_length=4, max_length=200)
    phrases: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field((), max_length=200)
    message: str = Field("", max_length=2000)
    message_out_of_hours: str = Field("", max_length=2000)
    message_nobody_online: str = Field("", max_length=2000)
    spoken: bool = False
    after_failures: int = Field(2, ge=0, le=10)
    to: Name = "humanos"
    resume: Literal["manual", "on_resolve", "idle_hours", "next_business_day"] = "on_resolve"
    idle_hours: float = Field(12.0, gt=0, le=720)
    desk: DeskSettings = DeskSettings()

    @model_validator(mode="after")
    def _somebody_says_that_it_is_done(self) -> Handoff:
        if self.resume == "on_resolve" and self.desk.type == "chatwoot" and not _plain(self.desk.secret):
            raise ValueError(
                'desk.secret is missing: with resume = "on_resolve" Chatwoot\'s account webhook says what is '
                "resolved, and this is its secret; or choose another resume"
            )
        return self

    @model_validator(mode="after")
    def _a_webhook_is_signed(self) -> Handoff:
        if self.desk.type == "webhook":
            _refuse_unsigned("desk.secret", self.desk.secret, "handoffs are signed")
        return self


class Sentences(Section):
    """Our own words, in the place of those recado brings along; empty: recado's, in the customer's language."""

    please_type: str = Field("", max_length=2000)
    nothing_heard: str = Field("", max_length=2000)
    cannot_read: str = Field("", max_length=2000)
    media_lost: str = Field("", max_length=2000)
    opted_out: str = Field("", max_length=2000)
    opted_in: str = Field("", max_length=2000)


class OptOut(Section):
    words: tuple[str, ...] = ("parar", "sair", "cancelar inscrição", "stop", "unsubscribe", "baja", "退订")
    back: tuple[str, ...] = ("voltar", "start", "volver", "继续")


class ActionSettings(Section):
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
    url: str = Field(min_length=1)
    secret: SecretStr
    timeout_s: float = Field(10.0, gt=0, le=60)

    @model_validator(mode="after")
    def _signed(self) -> ActionSettings:
        _refuse_unsigned("secret", self.secret, "actions are signed")
        return self


class Queue(Section):
    name: Name
    language: Language = "pt-BR"
    automatic: bool = True
    instructions: str = ""
    knowledge: tuple[str, ...] = ()
    window: Window = Window()
    assistant: AssistantSettings = AssistantSettings()
    assistants: tuple[AssistantSettings, ...] = Field((), max_length=8)
    reply: Reply = Reply()
    voice: Voice = Voice()
    hearing: HearingSettings = HearingSettings()
    handoff: Handoff = Handoff()
    sentences: Sentences = Sentences()
    opt_out: OptOut = OptOut()
    hours: Hours = Hours()
    auto_replies: tuple[AutoReply, ...] = Field((), max_length=200)
    follow_up: FollowUp = FollowUp()
    closing: Closing = Closing()
    rating: Rating = Rating()
    flows: tuple[FlowTrigger, ...] = Field((), max_length=100)
    actions: tuple[ActionSettings, ...] = Field((), max_length=100)

    @model_validator(mode="after")
    def _actions_have_names_of_their_own(self) -> Queue:
        names = [action.name for action in self.actions]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"actions: two are named {name!r}; names are unique in a queue")
        return self

    @model_validator(mode="after")
    def _legacy_alias_has_instructions(self) -> Queue:
        alias = self.assistant.assistant_id
        if alias and not self.instructions.strip():
            raise ValueError(
                f"assistant.assistant_id = {alias!r} is only a name now: the Assistants API answers 404 since "
                f"{ASSISTANTS_API_END} and its instructions cannot be fetched. Paste the text that stood in the "
                'assistant\'s "Instructions" field into this queue: instructions = """…"""'
            )
        return self


ChannelType = Literal["webchat", "http", "whatsapp_cloud", "evolution", "telegram", "chatwoot", "openai"]
CONTACTS = ("max_age_s", "groups", "ignore", "only", "read_receipts", "presence")
"""Keys of every provider's channel."""
KEYS: dict[str, tuple[str, ...]] = {
    "webchat": ("title", "key"),
    "http": ("key", "title", "callback_url", "callback_secret", "max_age_s", "ignore", "only"),
    "whatsapp_cloud": (
        "phone_number_id",
        "access_token",
        "app_secret",
        "verify_token",
        "base_url",
        "graph_version",
        "template",
        *CONTACTS,
    ),
    "evolution": ("base_url", "instance", "api_key", "webhook_secret", "jwt_key", *CONTACTS),
    "telegram": ("token", "secret_token", "mode", "base_url", *CONTACTS),
    "chatwoot": ("base_url", "account_id", "token", "webhook_secret", "verify", *CONTACTS),
    "openai": ("key",),
}
"""What may stand beside name, type and queue."""
REQUIRED: dict[str, tuple[tuple[str, str], ...]] = {
    "webchat": (),
    "http": (("key", 'a channel of the API is opened by its key, e.g. key = "${SITE_KEY}"'),),
    "whatsapp_cloud": (
        ("phone_number_id", "the number's id, from the app's WhatsApp > API Setup page"),
        ("access_token", 'a system user\'s token, e.g. access_token = "${WHATSAPP_TOKEN}"'),
        ("app_secret", "from the app's Settings > Basic; without it nobody knows who posts to the webhook"),
        ("verify_token", "any words of your own; the same go into the app's webhook page"),
    ),
    "evolution": (
        ("base_url", "where your Evolution API answers"),
        ("instance", "the name of the instance in Evolution"),
        ("api_key", "Evolution's global key or the instance's"),
    ),
    "telegram": (("token", "from @BotFather"),),
    "chatwoot": (
        ("base_url", "where your Chatwoot answers, e.g. https://app.chatwoot.com"),
        ("account_id", "the number behind /accounts/ in Chatwoot's address"),
        ("token", "the agent bot's access token, from Settings > Bots"),
        ("webhook_secret", "the agent bot's webhook secret; it proves that Chatwoot is who posts"),
    ),
    "openai": (("key", 'clients send it as their API key, e.g. key = "${RECADO_OPENAI_KEY}"'),),
}


class ChannelSettings(Section):
    name: Name
    type: ChannelType
    queue: str = Field("", pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    key: SecretStr = SecretStr("")
    title: str = Field("", max_length=80)
    callback_url: str = ""
    callback_secret: SecretStr = SecretStr("")
    base_url: str = ""
    # whatsapp_cloud
    phone_number_id: str = Field("", pattern=r"^[0-9]{0,32}$")
    access_token: SecretStr = SecretStr("")
    app_secret: SecretStr = SecretStr("")
    verify_token: SecretStr = SecretStr("")
    graph_version: str = Field("v26.0", pattern=r"^v[0-9]{1,3}\.[0-9]$")
    template: str = Field("", pattern=r"^$|^[a-z0-9_]{1,512}:[a-z]{2,3}(_[A-Z]{2})?$")
    # evolution
    instance: str = Field("", max_length=200)
    api_key: SecretStr = SecretStr("")
    webhook_secret: SecretStr = SecretStr("")
    jwt_key: SecretStr = SecretStr("")
    # telegram
    token: SecretStr = SecretStr("")
    secret_token: SecretStr = SecretStr("")
    mode: Literal["webhook", "polling"] = "polling"
    # chatwoot
    account_id: int = Field(0, ge=0)
    verify: bool = True
    # every provider's
    max_age_s: int = Field(21_600, ge=0, le=604_800)
    groups: Literal["ignore", "answer"] = "ignore"
    ignore: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    read_receipts: bool = True
    presence: bool = True

    @model_validator(mode="after")
    def _keys_of_this_type(self) -> ChannelSettings:
        for key in sorted(self.model_fields_set - {"name", "type", "queue", *KEYS[self.type]}):
            near = _nearest(key, list(KEYS[self.type]))
            raise ValueError(f'{key} is no key of a channel of type = "{self.type}"{near}')
        for key, cure in REQUIRED[self.type]:
            if not _plain(getattr(self, key)):
                raise ValueError(f"{key} is missing: {cure}")
        if not self.queue and self.type != "openai":
            raise ValueError("queue is missing: which queue answers here")
        return self

    @model_validator(mode="after")
    def _proves_where_hooks_come_from(self) -> ChannelSettings:
        if self.type == "evolution" and not (_plain(self.webhook_secret) or _plain(self.jwt_key)):
            raise ValueError(
                "webhook_secret is missing: set it (or jwt_key) here and in Evolution's webhook headers, so that "
                "nobody else can post messages; make one with `recado secret`"
            )
        for key in ("webhook_secret", "jwt_key"):
            if 0 < len(_plain(getattr(self, key))) < 12:
                raise ValueError(f"{key} can be guessed: take 12 characters or more; make one with `recado secret`")
        if self.type == "telegram" and self.mode == "webhook" and not _plain(self.secret_token):
            raise ValueError('secret_token is missing: mode = "webhook" needs one of A-Z a-z 0-9 _ -, 16 or more')
        if not re.fullmatch(r"([A-Za-z0-9_-]{16,256})?", _plain(self.secret_token)):
            raise ValueError("secret_token may hold A-Z a-z 0-9 _ - only, 16 to 256 of them")
        return self

    @model_validator(mode="after")
    def _callbacks_are_signed(self) -> ChannelSettings:
        if self.callback_url:
            _refuse_unsigned("callback_secret", self.callback_secret, "replies are signed")
        return self


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _refuse_unsigned(key: str, secret: SecretStr, why: str) -> None:
    if not _plain(secret):
        raise ValueError(f"{key} is missing: {why}; make one with `recado secret`")
    if not _is_webhook_secret(_plain(secret)):
        raise ValueError(f"{key} is no Standard Webhooks secret (whsec_…); make one with `recado secret`")


def _is_webhook_secret(text: str) -> bool:
    try:
        return len(base64.b64decode(text.removeprefix("whsec_") + "==")) >= 16
    except ValueError:
        return False


class Config(Section):
    server: Server = Server()
    storage: Storage = Storage()
    embedded: Embedded = Embedded()
    queues: tuple[Queue, ...] = Field(min_length=1)
    channels: tuple[ChannelSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_agree(self) -> Config:
        queues = [q.name for q in self.queues]
        for kind, names in (("queues", queues), ("channels", [c.name for c in self.channels])):
            for name in {n for n in names if names.count(n) > 1}:
                raise ValueError(f"{kind}: two are named {name!r}; names are unique")
        for channel in self.channels:
            if channel.queue not in queues and (channel.queue or channel.type != "openai"):
                near = _nearest(channel.queue, queues)
                raise ValueError(f"channels.{channel.name}.queue = {channel.queue!r} is no queue{near}")
        for queue in self.queues:
            for key, to in (("handoff.to", queue.handoff.to), ("hours.to", queue.hours.to)):
                if meant := _misspelt(to, queues):
                    raise ValueError(f"queues.{queue.name}.{key} = {to!r} is no queue: did you mean {meant!r}?")
        return self

    @model_validator(mode="after")
    def _every_key_opens_its_own_door(self) -> Config:
        keys = {"server.admin_key": self.server.admin_key}
        keys |= {f"channels.{channel.name}.key": channel.key for channel in self.channels}
        desks = {queue.name: queue.handoff.desk for queue in self.queues if queue.handoff.desk.type == "inbox"}
        shared = {_plain(desk.secret): name for name, desk in desks.items()}  # queues may share one inbox
        keys |= {f"queues.{name}.handoff.desk.secret": SecretStr(secret) for secret, name in shared.items()}
        owners: dict[str, str] = {}
        for name, key in keys.items():
            owner = owners.setdefault(key.get_secret_value() or name, name)
            if owner != name:
                raise ValueError(f"{name} is the same key as {owner}: make another one with `recado secret`")
        return self

    @model_validator(mode="after")
    def _each_account_is_served_once(self) -> Config:
        """Two channels of one number would answer every message twice."""
        owners: dict[str, str] = {}
        for channel in self.channels:
            place = f"{channel.base_url.rstrip('/')} {channel.account_id}"
            for key in ("phone_number_id", "token", "instance"):
                account = _plain(getattr(channel, key)) and f"{place} {key} {_plain(getattr(channel, key))}"
                owner = owners.setdefault(account, channel.name) if account else channel.name
                if owner != channel.name:
                    raise ValueError(f"channels.{channel.name}.{key} is that of channels.{owner}: one channel a number")
        return self

    @model_validator(mode="after")
    def _addresses_lead_outside(self) -> Config:
        for key, url in self._addresses():
            if url and (problem := problem_with(url, allow_private=self.server.allow_private_urls)):
                raise ValueError(f"{key} {problem}")
        return self

    @model_validator(mode="after")
    def _people_see_every_conversation(self) -> Config:
        """At a Chatwoot without an API inbox they see those only that lie there."""
        for channel in self.channels:
            queue = next((queue for queue in self.queues if queue.name == channel.queue), None)
            if queue and queue.handoff.desk.in_place and not self.lies_at_desk(channel.name, queue.name):
                raise ValueError(
                    f"queues.{queue.name}.handoff.desk.inbox_identifier is missing: conversations of "
                    f"channels.{channel.name} do not lie in that account of Chatwoot, so people need an API inbox to "
                    "see them in"
                )
        return self

    def lies_at_desk(self, channel: str, queue: str) -> bool:
        """Its conversations lie where the queue's people answer, so nothing of them need be carried there."""
        desk = self.queue(queue).handoff.desk
        place = (desk.url.rstrip("/"), desk.account_id)
        return desk.in_place and any(
            (one.base_url.rstrip("/"), one.account_id) == place
            for one in self.channels
            if one.name == channel and one.type == "chatwoot"
        )

    def _addresses(self) -> Iterator[tuple[str, str]]:
        yield "server.alerts.url", self.server.alerts.url
        for queue in self.queues:
            at = f"queues.{queue.name}"
            yield f"{at}.assistant.base_url", queue.assistant.base_url
            yield from ((f"{at}.assistants[{n}].base_url", each.base_url) for n, each in enumerate(queue.assistants))
            yield f"{at}.hearing.base_url", queue.hearing.base_url
            yield f"{at}.handoff.desk.url", queue.handoff.desk.url
            for voice in (queue.voice, *queue.voice.fallbacks):
                yield f"{at}.voice.base_url", voice.base_url
            yield from ((f"{at}.actions.{action.name}.url", action.url) for action in queue.actions)
        for channel in self.channels:
            yield f"channels.{channel.name}.callback_url", channel.callback_url
            yield f"channels.{channel.name}.base_url", channel.base_url

    def queue(self, name: str) -> Queue:
        """Raises KeyError."""
        for queue in self.queues:
            if queue.name == name:
                return queue
        raise KeyError(name)


# -- reading -------------------------------------------------------------------------------------
VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
PREFIX = "RECADO_"


def load(path: Path, env: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None) -> Config:
    """The configuration in `path`, overlaid by `RECADO_SECTION__KEY` variables and then `flags` (dotted keys).

    Relative paths in it are relative to the file's folder. Raises ConfigError.
    """
    env = os.environ if env is None else env
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"cannot be read: {error}"]) from None
    return parse(text, source=str(path), root=path.resolve().parent, env=env, flags=flags or {})


def parse(
    text: str,
    *,
    source: str = "config",
    root: Path = Path(),
    env: Mapping[str, str] = {},
    flags: Mapping[str, Any] = {},
) -> Config:
    """The same from a text. Reads nothing but its arguments. Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [f"is no valid TOML: {error}"]) from None
    for dotted, value in [*_from_environment(env), *flags.items()]:
        _put(raw, dotted.split("."), value, source)
    problems: list[str] = []
    raw = _expanded(raw, env, (), problems)
    if problems:
        raise ConfigError(source, problems)
    try:
        return Config.model_validate(_anchored(raw, root))
    except ValidationError as error:
        raise ConfigError(source, [_explain(e, raw, text) for e in _causes(error.errors())]) from None


def _from_environment(env: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name in sorted(env):
        if name.startswith(PREFIX) and "__" in name:
            dotted = name[len(PREFIX) :].lower().replace("__", ".")
            yield dotted, _literal(env[name], _kind_at(dotted.split(".")))


def _literal(text: str, kind: Any) -> Any:
    """A variable's value as TOML would read it; what is no TOML is a string, and so is what stands where only a string
    may: a key made of digits is no number."""
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, str) or kind not in (str, SecretStr) else text


def _put(raw: dict[str, Any], keys: list[str], value: Any, source: str) -> None:
    node: Any = raw
    try:
        for key in keys[:-1]:
            node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
        node[int(keys[-1]) if isinstance(node, list) else keys[-1]] = value
    except (ValueError, IndexError, TypeError, AttributeError):
        raise ConfigError(source, [f"{PREFIX}{'__'.join(keys).upper()}: there is no such place to set"]) from None


def _expanded(node: Any, env: Mapping[str, str], at: tuple[Any, ...], problems: list[str]) -> Any:
    if isinstance(node, dict):
        return {k: _expanded(v, env, (*at, k), problems) for k, v in node.items()}
    if isinstance(node, list):
        return [_expanded(v, env, (*at, i), problems) for i, v in enumerate(node)]
    if not isinstance(node, str):
        return node

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name not in env:
            problems.append(f"{_dotted(at)}: the environment variable {name} is not set")
        return env.get(name, "")

    return VARIABLE.sub(value, node)


def _anchored(raw: dict[str, Any], root: Path) -> dict[str, Any]:
    """Relative paths become relative to the file they stand in, not to wherever the command was started."""

    def at(path: Any) -> Any:
        return str(root / path) if isinstance(path, str) and path else path

    storage = raw.setdefault("storage", {})
    if isinstance(storage, dict):
        media = storage.get("media_dir", "media")
        bucket = isinstance(media, str) and "://" in media
        storage["media_dir"] = media if bucket else at(media)
        storage["cache_dir"] = at(storage.get("cache_dir")) or str(
            at("cache") if bucket else Path(str(at(media))) / ".cache"
        )
        url = storage.get("url", "sqlite:///recado.db")
        if isinstance(url, str) and url.startswith("sqlite:///"):
            storage["url"] = "sqlite:///" + str(at(url.removeprefix("sqlite:///")))
    if isinstance(raw.get("embedded"), dict):
        raw["embedded"]["models_dir"] = at(raw["embedded"].get("models_dir", ""))
    for queue in raw.get("queues") or []:
        if isinstance(queue, dict) and isinstance(queue.get("knowledge"), list):
            queue["knowledge"] = [at(p) for p in queue["knowledge"]]
        for flow in _flows_of(queue):
            flow["file"] = at(flow["file"])
    return raw


def _flows_of(queue: Any) -> list[dict[str, Any]]:
    """Its rows, as far as they are any."""
    rows = queue.get("flows") if isinstance(queue, dict) else None
    return [row for row in rows if isinstance(row, dict) and "file" in row] if isinstance(rows, list) else []


# -- explaining ----------------------------------------------------------------------------------


def _causes(errors: list[Any]) -> list[Any]:
    """Without the echoes: a list whose items are wrong is also reported as too short."""
    return [
        e
        for e in errors
        if e["type"] != "too_short" or not any(o["loc"][: len(e["loc"])] == e["loc"] and o is not e for o in errors)
    ]


def _explain(error: Any, raw: Mapping[str, Any], text: str) -> str:
    at = tuple(error["loc"])
    where = _place(at, raw, text)
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key{_nearest(str(at[-1]), _keys(at[:-1], raw))}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _place(at: tuple[Any, ...], raw: Mapping[str, Any], text: str) -> str:
    """`queues[0] (vendas).voice.stability, line 31`."""
    dotted = _dotted(at, raw)
    key = re.compile(rf"\s*{re.escape(str(at[-1]))}\s*=") if at else re.compile(r"(?!)")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if key.match(line)]
    return f"{dotted}, line {lines[0]}" if len(lines) == 1 else dotted


def _dotted(at: tuple[Any, ...], raw: Any = None) -> str:
    out = ""
    for key in at:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            raw = None
        if isinstance(key, int):
            name = raw.get("name") if isinstance(raw, dict) else None
            out += f"[{key}]" + (f" ({name})" if name else "")
        else:
            out += f".{key}" if out else key
    return out


def _keys(at: Sequence[Any], raw: Mapping[str, Any]) -> list[str]:
    """The keys that may stand at a place of this configuration; in a channel, those of its type."""
    if len(at) == 2 and at[0] == "channels" and (of_type := KEYS.get(str(raw["channels"][at[1]].get("type")))):
        return ["name", "type", "queue", *of_type]
    return _fields(at)


def _fields(at: Sequence[Any]) -> list[str]:
    """The keys that may stand at a place."""
    model = _section_in(_kind_at(at))
    return list(model.model_fields) if model else []


def _kind_at(at: Sequence[Any]) -> Any:
    """What may stand at a place, as the models annotate it; None where nothing may. Numbers in `at` are indices."""
    kind: Any = Config
    for key in at:
        if not str(key).isdigit():
            model = _section_in(kind)
            field = model.model_fields.get(key) if model else None
            kind = field.annotation if field else None
    return kind


def _section_in(kind: Any) -> type[BaseModel] | None:
    kinds = [kind, *getattr(kind, "__args__", ())]
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _misspelt(team: str, queues: list[str]) -> str:
    """The queue that was meant. A team need not be a queue, so only what is one slip of a finger away counts, and no
    other number."""
    if team in queues or len(team) < 4:
        return ""
    return next((queue for queue in queues if _one_slip(team, queue)), "")


def _one_slip(one: str, other: str) -> bool:
    """A letter too much, too few, another or two in the wrong order."""
    if len(one) > len(other):
        one, other = other, one
    begin = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    left, right = one[begin:], other[begin:]
    if len(one) == len(other):
        slip, rest = right[:1], left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    else:
        slip, rest = right[:1], left == right[1:]
    return rest and bool(slip) and not (slip + left[:1]).isdigit() and len(other) - len(one) <= 1


def _nearest(wrong: str, right: list[str]) -> str:
    near = difflib.get_close_matches(wrong, right, 1, 0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; here stand: {', '.join(sorted(right))}" if right else ""
