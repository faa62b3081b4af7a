"""BMC facts: what a BMC tells at present, a line each, for the page and the command line alike."""

from collections.abc import Iterator

from gpuwatch.exposition.bmc_shapes import BmcShape
from gpuwatch.exposition.bmc_words import (
    BAD,
    GAPS,
    count_well,
    fans,
    labelled,
    log,
    moment,
    reading,
    sensor_reading,
    supplies,
    switch,
    turns_well,
)
from gpuwatch.exposition.words import amount, listed, plural

_REDUNDANCIES = {
    "full": "full",
    "degraded": "degraded, still one to spare",
    "lost": "lost, none to spare",
    "insufficient": "insufficient, not enough left",
}
_FAULTS = {
    "power": "power fault",
    "overload": "power overload",
    "interlock": "interlock",
    "drive": "drive fault",
    "cooling": "cooling fault",
    "intrusion": "intrusion",
}
_LOSSES = {
    "input": "the input was lost",
    "overload": "overload",
    "interlock": "interlock",
    "fault": "a power fault",
}


def facts(bmc: BmcShape) -> list[tuple[str, str]]:
    """What it tells at present, a line each; nothing once that is too old."""
    if not bmc["fresh"]:
        return []
    suite = bmc["identity"]["cipher_suite"]
    weak = "" if suite in (None, 17) else f"cipher suite {suite} (17 is wanted)"
    lines = (
        ("server", _power_since(bmc)),
        ("chassis", _chassis(bmc)),
        ("inlet", reading(bmc["inlet_celsius"], "celsius")),
        ("supplies", supplies(bmc)),
        ("redundancy", _redundancy(bmc)),
        ("fans", _fans(bmc)),
        ("sensors", _sensors(bmc)),
        ("watchdog", _watchdog(bmc)),
        ("clock", _clock(bmc["clock_skew_seconds"])),
        ("event log", "; ".join((*map(log, bmc["logs"]), *_lost(bmc)))),
        ("firmware", "the BMC starts, or its firmware is being written" * bool(bmc["updating"])),
        ("session", weak),
        ("not told", ", ".join(f"{part} ({GAPS[gap]})" for part, gap in bmc["gaps"].items())),
    )
    return [(name, text) for name, text in lines if text]


def _power_since(bmc: BmcShape) -> str:
    chassis = bmc["chassis"]
    since = None if chassis is None else chassis["power_since"]
    on = switch(bmc) + ("" if since is None else f" since {moment(since)}")
    return ", ".join(filter(None, (on, labelled("draws", reading(bmc["watts"], "watts")))))


def _chassis(bmc: BmcShape) -> str:
    chassis = bmc["chassis"]
    if chassis is None:
        return ""
    told = (
        ", ".join(_FAULTS[fault] for fault, holds in chassis["faults"].items() if holds),
        labelled(
            "last power loss:", listed(tuple(_LOSSES[one] for one in chassis["power_losses"]))
        ),
        labelled("last start:", chassis["restart_cause"]),
    )
    return "; ".join(filter(None, told))


def _redundancy(bmc: BmcShape) -> str:
    return "; ".join(
        f"{one['name']} {_REDUNDANCIES[one['state']] if one['state'] else 'not told'}"
        for one in bmc["redundancies"]
    )


def _fans(bmc: BmcShape) -> str:
    everyone = fans(bmc)
    bad = [
        f"{one['label']} {sensor_reading(one)} ({one['health'] or 'not told'})"
        for one in everyone
        if not turns_well(one)
    ]
    speeds = [one["value"] for one in everyone if turns_well(one) and one["value"] is not None]
    told = count_well(len(everyone), len(everyone) - len(bad), bad)
    if not speeds:
        return told
    unit, least, most = everyone[0]["unit"], min(speeds), max(speeds)
    between = "" if least == most else f"{reading(least, unit)} to "
    return f"{told}; those well turn at {between}{reading(most, unit)}"


def _sensors(bmc: BmcShape) -> str:
    everyone = bmc["sensors"]
    if not everyone:
        return ""
    told = [plural(len(everyone), "sensor")]
    for health in BAD:
        names = tuple(one["label"] for one in everyone if one["health"] == health)
        told.append(f"{len(names)} {health} ({listed(names)})" if names else f"none {health}")
    silent = sum(one["gap"] is not None for one in everyone)
    return ", ".join(told) + (f", {silent} without an answer" if silent else "")


def _watchdog(bmc: BmcShape) -> str:
    watchdog = bmc["watchdog"]
    if watchdog is None:
        return ""
    expired = f", expired: {watchdog['expired']}" if watchdog["expired"] else ""
    return f"{'runs' if watchdog['running'] else 'does not run'}{expired}"


def _clock(skew: float | None) -> str:
    if skew is None:
        return ""
    seconds = round(abs(skew), 1)
    if not seconds:
        return "as this host's"
    return f"{amount(seconds)} s {'ahead of' if skew > 0 else 'behind'} this host's"


def _lost(bmc: BmcShape) -> Iterator[str]:
    if bmc["cleared"]:
        yield f"emptied by somebody {plural(bmc['cleared'], 'time')}"
    if bmc["wrapped"]:
        yield f"overwritten unread {plural(bmc['wrapped'], 'time')}"
