/* The prologue of every call: missing symbols, simulated cost and hangs, and why it is refused. */
#define _GNU_SOURCE
#include "call.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const long HANG_LOOK_NS = 20 * 1000 * 1000;

void burn_microseconds(unsigned long microseconds)
{
    struct timespec start, now;
    long long spent;

    if (!microseconds)
        return;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        spent = (now.tv_sec - start.tv_sec) * 1000000000LL + (now.tv_nsec - start.tv_nsec);
    } while (spent < (long long)microseconds * 1000);
}

/* Whether a word stands in a list separated by blanks or commas. */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || strchr(" ,", at[-1])) && strchr(" ,", at[length]))
            return true; /* strchr finds the terminating NUL too: the end of the list */
    return false;
}

/* What the world does to this function on this GPU: the GPU's own word first, then the server's. */
static const char *fault_of(const struct world *world, const struct device *device, const char *name)
{
    const struct section *places[] = {device ? &world->gpus[device->slot] : NULL,
                                      device ? &world->every : NULL, &world->server};
    const char *fault = NULL;
    char key[128];

    snprintf(key, sizeof key, "call.%s", name);
    for (size_t place = 0; place < sizeof places / sizeof *places && !fault; place++) {
        if (!places[place] || !places[place]->faulty)
            continue;
        fault = section_text(places[place], key);
        if (!fault)
            fault = section_text(places[place], "call.*");
    }
    return fault;
}

static bool still_hung(const struct device *device, const char *name)
{
    struct world *world = world_acquire();
    const char *fault = world ? fault_of(world, device, name) : NULL;
    bool hung = fault && strstr(fault, "hang");

    world_release(world);
    return hung;
}

static void hang(const char *how, const struct device *device, const char *name)
{
    const struct timespec nap = {0, HANG_LOOK_NS};
    char path[4096], byte;
    int file;

    if (sscanf(how, "hang file %4095[^;]", path) == 1) {
        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, &byte, 1) < 0)
                perror("simulated driver: read");
            close(file);
        }
        return;
    }
    while (still_hung(device, name)) {
        if (strncmp(how, "hang spin", 9) == 0)
            burn_microseconds(1000);
        else
            nanosleep(&nap, NULL);
    }
}

static void delay(double seconds)
{
    struct timespec nap = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&nap, NULL);
}

/* Take memory and never give it back; without touching it, so that only a limit of the process ends
 * it. A library that gets none aborts, as C++ does. */
static void grow(unsigned long mebibytes)
{
    void *taken = mmap(NULL, mebibytes << 20, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (taken != MAP_FAILED)
        return;
    fputs("simulated driver: no memory is left for this process\n", stderr);
    abort();
}

/* "error N", "delay SECONDS", "grow MEBIBYTES", "hang sleep|spin|file PATH", joined by ";". Returns
 * the error. */
static nvmlReturn_t suffer(const char *fault, const struct device *device, const char *name)
{
    const char *at;
    double seconds;
    unsigned int code;
    unsigned long mebibytes;

    if ((at = strstr(fault, "grow ")) && sscanf(at, "grow %lu", &mebibytes) == 1)
        grow(mebibytes);
    if ((at = strstr(fault, "delay ")) && sscanf(at, "delay %lf", &seconds) == 1)
        delay(seconds);
    if ((at = strstr(fault, "hang")))
        hang(at, device, name);
    if ((at = strstr(fault, "error ")) && sscanf(at, "error %u", &code) == 1)
        return code;
    return NVML_SUCCESS;
}

bool device_lost(const struct world *world, const struct device *device)
{
    struct view view = {world, device->slot};
    const char *uuid = view_text(view, "uuid"), *lost = view_text(view, "lost"),
               *present = view_text(view, "present"), *kernel = view_text(view, "kernel_driver");

    return !world->described[device->slot] || !uuid || strcmp(uuid, device->uuid) != 0 ||
           (lost && strcmp(lost, "yes") == 0) || (present && strcmp(present, "no") == 0) ||
           (kernel && strcmp(kernel, "nvidia") != 0);
}

static bool with_mig(struct view view)
{
    long long mode;

    return view_number(view, "mig.current", &mode) == NVML_SUCCESS && mode == 1;
}

/* privileged = root (as the driver does), everyone, or nobody (tests that run as root). */
static bool permitted(const struct world *world)
{
    const char *who = server_text(world, "privileged");

    if (who && strcmp(who, "everyone") == 0)
        return true;
    return !(who && strcmp(who, "nobody") == 0) && geteuid() == 0;
}

static nvmlReturn_t prologue(struct call *call, const char *name, const struct device *device,
                             unsigned int flags)
{
    const char *fault;

    call->world = world_acquire();
    if (!call->world)
        return NVML_ERROR_DRIVER_NOT_LOADED;
    if (call->world->missing && listed(call->world->missing, name))
        return NVML_ERROR_FUNCTION_NOT_FOUND;
    if (device && !device_known(device))
        return NVML_ERROR_INVALID_ARGUMENT;
    burn_microseconds(call->world->burn_call_us);
    fault = fault_of(call->world, device, name);
    if (fault) {
        nvmlReturn_t code = suffer(fault, device, name);
        if (code)
            return code;
        world_release(call->world); /* it may have changed while we were stuck */
        call->world = world_acquire();
    }
    return flags & CALL_LIBRARY ? NVML_SUCCESS : session_check(call->world);
}

nvmlReturn_t call_begin_system(struct call *call, const char *name, unsigned int flags)
{
    return prologue(call, name, NULL, flags);
}

nvmlReturn_t call_begin(struct call *call, const char *name, const struct device *device,
                        unsigned int flags)
{
    nvmlReturn_t refusal = device ? prologue(call, name, device, flags) : NVML_ERROR_INVALID_ARGUMENT;

    if (refusal)
        return refusal;
    call->view = (struct view){call->world, device->slot};
    call->lost = device_lost(call->world, device);
    if (call->lost && !(flags & (CALL_CACHED | CALL_LOST_LATER)))
        return NVML_ERROR_GPU_IS_LOST;
    if (flags & CALL_NOT_WITH_MIG && with_mig(call->view))
        return NVML_ERROR_NOT_SUPPORTED;
    if (flags & CALL_PRIVILEGED && !permitted(call->world))
        return NVML_ERROR_NO_PERMISSION;
    return NVML_SUCCESS;
}

void call_end(struct call *call)
{
    world_release(call->world);
}
