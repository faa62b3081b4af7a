"""Scores: what policies would have flagged in a fleet's past, and whether they were right."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gpuwatch.domain.moments import SECONDS_PER_DAY, SECONDS_PER_YEAR
from gpuwatch.domain.trends import CAP_PER_YEAR, FLOOR_PER_YEAR, Rise, sentence
from gpuwatch.policy.backtest.estimates import (
    Estimate,
    Follow,
    Quartiles,
    clustered_share,
    quartiles,
    rate,
    share_within,
)
from gpuwatch.policy.backtest.lives import Life
from gpuwatch.policy.backtest.replay import (
    Past,
    Test,
    any_incident,
    ladder_test,
    past_of,
    two_ever,
    two_in_ninety_days,
)
from gpuwatch.policy.views import PolicySettings

LADDER = "gpuwatch"
HORIZONS_DAYS = (30, 90, 365)
# A flag that comes with the incident, or the night before, helps nobody to plan.
FOREWARNED_SECONDS = SECONDS_PER_DAY
FEWEST_TO_SUGGEST = 20
_THOUSAND = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One policy over one fleet's past.

    `unscorable` flags are those at which the board was removed; `again` is the share of the others
    with another incident within so many days in service, None where nobody was followed for so
    long. `forewarned` of the fleet's repeat incidents came at least a day after a flag; `recall` is
    that share. `lead_days` are the days from a flag to the next incident, where there was one.
    """

    name: str
    flags: int
    per_thousand_board_years: Estimate | None
    unscorable: int
    again: Mapping[int, Estimate | None]
    forewarned: int
    recall: Estimate | None
    lead_days: Quartiles | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstIncidents:
    """How often boards of a cohort (None: of the fleet) have a first incident, per board-year.

    Only time until the first incident counts, so that a degrading board counts once, however many
    more it has: the rate is near that of healthy boards, and not below it.
    """

    cohort: str | None
    incidents: int
    board_years: float
    per_year: Estimate | None

    @property
    def suggested_rate_per_year(self) -> float | None:
        """A healthy rate on the safe side: the upper end in thousandths, within what is allowed.

        None when there are fewer than 20: too few to say anything.
        """
        if self.per_year is None or self.incidents < FEWEST_TO_SUGGEST:
            return None
        thousandths = math.ceil(self.per_year.high * 1000.0) / 1000.0
        return min(max(thousandths, FLOOR_PER_YEAR), CAP_PER_YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the history holds: boards, time in service, errors and what they make."""

    boards: int
    board_years: float
    board_years_without_events: float
    errors: int
    incidents: int
    boards_with_incidents: int
    removals: int
    removals_at_an_error: int

    @property
    def repeat_incidents(self) -> int:
        """Incidents after a board's first."""
        return self.incidents - self.boards_with_incidents

    @property
    def all_board_years(self) -> float:
        """Time in service of boards with and without events."""
        return self.board_years + self.board_years_without_events


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One flag of the trend test: which board, when (Unix seconds), where, and in its words.

    `follow` is what came after; None when the board was removed at the flag.
    """

    serial: str
    cohort: str
    location: str
    at: float
    rise: Rise
    sentence: str
    follow: Follow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The whole result: fleet, rates of first incidents, scores of all policies, our flags."""

    fleet: Fleet
    first_incidents: tuple[FirstIncidents, ...]
    scores: tuple[Score, ...]
    raised: tuple[Raised, ...]


def backtest(
    lives: Sequence[Life],
    days_without_events: Mapping[str, float],
    settings: PolicySettings,
    *,
    reset_after_each: bool,
) -> Backtest:
    """Replay the lives of a fleet through the trend test and through naive policies.

    `days_without_events` are board-days by cohort of boards that are not among the lives.
    """
    pasts = [past_of(life, reset_after_each=reset_after_each) for life in lives]
    fleet = _fleet(pasts, days_without_events)
    policies: dict[str, Callable[[str], Test]] = {
        LADDER: _once_a_cohort(settings, {life.cohort for life in lives}),
        "any incident": lambda _cohort: any_incident,
        "2 ever": lambda _cohort: two_ever,
        "2 in 90 days": lambda _cohort: two_in_ninety_days,
    }
    flagged = {
        name: [past.first_flag(test_of(past.life.cohort)) for past in pasts]
        for name, test_of in policies.items()
    }
    return Backtest(
        fleet=fleet,
        first_incidents=_first_incidents(pasts, days_without_events),
        scores=tuple(_score(name, pasts, flags, fleet) for name, flags in flagged.items()),
        raised=_raised(pasts, flagged[LADDER], settings),
    )


def _once_a_cohort(settings: PolicySettings, cohorts: Iterable[str]) -> Callable[[str], Test]:
    return {cohort: ladder_test(settings, cohort) for cohort in cohorts}.__getitem__


def _fleet(pasts: Sequence[Past], days_without_events: Mapping[str, float]) -> Fleet:
    removals = [(past, stay.end) for past in pasts for stay in past.life.stays if stay.removed]
    return Fleet(
        boards=len(pasts),
        board_years=sum(past.life.exposure_seconds for past in pasts) / SECONDS_PER_YEAR,
        board_years_without_events=_years(sum(days_without_events.values())),
        errors=sum(len(past.life.errors) for past in pasts),
        incidents=sum(len(past.incidents) for past in pasts),
        boards_with_incidents=sum(bool(past.incidents) for past in pasts),
        removals=len(removals),
        removals_at_an_error=sum(
            any(error.at == at for error in past.life.errors) for past, at in removals
        ),
    )


def _years(days: float) -> float:
    return days * SECONDS_PER_DAY / SECONDS_PER_YEAR


def _first_incidents(
    pasts: Sequence[Past], days_without_events: Mapping[str, float]
) -> tuple[FirstIncidents, ...]:
    """Of the fleet, then of each cohort where there is more than one."""
    cohorts = sorted({*days_without_events, *(past.life.cohort for past in pasts)})
    fleet = _firsts_of(None, pasts, sum(days_without_events.values()))
    if len(cohorts) < 2:  # noqa: PLR2004 - one cohort is the fleet
        return (fleet,)
    by_cohort: dict[str, list[Past]] = {cohort: [] for cohort in cohorts}
    for past in pasts:
        by_cohort[past.life.cohort].append(past)
    return fleet, *(
        _firsts_of(cohort, members, days_without_events.get(cohort, 0.0))
        for cohort, members in by_cohort.items()
    )


def _firsts_of(cohort: str | None, pasts: Sequence[Past], more_days: float) -> FirstIncidents:
    seconds = sum(
        past.incidents[0].opened_exposure if past.incidents else past.life.exposure_seconds
        for past in pasts
    )
    count = sum(bool(past.incidents) for past in pasts)
    years = seconds / SECONDS_PER_YEAR + _years(more_days)
    return FirstIncidents(
        cohort=cohort, incidents=count, board_years=years, per_year=rate(count, years)
    )


def _score(name: str, pasts: Sequence[Past], flags: Sequence[int | None], fleet: Fleet) -> Score:
    flagged = [(past, index) for past, index in zip(pasts, flags, strict=True) if index is not None]
    follows = [past.follow(index) for past, index in flagged]
    scored = [follow for follow in follows if follow is not None]
    warned = [
        (_forewarned(past, index), len(past.incidents) - 1)
        for past, index in zip(pasts, flags, strict=True)
        if len(past.incidents) > 1
    ]
    return Score(
        name=name,
        flags=len(flagged),
        per_thousand_board_years=rate(len(flagged), fleet.all_board_years / _THOUSAND),
        unscorable=len(flagged) - len(scored),
        again={days: share_within(scored, days * SECONDS_PER_DAY) for days in HORIZONS_DAYS},
        forewarned=sum(hits for hits, _ in warned),
        recall=clustered_share(warned),
        lead_days=quartiles(
            [follow.seconds / SECONDS_PER_DAY for follow in scored if follow.happened]
        ),
    )


def _forewarned(past: Past, index: int | None) -> int:
    """How many of the board's incidents came at least a day after its flag."""
    if index is None:
        return 0
    flagged_at = past.incidents[index].opened_at
    return sum(
        incident.opened_at - flagged_at >= FOREWARNED_SECONDS
        for incident in past.incidents[index + 1 :]
    )


def _raised(
    pasts: Sequence[Past], flags: Sequence[int | None], settings: PolicySettings
) -> tuple[Raised, ...]:
    """Our flags in time order."""
    flagged = [
        (past, index, _rise(past, index, settings))
        for past, index in zip(pasts, flags, strict=True)
        if index is not None
    ]
    raised = [
        _flag_of(past, index, rise, settings) for past, index, rise in flagged if rise is not None
    ]
    return tuple(sorted(raised, key=lambda one: (one.at, one.serial)))


def _rise(past: Past, index: int, settings: PolicySettings) -> Rise | None:
    exposures = [incident.opened_exposure for incident in past.incidents[: index + 1]]
    return settings.ladder(past.life.cohort).judge(exposures)


def _flag_of(past: Past, index: int, rise: Rise, settings: PolicySettings) -> Raised:
    life, incidents = past.life, past.incidents[: index + 1]
    dates = [datetime.fromtimestamp(incident.opened_at, UTC) for incident in incidents]
    at = incidents[-1].opened_at
    return Raised(
        serial=life.serial,
        cohort=life.cohort,
        location=next(error.location for error in life.errors if error.at == at),
        at=at,
        rise=rise,
        sentence=sentence(rise, dates, settings.ladder(life.cohort)),
        follow=past.follow(index),
    )
