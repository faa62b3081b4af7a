"""Dossiers: gathers all that history holds of one flag and its board."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from gpuwatch.domain.acceptances import Acceptance
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.flag_audit import flag_subject
from gpuwatch.domain.flags import Flag
from gpuwatch.history.backups import DIAGNOSTICS
from gpuwatch.history.reader import Reader

_ENTRIES = 10_000  # more than history keeps of one BMC
_RECORDS = 10_000


def dossier(reader: Reader, flag: Flag, bmcs: Iterable[str], folder: Path) -> Dossier:
    """All of it; `bmcs` are those of the flag's server, `folder` is where history lies.

    Reads the store: at most a few ten thousand rows, since retention bounds what a board has.
    """
    board = flag.board
    acceptance = reader.acceptances().get(flag.number)
    return Dossier(
        flag=flag,
        record=reader.record(board),
        transitions=tuple(sorted(reader.transitions(board), key=lambda one: one.at)),
        series=reader.series(board, 0.0),
        events=reader.events(board),
        resets=reader.resets(board),
        epochs=reader.epochs(),
        audit=_audit(reader, flag),
        entries={name: reader.logged(name, _ENTRIES)[::-1] for name in bmcs},
        captures=reader.captures(board),
        acceptance=acceptance,
        diagnostic=None if acceptance is None else _output(acceptance, folder / DIAGNOSTICS),
    )


def _audit(reader: Reader, flag: Flag) -> tuple[AuditRecord, ...]:
    boards = (flag.board,) if flag.successor is None else (flag.board, flag.successor)
    subjects = [flag_subject(flag.number)]
    subjects += [name for board in boards for name in (board.serial, board.uuid) if name]
    records = {
        record.number: record
        for subject in subjects
        for record in reader.audit(_RECORDS, subject=subject)
    }
    return tuple(records[number] for number in sorted(records))


def _output(acceptance: Acceptance, folder: Path) -> bytes | None:
    """What was attached, as long as it is kept and is what was attached."""
    told = acceptance.diagnostic
    if told is None:
        return None
    try:
        output = (folder / told.sha256).read_bytes()
    except OSError:
        return None
    return output if hashlib.sha256(output).hexdigest() == told.sha256 else None
