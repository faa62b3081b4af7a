"""BMC well: what a server was seen to have, so that only its loss is news.

An empty bay, a server of one supply, a connector without a fan: what was never there is not missed.
"""

from gpuwatch.domain.bmc import (
    BmcSweep,
    PowerSupply,
    Quantity,
    Redundancy,
    RedundancyState,
    Sensor,
)

_SPARE = (RedundancyState.FULL, RedundancyState.DEGRADED)


def well_in(sweep: BmcSweep) -> frozenset[str]:
    """What a sweep shows to be there: supplies, redundancies with some to spare, turning fans."""
    supplies = {supply_word(each) for each in sweep.supplies if each.present}
    spare = {redundancy_word(each) for each in sweep.redundancies if each.state in _SPARE}
    fans = {fan_word(each) for each in sweep.sensors if _turns(each)}
    return frozenset(supplies | spare | fans)


def supply_word(supply: PowerSupply) -> str:
    """What `well_in` calls a supply."""
    return f"supply:{supply.name}"


def redundancy_word(redundancy: Redundancy) -> str:
    """What `well_in` calls a redundancy."""
    return f"redundancy:{redundancy.name}"


def fan_word(sensor: Sensor) -> str:
    """What `well_in` calls a fan, by the sensor of its speed."""
    return f"fan:{sensor.key}"


def _turns(sensor: Sensor) -> bool:
    speed = sensor.quantity is Quantity.FAN_SPEED
    return speed and isinstance(sensor.value, float | int) and sensor.value > 0
