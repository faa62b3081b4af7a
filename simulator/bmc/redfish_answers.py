"""Redfish answers: what a simulated service says to a GET, by what its behaviour lets it do."""

import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.bmc.redfish_servers import NOW
from simulator.bmc.redfish_tree import ROOT, Resource, Tree, link

Query = dict[str, list[str]]


@dataclass(slots=True)
class Behaviour:
    """What this service can do, and how it does it."""

    expands: bool = True
    skips: bool = True  # $skip
    tags: bool = False  # ETag and If-None-Match
    sessions: int = 8  # 0: the service has none
    session_seconds: float = 1_800.0  # until an idle session ends
    page: int = 1_000  # entries of a log on one page
    newest_first: bool = False
    inline: bool = True  # entries of a log stand in its collection
    wants_login: bool = True
    password_expired: bool = False  # a session is made, of which next to nothing can be read
    clock_ahead_seconds: float = 0.0
    delay_seconds: float = 0.0


def find(tree: Tree, behaviour: Behaviour, path: str, query: Query) -> Resource | None:
    """The resource at `path` without `/redfish/v1/`; None where there is none."""
    expand = behaviour.expands and "$expand" in query
    if path in tree.logs:
        return _entries(tree, behaviour, path, query, expand=expand)
    if path.rpartition("/")[0] in tree.logs:
        entries = tree.logs[path.rpartition("/")[0]]
        return next((each for each in entries if each["Id"] == path.rpartition("/")[2]), None)
    if path in tree.reports:
        return _report(tree, path)
    if path == "TelemetryService/MetricReports":
        return _collection(link(name) for name in tree.reports)
    if path in tree.collections:
        members = [f"{path}/{name}" for name in tree.collections[path]]
        return _collection(
            (_resource(tree, behaviour, each) if expand else None) or link(each) for each in members
        )
    return _resource(tree, behaviour, path)


def _collection(members: Iterable[Resource]) -> Resource:
    found = list(members)
    return {"Members@odata.count": len(found), "Members": found}


def _resource(tree: Tree, behaviour: Behaviour, path: str) -> Resource | None:
    resource = tree.resources.get(path)
    if resource is None:
        return None
    found = {**link(path), **copy.deepcopy(resource)}
    if found.get("DateTime") == NOW:
        now = time.time() + behaviour.clock_ahead_seconds
        found["DateTime"] = datetime.fromtimestamp(now, UTC).isoformat()
    return found


def _entries(
    tree: Tree, behaviour: Behaviour, path: str, query: Query, *, expand: bool
) -> Resource:
    entries = tree.logs[path][:: -1 if behaviour.newest_first else 1]
    start = int(query.get("$skip", ["0"])[0]) if behaviour.skips else 0
    start = int(query["page"][0]) if "page" in query else start
    page = entries[start : start + behaviour.page]
    whole = behaviour.inline or expand
    members = [{**link(f"{path}/{one['Id']}"), **(one if whole else {})} for one in page]
    found: Resource = {"Members@odata.count": len(entries), "Members": members}
    if start + behaviour.page < len(entries):
        more = "&$expand=." if expand else ""
        found["Members@odata.nextLink"] = f"{ROOT}/{path}?page={start + behaviour.page}{more}"
    return found


def _report(tree: Tree, path: str) -> Resource:
    """Metric reports write every value as a text, and "nan" for what they do not have."""
    values = [
        {"MetricProperty": f"{ROOT}/{place}", "MetricValue": _written(tree, place)}
        for place in tree.reports[path]
    ]
    return {"Id": path.rpartition("/")[2], "MetricValues": values}


def _written(tree: Tree, place: str) -> str:
    try:
        value = tree.value(place)
    except (LookupError, TypeError):
        return "nan"
    return str(value).lower() if isinstance(value, bool) else str(value)
