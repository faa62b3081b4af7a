"""A build where no index answers: it says which file is missing, and how to get it."""

import subprocess
import sys
from pathlib import Path

from tests.support.agents import clean_environment

_FETCH = """
import sys
from pathlib import Path
from delivery import lock, places, wheels
wheels._DOWNLOADED = Path(sys.argv[1])
try:
    wheels.download("a-target", [lock.Locked("six", "1.17.0", ("0" * 64,))])
except places.DeliveryError as error:
    sys.exit(str(error))
"""


def test_a_build_without_an_index_says_what_is_missing(tmp_path: Path) -> None:
    """What to bring to a builder behind an air gap, and where pip would look for it."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-c", _FETCH, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | nowhere | {"PIP_FIND_LINKS": str(tmp_path)},
    )

    assert done.returncode == 1
    assert "missing for a-target: one of six 1.17.0" in done.stderr
    assert "PIP_FIND_LINKS" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".unfinished"] == []
