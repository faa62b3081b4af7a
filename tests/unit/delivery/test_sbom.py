"""The bill of materials: what CycloneDX 1.6 requires of it, and what it says."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from delivery import licences, sbom

KINDS = {"application", "framework", "library", "container", "platform", "file", "data"}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A file that stands for one wheel."""
    path = tmp_path / "pydantic_core-2.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    path.write_bytes(b"a wheel")
    return path


@pytest.fixture
def bill(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - JSON
    """The bill of a delivery with that wheel, which serves two targets."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "other").mkdir()
    again = Path(shutil.copy(wheel, tmp_path / "other"))
    return json.loads(sbom.bill([wheel, again]))


def test_it_has_what_the_schema_requires(bill: Any) -> None:  # noqa: ANN401 - JSON
    """Readers refuse a bill without format, version of the format and form of the serial."""
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["specVersion"] == "1.6"
    assert bill["version"] == 1
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert datetime.fromisoformat(bill["metadata"]["timestamp"]).timestamp() == 1700000000


def test_every_component_has_what_the_schema_requires(bill: Any) -> None:  # noqa: ANN401 - JSON
    """Kind, name and one form of a licence; references are there once."""
    components = [bill["metadata"]["component"], *bill["components"]]
    references = [one["bom-ref"] for one in components]

    assert {one["type"] for one in components} <= KINDS
    assert all(one["name"] and one["version"] for one in components)
    assert all(len(one["licenses"]) == 1 for one in components)
    assert len(set(references)) == len(references)


def test_every_dependency_is_a_component(bill: Any) -> None:  # noqa: ANN401 - JSON
    """The graph has no loose end, and begins at gpuwatch."""
    known = {one["bom-ref"] for one in bill["components"]}
    root = bill["metadata"]["component"]["bom-ref"]
    graph = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}

    assert graph.keys() == known | {root}
    assert {name for wanted in graph.values() for name in wanted} == known
    assert all(len(set(wanted)) == len(wanted) for wanted in graph.values())


def test_it_lists_what_the_licences_list(bill: Any) -> None:  # noqa: ANN401 - JSON
    """Two documents about one delivery do not contradict each other."""
    told = {one["name"]: one["licenses"][0]["expression"] for one in bill["components"]}

    assert told == {one.name: one.licence for one in licences.brought()}
    assert bill["metadata"]["component"]["licenses"] == [{"license": {"name": "not chosen yet"}}]


def test_a_wheel_is_told_with_its_hash(bill: Any, wheel: Path) -> None:  # noqa: ANN401 - JSON
    """Whoever holds a file finds it in the bill, once: the schema forbids the same twice."""
    (files,) = [one["components"] for one in bill["components"] if one["name"] == "pydantic-core"]

    assert files == [
        {
            "type": "file",
            "name": wheel.name,
            "hashes": [
                {
                    "alg": "SHA-256",
                    "content": "69f51477f05c46bfa5ff0027a1fcde274695311a38adfb85611ffeb93c8b146b",
                }
            ],
        }
    ]
