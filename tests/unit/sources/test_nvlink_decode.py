"""NVLink decode: real words decode to the table's row, unknown ones to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.nvlink_decode import _ROWS, CODES, Origin, Severity, decode_nvlink
from gpuwatch.sources.xids import Bucket

WORDS = st.integers(min_value=0, max_value=2**32 - 1)


def test_the_table_has_every_row_in_both_layouts() -> None:
    """NVIDIA's table of October 2025 has 94 rows."""
    assert len(_ROWS) == 2 * 94


def test_every_code_has_rows() -> None:
    """144 to 150, each."""
    assert {row.fault.code for row in _ROWS} == set(CODES)


@pytest.mark.parametrize(
    ("code", "intrinfo", "status", "expected"),
    [
        # Words of lines in public issues (first layout).
        (145, 0x0409A0C2, 0x8, ("RLW_RXPIPE", Bucket.IGNORE, Bucket.CONTACT_SUPPORT)),
        (149, 0x000FE406, 0x0, ("NETIR", Bucket.RESET_GPU, Bucket.SYMPATHETIC_REPORT_SOLO)),
        (149, 0x025001C6, 0x0,
         ("NETIR_LINK_EVT", Bucket.RESET_GPU, Bucket.INVESTIGATE_PEER_DEVICE)),
        (149, 0x026001C6, 0x0, ("NETIR_LINK_EVT", Bucket.IGNORE, Bucket.INVESTIGATE_SW_USER)),
        # Made from the table's patterns (second layout, all bits that do not count set).
        (146, 0xFC0FFF8B, 0x4, ("TLW_RX_PIPE1", Bucket.RESET_GPU, Bucket.CONTACT_SUPPORT)),
        (149, 0xFEAFFF91, 0x0,
         ("NETIR_LINK_DOWN", Bucket.RESET_GPU, Bucket.INVESTIGATE_LINK_SI_AND_CABLES)),
        (150, 0x00000000, 0x0, ("MSE_WATCHDOG", Bucket.RESET_GPU, Bucket.CONTACT_SUPPORT)),
    ],
)  # fmt: skip
def test_words_decode_to_their_row(
    code: int, intrinfo: int, status: int, expected: tuple[str, Bucket, Bucket]
) -> None:
    """Unit and both buckets."""
    fault = decode_nvlink(code, intrinfo, status)

    assert fault is not None
    assert (fault.unit, fault.immediate, fault.investigate) == expected


def test_an_unlisted_cause_decodes_to_nothing() -> None:
    """A link-down cause that the table does not know has no action of its own."""
    assert decode_nvlink(149, 0xFE9FFF91, 0) is None


def test_a_fault_says_how_far_it_reaches_and_what_is_suspected() -> None:
    """The columns severity and origin are carried over."""
    fault = decode_nvlink(149, 0x025001C6, 0)

    assert fault is not None
    assert (fault.cause, fault.severity, fault.origin) == (37, Severity.LINK, Origin.EITHER)


def test_an_unknown_error_status_decodes_to_nothing() -> None:
    """Unknown is never harmless: the caller falls back to the code's own bucket."""
    assert decode_nvlink(145, 0x0409A0C2, 0x40) is None


def test_a_code_outside_144_to_150_decodes_to_nothing() -> None:
    """Xid 74 has words too, but another table."""
    assert decode_nvlink(74, 0x0409A0C2, 0x8) is None


@given(st.integers(min_value=0, max_value=2 * 94 - 1), WORDS)
def test_bits_that_do_not_count_change_nothing(index: int, noise: int) -> None:
    """Any word that carries a row's bits decodes to that row's action, whatever else is set."""
    row = _ROWS[index]
    word = (noise & ~row.mask) | row.value

    fault = decode_nvlink(row.fault.code, word, row.fault.error_status)

    assert fault is not None
    assert (fault.immediate, fault.severity) == (row.fault.immediate, row.fault.severity)
