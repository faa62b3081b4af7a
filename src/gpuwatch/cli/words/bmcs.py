"""BMCs: the management controllers, and what stands in their event logs."""

import argparse

from gpuwatch.cli.words.common import Commands, client
from gpuwatch.control.bmc_forms import MOST_ENTRIES
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic

BMC = "its name in the settings, or the host that it is of"


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    bmc = client(commands, "bmc", "bmcs:bmc", "The BMCs, and how the servers behind them are.")
    bmc.add_argument("bmc", nargs="?", metavar="BMC", help=f"one in full: {BMC}")
    bmc.add_argument(
        "--accept",
        action="store_true",
        help="its server is as it should be: parts that were taken out for good are not missed",
    )
    bmc.add_argument("--reason", default="", help="why, with --accept; kept in the audit log")
    sel = client(commands, "sel", "bmcs:sel", "What stands in the event logs of BMCs.")
    sel.add_argument("bmc", nargs="?", metavar="BMC", help=f"of one only: {BMC}")
    sel.add_argument(
        "--severity",
        choices=[one.value for one in LogSeverity],
        default=LogSeverity.INFO.value,
        help="at least so grave",
    )
    sel.add_argument("--topic", choices=[one.value for one in LogTopic], help="about this only")
    sel.add_argument(
        "--since", metavar="TIME", help='only since then: "2026-03-15T04:00Z"; local without a zone'
    )
    sel.add_argument(
        "--limit",
        type=_number,
        default=100,
        metavar="N",
        help=f"how many, the latest first (default: 100; at most {MOST_ENTRIES})",
    )


def _number(text: str) -> int:
    """How many entries. Raises ArgumentTypeError, whose words the parser tells."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= MOST_ENTRIES:
        raise argparse.ArgumentTypeError(f'"{text}" is no number from 1 to {MOST_ENTRIES}')
    return number
