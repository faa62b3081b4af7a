"""The product on a real GPU: read only, nothing is set and nothing is reset.

Run by `make gpu-check`, as root. What is found out is printed and written to the recording.
"""
# ruff: noqa: T201 - the check's results are read by people

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.domain.readings import GapReason
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.sources.nvml_signals import TABLE, table_hash
from tests.support.gpu.cost import cost_table, event_set, polling_cost
from tests.support.gpu.effect import effect, matrix_command
from tests.support.gpu.endings import Way, ending
from tests.support.gpu.host import Host, is_root
from tests.support.gpu.survey import Survey
from tests.support.gpu.unprivileged import difference, survey_as_nobody
from tests.support.gpu.untouched import traces
from tests.support.gpu.watching import watching

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]
NOT_SUPPORTED = 3
Sections = dict[str, Any]


def test_every_row_is_answered_or_says_why_not(seen: Survey, sections: Sections) -> None:
    """Nothing fails without an error code, nothing times out, and no GPU is lost."""
    sections["counts"] = dict(seen.counts())

    assert seen.hello["table"] == table_hash()
    assert [gpu.answers.keys() for gpu in seen.gpus] == [
        dict.fromkeys(row.key for row in TABLE).keys() for _ in seen.gpus
    ]
    bad = {GapReason.TIMED_OUT, GapReason.LOST}
    assert [gap for gap in seen.gaps() if gap[1] in bad] == []
    assert [gap for gap in seen.gaps() if gap[1] == GapReason.FAILED and gap[2] is None] == []


def test_polling_has_its_cost_told(host: Host, seen: Survey, sections: Sections) -> None:
    """CPU and wall time of every cadence's sweep, and the slowest calls and fields."""
    cost = polling_cost(host, sweeps=50)
    sections["cost"] = cost
    print("\n" + cost_table(cost))

    assert cost["gpus"] == len(seen.gpus)
    assert all(each["cpu_ms"] > 0 for each in cost["cadences"].values())


def test_every_gpu_registers_for_events_and_waiting_is_idle(host: Host, sections: Sections) -> None:
    """The set takes what each GPU supports, and waiting takes next to no CPU."""
    events = event_set(host, wait_seconds=3.0)
    sections["events"] = asdict(events)
    print(f"\n{events}")

    assert {code for _, code in events.registered.values()} <= {0, NOT_SUPPORTED}
    assert events.cpu_seconds < events.waited_seconds / 10  # it waits, it does not spin


def test_a_child_that_is_nobody_is_denied_only_what_is_privileged(
    host: Host, seen: Survey, sections: Sections
) -> None:
    """As user 65534 the rows that the table calls privileged may be denied, and no other."""
    if not is_root():
        pytest.skip("missing: root, to become user 65534 (sudo make gpu-check)")
    other = difference(seen, survey_as_nobody(host))
    sections["unprivileged"] = asdict(other)
    print("\ndenied to nobody:", *other.denied, sep="\n  ")
    print("otherwise:", *other.otherwise, sep="\n  ")

    assert set(other.denied) <= {row.key for row in TABLE if row.privileged}


@pytest.mark.parametrize("way", list(Way))
def test_a_child_ended_in_a_poll_leaves_the_device_well(
    host: Host, sections: Sections, way: Way
) -> None:
    """It ends with status 0, leaves no zombie, and the device answers a fresh child."""
    end = ending(host, way)
    sections[f"ending-{way.value}"] = asdict(end)
    print(f"\n{end}")

    assert (end.status, end.gone, end.answered_after) == (0, True, True)


def test_the_driver_is_taken_as_it_is_found(host: Host, sections: Sections) -> None:
    """The module stays loaded as it was, is let go of again, and its loader is not run."""
    left = traces(host)
    sections["untouched"] = asdict(left)
    print(f"\n{left}")

    assert left.load_before == left.load_after
    assert left.references[0] == left.references[2]
    assert not left.loader_run


def test_the_agent_watches_the_real_driver(
    host: Host, seen: Survey, sections: Sections, tmp_path: Path
) -> None:
    """A minute as a service: a verdict, metrics that parse, every gap explained, no incident."""
    watched = watching(host, tmp_path / "agent", seconds=60.0)
    sections["agent"] = asdict(watched)
    print(f"\n{watched}")

    assert watched.host_verdict in set(Verdict)
    assert len(watched.verdicts) == len(seen.gpus)
    assert watched.sources["nvml"] == "up"
    assert watched.unexplained == ()
    assert watched.incidents == 0  # what a board brought along is prior
    assert (watched.exit_status, watched.loader_run) == (0, False)


def test_polling_is_told_beside_a_running_matrix_product(host: Host, sections: Sections) -> None:
    """Throughput of somebody's work with and without polling at the shortest cadence."""
    command = matrix_command()
    if command is None:
        pytest.skip("missing: torch or cupy that reaches the GPU (GPUWATCH_GPU_PYTHON names it)")
    seen_effect = effect(host, command, phase_seconds=12.0, rounds=3)
    sections["effect"] = {**asdict(seen_effect), "ratio": seen_effect.ratio}
    print(f"\n{seen_effect}\nthroughput with polling / without: {seen_effect.ratio:.4f}")

    assert seen_effect.polls > 0
    assert min(*seen_effect.without, *seen_effect.polled) > 0
