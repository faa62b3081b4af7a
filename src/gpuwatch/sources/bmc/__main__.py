"""The child's life: one BMC over IPMI, until the agent is gone."""

import sys

from gpuwatch.sources.bmc.talk import IpmiTalk
from gpuwatch.sources.bmc_child import run

if __name__ == "__main__":
    sys.exit(run(IpmiTalk))
