"""Web files: whether the one that protects the port can be used, for who checks settings.

The agent looks at it before it starts, and does not start without.
"""

from collections.abc import Iterator
from pathlib import Path

from gpuwatch.config.layers import Problem
from gpuwatch.config.loading import Loaded
from gpuwatch.config.schema import dotted, shown
from gpuwatch.exposition.protection import protect
from gpuwatch.exposition.web_file import WebFileError

_KEY = ("web", "config_file")


def problems(loaded: Loaded) -> Iterator[Problem]:
    """What is wrong with it, or with a certificate or key that it names."""
    path = loaded.settings.web.config_file
    try:
        if path:
            protect(Path(path))
    except WebFileError as error:
        origin = loaded.layers.entries[_KEY].origin
        yield Problem(origin, dotted(_KEY), shown(path), error.problem)
