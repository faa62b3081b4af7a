"""The driver is let go of for as long as somebody asks, and taken up by whom it was let go for."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gpuwatch.agent.releases import StandingRelease, follow, longest_release
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import Maintenance, SourceState
from gpuwatch.sources.base import Deliver


@dataclass
class Hardware:
    """A source without hardware: it keeps what it was told. One that `hangs` takes its time."""

    name: str = "nvml"
    reason: str = ""
    until: float = 0.0
    hangs: bool = False
    told: list[str] = field(default_factory=list)

    def start(self, deliver: Deliver) -> None:
        """Nothing to start."""

    def stop(self, within_seconds: float) -> None:
        """Nothing to stop."""

    def state(self) -> SourceState:
        """Released as it was told, once nothing hangs any more."""
        return SourceState(
            name=self.name,
            up=True,
            fresh=True,
            released=bool(self.reason) and not self.hangs,
            released_reason="" if self.hangs else self.reason,
        )

    @property
    def asked_release(self) -> str:
        """As it was told."""
        return self.reason

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


def test_work_that_ends_before_the_driver_is_free_takes_it_up_all_the_same() -> None:
    """A child that hangs takes seconds to end; nobody would watch the GPUs until the work's end."""
    hardware = Hardware(hangs=True)
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


NOW = Moment(wall=1000.0, boottime=50.0, boot_id="boot-1")


@pytest.fixture(name="standing")
def _standing(tmp_path: Path) -> StandingRelease:
    """A release for five minutes, asked for at NOW."""
    standing = StandingRelease(tmp_path / "state" / "release.json")
    standing.keep("driver upgrade", 300.0, NOW)
    return standing


def test_an_agent_that_restarts_keeps_to_a_release(standing: StandingRelease) -> None:
    """By the boot clock: somebody stepped the wall clock meanwhile."""
    nvml = Hardware()

    standing.take_up(nvml, (), replace(NOW, wall=9000.0, boottime=150.0))

    assert (nvml.reason, nvml.until) == ("driver upgrade", 9200.0)


@pytest.mark.parametrize(
    "now", [replace(NOW, boottime=350.0), replace(NOW, boot_id="boot-2", boottime=51.0)]
)
def test_a_release_that_is_over_is_forgotten(standing: StandingRelease, now: Moment) -> None:
    """Its time has passed, or the host was rebooted."""
    nvml = Hardware()

    standing.take_up(nvml, (), now)

    assert nvml.told == []
    assert not standing.path.exists()


def test_a_longer_maintenance_has_its_way_over_a_release(standing: StandingRelease) -> None:
    """A shorter one has not."""
    nvml = Hardware()

    standing.take_up(nvml, (_work("longer", 1301.0),), NOW)
    standing.take_up(nvml, (_work("shorter", 1299.0),), NOW)

    assert nvml.told == ["release until 1300"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"boot_id": "b", "until": "soon"}'])
def test_a_damaged_release_file_stops_nobody(tmp_path: Path, text: str) -> None:
    """The agent starts and watches."""
    nvml, path = Hardware(), tmp_path / "release.json"
    path.write_text(text)

    StandingRelease(path).take_up(nvml, (), NOW)

    assert nvml.told == []


def test_taking_the_driver_up_again_ends_the_standing_release(standing: StandingRelease) -> None:
    """Dropping twice is no error."""
    standing.drop()
    standing.drop()

    assert not standing.path.exists()
