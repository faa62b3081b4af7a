"""Boards: what this host has seen, and what has left it."""

from gpuwatch.cli.words.common import Commands, client, group


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    verbs = group(commands, "boards", "The boards that this host has seen.")
    client(verbs, "list", "boards:list_boards", "Every board remembered.")
    retire = client(verbs, "retire", "boards:retire", "Say that a board has left for good.")
    retire.add_argument("serial", metavar="SERIAL", help="its serial, or UUID where it has none")
    retire.add_argument("--reason", required=True, help="why; kept in the audit log")
