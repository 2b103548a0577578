"""What Slack's Events API tells, and Slack's way to write text. Pure.

Contract: docs.slack.dev, Events API and "Formatting message text", 2026. In text `&`, `<` and `>` are written as
entities, and what stands between bare `<` and `>` is a link, a mention or a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.desks.base import Challenge, Event, Noise, Resolved, Written

DONE = "white_check_mark"
"""The reaction that ends a handoff."""
LONGEST_CHALLENGE = 1000
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
"""A message's time and, within its channel, its name."""
TOKEN = re.compile(r"<([^<>\n]{1,4000})>")
NOTE = re.compile(r"\s*(//|<[@!])")
"""How a message among colleagues begins: with two slashes, or by calling one of them."""
EMOJI = re.compile(r":([a-z0-9_+-]{1,40}):(?::skin-tone-[2-6]:)?")
FACES = {
    "+1": "👍", "thumbsup": "👍", "-1": "👎", "ok_hand": "👌", "pray": "🙏", "clap": "👏", "raised_hands": "🙌",
    "wave": "👋", "muscle": "💪", "point_right": "👉", "point_down": "👇", "heart": "❤️", "tada": "🎉",
    "slightly_smiling_face": "🙂", "smile": "😄", "smiley": "😃", "grinning": "😀", "grin": "😁", "blush": "😊",
    "wink": "😉", "joy": "😂", "sweat_smile": "😅", "disappointed": "😞", "thinking_face": "🤔", "eyes": "👀",
    "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "star": "⭐", "sparkles": "✨",
    "phone": "☎️", "calendar": "📅", "round_pushpin": "📍", "rocket": "🚀", "smiling_face_with_3_hearts": "🥰",
}  # fmt: skip
"""Slack hands over names. Those people answer customers with; another stays as it is."""


def thread(channel: str, ts: str) -> str:
    """The id by which hooks name a conversation."""
    return f"{channel}/{ts}"


def events(body: Mapping[str, Any], channel: str, now: int) -> Sequence[Event]:
    """Of one request that is proven. `channel`: where our threads are. `now`: milliseconds, where Slack says none."""
    if body.get("type") == "url_verification":
        challenge = _text(body.get("challenge"))[:LONGEST_CHALLENGE]
        return [Challenge(challenge) if challenge else Noise("no_challenge")]
    event = body.get("event")
    if body.get("type") != "event_callback" or not isinstance(event, dict):
        return [Noise(f"slack_{_text(body.get('type'))[:40] or 'unreadable'}")]
    if event.get("type") == "message":
        return [_message(body, event, channel, now)]
    if event.get("type") == "reaction_added":
        return [_reaction(body, event, channel, now)]
    return [Noise(f"slack_{_text(event.get('type'))[:40] or 'unreadable'}")]


def _message(body: Mapping[str, Any], event: Mapping[str, Any], channel: str, now: int) -> Event:
    if why := _not_for_the_contact(body, event, channel):
        return Noise(why)
    text = "\n".join(filter(None, [plain(_text(event.get("text"))).strip(), *_links(event.get("files"))]))
    if not text:
        return Noise("slack_file_not_public" if event.get("files") else "slack_no_text")
    ts = _text(event["ts"])
    return Written(
        id=_text(body.get("event_id"))[:200] or thread(channel, ts),
        thread=thread(channel, _text(event["thread_ts"])),
        text=text,
        at=_milliseconds(ts, now),
        person=_person(event),
    )


def _not_for_the_contact(body: Mapping[str, Any], event: Mapping[str, Any], channel: str) -> str:
    """Why, or an empty string."""
    ts, root = _text(event.get("ts")), _text(event.get("thread_ts"))
    if event.get("bot_id") or event.get("bot_profile") or event.get("user") in (*_us(body), "USLACKBOT"):
        return "slack_bot"
    if event.get("subtype") not in (None, "file_share", "thread_broadcast") or event.get("hidden"):
        return "slack_" + (_text(event.get("subtype"))[:40] or "unreadable")
    if event.get("channel") != channel:
        return "slack_other_channel"
    if not TS.fullmatch(ts) or not _text(event.get("user")):
        return "slack_unreadable"
    if not TS.fullmatch(root) or root == ts:
        return "slack_no_thread"
    return "slack_note" if NOTE.match(_text(event.get("text"))) else ""


def _reaction(body: Mapping[str, Any], event: Mapping[str, Any], channel: str, now: int) -> Event:
    """On any message of the channel; only the core knows which one is a conversation's."""
    item = event.get("item")
    on: Mapping[str, Any] = item if isinstance(item, dict) else {}
    ts, at = _text(on.get("ts")), _text(event.get("event_ts"))
    if event.get("reaction") != DONE or on.get("type") != "message" or on.get("channel") != channel:
        return Noise("slack_reaction")
    if not TS.fullmatch(ts) or not _text(event.get("user")) or event.get("user") in _us(body):
        return Noise("slack_reaction")
    id = _text(body.get("event_id"))[:200] or f"{thread(channel, ts)}/{at[:40]}"
    return Resolved(id=id, thread=thread(channel, ts), at=_milliseconds(at, now), person=_text(event.get("user"))[:64])


def _us(body: Mapping[str, Any]) -> list[str]:
    """The users our app is in this workspace."""
    told = body.get("authorizations")
    bots = [one for one in told if isinstance(one, dict) and one.get("is_bot")] if isinstance(told, list) else []
    return [_text(one.get("user_id")) for one in bots if one.get("user_id")]


def _person(event: Mapping[str, Any]) -> str:
    """The name, where Slack sends one along; else the user's id."""
    told = event.get("user_profile")
    profile: Mapping[str, Any] = told if isinstance(told, dict) else {}
    names = (_text(profile.get(key)).strip() for key in ("display_name", "real_name", "name"))
    return next((name for name in names if name), _text(event.get("user")))[:64]


def _links(files: object) -> list[str]:
    """Of files that anybody may open. Any other link asks for a Slack login, which no contact has."""
    found = [one for one in files if isinstance(one, dict)] if isinstance(files, list) else []
    public = [one for one in found if one.get("public_url_shared") is True and _text(one.get("permalink_public"))]
    return [f"{_text(one.get('title'))[:200]} {_text(one.get('permalink_public'))[:1000]}".strip() for one in public]


def _milliseconds(ts: str, now: int) -> int:
    return int(ts.split(".")[0]) * 1000 + int(ts.split(".")[1][:3].ljust(3, "0")) if TS.fullmatch(ts) else now


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# -- text ----------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """As it is: nobody is called by it, and nothing becomes a link that says something else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(mrkdwn: str) -> str:
    """As a contact reads it. `*bold*` and `_italic_` stay: messengers read them alike."""
    text = EMOJI.sub(lambda found: FACES.get(found[1], found[0]), TOKEN.sub(_meant, mrkdwn))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _meant(token: re.Match[str]) -> str:
    target, _, label = token[1].partition("|")
    if target[:1] in "@#":
        return target[0] + (label or target[1:]).lstrip("@#")
    if target.startswith("!"):
        name = label or target[1:].partition("^")[0]
        return name if target.startswith("!date") else f"@{name.lstrip('@')}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    bare = re.sub(r"^https?://", "", address).rstrip("/")
    return address if label in ("", address, bare, bare + "/") else f"{label} ({address})"
