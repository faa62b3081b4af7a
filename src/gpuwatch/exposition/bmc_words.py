"""BMC words: what a BMC's document says in sentences, for the page and the command line alike."""

from collections.abc import Iterable, Iterator

from gpuwatch.exposition.bmc_shapes import (
    BmcGpuShape,
    BmcShape,
    LogStatusShape,
    SensorShape,
    SupplyShape,
)
from gpuwatch.exposition.words import amount, listed, plural

PROTOCOLS = {"ipmi": "IPMI", "ipmi-local": "IPMI in band", "redfish": "Redfish"}
TROUBLES = {
    "unreachable": "does not answer",
    "timed_out": "has stopped to answer",
    "password": "refuses the password",
    "privilege": "does not let the account do what is asked",
    "no_session": "has no free session",
    "certificate": "shows a certificate that is not trusted",
    "device": "cannot be reached through its device",
    "protocol": "says what makes no sense",
    "failed": "is not asked: the child that asks it failed",
}
REDUNDANCIES = {
    "full": "full",
    "degraded": "degraded, still one to spare",
    "lost": "lost, none to spare",
    "insufficient": "insufficient, not enough left",
}
_GAPS = {
    "unsupported": "not supported",
    "denied": "no permission",
    "lost": "not answered",
    "timed_out": "timed out",
    "failed": "failed",
}
_SYMBOLS = {
    "celsius": "°C",
    "rpm": "rpm",
    "volts": "V",
    "amperes": "A",
    "watts": "W",
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
_BAD = ("critical", "warning")


def trouble(bmc: BmcShape) -> str:
    """Why it tells nothing at present, or that it does not answer any more; "" when it does."""
    last = "" if bmc["swept_at"] is None else f"its last answer was at {moment(bmc['swept_at'])}"
    if bmc["trouble"] is not None:
        since = "" if bmc["trouble_since"] is None else f", since {moment(bmc['trouble_since'])}"
        problem = bmc["problem"].rstrip(".")
        told = f"{TROUBLES[bmc['trouble']]}{since}: {problem or 'no more is known'}"
        return told if bmc["fresh"] or not last else f"{told}; {last}"
    if bmc["fresh"]:
        return ""
    return f"tells nothing at present; {last}" if last else "was not asked yet"


def headline(bmc: BmcShape) -> str:
    """Where and how it is asked, and of which machine it is."""
    identity = bmc["identity"]
    machine = " ".join(filter(None, (identity["manufacturer"], identity["product"])))
    told = (
        machine,
        f"serial {identity['serial']}" if identity["serial"] else "",
        f"BMC firmware {identity['firmware']}" if identity["firmware"] else "",
        f"{PROTOCOLS[bmc['protocol']]} at {bmc['address']}",
    )
    return ", ".join(filter(None, told))


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
        ("not told", ", ".join(f"{part} ({_GAPS[gap]})" for part, gap in bmc["gaps"].items())),
    )
    return [(name, text) for name, text in lines if text]


def power(bmc: BmcShape) -> str:
    """`on, 4,812 W`: whether the server is on, and what it draws."""
    return ", ".join(filter(None, (_switch(bmc), reading(bmc["watts"], "watts"))))


def _power_since(bmc: BmcShape) -> str:
    chassis = bmc["chassis"]
    since = None if chassis is None else chassis["power_since"]
    switch = _switch(bmc) + ("" if since is None else f" since {moment(since)}")
    return ", ".join(filter(None, (switch, _labelled("draws", reading(bmc["watts"], "watts")))))


def _switch(bmc: BmcShape) -> str:
    chassis = bmc["chassis"]
    on = None if chassis is None else chassis["power_on"]
    return {True: "on", False: "off", None: "on or off: not told"}[on]


def supplies(bmc: BmcShape) -> str:
    """How many supplies are well, and what the others are."""
    everyone = bmc["supplies"]
    others = [f"{one['name']} {one['word']}" for one in everyone if not _is_well(one)]
    return _count(len(everyone), len(everyone) - len(others), others)


def supplies_short(bmc: BmcShape) -> str:
    """`5 of 6 well`, "" where it tells of none."""
    everyone = bmc["supplies"]
    return _count(len(everyone), sum(map(_is_well, everyone)), [])


def fans_short(bmc: BmcShape) -> str:
    """`7 of 8 well`, "" where it tells of none."""
    everyone = fans(bmc)
    return _count(len(everyone), sum(map(_turns_well, everyone)), [])


def fans(bmc: BmcShape) -> list[SensorShape]:
    """The sensors that tell how the server's fans turn: their speed, else their duty."""
    of_fans = [one for one in bmc["sensors"] if one["part"] == "fan"]
    speeds = [one for one in of_fans if one["quantity"] == "fan_speed"]
    return speeds or [one for one in of_fans if one["quantity"] == "fan_duty"]


def log(one: LogStatusShape) -> str:
    """How full an event log is."""
    told = (
        "" if one["entries"] is None else plural(one["entries"], "entry"),
        "" if one["free_bytes"] is None else f"{one['free_bytes']:,} bytes free",
        "no room for more" if one["overflowed"] else "",
        "" if one["erased_at"] is None else f"emptied {moment(one['erased_at'])} by its own clock",
    )
    return f"{one['log']}: {', '.join(filter(None, told)) or 'nothing told'}"


def gpu(one: BmcGpuShape) -> str:
    """What a BMC tells of one GPU."""
    told = [
        "" if one["health"] is None else f"the BMC calls it {one['health']}",
        reading(one["temperature_celsius"], "celsius"),
        _labelled("memory", reading(one["memory_temperature_celsius"], "celsius")),
        reading(one["power_watts"], "watts"),
        "a row remap has failed" if one["row_remap_failed"] else "",
        "a row remap waits" if one["row_remap_pending"] else "",
        "beyond the SRAM threshold" if one["sram_threshold_exceeded"] else "",
        *(f"{name.replace('_', ' ')} {count:,}" for name, count in sorted(one["counts"].items())),
    ]
    return ", ".join(filter(None, told)) or "nothing but its name"


def sensor_reading(one: SensorShape) -> str:
    """What a sensor tells: its number, what it asserts, or why it tells nothing."""
    if one["gap"] is not None:
        return f"unknown: {_GAPS[one['gap']]}"
    told = (reading(one["value"], one["unit"]), ", ".join(one["states"]))
    nothing = "asserts nothing" if one["quantity"] == "state" else "no number"
    return "; ".join(filter(None, told)) or nothing


def reading(value: float | None, unit: str) -> str:
    """A number with its unit, "" for none."""
    if value is None:
        return ""
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    return f"{amount(value)} {_SYMBOLS.get(unit, unit)}".strip()


def moment(instant: str) -> str:
    """An instant of a document to the minute: `2026-03-14 03:06 UTC`."""
    return f"{instant[:16].replace('T', ' ')} UTC"


def _is_well(supply: SupplyShape) -> bool:
    return supply["word"] in ("well", "on standby")


def _turns_well(sensor: SensorShape) -> bool:
    return bool(sensor["value"]) and sensor["health"] not in _BAD


def _count(number: int, well: int, others: Iterable[str]) -> str:
    if not number:
        return ""
    told = ", ".join(others)
    return f"{well} of {number} well" + (f": {told}" if told else "")


def _labelled(label: str, text: str) -> str:
    return f"{label} {text}" if text else ""


def _chassis(bmc: BmcShape) -> str:
    chassis = bmc["chassis"]
    if chassis is None:
        return ""
    told = (
        ", ".join(_FAULTS[fault] for fault, holds in chassis["faults"].items() if holds),
        _labelled(
            "last power loss:", listed(tuple(_LOSSES[one] for one in chassis["power_losses"]))
        ),
        _labelled("last start:", chassis["restart_cause"]),
    )
    return "; ".join(filter(None, told))


def _redundancy(bmc: BmcShape) -> str:
    return "; ".join(
        f"{one['name']} {REDUNDANCIES[one['state']] if one['state'] else 'not told'}"
        for one in bmc["redundancies"]
    )


def _fans(bmc: BmcShape) -> str:
    everyone = fans(bmc)
    bad = [
        f"{one['label']} {sensor_reading(one)} ({one['health'] or 'not told'})"
        for one in everyone
        if not _turns_well(one)
    ]
    speeds = [one["value"] for one in everyone if _turns_well(one) and one["value"] is not None]
    told = _count(len(everyone), len(everyone) - len(bad), bad)
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
    for health in _BAD:
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
    side = "ahead of" if skew > 0 else "behind"
    return f"{amount(round(abs(skew), 1))} s {side} this host's"


def _lost(bmc: BmcShape) -> Iterator[str]:
    if bmc["cleared"]:
        yield f"emptied by somebody {plural(bmc['cleared'], 'time')}"
    if bmc["wrapped"]:
        yield f"overwritten unread {plural(bmc['wrapped'], 'time')}"
