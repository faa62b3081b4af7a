"""Redfish servers: a rack server and an 8-GPU server as their BMCs show them when all is well.

The GPU server follows public material about NVIDIA's HGX baseboards: a second system with the GPUs
and their memory, a chassis for each module, metric reports, and Xids as text in an event log.
"""

from collections.abc import Iterator

from simulator.bmc.redfish_tree import Resource, Tree, link, status

GPUS = 8
SWITCHES = 4
BASEBOARD = "HGX_Baseboard_0"
NOW = "now"  # stands for the BMC's own clock
_EXPAND = {"ExpandAll": True, "Levels": True, "Links": True, "MaxLevels": 2, "NoLinks": True}


def rack_server(*, modern: bool = True) -> Tree:
    """One system, two supplies, six fans; in the modern shape of sensors or in the old one."""
    tree = _server(supplies=2, needed=1, fans=6, modern=modern)
    _finish(tree, systems=["1"], chassis=["1"], managers=["1"])
    return tree


def gpu_server(*, modern: bool = True) -> Tree:
    """A host system and a baseboard of eight GPUs and four switches."""
    tree = _server(supplies=6, needed=3, fans=10, modern=modern)
    modules = [BASEBOARD, "HGX_BMC_0"]
    for number in range(1, GPUS + 1):
        _gpu(tree, number)
        modules.append(f"HGX_GPU_SXM_{number}")
    for number in range(SWITCHES):
        _switch(tree, number)
        modules.append(f"HGX_NVSwitch_{number}")
    _baseboard(tree)
    _reports(tree)
    _finish(
        tree,
        systems=["1", BASEBOARD],
        chassis=["1", *modules],
        managers=["1", "HGX_BMC_0"],
        TelemetryService=link("TelemetryService"),
    )
    return tree


def _server(*, supplies: int, needed: int, fans: int, modern: bool) -> Tree:
    tree = Tree()
    tree.add(
        "Chassis/1",
        ChassisType="RackMount",
        Manufacturer="Example",
        Model="R1",
        SerialNumber="CH0001",
        PartNumber="R1-PN",
        PowerState="On",
        PhysicalSecurity={"IntrusionSensor": "Normal"},
        Status=status(),
    )
    tree.add(
        "Systems/1",
        SystemType="Physical",
        Manufacturer="Example",
        Model="R1 Server",
        SerialNumber="SY0001",
        SKU="R1-SKU",
        UUID="00000000-0000-0000-0000-000000000001",
        BiosVersion="2.1",
        PowerState="On",
        Status=status(),
        MemorySummary={"Status": {"HealthRollup": "OK"}},
        ProcessorSummary={"Status": {"HealthRollup": "OK"}},
        HostWatchdogTimer={"FunctionEnabled": False, "Status": status(None)},
        Links={"Chassis": [link("Chassis/1")]},
        Processors=tree.collect("Systems/1/Processors", {f"CPU{n}": _cpu() for n in (1, 2)}),
    )
    tree.log("Systems/1", "SEL", MaxNumberOfRecords=1_000, OverWritePolicy="WrapsWhenFull")
    _manager(tree, "1", "1.02.3")
    tree.log("Managers/1", "Events", MaxNumberOfRecords=1_000)
    tree.log("Managers/1", "Journal")
    shape = _modern if modern else _old
    shape(tree, supplies, needed, fans)
    return tree


def _manager(tree: Tree, name: str, firmware: str) -> None:
    tree.add(
        f"Managers/{name}",
        ManagerType="BMC",
        FirmwareVersion=firmware,
        DateTime=NOW,
        DateTimeLocalOffset="+00:00",
        Status=status(),
    )


def _cpu() -> Resource:
    return {"ProcessorType": "CPU", "Model": "Example CPU", "Status": status()}


def _finish(
    tree: Tree, systems: list[str], chassis: list[str], managers: list[str], **more: object
) -> None:
    names = {"Systems": systems, "Chassis": chassis, "Managers": managers}
    tree.collections |= names
    tree.add("UpdateService", Status=status())
    tree.add("SessionService", ServiceEnabled=True, SessionTimeout=1_800)
    tree.add(
        "",
        RedfishVersion="1.17.0",
        UUID="00000000-0000-0000-0000-00000000000b",
        ProtocolFeaturesSupported={"ExpandQuery": _EXPAND},
        Links={"Sessions": link("SessionService/Sessions")},
        **{name: link(name) for name in (*names, "UpdateService", "SessionService")},
        **more,
    )


def _temperatures() -> Iterator[tuple[str, str, float]]:
    """Names, contexts and degrees Celsius."""
    yield "Inlet Temp", "Intake", 22.5
    yield "Exhaust Temp", "Exhaust", 38.0
    for number in (1, 2):
        yield f"CPU{number} Temp", "CPU", 54.0
        yield f"CPU{number} VRM Temp", "VoltageRegulator", 48.0
    for number in range(1, 9):
        yield f"DIMM {number} Temp", "Memory", 36.0


def _reading(kind: str, unit: str, context: str, value: float | None) -> Resource:
    return {
        "ReadingType": kind,
        "ReadingUnits": unit,
        "PhysicalContext": context,
        "Reading": value,
        "Status": status(),
    }


def _modern(tree: Tree, supplies: int, needed: int, fans: int) -> None:
    """Sensors, PowerSubsystem, ThermalSubsystem."""
    chassis = tree.resources["Chassis/1"]
    sensors = {
        name.replace(" ", "_"): {**_reading("Temperature", "Cel", context, value), "Name": name}
        for name, context, value in _temperatures()
    }
    sensors |= {f"FAN{n}": _reading("Rotational", "RPM", "Fan", 9_000.0) for n in _upto(fans)}
    sensors |= {f"PSU{n}_InputPower": _supply_power() for n in _upto(supplies)}
    sensors["P12V"] = _reading("Voltage", "V", "SystemBoard", 12.1)
    chassis["Sensors"] = tree.collect("Chassis/1/Sensors", sensors)
    chassis["EnvironmentMetrics"] = link("Chassis/1/EnvironmentMetrics")
    tree.add("Chassis/1/EnvironmentMetrics", PowerWatts={"Reading": 812.0})
    places = [f"Chassis/1/PowerSubsystem/PowerSupplies/{n}" for n in _upto(supplies)]
    chassis["PowerSubsystem"] = link("Chassis/1/PowerSubsystem")
    tree.add(
        "Chassis/1/PowerSubsystem",
        PowerSupplies=tree.collect(
            "Chassis/1/PowerSubsystem/PowerSupplies",
            {
                str(n): {"Name": f"PSU{n}", "LineInputStatus": "Normal", "Status": status()}
                for n in _upto(supplies)
            },
        ),
        PowerSupplyRedundancy=[
            {
                "RedundancyType": "NPlusM",
                "MinNeededInGroup": needed,
                "MaxSupportedInGroup": supplies,
                "RedundancyGroup": [link(place) for place in places],
                "Status": status(),
            }
        ],
        Status=status(),
    )
    chassis["ThermalSubsystem"] = link("Chassis/1/ThermalSubsystem")
    tree.add(
        "Chassis/1/ThermalSubsystem",
        Fans=tree.collect(
            "Chassis/1/ThermalSubsystem/Fans",
            {
                f"Fan{n}": {
                    "SpeedPercent": {
                        "Reading": 60.0,
                        "SpeedRPM": 9_000.0,
                        "DataSourceUri": link(f"Chassis/1/Sensors/FAN{n}")["@odata.id"],
                    },
                    "Status": status(),
                }
                for n in _upto(fans)
            },
        ),
        FanRedundancy=[
            {
                "RedundancyType": "NPlusM",
                "MinNeededInGroup": fans - 1,
                "RedundancyGroup": [
                    link(f"Chassis/1/ThermalSubsystem/Fans/Fan{n}") for n in _upto(fans)
                ],
                "Status": status(),
            }
        ],
        Status=status(),
    )


def _supply_power() -> Resource:
    return _reading("Power", "W", "PowerSupply", 406.0)


def _old(tree: Tree, supplies: int, needed: int, fans: int) -> None:
    """Thermal and Power."""
    chassis = tree.resources["Chassis/1"]
    chassis["Thermal"], chassis["Power"] = link("Chassis/1/Thermal"), link("Chassis/1/Power")
    tree.add(
        "Chassis/1/Thermal",
        Temperatures=[
            {
                "MemberId": str(order),
                "Name": name,
                "ReadingCelsius": value,
                "PhysicalContext": context,
                "Status": status(),
            }
            for order, (name, context, value) in enumerate(_temperatures())
        ],
        Fans=[
            {"MemberId": str(n - 1), "Name": f"FAN{n}", "Reading": 9_000, "ReadingUnits": "RPM"}
            | {"Status": status()}
            for n in _upto(fans)
        ],
        Redundancy=[_old_redundancy("Thermal", "Fans", fans, fans - 1)],
    )
    tree.add(
        "Chassis/1/Power",
        PowerControl=[{"MemberId": "0", "PowerConsumedWatts": 812}],
        Voltages=[
            {"MemberId": "0", "Name": "P12V", "ReadingVolts": 12.1, "Status": status()}
            | {"PhysicalContext": "SystemBoard"}
        ],
        PowerSupplies=[
            {
                "MemberId": str(n - 1),
                "Name": f"PSU{n}",
                "LineInputVoltage": 229,
                "PowerInputWatts": 406,
                "Status": status(),
            }
            for n in _upto(supplies)
        ],
        Redundancy=[_old_redundancy("Power", "PowerSupplies", supplies, needed)],
    )


def _old_redundancy(resource: str, array: str, size: int, needed: int) -> Resource:
    return {
        "MemberId": "0",
        "Name": f"{array} Redundancy",
        "Mode": "N+m",
        "MinNumNeeded": needed,
        "MaxNumSupported": size,
        "RedundancySet": [link(f"Chassis/1/{resource}#/{array}/{n}") for n in range(size)],
        "Status": status(),
    }


def _gpu(tree: Tree, number: int) -> None:
    name = f"GPU_SXM_{number}"
    sensors = f"Chassis/HGX_{name}/Sensors"
    processor, memory = f"Systems/{BASEBOARD}/Processors/{name}", f"{name}_DRAM_0"
    tree.add(
        f"Chassis/HGX_{name}",
        ChassisType="Module",
        Status=status(),
        Sensors=tree.collect(
            sensors,
            {
                f"HGX_{name}_TEMP_0": _reading("Temperature", "Cel", "GPU", 41.0 + number),
                f"HGX_{memory}_Temp_0": _reading("Temperature", "Cel", "Memory", 47.0 + number),
                f"HGX_{name}_Power_0": _reading("Power", "W", "GPU", 300.0 + number),
            },
        ),
    )
    tree.add(
        processor,
        ProcessorType="GPU",
        Model="Example GPU",
        SerialNumber=f"165012300000{number}",
        UUID=f"00000000-0000-0000-0000-0000000000c{number}",
        PartNumber="2330-885-A1",
        FirmwareVersion="96.00.AA",
        Status=status(),
        Links={
            "Chassis": link(f"Chassis/HGX_{name}"),
            "Memory": [link(f"Systems/{BASEBOARD}/Memory/{memory}")],
        },
        EnvironmentMetrics=link(f"{processor}/EnvironmentMetrics"),
        Metrics=link(f"{processor}/ProcessorMetrics"),
    )
    tree.add(
        f"{processor}/EnvironmentMetrics",
        TemperatureCelsius=_excerpt(41.0 + number, f"{sensors}/HGX_{name}_TEMP_0"),
        PowerWatts=_excerpt(300.0 + number, f"{sensors}/HGX_{name}_Power_0"),
    )
    tree.add(
        f"{processor}/ProcessorMetrics",
        CacheMetricsTotal={"LifeTime": _errors()},
        PCIeErrors={"CorrectableErrorCount": 0, "FatalErrorCount": 0, "NonFatalErrorCount": 0}
        | {"ReplayCount": 0},
        Oem={"Nvidia": {"SRAMECCErrorThresholdExceeded": False}},
    )
    _gpu_memory(tree, f"Systems/{BASEBOARD}/Memory/{memory}")


def _gpu_memory(tree: Tree, path: str) -> None:
    tree.add(
        path,
        MemoryType="DRAM",
        Metrics=link(f"{path}/MemoryMetrics"),
        Oem={"Nvidia": {"RowRemappingFailed": False, "RowRemappingPending": False}},
        Status=status(),
    )
    remapping = {"CorrectableRowRemappingCount": 0, "UncorrectableRowRemappingCount": 0}
    tree.add(
        f"{path}/MemoryMetrics",
        LifeTime=_errors(),
        Oem={"Nvidia": {"RowRemapping": remapping}},
    )


def _errors() -> Resource:
    return {"CorrectableECCErrorCount": 0, "UncorrectableECCErrorCount": 0}


def _excerpt(value: float, path: str) -> Resource:
    return {"Reading": value, "DataSourceUri": link(path)["@odata.id"]}


def _switch(tree: Tree, number: int) -> None:
    name = f"HGX_NVSwitch_{number}"
    sensors = {f"{name}_TEMP_0": _reading("Temperature", "Cel", "ASIC", 44.0)}
    tree.add(
        f"Chassis/{name}",
        ChassisType="Module",
        Status=status(),
        Sensors=tree.collect(f"Chassis/{name}/Sensors", sensors),
    )


def _baseboard(tree: Tree) -> None:
    tree.add(f"Chassis/{BASEBOARD}", ChassisType="Component", Status=status())
    tree.add("Chassis/HGX_BMC_0", ChassisType="Component", Status=status())
    _manager(tree, "HGX_BMC_0", "HGX-22.10-1")
    names = [f"GPU_SXM_{number}" for number in range(1, GPUS + 1)]
    system = f"Systems/{BASEBOARD}"
    tree.collections[f"{system}/Processors"] = ["FPGA_0", *names]
    tree.collections[f"{system}/Memory"] = [f"{name}_DRAM_0" for name in names]
    tree.add(f"{system}/Processors/FPGA_0", ProcessorType="FPGA", Status=status())
    tree.add(
        system,
        SystemType="Physical",
        Manufacturer="NVIDIA",
        PowerState="On",
        Processors=link(f"{system}/Processors"),
        Memory=link(f"{system}/Memory"),
        Status=status(),
    )
    tree.log(system, "EventLog", MaxNumberOfRecords=1_000)
    tree.log(system, "Dump")


def _reports(tree: Tree) -> None:
    reports = "TelemetryService/MetricReports"
    tree.add("TelemetryService", MetricReports=link(reports), Status=status())
    sensors = [path for path in tree.resources if path.startswith("Chassis/HGX_GPU_SXM_")]
    system = f"Systems/{BASEBOARD}"
    names = [f"GPU_SXM_{number}" for number in range(1, GPUS + 1)]
    tree.reports = {
        f"{reports}/HGX_PlatformEnvironmentMetrics_0": [
            path for path in sensors if "/Sensors/" in path
        ],
        f"{reports}/HGX_MemoryMetrics_0": [
            f"{system}/Memory/{name}_DRAM_0{pointer}"
            for name in names
            for pointer in (
                "#/Oem/Nvidia/RowRemappingFailed",
                "#/Oem/Nvidia/RowRemappingPending",
                "/MemoryMetrics#/LifeTime/CorrectableECCErrorCount",
                "/MemoryMetrics#/LifeTime/UncorrectableECCErrorCount",
                "/MemoryMetrics#/Oem/Nvidia/RowRemapping/CorrectableRowRemappingCount",
                "/MemoryMetrics#/Oem/Nvidia/RowRemapping/UncorrectableRowRemappingCount",
            )
        ],
        f"{reports}/HGX_ProcessorMetrics_0": [
            f"{system}/Processors/{name}/ProcessorMetrics#{pointer}"
            for name in names
            for pointer in (
                "/Oem/Nvidia/SRAMECCErrorThresholdExceeded",
                "/PCIeErrors/FatalErrorCount",
                "/CacheMetricsTotal/LifeTime/UncorrectableECCErrorCount",
            )
        ],
        f"{reports}/HGX_ProcessorPortMetrics_0": [],
    }


def _upto(count: int) -> range:
    return range(1, count + 1)
