"""`recado repost`: by the gateway that runs, which owns the database, or without it by the store itself."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp

from gateway import givenup
from gateway.config import Config
from gateway.givenup import NAMES, InVain, NotGivenUp, PerhapsSent
from gateway.installation import Installation, NotEmbedded
from gateway.outbound import client, json_object
from storage.model import ConversationId, Kind
from storage.sqlite import SqliteStore
from storage.store import StoreError

PATIENCE = 30.0
MOST = 64 * 1024
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where it listens, told by a configuration
FOUND, USAGE, CANNOT = 1, 2, 3
GONE = (
    "there is no such dead letter: it was posted again, or turned out to be sent. `recado doctor` shows those there are"
)
NO_DOOR = (
    "what answers at server.host and server.port has no door for it: a process of another role, or another program. "
    "Run this where `--role web`, or all of recado, serves"
)
UNSURE = "it may have been sent: look at the conversation; --force posts it all the same, and it may come twice"


class CannotRepost(Exception):
    """The text says what to do; `code` is the command's."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


async def repost(config: Config, address: str, *, force: bool) -> int:
    """The new entry's number. `address`: `CONVERSATION:KIND:SEQ`. Raises CannotRepost."""
    try:
        id, kind, seq = givenup.parsed(address)
    except ValueError as error:
        raise CannotRepost(str(error), USAGE) from None
    place = _place(config)
    if place is None or place.is_running():
        return await _by_the_gateway(config, id, kind, seq, force, runs=place is not None)
    if not place.is_there():
        raise CannotRepost(f"there is no database at {place.database}: name the configuration with --config", CANNOT)
    return await _by_ourselves(place, id, kind, seq, force)


def _place(config: Config) -> Installation | None:
    try:
        return Installation.of(config)
    except NotEmbedded:
        return None


async def _by_ourselves(place: Installation, id: ConversationId, kind: Kind, seq: int, force: bool) -> int:
    store = SqliteStore(place.database)
    try:
        await store.open()
        return (await givenup.repost(store, id, kind, seq, force=force)).seq
    except NotGivenUp:
        raise CannotRepost(GONE, FOUND) from None
    except PerhapsSent:
        raise CannotRepost(UNSURE, FOUND) from None
    except InVain as error:
        raise CannotRepost(str(error), FOUND) from None
    except StoreError as error:
        raise CannotRepost(str(error), CANNOT) from None
    finally:
        await store.close()


async def _by_the_gateway(config: Config, id: ConversationId, kind: Kind, seq: int, force: bool, *, runs: bool) -> int:
    """`runs`: one does, on this machine; else the database is a server's, and nobody can tell from here."""
    key = config.server.admin_key.get_secret_value()
    if not key:
        cure = "the gateway runs and has no server.admin_key: set one, or stop it first"
        raise CannotRepost(cure if runs else "a gateway does it, and has no server.admin_key: set one", CANNOT)
    host = EVERYWHERE.get(config.server.host, config.server.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{config.server.port}"
    url += f"/v1/dead/{quote(id, safe='')}/{NAMES[kind]}/{seq}/repost"
    try:
        async with (
            client(allow_private=True, timeout=PATIENCE) as http,
            http.post(url, json={"force": force}, headers={"Authorization": f"Bearer {key}"}) as answer,
        ):
            return _taken(answer.status, (await json_object(answer, MOST)) or {})
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        told = f"does not answer at server.host and server.port ({type(error).__name__}): run this where it"
        cure = (
            f"the gateway runs and {told} runs, or stop it first" if runs else f"a gateway does it, and {told} serves"
        )
        raise CannotRepost(cure, CANNOT) from None


def _taken(status: int, body: object) -> int:
    """Raises CannotRepost."""
    said = body if isinstance(body, dict) else {}
    if status == 200 and isinstance(said.get("seq"), int):
        return int(said["seq"])
    if status == 404 and said.get("detail") == said.get("title"):
        raise CannotRepost(NO_DOOR, CANNOT)
    if status == 503:
        raise CannotRepost("the gateway cannot use its database now: /readyz says why; then again", CANNOT)
    if status == 409 and said.get("field") == "conversation":
        raise CannotRepost(str(said["detail"]), FOUND)
    if status in (404, 409) and "detail" in said:
        raise CannotRepost(GONE if status == 404 else UNSURE, FOUND)
    if status in (401, 403):
        raise CannotRepost(
            "the gateway that runs has another server.admin_key: start it again, or name its file", CANNOT
        )
    raise CannotRepost(f"the gateway answers {status}: is it another version, or another program at that port?", CANNOT)
