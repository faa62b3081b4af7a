"""Client: one request to the agent, with a deadline. Standard library only, for fast commands."""

import json
import os
import socket
import time
from pathlib import Path

from gpuwatch.control.requests import ANSWER_LIMIT, ControlError, ErrorKind

SECONDS = 10.0
_TURN_SECONDS = 0.05
_CLAIM = "SUDO_USER"

Answer = dict[str, object]


class AgentAbsentError(Exception):
    """No agent listens at the socket."""


def ask(path: Path, do: str, *, within_seconds: float = SECONDS, **fields: object) -> Answer:
    """The agent's answer to one request.

    Raises AgentAbsentError when nobody listens; ControlError when the agent refuses, when this
    user may not connect (DENIED), or when no answer came in time (BUSY).
    """
    request: Answer = {"do": do, **fields}
    if os.environ.get(_CLAIM):
        request["claims"] = {_CLAIM: os.environ[_CLAIM]}
    deadline = time.monotonic() + within_seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, path, within_seconds)
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # turned away: the reason can still be read
        except TimeoutError as error:
            raise _late(within_seconds) from error
        answer = _decode(_receive(connection, deadline, within_seconds))
    refusal = answer.get("error")
    if isinstance(refusal, dict):
        what, remedy = str(refusal.get("what")), str(refusal.get("remedy"))
        raise ControlError(_kind(refusal.get("kind")), what, remedy)
    return answer


def _connect(connection: socket.socket, path: Path, seconds: float) -> None:
    connection.settimeout(seconds)
    try:
        _connect_in_turn(connection, path, time.monotonic() + seconds)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise AgentAbsentError(f"no agent listens at {path}") from error
    except PermissionError as error:
        raise ControlError(
            ErrorKind.DENIED,
            f"{path}: permission denied",
            "use sudo, or join the group gpuwatch",
        ) from error
    except (TimeoutError, BlockingIOError) as error:  # the latter: its queue stays full
        raise _late(seconds) from error
    except OSError as error:
        raise AgentAbsentError(f"{path}: {error}") from error


def _connect_in_turn(connection: socket.socket, path: Path, deadline: float) -> None:
    """Connect, and while the agent's queue is full (EAGAIN, unix(7)) wait for a place in it."""
    while True:
        try:
            connection.connect(str(path))
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_TURN_SECONDS)
        else:
            return


def _receive(connection: socket.socket, deadline: float, seconds: float) -> bytes:
    got = bytearray()
    while not got.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise _late(seconds)
        connection.settimeout(left)
        try:
            chunk = connection.recv(1 << 16)
        except TimeoutError as error:
            raise _late(seconds) from error
        except ConnectionResetError:
            chunk = b""
        if not chunk or len(got) > ANSWER_LIMIT:
            raise ControlError(
                ErrorKind.FAILED,
                "the agent ended the connection before its answer was whole",
                "is it being restarted? see its log",
            )
        got += chunk
    return bytes(got)


def _decode(line: bytes) -> Answer:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ControlError(
            ErrorKind.FAILED,
            "the answer is not a JSON object",
            "is it an agent that listens there?",
        )
    return answer


def _late(seconds: float) -> ControlError:
    return ControlError(
        ErrorKind.BUSY, f"the agent did not answer within {seconds:g} s", "see its log"
    )


def _kind(word: object) -> ErrorKind:
    try:
        return ErrorKind(str(word))
    except ValueError:
        return ErrorKind.FAILED
