#!/usr/bin/env python3
"""One command from a clone to something that works. Needs Python 3.11 and nothing else.

    python3 run.py demo     set up, then open a sample company you can write and talk to
    python3 run.py test     set up, then run every test
    python3 run.py help     the rest

Everything goes into `.venv` beside this file; the system's Python is not touched. A second start installs
nothing and needs no network. Standard library only, and old enough in its grammar to tell an old Python so.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
STAMP = VENV / "recado-set-up.json"
UNFINISHED = VENV / "recado-unfinished"
LOG = ROOT / ".recado" / "set-up.log"
OLDEST = (3, 11)

HELP = """\
python3 run.py demo  [--lite] [ARGS]    a sample company in your browser; no key, no account
python3 run.py test  [--lite] [ARGS]    every test; ARGS go to pytest
python3 run.py recado [--lite] ARGS     any recado command, e.g. recado run --config recado.toml
python3 run.py bench [--lite] [ARGS]    measure this machine
python3 run.py chaos [ARGS]             kill, cut and fill whatever can be, and see whether the promises hold
python3 run.py check                    ruff, mypy --strict and the documentation check
python3 run.py help                     this

The full set downloads about {full} MB the first time (a natural voice, hearing, search by meaning).
--lite downloads about {lite} MB: a robotic voice, search by words, no hearing.
--with=postgres,s3,traces adds what these need, each by itself, and keeps it when .venv is made anew.
"""

EMBEDDED, LITE, TEST = "embedded", "lite", "test"
CHOSEN = ("postgres", "s3", "traces")
"""What an installation may need beside a set, by its own word."""
DOWNLOAD_MB = {EMBEDDED: 450, LITE: 80, TEST: 85, "postgres": 4, "s3": 6, "traces": 2}
"""Measured on Linux; what all sets share is counted in the first two."""
DISK_MB = {EMBEDDED: 1200, LITE: 340, TEST: 280, "postgres": 12, "s3": 16, "traces": 12}
"""With the two models that are joined in the user's cache folder on first use."""
PIP_WHEEL_PACKAGE = "python3-pip-whl"
WITH = "--with="


class Stop(Exception):
    """Said to the person at the keyboard, without a traceback."""


def main(args):
    what = args[0] if args else "help"
    if what in ("help", "-h", "--help"):
        say(usage())
        return 0
    if what not in ("demo", "test", "recado", "bench", "chaos", "check"):
        say(f"There is no `{what}`.\n\n{usage()}")
        return 2
    rest = [a for a in args[1:] if a != "--lite" and not a.startswith(WITH)]
    lite = "--lite" in args[1:]
    voice = LITE if lite or what in ("check", "chaos") else EMBEDDED
    set_up({voice, *chosen(args[1:]), *([TEST] if what in ("test", "check", "chaos") else [])})
    commands = {
        "demo": ["-m", "gateway", "demo", *(["--lite"] if lite else []), *rest],
        "recado": ["-m", "gateway", *rest],
        "bench": ["-m", "bench", *rest],
        "chaos": ["-m", "bench.chaos", *rest],
        "test": ["-m", "pytest", *(["-m", "not embedded"] if lite else []), *rest],
    }
    return check() if what == "check" else become(commands[what])


def chosen(args):
    names = [name for a in args if a.startswith(WITH) for name in a[len(WITH) :].split(",")]
    for name in names:
        if name not in CHOSEN:
            raise Stop(f"{WITH}{name}: there are {', '.join(CHOSEN)}, separated by commas.")
    return names


def usage():
    return HELP.format(full=DOWNLOAD_MB[EMBEDDED], lite=DOWNLOAD_MB[LITE])


def check():
    steps = (
        ["-m", "ruff", "check", "."],
        ["-m", "mypy"],
        ["-m", "pytest", "tests/test_docs.py", "tests/test_house.py"],
    )
    return max(subprocess.call([str(PYTHON), *step], cwd=str(ROOT)) for step in steps)


def become(args):
    """Hand this process over, so that signals and the exit code are the command's own."""
    os.chdir(str(ROOT))
    sys.stdout.flush()
    command = [str(PYTHON), *args]
    if not WINDOWS:
        os.execv(command[0], command)
    with subprocess.Popen(command) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the console told the child too: it is shutting down
                continue


# -- setting up ------------------------------------------------------------------------------------


def set_up(extras):
    if ready(extras):
        return
    with alone():
        if ready(extras):  # the one we waited for did it
            return
        extras |= installed() - {LITE if EMBEDDED in extras else ""} | {e for e in CHOSEN if e in stamped("extras")}
        announce(extras)
        make_venv()
        UNFINISHED.touch()
        install(extras)
        STAMP.write_text(json.dumps({"of": fingerprint(), "extras": sorted(extras)}))
        UNFINISHED.unlink()
        say("Ready.\n")


def ready(extras):
    have = installed()
    if EMBEDDED in have:
        have = have | {LITE}
    return extras <= have and works()


def installed():
    """The sets that are complete and made from this very project file, at this very place."""
    whole = stamped("of") == fingerprint() and not UNFINISHED.exists()
    return set(stamped("extras")) if whole else set()


def stamped(what):
    """Of the last set-up that ended, whatever became of it."""
    try:
        return json.loads(STAMP.read_text())[what]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def fingerprint():
    digest = hashlib.sha256(str(ROOT).encode("utf-8", "surrogateescape"))
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def works():
    """Whether the environment starts, and as the Python it was made with: a system upgrade may have moved it."""
    made = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", read(VENV / "pyvenv.cfg"), re.MULTILINE)
    if not made or not PYTHON.exists():
        return False
    probe = [str(PYTHON), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        now = subprocess.run(probe, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return tuple(now.split()) == tuple(part.encode() for part in made.groups())


def announce(extras):
    download = sum(DOWNLOAD_MB[e] for e in extras)
    disk = sum(DISK_MB[e] for e in extras)
    say(f"Setting up in {VENV}: {' + '.join(sorted(extras))}.")
    say(f"The first time this downloads about {download} MB and takes {disk} MB of disk; after that, nothing.")
    if EMBEDDED in extras:
        small = download - DOWNLOAD_MB[EMBEDDED] + DOWNLOAD_MB[LITE]
        say(f"(With --lite: about {small} MB, a robotic voice and no hearing.)")
    free = shutil.disk_usage(str(ROOT)).free >> 20
    if not PYTHON.exists() and free < disk * 1.2:
        raise Stop(f"There are {free} MB free on this disk; {int(disk * 1.2)} MB are needed.")


def make_venv():
    if UNFINISHED.exists() or (VENV.exists() and not works()):
        if not (UNFINISHED.exists() or (VENV / "pyvenv.cfg").exists()):
            raise Stop(f"{VENV} is not a Python environment; move it away and start again.")
        say("The last set-up did not end well; starting it afresh (downloads are kept).")
        shutil.rmtree(str(VENV))
    if VENV.exists():
        return
    VENV.mkdir()
    UNFINISHED.touch()  # from here until the end a stop leaves something to clear away
    has_pip = module_exists("ensurepip") and not shutil.which("uv")
    quietly([sys.executable, "-m", "venv", *([] if has_pip else ["--without-pip"]), str(VENV)])


def install(extras):
    wanted = ["--constraint", "constraints.txt", "--editable", f".[{','.join(sorted(extras))}]"]
    env = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONUTF8="1")
    code, last = watch([*installer(), "install", *wanted], env, sum(DOWNLOAD_MB[e] for e in extras))
    if code:
        say("\n".join(last))
        raise Stop(
            f"The packages could not be installed (the lines above say why; all of it is in {LOG}).\n"
            "If it was the network, give the same command again: what was downloaded is kept."
        )


def installer():
    """Whatever can install into the environment, nearest first."""
    uv = shutil.which("uv")
    if uv:
        os.environ["VIRTUAL_ENV"] = str(VENV)
        return [uv, "pip"]
    pip = [str(PYTHON), "-m", "pip"]
    if succeeds([*pip, "--version"]):
        return pip
    theirs = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if succeeds([*theirs, "--version"]):
        return theirs
    with pip_wheel() as wheel:  # a wheel is a zip file that Python can run from
        quietly([str(PYTHON), str(wheel / "pip"), "install", "--no-index", str(wheel)])
    return pip


@contextlib.contextmanager
def pip_wheel():
    """Debian cuts pip out of its Python and keeps it in a package of its own.

    Taken from there when it is installed; otherwise apt-get fetches the package (signed, checked, and
    needing no root) and it is unpacked in a temporary folder: nothing is installed on the system.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheels = list(Path("/usr/share/python-wheels").glob("pip-*.whl")) or apt_wheels(Path(folder))
        if not wheels:
            raise Stop(
                "This Python has neither pip nor venv. One command helps, then start again:\n"
                "    sudo apt-get update && sudo apt-get install -y python3-venv"
            )
        yield wheels[-1]


def apt_wheels(folder):
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return []
    say(f"This Python has no pip: borrowing Debian's {PIP_WHEEL_PACKAGE}, without installing it.")
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]
    fetch = ["download", "-q", PIP_WHEEL_PACKAGE]
    if not succeeds(["apt-get", *fetch], cwd=folder):
        fresh = succeeds(["apt-get", *own, "update", "-q"], cwd=folder)
        if not (fresh and succeeds(["apt-get", *own, *fetch], cwd=folder)):
            return []
    for package in folder.glob("*.deb"):
        quietly(["dpkg-deb", "-x", str(package), str(folder)])
    return sorted(folder.glob("usr/share/python-wheels/pip-*.whl"))


# -- running things --------------------------------------------------------------------------------


def watch(command, env, total_mb):
    """Run an installer, show what it fetches, log all it says. Returns its code and its last lines."""
    LOG.parent.mkdir(exist_ok=True)
    fetched, lines = 0.0, []
    with LOG.open("w", encoding="utf-8") as log, subprocess.Popen(
        [str(part) for part in command],
        cwd=str(ROOT), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace",
    ) as child:
        for line in child.stdout:
            log.write(line)
            lines = [*lines[-14:], line.rstrip()]
            name, megabytes = fetching(line)
            fetched += megabytes
            if megabytes >= 1:
                say(f"  {fetched:4.0f} of about {total_mb} MB  {name}")
            if line.startswith("Installing collected packages"):
                say(f"  unpacking {line.count(',') + 1} packages (half a minute or more)")
    return child.returncode, lines


def fetching(line):
    """`(name and version, megabytes)` of a line about a file being fetched; `("", 0)` of any other."""
    said = re.match(r"\s*(?:Downloading|Using cached) (\S+) \(([\d.]+) ?([kKMG])i?B\)", line)
    if not said or ".metadata" in said[1]:
        return "", 0.0
    name = " ".join(said[1].rsplit("/", 1)[-1].split("-")[:2])
    return name, float(said[2]) * {"k": 0.001, "K": 0.001, "M": 1, "G": 1000}[said[3]]


def quietly(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Stop(f"`{' '.join(map(str, command))}` failed:\n{done.stdout.decode('utf-8', 'replace')}")


def succeeds(command, cwd=ROOT):
    with contextlib.suppress(OSError):
        mute = subprocess.DEVNULL
        return subprocess.call(command, cwd=str(cwd), stdin=mute, stdout=mute, stderr=mute) == 0
    return False


def module_exists(name):
    return succeeds([sys.executable, "-c", "import " + name])


@contextlib.contextmanager
def alone():
    """Two of us setting up at once would tread on each other. The lock goes when its process does."""
    with (ROOT / ".set-up.lock").open("a") as lock:
        if WINDOWS:
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another run.py is setting up; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def say(text):
    print(text, flush=True)


def newer_python():
    """A newer Python beside an old `python3`."""
    found = filter(None, (shutil.which(f"python3.{minor}") for minor in (14, 13, 12, 11)))
    return next((path for path in found if succeeds([path, "-c", ""])), None)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        other = newer_python()
        if not other:
            sys.exit(f"recado needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        sys.exit(subprocess.call([other, *sys.argv]))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as reason:
        sys.exit(f"\n{reason}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever read us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
