"""Driver releases: what a simulated driver of a given version has and lacks."""

import re

# The first nvidia-ml-py release that names the symbol, hence the first driver branch sure to have
# it (read off nvidia-ml-py 11.470.66 to 13.615.71, https://docs.nvidia.com/deploy/nvml-api/).
SYMBOL_SINCE = {
    "nvmlDeviceGetGpuFabricInfo": 525,
    "nvmlDeviceGetMemoryInfo_v2": 525,
    "nvmlDeviceGetGspFirmwareVersion": 525,
    "nvmlDeviceGetGspFirmwareMode": 525,
    "nvmlDeviceGetGpuMaxPcieLinkGeneration": 525,
    "nvmlDeviceGetCurrentClocksEventReasons": 535,
    "nvmlDeviceGetSupportedClocksEventReasons": 535,
    "nvmlDeviceGetModuleId": 535,
    "nvmlDeviceGetSramEccErrorStatus": 535,
    "nvmlDeviceGetGpuFabricInfoV": 550,
    "nvmlDeviceGetPciInfoExt": 550,
    "nvmlDeviceGetCapabilities": 555,
    "nvmlSystemGetDriverBranch": 560,
    "nvmlDeviceGetFanSpeedRPM": 570,
    "nvmlDeviceGetMarginTemperature": 570,
    "nvmlDeviceGetPlatformInfo": 570,
    "nvmlDeviceGetTemperatureV": 570,
    "nvmlDeviceGetHandleByUUIDV": 575,
    "nvmlDeviceGetPdi": 580,
    "nvmlDeviceGetRepairStatus": 580,
    "nvmlDeviceGetSramUniqueUncorrectedEccErrorCounts": 580,
    "nvmlDeviceGetUnrepairableMemoryFlag_v1": 590,
    "nvmlDeviceGetRemappedRows_v2": 610,
}

# The newest CUDA that a branch supports, as nvmlSystemGetCudaDriverVersion gives it
# (https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/, driver versions table).
_CUDA_OF_BRANCH = {
    470: 11040, 525: 12000, 535: 12020, 550: 12040, 555: 12050, 560: 12060,
    570: 12080, 575: 12090, 580: 13000, 590: 13010, 595: 13020,
}  # fmt: skip


def branch(version: str) -> int:
    """The branch of a driver version: 580 for 580.95.05. Raises ValueError for no version."""
    if not re.fullmatch(r"\d{3}\.\d+(\.\d+)?", version):
        raise ValueError(f"driver version {version!r} is not like 580.95.05")
    return int(version.split(".", maxsplit=1)[0])


def cuda_version(version: str) -> int:
    """CUDA's version number of a driver: that of the newest branch not after it."""
    return _CUDA_OF_BRANCH[max(known for known in _CUDA_OF_BRANCH if known <= branch(version))]


def missing_symbols(version: str) -> tuple[str, ...]:
    """The symbols a driver of this version does not export yet, in order of name."""
    return tuple(sorted(name for name, since in SYMBOL_SINCE.items() if branch(version) < since))


def module_values(version: str) -> dict[str, str]:
    """What the loaded kernel module says of itself, as lines of [server]."""
    return {
        "driver_version": version,
        "driver_branch": f"r{branch(version)}_00",
        "cuda_version": str(cuda_version(version)),
        "missing": " ".join(missing_symbols(version)),
    }


def library_values(version: str) -> dict[str, str]:
    """What the library file on disk says of itself, as lines of [server]."""
    return {
        "library_version": version,
        "nvml_version": f"{cuda_version(version) // 1000}.{version}",
    }
