"""Redacted: evidence in which names stand for names, each the same in every file.

Host names, addresses, places, people, processes, and serial numbers other than the flagged board's
are replaced. All is learned from the whole document first, so that a name that one file tells is
replaced in every other, too.
"""

import base64
import re
from typing import Any, cast

from gpuwatch.cli.bundle.names import (
    BEFORE,
    BEHIND,
    beside_them,
    is_of_memory,
    is_plain,
    is_unknown,
    longest_first,
    near_to,
    process_of,
)
from gpuwatch.cli.bundle.telltale import (
    BOARDS,
    EVERYBODYS,
    HINT,
    OTHER_HOST,
    OURS,
    PROCESSES,
    TOLD_BY,
    TOLD_OF,
    UNREADABLE,
    VERSIONS,
    WORDS,
)
from gpuwatch.cli.bundle.walk import decoded, key_of_value, kind_of, strings
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.exposition.redaction import (
    HIDDEN,
    STANDING_IN,
    Named,
    Redactor,
    is_address,
)
from gpuwatch.exposition.redaction_names import HOSTS, USERS, label_of

_SHORTEST_SERIAL = 4
# In this order, so that words are steady.
_SAID = (
    *((Named.HOST, pattern) for pattern in (OTHER_HOST, *HOSTS, TOLD_BY)),
    *BOARDS,
    *((Named.USER, pattern) for pattern in USERS),
)
_PROCESS = re.compile(r"(?P<pid>\d+) (?P<name>.+)")
_AUTHORITY = re.compile(r"(?:[a-z]+://)?\[?(?P<host>[^\]/\s]+?)\]?(?::\d+)?(?:/.*)?")
_OF_PROCESSES = (Named.PID, Named.PROCESS)
_GPU = "GPU-"
_HOST = f"{Named.HOST.value}-"
_BMC = re.compile(r"bmc\.(?P<name>[\w.-]+)")
_RAW = "they are bytes in which no name can be looked for; their text is in sel.csv"
_HOSTLIKE = re.compile(r".*[\d.-].*")


class Redacted:
    """What is replaced by what, for one document and what is put beside it."""

    def __init__(self, told: EvidenceShape, texts: tuple[str, ...] = ()) -> None:
        serial, uuid = told["board"]["serial"], told["board"]["uuid"]
        plain = uuid.removeprefix(_GPU)
        self._own = {one.lower() for one in (serial, uuid, plain) if one}
        self._words: dict[str, str] = {}
        self._near: dict[str, str] = {}
        self._processes: set[str] = set()
        self._pids: set[str] = set()
        self._done: dict[str, str] = {}
        beside = (("", "", each) for each in (*texts, decoded(told["diagnostic_output"])))
        # Most stand there many times; the order is that of the document, so that words are steady.
        every = dict.fromkeys((*strings(told), *beside))
        taken = (one for _, _, text in every for one in STANDING_IN.findall(text))
        self._redactor = Redactor({}, taken=taken)
        for key, parent, text in every:
            self._learn(key, parent, text)
        siblings = beside_them(self._words)
        for _, _, text in every:
            for found in siblings.finditer(text):
                self._know(Named.HOST, found["name"])
        self._pattern, self._places = self._any_of(), near_to(self._near)
        self._pairs = re.compile(
            rf"\b(?P<pid>\d+) (?P<name>{longest_first(self._processes)}){BEHIND}", re.IGNORECASE
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many names of each kind were met."""
        return {kind.value: count for kind, count in self._redactor.counts.items()}

    def text(self, text: str) -> str:
        """A text with names in the place of names."""
        known = self._done.get(text)
        if known is None:
            known = self._done[text] = self._replaced(self._redactor.without_secrets(text))
        return known

    def _replaced(self, text: str) -> str:
        return self._redactor.text(self._literals(self._in_context(text)))

    def evidence(self, told: EvidenceShape) -> EvidenceShape:
        """The document, with a word about what cannot be redacted and is left out."""
        output = told["diagnostic_output"]
        redacted = cast("EvidenceShape", self._value("", "", {**told, "diagnostic_output": None}))
        redacted["missing"].append({"what": "raw entries of event logs", "why": _RAW})
        if output is not None:
            readable = decoded(output)
            encoded = base64.b64encode(self.text(readable).encode()).decode()
            redacted["diagnostic_output"] = encoded if readable else None
            if not readable:
                what = "the output of the diagnostic"
                redacted["missing"].append({"what": what, "why": "it is no text to be redacted"})
        return redacted

    def _learn(self, key: str, parent: str, text: str) -> None:
        kind = kind_of(key, parent)
        if kind is not None and text.lower() not in self._own:
            self._know(kind, text, whole=True)
        if key in ("address", "runbook") and (found := _AUTHORITY.fullmatch(text)):
            self._know(Named.HOST, found["host"], whole=True)
        if key == "bmc" or (key, parent) == ("name", "bmcs"):
            self._know_bmc(text)
        if key in ("name", "subject") and (found := _BMC.fullmatch(text)):
            self._know_bmc(found["name"])
        if key == "process" and (found := _PROCESS.fullmatch(text)):
            self._know_process(found["pid"], found["name"])
        if key == "actor" and not any(pattern.search(text) for pattern in USERS):
            self._know(Named.USER, text, whole=True)
        if key != "boot_id":  # a UUID of nobody
            self._learn_from(text)

    def _learn_from(self, text: str) -> None:
        """What the words of a text say, under whatever key."""
        for kind, pattern in _SAID:
            for found in pattern.finditer(text):
                if found["name"].lower() not in self._own:
                    self._know(kind, found["name"], whole=pattern is TOLD_BY)
        for pattern in PROCESSES if HINT.search(text) else ():
            for found in pattern.finditer(text):
                self._know_process(*process_of(found))

    def _know_bmc(self, name: str) -> None:
        """A BMC that is called as hosts are; "main" tells nobody anything."""
        if _HOSTLIKE.fullmatch(name):
            self._know(Named.HOST, name, whole=True)

    def _know_process(self, pid: str, name: str) -> None:
        if name:
            self._know(Named.PROCESS, name)
            self._processes.add(name.lower())
        if pid:
            self._met(Named.PID, pid)
            self._pids.add(pid)

    def _know(self, kind: Named, name: str, *, whole: bool = False) -> None:
        """Take up a name to be replaced wherever it stands, or only near to what says so.

        `whole` where nothing else stands there: such a name may look like a word of ours.
        """
        low = name.strip().lower()
        if low in EVERYBODYS or low in self._words or (is_unknown(low) and not whole):
            return
        if kind is Named.HOST and (is_address(low) or (low in WORDS and not whole)):
            return
        if kind is Named.UUID:
            # BMCs write it without what drivers put in front.
            plain = low.removeprefix(_GPU.lower())
            self._words[plain] = self._words[_GPU.lower() + plain] = self._met(kind, plain)
            return
        label = low.partition(".")[0] if whole or kind is not Named.HOST else label_of(low)
        known = self._words.get(label) if kind is Named.HOST else None
        word = known or self._met(kind, low)
        match kind:
            case Named.PLACE if is_plain(low):
                self._near[low] = word
                return
            case Named.SERIAL if len(low) < _SHORTEST_SERIAL:
                return
            case Named.PROCESS | Named.USER if low in WORDS:
                return
            case _:
                self._words[low] = word
        if kind is Named.HOST and label not in EVERYBODYS:  # nor empty
            self._words.setdefault(label, word)

    def _met(self, kind: Named, name: str) -> str:
        return self._redactor.word(kind, name.strip().lower())

    def _both(self, pid: str, name: str) -> str:
        return f"{self._met(Named.PID, pid)} {self._met(Named.PROCESS, name)}"

    def _value(self, key: str, parent: str, value: object) -> object:
        match value:
            case str():
                return self._string(key, parent, value)
            case {"columns": list(columns), "rows": list(rows)}:
                return {"columns": columns, "rows": [self._row(columns, row) for row in rows]}
            case dict():
                inner = key_of_value(value)
                return {
                    self._name_of_key(one): self._value(inner if one == "value" else one, key, each)
                    for one, each in value.items()
                }
            case list():
                return [self._value(key, parent, each) for each in value]
            case _:
                return value

    def _row(self, columns: list[str], row: list[Any]) -> list[Any]:
        cells = dict(zip(columns, row, strict=True))
        inner = key_of_value(cells)
        return [
            self._value(inner if column == "value" else column, "", cell)
            for column, cell in cells.items()
        ]

    def _name_of_key(self, key: str) -> str:
        return key if re.fullmatch(r"[a-z0-9_]+", key) else self.text(key)

    def _string(self, key: str, parent: str, text: str) -> str:
        if text.lower() in self._own:
            return text
        if key == UNREADABLE:
            return ""
        kind = kind_of(key, parent)
        low = text.strip().lower()
        if kind is None and key in OURS and (key, parent) not in TOLD_OF:
            return text
        if kind is not None and low not in EVERYBODYS:
            return self._words.get(low) or self._redactor.word(kind, low)
        if key == "process" and (found := _PROCESS.fullmatch(text)):
            return self._both(found["pid"], found["name"])
        return self._literals(text) if key in VERSIONS else self.text(text)

    def _in_context(self, text: str) -> str:
        if HINT.search(text):
            for pattern in PROCESSES:
                text = pattern.sub(self._process, text)
        return self._pairs.sub(self._pair, text)

    def _pair(self, found: re.Match[str]) -> str:
        """The number and name of a process that is known by both, as sentences tell it."""
        if found["pid"] not in self._pids:
            return found[0]
        return self._both(found["pid"], found["name"])

    def _process(self, found: re.Match[str]) -> str:
        """The same words around a process, with others for its number and name."""
        told, said = process_of(found), found[0]
        places = [
            (found.start(group) - found.start(), name, kind)
            for group, name, kind in zip(("pid", "name"), told, _OF_PROCESSES, strict=True)
            if name
        ]
        for start, name, kind in sorted(places, reverse=True):
            said = said[:start] + self._met(kind, name) + said[start + len(name) :]
        return said

    def _literals(self, text: str) -> str:
        text = self._pattern.sub(self._literal, text)
        return self._places.sub(self._place, text)

    def _literal(self, found: re.Match[str]) -> str:
        """A name's word; the domain behind a host's name goes with it."""
        low = found["name"].lower()
        behind = self._pattern.sub(self._literal, found["domain"])
        if low in self._words:
            word = self._words[low]
            return word if word.startswith(_HOST) else word + behind
        return (found["name"] if low in self._own else HIDDEN) + behind

    def _place(self, found: re.Match[str]) -> str:
        known = self._near.get(found["place"].lower(), HIDDEN)
        return found[0] if is_of_memory(found) else found["before"] + known

    def _any_of(self) -> re.Pattern[str]:
        """Any name that is known, the board's own too, where it is no part of a longer word."""
        names = longest_first(self._words.keys() | self._own)
        domain = r"(?P<domain>(?:\.[a-z][\w-]*)*)"
        return re.compile(rf"{BEFORE}(?P<name>{names}){BEHIND}{domain}", re.IGNORECASE)
