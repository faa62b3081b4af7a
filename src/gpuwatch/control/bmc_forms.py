"""BMC forms: what can be asked of the agent about BMCs and their event logs."""

from gpuwatch.control.forms import YEAR_3000, Access, Field, FieldKind, RequestForm, text
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic

MOST_ENTRIES = 5_000  # as many as history keeps of one BMC; their answer stays under its limit

_BMC = text("bmc")  # its name in the settings, with or without bmc. in front, or its host

# fmt: off - a table reads by rows
BMC_FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "bmcs",
        Access.READING,
        "Every BMC, each with the latest entries of its logs.",
        '{"bmcs": bmc_documents.bmcs_document}',
    ),
    RequestForm(
        "bmc",
        Access.READING,
        "One BMC with its sensors, supplies and log entries.",
        "bmc_documents.bmc_document",
        (_BMC,),
    ),
    RequestForm(
        "explain-bmc",
        Access.READING,
        "One BMC explained: what to do, and why.",
        "bmc_explanation.bmc_explanation",
        (_BMC,),
    ),
    RequestForm(
        "bmc-accept",
        Access.CHANGING,
        "The server of one BMC is as it should be: what it has no longer is not missed any more.",
        '{"accepted": NAME, "gone": [PART, ...]}',
        (_BMC, text("reason")),
    ),
    RequestForm(
        "bmc-log",
        Access.READING,
        "Entries of the event logs of one BMC, or of all, the latest first.",
        "bmc_log_documents.log_document",
        (
            text("bmc", ""),
            text("severity", LogSeverity.INFO.value, *LogSeverity),  # at least so grave
            text("topic", "", "", *LogTopic),
            Field("since", FieldKind.NUMBER, default=0.0, least=0.0, most=YEAR_3000),
            Field("limit", FieldKind.NUMBER, default=100.0, least=1.0, most=MOST_ENTRIES),
        ),
    ),
)
# fmt: on
