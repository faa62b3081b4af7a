"""A capture says what it was made for, and its document is read by the keys of the domain."""

from gpuwatch.domain import captures
from gpuwatch.domain.captures import Capture, Occasion
from gpuwatch.domain.devices import BoardKey


def test_a_capture_is_made_for_one_of_three_occasions() -> None:
    """The words are stored, and never change."""
    assert [occasion.value for occasion in Occasion] == ["incident", "off_bus", "flag"]


def test_a_capture_carries_its_document_as_it_was_made() -> None:
    """Its keys are those of the first version."""
    document = {"version": captures.VERSION, captures.BECAUSE: "an Xid 48"}
    capture = Capture(
        number=1,
        board=BoardKey("1650001", "GPU-1"),
        occasion=Occasion.INCIDENT,
        at=5.0,
        settled=False,
        document=document,
    )

    assert capture.document[captures.BECAUSE] == "an Xid 48"
