"""Fleet: what 200 hosts with 1,600 GPUs cost one Prometheus with the shipped rules.

Two real agents on the simulated driver are recorded; their expositions are told again as 200 hosts,
of which nine have a flagged board and a BMC, and one does not answer. What a group of rules
may take is measured by its own interval; here all are evaluated at that of the scrapes.

    python -m bench.fleet
"""

import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.agents import ROOT
from bench.processes import cpu_seconds, size
from bench.table import Row, Verdict, text
from simulator.bmc.process import PACKAGE as BMC_PACKAGE
from simulator.bmc.process import PROGRAM as BMC_PROGRAM
from tests.support.fleet_recording import Recordings, recordings
from tests.support.fleet_server import HOSTS, Fleet, fleet
from tests.support.fleet_truth import (
    ALERTS,
    BOARDS,
    PER_GPU,
    PER_GPU_IN_TROUBLE,
    SUMS,
    alerts,
    queries,
    sums,
    watched,
)
from tests.support.prometheus import PACKAGE, PROGRAM, Prometheus

SECONDS = 120.0
EVERY_SECONDS = 15
BUDGET = 120
SHARE = 0.25  # of its interval, that a group of rules may take
_MEBIBYTE = 1 << 20
_INTERVAL = re.compile(r"- name: (\S+)\n(?:    interval: (\d+)([mh])\n)?")
_UNITS = {"m": 60, "h": 3600}


def run(seconds: float = SECONDS) -> tuple[Row, ...]:
    """The rows of this part."""
    tools = {PROGRAM: PACKAGE, BMC_PROGRAM: BMC_PACKAGE}
    missing = " ".join(package for tool, package in tools.items() if shutil.which(tool) is None)
    if missing:
        what = f"missing: {missing} (apt-get install {missing})"
        return (Row(what, "not measured", verdict=Verdict.MISSED),)
    with tempfile.TemporaryDirectory() as place:
        recorded = recordings(Path(place))
        with (
            fleet(recorded) as hosts,
            watched(Path(place) / "prometheus", hosts, every_seconds=EVERY_SECONDS) as server,
        ):
            before = cpu_seconds((server.pid,))
            took = _evaluations(server, seconds)
            cpu = cpu_seconds((server.pid,)) - before
            return (
                *_series(server, hosts, recorded),
                *_scrapes(server, seconds),
                *_rules(server, took),
                *_dashboards(server),
                Row(f"CPU of Prometheus over {seconds:.0f} s", f"{100 * cpu / seconds:.1f} %"),
                Row("memory (PSS) of Prometheus", f"{size((server.pid,)).pss / _MEBIBYTE:.0f} MiB"),
            )


def _evaluations(server: Prometheus, seconds: float) -> dict[str, float]:
    """The median seconds that each group of rules took, looked at while the time passes."""
    seen: dict[str, list[float]] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(EVERY_SECONDS / 3)
        for group in server.rule_groups():
            seen.setdefault(group["name"], []).append(float(group["evaluationTime"]))
    return {name: statistics.median(times) for name, times in seen.items()}


def _one(server: Prometheus, query: str) -> float:
    (value,) = server.numbers(query).values()
    return value


def _own(server: Prometheus, name: str) -> list[float]:
    """The values of a metric that Prometheus tells of itself."""
    lines = server.get("/metrics").splitlines()
    return [float(line.split()[-1]) for line in lines if re.match(rf"{name}(\{{| )", line)]


def _series(server: Prometheus, hosts: Fleet, recorded: Recordings) -> tuple[Row, ...]:
    quiet, troubled = len(hosts.quiet.series), len(hosts.troubled.series)
    usual = _one(server, f"max({PER_GPU})")
    named = sum(line.startswith("DCGM_") for line in recorded.quiet[-1].compat.splitlines())
    boards = BOARDS // (HOSTS - 1)
    return (
        Row("hosts; GPUs of those that answer", f"{HOSTS}; {BOARDS:,}"),
        Row("series of a host that is well", f"{quiet:,}"),
        Row("series of one with a flag and a BMC", f"{troubled:,}"),
        Row.at_most("series of a GPU", usual, BUDGET),
        Row(
            "series of a GPU with a flag, at most",
            f"{_one(server, f'max({PER_GPU_IN_TROUBLE})'):.0f}",
        ),
        Row("compat.dcgm adds to a GPU", f"{named / boards:.0f}"),
        Row("series that the rules add", f"{_one(server, _ADDED):,.0f}"),
        Row("series in all", f"{_own(server, 'prometheus_tsdb_head_series')[0]:,.0f}"),
    )


_ADDED = 'count({__name__=~".*:.*"})'


def _scrapes(server: Prometheus, seconds: float) -> tuple[Row, ...]:
    window = f"[{seconds:.0f}s]"
    samples = _one(server, "sum(scrape_samples_scraped)")
    fewest = _one(server, f"min(count_over_time(up{window}))")
    missed = max(seconds // EVERY_SECONDS - fewest, 0.0)
    return (
        Row("samples a second", f"{samples / EVERY_SECONDS:,.0f}"),
        Row("scrape, median", f"{1e3 * _one(server, _MEDIAN):.1f} ms"),
        Row.at_most(
            "scrape, the longest",
            _one(server, f"max(max_over_time(scrape_duration_seconds{window}))"),
            EVERY_SECONDS * SHARE,
            "s",
            aim=True,
        ),
        Row.at_most(f"scrapes missed by a host over {seconds:.0f} s, at most", missed, 0),
    )


_MEDIAN = "quantile(0.5, scrape_duration_seconds)"


def _rules(server: Prometheus, took: Mapping[str, float]) -> tuple[Row, ...]:
    intervals = _intervals()
    skipped = sum(_own(server, "prometheus_rule_group_iterations_missed_total"))
    told = sums(server)
    wrong = sum(told[query] != SUMS[query] for query in SUMS) + (alerts(server) != ALERTS)
    return (
        *(
            Row.at_most(
                f"rules of {name}, median, every {intervals[name]:,.0f} s",
                median,
                intervals[name] * SHARE,
                "s",
                aim=True,
            )
            for name, median in took.items()
        ),
        Row.at_most("evaluations missed", skipped, 0, aim=True),
        Row.at_most(f"sums and alerts that are wrong, of {len(SUMS) + 1}", wrong, 0),
    )


def _intervals() -> dict[str, float]:
    """The seconds between two evaluations of each group, as the shipped file says."""
    rules = (ROOT / "alerts" / "gpuwatch.rules.yml").read_text()
    return {
        found[1]: int(found[2]) * _UNITS[found[3]] if found[2] else EVERY_SECONDS
        for found in _INTERVAL.finditer(rules)
    }


def _dashboards(server: Prometheus) -> tuple[Row, ...]:
    took = {}
    for one in queries():
        began = time.perf_counter()
        server.query(one.expr)
        took[one.where] = time.perf_counter() - began
    slowest = max(took, key=lambda where: took[where])
    return (
        Row(f"queries of Fleet and Planning, {len(took)}", f"{sum(took.values()):.2f} s"),
        Row(f"the slowest: {slowest}"[:62], f"{1e3 * took[slowest]:.0f} ms"),
    )


if __name__ == "__main__":
    measured = run(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    print(text("fleet", measured))
    sys.exit(any(row.verdict is Verdict.MISSED for row in measured))
