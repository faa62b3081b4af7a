"""The service's loop meets what it must survive, and what it must not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.agent.guard import MESSAGE, FatalError
from gpuwatch.agent.service import Service
from gpuwatch.clock import SystemClock
from gpuwatch.config.loading import load
from gpuwatch.logs.setup import Logs
from gpuwatch.sources.base import DriverState, Message


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    options = (
        f"agent.state_directory={tmp_path}/state",
        f"agent.runtime_directory={tmp_path}/run",
        'web.listen_addresses=["127.0.0.1:0"]',
        "nvml.enabled=false",
        "kernel_log.enabled=false",
    )
    logs = Logs()
    service = Service(load(options=options, environment={}), logs, SystemClock())
    service.start()
    yield service
    service.close()
    logs.close(1.0)


def test_a_message_that_nobody_foresaw_ends_nothing(service: Service) -> None:
    """It is counted and shown; the next one is remembered."""
    inbox = service.agent.inbox
    unforeseen: list[Message] = [None]  # type: ignore[list-item]  # that is the point

    inbox.deliver("nvml", unforeseen[0])
    inbox.deliver("nvml", DriverState(condition="failed", text="told after it"))
    service.agent.turn()

    assert service.agent.snapshot.failures[MESSAGE] == 1
    driver = service.agent.memory.driver
    assert driver is not None
    assert driver.text == "told after it"


def test_a_thread_that_ended_ends_the_agent(service: Service) -> None:
    """Without its port or its socket an agent looks well to nobody but itself."""
    service.web.stop(10.0)

    with pytest.raises(FatalError, match="its web thread ended"):
        service.agent.turn()
