/* NVLink and the fabric behind it. */
#include "link.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "call.h"

unsigned int link_count(struct view view)
{
    long long count;

    return view_number(view, "nvlink.count", &count) == NVML_SUCCESS ? (unsigned int)count : 0;
}

static const char *link_key(struct view view, unsigned int link, const char *key, char buffer[64])
{
    snprintf(buffer, 64, "nvlink.%u.%s", link, key);
    if (!view_text(view, buffer))
        snprintf(buffer, 64, "nvlink.%s", key);
    return buffer;
}

static nvmlReturn_t link_check(struct view view, unsigned int link)
{
    if (link >= LINKS_MAX)
        return NVML_ERROR_INVALID_ARGUMENT;
    return link < link_count(view) ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t link_number(struct view view, unsigned int link, const char *key, long long *value)
{
    char buffer[64];
    nvmlReturn_t code = link_check(view, link);

    return code ? code : view_number(view, link_key(view, link, key, buffer), value);
}

nvmlReturn_t link_total(struct view view, const char *key, long long *value)
{
    unsigned int count = link_count(view);
    long long part;

    *value = 0;
    for (unsigned int link = 0; link < count; link++) {
        nvmlReturn_t code = link_number(view, link, key, &part);
        if (code)
            return code;
        *value += part;
    }
    return count ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

#define LINK_NUMBER(name, type, key)                                                   \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, unsigned int link, type *out)        \
    {                                                                                  \
        long long value = 0;                                                           \
        nvmlReturn_t code;                                                             \
        CALL_DEVICE(device, 0);                                                        \
        code = link_number(call.view, link, key, &value);                              \
        if (!code)                                                                     \
            *out = (type)value;                                                        \
        return code;                                                                   \
    }

LINK_NUMBER(nvmlDeviceGetNvLinkState, unsigned int, "state")
LINK_NUMBER(nvmlDeviceGetNvLinkVersion, unsigned int, "version")
LINK_NUMBER(nvmlDeviceGetNvLinkRemoteDeviceType, unsigned int, "remote_type")

#define LINK_KEYED(name, type, ...)                                                    \
    EXPORT nvmlReturn_t name(nvmlDevice_t device, unsigned int link, unsigned int which, type *out) \
    {                                                                                  \
        static const char *const KEYS[] = {__VA_ARGS__};                               \
        long long value = 0;                                                           \
        nvmlReturn_t code;                                                             \
        CALL_DEVICE(device, 0);                                                        \
        if (which >= sizeof KEYS / sizeof *KEYS)                                       \
            return NVML_ERROR_INVALID_ARGUMENT;                                        \
        code = link_number(call.view, link, KEYS[which], &value);                      \
        if (!code)                                                                     \
            *out = (type)value;                                                        \
        return code;                                                                   \
    }

LINK_KEYED(nvmlDeviceGetNvLinkErrorCounter, unsigned long long, "replay", "recovery", "crc_flit",
           "crc_data", "ecc_data")
LINK_KEYED(nvmlDeviceGetNvLinkCapability, unsigned int, "cap.p2p", "cap.sysmem", "cap.p2p_atomics",
           "cap.sysmem_atomics", "cap.sli_bridge", "cap.valid")

EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t device, unsigned int link,
                                                        nvmlPciInfo_t *info)
{
    const char *address;
    char buffer[64];
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = link_check(call.view, link);
    if (!code)
        code = view_string(call.view, link_key(call.view, link, "remote_pci", buffer), &address);
    if (code)
        return code;
    return fill_address(info, address) ? NVML_SUCCESS : NVML_ERROR_UNKNOWN;
}

/* ---- the fabric ---- */

struct fabric {
    unsigned char cluster[16];
    long long status, clique, state, health_mask, health_summary;
};

static nvmlReturn_t fabric_of(struct view view, struct fabric *fabric)
{
    const char *cluster;
    nvmlReturn_t code;

    memset(fabric, 0, sizeof *fabric);
    if ((code = view_number(view, "fabric.state", &fabric->state)) ||
        (code = view_number(view, "fabric.status", &fabric->status)) ||
        (code = view_number(view, "fabric.clique", &fabric->clique)) ||
        (code = view_number(view, "fabric.health_mask", &fabric->health_mask)) ||
        (code = view_number(view, "fabric.health_summary", &fabric->health_summary)) ||
        (code = view_string(view, "fabric.cluster", &cluster)))
        return code;
    copy_bytes(fabric->cluster, sizeof fabric->cluster, cluster);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetGpuFabricInfo(nvmlDevice_t device, nvmlGpuFabricInfo_t *info)
{
    struct fabric fabric;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED(info);
    code = fabric_of(call.view, &fabric);
    if (code)
        return code;
    memcpy(info->clusterUuid, fabric.cluster, sizeof info->clusterUuid);
    info->status = (nvmlReturn_t)fabric.status;
    info->cliqueId = (unsigned int)fabric.clique;
    info->state = (unsigned char)fabric.state;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device, nvmlGpuFabricInfoV_t *info)
{
    static const unsigned int V2 = 0x02000024, V3 = 0x03000028;
    struct fabric fabric;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED_VERSION(info, V2, V3);
    code = fabric_of(call.view, &fabric);
    if (code)
        return code;
    memcpy(info->clusterUuid, fabric.cluster, sizeof info->clusterUuid);
    info->status = (nvmlReturn_t)fabric.status;
    info->cliqueId = (unsigned int)fabric.clique;
    info->state = (unsigned char)fabric.state;
    info->healthMask = (unsigned int)fabric.health_mask;
    if (info->version == V3) /* the older structure ends before it */
        info->healthSummary = (unsigned char)fabric.health_summary;
    return NVML_SUCCESS;
}
