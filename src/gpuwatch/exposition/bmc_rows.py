"""BMC rows: the table of the metrics about BMCs; a series of each has the labels bmc and host."""

from gpuwatch.domain.bmc import Quantity
from gpuwatch.exposition import bmc_samples as take
from gpuwatch.exposition.bmc_families import BmcRow
from gpuwatch.exposition.bmc_samples import (
    Pick,
    each,
    of_gpus,
    of_logs,
    of_state,
    of_sweep,
)
from gpuwatch.exposition.families import Type

_SENSOR = ("sensor", "part")
_GPU = ("gpu_name", "serial", "uuid")


def _gauge(name: str, labels: tuple[str, ...], text: str, pick: Pick) -> BmcRow:
    return BmcRow(f"gpuwatch_bmc_{name}", Type.GAUGE, labels, text, pick)


def _counter(name: str, labels: tuple[str, ...], text: str, pick: Pick) -> BmcRow:
    return BmcRow(f"gpuwatch_bmc_{name}", Type.COUNTER, labels, text, pick)


# fmt: off - a table reads by rows
BMC_ROWS: tuple[BmcRow, ...] = (
    _gauge("up", (), "Whether the BMC answers; absent until it was asked.", take.answers),
    BmcRow(
        "gpuwatch_bmc_info",
        Type.INFO,
        (
            "manufacturer",
            "product",
            "part_number",
            "serial",
            "firmware",
            "bios",
            "protocol",
            "cipher_suite",
        ),
        "Who the BMC is and of which server, as last told; serial is the server's.",
        take.identity,
    ),
    _gauge(
        "last_success_timestamp_seconds",
        (),
        "When the BMC last told everything.",
        of_state(lambda bmc: bmc.swept_at),
    ),
    _gauge(
        "trouble",
        ("reason",),
        "Why the BMC does not answer: 1 for the reason, else 0.",
        take.troubles,
    ),
    _gauge(
        "verdict",
        ("verdict",),
        "What all findings about the BMC and its server say.",
        take.verdicts,
    ),
    _gauge(
        "finding",
        ("code", "urgency", "remedy"),
        "1 for every rule that holds for the BMC; urgency is the one that alerts use.",
        take.findings,
    ),
    _gauge(
        "updating",
        (),
        "Whether the BMC starts or its firmware is being written.",
        of_sweep(lambda sweep: sweep.updating),
    ),
    _gauge(
        "clock_skew_seconds",
        (),
        "By how much the BMC's clock is ahead of this host's.",
        of_sweep(lambda sweep: sweep.clock_skew),
    ),
    _gauge(
        "temperature_celsius",
        _SENSOR,
        "Temperature by sensor.",
        take.measured(Quantity.TEMPERATURE),
    ),
    _gauge(
        "fan_speed_rpm",
        _SENSOR,
        "Speed at which a fan really turns.",
        take.measured(Quantity.FAN_SPEED),
    ),
    _gauge(
        "fan_duty_ratio",
        _SENSOR,
        "Speed of a fan as a share of its full speed.",
        take.measured(Quantity.FAN_DUTY),
    ),
    _gauge("voltage_volts", _SENSOR, "Voltage by sensor.", take.measured(Quantity.VOLTAGE)),
    _gauge("current_amperes", _SENSOR, "Current by sensor.", take.measured(Quantity.CURRENT)),
    _gauge(
        "power_watts",
        _SENSOR,
        "Power by sensor; input, output and totals may stand side by side: do not add them up.",
        take.measured(Quantity.POWER),
    ),
    _gauge(
        "sensor_value",
        (*_SENSOR, "unit"),
        "Sensors of none of these quantities, in the unit that the BMC names.",
        each(take.in_own_unit),
    ),
    _gauge(
        "sensor_state",
        (*_SENSOR, "state"),
        "What the BMC makes of a sensor by its own thresholds, where it says.",
        each(take.healths),
    ),
    _gauge(
        "sensor_asserted",
        (*_SENSOR, "state"),
        "1 for every state that a discrete sensor asserts, in the BMC's words.",
        each(take.asserted),
    ),
    _gauge(
        "server_power_watts",
        (),
        "Power that the whole server draws.",
        of_sweep(lambda sweep: sweep.watts),
    ),
    _gauge(
        "psu_state",
        ("psu", "state"),
        "What is known of a power supply; several may hold, standby is no fault.",
        each(take.supplies),
    ),
    _gauge(
        "psu_health",
        ("psu", "state"),
        "What the BMC makes of a power supply, where it says.",
        each(take.supply_healths),
    ),
    _gauge(
        "redundancy_state",
        ("redundancy", "part", "state"),
        "What is left of a redundancy of supplies or fans, where it is told.",
        each(take.redundancies),
    ),
    _gauge(
        "chassis_power_on",
        (),
        "Whether the server is switched on.",
        of_sweep(lambda sweep: sweep.chassis.power_on),
    ),
    _gauge(
        "chassis_fault",
        ("fault",),
        "Faults that the chassis tells of, whether they hold.",
        each(take.faults),
    ),
    _gauge(
        "watchdog_running",
        (),
        "Whether the BMC's watchdog over the host runs.",
        of_sweep(lambda sweep: None if sweep.watchdog is None else sweep.watchdog.running),
    ),
    _gauge(
        "log_entries",
        ("log",),
        "Entries that an event log of the BMC holds.",
        of_logs(lambda log: log.entries),
    ),
    _gauge(
        "log_free_bytes",
        ("log",),
        "Room that is left in an event log of the BMC.",
        of_logs(lambda log: log.free_bytes),
    ),
    _gauge(
        "log_overflowed",
        ("log",),
        "Whether an event log of the BMC had no room for entries.",
        of_logs(lambda log: log.overflowed),
    ),
    _counter(
        "log_events_total",
        ("topic", "severity"),
        "Entries of the BMC's event logs since it was first seen; those from before are not "
        "counted.",
        take.log_events,
    ),
    _counter(
        "log_cleared_total",
        (),
        "Times that somebody emptied an event log of the BMC.",
        of_state(lambda bmc: bmc.cleared),
    ),
    _counter(
        "log_wrapped_total",
        (),
        "Times that entries of an event log were overwritten before they could be read.",
        of_state(lambda bmc: bmc.wrapped),
    ),
    _gauge(
        "gpu_health",
        (*_GPU, "state"),
        "What the BMC makes of a GPU, where it says.",
        take.gpu_healths,
    ),
    _gauge(
        "gpu_temperature_celsius",
        _GPU,
        "Temperature of a GPU by the BMC.",
        of_gpus(lambda gpu: gpu.temperature_celsius),
    ),
    _gauge(
        "gpu_memory_temperature_celsius",
        _GPU,
        "Temperature of a GPU's memory by the BMC.",
        of_gpus(lambda gpu: gpu.memory_temperature_celsius),
    ),
    _gauge(
        "gpu_power_watts",
        _GPU,
        "Power that a GPU draws by the BMC.",
        of_gpus(lambda gpu: gpu.power_watts),
    ),
    _gauge(
        "gpu_row_remap_failed",
        _GPU,
        "Whether a row remap of a GPU has failed, by the BMC.",
        of_gpus(lambda gpu: gpu.row_remap_failed),
    ),
    _gauge(
        "gpu_row_remap_pending",
        _GPU,
        "Whether a row remap of a GPU waits, by the BMC.",
        of_gpus(lambda gpu: gpu.row_remap_pending),
    ),
    _gauge(
        "gpu_sram_threshold_exceeded",
        _GPU,
        "Whether a GPU's SRAM errors are beyond NVIDIA's threshold, by the BMC.",
        of_gpus(lambda gpu: gpu.sram_threshold_exceeded),
    ),
    _counter(
        "gpu_errors_total",
        (*_GPU, "counter"),
        "Counts over a GPU's life that the BMC tells, each by its name: do not add them up.",
        take.gpu_counts,
    ),
)
# fmt: on
