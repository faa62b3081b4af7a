"""Crash dumps: their lines and dates are read from text and names."""

import pytest

from gpuwatch.sources.crash_dumps import parse_date, parse_lines

NOW = 1_760_000_000.0


def test_lines_come_with_their_time_since_boot() -> None:
    """With and without level and caller; headers and torn lines tell nothing."""
    text = (
        "Panic#1 Part2\n"
        "<6>[    0.000042] Linux version 6.1\n"
        "[  912.300011][ T4711] NVRM: hello\n"
        "garbage ]\n"
        "<3>[12345.678901] last"
    )

    assert parse_lines(text) == (
        (42, "Linux version 6.1"),
        (912_300_011, "NVRM: hello"),
        (12_345_678_901, "last"),
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sys/fs/pstore/dmesg-efi-175555500001001", 1_755_555_000.0),
        ("/var/lib/systemd/pstore/1755555000/001/dmesg.txt", 1_755_555_000.0),
        ("/sys/fs/pstore/dmesg-erst-7289163957304950785", 1_750_000_000.0),
        ("/sys/fs/pstore/dmesg-ramoops-0", 1_750_000_000.0),
        ("/sys/fs/pstore/dmesg-efi-199999999901001", 1_750_000_000.0),
    ],
)
def test_a_dump_is_dated_by_its_name_or_its_file(path: str, expected: float) -> None:
    """EFI records carry their Unix time; a time in the future is none."""
    assert parse_date(path, 1_750_000_000.0, NOW) == expected


def test_a_file_from_the_future_is_dated_now() -> None:
    """The clock of the boot before may have been wrong."""
    assert parse_date("/sys/fs/pstore/dmesg-ramoops-0", NOW + 5, NOW) == NOW
