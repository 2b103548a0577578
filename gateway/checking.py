"""`recado check`: is everything in the configuration right, and what to do about what is not."""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.assistants.base import AssistantError
from gateway.channels.base import Hooked
from gateway.config import (
    BUCKET,
    AssistantSettings,
    ChannelSettings,
    Config,
    ConfigError,
    Queue,
    Storage,
    VoiceSettings,
)
from gateway.databases import VISITORS, database, folder
from gateway.equipment import Equipment, bare_assistant, hosted_voice, media
from gateway.equipment import channel as make_channel
from gateway.equipment import desk as make_desk
from gateway.flowfiles import load_flows
from gateway.hearing.base import Hearing, HearingError
from gateway.knowledge import KnowledgeError
from gateway.rules.budget import is_limited, month_of, spent
from gateway.telemetry import Telemetry
from gateway.transcript import rfc3339
from gateway.voices import HOSTED, look, rungs
from storage.media import MediaAway, MediaRefused
from storage.store import StoreError
from storage.vault import VARIABLE, VaultError, has_key, key_file, open_vault
from tts.encode import Encoder
from tts.errors import VoiceUnavailable
from tts.findings import Finding
from tts.model import Speech
from tts.silent import Silent

SHOWN = 5
"""Of the requests that nobody could read, the newest."""


async def check(config: Config) -> list[Finding]:
    """Asks every configured provider. Never raises for what it finds."""
    findings = [await database(config).look()]
    findings += await _vault(config)
    findings.append(await _media(config.storage))
    findings += _kept(config.storage)
    for queue in config.queues:
        async for finding in _queue(config, queue):
            findings.append(replace(finding, key=f"queues.{queue.name}.{finding.key}"))
    for settings in config.channels:
        for finding in await _channel(config, settings):
            findings.append(replace(finding, key=f"channels.{settings.name}.{finding.key}"))
    return findings + await _unread(config)


async def _queue(config: Config, queue: Queue) -> AsyncIterator[Finding]:
    equipment = Equipment(config, Encoder(), Telemetry(), [])
    yield await _knowledge(equipment, queue)
    for finding in _flows(config, queue):
        yield finding
    for finding in await _assistants(queue):
        yield finding
    for finding in await _month(config, queue):
        yield finding
    for finding in await _desk(config, queue):
        yield finding
    for finding in await _voices(equipment, queue):
        yield finding
    for finding in await _hearing(equipment, queue):
        yield finding
    for notice in equipment.notices:
        yield Finding("warning", "embedded", notice)


async def _knowledge(equipment: Equipment, queue: Queue) -> Finding:
    if not queue.knowledge:
        if queue.assistant.provider == "local":
            return Finding("warning", "knowledge", "no documents: the local assistant has nothing to answer from")
        return Finding("ok", "knowledge", "no documents")
    try:
        knowledge = await equipment.knowledge(queue)
    except KnowledgeError as error:
        return Finding("error", "knowledge", str(error))
    described = knowledge.describe()
    await knowledge.close()
    return Finding("ok", "knowledge", described)


def _flows(config: Config, queue: Queue) -> Iterable[Finding]:
    """Read and held against the rest of the configuration; nobody is called."""
    try:
        flows = load_flows(config, queue)
    except ConfigError as error:
        return [Finding("error", "flows", problem) for problem in error.problems]
    return [Finding("ok", "flows", f"{flow.name}: {len(flow.steps)} steps, {file}") for file, flow in flows.items()]


async def _desk(config: Config, queue: Queue) -> Iterable[Finding]:
    if (people := make_desk(queue, config)) is None:
        return [Finding("ok", "handoff.desk.type", "inbox: people answer on the page /inbox")]
    return await _asked(people.check, people.close, "handoff.desk")


async def _assistants(queue: Queue) -> Iterable[Finding]:
    findings = list(await _assistant(queue.assistant, "assistant"))
    for n, settings in enumerate(queue.assistants):
        for finding in await _assistant(settings, f"assistants[{n}]"):
            findings.append(replace(finding, key=finding.key.replace("assistant.", f"assistants[{n}].", 1)))
    return findings


async def _assistant(settings: AssistantSettings, key: str) -> Iterable[Finding]:
    if settings.provider == "local":
        return [Finding("ok", f"{key}.provider", "local: answers from the queue's documents")]
    assistant = bare_assistant(settings)
    return await _asked(assistant.check, assistant.close, key)


async def _month(config: Config, queue: Queue) -> Sequence[Finding]:
    """Where it stands; nothing where nothing is limited."""
    if not is_limited(queue):
        return []
    month = month_of(time.time_ns() // 1_000_000)
    try:
        tokens = (await database(config).spent(queue.name, month)).tokens
    except StoreError:  # storage.url says what is wrong with it
        return []
    over, findings = spent(queue, tokens), []
    for place, settings in enumerate((queue.assistant, *queue.assistants)):
        if settings.provider != "local" and settings.monthly_tokens:
            key = f"assistants[{place - 1}]" if place else "assistant"
            stands = f"{tokens} of {settings.monthly_tokens} tokens since {month}"
            told = f"{stands}: it is passed over until the month ends (UTC)" if place in over else stands
            findings.append(Finding("warning" if place in over else "ok", f"{key}.monthly_tokens", told))
    return findings


async def _voices(equipment: Equipment, queue: Queue) -> Iterable[Finding]:
    if queue.reply.format == "text":
        return [Finding("ok", "reply.format", "text: no voice is used")]
    findings: list[Finding] = []
    for place, settings in enumerate(rungs(queue)):
        found = await _voice(equipment, settings, queue.language)
        findings += found if not place else [_of_fallback(finding, place - 1) for finding in found]
    return findings


def _of_fallback(finding: Finding, place: int) -> Finding:
    """A voice knows its settings and not where they are written."""
    return replace(finding, key=re.sub(r"^voice\b", f"voice.fallbacks.{place}", finding.key))


async def _voice(equipment: Equipment, settings: VoiceSettings, language: str) -> Sequence[Finding]:
    if settings.provider in HOSTED:
        voice: Any = hosted_voice(settings, language, equipment.slots)
        return (await look(voice))[1]
    if settings.provider == "local":
        return [await _embedded(equipment, settings, language)]
    return [Finding("ok", "voice.provider", f"{settings.provider}: tried when it is needed")]


async def _embedded(equipment: Equipment, settings: VoiceSettings, language: str) -> Finding:
    try:
        voice: Any = equipment.plain_voice(settings, language)
    except VoiceUnavailable as error:
        return Finding("error", "voice.provider", f"local: {error.reason}. {error.hint}", error.reason)
    await voice.close()
    return Finding("ok", "voice.provider", f"local: {voice.describe()}")


async def _hearing(equipment: Equipment, queue: Queue) -> Iterable[Finding]:
    ear: Any = equipment.hearing(queue.hearing)
    if ear is None:
        return [Finding("ok", "hearing.provider", "voice notes are answered with a request to type")]
    if queue.hearing.provider == "local":
        await ear.close()
        return [Finding("ok", "hearing.provider", ear.name)]
    return [await _listens(ear, queue.language)]


async def _listens(ear: Hearing, language: str) -> Finding:
    """Half a second of silence tells whether key, model and address are right; no list of models does for ears."""
    silence = await Silent().speak(Speech("...", language))
    try:
        await ear.hear(silence.data, silence.mime, language)
    except HearingError as error:
        named = re.search(r"hearing\.\w+", error.hint)
        return Finding("error", named[0] if named else "hearing", f"{error.reason}. {error.hint}")
    finally:
        await ear.close()
    return Finding("ok", "hearing.model", f"{ear.name} listens")


async def _asked(
    ask: Callable[[], Awaitable[Iterable[Finding]]], close: Callable[[], Awaitable[None]], key: str
) -> Iterable[Finding]:
    try:
        return await ask()
    except (AssistantError, HearingError) as error:
        return [Finding("error", key, f"{error.reason}. {error.hint}")]
    finally:
        await close()


async def _channel(config: Config, settings: ChannelSettings) -> Sequence[Finding]:
    """Providers are asked; our own doors need nobody's word."""
    channel = make_channel(settings, config)
    try:
        if isinstance(channel, Hooked):
            return [*await channel.check(), *_hook(config, settings)]
    finally:
        await channel.close()
    return [Finding("ok", "type", settings.type)]


def _hook(config: Config, settings: ChannelSettings) -> Sequence[Finding]:
    """What the provider cannot know: whether we have an address it can post to."""
    if (settings.type == "telegram" and settings.mode == "polling") or _is_public(config):
        return []
    path = f"/hooks/{settings.type}" + ("" if settings.type == "whatsapp_cloud" else f"/{settings.name}")
    cure = f"set server.public_url to the https:// address of this server; the provider posts to it, at {path}"
    return [Finding("warning", "webhook", cure)]


def _is_public(config: Config) -> bool:
    return config.server.public_url.startswith("https://")


async def _unread(config: Config) -> list[Finding]:
    """Requests of providers that nobody could read: a new kind of message, or a new version."""
    try:
        unread = await database(config).unread(SHOWN)
    except StoreError:  # storage.url says what is wrong with it
        return []
    return [
        Finding("warning", f"channels.{one.channel}", f"a request of {rfc3339(one.at)} could not be read: {one.why}")
        for one in unread
    ]


def _kept(storage: Storage) -> list[Finding]:
    """Nothing where everything is kept: that is no news."""
    if not storage.keep_days:
        return []
    more = "; the bucket's key needs s3:DeleteObject" if storage.media_dir.startswith(BUCKET) else ""
    return [Finding("ok", "storage.keep_days", f"what is older than {storage.keep_days} days is taken away{more}")]


async def _vault(config: Config) -> list[Finding]:
    """Its key opens what is sealed, as at a start; none is made."""
    there = database(config)
    try:
        _opens(there.keys, await there.sealed(VISITORS))
    except VaultError as error:
        return [Finding("error", "vault", str(error))]
    except (StoreError, ConfigError):
        pass  # a database that cannot be asked was told of
    return []


def _opens(keys: Path, sealed: bytes | None) -> None:
    """Raises VaultError."""
    if has_key(keys, os.environ):
        vault = open_vault(keys, os.environ)
        if sealed is not None:
            vault.unseal(VISITORS, sealed)
    elif sealed is not None:
        raise VaultError(f"its key is not here: set {VARIABLE}, or copy the key file to {key_file(keys)}")


async def _media(storage: Storage) -> Finding:
    """A bucket is written and read; a folder could be."""
    if not storage.media_dir.startswith(BUCKET):
        return folder("storage.media_dir", Path(storage.media_dir))
    place = media(storage)
    try:
        await place.open()
    except (MediaRefused, MediaAway) as error:
        key, _, sentence = str(error).partition(": ")
        return Finding("error" if isinstance(error, MediaRefused) else "warning", key, sentence)
    finally:
        await place.close()
    return Finding("ok", "storage.media_dir", f"{storage.media_dir}: written and read")
