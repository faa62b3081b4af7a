"""Recovery actions: what the driver asks people to do, whose numbers moved between drivers."""

from enum import StrEnum


class RecoveryAction(StrEnum):
    """What the driver wants done before the GPU is sound again.

    https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/error-recovery-and-response-flags.html
    """

    NONE = "none"
    GPU_RESET = "gpu_reset"
    NODE_REBOOT = "node_reboot"
    DRAIN_P2P = "drain_p2p"
    DRAIN_AND_RESET = "drain_and_reset"
    BUS_RESET = "bus_reset"
    RECOVER_IMEX_DOMAIN = "recover_imex_domain"
    UNKNOWN = "unknown"


_STABLE = {
    0: RecoveryAction.NONE,
    1: RecoveryAction.GPU_RESET,
    2: RecoveryAction.NODE_REBOOT,
    3: RecoveryAction.DRAIN_P2P,
    4: RecoveryAction.DRAIN_AND_RESET,
}

# The meaning of 5 and above by the driver's major version, from the constants of the nvidia-ml-py
# releases for those drivers: 580 names 5 a bus reset, 610 an IMEX domain. In between it is not
# known which a driver means, so the number itself is shown.
_MOVED: tuple[tuple[int, int, dict[int, RecoveryAction]], ...] = (
    (580, 590, {5: RecoveryAction.BUS_RESET}),
    (
        610,
        1_000_000,
        {
            5: RecoveryAction.RECOVER_IMEX_DOMAIN,
            6: RecoveryAction.BUS_RESET,
            7: RecoveryAction.NODE_REBOOT,
        },
    ),
)


def driver_major(driver_version: str) -> int:
    """The major version of "580.95.05", 0 where the text is no version."""
    head = driver_version.split(".", 1)[0]
    return int(head) if head.isdigit() else 0


def recovery_action(value: int, driver_version: str) -> RecoveryAction:
    """What the raw `value` means under this driver; UNKNOWN for a number that we cannot place."""
    if value in _STABLE:
        return _STABLE[value]
    major = driver_major(driver_version)
    for first, last, meanings in _MOVED:
        if first <= major < last:
            return meanings.get(value, RecoveryAction.UNKNOWN)
    return RecoveryAction.UNKNOWN
