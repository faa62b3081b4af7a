"""What the tests of the command line share: an agent that listens, in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.fake_agent import FakeAgent
from tests.support.snapshots import rich_snapshot


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, as a socket needs."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        yield Path(name)


@pytest.fixture
def agent(folder: Path) -> Iterator[FakeAgent]:
    """An agent that watches the server of the scenario."""
    one = FakeAgent(folder, rich_snapshot())
    yield one
    one.stop()
