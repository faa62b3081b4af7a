/* nvmlDeviceGetFieldValues: one row per field id, and the drivers under which the row holds.
 *
 * Ids moved between drivers; the bounds were read off nvidia-ml-py 11.470.66 to 13.615.71
 * (https://docs.nvidia.com/deploy/nvml-api/). */
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "link.h"
#include "memory.h"

enum source {
    PLAIN,       /* a key of the GPU */
    PER_LINK,    /* a key of the link that scopeId names, all of them for UINT_MAX */
    LINK_SUM,    /* the sum of a key over all links */
    ECC_TOTAL,   /* detail: 2 * aggregate + uncorrected */
    ECC_PLACE,   /* detail: 16 * place + 2 * aggregate + uncorrected */
    PAGES,       /* detail: cause */
    UNTIL_MIG,   /* a key that cannot be read while MIG is enabled */
    RECOVERY,    /* the recovery action, whose numbers depend on the driver */
};

enum { U32 = NVML_VALUE_TYPE_UNSIGNED_INT, U64 = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG,
       I32 = NVML_VALUE_TYPE_SIGNED_INT };

struct field {
    unsigned int id;
    enum source source;
    unsigned int type;
    const char *key;
    unsigned int detail;
    unsigned int from, until; /* driver numbers (version_number); 0 is open */
};

#define PLACE(place, aggregate, uncorrected) (16 * (place) + 2 * (aggregate) + (uncorrected))

static const struct field FIELDS[] = {
    {1, PLAIN, U32, "ecc_mode.current", 0, 0, 0},
    {2, PLAIN, U32, "ecc_mode.pending", 0, 0, 0},
    {3, ECC_TOTAL, U64, NULL, 0, 0, 0},
    {4, ECC_TOTAL, U64, NULL, 1, 0, 0},
    {5, ECC_TOTAL, U64, NULL, 2, 0, 0},
    {6, ECC_TOTAL, U64, NULL, 3, 0, 0},
    {7, ECC_PLACE, U64, NULL, PLACE(0, 0, 0), 0, 0},
    {8, ECC_PLACE, U64, NULL, PLACE(0, 0, 1), 0, 0},
    {9, ECC_PLACE, U64, NULL, PLACE(1, 0, 0), 0, 0},
    {10, ECC_PLACE, U64, NULL, PLACE(1, 0, 1), 0, 0},
    {11, ECC_PLACE, U64, NULL, PLACE(2, 0, 0), 0, 0},
    {12, ECC_PLACE, U64, NULL, PLACE(2, 0, 1), 0, 0},
    {13, ECC_PLACE, U64, NULL, PLACE(3, 0, 0), 0, 0},
    {14, ECC_PLACE, U64, NULL, PLACE(3, 0, 1), 0, 0},
    {15, ECC_PLACE, U64, NULL, PLACE(4, 0, 0), 0, 0},
    {16, ECC_PLACE, U64, NULL, PLACE(4, 0, 1), 0, 0},
    {17, ECC_PLACE, U64, NULL, PLACE(6, 0, 1), 0, 0},
    {18, ECC_PLACE, U64, NULL, PLACE(0, 1, 0), 0, 0},
    {19, ECC_PLACE, U64, NULL, PLACE(0, 1, 1), 0, 0},
    {20, ECC_PLACE, U64, NULL, PLACE(1, 1, 0), 0, 0},
    {21, ECC_PLACE, U64, NULL, PLACE(1, 1, 1), 0, 0},
    {22, ECC_PLACE, U64, NULL, PLACE(2, 1, 0), 0, 0},
    {23, ECC_PLACE, U64, NULL, PLACE(2, 1, 1), 0, 0},
    {24, ECC_PLACE, U64, NULL, PLACE(3, 1, 0), 0, 0},
    {25, ECC_PLACE, U64, NULL, PLACE(3, 1, 1), 0, 0},
    {26, ECC_PLACE, U64, NULL, PLACE(4, 1, 0), 0, 0},
    {27, ECC_PLACE, U64, NULL, PLACE(4, 1, 1), 0, 0},
    {28, ECC_PLACE, U64, NULL, PLACE(6, 1, 1), 0, 0},
    {29, PAGES, U64, NULL, 0, 0, 0},
    {30, PAGES, U64, NULL, 1, 0, 0},
    {31, PLAIN, U64, "pages.pending", 0, 0, 0},
    {38, LINK_SUM, U64, "crc_flit", 0, 0, 0},
    {45, LINK_SUM, U64, "crc_data", 0, 0, 0},
    {52, LINK_SUM, U64, "replay", 0, 0, 0},
    {59, LINK_SUM, U64, "recovery", 0, 0, 0},
    {74, PLAIN, U64, "violation.0", 0, 0, 0},
    {75, PLAIN, U64, "violation.1", 0, 0, 0},
    {76, PLAIN, U64, "violation.2", 0, 0, 0},
    {77, PLAIN, U64, "violation.3", 0, 0, 0},
    {78, PLAIN, U64, "violation.4", 0, 0, 0},
    {79, PLAIN, U64, "violation.5", 0, 0, 0},
    {80, PLAIN, U64, "violation.10", 0, 0, 0},
    {81, PLAIN, U64, "violation.11", 0, 0, 0},
    {82, PLAIN, U32, "temperature.memory", 0, 0, 0},
    {83, PLAIN, U64, "energy.millijoules", 0, 0, 0},
    {90, PLAIN, U32, "nvlink.speed", 0, 0, 0},
    {91, PLAIN, U32, "nvlink.count", 0, 0, 0},
    {92, PLAIN, U32, "pages.pending", 0, 0, 0},
    {93, PLAIN, U32, "pages.pending", 0, 0, 0},
    {94, PLAIN, U32, "pcie.replays", 0, 0, 0},
    {95, PLAIN, U32, "pcie.replay_rollovers", 0, 0, 0},
    {138, PER_LINK, U64, "tx_kib", 0, 0, 0},
    {139, PER_LINK, U64, "rx_kib", 0, 0, 0},
    {140, PER_LINK, U64, "raw_tx_kib", 0, 0, 0},
    {141, PER_LINK, U64, "raw_rx_kib", 0, 0, 0},
    {142, UNTIL_MIG, U32, "remap.correctable", 0, 0, 0},
    {143, UNTIL_MIG, U32, "remap.uncorrectable", 0, 0, 0},
    {144, UNTIL_MIG, U32, "remap.pending", 0, 0, 0},
    {145, UNTIL_MIG, U32, "remap.failed", 0, 0, 0},
    {147, PLAIN, U32, "nvlink.switch_links", 0, 0, 0},
    {160, LINK_SUM, U64, "ecc_data", 0, 0, 0},
    {161, PER_LINK, U64, "replay", 0, 525000, 0},
    {162, PER_LINK, U64, "recovery", 0, 525000, 0},
    {163, PER_LINK, U64, "crc_flit", 0, 525000, 0},
    {164, PER_LINK, U32, "speed", 0, 525000, 0},
    {165, PER_LINK, U32, "state", 0, 525000, 0},
    {166, PER_LINK, U32, "version", 0, 525000, 0},
    {169, PLAIN, U32, "pcie.l0_to_recovery", 0, 525000, 0},
    {170, PLAIN, U32, "c2c.count", 0, 525000, 0},
    {173, PLAIN, U32, "pcie.correctable", 0, 525000, 0},
    {174, PLAIN, U32, "pcie.naks_received", 0, 525000, 0},
    {175, PLAIN, U32, "pcie.receiver_errors", 0, 525000, 0},
    {176, PLAIN, U32, "pcie.bad_tlp", 0, 525000, 0},
    {177, PLAIN, U32, "pcie.naks_sent", 0, 525000, 0},
    {178, PLAIN, U32, "pcie.bad_dllp", 0, 525000, 0},
    {179, PLAIN, U32, "pcie.non_fatal", 0, 525000, 0},
    {180, PLAIN, U32, "pcie.fatal", 0, 525000, 0},
    {181, PLAIN, U32, "pcie.unsupported_requests", 0, 525000, 0},
    {182, PLAIN, U32, "pcie.lcrc", 0, 525000, 0},
    {183, PLAIN, U32, "pcie.lane_errors", 0, 525000, 0},
    {185, PLAIN, U32, "power.average", 0, 525000, 0},
    {186, PLAIN, U32, "power.milliwatts", 0, 525000, 0},
    {187, PLAIN, U32, "power.min_limit", 0, 525000, 0},
    {188, PLAIN, U32, "power.max_limit", 0, 525000, 0},
    {189, PLAIN, U32, "power.default_limit", 0, 525000, 0},
    {190, PLAIN, U32, "power.limit", 0, 525000, 0},
    {191, PLAIN, U64, "energy.millijoules", 0, 525000, 0},
    {192, PLAIN, U32, "power.limit", 0, 525000, 0},
    {193, PLAIN, I32, "temperature.shutdown_margin", 0, 525000, 0},
    {194, PLAIN, I32, "temperature.slowdown_margin", 0, 525000, 0},
    {195, PLAIN, I32, "temperature.memory_max_margin", 0, 525000, 0},
    {196, PLAIN, I32, "temperature.gpu_max_margin", 0, 525000, 0},
    {199, PLAIN, U32, "mig.independent_query", 0, 550000, 555000},
    {200, PLAIN, U32, "mig.independent_query", 0, 555000, 570000},
    {199, PLAIN, U32, "mig.independent_query", 0, 570000, 0},
    {200, PLAIN, U32, "nvlink.power_threshold_max", 0, 570000, 0},
    {199, PLAIN, U32, "nvlink.power_threshold_max", 0, 555000, 570000},
    {201, PER_LINK, U64, "xmit_packets", 0, 560000, 0},
    {202, PER_LINK, U64, "xmit_bytes", 0, 560000, 0},
    {203, PER_LINK, U64, "rcv_packets", 0, 560000, 0},
    {204, PER_LINK, U64, "rcv_bytes", 0, 560000, 0},
    {206, PER_LINK, U64, "malformed", 0, 560000, 0},
    {207, PER_LINK, U64, "buffer_overruns", 0, 560000, 0},
    {208, PER_LINK, U64, "rcv_errors", 0, 560000, 0},
    {209, PER_LINK, U64, "rcv_remote_errors", 0, 560000, 0},
    {210, PER_LINK, U64, "rcv_general_errors", 0, 560000, 0},
    {211, PER_LINK, U64, "integrity_errors", 0, 560000, 0},
    {212, PER_LINK, U64, "xmit_discards", 0, 560000, 0},
    {213, PER_LINK, U64, "recoveries_ok", 0, 560000, 0},
    {214, PER_LINK, U64, "recoveries_failed", 0, 560000, 0},
    {215, PER_LINK, U64, "recoveries", 0, 560000, 0},
    {219, PER_LINK, U64, "effective_errors", 0, 560000, 0},
    {221, PER_LINK, U64, "symbol_errors", 0, 560000, 0},
    {226, PLAIN, U32, "reset_required", 0, 550000, 0},
    {227, PLAIN, U32, "drain_and_reset_recommended", 0, 550000, 0},
    {230, RECOVERY, U32, "recovery_action", 0, 570000, 0},
    {251, PLAIN, U32, "power_smoothing.enabled", 0, 570000, 575000},
    {252, PLAIN, U32, "power_smoothing.privilege", 0, 570000, 575000},
    {253, PLAIN, U32, "power_smoothing.ramp_down", 0, 570000, 575000},
    {251, PLAIN, U64, "slowdown.software_thermal", 0, 575000, 580082},
    {252, PLAIN, U64, "slowdown.hardware_thermal", 0, 575000, 580082},
    {253, PLAIN, U64, "slowdown.power_brake", 0, 575000, 580082},
    {256, PLAIN, U32, "power_smoothing.enabled", 0, 575000, 580082},
    {257, PLAIN, U32, "power_smoothing.privilege", 0, 575000, 580082},
    {258, PLAIN, U32, "power_smoothing.ramp_down", 0, 575000, 580082},
    {251, PLAIN, U32, "power_smoothing.enabled", 0, 580082, 0},
    {252, PLAIN, U32, "power_smoothing.privilege", 0, 580082, 0},
    {253, PLAIN, U32, "power_smoothing.ramp_down", 0, 580082, 0},
    {269, PLAIN, U64, "slowdown.software_thermal", 0, 580082, 0},
    {270, PLAIN, U64, "slowdown.hardware_thermal", 0, 580082, 0},
    {271, PLAIN, U64, "slowdown.power_brake", 0, 580082, 0},
    {301, UNTIL_MIG, U32, "remap.correctable_inactive", 0, 610000, 0},
    {302, UNTIL_MIG, U32, "remap.uncorrectable_inactive", 0, 610000, 0},
};

/* Names in the world, numbers on the wire: they moved (5 was a bus reset in 580, an IMEX domain in
 * 610; nvidia-ml-py 13.580.82, 13.610.43, 13.615.71). */
static const struct {
    const char *name;
    unsigned int number, from, until;
} ACTIONS[] = {
    {"none", 0, 0, 0},
    {"reset", 1, 0, 0},
    {"reboot", 2, 0, 0},
    {"drain-p2p", 3, 0, 0},
    {"drain-and-reset", 4, 0, 0},
    {"bus-reset", 5, 580000, 590000},
    {"imex-domain", 5, 610000, 0},
    {"bus-reset", 6, 615000, 0},
    {"system-reboot", 7, 615000, 0},
};

static bool holds(unsigned int driver, unsigned int from, unsigned int until)
{
    return driver >= from && (!until || driver < until);
}

static nvmlReturn_t recovery_action(struct view view, const char *key, long long *value)
{
    const char *name;
    nvmlReturn_t code = view_string(view, key, &name);

    if (code)
        return code;
    for (size_t at = 0; at < sizeof ACTIONS / sizeof *ACTIONS; at++) {
        if (strcmp(ACTIONS[at].name, name) == 0 &&
            holds(view.world->driver, ACTIONS[at].from, ACTIONS[at].until)) {
            *value = ACTIONS[at].number;
            return NVML_SUCCESS;
        }
    }
    return view_number(view, key, value); /* a number that no driver knows yet */
}

static const struct field *field_of(unsigned int id, unsigned int driver)
{
    for (size_t at = 0; at < sizeof FIELDS / sizeof *FIELDS; at++)
        if (FIELDS[at].id == id && holds(driver, FIELDS[at].from, FIELDS[at].until))
            return &FIELDS[at];
    return NULL;
}

static nvmlReturn_t unless_mig(struct view view, const char *key, long long *value)
{
    long long mode;

    if (view_number(view, "mig.current", &mode) == NVML_SUCCESS && mode == 1)
        return NVML_ERROR_NOT_SUPPORTED;
    return view_number(view, key, value);
}

static nvmlReturn_t pages(struct view view, unsigned int cause, long long *value)
{
    *value = retired_count(view, cause);
    return view_text(view, "pages.pending") ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

static nvmlReturn_t look_up(struct view view, const struct field *field, unsigned int scope,
                            long long *value)
{
    unsigned long long count = 0;
    nvmlReturn_t code;

    switch (field->source) {
    case PLAIN:
        return view_number(view, field->key, value);
    case PER_LINK:
        return scope == ~0u ? link_total(view, field->key, value)
                            : link_number(view, scope, field->key, value);
    case LINK_SUM:
        return link_total(view, field->key, value);
    case ECC_TOTAL:
        code = ecc_total(view, field->detail & 1, field->detail >> 1, &count);
        *value = (long long)count;
        return code;
    case ECC_PLACE:
        code = ecc_count(view, field->detail & 1, field->detail >> 1 & 1, field->detail / 16, &count);
        *value = (long long)count;
        return code;
    case PAGES:
        return pages(view, field->detail, value);
    case UNTIL_MIG:
        return unless_mig(view, field->key, value);
    case RECOVERY:
        return recovery_action(view, field->key, value);
    }
    return NVML_ERROR_NOT_SUPPORTED;
}

/* "field.230 = error 3" or "field.230 = 9" overrides a field whatever it would be. */
static nvmlReturn_t overridden(struct view view, unsigned int id, long long *value, bool *found)
{
    char key[32];

    snprintf(key, sizeof key, "field.%u", id);
    *found = view_text(view, key) != NULL;
    return *found ? view_number(view, key, value) : NVML_SUCCESS;
}

static void answer(struct view view, nvmlFieldValue_t *out)
{
    const struct field *field = field_of(out->fieldId, view.world->driver);
    long long value = 0;
    bool found;

    out->nvmlReturn = overridden(view, out->fieldId, &value, &found);
    if (!found)
        out->nvmlReturn = field ? look_up(view, field, out->scopeId, &value)
                                : NVML_ERROR_NOT_SUPPORTED;
    out->valueType = field ? field->type : U32;
    if (out->nvmlReturn)
        return;
    if (out->valueType == U64)
        out->value.ullVal = (unsigned long long)value;
    else
        out->value.uiVal = (unsigned int)value; /* siVal shares its bytes */
}

/* The call succeeds when the array could be walked; each value carries its own code, on a lost GPU
 * too. */
EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values)
{
    CALL_DEVICE(device, CALL_LOST_LATER);
    if (count <= 0 || !values)
        return NVML_ERROR_INVALID_ARGUMENT;
    for (int at = 0; at < count; at++) {
        burn_microseconds(call.world->burn_field_us);
        memset(&values[at].value, 0, sizeof values[at].value);
        values[at].timestamp = (long long)(clock_wall(&call.world->clock) * 1e6);
        values[at].latencyUsec = 0;
        if (call.lost) {
            values[at].valueType = U32;
            values[at].nvmlReturn = NVML_ERROR_GPU_IS_LOST;
        } else {
            answer(call.view, &values[at]);
        }
    }
    return NVML_SUCCESS;
}
