"""A real agent at a pace that no operator may set: `python -m bench.driven FAST_SECONDS SET...`.

Every SET is an option as `gpuwatch run --set` takes them. The rest is the product: only the floor
under the cadence is the configuration's, and the benchmark goes below it.
"""

import sys
from dataclasses import replace
from datetime import timedelta

from gpuwatch.agent import run
from gpuwatch.config.loading import load

if __name__ == "__main__":
    seconds, *options = sys.argv[1:]
    loaded = load(options=options)
    nvml = loaded.settings.nvml.model_copy(update={"fast": timedelta(seconds=float(seconds))})
    settings = loaded.settings.model_copy(update={"nvml": nvml})
    sys.exit(run(replace(loaded, settings=settings)))
