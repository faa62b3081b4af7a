"""Backtest report: the result as a table for people and as a document for scripts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gpuwatch.cli.backtest_files import Warned
from gpuwatch.cli.output import clean, paragraph
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.policy.backtest.estimates import Estimate, Quartiles
from gpuwatch.policy.backtest.scores import (
    HORIZONS_DAYS,
    Backtest,
    FirstIncidents,
    Raised,
    Score,
)
from gpuwatch.policy.views import PolicySettings

_METHODS = {
    "rates": "exact Poisson (Garwood)",
    "shares": "Kaplan-Meier, Wilson's score interval on the effective size of Greenwood's variance",
    "recall": "Wilson's score interval on the effective size that the spread between boards leaves",
}
_ABSORBS = {"24h": "24 hours", "7d": "7 days, 24 hours after a reset"}
_THOUSAND = 1000.0
_DECIMALS = 6
_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was replayed and how: files, kinds, policy, and the time that the history spans."""

    events: str
    exposure: str | None
    kinds: tuple[str, ...]
    incident_window: str
    settings: PolicySettings
    policy_from: str
    first: datetime
    last: datetime


def document(asked: Asked, result: Backtest, warned: Iterable[tuple[str, Warned]]) -> object:
    """The result for scripts; what cannot be told is null, numbers are rounded to 6 decimals."""
    return _rounded(_document(asked, result, warned))


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, _DECIMALS)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
        case _:
            return value


def _document(
    asked: Asked, result: Backtest, warned: Iterable[tuple[str, Warned]]
) -> dict[str, object]:
    fleet = result.fleet
    return {
        "events": asked.events,
        "exposure": asked.exposure,
        "kinds": list(asked.kinds),
        "incident_window": asked.incident_window,
        "policy": {
            "from": asked.policy_from,
            "healthy_rate_per_year": asked.settings.healthy_rate_per_year,
            "lambda0_by_part": dict(asked.settings.healthy_rate_by_part),
            "false_flag_budget_per_year": asked.settings.budget_per_year,
        },
        "fleet": {
            "first": _instant(asked.first),
            "last": _instant(asked.last),
            **asdict(fleet),
            "repeat_incidents": fleet.repeat_incidents,
        },
        "first_incidents": [
            {**asdict(one), "suggested_rate_per_year": one.suggested_rate_per_year}
            for one in result.first_incidents
        ],
        "policies": [_score(one) for one in result.scores],
        "flags": [_flag(one) for one in result.raised],
        "warnings": [
            {"file": file, "line": one.line, "count": one.count, "what": one.what}
            for file, one in warned
        ],
        "intervals": _METHODS,
    }


def _score(score: Score) -> dict[str, object]:
    told = asdict(score)
    told["again"] = {str(days): told["again"][days] for days in HORIZONS_DAYS}
    return told


def _flag(raised: Raised) -> dict[str, object]:
    follow = raised.follow
    return {
        "serial": raised.serial,
        "cohort": raised.cohort,
        "location": raised.location,
        "at": _instant(datetime.fromtimestamp(raised.at, UTC)),
        "incidents": raised.rise.incidents,
        "window_days": raised.rise.window_seconds / SECONDS_PER_DAY,
        "chance_per_1000_board_years": raised.rise.chance_per_year * _THOUSAND,
        "sentence": raised.sentence,
        "removed_at_flag": follow is None,
        "followed_days": None if follow is None else follow.seconds / SECONDS_PER_DAY,
        "next_incident": None if follow is None else follow.happened,
    }


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def lines(asked: Asked, result: Backtest) -> list[str]:
    """The result for people."""
    return [
        *_head(asked, result),
        "",
        *_rates(result.first_incidents),
        "",
        *_table(result.scores),
        "",
        *paragraph(
            f"In parentheses 95 % intervals. Rates: {_METHODS['rates']}. Share with another "
            f"incident: {_METHODS['shares']}; a removal ends the watch, a board removed at its "
            f"flag is unscorable. Forewarned: {_METHODS['recall']}. Lead: days from a flag to the "
            'next incident, where there was one. "-": cannot be told.'
        ),
    ]


def _head(asked: Asked, result: Backtest) -> Iterable[str]:
    fleet, settings = result.fleet, asked.settings
    more = (
        f" and {fleet.board_years_without_events:,.1f} without events ({asked.exposure})"
        if asked.exposure
        else ""
    )
    by_part = "".join(
        f", {part} {one:g}" for part, one in sorted(settings.healthy_rate_by_part.items())
    )
    history = (
        f"{asked.events}: {fleet.boards:,} boards, {fleet.board_years:,.1f} board-years{more}, "
        f"{asked.first:%Y-%m-%d} to {asked.last:%Y-%m-%d}"
    )
    errors = (
        f"errors: {fleet.errors:,} ({', '.join(asked.kinds)}) in {fleet.incidents:,} incidents "
        f"of {fleet.boards_with_incidents:,} boards, {fleet.repeat_incidents:,} of them repeats "
        f"(one incident absorbs {_ABSORBS[asked.incident_window]}); "
        f"removals: {fleet.removals:,}, {fleet.removals_at_an_error:,} at an error"
    )
    policy = (
        f"policy ({asked.policy_from}): a healthy board has {settings.healthy_rate_per_year:g} "
        f"incidents a year{by_part}; budget {settings.budget_per_year * _THOUSAND:g} false flags "
        "per 1,000 board-years"
    )
    return [line for text in (history, errors, policy) for line in paragraph(text, "  ")]


def _rates(firsts: Sequence[FirstIncidents]) -> list[str]:
    headings = ("first incidents of", "boards", "board-years", "per board-year", "suggested rate")
    rows = [
        (
            clean(_cohort_name(one)),
            f"{one.incidents:,}",
            f"{one.board_years:,.1f}",
            _estimate(one.per_year, 3),
            _suggested(one),
        )
        for one in firsts
    ]
    return _columns([headings, *rows])


def _cohort_name(one: FirstIncidents) -> str:
    return "all" if one.cohort is None else one.cohort or "no cohort"


def _suggested(one: FirstIncidents) -> str:
    rate = one.suggested_rate_per_year
    return "too few to say" if rate is None else f"{rate:g}"


def _table(scores: Sequence[Score]) -> list[str]:
    again = [
        (
            f"another incident within {days} days",
            *(_percent(score.again[days]) for score in scores),
        )
        for days in HORIZONS_DAYS
    ]
    return _columns(
        [
            ("policy", *(score.name for score in scores)),
            ("flags", *(f"{score.flags:,}" for score in scores)),
            (
                "  per 1,000 board-years",
                *(_estimate(score.per_thousand_board_years, 2) for score in scores),
            ),
            ("  unscorable", *(f"{score.unscorable:,}" for score in scores)),
            *again,
            ("repeat incidents forewarned", *(f"{score.forewarned:,}" for score in scores)),
            ("  share of all", *(_percent(score.recall) for score in scores)),
            ("lead in days, quartiles", *(_quartiles(score.lead_days) for score in scores)),
        ]
    )


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Labels to the left, everything else to the right of its column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        row[0].ljust(widths[0])
        + "".join(cell.rjust(width + _GAP) for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _estimate(estimate: Estimate | None, digits: int) -> str:
    if estimate is None:
        return "-"
    low, high = f"{estimate.low:.{digits}f}", f"{estimate.high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({low}-{high})"


def _percent(share: Estimate | None) -> str:
    if share is None:
        return "-"
    return f"{share.value * 100:.0f} % ({share.low * 100:.0f}-{share.high * 100:.0f})"


def _quartiles(days: Quartiles | None) -> str:
    return "-" if days is None else f"{days.lower:.1f} / {days.median:.1f} / {days.upper:.1f}"
