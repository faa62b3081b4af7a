"""Tables: the signals, the Xids and the rules that gpuwatch knows, for people and documents."""

from argparse import Namespace
from collections.abc import Iterable, Sequence

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import paragraph, print_json, print_lines, table
from gpuwatch.config.durations import format_duration
from gpuwatch.domain.signals import Kind
from gpuwatch.exposition.bmc_families import FIXED
from gpuwatch.exposition.bmc_rows import BMC_ROWS
from gpuwatch.policy.describe import condition_in_words, timing_in_words
from gpuwatch.policy.rules import RULES, RULES_VERSION, Rule
from gpuwatch.sources.nvml_signals import TABLE
from gpuwatch.sources.xids import BY_CODE, CATALOG_URL, XIDS, Xid, describe


def signals(arguments: Namespace) -> int:
    """Print every row of the signal table that is published; with --bmc those about BMCs."""
    if arguments.bmc:
        return _bmc_metrics(arguments)
    rows = [
        (row.key, row.kind.value, row.every.value, row.keep.value, row.help)
        for row in TABLE
        if row.kind is not Kind.TEXT
    ]
    names = ("signal", "kind", "cadence", "kept", "help")
    if arguments.json:
        print_json({"signals": [dict(zip(names, row, strict=True)) for row in rows]})
    elif arguments.markdown:
        print_lines(_markdown(names, rows))
    else:
        print_lines(table([name.upper() for name in names], rows))
    return Exit.OK


def _bmc_metrics(arguments: Namespace) -> int:
    names = ("metric", "kind", "labels", "help")
    if arguments.json:
        listed = [
            {
                "metric": row.name,
                "kind": row.type,
                "labels": [*FIXED, *row.labels],
                "help": row.help,
            }
            for row in BMC_ROWS
        ]
        print_json({"metrics": listed})
        return Exit.OK
    rows = [(row.name, row.type.value, " ".join(row.labels), row.help) for row in BMC_ROWS]
    if arguments.markdown:
        print_lines(_markdown(names, rows))
    else:
        print_lines(table([name.upper() for name in names], rows))
    return Exit.OK


def xids(arguments: Namespace) -> int:
    """Print what one Xid means, or all of them."""
    if arguments.code is not None:
        return _one_xid(arguments)
    names = ("xid", "mnemonic", "meaning", "immediate", "investigate")
    rows = [_facts(xid) for xid in XIDS]
    if arguments.json:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"source": CATALOG_URL, "xids": listed})
    elif arguments.markdown:
        print_lines(_markdown(names, rows))
    else:
        print_lines(table(("XID", "MNEMONIC", "MEANING"), [row[:3] for row in rows]))
    return Exit.OK


def _one_xid(arguments: Namespace) -> int:
    xid = BY_CODE.get(arguments.code)
    if arguments.json:
        told = {"xid": arguments.code, "known": xid is not None, "text": describe(arguments.code)}
        print_json(told)
    else:
        print_lines(paragraph(describe(arguments.code), "  "))
    return Exit.OK if xid is not None else Exit.USAGE


def _facts(xid: Xid) -> tuple[int, str, str, str, str]:
    return xid.code, xid.mnemonic, xid.meaning, xid.immediate.value, xid.investigate.value


def rules(arguments: Namespace) -> int:
    """Print every rule: when it holds, how urgent it is and what to do; or its alerts."""
    if arguments.alerts is not None:
        from gpuwatch.cli.alert_rules import alert_rules  # noqa: PLC0415 - reads the settings

        return alert_rules(arguments)
    rows = [(one.code, one.scope.value, one.urgency.value, one.remedy.value) for one in RULES]
    if arguments.json:
        listed = [{name: _told(text) for name, text in _rule(rule)} for rule in RULES]
        print_json({"rules_version": RULES_VERSION, "rules": listed})
    elif arguments.markdown:
        print_lines(_markdown(("code", "scope", "urgency", "remedy"), rows))
        for rule in RULES:
            print_lines(_rule_section(rule))
    else:
        print_lines(table(("CODE", "SCOPE", "URGENCY", "REMEDY"), rows))
    return Exit.OK


def _rule(rule: Rule) -> list[tuple[str, str | tuple[str, ...]]]:
    """The columns of a rule by name; a column that says nothing is ""."""
    return [
        ("code", rule.code),
        ("scope", rule.scope.value),
        ("urgency", rule.urgency.value),
        ("remedy", rule.remedy.value),
        ("rma", rule.rma.value if rule.rma else ""),
        ("when", condition_in_words(rule.when)),
        ("timing", timing_in_words(rule)),
        ("due", format_duration(rule.due) if rule.due else ""),
        ("says", rule.because),
        ("clears", rule.clears),
        ("escalates", rule.escalates),
        ("silenced_by", rule.silenced_by),
        ("source", rule.source),
    ]


def _told(text: str | tuple[str, ...]) -> str | list[str]:
    return text if isinstance(text, str) else list(text)


def _rule_section(rule: Rule) -> list[str]:
    """One rule under a heading of its own, to which alerts and findings can point."""
    facts = [
        (name, text if isinstance(text, str) else ", ".join(f"`{code}`" for code in text))
        for name, text in _rule(rule)
        if name != "code"
    ]
    listed = [f"- {name.replace('_', ' ')}: {text}" for name, text in facts if text]
    return ["", f"## {rule.code}", "", *listed]


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    def line(cells: Iterable[object]) -> str:
        escaped = (str(cell).replace("|", "\\|") for cell in cells)
        return f"| {' | '.join(escaped)} |"

    return [line(headings), line("---" for _ in headings), *(line(row) for row in rows)]
