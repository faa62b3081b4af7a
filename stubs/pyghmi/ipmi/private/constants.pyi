# What gpuwatch uses of pyghmi's tables, typed.

from typing import Any

sensor_type_codes: dict[int, str]
generic_type_offsets: dict[int, dict[int, dict[str, Any]]]
sensor_type_offsets: dict[int, dict[int, dict[str, Any]]]
entity_ids: dict[int, str]
