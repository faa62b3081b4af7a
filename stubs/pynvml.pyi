# What gpuwatch uses of nvidia-ml-py, typed; the calls of the signal table are found by name.
# ruff: noqa: N801, N802, N803, N815, N816 - the names are the binding's

import ctypes

NVML_ERROR_INVALID_ARGUMENT: int
NVML_ERROR_NOT_SUPPORTED: int
NVML_ERROR_NO_PERMISSION: int
NVML_ERROR_NOT_FOUND: int
NVML_ERROR_INSUFFICIENT_SIZE: int
NVML_ERROR_TIMEOUT: int
NVML_ERROR_FUNCTION_NOT_FOUND: int
NVML_ERROR_CORRUPTED_INFOROM: int
NVML_ERROR_GPU_IS_LOST: int
NVML_ERROR_RESET_REQUIRED: int
NVML_ERROR_VGPU_ECC_NOT_SUPPORTED: int
NVML_ERROR_ARGUMENT_VERSION_MISMATCH: int
NVML_ERROR_DEPRECATED: int
NVML_ERROR_LIBRARY_NOT_FOUND: int
NVML_ERROR_INVALID_STATE: int
NVML_ERROR_UNKNOWN: int
NVML_INIT_FLAG_NO_GPUS: int

nvmlEventTypeDoubleBitEccError: int
nvmlEventTypeXidCriticalError: int
nvmlEventMigConfigChange: int
nvmlEventTypeDramRetirementEvent: int
nvmlEventTypeDramRetirementFailure: int
nvmlEventTypeNonFatalPoisonError: int
nvmlEventTypeFatalPoisonError: int
nvmlEventTypeGpuUnavailableError: int
nvmlEventTypeGpuRecoveryAction: int

nvmlLib: ctypes.CDLL | None

class NVMLError(Exception):
    value: int
    def __init__(self, value: int) -> None: ...

class NVMLLibraryMismatchError(Exception): ...

class c_nvmlDevice_t:
    contents: ctypes.Structure
    def __bool__(self) -> bool: ...

class c_nvmlEventSet_t: ...

class c_nvmlEventData_t(ctypes.Structure):
    device: c_nvmlDevice_t
    eventType: int
    eventData: int
    gpuInstanceId: int
    computeInstanceId: int

class nvmlPciInfo_t(ctypes.Structure):
    domain: int
    bus: int
    device: int

class c_nvmlPlatformInfo_v2_t(ctypes.Structure):
    chassisSerialNumber: bytes
    slotNumber: bytes

class c_nvmlFieldValue_t(ctypes.Structure):
    fieldId: int
    scopeId: int
    nvmlReturn: int

class c_nvmlEccSramUniqueUncorrectedErrorEntry_v1_t(ctypes.Structure):
    unit: int
    location: int
    sublocation: int
    extlocation: int
    address: int
    isParity: int
    count: int

class c_nvmlEccSramUniqueUncorrectedErrorCounts_v1_t(ctypes.Structure):
    entryCount: int
    entries: ctypes._Pointer[c_nvmlEccSramUniqueUncorrectedErrorEntry_v1_t]

def nvmlInitWithFlags(flags: int) -> None: ...
def nvmlShutdown() -> None: ...
def nvmlSystemGetDriverVersion() -> str: ...
def nvmlSystemGetNVMLVersion() -> str: ...
def nvmlSystemGetCudaDriverVersion_v2() -> int: ...
def nvmlDeviceGetCount() -> int: ...
def nvmlDeviceGetHandleByIndex(index: int) -> c_nvmlDevice_t: ...
def nvmlDeviceGetHandleByPciBusId(pciBusId: str) -> c_nvmlDevice_t: ...
def nvmlDeviceGetUUID(handle: c_nvmlDevice_t) -> str: ...
def nvmlDeviceGetIndex(handle: c_nvmlDevice_t) -> int: ...
def nvmlDeviceGetPciInfo(handle: c_nvmlDevice_t) -> nvmlPciInfo_t: ...
def nvmlDeviceGetNumFans(device: c_nvmlDevice_t) -> int: ...
def nvmlDeviceGetSupportedEventTypes(handle: c_nvmlDevice_t) -> int: ...
def nvmlDeviceRegisterEvents(
    handle: c_nvmlDevice_t, eventTypes: int, eventSet: c_nvmlEventSet_t
) -> None: ...
def nvmlEventSetCreate() -> c_nvmlEventSet_t: ...
def nvmlEventSetWait_v2(eventSet: c_nvmlEventSet_t, timeoutms: int) -> c_nvmlEventData_t: ...
def nvmlEventSetFree(eventSet: c_nvmlEventSet_t) -> None: ...
