"""Work forms: what people ask of the agent who work on the host: maintenance, and the driver."""

from gpuwatch.control.forms import DAY, YEAR_3000, Access, Field, FieldKind, RequestForm, text

_CENTURY = 36_525 * DAY

# fmt: off - a table reads by rows
WORK_FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "maintenance-begin",
        Access.CHANGING,
        "Somebody works on this host, one board, or what a BMC watches.",
        '{"maintenance": {...}} with its identity',
        (
            text("scope", None, "host", "board", "bmc"),
            text("board", ""),
            text("bmc", ""),
            # Unix seconds, or else seconds from now by the agent's clock.
            Field("until", FieldKind.NUMBER, default=0.0, least=0.0, most=YEAR_3000),
            Field("seconds", FieldKind.NUMBER, default=0.0, least=0.0, most=_CENTURY),
            text("reason"),
            text("ticket", ""),
            Field("release", FieldKind.FLAG, default=False),
        ),
    ),
    RequestForm(
        "maintenance-end",
        Access.CHANGING,
        "That work is done.",
        '{"ended": [IDENTITY, ...]}',
        (text("identity"),),
    ),
    RequestForm(
        "maintenance-list",
        Access.READING,
        "Work that is going on.",
        '{"maintenance": [{...}, ...]}',
    ),
    RequestForm(
        "release",
        Access.CHANGING,
        "Let go of the driver; answers once nothing holds it.",
        '{"released_until": UNIX_SECONDS}',
        (Field("seconds", FieldKind.NUMBER, least=1.0, most=DAY), text("reason", "")),
    ),
    RequestForm(
        "resume",
        Access.CHANGING,
        "Ask the driver again, now.",
        '{"resumed": true}; false when nothing was released',
    ),
)
# fmt: on
