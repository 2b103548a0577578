"""A channel: a configured way in and out. An adapter translates; every rule about what follows lives in the core.

    ChannelError    reason · then (what the core does about it) · retry_after · hint · remember · address
    Forged          a hook that does not prove where it comes from: 401, and nothing of it is stored
    NotFetched      a medium that cannot be had

`Channel` only sends (the web chat, the API). `Hooked` is a channel of a provider: it is posted to, too. What one
request of a provider means is told in events, in the order of the request:

    Inbound     a contact wrote, corrected, took back or reacted
    Status      what became of something we sent
    Echo        a person of the business wrote to the contact from elsewhere: takeover
    Reach       a contact can (not) be written to, or is found under another address from now on
    Noise       nothing for us, and why: counted
    Unknown     a shape nobody knows: stored raw, counted, shown by `recado check`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from tts.findings import Finding

# -- what comes in -------------------------------------------------------------------------------

Meaning = Literal["message", "edit", "revoke", "reaction"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that travels with a message and is not text."""

    kind: Literal["voice", "audio", "image", "video", "document", "sticker"]
    mime: str = ""
    """As the provider says; what it is, its bytes tell."""
    ref: str = ""
    """How the adapter's `fetch` finds it; opaque to the core. Empty: `data` is here."""
    data: bytes | None = field(default=None, repr=False)
    name: str = ""
    size: int = 0
    """Bytes as the provider says; 0 when it does not."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller of our own API may ask of the one answer."""

    format: Literal["", "text", "voice", "both"] = ""
    """In the place of the queue's reply format."""
    instructions: str = ""
    """Beside the queue's."""
    history: Sequence[tuple[Literal["contact", "assistant"], str]] | None = None
    """What was said before, in the place of our transcript."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The caller's own; kept with the message and handed back."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One verified message from a contact."""

    id: str
    """The provider's id: the same one twice is the same message."""
    contact: str
    """The most lasting id the provider gives; the same person under another one is in `aliases`."""
    name: str
    text: str
    """Words, also of what is not words but can be said in them: a place, a contact card, a pressed button."""
    at: int
    """Milliseconds since the epoch by the provider's clock; orders a burst."""
    audio: bytes | None = field(default=None, repr=False)
    """A voice note that is here already (our own API)."""
    meaning: Meaning = "message"
    of: str = ""
    """The id of the message that is edited, revoked or reacted to."""
    claimed: bool = False
    """Of an edit or revoke: whose it is, only the contact's own program says. It counts where `of` is a message of that
    contact, and nowhere else."""
    reply_to: str = ""
    """The id of the message this one answers."""
    aliases: Sequence[str] = ()
    """Every other id this contact goes by, as this request shows: a phone beside a BSUID, a lid beside a phone."""
    lasting: str = ""
    """The one of its ids that is never given to anybody else, where there is one. A phone number is."""
    address: Mapping[str, str] = field(default_factory=dict)
    """What a reply needs to find the contact; handed back in `Outgoing.address` as it is."""
    group: bool = False
    attachments: Sequence[Attachment] = ()
    unreadable: str = ""
    """The noun for something that nobody here can read: `sticker`, `poll`, `unsupported`; then `text` is empty."""
    token: Mapping[str, str] = field(default_factory=dict)
    """What `acknowledge` needs, e.g. the id of a pressed button."""
    wish: Wish = Wish()
    dated: bool = True
    """`at` is the sender's word, and not this machine's clock: then messages are read in the order they came in."""


@dataclass(frozen=True, slots=True)
class Status:
    """What became of something we sent."""

    id: str
    """The provider's id of what we sent."""
    status: Literal["sent", "delivered", "read", "played", "failed"]
    at: int
    delivery: str = ""
    """Our own id of the delivery, where the provider hands it back."""
    error: ChannelError | None = None
    """Of `failed`: what the core does about it."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A message to a contact that we may not have sent: a person on the phone, or our own send coming back."""

    id: str
    contact: str
    text: str
    at: int
    voice: bool = False
    aliases: Sequence[str] = ()
    address: Mapping[str, str] = field(default_factory=dict)
    by_us: bool = False
    """The provider says that it came over its API: it never is a takeover."""
    lasting: str = ""
    group: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """A contact can be reached or not, or has moved."""

    contact: str
    reachable: bool | None = None
    """None: nothing about that."""
    reason: str = ""
    moved_to: str = ""
    """The contact's new id; the old one stays an alias."""
    address: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noise:
    """Nothing that concerns a conversation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A shape nobody knows. The core keeps the raw request."""

    reason: str
    somebody_elses: bool = False
    """It is not for us to keep: only that it came."""


Event = Inbound | Status | Echo | Reach | Noise | Unknown


@dataclass(frozen=True, slots=True)
class Hook:
    """One raw request of a provider."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    tail: str = ""
    """What follows the hook's own path, e.g. `messages-upsert`."""


class Forged(Exception):
    """A hook that does not prove where it comes from."""


class NotFetched(Exception):
    """A medium could not be had. `retryable`: later it may."""

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retryable = reason, retryable


# -- what goes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can carry. The core asks this and never for a name."""

    voice_note: bool = True
    profile: str = "web"
    """What a voice note is like that plays there: a name of `tts.profiles.PROFILES`. Asked only where `send` carries
    the sound itself."""
    text_limit: int = 0
    """Of one message; 0 is no limit."""
    utf16: bool = False
    """The limit counts UTF-16 units, as the provider does, and not characters."""
    choices: int = 0
    """Buttons or list rows of one message; 0: options are written as numbered lines."""
    whole_reply: bool = False
    """All parts of a reply travel in one send."""
    pull: bool = False
    """The contact reads the transcript itself: what is written is delivered."""
    asked_only: bool = False
    """Whoever reads there asked for an answer and gets that one: nothing is said unasked."""
    presence_every: float = 0.0
    """Seconds after which "composing" or "recording" must be shown again; 0: the channel shows none."""
    reply_window: float = 0.0
    """Seconds after the contact's last message in which we may write freely; 0: always."""
    template: bool = False
    """Outside that window a template can be sent, and one is configured."""
    per_contact: tuple[float, float] = (0.0, 0.0)
    """(messages a second, burst) to one contact; a rate of 0 is no limit."""
    per_channel: tuple[float, float] = (0.0, 0.0)
    """The same over all contacts."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one send carries."""

    id: str
    """The idempotency key, equal on each retry."""
    conversation: str
    contact: str
    reply: dict[str, Any]
    """The public reply object (docs/api.md), with the parts of this send."""
    attempt: int
    """1 on the first try."""
    address: Mapping[str, str] = field(default_factory=dict)
    """Of the contact, as the adapter last gave it."""
    text: str = ""
    """Of a provider's channel: the one message, already within the limit; empty for a voice note or template."""
    choices: Sequence[str] = ()
    """Titles of the options under the text, at most `Capabilities.choices`."""
    voice: bytes | None = field(default=None, repr=False)
    """An Ogg/Opus voice note."""
    seconds: float = 0.0
    """Of the voice note."""
    template: bool = False
    """Send the configured template instead: the reply window has closed."""


@dataclass(frozen=True, slots=True)
class Sent:
    provider_id: str = ""
    status: str = "sent"


class Then(StrEnum):
    """What the core does about a send that failed."""

    AGAIN = "again"
    """Refused for certain and for a while: send it again after `retry_after`."""
    SLOW_DOWN = "slow_down"
    """Too fast: leave this contact (with `whole_channel`: everybody) alone for `retry_after`; no try is used up."""
    AS_TEXT = "as_text"
    """A voice note cannot be had here: send the words. `remember` says for how long: for good, when it is set."""
    TEMPLATE = "template"
    """The reply window has closed: the template, or a person."""
    MOVED = "moved"
    """The contact is found under `address` now: send it there."""
    UNREACHABLE = "unreachable"
    """This contact cannot be written to; remembered until it writes."""
    GIVE_UP = "give_up"
    """This message will never go: a bug or a setting. A dead letter, told to the operator."""
    STOP = "stop"
    """The channel itself does not work (key, payment, block): alert; its messages wait, none is lost."""
    UNSURE = "unsure"
    """It may have been sent: never sent again blindly; an echo or a status may settle it."""


class ChannelError(Exception):
    """A send failed."""

    def __init__(
        self,
        reason: str,
        then: Then,
        *,
        retry_after: float | None = None,
        hint: str = "",
        remember: str = "",
        whole_channel: bool = False,
        address: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        """A short code, the provider's own where it has one: `131047`, `http_500`, `VOICE_MESSAGES_FORBIDDEN`."""
        self.then = then
        self.retry_after = retry_after
        """Seconds; the channel's own schedule or the provider's word."""
        self.hint = hint
        """For the operator: what to do. Never a key."""
        self.remember = remember
        """A fact about this contact to keep, e.g. `no_voice`."""
        self.whole_channel = whole_channel
        self.address = address or {}


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def send(self, outgoing: Outgoing) -> Sent:
        """Raises ChannelError."""
        ...

    async def close(self) -> None: ...


Showing = Literal["composing", "recording", "paused"]


@runtime_checkable
class Hooked(Channel, Protocol):
    """A channel of a provider. Everything but `send` and `fetch` is best effort and raises nothing of the wire."""

    @property
    def trouble(self) -> str:
        """Why the connection does not work now, with the cure; empty when it does. Shown on /readyz."""
        ...

    def prove(self, headers: Mapping[str, str]) -> None:
        """Asked before a body is read, and again by `read`: raises Forged where headers alone tell. Names in lower
        case."""
        ...

    def read(self, hook: Hook) -> Sequence[Event]:
        """What a request means. Raises Forged. Whatever else a body holds, it becomes an event: never an error."""
        ...

    async def fetch(self, ref: str, limit: int) -> bytes:
        """At most `limit` bytes. Raises NotFetched."""
        ...

    async def acknowledge(self, message: Inbound) -> None:
        """Show that it was read (and answer a pressed button). Called after the commit, in a task of its own."""
        ...

    async def show(self, address: Mapping[str, str], message_id: str, doing: Showing) -> None:
        """Show the contact what we do, until the next send. `message_id`: the contact's last message."""
        ...

    async def check(self) -> Sequence[Finding]:
        """For `recado check`: is the account right, and does the provider know our address?"""
        ...


class SharedHook(Protocol):
    """One address for many channels of a provider; what a request holds says whose it is."""

    def challenge(self, query: Mapping[str, str]) -> str:
        """The body that answers the provider's GET. Raises Forged."""
        ...

    def prove(self, headers: Mapping[str, str]) -> None:
        """As `Hooked.prove`."""
        ...

    def read(self, hook: Hook) -> Sequence[tuple[str, Sequence[Event]]]:
        """By channel name. Raises Forged, also when any channel that is named is not proven."""
        ...


@runtime_checkable
class Polled(Hooked, Protocol):
    """A provider's channel that can also be asked."""

    async def begin(self) -> None:
        """Say who we are and, where it posts to us, where. Raises nothing: `trouble` says what did not work."""
        ...

    async def poll(self, take: Callable[[Sequence[Event], bytes], Awaitable[None]]) -> None:
        """Ask for ever. What came is confirmed only after `take(events, raw)` returned. Ends by itself only when
        asking makes no sense any more; `trouble` says why."""
        ...
