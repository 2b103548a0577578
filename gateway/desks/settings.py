"""`[queues.handoff.desk]`: which desk people of a queue answer at, and what it needs."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

DeskType = Literal["inbox", "chatwoot", "zendesk", "intercom", "slack", "webhook"]

KEYS: dict[str, tuple[str, ...]] = {
    "inbox": ("secret",),
    "chatwoot": ("url", "secret", "token", "account_id", "inbox_identifier", "team_id", "labels", "verify"),
    "zendesk": ("url", "secret", "token", "email", "group_id", "labels"),
    "intercom": ("url", "secret", "token", "admin_id", "team_id", "version"),
    "slack": ("url", "secret", "token", "channel_id"),
    "webhook": ("url", "secret"),
}
"""What may stand beside type."""
REQUIRED: dict[str, tuple[tuple[str, str], ...]] = {
    "inbox": (),
    "chatwoot": (
        ("url", "where your Chatwoot answers, e.g. https://app.chatwoot.com"),
        ("token", "an agent bot's or a user's access token"),
        ("account_id", "the number behind /accounts/ in Chatwoot's address"),
    ),
    "zendesk": (
        ("url", "e.g. https://yourshop.zendesk.com"),
        ("email", "of the agent whose API token it is"),
        ("token", "an API token, from Admin Center > Apps and integrations > APIs"),
        ("secret", "the webhook's signing secret; it proves where agents' comments come from"),
    ),
    "intercom": (
        ("token", "an access token of your Intercom app"),
        ("admin_id", "the teammate in whose name notes and assignments are made"),
        ("secret", "the app's client secret; it proves where webhooks come from"),
    ),
    "slack": (
        ("token", "the bot's token, xoxb-…"),
        ("channel_id", "where conversations are shown, e.g. C0123456789"),
        ("secret", "the app's signing secret, from its Basic Information page"),
    ),
    "webhook": (
        ("url", "who is told of handoffs"),
        ("secret", "handoffs are signed; make one with `recado secret`"),
    ),
}


class DeskSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: DeskType = "inbox"
    url: str = ""
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    account_id: int = Field(0, ge=0)
    inbox_identifier: str = Field("", max_length=200)
    team_id: int = Field(0, ge=0)
    labels: tuple[str, ...] = Field((), max_length=20)
    verify: bool = True
    email: str = Field("", max_length=200)
    group_id: int = Field(0, ge=0)
    admin_id: int = Field(0, ge=0)
    version: str = Field("2.14", pattern=r"^[0-9]{1,2}\.[0-9]{1,3}$")
    channel_id: str = Field("", pattern=r"^[A-Z0-9]{0,32}$")

    @property
    def in_use(self) -> bool:
        """People look there: a desk outside, or an inbox that somebody has the key of."""
        return self.type != "inbox" or bool(self.secret.get_secret_value())

    @model_validator(mode="after")
    def _keys_of_this_type(self) -> DeskSettings:
        for key in sorted(self.model_fields_set - {"type", *KEYS[self.type]}):
            near = difflib.get_close_matches(key, KEYS[self.type], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f'{key} is no key of a desk of type = "{self.type}"{hint}')
        for key, cure in REQUIRED[self.type]:
            value = getattr(self, key)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise ValueError(f"{key} is missing: {cure}")
        if self.type == "inbox" and 0 < len(self.secret.get_secret_value()) < 12:
            raise ValueError("secret can be guessed: take 12 characters or more; make one with `recado secret`")
        if self.inbox_identifier and not self.secret.get_secret_value():
            raise ValueError("secret is missing: of the API inbox's webhook; it proves where agents' answers come from")
        return self

    @property
    def in_place(self) -> bool:
        """People answer where the conversations lie already: a channel's own Chatwoot, and no API inbox."""
        return self.type == "chatwoot" and not self.inbox_identifier
