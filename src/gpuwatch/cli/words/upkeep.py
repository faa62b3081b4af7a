"""Upkeep: backups, and tests of the way of alerts."""

from pathlib import Path

from gpuwatch.cli.words.common import Commands, client, command, duration
from gpuwatch.config.durations import parse_duration


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    backup = client(
        commands,
        "backup",
        "upkeep:backup",
        "Write all that is remembered into one file, while the agent runs or not.",
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="written with mode 600")
    backup.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    restore = command(
        commands,
        "restore",
        "upkeep:restore",
        "Put a backup in the place of the history, which is kept aside; no agent may run.",
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="as backup wrote it")
    restore.add_argument("--check", action="store_true", help="only look whether it could be done")
    restore.add_argument("--reason", default="", help="why; kept in the audit log")
    test = client(
        commands,
        "alert-test",
        "upkeep:alert_test",
        "Send a marked test alert along one route, through Prometheus and Alertmanager.",
    )
    test.add_argument(
        "--route",
        choices=("page", "window", "info"),
        default="window",
        help="whom it reaches (default window, which wakes nobody)",
    )
    test.add_argument(
        "--for",
        dest="lasting",
        type=duration,
        default=parse_duration("10m"),
        metavar="DURATION",
        help="it ends by itself after that (default 10m, at most 1h)",
    )
    test.add_argument("--end", action="store_true", help="end every test now")
