/* A call: what every entry point goes through before it may answer. */
#ifndef SIMULATOR_CALL_H
#define SIMULATOR_CALL_H

#include "world.h"

/* A GPU as one process knows it: the handle's target. It names a board, not only a slot, so that a
 * handle to a board that was taken out is a lost GPU. */
struct device {
    unsigned int slot;
    char uuid[80];
};

enum call_flag {
    CALL_LIBRARY = 1,       /* answers without nvmlInit (error texts, versions) */
    CALL_CACHED = 2,        /* a getter that goes on answering when the GPU is lost */
    CALL_NOT_WITH_MIG = 4,  /* refused while MIG is enabled */
    CALL_PRIVILEGED = 8,    /* for root */
    CALL_LOST_LATER = 16,   /* tells a lost GPU in its own way (per value) */
};

struct call {
    struct world *world;
    struct view view; /* valid when the call is about a device */
    bool lost;
};

/* Every entry point starts with one of these; the world is given back when the function returns. */
nvmlReturn_t call_begin(struct call *call, const char *name, const struct device *device,
                        unsigned int flags);
nvmlReturn_t call_begin_system(struct call *call, const char *name, unsigned int flags);
void call_end(struct call *call);

#define CALL_DEVICE(device, flags)                                                     \
    __attribute__((cleanup(call_end))) struct call call = {0};                         \
    nvmlReturn_t refusal = call_begin(&call, __func__, device, flags);                 \
    if (refusal)                                                                       \
        return refusal

#define CALL_SYSTEM(flags)                                                             \
    __attribute__((cleanup(call_end))) struct call call = {0};                         \
    nvmlReturn_t refusal = call_begin_system(&call, __func__, flags);                  \
    if (refusal)                                                                       \
        return refusal

/* What the caller must give to be answered; a structure says its version in its first word. */
#define NEED(pointer)                                                                  \
    do {                                                                               \
        if (!(pointer))                                                                \
            return NVML_ERROR_INVALID_ARGUMENT;                                        \
    } while (0)

#define NEED_VERSION(pointer, first, second)                                           \
    do {                                                                               \
        NEED(pointer);                                                                 \
        if ((pointer)->version != (first) && (pointer)->version != (second))           \
            return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;                               \
    } while (0)

/* Burn this much CPU on the calling thread. */
void burn_microseconds(unsigned long microseconds);

/* Whether the board behind a handle no longer answers in this world. */
bool device_lost(const struct world *world, const struct device *device);

/* session.c: what nvmlInit made, and the handles. */
nvmlReturn_t session_check(const struct world *world);
bool device_known(const struct device *device);

#endif
