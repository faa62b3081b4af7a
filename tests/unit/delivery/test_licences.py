"""Licences: every project that is delivered has one, and nobody's is invented."""

import importlib.metadata
import os
import re
from fnmatch import fnmatchcase

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


def test_the_notice_gives_every_module_to_the_project_that_wrote_it() -> None:
    """By its path, whatever the project is called: dateutil is python-dateutil's."""
    told = re.findall(
        r"^Files:(.*?)^Copyright: (.*?)$", licences.notice(), re.DOTALL | re.MULTILINE
    )
    owners = {
        (one.name, top): [who for patterns, who in told if _matches(patterns, top)][-1]
        for one in licences.brought()
        for top in _tops(one.name)
    }

    assert owners[("python-dateutil", "dateutil/tz/tz.py")].startswith("the authors of python-date")
    assert {
        (name, top): who
        for (name, top), who in owners.items()
        if not who.startswith(f"the authors of {name} ")
    } == {}


def test_every_project_brings_the_text_of_its_licence() -> None:
    """Most ask for it from whoever passes them on."""
    bare = {
        one.name
        for one in licences.brought()
        if not any(map(_LICENCE.search, map(str, importlib.metadata.files(one.name) or ())))
    }
    (pynvml,) = (
        path for path in importlib.metadata.files("nvidia-ml-py") or () if path.name == "pynvml.py"
    )

    assert bare == {"nvidia-ml-py"}
    assert "Redistribution and use in source and binary forms" in pynvml.read_text()[:4000]
    assert "at the head of `pynvml.py`" in licences.markdown()


_LICENCE = re.compile(r"dist-info/.*(licen[cs]e|copying)", re.IGNORECASE)


def _tops(name: str) -> set[str]:
    """The files of a project that a package carries."""
    listed = map(str, importlib.metadata.files(name) or ())
    return {path for path in listed if not path.startswith((".", "__pycache__"))}


def _matches(patterns: str, path: str) -> bool:
    places = ("usr/lib/gpuwatch/common/", "usr/lib/gpuwatch/py3.11/lib/python3.11/site-packages/")
    return all(
        any(fnmatchcase(f"{place}{path}", pattern) for pattern in patterns.split())
        for place in places
    )
