"""Status: how the host and its GPUs are, for people in 80 columns and for scripts."""

from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.bmc_lines import bmc_details, bmc_table, worst_first
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.flags import taken_up
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, paragraph, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.exposition.words import plural, span

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import BmcShape
    from gpuwatch.exposition.finding_shapes import FindingShape
    from gpuwatch.exposition.flag_shapes import FlagShape
    from gpuwatch.exposition.shapes import (
        BackupsShape,
        GpuShape,
        SnapshotShape,
        StatusShape,
    )

_WANT_A_PERSON = {"reset_at_window", "replace_at_window", "drain_now"}


def status(arguments: Namespace) -> int:
    """The whole host, or one GPU in full. Without an agent: what is remembered, and 69."""
    if arguments.gpu is not None:
        return _one(arguments)
    try:
        document = cast("SnapshotShape", request(arguments, "status"))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            document = remembered.snapshot()
            _print(arguments, document)
        return Exit.UNAVAILABLE
    _print(arguments, document)
    verdicts = [
        document["status"]["verdict"],
        *(gpu["verdict"] for gpu in document["gpus"] if gpu["managed"]),
        *(bmc["verdict"] for bmc in document["bmcs"] if bmc["host"]),
    ]
    return _exit(verdicts)


def _one(arguments: Namespace) -> int:
    try:
        gpu = cast("GpuShape", request(arguments, "gpu", gpu=arguments.gpu))
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            gpu = remembered.gpu(arguments.gpu)
            _print_one(arguments, gpu)
        return Exit.UNAVAILABLE
    _print_one(arguments, gpu)
    return _exit([gpu["verdict"]])


def _exit(verdicts: Iterable[str]) -> Exit:
    told = set(verdicts)
    if told & _WANT_A_PERSON:
        return Exit.ATTENTION
    return Exit.UNKNOWN if "unknown" in told else Exit.OK


def _print(arguments: Namespace, document: "SnapshotShape") -> None:
    if arguments.json:
        print_json(document)
        return
    head = document["status"]
    lines = _headline(head, document["bmcs"])
    if document["gpus"] or not document["bmcs"]:
        lines += ["", *_gpus(document["gpus"])]
    if document["bmcs"]:
        lines += ["", *bmc_table(worst_first(document["bmcs"]))]
    below = _findings("host", head["findings"])
    for gpu in document["gpus"]:
        below += _findings(_name(gpu), gpu["findings"])
    for bmc in worst_first(document["bmcs"]):
        below += bmc_details(bmc)
    below += _open_flags(document["flags"])
    print_lines([*lines, "", *below] if below else lines)


def _gpus(gpus: "Iterable[GpuShape]") -> list[str]:
    headings = ("GPU", "VERDICT", "SERIAL", "SLOT", "FINDINGS")
    return table(headings, ((_index(gpu), *_row(gpu)) for gpu in gpus))


def _open_flags(flags: "list[FlagShape]") -> list[str]:
    lines = []
    for flag in flags:
        if flag["state"] not in ("closed", "dismissed"):
            window = f", in window {flag['window_name']} at {at(flag['window_start'])}"
            lines += paragraph(
                f"flag {flag['number']}: {flag['serial'] or flag['uuid']} {flag['code']}:"
                f" {flag['state']}, {_taken(flag)}due {at(flag['due_at'])}"
                f"{window if flag['window_name'] else ', in no window yet'}",
                "  ",
            )
    return lines


def _taken(flag: "FlagShape") -> str:
    """Whether somebody has taken it up."""
    how = taken_up(flag)
    return "" if how == "-" else f"{how}, "


def _headline(head: "StatusShape", bmcs: "list[BmcShape]") -> list[str]:
    """How the host is in short; the sources of BMCs, which are told below, are not here."""
    below = {f"bmc.{bmc['name']}" for bmc in bmcs}
    others = len({bmc["host"] for bmc in bmcs if bmc["host"]})
    watched = f" and {plural(others, 'other server')}" if others else ""
    window = head["next_window"]
    lines = paragraph(
        f"{head['hostname']}{watched}: {head['gravest_verdict']}; {_watched(head)};"
        f" {at(head['at'], seconds=True)} UTC"
    )
    if window is not None:
        opens = "is open until" if window["open"] else "opens"
        when = window["end"] if window["open"] else window["start"]
        lines += paragraph(f"window {window['name']} {opens} {at(when)} UTC")
    for source in head["sources"]:
        if source["released"]:
            lines += paragraph(f"{source['name']}: released: {source['released_reason']}", "  ")
        elif source["name"] not in below and (source["problem"] or not source["fresh"]):
            told = source["problem"] or "no fresh readings"
            lines += paragraph(f"{source['name']}: {told}", "  ")
    for work in head["maintenance"]:
        whose = work["board"] or work["bmc"] or work["scope"]
        about = f"maintenance of {whose} until {at(work['until'])} UTC"
        lines += paragraph(f"{about}: {work['reason']}", "  ")
    lines += [line for why in head["degraded"] for line in paragraph(f"history: {why}", "  ")]
    return lines + (paragraph(_backups(head["backups"]), "  ") if head["backups"] else [])


def _backups(backups: "BackupsShape") -> str:
    """The newest, and what keeps the next from being made."""
    newest, age = backups["last_success"], backups["age_seconds"]
    told = ["backups: none is known yet"]
    if newest is not None and age is not None:
        told = [f"backups: the newest is of {at(newest)} UTC, {span(age)} old"]
    if backups["failing_since"] is not None:
        told.append(f"failing since {at(backups['failing_since'])} UTC: {backups['problem']}")
    elif backups["old"]:
        told.append("the next is overdue and has not failed: it may hang")
    return "; ".join(told)


def _watched(head: "StatusShape") -> str:
    """What there is to watch: GPUs, or on a host that looks for none the BMCs of others."""
    if head["bmcs"] and not head["gpus"]:
        return f"{plural(head['bmcs'], 'BMC')} watched, no GPUs"
    driver = head["epoch"]["driver_version"] if head["epoch"] is not None else ""
    return (
        f"{head['gpus_present']} of {head['gpus']} GPUs present; open flags: {head['flags_open']};"
        f" driver {driver or 'not known'}"
    )


def _index(gpu: "GpuShape") -> str:
    return "-" if gpu["index"] is None else str(gpu["index"])


def _row(gpu: "GpuShape") -> tuple[str, str, str, str]:
    codes = [finding["code"] for finding in gpu["findings"]]
    if not gpu["managed"]:
        codes.insert(0, "(another driver's)")
    elif not gpu["present"]:
        codes.insert(0, "(absent)")
    elif gpu["set_apart"]:
        codes.insert(0, "(set apart)")
    serial = gpu["serial"] or gpu["uuid"][:16]
    return gpu["verdict"], serial, gpu["slot"], " ".join(codes)


def _name(gpu: "GpuShape") -> str:
    return f"GPU {gpu['index']}" if gpu["index"] is not None else gpu["serial"] or gpu["uuid"]


def _findings(of: str, findings: list["FindingShape"]) -> list[str]:
    lines = []
    for finding in findings:
        since = f"since {at(finding['since'])}"
        text = f"{of}: {finding['route']}: {finding['code']} {since}: {finding['sentence']}"
        lines += paragraph(text, "  ")
    return lines


def _print_one(arguments: Namespace, gpu: "GpuShape") -> None:
    if arguments.json:
        print_json(gpu)
        return
    lines = [
        *identity(gpu),
        f"verdict {gpu['verdict']} since {at(gpu['verdict_since'])} UTC",
        *([] if not gpu["set_apart"] else paragraph(f"set apart: {gpu['set_apart']}", "  ")),
        *([] if not gpu["unknown_because"] else paragraph(gpu["unknown_because"], "  ")),
        *_findings(_name(gpu), gpu["findings"]),
    ]
    rows = [(_told({**answer}), key) for key, answer in gpu["readings"].items()]
    print_lines([*lines, "", *table(("VALUE", "SIGNAL"), rows)] if rows else lines)


def _told(answer: Mapping[str, object]) -> object:
    """A value, or the reason of the gap in its place."""
    if "gap" in answer:
        return f"({answer['gap']})"
    value = answer["value"]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def identity(gpu: "GpuShape") -> list[str]:
    """What a board is called, where it sits, and what it has counted."""
    place = f"slot {gpu['slot'] or 'not known'} ({gpu['pci_address'] or 'no address'})"
    errors = ", ".join(f"{memory} {count}" for memory, count in gpu["errors"].items()) or "none"
    return [
        *paragraph(f"{_name(gpu)}: {gpu['name']}, serial {gpu['serial'] or 'not readable'}"),
        *paragraph(f"{gpu['uuid']}, part {gpu['part_number'] or '-'}, {place}, {gpu['state']}"),
        f"seen {at(gpu['first_seen'])} to {at(gpu['last_seen'])} UTC",
        f"uncorrectable errors: {errors}; incidents: {len(gpu['incidents'])}",
    ]
