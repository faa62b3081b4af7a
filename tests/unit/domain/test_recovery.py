"""Recovery actions are read by the driver's version."""

import pytest

from gpuwatch.domain.recovery import RecoveryAction, driver_major, recovery_action


@pytest.mark.parametrize(
    ("value", "driver", "expected"),
    [
        (0, "580.95.05", RecoveryAction.NONE),
        (1, "570.124.06", RecoveryAction.GPU_RESET),
        (2, "610.1", RecoveryAction.NODE_REBOOT),
        (3, "", RecoveryAction.DRAIN_P2P),
        (4, "580.95.05", RecoveryAction.DRAIN_AND_RESET),
        (5, "580.95.05", RecoveryAction.BUS_RESET),
        (5, "610.43.02", RecoveryAction.RECOVER_IMEX_DOMAIN),
        (6, "610.43.02", RecoveryAction.BUS_RESET),
        (7, "610.43.02", RecoveryAction.NODE_REBOOT),
        (5, "595.10", RecoveryAction.UNKNOWN),
        (5, "570.124.06", RecoveryAction.UNKNOWN),
        (9, "610.43.02", RecoveryAction.UNKNOWN),
        (5, "not a version", RecoveryAction.UNKNOWN),
    ],
)
def test_a_number_means_what_its_driver_means(
    value: int, driver: str, expected: RecoveryAction
) -> None:
    """5 was a bus reset in 580 and an IMEX domain in 610; in between it is not guessed."""
    assert recovery_action(value, driver) is expected


def test_a_text_without_digits_has_no_major_version() -> None:
    """An unreadable driver version is version 0."""
    assert driver_major("") == 0
