/* What nvmlInit makes: the enumeration of GPUs, their handles, and the locks that say "in use". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "call.h"

#define DEVICES_MAX 256
#define LOCKS_MAX (GPUS_MAX + 1)

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct device devices[DEVICES_MAX]; /* never moved or reused: handles point here */
static unsigned int device_count;

static unsigned int initialisations;
static long long attached_load;                /* the module load that nvmlInit met */
static struct device *attached[GPUS_MAX];      /* by NVML index */
static unsigned int attached_count;
static char library_version[80];               /* of the library file when it was mapped */

struct lock {
    char path[4200];
    int file;
};
static struct lock locks[LOCKS_MAX]; /* the driver's, then one per slot; file 0 is none */

__attribute__((constructor)) static void remember_library(void)
{
    struct world *world = world_acquire();
    const char *version = world ? server_text(world, "library_version") : NULL;

    if (version)
        copy_text(library_version, sizeof library_version, version);
    world_release(world);
}

static long long module_load(const struct world *world)
{
    const char *text = server_text(world, "module_load");
    long long load = 0;

    return text && sscanf(text, "%lld", &load) == 1 ? load : 0;
}

nvmlReturn_t session_check(const struct world *world)
{
    if (!initialisations)
        return NVML_ERROR_UNINITIALIZED;
    if (!server_flag(world, "module_loaded") || module_load(world) != attached_load)
        return NVML_ERROR_DRIVER_NOT_LOADED; /* the module was forced out from under us */
    return NVML_SUCCESS;
}

bool device_known(const struct device *device)
{
    return device >= devices && device < devices + device_count;
}

/* ---- "in use": a lock the kernel drops when the process ends, however it ends ---- */

/* Whether the file we locked still stands under its name: a tool that tidies up after dead clients
 * may have unlinked it between our opening and locking it. */
static bool still_named(const struct lock *lock)
{
    struct stat held, named;

    return fstat(lock->file, &held) == 0 && stat(lock->path, &named) == 0 &&
           held.st_ino == named.st_ino;
}

static void hold(unsigned int place, const char *what)
{
    struct lock *lock = &locks[place];

    if (lock->file || !world_directory())
        return;
    snprintf(lock->path, sizeof lock->path, "%s/clients/%d.%s", world_directory(), (int)getpid(),
             what);
    do {
        if (lock->file > 0)
            close(lock->file);
        lock->file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock->file < 0 || flock(lock->file, LOCK_EX) != 0) {
            perror("simulated driver: cannot register as a client");
            return;
        }
    } while (!still_named(lock));
}

static void hold_device(unsigned int slot)
{
    char name[16];

    snprintf(name, sizeof name, "%u", slot);
    hold(slot + 1, name);
}

static void let_go(void)
{
    for (unsigned int place = 0; place < LOCKS_MAX; place++) {
        if (locks[place].file > 0) {
            unlink(locks[place].path);
            close(locks[place].file);
        }
        locks[place].file = 0;
    }
}

/* ---- handles ---- */

static struct device *device_for(unsigned int slot, const char *uuid)
{
    for (unsigned int at = 0; at < device_count; at++)
        if (devices[at].slot == slot && strcmp(devices[at].uuid, uuid) == 0)
            return &devices[at];
    if (device_count == DEVICES_MAX)
        return NULL;
    devices[device_count].slot = slot;
    if (!copy_text(devices[device_count].uuid, sizeof devices[0].uuid, uuid))
        return NULL;
    return &devices[device_count++];
}

static bool text_is(struct view view, const char *key, const char *wanted)
{
    const char *text = view_text(view, key);
    return text && strcmp(text, wanted) == 0;
}

static void enumerate(const struct world *world)
{
    attached_count = 0;
    for (unsigned int slot = 0; slot < GPUS_MAX; slot++) {
        struct view view = {world, slot};
        const char *uuid = view_text(view, "uuid"), *kernel = view_text(view, "kernel_driver");
        struct device *device;

        if (!world->described[slot] || !uuid || text_is(view, "present", "no") ||
            (kernel && strcmp(kernel, "nvidia") != 0))
            continue;
        device = device_for(slot, uuid);
        if (device)
            attached[attached_count++] = device;
    }
}

/* ---- init and shutdown ---- */

static nvmlReturn_t attach(const struct world *world)
{
    const char *module_version = server_text(world, "driver_version");

    if (!server_flag(world, "module_loaded"))
        return NVML_ERROR_DRIVER_NOT_LOADED;
    if (!module_version || strcmp(library_version, module_version) != 0)
        return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
    pthread_mutex_lock(&guard);
    if (!initialisations++) {
        attached_load = module_load(world);
        enumerate(world);
        hold(0, "driver");
    }
    pthread_mutex_unlock(&guard);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    CALL_SYSTEM(CALL_LIBRARY);
    (void)flags; /* NO_GPUS and NO_ATTACH change nothing here: handles attach when they are asked for */
    return attach(call.world);
}

EXPORT nvmlReturn_t nvmlInit_v2(void)
{
    CALL_SYSTEM(CALL_LIBRARY);
    return attach(call.world);
}

EXPORT nvmlReturn_t nvmlShutdown(void)
{
    CALL_SYSTEM(CALL_LIBRARY);
    if (!initialisations)
        return NVML_ERROR_UNINITIALIZED;
    pthread_mutex_lock(&guard);
    if (--initialisations == 0)
        let_go();
    pthread_mutex_unlock(&guard);
    return NVML_SUCCESS;
}

/* ---- finding GPUs ---- */

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    CALL_SYSTEM(0);
    *count = attached_count;
    return NVML_SUCCESS;
}

/* A handle is given only to a GPU that answers; giving it makes this process a client of it. A hang
 * or error of "nvmlDeviceGetHandleBy..." in a GPU's section is that GPU's. */
static nvmlReturn_t open_device(const char *name, struct device *device, nvmlDevice_t *handle)
{
    __attribute__((cleanup(call_end))) struct call call = {0};
    nvmlReturn_t refusal;

    if (!initialisations)
        return NVML_ERROR_UNINITIALIZED;
    refusal = call_begin(&call, name, device, 0);
    if (refusal)
        return refusal;
    pthread_mutex_lock(&guard);
    hold_device(device->slot);
    pthread_mutex_unlock(&guard);
    *handle = device;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *handle)
{
    if (initialisations && index >= attached_count)
        return NVML_ERROR_INVALID_ARGUMENT;
    return open_device(__func__, initialisations ? attached[index] : NULL, handle);
}

/* The first attached GPU for which the test holds, opened. */
static nvmlReturn_t open_where(const char *name, bool (*is)(struct view, const void *),
                               const void *wanted, nvmlDevice_t *handle)
{
    struct world *world = world_acquire();
    struct device *found = NULL;

    for (unsigned int index = 0; initialisations && world && index < attached_count && !found; index++)
        if (is((struct view){world, attached[index]->slot}, wanted))
            found = attached[index];
    world_release(world);
    if (!initialisations)
        return NVML_ERROR_UNINITIALIZED;
    return found ? open_device(name, found, handle) : NVML_ERROR_NOT_FOUND;
}

static bool has_uuid(struct view view, const void *wanted)
{
    return text_is(view, "uuid", wanted);
}

static bool has_serial(struct view view, const void *wanted)
{
    return text_is(view, "serial", wanted);
}

static bool has_address(struct view view, const void *wanted)
{
    nvmlPciInfo_t own, asked;

    return fill_address(&own, view_text(view, "pci")) && fill_address(&asked, wanted) &&
           strcmp(own.busId, asked.busId) == 0;
}

#define FIND(name, test)                                                               \
    EXPORT nvmlReturn_t name(const char *wanted, nvmlDevice_t *handle)                 \
    {                                                                                  \
        return open_where(__func__, test, wanted, handle);                             \
    }

FIND(nvmlDeviceGetHandleByUUID, has_uuid)
FIND(nvmlDeviceGetHandleBySerial, has_serial)
FIND(nvmlDeviceGetHandleByPciBusId_v2, has_address)

EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUIDV(const nvmlUUID_v1_t *uuid, nvmlDevice_t *handle)
{
    NEED_VERSION(uuid, VERSION(nvmlUUID_v1_t, 1), VERSION(nvmlUUID_v1_t, 1));
    if (uuid->type != 1) /* NVML_UUID_TYPE_ASCII */
        return NVML_ERROR_NOT_SUPPORTED;
    return open_where(__func__, has_uuid, uuid->value, handle);
}

/* On a lost GPU this fails although names and addresses still answer. */
EXPORT nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index)
{
    CALL_DEVICE(device, 0);
    for (unsigned int at = 0; at < attached_count; at++) {
        if (attached[at] == device) {
            *index = at;
            return NVML_SUCCESS;
        }
    }
    return NVML_ERROR_UNKNOWN;
}
