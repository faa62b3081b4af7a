"""Trailed: the signals of which rules want the last minutes, not only the latest reading."""

TEMPERATURE = "gpuwatch_gpu_temperature_celsius"
POWER = "gpuwatch_gpu_power_watts"
UTILIZATION = "gpuwatch_gpu_utilization_ratio"
SLOWDOWN = 'gpuwatch_gpu_clocks_event{reason="hw_slowdown"}'
HARDWARE_HOT = 'gpuwatch_gpu_clocks_event{reason="hw_thermal_slowdown"}'
SOFTWARE_HOT = 'gpuwatch_gpu_clocks_event{reason="sw_thermal_slowdown"}'
BRAKING = 'gpuwatch_gpu_clocks_event{reason="hw_power_brake_slowdown"}'
BRAKED = 'gpuwatch_gpu_clocks_event_seconds_total{reason="hw_power_brake_slowdown"}'
REPLAYS = "gpuwatch_gpu_pcie_replays_total"
GENERATION = "gpuwatch_gpu_pcie_link_generation"
LANES = "gpuwatch_gpu_pcie_link_lanes"
LINK_ERRORS = (
    'gpuwatch_gpu_nvlink_errors_total{kind="replay"}',
    'gpuwatch_gpu_nvlink_errors_total{kind="recovery"}',
    'gpuwatch_gpu_nvlink_recoveries_total{result="successful"}',
    'gpuwatch_gpu_nvlink_recoveries_total{result="failed"}',
)

# Means of a minute's readings; what the minute's last slow sweep told together; rises in a minute;
# rises in an hour.
MEANS = frozenset({TEMPERATURE, POWER, SLOWDOWN, HARDWARE_HOT, SOFTWARE_HOT, BRAKING})
TOGETHER = frozenset({UTILIZATION, GENERATION, LANES})
MINUTE_RISES = frozenset({REPLAYS, BRAKED})
HOUR_RISES = frozenset(LINK_ERRORS)

MINUTES_KEPT = 20
HOURS_KEPT = 24
