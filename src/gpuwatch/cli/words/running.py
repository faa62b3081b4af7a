"""Running: the agent itself, and its settings."""

from gpuwatch.cli.words.common import Commands, command


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    for name, function, text in (
        ("run", "running:run", "Run the agent until it is told to end."),
        ("check-config", "running:check_config", "Print each setting and where it came from."),
    ):
        one = command(commands, name, function, text)
        one.add_argument(
            "--set",
            dest="options",
            action="append",
            default=[],
            metavar="SECTION.KEY=VALUE",
            help="set one setting; stronger than every other source",
        )
