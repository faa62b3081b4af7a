"""A real agent on a simulated clock: `python -m tests.support.warped_agent SERVER GAP SET...`.

SERVER is the server's directory, GAP the longest time between two sweeps that is no blind gap in
seconds, every SET an option as `gpuwatch run --set` takes them. The rest is the product.
"""

import sys
from pathlib import Path

from gpuwatch.agent import run
from gpuwatch.config.loading import load
from simulator.clock import WarpedClock

if __name__ == "__main__":
    directory, gap, *options = sys.argv[1:]
    clock = WarpedClock(Path(directory) / "clock")
    sys.exit(run(load(options=options), clock=clock, max_gap_seconds=float(gap)))
