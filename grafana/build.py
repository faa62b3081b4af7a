"""Build: writes every dashboard as JSON, `python -m grafana.build [DIRECTORY]`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from grafana import fleet, gpu, host, planning
from grafana.classic import document
from grafana.model import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    fleet.DASHBOARD,
    host.DASHBOARD,
    gpu.DASHBOARD,
    planning.DASHBOARD,
)
HERE = Path(__file__).parent / "dashboards"


def text(dashboard: Dashboard) -> str:
    """The file of one dashboard."""
    return json.dumps(document(dashboard), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write all of them; 0."""
    directory = Path(arguments[0]) if arguments else HERE
    directory.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        (directory / f"{dashboard.uid}.json").write_text(text(dashboard))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
