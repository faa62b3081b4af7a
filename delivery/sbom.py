"""SBOM: the bill of materials of what is delivered, as CycloneDX 1.6 in JSON."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from delivery.licences import OWN, Brought, brought
from delivery.places import VERSION, commit_seconds
from delivery.wheels import sha256

_SPACE = uuid.UUID("2f7f6bd3-6d0c-5a52-9b2d-0d6a6d1e3c11")  # of bills of gpuwatch
_LANGUAGE = "pypi"


def bill(wheels: Iterable[Path]) -> str:
    """The bill, with the SHA-256 of every wheel that was delivered.

    The same wheels of the same commit make the same bill, also its serial number.
    """
    files: dict[str, list[Path]] = {}
    named = {wheel.name: wheel for wheel in wheels}  # one that serves several targets is one file
    for _, wheel in sorted(named.items()):
        files.setdefault(wheel.name.split("-")[0].lower().replace("_", "-"), []).append(wheel)
    projects = brought()
    body = {
        "metadata": {
            "timestamp": _moment(),
            "component": _root(files.get("gpuwatch", ())),
        },
        "components": [_component(one, files.get(one.name, ())) for one in projects],
        "dependencies": list(_dependencies(projects)),
    }
    serial = uuid.uuid5(_SPACE, json.dumps(body, sort_keys=True))
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    }
    return json.dumps(head | body, indent=2) + "\n"


def _moment() -> str:
    return datetime.fromtimestamp(commit_seconds(), UTC).isoformat().replace("+00:00", "Z")


def _reference(name: str, version: str) -> str:
    return f"pkg:{_LANGUAGE}/{name}@{version}"


def _root(wheels: Sequence[Path]) -> Mapping[str, object]:
    reference = _reference("gpuwatch", VERSION)
    return {
        "type": "application",
        "bom-ref": reference,
        "name": "gpuwatch",
        "version": VERSION,
        "purl": reference,
        "licenses": [{"license": {"name": OWN}}],
        "components": [_file(wheel) for wheel in wheels],
    }


def _component(one: Brought, wheels: Sequence[Path]) -> Mapping[str, object]:
    reference = _reference(one.name, one.version)
    return {
        "type": "library",
        "bom-ref": reference,
        "name": one.name,
        "version": one.version,
        "description": one.summary,
        "scope": "required",
        "licenses": [{"expression": one.licence}],
        "purl": reference,
        "components": [_file(wheel) for wheel in wheels],
    }


def _file(wheel: Path) -> Mapping[str, object]:
    return {
        "type": "file",
        "name": wheel.name,
        "hashes": [{"alg": "SHA-256", "content": sha256(wheel)}],
    }


def _dependencies(projects: Sequence[Brought]) -> Iterator[Mapping[str, object]]:
    references = {one.name: _reference(one.name, one.version) for one in projects}
    own = _reference("gpuwatch", VERSION)
    yield {
        "ref": own,
        "dependsOn": [references[one.name] for one in projects if "gpuwatch" in one.needed_by],
    }
    for one in projects:
        yield {
            "ref": references[one.name],
            "dependsOn": [references[name] for name in one.needs],
        }
