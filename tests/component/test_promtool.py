"""Prometheus's own tool has nothing to say about our metrics."""

import subprocess

from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.metrics import MetricsRenderer
from tests.support.require import require
from tests.support.snapshots import ALERTING_XIDS, rich_snapshot


def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    """`promtool check metrics` parses every line and lints every name."""
    promtool = require("promtool", "prometheus")
    text = MetricsRenderer(Vocabulary(alerting_xids=ALERTING_XIDS)).text(rich_snapshot())

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
