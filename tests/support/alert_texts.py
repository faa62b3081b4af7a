"""Alert texts: every alert as it reaches people, rendered by Prometheus's own tool.

promtool prints what an alert became when it differs from what was expected; nothing is expected.
"""

import json
import re
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.groups import groups
from gpuwatch.cli.alerts.model import document
from gpuwatch.cli.alerts.words import NUMBERS
from gpuwatch.domain.verdicts import Scope
from gpuwatch.policy.rules import RULES, Rule
from tests.support import alert_cases
from tests.support.alert_cases import Case, Check
from tests.support.require import require
from tests.support.watch_cases import BARE, COHORTS, LONG, SHORT

_OTHERS = ("gpuwatch-watching", "gpuwatch-flagged-boards", "gpuwatch-drivers", "gpuwatch-fleet")
HOST, UUID, SERIAL, SLOT = "gpu-node-17:9853", "GPU-6f2af4b6", "1650524000006", "module-6"
_ON = f'job="gpuwatch",instance="{HOST}"'
_GPU = f'{_ON},gpu="5",uuid="{UUID}"'
_INFO = (
    f'gpuwatch_gpu_info{{{_GPU},serial="{SERIAL}",slot="{SLOT}",name="NVIDIA H100 80GB HBM3",'
    'part_number="692-2G520-0200-000",vbios="96.00.74.00.0D",driver="580.95.05"}'
)
_BARE_INFO = f"gpuwatch_gpu_info{{{_GPU}}}"
_UNINDEXED = ((',gpu="5"', ""),)
_AT = 10
_TOLD = re.compile(r"Labels:\{(.*)\}\n +Annotations:\{(.*)\}")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')
_SAID = ("summary", "description", "next_step", "runbook_url")
_COLUMNS = 100
# What a text must not hold: what a template left empty, or could not fill in.
HOLES = re.compile(r"  |\(\)|<no value>|%!|NaN|\bnil\b| [,.:;)]|\( |,,|\.\.|^\s|\s$|: *$|\{\{|\}\}")


@dataclass(frozen=True, slots=True)
class Text:
    """One alert: its labels and what it says."""

    labels: dict[str, str]
    says: dict[str, str]

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]

    @property
    def holes(self) -> list[str]:
        """What it says where something is missing."""
        return [text for text in self.says.values() if HOLES.search(text)]

    def lines(self) -> Iterator[str]:
        """The alert for people who read a diff."""
        yield f"{self.name} ({self.labels['severity']}, {self.labels['route']})"
        for key in _SAID:
            yield from textwrap.wrap(
                self.says[key],
                _COLUMNS,
                initial_indent=f"  {key.replace('_', ' '):12} ",
                subsequent_indent=" " * 15,
                break_long_words=False,
                break_on_hyphens=False,
            )


def texts(folder: Path, *, bare: bool = False) -> list[Text]:
    """Every alert once; `bare` without what a board may not tell of itself."""
    watches = BARE if bare else ()
    # Rules that no case is about would only take time.
    findings = _rules(folder / "findings.yml", "gpuwatch-findings")
    others = _rules(folder / "others.yml", *_OTHERS)
    runs = (
        ("1m", findings, (_findings(bare=bare),)),
        ("1m", others, _first(SHORT, watches)),
        ("5m", others, _first(LONG, watches)),
        ("1d", others, _first(COHORTS, watches)),
    )
    told = [text for run in runs for text in _rendered(folder, *run)]
    return list({text.name: text for text in told}.values())


def summary(folder: Path, series: str, alert: str) -> str:
    """The summary of an alert that a single series fires."""
    case = Case(name=alert, series={series: "1x20"}, checks=(Check(at=_AT, alert=alert),))
    rules = _rules(folder / "findings.yml", "gpuwatch-findings")
    (told,) = _rendered(folder, "1m", rules, (case,))
    return told.says["summary"]


def _findings(*, bare: bool) -> Case:
    series = {_BARE_INFO if bare else _INFO: "1x20"}
    series |= {f"{metric}{{{_GPU}}}": "3x20" for _, metric, _ in NUMBERS.values()}
    series |= {_found(rule, bare=bare): "1x20" for rule in RULES}
    if bare:  # a board that is off the bus has no index
        series = {_less(name, _UNINDEXED): values for name, values in series.items()}
    checks = tuple(Check(at=_AT, alert=name_of(rule.code)) for rule in RULES)
    return Case(name="findings", series=series, checks=checks)


def _found(rule: Rule, *, bare: bool) -> str:
    told = f'code="{rule.code}",urgency="{rule.urgency}",remedy="{rule.remedy}"'
    of = {
        Scope.GPU: ("gpu", _GPU),
        Scope.HOST: ("host", _ON),
        Scope.BMC: ("bmc", f'{_ON},bmc="main",host="{"" if bare else "gpu-node-18"}"'),
    }
    scope, labels = of[rule.scope]
    return f"gpuwatch_{scope}_finding{{{labels},{told}}}"


def _first(cases: Iterable[Case], bare: Iterable[tuple[str, str]]) -> tuple[Case, ...]:
    """Each case with the first instant at which it fires, boards telling less where asked."""
    found = []
    for case in cases:
        first = next((check for check in case.checks if check.fires), None)
        if first is not None:
            series = {_less(name, bare): values for name, values in case.series.items()}
            quiet = (replace(first, fires=()),)
            found.append(replace(case, series=series, checks=quiet, queries=()))
    return tuple(found)


def _less(series: str, bare: Iterable[tuple[str, str]]) -> str:
    for whole, less in bare:
        series = series.replace(whole, less)
    return series


def _rules(file: Path, *names: str) -> Path:
    file.write_text("\n".join(document(group for group in groups() if group.name in names)))
    return file


def _rendered(folder: Path, every: str, rules: Path, cases: Iterable[Case]) -> Iterator[Text]:
    tests = folder / "texts.json"
    tests.write_text(alert_cases.document(cases, str(rules), every))
    promtool = require("promtool", "prometheus")
    done = subprocess.run(
        [promtool, "test", "rules", tests],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    for found in _TOLD.finditer(done.stdout + done.stderr):
        yield Text(*(_pairs(group) for group in found.groups()))


def _pairs(written: str) -> dict[str, str]:
    return {name: str(json.loads(text)) for name, text in _PAIR.findall(written)}
