"""What is deployed says what the code does: metrics, labels, runbooks, paths, ports, options and times."""

from __future__ import annotations

import asyncio
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiohttp import web

from gateway import app, cli, deliveries
from gateway.config import Config, Server, parse
from gateway.telemetry import Telemetry

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LEAST = """
[[queues]]
name = "loja"
[[channels]]
name = "site"
type = "webchat"
queue = "loja"
"""
"""A configuration that leaves everything else to the environment."""


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def seconds(value: str) -> float:
    return float(value.removesuffix("s"))


# -- metrics -----------------------------------------------------------------------------------------

def counted() -> dict[str, set[str]]:
    """The labels of every series that /metrics can hold."""
    found: dict[str, set[str]] = {"up": {"job"}}
    for collector in Telemetry().registry._collector_to_names:
        labels, kind = set(collector._labelnames), collector._type  # type: ignore[attr-defined]
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(kind, [""])
        found |= {collector._name + s: labels | ({"le"} if s == "_bucket" else set()) for s in suffixes}  # type: ignore[attr-defined]
    return found


SERIES = counted()
FROM_PROMETHEUS = {"instance"}
SELECTOR = re.compile(r"\b(recado_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')


def wrong(expression: str) -> list[str]:
    """What in it is counted nowhere."""
    problems, known = [], set(FROM_PROMETHEUS)
    for name, inside in SELECTOR.findall(expression):
        if name not in SERIES:
            problems.append(f"no metric {name}")
            continue
        known |= SERIES[name]
        for label, _, value in MATCHER.findall(inside):
            if label not in SERIES[name]:
                problems.append(f"{name} has no label {label}")
            elif not _is_told(name, value):
                problems.append(f"{name} is never {label}={value}")
    grouped = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}
    return problems + [f"no label {label}" for label in grouped - known]


def _is_told(name: str, value: str) -> bool:
    """By docs/metrics.md, which a test holds to the code. The dashboard's choices may be anything."""
    if value.startswith("$") or name == "up":
        return True
    [row] = [line for line in text("docs/metrics.md").splitlines() if line.startswith(f"| `{name}`")]
    told = set(re.findall(r"`([^`]+)`", row)) | ({"1", "2", "3", "4", "5"} if name == "recado_ratings_total" else set())
    return {*value.split("|")} <= told


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]:
        yield from group["rules"]


RULES = list(rules())


def test_the_search_for_what_is_not_counted_finds_it() -> None:
    assert wrong('sum by (queue) (recado_turns_total{outcome="dead"})') == []
    assert wrong("recado_turns") == ["no metric recado_turns"]
    assert wrong('recado_turns_total{channel="zap"}') == ["recado_turns_total has no label channel"]
    assert wrong('recado_turns_total{outcome="died"}') == ["recado_turns_total is never outcome=died"]
    assert wrong("sum by (channel) (recado_turns_total)") == ["no label channel"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_watches_what_is_counted(rule: dict[str, Any]) -> None:
    assert wrong(rule["expr"]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do_and_where_the_rest_stands(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(page)
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(rule["annotations"]["do"]) > 20
    kept = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert named <= {label.strip() for label in ",".join(kept).split(",")} | ({"instance"} if not kept else set())


def anchors(page: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_chapter_of_the_runbook_is_led_to_and_names_its_alerts() -> None:
    led = {rule["annotations"]["runbook"].partition("#")[2] for rule in RULES}
    assert led == anchors("docs/operations.md") - {"when-something-is-wrong"}
    chapters = {_anchor(c): c for c in re.split(r"^## ", text("docs/operations.md"), flags=re.MULTILINE)}
    for rule in RULES:
        assert f"`{rule['alert']}`" in chapters[rule["annotations"]["runbook"].partition("#")[2]]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def _anchor(chapter: str) -> str:
    return chapter.splitlines()[0].lower().replace(" ", "-")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_alerts_play_as_they_are_meant() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"], cwd=DEPLOY / "prometheus", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


BOARD: dict[str, Any] = orjson.loads(text("deploy/grafana/recado.json"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_what_is_counted(panel: dict[str, Any]) -> None:
    assert [problem for target in panel["targets"] for problem in wrong(target["expr"])] == []
    assert panel["description"]
    choices = {choice["name"] for choice in BOARD["templating"]["list"]} | {"__rate_interval"}
    asked = {name for target in panel["targets"] for name in re.findall(r"\$(\w+)", target["expr"])}
    assert asked <= choices


def test_the_choices_of_the_dashboard_are_counted() -> None:
    queries = [choice["query"]["query"] for choice in BOARD["templating"]["list"] if choice["type"] == "query"]
    found = [re.fullmatch(r"label_values\((\w+), (\w+)\)", query) for query in queries]
    assert all(match and match[2] in SERIES[match[1]] for match in found)
    assert len(found) == 2


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


# -- systemd -----------------------------------------------------------------------------------------


def unit() -> dict[str, list[str]]:
    """Every option of the unit, with its values in order."""
    found: dict[str, list[str]] = {}
    for line in text("deploy/recado.service").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


UNIT = unit()
LONGEST_STOP = app.DRAIN + 3 * app.LAST_SENDS + 2 * deliveries.LAST_WORD
"""Seconds: turns, deliveries, desks and wake-ups, one after the other, and what went out is to be written down."""


def test_the_service_starts_what_there_is() -> None:
    [command] = UNIT["ExecStart"]
    program, *arguments = command.split()
    assert Path(program).name in PROJECT["project"]["scripts"]
    assert cli._parser().parse_args(arguments).config == Path("/etc/recado/recado.toml")


def test_the_service_is_given_the_time_it_takes_to_stop() -> None:
    assert seconds(UNIT["TimeoutStopSec"][0]) > LONGEST_STOP + 1
    assert UNIT["KillMode"] == ["mixed"]  # else the process that encodes goes at once, and the last notes with it


def test_a_wrong_configuration_is_not_started_again() -> None:
    assert UNIT["RestartPreventExitStatus"] == [str(cli.USAGE)]


def test_the_service_writes_only_where_it_may() -> None:
    assert UNIT["ProtectSystem"] == ["strict"]
    assert UNIT["NoNewPrivileges"] == ["true"]
    assert "Environment=RECADO_CACHE=/var/cache/" + UNIT["CacheDirectory"][0] in text("deploy/recado.service")
    assert UNIT["WorkingDirectory"] == ["/var/lib/" + UNIT["StateDirectory"][0]]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_the_service(tmp_path: Path) -> None:
    """With a program and a user that exist here."""
    made = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text("deploy/recado.service"), flags=re.MULTILINE)
    made = re.sub(r"^(User|Group)=.*", r"\1=root", made, flags=re.MULTILINE)
    (tmp_path / "recado.service").write_text(made)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "recado.service")], capture_output=True, text=True
    )
    complaints = [line for line in done.stderr.splitlines() if "recado.service" in line]
    assert (complaints, done.returncode) == ([], 0)


# -- the image ---------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest), continued lines joined."""
    lines = [line for line in text("deploy/Containerfile").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in joined.splitlines() if line.strip()]


IMAGE = instructions()


def said(instruction: str) -> list[str]:
    return [rest for name, rest in IMAGE if name == instruction]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in said("ENV")[-1].split())


def configured() -> Config:
    return parse(LEAST, env={name: value for name, value in environment().items() if name.startswith("RECADO_")})


def copied() -> list[str]:
    return [word for rest in said("COPY") if not rest.startswith("--") for word in rest.split()[:-1]]


def test_what_the_image_copies_is_there_and_reaches_the_builder() -> None:
    ignored = [line for line in text(".dockerignore").splitlines() if line and not line.startswith("#")]
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    assert {path for path in copied() if not (ROOT / path).exists()} == set()
    assert set(copied()) == kept


def test_the_image_has_all_that_is_installed() -> None:
    packages = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    named = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], "pyproject.toml", "constraints.txt"}
    assert packages | named == set(copied())


@pytest.mark.parametrize("path", ["gateway/x.db", "gateway/x.db-wal", "storage/recado.db.key", "tts/keys.env"])
def test_no_database_and_no_key_reaches_the_builder(path: str) -> None:
    patterns = [line for line in text(".dockerignore").splitlines() if line.startswith("**/")]
    assert any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def test_the_images_python_is_one_that_was_tested() -> None:
    [version] = [rest.partition("=")[2] for rest in said("ARG") if rest.startswith("PYTHON=")]
    least = tuple(map(int, PROJECT["project"]["requires-python"].removeprefix(">=").split(".")))
    assert tuple(map(int, version.split("."))) >= least
    assert version in text("constraints.txt").splitlines()[0]
    assert {rest.split()[0] for rest in said("FROM")} == {"python:${PYTHON}-slim"}


def test_everything_the_container_keeps_lies_in_its_volume() -> None:
    [volume], config = orjson.loads(said("VOLUME")[0]), configured()
    assert config.storage.url.removeprefix("sqlite:///").startswith(volume + "/")
    assert config.storage.media_dir.startswith(volume + "/")
    assert environment()["RECADO_CACHE"].startswith(volume + "/")
    assert said("WORKDIR")[-1] == volume


def test_the_container_listens_where_it_is_asked() -> None:
    config = configured()
    assert (config.server.host, config.server.port) == ("0.0.0.0", Server().port)
    assert said("EXPOSE") == [str(config.server.port)]
    assert f"'127.0.0.1', {config.server.port}" in said("HEALTHCHECK")[0]


def test_nobody_in_the_container_is_root() -> None:
    [user] = said("USER")
    uid, _, gid = user.partition(":")
    made = " ".join(said("RUN"))
    assert f"--uid {uid} " in made
    assert f"groupadd --system --gid {gid} " in made
    assert int(uid) > 0


def test_the_container_starts_what_there_is() -> None:
    program, *rest = [*orjson.loads(said("ENTRYPOINT")[0]), *orjson.loads(said("CMD")[0])]
    assert program in PROJECT["project"]["scripts"]
    assert cli._parser().parse_args(rest).config == Path("/etc/recado/recado.toml")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_health_of_the_container_is_that_of_recado(status: int, code: int) -> None:
    python, option, program = orjson.loads(said("HEALTHCHECK")[0].partition("CMD ")[2])
    assert (python, option) == ("python", "-c")
    asked = []

    async def health(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    door = web.Application()
    door.router.add_get("/healthz", health)
    runner = web.AppRunner(door, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    asking = program.replace("8080", str(runner.addresses[0][1]))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", asking)
    assert await process.wait() == code
    await runner.cleanup()
    assert asked == ["/healthz"]


# -- compose -----------------------------------------------------------------------------------------

COMPOSE: dict[str, Any] = yaml.safe_load(text("deploy/compose.yaml"))
RECADO, POSTGRES = COMPOSE["services"]["recado"], COMPOSE["services"]["postgres"]


def test_compose_builds_what_there_is() -> None:
    build = RECADO["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    assert set(build["args"]["EXTRAS"].split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    assert set(build["args"]) <= {rest.partition("=")[0] for rest in said("ARG")}


def test_compose_leads_recado_to_its_database() -> None:
    given = {name: re.sub(r"\$\{[^}]*\}", "s3cret", value) for name, value in RECADO["environment"].items()}
    url = parse(LEAST, env=given).storage.url
    database = POSTGRES["environment"]
    assert url == f"postgresql://{database['POSTGRES_USER']}:s3cret@postgres:5432/{database['POSTGRES_DB']}"
    assert set(RECADO["networks"]) & set(POSTGRES["networks"]) == {"database"}
    assert COMPOSE["networks"]["database"]["internal"]


def test_compose_keeps_and_opens_only_what_it_must() -> None:
    [volume] = orjson.loads(said("VOLUME")[0])
    places = [mount.split(":")[1] for mount in RECADO["volumes"]]
    assert places == ["/etc/recado/recado.toml", volume]
    assert RECADO["ports"] == [f"127.0.0.1:{Server().port}:{said('EXPOSE')[0]}"]
    assert "ports" not in POSTGRES
    assert RECADO["read_only"]
    assert RECADO["cap_drop"] == ["ALL"]
    assert {mount.split(":")[0] for mount in [*RECADO["volumes"], *POSTGRES["volumes"]]} >= set(COMPOSE["volumes"])


def test_compose_gives_recado_the_time_it_takes_to_stop() -> None:
    assert seconds(RECADO["stop_grace_period"]) > LONGEST_STOP + 1
