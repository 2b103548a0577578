from __future__ import annotations

import sys
from subprocess import run

import storage


def test_the_door_names_what_is_there() -> None:
    assert storage.__all__ == sorted(storage.__all__)
    assert all(hasattr(storage, name) for name in storage.__all__)


def test_the_vault_costs_nothing_until_it_is_used() -> None:
    seen = "import storage, sys; sys.exit('cryptography' in sys.modules)"
    assert run([sys.executable, "-c", seen], check=False).returncode == 0
