"""Known: boards that other hosts told of, from files in a folder and from what was imported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from gpuwatch.domain.known_boards import FILE_LIMIT, KnownBoard, read_all

log = structlog.get_logger("gpuwatch.known")

PATTERN = "*.ndjson"


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """A folder of files of known boards; None reads none."""

    folder: Path | None

    def read(self) -> tuple[KnownBoard, ...]:
        """Every board of every file. A file with a wrong line counts for nothing, loudly."""
        boards: list[KnownBoard] = []
        for path in sorted(self.folder.glob(PATTERN)) if self.folder else ():
            try:
                boards += tuple(read_all(_text_of(path)))
            except (OSError, ValueError) as error:
                log.error("known-boards-refused", path=str(path), problem=str(error))  # noqa: TRY400 - no bug of ours
        return tuple(boards)


NO_FILES = KnownFiles(None)


def by_board(boards: Iterable[KnownBoard]) -> Mapping[str, tuple[KnownBoard, ...]]:
    """What is known by serial number, or by UUID of a board without one."""
    found: dict[str, tuple[KnownBoard, ...]] = {}
    for known in boards:
        name = known.key.serial or known.key.uuid
        found[name] = (*found.get(name, ()), known)
    return found


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise ValueError(f"larger than {FILE_LIMIT} bytes")
    return content.decode()
