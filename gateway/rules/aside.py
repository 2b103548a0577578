"""Messages that are kept and shown, and that nobody answers by himself. Pure."""

from __future__ import annotations

import re

from gateway.channels.base import Inbound, Wish
from gateway.config import ChannelSettings


def aside(inbound: Inbound, channel: ChannelSettings, now: int) -> str:
    """Why the message is not to be answered, or an empty string. `now`: milliseconds.

    `ignored_contact`: on the channel's list, or not on its list of those who are answered; `group`; `late`: written
    longer ago than `max_age_s` (0: nothing is late); `nothing_new`: no words, only how those before it are to be
    answered.
    """
    if inbound.wish != Wish() and not (inbound.text or inbound.audio or inbound.attachments):
        return "nothing_new"
    if _listed(inbound, channel.ignore) or (channel.only and not _listed(inbound, channel.only)):
        return "ignored_contact"
    if inbound.group and channel.groups == "ignore":
        return "group"
    if channel.max_age_s and now - inbound.at > channel.max_age_s * 1000:
        return "late"
    return ""


def _listed(inbound: Inbound, entries: tuple[str, ...]) -> bool:
    """An entry is written as people write a number, or as the channel writes an id."""
    if not entries:
        return False
    ids = {inbound.contact, *inbound.aliases}
    names = ids | {digits for digits in map(_digits, ids) if digits}
    return any(entry in names or _digits(entry) in names for entry in entries)


def _digits(id: str) -> str:
    """Of a phone number however it is spelled; an empty string for anything else."""
    return re.sub(r"[+\s().-]", "", id) if re.fullmatch(r"\+?[\d\s().-]+", id) else ""
