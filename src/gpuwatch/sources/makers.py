"""Makers: the words that they leave where nobody wrote anything, which say nothing of a server."""

import re

_FILLERS = re.compile(
    r"[0.\s_-]*|x+|n/?a|none|null|unknown"
    r"|0?123456789(0|abc.*)?|asset-?1234567890|no asset.*"
    r"|(not (specified|available|applicable)|default string|to be filled|xxx).*"
    r"|system (manufacturer|product name|serial number)|chassis serial number",
    re.IGNORECASE,
)


def told(text: str) -> str:
    """The text of an identity without blanks around it; "" for one of those that stand for none."""
    text = text.strip()
    return "" if _FILLERS.fullmatch(text) else text
