"""Rule stories: what befalls a simulated GPU so that a rule fires, and what nearly does.

Every case has two GPUs of its own, so that one agent tells many cases at once. What a driver tells
only when it is loaded, or the agent asks once an hour, happens before the agent starts (`early`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.world import Server

Happening = Callable[[Server, int], None]


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One rule, what makes it fire, and the nearest thing that does not; `early` is for both."""

    code: str
    fires: Happening
    spares: Happening
    early: bool = False


def nothing(_server: Server, _gpu: int) -> None:
    """A sound board."""


def _xid(code: int, text: str = "") -> Happening:
    return lambda server, gpu: server.xid(gpu, code, text=text)


def _asked(code: int, action: str) -> Happening:
    """An Xid after which the driver asks for this recovery."""

    def happen(server: Server, gpu: int) -> None:
        server.xid(gpu, code)
        server.recovery_action(gpu, action)

    return happen


def _sets(**values: object) -> Happening:
    """Values of the world by key; `__` stands for a full stop."""

    def happen(server: Server, gpu: int) -> None:
        for key, value in values.items():
            server.set(gpu, key.replace("__", "."), value)

    return happen


def _action(action: str) -> Happening:
    return lambda server, gpu: server.recovery_action(gpu, action)


def _addresses(count: int) -> Happening:
    """So many addresses with uncorrected parity errors in one bank of SRAM."""
    entries = {f"sram__unique__{at}": f"0 0 0 0 {0x1000 + at:d} 1 1" for at in range(count)}
    return _sets(**entries)


def _pages(count: int) -> Happening:
    pages = {f"pages__double__{at}": f"{0x1000 * at:#x} 1700000000" for at in range(count)}
    return _sets(**pages)


def _error(*, contained: bool) -> Happening:
    return lambda server, gpu: server.uncorrectable(gpu, contained=contained)


def _failing_validation(server: Server, gpu: int) -> None:
    server.fail(gpu, "nvmlDeviceValidateInforom", 999)


MEMORY = (
    RuleCase(
        "row-remap-failed",
        lambda server, gpu: server.remap_failure(gpu),
        lambda server, gpu: server.remap(gpu),
    ),
    RuleCase(
        "sram-threshold-exceeded",
        lambda server, gpu: server.sram_threshold(gpu),
        _addresses(4),
    ),
    RuleCase("sram-near-threshold", _addresses(4), _addresses(3)),
    RuleCase("memory-unrepairable", _sets(memory_unrepairable=1), _xid(161)),
    RuleCase("memory-repair-failed", _xid(161), _xid(160)),
    RuleCase(
        "remap-bank-exhausted",
        _sets(remap__uncorrectable=8, remap__banks__none=1),
        _sets(remap__uncorrectable=7, remap__banks__none=1),
    ),
    RuleCase("inforom-corrupt", _sets(inforom__valid=0), _failing_validation, early=True),
    RuleCase(
        "ecc-disabled",
        _sets(ecc_mode__current=0, ecc_mode__pending=0),
        _sets(ecc_mode__pending=0),
        early=True,
    ),
)
XIDS = (
    RuleCase("remap-record-failed", _xid(64), _xid(63)),
    RuleCase("gsp-or-firmware-fault", _xid(119), _xid(109)),
    RuleCase("nvlink-fault", _asked(74, "reset"), _xid(74)),
    RuleCase("nvlink-suspect", _xid(74), _xid(137)),
    RuleCase("xid-other", _asked(155, "reset"), _xid(155)),
    RuleCase("xid-other-ticket", _xid(142), _xid(39)),
    RuleCase("xid-other-noted", _xid(39), _xid(31)),
    RuleCase("application-xid", _xid(31), _xid(39)),
)
MESSAGES = (
    RuleCase("row-remapped", _xid(63), _xid(64)),
    RuleCase(
        "many-correctable-errors", _xid(92), lambda server, gpu: server.correctable(gpu, count=900)
    ),
    RuleCase(
        "correctable-errors",
        lambda server, gpu: server.correctable(gpu, count=1),
        _xid(92),
    ),
    RuleCase("recovery-action", _action("reset"), _action("drain-p2p")),
    RuleCase("recovery-drain-p2p", _action("drain-p2p"), _action("reset")),
    RuleCase("recovery-action-unknown", _action("9"), _action("reset")),
    RuleCase(
        "recent-uncorrectable-error",
        lambda server, gpu: server.uncorrectable(gpu),
        lambda server, gpu: server.correctable(gpu),
    ),
    RuleCase(
        "row-remap-pending",
        lambda server, gpu: server.remap(gpu, correctable=True),
        lambda server, gpu: server.correctable(gpu),
    ),
)
# NVLink 5, whose words are decoded.
BLACKWELL = (
    RuleCase("nvlink-suspect", _xid(149), _xid(145)),
    RuleCase(
        "rma-signals-unreadable",
        lambda server, gpu: server.mig(gpu, enabled=True),
        nothing,
        early=True,
    ),
)
# Drivers that tell no recovery action.
OLD_DRIVER = (
    RuleCase("uncorrectable-error", _error(contained=False), _error(contained=True)),
    RuleCase("xid-other", _xid(155), _xid(39)),
)
TURING = (RuleCase("retired-pages-high", _pages(60), _pages(59), early=True),)

_WORSE = "test_levels.py::test_each_gpu_that_is_worse_than_its_siblings_is_told"
_WHOLE = "test_levels.py::test_a_cause_of_the_whole_host_is_one_finding_and_no_gpu_is_to_blame"
_LACKS = "test_levels.py::test_what_a_host_lacks_is_told_once"

# What needs time, or more than two GPUs: the tests that tell it, by code.
TOLD_BY = {
    "rising-uncorrectable-trend": "test_first_flag.py::"
    "test_two_incidents_twelve_days_apart_raise_one_flag",
    "recovery-reboot": "test_rules_of_hosts.py::test_what_the_driver_asks_of_the_host_is_the_hosts",
    "recovery-imex-domain": "test_rules_of_hosts.py::"
    "test_what_the_driver_asks_of_the_host_is_the_hosts",
    "row-remap-pending-long": "test_rules_of_hosts.py::"
    "test_a_remap_that_waits_for_a_month_wants_its_reset",
    "remap-not-applied": "test_rules.py::test_what_resets_do_not_help_is_a_case_for_the_vendor",
    "remap-record-failed-again": "test_rules.py::"
    "test_what_resets_do_not_help_is_a_case_for_the_vendor",
    "gsp-or-firmware-fault-again": "test_rules.py::"
    "test_what_resets_do_not_help_is_a_case_for_the_vendor",
    "nvswitch-fatal": "test_rules_of_hosts.py::test_errors_of_switches_are_one_matter_of_the_host",
    "nvswitch-error": "test_rules_of_hosts.py::test_errors_of_switches_are_one_matter_of_the_host",
    "xid-from-one-gpu": "test_rules_of_hosts.py::"
    "test_programs_that_fail_on_one_gpu_alone_are_a_reason_to_look",
    "off-the-bus": "test_board_life.py::test_one_lost_gpu_changes_nothing_for_the_others",
    "off-the-bus-again": "test_rules_of_hosts.py::"
    "test_a_board_that_falls_off_the_bus_again_is_flagged",
    "board-missing": "test_rules_of_hosts.py::test_a_board_that_is_gone_after_a_boot_is_missing",
    "board-missing-in-service": "test_rules_of_hosts.py::"
    "test_a_board_that_is_gone_after_a_boot_is_missing",
    "gpu-unresponsive": "test_isolation.py::"
    "test_a_gpu_that_is_silent_for_a_minute_is_to_be_drained",
    "driver-hung": "test_isolation.py::test_a_driver_that_hangs_is_one_matter_of_the_host",
    "driver-mismatch": "test_driver_life.py::test_a_library_that_is_not_the_modules",
    "driver-not-loaded": "test_driver_life.py::test_neither_driver_nor_library_at_the_start",
    "gpu-count": "test_board_life.py::test_a_host_with_more_gpus_than_it_should_have",
    "unattributed-error": "test_rules_of_hosts.py::"
    "test_an_echo_without_an_owner_is_told_after_ten_minutes",
    "wrong-board-pulled": "test_swap_life.py::test_a_wrong_board_that_is_pulled_is_said_loudly",
    "flagged-board-returned": "test_swap_life.py::"
    "test_a_flagged_board_that_comes_back_is_recognised",
    "acceptance-failed": "test_swap_life.py::test_what_fails_its_acceptance_gets_a_flag_of_its_own",
    **dict.fromkeys(
        (
            "nvlink-down",
            "nvlink-error-rate",
            "gpu-cooling-path",
            "pcie-replay-rate",
            "pcie-downgraded",
        ),
        _WORSE,
    ),
    **dict.fromkeys(("fabric-not-ready", "cooling", "power-brake"), _WHOLE),
    **dict.fromkeys(
        ("version-drift", "telemetry-gap", "clock-unsynchronized", "persistence-off"), _LACKS
    ),
    "bmc-network-lost": "test_rules_of_bmcs.py::"
    "test_bmcs_that_fall_silent_together_are_one_matter_of_the_network",
    "calendar-refused": "test_windows.py::test_a_calendar_tells_windows_and_may_break",
    "history-lost": "test_kill.py::test_a_corrupt_history_without_a_copy_starts_anew_and_says_so",
}
CASES = (*MEMORY, *XIDS, *MESSAGES, *OLD_DRIVER, *BLACKWELL, *TURING)
