"""The child's words as the domain's values."""

from dataclasses import replace

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Reading
from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_conversation import Answered, Happened
from gpuwatch.sources.nvml_messages import Translator, age_of, device_of, event_of, is_lost
from gpuwatch.sources.nvml_signals import rows

NOW = Moment(wall=1_772_000_000.0, boottime=500.0, boot_id="boot")
BOARD = BoardKey("1650", "GPU-5")
SLOW = frozenset({Cadence.SLOW})
XID = Happened(type=8, data=79, boottime=499.5, pci_address="0000:05:00.0", uuid="GPU-5")


def _answered(first: object) -> Answered:
    rest = list(range(1, len(rows(SLOW))))
    return Answered("0000:05:00.0", SLOW, (first, *rest))


def test_values_land_in_the_rows_of_their_cadence() -> None:
    """In table order, at the instant of receipt, raw."""
    sweep = Translator().sweep(_answered(0), BOARD, NOW)

    assert sweep.signals == rows(SLOW)
    assert sweep.values == tuple(range(len(rows(SLOW))))
    assert sweep.get(rows(SLOW)[3].key) == Reading(3, NOW)


def test_an_absent_value_is_a_gap_with_its_reason() -> None:
    """Unsupported, denied, lost, timed out and failed stay apart, each with its code."""
    translator = Translator()

    gaps = [
        translator.sweep(_answered([reason.value, code]), BOARD, NOW).values[0]
        for code, reason in enumerate(GapReason)
    ]

    assert gaps == [Gap(reason, code) for code, reason in enumerate(GapReason)]


@pytest.mark.parametrize("gap", [["odd", 1], ["lost"], ["lost", "15"], [], [["lost"], 1]])
def test_a_gap_that_is_not_understood_is_refused(gap: list[object]) -> None:
    """It is never taken for a value."""
    with pytest.raises(ValueError, match=r"odd|is no gap"):
        Translator().sweep(_answered(gap), BOARD, NOW)


def test_values_of_another_number_are_refused() -> None:
    """One value too few would shift all that follow."""
    answered = _answered(0)

    with pytest.raises(ValueError, match="values for"):
        Translator().sweep(replace(answered, values=answered.values[1:]), BOARD, NOW)


def test_one_lost_value_makes_a_gpu_lost() -> None:
    """Some calls go on answering from a cache."""
    assert is_lost((1, Gap(GapReason.LOST, 15), "text"))
    assert not is_lost((1, Gap(GapReason.UNSUPPORTED, 3), Gap(GapReason.DENIED, 4)))


def test_a_device_message_becomes_a_device() -> None:
    """Every field has its place; no two of them are equal here."""
    device = device_of(
        {
            "index": 4,
            "pci": "0000:05:00.0",
            "uuid": "GPU-5",
            "serial": "1650",
            "name": "NVIDIA H100",
            "part_number": "692-2G520",
            "vbios": "96.00",
            "inforom": "G520.0200",
            "mig": True,
            "module_id": 2,
            "chassis_serial": "C77",
            "slot_number": 9,
            "tray_index": 6,
            "attributes": {"b": 2, "a": "x"},
        }
    )

    board, slot = device.board, device.slot
    assert board.key == BOARD
    assert (board.name, board.part_number) == ("NVIDIA H100", "692-2G520")
    assert (board.vbios, board.inforom) == ("96.00", "G520.0200")
    assert (slot.pci_address, slot.module_id, slot.chassis_serial) == ("0000:05:00.0", 2, "C77")
    assert (slot.slot_number, slot.tray_index) == (9, 6)
    assert (device.index, device.mig_enabled) == (4, True)
    assert device.attributes == (("a", "x"), ("b", "2"))


def test_a_device_without_a_uuid_is_refused() -> None:
    """Nothing else identifies a GPU."""
    with pytest.raises(ValueError, match="UUID"):
        device_of({"index": 0, "pci": "0000:05:00.0", "uuid": "", "serial": "1"})


def test_an_xid_event_is_dated_by_the_childs_stamp() -> None:
    """Half a second old at receipt: half a second earlier on the wall clock."""
    event = event_of(XID, BOARD, NOW, 0.5)

    assert event is not None
    assert (event.kind, event.source, event.code) == (EventKind.XID, EventSource.NVML, 79)
    assert (event.at, event.boottime, event.boot_id) == (NOW.wall - 0.5, 499.5, "boot")
    assert (event.board, event.pci_address, event.uuid) == (BOARD, "0000:05:00.0", "GPU-5")
    assert event.identity == "boot/0000:05:00.0/xid/79//nvml-499.500000"


def test_a_mig_instance_is_written_as_the_kernel_log_does() -> None:
    """So that the same occurrence reads the same from both."""
    event = event_of(replace(XID, instance=5), None, NOW, 0.0)

    assert event is not None
    assert event.subcode == "GPU-I:05"


def test_a_double_bit_event_has_no_code() -> None:
    """Its data is no Xid."""
    event = event_of(replace(XID, type=2, data=3), BOARD, NOW, 0.0)

    assert event is not None
    assert (event.kind, event.code) == (EventKind.DOUBLE_BIT_ERROR, None)


@pytest.mark.parametrize("kind", [1, 4, 0x10, 0x80, 0x100, 0x200, 0x8000])
def test_other_types_are_no_events_of_ours(kind: int) -> None:
    """Clocks, power states, storms of correctable errors: signals tell them."""
    assert event_of(replace(XID, type=kind), BOARD, NOW, 0.0) is None


def test_a_stamp_from_the_future_does_not_date_an_event_there() -> None:
    """Clock reading order between two processes must not invent a later time."""
    assert (age_of(XID, 500.0), age_of(replace(XID, boottime=501.0), 500.0)) == (0.5, 0.0)
