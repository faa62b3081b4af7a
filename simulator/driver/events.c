/* Event sets: what happens to registered GPUs, read from the world's events file as it grows.
 *
 * One line per event: SEQUENCE SLOT UUID TYPE DATA GPU_INSTANCE COMPUTE_INSTANCE. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "call.h"

#define REGISTRATIONS_MAX GPUS_MAX
#define LINE_MAX_BYTES 256

struct registration {
    struct device *device;
    unsigned long long types;
};

struct event_set {
    int log;      /* the events file, read from where it ended at creation */
    int watch;    /* inotify: the file grew, or the world changed (its times are touched) */
    off_t position;
    struct registration registrations[REGISTRATIONS_MAX];
    unsigned int count;
};

static void close_set(struct event_set *set)
{
    if (set->log >= 0)
        close(set->log);
    if (set->watch >= 0)
        close(set->watch);
    free(set);
}

EXPORT nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *out)
{
    struct event_set *set;
    char path[4200];
    CALL_SYSTEM(0);

    set = calloc(1, sizeof *set);
    if (!set)
        return NVML_ERROR_MEMORY;
    snprintf(path, sizeof path, "%s/events", world_directory());
    set->log = open(path, O_RDONLY | O_CLOEXEC);
    set->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (set->log < 0 || set->watch < 0 ||
        inotify_add_watch(set->watch, path, IN_MODIFY | IN_ATTRIB) < 0) {
        close_set(set);
        return NVML_ERROR_UNKNOWN;
    }
    set->position = lseek(set->log, 0, SEEK_END);
    *out = set;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)
{
    CALL_SYSTEM(0);
    if (!set)
        return NVML_ERROR_INVALID_ARGUMENT;
    close_set(set);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long *types)
{
    long long value;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    code = view_number(call.view, "event_types", &value);
    if (!code)
        *types = (unsigned long long)value;
    return code;
}

EXPORT nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types,
                                             nvmlEventSet_t set)
{
    long long supported;
    nvmlReturn_t code;
    CALL_DEVICE(device, 0);

    if (!set)
        return NVML_ERROR_INVALID_ARGUMENT;
    code = view_number(call.view, "event_types", &supported);
    if (code)
        return code;
    if (types & ~(unsigned long long)supported)
        return NVML_ERROR_NOT_SUPPORTED; /* all or nothing: one unknown bit refuses the rest */
    if (set->count == REGISTRATIONS_MAX)
        return NVML_ERROR_INSUFFICIENT_SIZE;
    set->registrations[set->count++] = (struct registration){device, types};
    return NVML_SUCCESS;
}

static bool wanted(const struct event_set *set, unsigned int slot, const char *uuid,
                   nvmlEventData_t *data)
{
    for (unsigned int at = 0; at < set->count; at++) {
        struct device *device = set->registrations[at].device;
        if (device->slot == slot && strcmp(device->uuid, uuid) == 0 &&
            set->registrations[at].types & data->eventType) {
            data->device = device;
            return true;
        }
    }
    return false;
}

/* Take the next event somebody registered for; lines still being written wait for their end. */
static bool next_event(struct event_set *set, nvmlEventData_t *data)
{
    char line[LINE_MAX_BYTES + 1], uuid[80], *end;
    unsigned long long sequence;
    unsigned int slot;
    ssize_t length;

    while ((length = pread(set->log, line, LINE_MAX_BYTES, set->position)) > 0) {
        line[length] = '\0';
        end = strchr(line, '\n');
        if (!end)
            return false;
        *end = '\0';
        set->position += end - line + 1;
        memset(data, 0, sizeof *data);
        if (sscanf(line, "%llu %u %79s %lli %lli %u %u", &sequence, &slot, uuid,
                   (long long *)&data->eventType, (long long *)&data->eventData,
                   &data->gpuInstanceId, &data->computeInstanceId) == 7 &&
            wanted(set, slot, uuid, data))
            return true;
    }
    return false;
}

static bool any_lost(const struct event_set *set)
{
    struct world *world = world_acquire();
    bool lost = false;

    for (unsigned int at = 0; world && at < set->count && !lost; at++)
        lost = device_lost(world, set->registrations[at].device);
    world_release(world);
    return lost;
}

static long milliseconds_until(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (deadline->tv_sec - now.tv_sec) * 1000 + (deadline->tv_nsec - now.tv_nsec) / 1000000;
}

/* Wait without holding a snapshot of the world: it would keep an old one alive for the time-out. */
static nvmlReturn_t wait_for_event(struct event_set *set, nvmlEventData_t *data, unsigned int timeout)
{
    struct pollfd ready = {set->watch, POLLIN, 0};
    struct timespec deadline;
    char notices[4096];
    long left;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout / 1000;
    deadline.tv_nsec += (long)(timeout % 1000) * 1000000;
    for (;;) {
        while (read(set->watch, notices, sizeof notices) > 0)
            ; /* only that something changed matters */
        if (next_event(set, data))
            return NVML_SUCCESS;
        if (any_lost(set))
            return NVML_ERROR_GPU_IS_LOST;
        left = milliseconds_until(&deadline);
        if (left <= 0)
            return NVML_ERROR_TIMEOUT;
        poll(&ready, 1, (int)left);
    }
}

static nvmlReturn_t wait_checked(const char *name, nvmlEventSet_t set, nvmlEventData_t *data,
                                 unsigned int timeout)
{
    {
        __attribute__((cleanup(call_end))) struct call call = {0};
        nvmlReturn_t refusal = call_begin_system(&call, name, 0);
        if (refusal)
            return refusal;
    }
    return set && data ? wait_for_event(set, data, timeout) : NVML_ERROR_INVALID_ARGUMENT;
}

EXPORT nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data,
                                        unsigned int timeout)
{
    return wait_checked(__func__, set, data, timeout);
}

EXPORT nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeout)
{
    return wait_checked(__func__, set, data, timeout);
}
