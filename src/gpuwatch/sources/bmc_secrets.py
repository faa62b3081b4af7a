"""BMC secrets: a password or key from a file that nobody else may read, or from systemd.

Read by the child that uses them, at each start of it: the agent never holds them, a file on a dead
server keeps only that child, and what was changed meanwhile counts.
"""

import errno
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

FILE, CREDENTIAL = "file", "credential"  # the ways to name one: {"file": PATH}
DIRECTORY_VARIABLE = "CREDENTIALS_DIRECTORY"  # systemd.exec(5)

_LIMIT = 1_024  # bytes
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a pipe would keep us for ever
_GROUP_AND_WORLD = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
# systemd grants a service its credential through an access list where it can: its mask stands in
# the place of the group's rights, and the folder keeps everybody else out.
_WORLD = stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_ROOT = 0
# What the unit hands over where there is no file: SetCredential= cannot be empty.
_PLACEHOLDER = "unset"
_HINTS = {
    errno.EACCES: "give it to the agent's user, or hand it over as a credential",
    errno.ENOENT: "write the secret into it, alone, and make it mode 600",
}


class SecretRefused(Exception):  # noqa: N818 - says what is wrong with it
    """A secret cannot be had, or must not be used: which, why, and the way out; never quoted."""


def read_secret(where: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """The secret that `where` names: {"file": PATH} or {"credential": NAME}.

    Raises SecretRefused.
    """
    if FILE in where:
        return _read(Path(where[FILE]), _GROUP_AND_WORLD, {_ROOT, os.geteuid()})
    name, folder = where[CREDENTIAL], environment.get(DIRECTORY_VARIABLE)
    if not folder:
        raise SecretRefused(
            f"credential {name} was not handed over: {DIRECTORY_VARIABLE} is not set"
            f" (write LoadCredential={name}:FILE into the unit, or set password_file)"
        )
    secret = _read(Path(folder) / name, _WORLD, {_ROOT, os.geteuid()})
    if secret == _PLACEHOLDER:
        raise SecretRefused(
            f"credential {name} has no secret: the file that LoadCredential={name}: names was not"
            " there when the unit started (write it, mode 600, and restart)"
        )
    return secret


def judge_file(path: str) -> None:
    """Raises SecretRefused for a file that is no secret, as `read_secret` would.

    For who checks a configuration: root does not know the agent's user, and judges no owner.
    """
    user = os.geteuid()
    _read(Path(path), _GROUP_AND_WORLD, () if user == _ROOT else {_ROOT, user})


def _read(path: Path, forbidden: int, owners: Collection[int]) -> str:
    """The file's only line. What is judged is what was opened, whatever `path` names by then."""
    try:
        link = path.lstat()
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "is it the right file?")
        raise SecretRefused(f"{path} cannot be read: {error.strerror} ({hint})") from error
    try:
        _judge(path, link, os.fstat(descriptor), forbidden, owners)
        content = os.read(descriptor, _LIMIT + 1)
    except OSError as error:
        raise SecretRefused(f"{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return _line(path, content)


def _judge(
    path: Path,
    link: os.stat_result,
    file: os.stat_result,
    forbidden: int,
    owners: Collection[int],
) -> None:
    if not stat.S_ISREG(file.st_mode):
        raise SecretRefused(f"{path} is not a file (name the file that holds the secret)")
    if file.st_mode & forbidden:
        mode = stat.S_IMODE(file.st_mode)
        raise SecretRefused(
            f"{path} can be read or written by others than its owner: mode {mode:o}"
            " (make it mode 600, and change the secret if others have read it)"
        )
    for what, owner in (
        ("belongs", file.st_uid),
        ("is reached by a link that belongs", link.st_uid),
    ):
        if owners and owner not in owners:
            raise SecretRefused(
                f"{path} {what} to user {owner}, who is neither root nor the agent's user"
                " (give it to one of them)"
            )


def _line(path: Path, content: bytes) -> str:
    if len(content) > _LIMIT:
        raise SecretRefused(f"{path} holds more than {_LIMIT} bytes (is it the right file?)")
    try:
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SecretRefused(f"{path} is not UTF-8 (write the secret as UTF-8)") from error
    if not text:
        raise SecretRefused(f"{path} is empty (write the secret into it)")
    if not text.isprintable():
        raise SecretRefused(f"{path} holds more than one line of text (write the secret alone)")
    return text
