"""Release: letting go of the driver, and taking it up again."""

from gpuwatch.cli.words.common import Commands, client, duration
from gpuwatch.config.durations import parse_duration


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    release = client(
        commands,
        "release",
        "release:release",
        "Let go of the driver, so that it can be upgraded or a GPU reset. With a command: release,"
        " run it, resume, and end with its status.",
    )
    release.add_argument(
        "--for",
        dest="lasting",
        type=duration,
        default=parse_duration("20m"),
        metavar="DURATION",
        help="it ends by itself after that (default 20m; renewed while COMMAND runs)",
    )
    release.add_argument("--reason", default="", help="why; kept in the audit log")
    release.add_argument("run", nargs="*", metavar="COMMAND", help="after --: what to run")
    client(commands, "resume", "release:resume", "Ask the driver again, now.")
