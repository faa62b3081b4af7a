"""When a child of NVML holds so much more memory that a fresh one does better."""

from gpuwatch.sources.nvml.growth import ALLOWED_BYTES, Growth, own_bytes


def test_what_a_driver_needs_at_first_is_no_growth() -> None:
    """A host of many GPUs may need whatever it needs."""
    held = iter((900 << 20, 900 << 20))
    growth = Growth(lambda: next(held))

    assert growth.beyond() == 0
    assert growth.beyond() == 0


def test_growth_is_told_beyond_what_is_allowed() -> None:
    """Measured against the first look, however slowly it comes."""
    first = 30 << 20
    held = iter((first, first + ALLOWED_BYTES, first + ALLOWED_BYTES + 1))
    growth = Growth(lambda: next(held))

    assert growth.beyond() == 0
    assert growth.beyond() == 0
    assert growth.beyond() == ALLOWED_BYTES + 1


def test_a_process_knows_what_it_holds() -> None:
    """The kernel's own count of writable memory that is not shared."""
    before = own_bytes()

    kept = bytearray(64 << 20)

    assert own_bytes() - before >= len(kept)
