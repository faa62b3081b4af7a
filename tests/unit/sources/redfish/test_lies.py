"""Whatever a service says instead of what it should, a sweep arrives, and its numbers are ones."""

import contextlib
import copy
import math
import os
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources import wire
from gpuwatch.sources.bmc_loop import Trouble
from gpuwatch.sources.bmc_redfish import translate
from gpuwatch.sources.redfish.logs import Logs
from gpuwatch.sources.redfish.service import Answer, Service
from gpuwatch.sources.redfish.shelf import Shelf
from gpuwatch.sources.redfish.talk import RedfishTalk
from simulator.bmc.redfish_answers import Behaviour, find
from simulator.bmc.redfish_servers import gpu_server
from simulator.bmc.redfish_tree import Tree

EXAMPLES = 1_500 if os.environ.get("GPUWATCH_SOAK") else 60
MOMENT = Moment(wall=1_700_000_000.0, boottime=100.0, boot_id="boot")
HONEST = {modern: gpu_server(modern=modern) for modern in (True, False)}
LIES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**32 - 1, 2**63, 10**400, -1, 255, 65_535]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["OK", "Critical", "Absent", "Enabled", "GPU", "nan", "/redfish/v1/Systems"]),
    st.lists(st.none() | st.integers() | st.dictionaries(st.text(max_size=2), st.none())),
    st.just({"@odata.id": "/redfish/v1/Systems/1"}),
    st.just({"Reading": math.inf}),
)
ENTRIES = st.dictionaries(st.sampled_from(["Id", "Created", "Severity", "Links", "Message"]), LIES)
Lie = tuple[tuple[str | int, ...], object]


class Told(Service):
    """A service that answers out of a tree, without a network."""

    def __init__(self, tree: Tree, *, expands: bool) -> None:
        super().__init__({"address": "bmc.example"}, cast("Any", None))
        self._tree = tree
        self._behaviour = Behaviour(expands=expands)

    def begin(self, seconds: float) -> None:
        """It is there."""
        self.until = self.monotonic() + seconds
        self.root = find(self._tree, self._behaviour, "", {}) or {}

    def get(self, path: str, etag: str = "") -> Answer:
        """What stands at `path`."""
        place, _, query = path.partition("?")
        document = find(self._tree, self._behaviour, place, parse_qs(query))
        if document is None:
            return Answer(gap=Gap(GapReason.UNSUPPORTED, 404))
        return Answer(document, etag=etag)


def _places(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a resource, at any depth."""
    inner: Any = value
    keys = (
        inner if isinstance(value, dict) else range(len(inner)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*above, key)
        yield from _places(inner[key], (*above, key))


PLACES = {
    modern: sorted(
        ((path, *place) for path, one in tree.resources.items() if path for place in _places(one)),
        key=str,
    )
    for modern, tree in HONEST.items()
}


def _lies(modern: bool) -> st.SearchStrategy[list[Lie]]:
    """A few properties, each with what is said there instead."""
    return st.lists(st.tuples(st.sampled_from(PLACES[modern]), LIES), min_size=1, max_size=3)


def _lying(modern: bool, lies: list[Lie], entry: dict[str, object]) -> Tree:
    """A GPU server that says so."""
    tree = copy.deepcopy(HONEST[modern])
    written = {"Id": "1", "Created": "2025-06-01T00:00:00Z", "Message": "m", "MessageArgs": ["a"]}
    tree.logs["Systems/1/LogServices/SEL/Entries"] = [written | entry]
    for (path, *place), lie in lies:
        found: Any = tree.resources[str(path)]
        with contextlib.suppress(LookupError, TypeError):  # an earlier one stands above it
            for key in place[:-1]:
                found = found[key]
            found[place[-1]] = lie
    return tree


def _swept(tree: Tree, *, expands: bool) -> BmcSweep | None:
    """What a sweep comes to; None where the service as a whole makes no sense."""
    service = Told(tree, expands=expands)
    shelf = Shelf(service)
    talk = RedfishTalk(service, shelf, Logs(shelf, {}))
    told = None
    try:
        for message in talk.sweep():
            value = translate(wire.decode(wire.encode(message)), MOMENT, "host")
            told = value if isinstance(value, BmcSweep) else told
    except Trouble:
        return None
    return told


@settings(max_examples=EXAMPLES)
@given(st.data(), st.booleans(), st.booleans())
def test_a_lie_costs_no_more_than_what_it_is_about(
    data: st.DataObject, modern: bool, expands: bool
) -> None:
    """No sweep fails, no number is none, and what was not lied about is there."""
    tree = _lying(modern, data.draw(_lies(modern)), data.draw(ENTRIES))

    sweep = _swept(tree, expands=expands)

    assert sweep is not None
    numbers = [each.value for each in sweep.sensors if not isinstance(each.value, Gap)]
    assert all(value is None or math.isfinite(value) for value in numbers)
    assert all(0 <= count < 2**32 for gpu in sweep.gpus for count in gpu.counts.values())
    assert len({each.label for each in sweep.sensors}) == len(sweep.sensors)
    assert len({each.name for each in sweep.supplies}) == len(sweep.supplies)
    assert len(sweep.sensors) >= 20
