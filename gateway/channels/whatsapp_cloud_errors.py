"""What an error of WhatsApp's Cloud API means for us. Pure.

Decided by `code`: the HTTP status is not reliable. Meanings as of Graph v26 (developers.facebook.com,
business-messaging/whatsapp/support/error-codes); what we do about each is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.channels.base import ChannelError, Then

LONGEST = 3600.0
"""Seconds: no wait is longer."""
ID_UNKNOWN = 33
"""As `error_subcode` of 100, or as a code: no such number, or this token may not see it."""

_LATER = "WhatsApp has trouble of its own; it is tried again"
_SLOWER = "too fast for WhatsApp; it goes on more slowly"
_PERSON = "WhatsApp does not deliver to this contact now; it can when the contact writes again"
_NEW_KEY = (
    "make a new token: business.facebook.com > Settings > System users > Generate token, never expiring, with "
    "whatsapp_business_messaging and whatsapp_business_management; put it into access_token"
)
_RIGHTS = "give the system user this app and this WhatsApp account with full control, then make a new access_token"
_BLOCKED = "Meta has limited this account: read business.facebook.com > Business support home and appeal there"
_PAY = "add or repair the payment method: business.facebook.com > WhatsApp Manager > Payment settings"
_REGISTER = "register the number: WhatsApp Manager > Phone numbers, or POST /{phone_number_id}/register with its PIN"
_TEMPLATE = "look at the template in WhatsApp Manager > Message templates: name, language, approval, no variables"
_BUG = "WhatsApp refused the message itself"

CODES: Mapping[int, tuple[Then, str]] = {
    1: (Then.AGAIN, _LATER),
    2: (Then.AGAIN, _LATER),
    131000: (Then.AGAIN, _LATER),
    131016: (Then.AGAIN, _LATER),
    131057: (Then.AGAIN, "the account is in maintenance at Meta; it is tried again"),
    135000: (Then.AGAIN, _LATER),
    4: (Then.SLOW_DOWN, _SLOWER),
    80007: (Then.SLOW_DOWN, _SLOWER),
    130429: (Then.SLOW_DOWN, _SLOWER),
    131056: (Then.SLOW_DOWN, "too many messages to this contact in a short time"),
    131047: (Then.TEMPLATE, "more than 24 hours since the contact wrote: only a template may be sent"),
    131026: (Then.UNREACHABLE, "no WhatsApp on this number, an old app, or the contact blocked us"),
    131030: (Then.UNREACHABLE, "a test number reaches listed numbers only: add it at WhatsApp > API Setup > To"),
    130472: (Then.UNREACHABLE, _PERSON),
    131049: (Then.UNREACHABLE, _PERSON),
    131050: (Then.UNREACHABLE, "the contact has opted out of marketing messages"),
    131062: (Then.UNREACHABLE, "this message cannot be sent to a contact whose phone number is hidden"),
    131051: (Then.AS_TEXT, "WhatsApp does not know this kind of message"),
    131052: (Then.AS_TEXT, "WhatsApp could not read the sound"),
    131053: (Then.AS_TEXT, "WhatsApp did not take the sound"),
    100: (Then.GIVE_UP, _BUG),
    131008: (Then.GIVE_UP, _BUG),
    131009: (Then.GIVE_UP, _BUG),
    131021: (Then.GIVE_UP, "the contact is the business's own number"),
    131063: (Then.GIVE_UP, "marketing templates are switched off for this account; use a utility template"),
    137000: (Then.GIVE_UP, "the contact's identity has changed; it is confirmed when the contact writes again"),
    0: (Then.STOP, _NEW_KEY),
    3: (Then.STOP, _RIGHTS),
    10: (Then.STOP, _RIGHTS),
    190: (Then.STOP, _NEW_KEY),
    131005: (Then.STOP, _RIGHTS),
    ID_UNKNOWN: (Then.STOP, f"no such phone_number_id, or this token may not see it: {_RIGHTS}"),
    368: (Then.STOP, _BLOCKED),
    131031: (Then.STOP, _BLOCKED),
    130497: (Then.STOP, "this account may not write to that country: see WhatsApp Manager > Account tools"),
    131048: (Then.STOP, "messages were blocked or flagged as spam: look at the quality rating in WhatsApp Manager"),
    131064: (Then.STOP, "the account's messaging limit is reached: look at WhatsApp Manager > Overview"),
    131042: (Then.STOP, _PAY),
    131044: (Then.STOP, _PAY),
    131037: (Then.STOP, "the display name is not approved yet: WhatsApp Manager > Phone numbers > Profile"),
    131045: (Then.STOP, _REGISTER),
    133010: (Then.STOP, _REGISTER),
    133016: (Then.STOP, "the number was registered too often; wait 72 hours, then register it once"),
}
"""Then, and the cure in words."""
PERMISSIONS = range(200, 300)
TEMPLATES = range(132000, 133000)
PER_CONTACT = (131056,)
"""Of the waits, those that concern one contact; the others concern the number."""


def code_of(error: Mapping[str, Any]) -> int:
    """-1 when it says none that can be one."""
    code = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 9:
        code = int(code)
    return code if type(code) is int and 0 <= code < 10**9 else -1


def meaning_of(error: Mapping[str, Any]) -> tuple[Then, str]:
    """Then, and the cure. `error`: Graph's `error` object, or one of the `errors` of a status."""
    code = code_of(error)
    if code == 100 and error.get("error_subcode") == ID_UNKNOWN:
        code = ID_UNKNOWN
    then, cure = CODES.get(code) or _by_range(code)
    if then is Then.GIVE_UP and error.get("is_transient") is True:
        return Then.AGAIN, _LATER
    return then, cure


def _by_range(code: int) -> tuple[Then, str]:
    if code in PERMISSIONS:
        return Then.STOP, _RIGHTS
    if code in TEMPLATES:
        return Then.GIVE_UP, _TEMPLATE
    return Then.GIVE_UP, "an error nobody knew when this was written: look the code up at Meta's error codes"


def verdict(error: Mapping[str, Any], *, attempt: int = 1, wait: float = 0.0, status: int = 400) -> ChannelError:
    """What the core does about it.

    `attempt`: 1 on the first try; a wait grows with it. `wait`: seconds asked for by the answer, at least.
    `status`: of the HTTP answer; a 5xx that can be read was refused for a while, unless its code says more.
    """
    then, cure = meaning_of(error)
    code = code_of(error)
    if status >= 500 and code not in CODES and then is Then.GIVE_UP:
        then, cure = Then.AGAIN, _LATER
    slow = then is Then.SLOW_DOWN
    return ChannelError(
        str(code) if code >= 0 else "refused",
        then,
        retry_after=backoff(attempt, wait) if slow else (min(wait, LONGEST) or None),
        hint=f"{cure} (WhatsApp error {code})" if code >= 0 else cure,
        remember="unreachable" if then is Then.UNREACHABLE else "",
        whole_channel=slow and code not in PER_CONTACT,
    )


def backoff(attempt: int, wait: float = 0.0) -> float:
    """Seconds: 4, 16, 64 … as Meta asks for, at least `wait`, at most LONGEST."""
    return min(max(4.0 ** min(max(attempt, 1), 6), wait), LONGEST)
