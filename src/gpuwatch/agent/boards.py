"""Boards: what people ask of boards: export, import, and a diagnostic of what came in."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from pathlib import Path

from gpuwatch.agent.core import Agent
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.acceptances import (
    DIAGNOSTIC_LIMIT,
    Acceptance,
    AcceptanceState,
    Diagnostic,
    DiagnosticResult,
)
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.known_boards import KnownBoard, read, told, write
from gpuwatch.exposition.acceptance_documents import acceptance_document
from gpuwatch.policy.acceptance import with_diagnostic

KEPT_FILES = 100


def export(agent: Agent, *, everything: bool) -> list[str]:
    """Lines for other hosts: of boards that are not to be trusted, or of all."""
    flags, host, now = agent.history.flags(), agent.identity.hostname, agent.clock.now().wall
    known = [told(record, flags, host, now) for record in agent.history.records().values()]
    return [write(one) for one in known if everything or one.unproven]


def take_line(agent: Agent, line: str, actor: str) -> bool:
    """Keep what another host told of a board; whether it was new. Raises ControlError."""
    try:
        known = read(line)
    except ValueError as error:
        raise ControlError(
            ErrorKind.USAGE, f"not what boards export writes: {error}", "see docs/boards.md"
        ) from error
    new = bool(agent.history.import_boards((known,)))
    if new:
        agent.decisions.look_at_known_boards()
        _audit(agent, actor, "board-imported", known.key, _heard(known))
    return new


def _heard(known: KnownBoard) -> str:
    flags = len(known.unproven)
    return f"host {known.host} told of it, with {flags} flag{'' if flags == 1 else 's'}"


def keep_diagnostic(state_directory: Path, content: str) -> tuple[str, int]:
    """Put the output of a diagnostic into the state directory; its SHA-256 and size.

    Files are named by their SHA-256; the latest hundred stay. Raises ControlError.
    """
    try:
        output = base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ControlError(ErrorKind.USAGE, "content is not base64", "send it so") from error
    if not 0 < len(output) <= DIAGNOSTIC_LIMIT:
        raise ControlError(
            ErrorKind.USAGE,
            f"the diagnostic's output is {len(output)} bytes",
            f"attach 1 to {DIAGNOSTIC_LIMIT} bytes: the summary will do",
        )
    digest = hashlib.sha256(output).hexdigest()
    folder = state_directory / "diagnostics"
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        (folder / digest).write_bytes(output)
        kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in kept[:-KEPT_FILES]:
            path.unlink()
    except OSError as error:
        raise ControlError(
            ErrorKind.FAILED, f"{folder}: {error.strerror}", "is agent.state_directory writable?"
        ) from error
    return digest, len(output)


def attach(
    agent: Agent, key: BoardKey, *, name: str, result: str, kept: tuple[str, int], actor: str
) -> Mapping[str, object]:
    """Attach a diagnostic to every acceptance of a board that can still use it."""
    mine = [one for one in agent.history.acceptances().values() if one.candidate(key) is not None]
    running = [one for one in mine if one.state is AcceptanceState.RUNNING]
    latest = running or sorted(mine, key=lambda one: one.flag)[-1:]
    if not latest:
        raise ControlError(
            ErrorKind.NOT_FOUND,
            f"board {key} did not come in for a flagged one",
            "see gpuwatch boards list: it has a column for acceptance",
        )
    diagnostic = Diagnostic(
        name=name,
        sha256=kept[0],
        size=kept[1],
        result=DiagnosticResult(result),
        attached_at=agent.clock.now().wall,
        actor=actor,
    )
    try:
        attached: list[Acceptance] = [with_diagnostic(one, diagnostic) for one in latest]
    except ValueError as error:
        raise ControlError(ErrorKind.USAGE, str(error), "see gpuwatch boards show") from error
    for one in attached:
        agent.history.save_acceptance(one)
    reason = f"{name} {result}, {diagnostic.size} bytes, SHA-256 {diagnostic.sha256}"
    _audit(agent, actor, "diagnostic-attached", key, reason)
    return {"acceptance": acceptance_document(attached[-1])}


def _audit(agent: Agent, actor: str, action: str, key: BoardKey, reason: str) -> None:
    at = agent.clock.now().wall
    record = AuditRecord(at=at, actor=actor, action=action, subject=str(key), reason=reason)
    agent.history.append_audit(record)
