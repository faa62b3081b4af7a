"""Next steps: what a person does first, from the gravest finding; and how blindness ends."""

from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.readings import GapReason
from gpuwatch.domain.signals import Call, Field, Moved, PerFan, PerLink, Query, Signal, SramBanks
from gpuwatch.domain.snapshot import GpuState, Maintenance, Snapshot
from gpuwatch.domain.verdicts import Finding, Remedy, Urgency, Verdict
from gpuwatch.exposition.cells import by_urgency, gpu_name
from gpuwatch.exposition.views import index_of, open_flags_of, slot_of
from gpuwatch.exposition.words import FLAG_STATES, day, minute

# What to do, for a finding that pages and for one that waits. {gpu} is its name, {reset} what
# nvidia-smi calls it, {board} the board as it is printed on the card.
_STEPS: dict[Remedy, tuple[str, str]] = {
    Remedy.REPLACE: (
        "Drain {gpu} now. Then run NVIDIA's field diagnostic and have {board} replaced.",
        "Nothing now. Have {board} replaced at a window, after NVIDIA's field diagnostic.",
    ),
    Remedy.RESET: (
        "Drain {gpu} now. Then: gpuwatch release -- nvidia-smi --gpu-reset -i {reset}",
        "Nothing now. At a window: gpuwatch release -- nvidia-smi --gpu-reset -i {reset}",
    ),
    Remedy.REBOOT: (
        "Drain the host now and reboot it.",
        "Nothing now. Reboot the host at a window.",
    ),
    Remedy.RESEAT: (
        "Drain the host now and have {board} reseated.",
        "Nothing now. Have {board} reseated at a window.",
    ),
    Remedy.INSPECT: (
        "Have {board} looked at on site now; its place is below.",
        "Nothing now. Have {board} looked at on site at a window.",
    ),
    Remedy.POWER_CYCLE: (
        "Drain the host now, then switch it off and on: a reboot may not bring {gpu} back.",
        "Nothing now. Switch the host off and on at a window.",
    ),
    Remedy.COOL: (
        "See to the cooling now.",
        "Nothing now. See to the cooling at a window.",
    ),
    Remedy.POWER: (
        "See to the power supply now.",
        "Nothing now. See to the power supply at a window.",
    ),
    Remedy.VENDOR_CASE: (
        "Drain {gpu} now and open a case with the vendor.",
        "Nothing now. Open a case with the vendor.",
    ),
    Remedy.NONE: ("Nothing to do.", "Nothing to do."),
}
_HEALTHY = "Nothing to do: its signals are read, and no rule holds."
_UNKNOWN = "Find out why gpuwatch is blind; it says nothing of whether {gpu} is well. {remedy}"

_GAP_REMEDIES = {
    GapReason.UNSUPPORTED: "none: this board or driver does not have it",
    GapReason.DENIED: "only root may ask for it: systemctl enable --now gpuwatch-sram.timer",
    GapReason.LOST: "the driver has lost the GPU: drain the host and switch it off and on",
    GapReason.TIMED_OUT: "it is asked again by itself; a GPU that stays silent wants a reset",
    GapReason.FAILED: "look up the NVML error number, and the kernel log of that time",
}


def steps(snapshot: Snapshot, gpu: GpuState, *, remembered: bool = False) -> list[str]:
    """What to do, in order; the first is the answer to the page."""
    flags = open_flags_of(snapshot, gpu.record.key.uuid)
    first = _first(snapshot, gpu, remembered=remembered)
    latched = [step_of(gpu, one) for one in by_urgency(gpu.findings)[:1] if remembered]
    works = [work for work in snapshot.maintenance if _is_about(work, gpu)]
    return [first, *latched, *map(flag_step, flags), *map(work_step, works)]


def step_of(gpu: GpuState, finding: Finding) -> str:
    """What one finding asks for."""
    now, later = _STEPS[finding.remedy]
    if finding.urgency in (Urgency.INFO, Urgency.WATCH):
        later = "Nothing to do."
    text = now if finding.urgency is Urgency.PAGE else later
    slot = slot_of(gpu)
    index = index_of(gpu) if gpu.present else None
    key = gpu.record.key
    return text.format(
        gpu=gpu_name(gpu),
        reset=index if index is not None else slot.pci_address if slot else key.uuid,
        board=f"board {key.serial}"
        if key.serial
        else f"the board in {slot.label if slot else '?'}",
    )


def work_step(work: Maintenance) -> str:
    """Who works on it, until when and why."""
    who = f" by {work.actor}" if work.actor else ""
    until = f"{day(work.until)} {minute(work.until)}"
    of = {"host": "the host", "board": "this board"}.get(work.scope, "this server")
    return f"Maintenance of {of}{who} until {until}: {work.reason}. Nothing of it pages meanwhile."


def blind_remedy(snapshot: Snapshot, gpu: GpuState, *, remembered: bool = False) -> str:
    """What ends the blindness of a GPU whose verdict is unknown."""
    released = next((one for one in snapshot.sources if one.released), None)
    rows = (
        (remembered, "Start the agent: systemctl start gpuwatch."),
        (not gpu.managed, "Another driver holds it: gpuwatch does not judge it."),
        (
            released is not None,
            "The driver is let go of: gpuwatch resume, or wait until the release ends.",
        ),
        (
            bool(gpu.set_apart),
            "It is asked again by itself, alone. If it stays silent, drain it and reset it.",
        ),
        (
            not gpu.present,
            "Look where it sat, and at the kernel log. Left for good: gpuwatch boards retire.",
        ),
        (bool(gpu.missed), "The signals below name the call and the way out of each."),
        (
            snapshot.epoch is None,
            "Load the driver; if it is loaded, see gpuwatch status for why it does not answer.",
        ),
    )
    otherwise = "Wait a minute for its next answer; then see gpuwatch status, and the agent's log."
    return next((text for holds, text in rows if holds), otherwise)


def gap_remedy(reason: GapReason) -> str:
    """The way out of one gap."""
    return _GAP_REMEDIES[reason]


def call_of(signal: Signal) -> str:
    """The library call by which a signal is asked, and the field where it is one of many."""
    return _call(signal.query)


def _call(query: Query) -> str:
    match query:
        case Call():
            return query.function
        case Field():
            return f"nvmlDeviceGetFieldValues ({query.name})"
        case Moved():
            return f"nvmlDeviceGetFieldValues ({query.fields[0].name})"
        case PerLink() | PerFan():
            return _call(query.query)
        case SramBanks():
            return query.function


def _first(snapshot: Snapshot, gpu: GpuState, *, remembered: bool) -> str:
    urgent = by_urgency(gpu.findings)
    if gpu.verdict is Verdict.UNKNOWN:
        remedy = blind_remedy(snapshot, gpu, remembered=remembered)
        return _UNKNOWN.format(gpu=gpu_name(gpu), remedy=remedy)
    return step_of(gpu, urgent[0]) if urgent else _HEALTHY


def _is_about(work: Maintenance, gpu: GpuState) -> bool:
    if work.scope == "board":
        return work.board in (gpu.record.key.serial, gpu.record.key.uuid)
    return work.scope == "host"


def flag_step(flag: Flag) -> str:
    """Whether somebody has it, when its window is, and how to say that one has it."""
    number = f"Flag {flag.number} ({flag.code}) is {FLAG_STATES[flag.state]}"
    if flag.state is not FlagState.OPEN:
        return f"{number}: somebody is at it."
    if flag.acknowledged_by:
        return f"{number} and acknowledged by {flag.acknowledged_by}."
    window = "in no window yet"
    if flag.window_start is not None:
        start = flag.window_start
        window = f"in window {flag.window_name}, {day(start)} {minute(start)}"
    return f"{number}, {window}. To say that you have it: gpuwatch flags ack {flag.number}"
