"""History: a recording as Prometheus's blocks, alone or among copies of its hosts, and the server.

Nothing is made up: a copy of a host is what the recorded agent exposed, under another host's name
and with other serial numbers and UUIDs. What rules record is filled in by promtool, from the
repository's own rules.
"""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grafana import fleet, planning
from grafana.build import DASHBOARDS
from grafana.viewer.record import DAY
from grafana.viewer.recording import Recording, Samples, Series
from tests.support.agents import ROOT, clean_environment
from tests.support.require import require

PIECE_SECONDS = 6 * 3600  # promtool reads a file again for each two hours
LOOKBACK = "31m"  # samples of the week are ten minutes apart, on a busy machine twenty
_RULES = ROOT / "alerts" / "gpuwatch.rules.yml"
_RECORD = re.compile(
    r"^      - record: (\S+)\n        expr: \|-\n((?:          .*\n)+)", re.MULTILINE
)
_LABEL = re.compile(r'(instance|host|uuid|serial)="([^"]*)"')
_BOARD_SERIAL = re.compile(r"\d{13}")

Keep = Callable[[str], bool]
Rename = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Copies:
    """`count` hosts that are as the one of `name`."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when rules are evaluated, how often, and whether those of every hour are."""

    begin: float
    end: float
    interval: str
    hourly: bool = False


def spans(end: float, days: float) -> tuple[Span, ...]:
    """The last day as densely as it was recorded, the days before as they were."""
    day, begin = end - DAY, end - days * DAY
    return (
        Span(begin, end, "1h", hourly=True),
        Span(day, end, "4m"),
        *([Span(begin, day - 1, "10m")] if days > 1 else []),
    )


FLEET = (
    Copies("gpu-node-02", 70),
    Copies("gpu-node-01", 4),
    Copies("gpu-node-03", 8),
    Copies("gpu-node-04", 12),
    Copies("gpu-node-05", 3),
)


def recorded_rules() -> dict[str, str]:
    """What the repository's rules record and dashboards ask for: expression by name."""
    asked = {query.expr for one in DASHBOARDS for panel in one.panels for query in panel.queries}
    found: list[tuple[str, str]] = _RECORD.findall(_RULES.read_text())
    return {name: expr for name, expr in found if any(name in expr for expr in asked)}


def fleet_names() -> frozenset[str]:
    """The metrics that the dashboards of many hosts and the rules below them ask for."""
    asked = [query.expr for one in (fleet.DASHBOARD, planning.DASHBOARD) for panel in one.panels
             for query in panel.queries]  # fmt: skip
    texts = " ".join((*asked, *recorded_rules().values()))
    return frozenset({"up", *re.findall(r"(?<![\w:])gpuwatch_\w+", texts)})


def renamer(old: str, new: str, number: int) -> Rename:
    """Labels of a host as those of another."""

    def other(found: re.Match[str]) -> str:
        label, value = found.groups()
        match label:
            case "uuid" if value:
                value = f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, f'{value}-{number}')}"
            case "serial" if _BOARD_SERIAL.fullmatch(value):
                value = str(int(value) + 10_000 * (number + 1))
            case _:
                value = value.replace(old, new)
        return f'{label}="{value}"'

    return lambda labels: _LABEL.sub(other, labels)


def with_copies(recording: Recording, copies: Iterable[Copies] = FLEET) -> Recording:
    """The last day of the recording among copies of its hosts, with what fleets are asked for."""
    names, made, number = fleet_names(), Recording(recording.end), 0
    begin = recording.end - DAY
    wanted = {
        key: _thinned(kept, begin) for key, kept in recording.series.items() if key[0] in names
    }
    made.series.update(wanted)
    for one in copies:
        its = {key: kept for key, kept in wanted.items() if f'instance="{one.name}:' in key[1]}
        for _ in range(one.count):
            rename = renamer(one.name, f"gpu-node-{number + 10:03d}", number)
            number += 1
            made.series.update(
                {(name, rename(labels)): kept for (name, labels), kept in its.items()}
            )
    return made


def _thinned(kept: Samples, begin: float) -> Samples:
    times, values = kept
    first = bisect_left(times, begin)
    return times[first::2], values[first::2]


def alone(recording: Recording, name: str) -> Recording:
    """One host of the recording only."""
    kept = {key: one for key, one in recording.series.items() if f'instance="{name}:' in key[1]}
    return Recording(recording.end, kept)


def write_blocks(recording: Recording, directory: Path) -> None:
    """The samples as blocks in a directory, piece by piece."""
    promtool = require("promtool", "prometheus")
    first = min(times[0] for times, _ in recording.series.values() if times)
    begin = int(first) // PIECE_SECONDS * PIECE_SECONDS
    file = directory.with_suffix(".om")
    for start in range(begin, int(recording.end) + 1, PIECE_SECONDS):
        with file.open("w") as text:
            text.writelines(_lines(recording.series, start, start + PIECE_SECONDS))
            text.write("# EOF\n")
        subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, directory],
            check=True,
        )
    file.unlink()


def _lines(series: Series, start: float, end: float) -> Iterator[str]:
    for (name, labels), (times, values) in sorted(series.items()):
        here = slice(bisect_left(times, start), bisect_left(times, end))
        for at, value in zip(times[here], values[here], strict=True):
            yield f"{name}{{{labels}}} {value!r} {at:.3f}\n"


def record_rules(url: str, spans: Iterable[Span], directory: Path) -> None:
    """What rules record over spans of time."""
    promtool = require("promtool", "prometheus")
    rules = [{"record": name, "expr": expr} for name, expr in recorded_rules().items()]
    file = directory.with_suffix(".rules.json")
    for span in spans:
        chosen = [one for one in rules if one["record"].endswith("rise1h") is span.hourly]
        file.write_text(json.dumps({"groups": [{"name": "recorded", "rules": chosen}]}))
        subprocess.run(
            [
                *(promtool, "tsdb", "create-blocks-from", "rules", f"--url={url}"),
                *(f"--start={span.begin:.0f}", f"--end={span.end:.0f}"),
                *(f"--eval-interval={span.interval}", f"--output-dir={directory}", file),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def prometheus(directory: Path) -> Iterator[str]:
    """The address of a Prometheus over these blocks, which scrapes nothing."""
    program = require("prometheus", "prometheus")
    configuration, log = directory.with_suffix(".yml"), directory.with_suffix(".log")
    configuration.write_text("{}")
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory}",
        "--storage.tsdb.retention.time=10y",
        f"--query.lookback-delta={LOOKBACK}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=clean_environment(), stderr=output) as process,
    ):
        try:
            yield _address(log)
        finally:
            process.terminate()


def _address(log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = re.search(r'"Listening on" address=(127\.0\.0\.1:\d+)', log.read_text())
        if found and _is_ready(f"http://{found[1]}"):
            return f"http://{found[1]}"
        time.sleep(0.1)
    raise TimeoutError(f"prometheus is not ready within 120 s: {log}")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5):  # noqa: S310 - http, on loopback
            return True
    except (urllib.error.URLError, OSError):
        return False


def build(recording: Recording, directory: Path, days: float) -> None:
    """A directory of blocks with all that dashboards ask for, over so many days."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    write_blocks(recording, directory)
    recorded = directory.with_name(f"{directory.name}-recorded")
    shutil.rmtree(recorded, ignore_errors=True)
    with prometheus(directory) as url:
        record_rules(url, spans(recording.end, days), recorded)
    for block in recorded.iterdir():
        if block.is_dir():
            shutil.move(block, directory / block.name)
