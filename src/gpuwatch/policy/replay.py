"""Replay: what the rules would have said of the past, seeing at every instant only what was.

Nothing of the present is in it: rules that look at what history does not keep are not replayed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gpuwatch.domain.flags import Flag
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.domain.past import BoardPast, HostPast
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.recovery import recovery_action
from gpuwatch.domain.verdicts import Finding
from gpuwatch.domain.windows import Outlook
from gpuwatch.policy.conditions import RECOVERY, AtLeast, Reads
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.planner import plan
from gpuwatch.policy.rules import RULES, Rule
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from gpuwatch.policy.xid_conditions import XidAgain, XidSeen

# Rules whose conditions look only at what history keeps: incidents, Xids, resets, falls off the
# bus, echoes without an owner, and signals kept by their changes. Conditions of some sorts all do.
_FROM_HISTORY = frozenset(
    {
        "rising-uncorrectable-trend",
        "recovery-action",
        "recovery-drain-p2p",
        "recovery-action-unknown",
        "recovery-reboot",
        "recovery-imex-domain",
        "uncorrectable-error",
        "recent-uncorrectable-error",
        "row-remap-pending-long",
        "remap-not-applied",
        "off-the-bus",
        "off-the-bus-again",
        "retired-pages-high",
        "sram-near-threshold",
        "remap-bank-exhausted",
        "gsp-or-firmware-fault",
        "gsp-or-firmware-fault-again",
        "nvlink-fault",
        "nvlink-suspect",
        "xid-other",
        "xid-other-ticket",
        "xid-other-noted",
        "xid-from-one-gpu",
        "unattributed-error",
    }
)
_SORTS = (AtLeast, Reads, XidSeen, XidAgain)
# Rules ripen after something happened: over two sweeps, once echoes are settled, once nobody owns
# an echo. What takes days ripens within one.
_RIPEN_SECONDS = (0.0, 15.0, 30.0, 150.0, 660.0)
_UNATTRIBUTED_SECONDS = SECONDS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A finding that the rules would have had from `began` to `ended`, None: it still holds.

    Unix seconds. `flag` says that it would have raised a flag.
    """

    finding: Finding
    began: float
    ended: float | None = None
    flag: bool = False


@dataclass(slots=True)
class _Film:
    """One board's past, run forward: a record is rebuilt only when something came to be known."""

    past: BoardPast
    instants: list[float] = field(init=False)
    _place: tuple[int, bool] = (-1, False)
    _record: BoardRecord | None = None

    def __post_init__(self) -> None:
        self.instants = sorted(self.past.instants())

    def at(self, instant: float) -> BoardRecord | None:
        """The record of that instant; see BoardPast.at."""
        last_seen = self.past.record.last_seen
        place = (bisect_right(self.instants, instant), instant > last_seen)
        if place != self._place:
            self._place, self._record = place, self.past.at(instant)
        elif self._record is not None:
            exposure = self.past.exposure(instant)
            self._record = self._record.seen(exposure, min(last_seen, instant))
        return self._record


def is_replayed(rule: Rule) -> bool:
    """Whether the past can say what this rule would have said."""
    return rule.code in _FROM_HISTORY or isinstance(rule.when, _SORTS)


def replay(
    past: HostPast, settings: PolicySettings, until: float, rules: tuple[Rule, ...] = RULES
) -> tuple[Saying, ...]:
    """Everything that the rules would have said by Unix second `until`, in order of beginning."""
    judge = Judge(settings, tuple(rule for rule in rules if is_replayed(rule)))
    open_sayings: dict[tuple[str, str], Saying] = {}
    closed: list[Saying] = []
    flags: tuple[Flag, ...] = ()
    films = tuple(_Film(board) for board in past.boards)
    for step, at in enumerate(_agenda(past, until)):
        records = [record for film in films if (record := film.at(at)) is not None]
        view = _view(past, records, at, step)
        judgement = judge.judge(view)
        held = {
            (finding.code, finding.subject): finding
            for findings in (judgement.host_findings, *judgement.findings.values())
            for finding in findings
        }
        over = open_sayings.keys() - held.keys()
        closed += [replace(open_sayings.pop(key), ended=at) for key in over]
        raised = _raised(judgement.findings, view, flags, settings)
        flags += raised
        flagged = {(flag.code, flag.board.uuid) for flag in raised}
        for key, finding in held.items():
            saying = open_sayings.get(key) or Saying(finding=finding, began=at)
            open_sayings[key] = replace(saying, finding=finding, flag=saying.flag or key in flagged)
    said = (*closed, *open_sayings.values())
    return tuple(sorted(said, key=lambda one: (one.began, one.finding.subject, one.finding.code)))


def _agenda(past: HostPast, until: float) -> Iterable[float]:
    """When to ask: once something came to be known, while it ripens, and once a day."""
    told = sorted(at for at in past.instants() if at <= until)
    instants = {at + seconds for at in told for seconds in _RIPEN_SECONDS}
    if told:
        days = int((until - told[0]) / SECONDS_PER_DAY)
        instants |= {told[0] + day * SECONDS_PER_DAY for day in range(days + 1)}
        instants.add(until)
    return sorted(at for at in instants if at <= until)


def _view(past: HostPast, records: Iterable[BoardRecord], at: float, step: int) -> HostView:
    driver = past.driver(at)
    return HostView(
        now=Moment(wall=at, boottime=at, boot_id="replay"),
        gpus=tuple(_gpu(record, driver, step) for record in records),
        driver=DriverHealth.READY,
        driver_version=driver,
        unattributed=tuple(
            echo for echo in past.unattributed if 0.0 <= at - echo < _UNATTRIBUTED_SECONDS
        ),
    )


def _gpu(record: BoardRecord, driver: str, step: int) -> GpuView:
    # A driver that never told a recovery action has none to tell.
    readings: dict[str, Value | Gap] = {RECOVERY: Gap(GapReason.UNSUPPORTED)}
    readings |= {key: held.value for key, held in record.held.items()}
    number = readings[RECOVERY]
    asked = number if isinstance(number, int) else None
    return GpuView(
        record=record,
        present=True,
        readings=readings,
        answers=step + 1,
        seen_this_epoch=True,
        recovery=None if asked is None else recovery_action(asked, driver),
        recovery_number=asked,
    )


def _raised(
    findings: Mapping[str, tuple[Finding, ...]],
    view: HostView,
    flags: tuple[Flag, ...],
    settings: PolicySettings,
) -> tuple[Flag, ...]:
    records = {gpu.record.key: gpu.record for gpu in view.gpus}
    wanted = plan(findings, records, flags, Outlook(), view.now, notice=settings.window_notice)
    changes = [change.flag for change in wanted.changes if change.before is None]
    return tuple(
        replace(flag, number=len(flags) + place) for place, flag in enumerate(changes, start=1)
    )
