r"""Redfish child: the one process that speaks Redfish; it reads one service, and changes nothing.

Run as `python -I -m gpuwatch.sources.redfish`; see bmc_loop.py for its life. What it tells is for
`gpuwatch.sources.bmc_redfish`, which knows what it means. Paths are without `/redfish/v1/`; texts
are "" and everything else null where the service does not tell. A sweep is

    {"say": "sweep", "boottime": 12.5, "seconds": 0.25, "requests": 14, "session": "session",
     "systems": [{"at": "Systems/1", "name": ..., "manufacturer": ..., "model": ..., "serial": ...,
                  "part_number": ..., "uuid": ..., "bios": ..., "power": "On", "state": ...,
                  "health": ..., "memory_health": ..., "processor_health": ...,
                  "watchdog": true, "chassis": ["Chassis/1"], ...}],
     "chassis": [{"at": ..., "type": "RackMount", "intrusion": ..., ...}],
     "server": "Chassis/1", "watts": 812.0, "skew": -0.4, "root": {"uuid": ...},
     "managers": [{"at": ..., "type": "BMC", "firmware": ..., "skew": -0.4, ...}],
     "sensors": [{"at": ..., "name": ..., "kind": "Temperature", "unit": "Cel", "context": "Intake",
                  "value": 22.5, "state": "Enabled", "health": "OK"}],
     "supplies": [{"at": ..., "name": ..., "state": ..., "health": ..., "line": "LossOfInput",
                   "volts": 229.0}],
     "redundancies": [{"at": ..., "name": ..., "part": "psu" | "fan" | "other", "mode": ...,
                       "health": ..., "state": ..., "needed": 2, "members": [path, ...]}],
     "gpus": [{"at": ..., "serial": ..., "uuid": ..., "temperature": 41.0, "power": 312.0,
               "temperature_from": path, "metrics": {pointer: value}, "memories": [...], ...}],
     "logs": [{"log": ..., "entries": 12, "added": Unix seconds}],
     "updating": false, "gaps": {path: [reason, HTTP status]}}
"""
