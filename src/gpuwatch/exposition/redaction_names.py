"""Redaction names: how texts of kernels, BMCs, programs and people name people and hosts.

Each pattern has the name in its group `name`, and looks at a bounded number of characters from each
place on: a line may be one that somebody made to take hours.
"""

import re

_IS = r"\b[\"']?[ \t]{0,40}[:=][ \t]{0,9}[\"']?"  # between a key and its value
# Words behind "user" that name nobody.
_NOBODY = (
    r"(?!(?:a|account|all|and|any|bmc|driver|error|failed|false|gpu|has|host|id|in|is|kernel"
    r"|logged|login|logout|name|no|none|not|null|off|on|or|out|root|service|success\w*|system|the"
    r"|to|true|unknown|user|was|with|yes)\b)"
)
_PERSON = rf"{_NOBODY}(?P<name>[a-z][\w.-]{{0,62}}\w|[a-z])"
_UNITS = r"(?!\S{0,64}\.(?:service|socket|timer|slice|target)\b)"  # of systemd, such as user@1000
USERS = tuple(
    re.compile("".join(parts), re.IGNORECASE)
    for parts in (
        (r"\buid \d+ \((?P<name>[^)\n]{1,64})\)",),
        (r"\bSUDO_USER=(?P<name>[^\s,;\"]{1,64})",),
        (r"/(?:home|users)/(?P<name>[\w.-]{1,64})",),
        # an address of mail
        (
            rf"(?<![\w.+-])(?P<name>[\w.+-]{{1,64}}@{_UNITS}",
            r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[a-z][\w-]{1,62})",
        ),
        (r"\b(?:user(?:[ _]?name)?|login|account)", _IS, _PERSON),
        (r"\b(?:user|account|login) (?P<mark>[\"'])(?P<name>[^\"'\n]{1,64})(?P=mark)",),
        (
            rf"\b(?:user|account) {_PERSON}",
            r"(?=,? (?:(?:has|was|is) )?(?:successfully )?log(?:ged|in|out)\b)",
        ),
        (r"\blog(?:ged|in|out)\b[\w ]{0,20} (?:by|using|as|for)(?: user| account)? ", _PERSON),
        (r"\bfor user ", _PERSON),
    )
)
# Where everybody looks things up tells of nobody.
_PUBLIC = (
    r"(?!(?:[\w-]{1,63}\.){0,4}(?:nvidia\.com|kernel\.org|dmtf\.org|github\.com|debian\.org|intel\.com"
    r"|freedesktop\.org|python\.org|prometheus\.io|ietf\.org|sqlite\.org"
    r"|ashrae\.org|usenix\.org|nist\.gov)(?![\w.-]))"
)
_HOST = r"(?P<name>[a-z0-9](?:[\w.-]{0,251}\w)?)"
HOSTS = tuple(
    re.compile("".join(parts), re.IGNORECASE)
    for parts in (
        (r"\b(?:host ?name|node ?name)", _IS, r"(?!(?:none|unknown|not)\b)", _HOST),
        (r"\b[a-z][a-z0-9+.-]{1,20}://(?:[^/\s@]{0,128}@)?", _PUBLIC, _HOST),
    )
)
_SPOKEN = re.compile(r".*[\d-].*")  # what hosts are called, and words are not


def label_of(host: str) -> str:
    """The first label of a host's name, which names it too; "" of one that may be any word."""
    label = host.partition(".")[0]
    return label if label == host or _SPOKEN.fullmatch(label) else ""
