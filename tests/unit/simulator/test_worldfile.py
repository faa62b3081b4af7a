"""The world file's text and the changes made to it in memory."""

import pytest

from simulator.worldfile import World, parse, render

_TEXT = """
# a comment
[server]
driver_version = 580.95.05

[every gpu]
temperature.gpu = 45
energy.millijoules = 0+1000@5.0

[gpu 0]
uuid = GPU-1
[gpu 3]
uuid = GPU-2
temperature.gpu = 90
"""


def test_a_gpu_has_its_own_values_before_everybodys() -> None:
    """Its section comes first, then [every gpu], then nothing."""
    world = parse(_TEXT)

    assert [world.text(gpu, "temperature.gpu") for gpu in (0, 3)] == ["45", "90"]
    assert world.text(0, "fan.percent") is None


def test_a_number_is_a_plain_integer_or_nothing() -> None:
    """Counters can be raised; formulas and texts are no counters."""
    world = parse(_TEXT)

    assert world.number(3, "temperature.gpu") == 90
    assert world.number(0, "energy.millijoules") is None


def test_raising_a_counter_touches_one_gpu() -> None:
    """The others keep what everybody has; a counter nobody has is not born."""
    world = parse(_TEXT)
    world.add(0, "temperature.gpu", 5)
    world.add(0, "remap.pending", 1)

    assert world.gpus[0] == {"uuid": "GPU-1", "temperature.gpu": "50"}
    assert world.every["temperature.gpu"] == "45"


def test_forgetting_goes_back_to_birth() -> None:
    """Keys of a prefix fall back to what every GPU has."""
    world = parse(_TEXT)
    world.forget(3, "temperature.")

    assert world.text(3, "temperature.gpu") == "45"


def test_what_is_written_reads_the_same() -> None:
    """Rendering and parsing are inverse."""
    world = parse(_TEXT)

    assert parse(render(world)) == world


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key = before any section", "line 1"),
        ("[server]\nno equals sign", "line 2"),
        ("[gpus]\n", "use \\[server\\]"),
    ],
)
def test_a_broken_file_is_refused_by_line(text: str, says: str) -> None:
    """What, where, and what would be right."""
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_an_empty_world_is_a_world() -> None:
    """Nothing is needed to parse."""
    assert parse("") == World()
