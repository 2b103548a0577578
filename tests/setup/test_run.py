"""Setting up: what is kept, what is made again, and what is said when it cannot be done.

Real environments and real processes; only the installer is a stand-in, because the packages are the network's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
posix = pytest.mark.skipif(os.name == "nt", reason="a stand-in installer in sh")

INSTALLER = """#!/bin/sh
# Stands where uv would: writes down how it was called, then behaves as told.
echo "$@" >> "{home}/installed"
echo "Downloading av-18.1.0-cp311-abi3-any.whl (34.5MB)"
{behaviour}
"""

PROGRAM = """import sys
print({says!r}, sys.argv[1:])
sys.exit(int(sys.argv[-1]) if sys.argv[-1].isdigit() else 0)
"""


class Clone:
    """A clone of the project's set-up files, with an installer that needs no network."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "meu café (novo)"
        self.root.mkdir()
        for name in ("run.py", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.root)
        for package, says in (("gateway", "recado here"), ("bench", "bench here"), ("bench/chaos", "chaos here")):
            (self.root / package).mkdir()
            (self.root / package / "__main__.py").write_text(PROGRAM.format(says=says))
        self.installer("exit 0")

    def installer(self, behaviour: str) -> None:
        uv = self.home / "bin" / "uv"
        uv.parent.mkdir(exist_ok=True)
        uv.write_text(INSTALLER.format(home=self.home, behaviour=behaviour))
        uv.chmod(0o755)

    @property
    def installs(self) -> list[str]:
        record = self.home / "installed"
        return record.read_text().splitlines() if record.exists() else []

    def start(self, *args: str) -> subprocess.Popen[str]:
        path = f"{self.home / 'bin'}:/usr/bin:/bin"
        return subprocess.Popen(
            [sys.executable, str(self.root / "run.py"), *args],
            env={"PATH": path, "HOME": str(self.home)},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *args: str) -> tuple[int, str]:
        with self.start(*args) as child:
            said, _ = child.communicate(timeout=120)
        return child.returncode, said


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@posix
def test_the_first_start_sets_up_says_what_it_costs_and_runs(clone: Clone) -> None:
    code, said = clone.run("demo", "--lite", "--port", "0")
    assert code == 0, said
    assert "recado here ['demo', '--lite', '--port', '0']" in said
    assert "80 MB" in said
    assert "34 of about 80 MB  av 18.1.0" in said or "35 of about 80 MB  av 18.1.0" in said
    assert clone.installs == ["pip install --constraint constraints.txt --editable .[lite]"]


@posix
def test_the_second_start_installs_nothing(clone: Clone) -> None:
    clone.run("demo", "--lite")
    code, said = clone.run("demo", "--lite")
    assert (code, said) == (0, "recado here ['demo', '--lite']\n")
    assert len(clone.installs) == 1


@posix
def test_the_full_set_serves_the_small_one(clone: Clone) -> None:
    clone.run("demo")
    clone.run("demo", "--lite")
    assert [line.rsplit(".", 1)[-1] for line in clone.installs] == ["[embedded]"]


@posix
def test_sets_add_up(clone: Clone) -> None:
    clone.run("demo", "--lite")
    clone.run("check")
    assert clone.installs[-1].endswith(".[lite,test]")


@posix
def test_chaos_needs_the_tests_and_no_voice(clone: Clone) -> None:
    code, said = clone.run("chaos", "--quick", "--only", "kills")
    assert code == 0, said
    assert "chaos here ['--quick', '--only', 'kills']" in said
    assert [line.rsplit(".", 1)[-1] for line in clone.installs] == ["[lite,test]"]


@posix
def test_what_was_chosen_is_kept_when_everything_is_made_anew(clone: Clone) -> None:
    code, said = clone.run("recado", "--lite", "--with=postgres,s3", "--version")
    assert (code, "recado here ['--version']" in said) == (0, True)
    assert clone.installs[-1].endswith(".[lite,postgres,s3]")
    assert clone.run("recado", "--lite", "run") == (0, "recado here ['run']\n")
    (clone.root / "constraints.txt").write_text("# another version\n")
    _no_python(clone.root / ".venv")
    clone.run("recado", "--lite", "run")
    assert clone.installs[-1].endswith(".[lite,postgres,s3]")


@posix
def test_what_cannot_be_chosen_is_told(clone: Clone) -> None:
    code, said = clone.run("recado", "--with=postgres,mysql", "run")
    assert code != 0
    assert "--with=mysql: there are postgres, s3, traces" in said
    assert clone.installs == []


@posix
@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_another_list_of_packages_is_installed(clone: Clone, file: str) -> None:
    clone.run("demo", "--lite")
    with (clone.root / file).open("a") as text:
        text.write("\n# changed\n")
    clone.run("demo", "--lite")
    assert len(clone.installs) == 2


def _no_stamp(venv: Path) -> None:
    (venv / "recado-set-up.json").unlink()
    (venv / "recado-unfinished").touch()


def _no_python(venv: Path) -> None:
    (venv / "bin" / "python").unlink()


def _older_python(venv: Path) -> None:
    settings = venv / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("version = 3", "version = 2"))


def _spoilt_stamp(venv: Path) -> None:
    (venv / "recado-set-up.json").write_text("{half a sta")


@posix
@pytest.mark.parametrize("harm", [_no_stamp, _no_python, _older_python, _spoilt_stamp])
def test_a_half_made_environment_is_made_again(clone: Clone, harm: Callable[[Path], None]) -> None:
    clone.run("demo", "--lite")
    harm(clone.root / ".venv")
    code, said = clone.run("demo", "--lite")
    assert code == 0, said
    assert "recado here" in said
    assert len(clone.installs) == 2


@posix
def test_a_set_up_stopped_in_the_middle_goes_on_next_time(clone: Clone) -> None:
    clone.installer("sleep 60")
    with clone.start("demo", "--lite") as child:
        assert child.stdout
        for line in child.stdout:
            if "av 18.1.0" in line:
                os.killpg(child.pid, signal.SIGINT)  # what Ctrl-C does: to everyone in the terminal
        said = line
    assert child.returncode == 130
    assert "Traceback" not in said
    clone.installer("exit 0")
    code, said = clone.run("demo", "--lite")
    assert code == 0, said
    assert "starting it afresh" in said


@posix
def test_an_installer_that_fails_is_quoted_and_nothing_is_taken_for_done(clone: Clone) -> None:
    clone.installer("echo 'no route to the index'; exit 1")
    code, said = clone.run("demo", "--lite")
    assert code == 1
    assert "no route to the index" in said
    assert "Traceback" not in said
    assert "recado here" not in said
    clone.installer("exit 0")
    assert clone.run("demo", "--lite")[0] == 0


@posix
def test_a_folder_that_is_not_ours_is_left_alone(clone: Clone) -> None:
    mine = clone.root / ".venv" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("keep me")
    code, said = clone.run("demo", "--lite")
    assert code == 1
    assert "move it away" in said
    assert mine.read_text() == "keep me"


@posix
@pytest.mark.parametrize("command", ["demo", "bench", "chaos", "recado"])
def test_the_exit_code_is_the_commands_own(clone: Clone, command: str) -> None:
    assert clone.run(command, "--lite", "7")[0] == 7


@posix
def test_a_signal_reaches_the_command_itself(clone: Clone) -> None:
    (clone.root / "gateway" / "__main__.py").write_text(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\n"
        "signal.alarm(20)  # a signal that went astray must not leave us behind\n"
        "print('serving', flush=True)\nsignal.pause()"
    )
    with clone.start("demo", "--lite") as child:
        assert child.stdout
        for line in child.stdout:
            if line == "serving\n":
                child.terminate()
    assert child.returncode == 42


@pytest.mark.parametrize(("args", "code"), [((), 0), (("help",), 0), (("--help",), 0), (("dmeo",), 2)])
def test_help_costs_nothing(clone: Clone, args: tuple[str, ...], code: int) -> None:
    got, said = clone.run(*args)
    assert got == code
    assert "python3 run.py demo" in said
    assert not (clone.root / ".venv").exists()
