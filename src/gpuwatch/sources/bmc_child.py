"""BMC child: what the process of every BMC does around its loop: limits, settings and secrets."""

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from gpuwatch.domain.bmc import BmcProtocol, BmcTrouble
from gpuwatch.sources import wire
from gpuwatch.sources.bmc_loop import MEMORY_BYTES, SECRETS, Settings, Talk, refuse, serve
from gpuwatch.sources.bmc_secrets import SecretRefused, read_secret
from gpuwatch.sources.child import die_first, end_with_parent, keep_memory_to_itself

_IPMI_BYTES = 20  # IPMI 2.0, 22.30
_HIDDEN = "(hidden)"


class Hiding:
    """A stream of text in which no secret stands; what Python and libraries log goes to it."""

    def __init__(self, stream: TextIO, secrets: tuple[str, ...]) -> None:
        self._stream = stream
        self._secrets = secrets

    def write(self, text: str) -> int:
        """Write what is no secret of it."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return self._stream.write(text)

    def flush(self) -> None:
        """Send it."""
        self._stream.flush()


def run(build: Callable[[Settings], Talk]) -> int:
    """A child's whole life; the exit status. `build` makes its Talk of the settings.

    The settings are one line on standard input. Of their `secrets`, {"password": {"file": PATH}},
    each is read and put beside them under its name.
    """
    end_with_parent()
    die_first()
    keep_memory_to_itself()
    limit_memory()
    line = sys.stdin.buffer.readline(wire.LIMIT)
    if not line:  # ended before it was asked anything
        return 0
    try:
        settings = with_secrets(json.loads(line), os.environ)
    except SecretRefused as refused:
        return refuse(BmcTrouble.PASSWORD, str(refused), sys.stdout.buffer)
    secrets = tuple(str(settings[name]) for name in SECRETS if settings.get(name))
    sys.stderr = Hiding(sys.stderr, secrets)
    return serve(settings, build(settings), sys.stdout.buffer, sys.stdin.buffer)


def with_secrets(settings: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings with the secrets that they name. Raises SecretRefused."""
    read = {
        name: read_secret(where, environment) for name, where in settings.get("secrets", {}).items()
    }
    if settings.get("protocol") == BmcProtocol.IPMI:
        for name, secret in read.items():
            if len(secret.encode()) > _IPMI_BYTES:
                # A BMC would refuse it, and lock the account out after a few attempts.
                raise SecretRefused(
                    f"the {name} is longer than {_IPMI_BYTES} bytes, which IPMI does not know"
                    " (set a shorter one)"
                )
    return {**settings, **read}


def limit_memory(size: int = MEMORY_BYTES) -> None:
    """Bound this process's address space (bytes): what a BMC says may make a library never stop."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    bound = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
