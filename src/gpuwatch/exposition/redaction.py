"""Redaction: secrets are hidden; names and addresses are replaced, each the same way everywhere.

For documents that leave the site. Pure: what is to be replaced is told, or learned from the texts.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from gpuwatch.exposition.redaction_names import HOSTS, USERS, label_of

HIDDEN = "(hidden)"
_SHORTEST_SECRET = 4  # a shorter one would take words apart, and protects nothing


class Named(StrEnum):
    """What is replaced; the value is the word that stands there instead, with a number."""

    HOST = "host"
    USER = "user"
    PROCESS = "process"
    ADDRESS = "address"
    PID = "pid"
    PLACE = "place"
    SERIAL = "serial"
    UUID = "uuid"


# Names that every host has, or that our own documents are made of: they tell nobody anything.
_EVERYBODYS = frozenset(
    {
        "", "localhost", "root", "nobody", "gpuwatch", "prometheus", "no name", "<unknown>",
        "unknown", "gpu", "gpus", "bmc", "host", "node", "server", "python", "python3", "bash",
        "sh", "systemd", "xorg", "nvidia-persistenced", "nvidia-smi", "nvidia-imex",
        "nv-hostengine", "nv-fabricmanager", "dcgm-exporter", "dcgm",
    }
)  # fmt: skip
_KEYS = (
    r"[\w-]{0,60}(?:passw(?:or)?d|passphrase|secret(?:[_-]?access)?(?:[_-]?key)?|token|community"
    r"|api[_-]?key)"
)
# Rather too much than a secret in part: a quote may be escaped, or its end cut off; a bare value
# goes on behind commas and semicolons up to a space.
_BARE = r"[^\s,;\"')\]}]"
_VALUE = (
    r"(?:\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?"
    r"|\\+\"[^\"\\\n]*(?:\\+\")?"  # JSON within JSON
    rf"|\[[^\]\n]*\]?{_BARE}*|{_BARE}+(?:[,;]+{_BARE}+)*)"
)
_IS_SECRET_KEY = re.compile(_KEYS, re.IGNORECASE)
_SECRETS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\b(?P<keep>[a-z][a-z0-9+.-]{0,30}://)[^/\s\"']+@", rf"\g<keep>{HIDDEN}@"),
        (
            r"(?P<keep>\bauthorization\"?\s*[:=]\s*\"?(?:basic|bearer|digest)\s+)[^\s\"']+",
            rf"\g<keep>{HIDDEN}",
        ),
        (r"(?P<keep>\bbearer\s+)[\w.~+/=-]{20,}", rf"\g<keep>{HIDDEN}"),
        (
            rf"(?P<keep>\b{_KEYS}\b\\*\"?\s*[=:]\s*)(?!\(hidden\)){_VALUE}",
            rf"\g<keep>{HIDDEN}",
        ),
    )
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:(?:\.\d{1,3}){3})?(?!\w)", re.IGNORECASE
)
# Six bytes of Ethernet, or the twenty of InfiniBand.
_MAC = re.compile(
    r"(?<![\w:-])[0-9a-f]{2}(?P<between>[:-])(?:[0-9a-f]{2}(?P=between)){4,18}[0-9a-f]{2}(?![\w-])",
    re.IGNORECASE,
)
STANDING_IN = re.compile(rf"(?:{'|'.join(Named)})-\d+", re.IGNORECASE)
_TOLD = (
    (Named.PROCESS, re.compile(r"\bpid=\S+, name=(?P<name>[^,\n\"]{1,64})")),
    *((Named.USER, pattern) for pattern in USERS),
    *((Named.HOST, pattern) for pattern in HOSTS),
)


class Redactor:
    """Replaces in texts and JSON values. The names' numbers are in the order in which it met them.

    `secrets` are hidden wherever they stand, also inside words. With `names=False` nothing but
    secrets is touched. No name that is told, nor one of `taken`, stands for another: a host may be
    called "host-12".
    """

    def __init__(
        self,
        named: Mapping[Named, Iterable[str]],
        *,
        secrets: Iterable[str] = (),
        names: bool = True,
        taken: Iterable[str] = (),
    ) -> None:
        self._names = names
        self._secrets = sorted(
            {one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True
        )
        self._words: dict[tuple[Named, str], str] = {}
        self._counts: dict[Named, int] = {}
        self._latest: dict[Named, int] = {}
        told = {one.strip().lower() for each in (*named.values(), taken) for one in each}
        self._taken = told | {one.partition(".")[0] for one in told}
        self._known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for kind, each in named.items():
            for name in each:
                self._know(kind, name)

    @property
    def counts(self) -> dict[Named, int]:
        """How many names of each kind were met so far."""
        return {kind: self._counts[kind] for kind in Named if kind in self._counts}

    def learn(self, value: object) -> None:
        """Take up the names of people and processes that a text, or a JSON value, tells of.

        Whoever replaces in several documents has all of them learned first.
        """
        for text in _texts(value):
            for kind, pattern in _TOLD:
                for found in pattern.finditer(text):
                    name = found["name"].strip()
                    if not STANDING_IN.fullmatch(name):  # a document may come here twice
                        self._know(kind, name, told=False)

    def text(self, text: str) -> str:
        """The text without what must not be told."""
        text = self.without_secrets(text)
        if not self._names:
            return text
        self.learn(text)
        for pattern in (_MAC, _IPV6, _IPV4):
            text = pattern.sub(self._address, text)
        return self._pattern.sub(self._name, text) if self._pattern else text

    def value(self, value: object) -> object:
        """The same JSON value with every text in it replaced, the keys of objects included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): HIDDEN
                if _IS_SECRET_KEY.fullmatch(str(key)) and _is_telling(one)
                else self.value(one)
                for key, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def without_secrets(self, text: str) -> str:
        """The text with what is secret hidden, and all names in it."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
        return text

    def _know(self, kind: Named, name: str, *, told: bool = True) -> None:
        """Take up a name; of a host also its first label, which is the same host.

        One that was not `told` stands in a text: its label may be any word.
        """
        low = name.strip().lower()
        if _is_telling_nothing(low):
            return
        label = low
        if kind is Named.HOST:
            label = low.partition(".")[0] if told else label_of(low) or low
        word = self._known.get(low) or self._known.get(label) or self.word(kind, low)
        fresh = {low, label} - self._known.keys() - _EVERYBODYS
        if not fresh:
            return
        self._known |= dict.fromkeys(fresh, word)
        longest_first = sorted(self._known, key=len, reverse=True)
        # What follows a host's label is its domain.
        self._pattern = re.compile(
            rf"(?<![\w-])(?P<name>{'|'.join(map(re.escape, longest_first))})(?![\w-])"
            r"(?P<domain>(?:\.[a-z][\w-]*)*)",
            re.IGNORECASE,
        )

    def _name(self, found: re.Match[str]) -> str:
        word = self._known[found["name"].lower()]
        return word if word.startswith(Named.HOST) else word + found["domain"]

    def _address(self, found: re.Match[str]) -> str:
        whole = found[0]
        if found.re is _MAC:
            return self.word(Named.ADDRESS, whole.lower())
        for end in range(len(whole), len(whole.rstrip(":")) - 1, -1):
            try:
                address = ipaddress.ip_address(whole[:end])
            except ValueError:
                continue
            if address.is_loopback or address.is_unspecified:
                return whole
            return self.word(Named.ADDRESS, str(address)) + whole[end:]
        return whole

    def word(self, kind: Named, name: str) -> str:
        """What stands for a name: the same for the same one; numbers count up within a kind."""
        key = (kind, name)
        if key not in self._words:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            number = self._latest.get(kind, 0) + 1
            while f"{kind.value}-{number}" in self._taken:
                number += 1
            self._latest[kind] = number
            self._words[key] = f"{kind.value}-{number}"
        return self._words[key]


def _is_telling_nothing(name: str) -> bool:
    """Whether it is everybody's, or an address."""
    return name in _EVERYBODYS or is_address(name)


def is_address(name: str) -> bool:
    """Whether it is an address, which is found wherever it stands."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_telling(value: object) -> bool:
    """Whether it may be a secret, or hold one; whether one is set is none."""
    return not (value is None or isinstance(value, bool) or value in ("", [], (), {}))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from (*_texts(key), *_texts(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
