"""Sums: what dashboards show of a whole fleet, made small by recording rules."""

from gpuwatch.cli.alerts.findings import joined
from gpuwatch.cli.alerts.model import Group, Recording


def _by_part(metric: str) -> str:
    """The sum of a counter of boards over all boards of one part number."""
    return (
        f"sum by (name, part_number) (\n  sum by (instance, uuid) ({metric})\n"
        "  * on (instance, uuid) group_left (name, part_number)\n"
        "    topk by (instance, uuid) (1, gpuwatch_gpu_info)\n)"
    )


_DUE = "gpuwatch_gpu_flag_due_timestamp_seconds"

# The record is named by the labels that are left, the metric, and what was done with it.
_SUMS = (
    ("verdict:gpuwatch_gpu_verdict:sum", "sum by (verdict) (gpuwatch_gpu_verdict)"),
    ("verdict:gpuwatch_host_verdict:sum", "sum by (verdict) (gpuwatch_host_verdict)"),
    (
        "code_urgency:gpuwatch_gpu_finding:sum",
        "sum by (code, urgency) (gpuwatch_gpu_finding)",
    ),
    (
        "code_urgency:gpuwatch_host_finding:sum",
        "sum by (code, urgency) (gpuwatch_host_finding)",
    ),
    (
        "code_urgency:gpuwatch_bmc_finding:sum",
        "sum by (code, urgency) (gpuwatch_bmc_finding)",
    ),
    ("code_state:gpuwatch_gpu_flag:sum", "sum by (code, state) (gpuwatch_gpu_flag)"),
    (f"instance_uuid:{_DUE}:described", f"{joined(_DUE)}\nor on (instance, uuid) {_DUE}"),
    (
        "name_part_number:gpuwatch_gpu_incidents_total:sum",
        _by_part("gpuwatch_gpu_incidents_total"),
    ),
    (
        "name_part_number:gpuwatch_gpu_exposure_seconds_total:sum",
        _by_part("gpuwatch_gpu_exposure_seconds_total"),
    ),
    (
        "name_part_number_vbios_driver:gpuwatch_gpu_info:count",
        "count by (name, part_number, vbios, driver) (gpuwatch_gpu_info)",
    ),
    ("instance:gpuwatch_gpu_power_watts:sum", "sum by (instance) (gpuwatch_gpu_power_watts)"),
    (
        "instance:gpuwatch_gpu_temperature_celsius:max",
        "max by (instance) (gpuwatch_gpu_temperature_celsius)",
    ),
    ("version:gpuwatch_build_info:count", "count by (version, rules) (gpuwatch_build_info)"),
    ("gpuwatch:up:sum", 'sum(up{job="gpuwatch"})'),
    ("gpuwatch:up:count", 'count(up{job="gpuwatch"})'),
)

SUMS = Group("gpuwatch-sums", tuple(Recording(record=record, expr=expr) for record, expr in _SUMS))
