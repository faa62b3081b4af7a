"""The table of profiles: whole, named, and the document made from it."""

import pytest

from simulator.profiles import DOCUMENT, PROFILES, ROWS, common_values, markdown, pci_address


def test_no_key_is_told_twice() -> None:
    """One row a key."""
    keys = [row.key for row in ROWS]

    assert len(keys) == len(set(keys))


def test_the_golden_document_is_current() -> None:
    """`python -m simulator.profiles` was run after the last change."""
    assert DOCUMENT.read_text() == markdown()


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_an_identity(profile: str) -> None:
    """Each kind of board says its name, PCI ids and memory."""
    values = common_values(profile)

    assert {"name", "pci_device_id", "memory.total", "ecc_mode.current"} <= values.keys()


def test_boards_mask_bad_memory_one_way() -> None:
    """Ampere and later remap rows, Turing retires pages; none does both."""
    ways = {
        profile: ("remap.pending" in values, "pages.pending" in values)
        for profile in PROFILES
        for values in [common_values(profile)]
    }

    assert ways.pop("t4") == (False, True)
    assert set(ways.values()) == {(True, False)}


def test_options_change_what_they_say() -> None:
    """ECC off and MIG on, together."""
    values = common_values("h100-sxm", ("ecc-off", "mig-on"))

    assert [values[key] for key in ("ecc_mode.current", "mig.current")] == ["0", "1"]


@pytest.mark.parametrize(
    ("profile", "options", "says"),
    [
        ("h900", (), "none of a100-sxm-80gb"),
        ("t4", ("mig-on",), "boards without MIG"),
        ("t4", ("ecc",), "none of ecc-off, mig-on"),
    ],
)
def test_impossible_boards_are_refused(profile: str, options: tuple[str, ...], says: str) -> None:
    """An unknown profile or option, or MIG where there is none."""
    with pytest.raises(ValueError, match=says):
        common_values(profile, options)


def test_every_slot_has_its_own_address() -> None:
    """Up to 64 of them."""
    addresses = {pci_address("h100-sxm", slot) for slot in range(64)}

    assert len(addresses) == 64
