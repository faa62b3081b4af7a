"""Finding cells: one finding with its evidence, its end and its source, as pages show it."""

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.domain.verdicts import Finding
from gpuwatch.exposition.cells import code_link, facts, when
from gpuwatch.exposition.markup import Markup, tag
from gpuwatch.exposition.words import RMA_STANDINGS


def finding_article(snapshot: Snapshot, finding: Finding, act: str) -> Markup:
    """A finding, what to do about it and when, and everything it rests on."""
    told = [
        ("since", when(finding.since, snapshot)),
        ("act", act),
        ("return", RMA_STANDINGS[finding.rma] if finding.rma else ""),
        ("due", _due(snapshot, finding)),
        ("evidence", _evidence(finding)),
        ("ends when", finding.clears),
        ("gets worse by", finding.escalates),
        ("source", _source(finding.source)),
    ]
    return tag(
        "article",
        tag("h3", code_link(snapshot, finding.code)),
        tag("p", finding.sentence),
        facts(told),
    )


def _due(snapshot: Snapshot, finding: Finding) -> str:
    if finding.due is None:
        return ""
    return when(finding.since + finding.due.total_seconds(), snapshot)


def _evidence(finding: Finding) -> str:
    """The numbers behind the sentence; words that stand in the sentence are not said again."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in finding.evidence
        if value.replace(".", "").isdecimal() or value not in finding.sentence
    )


def _source(source: str) -> str:
    return tag("a", source, href=source) if source.startswith("https://") else source
