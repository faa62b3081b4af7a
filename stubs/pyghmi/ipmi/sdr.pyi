# What gpuwatch uses of pyghmi's tables of units, typed.

unit_types: dict[int, str]
sensor_rates: dict[int, str]
