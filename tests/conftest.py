"""What tests share: simulated servers and BMCs, and their order where they run side by side."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from simulator.bmc.certificate import Certificate
from tests.support.bmc import MakeBmc, bmcs
from tests.support.redfish import certificates
from tests.support.server import MakeServer, servers

# Workers take tests in this order: the longest first, so that none is left alone with one at the
# end, and last the many short ones, which fill up.
_FIRST = (
    "component/test_ordinary_year",
    "component/test_decision_invariants",
    "e2e/",
    "component/",
)

# A test may take long on a machine that does much at once, and none asserts its speed.
settings.register_profile("gpuwatch", deadline=None)
settings.load_profile("gpuwatch")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which workers should take them."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    path = item.nodeid.removeprefix("tests/")
    return next((at for at, first in enumerate(_FIRST) if path.startswith(first)), len(_FIRST))


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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificate]:
    """A certificate that simulated Redfish services on loopback show."""
    with certificates(tmp_path_factory.mktemp("redfish")) as made:
        yield made
