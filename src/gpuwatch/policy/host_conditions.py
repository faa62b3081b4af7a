"""Host conditions: what the host as a whole lacks, in time, in sight and in its versions."""

from collections.abc import Iterable

from gpuwatch.policy.conditions import Answer, Match, Outcome, name_of
from gpuwatch.policy.siblings import can_ask, here, kind_of, number
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings

BLIND_SECONDS = 3600.0
PERSISTENCE = "gpuwatch_gpu_persistence_enabled"


def telemetry_gap(host: HostView, _settings: PolicySettings) -> Outcome:
    """A GPU or a required source has told nothing for more than an hour, and nobody works on it.

    BMCs have a rule of their own.
    """
    if not can_ask(host) and host.driver is not DriverHealth.NOT_ASKED:
        return Answer.CANNOT_TELL
    bmcs = {bmc.subject for bmc in host.bmcs}
    sources = {name: seconds for name, seconds in host.silent_sources if name not in bmcs}
    blind = {name_of(gpu): gpu.blind_seconds for gpu in host.gpus} | sources
    long = {name: seconds for name, seconds in blind.items() if seconds > BLIND_SECONDS}
    if not long:
        return Answer.NO
    hours = max(long.values()) / 3600
    return Match(facts={"blind": ", ".join(long), "hours": f"{hours:.0f}"})


def version_drift(host: HostView, _settings: PolicySettings) -> Outcome:
    """Boards of one kind in this host run different versions of what they carry."""
    if not can_ask(host):
        return Answer.CANNOT_TELL
    kinds: dict[str, list[GpuView]] = {}
    for gpu in here(host):
        if kind_of(gpu):
            kinds.setdefault(kind_of(gpu), []).append(gpu)
    drifts = []
    for alike in kinds.values():
        boards = [(gpu, gpu.record.board) for gpu in alike]
        drifts += _drift("VBIOS", ((gpu, board.vbios) for gpu, board in boards))
        drifts += _drift("InfoROM", ((gpu, board.inforom) for gpu, board in boards))
    return Match(facts={"drift": "; ".join(drifts)}) if drifts else Answer.NO


def _drift(what: str, versions: Iterable[tuple[GpuView, str]]) -> list[str]:
    """The fewer first: they are what people will look for. Nothing when all are of one version."""
    carried: dict[str, list[str]] = {}
    for gpu, version in versions:
        if version:
            carried.setdefault(version, []).append(name_of(gpu))
    if len(carried) < 2:  # noqa: PLR2004 - a difference needs two
        return []
    *fewer, (usual, most) = sorted(carried.items(), key=lambda item: (len(item[1]), item[0]))
    told = [f"{version} on {', '.join(gpus)}" for version, gpus in fewer]
    others = most[0] if len(most) == 1 else f"the other {len(most)}"
    return [f"{what} {', '.join(told)}, {usual} on {others}"]


def clock_unsynchronized(host: HostView, _settings: PolicySettings) -> Outcome:
    """The kernel does not hold the wall clock for synchronised."""
    if host.clock_synchronized is None:
        return Answer.CANNOT_TELL
    return Answer.NO if host.clock_synchronized else Match()


def persistence_off(host: HostView, _settings: PolicySettings) -> Outcome:
    """The driver is unloaded for GPUs that nobody uses, and loses their volatile counters."""
    told = [(gpu, number(gpu, PERSISTENCE)) for gpu in here(host)] if can_ask(host) else []
    off = [name_of(gpu) for gpu, enabled in told if enabled == 0]
    if off:
        return Match(facts={"gpus": ", ".join(off)})
    return Answer.NO if told and all(value is not None for _, value in told) else Answer.CANNOT_TELL
