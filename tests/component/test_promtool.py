"""Prometheus's own tool has nothing to say about our metrics."""

import re
import subprocess
from pathlib import Path

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


def test_prometheus_accepts_the_scrape_configuration_for_pods(tmp_path: Path) -> None:
    """`promtool check config` reads the document's relabelling; Debian's knows no Kubernetes."""
    promtool = require("promtool", "prometheus")
    document = Path(__file__).parents[2] / "docs" / "containers.md"
    (example,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", document.read_text(), re.DOTALL)
    discovery = re.compile(r"kubernetes_sd_configs:\n.*?(?= +relabel_configs:)", re.DOTALL)
    file = tmp_path / "prometheus.yml"
    file.write_text(discovery.sub('static_configs: [{targets: ["pod:9853"]}]\n', example))

    checked = subprocess.run(
        [promtool, "check", "config", file], capture_output=True, text=True, check=False, timeout=60
    )

    assert checked.returncode == 0, checked.stderr
