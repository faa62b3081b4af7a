"""What one host tells another of a board is read back exactly, or refused by name."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Disposition, FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.known_boards import (
    LINE_LIMIT,
    KnownBoard,
    KnownFlag,
    KnownIncident,
    read,
    read_all,
    told,
    write,
)
from gpuwatch.domain.verdicts import RmaStanding
from tests.support.flags import a_flag
from tests.support.views import KEY, NOW, incident, record

FLAG = KnownFlag(
    code="rising-uncorrectable-trend",
    state=FlagState.DISMISSED,
    outcome="dismissed",
    raised_at=1_773_554_400.5,
    evidence_at=1_773_554_300.25,
    sentence="2 incidents 12 days apart.",
    rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    disposition=Disposition.QUARANTINE,
    vendor_case="CASE-7",
)
BOARD = KnownBoard(
    key=BoardKey("1650923", "GPU-a"),
    host="node-17",
    exported_at=1_773_640_800.0,
    name="NVIDIA H100 80GB HBM3",
    part_number="692-2G520",
    vbios="96.00",
    slot="module-3",
    state="left",
    first_seen=1_773_000_000.0,
    last_seen=1_773_600_000.0,
    exposure_seconds=512_345.5,
    errors={"dram": 2},
    prior={"total": 4},
    incidents=(KnownIncident(opened_at=1_773_550_000.0, memory=Memory.DRAM),),
    flags=(FLAG,),
)
_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
_INSTANTS = st.integers(min_value=0, max_value=4_000_000_000_000).map(lambda ms: ms / 1000)


def _bent(**changes: object) -> str:
    return json.dumps(json.loads(write(BOARD)) | changes)


def test_a_line_says_all_of_a_board() -> None:
    """The documented fields, with instants that people can read."""
    line = write(BOARD)

    told: dict[str, Any] = json.loads(line)
    assert read(line) == BOARD
    assert told["format"] == "gpuwatch-board/1"
    assert told["exported_at"] == "2026-03-16T06:00:00.000+00:00"
    assert told["flags"][0]["state"] == "dismissed"


@given(_TEXTS, _TEXTS, _INSTANTS, st.floats(min_value=0, max_value=1e12), st.integers(0, 10**9))
def test_whatever_is_written_is_read_back(
    serial: str, sentence: str, at: float, seconds: float, count: int
) -> None:
    """Import of an export loses nothing."""
    known = replace(
        BOARD,
        key=BoardKey(serial, "GPU-b"),
        last_seen=at,
        exposure_seconds=seconds,
        prior={"dram": count},
        flags=(replace(FLAG, sentence=sentence),),
    )

    assert read(write(known)) == known


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("{", "no JSON: "),
        ("[" * 10_000, "no JSON: "),
        ("[]", "no JSON object"),
        ("{}", 'format is null, not "gpuwatch-board/1"'),
        (_bent(format="gpuwatch-board/2"), 'format is "gpuwatch-board/2", not'),
        ("x" * (LINE_LIMIT + 1), "longer than 65536 bytes"),
        (_bent(colour="green"), "colour is no field of gpuwatch-board/1"),
        ('{"format": "gpuwatch-board/1"}', "the field serial is missing"),
        (_bent(uuid=""), "uuid is empty"),
        (_bent(serial=1), "serial is no text"),
        (_bent(serial="a\u0007"), "serial is no text"),
        (_bent(name="x" * 1001), "name is no text of at most 1000 printable characters"),
        (_bent(exposure_seconds=-1), "exposure_seconds is no number of seconds"),
        (_bent(exposure_seconds=True), "exposure_seconds is no number of seconds"),
        (_bent(exposure_seconds="1"), "exposure_seconds is no number of seconds"),
        (_bent(exposure_seconds=float("nan")), "exposure_seconds is no number of seconds"),
        (_bent(first_seen="yesterday"), "first_seen is no instant"),
        (_bent(first_seen="2026-03-15T04:00:00"), "first_seen has no time zone"),
        (_bent(errors=[1]), "errors is no object of counts"),
        (_bent(errors={str(n): 1 for n in range(17)}), "errors is no object of counts"),
        (_bent(errors={"dram": -1}), "errors is no count"),
        (_bent(errors={"dram": True}), "errors is no count"),
        (_bent(errors={"dram": 1.5}), "errors is no count"),
        (_bent(flags={}), "flags is no list of at most 30"),
        (_bent(flags=[{}] * 31), "flags is no list of at most 30"),
        (_bent(flags=[7]), "flags is no object"),
        (_bent(flags=[{}]), "flags the field code is missing"),
        (_bent(incidents=[{"opened_at": "2026-03-15T04:00Z", "memory": "core"}]), "is none of"),
    ],
)
def test_what_is_not_as_documented_is_refused_by_name(line: str, refusal: str) -> None:
    """A list of bad boards that is half understood would be worse than none."""
    with pytest.raises(ValueError, match=r"^[\s\S]+$") as refused:
        read(line)

    assert refusal in str(refused.value)


@pytest.mark.parametrize(
    ("state", "outcome", "unproven"),
    [
        (FlagState.OPEN, "", True),
        (FlagState.IN_HANDS, "", True),
        (FlagState.VERIFYING, "", True),
        (FlagState.DISMISSED, "dismissed", True),
        (FlagState.CLOSED, "accepted", True),
        (FlagState.CLOSED, "reseated", False),
        (FlagState.CLOSED, "refused", False),
        (FlagState.CLOSED, "returned", False),
    ],
)
def test_a_board_is_trusted_again_when_people_said_so(
    state: FlagState, outcome: str, *, unproven: bool
) -> None:
    """A flag that a swap closed is about the board that went."""
    flag = replace(FLAG, state=state, outcome=outcome)

    assert bool(replace(BOARD, flags=(flag,)).unproven) is unproven


def test_a_file_is_read_whole_or_refused_by_its_line() -> None:
    """Empty lines are none."""
    line = write(BOARD)

    assert list(read_all(f"{line}\n\n{line}\n")) == [BOARD, BOARD]
    with pytest.raises(ValueError, match="line 3: no JSON object"):
        list(read_all(f"{line}\n\n[]\n"))


def test_a_host_tells_its_latest_incidents_and_the_flags_of_the_board() -> None:
    """What it told can be read, however long the board has been known."""
    many = tuple(incident(float(day)) for day in range(120))
    flags = (a_flag(board=KEY, sentence="x" * 2000), a_flag(board=BoardKey("7", "GPU-7")))
    worn = record(incidents=many, errors={Memory.DRAM: 2}, prior={"total": 4})

    known = told(worn, flags, "node-17", NOW.wall)

    assert read(write(known)).key == KEY
    assert (len(known.incidents), known.incidents[-1].opened_at) == (100, many[-1].opened_at)
    assert [(flag.code, len(flag.sentence)) for flag in known.flags] == [(flags[0].code, 1000)]
    assert (known.errors, known.prior, known.slot) == ({"dram": 2}, {"total": 4}, "module-3")
    assert told(record(slot=None), (), "node-17", NOW.wall).slot == ""
