"""The driver is let go of for as long as somebody asks, and taken up by whom it was let go for."""

from dataclasses import dataclass, field

import pytest

from gpuwatch.agent.releases import follow, longest_release
from gpuwatch.domain.snapshot import Maintenance, SourceState
from gpuwatch.sources.base import Deliver


@dataclass
class Hardware:
    """A source without hardware: it keeps what it was told."""

    name: str = "nvml"
    reason: str = ""
    until: float = 0.0
    told: list[str] = field(default_factory=list)

    def start(self, deliver: Deliver) -> None:
        """Nothing to start."""

    def stop(self, within_seconds: float) -> None:
        """Nothing to stop."""

    def state(self) -> SourceState:
        """Released as it was told."""
        return SourceState(
            name=self.name,
            up=True,
            fresh=True,
            released=bool(self.reason),
            released_reason=self.reason,
        )

    def release(self, reason: str, until: float) -> None:
        """Let go."""
        self.reason, self.until = reason, until
        self.told.append(f"release until {until:g}")

    def resume(self) -> None:
        """Take up."""
        self.reason = ""
        self.told.append("resume")

    def wait_released(self, within_seconds: float) -> bool:
        """At once."""
        return within_seconds >= 0


def _work(identity: str, until: float, *, release: bool = True) -> Maintenance:
    return Maintenance(
        identity=identity, scope="host", board="", until=until, reason="upgrade", release=release
    )


SHORT, LONG = _work("short", 10.0), _work("long", 20.0)


@pytest.mark.parametrize(
    ("before", "work", "told"),
    [
        ((), (SHORT,), ["release until 10"]),
        ((SHORT,), (SHORT,), []),
        ((SHORT,), (SHORT, LONG), ["release until 20"]),
        ((SHORT, LONG), (SHORT,), ["release until 10"]),
        ((), (_work("quiet", 10.0, release=False),), []),
    ],
)
def test_the_longest_release_counts(
    before: tuple[Maintenance, ...], work: tuple[Maintenance, ...], told: list[str]
) -> None:
    """Of several pieces of work the one that lasts longest says until when."""
    hardware = Hardware()

    follow(hardware, before, work)

    assert hardware.told == told


def test_the_end_of_the_work_takes_the_driver_up_again() -> None:
    """What was let go of for a piece of work is taken up at its end."""
    hardware = Hardware()
    follow(hardware, (), (SHORT,))

    follow(hardware, (SHORT,), ())

    assert hardware.told == ["release until 10", "resume"]


def test_a_release_asked_for_meanwhile_outlives_the_work() -> None:
    """Somebody upgrades the driver by hand: the end of another's work does not start a probe."""
    hardware = Hardware()
    follow(hardware, (), (SHORT,))
    hardware.release("asked for on the command line", 30.0)

    follow(hardware, (SHORT,), ())

    assert hardware.told == ["release until 10", "release until 30"]


def test_no_work_asks_for_nothing() -> None:
    """Without work there is no longest release."""
    assert longest_release(()) is None
