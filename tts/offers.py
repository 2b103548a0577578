"""What there is to choose from: the voices and models of an account, or of the embedded voice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""(voices listed, voices in all)."""


def unheard(done: int, of: int) -> None:
    """For whoever does not want to hear of progress."""


def base(language: str) -> str:
    """`pt` of `pt-BR`: providers list languages without the country, mostly."""
    return language.replace("_", "-").split("-")[0].lower()


def lists(languages: tuple[str, ...], language: str) -> bool | None:
    """Whether the language is among them, whatever the country; None when nobody said which there are."""
    return base(language) in {base(one) for one in languages} if languages else None


def distinct(languages: Iterable[str]) -> tuple[str, ...]:
    """A language without a country says nothing beside the same with one."""
    every = tuple(dict.fromkeys(languages))
    local = {base(language) for language in every if "-" in language}
    return tuple(language for language in every if "-" in language or language.lower() not in local)


@dataclass(frozen=True, slots=True)
class OfferedVoice:
    id: str
    """What `voice.voice_id` takes."""
    name: str
    category: str = ""
    """The provider's word: `cloned`, `professional`, `premade`…; the engine's for an embedded one."""
    languages: tuple[str, ...] = ()
    """BCP 47, as listed; empty when nobody said."""
    retires: str = ""
    """RFC 3339 date; empty when nothing of the kind is known."""


@dataclass(frozen=True, slots=True)
class OfferedModel:
    id: str
    """What `voice.model_id` takes."""
    languages: tuple[str, ...] = ()
    characters: int = 0
    """The longest text of one request; 0 when unknown."""
    honours: tuple[str, ...] | None = None
    """Settings it hears, and `language`, `continuity`, `audio tags`, `IPA`; None when unknown."""
    remark: str = ""
    """Deprecated and for what, or when it ends; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Offer:
    voices: tuple[OfferedVoice, ...] = ()
    models: tuple[OfferedModel, ...] = ()
    remarks: tuple[str, ...] = ()
    """Sentences for the operator: what could not be listed, and where to look instead."""
