"""Which GPU a person means."""

import re

import pytest

from gpuwatch.control.naming import Named, resolve, resolve_bmc, resolve_flag
from gpuwatch.control.requests import ControlError, ErrorKind

FIRST = Named("GPU-1f2e3d4c-0001", 0, "1652922000017", "0000:18:00.0")
SECOND = Named("GPU-1f2e9999-0002", 1, "1652922000023", "0000:2a:00.0")
GONE = Named("GPU-77aa0000-0003", None, "3", "")
TWIN = Named("GPU-88bb0000-0004", 4, "1652922000023", "0001:2a:00.0")
ALL = (FIRST, SECOND, GONE)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("0", FIRST),
        ("1", SECOND),
        ("GPU-1f2e3d4c-0001", FIRST),
        ("gpu-1F2E3D", FIRST),
        ("1f2e9", SECOND),
        ("1652922000023", SECOND),
        ("0000:2a:00.0", SECOND),
        ("00000000:2A:00.0", SECOND),
        ("18:00.0", FIRST),
        ("18:00", FIRST),
        ("3", GONE),
        ("77aa", GONE),
    ],
)
def test_a_gpu_goes_by_every_name_it_has(name: str, meant: Named) -> None:
    """Index, UUID, its beginning, serial, PCI address in the spellings people paste."""
    assert resolve(name, ALL) == meant


def test_a_name_of_two_gpus_lists_both() -> None:
    """Nothing is guessed: the answer is what to write instead."""
    with pytest.raises(ControlError) as refused:
        resolve("1f2e", ALL)

    assert refused.value.kind is ErrorKind.NOT_FOUND
    assert str(refused.value) == (
        '"1f2e" names 2 GPUs (one of: '
        "GPU 0 (GPU-1f2e3d4c-0001, serial 1652922000017, 0000:18:00.0); "
        "GPU 1 (GPU-1f2e9999-0002, serial 1652922000023, 0000:2a:00.0))"
    )


def test_a_board_with_two_gpus_needs_more_than_its_serial() -> None:
    """Several UUIDs with one serial are one board: a GPU of it is named by UUID or address."""
    with pytest.raises(ControlError, match='"1652922000023" names 2 GPUs'):
        resolve("1652922000023", (*ALL, TWIN))


@pytest.mark.parametrize("name", ["9", "", "1f2", "GPU-", "gpu", "0001:18:00.0", "-1", "²"])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    """Too short a beginning, another domain, an index that is not there."""
    with pytest.raises(ControlError) as refused:
        resolve(name, ALL)

    assert refused.value.what == f'"{name}" names no GPU of this host'
    assert "absent GPU (GPU-77aa0000-0003, serial 3)" in refused.value.remedy


def test_a_host_without_gpus_says_so() -> None:
    """An empty list is written as such."""
    with pytest.raises(ControlError, match=r"there are: none"):
        resolve("0", ())


@pytest.mark.parametrize(
    ("name", "meant"),
    [("main", "main"), ("bmc.main", "main"), (" main ", "main"), ("node-18", "far")],
)
def test_a_bmc_goes_by_its_name_its_subject_or_its_host(name: str, meant: str) -> None:
    """As settings, findings and people call it."""
    assert resolve_bmc(name, {"main": "", "far": "node-18"}) == meant


@pytest.mark.parametrize(
    ("name", "hosts", "says"),
    [
        ("x", {"main": "", "far": "y"}, '"x" names no BMC (there are: main, far)'),
        ("y", {"a": "y", "b": "y", "c": ""}, '"y" names 2 BMCs (there are: a, b)'),
        ("x", {}, '"x" names no BMC (there are: none: the settings have no [bmc.NAME])'),
    ],
)
def test_a_name_of_no_bmc_or_of_several_lists_them(
    name: str, hosts: dict[str, str], says: str
) -> None:
    """Nothing is guessed."""
    with pytest.raises(ControlError, match=re.escape(says)):
        resolve_bmc(name, hosts)


def test_a_flag_that_is_not_there_is_named_to_its_last_digit() -> None:
    """A large number is not rounded to one that nobody asked for."""
    with pytest.raises(ControlError) as refused:
        resolve_flag(12345678.0, ())

    expected = "there is no flag 12345678 (see gpuwatch flags list --all)"
    assert (refused.value.kind, str(refused.value)) == (ErrorKind.NOT_FOUND, expected)
