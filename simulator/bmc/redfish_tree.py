"""Redfish tree: the resources of a simulated service, by path, with the links between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROOT = "/redfish/v1"

Resource = dict[str, Any]


def link(path: str) -> Resource:
    """A reference to a resource."""
    return {"@odata.id": f"{ROOT}/{path}"}


def status(health: str | None = "OK", state: str = "Enabled") -> Resource:
    """A `Status`."""
    return {"State": state} if health is None else {"State": state, "Health": health}


@dataclass(slots=True)
class Tree:
    """Resources by path, without `/redfish/v1/`. Collections are lists of the names of members.

    `logs` are the entries of event logs, by the path of their collection, oldest first. `reports`
    are metric reports, as lists of the properties that they repeat from elsewhere in the tree.
    """

    resources: dict[str, Resource] = field(default_factory=dict)
    collections: dict[str, list[str]] = field(default_factory=dict)
    logs: dict[str, list[Resource]] = field(default_factory=dict)
    reports: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, **properties: object) -> None:
        """A resource; a member of the collection that it stands in, if that is one."""
        name = path.rpartition("/")[2]
        self.resources[path] = {"Id": name, "Name": name, **properties}

    def collect(self, path: str, members: Mapping[str, Resource]) -> Resource:
        """A collection with its members; a reference to it."""
        self.collections[path] = list(members)
        for name, properties in members.items():
            self.add(f"{path}/{name}", **properties)
        return link(path)

    def log(self, owner: str, name: str, **properties: object) -> None:
        """An empty event log of a system, manager or chassis."""
        services = f"{owner}/LogServices"
        self.collections.setdefault(services, []).append(name)
        path = f"{services}/{name}"
        self.add(path, ServiceEnabled=True, Entries=link(f"{path}/Entries"), **properties)
        self.logs[f"{path}/Entries"] = []
        self.resources[owner]["LogServices"] = link(services)

    def value(self, place: str) -> object:
        """What stands at `path#/pointer`; at a sensor's path, its reading."""
        path, _, pointer = place.partition("#")
        found: Any = self.resources[path]
        for name in (pointer or "/Reading")[1:].split("/"):
            found = found[name]
        return found

    def set(self, place: str, value: object) -> None:
        """Change what stands at `path#/pointer`; at a sensor's path, its reading."""
        path, _, pointer = place.partition("#")
        *above, name = (pointer or "/Reading")[1:].split("/")
        found: Any = self.resources[path]
        for each in above:
            found = found[int(each)] if isinstance(found, list) else found[each]
        found[name] = value

    def remove(self, path: str) -> None:
        """Take a member out of its collection."""
        collection, _, name = path.rpartition("/")
        self.collections[collection].remove(name)
        del self.resources[path]
