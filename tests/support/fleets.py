"""Fleets: rows and lives of boards for backtests, in days since the first of them."""

from collections.abc import Iterable

from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.policy.backtest.lives import Life, Row, What, life_of

DAY = SECONDS_PER_DAY
# 2019-01-01, far from zero as real histories are
START = 1_546_300_800.0
WORDS = {one.value: one for one in What}


def rows(*told: str, location: str = "") -> list[Row]:
    """Rows from texts such as "12.5 UCE": a day and an event, in lines from 2 on."""
    parsed = [one.split() for one in told]
    return [
        Row(
            START + float(day) * DAY,
            WORDS.get(event, What.ERROR),
            line,
            location,
            ErrorKind.DOUBLE_BIT_EVENT if event == "DBE" else ErrorKind.ECC,
        )
        for line, (day, event) in enumerate(parsed, start=2)
    ]


def life(*told: str, serial: str = "A", cohort: str = "", until: float = 1000.0) -> Life:
    """The life that such texts tell; the fleet's history ends on day `until`."""
    return life_of(serial, cohort, rows(*told), until=START + until * DAY)


def board(errors: Iterable[float], days: float, serial: str = "A", cohort: str = "") -> Life:
    """A board in service for `days` days with errors on these days."""
    told = [f"{day!r} UCE" for day in errors]
    return life("0 IN", *told, f"{days!r} END", serial=serial, cohort=cohort, until=days)
