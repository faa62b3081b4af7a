"""BMC files: whether those that the settings of BMCs name can be used, for who checks settings.

The agent starts without: what it cannot read keeps it from that BMC only, and it is told there.
"""

from collections.abc import Iterator
from pathlib import Path

from gpuwatch.config.layers import Problem
from gpuwatch.config.loading import Loaded
from gpuwatch.config.schema import dotted, shown
from gpuwatch.sources.bmc_secrets import SecretRefused, judge_file

_SECRETS = ("password_file", "kg_file")
_READ = ("ca_file",)


def problems(loaded: Loaded) -> Iterator[Problem]:
    """Files that cannot be read, and secrets that others can read. Secrets are never quoted."""
    for name, bmc in loaded.settings.bmc.items():
        for key in (*_SECRETS, *_READ):
            path = getattr(bmc, key)
            text = _problem(path, secret=key in _SECRETS) if path and bmc.enabled else ""
            if text:
                where = ("bmc", name, key)
                yield Problem(loaded.layers.entries[where].origin, dotted(where), shown(path), text)


def _problem(path: str, *, secret: bool) -> str:
    try:
        if secret:
            judge_file(path)
        else:
            Path(path).read_bytes()
    except SecretRefused as refused:
        return str(refused).removeprefix(f"{path} ")
    except OSError as error:
        return f"cannot be read: {error.strerror} (is it the right file?)"
    return ""
