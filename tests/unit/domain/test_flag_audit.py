"""An audit record of a flag names what changed, before and after, and nothing else."""

import dataclasses

import pytest

from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flag_audit import GPUWATCH, flag_number, flag_record, flag_subject
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.verdicts import RmaStanding, Urgency
from tests.support.flags import DAY, NEW_BOARD, NOW, a_flag

DEED = Deed(actor="uid 0 (root)", action="flag-set", reason="because", at=NOW)

# Another value of every attribute, and the words that a record has for it.
OTHERS: dict[str, tuple[object, str]] = {
    "state": (FlagState.IN_HANDS, "state=in_hands"),
    "outcome": ("refused", "outcome=refused"),
    "urgency": (Urgency.PAGE, "urgency=page"),
    "evidence_at": (NOW, "evidence=2026-03-15T06:00:00Z"),
    "due_at": (NOW + DAY, "due=2026-03-16T06:00:00Z"),
    "pinned": (True, "pinned=yes"),
    "snoozed_until": (NOW + DAY, "snoozed_until=2026-03-16T06:00:00Z"),
    "told_late": (True, "told_late=yes"),
    "disposition": (Disposition.RMA, "disposition=rma"),
    "rma": (RmaStanding.CRITERION_MET, "rma=criterion_met"),
    "vendor_case": ("CASE-77", "vendor_case=CASE-77"),
    "fru": ("tray", "fru=tray"),
    "slot_note": ("inspect the slot", "slot_note=inspect the slot"),
    "successor": (NEW_BOARD, "successor=1650999/GPU-b"),
    "board": (BoardKey("", "GPU-c"), "board=no-serial/GPU-c"),
    "sentence": ("3 incidents.", "sentence=3 incidents."),
}
# Told together with another attribute, or never changed once the flag is raised.
TOGETHER = {
    *("window_name", "window_start", "window_end", "acknowledged_by", "acknowledged_at"),
    *("state_since", "number", "code", "raised_at", "slot_label"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_record_tells_the_attribute_that_changed(name: str) -> None:
    """And no other."""
    value, words = OTHERS[name]

    record = _record(a_flag(), a_flag(**{name: value}))

    assert record.after == words
    assert record.before.split("=")[0] == words.split("=", maxsplit=1)[0]


def test_every_attribute_of_a_flag_is_told() -> None:
    """A new field is looked at twice: either a record tells it, or it never changes alone."""
    assert {field.name for field in dataclasses.fields(Flag)} == OTHERS.keys() | TOGETHER


def test_an_attribute_that_was_not_set_is_none() -> None:
    """None in words, not an empty place."""
    assert _record(a_flag(), a_flag(snoozed_until=NOW)).before == "snoozed_until=none"


def test_a_window_is_told_by_name_and_start() -> None:
    """Where it was planned, and where it is."""
    planned = a_flag(window_name="sunday", window_start=NOW, window_end=NOW + 1)
    later = a_flag(window_name="sunday", window_start=NOW + 7 * DAY, window_end=NOW + 8 * DAY)

    record = _record(planned, later)

    assert record.before == "window=sunday 2026-03-15T06:00:00Z"
    assert record.after == "window=sunday 2026-03-22T06:00:00Z"


def test_an_acknowledgement_is_told_with_who_and_when() -> None:
    """The kernel's word on who it was."""
    seen = a_flag(acknowledged_by="uid 1000 (alice)", acknowledged_at=NOW)

    assert _record(a_flag(), seen).after == (
        "acknowledged=2026-03-15T06:00:00Z by uid 1000 (alice)"
    )


def test_a_raised_flag_is_told_whole() -> None:
    """There is nothing before it, and all that it says after."""
    deed = Deed(actor=GPUWATCH, action="flag-raised", reason="a finding", at=NOW)

    record = flag_record(None, a_flag(), deed)

    assert record.before == ""
    assert record.after == (
        "state=open; urgency=window; evidence=2026-03-15T04:00:00Z; due=2026-03-29T06:00:00Z;"
        " pinned=no; told_late=no; disposition=undecided; rma=needs_field_diagnostic; fru=module;"
        " slot=module-3; board=1650923/GPU-a; sentence=2 incidents 12 days apart."
    )


def test_undated_evidence_is_none() -> None:
    """The year 1970 is no instant of ours."""
    assert _record(a_flag(), a_flag(evidence_at=0.0)).after == "evidence=none"


def test_a_record_names_its_flag_and_its_author() -> None:
    """What, who, why and when."""
    record = _record(a_flag(), a_flag(fru="tray"))

    assert record.subject == flag_subject(14) == "flag 14"
    assert (record.actor, record.action, record.reason, record.at) == (
        "uid 0 (root)",
        "flag-set",
        "because",
        NOW,
    )


@pytest.mark.parametrize(
    ("subject", "number"),
    [("flag 14", 14), ("flag", None), ("flag x", None), ("board 14", None), ("", None)],
)
def test_a_record_about_a_flag_can_be_told(subject: str, number: int | None) -> None:
    """Boards, maintenance and releases have records as well."""
    assert flag_number(subject) == number


def _record(before: Flag, after: Flag) -> AuditRecord:
    return flag_record(before, after, DEED)
