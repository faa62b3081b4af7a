"""Documents: a snapshot as plain objects, in full and without invented values."""

import json
from dataclasses import replace
from math import inf, nan

from gpuwatch.domain.records import BoardState
from gpuwatch.domain.snapshot import BackupState
from gpuwatch.exposition.bmc_documents import bmc_document, bmcs_document
from gpuwatch.exposition.documents import gpus_document, snapshot_document, status_document
from tests.support.bmc_states import dead_bmc, main_bmc
from tests.support.golden import assert_golden
from tests.support.snapshots import AT, gpu_state, rich_snapshot, uuid_of


def test_the_documents_of_a_bad_night_are_the_golden_ones() -> None:
    """Every field of every object, for one scenario in which no two numbers are equal."""
    document = snapshot_document(rich_snapshot())

    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)

    assert_golden("snapshot.json", text + "\n")


def test_a_gap_is_told_with_its_reason_and_code() -> None:
    """What could not be read is no number."""
    gpu = gpus_document(rich_snapshot())[5]

    answer = gpu["readings"]["gpuwatch_gpu_power_watts"]

    assert answer == {"gap": "denied", "code": 12, "at": "2026-03-14T03:12:03.875Z"}


def test_a_finding_tells_where_its_runbook_is() -> None:
    """On this agent's own port, or under the address that the settings name."""
    snapshot = rich_snapshot()
    elsewhere = replace(snapshot, runbook_url="https://wiki.example")

    own, other = (gpus_document(each)[3]["findings"][0] for each in (snapshot, elsewhere))

    assert own["runbook"] == f"/runbooks/{own['code']}"
    assert other["runbook"] == f"https://wiki.example/{own['code']}"


def test_a_reading_is_in_the_unit_of_its_name() -> None:
    """311,200 mW are 311.2 W."""
    gpu = gpus_document(rich_snapshot())[0]

    answer = gpu["readings"]["gpuwatch_gpu_power_watts"]

    assert answer == {"value": 311.2, "at": "2026-03-14T03:12:04.500Z"}


def test_what_is_no_finite_number_is_a_gap() -> None:
    """One absurd answer must not take a whole page or document with it."""
    gpu = gpu_state(0)
    absurd = tuple(replace(latest, value=float("nan")) for latest in gpu.latest[:1])

    (document,) = gpus_document(replace(rich_snapshot(), gpus=(replace(gpu, latest=absurd),)))

    assert [answer.get("gap") for answer in document["readings"].values()] == ["failed"]


def test_a_stale_gpu_has_no_readings() -> None:
    """Values too old to trust are not told as if they were the present."""
    gpu = gpus_document(rich_snapshot())[4]

    assert (gpu["present"], gpu["fresh"], gpu["readings"]) == (True, False, {})


def test_a_vanished_board_is_still_listed() -> None:
    """It keeps its identity, its last index and why it is missed."""
    gpu = gpus_document(rich_snapshot())[6]

    assert (gpu["index"], gpu["serial"], gpu["present"]) == (6, "1654223010013", False)


def test_a_board_that_left_is_not_listed() -> None:
    """A board swapped out belongs to history, not to this host."""
    state = gpu_state(3)
    left = replace(
        state, present=False, device=None, record=replace(state.record, state=BoardState.LEFT)
    )

    listed = gpus_document(replace(rich_snapshot(), gpus=(left, gpu_state(4))))

    assert [gpu["uuid"] for gpu in listed] == [uuid_of(4)]


def test_a_board_remembered_twice_is_listed_once() -> None:
    """A serial that could not be read for a while made two keys of one board."""
    present = gpu_state(2)
    key = replace(present.record.key, serial="")
    board = replace(present.record.board, key=key)
    shadow = replace(
        present, present=False, device=None, record=replace(present.record, board=board)
    )

    listed = gpus_document(replace(rich_snapshot(), gpus=(shadow, present)))

    assert [(gpu["serial"], gpu["present"]) for gpu in listed] == [("1654223010009", True)]


def test_a_host_without_a_driver_has_no_epoch() -> None:
    """Nothing is said of a driver that is not loaded."""
    status = status_document(replace(rich_snapshot(), epoch=None))

    assert status["epoch"] is None


def test_the_next_window_is_the_open_one_while_it_is_open() -> None:
    """During a window people ask when it ends, not when the next one begins."""
    snapshot = rich_snapshot()
    start = snapshot.windows[0].start.timestamp()
    during = replace(snapshot, at=replace(snapshot.at, wall=start + 60))

    status = status_document(during)

    assert status["window_open"]
    assert status["next_window"] is not None
    assert status["next_window"]["start"] == "2026-03-15T02:00:00.000Z"


def test_backups_that_are_off_or_not_known_yet_are_told_apart() -> None:
    """Null where none are made; a member of nulls until the folder has been looked at."""
    off = status_document(replace(rich_snapshot(), backups=None))
    unknown = status_document(replace(rich_snapshot(), backups=BackupState()))

    assert off["backups"] is None
    assert unknown["backups"] is not None
    assert unknown["backups"]["last_success"] is None
    assert unknown["backups"]["age_seconds"] is None


def test_a_list_of_bmcs_has_the_latest_log_entries_only() -> None:
    """Fifty BMCs with all their entries would be a long answer; alone a BMC has them all."""
    main = main_bmc(AT)
    talkative = replace(main, entries=main.entries * 10)
    snapshot = replace(rich_snapshot(), bmcs=(talkative,))

    (listed,) = bmcs_document(snapshot)

    assert len(listed["entries"]) == 20
    assert len(bmc_document(snapshot, talkative)["entries"]) == 40


def test_what_a_bmc_tells_is_never_infinite() -> None:
    """JSON has no word for it: a page and a document must not end at one absurd number."""
    main = main_bmc(AT)
    assert main.sweep is not None
    absurd = replace(main.sweep, watts=inf, clock_skew=nan)

    document = bmc_document(rich_snapshot(), replace(main, sweep=absurd))

    assert (document["watts"], document["clock_skew_seconds"]) == (None, None)
    json.dumps(document, allow_nan=False)


def test_a_bmc_that_does_not_answer_tells_nothing_but_who_it_is() -> None:
    """Values too old to trust are not told as if they were the present."""
    document = bmc_document(rich_snapshot(), dead_bmc(AT))

    assert document["identity"]["serial"] == "SRV0118"
    assert (document["chassis"], document["watts"], document["sensors"]) == (None, None, [])
    assert (document["updating"], document["trouble"]) == (None, "unreachable")
