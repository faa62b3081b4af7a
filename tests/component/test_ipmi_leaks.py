"""The IPMI child over many sweeps: nothing leaks, and there is one session."""

import os

from simulator.bmc.server import IpmiBmc, Model
from tests.support.bmc import MakeBmc
from tests.support.ipmi_process import IpmiChild, lan_settings

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
SWEEPS = 2_000 if SOAK else 200
MODEL = Model(large=SOAK, delay_milliseconds=0, keep_command_log=False)
WARM = 20
MEGABYTE = 1 << 20
LARGEST = 40 * MEGABYTE


def _sweep(child: IpmiChild, bmc: IpmiBmc, number: int) -> None:
    """One sweep, and now and then a change that makes news."""
    child.sweep()
    if number % 10 == 0:
        bmc.set("GPU1 Temp", 40 + number % 60)


def test_nothing_leaks_over_many_sweeps(make_bmc: MakeBmc) -> None:
    """Memory, files and sessions; with news and thresholds that come and go."""
    bmc = make_bmc(MODEL)
    with IpmiChild(lan_settings(bmc, interval=0.02)) as child:
        for number in range(WARM):
            _sweep(child, bmc, number)
        memory, descriptors = child.memory, child.descriptors

        for number in range(SWEEPS):
            _sweep(child, bmc, number)

        assert child.memory - memory < 2 * MEGABYTE
        assert child.memory < LARGEST
        assert child.descriptors == descriptors
        assert len(bmc.sessions()) == 1


def test_nothing_leaks_over_many_sessions(make_bmc: MakeBmc) -> None:
    """Each log-in that is refused takes nothing along."""
    bmc = make_bmc(MODEL)
    bmc.free_sessions(0)
    settings = lan_settings(bmc, backoff=[0.0], lock_out=0.0)
    with IpmiChild(settings) as child:
        for _ in range(WARM):
            child.failure()
        memory, descriptors = child.memory, child.descriptors

        for _ in range(SWEEPS):
            child.failure()

        assert child.memory - memory < 2 * MEGABYTE
        assert child.descriptors == descriptors
