"""The voices a queue could have, and whether those it has are still well: `recado voices`, and the daily look."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from gateway.columns import aligned, tabbed
from gateway.config import Config, Queue, VoiceSettings
from tts.errors import Refused, SpeechError, VoiceUnavailable
from tts.findings import Finding
from tts.model import Synthesizer
from tts.offers import Offer, OfferedModel, OfferedVoice, Progress, lists, unheard
from tts.refusals import BASE_URL

log = logging.getLogger("recado.voices")

HOSTED = ("elevenlabs", "openai_compatible")
DAY_S = 86_400.0
SOON_S = 300.0
"""Until the next look while something is wrong: what is well again is told within minutes."""
SPREAD = 0.05
"""Of a wait: many gateways started together do not ask together for ever."""


class Hosted(Synthesizer, Protocol):
    """A voice at somebody else's."""

    async def check(self, today: date | None = None) -> Sequence[Finding]: ...

    async def offer(self, progress: Progress = ...) -> Offer: ...


Make = Callable[[VoiceSettings, str], Hosted]
"""Of one rung's settings and the queue's language."""


def rungs(queue: Queue) -> Sequence[VoiceSettings]:
    """Its voices, in the order they are wanted."""
    return queue.voice, *queue.voice.fallbacks


# -- what there is to choose from ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one account offers."""

    provider: str
    voice_ids: frozenset[str]
    model_ids: frozenset[str]
    """Those that are chosen."""
    offer: Offer = field(default_factory=Offer)
    trouble: str = ""
    """A sentence that names the key of the configuration and the cure; empty when all could be listed."""


async def catalogues(config: Config, queue: Queue, make: Make, progress: Progress = unheard) -> Sequence[Catalogue]:
    """One for each account the queue speaks with. Raises nothing that is expected."""
    accounts: dict[tuple[str, str, str], list[VoiceSettings]] = {}
    for settings in rungs(queue):
        account = settings.provider, settings.base_url, settings.api_key.get_secret_value()
        accounts.setdefault(account, []).append(settings)
    return [await _catalogue(config, queue, chosen, make, progress) for chosen in accounts.values()]


async def _catalogue(
    config: Config, queue: Queue, chosen: Sequence[VoiceSettings], make: Make, progress: Progress
) -> Catalogue:
    provider, models = chosen[0].provider, frozenset(settings.model_id for settings in chosen)
    if provider == "local":
        folder = Path(config.embedded.models_dir) if config.embedded.models_dir else None
        return _embedded(queue.language, chosen, folder)
    voices = frozenset(settings.voice_id for settings in chosen)
    if provider not in HOSTED:
        remark = "The silent voice is silence as long as the words would take: there is nothing to choose."
        return Catalogue(provider, voices, models, Offer(remarks=(remark,)))
    voice = make(chosen[0], queue.language)
    try:
        return Catalogue(provider, voices, models, await voice.offer(progress))
    except SpeechError as error:
        key = "api_key" if isinstance(error, Refused) and BASE_URL not in error.hint else "base_url"
        where = f"queues.{queue.name}.voice{_place(queue, chosen[0])}.{key}"
        return Catalogue(provider, voices, models, trouble=f"{where}: {error.reason}. {error.hint}")
    finally:
        await voice.close()


def _place(queue: Queue, settings: VoiceSettings) -> str:
    """`.fallbacks.0`; empty for the first voice."""
    at = next(number for number, one in enumerate(rungs(queue)) if one is settings)
    return f".fallbacks.{at - 1}" if at else ""


def _embedded(language: str, chosen: Sequence[VoiceSettings], folder: Path | None) -> Catalogue:
    from tts.local import LocalVoice, offer

    ids = set()
    for settings in chosen:
        try:
            ids.add(LocalVoice(language, settings.engine, folder, settings.voice_id).voice_id)
        except VoiceUnavailable as error:
            return Catalogue("local", frozenset(), frozenset(), offer(language, folder), f"embedded: {error.hint}")
    return Catalogue("local", frozenset(ids), frozenset(), offer(language, folder))


# -- as text ---------------------------------------------------------------------------------------

VOICE_HEAD = ("", "voice_id", "name", "category", "languages", "retires")
VOICE_LIMITS = (1, 32, 32, 14, 24, 10)
MODEL_HEAD = ("", "model_id", "languages", "characters", "honours", "remark")
MODEL_LIMITS = (1, 32, 9, 10, 90, 60)
CHOSEN, UNKNOWN = "*", "?"


def lines(catalogue: Catalogue, language: str = "", *, piped: bool = False) -> list[str]:
    """For a terminal: tables, `*` before what is chosen, `?` for what nobody knows. `piped`: tabs, and `voice` or
    `model` before each row. `language` (BCP 47) leaves out what is known not to speak it.
    """
    voices = [voice for voice in catalogue.offer.voices if _speaks(voice.languages, language)]
    models = [model for model in catalogue.offer.models if _speaks(model.languages, language)]
    voice_rows = [_voice_row(voice, catalogue.voice_ids) for voice in voices]
    model_rows = [_model_row(model, catalogue.model_ids, language) for model in models]
    if piped:
        kinds = {"voice": [VOICE_HEAD, *voice_rows], "model": [MODEL_HEAD, *model_rows]}
        return tabbed([(kind, *row) for kind, rows in kinds.items() if len(rows) > 1 for row in rows])
    said: list[str] = []
    for title, head, rows, limits in (
        ("Voices", VOICE_HEAD, voice_rows, VOICE_LIMITS),
        ("Models", MODEL_HEAD, model_rows, MODEL_LIMITS),
    ):
        if rows:
            said += [f"{title} ({catalogue.provider}): {len(rows)}", *aligned(head, rows, limits), ""]
    return said


def remarks(catalogue: Catalogue, language: str = "") -> list[str]:
    """Sentences beside the tables."""
    offer, said = catalogue.offer, list(catalogue.offer.remarks)
    if language and (offer.voices or offer.models):
        said += [f"No voice is known to speak {language}."] * (not _anybody(offer.voices, language))
    for key, chosen, offered in (
        ("voice_id", catalogue.voice_ids, offer.voices),
        ("model_id", catalogue.model_ids, offer.models),
    ):
        known: Iterable[OfferedVoice | OfferedModel] = offered
        by_id = {one.id: one for one in known}
        for id in sorted(chosen) if by_id else ():
            if id not in by_id:
                said.append(f"The chosen {key} {id} is not among them.")
            elif not _speaks(by_id[id].languages, language):
                said.append(f"The chosen {key} {id} does not list {language}.")
    return said


def _anybody(voices: Sequence[OfferedVoice], language: str) -> bool:
    return not voices or any(lists(voice.languages, language) for voice in voices)


def _speaks(languages: tuple[str, ...], language: str) -> bool:
    return not language or lists(languages, language) is not False


def _voice_row(voice: OfferedVoice, chosen: frozenset[str]) -> tuple[str, ...]:
    languages = ", ".join(voice.languages) or UNKNOWN
    return _mark(voice.id, chosen), voice.id, voice.name, voice.category, languages, voice.retires


def _model_row(model: OfferedModel, chosen: frozenset[str], language: str) -> tuple[str, ...]:
    known = UNKNOWN if not model.languages else "yes" if language else str(len(model.languages))
    honours = UNKNOWN if model.honours is None else ", ".join(model.honours)
    characters = str(model.characters) if model.characters else UNKNOWN
    return _mark(model.id, chosen), model.id, known, characters, honours, model.remark


def _mark(id: str, chosen: frozenset[str]) -> str:
    return CHOSEN if id in chosen else ""


# -- the daily look --------------------------------------------------------------------------------


class Incidents(Protocol):
    """`gateway.incidents.Incidents`."""

    def open(self, part: str, reason: str, hint: str) -> None: ...

    def close(self, part: str) -> None: ...


def utc_today() -> date:
    return datetime.now(UTC).date()


async def watch(
    config: Config,
    make: Make,
    incidents: Incidents,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    today: Callable[[], date] = utc_today,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Looks at every hosted voice now and each day, and every five minutes while one is in trouble, until it is
    cancelled. What will not work is an incident until a look finds it well; what works for now is logged once.
    """
    warned: frozenset[str] = frozenset()
    opened: set[str] = set()
    while True:
        found = await _looked(config, make, today())
        _tell(found, incidents, opened)
        warned = _warn(found, warned)
        well = not any(_error(findings) for findings in found.values())
        await sleep((DAY_S if well else SOON_S) * (1 + SPREAD * jitter()))


async def _looked(config: Config, make: Make, today: date) -> Mapping[str, Sequence[Finding]]:
    """By the voice's name; queues that share one share what was found."""
    found: dict[str, list[Finding]] = {}
    seen = set()
    for queue in (queue for queue in config.queues if _is_heard(config, queue)):
        for settings in rungs(queue):
            account = settings.provider, settings.base_url, settings.api_key.get_secret_value()
            which = *account, settings.voice_id, settings.model_id, queue.language
            if settings.provider in HOSTED and which not in seen:
                seen.add(which)
                name, findings = await look(make(settings, queue.language), today)
                found.setdefault(name, []).extend(findings)
    return found


def _is_heard(config: Config, queue: Queue) -> bool:
    """A client of the OpenAI door may ask any queue for its voice."""
    return queue.reply.format != "text" or any(channel.type == "openai" for channel in config.channels)


async def look(voice: Hosted, today: date | None = None) -> tuple[str, Sequence[Finding]]:
    """Its name and what its check found. Closes it. Never raises: who looks at the others should not die of one."""
    try:
        return voice.name, await voice.check(today)
    except SpeechError as error:
        return voice.name, [Finding("error", "voice", f"{error.reason}. {error.hint}", error.reason)]
    except Exception as error:
        log.exception("a voice could not be looked at")
        message = f"Unknown: an error nobody foresaw ({type(error).__name__}); the log has the trace."
        return voice.name, [Finding("warning", "voice", message)]
    finally:
        await voice.close()


def _tell(found: Mapping[str, Sequence[Finding]], incidents: Incidents, opened: set[str]) -> None:
    """`opened`: by a look; what a customer's answer ran into is over when its trial says so."""
    for part, error in {f"voice {name}": _error(findings) for name, findings in found.items()}.items():
        if error:
            incidents.open(part, error.reason or "check_failed", f"{error.key}: {error.message}")
            opened.add(part)
        elif part in opened:
            incidents.close(part)
            opened.discard(part)


def _error(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.level == "error"), None)


def _warn(found: Mapping[str, Sequence[Finding]], warned: frozenset[str]) -> frozenset[str]:
    """What was warned of this time; what was warned of last time is not repeated."""
    warnings = [(name, finding) for name, all in found.items() for finding in all if finding.level == "warning"]
    said = {f"{name} {finding.key}: {finding.message}": (name, finding) for name, finding in warnings}
    for key in said.keys() - warned:
        name, finding = said[key]
        facts = {"voice": name, "key": finding.key, "message": finding.message}
        log.warning("a voice wants looking after", extra={"facts": facts})
    return frozenset(said)
