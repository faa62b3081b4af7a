"""BMC cells: a BMC as a panel, many as a table, their findings and log entries as tables."""

from collections.abc import Iterable

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.exposition import bmc_words as words
from gpuwatch.exposition.bmc_documents import bmc_document
from gpuwatch.exposition.bmc_facts import facts as bmc_facts
from gpuwatch.exposition.bmc_shapes import BmcFindingShape, BmcGpuShape, BmcShape, LogEntryShape
from gpuwatch.exposition.bmc_views import others, own, server_of
from gpuwatch.exposition.cells import badge, facts, section, table, unknown
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.words import URGENCIES, plural

_PANEL_ENTRIES = 8
_SERVER_HEADINGS = ("server", "verdict", "power", "inlet", "supplies", "fans", "why")
_FINDING_HEADINGS = ("finding", "act", "since", "why", "next step")
_ENTRY_HEADINGS = ("when", "severity", "about", "sensor", "entry")


def bmc_panels(snapshot: Snapshot) -> Markup:
    """The BMCs of this host, a panel each; nothing where it has none."""
    panels = [_panel(snapshot, bmc) for bmc in own(snapshot)]
    return section("BMC", *panels) if panels else join()


def servers_section(snapshot: Snapshot) -> Markup:
    """The other hosts that are watched through their BMCs, the worst first; else nothing."""
    far = others(snapshot)
    if not far:
        return join()
    rows = ((_row_class(bmc), _server_row(snapshot, bmc)) for bmc in far)
    return section("Other servers", table(_SERVER_HEADINGS, rows, ""))


def bmc_link(bmc: BmcState, text: str) -> Markup:
    """A text that leads to the BMC's own page."""
    return tag("a", text, href=f"/bmc/{bmc.name}")


def trouble_line(told: BmcShape) -> Markup:
    """Why it tells nothing at present; nothing when it does."""
    sentence = words.trouble(told)
    if not sentence:
        return join()
    told_so = tag("p", f"The BMC {sentence}.", class_="trouble")
    return join(told_so, tag("p", told["remedy"])) if told["remedy"] else told_so


def facts_list(told: BmcShape) -> Markup:
    """What it tells at present."""
    lines = bmc_facts(told)
    return facts(lines) if lines else join()


def findings_table(findings: Iterable[BmcFindingShape]) -> Markup:
    """Findings in the given order, each with its next step."""
    rows = (
        (
            None,
            (
                tag("a", one["code"], href=one["runbook"]),
                URGENCIES[Urgency(one["urgency"])],
                _time(one["since"]),
                one["sentence"],
                one["step"],
            ),
        )
        for one in findings
    )
    return table(_FINDING_HEADINGS, rows, "Nothing found about this server.")


def entries_table(entries: Iterable[LogEntryShape]) -> Markup:
    """Log entries in the given order, dated by this host's clock; the BMC's on hovering."""
    rows = ((_entry_class(one), _entry_row(one)) for one in entries)
    return table(_ENTRY_HEADINGS, rows, "No entry of its event logs is known.")


def gpu_facts(told: BmcGpuShape) -> Markup:
    """What a BMC tells of one GPU, with a link to the BMC."""
    name = tag("a", f"BMC {told['bmc']}", href=f"/bmc/{told['bmc']}")
    return tag("p", name, f" on {told['name']}: {words.gpu(told)}.")


def _panel(snapshot: Snapshot, bmc: BmcState) -> Markup:
    told = bmc_document(snapshot, bmc)
    found = told["findings"]
    shown = told["entries"][:_PANEL_ENTRIES]
    more = tag("p", bmc_link(bmc, "All sensors and log entries"))
    return tag(
        "article",
        tag("h3", badge(bmc.verdict), " ", bmc_link(bmc, bmc.name)),
        tag("p", words.headline(told), class_="quiet"),
        trouble_line(told),
        findings_table(found) if found else join(),
        facts_list(told),
        entries_table(shown) if shown else join(),
        more,
    )


def _server_row(snapshot: Snapshot, bmc: BmcState) -> tuple[str, ...]:
    told = bmc_document(snapshot, bmc, entries=0)
    blind = words.trouble(told) if not bmc.fresh else ""
    measured = (
        words.power(told),
        words.reading(told["inlet_celsius"], "celsius"),
        words.supplies_short(told),
        words.fans_short(told),
    )
    server = tag("span", bmc_link(bmc, server_of(snapshot, bmc)), class_="number")
    name = join(server, tag("br"), tag("small", bmc.name))
    nothing = unknown("no answer") if blind else unknown("not told")
    cells = (text if text and not blind else nothing for text in measured)
    return (name, badge(bmc.verdict), *cells, _why(told))


def _why(told: BmcShape) -> Markup:
    reasons = [f"The BMC {words.trouble(told)}."] if words.trouble(told) else []
    reasons += [one["sentence"] for one in told["findings"][:1]]
    if len(told["findings"]) > 1:
        reasons.append(f"and {plural(len(told['findings']) - 1, 'more finding')}")
    return join(*(tag("p", one) for one in reasons)) if reasons else join("nothing found")


def _entry_row(one: LogEntryShape) -> tuple[str, ...]:
    old = " (before gpuwatch)" if one["baseline"] else ""
    return (
        join(_time(one["at"], _own_time(one)), old),
        one["severity"],
        one["topic"],
        one["sensor"],
        words.entry(one),
    )


def _own_time(one: LogEntryShape) -> str:
    told_at = one["told_at"]
    return "the BMC gave no time" if told_at is None else f"{told_at} by the BMC's clock"


def _time(instant: str, title: str | None = None) -> Markup:
    return tag("time", words.moment(instant), datetime=instant, title=title or instant)


def _entry_class(one: LogEntryShape) -> str | None:
    return "past" if one["baseline"] else one["severity"]


def _row_class(bmc: BmcState) -> str:
    return bmc.verdict.value.replace("_", "-")
