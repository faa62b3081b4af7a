"""Releases: the driver is let go of for as long as some maintenance asks for it."""

from collections.abc import Iterable
from typing import Protocol

from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.sources.base import Source


class Releasable(Source, Protocol):
    """A source that lets go of its hardware when asked."""

    def release(self, reason: str, until: float) -> None:
        """Let go until Unix second `until`."""
        ...

    def resume(self) -> None:
        """Take up again."""
        ...

    def wait_released(self, within_seconds: float) -> bool:
        """Whether it is let go of, waiting for that."""
        ...


def follow(nvml: Releasable, before: Iterable[Maintenance], work: Iterable[Maintenance]) -> bool:
    """Let go of `nvml`, or take it up again, as `work` asks for now; whether it is let go of anew.

    What was asked for `before` stands already, unless it was edited. A release that a person asked
    for meanwhile on the command line has another reason, and outlives the work's end.
    """
    asked, wanted = longest_release(before), longest_release(work)
    if wanted is None:
        if asked is not None and nvml.state().released_reason == _reason(asked):
            nvml.resume()
        return False
    if wanted == asked:
        return False
    nvml.release(_reason(wanted), wanted.until)
    return True


def _reason(work: Maintenance) -> str:
    return f"maintenance {work.identity}: {work.reason}"


def longest_release(work: Iterable[Maintenance]) -> Maintenance | None:
    """The piece of work that wants the driver let go of for longest; None when none wants that."""
    return max((item for item in work if item.release), key=lambda item: item.until, default=None)
