"""Rule file: the rule behind a flag as text: what it asks, by which source, and what it means."""

from gpuwatch.cli.output import fact, wrapped
from gpuwatch.cli.runbook_lines import runbook_lines
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.exposition.runbooks import runbook_of

_COLUMNS = 80
_SECONDS_PER_HOUR = 3600.0


def rule_file(told: EvidenceShape) -> bytes:
    """The text; "" for evidence without a rule."""
    rule = told["rule"]
    if rule is None:
        return b""
    due = rule["due_seconds"]
    rows = (
        ("holds when", rule["when"]),
        ("timing", rule["timing"]),
        ("says", rule["says"]),
        ("said here", told["flag"]["sentence"]),
        ("remedy", rule["remedy"].replace("_", " ")),
        ("RMA", rule["rma"].replace("_", " ")),
        ("due within", f"{due / _SECONDS_PER_HOUR:g} h" if due else ""),
        ("clears", rule["clears"]),
        ("escalates", rule["escalates"]),
        ("source", rule["source"]),
        ("rule set", told["rules_version"]),
    )
    lines = [f"Rule {rule['code']}", ""]
    for name, text in rows:
        lines += fact(name, text) if text else []
    lines += ["", *wrapped("Words in braces are filled with what was found.")]
    page = runbook_of(rule["code"])
    if page is not None:
        lines += ["", "WHAT PEOPLE ON CALL ARE TOLD ABOUT IT", ""]
        lines += runbook_lines(page.markdown, _COLUMNS)
    return ("\n".join(lines) + "\n").encode(errors="backslashreplace")
