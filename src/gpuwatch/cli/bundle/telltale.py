"""Telltale: where documents of evidence name hosts, people, places, processes and other boards.

By their keys, since a rack called "17" cannot be told from a number by its looks, and by the words
around them in what the kernel writes.
"""

import re

from gpuwatch.exposition.redaction import Named

# What stands under these keys is such a name as a whole, in objects and in columns of tables.
BY_KEY = {
    "hostname": Named.HOST,
    "host": Named.HOST,
    "server": Named.HOST,
    "serial": Named.SERIAL,
    "board_serial": Named.SERIAL,
    "chassis_serial": Named.SERIAL,
    "successor_serial": Named.SERIAL,
    "asset_tag": Named.SERIAL,
    "guid": Named.SERIAL,
    "uuid": Named.UUID,
    "successor_uuid": Named.UUID,
}
# ... and under these where they stand within an object of that key.
WITHIN = {("host", "name"): Named.HOST}
PLACES = frozenset({"labels", "place"})
NO_PLACES = frozenset({"fru", "host"})
# How gpuwatch itself names another host: whose boards were imported, or where one was flagged.
OTHER_HOST = re.compile(
    r"\bhost (?=[\d.-]{0,64}[a-z])(?P<name>[\w.-]{0,64}[\d.-][\w.-]{0,64}\w)", re.IGNORECASE
)
# The same by the sentences around it, whatever the host is called.
TOLD_BY = re.compile(
    r"\bhost (?P<name>[\w.-]{1,253}?)(?= told of it\b|: [a-z-]{1,64} of \d{4}-\d\d-\d\d)",
    re.IGNORECASE,
)
# How drivers name a board, also one that nobody else knows.
BOARDS = (
    (Named.UUID, re.compile(r"\b(?P<name>(?:GPU|MIG|SWX)(?:-[0-9a-f]{4,12}){5})\b", re.IGNORECASE)),
    # Of systems, and of what runs in them: pods, jobs.
    (
        Named.UUID,
        re.compile(
            r"(?<![\w-])(?P<name>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.IGNORECASE
        ),
    ),
    (
        Named.SERIAL,
        re.compile(
            r"\b(?:(?:serial(?: ?(?:number|no\.?))?|S/?N) ?[:=#]|serial(?: number| no\.?)?"
            r"|in place of) ?(?=[a-z-]{0,32}\d)(?P<name>[\w-]{4,32})(?![\w-]|\.\w)",
            re.IGNORECASE,
        ),
    ),
)
# Words of our own, of NVIDIA and of standards: a host that is called "page" changes none of them.
OURS = frozenset(
    {
        "action", "boot_id", "code", "disposition", "format", "gap", "kind", "memory", "occasion",
        "part_number", "protocol", "quantity", "remedy", "reported_by", "rma", "role", "route",
        "rules_version", "scope", "severity", "signal", "state", "topic", "unit", "urgency",
        "verdict", "version", "what", "written_at",
    }
)  # fmt: skip
# Sentences under a key that elsewhere holds a word of ours: how to reach a BMC, with its address.
TOLD_OF = frozenset({("remedy", "bmcs")})
# Versions look like addresses.
VERSIONS = frozenset(
    {"agent_version", "bios", "cuda", "driver", "driver_version", "firmware", "inforom", "library",
     "vbios"}
)  # fmt: skip
UNREADABLE = "raw"  # bytes of an event log as digits, in which no name can be looked for

HINT = re.compile(r"pid|comm:|task|process|\[\d", re.IGNORECASE)  # all that follow have one of them
# The kernel's names of processes have 64 characters at most; what looks for more could take hours
# with a line that somebody made for it.
_NAME = r"(?P<name>(?:[^,\n]|,(?! )){1,64})"
_COMM = r"(?P<name>\S.{0,63}?(?= (?:Not )?tainted\b|$)|\S{1,64})"
# nvidia-smi as a table, and with -q.
_IN_TABLE = (
    r"^\|[ \t]{1,9}\d{1,3}[ \t]{1,9}\S{1,9}[ \t]{1,9}\S{1,9}[ \t]{1,12}(?P<pid>\d{1,7})"
    r"[ \t]{1,9}[CGM+]{1,5}[ \t]{1,9}(?P<name>\S[^|\n]{0,120}?)[ \t]{1,120}\d{1,7}MiB"
)
_IN_LIST = (
    r"\bProcess ID[ \t]{0,60}: (?P<pid>\d{1,7})(?:\n[ \t]{0,60}Type[ \t]{0,60}: \S{1,5}"
    r"\n[ \t]{0,60}Name[ \t]{0,60}: (?P<name>[^\n]{1,200}))?"
)
# How the kernel, its drivers and daemons name processes.
PROCESSES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"\bpid=['\"]?(?P<pid>\d+)['\"]?(?:, ?name={_NAME})?",
        rf"\bPID: (?P<pid>\d+)(?: Comm: {_COMM})?",
        rf"\bComm: {_COMM}",
        r"\bclient '(?P<name>[^'\n]{1,64})' \(pid (?P<pid>\d+)\)",
        r"\bKilled process (?P<pid>\d+),? \((?P<name>[^)\n]{0,64})\)",
        r"\btask=(?P<name>[^,\n]{1,64})",
        r"\btask (?P<name>\S[^:\n]{0,30}):(?P<pid>\d+)\b",
        r"(?<!\S)(?P<name>[^\s\[\]:]{1,64})\[(?P<pid>\d{2,7})\](?=[: ])",
        r"\b(?:pid|process)[ :]+(?P<pid>\d{2,})\b",
        _IN_TABLE,
        _IN_LIST,
    )
)
# Of a value that is short or a number, only where the words before it say what it is.
PLACE_BEFORE = r"(?P<before>\b(?:site|row|rack|unit|hall|room|cage|pod|u)\b[\s:=#-]*\"?)"
# Rows of memory have numbers like rows of racks: a line that says so names no place by them.
ROW = "row"
OF_MEMORY = re.compile(
    r"\bbank\b[\s:=#-]{0,3}\d|\brow[ -]?remap|\b(?:dram|hbm) row\b", re.IGNORECASE
)
# A process of such a name is replaced where the kernel tells of it, and nowhere else.
WORDS = frozenset(
    {
        "a", "at", "board", "bmc", "bus", "card", "channel", "driver", "error", "errors", "flag",
        "for", "gpu", "gpus", "host", "in", "is", "kernel", "link", "memory", "name", "node",
        "none", "not", "of", "on", "page", "pid", "process", "row", "server", "slot", "the", "to",
        "xid",
    }
)  # fmt: skip
EVERYBODYS = frozenset({"", "-", "localhost", "root", "gpuwatch", "no name", "none", "unknown"})
