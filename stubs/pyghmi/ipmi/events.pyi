# What gpuwatch uses of pyghmi's words for events, typed.

firmware_errors: dict[int, str]
firmware_progress: dict[int, str]
psucfg_errors: dict[int, str]
restart_causes: dict[int, str]
slot_types: dict[int, str]
version_changes: dict[int, str]
watchdog_boot_phases: dict[int, str]
