"""Session: one command's talk with the agent, at the socket that the configuration names."""

import os
from argparse import Namespace
from pathlib import Path

from gpuwatch.config.layers import Layers, read
from gpuwatch.control.client import SECONDS, AgentAbsentError, Answer, ask

_SOCKET = "control.sock"


def layers_of(arguments: Namespace) -> Layers:
    """What the configuration says, unchecked: commands that talk need two paths of it."""
    return read(arguments.config, os.environ)


def socket_of(arguments: Namespace) -> Path:
    """Where the agent listens: --socket, else agent.runtime_directory."""
    if arguments.socket is not None:
        return Path(arguments.socket)
    folder = layers_of(arguments).text(("agent", "runtime_directory"), "/run/gpuwatch")
    return Path(folder) / _SOCKET


def database_of(arguments: Namespace) -> Path:
    """Where history is kept: history.path, else history.db in agent.state_directory."""
    layers = layers_of(arguments)
    folder = Path(layers.text(("agent", "state_directory"), "/var/lib/gpuwatch"))
    return Path(layers.text(("history", "path"), "") or folder / "history.db")


def without_history(absent: AgentAbsentError, path: Path, error: Exception) -> AgentAbsentError:
    """Neither an agent nor a history: in one sentence."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return AgentAbsentError(f"{absent}, and {path} does not exist")
    said = getattr(error, "strerror", None) or error
    return AgentAbsentError(f"{absent}, and {path} cannot be read: {said}")


def request(
    arguments: Namespace, do: str, *, within_seconds: float = SECONDS, **fields: object
) -> Answer:
    """The agent's answer. Raises AgentAbsentError, with what is wrong in the configuration."""
    try:
        return ask(socket_of(arguments), do, within_seconds=within_seconds, **fields)
    except AgentAbsentError as absent:
        problems = [] if arguments.socket is not None else layers_of(arguments).problems
        if not problems:
            raise
        told = "; ".join(map(str, problems))
        raise AgentAbsentError(f"{absent}, and the configuration has problems: {told}") from absent
