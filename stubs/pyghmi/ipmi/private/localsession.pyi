# What gpuwatch uses, and replaces, of pyghmi's session in band, typed.

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

open: Callable[[str, str], BinaryIO]  # noqa: A001 - the built-in one, until it is replaced

class Session:
    ipmidev: BinaryIO
    def __init__(self, devnode: str = ...) -> None: ...
    def await_reply(self) -> None: ...
    def raw_command(
        self, netfn: int, command: int, data: Sequence[int] = (), *, rslun: int = 0
    ) -> dict[str, Any]: ...
