"""Why there is no sound.

    SpeechError                 reason · retryable · retry_after · hint
    ├── Quota                   the account has no characters left
    ├── VoiceUnavailable        the voice or model is gone, retired or not in the plan
    ├── RateLimited             too many at once, or too fast
    ├── Unreachable             network, timeout, 5xx
    ├── Refused                 the request or the key was refused
    │   └── Unspeakable         these words cannot be spoken, by this voice or at all: the voice is well
    └── Encoding                the bytes that came are not the sound that was asked for

`hint` is for the operator and says what to do; no customer ever sees any of it, and no key is ever in it.
"""

from __future__ import annotations


class SpeechError(Exception):
    """Speaking failed."""

    retryable = False

    def __init__(
        self, reason: str, *, hint: str = "", retry_after: float | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        """A short code: the provider's own where it has one, e.g. `quota_exceeded`."""
        self.hint = hint
        self.retry_after = retry_after
        """Seconds, when the provider said so."""
        if retryable is not None:
            self.retryable = retryable


class Quota(SpeechError):
    """The account has no characters left."""


class VoiceUnavailable(SpeechError):
    """The voice or the model does not exist, was retired, or is not in the plan."""


class RateLimited(SpeechError):
    """Too many requests at once, or too fast."""

    retryable = True


class Unreachable(SpeechError):
    """The provider did not answer in time, or answered 5xx."""

    retryable = True


class Refused(SpeechError):
    """The request or the key was refused."""


class Unspeakable(Refused):
    """The text is longer than the voice takes, or there is nothing in it to say. The next text may be fine."""


class Encoding(SpeechError):
    """The bytes are not the sound that was asked for, or could not be made into a voice note."""
