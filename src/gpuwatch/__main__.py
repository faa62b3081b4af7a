"""Main: `python -m gpuwatch` is the command line."""

import sys

from gpuwatch.cli import main

sys.exit(main())
