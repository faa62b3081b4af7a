"""Of many kernel lines a board keeps its own first, and the latest of all others."""

from gpuwatch.domain.kernel_lines import LINES_LIMIT, KernelLine, about

MINE = "0000:01:00.0"


def _lines(count: int, pci_address: str, first: int = 0) -> list[KernelLine]:
    return [
        KernelLine(
            at=float(number),
            text=f"line {number}",
            boot_id="b",
            usec=number,
            pci_address=pci_address,
        )
        for number in range(first, first + count)
    ]


def test_all_lines_are_kept_while_they_are_few() -> None:
    """In their order, whomever they name."""
    lines = [*_lines(2, ""), *_lines(2, MINE, 2), *_lines(2, "0000:02:00.0", 4)]

    assert about(lines, MINE) == tuple(lines)


def test_a_flood_of_another_pushes_out_none_of_its_own() -> None:
    """Another function of the same device is its own as well."""
    own = [*_lines(3, MINE), *_lines(1, "0000:01:00.1", 3)]
    kept = about([*own, *_lines(1_000, "0000:02:00.0", 10)], MINE)

    assert len(kept) == LINES_LIMIT
    assert list(kept[:4]) == own
    assert kept[-1].usec == 1_009


def test_its_own_flood_is_cut_to_the_latest() -> None:
    """Nothing else fits then."""
    kept = about([*_lines(5, ""), *_lines(1_000, MINE, 5)], MINE)

    assert len(kept) == LINES_LIMIT
    assert {line.pci_address for line in kept} == {MINE}
    assert kept[-1].usec == 1_004


def test_a_board_without_an_address_keeps_the_latest_of_all() -> None:
    """One that never sat anywhere that is known."""
    assert len(about(_lines(1_000, MINE), "")) == LINES_LIMIT
