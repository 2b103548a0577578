"""The command `recado`.

Exit codes: 0 done · 1 `check`, `say`, `voices`, `flow check` or `doctor` found something wrong, a backup is not whole,
or what was moved is not the same · 2 the command or the configuration is wrong · 3 it cannot start or be done (port
taken, database open elsewhere, disk, something there already) · 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import ctypes
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.columns import plain
from gateway.config import Config, ConfigError, Queue, load
from tts.profiles import PROFILES, WEB

if TYPE_CHECKING:
    from gateway.fleet import Role
    from tts.ladder import Told

TIDY = 600.0
"""Seconds between two times that freed memory is given back."""
OK, FOUND, USAGE, CANNOT_START, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except ConfigError as error:
        print(f"recado: the configuration cannot be used\n{error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recado", description="Answers customers' chats with an AI assistant and a human voice."
    )
    parser.add_argument("--version", action="version", version=f"recado {version('recado')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _demo(commands.add_parser("demo", help="try it: no key, no configuration"))
    _run(commands.add_parser("run", help="serve a configuration"))
    _check(commands.add_parser("check", help="is everything in the configuration right? says what is not"))
    _say(commands.add_parser("say", help="make a voice note from a text"))
    _voices(commands.add_parser("voices", help="which voices and models are there to choose from?"))
    _flow(commands.add_parser("flow", help="look at a conversation by steps: recado flow check FILE"))
    _backup(commands.add_parser("backup", help="keep everything in one file, also while the gateway runs"))
    _restore(commands.add_parser("restore", help="put a backup back"))
    _move(commands.add_parser("move", help="take an embedded database to PostgreSQL, while the gateway is stopped"))
    _doctor(commands.add_parser("doctor", help="is an installation well, and what was given up? changes nothing"))
    _repost(commands.add_parser("repost", help="post again what was given up, as recado doctor names it"))
    secret = commands.add_parser("secret", help="print a new secret for callbacks or keys")
    secret.set_defaults(run=_print_secret)
    return parser


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="8080, or any free one when that is taken")
    parser.add_argument("--data", type=Path, default=Path(".recado"), help="folder for what the demo keeps")
    parser.add_argument("--lite", action="store_true", help="the small parts only: a robotic voice, no hearing")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page by itself")
    parser.set_defaults(run=_run_demo)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--role", choices=("all", "web", "turns", "deliveries"), default="all",
                        help="what this process of a fleet does; all of it without")  # fmt: skip
    parser.set_defaults(run=_run_gateway)


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.set_defaults(run=_run_check)


def _say(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--config", type=Path, metavar="FILE", help="without it: the embedded voice")
    parser.add_argument("--queue", metavar="Q", help="whose voice; the first queue's without it")
    parser.add_argument("--language", metavar="L", default="", help="of the text, e.g. pt-BR; the queue's without it")
    parser.add_argument("--profile", choices=PROFILES, default=WEB.name, help="where the note will be played")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("-o", "--output", type=Path, metavar="FILE.ogg")
    wanted.add_argument("--show-speakable", action="store_true", help="print the words that would be spoken")
    parser.set_defaults(run=_run_say)


def _voices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="without it: the embedded voice")
    parser.add_argument("--queue", metavar="Q", help="whose accounts; the first queue's without it")
    parser.add_argument("--language", metavar="L", default="", help="only what speaks it, or may, e.g. pt")
    parser.set_defaults(run=_run_voices)


def _flow(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="draw a flow, or say what is wrong with it")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--mermaid", action="store_true", help="as a Mermaid flowchart, for documents")
    check.set_defaults(run=_run_flow_check)


def _backup(parser: argparse.ArgumentParser) -> None:
    _whose(parser)
    parser.add_argument("--to", type=Path, metavar="FILE.tar", help="without it: recado-<moment>.tar here")
    parser.add_argument("--with-key", action="store_true", help="and the key that opens what is sealed in it")
    parser.set_defaults(run=_run_backup)


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.tar")
    _whose(parser)
    parser.add_argument("--replace", action="store_true", help="the database that is there goes aside")
    parser.add_argument("--forget-sealed", action="store_true", help="take out the secrets that no key here opens")
    parser.set_defaults(run=_run_restore)


def _move(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, metavar="postgresql://…", help="an empty database")
    _whose(parser)
    parser.set_defaults(run=_run_move)


def _doctor(parser: argparse.ArgumentParser) -> None:
    _whose(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run_doctor)


def _repost(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="CONVERSATION:KIND:SEQ")
    _whose(parser)
    parser.add_argument("--force", action="store_true", help="also what may have been sent, and may come twice")
    parser.set_defaults(run=_run_repost)


def _whose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="without it: what the demo keeps in .recado")


def _server_flags(args: argparse.Namespace) -> Mapping[str, Any]:
    flags = {"server.host": args.host, "server.port": args.port}
    return {key: value for key, value in flags.items() if value is not None}


# -- serving -------------------------------------------------------------------------------------


def _run_gateway(args: argparse.Namespace) -> int:
    from gateway.databases import database

    config = load(args.config, flags=_server_flags(args))
    if args.role != "all" and database(config).alone:
        cure = "storage.url names a file, which belongs to one process: leave --role out, or name a PostgreSQL database"
        raise ConfigError(str(args.config), [f"--role {args.role}: {cure}"])
    return _serve(config, role=args.role)


def _run_demo(args: argparse.Namespace) -> int:
    from gateway.demo import demo_config, suggestions

    port = _free(args.host, 8080) if args.port is None else args.port
    config = demo_config(args.data, args.host, port, secrets.token_urlsafe(24), lite=args.lite)
    return _serve(config, suggestions=suggestions(), page="loja", open_browser=not args.no_browser)


def _free(host: str, wish: int) -> int:
    """The port, or 0 (any) when somebody else has it: a first try must not end in "address already in use"."""
    try:
        socket.create_server((host, wish)).close()
    except OSError:
        return 0
    return wish


def _serve(
    config: Config,
    *,
    suggestions: Mapping[str, Sequence[str]] | None = None,
    page: str = "",
    open_browser: bool = False,
    role: Role = "all",
) -> int:
    from gateway.telemetry import start_logging
    from storage.store import StoreError

    start_logging(config.server.log_level)
    try:
        code = asyncio.run(_until_told(config, suggestions or {}, page, open_browser, role))
    except (StoreError, OSError) as error:
        print(f"recado: cannot start: {error}", file=sys.stderr)
        return CANNOT_START
    return _leave(code)


def _leave(code: int) -> NoReturn:
    """Everything is closed. A thread that still works for somebody who has gone (half a minute of speech to
    transcribe, say) would keep the process until it is done; nothing it makes is wanted."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _until_told(
    config: Config, suggestions: Mapping[str, Sequence[str]], page: str, open_browser: bool, role: Role
) -> int:
    from gateway.app import Gateway

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no handlers here; Ctrl-C still works
            loop.add_signal_handler(number, stop.set)
    async with Gateway(config, suggestions=suggestions, progress=_show_reading, role=role) as gateway:
        _greet(gateway.url, page, gateway.notices, config, open_browser)
        _settle_down()
        await _tidy_until(stop, TIDY, _give_back)
        print("recado: stopping; what runs may finish", file=sys.stderr)
    return OK


def _show_reading(done: int, of: int) -> None:
    """The first start reads the documents for their meaning, which takes some seconds; later ones remember."""
    if sys.stderr.isatty():
        print(f"\rreading the documents: {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)


async def _tidy_until(stop: asyncio.Event, every: float, give_back: Callable[[], None]) -> None:
    """`every`: seconds."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), every)
        except TimeoutError:
            give_back()


def _give_back() -> None:
    """What was freed, to the system: glibc keeps it in pieces, and who talks all day would seem to grow all day. What
    only the collector finds, first: it looks when much was made, and little that is kept alive by itself, as a closed
    client's TLS is, may be megabytes."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library does it by itself, or not at all
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _settle_down() -> None:
    """What was loaded stays: not looked through at each collection, which is a tenth of an acknowledgement's cost.
    And as many connections as this machine allows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _greet(url: str, page: str, notices: Sequence[str], config: Config, open_browser: bool) -> None:
    pages = [page] if page else [c.name for c in config.channels if c.type == "webchat"]
    print(f"recado listens on {url}", flush=True)
    for name in pages:
        print(f"  chat: {url}/chat/{name}", flush=True)
    desks = [queue.handoff.desk for queue in config.queues]
    if any(desk.type == "inbox" and desk.secret.get_secret_value() for desk in desks):
        print(f"  inbox: {url}/inbox", flush=True)
    for notice in notices:
        print(f"  note: {notice}", flush=True)
    if page and open_browser and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(f"{url}/chat/{page}")


# -- looking, speaking ---------------------------------------------------------------------------


def _run_check(args: argparse.Namespace) -> int:
    from gateway.checking import check

    findings = asyncio.run(check(load(args.config)))
    for finding in findings:
        stream = sys.stdout if finding.level == "ok" else sys.stderr
        print(f"{finding.level:8}{finding.key}: {plain(finding.message)}", file=stream)
    return FOUND if any(finding.level == "error" for finding in findings) else OK


def _run_say(args: argparse.Namespace) -> int:
    from gateway.saying import say, script, shown, spoken_in
    from tts.errors import SpeechError

    config = _config_or_embedded(args.config)
    if (named := _queue_of(config, args.queue)) is None:
        return USAGE
    queue = spoken_in(named, args.language)
    words = script(args.text, queue)
    if args.show_speakable:
        _write(shown(words, queue.language))
        return OK
    if problem := _unwritable(args.output):
        print(f"recado: cannot write {args.output}: {problem}", file=sys.stderr)
        return CANNOT_START
    _show_speaking(len(words.stretches))
    try:
        return _keep(asyncio.run(say(words, config, queue, PROFILES[args.profile])), args.output, args.profile)
    except SpeechError as error:
        print(f"recado: no voice note: {error.reason}. {error.hint}", file=sys.stderr)
        return FOUND
    except OSError as error:
        print(f"recado: cannot write {args.output}: {error}", file=sys.stderr)
        return CANNOT_START


def _unwritable(path: Path) -> str:
    """Why, found out before anything is paid for; empty when nothing speaks against it."""
    try:
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        was_there = path.exists()
        path.open("ab").close()
        if not was_there:
            path.unlink()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _keep(told: Told, output: Path, profile: str) -> int:
    """Raises OSError."""
    for number, note in enumerate(told.notes, 1):
        path = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
        path.write_bytes(note.audio.data)
        print(f"{path}: {note.audio.seconds:.1f} s, {len(note.audio.data)} bytes, {profile}, by {told.spoken_by}")
    print(f"{told.characters} characters charged")
    for fell in told.fell_from:
        print(f"recado: could not speak: {fell}", file=sys.stderr)
    return OK


def _show_speaking(sentences: int) -> None:
    if sys.stderr.isatty() and sentences > 1:
        print(f"speaking {sentences} sentences", file=sys.stderr, flush=True)


def _run_voices(args: argparse.Namespace) -> int:
    from gateway.equipment import hosted_voice
    from gateway.voices import catalogues, lines, remarks
    from tts.slots import Slots

    config = _config_or_embedded(args.config)
    if (queue := _queue_of(config, args.queue)) is None:
        return USAGE
    make: Any = lambda settings, language: hosted_voice(settings, language, Slots())  # noqa: E731
    found = asyncio.run(catalogues(config, queue, make, _show_listing))
    said = [line for one in found for line in lines(one, args.language, piped=not sys.stdout.isatty())]
    _write("\n".join(said).rstrip("\n"))
    for one in found:
        for remark in (*remarks(one, args.language), *([one.trouble] if one.trouble else [])):
            print(f"recado: {plain(remark)}", file=sys.stderr)
    return FOUND if any(one.trouble for one in found) else OK


def _write(text: str) -> None:
    """In UTF-8 wherever it goes: names are people's."""
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # whatever stands in for it in a test
    try:
        print(text, end="\n" if text else "", flush=True)
    except BrokenPipeError:  # whoever reads has read enough; nothing is left to be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_listing(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\rreading the voices: {done} of {of}", end="\n" if done >= of else "", file=sys.stderr, flush=True)


def _config_or_embedded(path: Path | None) -> Config:
    from gateway.demo import voice_only_config

    return load(path) if path else voice_only_config()


def _queue_of(config: Config, name: str | None) -> Queue | None:
    """The first without a name; None, and said so, when there is none of that name."""
    names = [queue.name for queue in config.queues]
    if name and name not in names:
        print(f"recado: there is no queue {name!r}; there are: {', '.join(names)}", file=sys.stderr)
        return None
    return config.queue(name or names[0])


def _run_flow_check(args: argparse.Namespace) -> int:
    from gateway.flowfiles import check_flow

    drawing, problems = check_flow(args.file, as_mermaid=args.mermaid)
    for problem in problems:
        print(f"{args.file}: {problem}", file=sys.stderr)
    if drawing:
        print(drawing)
    return FOUND if problems else OK


# -- looking after an installation -----------------------------------------------------------------


def _installed(args: argparse.Namespace) -> Config:
    """The configuration, or the demo's."""
    from gateway.demo import demo_config

    return load(args.config) if args.config else demo_config(Path(".recado"), "127.0.0.1", 8080, "")


def _run_backup(args: argparse.Namespace) -> int:
    from gateway.backup import BackupError, Damaged, back_up, named, remarks
    from gateway.installation import Installation, NotEmbedded

    now = time.time_ns() // 1_000_000
    target = (args.to or Path(named(now))).absolute()
    try:
        place = Installation.of(_installed(args))
        kept = back_up(place, target, with_key=args.with_key, environ=os.environ, now=now, tell=_show_progress)
    except (BackupError, NotEmbedded) as error:
        print(f"recado: no backup: {error}", file=sys.stderr)
        return FOUND if isinstance(error, Damaged) else CANNOT_START
    print(f"{kept.file}: {kept.bytes} bytes, {kept.tables.get('conversation', 0)} conversations, {kept.media} media")
    for remark in remarks(kept, place):
        print(f"recado: {remark}", file=sys.stderr)
    return OK


def _run_restore(args: argparse.Namespace) -> int:
    from gateway.backup import BackupError, Damaged, put_back, restore
    from gateway.installation import Installation, NotEmbedded

    try:
        restored = restore(
            args.file,
            Installation.of(_installed(args)),
            replace=args.replace,
            forget_sealed=args.forget_sealed,
            environ=os.environ,
            now=time.time_ns() // 1_000_000,
            tell=_show_progress,
        )
    except (BackupError, NotEmbedded) as error:
        print(f"recado: nothing was restored: {error}", file=sys.stderr)
        return FOUND if isinstance(error, Damaged) else CANNOT_START
    for line in put_back(restored):
        print(line)
    return OK


def _run_move(args: argparse.Namespace) -> int:
    from gateway.moving import CannotMove, move, told

    config = _installed(args)
    try:
        done = asyncio.run(move(config, args.to, os.environ, _show_progress))
    except CannotMove as error:
        print(f"recado: nothing was moved: {error}", file=sys.stderr)
        return FOUND if error.damaged else CANNOT_START
    for line in told(done, config, args.to):
        print(line)
    return OK


def _run_doctor(args: argparse.Namespace) -> int:
    from gateway.doctor import as_json, described, examine

    diagnosis = examine(_installed(args), time.time_ns() // 1_000_000)
    if args.json:
        _write(as_json(diagnosis).decode())
        return OK if diagnosis.is_well else FOUND
    for finding in diagnosis.findings:
        stream = sys.stdout if finding.level == "ok" else sys.stderr
        print(f"{finding.level:8}{finding.key}: {plain(finding.message)}", file=stream)
    _write("\n".join(["given up last:"] * bool(diagnosis.dead) + [f"  {described(one)}" for one in diagnosis.dead]))
    return OK if diagnosis.is_well else FOUND


def _run_repost(args: argparse.Namespace) -> int:
    from gateway.reposting import CannotRepost, repost

    try:
        seq = asyncio.run(repost(_installed(args), args.id, force=args.force))
    except CannotRepost as error:
        print(f"recado: {args.id} was not posted again: {error}", file=sys.stderr)
        return error.code
    print(f"{args.id} is posted again, as {args.id.rpartition(':')[0]}:{seq}")
    return OK


def _show_progress(what: str, done: int, of: int) -> None:
    """A bar, redrawn when it moved."""
    if not sys.stderr.isatty():
        return
    cells = 30 * done // of if of else 30
    bar, end = "#" * cells + "." * (30 - cells), "\n" if done >= of else ""
    print(f"\r{what:9}[{bar}] {100 * done // of if of else 100:3} %", end=end, file=sys.stderr, flush=True)


def _print_secret(args: argparse.Namespace) -> int:
    print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
    return OK
