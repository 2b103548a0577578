"""The only place that builds things: `async with Gateway(config) as gateway`."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

from aiohttp import web

from gateway import equipment
from gateway.arrivals import Arrivals
from gateway.casefile import CaseFile
from gateway.channels.base import Channel, Hooked, Polled
from gateway.config import ChannelSettings, Config
from gateway.crew import Crew
from gateway.databases import VISITORS, database
from gateway.deliveries import Deliveries
from gateway.fetching import Fetching
from gateway.fleet import DOORS, LOOPS, Fleet, Role, fleet_of
from gateway.forgetting import forget, retention
from gateway.handovers import Handovers
from gateway.incidents import Incidents
from gateway.intake import Intake
from gateway.live import IDLE, WAITING, Live
from gateway.loops import Loop
from gateway.people import People
from gateway.presence import Presence
from gateway.setbacks import Setbacks
from gateway.spending import Spending
from gateway.steps.answer import Answer
from gateway.steps.consider import Consider
from gateway.steps.follow import Walk
from gateway.steps.hear import Hear
from gateway.steps.judge import Judge
from gateway.steps.remember import Remember
from gateway.steps.resume import Resume
from gateway.steps.settle import MAX_FOLDS, Settle
from gateway.steps.speak import Speak, phrases
from gateway.steps.utter import Utter
from gateway.telemetry import Telemetry
from gateway.tracing import traces_of
from gateway.turns import Turns
from gateway.voices import watch
from gateway.wakes import Wakes
from gateway.web.access import Access
from gateway.web.conversations import Conversations
from gateway.web.dead import Dead
from gateway.web.desks import Desks
from gateway.web.health import Health
from gateway.web.hooks import Hooks
from gateway.web.inbox import Inbox
from gateway.web.media import Media
from gateway.web.messages import Messages
from gateway.web.openai.counter import Counter
from gateway.web.openai.doors import routes
from gateway.web.openapi import description
from gateway.web.page import Page
from gateway.web.server import application, worker
from gateway.web.standing import Standing
from storage.media import MediaAway
from storage.model import Claim, ConversationId, Kind
from storage.retention import Books
from storage.store import Fenced, Store
from storage.vault import open_vault
from tts.encode import Encoder
from tts.profiles import PROFILES

log = logging.getLogger("recado")

KEEP_ALIVE = 75.0
"""Seconds an idle connection is kept; a client that never finishes its request is gone by then too."""
DRAIN = 6.0
"""Seconds for turns to finish after SIGTERM; the rest of the ten is for closing."""
ASKED_AGAIN = 5.0
"""Seconds before a provider is asked again after a surprise."""
ASKED_ONCE_MORE = 60.0
"""Seconds before a provider that said no for good is asked all the same: another program that asked for these messages
may have ended, and a key may be valid again."""
LOOKED_AT_DESKS = 60.0
"""Seconds between two questions whether people wrote something that no hook brought."""
LAST_SENDS = 1.0
"""Seconds for the deliveries after that."""
ENDS = {Kind.DESK: LAST_SENDS, Kind.OUT: LAST_SENDS, Kind.IN: DRAIN, Kind.LATER: LAST_SENDS}
"""For how many seconds each loop may finish. The last one here stops first, so that what turns wrote goes out."""


class Gateway:
    """Everything, wired. Raises StoreError and OSError from `__aenter__` when it cannot start."""

    def __init__(
        self,
        config: Config,
        *,
        suggestions: Mapping[str, Sequence[str]] | None = None,
        progress: Callable[[int, int], None] = lambda done, of: None,
        role: Role = "all",
    ) -> None:
        """`suggestions`: questions to begin with, by channel. `progress`: see `Equipment.progress`. `role`: what this
        process of a fleet does."""
        self.config, self._suggestions, self._progress = config, suggestions or {}, progress
        self.telemetry, self.live = Telemetry(), Live()
        self.notices: list[str] = []
        """What works less well than configured, a line each."""
        self.traces = traces_of(os.environ, self.notices)
        self.database = database(config)
        store = self.database.store(self._rang)
        self.store: Store = self.traces.watching(store) if self.traces else store
        self._owner, self._role = secrets.token_hex(8), role
        self.fleet = fleet_of(self.store, self._owner, self.telemetry)
        self.media = equipment.media(config.storage)
        self.encoder = Encoder()
        self.speak = Speak(self.store, self.media, self.live, self.telemetry)
        self.crews: dict[str, Crew] = {}
        self.channels: dict[str, Channel] = {}
        self.hooked: dict[str, Hooked] = {}
        """Those of providers."""
        self.incidents = Incidents.of(config.server, self.telemetry)
        self.spending = Spending(self.store, self.telemetry, self.incidents)
        self.url = ""
        self._loops: dict[Kind, Loop] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self.traces:
                self.traces.open()
                stack.push_async_callback(self.traces.close)
            await self.store.open()
            stack.push_async_callback(self.store.close)
            stack.push_async_callback(self.incidents.aclose)
            await self._open_media(stack)
            await self.encoder.start()
            stack.push_async_callback(self.encoder.close)
            await self._equip(stack)
            self._connect(stack)
            await self._listen(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nobody new is let in; what runs finishes, goes out or is given back; whoever still watches is let go; then
        everything closes, the store last."""
        await self._stack.aclose()

    # -- building ----------------------------------------------------------------------------------

    async def _open_media(self, stack: AsyncExitStack) -> None:
        """A place that is only away now keeps nobody from answering in words."""
        stack.push_async_callback(self.media.close)
        try:
            await self.media.open()
        except MediaAway as error:
            self.notices.append(str(error))

    async def _equip(self, stack: AsyncExitStack) -> None:
        """Crews for the queues, ways in and out for the channels."""
        self.channels = {c.name: equipment.channel(c, self.config) for c in self.config.channels}
        self.hooked = equipment.hooked(self.channels)
        for channel in self.channels.values():
            stack.push_async_callback(channel.close)
        cache = Path(self.config.storage.cache_dir)
        maker = equipment.Equipment(
            self.config,
            self.encoder,
            self.telemetry,
            self.notices,
            self.incidents,
            slots=self.fleet.slots,
            cache=cache,
            progress=self._progress,
        )
        stack.push_async_callback(maker.close)
        for queue in self.config.queues:
            crew = self.crews[queue.name] = await maker.crew(queue)
            for part in (*crew.assistants, crew.reference, crew.hearing, crew.voice, crew.actions):
                if part is not None:
                    stack.push_async_callback(part.close)
        await asyncio.to_thread(_import_all, sorted(maker.sdks))
        for notice in self.notices:
            log.warning(notice)
        warm = [*maker.warm, *self._phrases()]
        hosted: Any = partial(equipment.hosted_voice, slots=maker.slots)
        look, bill = partial(watch, self.config, hosted, self.incidents), self.spending.watch(self.config.queues)
        looking = self.fleet.while_mine("looking", look)
        for name, story in {"warming": _warm(warm), "looking": looking, "looking-at-budgets": bill}.items():
            stack.push_async_callback(_cancelled, asyncio.create_task(story, name=name))

    def _phrases(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """What is said again and again is spoken now, for each place where it will be played."""
        for channel in self.config.channels:
            if crew := self.crews.get(channel.queue):
                profile = PROFILES[self.channels[channel.name].capabilities.profile]
                yield from (partial(self.speak.prepare, crew, phrase, profile) for phrase in phrases(crew.queue))

    def _connect(self, stack: AsyncExitStack) -> None:
        """What stands between the doors, the turns and the providers."""
        settings = {channel.name: channel for channel in self.config.channels}
        queues = {queue.name: queue for queue in self.config.queues}
        base_url = self.config.server.public_url.rstrip("/")
        store, telemetry = self.store, self.telemetry
        presence = Presence(store, self.live, self.hooked, settings, queues)
        self.live.on_busy = presence.busy
        self.fetching = Fetching(store, self.media, self.encoder, self.hooked, telemetry)
        self.intake = Intake(store, self.media, self.encoder, self.live, telemetry, _wall_ms, channels=len(settings))
        self.desks = {queue.name: desk for queue in self.config.queues if (desk := equipment.desk(queue, self.config))}
        for desk in self.desks.values():
            stack.push_async_callback(desk.close)
        self.people = People(store, self.config, frozenset(self.desks))
        self.handovers = Handovers(
            store,
            CaseFile(
                store, self.media, self.people, self.crews, self.spending, f"{base_url}/inbox" if base_url else ""
            ),
            self.people,
            self.desks,
            {name: channel.capabilities for name, channel in self.channels.items()},
            self.incidents,
            telemetry,
        )
        self.deliveries = Deliveries(
            store,
            self.media,
            self.encoder,
            self.channels,
            queues,
            presence,
            self.people,
            telemetry,
            self.incidents,
            self.fleet,
            base_url,
            time.monotonic,
        )
        setbacks = Setbacks(store, self.channels, self.people, telemetry)
        self.arrivals = Arrivals(
            self.config,
            store,
            self.intake,
            self.deliveries,
            setbacks,
            self.fetching,
            presence,
            self.people,
            self.hooked,
            telemetry,
        )
        stack.push_async_callback(presence.close)
        stack.push_async_callback(self.fetching.close)

    async def _listen(self, stack: AsyncExitStack) -> None:
        server = self.config.server
        doors = await self._application()
        runner = web.AppRunner(doors, access_log=None, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(self.live.end)
        site = web.TCPSite(runner, server.host, server.port, backlog=1024)
        await site.start()
        self.url = f"http://{server.host}:{_port(site)}"
        self._start_loops(stack)
        self._ask_providers(stack)
        stack.push_async_callback(site.stop)

    async def _application(self) -> web.Application:
        base_url = self.config.server.public_url.rstrip("/")
        access = Access(self.config, await self._visitor_secret())
        capabilities = {name: channel.capabilities for name, channel in self.channels.items()}
        health = Health(self.config, access, self.store, self.telemetry, self._degraded)
        if self._role not in DOORS:
            return worker(health)
        standing = Standing(self.people, self.store, self.crews, capabilities, Utter(self.store, self.speak))
        return application(
            Messages(self.config, access, self.intake, self.store, self.live, self.telemetry, base_url),
            Conversations(self.config, access, self.store, self.live, self.people, standing, base_url, self._online),
            Media(access, self.store, self.media, self.encoder),
            Page(self.config, access, self.crews, self._suggestions),
            health,
            Hooks(self.config, self.arrivals, self.hooked, equipment.shared_hooks(self.channels), self.telemetry),
            Desks(self.handovers, self.desks, self.telemetry),
            Inbox(access, self.store, self.live, standing, base_url),
            Dead(access, self.store),
            description(),
            routes(
                Counter(self.config, access, self.intake, self.store, self.live, self.telemetry, base_url),
                self.crews,
                self.media,
                self.encoder,
            ),
        )

    def _degraded(self) -> list[str]:
        troubles = [f"channel {name}: {channel.trouble}" for name, channel in self.hooked.items() if channel.trouble]
        return [*self.notices, *troubles, *self.incidents.lines]

    async def _visitor_secret(self) -> bytes:
        """Signs visitors' cookies; made once, sealed at rest."""
        vault = open_vault(self.database.keys, os.environ)
        if (sealed := await self.store.sealed(VISITORS)) is None:
            made = vault.seal(VISITORS, secrets.token_urlsafe(32))
            await self.store.seal(VISITORS, made, anew=False)  # another process may be starting beside us
            sealed = await self.store.sealed(VISITORS) or made
        return vault.unseal(VISITORS, sealed).encode()

    # -- running -----------------------------------------------------------------------------------

    def _start_loops(self, stack: AsyncExitStack) -> None:
        capabilities = {name: channel.capabilities for name, channel in self.channels.items()}
        turns = Turns(
            self.store,
            self.crews,
            {channel.name: channel.queue for channel in self.config.channels},
            capabilities,
            self._online,
            Hear(self.store, self.media, self.fetching, self.telemetry),
            Resume(self.people),
            Remember(self.store, self.spending),
            Judge(self.spending, self.telemetry),
            Consider(self.store),
            Walk(Answer(self.store, self.media, self.live, self.spending, self.telemetry), self._keep, self.telemetry),
            self.speak,
            Settle(self.store, self.people, self.live, self._keep, self.telemetry),
        )
        wakes = Wakes(self.store, self.people, capabilities)
        works: dict[Kind, Callable[[Claim], Awaitable[None]]] = {
            Kind.IN: partial(_turn, turns, self.live),
            Kind.OUT: self.deliveries.run,
            Kind.DESK: self.handovers.run,
            Kind.LATER: wakes.run,
        }
        slots = self.config.server.at_once
        self._loops = {
            kind: Loop(kind, works[kind], self.store, self.telemetry, owner=self._owner, slots=slots,
                       folds=MAX_FOLDS if kind is Kind.IN else 0,
                       shares=len(self.config.channels if kind is Kind.OUT else self.config.queues))
            for kind in LOOPS[self._role]
        }  # fmt: skip
        for kind, grace in ENDS.items():
            if loop := self._loops.get(kind):
                stack.push_async_callback(loop.stop, grace, last_look=kind in (Kind.OUT, Kind.DESK))
                loop.start()
        beside = [self.fleet.follow(self.live, self._inboxes())]
        if self.desks:
            beside.append(_look(self.handovers.see_who_is_there, self.telemetry))
            beside.append(self.fleet.while_mine("desks", partial(_look, self.handovers.look, self.telemetry)))
        if (days := self.config.storage.keep_days) and self._loops:
            old = retention(cast(Books, self.store), self.media, days, self.telemetry)
            beside.append(self.fleet.while_mine("forgetting", partial(forget, old, self.telemetry)))
        for story in beside:
            stack.push_async_callback(_cancelled, asyncio.create_task(story, name="beside-the-loops"))

    def _inboxes(self) -> list[str]:
        return [queue.name for queue in self.config.queues if queue.handoff.desk.type == "inbox"]

    def _online(self, queue: str) -> bool:
        """Of our own inbox: its page is open somewhere. One that nobody has a key to is nobody's way to work."""
        desk = self.config.queue(queue).handoff.desk
        if desk.type == "inbox":
            here = self.live.watched(queue) or self.fleet.watched(queue)
            return here or not desk.secret.get_secret_value()
        return self.handovers.online(queue)

    def _ask_providers(self, stack: AsyncExitStack) -> None:
        """Those that are asked and do not post, and those that want to be told where to post."""
        for channel in self.config.channels:
            if self._role in DOORS and isinstance(polled := self.channels[channel.name], Polled):
                asks = _ask(polled, channel, self.arrivals, self.fleet)
                asking = asyncio.create_task(asks, name=f"asking-{channel.name}")
                stack.push_async_callback(_cancelled, asking)

    def _keep(self, conversation: ConversationId) -> None:
        """Its turn is about to do something outside."""
        self._loops[Kind.IN].keep(conversation)

    def _rang(self, kind: Kind, conversation: ConversationId) -> None:
        """The store committed something about a lane."""
        self.live.ring(conversation)
        if loop := self._loops.get(kind):
            loop.ring(conversation)


async def _turn(turns: Turns, live: Live, claim: Claim) -> None:
    """One that ends in the middle is made again, maybe by another process."""
    try:
        await turns.run(claim)
    except BaseException as error:
        live.say(claim.key, IDLE if isinstance(error, Fenced) else WAITING)
        raise


async def _ask(polled: Polled, channel: ChannelSettings, arrivals: Arrivals, fleet: Fleet) -> None:
    """Whatever goes wrong, it is asked again: without it nobody is answered any more."""
    while True:
        try:
            await polled.begin()
            if channel.mode != "polling":
                return
            poll = partial(polled.poll, lambda events, raw: arrivals.take(channel, events, raw))
            await fleet.while_mine(f"asking {channel.name}", poll)
            await asyncio.sleep(ASKED_ONCE_MORE)
        except Exception as error:
            arrivals.telemetry.failures.labels(type(error).__name__).inc()
            log.exception("asking a provider broke", extra={"facts": {"channel": channel.name}})
            await asyncio.sleep(ASKED_AGAIN)


async def _look(look: Callable[[], Awaitable[None]], telemetry: Telemetry) -> None:
    """Some desks say a thing once, and not again when we did not hear it."""
    while True:
        try:
            await look()
        except Exception as error:
            telemetry.failures.labels(type(error).__name__).inc()
            log.exception("asking desks what people do broke")
        await asyncio.sleep(LOOKED_AT_DESKS)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _import_all(names: Sequence[str]) -> None:
    """One after the other: what they share must not be met half imported by another thread."""
    for name in names:
        import_module(name)


async def _warm(parts: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Load what is slow the first time, one after the other, beside the serving. A failure here will be met, and
    explained, when the part is used."""
    for warm in parts:
        try:
            await warm()
        except Exception as error:
            log.info("a part could not be warmed up", extra={"facts": {"error": str(error)}})


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _port(site: web.TCPSite) -> int:
    """The one it really listens on, when any was asked for."""
    server = site._server
    sockets = getattr(server, "sockets", None) or []
    return int(sockets[0].getsockname()[1]) if sockets else 0
