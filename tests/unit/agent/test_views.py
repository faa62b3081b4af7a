"""What the agent knows, as the rules look at it."""

from dataclasses import replace

import pytest

from gpuwatch.agent.live import Live
from gpuwatch.agent.views import Situation, host_view, under_maintenance
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.policy.views import BmcView, DriverHealth, HostView
from gpuwatch.sources.base import DeviceHang, Inventory
from tests.support.views import KEY, NOW, record

ADDRESS = "0000:3b:00.0"


def _view(
    inventory: Inventory | None = None,
    hang: DeviceHang | None = None,
    *,
    asked: bool = True,
    resumed: Moment | None = None,
) -> HostView:
    live = Live()
    live.inventory = inventory
    live.board(KEY).hang = hang
    live.await_answers()
    situation = Situation(
        now=NOW,
        driver=None,
        epoch_started=None,
        released=False,
        clock_settled=True,
        quiet_seconds=700.0,
        stale_seconds=40.0,
        nvml_asked=asked,
        resumed=resumed,
    )
    return host_view({KEY: record()}, live, situation)


def test_a_hang_is_as_old_as_the_silence_of_the_gpu() -> None:
    """Each child that asks it is ended at its deadline: what counts is all of them together."""
    hang = DeviceHang(
        pci_address=ADDRESS,
        call="nvmlDeviceGetRemappedRows",
        state="D",
        where="nv_wait",
        seconds=30.2,
        silent_seconds=94.4,
        confirmed=True,
    )

    told = _view(hang=hang).gpus[0].hang

    assert told is not None
    assert told.seconds == 94.4
    assert told.sentence == (
        "no answer for 94 s; the last child that asked was stuck for 30 s in state D, "
        "in nvmlDeviceGetRemappedRows, waiting in nv_wait"
    )


def test_a_gpu_that_another_driver_holds_is_not_managed() -> None:
    """It was given to a virtual machine, say."""
    taken = _view(Inventory(devices=(), unmanaged=((ADDRESS, "vfio-pci"),)))

    assert (taken.gpus[0].managed, taken.taken_functions) == (False, 1)


def test_a_gpu_that_may_not_be_opened_is_denied() -> None:
    """It is there, and nothing is known of it."""
    denied = _view(Inventory(devices=(), denied=(ADDRESS,)))

    assert (denied.gpus[0].denied, denied.gpus[0].lost) == (True, False)
    assert denied.denied_functions == 1


def test_a_gpu_that_no_driver_holds_is_missing() -> None:
    """NVIDIA's driver did not take it: nobody gave it away, so it may well be dead."""
    dead = _view(Inventory(devices=(), unmanaged=((ADDRESS, ""),)))

    assert (dead.gpus[0].managed, dead.taken_functions) == (True, 0)


def test_a_driver_that_the_settings_leave_alone_is_not_starting() -> None:
    """Nothing will ever be told of it."""
    assert _view().driver is DriverHealth.STARTING
    assert _view(asked=False).driver is DriverHealth.NOT_ASKED


@pytest.mark.parametrize(
    ("ago", "awaited", "resumed_at"),
    [(299.0, frozenset({KEY.uuid}), NOW.wall - 299.0), (300.0, frozenset(), 0.0)],
)
def test_a_board_is_awaited_for_as_long_as_a_start_may_take(
    ago: float, awaited: frozenset[str], resumed_at: float
) -> None:
    """After that its silence is no part of the release any more."""
    resumed = replace(NOW, boottime=NOW.boottime - ago)

    view = _view(resumed=resumed)

    assert (view.awaited, view.resumed_at) == (awaited, resumed_at)


def _of(host: str, name: str) -> BmcView:
    return BmcView(name=name, host=host)


@pytest.mark.parametrize(
    ("work", "subjects"),
    [
        ({"scope": "host"}, {""}),
        ({"scope": "board", "board": KEY.serial}, {KEY.uuid}),
        ({"scope": "board", "board": KEY.uuid}, {KEY.uuid}),
        ({"scope": "bmc", "bmc": "host"}, {"bmc.host"}),
        ({"scope": "bmc", "bmc": "node17"}, {"bmc.node17-host", "bmc.node17-gpus"}),
        ({"scope": "bmc", "bmc": "node17-gpus"}, {"bmc.node17-gpus"}),
        ({"scope": "bmc", "bmc": "node18"}, set()),
    ],
)
def test_work_is_on_its_own_subjects(work: dict[str, str], subjects: set[str]) -> None:
    """This host is none of the hosts that it watches, and a BMC's name none of its host's."""
    held = Maintenance(identity="m", until=0.0, reason="r", **({"board": ""} | work))  # type: ignore[arg-type]
    bmcs = (_of("", "host"), _of("node17", "node17-host"), _of("node17", "node17-gpus"))

    assert set(under_maintenance((held,), (record(),), bmcs)) == subjects
