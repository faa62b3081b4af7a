"""What the tests on a real GPU share: the host, and the recording that they write together."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gpu.host import Host, absence
from tests.support.gpu.recordings import recorded
from tests.support.gpu.survey import Survey, survey, table

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def host() -> Host:
    """This machine; fails where it has no GPU, because whoever runs these tests expects one."""
    here = Host()
    if reason := absence(here):
        pytest.fail(reason, pytrace=False)
    return here


@pytest.fixture(scope="session")
def seen(host: Host) -> Survey:
    """Every row of every GPU, asked once."""
    return survey(host)


@pytest.fixture(scope="session")
def sections(seen: Survey) -> Iterator[dict[str, Any]]:
    """What the tests find out; written with the survey when all have run."""
    found: dict[str, Any] = {}
    print("\n" + table(seen))  # noqa: T201 - the check's result is read by people
    yield found
    place = Path(os.environ.get("GPUWATCH_GPU_RECORDING", ROOT / "build/gpu-recording.json"))
    identity = os.environ.get("GPUWATCH_GPU_IDENTITY") == "keep"
    place.parent.mkdir(parents=True, exist_ok=True)
    document = recorded(seen, found, identity=identity)
    place.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(f"\nrecording: {place} (commit it as tests/fixtures/gpu/NAME.json)")  # noqa: T201 - likewise
