"""A real agent on a simulated clock: `python -m tests.support.warped_agent SERVER GAP PACE SET...`.

SERVER is the server's directory, GAP the longest time between two sweeps that is no blind gap in
seconds. Every PACE seconds is a fast and slow sweep, below what an operator may set; 0 leaves the
cadences to the settings. Every SET is an option as `gpuwatch run --set` takes them. The rest is the
product.
"""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gpuwatch.agent import run
from gpuwatch.config.loading import load
from simulator.clock import WarpedClock

if __name__ == "__main__":
    directory, gap, pace, *options = sys.argv[1:]
    clock = WarpedClock(Path(directory) / "clock")
    loaded = load(options=options)
    if seconds := float(pace):
        cadences = dict.fromkeys(("fast", "slow"), timedelta(seconds=seconds))
        nvml = loaded.settings.nvml.model_copy(update=cadences)
        loaded = replace(loaded, settings=loaded.settings.model_copy(update={"nvml": nvml}))
    sys.exit(run(loaded, clock=clock, max_gap_seconds=float(gap)))
