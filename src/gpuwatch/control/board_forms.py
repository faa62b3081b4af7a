"""Board forms: what can be asked of the agent about boards, also those that left."""

from gpuwatch.control.forms import Access, Field, FieldKind, RequestForm, text
from gpuwatch.domain.acceptances import DIAGNOSTIC_LIMIT
from gpuwatch.domain.known_boards import LINE_LIMIT

# fmt: off - a table reads by rows
BOARD_FORMS: tuple[RequestForm, ...] = (
    RequestForm(
        "boards",
        Access.READING,
        "Every board remembered.",
        '{"boards": [documents.gpu_document, ...]}, those that left included',
    ),
    RequestForm(
        "retire",
        Access.CHANGING,
        "A board has left this host for good.",
        '{"retired": SERIAL_OR_UUID}',
        (text("serial"), text("reason")),
    ),
    RequestForm(
        "boards-export",
        Access.READING,
        "What another host should know of boards; of flagged ones, or of all.",
        '{"boards": [LINE, ...]}, each a line of format gpuwatch-board/1',
        (Field("all", FieldKind.FLAG, default=False),),
    ),
    RequestForm(
        "boards-import",
        Access.CHANGING,
        "What another host knows of one board.",
        '{"new": true}; false when as much was known before',
        (Field("line", FieldKind.TEXT, longest=LINE_LIMIT),),
    ),
    RequestForm(
        "boards-accept",
        Access.CHANGING,
        "The result of a diagnostic on a board that came in; content is its output in base64.",
        '{"acceptance": documents of acceptance_documents}',
        (
            text("serial"),
            text("name"),
            text("result", None, "passed", "failed"),
            Field("content", FieldKind.TEXT, longest=4 * DIAGNOSTIC_LIMIT // 3 + 8),
        ),
    ),
)
# fmt: on
