/* Memory errors: ECC counters, row remapping, page retirement, SRAM status. */
#include "memory.h"

#include <stdio.h>
#include <string.h>

#include "call.h"

static const char *const KINDS[] = {"corrected", "uncorrected"};
static const char *const SPANS[] = {"volatile", "aggregate"};
static const char *const PLACES[] = {"l1", "l2", "dram", "register", "texture", "shared", "cbu", "sram"};
enum { DRAM = 2, PLACE_COUNT = 8 };

/* ECC counters exist only while ECC is on. */
static nvmlReturn_t ecc_check(struct view view)
{
    long long mode;
    nvmlReturn_t code = view_number(view, "ecc_mode.current", &mode);

    return code ? code : mode ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t ecc_count(struct view view, unsigned int kind, unsigned int span, unsigned int place,
                       unsigned long long *count)
{
    char key[64];
    long long value;
    nvmlReturn_t code = ecc_check(view);

    if (code)
        return code;
    if (kind > 1 || span > 1 || place >= PLACE_COUNT)
        return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(key, sizeof key, "ecc.%s.%s.%s", KINDS[kind], SPANS[span], PLACES[place]);
    code = view_number(view, key, &value);
    if (!code)
        *count = (unsigned long long)value;
    return code;
}

/* The total is what the readable places add up to: one truth, so that the two never disagree. */
nvmlReturn_t ecc_total(struct view view, unsigned int kind, unsigned int span,
                       unsigned long long *total)
{
    unsigned long long count;
    nvmlReturn_t code = ecc_check(view), last = NVML_ERROR_NOT_SUPPORTED;

    if (code)
        return code;
    *total = 0;
    for (unsigned int place = 0; place < PLACE_COUNT; place++) {
        code = ecc_count(view, kind, span, place, &count);
        if (code == NVML_SUCCESS) {
            *total += count;
            last = NVML_SUCCESS;
        }
    }
    return last;
}

EXPORT nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned int kind,
                                                unsigned int span, unsigned long long *total)
{
    CALL_DEVICE(device, 0);
    return ecc_total(call.view, kind, span, total);
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, unsigned int kind,
                                                    unsigned int span, unsigned int place,
                                                    unsigned long long *count)
{
    CALL_DEVICE(device, 0);
    return ecc_count(call.view, kind, span, place, count);
}

EXPORT nvmlReturn_t nvmlDeviceGetDetailedEccErrors(nvmlDevice_t device, unsigned int kind,
                                                   unsigned int span, nvmlEccErrorCounts_t *counts)
{
    CALL_DEVICE(device, 0);
    memset(counts, 0, sizeof *counts); /* deprecated: places the board lacks read 0 */
    ecc_count(call.view, kind, span, 0, &counts->l1Cache);
    ecc_count(call.view, kind, span, 1, &counts->l2Cache);
    ecc_count(call.view, kind, span, 3, &counts->registerFile);
    return ecc_count(call.view, kind, span, DRAM, &counts->deviceMemory);
}

/* ---- a row of numbers into a structure of 32- or 64-bit words ---- */

static nvmlReturn_t words(struct view view, const char *const *keys, size_t count, unsigned int *out)
{
    long long value;

    for (size_t at = 0; at < count; at++) {
        nvmlReturn_t code = view_number(view, keys[at], &value);
        if (code)
            return code;
        out[at] = (unsigned int)value;
    }
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrected,
                                              unsigned int *uncorrected, unsigned int *pending,
                                              unsigned int *failed)
{
    static const char *const KEYS[] = {"remap.correctable", "remap.uncorrectable", "remap.pending",
                                       "remap.failed"};
    unsigned int values[4];
    nvmlReturn_t code;
    CALL_DEVICE(device, CALL_NOT_WITH_MIG);

    code = words(call.view, KEYS, 4, values);
    if (code)
        return code;
    *corrected = values[0];
    *uncorrected = values[1];
    *pending = values[2];
    *failed = values[3];
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetRemappedRows_v2(nvmlDevice_t device, nvmlRemappedRowsInfo_v2_t *info)
{
    static const char *const KEYS[] = {"remap.correctable",   "remap.correctable_inactive",
                                       "remap.uncorrectable", "remap.uncorrectable_inactive",
                                       "remap.pending",       "remap.failed"};
    unsigned int values[6];
    nvmlReturn_t code;
    CALL_DEVICE(device, CALL_NOT_WITH_MIG);

    NEED(info);
    code = words(call.view, KEYS, 6, values);
    if (code)
        return code;
    *info = (nvmlRemappedRowsInfo_v2_t){values[0], values[1], values[2],
                                        values[3], values[4], values[5]};
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t device,
                                                      nvmlRowRemapperHistogramValues_t *histogram)
{
    static const char *const KEYS[] = {"remap.banks.max", "remap.banks.high", "remap.banks.partial",
                                       "remap.banks.low", "remap.banks.none"};
    unsigned int values[5];
    nvmlReturn_t code;
    CALL_DEVICE(device, CALL_NOT_WITH_MIG);

    code = words(call.view, KEYS, 5, values);
    if (code)
        return code;
    *histogram = (nvmlRowRemapperHistogramValues_t){values[0], values[1], values[2], values[3],
                                                    values[4]};
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetRepairStatus(nvmlDevice_t device, nvmlRepairStatus_v1_t *status)
{
    static const char *const KEYS[] = {"repair.channel_pending", "repair.tpc_pending"};
    unsigned int values[2];
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    NEED_VERSION(status, VERSION(nvmlRepairStatus_v1_t, 1), VERSION(nvmlRepairStatus_v1_t, 1));
    code = words(call.view, KEYS, 2, values);
    if (code)
        return code;
    status->bChannelRepairPending = values[0];
    status->bTpcRepairPending = values[1];
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetUnrepairableMemoryFlag_v1(nvmlDevice_t device,
                                                           nvmlUnrepairableMemory_v1_t *flag)
{
    static const char *const KEYS[] = {"memory_unrepairable"};
    CALL_DEVICE(device, 0);
    NEED_VERSION(flag, VERSION(nvmlUnrepairableMemory_v1_t, 1), VERSION(nvmlUnrepairableMemory_v1_t, 1));
    return words(call.view, KEYS, 1, &flag->unrepairableMemory);
}

/* ---- SRAM ---- */

EXPORT nvmlReturn_t nvmlDeviceGetSramEccErrorStatus(nvmlDevice_t device,
                                                    nvmlEccSramErrorStatus_v1_t *status)
{
    static const char *const KEYS[] = {
        "sram.aggregate.parity", "sram.aggregate.secded",    "ecc.corrected.aggregate.sram",
        "sram.volatile.parity",  "sram.volatile.secded",     "ecc.corrected.volatile.sram",
        "sram.aggregate.l2",     "sram.aggregate.sm",        "sram.aggregate.pcie",
        "sram.aggregate.mcu",    "sram.aggregate.other",     "sram.threshold_exceeded",
    };
    unsigned int values[12];
    nvmlReturn_t code;
    CALL_DEVICE(device, CALL_PRIVILEGED);

    NEED_VERSION(status, VERSION(nvmlEccSramErrorStatus_v1_t, 1), VERSION(nvmlEccSramErrorStatus_v1_t, 1));
    code = words(call.view, KEYS, 12, values);
    if (code)
        return code;
    *status = (nvmlEccSramErrorStatus_v1_t){
        status->version, values[0], values[1], values[2], values[3], values[4],  values[5],
        values[6],       values[7], values[8], values[9], values[10], values[11],
    };
    return NVML_SUCCESS;
}

/* Entries "sram.unique.0 = unit location sublocation extlocation address parity count", from 0 up. */
static bool sram_entry(struct view view, unsigned int number,
                       nvmlEccSramUniqueUncorrectedErrorEntry_v1_t *entry)
{
    char key[40];
    const char *text;

    snprintf(key, sizeof key, "sram.unique.%u", number);
    text = view_text(view, key);
    return text && sscanf(text, "%u %u %u %u %u %u %u", &entry->unit, &entry->location,
                          &entry->sublocation, &entry->extlocation, &entry->address,
                          &entry->isParity, &entry->count) == 7;
}

EXPORT nvmlReturn_t nvmlDeviceGetSramUniqueUncorrectedEccErrorCounts(
    nvmlDevice_t device, nvmlEccSramUniqueUncorrectedErrorCounts_v1_t *counts)
{
    nvmlEccSramUniqueUncorrectedErrorEntry_v1_t entry;
    unsigned int found = 0, room;
    CALL_DEVICE(device, CALL_PRIVILEGED);

    NEED_VERSION(counts, VERSION(nvmlEccSramUniqueUncorrectedErrorCounts_v1_t, 1), VERSION(nvmlEccSramUniqueUncorrectedErrorCounts_v1_t, 1));
    if (!view_text(call.view, "sram.threshold_exceeded"))
        return NVML_ERROR_NOT_SUPPORTED;
    room = counts->entries ? counts->entryCount : 0;
    for (; sram_entry(call.view, found, &entry); found++)
        if (found < room)
            counts->entries[found] = entry;
    counts->entryCount = found;
    return counts->entries && found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

/* ---- retired pages: "pages.single.0 = ADDRESS UNIX_SECONDS", "pages.double.0 = ..." ---- */

static nvmlReturn_t retired(struct view view, unsigned int cause, unsigned int *count,
                            unsigned long long *addresses, unsigned long long *timestamps)
{
    unsigned long long address, timestamp;
    unsigned int room = addresses ? *count : 0, found = 0;
    const char *text;
    char key[40];

    if (cause > 1)
        return NVML_ERROR_INVALID_ARGUMENT;
    if (!view_text(view, "pages.pending"))
        return NVML_ERROR_NOT_SUPPORTED;
    for (;; found++) {
        snprintf(key, sizeof key, "pages.%s.%u", cause ? "double" : "single", found);
        text = view_text(view, key);
        if (!text || sscanf(text, "%lli %llu", (long long *)&address, &timestamp) != 2)
            break;
        if (found < room) {
            addresses[found] = address;
            if (timestamps)
                timestamps[found] = timestamp;
        }
    }
    *count = found;
    return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

unsigned int retired_count(struct view view, unsigned int cause)
{
    unsigned int count = 0;

    retired(view, cause, &count, NULL, NULL);
    return count;
}

EXPORT nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, unsigned int cause,
                                              unsigned int *count, unsigned long long *addresses)
{
    CALL_DEVICE(device, 0);
    return retired(call.view, cause, count, addresses, NULL);
}

EXPORT nvmlReturn_t nvmlDeviceGetRetiredPages_v2(nvmlDevice_t device, unsigned int cause,
                                                 unsigned int *count, unsigned long long *addresses,
                                                 unsigned long long *timestamps)
{
    CALL_DEVICE(device, 0);
    return retired(call.view, cause, count, addresses, timestamps);
}
