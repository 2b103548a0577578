"""What a refusal of Telegram's Bot API means for the message that was refused. Pure.

`{"ok": false, "error_code", "description", "parameters"?: {"retry_after"?, "migrate_to_chat_id"?}}`; codes are few, so
the beginning of the description tells. Bot API 10.3 and the error names of core.telegram.org/api/errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.channels.base import ChannelError, Then

NO_SUCH_BOT = "Telegram does not know this token: copy it again from @BotFather, or make a new one there with /token"
NOT_TELEGRAM = "what answers at base_url is no Bot API; without base_url Telegram's own is asked"
RECONNECT = "the owner has to connect the bot again: Telegram > Settings > Telegram Business > Chatbots"
FLOOD = 5.0
"""Seconds to wait after a flood whose length is not told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one call."""

    status: int
    body: Mapping[str, Any] | None = None
    """None: it was no answer of a Bot API."""

    @property
    def ok(self) -> bool:
        return self.body is not None and self.body.get("ok") is True

    @property
    def result(self) -> Any:
        return self.body.get("result") if self.body else None

    @property
    def refused(self) -> bool:
        """Said by the Bot API itself: nothing was done."""
        return self.body is not None and self.body.get("ok") is False

    @property
    def code(self) -> int:
        code = self.body.get("error_code") if self.body else None
        return code if isinstance(code, int) and not isinstance(code, bool) else self.status

    @property
    def description(self) -> str:
        said = self.body.get("description") if self.body else None
        return said[:300] if isinstance(said, str) else ""

    @property
    def retry_after(self) -> float | None:
        """Seconds."""
        return float(seconds) if (seconds := self._parameter("retry_after")) is not None and seconds > 0 else None

    @property
    def moved_to(self) -> str:
        return str(chat) if (chat := self._parameter("migrate_to_chat_id")) is not None else ""

    def _parameter(self, name: str) -> int | None:
        parameters = self.body.get("parameters") if self.body else None
        value = parameters.get(name) if isinstance(parameters, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a 400 is about."""

    needle: str
    """In the description, in any case of letters."""
    reason: str
    then: Then
    remember: str = ""
    hint: str = ""


RULES = (
    Rule("VOICE_MESSAGES_FORBIDDEN", "VOICE_MESSAGES_FORBIDDEN", Then.AS_TEXT, "no_voice"),
    Rule("send voice notes", "no_rights_to_voice", Then.AS_TEXT, "no_voice"),
    Rule("CHAT_SEND_VOICES_FORBIDDEN", "CHAT_SEND_VOICES_FORBIDDEN", Then.AS_TEXT, "no_voice"),
    Rule("file is too big", "file_too_big", Then.AS_TEXT),
    Rule("message is too long", "message_too_long", Then.GIVE_UP, hint="Telegram takes 4096 characters at once"),
    Rule("message text is empty", "message_empty", Then.GIVE_UP),
    Rule("chat not found", "chat_not_found", Then.UNREACHABLE, "unreachable"),
    Rule("PEER_ID_INVALID", "PEER_ID_INVALID", Then.UNREACHABLE, "unreachable"),
    Rule("USER_IS_BLOCKED", "USER_IS_BLOCKED", Then.UNREACHABLE, "unreachable"),
    Rule("INPUT_USER_DEACTIVATED", "INPUT_USER_DEACTIVATED", Then.UNREACHABLE, "unreachable"),
    Rule("CHAT_WRITE_FORBIDDEN", "CHAT_WRITE_FORBIDDEN", Then.UNREACHABLE, "unreachable"),
    Rule("to send text messages", "no_rights_to_write", Then.UNREACHABLE, "unreachable"),
    Rule("rights to send a message", "no_rights_to_write", Then.UNREACHABLE, "unreachable"),
    Rule("message thread not found", "topic_gone", Then.UNREACHABLE, "unreachable"),
    Rule("TOPIC_CLOSED", "TOPIC_CLOSED", Then.UNREACHABLE, "unreachable"),
    Rule("TOPIC_DELETED", "TOPIC_DELETED", Then.UNREACHABLE, "unreachable"),
    Rule("BUSINESS_PEER_USAGE_MISSING", "BUSINESS_PEER_USAGE_MISSING", Then.TEMPLATE),
    Rule("BUSINESS_PEER_INVALID", "BUSINESS_PEER_INVALID", Then.UNREACHABLE, "unreachable"),
    Rule("BUSINESS_CONNECTION", "business_connection_gone", Then.UNREACHABLE, "unreachable", RECONNECT),
    Rule("business connection not found", "business_connection_gone", Then.UNREACHABLE, "unreachable", RECONNECT),
)
"""The first that fits. A business account's bot may write only where the contact wrote within 24 hours."""


def verdict(answer: Answer, *, voice: bool) -> ChannelError:
    """About a send that was not accepted. The words of Telegram stand in the hint."""
    if not answer.refused:
        return _not_telegram(answer, voice=voice)
    if answer.moved_to:
        return ChannelError("migrated", Then.MOVED, address={"chat_id": answer.moved_to})
    if answer.code in (429, 420):
        return _slow_down(answer)
    if answer.code in (401, 404):
        return ChannelError(f"http_{answer.code}", Then.STOP, hint=NO_SUCH_BOT)
    if answer.code == 403:
        return ChannelError(_forbidden(answer), Then.UNREACHABLE, hint=answer.description, remember="unreachable")
    if answer.code >= 500:
        return ChannelError(f"http_{answer.code}", Then.AGAIN, hint=answer.description)
    return _bad_request(answer, voice=voice)


def _bad_request(answer: Answer, *, voice: bool) -> ChannelError:
    said = answer.description.lower()
    for rule in RULES:
        if rule.needle.lower() in said:
            then = Then.GIVE_UP if rule.then is Then.AS_TEXT and not voice else rule.then
            hint = rule.hint or answer.description
            return ChannelError(rule.reason, then, hint=hint, remember="" if then is Then.GIVE_UP else rule.remember)
    then = Then.AS_TEXT if voice else Then.GIVE_UP
    return ChannelError(f"http_{answer.code}", then, hint=answer.description)


def _forbidden(answer: Answer) -> str:
    """A word for what a 403 is about."""
    said = answer.description.lower()
    words = {"blocked": "blocked", "deactivated": "deactivated", "kicked": "kicked", "initiate": "cannot_initiate"}
    return next((reason for word, reason in words.items() if word in said), "http_403")


def _slow_down(answer: Answer) -> ChannelError:
    """Telegram does not say whether the chat or the whole bot is too fast. The chat is: pacing keeps the bot below its
    30 a second, and a bot that is over it is told so in each chat."""
    return ChannelError("http_429", Then.SLOW_DOWN, retry_after=answer.retry_after or FLOOD, hint=answer.description)


def _not_telegram(answer: Answer, *, voice: bool) -> ChannelError:
    """A proxy spoke, or something was cut: only what it refuses by its own words was surely not sent."""
    if answer.status == 429:
        return _slow_down(answer)
    if answer.status == 413 and voice:
        return ChannelError("http_413", Then.AS_TEXT)
    if 300 <= answer.status < 500:
        return ChannelError(f"http_{answer.status}", Then.STOP, hint=NOT_TELEGRAM)
    return ChannelError(f"http_{answer.status}", Then.UNSURE, hint="the answer was no answer of Telegram")
