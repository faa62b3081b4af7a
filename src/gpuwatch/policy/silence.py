"""Silence: a consequence says nothing while its cause holds."""

from collections.abc import Collection, Iterable

from gpuwatch.domain.verdicts import Finding, Urgency
from gpuwatch.policy.rules import Rule


def without_consequences(
    held: Iterable[Finding],
    causes: Collection[str],
    rules: Iterable[Rule],
    not_paging: frozenset[str],
) -> tuple[Finding, ...]:
    """The findings whose cause is neither among them nor among `causes`.

    A cause that is kept from paging hushes no consequence that may page.
    """
    found = tuple(held)
    if not found:
        return ()
    codes = {*causes, *(finding.code for finding in found)}
    loud = codes - not_paging
    silent = {
        rule.code
        for rule in rules
        if not (loud if _pages(rule, not_paging) else codes).isdisjoint(rule.silenced_by)
    }
    return tuple(finding for finding in found if finding.code not in silent)


def _pages(rule: Rule, not_paging: frozenset[str]) -> bool:
    return rule.urgency is Urgency.PAGE and rule.code not in not_paging
