"""Flag forms: what can be asked of the agent about flags and about the audit log."""

from gpuwatch.control.forms import YEAR_3000, Access, Field, FieldKind, RequestForm, text

LONGEST_AUDIT = 10_000

_NUMBER = Field("number", FieldKind.NUMBER, least=1.0, most=1e9)
_REASON = text("reason", "")
_CHANGED = (
    '{"flag": documents.flag_document, "written": whether it is on the disk and not only in memory}'
)


def _instant(name: str) -> Field:
    """Unix seconds; 0 where it is not asked for."""
    return Field(name, FieldKind.NUMBER, default=0.0, least=0.0, most=YEAR_3000)


def _change(verb: str, help_text: str, *fields: Field) -> RequestForm:
    return RequestForm(f"flag-{verb}", Access.CHANGING, help_text, _CHANGED, (_NUMBER, *fields))


# fmt: off - a table reads by rows
FLAG_FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "flags",
        Access.READING,
        "Every flag, those that have ended included.",
        '{"flags": [documents.flag_document, ...]}',
    ),
    RequestForm(
        "flag",
        Access.READING,
        "One flag.",
        '{"flag": documents.flag_document}',
        (_NUMBER,),
    ),
    _change("acknowledge", "Somebody has seen it.", _REASON),
    _change(
        "snooze",
        "It pages nobody until then.",
        # Unix seconds, or else seconds from now by the agent's clock.
        _instant("until"),
        Field("seconds", FieldKind.NUMBER, default=0.0, least=0.0, most=YEAR_3000),
        _REASON,
    ),
    _change(
        "schedule",
        "It is pinned to a window, or left to gpuwatch to plan.",
        text("window", ""),
        _instant("start"),
        Field("auto", FieldKind.FLAG, default=False),
        _REASON,
    ),
    _change("start", "Somebody has the board in hands.", _REASON),
    _change(
        "done",
        "Work on the board has ended without another board.",
        text("outcome", None, "reseated", "refused", "returned"),
        text("reason"),
    ),
    _change("dismiss", "The board need not be replaced on this evidence.", text("reason")),
    _change(
        "set",
        "What people write on it.",
        _instant("due"),
        text(
            "disposition", "", "undecided", "rma", "quarantine", "reset_and_watch", "run_to_failure"
        ),
        text("vendor_case", ""),
        text("fru", ""),
        _REASON,
    ),
    RequestForm(
        "work-order",
        Access.READING,
        "What a person at the rack needs to swap the board of one flag.",
        "work_orders.work_order",
        (_NUMBER,),
    ),
    RequestForm(
        "evidence",
        Access.READING,
        "All that is known of one flag and its board; what would be too large is cut, and says so.",
        "evidence_documents.evidence",
        (_NUMBER,),
    ),
    RequestForm(
        "audit",
        Access.READING,
        "Who changed what, when and why; the latest.",
        '{"audit": [documents.audit_document, ...], "more": whether there are older ones}',
        (
            _instant("since"),
            text("subject", ""),
            Field("limit", FieldKind.NUMBER, default=1_000.0, least=1.0, most=LONGEST_AUDIT),
        ),
    ),
)
# fmt: on
