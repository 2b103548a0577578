"""The documents and the code say the same: keys, doors, metrics, commands, reasons, links."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import orjson
import pytest
from aiohttp import web
from prometheus_client import Counter
from pydantic_core import PydanticUndefined

from gateway import cli, transcript
from gateway.channels.base import Attachment, Inbound, Meaning
from gateway.channels.http import SCHEDULE
from gateway.channels.telegram_errors import RULES
from gateway.channels.whatsapp_cloud_errors import CODES
from gateway.config import CONTACTS, KEYS, parse
from gateway.rules.custody import Happened, State
from gateway.telemetry import Telemetry
from gateway.transcript import Beside, Kept
from gateway.web import problems
from gateway.web.conversations import Conversations
from gateway.web.openapi import description
from gateway.web.page import Page
from gateway.web.server import application
from storage.model import (
    Cursor,
    Entry,
    Fetched,
    Kind,
    Media,
    MediaId,
    Outcome,
    Receipt,
    Turn,
    TurnId,
    conversation_id,
)
from tests.test_config import ENVIRONMENT, SECTIONS, _is_section, plain

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SOURCES = [p for folder in ("gateway", "storage", "tts") for p in sorted((ROOT / folder).rglob("*.py"))]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(page: str) -> list[list[str]]:
    """The cells of every table row."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]


def codes(page: str) -> set[str]:
    """Everything in backticks."""
    return set(re.findall(r"`([^`\n]+)`", page))


# -- configuration -----------------------------------------------------------------------------------


def documented_keys() -> dict[tuple[str, str], str]:
    """(section, key) -> the default's cell."""
    found, section = {}, ""
    for line in text("docs/configuration.md").splitlines():
        if line.startswith("#"):
            header = re.match(r"#+ `\[\[?([a-z0-9_.]+)\]\]?`", line)
            section = header[1] if header else ""
        elif section and (row := re.match(r"\| `([a-z0-9_]+)` \| (.+?) \|", line)):
            found[section, row[1]] = row[2]
    return found


def test_every_key_is_documented_with_its_default() -> None:
    expected = {
        (section, key): _default(field)
        for section, model in SECTIONS.items()
        if section not in ("queues.voice.fallbacks", "queues.assistants")
        for key, field in model.model_fields.items()
        if not _is_section(field.annotation)
    }
    assert {place: _read(cell) for place, cell in documented_keys().items()} == expected


def test_each_type_of_channel_has_its_own_keys_in_its_own_table() -> None:
    tables: dict[str, set[str]] = {}
    for chapter in re.split(r"^##+ ", text("docs/configuration.md"), flags=re.MULTILINE):
        if chapter.startswith("`[[channels]]` "):
            type = re.search(r"`type = \"(\w+)\"`", chapter.splitlines()[0])
            tables[type[1] if type else "all"] = set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE))
    assert tables.pop("all") == set(CONTACTS)
    assert tables == {type: set(keys) - set(CONTACTS) for type, keys in KEYS.items()}


def _default(field: Any) -> Any:
    return "required" if field.default is PydanticUndefined else plain(field.default)


def _read(cell: str) -> Any:
    if cell in ("required", "–"):
        return None if cell == "–" else cell
    return tomllib.loads(f"v = {cell.strip('`')}")["v"]


def test_every_variable_of_the_environment_is_documented() -> None:
    named = {name for path in SOURCES for name in re.findall(r"\"(RECADO_[A-Z_]*[A-Z])\"", path.read_text("utf-8"))}
    assert {"RECADO_VAULT_KEY", "RECADO_CACHE"} <= named
    assert named - codes(text("docs/configuration.md")) == set()


def _toml(page: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", text(page), re.DOTALL)


def test_the_configuration_in_the_readme_is_right() -> None:
    whole, *additions = _toml("README.md")
    made = parse(whole, env=ENVIRONMENT)
    assert made.queues[0].assistant.provider == "openai"
    assert len(whole.splitlines()) < 30
    added = [parse(whole + more, env=ENVIRONMENT).channels[-1].type for more in additions]
    assert added == ["telegram"]


# -- commands ----------------------------------------------------------------------------------------


def commands() -> dict[str, argparse.ArgumentParser]:
    """`flow check` is one: a command of several words."""
    return dict(_commands(cli._parser()))


def _commands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                deeper = [*_commands(below, f"{above}{name} ")]
                yield from deeper or [(above + name, below)]


def test_every_command_and_option_is_documented() -> None:
    page = text("docs/configuration.md")
    for name, parser in commands().items():
        [row] = [r for r in rows(page) if r[0] == f"`recado {name}`"]
        options = {o for action in parser._actions for o in action.option_strings if o.startswith("--")} - {"--help"}
        assert [option for option in options if option not in row[1]] == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = {r[0].strip("`").removeprefix("recado ") for r in rows(text("docs/configuration.md")) if "`recado " in r[0]}
    assert named - {"--version"} == set(commands())
    for path in PAGES:
        for command in re.findall(r"[`/ ]recado (\w+)[ `]--?\w", path.read_text("utf-8")):
            assert command in {name.split()[0] for name in commands()}, path.name


def test_the_exit_codes_are_documented() -> None:
    page = text("docs/configuration.md")
    for code in (cli.OK, cli.FOUND, cli.USAGE, cli.CANNOT_START, cli.INTERRUPTED):
        assert re.search(rf"(Exit codes: |· ){code} ", page), code


def _run_py() -> Any:
    spec = importlib.util.spec_from_file_location("run_of_recado", ROOT / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_calls_run_py_as_it_is() -> None:
    run = _run_py()
    words = {w for page in PAGES for w in re.findall(r"python3 run\.py (\w+)", page.read_text("utf-8"))}
    assert {"demo", "test"} <= words
    assert [word for word in words if f"python3 run.py {word}" not in run.HELP] == []


def test_the_readme_tells_the_sizes_run_py_measured() -> None:
    run, page = _run_py(), text("README.md")
    for size in (run.DOWNLOAD_MB[run.EMBEDDED], run.DISK_MB[run.EMBEDDED], run.DOWNLOAD_MB[run.LITE]):
        assert f"about {size} MB" in page


# -- doors -------------------------------------------------------------------------------------------


class Door:
    """Stands for any of the doors: only the routes are looked at."""

    def __getattr__(self, name: str) -> Any:
        async def handler(request: web.Request) -> web.Response:
            return web.Response()

        return handler


def routes() -> set[tuple[str, str]]:
    door: Any = Door()
    app = application(door, door, door, door, door, door, door, door, door, {})
    found = {(r.method, r.resource.canonical) for r in app.router.routes() if r.resource}
    return {(method, path) for method, path in found if method not in ("*", "HEAD")}


def described() -> dict[tuple[str, str], dict[str, Any]]:
    paths = description()["paths"]
    return {(method.upper(), path): op for path, ops in paths.items() for method, op in ops.items()}


def test_the_description_has_every_route_and_no_other() -> None:
    assert set(described()) == routes()


def test_every_route_is_in_the_pages_for_people() -> None:
    page = text("docs/api.md")
    for method, path in routes():
        assert re.search(rf"{method} {re.escape(path)}[`?]", page), (method, path)


def test_the_retry_schedule_is_documented() -> None:
    words = [f"{s} s" if s < 60 else f"{s // 60} min" if s < 3600 else f"{s // 3600} h" for s in SCHEDULE]
    said = " ".join(text("docs/api.md").split())
    assert ", ".join(words[:-1]) + f" and {words[-1]}" in said


def test_the_description_is_whole() -> None:
    """What OpenAPI 3.1 demands of the parts we use."""
    document = description()
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    assert {ref for ref in _refs(document) if _resolve(ref) is None} == set()
    for (method, path), operation in described().items():
        parameters = operation.get("parameters", [])
        assert all({"name", "in", "schema"} <= set(p) for p in parameters)
        in_path = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert "requestBody" not in operation or method != "GET"
        assert any(status.startswith("2") for status in operation["responses"])
        for status, answer in operation["responses"].items():
            answer = _resolve(answer["$ref"]) if "$ref" in answer else answer
            assert answer["description"]
            if status >= "400" and (path, status) not in OTHERWISE:
                assert set(answer["content"]) == {"application/problem+json"}, (path, status)
        for way in operation["security"]:
            assert set(way) <= set(document["components"]["securitySchemes"])


OTHERWISE = {("/readyz", "503"), ("/v1/media/{id}", "416")}
"""A readiness that says no is an answer; a wrong range is answered by the file server."""


def test_every_status_that_a_door_can_give_is_described() -> None:
    used = {int(status) for operation in described().values() for status in operation["responses"]}
    raised = {
        int(status)
        for path in (ROOT / "gateway/web").glob("*.py")
        for status in re.findall(r"Problem\((\d{3}),", path.read_text("utf-8"))
    }
    assert raised - used == set()
    assert raised <= set(problems.TITLES)


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def _resolve(ref: str) -> Any:
    node: Any = description()
    for key in ref.removeprefix("#/").split("/"):
        node = node.get(key) if isinstance(node, dict) else None
    return node


# -- what the doors say is what is described ----------------------------------------------------------

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "null": type(None)}


def misfits(value: Any, schema: dict[str, Any], at: str = "$") -> list[str]:
    """Where `value` is not what `schema` says: the part of JSON Schema that the description uses, and no key more than
    it names."""
    if "$ref" in schema:
        return misfits(value, _resolve(schema["$ref"]), at)
    if "oneOf" in schema:
        ways = [misfits(value, way, at) for way in schema["oneOf"]]
        return [] if [] in ways else min(ways, key=len)
    if "const" in schema:
        return [] if value == schema["const"] else [f"{at} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at} is none of {schema['enum']}"]
    if schema["type"] == "object":
        return _object_misfits(value, schema, at)
    if not isinstance(value, TYPES[schema["type"]]):
        return [f"{at} is no {schema['type']}"]
    items = enumerate(value) if "items" in schema else ()
    return [wrong for i, item in items for wrong in misfits(item, schema["items"], f"{at}[{i}]")]


def _object_misfits(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at} is no object"]
    wrong = [f"{at}.{key} is missing" for key in schema.get("required", []) if key not in value]
    for key, part in value.items():
        known = schema["properties"].get(key)
        wrong += misfits(part, known, f"{at}.{key}") if known else [f"{at}.{key} is not described"]
    return wrong


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


CONVERSATION = conversation_id("site", "lia")
NOTE = Media(MediaId("0" * 64), "audio/ogg; codecs=opus", 1000, 1.5, (1, 50, 100))
VOICE = {"kind": "voice", "media": transcript.media_fields(NOTE), "transcript": "Oi", "written": "Oi."}
REPLY = {
    "conversation": CONVERSATION,
    "turn": "t",
    "outcome": "answered",
    "reason": "assistant",
    "language": "pt-BR",
    "parts": [VOICE, {"kind": "text", "text": "Oi"}],
    "citations": [{"document": "faq.md", "paragraph": 1, "text": "Oi."}],
}


def entry(kind: Kind, body: str) -> Entry:
    return Entry(kind, 1, "m1", body, 1_795_000_000_000)


def test_the_schema_check_sees_what_is_wrong() -> None:
    assert misfits({**REPLY, "parts": [], "extra": 1}, schema("Reply")) == ["$.extra is not described"]
    assert misfits({"kind": "text"}, schema("Part")) == ["$.text is missing"]
    assert misfits({"state": "asleep"}, schema("State")) != []


def inbound(**more: Any) -> Inbound:
    return Inbound("m1", "lia", "Lia", more.pop("text", "Oi"), 1_795_000_000_000, **more)


def shown_as_described(entry: Entry, beside: Beside) -> dict[str, Any]:
    shown = transcript.shown(entry, Cursor(1, 1), "https://a.example", beside)
    assert misfits(shown, schema("Message")) == []
    return shown


@pytest.mark.parametrize("heard", [None, "Oi"])
@pytest.mark.parametrize(("words", "audio"), [("Oi", None), ("", NOTE), ("Oi", NOTE)])
def test_a_contact_s_message_is_as_described(words: str, audio: Media | None, heard: str | None) -> None:
    body = transcript.received_body(inbound(text=words), audio)
    shown_as_described(entry(Kind.IN, body), Beside(heard))


@pytest.mark.parametrize("meaning", sorted(set(get_args(Meaning)) - {"message"}))
def test_what_a_contact_changed_is_as_described(meaning: Any) -> None:
    body = transcript.received_body(inbound(meaning=meaning, of="m0"))
    shown = shown_as_described(entry(Kind.IN, body), Beside())
    assert (shown["meaning"], shown["of"]) == (meaning, "m0")


@pytest.mark.parametrize("aside", ["late", "group", "ignored_contact"])
def test_what_nobody_answers_is_as_described(aside: str) -> None:
    body = transcript.received_body(inbound(unreadable="poll", text="", reply_to="m0"), aside=aside)
    shown = shown_as_described(entry(Kind.IN, body), Beside())
    assert (shown["aside"], shown["unreadable"], shown["reply_to"]) == (aside, "poll", "m0")


@pytest.mark.parametrize("kind", get_args(get_type_hints(Attachment)["kind"]))
@pytest.mark.parametrize(
    "come", [None, Fetched(1, 0, NOTE), Fetched(1, 0, None, "too_large")], ids=["not yet", "here", "lost"]
)
def test_an_attachment_is_as_described(kind: str, come: Fetched | None) -> None:
    body = transcript.received_body(inbound(), attachments=[Kept(kind, "image/png", "ref", "a.png", 3)])
    shown = shown_as_described(entry(Kind.IN, body), Beside(None, fetched=[come] if come else []))
    [attachment] = shown["part"]["attachments"]
    assert bool(attachment["media"]) == (come is not None and come.media is not None)
    assert attachment.get("problem", "") == (come.problem if come else "")
    assert "ref" not in attachment


def test_what_a_person_wrote_elsewhere_is_as_described() -> None:
    body = transcript.written_elsewhere(CONVERSATION, "Já vou!", 1_795_000_000_000, voice=False)
    assert shown_as_described(entry(Kind.OUT, body), Beside(state="sent"))["from"] == "person"


@pytest.mark.parametrize("part", REPLY["parts"])
@pytest.mark.parametrize("state", ["", *transcript.RANK])
def test_an_assistant_s_message_is_as_described(part: dict[str, Any], state: str) -> None:
    body = transcript.sent_body("t", part, envelope=REPLY, spell=0, last=True)
    shown = shown_as_described(entry(Kind.OUT, body), Beside(state=state))
    assert shown.get("state", "") == state


def test_a_reply_is_as_described() -> None:
    assert misfits(transcript.public_reply(REPLY, ""), schema("Reply")) == []


@pytest.mark.parametrize("reply", [None, REPLY])
def test_a_turn_is_as_described(reply: Any) -> None:
    turn = _turn(reply, {"step": "hear", "at": 1, "ms": 2.5})
    shown = Conversations._shown(SimpleNamespace(base_url=""), turn, "pt-BR")  # type: ignore[arg-type]
    assert misfits({**shown, "deliveries": []}, schema("Turn")) == []
    assert shown["rung"] == ""


def test_a_turn_tells_what_decided() -> None:
    asked = {"step": "decide", "at": 1, "reason": "assistant", "rung": "Ask"}
    shown = Conversations._shown(SimpleNamespace(base_url=""), _turn(None, asked), "pt-BR")  # type: ignore[arg-type]
    assert misfits({**shown, "timeline": [], "deliveries": []}, schema("Turn")) == []
    assert (shown["rung"], shown["why"]) == ("Ask", "O assistente respondeu.")


def _turn(reply: Any, *timeline: Any) -> Turn:
    return Turn(TurnId("t"), CONVERSATION, 1, 0, 2, 1, 2, Outcome.ANSWERED, "assistant", timeline, reply)


async def test_the_deliveries_of_a_turn_are_as_described() -> None:
    states = list(transcript.RANK)
    receipts = [Receipt(CONVERSATION, "t:0", state, 1, detail="echo" * (state == "sent")) for state in states]

    async def told(id: str) -> list[Receipt]:
        return receipts

    door: Any = SimpleNamespace(store=SimpleNamespace(receipts=told))
    deliveries = await Conversations._deliveries(door, CONVERSATION)
    assert [one["state"] for one in deliveries["t"]] == states
    assert [misfits(one, schema("Delivery")) for one in deliveries["t"]] == [[]] * len(states)


def test_a_visit_is_as_described() -> None:
    made = parse(text("config.example.toml"), env=ENVIRONMENT)
    crew: Any = SimpleNamespace(queue=made.queues[0], hearing=None, voice=None)
    page = Page(made, Door(), {made.queues[0].name: crew}, {"site": ["E o frete?"]})  # type: ignore[arg-type]
    assert misfits(orjson.loads(page._visit(made.channels[0], "lia")), schema("Visit")) == []


def test_a_problem_is_as_described() -> None:
    for problem in (problems.wrong("id", "id is missing"), problems.Problem(404, "no such conversation")):
        body: Any = problems.response(problem).body
        assert misfits(orjson.loads(body), schema("Problem")) == []


# -- metrics -----------------------------------------------------------------------------------------


def test_the_metrics_are_those_of_the_code() -> None:
    collectors = [c for c in vars(Telemetry()).values() if hasattr(c, "_labelnames")]
    counted = {
        (c._name + ("_total" if isinstance(c, Counter) else ""), c._type, tuple(c._labelnames)) for c in collectors
    }
    table = [row for row in rows(text("docs/metrics.md")) if row[0].startswith("`recado_")]
    written = {(row[0].strip("`"), row[1], tuple(re.findall(r"`(\w+)`", row[2]))) for row in table}
    assert written == counted
    assert len(table) == len(collectors)
    assert all(row[3] for row in table)


def test_no_other_page_names_a_metric_that_does_not_exist() -> None:
    known = {m.name for m in Telemetry().registry.collect()}
    for path in PAGES:
        for name in re.findall(r"`(recado_[a-z_]+)`", path.read_text("utf-8")):
            assert name.removesuffix("_total") in known, (path.name, name)


# -- reasons -----------------------------------------------------------------------------------------

ARGUMENTS = {
    "StaySilent": 0,
    "Transfer": 0,
    "Ignore": 0,
    "Say": 1,
    "Ending": 1,
    "transfer": 1,
    "note": 1,
    "_give_up": 1,
    "_settle": 2,
    "_later": 2,
    "_wait_for_a_person": 1,
    "Hold": 1,
    "DeadLetter": 3,
    "Receipt": 5,
    "Fetched": 3,
    "NotFetched": 0,
    "Noise": 0,
    "Unknown": 0,
    "_refused": 1,
    "Rule": 1,
    "_failed": 1,
    "stop": 1,
    "Shape": 1,
    "AssistantError": 0,
    "HearingError": 0,
    "Fault": 0,
    "ChannelError": 0,
    "DeskError": 0,
    "TakenOver": 5,
    "_released": 3,
    "_again": 0,
    "SpeechError": 0,
    "Quota": 0,
    "VoiceUnavailable": 0,
    "RateLimited": 0,
    "Unreachable": 0,
    "Refused": 0,
    "Unspeakable": 0,
    "Encoding": 0,
}
"""Which argument of which call is a reason."""
KEYWORDS = {"problem", "reason", "noise"}
CARRIERS = {*ARGUMENTS, "Said", "Content", "replace"}
"""Calls whose keywords may be a reason."""
TABLES = {"UNANSWERED", "NOBODY"}
"""Dictionaries whose values are reasons."""
SAYERS = {"aside", "_noise", "_not_for_the_contact", "_aside", "_takeover", "_why"}
"""Functions that return a reason."""
REASON = re.compile(r"[a-z][a-z_]*[a-z]")


def reasons() -> set[tuple[str, str]]:
    """(file, code) for every reason written in the code; a code with something behind it ends in `…`."""
    found = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            found |= {(path.name, code) for code in _codes_of(node) if REASON.match(code)}
    return found


def _codes_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        at = 1 if name == "labels" and _is_noise(node.func) else ARGUMENTS.get(name)
        if at is not None and len(node.args) > at:
            yield from _literals(node.args[at])
        for keyword in node.keywords if name in CARRIERS else ():
            if keyword.arg in KEYWORDS:
                yield from _literals(keyword.value)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        first, second = [*node.value.elts, None, None][:2]  # voicing: `return True, "contact_spoke"`
        if second and isinstance(first, ast.Constant) and isinstance(first.value, bool):
            yield from _literals(second)
    elif isinstance(node, ast.FunctionDef) and node.name in SAYERS:
        for said in ast.walk(node):
            yield from _literals(said.value) if isinstance(said, ast.Return) and said.value else ()
    elif isinstance(node, ast.Assign) and TABLES & {getattr(target, "id", "") for target in node.targets}:
        for value in node.value.values if isinstance(node.value, ast.Dict) else ():
            yield from _literals(value)
    elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "READS":  # voicing: by code
        for key in node.value.keys if isinstance(node.value, ast.Dict) else ():
            yield from _literals(key) if key else ()


def _is_noise(labels: ast.expr) -> bool:
    """`telemetry.noise.labels`"""
    return isinstance(labels, ast.Attribute) and getattr(labels.value, "attr", "") == "noise"


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield re.split(r"[:]", str(node.values[0].value))[0].rstrip(":_") + (
            ":…" if ":" in str(node.values[0].value) else "_…"
        )
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _literals(value)


def test_the_reasons_are_found() -> None:
    """The search itself: one of each way a reason is written."""
    found = {code for _, code in reasons()}
    expected = {
        "held_by_person",
        "person_took_over",
        "too_many_tries",
        "hearing_failed:…",
        "text_instead:…",
        "assistant_failed:…",
        "format_text",
        "contact_spoke",
        "truncated",
        "callback_gone",
        "http_…",
        "deadline",
        "unforeseen_…",
        "nothing_heard",
        "late",
        "reaction",
        "paced",
        "outside_reply_window",
        "not_a_sound",
        "own_send",
        "service",
        "broadcast",
        "field_…",
        "no_id",
        "forged",
        "run_cancelled",
        "chat_not_found",
        "person_answered_elsewhere",
        "unsure:…",
    }
    assert expected - found == set()


def test_every_reason_is_explained() -> None:
    known = codes(text("docs/reasons.md"))
    families = {"format_…": {"format_text", "format_voice", "format_both"}}
    codes_known = {(file, code): {code, re.sub(r"_\d+$", "_…", code)} & known for file, code in reasons()}
    missing = {place for place, found in codes_known.items() if not found and not families.get(place[1], {""}) <= known}
    assert missing == set()


def test_every_code_of_a_provider_is_explained() -> None:
    known = codes(text("docs/reasons.md"))
    assert {str(code) for code in CODES} - known == set()
    assert {rule.reason for rule in RULES} - known == set()


def test_every_outcome_is_explained() -> None:
    page = text("docs/reasons.md")
    assert [str(o) for o in Outcome if f"| {o} |" not in page] == []


def test_every_state_of_a_delivery_is_explained() -> None:
    named = {word for row in rows(text("docs/reasons.md")) for word in row[0].split(", ")}
    assert set(transcript.RANK) - named == set()


# -- the pictures -----------------------------------------------------------------------------------

UNASKED = {"empty_burst", "flow_timeout", "nothing_due"}
"""Reasons of turns without a message, which begin below the ladder's first rung."""
SENTENCES = {"nothing_heard"}
"""Of bursts in which there is nothing to ask an assistant."""


def drawn(name: str, kind: str) -> set[str]:
    """The words of one kind in a picture of docs/images."""
    return {w for t in re.findall(rf'class="{kind}"[^>]*>([^<]+)<', text(f"docs/images/{name}")) for w in t.split()}


def test_the_ladder_is_drawn_with_every_reason_of_a_rung() -> None:
    found = {code for file, code in reasons() if file == "precedence.py"} - UNASKED - SENTENCES
    assert {"held_by_person", "switched_off", "auto_reply"} <= found
    assert found - drawn("ladder.svg", "c") == set()


def test_the_ladder_is_drawn_with_no_reason_that_does_not_exist() -> None:
    assert drawn("ladder.svg", "c") - codes(text("docs/reasons.md")) == set()


def test_the_state_machine_is_drawn_as_it_is() -> None:
    words = {word.strip(",:.") for kind in ("b", "s") for word in drawn("custody.svg", kind)}
    events = {event.__name__ for event in get_args(Happened)}
    assert set(get_args(State)) | events <= words
    assert {word for word in words if re.fullmatch(r"([A-Z][a-z]+){2}", word)} <= events


# -- the pages themselves ----------------------------------------------------------------------------


def links() -> Iterator[tuple[Path, str]]:
    for path in PAGES:
        prose = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if not re.match(r"[a-z]+:", target):
                yield path, target


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page, target in links():
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        todo += [p for p in ((f.parent / t.partition("#")[0]).resolve() for f, t in links() if f == page) if p in PAGES]
    assert [str(p.relative_to(ROOT)) for p in PAGES if p not in seen] == []


WORKPLACE = re.compile(
    r"/work/|/root\b|/tmp/|/home/\w|pypi\.org|pythonhosted|npmjs|huggingface\.co|\bhf\.co|registry\.\w|index-url",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "config.example.toml"], ids=lambda p: p.name)
def test_no_page_speaks_of_the_place_it_was_written_at(page: Path) -> None:
    assert WORKPLACE.findall(page.read_text("utf-8")) == []


@pytest.mark.parametrize("module", re.findall(r"`(\w+/\w+\.py)`", text("docs/architecture.md")))
def test_the_architecture_names_files_that_exist(module: str) -> None:
    assert any((ROOT / folder / module).exists() for folder in ("", "gateway"))
