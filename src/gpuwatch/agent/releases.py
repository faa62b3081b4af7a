"""Releases: the driver is let go of for as long as some maintenance or person asks for it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.sources.base import Source

log = structlog.get_logger("gpuwatch.releases")

RELEASE_SECONDS = 45.0  # EOF, SIGTERM and SIGKILL of every child, and a margin


class Releasable(Source, Protocol):
    """A source that lets go of its hardware when asked."""

    @property
    def asked_release(self) -> str:
        """Why it was asked to let go; "" once it was asked to take up again, or the time was over.

        At once, while its state tells what was done: a child that hangs takes seconds to end.
        """
        ...

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
        if asked is not None and nvml.asked_release == _reason(asked):
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


@dataclass(frozen=True, slots=True)
class StandingRelease:
    """A release asked for on the command line, in a file: an agent that restarts keeps to it.

    Otherwise the agent would take the driver up again under the upgrade for which it let go. It
    does not outlive the boot, as its end is told on the boot clock.
    """

    path: Path

    def keep(self, reason: str, seconds: float, now: Moment) -> None:
        """Write that the driver is released for `seconds` from `now`."""
        body = {"boot_id": now.boot_id, "until": now.boottime + seconds, "reason": reason}
        scratch = self.path.with_suffix(".tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(body) + "\n")
            scratch.replace(self.path)
        except OSError as error:
            log.warning("release-not-kept", path=str(self.path), error=error.strerror)

    def drop(self) -> None:
        """The driver was taken up again."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("release-not-dropped", path=str(self.path), error=error.strerror)

    def take_up(self, nvml: Releasable, work: Iterable[Maintenance], now: Moment) -> None:
        """Release `nvml` if an agent before us was asked to, in this boot and until later.

        A maintenance among `work` that asks for longer is left to have its way.
        """
        try:
            body = json.loads(self.path.read_bytes())
            boot_id, until, reason = body["boot_id"], float(body["until"]), str(body["reason"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("release-unreadable", path=str(self.path), error=repr(error))
            return
        if boot_id != now.boot_id or until <= now.boottime:
            self.drop()
            return
        until_wall = now.wall + until - now.boottime
        longest = longest_release(work)
        if longest is None or longest.until < until_wall:
            nvml.release(reason, until_wall)


def wait_released(nvml: Releasable, back: str) -> None:
    """Wait until the driver is free. Raises ControlError when a child holds it for good."""
    if not nvml.wait_released(RELEASE_SECONDS):
        raise ControlError(
            ErrorKind.FAILED,
            "a child of the agent hangs in the driver and cannot be ended",
            "the driver stays in use until it returns or the host is rebooted; "
            f"`{back}` takes the release back",
        )
