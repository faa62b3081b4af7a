/* Getters: what one GPU says of itself. Most are one row: function, type, key, flags. */
#include <stdio.h>

#include "getters.h"

#define NUMBER(name, type, key, flags)                                                 \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, type *out)                           \
    {                                                                                  \
        CALL_DEVICE(device, flags);                                                    \
        return one_number(call.view, key, sizeof *out, out);                           \
    }

NUMBER(nvmlDeviceGetMinorNumber, uint, "minor_number", CALL_CACHED)
NUMBER(nvmlDeviceGetBoardId, uint, "board_id", CALL_CACHED)
NUMBER(nvmlDeviceGetModuleId, uint, "module_id", CALL_CACHED)
NUMBER(nvmlDeviceGetBrand, uint, "brand", CALL_CACHED)
NUMBER(nvmlDeviceGetArchitecture, uint, "architecture", CALL_CACHED)
NUMBER(nvmlDeviceGetMultiGpuBoard, uint, "multi_gpu_board", CALL_CACHED)
NUMBER(nvmlDeviceGetInforomConfigurationChecksum, uint, "inforom.checksum", 0)
NUMBER(nvmlDeviceGetPersistenceMode, uint, "persistence_mode", 0)
NUMBER(nvmlDeviceGetComputeMode, uint, "compute_mode", 0)
NUMBER(nvmlDeviceGetPerformanceState, uint, "performance_state", 0)
NUMBER(nvmlDeviceGetPowerUsage, uint, "power.milliwatts", 0)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, uint, "power.limit", 0)
NUMBER(nvmlDeviceGetPowerManagementLimit, uint, "power.limit", 0)
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, uint, "power.default_limit", 0)
NUMBER(nvmlDeviceGetTotalEnergyConsumption, ull, "energy.millijoules", 0)
NUMBER(nvmlDeviceGetNumFans, uint, "fan.count", 0)
NUMBER(nvmlDeviceGetFanSpeed, uint, "fan.percent", 0)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, ull, "clocks.event_reasons", 0)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, ull, "clocks.event_reasons", 0)
NUMBER(nvmlDeviceGetSupportedClocksEventReasons, ull, "clocks.supported_event_reasons", 0)
NUMBER(nvmlDeviceGetSupportedClocksThrottleReasons, ull, "clocks.supported_event_reasons", 0)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, uint, "pcie.generation", 0)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, uint, "pcie.width", 0)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, uint, "pcie.max_generation", 0)
NUMBER(nvmlDeviceGetGpuMaxPcieLinkGeneration, uint, "pcie.gpu_max_generation", 0)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, uint, "pcie.max_width", 0)
NUMBER(nvmlDeviceGetPcieReplayCounter, uint, "pcie.replays", 0)
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, uint, "pages.pending", 0)
NUMBER(nvmlDeviceGetMemoryBusWidth, uint, "memory.bus_width", CALL_CACHED)
NUMBER(nvmlDeviceGetNumGpuCores, uint, "cores", CALL_CACHED)
NUMBER(nvmlDeviceGetMaxMigDeviceCount, uint, "mig.max_devices", 0)

#define TEXT(name, key, flags)                                                         \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, char *out, unsigned int length)      \
    {                                                                                  \
        CALL_DEVICE(device, flags);                                                    \
        return one_text(call.view, key, length, out);                                  \
    }

TEXT(nvmlDeviceGetName, "name", CALL_CACHED)
TEXT(nvmlDeviceGetUUID, "uuid", CALL_CACHED)
TEXT(nvmlDeviceGetSerial, "serial", CALL_CACHED)
TEXT(nvmlDeviceGetBoardPartNumber, "part_number", CALL_CACHED)
TEXT(nvmlDeviceGetVbiosVersion, "vbios", CALL_CACHED)
TEXT(nvmlDeviceGetInforomImageVersion, "inforom.image", CALL_CACHED)

/* The firmware comes with the driver and has its version. */
EXPORT nvmlReturn_t nvmlDeviceGetGspFirmwareVersion(nvmlDevice_t device, char *version)
{
    const char *driver;
    unsigned int enabled;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = one_number(call.view, "gsp.enabled", sizeof enabled, &enabled);
    if (code)
        return code;
    driver = server_text(call.world, "driver_version");
    return enabled && driver && copy_text(version, 64, driver) ? NVML_SUCCESS
                                                               : NVML_ERROR_NOT_SUPPORTED;
}

EXPORT nvmlReturn_t nvmlDeviceGetInforomVersion(nvmlDevice_t device, unsigned int object, char *out,
                                                unsigned int length)
{
    static const char *const KEYS[] = {"inforom.oem", "inforom.ecc", "inforom.power", "inforom.den"};
    CALL_DEVICE(device, CALL_CACHED);
    if (object >= sizeof KEYS / sizeof *KEYS)
        return NVML_ERROR_INVALID_ARGUMENT;
    return one_text(call.view, KEYS[object], length, out);
}

EXPORT nvmlReturn_t nvmlDeviceValidateInforom(nvmlDevice_t device)
{
    unsigned int valid;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = one_number(call.view, "inforom.valid", sizeof valid, &valid);
    return code ? code : valid ? NVML_SUCCESS : NVML_ERROR_CORRUPTED_INFOROM;
}

#define PAIR(name, first_key, second_key, flags)                                       \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, uint *first, uint *second)           \
    {                                                                                  \
        CALL_DEVICE(device, flags);                                                    \
        return SEVERAL(call.view, WANT(first_key, *first), WANT(second_key, *second)); \
    }

PAIR(nvmlDeviceGetMigMode, "mig.current", "mig.pending", 0)
PAIR(nvmlDeviceGetEccMode, "ecc_mode.current", "ecc_mode.pending", 0)
PAIR(nvmlDeviceGetPowerManagementLimitConstraints, "power.min_limit", "power.max_limit", 0)
PAIR(nvmlDeviceGetCudaComputeCapability, "cuda.major", "cuda.minor", CALL_CACHED)
PAIR(nvmlDeviceGetGspFirmwareMode, "gsp.enabled", "gsp.default", 0)
PAIR(nvmlDeviceGetEncoderUtilization, "utilization.encoder", "utilization.period_us", CALL_NOT_WITH_MIG)
PAIR(nvmlDeviceGetDecoderUtilization, "utilization.decoder", "utilization.period_us", CALL_NOT_WITH_MIG)

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    CALL_DEVICE(device, CALL_NOT_WITH_MIG);
    return SEVERAL(call.view, WANT("utilization.gpu", rates->gpu),
                   WANT("utilization.memory", rates->memory));
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    unsigned long long reserved;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = SEVERAL(call.view, WANT("memory.total", memory->total), WANT("memory.used", memory->used),
                   WANT("memory.reserved", reserved));
    if (code)
        return code;
    memory->used += reserved; /* the first version counts the driver's own share as used */
    memory->free = memory->total - memory->used;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED_VERSION(memory, VERSION(nvmlMemory_v2_t, 2), VERSION(nvmlMemory_v2_t, 2));
    code = SEVERAL(call.view, WANT("memory.total", memory->total), WANT("memory.used", memory->used),
                   WANT("memory.reserved", memory->reserved));
    if (code)
        return code;
    memory->free = memory->total - memory->used - memory->reserved;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory)
{
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = SEVERAL(call.view, WANT("memory.bar1_total", memory->bar1Total),
                   WANT("memory.bar1_used", memory->bar1Used));
    if (code)
        return code;
    memory->bar1Free = memory->bar1Total - memory->bar1Used;
    return NVML_SUCCESS;
}

/* ---- temperatures, fans, clocks ---- */

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned int sensor, uint *celsius)
{
    CALL_DEVICE(device, 0);
    if (sensor != 0) /* NVML_TEMPERATURE_GPU is the only one */
        return NVML_ERROR_INVALID_ARGUMENT;
    return one_number(call.view, "temperature.gpu", sizeof *celsius, celsius);
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_v1_t *reading)
{
    CALL_DEVICE(device, 0);
    NEED_VERSION(reading, VERSION(nvmlTemperature_v1_t, 1), VERSION(nvmlTemperature_v1_t, 1));
    if (reading->sensorType != 0)
        return NVML_ERROR_INVALID_ARGUMENT;
    return SEVERAL(call.view, WANT("temperature.gpu", reading->temperature));
}

EXPORT nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t device,
                                                   nvmlMarginTemperature_v1_t *margin)
{
    CALL_DEVICE(device, 0);
    NEED_VERSION(margin, VERSION(nvmlMarginTemperature_v1_t, 1), VERSION(nvmlMarginTemperature_v1_t, 1));
    return SEVERAL(call.view, WANT("temperature.margin", margin->marginTemperature));
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, unsigned int threshold,
                                                      uint *celsius)
{
    static const char *const KEYS[] = {"temperature.shutdown", "temperature.slowdown",
                                       "temperature.memory_max", "temperature.gpu_max"};
    CALL_DEVICE(device, 0);
    if (threshold >= sizeof KEYS / sizeof *KEYS)
        return NVML_ERROR_NOT_SUPPORTED;
    return one_number(call.view, KEYS[threshold], sizeof *celsius, celsius);
}

static nvmlReturn_t fan_check(struct view view, unsigned int fan)
{
    unsigned int count;
    nvmlReturn_t code = one_number(view, "fan.count", sizeof count, &count);

    return code ? code : fan < count ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned int fan, uint *percent)
{
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = fan_check(call.view, fan);
    return code ? code : numbered(call.view, "fan", fan, "percent", sizeof *percent, percent);
}

EXPORT nvmlReturn_t nvmlDeviceGetFanSpeedRPM(nvmlDevice_t device, nvmlFanSpeedInfo_t *info)
{
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED_VERSION(info, VERSION(nvmlFanSpeedInfo_t, 1), VERSION(nvmlFanSpeedInfo_t, 1));
    code = fan_check(call.view, info->fan);
    return code ? code : numbered(call.view, "fan", info->fan, "rpm", sizeof info->speed, &info->speed);
}

#define CLOCK(name, prefix)                                                            \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, unsigned int type, uint *megahertz)  \
    {                                                                                  \
        static const char *const KEYS[] = {prefix "graphics", prefix "sm", prefix "memory", \
                                           prefix "video"};                            \
        CALL_DEVICE(device, 0);                                                        \
        if (type >= sizeof KEYS / sizeof *KEYS)                                        \
            return NVML_ERROR_INVALID_ARGUMENT;                                        \
        return one_number(call.view, KEYS[type], sizeof *megahertz, megahertz);        \
    }

CLOCK(nvmlDeviceGetClockInfo, "clocks.")
CLOCK(nvmlDeviceGetMaxClockInfo, "clocks.max_")

EXPORT nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, unsigned int counter, uint *kib)
{
    static const char *const KEYS[] = {"pcie.tx_kib", "pcie.rx_kib"};
    CALL_DEVICE(device, 0);
    if (counter >= sizeof KEYS / sizeof *KEYS)
        return NVML_ERROR_INVALID_ARGUMENT;
    return one_number(call.view, KEYS[counter], sizeof *kib, kib);
}

EXPORT nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device, unsigned int policy,
                                                 nvmlViolationTime_t *status)
{
    char key[32];
    CALL_DEVICE(device, 0);

    if (policy > 11)
        return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(key, sizeof key, "violation.%u", policy);
    status->referenceTime = (ull)(clock_boottime(&call.world->clock) * 1e6); /* us, as drivers do */
    return one_number(call.view, key, sizeof status->violationTime, &status->violationTime);
}
