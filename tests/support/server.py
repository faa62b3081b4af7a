"""Simulated servers for tests: built once, made as asked, closed at the end."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from simulator.machine import LIBRARY
from simulator.world import FIRST_SERIAL, Server
from tests.support.require import require

_DRIVER_SOURCES = LIBRARY.parent.parent / "driver"


class MakeServer(Protocol):
    """Makes a simulated server in a directory of its own."""

    def __call__(
        self,
        profile: str = "h100-sxm",
        gpus: int = 8,
        *,
        options: tuple[str, ...] = (),
        driver: str = "580.95.05",
        first_serial: int = FIRST_SERIAL,
    ) -> Server:
        """As `Server.create`. Boards of several hosts need serial numbers of their own."""
        ...


def build_library() -> None:
    """Build the simulated driver if its sources are newer."""
    require("cc", "gcc libc6-dev")
    require("make", "make")
    subprocess.run(["make", "--silent", "-C", str(_DRIVER_SOURCES)], check=True)  # noqa: S607 - any make


@contextmanager
def servers(directory: Path) -> Iterator[MakeServer]:
    """A factory of servers, all closed when the context ends."""
    build_library()
    with ExitStack() as open_servers:

        def make(
            profile: str = "h100-sxm",
            gpus: int = 8,
            *,
            options: tuple[str, ...] = (),
            driver: str = "580.95.05",
            first_serial: int = FIRST_SERIAL,
        ) -> Server:
            place = directory / f"server-{len(list(directory.glob('server-*')))}"
            server = Server.create(
                place, profile, gpus, options=options, driver=driver, first_serial=first_serial
            )
            open_servers.callback(server.close)
            return server

        yield make
