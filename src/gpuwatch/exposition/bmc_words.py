"""BMC words: what a BMC's document says in sentences, for the page and the command line alike."""

from collections.abc import Iterable

from gpuwatch.exposition.bmc_shapes import (
    BmcGpuShape,
    BmcShape,
    LogEntryShape,
    LogStatusShape,
    SensorShape,
    SupplyShape,
)
from gpuwatch.exposition.words import amount, plural

PROTOCOLS = {"ipmi": "IPMI", "ipmi-local": "IPMI in band", "redfish": "Redfish"}
GAPS = {
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
BAD = ("critical", "warning")


def trouble(bmc: BmcShape) -> str:
    """Why it tells nothing at present, or cannot be asked any more; "" while it answers."""
    last = "" if bmc["swept_at"] is None else f"its last answer was at {moment(bmc['swept_at'])}"
    if bmc["trouble"] is not None:
        since = "" if bmc["trouble_since"] is None else f" since {moment(bmc['trouble_since'])}"
        problem = bmc["problem"].rstrip(".") or bmc["trouble"].replace("_", " ")
        told = f"has not been readable{since}: {problem}"
        return told if bmc["fresh"] or not last else f"{told}; {last}"
    if bmc["fresh"]:
        return ""
    if bmc["problem"]:
        return f"is not asked: {bmc['problem']}"
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


def power(bmc: BmcShape) -> str:
    """`on, 4,812 W`: whether the server is on, and what it draws."""
    return ", ".join(filter(None, (switch(bmc), reading(bmc["watts"], "watts"))))


def switch(bmc: BmcShape) -> str:
    """Whether the server is on, in a word."""
    chassis = bmc["chassis"]
    on = None if chassis is None else chassis["power_on"]
    return {True: "on", False: "off", None: "on or off: not told"}[on]


def supplies(bmc: BmcShape) -> str:
    """How many supplies are well, and what the others are."""
    everyone = bmc["supplies"]
    others = [f"{one['name']} {one['word']}" for one in everyone if not _is_well(one)]
    return count_well(len(everyone), len(everyone) - len(others), others)


def supplies_short(bmc: BmcShape) -> str:
    """`5 of 6 well`, "" where it tells of none."""
    everyone = bmc["supplies"]
    return count_well(len(everyone), sum(map(_is_well, everyone)), [])


def fans_short(bmc: BmcShape) -> str:
    """`7 of 8 well`, "" where it tells of none."""
    everyone = fans(bmc)
    return count_well(len(everyone), sum(map(turns_well, everyone)), [])


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


def entry(one: LogEntryShape) -> str:
    """What an entry says, without the name of its sensor, and that it is an end."""
    told = one["text"].removeprefix(f"{one['sensor']}: ") if one["sensor"] else one["text"]
    ended = one["asserted"] is False and "deassert" not in told.lower()
    return f"{told} (ended)" if ended else told


def gpu(one: BmcGpuShape) -> str:
    """What a BMC tells of one GPU."""
    counts = [
        f"{name.replace('_', ' ')} {count:,}"
        for name, count in sorted(one["counts"].items())
        if count
    ]
    told = [
        "" if one["health"] is None else f"the BMC calls it {one['health']}",
        reading(one["temperature_celsius"], "celsius"),
        labelled("memory", reading(one["memory_temperature_celsius"], "celsius")),
        reading(one["power_watts"], "watts"),
        "a row remap has failed" if one["row_remap_failed"] else "",
        "a row remap waits" if one["row_remap_pending"] else "",
        "beyond the SRAM threshold" if one["sram_threshold_exceeded"] else "",
        *(counts or ["no errors counted"] * bool(one["counts"])),
    ]
    return ", ".join(filter(None, told)) or "nothing but its name"


def sensor_reading(one: SensorShape) -> str:
    """What a sensor tells: its number, what it asserts, or why it tells nothing."""
    if one["gap"] is not None:
        return f"unknown: {GAPS[one['gap']]}"
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


def turns_well(sensor: SensorShape) -> bool:
    """Whether a fan turns and the BMC warns of nothing."""
    return bool(sensor["value"]) and sensor["health"] not in BAD


def count_well(number: int, well: int, others: Iterable[str]) -> str:
    """`5 of 6 well: PS3 failed`; "" of none."""
    if not number:
        return ""
    told = ", ".join(others)
    return f"{well} of {number} well" + (f": {told}" if told else "")


def labelled(label: str, text: str) -> str:
    """The text with its label in front, "" for no text."""
    return f"{label} {text}" if text else ""
