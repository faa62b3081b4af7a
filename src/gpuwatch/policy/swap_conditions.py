"""Swap conditions: a wrong board was pulled, a flagged one is back, what came in was refused."""

from collections.abc import Iterator
from datetime import UTC, datetime

from gpuwatch.domain.devices import same_board
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.known_boards import KnownBoard, is_unproven
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.records import BoardRecord, BoardState, Departure
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings

# Who does not find out within a day of a power cycle that it was the wrong board looks for it under
# board-missing; a flag in hands says for as long as it is that somebody pulls boards.
JUST_BOOTED_SECONDS = SECONDS_PER_DAY
_CLOCKS_AGREE_SECONDS = 1.0
# When a board was seen last is written once a minute, and a power failure loses that much.
_WRITTEN_SECONDS = 120.0
_PULLED = frozenset({None, Departure.REPLACED, Departure.PLATFORM_CHANGED})


def wrong_board_pulled(host: HostView, _settings: PolicySettings) -> Outcome:
    """A board without a flag is gone while a flagged one that should be is still here."""
    standing = [flag for flag in host.flags if flag.state in (FlagState.OPEN, FlagState.IN_HANDS)]
    if not standing:
        return Answer.NO
    if host.driver is not DriverHealth.READY or host.released:
        return Answer.CANNOT_TELL
    pulled = {
        (record.key, flag.number): (record, gpu, flag)
        for flag in standing
        for gpu in host.gpus
        if gpu.present and same_board(gpu.record.key, flag.board)
        for record in _gone(host)
        if _is_pulled(record, flag, host)
    }
    if not pulled:
        return Answer.NO
    record, gpu, flag = next(iter(pulled.values()))
    others = len({key for key, _ in pulled}) - 1
    return Match(
        facts={
            "pulled": record.key.serial or record.key.uuid,
            "from": record.slot.label if record.slot else "an unknown slot",
            "flagged": gpu.record.key.serial or gpu.uuid,
            "slot": gpu.record.slot.label if gpu.record.slot else "an unknown slot",
            "flag": str(flag.number),
            "others": f" and {others} more" if others else "",
        },
        evidence_at=record.last_seen,
    )


def _gone(host: HostView) -> Iterator[BoardRecord]:
    """Boards that left, and such that are missing while nobody else holds them."""
    yield from host.departed
    for gpu in host.gpus:
        reachable = gpu.managed and not (gpu.lost or gpu.denied)
        if gpu.record.state is BoardState.ABSENT and reachable:
            yield gpu.record


def _is_pulled(record: BoardRecord, flag: Flag, host: HostView) -> bool:
    """Whether this board went while that flag stood, though nothing asked for it."""
    booted = host.now.wall - host.now.boottime
    over_a_boot = record.last_seen < booted + _CLOCKS_AGREE_SECONDS
    watched = flag.state is FlagState.IN_HANDS or host.now.boottime < JUST_BOOTED_SECONDS
    asked_for = any(
        same_board(other.board, record.key)
        and (other.is_open or other.state_since >= record.last_seen)
        for other in host.flags
    )
    return (
        record.departure in _PULLED
        and (over_a_boot or record.departure is not None)
        and watched
        and record.last_seen >= flag.raised_at - _WRITTEN_SECONDS
        and not asked_for
    )


def flagged_board_returned(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """A board is here again, or for the first time, whose flag nobody has proved wrong."""
    returned = gpu.record.returned_at
    if returned is not None:
        for flag in reversed(host.flags):
            before = flag.number in gpu.record.flagged_before_return
            if before and is_unproven(flag.state, flag.outcome):
                text = f"flag {flag.number} of this host: {_flag(flag.code, flag.raised_at)}"
                stands = f"{text}, {flag.state.replace('_', ' ')}"
                return Match(facts={"known": stands}, evidence_at=returned)
    for known in host.known_boards.get(gpu.record.key.serial or gpu.uuid, ()):
        if text := _known(known, gpu, host):
            return Match(facts={"known": text}, evidence_at=returned or gpu.record.first_seen)
    return Answer.NO


def _known(known: KnownBoard, gpu: GpuView, host: HostView) -> str:
    """What others know of this board that speaks against it; "" for what we know ourselves."""
    ours = {flag.code for flag in host.flags if same_board(flag.board, gpu.record.key)}
    flags = [flag for flag in known.unproven if flag.code not in ours]
    if not flags:
        return ""
    latest = max(flags, key=lambda flag: flag.raised_at)
    flagged = _flag(latest.code, latest.raised_at)
    return f"a flag of host {known.host}: {flagged}, {latest.state.replace('_', ' ')}"


def _flag(code: str, raised_at: float) -> str:
    return f"{code} of {datetime.fromtimestamp(raised_at, UTC):%Y-%m-%d}"


def acceptance_failed(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """A board that came in as a replacement was refused, and its flag stands."""
    for flag in reversed(host.flags):
        mine = flag.is_open and same_board(flag.board, gpu.record.key)
        if mine and flag.code == ACCEPTANCE_FAILED:
            return Match(facts={"text": flag.sentence}, evidence_at=flag.evidence_at)
    return Answer.NO
