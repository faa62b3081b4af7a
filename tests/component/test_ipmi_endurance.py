"""The IPMI child over many sweeps and many refusals: it holds at the end what it held before."""

import os
from pathlib import Path

import pytest

from bench.processes import size
from simulator.bmc.server import IpmiBmc, Model
from tests.support.bmc import MakeBmc
from tests.support.ipmi_child import IpmiChild, asking

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
SWEEPS = 2_000 if SOAK else 200
REFUSALS = 500 if SOAK else 50
WARM = 50
ENTRY_EVERY = 20  # sweeps
AT_ONCE = 0.01  # seconds between two
# What the allocator takes from the kernel at a time, not what a leak would have come to.
MEMORY_BYTES = 1 << 20


def _sweep(child: IpmiChild, bmc: IpmiBmc, times: int) -> None:
    """So many sweeps, with something new in the event log now and then."""
    for number in range(times):
        child.sweep()
        if number % ENTRY_EVERY == 0:
            bmc.sel_add("ECC Memory", 0)


@pytest.mark.timeout(2900 if SOAK else 300)
def test_many_sweeps_leave_one_session_and_nothing_behind(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Neither memory nor descriptors nor threads grow; at its end the child logs out."""
    bmc = make_bmc(Model(large=SOAK, delay_milliseconds=0, keep_command_log=False))
    with asking(bmc, tmp_path, interval=AT_ONCE) as child:
        _sweep(child, bmc, WARM)
        before = size((child.process.pid,))
        _sweep(child, bmc, SWEEPS)
        after, sessions = size((child.process.pid,)), bmc.sessions()

    assert len(sessions) == 1
    assert bmc.sessions() == []
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
    assert after.uss - before.uss < MEMORY_BYTES


@pytest.mark.timeout(2900 if SOAK else 300)
def test_many_refusals_leave_nothing_behind_and_the_bmc_is_found_again(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Others took all its sessions and keep them for days; then one becomes free."""
    bmc = make_bmc(Model(delay_milliseconds=0, keep_command_log=False))
    bmc.free_sessions(0)
    with asking(bmc, tmp_path, interval=AT_ONCE, backoff=(AT_ONCE,)) as child:
        child.messages("failed", WARM)
        before = size((child.process.pid,))
        refused = child.messages("failed", REFUSALS)
        after, sessions = size((child.process.pid,)), bmc.sessions()
        bmc.free_sessions(1)
        found_again = child.message("sweep")

    assert {told["reason"] for told in refused} == {"no_session"}
    assert sessions == []
    assert (after.descriptors, after.threads) == (before.descriptors, before.threads)
    assert after.uss - before.uss < MEMORY_BYTES
    assert found_again["gaps"].keys() <= {"dcmi", "bios"}
