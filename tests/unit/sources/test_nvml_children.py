"""When the next child is started."""

from gpuwatch.sources.nvml_children import Children
from gpuwatch.sources.nvml_settings import NvmlSettings


def _children() -> Children:
    return Children(("/nonexistent",), NvmlSettings(respawn=(1.0, 2.0, 5.0)), print)


def test_children_that_die_young_are_started_ever_later() -> None:
    """1, 2, then every 5 s: a crash loop does not eat the host."""
    children = _children()
    pauses = []

    for now in (0.0, 10.0, 20.0, 30.0):
        children.put_off(now, lived_seconds=3.0)
        pauses.append(children.not_before - now)

    assert pauses == [1.0, 2.0, 5.0, 5.0]


def test_a_child_that_lived_is_replaced_soon() -> None:
    """What ran for a minute did not die of its start."""
    children = _children()
    children.put_off(0.0, lived_seconds=3.0)
    children.put_off(10.0, lived_seconds=3.0)

    children.put_off(100.0, lived_seconds=80.0)

    assert children.not_before == 101.0


def test_nothing_stands_against_a_start_after_a_new_driver() -> None:
    """Another load is another chance."""
    children = _children()
    children.put_off(0.0, lived_seconds=3.0)

    children.start_at_once()

    assert children.not_before < 0.0
    children.put_off(10.0, lived_seconds=3.0)
    assert children.not_before == 11.0
