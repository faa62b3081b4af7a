"""Trees and versions: where wheels go, and in which order packages sort."""

import zipfile
from pathlib import Path

import pytest

from delivery.native import package_version
from delivery.places import DeliveryError, commit_seconds
from delivery.targets import is_for_one_minor
from delivery.trees import grow, unpack


def _wheel(folder: Path, name: str, *members: str) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, b"x")
    return path


@pytest.mark.parametrize(
    ("wheel", "expected"),
    [
        ("pydantic_core-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", True),
        ("cryptography-50.0-cp311-abi3-manylinux_2_28_x86_64.whl", False),
        ("six-1.17.0-py2.py3-none-any.whl", False),
    ],
)
def test_what_was_compiled_for_one_minor_is_known_by_its_name(
    wheel: str, *, expected: bool
) -> None:
    """abi3 and pure Python serve every minor."""
    assert is_for_one_minor(wheel) is expected


def test_what_is_the_same_for_all_lies_once(tmp_path: Path) -> None:
    """A tree has what was compiled for its minor, and leads to the rest."""
    pure = _wheel(tmp_path, "six-1.17.0-py2.py3-none-any.whl", "six.py")
    compiled = _wheel(tmp_path, "cffi-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", "cffi.so")
    place = tmp_path / "library"

    grow(place, {"3.11": [pure, compiled]})

    site = place / "py3.11" / "lib" / "python3.11" / "site-packages"
    assert (place / "common" / "six.py").exists()
    assert (site / "cffi.so").exists()
    assert (site / (site / "gpuwatch.pth").read_text().strip()).resolve() == place / "common"
    assert (place / "py3.11" / "bin" / "python3").readlink() == Path("/usr/bin/python3.11")


def test_programs_of_wheels_are_left_out(tmp_path: Path) -> None:
    """They would carry the builder's path; modules that a wheel keeps apart are laid."""
    wheel = _wheel(
        tmp_path,
        "a-1-py3-none-any.whl",
        "a.py",
        "a-1.data/scripts/a",
        "a-1.data/purelib/b.py",
        "a-1.data/data/share/c",
    )

    unpack(wheel, tmp_path / "place")

    assert sorted(path.name for path in (tmp_path / "place").iterdir()) == ["a.py", "b.py"]


@pytest.mark.parametrize("member", ["../a.py", "/a.py"])
def test_a_wheel_that_leaves_its_folder_is_refused(tmp_path: Path, member: str) -> None:
    """A member outside is an attack or a mistake."""
    wheel = _wheel(tmp_path, "a-1-py3-none-any.whl", member)

    with pytest.raises(ValueError, match="outside itself"):
        unpack(wheel, tmp_path / "place")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.2.0", "0.2.0"), ("0.2.0rc1", "0.2.0~rc1"), ("0.2.0.dev3", "0.2.0~dev3")],
)
def test_a_candidate_sorts_before_its_release(version: str, expected: str) -> None:
    """Packages sort what follows a tilde before the end."""
    assert package_version(version) == expected


def test_an_instant_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that carries a wrong instant could not be repeated."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")

    with pytest.raises(DeliveryError, match="SOURCE_DATE_EPOCH=yesterday"):
        commit_seconds()
