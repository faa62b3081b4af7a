"""The shipped hooks: what they call, for which transition of which flag."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.exposition.hook_documents import hook_document
from tests.support.snapshots import rich_snapshot

HOOKS = Path(__file__).parents[2] / "packaging" / "hooks"


def _document(
    transition: str,
    urgency: Urgency,
    *,
    alone: bool = True,
    state: FlagState = FlagState.OPEN,
) -> str:
    snapshot = rich_snapshot()
    flag = next(one for one in snapshot.flags if one.number == 15)
    flag = replace(flag, urgency=urgency, state=state)
    flags = (flag,) if alone else (flag, *(one for one in snapshot.flags if one.number == 14))
    record = AuditRecord(
        at=5.0, actor="gpuwatch", action=f"flag-{transition}", subject="flag 15", reason="r"
    )
    return json.dumps(hook_document(replace(snapshot, flags=flags), flag, record, "h"))


def _tool(folder: Path) -> Path:
    """A command that writes down how it was called."""
    path = folder / "tool"
    path.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> "{folder}/calls"\necho >> "{folder}/calls"\n')
    path.chmod(0o755)
    return path


def _called(folder: Path, name: str, *options: str, given: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(HOOKS / name), *options],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    calls = folder / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


DRAINED = (
    "update|nodename=gpu-node-17|state=drain|"
    "reason=gpuwatch flag 15: rising-uncorrectable-trend of board 1654223010009|"
)
TAINT = "gpuwatch/flag-15"
TAINTED = f"taint|nodes|gpu-node-17|{TAINT}=rising-uncorrectable-trend:NoSchedule|--overwrite|"
FREED = f"taint|nodes|gpu-node-17|{TAINT}-|"


@pytest.mark.parametrize(
    ("transition", "urgency", "options", "expected"),
    [
        ("raised", Urgency.PAGE, (), [DRAINED]),
        ("escalated", Urgency.PAGE, (), [DRAINED]),
        ("raised", Urgency.WINDOW, (), []),
        ("acknowledged", Urgency.PAGE, (), []),
        ("accepted", Urgency.PAGE, (), []),
        ("accepted", Urgency.PAGE, ("--resume",), ["update|nodename=gpu-node-17|state=resume|"]),
        ("raised", Urgency.PAGE, ("--node", "n1"), [DRAINED.replace("gpu-node-17", "n1")]),
    ],
)
def test_slurm_drains_for_what_cannot_wait(
    tmp_path: Path,
    transition: str,
    urgency: Urgency,
    options: tuple[str, ...],
    expected: list[str],
) -> None:
    """And returns a node only where it was told to."""
    given = _document(transition, urgency)

    calls = _called(
        tmp_path, "slurm-drain", "--scontrol", str(_tool(tmp_path)), *options, given=given
    )

    assert calls == expected


@pytest.mark.parametrize(
    ("transition", "urgency", "options", "expected"),
    [
        ("raised", Urgency.PAGE, (), ["cordon|gpu-node-17|", TAINTED]),
        ("raised", Urgency.WINDOW, (), []),
        ("snoozed", Urgency.PAGE, (), []),
        ("done", Urgency.PAGE, (), [FREED]),
        ("done", Urgency.PAGE, ("--uncordon",), [FREED, "uncordon|gpu-node-17|"]),
    ],
)
def test_kubernetes_keeps_work_from_a_node_that_pages(
    tmp_path: Path,
    transition: str,
    urgency: Urgency,
    options: tuple[str, ...],
    expected: list[str],
) -> None:
    """With a taint of each flag's own."""
    given = _document(transition, urgency)

    calls = _called(
        tmp_path, "kubernetes-taint", "--kubectl", str(_tool(tmp_path)), *options, given=given
    )

    assert calls == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("slurm-drain", ("--scontrol", "--resume")),
        ("kubernetes-taint", ("--kubectl", "--uncordon")),
    ],
)
def test_a_node_with_another_flag_is_not_returned(
    tmp_path: Path, name: str, options: tuple[str, str]
) -> None:
    """The end of one flag says nothing of the other."""
    given = _document("accepted", Urgency.PAGE, alone=False)
    tool, back = options

    calls = _called(tmp_path, name, tool, str(_tool(tmp_path)), back, given=given)

    assert [one for one in calls if "resume" in one or "uncordon" in one] == []


@pytest.mark.parametrize(
    ("name", "tool"), [("slurm-drain", "--scontrol"), ("kubernetes-taint", "--kubectl")]
)
@pytest.mark.parametrize("state", [FlagState.CLOSED, FlagState.DISMISSED])
def test_a_flag_that_has_ended_meanwhile_drains_nothing(
    tmp_path: Path, name: str, tool: str, state: FlagState
) -> None:
    """A run that was retried for an hour comes too late: the board is judged already."""
    given = _document("raised", Urgency.PAGE, state=state)

    assert _called(tmp_path, name, tool, str(_tool(tmp_path)), given=given) == []


def test_a_ticket_tells_all_that_its_reader_needs(tmp_path: Path) -> None:
    """And goes to the command it is told, with its title filled in."""
    reader = tmp_path / "mail"
    reader.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/title"\ncat > "{tmp_path}/body"\n')
    reader.chmod(0o755)

    _called(
        tmp_path,
        "ticket-body",
        "--",
        str(reader),
        "-s",
        "{title}",
        "flag{flag}",
        given=_document("raised", Urgency.WINDOW),
    )

    assert (tmp_path / "title").read_text() == (
        "-s gpu-node-17: rising-uncorrectable-trend, board 1654223010009"
        " (gpuwatch flag 15) flag15\n"
    )
    body = (tmp_path / "body").read_text()
    for text in (
        "A board should be replaced.",
        "serial 1654223010009, part number 965-23587-0000-200, slot module-3",
        "2 uncorrectable-error incidents",
        "sunday 2026-03-22",
        "gpuwatch work-order 15",
        "gpuwatch evidence 15",
    ):
        assert text in body
