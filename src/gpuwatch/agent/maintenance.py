"""Maintenance: files by which people and tools say that a host or a board is worked on."""

import contextlib
import json
import os
import secrets
import stat
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gpuwatch.domain.snapshot import Maintenance

log = structlog.get_logger("gpuwatch.maintenance")

LIMIT_BYTES = 16_384
_MODE = 0o770  # whatever the umask is
LIMIT_FILES = 256
LIMIT_TEXT = 1_000  # characters, as in a request of the control socket
LIMIT_UNTIL = datetime(3000, 1, 1, tzinfo=UTC).timestamp()  # milliseconds would silence for ever


class MaintenanceError(ValueError):
    """A maintenance file or request that cannot be taken: what, which, the way out."""


class MaintenanceDirectory:
    """`maintenance.d`: one JSON file a piece of work, written by anyone who may write there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.refused: dict[str, str] = {}

    def make(self) -> None:
        """Make the folder, which the group may write to: a tool of theirs may be the first."""
        with contextlib.suppress(OSError):  # nobody's but theirs who made it so
            self.directory.mkdir(parents=True, exist_ok=True)
            self.directory.chmod(_MODE)

    def read(self, now_wall: float) -> tuple[Maintenance, ...]:
        """What holds now (Unix seconds). Expired files hold nothing; bad ones are in `refused`."""
        holding, refused = [], {}
        for path in self._files():
            try:
                work = parse(path.stem, _content(path))
            except (OSError, ValueError) as error:
                refused[path.name] = str(error)
                continue
            if work.until > now_wall:
                holding.append(work)
        for name in refused.keys() - self.refused.keys():
            log.warning("maintenance-file-refused", file=name, why=refused[name])
        self.refused = refused
        return tuple(holding)

    def begin(self, work: Maintenance) -> Maintenance:
        """Write a file for `work` under a new name; it holds from the next look."""
        self.directory.mkdir(parents=True, exist_ok=True)
        identity = f"gpuwatch-{secrets.token_hex(4)}"
        body = asdict(work) | {"identity": identity}
        scratch = self.directory / f".{identity}.tmp"
        scratch.write_text(json.dumps(body) + "\n")
        scratch.replace(self.directory / f"{identity}.json")
        return Maintenance(**body)

    def end(self, identity: str) -> None:
        """Remove the file of a piece of work. Raises MaintenanceError when there is none."""
        if not identity or "/" in identity or identity.startswith("."):
            raise MaintenanceError(f"maintenance {identity!r}: not a name of a maintenance")
        path = self.directory / f"{identity}.json"
        try:
            path.unlink()
        except FileNotFoundError:
            raise MaintenanceError(f"maintenance {identity}: there is none of that name") from None

    def expire(self, now_wall: float) -> None:
        """Remove our own files whose time is over; what others wrote is theirs to remove."""
        for path in self._files():
            if not path.name.startswith("gpuwatch-"):
                continue
            try:
                over = parse(path.stem, _content(path)).until <= now_wall
            except (OSError, ValueError):
                continue
            if over:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        try:
            paths = sorted(self.directory.iterdir())
        except OSError:
            return []
        return [path for path in paths if path.suffix == ".json"][:LIMIT_FILES]


def _content(path: Path) -> bytes:
    """What a regular file holds, up to the limit. A FIFO or link must not hold the agent up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise MaintenanceError("not a regular file")
        return file.read(LIMIT_BYTES + 1)


def parse(identity: str, body: bytes) -> Maintenance:
    """One file's content. Raises MaintenanceError naming the field and what it should be."""
    if len(body) > LIMIT_BYTES:
        raise MaintenanceError(f"larger than {LIMIT_BYTES} bytes")
    if not identity.isprintable():
        raise MaintenanceError("its name is not printable")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MaintenanceError(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise MaintenanceError("not a JSON object with until, scope and reason")
    scope = fields.get("scope", "host")
    if scope not in ("host", "board", "bmc"):
        raise MaintenanceError(f'scope: {scope!r} is neither "host" nor "board" nor "bmc"')
    board, bmc = _text(fields, "board"), _text(fields, "bmc")
    if scope == "board" and not board:
        raise MaintenanceError("board: scope board needs a serial number or UUID")
    if scope == "bmc" and not bmc:
        raise MaintenanceError("bmc: scope bmc needs the name of a BMC, or of the host it watches")
    return Maintenance(
        identity=identity,
        scope=scope,
        board=board,
        bmc=bmc,
        until=_instant(fields.get("until")),
        reason=_text(fields, "reason"),
        ticket=_text(fields, "ticket"),
        actor=_text(fields, "actor"),
        release=fields.get("release") is True,
    )


def _text(fields: dict[str, object], name: str) -> str:
    """A text or number on one line: what a terminal, a log or a page would act on is a space."""
    value = fields.get(name, "")
    if not isinstance(value, str | int | float) or len(text := str(value)) > LIMIT_TEXT:
        raise MaintenanceError(f"{name}: not a text of at most {LIMIT_TEXT} characters")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _instant(value: object) -> float:
    """Unix seconds of a number or an ISO 8601 text with a zone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _in_use(value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise MaintenanceError(f"until: {value!r} is not an ISO 8601 time") from error
        if moment.utcoffset() is None:
            raise MaintenanceError(f"until: {value!r} has no time zone (append Z for UTC)")
        return _in_use(moment.timestamp())
    raise MaintenanceError("until: missing; give Unix seconds or an ISO 8601 time with a zone")


def _in_use(seconds: float) -> float:
    """Unix seconds that calendars can show. Not for infinity, NaN and integers of 400 digits."""
    if 0 <= seconds < LIMIT_UNTIL:
        return float(seconds)
    raise MaintenanceError("until: no time before the year 3000 (give Unix seconds, not more)")
