"""Unprivileged: the same survey by a child that is nobody, as the daemon's own user is."""

import sys
from dataclasses import dataclass

from tests.support.gpu.host import Host
from tests.support.gpu.survey import Answer, Survey, survey

NOBODY = 65534
# What it runs is imported before the privileges go: nobody need be able to read a checkout.
_PROGRAM = f"""
import os, sys
import gpuwatch.sources.nvml.__main__ as child
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
os._exit(child.main(sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows answered as root that are `denied` to nobody, and other rows that read otherwise."""

    denied: tuple[str, ...]
    otherwise: tuple[tuple[str, str], ...]


def survey_as_nobody(host: Host) -> Survey:
    """Ask everything as user and group 65534. For root."""
    return survey(host, program=(sys.executable, "-c", _PROGRAM))


def difference(root: Survey, nobody: Survey) -> Difference:
    """What root is told and nobody is not; a value that merely moved is no difference."""
    pairs = [
        (key, answer, other.answers[key])
        for gpu, other in zip(root.gpus, nobody.gpus, strict=True)
        for key, answer in gpu.answers.items()
        if _why(answer) != _why(other.answers[key])
    ]
    denied = {key for key, _, answer in pairs if _why(answer) == "denied"}
    otherwise = {(key, _why(answer)) for key, _, answer in pairs if key not in denied}
    return Difference(tuple(sorted(denied)), tuple(sorted(otherwise)))


def _why(answer: Answer) -> str:
    return str(answer[0]) if isinstance(answer, list) else "answered"
