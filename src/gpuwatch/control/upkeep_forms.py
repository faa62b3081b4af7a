"""Upkeep forms: what can be asked of the agent for its own sake: memory, alerts, what is amiss."""

from gpuwatch.control.forms import Access, Field, FieldKind, RequestForm, text

PART_BYTES = 4 << 20  # of a backup in one answer
_LARGEST = 1 << 40

# fmt: off - a table reads by rows
UPKEEP_FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "backup",
        Access.CHANGING,
        "Make a backup, to be fetched in parts; `to` is where it will lie, for the audit log.",
        '{"token": TOKEN, "bytes": SIZE}; it waits for ten minutes',
        (text("to"),),
    ),
    RequestForm(
        "backup-part",
        Access.CHANGING,
        "A part of a backup; the last part ends it.",
        '{"content": BASE64}, at most 4 MiB from the offset on',
        (text("token"), Field("offset", FieldKind.NUMBER, least=0.0, most=_LARGEST)),
    ),
    RequestForm(
        "alert-test",
        Access.CHANGING,
        "Send a marked test alert along one route, for a limited time.",
        '{"route": ROUTE, "until": UNIX_SECONDS}',
        (
            text("route", None, "page", "window", "info"),
            Field("seconds", FieldKind.NUMBER, default=600.0, least=1.0, most=3600.0),
        ),
    ),
    RequestForm(
        "alert-test-end",
        Access.CHANGING,
        "End the test alerts.",
        '{"ended": [ROUTE, ...]}',
    ),
    RequestForm(
        "doctor",
        Access.READING,
        "What the agent alone can tell of itself, with the status, also while its loop hangs.",
        "agent.doctor_requests.DoctorShape",
        (Field("metrics", FieldKind.FLAG, default=False),),
    ),
)
# fmt: on
