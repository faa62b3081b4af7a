"""What the inventory's rows told becomes the message that names a device."""

from gpuwatch.sources.nvml.absences import Answer
from gpuwatch.sources.nvml.identity import ROWS, identity, told

_SAID: dict[str, Answer] = {
    "uuid": "GPU-1f0c3a52",
    "serial": "1652823090117 ",
    "brand": 14,
    "architecture": 9,
    "module_id": 3,
    "chassis_serial": "1820325100017",
    "slot_number": 0,
    "mig_enabled": 0,
    "persistence_enabled": 1,
    "inforom_valid": 0,
    "minor_number": 5,
}


def _values(said: dict[str, Answer]) -> list[Answer | None]:
    return [said.get(row.name.removeprefix("gpuwatch_gpu_"), ("unsupported", 3)) for row in ROWS]


def test_what_a_device_does_not_tell_is_empty_or_null() -> None:
    """Slot 0 is a slot; a tray that is not told is none."""
    fields = identity(told(_values(_SAID)))
    fields.pop("attributes")

    assert fields == {
        "uuid": "GPU-1f0c3a52",
        "serial": "1652823090117",
        "name": "",
        "part_number": "",
        "vbios": "",
        "inforom": "",
        "chassis_serial": "1820325100017",
        "module_id": 3,
        "slot_number": 0,
        "tray_index": None,
        "mig": False,
    }


def test_further_facts_are_texts_that_no_driver_changes() -> None:
    """Numbers by the binding's words, states as yes and no."""
    assert identity(told(_values(_SAID)))["attributes"] == {
        "brand": "nvidia",
        "architecture": "hopper",
        "minor_number": "5",
        "mig_enabled": "no",
        "persistence_enabled": "yes",
        "inforom_valid": "no",
    }


def test_an_architecture_that_the_binding_does_not_know_keeps_its_number() -> None:
    """A board newer than the binding."""
    fields = identity(told(_values(_SAID | {"architecture": 77})))

    assert fields["attributes"]["architecture"] == "77"


def test_unknown_mig_is_not_off() -> None:
    """A board without MIG says so by refusing the call."""
    said = {name: value for name, value in _SAID.items() if name != "mig_enabled"}

    assert identity(told(_values(said)))["mig"] is None


def test_cards_without_a_baseboard_share_no_module() -> None:
    """They all say module 0."""
    assert identity(told(_values(_SAID | {"module_id": 0})))["module_id"] is None


def test_a_platform_that_tells_nothing_names_no_slot() -> None:
    """An H100 in a virtual machine: an empty chassis serial, and zeros."""
    said = _SAID | {"chassis_serial": "", "slot_number": 0, "tray_index": 0}
    fields = identity(told(_values(said)))

    assert (fields["slot_number"], fields["tray_index"]) == (None, None)


def test_a_slot_beyond_0_needs_no_chassis() -> None:
    """A number that nobody fills in by chance."""
    said = _SAID | {"chassis_serial": "", "slot_number": 4, "tray_index": 0}
    fields = identity(told(_values(said)))

    assert (fields["slot_number"], fields["tray_index"]) == (4, 0)
