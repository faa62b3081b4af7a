"""Prometheus restarts: what it has waited for before it alerts is not waited for again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.watching import WATCHES
from tests.support.agents import eventually
from tests.support.prometheus import Prometheus, hasty_rules, serving_rules
from tests.support.scraped import Hosts, scraped

DOWN, BLIND, HANGING, NODE = "n1:9853", "n2:9853", "n3:9853", "n1:9100"
GPU = 'gpu="3",uuid="GPU-a"'
TOLD = (
    'gpuwatch_source_up{source="nvml"} 0',
    'gpuwatch_history_degraded{reason="disk-full"} 1',
    "gpuwatch_backup_failed 1",
    "gpuwatch_web_config_failing 1",
    "gpuwatch_web_certificate_valid_from_timestamp_seconds 100000",
    "gpuwatch_web_certificate_valid_until_timestamp_seconds 1000001",
    f'gpuwatch_gpu_info{{{GPU},serial="1654223010009"}} 1',
    f'gpuwatch_gpu_verdict{{{GPU},verdict="unknown"}} 1',
    f"gpuwatch_gpu_flag_late{{{GPU}}} 1",
    'gpuwatch_source_unkillable_children{source="nvml"} 1',
    "gpuwatch_snapshot_timestamp_seconds 1000000",
    'gpuwatch_source_up{source="kernel_log"} 1',
    'gpuwatch_source_last_success_timestamp_seconds{source="kernel_log"} 1000',
)
# Of one backup it is told that it fails, or that it is old.
OLD = (
    "gpuwatch_snapshot_timestamp_seconds 1000000",
    "gpuwatch_backup_enabled 1",
    "gpuwatch_backup_last_success_timestamp_seconds 1000",
)
# Prometheus starts anew to wait for what waits less than 10 minutes; no target is left only where
# none is set up.
ANEW, NOT_HERE = {"GpuwatchProbeWedged", "GpuwatchSourceStale"}, "GpuwatchNoTargets"
WAITING = {name_of(row.code) for row in WATCHES if row.wait} - {NOT_HERE}
RESTORED = WAITING - ANEW
# The time without Prometheus does not count as waited; what has waited for longer than a start
# takes is seen to have gone on.
LONG_ENOUGH = f"count(count_over_time(ALERTS_FOR_STATE[5m]) > 20) >= {len(WAITING)}"
SURELY = timedelta(seconds=4)


@pytest.fixture(name="hosts")
def _hosts() -> Iterator[Hosts]:
    """An agent that is down on a host that is up, one that is blind in every way, an old backup."""
    with scraped() as hosts:
        hosts.refuse(DOWN)
        hosts.tell(BLIND, *TOLD)
        hosts.tell(HANGING, *OLD)
        yield hosts


def _since(server: Prometheus) -> dict[str, datetime]:
    """Since when each alert waits, once all of them do."""

    def look() -> dict[str, datetime]:
        found = {
            alert["labels"]["alertname"]: datetime.fromisoformat(alert["activeAt"][:19] + "+00:00")
            for alert in server.alerts()
            if alert["state"] == "pending"
        }
        return found if found.keys() >= WAITING else {}

    return eventually(look, "all alerts wait")


def _earlier(server: Prometheus) -> set[str]:
    """The alerts that wait since well before those that this server has begun to wait for."""
    waits = _since(server)
    begun = min(waits[name] for name in ANEW)
    return {name for name, since in waits.items() if since < begun - SURELY}


def test_alerts_go_on_waiting_over_a_restart_of_prometheus(hosts: Hosts, tmp_path: Path) -> None:
    """With the shipped rules: 15 minutes, one hour and two are not begun again."""
    jobs = ((DOWN, "gpuwatch"), (BLIND, "gpuwatch"), (HANGING, "gpuwatch"), (NODE, "node"))
    targets = [hosts.target(instance, job) for instance, job in jobs]
    place = tmp_path / "prometheus"
    with serving_rules(place, hasty_rules(), targets=targets) as server:
        _since(server)
        eventually(lambda: server.query(LONG_ENOUGH), "all have waited for long enough")

    with serving_rules(place, hasty_rules(), targets=targets) as server:
        eventually(lambda: _earlier(server) >= RESTORED, "alerts are restored")
        restored = _earlier(server)

    assert restored == RESTORED
