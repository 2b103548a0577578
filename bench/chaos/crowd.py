"""Contacts who write without end, to whichever process is there, and the account of what became of each message."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiohttp

from bench.chaos.site import Heard, Site, lines_of

OFTEN = 0.12
"""Seconds: the longest pause between two messages of a contact."""
ENOUGH = 180.0
"""Seconds after which what is not answered is not going to be."""


@dataclass(slots=True)
class Account:
    """What was seen from outside, counted."""

    acknowledged: int = 0
    lost: int = 0
    """Acknowledged, and not there."""
    unanswered: int = 0
    """There, and no answer reached the contact."""
    twice: int = 0
    """Messages taken twice, or answered twice under two names."""
    disorder: int = 0
    """Answers that came after a later one."""
    jumbled: int = 0
    """Bursts whose messages were read in another order than they were written."""
    repeated: int = 0
    """Sends that reached the contact again under the same name."""
    duplicates: int = 0
    """Acknowledged as already there: the process died between commit and acknowledgement, or the network did."""
    refused: int = 0
    """Tries that were not acknowledged; each was made again."""
    told: int = 0
    """Of these, answered with 503 and Retry-After; the others were not answered at all."""
    strange: int = 0
    """Answered in another way, which a sender may take for final."""

    @property
    def well(self) -> bool:
        """But for `jumbled`, which only a wrong clock brings about."""
        wrong = self.lost or self.unanswered or self.twice or self.disorder or self.strange
        return self.acknowledged > 0 and not wrong

    def __str__(self) -> str:
        strange = f", {self.strange} answered with another error" if self.strange else ""
        return (
            f"{self.acknowledged:,} acknowledged, {self.lost} lost, {self.unanswered} unanswered, {self.twice} twice, "
            f"{self.disorder} out of order, {self.repeated} sends repeated{strange}"
        )


@dataclass(slots=True)
class Contact:
    site: Site
    name: str
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    conversation: str = ""
    refused: int = 0
    told: int = 0
    strange: int = 0
    duplicates: int = 0
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def write(self) -> None:
        """The next message, until it is acknowledged, by whoever is there."""
        text = f"{self.name}/{next(self._numbers)}"
        await self.insist(text)
        self.acknowledged.append(text)

    async def insist(self, text: str) -> None:
        while not await self.send(text):
            self.refused += 1
            await asyncio.sleep(0.05)

    async def send(self, text: str) -> bool:
        if not (there := self.site.alive):
            return False
        try:
            body = {"id": text, "contact": {"id": self.name}, "text": text}
            url = f"{self.chance.choice(there).url}/v1/channels/crm/messages"
            async with self.site.http.post(url, json=body) as answer:
                if answer.status != 202:
                    self.told += (told := answer.status == 503 and "Retry-After" in answer.headers)
                    self.strange += not told
                    return False
                said = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
        self.conversation = said["conversation"]
        self.duplicates += said["duplicate"]
        return True

    async def act(self, verb: str) -> None:
        """hold or release"""
        url = f"{self.site.alive[-1].url}/v1/conversations/{self.conversation}/{verb}"
        async with self.site.http.post(url, json={}) as answer:
            assert answer.status == 200, await answer.text()

    async def fetch(self, what: str, **query: str) -> Any:
        while True:  # all may be dead just now, and one that is cut off may still be asked
            try:
                url = f"{(self.site.alive or self.site.workers)[-1].url}/v1/conversations/{self.conversation}/{what}"
                async with self.site.http.get(url, params=query) as answer:
                    if answer.status == 200:
                        return await answer.json()
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.05)

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = await self.fetch("messages", after="0-0")
        while page["messages"]:
            found += page["messages"]
            page = await self.fetch("messages", after=page["cursor"])
        return found


class Crowd:
    def __init__(self, site: Site, size: int, seed: int, *, often: float = OFTEN) -> None:
        self.site, self._often = site, often
        self.contacts = [Contact(site, f"w{n}", random.Random(f"{seed}-{n}")) for n in range(size)]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """At the end each contact's last message is acknowledged, too: nobody leaves in the middle of one."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._write(contact, stop)) for contact in self.contacts]
        try:
            yield
            stop.set()
            await asyncio.wait_for(asyncio.gather(*tasks), ENOUGH)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, contact: Contact, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await contact.write()
            await asyncio.sleep(contact.chance.random() * self._often)

    @property
    def acknowledged(self) -> set[str]:
        return {text for contact in self.contacts for text in contact.acknowledged}

    async def answered(self, patience: float = ENOUGH) -> float:
        """Returns once every acknowledged message has been answered, or nobody waits any longer. Seconds."""
        return await self.reached(self.acknowledged, patience)

    async def reached(self, lines: set[str], patience: float = ENOUGH) -> float:
        began, heard, place = monotonic(), set[str](), 0
        while monotonic() - began < patience:
            new = self.site.recipients.heard[place:]
            place += len(new)
            heard.update(line for one in new for line in one.lines)
            if lines <= heard:
                break
            await asyncio.sleep(0.02)
        return monotonic() - began

    async def forget_lost(self) -> int:
        """What was acknowledged and is not there is waited for no longer. Returns how much."""
        before = len(self.acknowledged)
        for contact in self.contacts:
            there = {m["part"]["text"] for m in await contact.messages() if m["from"] == "contact"}
            contact.acknowledged = [text for text in contact.acknowledged if text in there]
        return before - len(self.acknowledged)

    async def account(self) -> Account:
        total = Account()
        for contact in self.contacts:
            if contact.acknowledged:
                heard = [one for one in self.site.recipients.heard if one.contact == contact.name]
                _count(total, contact, await contact.messages(), heard)
        return total


def _count(total: Account, contact: Contact, messages: Sequence[dict[str, Any]], heard: Sequence[Heard]) -> None:
    written = [m["part"]["text"] for m in messages if m["from"] == "contact"]
    answered = lines_of(*(m["part"]["text"] for m in messages if m["from"] == "assistant"))
    sends = {one.id: one.lines for one in heard}
    received = [line for lines in sends.values() for line in lines]
    total.acknowledged += len(contact.acknowledged)
    total.lost += len(set(contact.acknowledged) - set(written))
    total.unanswered += len(set(written) - (set(answered) & set(received)))
    total.twice += sum(_more_than_once(lines) for lines in (written, answered, received))
    bursts = [sorted(map(_number, lines)) for lines in sends.values()]
    total.disorder += _falls([number for burst in bursts for number in burst]) + _goes_back([one.id for one in heard])
    total.jumbled += sum(_falls([_number(line) for line in lines]) > 0 for lines in sends.values())
    total.repeated += len(heard) - len(sends)
    total.duplicates += contact.duplicates
    total.refused += contact.refused
    total.told += contact.told
    total.strange += contact.strange


def _more_than_once(lines: Sequence[str]) -> int:
    return sum(n > 1 for n in Counter(lines).values())


def _number(line: str) -> int:
    """What is no number was never written by a contact, and is out of every order."""
    number = line.rpartition("/")[2]
    return int(number) if number.isdigit() else -1


def _falls(numbers: Sequence[int]) -> int:
    return sum(after < before for before, after in itertools.pairwise(numbers))


def _goes_back(ids: Sequence[str]) -> int:
    """A send may be repeated, but not after the next one."""
    places: dict[str, int] = {}
    return _falls([places.setdefault(id, len(places)) for id in ids])
