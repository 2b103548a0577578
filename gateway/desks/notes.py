"""What colleagues read at a desk of a conversation: who it is, what was said and by whom. Pure.

    head, about     why people are called: as a note, and as its labelled rows for desks with a markup of their own
    told, spoken    what was said, within what a comment holds (`cut`)
    untold, latest  of it, what the desk was not told yet; `place["at"]` keeps until when it was

Lines and cases are those of `desks.base`; labels come from `words`, in the queue's language. `ending` names a voice
note's file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.desks.base import Case, Line, News
from gateway.desks.words import words

COMMENT = 60_000
"""Bytes of UTF-8 that one comment holds; Zendesk cuts off at 64 KiB and says nothing."""
ENDINGS = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/webm": "webm",
    "audio/wav": "wav",
    "audio/amr": "amr",
    "audio/3gpp": "3gp",
    "audio/flac": "flac",
}
"""Of voice notes' files, by MIME type."""
TIME = re.compile(r"[0-9]{1,20}")


def kind_of(mime: str) -> str:
    """Without its parameters: `audio/ogg`."""
    return mime.partition(";")[0].strip().lower()


def about(item: Case | News) -> list[tuple[str, str]]:
    """(label, value) of what is known: who it is and, of a case, where it comes from and why."""
    w, name = words(item.language), item.name.strip()
    rows = [(w["contact"], item.contact if name in ("", item.contact) else f"{name} ({item.contact})")]
    if isinstance(item, Case):
        rows += [
            (w["channel"], item.channel),
            (w["queue"], " → ".join(dict.fromkeys(queue for queue in (item.queue, item.to) if queue))),
            (w["language"], item.speaks),
            (w["reason"], item.why or item.reason),
        ]
    return [(label, value) for label, value in rows if value]


def head(case: Case, *, again: bool) -> str:
    """Who it is and why, as the note that calls people, for the first time or `again`."""
    w = words(case.language)
    lines = [w["again"]] if again else []
    lines += [f"{label}: {value}" for label, value in about(case)]
    lines += ["", f"{w['summary']}:", case.summary] if case.summary else []
    lines += ["", f"{w['open']}: {case.url}"] if case.url else []
    return cut("\n".join(lines))


def told(lines: Sequence[Line], language: str) -> str:
    """What was said and by whom; the newest where it is too much."""
    w, kept, size = words(language), list[str](), 0
    for line in reversed(lines):
        one = cut(f"{w[line.by]}: {spoken(line, language)}")
        size += len(one.encode()) + 1
        if size > COMMENT:
            return "\n".join([w["earlier"], *reversed(kept)])
        kept.append(one)
    return "\n".join(reversed(kept))


def spoken(line: Line, language: str) -> str:
    """A voice note is marked as one: its words are what was heard."""
    w = words(language)
    if line.voice is None and not line.mime and line.text:
        return line.text
    return f"[{w['voice_note']}] {line.text or w['not_heard']}"


def cut(text: str) -> str:
    """Within what a comment holds, at the end of a line where there is one."""
    whole = text.encode()
    if len(whole) <= COMMENT:
        return text
    kept = whole[: COMMENT - 3].decode("utf-8", "ignore")
    at = kept.rfind("\n")
    return f"{kept[:at] if at > COMMENT // 2 else kept}…"


def untold(lines: Sequence[Line], place: Mapping[str, str]) -> Sequence[Line]:
    """Without what was told before: who is called again reads the rest."""
    before = latest(place, ())
    return [line for line in lines if line.at > int(before)]


def latest(place: Mapping[str, str], lines: Sequence[Line]) -> str:
    """Until when all is told, in milliseconds since the epoch: what `place["at"]` is from now on."""
    before = place.get("at", "")
    return str(max([int(before) if TIME.fullmatch(before) else 0, *(line.at for line in lines)]))
