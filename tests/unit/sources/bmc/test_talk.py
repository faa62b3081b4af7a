"""Talk: one BMC asked over and over, and what becomes of its session."""

from collections.abc import Callable
from typing import Any

import pytest

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.talk import IpmiTalk
from gpuwatch.sources.bmc_loop import Settings, Trouble
from tests.support.ipmi_link import (
    Chain,
    FakeLink,
    Handler,
    Reply,
    compact_record,
    full_record,
    sel_entry,
)

SETTINGS: Settings = {"protocol": "ipmi", "address": "bmc", "user": "u", "password": "p"}
DEVICE = bytes.fromhex("20 01 02 14 02 bf 141600 020f 00000000")
SDR_INFO = bytes.fromhex("51 0200 ffff 01000000 02000000 21")
SEL_INFO = bytes.fromhex("51 0100 1027 01f15365 00000000 02")
CLOCK = bytes.fromhex("40f15365")
RECORDS = {1: full_record(2, b"Inlet Temp", record=1), 2: compact_record(0x61, b"PSU2 Status")}


def _bmc() -> dict[gate.Command, Handler | Reply]:
    return {
        **Chain(RECORDS).as_repository(SDR_INFO),
        **Chain({1: sel_entry(1)}).as_log(),
        gate.GET_DEVICE_ID: DEVICE,
        gate.GET_SEL_INFO: SEL_INFO,
        gate.GET_SEL_TIME: CLOCK,
        gate.GET_CHASSIS_STATUS: b"\x21\x00\x00",
        gate.GET_SENSOR_READING: lambda data: (
            b"\x18\xc0\x00" if data[0] == 2 else b"\0\xc0\x01\x80"
        ),
        gate.GET_SYSTEM_GUID: bytes(range(16)),
    }


class Opener:
    """Opens links one after the other, or raises what stands in their place."""

    def __init__(self, *links: FakeLink | Trouble) -> None:
        self.links = iter(links)
        self.attempts: list[int] = []

    def __call__(self, _settings: Settings, attempt: int) -> FakeLink:
        """The next."""
        self.attempts.append(attempt)
        link = next(self.links)
        if isinstance(link, Trouble):
            raise link
        return link


def _sweep(asked: IpmiTalk) -> dict[str, Any]:
    *_, sweep = asked.sweep()
    return sweep


def test_a_sweep_tells_everything_and_the_log_before_it() -> None:
    """The entries that were new, then the rest in one message."""
    asked = IpmiTalk(SETTINGS, Opener(FakeLink(_bmc())))

    log, sweep = asked.sweep()

    assert (log["say"], len(log["entries"]), log["baseline"]) == ("log", 1, True)
    assert log["entries"][0]["text"] == "PSU2 Status: power input lost"
    assert [each["name"] for each in sweep["sensors"]] == ["Inlet Temp", "PSU2 Status"]
    assert (sweep["cipher_suite"], sweep["status"]) == (17, [0x21, 0, 0])
    assert sweep["device"]["firmware"] == "2.14"
    assert sweep["gaps"] == {
        "restart": ["unsupported", 0xC1],
        "watchdog": ["unsupported", 0xC1],
        "dcmi": ["unsupported", 0xC1],
        "bios": ["unsupported", 0xC1],
        "fru": ["unsupported", 0xC1],
    }


def test_one_session_serves_many_sweeps() -> None:
    """And what is fixed is asked once."""
    link = FakeLink(_bmc())
    asked = IpmiTalk(SETTINGS, Opener(link))
    _sweep(asked)
    link.asked.clear()

    _sweep(asked)

    once = {gate.GET_SYSTEM_GUID, gate.GET_SYSTEM_INFO, gate.GET_FRU_INFO, gate.GET_SDR}
    assert once.isdisjoint(link.commands())
    assert link.closed == 0


def test_a_position_is_handed_over_and_goes_on() -> None:
    """A fresh child tells nothing twice."""
    first, _ = IpmiTalk(SETTINGS, Opener(FakeLink(_bmc()))).sweep()
    settings = {**SETTINGS, "positions": {"sel": first["position"]}}

    (message,) = IpmiTalk(settings, Opener(FakeLink(_bmc()))).sweep()

    assert message["say"] == "sweep"


@pytest.mark.parametrize(
    "failing",
    [lambda _: (_ for _ in ()).throw(Trouble(BmcTrouble.TIMED_OUT, "gone")), lambda _: "?"],
)
def test_whatever_goes_wrong_the_session_is_closed_and_made_anew(
    failing: Callable[[bytes], Any],
) -> None:
    """It may be in the middle of something that nobody knows."""
    broken, good = FakeLink({**_bmc(), gate.GET_SENSOR_READING: failing}), FakeLink(_bmc())
    asked = IpmiTalk(SETTINGS, Opener(broken, good))

    with pytest.raises((Trouble, TypeError, AttributeError)):
        _sweep(asked)

    assert broken.closed == 1
    assert len(_sweep(asked)["sensors"]) == 2
    assert good.closed == 0


def test_a_session_that_died_while_it_rested_is_made_anew() -> None:
    """Without a failed sweep between."""
    first, second = FakeLink(_bmc()), FakeLink(_bmc())
    asked = IpmiTalk(SETTINGS, Opener(first, second))
    _sweep(asked)
    first.alive = False

    _sweep(asked)

    assert (first.closed, second.closed) == (1, 0)


def test_a_failed_attempt_tries_the_next_address_and_stays_where_it_succeeds() -> None:
    """A name may have an address that nobody listens at."""
    trouble = Trouble(BmcTrouble.UNREACHABLE, "it does not answer")
    opener = Opener(trouble, FakeLink(_bmc()), FakeLink(_bmc()))
    asked = IpmiTalk(SETTINGS, opener)

    with pytest.raises(Trouble):
        _sweep(asked)
    _sweep(asked)
    asked.close()
    _sweep(asked)

    assert opener.attempts == [0, 1, 1]


@pytest.mark.parametrize("code", [0xD0, 0xD1, 0xD2])
def test_a_bmc_that_is_being_written_is_no_failure(code: int) -> None:
    """It says so, and is asked nothing else."""
    link = FakeLink({**_bmc(), gate.GET_DEVICE_ID: code})

    sweep = _sweep(IpmiTalk(SETTINGS, Opener(link)))

    assert sweep["device"] == {"updating": True}
    assert link.commands() == [gate.GET_DEVICE_ID]


def test_a_bmc_that_says_it_is_being_written_is_asked_all_the_same() -> None:
    """Its records are not read again for that bit alone."""
    link = FakeLink(_bmc())
    asked = IpmiTalk(SETTINGS, Opener(link))
    _sweep(asked)
    link.handlers[gate.GET_DEVICE_ID] = DEVICE[:2] + b"\x82" + DEVICE[3:]
    link.asked.clear()

    sweep = _sweep(asked)

    assert sweep["device"]["updating"] is True
    assert gate.GET_SDR not in link.commands()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(0xC3, BmcTrouble.TIMED_OUT), (0xFF, BmcTrouble.TIMED_OUT), (0xC1, BmcTrouble.PROTOCOL),
     (b"\x20", BmcTrouble.PROTOCOL)],
)  # fmt: skip
def test_a_bmc_that_does_not_say_what_it_is_cannot_be_asked(
    reply: Reply, reason: BmcTrouble
) -> None:
    """In band a dead one answers with such a code."""
    link = FakeLink({gate.GET_DEVICE_ID: reply})

    with pytest.raises(Trouble) as trouble:
        _sweep(IpmiTalk(SETTINGS, Opener(link)))

    assert trouble.value.reason is reason


def test_what_is_refused_for_now_is_asked_again_and_what_is_not_known_is_not() -> None:
    """A BMC that is starting says more later."""
    link = FakeLink({**_bmc(), gate.GET_SYSTEM_GUID: 0xC3, gate.GET_SYSTEM_INFO: 0xD4})
    asked = IpmiTalk(SETTINGS, Opener(link))
    first = _sweep(asked)
    link.handlers[gate.GET_SYSTEM_GUID] = bytes(range(16))
    link.asked.clear()

    second = _sweep(asked)

    assert first["gaps"]["guid"] == ["timed_out", 0xC3]
    assert second["guid"] == "03020100-0504-0706-0809-0a0b0c0d0e0f"
    assert second["gaps"]["bios"] == ["denied", 0xD4]
    assert gate.GET_SYSTEM_INFO not in link.commands()


@pytest.mark.parametrize(
    ("command", "gap"), [(gate.GET_SDR_INFO, "sdr"), (gate.GET_SEL_INFO, "sel")]
)
def test_a_part_that_is_refused_is_a_gap_and_the_rest_is_told(
    command: gate.Command, gap: str
) -> None:
    """Denied for the account, or switched off."""
    sweep = _sweep(IpmiTalk(SETTINGS, Opener(FakeLink({**_bmc(), command: 0xD4}))))

    assert sweep["gaps"][gap] == ["denied", 0xD4]
    assert sweep["status"] == [0x21, 0, 0]


def test_a_slow_sweep_says_that_it_is_alive_and_one_that_never_ends_is_given_up() -> None:
    """The agent would take silence for death."""
    now = [1_000.0]
    link = FakeLink(_bmc())

    def slow(_data: bytes) -> bytes:
        now[0] += 160.0
        return b"\x18\xc0\x00"

    link.handlers[gate.GET_SENSOR_READING] = slow
    messages = IpmiTalk(SETTINGS, Opener(link), lambda: now[0]).sweep()

    said = [next(messages)["say"], next(messages)["say"]]

    assert said == ["log", "alive"]
    with pytest.raises(Trouble, match="answers so slowly that 300 s are not enough"):
        next(messages)


def test_resting_is_the_links_matter_where_there_is_one() -> None:
    """It keeps the session alive."""
    link = FakeLink(_bmc())
    asked = IpmiTalk(SETTINGS, Opener(link))
    asked.idle(0.0)
    _sweep(asked)

    asked.idle(12.5)

    assert link.rested == [12.5]
