"""Fleet truth: what a fleet has to look like on Prometheus, from what was done to its hosts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from tests.support.agents import eventually
from tests.support.dashboards import ANY_CHOICE, Asked, asked
from tests.support.fleet_recording import GPUS
from tests.support.fleet_replay import name_of
from tests.support.fleet_server import HOSTS, SILENT, TROUBLED, Fleet
from tests.support.patience import eventually as comes_true
from tests.support.prometheus import Prometheus, hasty_rules, serving_rules

ANSWERING = HOSTS - SILENT
BOARDS = ANSWERING * GPUS
_FLAG = "row-remap-failed"
Sums: TypeAlias = dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], float]]
# By recording rule and the labels that it leaves: one board of each host in trouble has a row that
# could not be remapped after an uncorrectable error, and one of its power supplies lost its feed.
SUMS: Sums = {
    ("verdict:gpuwatch_gpu_verdict:sum > 0", ("verdict",)): {
        ("healthy",): BOARDS - TROUBLED,
        ("drain_now",): TROUBLED,
    },
    ("verdict:gpuwatch_host_verdict:sum > 0", ("verdict",)): {
        ("healthy",): ANSWERING - TROUBLED,
        ("reset_at_window",): TROUBLED,
    },
    ("code_urgency:gpuwatch_gpu_finding:sum", ("code", "urgency")): {
        (_FLAG, "page"): TROUBLED,
        ("recent-uncorrectable-error", "watch"): TROUBLED,
        ("row-remapped", "info"): TROUBLED,
    },
    ("code_urgency:gpuwatch_host_finding:sum", ("code", "urgency")): {},
    ("code_urgency:gpuwatch_bmc_finding:sum", ("code", "urgency")): {
        ("psu-input-lost", "window"): TROUBLED,
        ("cipher-suite-weak", "info"): TROUBLED,  # the simulated BMC knows no better one
    },
    ("code_state:gpuwatch_gpu_flag:sum > 0", ("code", "state")): {(_FLAG, "open"): TROUBLED},
    ("count(instance_uuid:gpuwatch_gpu_flag_due_timestamp_seconds:described)", ()): {(): TROUBLED},
    ("count(instance_uuid_code:gpuwatch_gpu_finding:described)", ()): {(): 3 * TROUBLED},
    ("count(instance_uuid_code:gpuwatch_gpu_finding:kept)", ()): {(): 3 * TROUBLED},
    ("count(instance_code:gpuwatch_host_finding:kept)", ()): {},
    ("count(instance_bmc_code:gpuwatch_bmc_finding:kept)", ()): {(): 2 * TROUBLED},
    ("count(instance_serial_code:gpuwatch_board_flag_info:last_seen_timestamp_seconds)", ()): {
        (): TROUBLED
    },
    ("instance_driver:gpuwatch_gpu_finding:firmware_faults", ()): {},
    ("sum(name_part_number:gpuwatch_gpu_incidents_total:sum)", ()): {(): TROUBLED},
    ("count(name_part_number:gpuwatch_gpu_exposure_seconds_total:sum > 0)", ()): {(): 1},
    ("name_part_number_vbios_driver:gpuwatch_gpu_info:count", ("driver",)): {
        ("580.95.05",): BOARDS
    },
    ("count(instance:gpuwatch_gpu_power_watts:sum > 1000)", ()): {(): ANSWERING},
    ("count(instance:gpuwatch_gpu_temperature_celsius:max > 30)", ()): {(): ANSWERING},
    ("sum(version:gpuwatch_build_info:count)", ()): {(): ANSWERING},
    ("gpuwatch:up:sum", ()): {(): ANSWERING},
    ("gpuwatch:up:count", ()): {(): HOSTS},
}
# Hourly rules need a day and an hour of scrapes before they tell anything.
NOT_YET = {
    "part_number_vbios:gpuwatch_gpu_incidents_total:rise1h",
    "part_number_vbios:gpuwatch_gpu_exposure_seconds_total:rise1h",
}
ALERTS = {
    ("GpuwatchRowRemapFailed", "firing"): TROUBLED,
    ("GpuwatchRecentUncorrectableError", "firing"): TROUBLED,
    ("GpuwatchRowRemapped", "firing"): TROUBLED,
    ("GpuwatchPsuInputLost", "firing"): TROUBLED,
    ("GpuwatchCipherSuiteWeak", "firing"): TROUBLED,
    ("GpuwatchWatchdog", "firing"): 1,
    ("GpuwatchFlagWithoutWindow", "pending"): TROUBLED,
    ("GpuwatchDown", "pending"): SILENT,
}
# The panels of Fleet and Planning for which nothing has happened, or not for long enough.
SILENT_PANELS = {
    "gpuwatch-fleet: Findings about hosts 1",
    "gpuwatch-fleet: Incidents per 1,000 board-years, 30 days before each point 1",
    "gpuwatch-fleet: Sources that cannot be read 1",
    "gpuwatch-fleet: BMCs that do not answer 1",
    "gpuwatch-planning: Acceptance 1",
}
# What Prometheus keeps of each GPU of one host in trouble, and of one that is well: all hosts of a
# kind tell as many series. A query over all series of the fleet takes longer than it is worth.
_OF_GPUS = 'uuid!="",__name__!~".*:.*|ALERTS.*"'
PER_GPU_IN_TROUBLE, PER_GPU = (
    f'count by (uuid) ({{instance="{name_of(host)}:9853",{_OF_GPUS}}})' for host in (0, TROUBLED)
)
SCRAPED = "scrape_samples_scraped"
_DASHBOARDS = ("gpuwatch-fleet", "gpuwatch-planning")


def queries() -> tuple[Asked, ...]:
    """Every query of the dashboards that show the whole fleet."""
    return tuple(one for one in asked(ANY_CHOICE) if one.where.startswith(_DASHBOARDS))


@contextmanager
def watched(folder: Path, fleet: Fleet, *, every_seconds: int) -> Iterator[Prometheus]:
    """A Prometheus that has scraped every host and evaluated every rule."""
    targets = [
        {
            "targets": [f"127.0.0.1:{fleet.port}"],
            "labels": {"instance": instance, "__metrics_path__": path},
        }
        for instance, path in fleet.instances.items()
    ]
    with serving_rules(
        folder, hasty_rules(), targets=targets, every_seconds=every_seconds
    ) as server:
        eventually(
            lambda: server.numbers("min(count_over_time(up[5m])) > 1"), "hosts are scraped twice"
        )
        eventually(
            lambda: server.numbers("gpuwatch:up:sum").get(()) == ANSWERING, "all are counted"
        )
        yield server


def sums(server: Prometheus) -> Sums:
    """What the recorded sums tell; once they are those expected, or else after a minute.

    A rule may have been evaluated while the first scrapes of some hosts were under way.
    """
    told: Sums = {}

    def right() -> bool:
        told.update({query: server.numbers(query[0], *query[1]) for query in SUMS})
        return told == SUMS

    comes_true(right, seconds=60)
    return told


def alerts(server: Prometheus) -> dict[tuple[str, ...], float]:
    """How many alerts there are by name and state, with the same patience."""
    told: dict[tuple[str, ...], float] = {}
    query = "count by (alertname, alertstate) (ALERTS)"

    def right() -> bool:
        told.clear()
        told.update(server.numbers(query, "alertname", "alertstate"))
        return told == ALERTS

    comes_true(right, seconds=60)
    return told


def recorded_names(rules: str) -> set[str]:
    """The names of all recording rules in a file of rules."""
    return set(re.findall(r"- record: (\S+)", rules))
