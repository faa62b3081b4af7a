"""Publish: what the agent knows, frozen into the one snapshot that every reader gets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gpuwatch.agent.live import Live, LiveBoard
from gpuwatch.agent.views import is_stale
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.snapshot import GpuState
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.policy.judge import Judgement
from gpuwatch.policy.views import PolicySettings
from gpuwatch.sources.base import DriverCondition, DriverState


@dataclass(slots=True)
class Transitions:
    """Since when each subject has its verdict; "" is the host. Instants are Unix seconds."""

    verdicts: dict[str, tuple[Verdict, float]] = field(default_factory=dict)

    def take(self, subject: str, verdict: Verdict, at: float) -> bool:
        """Note a verdict; whether it is another than before."""
        before = self.verdicts.get(subject)
        if before is not None and before[0] is verdict:
            return False
        self.verdicts[subject] = (verdict, at)
        return True

    def since(self, subject: str, otherwise: float) -> float:
        """Unix seconds since when the subject has its verdict."""
        return self.verdicts.get(subject, (Verdict.UNKNOWN, otherwise))[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The instant of a snapshot, what was decided at it, and by which settings."""

    now: Moment
    judgement: Judgement
    transitions: Transitions
    settings: PolicySettings
    stale_seconds: float
    cadences: Mapping[Cadence, float]


def gpu_states(
    records: Mapping[BoardKey, BoardRecord], live: Live, frame: Frame, *, departed: bool = False
) -> tuple[GpuState, ...]:
    """One state for every board by slot address; boards that left only when `departed`."""
    known = [
        record for record in records.values() if departed or record.state is not BoardState.LEFT
    ]
    ordered = sorted(known, key=lambda record: record.slot.pci_address if record.slot else "")
    taken = live.inventory.taken if live.inventory else frozenset()
    return tuple([_gpu_state(record, live.board(record.key), frame, taken) for record in ordered])


def _gpu_state(
    record: BoardRecord, board: LiveBoard, frame: Frame, taken: Collection[str]
) -> GpuState:
    uuid = record.key.uuid
    trusted = board.present and board.hang is None and not is_stale(board, frame.stale_seconds)
    return GpuState(
        record=record,
        device=board.device if board.present else None,
        present=board.present and not board.lost,
        fresh=trusted,
        verdict=frame.judgement.verdicts.get(uuid, Verdict.UNKNOWN),
        verdict_since=frame.transitions.since(uuid, frame.now.wall),
        findings=frame.judgement.findings.get(uuid, ()),
        latest=board.latest(frame.now) if trusted else (),
        set_apart=_set_apart(board),
        unknown_because=frame.judgement.unknown_because.get(uuid, ""),
        missed=board.blind_to(frame.now, frame.cadences) if board.missed else (),
        managed=record.slot is None or record.slot.pci_address not in taken,
        healthy_rate_per_year=frame.settings.healthy_rate(record.board.part_number),
    )


def _set_apart(board: LiveBoard) -> str:
    if board.hang is None:
        return ""
    call = board.hang.call or "a call"
    return f"set apart: {call} did not return within its deadline"


def status_text(live: Live, driver: DriverState | None, bmcs: int, judgement: Judgement) -> str:
    """What the service manager shows of the agent: one line."""
    present = sum(board.present for board in live.boards.values())
    controllers = f" and {bmcs} BMCs" if bmcs else ""
    absent = driver is not None and driver.condition != DriverCondition.READY
    why = f" ({driver.text})" if driver is not None and absent else ""
    return f"watching {present} GPUs{controllers}{why}, host {judgement.host_verdict.value}"
