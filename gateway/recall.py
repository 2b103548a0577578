"""What is known about entries and does not stand in them: the words of voice notes, media that came later, receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway import transcript
from gateway.transcript import Beside
from storage.model import ConversationId, Entry, Fetched, Kind, MediaId
from storage.store import Store

States = Literal["all", "withdrawn", "none"]


@dataclass(frozen=True, slots=True)
class Recalled:
    heard: dict[int, str] = field(default_factory=dict)
    """The words of the contact's notes, by the number of their message."""
    notes: dict[int, MediaId] = field(default_factory=dict)
    """Those notes, with words or without."""
    fetched: Sequence[Fetched] = ()
    states: dict[str, str] = field(default_factory=dict)
    """Of deliveries, by their id."""

    def beside(self, entry: Entry) -> Beside:
        if entry.kind is Kind.OUT:
            return Beside(state=self.states.get(entry.dedup, ""))
        return Beside(self.heard.get(entry.seq), fetched=[one for one in self.fetched if one.seq == entry.seq])


async def recall(
    store: Store, id: ConversationId, entries: Sequence[Entry], *, states: States = "withdrawn"
) -> Recalled:
    """About these entries of one conversation. `states`: how far each delivery got, or only which were withdrawn."""
    fetched = await _fetched(store, id, entries)
    notes, heard = transcript.notes(entries, fetched), {}
    for seq, note in notes.items():
        if words := await store.heard(note):
            heard[seq] = words[0]
    return Recalled(heard, notes, fetched, await _states(store, id, entries, states))


async def _fetched(store: Store, id: ConversationId, entries: Sequence[Entry]) -> Sequence[Fetched]:
    """Asked only for messages that named media."""
    named = [e.seq for e in entries if e.kind is Kind.IN and transcript.received(e).attachments]
    return await store.fetched(id, min(named) - 1, max(named)) if named else ()


async def _states(store: Store, id: ConversationId, entries: Sequence[Entry], states: States) -> dict[str, str]:
    if states == "none" or not any(entry.kind is Kind.OUT for entry in entries):
        return {}
    if states == "all":
        return transcript.states(await store.receipts(id))
    return dict.fromkeys(await store.withdrawn(id), "withdrawn")
