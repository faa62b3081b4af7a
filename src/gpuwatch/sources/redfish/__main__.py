"""The Redfish child's life; see bmc_loop.py for what it does, and talk.py for how it asks."""

import sys

from gpuwatch.sources.bmc_child import run
from gpuwatch.sources.redfish.talk import RedfishTalk

if __name__ == "__main__":
    sys.exit(run(RedfishTalk.of))
