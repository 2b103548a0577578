"""A disk whose fsync takes its time, for a machine whose disk answers at once: fsync is wrapped by the loader."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from bench.rows import NotMeasured

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static int slowly(const char *name, int file) {
    int (*really)(int) = dlsym(RTLD_NEXT, name);
    usleep(WAIT_US);
    return really(file);
}
int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


async def slowed(folder: Path, wait_ms: int) -> dict[str, str]:
    """The environment of a program whose fsync takes `wait_ms` more. Raises NotMeasured."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        raise NotMeasured("no C compiler to slow fsync down with")
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SOURCE)
    flags = ["-shared", "-fPIC", "-O1", f"-DWAIT_US={wait_ms * 1000}", "-o", str(library), str(source), "-ldl"]
    child = await asyncio.create_subprocess_exec(compiler, *flags)
    if await child.wait():
        raise NotMeasured("the C compiler failed")
    return {"LD_PRELOAD": str(library)}
