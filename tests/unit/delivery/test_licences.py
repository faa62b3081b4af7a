"""Licences: every project that is delivered has one, and nobody's is invented."""

import os

from delivery import licences
from delivery.places import ROOT


def test_golden_licences_are_current() -> None:
    """A dependency that was added or changed stands in the document."""
    path, expected = ROOT / "docs" / "licences.md", licences.markdown()
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(expected)

    assert path.read_text() == expected, "docs/licences.md: make golden, and read the diff"


def test_every_project_has_a_licence_and_somebody_who_needs_it() -> None:
    """A bill with gaps is no bill."""
    gaps = [one for one in licences.brought() if not (one.licence and one.needed_by)]

    assert gaps == []


def test_the_lgpl_is_told() -> None:
    """Who may not pass it on under these terms must find it."""
    lesser = {one.name for one in licences.brought() if one.licence.startswith("LGPL")}

    assert lesser == {"recurring-ical-events", "x-wr-timezone"}
    assert all(name in licences.markdown().split("| project")[0] for name in lesser)


def test_the_table_of_what_was_read_has_no_project_that_says_it_itself() -> None:
    """Metadata that became clear takes the place of what somebody read."""
    brought = {one.name for one in licences.brought()}

    assert licences._READ.keys() <= brought


def test_the_notice_says_that_gpuwatch_has_no_licence_yet() -> None:
    """Nothing claims a licence that the owner has not chosen."""
    notice = licences.notice()

    assert "License: not-chosen-yet" in notice
    assert "License: LGPL-3.0-or-later" in notice
