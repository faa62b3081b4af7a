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


def _unasked_error(*, contained: bool) -> Happening:
    """An uncorrectable error on a board whose driver tells no recovery action."""

    def happen(server: Server, gpu: int) -> None:
        server.unset(None, "recovery_action")
        server.uncorrectable(gpu, contained=contained)

    return happen


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
# Hopper decodes no words: NVLink 5 is Blackwell's.
BLACKWELL = (
    RuleCase(
        "nvlink-suspect",
        _xid(149),
        _xid(145),
    ),
    RuleCase(
        "rma-signals-unreadable",
        lambda server, gpu: server.mig(gpu, enabled=True),
        nothing,
        early=True,
    ),
)
OLD_DRIVER = (
    RuleCase(
        "uncorrectable-error", _unasked_error(contained=False), _unasked_error(contained=True)
    ),
)
TURING = (RuleCase("retired-pages-high", _pages(60), _pages(59), early=True),)
