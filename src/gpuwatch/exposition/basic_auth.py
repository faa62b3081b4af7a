"""Basic auth: whether a request's user and password are known, and nothing to learn from the time.

A name that nobody has costs the same bcrypt as one that somebody has, whatever the costs of the
hashes in the file. What was right is remembered
as a keyed digest, so that a scraper costs one bcrypt in the life of a file; what was wrong is
remembered too, a bounded number of times, so that a scraper with an old password costs as little.
"""

import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import bcrypt

_REMEMBERED_WRONG = 256
_BCRYPT_BYTES = (
    72  # what bcrypt looks at; https://www.usenix.org/legacy/events/usenix99/provos.html
)
_LEAST_COST = 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password as a client sent them."""

    user: str
    password: bytes


def credentials(header: str) -> Credentials | None:
    """What an Authorization header says (RFC 7617); None for anything else."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return Credentials(user.decode(), password) if colon else None
    except (binascii.Error, ValueError):  # UnicodeDecodeError is a ValueError
        return None


class BasicAuth:
    """The users of one file, by name with their bcrypt hashes. Any thread."""

    def __init__(self, users: Mapping[str, bytes]) -> None:
        self._users = dict(users)
        self._cost = max(map(_cost_of, users.values()), default=_LEAST_COST)
        password = secrets.token_bytes(18).hex().encode()
        self._nobody = bcrypt.hashpw(password, bcrypt.gensalt(_LEAST_COST))
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def remembered(self, given: Credentials) -> bool | None:
        """Whether they are right, at once; None where `check` has to say it."""
        digest = self._digest(given)
        with self._lock:
            right = self._right.get(given.user, b"")
            if hmac.compare_digest(right, digest):
                return True
            return False if digest in self._wrong else None

    def check(self, given: Credentials) -> bool:
        """Whether they are right, by bcrypt: tens of milliseconds of a core, and remembered."""
        hashed = self._users.get(given.user, self._nobodys(self._cost))
        # Some libraries refuse what others cut off; a zero byte is in no password that was hashed.
        sound, password = b"\0" not in given.password, given.password[:_BCRYPT_BYTES]
        matches = sound and bcrypt.checkpw(password, hashed)
        # Each cost takes twice as long as the one below: 2^c + (2^c + ... + 2^(m-1)) is 2^m.
        for cost in range(_cost_of(hashed), self._cost) if sound else ():
            bcrypt.checkpw(password, self._nobodys(cost))
        right = matches and given.user in self._users
        digest = self._digest(given)
        with self._lock:
            if right:
                self._right[given.user] = digest
            else:
                self._wrong[digest] = None
                while len(self._wrong) > _REMEMBERED_WRONG:
                    self._wrong.popitem(last=False)
        return right

    def _nobodys(self, cost: int) -> bytes:
        """A hash of this cost that no password has."""
        return b"%s%02d%s" % (self._nobody[:4], cost, self._nobody[6:])

    def _digest(self, given: Credentials) -> bytes:
        return hmac.digest(self._key, given.user.encode() + b"\0" + given.password, "sha256")


def _cost_of(hashed: bytes) -> int:
    return int(hashed[4:6])
