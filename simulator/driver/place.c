/* Getters: where a GPU sits, and what it is besides: address, platform, MIG devices, processes. */
#include <string.h>

#include "address.h"
#include "getters.h"

static nvmlReturn_t pci_info(struct view view, const char *text, nvmlPciInfo_t *info)
{
    if (!fill_address(info, text))
        return NVML_ERROR_NOT_SUPPORTED;
    return SEVERAL(view, WANT("pci_device_id", info->pciDeviceId),
                   WANT("pci_subsystem_id", info->pciSubSystemId));
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info)
{
    CALL_DEVICE(device, CALL_CACHED);
    return pci_info(call.view, view_text(call.view, "pci"), info);
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfoExt(nvmlDevice_t device, nvmlPciInfoExt_t *info)
{
    nvmlPciInfo_t plain;
    nvmlReturn_t code;
    CALL_DEVICE(device, CALL_CACHED);

    NEED_VERSION(info, VERSION(nvmlPciInfoExt_t, 1), VERSION(nvmlPciInfoExt_t, 1));
    code = pci_info(call.view, view_text(call.view, "pci"), &plain);
    if (code)
        return code;
    *info = (nvmlPciInfoExt_t){info->version, plain.domain, plain.bus, plain.device,
                               plain.pciDeviceId, plain.pciSubSystemId, 3, 2, {0}};
    memcpy(info->busId, plain.busId, sizeof info->busId);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetPlatformInfo(nvmlDevice_t device, nvmlPlatformInfo_t *info)
{
    unsigned int slot, tray, host, peer, module;
    const char *guid, *serial;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED_VERSION(info, VERSION(nvmlPlatformInfo_t, 1), VERSION(nvmlPlatformInfo_t, 2));
    if ((code = view_string(call.view, "platform.chassis_serial", &serial)) ||
        (code = view_string(call.view, "platform.ib_guid", &guid)))
        return code;
    code = SEVERAL(call.view, WANT("platform.slot_number", slot), WANT("platform.tray_index", tray),
                   WANT("platform.host_id", host), WANT("platform.peer_type", peer),
                   WANT("platform.module_id", module));
    if (code)
        return code;
    copy_bytes(info->ibGuid, sizeof info->ibGuid, guid);
    copy_bytes(info->chassisSerialNumber, sizeof info->chassisSerialNumber, serial);
    info->slotNumber = (unsigned char)slot;
    info->trayIndex = (unsigned char)tray;
    info->hostId = (unsigned char)host;
    info->peerType = (unsigned char)peer;
    info->moduleId = (unsigned char)module;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetPdi(nvmlDevice_t device, nvmlPdi_v1_t *pdi)
{
    CALL_DEVICE(device, CALL_CACHED);
    NEED_VERSION(pdi, VERSION(nvmlPdi_v1_t, 1), VERSION(nvmlPdi_v1_t, 1));
    return SEVERAL(call.view, WANT("pdi", pdi->value));
}

EXPORT nvmlReturn_t nvmlDeviceGetCapabilities(nvmlDevice_t device, nvmlDeviceCapabilities_v1_t *caps)
{
    CALL_DEVICE(device, CALL_CACHED);
    NEED_VERSION(caps, VERSION(nvmlDeviceCapabilities_v1_t, 1), VERSION(nvmlDeviceCapabilities_v1_t, 1));
    return SEVERAL(call.view, WANT("capabilities", caps->capMask));
}

EXPORT nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, uint *is_mig)
{
    CALL_DEVICE(device, CALL_CACHED);
    *is_mig = 0; /* MIG devices have no handles here: nvmlDeviceGetMigDeviceHandleByIndex finds none */
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index,
                                                        nvmlDevice_t *handle)
{
    CALL_DEVICE(device, 0);
    (void)index;
    *handle = NULL;
    return NVML_ERROR_NOT_FOUND;
}

/* No process ever runs on a simulated GPU: the answer to every kind of process list is none. */
#define NO_PROCESSES(name)                                                             \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, uint *count, void *processes)        \
    {                                                                                  \
        CALL_DEVICE(device, 0);                                                        \
        (void)processes;                                                               \
        *count = 0;                                                                    \
        return NVML_SUCCESS;                                                           \
    }

NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3)
