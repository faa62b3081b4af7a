"""The Xid table is complete, carries NVIDIA's buckets and says it in our words."""

import re
from collections import Counter

import pytest

from gpuwatch.sources.xids import BY_CODE, XIDS, Bucket, Xid, describe

# Counted by hand in NVIDIA's catalog of October 2025.
IMMEDIATE = {
    Bucket.CONTACT_SUPPORT: 62,
    Bucket.RESTART_APP: 48,
    Bucket.IGNORE: 21,
    Bucket.RESET_GPU: 14,
    Bucket.NOT_STATED: 11,
    Bucket.WORKFLOW_NVLINK5_ERR: 7,
    Bucket.WORKFLOW_XID_45: 1,
    Bucket.WORKFLOW_XID_48: 1,
    Bucket.WORKFLOW_NVLINK_ERR: 1,
    Bucket.CHECK_MECHANICALS: 1,
    Bucket.CHECK_UVM: 1,
    Bucket.UPDATE_SWFW: 1,
    Bucket.RESTART_BM: 1,
    Bucket.RESTART_VM: 1,
    Bucket.XID_154: 1,
}
INVESTIGATE = {
    Bucket.NOT_STATED: 72,
    Bucket.CONTACT_SUPPORT: 63,
    Bucket.INVESTIGATE_SW: 7,
    Bucket.WORKFLOW_NVLINK5_ERR: 7,
    Bucket.CHECK_APP: 6,
    Bucket.IGNORE: 4,
    Bucket.IGNORE_SYMPATHETIC: 2,
    Bucket.XID_137_FLOW: 2,
    Bucket.WORKFLOW_XID_13: 1,
    Bucket.WORKFLOW_XID_31: 1,
    Bucket.WORKFLOW_XID_48: 1,
    Bucket.RESTART_FM_IF_SOLO: 1,
    Bucket.UPDATE_SWFW: 1,
    Bucket.INVESTIGATE_LINK_SI: 1,
    Bucket.INFORMATIONAL: 1,
    Bucket.INVESTIGATE_SW_USER: 1,
    Bucket.SYMPATHETIC_REPORT_SOLO: 1,
}


def test_every_code_from_1_to_172_has_one_row_in_order() -> None:
    """A missing or doubled code would be answered wrongly or not at all."""
    assert [xid.code for xid in XIDS] == list(range(1, 173))


def test_the_immediate_buckets_are_as_many_as_in_the_catalog() -> None:
    """A slip of one row while carrying the table over shows in the counts."""
    assert Counter(xid.immediate for xid in XIDS) == IMMEDIATE


def test_the_investigatory_buckets_are_as_many_as_in_the_catalog() -> None:
    """The second column as well."""
    assert Counter(xid.investigate for xid in XIDS) == INVESTIGATE


def test_109_codes_are_in_use() -> None:
    """The rest are retired."""
    assert sum(xid.in_use for xid in XIDS) == 109


@pytest.mark.parametrize(
    ("code", "mnemonic", "immediate", "investigate"),
    [
        (
            13,
            "ROBUST_CHANNEL_GR_EXCEPTION / ROBUST_CHANNEL_GR_ERROR_SW_NOTIFY",
            Bucket.RESTART_APP,
            Bucket.WORKFLOW_XID_13,
        ),
        (
            45,
            "ROBUST_CHANNEL_PREEMPTIVE_REMOVAL",
            Bucket.WORKFLOW_XID_45,
            Bucket.RESTART_FM_IF_SOLO,
        ),
        (48, "ROBUST_CHANNEL_GPU_ECC_DBE", Bucket.WORKFLOW_XID_48, Bucket.WORKFLOW_XID_48),
        (63, "INFOROM_DRAM_RETIREMENT_EVENT", Bucket.IGNORE, Bucket.IGNORE),
        (
            79,
            "ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS",
            Bucket.RESTART_BM,
            Bucket.CONTACT_SUPPORT,
        ),
        (94, "ROBUST_CHANNEL_CONTAINED_ERROR", Bucket.RESTART_APP, Bucket.IGNORE_SYMPATHETIC),
        (95, "ROBUST_CHANNEL_UNCONTAINED_ERROR", Bucket.RESET_GPU, Bucket.IGNORE_SYMPATHETIC),
        (154, "GPU_RECOVERY_ACTION_CHANGED", Bucket.XID_154, Bucket.INFORMATIONAL),
        (171, "UNCORRECTABLE_DRAM_ERROR", Bucket.NOT_STATED, Bucket.NOT_STATED),
    ],
)
def test_a_well_known_code_has_its_row(
    code: int, mnemonic: str, immediate: Bucket, investigate: Bucket
) -> None:
    """The codes that rules are built on, looked up one by one in the catalog."""
    xid = BY_CODE[code]

    assert (xid.mnemonic, xid.immediate, xid.investigate) == (mnemonic, immediate, investigate)


@pytest.mark.parametrize("xid", XIDS, ids=lambda xid: str(xid.code))
def test_a_meaning_is_a_fragment_in_our_words(xid: Xid) -> None:
    """It says something that the mnemonic does not, and fits into a sentence."""
    words = set(re.findall(r"[a-z]{3,}", xid.meaning.lower()))
    repeated = set(re.findall(r"[a-z]{3,}", xid.mnemonic.lower()))

    assert len(words - repeated) >= 3
    assert not xid.meaning.endswith(".")
    assert xid.meaning.startswith("retired code: ") == (not xid.in_use and xid.code != 14)


def test_a_description_names_meaning_and_action() -> None:
    """What an on-call reads beside the number."""
    expected = (
        "Xid 62: the power-management unit's firmware stopped; the GPU needs a reset "
        "(NVIDIA: RESET_GPU, then CONTACT_SUPPORT)"
    )

    assert describe(62) == expected


def test_an_action_that_is_said_twice_is_told_once() -> None:
    """The catalog repeats a workflow in both columns."""
    assert describe(63).endswith("(NVIDIA: IGNORE)")


def test_a_code_without_an_action_says_so() -> None:
    """New codes stand in the catalog without advice."""
    assert describe(172).endswith("(NVIDIA names no action)")


def test_a_code_out_of_the_catalog_is_said_to_be_so() -> None:
    """A newer driver may print codes that nobody has described yet."""
    assert describe(999).startswith("Xid 999: not in NVIDIA's catalog")
