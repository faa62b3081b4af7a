/* Calls about the driver as a whole, and the texts of its errors. */
#include <stdio.h>
#include <string.h>

#include "call.h"

static const struct {
    nvmlReturn_t code;
    const char *text;
} ERRORS[] = {
    {0, "Success"},
    {1, "Uninitialized"},
    {2, "Invalid Argument"},
    {3, "Not Supported"},
    {4, "Insufficient Permissions"},
    {5, "Already Initialized"},
    {6, "Not Found"},
    {7, "Insufficient Size"},
    {8, "Insufficient External Power"},
    {9, "Driver Not Loaded"},
    {10, "Timeout"},
    {11, "Interrupt Request Issue"},
    {12, "NVML Shared Library Not Found"},
    {13, "Function Not Found"},
    {14, "Corrupted infoROM"},
    {15, "GPU is lost"},
    {16, "GPU requires restart"},
    {17, "The operating system has blocked the request."},
    {18, "RM has detected an NVML/RM version mismatch."},
    {19, "In use by another client"},
    {20, "Insufficient Memory"},
    {21, "No data"},
    {25, "Argument version mismatch"},
    {26, "Deprecated"},
    {27, "System is not in ready state"},
    {28, "No GPUs found"},
    {29, "Invalid state"},
};

EXPORT const char *nvmlErrorString(nvmlReturn_t code)
{
    for (size_t at = 0; at < sizeof ERRORS / sizeof *ERRORS; at++)
        if (ERRORS[at].code == code)
            return ERRORS[at].text;
    return "Unknown Error";
}

static nvmlReturn_t write_text(char *buffer, unsigned int length, const char *text)
{
    if (!text)
        return NVML_ERROR_NOT_SUPPORTED;
    return copy_text(buffer, length, text) ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
    CALL_SYSTEM(0);
    return write_text(version, length, server_text(call.world, "driver_version"));
}

/* The library's own version: the CUDA major it came with, a dot, and its driver's version. */
EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length)
{
    CALL_SYSTEM(CALL_LIBRARY);
    return write_text(version, length, server_text(call.world, "nvml_version"));
}

static nvmlReturn_t cuda_version(const struct world *world, int *version)
{
    const char *text = server_text(world, "cuda_version");
    return text && sscanf(text, "%d", version) == 1 ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version)
{
    CALL_SYSTEM(CALL_LIBRARY);
    return cuda_version(call.world, version);
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    CALL_SYSTEM(CALL_LIBRARY);
    return cuda_version(call.world, version);
}

EXPORT nvmlReturn_t nvmlSystemGetDriverBranch(nvmlSystemDriverBranchInfo_v1_t *info,
                                              unsigned int length)
{
    CALL_SYSTEM(0);
    NEED_VERSION(info, VERSION(nvmlSystemDriverBranchInfo_v1_t, 1), VERSION(nvmlSystemDriverBranchInfo_v1_t, 1));
    return write_text(info->branch, length, server_text(call.world, "driver_branch"));
}
