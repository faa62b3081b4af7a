"""Promtool for tests: what Prometheus's own tool has to say."""

import subprocess

from tests.support.require import require


def metrics_complaints(text: str) -> set[str]:
    """What `promtool check metrics` says of an exposition, without the names of the metrics."""
    promtool = require("promtool", "prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )
    told = (checked.stdout + checked.stderr).splitlines()
    return {line.partition(" ")[2] for line in told if line}
