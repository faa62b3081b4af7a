"""What component and end-to-end tests share: simulated servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import MakeServer, servers


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """A factory of simulated servers."""
    with servers(tmp_path) as make:
        yield make
