"""Audit: whether the configured package index knows of vulnerabilities in what the lock pins.

Nothing but that index is asked. Without a network, or where the index serves no such data, a line
says so and nothing fails: an index that is away says nothing about a package.
"""

import json
import re
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from delivery import lock
from delivery.lock import Locked
from delivery.places import ROOT

_ANSWER_SECONDS = 1.5
_WHOLE_SECONDS = 3.5
_AT_ONCE = 12
_DEFAULT = re.compile(r"\(default\s+(https?://\S+?)\)")


class NotToldError(Exception):
    """Why the index did not tell."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """A vulnerability that the index knows of, by its identifier."""

    package: Locked
    identifier: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix is known"
        return f"{self.package.name} {self.package.version}: {self.identifier}, {fixed}"


Ask = Callable[[Locked], Sequence[Weakness]]


def report(
    packages: Sequence[Locked],
    needed: Iterable[Locked],
    accepted: Mapping[str, str],
    ask: Ask,
) -> tuple[list[str], bool]:
    """What to print, and whether a package that is needed at run time has a known weakness.

    `accepted` has identifiers that were looked at, with why they do no harm.
    """
    names = {one.name for one in needed}
    told = f"{len(packages)} locked packages, {len(names)} of them at run time"
    try:
        found = _ask_all(packages, ask)
    except NotToldError as reason:
        return [f"{told}; not audited: {reason}"], False
    weak = sorted((one for one in found if one.identifier not in accepted), key=str)
    serious = [one for one in weak if one.package.name in names]
    lines = [f"{told}; {len(weak)} known vulnerabilities, {len(serious)} of them at run time"]
    return [*lines, *map(str, weak)], bool(serious)


def audit() -> int:
    """Print the report; 1 where the lock should be resolved again."""
    locked = lock.read()
    found = tuple(locked.values())
    index = configured_index()
    lines, bad = report(found, lock.everywhere(locked), accepted(), lambda one: asked(index, one))
    print("\n".join(lines))
    return int(bad)


def accepted() -> Mapping[str, str]:
    """Vulnerabilities that do no harm here, with why; pyproject.toml has them."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(told["tool"].get("gpuwatch", {}).get("accepted-vulnerabilities", {}))


def configured_index() -> str:
    """The address of the index that pip takes here, "" for none: its own help tells."""
    command = [sys.executable, "-m", "pip", "install", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _DEFAULT.search(" ".join(done.stdout.split()))
    return found[1].rstrip("/") if found else ""


def asked(index: str, package: Locked) -> tuple[Weakness, ...]:
    """What the index knows of one package. NotToldError where it does not tell."""
    if not index or "****" in index:
        raise NotToldError("no index is configured that could be asked without a password")
    base = index.removesuffix("/simple")
    address = f"{base}/pypi/{package.name}/{package.version}/json"
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - http
            document = json.load(answer)
    except urllib.error.HTTPError as error:
        raise NotToldError("the configured index serves no vulnerability data") from error
    except (OSError, ValueError) as error:
        raise NotToldError("the configured index does not answer") from error
    if not isinstance(document, dict) or not isinstance(document.get("vulnerabilities"), list):
        raise NotToldError("the configured index serves no vulnerability data")
    return tuple(
        Weakness(package, str(one.get("id")), tuple(map(str, one.get("fixed_in") or ())))
        for one in document["vulnerabilities"]
        if not one.get("withdrawn")
    )


def _ask_all(packages: Sequence[Locked], ask: Ask) -> list[Weakness]:
    """All answers, within a few seconds; the first alone, as it may say that there are none."""
    deadline = time.monotonic() + _WHOLE_SECONDS
    first, *others = packages
    found = list(ask(first))
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        waiting = [pool.submit(ask, one) for one in others]
        for answer in as_completed(waiting, timeout=max(0.0, deadline - time.monotonic())):
            found += answer.result()
    except TimeoutError as error:
        raise NotToldError("the configured index was too slow") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return found
