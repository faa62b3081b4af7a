"""Doctor: what is amiss with gpuwatch itself."""

from pathlib import Path

from gpuwatch.cli.words.common import Commands, client


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    doctor = client(
        commands,
        "doctor",
        "doctor.command:doctor",
        "What is amiss with gpuwatch on this host, and what to do, with an agent or without.",
    )
    doctor.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="also write an archive (tar.gz) for support, without secrets, names and addresses",
    )
    doctor.add_argument("--force", action="store_true", help="replace FILE if it exists")
