"""Console: the simulator's own command line, over which everything is changed while it runs."""

import contextlib
import socket
from collections.abc import Sequence

_PROMPT = b"\r> "
_SECONDS = 10.0


class ConsoleError(RuntimeError):
    """The simulator refused a line, or does not answer."""


class Console:
    """A connection to the console on 127.0.0.1, made when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None

    def do(self, lines: Sequence[str]) -> None:
        """Have lines carried out in order; all are in force on return. Raises ConsoleError."""
        for line in lines:
            answer = self._ask(line)
            mistake = answer.find("**")
            if mistake >= 0:
                reason = answer[mistake + 2 :].splitlines()[0]
                raise ConsoleError(f"{line!r}: ipmi_sim says {reason!r}")

    def _ask(self, line: str) -> str:
        try:
            connection = self._connect()
            connection.sendall(line.encode() + b"\r")
            return self._until_prompt(connection)
        except OSError as error:
            self.close()
            raise ConsoleError(
                f"{line!r}: the console does not answer: {error} (is the BMC frozen or dead?)"
            ) from error

    def _connect(self) -> socket.socket:
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), _SECONDS)
            greeting = b""
            while b"> " not in greeting:  # behind it may stand what it logs
                greeting += self._receive(self._connection)
        return self._connection

    def _until_prompt(self, connection: socket.socket) -> str:
        answer = b""
        # What it logs meanwhile, of a command that it refused, may stand behind the prompt.
        while _PROMPT not in answer:
            answer += self._receive(connection)
        return answer.decode(errors="replace")

    @staticmethod
    def _receive(connection: socket.socket) -> bytes:
        data = connection.recv(4096)
        if not data:
            raise ConnectionResetError("closed by ipmi_sim")
        return data

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
