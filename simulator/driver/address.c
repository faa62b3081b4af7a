/* PCI addresses as NVML writes them. */
#include "address.h"

#include <stdio.h>
#include <string.h>

bool fill_address(nvmlPciInfo_t *info, const char *text)
{
    memset(info, 0, sizeof *info);
    if (!text || sscanf(text, "%x:%x:%x", &info->domain, &info->bus, &info->device) != 3)
        return false;
    snprintf(info->busId, sizeof info->busId, "%08X:%02X:%02X.0", info->domain, info->bus & 0xff,
             info->device & 0xff);
    snprintf(info->busIdLegacy, sizeof info->busIdLegacy, "%04X:%02X:%02X.0", info->domain & 0xffff,
             info->bus & 0xff, info->device & 0xff);
    return true;
}
