"""What an account of ElevenLabs has, and whether a voice and a model of it will speak.

Contract: `GET /v2/voices?page_size=&next_page_token=`, `/v1/voices/{id}`, `/v1/models` and `/v1/user/subscription`, as
elevenlabs 2.78 speaks them. None of them costs a character; a key may lack the permission for each of them and speak
all the same.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .elevenlabs_models import MODELS, UNKNOWN, Model, honoured
from .errors import Encoding, Quota, RateLimited, Refused, SpeechError, VoiceUnavailable
from .findings import Finding
from .offers import Offer, OfferedModel, OfferedVoice, Progress, distinct, lists, unheard
from .refusals import BASE_URL

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs
    from elevenlabs.types import GetVoicesV2Response, Subscription
    from elevenlabs.types import Model as ListedModel
    from elevenlabs.types import Voice as ListedVoice

Ask = Callable[[Callable[["AsyncElevenLabs"], Awaitable[Any]]], Awaitable[Any]]
"""Runs one call of the SDK with the voice's own patience. Raises SpeechError."""

ONCE: Any = {"max_retries": 0}
PAGE = 100
"""Voices; the most the provider gives at once."""
MOST_PAGES = 50
"""A listing that goes on and on is cut off here."""
DEFAULT_CATEGORIES = ("premade", "default")
RETIREMENT = date(2026, 12, 31)
"""The day the provider retires its default voices."""
MAY_NOT_LIST = "The key may not list voices and models: allow it to read both, or look them up on the provider's page."


def retirement(today: date, category: str) -> str:
    """What happens to a voice of this category, as the end of a sentence; empty when nothing does."""
    if category not in DEFAULT_CATEGORIES:
        return ""
    days = (RETIREMENT - today).days
    if days < 0:
        return f"is a default voice, and those were retired on {RETIREMENT}"
    left = f"in {days} days, on" if days > 1 else "tomorrow," if days else "today,"
    return f"is a default voice, and those are retired {left} {RETIREMENT}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choice that is to be judged."""

    voice_id: str
    model_id: str
    language: str
    """BCP 47; empty when any will do."""
    settings: Mapping[str, float]
    """As configured."""

    @property
    def model(self) -> Model:
        return MODELS.get(self.model_id, UNKNOWN)


class Account:
    """Asked once for each thing; remembers nothing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    # -- what there is -----------------------------------------------------------------------------

    async def offer(self, progress: Progress = unheard) -> Offer:
        """All voices, page after page, and all models that speak. Raises SpeechError."""
        try:
            with _readable():
                return await self._offer(progress)
        except Refused as error:
            if error.reason == "missing_permissions":
                raise Refused(error.reason, hint=MAY_NOT_LIST) from None
            raise

    async def _offer(self, progress: Progress) -> Offer:
        models = await self._models()
        names = {one.name.lower(): one.language_id for model in models for one in model.languages or []}
        voices: list[OfferedVoice] = []
        total = 0
        async for page, total in self._pages():
            voices += [_voice(listed, names) for listed in page]
            progress(len(voices), max(total, len(voices)))
        remarks = (f"Only {len(voices)} of {total} voices could be listed.",) if len(voices) < total else ()
        return Offer(tuple(voices), tuple(_model(listed) for listed in models), remarks)

    async def _pages(self) -> AsyncIterator[tuple[Sequence[ListedVoice], int]]:
        """(voices, how many there are in all)."""
        token: str | None = None
        seen: set[str | None] = set()
        while token not in seen and len(seen) < MOST_PAGES:
            seen.add(token)
            page: GetVoicesV2Response = await self._page(token)
            yield [voice for voice in page.voices or [] if voice.voice_id], getattr(page, "total_count", None) or 0
            if not page.has_more or not page.next_page_token:
                return
            token = page.next_page_token

    async def _page(self, token: str | None) -> GetVoicesV2Response:
        more = {"next_page_token": token} if token else {}
        answer: GetVoicesV2Response = await self._ask(
            lambda client: client.voices.search(page_size=PAGE, request_options=ONCE, **more)
        )
        return answer

    async def _models(self) -> list[ListedModel]:
        listed: list[ListedModel] = await self._ask(lambda client: client.models.list(request_options=ONCE))
        speak = [model for model in listed if getattr(model, "can_do_text_to_speech", None) is not False]
        return [model for model in speak if model.model_id]

    # -- whether it will do ------------------------------------------------------------------------

    async def check(self, wanted: Wanted, today: date) -> list[Finding]:
        """One finding or more for each of voice, model and account. Never raises for what it finds."""
        findings: list[Finding] = []
        looks: Mapping[str, Callable[[], Awaitable[list[Finding]]]] = {
            "voice.voice_id": lambda: self._look_at_voice(wanted, today),
            "voice.model_id": lambda: self._look_at_model(wanted),
            "voice.api_key": self._look_at_account,
        }
        for key, look in looks.items():
            try:
                with _readable():
                    findings += await look()
            except SpeechError as error:
                findings.append(found_out(key, error))
                if not isinstance(error, VoiceUnavailable) and error.reason != "missing_permissions":
                    break  # the other looks would find the same
        return findings

    async def _look_at_voice(self, wanted: Wanted, today: date) -> list[Finding]:
        try:
            voice: ListedVoice = await self._ask(
                lambda client: client.voices.get(quote(wanted.voice_id, safe=""), request_options=ONCE)
            )
        except VoiceUnavailable as error:
            finding = found_out("voice.voice_id", error)
            return [replace(finding, message=finding.message + await self._nearest(wanted))]
        name = getattr(voice, "name", None) or wanted.voice_id
        if ends := retirement(today, getattr(voice, "category", None) or ""):
            cure = await self._replacement(wanted)
            over = today > RETIREMENT
            message = f"{name} {ends}: {cure}."
            return [Finding("error" if over else "warning", "voice.voice_id", message, "voice_retired" if over else "")]
        return [Finding("ok", "voice.voice_id", f"{name} is on this account.")]

    async def _replacement(self, wanted: Wanted) -> str:
        """The first own voice that lists the language, else any own voice; the general cure when there is none or
        the key may not look."""
        own = [voice for voice in await self._peek() if voice.category not in DEFAULT_CATEGORIES]
        fits = [voice for voice in own if lists(voice.languages, wanted.language)] if wanted.language else []
        for voice in fits or own:
            return f"use {voice.name} ({voice.id}) instead"
        return "make or add a voice of your own"

    async def _nearest(self, wanted: Wanted) -> str:
        """People write the name where the id belongs, or one letter of it wrong."""
        voices = await self._peek()
        named = {word.lower(): voice for voice in voices for word in (voice.id, voice.name)}
        words = difflib.get_close_matches(wanted.voice_id.lower(), named, n=3)
        near = dict.fromkeys([named[word] for word in words] or voices[:3])
        return f" It has {', '.join(f'{voice.name} ({voice.id})' for voice in near)}." if near else ""

    async def _peek(self) -> Sequence[OfferedVoice]:
        """The account's voices; none when they cannot be listed, for a cure is only a kindness."""
        try:
            with _readable():
                return [_voice(listed, {}) async for page, _ in self._pages() for listed in page]
        except SpeechError:
            return []

    async def _look_at_model(self, wanted: Wanted) -> list[Finding]:
        models = {model.model_id: model for model in await self._models()}
        if wanted.model_id not in models:
            near = difflib.get_close_matches(wanted.model_id, models, n=3) or list(models)[:3]
            known = f" It offers {', '.join(near)}." if near else ""
            message = f"{wanted.model_id} does not speak on this account.{known}"
            return [Finding("error", "voice.model_id", message, "model_not_found")]
        return [*_remarks(wanted, models[wanted.model_id]), *_language(wanted, models), *_settings(wanted, models)]

    async def _look_at_account(self) -> list[Finding]:
        account: Subscription = await self._ask(lambda client: client.user.subscription.get(request_options=ONCE))
        return [
            account_finding(
                getattr(account, "character_limit", None),
                getattr(account, "character_count", None),
                getattr(account, "next_character_count_reset_unix", None),
            )
        ]


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """The SDK builds its nouns of whatever came, without looking: what is missing is missed only when it is used."""
    try:
        yield
    except (AttributeError, TypeError, ValueError):
        raise Encoding("unreadable_answer", hint=BASE_URL) from None


# -- what was listed, in our words -----------------------------------------------------------------


def _voice(listed: ListedVoice, names: Mapping[str, str]) -> OfferedVoice:
    """`names`: a language's English name, in lower case, to its id; some labels hold the one and some the other."""
    said = [(listed.labels or {}).get("language")]
    said += [getattr(one, "locale", None) or one.language for one in listed.verified_languages or []]
    languages = [names.get(word.lower(), word) for word in said if word]
    category = str(listed.category or "")
    retires = str(RETIREMENT) if category in DEFAULT_CATEGORIES else ""
    name = getattr(listed, "name", None) or listed.voice_id
    return OfferedVoice(str(listed.voice_id), str(name), category, distinct(languages), retires)


def _model(listed: ListedModel) -> OfferedModel:
    known = MODELS.get(listed.model_id)
    return OfferedModel(
        listed.model_id,
        tuple(language.language_id for language in listed.languages or []),
        listed.maximum_text_length_per_request or (known.characters if known else 0),
        _honours(known) if known else None,
        f"deprecated: use {known.replaced_by}" if known and known.replaced_by else "",
    )


def _honours(model: Model) -> tuple[str, ...]:
    abilities = {
        "language": model.language_code,
        "continuity": model.stitches,
        "audio tags": model.tags,
        "IPA": model.ipa,
    }
    return (*sorted(model.settings), *(name for name, has in abilities.items() if has))


# -- judging ---------------------------------------------------------------------------------------


def _remarks(wanted: Wanted, model: ListedModel) -> list[Finding]:
    longest = model.maximum_text_length_per_request or wanted.model.characters
    takes = f" and takes {longest} characters a request" if longest else ""
    found = [Finding("ok", "voice.model_id", f"{wanted.model_id} is offered{takes}.")]
    if wanted.model.replaced_by:
        found.append(_warn("model_id", f"{wanted.model_id} is deprecated: use {wanted.model.replaced_by}."))
    return found


def _language(wanted: Wanted, models: Mapping[str, ListedModel]) -> list[Finding]:
    offered = {key: tuple(one.language_id for one in model.languages or []) for key, model in models.items()}
    if not wanted.language or lists(offered[wanted.model_id], wanted.language) is not False:
        return []
    able = [key for key, known in offered.items() if lists(known, wanted.language)]
    fresh = [key for key in able if not MODELS.get(key, UNKNOWN).replaced_by]
    cure = f"{fresh[0]} does" if fresh else "choose another model"
    return [_warn("model_id", f"{wanted.model_id} does not list {wanted.language}: {cure}.")]


def _settings(wanted: Wanted, models: Mapping[str, ListedModel]) -> list[Finding]:
    found, sent_all = [], honoured(wanted.model_id, wanted.settings)
    for key, value in wanted.settings.items():
        sent = sent_all.get(key)
        if sent is None or (key == "style" and models[wanted.model_id].can_use_style is False):
            found.append(_warn(key, f"{wanted.model_id} ignores {key}: leave it out."))
        elif sent != value:
            found.append(_warn(key, f"{wanted.model_id} takes {key} = {sent:g}, not {value:g}: {sent:g} is sent."))
    return found


def account_finding(limit: object, used: object, resets_unix: object) -> Finding:
    """What is left of the period's characters; under a tenth is a warning."""
    if not isinstance(limit, int) or not isinstance(used, int):
        return _warn("api_key", "What is left on the account could not be read.")
    left = max(0, limit - used)
    until = _until(resets_unix)
    if not left:
        message = f"No characters are left{until}: raise the plan or add a fallback."
        return Finding("error", "voice.api_key", message, "quota_exceeded")
    if left * 10 < limit:
        return _warn("api_key", f"Only {left} of {limit} characters are left{until}: raise the plan or add a fallback.")
    return Finding("ok", "voice.api_key", f"{left} of {limit} characters are left{until}.")


def _until(resets_unix: object) -> str:
    """With its blank; empty when the provider told no day, or none that could be one."""
    with contextlib.suppress(OverflowError, OSError, ValueError):
        return f" until {datetime.fromtimestamp(resets_unix, UTC):%Y-%m-%d}" if isinstance(resets_unix, int) else ""
    return ""


def _warn(key: str, message: str) -> Finding:
    return Finding("warning", f"voice.{key}", message)


def found_out(key: str, error: SpeechError) -> Finding:
    """A look that failed; `key` is what was looked at."""
    if error.reason == "missing_permissions":
        return Finding(
            "warning", key, "Unknown: the key may not look this up. It can still speak, if it is allowed to."
        )
    if isinstance(error, VoiceUnavailable | Quota):
        return Finding("error", key, f"{error.reason}: {error.hint}", error.reason)
    if isinstance(error, RateLimited):
        return Finding("warning", key, f"Unknown, {error.reason}: {error.hint}")
    return Finding("error", blamed(error), f"{error.reason}: {error.hint}", error.reason)


def blamed(error: SpeechError) -> str:
    """The key of the configuration that is to be looked at."""
    return "voice.api_key" if isinstance(error, Refused | Quota) and BASE_URL not in error.hint else "voice.base_url"
