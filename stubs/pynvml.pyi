# What gpuwatch uses of nvidia-ml-py, typed; the calls of the signal table are found by name.
# ruff: noqa: N801, N802, N803, N815, N816 - the names are the binding's

import ctypes

NVML_SUCCESS: int
NVML_ERROR_UNINITIALIZED: int
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
NVML_ERROR_GPU_NOT_FOUND: int
NVML_ERROR_UNKNOWN: int
NVML_INIT_FLAG_NO_GPUS: int
NVML_GPU_FABRIC_STATE_COMPLETED: int

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

class NVMLLibraryMismatchError(Exception): ...
class _Device(ctypes.Structure): ...
class _EventSet: ...

class c_nvmlEventData_t(ctypes.Structure):
    device: ctypes._Pointer[_Device]
    eventType: int
    eventData: int
    gpuInstanceId: int
    computeInstanceId: int

class nvmlPciInfo_t(ctypes.Structure):
    domain: int
    bus: int
    device: int

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
def nvmlDeviceGetHandleByIndex(index: int) -> ctypes._Pointer[_Device]: ...
def nvmlDeviceGetHandleByPciBusId(pciBusId: str) -> ctypes._Pointer[_Device]: ...
def nvmlDeviceGetIndex(handle: ctypes._Pointer[_Device]) -> int: ...
def nvmlDeviceGetPciInfo(handle: ctypes._Pointer[_Device]) -> nvmlPciInfo_t: ...
def nvmlDeviceGetNumFans(device: ctypes._Pointer[_Device]) -> int: ...
def nvmlDeviceGetSupportedEventTypes(handle: ctypes._Pointer[_Device]) -> int: ...
def nvmlDeviceRegisterEvents(
    handle: ctypes._Pointer[_Device], eventTypes: int, eventSet: _EventSet
) -> None: ...
def nvmlEventSetCreate() -> _EventSet: ...
def nvmlEventSetWait_v2(eventSet: _EventSet, timeoutms: int) -> c_nvmlEventData_t: ...
def nvmlEventSetFree(eventSet: _EventSet) -> None: ...
