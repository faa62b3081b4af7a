"""BMC page: one BMC for a person: what was found, every sensor, supply, GPU and log entry."""

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Finding
from gpuwatch.exposition import bmc_words as words
from gpuwatch.exposition.bmc_cells import entries_table, facts_list, trouble_line
from gpuwatch.exposition.bmc_documents import bmc_document
from gpuwatch.exposition.bmc_shapes import BmcGpuShape, BmcShape, SensorShape, SupplyShape
from gpuwatch.exposition.bmc_steps import bmc_step
from gpuwatch.exposition.bmc_views import server_of
from gpuwatch.exposition.cells import badge, by_urgency, facts, section, table, unknown
from gpuwatch.exposition.finding_cells import finding_article
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.words import span

_NOT_TOLD = tag("span", "not told", class_="quiet")
_HEALTHS = ("critical", "warning", None, "nominal")


def bmc_page(snapshot: Snapshot, bmc: BmcState, stalled_seconds: float | None = None) -> bytes:
    """The whole page of one BMC; times are by this host's clock."""
    told = bmc_document(snapshot, bmc)
    return frame(
        snapshot,
        f"BMC {bmc.name} of {server_of(snapshot, bmc)}",
        _summary(snapshot, bmc, told),
        section("Findings", *_findings(snapshot, bmc)),
        section("At present", facts_list(told) if bmc.fresh else _nothing(told)),
        *_supplies(told),
        *_gpus(told),
        section("Sensors", _sensors(told)),
        section("Event log", _counts(told), entries_table(told["entries"]), _further(bmc)),
        section("Identity", _identity(told)),
        stalled_seconds=stalled_seconds,
    )


def _summary(snapshot: Snapshot, bmc: BmcState, told: BmcShape) -> Markup:
    since = span(max(snapshot.at.wall - bmc.verdict_since, 0.0))
    because = f" It is unknown because {bmc.unknown_because}." if bmc.unknown_because else ""
    return tag(
        "section",
        tag("h1", badge(bmc.verdict), f" {server_of(snapshot, bmc)}, BMC {bmc.name}"),
        tag("p", f"{words.headline(told)}; so for {since}.{because}", class_="lead"),
        trouble_line(told),
        class_=f"summary {bmc.verdict.value.replace('_', '-')}",
    )


def _findings(snapshot: Snapshot, bmc: BmcState) -> list[Markup]:
    found = [_finding(snapshot, bmc, one) for one in by_urgency(bmc.findings)]
    nothing = "Nothing found." if bmc.fresh else "Nothing found, and nothing is told at present."
    return found or [tag("p", nothing, class_="quiet")]


def _finding(snapshot: Snapshot, bmc: BmcState, finding: Finding) -> Markup:
    return finding_article(snapshot, finding, bmc_step(snapshot, bmc, finding))


def _nothing(told: BmcShape) -> Markup:
    return tag("p", unknown(f"the BMC {words.trouble(told)}"))


def _supplies(told: BmcShape) -> list[Markup]:
    rows = [(None, _supply_row(one)) for one in told["supplies"]]
    headings = ("supply", "is", "present", "the BMC calls it")
    return [section("Power supplies", table(headings, rows, ""))] if rows else []


def _supply_row(one: SupplyShape) -> tuple[str, ...]:
    present = {True: "yes", False: "no", None: _NOT_TOLD}[one["present"]]
    return one["name"], one["word"], present, one["health"] or _NOT_TOLD


def _gpus(told: BmcShape) -> list[Markup]:
    rows = [(one["health"], _gpu_row(one)) for one in told["gpus"]]
    headings = ("GPU", "serial", "board here", "the BMC tells")
    return [section("GPUs", table(headings, rows, ""))] if rows else []


def _gpu_row(one: BmcGpuShape) -> tuple[str, ...]:
    board = one["board"]
    here = join("none") if board is None else tag("a", board, href=f"/gpu/{board}")
    serial = tag("code", one["serial"]) if one["serial"] else _NOT_TOLD
    return one["name"], serial, here, words.gpu(one)


def _sensors(told: BmcShape) -> Markup:
    ordered = sorted(told["sensors"], key=lambda one: _HEALTHS.index(one["health"]))
    rows = ((one["health"], _sensor_row(one)) for one in ordered)
    return table(("sensor", "reading", "the BMC calls it", "part"), rows, "No sensor is told.")


def _sensor_row(one: SensorShape) -> tuple[str, ...]:
    text = words.sensor_reading(one)
    health = one["health"] or _NOT_TOLD
    return one["label"], _marked(text), health, one["part"]


def _marked(text: str) -> str:
    """The text; what begins with `unknown: ` in its colour."""
    reason = text.removeprefix("unknown: ")
    return text if reason == text else unknown(reason)


def _counts(told: BmcShape) -> Markup:
    counted = [
        f"{number:,} {severity} about {topic}"
        for topic, by_severity in told["counts"].items()
        for severity, number in by_severity.items()
        if number
    ]
    since = ", ".join(counted) or "none"
    return tag("p", f"Entries since gpuwatch watches this BMC: {since}.")


def _further(bmc: BmcState) -> Markup:
    command = tag("code", f"gpuwatch sel {bmc.name}")
    return tag("p", "These are the latest; ", command, " prints all that are kept.", class_="quiet")


def _identity(told: BmcShape) -> Markup:
    one = told["identity"]
    suite = one["cipher_suite"]
    return facts(
        [
            ("server", told["server"]),
            ("manufacturer", one["manufacturer"]),
            ("product", one["product"]),
            ("part number", one["part_number"]),
            ("serial", one["serial"]),
            ("board serial", one["board_serial"]),
            ("asset tag", one["asset_tag"]),
            ("BMC firmware", one["firmware"]),
            ("BIOS", one["bios"]),
            ("GUID", one["guid"]),
            ("protocol", words.PROTOCOLS[told["protocol"]]),
            ("address", told["address"]),
            ("cipher suite", "" if suite is None else str(suite)),
        ]
    )
