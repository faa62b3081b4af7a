"""Cells: the pieces that several pages show alike: a verdict, a reading, an instant, a table."""

from collections.abc import Iterable, Sequence

from gpuwatch.domain.readings import Gap
from gpuwatch.domain.signals import Kind
from gpuwatch.domain.snapshot import GpuState, Latest, Snapshot
from gpuwatch.domain.verdicts import Finding, Urgency, Verdict
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.runbooks import runbook_link
from gpuwatch.exposition.views import in_base_unit, index_of, slot_of
from gpuwatch.exposition.words import (
    GAPS,
    VERDICTS,
    amount,
    day,
    machine,
    minute,
    relative,
    second,
    span,
)

TEMPERATURE = "gpuwatch_gpu_temperature_celsius"
POWER = "gpuwatch_gpu_power_watts"
_SYMBOLS = {
    "celsius": "°C",
    "watts": "W",
    "joules": "J",
    "bytes": "B",
    "hertz": "Hz",
    "seconds": "s",
    "rpm": "rpm",
}
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_SCALED = {"joules", "bytes", "hertz"}


def badge(verdict: Verdict) -> Markup:
    """The verdict as a word in its colour."""
    return tag("span", VERDICTS[verdict], class_=f"badge {verdict.value.replace('_', '-')}")


def when(at: float | None, snapshot: Snapshot) -> Markup:
    """An instant relative to the snapshot, with the exact one on hovering; `never` for None."""
    if at is None:
        return tag("span", "never", class_="quiet")
    return tag("time", relative(at, snapshot.at.wall), datetime=machine(at), title=second(at))


def planned(at: float) -> Markup:
    """An instant to plan by, which breaks between the day and the time only."""
    return join(
        tag("span", day(at), class_="number"), " ", tag("span", minute(at), class_="number")
    )


def gpu_name(gpu: GpuState) -> str:
    """`GPU 3`; without an index the slot, and without one the UUID."""
    index, slot = index_of(gpu), slot_of(gpu)
    if index is not None:
        return f"GPU {index}"
    return f"GPU {gpu.record.key.uuid}" if slot is None else f"GPU in {slot.label}"


def gpu_link(gpu: GpuState) -> Markup:
    """The GPU's name, leading to its own page."""
    return tag("a", gpu_name(gpu), href=f"/gpu/{gpu.record.key.uuid}")


def slot_text(gpu: GpuState) -> str:
    """Where the board sits, for people."""
    slot = slot_of(gpu)
    return "slot unknown" if slot is None else slot.label


def serial_text(gpu: GpuState) -> str:
    """The serial, or what to do without one."""
    return gpu.record.key.serial or "serial not readable, identify by slot"


def serial(gpu: GpuState) -> Markup:
    """The serial as it is printed on the card."""
    known = gpu.record.key.serial
    return tag("code", known) if known else unknown(serial_text(gpu))


def unknown(reason: str) -> Markup:
    """What is not known, and why; never a dash that could mean anything."""
    return tag("span", f"unknown: {reason}", class_="unknown")


def blindness(gpu: GpuState, snapshot: Snapshot) -> str:
    """Why nothing of this GPU is shown at present; "" when its readings can be trusted."""
    if not gpu.managed:
        return "held by another driver"
    if not gpu.present:
        return "GPU not there"
    if gpu.fresh:
        return ""
    asked = [latest.at for latest in gpu.latest]
    if not asked:
        return "set apart" if gpu.set_apart else "not asked yet"
    return f"last answer {span(snapshot.at.wall - max(asked))} ago"


def reading(gpu: GpuState, key: str, snapshot: Snapshot) -> Markup:
    """The value of one signal, or why it is unknown."""
    reason = blindness(gpu, snapshot)
    if reason:
        return unknown(reason)
    latest = next((latest for latest in gpu.latest if latest.signal.key == key), None)
    return unknown("not asked yet") if latest is None else answer(latest)


def answer(latest: Latest) -> Markup:
    """One answer with its unit, or its gap with the reason."""
    value = in_base_unit(latest)
    if isinstance(value, Gap):
        return unknown(GAPS[value.reason])
    if isinstance(value, str) or latest.signal.kind is Kind.TEXT:
        return join(str(value))
    return tag("span", _with_unit(value, latest.signal.unit.suffix), class_="number")


def _with_unit(value: float, suffix: str) -> str:
    if suffix == "ratio":
        return f"{value * 100:.4g} %"
    scale = next(
        ((step, letter) for step, letter in _SCALES if suffix in _SCALED and abs(value) >= step),
        (1.0, ""),
    )
    symbol = f"{scale[1]}{_SYMBOLS.get(suffix, '')}"
    return f"{amount(float(f'{value / scale[0]:.4g}'))} {symbol}" if symbol else amount(value)


def code_link(snapshot: Snapshot, code: str, text: str = "") -> Markup:
    """The code of a rule, or another text, leading to its runbook."""
    return tag("a", text or code, href=runbook_link(snapshot.runbook_url, code))


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """The most urgent first, of equals the oldest."""
    order = list(Urgency)
    return sorted(findings, key=lambda finding: (order.index(finding.urgency), finding.since))


def table(
    headings: Sequence[str], rows: Iterable[tuple[str | None, Sequence[str]]], empty: str
) -> Markup:
    """A table that becomes a stack of cards on a narrow screen; `empty` is said without rows.

    Each row is a class (or None) and its cells in the order of the headings.
    """
    body = [
        tag(
            "tr",
            *(
                tag("td", tag("div", cell), data_label=heading)
                for heading, cell in zip(headings, cells, strict=True)
            ),
            class_=row_class,
        )
        for row_class, cells in rows
    ]
    if not body:
        return tag("p", empty, class_="quiet")
    head = tag("tr", *(tag("th", heading, scope="col") for heading in headings))
    return tag("table", tag("thead", head), tag("tbody", *body))


def facts(told: Iterable[tuple[str, str]]) -> Markup:
    """Names with their values; what has no value is left out."""
    lines = (join(tag("dt", name), tag("dd", value)) for name, value in told if value)
    return tag("dl", *lines)


def section(title: str, *content: str) -> Markup:
    """A part of a page under its heading."""
    return tag("section", tag("h2", title), *content)
