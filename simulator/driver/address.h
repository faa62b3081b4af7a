/* PCI addresses as NVML writes them. */
#ifndef SIMULATOR_ADDRESS_H
#define SIMULATOR_ADDRESS_H

#include <stdbool.h>

#include "api.h"

/* Parse "0000:01:00.0" (any case, domain of any width) into the address part; the rest is cleared. */
bool fill_address(nvmlPciInfo_t *info, const char *text);

#endif
