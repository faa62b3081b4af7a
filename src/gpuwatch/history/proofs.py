"""Proofs: acceptances of what came in, and what other hosts told of boards, as they are kept."""

import json
from collections.abc import Mapping
from typing import Any

from gpuwatch.domain.acceptances import (
    Acceptance,
    AcceptanceState,
    Candidate,
    Diagnostic,
    DiagnosticResult,
)
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.known_boards import KnownBoard, read, write
from gpuwatch.history import tables
from gpuwatch.history.book import Book
from gpuwatch.history.tables import Row


class Proofs:
    """Reading access to them."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def acceptances(self) -> Mapping[int, Acceptance]:
        """The acceptances of what came in, by the number of the flag."""
        return self._book.acceptances

    def known_boards(self) -> tuple[KnownBoard, ...]:
        """What other hosts told of boards, and was imported here."""
        return tuple(self._book.known_boards.values())


def put_acceptance(book: Book, acceptance: Acceptance) -> None:
    """Keep an acceptance: the one of its flag, in place of what was known of it before."""
    book.acceptances[acceptance.flag] = acceptance
    book.store.put(tables.ACCEPTANCES, _acceptance_row(acceptance))


def put_known(book: Book, known: KnownBoard) -> bool:
    """Keep what a host told of a board; False when it told something as new or newer before."""
    before = book.known_boards.get((known.key.uuid, known.host))
    if before is not None and before.exported_at >= known.exported_at:
        return False
    book.known_boards[known.key.uuid, known.host] = known
    row = (known.key.uuid, known.host, known.key.serial, write(known))
    book.store.put(tables.KNOWN_BOARDS, row)
    return True


def put_proofs(book: Book) -> None:
    """Put all of them: the file was made anew."""
    for acceptance in book.acceptances.values():
        book.store.put(tables.ACCEPTANCES, _acceptance_row(acceptance))
    for (uuid, host), known in book.known_boards.items():
        book.store.put(tables.KNOWN_BOARDS, (uuid, host, known.key.serial, write(known)))


def join_proofs(begun: Book, book: Book, flags: dict[int, int]) -> None:
    """Take over what `begun` learned; `flags` are its numbers of flags in the file."""
    for acceptance in begun.acceptances.values():
        number = flags.get(acceptance.flag)
        if number is not None and number not in book.acceptances:
            put_acceptance(book, acceptance.of_flag(number))
    for known in begun.known_boards.values():
        put_known(book, known)


def acceptance_of(row: tuple[Any, ...]) -> Acceptance:
    """An acceptance from its row."""
    flag, began_at, state, candidates, diagnostic, sentence, decided_at = row
    told = None if diagnostic is None else json.loads(diagnostic)
    return Acceptance(
        flag=flag,
        began_at=began_at,
        candidates=tuple(
            Candidate(key=BoardKey(one.pop("serial"), one.pop("uuid")), **one)
            for one in json.loads(candidates)
        ),
        state=AcceptanceState(state),
        diagnostic=told and Diagnostic(**told | {"result": DiagnosticResult(told["result"])}),
        sentence=sentence,
        decided_at=decided_at,
    )


def known_of(row: tuple[Any, ...]) -> KnownBoard:
    """What a host told of a board, from its row."""
    return read(row[3])


def _acceptance_row(acceptance: Acceptance) -> Row:
    candidates = [
        {
            "serial": one.key.serial,
            "uuid": one.key.uuid,
            "faults_before": one.faults_before,
            "load_seconds": one.load_seconds,
            "poor_seconds": one.poor_seconds,
            "poor": one.poor,
        }
        for one in acceptance.candidates
    ]
    told = acceptance.diagnostic
    diagnostic = told and {
        "name": told.name,
        "sha256": told.sha256,
        "size": told.size,
        "result": told.result.value,
        "attached_at": told.attached_at,
        "actor": told.actor,
    }
    return (
        acceptance.flag,
        acceptance.began_at,
        acceptance.state.value,
        json.dumps(candidates),
        None if diagnostic is None else json.dumps(diagnostic),
        acceptance.sentence,
        acceptance.decided_at,
    )
