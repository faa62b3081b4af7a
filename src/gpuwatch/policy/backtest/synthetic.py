"""Synthetic: an invented fleet with a known truth, to try a backtest on.

Most boards are healthy: they have errors at a low, constant rate. A few degrade from some day on.
Boards are removed for other reasons, degrading ones also at an error, and replaced by new ones.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR

BEGINS = datetime(2019, 1, 1, tzinfo=UTC).timestamp()
MOST_YEARS = 7  # a history lies in the past
_HOUR = 3600.0
_GPUS_OF_A_HOST = 8
_HOSTS_OF_A_RACK = 16
_ERROR = "UCE"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Boards of one part number: their share of the fleet and the truth about healthy ones."""

    name: str
    share: float
    healthy_rate_per_year: float


COHORTS = (Cohort("PART-A", 0.7, 0.04), Cohort("PART-B", 0.3, 0.12))
DEGRADING_SHARE = 0.015
_DEGRADED_RATE_PER_YEAR = 15.0
_REMOVALS_PER_YEAR = 0.04
_REMOVED_AT_AN_ERROR = 0.12
_RESET_AFTER_AN_ERROR = 0.8
_MORE_ROWS = 0.4
_EMPTY_SLOT_DAYS = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """One row of the events file; `at` in Unix seconds."""

    at: float
    serial: str
    event: str
    location: str
    cohort: str


@dataclass(slots=True)
class Synthetic:
    """The rows of both files: events in time order, board-days by (cohort, month)."""

    records: list[Record] = field(default_factory=list)
    board_days: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))


def synthetic(boards: int, years: int, luck: random.Random) -> Synthetic:
    """A fleet with `boards` slots, watched for so many years; the same luck gives the same fleet.

    Boards with an error are in the events, with IN, OUT, RESET and END; all others are board-days.
    """
    fleet = Synthetic()
    ends = BEGINS + round(years * SECONDS_PER_YEAR)
    number = 0
    for place in range(boards):
        since = BEGINS + luck.random() * min(SECONDS_PER_YEAR, ends - BEGINS)
        while since < ends:
            number += 1
            life = list(_life(f"SN{number:06d}", _location(place), since, ends, luck))
            if any(record.event == _ERROR for record in life):
                fleet.records.extend(life)
            else:
                _add_days(fleet, life)
            left = life[-1].at
            since = left + _wait(SECONDS_PER_YEAR / (_EMPTY_SLOT_DAYS * SECONDS_PER_DAY), luck)
    fleet.records.sort()
    return fleet


def _location(place: int) -> str:
    host, gpu = divmod(place, _GPUS_OF_A_HOST)
    rack, host = divmod(host, _HOSTS_OF_A_RACK)
    return f"r{rack:02d}-h{host:02d}-g{gpu}"


def _wait(per_year: float, luck: random.Random) -> float:
    """Seconds until the next event of a constant rate."""
    return -math.log(1.0 - luck.random()) / per_year * SECONDS_PER_YEAR


def _life(
    serial: str, location: str, since: float, ends: float, luck: random.Random
) -> Iterator[Record]:
    """The rows of one board, the last of them OUT or END."""
    cohort = COHORTS[0] if luck.random() < COHORTS[0].share else COHORTS[1]
    degrades = luck.random() < DEGRADING_SHARE
    onset = since + luck.random() * (ends - since) if degrades else math.inf
    leaves = since + _wait(_REMOVALS_PER_YEAR, luck)

    def record(at: float, event: str) -> Record:
        return Record(float(round(at)), serial, event, location, cohort.name)

    yield record(since, "IN")
    for at in _errors(cohort, since, min(leaves, ends), onset, luck):
        yield record(at, _ERROR)
        if at > onset and luck.random() < _REMOVED_AT_AN_ERROR:
            yield record(at, "OUT")
            return
        reset_at = at + (0.5 + luck.random()) * _HOUR
        if luck.random() < _RESET_AFTER_AN_ERROR and reset_at < min(leaves, ends):
            yield record(reset_at, "RESET")
    yield record(leaves, "OUT") if leaves < ends else record(ends, "END")


def _errors(
    cohort: Cohort, since: float, until: float, onset: float, luck: random.Random
) -> Iterator[float]:
    """When errors happen: at the healthy rate, after the onset at the degraded one.

    Some are told by several rows within minutes, as drivers do.
    """
    at = since + _wait(cohort.healthy_rate_per_year, luck)
    if at > onset:
        at = onset + _wait(_DEGRADED_RATE_PER_YEAR, luck)
    while at < until:
        yield at
        again = at + luck.random() * _HOUR / 2
        if luck.random() < _MORE_ROWS and again < until:
            yield again
        rate = _DEGRADED_RATE_PER_YEAR if at > onset else cohort.healthy_rate_per_year
        following = at + _wait(rate, luck)
        if at < onset < following:
            following = onset + _wait(_DEGRADED_RATE_PER_YEAR, luck)
        at = following


def _add_days(fleet: Synthetic, life: Iterable[Record]) -> None:
    """The service of a board without an error, as days in each month."""
    first, *_, last = life
    at = first.at
    while at < last.at:
        moment = datetime.fromtimestamp(at, UTC)
        year, month = divmod(moment.year * 12 + moment.month, 12)
        following = datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
        end = min(following, last.at)
        key = (first.cohort, f"{moment:%Y-%m}")
        fleet.board_days[key] += (end - at) / SECONDS_PER_DAY
        at = end
