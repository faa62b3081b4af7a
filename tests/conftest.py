"""What component and end-to-end tests share: simulated servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bmc import MakeBmc, bmcs
from tests.support.server import MakeServer, servers


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """A factory of simulated servers."""
    with servers(tmp_path) as make:
        yield make


@pytest.fixture
def make_bmc(tmp_path: Path) -> Iterator[MakeBmc]:
    """A factory of simulated BMCs that run."""
    with bmcs(tmp_path) as make:
        yield make
