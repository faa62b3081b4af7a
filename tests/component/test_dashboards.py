"""The queries of dashboards, by Prometheus's own tool."""

import json
import subprocess
from pathlib import Path

from tests.support.dashboards import ANY_CHOICE, asked
from tests.support.require import require


def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    """Each query as a recording rule: `promtool check rules` has nothing to say."""
    promtool = require("promtool", "prometheus")
    rules = [{"record": "a:query:b", "expr": one.expr} for one in asked(ANY_CHOICE)]
    groups = [{"name": f"query-{at}", "rules": [rule]} for at, rule in enumerate(rules)]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": groups}))

    checked = subprocess.run(
        [promtool, "check", "rules", "--lint=none", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"{len(rules)} rules found" in checked.stdout
