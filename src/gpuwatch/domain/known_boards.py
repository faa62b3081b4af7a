"""Known boards: what one host tells another of a board, as one line of text each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flag_life import WITHOUT_SWAP
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.verdicts import RmaStanding

FORMAT = "gpuwatch-board/1"
LINE_LIMIT = 65_536  # bytes
FILE_LIMIT = 16 << 20  # bytes
MOST_INCIDENTS = 100
MOST_FLAGS = 30
_TEXT_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIncident:
    """When errors of one incident began (Unix seconds), and in which memory."""

    opened_at: float
    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFlag:
    """A flag that another host raised, or this one before it forgot. Instants are Unix seconds."""

    code: str
    state: FlagState
    outcome: str
    raised_at: float
    evidence_at: float
    sentence: str
    rma: RmaStanding
    disposition: Disposition
    vendor_case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBoard:
    """A board as `host` knew it when it wrote this (`exported_at`). Instants are Unix seconds.

    `errors` are uncorrectable errors by memory, `prior` what the board had brought along there.
    """

    key: BoardKey
    host: str
    exported_at: float
    name: str
    part_number: str
    vbios: str
    slot: str
    state: str
    first_seen: float
    last_seen: float
    exposure_seconds: float
    errors: Mapping[str, int] = field(default_factory=dict)
    prior: Mapping[str, int] = field(default_factory=dict)
    incidents: tuple[KnownIncident, ...] = ()
    flags: tuple[KnownFlag, ...] = ()

    @property
    def unproven(self) -> tuple[KnownFlag, ...]:
        """Flags after which nobody showed that the board is sound, in the order told."""
        return tuple(flag for flag in self.flags if is_unproven(flag.state, flag.outcome))


def is_unproven(state: FlagState, outcome: str) -> bool:
    """Whether a flag says that its board is not to be trusted when it is seen elsewhere.

    A dismissal is an opinion, and a flag that a swap closed is about the board that went. Only
    people who ended the work on a board that stayed have said that it may.
    """
    return not (state is FlagState.CLOSED and outcome in WITHOUT_SWAP)


def told(record: BoardRecord, flags: Iterable[Flag], host: str, at: float) -> KnownBoard:
    """What `host` tells of a board at Unix second `at`: its latest incidents, and its flags."""
    mine = [flag for flag in flags if same_board(flag.board, record.key)]
    return KnownBoard(
        key=record.key,
        host=host,
        exported_at=at,
        name=record.board.name,
        part_number=record.board.part_number,
        vbios=record.board.vbios,
        slot=record.slot.label if record.slot else "",
        state=record.state.value,
        first_seen=record.first_seen,
        last_seen=record.last_seen,
        exposure_seconds=record.exposure_seconds,
        errors={memory.value: count for memory, count in record.errors.items()},
        prior=dict(record.prior),
        incidents=tuple(
            KnownIncident(opened_at=incident.opened_at, memory=incident.memory)
            for incident in record.incidents[-MOST_INCIDENTS:]
        ),
        flags=tuple(_flag_told(flag) for flag in mine[-MOST_FLAGS:]),
    )


def _flag_told(flag: Flag) -> KnownFlag:
    return KnownFlag(
        code=flag.code,
        state=flag.state,
        outcome=flag.outcome,
        raised_at=flag.raised_at,
        evidence_at=flag.evidence_at,
        sentence=flag.sentence[:_TEXT_LIMIT],
        rma=flag.rma,
        disposition=flag.disposition,
        vendor_case=flag.vendor_case,
    )


def write(known: KnownBoard) -> str:
    """The line that tells of a board, without its end."""
    document = {"format": FORMAT, "serial": known.key.serial, "uuid": known.key.uuid}
    return json.dumps(document | {name: _named(name, getattr(known, name)) for name in _NAMES})


def read(line: str) -> KnownBoard:
    """The board of one line. Raises ValueError for anything that is not exactly as documented."""
    if len(line.encode()) > LINE_LIMIT:
        raise ValueError(f"longer than {LINE_LIMIT} bytes")
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the file is wrong, not the program
    if document.get("format") != FORMAT:
        told = json.dumps(document.get("format"))[:60]
        raise ValueError(f"format is {told}, not {json.dumps(FORMAT)}")
    values = _object(_BOARD)(document)
    key = BoardKey(values.pop("serial"), values.pop("uuid"))
    del values["format"]
    return KnownBoard(key=key, **values)


def read_all(text: str) -> Iterator[KnownBoard]:
    """The boards of a file's text. Raises ValueError that names the line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield read(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON can say
    """The same in what JSON knows: instants are written by their names, see `_INSTANTS`."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, KnownIncident | KnownFlag):
        return {one.name: _named(one.name, getattr(value, one.name)) for one in fields(value)}
    return dict(value) if isinstance(value, Mapping) else value


def _named(name: str, value: Any) -> Any:  # noqa: ANN401 - see _plain
    return _iso(value) if name in _INSTANTS else _plain(value)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


_Check = Callable[[object], Any]


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_LIMIT or not value.isprintable():
        raise ValueError(f"is no text of at most {_TEXT_LIMIT} printable characters")
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not text:
        raise ValueError("is empty")
    return text


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("is no count")
    return value


def _seconds(value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not isfinite(value) or value < 0:  # type: ignore[arg-type,operator]
        raise ValueError("is no number of seconds")
    return float(value)  # type: ignore[arg-type]


def _instant(value: object) -> float:
    try:
        at = datetime.fromisoformat(_name(value))
    except ValueError as error:
        raise ValueError("is no instant (2026-03-15T04:00:00.000+00:00)") from error
    if at.tzinfo is None:
        raise ValueError("has no time zone")
    return at.timestamp()


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > 16:  # noqa: PLR2004 - memories are few
        raise ValueError("is no object of counts")
    return {_name(name): _count(number) for name, number in value.items()}


def _choice(choices: type[StrEnum]) -> _Check:
    def check(value: object) -> StrEnum:
        try:
            return choices(str(value))
        except ValueError as error:
            raise ValueError(f"is none of {', '.join(choices)}") from error

    return check


def _several(check: _Check, most: int) -> _Check:
    def checked(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"is no list of at most {most}")
        return tuple(check(one) for one in value)

    return checked


def _object(checks: Mapping[str, _Check]) -> Callable[[object], dict[str, Any]]:
    def checked(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("is no object")  # noqa: TRY004 - the file is wrong, not the program
        if unknown := sorted(value.keys() - checks.keys()):
            raise ValueError(f"{unknown[0][:60]} is no field of {FORMAT}")
        if missing := [name for name in checks if name not in value]:
            raise ValueError(f"the field {missing[0]} is missing")
        return {name: _field(name, check, value[name]) for name, check in checks.items()}

    return checked


def _field(name: str, check: _Check, value: object) -> Any:  # noqa: ANN401 - as checked
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


_INCIDENT: Mapping[str, _Check] = {"opened_at": _instant, "memory": _choice(Memory)}
_FLAG: Mapping[str, _Check] = {
    "code": _name,
    "state": _choice(FlagState),
    "outcome": _text,
    "raised_at": _instant,
    "evidence_at": _instant,
    "sentence": _text,
    "rma": _choice(RmaStanding),
    "disposition": _choice(Disposition),
    "vendor_case": _text,
}
_BOARD: Mapping[str, _Check] = {
    "format": _text,
    "serial": _text,
    "uuid": _name,
    "host": _name,
    "exported_at": _instant,
    "name": _text,
    "part_number": _text,
    "vbios": _text,
    "slot": _text,
    "state": _text,
    "first_seen": _instant,
    "last_seen": _instant,
    "exposure_seconds": _seconds,
    "errors": _counts,
    "prior": _counts,
    "incidents": _several(lambda one: KnownIncident(**_object(_INCIDENT)(one)), MOST_INCIDENTS),
    "flags": _several(lambda one: KnownFlag(**_object(_FLAG)(one)), MOST_FLAGS),
}
_INSTANTS = frozenset(
    name for checks in (_BOARD, _FLAG, _INCIDENT) for name, one in checks.items() if one is _instant
)
_NAMES = tuple(name for name in _BOARD if name not in ("format", "serial", "uuid"))
