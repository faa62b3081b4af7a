"""Repository: a BMC's records, fetched once and again when they are others."""

import pytest

from gpuwatch.sources.bmc.gate import (
    GET_DEVICE_SDR,
    GET_DEVICE_SDR_INFO,
    GET_SDR,
    GET_SDR_INFO,
    RESERVE_DEVICE_SDR,
)
from gpuwatch.sources.bmc.link import RefusedError
from gpuwatch.sources.bmc.repository import Repository
from tests.support.ipmi_link import (
    TOO_MUCH,
    Chain,
    FakeLink,
    compact_record,
    event_record,
    full_record,
)

DEVICE = bytes([0x20, 1, 2, 0x14, 2, 0xBF, 0, 0, 0, 0, 0])
INFO = bytes.fromhex("51 0300 ffff 01000000 02000000 21")
LATER = bytes.fromhex("51 0300 ffff 09000000 02000000 21")
RECORDS = {
    1: full_record(0x02, b"Inlet Temp", record=1),
    2: compact_record(0x61, b"PSU2 Status"),
    3: event_record(0, b"Watchdog2"),
}


def _read(repository: Repository, link: FakeLink, device: bytes = DEVICE) -> list[str]:
    list(repository.refresh(link, device))
    return [each.name for each in repository.sensors.values()]


def test_every_sensor_is_found() -> None:
    """In the order of the records."""
    link = FakeLink(Chain(RECORDS).as_repository(INFO))

    assert _read(Repository(), link) == ["Inlet Temp", "PSU2 Status", "Watchdog2"]


@pytest.mark.parametrize("limit", [40, 32, 20, 12, 8])
def test_a_bmc_that_gives_little_at_once_is_read_in_parts(limit: int) -> None:
    """Down to eight bytes."""
    link = FakeLink(Chain(RECORDS, limit=limit).as_repository(INFO))

    assert _read(Repository(), link) == ["Inlet Temp", "PSU2 Status", "Watchdog2"]


def test_a_reservation_that_is_taken_back_is_made_again() -> None:
    """Somebody else looked at the repository."""
    link = FakeLink(Chain(RECORDS, limit=16, cancels=4).as_repository(INFO))

    assert _read(Repository(), link) == ["Inlet Temp", "PSU2 Status", "Watchdog2"]


def test_one_that_takes_back_every_reservation_is_given_up() -> None:
    """It is not asked for ever."""
    link = FakeLink(Chain(RECORDS, limit=16, cancels=10_000).as_repository(INFO))

    with pytest.raises(RefusedError):
        _read(Repository(), link)


def test_one_that_gives_nothing_is_given_up() -> None:
    """However little it is asked for."""
    handlers = Chain(RECORDS, limit=4).as_repository(INFO)
    link = FakeLink(handlers)

    with pytest.raises(RefusedError) as refused:
        _read(Repository(), link)

    assert refused.value.code == TOO_MUCH


def test_what_has_not_changed_is_not_read_again() -> None:
    """A sweep asks one question for it."""
    link = FakeLink(Chain(RECORDS).as_repository(INFO))
    repository = Repository()
    _read(repository, link)
    link.asked.clear()

    _read(repository, link)

    assert link.commands() == [GET_SDR_INFO]


@pytest.mark.parametrize(
    ("info", "device"), [(LATER, DEVICE), (INFO, DEVICE[:2] + b"\x03" + DEVICE[3:])]
)
def test_a_new_stamp_or_another_firmware_has_it_read_again(info: bytes, device: bytes) -> None:
    """A BMC that was updated or replaced may have other sensors under the same numbers."""
    chain = Chain(dict(RECORDS))
    link = FakeLink(chain.as_repository(INFO))
    repository = Repository()
    _read(repository, link)
    chain.records[2] = compact_record(0x61, b"PSU B Status")
    link.handlers[GET_SDR_INFO] = info

    assert _read(repository, link, device) == ["Inlet Temp", "PSU B Status", "Watchdog2"]


def test_a_stamp_that_always_changes_is_not_believed_for_ever() -> None:
    """Otherwise every sweep would read everything, which takes a slow BMC twenty seconds."""
    stamps = iter(range(100))
    link = FakeLink(Chain(RECORDS).as_repository(lambda _: INFO[:5] + bytes([next(stamps)]) * 9))
    repository = Repository()
    for _ in range(4):
        _read(repository, link)
    link.asked.clear()

    _read(repository, link)

    assert link.commands() == [GET_SDR_INFO]


def test_a_chain_of_records_that_runs_in_a_circle_ends() -> None:
    """Whatever the last one calls the next."""
    link = FakeLink(
        {GET_SDR_INFO: INFO, GET_SDR: b"\x05\0" + full_record(0x02, b"Inlet Temp", record=1)}
    )

    assert _read(Repository(), link) == ["Inlet Temp"]


def test_a_record_that_makes_no_sense_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """It is left out, which the log says once."""
    broken = bytes([2, 0, 0x51, 1, 3, 1, 2, 3])
    link = FakeLink(Chain({**RECORDS, 2: broken}).as_repository(INFO))
    repository = Repository()

    names = _read(repository, link)
    link.handlers[GET_SDR_INFO] = LATER
    _read(repository, link)

    assert names == ["Inlet Temp", "Watchdog2"]
    assert capsys.readouterr().err == "1 sensor records make no sense and are left out\n"


def test_of_one_number_twice_the_first_that_can_be_read_is_kept() -> None:
    """A name without a reading gives way to one that has one."""
    records = {
        1: event_record(0x61, b"PSU2 events"),
        2: compact_record(0x61, b"PSU2 Status"),
        3: compact_record(0x61, b"PSU2 again"),
    }
    link = FakeLink(Chain(records).as_repository(INFO))

    assert _read(Repository(), link) == ["PSU2 Status"]


def test_an_empty_repository_has_no_sensors() -> None:
    """It says of the first record that it is not present."""
    link = FakeLink(Chain({}).as_repository(INFO))

    assert _read(Repository(), link) == []


def test_what_was_read_before_is_kept_when_it_is_refused() -> None:
    """A repository that is being updated says no for a while."""
    link = FakeLink(Chain(RECORDS).as_repository(INFO))
    repository = Repository()
    _read(repository, link)
    link.handlers[GET_SDR_INFO] = 0xD0

    with pytest.raises(RefusedError):
        _read(repository, link)

    assert len(repository.sensors) == 3


def test_a_controller_without_a_repository_is_asked_for_its_own_records() -> None:
    """Its device id says that it has sensors and no repository."""
    chain = Chain(RECORDS, limit=16)
    link = FakeLink(
        {
            GET_DEVICE_SDR_INFO: b"\x03\x01",
            GET_DEVICE_SDR: chain.get,
            RESERVE_DEVICE_SDR: chain.reserve,
        }
    )
    device = DEVICE[:5] + b"\x01" + DEVICE[6:]

    assert _read(Repository(), link, device) == ["Inlet Temp", "PSU2 Status", "Watchdog2"]


def test_records_that_come_cut_short_are_read_in_parts() -> None:
    """Some BMCs give fewer bytes than were asked for, and say nothing of it."""
    chain = Chain(RECORDS)

    def cut(data: bytes) -> bytes | int:
        told = chain.get(data)
        return told[:20] if isinstance(told, bytes) else 0xCB

    link = FakeLink({**chain.as_repository(INFO), GET_SDR: cut})

    assert _read(Repository(), link) == ["Inlet Temp", "PSU2 Status", "Watchdog2"]
