"""What each model of ElevenLabs honours. Pure.

From the provider's pages on models, late 2026; `GET /v1/models` is asked where it matters (`tts.elevenlabs_account`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is worth sending to a model. The rest would be ignored at best, and would make the cache key
    lie.
    """

    settings: frozenset[str]
    language_code: bool
    """Whether it can be told the language; the others hear it in the text."""
    stitches: bool
    """Whether the text before and after shapes the intonation."""
    characters: int
    """The longest text of one request; 0 when unknown."""
    tags: bool = False
    """Whether it acts audio tags out, such as `[whispers]`; the others read them aloud."""
    ipa: bool = False
    """Whether it takes a pronunciation between slashes."""
    group: str = "standard"
    """The provider counts open requests per group."""
    replaced_by: str = ""
    """Set when the model is deprecated."""


_TIMBRE = frozenset({"stability", "similarity_boost"})
_PACED = _TIMBRE | {"speed"}
_EVERYTHING = _PACED | {"style", "use_speaker_boost"}


def _tagged(group: str) -> Model:
    return Model(
        settings=_PACED, language_code=True, stitches=False, characters=10_000, tags=True, ipa=True, group=group
    )


def _quick(characters: int, *, language_code: bool, replaced_by: str = "") -> Model:
    return Model(
        settings=_PACED,
        language_code=language_code,
        stitches=True,
        characters=characters,
        group="turbo",
        replaced_by=replaced_by,
    )


_OLDEST = Model(
    settings=_TIMBRE,
    language_code=False,
    stitches=True,
    characters=10_000,
    replaced_by="eleven_multilingual_v2",
)
MODELS: Mapping[str, Model] = {
    "eleven_v4": _tagged("standard"),
    "eleven_v4_turbo": _tagged("turbo"),
    "eleven_v3": Model(
        settings=frozenset({"stability"}), language_code=True, stitches=False, characters=5_000, tags=True
    ),
    "eleven_multilingual_v2": Model(settings=_EVERYTHING, language_code=False, stitches=True, characters=10_000),
    "eleven_flash_v2_5": _quick(40_000, language_code=True),
    "eleven_flash_v2": _quick(30_000, language_code=False),
    "eleven_turbo_v2_5": _quick(40_000, language_code=True, replaced_by="eleven_flash_v2_5"),
    "eleven_turbo_v2": _quick(30_000, language_code=False, replaced_by="eleven_flash_v2"),
    "eleven_multilingual_v1": _OLDEST,
    "eleven_monolingual_v1": _OLDEST,
}
UNKNOWN = Model(settings=_EVERYTHING, language_code=True, stitches=False, characters=0)
"""A model younger than this file gets what the operator wrote and nothing that was not written.

Asking `/v1/models` first would put a request, and a permission many keys lack, before the first word; and the
provider ignores a language it does not know. Stitching is left out because some models refuse it.
"""
SLOWEST, FASTEST = 0.7, 1.2
V3_STABILITIES = (0.0, 0.5, 1.0)


def honoured(model_id: str, settings: Mapping[str, float]) -> dict[str, float]:
    """The settings this model hears, brought into the range it takes."""
    known = MODELS.get(model_id, UNKNOWN).settings
    kept = {key: value for key, value in settings.items() if key in known}
    if "speed" in kept:
        kept["speed"] = min(max(kept["speed"], SLOWEST), FASTEST)
    if model_id == "eleven_v3" and "stability" in kept:
        kept["stability"] = min(V3_STABILITIES, key=lambda step: abs(step - kept["stability"]))
    return kept


def understands_tags(model_id: str) -> bool:
    """A young sibling of a model that does is taken to do so too."""
    known = MODELS.get(model_id)
    return known.tags if known else model_id.startswith(("eleven_v3", "eleven_v4"))
